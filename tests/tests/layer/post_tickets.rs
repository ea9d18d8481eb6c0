//! Tickets that the browser posts (`method=POST`). The app is one on https behind a proxy, so the browser's requests
//! go to the socket behind it; as a browser does, it keeps `Lax` cookies out of a form that another site posts.

mod cross_site;
mod refusals;
mod several_hosts;
mod unasked;

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cas_layer::{
    Access, CasConfig, CasConfigBuilder, CasLayer, Paths,
    testing::{CasServer, Fault, ManualClock, Quirk},
};
use cookie::SameSite;
use reqwest::Method;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    browser::{Answer, Browser, parameter},
    quirks::hidden_fields,
    single_logout::{FORM, form, message},
    support::{alice, key, routes},
};

const APP: &str = "https://app.example";

struct Site {
    /// Where the proxy would send requests.
    behind: String,
    cas: CasServer,
    server: JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Site {
    async fn start() -> Self {
        Self::with(|config: CasConfigBuilder| {
            config.sign_in(|sign_in| sign_in.tickets_by_post(true))
        })
        .await
    }

    async fn with(configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder) -> Self {
        let cas = CasServer::builder().user(alice()).start().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let behind = format!("http://{}", listener.local_addr().unwrap());
        let config = CasConfig::builder(cas.url(), APP)
            .key(key(1))
            .sign_in(|sign_in| sign_in.landing_path("/home"))
            .public_prefix("/public");
        let config = configure(config).build().unwrap();
        let app = routes(std::sync::Arc::default()).layer(CasLayer::new(config));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            behind,
            cas,
            server,
        }
    }

    /// Where a public address or path is really to be found.
    fn at(&self, url: &str) -> String {
        format!("{}{}", self.behind, url.strip_prefix(APP).unwrap_or(url))
    }

    async fn open(&self, browser: &mut Browser, url: &str) -> Answer {
        browser.open(&self.at(url)).await
    }

    /// Begins a login and comes as far as the service URL.
    async fn begin(&self, browser: &mut Browser, path: &str) -> String {
        let answer = self.open(browser, path).await;
        assert!(answer.location().starts_with(self.cas.url()));
        assert_eq!(
            answer.location_parameter("method").as_deref(),
            Some("POST"),
            "{}",
            answer.location()
        );
        answer.location_parameter("service").unwrap()
    }

    /// What the CAS server's page does: a form, posted from another site.
    async fn post(&self, browser: &mut Browser, url: &str, body: &str) -> Answer {
        let mut elsewhere = without_lax_cookies(browser);
        let request = elsewhere
            .request(Method::POST, &self.at(url))
            .header("accept", "text/html")
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
            .header("content-type", FORM)
            .body(body.to_owned());
        let answer = elsewhere.send(request).await;
        for cookie in answer.set_cookies() {
            browser.keep(cookie);
        }
        answer
    }

    async fn post_ticket(&self, browser: &mut Browser, service: &str) -> Answer {
        let ticket = self.cas.issue_ticket("alice", service);
        self.post(browser, service, &format!("ticket={ticket}"))
            .await
    }

    async fn sign_in(&self, browser: &mut Browser, path: &str) -> Answer {
        let service = self.begin(browser, path).await;
        self.post_ticket(browser, &service).await
    }

    async fn whoami(&self, browser: &mut Browser) -> Value {
        let answer = self.open(browser, "/public/whoami").await;
        serde_json::from_str::<Value>(&answer.body).unwrap()["user"].clone()
    }
}

/// A browser as another site's form, image or frame makes it ask.
fn without_lax_cookies(browser: &Browser) -> Browser {
    let mut elsewhere = browser.clone();
    elsewhere
        .cookies
        .retain(|cookie| cookie.same_site() == Some(SameSite::None));
    elsewhere
}

fn assert_sent_on(answer: &Answer, to: &str) {
    assert_eq!((answer.status.as_u16(), answer.location()), (303, to));
}

#[tokio::test]
async fn a_visitor_signs_in_through_the_cas_servers_own_form() {
    let site = Site::start().await;
    let mut browser = Browser::new();
    let begin = site.open(&mut browser, "/profile?tab=2").await;
    let mut at_cas = Browser::new();
    let login = at_cas.open(begin.location()).await;
    let mut fields = hidden_fields(&login.body);
    fields.push(("username".into(), "alice".into()));
    fields.push(("password".into(), "rabbit-hole".into()));
    let url = format!("{}/login", site.cas.url());
    let sent = at_cas.request(Method::POST, &url).form(&fields);
    let page = at_cas.send(sent).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let service = begin.location_parameter("service").unwrap();
    let action = format!("action=\"{}\"", service.replace('&', "&amp;"));
    assert!(page.body.contains(&action), "{}", page.body);
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(hidden_fields(&page.body))
        .finish();
    let answer = site.post(&mut browser, &service, &body).await;
    assert_sent_on(&answer, "/profile?tab=2");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(site.whoami(&mut browser).await, "alice");
}

#[tokio::test]
async fn the_login_cookie_alone_is_sent_from_other_sites() {
    let site = Site::start().await;
    let mut browser = Browser::new();
    site.sign_in(&mut browser, "/profile").await;
    site.begin(&mut browser, "/login?renew=true").await;
    for (ending, same_site) in [("-session", SameSite::Lax), ("-login", SameSite::None)] {
        let cookie = browser.cookie(ending).unwrap();
        assert!(cookie.name().starts_with("__Host-"), "{cookie}");
        assert_eq!(cookie.same_site(), Some(same_site), "{cookie}");
        assert_eq!(cookie.secure(), Some(true), "{cookie}");
        assert_eq!(cookie.http_only(), Some(true), "{cookie}");
        assert_eq!(cookie.path(), Some("/"), "{cookie}");
    }
    let by_get = Site::with(|c| c).await;
    let mut browser = Browser::new();
    by_get.open(&mut browser, "/profile").await;
    let cookie = browser.cookie("-login").unwrap();
    assert_eq!(cookie.same_site(), Some(SameSite::Lax));
}

#[tokio::test]
async fn a_server_that_answers_by_redirect_is_understood_as_ever() {
    let site = Site::start().await;
    site.cas.set_quirks([Quirk::IgnoreMethodPost]);
    let mut browser = Browser::new();
    let service = site.begin(&mut browser, "/profile").await;
    let ticket = site.cas.issue_ticket("alice", &service);
    let callback = format!("{service}&ticket={ticket}");
    let answer = site.open(&mut browser, &callback).await;
    assert_eq!(
        (answer.status.as_u16(), answer.location()),
        (302, "/profile")
    );
    assert_eq!(site.whoami(&mut browser).await, "alice");
}

#[tokio::test]
async fn a_foreign_browsers_ticket_is_never_validated_and_the_login_starts_afresh_once() {
    let site = Site::start().await;
    let (mut attacker, mut victim) = (Browser::new(), Browser::new());
    let service = site.begin(&mut attacker, "/profile").await;
    let answer = site.post_ticket(&mut victim, &service).await;
    assert_sent_on(&answer, "/login?next=%2Fprofile&try=1");
    assert!(!victim.has_session());
    // The victim signs in under their own name, on the way to the same page.
    let fresh = site.begin(&mut victim, answer.location()).await;
    assert_ne!(fresh, service);
    assert_eq!(site.cas.validations(), 0);
    assert_sent_on(&site.post_ticket(&mut victim, &fresh).await, "/profile");

    // A browser without cookies is told so, and does not go in circles.
    let mut forgetful = Browser::new();
    forgetful.refuses = vec!["cas-"];
    let answer = site.post_ticket(&mut forgetful, &service).await;
    let fresh = site.begin(&mut forgetful, answer.location()).await;
    let page = site.post_ticket(&mut forgetful, &fresh).await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("Cookies needed"), "{}", page.body);
    assert_eq!(site.cas.validations(), 1);
}

#[tokio::test]
async fn a_foreign_ticket_does_not_disturb_who_has_signed_in() {
    let site = Site::start().await;
    let (mut attacker, mut victim) = (Browser::new(), Browser::new());
    site.sign_in(&mut victim, "/profile").await;
    for path in ["/profile", "/login?renew=true&next=/profile"] {
        let service = site.begin(&mut attacker, path).await;
        let answer = site.post_ticket(&mut victim, &service).await;
        let answer = site.open(&mut victim, answer.location()).await;
        assert_eq!(answer.location(), "/profile", "{path}");
    }
    assert_eq!(site.cas.validations(), 1);
    assert_eq!(site.whoami(&mut victim).await, "alice");
}

#[tokio::test]
async fn reloading_the_callback_goes_on_to_the_page() {
    let site = Site::start().await;
    let mut browser = Browser::new();
    let service = site.begin(&mut browser, "/profile").await;
    let body = format!("ticket={}", site.cas.issue_ticket("alice", &service));
    assert_sent_on(&site.post(&mut browser, &service, &body).await, "/profile");
    let again = site.post(&mut browser, &service, &body).await;
    let onward = site.open(&mut browser, again.location()).await;
    assert_eq!(onward.location(), "/profile");
    assert_eq!(site.cas.validations(), 1);
}

#[tokio::test]
async fn a_sign_in_over_a_session_ends_it_although_the_form_does_not_bring_its_cookie() {
    let site = Site::start().await;
    let mut browser = Browser::new();
    site.sign_in(&mut browser, "/profile").await;
    let mut copy = browser.clone();
    site.sign_in(&mut browser, "/login?renew=true").await;
    assert_eq!(site.whoami(&mut browser).await, "alice");
    assert_eq!(site.whoami(&mut copy).await, Value::Null);

    // Nor is one left over that was opened in another tab meanwhile.
    let mut browser = Browser::new();
    let first = site.begin(&mut browser, "/profile").await;
    let second = site.begin(&mut browser, "/home/other").await;
    site.post_ticket(&mut browser, &first).await;
    let mut copy = browser.clone();
    assert_eq!(site.whoami(&mut copy).await, "alice");
    assert_sent_on(
        &site.post_ticket(&mut browser, &second).await,
        "/home/other",
    );
    assert_eq!(site.whoami(&mut browser).await, "alice");
    assert_eq!(site.whoami(&mut copy).await, Value::Null);
}

#[tokio::test]
async fn a_session_that_the_browser_has_left_is_not_ended_again() {
    let site = Site::start().await;
    let mut browser = Browser::new();
    site.sign_in(&mut browser, "/profile").await;
    let mut elsewhere = browser.clone();
    // The browser lost its cookie, which lives on in another one.
    browser
        .cookies
        .retain(|cookie| !cookie.name().ends_with("-session"));
    site.sign_in(&mut browser, "/profile").await;
    assert_eq!(site.whoami(&mut elsewhere).await, "alice");
}

#[tokio::test]
async fn three_sign_ins_in_a_row_are_fine_unless_the_session_is_not_kept() {
    let site = Site::start().await;
    let mut browser = Browser::new();
    for _ in 0..4 {
        let answer = site
            .sign_in(&mut browser, "/login?renew=true&next=/profile")
            .await;
        assert_sent_on(&answer, "/profile");
    }
    for _ in 0..4 {
        site.open(&mut browser, "/logout").await;
        assert_sent_on(&site.sign_in(&mut browser, "/profile").await, "/profile");
    }
    let mut browser = Browser::new();
    browser.refuses = vec!["-session"];
    for _ in 0..2 {
        assert_sent_on(&site.sign_in(&mut browser, "/profile").await, "/profile");
    }
    let page = site.sign_in(&mut browser, "/profile").await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("Session not kept"), "{}", page.body);
}

#[tokio::test]
async fn failures_are_pages_and_sign_nobody_in_or_out() {
    let site = Site::start().await;
    let mut browser = Browser::new();
    site.sign_in(&mut browser, "/profile").await;
    for (ticket, fault, status, title) in [
        ("ST-unknown", None, 403, "Sign-in refused"),
        ("ST-%00", None, 400, "is damaged"),
        ("", None, 400, "is damaged"),
        ("ST-1&ticket=ST-2", None, 400, "is damaged"),
        ("ST-1", Some(Fault::Status(500)), 502, "unavailable"),
    ] {
        // A login that has begun again after a refusal does not do so once more.
        let again = "/login?renew=true&again=1";
        let service = site.begin(&mut browser, again).await;
        site.cas.set_fault(fault);
        let body = format!("ticket={ticket}");
        let page = site.post(&mut browser, &service, &body).await;
        site.cas.set_fault(None);
        assert_eq!(page.status, status, "{ticket}: {}", page.body);
        assert!(page.body.contains(title), "{ticket}: {}", page.body);
        assert!(page.body.contains("<html"), "{ticket}: {}", page.body);
        assert!(!page.body.contains("ST-"), "{ticket}: {}", page.body);
        assert_eq!(site.whoami(&mut browser).await, "alice", "{ticket}");
    }
}

#[tokio::test]
async fn a_login_whose_ticket_is_refused_over_the_proxy_callback_begins_anew() {
    let site = Site::with(|config| {
        config
            .sign_in(|sign_in| sign_in.tickets_by_post(true))
            .session(|session| session.encrypted(true))
            .proxy(|proxy| proxy.callback_path("/cas/proxy"))
    });
    let site = site.await;
    site.cas.set_quirks([Quirk::NoProxies]);
    let mut browser = Browser::new();
    let again = site.sign_in(&mut browser, "/profile").await;
    assert_eq!(again.status, 303);
    let answer = site.sign_in(&mut browser, again.location()).await;
    assert_sent_on(&answer, "/profile");
    assert_eq!(site.whoami(&mut browser).await, "alice");
    // Once with the callback and once without it, and then for the other ticket.
    assert_eq!(site.cas.validations(), 3);
}

#[tokio::test]
async fn sources_of_logout_requests_do_not_limit_from_where_tickets_come() {
    let from: IpAddr = "198.51.100.7".parse().unwrap();
    for (network, status, user) in [
        ("192.0.2.0/24", 403, Value::from("alice")),
        ("198.51.100.0/24", 200, Value::Null),
    ] {
        let site = Site::with(|c| {
            c.sign_in(|sign_in| sign_in.tickets_by_post(true))
                .peer_address(move |_| Some(from))
                .sign_out(|sign_out| sign_out.logout_sources([network]))
        })
        .await;
        let mut browser = Browser::new();
        let service = site.begin(&mut browser, "/profile").await;
        let ticket = site.cas.issue_ticket("alice", &service);
        let body = format!("ticket={ticket}");
        assert_sent_on(&site.post(&mut browser, &service, &body).await, "/profile");
        let logout = form(&message(&[&ticket]));
        let answer = site.post(&mut Browser::new(), &service, &logout).await;
        assert_eq!(answer.status, status, "{network}");
        assert_eq!(site.whoami(&mut browser).await, user, "{network}");
    }
}

#[tokio::test]
async fn a_sign_out_that_shows_the_login_cookie_alone_ends_the_sessions_of_all_tabs() {
    let site = Site::start().await;
    let mut browser = Browser::new();
    let [one, two] = [
        site.begin(&mut browser, "/profile").await,
        site.begin(&mut browser, "/home/x").await,
    ];
    let mut tab = browser.clone();
    assert_sent_on(&site.post_ticket(&mut tab, &one).await, "/profile");
    assert_sent_on(&site.post_ticket(&mut browser, &two).await, "/home/x");
    let (mut first, mut second) = (tab.clone(), browser.clone());
    // From another site, so that the session cookie does not come.
    let answer = site.post(&mut browser, "/logout", "").await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(site.whoami(&mut second).await, Value::Null);
    assert_eq!(site.whoami(&mut first).await, Value::Null);
}

#[tokio::test]
async fn a_gateway_comes_back_by_redirect() {
    let site = Site::with(|c| {
        c.sign_in(|sign_in| sign_in.tickets_by_post(true))
            .rule(Paths::exact("/gateway"), Access::gateway())
    })
    .await;
    let mut browser = Browser::new();
    // At first it is seen whether the browser keeps cookies.
    site.open(&mut browser, "/gateway").await;
    let away = site.open(&mut browser, "/gateway").await;
    assert_eq!(
        parameter(away.location(), "gateway").as_deref(),
        Some("true")
    );
    assert_eq!(parameter(away.location(), "method"), None);
    let service = away.location_parameter("service").unwrap();
    let ticket = site.cas.issue_ticket("alice", &service);
    let back = site
        .open(&mut browser, &format!("{service}&ticket={ticket}"))
        .await;
    assert_eq!(back.location(), "/gateway");
    assert_eq!(site.whoami(&mut browser).await, "alice");
}

/// The login cookie alone knows the session: a form of another site does not bring it.
#[tokio::test]
async fn a_session_that_has_expired_by_the_time_of_the_next_sign_in_is_not_signed_out() {
    for (seconds, expected) in [(599, 1), (600, 0)] {
        let clock = ManualClock::new();
        let sign_outs = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&sign_outs);
        let site = Site::with(|config| {
            config
                .sign_in(|sign_in| sign_in.tickets_by_post(true))
                .session(|it| it.lifetime(Duration::from_secs(600)).idle_timeout(None))
                .clock(clock.clone())
                .on_sign_out(move |_| {
                    counts.fetch_add(1, Ordering::SeqCst);
                })
        })
        .await;
        let mut browser = Browser::new();
        site.sign_in(&mut browser, "/profile").await;
        let service = site.begin(&mut browser, "/login?renew=true").await;
        clock.advance(Duration::from_secs(seconds));
        site.post_ticket(&mut browser, &service).await;
        assert_eq!(site.whoami(&mut browser).await, "alice");
        assert_eq!(sign_outs.load(Ordering::SeqCst), expected, "{seconds}");
    }
}
