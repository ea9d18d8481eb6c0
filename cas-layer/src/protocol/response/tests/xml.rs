//! CAS 2 and 3 in XML, except for the attributes.

use super::{
    NAMESPACE, Outcome, alice_and, authentication, outcome, outcome_of, refused, response, success,
    table, user,
};
use crate::protocol::Protocol;

#[test]
fn the_namespace_counts_and_its_prefix_does_not() {
    let with = |declaration: &str, prefix: &str| {
        format!(
            "<{prefix}serviceResponse {declaration}><{prefix}authenticationSuccess>\
             <{prefix}user>alice</{prefix}user>\
             </{prefix}authenticationSuccess></{prefix}serviceResponse>"
        )
    };
    for (declaration, prefix, expected) in [
        (format!("xmlns:cas='{NAMESPACE}'"), "cas:", user("alice")),
        (format!("xmlns:x='{NAMESPACE}'"), "x:", user("alice")),
        (format!("xmlns='{NAMESPACE}'"), "", user("alice")),
        (String::new(), "", user("alice")),
        ("xmlns=''".to_owned(), "", user("alice")),
        (
            "xmlns:cas='http://www.yale.edu/tp/cas/'".to_owned(),
            "cas:",
            Outcome::Unreadable,
        ),
        (
            "xmlns:cas='http://evil.example/'".to_owned(),
            "cas:",
            Outcome::Unreadable,
        ),
        (
            "xmlns='http://evil.example/'".to_owned(),
            "",
            Outcome::Unreadable,
        ),
        // A prefix that is not declared.
        (String::new(), "cas:", Outcome::Unreadable),
    ] {
        assert_eq!(
            outcome(with(&declaration, prefix)),
            expected,
            "{declaration}"
        );
    }
}

#[test]
fn every_element_that_counts_is_in_the_namespace_of_the_root() {
    let with_root = |inner: &str| {
        format!(
            "<c:serviceResponse xmlns:c='{NAMESPACE}' xmlns:e='http://evil.example/'>{inner}</c:serviceResponse>"
        )
    };
    for inner in [
        "<e:authenticationSuccess><c:user>alice</c:user></e:authenticationSuccess>",
        "<authenticationSuccess><c:user>alice</c:user></authenticationSuccess>",
        "<c:authenticationSuccess><e:user>alice</e:user></c:authenticationSuccess>",
        "<c:authenticationSuccess><user>alice</user></c:authenticationSuccess>",
        "<c:authenticationSuccess><c:user>alice</c:user><user>bob</user></c:authenticationSuccess>",
        "<c:authenticationSuccess><c:user>alice</c:user><e:attributes><c:a>1</c:a></e:attributes></c:authenticationSuccess>",
        "<c:authenticationSuccess><c:user>alice</c:user><e:proxies/></c:authenticationSuccess>",
        "<c:authenticationSuccess><c:user>alice</c:user><c:proxies><e:proxy>x</e:proxy></c:proxies></c:authenticationSuccess>",
        "<e:authenticationFailure code='X'/>",
    ] {
        assert_eq!(outcome(with_root(inner)), Outcome::Unreadable, "{inner}");
    }
}

#[test]
fn the_root_has_exactly_one_answer() {
    let alice = "<cas:authenticationSuccess><cas:user>alice</cas:user></cas:authenticationSuccess>";
    let failure = "<cas:authenticationFailure code='INVALID_TICKET'>x</cas:authenticationFailure>";
    for inner in [
        String::new(),
        "alice".to_owned(),
        format!("{alice}{failure}"),
        format!("{failure}{alice}"),
        format!("{alice}{alice}"),
        format!("{alice}<cas:other/>"),
        "<cas:myauthenticationSuccess><cas:user>alice</cas:user></cas:myauthenticationSuccess>"
            .to_owned(),
        "<cas:AuthenticationSuccess><cas:user>alice</cas:user></cas:AuthenticationSuccess>"
            .to_owned(),
        "<cas:proxySuccess><cas:proxyTicket>PT-1</cas:proxyTicket></cas:proxySuccess>".to_owned(),
        format!("<cas:x>{alice}</cas:x>"),
        "<cas:user>alice</cas:user>".to_owned(),
    ] {
        assert_eq!(outcome(response(&inner)), Outcome::Unreadable, "{inner}");
    }
    for (root, inner) in [
        ("authenticationSuccess", ""),
        ("html", alice),
        ("myserviceResponse", alice),
    ] {
        let body = format!("<cas:{root} xmlns:cas='{NAMESPACE}'>{inner}</cas:{root}>");
        assert_eq!(outcome(&body), Outcome::Unreadable, "{body}");
    }
}

#[test]
fn a_failure_is_one_because_it_is_there() {
    for (failure, expected) in [
        (
            "<cas:authenticationFailure code='INVALID_TICKET'>not found</cas:authenticationFailure>",
            refused("INVALID_TICKET"),
        ),
        (
            "<cas:authenticationFailure code='INVALID_TICKET'/>",
            refused("INVALID_TICKET"),
        ),
        (
            "<cas:authenticationFailure code=' INVALID_TICKET '> </cas:authenticationFailure>",
            refused("INVALID_TICKET"),
        ),
        (
            "<cas:authenticationFailure code='OF_THIS_SERVER'/>",
            refused("OF_THIS_SERVER"),
        ),
        (
            "<cas:authenticationFailure>INVALID_<!-- x -->TICKET</cas:authenticationFailure>",
            refused("INVALID_TICKET"),
        ),
        // Texts of two elements are no word together.
        (
            "<cas:authenticationFailure><b>INVALID_</b>TICKET</cas:authenticationFailure>",
            Outcome::Refused(None),
        ),
        ("<cas:authenticationFailure/>", Outcome::Refused(None)),
        (
            "<cas:authenticationFailure></cas:authenticationFailure>",
            Outcome::Refused(None),
        ),
        (
            "<cas:authenticationFailure><cas:user>alice</cas:user></cas:authenticationFailure>",
            Outcome::Refused(None),
        ),
        (
            "<cas:proxyFailure code='INVALID_REQUEST'/>",
            refused("INVALID_REQUEST"),
        ),
    ] {
        assert_eq!(outcome(response(failure)), expected, "{failure}");
    }
}

#[test]
fn there_is_exactly_one_user_directly_in_the_answer() {
    for (inner, expected) in [
        ("<cas:user>alice</cas:user>", user("alice")),
        ("<cas:user>\n  alice\n</cas:user>", user("alice")),
        ("<cas:user>al<!-- x -->ice</cas:user>", user("alice")),
        ("<cas:user>al<![CDATA[ic]]>e</cas:user>", user("alice")),
        ("<cas:user>al<?x y?>ice</cas:user>", user("alice")),
        ("<cas:user>&#xC5;lice &amp; B</cas:user>", user("Ålice & B")),
        ("<cas:user>alice\u{a0}b</cas:user>", user("alice\u{a0}b")),
        ("<cas:user>alice\u{a0}</cas:user>", Outcome::Unreadable),
        ("", Outcome::Unreadable),
        ("<cas:user/>", Outcome::Unreadable),
        ("<cas:user> \n </cas:user>", Outcome::Unreadable),
        ("<cas:user>\u{a0}</cas:user>", Outcome::Unreadable),
        ("<cas:user><!-- alice --></cas:user>", Outcome::Unreadable),
        (
            "<cas:user>alice</cas:user><cas:user>alice</cas:user>",
            Outcome::Unreadable,
        ),
        (
            "<cas:user>alice</cas:user><cas:mail/><cas:user>bob</cas:user>",
            Outcome::Unreadable,
        ),
        (
            "<cas:user><cas:name>alice</cas:name></cas:user>",
            Outcome::Unreadable,
        ),
        ("<cas:user>al<b/>ice</cas:user>", Outcome::Unreadable),
        ("<cas:user>al\nice</cas:user>", Outcome::Unreadable),
        ("<cas:user>al&#x85;ice</cas:user>", Outcome::Unreadable),
        (
            "<cas:attributes><cas:user>alice</cas:user></cas:attributes>",
            Outcome::Unreadable,
        ),
        (
            "<cas:x><cas:user>alice</cas:user></cas:x>",
            Outcome::Unreadable,
        ),
        ("<cas:User>alice</cas:User>", Outcome::Unreadable),
    ] {
        assert_eq!(outcome(success(inner)), expected, "{inner}");
    }
}

#[test]
fn a_user_name_has_up_to_1024_bytes() {
    let longest = "é".repeat(512);
    assert_eq!(
        outcome(success(&format!("<cas:user>{longest}</cas:user>"))),
        user(&longest)
    );
    assert_eq!(
        outcome(success(&format!("<cas:user>{longest}x</cas:user>"))),
        Outcome::Unreadable
    );
}

#[test]
fn an_attribute_called_user_is_an_attribute() {
    let authentication = authentication(alice_and(
        "<cas:attributes><cas:user>root</cas:user><cas:authenticationFailure>x</cas:authenticationFailure></cas:attributes>",
    ));
    assert_eq!(authentication.user(), "alice");
    assert_eq!(
        table(&authentication),
        [("user", vec!["root"]), ("authenticationFailure", vec!["x"])]
    );
}

#[test]
fn elements_injected_through_a_value_are_refused() {
    // What comes out when the server escapes nothing and the value is `</cas:mail></cas:attributes><cas:user>root…`.
    for inner in [
        "<cas:attributes><cas:mail></cas:mail></cas:attributes><cas:user>root</cas:user><cas:attributes><cas:mail></cas:mail></cas:attributes>",
        "<cas:attributes><cas:a>1</cas:a></cas:attributes><cas:attributes><cas:a>2</cas:a></cas:attributes>",
        "<cas:proxies/><cas:proxies><cas:proxy>https://a.example/</cas:proxy></cas:proxies>",
        "<cas:proxyGrantingTicket>PGTIOU-1</cas:proxyGrantingTicket><cas:proxyGrantingTicket>PGTIOU-2</cas:proxyGrantingTicket>",
    ] {
        assert_eq!(outcome(alice_and(inner)), Outcome::Unreadable, "{inner}");
    }
}

#[test]
fn proxies_are_read_in_order_and_strictly() {
    let chain = authentication(alice_and(
        "<cas:proxies>\n <cas:proxy> https://b.example/ </cas:proxy><cas:proxy>https://a.example/</cas:proxy></cas:proxies>",
    ));
    assert_eq!(
        chain.proxies(),
        ["https://b.example/", "https://a.example/"]
    );
    assert!(chain.attributes().is_empty());
    assert!(
        authentication(alice_and("<cas:proxies/>"))
            .proxies()
            .is_empty()
    );
    for proxies in [
        "<cas:proxy/>",
        "<cas:proxy>https://a.example/</cas:proxy><cas:x/>",
        "<cas:proxy>https://a<b/>.example/</cas:proxy>",
        "<proxy>https://a.example/</proxy>",
    ] {
        let body = alice_and(&format!("<cas:proxies>{proxies}</cas:proxies>"));
        assert_eq!(outcome(body), Outcome::Unreadable, "{proxies}");
    }
}

#[test]
fn what_stands_before_the_document_does_not_matter_if_it_is_nothing() {
    let body = alice_and("");
    for (start, expected) in [
        ("", user("alice")),
        ("\u{feff}", user("alice")),
        ("\r\n\r\n", user("alice")),
        ("\u{feff}\n", user("alice")),
        (
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
            user("alice"),
        ),
        ("\n<?xml version='1.0'?>", user("alice")),
        ("<!-- made by a server -->", user("alice")),
        ("HTTP/1.1 200 OK\r\n\r\n", Outcome::Unreadable),
        ("<br/>", Outcome::Unreadable),
    ] {
        assert_eq!(outcome(format!("{start}{body}")), expected, "{start:?}");
    }
    assert_eq!(outcome(format!("{body}\n\n")), user("alice"));
    assert_eq!(outcome(format!("{body}x")), Outcome::Unreadable);
    assert_eq!(outcome(format!("{body}{body}")), Outcome::Unreadable);
}

#[test]
fn xml_is_read_for_cas_2_as_for_cas_3_and_not_for_cas_1() {
    assert_eq!(outcome_of(Protocol::Cas2, alice_and("")), user("alice"));
    assert_eq!(
        outcome_of(Protocol::Cas1, alice_and("")),
        Outcome::Unreadable
    );
}

#[test]
fn a_web_page_is_no_answer() {
    for body in [
        "<!DOCTYPE html><html><body>Error</body></html>",
        "<html><body>Error</body></html>",
        "Error",
        "",
        "   \n",
    ] {
        assert_eq!(outcome(body), Outcome::Unreadable, "{body:?}");
    }
}
