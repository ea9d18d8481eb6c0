//! The page that a browser shows, as it says in a field such as `Referer`.

use super::{codec::is_worth_naming, in_place, tickets::without_tickets};
use crate::{
    app::{Host, Route},
    paths::ReturnPath,
    user::Place,
};

/// The page of this app at a URL that a browser wrote, as a path to return to. `None` if it is of another origin, compared
/// byte for byte as browsers write origins, or outside of the app, or no page to sign in for.
pub(crate) fn shown_page(host: &Host, place: Place, url: &str) -> Option<ReturnPath> {
    let public = url.strip_prefix(host.url.origin())?;
    let public = public.split('#').next()?;
    let (public, query) = match public.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (public, None),
    };
    let path = host.url.app_path(public)?;
    match place {
        Place::Endpoint => ReturnPath::parse(&without_tickets(host, path, query))
            .filter(|page| is_worth_naming(page, host)),
        // There, a link to a page is a link to a sign-in only if the page requires one.
        Place::Page => {
            let requested = if host.app.prefix_stripped {
                path
            } else {
                public
            };
            let is_required = matches!(
                host.route_in_place(requested),
                Route::App(access) if access.is_required()
            );
            is_required
                .then(|| in_place::page_at(host, path, query))
                .flatten()
        }
        Place::Request => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CasConfig, Key};

    fn config(app_url: &str) -> CasConfig {
        CasConfig::builder("https://cas.example.org/cas", app_url)
            .key(Key::generate())
            .public("/public")
            .build()
            .unwrap()
    }

    #[test]
    fn a_page_of_this_app_without_what_a_sign_in_put_there() {
        let config = config("https://app.example.org/portal");
        for (place, url, page) in [
            (Place::Endpoint, "/portal/a?b=c#d?e", Some("/a?b=c")),
            (Place::Endpoint, "/portal", None),
            (Place::Endpoint, "/portal/public", Some("/public")),
            (Place::Endpoint, "/portal/a?ticket=ST-1-x&b", Some("/a?b")),
            (Place::Endpoint, "/portal/a?ticket=ST-1-x", Some("/a")),
            (Place::Endpoint, "/portal/login?next=/a&ticket=ST-1", None),
            (Place::Endpoint, "/portal/LOGOUT", None),
            (Place::Endpoint, "/portal/..%2f..%2fa", None),
            (Place::Endpoint, "/portals/a", None),
            (Place::Endpoint, "/a", None),
            (Place::Page, "/portal/a?b=c", Some("/a?b=c")),
            (Place::Page, "/portal/a?cas_login=x&ticket=ST-1", Some("/a")),
            (Place::Page, "/portal/public", None),
            (Place::Request, "/portal/a", None),
        ] {
            let url = format!("https://app.example.org{url}");
            let shown = shown_page(config.first_host(), place, &url);
            assert_eq!(
                shown.as_ref().map(ReturnPath::as_str),
                page,
                "{place:?} {url}"
            );
        }
    }

    #[test]
    fn a_page_of_no_other_origin() {
        let config = config("https://app.example.org");
        for url in [
            "http://app.example.org/a",
            "https://app.example.org:443/a",
            "https://app.example.org:8443/a",
            "https://app.example.org.evil.example/a",
            "https://app.example.org@evil.example/a",
            "https://app.example.orgevil/a",
            "https://APP.example.org/a",
            "https://evil.example/https://app.example.org/a",
            "//app.example.org/a",
            "https://app.example.org",
            "https://app.example.org\\a",
            "https://app.example.org//evil.example/a",
            "https://app.example.org/\\evil.example",
            "https://app.example.org/a\tb",
            "/a",
            "",
        ] {
            let shown = shown_page(config.first_host(), Place::Endpoint, url);
            assert_eq!(shown, None, "{url}");
        }
    }
}
