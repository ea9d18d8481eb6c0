//! What a session carries of what the CAS server said: which attributes, under which names, and how the
//! user name is written. And what it comes to: an identity.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use zeroize::Zeroizing;

use super::{Lifetimes, SessionId, attributes::Held, payload::Identity};
use crate::{
    attributes::Attributes,
    clock::{UnixSeconds, to_unix},
    protocol::{Authentication, check_user_name},
};

/// How the user name is written in a session.
///
/// Some CAS servers let `alice` sign in as `Alice` too, and pass on what was typed. If your app would take these for
/// two users, choose one way to write them. Letters other than `A` to `Z` stay as they are: how those change depends
/// on the language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserName {
    /// As the CAS server gave it.
    #[default]
    AsIs,
    /// `A` to `Z` become `a` to `z`.
    AsciiLowercase,
    /// `a` to `z` become `A` to `Z`.
    AsciiUppercase,
}

/// A session that is about to open, as [`SessionOptions::map`](crate::SessionOptions::map) sees it.
///
/// Attributes have already been chosen and renamed, and the user name has been written in the configured way.
/// [`authentication`](Self::authentication) has the CAS server's own answer.
///
/// `Debug` prints neither the user name nor the values of attributes.
pub struct NewSession<'a> {
    authentication: &'a Authentication,
    cas_url: &'a str,
    name: String,
    attributes: Attributes,
}

impl NewSession<'_> {
    /// The CAS server's whole answer.
    #[must_use]
    pub fn authentication(&self) -> &Authentication {
        self.authentication
    }

    /// The URL of the CAS server that vouches for the user, normalised. If hosts of the app have [different CAS
    /// servers](crate::FurtherHost::cas_client), each vouches for users and attributes of its own.
    #[must_use]
    pub fn cas_url(&self) -> &str {
        self.cas_url
    }

    /// The user name that the session will have.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Changes the user name. A valid name has at most 1,024 bytes and at least one visible character. It has no
    /// white space at either end, no control characters, and no invisible ones (format characters and what Unicode
    /// calls default ignorable: zero-width ones, those that turn the direction of writing). With any other name
    /// nobody is signed in: the user gets a 500, and the log an error.
    pub fn set_name(&mut self, name: impl Into<String>) {
        self.name = name.into();
    }

    /// The attributes that the session will carry.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// The same attributes, for changes.
    pub fn attributes_mut(&mut self) -> &mut Attributes {
        &mut self.attributes
    }

    pub(super) fn into_attributes(self) -> Attributes {
        self.attributes
    }
}

impl fmt::Debug for NewSession<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSession")
            .field("attributes", &self.attributes)
            .finish_non_exhaustive()
    }
}

/// The app does not admit a user, although the CAS server vouches for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Veto {
    reason: String,
}

impl Veto {
    /// `reason` is shown to the user, as text: `Only staff may sign in.`
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }

    /// The reason, as the user reads it.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Why a sign-in opens no session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Rejected {
    #[error("the app does not admit the user")]
    Vetoed(Veto),
    /// The app made an invalid user name, for the given reason.
    #[error("{0}")]
    BadName(&'static str),
}

type Map = dyn Fn(&mut NewSession<'_>) -> Result<(), Veto> + Send + Sync;

/// Which parts of an [`Authentication`] become part of a session.
#[derive(Clone, Default)]
pub(crate) struct Content {
    /// Attributes by the CAS server's names; `None` for all of them.
    pub(crate) only: Option<HashSet<String>>,
    /// From the CAS server's names to the app's.
    pub(crate) renamed: HashMap<String, String>,
    pub(crate) user_name: UserName,
    pub(crate) map: Option<Arc<Map>>,
}

impl Content {
    /// Chooses, renames, writes the user name, and asks the app, in this order.
    pub(crate) fn of<'a>(
        &self,
        authentication: &'a Authentication,
        cas_url: &'a str,
    ) -> Result<NewSession<'a>, Rejected> {
        let mut session = NewSession {
            authentication,
            cas_url,
            name: self.user_name(authentication.user()),
            attributes: self.attributes(authentication.attributes()),
        };
        if let Some(map) = &self.map {
            map(&mut session).map_err(Rejected::Vetoed)?;
            check_user_name(&session.name).map_err(Rejected::BadName)?;
        }
        Ok(session)
    }

    /// A name as the CAS server gave it, in the case that the app chose.
    pub(crate) fn user_name(&self, name: &str) -> String {
        match self.user_name {
            UserName::AsIs => name.to_owned(),
            UserName::AsciiLowercase => name.to_ascii_lowercase(),
            UserName::AsciiUppercase => name.to_ascii_uppercase(),
        }
    }

    /// Attributes that get the same name become one list.
    fn attributes(&self, all: &Attributes) -> Attributes {
        let is_chosen = |name: &str| self.only.as_ref().is_none_or(|only| only.contains(name));
        all.iter()
            .filter(|(name, _)| is_chosen(name))
            .map(|(name, values)| {
                let name = self.renamed.get(name).map_or(name, String::as_str);
                (name.to_owned(), values.to_vec())
            })
            .collect()
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("only", &self.only)
            .field("renamed", &self.renamed)
            .field("user_name", &self.user_name)
            .field("map", &self.map.as_ref().map(|_| "…"))
            .finish()
    }
}

impl Identity {
    /// A new sign-in. `renewed`: the CAS server was told to ask for credentials.
    pub(crate) fn new(
        content: NewSession<'_>,
        id: SessionId,
        renewed: bool,
        now: UnixSeconds,
        lifetimes: &Lifetimes,
    ) -> Self {
        let authentication = content.authentication();
        let long_term = authentication.long_term_authentication_request_token_used();
        let (lifetime, remembered) = lifetimes.of_sign_in(long_term);
        // Some servers say so of a proxy's ticket too, and its user may be far away.
        let is_own = authentication.proxies().is_empty();
        let is_new = is_own && authentication.is_from_new_login() == Some(true);
        let credentials_at = if renewed || is_new {
            Some(now)
        } else if long_term == Some(true) {
            // A token was authenticated, whatever the date says.
            None
        } else {
            let date = authentication.authentication_date().map(to_unix);
            date.map(|date| date.min(now))
        };
        Self {
            id,
            issued_at: now,
            expires_at: now.saturating_add(lifetime),
            authentication_date: authentication.authentication_date().map(to_unix),
            is_from_new_login: authentication.is_from_new_login(),
            long_term_authentication_request_token_used: long_term,
            remembered,
            credentials_at,
            proxies: authentication.proxies().to_vec(),
            granting_ticket: None,
            user: 0..content.name().len(),
            payload: Zeroizing::new(content.name().into()),
            attributes: Held::given(content.into_attributes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::parse_service_response;

    const CAS: &str = "https://cas.example.org";

    /// Alice as a CAS server speaks of her.
    fn alice() -> Authentication {
        let attributes = "<mail>a@x</mail><urn.1>one</urn.1><group>g1</group><urn.2>two</urn.2>\
                          <group>g2</group><isFromNewLogin>true</isFromNewLogin>";
        let answer = format!(
            "<serviceResponse xmlns=\"http://www.yale.edu/tp/cas\"><authenticationSuccess><user>Älice</user>\
             <attributes>{attributes}</attributes></authenticationSuccess></serviceResponse>"
        );
        let parsed = parse_service_response(answer.as_bytes());
        parsed.ok().expect("an authentication")
    }

    fn attributes(content: &Content) -> Vec<(String, Vec<String>)> {
        let alice = alice();
        let session = content.of(&alice, CAS).unwrap();
        let all = session.attributes().iter();
        all.map(|(name, values)| (name.to_owned(), values.to_vec()))
            .collect()
    }

    fn entry(name: &str, values: &[&str]) -> (String, Vec<String>) {
        let values = values.iter().map(|&value| value.to_owned());
        (name.to_owned(), values.collect())
    }

    fn names(names: &[&str]) -> HashSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn renames(renames: &[(&str, &str)]) -> HashMap<String, String> {
        let pairs = renames.iter();
        pairs
            .map(|&(from, to)| (from.to_owned(), to.to_owned()))
            .collect()
    }

    fn mapped(
        map: impl Fn(&mut NewSession<'_>) -> Result<(), Veto> + Send + Sync + 'static,
    ) -> Content {
        Content {
            map: Some(Arc::new(map)),
            ..Content::default()
        }
    }

    #[test]
    fn a_session_carries_all_attributes_unless_told_otherwise() {
        assert_eq!(
            attributes(&Content::default()),
            [
                entry("mail", &["a@x"]),
                entry("urn.1", &["one"]),
                entry("group", &["g1", "g2"]),
                entry("urn.2", &["two"]),
                entry("isFromNewLogin", &["true"]),
            ]
        );
    }

    #[test]
    fn attributes_are_chosen_by_the_servers_names_and_then_renamed() {
        let content = Content {
            only: Some(names(&["urn.1", "group", "absent"])),
            renamed: renames(&[("urn.1", "mail"), ("mail", "urn.1")]),
            ..Content::default()
        };
        assert_eq!(
            attributes(&content),
            [entry("mail", &["one"]), entry("group", &["g1", "g2"])]
        );
        let none = Content {
            only: Some(names(&[])),
            ..Content::default()
        };
        assert_eq!(attributes(&none), []);
    }

    #[test]
    fn names_are_exchanged_and_joined() {
        let content = Content {
            only: Some(names(&["mail", "urn.1", "urn.2"])),
            renamed: renames(&[("mail", "urn.1"), ("urn.1", "mail"), ("urn.2", "mail")]),
            ..Content::default()
        };
        assert_eq!(
            attributes(&content),
            [entry("urn.1", &["a@x"]), entry("mail", &["one", "two"])]
        );
    }

    #[test]
    fn only_ascii_letters_of_the_user_name_change() {
        for (user_name, expected) in [
            (UserName::AsIs, "Älice"),
            (UserName::AsciiLowercase, "Älice"),
            (UserName::AsciiUppercase, "ÄLICE"),
        ] {
            let content = Content {
                user_name,
                ..Content::default()
            };
            assert_eq!(content.of(&alice(), CAS).unwrap().name(), expected);
        }
    }

    #[test]
    fn the_app_sees_the_configured_session_and_all_that_the_server_said() {
        let content = Content {
            only: Some(names(&["urn.1"])),
            renamed: renames(&[("urn.1", "mail")]),
            user_name: UserName::AsciiUppercase,
            ..mapped(|session| {
                assert_eq!(session.name(), "ÄLICE");
                assert_eq!(session.authentication().user(), "Älice");
                assert_eq!(session.attributes().first("mail"), Some("one"));
                let group = session.authentication().attributes().all("group");
                let name = format!("{}@{}", session.name(), group.join("."));
                session.set_name(name);
                session.attributes_mut().remove("mail");
                session.attributes_mut().push("new", "value");
                Ok(())
            })
        };
        let alice = alice();
        let session = content.of(&alice, CAS).unwrap();
        assert_eq!(session.name(), "ÄLICE@g1.g2");
        assert_eq!(attributes(&content), [entry("new", &["value"])]);
    }

    #[test]
    fn a_veto_and_a_name_that_is_none_open_no_session() {
        let vetoed = mapped(|_| Err(Veto::new("no")))
            .of(&alice(), CAS)
            .unwrap_err();
        assert!(matches!(vetoed, Rejected::Vetoed(veto) if veto.reason() == "no"));
        for bad in [
            "",
            " ",
            "\u{feff}",
            "ad\u{200b}min",
            "a\nb",
            "a\u{7f}",
            &"x".repeat(1_025),
        ] {
            let name = bad.to_owned();
            let content = mapped(move |session| {
                session.set_name(name.clone());
                Ok(())
            });
            assert!(
                matches!(content.of(&alice(), CAS), Err(Rejected::BadName(_))),
                "{bad:?}"
            );
        }
        let longest = mapped(|session| {
            session.set_name("x".repeat(1_024));
            Ok(())
        });
        assert!(longest.of(&alice(), CAS).is_ok());
    }

    #[test]
    fn neither_name_nor_values_are_printed() {
        let alice = alice();
        let session = Content::default().of(&alice, CAS).unwrap();
        let printed = format!("{session:?}");
        assert!(
            !printed.contains("lice") && !printed.contains("a@x"),
            "{printed}"
        );
    }

    #[test]
    fn a_proxy_gives_no_credentials_whatever_the_server_says() {
        let signed_in = |proxies: &str| {
            let answer = format!(
                "<serviceResponse xmlns=\"http://www.yale.edu/tp/cas\"><authenticationSuccess><user>al</user>\
                 <attributes><isFromNewLogin>true</isFromNewLogin>\
                 <authenticationDate>1970-01-01T00:10:00Z</authenticationDate></attributes>{proxies}\
                 </authenticationSuccess></serviceResponse>"
            );
            let parsed = parse_service_response(answer.as_bytes());
            let authentication = parsed.ok().unwrap();
            let content = Content::default();
            let content = content.of(&authentication, "https://cas").unwrap();
            let lifetimes = Lifetimes {
                session: 100,
                idle: None,
                remembered: None,
            };
            Identity::new(content, [7; 16].into(), false, 1_000, &lifetimes)
        };
        assert_eq!(signed_in("").credentials_at, Some(1_000));
        let proxied = signed_in("<proxies><proxy>https://a</proxy></proxies>");
        assert_eq!(proxied.proxies, ["https://a"]);
        assert_eq!(proxied.credentials_at, Some(600), "by the date alone");
    }

    #[test]
    fn apereo_says_in_xml_and_in_json_when_credentials_were_given() {
        const NOW: UnixSeconds = 1_795_999_999;
        let gave_them = Some(1_795_907_028);
        for (answer, at) in [
            (
                include_str!("../../testdata/apereo/service3-pgt-https.xml"),
                gave_them,
            ),
            (
                include_str!("../../testdata/apereo/service3-format-JSON.json"),
                gave_them,
            ),
            // A password, and "remember me" ticked.
            (
                include_str!("../../testdata/apereo/service3-remember-me-new.xml"),
                Some(NOW),
            ),
            // Remembered.
            (
                include_str!("../../testdata/apereo/service3-remember-me-sso.xml"),
                None,
            ),
            (
                include_str!("../../testdata/apereo/service3-format-JSON-remember-me-sso.json"),
                None,
            ),
        ] {
            let authentication = parse_service_response(answer.as_bytes()).ok().unwrap();
            let content = Content::default();
            let content = content.of(&authentication, CAS).unwrap();
            let lifetimes = Lifetimes {
                session: 100,
                idle: None,
                remembered: None,
            };
            let identity = Identity::new(content, [7; 16].into(), false, NOW, &lifetimes);
            assert_eq!(identity.credentials_at, at, "{answer}");
        }
    }
}
