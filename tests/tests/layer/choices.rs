//! How an app may have its sign-ins and sign-outs.

use cas_layer::{Access, CasConfig, CasConfigBuilder, Paths, testing::Fault};
use reqwest::Method;

use crate::{
    browser::Browser,
    support::{App, key},
};

#[tokio::test]
async fn a_bare_service_url_has_no_query_and_brings_the_visitor_back_all_the_same() {
    let app = App::with(|config| {
        config.sign_in(|sign_in| sign_in.bare_service_url(true).allow_login_csrf(true))
    })
    .await;
    let mut browser = Browser::new();
    for (path, back) in [
        ("/profile?a=b&c=%20", "/profile?a=b&c=%20"),
        ("/home", "/home"),
        (&format!("/profile?{}", "x".repeat(300)), "/profile"),
        (&format!("/profile/{}?a", "x".repeat(300)), "/home"),
    ] {
        browser.open(&app.at("/logout")).await;
        let service = app.begin(&mut browser, path).await;
        assert_eq!(service, app.at("/login"));
        let callback = format!(
            "{service}?ticket={}",
            app.cas.issue_ticket("alice", &service)
        );
        assert_eq!(browser.open(&callback).await.location(), back, "{path}");
        assert_eq!(app.whoami(&mut browser).await, "alice");
    }
}

#[tokio::test]
async fn a_bare_service_url_takes_no_ticket_from_a_browser_that_began_no_login() {
    let app = App::with(|config: CasConfigBuilder| {
        config.sign_in(|sign_in| sign_in.bare_service_url(true))
    })
    .await;
    let service = app.at("/login");
    let ticket = || app.cas.issue_ticket("alice", &service);
    let mut stranger = Browser::new();
    let answer = stranger
        .open(&format!("{service}?ticket={}", ticket()))
        .await;
    assert_eq!(answer.status, 400);
    assert!(!stranger.has_session());
    // Nor a second one for one login, nor a way back that somebody made up.
    let mut browser = Browser::new();
    app.begin(&mut browser, "/profile").await;
    let first = format!("{service}?next=/public/whoami&ticket={}", ticket());
    let question = browser.open(&first).await.question();
    let back = browser.answer(&app.url, &question, "continue").await;
    assert_eq!(back.location(), "/profile");
    browser.open(&app.at("/logout")).await;
    let second = format!("{service}?ticket={}", ticket());
    assert_eq!(browser.open(&second).await.status, 400);
    assert!(!browser.has_session());
    assert_eq!(app.cas.validations(), 1);
}

#[tokio::test]
async fn a_bare_service_url_and_a_gateway_do_not_go_together() {
    let config = CasConfig::builder("https://cas.example.org", "https://app.example.org")
        .key(key(1))
        .sign_in(|sign_in| sign_in.bare_service_url(true))
        .rule(Paths::exact("/"), Access::gateway());
    assert!(config.build().is_err());
}

#[tokio::test]
async fn a_local_sign_out_leaves_the_cas_server_alone() {
    let app = App::with(|c| {
        c.sign_out(|sign_out| sign_out.locally(true).after_logout_path("/public/bye"))
    })
    .await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let mut copy = browser.clone();
    let out = browser.open(&app.at("/logout")).await;
    assert_eq!(out.location(), "/logout_callback");
    assert!(!browser.has_session());
    assert_eq!(app.whoami(&mut copy).await, serde_json::Value::Null);
    assert_eq!(
        browser.open(&app.at("/logout_callback")).await.location(),
        "/public/bye"
    );
}

#[tokio::test]
async fn no_other_site_signs_a_visitor_out_where_the_app_forbids_it() {
    let app = App::with(|config: CasConfigBuilder| {
        config.sign_out(|sign_out| sign_out.by_post_only(true))
    })
    .await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let url = app.at("/logout");
    let get = browser.open(&url).await;
    assert_eq!((get.status.as_u16(), get.header("allow")), (405, "POST"));
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", ""),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", &format!("{}.evil.example", app.url)),
    ] {
        let post = browser.request(Method::POST, &url).header(name, value);
        assert_eq!(browser.send(post).await.status, 403, "{name}: {value}");
        assert_eq!(app.whoami(&mut browser).await, "alice", "{name}: {value}");
    }
    for (name, value) in [
        ("sec-fetch-site", "same-origin"),
        ("origin", app.url.as_str()),
        ("accept", "*/*"),
    ] {
        if !browser.has_session() {
            app.sign_in(&mut browser, "/profile").await;
        }
        let post = browser.request(Method::POST, &url).header(name, value);
        let out = browser.send(post).await;
        assert_eq!(out.status, 303, "{name}: {value}");
        assert!(out.location().starts_with(app.cas.url()));
        assert!(!browser.has_session(), "{name}: {value}");
    }
}

#[tokio::test]
async fn the_endpoints_are_where_the_app_wants_them() {
    let app = App::with(|config| {
        config.endpoints(|endpoints| {
            endpoints
                .login("/cas/sign-in")
                .logout("/cas/sign-out")
                .logout_callback("/cas/signed-out")
        })
    })
    .await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    assert!(service.starts_with(&app.at("/cas/sign-in?")), "{service}");
    let back = browser.open(&app.callback(&service)).await;
    assert_eq!(back.location(), "/profile");
    // The usual paths are pages of the app like any other.
    for path in ["/login", "/logout", "/logout_callback"] {
        assert_eq!(browser.open(&app.at(path)).await.body, path);
    }
    assert_eq!(app.whoami(&mut browser).await, "alice");
    let out = browser.open(&app.at("/cas/sign-out")).await;
    assert!(out.location().starts_with(app.cas.url()));
    let page = out.location_parameter("service").unwrap();
    assert_eq!(page, app.at("/cas/signed-out"));
    assert!(!browser.has_session());
    let page = browser.open(&page).await.body;
    assert!(page.contains("href=\"/cas/sign-in\""), "{page}");
}

#[tokio::test]
async fn the_cookies_have_the_name_that_the_app_has_chosen() {
    let app = App::with(|config| config.session(|session| session.cookie_name("portal"))).await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    assert_eq!(browser.cookie("-login").unwrap().name(), "portal-login");
    browser.open(&app.callback(&service)).await;
    let session = browser.cookie("-session").unwrap();
    assert_eq!(session.name(), "portal-session");
}

#[tokio::test]
async fn no_round_is_counted_while_nothing_goes_wrong() {
    for is_bare in [false, true] {
        let app = App::with(|config: CasConfigBuilder| {
            config.sign_in(|sign_in| sign_in.bare_service_url(is_bare).allow_login_csrf(is_bare))
        })
        .await;
        let mut browser = Browser::new();
        for path in ["/profile", "/login?next=/profile&round=1"] {
            let begun = browser.open(&app.at(path)).await;
            let names: Vec<_> = begun.set_cookies();
            let counts = names.iter().any(|it| it.name().ends_with("-rounds"));
            assert_eq!(
                counts,
                is_bare && path.contains("round=1"),
                "{is_bare} {path}"
            );
        }
    }
}

#[tokio::test]
async fn a_ticket_that_the_cas_server_takes_twice_does_not_end_the_session_that_it_opened() {
    let app = App::with(|config: CasConfigBuilder| {
        config.sign_in(|sign_in| sign_in.bare_service_url(true).allow_login_csrf(true))
    })
    .await;
    let mut browser = Browser::new();
    app.cas.set_fault(Some(Fault::Body {
        content_type: "text/xml".to_owned(),
        body: "<cas:serviceResponse xmlns:cas=\"http://www.yale.edu/tp/cas\"><cas:authenticationSuccess>\
               <cas:user>alice</cas:user></cas:authenticationSuccess></cas:serviceResponse>"
            .to_owned(),
    }));
    for _ in 0..2 {
        let service = app
            .begin(&mut browser, "/login?renew=true&next=/profile")
            .await;
        let back = browser.open(&format!("{service}?ticket=ST-1")).await;
        assert_eq!(back.location(), "/profile");
        assert_eq!(app.whoami(&mut browser).await, "alice");
    }
}

/// It cannot be in the service URL, so it was written when the login began.
#[tokio::test]
async fn with_a_bare_service_url_a_count_of_rounds_stays_until_there_is_a_page() {
    let app = App::with(|config: CasConfigBuilder| {
        config.sign_in(|sign_in| sign_in.bare_service_url(true).allow_login_csrf(true))
    })
    .await;
    let mut browser = Browser::new();
    let link = "/login?next=/profile&round=1";
    let service = app.begin(&mut browser, link).await;
    let ticket = app.cas.issue_ticket("alice", &service);
    let back = browser.open(&format!("{service}?ticket={ticket}")).await;
    assert_eq!(back.location(), "/profile");
    assert!(browser.cookie("-rounds").is_some());
    assert_eq!(browser.open(&app.at("/profile")).await.status, 200);
    assert!(browser.cookie("-rounds").is_none());
}
