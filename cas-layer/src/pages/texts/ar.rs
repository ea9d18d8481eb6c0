//! Arabic.

use super::super::{
    kind::PageKind as K,
    translation::{PagePhrase as P, Translation},
};

pub(in crate::pages) const TRANSLATION: Translation = Translation {
    tag: "ar",
    is_right_to_left: true,
    title,
    text,
    advice,
    phrase,
};

fn title(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "تم تسجيل الخروج",
        K::SignInNeeded | K::FreshSignInNeeded => "يلزم تسجيل الدخول",
        K::NotAllowed => "غير مسموح",
        K::SignInRefused | K::InvalidTicket => "رُفض تسجيل الدخول",
        K::SignInVetoed => "الدخول غير مصرَّح به",
        K::ConfirmationNeeded => "هل هذا أنت؟",
        K::OtherTabs => "جارٍ تسجيل الدخول",
        K::CasUnavailable
        | K::CasNotUnderstood
        | K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable => "تسجيل الدخول غير متاح",
        K::SessionUnverified => "غير متاح مؤقتًا",
        K::CookiesNeeded => "ملفات تعريف الارتباط مطلوبة",
        K::InCircles => "تسجيل الدخول يتكرر بلا نهاية",
        K::SessionNotKept => "لم تُحفظ الجلسة",
        K::TicketByPost | K::SessionTooLarge => "تعذّر تسجيل الدخول",
        K::InternalError => "حدث خطأ ما",
    }
}

fn text(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "لقد سجّلت خروجك.",
        K::SignInNeeded => "عليك تسجيل الدخول قبل أن تتمكن من القيام بذلك.",
        K::FreshSignInNeeded => "عليك إدخال كلمة المرور مرة أخرى قبل أن تتمكن من القيام بذلك.",
        K::NotAllowed => "لقد سجّلت دخولك، لكن حسابك لا يملك صلاحية فتح هذه الصفحة.",
        K::SignInRefused => {
            "تعذّر إكمال تسجيل الدخول: فقد استُخدم من قبل، أو انتهت صلاحيته، أو كان مخصصًا لموقع آخر."
        }
        K::SignInVetoed => "لقد سجّلت دخولك، لكن هذا الموقع لا يسمح لك بالدخول.",
        K::ConfirmationNeeded => "أنت على وشك تسجيل الدخول إلى هذا الموقع بهذا الاسم.",
        K::InvalidTicket => "عنوان هذه الصفحة تالف، لذلك تعذّر إكمال تسجيل الدخول.",
        K::OtherTabs => "هناك علامات تبويب أخرى في متصفحك تسجّل الدخول أيضًا.",
        K::TicketByPost => "يرسل خادم تسجيل الدخول ردوده عبر POST، وهذا الموقع غير مهيأ لذلك.",
        K::CasUnavailable => "لا يمكن الوصول إلى خادم تسجيل الدخول في الوقت الحالي.",
        K::CasNotUnderstood => "لم يُفهم رد خادم تسجيل الدخول أو لا يمكن الوثوق به.",
        K::Busy => "عدد كبير جدًا من الأشخاص يسجّلون الدخول في الوقت الحالي.",
        K::RegistryUnavailable | K::AdmissionUnavailable => {
            "تعذّر إكمال تسجيل الدخول في الوقت الحالي."
        }
        K::SessionUnverified => {
            "لا يمكن التحقق في الوقت الحالي مما إذا كان تسجيل دخولك لا يزال ساريًا."
        }
        K::CookiesNeeded => "يتطلب تسجيل الدخول ملفات تعريف الارتباط، ولم يُعِد متصفحك أيًّا منها.",
        K::InCircles => {
            "لقد أُعيد توجيهك إلى تسجيل الدخول مرارًا وتكرارًا، وكان ذلك سيستمر بلا نهاية. هذا ليس خطأك."
        }
        K::SessionNotKept => {
            "لقد سجّلت دخولك، لكن متصفحك لا يحتفظ بملف تعريف ارتباط الجلسة لهذا الموقع."
        }
        K::SessionTooLarge => "لقد سجّلت دخولك، لكن سمات حسابك أكثر مما تتسع له جلسة في هذا الموقع.",
        K::InternalError => "لم ينجح تسجيل الدخول.",
    }
}

fn advice(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "إذا كان آخرون يستخدمون هذا الحاسوب أيضًا، فيُرجى إغلاق جميع نوافذ المتصفح.",
        K::SignInNeeded | K::FreshSignInNeeded => {
            "يُرجى تسجيل الدخول، ثم تكرار ما كنت تريد القيام به."
        }
        K::NotAllowed | K::SignInVetoed => {
            "إذا كان لديك حساب آخر، فسجّل الدخول به. وإلا فيُرجى طلب الإذن من القائمين على هذا الموقع."
        }
        K::SignInRefused | K::InvalidTicket => "يُرجى المحاولة مرة أخرى.",
        K::ConfirmationNeeded => "لا تتابع إلا إذا كان هذا اسمك.",
        K::OtherTabs => "ستنتقل هذه الصفحة تلقائيًا بعد لحظات.",
        K::TicketByPost => "يُرجى إبلاغ القائمين على هذا الموقع: يوضح السجل لديهم ما ينبغي تغييره.",
        K::CasUnavailable => "يُرجى المحاولة مرة أخرى بعد بضع دقائق.",
        K::CasNotUnderstood => "يُرجى إبلاغ القائمين على هذا الموقع.",
        K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable
        | K::SessionUnverified
        | K::InternalError => "يُرجى المحاولة مرة أخرى بعد دقيقة.",
        K::CookiesNeeded => "يُرجى السماح بملفات تعريف الارتباط لهذا الموقع.",
        K::InCircles => "يُرجى إرسال النص أدناه إلى القائمين على هذا الموقع.",
        K::SessionNotKept => {
            "يُرجى السماح بملفات تعريف الارتباط لهذا الموقع، أو حذف بعض الملفات القديمة منها."
        }
        K::SessionTooLarge => {
            "يُرجى إبلاغ القائمين على هذا الموقع بوقت حدوث ذلك: يوضح السجل لديهم أي السمات هي الأكبر. يمكنك تسجيل الدخول بحساب آخر."
        }
    }
}

fn phrase(phrase: P) -> &'static str {
    match phrase {
        P::SignIn => "تسجيل الدخول",
        P::SignInAgain => "تسجيل الدخول مرة أخرى",
        P::SignInInNewTab => "تسجيل الدخول في علامة تبويب جديدة",
        P::SignInAgainInNewTab => "تسجيل الدخول مرة أخرى في علامة تبويب جديدة",
        P::GoOn => "متابعة",
        P::SignOut => "تسجيل الخروج",
        P::SignInAsSomebodyElse => "تسجيل الدخول بحساب آخر",
        P::TryAgain => "إعادة المحاولة",
        P::ContinueAs => "المتابعة باسم {user}",
        P::NotMe => "لست أنا: تسجيل الدخول بحساب آخر",
        P::ServerSaid => "أجاب خادم تسجيل الدخول: {code}",
        P::Reference => "الرقم المرجعي: {reference}",
        P::Status => "رمز الحالة: {status}",
        P::RequestId => "الطلب: {request}",
        P::Support => "المساعدة: {support}",
        P::NotSaved => "لم يُحفظ أي شيء بعد: لم تعد مسجّل الدخول. ما أدخلته لم يُفقد.",
        P::NotSavedFresh => {
            "لم يُحفظ أي شيء بعد: عليك إدخال كلمة المرور مرة أخرى قبل أن تتمكن من القيام بذلك. ما أدخلته لم يُفقد."
        }
        P::SendAgain => {
            "سجّل الدخول في علامة تبويب جديدة عبر الرابط أدناه. ثم عُد إلى علامة التبويب هذه وأعد تحميلها. سيسألك المتصفح عمّا إذا كنت تريد إرسال النموذج مرة أخرى: وافق على ذلك."
        }
    }
}
