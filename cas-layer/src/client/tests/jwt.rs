//! Tickets that are JSON web tokens. There is no server here at all.

use std::error::Error as _;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa::KeySize,
    signature::{KeyPair as _, RsaKeyPair},
};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{SERVICE, builder, or_hang, server::Server};
use crate::{
    Authentication, CasClient, ConfigError, JwtContentKey, JwtKey, JwtTickets, ServiceTicket,
    ServiceUrl, ValidationError, ValidationErrorKind, testing::JwtIssuer,
};

const CAS: &str = "https://cas.example.org/cas";
/// As Apereo CAS generates them: 64 and 32 bytes in base64url.
const SECRET: &str = "hidden-qeALfMKRSME3mkHy0Qis6mhbGQFzps0ZiU-qyjsPOq_tYyR4fk2uAQR3wZfYTAlGG";
const CONTENT_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn client_of(tickets: JwtTickets) -> CasClient {
    builder(CAS).jwt_tickets(tickets).build().unwrap()
}

fn signed() -> CasClient {
    client_of(JwtTickets::signed_by(JwtKey::hs512(SECRET)))
}

fn encrypted() -> CasClient {
    let key = JwtContentKey::a128cbc_hs256(CONTENT_KEY);
    client_of(JwtTickets::signed_by(JwtKey::hs512(SECRET)).encrypted_with(key))
}

fn issuer() -> JwtIssuer {
    JwtIssuer::hs512(SECRET)
}

fn encrypting() -> JwtIssuer {
    issuer().encrypt("A128CBC-HS256", CONTENT_KEY)
}

/// What a token of alice says, with some of it changed; `null` takes a claim away.
fn claims(changes: &Value) -> String {
    let now = Timestamp::now().as_second();
    let mut claims = json!({
        "iss": CAS, "aud": SERVICE, "sub": "alice", "jti": "ST-1-hidden", "iat": now, "exp": now + 28_800,
        "mail": "alice@wonderland.example", "memberOf": ["rabbits", "猫"], "age": 7, "isFromNewLogin": false,
    });
    for (name, value) in changes.as_object().unwrap() {
        let all = claims.as_object_mut().unwrap();
        match value {
            Value::Null => drop(all.remove(name)),
            value => drop(all.insert(name.clone(), value.clone())),
        }
    }
    claims.to_string()
}

async fn validate(client: &CasClient, token: &str) -> Result<Authentication, ValidationError> {
    let ticket = ServiceTicket::parse(token).unwrap();
    let service = ServiceUrl::parse(SERVICE).unwrap();
    or_hang(client.validate(&ticket, &service)).await
}

/// What is said of a token that does not count.
async fn refused(client: &CasClient, token: &str) -> String {
    let error = validate(client, token).await.unwrap_err();
    assert_eq!(error.kind(), ValidationErrorKind::Refused, "{error}");
    assert!(error.source().is_none());
    let printed = format!("{error} {error:?}");
    assert!(
        !printed.contains("hidden") && !printed.contains("alice"),
        "{printed}"
    );
    error.to_string()
}

fn part(json: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(json)
}

/// A private key and its public one, in PEM form.
fn rsa() -> [String; 2] {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    let pem = |label: &str, der: &[u8]| {
        let lines = BASE64_STANDARD.encode(der);
        let lines: Vec<&str> = lines
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        format!(
            "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
            lines.join("\n")
        )
    };
    [
        pem("PRIVATE KEY", private.as_ref()),
        pem("PUBLIC KEY", public.as_ref()),
    ]
}

#[tokio::test]
async fn a_token_names_its_user_without_a_server() {
    let token = issuer().token(&claims(&json!({}))).unwrap();
    let alice = validate(&signed(), &token).await.unwrap();
    assert_eq!(alice.user(), "alice");
    assert_eq!(alice.attributes().all("memberOf"), ["rabbits", "猫"]);
    assert_eq!(alice.attributes().first("age"), Some("7"));
    assert_eq!(alice.is_from_new_login(), Some(false));
    assert_eq!(alice.attributes().len(), 4, "{:?}", alice.attributes());
    assert!(alice.proxies().is_empty());
}

#[tokio::test]
async fn each_kind_of_token_is_read() {
    let long = BASE64_URL_SAFE_NO_PAD.encode((0..64).collect::<Vec<u8>>());
    let [private, public] = rsa();
    let hs512 = || JwtTickets::signed_by(JwtKey::hs512(SECRET));
    let a128 = || hs512().encrypted_with(JwtContentKey::a128cbc_hs256(CONTENT_KEY));
    let a256 = || hs512().encrypted_with(JwtContentKey::a256cbc_hs512(long.as_str()));
    let gcm = || hs512().encrypted_with(JwtContentKey::a256gcm(CONTENT_KEY));
    for (tickets, issuer) in [
        (
            JwtTickets::signed_by(JwtKey::hs256(SECRET)),
            JwtIssuer::hs256(SECRET),
        ),
        (
            JwtTickets::signed_by(JwtKey::rs256(public.as_str())),
            JwtIssuer::rs256(private.as_str()),
        ),
        (
            JwtTickets::signed_by(JwtKey::rs512(public.as_str())),
            JwtIssuer::rs512(private.as_str()),
        ),
        (a128(), encrypting()),
        (a128(), encrypting().sign_first()),
        (a128(), encrypting().deflate()),
        (a128(), encrypting().deflate().sign_first()),
        (a256(), issuer().encrypt("A256CBC-HS512", &long)),
        (
            a256(),
            issuer().encrypt("A256CBC-HS512", &long).sign_first(),
        ),
        (gcm(), issuer().encrypt("A256GCM", CONTENT_KEY)),
        (gcm(), issuer().encrypt("A256GCM", CONTENT_KEY).sign_first()),
    ] {
        let client = client_of(tickets);
        let token = issuer.token(&claims(&json!({}))).unwrap();
        let alice = validate(&client, &token).await.unwrap();
        assert_eq!(alice.user(), "alice", "{client:?}");
    }
}

#[tokio::test]
async fn a_token_counts_only_with_every_claim_as_it_has_to_be() {
    let client = signed();
    let now = Timestamp::now().as_second();
    for (changes, reason) in [
        (json!({ "iss": null }), "no `iss`"),
        (
            json!({ "iss": "https://cas.example.org/cas/" }),
            "another issuer",
        ),
        (json!({ "iss": [CAS] }), "no `iss`"),
        (json!({ "aud": null }), "no `aud`"),
        (
            json!({ "aud": "https://app.example.org/" }),
            "another service",
        ),
        (json!({ "aud": SERVICE.to_uppercase() }), "another service"),
        (json!({ "aud": format!("{SERVICE}&x") }), "another service"),
        (
            json!({ "aud": [SERVICE, "https://other.example.org/"] }),
            "no `aud`",
        ),
        (json!({ "aud": [] }), "no `aud`"),
        (json!({ "exp": null }), "no `exp`"),
        (json!({ "exp": now - 60 }), "expired"),
        (json!({ "exp": (now + 60).to_string() }), "`exp`"),
        (json!({ "exp": 1e30 }), "`exp`"),
        (json!({ "exp": -1 }), "`exp`"),
        (json!({ "iat": null }), "no `iat`"),
        (json!({ "iat": now - 700 }), "10 minutes"),
        (json!({ "iat": now + 120 }), "future"),
        (json!({ "nbf": now + 120 }), "future"),
        (json!({ "nbf": "now" }), "`nbf`"),
        (json!({ "jti": null }), "no `jti`"),
        (json!({ "jti": "" }), "`jti`"),
        (json!({ "jti": 7 }), "`jti`"),
        (json!({ "jti": "ST 1" }), "`jti`"),
        (json!({ "sub": null }), "no `sub`"),
        (json!({ "sub": "" }), "user name"),
        (json!({ "sub": "ali\u{200b}ce" }), "user name"),
        (json!({ "sub": ["alice"] }), "`sub`"),
    ] {
        let token = issuer().token(&claims(&changes)).unwrap();
        let said = refused(&client, &token).await;
        assert!(said.contains(reason), "{changes}: {said}");
    }
    for (changes, user) in [
        (json!({ "aud": [SERVICE], "jti": "ST-2" }), "alice"),
        (json!({ "exp": now - 10, "jti": "ST-3" }), "alice"),
        (
            json!({ "iat": now + 10, "nbf": now + 10, "jti": "ST-4" }),
            "alice",
        ),
        (json!({ "iat": now - 500, "jti": "ST-5" }), "alice"),
    ] {
        let token = issuer().token(&claims(&changes)).unwrap();
        let validated = validate(&client, &token).await.unwrap();
        assert_eq!(validated.user(), user, "{changes}");
    }
}

#[tokio::test]
async fn what_is_in_a_token_has_to_be_claims_each_of_them_once() {
    let client = signed();
    let twice = claims(&json!({})).replacen('{', r#"{"sub":"mallory","#, 1);
    for text in [
        twice.as_str(),
        "[]",
        "{",
        "\"alice\"",
        "",
        "null",
        "\u{7b}\u{0}",
    ] {
        let said = refused(&client, &issuer().token(text).unwrap()).await;
        assert!(said.contains("no JSON object"), "{said}");
    }
}

#[tokio::test]
async fn neither_another_algorithm_nor_another_key_counts() {
    let client = signed();
    let claims = claims(&json!({}));
    let good = issuer().token(&claims).unwrap();
    let [_, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("not three parts");
    };
    let algorithm = "algorithm of the key";
    let asks = "asks for another key";
    for (header, reason) in [
        (r#"{"alg":"none"}"#, algorithm),
        (r#"{"alg":"None"}"#, algorithm),
        (r#"{"alg":"hs512"}"#, algorithm),
        (r#"{"alg":"HS256"}"#, algorithm),
        (r#"{"alg":"RS512"}"#, algorithm),
        (r#"{"alg":"dir","enc":"A128CBC-HS256"}"#, algorithm),
        (r#"{"typ":"JWT"}"#, algorithm),
        (r#"{"alg":["HS512"]}"#, "no text"),
        (r#"{"alg":"none","alg":"HS512"}"#, "comes twice"),
        (r#"{"alg":"HS512","crit":["exp"]}"#, asks),
        (r#"{"alg":"HS512","b64":false}"#, asks),
        (r#"{"alg":"HS512","jku":"https://evil.example/keys"}"#, asks),
        (r#"{"alg":"HS512","x5u":"https://evil.example/key"}"#, asks),
        (r#"{"alg":"HS512","jwk":{"kty":"oct","k":"AA"}}"#, asks),
        (r#"{"alg":"HS512"}"#, "signature is not"),
    ] {
        for signature in [signature, ""] {
            let token = format!("{}.{payload}.{signature}", part(header));
            let said = refused(&client, &token).await;
            assert!(said.contains(reason), "{header}: {said}");
        }
    }
    let other = JwtIssuer::hs512(SECRET.replace('q', "Q"))
        .token(&claims)
        .unwrap();
    assert!(refused(&client, &other).await.contains("signature is not"));
    let weaker = JwtIssuer::hs256(SECRET).token(&claims).unwrap();
    assert!(refused(&client, &weaker).await.contains(algorithm));
    // The token itself is as good as ever.
    validate(&client, &good).await.unwrap();
}

#[tokio::test]
async fn a_public_key_is_no_secret_to_sign_with() {
    let [private, public] = rsa();
    let client = client_of(JwtTickets::signed_by(JwtKey::rs256(public.as_str())));
    let claims = claims(&json!({}));
    let by_public_key = JwtIssuer::hs256(public.as_str()).token(&claims).unwrap();
    let said = refused(&client, &by_public_key).await;
    assert!(said.contains("algorithm of the key"), "{said}");
    let stronger = JwtIssuer::rs512(private.as_str()).token(&claims).unwrap();
    refused(&client, &stronger).await;
    let [others, _] = rsa();
    let others = JwtIssuer::rs256(others).token(&claims).unwrap();
    assert!(refused(&client, &others).await.contains("signature is not"));
    let good = JwtIssuer::rs256(private).token(&claims).unwrap();
    validate(&client, &good).await.unwrap();
}

#[tokio::test]
async fn with_a_key_for_encryption_a_token_is_both_signed_and_encrypted() {
    let client = encrypted();
    let claims = claims(&json!({}));
    let only_signed = issuer().token(&claims).unwrap();
    assert!(
        refused(&client, &only_signed)
            .await
            .contains("not encrypted")
    );
    assert!(
        refused(&client, &issuer().token(&only_signed).unwrap())
            .await
            .contains("not encrypted"),
        "signed twice"
    );
    // Encrypts what was not signed at all, or as `none`.
    let unsigned = format!("{}.{}.", part(r#"{"alg":"none"}"#), part(&claims));
    for (inside, reason) in [
        (&claims, "no signature inside"),
        (&unsigned, "algorithm of the key"),
    ] {
        let outer = encrypting().token(inside).unwrap();
        let [_, encrypted, _] = outer.split('.').collect::<Vec<_>>()[..] else {
            panic!("not three parts");
        };
        let encrypted = BASE64_URL_SAFE_NO_PAD.decode(encrypted).unwrap();
        let said = refused(&client, std::str::from_utf8(&encrypted).unwrap()).await;
        assert!(said.contains(reason), "{said}");
    }
    // And one that is encrypted counts for nothing where there is no key for that.
    let token = encrypting().sign_first().token(&claims).unwrap();
    assert!(refused(&signed(), &token).await.contains("no key for that"));
    let token = encrypting().token(&claims).unwrap();
    assert!(refused(&signed(), &token).await.contains("no JSON object"));
}

#[tokio::test]
async fn an_encrypted_token_is_refused_after_any_change() {
    let client = encrypted();
    let claims = claims(&json!({}));
    let token = encrypting().sign_first().token(&claims).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    for at in [0, 2, 3, 4] {
        let mut parts: Vec<String> = parts.iter().map(|&part| part.to_owned()).collect();
        let first = if parts[at].starts_with('A') { "B" } else { "A" };
        parts[at].replace_range(..1, first);
        // The first letter of a header says that the ticket is a token.
        if at == 0 {
            parts[0] = part(r#"{"alg":"dir","enc":"A128CBC-HS256"}"#);
        }
        let said = refused(&client, &parts.join(".")).await;
        assert!(said.contains("does not open it"), "{at}: {said}");
    }
    for (header, reason) in [
        (r#"{"alg":"dir","enc":"A256GCM"}"#, "algorithm of the key"),
        (
            r#"{"alg":"A128KW","enc":"A128CBC-HS256"}"#,
            "algorithm of the key",
        ),
        (
            r#"{"alg":"none","enc":"A128CBC-HS256"}"#,
            "algorithm of the key",
        ),
        (
            r#"{"alg":"dir","enc":"A128CBC-HS256","zip":"GZIP"}"#,
            "compressed",
        ),
        (
            r#"{"alg":"dir","enc":"A128CBC-HS256","crit":["zip"],"zip":"DEF"}"#,
            "asks for another key",
        ),
        (
            r#"{"alg":"dir","enc":"A128CBC-HS256","x5u":"https://evil.example/"}"#,
            "asks for another key",
        ),
    ] {
        let mut parts = parts.clone();
        let header = part(header);
        parts[0] = &header;
        let said = refused(&client, &parts.join(".")).await;
        assert!(said.contains(reason), "{header}: {said}");
    }
    let wrapped = token.replacen("..", ".AAAA.", 1);
    assert!(
        refused(&client, &wrapped)
            .await
            .contains("algorithm of the key")
    );
    validate(&client, &token).await.unwrap();
}

#[tokio::test]
async fn a_token_that_inflates_without_end_is_refused() {
    let client = encrypted();
    let bomb = claims(&json!({ "more": "x".repeat(512 * 1024) }));
    let token = encrypting().deflate().token(&bomb).unwrap();
    assert!(token.len() <= 2_048, "{}", token.len());
    let [_, encrypted, _] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("not three parts");
    };
    let encrypted = BASE64_URL_SAFE_NO_PAD.decode(encrypted).unwrap();
    let said = refused(&client, std::str::from_utf8(&encrypted).unwrap()).await;
    assert!(said.contains("64 KiB"), "{said}");
}

#[tokio::test]
async fn a_token_is_good_once() {
    let client = signed();
    let token = issuer().token(&claims(&json!({}))).unwrap();
    validate(&client, &token).await.unwrap();
    assert!(
        refused(&client.clone(), &token)
            .await
            .contains("used before")
    );
    // The same ticket in another token.
    let again = issuer()
        .token(&claims(&json!({ "mail": "m@example.org" })))
        .unwrap();
    assert!(refused(&client, &again).await.contains("used before"));
    // What was refused for another reason is not used up.
    let early = json!({ "jti": "ST-2", "iat": Timestamp::now().as_second() + 120 });
    refused(&client, &issuer().token(&claims(&early)).unwrap()).await;
    let in_time = issuer().token(&claims(&json!({ "jti": "ST-2" }))).unwrap();
    validate(&client, &in_time).await.unwrap();
}

#[tokio::test]
async fn fresh_credentials_are_for_the_token_to_say() {
    let client = signed();
    let service = ServiceUrl::parse(SERVICE).unwrap();
    for (said, counts) in [
        (json!(true), true),
        (json!(false), false),
        (Value::Null, false),
    ] {
        let changes = json!({ "isFromNewLogin": said, "jti": format!("ST-{said}") });
        let token = issuer().token(&claims(&changes)).unwrap();
        let ticket = ServiceTicket::parse(&token).unwrap();
        let validated = client.validate_renewed(&ticket, &service).await;
        assert_eq!(validated.is_ok(), counts, "{said}");
    }
}

#[tokio::test]
async fn any_other_ticket_goes_to_the_server() {
    let server = Server::with_body(super::ALICE).await;
    let tickets = JwtTickets::signed_by(JwtKey::hs512(SECRET));
    let client = builder(&server.url).jwt_tickets(tickets).build().unwrap();
    for ticket in ["ST-1-abc.example.org", "ST-1"] {
        assert_eq!(validate(&client, ticket).await.unwrap().user(), "alice");
    }
    assert_eq!(server.requests().len(), 2);
    refused(&client, "eyJhbGciOiJub25lIn0.e30.").await;
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn without_the_setting_a_token_goes_to_the_server_too() {
    let server = Server::with_body(super::ALICE).await;
    let token = issuer().token(&claims(&json!({}))).unwrap();
    let validated = validate(&super::client(&server), &token).await;
    assert_eq!(validated.unwrap().user(), "alice");
    assert!(server.requests()[0].contains(&format!("ticket={token}")));
}

#[test]
fn a_key_of_another_kind_is_found_before_anybody_signs_in() {
    let [private, public] = rsa();
    let signing = [
        (JwtKey::hs512(public.as_str()), "PEM"),
        (JwtKey::hs256(private.as_str()), "PEM"),
        (JwtKey::hs512(&SECRET[..63]), "as many bytes"),
        (JwtKey::hs256(&SECRET[..31]), "as many bytes"),
        (JwtKey::hs256(""), "as many bytes"),
        (JwtKey::hs256([7; 32]), "one byte repeated"),
        (JwtKey::rs256(SECRET), "no RSA public key"),
        (JwtKey::rs256(private), "private key"),
        (JwtKey::rs512(""), "no RSA public key"),
    ];
    let content = [
        (JwtContentKey::a256cbc_hs512(CONTENT_KEY), "another length"),
        (JwtContentKey::a128cbc_hs256(""), "another length"),
        (JwtContentKey::a256gcm("hidden+key"), "base64url"),
        (
            JwtContentKey::a256gcm(format!("{CONTENT_KEY}=")),
            "base64url",
        ),
    ];
    let with_content = |key| JwtTickets::signed_by(JwtKey::hs512(SECRET)).encrypted_with(key);
    let signing = signing.map(|(key, reason)| (JwtTickets::signed_by(key), reason));
    let content = content.map(|(key, reason)| (with_content(key), reason));
    for (tickets, reason) in signing.into_iter().chain(content) {
        let printed = format!("{tickets:?}");
        let error = builder(CAS).jwt_tickets(tickets).build().unwrap_err();
        assert!(
            matches!(error, ConfigError::InvalidJwtKey { .. }),
            "{error}"
        );
        assert!(error.to_string().contains(reason), "{error}");
        for text in [printed, error.to_string()] {
            assert!(!text.contains("hidden") && !text.contains("AAEC"), "{text}");
        }
    }
    let printed = format!("{:?}", encrypted());
    assert!(
        !printed.contains("hidden") && !printed.contains("AAEC"),
        "{printed}"
    );
}

#[tokio::test]
async fn what_is_no_attribute_of_an_answer_is_none_of_a_token() {
    let secrets = json!({ "proxyGrantingTicket": "PGT-1-hidden", "credential": "hidden" });
    let token = issuer().token(&claims(&secrets)).unwrap();
    let authentication = validate(&signed(), &token).await.unwrap();
    assert_eq!(
        authentication.attributes().first("proxyGrantingTicket"),
        None
    );
    assert!(authentication.attributes().first("mail").is_some());
    #[cfg(feature = "released-secrets")]
    {
        let [private, _] = rsa();
        let client = builder(CAS)
            .jwt_tickets(JwtTickets::signed_by(JwtKey::hs512(SECRET)))
            .service_private_key_pem(private)
            .build()
            .unwrap();
        let authentication = validate(&client, &token).await.unwrap();
        assert_eq!(authentication.attributes().first("credential"), None);
        assert!(authentication.credential().is_none(), "it is not encrypted");
    }
}
