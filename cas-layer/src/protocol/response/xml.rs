//! CAS 2 and 3: `serviceResponse` (CAS protocol 2.5.2, appendix A).

use roxmltree::{Document, Node};
use zeroize::Zeroizing;

use super::{
    Refusal, ResponseError, dialect,
    parts::{Collector, proxy_name, user_name},
};
use crate::protocol::{
    Authentication,
    document::{self, namespace, trim},
};

const NAMESPACE: &str = "http://www.yale.edu/tp/cas";

pub(super) fn parse(
    document: &str,
    namespaces: &[String],
) -> Result<Authentication, ResponseError> {
    let document = document::parse(document).map_err(ResponseError::Unreadable)?;
    let (answer, namespace) = answer(&document, namespaces)?;
    match answer.tag_name().name() {
        "authenticationSuccess" => success(&answer, namespace),
        "authenticationFailure" | "proxyFailure" => Err(failure(&answer)),
        _ => Err(ResponseError::Unreadable("it is no answer to a validation")),
    }
}

/// The one answer in the document, and the namespace that everything that counts is in: that of CAS, none, or one of
/// `others`.
pub(super) fn answer<'a, 'i>(
    document: &'a Document<'i>,
    others: &[String],
) -> Result<(Node<'a, 'i>, &'a str), ResponseError> {
    let root = document.root_element();
    let namespace = namespace(&root);
    if root.tag_name().name() != "serviceResponse" {
        return Err(ResponseError::Unreadable(
            "it is XML, but no CAS `serviceResponse`",
        ));
    }
    let is_known = matches!(namespace, "" | NAMESPACE) || others.iter().any(|it| it == namespace);
    if !is_known {
        return Err(ResponseError::Unreadable(
            "its `serviceResponse` is in another namespace than that of CAS, and `response_namespace` does not name it",
        ));
    }
    let answer = only(root.children().filter(Node::is_element))
        .filter(|answer| self::namespace(answer) == namespace)
        .ok_or(ResponseError::Unreadable(
            "it does not have exactly one answer",
        ))?;
    Ok((answer, namespace))
}

/// The answer is a refusal because it is there, whatever is in it. Its code is an attribute as a rule; some servers
/// have an element for it, others nothing but the code.
pub(super) fn failure(answer: &Node<'_, '_>) -> ResponseError {
    let text = Zeroizing::new(dialect::text(answer));
    if let Some(code) = answer.attribute("code") {
        return ResponseError::Refused(Refusal::new(code, &text));
    }
    let is_code = |node: &Node<'_, '_>| node.is_element() && node.tag_name().name() == "code";
    let code = answer.children().find(is_code);
    ResponseError::Refused(
        match code.map(|code| Zeroizing::new(dialect::text(&code))) {
            Some(code) => Refusal::new(&code, &text),
            None => Refusal::in_text(&text),
        },
    )
}

/// The known children by name and the rest as attributes. A second element of a known name, or one from
/// another namespace, may have been injected through a value that the server did not escape: refused.
fn success(answer: &Node<'_, '_>, namespace: &str) -> Result<Authentication, ResponseError> {
    let (mut user, mut attributes, mut proxies, mut granting_ticket) = (None, None, None, None);
    let mut others = Vec::new();
    for child in answer.children().filter(Node::is_element) {
        let slot = match child.tag_name().name() {
            "user" => &mut user,
            "attributes" => &mut attributes,
            "proxies" => &mut proxies,
            "proxyGrantingTicket" => &mut granting_ticket,
            _ => {
                others.push(child);
                continue;
            }
        };
        if self::namespace(&child) != namespace {
            return Err(ResponseError::Unreadable(
                "an element is in the wrong namespace",
            ));
        }
        if slot.replace(child).is_some() {
            return Err(ResponseError::Unreadable(
                "an element that comes once comes twice",
            ));
        }
    }

    let user = user.ok_or(ResponseError::Unreadable("it has no user"))?;
    if user.children().any(|child| child.is_element()) {
        return Err(ResponseError::Unreadable(
            "the user name has elements inside",
        ));
    }
    let user = user_name(&dialect::text(&user))?;
    let mut collector = Collector::default();
    dialect::collect(attributes, &others, &mut collector)?;
    let proxies = proxies.map_or(Ok(Vec::new()), |proxies| chain(&proxies, namespace))?;
    let authentication = Authentication::new(user, collector.finish(), proxies);
    Ok(match granting_ticket {
        Some(iou) if !iou.children().any(|child| child.is_element()) => {
            authentication.with_proxy_granting_ticket_iou(trim(&dialect::text(&iou)))
        }
        _ => authentication,
    })
}

/// The proxies, most recent first (CAS protocol 2.6.2).
fn chain(proxies: &Node<'_, '_>, namespace: &str) -> Result<Vec<String>, ResponseError> {
    proxies
        .children()
        .filter(Node::is_element)
        .map(|proxy| {
            let text = dialect::text(&proxy);
            let is_proxy = proxy.tag_name().name() == "proxy"
                && self::namespace(&proxy) == namespace
                && !proxy.children().any(|child| child.is_element())
                && !trim(&text).is_empty();
            if !is_proxy {
                return Err(ResponseError::Unreadable(
                    "the list of proxies has something else in it",
                ));
            }
            proxy_name(&text)
        })
        .collect()
}

fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let item = items.next()?;
    items.next().is_none().then_some(item)
}
