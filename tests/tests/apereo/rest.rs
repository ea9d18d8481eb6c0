//! Programs with a password: `/v1/tickets`.

use axum::{Router, routing::get};
use cas_layer::{
    CasApiLayer, CasClient, CasConfig, CasUser, Key, Password, PasswordOptions, RestErrorKind,
    ServiceUrl,
};
use cas_layer_tests::{
    flow::{CREDENTIALS, USER},
    suite::trial,
};
use libtest_mimic::Trial;
use reqwest::Client;
use tokio::net::TcpListener;

const SERVICE: &str = "http://127.0.0.1:1/records";

/// Whose definition has a public key. This is the private one.
const RELEASED: &str = "http://127.0.0.1:1/released";
const KEY: &str = include_str!("../../apereo/keys/service.key.pem");

pub(crate) fn trials(cas_url: &str) -> Vec<Trial> {
    macro_rules! tests {
        ($($name:ident),+ $(,)?) => {
            vec![$({
                let cas_url = cas_url.to_owned();
                trial(concat!("rest::", stringify!($name)), move || async move { $name(&cas_url).await })
            }),+]
        };
    }
    tests!(
        a_password_buys_tickets_until_the_session_is_destroyed,
        an_api_takes_a_password,
        a_released_password_is_read_with_the_key_of_the_service,
    )
}

async fn a_password_buys_tickets_until_the_session_is_destroyed(cas_url: &str) {
    let client = CasClient::builder(cas_url).build().unwrap();
    let service = ServiceUrl::parse(SERVICE).unwrap();
    let [(_, user), (_, password)] = CREDENTIALS;
    let wrong = client
        .sign_in_with_password(user, &Password::new("wrong"))
        .await;
    assert_eq!(wrong.unwrap_err().kind(), RestErrorKind::WrongPassword);
    let session = client
        .sign_in_with_password(user, &Password::new(password))
        .await;
    let session = session.unwrap();
    for _ in 0..2 {
        let ticket = client.service_ticket(&session, &service).await.unwrap();
        let authentication = client.validate(&ticket, &service).await.unwrap();
        assert_eq!(authentication.user(), USER);
        assert!(!authentication.attributes().is_empty());
        assert!(
            client.validate(&ticket, &service).await.is_err(),
            "it is used up"
        );
    }
    let foreign = ServiceUrl::parse("https://other.example.org/").unwrap();
    let refused = client.service_ticket(&session, &foreign).await;
    assert!(refused.is_err(), "that service is not registered");
    client.destroy(&session).await.unwrap();
    let over = client.service_ticket(&session, &service).await.unwrap_err();
    assert_eq!(over.kind(), RestErrorKind::Expired);
}

async fn an_api_takes_a_password(cas_url: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let config = CasConfig::builder(cas_url, &url).key(Key::generate());
    let layer = CasApiLayer::new(config.build().unwrap());
    let layer = layer.with_passwords(&PasswordOptions::new()).unwrap();
    let hello =
        async |user: CasUser| format!("{} {:?}", user.name(), user.attributes().first("mail"));
    let app = Router::new().fallback(get(hello)).layer(layer);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let [(_, user), (_, password)] = CREDENTIALS;
    let ask = async |password: &str| {
        let request = Client::new().get(format!("{url}/records?a=b"));
        let answer = request
            .basic_auth(user, Some(password))
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(ask("wrong").await.0, 401);
    let (status, text) = ask(password).await;
    assert_eq!(status, 200, "{text}");
    assert!(
        text.contains(USER) && text.contains("casuser@example.org"),
        "{text}"
    );
}

async fn a_released_password_is_read_with_the_key_of_the_service(cas_url: &str) {
    let builder = CasClient::builder(cas_url).service_private_key_pem(KEY);
    let client = builder.build().unwrap();
    let [(_, user), (_, password)] = CREDENTIALS;
    let session = client
        .sign_in_with_password(user, &Password::new(password))
        .await;
    let session = session.unwrap();
    for (service, is_released) in [(RELEASED, true), (SERVICE, false)] {
        let service = ServiceUrl::parse(service).unwrap();
        let ticket = client.service_ticket(&session, &service).await.unwrap();
        let authentication = client.validate(&ticket, &service).await.unwrap();
        assert_eq!(authentication.attributes().first("credential"), None);
        let released = authentication.credential().map(Password::expose_secret);
        assert_eq!(released, is_released.then_some(password));
    }
}
