//! `opentelemetry`

use cas_layer_tests::{flow::USER, visitor::Visitor};

use crate::program::Program;

#[tokio::test]
async fn opentelemetry_gets_each_request_with_route_status_and_user_and_no_ticket() {
    let mut program = Program::start("opentelemetry", &[]).await;
    let visitor = Visitor::new();
    let page = program
        .sign_in(&visitor, "/books/7?secret=of-the-query")
        .await;
    assert_eq!(page.body, "A book");
    assert_eq!(visitor.open(&program.at("/nowhere")).await.status, 404);

    let mut said = String::new();
    // The last request's span comes last.
    while !said.contains("/nowhere") {
        said += &program.says().await;
        said.push('\n');
    }
    for part in [
        "GET /books/{id}",
        "/books/7",
        USER,
        "Server",
        // The redirect to the CAS server, and the callback.
        "302",
        "/login",
        "200",
        // The layer's own events are in the span.
        "signed in",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    for secret in ["ST-", "ticket", "of-the-query", "cookie"] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
}
