//! What the validation endpoints and `/proxy` answer: text, XML or JSON.

mod answer;
mod date;
mod dialect;
mod json;
mod saml;
mod tree;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

pub(super) use self::answer::{Addressee, Answer, Facts};
use super::{Quirk, pages, quirks::Quirks, random::NoRandomness};

#[derive(Clone, Copy)]
pub(super) enum Format<'a> {
    /// CAS 1 (2.4.2).
    Text,
    /// CAS 2 and 3 (2.5.2, appendix A).
    Xml,
    /// CAS 3 (2.5.1).
    Json,
    /// SAML 1.1 (4.2.5).
    Saml(Addressee<'a>),
}

/// Writes the answer down. `turn` says how many answers came before.
pub(super) fn respond(
    answer: &Answer,
    format: Format<'_>,
    turn: usize,
    quirks: &Quirks,
) -> Result<Response, NoRandomness> {
    let refused = matches!(answer, Answer::Failure { .. } | Answer::ProxyFailure { .. });
    if refused && quirks.has(Quirk::FailureAsHtml) {
        return pages::message(StatusCode::OK, "Error", "That could not be done.");
    }
    let format = match format {
        Format::Xml | Format::Json | Format::Saml(_)
            if refused && quirks.has(Quirk::FailureAsPlainNo) =>
        {
            Format::Text
        }
        format => format,
    };
    let body = match format {
        Format::Text => text(answer, quirks),
        Format::Xml => tree::write(&dialect::response(answer, turn, quirks), quirks),
        Format::Json => json::response(answer, quirks).to_string(),
        Format::Saml(addressee) => {
            tree::write_as_named(&saml::envelope(answer, addressee, turn, quirks)?, quirks)
        }
    };
    let mut response = Body::from(body).into_response();
    if refused && quirks.has(Quirk::FailureStatus400) {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    if refused && quirks.has(Quirk::FailureStatus500) {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(content_type) = content_type(format, quirks) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    Ok(response)
}

fn text(answer: &Answer, quirks: &Quirks) -> String {
    match answer {
        Answer::Success { user, .. } => format!("yes\n{user}\n"),
        _ if quirks.has(Quirk::BareNo) => "no".to_owned(),
        _ => "no\n\n".to_owned(),
    }
}

fn content_type(format: Format<'_>, quirks: &Quirks) -> Option<&'static str> {
    let content_type = match format {
        _ if quirks.has(Quirk::NoContentType) => return None,
        Format::Text => "text/plain;charset=utf-8",
        _ if quirks.has(Quirk::TextPlain) => "text/plain",
        Format::Json => "application/json;charset=utf-8",
        _ if quirks.has(Quirk::TextXmlWithoutCharset) => "text/xml",
        _ if quirks.has(Quirk::ApplicationXml) => "application/xml",
        _ if quirks.has(Quirk::SoapXml) => "application/soap+xml",
        Format::Xml | Format::Saml(_) => "text/xml;charset=utf-8",
    };
    Some(content_type)
}
