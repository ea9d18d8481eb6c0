//! What real servers do that the protocol text does not say.

use std::collections::HashSet;
use std::sync::Arc;

/// Something that a real CAS server was seen to do, for the [`CasServer`](super::CasServer) to
/// imitate.
///
/// Several can be on at once; of two that exclude each other (two namespaces, say) one wins.
/// A client should sign people in under every single one of them, with two exceptions:
/// [`UnescapedText`](Self::UnescapedText), whose answers it must refuse when they come out
/// malformed, and [`TicketAfterFragment`](Self::TicketAfterFragment), which loses the ticket when
/// the service URL has a fragment. A service should end its session at the logout requests of every
/// single one, but for the tickets that [`LogoutNewestOnly`](Self::LogoutNewestOnly) forgets and
/// [`LogoutSkipsProxies`](Self::LogoutSkipsProxies) leaves out. What a back end makes of the two
/// quirks of chains is for it to decide: not all proxies are named, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quirk {
    /// Sorts the query of the service URL on the way back, `ticket` included, turns `%20` into
    /// `+` and drops empty parameters, yet compares the original at validation.
    RewriteServiceQuery,
    /// Puts the ticket behind the fragment of the service URL.
    TicketAfterFragment,
    /// Sends an old, worthless `ticket` parameter before the good one, as servers do that append
    /// to a service URL which still carries one.
    TwoTickets,
    /// Replaces a `ticket` parameter that the service URL already carries.
    ReplaceTicketInService,
    /// Compares scheme, host, port and path of service URLs and nothing else.
    CompareWithoutQuery,
    /// Refuses to sign in to a service URL with `<`, `>`, `"` or `'` in it, encoded or not.
    RefuseMarkupInService,
    /// Takes only `true` for `renew` and `gateway`; otherwise any value counts, even `false`.
    StrictFlags,
    /// Answers with a redirect although `method=POST` was asked for.
    IgnoreMethodPost,
    /// Has the browser post every ticket, asked for by `method=POST` or not, as servers do for a service whose response
    /// type is `POST`.
    PostUnasked,
    /// Answers with XML although `format=JSON` was asked for.
    IgnoreJsonFormat,
    /// Answers `/logout?url=` with an error page (status 500) and keeps the session.
    LogoutUrlFails,
    /// Knows `service` alone at the login page, not the `TARGET` of SAML 1.1.
    IgnoreTarget,
    /// Answers a login with `TARGET` with a SAML artifact for a ticket: base64 with `+`, `/` and `=`.
    ArtifactTickets,
    /// Tickets of every kind and IOUs of 256 characters, the longest that clients have to take (CAS
    /// protocol 3.1.1 to 3.4.1).
    LongTickets,
    /// Service and proxy tickets of 2,048 characters, with `:`, `@`, `+`, `/`, `=` and `%` among them.
    HugeTickets,
    /// Tickets of every kind and IOUs with `.`, `_` and `~`, which the protocol's character set (3.7) does not have.
    PunctuatedTickets,
    /// Answers refusals with status 400, the body as usual.
    FailureStatus400,
    /// Answers refusals with status 500, the body as usual.
    FailureStatus500,
    /// Answers refusals with an HTML page and status 200.
    FailureAsHtml,
    /// Answers refusals with the `no` of CAS 1 where XML or JSON was asked for.
    FailureAsPlainNo,
    /// Quotes the ticket and the service in the text of a refusal, at `/proxy` the proxy-granting
    /// ticket.
    FailureQuotesRequest,
    /// Refuses CAS 1 tickets with `no` alone, without line ends.
    BareNo,
    /// Sends XML as `text/xml` without a charset.
    TextXmlWithoutCharset,
    /// Sends XML as `application/xml`.
    ApplicationXml,
    /// Sends XML as `application/soap+xml`.
    SoapXml,
    /// Sends XML and JSON as `text/plain`.
    TextPlain,
    /// Sends answers without a content type.
    NoContentType,
    /// Sends attributes with CAS 2 answers too.
    Cas2Attributes,
    /// Sends attributes as direct children of `authenticationSuccess`.
    FlatAttributes,
    /// Sends attributes as `<attribute name="n" value="v"/>`.
    NameValueAttributes,
    /// Sends attributes as `<attribute name="n">v</attribute>`.
    NameTextAttributes,
    /// Sends attributes as `<attribute><name>n</name><value>v</value></attribute>`, with one
    /// `value` each.
    NameValueElements,
    /// Sends attributes below `userAttributes` instead of `attributes`.
    UserAttributes,
    /// Sends `<attribute name="n">v</attribute>` below `userAttributes` inside `attributes`, with
    /// only the facts about the login beside it, as the protocol's schema (appendix A) allows.
    NestedUserAttributes,
    /// Sends attributes below an element of another name, `norEduPerson`.
    WrappedAttributes,
    /// Sends every attribute twice: below `attributes` and as `<attribute name="n" value="v"/>`.
    BothDialects,
    /// Sends an element `attraStyle` among the attributes, which names the dialect.
    AttraStyleMarker,
    /// Sends attributes in another order each time, the values of one name not side by side.
    ShuffledAttributes,
    /// Escapes nothing in XML, so that values with markup inject elements or break the document,
    /// as the display name of the default user does.
    UnescapedText,
    /// Leaves empty attribute values out.
    OmitEmptyAttributes,
    /// Sends empty attribute values as `<a/>` rather than `<a></a>`.
    SelfClosingEmptyAttributes,
    /// Sends every attribute in JSON as a list, be it one value or a truth value.
    JsonLists,
    /// Sends every value in SAML in an `Attribute` of its own.
    RepeatedSamlAttributes,
    /// Sends values in SAML with `xsi:type`.
    TypedSamlValues,
    /// Sends SAML answers without `InResponseTo` and `Recipient`.
    NoSamlAddressee,
    /// Leaves the query of the service out of `Recipient` and `Audience` in SAML.
    SamlAddresseeWithoutQuery,
    /// Sends the words of a refusal in SAML in `StatusCode` instead of `StatusMessage`.
    SamlStatusText,
    /// Sends `True` and `False` for `true` and `false`, in JSON as strings.
    CapitalisedBooleans,
    /// Sends XML without any namespace, but for SAML.
    NoNamespace,
    /// Sends XML with another prefix than `cas`, and SAML with `samlp` and `saml` instead of `saml1p` and `saml1`.
    OtherPrefix,
    /// Sends XML with the CAS namespace as the default one, and SAML with its two.
    DefaultNamespace,
    /// Surrounds elements and their text with line ends (CR LF), tabs and spaces.
    SpaciousXml,
    /// Sends text as CDATA sections.
    CdataText,
    /// Puts comments between elements and into their text.
    CommentedXml,
    /// Sends all but ASCII letters and digits as numeric character references.
    NumericReferences,
    /// Begins XML with an XML declaration.
    XmlDeclaration,
    /// Begins XML with a byte order mark.
    ByteOrderMark,
    /// Sends `authenticationDate` with microseconds and an offset, `…T09:30:10.123456+00:00`.
    DateWithOffset,
    /// Sends `authenticationDate` with a named zone, `…T09:30:10.123Z[UTC]`.
    DateWithUtcZone,
    /// Sends `authenticationDate` with a region, `…T10:30:10.123+01:00[Europe/Paris]`.
    DateWithRegion,
    /// Sends `authenticationDate` as in HTTP, `Thu, 12 Nov 2015 09:30:10 GMT` (RFC 1123).
    DateRfc1123,
    /// Sends an `authenticationDate` that is not a date.
    DateUnreadable,
    /// Writes logout requests on several lines, with an XML declaration, CR LF and indentation.
    LogoutPretty,
    /// Declares both namespaces of a logout request on its root.
    LogoutNamespacesOnRoot,
    /// Leaves the `NameID` of logout requests empty.
    LogoutEmptyNameId,
    /// Sends `@NOT_USED@` as `NameID` of logout requests.
    LogoutNotUsedNameId,
    /// Sends logout requests with neither `NameID` nor `IssueInstant`, and with a placeholder as
    /// `ID`.
    LogoutBare,
    /// Sends the ticket as `ID` of its logout request.
    LogoutIdIsTicket,
    /// Sends `IssueInstant` with microseconds and an offset, `…T09:30:10.123456+00:00`.
    LogoutDateWithOffset,
    /// Sends logout requests to the service URL without its query.
    LogoutWithoutQuery,
    /// Sends logout requests as `application/x-www-form-urlencoded; charset=UTF-8`.
    LogoutFormCharset,
    /// Tells a service about all of its tickets in one logout request with many `SessionIndex`.
    LogoutManyIndexes,
    /// Forgets a ticket when the session gets another one for the same service URL: that service
    /// hears of the newest one alone. Tickets issued without a browser count as one session.
    LogoutNewestOnly,
    /// Sends every logout request twice, side by side.
    LogoutTwice,
    /// Answers a logout without waiting for the services.
    LogoutInBackground,
    /// Sends a proxy-granting ticket to its `pgtUrl` at once. Without this the server first calls the
    /// `pgtUrl` without parameters of its own.
    CallbackWithoutProbe,
    /// Calls a `pgtUrl` twice without parameters before it sends the proxy-granting ticket.
    CallbackProbesTwice,
    /// Sends `pgtIou` before `pgtId` to a `pgtUrl`.
    CallbackIouFirst,
    /// Sends a proxy-granting ticket twice to its `pgtUrl`, one after the other.
    CallbackTwice,
    /// Answers a validation with an IOU before the `pgtUrl` is called, which is when
    /// [`release_proxy_callbacks`](super::CasServer::release_proxy_callbacks) says so.
    CallbackLate,
    /// Follows up to five redirects from a `pgtUrl`, where it could call that one itself. The status
    /// at the end counts.
    CallbackFollowsRedirects,
    /// Refuses a ticket with `INVALID_PROXY_CALLBACK` when the `pgtUrl` does not take the
    /// proxy-granting ticket, and has used the ticket up. Without this the answer is a success without an IOU.
    CallbackFailureRefuses,
    /// Names the most recent proxy of a proxy ticket alone.
    ChainLastProxyOnly,
    /// Names the services that proxy tickets were issued for in place of the proxies.
    ChainOfTargets,
    /// Answers refusals of `/proxy` with `authenticationFailure` in place of `proxyFailure`.
    ProxyFailureAsAuthenticationFailure,
    /// Answers refusals of `/proxy` with status 500 and an HTML page.
    ProxyFailureStatus500,
    /// Answers refusals of `/proxy` with a `proxySuccess` without a ticket.
    ProxyFailureAsEmptySuccess,
    /// Refuses proxy tickets for a service that is not allowed with `UNAUTHORIZED_SERVICE_PROXY`
    /// rather than `UNAUTHORIZED_SERVICE`.
    UnauthorizedServiceProxy,
    /// Sends no logout requests for proxy-granting tickets and proxy tickets.
    LogoutSkipsProxies,
    /// Deletes an unused ticket when the same session gets another one for the same scheme, host, port and path, as
    /// Apereo CAS does by default. Tickets issued without a browser count as one session.
    OnlyNewestTicket,
    /// Sends the attributes of users alone, without `authenticationDate` and the other facts about the login. In SAML,
    /// the time of the login stays in its `AuthenticationStatement`.
    OmitLoginFacts,
    /// As [`CallbackFailureRefuses`](Self::CallbackFailureRefuses), but the ticket stays good, as with Apereo CAS.
    CallbackFailureKeepsTicket,
    /// Lets no app be a proxy: refuses a ticket with `UNAUTHORIZED_SERVICE_PROXY` when there is a `pgtUrl`, which is
    /// not called. The ticket is used up, unless [`CallbackFailureKeepsTicket`](Self::CallbackFailureKeepsTicket) is on.
    NoProxies,
    /// Does not ask for the password with `renew` where there is a session, as `LemonLDAP::NG` does while the session
    /// is seconds old. At validation, `renew` counts as ever: nobody gave the password for that ticket, which
    /// is refused with `INVALID_TICKET_SPEC` (CAS protocol 2.5.3).
    RenewSparesSessions,
    /// Lets pages of every site frame its own, and keeps its cookies apart for each of them (`SameSite=None; Secure;
    /// Partitioned`). Without this nobody frames its pages, and its cookies are `SameSite=Lax`.
    Framed,
    /// Has browsers send its cookies in frames too (`SameSite=None; Secure`), as far as they still do that.
    ThirdPartyCookies,
    /// Names a new ticket-granting ticket by the path of its URL alone.
    RestRelativeLocation,
    /// Answers a wrong password in the REST protocol with status 400, as old servers do.
    RestRefusal400,
}

impl Quirk {
    /// Every quirk, to run a test under each of them.
    pub const ALL: &'static [Self] = &[
        Self::RewriteServiceQuery,
        Self::TicketAfterFragment,
        Self::TwoTickets,
        Self::ReplaceTicketInService,
        Self::CompareWithoutQuery,
        Self::RefuseMarkupInService,
        Self::StrictFlags,
        Self::IgnoreMethodPost,
        Self::PostUnasked,
        Self::IgnoreJsonFormat,
        Self::LogoutUrlFails,
        Self::IgnoreTarget,
        Self::ArtifactTickets,
        Self::LongTickets,
        Self::HugeTickets,
        Self::PunctuatedTickets,
        Self::FailureStatus400,
        Self::FailureStatus500,
        Self::FailureAsHtml,
        Self::FailureAsPlainNo,
        Self::FailureQuotesRequest,
        Self::BareNo,
        Self::TextXmlWithoutCharset,
        Self::ApplicationXml,
        Self::SoapXml,
        Self::TextPlain,
        Self::NoContentType,
        Self::Cas2Attributes,
        Self::FlatAttributes,
        Self::NameValueAttributes,
        Self::NameTextAttributes,
        Self::NameValueElements,
        Self::UserAttributes,
        Self::NestedUserAttributes,
        Self::WrappedAttributes,
        Self::BothDialects,
        Self::AttraStyleMarker,
        Self::ShuffledAttributes,
        Self::UnescapedText,
        Self::OmitEmptyAttributes,
        Self::SelfClosingEmptyAttributes,
        Self::JsonLists,
        Self::RepeatedSamlAttributes,
        Self::TypedSamlValues,
        Self::NoSamlAddressee,
        Self::SamlAddresseeWithoutQuery,
        Self::SamlStatusText,
        Self::CapitalisedBooleans,
        Self::NoNamespace,
        Self::OtherPrefix,
        Self::DefaultNamespace,
        Self::SpaciousXml,
        Self::CdataText,
        Self::CommentedXml,
        Self::NumericReferences,
        Self::XmlDeclaration,
        Self::ByteOrderMark,
        Self::DateWithOffset,
        Self::DateWithUtcZone,
        Self::DateWithRegion,
        Self::DateRfc1123,
        Self::DateUnreadable,
        Self::LogoutPretty,
        Self::LogoutNamespacesOnRoot,
        Self::LogoutEmptyNameId,
        Self::LogoutNotUsedNameId,
        Self::LogoutBare,
        Self::LogoutIdIsTicket,
        Self::LogoutDateWithOffset,
        Self::LogoutWithoutQuery,
        Self::LogoutFormCharset,
        Self::LogoutManyIndexes,
        Self::LogoutNewestOnly,
        Self::LogoutTwice,
        Self::LogoutInBackground,
        Self::CallbackWithoutProbe,
        Self::CallbackProbesTwice,
        Self::CallbackIouFirst,
        Self::CallbackTwice,
        Self::CallbackLate,
        Self::CallbackFollowsRedirects,
        Self::CallbackFailureRefuses,
        Self::ChainLastProxyOnly,
        Self::ChainOfTargets,
        Self::ProxyFailureAsAuthenticationFailure,
        Self::ProxyFailureStatus500,
        Self::ProxyFailureAsEmptySuccess,
        Self::UnauthorizedServiceProxy,
        Self::LogoutSkipsProxies,
        Self::OnlyNewestTicket,
        Self::OmitLoginFacts,
        Self::CallbackFailureKeepsTicket,
        Self::NoProxies,
        Self::RenewSparesSessions,
        Self::Framed,
        Self::ThirdPartyCookies,
        Self::RestRelativeLocation,
        Self::RestRefusal400,
    ];
}

/// The quirks that are on during one request.
#[derive(Clone, Debug, Default)]
pub(super) struct Quirks(Arc<HashSet<Quirk>>);

impl Quirks {
    pub(super) fn has(&self, quirk: Quirk) -> bool {
        self.0.contains(&quirk)
    }
}

impl FromIterator<Quirk> for Quirks {
    fn from_iter<I: IntoIterator<Item = Quirk>>(quirks: I) -> Self {
        Self(Arc::new(quirks.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::Quirk;

    #[test]
    fn the_list_of_all_quirks_is_complete() {
        let listed: Vec<usize> = Quirk::ALL.iter().map(|quirk| *quirk as usize).collect();
        let declared: Vec<usize> = (0..=Quirk::RestRefusal400 as usize).collect();
        assert_eq!(listed, declared);
    }
}
