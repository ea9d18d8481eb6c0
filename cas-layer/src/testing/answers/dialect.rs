//! Answers as XML elements, with attributes in each of the dialects.

use std::collections::VecDeque;

use super::tree::Element;
use super::{
    answer::{Answer, Facts},
    date,
};
use crate::testing::{Quirk, quirks::Quirks};

/// The document. `turn` decides the order of shuffled attributes.
pub(super) fn response(answer: &Answer, turn: usize, quirks: &Quirks) -> Element {
    let answer = match answer {
        Answer::Failure { code, text } => {
            Element::text("authenticationFailure", text).field("code", code)
        }
        Answer::Success {
            user,
            facts,
            granted,
            proxies,
        } => {
            let mut success =
                Element::new("authenticationSuccess").child(Element::text("user", user));
            if let Some(facts) = facts {
                success = success.children(attributes(facts, turn, quirks));
            }
            // In the order of the schema (appendix A).
            if let Some(iou) = granted {
                success = success.child(Element::text("proxyGrantingTicket", iou));
            }
            if !proxies.is_empty() {
                let proxies = proxies.iter().map(|proxy| Element::text("proxy", proxy));
                success = success.child(Element::new("proxies").children(proxies.collect()));
            }
            success
        }
        Answer::ProxySuccess { ticket } => {
            let ticket = ticket
                .iter()
                .map(|ticket| Element::text("proxyTicket", ticket));
            Element::new("proxySuccess").children(ticket.collect())
        }
        Answer::ProxyFailure { code, text } => {
            Element::text("proxyFailure", text).field("code", code)
        }
    };
    Element::new("serviceResponse").child(answer)
}

/// The children of `authenticationSuccess` that carry attributes.
fn attributes(facts: &Facts, turn: usize, quirks: &Quirks) -> Vec<Element> {
    let pairs = pairs(facts, turn, quirks);
    let all = |write: fn(&(String, String)) -> Element| pairs.iter().map(write).collect();
    let mut nested: Vec<Element> = all(named);
    if quirks.has(Quirk::AttraStyleMarker) {
        nested.insert(0, Element::text("attraStyle", "Jasig"));
    }
    if quirks.has(Quirk::FlatAttributes) {
        return nested;
    }
    if quirks.has(Quirk::NameValueAttributes) {
        return all(name_value);
    }
    if quirks.has(Quirk::NameTextAttributes) {
        return all(name_text);
    }
    if quirks.has(Quirk::NameValueElements) {
        return all(name_value_elements);
    }
    if quirks.has(Quirk::UserAttributes) {
        return vec![Element::new("userAttributes").children(nested)];
    }
    if quirks.has(Quirk::WrappedAttributes) {
        return vec![Element::new("norEduPerson").children(nested)];
    }
    if quirks.has(Quirk::NestedUserAttributes) {
        let (facts, rest): (Vec<_>, Vec<_>) = pairs
            .iter()
            .partition(|(name, _)| FACTS.contains(&name.as_str()));
        let rest = rest.into_iter().map(name_text).collect();
        return vec![
            Element::new("attributes")
                .children(facts.into_iter().map(named).collect())
                .child(Element::new("userAttributes").children(rest)),
        ];
    }
    let mut elements = vec![Element::new("attributes").children(nested)];
    if quirks.has(Quirk::BothDialects) {
        elements.extend(pairs.iter().map(name_value));
    }
    elements
}

fn named((name, value): &(String, String)) -> Element {
    Element::text(&element_name(name), value)
}

fn name_value((name, value): &(String, String)) -> Element {
    Element::new("attribute")
        .field("name", name)
        .field("value", value)
}

fn name_text((name, value): &(String, String)) -> Element {
    Element::text("attribute", value).field("name", name)
}

fn name_value_elements((name, value): &(String, String)) -> Element {
    Element::new("attribute")
        .child(Element::text("name", name))
        .child(Element::text("value", value))
}

/// What an answer says about the login itself (2.5.7).
const FACTS: [&str; 3] = [
    "authenticationDate",
    "longTermAuthenticationRequestTokenUsed",
    "isFromNewLogin",
];

/// Every value with its name, in the order in which they are sent.
pub(super) fn pairs(facts: &Facts, turn: usize, quirks: &Quirks) -> Vec<(String, String)> {
    let about_login = [
        date::write(facts.authenticated, quirks),
        truth(facts.is_remembered, quirks),
        truth(facts.from_new_login, quirks),
    ];
    let mut lists: Vec<(String, Vec<String>)> = FACTS
        .iter()
        .zip(about_login)
        .filter(|_| !quirks.has(Quirk::OmitLoginFacts))
        .filter(|(fact, _)| facts.attributes.iter().all(|(name, _)| name != *fact))
        .map(|(name, value)| ((*name).to_owned(), vec![value]))
        .collect();
    lists.extend(facts.attributes.iter().cloned());
    if quirks.has(Quirk::OmitEmptyAttributes) {
        for (_, values) in &mut lists {
            values.retain(|value| !value.is_empty());
        }
    }
    if quirks.has(Quirk::ShuffledAttributes) {
        let start = turn % lists.len().max(1);
        lists.rotate_left(start);
        return interleaved(lists);
    }
    lists
        .into_iter()
        .flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)))
        .collect()
}

/// One value of each name in turn, so that the values of one name keep their order only.
fn interleaved(lists: Vec<(String, Vec<String>)>) -> Vec<(String, String)> {
    let mut waiting: VecDeque<(String, VecDeque<String>)> = lists
        .into_iter()
        .map(|(name, values)| (name, values.into()))
        .collect();
    let mut pairs = Vec::new();
    while let Some((name, mut values)) = waiting.pop_front() {
        if let Some(value) = values.pop_front() {
            pairs.push((name.clone(), value));
            waiting.push_back((name, values));
        }
    }
    pairs
}

fn truth(value: bool, quirks: &Quirks) -> String {
    let text = match (value, quirks.has(Quirk::CapitalisedBooleans)) {
        (true, false) => "true",
        (true, true) => "True",
        (false, false) => "false",
        (false, true) => "False",
    };
    text.to_owned()
}

/// The name of an attribute as the local name of an element.
fn element_name(name: &str) -> String {
    let mut safe: String = name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || matches!(c, '-' | '.' | '_') {
                c
            } else {
                '_'
            }
        })
        .collect();
    if !safe.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        safe.insert(0, '_');
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::element_name;

    #[test]
    fn an_attribute_name_that_is_no_element_name_is_made_one() {
        assert_eq!(element_name("displayName"), "displayName");
        assert_eq!(element_name("urn:oid:1.2"), "urn_oid_1.2");
        assert_eq!(element_name("2nd mail"), "_2nd_mail");
        assert_eq!(element_name(""), "_");
    }
}
