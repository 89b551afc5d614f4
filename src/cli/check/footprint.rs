//! What the records of a bundle's decisions will hold: per action what its policies read.

use crate::bundle::Bundle;
use crate::json::Object;
use crate::json::Value;
use crate::model::Recordable;
use crate::policy::RecordedInput;
use std::sync::Arc;

/// Each action of a bundle, with the inputs that stand in its records.
pub(super) type Footprint = Vec<(Arc<str>, Vec<RecordedInput>)>;

pub(super) fn of(bundle: &Bundle) -> Footprint {
    bundle.policies().footprint()
}

/// A line for each action, and one for each of its inputs.
pub(super) fn text(footprint: &Footprint) -> String {
    let mut told = String::new();
    for (action, inputs) in footprint {
        told.push_str(&format!("{action}\n"));
        if inputs.is_empty() {
            told.push_str("  nothing\n");
        }
        for RecordedInput { name, recordable } in inputs {
            told.push_str(&format!("  {name:<28} {}\n", word(*recordable)));
        }
    }
    told
}

/// The same as one object: of each action its inputs, each with what stands of it.
pub(super) fn json(footprint: &Footprint) -> Value {
    let inputs = |inputs: &[RecordedInput]| {
        let input = |input: &RecordedInput| (Arc::clone(&input.name), Value::from(word(input.recordable)));
        Value::from(inputs.iter().map(input).collect::<Object>())
    };
    let actions = footprint.iter().map(|(action, of_it)| (Arc::clone(action), inputs(of_it)));
    Value::from(actions.collect::<Object>())
}

/// What of an input stands in a record.
const fn word(recordable: Recordable) -> &'static str {
    match recordable {
        Recordable::Value => "value",
        Recordable::Handle(_) => "handle",
        Recordable::Nothing => "withheld",
    }
}
