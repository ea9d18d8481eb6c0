//! What other implementations have made.

use data_encoding::HEXLOWER_PERMISSIVE;

use super::{
    Claims, Expected, JwtContentKey, JwtKey, TokenKeys,
    content::{Encrypted, Encryption},
};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).unwrap()
}

/// A key, a text and a tag.
type Vector = (Encryption, Vec<u8>, Vec<u8>, Vec<u8>);

/// RFC 7518, appendices B.1 and B.3.
fn vectors() -> [Vector; 2] {
    [
        (
            Encryption::A128CbcHs256,
            (0..32).collect(),
            bytes(
                "c8 0e df a3 2d df 39 d5 ef 00 c0 b4 68 83 42 79 a2 e4 6a 1b 80 49 f7 92 f7 6b fe 54 b9 03 a9 c9 \
                 a9 4a c9 b4 7a d2 65 5c 5f 10 f9 ae f7 14 27 e2 fc 6f 9b 3f 39 9a 22 14 89 f1 63 62 c7 03 23 36 \
                 09 d4 5a c6 98 64 e3 32 1c f8 29 35 ac 40 96 c8 6e 13 33 14 c5 40 19 e8 ca 79 80 df a4 b9 cf 1b \
                 38 4c 48 6f 3a 54 c5 10 78 15 8e e5 d7 9d e5 9f bd 34 d8 48 b3 d6 95 50 a6 76 46 34 44 27 ad e5 \
                 4b 88 51 ff b5 98 f7 f8 00 74 b9 47 3c 82 e2 db",
            ),
            bytes("65 2c 3f a3 6b 0a 7c 5b 32 19 fa b3 a3 0b c1 c4"),
        ),
        (
            Encryption::A256CbcHs512,
            (0..64).collect(),
            bytes(
                "4a ff aa ad b7 8c 31 c5 da 4b 1b 59 0d 10 ff bd 3d d8 d5 d3 02 42 35 26 91 2d a0 37 ec bc c7 bd \
                 82 2c 30 1d d6 7c 37 3b cc b5 84 ad 3e 92 79 c2 e6 d1 2a 13 74 b7 7f 07 75 53 df 82 94 10 44 6b \
                 36 eb d9 70 66 29 6a e6 42 7e a7 5c 2e 08 46 a1 1a 09 cc f5 37 0d c8 0b fe cb ad 28 c7 3f 09 b3 \
                 a3 b7 5e 66 2a 25 94 41 0a e4 96 b2 e2 e6 60 9e 31 e6 e0 2c c8 37 f0 53 d2 1f 37 ff 4f 51 95 0b \
                 be 26 38 d0 9d d7 a4 93 09 30 80 6d 07 03 b1 f6",
            ),
            bytes(
                "4d d3 b4 c0 88 a7 f4 5c 21 68 39 64 5b 20 12 bf 2e 62 69 a8 c5 6a 81 6d bc 1b 26 77 61 95 5b c5",
            ),
        ),
    ]
}

const IV: &str = "1a f3 8c 2d c2 b9 6f fd d8 66 94 09 23 41 bc 04";

#[test]
fn the_examples_of_rfc_7518_are_decrypted() {
    for (encryption, key, text, tag) in vectors() {
        let encrypted = Encrypted {
            header: b"The second principle of Auguste Kerckhoffs",
            iv: &bytes(IV),
            text: &text,
            tag: &tag,
        };
        assert_eq!(
            &encryption.open(&key, &encrypted).unwrap()[..],
            b"A cipher system must not be required to be secret, and it must be able to fall into the hands of \
              the enemy without inconvenience"
        );
    }
}

#[test]
fn nothing_opens_after_any_byte_was_changed() {
    let header = b"The second principle of Auguste Kerckhoffs".to_vec();
    for (encryption, key, text, tag) in vectors() {
        let parts = [key, header.clone(), bytes(IV), text, tag];
        let open = |parts: &[Vec<u8>; 5]| {
            let [key, header, iv, text, tag] = parts;
            encryption
                .open(
                    key,
                    &Encrypted {
                        header,
                        iv,
                        text,
                        tag,
                    },
                )
                .is_some()
        };
        assert!(open(&parts));
        for part in 0..parts.len() {
            for byte in 0..parts[part].len() {
                let mut changed = parts.clone();
                changed[part][byte] ^= 1;
                assert!(!open(&changed), "byte {byte} of part {part}");
            }
            let mut shorter = parts.clone();
            shorter[part].pop();
            assert!(!open(&shorter), "a shorter part {part}");
            shorter[part].clear();
            assert!(!open(&shorter), "an empty part {part}");
        }
    }
}

/// RFC 7515, appendix A.1.
#[test]
fn the_example_of_rfc_7515_is_verified() {
    let key = base64::Engine::decode(
        &base64::prelude::BASE64_URL_SAFE_NO_PAD,
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    );
    let keys = TokenKeys::new(&JwtKey::hs256(key.unwrap()), None).unwrap();
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9le\
                 GFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    assert_eq!(
        &**keys.open(token).unwrap(),
        "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"
    );
    for at in [10, 60, token.len() - 5] {
        let mut changed = token.as_bytes().to_vec();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(keys.open(&changed).is_err(), "{at}");
    }
}

#[test]
fn tokens_are_told_from_other_tickets() {
    for token in [
        "eyJhbGciOiJIUzUxMiJ9.ZXlK.c2ln",
        "eyJ9..a.b.c",
        "ewogfQ.x.y",
    ] {
        assert!(TokenKeys::is_token(token), "{token}");
    }
    for other in [
        "ST-1-ab_cd.example.org",
        "ST-1",
        "eyJhbGciOiJIUzUxMiJ9.ZXlK",
        "eyJhbGciOiJIUzUxMiJ9.a.b.c",
        "eyJhbGciOiJIUzUxMiJ9.ZX=K.c2ln",
        "ey.a.b",
        "..",
        "",
    ] {
        assert!(!TokenKeys::is_token(other), "{other}");
    }
}

/// Clocks may differ by 30 seconds.
#[test]
fn a_token_counts_from_its_beginning_up_to_its_end() {
    const NOW: u64 = 1_700_000_000;
    for (issued, not_before, expires, counts) in [
        (NOW, NOW, NOW + 1, true),
        (NOW + 30, 0, NOW + 60, true),
        (NOW + 31, 0, NOW + 60, false),
        (NOW, NOW + 30, NOW + 60, true),
        (NOW, NOW + 31, NOW + 60, false),
        (NOW - 60, 0, NOW - 29, true),
        (NOW - 60, 0, NOW - 30, false),
        (NOW - 629, 0, NOW + 60, true),
        (NOW - 630, 0, NOW + 60, false),
    ] {
        let json = format!(
            r#"{{"iss":"https://cas.example.org","aud":"https://app.example.org/","sub":"alice","jti":"ST-1",
                "iat":{issued},"nbf":{not_before},"exp":{expires}}}"#
        );
        let checked = Claims::read(&json).unwrap().check(&Expected {
            issuer: "https://cas.example.org",
            service: "https://app.example.org/",
            now: NOW,
            is_renewed: false,
        });
        assert_eq!(checked.is_ok(), counts, "{json}");
    }
}

#[test]
fn a_key_prints_its_algorithm_and_nothing_of_itself() {
    let signing = JwtKey::hs512("hidden".repeat(12));
    assert_eq!(format!("{signing:?}"), "JwtKey { algorithm: HS512, .. }");
    let content = JwtContentKey::a128cbc_hs256("hidden");
    assert_eq!(
        format!("{content:?}"),
        "JwtContentKey { encryption: A128CbcHs256, .. }"
    );
}
