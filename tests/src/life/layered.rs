//! The real layer with a registry, called as a service, and the embedded CAS server.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, header},
    routing::{get, post},
};
use cas_layer::{
    CasConfig, CasConfigBuilder, CasLayer, CasUser, Key, SessionPlace,
    testing::{CasServer, CasServerBuilder, ManualClock, User},
};
use tower::ServiceExt as _;
use url::Url;

use super::{
    model::{Change, IDLE, LIFETIME, Page, Seconds, Seen, SessionNo, Wrong},
    steps::{BROWSERS, Channel, FIRST_KEYS, USERS},
    walk::{App, Logins, Shows, SignedIn},
};

const URL: &str = "https://app.example.org";
const COOKIE: &str = "__Host-life-session";
const LIMIT: usize = 1 << 20;

/// Cookies by name.
type Jar = BTreeMap<String, String>;

/// What differs between the apps that are tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variant {
    /// Whether the app knows cookies again that it has verified.
    pub(super) knows_cookies: bool,
    pub(super) place: SessionPlace,
}

/// An app, which is restarted with other keys.
pub(super) struct Layered<C> {
    /// Puts the registry in.
    configure: C,
    variant: Variant,
    cas: CasServer,
    clock: ManualClock,
    now: Seconds,
    router: Router,
    jars: [Jar; BROWSERS],
    /// The ticket of each session.
    tickets: Vec<String>,
}

impl<C> std::fmt::Debug for Layered<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layered")
            .field("variant", &self.variant)
            .finish_non_exhaustive()
    }
}

/// A CAS server that knows the users. One serves any number of apps.
pub(super) async fn cas_server() -> CasServer {
    let users = USERS.iter().map(|name| {
        User::new(*name, "secret").attribute("memberOf", ["rabbits".to_owned(), (*name).to_owned()])
    });
    let server = users.fold(CasServer::builder(), CasServerBuilder::user);
    server.start().await.unwrap()
}

/// An answer, as far as it matters.
struct Answer {
    status: u16,
    location: String,
    body: String,
    change: Change,
}

impl<C: Fn(CasConfigBuilder) -> CasConfigBuilder> Layered<C> {
    pub(super) fn new(cas: CasServer, variant: Variant, now: Seconds, configure: C) -> Self {
        let clock = ManualClock::new();
        let mut app = Self {
            router: Router::new(),
            configure,
            variant,
            cas,
            clock,
            now,
            jars: [const { Jar::new() }; BROWSERS],
            tickets: Vec::new(),
        };
        app.restart(&FIRST_KEYS);
        app
    }

    /// The next app can have it.
    pub(super) fn into_cas(self) -> CasServer {
        self.cas
    }

    async fn ask(
        &mut self,
        who: Shows<'_>,
        method: Method,
        path: &str,
        form: Option<String>,
    ) -> Result<Answer, Wrong> {
        let cookies = match who {
            Shows::Browser(browser) => {
                let pairs = self.jars[browser].iter();
                let pairs: Vec<_> = pairs
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                pairs.join("; ")
            }
            Shows::Copy(value) => format!("{COOKIE}={value}"),
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "app.example.org")
            .header(header::ACCEPT, "text/html,*/*;q=0.8");
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies);
        }
        if form.is_some() {
            let kind = "application/x-www-form-urlencoded";
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let body = form.map_or_else(Body::empty, Body::from);
        let request = request.body(body).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let mut change = Change::Kept;
        for field in head.headers.get_all(header::SET_COOKIE) {
            let field = field.to_str().unwrap();
            let (name, rest) = field.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if name == COOKIE {
                change = if value.is_empty() {
                    Change::Cleared
                } else {
                    Change::Set(value.to_owned())
                };
            }
            if let Shows::Browser(browser) = who {
                if value.is_empty() {
                    self.jars[browser].remove(name);
                } else {
                    self.jars[browser].insert(name.to_owned(), value.to_owned());
                }
            }
        }
        let location = head.headers.get(header::LOCATION);
        Ok(Answer {
            status: head.status.as_u16(),
            location: location.map_or("", |it| it.to_str().unwrap()).to_owned(),
            body: String::from_utf8_lossy(&to_bytes(body, LIMIT).await.unwrap()).into_owned(),
            change,
        })
    }

    async fn get(&mut self, who: Shows<'_>, path: &str) -> Result<Answer, Wrong> {
        self.ask(who, Method::GET, path, None).await
    }

    /// The service URL of a login that begins, if one does.
    async fn begin(&mut self, browser: usize) -> Result<Option<String>, Wrong> {
        let path = "/login?renew=true&next=/profile";
        let answer = self.get(Shows::Browser(browser), path).await?;
        if !answer.location.starts_with(self.cas.url()) {
            return Ok(None);
        }
        let url = Url::parse(&answer.location).unwrap();
        let mut parameters = url.query_pairs();
        let service = parameters.find(|(name, _)| name == "service");
        Ok(service.map(|(_, service)| service.into_owned()))
    }

    async fn tell(&mut self, tickets: &[&str], channel: Channel) -> Result<(bool, Change), Wrong> {
        let index = |ticket| format!("<samlp:SessionIndex>{ticket}</samlp:SessionIndex>");
        let indexes: String = tickets.iter().map(index).collect();
        let message = format!(
            r#"<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="LR-1" Version="2.0" IssueInstant="2026-11-25T10:00:00Z"><saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">@NOT_USED@</saml:NameID>{indexes}</samlp:LogoutRequest>"#
        );
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("logoutRequest", &message)
            .finish();
        let answer = match channel {
            Channel::Back => {
                // The CAS server has no cookie.
                let nobody = Shows::Copy("");
                self.ask(nobody, Method::POST, "/login", Some(form)).await?
            }
            Channel::Front(browser) => {
                let path = format!("/login?{form}");
                self.get(Shows::Browser(browser), &path).await?
            }
        };
        match answer.status {
            200 => Ok((true, answer.change)),
            503 => Ok((false, answer.change)),
            status => Err(format!("a message is answered {status}: {}", answer.body)),
        }
    }
}

impl<C: Fn(CasConfigBuilder) -> CasConfigBuilder> App for Layered<C> {
    fn keeps_attributes(&self) -> bool {
        self.variant.place == SessionPlace::Registry
    }

    async fn show(&mut self, who: Shows<'_>, page: Page) -> Result<Seen, Wrong> {
        let path = match page {
            Page::Public => "/public",
            Page::Protected => "/profile",
        };
        let answer = self.get(who, path).await?;
        let name = answer.body.strip_prefix("user: ");
        let user = match (answer.status, name) {
            (200, Some("nobody")) if page == Page::Public => None,
            (200, Some(name)) => Some(name.to_owned()),
            // To the CAS server, or to a page about circles.
            (302 | 403 | 500, None) if page == Page::Protected => None,
            (status, _) => return Err(format!("{status}: {}", answer.body)),
        };
        let change = answer.change;
        Ok(Seen { user, change })
    }

    async fn sign_in(
        &mut self,
        browser: usize,
        users: &[&'static str],
        how: Logins,
    ) -> Result<SignedIn, Wrong> {
        let (mut cleared, mut services) = (false, Vec::new());
        while services.len() < users.len() {
            if let Some(service) = self.begin(browser).await? {
                services.push(service);
            } else if cleared {
                return Err("no login begins without cookies".to_owned());
            } else {
                cleared = true;
                services.clear();
                self.clear_cookies(browser);
            }
        }
        let (mut changes, jar) = (Vec::new(), self.jars[browser].clone());
        for (n, (user, service)) in users.iter().zip(services).enumerate() {
            let ticket = self.cas.issue_ticket(user, &service);
            if how.told_early && n == 0 {
                self.tell(&[&ticket], Channel::Back).await?;
            }
            if how.at_once {
                self.jars[browser].clone_from(&jar);
            }
            let path = service.strip_prefix(URL).ok_or("a foreign service")?;
            let path = format!("{path}&ticket={ticket}");
            let answer = self.get(Shows::Browser(browser), &path).await?;
            if let Change::Set(_) = answer.change {
                self.tickets.push(ticket);
            }
            changes.push(answer.change);
        }
        Ok(SignedIn { cleared, changes })
    }

    async fn sign_out(&mut self, who: Shows<'_>) -> Result<Change, Wrong> {
        let answer = self.get(who, "/logout").await?;
        if answer.status == 302 && answer.change == Change::Cleared {
            Ok(answer.change)
        } else {
            Err(format!("{}, {:?}", answer.status, answer.change))
        }
    }

    async fn end_all(&mut self, who: Shows<'_>) -> Result<bool, Wrong> {
        let answer = self.ask(who, Method::POST, "/everywhere", None).await?;
        Ok(answer.status == 200 && answer.body == "done")
    }

    async fn message(
        &mut self,
        sessions: &[SessionNo],
        channel: Channel,
    ) -> Result<(bool, Change), Wrong> {
        let tickets: Vec<String> = sessions
            .iter()
            .map(|&no| self.tickets[no].clone())
            .collect();
        let tickets: Vec<&str> = tickets.iter().map(String::as_str).collect();
        self.tell(&tickets, channel).await
    }

    fn clear_cookies(&mut self, browser: usize) {
        self.jars[browser].clear();
    }

    fn clock_shows(&mut self, now: Seconds) {
        if now >= self.now {
            self.clock.advance(Duration::from_secs(now - self.now));
        } else {
            self.clock.rewind(Duration::from_secs(self.now - now));
        }
        self.now = now;
    }

    fn restart(&mut self, keys: &[u8]) {
        let builder = CasConfig::builder(self.cas.url(), URL)
            .clock(self.clock.clone())
            .public("/public")
            .session(|session| {
                let session = session
                    .cookie_name("life")
                    .lifetime(Duration::from_secs(LIFETIME))
                    .idle_timeout(Duration::from_secs(IDLE))
                    .place(self.variant.place);
                if self.variant.knows_cookies {
                    session
                } else {
                    session.cookie_cache(0)
                }
            });
        let builder = keys.iter().fold(builder, |builder, &number| {
            let bytes = (0..64).map(|n: u8| n.wrapping_mul(number) ^ number);
            builder.key(Key::from(bytes.collect::<Vec<u8>>()))
        });
        let config = (self.configure)(builder).build().unwrap();
        self.router = Router::new()
            .route("/public", get(show))
            .route("/profile", get(show))
            .route("/everywhere", post(everywhere))
            .layer(CasLayer::new(config));
    }
}

/// The attributes have to be those of the user, wherever they are.
async fn show(user: Option<CasUser>) -> String {
    let Some(user) = user else {
        return "user: nobody".to_owned();
    };
    if user.attributes().contains("memberOf", user.name()) {
        format!("user: {}", user.name())
    } else {
        "user: without attributes".to_owned()
    }
}

async fn everywhere(user: CasUser) -> &'static str {
    user.end_all_sessions().await.unwrap();
    "done"
}
