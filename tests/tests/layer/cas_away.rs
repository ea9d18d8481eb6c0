//! A CAS server that hangs.

use std::time::Duration;

use cas_layer::{
    Access, CasApiLayer, CasConfigBuilder, Paths,
    testing::{CasServer, Fault},
};
use cas_layer_tests::listening::{Listening, heard};
use tokio::task::JoinSet;

use crate::{
    browser::{Answer, Browser},
    support::{App, alice},
};

/// After how many time-outs in a row the layer takes the server for away.
const TIME_OUTS: usize = 5;

/// With half a second for the CAS server to answer.
fn impatient(config: CasConfigBuilder) -> CasConfigBuilder {
    config.client(|client| client.timeout(Duration::from_millis(500)))
}

/// People on their way back from the CAS server, with a ticket each.
async fn on_their_way(app: &App, many: usize) -> Vec<(Browser, String)> {
    let mut people = Vec::new();
    for _ in 0..many {
        let mut browser = Browser::new();
        let service = app.begin(&mut browser, "/profile").await;
        people.push((browser, app.callback(&service)));
    }
    people
}

/// They come back at the same time.
async fn arrive(people: Vec<(Browser, String)>) -> Vec<Answer> {
    let mut answers = JoinSet::new();
    for (mut browser, callback) in people {
        answers.spawn(async move { browser.open(&callback).await });
    }
    answers.join_all().await
}

async fn come_back(app: &App, many: usize) -> Vec<Answer> {
    arrive(on_their_way(app, many).await).await
}

async fn hangs(app: &App) {
    app.cas.set_fault(Some(Fault::Hang));
    for answer in come_back(app, TIME_OUTS).await {
        assert_eq!(answer.status, 504, "{}", answer.body);
    }
}

/// How many of these found out that the server is still away. The others were told at once.
fn probes(answers: &[Answer]) -> usize {
    let is_probe = |answer: &&Answer| answer.status == 504;
    for answer in answers.iter().filter(|it| !is_probe(it)) {
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert_eq!(answer.header("retry-after"), "10");
        assert!(answer.body.contains("sign-in server cannot be reached"));
        assert!(answer.body.contains("href=\"/login?next=%2Fprofile\""));
    }
    answers.iter().filter(is_probe).count()
}

#[tokio::test]
async fn when_the_server_hangs_sign_ins_are_told_at_once_and_sessions_go_on() {
    let app = App::with(impatient).await;
    let mut member = Browser::new();
    app.sign_in(&mut member, "/profile").await;
    let people = on_their_way(&app, 20).await;
    hangs(&app).await;

    let asked = app.cas.validations();
    let answers = arrive(people).await;
    let probes = probes(&answers);
    // Only if this takes seconds there is one.
    assert!(probes < 5, "{probes}");
    assert_eq!(app.cas.validations(), asked + probes);
    assert_eq!(member.open(&app.at("/profile")).await.status, 200);
    // Its login page may be well.
    app.begin(&mut Browser::new(), "/profile").await;
}

#[tokio::test]
async fn one_sign_in_at_a_time_finds_out_when_the_server_is_back() {
    let _listening = Listening::start();
    let app = App::with(impatient).await;
    hangs(&app).await;
    let line = |state: &str| {
        let text = heard();
        let mut lines = text.lines().filter(|line| {
            line.contains("event=\"cas-server\"") && line.contains(&format!("state=\"{state}\""))
        });
        let first = lines.next().map(str::to_owned);
        assert!(lines.next().is_none(), "{text}");
        first
    };
    let away = line("away").unwrap();
    assert!(
        away.contains("ERROR") && away.contains("time_outs=5"),
        "{away}"
    );

    let asked = app.cas.validations();
    // Still away: one of many is let through, and waits.
    let found_out = loop {
        let found_out = probes(&come_back(&app, 20).await);
        if found_out > 0 {
            break found_out;
        }
    };
    assert!(found_out < 5, "{found_out}");
    assert_eq!(app.cas.validations(), asked + found_out);
    assert_eq!(line("back"), None);

    app.cas.set_fault(None);
    let mut browser = Browser::new();
    while app.sign_in(&mut browser, "/profile").await.status != 302 {}
    let back = line("back").unwrap();
    assert!(back.contains("seconds="), "{back}");
    for answer in come_back(&app, 20).await {
        assert_eq!(answer.status, 302, "{}", answer.body);
    }
}

#[tokio::test]
async fn who_was_to_be_asked_for_nothing_goes_on_without_a_user() {
    let app =
        App::with(|config| impatient(config).rule(Paths::exact("/gate"), Access::gateway())).await;
    let mut people = Vec::new();
    for _ in 0..20 {
        let mut browser = Browser::new();
        // Without a cookie, nobody is sent away.
        browser.open(&app.at("/gate")).await;
        let service = app.begin(&mut browser, "/gate").await;
        people.push((browser, app.callback(&service)));
    }
    hangs(&app).await;
    let asked = app.cas.validations();
    for answer in arrive(people).await {
        assert_eq!(answer.location(), "/gate");
    }
    assert!(app.cas.validations() < asked + 5);
}

#[tokio::test]
async fn programs_are_told_too() {
    let under = |routes: axum::Router, config| routes.layer(CasApiLayer::new(config));
    let app = App::under(CasServer::builder().user(alice()), impatient, under).await;
    app.cas.set_fault(Some(Fault::Hang));
    let call = async || {
        let ticket = app.cas.issue_ticket("alice", &app.at("/profile"));
        let mut program = Browser::new();
        let request = program.request(reqwest::Method::GET, &app.at("/profile"));
        let request = request.header("accept", "application/json");
        let request = request.header("authorization", format!("CAS {ticket}"));
        program.send(request).await
    };
    let answers = tokio::join!(call(), call(), call(), call(), call());
    for answer in [answers.0, answers.1, answers.2, answers.3, answers.4] {
        assert_eq!(answer.status, 504, "{}", answer.body);
    }
    let answer = call().await;
    assert_eq!(answer.status, 503);
    assert!(
        answer.body.contains("\"cas-unavailable\""),
        "{}",
        answer.body
    );
    assert_eq!(answer.header("retry-after"), "10");
}
