//! A page that requires fresh credentials shows a visitor one form, whatever the CAS server says of its logins.

use std::time::Duration;

use axum::{Router, routing::get};
use cas_layer::{
    Access, CasConfigBuilder, CasInPlaceLayer, Paths, Protocol, Require, ResponseFormat,
    testing::{CasServer, Quirk},
};
use cas_layer_tests::visitor::{Answer, Visitor};

use crate::support::{App, alice};

const ALICE: [(&str, &str); 2] = [("username", "alice"), ("password", "rabbit-hole")];

fn lately() -> Access {
    Access::required().fresh(Duration::from_secs(60))
}

fn rule(config: CasConfigBuilder) -> CasConfigBuilder {
    config.rule(Paths::exact("/fresh"), lately())
}

/// Fills in forms until there is none. Returns how many there were, and the page at the end.
async fn filled_in(visitor: &Visitor, mut page: Answer) -> (usize, Answer) {
    let mut forms = 0;
    while page.asks_for_password() {
        forms += 1;
        assert!(forms < 5, "one form after another");
        let sent = visitor.send_form(&page, &ALICE).await;
        page = visitor.follow(sent).await;
    }
    (forms, page)
}

/// A stranger opens a path, and has to see one form and then the page.
async fn one_form_will_do(app: &App, path: &str, what: &str) {
    let visitor = Visitor::new();
    let first = visitor.open(&app.at(path)).await;
    let (forms, page) = filled_in(&visitor, first).await;
    assert_eq!(
        (forms, page.status.as_u16(), page.body.as_str()),
        (1, 200, path),
        "{what}"
    );
    // There is nothing more to ask as long as the credentials are fresh.
    let (forms, page) = filled_in(&visitor, visitor.open(&app.at(path)).await).await;
    assert_eq!((forms, page.status.as_u16()), (0, 200), "{what}");
}

#[tokio::test]
async fn a_stranger_fills_in_one_form_by_every_protocol() {
    for protocol in [
        Protocol::Cas1,
        Protocol::Cas2,
        Protocol::Cas3,
        Protocol::Saml1,
    ] {
        // Only two of them have JSON.
        let formats: &[ResponseFormat] = match protocol {
            Protocol::Cas2 | Protocol::Cas3 => &[ResponseFormat::Xml, ResponseFormat::Json],
            _ => &[ResponseFormat::Xml],
        };
        for &format in formats {
            for quirk in [None, Some(Quirk::OmitLoginFacts)] {
                let app = App::with(|config| {
                    rule(config).client(|client| client.protocol(protocol).format(format))
                });
                let app = app.await;
                app.cas.set_quirks(quirk);
                let what = format!("{protocol:?} {format:?} {quirk:?}");
                one_form_will_do(&app, "/fresh", &what).await;
            }
        }
    }
}

#[tokio::test]
async fn so_does_a_stranger_in_place_and_below_a_small_layer() {
    let cas = || {
        CasServer::builder()
            .user(alice())
            .quirk(Quirk::OmitLoginFacts)
    };
    let in_place = |app: Router, config| app.layer(CasInPlaceLayer::new(config));
    let small = |app: Router, config| {
        let page = get(async || "/public/fresh").layer(Require::new(lately()).unwrap());
        app.route("/public/fresh", page)
            .layer(CasInPlaceLayer::new(config))
    };
    let app = App::under(cas(), rule, in_place).await;
    one_form_will_do(&app, "/fresh", "in place").await;
    let app = App::under(cas(), |config| config, small).await;
    one_form_will_do(&app, "/public/fresh", "a small layer").await;
}

#[tokio::test]
async fn a_visitor_without_a_session_here_gives_the_password_although_the_server_knows_them() {
    let app = App::with(rule).await;
    app.cas.set_quirks([Quirk::OmitLoginFacts]);
    let visitor = Visitor::new();
    let first = visitor.open(&app.at("/page")).await;
    assert_eq!(filled_in(&visitor, first).await.0, 1);
    visitor.get(&app.at("/logout")).await;
    let page = visitor.open(&app.at("/page")).await;
    assert_eq!(page.body, "/page", "nobody is asked for a page like this");
    visitor.get(&app.at("/logout")).await;
    let first = visitor.open(&app.at("/fresh")).await;
    let (forms, page) = filled_in(&visitor, first).await;
    assert_eq!((forms, page.body.as_str()), (1, "/fresh"));
}

#[tokio::test]
async fn where_nobody_is_redirected_the_way_to_sign_in_asks_for_credentials() {
    let app = App::with(rule).await;
    let visitor = Visitor::new();
    let problem = visitor.get_json(&app.at("/fresh")).await;
    assert_eq!(problem.status, 401);
    assert_eq!(problem.json()["reason"], "sign-in-needed");
    let login_url = problem.json()["login_url"].as_str().unwrap().to_owned();
    let begun = visitor.get(&login_url).await.location();
    let asks = |name: &str| {
        begun
            .query_pairs()
            .any(|(it, value)| it == name && value == "true")
    };
    assert!(asks("renew"), "{begun}");
    let elsewhere = visitor.get_json(&app.at("/page")).await.json();
    assert_eq!(elsewhere["login_url"], app.at("/login"));
}
