//! The REST protocol, asked by this crate's own client.

use super::{CasServer, Fault, Quirk, Receiver, SERVICE};
use crate::{
    CasClient, Password, RestError, RestErrorKind, ServiceUrl, TicketGrantingTicket,
    ValidationErrorKind,
};

async fn server() -> (CasServer, CasClient) {
    let cas = CasServer::builder().rest(true).start().await.unwrap();
    let client = CasClient::builder(cas.url()).build().unwrap();
    (cas, client)
}

async fn sign_in(client: &CasClient) -> Result<TicketGrantingTicket, RestError> {
    let password = Password::new("Mellon");
    client.sign_in_with_password("casuser", &password).await
}

fn kind<T>(result: Result<T, RestError>) -> Option<RestErrorKind> {
    result.err().map(|error| error.kind())
}

#[tokio::test]
async fn a_password_buys_tickets_until_the_session_ends() {
    let (cas, client) = server().await;
    let session = sign_in(&client).await.unwrap();
    let service = ServiceUrl::parse(SERVICE).unwrap();
    for _ in 0..2 {
        let ticket = client.service_ticket(&session, &service).await.unwrap();
        let user = client.validate(&ticket, &service).await.unwrap();
        assert_eq!(user.user(), "casuser");
        assert_eq!(user.is_from_new_login(), Some(false));
    }
    let unused = client.service_ticket(&session, &service).await.unwrap();
    client.destroy(&session).await.unwrap();
    client.destroy(&session).await.unwrap();
    let error = client.validate(&unused, &service).await.unwrap_err();
    assert_eq!(error.kind(), ValidationErrorKind::Refused);
    let error = kind(client.service_ticket(&session, &service).await);
    assert_eq!(error, Some(RestErrorKind::Expired));
    assert_eq!(cas.passwords(), 1);
}

#[tokio::test]
async fn a_wrong_password_buys_nothing() {
    let (cas, client) = server().await;
    for (user, password) in [("casuser", "mellon"), ("nobody", "Mellon")] {
        let password = Password::new(password);
        let error = kind(client.sign_in_with_password(user, &password).await);
        assert_eq!(error, Some(RestErrorKind::WrongPassword));
        let error = kind(client.check_password(user, &password).await);
        assert_eq!(error, Some(RestErrorKind::WrongPassword));
    }
    let right = Password::new("Mellon");
    client.check_password("casuser", &right).await.unwrap();
    cas.set_quirks([Quirk::RestRefusal400]);
    let wrong = Password::new("mellon");
    let error = kind(client.check_password("casuser", &wrong).await);
    assert_eq!(error, Some(RestErrorKind::InvalidRequest));
    assert_eq!(cas.passwords(), 6);
}

#[tokio::test]
async fn the_services_of_a_session_hear_of_its_end() {
    let (_cas, client) = server().await;
    let mut receiver = Receiver::start().await;
    let session = sign_in(&client).await.unwrap();
    let service = ServiceUrl::parse(receiver.at("/login")).unwrap();
    let ticket = client.service_ticket(&session, &service).await.unwrap();
    client.destroy(&session).await.unwrap();
    assert_eq!(receiver.tickets(), [ticket.expose_secret()]);
}

#[tokio::test]
async fn a_session_is_named_by_its_url_or_by_the_path_of_it() {
    let (cas, client) = server().await;
    cas.set_quirks([Quirk::RestRelativeLocation]);
    let session = sign_in(&client).await.unwrap();
    client.destroy(&session).await.unwrap();
    cas.set_fault(Some(Fault::Created(
        "https://evil.example/v1/tickets/TGT-1".into(),
    )));
    assert_eq!(
        kind(sign_in(&client).await),
        Some(RestErrorKind::Unreadable)
    );
    cas.set_fault(Some(Fault::Created("/cas/v1/tickets/TGT-1".into())));
    assert_eq!(sign_in(&client).await.unwrap().expose_secret(), "TGT-1");
}

#[tokio::test]
async fn a_server_offers_the_protocol_only_if_told_so() {
    let cas = CasServer::start().await.unwrap();
    let client = CasClient::builder(cas.url()).build().unwrap();
    assert_eq!(
        kind(sign_in(&client).await),
        Some(RestErrorKind::NotOffered)
    );
    assert_eq!(cas.passwords(), 0);
}
