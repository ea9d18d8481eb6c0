//! From settings to a builder, one value after the other, so that a mistake can be told with its key.

use super::{
    cas_settings::CasSettings,
    error::SettingsError,
    files,
    sections::{
        AccessSetting, AuthRequestSettings, EndpointSettings, ProxySettings, RuleSettings,
        ServerSettings, SessionSettings, SignInSettings, SignOutSettings,
    },
    values::{SecretText, UrlText},
};
use crate::{
    config::{CasConfig, CasConfigBuilder},
    error::ConfigError,
    protocol::ProxyChain,
    rules::{Access, Paths},
    session::Key,
};

/// Stand for the URLs while what is wrong is looked for.
const SOME_CAS_URL: &str = "https://cas.invalid/cas";
const SOME_APP_URL: &str = "https://app.invalid";

/// The builder with all settings, if each of them can be used.
pub(super) fn builder(settings: &CasSettings) -> Result<CasConfigBuilder, SettingsError> {
    let steps = Steps::of(settings)?;
    let all = steps.list.len();
    let Err(error) = steps.check(all) else {
        return Ok(steps.builder(all));
    };
    // The value that brings this very mistake about. Before it there may be others, if values belong together.
    let message = error.to_string();
    let brings = |&taken: &usize| {
        let checked = steps.check(taken);
        checked.is_err_and(|error| error.to_string() == message)
    };
    let taken = (1..all).find(brings).unwrap_or(all);
    let key = steps.list.get(taken - 1).map_or("", |step| &*step.key);
    Err(SettingsError::config(key, error))
}

/// Steps for the values that are set, each a method of a group of the builder with the name of its key.
macro_rules! set {
    ($steps:ident, $section:literal $group:ident: $($name:ident),*) => {
        $(if let Some(value) = $name {
            $steps.add(concat!($section, ".", stringify!($name)), move |builder| {
                builder.$group(|options| options.$name(value.clone()))
            });
        })*
    };
}

/// What settings do to a builder, in an order in which each makes sense without those after it.
struct Steps<'s> {
    cas_url: &'s UrlText,
    app_url: &'s UrlText,
    allow_insecure_http: bool,
    list: Vec<Step<'s>>,
}

struct Step<'s> {
    key: String,
    apply: Box<dyn Fn(CasConfigBuilder) -> CasConfigBuilder + 's>,
}

impl<'s> Steps<'s> {
    fn of(settings: &'s CasSettings) -> Result<Self, SettingsError> {
        let CasSettings {
            url,
            app_url,
            hosts,
            keys,
            key_file,
            protocol,
            registry: _,
            public,
            public_prefixes,
            rules,
            allow_insecure_http,
            session,
            sign_in,
            sign_out,
            endpoints,
            auth_request,
            proxy,
            server,
            redis: _,
            postgres: _,
        } = settings;
        let needed = |key: &str, url: &'s Option<UrlText>| {
            url.as_ref()
                .ok_or_else(|| SettingsError::new(key, "it is missing"))
        };
        let mut steps = Self {
            cas_url: needed("url", url)?,
            app_url: needed("app_url", app_url)?,
            allow_insecure_http: *allow_insecure_http,
            list: Vec::new(),
        };
        // These two are where the builder begins.
        steps.add("url", |builder| builder);
        steps.add("app_url", |builder| builder);
        if key_file.is_some() && !keys.is_empty() {
            return Err(SettingsError::new(
                "key_file",
                "there are `keys` too: give one of the two",
            ));
        }
        if !keys.is_empty() {
            steps.keys("keys", keys_of(keys)?);
        }
        if let Some(path) = key_file {
            steps.keys("key_file", files::keys("key_file", path)?);
        }
        if let Some(protocol) = *protocol {
            steps.add("protocol", move |builder| {
                builder.client(|client| client.protocol(protocol))
            });
        }
        steps.server(server)?;
        for (index, host) in hosts.iter().enumerate() {
            steps.add(&format!("hosts[{index}]"), move |builder| {
                builder.host(host.as_str())
            });
        }
        steps.endpoints(endpoints);
        steps.session(session);
        for (index, rule) in rules.iter().enumerate() {
            let key = format!("rules[{index}]");
            let (paths, access) = rule_of(&key, rule)?;
            steps.add(&key, move |builder| {
                builder.rule(paths.clone(), access.clone())
            });
        }
        for (index, path) in public.iter().enumerate() {
            steps.add(&format!("public[{index}]"), move |builder| {
                builder.public(path)
            });
        }
        for (index, path) in public_prefixes.iter().enumerate() {
            steps.add(&format!("public_prefixes[{index}]"), move |builder| {
                builder.public_prefix(path)
            });
        }
        steps.sign_in(sign_in);
        steps.sign_out(sign_out);
        steps.proxy(proxy);
        steps.auth_request(auth_request);
        Ok(steps)
    }

    /// The builder after so many steps.
    fn builder(&self, taken: usize) -> CasConfigBuilder {
        let cas_url = if taken > 0 {
            self.cas_url.as_str()
        } else {
            SOME_CAS_URL
        };
        let app_url = if taken > 1 {
            self.app_url.as_str()
        } else {
            SOME_APP_URL
        };
        let begun = CasConfig::builder(cas_url, app_url);
        // It changes what the URLs may be, and is no mistake by itself.
        let begun = begun.allow_insecure_http(self.allow_insecure_http);
        let steps = self.list.iter().take(taken);
        steps.fold(begun, |builder, step| (step.apply)(builder))
    }

    /// Code may still bring a key, and say where requests come from.
    fn check(&self, taken: usize) -> Result<(), ConfigError> {
        let builder = self.builder(taken).key(Key::generate());
        builder.peer_address(|_| None).check()
    }

    fn add(&mut self, key: &str, apply: impl Fn(CasConfigBuilder) -> CasConfigBuilder + 's) {
        self.list.push(Step {
            key: key.to_owned(),
            apply: Box::new(apply),
        });
    }

    fn keys(&mut self, key: &str, keys: Vec<Key>) {
        self.add(key, move |builder| {
            keys.iter().cloned().fold(builder, CasConfigBuilder::key)
        });
    }

    fn server(&mut self, server: &'s ServerSettings) -> Result<(), SettingsError> {
        let ServerSettings {
            internal_url,
            fallback_urls,
            connect_timeout,
            timeout,
            root_certificates,
            format,
            saml_clock_tolerance,
            login_parameters,
            validation_parameters,
            response_namespaces,
            login_page_path,
            logout_page_path,
            logout_parameter,
            validate_path,
            accept_proxies,
            proxy_validate_path,
            proxy_path,
        } = server;
        set!(self, "server" client: internal_url, connect_timeout, timeout, format, saml_clock_tolerance);
        set!(self, "server" client: login_page_path, logout_page_path, logout_parameter, validate_path);
        set!(self, "server" client: proxy_validate_path, proxy_path);
        for (index, url) in fallback_urls.iter().enumerate() {
            let key = format!("server.fallback_urls[{index}]");
            self.add(&key, move |builder| {
                builder.client(|client| client.fallback_url(url.as_str()))
            });
        }
        for (index, path) in root_certificates.iter().enumerate() {
            let key = format!("server.root_certificates[{index}]");
            let pem = files::read(&key, path)?;
            self.add(&key, move |builder| {
                builder.client(|client| client.add_root_certificate_pem(pem.clone()))
            });
        }
        for (name, value) in login_parameters {
            self.add(&format!("server.login_parameters.{name}"), move |builder| {
                builder.client(|client| client.login_parameter(name, value))
            });
        }
        for (name, value) in validation_parameters {
            let key = format!("server.validation_parameters.{name}");
            let value = text_of(&key, value)?;
            self.add(&key, move |builder| {
                builder.client(|client| client.validation_parameter(name, value))
            });
        }
        for (index, namespace) in response_namespaces.iter().enumerate() {
            self.add(
                &format!("server.response_namespaces[{index}]"),
                move |builder| builder.client(|client| client.response_namespace(namespace)),
            );
        }
        for (index, proxies) in accept_proxies.iter().enumerate() {
            self.add(&format!("server.accept_proxies[{index}]"), move |builder| {
                let chain = ProxyChain::pattern(proxies.iter().map(UrlText::as_str));
                builder.client(|client| client.accept_proxies([chain]))
            });
        }
        Ok(())
    }

    fn session(&mut self, session: &'s SessionSettings) {
        let SessionSettings {
            lifetime,
            idle_timeout,
            remember_me_lifetime,
            persistent,
            encrypted,
            place,
            cookie_name,
            cookie_cache,
            leave_cache_control,
            only_attributes,
            rename_attributes,
            user_name,
            admit_timeout,
        } = session;
        set!(self, "session" session: lifetime, idle_timeout, remember_me_lifetime, admit_timeout);
        set!(self, "session" session: persistent, encrypted, place, cookie_name, cookie_cache);
        set!(self, "session" session: leave_cache_control, only_attributes, user_name);
        for (from, to) in rename_attributes {
            self.add(
                &format!("session.rename_attributes.{from}"),
                move |builder| builder.session(|session| session.rename_attribute(from, to)),
            );
        }
    }

    fn sign_in(&mut self, sign_in: &'s SignInSettings) {
        let SignInSettings {
            landing_path,
            renew,
            warn,
            remember_me,
            remember_me_by_link,
            locale,
            locale_by_link,
            bare_service_url,
            allow_login_csrf,
            tickets_by_post,
            gateway_interval,
            max_concurrent_validations,
        } = sign_in;
        set!(self, "sign_in" sign_in: landing_path, renew, bare_service_url, allow_login_csrf);
        set!(self, "sign_in" sign_in: warn, remember_me, remember_me_by_link, locale, locale_by_link);
        set!(self, "sign_in" sign_in: tickets_by_post, gateway_interval, max_concurrent_validations);
    }

    fn sign_out(&mut self, sign_out: &'s SignOutSettings) {
        let SignOutSettings {
            after_logout_path,
            locally,
            by_post_only,
            logout_sources,
            rebroadcast_to,
            rebroadcast_within,
        } = sign_out;
        set!(self, "sign_out" sign_out: after_logout_path, locally, by_post_only, logout_sources);
        set!(self, "sign_out" sign_out: rebroadcast_to, rebroadcast_within);
    }

    fn endpoints(&mut self, endpoints: &'s EndpointSettings) {
        let EndpointSettings {
            login,
            logout,
            logout_callback,
            logout_request,
            prefix_stripped_by_proxy,
        } = endpoints;
        set!(self, "endpoints" endpoints: login, logout, logout_callback, logout_request);
        set!(self, "endpoints" endpoints: prefix_stripped_by_proxy);
    }

    fn auth_request(&mut self, auth_request: &'s AuthRequestSettings) {
        let AuthRequestSettings {
            path,
            original_uri,
            original_method,
            user,
            session_id,
            attributes,
            separator,
        } = auth_request;
        set!(self, "auth_request" auth_request: path, original_uri, original_method);
        if let Some(field) = user {
            self.add("auth_request.user", move |builder| {
                builder.auth_request(|auth| auth.identity(|it| it.user(field)))
            });
        }
        if let Some(field) = session_id {
            self.add("auth_request.session_id", move |builder| {
                builder.auth_request(|auth| auth.identity(|it| it.session_id(field)))
            });
        }
        for (name, field) in attributes {
            self.add(&format!("auth_request.attributes.{name}"), move |builder| {
                builder.auth_request(|auth| auth.identity(|it| it.attribute(name, field)))
            });
        }
        if let Some(separator) = *separator {
            self.add("auth_request.separator", move |builder| {
                builder.auth_request(|auth| auth.identity(|it| it.separator(separator)))
            });
        }
    }

    fn proxy(&mut self, proxy: &'s ProxySettings) {
        let ProxySettings {
            callback_path,
            callback_url,
            callback_sources,
            granting_tickets_in_registry,
        } = proxy;
        set!(self, "proxy" proxy: callback_path, callback_url, callback_sources);
        set!(self, "proxy" proxy: granting_tickets_in_registry);
    }
}

fn keys_of(keys: &[SecretText]) -> Result<Vec<Key>, SettingsError> {
    let numbered = keys.iter().enumerate();
    let read = numbered.map(|(index, text)| {
        let key = format!("keys[{index}]");
        Key::from_base64(text_of(&key, text)?).map_err(|error| SettingsError::config(&key, error))
    });
    read.collect()
}

fn text_of<'t>(key: &str, text: &'t SecretText) -> Result<&'t str, SettingsError> {
    text.expose_secret()
        .ok_or_else(|| SettingsError::new(key, "it is not a text"))
}

fn rule_of(key: &str, rule: &RuleSettings) -> Result<(Paths, Access), SettingsError> {
    let RuleSettings {
        path,
        prefix,
        pattern,
        access,
        any_of,
        all_of,
        fresh,
        no_proxy,
        no_redirect,
    } = rule;
    let paths = match (path, prefix, pattern) {
        (Some(path), None, None) => Paths::exact(path),
        (None, Some(prefix), None) => Paths::prefix(prefix),
        (None, None, Some(pattern)) => Paths::pattern(pattern),
        _ => {
            return Err(SettingsError::new(
                key,
                "a rule has one of `path`, `prefix` and `pattern`",
            ));
        }
    };
    let mut required = match access {
        AccessSetting::Public => Access::public(),
        AccessSetting::Optional => Access::optional(),
        AccessSetting::Gateway => Access::gateway(),
        AccessSetting::Required => Access::required(),
    };
    for (name, values) in any_of {
        required = required.any_of(name, values);
    }
    for (name, values) in all_of {
        required = required.all_of(name, values);
    }
    if let Some(within) = *fresh {
        required = required.fresh(within);
    }
    if *no_proxy {
        required = required.no_proxy();
    }
    if *no_redirect {
        required = required.no_redirect();
    }
    Ok((paths, required))
}
