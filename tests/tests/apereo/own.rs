//! What only this server does.

use cas_layer_tests::{
    flow::{CREDENTIALS, USER, callbacks, ticket},
    suite::trial,
    visitor::Visitor,
};
use libtest_mimic::Trial;
use serde_json::json;

use crate::flows::{App, Portal, Support, sign_in, with_ticket};

pub(crate) fn trials(cas_url: &str) -> Vec<Trial> {
    macro_rules! tests {
        ($($name:ident),+ $(,)?) => {
            vec![$({
                let cas_url = cas_url.to_owned();
                trial(concat!("apereo::", stringify!($name)), move || async move { $name(&cas_url).await })
            }),+]
        };
    }
    tests!(
        a_tab_whose_ticket_another_tab_displaced_signs_in_on_its_own,
        a_service_that_is_not_registered_is_a_page_with_the_code,
        a_name_of_an_attribute_with_dots_arrives,
        after_a_password_a_ticket_comes_by_post_if_the_definition_of_the_service_says_so,
        the_login_page_is_in_the_language_that_was_asked_for,
    )
}

/// By default the server knows only the newest ticket for a scheme, host and path of a user.
async fn a_tab_whose_ticket_another_tab_displaced_signs_in_on_its_own(cas_url: &str) {
    let elsewhere = App::start(cas_url, |config| config).await;
    let app = App::start(cas_url, |config| config).await;
    let visitor = Visitor::new();
    sign_in(&visitor, &elsewhere.at("/me")).await;

    let pages = [app.at("/page/1"), app.at("/page/2")];
    let mut tabs = Vec::new();
    for page in &pages {
        let login = visitor.get(page).await.location();
        tabs.push(visitor.get(login.as_str()).await.location());
    }
    let first = visitor.open(tabs[0].as_str()).await;
    assert_eq!(first.url.as_str(), pages[0], "{}", first.body);
    assert_eq!(
        callbacks(&first).len(),
        1,
        "with another ticket: {:#?}",
        first.hops
    );
    assert_eq!(first.body, "/page/1");

    let second = visitor.open(tabs[1].as_str()).await;
    assert_eq!(second.url.as_str(), pages[1], "{}", second.body);
    assert_eq!(second.body, "/page/2");
}

/// The server answers with status 403, and the failure in XML.
async fn a_service_that_is_not_registered_is_a_page_with_the_code(cas_url: &str) {
    let registered = App::start(cas_url, |config| config).await;
    let other = App::at_host("127.0.0.2", cas_url, |config| config).await;
    let visitor = Visitor::new();
    let me = registered.at("/me");
    sign_in(&visitor, &me).await;

    let login = visitor.get(&other.at("/me")).await.location();
    let refused = visitor.get(login.as_str()).await;
    assert_eq!(refused.status, 403, "the server sends nobody there");

    let (_, service) = login
        .query_pairs()
        .find(|(name, _)| name == "service")
        .unwrap();
    let elsewhere = with_ticket(&visitor, cas_url, &me).await;
    let ticket = ticket(&elsewhere);
    let page = visitor.get(&format!("{service}&ticket={ticket}")).await;
    assert_eq!(page.status, 403, "{}", page.body);
    assert!(page.body.contains("INVALID_SERVICE"), "{}", page.body);
    assert!(!page.body.contains(&ticket), "{}", page.body);
}

async fn a_name_of_an_attribute_with_dots_arrives(cas_url: &str) {
    let app = App::start(cas_url, |config| config).await;
    let visitor = Visitor::new();
    let form = visitor.open(&app.at("/me")).await;
    let [name, password] = CREDENTIALS;
    let fields = [name, password, ("rememberMe", "true")];
    let sent = visitor.send_form(&form, &fields).await;
    let me = visitor.follow(sent).await.json();
    assert_eq!(me["user"], USER);
    let remembered = "org.apereo.cas.authentication.principal.REMEMBER_ME";
    assert_eq!(me["attributes"][remembered], json!(["true"]));
    assert_eq!(me["remembered"], json!(true));
}

/// The form of the login page does not keep the parameter `method`.
async fn after_a_password_a_ticket_comes_by_post_if_the_definition_of_the_service_says_so(
    cas_url: &str,
) {
    for (login_path, expected) in [("/login", Support::No), ("/sign_in", Support::Yes)] {
        let portal = Portal::start(cas_url, login_path).await;
        let form = portal.visitor.open(&portal.app.at("/me")).await;
        let sent = portal.visitor.send_form(&form, &CREDENTIALS).await;
        assert_eq!(portal.arrives(sent).await, expected, "{login_path}");
    }
}

async fn the_login_page_is_in_the_language_that_was_asked_for(cas_url: &str) {
    let app = App::start(cas_url, |config| {
        config.sign_in(|it| it.locale("fr").locale_by_link(true))
    })
    .await;
    for (path, password) in [
        ("/me", "Mot de passe"),
        ("/login?locale=de&next=/me", "Passwort"),
    ] {
        let page = Visitor::new().open(&app.at(path)).await;
        assert!(page.asks_for_password(), "{}", page.url);
        assert!(page.body.contains(password), "{path}: {}", page.body);
    }
}
