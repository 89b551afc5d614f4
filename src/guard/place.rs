//! Where a permitted command goes: is its operation, its partner or all of a tenant stopped there?
//!
//! A token's tenant is known when a command is admitted, the tenant in which the thing stands only now. What is stopped in a
//! tenant is stopped there for everybody, also for a token of another tenant that some policy lets in.

use crate::clock::UnixSeconds;
use crate::guard::admit::Admitted;
use crate::guard::fault::GuardFault;
use crate::guard::standing::Guard;
use crate::model::TenantId;
use crate::policy::Permit;

/// Proof that nothing was stopped where a permitted command goes; only [`Guard::place`] makes one. It is the admission, and
/// remembers the permit, so that [`Guard::current`] asks the same again.
///
/// ```
/// use portcullis::{guard::{Admitted, Guard, GuardFault, Placed}, policy::Permit};
/// fn place(g: &Guard, a: Admitted, p: &Permit) -> Result<Placed, GuardFault> {
///     g.place(a, p)
/// }
/// ```
/// Without a permit it is not known where a command goes:
/// ```compile_fail
/// use portcullis::{guard::{Admitted, Guard, GuardFault, Placed}, policy::Permit};
/// fn place(g: &Guard, a: Admitted, p: &Permit) -> Result<Placed, GuardFault> {
///     g.place(a, &a)
/// }
/// ```
#[derive(Debug)]
#[must_use = "without this proof nothing is sent"]
pub struct Placed {
    admitted: Admitted,
    permit: Permit,
}

impl Guard {
    /// Asks whether anything is stopped in the tenant of the thing that is permitted.
    ///
    /// # Errors
    /// [`GuardFault::OperationRevoked`], [`GuardFault::PartnerRevoked`], [`GuardFault::TenantRevoked`].
    pub fn place(&self, admitted: Admitted, permit: &Permit) -> Result<Placed, GuardFault> {
        match self.revocations.stopped(admitted.stoppable(), Some(permit.tenant())) {
            Some(kind) => Err(kind.into()),
            None => Ok(Placed { admitted, permit: permit.clone() }),
        }
    }
}

impl Placed {
    /// The admission.
    pub const fn admitted(&self) -> &Admitted {
        &self.admitted
    }

    /// The tenant in which the thing stands.
    pub(super) fn tenant(&self) -> &TenantId {
        self.permit.tenant()
    }

    /// Whether every right that policies were shown counts at `now` still.
    pub(super) fn rights_count(&self, now: UnixSeconds) -> bool {
        self.permit.rights_count(now)
    }
}
