//! Questions of which only a part is known: one that a record holds, without persons; and one that nobody has asked yet, to
//! tell who could.

use crate::clock::UnixSeconds;
use crate::model::Located;
use crate::model::PartnerName;
use crate::model::Recordable;
use crate::model::ResourceId;
use crate::model::TenantId;
use crate::policy::DemandedBy;
use crate::policy::Policies;
use crate::policy::asked::Fact;
use crate::policy::asked::Uid;
use crate::policy::entities::BACKEND;
use crate::policy::entities::Given;
use crate::policy::entities::PARTNER;
use crate::policy::entities::ROLE;
use crate::policy::entities::USER;
use crate::policy::known::Known;
use crate::policy::known::Side;
use crate::policy::known::Within;
use crate::policy::near::Weighed;
use crate::policy::policies::Action;
use cedar_policy_core::ast::EntityUID;
use cedar_policy_core::ast::Literal;
use cedar_policy_core::ast::Value;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashSet;
use std::sync::Arc;

/// What stands in place of an id that is not known. No id of a user is spelled so: those are netstrings.
const SOMEBODY: &str = "?";

/// A question as its record holds it.
#[derive(Debug)]
pub struct RecordedQuestion<'a> {
    /// Who asked.
    pub by: DemandedBy,
    /// The name in the certificate of who sent it.
    pub peer: &'a str,
    /// The partner concerned.
    pub partner: &'a PartnerName,
    /// The action.
    pub action: &'a str,
    /// The thing.
    pub resource: &'a ResourceId,
    /// The tenant in which it stands.
    pub tenant: &'a TenantId,
    /// When it was asked.
    pub now: Option<UnixSeconds>,
    /// What the policies read, by name; `None` for what speaks of a person.
    pub inputs: Vec<(&'a str, Option<Fact>)>,
    /// Whether the policies that are asked now are those that were asked then: only then has all that they read a place in the
    /// record.
    pub by_the_same: bool,
}

/// A question that somebody could put.
#[derive(Debug)]
pub struct PossibleQuestion<'a> {
    /// Who asks.
    pub who: Who<'a>,
    /// The partner concerned.
    pub partner: &'a PartnerName,
    /// The action.
    pub action: &'a str,
    /// What the contract says that it is for.
    pub purpose: &'a str,
    /// On what.
    pub on: On<'a>,
    /// When: what has ended by then permits nothing.
    pub now: Option<UnixSeconds>,
}

/// Who could ask.
#[derive(Clone, Copy, Debug)]
pub enum Who<'a> {
    /// Whoever has a token.
    Anybody,
    /// A person of this role and no other, but for those that it stands in.
    Role(&'a str),
    /// The backend, by the name in its certificate where that matters.
    Backend(Option<&'a str>),
    /// The partner itself.
    Partner,
}

/// On what something could be asked for.
#[derive(Clone, Copy, Debug)]
pub enum On<'a> {
    /// A thing of the directory.
    Thing(&'a Located),
    /// Some thing of this type.
    Some(&'a str),
}

impl Policies {
    /// Looks at a question out of a record. `None` where these policies do not know its action or one of its types.
    #[must_use]
    pub fn weigh_recorded(&self, question: &RecordedQuestion<'_>) -> Option<Weighed> {
        let action = self.action(question.action)?;
        self.weigh_known(action, &self.recorded(action, question)?, true)
    }

    /// Looks at a question that somebody could put. `None` where these policies do not know its action or one of its types.
    #[must_use]
    pub fn weigh_possible(&self, question: &PossibleQuestion<'_>) -> Option<Weighed> {
        let action = self.action(question.action)?;
        self.weigh_known(action, &self.possible(action, question)?, false)
    }

    /// The roles that stand in `role`, itself among them, sorted: whoever has one of them is in it.
    #[must_use]
    pub fn roles_within(&self, role: &str) -> Vec<String> {
        let Some(uid) = self.types.uid(ROLE, role) else { return Vec::new() };
        let kind = uid.entity_type();
        let below = self.types.constants.below(&uid).filter(|known| known.entity_type() == kind);
        let mut names: Vec<String> = below.map(|known| AsRef::<str>::as_ref(known.eid()).to_owned()).collect();
        names.push(role.to_owned());
        names.sort_unstable();
        names
    }

    fn recorded(&self, action: &Action, question: &RecordedQuestion<'_>) -> Option<Known> {
        let placed = |name: &str| -> Option<HashSet<EntityUID>> {
            let (_, fact) = question.inputs.iter().find(|(known, _)| *known == name)?;
            match fact.as_ref()? {
                Fact::Set(above) => Some(above.iter().filter_map(|one| self.entity(one)).collect()),
                _ => None,
            }
        };
        let within = if question.by_the_same { Within::All } else { Within::Some };
        let mut above = placed("resource.in").unwrap_or_default();
        above.extend(self.types.tenant(question.tenant));
        let resource = self
            .types
            .uid(&question.resource.kind, question.resource.entity_id(Some(question.partner), question.tenant))?;
        let (principal, named) = match question.by {
            DemandedBy::User => (self.types.uid(USER, SOMEBODY)?, false),
            DemandedBy::Backend => (self.types.uid(BACKEND, question.peer)?, true),
            DemandedBy::Partner | DemandedBy::Client => (self.types.uid(PARTNER, question.partner)?, true),
        };
        let mut known = Known {
            given: Given::new((principal, placed("principal.in").unwrap_or_default()), (resource, above)),
            principal: Side { named, within: within.clone() },
            resource: Side { named: true, within },
            context: BTreeMap::new(),
            unknown: BTreeSet::new(),
            now: question.now,
        };
        for name in action.context.names() {
            let input = question.inputs.iter().find(|(known, _)| **known == *name).map(|(_, fact)| fact);
            match input {
                Some(Some(fact)) => match self.value(fact) {
                    Some(value) => drop(known.context.insert(name, value)),
                    None => drop(known.unknown.insert(name)),
                },
                Some(None) => drop(known.unknown.insert(name)),
                // What the same policies did not find was not there.
                None if question.by_the_same => {}
                None => drop(known.unknown.insert(name)),
            }
        }
        Some(known)
    }

    fn possible(&self, action: &Action, question: &PossibleQuestion<'_>) -> Option<Known> {
        let role = self.types.get(ROLE).cloned();
        let (principal, above, side) = match question.who {
            Who::Anybody => {
                (self.types.uid(USER, SOMEBODY)?, None, Side { named: false, within: Within::Types(Vec::new()) })
            }
            Who::Role(name) => {
                let within = Within::Types(role.into_iter().collect());
                (self.types.uid(USER, SOMEBODY)?, self.types.uid(ROLE, name), Side { named: false, within })
            }
            Who::Backend(name) => {
                let side = Side { named: name.is_some(), within: Within::All };
                (self.types.uid(BACKEND, name.unwrap_or(SOMEBODY))?, None, side)
            }
            Who::Partner => (self.types.uid(PARTNER, question.partner)?, None, Side::WHOLE),
        };
        let principal = (principal, above.into_iter().collect::<HashSet<EntityUID>>());
        let (resource, side_of_resource) = match question.on {
            On::Thing(located) => (self.types.thing(Some(question.partner), located)?, Side::WHOLE),
            On::Some(kind) => {
                let nowhere = (self.types.uid(kind, SOMEBODY)?, HashSet::new());
                (nowhere, Side { named: false, within: Within::Types(Vec::new()) })
            }
        };
        let mut known = Known {
            given: Given::new(principal, resource),
            principal: side,
            resource: side_of_resource,
            context: BTreeMap::new(),
            unknown: BTreeSet::new(),
            now: question.now,
        };
        let text = |text: &str| Value::new(text, None);
        let uid = |uid: EntityUID| Value::new(uid, None);
        for name in action.declared.names() {
            let value = match (&*name, question.who, question.on) {
                ("partner", ..) => self.types.uid(PARTNER, question.partner).map(uid),
                ("purpose", ..) => Some(text(question.purpose)),
                ("peer", Who::Backend(peer), _) => peer.map(text),
                ("resourceTenant", _, On::Thing(located)) => self.types.tenant(&located.tenant).map(uid),
                _ => None,
            };
            match value {
                Some(value) => drop(known.context.insert(name, value)),
                None => drop(known.unknown.insert(name)),
            }
        }
        Some(known)
    }

    /// A recorded value as Cedar's; `None` for an entity of a type that is not known here.
    fn value(&self, fact: &Fact) -> Option<Value> {
        match fact {
            Fact::Bool(truth) => Some(Value::new(*truth, None)),
            Fact::Long(number) => Some(Value::new(*number, None)),
            Fact::Text(text) => Some(Value::new(text.as_str(), None)),
            Fact::Entity(_) => Some(Value::new(Literal::from(self.entity(fact)?), None)),
            Fact::Set(elements) => {
                let elements: Option<Vec<Value>> = elements.iter().map(|element| self.value(element)).collect();
                Some(Value::set(elements?, None))
            }
        }
    }

    fn entity(&self, fact: &Fact) -> Option<EntityUID> {
        let Fact::Entity(Uid { kind, id }) = fact else { return None };
        let bare = kind.rsplit("::").next().unwrap_or(kind);
        // Records name a type without its namespace.
        self.types.uid(bare, id).filter(|uid| bare == kind || uid.entity_type().to_string() == *kind)
    }

    /// What of an attribute may be shown to who may not see persons; `None` where no policy of the action can read it.
    #[must_use]
    pub fn recordable(&self, action: &str, name: &str) -> Option<Recordable> {
        self.action(action)?.declared.recordable(name)
    }

    /// Whether what an attribute of this name holds may speak of a person, in some action.
    #[must_use]
    pub fn is_of_person(&self, name: &str) -> bool {
        let mut found = self.actions().filter_map(|action| action.declared.recordable(name));
        found.any(|recordable| recordable != Recordable::Value)
    }

    /// The namespace of all types; empty where there is none.
    #[must_use]
    pub fn namespace(&self) -> String {
        let named = [USER, BACKEND, PARTNER].into_iter().find_map(|name| self.types.get(name));
        named.map(|kind| kind.name().as_ref().namespace()).unwrap_or_default()
    }

    /// The actions that are asked, sorted by name.
    #[must_use]
    pub fn action_names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = self.actions().map(|action| Arc::clone(&action.name)).collect();
        names.sort_unstable();
        names
    }
}
