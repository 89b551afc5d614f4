//! An explanation as one JSON object: all of it, also what the text leaves out for want of room.

use crate::json::Object;
use crate::json::Value;
use crate::workbench::ChangeView;
use crate::workbench::ClauseLine;
use crate::workbench::ContractRule;
use crate::workbench::Explanation;
use crate::workbench::PolicyLine;
use crate::workbench::PolicyView;

pub(super) fn json(explanation: &Explanation) -> Value {
    let Explanation { about, allowed, reason, says, step, facts, contract, policies, notes } = explanation;
    let facts: Object = facts.iter().map(|(label, value)| (*label, Value::from(value.as_str()))).collect();
    object([
        ("about", about.as_str().into()),
        ("allowed", (*allowed).into()),
        ("reason", reason.as_str().into()),
        ("says", says.as_str().into()),
        ("step", (*step).into()),
        ("facts", facts.into()),
        ("contract", contract.as_ref().map_or(Value::Null, of_contract)),
        ("policies", policies.as_ref().map_or(Value::Null, of_policies)),
        ("change", policies.as_ref().and_then(|view| view.change.as_ref()).map_or(Value::Null, of_change)),
        ("notes", texts(notes)),
    ])
}

fn of_contract(rule: &ContractRule) -> Value {
    let ContractRule { place, expected, declared } = rule;
    object([("place", optional(place)), ("expected", optional(expected)), ("declared", optional(declared))])
}

fn of_policies(view: &PolicyView) -> Value {
    view.policies.iter().map(of_policy).collect::<Vec<Value>>().into()
}

fn of_policy(line: &PolicyLine) -> Value {
    let PolicyLine { id, place, effect, reason, holds, determines, clauses } = line;
    object([
        ("id", id.as_str().into()),
        ("place", place.as_str().into()),
        ("effect", effect.word().into()),
        ("reason", reason.as_str().into()),
        ("holds", (*holds).into()),
        ("determines", (*determines).into()),
        ("conditions", clauses.iter().map(of_clause).collect::<Vec<Value>>().into()),
    ])
}

fn of_clause(clause: &ClauseLine) -> Value {
    let ClauseLine { text, truth, saw } = clause;
    let saw: Object = saw.iter().map(|(name, value)| (name.as_str(), Value::from(value.as_str()))).collect();
    object([("text", text.as_str().into()), ("holds", (*truth).into()), ("saw", saw.into())])
}

fn of_change(change: &ChangeView) -> Value {
    object([("by", change.by.as_str().into()), ("moves", texts(&change.moves))])
}

fn texts(texts: &[String]) -> Value {
    texts.iter().map(|text| Value::from(text.as_str())).collect::<Vec<Value>>().into()
}

fn optional(text: &Option<String>) -> Value {
    text.as_deref().map_or(Value::Null, Value::from)
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    members.into_iter().collect::<Object>().into()
}
