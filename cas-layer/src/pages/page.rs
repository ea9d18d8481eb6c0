//! What a page is about, and what its texts are.

use http::StatusCode;

use super::confirmation::Confirmation;

/// What a page of the layer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PageKind {
    /// The visitor has signed out.
    LoggedOut,
    /// The request needs a signed-in user, and a browser could not be redirected for it.
    SignInNeeded,
    /// The same, for a user whose credentials are older than the path allows.
    FreshSignInNeeded,
    /// The user is signed in, but has no permission for the path.
    NotAllowed,
    /// The CAS server refused the ticket, or a sign-out came while the sign-in was under way.
    SignInRefused,
    /// The app does not admit the user: see [`Page::veto`].
    SignInVetoed,
    /// The CAS server vouches for the user, who now has to confirm their name: see [`Page::confirmation`]. A program
    /// cannot be asked, so it gets a 403.
    ConfirmationNeeded,
    /// The ticket cannot have come from a CAS server, and is not sent to one.
    InvalidTicket,
    /// The CAS server did not answer, or says that it has a problem.
    CasUnavailable,
    /// The answer is not one of a CAS server, or not in a form that this app is set up for, or the server's certificate
    /// is not trusted. Somebody has to look at it:
    /// [`Page::reference`] is in the log, too.
    CasNotUnderstood,
    /// This app has too many sign-ins under way or open.
    Busy,
    /// The registry cannot be reached, so nobody can be signed in.
    RegistryUnavailable,
    /// The registry has been out of reach for so long that the layer does not know whether the visitor's session has
    /// ended.
    SessionUnverified,
    /// The browser sends no cookie of the app back.
    CookiesNeeded,
    /// The browser was sent to sign in again and again, because something is set up in a wrong way: see
    /// [`Page::cause`].
    InCircles,
    /// The browser does not keep the session cookie.
    SessionNotKept,
    /// The session is too large to be kept: the CAS server sent too many attributes.
    SessionTooLarge,
    /// Something failed in the app. The request is not to blame.
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
            Self::CasUnavailable
            | Self::CasNotUnderstood
            | Self::Busy
            | Self::RegistryUnavailable => "Sign-in unavailable",
            Self::SessionUnverified => "Temporarily unavailable",
            Self::CookiesNeeded => "Cookies needed",
            Self::InCircles => "Sign-in goes in circles",
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
            Self::CasNotUnderstood => {
                "The sign-in server's answer was not understood or not trusted. Please tell the people who run this site."
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
            Self::InCircles => {
                "You were sent to sign in again and again. This would have gone on forever. It is not your fault. Please \
                 tell the people who run this site the text below."
            }
            Self::SessionNotKept => {
                "You signed in, but your browser does not keep the session cookie of this site. Please allow \
                 cookies for this site, or remove some of its old ones."
            }
            Self::SessionTooLarge => {
                "You signed in, but your account has more attributes than fit into a session of this site. Please tell \
                 its administrator when this happened: the log says which attributes are the largest. You can sign \
                 in as somebody else."
            }
            Self::InternalError => "The sign-in did not work. Please try again in a minute.",
        }
    }

    /// The text of the page's link.
    fn link_label(self) -> &'static str {
        match self {
            Self::LoggedOut | Self::FreshSignInNeeded => "Sign in again",
            Self::SignInNeeded => "Sign in",
            Self::NotAllowed | Self::SessionNotKept => "Continue",
            Self::SignInVetoed => "Sign out",
            Self::ConfirmationNeeded | Self::SessionTooLarge => "Sign in as somebody else",
            Self::SignInRefused
            | Self::InvalidTicket
            | Self::CasUnavailable
            | Self::CasNotUnderstood
            | Self::Busy
            | Self::RegistryUnavailable
            | Self::SessionUnverified
            | Self::CookiesNeeded
            | Self::InCircles
            | Self::InternalError => "Try again",
        }
    }

    /// The status, if only the kind decides it.
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
            Self::InCircles | Self::SessionTooLarge | Self::InternalError => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::CasUnavailable | Self::CasNotUnderstood => StatusCode::BAD_GATEWAY,
            Self::Busy | Self::RegistryUnavailable | Self::SessionUnverified => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The `reason` in a problem document. A contract with programs.
    pub(super) fn reason(self) -> &'static str {
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
            Self::CasNotUnderstood => "cas-not-understood",
            Self::Busy => "busy",
            Self::RegistryUnavailable => "registry-unavailable",
            Self::SessionUnverified => "session-unverified",
            Self::CookiesNeeded => "cookies-needed",
            Self::InCircles => "in-circles",
            Self::SessionNotKept => "session-not-kept",
            Self::SessionTooLarge => "session-too-large",
            Self::InternalError => "internal-error",
        }
    }
}

/// A page that the layer answers with.
#[derive(Clone, Debug)]
pub struct Page {
    kind: PageKind,
    status: StatusCode,
    link: String,
    code: Option<String>,
    reference: Option<String>,
    veto: Option<String>,
    cause: Option<String>,
    image: Option<String>,
    confirmation: Option<Confirmation>,
}

impl Page {
    /// `link` leads on: to a retry, the login, or the page that was asked for.
    pub(crate) fn new(kind: PageKind, status: StatusCode, link: String) -> Self {
        Self {
            kind,
            status,
            link,
            code: None,
            reference: None,
            veto: None,
            cause: None,
            image: None,
            confirmation: None,
        }
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
    /// requested path: escape it.
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

    pub(super) fn link_label(&self) -> &'static str {
        self.kind.link_label()
    }
}
