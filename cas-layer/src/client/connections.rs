//! Connections that are kept open, and what to do if one of them turns out to be dead.
//!
//! A firewall that forgets a connection tells neither end. Whatever is sent over it gets no answer, so the first sign-in
//! that uses it would wait in vain. Connections without work are therefore not kept for long, and a request over a kept
//! connection that stays silent is sent again over a new one.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use reqwest::ClientBuilder;
use tokio::{sync::Semaphore, task_local, time::timeout};
use tower::{Layer, Service};

/// How long a kept connection may stay silent, in a time limit of three times as much or more.
const SILENCE: Duration = Duration::from_secs(3);

/// How many requests may be sent again at once: a server that is slow for another reason has not much more to do then.
const AGAIN_AT_ONCE: usize = 4;

task_local! {
    static WAY: Arc<Way>;
}

/// How a request gets to the server, as far as it can be seen.
#[derive(Default)]
struct Way {
    /// A connection was begun for it.
    is_new: AtomicBool,
    /// The head of an answer has come.
    has_answered: AtomicBool,
}

impl Way {
    /// Whether nothing has come over a connection that was there before.
    fn is_silent(&self) -> bool {
        !self.is_new.load(Ordering::Relaxed) && !self.has_answered.load(Ordering::Relaxed)
    }
}

/// The head of an answer has come.
pub(super) fn has_answered() {
    note(|way| &way.has_answered);
}

fn note(what: impl Fn(&Way) -> &AtomicBool) {
    // Outside of `Connections::ask` nobody wants to know.
    let _ = WAY.try_with(|way| what(way).store(true, Ordering::Relaxed));
}

/// The connections of a client.
#[derive(Debug)]
pub(super) struct Connections {
    /// How long a kept connection may stay silent.
    silence: Duration,
    again: Semaphore,
}

impl Connections {
    /// `limit` is that of a whole request.
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            silence: SILENCE.min(limit / 3),
            again: Semaphore::new(AGAIN_AT_ONCE),
        }
    }

    /// Sets up the HTTP client.
    pub(super) fn set_up(&self, http: ClientBuilder) -> ClientBuilder {
        http.connector_layer(Noting)
            // Shorter than the silence, so that what is sent again gets a new connection: whatever has been in the pool
            // since then is too old.
            .pool_idle_timeout(self.silence * 2 / 3)
            // With HTTP/2 a connection is shared, and so is never without work for long.
            .http2_keep_alive_interval(self.silence / 3)
            .http2_keep_alive_timeout(self.silence / 3)
    }

    /// Asks, and if a kept connection stays silent, asks again over a new one. `ask` gets the time that is left.
    ///
    /// The first request goes on: its server may be slow, and have used the ticket up. So the first success counts, and a
    /// failure only if there is no other answer.
    pub(super) async fn ask<T, E, F: Future<Output = Result<T, E>>>(
        &self,
        limit: Duration,
        is_time_out: impl Fn(&E) -> bool,
        ask: impl Fn(Duration) -> F,
    ) -> Result<T, E> {
        let started = Instant::now();
        let way = Arc::new(Way::default());
        let mut first = pin!(WAY.scope(Arc::clone(&way), ask(limit)));
        let early = timeout(self.silence, &mut first).await.ok();
        let is_silent = way.is_silent() && early.as_ref().is_none_or(is_failure(is_time_out));
        match early {
            early if is_silent => {
                let again = pin!(async {
                    // Nobody closes it.
                    let _place = self.again.acquire().await;
                    ask(limit.saturating_sub(started.elapsed())).await
                });
                match early {
                    None => first_success(first, again).await,
                    Some(_) => again.await,
                }
            }
            Some(answer) => answer,
            None => first.await,
        }
    }
}

fn is_failure<T, E>(is_failure: impl Fn(&E) -> bool) -> impl Fn(&Result<T, E>) -> bool {
    move |result| result.as_ref().is_err_and(&is_failure)
}

/// If both fail, the failure of the second.
async fn first_success<T, E>(
    mut first: Pin<&mut impl Future<Output = Result<T, E>>>,
    mut second: Pin<&mut impl Future<Output = Result<T, E>>>,
) -> Result<T, E> {
    let (mut has_failed, mut failure) = (false, None);
    poll_fn(|context| {
        if !has_failed {
            match first.as_mut().poll(context) {
                Poll::Ready(Ok(success)) => return Poll::Ready(Ok(success)),
                Poll::Ready(Err(_)) => has_failed = true,
                Poll::Pending => {}
            }
        }
        if failure.is_none() {
            match second.as_mut().poll(context) {
                Poll::Ready(Ok(success)) => return Poll::Ready(Ok(success)),
                Poll::Ready(Err(error)) => failure = Some(error),
                Poll::Pending => {}
            }
        }
        match failure.take() {
            Some(error) if has_failed => Poll::Ready(Err(error)),
            other => {
                failure = other;
                Poll::Pending
            }
        }
    })
    .await
}

/// Notes that a connection is begun. With a kept one, this is not called.
#[derive(Clone, Copy)]
struct Noting;

impl<S> Layer<S> for Noting {
    type Service = Noted<S>;

    fn layer(&self, connect: S) -> Noted<S> {
        Noted(connect)
    }
}

#[derive(Clone)]
struct Noted<S>(S);

impl<S: Service<T>, T> Service<T> for Noted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, to: T) -> S::Future {
        note(|way| &way.is_new);
        self.0.call(to)
    }
}
