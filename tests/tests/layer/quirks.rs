//! The flow under everything that real servers were seen to do.

use cas_layer::{
    Protocol, ResponseFormat,
    testing::{CasServer, Quirk},
};

use crate::{
    browser::{Answer, Browser},
    support::{App, alice},
};

/// Through the login form, as a person would.
pub(crate) async fn sign_in_by_form(app: &App, browser: &mut Browser, path: &str) -> Answer {
    sign_in_at(&app.cas, browser, &app.at(path)).await
}

/// The same on the way to any URL.
pub(crate) async fn sign_in_at(cas: &CasServer, browser: &mut Browser, url: &str) -> Answer {
    let to_cas = browser.open(url).await;
    let form = browser.open(to_cas.location()).await;
    assert_eq!(form.status, 200, "{}", form.body);
    let mut fields: Vec<(String, String)> = hidden_fields(&form.body);
    fields.push(("username".into(), "alice".into()));
    fields.push(("password".into(), "rabbit-hole".into()));
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let post = browser
        .request(reqwest::Method::POST, &format!("{}/login", cas.url()))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    let back = browser.send(post).await;
    go_back(browser, &back).await
}

/// Where the CAS server's answer leads: by a redirect, or by a form that the page sends by itself.
async fn go_back(browser: &mut Browser, answer: &Answer) -> Answer {
    if answer.status.is_redirection() {
        return browser.open(answer.location()).await;
    }
    let action = answer.body.split("action=\"").nth(1).unwrap();
    let action = action.split('"').next().unwrap().replace("&amp;", "&");
    let action = action.replace("&#39;", "'").replace("&quot;", "\"");
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(hidden_fields(&answer.body))
        .finish();
    let form = browser.form(&action, body);
    browser.send(form).await
}

pub(crate) fn hidden_fields(html: &str) -> Vec<(String, String)> {
    let attribute = |tag: &str, name: &str| {
        let value = tag.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
        Some(
            value
                .replace("&amp;", "&")
                .replace("&#39;", "'")
                .replace("&quot;", "\""),
        )
    };
    html.split("<input")
        .skip(1)
        .filter_map(|tag| tag.split('>').next())
        .filter(|tag| tag.contains("type=\"hidden\""))
        .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)))
        .collect()
}

#[tokio::test]
async fn the_whole_flow_passes_under_every_quirk_and_protocol() {
    for (protocol, format) in [
        (Protocol::Cas1, ResponseFormat::Xml),
        (Protocol::Cas2, ResponseFormat::Xml),
        (Protocol::Cas3, ResponseFormat::Xml),
        (Protocol::Cas3, ResponseFormat::Json),
        (Protocol::Saml1, ResponseFormat::Xml),
    ] {
        let has_attributes = matches!(protocol, Protocol::Cas3 | Protocol::Saml1);
        for &quirk in Quirk::ALL {
            let cas = CasServer::builder().user(alice()).quirk(quirk);
            let app = App::against(cas, |config| {
                config.client(|client| client.protocol(protocol).format(format))
            })
            .await;
            let mut browser = Browser::new();
            let path = "/profile?q=a%20b&empty=&x=%27%3C";
            let back = sign_in_by_form(&app, &mut browser, path).await;
            let at = format!("{protocol} {format:?} {quirk:?}");
            let is_xml = has_attributes && format == ResponseFormat::Xml;
            if quirk == Quirk::UnescapedText && is_xml {
                // `cats & hatters` is not XML any more.
                assert_eq!(back.status, 502, "{at}");
                continue;
            }
            let redirect = if quirk == Quirk::PostUnasked {
                303
            } else {
                302
            };
            assert_eq!(back.status, redirect, "{at}: {}", back.body);
            assert_eq!(back.location(), path, "{at}");
            let profile = browser.open(&app.at(path)).await;
            let profile: serde_json::Value = serde_json::from_str(&profile.body).unwrap();
            assert_eq!(profile["user"], "alice", "{at}");
            if has_attributes {
                let groups = profile["attributes"]["memberOf"].as_array().unwrap();
                let mut groups: Vec<&str> = groups.iter().map(|g| g.as_str().unwrap()).collect();
                groups.sort_unstable();
                assert_eq!(groups, ["cats & hatters", "rabbits", "猫"], "{at}");
            }
            // Single sign-on: a second visit asks for no password.
            browser
                .cookies
                .retain(|cookie| !cookie.name().ends_with("-session"));
            let to_cas = browser.open(&app.at("/home/x")).await;
            let back = browser.open(to_cas.location()).await;
            assert_eq!(
                go_back(&mut browser, &back).await.location(),
                "/home/x",
                "{at}"
            );
            // And out again, at both ends.
            let out = browser.open(&app.at("/logout")).await;
            let back = browser.open(out.location()).await;
            assert_eq!(back.location(), app.at("/logout_callback"), "{at}");
            let to_cas = browser.open(&app.at("/profile")).await;
            assert_eq!(
                browser.open(to_cas.location()).await.status,
                200,
                "{at}: the form again"
            );
        }
    }
}

#[tokio::test]
async fn a_refusal_is_one_in_every_form_that_servers_give_it() {
    for (protocol, quirk, status) in [
        (Protocol::Cas3, None, 403),
        (Protocol::Cas2, None, 403),
        (Protocol::Cas1, None, 403),
        (Protocol::Cas1, Some(Quirk::BareNo), 403),
        (Protocol::Cas3, Some(Quirk::FailureAsPlainNo), 403),
        (Protocol::Cas3, Some(Quirk::FailureQuotesRequest), 403),
        (Protocol::Cas3, Some(Quirk::NoNamespace), 403),
        (Protocol::Saml1, None, 403),
        (Protocol::Saml1, Some(Quirk::SamlStatusText), 403),
        (Protocol::Saml1, Some(Quirk::NoSamlAddressee), 403),
        (Protocol::Saml1, Some(Quirk::DefaultNamespace), 403),
        (Protocol::Saml1, Some(Quirk::OtherPrefix), 403),
        (Protocol::Saml1, Some(Quirk::FailureAsPlainNo), 403),
        (Protocol::Saml1, Some(Quirk::FailureQuotesRequest), 403),
        (Protocol::Cas1, Some(Quirk::FailureStatus400), 403),
        (Protocol::Cas3, Some(Quirk::FailureStatus400), 403),
        (Protocol::Cas3, Some(Quirk::FailureStatus500), 403),
        (Protocol::Saml1, Some(Quirk::FailureStatus400), 403),
        (Protocol::Saml1, Some(Quirk::FailureStatus500), 403),
        // Not an answer of the protocol: somebody has to look at the server.
        (Protocol::Cas3, Some(Quirk::FailureAsHtml), 502),
        (Protocol::Saml1, Some(Quirk::FailureAsHtml), 502),
    ] {
        let mut cas = CasServer::builder().user(alice());
        if let Some(quirk) = quirk {
            cas = cas.quirk(quirk);
        }
        let app = App::against(cas, |config| {
            config.client(|client| client.protocol(protocol))
        })
        .await;
        let mut browser = Browser::new();
        let service = app.begin(&mut browser, "/profile").await;
        let answer = browser.insist_with(&service, "ST-unknown-1").await;
        assert_eq!(answer.status, status, "{protocol} {quirk:?}");
        assert!(!answer.body.contains("ST-unknown-1"), "{quirk:?}");
        assert!(!browser.has_session());
    }
}

#[tokio::test]
async fn a_server_that_keeps_its_session_on_logout_still_finds_ours_ended() {
    use cas_layer::LogoutParameter;
    let cas = CasServer::builder()
        .user(alice())
        .quirk(Quirk::LogoutUrlFails);
    let app = App::against(cas, |config| {
        config.client(|client| client.logout_parameter(LogoutParameter::Url))
    })
    .await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let out = browser.open(&app.at("/logout")).await;
    assert!(out.location_parameter("url").is_some() && out.location_parameter("service").is_none());
    assert_eq!(browser.open(out.location()).await.status, 500);
    assert!(app.whoami(&mut browser).await.is_null());
}
