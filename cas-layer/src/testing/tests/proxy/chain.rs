//! Chains of proxies, each called back and asking for itself.

use super::{
    Authority, BACK_END, Browser, CasServer, Quirk, SERVICE, Said, WITH_PROXIES, buy, get, granted,
    is_good, proxy, url, validate, validate_for,
};

/// Goes through that many proxies, from the login page to a ticket for the back end; the server,
/// what each `pgtUrl` is (the first proxy first), and that ticket.
async fn through(links: usize) -> (CasServer, Vec<String>, String) {
    let authority = Authority::new();
    let cas = CasServer::builder().ca(&authority.pem).start().await;
    let cas = cas.unwrap();
    let mut service = SERVICE.to_owned();
    let mut browser = Browser::new();
    let mut ticket = browser
        .sign_in(&cas, &[("service", SERVICE)])
        .await
        .ticket();
    let mut pgt_urls = Vec::new();
    for link in 1..=links {
        let mut proxy = proxy(&authority).await;
        let pgt_url = proxy.at(&format!("/{link}?a=1&b=<2>"));
        let path = WITH_PROXIES[link % 2];
        let said = validate_for(&cas, path, &service, &ticket, &pgt_url).await;
        let newest_first: Vec<&String> = pgt_urls.iter().rev().collect();
        assert_eq!(said.proxies.iter().collect::<Vec<_>>(), newest_first);
        let (pgt, iou) = granted(&mut proxy);
        assert_eq!(said.iou, Some(iou));
        service = if link == links {
            BACK_END.to_owned()
        } else {
            format!("https://app{link}.example.org/")
        };
        ticket = buy(&cas, &pgt, &service).await;
        pgt_urls.push(pgt_url);
    }
    (cas, pgt_urls, ticket)
}

#[tokio::test]
async fn every_proxy_of_a_chain_is_named_the_most_recent_first() {
    for links in [1, 2, 3, 7] {
        for json in [false, true] {
            let (cas, mut pgt_urls, ticket) = through(links).await;
            pgt_urls.reverse();
            let params = [
                ("service", BACK_END),
                ("ticket", &ticket),
                ("format", if json { "JSON" } else { "XML" }),
            ];
            let answer = get(url(&cas, "/p3/proxyValidate", &params)).await;
            assert_eq!(answer.body.starts_with('{'), json);
            let proxies: Vec<&str> = pgt_urls.iter().map(String::as_str).collect();
            assert_eq!(Said::of(&answer), Said::success(&proxies), "{links} links");
        }
    }
}

#[tokio::test]
async fn a_server_may_name_the_last_proxy_alone() {
    let (cas, pgt_urls, ticket) = through(3).await;
    cas.set_quirks([Quirk::ChainLastProxyOnly]);
    let answer = validate(&cas, "/proxyValidate", BACK_END, &ticket).await;
    assert_eq!(Said::of(&answer), Said::success(&[&pgt_urls[2]]));
}

#[tokio::test]
async fn a_server_may_name_targets_instead_of_proxies() {
    let (cas, _, ticket) = through(3).await;
    cas.set_quirks([Quirk::ChainOfTargets]);
    let answer = validate(&cas, "/proxyValidate", BACK_END, &ticket).await;
    let targets = [
        BACK_END,
        "https://app2.example.org/",
        "https://app1.example.org/",
    ];
    assert_eq!(Said::of(&answer), Said::success(&targets));
}

#[tokio::test]
async fn a_logout_ends_a_chain_at_every_link() {
    let authority = Authority::new();
    let cas = CasServer::builder().ca(&authority.pem).start().await;
    let cas = cas.unwrap();
    let [mut first, mut second] = [proxy(&authority).await, proxy(&authority).await];
    let mut browser = Browser::new();
    let ticket = browser
        .sign_in(&cas, &[("service", SERVICE)])
        .await
        .ticket();
    validate_for(&cas, "/serviceValidate", SERVICE, &ticket, &first.at("/")).await;
    let (outer, _) = granted(&mut first);
    let ticket = buy(&cas, &outer, BACK_END).await;
    validate_for(&cas, "/proxyValidate", BACK_END, &ticket, &second.at("/")).await;
    let (inner, _) = granted(&mut second);
    assert!(is_good(&cas, &outer).await && is_good(&cas, &inner).await);
    browser.get(url(&cas, "/logout", &[])).await;
    assert!(!is_good(&cas, &outer).await && !is_good(&cas, &inner).await);
    assert_eq!(
        (first.tickets(), second.tickets()),
        (vec![outer], vec![inner])
    );
}
