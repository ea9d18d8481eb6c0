//! Truth tables: who asks for what, in which way, and what becomes of it.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Request, header};

use super::*;
use crate::{
    CasConfig, CasConfigBuilder, CasUser, Key, Paths, session::sample_session, sign_in::Login,
    user::Place,
};

const FORM: &str = "application/x-www-form-urlencoded";

/// In which way a request comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Way {
    /// A browser opens a page.
    Page,
    /// A script of the app asks for something.
    Script,
    /// A browser guesses ahead.
    Prefetch,
    Head,
    /// A form of this app.
    OwnForm,
    /// A form of another site.
    ForeignForm,
    Delete,
}

impl Way {
    pub(in super::super) fn request(self, path: &str) -> Request<()> {
        let origin = "https://app.example.org";
        let (method, fields): (_, &[(&str, &str)]) = match self {
            Self::Page => (
                "GET",
                &[("sec-fetch-mode", "navigate"), ("sec-fetch-site", "none")],
            ),
            Self::Script => (
                "GET",
                &[
                    ("sec-fetch-mode", "cors"),
                    ("sec-fetch-site", "same-origin"),
                ],
            ),
            Self::Prefetch => (
                "GET",
                &[("sec-purpose", "prefetch"), ("accept", "text/html")],
            ),
            Self::Head => ("HEAD", &[("accept", "text/html")]),
            Self::OwnForm => (
                "POST",
                &[
                    ("sec-fetch-mode", "navigate"),
                    ("sec-fetch-site", "same-origin"),
                    ("origin", origin),
                    ("content-type", FORM),
                ],
            ),
            Self::ForeignForm => (
                "POST",
                &[
                    ("sec-fetch-mode", "navigate"),
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://evil.example"),
                    ("content-type", FORM),
                ],
            ),
            Self::Delete => ("DELETE", &[]),
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .body(())
            .unwrap();
        *request.headers_mut() = fields
            .iter()
            .map(|(name, value)| {
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                (name, HeaderValue::from_str(value).unwrap())
            })
            .collect();
        request
    }
}

pub(in super::super) fn builder() -> CasConfigBuilder {
    CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
        .key(Key::generate())
        .public("/public")
        .rule(Paths::exact("/optional"), Access::optional())
        .rule(Paths::exact("/gateway"), Access::gateway())
        .rule(
            Paths::exact("/admin"),
            Access::required().any_of("memberOf", ["admin"]),
        )
        .rule(
            Paths::exact("/fresh"),
            Access::required().fresh(Duration::from_secs(1)),
        )
        .rule(
            Paths::exact("/programs"),
            Access::required()
                .fresh(Duration::from_secs(1))
                .no_redirect(),
        )
}

pub(in super::super) fn visitor(name: &str, host: &Arc<Host>, place: Place) -> Visitor {
    let user = || CasUser::new(sample_session("alice", &[]), Arc::clone(host), place);
    match name {
        "nobody" => Visitor::Anonymous,
        "ended" => Visitor::Ended,
        "idle" => Visitor::Idle(user()),
        "unverified" => Visitor::Unverified(user()),
        "user" => Visitor::SignedIn(user()),
        other => panic!("no visitor is called {other}"),
    }
}

fn decided(config: &CasConfig, who: &str, request: &Request<()>) -> String {
    let host = config.first_host();
    let now = host.app.clock.now();
    let place = Place::Endpoint;
    let visit = Visit::by(request, place, visitor(who, host, place), now);
    match decide(host, &visit) {
        First::Act(action) => of_action(&action),
        First::Read(endpoint) => format!("read {endpoint:?}"),
    }
}

pub(in super::super) fn of_action(action: &Action) -> String {
    match action {
        Action::Own(task) => of_task(task),
        Action::Serve(serve) => {
            let private = if serve.marks_private { " private" } else { "" };
            match serve.brings {
                Brings::Nothing => format!("serve{private}"),
                brings => format!("serve{private} {brings:?}"),
            }
        }
    }
}

pub(in super::super) fn of_task(task: &Task) -> String {
    match task {
        Task::SignIn(step) => of_step(step),
        Task::Answer(answer) => answer.label(),
        Task::RefuseSignOut => "refuse sign-out".to_owned(),
        Task::SignOut(_) => "sign out".to_owned(),
        Task::EndSessions(_) => "end sessions".to_owned(),
        Task::RefuseForm(_) => "refuse form".to_owned(),
        Task::RefuseLogout(_) => "refuse logout".to_owned(),
        Task::TakePair => "take pair".to_owned(),
        Task::Vouch => "vouch".to_owned(),
    }
}

fn of_step(step: &Step) -> String {
    let login = |login: &Login| {
        let next = login.next.as_ref().map_or("home", |next| next.as_str());
        let kind = match (
            login.kind.is_renewed,
            login.kind.is_gateway,
            login.kind.tries > 0,
        ) {
            (true, ..) => " renewed",
            (_, true, _) => " gateway",
            (.., true) => " again",
            _ => "",
        };
        format!("begin {next}{kind}")
    };
    match step {
        Step::Answer(answer) => answer.label(),
        Step::Refuse(reason, answer) => format!("{reason}: {}", answer.label()),
        Step::Stop(cause, answer) => format!("{cause}: {}", answer.label()),
        Step::Forbid(answer) => format!("forbid: {}", answer.label()),
        Step::Begin(begun) => login(begun),
        Step::BeginAlone(begun) => format!("{} alone", login(begun)),
        Step::BeginAgain(reason, begun) => format!("{reason}: {}", login(begun)),
        Step::Validate(_) => "validate".to_owned(),
    }
}

#[test]
fn who_gets_to_the_app() {
    let config = builder().build().unwrap();
    let ask = |who, way: Way, path| decided(&config, who, &way.request(path));
    for (path, who, on_page, on_script) in [
        ("/a?b", "nobody", "begin /a?b", "SignInNeeded"),
        ("/a?b", "ended", "begin /a?b", "SignInNeeded"),
        ("/a?b", "idle", "begin /a?b", "SignInNeeded"),
        (
            "/a?b",
            "unverified",
            "SessionUnverified",
            "SessionUnverified",
        ),
        (
            "/a?b",
            "user",
            "serve private Renewal",
            "serve private Renewal",
        ),
        ("/public", "nobody", "serve", "serve"),
        ("/public", "ended", "serve", "serve"),
        ("/public", "unverified", "serve", "serve"),
        ("/public", "user", "serve", "serve"),
        ("/optional", "nobody", "serve private", "serve private"),
        ("/optional", "unverified", "serve private", "serve private"),
        (
            "/optional",
            "user",
            "serve private Renewal",
            "serve private Renewal",
        ),
        ("/gateway", "nobody", "serve private Probe", "serve private"),
        ("/gateway", "ended", "serve private Probe", "serve private"),
        ("/gateway", "unverified", "serve private", "serve private"),
        (
            "/gateway",
            "user",
            "serve private Renewal",
            "serve private Renewal",
        ),
        ("/admin", "nobody", "begin /admin", "SignInNeeded"),
        (
            "/admin",
            "unverified",
            "SessionUnverified",
            "SessionUnverified",
        ),
        ("/admin", "user", "forbid: NotAllowed", "forbid: NotAllowed"),
        ("/fresh", "nobody", "begin /fresh renewed", "SignInNeeded"),
        (
            "/fresh",
            "user",
            "begin /fresh renewed",
            "FreshSignInNeeded",
        ),
        ("/programs", "nobody", "SignInNeeded", "SignInNeeded"),
        (
            "/programs",
            "user",
            "FreshSignInNeeded",
            "FreshSignInNeeded",
        ),
    ] {
        assert_eq!(ask(who, Way::Page, path), on_page, "{who} opens {path}");
        assert_eq!(
            ask(who, Way::Script, path),
            on_script,
            "a script of {who} asks for {path}"
        );
    }
    for (way, expected) in [
        (Way::Prefetch, "SignInNeeded"),
        (Way::Head, "begin /a"),
        (Way::OwnForm, "SignInNeeded"),
        (Way::ForeignForm, "SignInNeeded"),
        (Way::Delete, "SignInNeeded"),
    ] {
        assert_eq!(ask("nobody", way, "/a"), expected, "{way:?}");
    }
}

#[test]
fn a_gateway_asks_once_a_browser_has_shown_that_it_keeps_cookies() {
    let config = builder().build().unwrap();
    let host = config.first_host();
    let cookie = Place::Endpoint.kept_login_cookie(
        host,
        &crate::session::Binding::default(),
        host.app.clock.now(),
    );
    let cookie = cookie.unwrap().to_str().unwrap().to_owned();
    let mut request = Way::Page.request("/gateway");
    let pair = HeaderValue::from_str(cookie.split(';').next().unwrap()).unwrap();
    request.headers_mut().insert(header::COOKIE, pair);
    assert_eq!(
        decided(&config, "nobody", &request),
        "begin /gateway gateway"
    );
    assert_eq!(decided(&config, "user", &request), "serve private Renewal");
}

#[test]
fn what_an_endpoint_does() {
    let config = builder()
        .proxy(|proxy| proxy.callback_path("/proxy"))
        .session(|session| session.encrypted(true))
        .build()
        .unwrap();
    let by_post_only = builder()
        .sign_out(|sign_out| sign_out.by_post_only(true))
        .build()
        .unwrap();
    for (path, way, expected) in [
        ("/login", Way::Page, "begin home"),
        ("/login?next=/a", Way::Page, "begin /a"),
        (
            "/login?ticket=ST-1",
            Way::Page,
            "not-begun-here: begin home again",
        ),
        (
            "/login?ticket=ST-1&try=1",
            Way::Page,
            "cookies-needed: CookiesNeeded",
        ),
        ("/login?ticket=", Way::Page, "invalid-ticket: InvalidTicket"),
        ("/login?g=1", Way::Page, "on home"),
        ("/login?logoutRequest=x", Way::Page, "refuse logout"),
        ("/login", Way::Prefetch, "503"),
        ("/login", Way::Head, "200"),
        ("/login", Way::Delete, "405 GET, HEAD, POST"),
        ("/login", Way::ForeignForm, "read Login"),
        ("/logout", Way::Page, "sign out"),
        ("/logout", Way::Prefetch, "503"),
        ("/logout", Way::Head, "200"),
        ("/logout", Way::OwnForm, "sign out"),
        ("/logout", Way::Delete, "405 GET, HEAD, POST"),
        ("/logout_callback", Way::Page, "LoggedOut"),
        ("/logout_callback?seen", Way::Page, "204 +cookie"),
        ("/logout_callback", Way::OwnForm, "405 GET, HEAD"),
        ("/proxy", Way::Page, "take pair"),
        ("/proxy", Way::OwnForm, "read ProxyCallback"),
        ("/proxy", Way::Delete, "take pair"),
    ] {
        let request = way.request(path);
        assert_eq!(
            decided(&config, "nobody", &request),
            expected,
            "{way:?} {path}"
        );
    }
    for (way, expected) in [
        (Way::Page, "405 POST"),
        (Way::Prefetch, "405 POST"),
        (Way::Head, "405 POST"),
        (Way::OwnForm, "sign out"),
        (Way::ForeignForm, "refuse sign-out"),
    ] {
        let request = way.request("/logout");
        assert_eq!(
            decided(&by_post_only, "user", &request),
            expected,
            "{way:?}"
        );
    }
}

#[test]
fn who_comes_to_the_login_endpoint() {
    let config = builder().build().unwrap();
    for (who, path, expected) in [
        ("user", "/login?next=/a", "on /a"),
        ("user", "/login?renew=true&next=/a", "begin /a renewed"),
        ("user", "/login?ticket=ST-1&next=/a", "on /a"),
        ("idle", "/login?next=/a", "begin /a"),
        ("ended", "/login?next=/a", "begin /a"),
        ("unverified", "/login?next=/a", "SessionUnverified"),
        ("unverified", "/login?ticket=ST-1", "SessionUnverified"),
        ("nobody", "/login?r=1&next=/a", "begin /a renewed"),
        ("nobody", "/login?g=1&ticket=ST-1&next=/a", "on /a"),
    ] {
        let request = Way::Page.request(path);
        assert_eq!(decided(&config, who, &request), expected, "{who} {path}");
    }
}

#[test]
fn a_form_without_its_type_is_not_read() {
    let config = builder().build().unwrap();
    let mut request = Way::ForeignForm.request("/login");
    *request.headers_mut() = HeaderMap::new();
    assert_eq!(decided(&config, "nobody", &request), "refuse form");
}
