//! A session's whole life against a small model of it.
//!
//! `steps` are what users, CAS servers, operators and clocks do. `walk` takes them at an `App`, and tells
//! the `model` what a user saw: it says whether that may be. The app is the real layer with a registry
//! (`layered`), or a `fake` with a fault, which the model has to find. `trials` tries many random walks.

#[cfg(test)]
mod fake;
mod layered;
mod model;
mod steps;
pub mod trials;
mod walk;
