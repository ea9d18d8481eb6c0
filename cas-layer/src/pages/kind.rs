//! What a page is about.

use http::StatusCode;

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
    /// The app does not admit the user: see [`Page::veto`](crate::Page::veto).
    SignInVetoed,
    /// The CAS server vouches for the user, who now has to confirm their name: see
    /// [`Page::confirmation`](crate::Page::confirmation). A program cannot be asked, so it gets a 403.
    ConfirmationNeeded,
    /// The ticket cannot have come from a CAS server, and is not sent to one.
    InvalidTicket,
    /// Two tickets of this login were refused, as other tabs of the browser sign in at the same moment. The page goes on by
    /// itself, by a `Refresh` field that the layer adds.
    OtherTabs,
    /// The CAS server sends its answers in a form, by `POST`, and this app is not set up for that. Its operator has to
    /// look at it: see [`RefusedReason::TicketByPost`](crate::RefusedReason::TicketByPost).
    TicketByPost,
    /// The CAS server did not answer, or says that it has a problem.
    CasUnavailable,
    /// The answer is not one of a CAS server, or not in a form that this app is set up for, or the server's certificate
    /// is not trusted. Somebody has to look at it:
    /// [`Page::reference`](crate::Page::reference) is in the log, too.
    CasNotUnderstood,
    /// This app has too many sign-ins under way or open.
    Busy,
    /// The registry cannot be reached, so nobody can be signed in.
    RegistryUnavailable,
    /// The app could not find out whether it admits the user, or took too long:
    /// [`SessionOptions::admit`](crate::SessionOptions::admit).
    AdmissionUnavailable,
    /// The registry has been out of reach for so long that the layer does not know whether the visitor's session has
    /// ended.
    SessionUnverified,
    /// The browser sends no cookie of the app back.
    CookiesNeeded,
    /// The browser was sent to sign in again and again, because something is set up in a wrong way: see
    /// [`Page::cause`](crate::Page::cause).
    InCircles,
    /// The browser does not keep the session cookie.
    SessionNotKept,
    /// The session is too large to be kept: the CAS server sent too many attributes.
    SessionTooLarge,
    /// Something failed in the app. The request is not to blame.
    InternalError,
}

impl PageKind {
    /// All of them, to look at each page, or to give each one texts of your own.
    pub const ALL: &'static [Self] = &[
        Self::LoggedOut,
        Self::SignInNeeded,
        Self::FreshSignInNeeded,
        Self::NotAllowed,
        Self::SignInRefused,
        Self::SignInVetoed,
        Self::ConfirmationNeeded,
        Self::InvalidTicket,
        Self::OtherTabs,
        Self::TicketByPost,
        Self::CasUnavailable,
        Self::CasNotUnderstood,
        Self::Busy,
        Self::RegistryUnavailable,
        Self::AdmissionUnavailable,
        Self::SessionUnverified,
        Self::CookiesNeeded,
        Self::InCircles,
        Self::SessionNotKept,
        Self::SessionTooLarge,
        Self::InternalError,
    ];

    /// The status, if only the kind decides it.
    pub(crate) fn usual_status(self) -> StatusCode {
        match self {
            Self::LoggedOut => StatusCode::OK,
            Self::InvalidTicket
            | Self::TicketByPost
            | Self::CookiesNeeded
            | Self::SessionNotKept => StatusCode::BAD_REQUEST,
            Self::SignInNeeded | Self::FreshSignInNeeded => StatusCode::UNAUTHORIZED,
            Self::NotAllowed
            | Self::SignInRefused
            | Self::SignInVetoed
            | Self::ConfirmationNeeded => StatusCode::FORBIDDEN,
            Self::InCircles | Self::SessionTooLarge | Self::InternalError => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::OtherTabs => StatusCode::TOO_MANY_REQUESTS,
            Self::CasUnavailable | Self::CasNotUnderstood => StatusCode::BAD_GATEWAY,
            Self::Busy
            | Self::RegistryUnavailable
            | Self::AdmissionUnavailable
            | Self::SessionUnverified => StatusCode::SERVICE_UNAVAILABLE,
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
            Self::OtherTabs => "other-tabs",
            Self::TicketByPost => "ticket-by-post",
            Self::CasUnavailable => "cas-unavailable",
            Self::CasNotUnderstood => "cas-not-understood",
            Self::Busy => "busy",
            Self::RegistryUnavailable => "registry-unavailable",
            Self::AdmissionUnavailable => "admission-unavailable",
            Self::SessionUnverified => "session-unverified",
            Self::CookiesNeeded => "cookies-needed",
            Self::InCircles => "in-circles",
            Self::SessionNotKept => "session-not-kept",
            Self::SessionTooLarge => "session-too-large",
            Self::InternalError => "internal-error",
        }
    }
}
