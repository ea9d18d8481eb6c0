//! `authenticationDate` in the forms that servers send.

use jiff::Timestamp;

use crate::testing::{Quirk, quirks::Quirks};

pub(super) fn write(date: Timestamp, quirks: &Quirks) -> String {
    if quirks.has(Quirk::DateUnreadable) {
        return "the day before yesterday".to_owned();
    }
    if quirks.has(Quirk::DateWithOffset) {
        return date.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string();
    }
    if quirks.has(Quirk::DateWithUtcZone) {
        return date.strftime("%Y-%m-%dT%H:%M:%S.%3fZ[UTC]").to_string();
    }
    if quirks.has(Quirk::DateRfc1123) {
        return date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    }
    if quirks.has(Quirk::DateWithRegion)
        && let Ok(date) = date.in_tz("Europe/Paris")
    {
        return date
            .strftime("%Y-%m-%dT%H:%M:%S.%3f%:z[Europe/Paris]")
            .to_string();
    }
    date.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The instants of SAML, which have no other form than this but for their precision.
pub(super) fn instant(date: Timestamp, quirks: &Quirks) -> String {
    if quirks.has(Quirk::DateWithOffset) {
        return write(date, quirks);
    }
    date.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::{Quirk, write};

    #[track_caller]
    fn written(quirk: Option<Quirk>) -> String {
        let date = "2015-11-12T09:30:10.123456Z".parse().unwrap();
        write(date, &quirk.into_iter().collect())
    }

    #[test]
    fn a_date_is_written_as_in_the_protocol_text_or_as_a_quirk_says() {
        assert_eq!(written(None), "2015-11-12T09:30:10Z");
        assert_eq!(
            written(Some(Quirk::DateWithOffset)),
            "2015-11-12T09:30:10.123456+00:00"
        );
        assert_eq!(
            written(Some(Quirk::DateWithUtcZone)),
            "2015-11-12T09:30:10.123Z[UTC]"
        );
        assert_eq!(
            written(Some(Quirk::DateWithRegion)),
            "2015-11-12T10:30:10.123+01:00[Europe/Paris]"
        );
        assert_eq!(
            written(Some(Quirk::DateRfc1123)),
            "Thu, 12 Nov 2015 09:30:10 GMT"
        );
        assert_eq!(
            written(Some(Quirk::DateUnreadable)),
            "the day before yesterday"
        );
    }
}
