//! `database`

use cas_layer_tests::visitor::{Visitor, answer};
use http::Method;

use crate::program::Program;

#[tokio::test]
async fn database_makes_users_gives_them_their_roles_and_turns_blocked_ones_away() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("users.db").display());
    let start = async |admin: &str| Program::start("database", &[&database, admin]).await;

    // Somebody else is the administrator.
    let program = start("root").await;
    let visitor = Visitor::new();
    let page = program.sign_in(&visitor, "/profile").await;
    assert_eq!(page.body, "casuser is user 2 with the roles: ");
    assert_eq!(visitor.open(&program.at("/admin")).await.status, 403);
    let again = Visitor::new();
    let page = program.sign_in(&again, "/profile").await;
    assert_eq!(page.body, "casuser is user 2 with the roles: ");
    drop(program);

    let program = start("casuser").await;
    let visitor = Visitor::new();
    let page = program.sign_in(&visitor, "/profile").await;
    assert_eq!(page.body, "casuser is user 2 with the roles: admin");
    assert_eq!(visitor.open(&program.at("/admin")).await.status, 200);
    let block = async |name: &str| {
        let url = program.at(&format!("/admin/block/{name}"));
        answer(visitor.request(Method::POST, &url)).await.status
    };
    assert_eq!(block("nobody").await, 404);
    assert_eq!(block("casuser").await, 204);
    assert_eq!(block("casuser").await, 401, "the session has ended");
    let page = visitor.open(&program.at("/profile")).await;
    assert_eq!(page.status, 403, "{}", page.body);
    assert!(
        page.body.contains("Your account is blocked."),
        "{}",
        page.body
    );
}
