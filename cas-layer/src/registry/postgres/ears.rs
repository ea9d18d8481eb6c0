//! Notifications: they only say that there is something to read, so a lost one loses nothing.

use std::time::Duration;

use sqlx::{PgConnection, postgres::PgListener};
use tokio::time::{sleep, timeout};

use super::{
    failure::{Failure, POOLER, unusable},
    node::Node,
    steps,
};
use crate::registry::{RegistryError, RegistryErrorKind};

/// How long the first notification may take. On a busy machine that is a lot more than it needs.
const FIRST: Duration = Duration::from_secs(5);

/// How long to wait before the next try.
const AGAIN: Duration = Duration::from_secs(1);

/// Listens, and makes sure that what is said is heard.
pub(super) async fn open(node: &Node) -> Result<PgListener, RegistryError> {
    let listening = async {
        let mut listener = PgListener::connect_with(&node.pool).await?;
        listener.listen(&node.schema.name).await?;
        let token = token()?;
        let (channel, text) = (node.schema.name.as_str(), token.as_str());
        node.call(async |connection: &mut PgConnection| {
            steps::notify(connection, channel, text).await
        })
        .await?;
        let heard = timeout(FIRST, async {
            while listener.recv().await?.payload() != token {}
            Ok::<_, sqlx::Error>(())
        });
        heard
            .await
            .map_err(|_| unusable(POOLER))?
            .map_err(Failure::from)?;
        Ok(listener)
    };
    let heard: Result<_, Error> = listening.await;
    heard.map_err(|Error(error)| error)
}

struct Error(RegistryError);

impl From<RegistryError> for Error {
    fn from(error: RegistryError) -> Self {
        Self(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self(match failure {
            // What was said is heard on a connection that does not listen: both are one session of PostgreSQL.
            Failure::Failed(error @ sqlx::Error::Protocol(_)) => {
                unusable(POOLER).with_source(error)
            }
            failure => failure.into(),
        })
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Failure::from(error).into()
    }
}

/// Nobody else says this.
fn token() -> Result<String, RegistryError> {
    let mut token = [0; 16];
    getrandom::fill(&mut token).map_err(|error| {
        let message = "there is no randomness to name a notification with";
        RegistryError::new(RegistryErrorKind::Unavailable, message).with_source(error)
    })?;
    Ok(data_encoding::HEXLOWER.encode(&token))
}

/// Listens for ever. Connects again by itself.
pub(super) async fn run(node: &Node, listener: PgListener) {
    let mut listener = Some(listener);
    loop {
        if let Some(listener) = listener.take() {
            tokio::select! {
                () = listen(node, listener) => {}
                () = node.ears.is_deaf.notified() => {}
            }
        }
        // Something may have been said meanwhile.
        node.ears.news.notify_one();
        let next = async {
            let mut next = PgListener::connect_with(&node.pool).await?;
            next.listen(&node.schema.name).await?;
            Ok::<_, sqlx::Error>(next)
        };
        match next.await {
            Ok(next) => listener = Some(next),
            Err(_) => sleep(AGAIN).await,
        }
    }
}

/// Until the connection fails in an unusual way.
async fn listen(node: &Node, mut listener: PgListener) {
    // `None` where the connection was lost and there is a new one.
    while listener.try_recv().await.is_ok() {
        node.ears.news.notify_one();
    }
}
