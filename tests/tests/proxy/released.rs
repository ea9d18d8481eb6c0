//! Secrets that the CAS server releases as attributes: a proxy-granting ticket without a callback, and the password.

use std::sync::{Arc, Mutex};

use axum::{Router, http::Uri, response::IntoResponse as _};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, Engine as _};
use cas_layer::{
    Authentication, CasClient, CasConfig, CasConfigBuilder, ConfigError, Key, Password, Protocol,
    ProxyChain, ResponseFormat, ServiceTicket, ServiceUrl,
    testing::{CasServer, CasServerBuilder, Quirk, User},
};
use cas_layer_tests::{service_key::ServiceKey, visitor::Visitor};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    portal::{Portal, cas, in_cookie},
    relay::logout_request,
    support::{Api, answer, client},
};

const PASSWORD: &str = "rabbit-hole";
const TARGET: &str = "https://api.example.org/records";
const SERVICE: &str = "https://app.example.org/login";
const SECRETS: [&str; 3] = ["proxyGrantingTicket", "credential", "pgtIou"];

const TOO_SMALL: &str = "\
-----BEGIN PRIVATE KEY-----
MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBALPlxVoPT31t14Xi
VlI5jJE1pvvERFzo72DhEt+LYBvei+Guhx0R4yS2d9p8L/NpVHcSziMd3WrsAiPj
k8ADiATMMfcYWu5Tphp7E9MYcopdMzSxEFzizVi16Y7Hviq7P+6ed8lE9hgOxFmF
pcbHoNpBUAgZKMcsvXv1iQjJAdINAgMBAAECgYBv6abmKdQnkWecUHum10pNI3Vn
9mcY7YfNWvdkvc3iSIX4tZw0R2Zo9mKFNvCVmpcDJF28lt2hoISMUw0dTJUWayYf
QzVEoklOgAJWPfZ6w17TD9tvvaJoh+P1OiWMu3IrRU347wXu81z8k64borVBRKJ3
opGTRRgLW7NG2k36eQJBAOgP7QPJI/EG9RxQ1PyfiHxmixMzQYMzRP9NxAdmI89B
1t3y5tgkTreiknnXI/x0aC2WH3NVJcE1B7R5WFjnG4cCQQDGdFS+TbNhngxonVqc
ZCA+szq5FjyonVdTOC96/gdxaxgLTuhYqHUaoG2KDQ4Cyd0MiDBfvniNIXLPwble
lJLLAkEA4kMc6hMEqy4IcOpTMFjv/7MPqNHR73VesbqGBlzNT3g3YsJB175Wze+B
97APk0eAh+oWkiIUJLRq5clmnZAAIwJAMA2pG297GQ8JGCfJ8gZ4nFYPyRNuWrHG
nFsFfDWYncj9yHcx4Y3g1TK1c3EXzGsOwGMVu4lGbX4E6/OPrCwzowJBAJBV8QFP
2SSb6J5vg0lZ+4MX/Cw7t5jA4jTySpoQPgUuufML62N7btR3et1SLNNgdRNFLoNs
VY8va6zZ1yhApe8=
-----END PRIVATE KEY-----
";

/// Where a `pgtUrl` leads: somebody answers, and wants no ticket.
struct Door {
    url: String,
    queries: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Door {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/about", listener.local_addr().unwrap());
        let queries: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&queries);
        let app = Router::new().fallback(async move |uri: Uri| {
            let query = uri.query().unwrap_or_default().to_owned();
            seen.lock().unwrap().push(query);
            "hello".into_response()
        });
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            url,
            queries,
            server,
        }
    }
}

/// A portal with this key, whose tickets come as attributes.
fn by_attribute(config: CasConfigBuilder, key: &str, pgt_url: &str) -> CasConfigBuilder {
    config
        .client(|client| {
            client
                .service_private_key_pem(key)
                .proxy_callback_url(pgt_url)
        })
        .proxy(|proxy| proxy.granting_tickets_by_attribute(true))
}

fn encrypted(config: CasConfigBuilder) -> CasConfigBuilder {
    config.session(|session| session.encrypted(true))
}

fn stored(config: CasConfigBuilder) -> CasConfigBuilder {
    config.proxy(|proxy| proxy.granting_tickets_in_registry(true))
}

/// The attributes that handlers see.
async fn attributes(portal: &Portal, visitor: &Visitor) -> Value {
    visitor.get_json(&portal.at("/attributes")).await.json()
}

#[track_caller]
fn assert_has_no_secrets(attributes: &Value) {
    let attributes = attributes.as_object().unwrap();
    assert!(attributes.contains_key("memberOf"), "{attributes:?}");
    for name in SECRETS {
        assert!(!attributes.contains_key(name), "{attributes:?}");
    }
}

#[tokio::test]
async fn a_ticket_that_comes_as_an_attribute_gets_proxy_tickets_that_another_service_accepts() {
    let key = ServiceKey::generate();
    for keep in [encrypted, stored] {
        for format in [ResponseFormat::Xml, ResponseFormat::Json] {
            let door = Door::open().await;
            let cas = cas().service_public_key_pem(&key.public_pem);
            let cas = cas.start().await.unwrap();
            let portal = Portal::start(&cas, |config| {
                let config = by_attribute(keep(config), &key.private_pem, &door.url);
                config.client(|client| client.format(format))
            })
            .await;
            let chain = ProxyChain::exact([door.url.clone()]);
            let accept =
                |config: CasConfigBuilder| config.client(|client| client.accept_proxies([chain]));
            let api = Api::start(&cas, accept, |layer| layer).await;

            let visitor = portal.sign_in(&cas).await;
            assert_has_no_secrets(&attributes(&portal, &visitor).await);
            let ticket = portal.ticket(&visitor, &api.at("/records")).await.unwrap();
            let credentials = format!("CAS {ticket}");
            let request = api.get("/records").header("authorization", credentials);
            let called = answer(request).await;
            assert_eq!(
                (called.status, &called.body["user"]),
                (200, &json!("alice"))
            );
            // The server looked whether somebody is there, and sent nothing.
            assert!(cas.proxy_callbacks().iter().all(|call| call.probe));
            assert_eq!(*door.queries.lock().unwrap(), [""]);
        }
    }
}

#[tokio::test]
async fn a_logout_request_for_a_ticket_that_came_as_an_attribute_ends_that_alone() {
    let (key, door) = (ServiceKey::generate(), Door::open().await);
    let released = [(SECRETS[0], key.encrypt(b"PGT-1-abc"))];
    let cas = with_attributes(&released).start().await.unwrap();
    for keep in [encrypted, stored] {
        let configure = |config| by_attribute(keep(config), &key.private_pem, &door.url);
        let portal = Portal::start(&cas, configure).await;
        let visitor = portal.sign_in(&cas).await;
        let message = logout_request("PGT-1-abc");
        let told = client().post(portal.at("/login"));
        let told = answer(told.form(&[("logoutRequest", message)])).await;
        assert_eq!(told.status, 200);
        let me = visitor.get_json(&portal.at("/me")).await;
        assert_eq!(me.status, 200, "the session goes on");
        let refused = portal.ticket(&visitor, TARGET).await;
        assert_eq!(refused, Err("Expired".to_owned()));
        // The server has not issued this ticket, and would have said so.
        assert_eq!(cas.proxy_requests(), 0, "it was asked in vain");
    }
}

/// What the app's hooks are told of the password.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Option<String>>>>);

impl Told {
    fn listen(&self, config: CasConfigBuilder) -> CasConfigBuilder {
        let (map, admit) = (self.clone(), self.clone());
        config.session(|session| {
            session
                .map(move |session| {
                    map.note(session.authentication());
                    Ok(())
                })
                .admit(move |session| {
                    admit.note(session.authentication());
                    assert!(!format!("{session:?}").contains(PASSWORD));
                    async { Ok(session) }
                })
        })
    }

    fn note(&self, authentication: &Authentication) {
        for name in SECRETS {
            assert!(authentication.attributes().all(name).is_empty());
        }
        let password = authentication.credential();
        let password = password.map(|password| password.expose_secret().to_owned());
        self.0.lock().unwrap().push(password);
    }

    fn all(&self) -> Vec<Option<String>> {
        self.0.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn the_password_is_told_to_the_apps_hooks_at_sign_in_and_kept_nowhere() {
    let key = ServiceKey::generate();
    for (protocol, format) in [
        (Protocol::Cas3, ResponseFormat::Xml),
        (Protocol::Cas3, ResponseFormat::Json),
        (Protocol::Cas2, ResponseFormat::Xml),
        (Protocol::Cas2, ResponseFormat::Json),
    ] {
        let cas = cas().service_public_key_pem(&key.public_pem);
        let cas = cas.quirk(Quirk::Cas2Attributes).start().await.unwrap();
        let told = Told::default();
        // A cookie that the browser can read.
        let portal = Portal::start(&cas, |config| {
            told.listen(config.client(|client| {
                let client = client.protocol(protocol).format(format);
                client.service_private_key_pem(&*key.private_pem)
            }))
        })
        .await;
        let visitor = portal.sign_in(&cas).await;
        assert_eq!(
            told.all(),
            [Some(PASSWORD.to_owned()), Some(PASSWORD.to_owned())]
        );
        assert_has_no_secrets(&attributes(&portal, &visitor).await);
        assert_eq!(told.all().len(), 2, "at sign-in alone");
        let cookies = visitor.cookies(&portal.url).into_iter();
        let decoded = cookies.map(|(_, value)| {
            let bytes = data_encoding::BASE64URL_NOPAD.decode(value.as_bytes());
            String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
        });
        let readable: String = decoded.collect();
        assert!(readable.contains("alice"), "or nothing can be found in it");
        assert!(!readable.contains(PASSWORD) && !readable.contains("credential"));
    }
}

/// The client's own answer to a ticket of this user.
async fn validated(cas: &CasServer, keys: &[&str], user: &str) -> Authentication {
    let client = keys
        .iter()
        .fold(CasClient::builder(cas.url()), |client, key| {
            client.service_private_key_pem(*key)
        });
    let client = client.build().unwrap();
    let ticket = ServiceTicket::parse(&cas.issue_ticket(user, SERVICE)).unwrap();
    let service = ServiceUrl::parse(SERVICE).unwrap();
    client.validate(&ticket, &service).await.unwrap()
}

fn password(authentication: &Authentication) -> Option<&str> {
    authentication.credential().map(Password::expose_secret)
}

#[tokio::test]
async fn keys_are_tried_in_order_so_that_they_can_be_changed() {
    let [old, new, other] = [(); 3].map(|()| ServiceKey::generate());
    for server in [&old, &new] {
        let cas = cas().service_public_key_pem(&server.public_pem);
        let cas = cas.start().await.unwrap();
        for (keys, expected) in [
            (vec![&*old.private_pem, &*new.private_pem], Some(PASSWORD)),
            (
                vec![&*new.private_pkcs1_pem, &*old.private_pkcs1_pem],
                Some(PASSWORD),
            ),
            (vec![&*other.private_pem], None),
        ] {
            let alice = validated(&cas, &keys, "alice").await;
            assert_eq!(password(&alice), expected);
            assert!(alice.attributes().all("credential").is_empty());
        }
    }
}

/// Values of the two attributes that are no secrets.
fn hostile(key: &ServiceKey, other: &ServiceKey, good: &str, bad: &[&[u8]]) -> Vec<Vec<String>> {
    let ciphertext = key.encrypt_bytes(good.as_bytes());
    let value = key.encrypt(good.as_bytes());
    let mut longer = ciphertext.clone();
    longer.push(0);
    let mut broken = ciphertext.clone();
    broken[100] ^= 1;
    let mut values = vec![
        vec![],
        vec![String::new()],
        vec![good.to_owned()],
        vec![value.clone(), value.clone()],
        vec![value.clone(), "x".to_owned()],
        vec!["no base64!".to_owned()],
        vec![BASE64_URL_SAFE.encode([0xff; 256])],
        vec![value.trim_end_matches('=').to_owned()],
        vec![format!("{}\n{}", &value[..76], &value[76..])],
        vec![BASE64_STANDARD.encode(&ciphertext[1..])],
        vec![BASE64_STANDARD.encode(longer)],
        vec![BASE64_STANDARD.encode(broken)],
        vec![BASE64_STANDARD.encode([0; 256])],
        vec![BASE64_STANDARD.encode([0xff; 256])],
        vec!["A".repeat(100_000)],
        vec![other.encrypt(good.as_bytes())],
        vec![key.encrypt(b"")],
        vec![key.encrypt(&[0xff, 0xfe])],
    ];
    values.extend(bad.iter().map(|bad| vec![key.encrypt(bad)]));
    values
}

#[tokio::test]
async fn what_is_no_secret_is_dropped_and_the_user_is_signed_in_without_it() {
    let (key, other) = (ServiceKey::generate(), ServiceKey::generate());
    let tickets: [&[u8]; 6] = [
        b"hello",
        b"ST-1-abc",
        b"PGT-1 2",
        b"PGT-1&targetService=x",
        b"PGT-1\n",
        b" PGT-1",
    ];
    let passwords: [&[u8]; 4] = [
        b"rabbit\nhole",
        b"rabbit\0hole",
        b"\x7f",
        "\u{85}".as_bytes(),
    ];
    let tickets = hostile(&key, &other, "PGT-1-abc", &tickets);
    let passwords = hostile(&key, &other, PASSWORD, &passwords);
    let cases = tickets.iter().map(|values| (SECRETS[0], values));
    let cases: Vec<_> = cases
        .chain(passwords.iter().map(|values| (SECRETS[1], values)))
        .collect();
    let user = |number: usize| format!("user-{number}");
    let mut cas = CasServer::builder().allow_http_callbacks(true);
    for (number, (name, values)) in cases.iter().enumerate() {
        let user = User::new(user(number), PASSWORD).attribute("memberOf", ["rabbits"]);
        let user = user.attribute("pgtIou", [key.encrypt(b"PGTIOU-1")]);
        cas = cas.user(user.attribute(*name, values.iter().cloned()));
    }
    let cas = cas.start().await.unwrap();
    let (door, told) = (Door::open().await, Told::default());
    let portal = Portal::start(&cas, |config| {
        told.listen(by_attribute(encrypted(config), &key.private_pem, &door.url))
    })
    .await;
    for (number, case) in cases.iter().enumerate() {
        let visitor = Visitor::new();
        let url = portal.at("/me");
        let me = cas.sign_in_as(visitor.client(), &url, &user(number)).await;
        assert_eq!(me.unwrap().status(), 200, "{case:?}");
        assert_has_no_secrets(&attributes(&portal, &visitor).await);
        let ticket = portal.ticket(&visitor, TARGET).await;
        assert_eq!(ticket, Err("NoGrantingTicket".to_owned()), "{case:?}");
    }
    assert!(told.all().iter().all(Option::is_none));
    assert_eq!(told.all().len(), 2 * cases.len());
    assert_eq!(cas.proxy_requests(), 0);
}

/// A server whose alice has these attributes, whatever key the services have.
fn with_attributes(attributes: &[(&str, String)]) -> CasServerBuilder {
    let alice = User::new("alice", PASSWORD).attribute("memberOf", ["rabbits"]);
    let alice = attributes.iter().fold(alice, |alice, (name, value)| {
        alice.attribute(*name, [value.clone()])
    });
    CasServer::builder().user(alice).allow_http_callbacks(true)
}

#[tokio::test]
async fn the_embedded_server_takes_no_key_that_is_none() {
    let key = ServiceKey::generate();
    let ec = rcgen::KeyPair::generate().unwrap().public_key_pem();
    for bad in ["", "key", &key.private_pem, &ec] {
        let error = cas().service_public_key_pem(bad).start().await.err();
        assert_eq!(
            error.map(|error| error.kind()),
            Some(std::io::ErrorKind::InvalidInput),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn the_longest_secrets_of_a_key_are_taken() {
    let key = ServiceKey::generate();
    let (ticket, password) = (format!("PGT-{}", "x".repeat(241)), "ä".repeat(122));
    let cas = with_attributes(&[
        (SECRETS[0], key.encrypt(ticket.as_bytes())),
        (SECRETS[1], key.encrypt(password.as_bytes())),
    ]);
    let cas = cas.start().await.unwrap();
    let alice = validated(&cas, &[&key.private_pem], "alice").await;
    let granted = alice.proxy_granting_ticket().unwrap();
    assert_eq!(granted.expose_secret(), ticket);
    assert_eq!(self::password(&alice), Some(&*password));
    let printed = format!("{alice:?}");
    assert!(
        !printed.contains("PGT-") && !printed.contains("ä"),
        "{printed}"
    );
}

#[tokio::test]
async fn of_a_ticket_by_callback_and_one_by_attribute_the_attribute_counts() {
    let key = ServiceKey::generate();
    let forged = [(SECRETS[0], key.encrypt(b"PGT-1-of-the-attribute"))];
    let cas = with_attributes(&forged).start().await.unwrap();
    for (has_key, expected) in [(false, Ok(())), (true, Err("Expired".to_owned()))] {
        let portal = Portal::start(&cas, |config| {
            in_cookie(config).client(|client| {
                if has_key {
                    client.service_private_key_pem(&*key.private_pem)
                } else {
                    client
                }
            })
        })
        .await;
        let visitor = portal.sign_in(&cas).await;
        let ticket = portal.ticket(&visitor, TARGET).await;
        assert_eq!(
            ticket.map(drop),
            expected,
            "the server knows the callback's alone"
        );
    }
}

#[tokio::test]
async fn without_a_key_a_granting_ticket_is_no_attribute_and_a_credential_is_one() {
    let attributes = [
        (SECRETS[0], "PGT-1-not-encrypted".to_owned()),
        (SECRETS[1], "teacher".to_owned()),
    ];
    let cas = with_attributes(&attributes).start().await.unwrap();
    let alice = validated(&cas, &[], "alice").await;
    assert!(alice.attributes().all(SECRETS[0]).is_empty());
    assert_eq!(alice.attributes().all(SECRETS[1]), ["teacher"]);
    assert!(alice.proxy_granting_ticket().is_none() && alice.credential().is_none());
}

fn client_error(keys: &[&str], protocol: Protocol) -> String {
    let client = CasClient::builder("https://cas.example.org/cas").protocol(protocol);
    let client = keys
        .iter()
        .fold(client, |client, key| client.service_private_key_pem(*key));
    client.build().unwrap_err().to_string()
}

#[test]
fn a_key_that_is_none_is_told_apart_at_build_without_showing_it() {
    let key = ServiceKey::generate();
    let good = &*key.private_pem;
    let ec = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let two = format!("{good}{good}");
    let cut = &good[..good.len() / 2];
    let garbled = good.replace("MII", "AAA");
    for (bad, expected) in [
        ("", "no private key"),
        ("MIIEvQIBADAN", "no private key"),
        (&*key.public_pem, "no private key"),
        (cut, "not valid PEM"),
        (&two, "more than one"),
        (TOO_SMALL, "no RSA key of 2,048 to 4,096 bits"),
        (&ec, "no RSA key"),
        (&garbled, "no RSA key"),
    ] {
        let message = client_error(&[good, bad], Protocol::Cas3);
        assert!(message.contains(expected), "{message}: {bad}");
        assert!(
            message.starts_with("private key 2 of the service: "),
            "{message}"
        );
        let shown = bad.lines().nth(1).unwrap_or("MII");
        assert!(!message.contains(shown), "{message}");
    }
    assert!(client_error(&[good], Protocol::Cas1).contains("CAS 1"));
    let builder = CasClient::builder("https://cas.example.org").service_private_key_pem(good);
    let printed = format!("{builder:?} {:?}", builder_of(good).build().unwrap());
    assert!(!printed.contains(good.lines().nth(1).unwrap()));
}

fn builder_of(key: &str) -> cas_layer::CasClientBuilder {
    CasClient::builder("https://cas.example.org").service_private_key_pem(key)
}

#[test]
fn a_ticket_by_attribute_needs_a_key_a_pgt_url_and_a_place_that_browsers_cannot_read() {
    let key = ServiceKey::generate();
    let pgt_url = "https://www.example.org/about";
    let config = || {
        let config = CasConfig::builder("https://cas.example.org", "https://app.example.org");
        config.key(Key::generate())
    };
    let message = |config: CasConfigBuilder| {
        let error: ConfigError = config.build().unwrap_err();
        error.to_string()
    };
    let complete = || by_attribute(config(), &key.private_pem, pgt_url);
    assert!(encrypted(complete()).build().is_ok());
    assert!(stored(complete()).build().is_ok());
    assert!(message(complete()).contains("a cookie that its browser can read"));
    let take = |config: CasConfigBuilder| {
        encrypted(config).proxy(|proxy| proxy.granting_tickets_by_attribute(true))
    };
    let needs = "need the app's private key and a `pgtUrl`";
    assert!(message(take(config())).contains(needs));
    let called = config().client(|client| client.proxy_callback_url(pgt_url));
    assert!(message(take(called)).contains(needs));
    let keyed = config().client(|client| client.service_private_key_pem(&*key.private_pem));
    assert!(message(take(keyed)).contains(needs));
    // Nobody has said that tickets are wanted.
    let unsaid = encrypted(complete()).proxy(|proxy| proxy.granting_tickets_by_attribute(false));
    assert!(message(unsaid).contains("that nobody would take"));
}
