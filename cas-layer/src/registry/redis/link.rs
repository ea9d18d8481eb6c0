//! Whether Redis is there, and the connection to it.

use tokio::sync::watch;

use super::connection::Connection;
use crate::registry::{RegistryError, RegistryErrorKind};

/// The connection for commands, as the tasks that need it see it.
#[derive(Debug)]
pub(super) struct Link(watch::Sender<State>);

#[derive(Clone, Debug)]
pub(super) enum State {
    /// There is one.
    Up(Connection),
    /// There was one a moment ago, and a new one is being made: worth waiting for.
    Connecting,
    /// Not worth waiting for.
    Down,
}

impl Link {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(State::Connecting))
    }

    pub(super) fn set(&self, state: State) {
        self.0.send_replace(state);
    }

    /// The connection, if there is one now.
    pub(super) fn current(&self) -> Option<Connection> {
        match &*self.0.borrow() {
            State::Up(connection) => Some(connection.clone()),
            State::Connecting | State::Down => None,
        }
    }

    /// The connection; waits while one is being made.
    pub(super) async fn connection(&self) -> Result<Connection, RegistryError> {
        let mut states = self.0.subscribe();
        let state = states.wait_for(|state| !matches!(state, State::Connecting));
        match state.await.as_deref() {
            Ok(State::Up(connection)) => Ok(connection.clone()),
            _ => Err(away()),
        }
    }

    /// Reports that a call failed on a connection, so that it is replaced.
    pub(super) fn give_up(&self, connection: &Connection) {
        self.0.send_if_modified(|state| {
            let is_current = matches!(state, State::Up(current) if current.is_same(connection));
            if is_current {
                *state = State::Connecting;
            }
            is_current
        });
    }

    /// Returns when a caller gave this connection up.
    pub(super) async fn is_given_up(&self, connection: &Connection) {
        let mut states = self.0.subscribe();
        let _ = states
            .wait_for(|state| !matches!(state, State::Up(up) if up.is_same(connection)))
            .await;
    }

    /// Returns when waiting is of no use.
    pub(super) async fn is_down(&self) {
        let mut states = self.0.subscribe();
        let _ = states.wait_for(|state| matches!(state, State::Down)).await;
    }
}

pub(super) fn away() -> RegistryError {
    RegistryError::new(
        RegistryErrorKind::Unavailable,
        "there is no connection to Redis at the moment",
    )
}
