//! What browsers asked the login page for.

use super::{
    params::{Params, flag},
    quirks::Quirks,
};

/// A `GET` of the login page: what an app asked for when it sent a browser there. See [`CasServer::login_requests`](super::CasServer::login_requests).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a parameter of the protocol that is set or not"
)]
pub struct LoginRequest {
    /// `service`, if it is not empty.
    pub service: Option<String>,
    /// Whether `renew` is set.
    pub renew: bool,
    /// Whether `gateway` is set.
    pub gateway: bool,
    /// Whether `warn` is set.
    pub warn: bool,
    /// Whether `rememberMe` is set.
    pub remember_me: bool,
    /// `locale` as it came. The page is in English all the same.
    pub locale: Option<String>,
}

impl LoginRequest {
    pub(super) fn of(params: &Params, quirks: &Quirks) -> Self {
        Self {
            service: params.get("service").map(str::to_owned),
            renew: flag(params, "renew", quirks),
            gateway: flag(params, "gateway", quirks),
            warn: flag(params, "warn", quirks),
            remember_me: flag(params, "rememberMe", quirks),
            locale: params.get("locale").map(str::to_owned),
        }
    }
}
