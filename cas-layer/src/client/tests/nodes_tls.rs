//! Several nodes of one CAS server, with a certificate each.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::{io::AsyncWriteExt, net::TcpListener};

use super::server::{Server, ok, read_request};
use super::tls::{Authority, SelfSigned, acceptor, serve};
use super::{ALICE, builder, failure, or_hang, validate};

/// Its neighbour has stolen its name, but not its certificate.
#[tokio::test]
async fn a_node_with_the_certificate_of_another_host_never_gets_a_ticket() {
    let (authority, other) = (Authority::new(), Authority::new());
    let good = authority.server("127.0.0.1").await;
    for wrong in [
        authority.node("cas.example.org").await,
        other.node("127.0.0.1").await,
    ] {
        let client = builder(&wrong.url)
            .fallback_url(&good)
            .add_root_certificate_pem(authority.pem.clone())
            .build()
            .unwrap();
        assert_eq!(validate(&client).await.unwrap().user(), "alice");
        // With nobody else to ask, the error says what is wrong.
        let alone = builder(&wrong.url)
            .fallback_url("https://127.0.0.1:9/cas")
            .add_root_certificate_pem(authority.pem.clone())
            .build()
            .unwrap();
        // The other one may come back by itself.
        assert!(validate(&alone).await.unwrap_err().is_temporary());
        assert_eq!(wrong.requests.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn each_node_may_have_a_certificate_of_its_own() {
    let (first, second) = (
        SelfSigned::for_names(&["127.0.0.1"]),
        SelfSigned::for_names(&["localhost"]),
    );
    let (certificate, at_localhost) = (second.certificate(), first.certificate());
    let url = serve(&certificate, &second.key).await;
    let url = url.replace("127.0.0.1", "localhost");
    let client = |main: &str| {
        builder(main)
            .add_root_certificate_pem(at_localhost.pem())
            .add_root_certificate_pem(certificate.pem())
    };
    let by_fallback = client("https://127.0.0.1:9/cas").fallback_url(&url);
    let authentication = validate(&by_fallback.build().unwrap()).await.unwrap();
    assert_eq!(authentication.user(), "alice");
    // One is not good for the other's name.
    let wrong = serve(&at_localhost, &first.key).await;
    let wrong = wrong.replace("127.0.0.1", "localhost");
    let client = client(&wrong).fallback_url("https://127.0.0.1:9/cas");
    validate(&client.build().unwrap()).await.unwrap_err();
}

#[tokio::test]
async fn a_ticket_that_went_over_a_kept_connection_goes_to_no_other_node() {
    let authority = Authority::new();
    let (certificate, key) = authority.sign("127.0.0.1");
    let acceptor = acceptor(&certificate, &key);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/cas", listener.local_addr().unwrap());
    let tickets = tokio::spawn(async move {
        let (kept, _) = listener.accept().await.unwrap();
        let mut kept = acceptor.accept(kept).await.unwrap();
        read_request(&mut kept).await.unwrap();
        kept.write_all(&ok(ALICE)).await.unwrap();
        // The next ticket comes, and gets no answer. So the client begins a new connection, and there is no handshake.
        read_request(&mut kept).await.unwrap();
        let (new, _) = listener.accept().await.unwrap();
        drop(new);
    });
    let second = Server::with_body(ALICE).await;
    let client = builder(&url)
        .fallback_url(&second.url)
        .add_root_certificate_pem(authority.pem.clone())
        .timeout(Duration::from_secs(60))
        .build()
        .unwrap();
    validate(&client).await.unwrap();
    // The last failure is that of the new connection, over which nothing was sent. But the first may have arrived.
    failure(&client).await;
    or_hang(tickets).await.unwrap();
    assert_eq!(second.requests().len(), 0);
}
