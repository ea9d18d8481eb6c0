//! Looks for sessions that come back, and for sessions that are lost, while everything around the registry fails.
//!
//! A workload of sign-ins, reads and sign-outs runs against nodes, which are processes of their own. A
//! nemesis kills, stops and cuts off what it can, by a schedule that follows from a seed: see the [`faults`]. All that was asked and
//! answered is a [`history`], and a pure function [checks](check) it against what the registry promises. [`store`] says what
//! a registry needs and what can happen to it: a new registry gets its place there.

mod cas;
pub mod chance;
pub mod check;
pub mod clock;
pub mod faults;
pub mod guarded;
pub mod history;
mod nemesis;
pub mod network;
mod node;
pub mod program;
mod recorder;
pub mod run;
pub mod store;
mod workload;
