//! Events as numbers, through the `metrics` facade. Names and labels are a contract, and every label has a short
//! list of values.

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

use super::{
    event::{Event, cas_server_state, validation_result},
    proxying::{credential_result, proxy_ticket_result},
};

const SIGN_INS: &str = "cas_layer_sign_ins_total";
const VALIDATION: &str = "cas_layer_validation_seconds";
const CAS_SERVER: &str = "cas_layer_cas_server_total";
const REBROADCASTS: &str = "cas_layer_rebroadcasts_total";
const CAS_NODES: &str = "cas_layer_cas_nodes_total";
const SESSIONS_ENDED: &str = "cas_layer_sessions_ended_total";
const LOGOUT_REQUESTS: &str = "cas_layer_logout_requests_total";
const STORAGE: &str = "cas_layer_session_storage_total";
const PROXY_CALLBACKS: &str = "cas_layer_proxy_callbacks_total";
const PROXY_GRANTS: &str = "cas_layer_proxy_grants_total";
const CREDENTIALS: &str = "cas_layer_credentials_total";
const PROXY_TICKETS: &str = "cas_layer_proxy_tickets_total";

/// Tells the recorder, if there is one by now, what the numbers mean.
pub(crate) fn describe() {
    describe_counter!(
        SIGN_INS,
        Unit::Count,
        "Sign-ins that came back from the CAS server, by result"
    );
    describe_histogram!(
        VALIDATION,
        Unit::Seconds,
        "How long the CAS server took to answer about a ticket, by result"
    );
    describe_counter!(
        CAS_SERVER,
        Unit::Count,
        "How often a CAS server stopped answering, and how often it was back, by state"
    );
    describe_counter!(
        REBROADCASTS,
        Unit::Count,
        "How often single logouts were passed on to other nodes, by result"
    );
    describe_counter!(
        CAS_NODES,
        Unit::Count,
        "How often a node of a CAS server was left, and how often it was back, by node and state"
    );
    describe_counter!(
        SESSIONS_ENDED,
        Unit::Count,
        "Sessions that were ended before their time, by cause"
    );
    describe_counter!(
        LOGOUT_REQUESTS,
        Unit::Count,
        "Single-logout messages, by channel and result"
    );
    describe_counter!(
        STORAGE,
        Unit::Count,
        "Sessions whose attributes the registry keeps, by what became of them"
    );
    describe_counter!(
        PROXY_CALLBACKS,
        Unit::Count,
        "Pairs that were brought to the proxy callback, by result"
    );
    describe_counter!(
        PROXY_GRANTS,
        Unit::Count,
        "Sign-ins that asked for a proxy-granting ticket, by result"
    );
    describe_counter!(
        CREDENTIALS,
        Unit::Count,
        "Passwords that the CAS server released as an attribute, by result"
    );
    describe_counter!(
        PROXY_TICKETS,
        Unit::Count,
        "Proxy tickets that the app asked for, by result"
    );
}

pub(super) fn count(event: &Event<'_>) {
    match event {
        Event::SignedIn(_) => counter!(SIGN_INS, "result" => "signed-in").increment(1),
        Event::Refused(refused) if refused.reason().is_of_sign_in() => {
            counter!(SIGN_INS, "result" => refused.reason().as_str()).increment(1);
        }
        Event::SignedOut(signed_out) => {
            counter!(SESSIONS_ENDED, "cause" => signed_out.cause().as_str()).increment(1);
        }
        Event::Validated { result, took } => {
            histogram!(VALIDATION, "result" => validation_result(*result)).record(*took);
        }
        Event::CasServer(change) => {
            counter!(CAS_SERVER, "state" => cas_server_state(*change)).increment(1);
        }
        Event::CasNode(change) => {
            let labels = [("node", change.number()), ("state", change.state())];
            counter!(CAS_NODES, &labels).increment(1);
        }
        Event::LogoutRequest(channel, outcome) => {
            let labels = [("channel", channel.as_str()), ("result", outcome.as_str())];
            counter!(LOGOUT_REQUESTS, &labels).increment(1);
        }
        Event::PassedOn(passed_on) => {
            counter!(REBROADCASTS, "result" => passed_on.as_str()).increment(1);
        }
        Event::ProxyCallback(outcome) => {
            counter!(PROXY_CALLBACKS, "result" => outcome.as_str()).increment(1);
        }
        Event::Storage(_, outcome) => {
            counter!(STORAGE, "result" => outcome.as_str()).increment(1);
        }
        Event::Grant(outcome) => {
            counter!(PROXY_GRANTS, "result" => outcome.as_str()).increment(1);
        }
        Event::Credential(result) => {
            counter!(CREDENTIALS, "result" => credential_result(*result)).increment(1);
        }
        Event::ProxyTicket(result) => {
            counter!(PROXY_TICKETS, "result" => proxy_ticket_result(*result)).increment(1);
        }
        Event::Refused(_) | Event::SessionNotKept(_) => {}
    }
}
