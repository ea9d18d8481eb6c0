//! For whom a page is.

use std::{fmt, sync::Arc};

use http::{HeaderMap, Method, Uri};

use super::language::PageLanguage;
use crate::user::CasUser;

/// For whom a page is, and what they asked for: see [`PageOptions::rendered_by`](crate::PageOptions::rendered_by).
///
/// What is in it comes from the network, except [`app_url`](Self::app_url): escape it.
#[derive(Clone)]
pub struct PageContext {
    pub(crate) language: Arc<PageLanguage>,
    pub(crate) request_id: Option<String>,
    pub(crate) head: Head,
}

/// What the layer's own pages do not need.
#[derive(Clone, Default)]
pub(crate) struct Head {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) app_url: String,
    pub(crate) user: Option<CasUser>,
}

impl PageContext {
    /// The language of the visitor: the one of [`PageOptions::languages`](crate::PageOptions::languages) that their browser
    /// prefers.
    pub fn language(&self) -> &PageLanguage {
        &self.language
    }

    /// The field `X-Request-Id` of the request, if there is one, of 1 to 128 visible ASCII characters.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The method of the request.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.head.method
    }

    /// Path and query of the request, as they came to the layer. A ticket is taken out, and so is the whole query at an endpoint
    /// of the layer.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.head.uri
    }

    /// The header fields of the request, without the layer's own cookies, without credentials (`Authorization`,
    /// `Proxy-Authorization`), and without `Referer` and `HX-Current-URL` if they have a query. Any other field in which a ticket may be
    /// is left out too, and of `Cookie` such a cookie: what has `ticket=` in it, for example.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The public URL of the app at the host that the request came to, as it is configured, without a slash at the end.
    #[must_use]
    pub fn app_url(&self) -> &str {
        &self.head.app_url
    }

    /// The user who is signed in, if there is one. A user whom the app does not admit is not signed in. Neither is one whose
    /// attributes the registry keeps and this node has not read, at an endpoint of the layer.
    #[must_use]
    pub fn user(&self) -> Option<&CasUser> {
        self.head.user.as_ref()
    }
}

/// The fields of a request may be secrets of the app.
impl fmt::Debug for PageContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageContext")
            .field("language", &self.language.tag())
            .field("request_id", &self.request_id)
            .field("method", &self.head.method)
            .field("path", &self.head.uri.path())
            .field("app_url", &self.head.app_url)
            .finish_non_exhaustive()
    }
}
