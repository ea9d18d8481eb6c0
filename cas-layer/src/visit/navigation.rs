//! Whether a browser would show the answer as a page.
//!
//! A redirect to another site is right for a visitor who opened a page, and wrong for everything
//! else: a script's `fetch` would get an opaque failure, a WebSocket handshake or an image would
//! break, a form's contents would be lost.
//!
//! A browser says what it is about to show in `Sec-Fetch-Mode` and `Sec-Fetch-Dest`. One that says neither, because it
//! is old or the app is at a URL of plain http, names HTML in `Accept` when it opens a page. Programs do not name it:
//! curl and most HTTP libraries send `*/*` or nothing.

use http::{HeaderMap, HeaderName, Method, header};

use super::library;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
const PURPOSE: HeaderName = HeaderName::from_static("purpose");
const X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// Whether the visitor may be sent to the CAS server: a page is being opened, now.
pub(crate) fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    is_reading(method) && !is_prefetch(headers) && shows_page(headers)
}

/// Whether an HTML page is the right form of an answer, be it to a `GET` or to a form's `POST`.
pub(crate) fn shows_page(headers: &HeaderMap) -> bool {
    if headers.contains_key(SEC_FETCH_MODE) || headers.contains_key(SEC_FETCH_DEST) {
        return has(headers, &SEC_FETCH_MODE, "navigate")
            && !has(headers, &SEC_FETCH_DEST, "object")
            && !has(headers, &SEC_FETCH_DEST, "embed");
    }
    let by_program = [X_REQUESTED_WITH, header::UPGRADE, header::AUTHORIZATION];
    !by_program.iter().any(|name| headers.contains_key(name))
        && !library::has_sent(headers)
        && asks_for_page(headers)
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
    says(header::ACCEPT) && !asks_for_page(headers)
}

/// Whether the answer is to be part of a page. A frame of the app's own may still be in a page of another site, and
/// then `Lax` cookies do not come.
pub(crate) fn is_framed(headers: &HeaderMap) -> bool {
    headers.contains_key(SEC_FETCH_DEST) && !has(headers, &SEC_FETCH_DEST, "document")
}

/// Whether a page is being opened in a frame.
pub(crate) fn opens_frame(headers: &HeaderMap) -> bool {
    has(headers, &SEC_FETCH_MODE, "navigate")
        && ["iframe", "frame"]
            .iter()
            .any(|dest| has(headers, &SEC_FETCH_DEST, dest))
}

/// Whether a page of another site may have made the browser send this, so that a session must not count that came
/// along in a `SameSite=None` cookie. A page that is opened by `GET` is let through, in a frame too. A browser that
/// does not say where a request comes from still names another origin, except for images and the like.
pub(crate) fn may_be_forged(own_origin: &str, method: &Method, headers: &HeaderMap) -> bool {
    if !method.is_safe() {
        return !is_same_origin(own_origin, headers);
    }
    if headers.contains_key(SEC_FETCH_SITE) {
        return is_hidden(headers) && !opens_frame(headers);
    }
    headers
        .get(header::ORIGIN)
        .is_some_and(|origin| origin.as_bytes() != own_origin.as_bytes())
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

/// Whether a browser says from which origin a request comes.
pub(crate) fn says_where_from(headers: &HeaderMap) -> bool {
    headers.contains_key(SEC_FETCH_SITE) || headers.contains_key(header::ORIGIN)
}

/// Whether the browser says that a page of this site sent the request, so that `Lax` cookies come along if there are any.
pub(crate) fn is_of_this_site(headers: &HeaderMap) -> bool {
    ["same-origin", "same-site"]
        .iter()
        .any(|site| has(headers, &SEC_FETCH_SITE, site))
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

/// Whether `Accept` names HTML, as browsers do when they open a page (RFC 9110, section 12.5.1). A range such as `*/*` does
/// not name it, nor does a weight of zero, or one that is no number.
pub(crate) fn asks_for_page(headers: &HeaderMap) -> bool {
    let fields = headers.get_all(header::ACCEPT).iter();
    fields
        .filter_map(|field| field.to_str().ok())
        .flat_map(|text| text.split(','))
        .any(names_html)
}

fn names_html(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let is_html = ["text/html", "application/xhtml+xml"]
        .iter()
        .any(|html| name.eq_ignore_ascii_case(html));
    is_html
        && parts
            .filter_map(|parameter| parameter.split_once('='))
            .filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
            .all(|(_, q)| q.trim().parse::<f32>().is_ok_and(|q| q > 0.0))
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
            (true, get, vec![BROWSER]),
            (true, &Method::HEAD, vec![BROWSER]),
            (true, get, vec![("accept", "TEXT/HTML ; q=0.1")]),
            (true, get, vec![("accept", "application/xhtml+xml")]),
            (
                true,
                get,
                vec![("accept", "application/json"), ("accept", "text/html")],
            ),
            (true, get, vec![mode("navigate"), dest("document"), BROWSER]),
            (true, get, vec![mode("navigate"), dest("iframe"), BROWSER]),
            (true, get, vec![mode("navigate")]),
            // A reverse proxy that asks for a password of its own (HTTP Basic) hands it on.
            (
                true,
                get,
                vec![mode("navigate"), ("authorization", "Basic e30="), BROWSER],
            ),
            (false, get, vec![("authorization", "Bearer x"), BROWSER]),
            (false, get, vec![("hx-request", "true"), BROWSER]),
            (false, get, vec![("x-turbo-request-id", "1"), BROWSER]),
            (false, get, vec![("turbo-frame", "a"), BROWSER]),
            (false, get, vec![("x-up-version", "3"), BROWSER]),
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
            // Programs, and what old browsers ask for besides pages.
            (false, get, vec![]),
            (false, get, vec![("accept", "*/*")]),
            (false, get, vec![("accept", "text/*")]),
            (
                false,
                get,
                vec![("accept", "image/png,image/*;q=0.8,*/*;q=0.5")],
            ),
            (
                false,
                get,
                vec![("accept", "application/json, text/plain, */*")],
            ),
            (false, get, vec![("accept", "application/json")]),
            (false, get, vec![("accept", "")]),
            (false, get, vec![("accept", "text/html;q=0")]),
            (false, get, vec![("accept", "text/html;level=1;q=0.000")]),
            (false, get, vec![("accept", "text/html;q=NaN")]),
            (false, get, vec![("accept", "text/html;q=")]),
            (false, get, vec![("accept", "text/htmlx, xtext/html")]),
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
    fn what_a_page_of_another_site_may_have_caused_is_taken_for_forged() {
        let (site, mode) = (|s| ("sec-fetch-site", s), |m| ("sec-fetch-mode", m));
        let dest = |d| ("sec-fetch-dest", d);
        let (elsewhere, navigate) = (site("cross-site"), mode("navigate"));
        let (own, other) = (("origin", "https://a"), ("origin", "https://b"));
        let (get, post) = (&Method::GET, &Method::POST);
        for (forged, method, fields) in [
            // Pages.
            (false, get, vec![elsewhere, navigate, dest("document")]),
            (false, get, vec![elsewhere, navigate, dest("iframe")]),
            (false, get, vec![elsewhere, navigate, dest("frame")]),
            (false, &Method::HEAD, vec![elsewhere, navigate]),
            (true, get, vec![elsewhere, navigate, dest("object")]),
            (true, get, vec![elsewhere, navigate, dest("embed")]),
            (true, get, vec![elsewhere, navigate, dest("fencedframe")]),
            // Parts of pages, scripts, sockets.
            (true, get, vec![elsewhere, mode("no-cors"), dest("image")]),
            (true, get, vec![elsewhere, mode("no-cors"), dest("iframe")]),
            (true, get, vec![elsewhere, mode("cors"), dest("empty"), own]),
            (true, get, vec![elsewhere, mode("websocket"), other]),
            (true, &Method::OPTIONS, vec![elsewhere, mode("cors")]),
            (true, get, vec![elsewhere]),
            (true, get, vec![site("what"), mode("cors")]),
            (false, get, vec![site("same-site"), mode("cors")]),
            (false, get, vec![site("same-origin"), mode("no-cors")]),
            (false, get, vec![site("none"), navigate]),
            // What changes something.
            (true, post, vec![elsewhere, navigate, dest("document")]),
            (true, post, vec![elsewhere, navigate, dest("iframe")]),
            (true, post, vec![elsewhere, mode("cors"), own]),
            (true, post, vec![site("same-site"), navigate]),
            (true, &Method::DELETE, vec![site("same-site"), own]),
            (true, &Method::CONNECT, vec![elsewhere, other]),
            (false, post, vec![site("same-origin"), navigate]),
            (false, &Method::PUT, vec![site("same-origin"), other]),
            (false, post, vec![site("none"), navigate]),
            // Browsers that say less, and programs.
            (true, post, vec![other]),
            (true, post, vec![("origin", "null")]),
            (true, get, vec![other]),
            (true, get, vec![("origin", "null")]),
            (true, get, vec![("origin", "https://a.b")]),
            (false, post, vec![own]),
            (false, get, vec![own]),
            (false, get, vec![BROWSER]),
            (false, get, vec![]),
            (false, post, vec![]),
        ] {
            let headers = headers(&fields);
            let is_forged = may_be_forged("https://a", method, &headers);
            assert_eq!(is_forged, forged, "{method} {fields:?}");
        }
    }

    #[test]
    fn a_form_post_is_shown_as_a_page_and_a_programs_post_is_not() {
        for (shows, fields) in [
            (true, vec![BROWSER]),
            (true, vec![("sec-fetch-mode", "navigate"), BROWSER]),
            (false, vec![("accept", "*/*")]),
            (false, vec![]),
            (false, vec![("sec-fetch-mode", "cors"), BROWSER]),
            (false, vec![BROWSER, ("x-requested-with", "fetch")]),
            (false, vec![BROWSER, ("authorization", "Bearer x")]),
        ] {
            assert_eq!(shows_page(&headers(&fields)), shows, "{fields:?}");
        }
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
