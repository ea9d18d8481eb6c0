//! The layer as its users meet it: over real sockets, against the embedded CAS server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shall panic"
)]

mod bad_input;
mod browser;
mod caches;
mod choices;
mod circles;
mod confirmation;
mod contents;
mod contract;
mod cookie_forms;
mod events;
mod failures;
mod flow;
mod gateway;
mod happenings;
mod hooks;
mod hosts;
mod identity;
mod in_place;
mod large_sessions;
mod lifetimes;
mod listening;
mod login_binding;
mod logs;
mod metrics;
mod navigation;
mod nodes;
mod paths;
mod placement;
mod post_tickets;
mod prefixes;
mod quirks;
mod registry;
mod renewal;
mod rules;
mod same_login;
mod saml;
mod single_logout;
mod site;
mod spellings;
mod stacks;
mod support;
mod tabs;
