//! A file without its tests, its documentation, and what only fuzz targets call.

use std::ops::Range;

use syn::{
    Attribute, Expr, FieldValue, ImplItem, Item, Meta, Stmt, Token, TraitItem,
    punctuated::Punctuated, spanned::Spanned, visit::Visit,
};

/// The text with blanks where tests and documentation were.
pub(super) fn cleaned(path: &str, text: &str) -> String {
    let syntax = syn::parse_file(text).unwrap_or_else(|error| {
        panic!("{path}:{}: {error}", error.span().start().line);
    });
    let mut left_out = LeftOut { ranges: Vec::new() };
    left_out.visit_file(&syntax);
    let mut bytes = text.as_bytes().to_vec();
    for range in left_out.ranges {
        let end = after_comma(&bytes, range.end);
        for byte in &mut bytes[range.start..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// A field or an arm that goes takes its comma along.
fn after_comma(bytes: &[u8], end: usize) -> usize {
    let blanks = bytes[end..]
        .iter()
        .take_while(|it| it.is_ascii_whitespace());
    let next = end + blanks.count();
    if bytes.get(next) == Some(&b',') {
        next + 1
    } else {
        end
    }
}

struct LeftOut {
    ranges: Vec<Range<usize>>,
}

impl LeftOut {
    /// Notes the node if it is not part of the crate as it ships.
    fn notes(&mut self, attributes: &[Attribute], node: &impl Spanned) -> bool {
        let out = attributes.iter().any(never);
        if out {
            self.ranges.push(node.span().byte_range());
        }
        out
    }
}

/// Whether the attribute is a `cfg` that no build of the crate satisfies.
fn never(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .parse_args::<Meta>()
            .is_ok_and(|it| value(&it) == Some(false))
}

/// What a `cfg` says where there are no tests, no documentation and no fuzz targets. `None`: that depends.
fn value(meta: &Meta) -> Option<bool> {
    let path = meta.path();
    if ["test", "doc", "doctest", "fuzzing"]
        .iter()
        .any(|it| path.is_ident(it))
    {
        return Some(false);
    }
    let Meta::List(list) = meta else { return None };
    let inner = list
        .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
        .ok()?;
    let values: Vec<_> = inner.iter().map(value).collect();
    if path.is_ident("not") {
        return values.first().copied().flatten().map(|it| !it);
    }
    let decides = path.is_ident("any");
    if values.contains(&Some(decides)) {
        Some(decides)
    } else if values.iter().all(|it| *it == Some(!decides)) {
        Some(!decides)
    } else {
        None
    }
}

impl<'ast> Visit<'ast> for LeftOut {
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if attribute.path().is_ident("doc") {
            self.ranges.push(attribute.span().byte_range());
        }
    }

    fn visit_item(&mut self, item: &'ast Item) {
        if !self.notes(attributes(item), item) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(it) => &it.attrs,
            ImplItem::Fn(it) => &it.attrs,
            ImplItem::Type(it) => &it.attrs,
            ImplItem::Macro(it) => &it.attrs,
            _ => return,
        };
        if !self.notes(attributes, item) {
            syn::visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        let attributes = match item {
            TraitItem::Const(it) => &it.attrs,
            TraitItem::Fn(it) => &it.attrs,
            TraitItem::Type(it) => &it.attrs,
            TraitItem::Macro(it) => &it.attrs,
            _ => return,
        };
        if !self.notes(attributes, item) {
            syn::visit::visit_trait_item(self, item);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let attributes: &[Attribute] = match statement {
            Stmt::Local(it) => &it.attrs,
            Stmt::Macro(it) => &it.attrs,
            Stmt::Expr(Expr::Block(it), _) => &it.attrs,
            _ => &[],
        };
        if !self.notes(attributes, statement) {
            syn::visit::visit_stmt(self, statement);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !self.notes(&field.attrs, field) {
            syn::visit::visit_field(self, field);
        }
    }

    fn visit_field_value(&mut self, field: &'ast FieldValue) {
        if !self.notes(&field.attrs, field) {
            syn::visit::visit_field_value(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !self.notes(&variant.attrs, variant) {
            syn::visit::visit_variant(self, variant);
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if !self.notes(&arm.attrs, arm) {
            syn::visit::visit_arm(self, arm);
        }
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(it) => &it.attrs,
        Item::Enum(it) => &it.attrs,
        Item::Fn(it) => &it.attrs,
        Item::Impl(it) => &it.attrs,
        Item::Macro(it) => &it.attrs,
        Item::Mod(it) => &it.attrs,
        Item::Static(it) => &it.attrs,
        Item::Struct(it) => &it.attrs,
        Item::Trait(it) => &it.attrs,
        Item::Type(it) => &it.attrs,
        Item::Use(it) => &it.attrs,
        _ => &[],
    }
}
