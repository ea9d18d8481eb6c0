//! Asks replicas whether they have what was written.

use redis::Pipeline;

use super::{connection::Connection, failure::Failure, keys::Keys, scripts};
use crate::seldom::{Seldom, seldom};

/// Asks for all callers that want to know, until the connection breaks.
pub(super) async fn ask(connection: &Connection, keys: &Keys, wanted: u32) -> Failure {
    let replicas = connection.replicas();
    let mut both = Pipeline::new();
    // WAIT counts the replicas that have the last write of this connection. Without a new one, it would count replicas
    // that have gone meanwhile.
    both.cmd("SET").arg(keys.waited()).arg(1).ignore();
    both.cmd("WAIT")
        .arg(wanted)
        .arg(connection.wait().as_millis().to_string());
    loop {
        let upto = replicas.asked().await;
        let have = async {
            let values = connection.run_all(&both).await?;
            scripts::number(values.into_iter().last().unwrap_or(redis::Value::Nil))
        };
        let enough = match have.await {
            Ok(have) => have >= u64::from(wanted),
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
