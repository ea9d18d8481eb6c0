use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use tokio::{sync::oneshot, task::yield_now};

use super::*;

const LOGIN: LoginValue = [7; 16];

fn id(n: u8) -> SessionId {
    SessionId::from([n; 16])
}

fn logins() -> Arc<Logins> {
    Arc::default()
}

async fn turn(logins: &Arc<Logins>) -> Turn {
    logins.turn(LOGIN).await.unwrap()
}

/// A validation that does not end before `end`, and then without an answer.
fn until(end: oneshot::Receiver<()>) -> impl FnOnce(Member) -> Running<Begun> {
    move |member| {
        Running::new(async move {
            let _member = member;
            let _ = end.await;
            panic!("for a test")
        })
    }
}

#[tokio::test]
async fn a_login_is_forgotten_with_the_last_who_has_to_do_with_it() {
    let logins = logins();
    let (first, second) = (turn(&logins).await, logins.turn(LOGIN));
    drop(first);
    drop(second.await);
    assert!(logins.logins().is_empty());

    let mut left = turn(&logins).await;
    let (end, ended) = oneshot::channel();
    left.ask(id(1), until(ended));
    drop(left);
    assert_eq!(logins.logins().len(), 1);
    end.send(()).unwrap();
    while !logins.logins().is_empty() {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_validation_that_was_left_behind_is_found_by_its_ticket_alone() {
    let logins = logins();
    let mut left = turn(&logins).await;
    let (end, ended) = oneshot::channel();
    left.ask(id(1), until(ended));
    drop(left);
    assert!(turn(&logins).await.takes_over(id(1)).await);
    let mut other = turn(&logins).await;
    let mut waits = Box::pin(other.takes_over(id(2)));
    assert!(waits.as_mut().now_or_never().is_none());
    end.send(()).unwrap();
    assert!(!waits.await);
}

#[tokio::test]
async fn a_panic_goes_on_where_somebody_waits_and_the_login_too() {
    let logins = logins();
    let mut first = turn(&logins).await;
    let (end, ended) = oneshot::channel();
    first.ask(id(1), until(ended));
    let mut second = Box::pin(logins.turn(LOGIN));
    assert!(second.as_mut().now_or_never().is_none());
    end.send(()).unwrap();
    let outcome = AssertUnwindSafe(first.outcome()).catch_unwind().await;
    assert!(outcome.is_err());
    drop(first);
    let mut second = second.await.unwrap();
    assert!(!second.takes_over(id(1)).await);
    assert!(second.outcome().await.is_none());
}

#[tokio::test]
async fn so_many_come_for_one_login_and_no_more() {
    let logins = logins();
    let first = turn(&logins).await;
    let mut waiting: Vec<_> = (1..MAX_MEMBERS)
        .map(|_| Box::pin(logins.turn(LOGIN)))
        .collect();
    for waiting in &mut waiting {
        assert!(waiting.as_mut().now_or_never().is_none());
    }
    assert!(logins.turn(LOGIN).await.is_none());
    assert!(logins.turn([8; 16]).await.is_some());
    // Whoever goes away makes room.
    drop(waiting.pop());
    assert!(logins.turn(LOGIN).now_or_never().is_none());
    drop(first);
    assert!(waiting.remove(0).await.is_some());
}

#[tokio::test]
async fn an_answer_is_for_the_same_ticket_alone_and_while_somebody_is_there() {
    let logins = logins();
    let mut first = turn(&logins).await;
    let mut waiting = Box::pin(logins.turn(LOGIN));
    assert!(waiting.as_mut().now_or_never().is_none());
    first.answered(id(1), &Response::new(Bytes::from("answer")));
    drop(first);
    let second = waiting.await.unwrap();
    assert_eq!(second.answer_to(id(1)).unwrap().body(), "answer");
    assert!(second.answer_to(id(2)).is_none());
    drop(second);
    assert!(turn(&logins).await.answer_to(id(1)).is_none());
}
