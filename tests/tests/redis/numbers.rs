//! Numbers that no session has, and what else under the keys cannot be what it should be.

use std::time::Duration;

use axum::{Router, routing::get};
use cas_layer::{
    CasApiLayer, CasConfig, CasUser, Key, RedisRegistry,
    registry::{Opened, Registry as _},
    testing::{CasServer, User},
};
use cas_layer_tests::{
    checker::network::Way,
    listening::{Listening, heard},
    redis::RedisServer,
};
use tokio::net::TcpListener;

use crate::{
    proxy::Proxy,
    support::{
        LIFETIME, Session, account, connect, connect_to, ends, eventually, exists, is_back,
        is_ended, key, log_out, new_id, now, settled, sign_in, try_sign_in,
    },
};

pub(crate) const NUMBER: &str = "{cas-layer}:number";
const LONGEST: &str = "{cas-layer}:longest";

/// In microseconds.
const MINUTE: u64 = 60_000_000;
const YEAR: u64 = 366 * 24 * 60 * MINUTE;
/// Later than anything that can be counted.
const LATE: &str = "9007199254740991";

/// The last number that Redis gave.
async fn number(server: &RedisServer) -> u64 {
    let text: String = server.command(&["GET", NUMBER]).await;
    text.parse().unwrap_or_else(|_| panic!("a number: {text}"))
}

/// Whether the last number is one, some minutes ahead of the clock at most.
async fn is_fit(server: &RedisServer) -> bool {
    number(server).await < now() * 1_000_000 + 15 * MINUTE
}

async fn end_all(node: &RedisRegistry, user: &str) {
    let now = now();
    node.end_all(account(user), now + LIFETIME, now)
        .await
        .unwrap();
}

/// Says what is logged while a node connects.
async fn heard_on_connecting(server: &RedisServer) -> (RedisRegistry, String) {
    let _listening = Listening::start();
    let node = connect(server).await;
    (node, heard())
}

pub(crate) async fn an_api_without_sessions_tells_redis_no_number() {
    let server = RedisServer::start().await;
    let registry = settled(&server).await;
    let cas = CasServer::builder()
        .user(User::new("alice", "rabbit-hole"))
        .allow_http_callbacks(true);
    let cas = cas.start().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let config = CasConfig::builder(cas.url(), &url)
        .key(Key::generate())
        .registry(registry.clone())
        .session(|session| session.encrypted(true))
        .proxy(|proxy| proxy.callback_path("/cas/proxy"))
        .build()
        .unwrap();
    let acts = async |user: CasUser| {
        let ticket = user.proxy_ticket("https://next.example.org/").await;
        ticket.map_or_else(
            |error| error.to_string(),
            |_| "acts for the user".to_owned(),
        )
    };
    let app = Router::new()
        .route("/", get(acts))
        .layer(CasApiLayer::new(config));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let ticket = cas.issue_ticket("alice", &format!("{url}/"));
    let answer = reqwest::Client::new()
        .get(format!("{url}/"))
        .header("authorization", format!("CAS {ticket}"))
        .send();
    assert_eq!(
        answer.await.unwrap().text().await.unwrap(),
        "acts for the user"
    );

    // Everybody signs in as before, here and elsewhere, and nodes start.
    let session = sign_in(&registry).await;
    let other = connect(&server).await;
    sign_in(&other).await;
    assert!(is_fit(&server).await);
    end_all(&registry, "alice").await;
    assert!(is_ended(&registry, &session));
    assert!(!is_ended(&registry, &sign_in(&other).await));
}

pub(crate) async fn a_number_out_of_a_cookie_is_believed_by_nobody() {
    let server = RedisServer::start().await;
    let node = settled(&server).await;
    for number in [u64::MAX, 1 << 53, now() * 1_000_000 + YEAR] {
        let shown = Session {
            number,
            ..Session::unknown()
        };
        assert!(!is_ended(&node, &shown));
    }
    sign_in(&node).await;
    connect(&server).await;
    assert!(is_fit(&server).await);
}

/// What a version before this one left there, and what cannot come from the registry at all.
const UNFIT: [&str; 6] = [
    "18446744073709551616",
    "9007199254740993",
    "nan",
    "-1",
    "none",
    "",
];

pub(crate) async fn a_number_that_cannot_be_one_is_repaired_when_a_node_connects() {
    for unfit in UNFIT {
        let server = RedisServer::start().await;
        let before = sign_in(&settled(&server).await).await;
        server.command::<()>(&["SET", NUMBER, unfit]).await;
        let (node, heard) = heard_on_connecting(&server).await;
        assert!(heard.contains("ERROR") && heard.contains(NUMBER), "{heard}");
        assert!(is_fit(&server).await, "{unfit}");
        // Nothing was lost: earlier sessions are below the next end, and later ones above it.
        end_all(&node, "alice").await;
        let after = sign_in(&node).await;
        assert!(
            is_ended(&node, &before) && !is_ended(&node, &after),
            "{unfit}"
        );
        let (_, heard) = heard_on_connecting(&server).await;
        assert!(!heard.contains("ERROR"), "said once: {heard}");
    }
    let server = RedisServer::start().await;
    server.command::<()>(&["RPUSH", NUMBER, "1"]).await;
    sign_in(&connect(&server).await).await;
    assert!(is_fit(&server).await);
}

pub(crate) async fn a_number_that_is_spoilt_meanwhile_stops_no_sign_in_and_no_end() {
    let server = RedisServer::start().await;
    let node = settled(&server).await;
    let mut last = 0;
    for unfit in UNFIT {
        server.command::<()>(&["SET", NUMBER, unfit]).await;
        let session = sign_in(&node).await;
        assert!(session.number > last, "{unfit}");
        last = session.number;
        assert!(is_fit(&server).await, "{unfit}");
        server.command::<()>(&["SET", NUMBER, unfit]).await;
        end_all(&node, "alice").await;
        let after = sign_in(&node).await;
        assert!(
            is_ended(&node, &session) && !is_ended(&node, &after),
            "{unfit}"
        );
    }
}

pub(crate) async fn an_end_that_was_written_with_such_a_number_counts() {
    for unfit in UNFIT {
        let server = RedisServer::start().await;
        let before = sign_in(&settled(&server).await).await;
        let (account, expires_at) = (account("alice"), (now() + LIFETIME).to_string());
        let account: String = account
            .as_bytes()
            .iter()
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        server.command::<()>(&["SET", NUMBER, unfit]).await;
        let entry = ["XADD", "{cas-layer}:ended", "*", "a", &account, "n", unfit];
        let entry = [&entry[..], &["x", &expires_at]].concat();
        server.command::<()>(&entry).await;
        let node = connect(&server).await;
        assert!(is_ended(&node, &before), "{unfit}");
        assert!(!node.is_ended(&before.of("bob")), "{unfit}");
        // It ends nobody who comes later.
        assert!(!is_ended(&node, &sign_in(&node).await), "{unfit}");
    }
}

pub(crate) async fn a_number_ahead_of_the_clock_is_kept() {
    let server = RedisServer::start().await;
    // Redis is at 1970, as it were: what it gave before is far ahead.
    let given = now() * 1_000_000 + 60 * YEAR;
    server
        .command::<()>(&["SET", NUMBER, &given.to_string()])
        .await;
    let node = settled(&server).await;
    let session = sign_in(&node).await;
    assert!((given..given + MINUTE).contains(&session.number));
    end_all(&node, "alice").await;
    assert!(is_ended(&node, &session));
    assert!(!is_ended(&node, &sign_in(&node).await));
}

pub(crate) async fn sessions_of_before_a_loss_are_older_even_if_no_node_is_left() {
    let mut server = RedisServer::start().await;
    let node = settled(&server).await;
    // The clock of that Redis was ahead.
    let ahead = now() * 1_000_000 + 5 * MINUTE;
    server
        .command::<()>(&["SET", NUMBER, &ahead.to_string()])
        .await;
    let before = sign_in(&node).await;
    assert!(before.number > ahead);
    drop(node);
    server.kill().await;
    server.empty();
    server.restart().await;
    let node = connect(&server).await;
    let between = sign_in(&node).await;
    end_all(&node, "alice").await;
    for session in [&before, &between] {
        assert!(is_ended(&node, session), "{session:?}");
    }
    assert!(!is_ended(&node, &sign_in(&node).await));
}

pub(crate) async fn a_sign_out_of_all_while_redis_is_away_counts_for_those_whom_a_node_has_not_heard_of()
 {
    let server = RedisServer::start().await;
    let (one, two) = (settled(&server).await, connect(&server).await);
    // Redis is new to the registry, so its numbers are ahead of its clock and count up by one.
    let unheard = sign_in(&two).await;
    server.hang();
    let now = now();
    let all = one.end_all(account("alice"), now + LIFETIME, now);
    assert!(all.await.is_err());
    assert!(is_ended(&one, &unheard));
    server.go_on();
    eventually("the other node hears of it", async || {
        is_ended(&two, &unheard)
    })
    .await;
    eventually("later sign-ins are above it", async || {
        match try_sign_in(&two).await {
            Ok(session) => !is_ended(&one, &session) && !is_ended(&two, &session),
            Err(_) => false,
        }
    })
    .await;
}

macro_rules! lua {
    ($($file:literal),+) => {
        concat!($(include_str!(concat!("../../../cas-layer/src/registry/redis/lua/", $file, ".lua")), "\n"),+)
    };
}

/// Those that every script names.
fn keys() -> [String; 10] {
    [
        "epoch",
        "instance",
        "ended",
        "number",
        "longest",
        "recovering",
        "kept-listed",
        "kept",
        "kept-front",
        "base",
    ]
    .map(|name| format!("{{cas-layer}}:{name}"))
}

/// Two servers take turns, and the clock of one of them is wrong, up to one at 1970 after a power cut. Each has what the other one
/// had. Nodes of before come first, or those that have just started.
pub(crate) async fn numbers_do_not_run_away_when_two_clocks_differ() {
    type Joined = (String, bool, u64, u64, bool, Vec<String>, (u64, u64));
    for (apart, is_new) in [
        (MINUTE, false),
        (MINUTE, true),
        (54 * YEAR, false),
        (54 * YEAR, true),
    ] {
        let server = RedisServer::start().await;
        let keys = keys();
        let start = now();
        let (mut last, mut reached) = (0, 0);
        for turn in 0..20 {
            let late = if turn % 2 == 0 { 0 } else { apart };
            let seconds = start + turn - late / 1_000_000;
            let script = lua!("common", "join")
                .replace("redis.call('TIME')", &format!("{{ '{seconds}', '0' }}"));
            let instance = format!("server {}", turn % 2);
            let knows = turn > 0 && !(is_new && turn % 2 == 0);
            let (sign, said) = if knows {
                ("1", reached.to_string())
            } else {
                ("0", "0".to_owned())
            };
            let mut words = vec!["EVAL", &script, "10"];
            words.extend(keys.iter().map(String::as_str));
            words.extend(["one", &instance, "60", "0", sign, "0", "0", "0", &said]);
            let joined: Joined = server.command(&words).await;
            let (.., number, is_refused, repaired, (_, ahead)) = joined;
            let said = format!("{apart} {is_new} {turn}: {number} {ahead}");
            assert!(!is_refused && repaired.is_empty(), "{said}");
            assert!(number >= last, "{said}");
            // Who has just started cannot know how far the old one is.
            let more = if is_new { 25 * 60 } else { 11 };
            assert!(ahead <= apart + more * MINUTE, "{said}");
            if knows {
                assert!(number >= reached, "{said}");
            }
            last = number;
            // A second later.
            reached = seconds * 1_000_000 + 1_000_000 + ahead;
        }
    }
}

pub(crate) async fn every_script_refuses_a_number_that_no_redis_gave() {
    let server = RedisServer::start().await;
    sign_in(&settled(&server).await).await;
    let epoch: String = server.command(&["GET", "{cas-layer}:epoch"]).await;
    let base: String = server.command(&["GET", "{cas-layer}:base"]).await;
    let (base, _) = base.split_once(' ').unwrap();
    let (id, account) = (new_id(), "a1".repeat(16));
    let session = key(id);
    let kept = session.replace(":s:", ":k:");
    let keys = keys();
    let id = id.to_string();
    let expires_at = (now() + LIFETIME).to_string();
    let beyond = (now() * 1_000_000 + 101 * YEAR).to_string();
    for number in [
        "18446744073709551615",
        "9007199254740993",
        &beyond,
        "nan",
        "-1",
        "",
    ] {
        server.command::<()>(&["SET", &session, "b1:run"]).await;
        let join = lua!("common", "join");
        let open = lua!("common", "guard", "open");
        let reopen = lua!("common", "guard", "reopen");
        let end_all = lua!("common", "guard", "end_all");
        let end = [&*epoch, &account, number, &expires_at, "60"];
        for (script, session, arguments) in [
            (
                join,
                None,
                vec![&*epoch, "", "60", number, "1", "0", "0", "0", number],
            ),
            (
                open,
                Some(&session),
                vec![&epoch, "run", &expires_at, "60", number],
            ),
            (
                reopen,
                Some(&session),
                vec![&epoch, number, &id, &expires_at, "60"],
            ),
            (end_all, None, end.to_vec()),
            // Called for before a loss, after it, and by somebody who still waits.
            (end_all, None, [&end[..], &["1", "1", "1", "0"]].concat()),
            (end_all, None, [&end[..], &[base, "1", "1", "0"]].concat()),
            (end_all, None, [&end[..], &[base, "1", "1", LATE]].concat()),
        ] {
            let count = (keys.len() + 2 * usize::from(session.is_some())).to_string();
            let mut words = vec!["EVAL", script, &count];
            words.extend(keys.iter().map(String::as_str));
            words.extend(session.into_iter().flat_map(|session| [&**session, &*kept]));
            words.extend(arguments);
            let _: redis::Value = server.command(&words).await;
            assert!(is_fit(&server).await, "{number}: {script}");
        }
    }
    // Those ends count, and for nobody who comes later.
    let told: Vec<(String, Vec<String>)> = server
        .command(&["XRANGE", "{cas-layer}:ended", "-", "+"])
        .await;
    assert_eq!(told.len(), 24);
    for (_, fields) in told {
        let end: u64 = fields[3].parse().unwrap();
        assert!(end > now() * 1_000_000 - MINUTE && end <= number(&server).await);
    }
}

pub(crate) async fn no_session_lasts_longer_than_one_can() {
    let server = RedisServer::start().await;
    let node = settled(&server).await;
    let id = new_id();
    node.begin(id, Duration::MAX).await.unwrap();
    let opened = node.open(id, u64::MAX, now()).await.unwrap();
    let Opened::Live { number } = opened else {
        panic!("{opened:?}")
    };
    let session = Session {
        id,
        number,
        expires_at: u64::MAX,
    };
    assert!(exists(&server, &session).await);
    // A logout ends it as any other, and the next sign-outs are told.
    assert_eq!(log_out(&node, &session).await.unwrap(), 1);
    assert!(is_ended(&node, &session));
    let unknown = Session::unknown();
    node.end(unknown.id, u64::MAX, 0).await.unwrap();
    node.end_all(account("bob"), u64::MAX, 0).await.unwrap();
    assert_eq!(log_out(&node, &sign_in(&node).await).await.unwrap(), 1);
    let longest: u64 = server.command(&["GET", LONGEST]).await;
    assert!(longest <= 366 * 24 * 3600, "{longest}");
    connect(&server).await;
}

pub(crate) async fn a_longest_life_that_cannot_be_one_is_repaired_and_nothing_forgotten_early() {
    for unfit in UNFIT {
        let server = RedisServer::start().await;
        let node = settled(&server).await;
        server.command::<()>(&["SET", LONGEST, unfit]).await;
        // Nobody is held up meanwhile.
        let session = sign_in(&node).await;
        assert_eq!(log_out(&node, &session).await.unwrap(), 1);
        server.command::<()>(&["SET", LONGEST, unfit]).await;
        let (new, heard) = heard_on_connecting(&server).await;
        assert!(
            heard.contains("ERROR") && heard.contains(LONGEST),
            "{heard}"
        );
        assert!(is_ended(&new, &session), "{unfit}");
        let longest: u64 = server.command(&["GET", LONGEST]).await;
        assert!(longest >= 366 * 24 * 3600, "{longest}");
    }
}

pub(crate) async fn a_recovery_without_an_end_is_one_all_the_same() {
    let server = RedisServer::start().await;
    settled(&server).await;
    server
        .command::<()>(&["SET", "{cas-layer}:recovering", "1"])
        .await;
    let node = connect(&server).await;
    // Unknown sessions are opened again, and their logouts kept, in a number that is counted for long.
    let seen = Session::unknown();
    eventually("a session is known again", async || {
        assert!(!is_ended(&node, &seen));
        exists(&server, &seen).await
    })
    .await;
    let unknown = Session::unknown();
    assert_eq!(log_out(&node, &unknown).await.unwrap(), 0);
    let left: u64 = server.command(&["TTL", "{cas-layer}:kept"]).await;
    assert!(left > 60, "{left}");
}

/// The caller was told that it failed, and the user has signed in again meanwhile.
pub(crate) async fn an_end_of_all_that_comes_late_ends_nobody_who_came_later() {
    // Numbers that are ahead of the clock, and numbers that are not.
    for is_ahead in [true, false] {
        let server = RedisServer::start().await;
        let proxy = Proxy::to(server.port()).await;
        settled(&server).await;
        if !is_ahead {
            server.command::<()>(&["DEL", "{cas-layer}:base"]).await;
            server.command::<()>(&["DEL", NUMBER]).await;
        }
        let other = connect(&server).await;
        let node = connect_to(proxy.url()).await;
        let before = sign_in(&other).await;
        proxy.cut();
        let now = now();
        let all = node.end_all(account("alice"), now + LIFETIME, now).await;
        assert!(all.is_err());
        let after = sign_in(&other).await;
        proxy.mend();
        ends(&other, &before).await;
        is_back(&node).await;
        for registry in [&node, &other] {
            assert!(is_ended(registry, &before), "{is_ahead}");
            assert!(!is_ended(registry, &after), "{is_ahead}");
        }
    }
}

/// They count up for a moment after the clock of Redis went back, or after an end by a node that took it to be later.
pub(crate) async fn an_end_of_all_covers_sessions_whose_numbers_were_ahead_of_the_clock() {
    let server = RedisServer::start().await;
    let way = Way::to(server.port()).await;
    settled(&server).await;
    server.command::<()>(&["DEL", "{cas-layer}:base"]).await;
    let other = connect(&server).await;
    let node = connect_to(format!("redis://{}", way.address())).await;
    // The clock has caught up by the time that Redis hears of the end.
    way.slow(Duration::from_millis(400));
    let (seconds, micros): (u64, u64) = server.command(&["TIME"]).await;
    let ahead = seconds * 1_000_000 + micros + 200_000;
    server
        .command::<()>(&["SET", NUMBER, &ahead.to_string()])
        .await;
    let before = sign_in(&other).await;
    end_all(&node, "alice").await;
    ends(&other, &before).await;
    let after = sign_in(&other).await;
    for registry in [&node, &other] {
        assert!(is_ended(registry, &before) && !is_ended(registry, &after));
    }
}

/// And Redis has lost everything meanwhile, or another one has taken over, by whose clock it is earlier.
pub(crate) async fn an_end_of_all_that_an_empty_redis_hears_of_ends_nobody_who_came_later() {
    let mut server = RedisServer::start().await;
    let proxy = Proxy::to(server.port()).await;
    let other = settled(&server).await;
    let node = connect_to(proxy.url()).await;
    // The clock of that Redis was a minute ahead.
    server.command::<()>(&["DEL", "{cas-layer}:base"]).await;
    let ahead = now() * 1_000_000 + MINUTE;
    server
        .command::<()>(&["SET", NUMBER, &ahead.to_string()])
        .await;
    let before = sign_in(&node).await;
    proxy.cut();
    let now = now();
    let all = node.end_all(account("alice"), now + LIFETIME, now).await;
    assert!(all.is_err());
    server.kill().await;
    server.empty();
    server.restart().await;
    is_back(&other).await;
    let after = sign_in(&other).await;
    proxy.mend();
    is_back(&node).await;
    ends(&node, &before).await;
    eventually("the other node hears of it", async || {
        is_ended(&other, &before)
    })
    .await;
    for registry in [&node, &other] {
        assert!(!is_ended(registry, &after));
    }
}
