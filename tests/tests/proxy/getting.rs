//! An app gets proxy tickets for its users.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cas_layer::{
    CasClient, CasConfig, CasConfigBuilder, FurtherHost, Key, MemoryRegistry, SessionPlace,
    registry::Registry as _,
    testing::{Fault, Quirk, User},
};
use cas_layer_tests::{noise::noise, visitor::Visitor};

use crate::{
    portal::{CALLBACK, Portal, cas, in_cookie, in_registry},
    relay::{Relay, logout_request},
    support::{answer, client},
};

const TARGET: &str = "https://api.example.org/records?year=2026";

/// What the CAS server says of a proxy ticket.
async fn validated(cas_url: &str, target: &str, ticket: &str) -> String {
    let query: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("service", target)
        .append_pair("ticket", ticket)
        .finish();
    let url = format!("{cas_url}/p3/proxyValidate?{query}");
    answer(client().get(url))
        .await
        .body
        .as_str()
        .unwrap()
        .to_owned()
}

fn error<T: Into<String>>(kind: T) -> Result<String, String> {
    Err(kind.into())
}

#[tokio::test]
async fn a_signed_in_user_has_proxy_tickets_wherever_the_granting_ticket_is_kept() {
    for keep in [in_cookie, in_registry] {
        let cas = cas().start().await.unwrap();
        let portal = Portal::start(&cas, keep).await;
        let visitor = portal.sign_in(&cas).await;
        let first = portal.ticket(&visitor, TARGET).await.unwrap();
        let second = portal.ticket(&visitor, TARGET).await.unwrap();
        assert!(first.starts_with("PT-") && first != second);
        let answer = validated(cas.url(), TARGET, &first).await;
        assert!(answer.contains("<cas:user>alice</cas:user>"), "{answer}");
        let proxy = format!("<cas:proxy>{}</cas:proxy>", portal.callback());
        assert!(answer.contains(&proxy), "{answer}");
        // The server looked first whether anybody is there.
        let calls: Vec<_> = cas
            .proxy_callbacks()
            .iter()
            .map(|call| (call.probe, call.status))
            .collect();
        assert_eq!(calls, [(true, Some(200)), (false, Some(200))]);
    }
}

#[tokio::test]
async fn every_way_in_which_servers_call_back_is_understood() {
    for quirk in [
        Quirk::CallbackWithoutProbe,
        Quirk::CallbackProbesTwice,
        Quirk::CallbackIouFirst,
        Quirk::CallbackTwice,
    ] {
        let cas = cas().quirk(quirk).start().await.unwrap();
        let portal = Portal::start(&cas, in_cookie).await;
        let visitor = portal.sign_in(&cas).await;
        assert!(portal.ticket(&visitor, TARGET).await.is_ok(), "{quirk:?}");
    }
}

#[tokio::test]
async fn a_callback_that_comes_after_the_answer_is_waited_for() {
    let cas = cas().quirk(Quirk::CallbackLate).start().await.unwrap();
    let portal = Portal::start(&cas, in_cookie).await;
    let visitor = Visitor::new();
    let callback = portal.callback_of_login(&cas, &visitor).await;
    let late = async {
        while cas.validations() == 0 {
            tokio::task::yield_now().await;
        }
        while cas.release_proxy_callbacks().await == 0 {
            tokio::task::yield_now().await;
        }
    };
    let (signed_in, ()) = tokio::join!(visitor.get(&callback), late);
    assert_eq!(signed_in.status, 302);
    assert!(portal.ticket(&visitor, TARGET).await.is_ok());
}

#[tokio::test]
async fn a_sign_in_without_a_granting_ticket_is_as_good_as_any_other() {
    // The pair never comes.
    let cas = cas().quirk(Quirk::CallbackLate).start().await.unwrap();
    let portal = Portal::start(&cas, in_cookie).await;
    let visitor = portal.sign_in(&cas).await;
    assert_eq!(
        visitor.get_json(&portal.at("/me")).await.json()["user"],
        "alice"
    );
    assert_eq!(
        portal.ticket(&visitor, TARGET).await,
        error("NoGrantingTicket")
    );
    // After the bound it is not taken any more.
    assert_eq!(
        cas.release_proxy_callbacks().await,
        1,
        "answered like any other"
    );
    assert_eq!(
        portal.ticket(&visitor, TARGET).await,
        error("NoGrantingTicket")
    );
    assert_eq!(cas.proxy_requests(), 0);
}

#[tokio::test]
async fn a_server_that_cannot_call_back_gives_none() {
    let cas = cas().start().await.unwrap();
    let nowhere = |config: CasConfigBuilder| {
        in_cookie(config).proxy(|proxy| proxy.callback_url("http://127.0.0.1:9/cas/proxy"))
    };
    let portal = Portal::start(&cas, nowhere).await;
    let visitor = portal.sign_in(&cas).await;
    assert_eq!(
        portal.ticket(&visitor, TARGET).await,
        error("NoGrantingTicket")
    );
}

#[tokio::test]
async fn why_there_is_no_proxy_ticket_is_told_precisely() {
    let cas = cas().start().await.unwrap();
    let quick = |config: CasConfigBuilder| {
        in_cookie(config).client(|client| client.timeout(Duration::from_millis(500)))
    };
    let portal = Portal::start(&cas, quick).await;
    let visitor = portal.sign_in(&cas).await;
    for target in [
        "",
        "/records",
        "ftp://api.example.org/",
        "https://a@api.example.org/",
        "https://api.example.org/?ticket=PT-1",
        "https://api.example.org/#top",
    ] {
        assert_eq!(
            portal.ticket(&visitor, target).await,
            error("InvalidTarget"),
            "{target}"
        );
    }
    cas.set_target_services(Some(vec!["https://other.example.org/".to_owned()]));
    assert_eq!(portal.ticket(&visitor, TARGET).await, error("Unauthorized"));
    cas.set_target_services(None);
    for (fault, kind) in [
        (Fault::Status(500), "Unreadable"),
        (Fault::Garbage, "Unreadable"),
        (Fault::CloseConnection, "Unreachable"),
        (Fault::Hang, "TimedOut"),
    ] {
        cas.set_fault(Some(fault));
        assert_eq!(portal.ticket(&visitor, TARGET).await, error(kind));
    }
    cas.set_fault(None);
    assert!(
        portal.ticket(&visitor, TARGET).await.is_ok(),
        "nothing of that spoiled it"
    );
    cas.expire_proxy_granting_tickets();
    assert_eq!(portal.ticket(&visitor, TARGET).await, error("Expired"));
}

/// In a cookie it stays, and the server is asked again.
#[tokio::test]
async fn a_granting_ticket_that_the_server_no_longer_knows_is_forgotten_where_the_registry_keeps_it()
 {
    for (keep, then, asks) in [
        (
            in_cookie as fn(CasConfigBuilder) -> CasConfigBuilder,
            "Expired",
            1,
        ),
        (in_registry, "NoGrantingTicket", 0),
    ] {
        let cas = cas().start().await.unwrap();
        let portal = Portal::start(&cas, keep).await;
        let visitor = portal.sign_in(&cas).await;
        cas.expire_proxy_granting_tickets();
        assert_eq!(portal.ticket(&visitor, TARGET).await, error("Expired"));
        let before = cas.proxy_requests();
        assert_eq!(portal.ticket(&visitor, TARGET).await, error(then));
        assert_eq!(cas.proxy_requests() - before, asks, "{then}");
    }
}

/// Five time-outs in a row are enough, also for sign-ins.
#[tokio::test]
async fn a_server_that_hangs_is_not_asked_for_long() {
    let cas = cas().start().await.unwrap();
    let portal = Portal::start(&cas, |config| {
        in_cookie(config).client(|client| client.timeout(Duration::from_millis(300)))
    })
    .await;
    let visitor = portal.sign_in(&cas).await;
    cas.set_fault(Some(Fault::Hang));
    for _ in 0..20 {
        let ticket = portal.ticket(&visitor, TARGET).await;
        assert_eq!(ticket, Err("TimedOut".to_owned()));
    }
    let requests = cas.proxy_requests();
    // One every three seconds finds out whether it is back.
    assert!((5..20).contains(&requests), "{requests}");
    cas.set_fault(None);
    while portal.ticket(&visitor, TARGET).await.is_err() {}
    assert!(portal.ticket(&visitor, TARGET).await.is_ok());
}

#[tokio::test]
async fn nothing_in_a_target_becomes_a_parameter_of_its_own() {
    let cas = cas().start().await.unwrap();
    let portal = Portal::start(&cas, in_cookie).await;
    let visitor = portal.sign_in(&cas).await;
    for target in [
        "https://api.example.org/?a=b&targetService=https://evil.example/",
        "https://api.example.org/?pgt=PGT-1%26targetService=x",
        "https://api.example.org/a%26b+c;d",
    ] {
        let ticket = portal.ticket(&visitor, target).await.unwrap();
        let answer = validated(cas.url(), target, &ticket).await;
        assert!(
            answer.contains("<cas:user>alice</cas:user>"),
            "{target}: {answer}"
        );
    }
}

#[tokio::test]
async fn single_logout_ends_the_granting_ticket() {
    for keep in [in_cookie, in_registry] {
        let cas = cas().start().await.unwrap();
        let portal = Portal::start(&cas, keep).await;
        let visitor = portal.sign_in(&cas).await;
        let report = cas.log_out("alice").await;
        assert_eq!(
            (report.sent, report.accepted),
            (2, 2),
            "service ticket and PGT"
        );
        let over = visitor.get_json(&portal.at("/ticket?target=x")).await;
        assert_eq!(over.status, 401, "the session is over");
    }
}

#[tokio::test]
async fn who_holds_a_user_beyond_the_session_gets_no_more_tickets() {
    for keep in [in_cookie, in_registry] {
        let cas = cas().start().await.unwrap();
        let portal = Portal::start(&cas, keep).await;
        let visitor = portal.sign_in(&cas).await;
        assert!(portal.ticket(&visitor, TARGET).await.is_ok());
        let before = cas.proxy_requests();
        let after = portal.ticket_at("/leave", &visitor, TARGET).await;
        assert_eq!(after, error("Expired"));
        assert_eq!(cas.proxy_requests(), before, "the server was not asked");
    }
}

#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "the registry goes by real time")]
async fn a_flood_at_the_callback_keeps_nobody_from_signing_in() {
    // One that refuses the sign-in when its callback fails.
    let cas = cas()
        .quirk(Quirk::CallbackFailureRefuses)
        .start()
        .await
        .unwrap();
    let registry = MemoryRegistry::default();
    let portal = Portal::start(&cas, |config| in_cookie(config).registry(registry.clone())).await;
    // Somebody is signing in all the time.
    let grants = registry.proxy_grants().unwrap();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let other = grants.expect(Duration::from_secs(60), now).await.unwrap();
    let stranger = client();
    for number in 0..1_000 {
        let pair = format!("pgtId=PGT-{number}&pgtIou=PGTIOU-{number}");
        let brought = stranger.get(format!("{}?{pair}", portal.callback()));
        assert_eq!(answer(brought).await.status, 200);
    }
    let visitor = portal.sign_in(&cas).await;
    assert_eq!(
        portal.ticket(&visitor, TARGET).await,
        error("NoGrantingTicket"),
        "there was no room"
    );
    drop(other);
    let visitor = portal.sign_in(&cas).await;
    assert!(portal.ticket(&visitor, TARGET).await.is_ok());
}

#[tokio::test]
async fn a_session_that_has_no_room_for_the_granting_ticket_goes_without() {
    let mut ended_without = false;
    for length in (3_300..4_200).step_by(16) {
        let alice = User::new("alice", "rabbit-hole").attribute("about", [noise(length)]);
        let cas = cas().user(alice).start().await.unwrap();
        let portal = Portal::start(&cas, |config| {
            in_cookie(config).session(|session| session.place(SessionPlace::Cookie))
        })
        .await;
        let visitor = Visitor::new();
        let callback = portal.callback_of_login(&cas, &visitor).await;
        if visitor.get(&callback).await.status != 302 {
            break;
        }
        ended_without = portal.ticket(&visitor, TARGET).await == error("NoGrantingTicket");
    }
    assert!(ended_without);
}

#[tokio::test]
async fn a_logout_request_for_the_granting_ticket_alone_ends_that() {
    for keep in [in_cookie, in_registry] {
        let cas = cas().start().await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Relay::to(&listener).await;
        let signed_out = Arc::new(AtomicUsize::new(0));
        let heard = Arc::clone(&signed_out);
        let portal = Portal::on(listener, cas.url(), |config| {
            keep(config)
                .proxy(|proxy| proxy.callback_url(relay.url()))
                .on_sign_out(move |_| {
                    heard.fetch_add(1, Ordering::SeqCst);
                })
        });
        let visitor = portal.sign_in(&cas).await;
        assert!(portal.ticket(&visitor, TARGET).await.is_ok());
        let message = logout_request(&relay.granting_ticket());
        let told = client()
            .post(portal.callback())
            .form(&[("logoutRequest", message)]);
        assert_eq!(answer(told).await.status, 200);
        assert_eq!(
            visitor.get_json(&portal.at("/me")).await.status,
            200,
            "the session goes on"
        );
        let before = cas.proxy_requests();
        assert_eq!(portal.ticket(&visitor, TARGET).await, error("Expired"));
        assert_eq!(
            cas.proxy_requests(),
            before,
            "the server was not asked in vain"
        );
        assert_eq!(signed_out.load(Ordering::SeqCst), 0, "nobody signed out");
    }
}

#[tokio::test]
async fn strangers_at_the_callback_bring_nothing_about() {
    let cas = cas().start().await.unwrap();
    let portal = Portal::start(&cas, in_cookie).await;
    for (query, status) in [
        ("", 200),
        ("?a=b", 200),
        ("?pgtId=PGT-1&pgtIou=PGTIOU-1", 200),
        ("?pgtId=PGT-1", 400),
        ("?pgtIou=PGTIOU-1", 400),
        ("?pgtId=PGT-1&pgtId=PGT-2&pgtIou=PGTIOU-1", 400),
        ("?pgtId=PGT-1%26x&pgtIou=PGTIOU-1", 400),
        ("?pgtId=&pgtIou=", 400),
    ] {
        let got = answer(client().get(format!("{}{query}", portal.callback()))).await;
        assert_eq!((got.status, got.cookies.len()), (status, 0), "{query}");
        assert!(!got.body.to_string().contains("PGT-1"));
    }
    let long = format!(
        "{}?pgtId={}&pgtIou=PGTIOU-1",
        portal.callback(),
        "P".repeat(300)
    );
    assert_eq!(answer(client().get(long)).await.status, 400);
    for (method, status) in [("HEAD", 200), ("PUT", 405), ("DELETE", 405)] {
        let method = method.parse().unwrap();
        let url = format!("{}?pgtId=PGT-1&pgtIou=PGTIOU-1", portal.callback());
        assert_eq!(answer(client().request(method, url)).await.status, status);
    }
    let post = client()
        .post(portal.callback())
        .form(&[("pgtId", "PGT-1"), ("pgtIou", "PGTIOU-1")]);
    assert_eq!(answer(post).await.status, 400, "no logout request");
}

#[tokio::test]
async fn a_callback_from_an_address_that_is_not_listed_is_refused() {
    let cas = cas().start().await.unwrap();
    let listed = |config: CasConfigBuilder| {
        in_cookie(config)
            .peer_address(|_| Some("127.0.0.1".parse().unwrap()))
            .proxy(|proxy| proxy.callback_sources(["192.0.2.1"]))
    };
    let portal = Portal::start(&cas, listed).await;
    let visitor = portal.sign_in(&cas).await;
    assert_eq!(
        portal.ticket(&visitor, TARGET).await,
        error("NoGrantingTicket")
    );
    assert_eq!(cas.proxy_callbacks()[0].status, Some(403));

    let listed = |config: CasConfigBuilder| {
        in_cookie(config)
            .peer_address(|_| Some("127.0.0.1".parse().unwrap()))
            .proxy(|proxy| proxy.callback_sources(["127.0.0.0/8"]))
    };
    let portal = Portal::start(&cas, listed).await;
    let visitor = portal.sign_in(&cas).await;
    assert!(portal.ticket(&visitor, TARGET).await.is_ok());
}

#[tokio::test]
async fn the_granting_ticket_is_in_no_cookie_that_can_be_read() {
    let cas = cas().start().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = Relay::to(&listener).await;
    let registry = cas_layer::MemoryRegistry::default();
    let portal = Portal::on(listener, cas.url(), |config| {
        in_cookie(config)
            .proxy(|proxy| proxy.callback_url(relay.url()))
            .registry(registry.clone())
    });
    let visitor = portal.sign_in(&cas).await;
    let session = |visitor: &Visitor| {
        let cookies = visitor.cookies(&portal.url);
        cookies
            .into_iter()
            .find(|(name, _)| name.ends_with("-session"))
            .unwrap()
            .1
    };
    assert!(session(&visitor).starts_with("e1."), "encrypted");
    assert!(!session(&visitor).contains(&relay.granting_ticket()));
}

#[test]
fn a_configuration_that_would_leak_or_cannot_work_is_refused() {
    let builder = || {
        CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
            .key(Key::generate())
    };
    let message = |builder: CasConfigBuilder| builder.build().unwrap_err().to_string();
    assert!(
        message(builder().proxy(|proxy| proxy.callback_path(CALLBACK)))
            .contains("`.session(|session| session.encrypted(true))`")
    );
    for alone in [
        builder().proxy(|proxy| proxy.callback_url("https://app.example.org/cas/proxy")),
        builder().proxy(|proxy| proxy.granting_tickets_in_registry(true)),
        builder().proxy(|proxy| proxy.callback_sources(["192.0.2.1"])),
    ] {
        assert!(message(alone).contains("`.proxy(|proxy| proxy.callback_path(…))`"));
    }
    let sourceless = in_cookie(builder()).proxy(|proxy| proxy.callback_sources(["192.0.2.1"]));
    assert!(message(sourceless).contains("`.peer_address(…)`"));
    let nowhere =
        builder().client(|client| client.proxy_callback_url("https://app.example.org/cas/proxy"));
    assert!(message(nowhere).contains("nobody would take"));
    let hosts = || in_cookie(builder()).host("https://b.example.org");
    assert!(hosts().build().is_ok());
    for (url, is_listed) in [
        ("https://b.example.org/cas/proxy", true),
        ("https://app.example.org:443/cas/proxy", true),
        ("https://internal.example.org/cas/proxy", false),
        ("https://app.example.org:8443/cas/proxy", false),
    ] {
        let built = hosts().proxy(|proxy| proxy.callback_url(url)).build();
        assert_eq!(built.is_ok(), is_listed, "{url}");
    }
    let other = CasClient::builder("https://other.example.org/cas")
        .proxy_callback_url("https://c.example.org/cas/proxy")
        .build()
        .unwrap();
    let asking = builder().host(FurtherHost::new("https://c.example.org").cas_client(other));
    assert!(message(asking).contains("nobody would take"));
    let with = |path: &str| in_cookie(builder()).proxy(|proxy| proxy.callback_path(path));
    assert!(message(with("/login")).contains("are both"));
    assert!(message(with("cas")).contains("does not begin"));
    let plain =
        in_cookie(builder()).proxy(|proxy| proxy.callback_url("http://app.example.org/cas/proxy"));
    assert!(message(plain).contains("plain http"));
    for protocol in [cas_layer::Protocol::Cas1, cas_layer::Protocol::Saml1] {
        let old = in_cookie(builder()).client(|client| client.protocol(protocol));
        assert!(!message(old).is_empty());
    }
    assert!(in_cookie(builder()).build().is_ok());
    assert!(in_registry(builder()).build().is_ok());
}

/// With a bare service URL the user is asked first who they are. The ticket travels with the question.
#[tokio::test]
async fn a_granting_ticket_waits_for_the_confirmation_of_its_user() {
    for keep in [in_cookie, in_registry] {
        let cas = cas().start().await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Relay::to(&listener).await;
        let portal = Portal::on(listener, cas.url(), |config| {
            keep(config)
                .sign_in(|sign_in| sign_in.bare_service_url(true))
                .proxy(|proxy| proxy.callback_url(relay.url()))
        });
        let ask = async || {
            let visitor = Visitor::new();
            visitor.get(&portal.at("/me")).await;
            let service = portal.at("/login");
            let ticket = cas.issue_ticket("alice", &service);
            let page = visitor.get(&format!("{service}?ticket={ticket}")).await;
            assert!(!page.body.contains("PGT-"), "{}", page.body);
            (visitor, page)
        };
        let confirm = async |visitor: &Visitor, page| {
            let fields = [("cas_answer", "continue")];
            let back = visitor.send_form(page, &fields).await;
            assert_eq!(back.location().as_str(), portal.at("/me"));
        };
        let (visitor, page) = ask().await;
        confirm(&visitor, &page).await;
        let ticket = portal.ticket(&visitor, TARGET).await.unwrap();
        let answer = validated(cas.url(), TARGET, &ticket).await;
        assert!(answer.contains("<cas:user>alice</cas:user>"), "{answer}");
        // A logout that names it before the user has answered.
        let (visitor, page) = ask().await;
        let message = logout_request(&relay.granting_ticket());
        let logout = client()
            .post(portal.callback())
            .form(&[("logoutRequest", message)]);
        assert_eq!(logout.send().await.unwrap().status(), 200);
        confirm(&visitor, &page).await;
        let none = portal.ticket(&visitor, TARGET).await;
        assert_eq!(none, error("NoGrantingTicket"));
    }
}
