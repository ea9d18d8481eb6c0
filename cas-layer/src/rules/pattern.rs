//! Which paths a rule is about.

use std::fmt;

use crate::{
    error::ConfigError,
    paths::{canonical, is_alike},
};

/// The paths that a rule is about, relative to the app URL and written decoded, as a person reads them.
///
/// ```
/// use cas_layer::Paths;
///
/// Paths::exact("/healthz"); // that path alone
/// Paths::prefix("/static"); // `/static` and everything below it, not `/statics`
/// Paths::pattern("/users/{id}/edit"); // `{id}` stands for one segment
/// ```
///
/// # Loose spellings
/// Many servers read a path less strictly than it is written: `/admin/`, `/Admin` or `/admin%20` gets a visitor to
/// `/admin`. So a rule that asks for more than the rule that applies to a path as it is written (see
/// [`CasConfigBuilder::rule`](crate::CasConfigBuilder::rule)) also covers its own paths in these spellings, and in
/// any mixture of them:
///
/// - upper and lower case, also beyond ASCII, in every segment that the rule spells out;
/// - dots or white space at the end of such a segment, white space at its beginning;
/// - invisible characters, such as a soft hyphen, and `é` as one character or as two;
/// - a colon and what follows it, which names a part of the file on NTFS;
/// - a slash at the end of the path, or no slash there.
///
/// The short names that Windows gives to files (`ADMINI~1`) are other paths: switch them off where files are served.
#[derive(Clone, PartialEq, Eq)]
pub struct Paths {
    given: String,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Exact,
    Prefix,
    Pattern,
}

impl Paths {
    /// This path alone.
    pub fn exact(path: impl Into<String>) -> Self {
        Self {
            given: path.into(),
            form: Form::Exact,
        }
    }

    /// This path and everything below it. It ends at a segment: `/static` covers `/static/a.css` and not
    /// `/statics`.
    pub fn prefix(path: impl Into<String>) -> Self {
        Self {
            given: path.into(),
            form: Form::Prefix,
        }
    }

    /// Paths of this form, in which a segment `{name}` stands for any one segment that is not empty. The names only
    /// help the reader.
    pub fn pattern(pattern: impl Into<String>) -> Self {
        Self {
            given: pattern.into(),
            form: Form::Pattern,
        }
    }

    /// Whether a rule for these paths can ever match.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let invalid = |reason| ConfigError::InvalidPath {
            what: "path of a rule",
            path: self.given.clone(),
            reason,
        };
        if !self.given.starts_with('/') {
            return Err(invalid("does not begin with `/`"));
        }
        if self.given.contains(['?', '#', '%', '*']) {
            return Err(invalid(
                "has `?`, `#`, `%` or `*`: give only the decoded path, without query or wildcard",
            ));
        }
        if canonical(&self.given).is_none() {
            return Err(invalid(
                "has empty or dot segments or others without a name, `;`, `\\` or control characters",
            ));
        }
        let braces = self.given.contains(['{', '}']);
        if braces && self.form != Form::Pattern {
            return Err(invalid("has `{` or `}`, which a pattern may have"));
        }
        if braces && !self.given.split('/').all(is_whole) {
            return Err(invalid("has a `{name}` that is not a segment of its own"));
        }
        Ok(())
    }

    /// `path` is canonical and decoded.
    pub(crate) fn cover(&self, path: &str) -> bool {
        match self.form {
            Form::Exact => self.given == path,
            Form::Prefix | Form::Pattern => {
                self.cover_by(path, &self.given, |own, asked| own == asked)
            }
        }
    }

    /// The same for a server that reads paths more loosely than we do: each segment in any case of letters, and with
    /// dots or white space around it; the whole with a slash at the end or without.
    pub(crate) fn cover_loosely(&self, path: &str) -> bool {
        self.cover(path) || self.cover_by(without_slash(path), without_slash(&self.given), is_alike)
    }

    fn cover_by(&self, path: &str, own: &str, same: impl Fn(&str, &str) -> bool) -> bool {
        let mut asked = path.split('/');
        let own = match self.form {
            // A prefix is about all that begins with its segments, with or without a slash at the end.
            Form::Prefix => without_slash(own),
            Form::Exact | Form::Pattern => own,
        };
        for own in own.split('/') {
            let matches = asked.next().is_some_and(|asked| {
                if self.form == Form::Pattern && own.starts_with('{') {
                    !asked.is_empty()
                } else {
                    same(own, asked)
                }
            });
            if !matches {
                return false;
            }
        }
        self.form == Form::Prefix || asked.next().is_none()
    }
}

/// Without a slash at the end.
fn without_slash(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

/// Whether a segment of a pattern is plain, or a `{name}` and nothing else.
fn is_whole(segment: &str) -> bool {
    match segment
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    {
        Some(name) => !name.is_empty() && !name.contains(['{', '}']),
        None => !segment.contains(['{', '}']),
    }
}

/// `/static/…` for a prefix.
impl fmt::Debug for Paths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.given)?;
        if self.form == Form::Prefix {
            f.write_str("/…")?;
        }
        Ok(())
    }
}
