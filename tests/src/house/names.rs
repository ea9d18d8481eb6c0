//! Which name means what in which module.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Ident, Item, ItemUse, UseTree, ext::IdentExt as _, visit::Visit};

use super::{SourceFile, clean::cleaned};

/// Names that lead to one another in a circle lead nowhere.
const LONGEST_CHAIN: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Module {
    pub(super) file: usize,
    parent: usize,
    children: BTreeMap<String, usize>,
    defined: BTreeSet<String>,
    bound: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
}

#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) modules: Vec<Module>,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Found {
    Module(usize),
    /// A name that this file defines.
    Item(usize),
}

/// One name that a `use` brings.
pub(super) struct Leaf {
    pub(super) path: Vec<String>,
    /// Without one it is `*`.
    pub(super) name: Option<String>,
}

impl Names {
    /// Follows `mod x;` from the root, and puts each file that it comes to into `files`.
    pub(super) fn of(texts: &BTreeMap<String, String>, files: &mut Vec<SourceFile>) -> Self {
        let mut names = Self::default();
        let root = if texts.contains_key("lib.rs") {
            "lib.rs"
        } else {
            "main.rs"
        };
        names.read(texts, files, root, "", 0);
        names
    }

    fn read(
        &mut self,
        texts: &BTreeMap<String, String>,
        files: &mut Vec<SourceFile>,
        path: &str,
        folder: &str,
        parent: usize,
    ) -> usize {
        let text = texts
            .get(path)
            .unwrap_or_else(|| panic!("there is no {path}"));
        let text = cleaned(path, text);
        let syntax = syn::parse_file(&text)
            .unwrap_or_else(|error| panic!("{path} without its tests: {error}"));
        let items = syntax.items.clone();
        let top = path.split(['/', '.']).next().unwrap_or_default().to_owned();
        files.push(SourceFile {
            path: path.to_owned(),
            top,
            text,
            syntax,
        });
        self.module(texts, files, &items, files.len() - 1, folder, parent)
    }

    fn module(
        &mut self,
        texts: &BTreeMap<String, String>,
        files: &mut Vec<SourceFile>,
        items: &[Item],
        file: usize,
        folder: &str,
        parent: usize,
    ) -> usize {
        let this = self.modules.len();
        self.modules.push(Module {
            file,
            parent,
            ..Module::default()
        });
        for item in items {
            if let Item::Mod(item) = item {
                let name = item.ident.unraw().to_string();
                let inner = format!("{folder}{name}/");
                let child = match &item.content {
                    Some((_, items)) => self.module(texts, files, items, file, &inner, this),
                    None => self.read(texts, files, &format!("{folder}{name}.rs"), &inner, this),
                };
                self.modules[this].children.insert(name, child);
            } else {
                self.modules[this].takes(item);
            }
        }
        this
    }

    /// What the path means in a module. `None`: it leads out of the crate.
    pub(super) fn find(&self, module: usize, path: &[String]) -> Option<Found> {
        self.follow(module, path, 0)
    }

    /// Whether the path goes through a module, rather than through a type.
    pub(super) fn is_way(&self, module: usize, path: &[String]) -> bool {
        path.first().is_some_and(|first| {
            ["crate", "self", "super"].contains(&first.as_str())
                || self.modules[module].children.contains_key(first)
                || matches!(self.find(module, &path[..1]), Some(Found::Module(_)))
        })
    }

    fn follow(&self, module: usize, path: &[String], steps: usize) -> Option<Found> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.below(0, rest, steps),
            "self" => self.below(module, rest, steps),
            "super" => {
                let (mut at, mut rest) = (self.modules[module].parent, rest);
                while let Some((next, further)) = rest.split_first()
                    && next == "super"
                {
                    (at, rest) = (self.modules[at].parent, further);
                }
                self.below(at, rest, steps)
            }
            _ => self.known(module, path, steps),
        }
    }

    /// A path that begins in the module for certain. A name that is not to be seen there comes from a macro of it.
    fn below(&self, module: usize, path: &[String], steps: usize) -> Option<Found> {
        match path.first() {
            None => Some(Found::Module(module)),
            Some(first) if self.modules[module].bound.contains_key(first) => {
                self.known(module, path, steps)
            }
            Some(_) => self
                .known(module, path, steps)
                .or(Some(Found::Item(self.modules[module].file))),
        }
    }

    fn known(&self, module: usize, path: &[String], steps: usize) -> Option<Found> {
        if steps > LONGEST_CHAIN {
            return None;
        }
        let at = &self.modules[module];
        let (first, rest) = path.split_first()?;
        // A module and a function may have one name; only a module has something below it.
        let child = at.children.get(first);
        if let Some(child) = child
            && !rest.is_empty()
        {
            return self.below(*child, rest, steps + 1);
        }
        if at.defined.contains(first) {
            return Some(Found::Item(at.file));
        }
        if let Some(bound) = at.bound.get(first) {
            let path: Vec<_> = bound.iter().chain(rest).cloned().collect();
            return self.follow(module, &path, steps + 1);
        }
        if let Some(child) = child {
            return Some(Found::Module(*child));
        }
        at.globs
            .iter()
            .find_map(|glob| match self.follow(module, glob, steps + 1) {
                Some(Found::Module(other)) if other != module => self.known(other, path, steps + 1),
                _ => None,
            })
    }
}

impl Module {
    fn takes(&mut self, item: &Item) {
        match item {
            Item::Const(it) => self.defines(&it.ident),
            Item::Enum(it) => self.defines(&it.ident),
            Item::Fn(it) => self.defines(&it.sig.ident),
            Item::Static(it) => self.defines(&it.ident),
            Item::Struct(it) => self.defines(&it.ident),
            Item::Trait(it) => self.defines(&it.ident),
            Item::Type(it) => self.defines(&it.ident),
            Item::Macro(it) => {
                if let Some(name) = &it.ident {
                    self.defines(name);
                } else if let Ok(inner) = syn::parse2::<syn::File>(it.mac.tokens.clone()) {
                    // As `pin_project!` has them.
                    inner.items.iter().for_each(|it| self.takes(it));
                }
            }
            _ => {}
        }
        self.visit_item(item);
    }

    fn defines(&mut self, name: &Ident) {
        self.defined.insert(name.unraw().to_string());
    }
}

/// Brings in every `use`, those within functions too.
impl<'ast> Visit<'ast> for Module {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        for leaf in leaves(item) {
            match leaf.name {
                Some(name) => {
                    self.bound.entry(name).or_insert(leaf.path);
                }
                None => self.globs.push(leaf.path),
            }
        }
    }
}

/// Every name that a `use` brings.
pub(super) fn leaves(item: &ItemUse) -> Vec<Leaf> {
    let mut found = Vec::new();
    if item.leading_colon.is_none() {
        walk(&item.tree, &[], &mut found);
    }
    found
}

fn walk(tree: &UseTree, before: &[String], found: &mut Vec<Leaf>) {
    let with = |name: &Ident| {
        let mut path = before.to_vec();
        // `x::{self}` is `x`.
        if name != "self" || path.is_empty() {
            path.push(name.unraw().to_string());
        }
        path
    };
    match tree {
        UseTree::Path(it) => walk(&it.tree, &with(&it.ident), found),
        UseTree::Name(it) => {
            let path = with(&it.ident);
            found.push(Leaf {
                name: path.last().cloned(),
                path,
            });
        }
        UseTree::Rename(it) => {
            let name = Some(it.rename.unraw().to_string());
            found.push(Leaf {
                name,
                path: with(&it.ident),
            });
        }
        UseTree::Glob(_) => found.push(Leaf {
            name: None,
            path: before.to_vec(),
        }),
        UseTree::Group(it) => it.items.iter().for_each(|it| walk(it, before, found)),
    }
}
