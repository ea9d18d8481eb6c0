//! Polish.

use super::super::{
    kind::PageKind as K,
    translation::{PagePhrase as P, Translation},
};

pub(in crate::pages) const TRANSLATION: Translation = Translation {
    tag: "pl",
    is_right_to_left: false,
    title,
    text,
    advice,
    phrase,
};

fn title(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "Wylogowano",
        K::SignInNeeded | K::FreshSignInNeeded => "Wymagane logowanie",
        K::NotAllowed => "Brak dostępu",
        K::SignInRefused | K::InvalidTicket => "Logowanie odrzucone",
        K::SignInVetoed => "Konto niedopuszczone",
        K::ConfirmationNeeded => "Czy to Państwa konto?",
        K::OtherTabs => "Trwa logowanie",
        K::CasUnavailable
        | K::CasNotUnderstood
        | K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable => "Logowanie niedostępne",
        K::SessionUnverified => "Chwilowo niedostępne",
        K::CookiesNeeded => "Wymagane pliki cookie",
        K::InCircles => "Logowanie powtarza się bez końca",
        K::SessionNotKept => "Sesja nie została zachowana",
        K::TicketByPost | K::SessionTooLarge => "Logowanie niemożliwe",
        K::InternalError => "Coś poszło nie tak",
    }
}

fn text(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "Nastąpiło wylogowanie.",
        K::SignInNeeded => "Aby to zrobić, należy się zalogować.",
        K::FreshSignInNeeded => "Aby to zrobić, należy ponownie podać hasło.",
        K::NotAllowed => "Logowanie się powiodło, ale to konto nie ma dostępu do tej strony.",
        K::SignInRefused => {
            "Nie udało się dokończyć logowania: zostało już wykorzystane, wygasło lub było przeznaczone dla innego miejsca."
        }
        K::SignInVetoed => "Logowanie się powiodło, ale ta witryna nie dopuszcza tego konta.",
        K::ConfirmationNeeded => "Za chwilę nastąpi zalogowanie do tej witryny pod tą nazwą.",
        K::InvalidTicket => {
            "Adres tej strony jest uszkodzony, dlatego nie udało się dokończyć logowania."
        }
        K::OtherTabs => "W innych kartach przeglądarki również trwa logowanie.",
        K::TicketByPost => {
            "Serwer logowania przesyła odpowiedzi metodą POST, a ta witryna nie jest do tego skonfigurowana."
        }
        K::CasUnavailable => "Serwer logowania jest w tej chwili nieosiągalny.",
        K::CasNotUnderstood => {
            "Odpowiedź serwera logowania jest niezrozumiała lub niegodna zaufania."
        }
        K::Busy => "W tej chwili loguje się zbyt wiele osób.",
        K::RegistryUnavailable | K::AdmissionUnavailable => {
            "W tej chwili nie udało się dokończyć logowania."
        }
        K::SessionUnverified => "W tej chwili nie można sprawdzić, czy logowanie jest nadal ważne.",
        K::CookiesNeeded => "Logowanie wymaga plików cookie, a przeglądarka żadnego nie odesłała.",
        K::InCircles => {
            "Przeglądarka była wielokrotnie kierowana do logowania. Trwałoby to bez końca. To nie jest Państwa wina."
        }
        K::SessionNotKept => {
            "Logowanie się powiodło, ale przeglądarka nie zachowuje pliku cookie sesji tej witryny."
        }
        K::SessionTooLarge => {
            "Logowanie się powiodło, ale konto ma więcej atrybutów, niż mieści się w sesji tej witryny."
        }
        K::InternalError => "Logowanie nie powiodło się.",
    }
}

fn advice(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => {
            "Jeśli z tego komputera korzystają także inne osoby, proszę zamknąć wszystkie okna przeglądarki."
        }
        K::SignInNeeded | K::FreshSignInNeeded => {
            "Proszę się zalogować, a następnie powtórzyć to, co miało zostać zrobione."
        }
        K::NotAllowed | K::SignInVetoed => {
            "Jeśli mają Państwo inne konto, proszę się na nie zalogować. W przeciwnym razie proszę poprosić administratorów tej witryny o dostęp."
        }
        K::SignInRefused | K::InvalidTicket => "Proszę spróbować ponownie.",
        K::ConfirmationNeeded => "Proszę kontynuować tylko wtedy, gdy jest to Państwa nazwa.",
        K::OtherTabs => "Ta strona za chwilę sama przejdzie dalej.",
        K::TicketByPost => {
            "Proszę powiadomić administratorów tej witryny: w ich dzienniku zapisano, co należy zmienić."
        }
        K::CasUnavailable => "Proszę spróbować ponownie za kilka minut.",
        K::CasNotUnderstood => "Proszę powiadomić administratorów tej witryny.",
        K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable
        | K::SessionUnverified
        | K::InternalError => "Proszę spróbować ponownie za minutę.",
        K::CookiesNeeded => "Proszę zezwolić tej witrynie na pliki cookie.",
        K::InCircles => "Proszę przekazać administratorom tej witryny poniższy tekst.",
        K::SessionNotKept => {
            "Proszę zezwolić tej witrynie na pliki cookie lub usunąć niektóre ze starych."
        }
        K::SessionTooLarge => {
            "Proszę przekazać administratorom tej witryny, kiedy to się stało: w ich dzienniku zapisano, które atrybuty są największe. Można zalogować się na inne konto."
        }
    }
}

fn phrase(phrase: P) -> &'static str {
    match phrase {
        P::SignIn => "Zaloguj się",
        P::SignInAgain => "Zaloguj się ponownie",
        P::SignInInNewTab => "Zaloguj się w nowej karcie",
        P::SignInAgainInNewTab => "Zaloguj się ponownie w nowej karcie",
        P::GoOn => "Kontynuuj",
        P::SignOut => "Wyloguj się",
        P::SignInAsSomebodyElse => "Zaloguj się na inne konto",
        P::TryAgain => "Spróbuj ponownie",
        P::ContinueAs => "Kontynuuj jako {user}",
        P::NotMe => "To nie ja: zaloguj się na inne konto",
        P::ServerSaid => "Serwer logowania odpowiedział {code}.",
        P::Reference => "Numer referencyjny: {reference}",
        P::Status => "Kod stanu: {status}",
        P::RequestId => "Żądanie: {request}",
        P::Support => "Pomoc: {support}",
        P::NotSaved => {
            "Nic jeszcze nie zostało zapisane: logowanie nie jest już ważne. Wprowadzone dane nie zostały utracone."
        }
        P::NotSavedFresh => {
            "Nic jeszcze nie zostało zapisane: aby to zrobić, należy ponownie podać hasło. Wprowadzone dane nie zostały utracone."
        }
        P::SendAgain => {
            "Proszę zalogować się w nowej karcie, korzystając z poniższego linku. Następnie proszę wrócić do tej karty i ją odświeżyć. Przeglądarka zapyta, czy wysłać formularz ponownie: proszę się zgodzić."
        }
    }
}
