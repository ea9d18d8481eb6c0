//! HTTP/2 as a hostile client speaks it, to the layer under hyper as axum sets it up. What is bounded here is hyper's doing for the most
//! part; that the layer adds nothing that grows, picks no wrong host and reads cookies from any number of fields is ours.

mod site;
mod wire;

use std::net::SocketAddr;

use cas_layer_tests::suite::trial;
use libtest_mimic::Trial;
use tokio::runtime;

use self::{
    site::Site,
    wire::{
        Connection, MAX_PAYLOAD, Outcome, REMEMBERED, continuation, endless, field,
        field_to_remember, fields, request, reset,
    },
};

/// What a flood sends, in bytes, if the server lets it.
const FLOOD: usize = 64 << 20;

/// What the server may need for it, and this client with it.
const ALLOWED: u64 = 2 << 20;

/// The longest list of fields that hyper takes by default, in bytes with 32 more for each (RFC 9113, section 6.5.2).
const LIST: usize = 16 * 1024;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "http2::a_request_is_for_the_host_that_it_names_once_or_for_none",
            a_request_is_for_the_host_that_it_names_once_or_for_none,
        ),
        trial(
            "http2::a_session_is_found_in_any_of_hundreds_of_cookie_fields",
            a_session_is_found_in_any_of_hundreds_of_cookie_fields,
        ),
        in_memory(
            "http2::continuations_without_end_are_cut_off_and_leave_memory_flat",
            continuations_without_end,
        ),
        in_memory(
            "http2::fields_beyond_the_limit_never_come_to_the_app_and_leave_memory_flat",
            fields_beyond_the_limit,
        ),
        in_memory(
            "http2::requests_that_are_reset_at_once_leave_memory_flat_and_the_cas_server_alone",
            requests_that_are_reset_at_once,
        ),
        in_memory(
            "http2::requests_that_are_reset_while_the_app_works_on_them_end_there_and_leave_memory_flat",
            requests_that_are_reset_at_work,
        ),
    ]
}

/// A flood with server and client on one thread, whose memory is counted. Afterwards the server answers as ever.
fn in_memory<F>(name: &str, flood: fn(Site) -> F) -> Trial
where
    F: Future<Output = Site> + 'static,
{
    Trial::test(name, move || {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let site = runtime.block_on(async {
            let site = Site::start().await;
            assert_eq!(ordinary(site.address).await, "ok");
            site
        });
        let taken = allocation_counter::measure(|| {
            runtime.block_on(async {
                let site = flood(site).await;
                assert_eq!(ordinary(site.address).await, "ok");
            });
        });
        println!("{} bytes at most", taken.bytes_max);
        assert!(taken.bytes_max < ALLOWED, "{}", taken.bytes_max);
        Ok(())
    })
}

/// What the app says to an ordinary request of somebody else.
async fn ordinary(address: SocketAddr) -> String {
    let block = [
        &get("/healthz")[..],
        &field(":authority", &address.to_string()),
    ]
    .concat();
    match ask(address, &block).await {
        Outcome::Answer(body) => body,
        Outcome::Refused => "refused".to_owned(),
    }
}

/// The answer to one request over a connection of its own.
async fn ask(address: SocketAddr, block: &[u8]) -> Outcome {
    let mut connection = Connection::open(address).await;
    connection.send(&request(1, block)).await;
    connection.outcome(1).await
}

/// What each request begins with.
fn get(path: &str) -> Vec<u8> {
    fields(&[(":method", "GET"), (":scheme", "http"), (":path", path)])
}

async fn a_request_is_for_the_host_that_it_names_once_or_for_none() {
    const UNCLEAR: &str = "the request does not say for which host it is";
    const UNKNOWN: &str = "this host is not served here";
    let site = Site::start().await;
    let [a, b] = &site.hosts;
    let (one, other) = (a.authority.as_str(), b.authority.as_str());
    // Whoever asks has a session at both.
    let cookies = [("cookie", a.cookie.as_str()), ("cookie", b.cookie.as_str())];
    let [at_a, at_b] = [a, b].map(|host| Some(format!("alice at {}", host.url)));
    let unclear = || Some(UNCLEAR.to_owned());
    let with = |name: &str| name.replace("http://", "");
    let shouted = with(&b.url).to_uppercase();
    let with_user = format!("{other}@{one}");
    let both = format!("{one},{other}");
    let two = format!("{one} {other}");
    let comma = format!("{one}, {other}");
    for (named, expected) in [
        (&[(":authority", one)][..], at_a.clone()),
        (&[(":authority", other)], at_b.clone()),
        (&[(":authority", &shouted)], at_b.clone()),
        (&[("host", one)], at_a.clone()),
        (&[("host", other)], at_b.clone()),
        (&[(":authority", one), ("host", one)], at_a.clone()),
        (&[(":authority", other), ("host", &shouted)], at_b.clone()),
        // Two that differ, in either place, and in others that mean nothing.
        (&[(":authority", one), ("host", other)], unclear()),
        (&[(":authority", other), ("host", one)], unclear()),
        (&[(":authority", one), ("host", "")], unclear()),
        (
            &[(":authority", one), ("host", one), ("host", one)],
            unclear(),
        ),
        (&[("host", one), ("host", other)], unclear()),
        (&[("host", &comma)], unclear()),
        (
            &[
                (":authority", one),
                ("x-forwarded-host", other),
                ("forwarded", "host=x"),
            ],
            at_a.clone(),
        ),
        // None, or none of ours.
        (&[], unclear()),
        (&[("host", "")], unclear()),
        (&[(":authority", "evil.example")], Some(UNKNOWN.to_owned())),
        (&[("host", "evil.example")], Some(UNKNOWN.to_owned())),
        (&[(":authority", "evil.example"), ("host", one)], unclear()),
        // What HTTP/2 does not have.
        (&[(":authority", one), (":authority", one)], None),
        (&[(":authority", one), (":authority", other)], None),
        (&[("host", one), (":authority", other)], None),
    ] {
        let block = [&get("/")[..], &fields(named), &fields(&cookies)].concat();
        let expected = expected.map_or(Outcome::Refused, Outcome::Answer);
        assert_eq!(ask(site.address, &block).await, expected, "{named:?}");
    }
    // Nor does anything else that could be read as one of ours lead to an app.
    for odd in [&with_user, &both, &two, "", ":80", "[::1", "127.0.0.1:x"] {
        let block = [&get("/")[..], &field(":authority", odd), &fields(&cookies)].concat();
        let outcome = ask(site.address, &block).await;
        let is_refused = match &outcome {
            Outcome::Refused => true,
            Outcome::Answer(body) => body.is_empty() || body == UNCLEAR || body == UNKNOWN,
        };
        assert!(is_refused, "{odd:?}: {outcome:?}");
    }
    assert_eq!(ordinary(site.address).await, "ok");
}

async fn a_session_is_found_in_any_of_hundreds_of_cookie_fields() {
    let site = Site::start().await;
    let host = &site.hosts[0];
    let (name, value) = host.cookie.split_once('=').unwrap();
    let alice = Outcome::Answer(format!("alice at {}", host.url));
    let nobody = Outcome::Answer("nobody".to_owned());
    let ask_with = async |cookies: &[&str]| {
        let mut block = get("/optional");
        block.extend(field(":authority", &host.authority));
        block.extend(cookies.iter().flat_map(|cookie| field("cookie", cookie)));
        ask(site.address, &block).await
    };
    // As many as the limit of hyper has room for.
    let others = vec!["a=b"; (LIST - 2_000) / (32 + "cookiea=b".len())];
    assert!(others.len() > 300);
    for place in [0, others.len() / 2, others.len()] {
        let mut cookies = others.clone();
        cookies.insert(place, &host.cookie);
        assert_eq!(ask_with(&cookies).await, alice, "{place}");
    }
    // Planted ones of the same name neither hide it nor count.
    let planted = format!("{name}=x");
    let mut cookies = vec![planted.as_str(); (LIST - 2_000) / (38 + planted.len())];
    assert_eq!(ask_with(&cookies).await, nobody);
    cookies.push(&host.cookie);
    assert_eq!(ask_with(&cookies).await, alice);
    // Fields are joined by `; `, so a cookie that is torn apart is none.
    let (front, back) = host.cookie.split_at(name.len() + value.len() / 2);
    for torn in [[front, back], [back, front]] {
        assert_eq!(ask_with(&torn).await, nobody, "{torn:?}");
    }
    let (front, back) = (format!("{name}="), format!("={value}"));
    for torn in [[front.as_str(), value], [name, back.as_str()]] {
        assert_eq!(ask_with(&torn).await, nobody, "{torn:?}");
    }
}

async fn continuations_without_end(site: Site) -> Site {
    let start = [
        &get("/")[..],
        &field(":authority", &site.hosts[0].authority),
    ]
    .concat();
    let long = field("x", &"y".repeat(MAX_PAYLOAD - 100));
    let cookie = field("cookie", &"c=d; ".repeat(3_000));
    for block in [&long[..], &cookie, &field("x", "y"), &[]] {
        let connection = Connection::open(site.address).await;
        let next = continuation(1, block, false);
        let frames = std::iter::repeat_n(next.clone(), FLOOD / next.len());
        let frames = std::iter::once(endless(1, &start)).chain(frames);
        let (sent, gave_up) = connection.flood(frames.take(200_000)).await;
        println!("{sent} bytes of frames with {} bytes in each", block.len());
        assert!(gave_up, "{} bytes in each frame", block.len());
    }
    site
}

async fn fields_beyond_the_limit(site: Site) -> Site {
    let start = [
        &get("/count")[..],
        &field(":authority", &site.hosts[0].authority),
    ]
    .concat();
    let and = |more: &[u8]| [&start[..], more].concat();
    let long = and(&field("cookie", &"c".repeat(LIST)));
    let many = and(&field("cookie", "a=b").repeat(LIST / 41 + 1));
    // A field that is remembered costs a byte each time that it is repeated.
    let mut bomb = and(&field_to_remember("cookie", &"c".repeat(4_000)));
    bomb.extend([REMEMBERED; 12_000]);
    for block in [&long, &many, &bomb] {
        // Refused, or 431 without a body.
        let outcome = ask(site.address, block).await;
        let is_empty = matches!(&outcome, Outcome::Answer(body) if body.is_empty());
        assert!(is_empty || outcome == Outcome::Refused, "{outcome:?}");
        // And again, over one connection.
        let connection = Connection::open(site.address).await;
        let streams = (1..u32::MAX).step_by(2);
        let requests = streams.map(|stream| request(stream, block));
        let (sent, gave_up) = connection
            .flood(requests.take(FLOOD / 8 / block.len()))
            .await;
        println!("{sent} bytes, given up: {gave_up}");
    }
    assert_eq!(site.counted(), 0, "none of them came to the app");
    site
}

async fn requests_that_are_reset_at_once(site: Site) -> Site {
    let host = &site.hosts[0];
    let before = site.cas.validations();
    for path in ["/", "/login", "/login?ticket=ST-1", "/logout"] {
        let mut block = [&get(path)[..], &field(":authority", &host.authority)].concat();
        block.extend(field("cookie", &host.cookie));
        let connection = Connection::open(site.address).await;
        let streams = (1..u32::MAX).step_by(2).take(20_000);
        let frames = streams.map(|stream| [request(stream, &block), reset(stream)].concat());
        let (sent, gave_up) = connection.flood(frames).await;
        println!("{path}: {sent} bytes, given up: {gave_up}");
    }
    assert_eq!(
        site.cas.validations(),
        before,
        "no ticket of theirs is good"
    );
    site
}

async fn requests_that_are_reset_at_work(site: Site) -> Site {
    const ROUNDS: u32 = 50;
    const AT_ONCE: u32 = 100;
    let authority = field(":authority", &site.hosts[0].authority);
    let slow = [
        &get("/slow")[..],
        &authority,
        &field("cookie", &site.hosts[0].cookie),
    ]
    .concat();
    let quick = [&get("/healthz")[..], &authority].concat();
    let mut connection = Connection::open(site.address).await;
    let mut streams = (1..u32::MAX).step_by(2);
    for round in 1..=ROUNDS {
        let slow_ones: Vec<u32> = streams.by_ref().take(AT_ONCE as usize).collect();
        for stream in &slow_ones {
            connection.send(&request(*stream, &slow)).await;
        }
        site.slow.begun.wait_for(round * AT_ONCE).await;
        for stream in slow_ones {
            connection.send(&reset(stream)).await;
        }
        // Others on the connection do not suffer.
        let stream = streams.next().unwrap();
        connection.send(&request(stream, &quick)).await;
        let outcome = connection.outcome(stream).await;
        assert_eq!(outcome, Outcome::Answer("ok".to_owned()));
    }
    site.slow.ended.wait_for(ROUNDS * AT_ONCE).await;
    site
}
