//! A session's whole life, with sessions in Redis.

use cas_layer::CasConfigBuilder;
use cas_layer_tests::{life::trials, redis::RedisServer};
use libtest_mimic::Trial;

use crate::support::settled;

pub(crate) fn trial() -> Trial {
    trials::trial("life::a_session_lives_as_the_model_says", 30, || {
        let mut server = None;
        async move || {
            // One Redis for all walks. Each walk has tickets of its own, and a node that is new.
            if server.is_none() {
                server = Some(RedisServer::start().await);
            }
            let registry = settled(server.as_ref().unwrap()).await;
            move |config: CasConfigBuilder| config.registry(registry.clone())
        }
    })
}
