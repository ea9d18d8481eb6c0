//! What can be chosen before the server starts.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::{CasServer, FrontChannel, Quirk, User};

/// Chooses address, users and behaviour of a [`CasServer`] before it starts.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `start` is called"]
pub struct CasServerBuilder {
    pub(super) listen: SocketAddr,
    users: Vec<User>,
    pub(super) ticket_lifetime: Duration,
    pub(super) logout_timeout: Duration,
    pub(super) ca: String,
    pub(super) front_channel: Option<FrontChannel>,
    pub(super) quirks: Vec<Quirk>,
}

impl CasServerBuilder {
    pub(super) fn new() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            users: Vec::new(),
            ticket_lifetime: Duration::from_secs(60),
            logout_timeout: Duration::from_secs(5),
            ca: String::new(),
            front_channel: None,
            quirks: Vec::new(),
        }
    }

    /// Where to listen. Port 0 takes a free one. The default is `127.0.0.1:0`.
    ///
    /// Only a loopback address is accepted; with any other [`start`](Self::start) fails.
    pub fn listen(mut self, addr: SocketAddr) -> Self {
        self.listen = addr;
        self
    }

    /// Adds a user. The first one replaces the default user `casuser`; a user with a name given
    /// before replaces that one.
    pub fn user(mut self, user: User) -> Self {
        self.users.retain(|known| known.name() != user.name());
        self.users.push(user);
        self
    }

    /// How long a service ticket can be validated. The default is 60 s.
    pub fn ticket_lifetime(mut self, lifetime: Duration) -> Self {
        self.ticket_lifetime = lifetime;
        self
    }

    /// How long a service may take to answer a logout request, from the connection on. With a
    /// [`FrontChannel`]: how long the page after a logout waits for the services before it goes on.
    /// The default is 5 s.
    pub fn logout_timeout(mut self, limit: Duration) -> Self {
        self.logout_timeout = limit;
        self
    }

    /// Trusts the certificates of these authorities, in PEM form, when logout requests go to services
    /// on https. Can be called again to add more. The default is to trust none, not even those of
    /// the system.
    pub fn ca(mut self, pem: impl AsRef<str>) -> Self {
        self.ca.push_str(pem.as_ref());
        self.ca.push('\n');
        self
    }

    /// Has the browser carry logout requests to the services. The default is that the server sends
    /// them.
    pub fn front_channel(mut self, front_channel: FrontChannel) -> Self {
        self.front_channel = Some(front_channel);
        self
    }

    /// Adds a quirk to start with.
    pub fn quirk(mut self, quirk: Quirk) -> Self {
        self.quirks.push(quirk);
        self
    }

    /// Starts the server on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when the address is not a loopback address or a root
    /// certificate cannot be read, else what binding the socket says.
    pub async fn start(self) -> io::Result<CasServer> {
        CasServer::from_builder(self).await
    }

    pub(super) fn take_users(&mut self) -> Vec<User> {
        if self.users.is_empty() {
            vec![User::example()]
        } else {
            std::mem::take(&mut self.users)
        }
    }
}
