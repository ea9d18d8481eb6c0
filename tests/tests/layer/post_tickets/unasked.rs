//! Tickets in forms that the app did not ask for: some CAS servers can be set up to answer a service that way.

use std::sync::{Arc, Mutex};

use cas_layer::{CasConfigBuilder, RefusedReason, testing::Quirk};
use reqwest::Method;

use super::{APP, Site, assert_sent_on, hidden_fields};
use crate::{
    browser::{Answer, Browser},
    single_logout::{FORM, form, message},
};

type Reasons = Arc<Mutex<Vec<RefusedReason>>>;

/// A site whose CAS server always posts, and why it turned somebody away.
async fn site(configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder) -> (Site, Reasons) {
    let reasons = Reasons::default();
    let noted = Arc::clone(&reasons);
    let note = move |reason| noted.lock().unwrap().push(reason);
    let site =
        Site::with(|config| configure(config).on_refused(move |who| note(who.reason()))).await;
    site.cas.set_quirks([Quirk::PostUnasked]);
    (site, reasons)
}

async fn begin(site: &Site, browser: &mut Browser, path: &str) -> String {
    let answer = site.open(browser, path).await;
    assert_eq!(answer.location_parameter("method"), None);
    answer.location_parameter("service").unwrap()
}

/// A form from a page of the same site, which brings `Lax` cookies, or from one that does not say where it is.
async fn post(
    site: &Site,
    browser: &mut Browser,
    url: &str,
    body: String,
    fields: &[(&'static str, &'static str)],
) -> Answer {
    let request = browser
        .request(Method::POST, &site.at(url))
        .header("content-type", FORM)
        .body(body);
    let request = fields.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    browser.send(request).await
}

const SAME_SITE: &[(&str, &str)] = &[
    ("accept", "text/html"),
    ("sec-fetch-site", "same-site"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
];
const OLD: &[(&str, &str)] = &[("accept", "text/html")];

#[tokio::test]
async fn a_form_from_the_same_site_signs_in() {
    for fields in [SAME_SITE, OLD] {
        let (site, reasons) = site(|config| config).await;
        let mut browser = Browser::new();
        let begun = site.open(&mut browser, "/profile?tab=2").await;
        let mut at_cas = Browser::new();
        let login = at_cas.open(begun.location()).await;
        let mut form = hidden_fields(&login.body);
        form.push(("username".into(), "alice".into()));
        form.push(("password".into(), "rabbit-hole".into()));
        let sent = at_cas.request(Method::POST, &format!("{}/login", site.cas.url()));
        let page = at_cas.send(sent.form(&form)).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let ticket = hidden_fields(&page.body).remove(0);
        assert_eq!(ticket.0, "ticket");
        let service = begun.location_parameter("service").unwrap();
        let body = format!("ticket={}", ticket.1);
        let answer = post(&site, &mut browser, &service, body.clone(), fields).await;
        assert_sent_on(&answer, "/profile?tab=2");
        assert_eq!(site.whoami(&mut browser).await, "alice");
        // The page was loaded again.
        let answer = post(&site, &mut browser, &service, body, fields).await;
        assert_eq!(answer.status, 303);
        assert_eq!(site.whoami(&mut browser).await, "alice");
        assert_eq!(*reasons.lock().unwrap(), []);
    }
}

#[tokio::test]
async fn a_form_from_another_site_gets_a_page_for_the_operator() {
    let (site, reasons) = site(|config| config).await;
    let mut browser = Browser::new();
    let service = begin(&site, &mut browser, "/profile").await;
    let cookies = browser.cookies.clone();
    let page = site.post_ticket(&mut browser, &service).await;
    assert_eq!(page.status, 400);
    assert!(
        page.body.contains("sends its answers by POST"),
        "{}",
        page.body
    );
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.set_cookies().is_empty() && browser.cookies == cookies);
    assert!(
        page.body.contains("href=\"/login?next=%2Fprofile\""),
        "{}",
        page.body
    );
    assert_eq!(*reasons.lock().unwrap(), [RefusedReason::TicketByPost]);

    // A program is told so in its own words.
    let body = format!("ticket={}", site.cas.issue_ticket("alice", &service));
    let json = [("accept", "application/json")];
    let problem = post(&site, &mut Browser::new(), &service, body, &json).await;
    assert_eq!(problem.status, 400);
    assert!(
        problem.body.contains("\"ticket-by-post\""),
        "{}",
        problem.body
    );
    assert_eq!(site.cas.validations(), 0);
}

#[tokio::test]
async fn who_posts_to_an_address_that_is_not_ours_gives_no_advice_to_the_operator() {
    let (site, reasons) = site(|config| config).await;
    for url in ["/login", "/login?next=/profile&b=AAAA"] {
        let url = format!("{APP}{url}");
        let answer = post(
            &site,
            &mut Browser::new(),
            &url,
            "ticket=ST-1".to_owned(),
            OLD,
        )
        .await;
        assert_eq!(answer.status, 303, "{}", answer.body);
    }
    let reasons = reasons.lock().unwrap();
    assert!(
        !reasons.contains(&RefusedReason::TicketByPost),
        "{reasons:?}"
    );
    assert_eq!(site.cas.validations(), 0);
}

#[tokio::test]
async fn a_browser_of_the_same_site_without_cookies_begins_again_and_is_told_why() {
    let (site, reasons) = site(|config| config).await;
    let mut browser = Browser::new();
    browser.refuses = vec!["cas-"];
    let mut service = begin(&site, &mut browser, "/profile").await;
    for _ in 0..2 {
        let body = format!("ticket={}", site.cas.issue_ticket("alice", &service));
        let answer = post(&site, &mut browser, &service, body, SAME_SITE).await;
        if answer.status != 303 {
            break;
        }
        service = begin(&site, &mut browser, answer.location()).await;
    }
    let body = format!("ticket={}", site.cas.issue_ticket("alice", &service));
    let page = post(&site, &mut browser, &service, body, SAME_SITE).await;
    assert!(page.body.contains("Cookies needed"), "{}", page.body);
    let reasons = reasons.lock().unwrap();
    assert!(
        reasons.contains(&RefusedReason::CookiesNeeded),
        "{reasons:?}"
    );
    assert_eq!(site.cas.validations(), 0);
}

#[tokio::test]
async fn nobody_is_signed_in_by_a_form_of_somebody_else() {
    let (site, reasons) = site(|config| config).await;
    let (mut attacker, mut victim) = (Browser::new(), Browser::new());
    let service = begin(&site, &mut attacker, "/profile").await;
    begin(&site, &mut victim, "/profile").await;
    for fields in [SAME_SITE, OLD] {
        let body = format!("ticket={}", site.cas.issue_ticket("alice", &service));
        let answer = post(&site, &mut victim, &service, body, fields).await;
        assert_sent_on(&answer, "/login?next=%2Fprofile&try=1");
        assert!(!victim.has_session());
    }
    let forged = post(
        &site,
        &mut victim,
        &service,
        "ticket=%3Cb%3E".to_owned(),
        OLD,
    )
    .await;
    assert_eq!(forged.status, 400);
    assert_eq!(
        *reasons.lock().unwrap(),
        [
            RefusedReason::NotBegunHere,
            RefusedReason::NotBegunHere,
            RefusedReason::InvalidTicket
        ]
    );
    assert_eq!(site.cas.validations(), 0);
}

#[tokio::test]
async fn logout_requests_are_what_they_were_and_come_from_where_they_may() {
    for (network, listed) in [("192.0.2.0/24", false), ("127.0.0.0/8", true)] {
        let (site, _) = site(|config| {
            config
                .peer_address(|_| Some("127.0.0.1".parse().unwrap()))
                .sign_out(|sign_out| sign_out.logout_sources([network]))
        })
        .await;
        let mut browser = Browser::new();
        let service = begin(&site, &mut browser, "/profile").await;
        let ticket = site.cas.issue_ticket("alice", &service);
        let body = format!("ticket={ticket}");
        // A program that is not listed says nothing that would be read.
        let program = post(&site, &mut Browser::new(), &service, body.clone(), &[]).await;
        assert_eq!(program.status, if listed { 400 } else { 403 });
        let answer = post(&site, &mut browser, &service, body.clone(), SAME_SITE).await;
        assert_sent_on(&answer, "/profile");
        let logout = form(&message(&[&ticket]));
        let both = format!("{body}&{logout}");
        let refused = if listed { 400 } else { 403 };
        for fields in [SAME_SITE, OLD, &[]] {
            let none = &mut Browser::new();
            let answer = post(&site, none, &service, both.clone(), fields).await;
            assert_eq!(answer.status, refused, "{fields:?}");
            let answer = post(&site, none, &service, "x=y".to_owned(), fields).await;
            assert_eq!(answer.status, refused, "{fields:?}");
            assert_eq!(site.whoami(&mut browser).await, "alice");
        }
        let answer = post(&site, &mut Browser::new(), "/login", logout, OLD).await;
        assert_eq!(answer.status, if listed { 200 } else { 403 });
        let expected = if listed {
            serde_json::Value::Null
        } else {
            "alice".into()
        };
        assert_eq!(site.whoami(&mut browser).await, expected);
    }
}

#[tokio::test]
async fn a_path_for_logout_requests_alone_takes_no_ticket() {
    let (site, reasons) =
        site(|config| config.endpoints(|endpoints| endpoints.logout_request("/cas/single-logout")))
            .await;
    let mut browser = Browser::new();
    let service = begin(&site, &mut browser, "/profile").await;
    let body = format!("ticket={}", site.cas.issue_ticket("alice", &service));
    let url = format!("{APP}/cas/single-logout");
    let answer = post(&site, &mut browser, &url, body, SAME_SITE).await;
    assert_eq!(answer.body, "tickets are not taken by POST here");
    assert_eq!(*reasons.lock().unwrap(), []);
    assert!(!browser.has_session());
}
