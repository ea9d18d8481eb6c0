//! German.

use super::super::{
    kind::PageKind as K,
    translation::{PagePhrase as P, Translation},
};

pub(in crate::pages) const TRANSLATION: Translation = Translation {
    tag: "de",
    is_right_to_left: false,
    title,
    text,
    advice,
    phrase,
};

fn title(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "Abgemeldet",
        K::SignInNeeded | K::FreshSignInNeeded => "Anmeldung erforderlich",
        K::NotAllowed => "Kein Zugriff",
        K::SignInRefused | K::InvalidTicket => "Anmeldung abgelehnt",
        K::SignInVetoed => "Nicht zugelassen",
        K::ConfirmationNeeded => "Sind Sie das?",
        K::OtherTabs => "Anmeldung läuft",
        K::CasUnavailable
        | K::CasNotUnderstood
        | K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable => "Anmeldung nicht verfügbar",
        K::SessionUnverified => "Vorübergehend nicht verfügbar",
        K::CookiesNeeded => "Cookies erforderlich",
        K::InCircles => "Anmeldung dreht sich im Kreis",
        K::SessionNotKept => "Sitzung nicht gespeichert",
        K::TicketByPost | K::SessionTooLarge => "Anmeldung nicht möglich",
        K::InternalError => "Etwas ist schiefgegangen",
    }
}

fn text(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "Sie haben sich abgemeldet.",
        K::SignInNeeded => "Dafür müssen Sie sich anmelden.",
        K::FreshSignInNeeded => "Dafür müssen Sie Ihr Passwort noch einmal eingeben.",
        K::NotAllowed => "Sie sind angemeldet, aber Ihr Konto darf diese Seite nicht öffnen.",
        K::SignInRefused => {
            "Die Anmeldung konnte nicht abgeschlossen werden: Sie wurde bereits verwendet, ist abgelaufen oder war für einen anderen Ort bestimmt."
        }
        K::SignInVetoed => {
            "Sie haben sich angemeldet, sind aber auf dieser Website nicht zugelassen."
        }
        K::ConfirmationNeeded => {
            "Sie werden gleich unter diesem Namen auf dieser Website angemeldet."
        }
        K::InvalidTicket => {
            "Die Adresse dieser Seite ist beschädigt. Deshalb konnte die Anmeldung nicht abgeschlossen werden."
        }
        K::OtherTabs => "Auch andere Tabs Ihres Browsers melden sich gerade an.",
        K::TicketByPost => {
            "Der Anmeldeserver sendet seine Antworten per POST, und diese Website ist dafür nicht eingerichtet."
        }
        K::CasUnavailable => "Der Anmeldeserver ist im Moment nicht erreichbar.",
        K::CasNotUnderstood => {
            "Die Antwort des Anmeldeservers war nicht verständlich oder nicht vertrauenswürdig."
        }
        K::Busy => "Im Moment melden sich zu viele Personen an.",
        K::RegistryUnavailable | K::AdmissionUnavailable => {
            "Die Anmeldung konnte im Moment nicht abgeschlossen werden."
        }
        K::SessionUnverified => "Im Moment lässt sich nicht prüfen, ob Sie noch angemeldet sind.",
        K::CookiesNeeded => {
            "Die Anmeldung braucht Cookies, und Ihr Browser hat keines zurückgesendet."
        }
        K::InCircles => {
            "Sie wurden immer wieder zur Anmeldung geschickt. Das wäre endlos so weitergegangen. Es liegt nicht an Ihnen."
        }
        K::SessionNotKept => {
            "Sie haben sich angemeldet, aber Ihr Browser behält das Sitzungscookie dieser Website nicht."
        }
        K::SessionTooLarge => {
            "Sie haben sich angemeldet, aber Ihr Konto hat mehr Attribute, als in eine Sitzung dieser Website passen."
        }
        K::InternalError => "Die Anmeldung hat nicht funktioniert.",
    }
}

fn advice(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => {
            "Wenn auch andere diesen Computer benutzen, schließen Sie alle Fenster des Browsers."
        }
        K::SignInNeeded | K::FreshSignInNeeded => {
            "Melden Sie sich an und wiederholen Sie dann, was Sie tun wollten."
        }
        K::NotAllowed | K::SignInVetoed => {
            "Wenn Sie ein anderes Konto haben, melden Sie sich damit an. Bitten Sie sonst die Betreiber dieser Website um Zugang."
        }
        K::SignInRefused | K::InvalidTicket => "Bitte versuchen Sie es noch einmal.",
        K::ConfirmationNeeded => "Fahren Sie nur fort, wenn es Ihr Name ist.",
        K::OtherTabs => "Diese Seite geht gleich von selbst weiter.",
        K::TicketByPost => {
            "Bitte informieren Sie die Betreiber dieser Website: In deren Protokoll steht, was zu ändern ist."
        }
        K::CasUnavailable => "Bitte versuchen Sie es in einigen Minuten noch einmal.",
        K::CasNotUnderstood => "Bitte informieren Sie die Betreiber dieser Website.",
        K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable
        | K::SessionUnverified
        | K::InternalError => "Bitte versuchen Sie es in einer Minute noch einmal.",
        K::CookiesNeeded => "Bitte erlauben Sie Cookies für diese Website.",
        K::InCircles => "Bitte teilen Sie den Betreibern dieser Website den Text weiter unten mit.",
        K::SessionNotKept => {
            "Bitte erlauben Sie Cookies für diese Website oder löschen Sie einige ihrer alten Cookies."
        }
        K::SessionTooLarge => {
            "Bitte teilen Sie den Betreibern dieser Website mit, wann das geschehen ist: In deren Protokoll steht, welche Attribute die größten sind. Sie können sich auch mit einem anderen Konto anmelden."
        }
    }
}

fn phrase(phrase: P) -> &'static str {
    match phrase {
        P::SignIn => "Anmelden",
        P::SignInAgain => "Erneut anmelden",
        P::SignInInNewTab => "In einem neuen Tab anmelden",
        P::SignInAgainInNewTab => "In einem neuen Tab erneut anmelden",
        P::GoOn => "Weiter",
        P::SignOut => "Abmelden",
        P::SignInAsSomebodyElse => "Mit einem anderen Konto anmelden",
        P::TryAgain => "Noch einmal versuchen",
        P::ContinueAs => "Weiter als {user}",
        P::NotMe => "Das bin ich nicht: mit einem anderen Konto anmelden",
        P::ServerSaid => "Der Anmeldeserver meldete {code}.",
        P::Reference => "Referenznummer: {reference}",
        P::Status => "Statuscode: {status}",
        P::RequestId => "Anfrage: {request}",
        P::Support => "Hilfe: {support}",
        P::NotSaved => {
            "Es wurde noch nichts gespeichert: Sie sind nicht mehr angemeldet. Ihre Eingaben sind nicht verloren."
        }
        P::NotSavedFresh => {
            "Es wurde noch nichts gespeichert: Dafür müssen Sie Ihr Passwort noch einmal eingeben. Ihre Eingaben sind nicht verloren."
        }
        P::SendAgain => {
            "Melden Sie sich über den Link unten in einem neuen Tab an. Kommen Sie dann in diesen Tab zurück und laden Sie ihn neu. Ihr Browser fragt, ob das Formular noch einmal gesendet werden soll: Stimmen Sie zu."
        }
    }
}
