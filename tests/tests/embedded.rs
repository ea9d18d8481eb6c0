//! The flow against the embedded CAS server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "servers/chains.rs"]
#[allow(dead_code, reason = "what other suites need besides")]
mod chains;
#[path = "servers/flows.rs"]
#[allow(dead_code, reason = "what other suites need besides")]
mod flows;
#[path = "proxy/portal.rs"]
#[allow(dead_code, reason = "what other suites need besides")]
mod portal;

use std::{process::ExitCode, sync::Arc};

use cas_layer::testing::{CasServer, CasServerBuilder, FrontChannel, MessageEncoding, Quirk, User};
use cas_layer_tests::{
    acting::{self, FailedCallback},
    flow, suite,
    tls::Authority,
};
use tokio::runtime::Runtime;

use crate::{
    chains::Named,
    flows::{Abilities, Support::Yes},
};

fn main() -> ExitCode {
    let trusted = Arc::new(Authority::new());
    // The servers run in it until the tests have ended.
    let runtime = Runtime::new().unwrap();
    let start = |server: CasServerBuilder| runtime.block_on(server.start()).unwrap();
    let by_browser = FrontChannel::Images(MessageEncoding::Plain);
    let back_channel = start(
        server()
            .ca(trusted.pem())
            .quirk(Quirk::CallbackFailureRefuses),
    );
    let front_channel = start(server().front_channel(by_browser));

    let mut trials = flow::trials(flow::embedded());
    let url = back_channel.url();
    trials.extend(acting::trials(
        url.to_owned(),
        Arc::clone(&trusted),
        FailedCallback::IsRefused,
    ));
    trials.extend(chains::trials(url, &trusted, Named::All));
    let abilities = Abilities {
        dates: Yes,
        json: Yes,
        by_post: Yes,
        front_channel: Yes,
    };
    let url = front_channel.url();
    trials.extend(flows::trials(url, flow::embedded(), &abilities));
    suite::run(trials)
}

/// With the account of every server under test.
fn server() -> CasServerBuilder {
    let user = User::new(flow::USER, flow::PASSWORD);
    let attributes = flow::embedded().attributes.into_iter();
    let user = attributes.fold(user, |user, (name, values)| user.attribute(name, values));
    CasServer::builder().user(user)
}
