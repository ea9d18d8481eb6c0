//! Paths: what a rule sees, what may be returned to, and where the app lives. Pure functions.

mod app_url;
mod authority;
mod canonical;
mod loose;
mod pattern;
mod return_path;
mod rules;

pub(crate) use app_url::AppUrl;
pub(crate) use authority::{Authority, PublicAuthority};
pub(crate) use canonical::canonical;
pub use pattern::Paths;
pub(crate) use return_path::{ReturnPath, Travelling, stays_here};
pub(crate) use rules::Rules;
