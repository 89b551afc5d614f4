//! What the gateway publishes about its session tokens: the metadata of their issuer (RFC 8414) and the keys that verify them.
//!
//! A client that knows the issuer's identifier alone finds both: the metadata lie at the well-known path of that identifier
//! (RFC 8414 §3.1), at the gateway's public URL, and name everything else. They are told to whoever may be a peer here; they
//! are the same for everybody, and nothing changes by being asked.

use crate::audit::Concluded;
use crate::crypto::Algorithm;
use crate::identity::SessionIssuer;
use crate::json;
use crate::json::Object;
use crate::json::Value;
use crate::model::Head;
use crate::model::Reply;
use crate::model::RightKind;
use crate::pipeline::client_token;
use crate::pipeline::gate::Gate;
use crate::pipeline::gate::Visitor;
use crate::pipeline::operation;
use crate::pipeline::own;
use crate::pipeline::own::Form;
use crate::pipeline::session;
use crate::pipeline::trail::Trail;
use bytes::Bytes;
use http::StatusCode;

/// Where public keys are published.
pub const KEYS_PATH: &str = client_token::KEYS_PATH;

/// Where metadata lie, with the issuer's own path behind it (RFC 8414 §3.1).
const PATH: &str = client_token::METADATA_PATH;

/// Whether the metadata of `sessions` lie at `path`: the well-known one, with the issuer's own path behind it.
pub fn lies_at(sessions: &SessionIssuer, path: &str) -> bool {
    let below = sessions.issuer().strip_prefix(sessions.public_url().as_str());
    path.strip_prefix(PATH).is_some_and(|rest| below == Some(rest))
}

/// Tells the metadata, or the keys.
pub async fn requested(gate: &Gate, visitor: &Visitor, head: &Head) -> Concluded {
    let trail = Trail::begin(gate.core.clock.as_ref());
    let mut facts = gate.facts(visitor, &gate.core.snapshot.load());
    if let Err(refusal) = own::meet(gate, visitor, head, Form::bare("GET"), &mut facts) {
        return operation::refuse(gate, facts, refusal, trail).await;
    }
    let sessions = &gate.core.sessions;
    let body = match &*head.path {
        KEYS_PATH => Bytes::from(sessions.published().to_string()),
        _ => metadata(sessions),
    };
    operation::concluded_alone(gate, gate.log.published(&facts, Reply::json(StatusCode::OK, body)))
}

/// The metadata (RFC 8414 §2, RFC 8705 §3.3, RFC 9396 §10, RFC 9449 §5.1).
fn metadata(sessions: &SessionIssuer) -> Bytes {
    let list = |words: &[&str]| Value::from(words.iter().map(|word| Value::from(*word)).collect::<Vec<_>>());
    let at = |path: &str| format!("{}{path}", sessions.public_url());
    let mut members = Object::new();
    members.insert("issuer", sessions.issuer());
    members.insert("token_endpoint", at(session::PATH));
    members.insert("jwks_uri", at(KEYS_PATH));
    members.insert("response_types_supported", list(&[]));
    members.insert("grant_types_supported", list(&[session::GRANT]));
    members.insert("token_endpoint_auth_methods_supported", list(&["tls_client_auth"]));
    members.insert("dpop_signing_alg_values_supported", list(&Algorithm::ALL.map(Algorithm::name)));
    members.insert("authorization_details_types_supported", list(&RightKind::ALL.map(RightKind::word)));
    let mut body = Vec::with_capacity(512);
    json::write(&Value::Object(members), &mut body);
    Bytes::from(body)
}
