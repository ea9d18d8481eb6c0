//! XML from the network: bounded, without a DTD, and told apart by namespace.

mod limits;

use roxmltree::{Document, Node, ParsingOptions};

/// The most nodes of a document: elements, and the texts between them.
const MAX_NODES: u32 = 100_000;

/// Reads a document, or says what is wrong with it.
pub(super) fn parse(document: &str) -> Result<Document<'_>, &'static str> {
    limits::check(document)?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        entity_resolver: None,
    };
    Document::parse_with_options(document, options).map_err(|_| "it is not well-formed XML")
}

/// `xmlns=""` is no namespace.
pub(super) fn namespace<'a>(node: &Node<'a, '_>) -> &'a str {
    node.tag_name().namespace().unwrap_or_default()
}

/// The value of an attribute without a namespace. The parser by itself would take one of any namespace.
pub(super) fn attribute<'a>(node: &Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attributes()
        .find(|attribute| attribute.namespace().is_none() && attribute.name() == name)
        .map(|attribute| attribute.value())
}

/// White space as XML and JSON have it. Unicode has more, but two names that differ in a no-break space are
/// two names.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Text as people meant it, without the white space of pretty-printing around it.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}
