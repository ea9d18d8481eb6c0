//! The few pages that the layer answers itself.
//!
//! Browsers get a small self-contained HTML page in their language, programs `application/problem+json` (RFC 9457). What is
//! on a page and comes from outside is escaped: the CAS server's error code, the name that a user has to
//! confirm, the app's reason for a veto, and the path that a sign-in came back at.

mod accepted;
mod color;
mod confirmation;
mod context;
mod escape;
mod html;
mod kind;
mod language;
mod logo;
mod look;
mod page;
mod problem;
mod texts;
mod translation;

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};

pub use self::{
    confirmation::Confirmation, context::PageContext, kind::PageKind, language::PageLanguage,
    page::Page, translation::PagePhrase,
};
pub(crate) use self::{
    confirmation::{ANSWER, CONTINUE, OTHER, SEALED},
    context::Head,
    look::Style,
    problem::render as problem,
};
use self::{look::Look, texts::BUILT_IN};
use crate::error::ConfigError;

/// What a page is about, with the words of a problem document. It is there for programs that get the page: tests, and
/// monitoring.
const REASON: HeaderName = HeaderName::from_static("cas-reason");

pub(crate) type Render = dyn Fn(&Page, &PageContext) -> Option<Response<Bytes>> + Send + Sync;

/// Turns pages into responses, by the app's hook if there is one.
#[derive(Clone)]
pub(crate) struct Pages {
    render: Option<Arc<Render>>,
    /// There is one at least.
    languages: Vec<Arc<PageLanguage>>,
    look: Arc<Look>,
}

impl Pages {
    /// `own` languages are added to the built-in ones, and replace those of their tags. With `tags`, there are these alone, in
    /// this order.
    pub(crate) fn new(
        render: Option<Arc<Render>>,
        own: Vec<PageLanguage>,
        tags: Option<&[String]>,
        style: Style,
    ) -> Result<Self, ConfigError> {
        let mut languages: Vec<_> = BUILT_IN.into_iter().map(PageLanguage::of).collect();
        let is = |tag: &str, it: &PageLanguage| it.tag().eq_ignore_ascii_case(tag);
        for language in own {
            language.check()?;
            match languages.iter_mut().find(|it| is(language.tag(), it)) {
                Some(same) => *same = language,
                None => languages.push(language),
            }
        }
        if let Some(tags) = tags {
            let fault = |value: &str, reason| ConfigError::InvalidPageSetting {
                what: "languages",
                value: value.to_owned(),
                reason,
            };
            let find = |tag: &String| {
                let found = languages.iter().find(|it| is(tag, it)).cloned();
                found.ok_or_else(|| {
                    fault(tag, "there is no such language: add it by `.language(…)`")
                })
            };
            languages = tags.iter().map(find).collect::<Result<_, _>>()?;
            if languages.is_empty() {
                return Err(fault("", "there has to be one at least"));
            }
        }
        Ok(Self {
            render,
            languages: languages.into_iter().map(Arc::new).collect(),
            look: Arc::new(Look::new(style)?),
        })
    }

    /// The language for a visitor whose browser sends these headers.
    pub(crate) fn language(&self, headers: &HeaderMap) -> Arc<PageLanguage> {
        let tags = self.languages.iter().map(|it| it.tag());
        let best = accepted::best(headers, tags).unwrap_or_default();
        Arc::clone(&self.languages[best])
    }

    /// Whether the app renders pages itself.
    pub(crate) fn is_custom(&self) -> bool {
        self.render.is_some()
    }

    /// A page for a browser. The layer sets the status, the reason, `no-store` and the referrer policy whatever the hook
    /// says.
    /// The hook sets its own content security policy, except who may frame a question: nobody, unless the app itself may be
    /// framed. Then a question may be framed by the same, which the answer says.
    pub(crate) fn html(&self, page: &Page, context: &PageContext) -> Response<Bytes> {
        let mut response = self
            .render
            .as_ref()
            .and_then(|render| render(page, context))
            .unwrap_or_else(|| html::render(page, &self.look, context.request_id()));
        *response.status_mut() = page.status();
        let headers = response.headers_mut();
        headers.insert(REASON, HeaderValue::from_static(page.kind().reason()));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.append(header::VARY, HeaderValue::from_static("Accept-Language"));
        let mut referrer_policy = "no-referrer";
        if page.confirmation().is_some() {
            // With `no-referrer` a form is posted without saying where it comes from (`Origin: null`). This says that, and
            // nothing of the page's own address.
            referrer_policy = "strict-origin";
            if !self.look.may_be_framed {
                // A second policy counts besides the first.
                headers.append(
                    header::CONTENT_SECURITY_POLICY,
                    HeaderValue::from_static("frame-ancestors 'none'"),
                );
                headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
            }
        }
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static(referrer_policy),
        );
        set_default(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set_default(headers, header::CONTENT_TYPE, "text/html; charset=utf-8");
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
        f.debug_struct("Pages")
            .field("is_custom", &self.is_custom())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn built_in() -> Pages {
        Pages::new(None, Vec::new(), None, Style::default()).unwrap()
    }

    fn rendered_by(
        render: impl Fn(&Page, &PageContext) -> Option<Response<Bytes>> + Send + Sync + 'static,
    ) -> Pages {
        Pages::new(Some(Arc::new(render)), Vec::new(), None, Style::default()).unwrap()
    }

    fn nobody() -> PageContext {
        PageContext {
            language: english(),
            request_id: None,
            head: Head::default(),
        }
    }

    fn english() -> Arc<PageLanguage> {
        Arc::new(PageLanguage::new("en"))
    }

    fn page(kind: PageKind) -> Page {
        Page::new(
            kind,
            StatusCode::FORBIDDEN,
            english(),
            "/login?next=/a&b=\"><script>".to_owned(),
        )
        .with_code(Some("<b>INVALID_TICKET</b>".to_owned()))
    }

    fn body(response: &Response<Bytes>) -> &str {
        std::str::from_utf8(response.body()).unwrap()
    }

    #[test]
    fn a_page_is_strict_and_escapes_what_is_not_ours() {
        let response = built_in().html(&page(PageKind::SignInRefused), &nobody());
        assert_eq!(response.status(), 403);
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("cas-reason"), "sign-in-refused");
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
        let response = built_in().html(&page(PageKind::LoggedOut), &nobody());
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
        let response = problem(&page(PageKind::SignInNeeded), Some("https://app/login"));
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
        let html = built_in().html(&page, &nobody());
        let html = body(&html);
        assert!(
            html.contains("<p>&lt;b&gt;Only &quot;staff&quot;&lt;/b&gt; &amp; co</p>"),
            "{html}"
        );
        let response = problem(&page, Some("https://app/login"));
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
        let response = built_in().html(&question(), &nobody());
        let html = body(&response);
        for part in [
            "<strong><bdi>Mal&lt;b&gt;lory</bdi></strong>",
            "<form method=\"post\" action=\"/login?a&amp;b\" class=\"ways\">",
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
        let other = built_in().html(&page(PageKind::SignInRefused), &nobody());
        let policy = other.headers()["content-security-policy"].to_str();
        assert!(policy.unwrap().contains("form-action 'none';"));
    }

    #[test]
    fn nobody_frames_a_question_whatever_a_custom_page_says() {
        let pages = rendered_by(|page, _| {
            let asked = page.confirmation()?.user_name().to_owned();
            let response = Response::builder()
                .header("content-security-policy", "frame-ancestors *")
                .header("x-frame-options", "ALLOWALL")
                .body(Bytes::from(asked));
            response.ok()
        });
        let response = pages.html(&question(), &nobody());
        assert_eq!(body(&response), "Mal<b>lory");
        let policies = response.headers().get_all("content-security-policy");
        let policies: Vec<_> = policies.iter().collect();
        assert_eq!(policies, ["frame-ancestors *", "frame-ancestors 'none'"]);
        assert_eq!(response.headers()["x-frame-options"], "DENY");
    }

    #[test]
    fn a_custom_page_keeps_our_status_and_is_not_stored() {
        let pages = rendered_by(|page, _| {
            (page.kind() == PageKind::LoggedOut).then(|| {
                Response::builder()
                    .header("cache-control", "public")
                    .header("cas-reason", "busy")
                    .header("content-security-policy", "default-src 'self'")
                    .body(Bytes::from("Bye"))
                    .unwrap()
            })
        });
        let ours = pages.html(&page(PageKind::LoggedOut), &nobody());
        assert_eq!(body(&ours), "Bye");
        assert_eq!(ours.status(), 403);
        assert_eq!(ours.headers()["cache-control"], "no-store");
        assert_eq!(ours.headers()["cas-reason"], "logged-out");
        assert_eq!(
            ours.headers()["content-security-policy"],
            "default-src 'self'"
        );
        assert!(
            body(&pages.html(&page(PageKind::Busy), &nobody())).contains("Sign-in unavailable")
        );
    }
}
