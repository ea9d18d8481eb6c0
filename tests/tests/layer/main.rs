//! The layer as its users meet it: over real sockets, against the embedded CAS server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shall panic"
)]

mod admit;
mod auth_request;
mod bad_input;
mod browser;
mod caches;
mod cas_away;
mod cas_nodes;
mod choices;
mod circles;
mod confirmation;
mod contents;
mod contract;
mod cookie_forms;
mod events;
mod failures;
mod families;
mod flow;
mod frames;
mod fresh;
mod gateway;
mod happenings;
mod hooks;
mod hosts;
mod htmx;
mod identity;
mod in_place;
mod jwt;
mod known_cookies;
mod large_sessions;
mod lifetimes;
mod login_binding;
mod login_page;
mod logs;
mod metrics;
mod navigation;
mod nodes;
mod pages;
mod paths;
mod placement;
mod post_tickets;
mod posted_forms;
mod prefixes;
mod quirks;
mod rebroadcast;
mod registry;
mod released;
mod renewal;
mod renewed_tickets;
mod rules;
mod same_login;
mod saml;
mod single_logout;
mod site;
mod spellings;
mod stacks;
mod support;
mod tabs;
