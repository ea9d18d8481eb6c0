//! `bearer_tokens`

use cas_layer::testing::CasServer;
use cas_layer_tests::{
    example::Example,
    visitor::{Answer, Visitor, answer},
};
use http::{Method, header::AUTHORIZATION};

use crate::program::Program;

async fn start() -> Program {
    let cas = CasServer::start().await.unwrap();
    let tokens = [("API_TOKENS", "reports=abc123,empty=,backup=def456")];
    let example = Example::run("bearer_tokens", &[cas.url()], &tokens).await;
    Program { cas, example }
}

/// What the program answers to a request with these fields `Authorization`.
async fn asks(program: &Program, visitor: &Visitor, path: &str, fields: &[&str]) -> Answer {
    let request = visitor.request(Method::GET, &program.at(path));
    answer(fields.iter().fold(request, |request, field| {
        request.header(AUTHORIZATION, *field)
    }))
    .await
}

fn challenges(answer: &Answer) -> Vec<&str> {
    let fields = answer.headers.get_all("www-authenticate").iter();
    fields.map(|field| field.to_str().unwrap()).collect()
}

#[tokio::test]
async fn people_and_programs_get_the_same_records() {
    let program = start().await;
    let nobody = Visitor::new();
    for (field, body) in [
        ("Bearer abc123", "Records for the program reports"),
        ("bearer def456", "Records for the program backup"),
    ] {
        let records = asks(&program, &nobody, "/api/records", &[field]).await;
        assert_eq!((records.status.as_u16(), &*records.body), (200, body));
        assert_eq!(records.header("cache-control"), "private, no-store");
    }
    // A page that a browser opens leads to the sign-in, as everywhere.
    let visitor = Visitor::new();
    let records = program.sign_in(&visitor, "/api/records").await;
    assert_eq!(records.body, "Records for the user casuser");
    // Who brings a token is the program.
    let records = asks(&program, &visitor, "/api/records", &["Bearer abc123"]).await;
    assert_eq!(records.body, "Records for the program reports");
}

#[tokio::test]
async fn who_has_neither_is_told_of_both() {
    let program = start().await;
    let refused = asks(&program, &Visitor::new(), "/api/records", &[]).await;
    assert_eq!(refused.status, 401);
    assert_eq!(challenges(&refused), ["CAS", "Bearer realm=\"api\""]);
    assert!(refused.json()["login_url"].is_string(), "{}", refused.body);
}

#[tokio::test]
async fn a_wrong_token_is_401_for_everybody() {
    let program = start().await;
    let signed_in = Visitor::new();
    program.sign_in(&signed_in, "/profile").await;
    for fields in [
        &["Bearer abc12"][..],
        &["Bearer abc1234"],
        &["Bearer "],
        &["Bearer"],
        &["Bearer  abc123"],
        &["Basic abc123"],
        &["Secret abc123"],
        &["abc123"],
        &[""],
        &["Bearer abc123", "Bearer abc123"],
        &["Bearer wrong", "Bearer abc123"],
        &["CAS ST-1"],
    ] {
        for visitor in [&Visitor::new(), &signed_in] {
            let refused = asks(&program, visitor, "/api/records", fields).await;
            assert_eq!(refused.status, 401, "{fields:?}");
            let bearer = "Bearer realm=\"api\", error=\"invalid_token\"";
            assert_eq!(challenges(&refused), ["CAS", bearer], "{fields:?}");
            assert_eq!(refused.header("cache-control"), "no-store");
        }
    }
}

#[tokio::test]
async fn a_token_is_good_for_its_routes_alone() {
    let program = start().await;
    for path in ["/profile", "/nothing", "/API/records"] {
        let refused = asks(&program, &Visitor::new(), path, &["Bearer abc123"]).await;
        assert_eq!(refused.status, 401, "{path}");
        assert_eq!(challenges(&refused), ["CAS"], "{path}");
    }
}
