//! The command line and the environment.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use cas_layer::{CasSettings, IdleTimeout, Protocol, RegistrySetting};
use clap::{Parser, builder::BoolishValueParser, error::ErrorKind};

use crate::{CANNOT_START, app};

/// A demo of cas-layer: sign in at a CAS server, see your profile, sign out.
#[derive(Debug, Parser)]
#[command(name = "demo-app", version)]
pub(crate) struct Options {
    /// A TOML file of settings, which options overrule; the guide of cas-layer lists them
    #[arg(long, env = "DEMO_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Where the demo listens; port 0 takes a free one
    #[arg(
        long,
        env = "DEMO_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:8080"
    )]
    pub(crate) listen: SocketAddr,

    /// Public URL of the demo [default: http:// and the address it listens on]
    #[arg(long, env = "DEMO_APP_URL", value_name = "URL")]
    pub(crate) app_url: Option<String>,

    /// A real CAS server, such as <https://cas.example.org/cas> [default: an embedded one]
    #[arg(long, env = "DEMO_CAS_URL", value_name = "URL")]
    pub(crate) cas_url: Option<String>,

    /// Where the embedded CAS server listens; port 0 takes a free one
    #[arg(
        long,
        env = "DEMO_CAS_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:8081"
    )]
    pub(crate) cas_listen: SocketAddr,

    /// Extra root certificates for the CAS server, next to those of the system
    #[arg(long, env = "DEMO_CAS_CA_FILE", value_name = "PEM")]
    pub(crate) cas_ca_file: Option<PathBuf>,

    /// How tickets are validated: cas1, cas2, cas3 or saml1 [default: cas3]
    #[arg(long, env = "DEMO_PROTOCOL")]
    pub(crate) protocol: Option<Protocol>,

    /// Keys, one in base64 a line: the first seals, all open [default: a random one]
    #[arg(long, env = "DEMO_KEY_FILE", value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// Where ended sessions are remembered: `memory`, `file:PATH`, or the URL of a Redis or PostgreSQL [default: memory]
    #[arg(
        long,
        env = "DEMO_REGISTRY",
        hide_env_values = true,
        value_name = "REGISTRY"
    )]
    pub(crate) registry: Option<RegistrySetting>,

    /// Seconds without a request after which a session ends; 0 for no such limit
    #[arg(long, env = "DEMO_IDLE", value_name = "SECONDS")]
    pub(crate) idle: Option<u64>,

    /// Seconds after which a session ends, whatever happens in it
    #[arg(long, env = "DEMO_LIFETIME", value_name = "SECONDS")]
    pub(crate) lifetime: Option<u64>,

    /// Call a second demo service in the user's name, and show what it says at /proxied
    #[arg(long, env = "DEMO_PROXY", value_parser = BoolishValueParser::new())]
    pub(crate) proxy: bool,

    /// Where that second service listens; port 0 takes a free one
    #[arg(
        long,
        env = "DEMO_PROXY_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:8082"
    )]
    pub(crate) proxy_listen: SocketAddr,

    /// Where the CAS server reaches /cas/proxy of the demo [default: below its public URL]
    #[arg(long, env = "DEMO_PROXY_CALLBACK_URL", value_name = "URL")]
    pub(crate) proxy_callback_url: Option<String>,

    /// Count what happens, and show it to everybody at /metrics, for Prometheus
    #[arg(long, env = "DEMO_METRICS", value_parser = BoolishValueParser::new())]
    pub(crate) metrics: bool,
}

/// The option that sets the same as a key of the settings, if there is one.
pub(crate) fn option_of(key: &str) -> Option<&'static str> {
    Some(match key {
        "url" => "--cas-url",
        "app_url" => "--app-url",
        "protocol" => "--protocol",
        "key_file" => "--key-file",
        "server.root_certificates[0]" => "--cas-ca-file",
        "registry" => "--registry",
        "session.lifetime" => "--lifetime",
        "session.idle_timeout" => "--idle",
        "proxy.callback_url" => "--proxy-callback-url",
        _ => return None,
    })
}

impl Options {
    /// The options, or the code to exit with once help, the version or what is wrong has been said.
    pub(crate) fn from_command_line() -> Result<Self, ExitCode> {
        Self::try_parse().map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                // Nobody is left to tell when stdout is closed.
                let _ = error.print();
                ExitCode::SUCCESS
            }
            _ => {
                let line = first_sentence(&error.to_string());
                eprintln!("demo-app: {line} (--help lists the options)");
                ExitCode::from(CANNOT_START)
            }
        })
    }

    /// Settings of a file, overruled by what the command line and the environment say. The demo has pages of its own.
    pub(crate) fn overrule(&self, settings: &mut CasSettings) {
        let given = self.cas_url.as_deref().map(Into::into);
        settings.url = given.or(settings.url.take());
        let given = self.app_url.as_deref().map(Into::into);
        settings.app_url = given.or(settings.app_url.take());
        settings.protocol = self.protocol.or(settings.protocol);
        if let Some(path) = &self.key_file {
            settings.keys.clear();
            settings.key_file = Some(path.clone());
        }
        if let Some(path) = &self.cas_ca_file {
            settings.server.root_certificates = vec![path.clone()];
        }
        if let Some(registry) = &self.registry {
            settings.registry = registry.clone();
        }
        if let Some(seconds) = self.lifetime {
            settings.session.lifetime = Some(Duration::from_secs(seconds));
        }
        settings.session.idle_timeout = match self.idle {
            None => settings.session.idle_timeout,
            Some(0) => Some(IdleTimeout::Never),
            Some(seconds) => Some(IdleTimeout::After(Duration::from_secs(seconds))),
        };
        let landing_path = &mut settings.sign_in.landing_path;
        landing_path.get_or_insert_with(|| app::LANDING_PATH.to_owned());
        if self.proxy {
            settings.session.encrypted = Some(true);
            settings.proxy.callback_path = Some(app::PROXY_CALLBACK_PATH.to_owned());
            let given = self.proxy_callback_url.as_deref().map(Into::into);
            settings.proxy.callback_url = given.or(settings.proxy.callback_url.take());
        }
    }
}

/// clap explains over several paragraphs; the first says what is wrong.
fn first_sentence(message: &str) -> String {
    let paragraph = message.split("\n\n").next().unwrap_or(message);
    let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    line.strip_prefix("error: ")
        .map_or_else(|| line.clone(), str::to_owned)
}
