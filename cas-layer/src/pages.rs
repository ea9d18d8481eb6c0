//! The few pages that the layer answers itself.
//!
//! Browsers get a small self-contained HTML page, programs `application/problem+json` (RFC 9457).
//! Nothing that came from the network is on a page except, escaped, the CAS server's error code, the name of a user who
//! is to confirm that it is theirs, and what the app puts into its reason for a veto.

mod confirmation;
mod html;

use std::{fmt, sync::Arc};

use bytes::Bytes;
pub use confirmation::Confirmation;
pub(crate) use confirmation::{ANSWER, CONTINUE, OTHER, SEALED};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;

/// What a page of the layer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PageKind {
    /// The visitor has signed out.
    LoggedOut,
    /// The request needs a signed-in user and is not one that a browser could be redirected for.
    SignInNeeded,
    /// The same, of a user whose credentials date back further than the path allows.
    FreshSignInNeeded,
    /// The user is signed in, and the path is not for them.
    NotAllowed,
    /// The CAS server refused the ticket, or a sign-out came while the sign-in was under way.
    SignInRefused,
    /// The app does not admit the user: see [`Page::veto`].
    SignInVetoed,
    /// The CAS server vouches for the user, and they are asked whether that is them: see
    /// [`Page::confirmation`]. A program cannot be asked, so it gets a 403.
    ConfirmationNeeded,
    /// The ticket is not one that could be sent to a CAS server.
    InvalidTicket,
    /// The CAS server did not answer, or not in a way that can be read.
    CasUnavailable,
    /// This app has too many sign-ins under way or open.
    Busy,
    /// The registry cannot be reached, so nobody can be signed in.
    RegistryUnavailable,
    /// The registry has been out of reach for too long to know whether the visitor's session has ended.
    SessionUnverified,
    /// The browser does not send the login cookie back.
    CookiesNeeded,
    /// The browser does not keep the session cookie.
    SessionNotKept,
    /// The session does not fit into a cookie: the CAS server sent too many attributes.
    SessionTooLarge,
    /// Something failed here that is no fault of the request.
    InternalError,
}

impl PageKind {
    fn title(self) -> &'static str {
        match self {
            Self::LoggedOut => "Signed out",
            Self::SignInNeeded | Self::FreshSignInNeeded => "Sign-in needed",
            Self::NotAllowed => "Not allowed",
            Self::SignInRefused | Self::InvalidTicket => "Sign-in refused",
            Self::SignInVetoed => "Not admitted",
            Self::ConfirmationNeeded => "Is this you?",
            Self::CasUnavailable | Self::Busy | Self::RegistryUnavailable => "Sign-in unavailable",
            Self::SessionUnverified => "Temporarily unavailable",
            Self::CookiesNeeded => "Cookies needed",
            Self::SessionNotKept => "Session not kept",
            Self::SessionTooLarge => "Sign-in not possible",
            Self::InternalError => "Something went wrong",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::LoggedOut => "You have signed out.",
            Self::SignInNeeded => "You need to sign in before you can do this.",
            Self::FreshSignInNeeded => {
                "You need to give your password again before you can do this."
            }
            Self::NotAllowed => "You are signed in, but your account may not open this page.",
            Self::SignInRefused => {
                "The sign-in could not be completed: it was used already, has expired, or was meant for another place."
            }
            Self::SignInVetoed => "You signed in, but this site does not admit you.",
            Self::ConfirmationNeeded => {
                "You are about to be signed in to this site under this name. Continue only if it is yours."
            }
            Self::InvalidTicket => {
                "The address of this page is damaged, so the sign-in could not be completed."
            }
            Self::CasUnavailable => {
                "The sign-in server cannot be reached at the moment. Please try again in a few minutes."
            }
            Self::Busy => {
                "Too many people are signing in at the moment. Please try again in a minute."
            }
            Self::RegistryUnavailable => {
                "The sign-in could not be completed at the moment. Please try again in a minute."
            }
            Self::SessionUnverified => {
                "It cannot be checked at the moment whether you are still signed in. Please try again in a minute."
            }
            Self::CookiesNeeded => {
                "Signing in needs cookies, and your browser did not send one back. Please allow cookies for this site."
            }
            Self::SessionNotKept => {
                "You signed in, but your browser does not keep the session cookie of this site. Please allow \
                 cookies for this site, or remove some of its old ones."
            }
            Self::SessionTooLarge => {
                "You signed in, but your account has more attributes than fit into a session cookie. Please tell \
                 the people who run this site."
            }
            Self::InternalError => "The sign-in did not work. Please try again in a minute.",
        }
    }

    /// What the link on the page says.
    fn link_label(self) -> &'static str {
        match self {
            Self::LoggedOut | Self::FreshSignInNeeded => "Sign in again",
            Self::SignInNeeded => "Sign in",
            Self::NotAllowed | Self::SessionNotKept => "Continue",
            Self::SignInVetoed => "Sign out",
            Self::ConfirmationNeeded => "Sign in as somebody else",
            Self::SignInRefused
            | Self::InvalidTicket
            | Self::CasUnavailable
            | Self::Busy
            | Self::RegistryUnavailable
            | Self::SessionUnverified
            | Self::CookiesNeeded
            | Self::SessionTooLarge
            | Self::InternalError => "Try again",
        }
    }

    /// The status, where nothing but the kind decides.
    pub(crate) fn usual_status(self) -> StatusCode {
        match self {
            Self::LoggedOut => StatusCode::OK,
            Self::InvalidTicket | Self::CookiesNeeded | Self::SessionNotKept => {
                StatusCode::BAD_REQUEST
            }
            Self::SignInNeeded | Self::FreshSignInNeeded => StatusCode::UNAUTHORIZED,
            Self::NotAllowed
            | Self::SignInRefused
            | Self::SignInVetoed
            | Self::ConfirmationNeeded => StatusCode::FORBIDDEN,
            Self::SessionTooLarge | Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::CasUnavailable => StatusCode::BAD_GATEWAY,
            Self::Busy | Self::RegistryUnavailable | Self::SessionUnverified => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The `reason` in a problem document. A contract with programs.
    fn reason(self) -> &'static str {
        match self {
            Self::LoggedOut => "logged-out",
            Self::SignInNeeded => "sign-in-needed",
            Self::FreshSignInNeeded => "fresh-sign-in-needed",
            Self::NotAllowed => "not-allowed",
            Self::SignInRefused => "sign-in-refused",
            Self::SignInVetoed => "sign-in-vetoed",
            Self::ConfirmationNeeded => "confirmation-needed",
            Self::InvalidTicket => "invalid-ticket",
            Self::CasUnavailable => "cas-unavailable",
            Self::Busy => "busy",
            Self::RegistryUnavailable => "registry-unavailable",
            Self::SessionUnverified => "session-unverified",
            Self::CookiesNeeded => "cookies-needed",
            Self::SessionNotKept => "session-not-kept",
            Self::SessionTooLarge => "session-too-large",
            Self::InternalError => "internal-error",
        }
    }
}

/// A page that the layer is about to answer with.
#[derive(Clone, Debug)]
pub struct Page {
    kind: PageKind,
    status: StatusCode,
    link: String,
    code: Option<String>,
    veto: Option<String>,
    image: Option<String>,
    confirmation: Option<Confirmation>,
}

impl Page {
    /// `link` leads on: a retry, the login, the page that was asked for.
    pub(crate) fn new(kind: PageKind, status: StatusCode, link: String) -> Self {
        Self {
            kind,
            status,
            link,
            code: None,
            veto: None,
            image: None,
            confirmation: None,
        }
    }

    pub(crate) fn with_code(mut self, code: Option<String>) -> Self {
        self.code = code;
        self
    }

    pub(crate) fn with_veto(mut self, reason: String) -> Self {
        self.veto = Some(reason);
        self
    }

    pub(crate) fn with_image(mut self, path: String) -> Self {
        self.image = Some(path);
        self
    }

    pub(crate) fn with_confirmation(mut self, confirmation: Confirmation) -> Self {
        self.confirmation = Some(confirmation);
        self
    }

    /// What the page is about.
    #[must_use]
    pub fn kind(&self) -> PageKind {
        self.kind
    }

    /// The status that it is answered with, whatever a custom page says.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Where the visitor goes from here: a path on this host or a URL of this app, or for who was not
    /// admitted by a [`CasInPlaceLayer`](crate::CasInPlaceLayer) the CAS server's logout. Safe in a quoted HTML
    /// attribute once escaped.
    #[must_use]
    pub fn link(&self) -> &str {
        &self.link
    }

    /// A short title, in English.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.kind.title()
    }

    /// What to tell the visitor, in English.
    #[must_use]
    pub fn text(&self) -> &'static str {
        self.kind.text()
    }

    /// The CAS server's error code (CAS protocol 2.5.3), when it refused. It comes from the
    /// network: escape it.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Why the app does not admit the user, in the app's own words: the reason of its
    /// [`Veto`](crate::Veto). Escape it.
    #[must_use]
    pub fn veto(&self) -> Option<&str> {
        self.veto.as_deref()
    }

    /// The path of an image without content, on the page after sign-out: a custom page has to have it
    /// too (`<img src="…" alt="">`), or a browser may bring a page of the user who has signed out back
    /// from memory when somebody goes back.
    #[must_use]
    pub fn image(&self) -> Option<&str> {
        self.image.as_deref()
    }

    /// What the user is asked, and the form that brings their answer: on the page for
    /// [`PageKind::ConfirmationNeeded`], which is of no use without.
    #[must_use]
    pub fn confirmation(&self) -> Option<&Confirmation> {
        self.confirmation.as_ref()
    }

    fn link_label(&self) -> &'static str {
        self.kind.link_label()
    }
}

type Render = dyn Fn(&Page) -> Option<Response<Bytes>> + Send + Sync;

/// Turns pages into responses, by the user's hook where there is one.
#[derive(Clone, Default)]
pub(crate) struct Pages(Option<Arc<Render>>);

impl Pages {
    pub(crate) fn rendered_by(
        render: impl Fn(&Page) -> Option<Response<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(render)))
    }

    /// A page for a browser. The status, `no-store` and the referrer policy are ours whatever the
    /// hook says; its content security policy is its own affair, but for who may frame a question.
    pub(crate) fn html(&self, page: &Page) -> Response<Bytes> {
        let mut response = self
            .0
            .as_ref()
            .and_then(|render| render(page))
            .unwrap_or_else(|| html::render(page));
        *response.status_mut() = page.status;
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let mut referrer_policy = "no-referrer";
        if page.confirmation.is_some() {
            // With `no-referrer` a form is posted without saying where it comes from (`Origin: null`). This says that, and
            // nothing of the page's own address.
            referrer_policy = "strict-origin";
            // A second policy counts besides the first.
            headers.append(
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static("frame-ancestors 'none'"),
            );
            headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        }
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static(referrer_policy),
        );
        set_default(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set_default(headers, header::CONTENT_TYPE, "text/html; charset=utf-8");
        response
    }

    /// The same for a program, with the app's login URL if it has one.
    pub(crate) fn problem(page: &Page, login_url: Option<&str>) -> Response<Bytes> {
        #[derive(Serialize)]
        struct Problem<'p> {
            r#type: &'static str,
            title: &'static str,
            status: u16,
            detail: &'p str,
            reason: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            login_url: Option<&'p str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            code: Option<&'p str>,
        }
        let problem = Problem {
            r#type: "about:blank",
            title: page.title(),
            status: page.status.as_u16(),
            detail: page.veto().unwrap_or_else(|| page.text()),
            reason: page.kind.reason(),
            login_url,
            code: page.code(),
        };
        let mut response = Response::new(Bytes::from(
            serde_json::to_vec(&problem).unwrap_or_default(),
        ));
        *response.status_mut() = page.status;
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        set_default(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set_default(headers, header::CONTENT_TYPE, "application/problem+json");
        response
    }
}

fn set_default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers
        .entry(name)
        .or_insert(HeaderValue::from_static(value));
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Pages(custom)"
        } else {
            "Pages(default)"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(kind: PageKind) -> Page {
        Page::new(
            kind,
            StatusCode::FORBIDDEN,
            "/login?next=/a&b=\"><script>".to_owned(),
        )
        .with_code(Some("<b>INVALID_TICKET</b>".to_owned()))
    }

    fn body(response: &Response<Bytes>) -> &str {
        std::str::from_utf8(response.body()).unwrap()
    }

    #[test]
    fn a_page_is_strict_and_escapes_what_is_not_ours() {
        let response = Pages::default().html(&page(PageKind::SignInRefused));
        assert_eq!(response.status(), 403);
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("content-type"), "text/html; charset=utf-8");
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{policy}"
        );
        let html = body(&response);
        assert!(html.contains("&lt;b&gt;INVALID_TICKET&lt;/b&gt;"), "{html}");
        assert!(
            html.contains("href=\"/login?next=/a&amp;b=&quot;&gt;&lt;script&gt;\""),
            "{html}"
        );
        assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
    }

    /// The browser refuses the style when its hash in the policy is another.
    #[test]
    fn the_policy_allows_the_style_of_the_page_and_no_other() {
        use base64::prelude::{BASE64_STANDARD, Engine as _};
        use sha2::{Digest, Sha256};
        let response = Pages::default().html(&page(PageKind::LoggedOut));
        let html = body(&response);
        let style = html
            .split("<style>")
            .nth(1)
            .unwrap()
            .split("</style>")
            .next()
            .unwrap();
        let hash = BASE64_STANDARD.encode(Sha256::digest(style));
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(
            policy.contains(&format!("style-src 'sha256-{hash}';")),
            "{policy}"
        );
    }

    #[test]
    fn a_program_gets_a_problem_document() {
        let response = Pages::problem(&page(PageKind::SignInNeeded), Some("https://app/login"));
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
        assert_eq!(response.headers()["cache-control"], "no-store");
        let problem: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(problem["status"], 403);
        assert_eq!(problem["reason"], "sign-in-needed");
        assert_eq!(problem["login_url"], "https://app/login");
    }

    #[test]
    fn the_reason_of_a_veto_is_escaped_on_a_page_and_the_detail_for_a_program() {
        let page = page(PageKind::SignInVetoed).with_veto("<b>Only \"staff\"</b> & co".to_owned());
        let html = Pages::default().html(&page);
        let html = body(&html);
        assert!(
            html.contains("<p>&lt;b&gt;Only &quot;staff&quot;&lt;/b&gt; &amp; co</p>"),
            "{html}"
        );
        let response = Pages::problem(&page, Some("https://app/login"));
        let problem: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(problem["detail"], "<b>Only \"staff\"</b> & co");
        assert_eq!(problem["reason"], "sign-in-vetoed");
    }

    fn question() -> Page {
        let confirmation =
            Confirmation::new("Mal<b>lory", "/login?a&b".to_owned(), "e1.abc".to_owned());
        page(PageKind::ConfirmationNeeded).with_confirmation(confirmation)
    }

    #[test]
    fn a_question_names_the_user_and_has_a_form_instead_of_a_link() {
        let response = Pages::default().html(&question());
        let html = body(&response);
        for part in [
            "<strong><bdi>Mal&lt;b&gt;lory</bdi></strong>",
            "<form method=\"post\" action=\"/login?a&amp;b\">",
            "<input type=\"hidden\" name=\"cas_confirmation\" value=\"e1.abc\">",
            "name=\"cas_answer\" value=\"continue\">Continue as <bdi>Mal&lt;b&gt;lory</bdi></button>",
            "name=\"cas_answer\" value=\"other\"",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!html.contains("<a "), "{html}");
        assert_eq!(response.headers()["referrer-policy"], "strict-origin");
        let policy = response.headers()["content-security-policy"].to_str();
        assert!(policy.unwrap().contains("form-action *;"));
        let other = Pages::default().html(&page(PageKind::SignInRefused));
        let policy = other.headers()["content-security-policy"].to_str();
        assert!(policy.unwrap().contains("form-action 'none';"));
    }

    #[test]
    fn nobody_frames_a_question_whatever_a_custom_page_says() {
        let pages = Pages::rendered_by(|page| {
            let asked = page.confirmation()?.user_name().to_owned();
            let response = Response::builder()
                .header("content-security-policy", "frame-ancestors *")
                .header("x-frame-options", "ALLOWALL")
                .body(Bytes::from(asked));
            response.ok()
        });
        let response = pages.html(&question());
        assert_eq!(body(&response), "Mal<b>lory");
        let policies = response.headers().get_all("content-security-policy");
        let policies: Vec<_> = policies.iter().collect();
        assert_eq!(policies, ["frame-ancestors *", "frame-ancestors 'none'"]);
        assert_eq!(response.headers()["x-frame-options"], "DENY");
    }

    #[test]
    fn a_custom_page_keeps_our_status_and_is_not_stored() {
        let pages = Pages::rendered_by(|page| {
            (page.kind() == PageKind::LoggedOut).then(|| {
                Response::builder()
                    .header("cache-control", "public")
                    .header("content-security-policy", "default-src 'self'")
                    .body(Bytes::from("Bye"))
                    .unwrap()
            })
        });
        let ours = pages.html(&page(PageKind::LoggedOut));
        assert_eq!(body(&ours), "Bye");
        assert_eq!(ours.status(), 403);
        assert_eq!(ours.headers()["cache-control"], "no-store");
        assert_eq!(
            ours.headers()["content-security-policy"],
            "default-src 'self'"
        );
        assert!(body(&pages.html(&page(PageKind::Busy))).contains("Sign-in unavailable"));
    }
}
