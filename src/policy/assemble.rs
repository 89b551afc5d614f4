//! From rules to answers ready to be given: for each action that is asked, its index and the plan of its context.
//!
//! Only actions that a contract or the gateway itself asks are kept; asking any other is a deny. The schema is held
//! against what is offered: the action must exist and fit who asks and on what, no entity type may declare attributes
//! (the gateway fills none), and each attribute of the context needs its provider (`context.rs`).

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::diagnostic::nearest;
use crate::policy::Demand;
use crate::policy::DemandedBy;
use crate::policy::compile::Named;
use crate::policy::constants::Constants;
use crate::policy::context::Asker;
use crate::policy::context::ContextPlan;
use crate::policy::entities::BACKEND;
use crate::policy::entities::PARTNER;
use crate::policy::entities::Types;
use crate::policy::entities::USER;
use crate::policy::footprint::Footprint;
use crate::policy::index::Index;
use crate::policy::index::Rule;
use crate::policy::index::demanded_type;
use crate::policy::own::OWN_ACTIONS;
use crate::policy::own::OwnAction;
use crate::policy::policies::Action;
use crate::policy::policies::Policies;
use crate::policy::until::Until;
use cedar_policy::Schema;
use cedar_policy_core::ast;
use cedar_policy_core::ast::ActionConstraint;
use cedar_policy_core::ast::Effect;
use cedar_policy_core::ast::EntityUID;
use cedar_policy_core::ast::EntityUIDEntry;
use cedar_policy_core::ast::Expr;
use cedar_policy_core::ast::ExprBuilder;
use cedar_policy_core::entities::Dereference;
use cedar_policy_core::entities::Entities;
use cedar_policy_core::validator::ValidatorActionId;
use cedar_policy_core::validator::ValidatorSchema;
use cedar_policy_core::validator::types::Type;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;

/// What is needed to look at one action.
pub(super) struct Assembly<'a> {
    source: &'a Source,
    schema: &'a ValidatorSchema,
    /// The actions with the groups that they stand in.
    groups: Entities,
    types: Types,
    named: &'a Named,
}

/// Builds what is asked at run time; pushes what does not fit.
pub(super) fn assemble(
    source: &Source,
    schema: &Schema,
    named: &Named,
    constants: Option<&Source>,
    demands: &[Demand],
    faults: &mut Diagnostics,
) -> Policies {
    let schema: &ValidatorSchema = schema.as_ref();
    let mut types = Types::new(schema.entity_type_names());
    if let Some(constants) = constants {
        types.constants = Constants::compile(constants, &types, schema, demands, faults);
    }
    let assembly = Assembly { types, ..Assembly::new(source, schema, named) };
    assembly.check_types(faults);
    let mut by_action: BTreeMap<&str, Vec<&Demand>> = BTreeMap::new();
    for demand in demands {
        by_action.entry(demand.action.as_str()).or_default().push(demand);
    }
    let mut actions = HashMap::new();
    for (name, demands) in &by_action {
        if OwnAction::of(name).is_some() {
            let message = format!("the action `{name}` is the gateway's own");
            let fault = assembly.stated(demands, "own-action", message);
            faults.push(fault.help("give the operation's action another name"));
        } else if let Some(action) = assembly.operations(name, demands, faults) {
            actions.insert(Arc::clone(&action.name), action);
        }
    }
    for own in OWN_ACTIONS {
        if let Some(action) = assembly.own(own, faults) {
            actions.insert(Arc::clone(&action.name), action);
        }
    }
    Policies::new(assembly.types, actions)
}

impl<'a> Assembly<'a> {
    /// Of a schema and policies, without constants.
    pub(super) fn new(source: &'a Source, schema: &'a ValidatorSchema, named: &'a Named) -> Self {
        let groups = schema.action_entities().unwrap_or_default();
        Self { source, schema, groups, types: Types::new(schema.entity_type_names()), named }
    }
}

impl Assembly<'_> {
    /// One namespace, and no attributes.
    fn check_types(&self, faults: &mut Diagnostics) {
        let types = self.schema.entity_types();
        let namespaces: BTreeSet<String> = types.map(|known| known.name().name().as_ref().namespace()).collect();
        if namespaces.len() > 1 {
            let list: Vec<String> = namespaces.iter().map(|name| format!("`{name}`")).collect();
            let message = format!("the schema has more than one namespace: {}", list.join(", "));
            // The first is as good as any; the second one is what is too many.
            let second = self.source.text().match_indices("namespace ").nth(1).map_or(0, |(at, _)| at);
            let fault = self.source.fault("schema-namespace", Place::of_offset(self.source.text(), second), message);
            faults.push(fault.help("put all entity types into one namespace"));
        }
        for known in self.schema.entity_types() {
            if known.attributes().iter().next().is_some() || known.tag_type().is_some() {
                let message =
                    format!("the entity type `{}` declares attributes or tags, and nothing fills them", known.name());
                let place = self.declared("entity", known.name().name().basename().as_ref());
                let fault = self.source.fault("schema-attributes", place, message);
                faults.push(fault.help("what is known comes in `context`"));
            }
        }
    }

    /// An action that operations or events of contracts ask.
    fn operations(&self, name: &str, demands: &[&Demand], faults: &mut Diagnostics) -> Option<Action> {
        let operations: Vec<String> = demands.iter().map(|demand| format!("`{}`", demand.operation)).collect();
        let Some(action) = self.action(name) else {
            let message = format!("the schema has no action `{name}`, which {} is", operations.join(", "));
            let known: Vec<String> = self.schema.actions().map(|uid| uid.eid().escaped().to_string()).collect();
            let known = known.iter().map(String::as_str);
            let fault = self.stated(demands, "unknown-action", message);
            faults.push(match nearest(name, known) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help(format!("declare `action {name} appliesTo {{ .. }}`, or correct the contract")),
            });
            return None;
        };
        let by = self.asked_by(name, demands, faults)?;
        let mut fits = self.applies(action, true, by.principal(), &[], faults);
        for demand in demands {
            fits &= self.applies(action, false, &demand.resource, &[demand], faults);
        }
        let asker = match by {
            DemandedBy::User => Asker::Operations(demands),
            DemandedBy::Client => Asker::Clients(demands),
            DemandedBy::Backend | DemandedBy::Partner => Asker::Events(demands),
        };
        let made = self.make(action, &asker, faults);
        made.filter(|_| fits)
    }

    /// Who asks for an action: one kind of principal, or what its policies may look at would have no one meaning.
    fn asked_by(&self, name: &str, demands: &[&Demand], faults: &mut Diagnostics) -> Option<DemandedBy> {
        let by = demands.first()?.by;
        let other = demands.iter().find(|demand| demand.by != by);
        let Some(other) = other else { return Some(by) };
        let message = format!(
            "the action `{name}` is asked by a `{}` and, in `{}`, by a `{}`",
            by.principal(),
            other.operation,
            other.by.principal()
        );
        let fault = self.stated(&[other], "action-askers", message);
        faults.push(fault.help("give operations, events to the partner and events from it actions of their own"));
        None
    }

    /// An action of the gateway's own. A schema may leave it out: then nobody may do it.
    fn own(&self, own: &OwnAction, faults: &mut Diagnostics) -> Option<Action> {
        let (name, action) = (own.name, self.action(own.name)?);
        let mut fits = self.applies(action, true, own.principal, &[], faults);
        for resource in action.applies_to_resources() {
            let base = resource.name().basename().to_string();
            if !own.resources.contains(&base.as_str()) {
                let message = format!("the action `{name}` applies to `{base}`, of which it is never asked");
                let fault = self.source.fault("action-resource", self.declared("action", name), message);
                faults.push(fault.help(format!("it is asked of {}", own.told_resources)));
            }
        }
        // A right may be asked for to each thing that there is: a policy must not meet one that its schema does not know it by.
        if !own.is_a_peers() {
            for resource in own.resources.iter().filter(|resource| self.types.get(resource).is_some()) {
                fits &= self.applies(action, false, resource, &[], faults);
            }
        }
        let asker = if own.is_a_peers() { Asker::Peer } else { Asker::Session };
        let made = self.make(action, &asker, faults);
        made.filter(|_| fits)
    }

    /// Whether the schema lets the action be asked by, or of, this entity type, which `demands` want.
    fn applies(
        &self,
        action: &ValidatorActionId,
        as_principal: bool,
        kind: &str,
        demands: &[&Demand],
        faults: &mut Diagnostics,
    ) -> bool {
        let name = action.name().eid().escaped();
        let Some(wanted) = self.types.get(kind) else {
            let message = format!("the schema has no entity type `{kind}`, of which `{name}` is asked");
            let fault = match demands {
                [] => self.source.fault("unknown-entity-type", self.declared("action", &name), message),
                demands => self.stated(demands, "unknown-entity-type", message),
            };
            faults.push(match nearest(kind, self.types.names()) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help(format!("declare `entity {kind};`")),
            });
            return false;
        };
        let (what, fits) = if as_principal {
            ("principal", action.is_applicable_principal_type(wanted))
        } else {
            ("resource", action.is_applicable_resource_type(wanted))
        };
        if !fits {
            let message = format!("the action `{name}` does not apply to the {what} `{kind}`");
            let fault = self.source.fault("action-applies", self.declared("action", &name), message);
            faults.push(fault.help(format!("add it: `{what}: [{kind}]`")));
        }
        fits
    }

    /// Index and plan.
    fn make(&self, action: &ValidatorActionId, asker: &Asker<'_>, faults: &mut Diagnostics) -> Option<Action> {
        let uid = action.name();
        let mut index = Index::default();
        let mut footprint = Footprint::default();
        let mut words = BTreeSet::new();
        for (order, (policy, _)) in self.named.list.iter().enumerate() {
            let ast: &ast::Policy = policy.as_ref();
            if !self.concerns(ast, action) {
                continue;
            }
            let rule = Rule {
                id: AsRef::<str>::as_ref(policy.id()).into(),
                reason: policy.annotation("reason").unwrap_or_default().into(),
                forbids: ast.effect() == Effect::Forbid,
                until: Until::of(policy),
                condition: without_places(ast.condition()),
                order,
            };
            footprint.add(&rule.condition);
            words.extend(self.types.constants.in_text(&rule.condition));
            index.file(Arc::new(rule), ast);
        }
        let Some(Type::Record { attrs, .. }) = action.context_type() else {
            return None;
        };
        let declared = ContextPlan::new(attrs, asker, &self.types, &Footprint::everything());
        match declared {
            Ok(declared) => Some(Action {
                name: AsRef::<str>::as_ref(uid.eid()).into(),
                uid: bare(uid),
                group: match self.groups.entity(uid) {
                    Dereference::Data(known) => Some(known.clone()).filter(|known| known.ancestors().next().is_some()),
                    _ => None,
                },
                index,
                context: declared.read_by(&footprint),
                declared,
                offered: Arc::new(ContextPlan::offered(asker)),
                above: footprint.above(),
                words: words.into_iter().collect(),
            }),
            Err(unfits) => {
                for unfit in unfits {
                    let message = format!("{}, for the action `{}`", unfit.message, uid.eid().escaped());
                    let place = self.find(unfit.path.rsplit('.').next().unwrap_or_default());
                    let place = place.unwrap_or_else(|| self.declared("action", &uid.eid().escaped()));
                    faults.push(self.source.fault("context-attribute", place, message).help(unfit.help));
                }
                None
            }
        }
    }

    /// Whether a policy's scope can be met by a question with this action. One that cannot neither holds nor errs.
    pub(super) fn concerns(&self, policy: &ast::Policy, action: &ValidatorActionId) -> bool {
        let uid = action.name();
        let above = self.groups.entity(uid);
        let within = |group: &EntityUID| {
            group == uid || matches!(&above, Dereference::Data(known) if known.is_descendant_of(group))
        };
        let by_action = match policy.action_constraint() {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(only) => **only == *uid,
            ActionConstraint::In(groups) => groups.iter().any(|group| within(group)),
        };
        let principal = policy.principal_constraint();
        let resource = policy.resource_constraint();
        let by_principal =
            demanded_type(principal.as_inner()).is_none_or(|kind| action.is_applicable_principal_type(kind));
        let by_resource =
            demanded_type(resource.as_inner()).is_none_or(|kind| action.is_applicable_resource_type(kind));
        by_action && by_principal && by_resource
    }

    pub(super) fn action(&self, name: &str) -> Option<&ValidatorActionId> {
        self.schema.action_ids().find(|action| AsRef::<str>::as_ref(action.name().eid()) == name)
    }

    /// The actions that somebody can do: all but mere groups.
    pub(super) fn applicable(&self) -> impl Iterator<Item = &ValidatorActionId> {
        self.schema.action_ids().filter(|action| action.applies_to_resources().next().is_some())
    }

    /// The names of all attributes that the context of some action declares.
    pub(super) fn attributes(&self) -> BTreeSet<String> {
        let of = |action: &ValidatorActionId| match action.context_type() {
            Some(Type::Record { attrs, .. }) => attrs.iter().map(|(name, _)| name.to_string()).collect(),
            _ => Vec::new(),
        };
        self.schema.action_ids().flat_map(of).collect()
    }

    /// A fault where a contract names what the schema lacks; in the schema as a whole where no contract does.
    fn stated(&self, demands: &[&Demand], code: &'static str, message: String) -> Diagnostic {
        match demands.iter().find_map(|demand| demand.stated.as_ref()) {
            Some((contract, place)) => contract.fault(code, *place, message),
            None => self.source.fault(code, Place::WHOLE, message),
        }
    }

    /// Where the schema declares an entity type or an action: the first line that begins with the keyword and holds the
    /// name as a word of its own.
    pub(super) fn declared(&self, keyword: &str, name: &str) -> Place {
        let is_inner = |c: char| c.is_alphanumeric() || c == '_';
        let holds = |line: &str| line.split(|c| !is_inner(c)).any(|word| word == name);
        let lines = self.source.text().lines().enumerate();
        let mut declarations = lines.filter(|(_, line)| line.trim_start().starts_with(keyword) && holds(line));
        declarations.next().map_or(Place::WHOLE, |(index, line)| Place {
            line: u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1),
            column: u32::try_from(line.len() - line.trim_start().len()).unwrap_or(0).saturating_add(1),
        })
    }

    /// Where an attribute is declared: the first place in the schema where its name stands before a colon.
    fn find(&self, name: &str) -> Option<Place> {
        let text = self.source.text();
        let declared = text.match_indices(name).find(|(at, _)| {
            let (before, after) =
                (text.get(..*at).unwrap_or_default(), text.get(at + name.len()..).unwrap_or_default());
            let begins = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
            begins && after.trim_start_matches(['?', '"', ' ']).starts_with(':')
        });
        declared.map(|(at, _)| Place::of_offset(text, at))
    }
}

impl DemandedBy {
    /// The entity type of the principal.
    pub(super) const fn principal(self) -> &'static str {
        match self {
            Self::User => USER,
            Self::Backend => BACKEND,
            Self::Partner | Self::Client => PARTNER,
        }
    }
}

/// A condition without its places in the policy's text, which the evaluator would copy onto every value.
fn without_places(condition: Expr) -> Expr {
    condition.clone().try_into_expr::<ExprBuilder<()>>().unwrap_or(condition)
}

/// The action without its place in the schema's text: each copy would drag it along.
fn bare(uid: &EntityUID) -> EntityUIDEntry {
    let (kind, id) = uid.clone().components();
    EntityUIDEntry::known(EntityUID::from_components(kind, id, None), None)
}
