//! The text of a policy taken apart: the three elements of its scope, and the clauses of its `when` and `unless`, each with
//! its place; and what became of each when a question was asked.
//!
//! `&&`, `||`, `!` and `if` are taken apart, however deep; what is left between them is a clause: `a && (b || c)` has three.
//! An `unless` is the `!` of what stands in it. `a > b`, `a != b` and `a is T in b` are one clause each, as they are written.
//! Clauses are met in the order in which Cedar evaluates them, and it stops where the rest cannot matter: a clause that Cedar
//! does not come to is neither true nor false for that question.

use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::policy::Asked;
use crate::policy::Policies;
use crate::policy::asked::Scene;
use crate::policy::compile::Named;
use crate::policy::scope_text;
use crate::policy::until::Until;
use cedar_policy_core::ast;
use cedar_policy_core::ast::Effect;
use cedar_policy_core::ast::Expr;
use cedar_policy_core::ast::ExprKind;
use cedar_policy_core::ast::UnaryOp;
use cedar_policy_core::parser::Loc;

/// One policy as it is written.
pub struct PolicyText {
    /// Its `@id`.
    pub id: String,
    /// Whether it forbids; else it permits.
    pub forbids: bool,
    /// The file.
    pub source: Source,
    /// Where in it the policy begins: its `permit` or `forbid`.
    pub place: Place,
    /// The line on which it ends.
    pub last_line: u32,
    /// Principal, action and resource, in this order.
    pub scope: [Clause; 3],
    /// The clauses of its conditions, in the order of the text.
    pub clauses: Vec<Clause>,
    pub(super) until: Option<Until>,
    pub(super) policy: ast::Policy,
    pub(super) tree: Node,
    pub(super) leaves: Vec<Expr>,
}

/// A piece of a policy's text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Clause {
    /// The text as it is written, on one line.
    pub text: String,
    /// Where it begins.
    pub place: Place,
}

/// What became of one clause.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Met {
    /// The decision of the policy was made before.
    NotReached,
    /// It was true.
    True,
    /// It was false.
    False,
    /// It could not be evaluated.
    Erred,
}

/// What became of a policy when a question was asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Meeting {
    /// Whether its last day was over, so that it matched nothing.
    pub ended: bool,
    /// Its scope: principal, action, resource. Behind the first that is not met, nothing is reached.
    pub scope: [Met; 3],
    /// Its clauses, as [`PolicyText::clauses`] has them.
    pub clauses: Vec<Met>,
    /// Whether it matched; `None` where it could not be evaluated.
    pub holds: Option<bool>,
}

/// How the clauses of a condition hang together; the numbers are those of the clauses.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Leaf(usize),
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    If(Box<[Node; 3]>),
}

impl PolicyText {
    /// All policies of these files, in the order in which they were compiled. The files have compiled already: what cannot be
    /// read is left out.
    #[must_use]
    pub fn read(sources: &[Source]) -> Vec<Self> {
        let named = Named::read(sources);
        let all = named.list.iter().filter_map(|(policy, file)| Some((policy, sources.get(*file)?)));
        all.map(|(policy, source)| Self::of(policy, source)).collect()
    }

    fn of(policy: &cedar_policy::Policy, source: &Source) -> Self {
        let until = Until::of(policy);
        let id = policy.id().to_string();
        let policy: &ast::Policy = policy.as_ref();
        let span = policy.loc().map(|loc| (loc.span.offset(), loc.span.offset() + loc.span.len()));
        let (begin, end) = span.unwrap_or_default();
        let (begin, scope) = scope_text::find(source.text(), begin);
        let mut leaves = Vec::new();
        let tree = match policy.non_scope_constraints() {
            Some(condition) => Node::of(condition, &mut leaves),
            None => Node::All(Vec::new()),
        };
        Self {
            id,
            forbids: policy.effect() == Effect::Forbid,
            source: source.clone(),
            place: Place::of_offset(source.text(), begin),
            last_line: Place::of_offset(source.text(), end.saturating_sub(1)).line,
            scope: scope.map(|(from, to)| Clause::at(source.text(), from, to)),
            clauses: leaves.iter().map(|leaf| clause(leaf, source)).collect(),
            until,
            policy: policy.clone(),
            tree,
            leaves,
        }
    }
}

impl Policies {
    /// Lays a question out, so that policies can be met with it; `None` where these policies do not know its action.
    #[must_use]
    pub fn lay_out(&self, asked: &Asked) -> Option<Scene> {
        self.scene(asked)
    }
}

impl Scene {
    /// What becomes of a policy's scope and clauses. A clause's error is the policy's.
    #[must_use]
    pub fn meet(&self, text: &PolicyText) -> Meeting {
        let mut meeting = Meeting {
            ended: text.until.is_some_and(|until| !until.holds(self.now())),
            scope: [Met::NotReached; 3],
            clauses: vec![Met::NotReached; text.leaves.len()],
            holds: Some(false),
        };
        let policy = &text.policy;
        let elements = [
            policy.principal_constraint().as_expr(),
            policy.action_constraint().as_expr(),
            policy.resource_constraint().as_expr(),
        ];
        for (met, element) in meeting.scope.iter_mut().zip(&elements) {
            *met = Met::of(self.holds(element));
            if *met != Met::True {
                meeting.holds = if *met == Met::Erred { None } else { Some(false) };
                return meeting;
            }
        }
        let holds = text.tree.walk(&mut |leaf| {
            let holds = text.leaves.get(leaf).and_then(|leaf| self.holds(leaf));
            if let Some(met) = meeting.clauses.get_mut(leaf) {
                *met = Met::of(holds);
            }
            holds
        });
        meeting.holds = if meeting.ended { Some(false) } else { holds };
        meeting
    }
}

impl Met {
    const fn of(holds: Option<bool>) -> Self {
        match holds {
            Some(true) => Self::True,
            Some(false) => Self::False,
            None => Self::Erred,
        }
    }
}

impl Clause {
    fn at(text: &str, from: usize, to: usize) -> Self {
        // One that goes over several lines is told on one.
        let words: Vec<&str> = text.get(from..to).unwrap_or_default().split_whitespace().collect();
        Self { text: words.join(" "), place: Place::of_offset(text, from) }
    }
}

impl Node {
    /// Takes a condition apart; its clauses go to `leaves`.
    fn of(condition: &Expr, leaves: &mut Vec<Expr>) -> Self {
        let own = condition.source_loc();
        // What Cedar reads as several operators and is written as one has one place.
        let is_written_as_one = |inner: &Expr| own.is_some() && inner.source_loc() == own && !is_joint(inner);
        match condition.expr_kind() {
            ExprKind::And { left, right } if !is_written_as_one(left) => {
                let mut all = Vec::new();
                for side in [left, right] {
                    match Self::of(side, leaves) {
                        Self::All(inner) => all.extend(inner),
                        other => all.push(other),
                    }
                }
                Self::All(all)
            }
            ExprKind::Or { left, right } => {
                let mut any = Vec::new();
                for side in [left, right] {
                    match Self::of(side, leaves) {
                        Self::Any(inner) => any.extend(inner),
                        other => any.push(other),
                    }
                }
                Self::Any(any)
            }
            ExprKind::UnaryApp { op: UnaryOp::Not, arg } if !is_written_as_one(arg) => {
                Self::Not(Box::new(Self::of(arg, leaves)))
            }
            ExprKind::If { test_expr, then_expr, else_expr } => {
                Self::If(Box::new([test_expr, then_expr, else_expr].map(|part| Self::of(part, leaves))))
            }
            _ => {
                leaves.push(condition.clone());
                Self::Leaf(leaves.len() - 1)
            }
        }
    }

    /// Evaluates as Cedar does: from the left, and no further than needed; an error ends it.
    fn walk(&self, leaf: &mut impl FnMut(usize) -> Option<bool>) -> Option<bool> {
        match self {
            Self::Leaf(number) => leaf(*number),
            Self::All(all) => {
                for node in all {
                    if !node.walk(leaf)? {
                        return Some(false);
                    }
                }
                Some(true)
            }
            Self::Any(any) => {
                for node in any {
                    if node.walk(leaf)? {
                        return Some(true);
                    }
                }
                Some(false)
            }
            Self::Not(node) => node.walk(leaf).map(|holds| !holds),
            Self::If(parts) => {
                let [test, then, otherwise] = &**parts;
                if test.walk(leaf)? { then.walk(leaf) } else { otherwise.walk(leaf) }
            }
        }
    }

    /// What stands before a clause in the outermost chain of `&&`, and must be true for it to be reached.
    pub(super) fn before(&self, clause: usize, leaves: &[Expr]) -> Vec<Expr> {
        let Self::All(all) = self else { return Vec::new() };
        let before = all.iter().take_while(|node| !node.has(clause));
        before.map(|node| node.join(leaves)).collect()
    }

    fn has(&self, clause: usize) -> bool {
        match self {
            Self::Leaf(number) => *number == clause,
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().any(|node| node.has(clause)),
            Self::Not(node) => node.has(clause),
            Self::If(parts) => parts.iter().any(|node| node.has(clause)),
        }
    }

    /// The condition again, of these clauses.
    pub(super) fn join(&self, leaves: &[Expr]) -> Expr {
        let joined = |nodes: &[Self], with: fn(Expr, Expr) -> Expr, empty: bool| {
            let all = nodes.iter().map(|node| node.join(leaves));
            all.rev().reduce(|right, left| with(left, right)).unwrap_or_else(|| Expr::val(empty))
        };
        match self {
            Self::Leaf(number) => leaves.get(*number).cloned().unwrap_or_else(|| Expr::val(false)),
            Self::All(all) => joined(all, Expr::and, true),
            Self::Any(any) => joined(any, Expr::or, false),
            Self::Not(node) => Expr::not(node.join(leaves)),
            Self::If(parts) => {
                let [test, then, otherwise] = &**parts;
                Expr::ite(test.join(leaves), then.join(leaves), otherwise.join(leaves))
            }
        }
    }
}

/// Whether it is taken apart itself, so that it may have the place of what it stands in.
fn is_joint(node: &Expr) -> bool {
    matches!(node.expr_kind(), ExprKind::And { .. } | ExprKind::Or { .. } | ExprKind::If { .. })
}

/// A clause where it is written; a literal that Cedar has worked out itself stands in no place.
fn clause(leaf: &Expr, source: &Source) -> Clause {
    let span = |loc: &Loc| (loc.span.offset(), loc.span.offset() + loc.span.len());
    match leaf.source_loc().map(span) {
        Some((from, to)) => Clause::at(source.text(), from, to),
        None => Clause { text: leaf.to_string(), place: Place::WHOLE },
    }
}
