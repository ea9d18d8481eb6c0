//! Sessions that tabs of one browser open at the same time: whatever ends one of them ends all. The browser has the cookie
//! of one alone, and the CAS server may name another.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cas_layer::{
    CasConfigBuilder, FileRegistry, MemoryRegistry, SessionId, SessionPlace,
    registry::{
        AccountId, EndedSessions, LogoutSender, Opened, RegisteredSession, Registry,
        RegistryFuture, SessionFamilies,
    },
    testing::{CasServer, CasServerBuilder, ManualClock, User},
};
use cas_layer_tests::noise::noise;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Notify;

use crate::{
    browser::Browser,
    registry::Moody,
    single_logout::{FORM, form, message, post},
    support::{App, alice},
};

/// A registry whose node has not heard yet that a session has ended, when a message comes.
#[derive(Debug, Default)]
struct Behind {
    store: MemoryRegistry,
    heard: EndedSessions,
}

impl Registry for Behind {
    fn begin(&self, id: SessionId, lasts: Duration) -> RegistryFuture<'_, ()> {
        self.store.begin(id, lasts)
    }

    fn abandon(&self, id: SessionId) {
        self.store.abandon(id);
    }

    fn open(&self, id: SessionId, expires_at: u64, now: u64) -> RegistryFuture<'_, Opened> {
        self.store.open(id, expires_at, now)
    }

    fn end(&self, id: SessionId, expires_at: u64, now: u64) -> RegistryFuture<'_, ()> {
        self.store.end(id, expires_at, now)
    }

    fn end_if_opened(
        &self,
        ids: Vec<SessionId>,
        sender: LogoutSender,
        now: u64,
    ) -> RegistryFuture<'_, Vec<SessionId>> {
        self.store.end_if_opened(ids, sender, now)
    }

    fn end_all(&self, account: AccountId, expires_at: u64, now: u64) -> RegistryFuture<'_, ()> {
        self.store.end_all(account, expires_at, now)
    }

    fn ended(&self) -> &EndedSessions {
        &self.heard
    }

    fn is_ended(&self, session: &RegisteredSession<'_>) -> bool {
        self.store.is_ended(session)
    }

    fn families(&self) -> Option<&dyn SessionFamilies> {
        self.store.families()
    }
}

/// A tab that has signed in: what it got, and its ticket.
struct Tab {
    browser: Browser,
    ticket: String,
}

impl Tab {
    async fn is_in(&mut self, app: &App) -> bool {
        app.whoami(&mut self.browser).await != Value::Null
    }
}

async fn are_in<const N: usize>(app: &App, tabs: [&mut Tab; N]) -> [bool; N] {
    let mut are_in = [false; N];
    for (is_in, tab) in are_in.iter_mut().zip(tabs) {
        *is_in = tab.is_in(app).await;
    }
    are_in
}

/// Tabs of one browser, each of which signs its user in before it has seen the session of another.
async fn tabs<const N: usize>(app: &App, browser: &mut Browser, users: [&str; N]) -> [Tab; N] {
    let mut services = Vec::new();
    for n in 0..N {
        services.push(app.begin(browser, &format!("/page/{n}")).await);
    }
    let mut tabs = Vec::new();
    for (user, service) in users.into_iter().zip(&services) {
        let ticket = app.cas.issue_ticket(user, service);
        let mut tab = browser.clone();
        let answer = tab.open(&format!("{service}&ticket={ticket}")).await;
        assert_eq!(answer.status, 302, "{}", answer.body);
        assert!(tab.has_session());
        tabs.push(Tab {
            browser: tab,
            ticket,
        });
    }
    tabs.try_into().ok().unwrap()
}

async fn single_logout(app: &App, ticket: &str) {
    let answer = post(&app.at("/login"), FORM, form(&message(&[ticket]))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

fn both() -> CasServerBuilder {
    CasServer::builder()
        .user(alice())
        .user(User::new("bob", "tea"))
}

type Configure = Box<dyn FnOnce(CasConfigBuilder) -> CasConfigBuilder>;

#[tokio::test]
async fn a_single_logout_for_one_tab_signs_out_every_tab() {
    let directory = TempDir::new().unwrap();
    let file = FileRegistry::open(directory.path().join("registry"))
        .unwrap()
        .timeout(Duration::from_secs(60));
    let registries: [(&str, Configure); 3] = [
        ("by default", Box::new(|config| config)),
        ("in a file", Box::new(|config| config.registry(file))),
        (
            "encrypted",
            Box::new(|config| config.session(|session| session.encrypted(true))),
        ),
    ];
    for (name, configure) in registries {
        let app = App::with(configure).await;
        let mut browser = Browser::new();
        let [mut first, mut second, mut third] = tabs(&app, &mut browser, ["alice"; 3]).await;
        let [mut other] = tabs(&app, &mut Browser::new(), ["alice"]).await;
        let all = [&mut first, &mut second, &mut third, &mut other];
        assert_eq!(are_in(&app, all).await, [true; 4], "{name}");
        single_logout(&app, &second.ticket).await;
        let all = [&mut first, &mut second, &mut third, &mut other];
        let expected = [false, false, false, true];
        assert_eq!(are_in(&app, all).await, expected, "{name}");
        // A copy of the cookie is no better.
        let demand = first.browser.open(&app.at("/profile")).await;
        assert!(demand.location().starts_with(app.cas.url()), "{name}");
        assert!(!first.browser.has_session(), "{name}");
    }
}

#[tokio::test]
async fn a_sign_out_in_one_tab_signs_out_every_tab_of_its_user() {
    let app = App::against(both(), |config| config).await;
    let mut browser = Browser::new();
    let users = ["alice", "alice", "bob"];
    let [mut first, mut second, mut bob] = tabs(&app, &mut browser, users).await;
    let [mut other] = tabs(&app, &mut Browser::new(), ["alice"]).await;
    let mut copy = first.browser.clone();
    let answer = first.browser.open(&app.at("/logout")).await;
    assert!(answer.location().starts_with(app.cas.url()));
    assert_eq!(app.whoami(&mut copy).await, Value::Null);
    let all = [&mut second, &mut bob, &mut other];
    assert_eq!(are_in(&app, all).await, [false, true, true]);
}

#[tokio::test]
async fn tickets_that_come_back_in_place_make_families_too() {
    let app = App::in_place().await;
    let [mut first, mut second] = tabs(&app, &mut Browser::new(), ["alice"; 2]).await;
    let page = first.browser.open(&app.at("/page/0")).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let service = app.begin(&mut Browser::new(), "/page/9").await;
    let answer = post(&service, FORM, form(&message(&[&second.ticket]))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    for tab in [&mut first, &mut second] {
        let page = tab.browser.open(&app.at("/page/0")).await;
        assert!(page.location().starts_with(app.cas.url()));
    }
}

#[tokio::test]
async fn a_tab_that_takes_the_place_of_another_ends_that_one_alone() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let mut services = Vec::new();
    for n in 0..3 {
        services.push(app.begin(&mut browser, &format!("/page/{n}")).await);
    }
    let mut unseen = browser.clone();
    unseen.open(&app.callback(&services[0])).await;
    browser.open(&app.callback(&services[1])).await;
    let mut replaced = browser.clone();
    browser.open(&app.callback(&services[2])).await;
    assert_eq!(app.whoami(&mut replaced).await, Value::Null);
    let demand = replaced.open(&app.at("/profile")).await;
    assert!(demand.location().starts_with(app.cas.url()));
    assert!(
        replaced.has_session(),
        "the cookie that takes its place may be on its way"
    );
    assert_eq!(app.whoami(&mut unseen).await, "alice");
    assert_eq!(app.whoami(&mut browser).await, "alice");
    browser.open(&app.at("/logout")).await;
    assert_eq!(app.whoami(&mut unseen).await, Value::Null);
}

#[tokio::test]
async fn a_single_logout_for_a_tab_that_was_replaced_signs_out_the_others() {
    a_replaced_tab_ends_the_others(&App::start().await).await;
}

#[tokio::test]
async fn so_does_one_at_a_node_that_has_not_heard_yet_of_the_replacement() {
    let app = App::with(|config| config.registry(Behind::default())).await;
    a_replaced_tab_ends_the_others(&app).await;
}

async fn a_replaced_tab_ends_the_others(app: &App) {
    let mut browser = Browser::new();
    let mut services = Vec::new();
    for n in 0..3 {
        services.push(app.begin(&mut browser, &format!("/page/{n}")).await);
    }
    let mut other = Browser::new();
    app.sign_in(&mut other, "/page/9").await;
    // The newest ticket is not always the last that comes back.
    let tickets = [0, 1, 2].map(|n| app.cas.issue_ticket("alice", &services[n]));
    let mut unseen = browser.clone();
    let came_back = |n: usize| format!("{}&ticket={}", services[n], tickets[n]);
    unseen.open(&came_back(1)).await;
    browser.open(&came_back(2)).await;
    browser.open(&came_back(0)).await;
    assert_eq!(app.whoami(&mut browser).await, "alice");
    assert_eq!(app.whoami(&mut unseen).await, "alice");
    single_logout(app, &tickets[2]).await;
    assert_eq!(app.whoami(&mut browser).await, Value::Null);
    assert_eq!(app.whoami(&mut unseen).await, Value::Null);
    assert_eq!(app.whoami(&mut other).await, "alice");
}

#[tokio::test]
async fn a_later_sign_in_ends_the_session_that_it_shows_with_all_of_its_family() {
    // Logins that begin within a minute may be those of tabs that were opened together, unless their users differ.
    for (seconds, user, goes_on) in [(60, "alice", true), (61, "alice", false), (1, "bob", false)] {
        let clock = ManualClock::new();
        let app = App::against(both(), |config| config.clock(clock.clone())).await;
        let mut browser = Browser::new();
        let [first, mut second] = tabs(&app, &mut browser, ["alice"; 2]).await;
        let mut browser = first.browser;
        clock.advance(Duration::from_secs(seconds));
        let service = app.begin(&mut browser, "/login?renew=true").await;
        let ticket = app.cas.issue_ticket(user, &service);
        browser.open(&format!("{service}&ticket={ticket}")).await;
        assert_eq!(app.whoami(&mut browser).await, user);
        assert_eq!(second.is_in(&app).await, goes_on, "{user} after {seconds}");
    }
}

/// The login cookie that came with the session was overwritten by another tab, which had the one before.
#[tokio::test]
async fn a_later_login_that_is_tied_to_the_same_secret_leaves_the_family_too() {
    let clock = ManualClock::new();
    let app = App::with(|config| config.clock(clock.clone())).await;
    let mut stranger = Browser::new();
    let [first, second] = tabs(&app, &mut stranger, ["alice"; 2]).await;
    let login = stranger.cookie("-login").unwrap();
    let (mut browser, mut other) = (first.browser, second.browser);
    for round in 0..3 {
        browser.keep(login.clone());
        clock.advance(Duration::from_secs(61));
        let service = app.begin(&mut browser, "/login?renew=true").await;
        let beside = app.begin(&mut browser, "/login?renew=true").await;
        let mut tab = browser.clone();
        browser.open(&app.callback(&service)).await;
        assert_eq!(app.whoami(&mut other).await, Value::Null, "{round}");
        tab.open(&app.callback(&beside)).await;
        for tab in [&mut browser, &mut tab] {
            assert_eq!(app.whoami(tab).await, "alice", "{round}");
        }
        other = tab;
    }
}

#[tokio::test]
async fn whoever_signs_in_again_after_a_single_logout_stays_in() {
    let clock = ManualClock::new();
    let app = App::with(|config| config.clock(clock.clone())).await;
    let mut browser = Browser::new();
    // The browser learns nothing of a single logout, and its login cookie stays the same for an hour.
    for round in 0..20 {
        clock.advance(Duration::from_secs(120));
        let [mut first, mut second] = tabs(&app, &mut browser, ["alice"; 2]).await;
        assert_eq!(are_in(&app, [&mut first, &mut second]).await, [true; 2]);
        single_logout(&app, &first.ticket).await;
        single_logout(&app, &second.ticket).await;
        let all = [&mut first, &mut second];
        assert_eq!(are_in(&app, all).await, [false; 2], "round {round}");
        browser = second.browser;
        browser
            .cookies
            .retain(|cookie| !cookie.name().ends_with("-session"));
    }
}

#[tokio::test]
async fn a_tab_whose_session_cannot_be_kept_signs_out_no_other() {
    let is_large = Arc::new(AtomicBool::new(false));
    let grows = Arc::clone(&is_large);
    let app = App::with(|config| {
        config.session(|session| {
            session.place(SessionPlace::Cookie).map(move |session| {
                if grows.load(Ordering::SeqCst) {
                    session.attributes_mut().push("note", noise(5_000));
                }
                Ok(())
            })
        })
    })
    .await;
    let mut browser = Browser::new();
    let [one, two] = [
        app.begin(&mut browser, "/page/1").await,
        app.begin(&mut browser, "/page/2").await,
    ];
    let mut tab = browser.clone();
    tab.open(&app.callback(&one)).await;
    is_large.store(true, Ordering::SeqCst);
    assert_eq!(browser.open(&app.callback(&two)).await.status, 500);
    assert_eq!(app.whoami(&mut tab).await, "alice");
}

#[tokio::test]
async fn a_logout_that_overtakes_one_tab_signs_out_the_others() {
    let registry = Moody::default();
    let of_app = registry.clone();
    let app = App::with(|config| config.registry(of_app)).await;
    let mut browser = Browser::new();
    let services = [
        app.begin(&mut browser, "/page/1").await,
        app.begin(&mut browser, "/page/2").await,
    ];
    let mut tab = browser.clone();
    tab.open(&app.callback(&services[0])).await;
    assert_eq!(app.whoami(&mut tab).await, "alice");
    // The CAS server names the ticket while it is being validated.
    registry.set_broken(Some("overtaken"));
    let refused = browser.open(&app.callback(&services[1])).await;
    assert!(!refused.status.is_redirection() && !browser.has_session());
    assert_eq!(app.whoami(&mut tab).await, Value::Null);
}

/// A family ends while the CAS server vouches for another tab's user, and does not name that tab's ticket.
#[tokio::test]
async fn a_tab_under_validation_does_not_outlive_its_family() {
    for by_single_logout in [true, false] {
        let (vouched, goes_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let is_slow = Arc::new(AtomicBool::new(false));
        let parts = (
            Arc::clone(&vouched),
            Arc::clone(&goes_on),
            Arc::clone(&is_slow),
        );
        let app = App::with(|config| {
            config.session(|session| {
                session.admit(move |new| {
                    let (vouched, goes_on, slow) = parts.clone();
                    async move {
                        if slow.swap(false, Ordering::SeqCst) {
                            vouched.notify_one();
                            goes_on.notified().await;
                        }
                        Ok(new)
                    }
                })
            })
        })
        .await;
        let mut browser = Browser::new();
        let slow_service = app.begin(&mut browser, "/page/1").await;
        let service = app.begin(&mut browser, "/page/2").await;
        let ticket = app.cas.issue_ticket("alice", &service);
        let mut tab = browser.clone();
        tab.open(&format!("{service}&ticket={ticket}")).await;

        is_slow.store(true, Ordering::SeqCst);
        let callback = app.callback(&slow_service);
        let slow_tab = tokio::spawn(async move {
            let answer = browser.open(&callback).await;
            (answer, browser)
        });
        vouched.notified().await;
        if by_single_logout {
            single_logout(&app, &ticket).await;
        } else {
            tab.open(&app.at("/logout")).await;
        }
        goes_on.notify_one();
        let (answer, mut browser) = slow_tab.await.unwrap();
        assert!(!answer.status.is_redirection(), "{by_single_logout}");
        assert!(!browser.has_session(), "{by_single_logout}");
        assert!(answer.body.contains("Sign-in refused"), "{}", answer.body);

        // Whoever begins anew signs in.
        app.sign_in(&mut browser, "/page/3").await;
        assert_eq!(app.whoami(&mut browser).await, "alice");
    }
}

#[tokio::test]
async fn a_late_single_logout_for_an_earlier_session_leaves_the_next_one_alone() {
    let clock = ManualClock::new();
    let app = App::with(|config| config.clock(clock.clone())).await;
    let mut browser = Browser::new();
    let mut tickets = Vec::new();
    for _ in 0..4 {
        let service = app.begin(&mut browser, "/login?renew=true").await;
        clock.advance(Duration::from_secs(20));
        let ticket = app.cas.issue_ticket("alice", &service);
        browser.open(&format!("{service}&ticket={ticket}")).await;
        assert_eq!(app.whoami(&mut browser).await, "alice");
        clock.advance(Duration::from_secs(61));
        tickets.push(ticket);
    }
    let last = tickets.pop().unwrap();
    for late in &tickets {
        single_logout(&app, late).await;
        assert_eq!(app.whoami(&mut browser).await, "alice");
    }
    single_logout(&app, &last).await;
    assert_eq!(app.whoami(&mut browser).await, Value::Null);
}

#[tokio::test]
async fn tabs_that_take_the_place_of_one_session_together_are_a_family() {
    let clock = ManualClock::new();
    let app = App::with(|config| config.clock(clock.clone())).await;
    let mut browser = Browser::new();
    for _ in 0..2 {
        let service = app.begin(&mut browser, "/login?renew=true").await;
        browser.open(&app.callback(&service)).await;
        clock.advance(Duration::from_secs(61));
    }
    let mut services = Vec::new();
    for _ in 0..3 {
        services.push(app.begin(&mut browser, "/login?renew=true").await);
    }
    clock.advance(Duration::from_secs(20));
    let tickets = [0, 1, 2].map(|n| app.cas.issue_ticket("alice", &services[n]));
    let came_back = |n: usize| format!("{}&ticket={}", services[n], tickets[n]);
    let mut unseen = browser.clone();
    unseen.open(&came_back(0)).await;
    browser.open(&came_back(1)).await;
    let mut last = browser.clone();
    last.open(&came_back(2)).await;
    assert_eq!(app.whoami(&mut unseen).await, "alice");
    assert_eq!(app.whoami(&mut last).await, "alice");
    assert_eq!(app.whoami(&mut browser).await, Value::Null, "replaced");
    single_logout(&app, &tickets[1]).await;
    assert_eq!(app.whoami(&mut unseen).await, Value::Null);
    assert_eq!(app.whoami(&mut last).await, Value::Null);
}

/// Of the earlier session its browser shows nothing any more, and nothing has ended its family.
#[tokio::test]
async fn a_late_single_logout_leaves_alone_what_the_browser_opened_since() {
    for all_are_ended in [true, false] {
        let registry = MemoryRegistry::default();
        let of_app = registry.clone();
        let app = App::with(|config| config.registry(of_app)).await;
        let mut browser = Browser::new();
        let mut tickets = Vec::new();
        for _ in 0..5 {
            let service = app.begin(&mut browser, "/page/1").await;
            let ticket = app.cas.issue_ticket("alice", &service);
            browser.open(&format!("{service}&ticket={ticket}")).await;
            assert_eq!(app.whoami(&mut browser).await, "alice");
            tickets.push(ticket);
            if tickets.len() == 5 {
                break;
            }
            if all_are_ended {
                #[allow(clippy::disallowed_methods, reason = "the time that the registry sees")]
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
                let (now, alice) = (now.as_secs(), AccountId::of(app.cas.url(), "alice"));
                registry.end_all(alice, now + 28_800, now).await.unwrap();
                assert_eq!(app.whoami(&mut browser).await, Value::Null);
            }
            browser
                .cookies
                .retain(|cookie| !cookie.name().ends_with("-session"));
        }
        let last = tickets.pop().unwrap();
        for late in &tickets {
            single_logout(&app, late).await;
            assert_eq!(app.whoami(&mut browser).await, "alice", "{all_are_ended}");
        }
        single_logout(&app, &last).await;
        assert_eq!(app.whoami(&mut browser).await, Value::Null);
    }
}

/// The login of a tab is tied to the secret before the last one.
#[tokio::test]
async fn a_tab_that_began_before_another_signed_in_comes_back_and_is_of_its_family() {
    let app = App::start().await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/page/0").await;
    browser
        .cookies
        .retain(|cookie| !cookie.name().ends_with("-session"));
    let [mut first, mut second, mut third] = tabs(&app, &mut browser, ["alice"; 3]).await;
    let all = [&mut first, &mut second, &mut third];
    assert_eq!(are_in(&app, all).await, [true; 3]);
    single_logout(&app, &third.ticket).await;
    let all = [&mut first, &mut second, &mut third];
    assert_eq!(are_in(&app, all).await, [false; 3]);
}
