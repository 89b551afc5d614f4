//! What a policy can read of the context, told from its text: what nobody reads is neither built nor recorded.

use cedar_policy_core::ast::Expr;
use cedar_policy_core::ast::ExprKind;
use cedar_policy_core::ast::Var;
use std::collections::BTreeSet;

/// The attributes of `context` that stand in some policies.
#[derive(Default)]
pub(super) struct Footprint {
    /// Some policy takes the context as a whole, so it may read anything.
    whole: bool,
    /// Some policy takes `context.request` as a whole.
    whole_request: bool,
    names: BTreeSet<String>,
    request: BTreeSet<String>,
}

impl Footprint {
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

/// `left.first`, `left has first`, `left has first.second`.
fn access(node: &Expr) -> Option<(&Expr, &str, Option<&str>)> {
    match node.expr_kind() {
        ExprKind::GetAttr { expr, attr } | ExprKind::HasAttr { expr, attr } => Some((expr, attr, None)),
        ExprKind::ExtHasAttr { expr, attrs } => {
            Some((expr, attrs.first(), attrs.iter().nth(1).map(|second| second.as_str())))
        }
        _ => None,
    }
}

fn is_context(node: &Expr) -> bool {
    matches!(node.expr_kind(), ExprKind::Var(Var::Context))
}

fn is_request(node: &Expr) -> bool {
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
}
