//! Session tokens, issued by the gateway itself: RFC 9068 access tokens for one app instance, short and narrow, and bound to
//! that instance's key. They are the only ones that move a door.
//!
//! A session token says nothing that its subject token does not say: the same user, device, roles and scopes, how and when the
//! user was authenticated, and of the rights those that it is given here. It ends when the subject token ends, if that is
//! earlier. To that come `cnf.jkt`, the key that was proven when it was asked for, and `act.sub`, the name of the backend that
//! asked (RFC 8693 §4.1): not its certificate, so that any replica and any renewed certificate of that name may relay.
//!
//! Which rights are given, `policy/` says. That they are not wider than the subject token's is held here again: what issues
//! tokens relies on nobody.

use crate::clock::UnixSeconds;
use crate::crypto::SignError;
use crate::crypto::SigningKey;
use crate::crypto::encode_base64url;
use crate::crypto::jwks_json;
use crate::crypto::random;
use crate::identity::caller::Token;
use crate::identity::checks::Checks;
use crate::identity::rights::write_rights;
use crate::identity::settings::SettingsError;
use crate::identity::subject::Subject;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::json::write;
use crate::model::PublicUrl;
use crate::model::Right;
use crate::model::Sha256;
use crate::model::Stranger;
use arc_swap::ArcSwap;
use std::sync::Arc;

/// The `typ` of session tokens: they are access tokens (RFC 9068 §2.1).
const TYPE: &str = "at+jwt";

/// What session tokens are, what signs them, and who may ask for them. Holds keys, so it cannot be shown.
pub struct SessionSettings {
    /// `iss`: the gateway's public URL, or below it.
    pub issuer: Box<str>,
    /// `aud`.
    pub audience: Box<str>,
    /// The most seconds from `iat` to `exp`.
    pub max_lifetime_s: u64,
    /// The keys: the first signs, all are published. At least one.
    pub keys: Vec<Arc<SigningKey>>,
    /// The backends that may ask.
    pub actors: Vec<ActorSettings>,
    /// Where the gateway is known to be.
    pub public_url: PublicUrl,
}

/// A backend that may exchange its users' tokens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ActorSettings {
    /// The one name in its certificate.
    pub peer: Box<str>,
    /// What the subject tokens may be for: every one of their `aud` is one of these.
    pub audiences: Vec<Box<str>>,
    /// Which apps they may be of: their `client_id`, and their `azp` where there is one.
    pub clients: Vec<Box<str>>,
}

/// Issues session tokens, and publishes the keys that verify them. Shared by all connections; of what it holds, only keys
/// are exchanged.
pub struct SessionIssuer {
    issuer: Box<str>,
    audience: Box<str>,
    max_lifetime_s: u64,
    actors: Vec<ActorSettings>,
    public_url: PublicUrl,
    keys: ArcSwap<Keys>,
    pub(super) checks: Checks<Within>,
}

/// Keys in force.
struct Keys {
    signs: Arc<SigningKey>,
    /// All of them, as JWKS.
    published: Arc<str>,
}

/// What is asked for beside the rights; `None` is as much as there may be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes<'w> {
    /// Scopes, each one of the subject token's.
    pub scopes: Option<&'w [Stranger]>,
    /// Seconds.
    pub lifetime_s: Option<u64>,
}

/// A session token that was issued. Cannot be shown.
pub struct Issued {
    /// The token itself.
    pub token: String,
    /// Its `jti`: random, ours.
    pub id: Box<str>,
    /// For how many seconds it is good.
    pub lifetime_s: u64,
    /// Its `scope`; empty where it has none.
    pub scope: String,
}

/// Why there is no session token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IssueFault {
    /// A right that the subject token does not contain, a lifetime or a scope beyond what there may be, or another key than the
    /// proven one.
    #[error("more is asked for than the subject token has")]
    Wider,
    /// The subject token ends now.
    #[error("the subject token ends")]
    Ended,
    /// The cryptographic library could not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// By what a session token is no more than its subject token. A list like [`Check`](crate::identity::checks::Check), for the
/// same test.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Within {
    /// It is bound to the key that was proven.
    Key,
    /// Each right gives something at something.
    Something,
    /// Each right is of the type of one that is held.
    Kind,
    /// Each of its actions is one of that right's.
    Action,
    /// It is for the same house.
    House,
    /// Each of its things is one of that right's.
    Thing,
    /// It is by the same grant, so that it ends with it.
    Grant,
    /// It counts at no other times.
    Window,
    /// It lives no longer than session tokens may.
    Lifetime,
    /// Each scope is one of the subject token's.
    Scope,
    /// It ends no later than the subject token.
    End,
    /// There is time left of that.
    NotEnded,
}

impl SessionIssuer {
    /// Takes the settings.
    ///
    /// # Errors
    /// [`SettingsError::NoKey`].
    pub fn new(settings: SessionSettings) -> Result<Self, SettingsError> {
        let keys = Keys::of(&settings.keys).ok_or(SettingsError::NoKey)?;
        let SessionSettings { issuer, audience, max_lifetime_s, actors, public_url, .. } = settings;
        let (keys, checks) = (ArcSwap::from_pointee(keys), Checks::default());
        Ok(Self { issuer, audience, max_lifetime_s, actors, public_url, keys, checks })
    }

    /// Signs with, and publishes, the keys of `settings` from now on. Nothing else of the settings is taken. Whoever verifies
    /// must accept them first.
    pub fn replace_keys(&self, settings: &SessionSettings) {
        if let Some(keys) = Keys::of(&settings.keys) {
            self.keys.store(Arc::new(keys));
        }
    }

    /// `iss`.
    #[must_use]
    pub const fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `aud`.
    #[must_use]
    pub const fn audience(&self) -> &str {
        &self.audience
    }

    /// Where the gateway is known to be.
    #[must_use]
    pub const fn public_url(&self) -> &PublicUrl {
        &self.public_url
    }

    /// The most seconds that a session token lives.
    #[must_use]
    pub const fn max_lifetime_s(&self) -> u64 {
        self.max_lifetime_s
    }

    /// The public keys as JWKS (RFC 7517 §5).
    #[must_use]
    pub fn published(&self) -> Arc<str> {
        Arc::clone(&self.keys.load().published)
    }

    /// The backend of that name, if it may ask.
    #[must_use]
    pub fn actor(&self, peer: &str) -> Option<&ActorSettings> {
        self.actors.iter().find(|actor| *actor.peer == *peer)
    }

    /// Issues a token for the app instance whose key `subject` has proven, with these rights and no others. It is bound to `key`:
    /// that key again, by its thumbprint, as it comes of the proof's first use.
    ///
    /// # Errors
    /// [`IssueFault`].
    pub fn issue(
        &self,
        subject: &Subject,
        key: Sha256,
        rights: &[Right],
        wishes: Wishes<'_>,
        now: UnixSeconds,
    ) -> Result<Issued, IssueFault> {
        let (Some(token), Some(proof)) = (subject.token(), subject.proof()) else { return Err(IssueFault::Wider) };
        let within = |check, holds| if self.checks.passes(check, holds) { Ok(()) } else { Err(IssueFault::Wider) };
        within(Within::Key, proof.key() == key)?;
        if !rights.iter().all(|right| is_within(right, &token.rights, self.checks)) {
            return Err(IssueFault::Wider);
        }
        let scopes = wishes.scopes.unwrap_or(&token.scopes);
        within(Within::Scope, scopes.iter().all(|scope| token.scopes.contains(scope)))?;
        let lifetime_s = wishes.lifetime_s.unwrap_or(self.max_lifetime_s);
        within(Within::Lifetime, lifetime_s <= self.max_lifetime_s)?;
        let asked_until = now.plus(lifetime_s);
        let is_short = self.checks.passes(Within::End, asked_until <= token.expires_at);
        let expires_at = if is_short { asked_until } else { token.expires_at };
        if !self.checks.passes(Within::NotEnded, now < expires_at) {
            return Err(IssueFault::Ended);
        }
        let (id, scope) = (encode_base64url(&random::<16>()), joined(scopes));
        let mut claims = carried_over(token, &scope);
        claims.insert("iss", &*self.issuer);
        claims.insert("aud", &*self.audience);
        claims.insert("jti", id.as_str());
        claims.insert("iat", seconds(now));
        claims.insert("exp", seconds(expires_at));
        let key = encode_base64url(key.as_bytes());
        claims.insert("cnf", Object::from_iter([("jkt", Value::from(key))]));
        claims.insert("act", Object::from_iter([("sub", Value::from(subject.caller().peer().name()))]));
        let payload = payload(&claims, rights);
        let signed = self.keys.load().signs.sign_jws(TYPE, &payload)?;
        Ok(Issued { token: signed, id: id.into(), lifetime_s: expires_at.since(now), scope })
    }
}

impl Keys {
    fn of(keys: &[Arc<SigningKey>]) -> Option<Self> {
        let all: Vec<&SigningKey> = keys.iter().map(AsRef::as_ref).collect();
        Some(Self { signs: Arc::clone(keys.first()?), published: jwks_json(&all).into() })
    }
}

/// Whether every part of a right, one action at one thing, is one that a single right of `held` gives, by the same grant and
/// at no other times.
fn is_within(right: &Right, held: &[Right], checks: Checks<Within>) -> bool {
    let gives = |known: &Right, action: &Stranger, thing: Option<&Stranger>| {
        checks.passes(Within::Kind, known.kind == right.kind)
            && checks.passes(Within::Action, known.actions.contains(action))
            && checks.passes(Within::House, known.house == right.house)
            && checks.passes(Within::Grant, known.grant == right.grant)
            && checks.passes(Within::Thing, known.reaches(thing))
            && checks.passes(Within::Window, known.window.contains(&right.window))
    };
    let is_given = |action: &Stranger, thing| held.iter().any(|known| gives(known, action, thing));
    let mut things = right.things().peekable();
    let some = checks.passes(Within::Something, !right.actions.is_empty() && things.peek().is_some());
    some && right.things().all(|thing| right.actions.iter().all(|action| is_given(action, thing)))
}

/// What a session token takes over from its subject token as it is.
fn carried_over(token: &Token, scope: &str) -> Object {
    let mut claims = Object::new();
    let texts = [
        ("sub", Some(&token.subject)),
        ("client_id", Some(&token.client_id)),
        // One exchange or many: what one sign-in has given ends with its session, and that has a name in any case.
        ("sid", Some(token.session.as_ref().unwrap_or(&token.token_id))),
        ("device_id", token.device.as_ref()),
        ("car_id", token.car.as_ref()),
        ("acr", token.acr.as_ref()),
    ];
    for (name, text) in texts.into_iter().filter_map(|(name, text)| Some((name, text?))) {
        claims.insert(name, text.expose());
    }
    if let Some(tenant) = &token.tenant {
        claims.insert("tenant", tenant.as_str());
    }
    for (name, texts) in [("amr", &token.amr), ("roles", &token.roles), ("houses", &token.houses)] {
        if !texts.is_empty() {
            claims.insert(name, texts.iter().map(|text| Value::from(text.expose())).collect::<Vec<_>>());
        }
    }
    if let Some(auth_time) = token.auth_time {
        claims.insert("auth_time", seconds(auth_time));
    }
    if !scope.is_empty() {
        claims.insert("scope", scope);
    }
    claims
}

/// The claims with the rights behind them, which are written as tokens have them.
fn payload(claims: &Object, rights: &[Right]) -> Vec<u8> {
    let mut text = Vec::with_capacity(1024);
    write(&Value::Object(claims.clone()), &mut text);
    // The object is not empty: a member follows the last.
    text.pop();
    text.extend_from_slice(b",\"authorization_details\":");
    write_rights(rights, &mut text);
    text.push(b'}');
    text
}

fn joined(scopes: &[Stranger]) -> String {
    scopes.iter().map(Stranger::expose).collect::<Vec<_>>().join(" ")
}

fn seconds(time: UnixSeconds) -> Value {
    Number::try_from(time.get()).map_or(Value::Null, Value::Number)
}
