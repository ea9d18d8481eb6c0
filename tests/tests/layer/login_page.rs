//! What the CAS server's login page is asked for: `warn`, `rememberMe` and `locale`.

use axum::routing::get;
use cas_layer::{
    Access, CasClient, CasConfig, CasConfigBuilder, CasLayer, CasUser, ConfigError, FurtherHost,
    Paths, SignInOptions,
    testing::{CasServer, LoginRequest},
};

use crate::{
    browser::Browser,
    support::{App, alice, key},
};

/// What the CAS server's login page gets from a browser without a session that opens `path`.
async fn asked(app: &App, path: &str) -> LoginRequest {
    let mut browser = Browser::new();
    let answer = browser.open(&app.at(path)).await;
    let form = Browser::new().open(answer.location()).await;
    assert!(form.body.contains("name=\"password\""), "{}", form.body);
    app.cas.login_requests().pop().unwrap()
}

fn said(request: &LoginRequest) -> (bool, bool, Option<&str>) {
    (request.warn, request.remember_me, request.locale.as_deref())
}

async fn app(change: impl FnOnce(SignInOptions) -> SignInOptions) -> App {
    App::with(|config| config.sign_in(change)).await
}

#[tokio::test]
async fn the_login_page_is_asked_for_nothing_by_default_whatever_a_link_says() {
    let app = app(|sign_in| sign_in).await;
    for path in [
        "/profile",
        "/login",
        "/login?locale=fr&rememberMe=true&warn=true&next=/profile",
    ] {
        assert_eq!(said(&asked(&app, path).await), (false, false, None));
    }
}

#[tokio::test]
async fn every_login_asks_for_what_the_app_wants() {
    let app = app(|sign_in| sign_in.warn(true).remember_me(true).locale("pt-BR")).await;
    for path in [
        "/profile",
        "/login",
        "/login?renew=true",
        // What is not allowed changes nothing.
        "/login?locale=fr&rememberMe=false&warn=false",
    ] {
        let request = asked(&app, path).await;
        assert_eq!(said(&request), (true, true, Some("pt-BR")), "{path}");
        assert_eq!(request.renew, path.ends_with("renew=true"));
        let service = request.service.unwrap();
        for name in ["locale", "rememberMe", "warn"] {
            assert!(!service.contains(name), "{service}");
        }
    }
}

#[tokio::test]
async fn a_user_with_a_session_there_sees_a_page_first_if_the_app_wants_it() {
    for warns in [true, false] {
        let app = App::with(|config| {
            config
                .sign_in(|sign_in| sign_in.warn(warns))
                .sign_out(|sign_out| sign_out.locally(true))
        })
        .await;
        let client = reqwest::Client::builder().cookie_store(true);
        let client = client.no_proxy().build().unwrap();
        let profile = app.at("/profile");
        app.cas.sign_in(&client, &profile).await.unwrap();
        client.get(app.at("/logout")).send().await.unwrap();
        let page = client.get(&profile).header("accept", "text/html");
        let page = page.send().await.unwrap();
        let is_there = page.url().as_str().starts_with(app.cas.url());
        let text = page.text().await.unwrap();
        assert_eq!(is_there, warns, "{text}");
        assert_eq!(text.contains("about to be signed in"), warns, "{text}");
    }
}

#[tokio::test]
async fn who_is_remembered_is_known_as_such() {
    for remembers in [true, false] {
        let app = App::under(
            CasServer::builder().user(alice()),
            |config| config.sign_in(|sign_in| sign_in.remember_me(remembers)),
            |routes, config| {
                let is_remembered = async |user: CasUser| {
                    format!("{:?}", user.long_term_authentication_request_token_used())
                };
                let routes = routes.route("/remembered", get(is_remembered));
                routes.layer(CasLayer::new(config))
            },
        )
        .await;
        let client = reqwest::Client::builder().cookie_store(true);
        let client = client.no_proxy().build().unwrap();
        let page = app.cas.sign_in(&client, &app.at("/remembered")).await;
        let text = page.unwrap().text().await.unwrap();
        assert_eq!(text, format!("Some({remembers})"));
    }
}

#[tokio::test]
async fn a_link_chooses_the_language_only_where_that_is_allowed_and_only_with_a_language_tag() {
    let app = app(|sign_in| sign_in.locale("de").locale_by_link(true)).await;
    for (query, locale) in [
        ("", "de"),
        ("?locale=fr", "fr"),
        ("?next=/profile&locale=zh-Hant-TW&renew=true", "zh-Hant-TW"),
        ("?locale=fr&rememberMe=true&warn=true", "fr"),
        // No tags.
        ("?locale=", "de"),
        ("?locale=fr_FR", "de"),
        ("?locale=fr%20", "de"),
        ("?locale=fr%26service%3Dhttps%3A%2F%2Fevil.example", "de"),
        ("?locale=fr%0d%0aSet-Cookie:a=b", "de"),
        ("?locale=%3Cscript%3E", "de"),
        ("?locale=..%2F..", "de"),
        ("?locale=fr-123456789", "de"),
        ("?locale=fr-1234567-1234567-1234567-1234567-1", "de"),
        // Of two, the last one counts, as with any other parameter of ours.
        ("?locale=fr&locale=it", "it"),
        ("?locale=fr&locale=%00", "de"),
    ] {
        let request = asked(&app, &format!("/login{query}")).await;
        assert_eq!(said(&request), (false, false, Some(locale)), "{query}");
    }
    // At any other page it is the app's own parameter.
    let request = asked(&app, "/profile?locale=fr").await;
    assert_eq!(said(&request), (false, false, Some("de")));
}

#[tokio::test]
async fn a_link_asks_to_be_remembered_only_where_that_is_allowed() {
    let app = app(|sign_in| sign_in.remember_me_by_link(true)).await;
    for (query, remembers) in [
        ("", false),
        ("?rememberMe=true", true),
        ("?rememberMe=true&locale=fr&next=/profile", true),
        ("?rememberMe=1", false),
        ("?rememberMe=false", false),
        ("?rememberme=true", false),
        ("?rememberMe=true&rememberMe=false", false),
    ] {
        let request = asked(&app, &format!("/login{query}")).await;
        assert_eq!(said(&request), (false, remembers, None), "{query}");
    }
}

#[tokio::test]
async fn a_gateway_asks_for_no_page() {
    let app = App::with(|config| {
        config
            .sign_in(|sign_in| sign_in.remember_me(true).locale("de"))
            .rule(Paths::exact("/gateway"), Access::gateway())
    })
    .await;
    let mut browser = Browser::new();
    let open = |browser: &Browser| {
        let request = browser.request(reqwest::Method::GET, &app.at("/gateway"));
        request
            .header("sec-fetch-mode", "navigate")
            .header("accept", "text/html")
    };
    // The first time, it is seen whether the browser keeps cookies.
    let first = open(&browser);
    assert_eq!(browser.send(first).await.status, 200);
    let second = open(&browser);
    let url = browser.send(second).await.location().to_owned();
    assert!(url.ends_with("&gateway=true"), "{url}");
}

#[test]
fn what_contradicts_itself_is_refused() {
    let base =
        || CasConfig::builder("https://cas.example.org/cas", "https://app.example.org").key(key(1));
    let parameter = |config: CasConfigBuilder, name: &str| {
        config.client(|client| client.login_parameter(name, "true"))
    };
    let refused = |config: CasConfigBuilder, words: &str| {
        let error = config.build().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    refused(
        base()
            .sign_in(|it| it.warn(true))
            .rule(Paths::exact("/"), Access::gateway()),
        "without a page",
    );
    for tag in ["", "de_DE", "d e", "de&service=x"] {
        let config = base().sign_in(|it| it.locale(tag)).build();
        assert!(
            matches!(&config, Err(ConfigError::InvalidLoginParameter { name, .. }) if name == "locale"),
            "{tag}"
        );
    }
    let twice = "leave it to one of the two";
    refused(parameter(base().sign_in(|it| it.warn(true)), "WARN"), twice);
    refused(
        parameter(base().sign_in(|it| it.remember_me(true)), "rememberMe"),
        twice,
    );
    refused(
        parameter(
            base().sign_in(|it| it.remember_me_by_link(true)),
            "rememberMe",
        ),
        twice,
    );
    refused(
        parameter(base().sign_in(|it| it.locale("de")), "locale"),
        twice,
    );
    refused(
        parameter(base().sign_in(|it| it.locale_by_link(true)), "locale"),
        twice,
    );
    // Another host has a client of its own.
    let other = CasClient::builder("https://other.example.org/cas")
        .login_parameter("locale", "fr")
        .build()
        .unwrap();
    let other = FurtherHost::new("https://b.example.org").cas_client(other);
    refused(base().sign_in(|it| it.locale("de")).host(other), twice);
    // Without the settings, the parameters are as before.
    let plain = parameter(parameter(base(), "warn"), "rememberMe");
    assert!(parameter(plain, "locale").build().is_ok());
}
