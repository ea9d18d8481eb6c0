//! Single logout by the browser.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::{DeflateDecoder, ZlibDecoder};
use url::Url;

use super::super::{FrontChannel, LogoutReport, MessageEncoding};
use super::{
    Answer, Browser, CasServer, Message, Quirk, Receiver, SERVICE, StatusCode, get, header, url,
};

async fn with(front_channel: FrontChannel) -> CasServer {
    let builder = CasServer::builder().front_channel(front_channel);
    builder.start().await.unwrap()
}

/// Signs in at each of these services, in one browser; the tickets.
async fn signed_in(cas: &CasServer, services: &[&str]) -> (Browser, Vec<String>) {
    let mut browser = Browser::new();
    browser.sign_in(cas, &[]).await;
    let mut tickets = Vec::new();
    for service in services {
        let params = [("service", *service)];
        tickets.push(browser.login(cas, &params).await.ticket());
    }
    (browser, tickets)
}

fn inflated(encoding: MessageEncoding, value: &str) -> String {
    let bytes = || STANDARD.decode(value).unwrap();
    let mut text = String::new();
    match encoding {
        MessageEncoding::Deflate => DeflateDecoder::new(&*bytes()).read_to_string(&mut text),
        MessageEncoding::Zlib => ZlibDecoder::new(&*bytes()).read_to_string(&mut text),
        MessageEncoding::Plain => value.as_bytes().read_to_string(&mut text),
    }
    .unwrap();
    text
}

/// Name and value of a parameter that was added to a URL; fails when anything else changed.
#[track_caller]
fn added(url: &str, service: &str) -> Vec<(String, String)> {
    let rest = url.strip_prefix(service).unwrap();
    let query = rest.strip_prefix(if service.contains('?') { '&' } else { '?' });
    form_urlencoded::parse(query.unwrap().as_bytes())
        .into_owned()
        .collect()
}

/// The sources of the elements of a page that begin so.
fn sources(page: &Answer, element: &str) -> Vec<String> {
    let rest = page.body.split(element).skip(1);
    rest.map(|rest| {
        let (tag, _) = rest.split_once('>').unwrap();
        let (_, source) = tag.split_once("src=\"").unwrap();
        source.split('"').next().unwrap().replace("&amp;", "&")
    })
    .collect()
}

#[tokio::test]
async fn the_page_after_a_logout_has_the_browser_fetch_a_request_for_every_service() {
    let services = [
        "http://127.0.0.1:1/a?b=c&d",
        "https://localhost:2/",
        "http://[::1]:3/x",
    ];
    for front_channel in FrontChannel::ALL {
        let (element, encoding, policy) = match *front_channel {
            FrontChannel::Frames(encoding) => {
                ("<iframe hidden ", encoding, "; frame-src http: https:")
            }
            FrontChannel::Images(encoding) => {
                ("<img hidden alt=\"\" ", encoding, "; img-src http: https:")
            }
            FrontChannel::Scripts(encoding) => ("<script async ", encoding, ""),
            FrontChannel::Redirects => continue,
        };
        let cas = with(*front_channel).await;
        let (mut browser, tickets) = signed_in(&cas, &services).await;
        let page = browser.get(url(&cas, "/logout", &[])).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("You are signed out") && page.body.contains("Sign in again"));
        assert!(!browser.cookies.contains_key("TGC"));
        let sources = sources(&page, element);
        assert_eq!(sources.len(), services.len(), "{front_channel:?}");
        for ((source, service), ticket) in sources.iter().zip(services).zip(tickets) {
            let [(name, value)] = added(source, service).try_into().unwrap();
            assert_eq!(name, "logoutRequest");
            let message = Message::read(&inflated(encoding, &value));
            assert_eq!(message.tickets, [ticket]);
            assert_eq!(message.name.as_deref(), Some("casuser"));
        }
        let csp = page.header(header::CONTENT_SECURITY_POLICY).unwrap();
        assert!(
            csp.ends_with(&format!("frame-ancestors 'none'{policy}")),
            "{csp}"
        );
        let nonces = page.body.matches("<script async nonce=\"").count();
        let scripts = matches!(front_channel, FrontChannel::Scripts(_));
        assert_eq!(nonces, if scripts { services.len() } else { 0 });
        if scripts {
            let (_, rest) = csp.split_once("script-src 'nonce-").unwrap();
            let nonce = rest.split('\'').next().unwrap();
            assert!(
                page.body
                    .contains(&format!("<script async nonce=\"{nonce}\""))
            );
        }
    }
}

#[tokio::test]
async fn the_page_goes_on_to_the_service_by_script_and_by_a_link() {
    let cas = with(FrontChannel::Frames(MessageEncoding::Plain)).await;
    let (mut browser, _) = signed_in(&cas, &["http://127.0.0.1:1/"]).await;
    let params = [("service", "https://app.example.org/?a&b")];
    let page = browser.get(url(&cas, "/logout", &params)).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.body
            .contains("<a id=\"onward\" href=\"https://app.example.org/?a&amp;b\">")
    );
    assert!(
        page.body.contains("setTimeout(go,5000)</script>"),
        "{}",
        page.body
    );
    assert_eq!(sources(&page, "<iframe hidden ").len(), 1);
}

#[tokio::test]
async fn without_a_service_to_tell_a_logout_is_as_ever() {
    for front_channel in FrontChannel::ALL {
        let cas = with(*front_channel).await;
        let (mut browser, _) = signed_in(&cas, &[SERVICE]).await;
        let params = [("service", SERVICE)];
        let answer = browser.get(url(&cas, "/logout", &params)).await;
        assert_eq!(answer.location(), SERVICE, "{front_channel:?}");
        assert!(browser.login(&cas, &[]).await.is_login_form());
    }
}

#[tokio::test]
async fn the_server_sends_nothing_itself_until_it_is_told_to() {
    for front_channel in FrontChannel::ALL {
        let cas = with(*front_channel).await;
        let mut service = Receiver::start().await;
        let at = service.at("/");
        let (mut browser, _) = signed_in(&cas, &[&at]).await;
        browser.get(url(&cas, "/logout", &[])).await;
        let (mut browser, _) = signed_in(&cas, &[&at]).await;
        assert_eq!(cas.log_out("casuser").await, LogoutReport::default());
        assert!(browser.login(&cas, &[]).await.is_login_form());
        assert!(service.all().is_empty(), "{front_channel:?}");

        cas.set_front_channel(None);
        let (mut browser, tickets) = signed_in(&cas, &[&at]).await;
        browser.get(url(&cas, "/logout", &[])).await;
        assert_eq!(service.tickets(), tickets);
    }
}

/// The message and the token with which a redirect leads to a service.
#[track_caller]
fn step(answer: &Answer, service: &str) -> (Message, String) {
    let [(request, message), (relay, token)] =
        added(answer.location(), service).try_into().unwrap();
    assert_eq!((&*request, &*relay), ("SAMLRequest", "RelayState"));
    (
        Message::read(&inflated(MessageEncoding::Deflate, &message)),
        token,
    )
}

fn back(cas: &CasServer, token: &str) -> Url {
    url(
        cas,
        "/logout",
        &[("_eventId", "next"), ("RelayState", token)],
    )
}

#[tokio::test]
async fn redirects_lead_the_browser_to_every_service_and_then_onward() {
    let services = ["http://127.0.0.1:1/a?b=c", "http://127.0.0.1:1/d"];
    for (params, location) in [
        (&[("service", SERVICE)][..], Some(SERVICE)),
        (&[("url", "https://app.example.org/url")], None),
    ] {
        let cas = with(FrontChannel::Redirects).await;
        let (mut browser, tickets) = signed_in(&cas, &services).await;
        let answer = browser.get(url(&cas, "/logout", params)).await;
        assert!(!browser.cookies.contains_key("TGC"));
        let (message, first) = step(&answer, services[0]);
        assert_eq!(message.tickets, tickets[..1]);
        let answer = browser.get(back(&cas, &first)).await;
        let (message, second) = step(&answer, services[1]);
        assert_eq!(message.tickets, tickets[1..]);
        assert_ne!(first, second);
        // Whoever signs in again on the way stays signed in.
        browser.sign_in(&cas, &[]).await;
        let answer = browser.get(back(&cas, &second)).await;
        match location {
            Some(location) => assert_eq!(answer.location(), location),
            None => assert!(
                answer
                    .body
                    .contains("<a href=\"https://app.example.org/url\">")
            ),
        }
        assert!(!browser.login(&cas, &[]).await.is_login_form());
    }
}

#[tokio::test]
async fn a_step_that_is_not_known_is_refused() {
    let cas = with(FrontChannel::Redirects).await;
    let (mut browser, _) = signed_in(&cas, &["http://127.0.0.1:1/", "http://127.0.0.1:2/"]).await;
    let answer = browser.get(url(&cas, "/logout", &[])).await;
    let (_, token) = step(&answer, "http://127.0.0.1:1/");
    browser.get(back(&cas, &token)).await.location();
    let unknown = "0".repeat(token.len());
    for token in [&*token, &unknown, "", "<script>"] {
        let answer = get(back(&cas, token)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{token}");
        assert!(answer.body.contains("<h1>Unknown step</h1>"));
        assert!(!answer.body.contains("<script>"));
    }
    let answer = get(url(&cas, "/logout", &[("_eventId", "next")])).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_quirks_of_messages_hold_for_the_browser_too() {
    let builder = CasServer::builder().front_channel(FrontChannel::Redirects);
    let builder = builder
        .quirk(Quirk::LogoutWithoutQuery)
        .quirk(Quirk::LogoutNotUsedNameId);
    let cas = builder.start().await.unwrap();
    let (mut browser, _) = signed_in(&cas, &["http://127.0.0.1:1/a?b=c"]).await;
    let answer = browser.get(url(&cas, "/logout", &[])).await;
    let (message, _) = step(&answer, "http://127.0.0.1:1/a");
    assert_eq!(message.name.as_deref(), Some("@NOT_USED@"));
}
