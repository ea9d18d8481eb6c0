//! Answers to a request for a proxy ticket (CAS protocol 2.7.2).

use roxmltree::Node;

use super::{
    Refusal, ResponseError, dialect,
    json::{self, Object},
    xml,
};
use crate::protocol::{
    ProxyTicket,
    document::{self, namespace, trim},
};

const NO_ANSWER: ResponseError =
    ResponseError::Unreadable("it is no answer to a request for a proxy ticket");

pub(super) fn parse_xml(
    document: &str,
    namespaces: &[String],
) -> Result<ProxyTicket, ResponseError> {
    let document = document::parse(document).map_err(ResponseError::Unreadable)?;
    let (answer, namespace) = xml::answer(&document, namespaces)?;
    match answer.tag_name().name() {
        "proxySuccess" => ticket(xml_ticket(&answer, namespace)?.as_deref()),
        "proxyFailure" | "authenticationFailure" => Err(xml::failure(&answer)),
        _ => Err(NO_ANSWER),
    }
}

pub(super) fn parse_json(body: &str) -> Result<ProxyTicket, ResponseError> {
    let (key, answer) = json::answer(body)?;
    match &*key {
        "proxySuccess" => {
            let answer: Object<'_> =
                json::read(answer, "its answer is no object, or a key comes twice")?;
            let text: Option<String> = json::read(
                answer.get("proxyTicket").unwrap_or("null"),
                "its proxy ticket is no string",
            )?;
            ticket(text.as_deref())
        }
        "proxyFailure" | "authenticationFailure" => Err(json::failure(answer)),
        _ => Err(NO_ANSWER),
    }
}

/// The text of the one `proxyTicket`, if there is one. Two, or one from another namespace, may have been injected
/// through a value that the server did not escape: refused.
fn xml_ticket(answer: &Node<'_, '_>, namespace: &str) -> Result<Option<String>, ResponseError> {
    let mut tickets = answer
        .children()
        .filter(|child| child.is_element() && child.tag_name().name() == "proxyTicket");
    let Some(ticket) = tickets.next() else {
        return Ok(None);
    };
    if tickets.next().is_some() {
        return Err(ResponseError::Unreadable("it has two proxy tickets"));
    }
    if self::namespace(&ticket) != namespace {
        return Err(ResponseError::Unreadable(
            "an element is in the wrong namespace",
        ));
    }
    if ticket.children().any(|child| child.is_element()) {
        return Err(ResponseError::Unreadable(
            "the proxy ticket has elements inside",
        ));
    }
    Ok(Some(dialect::text(&ticket)))
}

/// A success without a ticket is how some servers refuse.
fn ticket(text: Option<&str>) -> Result<ProxyTicket, ResponseError> {
    match text.map(trim) {
        None | Some("") => Err(ResponseError::Refused(Refusal::without_words())),
        Some(text) => ProxyTicket::parse(text)
            .map_err(|_| ResponseError::Unreadable("its proxy ticket can be no ticket")),
    }
}
