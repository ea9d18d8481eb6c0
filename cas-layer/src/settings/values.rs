//! Values that settings are made of.

use std::{fmt, marker::PhantomData, time::Duration};

use jiff::{Span, SpanRelativeTo};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, IgnoredAny, MapAccess, SeqAccess, Visitor, value},
};
use zeroize::Zeroizing;

use crate::strict_url::printable;

/// A text that is never shown: a key, or the value of a parameter. It is wiped from memory when it goes.
#[derive(Clone)]
pub struct SecretText(Option<Zeroizing<String>>);

impl SecretText {
    /// The text. Never log it. `None` if what was read is no text.
    #[must_use]
    pub fn expose_secret(&self) -> Option<&str> {
        self.0.as_ref().map(|text| text.as_str())
    }

    /// What is read in place of a text. A format would repeat it in an error of its own.
    const fn no_text() -> Self {
        Self(None)
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Some(Zeroizing::new(text)))
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let mut texts = source.deserialize_any(SecretVisitor { splits: false })?;
        Ok(texts.pop().unwrap_or(Self::no_text()))
    }
}

/// Keys: a list of texts, or one text with commas or white space between them, as an environment variable is.
pub(super) fn secrets<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<SecretText>, D::Error> {
    source.deserialize_any(SecretVisitor { splits: true })
}

/// Takes everything: what is wrong is said later, without the value.
struct SecretVisitor {
    splits: bool,
}

impl SecretVisitor {
    fn no_text() -> Vec<SecretText> {
        vec![SecretText::no_text()]
    }
}

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = Vec<SecretText>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        if !self.splits {
            return Ok(vec![text.into()]);
        }
        let parts = text.split(|c: char| c == ',' || c.is_whitespace());
        Ok(parts
            .filter(|part| !part.is_empty())
            .map(Into::into)
            .collect())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        self.visit_str(&Zeroizing::new(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = list.next_element::<SecretText>()? {
            texts.push(text);
        }
        Ok(if self.splits { texts } else { Self::no_text() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::no_text())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Self::no_text())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Self::no_text())
    }

    fn visit_i128<E>(self, _: i128) -> Result<Self::Value, E> {
        Ok(Self::no_text())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Self::no_text())
    }

    fn visit_u128<E>(self, _: u128) -> Result<Self::Value, E> {
        Ok(Self::no_text())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Self::no_text())
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Self::Value, E> {
        Ok(Self::no_text())
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Self::no_text())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Self::no_text())
    }
}

/// A URL as it was given. What may be a user name or a password in it is not shown.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct UrlText(String);

impl UrlText {
    /// The URL as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for UrlText {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl From<&str> for UrlText {
    fn from(url: &str) -> Self {
        Self(url.to_owned())
    }
}

impl From<UrlText> for String {
    fn from(url: UrlText) -> Self {
        url.0
    }
}

impl fmt::Debug for UrlText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        printable(&self.0).fmt(f)
    }
}

/// How long an unused session lasts: `30m`, or `never` for no such end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdleTimeout {
    /// It ends after this time.
    After(Duration),
    /// It lasts for its lifetime, used or not.
    Never,
}

impl From<IdleTimeout> for Option<Duration> {
    fn from(timeout: IdleTimeout) -> Self {
        match timeout {
            IdleTimeout::After(time) => Some(time),
            IdleTimeout::Never => None,
        }
    }
}

impl<'de> Deserialize<'de> for IdleTimeout {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_str(TimeVisitor(
            "a time with its unit, such as `2h`, or `never`",
            |text| match text {
                "never" => Some(Self::Never),
                text => parse_time(text).map(Self::After),
            },
        ))
    }
}

/// A time, if it is set.
pub(super) fn time<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Duration>, D::Error> {
    struct Time(Duration);

    impl<'de> Deserialize<'de> for Time {
        fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
            source.deserialize_str(TimeVisitor(
                "a time with its unit, such as `8h`, `30m` or `1h 30m`",
                |text| parse_time(text).map(Self),
            ))
        }
    }

    Ok(Option::<Time>::deserialize(source)?.map(|Time(time)| time))
}

/// What is expected, and its reader.
struct TimeVisitor<T>(&'static str, fn(&str) -> Option<T>);

impl<T> Visitor<'_> for TimeVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let Self(expected, read) = self;
        read(text).ok_or_else(|| E::custom(format_args!("`{text}` is not {expected}")))
    }
}

/// `1h 30m`, `14d`, `PT8H`: days have 24 hours, and months and years no fixed length.
fn parse_time(text: &str) -> Option<Duration> {
    let span: Span = text.parse().ok()?;
    let time = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    time.try_into().ok()
}

/// A list, or one text with commas between its items, as an environment variable is. No text has no item.
pub(super) fn list<'de, D, T>(source: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + From<String>,
{
    source.deserialize_any(ListVisitor(PhantomData))
}

/// The same, where no list means something else than an empty one.
pub(super) fn optional_list<'de, D>(source: D) -> Result<Option<Vec<String>>, D::Error>
where
    D: Deserializer<'de>,
{
    list(source).map(Some)
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned + From<String>> Visitor<'de> for ListVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list, or a text with commas between its items")
    }

    fn visit_str<E>(self, text: &str) -> Result<Vec<T>, E> {
        let items = text.split(',').map(str::trim);
        Ok(items
            .filter(|item| !item.is_empty())
            .map(|item| item.to_owned().into())
            .collect())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vec<T>, A::Error> {
        Vec::deserialize(value::SeqAccessDeserializer::new(list))
    }
}
