//! What tests can do without the requests that it takes.

use super::{
    BACK_END, CasServer, Quirk, Receiver, Said, buy, granted, is_good, sign_in_for, site, validate,
};

#[tokio::test]
async fn a_proxy_ticket_can_be_had_without_a_proxy() {
    let cas = CasServer::start().await.unwrap();
    for proxies in [
        &["https://b.example/pgt", "https://a.example/pgt"][..],
        &["https://a.example/pgt?x=<1>"],
        &[],
    ] {
        let ticket = cas.issue_proxy_ticket("casuser", proxies, BACK_END);
        assert!(ticket.starts_with("PT-"), "{ticket}");
        let answer = validate(&cas, "/p3/proxyValidate", BACK_END, &ticket).await;
        assert_eq!(Said::of(&answer), Said::success(proxies));
    }
    let proxies = ["https://b.example/pgt", "https://a.example/pgt"];
    let ticket = cas.issue_proxy_ticket("casuser", &proxies, BACK_END);
    cas.set_quirks([Quirk::ChainOfTargets]);
    let answer = validate(&cas, "/proxyValidate", BACK_END, &ticket).await;
    let expected = Said::success(&[BACK_END, "https://b.example/pgt"]);
    assert_eq!(Said::of(&answer), expected);
}

#[tokio::test]
async fn a_granting_ticket_can_be_had_without_a_callback() {
    let cas = CasServer::start().await.unwrap();
    let mut service = Receiver::start().await;
    let pgt_url = service.at("/pgt");
    let pgt = cas.issue_proxy_granting_ticket("casuser", &pgt_url);
    assert!(pgt.starts_with("PGT-"), "{pgt}");
    let target = service.at("/api");
    let ticket = buy(&cas, &pgt, &target).await;
    let answer = validate(&cas, "/proxyValidate", &target, &ticket).await;
    assert_eq!(Said::of(&answer), Said::success(&[&pgt_url]));
    assert!(service.all().is_empty() && cas.proxy_callbacks().is_empty());
    let report = cas.log_out("casuser").await;
    assert_eq!((report.sent, report.accepted), (2, 2));
    assert_eq!(service.tickets(), [pgt, ticket]);
}

#[tokio::test]
async fn granting_tickets_can_be_made_to_expire() {
    let (cas, mut proxy) = site().await;
    sign_in_for(&cas, &proxy.at("/pgt")).await;
    let (old, _) = granted(&mut proxy);
    let bought = buy(&cas, &old, BACK_END).await;
    cas.expire_proxy_granting_tickets();
    assert!(!is_good(&cas, &old).await);
    let answer = validate(&cas, "/proxyValidate", BACK_END, &bought).await;
    assert!(Said::of(&answer).is_success());
    sign_in_for(&cas, &proxy.at("/pgt")).await;
    let (new, _) = granted(&mut proxy);
    assert!(is_good(&cas, &new).await);
    // A proxy that does not know yet still hears of the logout.
    cas.log_out("casuser").await;
    let mut both = [old, new];
    both.sort_unstable();
    assert_eq!(proxy.tickets(), both);
}
