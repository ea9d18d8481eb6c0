//! A small CAS server for test suites and demos. **Not for production.**
//!
//! [`CasServer`] speaks CAS 1, 2, 3 and SAML 1.1 over a real socket on loopback, so that a test can
//! sign in through the same requests that a browser and a service make: a login form, a
//! ticket-granting cookie, single-use service tickets and their validation. It is written from the
//! protocol text alone and shares no protocol code with the rest of this crate, so that one mistake
//! cannot hide on both sides.
//!
//! It is not for production: passwords are kept in the clear, nothing limits guessing, everything
//! lives in memory, there is no TLS, and [`Quirk`]s and [`Fault`]s make it misbehave on purpose.
//! It listens on loopback addresses only and refuses any other.
//!
//! # Endpoints
//!
//! All are below [`CasServer::url`]; the section numbers are those of CAS Protocol 3.0.3. Any
//! other path, a doubled slash or a trailing slash is 404; any other method is 405.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /login` (2.1) | a login form; with a ticket-granting cookie and no `renew` a ticket at once; with `gateway` and no cookie back to `service` without a ticket. `renew` wins over `gateway` |
//! | `POST /login` (2.2) | signs in: cookie `TGC`, then 302 to `service` with `ticket` in its query, or with `method=POST` a page whose form posts `ticket` to `service`; without a service a page. A wrong password or a stale form is the form again, with status 403 |
//! | `GET /logout` (2.3) | ends the session and drops its tickets; with an http or https URL as `service` 302 to it; with one as `url` a page that links to it; else a page |
//! | `GET /validate` (2.4) | `yes` and the user's name, or `no` |
//! | `GET /serviceValidate`, `/proxyValidate` (2.5, 2.6) | XML without attributes, or JSON with `format=JSON` |
//! | `GET /p3/serviceValidate`, `/p3/proxyValidate` (2.8, 2.9) | the same with attributes |
//! | `POST /samlValidate` (4.2) | SAML 1.1 with attributes, in a SOAP envelope; a request needs `text/xml`, a `SOAPAction` and a SOAP envelope with a SAML request, else 4xx. The service is `TARGET` |
//!
//! A login with `TARGET` in place of `service`, or beside it, comes back with `SAMLart` in place of
//! `ticket`. A SAML assertion is good for 30 s.
//!
//! A ticket is good for one attempt, for the service it was issued for (byte for byte) and for
//! 60 s by default. An attempt with another service burns it. With `renew` a ticket is only good
//! if it came from a password and not from the cookie. `pgtUrl` is ignored: the server issues no
//! proxy tickets.
//!
//! # Limits
//!
//! Request bodies may have 64 KiB. Of sessions, tickets and open login forms the newest 10,000
//! each are kept. A session lasts 8 h. Time is tokio's, so a test can pause and advance it.
//!
//! # Example
//!
//! ```
//! use cas_layer::testing::{CasServer, Quirk};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let cas = CasServer::start().await?;
//!
//! // A ticket as if `casuser` had just typed the password on the login page.
//! let service = "https://app.example.org/login";
//! let ticket = cas.issue_ticket("casuser", service);
//!
//! let mut url = url::Url::parse(&format!("{}/p3/serviceValidate", cas.url()))?;
//! url.query_pairs_mut().append_pair("service", service).append_pair("ticket", &ticket);
//!
//! let answer = reqwest::get(url.clone()).await?.text().await?;
//! assert!(answer.contains("<cas:user>casuser</cas:user>"));
//!
//! // A ticket is good once.
//! let answer = reqwest::get(url.clone()).await?.text().await?;
//! assert!(answer.contains("INVALID_TICKET"));
//!
//! // Some servers answer refusals with status 500. How does your service take that?
//! cas.set_quirks([Quirk::FailureStatus500]);
//! assert_eq!(reqwest::get(url).await?.status(), 500);
//!
//! assert_eq!(cas.validations(), 3);
//! cas.shutdown().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answers;
mod bounded;
mod builder;
mod connection;
mod cookies;
mod fault;
mod login;
mod logout;
mod pages;
mod params;
mod quirks;
mod random;
mod saml;
mod server;
mod service;
mod state;
mod user;
mod validate;

#[cfg(test)]
mod tests;

pub use crate::clock::ManualClock;

pub use builder::CasServerBuilder;
pub use fault::Fault;
pub use quirks::Quirk;
pub use server::CasServer;
pub use user::User;
