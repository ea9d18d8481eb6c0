//! Portuguese, for Portugal and Brazil.

use super::super::{
    kind::PageKind as K,
    translation::{PagePhrase as P, Translation},
};

pub(in crate::pages) const TRANSLATION: Translation = Translation {
    tag: "pt",
    is_right_to_left: false,
    title,
    text,
    advice,
    phrase,
};

fn title(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "Sessão terminada",
        K::SignInNeeded | K::FreshSignInNeeded => "É necessário iniciar sessão",
        K::NotAllowed => "Acesso não permitido",
        K::SignInRefused | K::InvalidTicket => "Início de sessão recusado",
        K::SignInVetoed => "Acesso não autorizado",
        K::ConfirmationNeeded => "Este nome é seu?",
        K::OtherTabs => "A iniciar sessão",
        K::CasUnavailable
        | K::CasNotUnderstood
        | K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable => "Início de sessão indisponível",
        K::SessionUnverified => "Temporariamente indisponível",
        K::CookiesNeeded => "Cookies necessários",
        K::InCircles => "O início de sessão repete-se sem fim",
        K::SessionNotKept => "A sessão não foi guardada",
        K::TicketByPost | K::SessionTooLarge => "Não é possível iniciar sessão",
        K::InternalError => "Ocorreu um erro",
    }
}

fn text(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "A sua sessão foi terminada.",
        K::SignInNeeded => "Precisa de iniciar sessão para poder fazer isto.",
        K::FreshSignInNeeded => {
            "Precisa de indicar novamente a sua palavra-passe (senha) para poder fazer isto."
        }
        K::NotAllowed => "A sua sessão está iniciada, mas a sua conta não pode abrir esta página.",
        K::SignInRefused => {
            "Não foi possível concluir o início de sessão: já foi utilizado, expirou ou destinava-se a outro lugar."
        }
        K::SignInVetoed => {
            "A sua identidade foi confirmada, mas este site não lhe permite o acesso."
        }
        K::ConfirmationNeeded => "Está prestes a iniciar sessão neste site com este nome.",
        K::InvalidTicket => {
            "O endereço desta página está danificado, por isso não foi possível concluir o início de sessão."
        }
        K::OtherTabs => "Outros separadores (abas) do seu navegador também estão a iniciar sessão.",
        K::TicketByPost => {
            "O servidor de autenticação envia as respostas por POST, e este site não está configurado para isso."
        }
        K::CasUnavailable => "De momento não é possível contactar o servidor de autenticação.",
        K::CasNotUnderstood => {
            "A resposta do servidor de autenticação não foi compreendida ou não é de confiança."
        }
        K::Busy => "Há demasiadas pessoas a iniciar sessão neste momento.",
        K::RegistryUnavailable | K::AdmissionUnavailable => {
            "De momento não foi possível concluir o início de sessão."
        }
        K::SessionUnverified => {
            "De momento não é possível verificar se a sua sessão ainda está ativa."
        }
        K::CookiesNeeded => {
            "Para iniciar sessão são necessários cookies, e o seu navegador não devolveu nenhum."
        }
        K::InCircles => {
            "Foi encaminhado repetidamente para o início de sessão. Isto teria continuado sem fim. A culpa não é sua."
        }
        K::SessionNotKept => {
            "Iniciou sessão, mas o seu navegador não guarda o cookie de sessão deste site."
        }
        K::SessionTooLarge => {
            "Iniciou sessão, mas a sua conta tem mais atributos do que cabem numa sessão deste site."
        }
        K::InternalError => "O início de sessão não funcionou.",
    }
}

fn advice(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => {
            "Se outras pessoas também usam este computador, feche todas as janelas do navegador."
        }
        K::SignInNeeded | K::FreshSignInNeeded => {
            "Inicie sessão e depois repita o que queria fazer."
        }
        K::NotAllowed | K::SignInVetoed => {
            "Se tem outra conta, inicie sessão com ela. Caso contrário, peça acesso aos responsáveis por este site."
        }
        K::SignInRefused | K::InvalidTicket => "Tente novamente.",
        K::ConfirmationNeeded => "Continue apenas se for o seu nome.",
        K::OtherTabs => "Esta página continua por si própria dentro de momentos.",
        K::TicketByPost => {
            "Informe os responsáveis por este site: o registo deles indica o que é preciso alterar."
        }
        K::CasUnavailable => "Tente novamente dentro de alguns minutos.",
        K::CasNotUnderstood => "Informe os responsáveis por este site.",
        K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable
        | K::SessionUnverified
        | K::InternalError => "Tente novamente dentro de um minuto.",
        K::CookiesNeeded => "Permita cookies para este site.",
        K::InCircles => "Comunique aos responsáveis por este site o texto que se encontra abaixo.",
        K::SessionNotKept => "Permita cookies para este site ou elimine alguns dos antigos.",
        K::SessionTooLarge => {
            "Informe os responsáveis por este site de quando isto aconteceu: o registo deles indica quais são os atributos maiores. Pode iniciar sessão com outra conta."
        }
    }
}

fn phrase(phrase: P) -> &'static str {
    match phrase {
        P::SignIn => "Iniciar sessão",
        P::SignInAgain => "Iniciar sessão novamente",
        P::SignInInNewTab => "Iniciar sessão num novo separador (aba)",
        P::SignInAgainInNewTab => "Iniciar sessão novamente num novo separador (aba)",
        P::GoOn => "Continuar",
        P::SignOut => "Terminar sessão",
        P::SignInAsSomebodyElse => "Iniciar sessão com outra conta",
        P::TryAgain => "Tentar novamente",
        P::ContinueAs => "Continuar como {user}",
        P::NotMe => "Não sou eu: iniciar sessão com outra conta",
        P::ServerSaid => "O servidor de autenticação respondeu {code}.",
        P::Reference => "Referência: {reference}",
        P::Status => "Código de estado: {status}",
        P::RequestId => "Pedido: {request}",
        P::Support => "Ajuda: {support}",
        P::NotSaved => {
            "Ainda nada foi guardado: a sua sessão já não está ativa. O que introduziu não se perdeu."
        }
        P::NotSavedFresh => {
            "Ainda nada foi guardado: precisa de indicar novamente a sua palavra-passe (senha) para poder fazer isto. O que introduziu não se perdeu."
        }
        P::SendAgain => {
            "Inicie sessão num novo separador (aba), com a ligação abaixo. Depois volte a este separador e recarregue-o. O seu navegador pergunta se deve enviar novamente o formulário: aceite."
        }
    }
}
