//! The layer as its users meet it: over real sockets, against the embedded CAS server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shall panic"
)]

mod bad_input;
mod browser;
mod caches;
mod contract;
mod failures;
mod flow;
mod login_binding;
mod logs;
mod navigation;
mod paths;
mod placement;
mod prefixes;
mod quirks;
mod registry;
mod saml;
mod single_logout;
mod site;
mod stacks;
mod support;
