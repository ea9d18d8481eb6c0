//! What is kept in Redis for open sessions. The registry does not follow it on its other connections: if it is lost, a
//! user has to sign in again, and nothing else is wrong.

use super::{RedisRegistry, connection::Connection, grants::sealed, node::Node, scripts::script};
use crate::{
    clock::UnixSeconds,
    registry::{Item, RegistryError, RegistryFuture, Sealed, SessionStorage},
    session::SessionId,
};

const PUT: &str = script!("put_item");
const GET: &str = script!("get_item");

impl RedisRegistry {
    /// Keeps something for a session, or nothing. Returns whether the session is open.
    async fn change_kept(
        &self,
        session: SessionId,
        item: Item,
        sealed: Option<Sealed>,
        now: UnixSeconds,
    ) -> Result<bool, RegistryError> {
        self.call(async |node: &Node, connection: &Connection| {
            let mut command = on_session(PUT, node, session);
            command.arg(now).arg(item.as_str());
            if let Some(sealed) = &sealed {
                command.arg(sealed.as_bytes());
            }
            connection.run(&command).await
        })
        .await
    }

    async fn read_kept(
        &self,
        session: SessionId,
        item: Item,
        now: UnixSeconds,
    ) -> Result<Option<Sealed>, RegistryError> {
        if self.0.node.ended.contain_id(session) {
            return Ok(None);
        }
        self.call(async |node: &Node, connection: &Connection| {
            let mut command = on_session(GET, node, session);
            command.arg(now).arg(item.as_str());
            let bytes: Option<Vec<u8>> = connection.run(&command).await?;
            bytes.map(sealed).transpose()
        })
        .await
    }
}

impl SessionStorage for RedisRegistry {
    fn keep(
        &self,
        session: SessionId,
        item: Item,
        sealed: Sealed,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, bool> {
        Box::pin(self.change_kept(session, item, Some(sealed), now))
    }

    fn kept(
        &self,
        session: SessionId,
        item: Item,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Option<Sealed>> {
        Box::pin(self.read_kept(session, item, now))
    }

    fn forget(&self, session: SessionId, item: Item) -> RegistryFuture<'_, ()> {
        // By a time at which no session has expired: it does not matter whether this one has.
        Box::pin(async move { self.change_kept(session, item, None, 0).await.map(drop) })
    }
}

fn on_session(code: &str, node: &Node, session: SessionId) -> redis::Cmd {
    let keys = node.keys.session_and_kept(session);
    let mut command = redis::cmd("EVAL");
    command.arg(code).arg(keys.len()).arg(&keys);
    command
}
