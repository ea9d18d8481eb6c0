//! `cors`

use cas_layer_tests::visitor::{Answer, Visitor, answer};
use http::Method;

use crate::program::Program;

const FRONT_END: &str = "http://localhost:5173";

fn allows(answer: &Answer) -> (&str, &str) {
    (
        answer.header("access-control-allow-origin"),
        answer.header("access-control-allow-credentials"),
    )
}

#[tokio::test]
async fn cors_lets_a_front_end_read_what_its_user_may_see_and_that_nobody_has_signed_in() {
    let program = Program::start("cors", &[FRONT_END]).await;
    let visitor = Visitor::new();
    let ask = async |method, origin: &str| {
        let request = visitor.request(method, &program.at("/api/me"));
        let request = request
            .header("origin", origin)
            .header("sec-fetch-mode", "cors")
            .header("accept", "application/json")
            .header("access-control-request-method", "GET");
        answer(request).await
    };

    let preflight = ask(Method::OPTIONS, FRONT_END).await;
    assert_eq!(preflight.status, 200);
    assert_eq!(allows(&preflight), (FRONT_END, "true"));
    assert_eq!(preflight.header("access-control-allow-methods"), "GET");

    let refused = ask(Method::GET, FRONT_END).await;
    assert_eq!(refused.status, 401);
    assert_eq!(allows(&refused), (FRONT_END, "true"));
    let login_url = refused.json()["login_url"].as_str().unwrap().to_owned();
    assert!(login_url.starts_with(&program.at("/login")), "{login_url}");

    program.sign_in(&visitor, "/api/me").await;
    let me = ask(Method::GET, FRONT_END).await;
    assert_eq!((me.status.as_u16(), me.body.as_str()), (200, "\"casuser\""));
    assert_eq!(allows(&me), (FRONT_END, "true"));

    let foreign = ask(Method::GET, "http://evil.example").await;
    // Whether a browser is told of the front end or of nobody, it keeps the answer to itself.
    let allowed = allows(&foreign).0;
    assert!([FRONT_END, ""].contains(&allowed), "{allowed}");
}
