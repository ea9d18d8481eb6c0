//! Ending all sessions of a user, for administrators.

use super::CasConfig;
use crate::{protocol::ServerUrl, registry::RegistryError, strict_url::printable};

/// Why it is not certain that all sessions of a user have ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndAllError {
    /// The configuration has no such CAS server, so none of its users has a session here.
    #[error("there is no CAS server `{cas_url}` in the configuration")]
    UnknownCasServer {
        /// The URL as it was given, or normalised.
        cas_url: String,
    },
    /// The registry cannot guarantee that it remembers this: try again. On this node the sessions have ended.
    #[error("the registry cannot guarantee to remember it")]
    Registry(#[from] RegistryError),
}

impl CasConfig {
    /// Ends every session of a user of one CAS server, on every node: for administrators. It covers all hosts of this
    /// app, and other apps that share its registry and CAS server. `cas_url` is the URL of that CAS server, in any
    /// spelling that the builder accepts, such as [`CasUser::cas_url`](crate::CasUser::cas_url). `user` is the name
    /// as [`CasUser::name`](crate::CasUser::name) returns it. Sessions of users with the same name at other CAS
    /// servers go on, and so do sessions that are opened later.
    ///
    /// # Errors
    /// The CAS server is not in this configuration, or the registry failed.
    pub async fn end_all(&self, cas_url: &str, user: &str) -> Result<(), EndAllError> {
        let unknown = |cas_url| EndAllError::UnknownCasServer { cas_url };
        let normalised = ServerUrl::normalise(cas_url).map_err(|_| unknown(printable(cas_url)))?;
        let host = self
            .0
            .with_cas_server(&normalised)
            .ok_or_else(|| unknown(normalised.clone()))?;
        Ok(host.end_all_of(user).await?)
    }
}
