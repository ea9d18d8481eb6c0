//! Answers as JSON.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Facts},
    date,
};
use crate::testing::{Quirk, quirks::Quirks};

pub(super) fn response(answer: &Answer, quirks: &Quirks) -> Value {
    let answer = match answer {
        Answer::Failure { code, text } => {
            json!({ "authenticationFailure": { "code": code, "description": text } })
        }
        Answer::Success {
            user,
            facts,
            granted,
            proxies,
        } => {
            let mut success = Map::new();
            success.insert("user".to_owned(), json!(user));
            if let Some(facts) = facts {
                let attributes = Value::Object(attributes(facts, quirks));
                success.insert("attributes".to_owned(), attributes);
            }
            if let Some(iou) = granted {
                success.insert("proxyGrantingTicket".to_owned(), json!(iou));
            }
            if !proxies.is_empty() {
                success.insert("proxies".to_owned(), json!(proxies));
            }
            json!({ "authenticationSuccess": success })
        }
        Answer::ProxySuccess {
            ticket: Some(ticket),
        } => json!({ "proxySuccess": { "proxyTicket": ticket } }),
        Answer::ProxySuccess { ticket: None } => json!({ "proxySuccess": {} }),
        Answer::ProxyFailure { code, text } => {
            json!({ "proxyFailure": { "code": code, "description": text } })
        }
    };
    json!({ "serviceResponse": answer })
}

fn attributes(facts: &Facts, quirks: &Quirks) -> Map<String, Value> {
    let mut map = Map::new();
    let mut add = |name: &str, value: Value| {
        let value = match value {
            Value::Array(_) => value,
            single if quirks.has(Quirk::JsonLists) => Value::Array(vec![single]),
            single => single,
        };
        map.insert(name.to_owned(), value);
    };
    if !quirks.has(Quirk::OmitLoginFacts) {
        add(
            "authenticationDate",
            authenticated(facts.authenticated, quirks),
        );
        add(
            "longTermAuthenticationRequestTokenUsed",
            truth(facts.is_remembered, quirks),
        );
        add("isFromNewLogin", truth(facts.from_new_login, quirks));
    }
    for (name, values) in &facts.attributes {
        let mut values: Vec<Value> = values
            .iter()
            .filter(|value| !(value.is_empty() && quirks.has(Quirk::OmitEmptyAttributes)))
            .map(|value| Value::from(value.as_str()))
            .collect();
        match values.len() {
            0 => {}
            1 => add(name, values.remove(0)),
            _ => add(name, Value::Array(values)),
        }
    }
    map
}

fn authenticated(at: Timestamp, quirks: &Quirks) -> Value {
    Value::from(date::write(at, quirks))
}

fn truth(value: bool, quirks: &Quirks) -> Value {
    if quirks.has(Quirk::CapitalisedBooleans) {
        Value::from(if value { "True" } else { "False" })
    } else {
        Value::from(value)
    }
}
