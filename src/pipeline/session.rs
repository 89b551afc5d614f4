//! The way of `POST /-/oauth/token` at the backend's door: token exchange (RFC 8693). A backend brings its user's token and a
//! proof of the app instance's key, and is given a session token for that instance alone.
//!
//! Who the backend is, its certificate says (RFC 8705 §2); whose tokens it may exchange, the configuration. Of the rights that
//! are asked for, policy leaves those that the user's token contains and that it permits (`issueSession`): rights only shrink.
//! A proof of the key is good for one session, whose token is bound to the key that comes of the proof's first use; and a session
//! is on record before anybody has its token. Refusals are told in the words of RFC 6749 §5.2, RFC 8693 §2.2.2,
//! RFC 9396 §5 and RFC 9449 §5 and §8, and no more.

use crate::audit::Concluded;
use crate::audit::Facts;
use crate::audit::Note;
use crate::audit::SessionIssued;
use crate::clock::UnixMillis;
use crate::form::Form;
use crate::guard::FirstUse;
use crate::guard::GuardFault;
use crate::guard::Paced;
use crate::identity::ActorSettings;
use crate::identity::Caller;
use crate::identity::Issued;
use crate::identity::Proof;
use crate::identity::Subject;
use crate::identity::Wishes;
use crate::identity::read_rights;
use crate::identity::write_rights;
use crate::json;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::model::Head;
use crate::model::Reason;
use crate::model::Reply;
use crate::model::Right;
use crate::model::Stranger;
use crate::pipeline::client_token;
use crate::pipeline::gate::Gate;
use crate::pipeline::gate::Visitor;
use crate::pipeline::identify;
use crate::pipeline::operation;
use crate::pipeline::own;
use crate::pipeline::port::Body;
use crate::pipeline::port::whole;
use crate::pipeline::refusal::Refusal;
use crate::pipeline::refusal::by_permit;
use crate::pipeline::route::Snapshot;
use crate::pipeline::trail::Trail;
use crate::policy::Narrowed;
use crate::policy::PolicyFault;
use crate::problem::OAuthError;
use crate::problem::ProblemType;
use crate::telemetry::Step;
use http::StatusCode;
use http::header;

/// Where sessions are asked for.
pub const PATH: &str = client_token::PATH;

/// The longest form, in bytes: the longest token, and rights with every character percent-encoded.
const FORM_MAX_BYTES: usize = 32 * 1024;

/// The parameters of a form: those of RFC 8693 §2.1 that mean something here, `authorization_details` (RFC 9396 §6),
/// `client_id` (RFC 8705 §2), and `expires_in`, the seconds that the session is to live at most.
const PARAMETERS: [&str; 10] = [
    "grant_type",
    "subject_token",
    "subject_token_type",
    "requested_token_type",
    "audience",
    "resource",
    "scope",
    "authorization_details",
    "client_id",
    "expires_in",
];

/// The one grant that there is.
pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// What a subject token may be said to be, and what is given (RFC 8693 §3).
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// A session token, and the rights in it.
struct Granted {
    issued: Issued,
    rights: Vec<Right>,
}

/// What a form asks for, each of it what it may be.
struct Asked {
    rights: Vec<Right>,
    scopes: Option<Vec<Stranger>>,
    lifetime_s: Option<u64>,
}

/// A form by a backend that may ask, with a proof for this endpoint.
struct Arrived<'g> {
    backend: Caller,
    actor: &'g ActorSettings,
    paced: Paced,
    form: Form,
    asked: Asked,
    proof: Proof,
    /// When all of it was there: what is asked from then on is asked as of then.
    at: UnixMillis,
}

/// Gives a backend a session token for its user's app instance.
pub async fn requested<B: Body>(gate: &Gate, visitor: &Visitor, head: &Head, body: &mut B) -> Concluded {
    let core = &gate.core;
    let mut trail = Trail::begin(core.clock.as_ref());
    // One exchange, one snapshot: whatever is loaded meanwhile is for those who come after.
    let snapshot = core.snapshot.load_full();
    let mut facts = gate.facts(visitor, &snapshot);
    let (granted, newer) = match arrived(gate, visitor, head, body, &mut facts, &mut trail).await {
        Ok(arrived) => {
            let newer = core.guard.newer_nonce(arrived.proof.nonce(), core.clock.now());
            (granted(gate, arrived, &snapshot, &mut facts, &mut trail).await, newer)
        }
        Err(refusal) => (Err(refusal), None),
    };
    let nonce = operation::needed_nonce(gate, &granted).or(newer);
    conclude(gate, granted, facts, trail).await.offering(nonce)
}

/// Records how it ended, then answers.
async fn conclude(gate: &Gate, granted: Result<Granted, Refusal>, facts: Facts, trail: Trail) -> Concluded {
    let Granted { issued, rights } = match granted {
        Ok(granted) => granted,
        Err(refusal) => return operation::refuse(gate, facts, refusal, trail).await,
    };
    let note = SessionIssued { token: issued.id.clone(), rights: rights.len() as u64, lifetime_s: issued.lifetime_s };
    operation::noted(gate, facts, Note::Session(note), token_reply(&issued, &rights), trail).await
}

/// Which backend asks, for what, and with whose proof.
async fn arrived<'g, B: Body>(
    gate: &'g Gate,
    visitor: &Visitor,
    head: &Head,
    body: &mut B,
    facts: &mut Facts,
    trail: &mut Trail,
) -> Result<Arrived<'g>, Refusal> {
    let core = &gate.core;
    let clock = core.clock.as_ref();
    let (backend, paced) = own::meet_paced(gate, visitor, head, own::Form::encoded(), facts).map_err(of_client)?;
    // One way of authentication for each request (RFC 6749 §2.3), and none of ours stands there.
    let alone = !head.fields.contains_key(header::AUTHORIZATION);
    let actor = core.sessions.actor(backend.peer().name()).filter(|_| alone);
    let actor = actor.ok_or_else(|| Refusal::of_token(Reason::ExchangeRefused, OAuthError::UnauthorizedClient))?;
    trail.done(Step::Identify, clock);

    let bytes = whole(body, FORM_MAX_BYTES, facts, trail, clock).await?;
    // The body took its time.
    let at = clock.now();
    let form = Form::parse(&bytes, &PARAMETERS).map_err(|_| invalid())?;
    subject_token(&form)?;
    let asked = asked(gate, &backend, &form)?;
    trail.done(Step::Rebuild, clock);
    let proof = proof(gate, head, at)?;
    Ok(Arrived { backend, actor, paced, form, asked, proof, at })
}

/// For whom, and what of it may be had.
async fn granted(
    gate: &Gate,
    arrived: Arrived<'_>,
    snapshot: &Snapshot,
    facts: &mut Facts,
    trail: &mut Trail,
) -> Result<Granted, Refusal> {
    let core = &gate.core;
    let clock = core.clock.as_ref();
    let Arrived { backend, actor, paced, form, asked, proof, at } = arrived;
    let subject = admitted(gate, &backend, actor, subject_token(&form)?, proof.clone(), paced, facts, at).await?;
    trail.done(Step::Admit, clock);

    let narrowed = gate.narrow(snapshot, subject.caller(), &asked.rights, at);
    let narrowed = narrowed.map_err(|fault| Refusal::from(fault).in_oauth(OAuthError::AccessDenied))?;
    trail.done(Step::Decide, clock);
    facts.decided = Some(by_permit(narrowed.decision()));
    // Last but for the issuer's own look, so that only a proof that nothing else speaks against is used up.
    let issued = first_use(gate, &proof, at).and_then(|first| issued(gate, &subject, &narrowed, first, &asked, at));
    let issued = issued.map_err(|refusal| refusal.after_permit(narrowed.decision()))?;
    Ok(Granted { issued, rights: narrowed.rights().to_vec() })
}

/// The proof comes for the first time.
fn first_use(gate: &Gate, proof: &Proof, now: UnixMillis) -> Result<FirstUse, Refusal> {
    gate.core.guard.admit_proof(proof, now).map_err(|fault| match fault {
        GuardFault::ProofNonce => Refusal::from(fault).in_oauth(OAuthError::UseDpopNonce),
        GuardFault::ProofReplayed | GuardFault::ProofStale => {
            Refusal::from(fault).in_oauth(OAuthError::InvalidDpopProof)
        }
        fault => Refusal::from(fault),
    })
}

/// The session token, bound to the key that was proven for the first time.
fn issued(
    gate: &Gate,
    subject: &Subject,
    narrowed: &Narrowed,
    first: FirstUse,
    asked: &Asked,
    now: UnixMillis,
) -> Result<Issued, Refusal> {
    let wishes = Wishes { scopes: asked.scopes.as_deref(), lifetime_s: asked.lifetime_s };
    let issued = gate.core.sessions.issue(subject, first.key(), narrowed.rights(), wishes, now.seconds());
    issued.map_err(Refusal::from)
}

/// The token, of a grant and a type that there are.
fn subject_token(form: &Form) -> Result<&str, Refusal> {
    match form.get("grant_type") {
        Some(GRANT) => {}
        Some(_) => return Err(Refusal::of_token(Reason::TokenRequestInvalid, OAuthError::UnsupportedGrantType)),
        None => return Err(invalid()),
    }
    let types = [Some(ACCESS_TOKEN), Some(JWT)];
    let fits = types.contains(&form.get("subject_token_type"))
        && form.get("requested_token_type").is_none_or(|requested| types.contains(&Some(requested)));
    form.get("subject_token").filter(|_| fits).ok_or_else(invalid)
}

/// What else a form asks for.
fn asked(gate: &Gate, backend: &Caller, form: &Form) -> Result<Asked, Refusal> {
    let sessions = &gate.core.sessions;
    // The certificate is the authentication; an id beside it may only say the same (RFC 8705 §2).
    if form.get("client_id").is_some_and(|id| id != backend.peer().name()) {
        return Err(Refusal::of_token(Reason::ClientRefused, OAuthError::InvalidClient));
    }
    let elsewhere = |name| form.get(name).is_some_and(|target| target != sessions.audience());
    if elsewhere("audience") || elsewhere("resource") {
        return Err(Refusal::of_token(Reason::ExchangeRefused, OAuthError::InvalidTarget));
    }
    let details = || Refusal::of_token(Reason::TokenRequestInvalid, OAuthError::InvalidAuthorizationDetails);
    let rights = form.get("authorization_details").ok_or_else(details)?;
    let rights = read_rights(rights.as_bytes()).ok().filter(|rights| !rights.is_empty()).ok_or_else(details)?;
    let scopes = form.get("scope").map(|scope| scope.split(' ').map(Stranger::new).collect());
    let lifetime_s = form.get("expires_in").map(|text| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        digits.filter(|seconds| (1..=sessions.max_lifetime_s()).contains(seconds)).ok_or_else(invalid)
    });
    Ok(Asked { rights, scopes, lifetime_s: lifetime_s.transpose()? })
}

/// The proof of the app instance's key, made for this endpoint.
fn proof(gate: &Gate, head: &Head, now: UnixMillis) -> Result<Proof, Refusal> {
    let core = &gate.core;
    let proof = core.identity.prove(&head.fields, &head.method, &head.path, None, now);
    proof.map_err(|fault| Refusal::from(fault).in_oauth(OAuthError::InvalidDpopProof))
}

/// The user, by a token that this backend may exchange for the holder of the proven key, of whom nothing is revoked and who
/// does not ask too fast.
#[expect(clippy::too_many_arguments, reason = "each is one of the things that are held against one another here")]
async fn admitted(
    gate: &Gate,
    backend: &Caller,
    actor: &ActorSettings,
    token: &str,
    proof: Proof,
    paced: Paced,
    facts: &mut Facts,
    now: UnixMillis,
) -> Result<Subject, Refusal> {
    let core = &gate.core;
    // RFC 8693 §2.2.2: a subject token that is not accepted, for whatever reason, is an invalid request.
    let of_subject = |refusal: Refusal| match refusal.problem.kind {
        ProblemType::Forbidden | ProblemType::Unauthenticated => refusal.in_oauth(OAuthError::InvalidRequest),
        _ => refusal,
    };
    let told = core.identity.told_of(token, core.clock.steady()).await;
    let told = told.map_err(|fault| of_subject(Refusal::from(fault)))?;
    let now = if told.is_some() { core.clock.now() } else { now };
    let verify = |now: UnixMillis| {
        core.identity.subject(backend.peer(), actor, token, told.as_ref(), proof.clone(), now.seconds())
    };
    let renewed = core.identity.renewed_for(token, now.seconds(), core.clock.steady());
    let subject = identify::with_newer_keys(core, now, renewed, verify).await;
    let subject = subject.map_err(|fault| of_subject(Refusal::from(fault)))?;
    gate.note_caller(facts, subject.caller()).await?;
    facts.epoch = core.guard.admit_subject(paced, &subject, now).map_err(|fault| of_subject(Refusal::from(fault)))?;
    Ok(subject)
}

impl Gate {
    /// Of the rights that are asked for, those that the user's token contains, that are not revoked, and that policy permits.
    ///
    /// # Errors
    /// [`PolicyFault`] where none is left, or a policy could not be evaluated.
    pub fn narrow(
        &self,
        snapshot: &Snapshot,
        user: &Caller,
        asked: &[Right],
        now: UnixMillis,
    ) -> Result<Narrowed, PolicyFault> {
        let tenant = user.token().and_then(|token| token.tenant.as_ref());
        let stands = |grant: &Stranger| self.core.guard.grant_stands(grant, tenant);
        let locate = |thing: &_| snapshot.directory.locate(thing);
        snapshot.bundle.policies().narrow(user, asked, &stands, &locate, now)
    }
}

/// A form that is none of ours.
fn invalid() -> Refusal {
    Refusal::of_token(Reason::TokenRequestInvalid, OAuthError::InvalidRequest)
}

/// A backend that is not met as it must be is no client (RFC 6749 §5.2).
fn of_client(refusal: Refusal) -> Refusal {
    match refusal.problem.kind {
        ProblemType::Forbidden | ProblemType::Unauthenticated => refusal.in_oauth(OAuthError::InvalidClient),
        _ => refusal,
    }
}

/// The answer with the token (RFC 8693 §2.2.1, RFC 9449 §5, RFC 9396 §7).
fn token_reply(issued: &Issued, rights: &[Right]) -> Reply {
    let mut members = Object::new();
    members.insert("access_token", issued.token.as_str());
    members.insert("issued_token_type", ACCESS_TOKEN);
    members.insert("token_type", "DPoP");
    members.insert("expires_in", Number::try_from(issued.lifetime_s).map_or(Value::Null, Value::Number));
    if !issued.scope.is_empty() {
        members.insert("scope", issued.scope.as_str());
    }
    let mut body = Vec::with_capacity(2048);
    json::write(&Value::Object(members), &mut body);
    // The object is not empty: a member follows the last.
    body.pop();
    body.extend_from_slice(b",\"authorization_details\":");
    write_rights(rights, &mut body);
    body.push(b'}');
    Reply::json(StatusCode::OK, body)
}
