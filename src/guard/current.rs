//! Asked once more, between the record and the first byte: is everything still as it was when it was permitted?
//!
//! Between admission and now a body trickled in, a disk synced, a handshake hung. What was revoked, expired, grew old or
//! was replaced meanwhile must not leave. A grown epoch alone withdraws nothing: it may be somebody else's. Nor does another
//! bundle alone: what it permits and protects too, byte for byte, may leave ([`Upheld`]).

use crate::audit::Recorded;
use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::guard::admit::Admitted;
use crate::guard::departures::Departure;
use crate::guard::fault::Withdrawn;
use crate::guard::place::Placed;
use crate::guard::standing::Guard;
use crate::model::Receipt;
use crate::model::Sha256;
use crate::policy::Permit;
use crate::protect::Protected;

/// Proof that nothing was withdrawn just before the first byte; only [`Guard::current`] makes one.
///
/// ```
/// use portcullis::{audit::Recorded, clock::UnixMillis, guard::{Basis, Current, Guard, Placed, Withdrawn}};
/// fn ask(g: &Guard, r: &Recorded, a: &Placed, b: Basis, now: UnixMillis) -> Result<Current, Withdrawn> {
///     g.current(r, a, now.seconds(), b, b, now)
/// }
/// ```
/// A receipt is no record:
/// ```compile_fail
/// use portcullis::{audit::Recorded, clock::UnixMillis, guard::{Basis, Current, Guard, Placed, Withdrawn}};
/// fn ask(g: &Guard, r: &Recorded, a: &Placed, b: Basis, now: UnixMillis) -> Result<Current, Withdrawn> {
///     g.current(&r.receipt(), a, now.seconds(), b, b, now)
/// }
/// ```
#[derive(Debug)]
#[must_use = "without this proof nothing is sent"]
pub struct Current {
    receipt: Receipt,
    at: UnixMillis,
    departure: Option<Departure>,
}

/// By what a command is judged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Basis {
    /// The digest of the bundle.
    pub bundle: Sha256,
    /// The digest of the directory: two of one version may still be two.
    pub directory: Sha256,
}

/// Proof that what is on record is what another bundle than the recorded one permits and protects too, byte for byte; only
/// [`Upheld::by`] makes one.
///
/// ```
/// use portcullis::{audit::Recorded, guard::{Basis, Placed, Upheld, Withdrawn}, policy::Permit, protect::Protected};
/// fn uphold(r: &Recorded, l: &Placed, p: &Permit, o: &Protected, b: Basis) -> Result<Upheld, Withdrawn> {
///     Upheld::by(r, l, o, p, o, b)
/// }
/// ```
/// The other bundle must permit it:
/// ```compile_fail
/// use portcullis::{audit::Recorded, guard::{Basis, Placed, Upheld, Withdrawn}, policy::Permit, protect::Protected};
/// fn uphold(r: &Recorded, l: &Placed, p: &Permit, o: &Protected, b: Basis) -> Result<Upheld, Withdrawn> {
///     Upheld::by(r, l, o, o, o, b)
/// }
/// ```
#[derive(Debug)]
#[must_use = "without this proof the command is withdrawn"]
pub struct Upheld {
    receipt: Receipt,
    basis: Basis,
}

impl Upheld {
    /// Compares what the bundle of `basis` permits (`permit`) and protects (`anew`) with what is `recorded`, and with what is
    /// about to leave.
    ///
    /// # Errors
    /// [`Withdrawn::BundleChanged`] where anything differs.
    pub fn by(
        recorded: &Recorded,
        placed: &Placed,
        protected: &Protected,
        permit: &Permit,
        anew: &Protected,
        basis: Basis,
    ) -> Result<Self, Withdrawn> {
        let is_same = recorded.digest() == anew.digest() && anew.is_the_same_as(protected);
        if is_same && permit.tenant() == placed.tenant() {
            Ok(Self { receipt: recorded.receipt(), basis })
        } else {
            Err(Withdrawn::BundleChanged)
        }
    }
}

impl Guard {
    /// Asks again whether the recorded command, judged by `then`, may leave with a partner token that is good until before
    /// `good_until`, while `in_force` is what commands are judged by now.
    ///
    /// # Errors
    /// [`Withdrawn`] says what is no longer as it was.
    pub fn current(
        &self,
        recorded: &Recorded,
        placed: &Placed,
        good_until: UnixSeconds,
        then: Basis,
        in_force: Basis,
        now: UnixMillis,
    ) -> Result<Current, Withdrawn> {
        if recorded.bundle() != then.bundle {
            return Err(Withdrawn::BundleChanged);
        }
        self.last_look(recorded, placed, good_until, then, in_force, now)
    }

    /// As [`Guard::current`], for a command that another bundle upholds than the one on its record.
    ///
    /// # Errors
    /// [`Withdrawn`], also where the proof is another command's.
    pub fn current_upheld(
        &self,
        recorded: &Recorded,
        placed: &Placed,
        good_until: UnixSeconds,
        upheld: &Upheld,
        in_force: Basis,
        now: UnixMillis,
    ) -> Result<Current, Withdrawn> {
        if upheld.receipt != recorded.receipt() {
            return Err(Withdrawn::BundleChanged);
        }
        self.last_look(recorded, placed, good_until, upheld.basis, in_force, now)
    }

    fn last_look(
        &self,
        recorded: &Recorded,
        placed: &Placed,
        good_until: UnixSeconds,
        then: Basis,
        in_force: Basis,
        now: UnixMillis,
    ) -> Result<Current, Withdrawn> {
        // First registered, then looked at: a revocation that the look misses waits for this command to have left.
        let departure = Some(self.departures.begin());
        self.still(placed.admitted(), then, in_force, now)?;
        self.still_placed(placed)?;
        if !placed.rights_count(now.seconds()) {
            return Err(Withdrawn::RightNotNow);
        }
        if now.seconds() >= good_until {
            return Err(Withdrawn::PartnerTokenExpired);
        }
        Ok(Current { receipt: recorded.receipt(), at: now, departure })
    }

    pub(super) fn still(
        &self,
        admitted: &Admitted,
        then: Basis,
        in_force: Basis,
        now: UnixMillis,
    ) -> Result<(), Withdrawn> {
        if self.epoch() != admitted.epoch() {
            self.still_allowed(admitted)?;
        }
        if admitted.moves() && self.clock_behind_ms(now).is_some() {
            return Err(Withdrawn::ClockBehind);
        }
        admitted.standing().check(now.seconds())?;
        if then.bundle != in_force.bundle {
            return Err(Withdrawn::BundleChanged);
        }
        if then.directory != in_force.directory {
            return Err(Withdrawn::DirectoryChanged);
        }
        if admitted.token_expires_at().is_some_and(|expires_at| now.seconds() >= expires_at) {
            return Err(Withdrawn::TokenExpired);
        }
        if admitted.is_over(now.seconds()) {
            return Err(Withdrawn::TooOld);
        }
        Ok(())
    }

    /// Whether nothing of the command was revoked: its caller, what else could be stopped of it, and the rights that policy
    /// was shown.
    fn still_allowed(&self, admitted: &Admitted) -> Result<(), Withdrawn> {
        let (revocable, stoppable) = (admitted.revocable(), admitted.stoppable());
        if self.revocations.is_revoked(revocable) {
            return Err(Withdrawn::Revoked);
        }
        let tenant = revocable.tenant.as_ref();
        if let Some(kind) = self.revocations.stopped(stoppable, tenant) {
            return Err(kind.into());
        }
        match stoppable.grants.iter().any(|grant| self.revocations.is_withheld(grant, tenant)) {
            true => Err(Withdrawn::GrantRevoked),
            false => Ok(()),
        }
    }

    /// Whether nothing was stopped where the thing stands.
    fn still_placed(&self, placed: &Placed) -> Result<(), Withdrawn> {
        if self.epoch() == placed.admitted().epoch() {
            return Ok(());
        }
        let stopped = self.revocations.stopped(placed.admitted().stoppable(), Some(placed.tenant()));
        stopped.map_or(Ok(()), |kind| Err(kind.into()))
    }
}

impl Current {
    /// The receipt of the record that it was asked for; the sender compares it.
    #[must_use]
    pub const fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// When it was asked.
    #[must_use]
    pub const fn at(&self) -> UnixMillis {
        self.at
    }

    /// What is dropped with the first bytes that leave, and no later: revocations wait for it.
    #[must_use]
    pub fn into_departure(self) -> Option<Departure> {
        self.departure
    }

    /// For the tests of rooms that demand one.
    #[cfg(test)]
    pub const fn for_test(receipt: Receipt, at: UnixMillis) -> Self {
        Self { receipt, at, departure: None }
    }
}
