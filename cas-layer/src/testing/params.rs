//! Query strings and forms.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::{Quirk, quirks::Quirks};

/// The fields of a query or a form, decoded, in order.
pub(super) struct Params(pub(super) Vec<(String, String)>);

impl Params {
    /// The first field of that name. An empty one counts as missing.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        (!value.is_empty()).then_some(value)
    }
}

/// Is a flag such as `renew` set? (2.1.1: it is set whatever its value.)
pub(super) fn flag(params: &Params, name: &str, quirks: &Quirks) -> bool {
    match params.get(name) {
        Some(value) => value == "true" || !quirks.has(Quirk::StrictFlags),
        None => false,
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        ))
    }
}
