//! A proof of possession (DPoP, RFC 9449): that whoever made this request holds the key to which its token is bound.
//!
//! What makes one good is RFC 9449 §4.3, whole, but for two of its points: whether it came before and whether its nonce is ours
//! is asked by `guard/`, which remembers. A proof is read as strictly as a token: one field, three parts of strict base64url,
//! a header of exactly `typ`, `alg` and `jwk`, a public key of the kind that the algorithm is for, claims of the right type.
//! Its algorithm is one of those for tokens; a secret that both sides know is no possession, so there is no HMAC.

use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::crypto::Algorithm;
use crate::crypto::Jws;
use crate::crypto::ProofKey;
use crate::crypto::constant_time_eq;
use crate::crypto::encode_base64url;
use crate::crypto::sha256;
use crate::identity::checks::Check;
use crate::identity::checks::Checks;
use crate::identity::fault::IdentityFault;
use crate::identity::proof_claims::ProofClaims;
use crate::identity::target::is_target;
use crate::identity::verifier::Verifier;
use crate::json::Limits;
use crate::json::Object;
use crate::json::Value;
use crate::json::parse;
use crate::model::Sha256;
use crate::model::Stranger;
use http::HeaderMap;
use http::HeaderName;
use http::Method;

/// The field that a proof stands in (RFC 9449 §4.1).
pub const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The longest proof that is looked at, in bytes: an RSA key of 8,192 bits and its signature take three thousand.
const MAX_PROOF_BYTES: usize = 4 * 1024;

/// What a proof's header may be: an object with a key in it, and in that a list.
const HEADER: Limits = Limits { max_depth: 3, max_members: 12, max_elements: 8, max_string_bytes: 1400 };

/// Proof that whoever made a request holds this key; only [`Verifier`] makes one. Whether it is used for the first time
/// it does not say.
///
/// ```
/// use http::{HeaderMap, Method};
/// use portcullis::{clock::UnixMillis, identity::{IdentityFault, Proof, Verifier}};
/// fn proof(verifier: &Verifier, fields: &HeaderMap, now: UnixMillis) -> Result<Proof, IdentityFault> {
///     verifier.prove(fields, &Method::POST, "/-/oauth/token", None, now)
/// }
/// ```
/// Without the verifier there is none:
/// ```compile_fail
/// use http::{HeaderMap, Method};
/// use portcullis::{clock::UnixMillis, identity::{IdentityFault, Proof, Verifier}};
/// fn proof(verifier: &Verifier, fields: &HeaderMap, now: UnixMillis) -> Result<Proof, IdentityFault> {
///     Ok(Proof { key: todo!(), issued_at: todo!(), id: todo!(), nonce: None })
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use = "without this proof the exchange ends here"]
pub struct Proof {
    key: Sha256,
    issued_at: UnixSeconds,
    id: Sha256,
    nonce: Option<Stranger>,
}

impl Proof {
    /// The key's thumbprint (RFC 7638).
    #[must_use]
    pub const fn key(&self) -> Sha256 {
        self.key
    }

    /// When the proof was made, as its maker says: `iat`. A command's own time.
    #[must_use]
    pub const fn issued_at(&self) -> UnixSeconds {
        self.issued_at
    }

    /// SHA-256 of `jti`, by which the key's proofs are told apart.
    #[must_use]
    pub const fn id(&self) -> Sha256 {
        self.id
    }

    /// The nonce that it was made with, whoever gave it out.
    #[must_use]
    pub const fn nonce(&self) -> Option<&Stranger> {
        self.nonce.as_ref()
    }

    /// A proof for the tests of rooms that demand one.
    #[cfg(test)]
    pub fn for_test(key: Sha256, id: &str, issued_at: UnixSeconds, nonce: Option<&str>) -> Self {
        Self { key, issued_at, id: sha256(id.as_bytes()), nonce: nonce.map(Stranger::new) }
    }
}

impl Verifier {
    /// Verifies the proof in `fields` for a request of `method` to `path` (as it came, without query), and for
    /// `access_token` where the request brings one.
    ///
    /// # Errors
    /// The first [`IdentityFault`] that speaks of proofs, in the order of this function.
    pub fn prove(
        &self,
        fields: &HeaderMap,
        method: &Method,
        path: &str,
        access_token: Option<&str>,
        now: UnixMillis,
    ) -> Result<Proof, IdentityFault> {
        self.prove_at(fields, method, path, access_token, now.seconds())
    }

    pub(super) fn prove_at(
        &self,
        fields: &HeaderMap,
        method: &Method,
        path: &str,
        access_token: Option<&str>,
        now: UnixSeconds,
    ) -> Result<Proof, IdentityFault> {
        let checks = self.checks;
        let jws = Jws::split(self.proof_field(fields)?).map_err(|_| IdentityFault::ProofMalformed)?;
        let header = header(jws.header(), checks)?;
        let (algorithm, jwk) = named(&header)?;
        checks.demand(Check::ProofKeyPublic, ProofKey::is_public(jwk))?;
        checks.demand(Check::ProofKeyPurpose, ProofKey::may_verify(jwk, algorithm))?;
        let key = ProofKey::read(jwk, algorithm).ok_or(IdentityFault::ProofKey)?;
        let claims = ProofClaims::read(jws.payload())?;
        checks.demand(Check::ProofSignature, key.verify(&jws).is_ok())?;
        checks.demand(Check::ProofMethod, claims.method == method.as_str())?;
        checks.demand(Check::ProofTarget, is_target(&claims.target, &self.public_url, path))?;
        checks.demand(Check::ProofToken, is_digest_of(claims.token_digest.as_deref(), access_token))?;
        self.proof_in_time(&claims, now)?;
        let id = sha256(claims.id.as_bytes());
        let nonce = claims.nonce.map(Stranger::new);
        Ok(Proof { key: key.thumbprint(), issued_at: claims.issued_at, id, nonce })
    }

    fn proof_field<'f>(&self, fields: &'f HeaderMap) -> Result<&'f str, IdentityFault> {
        let mut given = fields.get_all(DPOP).iter();
        let field = given.next().ok_or(IdentityFault::ProofMissing)?;
        self.checks.demand(Check::OneProof, given.next().is_none())?;
        let text = field.to_str().map_err(|_| IdentityFault::ProofMalformed)?;
        if text.len() > MAX_PROOF_BYTES { Err(IdentityFault::ProofMalformed) } else { Ok(text) }
    }

    /// A proof is good for a moment: skew is granted towards the future only.
    fn proof_in_time(&self, claims: &ProofClaims<'_>, now: UnixSeconds) -> Result<(), IdentityFault> {
        let checks = self.checks;
        let latest = now.plus(self.clock_skew_s);
        checks.demand(Check::ProofInPast, claims.issued_at <= latest)?;
        checks.demand(Check::ProofNotOld, now.since(claims.issued_at) <= self.proof_age_s)?;
        // RFC 9449 asks for neither; a proof that limits itself all the same is held to it.
        checks.demand(Check::ProofNotBefore, claims.not_before.is_none_or(|not_before| not_before <= latest))?;
        checks.demand(Check::ProofNotExpired, claims.expires_at.is_none_or(|expires_at| now < expires_at))
    }
}

/// The header, if it is an object of exactly `typ`, `alg` and `jwk`, and of the type of proofs.
fn header(text: &[u8], checks: Checks) -> Result<Object, IdentityFault> {
    let read = parse(text, HEADER).map_err(|_| IdentityFault::ProofHeader)?;
    let Value::Object(header) = read else { return Err(IdentityFault::ProofHeader) };
    let known = header.iter().all(|(name, _)| matches!(name, "typ" | "alg" | "jwk"));
    checks.demand(Check::ProofHeaderMembers, known)?;
    // RFC 9449 §4.2: the value is this, not a media type that is to be compared as one.
    checks.demand(Check::ProofType, header.get("typ").and_then(Value::as_str) == Some("dpop+jwt"))?;
    Ok(header)
}

/// The algorithm and the key that a header names.
fn named(header: &Object) -> Result<(Algorithm, &Object), IdentityFault> {
    let algorithm = header.get("alg").and_then(Value::as_str).ok_or(IdentityFault::ProofHeader)?;
    let algorithm = Algorithm::ALL.into_iter().find(|known| known.is_called(algorithm));
    let jwk = header.get("jwk").and_then(Value::as_object).ok_or(IdentityFault::ProofHeader)?;
    Ok((algorithm.ok_or(IdentityFault::ProofAlgorithm)?, jwk))
}

/// Whether `ath` is that of the token, and stands there only beside one (RFC 9449 §4.2).
fn is_digest_of(ath: Option<&str>, access_token: Option<&str>) -> bool {
    match (ath, access_token) {
        (None, None) => true,
        (Some(ath), Some(token)) => {
            let digest = encode_base64url(sha256(token.as_bytes()).as_bytes());
            constant_time_eq(ath.as_bytes(), digest.as_bytes())
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}
