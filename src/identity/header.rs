//! A token's header: exactly `alg`, `kid` and `typ`; a client's assertion may leave the last one out.
//!
//! A header is written by whoever made the token, before anything is verified. So nothing in it is obeyed: `kid` looks up a
//! key, `alg` and `typ` are compared. Any other member is refused, `crit`, `b64`, `zip` and those that bring a key along (`jwk`,
//! `jku`, `x5u`, `x5c`) as well as ones that we do not know.

use crate::crypto::KeySet;
use crate::crypto::VerifyingKey;
use crate::identity::checks::Check;
use crate::identity::checks::Checks;
use crate::identity::fault::IdentityFault;
use crate::json::JsonError;
use crate::json::Limits;
use crate::json::Reader;
use std::borrow::Cow;

/// The longest value of a member, in bytes.
const MAX_VALUE_BYTES: usize = 256;

/// A header, borrowed from the token.
pub(super) struct Header<'t> {
    pub(super) algorithm: Cow<'t, str>,
    pub(super) key: Cow<'t, str>,
    /// Whether its type is `JWT`, which says nothing of what it is for.
    pub(super) is_plain: bool,
}

impl<'t> Header<'t> {
    /// Reads the header of a token of one of these types, each in its one usual spelling; `None` is one that says no type.
    pub(super) fn read_as(text: &'t [u8], types: &[Option<&str>], checks: Checks) -> Result<Self, IdentityFault> {
        let members = members(text, checks).map_err(|_| IdentityFault::Header)?;
        let Members { algorithm, key, typ } = members.ok_or(IdentityFault::Header)?;
        let is_plain = typ.as_deref() == Some("JWT");
        checks.demand(Check::Type, types.contains(&typ.as_deref()))?;
        Ok(Self { algorithm, key, is_plain })
    }

    /// Reads the header of an access token.
    pub(super) fn read(text: &'t [u8], checks: Checks) -> Result<Self, IdentityFault> {
        let members = members(text, checks).map_err(|_| IdentityFault::Header)?;
        let Members { algorithm, key, typ } = members.ok_or(IdentityFault::Header)?;
        let typ = typ.ok_or(IdentityFault::Header)?;
        // RFC 9068 §4; a media type is compared without regard to case (RFC 7515 §4.1.9), ours in the one usual spelling.
        let is_plain = typ == "JWT";
        checks.demand(Check::Type, is_plain || typ == "at+jwt" || typ == "application/at+jwt")?;
        Ok(Self { algorithm, key, is_plain })
    }

    /// The key that it names, if it is one of these and its algorithm is the one that the header names.
    pub(super) fn key_of<'k>(&self, keys: &'k KeySet, checks: Checks) -> Result<&'k VerifyingKey, IdentityFault> {
        let key = keys.key(&self.key).ok_or(IdentityFault::KeyUnknown)?;
        checks.demand(Check::AlgorithmOfKey, key.algorithm().is_called(&self.algorithm))?;
        Ok(key)
    }
}

/// What a header may have.
struct Members<'t> {
    algorithm: Cow<'t, str>,
    key: Cow<'t, str>,
    typ: Option<Cow<'t, str>>,
}

/// `alg`, `kid` and `typ`, if the first two are there and nothing else.
fn members(text: &[u8], checks: Checks) -> Result<Option<Members<'_>>, JsonError> {
    let limits = Limits { max_depth: 1, max_members: 4, max_elements: 0, max_string_bytes: MAX_VALUE_BYTES };
    let mut reader = Reader::new(text, limits)?;
    let (mut algorithm, mut key, mut typ, mut other) = (None, None, None, None);
    reader.begin_object()?;
    while let Some(name) = reader.next_key()? {
        let place = match &*name {
            "alg" => &mut algorithm,
            "kid" => &mut key,
            "typ" => &mut typ,
            _ if checks.leaves_out(Check::HeaderMembers) => &mut other,
            _ => return Ok(None),
        };
        *place = Some(reader.string(MAX_VALUE_BYTES)?);
    }
    reader.finish()?;
    Ok(algorithm.zip(key).map(|(algorithm, key)| Members { algorithm, key, typ }))
}
