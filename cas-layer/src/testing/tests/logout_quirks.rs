//! Quirks of logout requests. How the XML looks is tested where it is written.

use super::{Browser, CasServer, Heard, Quirk, Receiver, header, url};

/// The requests that come of these tickets' end, in the order of their tickets.
async fn told(quirk: Quirk, paths: &[&str]) -> (Vec<Heard>, Vec<String>) {
    let cas = CasServer::builder().quirk(quirk).start().await.unwrap();
    let mut service = Receiver::start().await;
    let tickets: Vec<String> = paths
        .iter()
        .map(|path| cas.issue_ticket("casuser", &service.at(path)))
        .collect();
    let report = cas.log_out("casuser").await;
    let mut heard = service.all();
    assert_eq!((report.sent, report.accepted), (heard.len(), heard.len()));
    heard.sort_by_key(|heard| {
        let first = &heard.message().tickets[0];
        tickets.iter().position(|ticket| ticket == first)
    });
    (heard, tickets)
}

#[tokio::test]
async fn under_every_quirk_a_well_formed_request_names_the_ticket() {
    for quirk in Quirk::ALL {
        let (heard, tickets) = told(*quirk, &["/login?a=b"]).await;
        let copies = if *quirk == Quirk::LogoutTwice { 2 } else { 1 };
        assert_eq!(heard.len(), copies, "{quirk:?}");
        for heard in heard {
            assert_eq!(heard.message().tickets, tickets, "{quirk:?}");
        }
    }
}

#[tokio::test]
async fn the_quirks_of_the_xml_are_those_that_are_set() {
    for (quirk, mark) in [
        (Quirk::LogoutPretty, "\r\n</samlp:LogoutRequest>\r\n"),
        (Quirk::LogoutNamespacesOnRoot, "<saml:NameID>casuser<"),
        (Quirk::LogoutEmptyNameId, "></saml:NameID>"),
        (Quirk::LogoutNotUsedNameId, ">@NOT_USED@</saml:NameID>"),
        (Quirk::LogoutBare, "ID=\"[RANDOM ID]\" Version=\"2.0\">"),
        (Quirk::LogoutIdIsTicket, "ID=\"ST-"),
        (Quirk::LogoutDateWithOffset, "+00:00\">"),
    ] {
        let (heard, _) = told(quirk, &["/"]).await;
        let xml = heard[0].xml();
        assert!(xml.contains(mark), "{quirk:?}: {xml}");
        let (heard, _) = told(Quirk::LogoutFormCharset, &["/"]).await;
        assert!(!heard[0].xml().contains(mark), "{quirk:?}");
    }
}

#[tokio::test]
async fn logout_without_query() {
    let (heard, _) = told(Quirk::LogoutWithoutQuery, &["/login?next=/profile"]).await;
    assert_eq!(heard[0].uri, "/login");
}

#[tokio::test]
async fn logout_form_charset() {
    let (heard, _) = told(Quirk::LogoutFormCharset, &["/"]).await;
    assert_eq!(
        heard[0].headers[header::CONTENT_TYPE],
        "application/x-www-form-urlencoded; charset=UTF-8"
    );
}

#[tokio::test]
async fn logout_many_indexes() {
    let (heard, tickets) = told(Quirk::LogoutManyIndexes, &["/a", "/b", "/a", "/a?c"]).await;
    let told: Vec<Vec<String>> = heard.iter().map(|heard| heard.message().tickets).collect();
    let [a, b, again, with_query] = tickets.try_into().unwrap();
    assert_eq!(told, [vec![a, again], vec![b], vec![with_query]]);
    assert_eq!(heard[0].uri, "/a");
}

#[tokio::test]
async fn logout_twice() {
    let (heard, _) = told(Quirk::LogoutTwice, &["/a"]).await;
    let [first, second] = &heard[..] else {
        panic!("{}", heard.len());
    };
    assert_eq!((&first.uri, &first.body), (&second.uri, &second.body));
}

#[tokio::test]
async fn logout_newest_only() {
    let (heard, tickets) = told(Quirk::LogoutNewestOnly, &["/a", "/b", "/a", "/a?c"]).await;
    let told: Vec<String> = heard
        .iter()
        .flat_map(|heard| heard.message().tickets)
        .collect();
    assert_eq!(told, tickets[1..]);
}

#[tokio::test]
async fn logout_newest_only_counts_each_session_for_itself() {
    let builder = CasServer::builder().quirk(Quirk::LogoutNewestOnly);
    let cas = builder.start().await.unwrap();
    let mut service = Receiver::start().await;
    let at = service.at("/");
    let mut newest = Vec::new();
    for _ in 0..2 {
        let mut browser = Browser::new();
        browser.sign_in(&cas, &[("service", &at)]).await;
        let answer = browser.get(url(&cas, "/login", &[("service", &at)])).await;
        newest.push(answer.ticket());
    }
    cas.log_out("casuser").await;
    newest.sort_unstable();
    assert_eq!(service.tickets(), newest);
}
