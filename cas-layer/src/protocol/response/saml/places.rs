//! Elements, their names and their places.

use roxmltree::Node;

use crate::protocol::{
    document::{attribute, namespace, trim},
    response::ResponseError,
};

/// Namespace and local name of an element.
type Name = (&'static str, &'static str);

pub(super) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:1.0:protocol";
pub(super) const ASSERTION: &str = "urn:oasis:names:tc:SAML:1.0:assertion";
pub(super) const SIGNATURE: Name = ("http://www.w3.org/2000/09/xmldsig#", "Signature");

/// The children of an element by name, in the order of `names`. A child of any other name has no business
/// there.
pub(super) fn sort<'a, 'i, const N: usize>(
    parent: &Node<'a, 'i>,
    names: [Name; N],
) -> Result<[Vec<Node<'a, 'i>>; N], ResponseError> {
    let mut sorted = [const { Vec::new() }; N];
    for child in parent.children().filter(Node::is_element) {
        let name = (namespace(&child), child.tag_name().name());
        let place = names
            .iter()
            .zip(&mut sorted)
            .find(|(known, _)| **known == name);
        let Some((_, place)) = place else {
            return Err(ResponseError::Unreadable(
                "an element stands where it does not belong",
            ));
        };
        place.push(child);
    }
    Ok(sorted)
}

/// The only one, or the reason why the answer is unreadable.
pub(super) fn one<'a, 'i>(
    nodes: Vec<Node<'a, 'i>>,
    reason: &'static str,
) -> Result<Node<'a, 'i>, ResponseError> {
    at_most_one(nodes, reason)?.ok_or(ResponseError::Unreadable(reason))
}

pub(super) fn at_most_one<'a, 'i>(
    nodes: Vec<Node<'a, 'i>>,
    reason: &'static str,
) -> Result<Option<Node<'a, 'i>>, ResponseError> {
    if nodes.len() > 1 {
        return Err(ResponseError::Unreadable(reason));
    }
    Ok(nodes.into_iter().next())
}

/// SAML 1.0 and 1.1 have the same namespaces and, as far as they are read here, the same content.
pub(super) fn check_version(node: &Node<'_, '_>) -> Result<(), ResponseError> {
    let version = |name| attribute(node, name).map(trim);
    if version("MajorVersion") == Some("1") && matches!(version("MinorVersion"), Some("0" | "1")) {
        return Ok(());
    }
    Err(ResponseError::Unreadable(
        "it is of another version of SAML",
    ))
}
