//! Forms that are begun and never ended, where the CAS server posts its logout requests.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    pin::Pin,
    task::{Context, Poll},
    thread::{self, JoinHandle},
};

use allocation_counter::AllocationInfo;
use axum::{Router, routing::get};
use bytes::Bytes;
use cas_layer::{
    CasConfig, CasInPlaceLayer, CasLayer, CasUser, Key,
    testing::{CasServer, User},
};
use cas_layer_tests::suite::trial;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{Either, Full};
use libtest_mimic::Trial;
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    runtime,
    sync::oneshot,
    task::{JoinSet, LocalSet},
};
use tower::{Layer as _, ServiceExt as _};

use crate::login::{Login, client};

const FORMS: usize = 1_500;

/// How many are read at once.
const AT_ONCE: usize = 256;

const FORM: &str = "application/x-www-form-urlencoded";

/// What is sent of each, in bytes, and what it would have.
const SENT: usize = 65_000;
const LENGTH: usize = 65_536;

/// What the forms of a layer take at most, in bytes, as the documentation has it.
const OF_ALL: u64 = 16 * 1024 * 1024;

pub(crate) fn trials() -> Vec<Trial> {
    let name = |what| format!("unfinished_forms::{what}");
    vec![
        trial(name("take_no_more_than_the_documentation_says"), at_most),
        trial(
            name("at_the_login_path_keep_no_logout_request_from_being_read"),
            || unfinished_forms(|config, routes| routes.layer(CasLayer::new(config))),
        ),
        trial(
            name("in_place_keep_no_logout_request_from_being_read"),
            || unfinished_forms(|config, routes| routes.layer(CasInPlaceLayer::new(config))),
        ),
    ]
}

/// The body of a form of which the end does not come. It takes no memory itself.
struct Unfinished {
    left: usize,
}

impl Body for Unfinished {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        static LETTERS: [u8; 5_000] = [b'x'; 5_000];
        if self.left == 0 {
            return Poll::Pending;
        }
        let piece = &LETTERS[..self.left.min(LETTERS.len())];
        self.left -= piece.len();
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(piece)))))
    }
}

async fn at_most() {
    let [least, most] = [1, SENT].map(|sent| {
        // On a thread of its own, whose memory is counted.
        let attacked = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            let (runtime, tasks) = (runtime.unwrap(), LocalSet::new());
            allocation_counter::measure(|| tasks.block_on(&runtime, attack(sent)))
        });
        attacked.join().unwrap().bytes_max
    });
    println!("{FORMS} forms took {least} bytes when they had but begun, and {most} at most");
    assert!(most - least <= OF_ALL, "{most} - {least}");
}

/// So much of each form is sent. Without a network, so that nothing is counted but what the layer takes.
async fn attack(sent: usize) {
    let config = CasConfig::builder("https://cas.example.org", "https://app.example.org");
    let config = config.key(Key::generate()).build().unwrap();
    let inner = tower::service_fn(async |_| Ok::<_, Infallible>(Response::new(Bytes::new())));
    let app = CasLayer::new(config).layer(inner);
    let answer = |body| {
        let request = Request::post("/login")
            .header("content-type", FORM)
            .body(body);
        let answered = app.clone().oneshot(request.unwrap());
        async move { answered.await.unwrap().status() }
    };
    let mut forms = JoinSet::new();
    for _ in 0..FORMS {
        forms.spawn_local(answer(Either::Left(Unfinished { left: sent })));
    }
    for _ in AT_ONCE..FORMS {
        let status = forms.join_next().await.unwrap().unwrap();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }
    // As many as may be are still open.
    let logout = "logoutRequest=%3Csamlp%3ALogoutRequest+xmlns%3Asamlp%3D%22urn%3Aoasis%3Anames%3Atc%3A\
         SAML%3A2.0%3Aprotocol%22%3E%3Csamlp%3ASessionIndex%3EST-1%3C%2Fsamlp%3ASessionIndex%3E%3C%2F\
         samlp%3ALogoutRequest%3E";
    let status = answer(Either::Right(Full::from(logout))).await;
    assert_eq!(status, StatusCode::OK);
}

/// An app on a thread of its own, whose memory is counted.
struct App {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<AllocationInfo>,
}

impl App {
    fn start(listener: TcpListener, app: impl FnOnce() -> Router + Send + 'static) -> Self {
        let (stop, stopped) = oneshot::channel();
        let serve = async move {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let serving = axum::serve(listener, app());
            tokio::select! {
                served = serving => served.unwrap(),
                stopped = stopped => stopped.unwrap(),
            }
        };
        let thread = thread::spawn(|| {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.unwrap();
            allocation_counter::measure(|| runtime.block_on(serve))
        });
        Self { stop, thread }
    }

    fn stop(self) -> AllocationInfo {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap()
    }
}

async fn unfinished_forms(layer: impl FnOnce(CasConfig, Router) -> Router + Send + 'static) {
    let cas = CasServer::builder().user(User::new("casuser", "Mellon"));
    let cas = cas.start().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://{address}");
    let config = CasConfig::builder(cas.url(), &url).key(Key::generate());
    let config = config.build().unwrap();
    let app = App::start(listener, || {
        let profile = async |user: CasUser| user.name().to_owned();
        layer(config, Router::new().route("/profile", get(profile)))
    });

    let person = client(Ipv4Addr::LOCALHOST);
    let sign_in = async || Login::begin(&person, &url).await.sign_in(&cas).await;
    sign_in().await;
    let mut forms = JoinSet::new();
    for _ in 0..FORMS {
        forms.spawn(unfinished_form(address));
    }
    // In the middle of them, and while as many as may be stay open.
    assert_eq!(cas.log_out("casuser").await.accepted, 1);
    let open = forms.join_all().await;
    for _ in 0..3 {
        sign_in().await;
        assert_eq!(cas.log_out("casuser").await.accepted, 1);
    }
    drop(open);

    let most = app.stop().bytes_max;
    println!("with the HTTP server, {FORMS} forms took {most} bytes at most");
    // The server's own buffers for those that are read may be larger than the forms.
    assert!(most < u64::try_from(FORMS * SENT).unwrap(), "{most}");
}

/// A form of which the end does not come. Who turns it away need not read it.
async fn unfinished_form(to: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let form = format!(
        "POST /login HTTP/1.1\r\nHost: app\r\nContent-Type: {FORM}\r\n\
         Content-Length: {LENGTH}\r\n\r\nlogoutRequest={}",
        "x".repeat(SENT)
    );
    let _ = stream.write_all(form.as_bytes()).await;
    stream
}
