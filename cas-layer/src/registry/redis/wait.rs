//! Asks replicas whether they have what was written.

use std::time::Duration;

use super::{
    connection::{COMMAND, Connection},
    failure::Failure,
};
use crate::seldom::{Seldom, seldom};

/// How long replicas have to confirm a write. Nothing else on the connection is done meanwhile, so it is
/// short enough for a call that comes behind two of them.
const PATIENCE: Duration = Duration::from_millis(350);

/// Asks for all callers that want to know, until the connection breaks.
pub(super) async fn ask(connection: &Connection, wanted: u32) -> Failure {
    let replicas = connection.replicas();
    let mut wait = redis::cmd("WAIT");
    wait.arg(wanted).arg(PATIENCE.as_millis().to_string());
    loop {
        let upto = replicas.asked().await;
        let enough = match connection.run::<u32>(&wait, COMMAND).await {
            Ok(have) => have >= wanted,
            Err(failure) if failure.breaks_connection() => return failure,
            // Not permitted, say.
            Err(failure) => {
                static NO_WAIT: Seldom = Seldom::new();
                seldom!(
                    error,
                    NO_WAIT,
                    error = %failure,
                    "Redis does not wait for its replicas"
                );
                false
            }
        };
        replicas.answer(upto, enough);
    }
}
