//! What tower and Rust expect of the layer in place.

use std::{
    future::{Ready, ready},
    task::Poll,
};

use axum::Router;
use bytes::Bytes;
use cas_layer::{CasConfig, CasInPlace, CasInPlaceFuture, CasInPlaceLayer, Peeked};
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use tower::Service;
use tower_test::mock::{self, Handle, Mock, Spawn};

use crate::{
    single_logout::{FORM, form, message, query},
    site,
};

type Ask = Request<Full<Bytes>>;
type Seen = Request<Peeked<Full<Bytes>>>;
type Answer = Response<Full<Bytes>>;
type Inner = Mock<Seen, Answer>;

fn config() -> CasConfig {
    site::config("https://cas.example.org/cas", "https://app.example.org")
        .rule(
            cas_layer::Paths::prefix("/open"),
            cas_layer::Access::optional(),
        )
        .build()
        .unwrap()
}

fn layered() -> (Spawn<CasInPlace<Inner>>, Handle<Seen, Answer>) {
    mock::spawn_layer(CasInPlaceLayer::new(config()))
}

fn post(path: &str, body: impl Into<Bytes>) -> Ask {
    let request = Request::post(path).header(header::CONTENT_TYPE, FORM);
    request.body(Full::new(body.into())).unwrap()
}

async fn body_of(request: Seen) -> Bytes {
    request.into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn the_layer_is_ready_when_the_inner_service_is() {
    let (mut service, mut handle) = layered();
    handle.allow(0);
    assert!(service.poll_ready().is_pending());
    handle.allow(1);
    assert!(service.is_woken());
    assert!(matches!(service.poll_ready(), Poll::Ready(Ok(()))));
    handle.send_error("broken");
    let Poll::Ready(Err(error)) = service.poll_ready() else {
        panic!("no error");
    };
    assert_eq!(error.to_string(), "broken");
}

/// The mock panics when it is called without having been polled, and a clone of it was not polled: neither at
/// once nor after a form was looked at, or the registry was asked.
#[tokio::test]
async fn the_service_that_was_polled_is_the_one_that_is_called() {
    let (mut service, mut handle) = layered();
    let get = |address: &str| Request::get(address).body(Full::default()).unwrap();
    let own = query(&[("SAMLRequest", &message(&["_a1"]))]);
    for (request, body) in [
        (get("/public/a"), ""),
        (get(&format!("/open?{own}")), ""),
        (post("/open", "a=b"), "a=b"),
        (post("/open", "logoutReq"), "logoutReq"),
        (post("/public/a", "logoutRequest=x"), "logoutRequest=x"),
        (post("/open", "again"), "again"),
    ] {
        handle.allow(1);
        assert!(service.poll_ready().is_ready(), "{body}");
        let answer = tokio::spawn(service.call(request));
        let (request, answerer) = handle.next_request().await.unwrap();
        assert_eq!(body_of(request).await, body);
        answerer.send_response(Response::new(Full::from("the answer")));
        assert_eq!(answer.await.unwrap().unwrap().status(), 200);
    }
}

#[tokio::test]
async fn what_the_layer_answers_itself_does_not_reach_the_inner_service() {
    let (mut service, mut handle) = layered();
    let get = |path: &str| {
        let page = Request::get(path).header("accept", "text/html");
        page.body(Full::default()).unwrap()
    };
    for (request, status) in [
        (get("/a"), StatusCode::FOUND),
        (get("/a?cas_login=x&ticket=ST-1"), StatusCode::FOUND),
        (get("/open?cas_login=x"), StatusCode::FOUND),
        (get("/a?cas_login=x&ticket=%00"), StatusCode::BAD_REQUEST),
        (post("/a", "a=b"), StatusCode::UNAUTHORIZED),
        (post("/a", form(&message(&["ST-1"]))), StatusCode::OK),
        (post("/open", form(&message(&["ST-1"]))), StatusCode::OK),
        (post("/open", "logoutRequest="), StatusCode::BAD_REQUEST),
    ] {
        handle.allow(1);
        assert!(service.poll_ready().is_ready());
        let what = format!("{request:?}");
        let answer = service.call(request).await.unwrap();
        assert_eq!(answer.status(), status, "{what}");
        assert!(handle.poll_request().is_pending(), "{what}");
    }
}

const fn is_send_and_unpin<T: Send + Unpin + 'static>() {}
const fn is_shared<T: Clone + Send + Sync + std::fmt::Debug + 'static>() {}

#[derive(Clone)]
struct Answers;

impl Service<Seen> for Answers {
    type Response = Answer;
    type Error = std::convert::Infallible;
    type Future = Ready<Result<Answer, std::convert::Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Seen) -> Self::Future {
        ready(Ok(Answer::default()))
    }
}

/// Checked by the compiler.
const _: () = {
    is_shared::<CasInPlaceLayer>();
    is_shared::<CasInPlace<Router>>();
    is_send_and_unpin::<CasInPlaceFuture<Answers, Full<Bytes>>>();
    is_send_and_unpin::<Peeked<Full<Bytes>>>();
};

#[test]
fn the_inner_services_future_is_held_and_not_boxed() {
    #[derive(Clone)]
    struct Large;
    impl Service<Seen> for Large {
        type Response = Answer;
        type Error = std::convert::Infallible;
        type Future = Held;

        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Seen) -> Held {
            Held([0; 8192])
        }
    }
    struct Held(#[expect(dead_code, reason = "takes room")] [u8; 8192]);
    impl Future for Held {
        type Output = Result<Answer, std::convert::Infallible>;

        fn poll(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> Poll<Self::Output> {
            Poll::Pending
        }
    }
    let size = size_of::<CasInPlaceFuture<Large, Full<Bytes>>>();
    assert!((8192..8192 + 64).contains(&size), "{size}");
}
