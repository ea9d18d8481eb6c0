//! `/proxy`.

use super::{
    BACK_END, CasServer, Fault, SERVICE, Said, StatusCode, ask, buy, get, granted, header,
    sign_in_for, site, url, validate,
};

fn refused(code: &str) -> Said {
    Said::failure("proxyFailure", code)
}

#[tokio::test]
async fn a_granting_ticket_buys_proxy_tickets_as_often_as_it_is_asked() {
    let (cas, mut proxy) = site().await;
    sign_in_for(&cas, &proxy.at("/pgt")).await;
    let (pgt, _) = granted(&mut proxy);
    let first = ask(&cas, &pgt, BACK_END).await;
    let ticket = first.ticket.clone().unwrap();
    assert!(ticket.starts_with("PT-"), "{ticket}");
    let expected = Said {
        what: "proxySuccess".to_owned(),
        ticket: Some(ticket.clone()),
        ..Said::default()
    };
    assert_eq!(first, expected);
    assert_ne!(buy(&cas, &pgt, BACK_END).await, ticket);
    assert_eq!(cas.proxy_requests(), 2);
}

#[tokio::test]
async fn what_is_asked_has_to_be_complete_and_good() {
    let builder = CasServer::builder().target_services([BACK_END]);
    let cas = builder.start().await.unwrap();
    let pgt = cas.issue_proxy_granting_ticket("casuser", "https://a.example/pgt");
    let st = cas.issue_ticket("casuser", SERVICE);
    for (params, code) in [
        (&[][..], "INVALID_REQUEST"),
        (&[("pgt", &*pgt)], "INVALID_REQUEST"),
        (&[("targetService", BACK_END)], "INVALID_REQUEST"),
        (
            &[("pgt", ""), ("targetService", BACK_END)],
            "INVALID_REQUEST",
        ),
        (&[("pgt", &pgt), ("targetService", "")], "INVALID_REQUEST"),
        (
            &[("pgt", "PGT-unknown"), ("targetService", BACK_END)],
            "INVALID_TICKET",
        ),
        (
            &[("pgt", &st), ("targetService", BACK_END)],
            "INVALID_TICKET",
        ),
        (
            &[("pgt", &pgt), ("targetService", SERVICE)],
            "UNAUTHORIZED_SERVICE",
        ),
        (
            &[
                ("pgt", &pgt),
                ("targetService", "https://back.example.org/api"),
            ],
            "UNAUTHORIZED_SERVICE",
        ),
    ] {
        let answer = get(url(&cas, "/proxy", params)).await;
        assert_eq!(
            answer.header(header::CONTENT_TYPE),
            Some("text/xml;charset=utf-8")
        );
        assert_eq!(Said::of(&answer), refused(code), "{params:?}");
        let mut params = params.to_vec();
        params.push(("format", "JSON"));
        let answer = get(url(&cas, "/proxy", &params)).await;
        assert_eq!(
            answer.header(header::CONTENT_TYPE),
            Some("application/json;charset=utf-8")
        );
        assert!(answer.body.contains("\"description\":"));
        assert_eq!(Said::of(&answer), refused(code), "{params:?}");
    }
    let params = [
        ("pgt", &*pgt),
        ("targetService", BACK_END),
        ("format", "JSON"),
    ];
    let answer = get(url(&cas, "/proxy", &params)).await;
    assert!(answer.body.starts_with('{'), "{}", answer.body);
    assert!(Said::of(&answer).ticket.is_some());
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
}

#[tokio::test]
async fn which_services_are_targets_can_be_said_at_any_time() {
    let cas = CasServer::start().await.unwrap();
    let pgt = cas.issue_proxy_granting_ticket("casuser", "https://a.example/pgt");
    // Back ends are not all web services.
    for target in [BACK_END, "imaps://mail.example.org", "the back end"] {
        buy(&cas, &pgt, target).await;
    }
    cas.set_target_services(Some(vec![SERVICE.to_owned()]));
    assert_eq!(
        ask(&cas, &pgt, BACK_END).await,
        refused("UNAUTHORIZED_SERVICE")
    );
    buy(&cas, &pgt, SERVICE).await;
    cas.set_target_services(Some(Vec::new()));
    assert_eq!(
        ask(&cas, &pgt, SERVICE).await,
        refused("UNAUTHORIZED_SERVICE")
    );
    cas.set_target_services(None);
    buy(&cas, &pgt, BACK_END).await;
    // The list of services is not for the browser's own tickets.
    cas.set_target_services(Some(Vec::new()));
    let ticket = cas.issue_ticket("casuser", SERVICE);
    let answer = validate(&cas, "/serviceValidate", SERVICE, &ticket).await;
    assert!(Said::of(&answer).is_success());
    assert_eq!(
        ask(&cas, &pgt, "a\nb").await,
        refused("UNAUTHORIZED_SERVICE")
    );
}

#[tokio::test]
async fn parameters_in_parameters_stay_what_they_are() {
    let cas = CasServer::start().await.unwrap();
    let pgt = cas.issue_proxy_granting_ticket("casuser", "https://a.example/pgt");
    let evil = "https://evil.example/";
    // Encoded, they are part of a ticket that nobody has, or of a service URL.
    let injected = format!("{pgt}&targetService={evil}");
    assert_eq!(
        ask(&cas, &injected, BACK_END).await,
        refused("INVALID_TICKET")
    );
    let target = format!("{BACK_END}&pgt=PGT-1&targetService={evil}#x");
    for service in [evil, BACK_END] {
        let ticket = buy(&cas, &pgt, &target).await;
        let answer = validate(&cas, "/proxyValidate", service, &ticket).await;
        let refused = Said::failure("authenticationFailure", "INVALID_SERVICE");
        assert_eq!(Said::of(&answer), refused);
    }
    let ticket = buy(&cas, &pgt, &target).await;
    let answer = validate(&cas, "/proxyValidate", &target, &ticket).await;
    assert!(Said::of(&answer).is_success());

    // A client that does not encode what it was given asks for another service, and gets it.
    let careless = format!(
        "{}/proxy?pgt={injected}&targetService={BACK_END}",
        cas.url()
    );
    let ticket = Said::of(&get(careless).await).ticket.unwrap();
    let answer = validate(&cas, "/proxyValidate", evil, &ticket).await;
    assert!(Said::of(&answer).is_success());
}

#[tokio::test]
async fn other_methods_are_refused() {
    let cas = CasServer::start().await.unwrap();
    let answer = super::super::client().post(url(&cas, "/proxy", &[])).send();
    assert_eq!(
        answer.await.unwrap().status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn a_fault_is_one_of_this_endpoint_too() {
    let cas = CasServer::start().await.unwrap();
    let pgt = cas.issue_proxy_granting_ticket("casuser", "https://a.example/pgt");
    cas.set_fault(Some(Fault::Status(503)));
    let params = [("pgt", &*pgt), ("targetService", BACK_END)];
    assert_eq!(get(url(&cas, "/proxy", &params)).await.status, 503);
    cas.set_fault(None);
    buy(&cas, &pgt, BACK_END).await;
    assert_eq!(cas.proxy_requests(), 2);
}
