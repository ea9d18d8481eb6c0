//! The REST protocol of CAS servers, for programs that have a user's password.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use reqwest::{Method, RequestBuilder, StatusCode};
use zeroize::Zeroizing;

use super::{
    cas_client::CasClient,
    fetch::{Answered, fetch_any},
    rest_error::{Asked, RestError, RestErrorKind},
};
use crate::protocol::{
    Password, ServerUrl, ServiceTicket, ServiceUrl, TicketGrantingTicket, check_user_name, form,
    names_a_user, service_ticket_in,
};

const FORM: &str = "application/x-www-form-urlencoded";

/// The REST protocol (`/v1/tickets`, `/v1/users`), where the CAS server offers it. It is for programs that have a password;
/// a person signs in at the [login page](Self::login_url).
///
/// A password is sent over https alone, or to this machine, whatever
/// [`allow_insecure_http`](crate::CasClientBuilder::allow_insecure_http) says. It is sent once: a second time would count
/// as a second attempt, so a call that gets no answer has failed. Everything else is as for a validation:
/// [the internal URL](crate::CasClientBuilder::internal_url), certificates, time limits, and no redirects. Of several nodes,
/// the main one alone is asked.
impl CasClient {
    /// Signs in. The ticket is a session at the CAS server: [destroy](Self::destroy) it when the work is done.
    ///
    /// Needs a tokio runtime with time and I/O enabled.
    ///
    /// ```no_run
    /// use cas_layer::{CasClient, Password, ServiceUrl};
    ///
    /// # async fn example(client: &CasClient, password: Password) -> Result<(), Box<dyn std::error::Error>> {
    /// let session = client.sign_in_with_password("robot", &password).await?;
    /// let service = ServiceUrl::parse("https://api.example.org/records")?;
    /// let ticket = client.service_ticket(&session, &service).await?;
    /// // Request the service with `Authorization: CAS <ticket>`, or as the service wants it. Then:
    /// client.destroy(&session).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`RestErrorKind`] tells a wrong password from a server that wants no further attempts, does not offer this, cannot
    /// be reached, takes too long, or sends an answer that cannot be read.
    pub async fn sign_in_with_password(
        &self,
        user: &str,
        password: &Password,
    ) -> Result<TicketGrantingTicket, RestError> {
        let url = self.inner.asked().tickets();
        let answer = self.send_password(&url, user, password).await?;
        if answer.status != StatusCode::CREATED {
            return Err(RestError::status(answer.status, Asked::ToSignIn));
        }
        let mut locations = answer.headers.get_all(LOCATION).iter();
        let (Some(location), None) = (locations.next(), locations.next()) else {
            return Err(RestError::unreadable("it does not name one ticket"));
        };
        let location = location.to_str().unwrap_or_default();
        let hosts = [self.inner.asked(), &self.inner.server].map(ServerUrl::host);
        TicketGrantingTicket::of_location(location, hosts).map_err(RestError::unreadable)
    }

    /// Whether this is the user's password, without a session at the CAS server (`/v1/users`).
    ///
    /// # Errors
    ///
    /// As for [`sign_in_with_password`](Self::sign_in_with_password). Some servers offer that and not this.
    pub async fn check_password(&self, user: &str, password: &Password) -> Result<(), RestError> {
        let url = self.inner.asked().users();
        let answer = self.send_password(&url, user, password).await?;
        match answer.status {
            StatusCode::OK if names_a_user(&answer.body) => Ok(()),
            StatusCode::OK => Err(RestError::unreadable("it names no user")),
            status => Err(RestError::status(status, Asked::ToSignIn)),
        }
    }

    /// Buys a ticket for `service`, good for one request. A request over a connection that stays silent is sent [once
    /// more](CasClient).
    ///
    /// # Errors
    ///
    /// [`RestErrorKind`] tells a session that has ended from a service that is not allowed, and both from a server that
    /// cannot be reached, takes too long, or sends an answer that cannot be read.
    pub async fn service_ticket(
        &self,
        session: &TicketGrantingTicket,
        service: &ServiceUrl,
    ) -> Result<ServiceTicket, RestError> {
        let fields = [("service", service.as_str())];
        let answer = self.ask_with(Method::POST, session, &fields).await?;
        if answer.status != StatusCode::OK {
            return Err(RestError::status(answer.status, Asked::WithTicket));
        }
        service_ticket_in(&answer.body, answer.content_type().as_deref())
            .map_err(RestError::unreadable)
    }

    /// Ends a session at the CAS server. The services that it bought tickets for may hear of it. One that has ended
    /// before is no error.
    ///
    /// # Errors
    ///
    /// The session may still be there if the server cannot be reached, takes too long, or answers with another status than
    /// 200, 204, 404 or 410.
    pub async fn destroy(&self, session: &TicketGrantingTicket) -> Result<(), RestError> {
        let answer = self.ask_with(Method::DELETE, session, &[]).await?;
        match answer.status {
            StatusCode::OK | StatusCode::NO_CONTENT | StatusCode::NOT_FOUND | StatusCode::GONE => {
                Ok(())
            }
            status => Err(RestError::status(status, Asked::WithTicket)),
        }
    }

    /// Sends a password, once: not by `Connections::ask`, which would send it again where the first may have arrived.
    async fn send_password(
        &self,
        url: &str,
        user: &str,
        password: &Password,
    ) -> Result<Answered, RestError> {
        self.check_way()?;
        let password = password.expose_secret();
        check_user_name(user).map_err(RestError::not_sent)?;
        if password.is_empty() || password.len() > Password::MAX_BYTES {
            return Err(RestError::not_sent("the password is empty, or too long"));
        }
        let form = form(&[("username", user), ("password", password)]);
        let request = self.inner.http.post(url);
        Ok(fetch_any(with_form(request, form).timeout(self.timeout())).await?)
    }

    async fn ask_with(
        &self,
        method: Method,
        session: &TicketGrantingTicket,
        fields: &[(&str, &str)],
    ) -> Result<Answered, RestError> {
        self.check_way()?;
        let inner = &*self.inner;
        let url = inner.asked().ticket(session);
        let ask = async |left| {
            let mut request = inner.http.request(method.clone(), url.as_str());
            if !fields.is_empty() {
                request = with_form(request, form(fields)).header(ACCEPT, "text/plain");
            }
            Ok(fetch_any(request.timeout(left)).await?)
        };
        let is_time_out = |error: &RestError| error.kind() == RestErrorKind::TimedOut;
        inner.connections.ask(inner.timeout, is_time_out, ask).await
    }

    /// Whether the CAS server is asked over https, or is this machine.
    pub(crate) fn is_safe_for_passwords(&self) -> bool {
        self.inner.asked().is_safe_for_passwords()
    }

    /// Where passwords are sent.
    pub(crate) fn url_for_passwords(&self) -> &str {
        self.inner.asked().as_str()
    }

    /// A password, and what stands for one, goes over no network in clear.
    fn check_way(&self) -> Result<(), RestError> {
        if self.is_safe_for_passwords() {
            return Ok(());
        }
        Err(RestError::not_sent(
            "the CAS server is asked over plain http, so no password is sent",
        ))
    }
}

/// The body is overwritten once the HTTP library has sent it.
fn with_form(request: RequestBuilder, form: Zeroizing<Vec<u8>>) -> RequestBuilder {
    request
        .header(CONTENT_TYPE, FORM)
        .body(Bytes::from_owner(form))
}
