//! The built-in page.

use bytes::Bytes;
use http::{HeaderValue, Response, header};

use super::{
    confirmation::Confirmation, escape::escape, language::PageLanguage, look::Look, page::Page,
    translation::PagePhrase,
};

/// `request_id` is what the request is called in other logs.
pub(super) fn render(page: &Page, look: &Look, request_id: Option<&str>) -> Response<Bytes> {
    let language = page.language();
    let title = escape(page.title());
    let name = look.name.as_deref();
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\" dir=\"{dir}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>{title}{of}</title>\n\
         <style>{style}</style>\n</head>\n<body>\n<main>\n{header}<h1>{title}</h1>\n\
         <p>{text}</p>\n<p>{advice}</p>\n{findings}{onward}{image}\
         <footer>\n{footer}</footer>\n</main>\n</body>\n</html>\n",
        lang = escape(language.tag()),
        dir = if language.is_right_to_left() {
            "rtl"
        } else {
            "ltr"
        },
        of = name.map_or_else(String::new, |name| format!(" – {}", escape(name))),
        style = look.style,
        header = look.header,
        text = escape(page.text()),
        advice = escape(page.advice()),
        findings = findings(page),
        onward = page
            .confirmation()
            .map_or_else(|| ways(page), |it| question(language, it)),
        image = page.image().map_or_else(String::new, image),
        footer = footer(page, look, request_id),
    );
    let mut response = Response::new(Bytes::from(html));
    let headers = response.headers_mut();
    let policy = match page.confirmation() {
        Some(_) => &look.form_policy,
        None => &look.policy,
    };
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    // A tag is a header value.
    if let Ok(tag) = HeaderValue::try_from(language.tag()) {
        headers.insert(header::CONTENT_LANGUAGE, tag);
    }
    response
}

/// What was found out, in the words of others.
fn findings(page: &Page) -> String {
    let code = page
        .code()
        .map(|code| line(page.language(), PagePhrase::ServerSaid, code));
    // The app's own words, in a language that we do not know.
    let veto = page
        .veto()
        .map(|veto| format!("<div dir=\"auto\"><p>{}</p></div>\n", escape(veto)));
    let cause = page.cause().map(|cause| {
        let end = if cause.ends_with(['?', ')']) { "" } else { "." };
        format!("<p lang=\"en\" dir=\"ltr\">{}{end}</p>\n", escape(cause))
    });
    [code, veto, cause].into_iter().flatten().collect()
}

/// Where the visitor can go.
fn ways(page: &Page) -> String {
    let target = if page.keeps_form() {
        " target=\"_blank\" rel=\"noopener\""
    } else {
        ""
    };
    let (link, label) = (escape(page.link()), escape(page.link_label()));
    let other = page.other_link().map_or_else(String::new, |link| {
        let label = page.language().phrase_of(PagePhrase::SignInAsSomebodyElse);
        format!(
            "<a class=\"plain\" href=\"{}\">{}</a>\n",
            escape(link),
            escape(label)
        )
    });
    format!("<p class=\"ways\"><a href=\"{link}\"{target}>{label}</a>\n{other}</p>\n")
}

/// What helps the people who are asked for help.
fn footer(page: &Page, look: &Look, request_id: Option<&str>) -> String {
    let language = page.language();
    let mut html = String::new();
    if let Some(support) = &look.support {
        html += &paragraph(&filled(language, PagePhrase::Support, support));
    }
    if let Some(reference) = page.reference() {
        html += &line(language, PagePhrase::Reference, reference);
    }
    html += &line(language, PagePhrase::Status, page.status().as_str());
    if let Some(id) = request_id {
        html += &line(language, PagePhrase::RequestId, id);
    }
    html
}

fn image(path: &str) -> String {
    format!(
        "<img src=\"{}\" alt=\"\" width=\"0\" height=\"0\">\n",
        escape(path)
    )
}

fn paragraph(html: &str) -> String {
    format!("<p>{html}</p>\n")
}

/// A phrase with a value that is in no language.
fn line(language: &PageLanguage, phrase: PagePhrase, value: &str) -> String {
    let value = format!("<code>{}</code>", escape(value));
    paragraph(&filled(language, phrase, &value))
}

/// The name, and a button for each answer. The letters of the name cannot change anything around it.
fn question(language: &PageLanguage, confirmation: &Confirmation) -> String {
    let ((field, sealed), (yes, yes_value)) = (confirmation.field(), confirmation.yes());
    let (no, no_value) = confirmation.no();
    let user = format!("<bdi>{}</bdi>", escape(confirmation.user_name()));
    format!(
        "<p><strong>{user}</strong></p>\n\
         <form method=\"post\" action=\"{action}\" class=\"ways\">\n\
         <input type=\"hidden\" name=\"{field}\" value=\"{sealed}\">\n\
         <button type=\"submit\" name=\"{yes}\" value=\"{yes_value}\">{continue_as}</button>\n\
         <button type=\"submit\" class=\"plain\" name=\"{no}\" value=\"{no_value}\">{not_me}</button>\n</form>\n",
        action = escape(confirmation.action()),
        continue_as = filled(language, PagePhrase::ContinueAs, &user),
        not_me = escape(language.phrase_of(PagePhrase::NotMe)),
    )
}

/// A phrase as HTML, with something in it that is HTML already.
fn filled(language: &PageLanguage, phrase: PagePhrase, html: &str) -> String {
    let text = escape(language.phrase_of(phrase));
    match phrase.placeholder() {
        Some(placeholder) => text.replace(placeholder, html),
        None => text,
    }
}
