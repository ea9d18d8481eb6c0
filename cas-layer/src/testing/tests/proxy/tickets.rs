//! Proxy tickets.

use std::time::Duration;

use super::{
    BACK_END, CasServer, SERVICE, Said, WITH_PROXIES, WITHOUT_PROXIES, buy, get, granted, site,
    url, validate,
};

const PROXY: &str = "https://a.example/pgt";

/// A server and a proxy ticket from it.
async fn ticket() -> (CasServer, String) {
    let cas = CasServer::start().await.unwrap();
    let pgt = cas.issue_proxy_granting_ticket("casuser", PROXY);
    let ticket = buy(&cas, &pgt, BACK_END).await;
    (cas, ticket)
}

async fn said(cas: &CasServer, path: &str, service: &str, ticket: &str) -> Said {
    Said::of(&validate(cas, path, service, ticket).await)
}

fn refused(code: &str) -> Said {
    Said::failure("authenticationFailure", code)
}

async fn advance(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_proxy_ticket_is_good_once_where_proxies_are() {
    for path in WITH_PROXIES {
        let (cas, ticket) = ticket().await;
        let first = said(&cas, path, BACK_END, &ticket).await;
        assert_eq!(first, Said::success(&[PROXY]), "{path}");
        let replay = said(&cas, path, BACK_END, &ticket).await;
        assert_eq!(replay, refused("INVALID_TICKET"), "{path}");
    }
}

#[tokio::test]
async fn a_service_ticket_is_good_there_too_and_names_no_proxies() {
    let cas = CasServer::start().await.unwrap();
    for path in WITH_PROXIES {
        let ticket = cas.issue_ticket("casuser", SERVICE);
        let answer = validate(&cas, path, SERVICE, &ticket).await;
        assert_eq!(Said::of(&answer), Said::success(&[]));
        assert!(!answer.body.contains("proxies"), "{}", answer.body);
    }
}

#[tokio::test]
async fn elsewhere_a_proxy_ticket_is_refused_and_stays_good() {
    let (cas, ticket) = ticket().await;
    for path in WITHOUT_PROXIES {
        let refusal = said(&cas, path, BACK_END, &ticket).await;
        assert_eq!(refusal, refused("INVALID_TICKET_SPEC"), "{path}");
    }
    let answer = validate(&cas, "/validate", BACK_END, &ticket).await;
    assert_eq!(answer.body, "no\n\n");
    let answer = said(&cas, "/proxyValidate", BACK_END, &ticket).await;
    assert!(answer.is_success());
}

#[tokio::test]
async fn a_proxy_ticket_for_another_service_is_refused_and_burnt() {
    for path in WITH_PROXIES {
        for other in ["https://back.example.org/api?q=1", SERVICE] {
            let (cas, ticket) = ticket().await;
            let refusal = said(&cas, path, other, &ticket).await;
            assert_eq!(refusal, refused("INVALID_SERVICE"));
            let refusal = said(&cas, path, BACK_END, &ticket).await;
            assert_eq!(refusal, refused("INVALID_TICKET"));
        }
    }
}

#[tokio::test]
async fn a_proxy_ticket_expires() {
    let (cas, old) = ticket().await;
    let pgt = cas.issue_proxy_granting_ticket("casuser", PROXY);
    advance(Duration::from_secs(30)).await;
    let young = buy(&cas, &pgt, BACK_END).await;
    advance(Duration::from_secs(30)).await;
    let answer = said(&cas, "/proxyValidate", BACK_END, &old).await;
    assert_eq!(answer, refused("INVALID_TICKET"));
    let answer = said(&cas, "/proxyValidate", BACK_END, &young).await;
    assert!(answer.is_success());
}

#[tokio::test]
async fn a_proxy_ticket_never_comes_from_a_password() {
    for path in WITH_PROXIES {
        let (cas, ticket) = ticket().await;
        let params = [
            ("service", BACK_END),
            ("ticket", &*ticket),
            ("renew", "true"),
        ];
        let answer = Said::of(&get(url(&cas, path, &params)).await);
        assert_eq!(answer, refused("INVALID_TICKET"), "{path}");
    }
    let (cas, ticket) = ticket().await;
    let answer = validate(&cas, "/p3/proxyValidate", BACK_END, &ticket).await;
    let expected = "<cas:isFromNewLogin>false</cas:isFromNewLogin>";
    assert!(answer.body.contains(expected), "{}", answer.body);
    assert!(
        answer
            .body
            .contains("<cas:mail>casuser@example.org</cas:mail>")
    );
}

#[tokio::test]
async fn attributes_stand_before_what_there_is_of_proxies() {
    let (cas, mut proxy) = site().await;
    let ticket = cas.issue_proxy_ticket("casuser", &[PROXY], BACK_END);
    let params = [
        ("service", BACK_END),
        ("ticket", &*ticket),
        ("pgtUrl", &proxy.at("/pgt")),
    ];
    let answer = get(url(&cas, "/p3/proxyValidate", &params)).await;
    let (_, iou) = granted(&mut proxy);
    let expected = format!(
        "    </cas:attributes>\n    \
         <cas:proxyGrantingTicket>{iou}</cas:proxyGrantingTicket>\n    \
         <cas:proxies>\n      <cas:proxy>{PROXY}</cas:proxy>\n    </cas:proxies>\n  \
         </cas:authenticationSuccess>\n"
    );
    assert!(answer.body.contains(&expected), "{}", answer.body);
}
