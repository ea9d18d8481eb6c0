//! Which languages a visitor reads (`Accept-Language`: RFC 9110, section 12.5.4, and RFC 4647, section 3.4).

use std::cmp::Reverse;

use http::{HeaderMap, header};

use crate::language_tag::is_language_tag;

/// What is longer than this, or names more languages, is not read.
const MAX_BYTES: usize = 1_024;
const MAX_RANGES: usize = 32;

/// The weight of a range without one, in thousandths.
const FULL: u16 = 1_000;

/// The position of the language that suits the visitor best, by its tag. `None` if none does, or if the browser does not
/// say what its user reads in a form that can be read as a whole.
pub(super) fn best<'t>(
    headers: &HeaderMap,
    tags: impl Iterator<Item = &'t str> + Clone,
) -> Option<usize> {
    let mut ranges = read(headers)?;
    let is_refused = |tag: &str| {
        let mut refused = ranges.iter().filter(|(_, weight)| *weight == 0);
        refused.any(|(range, _)| range.eq_ignore_ascii_case(tag))
    };
    let tags: Vec<Option<&str>> = tags
        .map(|tag| Some(tag).filter(|tag| !is_refused(tag)))
        .collect();
    let find = |wanted: &str| {
        tags.iter()
            .position(|tag| tag.is_some_and(|tag| tag.eq_ignore_ascii_case(wanted)))
    };
    ranges.retain(|(_, weight)| *weight > 0);
    // Of two with one weight, the first counts.
    ranges.sort_by_key(|(_, weight)| Reverse(*weight));
    ranges.iter().find_map(|(range, _)| match range.as_str() {
        "*" => tags.iter().position(Option::is_some),
        range => lookup(range, find),
    })
}

/// The most specific tag that a range stands for.
fn lookup(range: &str, find: impl Fn(&str) -> Option<usize>) -> Option<usize> {
    // Regions stand for a script, so that a text of one country is good for the other.
    let script = match range {
        "zh" | "zh-cn" | "zh-sg" => Some("zh-hans"),
        "zh-tw" | "zh-hk" | "zh-mo" => Some("zh-hant"),
        _ => None,
    };
    let mut rest = range;
    loop {
        if let Some(found) = find(rest) {
            return Some(found);
        }
        match rest.rsplit_once('-') {
            Some((shorter, _)) => rest = shorter,
            None => return script.and_then(find),
        }
    }
}

/// The ranges in small letters, each with its weight. `None` if one of them cannot be read.
fn read(headers: &HeaderMap) -> Option<Vec<(String, u16)>> {
    let mut ranges = Vec::new();
    let mut bytes = 0;
    for field in headers.get_all(header::ACCEPT_LANGUAGE) {
        bytes += field.len();
        if bytes > MAX_BYTES {
            return None;
        }
        let items = field.to_str().ok()?.split(',').map(trim);
        // An empty item means nothing (RFC 9110, section 5.6.1).
        for item in items.filter(|item| !item.is_empty()) {
            ranges.push(range(item)?);
            if ranges.len() > MAX_RANGES {
                return None;
            }
        }
    }
    Some(ranges)
}

fn range(item: &str) -> Option<(String, u16)> {
    let (name, weight) = match item.split_once(';') {
        None => (item, FULL),
        Some((name, parameter)) => {
            let (q, weight) = trim(parameter).split_once('=')?;
            let weight = q.eq_ignore_ascii_case("q").then(|| thousandths(weight))?;
            (trim(name), weight?)
        }
    };
    (name == "*" || is_language_tag(name)).then(|| (name.to_ascii_lowercase(), weight))
}

/// `qvalue` (RFC 9110, section 12.4.2).
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, rest) = weight.split_once('.').unwrap_or((weight, ""));
    let is_fraction = rest.len() <= 3 && rest.bytes().all(|b| b.is_ascii_digit());
    let fraction: u16 = format!("{rest:0<3}").parse().ok()?;
    match whole {
        "0" if is_fraction => Some(fraction),
        "1" if is_fraction && fraction == 0 => Some(FULL),
        _ => None,
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const TAGS: [&str; 7] = ["en", "de", "pt", "pt-BR", "zh-Hans", "ar", "ca"];

    fn chosen(fields: &[&str]) -> Option<&'static str> {
        let fields = fields.iter().map(|field| {
            let value = HeaderValue::from_bytes(field.as_bytes()).unwrap();
            (header::ACCEPT_LANGUAGE, value)
        });
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, value);
        }
        best(&headers, TAGS.into_iter()).map(|at| TAGS[at])
    }

    #[test]
    fn the_language_that_suits_best_is_chosen() {
        for (language, field) in [
            ("de", "de"),
            ("de", "DE-at"),
            ("de", "de-CH-1996"),
            ("de", "da, de;q=0.5, en;q=0.4"),
            ("en", "de;q=0.5, en;q=0.9"),
            ("de", "de;q=0.5, en;q=0.5"),
            ("de", "en;q=0.999, de;q=1.000"),
            ("de", "en;q=0.9,de"),
            ("de", "\tde\t;\tq=0.3\t"),
            ("de", ",, de ,,"),
            ("de", "de;Q=1"),
            ("pt-BR", "pt-BR"),
            ("pt", "pt-PT"),
            ("pt", "pt"),
            ("zh-Hans", "zh"),
            ("zh-Hans", "zh-CN,zh;q=0.9,en;q=0.8"),
            ("zh-Hans", "zh-SG"),
            ("zh-Hans", "zh-Hans-CN"),
            ("en", "zh-TW, en;q=0.8"),
            ("en", "zh-Hant-HK, zh-HK;q=0.9, en;q=0.8"),
            ("ca", "ca-ES-valencia, es;q=0.9"),
            ("en", "*"),
            ("ar", "ar, *;q=0.5"),
            ("de", "en;q=0, *"),
            ("de", "de-DE, de;q=0.9, en-US;q=0.8, en;q=0.7"),
        ] {
            assert_eq!(chosen(&[field]), Some(language), "{field}");
        }
        assert_eq!(chosen(&["da;q=0.9", "de;q=0.1"]), Some("de"));
    }

    #[test]
    fn without_a_language_of_ours_there_is_none() {
        for fields in [
            &[][..],
            &[""],
            &["da"],
            &["de;q=0"],
            &["e"],
            &["zh-TW"],
            &["*;q=0"],
        ] {
            assert_eq!(chosen(fields), None, "{fields:?}");
        }
    }

    #[test]
    fn a_field_that_cannot_be_read_is_not_read_at_all() {
        let long = format!("de,{}", "x-y,".repeat(300));
        let many = format!("de{}", ",fr".repeat(MAX_RANGES));
        for field in [
            "de;q",
            "de;q=",
            "de;q=2",
            "de;q=1.001",
            "de;q=0.1234",
            "de;q=-1",
            "de;q=.5",
            "de;q=1e0",
            "de;q=+1",
            "de;q =1",
            "de;level=1",
            "de;q=1;q=1",
            "de_DE",
            "d\u{e9}",
            "de, <b>",
            "de *",
            "de-*",
            &long,
            &many,
        ] {
            assert_eq!(chosen(&[field]), None, "{field}");
        }
        assert_eq!(chosen(&["de", "fr;q=x"]), None);
    }
}
