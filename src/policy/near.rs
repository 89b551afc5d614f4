//! What each policy of an action comes to for one question, clause by clause, and the smallest change of facts that would
//! have let it through.
//!
//! The change is searched over the permits of the action, those that come nearest first: each failing clause of one permit
//! made true, then each forbid that still holds made to fail, as `ways.rs` proposes. Whatever is found is judged again by the
//! code that decides ([`Action::judge`]); what that does not permit is not told.

use crate::clock::UnixMillis;
use crate::policy::Judgement;
use crate::policy::Policies;
use crate::policy::asked::Asked;
use crate::policy::asked::Fact;
use crate::policy::asked::Uid;
use crate::policy::asked::fact;
use crate::policy::asked::uid;
use crate::policy::footprint::is_var;
use crate::policy::footprint::literals;
use crate::policy::index::Rule;
use crate::policy::known::Known;
use crate::policy::known::Laid;
use crate::policy::known::Truth;
use crate::policy::policies::Action;
use crate::policy::ways::Moved;
use crate::policy::ways::Ways;
use crate::policy::ways::attribute;
use cedar_policy_core::ast::BinaryOp;
use cedar_policy_core::ast::EntityUID;
use cedar_policy_core::ast::Expr;
use cedar_policy_core::ast::ExprKind;
use cedar_policy_core::ast::Literal;
use cedar_policy_core::ast::UnaryOp;
use cedar_policy_core::ast::Var;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many permits are followed in search of a change: those that come nearest.
const PERMITS_MAX: usize = 32;

/// How often a forbid that holds is made to fail, for one permit.
const FORBIDS_MAX: usize = 16;

/// What the policies of an action come to.
#[derive(Clone, Debug)]
pub struct Weighed {
    /// All policies of the action, in the order of their files.
    pub policies: Vec<WeighedPolicy>,
    /// The smallest change of facts that would have let it through; `None` where it is let through, or none was found.
    pub change: Option<Change>,
}

/// What one policy comes to.
#[derive(Clone, Debug)]
pub struct WeighedPolicy {
    /// Its `@id`.
    pub id: Arc<str>,
    /// Its `@reason`.
    pub reason: Arc<str>,
    /// Whether it forbids; else it permits.
    pub forbids: bool,
    /// Whether it holds.
    pub holds: Truth,
    /// Its clauses: those of the scope, then each condition by itself. It holds if all of them do.
    pub clauses: Vec<WeighedClause>,
}

/// What one clause comes to.
#[derive(Clone, Debug)]
pub struct WeighedClause {
    /// Its text, as Cedar writes it.
    pub text: String,
    /// What it comes to.
    pub truth: Truth,
    /// What it reads, as records name it: `ageSeconds`, `request.reason`, `principal.in`, `resource`.
    pub reads: Vec<String>,
    /// The entities of which it asks that the principal is in one.
    pub within: Vec<Uid>,
}

/// A change of facts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// The policy that would have permitted.
    pub by: Arc<str>,
    /// What would be otherwise, each fact once.
    pub moves: Vec<Move>,
}

/// One fact that would be otherwise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Move {
    /// An attribute of the context.
    Attribute {
        /// Its name.
        name: Arc<str>,
        /// What it is now; `None` where it is absent or not known.
        from: Option<Fact>,
        /// What it would be; `None` for absent.
        to: Option<Fact>,
    },
    /// What the principal is in.
    Principal {
        /// In what it would be besides.
        into: Vec<Uid>,
        /// In what it would not be any more.
        out_of: Vec<Uid>,
    },
}

impl Policies {
    /// Looks at a question that was put, policy by policy. `None` where these policies do not know its action.
    #[must_use]
    pub fn weigh(&self, asked: &Asked) -> Option<Weighed> {
        self.weigh_known(self.action(asked.action())?, &Known::of(asked), true)
    }

    /// Looks at what is known of a question of this action, and with `seek` for a change that would let it through.
    pub(super) fn weigh_known(&self, action: &Action, known: &Known, seek: bool) -> Option<Weighed> {
        let laid = known.lay_out(action, &self.types)?;
        let rules = action.index.all();
        let policies: Vec<WeighedPolicy> = rules.iter().map(|rule| weighed(rule, &laid, known)).collect();
        let change = match self.judge_known(action, known) {
            Judgement::Denies(_) | Judgement::Errs(_) if seek => {
                let ways = Ways { action, types: &self.types, now: known };
                smallest(self, &ways, &rules, &policies)
            }
            _ => None,
        };
        Some(Weighed { policies, change })
    }

    /// Judges what is known, by the code that decides.
    fn judge_known(&self, action: &Action, known: &Known) -> Judgement {
        action.judge(
            self.types.place(known.given.clone()),
            action.context.kept(&known.values()),
            &self.types,
            known.now,
        )
    }
}

fn weighed(rule: &Rule, laid: &Laid<'_>, known: &Known) -> WeighedPolicy {
    let clause = |condition: &Expr| WeighedClause {
        text: written(condition),
        truth: laid.truth(condition),
        reads: reads(condition),
        within: within(condition),
    };
    let mut clauses: Vec<WeighedClause> = conjuncts(&rule.condition).into_iter().map(clause).collect();
    let ended = rule.until.filter(|until| !until.holds(known.now));
    if let Some(until) = ended {
        let over = UnixMillis::new(until.over_at().get().saturating_mul(1_000));
        let text = format!("asked before {over}, when it ends");
        clauses.push(WeighedClause { text, truth: Truth::False, reads: Vec::new(), within: Vec::new() });
    }
    WeighedPolicy {
        id: Arc::clone(&rule.id),
        reason: Arc::clone(&rule.reason),
        forbids: rule.forbids,
        holds: if ended.is_some() { Truth::False } else { laid.truth(&rule.condition) },
        clauses,
    }
}

/// A condition's text with the operators that people write: Cedar keeps `a > b` as `!(a <= b)`.
fn written(condition: &Expr) -> String {
    if let ExprKind::UnaryApp { op: UnaryOp::Not, arg } = condition.expr_kind()
        && let ExprKind::BinaryApp { op, arg1, arg2 } = arg.expr_kind()
    {
        match op {
            BinaryOp::Eq => return format!("{arg1} != {arg2}"),
            BinaryOp::Less => return format!("{arg1} >= {arg2}"),
            BinaryOp::LessEq => return format!("{arg1} > {arg2}"),
            _ => {}
        }
    }
    condition.to_string()
}

/// The conditions that a rule's condition joins by `&&`, in their order, without those that are always true.
pub(super) fn conjuncts(condition: &Expr) -> Vec<&Expr> {
    match condition.expr_kind() {
        ExprKind::And { left, right } => {
            let mut all = conjuncts(left);
            all.extend(conjuncts(right));
            all
        }
        ExprKind::Lit(Literal::Bool(true)) => Vec::new(),
        _ => vec![condition],
    }
}

/// What a condition reads, each once: what is asked of the principal and the resource, then attributes by name.
/// That an entity is of some type is no reading.
fn reads(condition: &Expr) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (var, name) in [(Var::Principal, "principal"), (Var::Resource, "resource")] {
        let (mut itself, mut kinds, mut placed) = (0_usize, 0_usize, 0_usize);
        for node in condition.subexpressions() {
            match node.expr_kind() {
                ExprKind::Is { expr, .. } if is_var(expr, var) => kinds += 1,
                ExprKind::BinaryApp { op: BinaryOp::In, arg1, arg2 }
                    if is_var(arg1, var) && literals(arg2).is_some() =>
                {
                    placed += 1;
                }
                ExprKind::Var(known) if *known == var => itself += 1,
                _ => {}
            }
        }
        found.extend((itself > placed + kinds).then(|| name.to_owned()));
        found.extend((placed > 0).then(|| format!("{name}.in")));
    }
    let attributes: BTreeSet<String> = condition.subexpressions().filter_map(attribute).collect();
    found.extend(attributes);
    found
}

/// The entities of which a condition asks that the principal is in one, if that is all that it asks.
fn within(condition: &Expr) -> Vec<Uid> {
    let ExprKind::BinaryApp { op: BinaryOp::In, arg1, arg2 } = condition.expr_kind() else { return Vec::new() };
    let named = literals(arg2).filter(|_| is_var(arg1, Var::Principal)).unwrap_or_default();
    named.iter().map(uid).collect()
}

/// The cheapest facts under which it is permitted.
fn smallest(policies: &Policies, ways: &Ways<'_>, rules: &[&Rule], weighed: &[WeighedPolicy]) -> Option<Change> {
    let failing = |policy: &WeighedPolicy| policy.clauses.iter().filter(|clause| clause.truth != Truth::True).count();
    let mut permits: Vec<(&&Rule, usize)> = rules
        .iter()
        .zip(weighed)
        .filter(|(rule, _)| !rule.forbids)
        .map(|(rule, policy)| (rule, failing(policy)))
        .collect();
    permits.sort_by_key(|(rule, failing)| (*failing, rule.order));
    permits.truncate(PERMITS_MAX);
    let mut best: Option<(usize, &Rule, Known)> = None;
    for (permit, _) in permits {
        for state in ways.towards(&permit.condition, true, ways.now) {
            let Some(state) = unforbidden(ways, rules, permit, state) else { continue };
            let cost = ways.cost(&state);
            let is_better = best.as_ref().is_none_or(|(least, _, _)| cost < *least);
            if is_better && matches!(policies.judge_known(ways.action, &state), Judgement::Permits(_)) {
                best = Some((cost, permit, state));
            }
        }
    }
    let (_, permit, state) = best?;
    Some(Change { by: Arc::clone(&permit.id), moves: moves(ways, &state) })
}

/// The facts with each forbid that might hold made to fail, and `permit` still holding.
fn unforbidden(ways: &Ways<'_>, rules: &[&Rule], permit: &Rule, mut state: Known) -> Option<Known> {
    for _ in 0..FORBIDS_MAX {
        let laid = state.lay_out(ways.action, ways.types)?;
        let holding = rules.iter().find(|rule| rule.forbids && laid.truth(&rule.condition) != Truth::False);
        let Some(forbid) = holding else { return Some(state) };
        let still = |next: &Known| {
            next.lay_out(ways.action, ways.types).is_some_and(|laid| laid.truth(&permit.condition) == Truth::True)
        };
        state = ways.towards(&forbid.condition, false, &state).into_iter().find(still)?;
    }
    None
}

fn moves(ways: &Ways<'_>, state: &Known) -> Vec<Move> {
    let told = |moved: Moved| match moved {
        Moved::Attribute(name) => {
            let of = |known: &Known| known.context.get(&name).and_then(fact);
            Move::Attribute { from: of(ways.now), to: of(state), name }
        }
        Moved::Principal => {
            let (now, then) = (ways.now.given.principal_parents(), state.given.principal_parents());
            let sorted = |uids: BTreeSet<&EntityUID>| uids.into_iter().map(uid).collect();
            Move::Principal {
                into: sorted(then.difference(now).collect()),
                out_of: sorted(now.difference(then).collect()),
            }
        }
    };
    ways.moved(state).into_iter().map(told).collect()
}
