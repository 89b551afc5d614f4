//! A proof's payload: the claims of RFC 9449 §4.2, in one strict pass. Others are read as strictly and let go.

use crate::clock::UnixSeconds;
use crate::identity::claims::pass_over;
use crate::identity::claims::text;
use crate::identity::claims::time;
use crate::identity::fault::IdentityFault;
use crate::json::Limits;
use crate::json::Reader;
use std::borrow::Cow;

/// The longest `htu`, in bytes: the longest request target that can be configured is shorter.
const MAX_TARGET_BYTES: usize = 8 * 1024;

const LIMITS: Limits = Limits { max_depth: 4, max_members: 32, max_elements: 32, max_string_bytes: MAX_TARGET_BYTES };

/// The claims that we read. Not verified.
pub(super) struct ProofClaims<'p> {
    /// `jti`.
    pub(super) id: Cow<'p, str>,
    /// `htm`.
    pub(super) method: Cow<'p, str>,
    /// `htu`.
    pub(super) target: Cow<'p, str>,
    /// `iat`.
    pub(super) issued_at: UnixSeconds,
    /// `ath`.
    pub(super) token_digest: Option<Cow<'p, str>>,
    /// `nonce`.
    pub(super) nonce: Option<Cow<'p, str>>,
    /// `nbf`.
    pub(super) not_before: Option<UnixSeconds>,
    /// `exp`.
    pub(super) expires_at: Option<UnixSeconds>,
}

impl<'p> ProofClaims<'p> {
    /// Reads the payload.
    pub(super) fn read(payload: &'p [u8]) -> Result<Self, IdentityFault> {
        read(payload).ok().flatten().ok_or(IdentityFault::ProofClaims)
    }
}

/// The claims; `None` where a required one is missing.
fn read(payload: &[u8]) -> Result<Option<ProofClaims<'_>>, IdentityFault> {
    let malformed = |_| IdentityFault::ProofClaims;
    let mut reader = Reader::new(payload, LIMITS).map_err(malformed)?;
    let [mut id, mut method, mut target, mut token_digest, mut nonce] = [const { None }; 5];
    let [mut issued_at, mut not_before, mut expires_at] = [None; 3];
    reader.begin_object().map_err(malformed)?;
    while let Some(name) = reader.next_key().map_err(malformed)? {
        match &*name {
            "jti" => id = Some(text(&mut reader)?),
            "htm" => method = Some(text(&mut reader)?),
            "htu" => target = Some(reader.string(MAX_TARGET_BYTES).map_err(malformed)?),
            "iat" => issued_at = Some(time(&mut reader)?),
            "ath" => token_digest = Some(text(&mut reader)?),
            "nonce" => nonce = Some(text(&mut reader)?),
            "nbf" => not_before = Some(time(&mut reader)?),
            "exp" => expires_at = Some(time(&mut reader)?),
            _ => pass_over(&mut reader).map_err(malformed)?,
        }
    }
    reader.finish().map_err(malformed)?;
    let required = id.zip(method).zip(target).zip(issued_at);
    Ok(required.map(|(((id, method), target), issued_at)| ProofClaims {
        id,
        method,
        target,
        issued_at,
        token_digest,
        nonce,
        not_before,
        expires_at,
    }))
}
