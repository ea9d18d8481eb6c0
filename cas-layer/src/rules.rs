//! Which path requires what.

mod access;
mod pattern;

use std::borrow::Cow;

pub use access::Access;
pub(crate) use access::Verdict;
pub use pattern::Paths;

use crate::error::ConfigError;

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

    /// What a path requires, canonical and decoded. The first rule that covers it applies. A service below that reads
    /// paths more loosely might take it for a path of an earlier rule. So earlier rules that ask for more apply as
    /// well.
    pub(crate) fn access(&self, path: &str) -> Cow<'_, Access> {
        let covering = self.list.iter().position(|(paths, _)| paths.cover(path));
        let (before, own) = match covering {
            Some(index) => (&self.list[..index], &self.list[index].1),
            None => (&*self.list, &self.required),
        };
        let mut asked = Cow::Borrowed(own);
        for (paths, access) in before {
            if access.asks_more_than(&asked) && paths.cover_loosely(path) {
                asked = if asked.is_strong() {
                    Cow::Owned(asked.and(access))
                } else {
                    Cow::Borrowed(access)
                };
            }
        }
        asked
    }

    /// What a path requires that is not canonical, or outside of the app. No rule can have been made for it.
    ///
    /// `None` means a 404: some rule asks for more than a user, and a service that reads such a path after us might
    /// take it for a path of that rule.
    pub(crate) fn elsewhere(&self) -> Option<&Access> {
        (!self.has_strong).then_some(&self.required)
    }

    /// A user, and nothing else.
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
    use crate::paths::canonical;

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

    /// What a path requires as it was requested. `None` means a 404.
    fn access<'r>(rules: &'r Rules, path: &str) -> Option<Cow<'r, Access>> {
        match canonical(path) {
            Some(path) => Some(rules.access(&path)),
            None => rules.elsewhere().map(Cow::Borrowed),
        }
    }

    fn is_public(rules: &Rules, path: &str) -> bool {
        !access(rules, path).unwrap().is_required()
    }

    fn admins() -> Access {
        Access::required().any_of("memberOf", ["admin"])
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

    /// Everything here could be `/admin` to a service that reads paths differently.
    #[test]
    fn no_spelling_slips_past_a_rule_that_asks_for_more_than_a_user() {
        for paths in [
            Paths::exact("/admin"),
            Paths::prefix("/admin"),
            Paths::pattern("/{any}"),
        ] {
            let rules = rules(&[
                (paths.clone(), admins()),
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
                "/admin%20",
                "/admin%20/",
                "/%20admin",
                "/admin%C2%A0",
                "/ADMIN%20.",
                "/admin%00",
                "/admin%5c",
                "\\admin",
                "/\\admin",
                "/admin\\",
                "/%2561dmin",
                "/admin%",
                "/admin%ff",
            ] {
                let is_strong = access(&rules, path).is_none_or(|access| access.is_strong());
                assert!(is_strong, "{paths:?} {path}");
            }
        }
    }

    #[test]
    fn a_path_that_is_not_canonical_is_no_page_where_a_rule_asks_for_more_than_a_user() {
        let strong = rules(&[(Paths::exact("/admin"), admins())]);
        let asks_for_user = |rules, path| access(rules, path).is_some_and(|a| a.is_required());
        assert!(access(&strong, "/a/../b").is_none());
        assert!(asks_for_user(&strong, "/a/b"));
        assert!(asks_for_user(&public(), "/a/../b"));
    }

    /// What a path requires, in short.
    fn asked(rules: &Rules, path: &str) -> &'static str {
        match access(rules, path) {
            None => "no page",
            Some(access) if access.is_strong() => "more",
            Some(access) if access.is_required() => "a user",
            Some(access) if access.is_gateway() => "gateway",
            Some(access) if access.is_private() => "optional",
            Some(_) => "nothing",
        }
    }

    #[test]
    fn a_rule_covers_loosely_where_it_asks_for_more_than_the_rule_behind_it() {
        let rules = rules(&[
            (Paths::exact("/docs/internal/board"), admins()),
            (Paths::prefix("/docs/internal"), Access::required()),
            (Paths::exact("/docs/who"), Access::gateway()),
            (Paths::prefix("/docs"), Access::optional()),
            (Paths::prefix("/"), Access::public()),
        ]);
        for (path, asks) in [
            ("/docs/internal/board", "more"),
            ("/docs/internal/board/", "more"),
            ("/DOCS/Internal./board%20/", "more"),
            ("/docs/internal/boards", "a user"),
            ("/docs/internal/", "a user"),
            ("/docs/Internal/a", "a user"),
            ("/Docs/internal%20/a/", "a user"),
            ("/docs/who", "gateway"),
            ("/docs/who/", "gateway"),
            ("/Docs/Who", "gateway"),
            ("/docs/whose", "optional"),
            ("/DOCS/whose/", "optional"),
            ("/docs.", "optional"),
            ("/docsx", "nothing"),
            ("/other/", "nothing"),
            ("/docs//internal", "no page"),
        ] {
            assert_eq!(asked(&rules, path), asks, "{path}");
        }
    }

    #[test]
    fn a_path_as_it_is_written_gets_what_the_first_rule_says() {
        let rules = rules(&[
            (Paths::exact("/docs"), Access::public()),
            (Paths::exact("/admin/README"), Access::public()),
            (Paths::prefix("/admin"), admins()),
            (Paths::prefix("/docs"), Access::required()),
            (Paths::prefix("/"), Access::public()),
            (Paths::exact("/late"), admins()),
        ]);
        for (path, asks) in [
            ("/docs", "nothing"),
            ("/docs/", "a user"),
            ("/docs/a", "a user"),
            ("/admin/README", "nothing"),
            ("/admin/readme", "more"),
            ("/Admin/README", "more"),
            ("/late", "nothing"),
            ("/late/", "nothing"),
            ("/Late", "nothing"),
        ] {
            assert_eq!(asked(&rules, path), asks, "{path}");
        }
    }

    #[test]
    fn of_several_rules_that_ask_for_more_than_a_user_a_loose_spelling_has_to_satisfy_each() {
        let rules = rules(&[
            (Paths::pattern("/{page}/edit"), admins()),
            (
                Paths::prefix("/staff"),
                Access::required().any_of("memberOf", ["staff"]),
            ),
        ]);
        for (path, demands) in [
            ("/staff/edit", "[memberOf any of [\"admin\"]]"),
            ("/staff/a", "[memberOf any of [\"staff\"]]"),
            (
                "/staff/EDIT",
                "[memberOf any of [\"staff\"], memberOf any of [\"admin\"]]",
            ),
            (
                "/Staff/Edit/",
                "[memberOf any of [\"admin\"], memberOf any of [\"staff\"]]",
            ),
        ] {
            let text = format!("{:?}", access(&rules, path).unwrap());
            assert!(text.contains(demands), "{path}: {text}");
        }
    }

    #[test]
    fn a_rule_that_could_never_match_is_refused() {
        for path in [
            "", "public", "/a?b", "/a#b", "/a%20b", "/a/*", "/a//b", "/a/../b", "/a;b", "/a\n",
            "/a/ /b", "/...", "/{", "/a{id}", "/{id}x", "/{}", "/{a}{b}",
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
