//! Which rules count for which spelling of a path, and which rules are refused.

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
fn of_several_rules_for_a_loose_spelling_one_is_enough_to_forbid_redirects() {
    let staff = || Access::required().any_of("memberOf", ["staff"]);
    for (first, second, may_redirect) in [
        (admins(), staff(), true),
        (admins().no_redirect(), staff(), false),
        (admins(), staff().no_redirect(), false),
        (admins().no_redirect(), staff().no_redirect(), false),
    ] {
        let rules = rules(&[
            (Paths::pattern("/{page}/edit"), first),
            (Paths::prefix("/staff"), second),
        ]);
        let asked = access(&rules, "/Staff/Edit/").unwrap();
        assert_eq!(asked.may_redirect(), may_redirect, "{asked:?}");
    }
}

#[test]
fn a_rule_that_asks_for_no_more_than_the_next_covers_its_paths_as_they_are_written_alone() {
    let rules = rules(&[
        (Paths::exact("/api"), Access::required().no_redirect()),
        (Paths::exact("/Admin/API"), admins()),
        (
            Paths::prefix("/admin/api"),
            Access::required().no_redirect(),
        ),
    ]);
    for (path, may_redirect) in [
        ("/api", false),
        ("/API", true),
        ("/api/", true),
        ("/admin/api/a", false),
        ("/admin/API", true),
    ] {
        let asked = access(&rules, path).unwrap();
        assert_eq!(asked.may_redirect(), may_redirect, "{path}");
    }
}

#[test]
fn credentials_may_be_up_to_366_days_old_and_at_least_a_second() {
    use std::time::Duration;

    let longest = Duration::from_secs(366 * 24 * 3600);
    for (within, is_taken) in [
        (Duration::from_secs(1), true),
        (longest, true),
        (Duration::from_millis(999), false),
        (longest + Duration::from_millis(1), false),
    ] {
        let rule = (Paths::prefix("/"), Access::required().fresh(within));
        assert_eq!(Rules::new(vec![rule]).is_ok(), is_taken, "{within:?}");
    }
}

#[test]
fn paths_are_printed_as_they_were_given_and_a_prefix_with_what_follows() {
    for (paths, printed) in [
        (Paths::exact("/healthz"), "/healthz"),
        (Paths::prefix("/static"), "/static/…"),
        (Paths::pattern("/users/{id}"), "/users/{id}"),
    ] {
        assert_eq!(format!("{paths:?}"), printed);
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
