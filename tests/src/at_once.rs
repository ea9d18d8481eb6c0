//! A registry that is called by several threads at once. Its contract says that each call is one step. So there has to be
//! an order of the calls, in which none comes before one that was answered before it began, that gives all answers.
//!
//! Where nodes share a store, the order is one of the parts of calls: what the store does, and when a node goes by it. See
//! [`Promise`].
//!
//! `rounds` makes random calls and notes when each began and was answered. `order` looks for such an order, with a
//! `model` of a registry that does one thing after another.
//!
//! The calls run on real threads. loom and shuttle would try every order of their steps, but they need each lock,
//! atomic and task of the library and of its dependencies (std, tokio, redb) replaced by their own.

mod model;
mod order;
pub mod rounds;

pub use model::Promise;
