//! Answers of a CAS server to a validation or a request for a proxy ticket, as the body of an HTTP answer (CAS
//! protocol 2.4.2, 2.5.2, 2.7.2, 4.2.5, appendix A).
//!
//! The content decides the format, not the request: some servers answer XML when JSON was asked for, and plain `no`
//! where they should answer XML. An answer that is not clearly a success is a failure.

mod dialect;
mod encoding;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
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

#[cfg(feature = "jwt")]
pub(super) use json::{Flattened as ClaimedAttributes, Object};
pub(crate) use outcome::{ResponseError, Unmet};
#[cfg(feature = "jwt")]
pub(super) use parts::user_name;
pub(crate) use refusal::Refusal;
pub(crate) use saml::SamlExpectation;

use self::encoding::Text;
use super::{Authentication, ProxyTicket, document::is_space};

/// An answer as it came.
pub(crate) struct Received<'a> {
    pub(crate) body: &'a [u8],
    /// The header `Content-Type`. Only its `charset` counts: servers call XML anything.
    pub(crate) content_type: Option<&'a str>,
    /// The namespaces in which a CAS 2 or 3 answer may be, besides the one of CAS and none at all.
    pub(crate) namespaces: &'a [String],
}

#[cfg(test)]
impl<'a> From<&'a [u8]> for Received<'a> {
    fn from(body: &'a [u8]) -> Self {
        Self {
            body,
            content_type: None,
            namespaces: &[],
        }
    }
}

/// Reads an answer of CAS 1.
pub(crate) fn parse_text_response<'a>(
    answer: impl Into<Received<'a>>,
) -> Result<Authentication, ResponseError> {
    text::parse(&text_of(&answer.into())?)
}

/// Reads an answer of CAS 2 or 3, in XML or JSON.
pub(crate) fn parse_service_response<'a>(
    answer: impl Into<Received<'a>>,
) -> Result<Authentication, ResponseError> {
    by_content(&answer.into(), xml::parse, json::parse)
}

/// Reads an answer to a request for a proxy ticket, in XML or JSON.
pub(crate) fn parse_proxy_response<'a>(
    answer: impl Into<Received<'a>>,
) -> Result<ProxyTicket, ResponseError> {
    by_content(&answer.into(), proxy::parse_xml, proxy::parse_json)
}

fn by_content<T>(
    answer: &Received<'_>,
    xml: fn(&str, &[String]) -> Result<T, ResponseError>,
    json: fn(&str) -> Result<T, ResponseError>,
) -> Result<T, ResponseError> {
    let body = text_of(answer)?;
    let content = body.trim_start_matches(is_space);
    match content.bytes().next() {
        Some(b'<') => xml(content, answer.namespaces),
        Some(b'{') => json(content),
        _ if text::is_refusal(&body) => Err(ResponseError::Refused(Refusal::without_words())),
        _ => Err(ResponseError::Unreadable("it is neither XML nor JSON")),
    }
}

/// Reads an answer of SAML 1.1.
pub(crate) fn parse_saml_response<'a>(
    answer: impl Into<Received<'a>>,
    expected: &SamlExpectation<'_>,
) -> Result<Authentication, ResponseError> {
    let body = text_of(&answer.into())?;
    let content = body.trim_start_matches(is_space);
    match content.bytes().next() {
        Some(b'<') => saml::parse(content, expected),
        _ if text::is_refusal(&body) => Err(ResponseError::Refused(Refusal::without_words())),
        _ => Err(ResponseError::Unreadable("it is not XML")),
    }
}

/// The body without a byte order mark.
fn text_of<'a>(answer: &Received<'a>) -> Result<Text<'a>, ResponseError> {
    encoding::decode(answer.body, answer.content_type).map_err(ResponseError::Unreadable)
}
