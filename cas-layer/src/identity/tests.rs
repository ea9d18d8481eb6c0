use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, StreamBody};
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::{IdentityBody, IdentityHeadersBuilder, IdentityHeadersLayer};
use crate::{
    CasConfig, CasUser, ConfigError, Key, app::Host, introduction::MAX_VALUE_BYTES,
    service::Anonymous, session::sample_session, user::Place,
};

fn builder() -> IdentityHeadersBuilder {
    IdentityHeadersLayer::builder()
        .attribute("mail", "Remote-Mail")
        .attribute("groups", "Remote-Groups")
        .session_id("Remote-Session")
        .reserve_prefix("X-CAS-")
}

fn host() -> Arc<Host> {
    let config = CasConfig::builder("https://cas.example.org", "https://app.example.org");
    let key = Key::from((0..64).collect::<Vec<u8>>());
    let config = config
        .key(key)
        .session(|session| session.cookie_name("app"))
        .build()
        .unwrap();
    Arc::clone(config.first_host())
}

/// A name, and attributes with their values.
type Known<'a> = (&'a str, &'a [(&'a str, &'a [&'a str])]);

/// A request of this user, or of nobody.
fn request(user: Option<Known<'_>>) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    match user {
        Some((name, attributes)) => {
            let user = CasUser::new(sample_session(name, attributes), host(), Place::Endpoint);
            request.extensions_mut().insert(user);
        }
        None => {
            request.extensions_mut().insert(Anonymous {
                host: host(),
                place: Place::Endpoint,
                shows: crate::service::Shows::Nothing,
            });
        }
    }
    request
}

/// The headers that arrive below the layer.
async fn below<B>(builder: IdentityHeadersBuilder, request: Request<B>) -> HeaderMap {
    let inner = service_fn(async |request: Request<IdentityBody<B>>| {
        Ok::<_, Infallible>(request.into_parts().0.headers)
    });
    let service = builder.build().unwrap().layer(inner);
    service.oneshot(request).await.unwrap()
}

fn lines(headers: &HeaderMap) -> Vec<String> {
    let line = |(name, value): (&HeaderName, &HeaderValue)| {
        format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
    };
    headers.iter().map(line).collect()
}

/// The names that must never arrive from outside, and such as must.
const OURS: [&str; 17] = [
    "remote-user",
    "REMOTE-USER",
    "Remote_User",
    "remote.user",
    "remote~user",
    "remote|user",
    "Remote-Mail",
    "remote_groups",
    "REMOTE.SESSION",
    "Remote-Name",
    "remote_email",
    "REMOTE-",
    "remote-user-",
    "remote--user",
    "X-CAS-",
    "x_cas_anything",
    "X-Cas.Mail",
];
const OTHERS: [&str; 6] = [
    "remoteuser",
    "remote",
    "x-remote-user",
    "http-remote-user",
    "x-cas",
    "xcas-mail",
];

#[tokio::test]
async fn no_spelling_of_a_name_comes_from_outside_whoever_asks() {
    for user in [None, Some(("alice", &[][..]))] {
        let mut request = request(user);
        for name in OURS.iter().chain(&OTHERS) {
            for value in ["mallory", "eve"] {
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                request
                    .headers_mut()
                    .append(name, HeaderValue::from_static(value));
            }
        }
        let headers = below(builder(), request).await;
        let mut expected: Vec<String> = OTHERS
            .iter()
            .flat_map(|name| [format!("{name}: mallory"), format!("{name}: eve")])
            .collect();
        if user.is_some() {
            expected.push("remote-user: alice".to_owned());
            expected.push(format!("remote-session: {}", "07".repeat(16)));
        }
        let mut lines = lines(&headers);
        lines.sort();
        expected.sort();
        assert_eq!(lines, expected);
    }
}

#[tokio::test]
async fn names_are_taken_out_of_lists_that_make_others_remove_or_expect_them() {
    for (list, sent, left) in [
        ("connection", &["Remote-User"][..], &[][..]),
        ("connection", &["close, remote_user , x"], &["close, x"]),
        (
            "connection",
            &["close", "X-CAS-Mail,", "a,,b"],
            &["close", "a, b"],
        ),
        ("connection", &["\"Remote-User\", close"], &["close"]),
        ("connection", &["close;Remote.User, \t a"], &["a"]),
        ("connection", &["a Remote-User b"], &[]),
        ("connection", &["X-Remote-User"], &["X-Remote-User"]),
        ("connection", &["upgrade, keep-alive"], &["keep-alive"]),
        ("connection", &["HTTP2-Settings"], &[]),
        (
            "proxy-connection",
            &["Remote-Mail, keep-alive"],
            &["keep-alive"],
        ),
        ("trailer", &["X-Sum, REMOTE-USER"], &["X-Sum"]),
        ("upgrade", &["h2c"], &[]),
        ("upgrade", &["TLS/1.3, WebSocket"], &["WebSocket"]),
        ("upgrade", &["websocket/13"], &[]),
        ("http2-settings", &["AAMAAABkAAQAAP__"], &[]),
        ("te", &["trailers"], &["trailers"]),
    ] {
        let mut request = request(None);
        for value in sent {
            request
                .headers_mut()
                .append(list, HeaderValue::from_static(value));
        }
        let headers = below(builder(), request).await;
        let arrived: Vec<_> = headers.get_all(list).iter().collect();
        assert_eq!(arrived, left, "{list}: {sent:?}");
    }
}

#[tokio::test]
async fn a_websocket_handshake_passes_as_it_is() {
    let mut request = request(None);
    let headers = request.headers_mut();
    headers.insert(
        "connection",
        HeaderValue::from_static("keep-alive, Upgrade"),
    );
    headers.insert("upgrade", HeaderValue::from_static("websocket"));
    let before = lines(request.headers());
    assert_eq!(lines(&below(builder(), request).await), before);
}

#[tokio::test]
async fn the_cookies_of_the_app_stay_and_others_go_on() {
    for (sent, left) in [
        (&["__Host-app-session=s1.x"][..], &[][..]),
        (&["a=b; __Host-app-session=s; c=d"], &["a=b; c=d"]),
        (
            &["__Host-app-session=1", "a=b;c", "__Host-app-login=2; d"],
            &["a=b;c", "d"],
        ),
        (&[" __Host-app-session =x;__Host-app-login=y;"], &[]),
        (
            &["__Host-app-sessions=x; app-session=y; a=__Host-app-session=z"],
            &["__Host-app-sessions=x; app-session=y; a=__Host-app-session=z"],
        ),
    ] {
        for user in [None, Some(("alice", &[][..]))] {
            let mut request = request(user);
            for value in sent {
                request
                    .headers_mut()
                    .append("cookie", HeaderValue::from_static(value));
            }
            let headers = below(builder(), request).await;
            let arrived: Vec<_> = headers.get_all("cookie").iter().collect();
            assert_eq!(arrived, left, "{sent:?}");
        }
    }
}

#[tokio::test]
async fn nothing_that_a_backend_may_read_as_a_cookie_of_the_app_goes_on() {
    for pair in [
        "__Host-app-session=x",
        "__HOST-APP-SESSION=x",
        "__Host-app-login\t=x",
        // White space to who trims by Unicode, in UTF-8 or in Latin-1.
        "\u{a0}__Host-app-session=x",
        "__Host-app-session\u{a0}=x",
        "\u{3000}__Host-app-session\u{2003} =x",
        "\u{feff}__Host-app-session=x",
        // Names are decoded, or made names of variables.
        "__%48ost-app-session=x",
        "__Host-app%2Dsession=x",
        "%20__Host-app-session=x",
        "..Host-app-session=x",
        "__Host_app_session=x",
        "__Host-app.login=x",
        // A pair ends at a space or at a comma.
        "z=1 __Host-app-session=x",
        "z=1, __Host-app-session=x",
        "z=1,__Host-app-session=x",
        "z=\"1\"__Host-app-session=x",
        "z=1\u{a0}__Host-app-login \u{a0} =x",
        "\"__Host-app-session\"=x",
    ] {
        let mut request = request(Some(("alice", &[])));
        let field = HeaderValue::from_bytes(format!("a=b; {pair}; c=d").as_bytes()).unwrap();
        request.headers_mut().append("cookie", field);
        let headers = below(builder(), request).await;
        assert_eq!(headers["cookie"], "a=b; c=d", "{pair:?}");
    }
    for latin_1 in [
        &b"\xa0__Host-app-session=x"[..],
        b"__Host-app-session\x85=x",
    ] {
        let mut request = request(None);
        let field = HeaderValue::from_bytes(latin_1).unwrap();
        request.headers_mut().append("cookie", field);
        let headers = below(builder(), request).await;
        assert!(!headers.contains_key("cookie"), "{latin_1:?}");
    }
    for other in [
        "z==__Host-app-session=x",
        "z=__Host-app-session",
        "__Host-app-session",
        "__Host-app-session-id=x; =; %; \u{a0}",
        "z=__Host-app-session, =",
    ] {
        let mut request = request(None);
        let field = HeaderValue::from_bytes(other.as_bytes()).unwrap();
        request.headers_mut().append("cookie", field.clone());
        let headers = below(builder(), request).await;
        assert_eq!(headers["cookie"], field, "{other:?}");
    }
}

#[tokio::test]
async fn every_value_can_be_decoded_and_is_visible_ascii() {
    for (values, written) in [
        (&["alice@example.org"][..], "alice@example.org"),
        (&["Alice Liddell"], "Alice Liddell"),
        (&["Liddell, Alice", "b"], "Liddell%2C Alice,b"),
        (&["猫", "é"], "%E7%8C%AB,%C3%A9"),
        (&["50%", "%2C"], "50%25,%252C"),
        (&[" a ", "  "], "%20a%20,%20%20"),
        (
            &["a\r\nRemote-User: eve\0\u{7f}\t"],
            "a%0D%0ARemote-User: eve%00%7F%09",
        ),
        (&[""], ""),
        (&["", ""], ","),
        (&["\"quoted;\""], "\"quoted;\""),
    ] {
        let request = request(Some(("alice", &[("groups", values)])));
        let headers = below(builder(), request).await;
        let header = &headers["remote-groups"];
        assert_eq!(header, written, "{values:?}");
        assert!(header.is_sensitive());
        let decoded: Vec<_> = written.split(',').map(decode).collect();
        assert_eq!(decoded, values, "{written}");
    }
}

/// As a backend does it.
fn decode(piece: &str) -> String {
    percent_encoding::percent_decode_str(piece)
        .decode_utf8()
        .unwrap()
        .into_owned()
}

#[tokio::test]
async fn a_user_name_is_written_the_same_way_but_is_no_list() {
    for (name, written) in [
        ("Liddell, Alice", "Liddell, Alice"),
        ("アリス 100%", "%E3%82%A2%E3%83%AA%E3%82%B9 100%25"),
    ] {
        let headers = below(builder(), request(Some((name, &[])))).await;
        assert_eq!(headers["remote-user"], written);
        assert_eq!(decode(written), name);
    }
}

#[tokio::test]
async fn another_separator_is_escaped_in_its_place() {
    let request = request(Some(("alice", &[("groups", &["a;b", "c,d"])])));
    let headers = below(builder().separator(';'), request).await;
    assert_eq!(headers["remote-groups"], "a%3Bb;c,d");
}

#[tokio::test]
async fn attributes_that_were_not_chosen_or_have_no_value_are_not_sent() {
    let attributes: &[(&str, &[&str])] = &[("secret", &["x"]), ("mail", &[])];
    let headers = below(builder(), request(Some(("alice", attributes)))).await;
    assert_eq!(headers.keys().len(), 2, "{headers:?}");
}

#[tokio::test]
async fn a_value_that_is_too_long_is_left_out_whole_and_the_others_are_sent() {
    for (bytes, is_sent) in [(MAX_VALUE_BYTES, true), (MAX_VALUE_BYTES + 1, false)] {
        let long = "x".repeat(bytes);
        let mail = ["a@b"];
        let groups = [long.as_str()];
        let attributes: &[(&str, &[&str])] = &[("groups", &groups), ("mail", &mail)];
        let headers = below(builder(), request(Some(("alice", attributes)))).await;
        assert_eq!(headers.contains_key("remote-groups"), is_sent);
        assert_eq!(headers["remote-mail"], "a@b");
    }
    let longest_name = "\u{e9}".repeat(512);
    let headers = below(builder(), request(Some((&longest_name, &[])))).await;
    assert_eq!(headers["remote-user"].len(), 3_072);
}

#[tokio::test]
async fn without_a_cas_layer_above_nobody_is_introduced() {
    let mut request = Request::new(Full::<Bytes>::default());
    let header = HeaderValue::from_static("mallory");
    request.headers_mut().insert("remote-user", header);
    assert_eq!(lines(&below(builder(), request).await), [""; 0]);
}

#[tokio::test]
async fn trailers_are_scrubbed_and_data_stays_as_it_is() {
    type Frame = http_body::Frame<Bytes>;
    let trailers = |names: &[&'static str]| {
        let field = |name: &&'static str| {
            (
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_static("x"),
            )
        };
        names.iter().map(field).collect::<HeaderMap>()
    };
    for (sent, left) in [
        (&OURS[..], None),
        (
            &["x-sum", "Remote_User", "x-cas-a"],
            Some(trailers(&["x-sum"])),
        ),
        (&["x-sum"], Some(trailers(&["x-sum"]))),
    ] {
        let frames = [
            Ok::<_, Infallible>(Frame::data(Bytes::from("one"))),
            Ok(Frame::data(Bytes::from("two"))),
            Ok(Frame::trailers(trailers(sent))),
        ];
        let body = StreamBody::new(futures_util::stream::iter(frames));
        let inner = service_fn(async |request: Request<IdentityBody<_>>| {
            Ok::<_, Infallible>(request.into_body())
        });
        let service = builder().build().unwrap().layer(inner);
        let mut body = service.oneshot(Request::new(body)).await.unwrap();
        for data in ["one", "two"] {
            let frame = body.frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), data);
        }
        let last = body
            .frame()
            .await
            .map(|frame| frame.unwrap().into_trailers().unwrap());
        assert_eq!(last, left, "{sent:?}");
        assert!(left.is_none() || body.frame().await.is_none());
    }
}

#[tokio::test]
async fn a_body_is_as_long_as_it_was() {
    let inner = service_fn(async |request: Request<IdentityBody<Full<Bytes>>>| {
        let body = request.into_body();
        Ok::<_, Infallible>((body.size_hint().exact(), body.is_end_stream()))
    });
    let layer = builder().build().unwrap();
    for (body, expected) in [("", (Some(0), true)), ("four", (Some(4), false))] {
        let service = layer.layer(inner);
        let request = Request::new(Full::from(body));
        assert_eq!(service.oneshot(request).await.unwrap(), expected);
    }
}

#[test]
fn names_that_would_break_requests_or_each_other_are_refused() {
    let refused = |builder: IdentityHeadersBuilder| match builder.build() {
        Err(ConfigError::InvalidHeaderName { name, .. }) => name,
        other => panic!("{other:?}"),
    };
    let long = "x".repeat(129);
    for name in [
        "",
        "a b",
        "ä",
        "a:b",
        "a\r\nb",
        long.as_str(),
        "Host",
        "HOST",
        "Content_Length",
        "cookie",
        "Transfer.Encoding",
        "Connection",
        "Authorization",
        "Trailer",
        "Sec-WebSocket-Key",
        "sec_websocket_accept",
        "Sec-Websocket-Protocol",
        "remote_user",
        "Remote.Mail",
    ] {
        assert_eq!(refused(builder().attribute("x", name)), name);
        if !name.to_ascii_lowercase().starts_with("remote") {
            assert_eq!(refused(builder().user(name)), name);
        }
    }
    assert_eq!(
        refused(builder().session_id("Remote_Groups")),
        "Remote-Groups"
    );
    for prefix in [
        "",
        "C",
        "content-",
        "Content_Len",
        "host",
        "a b",
        "Sec-",
        "sec_websocket",
        "Sec-WebSocket-Ext",
    ] {
        assert_eq!(refused(builder().reserve_prefix(prefix)), prefix);
    }
    builder()
        .attribute("x", "X-CAS-X")
        .reserve_prefix("Remote-")
        .reserve_prefix("Sec-Fetch-")
        .build()
        .unwrap();
}

#[test]
fn separators_that_could_be_part_of_a_value_are_refused() {
    for separator in ['%', 'a', '0', ' ', '\n', 'é', '\u{12c}'] {
        let error = builder().separator(separator).build().unwrap_err();
        assert!(
            matches!(error, ConfigError::InvalidSeparator { .. }),
            "{error}"
        );
    }
    for separator in [',', ';', '|', ':'] {
        builder().separator(separator).build().unwrap();
    }
}
