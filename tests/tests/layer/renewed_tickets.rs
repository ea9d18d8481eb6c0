//! The CAS server refuses a ticket because nobody gave credentials for it, as `LemonLDAP::NG` does while its session is
//! seconds old. The login begins once more, and then there is a page.

use std::time::Duration;

use axum::Router;
use cas_layer::{
    Access, CasConfigBuilder, CasInPlaceLayer, Paths, Protocol,
    testing::{CasServer, Quirk},
};
use cas_layer_tests::visitor::{Answer, Visitor};

use crate::support::{App, alice};

/// What the CAS server does as long as its session is new.
const NEW: [Quirk; 2] = [Quirk::RenewSparesSessions, Quirk::OmitLoginFacts];

/// Later.
const OLD: [Quirk; 1] = [Quirk::OmitLoginFacts];

fn rules(config: CasConfigBuilder) -> CasConfigBuilder {
    let lately = Access::required().fresh(Duration::from_secs(60));
    config.rule(Paths::exact("/fresh"), lately)
}

fn bare(config: CasConfigBuilder) -> CasConfigBuilder {
    rules(config).sign_in(|it| it.bare_service_url(true).allow_login_csrf(true))
}

/// Apps that can count how often a login has begun again.
async fn apps() -> [App; 4] {
    let in_place = |app: Router, config| app.layer(CasInPlaceLayer::new(config));
    let cas1 = |config| rules(config).client(|client| client.protocol(Protocol::Cas1));
    [
        App::with(rules).await,
        App::with(cas1).await,
        App::with(bare).await,
        App::under(CasServer::builder().user(alice()), rules, in_place).await,
    ]
}

/// Fills in one form, if there is one, and goes on to the end.
async fn filled_in(visitor: &Visitor, page: Answer) -> Answer {
    if !page.asks_for_password() {
        return page;
    }
    let fields = [("username", "alice"), ("password", "rabbit-hole")];
    let sent = visitor.send_form(&page, &fields).await;
    visitor.follow(sent).await
}

/// Visitors whom the CAS server knows: one with a session in the app too, and one without.
async fn visitors(app: &App) -> [(&'static str, Visitor); 2] {
    app.cas.set_quirks(OLD);
    let user = Visitor::new();
    let page = filled_in(&user, user.open(&app.at("/page")).await).await;
    assert_eq!(page.body, "/page");
    let stranger = Visitor::new();
    let login = format!("{}/login", app.cas.url());
    filled_in(&stranger, stranger.open(&login).await).await;
    [("a user", user), ("a stranger", stranger)]
}

#[tokio::test]
async fn a_login_with_credentials_begins_once_more_if_its_ticket_is_refused() {
    for (number, app) in apps().await.iter().enumerate() {
        for refusal in [None, Some(Quirk::FailureAsPlainNo)] {
            for (who, visitor) in visitors(app).await {
                let what = format!("{number} {who} {refusal:?}");
                app.cas.set_quirks(NEW.into_iter().chain(refusal));
                let before = app.cas.validations();
                let at = until_second_login(app, &visitor, &what).await;
                assert_eq!(app.cas.validations(), before + 1, "{what}");
                app.cas.set_quirks(OLD);
                let form = visitor.follow(at).await;
                assert!(form.asks_for_password(), "{what}: {}", form.url);
                let page = filled_in(&visitor, form).await;
                assert_eq!(page.url.as_str(), app.at("/fresh"), "{what}");
                assert_eq!(page.body, "/fresh", "{what}");
            }
        }
    }
}

/// Opens a page that requires fresh credentials, and comes as far as the redirect to the CAS server for the second time.
async fn until_second_login(app: &App, visitor: &Visitor, what: &str) -> Answer {
    let mut at = visitor.get(&app.at("/fresh")).await;
    let mut logins = 0;
    loop {
        assert_eq!(at.status, 302, "{what}: {} {}", at.url, at.body);
        let to = at.location();
        if to.as_str().starts_with(app.cas.url()) {
            logins += 1;
            assert!(to.as_str().contains("&renew=true"), "{what}: {to}");
        }
        if logins == 2 {
            return at;
        }
        at = visitor.get(to.as_str()).await;
    }
}

#[tokio::test]
async fn a_second_refusal_is_a_page_and_no_circle() {
    for (number, app) in apps().await.iter().enumerate() {
        for (who, visitor) in visitors(app).await {
            app.cas.set_quirks(NEW);
            let before = app.cas.validations();
            let page = visitor.open(&app.at("/fresh")).await;
            assert_eq!(page.status, 403, "{number} {who}: {}", page.url);
            assert!(page.body.contains("Sign-in refused"), "{}", page.body);
            assert_eq!(app.cas.validations(), before + 2, "{number} {who}");
            // Whoever was signed in still is.
            app.cas.set_quirks(OLD);
            let other = visitor.get(&app.at("/page")).await;
            assert_eq!(other.status == 200, who == "a user", "{number} {who}");
        }
    }
}
