//! The changes that make mutants of one policy; `mutants.rs` lists them and says what becomes of each.

use crate::policy::Clause;
use crate::policy::PolicyText;
use crate::policy::mutants::Change;
use crate::policy::mutants::Made;
use cedar_policy_core::ast::ActionConstraint;
use cedar_policy_core::ast::BinaryOp;
use cedar_policy_core::ast::EntityReference;
use cedar_policy_core::ast::Expr;
use cedar_policy_core::ast::ExprKind;
use cedar_policy_core::ast::Literal;
use cedar_policy_core::ast::PrincipalConstraint;
use cedar_policy_core::ast::PrincipalOrResourceConstraint as Constraint;
use cedar_policy_core::ast::ResourceConstraint;
use cedar_policy_core::ast::UnaryOp;

/// Every change of a policy.
pub(super) fn changes_of(text: &PolicyText) -> Vec<Change> {
    let mut found = Vec::new();
    let effect = if text.forbids { "forbid" } else { "permit" };
    let whole = Clause { text: effect.to_owned(), place: text.place };
    let mut add = |clause: &Clause, change: &str, wants: String, made| {
        found.push(Change { clause: clause.clone(), change: change.to_owned(), wants, made });
    };
    let decides = format!("a case that `{}` decides, and that expects it", text.id);
    add(&whole, "the policy is taken out", decides.clone(), Made::Gone);
    add(&whole, "`permit` and `forbid` exchanged", decides, Made::Flipped);
    let [principal, action, resource] = &text.scope;
    let outside = |clause: &Clause| format!("a case outside `{}` that meets the rest of `{}`", clause.text, text.id);
    for (change, constraint) in scope_changes(text.policy.principal_constraint().as_inner()) {
        add(principal, change, outside(principal), Made::Principal(PrincipalConstraint::new(constraint)));
    }
    for (change, constraint) in action_changes(text.policy.action_constraint()) {
        let wants = match constraint {
            ActionConstraint::In(_) if change.contains("taken out of the list") => {
                format!("a case of the action that `{}` decides, and that expects it", text.id)
            }
            _ => outside(action),
        };
        add(action, &change, wants, Made::Action(constraint));
    }
    for (change, constraint) in scope_changes(text.policy.resource_constraint().as_inner()) {
        add(resource, change, outside(resource), Made::Resource(ResourceConstraint::new(constraint)));
    }
    for (index, (leaf, clause)) in text.leaves.iter().zip(&text.clauses).enumerate() {
        for (change, wants, changed) in leaf_changes(leaf, &clause.text) {
            let mut leaves = text.leaves.clone();
            if let Some(place) = leaves.get_mut(index) {
                *place = changed;
            }
            add(clause, &change, wants, Made::Condition(text.tree.join(&leaves)));
        }
    }
    found
}

fn scope_changes(constraint: &Constraint) -> Vec<(&'static str, Constraint)> {
    match constraint {
        Constraint::Any => Vec::new(),
        Constraint::Is(_) => vec![("taken out", Constraint::Any)],
        Constraint::In(_) => vec![("taken out", Constraint::Any)],
        Constraint::Eq(reference) => {
            let mut all = vec![("`==` becomes `in`", Constraint::In(reference.clone()))];
            if let EntityReference::EUID(uid) = reference {
                all.push(("any of its type", Constraint::Is(uid.entity_type().clone().into())));
            }
            all.push(("taken out", Constraint::Any));
            all
        }
        Constraint::IsIn(kind, reference) => vec![
            ("what it is `in` taken out", Constraint::Is(kind.clone())),
            ("the type taken out", Constraint::In(reference.clone())),
            ("taken out", Constraint::Any),
        ],
    }
}

fn action_changes(constraint: &ActionConstraint) -> Vec<(String, ActionConstraint)> {
    match constraint {
        ActionConstraint::Any => Vec::new(),
        ActionConstraint::Eq(uid) => vec![
            ("`==` becomes `in`".to_owned(), ActionConstraint::In(vec![uid.clone()])),
            ("taken out".to_owned(), ActionConstraint::Any),
        ],
        ActionConstraint::In(uids) => {
            let mut all = Vec::new();
            if uids.len() > 1 {
                for (index, uid) in uids.iter().enumerate() {
                    let others = uids.iter().enumerate().filter(|(other, _)| *other != index);
                    let others = others.map(|(_, uid)| uid.clone()).collect();
                    let change = format!("`{}` taken out of the list", uid.eid().escaped());
                    all.push((change, ActionConstraint::In(others)));
                }
            }
            all.push(("taken out".to_owned(), ActionConstraint::Any));
            all
        }
    }
}

/// Changes of one clause: in words, what a case must bring, and what it becomes.
fn leaf_changes(leaf: &Expr, text: &str) -> Vec<(String, String, Expr)> {
    let when = |truth: &str| format!("a case in which `{text}` is {truth} and that alone decides");
    let mut all = vec![
        ("always true".to_owned(), when("false"), Expr::val(true)),
        ("always false".to_owned(), when("true"), Expr::val(false)),
        ("turned round".to_owned(), format!("a case that `{text}` decides"), Expr::not(leaf.clone())),
    ];
    // `a > b` and `a >= b` are the `!` of their opposites.
    let (inner, is_turned) = match leaf.expr_kind() {
        ExprKind::UnaryApp { op: UnaryOp::Not, arg } => (&**arg, true),
        _ => (leaf, false),
    };
    let again = |inner: Expr| if is_turned { Expr::not(inner) } else { inner };
    let ExprKind::BinaryApp { op, arg1, arg2 } = inner.expr_kind() else { return all };
    let at_the_edge = || format!("a case at the edge of `{text}`: with the very number, and with one beside it");
    let exchanged = match op {
        BinaryOp::Less => Some((BinaryOp::LessEq, if is_turned { "`>=` becomes `>`" } else { "`<` becomes `<=`" })),
        BinaryOp::LessEq => Some((BinaryOp::Less, if is_turned { "`>` becomes `>=`" } else { "`<=` becomes `<`" })),
        _ => None,
    };
    if let Some((other, change)) = exchanged {
        let changed = Expr::binary_app(other, (**arg1).clone(), (**arg2).clone());
        all.push((change.to_owned(), at_the_edge(), again(changed)));
    }
    if matches!(op, BinaryOp::Less | BinaryOp::LessEq | BinaryOp::Eq) {
        for by in [1, -1] {
            let moved = |side: &Expr| match side.expr_kind() {
                ExprKind::Lit(Literal::Long(n)) => n.checked_add(by).map(|moved| (*n, moved)),
                _ => None,
            };
            let (left, right) = (moved(arg1), moved(arg2));
            for (number, sides) in [
                (left, left.map(|(_, moved)| (Expr::val(moved), (**arg2).clone()))),
                (right, right.map(|(_, moved)| ((**arg1).clone(), Expr::val(moved)))),
            ] {
                if let (Some((was, is)), Some((left, right))) = (number, sides) {
                    let changed = Expr::binary_app(*op, left, right);
                    all.push((format!("`{was}` becomes `{is}`"), at_the_edge(), again(changed)));
                }
            }
        }
    }
    if let Some((change, changed)) = set_change(*op, arg1, arg2) {
        all.push((change.to_owned(), format!("a case in which `{text}` would be true if {change}"), again(changed)));
    }
    all
}

fn set_change(op: BinaryOp, left: &Expr, right: &Expr) -> Option<(&'static str, Expr)> {
    let (left_copy, right_copy) = (left.clone(), right.clone());
    match op {
        BinaryOp::Contains => Some(("any element would do", Expr::not(Expr::is_empty(left_copy)))),
        BinaryOp::ContainsAll => Some(("any of them would do", Expr::contains_any(left_copy, right_copy))),
        BinaryOp::ContainsAny => Some(("all of them were wanted", Expr::contains_all(left_copy, right_copy))),
        BinaryOp::In => match right.expr_kind() {
            ExprKind::Lit(_) => Some(("`in` were `==`", Expr::is_eq(left_copy, right_copy))),
            _ => Some(("`in` were `contains`", Expr::contains(right_copy, left_copy))),
        },
        _ => None,
    }
}
