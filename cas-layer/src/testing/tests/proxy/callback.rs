//! The call to a `pgtUrl`.

use std::sync::Arc;
use std::time::Duration;

use axum::response::IntoResponse;
use http::Method;
use tokio::sync::Notify;

use super::{
    Authority, CasServer, CasServerBuilder, ProxyCallback, Quirk, Receiver, SERVICE, Said,
    StatusCode, VALIDATIONS, get, granted, header, is_good, on_http, proxy, sign_in_for, site,
    soon, url, validate_for,
};

/// The calls made so far, as (probe, status).
fn calls(cas: &CasServer) -> Vec<(bool, Option<u16>)> {
    let calls = cas.proxy_callbacks();
    let calls = calls.iter().map(|call| (call.probe, call.status));
    calls.collect()
}

#[tokio::test]
async fn a_proxy_is_called_without_parameters_and_then_with_a_ticket_and_its_iou() {
    for path in VALIDATIONS {
        let (cas, mut proxy) = site().await;
        let pgt_url = proxy.at("/pgt?b=%C3%85&a=x%20y+z#part");
        let ticket = cas.issue_ticket("casuser", SERVICE);
        let said = validate_for(&cas, path, SERVICE, &ticket, &pgt_url).await;
        let iou = said.iou.clone().unwrap();
        let [probe, delivery] = &proxy.all()[..] else {
            panic!("not two calls");
        };
        assert!(probe.method == Method::GET && delivery.method == Method::GET);
        assert_eq!(probe.uri, "/pgt?b=%C3%85&a=x%20y+z");
        let (start, rest) = delivery.uri.split_once("&pgtId=PGT-").unwrap();
        assert_eq!(start, probe.uri);
        let (_, sent) = rest.split_once("&pgtIou=").unwrap();
        assert_eq!(sent, iou, "{path}");
        assert!(iou.starts_with("PGTIOU-"), "{iou}");
        let expected = Said {
            iou: Some(iou),
            ..Said::success(&[])
        };
        assert_eq!(said, expected, "{path}");
        let call = |probe| ProxyCallback {
            pgt_url: pgt_url.clone(),
            probe,
            status: Some(200),
        };
        assert_eq!(cas.proxy_callbacks(), [call(true), call(false)]);
    }
}

#[tokio::test]
async fn parameters_begin_a_query_where_there_is_none() {
    let (cas, mut proxy) = site().await;
    for path in ["/pgt", "/pgt?", "/"] {
        assert!(sign_in_for(&cas, &proxy.at(path)).await.iou.is_some());
        let uri = proxy.all().pop().unwrap().uri;
        let bare = path.trim_end_matches('?');
        assert!(uri.starts_with(&format!("{bare}?pgtId=PGT-")), "{uri}");
    }
}

#[tokio::test]
async fn json_has_the_iou_too() {
    let (cas, mut proxy) = site().await;
    for path in VALIDATIONS {
        let ticket = cas.issue_ticket("casuser", SERVICE);
        let params = [
            ("service", SERVICE),
            ("ticket", &ticket),
            ("pgtUrl", &proxy.at("/pgt")),
            ("format", "JSON"),
        ];
        let answer = get(url(&cas, path, &params)).await;
        assert!(answer.body.starts_with('{'), "{}", answer.body);
        let (_, iou) = granted(&mut proxy);
        assert_eq!(Said::of(&answer).iou, Some(iou), "{path}");
    }
}

#[tokio::test]
async fn the_validation_is_answered_after_the_proxy() {
    let authority = Authority::new();
    let cas = CasServer::builder().ca(&authority.pem).start().await;
    let cas = Arc::new(cas.unwrap());
    let answered = Arc::new(Notify::new());
    let wait = Arc::clone(&answered);
    let mut proxy = Receiver::https(&authority, move |_| {
        let wait = Arc::clone(&wait);
        async move {
            wait.notified().await;
            StatusCode::OK
        }
    })
    .await;
    let (asking, pgt_url) = (Arc::clone(&cas), proxy.at("/pgt"));
    let validation = tokio::spawn(async move { sign_in_for(&asking, &pgt_url).await });
    for call in 1..=2 {
        proxy.next().await;
        assert!(!validation.is_finished(), "at call {call}");
        answered.notify_one();
    }
    assert!(soon(validation).await.unwrap().iou.is_some());
}

#[tokio::test]
async fn cas_1_calls_nobody_back() {
    let (cas, mut proxy) = site().await;
    let ticket = cas.issue_ticket("casuser", SERVICE);
    let params = [
        ("service", SERVICE),
        ("ticket", &ticket),
        ("pgtUrl", &proxy.at("/pgt")),
    ];
    let answer = get(url(&cas, "/validate", &params)).await;
    assert_eq!(answer.body, "yes\ncasuser\n");
    assert!(proxy.all().is_empty());
}

#[tokio::test]
async fn nobody_is_called_back_for_a_ticket_that_is_refused() {
    let (cas, mut proxy) = site().await;
    let ticket = cas.issue_ticket("casuser", SERVICE);
    for (service, ticket, code) in [
        (SERVICE, "ST-unknown", "INVALID_TICKET"),
        ("https://other.example/", &*ticket, "INVALID_SERVICE"),
        (SERVICE, &*ticket, "INVALID_TICKET"),
    ] {
        let pgt_url = proxy.at("/pgt");
        let said = validate_for(&cas, "/serviceValidate", service, ticket, &pgt_url).await;
        assert_eq!(said, Said::failure("authenticationFailure", code));
    }
    assert!(proxy.all().is_empty() && cas.proxy_callbacks().is_empty());
}

#[tokio::test]
async fn a_proxy_that_refuses_the_probe_is_not_sent_the_ticket() {
    let cas = on_http().await;
    for status in [201, 204, 302, 404, 500] {
        let status = StatusCode::from_u16(status).unwrap();
        let mut proxy = Receiver::answering(move || std::future::ready(status)).await;
        let before = calls(&cas).len();
        let said = sign_in_for(&cas, &proxy.at("/pgt")).await;
        assert_eq!(said, Said::success(&[]), "{status}");
        assert_eq!(proxy.all().len(), 1);
        assert_eq!(calls(&cas)[before..], [(true, Some(status.as_u16()))]);
    }
}

#[tokio::test]
async fn a_ticket_that_a_proxy_refuses_is_worth_nothing() {
    let cas = on_http().await;
    let mut proxy = Receiver::replying(|uri| {
        let refused = uri.contains("pgtId");
        std::future::ready(if refused {
            StatusCode::INTERNAL_SERVER_ERROR
        } else {
            StatusCode::OK
        })
    })
    .await;
    let said = sign_in_for(&cas, &proxy.at("/pgt")).await;
    assert_eq!(said, Said::success(&[]));
    assert_eq!(calls(&cas), [(true, Some(200)), (false, Some(500))]);
    let (pgt, _) = granted(&mut proxy);
    assert!(!is_good(&cas, &pgt).await);
    // And nobody tells the proxy about the logout.
    cas.log_out("casuser").await;
    assert!(proxy.all().is_empty());
}

#[tokio::test]
async fn a_proxy_without_a_trusted_certificate_for_its_name_is_not_called() {
    let authority = Authority::new();
    let mut proxy = proxy(&authority).await;
    let pgt_url = proxy.at("/pgt");
    let other_name = pgt_url.replace("localhost", "127.0.0.1");
    let trusting = |builder: CasServerBuilder| builder.ca(&authority.pem);
    for (builder, pgt_url, iou) in [
        (CasServer::builder(), &pgt_url, false),
        (
            CasServer::builder().ca(Authority::new().pem),
            &pgt_url,
            false,
        ),
        (trusting(CasServer::builder()), &other_name, false),
        (trusting(CasServer::builder()), &pgt_url, true),
        (
            CasServer::builder().accept_any_certificate(true),
            &other_name,
            true,
        ),
    ] {
        let cas = builder.start().await.unwrap();
        let said = sign_in_for(&cas, pgt_url).await;
        assert!(said.is_success());
        assert_eq!(said.iou.is_some(), iou, "{pgt_url}");
        assert_eq!(proxy.all().len(), if iou { 2 } else { 0 });
        if !iou {
            assert_eq!(calls(&cas), [(true, None)]);
        }
    }
}

#[tokio::test]
async fn a_proxy_that_is_gone_gets_no_ticket() {
    let cas = on_http().await;
    let gone = Receiver::start().await.at("/pgt");
    assert_eq!(sign_in_for(&cas, &gone).await, Said::success(&[]));
    assert_eq!(calls(&cas), [(true, None)]);
}

#[tokio::test]
async fn http_is_for_those_who_ask_for_it() {
    let mut proxy = Receiver::start().await;
    let (strict, lenient) = (CasServer::start().await.unwrap(), on_http().await);
    let said = sign_in_for(&strict, &proxy.at("/pgt")).await;
    assert_eq!(said, Said::success(&[]));
    assert!(proxy.all().is_empty() && strict.proxy_callbacks().is_empty());
    assert!(sign_in_for(&lenient, &proxy.at("/pgt")).await.iou.is_some());
}

#[tokio::test]
async fn only_loopback_is_called() {
    let cas = on_http().await;
    let mut proxy = Receiver::start().await;
    let port = proxy.url.rsplit(':').next().unwrap().to_owned();
    for host in [
        "app.example.org",
        "0.0.0.0",
        "[::]",
        "[::ffff:127.0.0.1]",
        "10.0.0.1",
        "127.0.0.1.example.org",
        "127.0.0.1@10.0.0.1",
    ] {
        let said = sign_in_for(&cas, &format!("http://{host}:{port}/pgt")).await;
        assert_eq!(said, Said::success(&[]), "{host}");
    }
    for pgt_url in [
        "not a URL",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "//127.0.0.1/",
    ] {
        let said = sign_in_for(&cas, pgt_url).await;
        assert_eq!(said, Said::success(&[]), "{pgt_url}");
    }
    assert!(proxy.all().is_empty() && cas.proxy_callbacks().is_empty());
    // These are, whatever the name service of the system says.
    for host in ["localhost", "app.localhost", "127.0.0.1"] {
        let said = sign_in_for(&cas, &format!("http://{host}:{port}/pgt")).await;
        assert!(said.iou.is_some(), "{host}");
    }
}

#[tokio::test]
async fn a_proxy_that_hangs_holds_a_validation_up_for_as_long_as_it_may() {
    let builder = CasServer::builder().allow_http_callbacks(true);
    let builder = builder.callback_timeout(Duration::from_millis(50));
    let cas = builder.start().await.unwrap();
    let proxy = Receiver::answering(std::future::pending::<StatusCode>).await;
    let said = soon(sign_in_for(&cas, &proxy.at("/pgt"))).await;
    assert_eq!(said, Said::success(&[]));
    assert_eq!(calls(&cas), [(true, None)]);
}

#[tokio::test]
async fn a_server_that_stops_waits_for_no_proxy() {
    let builder = CasServer::builder().allow_http_callbacks(true);
    let cas = builder.callback_timeout(Duration::MAX).start().await;
    let cas = cas.unwrap();
    let mut proxy = Receiver::answering(std::future::pending::<StatusCode>).await;
    let ticket = cas.issue_ticket("casuser", SERVICE);
    let params = [
        ("service", SERVICE),
        ("ticket", &ticket),
        ("pgtUrl", &proxy.at("/pgt")),
    ];
    let asking = tokio::spawn(get(url(&cas, "/serviceValidate", &params)));
    proxy.next().await;
    cas.shutdown().await;
    let answer = soon(asking).await.unwrap();
    assert_eq!(Said::of(&answer), Said::success(&[]));
}

#[tokio::test]
async fn what_a_proxy_says_besides_its_status_is_not_read() {
    let cas = on_http().await;
    let endless = || axum::body::Body::new(Endless);
    let proxy = Receiver::answering(move || std::future::ready(endless())).await;
    let said = soon(sign_in_for(&cas, &proxy.at("/pgt"))).await;
    assert!(said.iou.is_some());
}

/// A body without an end.
struct Endless;

impl http_body::Body for Endless {
    type Data = bytes::Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        static LETTERS: [u8; 64_000] = [b'a'; 64_000];
        let data = bytes::Bytes::from_static(&LETTERS);
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data(data))))
    }
}

/// Redirects what comes to `/pgt` there, and takes the rest.
async fn redirecting(to: String) -> Receiver {
    Receiver::replying(move |uri| {
        let answer = if uri.starts_with("/pgt") {
            (StatusCode::FOUND, [(header::LOCATION, to.clone())]).into_response()
        } else {
            StatusCode::OK.into_response()
        };
        std::future::ready(answer)
    })
    .await
}

#[tokio::test]
async fn redirects_are_followed_as_a_quirk_and_only_where_a_call_may_go() {
    let cas = on_http().await;
    let mut proxy = redirecting("/elsewhere".to_owned()).await;
    let said = sign_in_for(&cas, &proxy.at("/pgt")).await;
    assert_eq!(said, Said::success(&[]));
    assert_eq!(proxy.all().len(), 1);

    cas.set_quirks([Quirk::CallbackFollowsRedirects]);
    let said = sign_in_for(&cas, &proxy.at("/pgt")).await;
    assert!(said.iou.is_some());
    let paths: Vec<String> = proxy.all().into_iter().map(|heard| heard.uri).collect();
    let (pgt, elsewhere): (Vec<&String>, Vec<&String>) =
        paths.iter().partition(|path| path.starts_with("/pgt"));
    assert_eq!((pgt.len(), elsewhere.len()), (2, 2), "{paths:?}");
    assert!(pgt[1].contains("pgtId=PGT-"), "{paths:?}");

    // Round and round, away from loopback, and nowhere.
    for (to, calls) in [
        ("/pgt-again", 6),
        ("http://app.example.org/", 1),
        ("http://10.0.0.1/", 1),
        ("http://", 1),
    ] {
        let mut proxy = redirecting(to.to_owned()).await;
        let said = sign_in_for(&cas, &proxy.at("/pgt")).await;
        assert_eq!(said, Said::success(&[]), "{to}");
        assert_eq!(proxy.all().len(), calls, "{to}");
    }
}

#[tokio::test]
async fn a_redirect_does_not_lead_from_https_to_http() {
    let authority = Authority::new();
    let mut elsewhere = Receiver::start().await;
    let to = elsewhere.at("/");
    let proxy = Receiver::https(&authority, move |_| {
        let found = (StatusCode::FOUND, [(header::LOCATION, to.clone())]);
        std::future::ready(found)
    })
    .await;
    let builder = CasServer::builder().ca(&authority.pem);
    let builder = builder.quirk(Quirk::CallbackFollowsRedirects);
    let cas = builder.start().await.unwrap();
    let said = sign_in_for(&cas, &proxy.at("/pgt")).await;
    assert_eq!(said, Said::success(&[]));
    assert!(elsewhere.all().is_empty());
}
