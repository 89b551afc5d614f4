//! The store of one case: everything in memory, gone with the case. It keeps what the guard, the handles, the outbox and
//! the directory ask a store to keep, as the real one does; nothing outlasts a case.

use crate::audit::Handle;
use crate::audit::HandleFault;
use crate::audit::HandleRow;
use crate::audit::HandleStore;
use crate::audit::Person;
use crate::clock::UnixMillis;
use crate::directory::DirectoryStore;
use crate::directory::KeepFault;
use crate::directory::KeptDirectory;
use crate::guard::LiftedRevocation;
use crate::guard::RevocationStore;
use crate::guard::StoreFault;
use crate::guard::StoredRevocation;
use crate::guard::StoredRevocations;
use crate::model::Epoch;
use crate::model::Receipt;
use crate::model::Sha256;
use crate::model::TenantId;
use crate::webhook::Depth;
use crate::webhook::Destination;
use crate::webhook::Due;
use crate::webhook::Enqueued;
use crate::webhook::OutboxFault;
use crate::webhook::OutboxStore;
use crate::webhook::Purged;
use crate::webhook::Settlement;
use crate::webhook::StoredDelivery;
use async_trait::async_trait;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::collections::HashMap;

/// A store in memory.
#[derive(Default)]
pub(super) struct Memory(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    ceiling: Epoch,
    revocations: Vec<StoredRevocation>,
    handles: HashMap<Sha256, HandleRow>,
    directory: Option<KeptDirectory>,
    deliveries: Vec<StoredDelivery>,
    /// The numbers of deliveries that have ended.
    ended: BTreeSet<u64>,
}

#[async_trait]
impl RevocationStore for Memory {
    async fn load(&self) -> Result<StoredRevocations, StoreFault> {
        let kept = self.0.lock();
        Ok(StoredRevocations { ceiling: kept.ceiling, entries: kept.revocations.clone() })
    }

    async fn keep(&self, entries: Vec<StoredRevocation>, ceiling: Epoch) -> Result<(), StoreFault> {
        let mut kept = self.0.lock();
        kept.ceiling = kept.ceiling.max(ceiling);
        for entry in entries {
            let same = |known: &StoredRevocation| known.digest == entry.digest && known.tenant == entry.tenant;
            if !kept.revocations.iter().any(same) {
                kept.revocations.push(entry);
            }
        }
        Ok(())
    }

    async fn lift(&self, lifted: LiftedRevocation) -> Result<bool, StoreFault> {
        let mut kept = self.0.lock();
        kept.ceiling = kept.ceiling.max(lifted.ceiling);
        let before = kept.revocations.len();
        let meant = |known: &StoredRevocation| {
            known.digest == lifted.digest && known.tenant == lifted.tenant && known.epoch <= lifted.up_to
        };
        kept.revocations.retain(|known| !meant(known));
        Ok(kept.revocations.len() < before)
    }

    async fn page(&self, after: Epoch, at_most: usize) -> Result<Vec<StoredRevocation>, StoreFault> {
        let mut page: Vec<_> = self.0.lock().revocations.iter().filter(|one| one.epoch > after).cloned().collect();
        page.sort_by_key(|one| one.epoch);
        page.truncate(at_most);
        Ok(page)
    }
}

#[async_trait]
impl HandleStore for Memory {
    async fn handles(&self, persons: Vec<Person>) -> Result<Vec<HandleRow>, HandleFault> {
        let mut kept = self.0.lock();
        let handle = |person: Person| kept.handles.entry(person.digest).or_insert(person.fresh).clone();
        Ok(persons.into_iter().map(handle).collect())
    }

    async fn known(&self, limit: usize) -> Result<Vec<(Sha256, HandleRow)>, HandleFault> {
        Ok(self.0.lock().handles.iter().take(limit).map(|(digest, row)| (*digest, row.clone())).collect())
    }

    async fn find(&self, person: Sha256) -> Result<Option<Handle>, HandleFault> {
        Ok(self.0.lock().handles.get(&person).map(|row| row.handle))
    }

    async fn erase(&self, person: Sha256) -> Result<bool, HandleFault> {
        Ok(self.0.lock().handles.remove(&person).is_some())
    }
}

#[async_trait]
impl DirectoryStore for Memory {
    async fn last(&self) -> Result<Option<KeptDirectory>, KeepFault> {
        Ok(self.0.lock().directory.clone())
    }

    async fn replace(&self, directory: KeptDirectory) -> Result<(), KeepFault> {
        self.0.lock().directory = Some(directory);
        Ok(())
    }
}

#[async_trait]
impl OutboxStore for Memory {
    async fn queue(&self, mut delivery: StoredDelivery) -> Result<Enqueued, OutboxFault> {
        let mut kept = self.0.lock();
        if let Some(known) = kept.deliveries.iter().find(|known| known.source == delivery.source) {
            return Ok(Enqueued::Known { body: known.body, receipt: known.receipt });
        }
        delivery.number = u64::try_from(kept.deliveries.len()).unwrap_or(u64::MAX).saturating_add(1);
        kept.deliveries.push(delivery);
        Ok(Enqueued::New)
    }

    async fn known(&self, source: Sha256) -> Result<Option<(Sha256, Receipt)>, OutboxFault> {
        let kept = self.0.lock();
        let found = kept.deliveries.iter().find(|known| known.source == source);
        Ok(found.map(|known| (known.body, known.receipt)))
    }

    async fn due(&self, destination: &Destination, _: UnixMillis, most: usize) -> Result<Due, OutboxFault> {
        let kept = self.0.lock();
        let due =
            kept.deliveries.iter().filter(|row| row.destination == *destination && !kept.ended.contains(&row.number));
        Ok(Due { deliveries: due.take(most).cloned().collect(), next_at: None })
    }

    async fn settle(&self, number: u64, settlement: Settlement, _: UnixMillis) -> Result<(), OutboxFault> {
        if !matches!(settlement, Settlement::Again { .. }) {
            self.0.lock().ended.insert(number);
        }
        Ok(())
    }

    async fn queued_about(&self) -> Result<Vec<(Sha256, TenantId)>, OutboxFault> {
        let kept = self.0.lock();
        let queued = kept.deliveries.iter().filter(|row| !kept.ended.contains(&row.number));
        Ok(queued.flat_map(|row| row.persons.iter().map(|person| (*person, row.tenant.clone()))).collect())
    }

    async fn purge(&self, person: Sha256, tenant: TenantId, _: UnixMillis) -> Result<Vec<Purged>, OutboxFault> {
        let mut kept = self.0.lock();
        let about = |row: &&StoredDelivery| row.persons.contains(&person) && row.tenant == tenant;
        let rows: Vec<StoredDelivery> = kept.deliveries.iter().filter(about).cloned().collect();
        let fresh = rows.into_iter().filter(|row| kept.ended.insert(row.number));
        let purged = |row: StoredDelivery| Purged {
            receipt: row.receipt,
            destination: row.destination,
            event: row.event,
            attempts: row.attempts,
        };
        Ok(fresh.map(purged).collect())
    }

    async fn census(&self) -> Result<Vec<Depth>, OutboxFault> {
        let kept = self.0.lock();
        let queued = kept.deliveries.iter().filter(|row| !kept.ended.contains(&row.number));
        let depth = |row: &StoredDelivery| Depth {
            direction: row.destination.direction,
            partner: row.destination.partner.clone(),
            queued: 1,
            dead: 0,
            oldest: Some(row.accepted_at),
        };
        Ok(queued.map(depth).collect())
    }

    async fn forget(&self, _: UnixMillis, _: UnixMillis) -> Result<(), OutboxFault> {
        Ok(())
    }
}
