//! Truth tables of a layer in place.

use http::Request;

use super::{
    super::super::decide::tests::{Way, builder, of_action, visitor},
    *,
};
use crate::{CasConfig, Key, user::Place};

fn decided(config: &CasConfig, who: &str, request: &Request<()>, is_form: bool) -> String {
    let host = config.first_host();
    let place = Place::Page;
    let visitor = visitor(who, host, place);
    let visit = Visit::by(request, place, visitor, host.app.clock.now());
    match first(host, &visit, is_form) {
        First::Act(action) => of_action(&action),
        First::Confirm => "confirm".to_owned(),
        First::Peek(action) => format!("peek, or {}", of_action(&action)),
        First::Ask(_) => "ask".to_owned(),
    }
}

#[test]
fn what_becomes_of_a_request_in_place() {
    let config = builder().build().unwrap();
    let logout = "logoutRequest=%3Csamlp:LogoutRequest%20xmlns:samlp=%22urn:oasis:names:tc:SAML:2.0:protocol%22%3E\
                  %3Csamlp:SessionIndex%3EST-1%3C/samlp:SessionIndex%3E%3C/samlp:LogoutRequest%3E";
    for (who, path, expected) in [
        ("nobody", "/a?b=c", "begin /a?b=c"),
        ("ended", "/a", "begin /a"),
        ("unverified", "/a", "SessionUnverified"),
        ("user", "/a", "serve private Renewal"),
        ("nobody", "/public", "serve"),
        ("user", "/admin", "forbid: NotAllowed"),
        ("user", "/fresh", "begin /fresh renewed"),
        ("nobody", "/gateway", "serve private Probe"),
        // No path is an endpoint.
        ("nobody", "/login", "begin /login"),
        ("user", "/logout", "serve private Renewal"),
        // What a sign-in left in the address.
        ("nobody", "/a?cas_login=x", "begin /a"),
        ("user", "/a?cas_login=x", "on /a"),
        ("nobody", "/optional?cas_login=x", "on /optional"),
        ("unverified", "/optional?cas_login=x", "SessionUnverified"),
        ("user", "/a?cas_login=x&ticket=ST-1", "on /a"),
        (
            "nobody",
            "/a?cas_login=x&ticket=ST-1",
            "not-begun-here: begin /a again",
        ),
        (
            "nobody",
            "/a?cas_login=x&cas_try=1&ticket=ST-1",
            "cookies-needed: CookiesNeeded",
        ),
        (
            "nobody",
            "/a?cas_login=x&ticket=%01",
            "invalid-ticket: InvalidTicket",
        ),
        (
            "unverified",
            "/a?cas_login=x&ticket=ST-1",
            "SessionUnverified",
        ),
        (
            "nobody",
            "/gateway?cas_login=x&cas_gateway=1",
            "on /gateway",
        ),
        // A ticket that nobody here has asked for is the app's own.
        ("user", "/a?ticket=ST-1", "serve private Renewal"),
    ] {
        let request = Way::Page.request(path);
        assert_eq!(
            decided(&config, who, &request, false),
            expected,
            "{who} {path}"
        );
    }
    for (path, expected) in [("/a", "ask"), ("/public", "serve")] {
        let request = Way::Page.request(&format!("{path}?{logout}"));
        assert_eq!(
            decided(&config, "user", &request, false),
            expected,
            "{path}"
        );
    }
}

#[test]
fn a_form_is_looked_at_where_a_logout_request_may_come() {
    let config = builder().build().unwrap();
    let bare = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
        .key(Key::generate())
        .sign_in(|sign_in| sign_in.bare_service_url(true))
        .build()
        .unwrap();
    for (who, path, expected) in [
        ("nobody", "/a", "peek, or SignInNeeded"),
        ("user", "/a", "peek, or serve private Renewal"),
        ("unverified", "/a", "peek, or SessionUnverified"),
        // Here tickets come back for pages that have no place in a service URL.
        ("nobody", "/", "peek, or SignInNeeded"),
        ("nobody", "/public", "serve"),
    ] {
        let request = Way::OwnForm.request(path);
        assert_eq!(
            decided(&config, who, &request, true),
            expected,
            "{who} {path}"
        );
    }
    let request = Way::OwnForm.request("/a?cas_confirmation");
    assert_eq!(decided(&bare, "nobody", &request, true), "confirm");
    assert_eq!(
        decided(&config, "user", &request, false),
        "serve private Renewal"
    );
}
