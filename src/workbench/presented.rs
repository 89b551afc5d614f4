//! How a case's token comes along: one that is bound to a certificate as it is, a session beside a proof of its app's key.
//!
//! The app is a good one: its proof is for this request and this token, has the nonce that a gateway asks for which has only
//! just begun, and says the same time as the case does in `Command-Time`, where that is one.

use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::identity::DPOP;
use crate::identity::TokenKind;
use crate::pipeline::Core;
use crate::workbench::case::CaseToken;
use crate::workbench::cast::Cast;
use crate::workbench::stage::StageFault;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header::AUTHORIZATION;

/// Adds the token, and the proof that it needs, to the fields of a request.
pub(super) fn present(
    cast: &Cast,
    token: &CaseToken,
    now: UnixMillis,
    (method, path): (&Method, &str),
    core: &Core,
    fields: &mut HeaderMap,
) -> Result<(), StageFault> {
    let value = |text: &str| HeaderValue::try_from(text).map_err(|_| StageFault::Header);
    let text = cast.token(token, now)?;
    let is_proven = token.kind == TokenKind::Session && token.bound_to.is_some();
    let scheme = if is_proven { "DPoP" } else { "Bearer" };
    fields.insert(AUTHORIZATION, value(&format!("{scheme} {text}"))?);
    if is_proven {
        let at = said(fields).unwrap_or_else(|| now.seconds());
        let proof = cast.proof(method, path, &text, &core.guard.nonce(now), at)?;
        fields.insert(DPOP, value(&proof)?);
    }
    Ok(())
}

/// The time that the backend says, if it is one.
fn said(fields: &HeaderMap) -> Option<UnixSeconds> {
    let text = fields.get("command-time")?.to_str().ok()?;
    text.strip_prefix('@')?.parse().ok().map(UnixSeconds::new)
}
