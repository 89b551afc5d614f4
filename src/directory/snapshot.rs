//! One snapshot of what stands where: the value that requests are asked of. Immutable; one look-up finds a thing.

use crate::model::Located;
use crate::model::Name;
use crate::model::PartnerName;
use crate::model::ResourceId;
use crate::model::TenantId;
use crate::model::Zone;
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
    revision: u64,
    houses: HashMap<Arc<str>, Arc<House>>,
    house_kind: Arc<str>,
    nowhere: House,
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
    /// The directory of that revision. `None` only if the names that are built in were no names.
    pub(super) fn new(revision: u64, houses: HashMap<Arc<str>, Arc<House>>) -> Option<Self> {
        let nowhere = House {
            tenant: Name::new("nobody").ok()?,
            zone: Zone::named(NOWHERE)?,
            partners: Arc::default(),
            doors: Box::default(),
            barriers: Box::default(),
        };
        Some(Self { revision, houses, house_kind: HOUSE.into(), nowhere })
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
