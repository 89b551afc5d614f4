//! What would have to be otherwise for a condition to come out otherwise: small changes of the facts that a question brings.
//!
//! Changes are proposed from the shape of the condition (`a == b`: make `a` what `b` is), and each proposal is held against
//! the condition as a whole: what does not bring about what is wanted is thrown away. So a proposal may be missed, and none is
//! wrong. Nothing is proposed that no caller, time or token could bring: not another kind of caller or thing, and not another
//! person.

use crate::model::Recordable;
use crate::policy::entities::ROLE;
use crate::policy::entities::TENANT;
use crate::policy::entities::Types;
use crate::policy::footprint::access;
use crate::policy::footprint::is_context;
use crate::policy::footprint::is_request;
use crate::policy::footprint::is_var;
use crate::policy::known::Known;
use crate::policy::known::Truth;
use crate::policy::policies::Action;
use cedar_policy_core::ast::BinaryOp;
use cedar_policy_core::ast::EntityUID;
use cedar_policy_core::ast::Expr;
use cedar_policy_core::ast::ExprKind;
use cedar_policy_core::ast::Literal;
use cedar_policy_core::ast::PatternElem;
use cedar_policy_core::ast::UnaryOp;
use cedar_policy_core::ast::Value;
use cedar_policy_core::ast::ValueKind;
use cedar_policy_core::ast::Var;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many proposals are followed at each condition: the best ones.
const FOLLOWED_MAX: usize = 6;

/// What stands in place of a text that is to be another one.
const ANOTHER: &str = "(another)";

/// Where changes are looked for.
pub(super) struct Ways<'a> {
    pub(super) action: &'a Action,
    pub(super) types: &'a Types,
    /// What is so now; changes are counted from there.
    pub(super) now: &'a Known,
}

/// One fact that is to be otherwise.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Moved {
    /// An attribute of the context.
    Attribute(Arc<str>),
    /// What the principal is in.
    Principal,
}

impl Ways<'_> {
    /// Facts under which `condition` is as wanted, beginning at `at`, those with the fewest changes first.
    pub(super) fn towards(&self, condition: &Expr, wanted: bool, at: &Known) -> Vec<Known> {
        if self.is(condition, wanted, at) {
            return vec![at.clone()];
        }
        let mut found = self.proposed(condition, wanted, at);
        found.retain(|proposal| self.is(condition, wanted, proposal) && self.is_anyones(proposal));
        // Stable: of equals, the one that was proposed first.
        found.sort_by_key(|proposal| self.cost(proposal));
        found.truncate(FOLLOWED_MAX);
        found
    }

    /// How far facts are from what is so now: one for each that is of the token, the time or the request, two for others, which
    /// are not the caller's to change.
    pub(super) fn cost(&self, known: &Known) -> usize {
        let weight = |moved: &Moved| match moved {
            Moved::Attribute(name) => match &**name {
                "partner" | "peer" | "purpose" | "resourceTenant" | "issuer" => 2,
                _ => 1,
            },
            Moved::Principal => 1,
        };
        self.moved(known).iter().map(weight).sum()
    }

    /// The facts that differ from what is so now. A role that the context lists as well counts once.
    pub(super) fn moved(&self, known: &Known) -> Vec<Moved> {
        let names: BTreeSet<&Arc<str>> = known.context.keys().chain(self.now.context.keys()).collect();
        let differs = |name: &&Arc<str>| known.context.get(*name) != self.now.context.get(*name);
        let attributes = names.into_iter().filter(differs);
        let moved: Vec<Moved> = attributes.map(|name| Moved::Attribute(Arc::clone(name))).collect();
        let placed = known.given.principal_parents() != self.now.given.principal_parents();
        let echoed =
            |moved: &Moved| placed && matches!(moved, Moved::Attribute(name) if matches!(&**name, "roles" | "tenant"));
        let mut moved: Vec<Moved> = moved.into_iter().filter(|moved| !echoed(moved)).collect();
        if placed {
            moved.push(Moved::Principal);
        }
        moved
    }

    /// Whether no fact is moved that says which person, device or car it is.
    fn is_anyones(&self, known: &Known) -> bool {
        self.moved(known).iter().all(|moved| match moved {
            Moved::Attribute(name) => self.action.declared.recordable(name) == Some(Recordable::Value),
            Moved::Principal => true,
        })
    }

    fn is(&self, condition: &Expr, wanted: bool, known: &Known) -> bool {
        let truth = known.lay_out(self.action, self.types).map(|laid| laid.truth(condition));
        truth == Some(if wanted { Truth::True } else { Truth::False })
    }

    fn value(&self, expression: &Expr, known: &Known) -> Option<Value> {
        known.lay_out(self.action, self.types)?.value(expression)
    }

    fn proposed(&self, condition: &Expr, wanted: bool, at: &Known) -> Vec<Known> {
        match condition.expr_kind() {
            ExprKind::And { left, right } => self.joined(left, right, wanted, wanted, at),
            ExprKind::Or { left, right } => self.joined(left, right, wanted, !wanted, at),
            ExprKind::UnaryApp { op: UnaryOp::Not, arg } => self.towards(arg, !wanted, at),
            ExprKind::If { test_expr, then_expr, else_expr } => {
                let mut found = self.both(test_expr, true, then_expr, wanted, at);
                found.extend(self.both(test_expr, false, else_expr, wanted, at));
                found
            }
            ExprKind::BinaryApp { op, arg1, arg2 } => self.of_relation(*op, arg1, arg2, wanted, at),
            ExprKind::GetAttr { .. } => {
                attribute(condition).map(|name| set(at, &name, wanted.into())).into_iter().collect()
            }
            ExprKind::HasAttr { .. } | ExprKind::ExtHasAttr { .. } if !wanted => {
                attribute(condition).map(|name| without(at, &name)).into_iter().collect()
            }
            ExprKind::Like { expr, pattern } if wanted => {
                // The shortest text that fits: every `*` stands for nothing.
                let fits = pattern.iter().filter_map(|element| match element {
                    PatternElem::Char(c) => Some(*c),
                    PatternElem::Wildcard => None,
                });
                let text = Value::new(fits.collect::<String>().as_str(), None);
                attribute(expr).map(|name| set(at, &name, text)).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// `left` and `right` of a connective: both as wanted, or either.
    fn joined(&self, left: &Expr, right: &Expr, wanted: bool, both: bool, at: &Known) -> Vec<Known> {
        if both {
            return self.both(left, wanted, right, wanted, at);
        }
        let mut found = self.towards(left, wanted, at);
        found.extend(self.towards(right, wanted, at));
        found
    }

    fn both(&self, left: &Expr, left_wanted: bool, right: &Expr, right_wanted: bool, at: &Known) -> Vec<Known> {
        let first = self.towards(left, left_wanted, at);
        let mut found: Vec<Known> = first.iter().flat_map(|known| self.towards(right, right_wanted, known)).collect();
        // `context has a && context.a == …`: to give it the value is to have it.
        if first.is_empty() {
            found = self.proposed(right, right_wanted, at);
        }
        found
    }

    fn of_relation(&self, op: BinaryOp, left: &Expr, right: &Expr, wanted: bool, at: &Known) -> Vec<Known> {
        match op {
            BinaryOp::Eq => self.of_equality(left, right, wanted, at),
            BinaryOp::Less => self.of_order(left, right, 1, wanted, at),
            BinaryOp::LessEq => self.of_order(left, right, 0, wanted, at),
            BinaryOp::In => self.of_place(left, right, wanted, at),
            BinaryOp::Contains => {
                let element = self.value(right, at);
                element.and_then(|element| self.of_set(left, &[element], wanted, at)).into_iter().collect()
            }
            BinaryOp::ContainsAll | BinaryOp::ContainsAny => {
                let elements = self.value(right, at).and_then(|value| elements(&value));
                elements.and_then(|elements| self.of_set(left, &elements, wanted, at)).into_iter().collect()
            }
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::GetTag | BinaryOp::HasTag => Vec::new(),
        }
    }

    fn of_equality(&self, left: &Expr, right: &Expr, wanted: bool, at: &Known) -> Vec<Known> {
        let towards = |one: &Expr, other: &Expr| {
            let (name, value) = (attribute(one)?, self.value(other, at)?);
            if wanted {
                return Some(set(at, &name, value));
            }
            match value.value_kind() {
                ValueKind::Lit(Literal::String(_)) => Some(set(at, &name, Value::new(ANOTHER, None))),
                ValueKind::Lit(Literal::Long(number)) => Some(set(at, &name, Value::new(number.checked_add(1)?, None))),
                ValueKind::Lit(Literal::Bool(truth)) => Some(set(at, &name, Value::new(!truth, None))),
                _ => None,
            }
        };
        [towards(left, right), towards(right, left)].into_iter().flatten().collect()
    }

    /// `left < right` where `apart` is 1, `left <= right` where it is 0.
    fn of_order(&self, left: &Expr, right: &Expr, apart: i64, wanted: bool, at: &Known) -> Vec<Known> {
        let number = |expression: &Expr| match self.value(expression, at)?.value_kind() {
            ValueKind::Lit(Literal::Long(number)) => Some(*number),
            _ => None,
        };
        let set_to = |one: &Expr, to: Option<i64>| Some(set(at, &attribute(one)?, Value::new(to?, None)));
        // Not `a < b` is `b <= a`.
        let (low, high, apart) = if wanted { (left, right, apart) } else { (right, left, 1 - apart) };
        let lower = number(high).and_then(|high| set_to(low, high.checked_sub(apart)));
        let higher = number(low).and_then(|low| set_to(high, low.checked_add(apart)));
        [lower, higher].into_iter().flatten().collect()
    }

    fn of_set(&self, set_of: &Expr, changed: &[Value], wanted: bool, at: &Known) -> Option<Known> {
        let name = attribute(set_of)?;
        let mut all = at.context.get(&*name).and_then(elements).unwrap_or_default();
        all.retain(|element| !changed.contains(element));
        if wanted {
            all.extend_from_slice(changed);
        }
        Some(set(at, &name, Value::set(all, None)))
    }

    /// `left in right`.
    fn of_place(&self, left: &Expr, right: &Expr, wanted: bool, at: &Known) -> Vec<Known> {
        let named = self.value(right, at).map(|value| elements(&value).unwrap_or_else(|| vec![value]));
        let named: Vec<EntityUID> = named.unwrap_or_default().iter().filter_map(uid).collect();
        if is_var(left, Var::Principal) && attribute(right).is_none() {
            return match wanted {
                true => named.iter().filter_map(|above| self.placed(at, above)).collect(),
                false => vec![self.taken_out(at, &named)],
            };
        }
        let Some(name) = attribute(right) else { return Vec::new() };
        let Some(entity) = self.value(left, at).as_ref().and_then(uid) else { return Vec::new() };
        let mut own = self.above(&entity, at);
        own.insert(0, entity);
        if !wanted {
            let kept = named.into_iter().filter(|above| !own.contains(above)).map(Literal::from);
            return vec![set(at, &name, Value::set_of_lits(kept, None))];
        }
        let fits = own.into_iter().filter(|above| self.action.declared.takes(&name, above.entity_type(), self.types));
        fits.filter_map(|above| self.of_set(right, &[Value::new(above, None)], true, at)).collect()
    }

    /// What principal or resource is in, in order of the uids.
    fn above(&self, entity: &EntityUID, at: &Known) -> Vec<EntityUID> {
        let slice = self.types.place(at.given.clone());
        let found = [slice.principal, slice.resource].into_iter().find(|known| known.uid() == entity);
        let mut above: Vec<EntityUID> = found.iter().flat_map(|known| known.ancestors().cloned()).collect();
        above.sort_unstable();
        above
    }

    /// The principal in this as well: a role or a tenant, which tokens give.
    fn placed(&self, at: &Known, above: &EntityUID) -> Option<Known> {
        let is = |kind: &str| self.types.get(kind) == Some(above.entity_type());
        let name: &str = AsRef::<str>::as_ref(above.eid());
        let mut known = at.clone();
        if is(ROLE) {
            if let Some(roles) = at.context.get("roles").and_then(elements) {
                let with = roles.into_iter().chain([Value::new(name, None)]);
                known.context.insert("roles".into(), Value::set(with, None));
            }
        } else if is(TENANT) {
            known.context.insert("tenant".into(), Value::new(above.clone(), None));
        } else {
            return None;
        }
        known.given = at.given.with_principal_in(above.clone());
        Some(known)
    }

    /// The principal in none of these, nor in anything that stands in them.
    fn taken_out(&self, at: &Known, named: &[EntityUID]) -> Known {
        let leads = |parent: &EntityUID| {
            named.contains(parent) || self.types.constants.above(parent).any(|above| named.contains(above))
        };
        let mut known = at.clone();
        let gone: Vec<EntityUID> =
            at.given.principal_parents().iter().filter(|parent| leads(parent)).cloned().collect();
        known.given = at.given.without_principal_in(&gone);
        if let Some(roles) = at.context.get("roles").and_then(elements) {
            let names: Vec<Value> = gone.iter().map(|uid| Value::new(AsRef::<str>::as_ref(uid.eid()), None)).collect();
            let kept = roles.into_iter().filter(|role| !names.contains(role));
            known.context.insert("roles".into(), Value::set(kept, None));
        }
        if at.context.get("tenant").and_then(uid).is_some_and(|tenant| gone.contains(&tenant)) {
            known.context.remove("tenant");
        }
        known
    }
}

/// The facts with another value of an attribute, which is known then.
fn set(at: &Known, name: &str, value: Value) -> Known {
    let mut known = at.clone();
    known.unknown.remove(name);
    known.context.insert(name.into(), value);
    known
}

fn without(at: &Known, name: &str) -> Known {
    let mut known = at.clone();
    known.unknown.remove(name);
    known.context.remove(name);
    known
}

/// The attribute that an expression reads or asks for: `context.a`, `context.request.b`, `context has a`.
pub(super) fn attribute(expression: &Expr) -> Option<String> {
    let (left, first, second) = access(expression)?;
    match second {
        None if is_request(left) => Some(format!("request.{first}")),
        None if is_context(left) && first != "request" => Some(first.to_owned()),
        Some(second) if is_context(left) && first == "request" => Some(format!("request.{second}")),
        _ => None,
    }
}

fn elements(value: &Value) -> Option<Vec<Value>> {
    match value.value_kind() {
        ValueKind::Set(set) => Some(set.iter().cloned().collect()),
        ValueKind::Lit(_) | ValueKind::Record(_) | ValueKind::ExtensionValue(_) => None,
    }
}

fn uid(value: &Value) -> Option<EntityUID> {
    match value.value_kind() {
        ValueKind::Lit(Literal::EntityUID(uid)) => Some((**uid).clone()),
        _ => None,
    }
}
