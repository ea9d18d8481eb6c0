//! Flows for which the demo has no option, the same against every CAS server. What a server does not support is seen at
//! the server itself, and has to be what is known of it.

mod app;

use std::{sync::Arc, time::UNIX_EPOCH};

pub(crate) use app::App;
use cas_layer::ResponseFormat as Format;
use cas_layer_tests::{
    flow::{Server, USER, callbacks, give_password, ticket},
    suite::{eventually, not_supported, trial},
    tls::Authority,
    visitor::{Answer, Visitor, answer},
};
use libtest_mimic::Trial;
use reqwest::{Certificate, Client, Method};
use scraper::{Html, Selector};
use serde_json::json;
use url::Url;

/// Whether a server supports what a test is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Support {
    Yes,
    No,
}

use Support::{No, Yes};

/// What is known of a server besides [`Server`].
pub(crate) struct Abilities {
    /// It says when the user gave their password.
    pub(crate) dates: Support,
    /// It answers in JSON if it is asked to.
    pub(crate) json: Support,
    /// It sends tickets in forms if it is asked to.
    pub(crate) by_post: Support,
    /// Browsers bring logout requests to services at `localhost`.
    pub(crate) front_channel: Support,
}

/// The tests, against the server at `cas_url`.
pub(crate) fn trials(cas_url: &str, server: Server, abilities: &Abilities) -> Vec<Trial> {
    let server = Arc::new(server);
    macro_rules! flow {
        ($known:expr, $name:literal, $($test:tt)+) => {{
            let (cas_url, server) = (cas_url.to_owned(), Arc::clone(&server));
            let (known, name) = ($known, $name);
            trial(name, move || async move {
                let seen = $($test)+(&cas_url, &server).await;
                assert_eq!(seen, known, "is {name} supported?");
                if seen == No {
                    not_supported(name);
                }
            })
        }};
    }
    vec![
        flow!(
            abilities.dates,
            "xml::the_attributes_and_the_time_of_the_password_are_known",
            xml
        ),
        flow!(
            abilities.json,
            "json::the_attributes_and_the_time_of_the_password_are_known",
            as_json
        ),
        flow!(
            abilities.by_post,
            "post::a_ticket_that_comes_in_a_form_signs_in",
            by_post
        ),
        flow!(
            abilities.front_channel,
            "front_channel::signing_out_at_the_cas_server_ends_the_session_here",
            by_browser
        ),
    ]
}

/// Opens a page and signs in through the form.
pub(crate) async fn sign_in(visitor: &Visitor, url: &str) -> Answer {
    let form = visitor.open(url).await;
    assert!(form.asks_for_password(), "{}: {}", form.url, form.body);
    give_password(visitor, &form).await
}

/// Where a browser with a session at the CAS server comes back to, with a ticket that nobody has validated.
pub(crate) async fn with_ticket(visitor: &Visitor, cas_url: &str, service: &str) -> Url {
    let login = Url::parse_with_params(&format!("{cas_url}/login"), [("service", service)]);
    let answer = visitor.get(login.unwrap().as_str()).await;
    assert_eq!(answer.status, 302, "{}", answer.body);
    answer.location()
}

/// Seconds since 1970.
fn now() -> u64 {
    UNIX_EPOCH.elapsed().unwrap().as_secs()
}

async fn xml(cas_url: &str, server: &Server) -> Support {
    in_format(Format::Xml, cas_url, server).await.1
}

async fn as_json(cas_url: &str, server: &Server) -> Support {
    let (visitor, _) = in_format(Format::Json, cas_url, server).await;
    // The layer reads what comes, whatever it asked for.
    let service = "http://127.0.0.1:9/probe";
    let back = with_ticket(&visitor, cas_url, service).await;
    let ticket = ticket(&back);
    let query = [
        ("service", service),
        ("ticket", &ticket),
        ("format", "JSON"),
    ];
    let url = Url::parse_with_params(&format!("{cas_url}/p3/serviceValidate"), query).unwrap();
    // Apps have no session at the CAS server, and one server validates nothing for those who have one.
    let answer = Visitor::new().get(url.as_str()).await;
    assert!(answer.body.contains(USER), "{}", answer.body);
    if answer.body.trim_start().starts_with('{') {
        Yes
    } else {
        No
    }
}

/// A visitor who has signed in, and whether the server said when.
async fn in_format(format: Format, cas_url: &str, server: &Server) -> (Visitor, Support) {
    let first = App::start(cas_url, |config| config).await;
    let second = App::start(cas_url, |config| {
        config.client(|client| client.format(format))
    })
    .await;
    let visitor = Visitor::new();
    let before = now();
    sign_in(&visitor, &first.at("/me")).await;
    let after = now();
    // No password here: only the server can say when it was given.
    let me = visitor.open(&second.at("/me")).await.json();
    assert_eq!(me["user"], USER);
    for (name, values) in &server.attributes {
        assert_eq!(me["attributes"][name], json!(values), "{name}");
    }
    if me["attributes"]["authenticationDate"].is_null() && me["authentication_date"].is_null() {
        return (visitor, No);
    }
    for time in ["authentication_date", "credentials_given_at"] {
        let at = me[time].as_u64().unwrap_or_else(|| panic!("{time}: {me}"));
        assert!(
            (before..=after).contains(&at),
            "{time}: {at} is not in {before}..={after}"
        );
    }
    (visitor, Yes)
}

async fn by_post(cas_url: &str, _: &Server) -> Support {
    let elsewhere = App::start(cas_url, |config| config).await;
    let portal = Portal::start(cas_url, "/login").await;
    let visitor = &portal.visitor;
    sign_in(visitor, &elsewhere.at("/me")).await;
    let login = visitor.get(&portal.app.at("/me")).await.location();
    assert!(login.query().unwrap().contains("method=POST"), "{login}");
    let sent = visitor.get(login.as_str()).await;
    portal.arrives(sent).await
}

/// An app that wants tickets by `POST`, and a browser that trusts its certificate.
pub(crate) struct Portal {
    pub(crate) app: App,
    pub(crate) visitor: Visitor,
}

impl Portal {
    pub(crate) async fn start(cas_url: &str, login_path: &str) -> Self {
        let authority = Authority::new();
        let app = App::over_https(&authority, cas_url, |config| {
            config
                .endpoints(|endpoints| endpoints.login(login_path))
                .sign_in(|sign_in| sign_in.tickets_by_post(true))
        })
        .await;
        let certificate = Certificate::from_pem(authority.pem().as_bytes()).unwrap();
        let visitor = Visitor::with(Client::builder().tls_certs_only([certificate]));
        Self { app, visitor }
    }

    /// What the CAS server has answered brings the visitor to their page, by `POST` or not.
    pub(crate) async fn arrives(&self, sent: Answer) -> Support {
        let seen = if sent.status.is_redirection() {
            No
        } else {
            Yes
        };
        let back = match seen {
            // The script of that page sends its form.
            Yes => self.visitor.send_form(&sent, &[]).await,
            No => sent,
        };
        let me = self.visitor.follow(back).await;
        assert_eq!(me.url.as_str(), self.app.at("/me"));
        assert_eq!(me.json()["user"], USER);
        let with_ticket = !callbacks(&me).is_empty();
        assert_eq!(with_ticket, seen == No, "{:?}", me.hops);
        seen
    }
}

async fn by_browser(cas_url: &str, _: &Server) -> Support {
    let app = App::at_host("localhost", cas_url, |config| config).await;
    let visitor = Visitor::new();
    let me = sign_in(&visitor, &app.at("/me")).await;
    assert_eq!(me.json()["user"], USER);
    let page = visitor.open(&format!("{cas_url}/logout")).await;
    let requests = logout_requests(&page, &app.at("/"));
    let is_out = async || visitor.get_json(&app.at("/me")).await.status == 401;
    if requests.is_empty() {
        eventually("the session has ended", is_out).await;
        return No;
    }
    assert!(!is_out().await, "the server itself has told the app");
    for url in requests {
        let request = visitor.request(Method::GET, &url);
        let answer = answer(request).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert!(is_out().await, "the browser has told the app");
    Yes
}

/// What the scripts and the images of a page have a browser fetch from an app.
fn logout_requests(page: &Answer, app: &str) -> Vec<String> {
    let document = Html::parse_document(&page.body);
    let images = Selector::parse("img[src]").unwrap();
    let sources = document
        .select(&images)
        .filter_map(|image| image.attr("src"));
    let mut urls: Vec<_> = sources.map(str::to_owned).collect();
    // Apereo CAS: `$.ajax({ url: "http:\/\/…", … data: "logoutRequest=…"`.
    let script = page.body.replace("\\/", "/");
    let quoted = |text: &str, name: &str| {
        let (_, rest) = text.split_once(&format!("{name}: \""))?;
        rest.split('"').next().map(str::to_owned)
    };
    for call in script.split("$.ajax(").skip(1) {
        let (url, data) = (quoted(call, "url").unwrap(), quoted(call, "data").unwrap());
        let separator = if url.contains('?') { '&' } else { '?' };
        // What jQuery adds for an answer that is a script.
        urls.push(format!("{url}{separator}callback=jQuery1&{data}&_=1"));
    }
    urls.retain(|url| url.starts_with(app));
    urls
}
