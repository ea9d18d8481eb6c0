//! Which path asks what of its visitors.

use super::{Paths, canonical};
use crate::{access::Access, error::ConfigError};

/// The rules in the order in which they were given. Everything else requires a user.
#[derive(Debug)]
pub(crate) struct Rules {
    list: Vec<(Paths, Access)>,
    required: Access,
    has_strong: bool,
}

impl Rules {
    pub(crate) fn new(list: Vec<(Paths, Access)>) -> Result<Self, ConfigError> {
        for (paths, access) in &list {
            paths.check()?;
            access.check()?;
        }
        Ok(Self {
            has_strong: list.iter().any(|(_, access)| access.is_strong()),
            list,
            required: Access::required(),
        })
    }

    /// What `path` asks, as it was requested: encoded and without the query. The first rule that covers it
    /// counts.
    ///
    /// `None`, no page at all: the path is not canonical, and there are rules that ask for more than a user.
    /// Whoever reads such a path after us might arrive at one of them.
    pub(crate) fn access(&self, path: &str) -> Option<&Access> {
        if self.list.is_empty() {
            return Some(&self.required);
        }
        let Some(path) = canonical(path) else {
            return (!self.has_strong).then_some(&self.required);
        };
        let rule = self.list.iter().find(|(paths, access)| {
            if access.is_strong() {
                paths.cover_loosely(&path)
            } else {
                paths.cover(&path)
            }
        });
        Some(rule.map_or(&self.required, |(_, access)| access))
    }

    /// What a path outside of the app asks: nobody can have made a rule for it.
    pub(crate) fn required(&self) -> &Access {
        &self.required
    }

    pub(crate) fn have_gateway(&self) -> bool {
        self.list.iter().any(|(_, access)| access.is_gateway())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(list: &[(Paths, Access)]) -> Rules {
        Rules::new(list.to_vec()).unwrap()
    }

    fn public() -> Rules {
        rules(&[
            (Paths::exact("/"), Access::public()),
            (Paths::exact("/healthz"), Access::public()),
            (Paths::exact("/über uns"), Access::public()),
            (Paths::prefix("/public"), Access::public()),
            (Paths::prefix("/static/"), Access::public()),
            (Paths::pattern("/users/{id}/photo"), Access::public()),
        ])
    }

    fn is_public(rules: &Rules, path: &str) -> bool {
        !rules.access(path).unwrap().is_required()
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
            "/users/7/photo",
            "/users/%C3%BC/photo",
        ] {
            assert!(is_public(&public(), path), "{path}");
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
            "/users/7",
            "/users/7/photo/",
            "/users/7/8/photo",
            "/users//photo",
            "*",
            "",
        ] {
            assert!(!is_public(&public(), path), "{path}");
        }
    }

    #[test]
    fn without_rules_everything_requires_a_user() {
        assert!(!is_public(&rules(&[]), "/"));
    }

    #[test]
    fn a_prefix_of_one_slash_makes_everything_canonical_public() {
        let rules = rules(&[(Paths::prefix("/"), Access::public())]);
        assert!(is_public(&rules, "/") && is_public(&rules, "/a/b"));
        assert!(!is_public(&rules, "/a/../b"));
    }

    #[test]
    fn the_first_rule_that_covers_a_path_counts() {
        let rules = rules(&[
            (Paths::exact("/docs/draft"), Access::required()),
            (Paths::prefix("/docs"), Access::public()),
            (Paths::exact("/docs/internal"), Access::required()),
        ]);
        assert!(!is_public(&rules, "/docs/draft"));
        assert!(is_public(&rules, "/docs/draft/2"));
        assert!(is_public(&rules, "/docs/internal"), "too late");
    }

    /// Everything here could be `/admin` to somebody who reads paths differently.
    #[test]
    fn no_spelling_slips_past_a_rule_that_asks_for_more_than_a_user() {
        for paths in [
            Paths::exact("/admin"),
            Paths::prefix("/admin"),
            Paths::pattern("/{any}"),
        ] {
            let rules = rules(&[
                (
                    paths.clone(),
                    Access::required().any_of("memberOf", ["admin"]),
                ),
                (Paths::prefix("/"), Access::public()),
            ]);
            for path in [
                "/admin",
                "/admin/",
                "/ADMIN",
                "/Admin",
                "/admin.",
                "/admin./",
                "/admin/.",
                "/aDmIn../",
                "/%61dmin",
                "/admin%2f",
                "/admin;x",
                "/admin;",
                "//admin",
                "/./admin",
                "/a/../admin",
                "/x/../admin",
                "/admin%2e",
                "/admin%00",
                "/admin%5c",
                "\\admin",
                "/\\admin",
                "/admin\\",
                "/%2561dmin",
                "/admin%",
                "/admin%ff",
            ] {
                let is_strong = rules.access(path).is_none_or(Access::is_strong);
                assert!(is_strong, "{paths:?} {path}");
            }
        }
    }

    #[test]
    fn a_path_that_is_not_canonical_is_no_page_where_a_rule_asks_for_more_than_a_user() {
        let strong = rules(&[(
            Paths::exact("/admin"),
            Access::required().all_of("memberOf", ["admin"]),
        )]);
        assert!(strong.access("/a/../b").is_none());
        assert!(strong.access("/a/b").is_some_and(Access::is_required));
        assert!(public().access("/a/../b").is_some_and(Access::is_required));
    }

    #[test]
    fn a_rule_that_could_never_match_is_refused() {
        for path in [
            "", "public", "/a?b", "/a#b", "/a%20b", "/a/*", "/a//b", "/a/../b", "/a;b", "/a\n",
            "/{", "/a{id}", "/{id}x", "/{}", "/{a}{b}",
        ] {
            for paths in [
                Paths::exact(path),
                Paths::prefix(path),
                Paths::pattern(path),
            ] {
                let refused = Rules::new(vec![(paths.clone(), Access::public())]).is_err();
                assert!(refused, "{paths:?}");
            }
        }
        for paths in [Paths::exact("/{id}"), Paths::prefix("/{id}")] {
            assert!(Rules::new(vec![(paths, Access::public())]).is_err());
        }
    }
}
