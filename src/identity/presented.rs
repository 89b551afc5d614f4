//! The one `Authorization` field of a request, and what stands in it.

use crate::identity::checks::Check;
use crate::identity::checks::Checks;
use crate::identity::fault::IdentityFault;
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// The schemes of an `Authorization` field under which tokens come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Scheme {
    /// RFC 6750 §2.1.
    Bearer,
    /// RFC 9449 §7.1.
    Dpop,
}

/// Scheme and token: `Bearer` or `DPoP`, one space, and no other spelling.
pub(super) fn presented(fields: &HeaderMap, checks: Checks) -> Result<(Scheme, &str), IdentityFault> {
    let mut given = fields.get_all(AUTHORIZATION).iter();
    let field = given.next().ok_or(IdentityFault::TokenMissing)?;
    checks.demand(Check::OneAuthorization, given.next().is_none())?;
    let text = field.to_str().map_err(|_| IdentityFault::Scheme)?;
    let (scheme, token) = text.split_once(' ').ok_or(IdentityFault::Scheme)?;
    checks.demand(Check::Scheme, matches!(scheme, "Bearer" | "DPoP"))?;
    Ok((if scheme == "DPoP" { Scheme::Dpop } else { Scheme::Bearer }, token))
}
