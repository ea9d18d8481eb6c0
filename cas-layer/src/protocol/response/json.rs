//! CAS 3 in JSON (CAS protocol 2.5.2, `format=JSON`).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::rc::Rc;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{
    Refusal, ResponseError,
    parts::{Collector, proxy_name, user_name},
};
#[cfg(feature = "jwt")]
use crate::Attributes;
use crate::protocol::{Authentication, document::trim};

/// The deepest nesting of an attribute. Each level is read anew, so this bounds the work.
const MAX_DEPTH: usize = 64;

pub(super) fn parse(body: &str) -> Result<Authentication, ResponseError> {
    let (key, answer) = answer(body)?;
    match &*key {
        "authenticationSuccess" => success(answer),
        "authenticationFailure" | "proxyFailure" => Err(failure(answer)),
        _ => Err(ResponseError::Unreadable("it is no answer to a validation")),
    }
}

/// The one answer in the document, with its name.
pub(super) fn answer(body: &str) -> Result<(Cow<'_, str>, &str), ResponseError> {
    let document: Object<'_> = read(body, "it is not JSON, or a key comes twice")?;
    let response: Object<'_> = read(
        document.get("serviceResponse").unwrap_or_default(),
        "it is JSON, but no CAS `serviceResponse`",
    )?;
    let mut answers = response.0.into_iter().filter(|(key, _)| {
        matches!(
            key.as_ref(),
            "authenticationSuccess" | "authenticationFailure" | "proxySuccess" | "proxyFailure"
        )
    });
    match (answers.next(), answers.next()) {
        (Some(answer), None) => Ok(answer),
        _ => Err(ResponseError::Unreadable(
            "it does not have exactly one answer",
        )),
    }
}

/// The answer is a refusal because it is there, whatever is in it.
pub(super) fn failure(answer: &str) -> ResponseError {
    // The server's words can quote a live ticket.
    let words = |json| string(json).map(|words| Zeroizing::new(words.into_owned()));
    if let Some(text) = words(answer) {
        return ResponseError::Refused(Refusal::in_text(&text));
    }
    let Ok(answer) = serde_json::from_str::<Object<'_>>(answer) else {
        return ResponseError::Refused(Refusal::without_words());
    };
    let text = answer
        .get("description")
        .and_then(words)
        .unwrap_or_default();
    ResponseError::Refused(match answer.get("code").and_then(words) {
        Some(code) => Refusal::new(&code, &text),
        None => Refusal::in_text(&text),
    })
}

fn success(answer: &str) -> Result<Authentication, ResponseError> {
    let answer: Object<'_> = read(answer, "its answer is no object, or a key comes twice")?;
    let user: Cow<'_, str> = read(answer.get("user").unwrap_or_default(), "it has no user")?;
    let user = user_name(&user)?;

    let mut flattened = Flattened::default();
    if let Some(attributes) = answer.get("attributes") {
        let attributes: Option<Object<'_>> = read(
            attributes,
            "its attributes are no object, or a key comes twice",
        )?;
        for (name, value) in attributes.iter().flat_map(|attributes| &attributes.0) {
            flattened.add(name, value)?;
        }
    }

    let proxies: Option<Vec<String>> = read(
        answer.get("proxies").unwrap_or("null"),
        "its proxies are no list of strings",
    )?;
    let proxies = proxies.unwrap_or_default();
    let proxies: Result<Vec<String>, _> = proxies.iter().map(|proxy| proxy_name(proxy)).collect();
    let authentication = Authentication::new(user, flattened.collector.finish(), proxies?);
    let iou = answer.get("proxyGrantingTicket").and_then(string);
    Ok(match iou {
        Some(iou) => authentication.with_proxy_granting_ticket_iou(trim(&iou)),
        None => authentication,
    })
}

/// Attributes, on their way from JSON to a plain list of names.
#[derive(Default)]
pub(in crate::protocol) struct Flattened {
    collector: Collector,
    /// Where each name came from, so that no two places share one.
    cuts: HashMap<String, Vec<usize>>,
}

/// The name of an attribute.
#[derive(Clone)]
struct Place {
    name: Rc<str>,
    /// At which bytes of the name one of the keys ends of which it is made.
    cuts: Rc<[usize]>,
}

/// Something that is still to be looked into. Its name is made when it is its turn: an object can have so many keys that
/// their names would fill the memory.
struct Unread<'a> {
    around: Place,
    key: Option<Cow<'a, str>>,
    json: &'a str,
    depth: usize,
}

impl Flattened {
    /// An attribute. A list in a list is the list of what is in both; what is in an object is an attribute of its own,
    /// with the object's name and a dot before its key. `null` is no value.
    pub(in crate::protocol) fn add(&mut self, name: &str, json: &str) -> Result<(), ResponseError> {
        const REASON: &str = "an attribute cannot be read";
        let mut rest = vec![Unread {
            around: Place {
                name: trim(name).into(),
                cuts: Rc::new([]),
            },
            key: None,
            json,
            depth: 0,
        }];
        // The last comes first, so that the order is that of the document.
        while let Some(unread) = rest.pop() {
            let (json, depth) = (unread.json, unread.depth);
            let place = match unread.key {
                Some(key) => unread.around.inside(&key)?,
                None => unread.around,
            };
            match json.bytes().next() {
                Some(b'[' | b'{') if depth == MAX_DEPTH => {
                    return Err(ResponseError::Unreadable(
                        "an attribute is nested too deeply",
                    ));
                }
                Some(b'[') => {
                    let list: Vec<&RawValue> = read(json, REASON)?;
                    let is_flat = list
                        .iter()
                        .all(|value| !value.get().starts_with(['[', '{']));
                    if is_flat {
                        let values: Result<Vec<_>, _> = list
                            .into_iter()
                            .map(RawValue::get)
                            .filter(|value| *value != "null")
                            .map(scalar)
                            .collect();
                        self.collect(&place, values?.iter().map(AsRef::as_ref))?;
                    } else {
                        rest.extend(list.iter().rev().map(|value| Unread {
                            around: place.clone(),
                            key: None,
                            json: value.get(),
                            depth: depth + 1,
                        }));
                    }
                }
                Some(b'{') => {
                    let object: Object<'_> = read(json, "in an attribute, a key comes twice")?;
                    if object.0.is_empty() {
                        self.collect(&place, [])?;
                    }
                    rest.extend(object.0.into_iter().rev().map(|(key, json)| Unread {
                        around: place.clone(),
                        key: Some(key),
                        json,
                        depth: depth + 1,
                    }));
                }
                _ if json == "null" => self.collect(&place, [])?,
                _ => self.collect(&place, [scalar(json)?.as_ref()])?,
            }
        }
        Ok(())
    }

    #[cfg(feature = "jwt")]
    pub(in crate::protocol) fn finish(self) -> Attributes {
        self.collector.finish()
    }

    /// Two places with one name would be one attribute: what is inside `a` under `b`, and what is called `a.b`.
    fn collect<'a>(
        &mut self,
        place: &Place,
        values: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), ResponseError> {
        self.collector.add(&place.name, values)?;
        match self.cuts.get(&*place.name) {
            Some(known) if **known == *place.cuts => Ok(()),
            Some(_) => Err(ResponseError::Unreadable(
                "two of its attributes would have the same name",
            )),
            None => {
                let cuts = place.cuts.to_vec();
                self.cuts.insert(place.name.to_string(), cuts);
                Ok(())
            }
        }
    }
}

impl Place {
    /// What is under a key in this one.
    fn inside(&self, key: &str) -> Result<Self, ResponseError> {
        Ok(Self {
            name: Collector::name_inside(&self.name, key)?.into(),
            cuts: self.cuts.iter().copied().chain([self.name.len()]).collect(),
        })
    }
}

/// A string, or the JSON text of a number or boolean.
fn scalar(json: &str) -> Result<Cow<'_, str>, ResponseError> {
    if json.starts_with('"') {
        read(json, "an attribute cannot be read")
    } else {
        Ok(Cow::Borrowed(json))
    }
}

/// A string, or nothing for any other value.
pub(super) fn string(json: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str(json).ok()
}

pub(super) fn read<'a, T: Deserialize<'a>>(
    json: &'a str,
    reason: &'static str,
) -> Result<T, ResponseError> {
    serde_json::from_str(json).map_err(|_| ResponseError::Unreadable(reason))
}

/// An object whose values are not looked into yet. A key that comes twice is an error, where serde's maps
/// would keep the last.
///
/// Each level is read when it is its turn, so nothing here recurses; to find the end of a value the JSON
/// parser does not recurse either.
pub(in crate::protocol) struct Object<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Object<'a> {
    #[cfg(feature = "jwt")]
    pub(in crate::protocol) fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), *value))
    }

    pub(in crate::protocol) fn get(&self, key: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find(|(known, _)| known == key)
            .map(|(_, value)| *value)
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut entries = Vec::new();
                let mut seen = HashSet::new();
                while let Some((key, value)) = map.next_entry::<Cow<'de, str>, &'de RawValue>()? {
                    if !seen.insert(key.clone()) {
                        return Err(A::Error::custom("a key comes twice"));
                    }
                    entries.push((key, value.get()));
                }
                Ok(Object(entries))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}
