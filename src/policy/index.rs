//! One action's policies, filed by the uids in their scopes, so that a question meets only those that can match.
//!
//! Cedar's authorizer walks every policy of a set. Here a policy whose scope names a concrete principal, a concrete resource
//! or both (by `==` or `in`) is filed under them; the rest are general. A question looks under its principal and what that
//! stands in, and under its resource and what that stands in. A policy that is not met has a scope that is false for the
//! question, so it would neither hold nor err: the decision is that over the whole set. A property test in `tests.rs`
//! compares both with generated policies.

use crate::policy::until::Until;
use cedar_policy_core::ast::Entity;
use cedar_policy_core::ast::EntityReference;
use cedar_policy_core::ast::EntityType;
use cedar_policy_core::ast::EntityUID;
use cedar_policy_core::ast::Expr;
use cedar_policy_core::ast::Policy;
use cedar_policy_core::ast::PrincipalOrResourceConstraint;
use std::collections::HashMap;
use std::sync::Arc;

/// A policy, ready to be evaluated.
pub(super) struct Rule {
    /// Its `@id`.
    pub(super) id: Arc<str>,
    /// Its `@reason`.
    pub(super) reason: Arc<str>,
    /// Whether it forbids; else it permits.
    pub(super) forbids: bool,
    /// When it ends, if it is a permit that does.
    pub(super) until: Option<Until>,
    /// Its whole condition, scope included, put together once.
    pub(super) condition: Expr,
    /// Its place among all policies, so that records list ids in one order.
    pub(super) order: usize,
}

/// The rules of one action.
#[derive(Default)]
pub(super) struct Index {
    named: HashMap<EntityUID, ByResource>,
    anyone: ByResource,
}

#[derive(Default)]
struct ByResource {
    named: HashMap<EntityUID, Vec<Arc<Rule>>>,
    anything: Vec<Arc<Rule>>,
}

impl Index {
    /// Files a rule by the scope of the policy that it was made from.
    pub(super) fn file(&mut self, rule: Arc<Rule>, policy: &Policy) {
        let half = match concrete(policy.principal_constraint().as_inner()) {
            Some(uid) => self.named.entry(uid).or_default(),
            None => &mut self.anyone,
        };
        match concrete(policy.resource_constraint().as_inner()) {
            Some(uid) => half.named.entry(uid).or_default().push(rule),
            None => half.anything.push(rule),
        }
    }

    /// The ids of all its rules, in no order.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        let halves = self.named.values().chain([&self.anyone]);
        let rules = halves.flat_map(|half| half.named.values().flatten().chain(&half.anything));
        rules.map(|rule| &*rule.id)
    }

    /// All rules of the action, in the order of all policies.
    pub(super) fn all(&self) -> Vec<&Rule> {
        let halves = || self.named.values().chain([&self.anyone]);
        let named = halves().flat_map(|half| half.named.values().flatten());
        let mut found: Vec<&Rule> = named.chain(halves().flat_map(|half| &half.anything)).map(AsRef::as_ref).collect();
        found.sort_unstable_by_key(|rule| rule.order);
        found
    }

    /// The rules that can match, in the order of all policies.
    pub(super) fn candidates<'a>(&'a self, principal: &Entity, resource: &Entity) -> Vec<&'a Rule> {
        let mut found = Vec::with_capacity(16);
        self.anyone.collect(resource, &mut found);
        if !self.named.is_empty() {
            for uid in itself_and_above(principal) {
                if let Some(half) = self.named.get(uid) {
                    half.collect(resource, &mut found);
                }
            }
        }
        found.sort_unstable_by_key(|rule| rule.order);
        found
    }
}

impl ByResource {
    fn collect<'a>(&'a self, resource: &Entity, found: &mut Vec<&'a Rule>) {
        found.extend(self.anything.iter().map(AsRef::as_ref));
        if self.named.is_empty() {
            return;
        }
        for uid in itself_and_above(resource) {
            let rules = self.named.get(uid).map(Vec::as_slice).unwrap_or_default();
            found.extend(rules.iter().map(AsRef::as_ref));
        }
    }
}

/// The type that a scope's constraint demands, if it demands one.
pub(super) fn demanded_type(constraint: &PrincipalOrResourceConstraint) -> Option<&EntityType> {
    match constraint {
        PrincipalOrResourceConstraint::Is(demanded) | PrincipalOrResourceConstraint::IsIn(demanded, _) => {
            Some(demanded)
        }
        PrincipalOrResourceConstraint::Eq(EntityReference::EUID(uid)) => Some(uid.entity_type()),
        _ => None,
    }
}

/// The one uid under which a constraint can be met: the entity itself, or something above it.
fn concrete(constraint: &PrincipalOrResourceConstraint) -> Option<EntityUID> {
    let reference = match constraint {
        PrincipalOrResourceConstraint::Eq(reference)
        | PrincipalOrResourceConstraint::In(reference)
        | PrincipalOrResourceConstraint::IsIn(_, reference) => reference,
        PrincipalOrResourceConstraint::Any | PrincipalOrResourceConstraint::Is(_) => return None,
    };
    match reference {
        EntityReference::EUID(uid) => Some(uid.as_ref().clone()),
        EntityReference::Slot(_) => None,
    }
}

/// Each uid once: an entity's parents are a set, and it is none of them.
fn itself_and_above(entity: &Entity) -> impl Iterator<Item = &EntityUID> {
    std::iter::once(entity.uid()).chain(entity.ancestors().filter(|above| *above != entity.uid()))
}
