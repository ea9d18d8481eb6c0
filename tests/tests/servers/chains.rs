//! Chains of services, with proxy callbacks over https.

#[path = "../proxy/link.rs"]
#[allow(dead_code, reason = "what other suites need besides")]
mod link;

use std::sync::Arc;

use cas_layer::{CasConfigBuilder, ProxyChain};
use cas_layer_tests::{
    flow::{USER, give_password},
    suite::trial,
    tls::{Authority, HttpsFront},
    visitor::Visitor,
};
use libtest_mimic::Trial;
use serde_json::json;
use tokio::net::TcpListener;

use self::link::{Link, url_of};
use crate::portal::{CALLBACK, Portal, in_cookie};

/// What a server says of the proxies that a user has come through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// All of them.
    All,
    /// The last one alone, whatever came before.
    LastOnly,
}

/// The test, against the server at `cas_url`. `trusted` signs for the callbacks.
pub(crate) fn trials(cas_url: &str, trusted: &Arc<Authority>, named: Named) -> Vec<Trial> {
    let (cas_url, trusted) = (cas_url.to_owned(), Arc::clone(trusted));
    let name = "chains::the_last_of_three_links_knows_the_user_and_the_proxies";
    vec![trial(name, move || async move {
        the_last_of_three_links_knows_the_user_and_the_proxies(&cas_url, &trusted, named).await;
    })]
}

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

async fn the_last_of_three_links_knows_the_user_and_the_proxies(
    cas_url: &str,
    trusted: &Authority,
    named: Named,
) {
    let (portal, portal_front) = place(trusted).await;
    let (api, api_front) = place(trusted).await;
    let end = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let [first, second] = [&portal_front, &api_front].map(|front| front.url(CALLBACK));

    let portal = Portal::on(portal, cas_url, called_back_at(first.clone()));
    let next = Some(format!("{}/records", url_of(&end)));
    let chain = ProxyChain::exact([&first].map(String::clone));
    let api = Link::on(api, cas_url, [chain], next, called_back_at(second.clone()));
    let proxies = match named {
        Named::All => vec![second.clone(), first.clone()],
        Named::LastOnly => vec![second.clone()],
    };
    let chain = ProxyChain::exact(proxies.clone());
    let _end = Link::on(end, cas_url, [chain], None, |config| config);

    let visitor = Visitor::new();
    let form = visitor.open(&portal.at("/me")).await;
    let me = give_password(&visitor, &form).await;
    assert_eq!(me.json(), json!({ "user": USER, "proxies": [] }));

    let target = api.at("/records");
    let ticket = portal.ticket(&visitor, &target).await.unwrap();
    let (status, said) = api.call("/records", &ticket).await;
    assert_eq!(status, 200, "{said}");
    assert_eq!(said["proxies"], json!([first]));
    let next = &said["next"];
    assert_eq!(
        (&next["user"], &next["proxies"]),
        (&json!(USER), &json!(proxies))
    );
    assert_eq!(api.call("/records", &ticket).await.0, 401, "good once");
}
