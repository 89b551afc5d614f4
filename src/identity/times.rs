//! The times of a token or an assertion: whether it is good now, whoever made it. No clock is read here.

use crate::clock::UnixSeconds;
use crate::identity::checks::Check;
use crate::identity::checks::Checks;
use crate::identity::claims::Claims;
use crate::identity::fault::IdentityFault;

/// What tokens of some kind may be, in seconds.
#[derive(Clone, Copy)]
pub(super) struct MayLive {
    /// From `iat` to `exp`, at most.
    pub(super) max_s: u64,
    /// By how much the clock of whoever made it may be ahead of ours.
    pub(super) ahead_s: u64,
}

impl Claims<'_> {
    /// `iat` and `exp`, if it is good at `now`. Skew is granted towards the future only: what is expired stays so.
    ///
    /// # Errors
    /// The first [`IdentityFault`], in the order of this function.
    pub(super) fn in_time(
        &self,
        may: MayLive,
        checks: Checks,
        now: UnixSeconds,
    ) -> Result<(UnixSeconds, UnixSeconds), IdentityFault> {
        let issued_at = self.issued_at.ok_or(IdentityFault::ClaimMissing)?;
        let expires_at = self.expires_at.ok_or(IdentityFault::ClaimMissing)?;
        checks.demand(Check::LifetimePositive, expires_at > issued_at)?;
        checks.demand(Check::LifetimeMaximum, expires_at.since(issued_at) <= may.max_s)?;
        let latest = now.plus(may.ahead_s);
        checks.demand(Check::IssuedInPast, issued_at <= latest)?;
        let authenticated = self.auth_time.is_none_or(|auth_time| auth_time <= latest);
        checks.demand(Check::AuthenticatedInPast, authenticated)?;
        checks.demand(Check::NotBefore, self.not_before.is_none_or(|not_before| not_before <= latest))?;
        checks.demand(Check::NotExpired, now < expires_at)?;
        Ok((issued_at, expires_at))
    }
}
