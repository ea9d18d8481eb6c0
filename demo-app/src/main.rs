//! A small axum application behind cas-layer.
fn main() {}
