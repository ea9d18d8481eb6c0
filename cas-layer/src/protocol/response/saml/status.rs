//! Success or not (SAML 1.1 core, 3.4.3).

use roxmltree::Node;

use super::places::{PROTOCOL, at_most_one, one, sort};
use crate::protocol::{
    document::{attribute, trim},
    response::{Refusal, ResponseError, dialect},
};

const NOT_ONE_CODE: &str = "it does not have exactly one `StatusCode`";

/// `Ok` for a success alone. A failure is a refusal, whatever else the answer has.
pub(super) fn check(status: &Node<'_, '_>) -> Result<(), ResponseError> {
    let [codes, messages, _] = sort(
        status,
        [
            (PROTOCOL, "StatusCode"),
            (PROTOCOL, "StatusMessage"),
            (PROTOCOL, "StatusDetail"),
        ],
    )?;
    let outer = one(codes, NOT_ONE_CODE)?;
    // A code may have a more precise one inside, and so on; the depth of the document is bounded.
    let mut innermost = outer;
    while let Some(inner) = inner(&innermost)? {
        innermost = inner;
    }
    let code = Code::of(&innermost)?;
    if code.name == "Success" {
        // The outer code decides, and a success has nothing to make more precise.
        if innermost == outer && code.namespace == Some(PROTOCOL) {
            return Ok(());
        }
        return Err(ResponseError::Unreadable("its status means nothing"));
    }
    let words = messages
        .first()
        .map(dialect::text)
        .filter(|words| !words.is_empty())
        // Where some servers say why.
        .unwrap_or_else(|| dialect::text(&outer));
    Err(ResponseError::Refused(Refusal::new(code.name, &words)))
}

fn inner<'a, 'i>(code: &Node<'a, 'i>) -> Result<Option<Node<'a, 'i>>, ResponseError> {
    let [codes] = sort(code, [(PROTOCOL, "StatusCode")])?;
    at_most_one(codes, NOT_ONE_CODE)
}

/// The value of a `StatusCode`: a qualified name, such as `samlp:Success`.
struct Code<'a> {
    namespace: Option<&'a str>,
    name: &'a str,
}

impl<'a> Code<'a> {
    /// A name without a prefix is in the default namespace, as XML Schema has it.
    fn of(node: &Node<'a, '_>) -> Result<Self, ResponseError> {
        let value = trim(attribute(node, "Value").unwrap_or_default());
        let (prefix, name) = match value.split_once(':') {
            Some((prefix, name)) => (Some(prefix), name),
            None => (None, value),
        };
        if name.is_empty() || name.contains(':') {
            return Err(ResponseError::Unreadable("its status is no name"));
        }
        Ok(Self {
            namespace: node.lookup_namespace_uri(prefix),
            name,
        })
    }
}
