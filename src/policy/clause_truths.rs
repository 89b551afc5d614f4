//! Which clauses of a policy can be true, and which false, in some question that the schema and the contracts let be asked.

use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::policy::PolicyText;
use crate::policy::Setting;
use crate::policy::compile::read_schema;
use crate::policy::policies::literal_truth;
use crate::policy::settled::Settled;
use cedar_policy::Schema;
use cedar_policy_core::ast::Expr;
use cedar_policy_core::entities::Entities;
use cedar_policy_core::validator::ValidatorSchema;

/// A schema with all that may be asked under it.
pub struct ClauseTruths<'a> {
    schema: Option<Schema>,
    settings: &'a [Setting],
}

/// What is possible in one policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Possible {
    /// Whether it can match.
    pub may_match: bool,
    /// Whether each of its clauses can be true, and can be false.
    pub clauses: Vec<[bool; 2]>,
}

impl<'a> ClauseTruths<'a> {
    /// `schema` has compiled; `settings` are all that may be asked.
    #[must_use]
    pub fn of(schema: &Source, settings: &'a [Setting]) -> Self {
        Self { schema: read_schema(schema, &mut Diagnostics::new()), settings }
    }

    /// What is possible, or at least not plainly impossible, in a policy.
    #[must_use]
    pub fn of_policy(&self, text: &PolicyText) -> Possible {
        let mut possible = Possible { may_match: false, clauses: vec![[false; 2]; text.clauses.len()] };
        let Some(schema) = &self.schema else { return possible };
        let core: &ValidatorSchema = schema.as_ref();
        let groups: Entities = core.action_entities().unwrap_or_default();
        let whole = text.policy.condition();
        for setting in self.settings {
            let Some(settled) = Settled::new(core, &groups, setting) else { continue };
            possible.may_match |= literal_truth(&settled.reduce(&whole)) != Some(false);
            for (clause, [may_be_true, may_be_false]) in possible.clauses.iter_mut().enumerate() {
                // Where a clause is not reached, it is neither.
                let reached = reaching(text, clause).map(|reaching| literal_truth(&settled.reduce(&reaching)));
                let Some(leaf) = text.leaves.get(clause) else { continue };
                if reached == Some(Some(false)) {
                    continue;
                }
                let truth = literal_truth(&settled.reduce(leaf));
                *may_be_true |= truth != Some(false);
                *may_be_false |= truth != Some(true);
            }
        }
        possible
    }
}

/// The scope, and of the conditions what must be true for a clause to be reached, as far as that is a chain of `&&`.
fn reaching(text: &PolicyText, clause: usize) -> Option<Expr> {
    let policy = &text.policy;
    let scope = [
        policy.principal_constraint().as_expr(),
        policy.action_constraint().as_expr(),
        policy.resource_constraint().as_expr(),
    ];
    scope.into_iter().chain(text.tree.before(clause, &text.leaves)).reduce(Expr::and)
}
