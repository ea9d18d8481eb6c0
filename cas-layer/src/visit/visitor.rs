//! Who sent a request.

use std::{fmt, sync::Arc};

use http::Request;

use super::navigation;
use crate::{
    app::{Host, NotThere},
    clock::UnixSeconds,
    events::{Event, StorageOutcome},
    session::SessionData,
    user::{CasUser, Holds, Place},
};

/// The visitor's session.
#[derive(Debug)]
pub(crate) enum Visitor {
    /// No session cookie that opens.
    Anonymous,
    /// A session cookie of ours whose session has expired or ended.
    Ended,
    /// A session that would be valid, but this node does not know which have ended.
    Unverified(CasUser),
    /// A session of ours that has been unused for too long. With another copy of its cookie it may be live.
    Idle(CasUser),
    /// A session that would be valid, but the registry no longer has what it keeps of it.
    Lost(CasUser),
    /// A live session.
    SignedIn(CasUser),
}

impl Visitor {
    /// Who sent this. `Err` if the visitor's attributes have to be fetched first.
    pub(crate) fn of<B>(
        request: &Request<B>,
        host: &Arc<Host>,
        place: Place,
        now: UnixSeconds,
    ) -> Result<Self, Absent> {
        let (method, headers) = (request.method(), request.headers());
        // The cookie also comes with what a page of another site makes the browser send.
        if host.app.frames.is_some()
            && navigation::may_be_forged(host.url.origin(), method, headers)
        {
            return Ok(Self::Anonymous);
        }
        let verified = &host.session_cookie.verified;
        verified.sweep(now, |session| {
            // The registry itself is not asked: it may take that for a sign that the session is in use.
            host.app.lifetimes.is_over(session, now)
                || host.app.lifetimes.is_idle(session, now)
                || host.app.registry.ended().contain(&host.registered(session))
        });
        let Some(read) = host.session_cookie.read(headers) else {
            return Ok(Self::Anonymous);
        };
        // One from a node whose clock is far ahead is left alone, like one that does not open.
        if read.session.is_from_the_future(now) {
            return Ok(Self::Anonymous);
        }
        // The answer brings the browser another cookie. A program gets none.
        let is_replaced = place != Place::Request && host.app.lifetimes.is_due(&read.session, now);
        let visitor = Self::with(read.session, host, place, now);
        match &visitor {
            Ok(Self::SignedIn(user)) if !is_replaced => {
                if !read.is_known
                    && let Holds::Session(session) = user.holds()
                {
                    verified.note(read.value, session);
                }
            }
            Ok(Self::SignedIn(_) | Self::Ended | Self::Idle(_)) if read.is_known => {
                verified.forget(read.value);
            }
            _ => {}
        }
        visitor
    }

    /// The same for an endpoint of ours, which looks at no attribute.
    pub(crate) fn of_endpoint<B>(
        request: &Request<B>,
        host: &Arc<Host>,
        place: Place,
        now: UnixSeconds,
    ) -> Self {
        Self::of(request, host, place, now).unwrap_or_else(Absent::without_attributes)
    }

    fn with(
        session: Arc<SessionData>,
        host: &Arc<Host>,
        place: Place,
        now: UnixSeconds,
    ) -> Result<Self, Absent> {
        // The seal holds for all layers of an app, and not all of them need accept the same proxies, nor for ever.
        if !session.proxies.is_empty() && !host.client.accepts(&session.proxies) {
            return Ok(Self::Anonymous);
        }
        if is_over(&session, host, now) {
            if session.is_kept() {
                host.app.kept.forget(host.owner(&session));
            }
            return Ok(Self::Ended);
        }
        let is_idle = host.app.lifetimes.is_idle(&session, now);
        let is_current = host.app.registry.is_current();
        if !is_idle && is_current && session.lacks_attributes() {
            let owner = host.owner(&session);
            if !host.app.kept.complete(owner, &session) {
                return Err(Absent::new(session, host, place));
            }
        }
        let user = CasUser::new(session, Arc::clone(host), place);
        Ok(if is_idle {
            Self::Idle(user)
        } else if is_current {
            Self::SignedIn(user)
        } else {
            Self::Unverified(user)
        })
    }
}

/// Whether the session has expired or ended.
fn is_over(session: &SessionData, host: &Host, now: UnixSeconds) -> bool {
    host.app.lifetimes.is_over(session, now)
        || host.app.registry.is_ended(&host.registered(session))
}

/// A session of which the registry keeps the attributes, and this node has not read them. Nobody is signed in without
/// them.
#[must_use = "its visitor is not known yet"]
pub(crate) struct Absent(Box<Inner>);

struct Inner {
    session: Arc<SessionData>,
    host: Arc<Host>,
    place: Place,
}

impl Absent {
    fn new(session: Arc<SessionData>, host: &Arc<Host>, place: Place) -> Self {
        let host = Arc::clone(host);
        Self(Box::new(Inner {
            session,
            host,
            place,
        }))
    }

    /// Asks the registry. Takes about a second at most.
    pub(crate) async fn fetch(self) -> Visitor {
        let Inner {
            session,
            host,
            place,
        } = *self.0;
        let app = &host.app;
        let owner = host.owner(&session);
        let (registry, now) = (&*app.registry, app.clock.now());
        let fetched = app
            .kept
            .fetch(owner, registry, &app.vault, &session, now)
            .await;
        let outcome = match &fetched {
            Ok(true) => Some(StorageOutcome::Read),
            Ok(false) => None,
            Err(NotThere::Gone) => Some(StorageOutcome::Gone),
            Err(NotThere::Unreadable) => Some(StorageOutcome::Unreadable),
            Err(NotThere::Registry(error)) => Some(StorageOutcome::RegistryFailed(error)),
        };
        // It may have ended meanwhile, and then has nothing left either.
        let has_ended = app.registry.is_ended(&host.registered(&session));
        if let Some(outcome) = outcome.filter(|_| !has_ended) {
            host.tell(Event::Storage(session.id, outcome));
        }
        let user = |session| CasUser::new(session, Arc::clone(&host), place);
        match fetched {
            Ok(_) => Visitor::with(session, &host, place, app.clock.now())
                .unwrap_or_else(|absent| Visitor::Unverified(absent.user())),
            Err(_) if has_ended => Visitor::Ended,
            Err(NotThere::Registry(_)) => Visitor::Unverified(user(session)),
            Err(NotThere::Gone | NotThere::Unreadable) => Visitor::Lost(user(session)),
        }
    }

    /// The visitor without their attributes, for an endpoint of ours, which looks at none.
    pub(crate) fn without_attributes(self) -> Visitor {
        Visitor::SignedIn(self.user())
    }

    fn user(self) -> CasUser {
        let Inner {
            session,
            host,
            place,
        } = *self.0;
        CasUser::new(session, host, place)
    }
}

impl fmt::Debug for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Absent").field(&self.0.session.id).finish()
    }
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;
    use crate::{CasConfig, CasConfigBuilder, Key, session::sample_session};

    /// When the sample session was issued, in seconds. It lasts for 1,000.
    const ISSUED: UnixSeconds = 1_000;

    fn host(configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder) -> Arc<Host> {
        let builder = CasConfig::builder("https://cas.example.org", "https://app.example.org");
        let config = configure(builder.key(Key::generate())).build().unwrap();
        Arc::clone(config.first_host())
    }

    /// What the browser of a user brings.
    fn request(host: &Host) -> Request<()> {
        let session = sample_session("alice", &[("memberOf", &["rabbits"])]);
        let set = host.session_cookie.write(&session, ISSUED).unwrap();
        let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
        Request::builder()
            .header(header::COOKIE, pair)
            .body(())
            .unwrap()
    }

    fn is_known(host: &Host, request: &Request<()>) -> bool {
        let read = host.session_cookie.read(request.headers());
        read.is_some_and(|read| read.is_known)
    }

    fn visitor(host: &Arc<Host>, request: &Request<()>, now: UnixSeconds) -> Visitor {
        let visitor = Visitor::of(request, host, Place::Endpoint, now);
        visitor.unwrap_or_else(|_| panic!("the cookie has the attributes"))
    }

    /// A host that knows the cookie of a user.
    fn acquainted(
        configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
    ) -> (Arc<Host>, Request<()>) {
        let host = host(configure);
        let request = request(&host);
        for known in [false, false, true, true] {
            assert_eq!(is_known(&host, &request), known);
            let visitor = visitor(&host, &request, ISSUED + 1);
            assert!(matches!(visitor, Visitor::SignedIn(user) if user.name() == "alice"));
        }
        (host, request)
    }

    #[test]
    fn a_cookie_is_known_from_its_third_request_on() {
        acquainted(|config| config);
        acquainted(|config| config.session(|session| session.encrypted(true)));
    }

    #[test]
    fn a_known_cookie_is_forgotten_when_its_session_is_over() {
        let never_idle = |config: CasConfigBuilder| config.session(|it| it.idle_timeout(None));
        let (host, request) = acquainted(never_idle);
        let over = visitor(&host, &request, ISSUED + 1_000);
        assert!(matches!(over, Visitor::Ended));
        assert!(!is_known(&host, &request));
    }

    #[test]
    fn a_known_cookie_is_forgotten_when_it_was_unused_for_too_long_shown_or_not() {
        let idle = std::time::Duration::from_secs(100);
        let briefly = |config: CasConfigBuilder| config.session(|it| it.idle_timeout(idle));
        let (host, request) = acquainted(briefly);
        let visitor_then = visitor(&host, &request, ISSUED + 100);
        assert!(matches!(visitor_then, Visitor::Idle(_)));
        assert!(!is_known(&host, &request));

        let (host, request) = acquainted(briefly);
        let stranger = Request::builder().body(()).unwrap();
        visitor(&host, &stranger, ISSUED + 99);
        assert!(is_known(&host, &request));
        visitor(&host, &stranger, ISSUED + 159);
        assert!(!is_known(&host, &request));
    }

    #[test]
    fn a_cookie_that_is_about_to_be_replaced_is_not_kept_unless_programs_bring_it() {
        let (host, request) = acquainted(|config| {
            config.session(|it| it.idle_timeout(std::time::Duration::from_secs(100)))
        });
        visitor(&host, &request, ISSUED + 10);
        assert!(!is_known(&host, &request));
        let by_program = Visitor::of(&request, &host, Place::Request, ISSUED + 10);
        assert!(matches!(by_program, Ok(Visitor::SignedIn(_))));
        assert!(is_known(&host, &request));
    }

    #[test]
    fn what_a_known_cookie_says_is_judged_anew_each_time() {
        let (host, request) = acquainted(|config| config);
        let too_early = visitor(&host, &request, ISSUED - 301);
        assert!(matches!(too_early, Visitor::Anonymous));
        assert!(is_known(&host, &request));
        let id = sample_session("alice", &[]).id;
        host.app.registry.ended().end(id, ISSUED + 1_000, ISSUED);
        assert!(matches!(
            visitor(&host, &request, ISSUED + 2),
            Visitor::Ended
        ));
        assert!(!is_known(&host, &request));
    }
}
