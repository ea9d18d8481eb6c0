//! How the imports of a file are laid out.

use syn::{Item, ItemUse, UseTree, Visibility, spanned::Spanned as _};

use super::SourceFile;

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Group {
    Std,
    OtherCrates,
    /// `self`, `super` and `crate`, and modules below the file.
    Own,
}

/// Something that is not as it should be.
#[derive(Debug)]
pub struct Fault {
    /// Whether it is that `use crate::…` stands there more than once.
    pub is_split: bool,
    /// Where it is, and what.
    pub text: String,
}

/// What is wrong with the `use` items at the top of a file. They stand in three groups with a blank line between them,
/// in the order of `Group`, and one item takes all that it can from the crate. What is handed on (`pub use`) may
/// stand among them or by itself, but not before `std`.
#[must_use]
pub fn faults(file: &SourceFile) -> Vec<Fault> {
    let uses = file.syntax.items.iter().filter_map(|item| match item {
        Item::Use(item) => Some(item),
        _ => None,
    });
    let (handed_on, taken): (Vec<_>, Vec<_>) = uses.partition(|item| is_handed_on(item));
    let mut faults = Vec::new();
    let mut fault = |item: &ItemUse, is_split, what: &str| {
        let text = format!("{}:{}: {what}", file.path, line(item));
        faults.push(Fault { is_split, text });
    };
    for pair in taken.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        let (first, second) = (group(before, file), group(after, file));
        let apart = is_apart(file, before, after);
        let between = |item: &&&ItemUse| (line(before)..line(after)).contains(&line(item));
        if second < first {
            fault(
                after,
                false,
                "the order is std, other crates, then self, super and crate",
            );
        } else if first == second && apart && !handed_on.iter().any(|it| between(&it)) {
            fault(after, false, "a blank line within a group of imports");
        } else if first != second && !apart {
            fault(
                after,
                false,
                "a blank line between two groups of imports is missing",
            );
        }
    }
    for (index, item) in taken.iter().enumerate() {
        let is_like = |it: &&ItemUse| root(it) == "crate" && it.attrs == item.attrs;
        if root(item) == "crate" && taken[..index].iter().any(is_like) {
            fault(item, true, "one `use crate::{…}` can have it all");
        }
        let is_std = group(item, file) == Group::Std;
        if is_std && handed_on.iter().any(|it| line(it) < line(item)) {
            fault(item, false, "std stands before what is handed on");
        }
    }
    faults
}

fn line(item: &ItemUse) -> usize {
    item.use_token.span.start().line
}

/// Whether there is a blank line between two neighbours. A line of blanks is one that was left out.
fn is_apart(file: &SourceFile, before: &ItemUse, after: &ItemUse) -> bool {
    let end = before.span().end().line;
    let start = after.span().start().line;
    file.text
        .lines()
        .take(start - 1)
        .skip(end)
        .any(str::is_empty)
}

fn root(item: &ItemUse) -> String {
    match &item.tree {
        UseTree::Path(it) => it.ident.to_string(),
        UseTree::Name(it) => it.ident.to_string(),
        UseTree::Rename(it) => it.ident.to_string(),
        UseTree::Glob(_) | UseTree::Group(_) => String::new(),
    }
}

fn group(item: &ItemUse, file: &SourceFile) -> Group {
    let root = root(item);
    let is_below = |it: &Item| matches!(it, Item::Mod(it) if it.ident == root);
    match root.as_str() {
        "std" | "core" | "alloc" => Group::Std,
        "crate" | "self" | "super" => Group::Own,
        _ if file.syntax.items.iter().any(is_below) => Group::Own,
        _ => Group::OtherCrates,
    }
}

fn is_handed_on(item: &ItemUse) -> bool {
    !matches!(item.vis, Visibility::Inherited)
}
