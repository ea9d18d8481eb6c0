//! A process that is killed at any moment.

use std::{
    collections::BTreeSet,
    env,
    io::{BufRead as _, BufReader, Read as _},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use cas_layer::{
    FileRegistry,
    registry::{AccountId, Item, Registry as _, SessionStorage as _},
};
use tokio::task::JoinSet;

use super::{File, child};
use crate::support::{
    CAS, LIFETIME, NOW, grant, id, is_ended, session, sign_in, sign_out, single_logout,
};

pub(super) const ROLE: &str = "kill";
/// The number of the child's first session.
const FROM: &str = "CAS_TESTS_REGISTRY_FROM";

const ROUNDS: u64 = 100;
/// More sessions than a child gets to.
const PER_ROUND: u64 = 1_000_000;

/// The child: signs in and out as fast as it can, and says what it was answered.
pub(super) async fn sign_in_and_out(registry: FileRegistry) {
    let from = env::var(FROM).unwrap().parse().unwrap();
    let next = Arc::new(AtomicU64::new(from));
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (registry, next) = (registry.clone(), Arc::clone(&next));
        tasks.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let number = sign_in(&registry, n).await;
                assert!(
                    registry
                        .keep(id(n), Item::Attributes, grant(n), *NOW)
                        .await
                        .unwrap()
                );
                match n % 4 {
                    0 => {
                        println!("open {n} {number}");
                        continue;
                    }
                    1 => sign_out(&registry, n).await,
                    2 => assert_eq!(single_logout(&registry, [n]).await, 1),
                    _ => {
                        let account = AccountId::of(CAS, &user(n));
                        let ended = registry.end_all(account, *NOW + LIFETIME, *NOW);
                        ended.await.unwrap();
                    }
                }
                println!("ended {n} {number}");
            }
        });
    }
    tasks.join_all().await;
}

fn user(n: u64) -> String {
    format!("user-{n}")
}

/// What the children were answered, by session and number.
#[derive(Default)]
struct Answered {
    open: BTreeSet<(u64, u64)>,
    ended: BTreeSet<(u64, u64)>,
}

impl Answered {
    fn read(&mut self, line: &str) {
        let words: Vec<_> = line.split_whitespace().collect();
        let [what, n, number] = words[..] else {
            panic!("{line}");
        };
        let session = (n.parse().unwrap(), number.parse().unwrap());
        match what {
            "open" => self.open.insert(session),
            "ended" => self.ended.insert(session),
            _ => panic!("{line}"),
        };
    }

    /// Opens the file and looks, at what was kept for open sessions, too. Ends what was open, so that it is among the ended ones from then on.
    async fn check(&mut self, file: &File) {
        let registry = file.open();
        for &(n, number) in &self.ended {
            let user = user(n);
            assert!(registry.is_ended(&session(n, number, &user)), "{n}");
        }
        for (n, number) in std::mem::take(&mut self.open) {
            assert!(!is_ended(&registry, n), "{n}");
            let kept = async || registry.kept(id(n), Item::Attributes, *NOW).await.unwrap();
            assert_eq!(kept().await, Some(grant(n)), "{n}");
            assert_eq!(single_logout(&registry, [n]).await, 1);
            assert_eq!(kept().await, None, "{n}");
            self.ended.insert((n, number));
        }
    }
}

pub(super) async fn rounds() {
    let file = File::new();
    let mut answered = Answered::default();
    for round in 0..ROUNDS {
        run_and_kill(&file, round, &mut answered);
        answered.check(&file).await;
    }
    let count = answered.ended.len();
    assert!(count > 2_000, "only {count} sessions");
}

/// Starts a child and kills it after some of its answers, in some rounds while it opens the file.
fn run_and_kill(file: &File, round: u64, answered: &mut Answered) {
    let chance = u64::from_le_bytes(id(round).as_bytes()[..8].try_into().unwrap());
    let mut child = child::command(ROLE, &file.path())
        .env(FROM, (round * PER_ROUND).to_string())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    let lines = if round.is_multiple_of(5) {
        0
    } else {
        1 + chance % 100
    };
    for _ in 0..lines {
        line.clear();
        output.read_line(&mut line).unwrap();
        answered.read(&line);
    }
    // Any instant will do, so it does not matter how long this takes.
    let longest = if lines == 0 { 30_000 } else { 2_000 };
    thread::sleep(Duration::from_micros(chance / 100 % longest));
    child.kill().unwrap();
    child.wait().unwrap();
    // What it was answered until then. It may have been killed in the middle of a word.
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    for line in rest
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
    {
        answered.read(line);
    }
}
