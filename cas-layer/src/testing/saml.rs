//! `/samlValidate` (CAS protocol 4.2).

use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use roxmltree::{Document, Node};

use super::answers::{self, Addressee, Format};
use super::connection::CutOff;
use super::params::Params;
use super::random::NoRandomness;
use super::state::Shared;
use super::validate::{self, Endpoint, Question};

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:1.0:protocol";

pub(super) async fn validate(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut_off): ConnectInfo<CutOff>,
    params: Params,
    headers: HeaderMap,
    body: String,
) -> Result<Response, NoRandomness> {
    let before = shared.count_validation();
    if let Some(fault) = shared.fault()
        && let Some(response) = fault.respond(shared.stopping(), &cut_off).await
    {
        return Ok(response);
    }
    if !is_xml(&headers) {
        return Ok(StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response());
    }
    // SOAP 1.1, 6.1.1: a request has it, whatever it says.
    if !headers.contains_key("soapaction") {
        return Ok((StatusCode::BAD_REQUEST, "no SOAPAction").into_response());
    }
    let Some(request) = Request::read(&body) else {
        return Ok((StatusCode::BAD_REQUEST, "no SAML request").into_response());
    };
    let quirks = shared.quirks();
    let service = params.get("TARGET");
    let question = Question {
        ticket: Some(request.artifact.as_str()).filter(|artifact| !artifact.is_empty()),
        service,
        renew: false,
    };
    let answer = validate::answer(Endpoint::Saml, &shared, &question, &quirks);
    let addressee = Addressee {
        request_id: &request.id,
        service: service.unwrap_or_default(),
    };
    answers::respond(&answer, Format::Saml(addressee), before, &quirks)
}

fn is_xml(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("text/xml"))
}

/// A request for the assertion that an artifact stands for (SAML 1.1 core, 3.2).
struct Request {
    id: String,
    artifact: String,
}

impl Request {
    fn read(body: &str) -> Option<Self> {
        let document = Document::parse(body).ok()?;
        let envelope = document.root_element();
        if !envelope.has_tag_name((SOAP, "Envelope")) {
            return None;
        }
        let request = child(&child(&envelope, (SOAP, "Body"))?, (PROTOCOL, "Request"))?;
        let is_1_1 =
            ["MajorVersion", "MinorVersion"].map(|name| request.attribute(name)) == [Some("1"); 2];
        let is_dated = request
            .attribute("IssueInstant")
            .is_some_and(|instant| instant.parse::<Timestamp>().is_ok());
        let id = request.attribute("RequestID").filter(|id| !id.is_empty());
        if !is_1_1 || !is_dated {
            return None;
        }
        let artifact = child(&request, (PROTOCOL, "AssertionArtifact"))?;
        Some(Self {
            id: id?.to_owned(),
            artifact: artifact.text().unwrap_or_default().trim().to_owned(),
        })
    }
}

/// The first child of that name.
fn child<'a, 'i>(parent: &Node<'a, 'i>, name: (&str, &str)) -> Option<Node<'a, 'i>> {
    parent.children().find(|child| child.has_tag_name(name))
}
