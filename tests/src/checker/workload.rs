//! What users, administrators and the CAS server do.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use reqwest::{
    Method, RequestBuilder, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, HeaderMap, LOCATION, SET_COOKIE},
    redirect::Policy,
};
use tokio::{task::JoinHandle, time::sleep};
use url::{Position, Url};

use super::{
    cas,
    chance::Chance,
    history::{Action, Line, Micros, Operation, Outcome},
    node::{Node, Shared, Target},
    program::{END, STALL},
    recorder::Recorder,
};

/// Where the app is for its visitors. Nobody listens there: each node is asked at its own address.
pub(crate) const APP: &str = "127.0.0.1:9";

/// How many users sign in and out at any time.
const USERS: usize = 12;
/// How many sessions are read and ended: the latest.
const SESSIONS: usize = 600;
/// How many of those that were ended are read again and again.
const ENDED: usize = 100;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// The same when nothing is wrong any more.
const LONG_PATIENCE: Duration = Duration::from_secs(30);

/// Asks nodes.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
}

/// A session, as a thief of its cookie would have it.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    id: u64,
    user: String,
    cookie: String,
    ticket: String,
    /// Path and query of the service URL.
    service: String,
}

/// What all visitors share.
#[derive(Debug)]
struct World {
    next_session: u64,
    users: Vec<String>,
    next_user: u64,
    sessions: VecDeque<Session>,
    ended: VecDeque<Session>,
}

/// The visitors.
#[derive(Debug)]
pub(crate) struct Workload {
    client: Client,
    world: Mutex<World>,
    targets: Vec<Shared>,
    recorder: Arc<Recorder>,
    is_over: AtomicBool,
}

/// An answer, as far as it matters.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Client {
    pub(crate) fn new() -> Self {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        Self { http }
    }

    fn request(&self, method: Method, target: &Target, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", target.url))
            .header(HOST, APP)
            .header(ACCEPT, "text/html")
            .timeout(PATIENCE)
    }

    /// Sends messages about sessions that nobody has, until it is stopped.
    pub(crate) fn strangers(&self, targets: Vec<Shared>) -> JoinHandle<()> {
        let client = self.clone();
        tokio::spawn(async move {
            for n in 0_u64.. {
                for target in targets.iter().filter_map(current) {
                    let message = logout_message(&format!("ST-stranger-{n}"));
                    let request = client
                        .request(Method::POST, &target, "/login")
                        .body(message);
                    let request = request.header(CONTENT_TYPE, FORM);
                    // Nobody cares what it says.
                    let _ = request.send().await;
                }
                sleep(Duration::from_millis(10)).await;
            }
        })
    }

    /// Up to where this node can write files.
    pub(crate) async fn fill_disk(&self, node: &Node, limit: Option<u64>) {
        let target = current(&node.target()).expect("it runs");
        let query = limit.map_or(String::new(), |limit| format!("?limit={limit}"));
        let path = format!("/checker/disk{query}");
        let request = self.request(Method::POST, &target, &path);
        let answer = request.timeout(LONG_PATIENCE).send().await;
        assert_eq!(answer.expect("an answer").status(), 200);
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

fn logout_message(ticket: &str) -> String {
    let message = format!(
        "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"LR-1\" Version=\"2.0\" \
         IssueInstant=\"2026-11-25T10:00:00Z\"><saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">\
         @NOT_USED@</saml:NameID><samlp:SessionIndex>{ticket}</samlp:SessionIndex></samlp:LogoutRequest>"
    );
    let mut url = Url::parse("http://form").expect("a URL");
    url.query_pairs_mut().append_pair("logoutRequest", &message);
    url.query().unwrap_or_default().to_owned()
}

fn current(target: &Shared) -> Option<Target> {
    target
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

async fn answer(request: RequestBuilder) -> Result<Answer, String> {
    let said = |error: reqwest::Error| {
        if error.is_timeout() {
            "no answer in time".to_owned()
        } else {
            format!("no answer: {}", error.without_url())
        }
    };
    let response = request.send().await.map_err(said)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.text().await.map_err(said)?;
    Ok(Answer {
        status,
        headers,
        body,
    })
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|value| value.to_str());
        value.and_then(Result::ok).unwrap_or_default()
    }

    /// Path and query of where it leads, if that is at the app.
    fn path(&self) -> Option<String> {
        let base = Url::parse(&format!("http://{APP}/")).ok()?;
        let url = base.join(self.header(LOCATION.as_str())).ok()?;
        let is_app = url.origin() == base.origin();
        (self.status.is_redirection() && is_app).then(|| url[Position::BeforePath..].to_owned())
    }

    /// Path and query of the service URL with which it leads to the CAS server.
    fn service(&self) -> Option<String> {
        let login = Url::parse(self.header(LOCATION.as_str())).ok()?;
        let service = login.query_pairs().find(|(name, _)| name == "service")?.1;
        let service = Url::parse(&service).ok()?;
        Some(service[Position::BeforePath..].to_owned())
    }

    fn take_cookies(&self, cookies: &mut BTreeMap<String, String>) {
        for cookie in self.headers.get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap_or_default().split(';').next();
            if let Some((name, value)) = pair.and_then(|pair| pair.split_once('=')) {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

fn cookie_header(cookies: &BTreeMap<String, String>) -> String {
    let cookies = cookies.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<_> = cookies
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("; ")
}

impl Workload {
    pub(crate) fn new(client: Client, targets: Vec<Shared>, recorder: &Arc<Recorder>) -> Self {
        let world = World {
            next_session: 0,
            users: (0..USERS).map(|n| format!("user{n}")).collect(),
            next_user: USERS as u64,
            sessions: VecDeque::new(),
            ended: VecDeque::new(),
        };
        Self {
            client,
            world: Mutex::new(world),
            targets,
            recorder: Arc::clone(recorder),
            is_over: AtomicBool::new(false),
        }
    }

    /// Everybody goes home.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One visitor, who does one thing after another until everybody goes home.
    pub(crate) async fn visit(&self, mut chance: Chance, pause: Duration) {
        while !self.is_over.load(Ordering::Relaxed) {
            // From half of it to one and a half.
            let share = u32::try_from(chance.between(50, 150)).unwrap_or(100);
            sleep(pause * share / 100).await;
            let shared = &self.targets[chance.below(self.targets.len())];
            let Some(target) = current(shared) else {
                continue;
            };
            self.act(&mut chance, shared, &target).await;
        }
    }

    async fn act(&self, chance: &mut Chance, shared: &Shared, target: &Target) {
        let dice = chance.below(100);
        if dice < 14 {
            return self.sign_in(chance, shared, target).await;
        }
        if dice < 16 {
            return self.end_all(chance, shared, target).await;
        }
        let is_end = dice < 28;
        let session = {
            let world = self.world();
            let of = if !is_end && dice.is_multiple_of(2) && !world.ended.is_empty() {
                &world.ended
            } else {
                &world.sessions
            };
            if of.is_empty() {
                return;
            }
            of[chance.below(of.len())].clone()
        };
        if !is_end {
            return self.read(shared, target, &session, PATIENCE).await;
        }
        self.forget(|it| it.id == session.id);
        if dice.is_multiple_of(2) {
            self.sign_out(shared, target, &session).await;
        } else {
            self.single_logout(shared, target, &session).await;
        }
        // Where it has ended at once.
        self.read(shared, target, &session, PATIENCE).await;
    }

    /// Moves sessions to those that were ended, before they are.
    fn forget(&self, are_meant: impl Fn(&Session) -> bool) {
        let mut world = self.world();
        let (ended, live) = world.sessions.drain(..).partition(are_meant);
        world.sessions = live;
        let ended: VecDeque<_> = ended;
        world.ended.extend(ended);
        let excess = world.ended.len().saturating_sub(ENDED);
        world.ended.drain(..excess);
    }

    async fn sign_in(&self, chance: &mut Chance, shared: &Shared, target: &Target) {
        let (id, user) = {
            let mut world = self.world();
            world.next_session += 1;
            let user = world.users[chance.below(world.users.len())].clone();
            (world.next_session, user)
        };
        let asked = self.recorder.now();
        let (outcome, detail, answer) = match self.signs_in(target, id, &user).await {
            Ok((session, answer)) => {
                let mut world = self.world();
                world.sessions.push_back(session);
                let excess = world.sessions.len().saturating_sub(SESSIONS);
                world.sessions.drain(..excess);
                (Outcome::Done, "signed in".to_owned(), Some(answer))
            }
            Err(detail) => (Outcome::Failed, detail, None),
        };
        let action = (Action::SignIn, Some(id), user.as_str());
        self.note(
            action,
            (shared, target),
            asked,
            outcome,
            detail,
            answer.as_ref(),
        );
    }

    /// The whole way, but for the login form. An error says how far it went.
    async fn signs_in(
        &self,
        target: &Target,
        id: u64,
        user: &str,
    ) -> Result<(Session, Answer), String> {
        let mut cookies = BTreeMap::new();
        let first = answer(self.client.request(Method::GET, target, "/page")).await?;
        first.take_cookies(&mut cookies);
        let to_cas = format!("the page: {}", first.status);
        let service = first.service().ok_or(to_cas)?;
        let ticket = cas::ticket(id, user);
        let separator = if service.contains('?') { '&' } else { '?' };
        let callback = format!("{service}{separator}ticket={ticket}");
        let request = self.client.request(Method::GET, target, &callback);
        let back = answer(request.header(COOKIE, cookie_header(&cookies))).await?;
        let before = cookies.len();
        back.take_cookies(&mut cookies);
        if back.path().as_deref() != Some("/page") || cookies.len() == before {
            return Err(format!("the callback: {}", back.status));
        }
        let session = Session {
            id,
            user: user.to_owned(),
            cookie: cookie_header(&cookies),
            ticket,
            service,
        };
        Ok((session, back))
    }

    async fn read(&self, shared: &Shared, target: &Target, session: &Session, patience: Duration) {
        let request = self.client.request(Method::GET, target, "/page");
        let request = request.header(COOKIE, &session.cookie).timeout(patience);
        self.ask(
            Action::Read,
            session,
            (shared, target),
            request,
            |answer| match answer.status.as_u16() {
                200 if answer.body == session.user => Outcome::Live,
                200 => Outcome::SomebodyElse,
                302 | 303 | 401 => Outcome::Ended,
                503 => Outcome::Failed,
                _ => Outcome::Unknown,
            },
        )
        .await;
    }

    async fn sign_out(&self, shared: &Shared, target: &Target, session: &Session) {
        let request = self.client.request(Method::GET, target, "/logout");
        let request = request.header(COOKIE, &session.cookie);
        self.ask(
            Action::SignOut,
            session,
            (shared, target),
            request,
            |answer| {
                match (answer.status.as_u16(), answer.header(END)) {
                    (302 | 303, "done") => Outcome::Done,
                    (302 | 303, "failed") => Outcome::DoneHere,
                    // It had ended already, or the node cannot tell.
                    (302 | 303 | 503, _) => Outcome::Failed,
                    _ => Outcome::Unknown,
                }
            },
        )
        .await;
    }

    async fn single_logout(&self, shared: &Shared, target: &Target, session: &Session) {
        let request = self.client.request(Method::POST, target, &session.service);
        let request = request.header(CONTENT_TYPE, FORM);
        let request = request.body(logout_message(&session.ticket));
        self.ask(
            Action::SingleLogout,
            session,
            (shared, target),
            request,
            |answer| match answer.status.as_u16() {
                200 => Outcome::Done,
                503 => Outcome::Failed,
                _ => Outcome::Unknown,
            },
        )
        .await;
    }

    async fn end_all(&self, chance: &mut Chance, shared: &Shared, target: &Target) {
        let (at, user) = {
            let world = self.world();
            let at = chance.below(world.users.len());
            (at, world.users[at].clone())
        };
        self.forget(|it| it.user == user);
        let path = format!("/checker/end_all?user={user}");
        let asked = self.recorder.now();
        let answer = answer(self.client.request(Method::POST, target, &path)).await;
        let (outcome, detail) = match &answer {
            Ok(answer) => match answer.status.as_u16() {
                200 => (Outcome::Done, answer.status.to_string()),
                // On this node they have ended.
                503 => (Outcome::DoneHere, answer.status.to_string()),
                _ => (Outcome::Unknown, answer.status.to_string()),
            },
            Err(error) => (Outcome::Unknown, error.clone()),
        };
        if outcome == Outcome::Unknown {
            // It may happen any time later, so nothing more can be learnt from this user.
            let mut world = self.world();
            world.next_user += 1;
            world.users[at] = format!("user{}", world.next_user);
        }
        let action = (Action::EndAll, None, user.as_str());
        self.note(
            action,
            (shared, target),
            asked,
            outcome,
            detail,
            answer.as_ref().ok(),
        );
    }

    async fn ask(
        &self,
        action: Action,
        session: &Session,
        whom: (&Shared, &Target),
        request: RequestBuilder,
        outcome: impl FnOnce(&Answer) -> Outcome,
    ) {
        let asked = self.recorder.now();
        let answer = answer(request).await;
        let (outcome, detail) = match &answer {
            Ok(answer) => (outcome(answer), answer.status.to_string()),
            Err(error) => (Outcome::Unknown, error.clone()),
        };
        let action = (action, Some(session.id), session.user.as_str());
        self.note(action, whom, asked, outcome, detail, answer.as_ref().ok());
    }

    fn note(
        &self,
        (action, session, user): (Action, Option<u64>, &str),
        (shared, target): (&Shared, &Target),
        asked: Micros,
        outcome: Outcome,
        detail: String,
        answer: Option<&Answer>,
    ) {
        let later = current(shared);
        let is_set = later.is_some_and(|later| later.clock != target.clock);
        // By which clock it was answered is not known.
        let outcome = if is_set && matches!(action, Action::Read | Action::SignIn) {
            Outcome::Unknown
        } else {
            outcome
        };
        let stall = answer.map_or("", |answer| answer.header(STALL));
        self.recorder.note(Line::Operation(Operation {
            action,
            session,
            user: user.to_owned(),
            process: target.process,
            clock: target.clock,
            asked,
            answered: self.recorder.now(),
            outcome,
            detail,
            stall: stall.parse().unwrap_or_default(),
        }));
    }

    /// Everybody shows the latest cookies to every node.
    pub(crate) async fn read_all(&self) {
        let sessions: Vec<_> = {
            let world = self.world();
            world.ended.iter().chain(&world.sessions).cloned().collect()
        };
        for session in &sessions {
            for shared in &self.targets {
                if let Some(target) = current(shared) {
                    self.read(shared, &target, session, LONG_PATIENCE).await;
                }
            }
        }
    }

    /// Waits until every node answers for a session again.
    pub(crate) async fn is_calm(&self) -> bool {
        let session = self.world().sessions.back().cloned();
        let Some(session) = session else {
            return true;
        };
        for target in self.targets.iter().filter_map(current) {
            let request = self.client.request(Method::GET, &target, "/page");
            match answer(request.header(COOKIE, &session.cookie)).await {
                Ok(answer) if answer.status != StatusCode::SERVICE_UNAVAILABLE => {}
                _ => return false,
            }
        }
        true
    }
}
