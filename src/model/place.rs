//! Where a thing stands: its id, its tenant and what it is part of. The directory makes these, policy asks about them.

use crate::model::PartnerName;
use crate::model::TenantId;
use crate::model::Zone;
use std::fmt;
use std::fmt::Write;
use std::sync::Arc;

/// A thing's type and its id within one partner and one tenant, for instance `Door` and `house-1`, `door-2`.
///
/// The parts are those of the contract's `resource.id`, in order; joining them is [`ResourceId::joined`]'s work, so that
/// no two different lists of parts can look the same.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct ResourceId {
    /// The entity type without namespace, for instance `Door`.
    pub kind: Arc<str>,
    /// The id's parts, outermost first: `["house-1", "door-2"]`.
    pub parts: Vec<Box<str>>,
}

impl ResourceId {
    /// The parts joined length-safe, each as `LENGTH:TEXT,` (a netstring): `7:house-1,6:door-2,`.
    #[must_use]
    pub fn joined(&self) -> String {
        let mut joined = String::new();
        self.parts.iter().for_each(|part| push_netstring(&mut joined, part));
        joined
    }

    /// The uid's id for policy: partner (or nothing, where it is about none), tenant and parts, joined length-safe.
    #[must_use]
    pub fn entity_id(&self, partner: Option<&PartnerName>, tenant: &TenantId) -> String {
        entity_id(partner, tenant, self.parts.iter().map(AsRef::as_ref))
    }
}

/// The uid's id of a thing of which only the parts are known: partner or nothing, tenant and parts, joined length-safe.
#[must_use]
pub fn entity_id<'a>(
    partner: Option<&PartnerName>,
    tenant: &TenantId,
    parts: impl IntoIterator<Item = &'a str>,
) -> String {
    let mut id = String::with_capacity(96);
    push_netstring(&mut id, partner.map_or("", PartnerName::as_str));
    push_netstring(&mut id, tenant.as_str());
    for part in parts {
        push_netstring(&mut id, part);
    }
    id
}

/// Appends `text` as `LENGTH:TEXT,`, so that texts put one after another can be told apart again (a netstring).
pub fn push_netstring(out: &mut String, text: &str) {
    // Writing to a `String` cannot fail.
    let _ = write!(out, "{}:{text},", text.len());
}

impl fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} parts", self.kind, self.parts.len())
    }
}

/// A thing that the directory knows: its tenant and all its ancestors, nearest first.
#[derive(Clone, Debug)]
pub struct Located {
    /// The thing itself.
    pub resource: ResourceId,
    /// The management company that it belongs to.
    pub tenant: TenantId,
    /// Everything that it stands in, for instance the house of a door; without the tenant.
    pub ancestors: Vec<ResourceId>,
    /// The zone whose clocks its house goes by.
    pub zone: Zone,
    /// The partners that act in its house, sorted; an operation about it at any other is none.
    pub partners: Arc<[PartnerName]>,
    /// The version of the directory that said so.
    pub directory_version: u64,
}

impl Located {
    /// The house that it is, or stands in: the directory names it first.
    #[must_use]
    pub fn house(&self) -> Option<&str> {
        self.resource.parts.first().map(AsRef::as_ref)
    }

    /// Whether its house is linked to `partner`.
    #[must_use]
    pub fn is_linked_to(&self, partner: &PartnerName) -> bool {
        self.partners.binary_search(partner).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_parts_never_join_to_the_same_text() {
        let id =
            |parts: &[&str]| ResourceId { kind: "Door".into(), parts: parts.iter().map(|p| Box::from(*p)).collect() };
        assert_eq!(id(&["house-1", "door-2"]).joined(), "7:house-1,6:door-2,");
        assert_ne!(id(&["a", "b"]).joined(), id(&["ab"]).joined());
        assert_ne!(id(&["a,1:b"]).joined(), id(&["a", "b"]).joined());
    }
}
