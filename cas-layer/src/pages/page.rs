//! A page, and what it says.

use std::sync::Arc;

use http::StatusCode;

use super::{
    confirmation::Confirmation, kind::PageKind, language::PageLanguage, translation::PagePhrase,
};

/// A page that the layer answers with.
#[derive(Clone, Debug)]
pub struct Page {
    kind: PageKind,
    status: StatusCode,
    language: Arc<PageLanguage>,
    link: String,
    other_link: Option<String>,
    code: Option<String>,
    reference: Option<String>,
    veto: Option<String>,
    cause: Option<String>,
    image: Option<String>,
    confirmation: Option<Confirmation>,
    keeps_form: bool,
}

impl Page {
    /// `link` leads on: to a retry, the login, or the page that was asked for.
    pub(crate) fn new(
        kind: PageKind,
        status: StatusCode,
        language: Arc<PageLanguage>,
        link: String,
    ) -> Self {
        Self {
            kind,
            status,
            language,
            link,
            other_link: None,
            code: None,
            reference: None,
            veto: None,
            cause: None,
            image: None,
            confirmation: None,
            keeps_form: false,
        }
    }

    pub(crate) fn keeping_form(mut self, keeps: bool) -> Self {
        self.keeps_form = keeps;
        self
    }

    pub(crate) fn with_other_link(mut self, link: Option<String>) -> Self {
        self.other_link = link;
        self
    }

    pub(crate) fn with_code(mut self, code: Option<String>) -> Self {
        self.code = code;
        self
    }

    pub(crate) fn with_reference(mut self, reference: Option<String>) -> Self {
        self.reference = reference;
        self
    }

    pub(crate) fn with_veto(mut self, reason: String) -> Self {
        self.veto = Some(reason);
        self
    }

    pub(crate) fn with_cause(mut self, cause: String) -> Self {
        self.cause = Some(cause);
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

    /// The status of the response. A custom page cannot change it.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Where the visitor goes from here: a path on this host or a URL of this app. For a user whom the app does not
    /// admit under a [`CasInPlaceLayer`](crate::CasInPlaceLayer), it is the CAS server's logout. Safe in a quoted
    /// HTML attribute once escaped.
    #[must_use]
    pub fn link(&self) -> &str {
        &self.link
    }

    /// Where somebody else than this user signs in, if the user is the one who may not go on: the CAS server asks for
    /// credentials in any case. Like [`link`](Self::link) otherwise.
    #[must_use]
    pub fn other_link(&self) -> Option<&str> {
        self.other_link.as_deref()
    }

    /// The language of the texts: the one that the visitor's browser asks for, if there is one.
    pub fn language(&self) -> &PageLanguage {
        &self.language
    }

    /// A short title.
    #[must_use]
    pub fn title(&self) -> &str {
        self.language.title_of(self.kind)
    }

    /// What happened.
    #[must_use]
    pub fn text(&self) -> &str {
        match (self.keeps_form, self.kind) {
            (false, kind) => self.language.text_of(kind),
            (true, PageKind::FreshSignInNeeded) => {
                self.language.phrase_of(PagePhrase::NotSavedFresh)
            }
            (true, _) => self.language.phrase_of(PagePhrase::NotSaved),
        }
    }

    /// What the visitor can do.
    #[must_use]
    pub fn advice(&self) -> &str {
        if self.keeps_form {
            self.language.phrase_of(PagePhrase::SendAgain)
        } else {
            self.language.advice_of(self.kind)
        }
    }

    /// The text of the [link](Self::link).
    #[must_use]
    pub fn link_label(&self) -> &str {
        let phrase = match self.kind {
            PageKind::SignInNeeded if self.keeps_form => PagePhrase::SignInInNewTab,
            PageKind::FreshSignInNeeded if self.keeps_form => PagePhrase::SignInAgainInNewTab,
            PageKind::LoggedOut | PageKind::FreshSignInNeeded => PagePhrase::SignInAgain,
            PageKind::SignInNeeded => PagePhrase::SignIn,
            PageKind::NotAllowed | PageKind::SessionNotKept | PageKind::OtherTabs => {
                PagePhrase::GoOn
            }
            PageKind::SignInVetoed => PagePhrase::SignOut,
            PageKind::ConfirmationNeeded | PageKind::SessionTooLarge => {
                PagePhrase::SignInAsSomebodyElse
            }
            PageKind::SignInRefused
            | PageKind::InvalidTicket
            | PageKind::TicketByPost
            | PageKind::CasUnavailable
            | PageKind::CasNotUnderstood
            | PageKind::Busy
            | PageKind::RegistryUnavailable
            | PageKind::AdmissionUnavailable
            | PageKind::SessionUnverified
            | PageKind::CookiesNeeded
            | PageKind::InCircles
            | PageKind::InternalError => PagePhrase::TryAgain,
        };
        self.language.phrase_of(phrase)
    }

    /// The CAS server's error code (CAS protocol 2.5.3), when it refused. It comes from the
    /// network: escape it.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// A number for the visitor to tell the people who run the site, on the page for
    /// [`PageKind::CasNotUnderstood`]. The line in the log has it as `reference`. It is the same for the same cause.
    #[must_use]
    pub fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }

    /// Why the app does not admit the user, in the app's own words: the reason of its
    /// [`Veto`](crate::Veto). Escape it.
    #[must_use]
    pub fn veto(&self) -> Option<&str> {
        self.veto.as_deref()
    }

    /// The likely cause of [`PageKind::InCircles`], in English, for the people who run the app. It may quote the
    /// requested path: escape it. With [`PageKind::SignInRefused`] it names the proxy callback, if the CAS server
    /// refused the ticket because of that.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The path of an image without content, on the page after sign-out. A custom page needs it too
    /// (`<img src="…" alt="">`). Without it, a browser may show a page of the signed-out user again from memory when
    /// somebody goes back.
    #[must_use]
    pub fn image(&self) -> Option<&str> {
        self.image.as_deref()
    }

    /// The question to the user, and the form with the answer, on the page for [`PageKind::ConfirmationNeeded`]. That
    /// page is of no use without the form.
    #[must_use]
    pub fn confirmation(&self) -> Option<&Confirmation> {
        self.confirmation.as_ref()
    }

    /// Whether this page came in answer to a form of this app, whose contents the browser still has: with
    /// [`PageKind::SignInNeeded`] and [`PageKind::FreshSignInNeeded`]. A reload of the page sends the form again, with its
    /// files. So a custom page has to open its [link](Self::link) in a new tab (`target="_blank" rel="noopener"`), and tell
    /// the visitor to come back and reload, as [`advice`](Self::advice)
    /// does.
    #[must_use]
    pub fn keeps_form(&self) -> bool {
        self.keeps_form
    }
}
