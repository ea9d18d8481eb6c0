//! A CAS server that fails signs nobody in and nobody out.

use std::time::Duration;

use cas_layer::{Protocol, SessionPlace, testing::Fault};
use reqwest::Method;

use cas_layer_tests::{
    listening::{Listening, heard},
    noise::noise,
};

use crate::{browser::Browser, support::App};

const XML: &str = "application/xml";

fn body(content_type: &str, body: impl Into<String>) -> Fault {
    Fault::Body {
        content_type: content_type.to_owned(),
        body: body.into(),
    }
}

fn success(inside: &str) -> String {
    format!(
        "<cas:serviceResponse xmlns:cas=\"http://www.yale.edu/tp/cas\"><cas:authenticationSuccess>\
         {inside}</cas:authenticationSuccess></cas:serviceResponse>"
    )
}

/// An app whose CAS server has half a second to answer.
async fn impatient(protocol: Protocol) -> App {
    App::with(|config| {
        config.client(|client| {
            client
                .protocol(protocol)
                .connect_timeout(Duration::from_millis(500))
                .timeout(Duration::from_millis(500))
        })
    })
    .await
}

/// A callback under `fault`, for somebody without a session and for somebody with one.
async fn expect(app: &App, fault: Fault, status: u16, says: &str) {
    let name = format!("{fault:?}");
    let name = &name[..name.len().min(200)];
    let mut member = Browser::new();
    app.cas.set_fault(None);
    app.sign_in(&mut member, "/profile").await;

    for browser in [&mut Browser::new(), &mut member] {
        let had_session = browser.has_session();
        // A login that began before, in a tab without a session.
        let mut tab = browser.clone();
        tab.cookies
            .retain(|cookie| !cookie.name().ends_with("-session"));
        let service = app.begin(&mut tab, "/profile").await;
        browser
            .cookies
            .retain(|cookie| !cookie.name().ends_with("-login"));
        browser.cookies.push(tab.cookie("-login").unwrap().clone());
        let callback = app.callback(&service);
        let ticket = callback.split("ticket=").nth(1).unwrap().to_owned();

        app.cas.set_fault(Some(fault.clone()));
        let answer = browser.open(&callback).await;
        app.cas.set_fault(None);

        assert_eq!(answer.status, status, "{name}: {}", answer.body);
        assert!(answer.body.contains(says), "{name}: {}", answer.body);
        // With these attributes the next sign-in would end here too.
        let link = if says.contains("more attributes") {
            "href=\"/logout\""
        } else {
            "href=\"/login?next=%2Fprofile\""
        };
        assert!(answer.body.contains(link), "{name}: {}", answer.body);
        assert!(!answer.body.contains(&ticket), "{name}");
        assert_eq!(browser.has_session(), had_session, "{name}");
        assert_eq!(app.whoami(browser).await.is_null(), !had_session, "{name}");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_a_502_and_changes_nobodys_session() {
    for protocol in [
        Protocol::Cas1,
        Protocol::Cas2,
        Protocol::Cas3,
        Protocol::Saml1,
    ] {
        let app = impatient(protocol).await;
        for fault in [
            Fault::Status(500),
            Fault::Status(404),
            Fault::Status(204),
            Fault::Redirect("http://127.0.0.1:9/".into()),
            Fault::Html,
            Fault::Garbage,
            Fault::Empty,
            Fault::Oversized,
            Fault::Truncated,
            Fault::CloseConnection,
            body("text/plain", "yes"),
            body("text/plain", "yes\n"),
            body("text/plain", "yes\n\n"),
            body("text/plain", "Yes\nalice\n"),
            body("text/plain", " yes\nalice\n"),
            body("text/plain", "nope"),
            body("application/json", "{}"),
            body("application/json", "[[[["),
        ] {
            // What passes by itself, and what somebody has to look at.
            let passes = matches!(
                fault,
                Fault::Status(500) | Fault::Truncated | Fault::CloseConnection
            );
            let says = if passes {
                "cannot be reached at the moment.</p>\n<p>Please try again in a few minutes."
            } else {
                "answer was not understood"
            };
            expect(&app, fault, 502, says).await;
        }
    }
}

#[tokio::test]
async fn hostile_xml_is_no_answer() {
    let app = impatient(Protocol::Cas3).await;
    let good = success("<cas:user>alice</cas:user>");
    let bombs = "<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">";
    for xml in [
        format!("<!DOCTYPE x>{good}"),
        format!("<!DOCTYPE x SYSTEM \"file:///etc/passwd\">{good}"),
        format!(
            "<!DOCTYPE x [{bombs}]>{}",
            success("<cas:user>&b;</cas:user>")
        ),
        success(&format!(
            "{}{}",
            "<a>".repeat(60_000),
            "</a>".repeat(60_000)
        )),
        success("<cas:user>alice</cas:user><cas:user>bob</cas:user>"),
        success("<cas:user>alice<b>bob</b></cas:user>"),
        success("<cas:user> </cas:user>"),
        success("<cas:user>alice&#10;bob</cas:user>"),
        success(&format!("<cas:user>{}</cas:user>", "a".repeat(1_025))),
        success("<cas:attributes><cas:user>alice</cas:user></cas:attributes>"),
        success("<user xmlns=\"urn:other\">alice</user>"),
        good.replace("www.yale.edu", "evil.example"),
        good.replace(
            "</cas:authenticationSuccess>",
            "</cas:authenticationSuccess><cas:authenticationFailure/>",
        ),
        good.replace("serviceResponse", "serviceResponses"),
    ] {
        expect(&app, body(XML, xml), 502, "Sign-in unavailable").await;
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_time_is_a_504() {
    let app = impatient(Protocol::Cas3).await;
    for fault in [
        Fault::Hang,
        Fault::HangInBody,
        Fault::Slow(Duration::from_secs(3600)),
    ] {
        expect(&app, fault, 504, "Sign-in unavailable").await;
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_a_502() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    let callback = app.callback(&service);
    let App { url, cas, .. } = &app;
    let down = App::with(|config| config).await;
    assert_ne!(url, &down.url);
    assert!(cas.url().starts_with("http"));
    // Another app, whose server is gone for good.
    let mut visitor = Browser::new();
    let service = down.begin(&mut visitor, "/profile").await;
    let gone = down.callback(&service);
    down.cas.set_fault(Some(Fault::CloseConnection));
    assert_eq!(visitor.open(&gone).await.status, 502);
    // The first is not disturbed.
    assert_eq!(browser.open(&callback).await.location(), "/profile");
}

#[tokio::test]
async fn a_program_gets_a_problem_document() {
    let app = impatient(Protocol::Cas3).await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    let callback = app.callback(&service);
    app.cas.set_fault(Some(Fault::Status(500)));
    let request = browser
        .request(Method::GET, &callback)
        .header("accept", "application/json");
    let answer = browser.send(request).await;
    assert_eq!(answer.status, 502);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(problem["reason"], "cas-unavailable");
    assert_eq!(problem["login_url"], app.at("/login"));
}

/// The page for an answer that nobody understands, and the line in the log about it.
async fn not_understood(app: &App, fault: Fault) -> (String, String) {
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    let callback = app.callback(&service);
    app.cas.set_fault(Some(fault));
    let listening = Listening::start();
    let page = browser.open(&callback).await;
    let log = heard();
    drop(listening);
    app.cas.set_fault(None);
    assert_eq!(page.status, 502);
    let line = log.lines().find(|line| line.contains("event=\"refused\""));
    (page.body, line.unwrap_or_default().to_owned())
}

#[tokio::test]
async fn an_answer_that_is_not_understood_has_a_reference_number_on_the_page_and_in_the_log() {
    let app = impatient(Protocol::Cas3).await;
    let latin = "<?xml version=\"1.0\" encoding=\"klingon\"?><serviceResponse/>";
    let ecas = success("<cas:user>alice</cas:user>").replace("http://www.yale.edu/tp/cas", "urn:x");
    let mut references = Vec::new();
    for (fault, cause) in [
        (Fault::Html, "DOCTYPE"),
        (body("text/plain", "yes\n"), "neither XML nor JSON"),
        (body(XML, ecas), "response_namespace"),
        (body(XML, latin), "encoding that is not known"),
        (Fault::Status(404), "status 404"),
        (Fault::Redirect("http://127.0.0.1:9/".into()), "status 302"),
    ] {
        let (page, line) = not_understood(&app, fault).await;
        assert!(
            page.contains("The sign-in server&#39;s answer was not understood")
                || page.contains("The sign-in server's answer was not understood"),
            "{page}"
        );
        let reference = page.split("Reference: <code>").nth(1).unwrap();
        let reference = reference.split('<').next().unwrap().to_owned();
        assert!(
            line.contains(&format!("reference=\"{reference}\"")),
            "{line}"
        );
        assert!(line.contains(cause), "{line}");
        let server = app.cas.url().split('/').nth(2).unwrap();
        assert!(line.contains(&format!("cas_server=\"{server}\"")), "{line}");
        references.push(reference);
    }
    references.sort();
    references.dedup();
    assert_eq!(references.len(), 6, "one for each cause: {references:?}");

    let (page, line) = not_understood(&app, Fault::Status(503)).await;
    assert!(page.contains("cannot be reached at the moment"), "{page}");
    assert!(
        !page.contains("Reference") && !line.contains("reference="),
        "{line}"
    );
}

/// Whoever is told a reference number finds it, whatever else the server has answered in the last seconds.
#[tokio::test]
async fn each_reference_number_is_in_the_log_at_its_own_level_at_least_once() {
    let app = impatient(Protocol::Cas3).await;
    let mut lines = Vec::new();
    for status in [403, 403, 404] {
        let (page, line) = not_understood(&app, Fault::Status(status)).await;
        let reference = line.split("reference=\"").nth(1).unwrap();
        assert!(page.contains(reference.split('"').next().unwrap()));
        lines.push(line);
    }
    assert!(lines[0].contains("ERROR"), "{}", lines[0]);
    assert!(!lines[1].contains("ERROR"), "{}", lines[1]);
    assert!(lines[2].contains("ERROR"), "{}", lines[2]);
}

#[tokio::test]
async fn a_program_is_told_the_reference_number_too() {
    let app = impatient(Protocol::Cas3).await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    let callback = app.callback(&service);
    app.cas.set_fault(Some(Fault::Html));
    let request = browser
        .request(Method::GET, &callback)
        .header("accept", "application/json");
    let answer = browser.send(request).await;
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(problem["reason"], "cas-not-understood");
    assert_eq!(problem["reference"].as_str().unwrap().len(), 9);
}

#[tokio::test]
async fn the_log_has_every_cause_of_a_failed_connection() {
    let app =
        App::with(|config| config.client(|client| client.internal_url("https://127.0.0.1:9/cas")))
            .await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    let _listening = Listening::start();
    let page = browser.open(&app.callback(&service)).await;
    assert_eq!(page.status, 502);
    assert!(
        page.body.contains("cannot be reached at the moment"),
        "{}",
        page.body
    );
    let log = heard();
    let line = log
        .lines()
        .find(|line| line.contains("event=\"refused\""))
        .unwrap();
    for part in [
        "client error (Connect)",
        "Connection refused",
        "cas_server=\"127.0.0.1:9\"",
        "root_certificates=\"those of the system\"",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[tokio::test]
async fn too_many_attributes_for_a_cookie_are_an_error_page_that_says_so() {
    let app =
        App::with(|config| config.session(|session| session.place(SessionPlace::Cookie))).await;
    let noise = noise(4_000);
    let many: Vec<String> = (0..200)
        .map(|n| format!("<cas:a{n}>{}</cas:a{n}>", &noise[20 * n..][..20]))
        .collect();
    let many = many.concat();
    let answer = success(&format!(
        "<cas:user>alice</cas:user><cas:attributes>{many}</cas:attributes>"
    ));
    expect(&app, body(XML, answer), 500, "more attributes than fit").await;
}

#[tokio::test]
async fn sign_ins_beyond_the_limit_are_turned_away_and_come_through_later() {
    let app = App::with(|config| {
        config
            .sign_in(|sign_in| sign_in.max_concurrent_validations(1))
            .client(|client| client.timeout(Duration::from_millis(500)))
    })
    .await;
    app.cas.set_fault(Some(Fault::Hang));
    let mut callbacks = Vec::new();
    for _ in 0..4 {
        let mut browser = Browser::new();
        let service = app.begin(&mut browser, "/profile").await;
        let callback = app.callback(&service);
        callbacks.push(tokio::spawn(async move { browser.open(&callback).await }));
    }
    let mut statuses = Vec::new();
    for callback in callbacks {
        let answer = callback.await.unwrap();
        if answer.status == 503 {
            assert!(!answer.header("retry-after").is_empty());
        }
        statuses.push(answer.status.as_u16());
    }
    assert!(
        statuses.iter().all(|status| [503, 504].contains(status)),
        "{statuses:?}"
    );
    assert!(
        statuses.contains(&503) && statuses.contains(&504),
        "{statuses:?}"
    );
    app.cas.set_fault(None);
    assert_eq!(
        app.sign_in(&mut Browser::new(), "/profile")
            .await
            .location(),
        "/profile"
    );
}

#[tokio::test]
async fn a_full_registry_turns_a_sign_in_away_and_signs_nobody_out() {
    let app = App::with(|c| c.registry(cas_layer::MemoryRegistry::with_capacity(1))).await;
    let (mut first, mut second) = (Browser::new(), Browser::new());
    app.sign_in(&mut first, "/profile").await;
    assert_eq!(app.sign_in(&mut second, "/profile").await.status, 503);
    assert!(!second.has_session());
    assert_eq!(app.whoami(&mut first).await, "alice");
    first.open(&app.at("/logout")).await;
    assert_eq!(app.sign_in(&mut second, "/profile").await.status, 302);
}
