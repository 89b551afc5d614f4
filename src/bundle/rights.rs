//! Which operations of a contract name no right (`right`). Where a partner's own server gives the tokens, one is asked for what the
//! operation's right says; without one there is nothing to ask for, so that every command would be refused.

use crate::bundle::compile::Bundle;
use crate::bundle::tree::CONTRACT_ENDING;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::model::Direction;
use crate::model::PartnerName;

impl Bundle {
    /// Reports each operation towards `partner`, whose tokens are fetched, that names no right.
    pub fn hold_rights(&self, partner: &PartnerName, faults: &mut Diagnostics) {
        let path = format!("contracts/{partner}{CONTRACT_ENDING}");
        let source = self.files().find_map(|(name, source)| (name == path).then_some(source));
        let (Some(contract), Some(source)) = (self.contract(partner), source) else { return };
        for operation in contract.operations() {
            if operation.direction == Direction::Inbound || operation.right.is_some() {
                continue;
            }
            let id = &operation.id;
            let message = format!("`{id}` names no `right`, and the tokens of `{partner}` are fetched for one");
            let help = "say in its `x-portcullis` what the token must allow, for instance \
                        `right: {type: door_access, action: open}`; or mint the tokens: `token` of the partner in gateway.yaml";
            faults.push(source.fault("missing-right", place_of(source, id.as_str()), message).help(help));
        }
    }
}

/// Where an operation gives its id, in a contract that has compiled.
fn place_of(source: &Source, id: &str) -> Place {
    let text = source.text();
    let is_it = |at: &usize| {
        let written = text.get(*at..).unwrap_or_default().trim_start_matches("operationId: ");
        let rest = written.trim_start_matches(['"', '\'']).strip_prefix(id);
        rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || matches!(next, '-' | '_')))
    };
    let found = text.match_indices("operationId: ").map(|(at, _)| at).find(is_it);
    found.map_or(Place::WHOLE, |at| Place::of_offset(text, at))
}
