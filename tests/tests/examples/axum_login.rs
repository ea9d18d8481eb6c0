//! `axum_login`

use cas_layer_tests::visitor::{Answer, Visitor, answer};
use http::Method;

use crate::program::Program;

/// Leads to the profile by way of a sign-in, and asks the app for nothing on the way there.
const SIGN_IN: &str = "/login?next=/profile";

async fn start() -> Program {
    let users = ["alice", "bob", "carol"];
    let accounts = ["alice=admin", "bob=member"];
    Program::start_for(&users, "axum_login", &accounts).await
}

async fn post(program: &Program, visitor: &Visitor, path: &str) -> Answer {
    answer(visitor.request(Method::POST, &program.at(path))).await
}

async fn page(program: &Program, visitor: &Visitor, path: &str) -> String {
    visitor.open(&program.at(path)).await.body
}

#[tokio::test]
async fn axum_login_follows_a_sign_in_and_a_sign_out() {
    let program = start().await;
    let visitor = Visitor::new();
    assert_eq!(page(&program, &visitor, "/").await, "Hello visitor");
    let profile = program.sign_in_as(&visitor, "/profile", "alice").await;
    assert_eq!(profile.body, "alice, admin, note: none");
    assert_eq!(page(&program, &visitor, "/").await, "Hello alice");
    assert_eq!(post(&program, &visitor, "/note/tea").await.status, 204);
    assert_eq!(
        page(&program, &visitor, "/profile").await,
        "alice, admin, note: tea"
    );

    // By the layer's path, and by a button of the app's.
    let left = page(&program, &visitor, "/logout").await;
    assert!(left.contains("Signed out"), "{left}");
    assert_eq!(page(&program, &visitor, "/").await, "Hello visitor");
    let profile = program.sign_in_as(&visitor, SIGN_IN, "alice").await;
    assert_eq!(profile.body, "alice, admin, note: none");
    let left = post(&program, &visitor, "/sign-out").await;
    let left = visitor.follow(left).await;
    assert_eq!(left.url.path(), "/logout_callback", "{}", left.body);
    assert_eq!(page(&program, &visitor, "/").await, "Hello visitor");
    assert_eq!(post(&program, &visitor, "/note/tea").await.status, 401);
}

#[tokio::test]
async fn axum_login_shows_another_user_nothing_of_the_first() {
    let program = start().await;
    let visitor = Visitor::new();
    let id = || {
        let mut cookies = visitor.cookies(&program.at("/")).into_iter();
        cookies.find(|(name, _)| name == "id").map(|(_, id)| id)
    };
    program.sign_in_as(&visitor, SIGN_IN, "alice").await;
    assert_eq!(post(&program, &visitor, "/note/tea").await.status, 204);
    let of_alice = id().unwrap();
    // The browser goes from one to the other without a look at the app.
    visitor.open(&program.at("/logout")).await;
    let profile = program.sign_in_as(&visitor, SIGN_IN, "bob").await;
    assert_eq!(profile.body, "bob, member, note: none");
    assert_ne!(id().unwrap(), of_alice);

    // With the identifier of bob's session, and nothing else.
    let thief = Visitor::new();
    thief.take_cookie(&program.at("/"), "id", &id().unwrap());
    assert_eq!(page(&program, &thief, "/").await, "Hello visitor");
}

#[tokio::test]
async fn axum_login_has_nobody_after_a_single_logout() {
    let program = start().await;
    for is_back_at_once in [false, true] {
        let visitor = Visitor::new();
        program.sign_in_as(&visitor, SIGN_IN, "alice").await;
        assert_eq!(post(&program, &visitor, "/note/tea").await.status, 204);
        let report = program.cas.log_out("alice").await;
        assert_eq!((report.sent, report.accepted), (1, 1));
        if !is_back_at_once {
            assert_eq!(post(&program, &visitor, "/note/milk").await.status, 401);
            assert_eq!(page(&program, &visitor, "/").await, "Hello visitor");
        }
        let profile = program.sign_in_as(&visitor, SIGN_IN, "alice").await;
        assert_eq!(profile.body, "alice, admin, note: none");
        visitor.open(&program.at("/logout")).await;
    }
}

#[tokio::test]
async fn axum_login_has_no_place_for_a_user_without_an_account() {
    let program = start().await;
    let visitor = Visitor::new();
    let refused = program.sign_in_as(&visitor, SIGN_IN, "carol").await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.body, "You have no account here.");
    // They can still leave.
    let left = page(&program, &visitor, "/logout").await;
    assert!(left.contains("Signed out"), "{left}");
    assert_eq!(page(&program, &visitor, "/").await, "Hello visitor");
}
