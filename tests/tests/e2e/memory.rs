//! What a CAS server can make the demo hold.

use cas_layer::testing::{CasServer, Fault};
use cas_layer_tests::{demo::Demo, visitor::Visitor};
use url::Url;

/// What twenty answers of 40 MB may leave behind: an answer is read up to 1 MiB.
const ALLOWED_KIB: u64 = 16 * 1024;

async fn sign_in(cas: &CasServer, demo: &Demo) -> u16 {
    let visitor = Visitor::new();
    let login = visitor.get(&demo.url("/profile")).await.location();
    let (_, service) = login
        .query_pairs()
        .find(|(name, _)| name == "service")
        .unwrap();
    let mut callback = Url::parse(&service).unwrap();
    callback
        .query_pairs_mut()
        .append_pair("ticket", &cas.issue_ticket("casuser", &service));
    visitor.get(callback.as_str()).await.status.as_u16()
}

#[tokio::test]
async fn answers_of_forty_megabytes_leave_memory_flat() {
    let cas = CasServer::start().await.unwrap();
    let demo = Demo::start(&["--cas-url", cas.url()]).await;
    assert_eq!(sign_in(&cas, &demo).await, 302);
    let before = demo.peak_memory_kib();
    cas.set_fault(Some(Fault::Oversized));
    for _ in 0..20 {
        assert_eq!(sign_in(&cas, &demo).await, 502);
    }
    let grown = demo.peak_memory_kib() - before;
    assert!(grown < ALLOWED_KIB, "{grown} KiB more");
}
