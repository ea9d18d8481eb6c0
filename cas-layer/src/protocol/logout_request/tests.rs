//! Messages and whom they sign out: what a real server sent, each channel, and what is meant to do harm.

mod captures;
mod form;
mod hostile;
mod mutations;
mod query;
mod xml;

use std::io::Write as _;

use flate2::{
    Compression,
    write::{DeflateEncoder, ZlibEncoder},
};

use super::{InvalidLogoutRequest, LogoutRequest, is_form};

const NAMESPACE: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const KIB: usize = 1024;

type Sessions = Result<Vec<String>, InvalidLogoutRequest>;

fn sessions(request: Result<LogoutRequest, InvalidLogoutRequest>) -> Sessions {
    request.map(|request| {
        let tickets = request.sessions().iter();
        tickets
            .map(|ticket| ticket.expose_secret().to_owned())
            .collect()
    })
}

/// What comes of an XML document in a form.
fn from_xml(document: impl AsRef<[u8]>) -> Sessions {
    sessions(LogoutRequest::from_form(&form(document)))
}

fn form(document: impl AsRef<[u8]>) -> Vec<u8> {
    format!("logoutRequest={}", encode(document)).into_bytes()
}

/// Percent-encoding, with `+` for spaces.
fn encode(value: impl AsRef<[u8]>) -> String {
    form_urlencoded::byte_serialize(value.as_ref()).collect()
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "what the others are compared with"
)]
fn named(tickets: &[&str]) -> Sessions {
    Ok(tickets.iter().map(|&ticket| ticket.to_owned()).collect())
}

fn unreadable(reason: &'static str) -> Sessions {
    Err(InvalidLogoutRequest::Unreadable(reason))
}

/// A `LogoutRequest` with the prefix that most servers use.
fn request(inner: &str) -> String {
    format!(r#"<samlp:LogoutRequest xmlns:samlp="{NAMESPACE}">{inner}</samlp:LogoutRequest>"#)
}

fn index(ticket: &str) -> String {
    format!("<samlp:SessionIndex>{ticket}</samlp:SessionIndex>")
}

/// The message of the protocol's appendix C.
fn usual() -> String {
    format!(
        r#"<samlp:LogoutRequest xmlns:samlp="{NAMESPACE}" ID="LR-1" Version="2.0" IssueInstant="2026-11-23T22:26:11Z">
  <saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">@NOT_USED@</saml:NameID>
  <samlp:SessionIndex>ST-1856339-aA5Yuvrxzpv8Tau1cYQ7</samlp:SessionIndex>
</samlp:LogoutRequest>"#
    )
}

const USUAL_TICKET: &str = "ST-1856339-aA5Yuvrxzpv8Tau1cYQ7";

fn deflate(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn numbered(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect()
}
