//! What tower and Rust expect of a layer, its service and its future.

use std::{
    cell::Cell,
    convert::Infallible,
    fmt::Debug,
    future::{Ready, ready},
    marker::PhantomPinned,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use axum::Router;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use bytes::{Buf, Bytes};
use cas_layer::{
    Cas, CasClient, CasConfig, CasFuture, CasLayer, CasUser, Key, MemoryRegistry,
    testing::CasServer,
};
use http::{Request, Response, StatusCode, header};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Empty, Full};
use tower::{Layer as _, Service, ServiceExt as _, service_fn, util::ServiceFn};
use tower_test::mock::{self, Handle, Mock, Spawn};

use crate::{browser::parameter, site, support::alice};

const CAS: &str = "https://cas.example.org/cas";
const APP: &str = "https://app.example.org";

type Answer = Response<Full<Bytes>>;
type Inner = Mock<Request<String>, Answer>;

fn layered() -> (Spawn<Cas<Inner>>, Handle<Request<String>, Answer>) {
    mock::spawn_layer(CasLayer::new(site::config(CAS, APP).build().unwrap()))
}

fn get(path: &str) -> Request<String> {
    let page = Request::get(path).header(header::ACCEPT, "text/html");
    page.body("the body".to_owned()).unwrap()
}

async fn text(answer: Answer) -> String {
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A live session of alice, the user that the app then sees, and how the layer answered on the way.
struct SignedIn {
    cookie: String,
    user: CasUser,
    headers: Vec<http::HeaderMap>,
}

async fn sign_in(config: &CasConfig, cas: &CasServer) -> SignedIn {
    let app = CasLayer::new(config.clone()).layer(service_fn(async |request: Request<String>| {
        let user = request.extensions().get::<CasUser>().cloned();
        let mut answer = Response::new(Full::<Bytes>::default());
        answer.extensions_mut().insert(user);
        Ok::<_, Infallible>(answer)
    }));
    let send = async |path: &str, cookie: &str| {
        let request = Request::get(path)
            .header(header::ACCEPT, "text/html")
            .header(header::COOKIE, cookie);
        app.clone()
            .oneshot(request.body(String::new()).unwrap())
            .await
            .unwrap()
    };
    let pair = |answer: &Answer, ending: &str| {
        answer
            .headers()
            .get_all(header::SET_COOKIE)
            .iter()
            .map(|set| set.to_str().unwrap().split(';').next().unwrap().to_owned())
            .find(|pair| pair.split('=').next().unwrap().ends_with(ending))
            .unwrap()
    };
    let begin = send("/profile", "").await;
    let service = parameter(begin.headers()["location"].to_str().unwrap(), "service").unwrap();
    let ticket = cas.issue_ticket("alice", &service);
    let path = service.strip_prefix(&config.app_url()).unwrap();
    let callback = send(&format!("{path}&ticket={ticket}"), &pair(&begin, "-login")).await;
    let cookie = pair(&callback, "-session");
    let page = send("/profile", &cookie).await;
    let user = page.extensions().get::<Option<CasUser>>().unwrap().clone();
    SignedIn {
        cookie,
        user: user.unwrap(),
        headers: vec![begin.headers().clone(), callback.headers().clone()],
    }
}

#[tokio::test]
async fn the_layer_is_ready_when_the_inner_service_is() {
    let (mut service, mut handle) = layered();
    handle.allow(0);
    assert!(service.poll_ready().is_pending());
    handle.allow(1);
    assert!(service.is_woken());
    assert!(matches!(service.poll_ready(), Poll::Ready(Ok(()))));
}

#[tokio::test]
async fn an_inner_service_that_fails_to_become_ready_says_so_through_the_layer() {
    let (mut service, mut handle) = layered();
    handle.send_error("broken");
    let Poll::Ready(Err(error)) = service.poll_ready() else {
        panic!("no error");
    };
    assert_eq!(error.to_string(), "broken");
}

/// The mock panics when it is called without having been polled, and a clone of it was not polled.
#[tokio::test]
async fn the_service_that_was_polled_is_the_one_that_is_called() {
    let cas = CasServer::builder().user(alice()).start().await.unwrap();
    let config = site::config(cas.url(), APP).build().unwrap();
    let signed_in = sign_in(&config, &cas).await;
    let (mut service, mut handle) = mock::spawn_layer(CasLayer::new(config));
    for (path, cookie, user) in [
        ("/public/a", None, None),
        ("/public/a", Some(&signed_in.cookie), Some("alice")),
        ("/profile", Some(&signed_in.cookie), Some("alice")),
    ] {
        handle.allow(1);
        assert!(service.poll_ready().is_ready());
        let mut request = get(path);
        if let Some(cookie) = cookie {
            let cookie = cookie.parse().unwrap();
            request.headers_mut().insert(header::COOKIE, cookie);
        }
        let answer = service.call(request);
        let (request, answerer) = handle.next_request().await.unwrap();
        assert_eq!(request.uri(), path);
        assert_eq!(*request.body(), "the body");
        let seen = request.extensions().get::<CasUser>().map(CasUser::name);
        assert_eq!(seen, user, "{path}");
        answerer.send_response(Response::new(Full::from("the answer")));
        assert_eq!(text(answer.await.unwrap()).await, "the answer");
    }
}

#[tokio::test]
async fn what_the_layer_answers_itself_does_not_reach_the_inner_service() {
    let (mut service, mut handle) = layered();
    handle.allow(1);
    for (path, status) in [
        ("/login", StatusCode::FOUND),
        ("/login?ticket=%00", StatusCode::BAD_REQUEST),
        ("/login?ticket=ST-1", StatusCode::FOUND),
        ("/logout", StatusCode::FOUND),
        ("/logout_callback", StatusCode::OK),
        ("/profile", StatusCode::FOUND),
    ] {
        assert!(service.poll_ready().is_ready());
        assert_eq!(
            service.call(get(path)).await.unwrap().status(),
            status,
            "{path}"
        );
        assert!(handle.poll_request().is_pending(), "{path}");
    }
    // The one request that the inner service allowed is still to be had.
    assert!(service.poll_ready().is_ready());
    let answer = service.call(get("/public/a"));
    let (_, answerer) = handle.next_request().await.unwrap();
    answerer.send_response(Response::default());
    assert_eq!(answer.await.unwrap().status(), StatusCode::OK);
}

/// Not an `Error`, not `Send`: nothing is asked of it.
#[derive(Debug, PartialEq)]
struct Gone(Rc<str>);

#[tokio::test]
async fn the_errors_are_the_inner_services_own() {
    let inner = service_fn(async |_: Request<String>| Err::<Answer, _>(Gone("away".into())));
    let service = CasLayer::new(site::config(CAS, APP).build().unwrap()).layer(inner);
    let request = Request::get("/public/a").body(String::new()).unwrap();
    assert_eq!(
        service.oneshot(request).await.unwrap_err(),
        Gone("away".into())
    );
}

/// A body that is neither `Sync` nor `Unpin`, of data and errors that have to stay on their thread.
struct Odd(Cell<&'static str>, PhantomPinned);

impl Body for Odd {
    type Data = Pinned;
    type Error = Rc<()>;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Pinned>, Rc<()>>>> {
        Poll::Ready(None)
    }
}

struct Pinned(#[expect(dead_code, reason = "makes it !Send")] Rc<()>);

impl Buf for Pinned {
    fn remaining(&self) -> usize {
        0
    }

    fn chunk(&self) -> &[u8] {
        &[]
    }

    fn advance(&mut self, _: usize) {}
}

#[tokio::test]
async fn bodies_services_and_futures_may_stay_on_their_thread_and_in_their_place() {
    struct Answered(
        Bytes,
        #[expect(dead_code, reason = "makes it !Send")] Rc<()>,
    );
    impl From<Bytes> for Answered {
        fn from(bytes: Bytes) -> Self {
            Self(bytes, Rc::new(()))
        }
    }
    let local = Rc::new(Bytes::from("local"));
    let inner = service_fn(move |request: Request<Odd>| {
        let (local, pinned) = (Rc::clone(&local), PhantomPinned);
        async move {
            tokio::task::yield_now().await;
            assert_eq!(request.body().0.get(), "odd");
            let _: PhantomPinned = pinned;
            Ok::<_, Infallible>(Response::new(Answered((*local).clone(), Rc::new(()))))
        }
    });
    let service = CasLayer::new(site::config(CAS, APP).build().unwrap()).layer(inner);
    let open = async |path: &str| {
        let body = Odd(Cell::new("odd"), PhantomPinned);
        let request = Request::get(path).body(body).unwrap();
        service.clone().oneshot(request).await.unwrap()
    };
    assert_eq!(open("/public/a").await.into_body().0, "local");
    assert_eq!(open("/login").await.status(), StatusCode::FOUND);
}

/// Large enough to be told from a pointer to it.
struct Large([u8; 8192]);

impl Future for Large {
    type Output = Result<Answer, Infallible>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let used = u16::from(self.0[0]);
        Poll::Ready(Ok(Response::builder()
            .status(200 + used)
            .body(Full::default())
            .unwrap()))
    }
}

#[tokio::test]
async fn the_inner_services_future_is_held_and_not_boxed() {
    let inner = service_fn(|_: Request<String>| Large([4; 8192]));
    let mut service = CasLayer::new(site::config(CAS, APP).build().unwrap()).layer(inner);
    let request = Request::get("/public/a").body(String::new()).unwrap();
    let answer = service.ready().await.unwrap().call(request);
    let size = size_of_val(&answer);
    assert!(
        (size_of::<Large>()..size_of::<Large>() + 32).contains(&size),
        "{size}"
    );
    assert_eq!(answer.await.unwrap().status(), 204);
}

const fn is_send<T: Send>() {}
const fn is_send_and_unpin<T: Send + Unpin + 'static>() {}
const fn is_shared<T: Clone + Send + Sync + Debug + 'static>() {}

type AtOnce = fn(Request<String>) -> Ready<Result<Answer, Infallible>>;

/// Checked by the compiler.
const _: () = {
    is_shared::<CasLayer>();
    is_shared::<CasConfig>();
    is_shared::<CasClient>();
    is_shared::<CasUser>();
    is_shared::<MemoryRegistry>();
    is_shared::<Cas<Router>>();
    // A service need not be `Sync`, and its future is `Send` when the inner one is.
    is_send::<Cas<Pin<Box<dyn Future<Output = ()> + Send>>>>();
    is_send_and_unpin::<CasFuture<ServiceFn<AtOnce>, String>>();
};

/// An axum app in a service that wants all that servers want.
#[tokio::test]
async fn a_layered_service_is_as_good_a_tower_service_as_the_inner_one() {
    fn serves<S>(service: S) -> S
    where
        S: Service<Request<Empty<Bytes>>, Response = Answer, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        service
    }
    let inner = service_fn(|_: Request<Empty<Bytes>>| ready(Ok(Answer::default())));
    let service = serves(CasLayer::new(site::config(CAS, APP).build().unwrap()).layer(inner));
    let request = Request::get("/public/a").body(Empty::new()).unwrap();
    assert_eq!(service.oneshot(request).await.unwrap().status(), 200);
}

#[tokio::test]
async fn nothing_that_can_be_printed_shows_a_key_a_cookie_or_an_attribute() {
    let bytes: Vec<u8> = (0..64).map(|n: u8| n.wrapping_mul(37) ^ 0x5a).collect();
    let cas = CasServer::builder().user(alice()).start().await.unwrap();
    let builder = || CasConfig::builder(cas.url(), APP).key(Key::from(bytes.clone()));
    let config = builder().build().unwrap();
    let SignedIn {
        cookie,
        user,
        headers,
    } = sign_in(&config, &cas).await;
    let layer = CasLayer::new(config.clone());
    let printed = [
        format!("{:?}", Key::from(bytes.clone())),
        format!("{:#?}", builder()),
        format!("{config:#?}"),
        format!("{layer:#?}"),
        format!("{:#?}", layer.layer(())),
        format!("{:#?}", config.client()),
        format!("{user:#?}"),
        // What we set is marked as sensitive.
        format!("{headers:#?}"),
    ];
    assert!(printed[2].contains(APP) && printed[6].contains("alice"));

    let hex = format!("{:02x?}", &bytes[..8]).replace(['[', ']', ',', ' '], "");
    let list = format!("{:?}", &bytes[..4]);
    let (_, value) = cookie.split_once('=').unwrap();
    let secrets = [
        hex.clone(),
        hex.to_uppercase(),
        list.trim_matches(['[', ']']).to_owned(),
        format!("{:#?}", &bytes[..4])
            .trim_matches(['[', ']', '\n'])
            .to_owned(),
        BASE64_STANDARD.encode(&bytes[..12]),
        BASE64_URL_SAFE_NO_PAD.encode(&bytes[..12]),
        value[..16].to_owned(),
        value[value.len() - 16..].to_owned(),
        "wonderland".to_owned(),
        "cats & hatters".to_owned(),
        "猫".to_owned(),
    ];
    for text in printed {
        // Nested lists are indented.
        let text = text.replace("    ", "");
        for secret in &secrets {
            assert!(
                !text.contains(&secret.replace("    ", "")),
                "{secret} in {text}"
            );
        }
    }
}
