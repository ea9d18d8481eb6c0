//! What the fuzz targets call: cookies, in and out, and what is behind their seal.

#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a panic is what a fuzz target reports"
)]

use std::{cell::RefCell, collections::HashSet};

use cookie::Cookie;
use http::{HeaderMap, HeaderValue, header};
use percent_encoding::percent_decode;
use zeroize::Zeroizing;

use super::{
    SessionData,
    attributes::{Held, kept},
    cookie::{MAX_COOKIE_BYTES, find_cookie, remove_cookies},
};
use crate::{attributes::Attributes, protocol::ProxyGrantingTicket};

/// The payload of a session cookie. What is read from it is the same after it was written and read again.
pub fn session_cookie(payload: &[u8]) {
    if let Some(attributes) = kept::parse(payload) {
        no_name_comes_twice(&attributes);
    }
    let Some(session) = decoded(payload) else {
        return;
    };
    no_name_comes_twice(session.attributes());
    for secret in [true, false] {
        let written = session.encode(session.seen_at, secret).unwrap();
        let again = decoded(&written).unwrap();
        assert_eq!(facts(&again, secret), facts(&session, secret));
        assert_eq!(again.attributes(), session.attributes());
        assert_eq!(again.encode(again.seen_at, secret).unwrap(), written);
    }
    let granted = session.encode(session.seen_at, false).unwrap();
    assert!(decoded(&granted).unwrap().granting_ticket.is_none());
    if let Ok(kept) = session.attributes_to_keep()
        && !session.is_kept()
    {
        // What is there is taken over without being looked at. If it is no attributes, it stays none.
        let read = kept::parse(&kept).unwrap_or_default();
        assert_eq!(&read, session.attributes());
    }
    // Packing takes a hundred times as long as all else.
    if session.id.as_bytes()[..2] == [0; 2] {
        packed(session);
    }
}

/// The same session with so many groups that they are packed.
fn packed(mut session: SessionData) {
    let mut attributes = session.attributes().clone();
    for n in 0..40 {
        attributes.push("memberOf", format!("cn=group-{n},ou={}", session.user()));
    }
    session.attributes = Held::given(attributes.clone());
    let written = session.encode(session.seen_at, true).unwrap();
    let again = decoded(&written).unwrap();
    assert_eq!(facts(&again, true), facts(&session, true));
    assert_eq!(again.attributes(), &attributes);
    assert_eq!(again.encode(again.seen_at, true).unwrap(), written);
    let kept = session.attributes_to_keep().unwrap();
    assert_eq!(kept::parse(&kept).as_ref(), Some(&attributes));
}

fn decoded(payload: &[u8]) -> Option<SessionData> {
    SessionData::decode(Zeroizing::new(payload.to_vec()))
}

fn no_name_comes_twice(attributes: &Attributes) {
    let mut seen = HashSet::new();
    assert!(attributes.iter().all(|(name, _)| seen.insert(name)));
}

/// Everything but the attributes, as text. `secret`: with the proxy-granting ticket.
fn facts(session: &SessionData, secret: bool) -> String {
    let ticket = session.granting_ticket.as_ref().filter(|_| secret);
    let ids = (session.id, session.family, session.number, session.seen_at);
    let times = (
        session.issued_at,
        session.expires_at,
        session.authentication_date,
        session.credentials_at,
    );
    let flags = (
        session.is_from_new_login,
        session.long_term_authentication_request_token_used,
        session.remembered,
        session.is_kept(),
    );
    let ticket = ticket.map(ProxyGrantingTicket::expose_secret);
    let names = (session.user(), &session.proxies, ticket);
    format!("{ids:?} {times:?} {flags:?} {names:?}")
}

const OURS: &str = "__Host-cas_session";

/// `Cookie` fields, one in each line. The `cookie` crate finds each cookie of ours that we find, and none once they were
/// removed. The others stay.
pub fn cookie_fields(data: &[u8]) {
    let fields = data.split(|byte| *byte == b'\n');
    let fields = fields.filter_map(|field| HeaderValue::from_bytes(field).ok());
    let mut headers: HeaderMap = fields.map(|field| (header::COOKIE, field)).collect();
    let (ours, theirs) = (found(&headers), values(&headers, OURS));
    let mut rest = theirs.iter();
    for value in &ours {
        assert!(
            !is_text(&headers) || rest.any(|it| it == value),
            "{ours:?} {theirs:?}"
        );
    }
    let foreign = foreign(&headers);
    remove_cookies(&mut headers, &[OURS.to_owned()]);
    assert_eq!(found(&headers), [""; 0]);
    assert_eq!(values(&headers, OURS), [""; 0]);
    for name in names(&headers) {
        let decoded = percent_decode(name.as_bytes()).decode_utf8_lossy();
        assert!(!decoded.eq_ignore_ascii_case(OURS), "{name:?}");
    }
    assert_eq!(self::foreign(&headers), foreign);
    let before = headers.clone();
    remove_cookies(&mut headers, &[OURS.to_owned()]);
    assert_eq!(headers, before);
}

/// The values of our cookies as we see them, without the white space that may surround them.
fn found(headers: &HeaderMap) -> Vec<String> {
    let found = RefCell::new(Vec::new());
    find_cookie(headers, OURS, |value| {
        assert!(value.len() <= MAX_COOKIE_BYTES);
        let value = String::from_utf8_lossy(value).trim().to_owned();
        found.borrow_mut().push(value);
        None::<()>
    });
    found.into_inner()
}

fn is_text(headers: &HeaderMap) -> bool {
    headers
        .values()
        .all(|field| str::from_utf8(field.as_bytes()).is_ok())
}

fn cookies(headers: &HeaderMap) -> Vec<Cookie<'_>> {
    let fields = headers.get_all(header::COOKIE).iter();
    fields
        .filter_map(|field| str::from_utf8(field.as_bytes()).ok())
        .flat_map(|field| Cookie::split_parse(field).filter_map(Result::ok))
        .collect()
}

fn values(headers: &HeaderMap, name: &str) -> Vec<String> {
    let cookies = cookies(headers);
    let named = cookies.iter().filter(|cookie| cookie.name() == name);
    named.map(|cookie| cookie.value().to_owned()).collect()
}

fn names(headers: &HeaderMap) -> Vec<String> {
    let cookies = cookies(headers);
    cookies.iter().map(|it| it.name().to_owned()).collect()
}

/// The pairs in which nobody can find our name, as they are.
fn foreign(headers: &HeaderMap) -> Vec<Vec<u8>> {
    let fields = headers.get_all(header::COOKIE).iter();
    let pairs = fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b';'));
    let is_foreign = |pair: &&[u8]| {
        let decoded: Vec<u8> = percent_decode(pair).collect();
        let letters = decoded.iter().filter(|byte| byte.is_ascii_alphanumeric());
        let letters: String = letters
            .map(|byte| char::from(byte.to_ascii_lowercase()))
            .collect();
        !letters.contains("hostcassession")
    };
    pairs
        .filter(is_foreign)
        .map(|pair| pair.trim_ascii().to_vec())
        .filter(|pair| !pair.is_empty())
        .collect()
}
