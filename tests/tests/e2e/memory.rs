//! What a CAS server can make the demo hold.

use cas_layer::testing::{CasServer, Fault, VisitError};
use cas_layer_tests::{demo::Demo, visitor::Visitor};

/// What twenty answers of 40 MB may leave behind: an answer is read up to 1 MiB.
const ALLOWED_KIB: u64 = 16 * 1024;

/// The status of the page that somebody gets who signs in.
async fn sign_in(cas: &CasServer, demo: &Demo) -> u16 {
    let visitor = Visitor::new();
    let status = match cas.sign_in(visitor.client(), &demo.url("/profile")).await {
        Ok(page) => page.status(),
        Err(VisitError::Refused { status, .. }) => status,
        Err(error) => panic!("{error}"),
    };
    status.as_u16()
}

#[tokio::test]
async fn answers_of_forty_megabytes_leave_memory_flat() {
    let cas = CasServer::start().await.unwrap();
    let demo = Demo::start(&["--cas-url", cas.url()]).await;
    assert_eq!(sign_in(&cas, &demo).await, 200);
    let before = demo.peak_memory_kib();
    cas.set_fault(Some(Fault::Oversized));
    for _ in 0..20 {
        assert_eq!(sign_in(&cas, &demo).await, 502);
    }
    let grown = demo.peak_memory_kib() - before;
    assert!(grown < ALLOWED_KIB, "{grown} KiB more");
}
