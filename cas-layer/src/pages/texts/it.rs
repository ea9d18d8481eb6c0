//! Italian.

use super::super::{
    kind::PageKind as K,
    translation::{PagePhrase as P, Translation},
};

pub(in crate::pages) const TRANSLATION: Translation = Translation {
    tag: "it",
    is_right_to_left: false,
    title,
    text,
    advice,
    phrase,
};

fn title(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "Disconnessione effettuata",
        K::SignInNeeded | K::FreshSignInNeeded => "Accesso necessario",
        K::NotAllowed => "Accesso non consentito",
        K::SignInRefused | K::InvalidTicket => "Accesso rifiutato",
        K::SignInVetoed => "Utente non ammesso",
        K::ConfirmationNeeded => "È Lei?",
        K::OtherTabs => "Accesso in corso",
        K::CasUnavailable
        | K::CasNotUnderstood
        | K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable => "Accesso non disponibile",
        K::SessionUnverified => "Temporaneamente non disponibile",
        K::CookiesNeeded => "Cookie necessari",
        K::InCircles => "L’accesso si ripete all’infinito",
        K::SessionNotKept => "Sessione non conservata",
        K::TicketByPost | K::SessionTooLarge => "Accesso non possibile",
        K::InternalError => "Qualcosa è andato storto",
    }
}

fn text(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "Si è disconnesso.",
        K::SignInNeeded => "Per questa operazione deve effettuare l’accesso.",
        K::FreshSignInNeeded => "Per questa operazione deve inserire di nuovo la password.",
        K::NotAllowed => "Ha effettuato l’accesso, ma il Suo account non può aprire questa pagina.",
        K::SignInRefused => {
            "Non è stato possibile completare l’accesso: era già stato utilizzato, è scaduto o era destinato a un altro sito."
        }
        K::SignInVetoed => "Ha effettuato l’accesso, ma questo sito non La ammette.",
        K::ConfirmationNeeded => "Sta per accedere a questo sito con questo nome.",
        K::InvalidTicket => {
            "L’indirizzo di questa pagina è danneggiato, perciò non è stato possibile completare l’accesso."
        }
        K::OtherTabs => "Anche altre schede del Suo browser stanno effettuando l’accesso.",
        K::TicketByPost => {
            "Il server di autenticazione invia le risposte tramite POST e questo sito non è configurato per riceverle."
        }
        K::CasUnavailable => "Al momento il server di autenticazione non è raggiungibile.",
        K::CasNotUnderstood => {
            "La risposta del server di autenticazione non è stata compresa o non è attendibile."
        }
        K::Busy => "Al momento troppe persone stanno effettuando l’accesso.",
        K::RegistryUnavailable | K::AdmissionUnavailable => {
            "Al momento non è stato possibile completare l’accesso."
        }
        K::SessionUnverified => {
            "Al momento non è possibile verificare se il Suo accesso è ancora valido."
        }
        K::CookiesNeeded => {
            "Per l’accesso servono i cookie e il Suo browser non ne ha restituito nessuno."
        }
        K::InCircles => {
            "È stato rimandato all’accesso più e più volte. Sarebbe continuato all’infinito. Non è colpa Sua."
        }
        K::SessionNotKept => {
            "Ha effettuato l’accesso, ma il Suo browser non conserva il cookie di sessione di questo sito."
        }
        K::SessionTooLarge => {
            "Ha effettuato l’accesso, ma il Suo account ha più attributi di quanti ne contenga una sessione di questo sito."
        }
        K::InternalError => "L’accesso non è riuscito.",
    }
}

fn advice(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => {
            "Se anche altre persone usano questo computer, chiuda tutte le finestre del browser."
        }
        K::SignInNeeded | K::FreshSignInNeeded => {
            "Effettui l’accesso e poi ripeta ciò che voleva fare."
        }
        K::NotAllowed | K::SignInVetoed => {
            "Se ha un altro account, acceda con quello. Altrimenti chieda l’accesso ai responsabili di questo sito."
        }
        K::SignInRefused | K::InvalidTicket => "Riprovi.",
        K::ConfirmationNeeded => "Continui solo se è il Suo nome.",
        K::OtherTabs => "Questa pagina proseguirà da sola tra un momento.",
        K::TicketByPost => {
            "Avvisi i responsabili di questo sito: il loro registro indica che cosa modificare."
        }
        K::CasUnavailable => "Riprovi tra qualche minuto.",
        K::CasNotUnderstood => "Avvisi i responsabili di questo sito.",
        K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable
        | K::SessionUnverified
        | K::InternalError => "Riprovi tra un minuto.",
        K::CookiesNeeded => "Consenta i cookie per questo sito.",
        K::InCircles => "Comunichi ai responsabili di questo sito il testo riportato sotto.",
        K::SessionNotKept => "Consenta i cookie per questo sito o elimini alcuni di quelli vecchi.",
        K::SessionTooLarge => {
            "Comunichi ai responsabili di questo sito quando è successo: il loro registro indica quali attributi sono i più grandi. Può accedere con un altro account."
        }
    }
}

fn phrase(phrase: P) -> &'static str {
    match phrase {
        P::SignIn => "Accedi",
        P::SignInAgain => "Accedi di nuovo",
        P::SignInInNewTab => "Accedi in una nuova scheda",
        P::SignInAgainInNewTab => "Accedi di nuovo in una nuova scheda",
        P::GoOn => "Continua",
        P::SignOut => "Esci",
        P::SignInAsSomebodyElse => "Accedi con un altro account",
        P::TryAgain => "Riprova",
        P::ContinueAs => "Continua come {user}",
        P::NotMe => "Non sono io: accedi con un altro account",
        P::ServerSaid => "Il server di autenticazione ha risposto {code}.",
        P::Reference => "Riferimento: {reference}",
        P::Status => "Codice di stato: {status}",
        P::RequestId => "Richiesta: {request}",
        P::Support => "Assistenza: {support}",
        P::NotSaved => {
            "Non è stato ancora salvato nulla: il Suo accesso non è più valido. Ciò che ha inserito non è andato perso."
        }
        P::NotSavedFresh => {
            "Non è stato ancora salvato nulla: per questa operazione deve inserire di nuovo la password. Ciò che ha inserito non è andato perso."
        }
        P::SendAgain => {
            "Acceda in una nuova scheda con il link qui sotto. Poi torni a questa scheda e la ricarichi. Il browser chiede se inviare di nuovo il modulo: confermi."
        }
    }
}
