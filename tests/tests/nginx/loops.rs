//! Settings of nginx and of the apps that do not fit together: the visitor gets a page, and the log has the cause.

use axum::{Router, middleware};
use cas_layer::{CasConfigBuilder, CasLayer, testing::CasServer};
use cas_layer_tests::{
    flow::{PASSWORD, USER},
    nginx::Nginx,
    visitor::{Answer, Visitor},
};

use crate::{
    listening::Ear,
    support::{App, Port, config, member, server},
};

/// After so many rounds at most the visitor gets a page.
const ROUNDS: usize = 4;

/// An app that `ear` hears.
fn serve(port: Port, ear: &Ear, config: CasConfigBuilder) -> App {
    let ear = ear.clone();
    let hears = middleware::from_fn(move |request, next| ear.clone().hears(request, next));
    let app = Router::new().fallback(async || "in");
    let cas = CasLayer::new(config.build().unwrap());
    port.serve_router(app.layer(cas).layer(hears))
}

/// Signs in, and goes round until there is a page. How often the app sent the visitor to the CAS server, and the page.
async fn go_round(visitor: &Visitor, url: &str, cas: &CasServer) -> (usize, Answer) {
    let mut rounds = 0;
    let mut current = visitor.get(url).await;
    loop {
        if current.status.is_redirection() {
            let next = current.location();
            let away = next.as_str().starts_with(cas.url());
            if away && !current.url.as_str().starts_with(cas.url()) {
                rounds += 1;
                assert!(rounds <= ROUNDS, "it has no end");
            }
            current = visitor.get(next.as_str()).await;
        } else if current.asks_for_password() {
            let fields = [("username", USER), ("password", PASSWORD)];
            current = visitor.send_form(&current, &fields).await;
        } else {
            return (rounds, current);
        }
    }
}

/// It is the operator's fault, and the operator is told once.
fn is_explained(page: &Answer, ear: &Ear, causes: &[&str]) {
    assert_eq!(page.status, 500, "{}", page.body);
    let title = page.text_of("h1");
    assert_ne!(
        title.as_deref(),
        Some("Cookies needed"),
        "it is not the browser's fault"
    );
    let errors = ear.errors();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(
        causes.iter().any(|cause| errors[0].contains(cause)),
        "{}",
        errors[0]
    );
}

/// An app under `path`, as it believes, behind a location that passes requests on to `APP`.
async fn misunderstands_the_prefix(path: &str, location: &str, stripped: bool) {
    let user = member(&[]);
    let cas = CasServer::builder().user(user).start().await.unwrap();
    let port = Port::free().await;
    let nginx = Nginx::start(&server(&location.replace("APP", &port.address()))).await;
    let ear = Ear::new();
    let config = config(cas.url(), &nginx.url(path));
    let config = config.endpoints(|endpoints| endpoints.prefix_stripped_by_proxy(stripped));
    let _app = serve(port, &ear, config);
    let url = nginx.url(&format!("{path}/page"));
    let (_, page) = go_round(&Visitor::new(), &url, &cas).await;
    is_explained(&page, &ear, &["prefix", "app URL"]);
}

pub(crate) async fn a_prefix_that_nginx_strips_untold_ends_in_a_page() {
    misunderstands_the_prefix("/app", "location /app/ { proxy_pass http://APP/; }", false).await;
}

pub(crate) async fn a_prefix_that_nginx_does_not_strip_as_told_ends_in_a_page() {
    misunderstands_the_prefix("/app", "location /app { proxy_pass http://APP; }", true).await;
}

pub(crate) async fn a_prefix_that_nginx_adds_untold_ends_in_a_page() {
    misunderstands_the_prefix("", "location / { proxy_pass http://APP/app/; }", false).await;
}

pub(crate) async fn two_nodes_with_a_key_each_end_in_a_page() {
    let user = member(&[]);
    let cas = CasServer::builder().user(user).start().await.unwrap();
    let ports = [Port::free().await, Port::free().await];
    let [a, b] = ports.each_ref().map(Port::address);
    let nginx = Nginx::start(&format!(
        "upstream nodes {{ server {a}; server {b}; }}\n{}",
        server("location / { proxy_pass http://nodes; proxy_set_header Host $http_host; }\n")
    ))
    .await;
    let ear = Ear::new();
    let _nodes = ports.map(|port| serve(port, &ear, config(cas.url(), &nginx.url(""))));
    let (_, page) = go_round(&Visitor::new(), &nginx.url("/page"), &cas).await;
    is_explained(&page, &ear, &["key"]);
}
