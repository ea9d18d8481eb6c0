//! The logout request as XML (CAS protocol, appendix C).

use jiff::Timestamp;

use crate::testing::{
    Quirk,
    markup::{allowed, escaped},
    quirks::Quirks,
};

const PROTOCOL: &str = "xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"";
const ASSERTION: &str = " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";

/// What a logout request says.
pub(super) struct Message<'a> {
    pub(super) id: &'a str,
    pub(super) at: Timestamp,
    pub(super) user: &'a str,
    pub(super) tickets: Vec<&'a str>,
}

impl Message<'_> {
    pub(super) fn write(&self, quirks: &Quirks) -> String {
        let (on_root, on_name) = if quirks.has(Quirk::LogoutNamespacesOnRoot) {
            (ASSERTION, "")
        } else {
            ("", ASSERTION)
        };
        let id = self.id(quirks);
        let (date, name) = if quirks.has(Quirk::LogoutBare) {
            (String::new(), None)
        } else {
            let date = format!(" IssueInstant=\"{}\"", self.date(quirks));
            let name = format!("<saml:NameID{on_name}>{}</saml:NameID>", self.name(quirks));
            (date, Some(name))
        };
        let indexes = self.tickets.iter().map(|ticket| {
            let ticket = escaped(ticket);
            format!("<samlp:SessionIndex>{ticket}</samlp:SessionIndex>")
        });
        let children: Vec<String> = name.into_iter().chain(indexes).collect();

        if !quirks.has(Quirk::LogoutPretty) {
            let children = children.concat();
            return format!(
                "<samlp:LogoutRequest {PROTOCOL}{on_root} ID=\"{id}\" Version=\"2.0\"{date}>{children}\
                </samlp:LogoutRequest>"
            );
        }
        let children = children.join("\r\n    ");
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
            <samlp:LogoutRequest {PROTOCOL}{on_root}\r\n    ID=\"{id}\" Version=\"2.0\"{date}>\r\n    \
            {children}\r\n</samlp:LogoutRequest>\r\n"
        )
    }

    fn id(&self, quirks: &Quirks) -> String {
        match self.tickets.first() {
            Some(ticket) if quirks.has(Quirk::LogoutIdIsTicket) => escaped(ticket),
            _ if quirks.has(Quirk::LogoutBare) => "[RANDOM ID]".to_owned(),
            _ => self.id.to_owned(),
        }
    }

    fn date(&self, quirks: &Quirks) -> String {
        let format = if quirks.has(Quirk::LogoutDateWithOffset) {
            "%Y-%m-%dT%H:%M:%S.%6f+00:00"
        } else {
            "%Y-%m-%dT%H:%M:%SZ"
        };
        self.at.strftime(format).to_string()
    }

    fn name(&self, quirks: &Quirks) -> String {
        if quirks.has(Quirk::LogoutEmptyNameId) {
            String::new()
        } else if quirks.has(Quirk::LogoutNotUsedNameId) {
            "@NOT_USED@".to_owned()
        } else {
            escaped(&allowed(self.user))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Message, Quirk};

    #[track_caller]
    fn written(quirks: &[Quirk]) -> String {
        let message = Message {
            id: "LR-1",
            at: "2015-11-12T09:30:10.123456Z".parse().unwrap(),
            user: "zoë <\u{1}&>",
            tickets: vec!["ST-1", "ST-2"],
        };
        message.write(&quirks.iter().copied().collect())
    }

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(
            written(&[]),
            "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             ID=\"LR-1\" Version=\"2.0\" IssueInstant=\"2015-11-12T09:30:10Z\">\
             <saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">\
             zoë &lt;\u{fffd}&amp;&gt;</saml:NameID>\
             <samlp:SessionIndex>ST-1</samlp:SessionIndex>\
             <samlp:SessionIndex>ST-2</samlp:SessionIndex>\
             </samlp:LogoutRequest>"
        );
    }

    #[test]
    fn a_pretty_message_has_a_declaration_line_ends_and_indentation() {
        let quirks = [
            Quirk::LogoutPretty,
            Quirk::LogoutNamespacesOnRoot,
            Quirk::LogoutNotUsedNameId,
            Quirk::LogoutIdIsTicket,
            Quirk::LogoutDateWithOffset,
        ];
        assert_eq!(
            written(&quirks),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
             <samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"\r\n    \
             ID=\"ST-1\" Version=\"2.0\" IssueInstant=\"2015-11-12T09:30:10.123456+00:00\">\r\n    \
             <saml:NameID>@NOT_USED@</saml:NameID>\r\n    \
             <samlp:SessionIndex>ST-1</samlp:SessionIndex>\r\n    \
             <samlp:SessionIndex>ST-2</samlp:SessionIndex>\r\n\
             </samlp:LogoutRequest>\r\n"
        );
    }

    #[test]
    fn a_bare_message_has_what_it_needs_and_a_placeholder() {
        assert_eq!(
            written(&[Quirk::LogoutBare]),
            "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             ID=\"[RANDOM ID]\" Version=\"2.0\">\
             <samlp:SessionIndex>ST-1</samlp:SessionIndex>\
             <samlp:SessionIndex>ST-2</samlp:SessionIndex>\
             </samlp:LogoutRequest>"
        );
    }

    #[test]
    fn the_name_can_be_empty() {
        let message = written(&[Quirk::LogoutEmptyNameId]);
        assert!(message.contains(":assertion\"></saml:NameID>"), "{message}");
    }
}
