use std::net::{IpAddr, Ipv4Addr};

use http::Extensions;
use tokio::time::advance;

use super::*;
use crate::admission::Peers;

const LIMIT: Duration = Duration::from_secs(10);

fn login(n: u8) -> Party {
    Party::Login([n; 16])
}

fn address(n: u8) -> Party {
    let address = IpAddr::from(Ipv4Addr::new(192, 0, 2, n));
    let peers = Peers::by(move |_| Some(address));
    Party::Peer(peers.of(&Extensions::new()).unwrap())
}

/// So many ask at the same time, and hear nothing.
async fn hear_nothing(breaker: &Breaker, many: u32) -> Vec<Change> {
    let passes: Vec<_> = (0..many)
        .filter_map(|_| breaker.ask(Party::Anybody))
        .collect();
    advance(LIMIT).await;
    let tell = |pass| breaker.tell(pass, Heard::Nothing);
    passes.into_iter().filter_map(tell).collect()
}

async fn away() -> Breaker {
    let breaker = Breaker::default();
    let changes = hear_nothing(&breaker, MAX_TIME_OUTS + 3).await;
    assert!(matches!(changes[..], [Change::Away]), "{changes:?}");
    breaker
}

#[tokio::test(start_paused = true)]
async fn a_few_time_outs_in_a_row_and_nobody_is_asked_to_wait_until_there_is_an_answer() {
    let breaker = Breaker::default();
    for _ in 1..MAX_TIME_OUTS {
        assert!(hear_nothing(&breaker, 1).await.is_empty());
        assert!(!breaker.says_no(login(1)));
    }
    assert_eq!(hear_nothing(&breaker, 1).await.len(), 1);
    assert!(breaker.says_no(login(1)) && breaker.ask(login(1)).is_none());

    advance(PROBE_EVERY).await;
    assert!(!breaker.says_no(login(1)));
    let probe = breaker.ask(login(1)).unwrap();
    let back = breaker.tell(probe, Heard::Answer);
    assert!(matches!(back, Some(Change::Back(after)) if after == PROBE_EVERY));
    advance(PROBE_EVERY).await;
    // The count begins anew.
    assert!(hear_nothing(&breaker, MAX_TIME_OUTS - 1).await.is_empty());
    assert!(!breaker.says_no(login(1)));
}

#[tokio::test(start_paused = true)]
async fn while_it_is_away_one_at_a_time_asks() {
    let breaker = away().await;
    for _ in 0..3 {
        assert!(breaker.ask(login(1)).is_none());
        advance(PROBE_EVERY).await;
        let probe = breaker.ask(login(1)).unwrap();
        assert!(breaker.says_no(login(2)) && breaker.ask(login(2)).is_none());
        assert!(breaker.tell(probe, Heard::Nothing).is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_somebody_else_says_that_the_server_is_there() {
    let breaker = Breaker::default();
    for _ in 0..10 {
        let strangers: Vec<_> = (0..20).filter_map(|_| breaker.ask(login(9))).collect();
        assert_eq!(strangers.len(), 20);
        advance(LIMIT / 2).await;
        let person = breaker.ask(login(1)).unwrap();
        assert!(breaker.tell(person, Heard::Answer).is_none());
        advance(LIMIT / 2).await;
        for stranger in strangers {
            assert!(breaker.tell(stranger, Heard::Nothing).is_none());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_counts_too() {
    let breaker = Breaker::default();
    let late = breaker.ask(login(1)).unwrap();
    assert_eq!(hear_nothing(&breaker, MAX_TIME_OUTS).await.len(), 1);
    assert!(matches!(
        breaker.tell(late, Heard::Answer),
        Some(Change::Back(_))
    ));
    assert!(!breaker.says_no(login(1)));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_fails_says_nothing_about_time() {
    let breaker = Breaker::default();
    assert!(hear_nothing(&breaker, MAX_TIME_OUTS - 1).await.is_empty());
    for _ in 0..20 {
        let pass = breaker.ask(login(1)).unwrap();
        assert!(breaker.tell(pass, Heard::NoConnection).is_none());
    }
    assert_eq!(hear_nothing(&breaker, 1).await.len(), 1);
    advance(PROBE_EVERY).await;
    let probe = breaker.ask(login(1)).unwrap();
    assert!(breaker.tell(probe, Heard::NoConnection).is_none());
    assert!(breaker.says_no(login(1)));
}

#[tokio::test(start_paused = true)]
async fn an_address_that_asked_in_vain_lets_others_go_first() {
    let [stranger, person] = [1, 2].map(address);
    let breaker = away().await;
    advance(PROBE_EVERY).await;
    drop(breaker.ask(stranger).unwrap());
    advance(PROBE_EVERY).await;
    assert!(breaker.says_no(stranger) && breaker.ask(stranger).is_none());
    let probe = breaker.ask(person).unwrap();
    assert!(breaker.tell(probe, Heard::Answer).is_some());

    // If there is nobody else, it asks again.
    let breaker = away().await;
    advance(PROBE_EVERY).await;
    drop(breaker.ask(stranger).unwrap());
    advance(OTHERS_FIRST).await;
    assert!(breaker.ask(stranger).is_some());
}
