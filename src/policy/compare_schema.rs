//! Two versions of the Cedar schema: types, what may stand in what, actions, and what their policies may look at.
//!
//! A schema permits nothing by itself. What is gone from it can be asked no more, and a question about it is a deny; what policies
//! make of something that is new, or told in another way, is not derived here.

use crate::model::ChangeKind;
use crate::model::Difference;
use crate::model::Rating;
use cedar_policy::Schema;
use cedar_policy_core::validator::ValidatorSchema;
use cedar_policy_core::validator::types::Type;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// One action, told in text.
#[derive(Default)]
struct Action {
    principals: BTreeSet<String>,
    resources: BTreeSet<String>,
    groups: BTreeSet<String>,
    /// Name, `?` where it may be absent, and type.
    context: BTreeMap<String, String>,
}

struct Found<'f> {
    found: &'f mut Vec<Difference>,
    place: Vec<Box<str>>,
}

pub(super) fn compare(old: &Schema, new: &Schema, found: &mut Vec<Difference>) {
    let (old, new): (&ValidatorSchema, &ValidatorSchema) = (old.as_ref(), new.as_ref());
    let mut found = Found { found, place: vec!["cedar/schema.cedarschema".into(), Box::default()] };
    compare_types(&types(old), &types(new), &mut found);
    let (before, after) = (actions(old), actions(new));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        found.at(&format!("action {name}"));
        match (before.get(name), after.get(name)) {
            (Some(one), Some(other)) => compare_actions(one, other, &mut found),
            (Some(one), None) => {
                let meaning = "whoever asks for it is denied";
                found.push(ChangeKind::SchemaAction, Rating::Narrows, Some(one.told()), None, meaning);
            }
            (None, other) => {
                let meaning = "it may be asked for, and policies say by whom";
                found.push(ChangeKind::SchemaAction, Rating::Widens, None, other.map(Action::told), meaning);
            }
        }
    }
}

/// Each type with the types that may stand in it.
fn types(schema: &ValidatorSchema) -> BTreeMap<String, BTreeSet<String>> {
    let holds = |known: &cedar_policy_core::validator::ValidatorEntityType| {
        known.descendants.iter().map(ToString::to_string).collect()
    };
    schema.entity_types().map(|known| (known.name().to_string(), holds(known))).collect()
}

fn compare_types(
    old: &BTreeMap<String, BTreeSet<String>>,
    new: &BTreeMap<String, BTreeSet<String>>,
    found: &mut Found<'_>,
) {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        found.at(&format!("entity {name}"));
        match (old.get(name), new.get(name)) {
            (Some(one), Some(other)) if one == other => {}
            (Some(one), Some(other)) => {
                let told = |holds: &BTreeSet<String>| Some(format!("holds {}", joined(holds)));
                let meaning = "other things may stand in it";
                found.push(ChangeKind::EntityType, Rating::Underived, told(one), told(other), meaning);
            }
            (Some(_), None) => {
                let meaning = "nothing of this type can be asked about";
                found.push(ChangeKind::EntityType, Rating::Narrows, Some(name.clone()), None, meaning);
            }
            (None, _) => {
                let meaning = "policies may speak of it";
                found.push(ChangeKind::EntityType, Rating::Underived, None, Some(name.clone()), meaning);
            }
        }
    }
}

fn actions(schema: &ValidatorSchema) -> BTreeMap<String, Action> {
    let texts = |types: &mut dyn Iterator<Item = String>| types.collect::<BTreeSet<String>>();
    let mut actions: BTreeMap<String, Action> = BTreeMap::new();
    for uid in schema.actions() {
        let Some(known) = schema.get_action_id(uid) else { continue };
        let name = AsRef::<str>::as_ref(uid.eid()).to_owned();
        let context = known.context_type().map(attributes).unwrap_or_default();
        let action = Action {
            principals: texts(&mut known.applies_to_principals().map(ToString::to_string)),
            resources: texts(&mut known.applies_to_resources().map(ToString::to_string)),
            groups: BTreeSet::new(),
            context,
        };
        actions.insert(name, action);
    }
    for group in schema.actions().filter_map(|uid| schema.get_action_id(uid)) {
        let name = AsRef::<str>::as_ref(group.name().eid()).to_owned();
        for member in group.descendants() {
            if let Some(action) = actions.get_mut(AsRef::<str>::as_ref(member.eid())) {
                action.groups.insert(name.clone());
            }
        }
    }
    actions
}

fn attributes(context: &Type) -> BTreeMap<String, String> {
    let Type::Record { attrs, .. } = context else { return BTreeMap::from([(String::new(), context.to_string())]) };
    let told = attrs.iter().map(|(name, declared)| {
        let optional = if declared.is_required { "" } else { "may be absent, " };
        (name.to_string(), format!("{optional}{}", declared.attr_type))
    });
    told.collect()
}

impl Action {
    fn told(&self) -> String {
        format!("asked by {}, of {}", joined(&self.principals), joined(&self.resources))
    }
}

fn compare_actions(old: &Action, new: &Action, found: &mut Found<'_>) {
    for (old, new, word) in [(&old.principals, &new.principals, "by"), (&old.resources, &new.resources, "of")] {
        let told = |kind: &String| Some(format!("asked {word} {kind}"));
        for kind in new.difference(old) {
            found.push(
                ChangeKind::AppliesTo,
                Rating::Widens,
                None,
                told(kind),
                "it may be asked so, and policies say by whom",
            );
        }
        for kind in old.difference(new) {
            found.push(ChangeKind::AppliesTo, Rating::Narrows, told(kind), None, "whoever asks so is denied");
        }
    }
    if old.groups != new.groups {
        let told = |action: &Action| Some(format!("in {}", joined(&action.groups)));
        let meaning = "policies that speak of a group speak of other actions";
        found.push(ChangeKind::SchemaAction, Rating::Underived, told(old), told(new), meaning);
    }
    let names: BTreeSet<&String> = old.context.keys().chain(new.context.keys()).collect();
    for name in names {
        let told = |action: &Action| action.context.get(name).map(|declared| format!("{name}: {declared}"));
        if told(old) != told(new) {
            let meaning = "policies of this action are told something else";
            found.push(ChangeKind::Attribute, Rating::Underived, told(old), told(new), meaning);
        }
    }
}

impl Found<'_> {
    fn at(&mut self, place: &str) {
        if let Some(last) = self.place.last_mut() {
            *last = place.into();
        }
    }

    fn push(
        &mut self,
        kind: ChangeKind,
        rating: Rating,
        old: Option<String>,
        new: Option<String>,
        meaning: &'static str,
    ) {
        let place = self.place.clone();
        self.found.push(Difference { kind, rating, place, old, new, meaning, example: None });
    }
}

fn joined(names: &BTreeSet<String>) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
