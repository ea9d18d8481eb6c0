//! `/login`.

use super::{Browser, CasServer, LoginRequest, SERVICE, StatusCode, User, header, validate};

#[tokio::test]
async fn the_login_form_signs_in_and_leads_back_with_a_ticket_that_validates() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();

    let form = browser.login(&cas, &[("service", SERVICE)]).await;
    assert_eq!(form.status, StatusCode::OK);
    assert!(form.is_login_form());

    let answer = browser.fill_in(&cas, &form, "casuser", "Mellon").await;
    let ticket = answer.ticket();
    assert!(ticket.starts_with("ST-"));
    assert_eq!(answer.location(), format!("{SERVICE}&ticket={ticket}"));

    let answer = validate(&cas, "/p3/serviceValidate", SERVICE, &ticket).await;
    assert!(answer.body.contains("<cas:user>casuser</cas:user>"));
    assert!(
        answer
            .body
            .contains("<cas:isFromNewLogin>true</cas:isFromNewLogin>")
    );
}

#[tokio::test]
async fn the_ticket_goes_before_a_fragment_and_begins_a_query_where_there_is_none() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    let service = "http://127.0.0.1:8080/app#part";
    let answer = browser.sign_in(&cas, &[("service", service)]).await;
    let ticket = answer.ticket();
    assert_eq!(
        answer.location(),
        format!("http://127.0.0.1:8080/app?ticket={ticket}#part")
    );
}

#[tokio::test]
async fn the_session_cookie_is_for_the_cas_server_alone_and_out_of_reach_for_scripts() {
    let cas = CasServer::start().await.unwrap();
    let answer = Browser::new().sign_in(&cas, &[("service", SERVICE)]).await;
    let cookie = answer.set_cookie("TGC").unwrap();
    assert!(
        cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/cas"),
        "{cookie}"
    );
}

#[tokio::test]
async fn the_session_gives_a_ticket_without_a_form_and_says_that_no_password_was_typed() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    browser.sign_in(&cas, &[("service", SERVICE)]).await;
    let other = "https://other.example.org/";
    let ticket = browser.login(&cas, &[("service", other)]).await.ticket();
    let answer = validate(&cas, "/p3/serviceValidate", other, &ticket).await;
    assert!(answer.body.contains("<cas:user>casuser</cas:user>"));
    assert!(
        answer
            .body
            .contains("<cas:isFromNewLogin>false</cas:isFromNewLogin>")
    );
}

#[tokio::test]
async fn a_made_up_session_cookie_gives_a_form() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    browser
        .cookies
        .insert("TGC".to_owned(), "TGT-00000000".to_owned());
    assert!(
        browser
            .login(&cas, &[("service", SERVICE)])
            .await
            .is_login_form()
    );
}

#[tokio::test]
async fn renew_asks_for_the_password_again() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    browser.sign_in(&cas, &[("service", SERVICE)]).await;
    let form = browser
        .login(&cas, &[("service", SERVICE), ("renew", "true")])
        .await;
    assert!(form.is_login_form());
    let answer = browser.fill_in(&cas, &form, "casuser", "Mellon").await;
    let answer = validate(&cas, "/p3/serviceValidate", SERVICE, &answer.ticket()).await;
    assert!(
        answer
            .body
            .contains("<cas:isFromNewLogin>true</cas:isFromNewLogin>")
    );
}

#[tokio::test]
async fn gateway_never_shows_a_form() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    let params = [("service", SERVICE), ("gateway", "true")];
    assert_eq!(browser.login(&cas, &params).await.location(), SERVICE);
    browser.sign_in(&cas, &[("service", SERVICE)]).await;
    assert!(
        browser
            .login(&cas, &params)
            .await
            .ticket()
            .starts_with("ST-")
    );
}

#[tokio::test]
async fn renew_wins_over_gateway_and_gateway_without_a_service_means_nothing() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    let both = [("service", SERVICE), ("gateway", "true"), ("renew", "true")];
    assert!(browser.login(&cas, &both).await.is_login_form());
    assert!(
        browser
            .login(&cas, &[("gateway", "true")])
            .await
            .is_login_form()
    );
}

#[tokio::test]
async fn method_post_answers_with_a_form_that_posts_the_ticket() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    let params = [("service", SERVICE), ("method", "POST")];
    for answer in [
        browser.sign_in(&cas, &params).await,
        browser.login(&cas, &params).await,
    ] {
        assert_eq!(answer.status, StatusCode::OK);
        assert!(
            answer
                .body
                .contains(&format!("<form method=\"post\" action=\"{SERVICE}\">"))
        );
        assert!(answer.body.contains("<button type=\"submit\">"));
        let policy = answer.header(header::CONTENT_SECURITY_POLICY).unwrap();
        let (_, nonce) = policy.split_once("script-src 'nonce-").unwrap();
        let (nonce, _) = nonce.split_once('\'').unwrap();
        assert!(answer.body.contains(&format!("<script nonce=\"{nonce}\">")));
        let ticket = answer.hidden("ticket").unwrap();
        let answer = validate(&cas, "/serviceValidate", SERVICE, &ticket).await;
        assert!(answer.body.contains("<cas:user>casuser</cas:user>"));
    }
}

#[tokio::test]
async fn without_a_service_a_page_says_who_is_signed_in() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    for answer in [
        browser.sign_in(&cas, &[]).await,
        browser.login(&cas, &[]).await,
    ] {
        assert_eq!(answer.status, StatusCode::OK);
        assert!(
            answer
                .body
                .contains("You are signed in as <strong>casuser</strong>")
        );
    }
}

#[tokio::test]
async fn a_wrong_password_shows_the_form_again_and_says_so() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    for (name, password) in [("casuser", "mellon"), ("casuser", ""), ("nobody", "Mellon")] {
        let form = browser.login(&cas, &[("service", SERVICE)]).await;
        let again = browser.fill_in(&cas, &form, name, password).await;
        assert_eq!(again.status, StatusCode::FORBIDDEN);
        assert!(again.body.contains("role=\"alert\""));
        assert!(again.body.contains(&format!("value=\"{name}\"")));
        assert!(!browser.cookies.contains_key("TGC"));
        let answer = browser.fill_in(&cas, &again, "casuser", "Mellon").await;
        assert!(answer.location().starts_with(SERVICE));
        browser.cookies.clear();
    }
}

#[tokio::test]
async fn a_form_is_good_once_and_in_the_browser_that_was_shown_it() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    let form = browser.login(&cas, &[("service", SERVICE)]).await;

    let mut stranger = Browser::new();
    stranger.login(&cas, &[]).await;
    let answer = stranger.fill_in(&cas, &form, "casuser", "Mellon").await;
    assert!(answer.is_login_form(), "a form of another browser");

    let form = browser.login(&cas, &[("service", SERVICE)]).await;
    browser
        .fill_in(&cas, &form, "casuser", "Mellon")
        .await
        .location();
    let answer = browser.fill_in(&cas, &form, "casuser", "Mellon").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.is_login_form(), "a form used before");
}

#[tokio::test]
async fn forms_in_two_tabs_are_both_good() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    let first = browser.login(&cas, &[("service", SERVICE)]).await;
    let second = browser.login(&cas, &[("service", SERVICE)]).await;
    browser
        .fill_in(&cas, &first, "casuser", "Mellon")
        .await
        .location();
    browser
        .fill_in(&cas, &second, "casuser", "Mellon")
        .await
        .location();
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    let ticket = browser
        .sign_in(&cas, &[("service", SERVICE)])
        .await
        .ticket();
    let before = browser.cookies.clone();
    let params = [("service", SERVICE), ("renew", "true")];
    browser.sign_in(&cas, &params).await;
    browser.cookies = before;
    assert!(
        browser
            .login(&cas, &[("service", SERVICE)])
            .await
            .is_login_form()
    );
    assert_eq!(
        validate(&cas, "/validate", SERVICE, &ticket).await.body,
        "no\n\n"
    );
}

#[tokio::test]
async fn only_http_and_https_urls_are_services() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    browser.sign_in(&cas, &[]).await;
    for service in [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://app.example.org/",
        "//app.example.org/",
        "/profile",
        "app",
        "http://",
        "https://app.example.org/\r\nSet-Cookie: a=b",
        "https://app.example.org/\t",
    ] {
        let answer = browser.login(&cas, &[("service", service)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{service}");
        assert_eq!(answer.header(header::LOCATION), None, "{service}");
    }
}

#[tokio::test]
async fn a_posted_service_is_checked_too() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    let form = browser.login(&cas, &[]).await;
    let fields = [
        ("username", "casuser".to_owned()),
        ("password", "Mellon".to_owned()),
        ("execution", form.hidden("execution").unwrap()),
        ("service", "javascript:alert(1)".to_owned()),
    ];
    assert_eq!(
        browser.post(&cas, &fields).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn nothing_that_was_sent_becomes_markup_of_a_page() {
    let hostile = "\"'><script>alert(1)</script>&";
    let service = format!("https://app.example.org/?a={hostile}");
    let user = User::new(hostile, "secret");
    let cas = CasServer::builder().user(user).start().await.unwrap();
    let mut browser = Browser::new();
    let form = browser.login(&cas, &[("service", &service)]).await;
    assert!(!form.body.contains("<script"));
    assert_eq!(form.hidden("service").as_deref(), Some(service.as_str()));
    let again = browser.fill_in(&cas, &form, hostile, "wrong").await;
    assert!(again.is_login_form());
    assert!(!again.body.contains("<script"));
    let form = browser.login(&cas, &[]).await;
    let page = browser.fill_in(&cas, &form, hostile, "secret").await;
    assert!(page.body.contains("You are signed in as"));
    assert!(!page.body.contains("<script"));
}

#[tokio::test]
async fn a_service_url_that_is_not_ascii_survives_the_redirect() {
    let cas = CasServer::start().await.unwrap();
    let service = "https://app.example.org/caf\u{e9}?q=a b";
    let answer = Browser::new().sign_in(&cas, &[("service", service)]).await;
    let ticket = answer.ticket();
    let expected = format!("https://app.example.org/caf%C3%A9?q=a%20b&ticket={ticket}");
    assert_eq!(answer.location(), expected);
}

#[tokio::test]
async fn with_warn_a_signed_in_user_sees_a_page_before_there_is_a_ticket() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    browser.sign_in(&cas, &[("service", SERVICE)]).await;
    let params = [("service", SERVICE), ("warn", "true")];
    let page = browser.login(&cas, &params).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.is_login_form());
    let service = page.hidden("service").unwrap();
    assert_eq!(service, SERVICE);
    let onward = browser.login(&cas, &[("service", &service)]).await;
    assert!(onward.ticket().starts_with("ST-"));

    // A gateway shows no page.
    let silent = [params[0], params[1], ("gateway", "true")];
    assert_eq!(browser.login(&cas, &silent).await.location(), SERVICE);
    // Without a session, the form is a page already.
    let form = Browser::new().login(&cas, &params).await;
    assert!(form.is_login_form());
}

#[tokio::test]
async fn with_remember_me_answers_say_so_for_the_whole_session() {
    let cas = CasServer::start().await.unwrap();
    let says = async |ticket: &str, is: bool| {
        let answer = validate(&cas, "/p3/serviceValidate", SERVICE, ticket).await;
        let said = format!("<cas:longTermAuthenticationRequestTokenUsed>{is}</cas:");
        assert!(answer.body.contains(&said), "{}", answer.body);
    };
    let params = [("service", SERVICE), ("rememberMe", "true")];
    let mut browser = Browser::new();
    says(&browser.sign_in(&cas, &params).await.ticket(), true).await;
    let later = browser.login(&cas, &params[..1]).await.ticket();
    says(&later, true).await;
    let other = Browser::new().sign_in(&cas, &params[..1]).await.ticket();
    says(&other, false).await;
}

#[tokio::test]
async fn the_server_tells_what_its_login_page_was_asked_for() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    browser.login(&cas, &[]).await;
    let params = [
        ("service", SERVICE),
        ("renew", "true"),
        ("warn", "true"),
        ("locale", "de"),
    ];
    browser.login(&cas, &params).await;
    let params = [("rememberMe", "true"), ("gateway", "true")];
    browser.login(&cas, &params).await;
    let [nothing, renewed, gateway] = &cas.login_requests()[..] else {
        panic!("{:?}", cas.login_requests());
    };
    assert_eq!(*nothing, LoginRequest::default());
    assert_eq!(renewed.service.as_deref(), Some(SERVICE));
    assert_eq!(renewed.locale.as_deref(), Some("de"));
    assert!(renewed.renew && renewed.warn && !renewed.gateway && !renewed.remember_me);
    assert!(gateway.gateway && gateway.remember_me && !gateway.warn && !gateway.renew);
}
