//! Quirks of what a successful answer looks like.

use serde_json::{Value, json};

use super::{CasServer, Quirk, SERVICE, User, get, url, validate};

async fn server() -> CasServer {
    let alice = User::new("alice", "secret")
        .attribute("mail", ["alice@example.org"])
        .attribute("name", ["Zoë <&> ]]>"])
        .attribute("group", ["x", "y"])
        .attribute("empty", [""]);
    CasServer::builder().user(alice).start().await.unwrap()
}

/// A good answer under these quirks.
async fn answer(cas: &CasServer, quirks: &[Quirk]) -> String {
    cas.set_quirks(quirks.iter().copied());
    let ticket = cas.issue_ticket("alice", SERVICE);
    validate(cas, "/p3/serviceValidate", SERVICE, &ticket)
        .await
        .body
}

#[tokio::test]
async fn every_dialect_and_layout_looks_as_described() {
    let cas = server().await;
    let plain = answer(&cas, &[]).await;
    for (quirk, expected) in [
        (
            Quirk::FlatAttributes,
            "</cas:user>\n    <cas:authenticationDate>",
        ),
        (
            Quirk::NameValueAttributes,
            "<cas:attribute name=\"mail\" value=\"alice@example.org\"/>",
        ),
        (
            Quirk::NameTextAttributes,
            "<cas:attribute name=\"group\">y</cas:attribute>",
        ),
        (
            Quirk::NameValueElements,
            "<cas:attribute>\n      <cas:name>mail</cas:name>\n      \
            <cas:value>alice@example.org</cas:value>\n    </cas:attribute>",
        ),
        (
            Quirk::UserAttributes,
            "<cas:userAttributes>\n      <cas:authenticationDate>",
        ),
        (
            Quirk::NestedUserAttributes,
            "</cas:isFromNewLogin>\n      <cas:userAttributes>\n        \
            <cas:attribute name=\"mail\">alice@example.org</cas:attribute>",
        ),
        (
            Quirk::WrappedAttributes,
            "<cas:norEduPerson>\n      <cas:authenticationDate>",
        ),
        (
            Quirk::BothDialects,
            "<cas:empty></cas:empty>\n    </cas:attributes>\n    \
            <cas:attribute name=\"authenticationDate\"",
        ),
        (
            Quirk::AttraStyleMarker,
            "<cas:attributes>\n      <cas:attraStyle>Jasig</cas:attraStyle>",
        ),
        (Quirk::UnescapedText, "<cas:name>Zoë <&> ]]></cas:name>"),
        (
            Quirk::OmitEmptyAttributes,
            "<cas:group>y</cas:group>\n    </cas:attributes>",
        ),
        (Quirk::SelfClosingEmptyAttributes, "<cas:empty/>"),
        (
            Quirk::CapitalisedBooleans,
            "<cas:isFromNewLogin>True</cas:isFromNewLogin>",
        ),
        (
            Quirk::NoNamespace,
            "<serviceResponse>\n  <authenticationSuccess>\n    <user>alice</user>",
        ),
        (
            Quirk::OtherPrefix,
            "<sso:serviceResponse xmlns:sso=\"http://www.yale.edu/tp/cas\">",
        ),
        (
            Quirk::DefaultNamespace,
            "<serviceResponse xmlns=\"http://www.yale.edu/tp/cas\">",
        ),
        (
            Quirk::SpaciousXml,
            "<cas:user>\r\n\t  alice  \r\n\t</cas:user>",
        ),
        (Quirk::CdataText, "<cas:user><![CDATA[alice]]></cas:user>"),
        (Quirk::CdataText, "<![CDATA[Zoë <&> ]]]]><![CDATA[>]]>"),
        (
            Quirk::CommentedXml,
            "<cas:user>a<!-- nobody -->lice</cas:user>",
        ),
        (Quirk::NumericReferences, "alice&#x40;example&#x2E;org"),
        (
            Quirk::XmlDeclaration,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<cas:serviceResponse",
        ),
        (Quirk::ByteOrderMark, "\u{feff}<cas:serviceResponse"),
        (Quirk::DateWithOffset, "+00:00</cas:authenticationDate>"),
        (Quirk::DateWithUtcZone, "Z[UTC]</cas:authenticationDate>"),
        (
            Quirk::DateWithRegion,
            "[Europe/Paris]</cas:authenticationDate>",
        ),
        (Quirk::DateRfc1123, " GMT</cas:authenticationDate>"),
        (
            Quirk::DateUnreadable,
            ">the day before yesterday</cas:authenticationDate>",
        ),
    ] {
        assert!(
            !plain.contains(expected),
            "{quirk:?} is the plain behaviour:\n{plain}"
        );
        let answer = answer(&cas, &[quirk]).await;
        assert!(answer.contains(expected), "{quirk:?}:\n{answer}");
    }
}

#[tokio::test]
async fn under_every_quirk_but_unescaped_text_the_answer_is_well_formed_and_names_the_user() {
    let cas = server().await;
    for quirk in Quirk::ALL {
        let answer = answer(&cas, &[*quirk]).await;
        let parsed = roxmltree::Document::parse(&answer);
        if *quirk == Quirk::UnescapedText {
            assert!(parsed.is_err());
            continue;
        }
        let xml = parsed.unwrap();
        let success = xml.root_element().first_element_child().unwrap();
        assert_eq!(
            success.tag_name().name(),
            "authenticationSuccess",
            "{quirk:?}"
        );
        let user = success.first_element_child().unwrap();
        assert_eq!(user.tag_name().name(), "user", "{quirk:?}");
        let text: String = user
            .descendants()
            .filter(roxmltree::Node::is_text)
            .filter_map(|n| n.text())
            .collect();
        assert_eq!(text.trim(), "alice", "{quirk:?}");
    }
}

#[tokio::test]
async fn values_survive_every_layout() {
    let cas = server().await;
    for quirk in [
        Quirk::SpaciousXml,
        Quirk::CdataText,
        Quirk::CommentedXml,
        Quirk::NumericReferences,
        Quirk::XmlDeclaration,
        Quirk::ByteOrderMark,
    ] {
        let answer = answer(&cas, &[quirk]).await;
        let xml = roxmltree::Document::parse(&answer).unwrap();
        let name = xml
            .descendants()
            .find(|node| node.tag_name().name() == "name")
            .unwrap();
        let text: String = name
            .children()
            .filter_map(|node| if node.is_text() { node.text() } else { None })
            .collect();
        assert_eq!(text.trim(), "Zoë <&> ]]>", "{quirk:?}");
    }
}

#[tokio::test]
async fn unescaped_text_lets_a_value_inject_elements() {
    let mallory = User::new("mallory", "secret").attribute(
        "name",
        ["x</cas:name></cas:attributes><cas:user>admin</cas:user><cas:attributes><cas:name>"],
    );
    let cas = CasServer::builder()
        .user(mallory)
        .quirk(Quirk::UnescapedText)
        .start()
        .await
        .unwrap();
    let ticket = cas.issue_ticket("mallory", SERVICE);
    let answer = validate(&cas, "/p3/serviceValidate", SERVICE, &ticket).await;
    let xml = roxmltree::Document::parse(&answer.body).unwrap();
    let users = xml
        .descendants()
        .filter(|node| node.tag_name().name() == "user");
    assert_eq!(
        users.filter_map(|node| node.text()).collect::<Vec<_>>(),
        ["mallory", "admin"]
    );
}

#[tokio::test]
async fn shuffled_attributes_change_their_places_but_not_the_order_of_their_values() {
    let cas = server().await;
    let order = async || -> Vec<(String, String)> {
        let answer = answer(&cas, &[Quirk::ShuffledAttributes]).await;
        let xml = roxmltree::Document::parse(&answer).unwrap();
        let attributes = xml
            .descendants()
            .find(|n| n.tag_name().name() == "attributes")
            .unwrap();
        let pair = |node: roxmltree::Node<'_, '_>| {
            (
                node.tag_name().name().to_owned(),
                node.text().unwrap_or_default().to_owned(),
            )
        };
        attributes
            .children()
            .filter(roxmltree::Node::is_element)
            .map(pair)
            .collect()
    };
    let (first, second) = (order().await, order().await);
    let names = |pairs: &[(String, String)]| -> Vec<String> {
        pairs.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_ne!(names(&first), names(&second));
    for pairs in [first, second] {
        let group: Vec<usize> = (0..pairs.len())
            .filter(|place| pairs[*place].0 == "group")
            .collect();
        assert_eq!(
            (pairs[group[0]].1.as_str(), pairs[group[1]].1.as_str()),
            ("x", "y")
        );
        assert!(group[1] > group[0] + 1, "side by side: {pairs:?}");
    }
}

#[tokio::test]
async fn cas_2_has_attributes_only_under_its_quirk() {
    let cas = server().await;
    for (quirks, has) in [(&[][..], false), (&[Quirk::Cas2Attributes], true)] {
        cas.set_quirks(quirks.iter().copied());
        for path in ["/serviceValidate", "/proxyValidate"] {
            let ticket = cas.issue_ticket("alice", SERVICE);
            let answer = validate(&cas, path, SERVICE, &ticket).await;
            assert_eq!(answer.body.contains("<cas:attributes>"), has);
        }
    }
}

#[tokio::test]
async fn json_has_its_own_quirks() {
    let cas = server().await;
    for (quirks, name, expected) in [
        (&[][..], "mail", json!("alice@example.org")),
        (&[], "isFromNewLogin", json!(true)),
        (&[], "empty", json!("")),
        (&[Quirk::JsonLists], "mail", json!(["alice@example.org"])),
        (&[Quirk::JsonLists], "isFromNewLogin", json!([true])),
        (&[Quirk::JsonLists], "group", json!(["x", "y"])),
        (
            &[Quirk::CapitalisedBooleans],
            "isFromNewLogin",
            json!("True"),
        ),
        (&[Quirk::OmitEmptyAttributes], "empty", Value::Null),
        (&[Quirk::OmitLoginFacts], "authenticationDate", Value::Null),
        (&[Quirk::OmitLoginFacts], "isFromNewLogin", Value::Null),
        (&[Quirk::OmitLoginFacts], "mail", json!("alice@example.org")),
        (
            &[Quirk::DateUnreadable],
            "authenticationDate",
            json!("the day before yesterday"),
        ),
    ] {
        cas.set_quirks(quirks.iter().copied());
        let ticket = cas.issue_ticket("alice", SERVICE);
        let params = [
            ("service", SERVICE),
            ("ticket", &ticket),
            ("format", "JSON"),
        ];
        let answer = get(url(&cas, "/p3/serviceValidate", &params)).await;
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        let attributes = &answer["serviceResponse"]["authenticationSuccess"]["attributes"];
        assert_eq!(attributes[name], expected, "{quirks:?}");
    }
}
