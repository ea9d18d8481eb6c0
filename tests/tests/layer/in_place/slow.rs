//! What happens while a form is on its way.

use std::time::Duration;

use axum::{Router, body::Body};
use bytes::Bytes;
use cas_layer::{Access, CasInPlaceLayer, CasUser, Paths, testing::ManualClock};
use http::Request;
use http_body_util::{BodyExt as _, channel::Channel};
use tower::{Layer as _, Service as _};

use super::{routes, sign_in};
use crate::{browser::Browser, single_logout::FORM, site::Site};

async fn whose(user: Option<CasUser>, form: String) -> String {
    let user = user.as_ref().map_or("nobody", CasUser::name);
    format!("{form} of {user}")
}

/// What ends a session.
#[derive(Clone, Copy, Debug)]
enum End {
    Nothing,
    Logout,
    Expiry,
}

#[tokio::test]
async fn a_session_that_ends_while_a_form_is_on_its_way_is_over_for_that_form() {
    let clock = ManualClock::new();
    let mut config = None;
    let site = Site::axum("", |builder| {
        let built = builder
            .clock(clock.clone())
            .rule(Paths::prefix("/open"), Access::optional())
            .build()
            .unwrap();
        config = Some(built.clone());
        routes().layer(CasInPlaceLayer::new(built))
    })
    .await;
    // The same layer over an app without a network between, so that a request comes when it is made.
    let app = Router::new().fallback(whose);
    let mut app = CasInPlaceLayer::new(config.unwrap()).layer(app);
    for (path, end, status, text) in [
        ("/page", End::Nothing, 200, "logoutReq_=1 of alice"),
        ("/page", End::Logout, 401, ""),
        ("/page", End::Expiry, 401, ""),
        ("/open", End::Nothing, 200, "logoutReq_=1 of alice"),
        ("/open", End::Logout, 200, "logoutReq_=1 of nobody"),
        ("/open", End::Expiry, 200, "logoutReq_=1 of nobody"),
    ] {
        let mut browser = Browser::new();
        sign_in(&site, &mut browser, "/page").await;
        let (mut sender, body) = Channel::<Bytes>::new(1);
        let request = Request::post(path)
            .header("content-type", FORM)
            .header("cookie", &browser.cookie_fields("/")[0])
            .body(Body::new(body))
            .unwrap();
        let answer = tokio::spawn(app.call(request));
        sender.send_data("logoutReq".into()).await.unwrap();
        match end {
            End::Nothing => {}
            End::Logout => assert_eq!(site.cas.log_out("alice").await.accepted, 1),
            End::Expiry => clock.advance(Duration::from_secs(9 * 3600)),
        }
        sender.send_data("_=1".into()).await.unwrap();
        drop(sender);
        let answer = answer.await.unwrap().unwrap();
        assert_eq!(answer.status(), status, "{path} {end:?}");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let is_it = text.is_empty() || body == text;
        assert!(is_it, "{path} {end:?}: {body:?}");
        site.cas.log_out("alice").await;
    }
}
