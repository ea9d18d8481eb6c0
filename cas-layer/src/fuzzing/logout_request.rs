//! Logout requests on both channels.

use std::io::Write as _;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use flate2::{Compression, write::DeflateEncoder};
use form_urlencoded::byte_serialize;

use crate::protocol::{InvalidLogoutRequest, LogoutRequest, ServiceTicket};

/// A longer document would not fit into a form once it is encoded.
const MAX_DOCUMENT: usize = LogoutRequest::MAX_BYTES / 4;

type Read = Result<Vec<String>, InvalidLogoutRequest>;

/// The bytes as a form, as a query, and as the document in both. All ways to send a document lead to the same tickets.
pub fn logout_request(data: &[u8]) {
    as_they_are(data);
    if let Ok(document) = str::from_utf8(data)
        && document.len() <= MAX_DOCUMENT
    {
        as_a_document(document);
    }
}

fn as_they_are(data: &[u8]) {
    let form = read(LogoutRequest::from_form(data));
    assert_eq!(form, read(LogoutRequest::from_form(data)));
    let Ok(query) = str::from_utf8(data) else {
        return;
    };
    let query = read(LogoutRequest::from_query(query));
    if form.is_ok() && query != Err(InvalidLogoutRequest::Repeated) {
        assert_eq!(form, query, "the channels differ");
    }
}

fn as_a_document(document: &str) {
    let plain: String = byte_serialize(document.as_bytes()).collect();
    let plain = format!("logoutRequest={plain}");
    let by_form = read(LogoutRequest::from_form(plain.as_bytes()));
    let by_query = read(LogoutRequest::from_query(&plain));
    if by_form.is_ok() {
        assert_eq!(by_form, by_query, "the channels differ");
    }
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::fast());
    deflated.write_all(document.as_bytes()).unwrap();
    let encoded = BASE64_STANDARD.encode(deflated.finish().unwrap());
    let encoded: String = byte_serialize(encoded.as_bytes()).collect();
    let by_saml = read(LogoutRequest::from_query(&format!("SAMLRequest={encoded}")));
    // A document of which much repeats itself inflates to more than its bound.
    if by_saml.is_ok() {
        assert_eq!(by_form, by_saml, "the encodings differ");
    }
}

fn read(request: Result<LogoutRequest, InvalidLogoutRequest>) -> Read {
    let sessions = request?.sessions().to_vec();
    assert!(sessions.len() <= LogoutRequest::MAX_SESSIONS);
    let text = |ticket: &ServiceTicket| ticket.expose_secret().to_owned();
    let sessions: Vec<String> = sessions.iter().map(text).collect();
    assert!(sessions.iter().all(|it| ServiceTicket::parse(it).is_ok()));
    Ok(sessions)
}
