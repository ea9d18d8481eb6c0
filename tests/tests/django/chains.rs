//! Chains of services, with proxy callbacks over https.

use cas_layer::{CasConfigBuilder, ProxyChain};
use cas_layer_tests::{
    flow::{PASSWORD, USER},
    tls::{Authority, HttpsFront},
    visitor::Visitor,
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    link::{Link, url_of},
    portal::{CALLBACK, Portal, in_cookie},
};

/// A free port, and https in front of it.
async fn place(authority: &Authority) -> (TcpListener, HttpsFront) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let front = authority.front().await;
    front.pass_on_to(&listener.local_addr().unwrap().to_string());
    (listener, front)
}

fn called_back_at(url: String) -> impl FnOnce(CasConfigBuilder) -> CasConfigBuilder {
    move |config| in_cookie(config).proxy(|proxy| proxy.callback_url(url))
}

/// `trusted` signs for the callbacks.
pub(crate) async fn the_last_of_three_links_knows_the_user_and_the_last_proxy(
    cas_url: &str,
    trusted: &Authority,
) {
    let (portal, portal_front) = place(trusted).await;
    let (api, api_front) = place(trusted).await;
    let end = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let [first, second] = [&portal_front, &api_front].map(|front| front.url(CALLBACK));

    let portal = Portal::on(portal, cas_url, called_back_at(first.clone()));
    let next = Some(format!("{}/records", url_of(&end)));
    let chain = ProxyChain::exact([&first].map(String::clone));
    let api = Link::on(api, cas_url, [chain], next, called_back_at(second.clone()));
    // This server names the last proxy alone, whatever came before.
    let chain = ProxyChain::exact([second.clone()]);
    let _end = Link::on(end, cas_url, [chain], None, |config| config);

    let visitor = Visitor::new();
    let form = visitor.open(&portal.at("/me")).await;
    let fields = [("username", USER), ("password", PASSWORD)];
    let sent = visitor.send_form(&form, &fields).await;
    let me = visitor.follow(sent).await;
    assert_eq!(me.json(), json!({ "user": USER, "proxies": [] }));

    let target = api.at("/records");
    let ticket = portal.ticket(&visitor, &target).await.unwrap();
    let (status, said) = api.call("/records", &ticket).await;
    assert_eq!(status, 200, "{said}");
    assert_eq!(said["proxies"], json!([first]));
    let next = &said["next"];
    assert_eq!(
        (&next["user"], &next["proxies"]),
        (&json!(USER), &json!([second]))
    );
    assert_eq!(api.call("/records", &ticket).await.0, 401, "good once");
}
