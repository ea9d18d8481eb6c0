//! The other nodes of an app that shares no registry, and what is said to them: sealed with the app's key.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    clock::UnixSeconds,
    registry::LogoutSender,
    session::{Sealer, SessionId, encoded, whole},
    turns::Turns,
};

/// The version of [`Wire`].
const VERSION: u8 = 1;

/// How far the clocks of two nodes may be apart, and how old a message may be, in seconds. An older one does no harm: it
/// ends what has ended.
const FRESH: UnixSeconds = 300;

/// How many logouts are passed on at once.
const AT_ONCE: usize = 64;

/// How many may wait for that.
const WAITING: usize = 1_024;

/// The other nodes.
#[derive(Debug)]
pub(crate) struct Rebroadcast {
    /// Where each of them takes logout requests.
    pub(crate) urls: Vec<String>,
    /// The public name of the app, which they know themselves by.
    pub(crate) authority: String,
    /// By sender, so that a flood from one address keeps no others from being heard everywhere.
    pub(crate) turns: Turns<LogoutSender>,
    /// How long each of the two rounds may take.
    pub(crate) limit: Duration,
    sealer: Sealer,
}

/// What nodes say to one another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum NodeMessage {
    /// A message of the CAS server names these tickets, and whether each is a proxy-granting ticket. Anybody can make such a
    /// message, so only a node that has opened one of these sessions ends it.
    Named {
        tickets: Vec<([u8; SessionId::LEN], bool)>,
        /// Whether the sender is one that the app has listed.
        is_trusted: bool,
    },
    /// These sessions were open here, and have ended now.
    Ended(Vec<[u8; SessionId::LEN]>),
}

/// As it lies in the seal, behind the version.
#[derive(Serialize, Deserialize)]
struct Wire {
    said_at: UnixSeconds,
    message: NodeMessage,
}

impl Rebroadcast {
    /// `within` is how long both rounds may take.
    pub(crate) fn new(
        urls: Vec<String>,
        authority: String,
        sealer: Sealer,
        within: Duration,
    ) -> Self {
        Self {
            urls,
            authority,
            turns: Turns::new(AT_ONCE, WAITING),
            sealer,
            limit: within / 2,
        }
    }

    /// `None` never happens: such a message can be encoded.
    pub(crate) fn seal(&self, message: NodeMessage, now: UnixSeconds) -> Option<String> {
        let wire = Wire {
            said_at: now,
            message,
        };
        Some(self.sealer.seal(&encoded(&(VERSION, wire))?))
    }

    /// `None` for what no node of this app has sealed lately.
    pub(crate) fn open(&self, sealed: &[u8], now: UnixSeconds) -> Option<NodeMessage> {
        let payload = self.sealer.open(sealed)?;
        let (version, wire): (u8, Wire) = whole(&payload)?;
        let is_fresh = wire.said_at.abs_diff(now) <= FRESH;
        (version == VERSION && is_fresh).then_some(wire.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Key, Purpose};

    fn node(key: u8, app: &str) -> Rebroadcast {
        let key = Key::from((key..key + 64).collect::<Vec<u8>>());
        let sealer = Sealer::new(&key, &[], Purpose::Rebroadcast, &[app]);
        Rebroadcast::new(Vec::new(), String::new(), sealer, Duration::from_secs(2))
    }

    #[test]
    fn a_node_hears_what_another_one_with_its_key_has_just_said() {
        let app = "https://app.example.org";
        let message = NodeMessage::Named {
            tickets: vec![([1; 16], false), ([2; 16], true)],
            is_trusted: false,
        };
        let sealed = node(1, app).seal(message.clone(), 10_000).unwrap();
        let heard = |by: &Rebroadcast, now| by.open(sealed.as_bytes(), now);
        for now in [10_000, 9_700, 10_300] {
            assert_eq!(heard(&node(1, app), now), Some(message.clone()), "{now}");
        }
        for now in [0, 9_699, 10_301] {
            assert_eq!(heard(&node(1, app), now), None, "{now}");
        }
        assert_eq!(heard(&node(2, app), 10_000), None, "another key");
        let other = node(1, "https://other.example.org");
        assert_eq!(heard(&other, 10_000), None, "another app");
        for text in ["", "AAAA", &sealed[1..], &format!("{sealed}A")] {
            assert_eq!(node(1, app).open(text.as_bytes(), 10_000), None, "{text}");
        }
    }
}
