//! Whether a browser would show the answer as a page.
//!
//! A redirect to another site is right for a visitor who opened a page, and wrong for everything
//! else: a script's `fetch` would get an opaque failure, a WebSocket handshake or an image would
//! break, a form's contents would be lost.

use http::{HeaderMap, HeaderName, Method, header};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
const PURPOSE: HeaderName = HeaderName::from_static("purpose");
const X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// Whether the visitor may be sent to the CAS server: a page is being opened, now.
pub(crate) fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    is_reading(method) && !is_prefetch(headers) && shows_page(method, headers)
}

/// Whether an HTML page is the right form of an answer, be it to a `GET` or to a form's `POST`.
pub(crate) fn shows_page(method: &Method, headers: &HeaderMap) -> bool {
    if headers.contains_key(SEC_FETCH_MODE) || headers.contains_key(SEC_FETCH_DEST) {
        return has(headers, &SEC_FETCH_MODE, "navigate")
            && !has(headers, &SEC_FETCH_DEST, "object")
            && !has(headers, &SEC_FETCH_DEST, "embed");
    }
    if headers.contains_key(X_REQUESTED_WITH) || headers.contains_key(header::UPGRADE) {
        return false;
    }
    match html_preference(headers) {
        Preference::Named => true,
        // A browser names text/html. A bare `*/*` is a command-line tool: it may follow a redirect,
        // but one that posts is a program.
        Preference::Any => is_reading(method),
        Preference::No => false,
    }
}

/// Whether a page is asked for by name, as browsers do when they open one.
pub(crate) fn asks_for_page(headers: &HeaderMap) -> bool {
    html_preference(headers) == Preference::Named
}

/// Whether a page of another site may have made the browser send this behind its user's back: for an image, a script
/// or a frame. `SameSite=None` cookies come along then, and `Lax` ones do not.
///
/// An older browser does not say so (Fetch Metadata). It names `text/html` for pages, but for frames too. A client
/// without `Accept` is not a browser.
pub(crate) fn is_hidden(headers: &HeaderMap) -> bool {
    let says = |name| headers.contains_key(name);
    if ["same-origin", "same-site", "none"]
        .iter()
        .any(|site| has(headers, &SEC_FETCH_SITE, site))
    {
        return false;
    }
    if says(SEC_FETCH_SITE) || says(SEC_FETCH_MODE) || says(SEC_FETCH_DEST) {
        return !has(headers, &SEC_FETCH_MODE, "navigate") || is_framed(headers);
    }
    says(header::ACCEPT) && html_preference(headers) != Preference::Named
}

/// Whether the answer is to be part of a page. A frame of the app's own may still be in a page of another site, and
/// then `Lax` cookies do not come.
pub(crate) fn is_framed(headers: &HeaderMap) -> bool {
    headers.contains_key(SEC_FETCH_DEST) && !has(headers, &SEC_FETCH_DEST, "document")
}

/// Whether a `POST` comes from a page of this app, as far as the browser says: `Sec-Fetch-Site`, or `Origin` from an
/// older one. A client that sends neither is not a browser, and nobody can make it sign out.
pub(crate) fn is_same_origin(own_origin: &str, headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return [&b"same-origin"[..], b"none"].contains(&site.as_bytes());
    }
    headers
        .get(header::ORIGIN)
        .is_none_or(|origin| origin.as_bytes() == own_origin.as_bytes())
}

fn has(headers: &HeaderMap, name: &HeaderName, value: &str) -> bool {
    headers
        .get(name)
        .is_some_and(|field| field.as_bytes() == value.as_bytes())
}

/// A browser that fetches ahead of its user (`Sec-Purpose`, Fetch standard; `Purpose` before it).
pub(crate) fn is_prefetch(headers: &HeaderMap) -> bool {
    [SEC_PURPOSE, PURPOSE].iter().any(|name| {
        headers.get_all(name).iter().any(|field| {
            field
                .as_bytes()
                .get(..8)
                .is_some_and(|b| b.eq_ignore_ascii_case(b"prefetch"))
        })
    })
}

/// A gRPC call, or a gRPC-Web one.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|field| field.as_bytes().starts_with(b"application/grpc"))
}

pub(crate) fn is_reading(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Preference {
    /// `text/html` or `text/*` is asked for.
    Named,
    /// `*/*`, or no `Accept` at all.
    Any,
    No,
}

/// What `Accept` says of HTML (RFC 9110, section 12.5.1): the most specific range decides.
fn html_preference(headers: &HeaderMap) -> Preference {
    let fields = headers.get_all(header::ACCEPT);
    let mut best: Option<(u8, bool)> = None;
    let mut any_field = false;
    for field in fields {
        any_field = true;
        let Ok(text) = field.to_str() else { continue };
        for range in text.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let specificity = match parts.next().map(str::to_ascii_lowercase).as_deref() {
                Some("text/html") => 3,
                Some("text/*") => 2,
                Some("*/*") => 1,
                _ => continue,
            };
            let refused = parts.any(|parameter| {
                parameter
                    .split_once('=')
                    .filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
                    .is_some_and(|(_, q)| q.trim().parse::<f32>().is_ok_and(|q| q <= 0.0))
            });
            if best.is_none_or(|(level, _)| specificity > level) {
                best = Some((specificity, !refused));
            }
        }
    }
    match best {
        Some((2.., true)) => Preference::Named,
        Some((_, true)) => Preference::Any,
        None if !any_field => Preference::Any,
        _ => Preference::No,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields
            .iter()
            .map(|&(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

    #[test]
    fn who_may_be_redirected() {
        let get = &Method::GET;
        let mode = |m| ("sec-fetch-mode", m);
        let dest = |d| ("sec-fetch-dest", d);
        for (navigation, method, fields) in [
            (true, get, vec![]),
            (true, get, vec![BROWSER]),
            (true, &Method::HEAD, vec![BROWSER]),
            (true, get, vec![("accept", "*/*")]),
            (true, get, vec![("accept", "TEXT/HTML ; q=0.1")]),
            (
                true,
                get,
                vec![("accept", "application/json"), ("accept", "text/html")],
            ),
            (true, get, vec![mode("navigate"), dest("document"), BROWSER]),
            (true, get, vec![mode("navigate"), dest("iframe"), BROWSER]),
            (true, get, vec![mode("navigate")]),
            (false, get, vec![mode("navigate"), dest("object"), BROWSER]),
            (false, get, vec![mode("navigate"), dest("embed"), BROWSER]),
            (false, get, vec![mode("cors"), dest("empty"), BROWSER]),
            (false, get, vec![mode("no-cors"), dest("image")]),
            (false, get, vec![mode("same-origin")]),
            (
                false,
                get,
                vec![mode("websocket"), ("upgrade", "websocket")],
            ),
            (false, get, vec![dest("image")]),
            (false, get, vec![("upgrade", "websocket")]),
            (
                false,
                get,
                vec![BROWSER, ("x-requested-with", "XMLHttpRequest")],
            ),
            (false, get, vec![("accept", "application/json")]),
            (false, get, vec![("accept", "")]),
            (false, get, vec![("accept", "text/html;q=0")]),
            (false, get, vec![("accept", "*/*, text/html;q=0")]),
            (false, get, vec![("accept", "text/html;q=0.0, */*")]),
            (false, get, vec![("accept", "text/event-stream")]),
            (
                false,
                get,
                vec![
                    mode("navigate"),
                    BROWSER,
                    ("sec-purpose", "prefetch;prerender"),
                ],
            ),
            (false, get, vec![BROWSER, ("purpose", "prefetch")]),
            (false, &Method::POST, vec![BROWSER]),
            (false, &Method::POST, vec![mode("navigate"), BROWSER]),
            (false, &Method::OPTIONS, vec![BROWSER]),
            (false, &Method::CONNECT, vec![]),
        ] {
            assert_eq!(
                is_navigation(method, &headers(&fields)),
                navigation,
                "{method} {fields:?}"
            );
        }
    }

    #[test]
    fn what_another_site_has_a_browser_ask_for_unseen() {
        let (site, mode) = (|s| ("sec-fetch-site", s), |m| ("sec-fetch-mode", m));
        let dest = |d| ("sec-fetch-dest", d);
        let elsewhere = site("cross-site");
        let image = ("accept", "image/avif,*/*;q=0.8");
        for (hidden, fields) in [
            (true, vec![elsewhere, mode("no-cors"), dest("image"), image]),
            (
                true,
                vec![elsewhere, mode("navigate"), dest("iframe"), BROWSER],
            ),
            (
                true,
                vec![elsewhere, mode("navigate"), dest("object"), BROWSER],
            ),
            (
                true,
                vec![elsewhere, mode("no-cors"), dest("empty"), BROWSER],
            ),
            (true, vec![elsewhere, BROWSER]),
            (true, vec![site("what"), mode("cors")]),
            (true, vec![mode("no-cors"), BROWSER]),
            (true, vec![dest("image"), BROWSER]),
            (true, vec![image]),
            (true, vec![("accept", "*/*")]),
            (
                false,
                vec![elsewhere, mode("navigate"), dest("document"), BROWSER],
            ),
            (false, vec![elsewhere, mode("navigate"), BROWSER]),
            (
                false,
                vec![site("same-origin"), mode("cors"), dest("empty"), image],
            ),
            (
                false,
                vec![site("same-site"), mode("navigate"), dest("iframe")],
            ),
            (false, vec![site("none")]),
            (false, vec![BROWSER]),
            (false, vec![]),
        ] {
            assert_eq!(is_hidden(&headers(&fields)), hidden, "{fields:?}");
        }
    }

    #[test]
    fn a_form_post_is_shown_as_a_page_and_a_programs_post_is_not() {
        let post = Method::POST;
        assert!(shows_page(&post, &headers(&[BROWSER])));
        assert!(shows_page(
            &post,
            &headers(&[("sec-fetch-mode", "navigate"), BROWSER])
        ));
        assert!(!shows_page(&post, &headers(&[("accept", "*/*")])));
        assert!(!shows_page(&post, &headers(&[])));
        assert!(!shows_page(
            &post,
            &headers(&[("sec-fetch-mode", "cors"), BROWSER])
        ));
        assert!(!shows_page(
            &post,
            &headers(&[BROWSER, ("x-requested-with", "fetch")])
        ));
    }
    #[test]
    fn a_grpc_call_is_known_by_its_content_type() {
        for (is, kind) in [
            (true, "application/grpc"),
            (true, "application/grpc+proto"),
            (true, "application/grpc-web+json"),
            (false, "application/json"),
            (false, ""),
        ] {
            assert_eq!(is_grpc(&headers(&[("content-type", kind)])), is, "{kind}");
        }
        assert!(!is_grpc(&headers(&[])));
    }
}
