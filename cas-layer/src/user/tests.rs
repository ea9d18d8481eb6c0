use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::{
    CasConfig, Key, MemoryRegistry,
    app::Host,
    client::ProxyTicketErrorKind,
    protocol::ProxyGrantingTicket,
    registry::{
        AccountId, EndedSessions, LogoutSender, Opened, ProxyGrants, RegisteredSession, Registry,
        RegistryFuture,
    },
    session::{sample_identity, sample_session},
};

/// A registry that counts how often it is asked about a session.
#[derive(Clone, Debug, Default)]
struct Asked {
    count: Arc<AtomicUsize>,
    registry: MemoryRegistry,
}

impl Asked {
    fn note(&self) -> &MemoryRegistry {
        self.count.fetch_add(1, Ordering::Relaxed);
        &self.registry
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

impl Registry for Asked {
    fn begin(&self, id: SessionId, lasts: Duration) -> RegistryFuture<'_, ()> {
        self.note().begin(id, lasts)
    }

    fn abandon(&self, id: SessionId) {
        self.note().abandon(id);
    }

    fn open(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Opened> {
        self.note().open(id, expires_at, now)
    }

    fn end(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()> {
        self.note().end(id, expires_at, now)
    }

    fn end_if_opened(
        &self,
        ids: Vec<SessionId>,
        sender: LogoutSender,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Vec<SessionId>> {
        self.note().end_if_opened(ids, sender, now)
    }

    fn end_all(
        &self,
        account: AccountId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()> {
        self.note().end_all(account, expires_at, now)
    }

    fn ended(&self) -> &EndedSessions {
        self.note().ended()
    }

    fn is_ended(&self, session: &RegisteredSession<'_>) -> bool {
        self.note().is_ended(session)
    }

    fn proxy_grants(&self) -> Option<&dyn ProxyGrants> {
        self.registry.proxy_grants()
    }
}

/// An app whose CAS server is not there.
fn host(registry: &Asked) -> Arc<Host> {
    let config = CasConfig::builder("http://127.0.0.1:9/cas", "http://127.0.0.1:8080")
        .key(Key::generate())
        .registry(registry.clone())
        .session(|session| session.encrypted(true))
        .proxy(|proxy| proxy.callback_path("/cas/proxy"))
        .build()
        .unwrap();
    Arc::clone(config.first_host())
}

fn granting_ticket() -> ProxyGrantingTicket {
    ProxyGrantingTicket::parse("PGT-1").unwrap()
}

#[tokio::test]
async fn a_user_without_a_session_is_nobody_that_a_registry_hears_of() {
    let registry = Asked::default();
    let host = host(&registry);
    let now = host.app.clock.now();
    let mut identity = sample_identity("alice", &[("memberOf", &["rabbits"])]);
    identity.expires_at = now + 3600;
    identity.granting_ticket = Some(granting_ticket());
    let before = registry.count();
    let user = CasUser::of_ticket(identity, host);
    assert_eq!(user.name(), "alice");
    assert!(user.attributes().contains("memberOf", "rabbits"));
    assert!(user.gave_credentials_within(Duration::from_secs(3600), 1_000));
    let mut ended = std::pin::pin!(user.ended());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(ended.as_mut().poll(&mut context).is_pending());
    let left = user.sign_out().await;
    assert!(!left.headers().contains_key("set-cookie"));
    let error = user.proxy_ticket("https://api.example.org").await;
    let kind = error.unwrap_err().kind();
    assert!(kind != ProxyTicketErrorKind::NoGrantingTicket, "{kind:?}");
    assert_eq!(registry.count(), before);
}

#[tokio::test]
async fn for_a_user_without_a_session_time_alone_runs_out() {
    let registry = Asked::default();
    let host = host(&registry);
    let mut identity = sample_identity("alice", &[]);
    identity.expires_at = host.app.clock.now();
    identity.granting_ticket = Some(granting_ticket());
    let user = CasUser::of_ticket(identity, host);
    user.ended().await;
    let error = user.proxy_ticket("https://api.example.org").await;
    assert_eq!(error.unwrap_err().kind(), ProxyTicketErrorKind::Expired);
}

#[tokio::test]
async fn signing_out_ends_the_session_of_a_user_who_has_one() {
    let registry = Asked::default();
    let host = host(&registry);
    let mut session = sample_session("alice", &[]);
    session.expires_at = host.app.clock.now() + 3600;
    let user = CasUser::new(session, host, Place::Endpoint);
    let left = user.sign_out().await;
    assert!(left.headers().contains_key("set-cookie"));
    user.ended().await;
    assert!(registry.ended().contain_id(user.session_id()));
}

#[test]
fn what_ends_as_a_whole_has_the_name_of_the_family_if_there_is_one() {
    let host = host(&Asked::default());
    let mut session = sample_session("alice", &[]);
    session.family = Some([9; 16].into());
    let user = CasUser::new(session, Arc::clone(&host), Place::Endpoint);
    assert_eq!(user.family_id(), [9; 16].into());
    let alone = CasUser::new(
        sample_session("alice", &[]),
        Arc::clone(&host),
        Place::Endpoint,
    );
    assert_eq!(alone.family_id(), alone.session_id());
    let ticket = CasUser::of_ticket(sample_identity("alice", &[]), host);
    assert_eq!(ticket.family_id(), ticket.session_id());
}
