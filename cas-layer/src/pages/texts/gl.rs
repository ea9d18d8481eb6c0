//! Galician.

use super::super::{
    kind::PageKind as K,
    translation::{PagePhrase as P, Translation},
};

pub(in crate::pages) const TRANSLATION: Translation = Translation {
    tag: "gl",
    is_right_to_left: false,
    title,
    text,
    advice,
    phrase,
};

fn title(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "Sesión pechada",
        K::SignInNeeded | K::FreshSignInNeeded => "É necesario iniciar sesión",
        K::NotAllowed => "Acceso non permitido",
        K::SignInRefused | K::InvalidTicket => "Inicio de sesión rexeitado",
        K::SignInVetoed => "Acceso non autorizado",
        K::ConfirmationNeeded => "É vostede?",
        K::OtherTabs => "Iniciando sesión",
        K::CasUnavailable
        | K::CasNotUnderstood
        | K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable => "Inicio de sesión non dispoñible",
        K::SessionUnverified => "Non dispoñible temporalmente",
        K::CookiesNeeded => "Precísanse cookies",
        K::InCircles => "O inicio de sesión repítese sen fin",
        K::SessionNotKept => "A sesión non se conserva",
        K::TicketByPost | K::SessionTooLarge => "Non é posible iniciar sesión",
        K::InternalError => "Algo fallou",
    }
}

fn text(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "Pechou a sesión.",
        K::SignInNeeded => "Debe iniciar sesión para poder facer isto.",
        K::FreshSignInNeeded => "Debe introducir de novo o seu contrasinal para poder facer isto.",
        K::NotAllowed => "Iniciou sesión, pero a súa conta non pode abrir esta páxina.",
        K::SignInRefused => {
            "Non se puido completar o inicio de sesión: xa se utilizara, caducou ou estaba destinado a outro lugar."
        }
        K::SignInVetoed => "Iniciou sesión, pero este sitio non lle permite o acceso.",
        K::ConfirmationNeeded => "Está a piques de iniciar sesión neste sitio con este nome.",
        K::InvalidTicket => {
            "O enderezo desta páxina está danado, polo que non se puido completar o inicio de sesión."
        }
        K::OtherTabs => "Outras lapelas do seu navegador tamén están a iniciar sesión.",
        K::TicketByPost => {
            "O servidor de autenticación envía as súas respostas por POST, e este sitio non está configurado para iso."
        }
        K::CasUnavailable => "Neste momento non se pode contactar co servidor de autenticación.",
        K::CasNotUnderstood => {
            "A resposta do servidor de autenticación non se entendeu ou non é de confianza."
        }
        K::Busy => "Hai demasiadas persoas iniciando sesión neste momento.",
        K::RegistryUnavailable | K::AdmissionUnavailable => {
            "Neste momento non se puido completar o inicio de sesión."
        }
        K::SessionUnverified => "Neste momento non se pode comprobar se a súa sesión segue aberta.",
        K::CookiesNeeded => {
            "Para iniciar sesión precísanse cookies, e o seu navegador non devolveu ningunha."
        }
        K::InCircles => {
            "Enviouse a vostede a iniciar sesión unha e outra vez. Isto continuaría sen fin. Non é culpa súa."
        }
        K::SessionNotKept => {
            "Iniciou sesión, pero o seu navegador non conserva a cookie de sesión deste sitio."
        }
        K::SessionTooLarge => {
            "Iniciou sesión, pero a súa conta ten máis atributos dos que caben nunha sesión deste sitio."
        }
        K::InternalError => "O inicio de sesión non funcionou.",
    }
}

fn advice(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => {
            "Se outras persoas tamén usan este equipo, peche todas as xanelas do navegador."
        }
        K::SignInNeeded | K::FreshSignInNeeded => {
            "Inicie sesión e repita despois o que quería facer."
        }
        K::NotAllowed | K::SignInVetoed => {
            "Se ten outra conta, inicie sesión con ela. Se non, solicite acceso aos responsables deste sitio."
        }
        K::SignInRefused | K::InvalidTicket => "Ténteo de novo.",
        K::ConfirmationNeeded => "Continúe só se é o seu nome.",
        K::OtherTabs => "Esta páxina continuará por si soa nun momento.",
        K::TicketByPost => {
            "Avise aos responsables deste sitio: o seu rexistro indica que hai que cambiar."
        }
        K::CasUnavailable => "Ténteo de novo dentro duns minutos.",
        K::CasNotUnderstood => "Avise aos responsables deste sitio.",
        K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable
        | K::SessionUnverified
        | K::InternalError => "Ténteo de novo dentro dun minuto.",
        K::CookiesNeeded => "Permita as cookies para este sitio.",
        K::InCircles => "Comunique aos responsables deste sitio o texto que aparece máis abaixo.",
        K::SessionNotKept => "Permita as cookies para este sitio ou elimine algunhas das antigas.",
        K::SessionTooLarge => {
            "Indique aos responsables deste sitio cando ocorreu: o seu rexistro mostra que atributos son os máis grandes. Pode iniciar sesión con outra conta."
        }
    }
}

fn phrase(phrase: P) -> &'static str {
    match phrase {
        P::SignIn => "Iniciar sesión",
        P::SignInAgain => "Iniciar sesión de novo",
        P::SignInInNewTab => "Iniciar sesión nunha lapela nova",
        P::SignInAgainInNewTab => "Iniciar sesión de novo nunha lapela nova",
        P::GoOn => "Continuar",
        P::SignOut => "Pechar a sesión",
        P::SignInAsSomebodyElse => "Iniciar sesión con outra conta",
        P::TryAgain => "Tentar de novo",
        P::ContinueAs => "Continuar como {user}",
        P::NotMe => "Non son eu: iniciar sesión con outra conta",
        P::ServerSaid => "O servidor de autenticación respondeu {code}.",
        P::Reference => "Referencia: {reference}",
        P::Status => "Código de estado: {status}",
        P::RequestId => "Solicitude: {request}",
        P::Support => "Axuda: {support}",
        P::NotSaved => {
            "Aínda non se gardou nada: a súa sesión xa non está aberta. O que introduciu non se perdeu."
        }
        P::NotSavedFresh => {
            "Aínda non se gardou nada: debe introducir de novo o seu contrasinal para poder facer isto. O que introduciu non se perdeu."
        }
        P::SendAgain => {
            "Inicie sesión nunha lapela nova coa ligazón de abaixo. Despois volva a esta lapela e recárguea. O seu navegador preguntaralle se desexa enviar de novo o formulario: acepte."
        }
    }
}
