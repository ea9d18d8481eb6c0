//! Every way to write a value, and what becomes of it.

use std::{fs, path::Path, time::Duration};

use config::{Config, Environment, File, FileFormat};

use super::*;
use crate::{
    Protocol, ResponseFormat, SessionPlace, UserName,
    language_tag::LanguageTag,
    settings::{AccessSetting, IdleTimeout},
};

/// Every key but `keys`. Two stand for the paths of files.
pub(super) const EVERYTHING: &str = r#"
url = "https://cas.example.org/cas"
app_url = "https://app.example.org"
hosts = ["https://app.example.com"]
key_file = "KEYS"
protocol = "cas2"
registry = "memory"
public = ["/", "/healthz"]
public_prefixes = ["/static"]
allow_insecure_http = false

[[rules]]
prefix = "/Admin"
access = "required"
any_of = { memberOf = ["admin", "Staff"] }
all_of = { licence = ["read"] }
fresh = "15m"
no_proxy = true
no_redirect = true

[[rules]]
pattern = "/users/{id}/photo"
access = "optional"

[session]
lifetime = "10h"
idle_timeout = "1h 30m"
remember_me_lifetime = "14d"
persistent = true
encrypted = true
place = "cookie"
cookie_name = "portal"
cookie_cache = 1048576
leave_cache_control = true
only_attributes = ["mail", "memberOf"]
rename_attributes = { memberOf = "Groups" }
user_name = "ascii-lowercase"
admit_timeout = "1500ms"

[sign_in]
landing_path = "/profile"
renew = true
warn = true
remember_me = true
remember_me_by_link = true
locale = "de"
locale_by_link = true
bare_service_url = true
allow_login_csrf = true
tickets_by_post = false
gateway_interval = "5m"
max_concurrent_validations = 8

[sign_out]
after_logout_path = "/bye"
locally = true
by_post_only = true
logout_sources = ["192.0.2.10", "2001:db8::/64"]
rebroadcast_to = ["http://10.0.0.1:8080"]
rebroadcast_within = "3s"

[endpoints]
login = "/in"
logout = "/out"
logout_callback = "/gone"
logout_request = "/slo"
prefix_stripped_by_proxy = true

[proxy]
callback_path = "/cas/proxy"
callback_url = "https://app.example.org/cas/proxy"
callback_sources = ["192.0.2.10"]
granting_tickets_in_registry = true

[auth_request]
path = "/auth"
original_uri = "X-Original-URI"
original_method = "X-Original-Method"
user = "X-User"
session_id = "X-Session"
attributes = { mail = "X-Mail" }
separator = ";"

[server]
internal_url = "https://cas.internal:8443/cas"
fallback_urls = ["https://cas2.internal:8443/cas", "https://cas3.internal:8443/cas"]
connect_timeout = "2s"
timeout = "PT5S"
root_certificates = ["ROOTS"]
format = "json"
saml_clock_tolerance = "10s"
login_parameters = { theme = "dark" }
validation_parameters = { assuranceLevel = "LOW" }
response_namespaces = ["https://ecas.ec.europa.eu/cas/schemas"]
login_page_path = "/enter"
logout_page_path = "/leave"
logout_parameter = "url"
validate_path = "/check"
accept_proxies = [["https://search-*.example.org/cb", "https://portal.example.org/cb"]]
proxy_validate_path = "/checkProxy"
proxy_path = "/grant"

[redis]
prefix = "app"
root_certificates = []
client_certificate = "CERTIFICATE"
client_key = "KEY"
sentinel_user = "alice"
sentinel_password = "secret"
connect_lazily = true
min_replicas = 1
fail_closed_after = "1m"
queue = 1000
allow_eviction = true
longest_lifetime = "1w"
timeout = "5s"

[postgres]
schema = "app"
migrate = false
max_connections = 4
fail_closed_after = "1m"
queue = 1000
longest_lifetime = "1w"
timeout = "5s"
"#;

fn toml(text: &str) -> CasSettings {
    let all = Config::builder().add_source(File::from_str(text, FileFormat::Toml));
    let all: config::Value = all.build().unwrap().try_deserialize().unwrap();
    CasSettings::read(all).unwrap()
}

/// As variables of the environment come, over a file.
fn environment(file: &str, variables: &[(&str, &str)]) -> Result<CasSettings, SettingsError> {
    let variables = variables.iter().copied();
    let source = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let all = Config::builder()
        .add_source(File::from_str(file, FileFormat::Toml))
        .add_source(
            Environment::with_prefix("APP")
                .prefix_separator("_")
                .separator("__")
                .source(Some(source.collect())),
        );
    let all = all.build().unwrap();
    CasSettings::read(all.get::<config::Value>("cas").unwrap())
}

#[test]
fn a_toml_file_sets_everything() {
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().join("keys");
    fs::write(&keys, format!("\n{}\r\n\n{}", key(), "1Rr/".repeat(22))).unwrap();
    let authority = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let pem = directory.path().join("root.pem");
    fs::write(&pem, authority.cert.pem()).unwrap();
    let name = |path: &Path| path.to_str().unwrap().to_owned();
    let text = EVERYTHING
        .replace("KEYS", &name(&keys))
        .replace("ROOTS", &name(&pem));
    let settings = toml(&text);
    let builder = settings.builder(&SettingsRegistry::default()).unwrap();
    let config = builder.peer_address(|_| None).build().unwrap();
    let host = config.first_host();
    let lifetimes = &host.app.lifetimes;
    assert_eq!(
        (lifetimes.session, lifetimes.idle, lifetimes.remembered),
        (36_000, Some(5_400), Some(1_209_600))
    );
    assert_eq!(config.cookie_name(), "__Host-portal-session");
    assert_eq!(config.login_path(), "/in");
    assert_eq!(config.logout_path(), "/out");
    assert_eq!(config.client().url(), "https://cas.example.org/cas");
    let service = crate::ServiceUrl::parse("https://app.example.org/in").unwrap();
    let login = config.client().login_url(&service);
    assert!(
        login.starts_with("https://cas.example.org/cas/enter?") && login.ends_with("&theme=dark"),
        "{login}"
    );
    assert_eq!(host.app.endpoints.auth_request.as_deref(), Some("/auth"));
    let auth_request = format!("{:?}", host.app.auth_request);
    for part in [
        "x-original-uri",
        "x-original-method",
        "x-user",
        "x-session",
        "x-mail",
        "59",
    ] {
        assert!(auth_request.contains(part), "{part}: {auth_request}");
    }
    let page = &host.app.login_page;
    assert!(page.always.warns && page.always.remembers);
    assert_eq!(page.always.locale, LanguageTag::parse("de"));
    assert!(page.links.remember && page.links.choose_locale);
    let admin = host.app.rules.access("/Admin/users");
    assert!(admin.is_strong() && admin.is_fresh() && !admin.may_redirect());
    let rule = format!("{admin:?}");
    for part in [
        r#"memberOf any of ["admin", "Staff"]"#,
        r#"licence all of ["read"]"#,
        "no proxy",
        "900s",
    ] {
        assert!(rule.contains(part), "{rule}");
    }
    let content = format!("{:?}", host.app.content);
    assert!(content.contains("Groups"), "{content}");
    for path in ["/", "/healthz", "/static/a.css", "/users/7/photo"] {
        assert!(!host.app.rules.access(path).is_required(), "{path}");
    }
    assert!(host.app.rules.access("/healthz/more").is_required());
}

#[test]
fn values_are_read_as_what_they_are() {
    let settings = toml(EVERYTHING);
    assert_eq!(
        settings.session.idle_timeout,
        Some(IdleTimeout::After(Duration::from_secs(5_400)))
    );
    assert_eq!(
        settings.redis.longest_lifetime,
        Some(Duration::from_secs(7 * 24 * 3_600))
    );
    let limits = [settings.redis.timeout, settings.postgres.timeout];
    assert_eq!(limits, [Some(Duration::from_secs(5)); 2]);
    assert_eq!(settings.rules[0].access, AccessSetting::Required);
    assert_eq!(settings.session.place, Some(SessionPlace::Cookie));
    assert_eq!(settings.session.cookie_cache, Some(1 << 20));
    assert_eq!(settings.session.user_name, Some(UserName::AsciiLowercase));
    assert_eq!(settings.server.format, Some(ResponseFormat::Json));
    assert_eq!(settings.protocol, Some(Protocol::Cas2));
}

#[test]
fn the_environment_has_the_last_word() {
    let file = r#"
        [cas]
        url = "https://cas.example.org/cas"
        app_url = "https://app.example.org"
        public = ["/"]
        [cas.session]
        lifetime = "10h"
    "#;
    let keys = format!("{}, {}\n{}", key(), "1Rr/".repeat(22), "2Rr/".repeat(22));
    let settings = environment(
        file,
        &[
            ("APP_CAS__URL", "https://sso.example.org/cas"),
            ("APP_CAS__KEYS", &keys),
            ("APP_CAS__HOSTS", "https://b.example, https://c.example"),
            ("APP_CAS__PUBLIC", "/open,/healthz"),
            ("APP_CAS__PROTOCOL", "saml1"),
            ("APP_CAS__SESSION__IDLE_TIMEOUT", "never"),
            ("APP_CAS__SESSION__ENCRYPTED", "true"),
            ("APP_CAS__SESSION__ONLY_ATTRIBUTES", ""),
            ("APP_CAS__SIGN_IN__MAX_CONCURRENT_VALIDATIONS", "7"),
            ("APP_CAS__SERVER__CONNECT_TIMEOUT", "1s"),
            ("APP_CAS__REDIS__MIN_REPLICAS", "2"),
        ],
    );
    let settings = settings.unwrap();
    assert_eq!(settings.keys.len(), 3);
    assert_eq!(settings.hosts.len(), 2);
    assert_eq!(settings.public, ["/open", "/healthz"]);
    assert_eq!(settings.protocol, Some(Protocol::Saml1));
    assert_eq!(settings.session.only_attributes.as_deref(), Some(&[][..]));
    assert_eq!(settings.sign_in.max_concurrent_validations, Some(7));
    assert_eq!(settings.redis.min_replicas, Some(2));
    let builder = settings.builder(&SettingsRegistry::default()).unwrap();
    let config = builder.build().unwrap();
    let lifetimes = &config.first_host().app.lifetimes;
    assert_eq!((lifetimes.session, lifetimes.idle), (36_000, None));
    assert_eq!(config.client().url(), "https://sso.example.org/cas");

    for (variable, value, said) in [
        (
            "APP_CAS__SESSION__LIFETIME",
            "soon",
            "session.lifetime: `soon` is not a time with its unit, such as `8h`, `30m` or `1h 30m`",
        ),
        (
            "APP_CAS__SESSION__ENCRYPTED",
            "perhaps",
            "session.encrypted: a string where a boolean is expected",
        ),
    ] {
        let error = environment(file, &[(variable, value)]).unwrap_err();
        assert_eq!(error.to_string(), said);
    }
}

#[test]
fn what_is_not_set_is_as_the_builder_has_it() {
    let settings = builder(&good()).unwrap();
    let plain = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
        .key(crate::Key::from_base64(&key()).unwrap());
    // One registry for both: the number of its first session is the second
    // in which it was made.
    let registry = crate::MemoryRegistry::default();
    let shown = |builder: CasConfigBuilder| {
        let config = builder.registry(registry.clone()).build().unwrap();
        format!("{config:?}")
    };
    assert_eq!(shown(settings), shown(plain));
}

#[test]
fn code_has_the_last_word() {
    let settings = with(&json!({ "session": { "lifetime": "1h" }, "public": ["/a"] }));
    let config = builder(&settings)
        .unwrap()
        .session(|session| session.lifetime(Duration::from_secs(60)))
        .public("/b")
        .build()
        .unwrap();
    let app = &config.first_host().app;
    assert_eq!(app.lifetimes.session, 60);
    assert!(!app.rules.access("/a").is_required() && !app.rules.access("/b").is_required());
}

#[test]
fn a_key_may_come_from_code() {
    let mut settings = read(&good()).unwrap();
    settings.keys.clear();
    let builder = |settings: &CasSettings| settings.builder(&SettingsRegistry::default()).unwrap();
    assert!(builder(&settings).build().is_err());
    assert!(
        builder(&settings)
            .key(crate::Key::generate())
            .build()
            .is_ok()
    );
    settings.keys.push(key().into());
    assert!(builder(&settings).build().is_ok());
}

#[test]
fn times_are_written_with_their_unit() {
    for (text, seconds) in [
        ("90s", 90),
        ("30m", 1_800),
        ("8h", 28_800),
        ("1h30m", 5_400),
        ("1h 30m", 5_400),
        ("1.5h", 5_400),
        ("2 days", 172_800),
        ("PT8H", 28_800),
    ] {
        let settings = read(&json!({ "session": { "lifetime": text } })).unwrap();
        let expected = Some(Duration::from_secs(seconds));
        assert_eq!(settings.session.lifetime, expected, "{text}");
    }
    for text in ["", "8", "h", "8 hourz", "-8h", "1 month", "1y", "8h\n9"] {
        let error = read(&json!({ "session": { "lifetime": text } })).unwrap_err();
        assert_eq!(error.key(), "session.lifetime", "{text}: {error}");
    }
    let error = read(&json!({ "session": { "lifetime": 3600 } })).unwrap_err();
    assert_eq!(
        error.to_string(),
        "session.lifetime: an integer where a time with its unit, such as `8h`, `30m` or `1h 30m` is expected"
    );
}
