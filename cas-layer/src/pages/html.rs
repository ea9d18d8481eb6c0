//! The built-in page.

use std::sync::LazyLock;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use http::{HeaderValue, Response, header};
use sha2::{Digest, Sha256};

use super::Page;

const STYLE: &str = "\
:root{color-scheme:light dark;font:100%/1.5 system-ui,sans-serif}\
body{margin:0;min-height:100vh;display:grid;place-items:center;background:Canvas;color:CanvasText}\
main{box-sizing:border-box;max-width:32rem;width:100%;padding:2rem}\
h1{margin:0 0 .5rem;font-size:1.6rem;line-height:1.2}\
p{margin:0 0 1rem}\
a{display:inline-block;padding:.55rem 1.1rem;border-radius:.4rem;background:#1a4f8b;color:#fff;\
text-decoration:none}\
a:hover{background:#143d6b}\
a:focus-visible{outline:3px solid #e8a200;outline-offset:2px}\
code{font-size:.9em}";

/// Nothing loads, nothing runs, nobody frames; the one style is known by its hash.
static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    HeaderValue::try_from(format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    ))
    .ok()
});

pub(super) fn render(page: &Page) -> Response<Bytes> {
    let code = page.code().map_or_else(String::new, |code| {
        format!(
            "<p>The sign-in server said <code>{}</code>.</p>\n",
            escape(code)
        )
    });
    let veto = page
        .veto()
        .map_or_else(String::new, |veto| format!("<p>{}</p>\n", escape(veto)));
    let image = page.image().map_or_else(String::new, |image| {
        format!(
            "<img src=\"{}\" alt=\"\" width=\"0\" height=\"0\">\n",
            escape(image)
        )
    });
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p>{text}</p>\n\
         {code}{veto}<p><a href=\"{link}\">{label}</a></p>\n{image}</main>\n</body>\n</html>\n",
        title = page.title(),
        text = page.text(),
        link = escape(page.link()),
        label = page.link_label(),
    );
    let mut response = Response::new(Bytes::from(html));
    if let Some(policy) = &*POLICY {
        response
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    }
    response
}

/// For text and for quoted attributes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
