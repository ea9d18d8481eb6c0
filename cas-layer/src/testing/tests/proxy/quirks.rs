//! What real servers do otherwise about proxies.

use super::{
    Answer, BACK_END, CasServer, Quirk, Receiver, SERVICE, Said, StatusCode, VALIDATIONS, buy, get,
    granted, is_good, on_http, sign_in_for, site, url, validate, validate_for,
};

/// What a proxy hears under these quirks: `probe`, or the names of the parameters.
async fn heard(quirks: &[Quirk]) -> Vec<String> {
    let (cas, mut proxy) = site().await;
    cas.set_quirks(quirks.iter().copied());
    let said = sign_in_for(&cas, &proxy.at("/pgt?a=1")).await;
    let iou = said.iou.unwrap();
    let mut calls = Vec::new();
    for heard in proxy.all() {
        let Some(added) = heard.uri.strip_prefix("/pgt?a=1&") else {
            assert_eq!(heard.uri, "/pgt?a=1");
            calls.push("probe".to_owned());
            continue;
        };
        let added: Vec<_> = form_urlencoded::parse(added.as_bytes()).collect();
        assert!(added.iter().any(|(_, value)| *value == iou));
        let names: Vec<&str> = added.iter().map(|(name, _)| &**name).collect();
        calls.push(names.join(" "));
    }
    assert_eq!(cas.proxy_callbacks().len(), calls.len());
    calls
}

#[tokio::test]
async fn calls_come_as_often_and_in_the_form_that_a_quirk_says() {
    let delivery = "pgtId pgtIou";
    assert_eq!(heard(&[]).await, ["probe", delivery]);
    assert_eq!(heard(&[Quirk::CallbackWithoutProbe]).await, [delivery]);
    assert_eq!(
        heard(&[Quirk::CallbackProbesTwice]).await,
        ["probe", "probe", delivery]
    );
    assert_eq!(
        heard(&[Quirk::CallbackIouFirst]).await,
        ["probe", "pgtIou pgtId"]
    );
    assert_eq!(
        heard(&[Quirk::CallbackTwice]).await,
        ["probe", delivery, delivery]
    );
    assert_eq!(
        heard(&[Quirk::CallbackTwice, Quirk::CallbackWithoutProbe]).await,
        [delivery, delivery]
    );
}

#[tokio::test]
async fn both_of_two_calls_bring_the_same_ticket() {
    let (cas, mut proxy) = site().await;
    cas.set_quirks([Quirk::CallbackTwice]);
    sign_in_for(&cas, &proxy.at("/pgt")).await;
    let heard = proxy.all();
    assert_eq!(heard[1].uri, heard[2].uri);
}

#[tokio::test]
async fn a_late_callback_comes_when_it_is_let_go() {
    let (cas, mut proxy) = site().await;
    cas.set_quirks([Quirk::CallbackLate]);
    let mut ious = Vec::new();
    for _ in 0..2 {
        let said = sign_in_for(&cas, &proxy.at("/pgt")).await;
        ious.push(said.iou.unwrap());
    }
    assert!(proxy.all().is_empty() && cas.proxy_callbacks().is_empty());
    cas.set_quirks([]);
    assert_eq!(cas.release_proxy_callbacks().await, 2);
    let heard = proxy.all();
    assert_eq!(heard.len(), 4);
    assert!(heard[1].uri.ends_with(&ious[0]) && heard[3].uri.ends_with(&ious[1]));
    // Once.
    assert_eq!(cas.release_proxy_callbacks().await, 0);
    assert!(proxy.all().is_empty());
    // And what came late is good.
    cas.set_quirks([Quirk::CallbackLate]);
    sign_in_for(&cas, &proxy.at("/pgt")).await;
    assert_eq!(cas.release_proxy_callbacks().await, 1);
    let (pgt, _) = granted(&mut proxy);
    assert!(is_good(&cas, &pgt).await);
}

#[tokio::test]
async fn a_late_callback_that_is_refused_is_not_counted() {
    let cas = on_http().await;
    cas.set_quirks([Quirk::CallbackLate]);
    let proxy = Receiver::answering(|| std::future::ready(StatusCode::NOT_FOUND)).await;
    assert!(sign_in_for(&cas, &proxy.at("/pgt")).await.iou.is_some());
    assert_eq!(cas.release_proxy_callbacks().await, 0);
    assert_eq!(cas.proxy_callbacks().len(), 1);
}

#[tokio::test]
async fn a_callback_that_fails_may_fail_the_validation() {
    let (cas, proxy) = site().await;
    cas.set_quirks([Quirk::CallbackFailureRefuses]);
    assert!(sign_in_for(&cas, &proxy.at("/pgt")).await.iou.is_some());
    let refusing = Receiver::answering(|| std::future::ready(StatusCode::NOT_FOUND)).await;
    for pgt_url in [
        refusing.at("/pgt"),
        proxy.at("/pgt").replace("localhost", "127.0.0.1"),
        "https://app.example.org/pgt".to_owned(),
        "not a URL".to_owned(),
    ] {
        for path in VALIDATIONS {
            let ticket = cas.issue_ticket("casuser", SERVICE);
            let said = validate_for(&cas, path, SERVICE, &ticket, &pgt_url).await;
            let refused = Said::failure("authenticationFailure", "INVALID_PROXY_CALLBACK");
            assert_eq!(said, refused, "{path} {pgt_url}");
            let again = Said::of(&validate(&cas, path, SERVICE, &ticket).await);
            let gone = Said::failure("authenticationFailure", "INVALID_TICKET");
            assert_eq!(again, gone, "{path} {pgt_url}");
        }
    }
}

#[tokio::test]
async fn a_ticket_may_stay_good_after_a_callback_that_fails_or_is_not_allowed() {
    let (cas, proxy) = site().await;
    let failing = proxy.at("/pgt").replace("localhost", "127.0.0.1");
    let keeps = Quirk::CallbackFailureKeepsTicket;
    for (quirks, pgt_url, code, stays) in [
        (&[keeps][..], &failing, "INVALID_PROXY_CALLBACK", true),
        (
            &[Quirk::NoProxies],
            &proxy.at("/pgt"),
            "UNAUTHORIZED_SERVICE_PROXY",
            false,
        ),
        (
            &[Quirk::NoProxies, keeps],
            &proxy.at("/pgt"),
            "UNAUTHORIZED_SERVICE_PROXY",
            true,
        ),
    ] {
        cas.set_quirks(quirks.iter().copied());
        for path in VALIDATIONS {
            let ticket = cas.issue_ticket("casuser", SERVICE);
            let said = validate_for(&cas, path, SERVICE, &ticket, pgt_url).await;
            let refused = Said::failure("authenticationFailure", code);
            assert_eq!(said, refused, "{path} {quirks:?}");
            let again = Said::of(&validate(&cas, path, SERVICE, &ticket).await);
            assert_eq!(again.user.is_some(), stays, "{path} {quirks:?}");
            let third = Said::of(&validate(&cas, path, SERVICE, &ticket).await);
            let gone = Said::failure("authenticationFailure", "INVALID_TICKET");
            assert_eq!(third, gone, "{path} {quirks:?}");
        }
    }
}

/// What `/proxy` answers a good question and two bad ones, under this quirk.
async fn answers(quirk: Quirk) -> [Answer; 3] {
    let builder = CasServer::builder().target_services([BACK_END]);
    let cas = builder.quirk(quirk).start().await.unwrap();
    let pgt = cas.issue_proxy_granting_ticket("casuser", "https://a.example/pgt");
    let ask = async |pgt: &str, target: &str| {
        let params = [("pgt", pgt), ("targetService", target)];
        get(url(&cas, "/proxy", &params)).await
    };
    [
        ask(&pgt, BACK_END).await,
        ask("PGT-unknown", BACK_END).await,
        ask(&pgt, SERVICE).await,
    ]
}

#[tokio::test]
async fn refusals_of_proxy_tickets_come_in_many_forms() {
    let codes = ["INVALID_TICKET", "UNAUTHORIZED_SERVICE"];

    let [good, bad @ ..] = answers(Quirk::ProxyFailureAsAuthenticationFailure).await;
    assert!(Said::of(&good).ticket.is_some());
    for (answer, code) in bad.iter().zip(codes) {
        assert_eq!(
            Said::of(answer),
            Said::failure("authenticationFailure", code)
        );
    }

    let [good, bad @ ..] = answers(Quirk::ProxyFailureStatus500).await;
    assert!(Said::of(&good).ticket.is_some());
    for answer in &bad {
        assert_eq!(answer.status, 500);
        assert!(answer.body.starts_with("<!DOCTYPE html>"));
    }

    let [good, bad @ ..] = answers(Quirk::ProxyFailureAsEmptySuccess).await;
    assert!(Said::of(&good).ticket.is_some());
    for answer in &bad {
        let empty = Said {
            what: "proxySuccess".to_owned(),
            ..Said::default()
        };
        assert_eq!(Said::of(answer), empty);
        assert!(answer.body.contains("<cas:proxySuccess/>"));
    }

    let [good, bad @ ..] = answers(Quirk::UnauthorizedServiceProxy).await;
    assert!(Said::of(&good).ticket.is_some());
    for (answer, code) in bad.iter().zip([codes[0], "UNAUTHORIZED_SERVICE_PROXY"]) {
        assert_eq!(Said::of(answer), Said::failure("proxyFailure", code));
    }
}

#[tokio::test]
async fn the_quirks_of_refusals_are_those_of_proxy_tickets_too() {
    let [good, bad @ ..] = answers(Quirk::FailureStatus500).await;
    assert_eq!(good.status, 200);
    for answer in bad {
        assert!(answer.status == 500 && answer.body.contains("<cas:proxyFailure "));
    }
    let [_, bad @ ..] = answers(Quirk::FailureAsPlainNo).await;
    assert!(bad.iter().all(|answer| answer.body == "no\n\n"));
    let [_, bad @ ..] = answers(Quirk::FailureAsHtml).await;
    assert!(
        bad.iter()
            .all(|answer| answer.body.starts_with("<!DOCTYPE"))
    );
    let [_, unknown, foreign] = answers(Quirk::FailureQuotesRequest).await;
    assert!(unknown.body.contains("&apos;PGT-unknown&apos;"));
    // Even a ticket that is good.
    assert!(foreign.body.contains("&apos;PGT-") && foreign.body.contains(SERVICE));
}

#[tokio::test]
async fn a_json_answer_without_a_ticket_has_none() {
    let builder = CasServer::builder().quirk(Quirk::ProxyFailureAsEmptySuccess);
    let cas = builder.start().await.unwrap();
    let answer = get(url(&cas, "/proxy", &[("format", "JSON")])).await;
    assert_eq!(answer.body, r#"{"serviceResponse":{"proxySuccess":{}}}"#);
}

#[tokio::test]
async fn tickets_of_every_kind_are_long_or_oddly_spelt_or_both() {
    let odd = ['.', '_', '~'];
    for quirks in [
        &[][..],
        &[Quirk::LongTickets],
        &[Quirk::PunctuatedTickets],
        &[Quirk::LongTickets, Quirk::PunctuatedTickets],
    ] {
        let (cas, mut proxy) = site().await;
        cas.set_quirks(quirks.iter().copied());
        let said = sign_in_for(&cas, &proxy.at("/pgt")).await;
        let (pgt, iou) = granted(&mut proxy);
        assert_eq!(said.iou.as_ref(), Some(&iou));
        let pt = buy(&cas, &pgt, BACK_END).await;
        for ticket in [&pgt, &iou, &pt] {
            let long = quirks.contains(&Quirk::LongTickets);
            assert_eq!(ticket.len() == 256, long, "{ticket}");
            let punctuated = quirks.contains(&Quirk::PunctuatedTickets);
            assert!(odd.iter().all(|c| ticket.contains(*c) == punctuated));
        }
        let answer = validate(&cas, "/proxyValidate", BACK_END, &pt).await;
        assert!(Said::of(&answer).is_success());
    }
}
