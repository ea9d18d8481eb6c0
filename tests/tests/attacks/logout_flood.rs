//! Strangers send logout requests about sessions that nobody has, over 100 connections, while people sign in and their CAS
//! server signs some of them out.
//!
//! What a sign-in takes in the flood is compared with what it takes while the same connections send the same requests at the
//! same pace to another app of this process whose registry is in memory. So both phases have the same work for sockets,
//! the sender, the HTTP server and the parser, on the same machine, and what is compared is what the flood does to
//! others in the registry. The phases take turns. The pace is a part of what the machine and the build can do, so that no
//! more than a part of the processor is taken. What a sign-in takes without any flood is printed beside.

mod app;
mod flood;
mod lost_redis;

use std::time::{Duration, Instant};

use cas_layer::{FileRegistry, RedisRegistry};
use cas_layer_tests::{
    redis::RedisServer,
    suite::{REDIS_SERVER, leave_out, trial},
};
use libtest_mimic::Trial;

use self::{
    app::{App, SignedIn},
    flood::{Flood, Target},
};

/// Signed out by their CAS server in the flood.
const LOGOUTS: usize = 50;

/// As the aim is; a median of some hundred sign-ins in turns is steady enough for it.
const ALLOWED: f64 = 2.0;

/// What the processor is needed for is given to whoever comes: with a quarter of it taken, a third more on a machine that has
/// nothing else to do, and more on others.
const ALLOWED_FOR_READING: f64 = 4.0;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![trial(
        "logout_flood::a_file_loses_no_single_logout_and_delays_no_sign_in",
        a_file_loses_no_single_logout_and_delays_no_sign_in,
    )];
    let with_redis = vec![
        trial(
            "logout_flood::redis_loses_no_single_logout_and_delays_no_sign_in",
            redis_loses_no_single_logout_and_delays_no_sign_in,
        ),
        trial(
            "lost_redis::a_redis_that_dies_in_the_flood_loses_no_single_logout",
            lost_redis::a_redis_that_dies_in_the_flood_loses_no_single_logout,
        ),
    ];
    if RedisServer::program().is_some() {
        trials.extend(with_redis);
    } else {
        let _ = leave_out("floods with Redis", REDIS_SERVER, &with_redis);
    }
    trials
}

/// What came of a phase.
#[derive(Default)]
struct Phase {
    /// How long each sign-in took, in seconds.
    times: Vec<f64>,
    /// Sign-ins that came to nothing.
    failed: usize,
    signed_in: Vec<SignedIn>,
}

/// People sign in one after another.
async fn phase(app: &App, lasts: Duration) -> Phase {
    let mut phase = Phase::default();
    let until = Instant::now() + lasts;
    while Instant::now() < until {
        phase.sign_in(app).await;
    }
    phase
}

impl Phase {
    async fn sign_in(&mut self, app: &App) {
        let started = Instant::now();
        match app.sign_in().await {
            Ok(session) => {
                self.times.push(started.elapsed().as_secs_f64());
                self.signed_in.push(session);
            }
            Err(_) => self.failed += 1,
        }
    }

    fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.failed += other.failed;
        self.signed_in.extend(other.signed_in);
    }

    /// In milliseconds.
    fn median(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2] * 1e3
    }
}

/// So many rounds, each of a phase without a flood, one with it elsewhere, and one with it here.
async fn compare(app: &App, rounds: usize, flooded_for: Duration) {
    let flood = Flood::start(app.address(), app.in_memory()).await;
    let lasts = flooded_for / u32::try_from(rounds).unwrap();
    let (mut quiet, mut calm, mut flooded) = (Phase::default(), Phase::default(), Phase::default());
    let mut signed_out = Vec::new();
    // Everything has been used once before it counts.
    for target in [Target::InMemory, Target::App] {
        flood.aim(target);
        phase(app, lasts / 4).await;
    }
    for round in 0..rounds {
        // The machine may have become slower or faster.
        let a_second = flood.find_pace().await;
        print!("{a_second}/s ");
        quiet.add(phase(app, lasts / 3).await);
        // First one, then the other.
        for is_flood in [round % 2 == 0, round % 2 != 0] {
            if !is_flood {
                flood.aim(Target::InMemory);
                calm.add(phase(app, lasts / 2).await);
                continue;
            }
            flood.aim(Target::App);
            flooded.add(phase(app, lasts).await);
            while signed_out.len() < LOGOUTS * (round + 1) / rounds {
                flooded.sign_in(app).await;
                if let Some(session) = flooded.signed_in.pop() {
                    app.log_out(&session, signed_out.len()).await;
                    signed_out.push(session);
                }
            }
        }
    }
    let sent = flood.stop();
    println!(
        "\n{sent:?}; a sign-in takes {:.2} ms, {:.2} ms with the flood elsewhere, and {:.2} ms in it",
        quiet.median(),
        calm.median(),
        flooded.median()
    );
    // Not even those that were told that Redis takes too long.
    assert_eq!(
        (signed_out.len(), app.count_live(&signed_out).await),
        (LOGOUTS, 0)
    );
    // A machine that stands still for a second lets sign-ins down by itself.
    assert!(
        flooded.failed <= calm.failed,
        "{} {}",
        flooded.failed,
        calm.failed
    );
    for others in [
        calm.signed_in.iter().take(50),
        flooded.signed_in.iter().take(50),
    ] {
        let expected = others.len();
        assert_eq!(app.count_live(others).await, expected);
    }
    assert!(sent.heard > 100, "{sent:?}");
    let (one, other) = (calm.median(), flooded.median());
    assert!(other <= ALLOWED * one, "{one} {other}");
    // Reading the requests takes its part of the processor, and no more.
    let undisturbed = quiet.median();
    assert!(
        one <= ALLOWED_FOR_READING * undisturbed,
        "{undisturbed} {one}"
    );
}

async fn redis_loses_no_single_logout_and_delays_no_sign_in() {
    let server = RedisServer::start().await;
    // With little room, since this flood is slower than what others could send.
    let registry = RedisRegistry::builder(server.url())
        .timeout(Duration::from_secs(5))
        .queue(2_000);
    let registry = registry.connect().await.unwrap();
    // A Redis that is new to the registry reckons with sessions of before. That is the case in the other test.
    let recovering = ["DEL", "{cas-layer}:recovering"];
    server.command::<()>(&recovering).await;
    let app = App::start(registry, false).await;
    compare(&app, 4, Duration::from_secs(12)).await;
}

async fn a_file_loses_no_single_logout_and_delays_no_sign_in() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions.redb");
    let app = App::start(FileRegistry::open(path).unwrap(), false).await;
    compare(&app, 4, Duration::from_secs(10)).await;
}
