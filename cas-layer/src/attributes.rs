//! What a CAS server says about a user besides the name.

use std::fmt;

use serde::{Serialize, Serializer};

/// The attributes of a user: names, each with an ordered list of values.
///
/// Names keep the order in which they first came. A name that comes again, adjacent or not, adds to the list
/// it already has. A name may have an empty list. Values are always lists, so a check for one value never
/// becomes a search inside a string.
///
/// `Debug` prints names and counts, never values.
///
/// ```
/// use cas_layer::Attributes;
///
/// let mut attributes = Attributes::new();
/// attributes.push("memberOf", "staff");
/// attributes.push("mail", "alice@example.org");
/// attributes.push("memberOf", "not-admin");
///
/// assert_eq!(attributes.first("mail"), Some("alice@example.org"));
/// assert_eq!(attributes.all("memberOf"), ["staff", "not-admin"]);
/// assert!(!attributes.contains("memberOf", "admin"));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    entries: Vec<(String, Vec<String>)>,
}

impl Attributes {
    /// No attributes.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// Adds a value at the end of the list of `name`.
    ///
    /// This looks through the names, so its cost grows with their number.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.values_mut(name.into()).push(value.into());
    }

    /// Makes `values` the whole list of `name`, whatever was in it before.
    ///
    /// ```
    /// use cas_layer::Attributes;
    ///
    /// let mut attributes = Attributes::new();
    /// attributes.push("role", "admin"); // says the CAS server
    /// attributes.set("role", ["reader"]);
    /// assert_eq!(attributes.all("role"), ["reader"]);
    /// ```
    pub fn set(
        &mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) {
        let values = values.into_iter().map(Into::into).collect();
        *self.values_mut(name.into()) = values;
    }

    /// Takes a name out with all its values; `None` when there is no such name.
    ///
    /// ```
    /// use cas_layer::Attributes;
    ///
    /// let mut attributes = Attributes::new();
    /// attributes.push("mail", "alice@example.org");
    /// assert_eq!(attributes.remove("mail"), Some(vec!["alice@example.org".to_owned()]));
    /// assert_eq!(attributes.remove("mail"), None);
    /// ```
    pub fn remove(&mut self, name: &str) -> Option<Vec<String>> {
        let at = self.entries.iter().position(|(known, _)| known == name)?;
        Some(self.entries.remove(at).1)
    }

    /// The first value of `name`, if it has any.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(String::as_str)
    }

    /// All values of `name` in order; empty when there is no such name.
    #[must_use]
    pub fn all(&self, name: &str) -> &[String] {
        self.entries
            .iter()
            .find(|(known, _)| known == name)
            .map_or(&[], |(_, values)| values.as_slice())
    }

    /// Whether one of the values of `name` is exactly `value`.
    #[must_use]
    pub fn contains(&self, name: &str, value: &str) -> bool {
        self.all(name).iter().any(|known| known == value)
    }

    /// Every name with its values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.entries
            .iter()
            .map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// The number of names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// How much memory they take in bytes, about.
    pub(crate) fn bytes(&self) -> usize {
        let text = |text: &String| size_of::<String>() + text.len();
        let entry = |(name, values): &(String, Vec<String>)| {
            size_of::<(String, Vec<String>)>() + name.len() + values.iter().map(text).sum::<usize>()
        };
        self.entries.iter().map(entry).sum()
    }

    /// Whether there are no names at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The list of `name`, made empty if there was no list.
    pub(crate) fn values_mut(&mut self, name: String) -> &mut Vec<String> {
        let known = self.entries.iter().position(|(known, _)| *known == name);
        let index = known.unwrap_or_else(|| {
            self.entries.push((name, Vec::new()));
            self.entries.len() - 1
        });
        &mut self.entries[index].1
    }
}

/// Lists of the same name become one list.
impl FromIterator<(String, Vec<String>)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (String, Vec<String>)>>(entries: I) -> Self {
        let mut attributes = Self::new();
        for (name, values) in entries {
            attributes.values_mut(name).extend(values);
        }
        attributes
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, values)| (name, values.len())))
            .finish()
    }
}

/// A map from each name to its list of values.
impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::Attributes;

    fn sample() -> Attributes {
        let mut attributes = Attributes::new();
        attributes.push("b", "1");
        attributes.push("a", "secret-value");
        attributes.push("b", "2");
        attributes.values_mut("none".to_owned());
        attributes
    }

    #[test]
    fn a_repeated_name_is_one_list_and_names_keep_their_order() {
        let attributes = sample();
        let all: Vec<(&str, Vec<&str>)> = attributes
            .iter()
            .map(|(name, values)| (name, values.iter().map(String::as_str).collect()))
            .collect();
        assert_eq!(
            all,
            [
                ("b", vec!["1", "2"]),
                ("a", vec!["secret-value"]),
                ("none", vec![])
            ]
        );
        assert_eq!(attributes.len(), 3);
    }

    #[test]
    fn one_value_is_asked_for_exactly_and_never_inside_another() {
        let mut attributes = Attributes::new();
        attributes.push("groups", "not-admin");
        assert!(!attributes.contains("groups", "admin"));
        assert!(attributes.contains("groups", "not-admin"));
        assert!(!attributes.contains("Groups", "not-admin"));
    }

    #[test]
    fn an_absent_name_and_an_empty_list_have_no_values() {
        let attributes = sample();
        for name in ["none", "absent"] {
            assert_eq!(attributes.first(name), None, "{name}");
            assert!(attributes.all(name).is_empty(), "{name}");
        }
    }

    #[test]
    fn debug_prints_names_and_counts_but_no_values() {
        assert_eq!(format!("{:?}", sample()), r#"{"b": 2, "a": 1, "none": 0}"#);
    }

    #[test]
    fn attributes_serialize_as_a_map_of_lists() {
        assert_eq!(
            serde_json::to_string(&sample()).unwrap(),
            r#"{"b":["1","2"],"a":["secret-value"],"none":[]}"#
        );
    }

    #[test]
    fn collecting_joins_lists_of_the_same_name() {
        let entry = |name: &str, value: &str| (name.to_owned(), vec![value.to_owned()]);
        let attributes: Attributes = [entry("a", "1"), entry("b", "2"), entry("a", "3")]
            .into_iter()
            .collect();
        assert_eq!(attributes.all("a"), ["1", "3"]);
        assert_eq!(attributes.len(), 2);
    }
}
