//! Asking for proxy tickets.

use super::{
    cas_client::CasClient,
    fetch::fetch,
    nodes::{Asking, Tell},
    proxy_error::ProxyTicketError,
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
        self.proxy_ticket_as(ticket, target, &|change| change.log())
            .await
    }

    /// The same, for somebody who counts changes of nodes.
    pub(crate) async fn proxy_ticket_as(
        &self,
        ticket: &ProxyGrantingTicket,
        target: &ServiceUrl,
        tell: Tell<'_>,
    ) -> Result<ProxyTicket, ProxyTicketError> {
        let inner = &*self.inner;
        let asking = Asking {
            connections: &inner.connections,
            clock: &self.clock,
            limit: inner.timeout,
            only: None,
            tell,
        };
        let ask = |node, left| async move {
            let url = inner.nodes.url(node).proxy(ticket, target);
            let fetched = fetch(inner.http.get(url.as_str()).timeout(left)).await?;
            let answer = parse_proxy_response(fetched.received(&inner.response_namespaces));
            fetched.judge(answer, |error| {
                ProxyTicketError::from_response(error, ticket)
            })
        };
        inner.nodes.ask(asking, ask).await.1
    }
}
