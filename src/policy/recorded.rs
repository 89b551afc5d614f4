//! What of a decision will stand in its record, told before anything is asked: what the action's policies read, and nothing
//! else. Whoever writes a policy sees here what it makes the log hold.

use crate::model::Recordable;
use crate::policy::Policies;
use crate::policy::policies::Action;
use std::sync::Arc;

/// One input of a decision, as its record names it, and what of it may stand there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordedInput {
    /// The attribute of the context, `request.<name>`, `principal.in` or `resource.in`.
    pub name: Arc<str>,
    /// The value, a handle, or only that it was read.
    pub recordable: Recordable,
}

impl Policies {
    /// Each action with the inputs that its records will hold, both in the order of their names.
    #[must_use]
    pub fn footprint(&self) -> Vec<(Arc<str>, Vec<RecordedInput>)> {
        let mut actions: Vec<_> = self.actions().map(|action| (Arc::clone(&action.name), inputs(action))).collect();
        actions.sort_by(|(one, _), (other, _)| one.cmp(other));
        actions
    }
}

fn inputs(action: &Action) -> Vec<RecordedInput> {
    let of_context = action.context.names().map(|name| {
        let recordable = action.context.recordable(&name).unwrap_or(Recordable::Nothing);
        RecordedInput { name, recordable }
    });
    // Roles, tenants and houses: they name nobody.
    let asked = action.above.iter().filter(|(_, above)| above.is_asked());
    let of_entities = asked.map(|(name, _)| RecordedInput { name: Arc::clone(name), recordable: Recordable::Value });
    let mut inputs: Vec<_> = of_context.chain(of_entities).collect();
    inputs.sort_by(|one, other| one.name.cmp(&other.name));
    inputs
}
