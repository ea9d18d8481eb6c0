//! Figures about the structure.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{
    Block, ImplItemFn, ItemFn, ItemImpl, ItemTrait, ReturnType, Signature, TraitItemFn, Type,
    visit::Visit,
};

use super::{House, SourceFile};

/// Types that a function returns if it makes a response.
const ANSWERS: [&str; 2] = ["Response", "CasFuture"];

/// Types of the library that say as a value what is answered.
const DECISIONS: [&str; 9] = [
    "Answer", "Step", "Task", "First", "Action", "Gateway", "Verdict", "Refusal", "NoLogout",
];

/// A function or a method.
#[derive(Clone, Debug)]
pub struct Function {
    /// Index of its file.
    pub file: usize,
    /// With the type that it belongs to, as `Key::generate`.
    pub name: String,
    /// The line of its `fn`.
    pub line: usize,
    /// From `fn` to the closing brace.
    pub lines: usize,
    /// Whether a response, or a future of one, is in what it returns.
    pub answers: bool,
    /// Whether it says as a value what is answered.
    pub decides: bool,
}

impl House {
    /// Every function of the crate. One without a body is left out.
    #[must_use]
    pub fn functions(&self) -> Vec<Function> {
        let mut functions = Functions {
            file: 0,
            owner: Vec::new(),
            found: Vec::new(),
        };
        for (index, file) in self.files.iter().enumerate() {
            functions.file = index;
            functions.visit_file(&file.syntax);
        }
        functions.found
    }
}

impl SourceFile {
    /// How many lines have code on them.
    ///
    /// # Panics
    ///
    /// If the text is no Rust, which it was when it was read.
    #[must_use]
    pub fn code_lines(&self) -> usize {
        let mut lines = BTreeSet::new();
        occupied(self.text.parse().unwrap(), &mut lines);
        lines.len()
    }
}

fn occupied(tokens: TokenStream, lines: &mut BTreeSet<usize>) {
    for token in tokens {
        if let TokenTree::Group(group) = token {
            lines.insert(group.span_open().start().line);
            lines.insert(group.span_close().end().line);
            occupied(group.stream(), lines);
        } else {
            let span = token.span();
            lines.extend(span.start().line..=span.end().line);
        }
    }
}

struct Functions {
    file: usize,
    owner: Vec<String>,
    found: Vec<Function>,
}

impl Functions {
    fn takes(&mut self, signature: &Signature, block: &Block) {
        let line = signature.fn_token.span.start().line;
        let end = block.brace_token.span.close().end().line;
        let mut name = self.owner.clone();
        name.push(signature.ident.to_string());
        self.found.push(Function {
            file: self.file,
            name: name.join("::"),
            line,
            lines: end - line + 1,
            answers: names(&signature.output, &ANSWERS),
            decides: names(&signature.output, &DECISIONS),
        });
    }
}

/// Whether one of these types is in what a function returns.
fn names(output: &ReturnType, types: &[&str]) -> bool {
    fn names_one(tokens: TokenStream, types: &[&str]) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(it) => types.iter().any(|name| it == name),
            TokenTree::Group(it) => names_one(it.stream(), types),
            _ => false,
        })
    }
    names_one(output.to_token_stream(), types)
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let owner = match &*item.self_ty {
            Type::Path(it) => it.path.segments.last().map(|it| it.ident.to_string()),
            _ => None,
        };
        self.owner.push(owner.unwrap_or_else(|| "_".to_owned()));
        syn::visit::visit_item_impl(self, item);
        self.owner.pop();
    }

    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        self.owner.push(item.ident.to_string());
        syn::visit::visit_item_trait(self, item);
        self.owner.pop();
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.takes(&item.sig, &item.block);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.takes(&item.sig, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if let Some(block) = &item.default {
            self.takes(&item.sig, block);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }
}
