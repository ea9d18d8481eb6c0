//! The content of a successful validation.

use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use zeroize::Zeroizing;

use super::{
    Password, ProxyGrantingTicket, ProxyGrantingTicketIou,
    released::{GRANTING_TICKET, Released, Unreadable},
};
use crate::Attributes;

/// A user whom a CAS server has vouched for.
///
/// Only a successful validation makes one. `Debug` does not print the user name, the values of attributes, or
/// anything about proxies.
#[derive(Clone)]
pub struct Authentication {
    user: String,
    attributes: Attributes,
    proxies: Vec<String>,
    /// What the answer says outside of the attributes.
    authenticated_at: Option<SystemTime>,
    proxy_granting_ticket_iou: Option<ProxyGrantingTicketIou>,
    /// What was an attribute, and is a secret.
    released: Released,
}

impl Authentication {
    /// Only for the parsers of responses.
    pub(super) fn new(user: String, attributes: Attributes, proxies: Vec<String>) -> Self {
        Self {
            user,
            attributes,
            proxies,
            authenticated_at: None,
            proxy_granting_ticket_iou: None,
            released: Released::default(),
        }
    }

    /// Without a proxy that is only the user's name: some servers name the user there for a direct login. A proxy is
    /// named by its URL. Where proxies are accepted, one may have this name.
    pub(crate) fn without_user_as_proxy(mut self) -> Self {
        let is_user = matches!(self.proxies.as_slice(), [only] if *only == self.user);
        if is_user && !self.user.contains("://") {
            self.proxies.clear();
        }
        self
    }

    /// Notes the answer's name for the proxy-granting ticket. A text that cannot be a ticket is ignored: the user is
    /// still signed in, and this app cannot be their proxy.
    pub(super) fn with_proxy_granting_ticket_iou(self, iou: &str) -> Self {
        Self {
            proxy_granting_ticket_iou: ProxyGrantingTicketIou::parse(iou).ok(),
            ..self
        }
    }

    /// Notes when the user gave their credentials, for answers that have a place for it.
    pub(super) fn with_authentication_date(self, date: &str) -> Self {
        Self {
            authenticated_at: parse_date(date),
            ..self
        }
    }

    /// Takes an attribute out. `None` if it was not there.
    #[cfg(feature = "released-secrets")]
    pub(crate) fn take_attribute(&mut self, name: &str) -> Option<Zeroizing<Vec<String>>> {
        self.attributes.remove(name).map(Zeroizing::new)
    }

    /// Notes what was decrypted.
    #[cfg(feature = "released-secrets")]
    pub(crate) fn set_released(&mut self, released: Released) {
        self.released = released;
    }

    /// Without a key, the attribute with the proxy-granting ticket is of no use to anybody. It is taken out all the same:
    /// some servers do not encrypt it.
    pub(crate) fn drop_granting_ticket(&mut self) {
        if let Some(_wiped) = self.attributes.remove(GRANTING_TICKET).map(Zeroizing::new) {
            self.released.granting_ticket =
                Some(Err(Unreadable("there is no key to decrypt it with")));
        }
    }

    pub(crate) fn released(&self) -> &Released {
        &self.released
    }

    /// The user name: at most 1,024 bytes, with at least one visible character, no white space around it, no control
    /// characters and no invisible ones, such as zero-width ones and those that turn the direction of writing.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// What else the server says about the user, unchanged. Values that look the same need not be the same: rules
    /// compare them byte for byte. Each attribute has a name; an answer with a nameless one is unreadable. CAS 1 says
    /// nothing else.
    ///
    /// An element or a list with others inside is the list of its leaves, under its own name. What is in a JSON object
    /// is an attribute of its own, `object.key`. A list that the server writes as one text stays one.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// The proxies that the ticket came through, most recent first. Empty for a ticket that the user's own browser
    /// brought (CAS protocol 2.6.2). Each has to meet the rules for a user name, except for the length.
    #[must_use]
    pub fn proxies(&self) -> &[String] {
        &self.proxies
    }

    /// The server's name for the proxy-granting ticket that it brought to the
    /// [callback](crate::CasClientBuilder::proxy_callback_url) during this validation (CAS protocol 2.5.4, 3.4).
    ///
    /// `None` if no callback is configured, if the server could not bring the ticket to it or does not let this app
    /// be a proxy, and if the name cannot be a ticket.
    #[must_use]
    pub fn proxy_granting_ticket_iou(&self) -> Option<&ProxyGrantingTicketIou> {
        self.proxy_granting_ticket_iou.as_ref()
    }

    /// The proxy-granting ticket that the server released as an attribute (`proxyGrantingTicket`), decrypted with a
    /// [private key](crate::guide::proxies#without-a-callback) of the app. The layer uses it by itself; this is for a client
    /// without a layer.
    ///
    /// `None` if the server released none, if it cannot be decrypted, and if the client has no key, as without the feature
    /// `released-secrets`.
    #[must_use]
    pub fn proxy_granting_ticket(&self) -> Option<&ProxyGrantingTicket> {
        self.released.granting_ticket.as_ref()?.as_ref().ok()
    }

    /// The user's password that the server released as an attribute (`credential`), decrypted with a
    /// private key of the app. See the [guide](crate::guide::proxies#the-password).
    ///
    /// It is here at sign-in alone, for [`SessionOptions::map`](crate::SessionOptions::map) and
    /// [`SessionOptions::admit`](crate::SessionOptions::admit). The layer does not keep it: not in a cookie, and not in the
    /// registry. Its memory is overwritten when the sign-in is done.
    ///
    /// `None` as for [`proxy_granting_ticket`](Self::proxy_granting_ticket). It has 1 to 501 bytes,
    /// and no control characters.
    #[must_use]
    pub fn credential(&self) -> Option<&Password> {
        self.released.credential.as_ref()?.as_ref().ok()
    }

    /// When the user gave their credentials: the attribute `authenticationDate` (CAS protocol 2.5.7), otherwise the
    /// `AuthenticationInstant` of SAML 1.1. `None` if the server did not say, or if the text does not name an
    /// instant. It may be a date in the usual forms, or a number: seconds since 1970 with a fraction, as in JSON, or
    /// whole milliseconds.
    #[must_use]
    pub fn authentication_date(&self) -> Option<SystemTime> {
        self.attributes
            .first("authenticationDate")
            .and_then(parse_date)
            .or(self.authenticated_at)
    }

    /// Whether the user gave their credentials for this very sign-in, instead of already having a session at the CAS
    /// server (attribute `isFromNewLogin`). `None` if the server did not say.
    #[must_use]
    pub fn is_from_new_login(&self) -> Option<bool> {
        self.flag("isFromNewLogin")
    }

    /// Whether a "remember me" token was used instead of credentials (attribute
    /// `longTermAuthenticationRequestTokenUsed`). `None` if the server did not say.
    #[must_use]
    pub fn long_term_authentication_request_token_used(&self) -> Option<bool> {
        self.flag("longTermAuthenticationRequestTokenUsed")
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match self.attributes.all(name) {
            [value] if value.eq_ignore_ascii_case("true") => Some(true),
            [value] if value.eq_ignore_ascii_case("false") => Some(false),
            // Two values that may contradict each other say nothing.
            _ => None,
        }
    }
}

impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authentication")
            .field("attributes", &self.attributes)
            .field("proxies", &self.proxies.len())
            .finish_non_exhaustive()
    }
}

/// From here on a whole number is of milliseconds: as seconds it would be after the year 5000.
const FIRST_MILLISECONDS: i64 = 100_000_000_000;

/// RFC 3339, RFC 9557 (`[Europe/Paris]`) and RFC 1123 dates, and numbers. A date without an offset names no instant.
fn parse_date(text: &str) -> Option<SystemTime> {
    let timestamp = text
        .parse::<Timestamp>()
        .or_else(|_| rfc2822::parse(text).map(|zoned| zoned.timestamp()))
        .ok()
        .or_else(|| parse_number(text))?;
    SystemTime::try_from(timestamp).ok()
}

/// Seconds since 1970 with a fraction down to nanoseconds, as JSON of Java programs has them, or milliseconds.
fn parse_number(text: &str) -> Option<Timestamp> {
    let is_number = |digits: &str| {
        !digits.is_empty() && digits.len() <= 15 && digits.bytes().all(|b| b.is_ascii_digit())
    };
    let Some((seconds, fraction)) = text.split_once('.') else {
        let number: i64 = is_number(text).then(|| text.parse().ok())??;
        return if number < FIRST_MILLISECONDS {
            Timestamp::from_second(number).ok()
        } else {
            Timestamp::from_millisecond(number).ok()
        };
    };
    if !is_number(seconds) || !is_number(fraction) || fraction.len() > 9 {
        return None;
    }
    let nanoseconds = format!("{fraction:0<9}").parse().ok()?;
    Timestamp::new(seconds.parse().ok()?, nanoseconds).ok()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::Authentication;
    use crate::Attributes;

    fn with(name: &str, values: &[&str]) -> Authentication {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        let attributes = [(name.to_owned(), values)].into_iter().collect();
        Authentication::new("alice".to_owned(), attributes, Vec::new())
    }

    #[test]
    fn an_authentication_date_is_read_in_any_form() {
        let expected = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_447_320_610));
        for text in [
            "2015-11-12T09:30:10Z",
            "2015-11-12T09:30:10+00:00",
            "2015-11-12T10:30:10+01:00",
            "2015-11-12T09:30:10Z[UTC]",
            "2015-11-12T09:30:10+00:00[UTC]",
            "2015-11-12T10:30:10+01:00[Europe/Paris]",
            "2015-11-12 09:30:10+00:00",
            "2015-11-12T09:30:10.000Z",
            "Thu, 12 Nov 2015 09:30:10 GMT",
            "Thu, 12 Nov 2015 10:30:10 +0100",
            "1447320610",
            "1447320610.000000000",
            "1447320610000",
        ] {
            assert_eq!(
                with("authenticationDate", &[text]).authentication_date(),
                expected,
                "{text}"
            );
        }
    }

    /// The largest number of seconds is one below the smallest number of milliseconds.
    #[test]
    fn a_large_number_is_of_milliseconds() {
        for (text, seconds) in [
            ("99999999999", 99_999_999_999),
            ("100000000000", 100_000_000),
        ] {
            assert_eq!(
                with("authenticationDate", &[text]).authentication_date(),
                Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn an_authentication_prints_neither_its_user_nor_their_attributes() {
        let mut authentication = with("mail", &["hidden"]);
        authentication.proxies = vec!["https://hidden.example".to_owned()];
        assert_eq!(
            format!("{authentication:?}"),
            "Authentication { attributes: {\"mail\": 1}, proxies: 1, .. }"
        );
    }

    #[test]
    fn a_granting_ticket_that_cannot_be_decrypted_is_no_attribute_and_counts_as_unreadable() {
        let mut authentication = with("proxyGrantingTicket", &["PGT-1"]);
        authentication.drop_granting_ticket();
        assert!(authentication.attributes().is_empty());
        assert!(matches!(
            authentication.released().granting_ticket,
            Some(Err(_))
        ));
        let mut authentication = with("mail", &["x"]);
        authentication.drop_granting_ticket();
        assert!(authentication.released().granting_ticket.is_none());
    }

    #[test]
    fn fractions_of_a_second_are_kept() {
        for (text, nanoseconds) in [
            ("2015-11-12T09:30:10.123456Z[UTC]", 123_456_000),
            ("2015-11-12T09:30:10.123456789Z[UTC]", 123_456_789),
            ("2015-11-12T09:30:10.123456789Z", 123_456_789),
            ("1447320610.123456789", 123_456_789),
            ("1447320610.5", 500_000_000),
            ("1447320610123", 123_000_000),
        ] {
            assert_eq!(
                with("authenticationDate", &[text]).authentication_date(),
                Some(SystemTime::UNIX_EPOCH + Duration::new(1_447_320_610, nanoseconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn an_unreadable_authentication_date_is_none_and_stays_an_attribute() {
        for text in [
            "",
            "yesterday",
            "2015-11-12",
            "2015-11-12T09:30:10",
            "2015-13-12T09:30:10Z",
            "2015-11-12T09:30:10Z[Nowhere/Atall]x",
            "99999-11-12T09:30:10Z",
            "1447320610.",
            ".5",
            "-1",
            "+1447320610",
            "1447320610.1234567890",
            "1447320610.12.3",
            "1.4E9",
            "9999999999999999999",
            "999999999999.5",
            "١٤٤٧٣٢٠٦١٠",
        ] {
            let authentication = with("authenticationDate", &[text]);
            assert_eq!(authentication.authentication_date(), None, "{text}");
            assert_eq!(
                authentication.attributes().first("authenticationDate"),
                Some(text)
            );
        }
        assert_eq!(with("authenticationDate", &[]).authentication_date(), None);
        assert_eq!(with("other", &["x"]).authentication_date(), None);
    }

    #[test]
    fn the_attribute_says_more_about_the_date_than_the_rest_of_the_answer() {
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        for (attribute, instant, expected) in [
            ("1970-01-01T00:00:01Z", "1970-01-01T00:00:02Z", at(1)),
            ("yesterday", "1970-01-01T00:00:02.000+00:00", at(2)),
            ("1970-01-01T00:00:01Z", "yesterday", at(1)),
            ("yesterday", "", None),
        ] {
            let authentication =
                with("authenticationDate", &[attribute]).with_authentication_date(instant);
            assert_eq!(
                authentication.authentication_date(),
                expected,
                "{attribute}"
            );
        }
        let silent = with("mail", &["x"]).with_authentication_date("1970-01-01T00:00:02Z");
        assert_eq!(silent.authentication_date(), at(2));
    }

    #[test]
    fn flags_are_true_or_false_in_any_case_and_otherwise_unsaid() {
        for (values, expected) in [
            (&["true"][..], Some(true)),
            (&["TRUE"], Some(true)),
            (&["False"], Some(false)),
            (&["yes"], None),
            (&[""], None),
            (&[], None),
            (&["true", "false"], None),
        ] {
            assert_eq!(with("isFromNewLogin", values).is_from_new_login(), expected);
            assert_eq!(
                with("longTermAuthenticationRequestTokenUsed", values)
                    .long_term_authentication_request_token_used(),
                expected
            );
        }
        let silent = Authentication::new("alice".to_owned(), Attributes::new(), Vec::new());
        assert_eq!(silent.is_from_new_login(), None);
    }

    #[test]
    fn debug_prints_neither_the_user_nor_values_nor_proxies_nor_the_iou() {
        let authentication = Authentication::new(
            "alice-name".to_owned(),
            [("mail".to_owned(), vec!["value-x".to_owned()])]
                .into_iter()
                .collect(),
            vec!["https://proxy-x/".to_owned()],
        )
        .with_proxy_granting_ticket_iou("PGTIOU-x");
        assert!(authentication.proxy_granting_ticket_iou().is_some());
        let printed = format!("{authentication:?}");
        for hidden in ["alice-name", "value-x", "proxy-x", "PGTIOU-x"] {
            assert!(!printed.contains(hidden), "{printed}");
        }
    }
}
