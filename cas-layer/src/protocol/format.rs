//! The forms of an answer.

/// The form of answer that the CAS server is asked for (CAS protocol 2.5.1, parameter `format`).
///
/// Many servers do not know the parameter and answer with XML in any case. What comes is read as what it is.
///
/// The default is [`ResponseFormat::Xml`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseFormat {
    /// XML. Nothing is sent, since this is what servers do by themselves.
    #[default]
    Xml,
    /// JSON: `format=JSON`. CAS 2 and 3 alone have it.
    Json,
}
