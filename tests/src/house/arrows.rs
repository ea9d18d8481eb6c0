//! Which file imports from which.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Spacing, TokenStream, TokenTree};
use syn::{
    Ident, Item, ItemMod, ItemUse, Macro, Path, Visibility, ext::IdentExt as _, visit::Visit,
};

use super::{
    SourceFile,
    names::{Found, Names, leaves},
};

/// An import of one file from another that defines the name.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Arrow {
    /// Index of the file that imports.
    pub from: usize,
    /// Index of the file that defines the name.
    pub to: usize,
    /// The name as it is written.
    pub name: String,
    /// Where it first stands.
    pub line: usize,
}

/// Every import of the crate. A module is none: the names that are taken through it are.
pub(super) fn all(files: &[SourceFile], names: &Names) -> Vec<Arrow> {
    let mut arrows = BTreeMap::new();
    // The modules of a file follow one another in the order in which they were read.
    let mut of_file: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, module) in names.modules.iter().enumerate() {
        of_file.entry(module.file).or_default().push(index);
    }
    for (from, file) in files.iter().enumerate() {
        let mut used = Used::default();
        used.visit_file(&file.syntax);
        let mut inner = of_file.remove(&from).unwrap_or_default().into_iter();
        let mut reader = Reader {
            names,
            from,
            module: inner.next().unwrap_or_default(),
            inner,
            used: used.idents,
            arrows: &mut arrows,
        };
        reader.visit_file(&file.syntax);
    }
    arrows
        .into_iter()
        .map(|((from, to, name), line)| Arrow {
            from,
            to,
            name,
            line,
        })
        .collect()
}

struct Reader<'a> {
    names: &'a Names,
    from: usize,
    module: usize,
    inner: std::vec::IntoIter<usize>,
    used: BTreeSet<String>,
    arrows: &'a mut BTreeMap<(usize, usize, String), usize>,
}

impl Reader<'_> {
    fn imports(&mut self, path: &[String], line: usize) {
        if let Some(Found::Item(to)) = self.names.find(self.module, path) {
            self.arrow(to, path.join("::"), line);
        }
    }

    /// A path that does not begin with a name that a `use` has brought from the file that defines it.
    fn written_out(&mut self, path: &[String], line: usize) {
        if self.names.is_way(self.module, path) {
            self.imports(path, line);
        }
    }

    fn arrow(&mut self, to: usize, name: String, line: usize) {
        if to != self.from {
            self.arrows.entry((self.from, to, name)).or_insert(line);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let line = item.use_token.span.start().line;
        let only_handed_on =
            |name: &str| !matches!(item.vis, Visibility::Inherited) && !self.used.contains(name);
        let leaves: Vec<_> = leaves(item)
            .into_iter()
            .filter(|leaf| !leaf.name.as_deref().is_some_and(only_handed_on))
            .collect();
        for leaf in leaves {
            if leaf.name.is_some() {
                self.imports(&leaf.path, line);
            } else if let Some(Found::Module(module)) = self.names.find(self.module, &leaf.path) {
                let name = format!("{}::*", leaf.path.join("::"));
                self.arrow(self.names.modules[module].file, name, line);
            } else {
                self.imports(&leaf.path, line);
            }
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.content.is_some() {
            let outer = self.module;
            self.module = self.inner.next().unwrap_or(outer);
            syn::visit::visit_item_mod(self, item);
            self.module = outer;
        }
    }

    // `pub(in crate::x)` takes no name from there.
    fn visit_visibility(&mut self, _visibility: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() && path.segments.len() > 1 {
            let names: Vec<_> = path
                .segments
                .iter()
                .map(|it| it.ident.unraw().to_string())
                .collect();
            let line = path.segments[0].ident.span().start().line;
            self.written_out(&names, line);
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        let mut found = Vec::new();
        paths(mac.tokens.clone(), &mut found);
        for (path, line) in found {
            self.written_out(&path, line);
        }
        syn::visit::visit_macro(self, mac);
    }
}

/// The paths of more than one name among the tokens of a macro.
fn paths(tokens: TokenStream, found: &mut Vec<(Vec<String>, usize)>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let is_colons = |at: usize| {
        let (first, second) = (tokens.get(at), tokens.get(at + 1));
        matches!(first, Some(TokenTree::Punct(it)) if it.as_char() == ':' && it.spacing() == Spacing::Joint)
            && matches!(second, Some(TokenTree::Punct(it)) if it.as_char() == ':')
    };
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            TokenTree::Group(group) => paths(group.stream(), found),
            TokenTree::Ident(first) => {
                let outside = at > 2 && is_colons(at - 3);
                let mut path = vec![first.unraw().to_string()];
                while is_colons(at)
                    && let Some(TokenTree::Ident(next)) = tokens.get(at + 2)
                {
                    path.push(next.unraw().to_string());
                    at += 3;
                }
                if path.len() > 1 && !outside {
                    found.push((path, first.span().start().line));
                }
            }
            _ => {}
        }
    }
}

/// The names that a file uses outside its `use` items.
#[derive(Default)]
struct Used {
    idents: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Used {
    fn visit_item(&mut self, item: &'ast Item) {
        // A module of its own is named where it is declared, which is no use of the name.
        match item {
            Item::Use(_) => {}
            Item::Mod(it) if it.content.is_none() => {}
            _ => syn::visit::visit_item(self, item),
        }
    }

    fn visit_ident(&mut self, ident: &'ast Ident) {
        self.idents.insert(ident.unraw().to_string());
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        fn every(tokens: TokenStream, idents: &mut BTreeSet<String>) {
            for token in tokens {
                match token {
                    TokenTree::Ident(it) => {
                        idents.insert(it.unraw().to_string());
                    }
                    TokenTree::Group(it) => every(it.stream(), idents),
                    _ => {}
                }
            }
        }
        every(mac.tokens.clone(), &mut self.idents);
        syn::visit::visit_macro(self, mac);
    }
}
