//! Paths: how they are spelled, what may be returned to, and where the app lives. Pure functions.

mod app_url;
mod authority;
mod canonical;
mod loose;
mod return_path;

pub(crate) use app_url::AppUrl;
pub(crate) use authority::{Authority, PublicAuthority};
pub(crate) use canonical::canonical;
pub(crate) use loose::is_alike;
pub(crate) use return_path::{ReturnPath, stays_here};
