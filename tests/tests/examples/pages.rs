//! The examples that show a page.

use cas_layer_tests::visitor::Visitor;

use crate::program::Program;

async fn signs_in_and_out(name: &str, path: &str) {
    let program = Program::start(name, &[]).await;
    let visitor = Visitor::new();
    let page = program.sign_in(&visitor, path).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("casuser"), "{}", page.body);

    let report = program.cas.log_out("casuser").await;
    assert_eq!((report.sent, report.accepted), (1, 1));
    let again = visitor.get(page.url.as_str()).await;
    assert!(again.location().as_str().starts_with(program.cas.url()));
}

#[tokio::test]
async fn minimal_leads_from_its_front_page_to_the_profile() {
    signs_in_and_out("minimal", "/").await;
}

#[tokio::test]
async fn hyper_without_axum_signs_in_and_out() {
    signs_in_and_out("hyper", "/any/page").await;
}
