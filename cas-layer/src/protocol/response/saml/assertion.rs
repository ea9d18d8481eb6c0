//! Reads the user and the attributes of an assertion (SAML 1.1 core, 2.3.2 and 2.4).

use roxmltree::Node;

use super::{
    conditions::{self, SamlExpectation},
    places::{ASSERTION, SIGNATURE, at_most_one, check_version, one, sort},
};
use crate::protocol::{
    Authentication,
    document::{self, trim},
    response::{
        ResponseError, dialect,
        parts::{Collector, user_name},
    },
};

pub(super) fn read(
    assertion: &Node<'_, '_>,
    expected: &SamlExpectation<'_>,
) -> Result<Authentication, ResponseError> {
    check_version(assertion)?;
    let [conditions, authentications, attributes, ..] = sort(
        assertion,
        [
            (ASSERTION, "Conditions"),
            (ASSERTION, "AuthenticationStatement"),
            (ASSERTION, "AttributeStatement"),
            // What others said, which need not be true.
            (ASSERTION, "Advice"),
            SIGNATURE,
        ],
    )?;
    let conditions = one(conditions, "it does not have exactly one `Conditions`")?;
    conditions::check(&conditions, expected)?;
    let authentication = one(
        authentications,
        "it does not have exactly one `AuthenticationStatement`",
    )?;
    let [subjects, ..] = sort(
        &authentication,
        [
            (ASSERTION, "Subject"),
            (ASSERTION, "SubjectLocality"),
            (ASSERTION, "AuthorityBinding"),
        ],
    )?;
    let user = subject(subjects)?;

    let mut collector = Collector::default();
    for statement in attributes {
        let [subjects, attributes] = sort(
            &statement,
            [(ASSERTION, "Subject"), (ASSERTION, "Attribute")],
        )?;
        if subject(subjects)? != user {
            return Err(ResponseError::Unreadable(
                "its statements are about different users",
            ));
        }
        for attribute in attributes {
            self::attribute(&attribute, &mut collector)?;
        }
    }
    let date = document::attribute(&authentication, "AuthenticationInstant").unwrap_or_default();
    Ok(Authentication::new(user, collector.finish(), Vec::new())
        .with_authentication_date(trim(date)))
}

/// The user whom a statement is about.
fn subject(subjects: Vec<Node<'_, '_>>) -> Result<String, ResponseError> {
    let subject = one(subjects, "a statement does not have exactly one `Subject`")?;
    let [names, confirmations] = sort(
        &subject,
        [
            (ASSERTION, "NameIdentifier"),
            (ASSERTION, "SubjectConfirmation"),
        ],
    )?;
    at_most_one(confirmations, "a `Subject` is confirmed twice")?;
    let name = one(
        names,
        "a `Subject` does not have exactly one `NameIdentifier`",
    )?;
    let [] = sort(&name, [])?;
    user_name(&dialect::text(&name))
}

/// Values may come in one `Attribute` or in several of the same name; their `xsi:type` does not matter.
fn attribute(attribute: &Node<'_, '_>, collector: &mut Collector) -> Result<(), ResponseError> {
    let name = document::attribute(attribute, "AttributeName").unwrap_or_default();
    let [values] = sort(attribute, [(ASSERTION, "AttributeValue")])?;
    let values: Vec<String> = values.iter().flat_map(dialect::leaves).collect();
    collector.add(name, values.iter().map(String::as_str))
}
