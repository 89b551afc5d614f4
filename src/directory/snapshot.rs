//! One snapshot of what stands where: the value that requests are asked of. Immutable; one look-up finds a thing.

use crate::clock::UnixMillis;
use crate::crypto::sha256;
use crate::directory::memory;
use crate::model::Located;
use crate::model::Name;
use crate::model::PartnerName;
use crate::model::ResourceId;
use crate::model::Sha256;
use crate::model::TenantId;
use crate::model::Zone;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The entity types that a directory knows, as contracts and the Cedar schema write them.
const HOUSE: &str = "House";
const DOOR: &str = "Door";
const BARRIER: &str = "Barrier";

/// The zone of what is not there: one with rules, so that reading its clocks takes the same work.
const NOWHERE: &str = "Europe/Moscow";

/// One snapshot of what stands where.
pub struct Directory {
    pub(super) revision: u64,
    /// When the backend made it, as it says; `None` where it does not.
    pub(super) made_at: Option<UnixMillis>,
    pub(super) tenants: BTreeSet<TenantId>,
    pub(super) houses: HashMap<Arc<str>, Arc<House>>,
    house_kind: Arc<str>,
    nowhere: House,
    digest: Sha256,
    doors: usize,
    memory_bytes: u64,
}

/// A house; the ids of its parts, and its partners, are sorted.
pub struct House {
    pub(super) tenant: TenantId,
    pub(super) zone: Zone,
    pub(super) partners: Arc<[PartnerName]>,
    pub(super) doors: Box<[Box<str>]>,
    pub(super) barriers: Box<[Box<str>]>,
}

impl Directory {
    /// The directory of that content, digested. `None` only if the names that are built in were no names.
    pub(super) fn new(
        revision: u64,
        made_at: Option<UnixMillis>,
        tenants: BTreeSet<TenantId>,
        houses: HashMap<Arc<str>, Arc<House>>,
    ) -> Option<Self> {
        let nowhere = House {
            tenant: Name::new("nobody").ok()?,
            zone: Zone::named(NOWHERE)?,
            partners: Arc::default(),
            doors: Box::default(),
            barriers: Box::default(),
        };
        let doors = houses.values().map(|house| house.doors.len()).sum();
        let memory_bytes = memory::of_houses(&houses);
        let (house_kind, digest) = (HOUSE.into(), Sha256::new([0; 32]));
        let mut all = Self { revision, made_at, tenants, houses, house_kind, nowhere, digest, doors, memory_bytes };
        all.digest = sha256(&all.text());
        Some(all)
    }

    /// Finds a thing by its id. Costs the same whether it is there or not, but for the answer itself.
    #[must_use]
    pub fn locate(&self, resource: &ResourceId) -> Option<Located> {
        let (house_id, part) = match resource.parts.as_slice() {
            [house] => (house, None),
            [house, part] => (house, Some(part)),
            _ => return None,
        };
        let house = self.houses.get(&**house_id)?;
        let ancestors = match (&*resource.kind, part) {
            (HOUSE, None) => Vec::new(),
            (DOOR, Some(door)) if has(&house.doors, door) => vec![self.house(house_id)],
            (BARRIER, Some(barrier)) if has(&house.barriers, barrier) => vec![self.house(house_id)],
            _ => return None,
        };
        Some(self.located(resource, house, ancestors))
    }

    /// What policies are asked about in place of a thing that is not there, so that asking takes as long. It is in nobody's
    /// tenant, no partner acts there, and no answer about it counts.
    #[must_use]
    pub fn stand_in(&self, resource: &ResourceId) -> Located {
        let ancestors = match resource.parts.as_slice() {
            [house, _] => vec![self.house(house)],
            _ => Vec::new(),
        };
        self.located(resource, &self.nowhere, ancestors)
    }

    /// The data's revision, which records carry.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.revision
    }

    /// The digest of the whole content: two directories of one revision may still be two.
    #[must_use]
    pub const fn digest(&self) -> Sha256 {
        self.digest
    }

    /// When the backend made it, as it says.
    #[must_use]
    pub const fn made_at(&self) -> Option<UnixMillis> {
        self.made_at
    }

    /// Whether, at `now`, it was made at most `max_age_s` seconds ago, and not more than `skew_s` ahead. One that does not say
    /// when it was made was made too long ago.
    #[must_use]
    pub fn is_timely(&self, max_age_s: u64, skew_s: u64, now: UnixMillis) -> bool {
        let now = now.seconds();
        let made_at = self.made_at.map(UnixMillis::seconds);
        made_at.is_some_and(|made_at| now.since(made_at) <= max_age_s && made_at.since(now) <= skew_s)
    }

    /// How many doors there are.
    #[must_use]
    pub const fn doors(&self) -> usize {
        self.doors
    }

    /// About how many bytes of memory it takes.
    #[must_use]
    pub const fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// The tenants in whom a house stands, by name.
    #[must_use]
    pub fn tenants(&self) -> BTreeSet<&TenantId> {
        self.houses.values().map(|house| &house.tenant).collect()
    }

    /// How many houses there are.
    #[must_use]
    pub fn houses(&self) -> usize {
        self.houses.len()
    }

    fn house(&self, id: &str) -> ResourceId {
        ResourceId { kind: Arc::clone(&self.house_kind), parts: vec![id.into()] }
    }

    fn located(&self, resource: &ResourceId, house: &House, ancestors: Vec<ResourceId>) -> Located {
        Located {
            resource: resource.clone(),
            tenant: house.tenant.clone(),
            ancestors,
            zone: house.zone.clone(),
            partners: Arc::clone(&house.partners),
            directory_version: self.revision,
        }
    }
}

/// Houses are counted, not listed: there may be ten thousand.
impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Directory {{ revision {}, {} houses }}", self.revision, self.houses.len())
    }
}

fn has(sorted: &[Box<str>], id: &str) -> bool {
    sorted.binary_search_by(|known| (**known).cmp(id)).is_ok()
}
