//! Asked once more, between the record and the first byte: is everything still as it was when it was permitted?
//!
//! Between admission and now a body trickled in, a disk synced, a handshake hung. What was revoked, expired, grew old or
//! was replaced meanwhile must not leave. A grown epoch alone withdraws nothing: it may be somebody else's.

use crate::audit::Recorded;
use crate::clock::UnixMillis;
use crate::guard::admit::Admitted;
use crate::guard::fault::Withdrawn;
use crate::guard::standing::Guard;
use crate::model::Receipt;
use crate::model::Sha256;

/// Proof that nothing was withdrawn just before the first byte; only [`Guard::current`] makes one.
///
/// ```
/// use portcullis::{audit::Recorded, clock::UnixMillis, guard::{Admitted, Current, Guard, Withdrawn}, model::Sha256};
/// fn ask(g: &Guard, r: &Recorded, a: &Admitted, b: Sha256, now: UnixMillis) -> Result<Current, Withdrawn> {
///     g.current(r, a, b, now)
/// }
/// ```
/// A receipt is no record:
/// ```compile_fail
/// use portcullis::{audit::Recorded, clock::UnixMillis, guard::{Admitted, Current, Guard, Withdrawn}, model::Sha256};
/// fn ask(g: &Guard, r: &Recorded, a: &Admitted, b: Sha256, now: UnixMillis) -> Result<Current, Withdrawn> {
///     g.current(&r.receipt(), a, b, now)
/// }
/// ```
#[derive(Debug)]
#[must_use = "without this proof nothing is sent"]
pub struct Current {
    receipt: Receipt,
}

impl Guard {
    /// Asks again whether the recorded command may leave, with `bundle_now` as the digest of the bundle now in force.
    ///
    /// # Errors
    /// [`Withdrawn`] says what is no longer as it was.
    pub fn current(
        &self,
        recorded: &Recorded,
        admitted: &Admitted,
        bundle_now: Sha256,
        now: UnixMillis,
    ) -> Result<Current, Withdrawn> {
        self.still(admitted, recorded.bundle(), bundle_now, now)?;
        Ok(Current { receipt: recorded.receipt() })
    }

    pub(super) fn still(
        &self,
        admitted: &Admitted,
        bundle_then: Sha256,
        bundle_now: Sha256,
        now: UnixMillis,
    ) -> Result<(), Withdrawn> {
        if self.epoch() != admitted.epoch() && self.revocations.is_revoked(admitted.revocable()) {
            return Err(Withdrawn::Revoked);
        }
        admitted.standing().check(now.seconds())?;
        if bundle_then != bundle_now {
            return Err(Withdrawn::BundleChanged);
        }
        if admitted.token_expires_at().is_some_and(|expires_at| now.seconds() >= expires_at) {
            return Err(Withdrawn::TokenExpired);
        }
        if admitted.is_over(now.seconds()) {
            return Err(Withdrawn::TooOld);
        }
        Ok(())
    }
}

impl Current {
    /// The receipt of the record that it was asked for; the sender compares it.
    #[must_use]
    pub const fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// For the tests of rooms that demand one.
    #[cfg(test)]
    pub const fn for_test(receipt: Receipt) -> Self {
        Self { receipt }
    }
}
