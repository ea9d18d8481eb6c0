//! Signing in and out, the same against every CAS server and by every protocol version.

use std::{collections::BTreeMap, sync::Arc};

use libtest_mimic::Trial;
use serde_json::{Value, json};
use url::Url;

use crate::{
    demo::Demo,
    suite::{eventually, not_supported, trial},
    visitor::{Answer, Visitor},
};

/// The one account of every server under test.
pub const USER: &str = "casuser";
/// Its password.
pub const PASSWORD: &str = "Mellon";
/// What the form of a login page is filled in with, on most servers.
pub const CREDENTIALS: [(&str, &str); 2] = [("username", USER), ("password", PASSWORD)];

/// A CAS server, and what it says about the user.
#[derive(Debug)]
pub struct Server {
    /// Its URL; without one the demo runs the embedded server.
    pub url: Option<String>,
    /// The protocol versions with which it sends attributes: CAS 2 itself has none (CAS protocol
    /// 2.5.5), but many servers send them.
    pub attributes_with: &'static [&'static str],
    /// The protocol versions by which it signs nobody in to the demo, with the status of the page that the demo shows.
    pub signs_nobody_in_by: &'static [(&'static str, u16)],
    /// A session that is seconds old is as good as a password, whatever the login page is asked for.
    pub new_sessions_are_fresh: bool,
    /// The attributes that it must send then; it may send others too.
    pub attributes: BTreeMap<&'static str, Vec<&'static str>>,
}

/// The server of the library's `testing` feature, as the demo sets it up.
#[must_use]
pub fn embedded() -> Server {
    Server {
        url: None,
        attributes_with: &["cas3", "saml1"],
        signs_nobody_in_by: &[],
        new_sessions_are_fresh: false,
        attributes: BTreeMap::from([
            ("displayName", vec!["Casimir User"]),
            ("mail", vec!["casuser@example.org"]),
            ("memberOf", vec!["staff", "demo"]),
        ]),
    }
}

/// A django-cas-server, as `tests/django` sets it up.
#[must_use]
pub fn django(url: String) -> Server {
    Server {
        url: Some(url),
        attributes_with: &["cas2", "cas3", "saml1"],
        signs_nobody_in_by: &[],
        new_sessions_are_fresh: false,
        attributes: BTreeMap::from([
            ("displayName", vec!["Cäs <User> & Co"]),
            ("mail", vec!["casuser@example.org"]),
            ("memberOf", vec!["staff", "cats & hatters", "猫"]),
            ("nickname", vec![""]),
        ]),
    }
}

/// An Apereo CAS, as `tests/apereo` sets it up.
#[must_use]
pub fn apereo(url: String) -> Server {
    Server {
        url: Some(url),
        attributes_with: &["cas2", "cas3", "saml1"],
        signs_nobody_in_by: &[],
        new_sessions_are_fresh: false,
        attributes: BTreeMap::from([
            ("displayName", vec!["Cäs <User> & Co"]),
            ("mail", vec!["casuser@example.org"]),
            ("memberOf", vec!["staff", "cats & hatters", "猫"]),
        ]),
    }
}

/// A django-mama-cas, as `tests/mama` sets it up. The demo is on plain http, for which it does not sign in by SAML 1.1.
#[must_use]
pub fn mama(url: String) -> Server {
    Server {
        signs_nobody_in_by: &[("saml1", 403)],
        ..apereo(url)
    }
}

/// A `LemonLDAP::NG`, as `tests/lemon` sets it up. It answers to SAML 1.1 with its login page.
#[must_use]
pub fn lemon(url: String) -> Server {
    Server {
        url: Some(url),
        attributes_with: &["cas2", "cas3"],
        signs_nobody_in_by: &[("saml1", 502)],
        new_sessions_are_fresh: true,
        attributes: BTreeMap::from([
            ("displayName", vec!["Cäs User"]),
            ("mail", vec!["casuser@example.org"]),
            ("memberOf", vec!["staff", "cats and hatters", "猫"]),
        ]),
    }
}

/// One protocol version against one server.
#[derive(Clone, Debug)]
struct Setting {
    server: Arc<Server>,
    protocol: &'static str,
}

impl Setting {
    async fn demo(&self) -> Demo {
        let mut arguments = vec!["--protocol", self.protocol];
        if let Some(url) = &self.server.url {
            arguments.extend(["--cas-url", url]);
        }
        Demo::start(&arguments).await
    }

    /// The status of the demo's page if the server signs nobody in by this protocol version.
    fn refusal(&self) -> Option<u16> {
        let mut refused = self.server.signs_nobody_in_by.iter();
        let (_, status) = refused.find(|(protocol, _)| *protocol == self.protocol)?;
        Some(*status)
    }
}

/// Every test of the flow, once for each protocol version.
#[must_use]
pub fn trials(server: Server) -> Vec<Trial> {
    macro_rules! tests {
        ($setting:expr => $($name:ident),+ $(,)?) => {
            [$({
                let setting = $setting.clone();
                let name = format!("{}::{}", setting.protocol, stringify!($name));
                let own_name = name.clone();
                trial(name, async move || {
                    match setting.refusal() {
                        Some(status) => is_refused(setting, status, &own_name).await,
                        None => $name(setting).await,
                    }
                })
            }),+]
        };
    }
    let server = Arc::new(server);
    ["cas1", "cas2", "cas3", "saml1"]
        .into_iter()
        .flat_map(|protocol| {
            let setting = Setting {
                server: Arc::clone(&server),
                protocol,
            };
            tests!(setting =>
                a_user_signs_in_through_the_form_and_sees_their_profile,
                a_deep_link_with_its_query_survives_the_sign_in,
                a_wrong_password_signs_nobody_in,
                a_session_at_the_cas_server_needs_no_second_form,
                signing_out_ends_the_session_here_and_there,
                signing_out_at_the_cas_server_ends_the_session_here,
                a_copied_cookie_is_dead_after_signing_out,
                a_used_ticket_is_refused,
                a_ticket_is_not_validated_for_a_foreign_browser,
                a_gateway_knows_who_has_signed_in_elsewhere_and_shows_nobody_a_form,
                a_fresh_path_asks_for_the_password_although_there_is_a_session,
                a_fresh_path_shows_a_stranger_one_form,
            )
        })
        .collect()
}

/// Goes to `path` and signs in through the form.
pub async fn sign_in(visitor: &Visitor, demo: &Demo, path: &str) -> Answer {
    let form = visitor.open(&demo.url(path)).await;
    assert!(
        form.url.as_str().starts_with(demo.cas_url()),
        "at {} instead of CAS",
        form.url
    );
    assert!(form.asks_for_password(), "{}", form.body);
    give_password(visitor, &form).await
}

/// Sends the form of a login page, and follows redirects to the end.
pub async fn give_password(visitor: &Visitor, form: &Answer) -> Answer {
    let sent = send_password(visitor, form, PASSWORD).await;
    visitor.follow(sent).await
}

/// Sends the form of a login page; redirects are not followed.
async fn send_password(visitor: &Visitor, form: &Answer, password: &str) -> Answer {
    let name = ["username", "user"]
        .into_iter()
        .find(|name| form.asks_for(name))
        .unwrap_or_else(|| panic!("a field for the name: {}", form.body));
    let fields = [(name, USER), ("password", password)];
    visitor.send_form(form, &fields).await
}

/// Whether a visitor is sent to the CAS server instead of seeing the profile.
pub async fn is_sent_to_cas(visitor: &Visitor, demo: &Demo) -> bool {
    let answer = visitor.get(&demo.url("/profile")).await;
    answer.status == 302 && answer.location().as_str().starts_with(demo.cas_url())
}

/// The addresses with a ticket among the redirects to `answer`.
#[must_use]
pub fn callbacks(answer: &Answer) -> Vec<Url> {
    let has_ticket = |hop: &&Url| hop.query_pairs().any(|(name, _)| is_ticket(&name));
    answer.hops.iter().filter(has_ticket).cloned().collect()
}

/// The one address that brought the ticket.
#[must_use]
pub fn callback(answer: &Answer) -> Url {
    let [callback] = &*callbacks(answer) else {
        panic!("not one callback: {:#?}", answer.hops);
    };
    callback.clone()
}

/// The ticket that an address brings.
#[must_use]
pub fn ticket(callback: &Url) -> String {
    let (_, value) = callback
        .query_pairs()
        .find(|(name, _)| is_ticket(name))
        .expect("an address with a ticket");
    value.into_owned()
}

/// The name of a ticket. The second is that of SAML 1.1 on servers that know `TARGET`.
fn is_ticket(name: &str) -> bool {
    matches!(name, "ticket" | "SAMLart")
}

/// The server does not validate the ticket.
async fn is_refused(setting: Setting, status: u16, test: &str) {
    let demo = setting.demo().await;
    let refused = sign_in(&Visitor::new(), &demo, "/profile").await;
    assert_eq!(refused.url.origin().ascii_serialization(), demo.url(""));
    assert_eq!(refused.status, status, "{}", refused.body);
    not_supported(test);
}

async fn a_user_signs_in_through_the_form_and_sees_their_profile(setting: Setting) {
    let demo = setting.demo().await;
    let visitor = Visitor::new();
    let profile = sign_in(&visitor, &demo, "/login").await;
    assert_eq!(profile.url.as_str(), demo.url("/profile"));
    assert_eq!(profile.status, 200, "{}", profile.body);
    assert_eq!(profile.text_of("#user").as_deref(), Some(USER));

    let json = visitor.get_json(&demo.url("/profile")).await;
    let shown: Value = serde_json::from_str(&json.body).expect("JSON");
    assert_eq!(shown["user"], USER);
    if !setting.server.attributes_with.contains(&setting.protocol) {
        assert_eq!(shown["attributes"], json!({}));
        return;
    }
    for (name, values) in &setting.server.attributes {
        assert_eq!(shown["attributes"][name], json!(values), "{name}");
    }
    let page = profile.text_of("table").expect("a table of attributes");
    for value in setting.server.attributes.values().flatten() {
        assert!(page.contains(value), "{value}: {page}");
    }
}

async fn a_deep_link_with_its_query_survives_the_sign_in(setting: Setting) {
    let demo = setting.demo().await;
    for link in [
        "/profile?tab=2",
        "/profile?q=a%20b&q=c+d&empty=&name=%C3%A9%26%3D",
        "/profile?quote=%22%27%3Cb%3E&ticket=mine",
    ] {
        let profile = sign_in(&Visitor::new(), &demo, link).await;
        assert_eq!(profile.url.as_str(), demo.url(link));
        assert_eq!(profile.status, 200);
    }
    // What a portal has put behind a link is no part of the page.
    let link = demo.url("/profile?a=b&ticket=ST-stray");
    let profile = sign_in(&Visitor::new(), &demo, "/profile?a=b&ticket=ST-stray").await;
    assert_eq!(profile.url.as_str(), link.replace("&ticket=ST-stray", ""));
}

async fn a_wrong_password_signs_nobody_in(setting: Setting) {
    let demo = setting.demo().await;
    let visitor = Visitor::new();
    let form = visitor.open(&demo.url("/profile")).await;
    let sent = send_password(&visitor, &form, "Friend").await;
    let again = visitor.follow(sent).await;
    assert!(
        again.url.as_str().starts_with(demo.cas_url()),
        "{}",
        again.url
    );
    assert!(again.asks_for_password(), "{}", again.body);
    assert!(is_sent_to_cas(&visitor, &demo).await);

    let profile = give_password(&visitor, &again).await;
    assert_eq!(profile.url.as_str(), demo.url("/profile"));
}

async fn a_session_at_the_cas_server_needs_no_second_form(setting: Setting) {
    let first = setting.demo().await;
    let visitor = Visitor::new();
    sign_in(&visitor, &first, "/profile").await;
    let cas_url = first.cas_url().to_owned();
    let second = Demo::start(&["--protocol", setting.protocol, "--cas-url", &cas_url]).await;
    let profile = visitor.open(&second.url("/profile?tab=3")).await;
    assert_eq!(profile.url.as_str(), second.url("/profile?tab=3"));
    assert_eq!(profile.text_of("#user").as_deref(), Some(USER));
    assert_eq!(callbacks(&profile).len(), 1, "{:#?}", profile.hops);
}

async fn signing_out_ends_the_session_here_and_there(setting: Setting) {
    let demo = setting.demo().await;
    let visitor = Visitor::new();
    sign_in(&visitor, &demo, "/profile").await;
    assert!(!is_sent_to_cas(&visitor, &demo).await);

    let bye = visitor.open(&demo.url("/logout")).await;
    assert_eq!(bye.url.as_str(), demo.url("/logout_callback"));
    assert_eq!(bye.status, 200);
    assert!(
        bye.hops.iter().any(|hop| hop
            .as_str()
            .starts_with(&format!("{}/logout", demo.cas_url()))),
        "{:#?}",
        bye.hops
    );
    let form = visitor.open(&demo.url("/profile")).await;
    assert!(form.asks_for_password(), "{}", form.body);
}

/// Single logout: the CAS server itself posts to the app.
async fn signing_out_at_the_cas_server_ends_the_session_here(setting: Setting) {
    let demo = setting.demo().await;
    let (visitor, other) = (Visitor::new(), Visitor::new());
    // One server forgets whom else to tell when the user gives the password again.
    sign_in(&other, &demo, "/profile").await;
    sign_in(&visitor, &demo, "/profile").await;
    visitor.open(&format!("{}/logout", demo.cas_url())).await;
    // Some servers post before they answer the browser, others afterwards.
    eventually("the session has ended", async || {
        is_sent_to_cas(&visitor, &demo).await
    })
    .await;
    assert!(
        !is_sent_to_cas(&other, &demo).await,
        "somebody else's is not"
    );
}

async fn a_copied_cookie_is_dead_after_signing_out(setting: Setting) {
    let demo = setting.demo().await;
    let (visitor, thief) = (Visitor::new(), Visitor::new());
    sign_in(&visitor, &demo, "/profile").await;
    for (name, value) in visitor.cookies(&demo.url("/")) {
        thief.take_cookie(&demo.url("/"), &name, &value);
    }
    let stolen = thief.get(&demo.url("/profile")).await;
    assert_eq!(
        stolen.text_of("#user").as_deref(),
        Some(USER),
        "the copy works before"
    );
    visitor.open(&demo.url("/logout")).await;
    assert!(is_sent_to_cas(&thief, &demo).await);
}

/// The service URL of a login that begins at this address, with a ticket that was not given for it.
fn replay(begun: &Url, ticket: &str) -> String {
    let mut parameters = begun.query_pairs();
    let service = parameters.find(|(name, _)| name == "service");
    let (_, service) = service.expect("a service URL");
    let mut replay = Url::parse(&service).expect("a URL");
    replay.query_pairs_mut().append_pair("ticket", ticket);
    replay.into()
}

async fn a_used_ticket_is_refused(setting: Setting) {
    let demo = setting.demo().await;
    let used = ticket(&callback(
        &sign_in(&Visitor::new(), &demo, "/profile").await,
    ));

    // Another visitor has begun a login, so the ticket is theirs as far as this app can see.
    let other = Visitor::new();
    let mut refusal = other.get(&demo.url("/profile")).await;
    // A login whose ticket the server does not know begins again by itself, twice.
    for _ in 0..3 {
        refusal = other.get(&replay(&refusal.location(), &used)).await;
        let Some(again) = refusal.onward().await else {
            break;
        };
        refusal = other.get(again.as_str()).await;
    }
    assert!(
        refusal.status.is_client_error(),
        "{}: {}",
        refusal.status,
        refusal.body
    );
    assert_eq!(refusal.text_of("h1").as_deref(), Some("Sign-in refused"));
    assert!(!refusal.body.contains(&used), "{}", refusal.body);
    assert!(is_sent_to_cas(&other, &demo).await);
}

async fn a_ticket_is_not_validated_for_a_foreign_browser(setting: Setting) {
    let demo = setting.demo().await;
    let attacker = Visitor::new();
    let form = attacker.open(&demo.url("/profile")).await;
    let callback = send_password(&attacker, &form, PASSWORD).await.location();

    let victim = Visitor::new();
    let answer = victim.get(callback.as_str()).await;
    assert_eq!(answer.status, 302);
    assert!(
        answer.location().as_str().starts_with(demo.cas_url()),
        "{}",
        answer.location()
    );
    assert!(is_sent_to_cas(&victim, &demo).await);
    // Nobody has used the ticket up: it still signs in whoever began.
    let profile = attacker.open(callback.as_str()).await;
    assert_eq!(profile.text_of("#user").as_deref(), Some(USER));
}

async fn a_gateway_knows_who_has_signed_in_elsewhere_and_shows_nobody_a_form(setting: Setting) {
    let first = setting.demo().await;
    let cas_url = first.cas_url().to_owned();
    let second = Demo::start(&["--protocol", setting.protocol, "--cas-url", &cas_url]).await;
    let (stranger, visitor) = (Visitor::new(), Visitor::new());
    for _ in 0..3 {
        let page = stranger.open(&second.url("/gateway")).await;
        assert_eq!(page.url.as_str(), second.url("/gateway"));
        assert!(page.text_of("#nobody").is_some(), "{}", page.body);
        assert_eq!(page.text_of("#user"), None);
    }
    sign_in(&visitor, &first, "/profile").await;
    let user = async || visitor.open(&second.url("/gateway")).await.text_of("#user");
    // At first it is seen whether the browser keeps cookies at all.
    assert_eq!(user().await, None);
    assert_eq!(user().await.as_deref(), Some(USER));
}

async fn a_fresh_path_shows_a_stranger_one_form(setting: Setting) {
    let demo = setting.demo().await;
    let page = sign_in(&Visitor::new(), &demo, "/fresh").await;
    assert_eq!(page.url.as_str(), demo.url("/fresh"), "{}", page.body);
    assert_eq!(page.text_of("#user").as_deref(), Some(USER));
}

async fn a_fresh_path_asks_for_the_password_although_there_is_a_session(setting: Setting) {
    let first = setting.demo().await;
    let cas_url = first.cas_url().to_owned();
    let second = Demo::start(&["--protocol", setting.protocol, "--cas-url", &cas_url]).await;
    let visitor = Visitor::new();
    sign_in(&visitor, &first, "/profile").await;
    let profile = visitor.open(&second.url("/profile")).await;
    assert_eq!(profile.text_of("#user").as_deref(), Some(USER));
    let mut page = visitor.open(&second.url("/fresh")).await;
    // One server has a page before the form, with a form that only says that the user agrees.
    if page.url.as_str().starts_with(&cas_url) && !page.asks_for_password() {
        let agreed = visitor.send_form(&page, &[]).await;
        page = visitor.follow(agreed).await;
    }
    // CAS 1 says nothing of when the password was given, and others may.
    let has_to_ask = setting.protocol == "cas1" && !setting.server.new_sessions_are_fresh;
    if has_to_ask || page.asks_for_password() {
        assert!(page.asks_for_password(), "{}", page.body);
        page = give_password(&visitor, &page).await;
    }
    assert_eq!(page.url.as_str(), second.url("/fresh"));
    assert_eq!(page.text_of("#user").as_deref(), Some(USER));
}
