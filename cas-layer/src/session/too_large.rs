//! A session that fits nowhere, as the operator has to know it.

use std::{cmp::Reverse, fmt};

use super::Identity;

/// How many attributes are named, and how much of a name.
const NAMED: usize = 5;
const NAME_CHARS: usize = 64;

/// Why a session cannot be kept: what is too large, and the names of its largest attributes. No value is in it.
#[derive(Debug)]
pub(crate) struct TooLarge {
    what: &'static str,
    bytes: usize,
    limit: usize,
    /// By their bytes.
    largest: Vec<(String, usize)>,
}

impl TooLarge {
    pub(crate) fn new(what: &'static str, bytes: usize, limit: usize, identity: &Identity) -> Self {
        let mut largest: Vec<(&str, usize)> = identity
            .attributes()
            .iter()
            .map(|(name, values)| (name, values.iter().map(String::len).sum()))
            .collect();
        largest.sort_by_key(|&(_, bytes)| Reverse(bytes));
        let named = largest.into_iter().take(NAMED);
        let cut = |name: &str| name.chars().take(NAME_CHARS).collect();
        Self {
            what,
            bytes,
            limit,
            largest: named.map(|(name, bytes)| (cut(name), bytes)).collect(),
        }
    }
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what, bytes, limit, ..
        } = self;
        write!(
            f,
            "{what} would have {bytes} bytes, and {limit} are the limit"
        )?;
        for (index, (name, bytes)) in self.largest.iter().enumerate() {
            let before = if index == 0 {
                "; the largest attributes: "
            } else {
                ", "
            };
            write!(f, "{before}{name:?} ({bytes} bytes)")?;
        }
        Ok(())
    }
}

impl std::error::Error for TooLarge {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::sample_identity;

    #[test]
    fn it_names_the_largest_attributes_and_no_value() {
        let long = "x".repeat(300);
        let longer = "y".repeat(200);
        let identity = sample_identity(
            "alice",
            &[
                ("mail", &["a@example.org"]),
                ("memberOf", &[&longer, &longer]),
                ("note\n", &[&long]),
                ("a", &[]),
                ("b", &["1"]),
                ("c", &["22"]),
            ],
        );
        assert_eq!(
            TooLarge::new("the cookie", 5_000, 4_096, &identity).to_string(),
            "the cookie would have 5000 bytes, and 4096 are the limit; the largest attributes: \
             \"memberOf\" (400 bytes), \"note\\n\" (300 bytes), \"mail\" (13 bytes), \"c\" (2 bytes), \
             \"b\" (1 bytes)"
        );
    }
}
