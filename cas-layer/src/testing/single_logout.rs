//! Single logout (CAS protocol 2.3.3, appendix C): the services hear that a session has ended.

mod back_channel;
mod front_channel;
mod message;
mod notice;

pub(super) use back_channel::BackChannel;
pub(super) use notice::{Issued, Notice, notices};

pub use back_channel::LogoutReport;
pub use front_channel::{FrontChannel, MessageEncoding};
