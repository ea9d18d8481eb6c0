//! The first form of a page, as far as the pages of the embedded server and of the layer need it.

use url::Url;

use super::Step;
use crate::testing::markup::unescaped;

/// A form that is posted.
pub(in crate::testing) struct Form {
    page: Url,
    action: Url,
    fields: Vec<(String, String)>,
}

impl Form {
    /// The first form in the HTML of a page, as it is filled in. Its first button is the one that will be pressed.
    pub(in crate::testing) fn on(page: &Url, html: &str) -> Option<Self> {
        let mut tags = Tags(html).skip_while(|tag| !tag.is("form"));
        let action = tags.next()?.attribute("action").unwrap_or_default();
        let mut form = Self {
            page: page.clone(),
            action: page.join(&action).ok()?,
            fields: Vec::new(),
        };
        let mut has_button = false;
        for tag in tags.take_while(|tag| !tag.is("/form")) {
            let is_button = tag.is("button");
            if is_button && has_button || !is_button && !tag.is("input") {
                continue;
            }
            has_button |= is_button;
            if let Some(name) = tag.attribute("name") {
                let value = tag.attribute("value").unwrap_or_default();
                form.fields.push((name, value));
            }
        }
        Some(form)
    }

    pub(in crate::testing) fn asks_for_password(&self) -> bool {
        self.fields.iter().any(|(name, _)| name == "password")
    }

    /// Types `value` into the field `name`.
    pub(in crate::testing) fn fill_in(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Presses the button.
    pub(in crate::testing) fn post(self) -> Step {
        Step::with_form(self.action, self.fields, self.page)
    }
}

/// The tags of a page, in order. What is between them is left out.
struct Tags<'h>(&'h str);

struct Tag<'h> {
    name: &'h str,
    attributes: Vec<(&'h str, &'h str)>,
}

impl Tag<'_> {
    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn attribute(&self, name: &str) -> Option<String> {
        let mut named = self.attributes.iter().filter(|(known, _)| *known == name);
        named.next().map(|(_, value)| unescaped(value))
    }
}

impl<'h> Iterator for Tags<'h> {
    type Item = Tag<'h>;

    fn next(&mut self) -> Option<Tag<'h>> {
        let (_, rest) = self.0.split_once('<')?;
        let (name, mut rest) = split_at(rest, |c| c.is_ascii_whitespace() || c == '>');
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            if rest.is_empty() || rest.starts_with('>') {
                break;
            }
            let (name, after) = split_at(rest, |c| c.is_ascii_whitespace() || "=>/".contains(c));
            let (value, after) = match after.strip_prefix('=') {
                Some(quoted) if quoted.starts_with(['"', '\'']) => {
                    let (quote, value) = quoted.split_at(1);
                    value.split_once(quote)?
                }
                Some(bare) => split_at(bare, |c| c.is_ascii_whitespace() || c == '>'),
                None => ("", after),
            };
            // A quote that belongs to no value: no page of ours.
            if name.is_empty() {
                return None;
            }
            attributes.push((name, value));
            rest = after;
        }
        self.0 = rest;
        Some(Tag { name, attributes })
    }
}

fn split_at(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(html: &str) -> Option<Step> {
        let page = Url::parse("http://127.0.0.1:8080/cas/login?service=x").unwrap();
        Form::on(&page, html).map(Form::post)
    }

    #[test]
    fn a_form_is_read_as_it_is_filled_in_with_its_first_button() {
        let html = "<p class='a>b'>Is this you?</p><form method=\"post\" action=\"/login?a&amp;b\"><br/>\
            <input type=hidden name=execution value=\"e1 &lt;&quot;&amp;#39;\"><input name='user' required>\
            <input type=\"checkbox\"><button name=\"answer\" value=\"continue\">Yes</button>\
            <button name=\"answer\" value=\"other\">No</button></form><form><input name=\"late\"></form>";
        let step = form(html).unwrap();
        assert_eq!(step.url.as_str(), "http://127.0.0.1:8080/login?a&b");
        let fields = step.form.unwrap();
        let fields: Vec<_> = fields
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let expected = [
            ("execution", "e1 <\"&#39;"),
            ("user", ""),
            ("answer", "continue"),
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn what_is_no_form_is_none() {
        for html in [
            "",
            "<",
            "<form",
            "no <b>form</b>",
            "<form action=\"/a",
            "<a ====>",
            "<form action=http://[>",
        ] {
            let fields = form(html).map(|step| step.form.unwrap());
            assert!(fields.is_none_or(|it| it.is_empty()), "{html}");
        }
    }
}
