//! Answers of a CAS server to a validation or a request for a proxy ticket, as the body of an HTTP answer (CAS
//! protocol 2.4.2, 2.5.2, 2.7.2, 4.2.5, appendix A).
//!
//! The content decides the format, not the request: some servers answer XML when JSON was asked for, and plain `no`
//! where they should answer XML. An answer that is not clearly a success is a failure.

mod dialect;
mod json;
mod outcome;
mod parts;
mod proxy;
mod refusal;
mod saml;
mod text;
mod xml;

#[cfg(test)]
mod tests;

pub(crate) use outcome::{ResponseError, Unmet};
pub(crate) use refusal::Refusal;
pub(crate) use saml::SamlExpectation;

use super::{Authentication, ProxyTicket, document::is_space};

/// Reads an answer of CAS 1.
pub(crate) fn parse_text_response(body: &[u8]) -> Result<Authentication, ResponseError> {
    text::parse(text_of(body)?)
}

/// Reads an answer of CAS 2 or 3, in XML or JSON.
pub(crate) fn parse_service_response(body: &[u8]) -> Result<Authentication, ResponseError> {
    by_content(body, xml::parse, json::parse)
}

/// Reads an answer to a request for a proxy ticket, in XML or JSON.
pub(crate) fn parse_proxy_response(body: &[u8]) -> Result<ProxyTicket, ResponseError> {
    by_content(body, proxy::parse_xml, proxy::parse_json)
}

fn by_content<T>(
    body: &[u8],
    xml: fn(&str) -> Result<T, ResponseError>,
    json: fn(&str) -> Result<T, ResponseError>,
) -> Result<T, ResponseError> {
    let body = text_of(body)?;
    let content = body.trim_start_matches(is_space);
    match content.bytes().next() {
        Some(b'<') => xml(content),
        Some(b'{') => json(content),
        _ if text::is_refusal(body) => Err(ResponseError::Refused(Refusal::without_words())),
        _ => Err(ResponseError::Unreadable("it is neither XML nor JSON")),
    }
}

/// Reads an answer of SAML 1.1.
pub(crate) fn parse_saml_response(
    body: &[u8],
    expected: &SamlExpectation<'_>,
) -> Result<Authentication, ResponseError> {
    let body = text_of(body)?;
    let content = body.trim_start_matches(is_space);
    match content.bytes().next() {
        Some(b'<') => saml::parse(content, expected),
        _ if text::is_refusal(body) => Err(ResponseError::Refused(Refusal::without_words())),
        _ => Err(ResponseError::Unreadable("it is not XML")),
    }
}

/// The body without a byte order mark.
fn text_of(body: &[u8]) -> Result<&str, ResponseError> {
    let text = str::from_utf8(body).map_err(|_| ResponseError::Unreadable("it is not UTF-8"))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}
