#![doc = include_str!("docs/overview.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod admission;
mod answer;
mod app;
mod attributes;
mod client;
mod clock;
mod config;
mod error;
mod events;
#[cfg(feature = "axum")]
mod extract;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod guide;
mod id;
mod identity;
mod introduction;
mod language_tag;
mod layer;
mod pages;
mod paths;
mod protocol;
pub mod registry;
mod request_id;
mod rules;
mod secret;
mod seldom;
mod service;
mod session;
#[cfg(feature = "serde")]
mod settings;
mod sign_in;
mod sign_out;
mod strict_url;
#[cfg(feature = "testing")]
pub mod testing;
mod tls;
mod turns;
mod user;
mod visit;

pub use attributes::Attributes;
#[cfg(feature = "jwt")]
pub use client::JwtTickets;
pub use client::{
    CasClient, CasClientBuilder, ProxyTicketError, ProxyTicketErrorKind, RestError, RestErrorKind,
    ValidationError, ValidationErrorKind,
};
pub use config::{
    AuthRequestOptions, CasConfig, CasConfigBuilder, EndAllError, EndpointOptions, FurtherHost,
    PageOptions, ProxyOptions, SessionOptions, SignInOptions, SignOutOptions,
};
pub use error::ConfigError;
#[cfg(feature = "tower-http")]
pub use events::RequestSpan;
pub use events::{Refused, RefusedReason, SignOutCause, SignedOut};
#[cfg(feature = "axum")]
pub use extract::{CasUserRejection, peer_address};
pub use identity::{IdentityBody, IdentityHeaders, IdentityHeadersBuilder, IdentityHeadersLayer};
pub use layer::{CasInPlaceLayer, CasLayer};
pub use pages::{Confirmation, Page, PageContext, PageKind, PageLanguage, PagePhrase};
pub use protocol::{
    Authentication, InvalidProxyCallback, InvalidServiceUrl, InvalidTicket, LoginMode,
    LogoutParameter, Password, Protocol, ProxyCallback, ProxyChain, ProxyGrantingTicket,
    ProxyGrantingTicketIou, ProxyTicket, ResponseFormat, ServiceTicket, ServiceUrl,
    TicketGrantingTicket, UnknownProtocol,
};
#[cfg(feature = "jwt")]
pub use protocol::{JwtContentKey, JwtKey};
#[cfg(feature = "file")]
pub use registry::file::FileRegistry;
pub use registry::memory::MemoryRegistry;
#[cfg(feature = "postgres")]
pub use registry::postgres::{PostgresRegistry, PostgresRegistryBuilder};
#[cfg(feature = "redis")]
pub use registry::redis::{RedisRegistry, RedisRegistryBuilder};
pub use rules::{Access, Paths};
pub use service::{
    AnswerFuture, Cas, CasApi, CasApiFuture, CasApiLayer, CasFuture, CasInPlace, CasInPlaceFuture,
    PasswordOptions, Peeked, Require, RequireService,
};
pub use session::{Key, NewSession, NotAdmitted, SessionId, SessionPlace, UserName, Veto};
#[cfg(feature = "serde")]
pub use settings::{
    AccessSetting, AuthRequestSettings, CasSettings, EndpointSettings, IdleTimeout,
    PostgresSettings, ProxySettings, RedisSettings, RegistrySetting, RuleSettings, SecretText,
    ServerSettings, SessionSettings, SettingsError, SettingsRegistry, SignInSettings,
    SignOutSettings, UrlText,
};
pub use user::CasUser;

/// The code of the crate's README is compiled, so it does not drift.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
