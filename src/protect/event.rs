//! An event as it may go on: towards the partner every leaf protected, towards the backend every pseudonym turned back.

use crate::contract::RebuiltEvent;
use crate::crypto::sha256;
use crate::model::Direction;
use crate::model::EventName;
use crate::model::PartnerName;
use crate::model::Sha256;
use crate::policy::EventPermit;
use crate::protect::ProtectFault;
use crate::protect::Protector;
use bytes::Bytes;
use std::fmt;

/// An event whose every leaf was treated as its contract declares: the only bytes of it that may go on. Only
/// [`Protector::protect_event`] makes one.
///
/// A permitted event is protected:
/// ```
/// use portcullis::{contract::RebuiltEvent, policy::EventPermit, protect::{ProtectFault, ProtectedEvent, Protector}};
/// fn protect(p: &Protector, permit: &EventPermit, event: &RebuiltEvent) -> Result<ProtectedEvent, ProtectFault> {
///     p.protect_event(permit, event)
/// }
/// ```
/// One that no policy permitted is not:
/// ```compile_fail
/// use portcullis::{contract::RebuiltEvent, policy::EventPermit, protect::{ProtectFault, ProtectedEvent, Protector}};
/// fn protect(p: &Protector, permit: &EventPermit, event: &RebuiltEvent) -> Result<ProtectedEvent, ProtectFault> {
///     p.protect_event(event, event)
/// }
/// ```
#[derive(Clone)]
#[must_use = "only these bytes of an event may go on"]
pub struct ProtectedEvent {
    partner: PartnerName,
    event: EventName,
    direction: Direction,
    body: Bytes,
    digest: Sha256,
}

impl Protector {
    /// Treats every leaf of a permitted event as its contract declares. Pseudonyms are those of the tenant to whom the thing
    /// belongs that the event is about.
    ///
    /// # Errors
    /// [`ProtectFault`]: then nothing of the event goes on. [`ProtectFault::Foreign`] where an event of the partner bears a
    /// pseudonym that is not ours, or was given out for another tenant.
    pub fn protect_event(&self, permit: &EventPermit, event: &RebuiltEvent) -> Result<ProtectedEvent, ProtectFault> {
        if event.contract().partner() != self.partner() {
            return Err(ProtectFault::OtherPartner);
        }
        let (tenant, declared) = (permit.tenant(), event.event());
        let body = match declared.direction {
            Direction::Outbound => event.render(&mut |leaf| self.treat(tenant, leaf)),
            Direction::Inbound => event.render(&mut |leaf| self.restored(tenant, leaf)),
        }?;
        Ok(ProtectedEvent {
            partner: self.partner().clone(),
            event: declared.name.clone(),
            direction: declared.direction,
            digest: sha256(&body),
            body,
        })
    }
}

impl ProtectedEvent {
    /// The partner whom it goes to or comes from.
    #[must_use]
    pub const fn partner(&self) -> &PartnerName {
        &self.partner
    }

    /// The event's name.
    #[must_use]
    pub const fn event(&self) -> &EventName {
        &self.event
    }

    /// Which way it goes.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// The bytes.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// SHA-256 over the bytes.
    #[must_use]
    pub const fn digest(&self) -> Sha256 {
        self.digest
    }
}

impl fmt::Debug for ProtectedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProtectedEvent {{ {} of {}, {} bytes }}", self.event, self.partner, self.body.len())
    }
}
