//! Spanish.

use super::super::{
    kind::PageKind as K,
    translation::{PagePhrase as P, Translation},
};

pub(in crate::pages) const TRANSLATION: Translation = Translation {
    tag: "es",
    is_right_to_left: false,
    title,
    text,
    advice,
    phrase,
};

fn title(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "Sesión cerrada",
        K::SignInNeeded | K::FreshSignInNeeded => "Es necesario iniciar sesión",
        K::NotAllowed => "Acceso no permitido",
        K::SignInRefused | K::InvalidTicket => "Inicio de sesión rechazado",
        K::SignInVetoed => "Acceso no autorizado",
        K::ConfirmationNeeded => "¿Es usted?",
        K::OtherTabs => "Iniciando sesión",
        K::CasUnavailable
        | K::CasNotUnderstood
        | K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable => "Inicio de sesión no disponible",
        K::SessionUnverified => "No disponible temporalmente",
        K::CookiesNeeded => "Se necesitan cookies",
        K::InCircles => "El inicio de sesión se repite sin fin",
        K::SessionNotKept => "La sesión no se conserva",
        K::TicketByPost | K::SessionTooLarge => "No es posible iniciar sesión",
        K::InternalError => "Algo ha fallado",
    }
}

fn text(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "Ha cerrado la sesión.",
        K::SignInNeeded => "Debe iniciar sesión para poder hacer esto.",
        K::FreshSignInNeeded => "Debe introducir de nuevo su contraseña para poder hacer esto.",
        K::NotAllowed => "Ha iniciado sesión, pero su cuenta no puede abrir esta página.",
        K::SignInRefused => {
            "No se pudo completar el inicio de sesión: ya se había utilizado, ha caducado o estaba destinado a otro lugar."
        }
        K::SignInVetoed => "Ha iniciado sesión, pero este sitio no le permite el acceso.",
        K::ConfirmationNeeded => "Está a punto de iniciar sesión en este sitio con este nombre.",
        K::InvalidTicket => {
            "La dirección de esta página está dañada, por lo que no se pudo completar el inicio de sesión."
        }
        K::OtherTabs => "Otras pestañas de su navegador también están iniciando sesión.",
        K::TicketByPost => {
            "El servidor de autenticación envía sus respuestas por POST, y este sitio no está configurado para ello."
        }
        K::CasUnavailable => {
            "En este momento no se puede contactar con el servidor de autenticación."
        }
        K::CasNotUnderstood => {
            "La respuesta del servidor de autenticación no se ha entendido o no es de confianza."
        }
        K::Busy => "Hay demasiadas personas iniciando sesión en este momento.",
        K::RegistryUnavailable | K::AdmissionUnavailable => {
            "En este momento no se ha podido completar el inicio de sesión."
        }
        K::SessionUnverified => "En este momento no se puede comprobar si su sesión sigue abierta.",
        K::CookiesNeeded => {
            "Para iniciar sesión se necesitan cookies, y su navegador no ha devuelto ninguna."
        }
        K::InCircles => {
            "Se le ha enviado a iniciar sesión una y otra vez. Esto habría continuado sin fin. No es culpa suya."
        }
        K::SessionNotKept => {
            "Ha iniciado sesión, pero su navegador no conserva la cookie de sesión de este sitio."
        }
        K::SessionTooLarge => {
            "Ha iniciado sesión, pero su cuenta tiene más atributos de los que caben en una sesión de este sitio."
        }
        K::InternalError => "El inicio de sesión no ha funcionado.",
    }
}

fn advice(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => {
            "Si otras personas también usan este equipo, cierre todas las ventanas del navegador."
        }
        K::SignInNeeded | K::FreshSignInNeeded => {
            "Inicie sesión y repita después lo que quería hacer."
        }
        K::NotAllowed | K::SignInVetoed => {
            "Si tiene otra cuenta, inicie sesión con ella. Si no, solicite acceso a los responsables de este sitio."
        }
        K::SignInRefused | K::InvalidTicket => "Inténtelo de nuevo.",
        K::ConfirmationNeeded => "Continúe solo si es su nombre.",
        K::OtherTabs => "Esta página continuará por sí sola en un momento.",
        K::TicketByPost => {
            "Avise a los responsables de este sitio: su registro indica qué hay que cambiar."
        }
        K::CasUnavailable => "Inténtelo de nuevo dentro de unos minutos.",
        K::CasNotUnderstood => "Avise a los responsables de este sitio.",
        K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable
        | K::SessionUnverified
        | K::InternalError => "Inténtelo de nuevo dentro de un minuto.",
        K::CookiesNeeded => "Permita las cookies para este sitio.",
        K::InCircles => {
            "Comunique a los responsables de este sitio el texto que aparece más abajo."
        }
        K::SessionNotKept => {
            "Permita las cookies para este sitio o elimine algunas de las antiguas."
        }
        K::SessionTooLarge => {
            "Indique a los responsables de este sitio cuándo ha ocurrido: su registro muestra qué atributos son los más grandes. Puede iniciar sesión con otra cuenta."
        }
    }
}

fn phrase(phrase: P) -> &'static str {
    match phrase {
        P::SignIn => "Iniciar sesión",
        P::SignInAgain => "Iniciar sesión de nuevo",
        P::SignInInNewTab => "Iniciar sesión en una pestaña nueva",
        P::SignInAgainInNewTab => "Iniciar sesión de nuevo en una pestaña nueva",
        P::GoOn => "Continuar",
        P::SignOut => "Cerrar sesión",
        P::SignInAsSomebodyElse => "Iniciar sesión con otra cuenta",
        P::TryAgain => "Intentar de nuevo",
        P::ContinueAs => "Continuar como {user}",
        P::NotMe => "No soy yo: iniciar sesión con otra cuenta",
        P::ServerSaid => "El servidor de autenticación ha respondido {code}.",
        P::Reference => "Referencia: {reference}",
        P::Status => "Código de estado: {status}",
        P::RequestId => "Solicitud: {request}",
        P::Support => "Ayuda: {support}",
        P::NotSaved => {
            "Todavía no se ha guardado nada: su sesión ya no está abierta. Lo que ha introducido no se ha perdido."
        }
        P::NotSavedFresh => {
            "Todavía no se ha guardado nada: debe introducir de nuevo su contraseña para poder hacer esto. Lo que ha introducido no se ha perdido."
        }
        P::SendAgain => {
            "Inicie sesión en una pestaña nueva con el enlace de abajo. Después vuelva a esta pestaña y recárguela. Su navegador le preguntará si desea enviar de nuevo el formulario: acepte."
        }
    }
}
