//! What Redis says about itself.

use super::failure::Failure;

/// The first version whose streams can be trimmed by time.
const OLDEST: (u32, u32) = (6, 2);

/// The parts of `INFO` that matter here. All are empty where it is not allowed.
#[derive(Debug, Default)]
pub(super) struct ServerInfo {
    version: String,
    is_replica: bool,
    /// What happens when memory is full.
    eviction: String,
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
            eviction: value("maxmemory_policy").to_owned(),
            instance: format!("{}{}", short("run_id"), short("master_replid")),
        }
    }

    /// Refuses a server that cannot do what is needed.
    pub(super) fn check(&self) -> Result<(), Failure> {
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
        Ok(())
    }

    /// Whether it does not say who it is.
    pub(super) fn is_silent(&self) -> bool {
        self.instance.is_empty()
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
            let checked = info(version, "master", "noeviction").check();
            assert_eq!(checked.is_ok(), expected, "{version}");
        }
    }

    #[test]
    fn a_replica_and_a_policy_that_evicts_are_seen() {
        assert!(info("7.0.0", "slave", "noeviction").check().is_err());
        let evicting = info("7.0.0", "master", "allkeys-lru");
        assert_eq!(evicting.evicts(), Some("allkeys-lru"));
        assert_eq!(info("7.0.0", "master", "noeviction").evicts(), None);
        assert_eq!(
            evicting.instance,
            format!("{}{}", "a1".repeat(8), "b2".repeat(8))
        );
    }

    #[test]
    fn a_server_that_says_nothing_is_taken_as_it_is() {
        let silent = ServerInfo::parse("");
        assert!(silent.check().is_ok());
        assert!(silent.is_silent());
        assert_eq!((silent.evicts(), silent.instance.as_str()), (None, ""));
    }
}
