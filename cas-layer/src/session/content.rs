//! What a session carries of what the CAS server said: which attributes, under which names, and how the
//! user name is written. And what it comes to: an identity.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use zeroize::Zeroizing;

use super::{
    Lifetimes, SessionId,
    admit::Admit,
    attributes::Held,
    new_session::{NewSession, Veto},
    payload::Identity,
    rejected::Rejected,
};
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
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
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

type Map = dyn Fn(&mut NewSession) -> Result<(), Veto> + Send + Sync;

/// Which parts of an [`Authentication`] become part of a session.
#[derive(Clone, Default)]
pub(crate) struct Content {
    /// Attributes by the CAS server's names; `None` for all of them.
    pub(crate) only: Option<HashSet<String>>,
    /// From the CAS server's names to the app's.
    pub(crate) renamed: HashMap<String, String>,
    pub(crate) user_name: UserName,
    pub(crate) map: Option<Arc<Map>>,
    /// The app's work before a session opens.
    pub(crate) admit: Option<Admit>,
}

impl Content {
    /// Chooses, renames, writes the user name, and asks the app, in this order. The app may take its time for its last
    /// word.
    pub(crate) async fn of(
        &self,
        authentication: &Arc<Authentication>,
        cas_url: &str,
        now: UnixSeconds,
    ) -> Result<NewSession, Rejected> {
        let session = self.at_once(authentication, cas_url, now)?;
        let Some(admit) = &self.admit else {
            return Ok(session);
        };
        let session = admit.ask(session).await?;
        check_user_name(&session.name).map_err(Rejected::BadName)?;
        Ok(session)
    }

    /// The same without what takes time.
    fn at_once(
        &self,
        authentication: &Arc<Authentication>,
        cas_url: &str,
        now: UnixSeconds,
    ) -> Result<NewSession, Rejected> {
        let mut session = NewSession {
            authentication: Arc::clone(authentication),
            cas_url: cas_url.to_owned(),
            name: self.user_name(authentication.user()),
            attributes: self.attributes(authentication.attributes()),
            validated_at: now,
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
            .field("admit", &self.admit)
            .finish()
    }
}

impl Identity {
    /// A new sign-in, which is complete now. `renewed`: the CAS server was told to ask for credentials.
    pub(crate) fn new(
        content: NewSession,
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
        // The app's own work may have taken some time since.
        let validated_at = content.validated_at;
        let credentials_at = if renewed || is_new {
            Some(validated_at)
        } else if long_term == Some(true) {
            // A token was authenticated, whatever the date says.
            None
        } else {
            let date = authentication.authentication_date().map(to_unix);
            date.map(|date| date.min(validated_at))
        };
        Self {
            id,
            family: None,
            issued_at: now,
            expires_at: now.saturating_add(lifetime),
            authentication_date: authentication.authentication_date().map(to_unix),
            is_from_new_login: authentication.is_from_new_login(),
            long_term_authentication_request_token_used: long_term,
            remembered,
            credentials_at,
            proxies: authentication.proxies().to_vec(),
            granting_ticket: None,
            user: content.name().into(),
            payload: Zeroizing::default(),
            attributes: Held::given(content.into_attributes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::protocol::parse_service_response;

    const CAS: &str = "https://cas.example.org";

    const NOW: UnixSeconds = 1_000;

    /// Alice as a CAS server speaks of her.
    fn alice() -> Arc<Authentication> {
        let attributes = "<mail>a@x</mail><urn.1>one</urn.1><group>g1</group><urn.2>two</urn.2>\
                          <group>g2</group><isFromNewLogin>true</isFromNewLogin>";
        let answer = format!(
            "<serviceResponse xmlns=\"http://www.yale.edu/tp/cas\"><authenticationSuccess><user>Älice</user>\
             <attributes>{attributes}</attributes></authenticationSuccess></serviceResponse>"
        );
        let parsed = parse_service_response(answer.as_bytes());
        Arc::new(parsed.ok().expect("an authentication"))
    }

    fn attributes(content: &Content) -> Vec<(String, Vec<String>)> {
        let alice = alice();
        let session = content.at_once(&alice, CAS, NOW).unwrap();
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
        map: impl Fn(&mut NewSession) -> Result<(), Veto> + Send + Sync + 'static,
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
            assert_eq!(
                content.at_once(&alice(), CAS, NOW).unwrap().name(),
                expected
            );
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
        let session = content.at_once(&alice, CAS, NOW).unwrap();
        assert_eq!(session.name(), "ÄLICE@g1.g2");
        assert_eq!(attributes(&content), [entry("new", &["value"])]);
    }

    #[tokio::test]
    async fn the_session_begins_after_the_apps_work_and_credentials_are_as_old_as_the_validation() {
        let work = async |mut session: NewSession| {
            session.set_name("al");
            Ok(session)
        };
        let content = Content {
            admit: Some(Admit::new(work, Duration::from_secs(10))),
            ..Content::default()
        };
        let session = content.of(&alice(), CAS, NOW).await.unwrap();
        let lifetimes = Lifetimes {
            session: 100,
            idle: None,
            remembered: None,
        };
        let identity = Identity::new(session, [7; 16].into(), true, NOW + 9, &lifetimes);
        assert_eq!(identity.user(), "al");
        assert_eq!(identity.credentials_at, Some(NOW));
        assert_eq!(identity.issued_at, NOW + 9);
        assert_eq!(identity.expires_at, NOW + 109);
    }

    #[test]
    fn a_veto_and_a_name_that_is_none_open_no_session() {
        let vetoed = mapped(|_| Err(Veto::new("no")))
            .at_once(&alice(), CAS, NOW)
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
                matches!(
                    content.at_once(&alice(), CAS, NOW),
                    Err(Rejected::BadName(_))
                ),
                "{bad:?}"
            );
        }
        let longest = mapped(|session| {
            session.set_name("x".repeat(1_024));
            Ok(())
        });
        assert!(longest.at_once(&alice(), CAS, NOW).is_ok());
    }

    #[test]
    fn neither_name_nor_values_are_printed() {
        let alice = alice();
        let session = Content::default().at_once(&alice, CAS, NOW).unwrap();
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
            let authentication = Arc::new(parsed.ok().unwrap());
            let content = Content::default();
            let content = content.at_once(&authentication, CAS, NOW).unwrap();
            let lifetimes = Lifetimes {
                session: 100,
                idle: None,
                remembered: None,
            };
            Identity::new(content, [7; 16].into(), false, NOW, &lifetimes)
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
            let parsed = parse_service_response(answer.as_bytes());
            let authentication = Arc::new(parsed.ok().unwrap());
            let content = Content::default();
            let content = content.at_once(&authentication, CAS, NOW).unwrap();
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
