//! Every request brings its own ticket.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{Router, routing::get};
use cas_layer::{
    Access, CasApiLayer, CasConfig, CasConfigBuilder, CasUser, Key, MemoryRegistry, Paths,
    registry::{LogoutSender, Registry as _},
    testing::{CasServer, Fault},
};
use futures_util::FutureExt as _;
use serde_json::Value;

use crate::support::{Answer, Api, answer, cas, client};

fn as_it_is<T>(it: T) -> T {
    it
}

async fn api(cas: &CasServer) -> Api {
    Api::start(cas, as_it_is, as_it_is).await
}

async fn with_tickets_in_query(cas: &CasServer) -> Api {
    Api::start(cas, as_it_is, |layer: CasApiLayer| {
        layer.with_tickets_in_query(true)
    })
    .await
}

fn authorization(ticket: &str) -> String {
    format!("CAS {ticket}")
}

#[tokio::test]
async fn a_ticket_in_the_header_lets_one_request_in() {
    let cas = cas().await;
    let api = api(&cas).await;
    let path = "/records?a=%2f&b=+&&c";
    let ticket = cas.issue_ticket("alice", &api.at(path));
    let request = || {
        api.get(path)
            .header("authorization", authorization(&ticket))
    };
    let first = answer(request()).await;
    assert_eq!(
        (first.status, &first.body["user"]),
        (200, &Value::from("alice"))
    );
    assert_eq!(first.body["uri"], path);
    assert_eq!(
        first.body["authorization"],
        Value::Null,
        "used, so of no use below"
    );
    assert!(first.cookies.is_empty());
    assert_eq!(first.cache_control, "private, no-store");

    let second = answer(request()).await;
    assert_eq!(
        (second.status, &second.body["code"]),
        (401, &Value::from("INVALID_TICKET"))
    );
}

#[tokio::test]
async fn a_ticket_in_the_query_is_taken_where_that_is_wanted_and_seen_by_nobody_behind() {
    let cas = cas().await;
    let api = with_tickets_in_query(&cas).await;
    for (path, asked) in [
        ("/records", "/records?ticket={}"),
        ("/records?a=%2f&b=+&&c", "/records?a=%2f&ticket={}&b=+&&c"),
        ("/nested/records?a=b", "/nested/records?a=b&%74icket={}"),
    ] {
        let ticket = cas.issue_ticket("alice", &api.at(path));
        let asked = asked.replace("{}", &ticket);
        let first = answer(api.get(&asked)).await;
        assert_eq!(
            (first.status, &first.body["user"]),
            (200, &Value::from("alice")),
            "{asked}"
        );
        assert_eq!(first.body["original"], path);
        assert_eq!(first.body["uri"], path.trim_start_matches("/nested"));
        assert!(first.cookies.is_empty());
        assert_eq!(answer(api.get(&asked)).await.status, 401, "replayed");
    }
}

#[tokio::test]
async fn a_ticket_in_the_query_lets_nobody_in_by_default() {
    let cas = cas().await;
    for sessions in [false, true] {
        let layered = |layer: CasApiLayer| {
            if sessions {
                layer.with_sessions(true)
            } else {
                layer
            }
        };
        let api = Api::start(&cas, as_it_is, layered).await;
        for path in ["/transfer?to=evil", "/nested/transfer?to=evil"] {
            let ticket = cas.issue_ticket("alice", &api.at(path));
            for name in ["ticket", "%74icket"] {
                let refused = answer(api.get(&format!("{path}&{name}={ticket}"))).await;
                assert_eq!((refused.status, refused.cookies.len()), (400, 0), "{path}");
                let reason = refused.body.to_string();
                assert!(reason.contains("`Authorization: CAS <ticket>`"), "{reason}");
                assert!(!reason.contains(&ticket), "{reason}");
            }
        }
    }
    assert_eq!(cas.validations(), 0);
}

#[tokio::test]
async fn a_link_through_the_login_page_does_nothing_in_a_visitors_name() {
    let cas = cas().await;
    let api = with_tickets_in_query(&cas).await;
    let path = "/transfer?to=evil";
    let mut first = None;
    for fields in [
        // A link, a form's GET, a frame or an image of another site.
        &[
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ][..],
        // An address that was typed in: the CAS server's redirect leads here, too.
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-site", "same-origin")],
        &[("sec-fetch-mode", "no-cors")],
        &[("sec-fetch-dest", "image")],
        // Scripts and forms.
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        // Over plain http, or in a browser that knows no Fetch Metadata.
        &[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")],
        &[("accept-language", "en-GB,en;q=0.5"), ("accept", "*/*")],
        &[("referer", "https://cas.example.org/cas/login")],
        &[("upgrade-insecure-requests", "1")],
        &[("sec-ch-ua-mobile", "?0")],
        &[("purpose", "prefetch")],
    ] {
        let ticket = cas.issue_ticket("alice", &api.at(path));
        let link = format!("{path}&ticket={ticket}");
        first.get_or_insert(link.clone());
        let request = fields
            .iter()
            .fold(api.get(&link), |request, (name, value)| {
                request.header(*name, *value)
            });
        let refused = answer(request).await;
        assert_eq!(refused.status, 403, "{fields:?}: {}", refused.body);
        assert!(!refused.body.to_string().contains(&ticket));
    }
    assert_eq!(cas.validations(), 0);
    // The same from a program.
    let program = api.get(&first.unwrap()).header("accept", "*/*");
    assert_eq!(answer(program).await.status, 200);
}

#[tokio::test]
async fn without_a_ticket_the_answer_says_for_what_one_is_needed() {
    let cas = cas().await;
    let api = api(&cas).await;
    let challenge = Some(format!("CAS service=\"{}/records?a=b\"", api.url));
    let navigation = api
        .get("/records?a=b")
        .header("accept", "text/html")
        .header("sec-fetch-mode", "navigate");
    let post = client().post(api.at("/records?a=b")).body("x");
    for request in [api.get("/records?a=b"), navigation, post] {
        let refused = answer(request).await;
        assert_eq!((refused.status, &refused.challenge), (401, &challenge));
        assert_eq!(refused.body["reason"], "sign-in-needed");
        assert_eq!(
            refused.body.get("login_url"),
            None,
            "a program cannot go there"
        );
        assert_eq!(refused.cache_control, "no-store");
        assert!(refused.cookies.is_empty());
    }
    assert_eq!(cas.validations(), 0);
    // The endpoints of a layer for browsers are paths like any other.
    for path in ["/login", "/logout", "/logout_callback"] {
        assert_eq!(answer(api.get(path)).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_ticket_for_another_url_is_refused() {
    let cas = cas().await;
    let api = api(&cas).await;
    for (service, path) in [
        ("/records", "/records/"),
        ("/records", "/records?a=b"),
        ("/records?a=b", "/records?a=c"),
        ("/records?a=b", "/records"),
        ("/a", "/b"),
    ] {
        let ticket = cas.issue_ticket("alice", &api.at(service));
        let refused = answer(
            api.get(path)
                .header("authorization", authorization(&ticket)),
        )
        .await;
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (401, &Value::from("INVALID_SERVICE")),
            "{path}"
        );
        assert_eq!(
            refused.challenge,
            Some(format!("CAS service=\"{}{path}\"", api.url))
        );
    }
    // Nor does the request's own idea of its host count.
    let ticket = cas.issue_ticket("alice", "http://evil.example/records");
    let request = api
        .get("/records")
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example");
    assert_eq!(
        answer(request.header("authorization", authorization(&ticket)))
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn two_tickets_or_what_is_none_are_refused_without_asking_the_cas_server() {
    let cas = cas().await;
    let api = with_tickets_in_query(&cas).await;
    let ticket = cas.issue_ticket("alice", &api.at("/records"));
    let long = "T".repeat(2_049);
    for request in [
        api.get(&format!("/records?ticket={ticket}&ticket={ticket}")),
        api.get(&format!("/records?ticket={ticket}"))
            .header("authorization", authorization(&ticket)),
        api.get("/records")
            .header("authorization", authorization(&ticket))
            .header("authorization", "Bearer x"),
        api.get("/records").header("authorization", "CAS"),
        api.get("/records")
            .header("authorization", authorization(&long)),
        api.get("/records")
            .header("authorization", format!("CAS {ticket}&service=x")),
        api.get(&format!("/records?ticket={ticket}%26service=x")),
        api.get("/records?ticket="),
        api.get(&format!("/it's?ticket={ticket}")),
    ] {
        let refused = answer(request).await;
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert!(!refused.body.to_string().contains(&ticket));
    }
    assert_eq!(cas.validations(), 0);
    let other_scheme = api.get("/records").basic_auth("alice", Some("x"));
    assert_eq!(answer(other_scheme).await.status, 401);
}

#[tokio::test]
async fn public_paths_are_left_alone_and_rules_hold() {
    let cas = cas().await;
    let rules = |config: CasConfigBuilder| {
        config
            .public("/healthz")
            .rule(Paths::exact("/open"), Access::optional())
            .rule(
                Paths::exact("/cats"),
                Access::required().any_of("memberOf", ["cats"]),
            )
            .rule(
                Paths::exact("/rabbits"),
                Access::required().any_of("memberOf", ["rabbits"]),
            )
    };
    let api = Api::start(&cas, rules, as_it_is).await;
    let public = answer(api.get("/healthz?ticket=ST-1&ticket=2").bearer_auth("x")).await;
    assert_eq!(public.status, 200);
    assert_eq!(public.body["uri"], "/healthz?ticket=ST-1&ticket=2");
    assert_eq!(public.body["authorization"], "Bearer x");
    assert_eq!(answer(api.get("/open")).await.body["user"], Value::Null);

    let mut with_ticket = Vec::new();
    for path in ["/open", "/cats", "/rabbits"] {
        let ticket = cas.issue_ticket("alice", &api.at(path));
        let got = answer(
            api.get(path)
                .header("authorization", authorization(&ticket)),
        )
        .await;
        with_ticket.push((got.status, got.body["user"].clone()));
    }
    let alice = Value::from("alice");
    assert_eq!(
        with_ticket,
        [(200, alice.clone()), (403, Value::Null), (200, alice)]
    );
}

#[tokio::test]
async fn a_rule_holds_at_the_endpoints_of_a_layer_for_browsers_too() {
    let cas = cas().await;
    let rules = |config: CasConfigBuilder| {
        let members = Access::required().any_of("memberOf", ["cats"]);
        config
            .endpoints(|endpoints| endpoints.logout_request("/logout_request"))
            .rule(Paths::prefix("/"), members)
    };
    let api = Api::start(&cas, rules, as_it_is).await;
    for path in [
        "/a",
        "/login",
        "/logout",
        "/logout_callback",
        "/logout_request",
    ] {
        let ticket = cas.issue_ticket("alice", &api.at(path));
        let request = api
            .get(path)
            .header("authorization", authorization(&ticket));
        assert_eq!(answer(request).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn a_cas_server_that_fails_is_no_refusal() {
    let cas = cas().await;
    let quick = |config: CasConfigBuilder| {
        config.client(|client| client.timeout(Duration::from_millis(300)))
    };
    let api = Api::start(&cas, quick, as_it_is).await;
    for (fault, status) in [(Fault::Status(500), 502), (Fault::Hang, 504)] {
        cas.set_fault(Some(fault));
        let ticket = cas.issue_ticket("alice", &api.at("/"));
        let failed = answer(api.get("/").header("authorization", authorization(&ticket))).await;
        assert_eq!((failed.status, failed.challenge), (status, None));
        assert_eq!(failed.body["reason"], "cas-unavailable");
    }
}

async fn with_sessions(cas: &CasServer) -> Api {
    let logout = |config: CasConfigBuilder| {
        config.endpoints(|endpoints| endpoints.logout_request("/logout_request"))
    };
    Api::start(cas, logout, |layer: CasApiLayer| layer.with_sessions(true)).await
}

/// Asks with a ticket, in the header.
async fn ask(cas: &CasServer, api: &Api, fields: &[(&str, &str)]) -> Answer {
    let ticket = cas.issue_ticket("alice", &api.at("/records"));
    let mut request = api
        .get("/records")
        .header("authorization", authorization(&ticket));
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    answer(request).await
}

fn pair(answer: &Answer) -> String {
    answer.cookies[0].split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_ticket_in_the_header_opens_a_session_where_that_is_wanted() {
    let cas = cas().await;
    let api = with_sessions(&cas).await;
    let opened = ask(&cas, &api, &[]).await;
    assert_eq!((opened.status, opened.cookies.len()), (200, 1));
    assert!(
        opened.cookies[0].contains("HttpOnly; SameSite=Lax"),
        "{}",
        opened.cookies[0]
    );
    assert_eq!(opened.cache_control, "private, no-store");
    for path in ["/records", "/others?a=b"] {
        let again = answer(api.get(path).header("cookie", pair(&opened))).await;
        assert_eq!(
            (again.status, &again.body["user"]),
            (200, &Value::from("alice"))
        );
        assert!(again.cookies.is_empty());
    }
    assert_eq!(cas.validations(), 1);
    // Not where it is not.
    let stateless = Api::start(&cas, as_it_is, as_it_is).await;
    assert!(ask(&cas, &stateless, &[]).await.cookies.is_empty());
    let refused = answer(stateless.get("/records").header("cookie", pair(&opened))).await;
    assert_eq!(refused.status, 401);
}

#[tokio::test]
async fn nothing_that_a_foreign_page_could_send_opens_a_session() {
    let cas = cas().await;
    let api = with_sessions(&cas).await;
    for fields in [
        [("origin", "https://evil.example")],
        [("origin", "null")],
        [("sec-fetch-site", "same-origin")],
        [("sec-fetch-mode", "cors")],
        [("Sec-Fetch-Dest", "empty")],
    ] {
        let let_in = ask(&cas, &api, &fields).await;
        assert_eq!(
            (let_in.status, let_in.cookies.len()),
            (200, 0),
            "{fields:?}"
        );
    }
    let both = |layer: CasApiLayer| layer.with_sessions(true).with_tickets_in_query(true);
    let api = Api::start(&cas, as_it_is, both).await;
    let ticket = cas.issue_ticket("alice", &api.at("/records"));
    let let_in = answer(api.get(&format!("/records?ticket={ticket}"))).await;
    assert_eq!((let_in.status, let_in.cookies.len()), (200, 0));
}

#[tokio::test]
async fn single_logout_ends_such_a_session() {
    let cas = cas().await;
    let api = with_sessions(&cas).await;
    let ticket = cas.issue_ticket("alice", &api.at("/records"));
    let opened = answer(
        api.get("/records")
            .header("authorization", authorization(&ticket)),
    )
    .await;
    let cookie = pair(&opened);
    let message = format!(
        "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"1\" Version=\"2.0\">\
         <samlp:SessionIndex>{ticket}</samlp:SessionIndex></samlp:LogoutRequest>"
    );
    let told = client()
        .post(api.at("/logout_request"))
        .form(&[("logoutRequest", message)]);
    assert_eq!(answer(told).await.status, 200);
    assert_eq!(
        answer(api.get("/records").header("cookie", cookie))
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn a_user_without_a_session_does_not_end_with_all_sessions_of_theirs() {
    let cas = cas().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let config = CasConfig::builder(cas.url(), &url)
        .key(Key::generate())
        .build()
        .unwrap();
    let ended = async |user: CasUser| match user.ended().now_or_never() {
        Some(()) => "ended",
        None => "goes on",
    };
    let app = Router::new()
        .route("/", get(ended))
        .layer(CasApiLayer::new(config.clone()));
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    config.end_all(cas.url(), "alice").await.unwrap();
    let service = format!("{url}/");
    let ticket = cas.issue_ticket("alice", &service);
    let asked = client()
        .get(&service)
        .header("authorization", authorization(&ticket));
    assert_eq!(answer(asked).await.body, "goes on");
    server.abort();
}

#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "the registry goes by real time")]
async fn a_request_that_is_refused_leaves_no_session_open() {
    let cas = cas().await;
    let registry = MemoryRegistry::default();
    let refused = Arc::new(Mutex::new(None));
    let heard = Arc::clone(&refused);
    let for_cats = |config: CasConfigBuilder| {
        config
            .registry(registry.clone())
            .rule(
                Paths::exact("/records"),
                Access::required().any_of("memberOf", ["cats"]),
            )
            .on_refused(move |refused| *heard.lock().unwrap() = refused.session_id())
    };
    let api = Api::start(&cas, for_cats, |layer: CasApiLayer| {
        layer.with_sessions(true)
    })
    .await;
    let got = ask(&cas, &api, &[]).await;
    assert_eq!((got.status, got.cookies.len()), (403, 0));
    let id = refused.lock().unwrap().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let open = registry
        .end_if_opened(vec![id], LogoutSender::app(), now.as_secs())
        .await;
    assert_eq!(open.unwrap(), []);
}
