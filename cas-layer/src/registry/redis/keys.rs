//! The names of the keys in Redis.

use crate::{registry::sender::LogoutShare, session::SessionId};

/// The names of the keys, all with one prefix. A cluster looks only at the part in braces, so all keys lie together
/// and one script may touch them.
#[derive(Debug)]
pub(super) struct Keys {
    prefix: String,
    /// In the order in which the scripts name them.
    shared: [String; 10],
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        let prefix = format!("{{{prefix}}}:");
        let shared = [
            "epoch",
            "instance",
            "ended",
            "number",
            "longest",
            "recovering",
            "kept-listed",
            "kept",
            "kept-front",
            "base",
        ];
        Self {
            shared: shared.map(|name| format!("{prefix}{name}")),
            prefix,
        }
    }

    /// A key that is where all others are.
    pub(super) fn any(&self) -> &str {
        let [any, ..] = &self.shared;
        any
    }

    pub(super) fn shared(&self) -> &[String] {
        &self.shared
    }

    /// What has to be read together with the sessions that a message names: the epoch, whether Redis has lost
    /// something, and how many unknown sessions were kept for such a sender.
    pub(super) fn beside_sessions(&self, share: LogoutShare) -> [&str; 3] {
        let [epoch, _, _, _, _, recovering, kept @ .., _] = &self.shared;
        [epoch, recovering, &kept[share.index()]]
    }

    /// The stream of what has ended.
    pub(super) fn ended(&self) -> String {
        format!("{}ended", self.prefix)
    }

    /// What is written before the registry waits for replicas.
    pub(super) fn waited(&self) -> String {
        format!("{}waited", self.prefix)
    }

    /// What pairs of IOU and PGT need, in the order in which their scripts name them.
    pub(super) fn pairs(&self) -> [String; 3] {
        ["expected", "pairs", "due"].map(|name| format!("{}{name}", self.prefix))
    }

    pub(super) fn session(&self, id: SessionId) -> String {
        format!("{}s:{}", self.prefix, id)
    }

    /// A session, and what is kept for it.
    pub(super) fn session_and_kept(&self, id: SessionId) -> [String; 2] {
        [self.session(id), format!("{}k:{}", self.prefix, id)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nodes of every version share the keys.
    #[test]
    fn the_names_do_not_drift() {
        let keys = Keys::new("app");
        assert_eq!(keys.ended(), "{app}:ended");
        assert_eq!(keys.shared()[2], keys.ended());
        assert_eq!(keys.any(), "{app}:epoch");
        assert_eq!(keys.waited(), "{app}:waited");
        for (share, kept) in [
            (LogoutShare::Trusted, "{app}:kept-listed"),
            (LogoutShare::Back, "{app}:kept"),
            (LogoutShare::Front, "{app}:kept-front"),
        ] {
            let beside = ["{app}:epoch", "{app}:recovering", kept];
            assert_eq!(keys.beside_sessions(share), beside);
        }
        assert_eq!(keys.pairs(), ["{app}:expected", "{app}:pairs", "{app}:due"]);
        assert_eq!(
            keys.session([0xa1; 16].into()),
            format!("{{app}}:s:{}", "a1".repeat(16))
        );
        assert_eq!(
            keys.session_and_kept([0xa1; 16].into())[1],
            format!("{{app}}:k:{}", "a1".repeat(16))
        );
    }
}
