//! A partner as a client of our token endpoint: who it is there, and its assertion (RFC 7523 §3, RFC 7521 §4.2).
//!
//! The certificate of the connection has told the partner already (RFC 8705 §2). A client with keys of its own signs an
//! assertion besides: then a stolen certificate gets no token. It is made for one request: for us alone, by one string (an
//! assertion for two would be good at the other), good for minutes, and with an id that is taken once (`guard`).

use crate::clock::UnixSeconds;
use crate::crypto::KeySet;
use crate::crypto::sha256;
use crate::identity::checks::Check;
use crate::identity::checks::Checks;
use crate::identity::claims::Claims;
use crate::identity::fault::IdentityFault;
use crate::identity::header::Header;
use crate::identity::times::MayLive;
use crate::identity::verifier::split;
use crate::model::Sha256;
use arc_swap::ArcSwap;
use std::sync::Arc;

/// The types of an assertion. RFC 7523 asks for none: some libraries write `JWT`, others nothing. Issuer, keys and audience tell
/// it from every other token.
const TYPES: [Option<&str>; 3] = [Some("client-authentication+jwt"), Some("JWT"), None];

/// From `iat` to `exp` at most, in seconds.
const LIFETIME_MAX_S: u64 = 300;

/// How a partner is known as a client. What it holds of keys is exchanged while the gateway runs.
#[derive(Debug)]
pub struct PartnerClient {
    client_id: Box<str>,
    /// Who we are to it (RFC 8414 §2): `iss` and `aud` of its tokens, and what its assertions must be for.
    issuer: Box<str>,
    /// What verifies its assertions; `None` for one that is known by its certificate alone.
    keys: Option<ArcSwap<KeySet>>,
    pub(super) checks: Checks,
}

/// Proof that an assertion was verified and may be used once; only [`PartnerClient::asserted`] makes one.
///
/// A verified one is taken:
/// ```
/// use portcullis::{clock::UnixMillis, guard::{Guard, GuardFault}, identity::{Asserted, PartnerClient}};
/// async fn take(g: &Guard, _c: &PartnerClient, a: Asserted, now: UnixMillis) -> Result<(), GuardFault> {
///     g.admit_assertion(a, now).await
/// }
/// ```
/// A client alone has asserted nothing:
/// ```compile_fail
/// use portcullis::{clock::UnixMillis, guard::{Guard, GuardFault}, identity::{Asserted, PartnerClient}};
/// async fn take(g: &Guard, c: &PartnerClient, _a: Asserted, now: UnixMillis) -> Result<(), GuardFault> {
///     g.admit_assertion(c, now).await
/// }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "an assertion is good once: the guard must be asked"]
pub struct Asserted {
    id: Sha256,
    issued_at: UnixSeconds,
    expires_at: UnixSeconds,
}

impl Asserted {
    /// By how many seconds a client's clock may be ahead of ours: enough for clocks that are kept, whose seconds turn a moment
    /// earlier. So long after its start a process takes no assertion either, for the one before may have taken it ahead.
    pub const AHEAD_S: u64 = 1;

    /// The digest of client and `jti`.
    #[must_use]
    pub const fn id(&self) -> Sha256 {
        self.id
    }

    /// `iat`.
    #[must_use]
    pub const fn issued_at(&self) -> UnixSeconds {
        self.issued_at
    }

    /// `exp`: the first second in which it is no longer good.
    #[must_use]
    pub const fn expires_at(&self) -> UnixSeconds {
        self.expires_at
    }

    /// One for the tests of rooms that demand one.
    #[cfg(test)]
    pub const fn for_test(id: Sha256, issued_at: UnixSeconds, expires_at: UnixSeconds) -> Self {
        Self { id, issued_at, expires_at }
    }
}

impl PartnerClient {
    /// The client of this id, of the partner who calls us by `authority`; with `keys` it must sign assertions.
    #[must_use]
    pub fn new(client_id: Box<str>, authority: &str, keys: Option<Arc<KeySet>>) -> Self {
        let (issuer, keys) = (format!("https://{authority}").into(), keys.map(ArcSwap::new));
        Self { client_id, issuer, keys, checks: Checks::default() }
    }

    /// The issuer that it gets its tokens from.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `client_id`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.client_id
    }

    /// Whether it signs assertions.
    #[must_use]
    pub const fn asserts(&self) -> bool {
        self.keys.is_some()
    }

    /// Verifies assertions with other keys from now on; one without keys stays so.
    pub fn replace(&self, keys: Option<Arc<KeySet>>) {
        if let (Some(known), Some(keys)) = (&self.keys, keys) {
            known.store(keys);
        }
    }

    /// Verifies an assertion. It may be used once the guard has said so.
    ///
    /// # Errors
    /// The first [`IdentityFault`], in the order of this function; [`IdentityFault::ClientUnknown`] for a client that has no
    /// keys, and where `iss` or `sub` is another than this client.
    pub fn asserted(&self, assertion: &str, now: UnixSeconds) -> Result<Asserted, IdentityFault> {
        let keys = self.keys.as_ref().ok_or(IdentityFault::ClientUnknown)?.load();
        let checks = self.checks;
        let jws = split(assertion)?;
        let header = Header::read_as(jws.header(), &TYPES, checks)?;
        let key = header.key_of(&keys, checks)?;
        checks.demand(Check::Signature, key.verify(&jws).is_ok())?;
        let claims = Claims::read(jws.payload())?;
        let issuer = claims.issuer.as_deref().ok_or(IdentityFault::ClaimMissing)?;
        checks.demand(Check::AssertedByClient, issuer == &*self.client_id)?;
        let subject = claims.subject.as_deref().ok_or(IdentityFault::ClaimMissing)?;
        checks.demand(Check::AssertedOfClient, subject == &*self.client_id)?;
        checks.demand(Check::Audience, claims.audience.iter().any(|audience| **audience == *self.issuer))?;
        // One string: an array, even of one, may name others besides (RFC 7523 §3 as amended: the sole value).
        checks.demand(Check::AudienceAlone, !claims.is_audience_a_list)?;
        let may = MayLive { max_s: LIFETIME_MAX_S, ahead_s: Asserted::AHEAD_S };
        let (issued_at, expires_at) = claims.in_time(may, checks, now)?;
        checks.demand(Check::TokenId, claims.token_id.is_some())?;
        let jti = claims.token_id.unwrap_or_default();
        // The client's length first, so that no two clients share an id.
        let id = sha256(format!("{}:{}{jti}", self.client_id.len(), self.client_id).as_bytes());
        Ok(Asserted { id, issued_at, expires_at })
    }
}
