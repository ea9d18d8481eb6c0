//! SAML 1.1: what differs from the other protocols on the way in, and what an assertion has to say.

use std::time::Duration;

use cas_layer::{
    CasConfigBuilder, Protocol,
    testing::{CasServer, Fault, ManualClock, Quirk},
};

use crate::{
    browser::{Answer, Browser, parameter},
    support::{App, alice},
};

async fn app() -> App {
    app_with(|config| config).await
}

async fn app_with(configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder) -> App {
    App::with(|config| configure(config.client(|client| client.protocol(Protocol::Saml1)))).await
}

#[tokio::test]
async fn the_login_page_gets_the_service_under_both_names() {
    let app = app().await;
    let mut browser = Browser::new();
    let to_cas = browser.open(&app.at("/profile?a=b")).await;
    let service = to_cas.location_parameter("service").unwrap();
    assert!(service.starts_with(&app.at("/login?b=")), "{service}");
    assert_eq!(to_cas.location_parameter("TARGET"), Some(service));

    let other = App::start().await;
    let to_cas = browser.open(&other.at("/profile")).await;
    assert_eq!(to_cas.location_parameter("TARGET"), None);
}

#[tokio::test]
async fn the_ticket_is_taken_under_either_name() {
    let app = app().await;
    for names in [
        &["SAMLart"][..],
        &["ticket"],
        &["ticket", "SAMLart"],
        &["SAMLart", "SAMLart"],
    ] {
        let mut browser = Browser::new();
        let service = app.begin(&mut browser, "/profile").await;
        let ticket = app.cas.issue_ticket("alice", &service);
        let tickets: Vec<String> = names
            .iter()
            .map(|name| format!("{name}={ticket}"))
            .collect();
        // Some servers send `TARGET` along.
        let target = "TARGET=https%3A%2F%2Fevil.example%2F";
        let callback = format!("{service}&{}&{target}", tickets.join("&"));
        let back = browser.open(&callback).await;
        assert_eq!(back.location(), "/profile", "{names:?}");
        assert_eq!(app.whoami(&mut browser).await, "alice");
    }
}

#[tokio::test]
async fn two_different_tickets_are_sent_nowhere() {
    let app = app().await;
    for (first, second) in [("ticket", "SAMLart"), ("SAMLart", "ticket")] {
        let mut browser = Browser::new();
        let service = app.begin(&mut browser, "/profile").await;
        let ticket = app.cas.issue_ticket("alice", &service);
        for (one, other) in [
            (ticket.as_str(), "ST-other"),
            ("ST-other", &ticket),
            ("", &ticket),
        ] {
            let callback = format!("{service}&{first}={one}&{second}={other}");
            let answer = browser.open(&callback).await;
            assert_eq!(answer.status, 400, "{callback}");
            assert!(!answer.body.contains(&ticket));
        }
    }
    assert_eq!(app.cas.validations(), 0);
}

#[tokio::test]
async fn an_artifact_that_is_none_is_sent_nowhere() {
    let app = app().await;
    for artifact in [
        String::new(),
        "%2B".repeat(2_049),
        "AA%20BB".into(),
        // A `+` that was not encoded is a space.
        "AA+BB".into(),
        "AA%3C%2Fsamlp%3AAssertionArtifact%3E".into(),
        "AA%26x".into(),
        "AA%00".into(),
    ] {
        let mut browser = Browser::new();
        let service = app.begin(&mut browser, "/profile").await;
        let answer = browser.open(&format!("{service}&SAMLart={artifact}")).await;
        assert_eq!(answer.status, 400, "{artifact}");
    }
    assert_eq!(app.cas.validations(), 0);
}

#[tokio::test]
async fn other_protocols_do_not_know_samlart() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    let ticket = app.cas.issue_ticket("alice", &service);
    let answer = browser.open(&format!("{service}&SAMLart={ticket}")).await;
    // A login like any other.
    assert!(answer.location().starts_with(app.cas.url()));
    assert_eq!(app.cas.validations(), 0);
}

#[tokio::test]
async fn a_single_logout_that_names_an_artifact_ends_its_session() {
    let cas = CasServer::builder()
        .user(alice())
        .quirk(Quirk::ArtifactTickets);
    let app = App::against(cas, |config| {
        config.client(|client| client.protocol(Protocol::Saml1))
    })
    .await;
    let mut browser = Browser::new();
    let back = crate::quirks::sign_in_by_form(&app, &mut browser, "/profile").await;
    assert_eq!(back.location(), "/profile");
    assert_eq!(app.whoami(&mut browser).await, "alice");
    // The same browser again, to see the ticket on its way.
    let mut tab = browser.clone();
    tab.cookies
        .retain(|cookie| !cookie.name().ends_with("-session"));
    let to_cas = tab.open(&app.at("/profile")).await;
    let back = tab.open(to_cas.location()).await;
    let artifact = parameter(back.location(), "SAMLart").unwrap();
    assert!(artifact.contains('+') && artifact.ends_with('='));
    assert_eq!(tab.open(back.location()).await.location(), "/profile");
    assert_eq!(app.whoami(&mut tab).await, "alice");

    let message = format!(
        "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
         <samlp:SessionIndex>{artifact}</samlp:SessionIndex></samlp:LogoutRequest>"
    );
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("logoutRequest", &message)
        .finish();
    let request = Browser::new()
        .request(reqwest::Method::POST, &app.at("/login"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    assert_eq!(Browser::new().send(request).await.status, 200);
    assert!(app.whoami(&mut tab).await.is_null());
    assert_eq!(app.whoami(&mut browser).await, "alice");
}

/// How an app whose clock goes wrong by this many seconds, forwards or backwards, answers alice.
async fn with_clock(seconds: i64, tolerance: Option<Duration>) -> (Answer, bool) {
    let clock = ManualClock::new();
    let by = Duration::from_secs(seconds.unsigned_abs());
    if seconds > 0 {
        clock.advance(by);
    } else {
        clock.rewind(by);
    }
    let app = app_with(|config| {
        config.clock(clock).client(|client| match tolerance {
            Some(tolerance) => client.saml_clock_tolerance(tolerance),
            None => client,
        })
    })
    .await;
    let mut browser = Browser::new();
    let answer = app.sign_in(&mut browser, "/profile").await;
    let signed_in = browser.has_session();
    (answer, signed_in)
}

#[tokio::test]
async fn an_assertion_counts_while_the_clocks_agree_or_differ_by_the_tolerance() {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    // An assertion lasts 30 s.
    for (clock, tolerance, counts) in [
        (0, Some(minutes(1)), true),
        (-120, Some(minutes(10)), true),
        (120, Some(minutes(10)), true),
        (-120, None, false),
        (120, None, false),
        (-3600, Some(minutes(10)), false),
        (3600, Some(minutes(10)), false),
    ] {
        let (answer, signed_in) = with_clock(clock, tolerance).await;
        assert_eq!(signed_in, counts, "{clock} {tolerance:?}");
        if counts {
            assert_eq!(answer.location(), "/profile");
        } else {
            assert_eq!(answer.status, 403);
            assert!(answer.body.contains("Sign-in refused"), "{}", answer.body);
        }
    }
}

/// An answer about alice for `service`, good for centuries.
fn saml(status: &str, service: &str, assertions: usize) -> String {
    let service = service.replace('&', "&amp;");
    let subject = "<a:Subject><a:NameIdentifier>alice</a:NameIdentifier></a:Subject>";
    let assertion = format!(
        "<a:Assertion xmlns:a=\"urn:oasis:names:tc:SAML:1.0:assertion\" MajorVersion=\"1\" MinorVersion=\"1\">\
         <a:Conditions NotBefore=\"2001-01-01T00:00:00Z\" NotOnOrAfter=\"2901-01-01T00:00:00Z\"><a:AudienceRestrictionCondition>\
         <a:Audience>{service}</a:Audience></a:AudienceRestrictionCondition></a:Conditions>\
         <a:AuthenticationStatement>{subject}</a:AuthenticationStatement></a:Assertion>"
    );
    format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>\
         <p:Response xmlns:p=\"urn:oasis:names:tc:SAML:1.0:protocol\" MajorVersion=\"1\" MinorVersion=\"1\">\
         <p:Status><p:StatusCode Value=\"p:{status}\"/></p:Status>{}</p:Response></e:Body></e:Envelope>",
        assertion.repeat(assertions)
    )
}

#[tokio::test]
async fn assertions_that_do_not_count_sign_nobody_in() {
    let app = app().await;
    let fault = |body: String| Fault::Body {
        content_type: "text/xml".to_owned(),
        body,
    };
    for (name, make, status) in [
        (
            "a good one",
            (|service| saml("Success", service, 1)) as fn(&str) -> String,
            302,
        ),
        (
            "another audience",
            |_| saml("Success", "https://other.example.org/", 1),
            403,
        ),
        (
            "the audience without its query",
            |service| saml("Success", service.split('?').next().unwrap(), 1),
            302,
        ),
        (
            "the audience with a part of its query",
            |service| saml("Success", service.rsplit_once('&').unwrap().0, 1),
            403,
        ),
        (
            "the audience without its path",
            |service| saml("Success", service.split("/login").next().unwrap(), 1),
            403,
        ),
        (
            "another recipient",
            |service| {
                saml("Success", service, 1).replace("<p:Response ", "<p:Response Recipient=\"x\" ")
            },
            403,
        ),
        (
            "another request",
            |service| {
                saml("Success", service, 1)
                    .replace("<p:Response ", "<p:Response InResponseTo=\"x\" ")
            },
            403,
        ),
        (
            "a failed status with an assertion",
            |service| saml("RequestDenied", service, 1),
            403,
        ),
        ("two assertions", |service| saml("Success", service, 2), 502),
        ("no assertion", |service| saml("Success", service, 0), 502),
        (
            "a DOCTYPE",
            |service| format!("<!DOCTYPE x>{}", saml("Success", service, 1)),
            502,
        ),
    ] {
        let mut browser = Browser::new();
        let service = app.begin(&mut browser, "/profile").await;
        app.cas.set_fault(Some(fault(make(&service))));
        let answer = browser.open(&app.callback(&service)).await;
        app.cas.set_fault(None);
        assert_eq!(answer.status, status, "{name}: {}", answer.body);
        assert_eq!(browser.has_session(), status == 302, "{name}");
    }
}
