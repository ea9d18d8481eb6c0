//! The few pages that the layer answers itself.
//!
//! Browsers get a small self-contained HTML page, programs `application/problem+json` (RFC 9457). Only four things
//! on a page come from outside, and they are escaped: the CAS server's error code, the name that a user has to
//! confirm, the app's reason for a veto, and the path that a sign-in came back at.

mod confirmation;
mod html;
mod page;

use std::{fmt, sync::Arc};

use bytes::Bytes;
pub use confirmation::Confirmation;
pub(crate) use confirmation::{ANSWER, CONTINUE, OTHER, SEALED};
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
pub use page::{Page, PageKind};
use serde::Serialize;

type Render = dyn Fn(&Page) -> Option<Response<Bytes>> + Send + Sync;

/// Turns pages into responses, by the app's hook if there is one.
#[derive(Clone, Default)]
pub(crate) struct Pages(Option<Arc<Render>>);

impl Pages {
    pub(crate) fn rendered_by(
        render: impl Fn(&Page) -> Option<Response<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(render)))
    }

    /// A page for a browser. The layer sets the status, `no-store` and the referrer policy whatever the hook says.
    /// The hook sets its own content security policy, except who may frame a question.
    pub(crate) fn html(&self, page: &Page) -> Response<Bytes> {
        let mut response = self
            .0
            .as_ref()
            .and_then(|render| render(page))
            .unwrap_or_else(|| html::render(page));
        *response.status_mut() = page.status();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let mut referrer_policy = "no-referrer";
        if page.confirmation().is_some() {
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
            #[serde(skip_serializing_if = "Option::is_none")]
            cause: Option<&'p str>,
            reference: Option<&'p str>,
        }
        let problem = Problem {
            r#type: "about:blank",
            title: page.title(),
            status: page.status().as_u16(),
            detail: page.veto().unwrap_or_else(|| page.text()),
            reason: page.kind().reason(),
            login_url,
            code: page.code(),
            cause: page.cause(),
            reference: page.reference(),
        };
        let mut response = Response::new(Bytes::from(
            serde_json::to_vec(&problem).unwrap_or_default(),
        ));
        *response.status_mut() = page.status();
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
    use http::StatusCode;

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
