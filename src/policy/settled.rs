//! What is settled before any question is asked: by the schema, by the contracts, by the clocks. A condition is reduced under
//! it, so that two policies which no question can tell apart become one text.
//!
//! Reducing never changes what a condition says of any question that can be asked in a [`Setting`]; where that is not plain,
//! the condition stays as it is. Then two policies may count as different that are not, and never the other way round.

use crate::policy::entities::PARTNER;
use crate::policy::own::OWN_ACTIONS;
use crate::policy::own::OwnAction;
use crate::policy::policies::literal_truth;
use cedar_policy_core::ast::BinaryOp;
use cedar_policy_core::ast::Eid;
use cedar_policy_core::ast::EntityType;
use cedar_policy_core::ast::EntityUID;
use cedar_policy_core::ast::Expr;
use cedar_policy_core::ast::ExprKind;
use cedar_policy_core::ast::Literal;
use cedar_policy_core::ast::UnaryOp;
use cedar_policy_core::ast::Var;
use cedar_policy_core::entities::Entities;
use cedar_policy_core::validator::ValidatorActionId;
use cedar_policy_core::validator::ValidatorSchema;
use cedar_policy_core::validator::types::Type;

/// What is fixed for one operation, one event, or one path of the gateway's own. `None` where nothing is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Setting {
    /// The action.
    pub action: String,
    /// The type of who asks, without namespace.
    pub principal: String,
    /// The type of the resource, without namespace.
    pub resource: String,
    /// The partner.
    pub partner: Option<String>,
    /// What the contract says it is for.
    pub purpose: Option<String>,
    /// Whether no token but a session's comes this far.
    pub sessions_only: bool,
    /// The greatest age of a command that comes this far, in seconds.
    pub max_age_s: Option<u64>,
}

/// One setting, with what its schema says.
pub(super) struct Settled<'a> {
    schema: &'a ValidatorSchema,
    action: &'a ValidatorActionId,
    groups: &'a Entities,
    principal: EntityType,
    resource: EntityType,
    setting: &'a Setting,
}

impl Setting {
    /// The settings of the gateway's own paths.
    #[must_use]
    pub fn own() -> Vec<Self> {
        let of = |own: &OwnAction, resource: &str| Self {
            action: own.name.to_owned(),
            principal: own.principal.to_owned(),
            resource: resource.to_owned(),
            ..Self::default()
        };
        OWN_ACTIONS.iter().flat_map(|own| own.resources.iter().map(move |resource| of(own, resource))).collect()
    }

    /// The same without what the contracts fix.
    pub(super) fn by_schema_alone(&self) -> Self {
        let Self { action, principal, resource, .. } = self.clone();
        Self { action, principal, resource, ..Self::default() }
    }
}

impl<'a> Settled<'a> {
    /// `None` where the schema has no such question.
    pub(super) fn new(schema: &'a ValidatorSchema, groups: &'a Entities, setting: &'a Setting) -> Option<Self> {
        let is_named = |id: &&ValidatorActionId| AsRef::<str>::as_ref(id.name().eid()) == setting.action;
        let action = schema.action_ids().find(is_named)?;
        let of =
            |name: &str| schema.entity_type_names().find(|kind| kind.name().basename().to_string() == name).cloned();
        let (principal, resource) = (of(&setting.principal)?, of(&setting.resource)?);
        let applies = action.is_applicable_principal_type(&principal) && action.is_applicable_resource_type(&resource);
        applies.then_some(Self { schema, action, groups, principal, resource, setting })
    }

    /// The condition as it is here.
    pub(super) fn reduce(&self, condition: &Expr) -> Expr {
        match condition.expr_kind() {
            ExprKind::And { left, right } => self.and(self.reduce(left), || self.reduce(right)),
            ExprKind::Or { left, right } => not(self.and(not(self.reduce(left)), || not(self.reduce(right)))),
            ExprKind::UnaryApp { op: UnaryOp::Not, arg } => not(self.reduce(arg)),
            ExprKind::UnaryApp { op, arg } => Expr::unary_app(*op, self.reduce(arg)),
            ExprKind::If { test_expr, then_expr, else_expr } => {
                let test = self.reduce(test_expr);
                match literal_truth(&test) {
                    Some(true) => self.reduce(then_expr),
                    Some(false) => self.reduce(else_expr),
                    None => Expr::ite(test, self.reduce(then_expr), self.reduce(else_expr)),
                }
            }
            ExprKind::BinaryApp { op, arg1, arg2 } => self.binary(*op, &self.reduce(arg1), &self.reduce(arg2)),
            ExprKind::Is { expr, entity_type } => match self.kind(expr) {
                Some(kind) => Expr::val(kind == entity_type),
                None => condition.clone(),
            },
            ExprKind::HasAttr { expr, attr } if is_context(expr) => match self.declared(attr) {
                Some(true) => Expr::val(true),
                Some(false) => condition.clone(),
                None => Expr::val(false),
            },
            ExprKind::GetAttr { expr, attr } if is_context(expr) => {
                self.fixed(attr).unwrap_or_else(|| condition.clone())
            }
            _ => condition.clone(),
        }
    }

    fn binary(&self, op: BinaryOp, left: &Expr, right: &Expr) -> Expr {
        let as_it_is = || Expr::binary_app(op, left.clone(), right.clone());
        match op {
            BinaryOp::Eq => self.equal(left, right).map_or_else(as_it_is, Expr::val),
            BinaryOp::In => self.within(left, right).unwrap_or_else(as_it_is),
            // Numbers are whole: `x <= 5` is `x < 6`, and so each comparison with a literal is a `<`.
            BinaryOp::LessEq => match (long(left), long(right)) {
                (_, Some(n)) if n < i64::MAX => self.less(left, &Expr::val(n + 1)),
                (Some(n), _) if n > i64::MIN => self.less(&Expr::val(n - 1), right),
                _ => as_it_is(),
            },
            BinaryOp::Less => self.less(left, right),
            _ => as_it_is(),
        }
    }

    fn less(&self, left: &Expr, right: &Expr) -> Expr {
        let known = match (self.range(left), self.range(right)) {
            (Some((_, high)), Some((low, _))) if high < low => Some(true),
            (Some((low, _)), Some((_, high))) if low >= high => Some(false),
            _ => None,
        };
        known.map_or_else(|| Expr::less(left.clone(), right.clone()), Expr::val)
    }

    fn equal(&self, left: &Expr, right: &Expr) -> Option<bool> {
        match (left.expr_kind(), right.expr_kind()) {
            (ExprKind::Lit(left), ExprKind::Lit(right)) => Some(left == right),
            (ExprKind::Var(Var::Action), ExprKind::Lit(Literal::EntityUID(uid)))
            | (ExprKind::Lit(Literal::EntityUID(uid)), ExprKind::Var(Var::Action)) => {
                Some(**uid == *self.action.name())
            }
            (ExprKind::Var(Var::Principal), ExprKind::Lit(Literal::EntityUID(uid)))
            | (ExprKind::Lit(Literal::EntityUID(uid)), ExprKind::Var(Var::Principal))
                if self.principal_id().is_some() && *uid.entity_type() == self.principal =>
            {
                Some(self.principal_id() == Some(AsRef::<str>::as_ref(uid.eid())))
            }
            (_, ExprKind::Lit(Literal::EntityUID(uid))) => {
                self.kind(left).is_some_and(|kind| kind != uid.entity_type()).then_some(false)
            }
            (ExprKind::Lit(Literal::EntityUID(uid)), _) => {
                self.kind(right).is_some_and(|kind| kind != uid.entity_type()).then_some(false)
            }
            _ => None,
        }
    }

    fn within(&self, left: &Expr, right: &Expr) -> Option<Expr> {
        let literal = |node: &Expr| match node.expr_kind() {
            ExprKind::Lit(Literal::EntityUID(uid)) => Some((**uid).clone()),
            _ => None,
        };
        let groups: Vec<EntityUID> = match right.expr_kind() {
            ExprKind::Set(elements) => elements.iter().map(literal).collect::<Option<_>>()?,
            _ => vec![literal(right)?],
        };
        if matches!(left.expr_kind(), ExprKind::Var(Var::Action)) {
            return Some(Expr::val(groups.iter().any(|group| self.acts_within(group))));
        }
        let kind = self.kind(left)?;
        let may_hold = |group: &&EntityUID| {
            group.entity_type() == kind
                || self
                    .schema
                    .get_entity_type(group.entity_type())
                    .is_some_and(|known| known.descendants.contains(kind))
        };
        let possible: Vec<&EntityUID> = groups.iter().filter(may_hold).collect();
        // What nothing stands in holds itself alone.
        let holds_itself_alone = |group: &EntityUID| {
            let known = self.schema.get_entity_type(group.entity_type());
            group.entity_type() == kind && known.is_some_and(|known| !known.descendants.contains(kind))
        };
        match possible.as_slice() {
            [] => Some(Expr::val(false)),
            [only] if holds_itself_alone(only) => Some(self.binary(BinaryOp::Eq, left, &Expr::val((*only).clone()))),
            [only] => Some(Expr::is_in(left.clone(), Expr::val((*only).clone()))),
            _ => None,
        }
    }

    fn acts_within(&self, group: &EntityUID) -> bool {
        let own = self.action.name();
        group == own || self.groups.iter().any(|known| known.uid() == own && known.is_descendant_of(group))
    }

    /// `left && right`, reduced; `right` is not looked at where it cannot matter.
    fn and(&self, left: Expr, right: impl FnOnce() -> Expr) -> Expr {
        match literal_truth(&left) {
            Some(true) => right(),
            Some(false) => left,
            None => {
                let right = right();
                match literal_truth(&right) {
                    Some(true) => left,
                    Some(false) if !self.may_err(&left) => right,
                    _ => chain(left, right),
                }
            }
        }
    }

    /// Whether a condition that was validated strictly can err all the same: by arithmetic, or by a function.
    fn may_err(&self, condition: &Expr) -> bool {
        condition.subexpressions().any(|node| match node.expr_kind() {
            ExprKind::BinaryApp { op, .. } => {
                matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::GetTag)
            }
            ExprKind::UnaryApp { op, .. } => matches!(op, UnaryOp::Neg),
            // An optional attribute errs where it is absent; what guards it may have been reduced away.
            ExprKind::GetAttr { expr, attr } => !is_context(expr) || self.declared(attr) != Some(true),
            ExprKind::ExtensionFunctionApp { .. } => true,
            _ => false,
        })
    }

    /// Who asks, where that is one alone: the partner itself, which tells its own events and no others.
    fn principal_id(&self) -> Option<&str> {
        let is_partner = self.principal.name().basename().to_string() == PARTNER;
        self.setting.partner.as_deref().filter(|_| is_partner)
    }

    /// The type of the principal or the resource.
    fn kind(&self, expr: &Expr) -> Option<&EntityType> {
        match expr.expr_kind() {
            ExprKind::Var(Var::Principal) => Some(&self.principal),
            ExprKind::Var(Var::Resource) => Some(&self.resource),
            _ => None,
        }
    }

    /// Whether an attribute of the context is always there; `None` if it never is.
    fn declared(&self, name: &str) -> Option<bool> {
        let Some(Type::Record { attrs, .. }) = self.action.context_type() else { return Some(false) };
        attrs.get_attr(name).map(|declared| declared.is_required)
    }

    /// An attribute that has one value here.
    fn fixed(&self, name: &str) -> Option<Expr> {
        match name {
            "purpose" => self.setting.purpose.as_deref().map(Expr::val),
            "tokenKind" if self.setting.sessions_only => Some(Expr::val("session")),
            "partner" => {
                let kinds = || self.schema.entity_type_names();
                let kind = kinds().find(|kind| kind.name().basename().to_string() == PARTNER)?;
                let id = Eid::new(self.setting.partner.as_deref()?);
                Some(Expr::val(EntityUID::from_components(kind.clone(), id, None)))
            }
            _ => None,
        }
    }

    /// The least and the greatest that a number can be.
    fn range(&self, expr: &Expr) -> Option<(i64, i64)> {
        match expr.expr_kind() {
            ExprKind::Lit(Literal::Long(n)) => Some((*n, *n)),
            ExprKind::GetAttr { expr, attr } if is_context(expr) => match attr.as_str() {
                "ageSeconds" => {
                    let most = self.setting.max_age_s.and_then(|most| i64::try_from(most).ok());
                    Some((0, most.unwrap_or(i64::MAX)))
                }
                "authAgeSeconds" => Some((0, i64::MAX)),
                "localMinuteOfDay" => Some((0, 1_439)),
                "localWeekday" => Some((1, 7)),
                _ => None,
            },
            _ => None,
        }
    }
}

/// `left && right` with its brackets to the right, however they were written.
fn chain(left: Expr, right: Expr) -> Expr {
    match left.expr_kind() {
        ExprKind::And { left: first, right: second } => {
            let rest = chain((**second).clone(), right);
            chain((**first).clone(), rest)
        }
        _ => Expr::and(left, right),
    }
}

/// `!inner`, reduced.
fn not(inner: Expr) -> Expr {
    if let Some(truth) = literal_truth(&inner) {
        return Expr::val(!truth);
    }
    match inner.expr_kind() {
        ExprKind::UnaryApp { op: UnaryOp::Not, arg } => (**arg).clone(),
        ExprKind::BinaryApp { op: BinaryOp::Less, arg1, arg2 } => match (long(arg1), long(arg2)) {
            (_, Some(n)) if n > i64::MIN => Expr::less(Expr::val(n - 1), (**arg1).clone()),
            (Some(n), _) if n < i64::MAX => Expr::less((**arg2).clone(), Expr::val(n + 1)),
            _ => Expr::not(inner),
        },
        _ => Expr::not(inner),
    }
}

fn is_context(expr: &Expr) -> bool {
    matches!(expr.expr_kind(), ExprKind::Var(Var::Context))
}

fn long(expr: &Expr) -> Option<i64> {
    match expr.expr_kind() {
        ExprKind::Lit(Literal::Long(n)) => Some(*n),
        _ => None,
    }
}
