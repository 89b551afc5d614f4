//! What a policy can read, told from its text: of the context, and of what the principal and the resource are in. What nobody
//! reads is neither built nor recorded.

use cedar_policy_core::ast::BinaryOp;
use cedar_policy_core::ast::EntityUID;
use cedar_policy_core::ast::Expr;
use cedar_policy_core::ast::ExprKind;
use cedar_policy_core::ast::Literal;
use cedar_policy_core::ast::Var;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The attributes of `context` that stand in some policies.
#[derive(Default)]
pub(super) struct Footprint {
    /// Some policy takes the context as a whole, so it may read anything.
    whole: bool,
    /// Some policy takes `context.request` as a whole.
    whole_request: bool,
    names: BTreeSet<String>,
    request: BTreeSet<String>,
    principal: Above,
    resource: Above,
}

/// What policies ask of one entity: whether it is in this or that (`in`), or in something that only a question tells.
#[derive(Clone, Default)]
pub(super) struct Above {
    /// In something that does not stand in the policy's text.
    any: bool,
    named: BTreeSet<EntityUID>,
}

impl Footprint {
    /// That of a policy that reads all there is.
    pub(super) fn everything() -> Self {
        Self { whole: true, ..Self::default() }
    }

    /// Adds what `condition` can read.
    pub(super) fn add(&mut self, condition: &Expr) {
        // Each `context` is either the left side of a named access or stands for the whole record: count both.
        let (mut contexts, mut named) = (0_usize, 0_usize);
        let (mut requests, mut inside) = (0_usize, 0_usize);
        for node in condition.subexpressions() {
            if is_context(node) {
                contexts += 1;
            }
            if is_request(node) {
                requests += 1;
            }
            if let Some((left, first, second)) = access(node) {
                if is_context(left) {
                    named += 1;
                    self.names.insert(first.to_owned());
                    if first == "request" && !is_request(node) {
                        // `context has request`, `context has request.name`
                        self.request.extend(second.map(str::to_owned));
                    }
                } else if is_request(left) {
                    inside += 1;
                    self.request.insert(first.to_owned());
                }
            }
        }
        self.whole |= contexts > named;
        self.whole_request |= requests > inside;
        self.principal.add(condition, Var::Principal);
        self.resource.add(condition, Var::Resource);
    }

    /// What is asked of the principal and of the resource, each with its name in a record.
    pub(super) fn above(self) -> [(Arc<str>, Above); 2] {
        [(Arc::from("principal.in"), self.principal), (Arc::from("resource.in"), self.resource)]
    }

    /// Whether a policy can read `context.<name>`.
    pub(super) fn reads(&self, name: &str) -> bool {
        self.whole || self.names.contains(name)
    }

    /// Whether a policy can read `context.request.<name>`.
    pub(super) fn reads_request(&self, name: &str) -> bool {
        self.whole || self.whole_request || self.request.contains(name)
    }
}

impl Above {
    /// Whether any policy asks what the entity is in.
    pub(super) fn is_asked(&self) -> bool {
        self.any || !self.named.is_empty()
    }

    /// Whether a policy can tell if the entity is in this one.
    pub(super) fn reads(&self, above: &EntityUID) -> bool {
        self.any || self.named.contains(above)
    }

    /// Adds what `condition` asks of `entity`. An entity has no attributes, so there is nothing else to read of it.
    fn add(&mut self, condition: &Expr, entity: Var) {
        for node in condition.subexpressions() {
            let ExprKind::BinaryApp { op: BinaryOp::In, arg1, arg2 } = node.expr_kind() else { continue };
            let names = |left: &Expr| left.subexpressions().any(|node| is_var(node, entity));
            match (is_var(arg1, entity), literals(arg2)) {
                (true, Some(uids)) => self.named.extend(uids),
                (true, None) => self.any = true,
                // `(if … then principal else …) in …`
                (false, _) => self.any |= names(arg1),
            }
        }
    }
}

/// The entities on the right side of an `in`, if they all stand there.
pub(super) fn literals(right: &Expr) -> Option<Vec<EntityUID>> {
    let literal = |node: &Expr| match node.expr_kind() {
        ExprKind::Lit(Literal::EntityUID(uid)) => Some(uid.as_ref().clone()),
        _ => None,
    };
    match right.expr_kind() {
        ExprKind::Set(elements) => elements.iter().map(literal).collect(),
        _ => literal(right).map(|uid| vec![uid]),
    }
}

pub(super) fn is_var(node: &Expr, var: Var) -> bool {
    matches!(node.expr_kind(), ExprKind::Var(found) if *found == var)
}

/// `left.first`, `left has first`, `left has first.second`.
pub(super) fn access(node: &Expr) -> Option<(&Expr, &str, Option<&str>)> {
    match node.expr_kind() {
        ExprKind::GetAttr { expr, attr } | ExprKind::HasAttr { expr, attr } => Some((expr, attr, None)),
        ExprKind::ExtHasAttr { expr, attrs } => {
            Some((expr, attrs.first(), attrs.iter().nth(1).map(|second| second.as_str())))
        }
        _ => None,
    }
}

pub(super) fn is_context(node: &Expr) -> bool {
    matches!(node.expr_kind(), ExprKind::Var(Var::Context))
}

pub(super) fn is_request(node: &Expr) -> bool {
    matches!(node.expr_kind(), ExprKind::GetAttr { expr, attr } if attr == "request" && is_context(expr))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (bool, Vec<String>, bool, Vec<String>) {
        let mut found = Footprint::default();
        found.add(&text.parse().unwrap());
        let list = |names: BTreeSet<String>| names.into_iter().collect();
        (found.whole, list(found.names), found.whole_request, list(found.request))
    }

    #[test]
    fn attributes_that_are_named_are_found_wherever_they_stand() {
        let text = "if context.a == 1 then [context.b].contains(2) else {x: context has c}.x";
        assert_eq!(read(text), (false, vec!["a".into(), "b".into(), "c".into()], false, vec![]));
    }

    #[test]
    fn values_of_the_request_are_told_apart() {
        let text = "context.request has x && context.request.x == context.request.y";
        assert_eq!(read(text), (false, vec!["request".into()], false, vec!["x".into(), "y".into()]));
        assert_eq!(read("context has request.z"), (false, vec!["request".into()], false, vec!["z".into()]));
        assert_eq!(read("context has request"), (false, vec!["request".into()], false, vec![]));
    }

    #[test]
    fn a_context_or_a_request_as_a_whole_reads_everything() {
        assert!(read("context == {a: 1}").0);
        assert!(read("[context.a, 1].contains(1) && {c: context}.c.a == 1").0);
        let (whole, _, whole_request, _) = read("context.request == {x: 1}");
        assert!(!whole && whole_request);
    }

    #[test]
    fn what_an_entity_is_in_is_asked_of_those_that_are_named_or_of_all() {
        let asked = |text: &str| {
            let mut found = Footprint::default();
            found.add(&text.parse().unwrap());
            found.above().map(|(_, above)| {
                (above.any, above.named.iter().map(|uid| uid.eid().escaped().to_string()).collect::<Vec<_>>())
            })
        };
        let none = (false, vec![]);
        let named = |names: &[&str]| (false, names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(asked("principal == User::\"a\" && resource is Door"), [none.clone(), none.clone()]);
        let text = "principal is User in Role::\"b\" || principal in [Role::\"a\", Tenant::\"c\"]";
        assert_eq!(asked(text), [named(&["a", "b", "c"]), none.clone()]);
        let any = (true, vec![]);
        assert_eq!(asked("resource in context.houses"), [none.clone(), any.clone()]);
        assert_eq!(asked("principal in [Role::\"a\", context.role]"), [any.clone(), none.clone()]);
        assert_eq!(asked("(if context.a then principal else resource) in Role::\"a\""), [any.clone(), any.clone()]);
        assert_eq!(asked("context.tenant in Tenant::\"a\""), [none.clone(), none]);
    }
}
