use std::{future::poll_fn, net::IpAddr};

use futures_util::FutureExt as _;
use http::Extensions;

use super::*;
use crate::{CasConfig, Key};

const STRANGER: Sender = None;

fn forms(at_once: usize) -> Forms {
    Forms {
        turns: Turns::new(at_once, WAITING),
        read: Arc::default(),
    }
}

fn seat(forms: &Forms, sender: Sender) -> Seat {
    forms.seat(sender).now_or_never().unwrap().unwrap()
}

/// Whether the seat is lost to somebody from whom nothing comes for a while.
async fn is_lost(seat: &mut Seat) -> bool {
    let lost = poll_fn(|cx| seat.poll_lost(cx));
    tokio::time::timeout(10 * GRACE, lost).await.is_ok()
}

fn is_told(seat: &mut Seat) -> bool {
    let Told::NotYet(told) = &mut seat.told else {
        return true;
    };
    told.try_recv() == Err(oneshot::error::TryRecvError::Closed)
}

#[tokio::test]
async fn nobody_loses_a_place_while_there_are_others() {
    tokio::time::pause();
    let forms = forms(2);
    for seat in &mut [seat(&forms, STRANGER), seat(&forms, STRANGER)] {
        assert!(!is_lost(seat).await);
    }
}

#[tokio::test]
async fn whose_form_has_been_on_its_way_the_longest_makes_room() {
    tokio::time::pause();
    let forms = forms(3);
    let [mut first, mut second, third] = [(); 3].map(|()| seat(&forms, STRANGER));
    drop(third);
    let mut third = seat(&forms, STRANGER);
    let mut next = Box::pin(forms.seat(STRANGER));
    assert!(next.as_mut().now_or_never().is_none());
    assert!(is_lost(&mut first).await);
    assert!(next.as_mut().now_or_never().is_none(), "it is still there");
    drop(first);
    let mut next = next.now_or_never().unwrap().unwrap();
    for seat in [&mut second, &mut third, &mut next] {
        assert!(!is_lost(seat).await);
    }
}

#[tokio::test]
async fn what_comes_in_time_is_read_whoever_waits() {
    tokio::time::pause();
    let forms = forms(1);
    let mut first = seat(&forms, STRANGER);
    let _next = forms.seat(STRANGER);
    let poll = async |seat: &mut Seat| {
        let lost = poll_fn(|cx| Poll::Ready(seat.poll_lost(cx))).await;
        lost.is_ready()
    };
    assert!(!poll(&mut first).await);
    tokio::time::advance(2 * GRACE).await;
    for _ in 0..9 {
        assert!(!poll(&mut first).await && !poll(&mut first).await);
        first.goes_on();
    }
    assert!(is_lost(&mut first).await);
}

#[tokio::test]
async fn who_has_come_last_has_to_go_too_if_others_wait() {
    tokio::time::pause();
    let forms = forms(1);
    let first = seat(&forms, STRANGER);
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(forms.seat(STRANGER))).collect();
    drop(first);
    while !waiting.is_empty() {
        let mut called = waiting.remove(0).now_or_never().unwrap().unwrap();
        assert_eq!(is_lost(&mut called).await, !waiting.is_empty());
    }
    assert!(!is_lost(&mut seat(&forms, STRANGER)).await);
}

#[test]
fn who_does_not_wait_any_longer_takes_nobodys_place() {
    let forms = forms(1);
    let first = seat(&forms, STRANGER);
    drop(forms.seat(STRANGER));
    drop(first);
    let mut second = seat(&forms, STRANGER);
    assert!(!is_told(&mut second));
    let read = forms.read();
    assert_eq!((read.told, read.forms.len()), (0, 1));
}

#[test]
fn who_has_the_most_forms_makes_room_and_has_no_second_place_before_others_have_their_first() {
    let config = CasConfig::builder("https://cas.example.org", "https://app.example.org")
        .key(Key::generate())
        .peer_address(|extensions: &Extensions| extensions.get().copied())
        .build()
        .unwrap();
    let sender = |address: &str| {
        let mut extensions = Extensions::new();
        extensions.insert(address.parse::<IpAddr>().unwrap());
        let sender = config.first_host().app.peers.of(&extensions);
        assert!(sender.is_some());
        sender
    };
    let [server, flood] = ["192.0.2.1", "192.0.2.2"].map(sender);
    let forms = forms(3);
    let mut slow = seat(&forms, server);
    let mut many = [seat(&forms, flood), seat(&forms, flood)];
    let more: Vec<_> = (0..9).map(|_| Box::pin(forms.seat(flood))).collect();
    assert!(many.iter_mut().all(is_told));
    // By now all have been told, as more wait than there are seats.
    assert!(is_told(&mut slow));
    let next = forms.seat(server);
    drop(many);
    assert!(
        next.now_or_never().is_some(),
        "it is the turn of the other sender"
    );
    drop(more);
}
