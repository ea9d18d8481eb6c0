//! Sign-out: here, and everywhere by single logout.

mod ending;
pub(crate) mod form;
pub(crate) mod logout;
mod rebroadcast;
pub(crate) mod single_logout;
