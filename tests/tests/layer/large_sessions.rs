//! Users of whom the CAS server says more than fits into a cookie.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cas_layer::{
    CasConfig, CasConfigBuilder, MemoryRegistry, SessionPlace,
    testing::{CasServer, ManualClock, User},
};
use serde_json::{Value, json};

use cas_layer_tests::{
    listening::{Listening, heard},
    noise::noise,
};

use crate::{
    browser::{Answer, Browser},
    nodes::{APP, Node, sign_in},
    registry::Moody,
    support::{App, alice},
};

/// Groups of 60 bytes, as a directory names them.
fn groups(count: usize) -> Vec<String> {
    let group = |n| format!("cn=g{n:05},ou=groups,ou=people,dc=faculty,dc=university,dc=org");
    (0..count).map(group).collect()
}

async fn app_for(
    count: usize,
    configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
) -> App {
    let user = User::new("alice", "rabbit-hole").attribute("memberOf", groups(count));
    App::against(CasServer::builder().user(user), configure).await
}

fn attributes(page: &Answer) -> Value {
    assert_eq!(page.status, 200, "{}", page.body);
    let mut page: Value = serde_json::from_str(&page.body).unwrap();
    page["attributes"].take()
}

/// What the browser sends for its session: name and value.
fn session_bytes(browser: &Browser) -> usize {
    let cookie = browser.cookie("-session").unwrap();
    cookie.name().len() + cookie.value().len()
}

#[tokio::test]
async fn users_with_any_number_of_groups_sign_in_with_all_of_them_and_a_small_cookie() {
    for count in [1, 10, 45, 400, 10_000] {
        let app = app_for(count, |config| config).await;
        let mut browser = Browser::new();
        let back = app.sign_in(&mut browser, "/profile").await;
        assert_eq!(back.location(), "/profile", "{count}: {}", back.body);
        assert!(session_bytes(&browser) <= 1_280, "{count}");
        for _ in 0..2 {
            let page = browser.open(&app.at("/profile")).await;
            assert_eq!(attributes(&page)["memberOf"], json!(groups(count)));
        }
    }
}

#[tokio::test]
async fn four_hundred_groups_fit_into_a_cookie_of_the_size_that_browsers_take() {
    let in_cookie =
        |config: CasConfigBuilder| config.session(|session| session.place(SessionPlace::Cookie));
    let registry = Moody::default();
    let app = app_for(400, |config| in_cookie(config).registry(registry.clone())).await;
    let mut browser = Browser::new();
    assert_eq!(app.sign_in(&mut browser, "/profile").await.status, 302);
    assert!(session_bytes(&browser) > 1_280);
    let page = browser.open(&app.at("/profile")).await;
    assert_eq!(attributes(&page)["memberOf"], json!(groups(400)));
    assert_eq!(registry.reads(), 0);
}

#[tokio::test]
async fn a_session_in_the_registry_has_a_small_cookie_that_tells_nothing() {
    for count in [3, 10_000] {
        let app = app_for(count, |config| {
            config.session(|session| session.place(SessionPlace::Registry))
        })
        .await;
        let mut browser = Browser::new();
        app.sign_in(&mut browser, "/profile").await;
        assert!(session_bytes(&browser) < 300, "{}", session_bytes(&browser));
        let cookie = browser.cookie("-session").unwrap();
        // Encrypted, as `cookie_forms` shows of such cookies.
        assert!(cookie.value().starts_with("e1."), "{}", cookie.value());
        let page = browser.open(&app.at("/profile")).await;
        assert_eq!(attributes(&page)["memberOf"], json!(groups(count)));
    }
}

/// An app with everything in this registry, alice, and a browser of hers in which each node has to ask.
async fn kept(
    registry: &Moody,
    configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
) -> (CasServer, Node, Node, Browser) {
    let cas = CasServer::builder().user(alice()).start().await.unwrap();
    let clock = ManualClock::new();
    let config = |url: &str| {
        CasConfig::builder(url, APP)
            .key(crate::support::key(1))
            .clock(clock.clone())
            .registry(registry.clone())
            .session(|session| session.place(SessionPlace::Registry))
            .public_prefix("/public")
    };
    let here = Node::start(config(cas.url())).await;
    let there = Node::start(configure(config(cas.url()))).await;
    let browser = sign_in(&cas, &here, &here).await;
    (cas, here, there, browser)
}

async fn is_alice(node: &Node, browser: &mut Browser) {
    let page = browser.open(&node.at("/profile")).await;
    assert_eq!(
        attributes(&page)["mail"],
        json!(["alice@wonderland.example"])
    );
}

#[tokio::test]
async fn each_node_asks_the_registry_once_for_a_session_however_many_requests_come() {
    let registry = Moody::default();
    let (_cas, here, there, mut browser) = kept(&registry, |config| config).await;
    // The node that opened the session knows it.
    is_alice(&here, &mut browser).await;
    assert_eq!(registry.reads(), 0);
    registry.set_broken(Some("slow to read"));
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let (mut browser, url) = (browser.clone(), there.at("/profile"));
        waiting.push(tokio::spawn(async move { browser.open(&url).await }));
    }
    registry.is_asked().await;
    registry.set_broken(None);
    registry.go_on();
    for page in waiting {
        assert!(!attributes(&page.await.unwrap())["mail"].is_null());
    }
    is_alice(&there, &mut browser).await;
    assert_eq!(registry.reads(), 1);
}

#[tokio::test]
async fn a_registry_that_cannot_be_reached_means_503_and_no_user_without_attributes() {
    let registry = Moody::default();
    let (_cas, here, there, mut browser) = kept(&registry, |config| config).await;
    registry.set_broken(Some("kept"));
    for _ in 0..2 {
        let page = browser.open(&there.at("/profile")).await;
        assert_eq!(page.status, 503, "{}", page.body);
        let public = browser.open(&there.at("/public/whoami")).await;
        assert!(public.body.contains("\"user\":null"), "{}", public.body);
    }
    assert!(browser.has_session(), "the cookie stays");
    is_alice(&here, &mut browser).await;
    // An error is not remembered.
    registry.set_broken(None);
    is_alice(&there, &mut browser).await;
}

#[tokio::test]
async fn a_registry_that_hangs_holds_up_no_request_for_ever_and_no_sign_out_at_all() {
    let registry = Moody::default();
    let (_cas, _here, there, mut browser) = kept(&registry, |config| config).await;
    registry.set_broken(Some("hangs"));
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let (mut browser, url) = (browser.clone(), there.at("/profile"));
        waiting.push(tokio::spawn(async move { browser.open(&url).await }));
    }
    for page in waiting {
        assert_eq!(page.await.unwrap().status, 503);
    }
    let reads = registry.reads();
    let out = browser.open(&there.at("/logout")).await;
    assert_eq!(out.status, 302);
    assert!(!browser.has_session());
    assert_eq!(registry.reads(), reads);
}

#[tokio::test]
async fn what_the_registry_has_no_room_for_stays_in_the_cookie_if_it_fits() {
    let user = User::new("alice", "rabbit-hole").attribute("note", [noise(2_000)]);
    let app = App::against(CasServer::builder().user(user), |config| {
        config.registry(MemoryRegistry::default().with_room_for(100))
    })
    .await;
    let mut browser = Browser::new();
    let back = app.sign_in(&mut browser, "/profile").await;
    assert_eq!(back.location(), "/profile", "{}", back.body);
    let page = browser.open(&app.at("/profile")).await;
    assert_eq!(attributes(&page)["note"], json!([noise(2_000)]));
}

#[tokio::test]
async fn a_sign_in_whose_attributes_cannot_be_kept_gets_503_and_leaves_no_session() {
    let registry = Moody::default();
    let signed_out = Arc::new(AtomicUsize::new(0));
    let heard = Arc::clone(&signed_out);
    let app = App::with(|config| {
        config
            .on_sign_out(move |_| {
                heard.fetch_add(1, Ordering::SeqCst);
            })
            .registry(registry.clone())
            .session(|session| session.place(SessionPlace::Registry))
    })
    .await;
    registry.set_broken(Some("keep"));
    let mut browser = Browser::new();
    let answer = app.sign_in(&mut browser, "/profile").await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(!browser.has_session());
    registry.set_broken(None);
    // A single logout of the ticket finds nothing to end.
    app.cas.log_out("alice").await;
    assert_eq!(signed_out.load(Ordering::SeqCst), 0);
    assert_eq!(app.sign_in(&mut browser, "/profile").await.status, 302);

    // No room is 503 too, and says that it passes.
    let app = App::with(|config| {
        config
            .registry(MemoryRegistry::default().with_room_for(100))
            .session(|session| session.place(SessionPlace::Registry))
    })
    .await;
    let answer = app.sign_in(&mut browser, "/profile").await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(!answer.header("retry-after").is_empty());
}

#[tokio::test]
async fn a_session_that_the_registry_has_lost_means_signing_in_again() {
    let _listening = Listening::start();
    let (one, other) = (Moody::default(), Moody::default());
    let (cas, here, there, mut browser) = kept(&one, |config| config.registry(other)).await;
    let begun = browser.open(&there.at("/profile")).await;
    assert!(begun.location().starts_with(cas.url()), "{}", begun.body);
    assert!(heard().contains("the registry no longer has the attributes of a session"));
    let service = begun.location_parameter("service").unwrap();
    let ticket = cas.issue_ticket("alice", &service);
    let path = service.strip_prefix(APP).unwrap();
    let back = there.at(&format!("{path}&ticket={ticket}"));
    assert_eq!(browser.open(&back).await.location(), "/profile");
    is_alice(&there, &mut browser).await;
    drop(here);
}

#[tokio::test]
async fn nodes_that_share_no_registry_end_on_a_page_and_in_the_log() {
    let _listening = Listening::start();
    let (one, other) = (Moody::default(), Moody::default());
    let (cas, here, there, mut browser) = kept(&one, |config| config.registry(other)).await;
    let mut rounds = 0;
    let page = loop {
        // Sign-ins are finished at one node, and pages asked for at the other.
        let page = browser.open(&there.at("/profile")).await;
        if !page.status.is_redirection() {
            break page;
        }
        rounds += 1;
        assert!(rounds < 4);
        let service = page.location_parameter("service").unwrap();
        let ticket = cas.issue_ticket("alice", &service);
        let path = service.strip_prefix(APP).unwrap();
        let back = here.at(&format!("{path}&ticket={ticket}"));
        assert_eq!(browser.open(&back).await.status, 302);
    };
    // The sign-in before was the first round.
    assert_eq!((page.status.as_u16(), rounds), (500, 1), "{}", page.body);
    let log = heard();
    let line = log
        .lines()
        .find(|line| line.contains("ERROR") && line.contains("do not share one registry"));
    assert!(line.is_some(), "{log}");
}

#[tokio::test]
async fn refused_tickets_of_somebody_whose_attributes_are_gone_end_on_a_page() {
    let (one, other) = (Moody::default(), Moody::default());
    let (cas, _here, there, mut browser) = kept(&one, |config| config.registry(other)).await;
    let mut page = browser.open(&there.at("/profile")).await;
    for _ in 0..16 {
        let Some(mut next) = page.onward().await else {
            break;
        };
        if next.starts_with(cas.url()) {
            let service = page.location_parameter("service").unwrap();
            next = format!("{}&ticket=ST-made-up", service.strip_prefix(APP).unwrap());
        }
        page = browser.open(&there.at(&next)).await;
    }
    assert_eq!(page.status, 403, "{}", page.body);
}

#[tokio::test]
async fn who_signs_out_is_signed_out_on_every_node_that_knew_the_session() {
    let registry = Moody::default();
    let (_cas, here, there, mut browser) = kept(&registry, |config| config).await;
    is_alice(&there, &mut browser).await;
    let mut copy = browser.clone();
    browser.open(&here.at("/logout")).await;
    assert!(!browser.has_session());
    for node in [&here, &there] {
        let page = copy.open(&node.at("/profile")).await;
        assert_eq!(page.status, 302, "{}", page.body);
    }
    assert_eq!(registry.reads(), 1);
}

#[tokio::test]
async fn where_the_session_is_may_change_while_it_lasts() {
    let registry = Moody::default();
    let (_cas, here, there, mut browser) = kept(&registry, |config| {
        config.session(|session| session.place(SessionPlace::Cookie))
    })
    .await;
    is_alice(&there, &mut browser).await;
    is_alice(&here, &mut browser).await;
}

#[tokio::test]
async fn a_cookie_is_renewed_without_asking_the_registry() {
    let clock = ManualClock::new();
    let registry = Moody::default();
    let app = app_for(10_000, |config| {
        config.clock(clock.clone()).registry(registry.clone())
    })
    .await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    for _ in 0..3 {
        clock.advance(Duration::from_secs(1_000));
        let page = browser.open(&app.at("/profile")).await;
        assert_eq!(page.set_cookies().len(), 1);
        assert_eq!(attributes(&page)["memberOf"], json!(groups(10_000)));
        assert!(session_bytes(&browser) <= 1_280);
    }
    assert_eq!(registry.reads(), 0);
}

#[tokio::test]
async fn a_name_to_be_confirmed_may_have_ten_thousand_groups() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let app = app_for(10_000, |config| {
        let seen = Arc::clone(&seen);
        config
            .sign_in(|sign_in| sign_in.bare_service_url(true))
            .on_sign_in(move |user| {
                let groups = user.attributes().all("memberOf").len();
                seen.lock().unwrap().push(groups);
            })
    })
    .await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    let ticket = app.cas.issue_ticket("alice", &service);
    let page = browser.open(&format!("{service}?ticket={ticket}")).await;
    assert!(page.body.len() < 10_000, "{} bytes", page.body.len());
    let form = browser.form(&app.at("/login"), page.question().form("continue"));
    let back = browser
        .send(form.header("sec-fetch-site", "same-origin"))
        .await;
    assert_eq!(back.location(), "/profile", "{}", back.body);
    let page = browser.open(&app.at("/profile")).await;
    assert_eq!(attributes(&page)["memberOf"], json!(groups(10_000)));
    assert_eq!(*seen.lock().unwrap(), [10_000]);
}

#[tokio::test]
async fn a_confirmation_whose_attributes_are_gone_signs_nobody_in() {
    let registry = Moody::default();
    for (broken, status) in [("kept", 503), ("gone", 403)] {
        // Two nodes, as one knows what it has kept.
        let cas = CasServer::builder().user(alice()).start().await.unwrap();
        let config = || {
            CasConfig::builder(cas.url(), APP)
                .key(crate::support::key(1))
                .registry(registry.clone())
                .session(|session| session.place(SessionPlace::Registry))
                .sign_in(|sign_in| sign_in.bare_service_url(true))
        };
        let (here, there) = (Node::start(config()).await, Node::start(config()).await);
        let mut browser = Browser::new();
        let begun = browser.open(&here.at("/profile")).await;
        let service = begun.location_parameter("service").unwrap();
        let ticket = cas.issue_ticket("alice", &service);
        let page = browser
            .open(&here.at(&format!("/login?ticket={ticket}")))
            .await;
        registry.set_broken(Some(broken));
        let form = browser.form(&there.at("/login"), page.question().form("continue"));
        let form = form.header("sec-fetch-site", "same-origin");
        let answer = browser.send(form).await;
        registry.set_broken(None);
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(!browser.has_session());
    }
}

#[tokio::test]
async fn a_session_that_cannot_be_kept_is_told_to_the_operator_by_the_names_of_its_attributes() {
    let _listening = Listening::start();
    let app = App::with(|config| {
        config.session(|session| {
            session.place(SessionPlace::Cookie).map(|session| {
                session.attributes_mut().push("certificate", noise(5_000));
                session.attributes_mut().push("photo", noise(4_000));
                Ok(())
            })
        })
    })
    .await;
    let mut browser = Browser::new();
    let page = app.sign_in(&mut browser, "/profile").await;
    assert_eq!(page.status, 500);
    assert!(!browser.has_session());
    assert!(page.body.contains("somebody else"), "{}", page.body);
    assert!(page.body.contains("administrator"), "{}", page.body);
    let log = heard();
    let line = log
        .lines()
        .find(|line| line.contains("session-too-large"))
        .unwrap();
    for part in [
        "4096 are the limit",
        r#""certificate" (5000 bytes), "photo" (4000 bytes), "mail" (24 bytes)"#,
    ] {
        assert!(line.contains(part), "{line}");
    }
    assert!(!log.contains(&noise(5_000)[..20]));
    // The way to sign in as somebody else ends the sign-on session at the CAS server.
    assert!(page.body.contains("/logout"), "{}", page.body);
}

#[tokio::test]
async fn more_than_a_mebibyte_of_attributes_is_too_much_for_a_registry_too() {
    let app = App::with(|config| {
        config.session(|session| {
            session.map(|session| {
                session.attributes_mut().push("photo", noise(1 << 20));
                Ok(())
            })
        })
    })
    .await;
    let mut browser = Browser::new();
    assert_eq!(app.sign_in(&mut browser, "/profile").await.status, 500);
    assert!(!browser.has_session());
}

#[tokio::test]
async fn a_session_without_attributes_needs_no_room_in_the_registry() {
    let registry = Moody::default();
    registry.set_broken(Some("keep"));
    let app = App::with(|config| {
        config
            .registry(registry)
            .session(|session| session.place(SessionPlace::Registry).no_attributes())
    })
    .await;
    let mut browser = Browser::new();
    let back = app.sign_in(&mut browser, "/profile").await;
    assert_eq!(back.status, 302, "{}", back.body);
    assert_eq!(app.whoami(&mut browser).await, "alice");
}
