//! The compiled policies, and how one question to them is judged.

use crate::clock::UnixSeconds;
use crate::model::Direction;
use crate::policy::Decision;
use crate::policy::asked::Asked;
use crate::policy::asked::Witness;
use crate::policy::context::ContextPlan;
use crate::policy::entities::Given;
use crate::policy::entities::Slice;
use crate::policy::entities::Types;
use crate::policy::facts;
use crate::policy::footprint::Above;
use crate::policy::index::Index;
use crate::policy::question::Question;
use cedar_policy_core::ast::Context;
use cedar_policy_core::ast::Entity;
use cedar_policy_core::ast::EntityUID;
use cedar_policy_core::ast::EntityUIDEntry;
use cedar_policy_core::ast::Expr;
use cedar_policy_core::ast::ExprKind;
use cedar_policy_core::ast::Literal;
use cedar_policy_core::ast::Request;
use cedar_policy_core::ast::SlotEnv;
use cedar_policy_core::ast::Value;
use cedar_policy_core::ast::ValueKind;
use cedar_policy_core::entities::Entities;
use cedar_policy_core::evaluator::Evaluator;
use cedar_policy_core::extensions::Extensions;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// All policies of a bundle: one immutable snapshot, shared by its copies.
#[derive(Clone)]
pub struct Policies {
    pub(super) types: Arc<Types>,
    actions: Arc<HashMap<Arc<str>, Action>>,
    /// Who sees what is asked; `None` in the gateway.
    witness: Option<Arc<dyn Witness>>,
}

/// What is ready for one action.
pub(super) struct Action {
    /// Its name without namespace.
    pub(super) name: Arc<str>,
    pub(super) uid: EntityUIDEntry,
    /// The action with the groups above it; `None` where there are none.
    pub(super) group: Option<Entity>,
    pub(super) index: Index,
    /// What its policies read of the context.
    pub(super) context: ContextPlan,
    /// All that its schema declares of it.
    pub(super) declared: ContextPlan,
    /// All that there is on offer, of which a witness keeps a copy.
    pub(super) offered: Arc<ContextPlan>,
    /// What policies ask of the principal and of the resource: what each is in.
    pub(super) above: [(Arc<str>, Above); 2],
    /// The constants that its policies name.
    pub(super) words: Vec<EntityUID>,
}

/// What the policies say to one question. It is no proof: [`Policies::decide`](crate::policy::Policies::decide) makes those.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Judgement {
    /// A permit holds, no forbid does, and no policy erred.
    Permits(Decision),
    /// A forbid holds, or no permit does; no policy erred.
    Denies(Decision),
    /// A policy could not be evaluated.
    Errs(Decision),
}

impl Policies {
    pub(super) fn new(types: Types, actions: HashMap<Arc<str>, Action>) -> Self {
        Self { types: Arc::new(types), actions: Arc::new(actions), witness: None }
    }

    /// The same policies, with somebody who sees each question that they are asked. A decision does not depend on it.
    #[must_use]
    pub fn witnessed(&self, witness: Arc<dyn Witness>) -> Self {
        Self { witness: Some(witness), ..self.clone() }
    }

    /// The actions that are asked.
    pub(super) fn actions(&self) -> impl Iterator<Item = &Action> {
        self.actions.values()
    }

    pub(super) fn action(&self, name: &str) -> Option<&Action> {
        self.actions.get(name)
    }

    /// The ids of the policies that an action can meet; one id for each action, in no order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.actions.values().flat_map(|action| action.index.ids())
    }

    /// Judges one question. An action or an entity type that the schema lacks is a deny.
    pub fn judge(&self, question: &Question<'_>) -> Judgement {
        let Some(action) = self.action(question.action.as_str()) else {
            return Judgement::Denies(Decision::default());
        };
        let Some(given) = self.types.given(&question.bearer, question.partner, question.located) else {
            return Judgement::Denies(Decision::default());
        };
        self.put(action, given, question.now, |plan| plan.build(question, &self.types))
    }

    /// Judges the question of a partner that calls: it is the principal itself.
    pub fn judge_of_client(&self, question: &Question<'_>) -> Judgement {
        let Question { partner, peer, located, .. } = *question;
        let given = partner.and_then(|partner| self.types.given_event(Direction::Inbound, peer, partner, located));
        match (self.action(question.action.as_str()), given) {
            (Some(action), Some(given)) => {
                self.put(action, given, question.now, |plan| plan.build(question, &self.types))
            }
            _ => Judgement::Denies(Decision::default()),
        }
    }

    /// Puts a question to an action's policies, and before the witness if there is one; `build` fills a plan.
    pub(super) fn put(
        &self,
        action: &Action,
        given: Given,
        now: Option<UnixSeconds>,
        build: impl Fn(&ContextPlan) -> Context,
    ) -> Judgement {
        let Some(witness) = &self.witness else {
            return action.judge(self.types.place(given), build(&action.context), &self.types, now);
        };
        let slice = self.types.place(given.clone());
        let judgement = action.judge(slice.clone(), build(&action.context), &self.types, now);
        witness.saw(Asked::new(action, (given, slice), build(&action.offered), now, judgement.clone()));
        judgement
    }
}

/// Counts, not policies: there may be thousands.
impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Policies for {} actions", self.actions.len())
    }
}

impl Action {
    /// Evaluates the rules that can match and combines them: an error denies; else a forbid that holds; else a permit that
    /// holds permits; else nothing permits. A permit whose last day is over by `now` matches nothing.
    pub(super) fn judge(&self, slice: Slice, context: Context, types: &Types, now: Option<UnixSeconds>) -> Judgement {
        // The rules are looked up before the slice moves into Cedar's store.
        let mut rules = self.index.candidates(&slice.principal, &slice.resource);
        rules.retain(|rule| rule.until.is_none_or(|until| until.holds(now)));
        let mut decision = Decision { inputs: self.context.inputs(&context), ..Decision::default() };
        let entities = self.above.iter().zip([&slice.principal, &slice.resource]);
        decision.inputs.extend(entities.filter_map(|((name, asked), entity)| facts::above(name, asked, entity)));
        let Some((request, entities)) = self.lay_out(slice, context, &self.words, types) else {
            return Judgement::Errs(decision);
        };
        let evaluator = Evaluator::new(request, &entities, Extensions::all_available());
        weigh(decision, rules.into_iter().map(|rule| (&rule.id, rule.forbids, holds(&evaluator, &rule.condition))))
    }

    /// The question as Cedar takes it, with the constants among `words` and the context's values. `None` where principal and
    /// resource are one entity, which has no meaning here.
    pub(super) fn lay_out(
        &self,
        slice: Slice,
        context: Context,
        words: &[EntityUID],
        types: &Types,
    ) -> Option<(Request, Entities)> {
        let constants = types.constants.among(words, &context, [slice.principal.uid(), slice.resource.uid()]);
        let uid = |entity: &Entity| EntityUIDEntry::known(entity.uid().clone(), None);
        let (principal, resource) = (uid(&slice.principal), uid(&slice.resource));
        let request = Request::new_unchecked(principal, self.uid.clone(), resource, Some(context));
        Some((request, slice.store(self.group.as_ref(), constants)?))
    }
}

/// What one policy says to one question.
#[derive(Clone)]
pub(super) struct Vote {
    /// Its place among all policies.
    pub(super) order: usize,
    pub(super) id: Arc<str>,
    pub(super) forbids: bool,
    /// Whether it holds; `None` where it could not be evaluated.
    pub(super) holds: Option<bool>,
}

/// Combines what the policies that can match say, in the order of all policies: an error denies; else a forbid that holds;
/// else a permit that holds permits; else nothing permits.
pub(super) fn weigh<'a>(
    mut decision: Decision,
    votes: impl IntoIterator<Item = (&'a Arc<str>, bool, Option<bool>)>,
) -> Judgement {
    let (mut permits, mut forbids) = (Vec::new(), Vec::new());
    for (id, is_forbid, holds) in votes {
        match holds {
            Some(true) if is_forbid => forbids.push(Arc::clone(id)),
            Some(true) => permits.push(Arc::clone(id)),
            Some(false) => {}
            None => decision.errors.push(Arc::clone(id)),
        }
    }
    let permitted = forbids.is_empty() && !permits.is_empty();
    decision.policies = if forbids.is_empty() { permits } else { forbids };
    match (decision.errors.is_empty(), permitted) {
        (false, _) => Judgement::Errs(decision),
        (true, true) => Judgement::Permits(decision),
        (true, false) => Judgement::Denies(decision),
    }
}

/// The truth that a literal is.
pub(super) fn literal_truth(expr: &Expr) -> Option<bool> {
    match expr.expr_kind() {
        ExprKind::Lit(Literal::Bool(truth)) => Some(*truth),
        _ => None,
    }
}

/// Whether a condition is true; `None` if it cannot be evaluated, or is no boolean.
pub(super) fn holds(evaluator: &Evaluator<'_>, condition: &Expr) -> Option<bool> {
    let Value { value, .. } = evaluator.interpret(condition, &SlotEnv::new()).ok()?;
    match value {
        ValueKind::Lit(Literal::Bool(holds)) => Some(holds),
        _ => None,
    }
}
