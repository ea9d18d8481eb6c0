//! Chinese in simplified characters.

use super::super::{
    kind::PageKind as K,
    translation::{PagePhrase as P, Translation},
};

pub(in crate::pages) const TRANSLATION: Translation = Translation {
    tag: "zh-Hans",
    is_right_to_left: false,
    title,
    text,
    advice,
    phrase,
};

fn title(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "已退出登录",
        K::SignInNeeded | K::FreshSignInNeeded => "需要登录",
        K::NotAllowed => "没有权限",
        K::SignInRefused | K::InvalidTicket => "登录被拒绝",
        K::SignInVetoed => "未获准访问",
        K::ConfirmationNeeded => "这是您吗？",
        K::OtherTabs => "正在登录",
        K::CasUnavailable
        | K::CasNotUnderstood
        | K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable => "无法登录",
        K::SessionUnverified => "暂时不可用",
        K::CookiesNeeded => "需要 Cookie",
        K::InCircles => "登录陷入循环",
        K::SessionNotKept => "会话未能保留",
        K::TicketByPost | K::SessionTooLarge => "无法完成登录",
        K::InternalError => "出现问题",
    }
}

fn text(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "您已退出登录。",
        K::SignInNeeded => "您需要先登录才能执行此操作。",
        K::FreshSignInNeeded => "您需要再次输入密码才能执行此操作。",
        K::NotAllowed => "您已登录，但您的账号无权打开此页面。",
        K::SignInRefused => "登录未能完成：登录凭证已被使用、已过期，或不是用于此处。",
        K::SignInVetoed => "您已登录，但本网站不允许您访问。",
        K::ConfirmationNeeded => "您即将以此名称登录本网站。",
        K::InvalidTicket => "此页面的地址已损坏，因此登录未能完成。",
        K::OtherTabs => "您浏览器的其他标签页也正在登录。",
        K::TicketByPost => "登录服务器通过 POST 发送响应，而本网站未进行相应设置。",
        K::CasUnavailable => "目前无法连接登录服务器。",
        K::CasNotUnderstood => "登录服务器的响应无法识别或不可信。",
        K::Busy => "目前登录的人数过多。",
        K::RegistryUnavailable | K::AdmissionUnavailable => "目前无法完成登录。",
        K::SessionUnverified => "目前无法确认您是否仍处于登录状态。",
        K::CookiesNeeded => "登录需要 Cookie，但您的浏览器没有返回 Cookie。",
        K::InCircles => "您被反复要求登录，而且会一直循环下去。这不是您的问题。",
        K::SessionNotKept => "您已登录，但您的浏览器没有保留本网站的会话 Cookie。",
        K::SessionTooLarge => "您已登录，但您的账号属性过多，超出了本网站会话的容量。",
        K::InternalError => "登录失败。",
    }
}

fn advice(kind: K) -> &'static str {
    match kind {
        K::LoggedOut => "如果还有其他人使用这台电脑，请关闭浏览器的所有窗口。",
        K::SignInNeeded | K::FreshSignInNeeded => "请登录，然后重复您刚才的操作。",
        K::NotAllowed | K::SignInVetoed => {
            "如果您有其他账号，请使用该账号登录。否则，请向本网站的管理员申请访问权限。"
        }
        K::SignInRefused | K::InvalidTicket => "请重试。",
        K::ConfirmationNeeded => "仅当这是您的名称时才继续。",
        K::OtherTabs => "此页面稍后将自动继续。",
        K::TicketByPost => "请告知本网站的管理员：日志中说明了需要更改的内容。",
        K::CasUnavailable => "请几分钟后再试。",
        K::CasNotUnderstood => "请告知本网站的管理员。",
        K::Busy
        | K::RegistryUnavailable
        | K::AdmissionUnavailable
        | K::SessionUnverified
        | K::InternalError => "请一分钟后再试。",
        K::CookiesNeeded => "请允许本网站使用 Cookie。",
        K::InCircles => "请将下面的文字告知本网站的管理员。",
        K::SessionNotKept => "请允许本网站使用 Cookie，或删除本网站的一些旧 Cookie。",
        K::SessionTooLarge => {
            "请将发生的时间告知本网站的管理员：日志中记录了哪些属性最大。您也可以使用其他账号登录。"
        }
    }
}

fn phrase(phrase: P) -> &'static str {
    match phrase {
        P::SignIn => "登录",
        P::SignInAgain => "重新登录",
        P::SignInInNewTab => "在新标签页中登录",
        P::SignInAgainInNewTab => "在新标签页中重新登录",
        P::GoOn => "继续",
        P::SignOut => "退出登录",
        P::SignInAsSomebodyElse => "使用其他账号登录",
        P::TryAgain => "重试",
        P::ContinueAs => "以 {user} 的身份继续",
        P::NotMe => "不是我：使用其他账号登录",
        P::ServerSaid => "登录服务器返回：{code}",
        P::Reference => "参考编号：{reference}",
        P::Status => "状态码：{status}",
        P::RequestId => "请求：{request}",
        P::Support => "帮助：{support}",
        P::NotSaved => "尚未保存任何内容：您已不再处于登录状态。您输入的内容没有丢失。",
        P::NotSavedFresh => {
            "尚未保存任何内容：您需要再次输入密码才能执行此操作。您输入的内容没有丢失。"
        }
        P::SendAgain => {
            "请使用下面的链接在新标签页中登录。然后返回此标签页并重新加载。浏览器会询问是否再次提交表单：请同意。"
        }
    }
}
