//! Answers as SAML 1.1 in a SOAP envelope (CAS protocol 4.2.5).

use jiff::{SignedDuration, Timestamp};

use super::tree::Element;
use super::{
    answer::{Addressee, Answer, Facts},
    date, dialect,
};
use crate::testing::{
    Quirk,
    quirks::Quirks,
    random::{self, NoRandomness},
};

/// How long an assertion is good, in seconds.
const LASTS: i64 = 30;
const ATTRIBUTES: &str = "http://www.ja-sig.org/products/cas/";
const ARTIFACT: &str = "urn:oasis:names:tc:SAML:1.0:cm:artifact";
const PASSWORD: &str = "urn:oasis:names:tc:SAML:1.0:am:password";

/// The prefixes of a style, empty for a default namespace.
struct Style {
    soap: &'static str,
    protocol: &'static str,
    assertion: &'static str,
    /// That of the status, which is a name in a value and so has one in any case.
    status: &'static str,
}

impl Style {
    fn of(quirks: &Quirks) -> Self {
        if quirks.has(Quirk::DefaultNamespace) {
            Self {
                soap: "SOAP-ENV",
                protocol: "",
                assertion: "",
                status: "samlp",
            }
        } else if quirks.has(Quirk::OtherPrefix) {
            Self {
                soap: "S",
                protocol: "samlp",
                assertion: "saml",
                status: "samlp",
            }
        } else {
            Self {
                soap: "SOAP-ENV",
                protocol: "saml1p",
                assertion: "saml1",
                status: "saml1p",
            }
        }
    }

    fn soap(&self, name: &str) -> Element {
        Element::new(&named(self.soap, name))
    }

    fn protocol(&self, name: &str) -> Element {
        Element::new(&named(self.protocol, name))
    }

    fn assertion(&self, name: &str) -> Element {
        Element::new(&named(self.assertion, name))
    }

    fn assertion_text(&self, name: &str, text: &str) -> Element {
        Element::text(&named(self.assertion, name), text)
    }
}

fn named(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}:{name}")
    }
}

/// The XML attribute that declares a prefix.
fn declared(prefix: &str) -> String {
    named("xmlns", prefix).trim_end_matches(':').to_owned()
}

/// The document. `turn` decides the order of shuffled attributes.
pub(super) fn envelope(
    answer: &Answer,
    addressee: Addressee<'_>,
    turn: usize,
    quirks: &Quirks,
) -> Result<Element, NoRandomness> {
    let style = Style::of(quirks);
    let now = Timestamp::now();
    let mut response = style.protocol("Response").field(
        declared(style.protocol),
        "urn:oasis:names:tc:SAML:1.0:protocol",
    );
    if style.status != style.protocol {
        response = response.field(
            declared(style.status),
            "urn:oasis:names:tc:SAML:1.0:protocol",
        );
    }
    if !quirks.has(Quirk::NoSamlAddressee) {
        response = response
            .field("InResponseTo", addressee.request_id)
            .field("Recipient", addressed(addressee, quirks));
    }
    let id = |name, element: Element| -> Result<Element, NoRandomness> {
        let id = format!("_{}", random::hex::<16>()?);
        Ok(element
            .field("IssueInstant", &date::instant(now, quirks))
            .field("MajorVersion", "1")
            .field("MinorVersion", "1")
            .field(name, &id))
    };
    response = id("ResponseID", response)?.child(status(&style, answer, quirks));
    if let Answer::Success { user, facts, .. } = answer {
        let assertion = style.assertion("Assertion").field(
            declared(style.assertion),
            "urn:oasis:names:tc:SAML:1.0:assertion",
        );
        let mut assertion = id("AssertionID", assertion)?
            .field("Issuer", "localhost")
            .child(conditions(&style, now, addressee, quirks));
        if let Some(facts) = facts {
            assertion = assertion
                .child(authentication(&style, user, facts, quirks))
                .child(attributes(&style, user, facts, turn, quirks));
        }
        response = response.child(assertion);
    }
    let envelope = style.soap("Envelope").field(
        declared(style.soap),
        "http://schemas.xmlsoap.org/soap/envelope/",
    );
    Ok(envelope.child(style.soap("Body").child(response)))
}

fn status(style: &Style, answer: &Answer, quirks: &Quirks) -> Element {
    let status = style.protocol("Status");
    let (value, words) = match answer {
        Answer::Success { .. } | Answer::ProxySuccess { .. } => ("Success", None),
        Answer::Failure {
            code: "INVALID_REQUEST",
            text,
        } => ("Requester", Some(text)),
        Answer::Failure { text, .. } | Answer::ProxyFailure { text, .. } => {
            ("RequestDenied", Some(text))
        }
    };
    let value = named(style.status, value);
    let code = named(style.protocol, "StatusCode");
    match words {
        Some(words) if quirks.has(Quirk::SamlStatusText) => {
            status.child(Element::text(&code, words).field("Value", &value))
        }
        Some(words) => status
            .child(Element::new(&code).field("Value", &value))
            .child(Element::text(
                &named(style.protocol, "StatusMessage"),
                words,
            )),
        None => status.child(Element::new(&code).field("Value", &value)),
    }
}

fn conditions(style: &Style, now: Timestamp, addressee: Addressee<'_>, quirks: &Quirks) -> Element {
    let audience = style
        .assertion("AudienceRestrictionCondition")
        .child(style.assertion_text("Audience", addressed(addressee, quirks)));
    let end = now + SignedDuration::from_secs(LASTS);
    style
        .assertion("Conditions")
        .field("NotBefore", &date::instant(now, quirks))
        .field("NotOnOrAfter", &date::instant(end, quirks))
        .child(audience)
}

fn authentication(style: &Style, user: &str, facts: &Facts, quirks: &Quirks) -> Element {
    style
        .assertion("AuthenticationStatement")
        .field(
            "AuthenticationInstant",
            &date::instant(facts.authenticated, quirks),
        )
        .field("AuthenticationMethod", PASSWORD)
        .child(subject(style, user))
}

fn attributes(style: &Style, user: &str, facts: &Facts, turn: usize, quirks: &Quirks) -> Element {
    let pairs = dialect::pairs(facts, turn, quirks);
    let at_once = |a: &(String, String), b: &(String, String)| {
        a.0 == b.0 && !quirks.has(Quirk::RepeatedSamlAttributes)
    };
    let attributes = pairs.chunk_by(at_once).filter_map(|values| {
        let (name, _) = values.first()?;
        let attribute = style
            .assertion("Attribute")
            .field("AttributeName", name)
            .field("AttributeNamespace", ATTRIBUTES);
        let values = values.iter().map(|(_, value)| {
            let value = style.assertion_text("AttributeValue", value);
            if quirks.has(Quirk::TypedSamlValues) {
                value
                    .field("xmlns:xsd", "http://www.w3.org/2001/XMLSchema")
                    .field("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
                    .field("xsi:type", "xsd:string")
            } else {
                value
            }
        });
        Some(attribute.children(values.collect()))
    });
    style
        .assertion("AttributeStatement")
        .child(subject(style, user))
        .children(attributes.collect())
}

fn subject(style: &Style, user: &str) -> Element {
    let confirmation = style
        .assertion("SubjectConfirmation")
        .child(style.assertion_text("ConfirmationMethod", ARTIFACT));
    style
        .assertion("Subject")
        .child(style.assertion_text("NameIdentifier", user))
        .child(confirmation)
}

/// The service, as the answer names it.
fn addressed<'a>(addressee: Addressee<'a>, quirks: &Quirks) -> &'a str {
    let without_query = || addressee.service.split('?').next();
    let shortened = quirks.has(Quirk::SamlAddresseeWithoutQuery);
    shortened
        .then(without_query)
        .flatten()
        .unwrap_or(addressee.service)
}
