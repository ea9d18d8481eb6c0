//! What the pages look like: the same for every visitor, so it is made once.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use http::HeaderValue;
use sha2::{Digest, Sha256};

use super::{color::Color, escape::escape, logo};
use crate::{
    error::ConfigError,
    strict_url::{UrlFault, parse_http, printable},
};

/// The longest name, in bytes, and the longest support address.
const MAX_NAME: usize = 200;
const MAX_ADDRESS: usize = 254;

/// A card in the middle of the page. The colours of the button are added to it. All sides are named by the direction of the
/// text, so that the same card is right for Arabic.
const STYLE: &str = "\
:root{color-scheme:light dark;font:100%/1.5 system-ui,sans-serif;\
--page:#eef0f3;--card:#fff;--text:#1b1e23;--muted:#565c66;--line:#d3d7dd}\
@media(prefers-color-scheme:dark){:root{--page:#0f1114;--card:#1b1e23;--text:#eceef1;--muted:#a9b0bb;--line:#3d434c}}\
*{box-sizing:border-box}\
body{margin:0;min-height:100vh;padding:1rem;display:grid;grid-template-columns:minmax(0,34rem);place-content:center;\
background:var(--page);color:var(--text);overflow-wrap:anywhere}\
main{padding:1.75rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem}\
header{display:flex;flex-wrap:wrap;align-items:center;gap:.75rem;margin:0 0 1.5rem;padding:0 0 1rem;\
border-bottom:1px solid var(--line);font-weight:600}\
header svg{display:block;height:2.5rem;width:auto;max-width:100%}\
h1{margin:0 0 .75rem;font-size:1.6rem;line-height:1.25}\
p{margin:0 0 1rem}\
strong{font-size:1.2rem}\
.ways{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.5rem 0 0}\
.ways a,button{display:inline-block;max-width:100%;padding:.55rem 1.1rem;border:1px solid;border-radius:.4rem;\
font:inherit;text-align:center;text-decoration:none;overflow-wrap:anywhere;cursor:pointer}\
.ways a:hover,button:hover{text-decoration:underline}\
.ways .plain{border-color:var(--muted);background:none;color:inherit}\
a{color:inherit}\
a:focus-visible,button:focus-visible{outline:3px solid;outline-color:var(--text);outline-offset:3px}\
code{font-size:.9em}\
footer{margin:1.75rem 0 0;padding:1rem 0 0;border-top:1px solid var(--line);font-size:.875rem;color:var(--muted)}\
footer p{margin:0}";

/// As the app set it up.
#[derive(Debug, Default)]
pub(crate) struct Style {
    pub(crate) name: Option<String>,
    pub(crate) logo: Option<String>,
    pub(crate) accent: Option<String>,
    pub(crate) support: Option<String>,
    pub(crate) may_be_framed: bool,
}

/// The same, ready for a page.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// The name of the app, as text.
    pub(super) name: Option<String>,
    /// What stands above each page, as HTML.
    pub(super) header: String,
    pub(super) style: String,
    /// A link for help, as HTML.
    pub(super) support: Option<String>,
    /// Whether the app lets others frame its pages.
    pub(super) may_be_framed: bool,
    /// Nothing loads, nothing runs, and nobody frames it unless the app says who may. The one style is allowed by its hash.
    pub(super) policy: HeaderValue,
    /// The same for a page with a form. Chromium applies `form-action` to the redirects after the form as well. Those
    /// lead to the CAS server, from there to others that it asks, and back to the app, which may send its users on.
    pub(super) form_policy: HeaderValue,
}

impl Look {
    pub(super) fn new(style: Style) -> Result<Self, ConfigError> {
        let fault = |what, value: &str, reason| ConfigError::InvalidPageSetting {
            what,
            value: value.chars().take(100).collect(),
            reason,
        };
        let accent = match style.accent {
            None => Color::DEFAULT,
            Some(text) => Color::parse(&text).ok_or_else(|| {
                fault(
                    "accent colour",
                    &text,
                    "it is not of the form `#rgb` or `#rrggbb`",
                )
            })?,
        };
        if let Some(name) = &style.name
            && (name.trim().is_empty()
                || name.len() > MAX_NAME
                || name.chars().any(char::is_control))
        {
            let reason = "it is empty, is longer than 200 bytes, or has a control character in it";
            return Err(fault("name of the app", name, reason));
        }
        let logo = style
            .logo
            .map(|svg| {
                logo::read(&svg, style.name.is_some()).map_err(|reason| fault("logo", &svg, reason))
            })
            .transpose()?;
        let support = style
            .support
            .map(|address| {
                support_link(&address)
                    .map_err(|reason| fault("support address", &printable(&address), reason))
            })
            .transpose()?;
        let name = style
            .name
            .as_deref()
            .map(|name| format!("<span><bdi>{}</bdi></span>", escape(name)));
        let header = match (logo, name) {
            (None, None) => String::new(),
            (logo, name) => format!(
                "<header>{}{}</header>\n",
                logo.unwrap_or_default(),
                name.unwrap_or_default()
            ),
        };
        let (color, ink) = (accent.css(), accent.ink());
        // The border is seen where the colour of the button is that of the card.
        let css =
            format!("{STYLE}.ways a,button{{background:{color};color:{ink};border-color:{ink}}}");
        let may_be_framed = style.may_be_framed;
        let ancestors = if may_be_framed {
            ""
        } else {
            "; frame-ancestors 'none'"
        };
        let policy = |form_action| {
            let hash = BASE64_STANDARD.encode(Sha256::digest(&css));
            let policy = format!(
                "default-src 'none'; style-src 'sha256-{hash}'; img-src 'self'; base-uri 'none'; \
                 form-action {form_action}{ancestors}"
            );
            // Base64 is a part of a header value.
            HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
        };
        Ok(Self {
            name: style.name,
            header,
            support,
            may_be_framed,
            policy: policy("'none'"),
            form_policy: policy("*"),
            style: css,
        })
    }
}

/// A link to an address of mail or a page.
fn support_link(address: &str) -> Result<String, &'static str> {
    let shown = match address.strip_prefix("mailto:") {
        Some(mail) if is_mail(mail) => mail,
        Some(_) => {
            return Err("what follows `mailto:` is no plain address such as `help@example.org`");
        }
        None => {
            let url = parse_http(address).map_err(UrlFault::as_str)?;
            if url.scheme() != "https" {
                return Err("it is neither an https URL nor `mailto:` and an address");
            }
            address
                .strip_prefix("https://")
                .unwrap_or(address)
                .trim_end_matches('/')
        }
    };
    Ok(format!(
        "<a href=\"{}\" dir=\"ltr\">{}</a>",
        escape(address),
        escape(shown)
    ))
}

/// The plain form of an address, without quotes, comments or parameters.
fn is_mail(text: &str) -> bool {
    let is_local = |b: u8| b.is_ascii_alphanumeric() || b"._+-".contains(&b);
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b".-".contains(&b);
    let are_parts = |text: &str| text.split('.').all(|part| !part.is_empty());
    text.len() <= MAX_ADDRESS
        && text.split_once('@').is_some_and(|(local, host)| {
            local.bytes().all(is_local)
                && host.bytes().all(is_host)
                && are_parts(local)
                && are_parts(host)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(change: impl FnOnce(&mut Style)) -> Result<Look, ConfigError> {
        let mut style = Style::default();
        change(&mut style);
        Look::new(style)
    }

    #[test]
    fn without_settings_there_is_no_header_and_no_support() {
        let look = look(|_| {}).unwrap();
        assert_eq!(look.header, "");
        assert_eq!(look.support, None);
        assert!(
            look.style
                .ends_with(".ways a,button{background:#1a4f8b;color:#fff;border-color:#fff}")
        );
    }

    #[test]
    fn each_accent_colour_has_a_style_and_a_policy_of_its_own() {
        let yellow = look(|style| style.accent = Some("#FD0".to_owned())).unwrap();
        assert!(
            yellow
                .style
                .ends_with("{background:#ffdd00;color:#000;border-color:#000}")
        );
        let blue = look(|_| {}).unwrap();
        assert_ne!(yellow.policy, blue.policy);
        assert!(look(|style| style.accent = Some("#fff}*{}".to_owned())).is_err());
    }

    #[test]
    fn a_name_is_text() {
        let named = look(|style| style.name = Some("<b>A&B</b>".to_owned())).unwrap();
        assert_eq!(
            named.header,
            "<header><span><bdi>&lt;b&gt;A&amp;B&lt;/b&gt;</bdi></span></header>\n"
        );
        for name in ["", " ", "a\nb", &"x".repeat(201)] {
            assert!(
                look(|style| style.name = Some(name.to_owned())).is_err(),
                "{name:?}"
            );
        }
    }

    #[test]
    fn a_support_address_is_a_link_and_nothing_that_runs() {
        for (address, shown) in [
            ("mailto:it-help+cas@uni.example", "it-help+cas@uni.example"),
            ("https://help.uni.example/", "help.uni.example"),
            (
                "https://uni.example/help?a=b&c=d",
                "uni.example/help?a=b&amp;c=d",
            ),
        ] {
            let link = support_link(address).unwrap();
            assert!(
                link.ends_with(&format!("\" dir=\"ltr\">{shown}</a>")),
                "{link}"
            );
        }
        for address in [
            "",
            "help",
            "help@uni.example",
            "mailto:",
            "mailto:@uni.example",
            "mailto:a@",
            "mailto:a@b@c",
            "mailto:a@b?subject=x",
            "mailto:a b@c",
            "mailto:a@b..c",
            "mailto:a%0a@b",
            "MAILTO:a@b",
            "javascript:alert(1)",
            "http://uni.example",
            "https://a:b@uni.example",
            "//uni.example",
            "/help",
            "https://uni.example/ x",
            "data:text/html,x",
        ] {
            assert!(support_link(address).is_err(), "{address}");
        }
    }
}
