//! What a directory may hold, whoever brings it: names that are names, things that stand once, tenants that are listed, zones
//! of the database. Readers bring texts piece by piece, and tell each fault in their own way, at their own place.

use crate::directory::snapshot::House;
use crate::model::Name;
use crate::model::NameError;
use crate::model::PartnerName;
use crate::model::TenantId;
use crate::model::Zone;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

/// A directory in the making. What many houses share is held once.
pub struct Rules {
    tenants: HashMap<Box<str>, TenantId>,
    zones: HashMap<Box<str>, Zone>,
    partners: HashSet<Arc<[PartnerName]>>,
    houses: HashMap<Arc<str>, Arc<House>>,
}

/// The names of one list, each once.
pub struct Names(BTreeSet<Name>);

/// What is wrong with a piece.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RuleFault {
    /// No name.
    #[error(transparent)]
    NotAName(#[from] NameError),
    /// It stands in its list already.
    #[error("stands here a second time")]
    Repeated,
    /// A tenant that is not listed.
    #[error("is not in the list of tenants")]
    UnknownTenant,
    /// A zone that the database does not have.
    #[error("is no time zone of the IANA database")]
    UnknownZone,
}

impl Rules {
    /// Nothing yet, with room for so many houses.
    pub fn new(houses: usize) -> Self {
        Self {
            tenants: HashMap::new(),
            zones: HashMap::new(),
            partners: HashSet::new(),
            houses: HashMap::with_capacity(houses),
        }
    }

    /// Takes a tenant.
    ///
    /// # Errors
    /// [`RuleFault`].
    pub fn add_tenant(&mut self, text: &str) -> Result<(), RuleFault> {
        let tenant = Name::new(text)?;
        self.tenants.insert(text.into(), tenant).map_or(Ok(()), |_| Err(RuleFault::Repeated))
    }

    /// The listed tenant of that name.
    ///
    /// # Errors
    /// [`RuleFault::UnknownTenant`].
    pub fn tenant(&self, text: &str) -> Result<TenantId, RuleFault> {
        self.tenants.get(text).cloned().ok_or(RuleFault::UnknownTenant)
    }

    /// The names of the tenants that were taken so far.
    pub fn tenants(&self) -> impl Iterator<Item = &str> {
        self.tenants.keys().map(AsRef::as_ref)
    }

    /// The zone of that name.
    ///
    /// # Errors
    /// [`RuleFault::UnknownZone`].
    pub fn zone(&mut self, text: &str) -> Result<Zone, RuleFault> {
        if let Some(zone) = self.zones.get(text) {
            return Ok(zone.clone());
        }
        let zone = Zone::named(text).ok_or(RuleFault::UnknownZone)?;
        self.zones.insert(text.into(), zone.clone());
        Ok(zone)
    }

    /// The partners of a house; houses of the same partners share them.
    pub fn partners(&mut self, names: Names) -> Arc<[PartnerName]> {
        let sorted: Vec<_> = names.0.into_iter().collect();
        if let Some(known) = self.partners.get(sorted.as_slice()) {
            return Arc::clone(known);
        }
        let fresh: Arc<[PartnerName]> = sorted.into();
        self.partners.insert(Arc::clone(&fresh));
        fresh
    }

    /// Takes a house.
    ///
    /// # Errors
    /// [`RuleFault::Repeated`] where there is one of that id.
    pub fn add_house(&mut self, id: &Name, house: House) -> Result<(), RuleFault> {
        self.houses.insert(id.as_str().into(), Arc::new(house)).map_or(Ok(()), |_| Err(RuleFault::Repeated))
    }

    /// The houses by id.
    pub fn into_houses(self) -> HashMap<Arc<str>, Arc<House>> {
        self.houses
    }
}

impl Names {
    /// No names.
    pub const fn new() -> Self {
        Self(BTreeSet::new())
    }

    /// Takes a name.
    ///
    /// # Errors
    /// [`RuleFault`].
    pub fn add(&mut self, text: &str) -> Result<(), RuleFault> {
        if self.0.insert(Name::new(text)?) { Ok(()) } else { Err(RuleFault::Repeated) }
    }

    /// The names as ids of parts, sorted.
    pub fn into_ids(self) -> Box<[Box<str>]> {
        self.0.into_iter().map(|name| name.as_str().into()).collect()
    }
}
