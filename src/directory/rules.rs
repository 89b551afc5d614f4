//! What a directory may hold, whoever brings it: names that are names, things that stand once, tenants that are listed, zones
//! of the database. Readers bring texts piece by piece, and tell each fault in their own way, at their own place.

use crate::clock::UnixMillis;
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
    names: HashMap<Box<str>, Name>,
    zones: HashMap<Box<str>, Zone>,
    partners: HashSet<Arc<[PartnerName]>>,
    houses: HashMap<Arc<str>, Arc<House>>,
}

/// The names of one list, each once.
#[derive(Default)]
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

impl RuleFault {
    /// What was expected instead, in one word for a problem document.
    pub const fn expected(self) -> &'static str {
        match self {
            Self::NotAName(_) => "name",
            Self::Repeated => "once",
            Self::UnknownTenant => "tenant",
            Self::UnknownZone => "zone",
        }
    }
}

impl Rules {
    /// Nothing yet, with room for so many houses.
    pub fn new(houses: usize) -> Self {
        Self {
            tenants: HashMap::new(),
            names: HashMap::new(),
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

    /// A name that stands in many houses, held once.
    ///
    /// # Errors
    /// [`RuleFault::NotAName`].
    pub fn name(&mut self, text: &str) -> Result<Name, RuleFault> {
        if let Some(name) = self.names.get(text) {
            return Ok(name.clone());
        }
        let name = Name::new(text)?;
        self.names.insert(text.into(), name.clone());
        Ok(name)
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

    /// The tenants, and the houses by id.
    pub fn into_content(self) -> (BTreeSet<TenantId>, HashMap<Arc<str>, Arc<House>>) {
        (self.tenants.into_values().collect(), self.houses)
    }
}

/// An instant of RFC 3339 in UTC, not before 1970; what is finer than a millisecond is cut off.
pub fn instant(text: &str) -> Option<UnixMillis> {
    UnixMillis::parse(text).filter(|_| text.ends_with('Z'))
}

impl Names {
    /// Takes a name.
    ///
    /// # Errors
    /// [`RuleFault`].
    pub fn add(&mut self, text: &str) -> Result<(), RuleFault> {
        if self.0.insert(Name::new(text)?) { Ok(()) } else { Err(RuleFault::Repeated) }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The names, sorted.
    pub fn into_names(self) -> BTreeSet<Name> {
        self.0
    }

    /// The names as ids of parts, sorted.
    pub fn into_ids(self) -> Box<[Box<str>]> {
        self.0.into_iter().map(|name| name.as_str().into()).collect()
    }
}
