//! A logout races the sign-in that it ends.

use std::time::Duration;

use cas_layer::registry::{Opened, Registry as _, RegistryErrorKind};
use cas_layer_tests::redis::RedisServer;

use crate::support::{
    LIFETIME, Session, connect, ends, exists, is_ended, log_out, new_id, now, sender, settled,
    sign_out,
};

const LASTS: Duration = Duration::from_secs(40);

pub(crate) async fn a_logout_between_begin_and_open_wins() {
    let server = RedisServer::start().await;
    // While Redis reckons with sessions of before, and afterwards.
    for is_settled in [false, true] {
        let one = if is_settled {
            settled(&server).await
        } else {
            connect(&server).await
        };
        let two = connect(&server).await;
        let session = Session::unknown();
        one.begin(session.id, LASTS).await.unwrap();
        assert_eq!(log_out(&two, &session).await.unwrap(), 1);
        for _ in 0..2 {
            let opened = one.open(session.id, session.expires_at, now()).await;
            assert_eq!(opened.unwrap(), Opened::Ended);
        }
        // A second try with the same ticket does not help.
        one.begin(session.id, LASTS).await.unwrap();
        let opened = one.open(session.id, session.expires_at, now()).await;
        assert_eq!(opened.unwrap(), Opened::Ended);
    }
}

pub(crate) async fn a_logout_at_the_same_time_as_the_sign_in_is_never_lost() {
    let server = RedisServer::start().await;
    let (one, two) = (settled(&server).await, connect(&server).await);
    let mut live = 0;
    for race in 0..300 {
        let (id, now) = (new_id(), now());
        one.begin(id, LASTS).await.unwrap();
        let opening = tokio::spawn({
            let one = one.clone();
            async move { one.open(id, now + LIFETIME, now).await }
        });
        // Neither is always first.
        for _ in 0..race % 30 {
            tokio::task::yield_now().await;
        }
        let logged_out = two.end_if_opened(vec![id], sender(), now).await;
        let opened = opening.await.unwrap();
        assert_eq!(logged_out.unwrap(), [id]);
        if let Opened::Live { number } = opened.unwrap() {
            live += 1;
            let session = Session {
                id,
                number,
                expires_at: now + LIFETIME,
            };
            ends(&one, &session).await;
            ends(&two, &session).await;
        }
    }
    println!("the sign-in came first in {live} of 300 races");
}

pub(crate) async fn a_ticket_that_begins_twice_is_opened_once_and_abandoned_once() {
    let server = RedisServer::start().await;
    let (one, two) = (connect(&server).await, connect(&server).await);
    for opens_first in [false, true] {
        let session = Session::unknown();
        one.begin(session.id, LASTS).await.unwrap();
        two.begin(session.id, LASTS).await.unwrap();
        let open = async || {
            let opened = one.open(session.id, session.expires_at, now()).await;
            assert!(matches!(opened.unwrap(), Opened::Live { .. }));
        };
        if opens_first {
            open().await;
        }
        two.abandon(session.id);
        // Whatever the node asks next comes after it.
        two.begin(new_id(), LASTS).await.unwrap();
        two.begin(new_id(), LASTS).await.unwrap();
        if !opens_first {
            open().await;
        }
        assert!(exists(&server, &session).await);
        assert_eq!(log_out(&two, &session).await.unwrap(), 1);
        ends(&one, &session).await;
    }
}

pub(crate) async fn what_has_not_begun_is_not_opened() {
    let server = RedisServer::start().await;
    let node = connect(&server).await;
    let session = Session::unknown();
    let opened = node.open(session.id, session.expires_at, now()).await;
    let error = opened.unwrap_err();
    assert_eq!(error.kind(), RegistryErrorKind::Unavailable);
    assert!(error.to_string().contains("does not know"), "{error}");
    assert!(!exists(&server, &session).await);
}

pub(crate) async fn a_sign_out_is_done_even_if_nobody_waits_for_it() {
    let server = RedisServer::start().await;
    let (one, two) = (connect(&server).await, connect(&server).await);
    let session = Session::unknown();
    drop(sign_out(&one, &session));
    // Not even asked for: the future above does nothing before it is polled.
    assert!(!is_ended(&one, &session));
    drop(one.end(session.id, session.expires_at, now()));
    assert!(is_ended(&one, &session));
    ends(&two, &session).await;
}
