//! The ways in which servers write attributes in XML. The specification (CAS protocol 2.5.7, appendix A) has
//! only the first; the others come from older servers.

use std::collections::HashSet;

use roxmltree::Node;
use zeroize::Zeroizing;

use super::{
    ResponseError,
    parts::{Collector, DIALECT_MARKER},
};
use crate::protocol::document::trim;

/// Takes the first dialect that is present, in this order. Servers write the same attributes in two dialects
/// at once, so taking all would double every value.
///
/// 1. nested: `<attributes><mail>…</mail></attributes>`, in it a `<userAttributes>` as well
/// 2. `<userAttributes>` in place of `<attributes>`
/// 3. a wrapper of any other name, such as `<norEduPerson>`, if nothing stands beside it that is not in it
/// 4. name and value: `<attribute name="mail" value="…"/>` directly in the answer
/// 5. flat: `<mail>…</mail>` directly in the answer
///
/// In every dialect, an attribute with elements inside is the list of its [leaves].
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
    let wrappers = wrappers(others);
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

/// The elements that only hold attributes. Where one of a list stands beside a flat attribute, it is an attribute
/// too: `<mail>…</mail><groups><group>…</group></groups>`. A flat attribute that is in the wrapper as well is the
/// same in another dialect.
fn wrappers<'a, 'i>(others: &[Node<'a, 'i>]) -> Vec<Node<'a, 'i>> {
    let is_wrapper = |node: &Node<'_, '_>| named(node).is_none() && has_elements(node);
    let wrappers: Vec<_> = others.iter().copied().filter(is_wrapper).collect();
    let inside: HashSet<String> = wrappers
        .iter()
        .flat_map(Node::children)
        .filter(Node::is_element)
        .map(|node| name(&node))
        .collect();
    let is_known = |node: &Node<'_, '_>| {
        is_wrapper(node)
            || is_user_attributes(node)
            || is_marker(node)
            || inside.contains(&name(node))
    };
    if others.iter().all(is_known) {
        wrappers
    } else {
        Vec::new()
    }
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
    let values = match named(node) {
        None => leaves(node),
        Some(_) => match node.attribute("value") {
            Some(value) => vec![value.to_owned()],
            None => named_values(node),
        },
    };
    collector.add(&name(node), values.iter().map(String::as_str))
}

/// The values of an `attribute` element that says its name.
fn named_values(node: &Node<'_, '_>) -> Vec<String> {
    if node.children().any(|child| is_called(&child, "value")) {
        let values = node.children().filter(|child| is_called(child, "value"));
        return values.flat_map(|value| leaves(&value)).collect();
    }
    if node.has_attribute("name") {
        return leaves(node);
    }
    // `<attribute><name>n</name></attribute>` has no value, and its text is the name.
    vec![String::new()]
}

fn name(node: &Node<'_, '_>) -> String {
    named(node).unwrap_or_else(|| node.tag_name().name().to_owned())
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

fn is_marker(node: &Node<'_, '_>) -> bool {
    trim(&name(node)) == DIALECT_MARKER
}

fn has_elements(node: &Node<'_, '_>) -> bool {
    node.children().any(|child| child.is_element())
}

/// By local name: attributes may have any prefix.
fn is_called(node: &Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

/// What is in an element: the texts of the elements in it that have none inside, in the order of the document, and any
/// text between them. An element without others inside is a list of one, its own text.
pub(super) fn leaves(node: &Node<'_, '_>) -> Vec<String> {
    // Of every element once, so that texts need not look through their siblings.
    let parents: HashSet<_> = node
        .descendants()
        .skip(1)
        .filter(Node::is_element)
        .filter_map(|element| element.parent().map(|parent| parent.id()))
        .collect();
    if parents.is_empty() {
        return vec![text(node)];
    }
    let mut leaves = Vec::new();
    let mut piece = String::new();
    let mut last_parent = None;
    // Document order, without recursion.
    for inner in node.descendants() {
        let parent = inner.parent();
        if inner.is_element() {
            end_piece(&mut leaves, &mut piece);
            if !parents.contains(&inner.id()) {
                leaves.push(text(&inner));
            }
        } else if inner.is_text() && parent.is_some_and(|parent| parents.contains(&parent.id())) {
            if parent != last_parent {
                end_piece(&mut leaves, &mut piece);
                last_parent = parent;
            }
            piece.push_str(inner.text().unwrap_or_default());
        }
    }
    end_piece(&mut leaves, &mut piece);
    leaves
}

fn end_piece(leaves: &mut Vec<String>, piece: &mut String) {
    let trimmed = trim(piece);
    if !trimmed.is_empty() {
        leaves.push(trimmed.to_owned());
    }
    piece.clear();
}

/// The text of an element. Comments and CDATA do not split it. Texts of different elements inside are put side
/// by side with a space, so that two values never become a third.
pub(super) fn text(node: &Node<'_, '_>) -> String {
    // It is never longer than its source, so growing leaves no copies behind: a failure may quote a live ticket.
    let longest = node.range().len();
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
