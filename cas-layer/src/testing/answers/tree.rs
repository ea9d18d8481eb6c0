//! XML elements and the ways to write them down.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::testing::{Quirk, markup::allowed, quirks::Quirks};

const NAMESPACE: &str = "http://www.yale.edu/tp/cas";

/// An element, in the CAS namespace unless it is written as it is named, with either text or child elements in it.
pub(super) struct Element {
    name: String,
    fields: Vec<(Cow<'static, str>, String)>,
    text: Option<String>,
    children: Vec<Element>,
}

impl Element {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            fields: Vec::new(),
            text: None,
            children: Vec::new(),
        }
    }

    pub(super) fn text(name: &str, text: &str) -> Self {
        Self {
            text: Some(text.to_owned()),
            ..Self::new(name)
        }
    }

    /// Adds an XML attribute.
    pub(super) fn field(mut self, name: impl Into<Cow<'static, str>>, value: &str) -> Self {
        self.fields.push((name.into(), value.to_owned()));
        self
    }

    pub(super) fn child(mut self, child: Element) -> Self {
        self.children.push(child);
        self
    }

    pub(super) fn children(mut self, children: Vec<Element>) -> Self {
        self.children.extend(children);
        self
    }
}

/// The document whose root is `root`.
pub(super) fn write(root: &Element, quirks: &Quirks) -> String {
    let prefix = if quirks.has(Quirk::NoNamespace) || quirks.has(Quirk::DefaultNamespace) {
        ""
    } else if quirks.has(Quirk::OtherPrefix) {
        "sso:"
    } else {
        "cas:"
    };
    document(root, Some(prefix), quirks)
}

/// The same with names that have their prefixes already, and namespaces declared as XML attributes.
pub(super) fn write_as_named(root: &Element, quirks: &Quirks) -> String {
    document(root, None, quirks)
}

fn document(root: &Element, prefix: Option<&'static str>, quirks: &Quirks) -> String {
    let mut writer = Writer {
        out: String::new(),
        prefix,
        quirks,
    };
    if quirks.has(Quirk::ByteOrderMark) {
        writer.out.push('\u{feff}');
    }
    if quirks.has(Quirk::XmlDeclaration) {
        writer
            .out
            .push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    }
    writer.element(root, 0);
    writer.out.push('\n');
    writer.out
}

struct Writer<'a> {
    out: String,
    /// Without one, elements are written as they are named.
    prefix: Option<&'static str>,
    quirks: &'a Quirks,
}

impl Writer<'_> {
    fn element(&mut self, element: &Element, depth: usize) {
        let name = format!("{}{}", self.prefix.unwrap_or_default(), element.name);
        let _ = write!(self.out, "<{name}");
        if depth == 0 {
            self.namespace();
        }
        for (field, value) in &element.fields {
            let value = self.escaped(value);
            let _ = write!(self.out, " {field}=\"{value}\"");
        }
        let text = element.text.as_deref();
        let self_closing = text == Some("") && self.quirks.has(Quirk::SelfClosingEmptyAttributes);
        if self_closing || (text.is_none() && element.children.is_empty()) {
            self.out.push_str("/>");
            return;
        }
        self.out.push('>');
        if let Some(text) = text {
            self.text(text);
        }
        for child in &element.children {
            self.line(depth + 1);
            self.element(child, depth + 1);
        }
        if !element.children.is_empty() {
            self.line(depth);
        }
        let _ = write!(self.out, "</{name}>");
    }

    fn namespace(&mut self) {
        let Some(prefix) = self.prefix else {
            return;
        };
        if self.quirks.has(Quirk::NoNamespace) {
            return;
        }
        let _ = match prefix.strip_suffix(':') {
            Some(prefix) => write!(self.out, " xmlns:{prefix}=\"{NAMESPACE}\""),
            None => write!(self.out, " xmlns=\"{NAMESPACE}\""),
        };
    }

    /// What stands between two elements.
    fn line(&mut self, depth: usize) {
        self.out.push('\n');
        if self.quirks.has(Quirk::SpaciousXml) {
            self.out.push_str("\r\n\t \r\n");
        }
        if self.quirks.has(Quirk::CommentedXml) {
            self.out.push_str("<!-- <user>nobody</user> -->");
        }
        self.out.push_str(&"  ".repeat(depth));
    }

    fn text(&mut self, text: &str) {
        let spacious = self.quirks.has(Quirk::SpaciousXml);
        if spacious {
            self.out.push_str("\r\n\t  ");
        }
        if self.quirks.has(Quirk::CommentedXml) {
            // Between two characters, so that a reader of the first piece alone is found out.
            let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
            self.piece(first);
            self.out.push_str("<!-- nobody -->");
            self.piece(rest);
        } else {
            self.piece(text);
        }
        if spacious {
            self.out.push_str("  \r\n\t");
        }
    }

    fn piece(&mut self, text: &str) {
        if self.quirks.has(Quirk::CdataText) {
            let text = allowed(text).replace("]]>", "]]]]><![CDATA[>");
            let _ = write!(self.out, "<![CDATA[{text}]]>");
        } else {
            let text = self.escaped(text);
            self.out.push_str(&text);
        }
    }

    fn escaped(&self, text: &str) -> String {
        if self.quirks.has(Quirk::UnescapedText) {
            return text.to_owned();
        }
        let numeric = self.quirks.has(Quirk::NumericReferences);
        let mut escaped = String::with_capacity(text.len());
        for c in allowed(text).chars() {
            match c {
                _ if numeric && !c.is_ascii_alphanumeric() => {
                    let _ = write!(escaped, "&#x{:X};", u32::from(c));
                }
                '<' => escaped.push_str("&lt;"),
                '>' => escaped.push_str("&gt;"),
                '&' => escaped.push_str("&amp;"),
                '"' => escaped.push_str("&quot;"),
                '\'' => escaped.push_str("&apos;"),
                // A parser would make spaces (in XML attributes) or line feeds of them.
                '\t' | '\n' | '\r' => {
                    let _ = write!(escaped, "&#{};", u32::from(c));
                }
                _ => escaped.push(c),
            }
        }
        escaped
    }
}
