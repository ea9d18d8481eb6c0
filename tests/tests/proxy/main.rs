//! Proxy authentication over real sockets, against the embedded CAS server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shall panic"
)]

mod api;
mod chains;
mod getting;
mod in_place;
mod link;
mod passwords;
mod portal;
mod relay;
mod released;
mod support;
mod unreachable;
