//! Made-up tickets in great number, at an app whose CAS server takes its time.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, extract::Request, middleware::map_request, routing::get};
use cas_layer::{
    CasApiLayer, CasConfig, CasConfigBuilder, CasLayer, CasUser, Key, peer_address,
    testing::{CasServer, Fault},
};
use cas_layer_tests::suite::trial;
use libtest_mimic::Trial;
use reqwest::{Client, Response, StatusCode, header::AUTHORIZATION};
use tokio::{
    net::TcpListener,
    task::{AbortHandle, JoinSet, yield_now},
    time::sleep,
};

use crate::login::{Login, client};

/// How many people sign in, one after another.
const PEOPLE: usize = 20;

/// What the CAS server takes for each ticket.
const DELAY: Duration = Duration::from_millis(200);

/// How much longer than without the flood a sign-in may take.
const ALLOWED: u32 = 3;

/// How often it is tried: what else this machine does may disturb a sign-in too. Each one has to succeed in any case.
const ROUNDS: usize = 3;

/// When a stranger tries again who was turned away.
const PAUSE: Duration = Duration::from_secs(10);

/// How many tickets a stranger has.
const MAX_TICKETS: u32 = 1_000;

/// Addresses of this machine: as a server sees them, they are of different senders.
const PERSON: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

pub(crate) fn trials() -> Vec<Trial> {
    macro_rules! trials {
        ($($name:ident),+ $(,)?) => {
            vec![$(trial(concat!("sign_in_flood::", stringify!($name)), $name)),+]
        };
    }
    trials![
        one_login_cookie_keeps_nobody_from_signing_in,
        logins_begun_by_a_stranger_take_no_more_than_their_turns,
        where_addresses_are_known_one_keeps_no_other_from_signing_in,
        made_up_tickets_at_an_api_keep_nobody_from_signing_in_and_no_other_address_from_the_api,
    ]
}

struct Site {
    url: String,
    api: String,
    cas: CasServer,
    /// How many requests have come.
    came: Arc<AtomicUsize>,
    servers: [AbortHandle; 2],
}

impl Drop for Site {
    fn drop(&mut self) {
        for server in &self.servers {
            server.abort();
        }
    }
}

impl Site {
    async fn start(configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder) -> Self {
        let cas = CasServer::start().await.unwrap();
        cas.set_fault(Some(Fault::Slow(DELAY)));
        let listen = async || TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (app, api) = (listen().await, listen().await);
        let at = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let (url, api_url) = (at(&app), at(&api));
        let config = CasConfig::builder(cas.url(), &url).key(Key::generate());
        let config = configure(config).build().unwrap();
        let came = Arc::new(AtomicUsize::new(0));
        let profile = async |user: CasUser| user.name().to_owned();
        let routes = Router::new().route("/profile", get(profile));
        let serve = |listener, routes: Router| {
            let count = Arc::clone(&came);
            let counted = routes.layer(map_request(move |request: Request| {
                count.fetch_add(1, Ordering::SeqCst);
                async move { request }
            }));
            let app = counted.into_make_service_with_connect_info::<SocketAddr>();
            let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
            server.abort_handle()
        };
        let servers = [
            serve(app, routes.clone().layer(CasLayer::new(config.clone()))),
            serve(api, routes.layer(CasApiLayer::new(config))),
        ];
        Self {
            url,
            api: api_url,
            cas,
            came,
            servers,
        }
    }

    /// How long somebody takes to sign in.
    async fn sign_in(&self, client: &Client) -> Duration {
        let begun = Instant::now();
        let login = Login::begin(client, &self.url).await;
        login.sign_in(&self.cas).await;
        begun.elapsed()
    }

    async fn sign_ins(&self) -> Vec<Duration> {
        let person = client(PERSON);
        let mut took = Vec::new();
        for _ in 0..PEOPLE {
            took.push(self.sign_in(&person).await);
        }
        took
    }

    /// How long a program's request with a ticket takes.
    async fn call(&self, client: &Client) -> Duration {
        let service = format!("{}/profile", self.url);
        let ticket = self.cas.issue_ticket("casuser", &service);
        let begun = Instant::now();
        let answer = call(client, &self.api, &ticket).await;
        assert_eq!(answer.status(), StatusCode::OK);
        begun.elapsed()
    }

    async fn calls(&self) -> Vec<Duration> {
        let person = client(PERSON);
        let mut took = Vec::new();
        for _ in 0..PEOPLE {
            took.push(self.call(&person).await);
        }
        took
    }

    /// Has these send made-up tickets, again and again until they are dropped, and returns when all have begun.
    async fn flood(&self, strangers: Vec<Stranger>) -> JoinSet<()> {
        let expected = self.came.load(Ordering::SeqCst) + strangers.len();
        let mut flood = JoinSet::new();
        for (stranger, number) in strangers.into_iter().zip(0..) {
            flood.spawn(stranger.keep_sending(number));
        }
        while self.came.load(Ordering::SeqCst) < expected {
            yield_now().await;
        }
        flood
    }
}

/// Somebody who has made-up tickets and sends one after the other.
enum Stranger {
    Browser(Login),
    Program(Client, String),
}

impl Stranger {
    async fn keep_sending(self, number: u32) {
        for n in 0..MAX_TICKETS {
            let ticket = format!("ST-{n}-madeUpBy{number}-cas");
            let answer = match &self {
                Self::Browser(login) => login.come_back(&ticket).await,
                Self::Program(client, api) => call(client, api, &ticket).await,
            };
            if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
                sleep(PAUSE).await;
            }
        }
    }
}

async fn call(client: &Client, api: &str, ticket: &str) -> Response {
    let request = client.get(format!("{api}/profile"));
    let request = request.header(AUTHORIZATION, format!("CAS {ticket}"));
    request.send().await.unwrap()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Whether everything took hardly longer than without the flood.
fn is_undisturbed(what: &str, times: &[Duration], undisturbed: Duration) -> bool {
    let slowest = times.iter().max().unwrap();
    println!("{what}: {undisturbed:?} without the flood, with it {slowest:?} at most");
    *slowest <= ALLOWED * undisturbed
}

/// Few validations at once, so that a flood that this machine can bear is one.
fn few_at_once(config: CasConfigBuilder) -> CasConfigBuilder {
    config.sign_in(|sign_in| sign_in.max_concurrent_validations(16))
}

async fn begin_many(site: &Site, count: usize) -> Vec<Stranger> {
    let stranger = client(STRANGER);
    let mut logins = Vec::new();
    for _ in 0..count {
        logins.push(Stranger::Browser(Login::begin(&stranger, &site.url).await));
    }
    logins
}

async fn one_login_cookie_keeps_nobody_from_signing_in() {
    let site = Site::start(|config| config).await;
    let login = Login::begin(&client(STRANGER), &site.url).await;
    for _ in 0..ROUNDS {
        let undisturbed = median(site.sign_ins().await);
        let strangers = (0..2_000).map(|_| Stranger::Browser(login.clone()));
        let _flood = site.flood(strangers.collect()).await;
        // While the flood begins, which is work for this machine.
        site.sign_in(&client(PERSON)).await;
        if is_undisturbed("sign-ins", &site.sign_ins().await, undisturbed) {
            return;
        }
    }
    panic!("sign-ins are slow");
}

/// Without an address, nothing tells a stranger's login from another.
async fn logins_begun_by_a_stranger_take_no_more_than_their_turns() {
    let site = Arc::new(Site::start(few_at_once).await);
    // With them and the people, the line is under a second long. Nobody gets into one of three seconds, and this machine may
    // have other work to do.
    let strangers = begin_many(&site, 40).await;
    let _flood = site.flood(strangers).await;
    let person = client(PERSON);
    let mut people = JoinSet::new();
    for _ in 0..PEOPLE {
        let (site, person) = (Arc::clone(&site), person.clone());
        people.spawn(async move { site.sign_in(&person).await });
    }
    assert_eq!(people.join_all().await.len(), PEOPLE);
}

async fn where_addresses_are_known_one_keeps_no_other_from_signing_in() {
    let site = Site::start(|config| few_at_once(config).peer_address(peer_address)).await;
    for _ in 0..ROUNDS {
        let undisturbed = median(site.sign_ins().await);
        // More than there is room for.
        let strangers = begin_many(&site, 400).await;
        let _flood = site.flood(strangers).await;
        site.sign_in(&client(PERSON)).await;
        if is_undisturbed("sign-ins", &site.sign_ins().await, undisturbed) {
            return;
        }
    }
    panic!("sign-ins are slow");
}

async fn made_up_tickets_at_an_api_keep_nobody_from_signing_in_and_no_other_address_from_the_api() {
    let site = Site::start(|config| few_at_once(config).peer_address(peer_address)).await;
    let stranger = client(STRANGER);
    for _ in 0..ROUNDS {
        let sign_ins = median(site.sign_ins().await);
        let calls = median(site.calls().await);
        let program = || Stranger::Program(stranger.clone(), site.api.clone());
        let _flood = site.flood((0..400).map(|_| program()).collect()).await;
        site.sign_in(&client(PERSON)).await;
        let signs_in = is_undisturbed("sign-ins", &site.sign_ins().await, sign_ins);
        if is_undisturbed("calls of an API", &site.calls().await, calls) && signs_in {
            return;
        }
    }
    panic!("sign-ins or calls are slow");
}
