//! Prints figures about the structure of the library.
//!
//! ```text
//! cargo run -p cas-layer-tests --example figures -- [--list] [--root PATH]
//! ```
#![allow(clippy::expect_used, reason = "a tool of ours: it fails by panicking")]

use std::{collections::BTreeMap, env, iter, path::PathBuf};

use cas_layer_tests::house::{House, SourceFile};

/// A function that is longer is named.
const LONG: usize = 60;
/// How many of the largest files are named.
const LARGEST: usize = 15;
/// What a sign-in and a sign-out are made of.
const ANSWERING: [&str; 3] = ["service", "sign_in", "sign_out"];
/// Not part of the code lines of what an app runs by.
const APART: [&str; 2] = ["testing", "registry"];

fn main() {
    let mut root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../cas-layer/src"));
    let mut list = false;
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--list" => list = true,
            "--root" => {
                let path = arguments.next();
                root = PathBuf::from(path.expect("--root needs the folder of a lib.rs"));
            }
            other => panic!("{other} is not known: there are --list and --root PATH"),
        }
    }
    let house = House::read(&root);
    circles(&house);
    answers(&house, list);
    long_functions(&house);
    sizes(&house);
}

fn circles(house: &House) {
    let circles = house.circles();
    let files: usize = circles.iter().map(Vec::len).sum();
    println!("circles of files: {}, with {files} files", circles.len());
    for circle in &circles {
        let of = house.tops(circle);
        println!(
            "  circle of {} files ({of}): {}",
            circle.len(),
            paths(house, circle)
        );
    }
    for top in by_top(house, |_| 1).keys() {
        for circle in house.circles_within(top) {
            let files = paths(house, &circle);
            println!(
                "  circle of {} files within {top} alone: {files}",
                circle.len()
            );
        }
    }
}

fn answers(house: &House, list: bool) {
    let answering: Vec<_> = house
        .functions()
        .into_iter()
        .filter(|it| it.answers)
        .collect();
    println!("functions that return an HTTP answer: {}", answering.len());
    let of = |top: &str| {
        answering
            .iter()
            .filter(|it| house.files[it.file].top == top)
            .count()
    };
    for top in by_top(house, |_| 1).keys().filter(|top| of(top) > 0) {
        println!("  in {top}: {}", of(top));
    }
    let sum: usize = ANSWERING.iter().map(|top| of(top)).sum();
    println!(
        "functions that return an HTTP answer, in {}: {sum}",
        ANSWERING.join(" + ")
    );
    let deciding = house
        .functions()
        .into_iter()
        .filter(|it| it.decides && ANSWERING.contains(&&*house.files[it.file].top))
        .count();
    println!("functions that say an answer as a value, there: {deciding}");
    for it in answering.iter().filter(|_| list) {
        println!("  {}:{} {}", house.files[it.file].path, it.line, it.name);
    }
}

fn long_functions(house: &House) {
    let mut long: Vec<_> = house
        .functions()
        .into_iter()
        .filter(|it| it.lines > LONG)
        .collect();
    long.sort_by_key(|it| usize::MAX - it.lines);
    println!("functions over {LONG} lines: {}", long.len());
    for it in long {
        println!(
            "  {} lines: {}:{} {}",
            it.lines, house.files[it.file].path, it.line, it.name
        );
    }
}

fn sizes(house: &House) {
    let lines: Vec<_> = house.files.iter().map(SourceFile::code_lines).collect();
    let of_module = by_top(house, |file| lines[file]);
    let files = by_top(house, |_| 1);
    let counted = of_module.iter().filter(|(top, _)| !APART.contains(top));
    let sum: usize = counted.map(|(_, lines)| lines).sum();
    println!("code lines without {}: {sum}", APART.join(" and "));
    println!(
        "code lines: {}, in {} files",
        lines.iter().sum::<usize>(),
        lines.len()
    );
    for (top, lines) in &of_module {
        println!("  {top}: {lines} code lines in {} files", files[top]);
    }
    println!("largest files by code lines:");
    let mut largest: Vec<_> = iter::zip(&lines, &house.files).collect();
    largest.sort_by_key(|(lines, _)| usize::MAX - **lines);
    for (lines, file) in largest.iter().take(LARGEST) {
        println!("  {}: {lines}", file.path);
    }
}

fn paths(house: &House, files: &[usize]) -> String {
    files
        .iter()
        .map(|file| house.files[*file].path.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The sum of something over the files of each module under the root.
fn by_top(house: &House, what: impl Fn(usize) -> usize) -> BTreeMap<&str, usize> {
    let mut sums = BTreeMap::new();
    for (index, file) in house.files.iter().enumerate() {
        *sums.entry(file.top.as_str()).or_default() += what(index);
    }
    sums
}
