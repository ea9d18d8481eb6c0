//! The demo acts for its user at a second service, against any CAS server that calls back by https.

use std::sync::Arc;

use libtest_mimic::Trial;
use serde_json::json;

use crate::{
    demo::Demo,
    flow::{USER, sign_in},
    suite::{eventually, trial},
    tls::{Authority, HttpsFront},
    visitor::Visitor,
};

/// Where the CAS server reaches the demo's proxy callback.
const CALLBACK: &str = "/cas/proxy";

/// What a server answers when it cannot call back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedCallback {
    /// That it refuses the ticket over that.
    IsRefused,
    /// That the ticket is good, and nothing of a proxy-granting ticket.
    IsNotMentioned,
}

/// The CAS server that calls back, and whom it trusts.
struct Setting {
    cas_url: String,
    trusted: Arc<Authority>,
    failed: FailedCallback,
}

/// The demo, and https in front of it.
struct Portal {
    demo: Demo,
    front: HttpsFront,
}

impl Setting {
    /// `authority` signs the certificate with which the demo's callback is served.
    async fn portal(&self, authority: &Authority, protocol: &str) -> Portal {
        let front = authority.front().await;
        let demo = Demo::start(&[
            "--cas-url",
            &self.cas_url,
            "--protocol",
            protocol,
            "--proxy",
            "--proxy-callback-url",
            &front.url(CALLBACK),
        ])
        .await;
        front.pass_on_to(demo.url("").trim_start_matches("http://"));
        Portal { demo, front }
    }
}

/// Every test, against the CAS server at `cas_url`, which trusts the certificates of one authority.
#[must_use]
pub fn trials(cas_url: String, trusted: Arc<Authority>, failed: FailedCallback) -> Vec<Trial> {
    macro_rules! tests {
        ($setting:expr => $($name:ident),+ $(,)?) => {
            vec![$({
                let setting = Arc::clone(&$setting);
                trial(concat!("acting::", stringify!($name)), move || async move { $name(&setting).await })
            }),+]
        };
    }
    let setting = Arc::new(Setting {
        cas_url,
        trusted,
        failed,
    });
    tests!(setting =>
        the_demo_shows_what_another_service_says_to_its_user,
        a_callback_with_a_certificate_that_is_not_trusted_leaves_people_without_a_granting_ticket,
        signing_out_at_the_cas_server_ends_the_granting_ticket,
    )
}

async fn the_demo_shows_what_another_service_says_to_its_user(setting: &Setting) {
    for protocol in ["cas2", "cas3"] {
        let portal = setting.portal(&setting.trusted, protocol).await;
        let visitor = Visitor::new();
        let page = sign_in(&visitor, &portal.demo, "/proxied").await;
        assert_eq!(page.status, 200, "{}", page.body);
        assert_eq!(page.text_of("#user").as_deref(), Some(USER));
        let chain = page.text_of("#proxies");
        assert_eq!(chain, Some(portal.front.url(CALLBACK)), "{protocol}");
        let answer = visitor.get_json(&portal.demo.url("/proxied")).await.json();
        assert_eq!(answer["answer"]["user"], USER);
        assert_eq!(
            answer["answer"]["proxies"],
            json!([portal.front.url(CALLBACK)])
        );
        let log = portal.demo.log();
        assert!(!log.contains("PGT-") && !log.contains("PGTIOU-"), "{log}");
    }
}

/// A server that refuses the callback may use the ticket up, or not.
async fn a_callback_with_a_certificate_that_is_not_trusted_leaves_people_without_a_granting_ticket(
    setting: &Setting,
) {
    let portal = setting.portal(&Authority::new(), "cas3").await;
    let visitor = Visitor::new();
    let page = sign_in(&visitor, &portal.demo, "/proxied").await;
    assert_eq!(page.status, 502, "{}", page.body);
    let error = page.text_of("#error").unwrap_or_default();
    assert!(error.contains("gave the demo no ticket"), "{}", page.body);
    let profile = visitor.open(&portal.demo.url("/profile")).await;
    assert_eq!(profile.text_of("#user").as_deref(), Some(USER));
    let log = portal.demo.log();
    let callback = portal.front.url(CALLBACK);
    let [what, which] = match setting.failed {
        FailedCallback::IsRefused => ["refuses the proxy callback", &callback],
        FailedCallback::IsNotMentioned => ["gave no proxy-granting ticket", "not-given"],
    };
    let line = log.lines().find(|line| line.contains(what));
    let told = line.is_some_and(|line| line.contains(which));
    assert!(told, "the operator is told: {log}");
}

async fn signing_out_at_the_cas_server_ends_the_granting_ticket(setting: &Setting) {
    let portal = setting.portal(&setting.trusted, "cas3").await;
    let visitor = Visitor::new();
    let page = sign_in(&visitor, &portal.demo, "/proxied").await;
    assert_eq!(page.status, 200, "{}", page.body);
    visitor.open(&format!("{}/logout", setting.cas_url)).await;
    let proxied = portal.demo.url("/proxied");
    eventually("the session has ended", async || {
        visitor.get_json(&proxied).await.status == 401
    })
    .await;
}
