//! The header of a token.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};

use super::Fault;
use crate::protocol::response::Object;

/// What would have the reader follow another key, or understand more than is understood here (RFC 7515, 4.1).
const REFUSED: [&str; 5] = ["b64", "crit", "jku", "jwk", "x5u"];

/// A header that asks for nothing unknown.
pub(super) struct Header(String);

impl Header {
    pub(super) fn read(part: &str) -> Result<Self, Fault> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(part);
        let header = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let header = Self(header.ok_or(Fault("its header is not base64"))?);
        let object = header.object()?;
        if REFUSED.iter().any(|name| object.get(name).is_some()) {
            return Err(Fault(
                "its header asks for another key, or for what is not known here",
            ));
        }
        Ok(header)
    }

    /// Whether a field has this value. A field that is not there has none.
    pub(super) fn says(&self, name: &str, value: &str) -> Result<bool, Fault> {
        Ok(self.text(name)?.as_deref() == Some(value))
    }

    /// A field, if it is there.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Fault> {
        let object = self.object()?;
        let Some(json) = object.get(name) else {
            return Ok(None);
        };
        serde_json::from_str(json)
            .map(Some)
            .map_err(|_| Fault("a field of its header is no text"))
    }

    fn object(&self) -> Result<Object<'_>, Fault> {
        serde_json::from_str(&self.0)
            .map_err(|_| Fault("its header is no JSON object, or a field comes twice"))
    }
}
