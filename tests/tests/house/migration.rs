//! The guide's page on migration has every setting of the other clients, and a test for each that it claims to match.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

const PAGE: &str = include_str!("../../../cas-layer/src/docs/guide/migration.md");

/// The sections of the page, each with the names that the client's documentation or source has.
const CLIENTS: &[(&str, &str)] = &[
    ("python-cas", include_str!("migration/python-cas.txt")),
    ("django-cas-ng", include_str!("migration/django-cas-ng.txt")),
    ("phpCAS", include_str!("migration/phpcas.txt")),
    ("mod_auth_cas", include_str!("migration/mod_auth_cas.txt")),
    (
        "java-cas-client",
        include_str!("migration/java-cas-client.txt"),
    ),
    (
        "Spring Security",
        include_str!("migration/spring-security.txt"),
    ),
    ("go-cas", include_str!("migration/go-cas.txt")),
];

/// What a row begins with that claims no match.
const NOT_OFFERED: &str = "not offered";

/// A row of a table: what it is called there, what it is here, and the tests that show it.
struct Row<'p> {
    section: &'p str,
    names: Vec<&'p str>,
    here: &'p str,
    tests: Vec<&'p str>,
}

/// The names of a list: one in each line, but for empty lines and those that begin with `#`.
fn names(list: &str) -> Vec<&str> {
    let lines = list.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

/// What stands between backticks.
fn code(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The notes to which a cell refers: `[^suite::module::name]`.
fn notes(cell: &str) -> Vec<&str> {
    let rests = cell.split("[^").skip(1);
    rests.filter_map(|rest| rest.split(']').next()).collect()
}

/// The rows of all tables, without their heads.
fn rows(page: &str) -> Vec<Row<'_>> {
    let mut section = "";
    let mut rows = Vec::new();
    let mut is_body = false;
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("# ") {
            section = heading;
        }
        let Some(row) = line.strip_prefix('|') else {
            is_body = false;
            continue;
        };
        if is_body {
            let mut cells = row.split('|').map(str::trim);
            let mut cell = || cells.next().unwrap_or_default();
            rows.push(Row {
                section,
                names: code(cell()),
                here: cell(),
                tests: notes(cell()),
            });
        }
        is_body |= row.trim_start().starts_with("---");
    }
    rows
}

/// Everything that is wrong with a page.
fn faults(
    page: &str,
    clients: &[(&str, &str)],
    find: impl Fn(&str) -> Result<(), String>,
) -> Vec<String> {
    let mut faults = Vec::new();
    let rows = rows(page);
    for row in &rows {
        let place = format!("{}, {:?}", row.section, row.names);
        if row.names.is_empty() {
            faults.push(format!("{}: a row names nothing", row.section));
        }
        match row.here.strip_prefix(NOT_OFFERED) {
            Some(why) => {
                if why.strip_prefix(": ").is_none_or(str::is_empty) {
                    faults.push(format!("{place}: not offered, without a reason"));
                }
                if !row.tests.is_empty() {
                    faults.push(format!("{place}: a test shows what is not offered"));
                }
            }
            None if row.here.is_empty() => faults.push(format!("{place}: nothing is said")),
            None if row.tests.is_empty() => faults.push(format!("{place}: no test shows it")),
            None => {
                let errors = row.tests.iter().filter_map(|test| find(test).err());
                faults.extend(errors.map(|error| format!("{place}: {error}")));
            }
        }
    }
    let referred: BTreeSet<&str> = rows.iter().flat_map(|row| row.tests.clone()).collect();
    let noted: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("[^"))
        .flat_map(notes)
        .collect();
    for note in &noted {
        if !referred.contains(note) {
            faults.push(format!("no row needs the note on `{note}`"));
        }
        if !page
            .lines()
            .any(|line| line == format!("[^{note}]: `{note}`"))
        {
            faults.push(format!("the note on `{note}` names another test"));
        }
    }
    for test in referred.iter().filter(|test| !noted.contains(test)) {
        faults.push(format!("there is no note on `{test}`"));
    }
    for (section, list) in clients {
        let listed = names(list);
        let mut times: BTreeMap<&str, usize> = listed.iter().map(|name| (*name, 0)).collect();
        if times.len() != listed.len() {
            faults.push(format!("{section}: the list has a name twice"));
        }
        for row in rows.iter().filter(|row| row.section == *section) {
            for name in &row.names {
                match times.get_mut(name) {
                    Some(times) => *times += 1,
                    None => faults.push(format!("{section}: `{name}` is not in the list")),
                }
            }
        }
        for (name, times) in times.into_iter().filter(|(_, times)| *times != 1) {
            faults.push(format!(
                "{section}: `{name}` is in {times} rows, not in one"
            ));
        }
    }
    let known: BTreeSet<&str> = clients.iter().map(|(section, _)| *section).collect();
    let sections: BTreeSet<&str> = rows.iter().map(|row| row.section).collect();
    for section in sections.difference(&known) {
        faults.push(format!("{section}: there is no list of names"));
    }
    faults
}

/// Finds a test by `suite::module::name`: `lib` is the library, the others are in `tests/tests`.
fn find(test: &str) -> Result<(), String> {
    let parts: Vec<&str> = test.split("::").collect();
    let [suite, modules @ .., name] = &parts[..] else {
        return Err(format!("`{test}` is no path of a test"));
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = match *suite {
        "lib" => root.join("../cas-layer/src"),
        suite => root.join("tests").join(suite),
    };
    let file = (1..=modules.len()).rev().find_map(|depth| {
        let mut path: PathBuf = folder.join(modules[..depth].iter().collect::<PathBuf>());
        path.set_extension("rs");
        Some((depth, fs::read_to_string(path).ok()?))
    });
    let (depth, source) = file.ok_or_else(|| format!("`{test}`: there is no such file"))?;
    if let Some(inner) = modules[depth..]
        .iter()
        .find(|inner| !source.contains(&format!("mod {inner} {{")))
    {
        return Err(format!("`{test}`: there is no module `{inner}`"));
    }
    let Some(at) = source.find(&format!("fn {name}(")) else {
        return Err(format!("`{test}`: there is no such function"));
    };
    // Items are a line apart, so what is above the function up to there is its attributes.
    let above = source[..at].rsplit("\n\n").next().unwrap_or_default();
    let is_test = above.lines().any(|line| {
        let line = line.trim_start();
        line.starts_with("#[test]") || line.starts_with("#[tokio::test")
    });
    // The suites without the usual harness list their tests.
    let listed = format!("{}::{name},", modules.join("::"));
    let main = fs::read_to_string(folder.join("main.rs")).unwrap_or_default();
    if is_test || main.lines().any(|line| line.trim() == listed) {
        Ok(())
    } else {
        Err(format!("`{test}` is no test"))
    }
}

#[test]
fn the_page_has_every_setting_of_the_other_clients_and_a_test_for_what_it_claims() {
    let faults = faults(PAGE, CLIENTS, find);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The check itself, on a page that is made up.
#[test]
fn what_is_missing_unknown_or_unproven_is_a_fault() {
    let good = "# a\n\n| a | here | shown by |\n| --- | --- | --- |\n\
                | `x`, several `y` | [`z`](Z), always on | [^s::m::t] [^s::m::u] |\n\
                | `w` | not offered: it is old | |\n\nText with `x | y`.\n\n# text\n\n`x`\n\n\
                [^s::m::t]: `s::m::t`\n[^s::m::u]: `s::m::u`\n";
    let list = "# From a 1.0.\nx\ny\n\nw\n";
    let of = |page: &str, list: &str| {
        faults(page, &[("a", list)], |test| match test {
            "s::m::t" | "s::m::u" => Ok(()),
            other => Err(format!("`{other}` is gone")),
        })
    };
    assert_eq!(of(good, list), [""; 0]);
    for (from, to, fault) in [
        ("`x`, several", "several", "a: `x` is in 0 rows, not in one"),
        ("`w`", "`w`, `x`", "a: `x` is in 2 rows, not in one"),
        ("`w`", "`w`, `v`", "a: `v` is not in the list"),
        ("| `w`", "| w", "a: a row names nothing"),
        (
            "[^s::m::u] |",
            "[^s::m::v] |",
            "a, [\"x\", \"y\"]: `s::m::v` is gone",
        ),
        (
            "[^s::m::u] |",
            "[^s::m::v] |",
            "there is no note on `s::m::v`",
        ),
        ("[^s::m::u] |", "|", "no row needs the note on `s::m::u`"),
        (
            ": `s::m::u`",
            ": `s::m::t`",
            "the note on `s::m::u` names another test",
        ),
        (
            "[^s::m::t] [^s::m::u]",
            "",
            "a, [\"x\", \"y\"]: no test shows it",
        ),
        (
            ": it is old",
            "",
            "a, [\"w\"]: not offered, without a reason",
        ),
        (
            "old | |",
            "old | [^s::m::t] |",
            "a, [\"w\"]: a test shows what is not offered",
        ),
        ("not offered: it is old", "", "a, [\"w\"]: nothing is said"),
        ("# a", "# b", "b: there is no list of names"),
    ] {
        let page = good.replacen(from, to, 1);
        let found = of(&page, list);
        assert!(found.iter().any(|it| it == fault), "{fault}: {found:?}");
    }
    let twice = of(good, "x\ny\nw\nw");
    assert_eq!(twice, ["a: the list has a name twice"]);
}

#[test]
fn a_test_is_found_by_its_path_and_nothing_else_is() {
    for test in [
        "house::migration::a_test_is_found_by_its_path_and_nothing_else_is",
        "layer::flow::a_form_can_sign_out_by_post",
        "lib::client::builder::tests::the_logout_parameter_can_be_chosen",
        // In a module within its file, and in a suite that lists its tests.
        "lib::rules::tests::what_is_listed_is_public",
        "redis::sharing::a_single_logout_may_reach_any_node",
    ] {
        assert_eq!(find(test), Ok(()));
    }
    for other in [
        "",
        "flow",
        "layer::flow",
        "layer::flow::a_form_can_sign_out",
        "layer::gone::a_form_can_sign_out_by_post",
        "gone::flow::a_form_can_sign_out_by_post",
        "lib::rules::gone::what_is_listed_is_public",
        // A function that helps tests.
        "layer::gateway::arrive",
        "redis::sharing::gone",
    ] {
        assert!(find(other).is_err(), "{other}");
    }
}
