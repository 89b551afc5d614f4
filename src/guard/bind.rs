//! Binding an idempotency key to the rebuilt body: the first command gets the key, every other learns what it stands for.
//!
//! `contract/` has read the key where the operation says that it stands, and taken a header's quotes away. Here it must have
//! [`KEY_BYTES`]: shorter ones repeat by accident, and longer ones say more than a key does.

use crate::clock::UnixMillis;
use crate::contract::Rebuilt;
use crate::crypto::keyed_digest;
use crate::guard::admit::Admitted;
use crate::guard::admit::Ids;
use crate::guard::fault::GuardFault;
use crate::guard::ledger::Presented;
use crate::guard::ledger::Reservation;
use crate::guard::standing::Guard;
use crate::identity::Caller;
use crate::model::PastOutcome;
use crate::model::Receipt;
use crate::model::Sha256;
use std::ops::RangeInclusive;

/// How many bytes a key has; all of them are visible ASCII.
pub const KEY_BYTES: RangeInclusive<usize> = 8..=128;

/// What a command's idempotency key stands for.
///
/// The key of who was admitted is bound:
/// ```
/// use portcullis::{clock::UnixMillis, contract::{Declared, Rebuilt}, guard::{Admitted, Bound, Guard, GuardFault}, identity::Caller};
/// fn bind(g: &Guard, d: &Declared, a: &Admitted, c: &Caller, r: &Rebuilt, now: UnixMillis) -> Result<Bound, GuardFault> {
///     g.bind(a, c, r, now)
/// }
/// ```
/// What was declared alone is not:
/// ```compile_fail
/// use portcullis::{clock::UnixMillis, contract::{Declared, Rebuilt}, guard::{Admitted, Bound, Guard, GuardFault}, identity::Caller};
/// fn bind(g: &Guard, d: &Declared, a: &Admitted, c: &Caller, r: &Rebuilt, now: UnixMillis) -> Result<Bound, GuardFault> {
///     g.bind(d, c, r, now)
/// }
/// ```
#[derive(Debug)]
#[must_use = "a dropped reservation is released"]
pub enum Bound {
    /// The operation has no keys.
    NoKey,
    /// The key is this command's: it goes on, and commits the reservation with its intent.
    Reserved(Reservation),
    /// The same command was sent before, under this receipt, and ended so. It must not be sent again.
    Past(Receipt, PastOutcome),
}

impl Guard {
    /// Binds the command's idempotency key to its rebuilt body.
    ///
    /// A key is one caller's and one operation's: the same text from another peer, tenant, issuer or subject, or for
    /// another operation or partner, is another key.
    ///
    /// # Errors
    /// The four faults of [`GuardFault`] that speak of keys.
    pub fn bind(
        &self,
        _admitted: &Admitted,
        caller: &Caller,
        rebuilt: &Rebuilt,
        now: UnixMillis,
    ) -> Result<Bound, GuardFault> {
        let operation = rebuilt.operation();
        if operation.idempotency.is_none() {
            return Ok(Bound::NoKey);
        }
        let key = rebuilt.idempotency_key().ok_or(GuardFault::IdempotencyKeyInvalid)?;
        let scope = [rebuilt.contract().partner().as_str(), operation.id.as_str(), key.expose()];
        self.bind_key(&Ids::of(caller), scope, rebuilt.digest(), now)
    }

    /// `scope`: partner, operation, key.
    pub(super) fn bind_key(
        &self,
        ids: &Ids<'_>,
        scope: [&str; 3],
        body: Sha256,
        now: UnixMillis,
    ) -> Result<Bound, GuardFault> {
        let [_, _, key] = scope;
        if !KEY_BYTES.contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(GuardFault::IdempotencyKeyInvalid);
        }
        let tenant = ids.tenant.map_or("", |tenant| tenant.as_str());
        let subject = ids.subject.map_or("", |subject| subject.expose());
        let parts = ["key", ids.peer, ids.issuer, tenant, subject].into_iter().chain(scope);
        let parts: Vec<&[u8]> = parts.map(str::as_bytes).collect();
        let key = keyed_digest(&self.idempotency_key, &parts);
        // Keyed as well: the digest goes into the log, and a body that is nothing but a person's id could be guessed.
        let body = keyed_digest(&self.idempotency_key, &[b"body", key.as_bytes(), body.as_bytes()]);
        // Only time that was there long enough to be believed lets a key be forgotten: a clock that is set forward for a moment
        // takes nothing away.
        let gone_by = now.min(self.highest_time());
        Ok(match self.ledger.present(key, body, gone_by)? {
            Presented::Reserved(reservation) => Bound::Reserved(reservation),
            Presented::Past(receipt, outcome) => Bound::Past(receipt, outcome),
        })
    }
}
