//! A session's whole life, with sessions in PostgreSQL.

use cas_layer::CasConfigBuilder;
use cas_layer_tests::{life::trials, postgres::PostgresServer};
use libtest_mimic::Trial;

use crate::support::connect;

pub(crate) fn trial() -> Trial {
    trials::trial("life::a_session_lives_as_the_model_says", 30, || {
        let mut server = None;
        async move || {
            // One PostgreSQL for all walks. Each walk has tickets of its own, and a node that is new.
            if server.is_none() {
                server = Some(PostgresServer::start().await);
            }
            let registry = connect(server.as_ref().unwrap()).await;
            move |config: CasConfigBuilder| config.registry(registry.clone())
        }
    })
}
