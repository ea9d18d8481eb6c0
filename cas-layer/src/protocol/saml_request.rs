//! The request of a SAML 1.1 validation (CAS protocol 4.2.2 to 4.2.4; SAML 1.1 core, 3.2).

use std::time::SystemTime;

use data_encoding::HEXLOWER;
use jiff::Timestamp;

use super::ServiceTicket;

/// A request for the assertion that a ticket stands for. Its body holds the ticket: never log it.
pub(crate) struct SamlRequest {
    id: String,
    body: String,
}

impl SamlRequest {
    pub(crate) const CONTENT_TYPE: &str = "text/xml; charset=utf-8";
    /// The value of the header `SOAPAction`, which SOAP 1.1 demands and some servers look at.
    pub(crate) const SOAP_ACTION: &str = "http://www.oasis-open.org/committees/security";

    /// `nonce` must be random: it names the request, and an answer to another one is not taken.
    ///
    /// Servers were seen to take the ticket out by its place or by a regular expression with the prefix `samlp`,
    /// so header, prefixes and the lack of white space are part of the form.
    pub(crate) fn new(nonce: [u8; 16], issued_at: SystemTime, ticket: &ServiceTicket) -> Self {
        // An XML id does not begin with a digit.
        let id = format!("_{}", HEXLOWER.encode(&nonce));
        // A clock beyond the calendar is wrong in any case; the check of the answer will say so.
        let issued_at = Timestamp::try_from(issued_at).unwrap_or(Timestamp::MAX);
        let body = format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Header/><SOAP-ENV:Body><samlp:Request xmlns:samlp="urn:oasis:names:tc:SAML:1.0:protocol" MajorVersion="1" MinorVersion="1" RequestID="{id}" IssueInstant="{}"><samlp:AssertionArtifact>{}</samlp:AssertionArtifact></samlp:Request></SOAP-ENV:Body></SOAP-ENV:Envelope>"#,
            issued_at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ"),
            escaped(ticket.expose_secret()),
        );
        Self { id, body }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn body(&self) -> &str {
        &self.body
    }
}

/// Text as the content of an element. No ticket has one of these; that is decided elsewhere.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{SamlRequest, escaped};
    use crate::protocol::ServiceTicket;

    const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
    const PROTOCOL: &str = "urn:oasis:names:tc:SAML:1.0:protocol";

    fn request(ticket: &str) -> SamlRequest {
        let issued_at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_447_320_610_050);
        let ticket = ServiceTicket::parse(ticket).unwrap();
        SamlRequest::new([0x0f; 16], issued_at, &ticket)
    }

    #[test]
    fn the_envelope_is_one_of_soap_1_1_with_the_ticket_in_its_place() {
        let request = request("AAE+/b==");
        let document = roxmltree::Document::parse(request.body()).unwrap();
        let envelope = document.root_element();
        assert!(envelope.has_tag_name((SOAP, "Envelope")));
        let children: Vec<_> = envelope.children().collect();
        assert_eq!(children.len(), 2);
        assert!(children[0].has_tag_name((SOAP, "Header")));
        assert!(children[1].has_tag_name((SOAP, "Body")));
        let question = children[1].first_child().unwrap();
        assert!(question.has_tag_name((PROTOCOL, "Request")));
        for (name, value) in [
            ("MajorVersion", "1"),
            ("MinorVersion", "1"),
            ("RequestID", "_0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"),
            ("IssueInstant", "2015-11-12T09:30:10.050Z"),
        ] {
            assert_eq!(question.attribute(name), Some(value), "{name}");
        }
        assert_eq!(question.attribute("RequestID"), Some(request.id()));
        let artifact = question.first_child().unwrap();
        assert!(artifact.has_tag_name((PROTOCOL, "AssertionArtifact")));
        assert_eq!(artifact.text(), Some("AAE+/b=="));
    }

    #[test]
    fn a_server_that_looks_for_the_ticket_with_a_regular_expression_finds_it() {
        let request = request("ST-1");
        let found = request
            .body()
            .split("AssertionArtifact>")
            .nth(1)
            .and_then(|rest| rest.strip_suffix("</samlp:"));
        assert_eq!(found, Some("ST-1"));
    }

    #[test]
    fn markup_in_a_ticket_would_stay_text() {
        assert_eq!(escaped("a<b>&amp;c"), "a&lt;b&gt;&amp;amp;c");
    }

    #[test]
    fn a_clock_that_is_out_of_range_still_makes_a_request() {
        let ticket = ServiceTicket::parse("ST-1").unwrap();
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert!(
            SamlRequest::new([0; 16], far, &ticket)
                .body()
                .contains("IssueInstant=\"9999-12-")
        );
    }
}
