//! Asks the CAS server whose a ticket is.

use std::time::{Duration, Instant};

use http::{HeaderName, header};
use reqwest::RequestBuilder;

use super::{
    CasClient,
    error::ValidationError,
    fetch::{Fetched, fetch},
    nodes::{Asking, Tell},
};
use crate::{
    protocol::{
        Authentication, Protocol, SamlExpectation, SamlRequest, ServiceTicket, ServiceUrl,
        Validation, parse_saml_response, parse_service_response, parse_text_response,
    },
    seldom::{Seldom, seldom},
};

/// SOAP 1.1, section 6.1.1.
const SOAP_ACTION: HeaderName = HeaderName::from_static("soapaction");

/// What a validation asks for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Demand {
    /// The ticket counts only with fresh credentials.
    pub(crate) is_renewed: bool,
    /// Whether a proxy-granting ticket is asked for, if there is a callback for it.
    pub(crate) grant: GrantWish,
}

/// Whether a validation asks for a proxy-granting ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum GrantWish {
    #[default]
    Asked,
    /// Not again: the CAS server has refused the callback.
    GivenUp,
    /// The ticket's session at the CAS server ends at once, and all its proxy-granting tickets with it.
    NotWanted,
}

impl CasClient {
    /// Asks the CAS server whose ticket this is (CAS protocol 2.4, 2.5, 2.8, 4.2).
    ///
    /// `service` must be, byte for byte, the URL that was sent to the login page. This uses the ticket up, whatever
    /// the answer. A ticket that came through proxies is refused unless [they are
    /// accepted](crate::CasClientBuilder::accept_proxies).
    ///
    /// If the server answers that it cannot reach the [proxy callback](crate::CasClientBuilder::proxy_callback_url), or
    /// that this app may not be a proxy, the ticket is validated once more without it. The user is then known, and there
    /// is no proxy-granting ticket. If the server has used the ticket up by then, the first refusal is the error.
    ///
    /// Needs a tokio runtime with time and I/O enabled.
    ///
    /// # Errors
    ///
    /// [`ValidationErrorKind`](crate::ValidationErrorKind) tells a refused ticket from a server that cannot be reached, takes too long, or sends
    /// an answer that cannot be read. Only the first says anything about the user.
    pub async fn validate(
        &self,
        ticket: &ServiceTicket,
        service: &ServiceUrl,
    ) -> Result<Authentication, ValidationError> {
        let demand = Demand::default();
        let validated = self.validate_as(demand, ticket, service, &|change| change.log());
        validated.await.inspect(tell_unreadable)
    }

    /// The same for a ticket that counts only if the user has just given their credentials (`renew`, CAS protocol
    /// 2.5.1).
    ///
    /// # Errors
    ///
    /// As [`validate`](Self::validate). A ticket is also refused if the server itself says that the credentials are
    /// older. A ticket that came through proxies is always refused: nobody gave credentials for it.
    pub async fn validate_renewed(
        &self,
        ticket: &ServiceTicket,
        service: &ServiceUrl,
    ) -> Result<Authentication, ValidationError> {
        let demand = Demand {
            is_renewed: true,
            ..Demand::default()
        };
        let validated = self.validate_as(demand, ticket, service, &|change| change.log());
        validated.await.inspect(tell_unreadable)
    }

    /// A server that refuses the proxy callback may leave the ticket good (Apereo CAS does), or may have used it up. It is
    /// asked again without the callback, because without a proxy-granting ticket nearly all of the app still works.
    pub(crate) async fn validate_as(
        &self,
        demand: Demand,
        ticket: &ServiceTicket,
        service: &ServiceUrl,
        tell: Tell<'_>,
    ) -> Result<Authentication, ValidationError> {
        #[cfg(feature = "jwt")]
        if let Some(validated) = self.validate_token(demand, ticket, service) {
            return validated.map(|authentication| self.without_secrets(authentication));
        }
        let started = Instant::now();
        let limit = self.timeout();
        let ask = async |demand, limit, only| {
            let asking = Asking {
                connections: &self.inner.connections,
                clock: &self.clock,
                limit,
                only,
                tell,
            };
            let ask = |node, left| self.ask(demand, ticket, service, node, left);
            let (node, asked) = self.inner.nodes.ask(asking, ask).await;
            asked.map_err(|error: ValidationError| error.at(node))
        };
        let authentication = match ask(demand, limit, None).await {
            Err(refused)
                if demand.grant == GrantWish::Asked && self.is_about_callback(&refused) =>
            {
                self.tell_operator(&refused);
                let demand = Demand {
                    grant: GrantWish::GivenUp,
                    ..demand
                };
                let left = limit.saturating_sub(started.elapsed());
                // The ticket has been at this node.
                let again = ask(demand, left, Some(refused.node())).await;
                // The first refusal is the cause of the second. But what passes by itself is told, and who may not come
                // through a proxy has to know that.
                again.map_err(|second| {
                    let is_its_own = second.is_temporary() || !second.proxies().is_empty();
                    if is_its_own { second } else { refused }
                })?
            }
            asked => asked?,
        };
        if demand.is_renewed && authentication.is_from_new_login() == Some(false) {
            return Err(ValidationError::not_renewed());
        }
        Ok(authentication)
    }

    /// Whether the server refuses a ticket only because it cannot reach the proxy callback, or because this app may not
    /// be a proxy.
    pub(crate) fn is_about_callback(&self, error: &ValidationError) -> bool {
        let is_about_it = matches!(
            error.code(),
            Some("INVALID_PROXY_CALLBACK" | "UNAUTHORIZED_SERVICE_PROXY")
        );
        is_about_it && self.asks_for_grants()
    }

    /// No visitor is to blame, and nobody gets a proxy-granting ticket.
    fn tell_operator(&self, error: &ValidationError) {
        static REFUSED: Seldom = Seldom::new();
        seldom!(
            error,
            REFUSED,
            callback = self.callback(),
            %error,
            "the CAS server refuses the proxy callback: it cannot reach it, does not trust its certificate, or does not \
             let this app be a proxy. People sign in without a proxy-granting ticket"
        );
    }

    /// Asks a node once.
    async fn ask(
        &self,
        demand: Demand,
        ticket: &ServiceTicket,
        service: &ServiceUrl,
        node: usize,
        limit: Duration,
    ) -> Result<Authentication, ValidationError> {
        let inner = &*self.inner;
        let renewed = demand.is_renewed;
        let callback = inner.proxies.callback.as_ref();
        let url = inner.nodes.url(node).validate(&Validation {
            protocol: inner.protocol,
            format: inner.format,
            ticket,
            service,
            renewed,
            // No proxy ticket is a renewed one (CAS protocol 2.5.1).
            proxied: !renewed && !inner.proxies.accepted.is_empty(),
            proxy_callback: callback.filter(|_| demand.grant == GrantWish::Asked),
            extra: &inner.validation_parameters,
        });
        let get = async |url| fetch(inner.http.get(url).timeout(limit)).await;
        let (fetched, answer): (Fetched, _) = match inner.protocol {
            Protocol::Cas1 => {
                let fetched = get(url).await?;
                let answer = parse_text_response(fetched.received(&[]));
                (fetched, answer)
            }
            Protocol::Cas2 | Protocol::Cas3 => {
                let fetched = get(url).await?;
                let answer = parse_service_response(fetched.received(&inner.response_namespaces));
                (fetched, answer)
            }
            Protocol::Saml1 => {
                let mut nonce = [0; 16];
                getrandom::fill(&mut nonce).map_err(|_| ValidationError::no_randomness())?;
                let request = SamlRequest::new(nonce, self.clock.time(), ticket);
                let post = post(inner.http.post(url), &request).timeout(limit);
                let fetched = fetch(post).await?;
                let expected = SamlExpectation {
                    request_id: request.id(),
                    service,
                    now: self.clock.time(),
                    tolerance: inner.saml_clock_tolerance,
                };
                let answer = parse_saml_response(fetched.received(&[]), &expected);
                (fetched, answer)
            }
        };
        let authentication = fetched.judge(answer, |error| {
            ValidationError::from_response(error, ticket)
        })?;
        let mut authentication = self.without_secrets(authentication);
        if inner.proxies.accepted.is_empty() {
            authentication = authentication.without_user_as_proxy();
        }
        let proxies = authentication.proxies();
        if !inner.proxies.accept(proxies) || (renewed && !proxies.is_empty()) {
            return Err(ValidationError::proxied(proxies));
        }
        Ok(authentication)
    }

    /// What is no attribute, whatever brought it: an answer or a token.
    fn without_secrets(&self, mut authentication: Authentication) -> Authentication {
        #[cfg(feature = "released-secrets")]
        self.inner.service_keys.release(&mut authentication);
        authentication.drop_granting_ticket();
        authentication
    }
}

/// For a client without a layer: warns of released secrets that count for nothing.
fn tell_unreadable(authentication: &Authentication) {
    static UNREADABLE: Seldom = Seldom::new();
    let released = authentication.released();
    let granting_ticket = released.granting_ticket.as_ref();
    let credential = released.credential.as_ref();
    let granting_ticket = granting_ticket.and_then(|released| released.as_ref().err());
    let credential = credential.and_then(|released| released.as_ref().err());
    if granting_ticket.is_some() || credential.is_some() {
        seldom!(
            warn,
            UNREADABLE,
            granting_ticket = granting_ticket.map(tracing::field::display),
            credential = credential.map(tracing::field::display),
            "a secret that the CAS server released as an attribute is left out"
        );
    }
}

fn post(request: RequestBuilder, body: &SamlRequest) -> RequestBuilder {
    request
        .header(header::CONTENT_TYPE, SamlRequest::CONTENT_TYPE)
        .header(SOAP_ACTION, SamlRequest::SOAP_ACTION)
        .body(body.body().to_owned())
}
