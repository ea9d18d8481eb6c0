//! One app calls another in its user's name, and that a third.

use axum::{Router, routing::get};
use cas_layer::{
    Access, CasApiLayer, CasConfig, CasConfigBuilder, CasLayer, CasUser, Key, Paths, ProxyChain,
    ResponseFormat,
};
use cas_layer_tests::visitor::Visitor;
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    link::{Link, url_of},
    portal::{Portal, cas, in_cookie, service},
    support::{answer, client},
};

fn as_it_is(config: CasConfigBuilder) -> CasConfigBuilder {
    config
}

#[tokio::test]
async fn two_and_three_links_know_the_user_and_the_whole_chain() {
    let cas = cas().start().await.unwrap();
    let portal = Portal::start(&cas, in_cookie).await;
    let end = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let next = Some(format!("{}/records", url_of(&end)));
    let chain = ProxyChain::exact([portal.callback()]);
    let api = Link::start(cas.url(), [chain], next, in_cookie).await;
    let chain = ProxyChain::exact([api.callback(), portal.callback()]);
    let _end = Link::on(end, cas.url(), [chain], None, as_it_is);

    let visitor = portal.sign_in(&cas).await;
    let ticket = portal.ticket(&visitor, &api.at("/records")).await.unwrap();
    let (status, said) = api.call("/records", &ticket).await;
    assert_eq!(status, 200, "{said}");
    let chain = json!([portal.callback()]);
    assert_eq!((&said["user"], &said["proxies"]), (&json!("alice"), &chain));
    let next = &said["next"];
    let chain = json!([api.callback(), portal.callback()]);
    assert_eq!((&next["user"], &next["proxies"]), (&json!("alice"), &chain));

    let (status, said) = api.call("/records", &ticket).await;
    let used = json!("INVALID_TICKET");
    assert_eq!((status, &said["code"]), (401, &used), "good once");
}

#[tokio::test]
async fn a_chain_that_is_not_configured_is_refused_whatever_it_looks_like() {
    let cas = cas().start().await.unwrap();
    let good = "https://portal.example/cas/proxy";
    let chain = || [ProxyChain::exact([good])];
    let api = Link::start(cas.url(), chain(), None, as_it_is).await;
    let json = Link::start(cas.url(), chain(), None, |config| {
        config.client(|client| client.format(ResponseFormat::Json))
    })
    .await;
    let nobody = Link::start(cas.url(), [], None, as_it_is).await;
    for link in [&api, &json] {
        let ticket = cas.issue_proxy_ticket("alice", &[good], &link.at("/records"));
        assert_eq!(link.call("/records", &ticket).await.0, 200);
        let own = cas.issue_ticket("alice", &link.at("/records"));
        assert_eq!(link.call("/records", &own).await.0, 200, "no proxy at all");
        for chain in [
            &["https://portal.example/cas/proxy/"][..],
            &["https://portal.example/cas/prox"],
            &["https://portal.example.evil/cas/proxy"],
            &["https://evil.example/?https://portal.example/cas/proxy"],
            &["http://portal.example/cas/proxy"],
            &["HTTPS://portal.example/cas/proxy"],
            &["https://portal.example:443/cas/proxy"],
            &["https://portal.example/cas/proxy", "https://evil.example/"],
            &["https://evil.example/", "https://portal.example/cas/proxy"],
            &[
                "https://portal.example/cas/proxy",
                "https://portal.example/cas/proxy",
            ],
        ] {
            let ticket = cas.issue_proxy_ticket("alice", chain, &link.at("/records"));
            assert_eq!(link.call("/records", &ticket).await.0, 401, "{chain:?}");
        }
    }
    let ticket = cas.issue_proxy_ticket("alice", &[good], &nobody.at("/records"));
    assert_eq!(
        nobody.call("/records", &ticket).await.0,
        401,
        "none by default"
    );
}

#[tokio::test]
async fn rules_ask_for_no_proxy_or_for_a_given_one() {
    let cas = cas().start().await.unwrap();
    let [one, other] = ["https://one.example/", "https://other.example/"];
    let rules = |config: CasConfigBuilder| {
        config
            .rule(Paths::exact("/secrets"), Access::required().no_proxy())
            .rule(
                Paths::exact("/records"),
                Access::required().through([ProxyChain::exact([one])]),
            )
    };
    let api = Link::start(cas.url(), [ProxyChain::dangerous_any()], None, rules).await;
    let mut got = Vec::new();
    for path in ["/secrets", "/records"] {
        let target = api.at(path);
        for ticket in [
            cas.issue_ticket("alice", &target),
            cas.issue_proxy_ticket("alice", &[one], &target),
            cas.issue_proxy_ticket("alice", &[other], &target),
        ] {
            got.push(api.call(path, &ticket).await.0);
        }
    }
    assert_eq!(got, [200, 403, 403, 403, 200, 403]);
}

#[tokio::test]
async fn a_session_that_came_through_a_proxy_never_passes_for_the_users_own() {
    // A proxy brings its ticket to the login endpoint of an app for browsers.
    let cas = cas().start().await.unwrap();
    let good = "https://portal.example/cas/proxy";
    let app = Portal::start(&cas, |config| {
        config
            .client(|client| client.accept_proxies([ProxyChain::exact([good])]))
            .rule(Paths::exact("/ticket"), Access::required().no_proxy())
    })
    .await;
    let visitor = Visitor::new();
    let service = service(&visitor.get(&app.at("/me")).await);
    let ticket = cas.issue_proxy_ticket("alice", &[good], &service);
    let signed_in = visitor.get(&format!("{service}&ticket={ticket}")).await;
    assert_eq!(signed_in.status, 302);
    let me = visitor.get_json(&app.at("/me")).await.json();
    assert_eq!(me, json!({ "user": "alice", "proxies": [good] }));
    assert_eq!(visitor.get_json(&app.at("/ticket")).await.status, 403);
}

#[tokio::test]
async fn a_proxys_session_is_none_where_that_proxy_is_not_accepted() {
    // Two layers of one app, with the same key: one for programs, one for browsers.
    let cas = cas().start().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = url_of(&listener);
    let key = Key::generate();
    let good = "https://portal.example/cas/proxy";
    let config = |chains: Vec<ProxyChain>| {
        CasConfig::builder(cas.url(), &url)
            .key(key.clone())
            .client(|client| client.accept_proxies(chains))
            .build()
            .unwrap()
    };
    let name = async |user: CasUser| user.name().to_owned();
    let for_programs = config(vec![ProxyChain::exact([good])]);
    let app = Router::new()
        .route("/api", get(name))
        .layer(CasApiLayer::new(for_programs).with_sessions(true))
        .merge(
            Router::new()
                .route("/page", get(name))
                .layer(CasLayer::new(config(Vec::new()))),
        );
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });

    let ticket = cas.issue_proxy_ticket("alice", &[good], &format!("{url}/api"));
    let asked = client()
        .get(format!("{url}/api"))
        .header("authorization", format!("CAS {ticket}"));
    let opened = answer(asked).await;
    let cookie = opened.cookies[0].split(';').next().unwrap().to_owned();
    let mut statuses = Vec::new();
    for path in ["/api", "/page"] {
        let asked = client()
            .get(format!("{url}{path}"))
            .header("cookie", &cookie)
            .header("accept", "application/json");
        statuses.push(answer(asked).await.status);
    }
    assert_eq!(statuses, [200, 401]);
    server.abort();
}
