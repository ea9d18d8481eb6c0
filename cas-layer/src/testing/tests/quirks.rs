//! Quirks of tickets, service URLs, flags, refusals and content types.

use super::{Browser, CasServer, Quirk, SERVICE, StatusCode, get, header, url, validate};

async fn with(quirk: Quirk) -> CasServer {
    CasServer::builder().quirk(quirk).start().await.unwrap()
}

/// Signs in at `service`; where that leads, and what the ticket is worth there.
async fn way_back(cas: &CasServer, service: &str) -> (String, bool) {
    let answer = Browser::new().sign_in(cas, &[("service", service)]).await;
    let ticket = answer.ticket();
    let answered = validate(cas, "/validate", service, &ticket).await.body;
    (
        answer.location().replace(&ticket, "NEW"),
        answered == "yes\ncasuser\n",
    )
}

#[tokio::test]
async fn under_every_quirk_a_browser_signs_in() {
    let cas = CasServer::start().await.unwrap();
    // `post_unasked` has no redirect to look at.
    let by_redirect = |quirk: &&Quirk| **quirk != Quirk::PostUnasked;
    for quirk in Quirk::ALL.iter().filter(by_redirect) {
        cas.set_quirks([*quirk]);
        let (location, good) = way_back(&cas, SERVICE).await;
        assert!(
            location.starts_with("https://app.example.org/login?"),
            "{quirk:?}: {location}"
        );
        assert!(good, "{quirk:?}");
    }
}

#[tokio::test]
async fn quirks_are_replaced_for_the_next_request() {
    let cas = with(Quirk::FailureStatus500).await;
    let status = async || {
        validate(&cas, "/serviceValidate", SERVICE, "ST-1")
            .await
            .status
    };
    assert_eq!(status().await, 500);
    cas.set_quirks([Quirk::TextPlain]);
    assert_eq!(status().await, 200);
    cas.set_quirks([]);
    let answer = validate(&cas, "/serviceValidate", SERVICE, "ST-1").await;
    assert_eq!(
        answer.header(header::CONTENT_TYPE),
        Some("text/xml;charset=utf-8")
    );
}

#[tokio::test]
async fn rewrite_service_query_sorts_and_normalises_but_compares_the_original() {
    let cas = with(Quirk::RewriteServiceQuery).await;
    let service = "https://app.example.org/login?z=1&empty=&a=b%20c&bare";
    let expected = "https://app.example.org/login?a=b+c&ticket=NEW&z=1";
    assert_eq!(way_back(&cas, service).await, (expected.to_owned(), true));
}

#[tokio::test]
async fn ticket_after_fragment() {
    let cas = with(Quirk::TicketAfterFragment).await;
    let answer = Browser::new()
        .sign_in(&cas, &[("service", "https://app.example.org/a#part")])
        .await;
    assert!(
        answer
            .location()
            .starts_with("https://app.example.org/a#part?ticket=ST-")
    );
}

#[tokio::test]
async fn two_tickets_of_which_the_last_is_good() {
    let cas = with(Quirk::TwoTickets).await;
    let (location, good) = way_back(&cas, "https://app.example.org/").await;
    let expected = "https://app.example.org/?ticket=ST-00000000000000000000000000000000&ticket=NEW";
    assert_eq!((location.as_str(), good), (expected, true));
}

#[tokio::test]
async fn replace_ticket_in_service() {
    let service = "https://app.example.org/?ticket=OLD&a=b";
    let cas = CasServer::start().await.unwrap();
    let (location, _) = way_back(&cas, service).await;
    assert_eq!(
        location,
        "https://app.example.org/?ticket=OLD&a=b&ticket=NEW"
    );
    cas.set_quirks([Quirk::ReplaceTicketInService]);
    let (location, _) = way_back(&cas, service).await;
    assert_eq!(location, "https://app.example.org/?a=b&ticket=NEW");
    let (location, _) = way_back(&cas, "https://app.example.org/?ticket=OLD").await;
    assert_eq!(location, "https://app.example.org/?ticket=NEW");
}

#[tokio::test]
async fn compare_without_query() {
    let cas = with(Quirk::CompareWithoutQuery).await;
    for (other, answer) in [
        ("https://app.example.org/login", "yes\ncasuser\n"),
        ("https://app.example.org/login?x#y", "yes\ncasuser\n"),
        ("http://app.example.org/login", "no\n\n"),
        ("https://app.example.org.evil.example/login", "no\n\n"),
        ("https://app.example.org:444/login", "no\n\n"),
        ("https://app.example.org/login/", "no\n\n"),
    ] {
        let ticket = cas.issue_ticket("casuser", SERVICE);
        assert_eq!(
            validate(&cas, "/validate", other, &ticket).await.body,
            answer,
            "{other}"
        );
    }
}

#[tokio::test]
async fn refuse_markup_in_service() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    browser.sign_in(&cas, &[]).await;
    for markup in ["<", ">", "'", "\"", "%22", "%27", "%3C", "%3e"] {
        let service = format!("https://app.example.org/?a={markup}");
        cas.set_quirks([]);
        browser
            .login(&cas, &[("service", &service)])
            .await
            .location();
        cas.set_quirks([Quirk::RefuseMarkupInService]);
        let answer = browser.login(&cas, &[("service", &service)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{markup}");
    }
}

#[tokio::test]
async fn flags_count_whatever_their_value_unless_they_are_strict() {
    let cas = CasServer::start().await.unwrap();
    for (value, plain, strict) in [
        ("true", true, true),
        ("1", true, false),
        ("false", true, false),
        ("", false, false),
    ] {
        for (quirks, counts) in [(None, plain), (Some(Quirk::StrictFlags), strict)] {
            cas.set_quirks(quirks);
            let mut browser = Browser::new();
            let answer = browser
                .login(&cas, &[("service", SERVICE), ("gateway", value)])
                .await;
            assert_eq!(
                answer.status == StatusCode::FOUND,
                counts,
                "gateway={value} {quirks:?}"
            );
            browser.sign_in(&cas, &[]).await;
            let answer = browser
                .login(&cas, &[("service", SERVICE), ("renew", value)])
                .await;
            assert_eq!(answer.is_login_form(), counts, "renew={value} {quirks:?}");
            let ticket = browser.login(&cas, &[("service", SERVICE)]).await.ticket();
            let params = [("service", SERVICE), ("ticket", &ticket), ("renew", value)];
            let answer = get(url(&cas, "/validate", &params)).await;
            assert_eq!(
                answer.body == "no\n\n",
                counts,
                "validation renew={value} {quirks:?}"
            );
        }
    }
}

#[tokio::test]
async fn ignore_method_post() {
    let cas = with(Quirk::IgnoreMethodPost).await;
    let params = [("service", SERVICE), ("method", "POST")];
    Browser::new().sign_in(&cas, &params).await.ticket();
}

#[tokio::test]
async fn post_unasked() {
    let cas = with(Quirk::PostUnasked).await;
    let page = Browser::new().sign_in(&cas, &[("service", SERVICE)]).await;
    assert_eq!(page.status, 200);
    let (_, ticket) = page.body.split_once("name=\"ticket\" value=\"").unwrap();
    let ticket = ticket.split('"').next().unwrap();
    let answer = validate(&cas, "/validate", SERVICE, ticket).await;
    assert_eq!(answer.body, "yes\ncasuser\n");
}

#[tokio::test]
async fn ignore_json_format() {
    let cas = with(Quirk::IgnoreJsonFormat).await;
    let params = [("service", SERVICE), ("ticket", "ST-1"), ("format", "JSON")];
    let answer = get(url(&cas, "/p3/serviceValidate", &params)).await;
    assert!(answer.body.starts_with("<cas:serviceResponse"));
}

#[tokio::test]
async fn tickets_are_long_or_oddly_spelt_or_both() {
    let cas = CasServer::start().await.unwrap();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let ticket = cas.issue_ticket("casuser", SERVICE);
    assert_eq!((ticket.len(), ticket.chars().all(plain)), (43, true));

    cas.set_quirks([Quirk::LongTickets]);
    let ticket = cas.issue_ticket("casuser", SERVICE);
    assert_eq!((ticket.len(), ticket.chars().all(plain)), (256, true));

    cas.set_quirks([Quirk::PunctuatedTickets]);
    let ticket = cas.issue_ticket("casuser", SERVICE);
    assert!(['.', '_', '~'].iter().all(|c| ticket.contains(*c)));

    cas.set_quirks([Quirk::LongTickets, Quirk::PunctuatedTickets]);
    let ticket = cas.issue_ticket("casuser", SERVICE);
    assert_eq!(ticket.len(), 256);
    assert!(['.', '_', '~'].iter().all(|c| ticket.contains(*c)));
    let answer = validate(&cas, "/validate", SERVICE, &ticket).await;
    assert_eq!(answer.body, "yes\ncasuser\n");

    cas.set_quirks([Quirk::HugeTickets]);
    let ticket = cas.issue_ticket("casuser", SERVICE);
    assert_eq!(ticket.len(), 2_048);
    assert!(":@+/=%".chars().all(|c| ticket.contains(c)), "{ticket}");
    let answer = validate(&cas, "/validate", SERVICE, &ticket).await;
    assert_eq!(answer.body, "yes\ncasuser\n");
}

#[tokio::test]
async fn failure_status_400_and_500() {
    for (quirk, status) in [
        (Quirk::FailureStatus400, 400),
        (Quirk::FailureStatus500, 500),
    ] {
        let cas = with(quirk).await;
        for path in ["/validate", "/serviceValidate", "/p3/proxyValidate"] {
            let answer = validate(&cas, path, SERVICE, "ST-1").await;
            assert_eq!(answer.status, status);
            assert!(answer.body == "no\n\n" || answer.body.contains("INVALID_TICKET"));
            let ticket = cas.issue_ticket("casuser", SERVICE);
            assert_eq!(validate(&cas, path, SERVICE, &ticket).await.status, 200);
        }
    }
}

#[tokio::test]
async fn failure_as_html() {
    let cas = with(Quirk::FailureAsHtml).await;
    for path in ["/validate", "/serviceValidate", "/p3/serviceValidate"] {
        let answer = validate(&cas, path, SERVICE, "ST-1").await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header(header::CONTENT_TYPE),
            Some("text/html;charset=utf-8")
        );
        assert!(answer.body.starts_with("<!DOCTYPE html>"));
    }
}

#[tokio::test]
async fn failure_as_plain_no() {
    let cas = with(Quirk::FailureAsPlainNo).await;
    for params in [
        &[("ticket", "ST-1"), ("service", SERVICE)][..],
        &[("format", "JSON")],
    ] {
        let answer = get(url(&cas, "/p3/serviceValidate", params)).await;
        assert_eq!(answer.body, "no\n\n");
    }
}

#[tokio::test]
async fn bare_no() {
    let cas = with(Quirk::BareNo).await;
    assert_eq!(
        validate(&cas, "/validate", SERVICE, "ST-1").await.body,
        "no"
    );
}

#[tokio::test]
async fn failure_quotes_request() {
    let cas = with(Quirk::FailureQuotesRequest).await;
    let answer = validate(
        &cas,
        "/serviceValidate",
        "https://a.example/?<b>&c",
        "ST-<1>",
    )
    .await;
    let xml = roxmltree::Document::parse(&answer.body).unwrap();
    let text = xml
        .root_element()
        .first_element_child()
        .unwrap()
        .text()
        .unwrap();
    let expected = "The ticket is not known. Ticket 'ST-<1>', service 'https://a.example/?<b>&c'.";
    assert_eq!(text, expected);
}

#[tokio::test]
async fn content_types() {
    for (quirk, xml, json) in [
        (
            Quirk::TextXmlWithoutCharset,
            Some("text/xml"),
            Some("application/json;charset=utf-8"),
        ),
        (
            Quirk::ApplicationXml,
            Some("application/xml"),
            Some("application/json;charset=utf-8"),
        ),
        (
            Quirk::SoapXml,
            Some("application/soap+xml"),
            Some("application/json;charset=utf-8"),
        ),
        (Quirk::TextPlain, Some("text/plain"), Some("text/plain")),
        (Quirk::NoContentType, None, None),
    ] {
        let cas = with(quirk).await;
        let answer = validate(&cas, "/p3/serviceValidate", SERVICE, "ST-1").await;
        assert_eq!(answer.header(header::CONTENT_TYPE), xml, "{quirk:?}");
        let answer = get(url(&cas, "/p3/serviceValidate", &[("format", "JSON")])).await;
        assert_eq!(answer.header(header::CONTENT_TYPE), json, "{quirk:?}");
    }
}

#[tokio::test]
async fn only_framed_lets_pages_be_framed_and_both_send_cookies_everywhere() {
    for (quirk, is_framed, attributes) in [
        (None, false, "; SameSite=Lax"),
        (
            Some(Quirk::Framed),
            true,
            "; SameSite=None; Partitioned; Secure",
        ),
        (
            Some(Quirk::ThirdPartyCookies),
            false,
            "; SameSite=None; Secure",
        ),
    ] {
        let cas = CasServer::start().await.unwrap();
        cas.set_quirks(quirk);
        let mut browser = Browser::new();
        let form = browser.login(&cas, &[("service", SERVICE)]).await;
        let policy = form.header(header::CONTENT_SECURITY_POLICY).unwrap();
        assert_eq!(
            !policy.contains("frame-ancestors"),
            is_framed,
            "{quirk:?}: {policy}"
        );
        let answer = browser.sign_in(&cas, &[("service", SERVICE)]).await;
        for (answer, name) in [(&form, "CASLOGIN"), (&answer, "TGC")] {
            let cookie = answer.set_cookie(name).unwrap();
            assert!(
                cookie.ends_with(&format!("; HttpOnly{attributes}; Path=/cas")),
                "{quirk:?}: {cookie}"
            );
        }
    }
}
