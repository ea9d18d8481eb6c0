//! One process behind several public names, with two CAS servers.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::routing::get;
use cas_layer::{
    Access, CasClient, CasConfig, CasConfigBuilder, CasLayer, CasUser, EndAllError, FurtherHost,
    Paths, Require,
    testing::{CasServer, Fault, User},
};
use reqwest::Method;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::{
    browser::{Answer, Browser},
    single_logout::{FORM, form, message},
    support::{alice, key, routes},
};

const NAMES: [&str; 3] = ["a.localhost", "b.localhost", "c.localhost"];

/// `a` and `b` have one CAS server, `c` has another. Both know an alice.
struct Hosts {
    address: SocketAddr,
    home: CasServer,
    partner: CasServer,
    config: CasConfig,
    reached: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl Drop for Hosts {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Hosts {
    async fn start() -> Self {
        Self::with(|config| config).await
    }

    async fn with(configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder) -> Self {
        let home = CasServer::builder().user(alice()).start().await.unwrap();
        let namesake = User::new("alice", "looking-glass").attribute("memberOf", ["partners"]);
        let partner = CasServer::builder().user(namesake).start().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let [a, b, c] = NAMES.map(|name| format!("http://{name}:{}", address.port()));
        let client = CasClient::builder(partner.url()).build().unwrap();
        let config = CasConfig::builder(home.url(), a)
            .host(b)
            .host(FurtherHost::new(c).cas_client(client))
            .key(key(1))
            .sign_in(|sign_in| sign_in.landing_path("/home"))
            .public_prefix("/public")
            .rule(Paths::prefix("/open"), Access::optional());
        let config = configure(config).build().unwrap();
        let reached = Arc::new(AtomicUsize::new(0));
        let app = routes(Arc::clone(&reached))
            .route(
                "/open/below",
                get(async |user: CasUser| format!("{} {}", user.app_url(), user.cas_url()))
                    .layer(Require::new(Access::required()).unwrap()),
            )
            .layer(CasLayer::new(config.clone()));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            address,
            home,
            partner,
            config,
            reached,
            server,
        }
    }

    fn browser(&self) -> Browser {
        Browser::finding(&NAMES, self.address)
    }

    fn at(&self, host: &str, path: &str) -> String {
        format!("http://{host}.localhost:{}{path}", self.address.port())
    }

    fn cas(&self, host: &str) -> &CasServer {
        if host == "c" {
            &self.partner
        } else {
            &self.home
        }
    }

    /// Signs this host's alice in; the answer is the callback's. Returns the ticket too.
    async fn sign_in(&self, browser: &mut Browser, host: &str) -> (Answer, String) {
        let begin = browser.open(&self.at(host, "/profile")).await;
        assert!(
            begin.location().starts_with(self.cas(host).url()),
            "{host}: {}",
            begin.location()
        );
        let service = begin.location_parameter("service").unwrap();
        assert!(
            service.starts_with(&self.at(host, "/login?")),
            "{host}: {service}"
        );
        let ticket = self.cas(host).issue_ticket("alice", &service);
        let answer = browser.open(&format!("{service}&ticket={ticket}")).await;
        (answer, ticket)
    }

    async fn whoami(&self, browser: &mut Browser, host: &str) -> Value {
        let answer = browser.open(&self.at(host, "/public/whoami")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    async fn user(&self, browser: &mut Browser, host: &str) -> Value {
        self.whoami(browser, host).await["user"].clone()
    }

    /// The status and the whole answer to a request as it stands.
    async fn raw(&self, request: &str) -> (u16, String) {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer)
    }
}

#[tokio::test]
async fn every_host_signs_its_visitors_in_at_its_own_cas_server() {
    let hosts = Hosts::start().await;
    for (host, attribute, value) in [
        ("a", "mail", "alice@wonderland.example"),
        ("b", "mail", "alice@wonderland.example"),
        ("c", "memberOf", "partners"),
    ] {
        let mut browser = hosts.browser();
        let (callback, _) = hosts.sign_in(&mut browser, host).await;
        assert_eq!(callback.location(), "/profile", "{host}");
        let shown = hosts.whoami(&mut browser, host).await;
        assert_eq!(shown["user"], "alice");
        assert_eq!(shown["attributes"][attribute][0], value, "{host}");
        let bye = browser.open(&hosts.at(host, "/logout")).await;
        assert!(
            bye.location()
                .starts_with(&format!("{}/logout?", hosts.cas(host).url())),
            "{}",
            bye.location()
        );
        assert_eq!(
            bye.location_parameter("service").unwrap(),
            hosts.at(host, "/logout_callback")
        );
    }
    assert_eq!(hosts.home.validations(), 2);
    assert_eq!(hosts.partner.validations(), 1);
}

#[tokio::test]
async fn a_cookie_of_one_host_is_none_on_another() {
    for name in [None, Some("portal")] {
        let hosts = Hosts::with(|c| match name {
            Some(name) => c.session(|session| session.cookie_name(name)),
            None => c,
        })
        .await;
        for (from, others) in [("a", ["b", "c"]), ("b", ["a", "c"]), ("c", ["a", "b"])] {
            let mut browser = hosts.browser();
            hosts.sign_in(&mut browser, from).await;
            // Often enough for the process to know the cookie.
            for _ in 0..3 {
                assert_eq!(hosts.user(&mut browser, from).await, "alice");
            }
            for other in others {
                let mut copy = browser.clone();
                assert_eq!(
                    hosts.user(&mut copy, other).await,
                    Value::Null,
                    "{name:?}: {from} on {other}"
                );
                let demand = copy.open(&hosts.at(other, "/profile")).await;
                assert!(demand.location().starts_with(hosts.cas(other).url()));
                // What is not this host's is left alone.
                assert!(copy.has_session());
            }
        }
    }
}

#[tokio::test]
async fn a_ticket_that_was_asked_for_at_one_host_counts_at_no_other() {
    let hosts = Hosts::with(|c| c.session(|session| session.cookie_name("portal"))).await;
    for (from, other) in [("a", "b"), ("a", "c"), ("c", "a")] {
        let mut browser = hosts.browser();
        let begin = browser.open(&hosts.at(from, "/profile")).await;
        let service = begin.location_parameter("service").unwrap();
        let elsewhere = service.replacen(&hosts.at(from, ""), &hosts.at(other, ""), 1);
        assert_ne!(elsewhere, service);
        let ticket = hosts.cas(from).issue_ticket("alice", &service);
        let answer = browser.open(&format!("{elsewhere}&ticket={ticket}")).await;
        assert!(answer.location().starts_with(hosts.cas(other).url()));
        assert!(!browser.has_session());
    }
    assert_eq!(hosts.home.validations() + hosts.partner.validations(), 0);
}

#[tokio::test]
async fn namesakes_at_two_cas_servers_are_two_people() {
    let hosts = Hosts::start().await;
    let (mut at_a, mut at_b, mut at_c) = (hosts.browser(), hosts.browser(), hosts.browser());
    let users = async |a: &mut Browser, b: &mut Browser, c: &mut Browser| {
        [
            hosts.user(a, "a").await,
            hosts.user(b, "b").await,
            hosts.user(c, "c").await,
        ]
    };
    hosts.sign_in(&mut at_a, "a").await;
    hosts.sign_in(&mut at_b, "b").await;
    hosts.sign_in(&mut at_c, "c").await;
    // In any spelling that the builder takes.
    let partner = format!("{}/", hosts.partner.url().replacen("http", "HTTP", 1));
    hosts.config.end_all(&partner, "alice").await.unwrap();
    let none = Value::Null;
    assert_eq!(
        users(&mut at_a, &mut at_b, &mut at_c).await,
        [Value::from("alice"), Value::from("alice"), none.clone()]
    );
    hosts.sign_in(&mut at_c, "c").await;
    let home = hosts.home.url();
    hosts.config.end_all(home, "alice").await.unwrap();
    assert_eq!(
        users(&mut at_a, &mut at_b, &mut at_c).await,
        [none.clone(), none.clone(), Value::from("alice")]
    );
    // "Sign out of all devices" ends this user's at every host, and nobody else's.
    hosts.sign_in(&mut at_a, "a").await;
    hosts.sign_in(&mut at_b, "b").await;
    let everywhere = at_a.request(Method::POST, &hosts.at("a", "/everywhere"));
    assert_eq!(at_a.send(everywhere).await.status, 200);
    assert_eq!(
        users(&mut at_a, &mut at_b, &mut at_c).await,
        [none.clone(), none, Value::from("alice")]
    );
}

#[tokio::test]
async fn ending_all_sessions_at_a_cas_server_that_is_none_of_ours_is_an_error() {
    let hosts = Hosts::start().await;
    for (given, shown) in [
        (
            "https://CAS.example.org/cas/",
            "https://cas.example.org/cas",
        ),
        ("", ""),
        ("alice", "alice"),
        ("https://me:secret@x", "https://…@x"),
    ] {
        let error = hosts.config.end_all(given, "alice").await.unwrap_err();
        assert!(
            matches!(&error, EndAllError::UnknownCasServer { cas_url } if cas_url == shown),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_host_that_is_not_listed_is_misdirected_wherever_it_leads() {
    let hosts = Hosts::start().await;
    let port = hosts.address.port();
    for (method, path) in [
        ("GET", "/public/whoami"),
        ("GET", "/profile"),
        ("GET", "/login"),
        ("HEAD", "/login"),
        ("POST", "/login"),
        ("GET", "/logout"),
        ("GET", "/logout_callback"),
        ("GET", "/nowhere"),
    ] {
        let to = async |host: &str| {
            let close = "Connection: close\r\nContent-Length: 0\r\n";
            let request = format!("{method} {path} HTTP/1.1\r\n{host}{close}\r\n");
            hosts.raw(&request).await
        };
        for host in [
            "evil.example",
            "a.localhost",
            "a.localhost.:PORT",
            "a.localhost.evil:PORT",
            "127.0.0.1:PORT",
        ] {
            let host = host.replace("PORT", &port.to_string());
            let fields = format!("Host: {host}\r\nX-Forwarded-Host: a.localhost:{port}\r\n");
            let (status, answer) = to(&fields).await;
            assert_eq!(status, 421, "{method} {path} {host}");
            assert!(answer.contains("cache-control: no-store"), "{answer}");
            assert!(!answer.contains("set-cookie"), "{answer}");
            assert!(!answer.contains("evil"), "{answer}");
        }
        let good = format!("Host: a.localhost:{port}\r\n");
        for fields in ["", &good.repeat(2), "Host: x@a.localhost\r\n", "Host:\r\n"] {
            let (status, answer) = to(fields).await;
            assert_eq!(status, 400, "{method} {path} {fields}");
            assert!(!answer.contains("set-cookie"), "{answer}");
        }
    }
    assert_eq!(hosts.reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_target_of_a_request_names_the_host_too() {
    let hosts = Hosts::start().await;
    let port = hosts.address.port();
    let get = async |target: &str, host: &str| {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: text/html\r\n\
             Connection: close\r\n\r\n"
        );
        hosts.raw(&request).await
    };
    let (status, answer) = get(&hosts.at("c", "/profile"), "c.localhost").await;
    assert_eq!(status, 302);
    assert!(answer.contains(hosts.partner.url()), "{answer}");
    let (status, _) = get(&hosts.at("c", "/profile"), "a.localhost").await;
    assert_eq!(status, 400);
    let (status, _) = get(&hosts.at("d", "/profile"), "d.localhost").await;
    assert_eq!(status, 421);

    let mut browser = Browser::over_http2();
    let open = async |browser: &mut Browser, host: Option<&str>| {
        let url = format!("http://127.0.0.1:{port}/profile");
        let mut request = browser
            .request(Method::GET, &url)
            .version(reqwest::Version::HTTP_2)
            .header("accept", "text/html");
        if let Some(host) = host {
            request = request.header("host", host);
        }
        browser.send(request).await
    };
    // `:authority` is the address, which is no host of ours, and a field does not make it one.
    assert_eq!(open(&mut browser, None).await.status, 421);
    let named = format!("a.localhost:{port}");
    assert_eq!(open(&mut browser, Some(&named)).await.status, 400);
}

#[tokio::test]
async fn the_authority_of_http2_chooses_the_host() {
    let hosts = Hosts::start().await;
    for (host, cas) in [("a", &hosts.home), ("c", &hosts.partner)] {
        let mut browser = Browser::finding_over_http2(&NAMES, hosts.address);
        let demand = browser.open(&hosts.at(host, "/profile")).await;
        assert!(
            demand.location().starts_with(cas.url()),
            "{}",
            demand.location()
        );
        let (callback, _) = hosts.sign_in(&mut browser, host).await;
        assert_eq!(callback.location(), "/profile");
        assert_eq!(hosts.user(&mut browser, host).await, "alice");
    }
}

#[tokio::test]
async fn a_logout_request_ends_a_session_whichever_host_it_comes_to() {
    let hosts = Hosts::start().await;
    for (of, to) in [("a", "a"), ("a", "b"), ("b", "a"), ("c", "a"), ("a", "c")] {
        let (mut browser, mut other) = (hosts.browser(), hosts.browser());
        let (_, ticket) = hosts.sign_in(&mut browser, of).await;
        hosts.sign_in(&mut other, of).await;
        let request = hosts
            .browser()
            .request(Method::POST, &hosts.at(to, "/login"))
            .header("content-type", FORM)
            .body(form(&message(&[&ticket])));
        assert_eq!(hosts.browser().send(request).await.status, 200);
        assert_eq!(
            hosts.user(&mut browser, of).await,
            Value::Null,
            "{of} by {to}"
        );
        assert_eq!(hosts.user(&mut other, of).await, "alice", "{of} by {to}");
    }
}

#[tokio::test]
async fn a_layer_below_asks_for_a_user_of_the_same_host() {
    let hosts = Hosts::start().await;
    for host in ["a", "b", "c"] {
        let mut browser = hosts.browser();
        let demand = browser.open(&hosts.at(host, "/open/below")).await;
        assert!(demand.location().starts_with(hosts.cas(host).url()));
        let service = demand.location_parameter("service").unwrap();
        assert!(service.starts_with(&hosts.at(host, "/login?")), "{service}");
        hosts.sign_in(&mut browser, host).await;
        let seen = browser.open(&hosts.at(host, "/open/below")).await;
        let expected = format!("{} {}", hosts.at(host, ""), hosts.cas(host).url());
        assert_eq!(seen.body, expected);
    }
}

#[tokio::test]
async fn a_cas_server_whose_validations_hang_keeps_nobody_from_signing_in_at_another() {
    let hosts = Hosts::with(|c| c.sign_in(|sign_in| sign_in.max_concurrent_validations(1))).await;
    hosts.partner.set_fault(Some(Fault::Hang));
    let mut stuck = hosts.browser();
    let begin = stuck.open(&hosts.at("c", "/profile")).await;
    let service = begin.location_parameter("service").unwrap();
    let ticket = hosts.partner.issue_ticket("alice", &service);
    let waits = tokio::spawn(async move {
        stuck.open(&format!("{service}&ticket={ticket}")).await;
    });
    while hosts.partner.validations() == 0 {
        tokio::task::yield_now().await;
    }
    let (callback, _) = hosts.sign_in(&mut hosts.browser(), "b").await;
    assert_eq!(callback.location(), "/profile");
    assert!(!waits.is_finished());
    waits.abort();
}

#[tokio::test]
async fn what_the_app_is_told_says_at_which_cas_server_it_was() {
    let heard: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let note = |what: &'static str| {
        let heard = Arc::clone(&heard);
        move |cas_url: &str| {
            heard
                .lock()
                .unwrap()
                .push((what.to_owned(), cas_url.into()));
        }
    };
    let (opens, signs_in, signs_out, is_refused) = (
        note("opens"),
        note("signs in"),
        note("signs out"),
        note("is refused"),
    );
    let hosts = Hosts::with(|c| {
        c.session(|session| {
            session.map(move |session| {
                opens(session.cas_url());
                Ok(())
            })
        })
        .on_sign_in(move |user| signs_in(user.cas_url()))
        .on_sign_out(move |signed_out| signs_out(signed_out.cas_url()))
        .on_refused(move |refused| is_refused(refused.cas_url()))
    })
    .await;
    for host in ["a", "c"] {
        let mut browser = hosts.browser();
        hosts.sign_in(&mut browser, host).await;
        browser.open(&hosts.at(host, "/logout")).await;
        browser.open(&hosts.at(host, "/login?ticket=%00")).await;
        let cas_url = hosts.cas(host).url();
        let told: Vec<_> = std::mem::take(&mut *heard.lock().unwrap());
        let expected = ["opens", "signs in", "signs out", "is refused"]
            .map(|what| (what.to_owned(), cas_url.to_owned()));
        assert_eq!(told, expected, "{host}");
    }
}
