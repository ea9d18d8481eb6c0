//! Many tabs of one browser sign in at once, and each ends on its own page.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::routing::get;
use cas_layer::{
    Access, CasInPlaceLayer, Require,
    testing::{CasServer, ManualClock, Quirk},
};
use futures_util::future::join_all;
use http::Method;
use tokio::{sync::Semaphore, time::sleep};

use crate::{
    browser::{Answer, Browser},
    support::{App, alice},
};

/// Far more redirects than a tab that signs in needs.
const MAX_REDIRECTS: usize = 60;

/// The tabs of one browser: they share its cookies, and requests of several are under way at once.
#[derive(Clone)]
struct Tabs {
    browser: Arc<Mutex<Browser>>,
    connections: Arc<Semaphore>,
}

impl Tabs {
    fn of(browser: Browser, connections: usize) -> Self {
        Self {
            browser: Arc::new(Mutex::new(browser)),
            connections: Arc::new(Semaphore::new(connections)),
        }
    }

    /// Sends the cookies of now, and keeps those of the answer when it comes.
    async fn send(&self, url: &str, accept: &str) -> Answer {
        let _connection = self.connections.acquire().await.unwrap();
        let mut browser = self.browser.lock().unwrap().clone();
        let request = browser.request(Method::GET, url).header("accept", accept);
        let answer = browser.send(request).await;
        let mut browser = self.browser.lock().unwrap();
        for cookie in answer.set_cookies() {
            browser.keep(cookie);
        }
        answer
    }

    /// A tab that opens a page. Returns the path where it ends, with the page.
    async fn open(&self, app: &App, path: &str) -> (String, Answer) {
        let mut url = app.at(path);
        for _ in 0..MAX_REDIRECTS {
            let answer = self.send(&url, "text/html,*/*;q=0.8").await;
            if let Some((delay, link)) = answer.refresh() {
                sleep(delay).await;
                url = app.at(&link);
                continue;
            }
            if !answer.status.is_redirection() {
                return (url[app.url.len()..].to_owned(), answer);
            }
            url = if answer.location().starts_with(app.cas.url()) {
                // Something that a page had begun to load, by a browser that does not say what it is for.
                self.send(&app.at("/picture"), "*/*").await;
                app.callback(&answer.location_parameter("service").unwrap())
            } else {
                app.at(answer.location())
            };
        }
        panic!("{path} leads in circles");
    }
}

/// Opens so many tabs at once.
async fn all_end_on_their_own_pages(app: &App, tabs: &Tabs, count: usize) {
    let paths: Vec<String> = (0..count)
        .map(|n| format!("/page/{n}?of={count}"))
        .collect();
    let opened = join_all(paths.iter().map(|path| tabs.open(app, path))).await;
    let elsewhere: Vec<_> = paths
        .iter()
        .zip(&opened)
        .filter(|(path, (end, page))| *path != end || !page.body.ends_with(*path))
        .map(|(path, (end, page))| format!("{path} ends at {end}: {} {}", page.status, page.body))
        .collect();
    assert!(
        elsewhere.is_empty(),
        "{} of {count} tabs end elsewhere: {}",
        elsewhere.len(),
        elsewhere[0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tab_of_a_restored_browser_ends_on_its_own_page() {
    for (name, browser, connections) in [
        ("HTTP/1.1", Browser::new(), 6),
        ("HTTP/1.1, all at once", Browser::new(), usize::MAX >> 4),
        ("HTTP/2", Browser::over_http2(), usize::MAX >> 4),
    ] {
        for _ in 0..8 {
            let app = App::start().await;
            let tabs = Tabs::of(browser.clone(), connections);
            all_end_on_their_own_pages(&app, &tabs, 20).await;
        }
        println!("eight times twenty tabs over {name}");
        let app = App::start().await;
        let tabs = Tabs::of(browser, connections);
        all_end_on_their_own_pages(&app, &tabs, 160).await;
        println!("160 tabs over {name}");
    }
}

#[tokio::test]
async fn a_login_is_good_for_an_hour_and_counts_in_no_other_browser() {
    let clock = ManualClock::new();
    let app = App::with(|config| config.clock(clock.clone())).await;
    let mut browser = Browser::new();
    let first = app.begin(&mut browser, "/page/1").await;
    // A login that begins later does not shorten the time of the first, nor lengthen it.
    clock.advance(Duration::from_secs(3_000));
    let second = app.begin(&mut browser, "/page/2").await;
    clock.advance(Duration::from_secs(599));
    let answer = browser.clone().open(&app.callback(&first)).await;
    assert_eq!(answer.location(), "/page/1");
    clock.advance(Duration::from_secs(1));
    let answer = browser.open(&app.callback(&first)).await;
    assert!(answer.location().starts_with(app.cas.url()), "out of time");
    let answer = browser.open(&app.callback(&second)).await;
    assert_eq!(answer.location(), "/page/2");
    let mut other = Browser::new();
    app.begin(&mut other, "/page/2").await;
    let answer = other.open(&app.callback(&second)).await;
    assert!(answer.location().starts_with(app.cas.url()), "not its own");
}

#[tokio::test]
async fn a_sign_in_lets_logins_of_other_tabs_finish_and_no_later_ones_of_a_copied_cookie() {
    let clock = ManualClock::new();
    let app = App::with(|config| config.clock(clock.clone())).await;
    let mut browser = Browser::new();
    let tab = app.begin(&mut browser, "/page/1").await;
    // Somebody who has seen the login cookie before the sign-in has the app begin logins with it.
    let mut copy = browser.clone();
    app.sign_in(&mut browser, "/page/2").await;
    assert_ne!(
        browser.cookie("-login").unwrap().value(),
        copy.cookie("-login").unwrap().value(),
        "the secret is another"
    );
    clock.advance(Duration::from_secs(600));
    let theirs = app.begin(&mut copy, "/page/3").await;
    browser
        .cookies
        .retain(|cookie| !cookie.name().ends_with("-session"));
    let answer = browser.clone().open(&app.callback(&theirs)).await;
    assert!(answer.location().starts_with(app.cas.url()));
    let answer = browser.open(&app.callback(&tab)).await;
    assert_eq!(answer.location(), "/page/1");
}

#[tokio::test]
async fn a_login_cookie_stays_small_however_many_logins_begin() {
    let app = App::start().await;
    let mut browser = Browser::new();
    for n in 0..30 {
        app.begin(&mut browser, &format!("/page/{n}")).await;
    }
    for n in 0..2 {
        app.sign_in(&mut browser, &format!("/page/{n}")).await;
        browser
            .cookies
            .retain(|cookie| !cookie.name().ends_with("-session"));
        let cookie = browser.cookie("-login").unwrap();
        // On https the name has a prefix.
        let bytes = "__Host-".len() + cookie.name().len() + cookie.value().len();
        assert!(bytes < 200, "{bytes}");
    }
}

#[tokio::test]
async fn a_used_callback_goes_on_while_its_session_lives() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    let callback = app.callback(&service);
    browser.open(&callback).await;
    // Another tab signs in, and its session takes the place of the first.
    app.sign_in(&mut Browser::new(), "/other").await;
    assert_eq!(browser.open(&callback).await.location(), "/profile");
    assert_eq!(app.cas.validations(), 2);
}

/// All tabs get their tickets before the first one comes back, so that only the last ticket is good.
#[tokio::test]
async fn tabs_end_on_their_pages_if_the_server_keeps_the_newest_ticket_alone() {
    for mut browser in [Browser::new(), Browser::over_http2()] {
        let app = App::start().await;
        app.cas.set_quirks([Quirk::OnlyNewestTicket]);
        // Without a login cookie, the tabs would begin again for another reason.
        app.begin(&mut browser, "/home").await;
        let mut callbacks = Vec::new();
        for n in 0..35 {
            let path = format!("/page/{n}");
            let service = app.begin(&mut browser, &path).await;
            callbacks.push((path, app.callback(&service)));
        }
        let mut came_back = Vec::new();
        for (path, callback) in &callbacks {
            let answer = browser.open(callback).await;
            assert_eq!(answer.status, 302, "{path}: {}", answer.body);
            came_back.push((path, answer.location().to_owned()));
        }
        assert_eq!(app.cas.validations(), 35);
        assert_eq!(came_back.pop().unwrap().1, "/page/34");
        for (path, again) in came_back {
            assert_ne!(path, &again, "its ticket was deleted");
            assert_eq!(browser.open(&app.at(&again)).await.location(), path);
        }
        assert_eq!(app.whoami(&mut browser).await, "alice");
    }
}

/// The same without any order: each new ticket may delete one that is on its way.
#[tokio::test(flavor = "multi_thread")]
async fn tabs_that_come_back_in_any_order_end_on_their_pages_where_only_the_newest_ticket_counts() {
    for (browser, connections) in [
        (Browser::new(), 6),
        (Browser::over_http2(), usize::MAX >> 4),
    ] {
        let app = App::start().await;
        app.cas.set_quirks([Quirk::OnlyNewestTicket]);
        let tabs = Tabs::of(browser, connections);
        all_end_on_their_own_pages(&app, &tabs, 35).await;
    }
}

#[tokio::test]
async fn two_tabs_that_delete_each_others_tickets_both_end_on_their_pages() {
    let app = App::start().await;
    app.cas.set_quirks([Quirk::OnlyNewestTicket]);
    let mut browser = Browser::new();
    app.begin(&mut browser, "/home").await;
    let first = app.begin(&mut browser, "/page/1").await;
    let first = app.callback(&first);
    let second = app.begin(&mut browser, "/page/2").await;
    let second = app.callback(&second);
    // The first begins again and has a ticket before the second comes back.
    let again = browser.open(&first).await;
    let begins = browser.open(&app.at(again.location())).await;
    let first = begins.location_parameter("service").unwrap();
    let first = app.callback(&first);
    let again = browser.open(&second).await;
    assert_eq!(browser.open(&first).await.location(), "/page/1");
    let back = browser.open(&app.at(again.location())).await;
    assert_eq!(back.location(), "/page/2");
}

/// Comes back with a ticket that the CAS server does not know whenever a login begins, until there is a page. Returns how
/// often that was, and the page.
async fn with_gone_tickets(app: &App, browser: &mut Browser, path: &str) -> (usize, Answer) {
    let mut url = app.at(path);
    let mut tickets = 0;
    for _ in 0..MAX_REDIRECTS {
        let answer = browser.open(&url).await;
        if answer.status.is_redirection() && answer.location().starts_with(app.cas.url()) {
            tickets += 1;
            let service = answer.location_parameter("service").unwrap();
            url = format!("{service}&ticket=ST-gone-{tickets}");
        } else {
            match app.onward(&answer).await {
                Some(onward) => url = onward,
                None => return (tickets, answer),
            }
        }
    }
    panic!("{path} leads in circles");
}

#[tokio::test]
async fn a_login_whose_ticket_is_gone_begins_again_twice_and_then_there_is_a_page() {
    for app in [App::start().await, App::in_place().await] {
        let mut browser = Browser::new();
        let (tickets, page) = with_gone_tickets(&app, &mut browser, "/profile?a=b").await;
        assert_eq!(tickets, 3);
        assert_eq!(page.status, 403);
        assert!(page.body.contains("Sign-in refused"), "{}", page.body);
        assert!(page.body.contains("INVALID_TICKET"), "{}", page.body);
        assert!(!page.body.contains("ST-gone"), "{}", page.body);
        // Another login has a count of its own, and its visitor notices nothing of the first two refusals.
        let mut service = app.begin(&mut browser, "/profile?a=b").await;
        for _ in 0..2 {
            let mut answer = browser.open(&format!("{service}&ticket=ST-gone")).await;
            while !(answer.status.is_redirection() && answer.location().starts_with(app.cas.url()))
            {
                let again = app.onward(&answer).await.expect("the login begins again");
                answer = browser.open(&again).await;
            }
            service = answer.location_parameter("service").unwrap();
        }
        let back = browser.open(&app.callback(&service)).await;
        assert_eq!(back.location(), "/profile?a=b");
        assert_eq!(app.whoami(&mut browser).await, "alice");
    }
}

#[tokio::test]
async fn where_a_route_alone_requires_a_user_the_refusals_are_counted_too() {
    let secret = || get(async || "secret").layer(Require::new(Access::required()).unwrap());
    let path = "/public/secret?a=b";
    let app = App::under(
        CasServer::builder().user(alice()),
        |config| config,
        |app, config| {
            app.route("/public/secret", secret())
                .layer(CasInPlaceLayer::new(config))
        },
    );
    let app = app.await;
    let (tickets, page) = with_gone_tickets(&app, &mut Browser::new(), path).await;
    assert_eq!((tickets, page.status.as_u16()), (3, 403));
}

#[tokio::test]
async fn a_login_of_a_user_who_has_to_give_credentials_begins_again_once() {
    let app = App::start().await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let path = "/login?renew=true&next=/profile";
    let (tickets, page) = with_gone_tickets(&app, &mut browser, path).await;
    assert_eq!((tickets, page.status.as_u16()), (2, 403));
    assert_eq!(app.whoami(&mut browser).await, "alice");
}

#[tokio::test]
async fn another_tab_may_have_signed_in_by_the_time_a_login_begins_again() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/page/1").await;
    let again = browser.open(&format!("{service}&ticket=ST-gone")).await;
    app.sign_in(&mut browser, "/page/2").await;
    let back = browser.open(&app.at(again.location())).await;
    assert_eq!(back.location(), "/page/1");
}

#[tokio::test]
async fn nobody_who_writes_a_link_has_a_login_wait_for_other_tabs() {
    let app = App::start().await;
    let mut browser = Browser::new();
    app.begin(&mut browser, "/home").await;
    for _ in 0..2 {
        app.begin(&mut browser, "/login?next=/page/1&again=2").await;
    }
}

#[tokio::test]
async fn logins_that_begin_at_the_same_time_have_marks_of_their_own() {
    let clock = ManualClock::new();
    let app = App::with(|config| config.clock(clock)).await;
    let mut browser = Browser::new();
    let first = app.begin(&mut browser, "/profile").await;
    assert_ne!(app.begin(&mut browser, "/profile").await, first);
}

/// Other tabs may be about to get another one.
#[tokio::test]
async fn a_login_that_has_nothing_to_say_leaves_the_login_cookie_as_it_is() {
    let clock = ManualClock::new();
    let app = App::with(|config| config.clock(clock.clone())).await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    for (passes, is_written) in [(59, false), (1, true)] {
        clock.advance(Duration::from_secs(passes));
        let begun = browser.open(&app.at("/login?renew=true")).await;
        let cookies = begun.set_cookies();
        let is_login = |it: &cookie::Cookie<'_>| it.name().ends_with("-login");
        assert_eq!(cookies.iter().any(is_login), is_written, "{passes}");
    }
}
