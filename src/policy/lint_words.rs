//! What one policy says that somebody should look at: who it means, and what of it can never be so.

use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::diagnostic::nearest;
use crate::policy::entities::BARRIER;
use crate::policy::entities::DOOR;
use crate::policy::entities::GATEWAY;
use crate::policy::entities::GATEWAY_ID;
use crate::policy::entities::HOUSE;
use crate::policy::entities::PARTNER;
use crate::policy::entities::USER;
use crate::policy::lint::Surroundings;
use cedar_policy_core::ast::BinaryOp;
use cedar_policy_core::ast::Effect;
use cedar_policy_core::ast::EntityReference;
use cedar_policy_core::ast::EntityUID;
use cedar_policy_core::ast::Expr;
use cedar_policy_core::ast::ExprKind;
use cedar_policy_core::ast::Literal;
use cedar_policy_core::ast::Policy;
use cedar_policy_core::ast::PrincipalOrResourceConstraint;
use cedar_policy_core::ast::UnaryOp;
use cedar_policy_core::ast::Var;
use cedar_policy_core::parser::Loc;
use std::collections::BTreeSet;

/// The attributes of `context` that tell who asks, or what they may.
const ABOUT_WHO: &[&str] = &[
    "clientId",
    "device",
    "grantedBarriers",
    "grantedDoors",
    "grantedHouses",
    "houses",
    "issuer",
    "peer",
    "roles",
    "scopes",
    "tenant",
];

/// The kinds of session, as `context.tokenKind` tells them.
const TOKEN_KINDS: &[&str] = &["session", "sign-in"];

/// Looks at one policy.
pub(super) fn examine(
    policy: &Policy,
    source: &Source,
    known: &Surroundings<'_>,
    attributes: &BTreeSet<String>,
    found: &mut Diagnostics,
) {
    let look = Look { policy, source };
    look.everyone(found);
    look.absent(found);
    let scope = [policy.principal_constraint().as_inner().clone(), policy.resource_constraint().as_inner().clone()];
    for uid in scope.iter().filter_map(named) {
        look.nobody(uid, None, known, found);
    }
    for node in policy.non_scope_constraints().into_iter().flat_map(Expr::subexpressions) {
        match node.expr_kind() {
            ExprKind::Lit(Literal::EntityUID(uid)) => look.nobody(uid, node.source_loc(), known, found),
            ExprKind::BinaryApp { op: BinaryOp::Eq, arg1, arg2 } => {
                look.never_equal(node, arg1, arg2, known, found);
                look.never_equal(node, arg2, arg1, known, found);
            }
            _ => {}
        }
        if let Some((name, loc)) = has_attribute(node).filter(|(name, _)| !attributes.contains(*name)) {
            look.never_there(name, loc, attributes, found);
        }
    }
}

struct Look<'a> {
    policy: &'a Policy,
    source: &'a Source,
}

impl Look<'_> {
    fn place(&self, loc: Option<&Loc>) -> Place {
        let loc = loc.or_else(|| self.policy.loc());
        loc.map_or(Place::WHOLE, |loc| self.source.place_of(loc.span.offset()))
    }

    /// A permit that asks nothing of who asks.
    fn everyone(&self, found: &mut Diagnostics) {
        let anyone = matches!(
            self.policy.principal_constraint().as_inner(),
            PrincipalOrResourceConstraint::Any | PrincipalOrResourceConstraint::Is(_)
        );
        let mut conditions = self.policy.non_scope_constraints().into_iter().flat_map(Expr::subexpressions);
        if self.policy.effect() != Effect::Permit || !anyone || conditions.any(is_about_who) {
            return;
        }
        let message = format!("the permit `{}` asks nothing of who asks: it holds for everyone", self.policy.id());
        let help = "name a role (`principal in …::Role::\"…\"`), or ask for a right (`context.grantedDoors.contains(resource)`)";
        found.push(self.source.fault("grants-everyone", self.place(None), message).as_lint().help(help));
    }

    /// A permit with `unless` whose condition is false where an attribute is absent, so that the permit holds then.
    fn absent(&self, found: &mut Diagnostics) {
        if self.policy.effect() != Effect::Permit {
            return;
        }
        for node in self.policy.non_scope_constraints().into_iter().flat_map(Expr::subexpressions) {
            let ExprKind::UnaryApp { op: UnaryOp::Not, arg } = node.expr_kind() else { continue };
            let conjuncts = conjuncts(arg);
            let asks = conjuncts.iter().find_map(|one| has_attribute(one));
            let (Some((attribute, loc)), true) = (asks, conjuncts.len() > 1) else { continue };
            let message = format!(
                "the permit `{}` holds also where `context.{attribute}` is absent: `unless` is then about nothing",
                self.policy.id()
            );
            let help = format!("write `when {{ context has {attribute} && … }}` with what must be so");
            found.push(self.source.fault("unless-absent", self.place(loc), message).as_lint().help(help));
        }
    }

    /// An entity that the gateway never makes.
    fn nobody(&self, uid: &EntityUID, loc: Option<&Loc>, known: &Surroundings<'_>, found: &mut Diagnostics) {
        let (kind, id) = (uid.entity_type().name().basename().to_string(), uid.eid().as_ref().to_owned());
        let spelt = |parts: &str| format!("it is spelt {parts}, each part with its length: see docs/bundle.md");
        let help = match kind.as_str() {
            PARTNER if !known.partners.contains(&id.as_str()) => match nearest(&id, known.partners.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are contracts with {}", list(&known.partners)),
            },
            GATEWAY if id != GATEWAY_ID => format!("the gateway is `{GATEWAY_ID}`"),
            USER if parts(&id) != Some(3) => spelt("issuer, tenant, subject"),
            HOUSE if parts(&id) != Some(3) => spelt("partner, tenant, house"),
            DOOR | BARRIER if parts(&id) != Some(4) => spelt("partner, tenant, house and the thing itself"),
            _ => return,
        };
        let message = format!("the policy `{}` names `{uid}`, and nothing is ever called that", self.policy.id());
        let place = self.place(loc.or_else(|| uid.loc()));
        found.push(self.source.fault("names-nobody", place, message).as_lint().help(help));
    }

    /// A question for an attribute that no action has: Cedar takes it, and the answer is always no.
    fn never_there(&self, name: &str, loc: Option<&Loc>, attributes: &BTreeSet<String>, found: &mut Diagnostics) {
        let message = format!("no action has `context.{name}`, so `has` is always false here");
        let lint = self.source.fault("has-unknown", self.place(loc), message).as_lint();
        found.push(match nearest(name, attributes.iter().map(String::as_str)) {
            Some(near) => lint.help(format!("did you mean `{near}`?")),
            None => lint.help("declare it in the schema, or take the question out"),
        });
    }

    /// A comparison with a word that the attribute never is.
    fn never_equal(
        &self,
        node: &Expr,
        attribute: &Expr,
        word: &Expr,
        known: &Surroundings<'_>,
        found: &mut Diagnostics,
    ) {
        let (Some(name), ExprKind::Lit(Literal::String(word))) = (attribute_of_context(attribute), word.expr_kind())
        else {
            return;
        };
        let words: &[&str] = match name {
            "tokenKind" => TOKEN_KINDS,
            "purpose" => &known.purposes,
            _ => return,
        };
        if words.contains(&word.as_str()) {
            return;
        }
        let message = format!("`context.{name}` is never `{word}`");
        let lint = self.source.fault("never-equal", self.place(node.source_loc()), message).as_lint();
        found.push(match nearest(word, words.iter().copied()) {
            Some(near) => lint.help(format!("did you mean `{near}`?")),
            None => lint.help(format!("it is one of {}", list(words))),
        });
    }
}

fn is_about_who(node: &Expr) -> bool {
    matches!(node.expr_kind(), ExprKind::Var(Var::Principal))
        || attribute_of_context(node).is_some_and(|name| ABOUT_WHO.contains(&name))
}

/// The parts of an `&&`, in their order.
fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    match expr.expr_kind() {
        ExprKind::And { left, right } => [conjuncts(left), conjuncts(right)].concat(),
        _ => vec![expr],
    }
}

/// `context.name`
fn attribute_of_context(expr: &Expr) -> Option<&str> {
    match expr.expr_kind() {
        ExprKind::GetAttr { expr, attr } if is_context(expr) => Some(attr),
        _ => None,
    }
}

/// `context has name`
fn has_attribute(expr: &Expr) -> Option<(&str, Option<&Loc>)> {
    match expr.expr_kind() {
        ExprKind::HasAttr { expr: left, attr } if is_context(left) => Some((attr, expr.source_loc())),
        _ => None,
    }
}

fn is_context(expr: &Expr) -> bool {
    matches!(expr.expr_kind(), ExprKind::Var(Var::Context))
}

/// The entity that a scope's constraint names.
fn named(constraint: &PrincipalOrResourceConstraint) -> Option<&EntityUID> {
    match constraint {
        PrincipalOrResourceConstraint::Eq(reference)
        | PrincipalOrResourceConstraint::In(reference)
        | PrincipalOrResourceConstraint::IsIn(_, reference) => match reference {
            EntityReference::EUID(uid) => Some(uid),
            EntityReference::Slot(_) => None,
        },
        PrincipalOrResourceConstraint::Any | PrincipalOrResourceConstraint::Is(_) => None,
    }
}

/// How many netstrings an id consists of; `None` where it is anything else.
fn parts(id: &str) -> Option<usize> {
    let (mut rest, mut count) = (id, 0);
    while !rest.is_empty() {
        let (length, text) = rest.split_once(':')?;
        let length: usize = length.parse().ok()?;
        rest = text.get(length..)?.strip_prefix(',')?;
        count += 1;
    }
    Some(count)
}

fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
