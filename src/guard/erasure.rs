//! Erasing a person: forgetting who a handle stands for cannot be taken back, so two persons want it.
//!
//! One proposes, another confirms exactly the same (kind, issuer, value) within `lift_confirm_ms`. What is erased, and how,
//! is `audit/`'s: here it is only seen to that two different persons want it. A person is known by the keyed digest under
//! which the store has the row.

use crate::clock::UnixMillis;
use crate::guard::standing::Guard;
use crate::guard::two_persons::Disagreement;
use crate::model::PersonName;
use crate::model::Sha256;

/// Proof that two different persons want the same person erased; only [`Guard::agree_to_erase`] makes one.
///
/// A person is erased whom two want erased, and it is on record:
/// ```
/// use portcullis::{audit::{HandleFault, Handles, Noted}, guard::ErasureAgreed};
/// async fn erase(h: &Handles, agreed: &ErasureAgreed, noted: &Noted) -> Result<bool, HandleFault> {
///     h.erase(agreed, noted).await
/// }
/// ```
/// Whom somebody names is not:
/// ```compile_fail
/// use portcullis::{audit::{HandleFault, Handles, Noted}, guard::ErasureAgreed, model::Sha256};
/// async fn erase(h: &Handles, agreed: &Sha256, noted: &Noted) -> Result<bool, HandleFault> {
///     h.erase(agreed, noted).await
/// }
/// ```
#[derive(Debug)]
#[must_use = "nobody is erased yet"]
pub struct ErasureAgreed {
    person: Sha256,
    proposed_by: PersonName,
}

/// Why nobody is erased.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EraseFault {
    /// Nobody has proposed exactly this, or too long ago.
    #[error("nobody has proposed to erase this person")]
    NotProposed,
    /// The one who proposed it confirms it.
    #[error("another person must confirm this")]
    SamePerson,
    /// As many proposals wait as may.
    #[error("too many proposals wait")]
    TooMany,
}

impl Guard {
    /// Notes that `by` wants this person erased; tells until when another person may confirm it. The same proposed again
    /// replaces the proposal before.
    ///
    /// # Errors
    /// [`EraseFault::TooMany`].
    pub fn propose_erasure(&self, person: Sha256, by: &PersonName, now: UnixMillis) -> Result<UnixMillis, EraseFault> {
        self.erasures.propose(person, (), by, now).ok_or(EraseFault::TooMany)
    }

    /// Confirms as `by` what another person has proposed. The proposal is used up; one's own stays.
    ///
    /// # Errors
    /// [`EraseFault::NotProposed`], [`EraseFault::SamePerson`].
    pub fn agree_to_erase(
        &self,
        person: Sha256,
        by: &PersonName,
        now: UnixMillis,
    ) -> Result<ErasureAgreed, EraseFault> {
        match self.erasures.confirm(&person, by, now) {
            Ok(((), proposed_by)) => Ok(ErasureAgreed { person, proposed_by }),
            Err(Disagreement::NotProposed) => Err(EraseFault::NotProposed),
            Err(Disagreement::SamePerson) => Err(EraseFault::SamePerson),
        }
    }
}

impl ErasureAgreed {
    /// Whom, by the keyed digest of the row.
    #[must_use]
    pub const fn person(&self) -> Sha256 {
        self.person
    }

    /// Who proposed it.
    #[must_use]
    pub const fn proposed_by(&self) -> &PersonName {
        &self.proposed_by
    }
}
