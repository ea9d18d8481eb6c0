//! What is read of a form, and that all of it comes out again.

use std::{convert::Infallible, future::poll_fn, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, StatusCode};
use http_body::SizeHint;
use http_body_util::{BodyExt as _, Empty, Full};

use super::*;
use crate::admission::Forms;

/// A body that comes as it is written down here, and says how often it was asked.
struct Script {
    steps: VecDeque<Step>,
    hint: SizeHint,
    polled: usize,
}

enum Step {
    Data(Bytes),
    Trailers,
    Error,
    /// Nothing comes any more.
    Silence,
}

impl Script {
    fn of(steps: impl IntoIterator<Item = Step>) -> Self {
        let steps: VecDeque<Step> = steps.into_iter().collect();
        let len = steps.iter().map(|step| match step {
            Step::Data(data) => data.len() as u64,
            _ => 0,
        });
        Self {
            hint: SizeHint::with_exact(len.sum()),
            steps,
            polled: 0,
        }
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        self.polled += 1;
        let step = match self.steps.front() {
            Some(Step::Silence) => return Poll::Pending,
            _ => self.steps.pop_front(),
        };
        Poll::Ready(match step {
            Some(Step::Data(data)) => {
                let left = self.hint.exact().unwrap() - data.len() as u64;
                self.hint = SizeHint::with_exact(left);
                Some(Ok(Frame::data(data)))
            }
            Some(Step::Trailers) => {
                let trailers = [(header::ETAG, HeaderValue::from_static("end"))];
                Some(Ok(Frame::trailers(trailers.into_iter().collect())))
            }
            Some(Step::Error) => Some(Err("broke off")),
            Some(Step::Silence) | None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

/// A form like the first one that an app reads.
fn looking_at<B: Body>(body: B) -> Peek<B> {
    Peek::new(Forms::new().seat(None), body)
}

fn data(text: &'static str) -> Step {
    Step::Data(Bytes::from_static(text.as_bytes()))
}

/// One frame for each byte.
fn bytes(text: &'static str) -> impl Iterator<Item = Step> {
    (0..text.len()).map(|at| Step::Data(Bytes::from_static(&text.as_bytes()[at..=at])))
}

/// Polls to the end, and says too how many frames were read by then.
async fn found(peek: &mut Peek<Script>) -> (Found, usize) {
    loop {
        let found = poll_fn(|cx| peek.poll(cx)).await;
        if found != Found::Ours {
            return (found, peek.body.polled);
        }
    }
}

/// The data of each frame, and how the body ended.
async fn replayed(peek: Peek<Script>) -> (Vec<Bytes>, Vec<&'static str>) {
    let mut body = peek.into_body();
    let (mut frames, mut end) = (Vec::new(), Vec::new());
    while let Some(frame) = body.frame().await {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) => frames.push(data),
            Ok(Err(_)) => end.push("trailers"),
            Err(error) => end.push(error),
        }
    }
    assert!(body.is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(0));
    (frames, end)
}

#[tokio::test]
async fn a_form_of_the_app_is_read_no_further_than_it_takes_to_tell() {
    for (steps, read) in [
        (vec![data("a=b"), data("c")], 1),
        (vec![data("logoutRequest"), data("s=1"), data("x")], 2),
        (vec![data("logoutRequest&"), data("x")], 1),
        (vec![data("LogoutRequest="), data("x")], 1),
        (vec![data(""), data("l"), data("x"), data("y")], 3),
        (vec![data("logout"), Step::Trailers], 2),
        (vec![data("logout"), Step::Error], 2),
        (vec![data("logout")], 2),
        (vec![Step::Trailers], 1),
        (vec![Step::Error], 1),
        (vec![], 1),
        (bytes("logoutRequest&=").collect(), 14),
    ] {
        let all: Vec<Bytes> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Data(data) => Some(data.clone()),
                _ => None,
            })
            .collect();
        let end: Vec<&str> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Trailers => Some("trailers"),
                Step::Error => Some("broke off"),
                _ => None,
            })
            .collect();
        let mut peek = looking_at(Script::of(steps));
        assert_eq!(found(&mut peek).await, (Found::Foreign, read), "{all:?}");
        assert_eq!(replayed(peek).await, (all.clone(), end), "{all:?}");
    }
}

#[tokio::test]
async fn a_logout_request_is_told_as_soon_as_it_begins_and_read_to_its_end() {
    let text = "logoutRequest=%3Cx%3E&a=b";
    for steps in [
        vec![data(text)],
        vec![data("logoutRequest="), data("%3Cx%3E&a=b")],
        vec![
            data(""),
            data("logout"),
            data(""),
            data("Request=%3Cx%3E&a=b"),
            data(""),
        ],
        vec![data(text), Step::Trailers],
        bytes(text).collect(),
    ] {
        let mut peek = looking_at(Script::of(steps));
        assert_eq!(poll_fn(|cx| peek.poll(cx)).await, Found::Ours);
        assert!(peek.bytes <= text.len() && peek.bytes >= 14);
        assert_eq!(found(&mut peek).await.0, Found::Whole);
        assert_eq!(peek.into_form().data(), text.as_bytes());
    }
}

#[tokio::test]
async fn a_logout_request_that_breaks_off_or_comes_too_slowly_is_none() {
    tokio::time::pause();
    let broken = Script::of([data("logoutRequest=a"), Step::Error]);
    let slow = Script::of([data("logoutRequest=a"), Step::Silence]);
    for (body, status) in [
        (broken, StatusCode::BAD_REQUEST),
        (slow, StatusCode::REQUEST_TIMEOUT),
    ] {
        let (found, _) = found(&mut looking_at(body)).await;
        assert!(
            matches!(found, Found::Broken((got, _)) if got == status),
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn a_sender_that_says_too_little_for_ten_seconds_is_left_to_the_app() {
    tokio::time::pause();
    for steps in [vec![Step::Silence], vec![data("logout"), Step::Silence]] {
        let begun = tokio::time::Instant::now();
        let said = steps.len() - 1;
        let mut peek = looking_at(Script::of(steps));
        assert_eq!(found(&mut peek).await.0, Found::Foreign);
        let waited = begun.elapsed();
        assert!(waited >= Duration::from_secs(10) && waited < Duration::from_secs(11));
        let mut body = peek.into_body();
        for _ in 0..said {
            let frame = body.frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), "logout");
        }
        // And then the app waits.
        let waiting = tokio::time::timeout(Duration::from_secs(1), body.frame()).await;
        assert!(waiting.is_err());
    }
}

#[tokio::test]
async fn what_is_longer_or_in_more_pieces_than_a_server_sends_is_the_apps() {
    let long = || Step::Data(Bytes::from(vec![b'x'; LogoutRequest::MAX_BYTES - 14]));
    let mut peek = looking_at(Script::of([data("logoutRequest="), long()]));
    assert_eq!(found(&mut peek).await.0, Found::Whole);

    let steps = [data("logoutRequest="), long(), data("x"), data("y")];
    let mut peek = looking_at(Script::of(steps));
    assert_eq!(found(&mut peek).await, (Found::Foreign, 3));
    let (frames, _) = replayed(peek).await;
    assert_eq!(frames.iter().map(Bytes::len).sum::<usize>(), 65_536 + 2);

    for piece in ["", "x"] {
        let pieces = (0..2_000).map(|_| data(piece));
        let mut peek = looking_at(Script::of(
            [data("logoutRequest=")].into_iter().chain(pieces),
        ));
        assert_eq!(found(&mut peek).await, (Found::Foreign, 33), "{piece:?}");
        assert_eq!(replayed(peek).await.0.len(), 2_001);
    }
}

#[tokio::test]
async fn a_form_that_the_app_never_gets_may_come_in_any_number_of_pieces() {
    let pieces = (0..LogoutRequest::MAX_BYTES).map(|_| data("x"));
    let mut peek = Peek::known(
        Forms::new().seat(None),
        Script::of(pieces.chain([data("")])),
    );
    assert_eq!(found(&mut peek).await.0, Found::Whole);
    assert_eq!(peek.into_form().data().len(), LogoutRequest::MAX_BYTES);
    let more = (0..=LogoutRequest::MAX_BYTES).map(|_| data("x"));
    let mut peek = Peek::known(Forms::new().seat(None), Script::of(more));
    assert_eq!(found(&mut peek).await.0, Found::Foreign);
}

#[tokio::test]
async fn the_size_of_a_body_is_what_is_still_to_come() {
    let steps = [data("ab"), data("cde"), Step::Trailers];
    let mut peek = looking_at(Script::of(steps));
    assert_eq!(found(&mut peek).await.0, Found::Foreign);
    let mut body = peek.into_body();
    assert_eq!(body.size_hint().exact(), Some(5));
    for left in [3, 0, 0] {
        assert!(!body.is_end_stream());
        body.frame().await.unwrap().unwrap();
        assert_eq!(body.size_hint().exact(), Some(left));
    }
    assert!(body.is_end_stream());
    assert!(body.frame().await.is_none() && body.frame().await.is_none());
}

#[tokio::test]
async fn a_body_that_was_not_looked_at_is_as_it_was() {
    let body = Peeked::untouched(Script::of([data("ab"), Step::Trailers, Step::Error]));
    assert_eq!(body.size_hint().exact(), Some(2));
    assert!(!body.is_end_stream());
    let mut body = std::pin::pin!(body);
    assert!(body.frame().await.unwrap().unwrap().is_data());
    assert!(body.frame().await.unwrap().unwrap().is_trailers());
    assert_eq!(body.frame().await.unwrap().unwrap_err(), "broke off");
    assert!(body.is_end_stream());
    let printed = format!("{:?}", Peeked::untouched(Full::new(Bytes::from("secret"))));
    assert_eq!(printed, "Peeked { seen: 0, .. }");
}

/// Two parts of one frame, of which only the first can be seen unless both are asked for.
#[tokio::test]
async fn a_frame_of_several_parts_is_looked_at_as_one() {
    for (first, second, is_ours) in [
        ("logout", "Request=x", true),
        ("logout", "request=x", false),
    ] {
        let frame = Bytes::from(first).chain(Bytes::from(second));
        let mut peek = looking_at(Full::new(frame));
        let found = poll_fn(|cx| peek.poll(cx)).await;
        assert_eq!(found == Found::Ours, is_ours);
        let collected = peek.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(collected, format!("{first}{second}"));
    }
}

#[test]
fn only_a_form_that_is_posted_and_not_too_long_is_looked_at() {
    const FORM: &str = "application/x-www-form-urlencoded";
    let is_worth_it = |method: &Method, fields: &[(header::HeaderName, &'static str)]| {
        let headers: HeaderMap = fields
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        super::is_worth_it(method, &headers, &Full::new(Bytes::from("a")))
    };
    let kind = |value| (header::CONTENT_TYPE, value);
    let length = |value| (header::CONTENT_LENGTH, value);
    let post = &Method::POST;
    for fields in [
        vec![kind(FORM)],
        vec![kind(
            "Application/X-WWW-Form-URLEncoded ; charset=\"utf-8\"",
        )],
        vec![kind(FORM), length("65536")],
    ] {
        assert!(is_worth_it(post, &fields), "{fields:?}");
        assert!(!is_worth_it(&Method::PUT, &fields));
        assert!(!is_worth_it(&Method::GET, &fields));
    }
    for fields in [
        vec![],
        vec![kind("application/json")],
        vec![kind("multipart/form-data; boundary=b")],
        vec![kind(FORM), length("65537")],
        vec![kind(FORM), length("a")],
    ] {
        assert!(!is_worth_it(post, &fields), "{fields:?}");
    }
    let headers: HeaderMap = [(header::CONTENT_TYPE, HeaderValue::from_static(FORM))]
        .into_iter()
        .collect();
    assert!(!super::is_worth_it(post, &headers, &Empty::<Bytes>::new()));
}

#[tokio::test(start_paused = true)]
async fn a_form_for_which_there_is_no_room_is_unread_and_whole() {
    let full = || Peek::new(std::future::ready(None), Script::of([data("a=b")]));
    let waits = || Peek::new(std::future::pending(), Script::of([data("a=b")]));
    for mut peek in [full(), waits()] {
        assert_eq!(found(&mut peek).await, (Found::Unread, 0));
        assert_eq!(replayed(peek).await.0, ["a=b"]);
    }
    let mut known = Peek::known(std::future::ready(None), Script::of([data("a=b")]));
    assert_eq!(found(&mut known).await, (Found::Broken(NO_ROOM), 0));
}

/// Neither `Send` nor `Unpin` is asked of it.
#[tokio::test]
async fn a_body_may_have_to_stay_in_its_place() {
    struct Odd(std::rc::Rc<()>, std::marker::PhantomPinned);
    impl Body for Odd {
        type Data = BytesMut;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<BytesMut>, Infallible>>> {
            assert_eq!(std::rc::Rc::strong_count(&self.0), 1);
            Poll::Ready(None)
        }
    }
    let mut peek = looking_at(Odd(std::rc::Rc::new(()), std::marker::PhantomPinned));
    assert_eq!(poll_fn(|cx| peek.poll(cx)).await, Found::Foreign);
    assert!(peek.into_body().is_end_stream());
}
