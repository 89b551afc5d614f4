//! What is known of a question, wholly or in part, and what a condition comes to by it: true, false, an error, or not known.
//!
//! Only the connectives are worked out here, by Kleene's three values: what is false stays false whatever its neighbour is.
//! Each condition below them is Cedar's to evaluate, and is evaluated only where all that it reads is known. So nothing is
//! called known here that Cedar, asked about the whole question, could answer otherwise; but for a neighbour that errs, and
//! an error denies.

use crate::clock::UnixSeconds;
use crate::policy::asked::Asked;
use crate::policy::entities::Given;
use crate::policy::entities::Types;
use crate::policy::footprint::access;
use crate::policy::footprint::is_context;
use crate::policy::footprint::is_request;
use crate::policy::footprint::is_var;
use crate::policy::footprint::literals;
use crate::policy::policies::Action;
use crate::policy::policies::holds;
use cedar_policy_core::ast::BinaryOp;
use cedar_policy_core::ast::Context;
use cedar_policy_core::ast::EntityType;
use cedar_policy_core::ast::EntityUID;
use cedar_policy_core::ast::Expr;
use cedar_policy_core::ast::ExprKind;
use cedar_policy_core::ast::Request;
use cedar_policy_core::ast::SlotEnv;
use cedar_policy_core::ast::UnaryOp;
use cedar_policy_core::ast::Value;
use cedar_policy_core::ast::ValueKind;
use cedar_policy_core::ast::Var;
use cedar_policy_core::entities::Entities;
use cedar_policy_core::evaluator::Evaluator;
use cedar_policy_core::extensions::Extensions;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a condition comes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not.
    False,
    /// What it reads is not known.
    Unknown,
    /// It cannot be evaluated, which denies.
    Errs,
}

/// What is known of one question.
#[derive(Clone)]
pub(super) struct Known {
    /// Principal and resource; one that has no name here has another in its place, which nothing may read.
    pub(super) given: Given,
    pub(super) principal: Side,
    pub(super) resource: Side,
    /// The attributes that are known to be there, by name; those of the request as `request.<name>`.
    pub(super) context: BTreeMap<Arc<str>, Value>,
    /// The attributes of which neither value nor presence is known. All others are absent.
    pub(super) unknown: BTreeSet<Arc<str>>,
    /// When it is asked.
    pub(super) now: Option<UnixSeconds>,
}

/// How much is known of the principal or the resource, whose type is always known.
#[derive(Clone, Debug)]
pub(super) struct Side {
    /// Whether it is known which one it is.
    pub(super) named: bool,
    pub(super) within: Within,
}

/// How much is known of what an entity is in.
#[derive(Clone, Debug)]
pub(super) enum Within {
    /// All.
    All,
    /// As far as it is of these types.
    Types(Vec<EntityType>),
    /// That it is in these; of the rest nothing.
    Some,
}

/// A question laid out for Cedar's evaluator, with what of it is known.
pub(super) struct Laid<'k> {
    known: &'k Known,
    request: Request,
    entities: Entities,
}

impl Side {
    /// Of which all is known.
    pub(super) const WHOLE: Self = Self { named: true, within: Within::All };
}

impl Known {
    /// All of a question that was put.
    pub(super) fn of(asked: &Asked) -> Self {
        Self {
            given: asked.given().clone(),
            principal: Side::WHOLE,
            resource: Side::WHOLE,
            context: attributes(asked.values()),
            unknown: BTreeSet::new(),
            now: asked.now(),
        }
    }

    /// The context as Cedar takes it.
    pub(super) fn values(&self) -> Context {
        let mut request = BTreeMap::new();
        let mut context = BTreeMap::new();
        for (name, value) in &self.context {
            match name.strip_prefix("request.") {
                Some(inner) => request.insert(Arc::<str>::from(inner).into(), value.clone()),
                None => context.insert(Arc::clone(name).into(), value.clone()),
            };
        }
        context.insert(Arc::<str>::from("request").into(), Value::record_arc(Arc::new(request), None));
        Context::Value(Arc::new(context))
    }

    /// Lays the question out; `None` where principal and resource are one entity.
    pub(super) fn lay_out(&self, action: &Action, types: &Types) -> Option<Laid<'_>> {
        let slice = types.place(self.given.clone());
        let (request, entities) = action.lay_out(slice, self.values(), &action.words, types)?;
        Some(Laid { known: self, request, entities })
    }

    /// Whether an attribute's value and presence are open, or, for `request` as a whole, those of any value in it.
    fn is_open(&self, name: &str) -> bool {
        self.unknown.contains(name) || name == "request" && self.unknown.iter().any(|open| open.starts_with("request."))
    }

    /// Whether `condition` reads what is not known.
    fn reads_unknown(&self, condition: &Expr) -> bool {
        let (mut contexts, mut settled) = (0_usize, 0_usize);
        let (mut requests, mut settled_values) = (0_usize, 0_usize);
        for node in condition.subexpressions() {
            contexts += usize::from(is_context(node));
            requests += usize::from(is_request(node));
            let Some((left, first, second)) = access(node) else { continue };
            if is_request(left) {
                settled_values += usize::from(!self.is_open(&format!("request.{first}")));
            } else if is_context(left) {
                let open = match (first, second) {
                    ("request", Some(second)) => self.is_open(&format!("request.{second}")),
                    // What is read of it counts for itself.
                    ("request", None) => false,
                    _ => self.is_open(first),
                };
                settled += usize::from(!open);
            }
        }
        contexts > settled
            || requests > settled_values && self.is_open("request")
            || self.reads_entity(condition, Var::Principal, &self.principal)
            || self.reads_entity(condition, Var::Resource, &self.resource)
    }

    /// Whether `condition` reads of an entity what is not known.
    fn reads_entity(&self, condition: &Expr, var: Var, side: &Side) -> bool {
        if side.named && matches!(side.within, Within::All) {
            return false;
        }
        let (mut all, mut settled) = (0_usize, 0_usize);
        for node in condition.subexpressions() {
            all += usize::from(is_var(node, var));
            settled += usize::from(self.is_settled(node, var, side, std::ptr::eq(node, condition)));
        }
        all > settled
    }

    /// Whether a node asks of an entity what is known; `alone` if it is the whole condition.
    fn is_settled(&self, node: &Expr, var: Var, side: &Side, alone: bool) -> bool {
        match node.expr_kind() {
            ExprKind::Is { expr, .. } => is_var(expr, var),
            ExprKind::BinaryApp { op: BinaryOp::Eq, arg1, arg2 } => {
                side.named && (is_var(arg1, var) || is_var(arg2, var))
            }
            ExprKind::BinaryApp { op: BinaryOp::Contains, arg1, arg2 } => {
                side.named && is_var(arg2, var) && !is_var(arg1, var)
            }
            ExprKind::BinaryApp { op: BinaryOp::In, arg1, arg2 } if is_var(arg1, var) => {
                let named = literals(arg2);
                // Everything is in itself, so that which one it is matters where its own type is asked for.
                let own = self.own_type(var);
                let other = |uid: &EntityUID| side.named || uid.entity_type() != own;
                match (&side.within, named) {
                    (Within::All, Some(uids)) => uids.iter().all(other),
                    (Within::All, None) => side.named,
                    (Within::Types(types), Some(uids)) => {
                        uids.iter().all(|uid| other(uid) && types.contains(uid.entity_type()))
                    }
                    (Within::Some, Some(uids)) => alone && uids.iter().all(other),
                    (Within::Types(_) | Within::Some, None) => false,
                }
            }
            _ => false,
        }
    }

    fn own_type(&self, var: Var) -> &EntityType {
        match var {
            Var::Resource => self.given.resource().entity_type(),
            Var::Principal | Var::Action | Var::Context => self.given.principal().entity_type(),
        }
    }

    /// Whether of the entity that `condition` asks about only what it is in is known, not what it is not in.
    fn is_half_known(&self, condition: &Expr) -> bool {
        let ExprKind::BinaryApp { op: BinaryOp::In, arg1, .. } = condition.expr_kind() else { return false };
        let some = |var, side: &Side| is_var(arg1, var) && matches!(side.within, Within::Some);
        some(Var::Principal, &self.principal) || some(Var::Resource, &self.resource)
    }
}

impl Laid<'_> {
    /// What a condition comes to.
    pub(super) fn truth(&self, condition: &Expr) -> Truth {
        match condition.expr_kind() {
            ExprKind::And { left, right } => self.truth(left).and(|| self.truth(right)),
            ExprKind::Or { left, right } => self.truth(left).not().and(|| self.truth(right).not()).not(),
            ExprKind::UnaryApp { op: UnaryOp::Not, arg } => self.truth(arg).not(),
            ExprKind::If { test_expr, then_expr, else_expr } => match self.truth(test_expr) {
                Truth::True => self.truth(then_expr),
                Truth::False => self.truth(else_expr),
                Truth::Errs => Truth::Errs,
                Truth::Unknown => {
                    let (then, otherwise) = (self.truth(then_expr), self.truth(else_expr));
                    if then == otherwise { then } else { Truth::Unknown }
                }
            },
            _ if self.known.reads_unknown(condition) => Truth::Unknown,
            _ => match holds(&self.evaluator(), condition) {
                Some(true) => Truth::True,
                Some(false) if self.known.is_half_known(condition) => Truth::Unknown,
                Some(false) => Truth::False,
                None => Truth::Errs,
            },
        }
    }

    /// The value of an expression, where all that it reads is known and it does not err.
    pub(super) fn value(&self, expression: &Expr) -> Option<Value> {
        if self.known.reads_unknown(expression) {
            return None;
        }
        self.evaluator().interpret(expression, &SlotEnv::new()).ok()
    }

    fn evaluator(&self) -> Evaluator<'_> {
        Evaluator::new(self.request.clone(), &self.entities, Extensions::all_available())
    }
}

impl Truth {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Unknown => "unknown",
            Self::Errs => "error",
        }
    }

    pub(super) const fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            other => other,
        }
    }

    /// Both; what stands behind a falsehood or an error is not asked, as Cedar does.
    fn and(self, right: impl FnOnce() -> Self) -> Self {
        match self {
            Self::False | Self::Errs => self,
            Self::True => right(),
            Self::Unknown if right() == Self::False => Self::False,
            Self::Unknown => Self::Unknown,
        }
    }
}

#[cfg(test)]
impl Known {
    /// Leaves open who asks, and in what the thing stands.
    pub(super) fn hide(&mut self, principal: bool, resource: bool) {
        if principal {
            self.principal = Side { named: false, within: Within::Types(Vec::new()) };
        }
        if resource {
            self.resource = Side { named: false, within: Within::Some };
        }
    }
}

/// The attributes of a context by name, those of the request one by one.
fn attributes(context: &Context) -> BTreeMap<Arc<str>, Value> {
    let mut found = BTreeMap::new();
    let Context::Value(values) = context else { return found };
    for (name, value) in values.iter() {
        match value.value_kind() {
            ValueKind::Record(request) if name == "request" => {
                let one = |(inner, value): (&_, &Value)| (format!("request.{inner}").into(), value.clone());
                found.extend(request.iter().map(one));
            }
            _ => {
                found.insert(name.as_str().into(), value.clone());
            }
        }
    }
    found
}
