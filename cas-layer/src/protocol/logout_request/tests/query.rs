//! The front channel, but for the XML.

use base64::prelude::{
    BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD, Engine as _,
};

use super::{
    InvalidLogoutRequest, KIB, LogoutRequest, Sessions, USUAL_TICKET, deflate, encode, index,
    named, numbered, request, sessions, unreadable, usual, zlib,
};

const TOO_FAR: &str = "it inflates to more than its bound";
const NO_DEFLATE: &str = "it is neither deflate nor zlib";
const NO_BASE64: &str = "it is neither XML nor base64";

fn from_query(query: impl AsRef<str>) -> Sessions {
    sessions(LogoutRequest::from_query(query.as_ref()))
}

/// The deflated bytes as `SAMLRequest`.
fn from_bytes(deflated: impl AsRef<[u8]>) -> Sessions {
    let value = encode(BASE64_STANDARD.encode(deflated));
    from_query(format!("SAMLRequest={value}"))
}

#[test]
fn each_form_of_the_request_is_read_from_either_parameter() {
    let usual = usual();
    for name in ["logoutRequest", "SAMLRequest"] {
        for value in [
            usual.clone(),
            format!("\u{feff}\r\n{usual}"),
            BASE64_STANDARD.encode(deflate(&usual)),
            BASE64_STANDARD.encode(zlib(&usual)),
        ] {
            let query = format!("{name}={}", encode(&value));
            assert_eq!(from_query(query), named(&[USUAL_TICKET]), "{name}={value}");
        }
    }
}

#[test]
fn other_parameters_do_not_matter() {
    let value = encode(BASE64_STANDARD.encode(deflate(usual())));
    for query in [
        format!("SAMLRequest={value}&RelayState=e1s1"),
        format!("next=%2Fa&b=tag&SAMLRequest={value}&callback=jQuery1&_=1"),
        format!("SAMLRequest={value}&SAMLEncoding=urn%3Aoasis&Signature=x&SigAlg=y"),
    ] {
        assert_eq!(from_query(&query), named(&[USUAL_TICKET]), "{query}");
    }
}

#[test]
fn only_one_parameter_may_be_the_request() {
    let value = encode(BASE64_STANDARD.encode(deflate(usual())));
    for (query, error) in [
        (String::new(), InvalidLogoutRequest::Missing),
        ("next=%2Fa".to_owned(), InvalidLogoutRequest::Missing),
        (
            format!("samlrequest={value}"),
            InvalidLogoutRequest::Missing,
        ),
        (
            format!("SAMLResponse={value}"),
            InvalidLogoutRequest::Missing,
        ),
        (
            format!("SAMLRequest={value}&logoutRequest={value}"),
            InvalidLogoutRequest::Repeated,
        ),
        (
            format!("SAMLRequest={value}&SAMLRequest={value}"),
            InvalidLogoutRequest::Repeated,
        ),
        (
            format!("logoutRequest={value}&logoutRequest="),
            InvalidLogoutRequest::Repeated,
        ),
        (
            format!("SAMLRequest={value}&ticket=ST-1"),
            InvalidLogoutRequest::WithTicket,
        ),
    ] {
        assert_eq!(from_query(&query), Err(error), "{query}");
    }
}

#[test]
fn base64_is_read_in_every_spelling() {
    // Messages of many lengths have every number of padding characters, and both special ones.
    let mut special = String::new();
    for length in 1..50 {
        let ticket = "ST-".to_owned() + &"aB3~_".repeat(length)[..length];
        let document = request(&index(&ticket));
        for bytes in [deflate(&document), zlib(&document)] {
            let standard = BASE64_STANDARD.encode(&bytes);
            special.push_str(&standard);
            let lines: Vec<&str> = standard
                .as_bytes()
                .chunks(76)
                .map(|line| str::from_utf8(line).unwrap())
                .collect();
            for value in [
                standard.clone(),
                standard.replace('+', " "),
                BASE64_STANDARD_NO_PAD.encode(&bytes),
                BASE64_URL_SAFE.encode(&bytes),
                BASE64_URL_SAFE_NO_PAD.encode(&bytes),
                lines.join("\r\n"),
                lines.join("\n") + "\n",
            ] {
                for query in [
                    format!("logoutRequest={}", encode(&value)),
                    // Not encoded, as a careless server writes it.
                    format!("SAMLRequest={value}"),
                ] {
                    assert_eq!(from_query(&query), named(&[&ticket]), "{query}");
                }
            }
        }
    }
    for character in ['+', '/'] {
        assert!(special.contains(character));
    }
    for padding in ["=", "=="] {
        assert!(special.contains(padding));
    }
}

#[test]
fn what_is_neither_xml_nor_base64_is_refused() {
    let value = BASE64_STANDARD.encode(deflate(usual()));
    for (value, expected) in [
        (String::new(), unreadable(NO_DEFLATE)),
        ("=".to_owned(), unreadable(NO_BASE64)),
        ("x".to_owned(), unreadable(NO_BASE64)),
        (format!("{value}!"), unreadable(NO_BASE64)),
        (
            format!("{}=x", value.trim_end_matches('=')),
            unreadable(NO_BASE64),
        ),
        (format!("x<{value}"), unreadable(NO_BASE64)),
        (
            "{\"logoutRequest\":\"x\"}".to_owned(),
            unreadable(NO_BASE64),
        ),
        (BASE64_STANDARD.encode(usual()), unreadable(NO_DEFLATE)),
        (BASE64_STANDARD.encode([0; 100]), unreadable(NO_DEFLATE)),
        (BASE64_STANDARD.encode([0xff; 100]), unreadable(NO_DEFLATE)),
    ] {
        let query = format!("logoutRequest={}", encode(&value));
        assert_eq!(from_query(&query), expected, "{value}");
    }
    // Encoded twice.
    let twice = BASE64_STANDARD.encode(deflate(&value));
    assert_eq!(
        from_query(format!("SAMLRequest={}", encode(twice))),
        unreadable("it is not well-formed XML")
    );
}

#[test]
fn a_stream_that_is_cut_or_goes_on_is_refused() {
    for stream in [deflate(usual()), zlib(usual())] {
        for end in 0..stream.len() {
            assert_eq!(from_bytes(&stream[..end]), unreadable(NO_DEFLATE), "{end}");
        }
        for tail in [&[0][..], &[0; 100], &stream] {
            assert_eq!(from_bytes([&stream, tail].concat()), unreadable(NO_DEFLATE));
        }
    }
}

#[test]
fn zlib_with_a_wrong_checksum_or_a_dictionary_is_refused() {
    let mut stream = zlib(usual());
    *stream.last_mut().unwrap() ^= 1;
    assert_eq!(from_bytes(&stream), unreadable(NO_DEFLATE));
    let dictionary = [0x78, 0xbb, 0, 0, 0, 1];
    assert_eq!(from_bytes(dictionary), unreadable(NO_DEFLATE));
}

#[test]
fn a_stored_block_is_deflate_too() {
    let usual = usual();
    let length = u16::try_from(usual.len()).unwrap();
    let mut stream = vec![1];
    stream.extend_from_slice(&length.to_le_bytes());
    stream.extend_from_slice(&(!length).to_le_bytes());
    stream.extend_from_slice(usual.as_bytes());
    assert_eq!(from_bytes(&stream), named(&[USUAL_TICKET]));
}

/// A request of exactly `length` bytes with nothing but spaces in the rest of it.
fn padded(length: usize) -> String {
    let usual = usual();
    let spaces = " ".repeat(length - usual.len());
    usual + &spaces
}

#[test]
fn a_request_inflates_to_4_kib_at_any_ratio() {
    for compress in [deflate, zlib] {
        let stream = compress(padded(4 * KIB));
        assert!(stream.len() * 10 < 4 * KIB);
        assert_eq!(from_bytes(&stream), named(&[USUAL_TICKET]));
        assert_eq!(
            from_bytes(compress(padded(4 * KIB + 1))),
            unreadable(TOO_FAR)
        );
    }
}

#[test]
fn a_longer_request_inflates_to_ten_times_its_length() {
    // Tickets without a pattern in them, so that the stream is long, and spaces.
    let tickets = numbered(20, |i| {
        let digits = numbered(6, |j| (i * 7_919 + j * 104_729).pow(3).to_string());
        index(&digits)
    });
    let document = request(&tickets);
    let with_spaces = |count: usize| document.clone() + &" ".repeat(count);
    for compress in [deflate, zlib] {
        // One more space changes the length of the stream by nothing or a byte, so the ratio is passed once.
        let refused: Vec<bool> = (0..60_000)
            .step_by(2_000)
            .map(with_spaces)
            .take_while(|document| document.len() <= 64 * KIB)
            .map(|document| {
                let stream = compress(document.clone());
                assert!(stream.len() * 10 > 4 * KIB);
                let expected = document.len() > stream.len() * 10;
                let sessions = from_bytes(&stream);
                assert_eq!(sessions == unreadable(TOO_FAR), expected);
                assert_eq!(sessions.is_ok(), !expected);
                expected
            })
            .collect();
        assert!(refused.contains(&false) && refused.contains(&true));
    }
}

#[test]
fn no_request_inflates_to_more_than_64_kib() {
    // Enough of it that the ratio is no bound.
    let noise = numbered(3_000, |i| i.pow(3).wrapping_mul(2_654_435_761).to_string());
    for (length, expected) in [
        (64 * KIB - 1, named(&["ST-1"])),
        (64 * KIB, named(&["ST-1"])),
        (64 * KIB + 1, unreadable(TOO_FAR)),
    ] {
        let document = format!("{}<!--{noise}-->", request(&index("ST-1")));
        let document = document.clone() + &" ".repeat(length - document.len());
        for stream in [deflate(&document), zlib(&document)] {
            assert!(stream.len() * 10 > length);
            assert_eq!(from_bytes(&stream), expected);
        }
    }
}

#[test]
fn a_query_has_up_to_64_kib() {
    let query = format!("logoutRequest={}&", encode(usual()));
    for (length, expected) in [
        (64 * KIB, named(&[USUAL_TICKET])),
        (64 * KIB + 1, unreadable("it is longer than 64 KiB")),
    ] {
        let padding = "x".repeat(length - query.len());
        assert_eq!(from_query(format!("{query}{padding}")), expected);
    }
}

#[test]
fn a_bomb_is_refused() {
    let bombs = [
        vec![b' '; 2_000_000],
        vec![0; 2_000_000],
        [usual().into_bytes(), vec![b' '; 2_000_000]].concat(),
    ];
    for bomb in bombs {
        for stream in [deflate(&bomb), zlib(&bomb)] {
            assert_eq!(from_bytes(&stream), unreadable(TOO_FAR));
        }
    }
    // A bomb in a bomb.
    let twice = deflate(deflate(vec![0; 2_000_000]));
    assert!(from_bytes(twice).is_err());
    // Endless empty blocks, of no length at all.
    assert_eq!(
        from_bytes([0, 0, 0, 0xff, 0xff].repeat(1_000)),
        unreadable(NO_DEFLATE)
    );
}

#[test]
fn what_was_inflated_is_held_to_the_rules_for_xml() {
    for (document, reason) in [
        (format!("<!DOCTYPE x>{}", usual()), "it has a DOCTYPE"),
        ("<a>".repeat(100), "it is nested too deeply"),
        (request(""), "it has no `SessionIndex`"),
        (
            "<LogoutRequest/>".to_owned(),
            "it is XML, but no SAML `LogoutRequest`",
        ),
        (String::new(), "it is not well-formed XML"),
    ] {
        assert_eq!(from_bytes(deflate(&document)), unreadable(reason));
    }
    let in_latin_1 = request(&format!("<n>!</n>{}", index("ST-1")))
        .bytes()
        .map(|byte| if byte == b'!' { 0xe9 } else { byte })
        .collect::<Vec<u8>>();
    assert_eq!(from_bytes(deflate(in_latin_1)), named(&["ST-1"]));
}
