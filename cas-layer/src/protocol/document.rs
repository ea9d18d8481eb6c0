//! XML from the network: bounded, without a DTD, and told apart by namespace.
//!
//! The parser builds whatever depth it is given, copies the namespaces in scope to every element that declares
//! one, and compares each attribute with all others of its element. A hostile megabyte would cost it minutes,
//! so one pass over the markup refuses such documents first. The pass is not a parser: up to the first mistake
//! in a document it sees the same tags as the parser, which then refuses the document for the mistake.

use roxmltree::{Document, Node, ParsingOptions};

/// The most nodes of a document: elements, and the texts between them.
const MAX_NODES: u32 = 100_000;
/// The deepest nesting, the root element being 1.
const MAX_DEPTH: usize = 64;
/// The most XML attributes of one element.
const MAX_ATTRIBUTES: usize = 64;
/// The most namespace declarations on an element and those around it. Servers make one or two.
const MAX_NAMESPACES: usize = 16;

/// Reads a document, or returns what is wrong with it.
pub(super) fn parse(document: &str) -> Result<Document<'_>, &'static str> {
    check(document)?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        entity_resolver: None,
    };
    Document::parse_with_options(document, options).map_err(|_| "it is not well-formed XML")
}

/// `xmlns=""` means no namespace.
pub(super) fn namespace<'a>(node: &Node<'a, '_>) -> &'a str {
    node.tag_name().namespace().unwrap_or_default()
}

/// The value of an attribute without a namespace. The parser by itself would take one of any namespace.
pub(super) fn attribute<'a>(node: &Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attributes()
        .find(|attribute| attribute.namespace().is_none() && attribute.name() == name)
        .map(|attribute| attribute.value())
}

/// White space as XML and JSON define it. Unicode has more, but two names that differ in a no-break space are two
/// names.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Text as people meant it, without the white space of pretty-printing around it.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// What is wrong with the document's shape, if anything.
fn check(document: &str) -> Result<(), &'static str> {
    let mut rest = document;
    // Per open element, how many namespace declarations are in scope.
    let mut open: Vec<usize> = Vec::new();
    while let Some((_, markup)) = rest.split_once('<') {
        rest = if let Some(comment) = markup.strip_prefix("!--") {
            after(comment, "-->")?
        } else if let Some(text) = markup.strip_prefix("![CDATA[") {
            after(text, "]]>")?
        } else if let Some(instruction) = markup.strip_prefix('?') {
            after(instruction, "?>")?
        } else if markup.starts_with('!') {
            return Err("it has a DOCTYPE");
        } else if let Some(end_tag) = markup.strip_prefix('/') {
            open.pop();
            after(end_tag, ">")?
        } else {
            let tag = StartTag::scan(markup)?;
            let in_scope = open.last().copied().unwrap_or(0) + tag.namespaces;
            if tag.attributes > MAX_ATTRIBUTES || in_scope > MAX_NAMESPACES {
                return Err("an element has too many XML attributes or namespaces");
            }
            if open.len() == MAX_DEPTH {
                return Err("it is nested too deeply");
            }
            if !tag.is_empty {
                open.push(in_scope);
            }
            tag.rest
        };
    }
    Ok(())
}

fn after<'a>(text: &'a str, end: &str) -> Result<&'a str, &'static str> {
    text.split_once(end)
        .map(|(_, rest)| rest)
        .ok_or("its markup does not end")
}

struct StartTag<'a> {
    attributes: usize,
    namespaces: usize,
    /// `<a/>`
    is_empty: bool,
    rest: &'a str,
}

impl<'a> StartTag<'a> {
    /// Reads on from after the `<`.
    fn scan(markup: &'a str) -> Result<Self, &'static str> {
        let (mut attributes, mut namespaces) = (0, 0);
        let mut rest = markup;
        loop {
            let unquoted = rest
                .find(['>', '"', '\''])
                .ok_or("its markup does not end")?;
            let (before, found) = rest.split_at(unquoted);
            let mut following = found.chars();
            let delimiter = following.next();
            rest = following.as_str();
            if let Some(quote @ ('"' | '\'')) = delimiter {
                attributes += 1;
                // Taking `xmlns` inside another name for a declaration only makes the bound tighter.
                if before.contains("xmlns") {
                    namespaces += 1;
                }
                rest = rest.split_once(quote).ok_or("its markup does not end")?.1;
            } else {
                return Ok(Self {
                    attributes,
                    namespaces,
                    is_empty: before.ends_with('/'),
                    rest,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    fn nested(depth: usize) -> String {
        format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth))
    }

    #[test]
    fn nesting_is_bounded_at_64() {
        assert_eq!(check(&nested(64)), Ok(()));
        for depth in [65, 60_000] {
            assert_eq!(check(&nested(depth)), Err("it is nested too deeply"));
        }
        assert_eq!(
            check(&format!("{}<b/>{}", "<a>".repeat(64), "</a>".repeat(64))),
            Err("it is nested too deeply")
        );
        assert_eq!(check(&format!("<a>{}</a>", "<b/>".repeat(1_000))), Ok(()));
    }

    #[test]
    fn tags_inside_comments_cdata_instructions_and_quotes_do_not_count() {
        let many = "<a>".repeat(100);
        for document in [
            format!("<r><!-- {many} --></r>"),
            format!("<r><![CDATA[{many}]]></r>"),
            format!("<r><?x {many}?></r>"),
            "<r a='>' b=\"/>'>\"><b/></r>".to_owned(),
        ] {
            assert_eq!(check(&document), Ok(()), "{document}");
        }
    }

    #[test]
    fn a_doctype_is_refused_wherever_it_stands() {
        for document in [
            "<!DOCTYPE a><a/>",
            "<?xml version='1.0'?><!DOCTYPE a []><a/>",
            "<a/><!DOCTYPE a>",
            "<!doctype html><html></html>",
            "<!ENTITY x 'y'><a/>",
        ] {
            assert_eq!(check(document), Err("it has a DOCTYPE"), "{document}");
        }
    }

    #[test]
    fn xml_attributes_are_bounded_at_64_and_namespaces_in_scope_at_16() {
        let tag = |name: &str, prefix: &str, count: usize| {
            let attributes: Vec<String> =
                (0..count).map(|i| format!("\n{prefix}{i} = 'v'")).collect();
            format!("<{name}{}>", attributes.concat())
        };
        let too_many = Err("an element has too many XML attributes or namespaces");
        assert_eq!(check(&(tag("a", "x", 64) + "</a>")), Ok(()));
        assert_eq!(check(&(tag("a", "x", 65) + "</a>")), too_many);
        assert_eq!(check(&(tag("a", "xmlns:x", 16) + "</a>")), Ok(()));
        assert_eq!(check(&(tag("a", "xmlns:x", 17) + "</a>")), too_many);
        let nested = |outer, inner| {
            let (outer, inner) = (tag("a", "xmlns:x", outer), tag("b", "xmlns:y", inner));
            check(&format!("{outer}{inner}</b></a>"))
        };
        assert_eq!(nested(8, 8), Ok(()));
        assert_eq!(nested(8, 9), too_many);
        // A scope ends with its element.
        let sibling = format!("{}</b>", tag("b", "xmlns:y", 10));
        assert_eq!(check(&format!("<a>{sibling}{sibling}</a>")), Ok(()));
    }

    #[test]
    fn markup_that_does_not_end_is_refused() {
        for document in [
            "<a",
            "<a b='",
            "<a b='>",
            "<!-- a",
            "<![CDATA[ a ]>",
            "<?xml ",
            "</a",
        ] {
            assert_eq!(
                check(document),
                Err("its markup does not end"),
                "{document}"
            );
        }
    }
}
