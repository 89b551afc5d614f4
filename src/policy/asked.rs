//! What Cedar was asked, as a copy that outlives the question: who, what, on which thing, with what around it, and what the
//! policies said. It can be put again, to the same policies or to others.
//!
//! Copies are made for a [`Witness`], which the workbench sets and the gateway does not. A copy holds all that was on offer
//! for the action, not only what the policies read: other policies may read more. It holds what token, certificate and
//! directory say of principal and resource, without what the constants add: other policies have other constants. Nothing in
//! it is printed by itself, since it speaks of persons; [`Attribute::recordable`] says what may be shown of a value.

use crate::clock::UnixSeconds;
use crate::model::Recordable;
use crate::policy::Decision;
use crate::policy::Judgement;
use crate::policy::Policies;
use crate::policy::context::ContextPlan;
use crate::policy::entities::Given;
use crate::policy::entities::Slice;
use crate::policy::index::Rule;
use crate::policy::policies::Action;
use crate::policy::policies::Vote;
use crate::policy::policies::holds;
use cedar_policy_core::ast;
use cedar_policy_core::ast::Context;
use cedar_policy_core::ast::Entity;
use cedar_policy_core::ast::EntityUID;
use cedar_policy_core::ast::Expr;
use cedar_policy_core::ast::Literal;
use cedar_policy_core::ast::Request;
use cedar_policy_core::ast::Value;
use cedar_policy_core::entities::Entities;
use cedar_policy_core::evaluator::Evaluator;
use cedar_policy_core::extensions::Extensions;
use std::fmt;
use std::sync::Arc;

/// Who is shown each question that policies are asked, when it has been judged.
///
/// A question of an action that the schema lacks never reaches Cedar, and no witness.
pub trait Witness: Send + Sync {
    /// Takes a question and what was said to it.
    fn saw(&self, asked: Asked);
}

/// One question and its judgement.
#[derive(Clone)]
pub struct Asked {
    action: Arc<str>,
    given: Given,
    /// As it was judged, constants included.
    slice: Slice,
    context: Context,
    offered: Arc<ContextPlan>,
    /// When it was asked.
    now: Option<UnixSeconds>,
    judgement: Judgement,
}

/// The name of an entity.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Uid {
    /// Its type, with namespace.
    pub kind: String,
    /// Its id, as policies spell it.
    pub id: String,
}

/// An entity, and what it stood in when the question was judged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Placed {
    /// Which it is.
    pub uid: Uid,
    /// All that it stands in, sorted.
    pub within: Vec<Uid>,
}

/// A value of the context.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fact {
    /// A `Bool`.
    Bool(bool),
    /// A `Long`.
    Long(i64),
    /// A `String`.
    Text(String),
    /// An entity.
    Entity(Uid),
    /// A `Set`, in Cedar's order.
    Set(Vec<Fact>),
}

/// One attribute of the context.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attribute {
    /// Its name below `context`, for instance `ageSeconds` or `request.reason`.
    pub name: Arc<str>,
    /// Its value.
    pub value: Fact,
    /// What of the value may be shown to who may not see persons.
    pub recordable: Recordable,
}

/// A question laid out for Cedar's evaluator.
pub struct Scene {
    request: Request,
    entities: Entities,
    now: Option<UnixSeconds>,
}

impl Asked {
    pub(super) fn new(
        action: &Action,
        (given, slice): (Given, Slice),
        context: Context,
        now: Option<UnixSeconds>,
        judgement: Judgement,
    ) -> Self {
        let (action, offered) = (Arc::clone(&action.name), Arc::clone(&action.offered));
        Self { action, given, slice, context, offered, now, judgement }
    }

    /// What is said of principal and resource, without what the constants add.
    pub(super) const fn given(&self) -> &Given {
        &self.given
    }

    /// All that was on offer of the context.
    pub(super) const fn values(&self) -> &Context {
        &self.context
    }

    /// The action's name, without namespace.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// Who asked.
    #[must_use]
    pub fn principal(&self) -> Placed {
        placed(&self.slice.principal)
    }

    /// The thing.
    #[must_use]
    pub fn resource(&self) -> Placed {
        placed(&self.slice.resource)
    }

    /// The attributes of the context that were on offer and there, by name; those of the request come one by one. Policies see
    /// of them what the schema declares.
    #[must_use]
    pub fn context(&self) -> Vec<Attribute> {
        let Context::Value(values) = &self.context else { return Vec::new() };
        let mut found = Vec::new();
        for attribute in &self.offered.attributes {
            let Some(value) = values.get(&*attribute.name) else { continue };
            if let ast::ValueKind::Record(request) = value.value_kind() {
                for declared in &self.offered.values {
                    let value = request.get(&*declared.name).and_then(fact);
                    found.extend(value.map(|value| Attribute {
                        name: Arc::clone(&declared.path),
                        value,
                        recordable: declared.recordable,
                    }));
                }
            } else if let Some(value) = fact(value) {
                let (name, recordable) = (Arc::clone(&attribute.name), attribute.provider.recordable());
                found.push(Attribute { name, value, recordable });
            }
        }
        found
    }

    /// When it was asked; `None` where no time came with it.
    #[must_use]
    pub const fn now(&self) -> Option<UnixSeconds> {
        self.now
    }

    /// What was said when it was asked.
    pub const fn judgement(&self) -> &Judgement {
        &self.judgement
    }

    /// The question in Cedar's own types, with all that `policies`' schema declares, so that Cedar's authorizer can be asked
    /// about a whole set; `None` where `policies` do not know the action.
    #[must_use]
    pub fn to_cedar(&self, policies: &Policies) -> Option<(cedar_policy::Request, cedar_policy::Entities)> {
        let Scene { request, entities, .. } = policies.scene(self)?;
        Some((request.into(), entities.into()))
    }
}

/// Counts, since what is in it speaks of persons.
impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Asked for {} with {} attributes", self.action, self.context.num_keys())
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{:?}", self.kind, self.id)
    }
}

impl Policies {
    /// Judges a question again, by the same index and the same code as the first time. To an action that these policies do
    /// not know the answer is a deny.
    pub fn ask_again(&self, asked: &Asked) -> Judgement {
        let Some(action) = self.action(&asked.action) else {
            return Judgement::Denies(Decision::default());
        };
        let (slice, context) = (self.types.place(asked.given.clone()), action.context.kept(&asked.context));
        action.judge(slice, context, &self.types, asked.now)
    }

    /// What each policy that can match says to a question laid out by [`scene`](Self::scene), in the order of all.
    pub(super) fn votes(&self, asked: &Asked, scene: &Scene) -> Vec<Vote> {
        let Some(action) = self.action(&asked.action) else { return Vec::new() };
        let slice = self.types.place(asked.given.clone());
        let rules = action.index.candidates(&slice.principal, &slice.resource).into_iter();
        let rules = rules.filter(|rule| rule.until.is_none_or(|until| until.holds(asked.now)));
        let vote = |rule: &Rule| Vote {
            order: rule.order,
            id: Arc::clone(&rule.id),
            forbids: rule.forbids,
            holds: scene.holds(&rule.condition),
        };
        rules.map(vote).collect()
    }

    /// The question as these policies would see it if they read all that their schema declares, beside all constants that any
    /// of them names.
    pub(super) fn scene(&self, asked: &Asked) -> Option<Scene> {
        let action = self.action(&asked.action)?;
        let words: Vec<EntityUID> = self.actions().flat_map(|action| action.words.iter().cloned()).collect();
        let slice = self.types.place(asked.given.clone());
        let (request, entities) = action.lay_out(slice, action.declared.kept(&asked.context), &words, &self.types)?;
        Some(Scene { request, entities, now: asked.now })
    }
}

impl Scene {
    /// Whether a condition is true; `None` if it cannot be evaluated, or is no boolean.
    pub(super) fn holds(&self, condition: &Expr) -> Option<bool> {
        holds(&Evaluator::new(self.request.clone(), &self.entities, Extensions::all_available()), condition)
    }

    /// When it was asked.
    pub(super) const fn now(&self) -> Option<UnixSeconds> {
        self.now
    }
}

pub(super) fn uid(uid: &EntityUID) -> Uid {
    Uid { kind: uid.entity_type().to_string(), id: AsRef::<str>::as_ref(uid.eid()).to_owned() }
}

fn placed(entity: &Entity) -> Placed {
    let mut within: Vec<Uid> = entity.ancestors().map(uid).collect();
    within.sort_unstable();
    Placed { uid: uid(entity.uid()), within }
}

/// `None` for what no provider makes.
pub(super) fn fact(value: &Value) -> Option<Fact> {
    match value.value_kind() {
        ast::ValueKind::Lit(Literal::Bool(truth)) => Some(Fact::Bool(*truth)),
        ast::ValueKind::Lit(Literal::Long(number)) => Some(Fact::Long(*number)),
        ast::ValueKind::Lit(Literal::String(text)) => Some(Fact::Text(text.to_string())),
        ast::ValueKind::Lit(Literal::EntityUID(found)) => Some(Fact::Entity(uid(found))),
        ast::ValueKind::Set(set) => Some(Fact::Set(set.iter().filter_map(fact).collect())),
        ast::ValueKind::Record(_) | ast::ValueKind::ExtensionValue(_) => None,
    }
}
