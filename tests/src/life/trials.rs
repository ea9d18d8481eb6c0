//! Many random walks, the same in every run unless a variable says otherwise.

use std::{cell::Cell, env, fmt::Debug, str::FromStr};

use cas_layer::{CasConfigBuilder, SessionPlace};
use libtest_mimic::Trial;
use proptest::{
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};
use tokio::runtime;

use super::{
    layered::{Layered, Variant, cas_server},
    model::Seconds,
    steps::{Step, steps},
    walk::walk,
};

/// The variable that says how many walks there are, instead of the number in the code.
pub const CASES: &str = "CAS_TESTS_MODEL_CASES";
/// The variable with the seed from which they follow: 1 by default.
pub const SEED: &str = "CAS_TESTS_MODEL_SEED";

/// A variable that has to be a number if it is set.
#[must_use]
pub fn number<N: FromStr<Err: Debug>>(variable: &str, default: N) -> N {
    env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// Tries values of a strategy. Fails with the smallest that fails, and how to try it again.
pub fn search<S: Strategy>(
    cases: u32,
    seed: u64,
    strategy: &S,
    holds: impl Fn(S::Value) -> Result<(), String>,
) -> Result<(), String> {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 4_000,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(strategy, |value| holds(value).map_err(TestCaseError::fail));
    result.map_err(|error| match error {
        TestError::Fail(wrong, smallest) => format!(
            "{wrong}\nThe smallest case: {smallest:#?}\nTo try it again: {SEED}={seed} {CASES}={cases}"
        ),
        TestError::Abort(reason) => reason.to_string(),
    })
}

/// Walks with a registry. `make` makes an empty one for each walk, as what puts it into a configuration.
pub fn trial<M, C>(
    name: impl Into<String>,
    cases: u32,
    make: impl FnOnce() -> M + Send + 'static,
) -> Trial
where
    M: AsyncFnMut() -> C,
    C: Fn(CasConfigBuilder) -> CasConfigBuilder,
{
    Trial::test(name, move || {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        // Each walk takes them and puts them back.
        let tools = Cell::new(Some((make(), runtime.block_on(cas_server()))));
        let variants = (steps(), proptest::bool::ANY, proptest::bool::ANY);
        let holds = |(steps, knows_cookies, keeps): (Vec<Step>, bool, bool)| {
            let variant = Variant {
                knows_cookies,
                place: if keeps {
                    SessionPlace::Registry
                } else {
                    SessionPlace::Cookie
                },
            };
            runtime.block_on(async {
                let (mut make, server) =
                    tools.take().ok_or("an earlier walk panicked: see above")?;
                let mut app = Layered::new(server, variant, START, make().await);
                let walked = walk(&mut app, START, &steps).await;
                tools.set(Some((make, app.into_cas())));
                walked
            })
        };
        search(number(CASES, cases), number(SEED, 1), &variants, holds)?;
        Ok(())
    })
}

/// The clocks of the app and of the model show different times; all that matters is how they move.
const START: Seconds = 1_000_000;
