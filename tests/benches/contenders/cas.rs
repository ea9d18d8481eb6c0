//! The router in cas-layer, with a session that was opened through the embedded CAS server.

use std::rc::Rc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use axum::routing::get;
use cas_layer::testing::{CasServer, CasServerBuilder, ManualClock, User};
use cas_layer::{CasConfig, CasConfigBuilder, CasLayer, CasUser, Key, SessionPlace};
use cas_layer_tests::groups::numbered;
use tower::{Layer as _, ServiceExt as _};

use super::{Bench, Contender, Failure, USER, cookie_set_by, fetch, is_wanted, profile};

/// The longest that a session may last.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

const APP_URL: &str = "http://127.0.0.1:8080";

/// How many sessions take turns where no cookie comes twice in a row.
const IN_TURN: usize = 100_000;

const IN_TURN_CACHED: &str = "100,000 cookies in turn, around";

const IN_TURN_VERIFIED: &str = "100,000 cookies in turn, no cookie cache, around";

/// Without a cache of cookies, each is verified each time.
const NO_CACHE: Configure = |config| config.session(|session| session.cookie_cache(0));

const ENCRYPTED: Configure = |config| config.session(|session| session.encrypted(true));

const ENCRYPTED_NO_CACHE: Configure = |config| NO_CACHE(ENCRYPTED(config));

const IN_COOKIE: Configure = |config| config.session(|session| session.place(SessionPlace::Cookie));

type Configure = fn(CasConfigBuilder) -> CasConfigBuilder;

pub(super) fn contenders(bench: &Bench) -> Result<Vec<Contender>, Failure> {
    let mut contenders = Vec::new();
    for (configure, within, around) in [
        (
            (|config| config) as Configure,
            "cas-layer, Router::layer",
            "cas-layer, around",
        ),
        (ENCRYPTED, "encrypted, Router::layer", "encrypted, around"),
        (
            NO_CACHE,
            "no cookie cache, Router::layer",
            "no cookie cache, around",
        ),
        (
            ENCRYPTED_NO_CACHE,
            "encrypted, no cookie cache, Router::layer",
            "encrypted, no cookie cache, around",
        ),
    ] {
        let signing_in = signed_in(CasServer::builder(), configure);
        let (layer, cookie) = bench.runtime.block_on(signing_in)?;
        let inside = router().layer(layer.clone());
        contenders.push(bench.guarded(within, inside, cookie.clone())?);
        contenders.push(bench.guarded(around, layer.layer(router()), cookie)?);
    }
    for (configure, names) in [
        (
            (|config| config) as Configure,
            [
                "400 groups in the registry, Router::layer",
                "400 groups in the registry, one is looked for",
            ],
        ),
        (
            IN_COOKIE,
            [
                "400 groups in the cookie, Router::layer",
                "400 groups in the cookie, one is looked for",
            ],
        ),
    ] {
        let member = User::new(USER, "Mellon").attribute("memberOf", numbered(400));
        let member = CasServer::builder().user(member);
        let (layer, cookie) = bench.runtime.block_on(signed_in(member, configure))?;
        for (name, router) in names.into_iter().zip([router(), router_for_members()]) {
            contenders.push(bench.guarded(name, router.layer(layer.clone()), cookie.clone())?);
        }
    }
    contenders.extend(in_turn(bench)?);
    contenders.extend(without_a_user(bench)?);
    Ok(contenders)
}

/// Many sessions, one after the other.
fn in_turn(bench: &Bench) -> Result<Vec<Contender>, Failure> {
    // That many take a while.
    if ![IN_TURN_CACHED, IN_TURN_VERIFIED]
        .into_iter()
        .any(is_wanted)
    {
        return Ok(Vec::new());
    }
    let clock = ManualClock::new();
    let (cas_url, cookies) = bench.runtime.block_on(renewed(&clock))?;
    let cookies: Rc<[HeaderValue]> = cookies.into();
    let contender = |name, configure: Configure| {
        let config = configure(config(&cas_url).clock(clock.clone()));
        let service = CasLayer::new(config.build()?).layer(router());
        let cookies = Rc::clone(&cookies);
        let request = move |sent: usize| profile(Some(&cookies[sent % cookies.len()]));
        let (status, _) = bench.runtime.block_on(fetch(service.clone(), request(0)))?;
        if status != StatusCode::OK {
            return Err(Failure::from(format!("{name}: {status}")));
        }
        Ok(bench.sending(name, service, request))
    };
    Ok(vec![
        contender(IN_TURN_CACHED, lasting)?,
        contender(IN_TURN_VERIFIED, |config| NO_CACHE(lasting(config)))?,
    ])
}

/// A session that is not renewed.
fn lasting(config: CasConfigBuilder) -> CasConfigBuilder {
    config.session(|session| session.lifetime(LONGEST).idle_timeout(None))
}

/// The cookies of a session that is renewed with every request, and the URL of its CAS server.
async fn renewed(clock: &ManualClock) -> Result<(String, Vec<HeaderValue>), Failure> {
    let cas = CasServer::builder().start().await?;
    let idle = Duration::from_secs(10);
    let config = config(cas.url())
        .clock(clock.clone())
        .session(|session| session.lifetime(LONGEST).idle_timeout(idle));
    let layer = CasLayer::new(config.build()?);
    let mut cookies = vec![sign_in(&cas, &layer).await?];
    let app = layer.layer(router());
    while let Some(last) = cookies.last()
        && cookies.len() < IN_TURN
    {
        clock.advance(Duration::from_secs(1));
        let Ok(response) = app.clone().oneshot(profile(Some(last))).await;
        cookies.push(cookie_set_by(&response, "-session")?);
    }
    Ok((cas.url().to_owned(), cookies))
}

/// What the layer costs where nobody is signed in.
fn without_a_user(bench: &Bench) -> Result<[Contender; 2], Failure> {
    let config = config("https://cas.example.org")
        .public("/profile")
        .build()?;
    let public = Router::new().route("/profile", get(async || USER));
    let public = CasLayer::new(config).layer(public);
    let guarded = CasLayer::new(self::config("https://cas.example.org").build()?).layer(router());
    let fetched = |_| {
        let mut request = profile(None);
        let mode = HeaderValue::from_static("cors");
        request.headers_mut().insert("sec-fetch-mode", mode);
        request
    };
    let (status, _) = bench.runtime.block_on(fetch(guarded.clone(), fetched(0)))?;
    if status != StatusCode::UNAUTHORIZED {
        return Err(format!("{status} for a fetch").into());
    }
    Ok([
        bench.open(
            "a public path, around",
            public,
            HeaderValue::from_static("a=b"),
        )?,
        bench.sending("401 for fetch, around", guarded, fetched),
    ])
}

fn config(cas_url: &str) -> CasConfigBuilder {
    // With the same key, so that one config takes the cookies of another.
    CasConfig::builder(cas_url, APP_URL).key(Key::from((0..64).collect::<Vec<u8>>()))
}

fn router() -> Router {
    Router::new().route(
        "/profile",
        get(|user: CasUser| async move { user.name().to_owned() }),
    )
}

/// Answers those alone who are in the last of the groups.
fn router_for_members() -> Router {
    let group = numbered(400).pop().unwrap_or_default();
    let answer = async move |user: CasUser| {
        let is_member = user.attributes().contains("memberOf", &group);
        is_member
            .then(|| user.name().to_owned())
            .ok_or(StatusCode::FORBIDDEN)
    };
    Router::new().route("/profile", get(answer))
}

/// A layer, and the cookie of a session that it opened.
async fn signed_in(
    cas: CasServerBuilder,
    configure: Configure,
) -> Result<(CasLayer, HeaderValue), Failure> {
    let cas = cas.start().await?;
    let layer = CasLayer::new(configure(config(cas.url())).build()?);
    let cookie = sign_in(&cas, &layer).await?;
    cas.shutdown().await;
    Ok((layer, cookie))
}

/// The cookie of a session.
async fn sign_in(cas: &CasServer, layer: &CasLayer) -> Result<HeaderValue, Failure> {
    let app = layer.layer(router());
    let mut page = profile(None);
    page.headers_mut()
        .insert(header::ACCEPT, HeaderValue::from_static("text/html"));
    let Ok(to_cas) = app.clone().oneshot(page).await;
    let service = service_url(&to_cas).ok_or("no redirect to the CAS server")?;
    let ticket = cas.issue_ticket(USER, &service);
    let callback = service
        .strip_prefix(APP_URL)
        .ok_or("the service URL is not the app's")?;
    let separator = if callback.contains('?') { '&' } else { '?' };
    let request = Request::get(format!("{callback}{separator}ticket={ticket}"))
        .header(header::COOKIE, cookie_set_by(&to_cas, "-login")?)
        .body(Body::empty())?;
    let Ok(response) = app.oneshot(request).await;
    cookie_set_by(&response, "-session")
}

fn service_url(redirect: &Response<Body>) -> Option<String> {
    let location = redirect.headers().get(header::LOCATION)?.to_str().ok()?;
    let (_, query) = location.split_once('?')?;
    form_urlencoded::parse(query.as_bytes())
        .find_map(|(name, value)| (name == "service").then(|| value.into_owned()))
}
