//! `tonic`

use cas_layer_tests::visitor::Visitor;
use tonic::{Code, Request, transport::Endpoint};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::program::{Program, soon};

#[tokio::test]
async fn tonic_answers_callers_who_have_signed_in_and_nobody_else() {
    let mut program = Program::start("tonic", &[]).await;
    let endpoint = Endpoint::new(program.at("")).unwrap();
    let mut client = HealthClient::new(endpoint.connect().await.unwrap());
    let refused = soon(client.check(HealthCheckRequest::default())).await;
    assert_eq!(refused.unwrap_err().code(), Code::Unauthenticated);

    let visitor = Visitor::new();
    program.sign_in(&visitor, "/login").await;
    let call = || {
        let mut request = Request::new(HealthCheckRequest::default());
        for (name, value) in visitor.cookies(&program.at("/")) {
            let cookie = format!("{name}={value}").parse().unwrap();
            request.metadata_mut().append("cookie", cookie);
        }
        request
    };
    let (first, second) = (call(), call());
    let answer = soon(client.check(first)).await.unwrap();
    assert_eq!(answer.get_ref().status, 1);
    assert_eq!(program.says().await, "casuser calls");

    program.cas.log_out("casuser").await;
    let refused = soon(client.check(second)).await;
    assert_eq!(refused.unwrap_err().code(), Code::Unauthenticated);
}
