//! The layer's own pages as a visitor sees them.

use std::time::Duration;

use cas_layer::{
    Access, CasConfig, CasConfigBuilder, CasInPlaceLayer, CasUser, Key, PageKind, PageLanguage,
    PageOptions, Paths, Veto,
    testing::{CasServer, CasServerBuilder, ManualClock, User},
};
use cookie::Cookie;
use reqwest::Method;
use serde_json::Value;

use crate::{
    browser::{Answer, Browser},
    support::{App, alice},
};

async fn app(change: impl FnOnce(PageOptions) -> PageOptions) -> App {
    App::with(|config| config.pages(change)).await
}

/// The page after sign-out, for a browser that sends these fields.
async fn signed_out(app: &App, fields: &[(&str, &str)]) -> Answer {
    let mut browser = Browser::new();
    let mut request = browser.request(Method::GET, &app.at("/logout_callback"));
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    browser.send(request.header("accept", "text/html")).await
}

#[tokio::test]
async fn a_page_is_in_the_language_of_the_browser() {
    let app = App::start().await;
    for (asked, lang, dir, title) in [
        ("", "en", "ltr", "Signed out"),
        ("de-AT,de;q=0.9,en;q=0.8", "de", "ltr", "Abgemeldet"),
        ("da, ja;q=0.5", "ja", "ltr", "ログアウトしました"),
        ("zh-CN", "zh-Hans", "ltr", "已退出登录"),
        ("pt-BR", "pt", "ltr", "Sessão terminada"),
        ("ar-EG", "ar", "rtl", "تم تسجيل الخروج"),
        ("tlh", "en", "ltr", "Signed out"),
        ("de;q=<script>", "en", "ltr", "Signed out"),
    ] {
        let page = signed_out(&app, &[("accept-language", asked)]).await;
        assert_eq!(page.status, 200, "{asked}");
        let html = format!("<html lang=\"{lang}\" dir=\"{dir}\">");
        assert!(page.body.contains(&html), "{asked}: {}", page.body);
        let title = format!("<h1>{title}</h1>");
        assert!(page.body.contains(&title), "{asked}: {}", page.body);
        assert_eq!(page.header("content-language"), lang, "{asked}");
        assert_eq!(page.header("vary"), "Accept-Language", "{asked}");
    }
}

#[tokio::test]
async fn a_program_gets_english_in_any_case() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let request = browser
        .request(Method::GET, &app.at("/profile"))
        .header("accept", "application/json")
        .header("accept-language", "de");
    let answer = browser.send(request).await;
    let problem: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(problem["title"], "Sign-in needed");
    assert_eq!(
        problem["detail"],
        "You need to sign in before you can do this."
    );
    assert!(!answer.headers.contains_key("vary"));
}

#[tokio::test]
async fn an_app_has_languages_and_texts_of_its_own() {
    let basque = PageLanguage::new("eu").page(
        PageKind::LoggedOut,
        "Saioa <itxita>",
        "Saioa itxi duzu.",
        "Itxi nabigatzailea.",
    );
    let app = app(|pages| pages.language(basque).languages(["de", "eu"])).await;
    let page = signed_out(&app, &[("accept-language", "eu-ES")]).await;
    assert!(page.body.contains("<h1>Saioa &lt;itxita&gt;</h1>"));
    assert!(page.body.contains("<p>Saioa itxi duzu.</p>"));
    assert!(page.body.contains("Itxi nabigatzailea."));
    assert_eq!(page.header("content-language"), "eu");
    // There is no English, and the first language is for those who read none of them.
    let page = signed_out(&app, &[("accept-language", "en")]).await;
    assert_eq!(page.header("content-language"), "de");
}

#[tokio::test]
async fn a_page_shows_whose_it_is_and_where_help_is() {
    let app = app(|pages| {
        pages
            .name("Library & Archive")
            .logo("<svg viewBox=\"0 0 4 4\"><rect width=\"4\" height=\"4\"/></svg>")
            .accent("#FC0")
            .support("mailto:help@uni.example")
    })
    .await;
    let page = signed_out(&app, &[("accept-language", "de")]).await;
    for part in [
        "<title>Abgemeldet – Library &amp; Archive</title>",
        "<header><svg viewBox=\"0 0 4 4\" aria-hidden=\"true\"><rect width=\"4\" height=\"4\"></rect></svg>\
         <span><bdi>Library &amp; Archive</bdi></span></header>",
        "background:#ffcc00;color:#000",
        "<p>Hilfe: <a href=\"mailto:help@uni.example\" dir=\"ltr\">help@uni.example</a></p>",
        "<p>Statuscode: <code>200</code></p>",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    let policy = page.header("content-security-policy");
    let start = "default-src 'none'; style-src 'sha256-";
    assert!(policy.starts_with(start), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("script-src"));
}

#[test]
fn what_cannot_be_shown_is_a_mistake_in_the_configuration() {
    let said = |change: fn(PageOptions) -> PageOptions| {
        let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org");
        let config = config.key(Key::generate()).pages(change).build();
        config.unwrap_err().to_string()
    };
    for (part, said) in [
        (
            "pages: logo `<svg viewBox='0 0 1 1' onload='x'/>`: it has an event attribute",
            said(|it| it.name("A").logo("<svg viewBox='0 0 1 1' onload='x'/>")),
        ),
        ("pages: accent colour `red`: ", said(|it| it.accent("red"))),
        (
            "pages: support address `javascript:alert(1)`: ",
            said(|it| it.support("javascript:alert(1)")),
        ),
        ("pages: name of the app ``: ", said(|it| it.name(""))),
        (
            "pages: languages `tlh`: ",
            said(|it| it.languages(["de", "tlh"])),
        ),
        ("pages: languages ``: ", said(|it| it.languages([""; 0]))),
        (
            "pages: language `de_DE`: ",
            said(|it| it.language(PageLanguage::new("de_DE"))),
        ),
    ] {
        assert!(said.starts_with(part), "{said}");
    }
}

#[tokio::test]
async fn a_page_names_its_request_if_that_is_one_plain_word() {
    let app = App::start().await;
    let id = "2c9f-<b>&";
    let page = signed_out(&app, &[("x-request-id", id)]).await;
    let line = "<p>Request: <code>2c9f-&lt;b&gt;&amp;</code></p>";
    assert!(page.body.contains(line), "{}", page.body);
    let long = "a".repeat(129);
    for fields in [
        &[][..],
        &[("x-request-id", "")],
        &[("x-request-id", "two words")],
        &[("x-request-id", "\u{e9}")],
        &[("x-request-id", &*long)],
        &[("x-request-id", "a"), ("x-request-id", "b")],
    ] {
        let page = signed_out(&app, fields).await;
        assert_eq!(page.status, 200);
        assert!(!page.body.contains("Request:"), "{fields:?}");
    }
}

const BOB: &str = "bob";

/// Two users, of whom one may open `/admin`.
fn two() -> CasServerBuilder {
    CasServer::builder()
        .user(alice())
        .user(User::new(BOB, "the-builder").attribute("role", ["admin"]))
}

fn for_admins(config: CasConfigBuilder) -> CasConfigBuilder {
    config.rule(
        Paths::exact("/admin"),
        Access::required().any_of("role", ["admin"]),
    )
}

fn not_for_alice(config: CasConfigBuilder) -> CasConfigBuilder {
    config.session(|session| {
        session.map(|session| match session.authentication().user() {
            "alice" => Err(Veto::new("staff alone")),
            _ => Ok(()),
        })
    })
}

/// Follows the link for somebody else, by which bob signs in, and gets where that leads.
async fn bob_signs_in(app: &App, browser: &mut Browser, page: &Answer) -> String {
    assert_eq!(page.status, 403);
    let (before, _) = page
        .body
        .split_once("\">Sign in as somebody else</a>")
        .unwrap();
    let (_, link) = before.rsplit_once("href=\"").unwrap();
    let link = link.replace("&amp;", "&");
    let link = if link.starts_with('/') {
        app.at(&link)
    } else {
        link
    };
    let asked = browser.open(&link).await;
    assert!(
        asked.location().starts_with(app.cas.url()),
        "{link}: {asked:?}"
    );
    assert_eq!(asked.location_parameter("renew").as_deref(), Some("true"));
    let service = asked.location_parameter("service").unwrap();
    // Bob has given his password.
    let ticket = app.cas.issue_ticket(BOB, &service);
    let back = browser.open(&format!("{service}&ticket={ticket}")).await;
    back.location().to_owned()
}

#[tokio::test]
async fn who_may_not_open_a_page_signs_in_as_somebody_who_may() {
    let clock = ManualClock::new();
    let config = |config: CasConfigBuilder| for_admins(config).clock(clock.clone());
    let in_place = App::under(two(), config, |app, config| {
        app.layer(CasInPlaceLayer::new(config))
    });
    for app in [App::against(two(), config).await, in_place.await] {
        let mut browser = Browser::new();
        app.sign_in(&mut browser, "/profile").await;
        // Within one second nobody can tell whether alice signed in while bob was on his way.
        clock.advance(Duration::from_secs(1));
        let page = browser.open(&app.at("/admin?a=b")).await;
        assert!(page.body.contains("Not allowed"), "{}", page.body);
        assert_eq!(app.whoami(&mut browser).await, "alice");
        let back = bob_signs_in(&app, &mut browser, &page).await;
        assert_eq!(back, "/admin?a=b");
        assert_eq!(app.whoami(&mut browser).await, BOB);
        let page = browser.open(&app.at(&back)).await;
        assert_eq!(page.status, 200, "{}", page.body);
    }
}

#[tokio::test]
async fn who_is_not_admitted_signs_in_as_somebody_who_is() {
    let in_place = App::under(two(), not_for_alice, |app, config| {
        app.layer(CasInPlaceLayer::new(config))
    });
    for app in [App::against(two(), not_for_alice).await, in_place.await] {
        let mut browser = Browser::new();
        let page = app.sign_in(&mut browser, "/profile?a=b").await;
        assert!(page.body.contains("staff alone"), "{}", page.body);
        let back = bob_signs_in(&app, &mut browser, &page).await;
        assert_eq!(back, "/profile?a=b");
        assert_eq!(app.whoami(&mut browser).await, BOB);
    }
}

#[tokio::test]
async fn nobody_is_offered_another_account_where_the_account_is_not_to_blame() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let page = browser.form(&app.at("/profile"), "a=b".to_owned());
    let page = browser.send(page).await;
    assert_eq!(page.status, 401);
    assert!(!page.body.contains("somebody else"), "{}", page.body);
}

#[tokio::test]
async fn an_app_that_renders_a_page_is_told_for_whom_and_no_secret() {
    let app = App::against(two(), |config| {
        for_admins(config).pages(|pages| {
            pages.languages(["en", "de"]).rendered_by(|page, context| {
                let said = format!(
                    "{:?} for {:?} of {} in {} ({:?}): {} {} {:?}",
                    page.kind(),
                    context.user().map(CasUser::name),
                    context.app_url(),
                    context.language().tag(),
                    context.request_id(),
                    context.method(),
                    context.uri(),
                    context.headers(),
                );
                Some(http::Response::new(said.into()))
            })
        })
    })
    .await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    browser.keep(Cookie::parse("theme=dark; Path=/").unwrap());
    let secret = browser.cookie("-session").unwrap().value().to_owned();
    let path = "/admin?a=b&ticket=ST-secret";
    let request = browser
        .request(Method::GET, &app.at(path))
        .header("accept", "text/html")
        .header("sec-fetch-mode", "navigate")
        .header("accept-language", "de")
        .header("authorization", "Basic c2VjcmV0")
        .header("x-original-uri", "/admin?ticket=ST-secret")
        .header("referer", app.at("/x?ticket=ST-secret"))
        .header("x-request-id", "17");
    let page = browser.send(request).await;
    assert_eq!(page.status, 403);
    let start = format!(
        "NotAllowed for Some(\"alice\") of {} in de (Some(\"17\")): GET /admin?a=b {{",
        app.url
    );
    assert!(page.body.starts_with(&start), "{}", page.body);
    assert!(page.body.contains("theme=dark"), "{}", page.body);
    for hidden in ["secret", &secret, "c2VjcmV0", "authorization", "-session"] {
        assert!(!page.body.contains(hidden), "{hidden}: {}", page.body);
    }
    assert_eq!(page.header("vary"), "Accept-Language");
    // What stands behind the path of an endpoint is the layer's own.
    let mut browser = Browser::new();
    let page = browser.open(&app.at("/login?ticket=%22&next=/a")).await;
    let start = format!(
        "InvalidTicket for None of {} in en (None): GET /login {{",
        app.url
    );
    assert!(page.body.starts_with(&start), "{}", page.body);
}
