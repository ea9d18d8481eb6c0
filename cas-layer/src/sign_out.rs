//! Sign-out: here, and everywhere by single logout.

pub(crate) mod form;
pub(crate) mod logout;
pub(crate) mod single_logout;
