//! The layer's own pages, to look at.

use bytes::Bytes;
use http::{Request, Response};

use crate::{
    CasConfig,
    answer::{Answer, Detail, Reader},
    pages::{Confirmation, PageKind},
    user::Place,
    visit::{Visit, Visitor},
};

/// A page of the layer as a browser would get it at the first host, for the fields and the path of this request: to look at it
/// in every language, or to test it. What it says besides is made up, and its links and forms lead nowhere in particular.
///
/// With a `POST`, [`PageKind::SignInNeeded`] and [`PageKind::FreshSignInNeeded`] are the pages that
/// [keep a form](crate::Page::keeps_form).
///
/// ```
/// use cas_layer::{CasConfig, Key, PageKind, testing::page};
///
/// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
///     .key(Key::generate())
///     .pages(|pages| pages.name("Library"))
///     .build()?;
/// for kind in PageKind::ALL {
///     let request = http::Request::get("/").header("accept-language", "de").body(()).unwrap();
///     let page = page(&config, *kind, &request);
///     assert!(page.body().windows(7).any(|it| it == b"Library"));
/// }
/// # Ok::<(), cas_layer::ConfigError>(())
/// ```
#[must_use]
pub fn page(config: &CasConfig, kind: PageKind, request: &Request<()>) -> Response<Bytes> {
    let host = config.first_host();
    let visit = Visit::by(
        request,
        Place::Endpoint,
        Visitor::Anonymous,
        host.app.clock.now(),
    );
    let mut reader = Reader::of(host, &visit);
    reader.wants_page = true;
    let keeps_form = matches!(kind, PageKind::SignInNeeded | PageKind::FreshSignInNeeded);
    Answer::page_with(kind, visit.next(host).as_ref(), detail(kind))
        .keeping_form(keeps_form && visit.is_post())
        .render(host, &reader)
}

fn detail(kind: PageKind) -> Detail {
    match kind {
        PageKind::SignInRefused => Detail::Code(Some("INVALID_SERVICE".to_owned())),
        PageKind::SignInVetoed => Detail::Veto("This is for members of the staff.".to_owned()),
        PageKind::CasNotUnderstood => Detail::Reference(Some("4711".to_owned())),
        PageKind::InCircles => Detail::Cause(
            "The session cookie does not open: do all nodes of this app have the same key?"
                .to_owned(),
        ),
        PageKind::ConfirmationNeeded => {
            let action = "/login".to_owned();
            Detail::Question(Confirmation::new("alice", action, "made-up".to_owned()))
        }
        _ => Detail::Nothing,
    }
}
