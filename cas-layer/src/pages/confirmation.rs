//! The question whether a user is the one they are about to be signed in as.

use std::fmt;

/// The form's field with the waiting sign-in.
pub(crate) const SEALED: &str = "cas_confirmation";
/// The field that the buttons set.
pub(crate) const ANSWER: &str = "cas_answer";
/// The values of the buttons.
pub(crate) const CONTINUE: &str = "continue";
pub(crate) const OTHER: &str = "other";

/// A sign-in that counts only once its user has confirmed it, on a page for
/// [`PageKind::ConfirmationNeeded`](crate::PageKind::ConfirmationNeeded).
///
/// A custom page shows the [name](Self::user_name), and posts a form with two buttons as
/// `application/x-www-form-urlencoded`:
///
/// ```
/// use cas_layer::Confirmation;
///
/// /// `escape` is for text and for quoted attributes.
/// fn form(confirmation: &Confirmation, escape: impl Fn(&str) -> String) -> String {
///     let (name, value) = confirmation.field();
///     let ((yes, continue_), (no, other)) = (confirmation.yes(), confirmation.no());
///     format!(
///         "<form method=post action=\"{action}\">\
///            <input type=hidden name=\"{name}\" value=\"{value}\">\
///            <button name=\"{yes}\" value=\"{continue_}\">Continue as {user}</button>\
///            <button name=\"{no}\" value=\"{other}\">Not me</button>\
///          </form>",
///         action = escape(confirmation.action()),
///         user = escape(confirmation.user_name()),
///     )
/// }
/// ```
///
/// The form has to come from a page of the app, so the layer sets the page's referrer policy. It must not be in a frame,
/// unless the app may be ([`SessionOptions::framed_by`](crate::SessionOptions::framed_by)). The answer is a redirect, back to the app or on to the CAS server. If your content security policy has a
/// `form-action`, some browsers apply it to that redirect too.
#[derive(Clone)]
pub struct Confirmation {
    user_name: String,
    action: String,
    sealed: String,
}

impl Confirmation {
    /// `sealed` has no characters that need escaping.
    pub(crate) fn new(user_name: &str, action: String, sealed: String) -> Self {
        Self {
            user_name: user_name.to_owned(),
            action,
            sealed,
        }
    }

    /// The name that the user will have here. It has no invisible characters
    /// ([`NewSession::set_name`](crate::NewSession::set_name)). It comes from the network: escape it.
    #[must_use]
    pub fn user_name(&self) -> &str {
        &self.user_name
    }

    /// Where the form is posted: a path on this host. Escape it.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// Name and value of the hidden field. Plain ASCII without quotes or markup, from a few hundred bytes to 60 KiB.
    #[must_use]
    pub fn field(&self) -> (&'static str, &str) {
        (SEALED, &self.sealed)
    }

    /// Name and value of the button that signs the user in.
    #[must_use]
    pub fn yes(&self) -> (&'static str, &'static str) {
        (ANSWER, CONTINUE)
    }

    /// Name and value of the button that signs nobody in. The CAS server then asks for credentials again.
    #[must_use]
    pub fn no(&self) -> (&'static str, &'static str) {
        (ANSWER, OTHER)
    }
}

/// The sealed value is only for the browser.
impl fmt::Debug for Confirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confirmation")
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}
