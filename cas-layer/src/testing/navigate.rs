//! How a visitor gets from page to page: by an address, by a form, and by redirects.

mod error;
mod form;
mod http_client;

pub use error::VisitError;
pub(super) use form::Form;
use http::{HeaderMap, StatusCode, header};
use url::Url;

/// What browsers send for a page.
pub(super) const PAGE: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// More redirects than any sign-in takes. Browsers stop after 20 too.
const MAX_REDIRECTS: usize = 20;

/// Something that keeps cookies and sends requests.
pub(super) trait Client: Sync {
    type Answer: Answer;

    /// Sends one request. It may follow redirects, and need not.
    fn send(&self, step: &Step) -> impl Future<Output = Result<Self::Answer, VisitError>> + Send;
}

/// What came back.
pub(super) trait Answer: Send {
    /// Where it came from.
    fn url(&self) -> &Url;

    fn status(&self) -> StatusCode;

    fn headers(&self) -> &HeaderMap;

    fn text(self) -> impl Future<Output = Result<String, VisitError>> + Send;
}

/// One step of a visitor: to a page, or with a form.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) url: Url,
    /// The fields of a form that is posted.
    pub(super) form: Option<Vec<(String, String)>>,
    /// The page that the visitor comes from. `None`: the address was typed.
    pub(super) from: Option<Url>,
    /// The redirects that led here.
    pub(super) through: Vec<Url>,
}

impl Step {
    /// Somebody types an address.
    pub(super) fn to(url: Url) -> Self {
        Self {
            url,
            form: None,
            from: None,
            through: Vec::new(),
        }
    }

    /// Somebody posts a form of the page `from`.
    pub(super) fn with_form(url: Url, form: Vec<(String, String)>, from: Url) -> Self {
        Self {
            form: Some(form),
            from: Some(from),
            ..Self::to(url)
        }
    }

    /// The body of a form.
    pub(super) fn body(&self) -> Option<String> {
        let form = self.form.as_ref()?;
        let mut body = form_urlencoded::Serializer::new(String::new());
        Some(body.extend_pairs(form).finish())
    }

    /// Where an answer to this leads without a click.
    fn onward(&self, answer: &impl Answer) -> Option<Self> {
        let status = answer.status();
        if !status.is_redirection() {
            return None;
        }
        let location = answer.headers().get(header::LOCATION)?.to_str().ok()?;
        let url = answer.url().join(location).ok()?;
        let keeps_form = matches!(
            status,
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
        );
        let mut through = self.through.clone();
        through.push(self.url.clone());
        Some(Self {
            url,
            form: self.form.clone().filter(|_| keeps_form),
            from: self.from.clone(),
            through,
        })
    }
}

/// Goes a step, and on through all redirects that the client itself does not follow.
pub(super) async fn open<C: Client>(client: &C, mut step: Step) -> Result<C::Answer, VisitError> {
    loop {
        let answer = client.send(&step).await?;
        let Some(next) = step.onward(&answer) else {
            return Ok(answer);
        };
        if next.through.len() > MAX_REDIRECTS {
            return Err(VisitError::too_many_redirects(&next.url));
        }
        step = next;
    }
}

/// An address of http or https.
pub(super) fn address(url: &str) -> Result<Url, VisitError> {
    let parsed = Url::parse(url).ok();
    parsed
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| VisitError::InvalidUrl {
            url: url.to_owned(),
        })
}
