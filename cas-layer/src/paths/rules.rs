//! Which paths are public.

use std::collections::HashSet;

use super::canonical;
use crate::error::ConfigError;

/// Everything requires a user except what is listed here.
#[derive(Debug, Default)]
pub(crate) struct PathRules {
    exact: HashSet<String>,
    /// Without a slash at the end.
    prefixes: Vec<String>,
}

impl PathRules {
    pub(crate) fn add_exact(&mut self, path: String) -> Result<(), ConfigError> {
        check("public path", &path)?;
        self.exact.insert(path);
        Ok(())
    }

    pub(crate) fn add_prefix(&mut self, path: String) -> Result<(), ConfigError> {
        check("public prefix", &path)?;
        let prefix = path.strip_suffix('/').map(str::to_owned).unwrap_or(path);
        self.prefixes.push(prefix);
        Ok(())
    }

    /// `path` as it was requested, encoded and without the query.
    pub(crate) fn is_public(&self, path: &str) -> bool {
        if self.exact.is_empty() && self.prefixes.is_empty() {
            return false;
        }
        canonical(path).is_some_and(|path| {
            self.exact.contains(path.as_ref())
                || self.prefixes.iter().any(|prefix| is_under(&path, prefix))
        })
    }
}

/// A prefix ends at a segment: `/public` covers `/public/a` and not `/publicity`.
fn is_under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Paths of rules are written decoded, as a person reads them.
fn check(what: &'static str, path: &str) -> Result<(), ConfigError> {
    let invalid = |reason| ConfigError::InvalidPath {
        what,
        path: path.to_owned(),
        reason,
    };
    if !path.starts_with('/') {
        return Err(invalid("does not begin with `/`"));
    }
    if path.contains(['?', '#', '%', '*', '{', '}']) {
        return Err(invalid(
            "has `?`, `#`, `%`, `*`, `{` or `}`: give the decoded path alone, without query or pattern",
        ));
    }
    if canonical(path).is_none() {
        return Err(invalid(
            "has empty or dot segments, `;`, `\\` or control characters",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> PathRules {
        let mut rules = PathRules::default();
        rules.add_exact("/".into()).unwrap();
        rules.add_exact("/healthz".into()).unwrap();
        rules.add_exact("/über uns".into()).unwrap();
        rules.add_prefix("/public".into()).unwrap();
        rules.add_prefix("/static/".into()).unwrap();
        rules
    }

    #[test]
    fn what_is_listed_is_public() {
        for path in [
            "/",
            "/healthz",
            "/%C3%BCber%20uns",
            "/public",
            "/public/",
            "/public/a/b",
            "/static",
            "/static/a.css",
        ] {
            assert!(rules().is_public(path), "{path}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for path in [
            "/profile",
            "/healthz/",
            "/healthz/a",
            "/HEALTHZ",
            "/publicity",
            "/Public",
            "/public/../profile",
            "/public/%2e%2e/profile",
            "/public/..%2fprofile",
            "/public//profile",
            "/public/..;/profile",
            "//public",
            "/%70ublic",
            "/x/public",
            "*",
            "",
        ] {
            assert!(!rules().is_public(path), "{path}");
        }
    }

    #[test]
    fn without_rules_nothing_is_public() {
        assert!(!PathRules::default().is_public("/"));
    }

    #[test]
    fn a_prefix_of_one_slash_makes_everything_canonical_public() {
        let mut rules = PathRules::default();
        rules.add_prefix("/".into()).unwrap();
        assert!(rules.is_public("/") && rules.is_public("/a/b"));
        assert!(!rules.is_public("/a/../b"));
    }

    #[test]
    fn a_rule_that_could_never_match_is_refused() {
        for path in [
            "", "public", "/a?b", "/a#b", "/a%20b", "/a/*", "/{id}", "/a//b", "/a/../b", "/a;b",
            "/a\n",
        ] {
            assert!(
                PathRules::default().add_exact(path.into()).is_err(),
                "{path}"
            );
            assert!(
                PathRules::default().add_prefix(path.into()).is_err(),
                "{path}"
            );
        }
    }
}
