//! The structure of the library: dependencies point down only, files do not import from one another in circles, and
//! imports are laid out in one way. Beside it, what the texts promise: where links lead, and what other clients'
//! settings are here.

mod links;
mod migration;
mod reader;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use cas_layer_tests::house::{House, shape};

/// The modules under the library's root, from the lowest floor to the highest. A module may import from itself and from
/// the floors below its own.
const FLOORS: &[&[&str]] = &[
    &[
        "attributes",
        "clock",
        "error",
        "id",
        "language_tag",
        "request_id",
        "secret",
        "seldom",
        "turns",
    ],
    &["strict_url", "tls"],
    &["protocol"],
    &["paths", "session"],
    &["registry"],
    &["client"],
    &["admission", "user"],
    &["events", "introduction", "pages", "rules"],
    &["app"],
    &["address"],
    &["visit"],
    &["answer"],
    &["sign_in", "sign_out"],
    &["config"],
    &["service"],
    &["extract", "identity", "layer", "settings", "testing"],
    &["guide", "lib"],
];

/// What points up for now: from, to, and why.
const UP: &[(&str, &str, &str)] = &[(
    "error",
    "protocol",
    "a wrong configuration names the protocol that it was meant for",
)];

/// Circles of files for now: the modules that they are in, how many files that makes, and why.
const CIRCLES: &[(&str, usize, &str)] = &[];

/// Where each module is imported by a `use crate::…` of its own for now.
const SPLIT: &[&str] = &[];

fn library() -> House {
    House::read(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../cas-layer/src"
    )))
}

fn demo() -> House {
    House::read(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../demo-app/src"
    )))
}

#[test]
fn every_module_has_its_floor() {
    let house = library();
    let tops: BTreeSet<_> = house.files.iter().map(|file| file.top.as_str()).collect();
    let on_floors: Vec<_> = FLOORS.iter().copied().flatten().copied().collect();
    for top in &tops {
        let times = on_floors.iter().filter(|it| *it == top).count();
        assert_eq!(
            times, 1,
            "the module {top} needs one place in FLOORS: above all that it imports from, and below all that imports \
             from it"
        );
    }
    for top in on_floors {
        assert!(
            tops.contains(top),
            "{top} is in FLOORS, but is no module any more: take it out"
        );
    }
}

#[test]
fn imports_point_down() {
    let house = library();
    let mut needed = BTreeSet::new();
    let mut up = Vec::new();
    for arrow in house.arrows_up(FLOORS) {
        let (from, to) = (&house.files[arrow.from].top, &house.files[arrow.to].top);
        match UP
            .iter()
            .find(|(below, above, _)| below == from && above == to)
        {
            Some(exception) => {
                needed.insert(exception);
            }
            None => up.push(house.describe(arrow)),
        }
    }
    assert!(
        up.is_empty(),
        "these imports point up or sideways:\n{}\nMove what is imported to a lower floor, or hand it in from above.",
        up.join("\n")
    );
    for exception in UP {
        assert!(
            needed.contains(exception),
            "nothing needs {exception:?} any more: take it out of UP"
        );
    }
}

#[test]
fn no_files_import_from_one_another_in_a_circle() {
    let house = library();
    let mut circles: BTreeMap<String, Vec<Vec<usize>>> = BTreeMap::new();
    for circle in house.circles() {
        circles.entry(house.tops(&circle)).or_default().push(circle);
    }
    for (tops, circles) in &circles {
        let files: usize = circles.iter().map(Vec::len).sum();
        let allowed = CIRCLES
            .iter()
            .find(|(of, ..)| of == tops)
            .map_or(0, |(_, files, _)| *files);
        assert!(
            files <= allowed,
            "in {tops}, {files} files import from one another in circles, and CIRCLES has {allowed}:\n{}",
            arrows_within(&house, circles)
        );
        assert_eq!(
            files, allowed,
            "CIRCLES has more files of {tops} than it needs: lower it"
        );
    }
    for (tops, ..) in CIRCLES {
        assert!(
            circles.contains_key(*tops),
            "there is no circle in {tops}: take it out of CIRCLES"
        );
    }
}

fn arrows_within(house: &House, circles: &[Vec<usize>]) -> String {
    let within = |it: usize, other: usize| {
        circles
            .iter()
            .any(|circle| circle.contains(&it) && circle.contains(&other))
    };
    let arrows = house
        .arrows
        .iter()
        .filter(|arrow| within(arrow.from, arrow.to));
    arrows
        .map(|arrow| house.describe(arrow))
        .collect::<Vec<_>>()
        .join("\n")
}

/// A new major version of reqwest is a new one of ours as far as it is to be seen, so it is to be seen in one place, and
/// where a test signs a client in.
#[test]
fn few_public_functions_show_reqwest() {
    let mut showing = Vec::new();
    for file in library().files {
        let imported = file.text.split("use reqwest::").skip(1);
        let mut names: Vec<&str> = imported
            .filter_map(|rest| rest.split(';').next())
            .flat_map(|list| list.split(|c: char| !c.is_alphanumeric()))
            .filter(|name| name.starts_with(char::is_uppercase))
            .collect();
        names.push("reqwest");
        // What is private or for the crate alone does not begin like this.
        let items = file.text.split("pub ").skip(1);
        for item in items.filter(|item| !item.starts_with("use ")) {
            let is_function = item.starts_with("fn ") || item.starts_with("async fn ");
            let end = |c| c == '{' || c == ';' || (c == ',' && !is_function);
            let signature = item.split(end).next().unwrap_or_default();
            let mut words = signature.split(|c: char| !c.is_alphanumeric() && c != '_');
            if words.any(|word| names.contains(&word)) {
                let name = signature.split(['(', '<']).next().unwrap_or_default();
                showing.push(format!("{}: {name}", file.path));
            }
        }
    }
    assert_eq!(
        showing,
        [
            "client/builder.rs: fn http_client",
            "testing/sign_in.rs: async fn sign_in",
            "testing/sign_in.rs: async fn sign_in_as",
            "testing/sign_in.rs: async fn sign_in_with",
        ]
    );
}

#[test]
fn imports_are_laid_out_in_one_way() {
    let mut wrong = Vec::new();
    let mut split = BTreeSet::new();
    let library = library();
    let demo = demo();
    for file in library.files.iter().chain(&demo.files) {
        for fault in shape::faults(file) {
            if fault.is_split && SPLIT.contains(&file.top.as_str()) {
                split.insert(file.top.as_str());
            } else {
                wrong.push(fault.text);
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "imports are laid out otherwise here:\n{}",
        wrong.join("\n")
    );
    for top in SPLIT {
        assert!(
            split.contains(top),
            "{top} has one `use crate::{{…}}` per file: take it out of SPLIT"
        );
    }
}
