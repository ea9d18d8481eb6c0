//! Proxy authentication, by hand over HTTP.

mod callback;
mod chain;
mod control;
mod endpoint;
mod quirks;
mod sign_out;
mod tickets;

use serde_json::Value;

use super::super::{CasServerBuilder, ProxyCallback, Quirk, User};
use super::tls::Authority;
use super::{
    Answer, Browser, CasServer, Fault, FrontChannel, Receiver, SERVICE, StatusCode, get, header,
    soon, url, validate,
};

/// Where the proxies here want a ticket for.
const BACK_END: &str = "https://back.example.org/api?q=1&r=%C3%85";
const WITH_PROXIES: [&str; 2] = ["/proxyValidate", "/p3/proxyValidate"];
const WITHOUT_PROXIES: [&str; 2] = ["/serviceValidate", "/p3/serviceValidate"];
const VALIDATIONS: [&str; 4] = [
    "/serviceValidate",
    "/p3/serviceValidate",
    "/proxyValidate",
    "/p3/proxyValidate",
];

/// What an answer says, in XML or JSON.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    what: String,
    code: Option<String>,
    user: Option<String>,
    iou: Option<String>,
    proxies: Vec<String>,
    /// The proxy ticket.
    ticket: Option<String>,
}

impl Said {
    #[track_caller]
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        if answer.body.starts_with('{') {
            Self::json(&answer.body)
        } else {
            Self::xml(&answer.body)
        }
    }

    #[track_caller]
    fn xml(body: &str) -> Self {
        let document = roxmltree::Document::parse(body).unwrap();
        let result = document.root_element().first_element_child().unwrap();
        let child = |name: &str| result.children().find(|child| child.has_tag_name(name));
        // The namespace is tested elsewhere.
        let child = |name: &str| {
            let namespace = "http://www.yale.edu/tp/cas";
            child(name).or_else(|| {
                let mut children = result.children();
                children.find(|child| child.has_tag_name((namespace, name)))
            })
        };
        let text = |name: &str| Some(child(name)?.text().unwrap().to_owned());
        Self {
            what: result.tag_name().name().to_owned(),
            code: result.attribute("code").map(str::to_owned),
            user: text("user"),
            iou: text("proxyGrantingTicket"),
            proxies: child("proxies").map_or(Vec::new(), |proxies| {
                let proxies = proxies.children().filter(roxmltree::Node::is_element);
                proxies
                    .map(|proxy| {
                        assert_eq!(proxy.tag_name().name(), "proxy");
                        proxy.text().unwrap().to_owned()
                    })
                    .collect()
            }),
            ticket: text("proxyTicket"),
        }
    }

    #[track_caller]
    fn json(body: &str) -> Self {
        let answer: Value = serde_json::from_str(body).unwrap();
        let answer = answer["serviceResponse"].as_object().unwrap();
        assert_eq!(answer.len(), 1, "{body}");
        let (what, result) = answer.iter().next().unwrap();
        let text = |name: &str| Some(result.get(name)?.as_str().unwrap().to_owned());
        Self {
            what: what.clone(),
            code: text("code"),
            user: text("user"),
            iou: text("proxyGrantingTicket"),
            proxies: result.get("proxies").map_or(Vec::new(), |proxies| {
                let proxies = proxies.as_array().unwrap().iter();
                proxies
                    .map(|proxy| proxy.as_str().unwrap().to_owned())
                    .collect()
            }),
            ticket: text("proxyTicket"),
        }
    }

    fn failure(what: &str, code: &str) -> Self {
        Self {
            what: what.to_owned(),
            code: Some(code.to_owned()),
            ..Self::default()
        }
    }

    /// `casuser` is signed in, through these.
    fn success(proxies: &[&str]) -> Self {
        Self {
            what: "authenticationSuccess".to_owned(),
            user: Some("casuser".to_owned()),
            proxies: proxies.iter().map(|proxy| (*proxy).to_owned()).collect(),
            ..Self::default()
        }
    }

    fn is_success(&self) -> bool {
        self.what == "authenticationSuccess" && self.user.as_deref() == Some("casuser")
    }
}

/// Takes every call.
async fn proxy(authority: &Authority) -> Receiver {
    Receiver::https(authority, |_| std::future::ready(StatusCode::OK)).await
}

/// A server that trusts a proxy, and that proxy.
async fn site() -> (CasServer, Receiver) {
    let authority = Authority::new();
    let cas = CasServer::builder().ca(&authority.pem).start().await;
    (cas.unwrap(), proxy(&authority).await)
}

/// A server that calls on http, too.
async fn on_http() -> CasServer {
    let builder = CasServer::builder().allow_http_callbacks(true);
    builder.start().await.unwrap()
}

/// What a validation with a `pgtUrl` says.
async fn validate_for(
    cas: &CasServer,
    path: &str,
    service: &str,
    ticket: &str,
    pgt_url: &str,
) -> Said {
    let params = [
        ("service", service),
        ("ticket", ticket),
        ("pgtUrl", pgt_url),
    ];
    Said::of(&get(url(cas, path, &params)).await)
}

/// What a validation of a new ticket of `casuser` with a `pgtUrl` says.
async fn sign_in_for(cas: &CasServer, pgt_url: &str) -> Said {
    let ticket = cas.issue_ticket("casuser", SERVICE);
    validate_for(cas, "/p3/serviceValidate", SERVICE, &ticket, pgt_url).await
}

/// The proxy-granting ticket and the IOU of the last call that a proxy heard.
#[track_caller]
fn granted(proxy: &mut Receiver) -> (String, String) {
    let heard = proxy.all().pop().expect("no callback has come");
    let (_, query) = heard.uri.split_once('?').unwrap();
    let value = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let (_, value) = pairs.find(|(known, _)| known == name).unwrap();
        value.into_owned()
    };
    (value("pgtId"), value("pgtIou"))
}

async fn ask(cas: &CasServer, pgt: &str, target: &str) -> Said {
    let params = [("pgt", pgt), ("targetService", target)];
    Said::of(&get(url(cas, "/proxy", &params)).await)
}

/// Buys a proxy ticket.
async fn buy(cas: &CasServer, pgt: &str, target: &str) -> String {
    let said = ask(cas, pgt, target).await;
    assert_eq!(said.what, "proxySuccess");
    said.ticket.unwrap()
}

/// Is a proxy-granting ticket good?
async fn is_good(cas: &CasServer, pgt: &str) -> bool {
    let said = ask(cas, pgt, BACK_END).await;
    if said.ticket.is_none() {
        assert_eq!(said, Said::failure("proxyFailure", "INVALID_TICKET"));
    }
    said.ticket.is_some()
}
