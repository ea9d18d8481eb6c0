//! What a session carries, and who gets none.

use axum::routing::get;
use cas_layer::{
    CasConfigBuilder, CasLayer, CasUser, MemoryRegistry, SessionOptions, SessionPlace, UserName,
    Veto,
    testing::{CasServer, User},
};
use serde_json::{Value, json};

use cas_layer_tests::noise::noise;

use crate::{
    browser::{Answer, Browser},
    support::{App, alice},
};

/// Name and attributes as the app sees them after alice has signed in.
async fn alice_under(
    configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
) -> (Value, Value) {
    let app = App::with(configure).await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let page = browser.open(&app.at("/profile")).await;
    assert_eq!(page.status, 200);
    let mut page: Value = serde_json::from_str(&page.body).unwrap();
    (page["user"].take(), page["attributes"].take())
}

#[tokio::test]
async fn the_app_chooses_and_renames_attributes() {
    let (_, none) =
        alice_under(|config: CasConfigBuilder| config.session(SessionOptions::no_attributes)).await;
    assert_eq!(none, json!({}));
    let (_, some) = alice_under(|config| {
        config.session(|session| {
            session
                .only_attributes(["memberOf", "mail"])
                .rename_attribute("memberOf", "groups")
        })
    })
    .await;
    let groups = ["rabbits", "cats & hatters", "猫"];
    assert_eq!(
        some,
        json!({ "mail": ["alice@wonderland.example"], "groups": groups })
    );
    let (_, last) = alice_under(|c| {
        c.session(|session| {
            session
                .only_attributes(["mail"])
                .only_attributes(["memberOf"])
        })
    })
    .await;
    assert_eq!(last, json!({ "memberOf": groups }));
}

#[tokio::test]
async fn attributes_that_are_not_chosen_do_not_count_against_the_cookie() {
    let big = User::new("alice", "rabbit-hole")
        .attribute("big", [noise(5_000)])
        .attribute("mail", ["alice@wonderland.example"]);
    let server = || CasServer::builder().user(big.clone());
    let app = App::against(server(), |config| {
        config.session(|session| session.place(SessionPlace::Cookie))
    })
    .await;
    assert_eq!(
        app.sign_in(&mut Browser::new(), "/profile").await.status,
        500
    );
    let app = App::against(server(), |config| {
        config.session(|session| {
            session
                .place(SessionPlace::Cookie)
                .only_attributes(["mail"])
        })
    })
    .await;
    assert_eq!(
        app.sign_in(&mut Browser::new(), "/profile").await.status,
        302
    );
}

#[tokio::test]
async fn the_user_name_is_written_as_the_app_wants_it() {
    let user = async |user_name| {
        alice_under(|config| config.session(|session| session.user_name(user_name)))
            .await
            .0
    };
    assert_eq!(user(UserName::AsIs).await, "alice");
    assert_eq!(user(UserName::AsciiUppercase).await, "ALICE");
    assert_eq!(user(UserName::AsciiLowercase).await, "alice");
}

#[tokio::test]
async fn the_app_changes_name_and_attributes_knowing_all_that_the_server_said() {
    let (user, attributes) = alice_under(|config| {
        config.session(|session| {
            session
                .no_attributes()
                .user_name(UserName::AsciiUppercase)
                .map(|session| {
                    let said = session.authentication();
                    let domain = said
                        .attributes()
                        .first("mail")
                        .and_then(|mail| mail.split('@').nth(1));
                    let name = format!("{}@{}", session.name(), domain.unwrap_or_default());
                    let is_new = said.is_from_new_login() == Some(true);
                    session.set_name(name);
                    session.attributes_mut().push("new", is_new.to_string());
                    Ok(())
                })
        })
    })
    .await;
    assert_eq!(user, "ALICE@wonderland.example");
    assert_eq!(attributes, json!({ "new": ["true"] }));
}

#[tokio::test]
async fn a_user_name_that_the_app_spoils_signs_nobody_in() {
    for bad in ["", "a\nb", &"x".repeat(1_025)] {
        let name = bad.to_owned();
        let app = App::with(|config| {
            config.session(|session| {
                session.map(move |session| {
                    session.set_name(name.clone());
                    Ok(())
                })
            })
        })
        .await;
        let mut browser = Browser::new();
        let answer = app.sign_in(&mut browser, "/profile").await;
        assert_eq!(answer.status, 500, "{bad:?}");
        assert!(!browser.has_session(), "{bad:?}");
    }
}

const REASON: &str = "<script>alert(1)</script> \"only\" mad & hatters";

/// An app that admits alice alone, and has room for one session.
async fn picky() -> App {
    let bob = User::new("bob", "the-builder");
    App::against(CasServer::builder().user(alice()).user(bob), |config| {
        config
            .registry(MemoryRegistry::with_capacity(1))
            .session(|session| {
                session.map(|session| match session.authentication().user() {
                    "alice" => Ok(()),
                    _ => Err(Veto::new(REASON)),
                })
            })
    })
    .await
}

async fn sign_in_as(app: &App, browser: &mut Browser, user: &str, accept: &str) -> Answer {
    let service = app.begin(browser, "/profile").await;
    let ticket = app.cas.issue_ticket(user, &service);
    let callback = browser
        .request(reqwest::Method::GET, &format!("{service}&ticket={ticket}"))
        .header("accept", accept);
    browser.send(callback).await
}

#[tokio::test]
async fn a_veto_is_a_page_with_the_apps_reason_and_nobody_is_signed_in() {
    let app = picky().await;
    let mut browser = Browser::new();
    let refusal = sign_in_as(&app, &mut browser, "bob", "text/html").await;
    assert_eq!(refusal.status, 403);
    assert_eq!(refusal.header("cache-control"), "no-store");
    let escaped = "<p>&lt;script&gt;alert(1)&lt;/script&gt; &quot;only&quot; mad &amp; hatters</p>";
    assert!(refusal.body.contains(escaped), "{}", refusal.body);
    assert!(!refusal.body.contains("<script"), "{}", refusal.body);
    // With the CAS session that is there, trying again would end here again.
    assert!(
        refusal.body.contains("href=\"/logout\""),
        "{}",
        refusal.body
    );
    assert!(!browser.has_session());
    assert!(app.whoami(&mut browser).await.is_null());
}

#[tokio::test]
async fn a_veto_tells_a_program_the_reason() {
    let app = picky().await;
    let mut browser = Browser::new();
    let refusal = sign_in_as(&app, &mut browser, "bob", "application/json").await;
    assert_eq!(refusal.status, 403);
    assert_eq!(refusal.header("content-type"), "application/problem+json");
    let problem: Value = serde_json::from_str(&refusal.body).unwrap();
    assert_eq!(problem["detail"], REASON);
    assert_eq!(problem["reason"], "sign-in-vetoed");
    assert!(!browser.has_session());
}

#[tokio::test]
async fn a_veto_leaves_no_trace_and_the_session_before_it_as_it_was() {
    let app = picky().await;
    for _ in 0..3 {
        sign_in_as(&app, &mut Browser::new(), "bob", "text/html").await;
    }
    let mut browser = Browser::new();
    let welcome = sign_in_as(&app, &mut browser, "alice", "text/html").await;
    assert_eq!(welcome.status, 302, "there is room: {}", welcome.body);

    let mut tab = browser.clone();
    tab.cookies
        .retain(|cookie| !cookie.name().ends_with("-session"));
    let service = app.begin(&mut tab, "/profile").await;
    browser.keep(tab.cookie("-login").unwrap().clone());
    let ticket = app.cas.issue_ticket("bob", &service);
    let refusal = browser.open(&format!("{service}&ticket={ticket}")).await;
    assert_eq!(refusal.status, 403);
    assert_eq!(app.whoami(&mut browser).await, "alice");
}

#[tokio::test]
async fn the_app_knows_when_the_credentials_were_given_and_whether_for_this_session() {
    let how = async |user: CasUser| {
        let date = user.authentication_date().expect("the server says it");
        format!("{:?} {date:?}", user.is_from_new_login())
    };
    let app = App::under(
        CasServer::builder().user(alice()),
        |config| config.sign_out(|sign_out| sign_out.locally(true)),
        |routes, config| routes.route("/how", get(how)).layer(CasLayer::new(config)),
    )
    .await;
    let client = reqwest::Client::builder().cookie_store(true);
    let client = client.no_proxy().build().unwrap();
    let page = app.cas.sign_in(&client, &app.at("/how")).await.unwrap();
    let first = page.text().await.unwrap();
    let date = first.strip_prefix("Some(true) ").expect(&first).to_owned();
    // The CAS server still knows them.
    client.get(app.at("/logout")).send().await.unwrap();
    let page = client.get(app.at("/how")).header("accept", "text/html");
    let second = page.send().await.unwrap().text().await.unwrap();
    assert_eq!(second, format!("Some(false) {date}"));
}
