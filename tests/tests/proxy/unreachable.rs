//! The CAS server does not accept the proxy callback. People sign in all the same, without a proxy-granting ticket.

use axum::{Json, Router, response::IntoResponse, routing::get};
use cas_layer::{
    Access, CasClient, CasConfig, CasConfigBuilder, CasInPlaceLayer, CasUser, Key, Paths,
    ServiceTicket, ServiceUrl, ValidationErrorKind,
    testing::{CasServer, Quirk},
};
use cas_layer_tests::visitor::{Answer, Visitor};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    link::url_of,
    portal::{Portal, cas, in_cookie, in_registry, service},
    support::{Api, answer},
};

const TARGET: &str = "https://api.example.org/records";

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:9/cas/proxy";

/// Servers that use the ticket up when they do not accept the callback, and servers that do not.
const SERVERS: [(&[Quirk], bool); 4] = [
    (&[Quirk::CallbackFailureRefuses], false),
    (&[Quirk::CallbackFailureKeepsTicket], true),
    (&[Quirk::NoProxies], false),
    (&[Quirk::NoProxies, Quirk::CallbackFailureKeepsTicket], true),
];

fn nowhere(config: CasConfigBuilder) -> CasConfigBuilder {
    config.proxy(|proxy| proxy.callback_url(NOWHERE))
}

fn to_nowhere(config: CasConfigBuilder) -> CasConfigBuilder {
    nowhere(in_cookie(config))
}

/// A CAS server that does so.
async fn refusing(quirks: &[Quirk]) -> CasServer {
    let cas = cas().start().await.unwrap();
    cas.set_quirks(quirks.iter().copied());
    cas
}

/// Opens a page, and fills in forms until there is none. Returns how many there were, and the page at the end.
async fn opened(visitor: &Visitor, url: &str) -> (usize, Answer) {
    let fields = [("username", "alice"), ("password", "rabbit-hole")];
    let mut page = visitor.open(url).await;
    let mut forms = 0;
    while page.asks_for_password() {
        forms += 1;
        assert!(forms < 4, "one form after another");
        let sent = visitor.send_form(&page, &fields).await;
        page = visitor.follow(sent).await;
    }
    (forms, page)
}

#[tokio::test]
async fn a_visitor_fills_in_one_form_whatever_the_server_does_with_the_ticket() {
    for (quirks, keeps) in SERVERS {
        for keep in [in_cookie, in_registry] {
            let cas = refusing(quirks).await;
            let portal = Portal::start(&cas, |config| nowhere(keep(config))).await;
            let visitor = Visitor::new();
            let (forms, page) = opened(&visitor, &portal.at("/me")).await;
            assert_eq!(page.url.as_str(), portal.at("/me"), "{quirks:?}");
            assert_eq!(page.json()["user"], "alice", "{quirks:?}");
            assert_eq!(forms, 1, "{quirks:?}");
            // With a ticket that is gone, it takes another one.
            let validations = if keeps { 2 } else { 3 };
            assert_eq!(cas.validations(), validations, "{quirks:?}");
            let ticket = portal.ticket(&visitor, TARGET).await;
            assert_eq!(ticket, Err("NoGrantingTicket".to_owned()));
            // Nothing is remembered: the next sign-in asks again, and gets a ticket as soon as the server gives one.
            visitor.get(&portal.at("/logout")).await;
            cas.set_quirks([]);
            let (_, page) = opened(&visitor, &portal.at("/me")).await;
            assert_eq!(page.json()["user"], "alice", "{quirks:?}");
        }
    }
}

#[tokio::test]
async fn so_it_is_with_a_bare_service_url_and_in_place() {
    for (quirks, _) in SERVERS {
        let cas = refusing(quirks).await;
        let bare = |config: CasConfigBuilder| {
            to_nowhere(config)
                .sign_in(|sign_in| sign_in.bare_service_url(true).allow_login_csrf(true))
        };
        let portal = Portal::start(&cas, bare).await;
        let (forms, page) = opened(&Visitor::new(), &portal.at("/me")).await;
        assert_eq!(page.json()["user"], "alice", "{quirks:?}: {}", page.url);
        assert_eq!((forms, page.url.as_str()), (1, &*portal.at("/me")));

        let url = in_place(&cas, to_nowhere).await;
        let (forms, page) = opened(&Visitor::new(), &format!("{url}/page?a=b")).await;
        assert_eq!(page.json()["user"], "alice", "{quirks:?}: {}", page.url);
        assert_eq!((forms, page.url.as_str()), (1, &*format!("{url}/page?a=b")));
    }
}

/// An app without endpoint paths. Returns its URL.
async fn in_place(
    cas: &CasServer,
    configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = url_of(&listener);
    let config = configure(CasConfig::builder(cas.url(), &url).key(Key::generate()));
    let me = async |user: CasUser| Json(json!({ "user": user.name() }));
    let app = Router::new()
        .fallback(me)
        .layer(CasInPlaceLayer::new(config.build().unwrap()));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

#[tokio::test]
async fn a_gateway_signs_in_whom_the_server_knows_if_the_ticket_is_still_good() {
    for (quirks, keeps) in SERVERS {
        let cas = refusing(quirks).await;
        let other = Portal::start(&cas, |config| config).await;
        let visitor = Visitor::new();
        opened(&visitor, &other.at("/me")).await;
        let gateway = |config: CasConfigBuilder| {
            to_nowhere(config).rule(Paths::exact("/me"), Access::gateway())
        };
        let portal = Portal::start(&cas, gateway).await;
        // The first time it is seen whether the browser keeps cookies.
        assert_eq!(visitor.open(&portal.at("/me")).await.status, 401);
        let page = visitor.open(&portal.at("/me")).await;
        assert_eq!(page.url.as_str(), portal.at("/me"), "{quirks:?}");
        assert_eq!(page.status, if keeps { 200 } else { 401 }, "{quirks:?}");
        // Who is unknown there sees no form.
        let stranger = Visitor::new();
        for _ in 0..3 {
            let page = stranger.open(&portal.at("/me")).await;
            assert_eq!(page.url.as_str(), portal.at("/me"));
        }
    }
}

#[tokio::test]
async fn credentials_are_asked_for_once_more_only_if_the_ticket_is_gone() {
    for (quirks, keeps) in SERVERS {
        let cas = refusing(quirks).await;
        let renewed = |config| to_nowhere(config).sign_in(|sign_in| sign_in.renew(true));
        let portal = Portal::start(&cas, renewed).await;
        let (forms, page) = opened(&Visitor::new(), &portal.at("/me")).await;
        assert_eq!(page.json()["user"], "alice", "{quirks:?}");
        assert_eq!(forms, if keeps { 1 } else { 2 }, "{quirks:?}");
    }
}

#[tokio::test]
async fn a_visitor_who_is_signed_in_and_gives_their_credentials_again_goes_on() {
    for (quirks, _) in SERVERS {
        let cas = cas().start().await.unwrap();
        let portal = Portal::start(&cas, in_cookie).await;
        let visitor = Visitor::new();
        opened(&visitor, &portal.at("/me")).await;
        assert!(portal.ticket(&visitor, TARGET).await.is_ok());
        cas.set_quirks(quirks.iter().copied());
        let only_no_proxies = quirks.contains(&Quirk::NoProxies);
        let renewal = portal.at("/login?renew=true&next=/me");
        let (_, page) = opened(&visitor, &renewal).await;
        assert_eq!(page.url.as_str(), portal.at("/me"), "{quirks:?}");
        let has_ticket = portal.ticket(&visitor, TARGET).await.is_ok();
        assert_eq!(has_ticket, !only_no_proxies, "{quirks:?}");
    }
}

/// Somebody else must not be able to leave a user without a proxy-granting ticket.
#[tokio::test]
async fn a_link_that_others_have_written_does_not_take_the_granting_ticket_away() {
    let cas = cas().start().await.unwrap();
    let portal = Portal::start(&cas, in_cookie).await;
    // The attacker's own browser gets a link that is good there.
    cas.set_quirks([Quirk::NoProxies]);
    let attacker = Visitor::new();
    let callback = portal.callback_of_login(&cas, &attacker).await;
    let link = attacker.get(&callback).await.location();
    assert!(link.as_str().contains("nopgt=1"), "{link}");
    cas.set_quirks([]);
    let guessed = "A".repeat(32);
    for link in [
        link.to_string(),
        portal.at("/login?nopgt=1&next=/me"),
        portal.at("/login?nopgt=1&try=0&next=/me&b=again"),
        portal.at(&format!("/login?nopgt=1&try=0&next=/me&b={guessed}")),
    ] {
        for victim in [Visitor::new(), knowing(&portal).await] {
            let (_, page) = opened(&victim, &link).await;
            assert_eq!(page.json()["user"], "alice", "{link}");
            assert!(portal.ticket(&victim, TARGET).await.is_ok(), "{link}");
        }
    }
    let (_, page) = opened(&attacker, link.as_str()).await;
    assert_eq!(page.json()["user"], "alice");
    assert!(portal.ticket(&attacker, TARGET).await.is_err());

    // Nor can a service URL be changed.
    let victim = Visitor::new();
    let service = service(&victim.get(&portal.at("/me")).await);
    let changed = format!("{service}&nopgt=1");
    let ticket = cas.issue_ticket("alice", &changed);
    let before = cas.validations();
    let begun = victim.get(&format!("{changed}&ticket={ticket}")).await;
    assert_eq!(cas.validations(), before);
    assert!(!begun.location().as_str().contains("nopgt"));
}

/// A browser with a login cookie.
async fn knowing(portal: &Portal) -> Visitor {
    let visitor = Visitor::new();
    visitor.get(&portal.at("/me")).await;
    visitor
}

#[tokio::test]
async fn in_place_a_link_of_others_does_not_either() {
    let cas = cas().start().await.unwrap();
    let url = in_place(&cas, in_cookie).await;
    for query in ["cas_login=again&cas_nopgt=1", "cas_login=x&cas_nopgt=1"] {
        let visitor = Visitor::new();
        let begun = visitor.get(&format!("{url}/page?{query}")).await;
        let service = service(&begun);
        assert!(!service.contains("nopgt"), "{service}");
    }
}

/// Whatever the server is asked, it says that the callback fails.
#[tokio::test]
async fn a_login_begins_without_a_callback_once_and_then_there_is_a_page_that_names_the_callback() {
    let refusal = "<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'>\
                   <cas:authenticationFailure code='INVALID_PROXY_CALLBACK'>no</cas:authenticationFailure>\
                   </cas:serviceResponse>";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let cas_url = url_of(&listener);
    let validate = get(async move || refusal.into_response());
    let server = Router::new().route("/p3/serviceValidate", validate);
    tokio::spawn(async move { axum::serve(listener, server).await.unwrap() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let portal = Portal::on(listener, &cas_url, to_nowhere);

    let visitor = Visitor::new();
    let come_back = async |begun: &Answer, ticket: &str| {
        let service = service(begun);
        visitor.get(&format!("{service}&ticket={ticket}")).await
    };
    let begun = visitor.get(&portal.at("/me")).await;
    let again = come_back(&begun, "ST-first").await;
    assert_eq!(again.status, 302);
    let begun = visitor.get(again.location().as_str()).await;
    let page = come_back(&begun, "ST-second").await;
    assert_eq!(page.status, 403, "{}", page.body);
    for said in ["INVALID_PROXY_CALLBACK", NOWHERE, "Sign-in refused"] {
        assert!(page.body.contains(said), "{said}: {}", page.body);
    }
    assert!(!page.body.contains("ST-"), "{}", page.body);
}

/// In place, a bare service URL has no room for what has to be remembered.
#[tokio::test]
async fn where_no_login_can_begin_again_the_page_names_the_callback() {
    let cas = refusing(&[Quirk::CallbackFailureRefuses]).await;
    let bare = |config: CasConfigBuilder| {
        to_nowhere(config).sign_in(|sign_in| sign_in.bare_service_url(true).allow_login_csrf(true))
    };
    let url = in_place(&cas, bare).await;
    let (forms, page) = opened(&Visitor::new(), &format!("{url}/page")).await;
    assert_eq!((forms, page.status.as_u16()), (1, 403), "{}", page.body);
    assert!(page.body.contains(NOWHERE), "{}", page.body);
}

#[tokio::test]
async fn an_api_takes_a_ticket_that_stays_good_and_says_why_it_does_not_take_another() {
    for (quirks, keeps) in SERVERS {
        let cas = refusing(quirks).await;
        let api = Api::start(&cas, to_nowhere, |layer| layer).await;
        let ticket = cas.issue_ticket("alice", &api.at("/records"));
        let request = api.get("/records");
        let answer = answer(request.header("authorization", format!("CAS {ticket}"))).await;
        if keeps {
            assert_eq!(answer.status, 200, "{quirks:?}: {}", answer.body);
            assert_eq!(answer.body["user"], "alice", "{quirks:?}");
        } else {
            assert_eq!(answer.status, 401, "{quirks:?}: {}", answer.body);
            let cause = answer.body["cause"].as_str().unwrap();
            assert!(cause.contains(NOWHERE), "{cause}");
        }
    }
}

#[tokio::test]
async fn a_client_alone_knows_the_user_of_a_ticket_that_stays_good() {
    let service = ServiceUrl::parse("https://app.example.org/login").unwrap();
    for (quirks, keeps) in SERVERS {
        let cas = refusing(quirks).await;
        let client = CasClient::builder(cas.url()).proxy_callback_url(NOWHERE);
        let client = client.build().unwrap();
        for is_renewed in [false, true] {
            let ticket = cas.issue_ticket("alice", service.as_str());
            let ticket = ServiceTicket::parse(&ticket).unwrap();
            let validated = if is_renewed {
                client.validate_renewed(&ticket, &service).await
            } else {
                client.validate(&ticket, &service).await
            };
            match validated {
                Ok(user) => {
                    assert!(keeps, "{quirks:?}");
                    assert_eq!(user.user(), "alice");
                    assert!(user.proxy_granting_ticket_iou().is_none());
                }
                Err(error) => {
                    assert!(!keeps, "{quirks:?}");
                    assert_eq!(error.kind(), ValidationErrorKind::Refused);
                    // Not that the ticket is gone, which it is only because of this.
                    assert_ne!(error.code(), Some("INVALID_TICKET"), "{quirks:?}");
                }
            }
        }
    }
}
