//! Ports for servers that are told where to listen.

use std::{
    hash::{BuildHasher as _, RandomState},
    net::TcpListener,
};

/// The system takes the ports of outgoing connections from 32,768 on. One of those could come between the look and the
/// start of a server, or have the port of a server that is down for a moment.
const FIRST: u64 = 10_000;
const COUNT: u64 = 20_000;

/// A port on which nothing listens, and which no outgoing connection gets.
///
/// # Panics
/// If all ports are taken.
#[must_use]
pub fn free_port() -> u16 {
    let start = RandomState::new().hash_one(());
    // Far apart, as other tests look for ports too.
    let mut ports = (0..COUNT).map(|n| FIRST + start.wrapping_add(n.wrapping_mul(7_919)) % COUNT);
    let free = ports.find_map(|port| {
        let port = u16::try_from(port).ok()?;
        TcpListener::bind(("127.0.0.1", port)).ok().map(|_| port)
    });
    free.expect("a free port")
}
