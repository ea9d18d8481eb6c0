//! Keeps a node in touch with Redis: connects, and runs everything that goes over a pair of connections.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{
    connection::Connection, failure::Failure, flush, follow, info::ServerInfo, known::Known,
    link::State, master, node::Node, read, recovery, reopen, wait,
};

/// How long a caller may wait for a new connection before it is told that Redis is away.
const HOPE: Duration = Duration::from_secs(1);

/// The first and the longest pause between two attempts to connect.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

/// A connection that lasted for longer than this went well.
const WELL: Duration = Duration::from_secs(1);

/// Two connections to one server: a read that waits for news would hold up everything else.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) commands: Connection,
    pub(super) news: Connection,
}

/// Connects, and makes sure that a loss in Redis does no harm. Calls may be made once this returns.
pub(super) async fn connect(node: &Node, known: &mut Known) -> Result<Pair, Failure> {
    let (mut commands, info) = master::connect(&node.connector).await?;
    if known.is_new() {
        if info.is_silent() {
            tracing::warn!(
                "Redis does not say which version it is, whether it evicts keys and when it was \
                 restarted, because INFO is not permitted: the registry goes on and notices less"
            );
        }
        warn_of_losses(node, &info, &commands).await;
    }
    recovery::join(node, known, &mut commands).await?;
    let pages = async {
        if node.facts.is_loaded() {
            return Ok(None);
        }
        master::open_pages(&node.connector, &commands)
            .await
            .map(Some)
    };
    let ((news, _), pages) = tokio::try_join!(master::connect(&node.connector), pages)?;
    if news.instance() != commands.instance() || news.server() != commands.server() {
        return Err(Failure::TwoServers);
    }
    if let Some(pages) = pages {
        read::load(node, known, pages, |_| ()).await?;
        node.facts.set_loaded();
    }
    Ok(Pair { commands, news })
}

/// Says what this Redis may lose of what it has confirmed. The nodes that run on bring it back; a node that starts anew
/// at the same time does not know it.
async fn warn_of_losses(node: &Node, info: &ServerInfo, connection: &Connection) {
    if let Some(policy) = info.evicts() {
        tracing::warn!(
            policy,
            "Redis evicts keys when its memory is full, and sign-outs with them: copies of their cookies then work again"
        );
    }
    if info.is_forgetful() {
        tracing::warn!(
            "Redis keeps snapshots at most, and has no replica: if it crashes, it forgets the sign-outs since the last one; \
             set appendonly to yes"
        );
        return;
    }
    // A user of our own has no right to that, and should not have it: passwords are told in the same way.
    if node.connector.address().login.username().is_some() {
        return;
    }
    let mut ask = redis::cmd("CONFIG");
    ask.arg("GET").arg("appendfsync");
    // A service of others may not know the command.
    let Ok((_, policy)) = connection.run::<(String, String)>(&ask).await else {
        return;
    };
    if policy == "no" && info.is_alone() {
        tracing::warn!(
            "Redis leaves it to the system when its log is written to the disk (appendfsync no), and has no replica: a power cut \
             loses the sign-outs of half a minute; set appendfsync to everysec or always"
        );
    }
}

/// Keeps in touch with Redis for ever, beginning with a pair of connections if there is one.
pub(super) async fn run(node: &Node, mut known: Known, pair: Option<Pair>) {
    let mut pause = PAUSES.0;
    let mut pair = match pair {
        Some(pair) => pair,
        None => connect_again(node, &mut known, &mut pause).await,
    };
    loop {
        let connected = Instant::now();
        let failure = work(node, &mut known, pair).await;
        let lost = Instant::now();
        tracing::warn!(
            error = %failure,
            "lost touch with Redis: requests are served from what is known, and sign-outs wait"
        );
        // At once where it went well for a while, and with pauses where each connection breaks soon.
        if lost.duration_since(connected) > WELL {
            pause = PAUSES.0;
        } else {
            rest(&mut pause).await;
        }
        pair = connect_again(node, &mut known, &mut pause).await;
        tracing::info!(
            after_seconds = lost.elapsed().as_secs(),
            waiting = node.queue.len(),
            "in touch with Redis again"
        );
    }
}

/// Runs everything over a pair of connections, until one of them breaks.
async fn work(node: &Node, known: &mut Known, pair: Pair) -> Failure {
    let Pair { commands, news } = pair;
    node.queue.redis_came();
    node.link.set(State::Up(commands.clone()));
    let failure = tokio::select! {
        failure = follow::follow(node, known, &commands, &news) => failure,
        failure = flush::flush(node, &commands) => failure,
        failure = reopen::reopen(node, &commands) => failure,
        failure = wait::ask(&commands, &node.keys, node.min_replicas) => failure,
        failure = master::is_replaced(&node.connector, &commands) => failure,
        () = node.link.is_given_up(&commands) => Failure::GivenUp,
    };
    node.link.set(State::Connecting);
    // Some may have been on their way.
    node.seen.forget();
    node.queue.redis_went(&node.ended, node.facts.longest());
    failure
}

async fn connect_again(node: &Node, known: &mut Known, pause: &mut Duration) -> Pair {
    let mut complaint = String::new();
    loop {
        let mut attempt = std::pin::pin!(connect(node, known));
        let result = tokio::select! {
            result = attempt.as_mut() => result,
            () = sleep(HOPE) => {
                node.link.set(State::Down);
                attempt.await
            }
        };
        let failure = match result {
            Ok(pair) => return pair,
            Err(failure) => failure.to_string(),
        };
        node.link.set(State::Down);
        if failure != complaint {
            tracing::warn!(error = failure, "no connection to Redis yet");
            complaint = failure;
        }
        rest(pause).await;
    }
}

/// Waits, and longer the next time. Not the same for all nodes, so that they do not come back in step.
async fn rest(pause: &mut Duration) {
    let random = getrandom::u32().unwrap_or_default();
    let share = 0.5 + f64::from(random) / f64::from(u32::MAX) / 2.0;
    sleep(pause.mul_f64(share)).await;
    *pause = pause.saturating_mul(2).min(PAUSES.1);
}
