//! What Redis says about itself.

use super::{address::Place, failure::Failure};

/// The first version whose streams can be trimmed by time.
const OLDEST: (u32, u32) = (6, 2);

/// The parts of `INFO` that matter here. All are empty where it is not allowed.
#[derive(Debug, Default)]
pub(super) struct ServerInfo {
    version: String,
    is_replica: bool,
    /// `standalone`, `sentinel` or `cluster`.
    mode: String,
    /// What happens when memory is full.
    eviction: String,
    /// Whether every write goes to a file (`appendonly`).
    is_logged: bool,
    /// Whether it has no replica.
    is_alone: bool,
    /// Names this run of this server and its place in a replication. It changes whenever data may have been lost.
    pub(super) instance: String,
}

impl ServerInfo {
    pub(super) fn parse(text: &str) -> Self {
        let value = |name: &str| {
            let found = text.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                (key == name).then_some(value.trim())
            });
            found.unwrap_or_default()
        };
        // Both are 40 random digits: 64 bits of each are plenty.
        let short = |name| value(name).get(..16).unwrap_or_default();
        Self {
            version: value("redis_version").to_owned(),
            is_replica: value("role") == "slave",
            mode: value("redis_mode").to_owned(),
            eviction: value("maxmemory_policy").to_owned(),
            is_logged: value("aof_enabled") != "0",
            is_alone: value("connected_slaves") == "0",
            instance: format!("{}{}", short("run_id"), short("master_replid")),
        }
    }

    /// Refuses a server that cannot do what is needed.
    pub(super) fn check(&self, may_evict: bool) -> Result<(), Failure> {
        if !self.version.is_empty() && !is_recent(&self.version) {
            return Err(Failure::Unfit(
                "Redis is too old: version 6.2 or later is needed",
                format!("this is version {}", self.version),
            ));
        }
        if self.is_replica {
            return Err(Failure::Unfit(
                "Redis is a replica: the address has to lead to the master",
                format!("version {}", self.version),
            ));
        }
        if !may_evict && let Some(policy) = self.evicts() {
            return Err(Failure::Unfit(
                "Redis evicts keys when its memory is full, and sign-outs with them: set maxmemory-policy to noeviction, or allow it by `allow_eviction`",
                format!("the policy is {policy}"),
            ));
        }
        Ok(())
    }

    /// Refuses a server of another kind than the URL names.
    pub(super) fn check_kind(&self, place: &Place) -> Result<(), Failure> {
        let message = match (place, self.mode.as_str()) {
            (Place::Server(_) | Place::Cluster(_), "sentinel") => {
                "this is a Redis Sentinel: its URL begins with redis+sentinel:// and ends with the name of a service"
            }
            (Place::Server(_), "cluster") => {
                "this Redis is a node of a cluster: the URL of a cluster begins with redis+cluster://"
            }
            (Place::Cluster(_), "standalone") => {
                "this Redis is no node of a cluster: its URL begins with redis://"
            }
            _ => return Ok(()),
        };
        Err(Failure::Unfit(
            message,
            format!("its mode is {}", self.mode),
        ))
    }

    /// Whether it does not say who it is.
    pub(super) fn is_silent(&self) -> bool {
        self.instance.is_empty()
    }

    /// Whether a crash of this server loses what was written since its last snapshot.
    pub(super) fn is_forgetful(&self) -> bool {
        !self.is_logged && self.is_alone
    }

    /// Whether it has no replica.
    pub(super) fn is_alone(&self) -> bool {
        self.is_alone
    }

    /// A policy other than `noeviction`.
    pub(super) fn evicts(&self) -> Option<&str> {
        let policy = self.eviction.as_str();
        (!policy.is_empty() && policy != "noeviction").then_some(policy)
    }
}

fn is_recent(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    (part(), part()) >= OLDEST
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(version: &str, role: &str, policy: &str) -> ServerInfo {
        ServerInfo::parse(&format!(
            "# Server\r\nredis_version:{version}\r\nrun_id:{}\r\nrole:{role}\r\nmaster_replid:{}\r\n\
             maxmemory_policy:{policy}\r\n",
            "a1".repeat(20),
            "b2".repeat(20),
        ))
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        for (version, expected) in [
            ("6.2.0", true),
            ("6.2", true),
            ("6.10.1", true),
            ("7.0.15", true),
            ("10.0.0", true),
            ("255.255.255", true),
            ("6.0.16", false),
            ("5.9.9", false),
            ("none", false),
        ] {
            let checked = info(version, "master", "noeviction").check(false);
            assert_eq!(checked.is_ok(), expected, "{version}");
        }
    }

    #[test]
    fn a_replica_and_a_policy_that_evicts_are_seen() {
        assert!(info("7.0.0", "slave", "noeviction").check(true).is_err());
        let evicting = info("7.0.0", "master", "allkeys-lru");
        assert_eq!(evicting.evicts(), Some("allkeys-lru"));
        assert!(evicting.check(false).is_err() && evicting.check(true).is_ok());
        assert_eq!(info("7.0.0", "master", "noeviction").evicts(), None);
        assert_eq!(
            evicting.instance,
            format!("{}{}", "a1".repeat(8), "b2".repeat(8))
        );
    }

    #[test]
    fn a_crash_costs_what_neither_a_log_nor_a_replica_has() {
        for (logged, replicas, is_alone, is_forgetful) in [
            ("1", "0", true, false),
            ("0", "0", true, true),
            ("1", "1", false, false),
            ("0", "2", false, false),
        ] {
            let text = format!("aof_enabled:{logged}\r\nconnected_slaves:{replicas}\r\n");
            let info = ServerInfo::parse(&text);
            assert_eq!(info.is_alone(), is_alone, "{text}");
            assert_eq!(info.is_forgetful(), is_forgetful, "{text}");
        }
    }

    #[test]
    fn a_server_that_says_nothing_is_taken_as_it_is() {
        let silent = ServerInfo::parse("");
        assert!(silent.check(false).is_ok());
        assert!(silent.is_silent() && !silent.is_forgetful());
        assert_eq!((silent.evicts(), silent.instance.as_str()), (None, ""));
    }
}
