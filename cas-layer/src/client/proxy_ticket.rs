//! Asking for proxy tickets.

use super::{
    cas_client::CasClient,
    fetch::fetch,
    proxy_error::{ProxyTicketError, ProxyTicketErrorKind},
};
use crate::protocol::{ProxyGrantingTicket, ProxyTicket, ServiceUrl, parse_proxy_response};

impl CasClient {
    /// Asks the CAS server for a ticket with which this app can call `target` in its user's name (CAS protocol 2.7).
    ///
    /// The ticket is good for one request, to exactly this `target`, within about a minute. Ask for another one for
    /// the next request. A request over a connection that stays silent is sent [once more](CasClient).
    ///
    /// Needs a tokio runtime with time and I/O enabled.
    ///
    /// ```no_run
    /// use cas_layer::{CasClient, ProxyGrantingTicket, ServiceUrl};
    ///
    /// # async fn example(
    /// #     client: &CasClient,
    /// #     granting_ticket: &ProxyGrantingTicket,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let target = ServiceUrl::parse("https://mail.example.org/inbox")?;
    /// let ticket = client.proxy_ticket(granting_ticket, &target).await?;
    /// let encoded: String =
    ///     form_urlencoded::byte_serialize(ticket.expose_secret().as_bytes()).collect();
    /// // Never log this URL.
    /// let url = format!("{}?ticket={encoded}", target.as_str());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ProxyTicketErrorKind`](crate::ProxyTicketErrorKind) tells a proxy-granting ticket that is no longer valid
    /// from a target that is not allowed, and both from a server that cannot be reached, takes too long, or sends an
    /// answer that cannot be read.
    pub async fn proxy_ticket(
        &self,
        ticket: &ProxyGrantingTicket,
        target: &ServiceUrl,
    ) -> Result<ProxyTicket, ProxyTicketError> {
        let inner = &*self.inner;
        let url = inner.asked().proxy(ticket, target);
        let ask = async |left| {
            let fetched = fetch(inner.http.get(url.as_str()).timeout(left)).await?;
            let answer = parse_proxy_response(fetched.received(&inner.response_namespaces));
            fetched.judge(answer, |error| {
                ProxyTicketError::from_response(error, ticket)
            })
        };
        let is_time_out = |error: &ProxyTicketError| error.kind() == ProxyTicketErrorKind::TimedOut;
        inner.connections.ask(inner.timeout, is_time_out, ask).await
    }
}
