//! Ways to be turned away, each on an app of its own.

use std::{future::pending, time::Duration};

use cas_layer::{
    Access, CasConfigBuilder, MemoryRegistry, NotAdmitted, Paths, SessionOptions, SessionPlace,
    Veto, testing::Fault,
};
use reqwest::Method;

use cas_layer_tests::noise::noise;

use crate::{browser::Browser, registry::Moody, support::App};

/// Every way that a test can bring about: all but that the operating system has no random bytes.
pub(crate) const WAYS: [&str; 23] = [
    "invalid-ticket",
    "ticket-by-post",
    "not-begun-here",
    "cookies-needed",
    "busy",
    "registry-unavailable",
    "registry-full",
    "ticket-refused",
    "cas-unreachable",
    "cas-timed-out",
    "cas-away",
    "cas-unreadable",
    "vetoed",
    "bad-user-name",
    "admission-failed",
    "admission-timed-out",
    "admission-panicked",
    "signed-out-meanwhile",
    "not-confirmed",
    "session-too-large",
    "not-allowed",
    "foreign-sign-out",
    "foreign-confirmation",
];

/// An app that has this reason for not opening a session, if it is one of the app's own.
fn reject(reason: &str, session: SessionOptions) -> SessionOptions {
    match reason {
        "vetoed" => session.map(|_| Err(Veto::new("not you"))),
        "bad-user-name" => session.map(|session| {
            session.set_name("");
            Ok(())
        }),
        "admission-failed" => {
            session.admit(async |_| Err(NotAdmitted::failed("the database is away")))
        }
        "admission-timed-out" => session
            .admit_timeout(Duration::from_millis(1))
            .admit(|_| pending()),
        "admission-panicked" => session.admit(async |_| panic!("on purpose")),
        "session-too-large" => session.place(SessionPlace::Cookie).map(|session| {
            session.attributes_mut().push("note", noise(5_000));
            Ok(())
        }),
        _ => session,
    }
}

/// Has somebody turned away for this reason, with alice's own ticket where it takes one.
pub(crate) async fn turn_away(
    reason: &str,
    configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
) {
    let registry = Moody::default();
    let app = App::with(|config| {
        let config = configure(config)
            .registry(registry.clone())
            .session(|session| reject(reason, session));
        let impatient = |config: CasConfigBuilder| {
            config.client(|client| client.timeout(Duration::from_millis(500)))
        };
        match reason {
            "busy" => impatient(config).sign_in(|sign_in| sign_in.max_concurrent_validations(1)),
            "cas-timed-out" | "cas-away" => impatient(config),
            "registry-full" => config.registry(MemoryRegistry::with_capacity(0)),
            "not-allowed" => config.rule(
                Paths::exact("/dogs"),
                Access::required().any_of("memberOf", ["dogs"]),
            ),
            "foreign-sign-out" => config.sign_out(|sign_out| sign_out.by_post_only(true)),
            "not-confirmed" | "foreign-confirmation" => {
                config.sign_in(|sign_in| sign_in.bare_service_url(true))
            }
            _ => config,
        }
    })
    .await;
    app.cas.set_fault(match reason {
        "busy" | "cas-timed-out" | "cas-away" => Some(Fault::Hang),
        "cas-unreachable" => Some(Fault::CloseConnection),
        "cas-unreadable" => Some(Fault::Garbage),
        _ => None,
    });
    registry.set_broken(match reason {
        "registry-unavailable" => Some("begin"),
        "signed-out-meanwhile" => Some("overtaken"),
        _ => None,
    });
    let mut browser = Browser::new();
    let mut is_member = false;
    match reason {
        "invalid-ticket" | "ticket-refused" => {
            let service = app.begin(&mut browser, "/profile").await;
            let is_ticket = reason == "ticket-refused";
            let ticket = ["%3Cscript%3E", "ST-unknown"][usize::from(is_ticket)];
            browser.open(&format!("{service}&ticket={ticket}")).await;
        }
        "ticket-by-post" => post_a_ticket(&app).await,
        "not-begun-here" => {
            let service = app.begin(&mut Browser::new(), "/profile").await;
            browser.open(&app.callback(&service)).await;
        }
        "cookies-needed" => {
            browser.refuses = vec!["cas-"];
            let service = app.begin(&mut browser, "/profile").await;
            let again = browser.open(&app.callback(&service)).await;
            let service = again.location_parameter("service").unwrap();
            browser.open(&app.callback(&service)).await;
        }
        "busy" => {
            let begin = async || {
                let mut browser = Browser::new();
                let service = app.begin(&mut browser, "/profile").await;
                (browser, app.callback(&service))
            };
            let mut tabs = [begin().await, begin().await, begin().await];
            let [one, two, three] = tabs.each_mut().map(|(tab, url)| tab.open(url));
            // How many of them wait in vain, at least one, is up to the clock.
            tokio::join!(one, two, three);
        }
        "cas-away" => {
            for _ in 0..6 {
                app.sign_in(&mut browser, "/profile").await;
            }
        }
        "not-allowed" | "foreign-sign-out" => {
            app.sign_in(&mut browser, "/profile").await;
            is_member = true;
            let (method, path) = match reason {
                "not-allowed" => (Method::GET, "/dogs"),
                _ => (Method::POST, "/logout"),
            };
            let request = browser.request(method, &app.at(path));
            let request = request.header("sec-fetch-site", "cross-site");
            assert_eq!(browser.send(request).await.status, 403);
        }
        "not-confirmed" => decline(&app, &mut browser, "same-origin").await,
        "foreign-confirmation" => decline(&app, &mut browser, "cross-site").await,
        _ => {
            app.sign_in(&mut browser, "/profile").await;
        }
    }
    assert_eq!(browser.has_session(), is_member, "{reason}");
}

/// Brings a good ticket in a form, without the login cookie.
async fn post_a_ticket(app: &App) {
    let mut elsewhere = Browser::new();
    let service = app.begin(&mut Browser::new(), "/profile").await;
    let ticket = app.cas.issue_ticket("alice", &service);
    let form = elsewhere.form(&service, format!("ticket={ticket}"));
    assert_eq!(elsewhere.send(form).await.status, 400);
}

/// Says, from a page of this site, that the user is somebody else.
async fn decline(app: &App, browser: &mut Browser, site: &str) {
    let service = app.begin(browser, "/profile").await;
    let ticket = app.cas.issue_ticket("alice", &service);
    let page = browser.open(&format!("{service}?ticket={ticket}")).await;
    let form = browser.form(&app.at("/login"), page.question().form("other"));
    browser.send(form.header("sec-fetch-site", site)).await;
}
