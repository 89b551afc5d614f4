//! Step-up: an operation that demands a better or a fresher authentication of the user than the token shows is refused
//! (RFC 9470). The caller is told what is demanded, so that the app lets the user sign in again.
//!
//! Age counts from `auth_time` in whole seconds. No clock is read here.

use crate::clock::UnixSeconds;
use crate::contract::Declared;
use crate::guard::fault::GuardFault;
use crate::identity::Caller;

/// Goes on if the user was authenticated as the operation demands, at `now`.
///
/// # Errors
/// [`GuardFault::StepUpNeeded`].
pub(super) fn authenticated(declared: &Declared, caller: &Caller, now: UnixSeconds) -> Result<(), GuardFault> {
    let demand = &declared.operation().authentication;
    let (level, means, age_s) = match caller.token() {
        Some(token) => (token.acr.as_ref(), token.amr.as_slice(), token.auth_time.map(|at| now.since(at))),
        None => (None, &[][..], None),
    };
    if demand.is_met(level, means, age_s) { Ok(()) } else { Err(GuardFault::StepUpNeeded) }
}
