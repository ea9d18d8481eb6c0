//! The command line and the environment.

use std::{fmt, net::SocketAddr, path::PathBuf, process::ExitCode, str::FromStr};

use clap::{Parser, ValueEnum, builder::BoolishValueParser, error::ErrorKind};

use crate::CANNOT_START;

/// A demo of cas-layer: sign in at a CAS server, see your profile, sign out.
#[derive(Debug, Parser)]
#[command(name = "demo-app", version)]
pub(crate) struct Options {
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

    /// How tickets are validated
    #[arg(long, env = "DEMO_PROTOCOL", value_enum, default_value_t = Protocol::Cas3)]
    pub(crate) protocol: Protocol,

    /// Keys, one in base64 a line: the first seals, all open [default: a random one]
    #[arg(long, env = "DEMO_KEY_FILE", value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// Where ended sessions are remembered: `memory`, `file:PATH`, or the URL of a Redis server
    #[arg(
        long,
        env = "DEMO_REGISTRY",
        hide_env_values = true,
        value_name = "REGISTRY",
        default_value = "memory"
    )]
    pub(crate) registry: Registry,

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

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Protocol {
    /// /validate: the user name alone
    Cas1,
    /// /serviceValidate
    Cas2,
    /// /p3/serviceValidate
    Cas3,
    /// /samlValidate: SAML 1.1
    Saml1,
}

impl From<Protocol> for cas_layer::Protocol {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Cas1 => Self::Cas1,
            Protocol::Cas2 => Self::Cas2,
            Protocol::Cas3 => Self::Cas3,
            Protocol::Saml1 => Self::Saml1,
        }
    }
}

/// Where ended sessions are remembered.
#[derive(Clone)]
pub(crate) enum Registry {
    /// In this process, until it exits.
    Memory,
    /// In a file, for one process.
    File(PathBuf),
    /// At a Redis server, for many. The URL may hold a password.
    Redis(String),
}

impl FromStr for Registry {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_redis = ["redis://", "rediss://"]
            .iter()
            .any(|scheme| text.starts_with(scheme));
        match text.strip_prefix("file:") {
            Some("") => Err("the path of the file is missing"),
            Some(path) => Ok(Self::File(path.into())),
            None if text == "memory" => Ok(Self::Memory),
            None if is_redis => Ok(Self::Redis(text.to_owned())),
            None => Err("it is neither memory nor file:PATH, redis://… or rediss://…"),
        }
    }
}

/// Without the password.
impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Redis(_) => f.write_str("redis://…"),
        }
    }
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
}

/// clap explains over several paragraphs; the first says what is wrong.
fn first_sentence(message: &str) -> String {
    let paragraph = message.split("\n\n").next().unwrap_or(message);
    let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    line.strip_prefix("error: ")
        .map_or_else(|| line.clone(), str::to_owned)
}
