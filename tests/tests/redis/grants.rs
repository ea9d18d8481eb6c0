//! Proxy-granting tickets on their way through Redis, and in it.

use std::time::{Duration, Instant};

use cas_layer::{
    RedisRegistry,
    registry::{
        Delivered, Expected, IouId, Item, ProxyGrants as _, Registry as _, RegistryErrorKind,
        Sealed, SessionStorage as _,
    },
};
use cas_layer_tests::redis::RedisServer;
use tokio::time::timeout;

use crate::support::{
    LIMIT, connect, eventually, is_back, key, log_out, new_id, now, sign_in, sign_out,
};

/// So long that nothing ends by itself while somebody waits.
/// Any of them.
const ITEM: Item = Item::GrantingTicket;

const LASTS: Duration = Duration::from_secs(600);

pub(crate) fn new_iou() -> IouId {
    (*new_id().as_bytes()).into()
}

pub(crate) fn grant(n: u8) -> Sealed {
    Sealed::new(vec![n; 300]).unwrap()
}

async fn expect(node: &RedisRegistry) -> Expected {
    node.expect(LASTS, now()).await.unwrap()
}

async fn deliver(node: &RedisRegistry, iou: IouId, n: u8) -> Delivered {
    node.deliver(iou, grant(n), now()).await.unwrap()
}

async fn collect(node: &RedisRegistry, iou: IouId, patience: Duration) -> Option<Sealed> {
    node.collect(iou, patience, now()).await.unwrap()
}

/// Waits until no node expects anything.
async fn nothing_is_expected(node: &RedisRegistry) {
    eventually("nothing is expected", async || {
        deliver(node, new_iou(), 0).await == Delivered::Unexpected
    })
    .await;
}

pub(crate) async fn a_pair_is_brought_to_one_node_and_collected_at_another() {
    let server = RedisServer::start().await;
    let (one, two) = (connect(&server).await, connect(&server).await);
    let _expected = expect(&one).await;
    for n in 0..10 {
        let iou = new_iou();
        assert_eq!(deliver(&two, iou, n).await, Delivered::Kept);
        assert_eq!(deliver(&one, iou, 99).await, Delivered::Twice);
        assert_eq!(collect(&one, iou, Duration::ZERO).await, Some(grant(n)));
        assert_eq!(collect(&two, iou, Duration::ZERO).await, None);
    }
}

pub(crate) async fn who_waits_at_one_node_gets_what_another_is_brought() {
    let server = RedisServer::start().await;
    let (one, two) = (connect(&server).await, connect(&server).await);
    let _expected = expect(&one).await;
    for n in 0..10 {
        let iou = new_iou();
        let waiting = tokio::spawn({
            let one = one.clone();
            async move { collect(&one, iou, LIMIT).await }
        });
        // The waiting one holds nobody up, on its own node neither.
        let session = sign_in(&one).await;
        sign_out(&one, &session).await.unwrap();
        assert!(!waiting.is_finished());
        assert_eq!(deliver(&two, iou, n).await, Delivered::Kept);
        let collected = timeout(LIMIT, waiting).await.expect("it is found");
        assert_eq!(collected.unwrap(), Some(grant(n)));
    }
}

pub(crate) async fn of_two_nodes_that_ask_at_once_one_gets_the_pair() {
    let server = RedisServer::start().await;
    let (one, two) = (connect(&server).await, connect(&server).await);
    let _expected = expect(&one).await;
    for n in 0..100 {
        let iou = new_iou();
        assert_eq!(deliver(&one, iou, n).await, Delivered::Kept);
        let got = tokio::join!(
            collect(&one, iou, Duration::ZERO),
            collect(&two, iou, Duration::ZERO)
        );
        assert_eq!(
            [got.0, got.1].into_iter().flatten().collect::<Vec<_>>(),
            [grant(n)]
        );
    }
}

pub(crate) async fn pairs_are_kept_while_any_node_expects_one_and_leave_nothing() {
    let server = RedisServer::start().await;
    let (one, two) = (connect(&server).await, connect(&server).await);
    let keys = async || {
        let mut keys: Vec<String> = server.command(&["KEYS", "*"]).await;
        keys.sort();
        keys
    };
    let before = keys().await;
    let iou = new_iou();
    assert_eq!(deliver(&two, iou, 1).await, Delivered::Unexpected);
    assert_eq!(keys().await, before);
    let (first, second) = (expect(&one).await, expect(&two).await);
    assert_eq!(deliver(&two, iou, 1).await, Delivered::Kept);
    // Should every node die now, it goes by itself.
    for key in ["expected", "pairs", "due"] {
        let left: i64 = server
            .command(&["PTTL", &format!("{{cas-layer}}:{key}")])
            .await;
        assert!((1..=600_000).contains(&left), "{key}: {left}");
    }
    drop(second);
    eventually("the second is not expected", async || {
        server
            .command::<u64>(&["ZCARD", "{cas-layer}:expected"])
            .await
            == 1
    })
    .await;
    assert_eq!(deliver(&two, iou, 1).await, Delivered::Twice);
    drop(first);
    nothing_is_expected(&two).await;
    assert_eq!(keys().await, before);
    assert_eq!(collect(&one, iou, Duration::ZERO).await, None);
}

pub(crate) async fn a_flood_on_all_nodes_is_bounded_together() {
    let server = RedisServer::start_with(&["--appendfsync", "no"]).await;
    let nodes = [connect(&server).await, connect(&server).await];
    let _expected = expect(&nodes[0]).await;
    let first = new_iou();
    assert_eq!(deliver(&nodes[1], first, 7).await, Delivered::Kept);
    let mut floods = Vec::new();
    for task in 0..16 {
        let node = nodes[task % 2].clone();
        floods.push(tokio::spawn(async move {
            let mut kept = 0;
            for _ in 0..1_250 {
                match deliver(&node, new_iou(), 0).await {
                    Delivered::Kept => kept += 1,
                    Delivered::Full => {}
                    other => panic!("{other:?}"),
                }
            }
            kept
        }));
    }
    let mut kept = 1;
    for flood in floods {
        kept += flood.await.unwrap();
    }
    assert_eq!(kept, 4_096);
    for count in [["HLEN", "{cas-layer}:pairs"], ["ZCARD", "{cas-layer}:due"]] {
        assert_eq!(server.command::<u64>(&count).await, kept);
    }
    assert_eq!(
        collect(&nodes[0], first, Duration::ZERO).await,
        Some(grant(7))
    );
}

pub(crate) async fn what_is_kept_is_there_for_every_node_and_lasts_as_its_session() {
    let server = RedisServer::start().await;
    let (one, two) = (connect(&server).await, connect(&server).await);
    let (session, named) = (sign_in(&one).await, sign_in(&one).await);
    let left = async || server.command::<i64>(&["TTL", &key(session.id)]).await;
    let before = left().await;
    for id in [session.id, named.id] {
        assert!(one.keep(id, ITEM, grant(1), now()).await.unwrap());
        assert_eq!(two.kept(id, ITEM, now()).await.unwrap(), Some(grant(1)));
    }
    assert!((before - 60..=before).contains(&left().await));
    sign_out(&two, &session).await.unwrap();
    // When it was to expire is known still.
    assert_eq!(log_out(&two, &named).await.unwrap(), 1);
    for id in [session.id, named.id] {
        assert_eq!(one.kept(id, ITEM, now()).await.unwrap(), None);
        let state: String = server.command(&["GET", &key(id)]).await;
        assert!(state.starts_with('e') && state.len() < 40, "{state}");
    }
    let told: Vec<(String, Vec<String>)> = server
        .command(&["XRANGE", "{cas-layer}:ended", "-", "+"])
        .await;
    for (_, fields) in told {
        let expires_at = session.expires_at.to_string();
        assert!(fields[3] == expires_at || fields[3] == named.expires_at.to_string());
    }
}

/// Everything that may be asked, and how soon it fails.
async fn all_fail(node: &RedisRegistry) {
    let id = new_id();
    let started = Instant::now();
    let kinds = timeout(LIMIT / 4, async {
        tokio::join!(
            async { node.expect(LASTS, now()).await.unwrap_err().kind() },
            async {
                let delivered = node.deliver(new_iou(), grant(0), now()).await;
                delivered.unwrap_err().kind()
            },
            async {
                // Not patient with a Redis that is not there.
                let collected = node.collect(new_iou(), LIMIT, now()).await;
                collected.unwrap_err().kind()
            },
            async {
                node.keep(id, ITEM, grant(0), now())
                    .await
                    .unwrap_err()
                    .kind()
            },
            async { node.kept(id, ITEM, now()).await.unwrap_err().kind() },
            async { node.forget(id, ITEM).await.unwrap_err().kind() },
        )
    });
    let kinds = kinds.await.expect("an answer in time");
    let unavailable = RegistryErrorKind::Unavailable;
    assert_eq!(
        kinds,
        (
            unavailable,
            unavailable,
            unavailable,
            unavailable,
            unavailable,
            unavailable
        )
    );
    println!("said after {:?}", started.elapsed());
}

pub(crate) async fn a_redis_that_hangs_holds_no_proxying_up() {
    let server = RedisServer::start().await;
    let node = connect(&server).await;
    let expected = expect(&node).await;
    let waiting = tokio::spawn({
        let node = node.clone();
        async move { node.collect(new_iou(), 10 * LIMIT, now()).await }
    });
    server.hang();
    all_fail(&node).await;
    all_fail(&node).await;
    let waited = timeout(LIMIT, waiting).await.expect("an error").unwrap();
    assert_eq!(waited.unwrap_err().kind(), RegistryErrorKind::Unavailable);
    server.go_on();
    is_back(&node).await;
    let iou = new_iou();
    assert_eq!(deliver(&node, iou, 1).await, Delivered::Kept);
    assert_eq!(collect(&node, iou, Duration::ZERO).await, Some(grant(1)));
    drop(expected);
}

pub(crate) async fn a_redis_that_died_has_what_was_kept_when_it_is_back() {
    let mut server = RedisServer::start().await;
    let node = connect(&server).await;
    let (session, _expected) = (sign_in(&node).await, expect(&node).await);
    assert!(node.keep(session.id, ITEM, grant(1), now()).await.unwrap());
    server.kill().await;
    all_fail(&node).await;
    server.restart().await;
    is_back(&node).await;
    assert_eq!(
        node.kept(session.id, ITEM, now()).await.unwrap(),
        Some(grant(1))
    );

    // One that has lost it all has lost this, and the session goes on.
    server.kill().await;
    server.empty();
    server.restart().await;
    is_back(&node).await;
    assert_eq!(node.kept(session.id, ITEM, now()).await.unwrap(), None);
    assert!(!node.is_ended(&session.of("alice")));
    nothing_is_expected(&node).await;
}

pub(crate) async fn a_flood_of_calls_while_redis_hangs_ends_soon() {
    let server = RedisServer::start().await;
    let node = connect(&server).await;
    let _expected = expect(&node).await;
    server.hang();
    let calls: Vec<_> = (0..5_000)
        .map(|_| {
            let node = node.clone();
            tokio::spawn(async move { node.deliver(new_iou(), grant(0), now()).await })
        })
        .collect();
    for call in calls {
        let delivered = timeout(LIMIT, call).await.expect("an answer").unwrap();
        assert!(delivered.is_err());
    }
    server.go_on();
    is_back(&node).await;
    assert_eq!(deliver(&node, new_iou(), 1).await, Delivered::Kept);
}
