//! The validation endpoints as the protocol text has them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Browser, CasServer, SERVICE, StatusCode, client, get, header, url, validate};
use crate::testing::User;

const ALL: [&str; 5] = [
    "/validate",
    "/serviceValidate",
    "/proxyValidate",
    "/p3/serviceValidate",
    "/p3/proxyValidate",
];

/// The code of a refusal, or `yes`, from any endpoint.
async fn verdict(cas: &CasServer, path: &str, params: &[(&str, &str)]) -> String {
    let answer = get(url(cas, path, params)).await;
    assert_eq!(answer.status, StatusCode::OK);
    if path == "/validate" {
        return answer.body.lines().next().unwrap().to_owned();
    }
    let xml = roxmltree::Document::parse(&answer.body).unwrap();
    let result = xml.root_element().first_element_child().unwrap();
    match result.tag_name().name() {
        "authenticationSuccess" => "yes".to_owned(),
        "authenticationFailure" => result.attribute("code").unwrap().to_owned(),
        other => panic!("{other}"),
    }
}

#[track_caller]
fn assert_refused(path: &str, verdict: &str, code: &str) {
    assert_eq!(
        verdict,
        if path == "/validate" { "no" } else { code },
        "{path}"
    );
}

#[tokio::test]
async fn a_ticket_is_good_once_at_every_endpoint() {
    let cas = CasServer::start().await.unwrap();
    for path in ALL {
        let ticket = cas.issue_ticket("casuser", SERVICE);
        let params = [("service", SERVICE), ("ticket", ticket.as_str())];
        assert_eq!(verdict(&cas, path, &params).await, "yes", "{path}");
        assert_refused(path, &verdict(&cas, path, &params).await, "INVALID_TICKET");
    }
    assert_eq!(cas.validations(), 2 * ALL.len());
}

#[tokio::test]
async fn another_service_is_refused_and_burns_the_ticket() {
    let cas = CasServer::start().await.unwrap();
    for path in ALL {
        for other in [
            "https://app.example.org/login",
            "https://app.example.org/login?next=%2Fprofile",
        ] {
            let ticket = cas.issue_ticket("casuser", SERVICE);
            let wrong = [("service", other), ("ticket", ticket.as_str())];
            assert_refused(path, &verdict(&cas, path, &wrong).await, "INVALID_SERVICE");
            let right = [("service", SERVICE), ("ticket", ticket.as_str())];
            assert_refused(path, &verdict(&cas, path, &right).await, "INVALID_TICKET");
        }
    }
}

#[tokio::test]
async fn a_ticket_expires() {
    let cas = CasServer::start().await.unwrap();
    for path in ALL {
        let (young, old) = (
            cas.issue_ticket("casuser", SERVICE),
            cas.issue_ticket("casuser", SERVICE),
        );
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(30)).await;
        tokio::time::resume();
        let params = [("service", SERVICE), ("ticket", young.as_str())];
        assert_eq!(verdict(&cas, path, &params).await, "yes", "{path}");
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(30)).await;
        tokio::time::resume();
        let params = [("service", SERVICE), ("ticket", old.as_str())];
        assert_refused(path, &verdict(&cas, path, &params).await, "INVALID_TICKET");
    }
}

#[tokio::test]
async fn the_lifetime_of_tickets_can_be_chosen() {
    for (lifetime, answer) in [
        (Duration::ZERO, "no\n\n"),
        (Duration::MAX, "yes\ncasuser\n"),
    ] {
        let cas = CasServer::builder()
            .ticket_lifetime(lifetime)
            .start()
            .await
            .unwrap();
        let ticket = cas.issue_ticket("casuser", SERVICE);
        assert_eq!(
            validate(&cas, "/validate", SERVICE, &ticket).await.body,
            answer
        );
    }
}

#[tokio::test]
async fn requests_without_ticket_or_service_are_invalid() {
    let cas = CasServer::start().await.unwrap();
    let ticket = cas.issue_ticket("casuser", SERVICE);
    for path in ALL {
        for params in [
            &[][..],
            &[("service", SERVICE)],
            &[("ticket", &ticket)],
            &[("service", SERVICE), ("ticket", "")],
            &[("service", ""), ("ticket", &ticket)],
        ] {
            assert_refused(path, &verdict(&cas, path, params).await, "INVALID_REQUEST");
        }
    }
}

#[tokio::test]
async fn proxy_tickets_are_told_to_go_to_the_other_endpoint() {
    let cas = CasServer::start().await.unwrap();
    for (path, code) in [
        ("/serviceValidate", "INVALID_TICKET_SPEC"),
        ("/p3/serviceValidate", "INVALID_TICKET_SPEC"),
        ("/proxyValidate", "INVALID_TICKET"),
        ("/p3/proxyValidate", "INVALID_TICKET"),
    ] {
        let params = [("service", SERVICE), ("ticket", "PT-1")];
        assert_eq!(verdict(&cas, path, &params).await, code);
    }
}

#[tokio::test]
async fn renew_refuses_a_ticket_that_came_from_the_cookie() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    for path in ALL {
        let typed = browser
            .sign_in(&cas, &[("service", SERVICE), ("renew", "true")])
            .await
            .ticket();
        let from_cookie = browser.login(&cas, &[("service", SERVICE)]).await.ticket();
        let params = |ticket| [("service", SERVICE), ("ticket", ticket), ("renew", "true")];
        assert_eq!(verdict(&cas, path, &params(&typed)).await, "yes");
        assert_refused(
            path,
            &verdict(&cas, path, &params(&from_cookie)).await,
            "INVALID_TICKET",
        );
    }
}

#[tokio::test]
async fn the_answers_are_those_of_the_protocol_text() {
    let cas = CasServer::start().await.unwrap();
    let ticket = || cas.issue_ticket("casuser", SERVICE);

    let answer = validate(&cas, "/validate", SERVICE, &ticket()).await;
    assert_eq!(answer.body, "yes\ncasuser\n");

    let answer = validate(&cas, "/serviceValidate", SERVICE, &ticket()).await;
    assert_eq!(
        answer.header(header::CONTENT_TYPE),
        Some("text/xml;charset=utf-8")
    );
    assert_eq!(
        answer.body,
        "<cas:serviceResponse xmlns:cas=\"http://www.yale.edu/tp/cas\">\n  \
        <cas:authenticationSuccess>\n    <cas:user>casuser</cas:user>\n  \
        </cas:authenticationSuccess>\n</cas:serviceResponse>\n"
    );

    let answer = validate(&cas, "/p3/serviceValidate", SERVICE, &ticket()).await;
    let xml = roxmltree::Document::parse(&answer.body).unwrap();
    let name = ("http://www.yale.edu/tp/cas", "attributes");
    let attributes = xml
        .descendants()
        .find(|node| node.has_tag_name(name))
        .unwrap();
    let attributes: Vec<(&str, &str)> = attributes
        .children()
        .filter(roxmltree::Node::is_element)
        .map(|node| (node.tag_name().name(), node.text().unwrap()))
        .collect();
    let (date, rest) = attributes.split_first().unwrap();
    assert_eq!(date.0, "authenticationDate");
    date.1.parse::<jiff::Timestamp>().unwrap();
    assert_eq!(
        rest,
        [
            ("longTermAuthenticationRequestTokenUsed", "false"),
            ("isFromNewLogin", "true"),
            ("mail", "casuser@example.org"),
            ("displayName", "Zoë <Čas> & \"User\" 猫"),
            ("memberOf", "staff"),
            ("memberOf", "wine & cheese"),
        ]
    );

    let answer = validate(&cas, "/serviceValidate", SERVICE, "ST-unknown").await;
    assert_eq!(
        answer.body,
        "<cas:serviceResponse xmlns:cas=\"http://www.yale.edu/tp/cas\">\n  \
        <cas:authenticationFailure code=\"INVALID_TICKET\">The ticket is not known.\
        </cas:authenticationFailure>\n</cas:serviceResponse>\n"
    );
}

#[tokio::test]
async fn format_json_answers_with_json() {
    let cas = CasServer::start().await.unwrap();
    let ask = async |path: &str, ticket: &str| -> Value {
        let params = [("service", SERVICE), ("ticket", ticket), ("format", "JSON")];
        let answer = get(url(&cas, path, &params)).await;
        assert_eq!(
            answer.header(header::CONTENT_TYPE),
            Some("application/json;charset=utf-8")
        );
        serde_json::from_str(&answer.body).unwrap()
    };
    let ticket = cas.issue_ticket("casuser", SERVICE);
    let mut answer = ask("/p3/serviceValidate", &ticket).await;
    let attributes = &mut answer["serviceResponse"]["authenticationSuccess"]["attributes"];
    let date = attributes
        .as_object_mut()
        .unwrap()
        .remove("authenticationDate")
        .unwrap();
    date.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(
        answer,
        json!({ "serviceResponse": { "authenticationSuccess": {
            "user": "casuser",
            "attributes": {
                "longTermAuthenticationRequestTokenUsed": false,
                "isFromNewLogin": true,
                "mail": "casuser@example.org",
                "displayName": "Zoë <Čas> & \"User\" 猫",
                "memberOf": ["staff", "wine & cheese"],
            },
        } } })
    );

    let ticket = cas.issue_ticket("casuser", SERVICE);
    let expected = json!({ "serviceResponse": { "authenticationSuccess": { "user": "casuser" } } });
    assert_eq!(ask("/serviceValidate", &ticket).await, expected);

    let answer = ask("/serviceValidate", &ticket).await;
    let failure = &answer["serviceResponse"]["authenticationFailure"];
    assert_eq!(failure["code"], "INVALID_TICKET");
    assert_eq!(failure["description"], "The ticket is not known.");
}

#[tokio::test]
async fn tickets_are_only_validated_by_get() {
    let cas = CasServer::start().await.unwrap();
    for path in ALL {
        let response = client().post(url(&cas, path, &[])).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test]
async fn what_a_user_says_about_the_login_takes_the_place_of_what_the_server_would_say() {
    const REMEMBERED: &str = "longTermAuthenticationRequestTokenUsed";
    let alice = User::new("alice", "rabbit-hole").attribute(REMEMBERED, ["true"]);
    let cas = CasServer::builder().user(alice).start().await.unwrap();
    let ticket = || cas.issue_ticket("alice", SERVICE);

    let xml = validate(&cas, "/p3/serviceValidate", SERVICE, &ticket()).await;
    assert_eq!(xml.body.matches(&format!("<cas:{REMEMBERED}>")).count(), 1);
    assert!(xml.body.contains(&format!("<cas:{REMEMBERED}>true<")));

    let ticket = ticket();
    let params = [
        ("service", SERVICE),
        ("ticket", &ticket),
        ("format", "JSON"),
    ];
    let json = get(url(&cas, "/p3/serviceValidate", &params)).await;
    assert_eq!(json.body.matches(REMEMBERED).count(), 1);
    assert!(
        json.body.contains(&format!("\"{REMEMBERED}\":\"true\"")),
        "{}",
        json.body
    );
}
