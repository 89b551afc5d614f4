//! The way of `POST /-/oauth/token` at the partners' door: a token by client credentials (RFC 6749 §4.4), for operations that
//! the partner's contract lets it ask for. Beside it what such a partner's library reads: metadata (RFC 8414) and public keys.
//!
//! The partner is known by its certificate before its form is looked at (`from_partner`): that is its authentication as a
//! client (RFC 8705 §2), and one with keys of its own signs an assertion besides (RFC 7523), which is taken once. A token is
//! on record before anybody has it. What is refused is told in the words of RFC 6749 §5.2 and no more.

use crate::audit::Concluded;
use crate::audit::Facts;
use crate::audit::Issued;
use crate::audit::Note;
use crate::form::Form;
use crate::identity::ClientTokens;
use crate::identity::Minted;
use crate::identity::PartnerClient;
use crate::json;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::model::Head;
use crate::model::Reason;
use crate::model::Reply;
use crate::pipeline::from_partner::Met;
use crate::pipeline::gate::Gate;
use crate::pipeline::operation;
use crate::pipeline::own;
use crate::pipeline::port::Body;
use crate::pipeline::port::whole;
use crate::pipeline::refusal::Refusal;
use crate::pipeline::route::Snapshot;
use crate::pipeline::trail::Trail;
use crate::problem::OAuthError;
use crate::problem::ProblemType;
use crate::telemetry::Step;
use http::StatusCode;
use http::header;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Where partners ask for tokens.
pub const PATH: &str = "/-/oauth/token";

/// Where the keys of these tokens are published.
pub const KEYS_PATH: &str = "/-/oauth/jwks";

/// Where it is told what this endpoint does (RFC 8414 §3).
pub const METADATA_PATH: &str = "/.well-known/oauth-authorization-server";

/// The longest form, in bytes: the longest assertion, percent-encoded where clients do that, and what goes with it.
const FORM_MAX_BYTES: usize = 16 * 1024;

/// The parameters of a form.
const PARAMETERS: [&str; 5] = ["grant_type", "scope", "client_id", "client_assertion_type", "client_assertion"];

/// The one grant that there is.
const GRANT: &str = "client_credentials";

/// The one type of assertion that there is (RFC 7523 §2.2).
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A token, what it is for, and whose it is.
struct Granted {
    minted: Minted,
    scopes: Vec<Box<str>>,
}

/// Gives a partner who is known a token.
pub async fn asked<B: Body>(
    gate: &Gate,
    met: Met,
    head: &Head,
    body: &mut B,
    snapshot: &Snapshot,
    mut facts: Facts,
    mut trail: Trail,
) -> Concluded {
    let granted = match granted(gate, &met, head, body, snapshot, &mut facts, &mut trail).await {
        Ok(granted) => granted,
        Err(refusal) => return operation::refuse(gate, facts, refusal, trail).await,
    };
    let Granted { minted, scopes } = granted;
    let reply = token_reply(&minted, &scopes);
    let note = Issued { partner: met.route.name.clone(), token: minted.jti.into(), scopes };
    operation::noted(gate, facts, Note::Issued(note), reply, trail).await
}

/// Who asks, for what, and whether it may be had.
async fn granted<B: Body>(
    gate: &Gate,
    met: &Met,
    head: &Head,
    body: &mut B,
    snapshot: &Snapshot,
    facts: &mut Facts,
    trail: &mut Trail,
) -> Result<Granted, Refusal> {
    let core = &gate.core;
    let clock = core.clock.as_ref();
    let (client, tokens) = endpoint(gate, met)?;
    own::has_form(head, own::Form::encoded()).map_err(|(reason, kind)| Refusal::new(reason, kind))?;
    if head.fields.contains_key(header::AUTHORIZATION) {
        // One way of authentication for each request (RFC 6749 §2.3), and none of ours stands there.
        return Err(Refusal::of_token(Reason::ClientRefused, OAuthError::InvalidClient));
    }
    core.guard.admit_partner(&met.route.name, clock.now())?;
    trail.done(Step::Admit, clock);

    let bytes = whole(body, FORM_MAX_BYTES, facts, trail, clock).await?;
    let invalid = || Refusal::of_token(Reason::TokenRequestInvalid, OAuthError::InvalidRequest);
    let form = Form::parse(&bytes, &PARAMETERS).map_err(|_| invalid())?;
    match form.get("grant_type") {
        Some(GRANT) => {}
        Some(_) => return Err(Refusal::of_token(Reason::TokenRequestInvalid, OAuthError::UnsupportedGrantType)),
        None => return Err(invalid()),
    }
    trail.done(Step::Rebuild, clock);

    authenticate(gate, client, &form).await?;
    let contract = snapshot.bundle.contract(&met.route.name);
    let declared: BTreeSet<&str> = contract.iter().flat_map(|contract| contract.scopes()).collect();
    let scopes = scopes(&form, &declared)?;
    core.guard.pace_answer(met.partner.peer().name(), clock.steady())?;
    trail.done(Step::Bind, clock);

    // Of the time that it is now: the body took its own.
    let minted = tokens.mint(&met.partner, client, &scopes.join(" "), clock.now().seconds());
    let minted = minted.map_err(|_| Refusal::new(Reason::Internal, ProblemType::Unavailable))?;
    Ok(Granted { minted, scopes })
}

/// The client that this partner is here, and the tokens; where it is none, there is no such path.
fn endpoint<'m>(gate: &Gate, met: &'m Met) -> Result<(&'m PartnerClient, Arc<ClientTokens>), Refusal> {
    let (client, tokens) = (met.calls.client(), gate.core.client_tokens.as_ref());
    let nowhere = || Refusal::new(Reason::UnknownOperation, ProblemType::NotFound);
    client.zip(tokens).map(|(client, tokens)| (client, tokens.load_full())).ok_or_else(nowhere)
}

/// The client proves itself beside its certificate: by its id alone, or by an assertion where it has keys for it.
async fn authenticate(gate: &Gate, client: &PartnerClient, form: &Form) -> Result<(), Refusal> {
    let refused = || Refusal::of_token(Reason::ClientRefused, OAuthError::InvalidClient);
    let now = gate.core.clock.now();
    let id = form.get("client_id");
    let asserted = match (form.get("client_assertion_type"), form.get("client_assertion")) {
        (Some(ASSERTION), Some(assertion)) if client.asserts() => {
            let asserted = client.asserted(assertion, now.seconds());
            Some(asserted.map_err(|fault| Refusal::from(fault).in_oauth(OAuthError::InvalidClient))?)
        }
        (None, None) if !client.asserts() => None,
        _ => return Err(refused()),
    };
    // With an assertion the id may be left out (RFC 7521 §4.2); by the certificate alone it must be said (RFC 8705 §2).
    let is_client = id.map_or(asserted.is_some(), |id| id == client.id());
    if !is_client {
        return Err(refused());
    }
    let Some(asserted) = asserted else { return Ok(()) };
    gate.core.guard.admit_assertion(asserted, now).await.map_err(|fault| match Refusal::from(fault) {
        full if full.problem.kind == ProblemType::Unavailable => full,
        replayed => replayed.in_oauth(OAuthError::InvalidClient),
    })
}

/// The scopes that are asked for, all of them declared; who asks for none gets no token that opens anything by surprise.
fn scopes(form: &Form, declared: &BTreeSet<&str>) -> Result<Vec<Box<str>>, Refusal> {
    let refused = || Refusal::of_token(Reason::ScopeRefused, OAuthError::InvalidScope);
    let mut asked = BTreeSet::new();
    for scope in form.get("scope").ok_or_else(refused)?.split(' ') {
        if !declared.contains(scope) || !asked.insert(scope) {
            return Err(refused());
        }
    }
    Ok(asked.into_iter().map(Box::from).collect())
}

/// Publishes the keys, or tells what this endpoint does, to a partner who is known and a client here.
pub async fn published(
    gate: &Gate,
    met: Met,
    head: &Head,
    snapshot: &Snapshot,
    mut facts: Facts,
    mut trail: Trail,
) -> Concluded {
    let reply = endpoint(gate, &met).and_then(|(client, tokens)| {
        own::has_form(head, own::Form::bare("GET")).map_err(|(reason, kind)| Refusal::new(reason, kind))?;
        Ok(match &*head.path {
            KEYS_PATH => Reply::json(StatusCode::OK, tokens.jwks().to_owned()),
            _ => {
                let contract = snapshot.bundle.contract(&met.route.name);
                metadata(client, &head.authority, contract.iter().flat_map(|contract| contract.scopes()).collect())
            }
        })
    });
    facts.steps = trail.unrecorded();
    match reply {
        Ok(reply) => operation::counted(gate, gate.log.published(&facts, reply), &trail),
        Err(refusal) => operation::refuse(gate, facts, refusal, trail).await,
    }
}

/// The metadata (RFC 8414 §2), with URLs at the authority by which it was asked for.
fn metadata(client: &PartnerClient, authority: &str, scopes: BTreeSet<&str>) -> Reply {
    let list = |words: &[&str]| Value::from(words.iter().map(|word| Value::from(*word)).collect::<Vec<_>>());
    let method = if client.asserts() { "private_key_jwt" } else { "tls_client_auth" };
    let mut members = Object::new();
    members.insert("issuer", client.issuer());
    members.insert("token_endpoint", format!("https://{authority}{PATH}"));
    members.insert("jwks_uri", format!("https://{authority}{KEYS_PATH}"));
    members.insert("response_types_supported", list(&[]));
    members.insert("grant_types_supported", list(&[GRANT]));
    members.insert("token_endpoint_auth_methods_supported", list(&[method]));
    if client.asserts() {
        let algorithms = crate::crypto::Algorithm::ALL.map(crate::crypto::Algorithm::name);
        members.insert("token_endpoint_auth_signing_alg_values_supported", list(&algorithms));
    }
    members.insert("tls_client_certificate_bound_access_tokens", true);
    members.insert("scopes_supported", list(&scopes.into_iter().collect::<Vec<_>>()));
    let mut body = Vec::with_capacity(512);
    json::write(&Value::Object(members), &mut body);
    Reply::json(StatusCode::OK, body)
}

/// The answer with the token (RFC 6749 §5.1).
fn token_reply(minted: &Minted, scopes: &[Box<str>]) -> Reply {
    let mut members = Object::new();
    members.insert("access_token", minted.token.as_str());
    members.insert("token_type", "Bearer");
    members.insert("expires_in", Number::try_from(minted.lifetime_s).map_or(Value::Null, Value::Number));
    members.insert("scope", scopes.join(" "));
    let mut body = Vec::with_capacity(1024);
    json::write(&Value::Object(members), &mut body);
    Reply::json(StatusCode::OK, body)
}
