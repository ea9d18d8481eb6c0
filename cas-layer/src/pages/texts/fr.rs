//! French.

use super::super::{
    kind::PageKind as K,
    translation::{PagePhrase as P, Translation},
};

pub(in crate::pages) const TRANSLATION: Translation = Translation {
    tag: "fr",
    is_right_to_left: false,
    title,
    text,
    advice,
    phrase,
};

fn title(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "Déconnexion effectuée",
        K::SignInNeeded | K::FreshSignInNeeded => "Connexion requise",
        K::NotAllowed => "Accès refusé",
        K::SignInRefused | K::InvalidTicket => "Connexion refusée",
        K::SignInVetoed => "Compte non autorisé",
        K::ConfirmationNeeded => "Est-ce bien vous ?",
        K::OtherTabs => "Connexion en cours",
        K::CasUnavailable
        | K::CasNotUnderstood
        | K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable => "Connexion indisponible",
        K::SessionUnverified => "Temporairement indisponible",
        K::CookiesNeeded => "Cookies requis",
        K::InCircles => "La connexion tourne en rond",
        K::SessionNotKept => "Session non conservée",
        K::TicketByPost | K::SessionTooLarge => "Connexion impossible",
        K::InternalError => "Une erreur est survenue",
    }
}

fn text(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "Vous vous êtes déconnecté.",
        K::SignInNeeded => "Vous devez vous connecter pour effectuer cette action.",
        K::FreshSignInNeeded => {
            "Vous devez saisir à nouveau votre mot de passe pour effectuer cette action."
        }
        K::NotAllowed => "Vous êtes connecté, mais votre compte n’a pas accès à cette page.",
        K::SignInRefused => {
            "La connexion n’a pas pu aboutir : elle a déjà été utilisée, a expiré ou était destinée à un autre endroit."
        }
        K::SignInVetoed => {
            "Vous vous êtes connecté, mais ce site ne vous autorise pas à y accéder."
        }
        K::ConfirmationNeeded => "Vous allez être connecté à ce site sous ce nom.",
        K::InvalidTicket => {
            "L’adresse de cette page est endommagée : la connexion n’a pas pu aboutir."
        }
        K::OtherTabs => "D’autres onglets de votre navigateur se connectent aussi.",
        K::TicketByPost => {
            "Le serveur de connexion envoie ses réponses par POST, et ce site n’est pas configuré pour cela."
        }
        K::CasUnavailable => "Le serveur de connexion est injoignable pour le moment.",
        K::CasNotUnderstood => {
            "La réponse du serveur de connexion n’a pas été comprise ou n’est pas digne de confiance."
        }
        K::Busy => "Trop de personnes se connectent en ce moment.",
        K::RegistryUnavailable | K::AdmissionUnavailable => {
            "La connexion n’a pas pu aboutir pour le moment."
        }
        K::SessionUnverified => {
            "Il est impossible pour le moment de vérifier si vous êtes encore connecté."
        }
        K::CookiesNeeded => {
            "La connexion nécessite des cookies, et votre navigateur n’en a renvoyé aucun."
        }
        K::InCircles => {
            "Vous avez été renvoyé sans cesse vers la page de connexion. Cela aurait continué indéfiniment. Vous n’y êtes pour rien."
        }
        K::SessionNotKept => {
            "Vous vous êtes connecté, mais votre navigateur ne conserve pas le cookie de session de ce site."
        }
        K::SessionTooLarge => {
            "Vous vous êtes connecté, mais votre compte a plus d’attributs que ne peut en contenir une session de ce site."
        }
        K::InternalError => "La connexion a échoué.",
    }
}

fn advice(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => {
            "Si d’autres personnes utilisent aussi cet ordinateur, fermez toutes les fenêtres du navigateur."
        }
        K::SignInNeeded | K::FreshSignInNeeded => {
            "Connectez-vous, puis recommencez ce que vous vouliez faire."
        }
        K::NotAllowed | K::SignInVetoed => {
            "Si vous avez un autre compte, connectez-vous avec celui-ci. Sinon, demandez l’accès aux responsables de ce site."
        }
        K::SignInRefused | K::InvalidTicket => "Veuillez réessayer.",
        K::ConfirmationNeeded => "Ne continuez que si ce nom est le vôtre.",
        K::OtherTabs => "Cette page continuera d’elle-même dans un instant.",
        K::TicketByPost => {
            "Veuillez prévenir les responsables de ce site : leur journal indique ce qu’il faut modifier."
        }
        K::CasUnavailable => "Veuillez réessayer dans quelques minutes.",
        K::CasNotUnderstood => "Veuillez prévenir les responsables de ce site.",
        K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable
        | K::SessionUnverified
        | K::InternalError => "Veuillez réessayer dans une minute.",
        K::CookiesNeeded => "Veuillez autoriser les cookies pour ce site.",
        K::InCircles => "Veuillez transmettre le texte ci-dessous aux responsables de ce site.",
        K::SessionNotKept => {
            "Veuillez autoriser les cookies pour ce site, ou supprimer quelques-uns de ses anciens cookies."
        }
        K::SessionTooLarge => {
            "Veuillez indiquer aux responsables de ce site quand cela s’est produit : leur journal indique quels attributs sont les plus volumineux. Vous pouvez vous connecter avec un autre compte."
        }
    }
}

fn phrase(phrase: P) -> &'static str {
    match phrase {
        P::SignIn => "Se connecter",
        P::SignInAgain => "Se reconnecter",
        P::SignInInNewTab => "Se connecter dans un nouvel onglet",
        P::SignInAgainInNewTab => "Se reconnecter dans un nouvel onglet",
        P::GoOn => "Continuer",
        P::SignOut => "Se déconnecter",
        P::SignInAsSomebodyElse => "Se connecter avec un autre compte",
        P::TryAgain => "Réessayer",
        P::ContinueAs => "Continuer en tant que {user}",
        P::NotMe => "Ce n’est pas moi : se connecter avec un autre compte",
        P::ServerSaid => "Le serveur de connexion a répondu {code}.",
        P::Reference => "Référence : {reference}",
        P::Status => "Code d’état : {status}",
        P::RequestId => "Requête : {request}",
        P::Support => "Aide : {support}",
        P::NotSaved => {
            "Rien n’a encore été enregistré : vous n’êtes plus connecté. Votre saisie n’est pas perdue."
        }
        P::NotSavedFresh => {
            "Rien n’a encore été enregistré : vous devez saisir à nouveau votre mot de passe pour effectuer cette action. Votre saisie n’est pas perdue."
        }
        P::SendAgain => {
            "Connectez-vous dans un nouvel onglet, à l’aide du lien ci-dessous. Revenez ensuite à cet onglet et actualisez-le. Votre navigateur demande s’il doit renvoyer le formulaire : acceptez."
        }
    }
}
