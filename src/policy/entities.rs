//! Uids and the entities of one question: the principal, the resource, and the uids of what they stand in. Nothing else.
//!
//! How an entity's id is spelt, `N(x)` being the netstring `LENGTH:x,`:
//!
//! | entity | id |
//! |---|---|
//! | `User` | `N(issuer) N(tenant or nothing) N(subject)` |
//! | `House`, `Door`, `Barrier` … | `N(partner or nothing) N(tenant) N(part) …` ([`entity_id`]) |
//! | `Tenant`, `Partner`, `Role`, `Backend`, `Gateway` | the name itself |
//!
//! The last row's names consist of one part each, so there is nothing to join; policies name them, and must stay readable.
//!
//! A right of a token names a house and perhaps a door or barrier, but no tenant. Its uid gets the *token's* tenant; so the rights of
//! a token of one tenant can never contain a thing of another, whatever the policies say. Only a token without tenant
//! speaks of the tenant in which the resource stands; a policy that wants tenants apart refuses such tokens by
//! `context has tenant`. A house's id is unique in the directory, so even then a right means one house.
//!
//! What stands in what is told by the token (roles, tenant), by the directory (houses, tenants), and beyond that by the
//! bundle's constants (`constants.rs`). Ancestors are all written as parents: the slice is its own transitive closure, and
//! Cedar need not compute one.

use crate::model::Direction;
use crate::model::Located;
use crate::model::PartnerName;
use crate::model::RightKind;
use crate::model::TenantId;
use crate::model::entity_id;
use crate::model::push_netstring;
use crate::policy::constants::Constants;
use crate::policy::question::Bearer;
use crate::policy::question::Grant;
use cedar_policy_core::ast::Eid;
use cedar_policy_core::ast::Entity;
use cedar_policy_core::ast::EntityType;
use cedar_policy_core::ast::EntityUID;
use cedar_policy_core::ast::PartialValue;
use cedar_policy_core::entities::Entities;
use cedar_policy_core::entities::NoEntitiesSchema;
use cedar_policy_core::entities::TCComputation;
use cedar_policy_core::extensions::Extensions;
use std::collections::HashMap;
use std::collections::HashSet;
use std::iter::empty;

/// The entity types that the gateway itself fills; a schema may leave out those that its policies do not need.
pub(super) const USER: &str = "User";
pub(super) const BACKEND: &str = "Backend";
pub(super) const TENANT: &str = "Tenant";
pub(super) const PARTNER: &str = "Partner";
pub(super) const ROLE: &str = "Role";
pub(super) const GATEWAY: &str = "Gateway";
pub(super) const HOUSE: &str = "House";
pub(super) const DOOR: &str = "Door";
pub(super) const BARRIER: &str = "Barrier";

/// The types that the gateway alone says what stands in: constants may not. Roles are not among them.
pub(super) const FILLED: [&str; 8] = [USER, BACKEND, TENANT, PARTNER, GATEWAY, HOUSE, DOOR, BARRIER];

/// Whether a thing of this type is a house or stands in one, so that it has that house's clocks.
pub(super) fn is_of_a_house(kind: &str) -> bool {
    matches!(kind, HOUSE | DOOR | BARRIER)
}

/// The gateway as a resource: all tenants together.
pub(super) const GATEWAY_ID: &str = "portcullis";

/// The schema's entity types by their names without namespace, parsed once, and what the constants say of their entities.
pub(super) struct Types {
    by_name: HashMap<Box<str>, EntityType>,
    pub(super) constants: Constants,
}

/// A principal and a resource with what the token, the certificate and the directory say that they stand in; constants come
/// on top, and they are the policies' own.
#[derive(Clone)]
pub(super) struct Given {
    principal: (EntityUID, HashSet<EntityUID>),
    resource: (EntityUID, HashSet<EntityUID>),
}

/// A principal and a resource with all that they stand in.
#[derive(Clone)]
pub(super) struct Slice {
    pub(super) principal: Entity,
    pub(super) resource: Entity,
}

impl Given {
    /// Principal and resource, each with what it stands in.
    pub(super) const fn new(
        principal: (EntityUID, HashSet<EntityUID>),
        resource: (EntityUID, HashSet<EntityUID>),
    ) -> Self {
        Self { principal, resource }
    }

    pub(super) const fn principal(&self) -> &EntityUID {
        &self.principal.0
    }

    pub(super) const fn resource(&self) -> &EntityUID {
        &self.resource.0
    }

    /// What is said that the principal stands in.
    pub(super) const fn principal_parents(&self) -> &HashSet<EntityUID> {
        &self.principal.1
    }

    /// The same with the principal in this as well.
    pub(super) fn with_principal_in(&self, above: EntityUID) -> Self {
        let mut given = self.clone();
        given.principal.1.insert(above);
        given
    }

    /// The same with the principal in none of these.
    pub(super) fn without_principal_in(&self, above: &[EntityUID]) -> Self {
        let mut given = self.clone();
        given.principal.1.retain(|parent| !above.contains(parent));
        given
    }
}

impl Types {
    /// The types of a schema. Their places in its text are left behind: each copy would drag them along.
    pub(super) fn new<'a>(types: impl IntoIterator<Item = &'a EntityType>) -> Self {
        let bare = types.into_iter().filter_map(|found| {
            let name = found.name().basename().to_string();
            EntityType::from_normalized_str(&found.to_string()).ok().map(|bare| (name.into_boxed_str(), bare))
        });
        Self { by_name: bare.collect(), constants: Constants::default() }
    }

    /// The type of this name without namespace.
    pub(super) fn get(&self, name: &str) -> Option<&EntityType> {
        self.by_name.get(name)
    }

    /// The names without namespace.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(AsRef::as_ref)
    }

    /// The uid of an entity, if the schema has its type.
    pub(super) fn uid(&self, name: &str, id: impl AsRef<str>) -> Option<EntityUID> {
        let found = self.get(name)?;
        Some(EntityUID::from_components(found.clone(), Eid::new(id.as_ref()), None))
    }

    /// The user and the thing, as things of `partner` are named or, without one, as those that no partner is asked about. `None` where the schema lacks the type of either.
    pub(super) fn given(&self, bearer: &Bearer<'_>, partner: Option<&PartnerName>, located: &Located) -> Option<Given> {
        let principal = self.uid(USER, user_id(bearer))?;
        let roles = bearer.roles.iter().filter_map(|role| self.uid(ROLE, role.expose()));
        let own = bearer.tenant.and_then(|tenant| self.tenant(tenant));
        Some(Given { principal: (principal, roles.chain(own).collect()), resource: self.thing(partner, located)? })
    }

    /// The peer, and what it acts on: one tenant, or the gateway as a whole.
    pub(super) fn given_peer(&self, peer: &str, tenant: Option<&TenantId>) -> Option<Given> {
        let resource = match tenant {
            Some(tenant) => self.tenant(tenant)?,
            None => self.uid(GATEWAY, GATEWAY_ID)?,
        };
        Some(Given { principal: (self.uid(BACKEND, peer)?, HashSet::new()), resource: (resource, HashSet::new()) })
    }

    /// Who tells an event or calls as a partner, and the thing that it is about.
    pub(super) fn given_event(
        &self,
        direction: Direction,
        peer: &str,
        partner: &PartnerName,
        located: &Located,
    ) -> Option<Given> {
        let principal = match direction {
            Direction::Outbound => self.uid(BACKEND, peer)?,
            Direction::Inbound => self.uid(PARTNER, partner)?,
        };
        Some(Given { principal: (principal, HashSet::new()), resource: self.thing(Some(partner), located)? })
    }

    /// What was given, and what the constants add to it.
    pub(super) fn place(&self, given: Given) -> Slice {
        let placed = |(uid, parents)| self.placed(uid, parents);
        Slice { principal: placed(given.principal), resource: placed(given.resource) }
    }

    /// A thing and what it stands in.
    pub(super) fn thing(
        &self,
        partner: Option<&PartnerName>,
        located: &Located,
    ) -> Option<(EntityUID, HashSet<EntityUID>)> {
        let (resource, tenant) = (&located.resource, &located.tenant);
        let above = located.ancestors.iter();
        let above = above.filter_map(|above| self.uid(&above.kind, above.entity_id(partner, tenant)));
        let uid = self.uid(&resource.kind, resource.entity_id(partner, tenant))?;
        Some((uid, above.chain(self.tenant(tenant)).collect()))
    }

    /// An entity in these parents, and in what the constants place it and them.
    fn placed(&self, uid: EntityUID, mut parents: HashSet<EntityUID>) -> Entity {
        self.constants.extend(&uid, &mut parents);
        entity(uid, parents)
    }

    /// A tenant.
    pub(super) fn tenant(&self, tenant: &TenantId) -> Option<EntityUID> {
        self.uid(TENANT, tenant)
    }

    /// What a right is for, if it is of `kind` ([`DOOR`], [`BARRIER`], or [`HOUSE`] where it names a house alone).
    pub(super) fn granted(
        &self,
        kind: &str,
        grant: &Grant<'_>,
        partner: Option<&PartnerName>,
        tenant: &TenantId,
    ) -> Option<EntityUID> {
        match (kind, grant.kind, grant.thing) {
            (DOOR, RightKind::Door, Some(thing)) | (BARRIER, RightKind::Barrier, Some(thing)) => {
                self.uid(kind, entity_id(partner, tenant, [grant.house, thing]))
            }
            (HOUSE, _, None) => self.house(grant.house, partner, tenant),
            _ => None,
        }
    }

    /// A house of a tenant.
    pub(super) fn house(&self, house: &str, partner: Option<&PartnerName>, tenant: &TenantId) -> Option<EntityUID> {
        self.uid(HOUSE, entity_id(partner, tenant, [house]))
    }
}

impl Slice {
    /// The slice as Cedar's store, with the action where it stands in a group, and the constants that may be asked about.
    /// `None` if principal and resource were one entity, which has no meaning here.
    pub(super) fn store(self, action: Option<&Entity>, constants: Vec<Entity>) -> Option<Entities> {
        let all = [self.principal, self.resource].into_iter().chain(action.cloned()).chain(constants);
        let given = TCComputation::AssumeAlreadyComputed;
        Entities::from_entities(all, None::<&NoEntitiesSchema>, given, Extensions::all_available()).ok()
    }
}

/// An entity without attributes.
pub(super) fn entity(uid: EntityUID, parents: HashSet<EntityUID>) -> Entity {
    let no_values = empty::<(&str, PartialValue)>().map(|(name, value)| (name.into(), value));
    let no_tags = empty::<(&str, PartialValue)>().map(|(name, value)| (name.into(), value));
    Entity::new_with_attr_partial_value(uid, no_values, HashSet::new(), parents, no_tags)
}

fn user_id(bearer: &Bearer<'_>) -> String {
    let mut id = String::with_capacity(96);
    push_netstring(&mut id, bearer.issuer);
    push_netstring(&mut id, bearer.tenant.map_or("", TenantId::as_str));
    push_netstring(&mut id, bearer.subject);
    id
}
