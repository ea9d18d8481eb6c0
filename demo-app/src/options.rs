//! The command line and the environment.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

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

    /// Where ended sessions are remembered
    #[arg(long, env = "DEMO_REGISTRY", value_enum, default_value_t = Registry::Memory)]
    pub(crate) registry: Registry,

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
}

impl From<Protocol> for cas_layer::Protocol {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Cas1 => Self::Cas1,
            Protocol::Cas2 => Self::Cas2,
            Protocol::Cas3 => Self::Cas3,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Registry {
    /// In this process, until it exits
    Memory,
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
