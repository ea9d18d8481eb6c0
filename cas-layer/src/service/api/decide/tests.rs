//! Truth tables of an API.

use http::{HeaderValue, Request, header};

use super::{
    super::super::decide::tests::{Way, builder, of_task, visitor},
    *,
};
use crate::{CasConfig, user::Place};

fn layer(config: &CasConfig) -> CasApiLayer {
    CasApiLayer::new(config.clone())
}

fn decided(layer: &CasApiLayer, who: &str, request: &Request<()>) -> String {
    let host = layer.hosts.first();
    let (place, now) = (Place::Request, host.app.clock.now());
    let visit = Visit::by(request, place, Visitor::Anonymous, now);
    match layer.decide(host, &visit, visitor(who, host, place)) {
        First::Own(task) => of_task(&task),
        First::Read(endpoint) => format!("read {endpoint:?}"),
        First::Judge(asked) => match asked.by {
            By::Nobody => "judge nobody".to_owned(),
            By::User(user) => format!("judge {}", user.name()),
            By::Ticket(brought) => {
                let opens = if brought.opens_session { ", opens" } else { "" };
                format!("validate for {}{opens}", brought.service.as_str())
            }
            By::Password(given) => format!("ask for {}", given.user),
        },
    }
}

/// A program's request, with a ticket in the `Authorization` field.
fn with_ticket(path: &str) -> Request<()> {
    let mut request = Request::get(path).body(()).unwrap();
    let ticket = HeaderValue::from_static("CAS PT-1");
    request.headers_mut().insert(header::AUTHORIZATION, ticket);
    request
}

#[test]
fn what_becomes_of_a_request_at_an_api() {
    let config = builder()
        .proxy(|proxy| proxy.callback_path("/proxy"))
        .session(|session| session.encrypted(true))
        .build()
        .unwrap();
    let (plain, lenient) = (layer(&config), layer(&config).with_tickets_in_query(true));
    let url = "validate for https://app.example.org";
    for (path, expected) in [
        ("/a?b=c", "judge nobody"),
        ("/public?ticket=PT-1", "judge nobody"),
        ("/a?ticket=PT-1", "invalid-ticket: line 400"),
        ("/a?ticket=PT-1&ticket=PT-2", "invalid-ticket: line 400"),
        ("/login", "judge nobody"),
        ("/proxy?pgtId=PGT-1&pgtIou=PGTIOU-1", "take pair"),
    ] {
        let request = Request::get(path).body(()).unwrap();
        assert_eq!(decided(&plain, "user", &request), expected, "{path}");
    }
    for (path, expected) in [("/a?b=c", "/a?b=c"), ("/a", "/a")] {
        let request = with_ticket(path);
        assert_eq!(
            decided(&plain, "nobody", &request),
            format!("{url}{expected}"),
            "{path}"
        );
    }
    assert_eq!(
        decided(&plain, "nobody", &with_ticket("/it's")),
        "invalid-ticket: line 400"
    );
    let in_query = Request::get("/a?ticket=PT-1&b=c").body(()).unwrap();
    assert_eq!(
        decided(&lenient, "nobody", &in_query),
        format!("{url}/a?b=c")
    );
    let by_browser = Way::Page.request("/a?ticket=PT-1");
    assert_eq!(
        decided(&lenient, "nobody", &by_browser),
        "invalid-ticket: line 403"
    );
    let form = Way::OwnForm.request("/proxy");
    assert_eq!(decided(&plain, "nobody", &form), "read ProxyCallback");
}

#[test]
fn a_cookie_counts_where_sessions_are_kept() {
    let config = builder().build().unwrap();
    let (without, with) = (layer(&config), layer(&config).with_sessions(true));
    let url = "validate for https://app.example.org/a";
    for (who, on_cookie, on_ticket) in [
        ("nobody", "judge nobody", format!("{url}, opens")),
        ("ended", "judge nobody", format!("{url}, opens")),
        ("idle", "judge nobody", format!("{url}, opens")),
        ("user", "judge alice", url.to_owned()),
        ("unverified", "SessionUnverified", url.to_owned()),
    ] {
        let request = Request::get("/a").body(()).unwrap();
        assert_eq!(decided(&with, who, &request), on_cookie, "{who}");
        assert_eq!(decided(&without, who, &request), "judge nobody", "{who}");
        assert_eq!(decided(&with, who, &with_ticket("/a")), on_ticket, "{who}");
        assert_eq!(decided(&without, who, &with_ticket("/a")), url, "{who}");
    }
    // A foreign page could have a browser send it.
    let mut by_script = with_ticket("/a");
    let origin = HeaderValue::from_static("https://evil.example");
    by_script.headers_mut().insert(header::ORIGIN, origin);
    assert_eq!(decided(&with, "nobody", &by_script), url);
}
