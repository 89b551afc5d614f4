//! Mutants: policies with one small fault put in on purpose. Cases that are worth something notice each of them.
//!
//! | where | what is done to it |
//! |---|---|
//! | policy | taken out; `permit` and `forbid` exchanged |
//! | element of the scope | taken out; `==` to `in`; of `is T in E` either half taken out; one action taken out of a list |
//! | clause | always true; always false; turned round |
//! | comparison of numbers | its boundary in or out; its number one more and one less |
//! | sets | `contains` to "is not empty"; `containsAll` and `containsAny` exchanged; `in` to `==` or `contains` |
//!
//! One that Cedar's validator refuses (strictly, and without a warning) could never be loaded, so no case need notice it. One
//! that no question can tell from the policy (`settled.rs`) is named as such.

use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::policy::Clause;
use crate::policy::PolicyText;
use crate::policy::Setting;
use crate::policy::compile::read_schema;
use crate::policy::mutations::changes_of;
use crate::policy::policies::literal_truth;
use crate::policy::settled::Settled;
use cedar_policy::PolicySet;
use cedar_policy::Schema;
use cedar_policy::ValidationMode;
use cedar_policy::Validator;
use cedar_policy_core::ast::ActionConstraint;
use cedar_policy_core::ast::Effect;
use cedar_policy_core::ast::Expr;
use cedar_policy_core::ast::Policy;
use cedar_policy_core::ast::PolicyID;
use cedar_policy_core::ast::PrincipalConstraint;
use cedar_policy_core::ast::ResourceConstraint;
use cedar_policy_core::ast::StaticPolicy;
use cedar_policy_core::entities::Entities;
use cedar_policy_core::validator::ValidatorSchema;
use std::collections::HashSet;

/// One policy with one change.
pub struct Mutant {
    /// The policy's index among those that were given.
    pub policy: usize,
    /// What is changed, and where; of a policy as a whole its first word.
    pub clause: Clause,
    /// The change, in words: `always true`, `` `>` becomes `>=` ``.
    pub change: String,
    /// What a case must bring to notice it.
    pub wants: String,
    /// Whether it can matter.
    pub fate: Fate,
    pub(super) forbids: bool,
    /// Its whole condition; `None` where the policy is gone.
    pub(super) condition: Option<Expr>,
}

/// Whether a mutant can matter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It loads, and some question may tell it from the policy.
    Lives,
    /// Cedar's validator refuses it, so it could not be loaded.
    Refused,
    /// The schema lets no question be asked that tells it from the policy.
    SameBySchema,
    /// The schema would, and the contracts do not: partner, purpose, age and kind of token are fixed by them.
    SameByContracts,
}

/// A change before it is looked at.
pub(super) struct Change {
    pub(super) clause: Clause,
    pub(super) change: String,
    pub(super) wants: String,
    pub(super) made: Made,
}

/// What a change makes of a policy.
pub(super) enum Made {
    Gone,
    Flipped,
    Principal(PrincipalConstraint),
    Action(ActionConstraint),
    Resource(ResourceConstraint),
    Condition(Expr),
}

/// What mutants are held against.
struct Held<'a> {
    schema: &'a Schema,
    core: &'a ValidatorSchema,
    groups: Entities,
    settings: &'a [Setting],
}

impl Mutant {
    /// All mutants of `texts`; `schema` is theirs and has compiled, `settings` are all that may be asked.
    #[must_use]
    pub fn all(schema: &Source, texts: &[PolicyText], settings: &[Setting]) -> Vec<Self> {
        let Some(parsed) = read_schema(schema, &mut Diagnostics::new()) else { return Vec::new() };
        let core: &ValidatorSchema = parsed.as_ref();
        let groups = core.action_entities().unwrap_or_default();
        let held = Held { schema: &parsed, core, groups, settings };
        texts.iter().enumerate().flat_map(|(index, text)| held.mutants(index, text)).collect()
    }
}

impl Held<'_> {
    fn mutants(&self, index: usize, text: &PolicyText) -> Vec<Mutant> {
        let original = text.policy.condition();
        let mut seen = HashSet::from([(text.forbids, Some(original.clone()))]);
        let mut found = Vec::new();
        for Change { clause, change, wants, made } in changes_of(text) {
            let forbids = text.forbids != matches!(made, Made::Flipped);
            let policy = changed(&text.policy, &made);
            let condition = policy.as_ref().map(Policy::condition);
            if !seen.insert((forbids, condition.clone())) {
                continue;
            }
            let fate = match &policy {
                Some(policy) if !self.loads(policy) => Fate::Refused,
                _ => self.fate(&original, condition.as_ref(), forbids != text.forbids),
            };
            found.push(Mutant { policy: index, clause, change, wants, fate, forbids, condition });
        }
        found
    }

    /// Whether Cedar's validator takes it as the gateway's compiler demands.
    fn loads(&self, policy: &Policy) -> bool {
        let mut set = PolicySet::new();
        if set.add(policy.clone().into()).is_err() {
            return false;
        }
        let result = Validator::new(self.schema.clone()).validate(&set, ValidationMode::Strict);
        result.validation_passed_without_warnings()
    }

    fn fate(&self, original: &Expr, mutated: Option<&Expr>, is_flipped: bool) -> Fate {
        let is_same = |setting: &Setting| {
            let Some(settled) = Settled::new(self.core, &self.groups, setting) else { return true };
            let before = settled.reduce(original);
            match mutated {
                // With another effect, or gone, it is the same only where it never says anything.
                Some(_) if is_flipped => literal_truth(&before) == Some(false),
                None => literal_truth(&before) == Some(false),
                Some(mutated) => before == settled.reduce(mutated),
            }
        };
        if self.settings.iter().all(|setting| is_same(&setting.by_schema_alone())) {
            Fate::SameBySchema
        } else if self.settings.iter().all(is_same) {
            Fate::SameByContracts
        } else {
            Fate::Lives
        }
    }
}

/// The policy with a change; `None` where it is gone.
fn changed(policy: &Policy, made: &Made) -> Option<Policy> {
    let (mut principal, mut resource) = (policy.principal_constraint(), policy.resource_constraint());
    let mut action = policy.action_constraint().clone();
    let mut effect = policy.effect();
    let mut condition = policy.non_scope_constraints().cloned();
    match made {
        Made::Gone => return None,
        Made::Flipped => effect = if effect == Effect::Permit { Effect::Forbid } else { Effect::Permit },
        Made::Principal(constraint) => principal = constraint.clone(),
        Made::Action(constraint) => action = constraint.clone(),
        Made::Resource(constraint) => resource = constraint.clone(),
        Made::Condition(expr) => condition = Some(expr.clone()),
    }
    let id = PolicyID::from_string(AsRef::<str>::as_ref(policy.id()));
    let annotations = (**policy.annotations_arc()).clone();
    let made = StaticPolicy::new(id, None, annotations, effect, principal, action, resource, condition);
    // A policy that had no slots has none after any of these changes.
    made.ok().map(Policy::from)
}
