//! Text in HTML and XML.

use std::borrow::Cow;

/// The text as it stands in HTML, between tags or in quotes. In XML too, when it is [`allowed`].
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '&' => html.push_str("&amp;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(c),
        }
    }
    html
}

/// The inverse, for what is in quotes.
pub(super) fn unescaped(html: &str) -> String {
    let mut text = html.to_owned();
    for (reference, c) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        // The last one, or it would make references.
        ("&amp;", "&"),
    ] {
        text = text.replace(reference, c);
    }
    text
}

/// What is written on a page, at most its first 500 characters.
pub(super) fn visible(html: &str) -> String {
    let body = html.split_once("</head>").map_or(html, |(_, body)| body);
    let pieces = body.split('<').enumerate().filter_map(|(n, piece)| {
        if n == 0 {
            return Some(piece);
        }
        let (tag, text) = piece.split_once('>')?;
        // What is in these is not shown.
        (!tag.starts_with("script") && !tag.starts_with("style")).then_some(text)
    });
    let text = unescaped(&pieces.collect::<Vec<_>>().join(" "));
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").chars().take(500).collect()
}

/// The text without characters that XML cannot carry at all.
pub(super) fn allowed(text: &str) -> Cow<'_, str> {
    let forbidden = |c: char| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if text.contains(forbidden) {
        text.replace(forbidden, "\u{fffd}").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_escaped_comes_back() {
        for text in ["<a href=\"b\">'c' & d</a>", "&lt;", "&amp;#39;", "猫"] {
            assert_eq!(unescaped(&escaped(text)), text);
        }
    }

    #[test]
    fn tags_scripts_and_the_head_are_not_visible() {
        let page = "<!DOCTYPE html><html><head><title>A</title><style>b{}</style></head><body><h1>Not\nallowed</h1>\
                    <p>x &lt; y.</p><script>if (a<b) c()</script><a href=\"/d\">Try again</a></body></html>";
        assert_eq!(visible(page), "Not allowed x < y. Try again");
        assert_eq!(visible("no page"), "no page");
        assert_eq!(visible(&"猫".repeat(600)).chars().count(), 500);
    }
}
