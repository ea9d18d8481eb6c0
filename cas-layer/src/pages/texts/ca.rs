//! Catalan.

use super::super::{
    kind::PageKind as K,
    translation::{PagePhrase as P, Translation},
};

pub(in crate::pages) const TRANSLATION: Translation = Translation {
    tag: "ca",
    is_right_to_left: false,
    title,
    text,
    advice,
    phrase,
};

fn title(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "Sessió tancada",
        K::SignInNeeded | K::FreshSignInNeeded => "Cal iniciar la sessió",
        K::NotAllowed => "Accés no permès",
        K::SignInRefused | K::InvalidTicket => "Inici de sessió rebutjat",
        K::SignInVetoed => "Accés no autoritzat",
        K::ConfirmationNeeded => "Sou vós?",
        K::OtherTabs => "S’està iniciant la sessió",
        K::CasUnavailable
        | K::CasNotUnderstood
        | K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable => "Inici de sessió no disponible",
        K::SessionUnverified => "No disponible temporalment",
        K::CookiesNeeded => "Calen galetes",
        K::InCircles => "L’inici de sessió es repeteix sense fi",
        K::SessionNotKept => "La sessió no es conserva",
        K::TicketByPost | K::SessionTooLarge => "No és possible iniciar la sessió",
        K::InternalError => "Alguna cosa ha fallat",
    }
}

fn text(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "Heu tancat la sessió.",
        K::SignInNeeded => "Heu d’iniciar la sessió per poder fer això.",
        K::FreshSignInNeeded => "Heu de tornar a introduir la contrasenya per poder fer això.",
        K::NotAllowed => {
            "Heu iniciat la sessió, però el vostre compte no pot obrir aquesta pàgina."
        }
        K::SignInRefused => {
            "No s’ha pogut completar l’inici de sessió: ja s’havia utilitzat, ha caducat o era per a un altre lloc."
        }
        K::SignInVetoed => "Heu iniciat la sessió, però aquest lloc web no us permet l’accés.",
        K::ConfirmationNeeded => {
            "Esteu a punt d’iniciar la sessió en aquest lloc web amb aquest nom."
        }
        K::InvalidTicket => {
            "L’adreça d’aquesta pàgina està malmesa; per això no s’ha pogut completar l’inici de sessió."
        }
        K::OtherTabs => "Altres pestanyes del vostre navegador també estan iniciant la sessió.",
        K::TicketByPost => {
            "El servidor d’autenticació envia les respostes per POST, i aquest lloc web no està configurat per a això."
        }
        K::CasUnavailable => "En aquest moment no es pot contactar amb el servidor d’autenticació.",
        K::CasNotUnderstood => {
            "La resposta del servidor d’autenticació no s’ha entès o no és de confiança."
        }
        K::Busy => "Hi ha massa persones iniciant la sessió en aquest moment.",
        K::RegistryUnavailable | K::AdmissionUnavailable => {
            "En aquest moment no s’ha pogut completar l’inici de sessió."
        }
        K::SessionUnverified => {
            "En aquest moment no es pot comprovar si la vostra sessió encara és oberta."
        }
        K::CookiesNeeded => {
            "Per iniciar la sessió calen galetes, i el vostre navegador no n’ha retornat cap."
        }
        K::InCircles => {
            "Se us ha enviat a iniciar la sessió una vegada i una altra. Això hauria continuat sense fi. No és culpa vostra."
        }
        K::SessionNotKept => {
            "Heu iniciat la sessió, però el vostre navegador no conserva la galeta de sessió d’aquest lloc web."
        }
        K::SessionTooLarge => {
            "Heu iniciat la sessió, però el vostre compte té més atributs dels que caben en una sessió d’aquest lloc web."
        }
        K::InternalError => "L’inici de sessió no ha funcionat.",
    }
}

fn advice(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => {
            "Si altres persones també fan servir aquest ordinador, tanqueu totes les finestres del navegador."
        }
        K::SignInNeeded | K::FreshSignInNeeded => {
            "Inicieu la sessió i després repetiu el que volíeu fer."
        }
        K::NotAllowed | K::SignInVetoed => {
            "Si teniu un altre compte, inicieu la sessió amb aquest compte. Si no, demaneu accés als responsables d’aquest lloc web."
        }
        K::SignInRefused | K::InvalidTicket => "Torneu-ho a provar.",
        K::ConfirmationNeeded => "Continueu només si és el vostre nom.",
        K::OtherTabs => "Aquesta pàgina continuarà tota sola d’aquí a un moment.",
        K::TicketByPost => {
            "Aviseu els responsables d’aquest lloc web: el seu registre indica què cal canviar."
        }
        K::CasUnavailable => "Torneu-ho a provar d’aquí a uns minuts.",
        K::CasNotUnderstood => "Aviseu els responsables d’aquest lloc web.",
        K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable
        | K::SessionUnverified
        | K::InternalError => "Torneu-ho a provar d’aquí a un minut.",
        K::CookiesNeeded => "Permeteu les galetes per a aquest lloc web.",
        K::InCircles => {
            "Comuniqueu als responsables d’aquest lloc web el text que hi ha més avall."
        }
        K::SessionNotKept => {
            "Permeteu les galetes per a aquest lloc web o elimineu-ne algunes d’antigues."
        }
        K::SessionTooLarge => {
            "Indiqueu als responsables d’aquest lloc web quan ha passat: el seu registre mostra quins atributs són els més grans. Podeu iniciar la sessió amb un altre compte."
        }
    }
}

fn phrase(phrase: P) -> &'static str {
    match phrase {
        P::SignIn => "Inicia la sessió",
        P::SignInAgain => "Torna a iniciar la sessió",
        P::SignInInNewTab => "Inicia la sessió en una pestanya nova",
        P::SignInAgainInNewTab => "Torna a iniciar la sessió en una pestanya nova",
        P::GoOn => "Continua",
        P::SignOut => "Tanca la sessió",
        P::SignInAsSomebodyElse => "Inicia la sessió amb un altre compte",
        P::TryAgain => "Torna-ho a provar",
        P::ContinueAs => "Continua com a {user}",
        P::NotMe => "No soc jo: inicia la sessió amb un altre compte",
        P::ServerSaid => "El servidor d’autenticació ha respost {code}.",
        P::Reference => "Referència: {reference}",
        P::Status => "Codi d’estat: {status}",
        P::RequestId => "Sol·licitud: {request}",
        P::Support => "Ajuda: {support}",
        P::NotSaved => {
            "Encara no s’ha desat res: la vostra sessió ja no és oberta. El que heu introduït no s’ha perdut."
        }
        P::NotSavedFresh => {
            "Encara no s’ha desat res: heu de tornar a introduir la contrasenya per poder fer això. El que heu introduït no s’ha perdut."
        }
        P::SendAgain => {
            "Inicieu la sessió en una pestanya nova amb l’enllaç de més avall. Després torneu a aquesta pestanya i recarregueu-la. El navegador us preguntarà si voleu tornar a enviar el formulari: accepteu-ho."
        }
    }
}
