//! The router in cas-layer, with a session that was opened through the embedded CAS server.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use axum::routing::get;
use cas_layer::testing::{CasServer, CasServerBuilder, User};
use cas_layer::{CasConfig, CasLayer, CasUser, Key, SessionPlace};
use cas_layer_tests::groups::numbered;
use tower::{Layer as _, ServiceExt as _};

use super::{Bench, Contender, Failure, USER, cookie_set_by, profile};

const APP_URL: &str = "http://127.0.0.1:8080";

pub(super) fn contenders(bench: &Bench) -> Result<Vec<Contender>, Failure> {
    let small = CasServer::builder();
    let place = SessionPlace::default();
    let (layer, cookie) = bench.runtime.block_on(signed_in(small, place))?;
    let mut contenders = vec![
        bench.guarded(
            "cas-layer, Router::layer",
            router().layer(layer.clone()),
            cookie.clone(),
        )?,
        bench.guarded("cas-layer, around", layer.layer(router()), cookie)?,
    ];
    for (place, names) in [
        (
            SessionPlace::CookieFirst,
            [
                "400 groups in the registry, Router::layer",
                "400 groups in the registry, one is looked for",
            ],
        ),
        (
            SessionPlace::Cookie,
            [
                "400 groups in the cookie, Router::layer",
                "400 groups in the cookie, one is looked for",
            ],
        ),
    ] {
        let member = User::new(USER, "Mellon").attribute("memberOf", numbered(400));
        let member = CasServer::builder().user(member);
        let (layer, cookie) = bench.runtime.block_on(signed_in(member, place))?;
        for (name, router) in names.into_iter().zip([router(), router_for_members()]) {
            contenders.push(bench.guarded(name, router.layer(layer.clone()), cookie.clone())?);
        }
    }
    Ok(contenders)
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
    place: SessionPlace,
) -> Result<(CasLayer, HeaderValue), Failure> {
    let cas = cas.start().await?;
    let config = CasConfig::builder(cas.url(), APP_URL)
        .key(Key::generate())
        .session(|session| session.place(place))
        .build()?;
    let layer = CasLayer::new(config);
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
    cas.shutdown().await;
    Ok((layer, cookie_set_by(&response, "-session")?))
}

fn service_url(redirect: &Response<Body>) -> Option<String> {
    let location = redirect.headers().get(header::LOCATION)?.to_str().ok()?;
    let (_, query) = location.split_once('?')?;
    form_urlencoded::parse(query.as_bytes())
        .find_map(|(name, value)| (name == "service").then(|| value.into_owned()))
}
