//! The cookies of each host.

use super::{hosts::AppAndCas, keys::Keys, session::SessionOptions, sign_in::SignInOptions};
use crate::{
    config::cookie_name::CookieNames,
    error::ConfigError,
    session::{
        BindingCookie, Confirmations, CookieShape, Encrypter, Purpose, RoundsCookie, Sealer,
        SessionCookie, VerifiedHere,
    },
};

/// The cookies of one host, sealed for it and its CAS server.
pub(super) struct Cookies {
    pub(super) session: SessionCookie,
    pub(super) binding: BindingCookie,
    pub(super) rounds: RoundsCookie,
    pub(super) confirmations: Option<Confirmations>,
    pub(super) service_tag: Sealer,
    /// For what nodes say to one another.
    pub(super) rebroadcast: Sealer,
}

impl Cookies {
    pub(super) fn new(
        (app, client): &AppAndCas,
        keys: &Keys,
        session: &SessionOptions,
        sign_in: &SignInOptions,
        verified: VerifiedHere,
    ) -> Result<Self, ConfigError> {
        let (first, others) = (&keys.first, &keys.others);
        let app_url = app.as_string();
        let is_framed = session.is_framed();
        if is_framed && !app.is_https() && !app.is_here() {
            return Err(ConfigError::FramesWithoutHttps { url: app_url });
        }
        let names = CookieNames::new(
            session.cookie_name.as_deref(),
            &app_url,
            client.url(),
            app.is_https(),
            is_framed,
        )?;
        let sealer = |purpose, name: &str| {
            Sealer::new(first, others, purpose, &[name, &app_url, client.url()])
        };
        let binding_sealer = sealer(Purpose::LoginBinding, &names.binding);
        if sign_in.way.is_by_post && !app.is_https() {
            return Err(ConfigError::PostWithoutHttps { url: app_url });
        }
        let encrypter = |purpose, name: &str| {
            Encrypter::new(first, others, purpose, &[name, &app_url, client.url()])
        };
        let confirmations = sign_in.confirms_users().then(|| Confirmations {
            names: sealer(Purpose::KnownUser, &names.binding),
            encrypter: encrypter(Purpose::Confirmation, &names.binding),
        });
        let shape = |name| CookieShape {
            name,
            secure: app.is_https() || is_framed,
            cross_site: is_framed,
            partitioned: is_framed,
        };
        Ok(Self {
            service_tag: sealer(Purpose::ServiceUrl, ""),
            rebroadcast: sealer(Purpose::Rebroadcast, ""),
            session: SessionCookie {
                sealer: sealer(Purpose::Session, &names.session),
                encrypter: encrypter(Purpose::EncryptedSession, &names.session),
                encrypted: session.is_encrypted(),
                persistent: session.persistent,
                verified,
                shape: shape(names.session),
            },
            binding: BindingCookie::new(shape(names.binding), binding_sealer),
            rounds: RoundsCookie::new(shape(names.rounds)),
            confirmations,
        })
    }
}
