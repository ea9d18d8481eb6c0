//! The demo ends when it is told to.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};

use cas_layer_tests::{demo::Demo, flow::sign_in, visitor::Visitor};
use rustix::process::Signal;
use url::Url;

fn address(url: &str) -> SocketAddr {
    let url = Url::parse(url).unwrap();
    url.socket_addrs(|| None).unwrap()[0]
}

#[tokio::test]
async fn a_signal_ends_it_with_success_and_frees_both_ports() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut demo = Demo::start(&[]).await;
        // Leaves idle keep-alive connections behind.
        let visitor = Visitor::new();
        sign_in(&visitor, &demo, "/profile").await;
        let status = demo.stop(signal).await;
        assert!(status.success(), "{signal:?}: {status}");
        for url in [demo.url("/"), demo.cas_url().to_owned()] {
            assert!(
                TcpStream::connect(address(&url)).is_err(),
                "{url} is still open"
            );
        }
        let log = demo.log();
        assert!(log.contains("shutting down"), "{log}");
        assert!(
            !log.contains("connections are still open"),
            "idle ones need no patience: {log}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_never_finishes_its_request_does_not_hold_it() {
    let mut demo = Demo::start(&[]).await;
    let mut stuck = TcpStream::connect(address(&demo.url("/"))).unwrap();
    stuck
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: 127")
        .unwrap();
    let mut stuck_at_cas = TcpStream::connect(address(demo.cas_url())).unwrap();
    stuck_at_cas
        .write_all(b"GET /cas/login HTTP/1.1\r\nhost: 127")
        .unwrap();
    // An answered request shows that the connections before it have been accepted.
    assert_eq!(Visitor::new().get(&demo.url("/healthz")).await.status, 200);
    let status = demo.stop(Signal::TERM).await;
    assert!(status.success(), "{status}");
}
