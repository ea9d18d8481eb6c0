//! Dutch.

use super::super::{
    kind::PageKind as K,
    translation::{PagePhrase as P, Translation},
};

pub(in crate::pages) const TRANSLATION: Translation = Translation {
    tag: "nl",
    is_right_to_left: false,
    title,
    text,
    advice,
    phrase,
};

fn title(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "Afgemeld",
        K::SignInNeeded | K::FreshSignInNeeded => "Aanmelden vereist",
        K::NotAllowed => "Geen toegang",
        K::SignInRefused | K::InvalidTicket => "Aanmelding geweigerd",
        K::SignInVetoed => "Niet toegelaten",
        K::ConfirmationNeeded => "Bent u dit?",
        K::OtherTabs => "Bezig met aanmelden",
        K::CasUnavailable
        | K::CasNotUnderstood
        | K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable => "Aanmelden niet beschikbaar",
        K::SessionUnverified => "Tijdelijk niet beschikbaar",
        K::CookiesNeeded => "Cookies vereist",
        K::InCircles => "De aanmelding blijft zich herhalen",
        K::SessionNotKept => "Sessie niet bewaard",
        K::TicketByPost | K::SessionTooLarge => "Aanmelden niet mogelijk",
        K::InternalError => "Er is iets misgegaan",
    }
}

fn text(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "U bent afgemeld.",
        K::SignInNeeded => "U moet zich aanmelden voordat u dit kunt doen.",
        K::FreshSignInNeeded => "U moet uw wachtwoord opnieuw opgeven voordat u dit kunt doen.",
        K::NotAllowed => "U bent aangemeld, maar uw account mag deze pagina niet openen.",
        K::SignInRefused => {
            "De aanmelding kon niet worden voltooid: ze is al gebruikt, is verlopen of was voor een andere plek bedoeld."
        }
        K::SignInVetoed => "U hebt zich aangemeld, maar deze site laat u niet toe.",
        K::ConfirmationNeeded => "U wordt zo dadelijk onder deze naam bij deze site aangemeld.",
        K::InvalidTicket => {
            "Het adres van deze pagina is beschadigd, daarom kon de aanmelding niet worden voltooid."
        }
        K::OtherTabs => "Ook andere tabbladen van uw browser zijn bezig met aanmelden.",
        K::TicketByPost => {
            "De aanmeldserver stuurt zijn antwoorden met POST, en deze site is daar niet op ingesteld."
        }
        K::CasUnavailable => "De aanmeldserver is op dit moment niet bereikbaar.",
        K::CasNotUnderstood => {
            "Het antwoord van de aanmeldserver is niet begrepen of niet te vertrouwen."
        }
        K::Busy => "Op dit moment melden te veel mensen zich aan.",
        K::RegistryUnavailable | K::AdmissionUnavailable => {
            "De aanmelding kon op dit moment niet worden voltooid."
        }
        K::SessionUnverified => {
            "Op dit moment kan niet worden gecontroleerd of u nog bent aangemeld."
        }
        K::CookiesNeeded => {
            "Voor het aanmelden zijn cookies nodig, en uw browser heeft er geen teruggestuurd."
        }
        K::InCircles => {
            "U werd steeds opnieuw naar het aanmelden gestuurd. Dit zou eindeloos zijn doorgegaan. Het ligt niet aan u."
        }
        K::SessionNotKept => {
            "U hebt zich aangemeld, maar uw browser bewaart de sessiecookie van deze site niet."
        }
        K::SessionTooLarge => {
            "U hebt zich aangemeld, maar uw account heeft meer attributen dan er in een sessie van deze site passen."
        }
        K::InternalError => "Het aanmelden is niet gelukt.",
    }
}

fn advice(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => {
            "Als ook anderen deze computer gebruiken, sluit dan alle vensters van de browser."
        }
        K::SignInNeeded | K::FreshSignInNeeded => "Meld u aan en herhaal daarna wat u wilde doen.",
        K::NotAllowed | K::SignInVetoed => {
            "Als u een ander account hebt, meld u daarmee aan. Vraag anders de beheerders van deze site om toegang."
        }
        K::SignInRefused | K::InvalidTicket => "Probeer het opnieuw.",
        K::ConfirmationNeeded => "Ga alleen verder als het uw naam is.",
        K::OtherTabs => "Deze pagina gaat zo dadelijk vanzelf verder.",
        K::TicketByPost => {
            "Meld dit aan de beheerders van deze site: in hun logboek staat wat er moet veranderen."
        }
        K::CasUnavailable => "Probeer het over enkele minuten opnieuw.",
        K::CasNotUnderstood => "Meld dit aan de beheerders van deze site.",
        K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable
        | K::SessionUnverified
        | K::InternalError => "Probeer het over een minuut opnieuw.",
        K::CookiesNeeded => "Sta cookies toe voor deze site.",
        K::InCircles => "Geef de tekst hieronder door aan de beheerders van deze site.",
        K::SessionNotKept => {
            "Sta cookies toe voor deze site, of verwijder enkele oude cookies van deze site."
        }
        K::SessionTooLarge => {
            "Laat de beheerders van deze site weten wanneer dit is gebeurd: in hun logboek staat welke attributen het grootst zijn. U kunt zich met een ander account aanmelden."
        }
    }
}

fn phrase(phrase: P) -> &'static str {
    match phrase {
        P::SignIn => "Aanmelden",
        P::SignInAgain => "Opnieuw aanmelden",
        P::SignInInNewTab => "Aanmelden in een nieuw tabblad",
        P::SignInAgainInNewTab => "Opnieuw aanmelden in een nieuw tabblad",
        P::GoOn => "Doorgaan",
        P::SignOut => "Afmelden",
        P::SignInAsSomebodyElse => "Met een ander account aanmelden",
        P::TryAgain => "Opnieuw proberen",
        P::ContinueAs => "Doorgaan als {user}",
        P::NotMe => "Dit ben ik niet: met een ander account aanmelden",
        P::ServerSaid => "De aanmeldserver antwoordde {code}.",
        P::Reference => "Referentie: {reference}",
        P::Status => "Statuscode: {status}",
        P::RequestId => "Verzoek: {request}",
        P::Support => "Hulp: {support}",
        P::NotSaved => {
            "Er is nog niets opgeslagen: u bent niet meer aangemeld. Wat u hebt ingevuld, is niet verloren."
        }
        P::NotSavedFresh => {
            "Er is nog niets opgeslagen: u moet uw wachtwoord opnieuw opgeven voordat u dit kunt doen. Wat u hebt ingevuld, is niet verloren."
        }
        P::SendAgain => {
            "Meld u in een nieuw tabblad aan met de link hieronder. Kom daarna terug naar dit tabblad en laad het opnieuw. Uw browser vraagt of het formulier opnieuw moet worden verzonden: ga daarmee akkoord."
        }
    }
}
