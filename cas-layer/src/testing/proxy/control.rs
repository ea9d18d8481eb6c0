//! What a test does about proxies without the requests that it takes.

use super::{ProxyCallback, granting};
use crate::testing::{
    CasServer,
    random::NoRandomness,
    state::{Link, Login},
};

impl CasServer {
    /// A proxy ticket as if `user` had just typed the password on the login page, and the ticket had
    /// come through `proxies` (each a `pgtUrl`, the most recent first) to `service`.
    ///
    /// Nobody is called back. The service gets a logout request at [`log_out`](Self::log_out). With
    /// no proxies the answer names none, which no server should do.
    ///
    /// # Panics
    ///
    /// When the operating system gives no randomness.
    #[must_use]
    pub fn issue_proxy_ticket(&self, user: &str, proxies: &[&str], service: &str) -> String {
        // Each proxy had its ticket for the one that came after it, which has no other name here.
        let targets = std::iter::once(&service).chain(proxies);
        let chain = proxies
            .iter()
            .zip(targets)
            .map(|(proxy, target)| Link {
                proxy: (*proxy).to_owned(),
                target: (*target).to_owned(),
            })
            .collect();
        sure(self.shared.issue_through(Login::now(user), service, chain))
    }

    /// A proxy-granting ticket as if `user` had just typed the password on the login page, and a
    /// service had validated its ticket with this `pgtUrl`.
    ///
    /// Nobody is called back, so any URL will do. On loopback it gets a logout request at
    /// [`log_out`](Self::log_out).
    ///
    /// # Panics
    ///
    /// When the operating system gives no randomness.
    #[must_use]
    pub fn issue_proxy_granting_ticket(&self, user: &str, pgt_url: &str) -> String {
        sure(self.shared.grant_to(Login::now(user), pgt_url))
    }

    /// Makes every proxy-granting ticket so far worthless, as when its time is up. Proxy tickets
    /// that were issued stay good, and sessions go on.
    pub fn expire_proxy_granting_tickets(&self) {
        self.shared.expire_grants();
    }

    /// Sends the proxy callbacks that [`Quirk::CallbackLate`](crate::testing::Quirk::CallbackLate)
    /// holds back, one after the other in the order of their validations, and returns when all are
    /// answered. Says how many were taken.
    pub async fn release_proxy_callbacks(&self) -> usize {
        let mut taken = 0;
        for exchange in self.shared.take_held() {
            if granting::deliver(&self.shared, &exchange).await {
                taken += 1;
            }
        }
        taken
    }

    /// The calls to a `pgtUrl` so far that were answered or whose time was up, the oldest first. A
    /// `pgtUrl` that the server does not call is not among them.
    #[must_use]
    pub fn proxy_callbacks(&self) -> Vec<ProxyCallback> {
        self.shared.called()
    }

    /// How many requests to `/proxy` have arrived, answered with the truth or not.
    #[must_use]
    pub fn proxy_requests(&self) -> usize {
        self.shared.proxy_requests()
    }

    /// Which services proxy tickets are issued for from the next request on: these, byte for byte,
    /// or any (`None`).
    pub fn set_target_services(&self, services: Option<Vec<String>>) {
        self.shared.set_target_services(services);
    }
}

fn sure(ticket: Result<String, NoRandomness>) -> String {
    match ticket {
        Ok(ticket) => ticket,
        Err(error) => panic!("{error:?}"),
    }
}
