//! For tests of apps: a CAS server, a browser, and users made by hand. **Not for production.**
//!
//! # Which to take
//!
//! | what you test | what you take |
//! | --- | --- |
//! | a handler: what it shows to whom | [`CasUserBuilder`], and [`StandIn`] for visitors who have not signed in: no layer, no CAS server |
//! | the app with its layers: rules, sign-in, sign-out, forms, htmx | [`TestBrowser`], which signs in at a [`CasServer`]; the app needs no socket |
//! | the app on a socket: single logout, WebSockets, a program of its own | [`CasServer::sign_in`] with a client of reqwest |
//!
//! The guide's page [Testing your app](crate::guide::testing) has an example of each. [`registry_contract`] tests a registry of
//! your own.
//!
//! # The CAS server
//!
//! [`CasServer`] speaks CAS 1, 2, 3 and SAML 1.1 over a real socket on loopback, so that a test can
//! sign in through the same requests that a browser and a service make: a login form, a
//! ticket-granting cookie, single-use service tickets and their validation, proxies. It is written only from the
//! protocol text and shares no protocol code with the rest of this crate, so that one mistake
//! cannot hide on both sides.
//!
//! With `CasServerBuilder::jwt_tickets` (feature `jwt`), tickets are JSON web tokens.
//!
//! It is not for production: passwords are kept in the clear, nothing limits guessing, everything
//! lives in memory, there is no TLS, and [`Quirk`]s and [`Fault`]s make it misbehave on purpose.
//! It listens on loopback addresses only and refuses any other, and only services on loopback are
//! sent anything: logout requests and proxy callbacks.
//!
//! # Endpoints
//!
//! All are below [`CasServer::url`]; the section numbers are those of CAS Protocol 3.0.3. Any
//! other path, a doubled slash or a trailing slash is 404; any other method is 405.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /login` (2.1) | a login form; with a ticket-granting cookie and no `renew` a ticket at once; with `gateway` and no cookie back to `service` without a ticket. `renew` wins over `gateway`. With `warn` and a cookie a page that leads on (2.2.1), and no ticket with `gateway` beside it. [`CasServer::login_requests`] tells what was asked for |
//! | `POST /login` (2.2) | signs in: cookie `TGC`, then 302 to `service` with `ticket` in its query, or with `method=POST` a page whose form posts `ticket` to `service`; without a service a page. A wrong password or a stale form is the form again, with status 403. With `rememberMe`, which the form takes from the URL, answers about the session's tickets say so (2.2.2) |
//! | `GET /logout` (2.3) | ends the session, drops its tickets and [tells its services](#single-logout); then with an http or https URL as `service` 302 to it; with one as `url` a page that links to it; else a page |
//! | `GET /logout?_eventId=next&RelayState=` | goes on with a logout by [`FrontChannel::Redirects`]; a `RelayState` that is not known, or was used before, is a page with status 400 |
//! | `GET /validate` (2.4) | `yes` and the user's name, or `no` |
//! | `GET /serviceValidate`, `/proxyValidate` (2.5, 2.6) | XML without attributes, or JSON with `format=JSON` |
//! | `GET /p3/serviceValidate`, `/p3/proxyValidate` (2.8, 2.9) | the same with attributes |
//! | `GET /proxy` (2.7) | a [proxy ticket](#proxies), in XML, or JSON with `format=JSON` |
//! | `POST /samlValidate` (4.2) | SAML 1.1 with attributes, in a SOAP envelope; a request needs `text/xml`, a `SOAPAction` and a SOAP envelope with a SAML request, else 4xx. The service is `TARGET` |
//!
//! With [`CasServerBuilder::rest`], there is also Apereo's REST protocol, whose requests are forms:
//!
//! | request | answer |
//! | --- | --- |
//! | `POST /v1/tickets`, with `username` and `password` | 201, and `Location` ends with a ticket-granting ticket; 401 for a wrong password |
//! | `POST /v1/tickets/{ticket}`, with `service` | a service ticket, which does not count with `renew`; 404 for a ticket that is not known |
//! | `DELETE /v1/tickets/{ticket}` | the end of that session, as by a logout; 404 for a ticket that is not known |
//! | `POST /v1/users`, with `username` and `password` | 200 and the user in JSON; 401 for a wrong password |
//!
//! A login with `TARGET` in place of `service`, or beside it, comes back with `SAMLart` in place of
//! `ticket`. A SAML assertion is good for 30 s.
//!
//! A ticket is good for one attempt, for the service it was issued for (byte for byte) and for
//! 60 s by default. An attempt with another service burns it. With `renew` a ticket is only good
//! if it came from a password and not from the cookie, or through a proxy.
//!
//! # Proxies
//!
//! A service that asks about a ticket at `/serviceValidate`, `/proxyValidate` or their `/p3` forms
//! with a `pgtUrl` gets a proxy-granting ticket (2.5.4): while it waits for the answer, the server
//! calls `GET pgtUrl` as it is, to see that somebody is there, and then
//! `GET pgtUrl?pgtId=PGT-…&pgtIou=PGTIOU-…`, or with `&` after a query that `pgtUrl` has. When both are answered
//! with status 200 the answer has the IOU, as `proxyGrantingTicket`. Otherwise it is a
//! success without an IOU, a line in the log says why, and the proxy-granting ticket is worth
//! nothing. `/validate` and `/samlValidate` ignore `pgtUrl`.
//!
//! A `pgtUrl` has to be on https, with a certificate of an authority that was given to
//! [`CasServerBuilder::ca`], and on loopback as for [logout requests](#single-logout). The two calls
//! may take 5 s together, no redirect is followed, and no body is read.
//! [`CasServerBuilder::allow_http_callbacks`] and [`CasServerBuilder::accept_any_certificate`]
//! ask for less.
//!
//! `/proxy?pgt=PGT-…&targetService=S` answers `proxySuccess` with a `proxyTicket`, `PT-…`, or
//! `proxyFailure`:
//!
//! | code | when |
//! | --- | --- |
//! | `INVALID_REQUEST` | a parameter is missing or empty |
//! | `UNAUTHORIZED_SERVICE` | `targetService` is not among [`CasServerBuilder::target_services`] |
//! | `INVALID_TICKET` | the proxy-granting ticket is not known, has expired, or its session has ended |
//!
//! A proxy ticket is like a service ticket, but good at `/proxyValidate` and `/p3/proxyValidate`
//! alone. Those name the proxies it came through by their `pgtUrl`, the most recent first; asked
//! with a `pgtUrl` they give a proxy-granting ticket whose own tickets come through one proxy more.
//! `/serviceValidate` and `/p3/serviceValidate` refuse it with `INVALID_TICKET_SPEC`, and do not use
//! it up.
//!
//! A proxy-granting ticket can be used any number of times, until the session that it comes from ends. When the same
//! user types the password again, it goes on with the new session.
//!
//! ```
//! use axum::{Router, routing::get};
//! use cas_layer::testing::CasServer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let cas = CasServer::builder().allow_http_callbacks(true).start().await?;
//!
//! // A service that validates a ticket with a `pgtUrl` is called back there.
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let pgt_url = format!("http://{}/pgt", listener.local_addr()?);
//! let app = Router::new().route("/pgt", get(async || "thank you"));
//! tokio::spawn(async move { axum::serve(listener, app).await });
//! let service = "https://app.example.org/login";
//! let ticket = cas.issue_ticket("casuser", service);
//! let mut url = url::Url::parse(&format!("{}/p3/serviceValidate", cas.url()))?;
//! url.query_pairs_mut().extend_pairs([("service", service), ("ticket", &ticket), ("pgtUrl", &pgt_url)]);
//! let answer = reqwest::get(url).await?.text().await?;
//! assert!(answer.contains("<cas:proxyGrantingTicket>PGTIOU-"));
//! assert_eq!(cas.proxy_callbacks().len(), 2);
//!
//! // A back end that takes proxied users can be tested without any proxy.
//! let back_end = "https://back.example.org/api";
//! let ticket = cas.issue_proxy_ticket("casuser", &["https://app.example.org/pgt"], back_end);
//! let mut url = url::Url::parse(&format!("{}/p3/proxyValidate", cas.url()))?;
//! url.query_pairs_mut().extend_pairs([("service", back_end), ("ticket", &ticket)]);
//! let answer = reqwest::get(url).await?.text().await?;
//! assert!(answer.contains("<cas:proxy>https://app.example.org/pgt</cas:proxy>"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Single logout
//!
//! When a session ends, every service that a ticket was issued for in it gets a logout request
//! (2.3.3, appendix C), whether the ticket was validated or not: a `POST` to the service URL with
//! the form field `logoutRequest`, XML with the ticket as `SessionIndex`. The requests go out side
//! by side, up to 100 at once, each with a time limit, and the browser is answered when all are
//! done. Redirects are not followed, and no proxy is used. A service that does not answer with a
//! 2xx status in time is logged, without the ticket, and that is all.
//!
//! **Requests go to loopback only:** to http and https URLs whose host is `localhost`, a name below
//! it, or an address in `127.0.0.0/8` or `::1`. Names are taken for `127.0.0.1` and `::1`, whatever
//! the system says. Any other service is left out, and a line in the log says so. On https a
//! service needs a certificate of an authority that was given to [`CasServerBuilder::ca`].
//!
//! [`CasServer::log_out`] does the same for every session of a user, and reports. When a session is
//! too old to give tickets no service hears of it. Typing the password again goes on with the
//! services of the session before.
//!
//! Proxies hear of it too: for a proxy-granting ticket its `pgtUrl` gets a logout request with that
//! as `SessionIndex`, and for a proxy ticket the service that it was issued for.
//!
//! With a [`FrontChannel`] the server sends nothing itself: the browser carries the requests, by what it fetches
//! along with the page after a logout, or by redirects. Here too, requests go to loopback only. No browser has seen
//! proxy-granting tickets and proxy tickets, so nobody hears of those then.
//!
//! ```
//! use axum::{Router, http::StatusCode, routing::post};
//! use cas_layer::testing::{CasServer, LogoutReport};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let cas = CasServer::start().await?;
//!
//! // A service that takes what is a logout request, and nothing else.
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let service = format!("http://{}/login", listener.local_addr()?);
//! let app = Router::new().route("/login", post(async |form: String| {
//!     if form.starts_with("logoutRequest=") { StatusCode::OK } else { StatusCode::BAD_REQUEST }
//! }));
//! tokio::spawn(async move { axum::serve(listener, app).await });
//!
//! let ticket = cas.issue_ticket("casuser", &service);
//! // The service would validate the ticket and open a session of its own. It ends again:
//! assert_eq!(cas.log_out("casuser").await, LogoutReport { sent: 1, accepted: 1 });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//!
//! Request bodies may have 64 KiB. Of sessions, unused tickets, tickets whose session is open,
//! proxy-granting tickets, open login forms, logouts by redirects, and calls to a `pgtUrl` the
//! newest 10,000 each are kept. A session lasts 8 h.
//! Time is tokio's, so a test can pause and advance it.
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
mod browser;
mod builder;
mod cas_user;
mod connection;
mod contract;
mod cookies;
mod fault;
mod frames;
#[cfg(feature = "jwt")]
mod jwt;
mod login;
mod login_request;
mod logout;
mod loopback;
mod markup;
mod navigate;
mod outgoing;
mod pages;
mod params;
mod preview;
mod proxy;
mod quirks;
mod random;
#[cfg(feature = "released-secrets")]
mod release;
mod rest;
mod saml;
mod server;
mod service;
mod sign_in;
mod single_logout;
mod stand_in;
mod state;
mod stopping;
mod user;
mod validate;
mod visits;

#[cfg(test)]
mod tests;

pub use crate::clock::ManualClock;

pub use browser::{TestBrowser, TestPage};
pub use builder::CasServerBuilder;
pub use cas_user::CasUserBuilder;
pub use contract::{RegistryStore, registry_contract};
pub use fault::Fault;
#[cfg(feature = "jwt")]
pub use jwt::JwtIssuer;
pub use login_request::LoginRequest;
pub use navigate::VisitError;
pub use preview::page;
pub use proxy::ProxyCallback;
pub use quirks::Quirk;
pub use server::CasServer;
pub use single_logout::{FrontChannel, LogoutReport, MessageEncoding};
pub use stand_in::{StandIn, StandInService};
pub use user::User;
