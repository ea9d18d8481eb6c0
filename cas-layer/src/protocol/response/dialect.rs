//! The ways in which servers write attributes in XML. The specification (CAS protocol 2.5.7, appendix A) has
//! only the first; the others come from older servers.

use roxmltree::Node;
use zeroize::Zeroizing;

use super::{ResponseError, parts::Collector};
use crate::protocol::document::trim;

/// Takes the first dialect that is present, in this order. Servers write the same attributes in two dialects
/// at once, so taking all would double every value.
///
/// 1. nested: `<attributes><mail>…</mail></attributes>`, in it a `<userAttributes>` as well
/// 2. `<userAttributes>` in place of `<attributes>`
/// 3. a wrapper of any other name, such as `<norEduPerson>`
/// 4. name and value: `<attribute name="mail" value="…"/>` directly in the answer
/// 5. flat: `<mail>…</mail>` directly in the answer
pub(super) fn collect(
    attributes: Option<Node<'_, '_>>,
    others: &[Node<'_, '_>],
    collector: &mut Collector,
) -> Result<(), ResponseError> {
    let nested = attributes.into_iter().filter(has_elements).collect();
    let user_attributes = others
        .iter()
        .copied()
        .filter(|node| is_user_attributes(node) && has_elements(node))
        .collect();
    let wrappers = others
        .iter()
        .copied()
        .filter(|node| named(node).is_none() && has_elements(node))
        .collect();
    let containers: [Vec<Node<'_, '_>>; 3] = [nested, user_attributes, wrappers];
    if let Some(containers) = containers.iter().find(|containers| !containers.is_empty()) {
        let mut entries = containers
            .iter()
            .flat_map(Node::children)
            .filter(Node::is_element)
            .flat_map(unfolded);
        return entries.try_for_each(|node| entry(&node, collector));
    }

    let with_names = others.iter().any(|node| named(node).is_some());
    others
        .iter()
        .filter(|node| named(node).is_some() == with_names && !is_user_attributes(node))
        .try_for_each(|node| entry(node, collector))
}

/// The children of a `userAttributes` inside of `attributes`, and any other element as it is.
fn unfolded<'a, 'i>(node: Node<'a, 'i>) -> Vec<Node<'a, 'i>> {
    if is_user_attributes(&node) && has_elements(&node) {
        node.children().filter(Node::is_element).collect()
    } else {
        vec![node]
    }
}

/// One attribute: an `attribute` element that says its name, or an element whose own name it is.
fn entry(node: &Node<'_, '_>, collector: &mut Collector) -> Result<(), ResponseError> {
    let Some(name) = named(node) else {
        return collector.add(node.tag_name().name(), [text(node).as_str()]);
    };
    if let Some(value) = node.attribute("value") {
        return collector.add(&name, [value]);
    }
    let values: Vec<String> = node
        .children()
        .filter(|child| is_called(child, "value"))
        .map(|value| text(&value))
        .collect();
    if !values.is_empty() {
        return collector.add(&name, values.iter().map(String::as_str));
    }
    // `<attribute><name>n</name></attribute>` has no value, and its text is the name.
    let text = if node.has_attribute("name") {
        text(node)
    } else {
        String::new()
    };
    collector.add(&name, [text.as_str()])
}

/// The name that an `attribute` element gives in `name="…"` or `<name>…</name>`.
fn named(node: &Node<'_, '_>) -> Option<String> {
    if !is_called(node, "attribute") {
        return None;
    }
    node.attribute("name").map(str::to_owned).or_else(|| {
        node.children()
            .find(|child| is_called(child, "name"))
            .map(|name| text(&name))
    })
}

fn is_user_attributes(node: &Node<'_, '_>) -> bool {
    is_called(node, "userAttributes")
}

fn has_elements(node: &Node<'_, '_>) -> bool {
    node.children().any(|child| child.is_element())
}

/// By local name: attributes may have any prefix.
fn is_called(node: &Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

/// The text of an element. Comments and CDATA do not split it. Texts of different elements inside are put side
/// by side with a space, so that two values never become a third.
pub(super) fn text(node: &Node<'_, '_>) -> String {
    // As long as it can become, so that growing leaves no copies behind: a failure may quote a live ticket.
    let texts = node.descendants().filter(Node::is_text);
    let longest = texts
        .map(|inner| inner.text().unwrap_or_default().len() + 1)
        .sum();
    let mut text = String::with_capacity(longest);
    let mut piece = Zeroizing::new(String::with_capacity(longest));
    let mut last_parent = None;
    // Document order, without recursion.
    for inner in node.descendants() {
        if inner.is_text() {
            let parent = inner.parent();
            if parent != last_parent {
                append_piece(&mut text, &mut piece);
                last_parent = parent;
            }
            piece.push_str(inner.text().unwrap_or_default());
        } else if inner.is_element() {
            append_piece(&mut text, &mut piece);
        }
    }
    append_piece(&mut text, &mut piece);
    text
}

fn append_piece(text: &mut String, piece: &mut String) {
    let trimmed = trim(piece);
    if !trimmed.is_empty() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(trimmed);
    }
    piece.clear();
}
