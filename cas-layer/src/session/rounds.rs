//! Counts the rounds of a browser that signs in again and again and never gets a page.
//!
//! The count is not sealed: it has to be read by nodes that cannot open each other's cookies. Anyone who
//! changes it gets a page too early, or too late.

use http::{HeaderMap, HeaderValue};

use super::cookie::{CookieShape, find_cookie};

/// How long a count is kept, in seconds. A round of a circle takes less, unless somebody types a password.
const LASTS: u32 = 60;

/// Reads and writes the cookie with the count. Only a browser in which a round went wrong has one.
#[derive(Debug)]
pub(crate) struct RoundsCookie {
    shape: CookieShape,
}

impl RoundsCookie {
    pub(crate) fn new(shape: CookieShape) -> Self {
        Self { shape }
    }

    pub(crate) fn name(&self) -> &str {
        &self.shape.name
    }

    /// The number of the round that came back last; 0 without a count.
    pub(crate) fn read(&self, headers: &HeaderMap) -> u8 {
        let count = find_cookie(headers, &self.shape.name, |value| match value {
            [digit @ b'1'..=b'9'] => Some(digit - b'0'),
            _ => None,
        });
        count.unwrap_or(0)
    }

    /// The `Set-Cookie` value for a round that comes back.
    pub(crate) fn write(&self, round: u8) -> Option<HeaderValue> {
        self.shape.set(&round.min(9).to_string(), Some(LASTS))
    }

    /// Ends the count, whether there is one or not.
    pub(crate) fn clear(&self) -> Option<HeaderValue> {
        self.shape.clear()
    }

    /// Ends the count, if there is one.
    pub(crate) fn end(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        (self.read(headers) > 0).then(|| self.shape.clear())?
    }
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;

    use super::*;

    #[test]
    fn a_count_is_read_back_and_nonsense_is_none() {
        let cookie = RoundsCookie::new(CookieShape {
            name: "r".to_owned(),
            secure: true,
            cross_site: false,
            partitioned: false,
        });
        let read = |pair: &str| {
            let field = HeaderValue::try_from(pair).unwrap();
            cookie.read(&HeaderMap::from_iter([(COOKIE, field)]))
        };
        let set = cookie.write(2).unwrap();
        let set = set.to_str().unwrap();
        assert!(set.contains("Max-Age=60"), "{set}");
        assert_eq!(read(set.split(';').next().unwrap()), 2);
        for pair in ["r=", "r=0", "r=x", "r=10", "r=-1", "s=2"] {
            assert_eq!(read(pair), 0, "{pair}");
        }
        assert!(set.starts_with(&format!("{}=", cookie.name())), "{set}");
    }

    #[test]
    fn a_count_that_is_there_ends_and_after_a_form_of_another_site_so_does_one_that_does_not_show()
    {
        let cookie = RoundsCookie::new(CookieShape {
            name: "r".to_owned(),
            secure: true,
            cross_site: false,
            partitioned: false,
        });
        let headers = |pair| HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(pair))]);
        for set in [cookie.clear(), cookie.end(&headers("a=b; r=1"))] {
            let set = set.unwrap();
            let set = set.to_str().unwrap();
            assert!(set.starts_with("r=;") && set.contains("Max-Age=0"), "{set}");
        }
        for without in [HeaderMap::new(), headers("r=0"), headers("a=1")] {
            assert_eq!(cookie.end(&without), None, "{without:?}");
        }
    }
}
