//! Takes out of a request what its sender may not say to a backend.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::introduction::Reserved;

const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// Removes headers, or trailers, that are `reserved`, and what would make somebody further on remove them or
/// expect them; and offers to change over to another version of HTTP (RFC 9110, section 7.8).
pub(super) fn scrub(headers: &mut HeaderMap, reserved: &Reserved) {
    let taken: Vec<HeaderName> = headers
        .keys()
        .filter(|name| reserved.covers(name.as_str().as_bytes()) || **name == HTTP2_SETTINGS)
        .cloned()
        .collect();
    for name in taken {
        headers.remove(name);
    }
    retain(headers, &header::UPGRADE, |item| {
        item.eq_ignore_ascii_case(b"websocket")
    });
    let upgrades = headers.contains_key(header::UPGRADE);
    for list in [header::CONNECTION, PROXY_CONNECTION, header::TRAILER] {
        retain(headers, &list, |item| {
            // A lenient reader may find names in what is no list of names.
            !words(item).any(|word| {
                reserved.covers(word)
                    || word.eq_ignore_ascii_case(HTTP2_SETTINGS.as_str().as_bytes())
                    || (!upgrades && word.eq_ignore_ascii_case(header::UPGRADE.as_str().as_bytes()))
            })
        });
    }
}

/// The longest parts that are made of the characters of names (RFC 9110, section 5.6.2).
fn words(item: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_of_names = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    item.split(move |byte| !is_of_names(byte))
        .filter(|word| !word.is_empty())
}

/// Keeps the items of a list (RFC 9110, section 5.6.1) that `keep` wants, over all its fields. A list of
/// which all is kept stays as it is.
fn retain(headers: &mut HeaderMap, list: &HeaderName, keep: impl Fn(&[u8]) -> bool) {
    let keeps_all = |field: &HeaderValue| items(field.as_bytes()).all(&keep);
    if headers.get_all(list).iter().all(keeps_all) {
        return;
    }
    let fields: Vec<HeaderValue> = headers
        .get_all(list)
        .iter()
        .filter_map(|field| {
            let kept: Vec<&[u8]> = items(field.as_bytes()).filter(|item| keep(item)).collect();
            // Parts of a value are a value.
            let field = HeaderValue::from_bytes(&kept.join(&b", "[..])).ok()?;
            (!kept.is_empty()).then_some(field)
        })
        .collect();
    headers.remove(list);
    for field in fields {
        headers.append(list, field);
    }
}

fn items(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    let items = field.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    items.filter(|item| !item.is_empty())
}
