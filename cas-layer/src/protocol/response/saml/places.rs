//! Elements and their places.

use roxmltree::Node;

use super::ResponseError;
use crate::protocol::document::namespace;

/// Namespace and local name of an element.
pub(super) type Name = (&'static str, &'static str);

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
