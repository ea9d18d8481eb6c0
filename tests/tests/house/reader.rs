//! The reader itself, on crates that are made up.

use cas_layer_tests::house::{House, shape};

fn house(files: &[(&str, &str)]) -> House {
    House::of(
        &files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect(),
    )
}

/// Every arrow, as `a.rs → b.rs`.
fn arrows(house: &House) -> Vec<String> {
    let path = |file: usize| house.files[file].path.as_str();
    let mut arrows: Vec<_> = house
        .arrows
        .iter()
        .map(|it| format!("{} → {}", path(it.from), path(it.to)))
        .collect();
    arrows.sort();
    arrows.dedup();
    arrows
}

fn faults(text: &str) -> Vec<String> {
    let house = house(&[("lib.rs", text)]);
    shape::faults(&house.files[0])
        .into_iter()
        .map(|it| it.text)
        .collect()
}

#[test]
fn a_name_is_followed_to_the_file_that_defines_it() {
    let house = house(&[
        ("lib.rs", "mod low; mod high; pub use low::Key;"),
        ("low.rs", "mod inner; pub(crate) use inner::Key;"),
        ("low/inner.rs", "mod core; pub use core::Key;"),
        ("low/inner/core.rs", "pub struct Key;"),
        ("high.rs", "use crate::Key; fn f(_: Key) {}"),
    ]);
    assert_eq!(arrows(&house), ["high.rs → low/inner/core.rs"]);
}

#[test]
fn a_name_taken_through_a_module_is_followed_too() {
    let house = house(&[
        ("lib.rs", "mod low; mod high;"),
        ("low.rs", "pub mod inner; pub use inner::f;"),
        ("low/inner.rs", "pub fn f() {}"),
        ("high.rs", "use super::low::{self}; fn g() { low::f(); }"),
    ]);
    assert_eq!(arrows(&house), ["high.rs → low/inner.rs"]);
}

#[test]
fn what_a_parent_hands_on_and_uses_is_an_import() {
    let house = house(&[
        ("lib.rs", "mod low;"),
        ("low.rs", "mod inner; pub use inner::Key; fn f(_: Key) {}"),
        ("low/inner.rs", "pub struct Key;"),
    ]);
    assert_eq!(arrows(&house), ["low.rs → low/inner.rs"]);
}

#[test]
fn every_branch_of_a_use_is_read() {
    let house = house(&[
        ("lib.rs", "mod a; mod b; mod c;"),
        (
            "a.rs",
            "use crate::{b::{self as d, B}, c::*}; fn f() { d::g() }",
        ),
        ("b.rs", "pub struct B; pub fn g() {}"),
        ("c.rs", "pub struct C;"),
    ]);
    assert_eq!(arrows(&house), ["a.rs → b.rs", "a.rs → c.rs"]);
}

#[test]
fn supers_go_up_one_module_each() {
    let house = house(&[
        ("lib.rs", "mod a; pub struct Root;"),
        ("a.rs", "mod b; pub struct A;"),
        ("a/b.rs", "mod c; pub struct B;"),
        (
            "a/b/c.rs",
            "type T = (super::B, super::super::A, super::super::super::Root);",
        ),
    ]);
    assert_eq!(
        arrows(&house),
        ["a/b/c.rs → a.rs", "a/b/c.rs → a/b.rs", "a/b/c.rs → lib.rs"]
    );
}

#[test]
fn modules_within_a_file_belong_to_it() {
    let house = house(&[
        ("lib.rs", "mod a; mod b;"),
        (
            "a.rs",
            "mod inner { use super::super::b::B; use super::A; } struct A;",
        ),
        ("b.rs", "pub struct B;"),
    ]);
    assert_eq!(arrows(&house), ["a.rs → b.rs"]);
}

#[test]
fn macros_are_names_and_what_they_are_given_is_read() {
    let house = house(&[
        ("lib.rs", "mod a; mod say; mod b; mod pinned;"),
        (
            "a.rs",
            "use crate::say::say; fn f() { say!(\"{}\", [crate::b::B]); }",
        ),
        (
            "say.rs",
            "macro_rules! say { () => {} } pub(crate) use say;",
        ),
        ("b.rs", "use crate::pinned::Pinned; pub struct B;"),
        (
            "pinned.rs",
            "pin_project! { pub struct Pinned { a: crate::say::Unseen } }",
        ),
    ]);
    let expected = [
        "a.rs → b.rs",
        "a.rs → say.rs",
        "b.rs → pinned.rs",
        "pinned.rs → say.rs",
    ];
    assert_eq!(arrows(&house), expected);
}

#[test]
fn tests_and_documentation_are_left_out() {
    let house = house(&[
        (
            "lib.rs",
            "mod a; mod b; #[cfg(test)] mod missing; #[cfg(fuzzing)] #[doc(hidden)] pub mod missing_too;",
        ),
        (
            "a.rs",
            "#[cfg(doc)] use crate::b::B;
            #[cfg(all(test, unix))] mod tests { use crate::b::B; }
            /// [`crate::b::B`]
            enum E { #[cfg(test)] T(crate::b::B), U }
            fn f(e: E) { #[cfg(test)] let x = crate::b::B; match e { #[cfg(test)] E::T(_) => crate::b::f(), E::U => {} } }
            impl E { #[cfg(test)] fn g() { crate::b::f() } }",
        ),
        ("b.rs", "pub struct B; pub fn f() {}"),
    ]);
    assert!(arrows(&house).is_empty(), "{:?}", arrows(&house));
}

#[test]
fn what_only_some_builds_have_is_read() {
    let house = house(&[
        ("lib.rs", "mod a; mod b;"),
        (
            "a.rs",
            "#[cfg(not(test))] use crate::b::B; #[cfg(any(test, unix))] fn f(_: crate::b::C) {}",
        ),
        ("b.rs", "pub struct B; pub struct C;"),
    ]);
    assert_eq!(house.arrows.len(), 2);
}

#[test]
fn a_circle_is_found() {
    let house = house(&[
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "use crate::c::C; pub struct B;"),
        ("c.rs", "use crate::a::A; pub struct C;"),
        ("d.rs", "use crate::a::A; use crate::e;"),
    ]);
    let circles = house.circles();
    assert_eq!(circles.len(), 1);
    assert_eq!(circles[0].len(), 3);
    assert_eq!(house.tops(&circles[0]), "a + b + c");
    assert!(house.circles_within("a").is_empty());
}

#[test]
fn an_arrow_up_is_found_and_named() {
    let house = house(&[
        ("lib.rs", "mod low; mod high; mod beside;"),
        ("low.rs", "use crate::high::High;\npub struct Low;"),
        (
            "high.rs",
            "use crate::low::Low;\nuse crate::beside::Beside;\npub struct High;",
        ),
        ("beside.rs", "pub struct Beside;"),
    ]);
    let floors: &[&[&str]] = &[&["low"], &["beside", "high"]];
    let up: Vec<_> = house
        .arrows_up(floors)
        .map(|it| house.describe(it))
        .collect();
    let sideways = "high.rs → beside.rs (crate::beside::Beside, line 2)";
    assert_eq!(up.len(), 2);
    assert!(
        up.contains(&"low.rs → high.rs (crate::high::High, line 1)".to_owned()),
        "{up:?}"
    );
    assert!(up.contains(&sideways.to_owned()), "{up:?}");
}

#[test]
fn imports_in_another_style_are_found() {
    assert_eq!(
        faults(
            "use std::fmt;\n\nuse http::Uri;\n\npub use below::B;\n\nuse self::a::A;\nuse crate::{C, d::D};"
        ),
        [""; 0]
    );
    let split = faults("use crate::a::A;\nuse crate::b::B;");
    assert_eq!(split, ["lib.rs:2: one `use crate::{…}` can have it all"]);
    assert_eq!(faults("use crate::a::A;\n\nuse std::fmt;").len(), 1);
    assert_eq!(faults("use std::fmt;\nuse http::Uri;").len(), 1);
    assert_eq!(faults("use std::fmt;\n\nuse std::io;").len(), 1);
    assert_eq!(faults("pub use below::B;\n\nuse std::fmt;").len(), 1);
}

#[test]
fn functions_and_lines_are_counted() {
    let house = house(&[(
        "lib.rs",
        "//! Says what it is.\n\n// A comment.\nimpl A {\n    /// Answers.\n    fn f() -> Result<Response<Body>, E> {\n\
         g(\"a\n\n b\")\n    }\n}\n#[cfg(test)]\nmod tests {\n    fn t() -> Refusal {}\n}\nfn g() -> ResponseError {}\n",
    )]);
    let functions = house.functions();
    let found: Vec<_> = functions
        .iter()
        .map(|it| (it.name.as_str(), it.lines, it.answers))
        .collect();
    assert_eq!(found, [("A::f", 5, true), ("g", 1, false)]);
    assert_eq!(house.files[0].code_lines(), 8);
}
