//! Which sessions were opened and which have ended. The session itself is in the cookie.

mod memory;

pub use memory::MemoryRegistry;
pub(crate) use memory::{Begun, Opened};
