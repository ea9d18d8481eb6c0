//! English.

use super::super::{
    kind::PageKind as K,
    translation::{PagePhrase as P, Translation},
};

pub(in crate::pages) const TRANSLATION: Translation = Translation {
    tag: "en",
    is_right_to_left: false,
    title,
    text,
    advice,
    phrase,
};

fn title(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "Signed out",
        K::SignInNeeded | K::FreshSignInNeeded => "Sign-in needed",
        K::NotAllowed => "Not allowed",
        K::SignInRefused | K::InvalidTicket => "Sign-in refused",
        K::SignInVetoed => "Not admitted",
        K::ConfirmationNeeded => "Is this you?",
        K::OtherTabs => "Signing in",
        K::CasUnavailable
        | K::CasNotUnderstood
        | K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable => "Sign-in unavailable",
        K::SessionUnverified => "Temporarily unavailable",
        K::CookiesNeeded => "Cookies needed",
        K::InCircles => "Sign-in goes in circles",
        K::SessionNotKept => "Session not kept",
        K::TicketByPost | K::SessionTooLarge => "Sign-in not possible",
        K::InternalError => "Something went wrong",
    }
}

fn text(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "You have signed out.",
        K::SignInNeeded => "You need to sign in before you can do this.",
        K::FreshSignInNeeded => "You need to give your password again before you can do this.",
        K::NotAllowed => "You are signed in, but your account may not open this page.",
        K::SignInRefused => {
            "The sign-in could not be completed: it was used already, has expired, or was meant for another place."
        }
        K::SignInVetoed => "You signed in, but this site does not admit you.",
        K::ConfirmationNeeded => "You are about to be signed in to this site under this name.",
        K::InvalidTicket => {
            "The address of this page is damaged, so the sign-in could not be completed."
        }
        K::OtherTabs => "Other tabs of your browser are signing in too.",
        K::TicketByPost => {
            "The sign-in server sends its answers by POST, and this site is not set up for that."
        }
        K::CasUnavailable => "The sign-in server cannot be reached at the moment.",
        K::CasNotUnderstood => "The sign-in server's answer was not understood or not trusted.",
        K::Busy => "Too many people are signing in at the moment.",
        K::RegistryUnavailable | K::AdmissionUnavailable => {
            "The sign-in could not be completed at the moment."
        }
        K::SessionUnverified => {
            "It cannot be checked at the moment whether you are still signed in."
        }
        K::CookiesNeeded => "Signing in needs cookies, and your browser did not send one back.",
        K::InCircles => {
            "You were sent to sign in again and again. This would have gone on forever. It is not your fault."
        }
        K::SessionNotKept => {
            "You signed in, but your browser does not keep the session cookie of this site."
        }
        K::SessionTooLarge => {
            "You signed in, but your account has more attributes than fit into a session of this site."
        }
        K::InternalError => "The sign-in did not work.",
    }
}

fn advice(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "If other people use this computer too, close all windows of the browser.",
        K::SignInNeeded | K::FreshSignInNeeded => "Sign in, and then repeat what you wanted to do.",
        K::NotAllowed | K::SignInVetoed => {
            "If you have another account, sign in with it. Otherwise ask the people who run this site for access."
        }
        K::SignInRefused | K::InvalidTicket => "Please try again.",
        K::ConfirmationNeeded => "Continue only if it is yours.",
        K::OtherTabs => "This page goes on by itself in a moment.",
        K::TicketByPost => "Please tell the people who run this site: its log says what to change.",
        K::CasUnavailable => "Please try again in a few minutes.",
        K::CasNotUnderstood => "Please tell the people who run this site.",
        K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable
        | K::SessionUnverified
        | K::InternalError => "Please try again in a minute.",
        K::CookiesNeeded => "Please allow cookies for this site.",
        K::InCircles => "Please tell the people who run this site the text below.",
        K::SessionNotKept => "Please allow cookies for this site, or remove some of its old ones.",
        K::SessionTooLarge => {
            "Please tell the administrator of this site when this happened: the log says which attributes are the largest. You can sign in as somebody else."
        }
    }
}

fn phrase(phrase: P) -> &'static str {
    match phrase {
        P::SignIn => "Sign in",
        P::SignInAgain => "Sign in again",
        P::SignInInNewTab => "Sign in in a new tab",
        P::SignInAgainInNewTab => "Sign in again in a new tab",
        P::GoOn => "Continue",
        P::SignOut => "Sign out",
        P::SignInAsSomebodyElse => "Sign in as somebody else",
        P::TryAgain => "Try again",
        P::ContinueAs => "Continue as {user}",
        P::NotMe => "Not me: sign in as somebody else",
        P::ServerSaid => "The sign-in server said {code}.",
        P::Reference => "Reference: {reference}",
        P::Status => "Status: {status}",
        P::RequestId => "Request: {request}",
        P::Support => "Help: {support}",
        P::NotSaved => {
            "Nothing has been saved yet: you are no longer signed in. What you entered is not lost."
        }
        P::NotSavedFresh => {
            "Nothing has been saved yet: you need to give your password again before you can do this. What you entered is not lost."
        }
        P::SendAgain => {
            "Sign in in a new tab, with the link below. Then come back to this tab and reload it. Your browser asks whether to send the form again: agree."
        }
    }
}
