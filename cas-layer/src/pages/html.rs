//! The built-in page.

use std::sync::LazyLock;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use http::{HeaderValue, Response, header};
use sha2::{Digest, Sha256};

use super::{confirmation::Confirmation, page::Page};

const STYLE: &str = "\
:root{color-scheme:light dark;font:100%/1.5 system-ui,sans-serif}\
body{margin:0;min-height:100vh;display:grid;place-items:center;background:Canvas;color:CanvasText}\
main{box-sizing:border-box;max-width:32rem;width:100%;padding:2rem}\
h1{margin:0 0 .5rem;font-size:1.6rem;line-height:1.2}\
p{margin:0 0 1rem}\
strong{font-size:1.2rem;overflow-wrap:anywhere}\
form{display:flex;flex-wrap:wrap;gap:.75rem;margin:0}\
a,button{display:inline-block;max-width:100%;padding:.55rem 1.1rem;border:1px solid #1a4f8b;\
border-radius:.4rem;background:#1a4f8b;color:#fff;font:inherit;text-decoration:none;\
overflow-wrap:anywhere;cursor:pointer}\
a:hover,button:hover{background:#143d6b}\
.plain{border-color:GrayText;background:Canvas;color:CanvasText}\
.plain:hover{background:Canvas;text-decoration:underline}\
a:focus-visible,button:focus-visible{outline:3px solid #e8a200;outline-offset:2px}\
code{font-size:.9em}";

/// Nothing loads, nothing runs, nobody frames it. The one style is allowed by its hash.
static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| policy("'none'"));

/// The same for a page with a form. Chromium applies `form-action` to the redirects after the form as well. Those
/// lead to the CAS server, from there to others that it asks, and back to the app, which may send its users on.
static FORM_POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| policy("*"));

fn policy(form_action: &str) -> Option<HeaderValue> {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    HeaderValue::try_from(format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src 'self'; base-uri 'none'; \
         form-action {form_action}; frame-ancestors 'none'"
    ))
    .ok()
}

pub(super) fn render(page: &Page) -> Response<Bytes> {
    let code = page.code().map_or_else(String::new, |code| {
        format!(
            "<p>The sign-in server said <code>{}</code>.</p>\n",
            escape(code)
        )
    });
    let reference = page.reference().map_or_else(String::new, |reference| {
        format!("<p>Reference: <code>{}</code></p>\n", escape(reference))
    });
    let veto = page
        .veto()
        .map_or_else(String::new, |veto| format!("<p>{}</p>\n", escape(veto)));
    let cause = page.cause().map_or_else(String::new, |cause| {
        let end = if cause.ends_with(['?', ')']) { "" } else { "." };
        format!("<p>{}{end}</p>\n", escape(cause))
    });
    let image = page.image().map_or_else(String::new, |image| {
        format!(
            "<img src=\"{}\" alt=\"\" width=\"0\" height=\"0\">\n",
            escape(image)
        )
    });
    let onward = page.confirmation().map_or_else(
        || {
            let (link, label) = (escape(page.link()), page.link_label());
            format!("<p><a href=\"{link}\">{label}</a></p>\n")
        },
        question,
    );
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p>{text}</p>\n\
         {code}{reference}{veto}{cause}{onward}{image}</main>\n</body>\n</html>\n",
        title = page.title(),
        text = page.text(),
    );
    let mut response = Response::new(Bytes::from(html));
    let policy = match page.confirmation() {
        Some(_) => &*FORM_POLICY,
        None => &*POLICY,
    };
    if let Some(policy) = policy {
        response
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    }
    response
}

/// The name, and a button for each answer. The letters of the name cannot change anything around it.
fn question(confirmation: &Confirmation) -> String {
    let ((field, sealed), (yes, yes_value)) = (confirmation.field(), confirmation.yes());
    let (no, no_value) = confirmation.no();
    format!(
        "<p><strong><bdi>{user}</bdi></strong></p>\n\
         <form method=\"post\" action=\"{action}\">\n\
         <input type=\"hidden\" name=\"{field}\" value=\"{sealed}\">\n\
         <button type=\"submit\" name=\"{yes}\" value=\"{yes_value}\">Continue as <bdi>{user}</bdi></button>\n\
         <button type=\"submit\" class=\"plain\" name=\"{no}\" value=\"{no_value}\">Not me: sign in as somebody \
         else</button>\n</form>\n",
        user = escape(confirmation.user_name()),
        action = escape(confirmation.action()),
    )
}

/// For text and for quoted attributes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
