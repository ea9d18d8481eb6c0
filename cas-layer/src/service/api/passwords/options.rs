//! How passwords are taken.

use std::time::Duration;

use crate::{app::Hosts, error::ConfigError};

/// How long a right password counts without asking the CAS server again.
const REMEMBERED_FOR: Duration = Duration::from_secs(30);

/// At most.
const REMEMBERED_AT_MOST: Duration = Duration::from_secs(300);

/// What [`CasApiLayer::with_passwords`](crate::CasApiLayer::with_passwords) does with passwords.
#[derive(Clone, Debug)]
#[must_use]
pub struct PasswordOptions {
    pub(super) remembered_for: Duration,
}

impl PasswordOptions {
    /// A right password counts for 30 seconds.
    pub fn new() -> Self {
        Self {
            remembered_for: REMEMBERED_FOR,
        }
    }

    /// How long a password that was right counts without asking the CAS server again, at most 5 minutes. Within this time
    /// a changed password, a locked account and a sign-out of the user are not noticed. Zero: the CAS server is asked for each
    /// request, three times, and ends a session each time.
    pub fn remembered_for(mut self, time: Duration) -> Self {
        self.remembered_for = time;
        self
    }

    /// A password, and what stands for one, goes over no network in clear.
    pub(super) fn check(&self, hosts: &Hosts) -> Result<(), ConfigError> {
        ConfigError::check_duration(
            "how long a right password counts",
            self.remembered_for,
            &[(
                self.remembered_for > REMEMBERED_AT_MOST,
                "it is over 5 minutes",
            )],
        )?;
        for host in hosts.iter() {
            let (what, url) = if !host.client.is_safe_for_passwords() {
                ("CAS server", host.client.url_for_passwords().to_owned())
            } else if !host.url.is_https() && !host.url.is_here() {
                ("app", host.url.as_string())
            } else {
                continue;
            };
            return Err(ConfigError::PasswordsInClear { what, url });
        }
        Ok(())
    }
}

impl Default for PasswordOptions {
    fn default() -> Self {
        Self::new()
    }
}
