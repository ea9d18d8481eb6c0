//! What a built-in language says.

use super::kind::PageKind;

/// The short texts of the pages: buttons, and lines that hold something of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PagePhrase {
    /// On a button: sign in.
    SignIn,
    /// On a button, for somebody who has been signed in before.
    SignInAgain,
    /// On a button that opens a new tab, as this one keeps a form.
    SignInInNewTab,
    /// The same for somebody who has to give their password again.
    SignInAgainInNewTab,
    /// On a button: go on.
    GoOn,
    /// On a button: sign out.
    SignOut,
    /// On a button: sign in with another account.
    SignInAsSomebodyElse,
    /// On a button: try again.
    TryAgain,
    /// On the button that confirms a name, which stands for `{user}`.
    ContinueAs,
    /// On the other button of that page: somebody else signs in.
    NotMe,
    /// What the CAS server said, which stands for `{code}`.
    ServerSaid,
    /// [`Page::reference`](crate::Page::reference), which stands for `{reference}`.
    Reference,
    /// The status of the response, a number, which stands for `{status}`.
    Status,
    /// [`PageContext::request_id`](crate::PageContext::request_id), which stands for `{request}`.
    RequestId,
    /// Whom to ask for help: a link, which stands for `{support}`.
    Support,
    /// To somebody who has sent a form without being signed in: it has not been saved, and is not lost.
    NotSaved,
    /// The same for somebody who has to give their password again.
    NotSavedFresh,
    /// What they have to do: sign in in a new tab, come back and reload.
    SendAgain,
}

impl PagePhrase {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::SignIn,
        Self::SignInAgain,
        Self::SignInInNewTab,
        Self::SignInAgainInNewTab,
        Self::GoOn,
        Self::SignOut,
        Self::SignInAsSomebodyElse,
        Self::TryAgain,
        Self::ContinueAs,
        Self::NotMe,
        Self::ServerSaid,
        Self::Reference,
        Self::Status,
        Self::RequestId,
        Self::Support,
        Self::NotSaved,
        Self::NotSavedFresh,
        Self::SendAgain,
    ];

    /// What stands in the text for something else, once in every language.
    #[must_use]
    pub fn placeholder(self) -> Option<&'static str> {
        match self {
            Self::ContinueAs => Some("{user}"),
            Self::ServerSaid => Some("{code}"),
            Self::Reference => Some("{reference}"),
            Self::Status => Some("{status}"),
            Self::RequestId => Some("{request}"),
            Self::Support => Some("{support}"),
            _ => None,
        }
    }

    /// Whether a text has the placeholder once, and no other braces.
    pub(super) fn fits(self, text: &str) -> bool {
        let rest = match self.placeholder() {
            None => text.to_owned(),
            Some(placeholder) if text.matches(placeholder).count() == 1 => {
                text.replace(placeholder, "")
            }
            Some(_) => return false,
        };
        !rest.contains(['{', '}'])
    }
}

/// The texts of a built-in language. The compiler asks for each of them.
#[derive(Debug)]
pub(super) struct Translation {
    pub(super) tag: &'static str,
    pub(super) is_right_to_left: bool,
    pub(super) title: fn(PageKind) -> &'static str,
    /// What happened.
    pub(super) text: fn(PageKind) -> &'static str,
    /// What to do.
    pub(super) advice: fn(PageKind) -> &'static str,
    pub(super) phrase: fn(PagePhrase) -> &'static str,
}
