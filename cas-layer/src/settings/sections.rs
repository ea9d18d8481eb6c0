//! The sections of settings. Each is a group of the builder's, and what a key does is said there.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde::Deserialize;

use super::values::{self, IdleTimeout, SecretText, UrlText};
use crate::{
    protocol::{LogoutParameter, ResponseFormat},
    session::{SessionPlace, UserName},
};

/// The section `session`: [`SessionOptions`](crate::SessionOptions).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table of settings")]
#[non_exhaustive]
pub struct SessionSettings {
    /// [`lifetime`](crate::SessionOptions::lifetime).
    #[serde(deserialize_with = "values::time")]
    pub lifetime: Option<Duration>,
    /// [`idle_timeout`](crate::SessionOptions::idle_timeout).
    pub idle_timeout: Option<IdleTimeout>,
    /// [`remember_me_lifetime`](crate::SessionOptions::remember_me_lifetime).
    #[serde(deserialize_with = "values::time")]
    pub remember_me_lifetime: Option<Duration>,
    /// [`persistent`](crate::SessionOptions::persistent).
    pub persistent: Option<bool>,
    /// [`encrypted`](crate::SessionOptions::encrypted).
    pub encrypted: Option<bool>,
    /// [`place`](crate::SessionOptions::place).
    pub place: Option<SessionPlace>,
    /// [`cookie_name`](crate::SessionOptions::cookie_name).
    pub cookie_name: Option<String>,
    /// [`cookie_cache`](crate::SessionOptions::cookie_cache), in bytes.
    pub cookie_cache: Option<usize>,
    /// [`leave_cache_control`](crate::SessionOptions::leave_cache_control).
    pub leave_cache_control: Option<bool>,
    /// [`only_attributes`](crate::SessionOptions::only_attributes). An empty list keeps none.
    #[serde(deserialize_with = "values::optional_list")]
    pub only_attributes: Option<Vec<String>>,
    /// [`rename_attribute`](crate::SessionOptions::rename_attribute), from the CAS server's names to the app's.
    pub rename_attributes: BTreeMap<String, String>,
    /// [`user_name`](crate::SessionOptions::user_name).
    pub user_name: Option<UserName>,
    /// [`admit_timeout`](crate::SessionOptions::admit_timeout).
    #[serde(deserialize_with = "values::time")]
    pub admit_timeout: Option<Duration>,
}

/// The section `sign_in`: [`SignInOptions`](crate::SignInOptions).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table of settings")]
#[non_exhaustive]
pub struct SignInSettings {
    /// [`landing_path`](crate::SignInOptions::landing_path).
    pub landing_path: Option<String>,
    /// [`renew`](crate::SignInOptions::renew).
    pub renew: Option<bool>,
    /// [`warn`](crate::SignInOptions::warn).
    pub warn: Option<bool>,
    /// [`remember_me`](crate::SignInOptions::remember_me).
    pub remember_me: Option<bool>,
    /// [`remember_me_by_link`](crate::SignInOptions::remember_me_by_link).
    pub remember_me_by_link: Option<bool>,
    /// [`locale`](crate::SignInOptions::locale).
    pub locale: Option<String>,
    /// [`locale_by_link`](crate::SignInOptions::locale_by_link).
    pub locale_by_link: Option<bool>,
    /// [`bare_service_url`](crate::SignInOptions::bare_service_url).
    pub bare_service_url: Option<bool>,
    /// [`allow_login_csrf`](crate::SignInOptions::allow_login_csrf).
    pub allow_login_csrf: Option<bool>,
    /// [`tickets_by_post`](crate::SignInOptions::tickets_by_post).
    pub tickets_by_post: Option<bool>,
    /// [`gateway_interval`](crate::SignInOptions::gateway_interval).
    #[serde(deserialize_with = "values::time")]
    pub gateway_interval: Option<Duration>,
    /// [`max_concurrent_validations`](crate::SignInOptions::max_concurrent_validations).
    pub max_concurrent_validations: Option<usize>,
}

/// The section `sign_out`: [`SignOutOptions`](crate::SignOutOptions).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table of settings")]
#[non_exhaustive]
pub struct SignOutSettings {
    /// [`after_logout_path`](crate::SignOutOptions::after_logout_path).
    pub after_logout_path: Option<String>,
    /// [`locally`](crate::SignOutOptions::locally).
    pub locally: Option<bool>,
    /// [`by_post_only`](crate::SignOutOptions::by_post_only).
    pub by_post_only: Option<bool>,
    /// [`logout_sources`](crate::SignOutOptions::logout_sources).
    #[serde(deserialize_with = "values::optional_list")]
    pub logout_sources: Option<Vec<String>>,
    /// [`rebroadcast_to`](crate::SignOutOptions::rebroadcast_to).
    #[serde(deserialize_with = "values::optional_list")]
    pub rebroadcast_to: Option<Vec<String>>,
    /// [`rebroadcast_within`](crate::SignOutOptions::rebroadcast_within).
    #[serde(deserialize_with = "values::time")]
    pub rebroadcast_within: Option<Duration>,
}

/// The section `endpoints`: [`EndpointOptions`](crate::EndpointOptions).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table of settings")]
#[non_exhaustive]
pub struct EndpointSettings {
    /// [`login`](crate::EndpointOptions::login).
    pub login: Option<String>,
    /// [`logout`](crate::EndpointOptions::logout).
    pub logout: Option<String>,
    /// [`logout_callback`](crate::EndpointOptions::logout_callback).
    pub logout_callback: Option<String>,
    /// [`logout_request`](crate::EndpointOptions::logout_request).
    pub logout_request: Option<String>,
    /// [`prefix_stripped_by_proxy`](crate::EndpointOptions::prefix_stripped_by_proxy).
    pub prefix_stripped_by_proxy: Option<bool>,
}

/// The section `auth_request`: [`AuthRequestOptions`](crate::AuthRequestOptions).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table of settings")]
#[non_exhaustive]
pub struct AuthRequestSettings {
    /// [`path`](crate::AuthRequestOptions::path).
    pub path: Option<String>,
    /// [`original_uri`](crate::AuthRequestOptions::original_uri).
    pub original_uri: Option<String>,
    /// [`original_method`](crate::AuthRequestOptions::original_method).
    pub original_method: Option<String>,
    /// [`user`](crate::IdentityHeadersBuilder::user).
    pub user: Option<String>,
    /// [`session_id`](crate::IdentityHeadersBuilder::session_id).
    pub session_id: Option<String>,
    /// [`attribute`](crate::IdentityHeadersBuilder::attribute): header fields by the attribute's name.
    pub attributes: BTreeMap<String, String>,
    /// [`separator`](crate::IdentityHeadersBuilder::separator).
    pub separator: Option<char>,
}

/// The section `proxy`: [`ProxyOptions`](crate::ProxyOptions).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table of settings")]
#[non_exhaustive]
pub struct ProxySettings {
    /// [`callback_path`](crate::ProxyOptions::callback_path).
    pub callback_path: Option<String>,
    /// [`callback_url`](crate::ProxyOptions::callback_url).
    pub callback_url: Option<UrlText>,
    /// [`callback_sources`](crate::ProxyOptions::callback_sources).
    #[serde(deserialize_with = "values::optional_list")]
    pub callback_sources: Option<Vec<String>>,
    /// [`granting_tickets_in_registry`](crate::ProxyOptions::granting_tickets_in_registry).
    pub granting_tickets_in_registry: Option<bool>,
}

/// The section `server`: [`CasClientBuilder`](crate::CasClientBuilder).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table of settings")]
#[non_exhaustive]
pub struct ServerSettings {
    /// [`internal_url`](crate::CasClientBuilder::internal_url).
    pub internal_url: Option<UrlText>,
    /// [`fallback_url`](crate::CasClientBuilder::fallback_url): several.
    #[serde(deserialize_with = "values::list")]
    pub fallback_urls: Vec<UrlText>,
    /// [`connect_timeout`](crate::CasClientBuilder::connect_timeout).
    #[serde(deserialize_with = "values::time")]
    pub connect_timeout: Option<Duration>,
    /// [`timeout`](crate::CasClientBuilder::timeout).
    #[serde(deserialize_with = "values::time")]
    pub timeout: Option<Duration>,
    /// [`add_root_certificate_pem`](crate::CasClientBuilder::add_root_certificate_pem): files.
    #[serde(deserialize_with = "values::list")]
    pub root_certificates: Vec<PathBuf>,
    /// [`format`](crate::CasClientBuilder::format).
    pub format: Option<ResponseFormat>,
    /// [`saml_clock_tolerance`](crate::CasClientBuilder::saml_clock_tolerance).
    #[serde(deserialize_with = "values::time")]
    pub saml_clock_tolerance: Option<Duration>,
    /// [`login_parameter`](crate::CasClientBuilder::login_parameter).
    pub login_parameters: BTreeMap<String, String>,
    /// [`validation_parameter`](crate::CasClientBuilder::validation_parameter).
    pub validation_parameters: BTreeMap<String, SecretText>,
    /// [`response_namespace`](crate::CasClientBuilder::response_namespace).
    #[serde(deserialize_with = "values::list")]
    pub response_namespaces: Vec<String>,
    /// [`login_page_path`](crate::CasClientBuilder::login_page_path).
    pub login_page_path: Option<String>,
    /// [`logout_page_path`](crate::CasClientBuilder::logout_page_path).
    pub logout_page_path: Option<String>,
    /// [`logout_parameter`](crate::CasClientBuilder::logout_parameter).
    pub logout_parameter: Option<LogoutParameter>,
    /// [`validate_path`](crate::CasClientBuilder::validate_path).
    pub validate_path: Option<String>,
    /// [`accept_proxies`](crate::CasClientBuilder::accept_proxies): chains in the manner of
    /// [`ProxyChain::pattern`](crate::ProxyChain::pattern), where `*` stands for a part of a name.
    pub accept_proxies: Vec<Vec<UrlText>>,
    /// [`proxy_validate_path`](crate::CasClientBuilder::proxy_validate_path).
    pub proxy_validate_path: Option<String>,
    /// [`proxy_path`](crate::CasClientBuilder::proxy_path).
    pub proxy_path: Option<String>,
}

/// The section `redis`: `RedisRegistryBuilder`. It counts if the registry is in Redis.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table of settings")]
#[non_exhaustive]
pub struct RedisSettings {
    /// What the keys of the registry begin with.
    pub prefix: Option<String>,
    /// More root certificates: files in PEM form.
    #[serde(deserialize_with = "values::list")]
    pub root_certificates: Vec<PathBuf>,
    /// The certificate with which the app shows who it is: a file in PEM form. `client_key` belongs to it.
    pub client_certificate: Option<PathBuf>,
    /// The private key of the client certificate: a file in PEM form.
    pub client_key: Option<PathBuf>,
    /// The user for the Sentinels. Without it, the default user logs in there, if there is a password.
    pub sentinel_user: Option<String>,
    /// The password for the Sentinels.
    pub sentinel_password: Option<SecretText>,
    /// Whether the app starts even if Redis does not answer yet.
    pub connect_lazily: Option<bool>,
    /// How many replicas have to confirm.
    pub min_replicas: Option<u32>,
    /// How long sessions are trusted without news from Redis.
    #[serde(deserialize_with = "values::time")]
    pub fail_closed_after: Option<Duration>,
    /// How many sign-outs may wait for Redis.
    pub queue: Option<usize>,
    /// Whether a Redis is taken that evicts keys, and sign-outs with them.
    pub allow_eviction: Option<bool>,
    /// The longest lifetime of a session of any app with this registry. Without it, that of this app counts, and 8
    /// hours at least.
    #[serde(deserialize_with = "values::time")]
    pub longest_lifetime: Option<Duration>,
    /// How long one call takes at most.
    #[serde(deserialize_with = "values::time")]
    pub timeout: Option<Duration>,
}

/// The section `postgres`: `PostgresRegistryBuilder`. It counts if the registry is in PostgreSQL.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table of settings")]
#[non_exhaustive]
pub struct PostgresSettings {
    /// The schema with the registry's tables.
    pub schema: Option<String>,
    /// Whether the process makes the tables when it starts, or brings them up to date. Without it, it does.
    pub migrate: Option<bool>,
    /// How many connections the process makes at most. Without it, 8.
    pub max_connections: Option<u32>,
    /// How long sessions are trusted without news from PostgreSQL.
    #[serde(deserialize_with = "values::time")]
    pub fail_closed_after: Option<Duration>,
    /// How many sign-outs may wait for PostgreSQL.
    pub queue: Option<usize>,
    /// The longest lifetime of a session of any app with this registry. Without it, that of this app counts, and 8
    /// hours at least.
    #[serde(deserialize_with = "values::time")]
    pub longest_lifetime: Option<Duration>,
    /// How long one call takes at most.
    #[serde(deserialize_with = "values::time")]
    pub timeout: Option<Duration>,
}

/// A rule of the list `rules`. It has one of `path`, `prefix` and `pattern`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table of settings")]
#[non_exhaustive]
pub struct RuleSettings {
    /// [`Paths::exact`](crate::Paths::exact).
    pub path: Option<String>,
    /// [`Paths::prefix`](crate::Paths::prefix).
    pub prefix: Option<String>,
    /// [`Paths::pattern`](crate::Paths::pattern).
    pub pattern: Option<String>,
    /// Who may see these paths.
    pub access: AccessSetting,
    /// [`Access::any_of`](crate::Access::any_of): values by the attribute's name.
    pub any_of: BTreeMap<String, Vec<String>>,
    /// [`Access::all_of`](crate::Access::all_of): values by the attribute's name.
    pub all_of: BTreeMap<String, Vec<String>>,
    /// [`Access::fresh`](crate::Access::fresh).
    #[serde(deserialize_with = "values::time")]
    pub fresh: Option<Duration>,
    /// [`Access::no_proxy`](crate::Access::no_proxy).
    pub no_proxy: bool,
    /// [`Access::no_redirect`](crate::Access::no_redirect).
    pub no_redirect: bool,
}

/// Who may see the paths of a rule.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AccessSetting {
    /// [`Access::public`](crate::Access::public).
    Public,
    /// [`Access::optional`](crate::Access::optional).
    Optional,
    /// [`Access::gateway`](crate::Access::gateway).
    Gateway,
    /// [`Access::required`](crate::Access::required).
    #[default]
    Required,
}
