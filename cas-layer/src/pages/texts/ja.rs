//! Japanese.

use super::super::{
    kind::PageKind as K,
    translation::{PagePhrase as P, Translation},
};

pub(in crate::pages) const TRANSLATION: Translation = Translation {
    tag: "ja",
    is_right_to_left: false,
    title,
    text,
    advice,
    phrase,
};

fn title(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "ログアウトしました",
        K::SignInNeeded | K::FreshSignInNeeded => "ログインが必要です",
        K::NotAllowed => "アクセスできません",
        K::SignInRefused | K::InvalidTicket => "ログインが拒否されました",
        K::SignInVetoed => "利用が許可されていません",
        K::ConfirmationNeeded => "ご本人ですか？",
        K::OtherTabs => "ログインしています",
        K::CasUnavailable
        | K::CasNotUnderstood
        | K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable => "ログインできません",
        K::SessionUnverified => "一時的に利用できません",
        K::CookiesNeeded => "Cookie が必要です",
        K::InCircles => "ログインが繰り返されています",
        K::SessionNotKept => "セッションが保持されていません",
        K::TicketByPost | K::SessionTooLarge => "ログインを完了できません",
        K::InternalError => "問題が発生しました",
    }
}

fn text(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "ログアウトしました。",
        K::SignInNeeded => "この操作を行うにはログインが必要です。",
        K::FreshSignInNeeded => "この操作を行うにはパスワードをもう一度入力する必要があります。",
        K::NotAllowed => "ログインしていますが、お使いのアカウントではこのページを開けません。",
        K::SignInRefused => {
            "ログインを完了できませんでした。すでに使用済みか、有効期限が切れているか、別の場所に宛てたものです。"
        }
        K::SignInVetoed => "ログインしましたが、このサイトの利用は許可されていません。",
        K::ConfirmationNeeded => "次の名前でこのサイトにログインしようとしています。",
        K::InvalidTicket => {
            "このページのアドレスが壊れているため、ログインを完了できませんでした。"
        }
        K::OtherTabs => "お使いのブラウザーの別のタブでもログインが行われています。",
        K::TicketByPost => {
            "ログインサーバーは応答を POST で送信しますが、このサイトはそれに対応するよう設定されていません。"
        }
        K::CasUnavailable => "現在、ログインサーバーに接続できません。",
        K::CasNotUnderstood => "ログインサーバーの応答を理解できないか、信頼できません。",
        K::Busy => "現在、多くの方がログインしようとしています。",
        K::RegistryUnavailable | K::AdmissionUnavailable => {
            "現在、ログインを完了できませんでした。"
        }
        K::SessionUnverified => "現在、ログイン状態が続いているかどうかを確認できません。",
        K::CookiesNeeded => {
            "ログインには Cookie が必要ですが、お使いのブラウザーから返されませんでした。"
        }
        K::InCircles => {
            "ログインが何度も繰り返されました。このままでは終わりません。お客様の操作が原因ではありません。"
        }
        K::SessionNotKept => {
            "ログインしましたが、お使いのブラウザーがこのサイトのセッション Cookie を保持していません。"
        }
        K::SessionTooLarge => {
            "ログインしましたが、アカウントの属性が多すぎて、このサイトのセッションに収まりません。"
        }
        K::InternalError => "ログインに失敗しました。",
    }
}

fn advice(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => {
            "このコンピューターをほかの人も使う場合は、ブラウザーのウィンドウをすべて閉じてください。"
        }
        K::SignInNeeded | K::FreshSignInNeeded => {
            "ログインしてから、もう一度同じ操作を行ってください。"
        }
        K::NotAllowed | K::SignInVetoed => {
            "別のアカウントをお持ちの場合は、そのアカウントでログインしてください。お持ちでない場合は、このサイトの管理者に利用を申請してください。"
        }
        K::SignInRefused | K::InvalidTicket => "もう一度お試しください。",
        K::ConfirmationNeeded => "ご自分の名前である場合にのみ続行してください。",
        K::OtherTabs => "このページはまもなく自動的に切り替わります。",
        K::TicketByPost => {
            "このサイトの管理者にお知らせください。変更すべき点はログに記録されています。"
        }
        K::CasUnavailable => "数分後にもう一度お試しください。",
        K::CasNotUnderstood => "このサイトの管理者にお知らせください。",
        K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable
        | K::SessionUnverified
        | K::InternalError => "1 分後にもう一度お試しください。",
        K::CookiesNeeded => "このサイトの Cookie を許可してください。",
        K::InCircles => "下記の内容をこのサイトの管理者にお知らせください。",
        K::SessionNotKept => {
            "このサイトの Cookie を許可するか、古い Cookie をいくつか削除してください。"
        }
        K::SessionTooLarge => {
            "発生した日時をこのサイトの管理者にお知らせください。どの属性が最も大きいかはログに記録されています。別のアカウントでログインすることもできます。"
        }
    }
}

fn phrase(phrase: P) -> &'static str {
    match phrase {
        P::SignIn => "ログイン",
        P::SignInAgain => "もう一度ログイン",
        P::SignInInNewTab => "新しいタブでログイン",
        P::SignInAgainInNewTab => "新しいタブでもう一度ログイン",
        P::GoOn => "続行",
        P::SignOut => "ログアウト",
        P::SignInAsSomebodyElse => "別のアカウントでログイン",
        P::TryAgain => "再試行",
        P::ContinueAs => "{user} として続行",
        P::NotMe => "本人ではありません：別のアカウントでログイン",
        P::ServerSaid => "ログインサーバーの応答：{code}",
        P::Reference => "参照番号：{reference}",
        P::Status => "ステータスコード：{status}",
        P::RequestId => "リクエスト：{request}",
        P::Support => "お問い合わせ：{support}",
        P::NotSaved => {
            "まだ何も保存されていません。ログイン状態が終了しています。入力した内容は失われていません。"
        }
        P::NotSavedFresh => {
            "まだ何も保存されていません。この操作を行うにはパスワードをもう一度入力する必要があります。入力した内容は失われていません。"
        }
        P::SendAgain => {
            "下のリンクから新しいタブでログインしてください。その後、このタブに戻って再読み込みしてください。フォームを再送信するかどうかをブラウザーが確認しますので、同意してください。"
        }
    }
}
