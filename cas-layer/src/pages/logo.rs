//! The app's logo.
//!
//! It comes from the app, which is trusted. What is refused would not work under the pages' content security policy, or would
//! load something. So a wrong file is found at the start, and not by visitors.

use roxmltree::{Attribute, Document, Node, ParsingOptions};

use super::escape::escape;

/// In bytes.
const MAX: usize = 64 * 1024;
const MAX_NODES: u32 = 5_000;

const SVG: &str = "http://www.w3.org/2000/svg";
const XLINK: &str = "http://www.w3.org/1999/xlink";
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// What draws, and nothing that runs, loads or changes by itself.
const ELEMENTS: [&str; 22] = [
    "svg",
    "g",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "title",
    "desc",
    "defs",
    "symbol",
    "use",
    "linearGradient",
    "radialGradient",
    "stop",
    "clipPath",
    "mask",
    "pattern",
];

/// The logo as it stands on a page: written anew, so that a browser reads the same in it as we do. Without a name beside it,
/// it needs a title of its own.
pub(super) fn read(svg: &str, has_name: bool) -> Result<String, &'static str> {
    if svg.len() > MAX {
        return Err("it is longer than 64 KiB");
    }
    let options = ParsingOptions {
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(svg, options).map_err(|_| {
        "it is not well-formed XML of at most 5,000 nodes, or has a document type: save it as plain SVG"
    })?;
    let root = document.root_element();
    if root.tag_name().name() != "svg" {
        return Err("it is no `<svg>` element");
    }
    if root.attribute("viewBox").is_none() {
        return Err("it has no `viewBox`, so it cannot be scaled");
    }
    if !has_name && !has_title(root) {
        return Err(
            "without a name of the app beside it, it needs a `<title>` for those who do not see it",
        );
    }
    write(root, has_name)
}

fn has_title(root: Node<'_, '_>) -> bool {
    let titles = root
        .children()
        .filter(|it| it.has_tag_name("title") || it.has_tag_name((SVG, "title")));
    titles
        .filter_map(|title| title.text())
        .any(|text| !text.trim().is_empty())
}

fn write(root: Node<'_, '_>, has_name: bool) -> Result<String, &'static str> {
    let mut html = String::new();
    // What is still to be written, the last first. Without a node it is the end of an element.
    let mut steps = vec![(Some(root), "")];
    while let Some((node, name)) = steps.pop() {
        let Some(node) = node else {
            html.extend(["</", name, ">"]);
            continue;
        };
        if node.is_text() {
            html += &escape(node.text().unwrap_or_default());
        }
        // Comments are left out.
        if !node.is_element() {
            continue;
        }
        let name = element(node)?;
        html.extend(["<", name]);
        for attribute in node.attributes() {
            if let Some((name, value)) = checked(attribute)? {
                html.extend([" ", name, "=\"", &escape(value), "\""]);
            }
        }
        if node == root {
            html += if has_name {
                " aria-hidden=\"true\""
            } else {
                " role=\"img\""
            };
        }
        html.push('>');
        steps.push((None, name));
        steps.extend(node.children().rev().map(|child| (Some(child), "")));
    }
    Ok(html)
}

fn element(node: Node<'_, '_>) -> Result<&'static str, &'static str> {
    let name = node.tag_name();
    let known = ELEMENTS.iter().find(|known| **known == name.name());
    match (known, name.namespace()) {
        (Some(known), None | Some(SVG)) => Ok(known),
        (None, None | Some(SVG)) if matches!(name.name(), "script" | "foreignObject") => {
            Err("it has a script or foreign content in it")
        }
        (None, None | Some(SVG)) if name.name() == "style" => Err(NO_CSS),
        _ => Err("it has an element that is neither a shape nor a text: save it as plain SVG"),
    }
}

const NO_CSS: &str = "it has CSS in it, which the pages' content security policy does not allow: use attributes such as `fill`";

/// Name and value, if the attribute is one to keep.
fn checked<'n>(attribute: Attribute<'n, '_>) -> Result<Option<(&'n str, &'n str)>, &'static str> {
    let (name, value) = (attribute.name(), attribute.value());
    match (attribute.namespace(), name) {
        (None | Some(XLINK), "href") if value.starts_with('#') => Ok(Some(("href", value))),
        (None | Some(XLINK), "href" | "src") => Err("it refers to something outside of itself"),
        (None, "style" | "class") => Err(NO_CSS),
        // Ours stand on the root.
        (None, "role" | "focusable" | "aria-hidden") | (Some(XML), "space") => Ok(None),
        (None, name)
            if name
                .get(..2)
                .is_some_and(|start| start.eq_ignore_ascii_case("on")) =>
        {
            Err("it has an event attribute (`on…`)")
        }
        (None, _) if refers_elsewhere(value) => Err("it refers to something outside of itself"),
        (None, name)
            if name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') =>
        {
            Ok(Some((name, value)))
        }
        _ => Err("it has an attribute of an editor: save it as plain SVG"),
    }
}

/// `url(#a)` stays within the document, and other addresses do not. CSS knows escapes, so there is none.
fn refers_elsewhere(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let mut urls = value.split("url(").skip(1);
    value.contains('\\')
        || urls.any(|url| !url.trim_start_matches([' ', '"', '\'']).starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_written_anew() {
        let logo = "<?xml version=\"1.0\"?><!-- by hand --><svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 8 8\" \
                    xmlns:xlink=\"http://www.w3.org/1999/xlink\"><defs><path id=\"a\" d=\"M0 0\"/></defs><title>A &amp; B</title>\
                    <use xlink:href=\"#a\" fill=\"url(#b)\"/><!--><script>--></svg>";
        assert_eq!(
            read(logo, true).unwrap(),
            "<svg viewBox=\"0 0 8 8\" aria-hidden=\"true\"><defs><path id=\"a\" d=\"M0 0\"></path></defs>\
             <title>A &amp; B</title><use href=\"#a\" fill=\"url(#b)\"></use></svg>"
        );
        assert!(read(logo, false).unwrap().contains("role=\"img\""));
    }

    #[test]
    fn what_is_no_drawing_is_refused() {
        for (part, content) in [
            ("script", "<script>alert(1)</script>"),
            ("foreign", "<foreignObject><p/></foreignObject>"),
            ("event", "<path onclick=\"alert(1)\"/>"),
            ("event", "<g ONload=\"x\"/>"),
            ("outside", "<use href=\"https://evil.example/a.svg#b\"/>"),
            ("outside", "<use href=\"//evil.example\"/>"),
            ("outside", "<use href=\"\"/>"),
            ("outside", "<rect fill=\"URL( 'https://evil.example')\"/>"),
            ("outside", "<rect fill=\"u\\72l(https://evil.example)\"/>"),
            ("element", "<image href=\"#a\"/>"),
            ("element", "<a href=\"#a\"/>"),
            ("element", "<animate/>"),
            ("element", "<set attributeName=\"href\"/>"),
            ("element", "<SCRIPT/>"),
            ("element", "<x xmlns=\"http://www.w3.org/1999/xhtml\"/>"),
            ("CSS", "<style>a{}</style>"),
            ("CSS", "<path style=\"fill:red\"/>"),
            ("CSS", "<path class=\"a\"/>"),
            ("editor", "<g i:x=\"y\" xmlns:i=\"urn:editor\"/>"),
            ("XML", "<g>"),
            ("XML", "</svg><svg>"),
        ] {
            let logo = format!("<svg viewBox=\"0 0 8 8\">{content}</svg>");
            let error = read(&logo, true).unwrap_err();
            assert!(error.contains(part), "{content}: {error}");
        }
        for (part, logo) in [
            ("no `<svg>`", "<p/>"),
            ("viewBox", "<svg/>"),
            ("XML", "logo.svg"),
            ("XML", "<!DOCTYPE svg><svg viewBox=\"0 0 8 8\"/>"),
            ("<title>", "<svg viewBox=\"0 0 8 8\"><title> </title></svg>"),
        ] {
            let error = read(logo, false).unwrap_err();
            assert!(error.contains(part), "{logo}: {error}");
        }
        assert!(read(&format!("<svg>{}</svg>", " ".repeat(MAX)), true).is_err());
    }
}
