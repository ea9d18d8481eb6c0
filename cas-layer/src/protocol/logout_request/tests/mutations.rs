//! Valid messages with something changed in them: nothing panics, and nobody is signed out whom the message
//! does not name. The changes are the same on every run.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::{
    LogoutRequest, Sessions, deflate, encode, form, from_xml, index, request, sessions, usual, zlib,
};

const ROUNDS: usize = 3_000;

/// The generator `SplitMix64`: small, and good enough to choose what to break.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let z = z ^ (z >> 31);
        usize::try_from(z % u64::try_from(bound).unwrap()).unwrap()
    }

    /// A range of up to 40 bytes.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length);
        start..length.min(start + 1 + self.below(40))
    }

    /// Changes one to three things.
    fn mutate(&mut self, original: &[u8]) -> Vec<u8> {
        let mut bytes = original.to_vec();
        for _ in 0..=self.below(3) {
            if bytes.is_empty() {
                break;
            }
            let range = self.range(bytes.len());
            let at = range.start;
            match self.below(6) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = u8::try_from(self.below(256)).unwrap(),
                2 => bytes[at] = b"<>/&;:'\"=!-?[]%+ \n\0"[self.below(19)],
                3 => drop(bytes.drain(range)),
                4 => bytes.truncate(at),
                _ => {
                    let copy = bytes[range].to_vec();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, copy);
                }
            }
        }
        bytes
    }
}

/// Two sessions, with everything around them that servers write.
fn two() -> String {
    request(&format!(
        "<!-- c --><n a='b'>alice</n>\n{}\r\n{}",
        index("ST-1-aaaaaaaaaaaa"),
        index("ST-2-bbbbbbbbbbbb")
    ))
}

/// How many of the changed messages were read nevertheless. Without any, a test would say little.
fn count_read(
    seed: u64,
    original: &[u8],
    read: impl Fn(&[u8]) -> Sessions,
    is_named: impl Fn(&str, &[u8]) -> bool,
) -> usize {
    let mut random = Random(seed);
    (0..ROUNDS)
        .filter(|round| {
            let changed = random.mutate(original);
            let Ok(sessions) = read(&changed) else {
                return false;
            };
            for session in sessions {
                assert!(
                    is_named(&session, &changed),
                    "{round}: {session} in {:?}",
                    String::from_utf8_lossy(&changed)
                );
            }
            true
        })
        .count()
}

/// Whether the session stands in the document as a whole, not as a part of something longer.
fn stands_in(session: &str, document: &[u8]) -> bool {
    String::from_utf8_lossy(document)
        .split(|c: char| !c.is_ascii_graphic() || "\"'`<>&".contains(c))
        .any(|word| word == session)
}

#[test]
fn a_changed_document_names_only_what_stands_in_it() {
    for (seed, document) in [usual(), two()].iter().enumerate() {
        let read = count_read(
            seed as u64,
            document.as_bytes(),
            |document| from_xml(document),
            stands_in,
        );
        assert!((50..ROUNDS - 50).contains(&read), "{read}");
    }
}

#[test]
fn a_changed_form_names_only_what_stands_in_it() {
    for (seed, document) in [usual(), two()].iter().enumerate() {
        let read = count_read(
            seed as u64,
            &form(document),
            |body| sessions(LogoutRequest::from_form(body)),
            |session, body| {
                form_urlencoded::parse(body).any(|(_, value)| stands_in(session, value.as_bytes()))
            },
        );
        assert!((50..ROUNDS - 50).contains(&read), "{read}");
    }
}

#[test]
fn a_changed_zlib_stream_names_only_the_original() {
    // Its checksum finds every change.
    for (seed, document) in [usual(), two()].iter().enumerate() {
        let original = from_xml(document).unwrap();
        let read = count_read(
            seed as u64,
            &zlib(document),
            |stream| {
                let value = encode(BASE64_STANDARD.encode(stream));
                sessions(LogoutRequest::from_query(&format!("SAMLRequest={value}")))
            },
            |session, _| original.iter().any(|known| known == session),
        );
        assert!(read < ROUNDS / 10, "{read}");
    }
}

#[test]
fn a_changed_stream_or_query_does_no_harm() {
    for (seed, document) in [usual(), two()].iter().enumerate() {
        let stream = BASE64_STANDARD.encode(deflate(document));
        let query = format!("a=b&SAMLRequest={}&RelayState=c", encode(&stream));
        let read =
            |query: &[u8]| sessions(LogoutRequest::from_query(&String::from_utf8_lossy(query)));
        // Raw deflate has no checksum: a changed ticket is a ticket, of nobody.
        count_read(seed as u64, query.as_bytes(), read, |_, _| true);
        let stream = deflate(document);
        let read = |stream: &[u8]| {
            let value = encode(BASE64_STANDARD.encode(stream));
            sessions(LogoutRequest::from_query(&format!("SAMLRequest={value}")))
        };
        count_read(seed as u64, &stream, read, |_, _| true);
    }
}
