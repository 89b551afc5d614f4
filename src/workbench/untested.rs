//! Operations and events that no case of a bundle asks for, told by the cases as they are written: nothing is played.

use crate::bundle::Bundle;
use crate::contract::Contract;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::json::Value;
use crate::model::PartnerName;
use crate::workbench::case::Asks;
use crate::workbench::pattern::Pattern;
use crate::workbench::suite::Suite;

impl Suite {
    /// Lints for what none of these cases asks for, each where its contract declares it.
    #[must_use]
    pub fn untested(&self, bundle: &Bundle) -> Diagnostics {
        let mut found = Diagnostics::new();
        for contract in bundle.contracts() {
            let ending = format!("contracts/{}.openapi.yaml", contract.partner());
            let Some((_, source)) = bundle.files().find(|(path, _)| *path == ending) else { continue };
            for name in self.missed(contract) {
                let message = format!("no case asks for `{name}`");
                let lint = source.fault("operation-without-test", source.place_of(declared(source, &name)), message);
                found.push(lint.as_lint().help("add a case under `tests/`"));
            }
        }
        found
    }

    /// The names of operations and events of one contract that no case asks for.
    fn missed(&self, contract: &Contract) -> Vec<String> {
        let operations = contract.operations().iter().filter(|operation| {
            let asks = |method: &http::Method, target: &str| {
                let path = target.split('?').next().unwrap_or_default();
                *method == operation.method && fits(&operation.path, path)
            };
            !self.cases().iter().any(|case| match &case.asks {
                Asks::Request { partner, method, target, .. } => is_of(partner, contract) && asks(method, target),
                Asks::Event { .. } => false,
            })
        });
        let events = contract.events().iter().filter(|event| {
            !self.cases().iter().any(|case| match &case.asks {
                Asks::Request { partner, target, body, .. } => {
                    let name = format!("\"{}\"", event.name);
                    let told = std::str::from_utf8(body).is_ok_and(|body| body.contains(&name));
                    is_of(partner, contract) && target == "/-/events" && told
                }
                Asks::Event { partner, body, .. } => is_of(partner, contract) && is_type(body, event.name.as_str()),
            })
        });
        operations.map(|one| one.id.to_string()).chain(events.map(|one| one.name.to_string())).collect()
    }
}

fn is_of(partner: &PartnerName, contract: &Contract) -> bool {
    partner == contract.partner()
}

/// Whether a path is one of a template, piece by piece.
fn fits(template: &str, path: &str) -> bool {
    let (mut pieces, mut given) = (template.split('/'), path.split('/'));
    let all = pieces.by_ref().zip(given.by_ref()).all(|(piece, given)| piece.starts_with('{') || piece == given);
    all && template.matches('/').count() == path.matches('/').count()
}

/// Whether an event's body says that it is of this type.
fn is_type(body: &Pattern, name: &str) -> bool {
    let Pattern::Map(members) = body else {
        return matches!(body, Pattern::Plain(value) if value.get("type").and_then(Value::as_str) == Some(name));
    };
    let says = |value: &Pattern| matches!(value, Pattern::Plain(value) if value.as_str() == Some(name));
    members.iter().any(|(key, value)| key == "type" && says(value))
}

/// Where a contract, which has compiled, declares an operation or an event.
fn declared(source: &Source, name: &str) -> usize {
    let text = source.text();
    text.find(&format!("operationId: {name}")).or_else(|| text.find(&format!("{name}:"))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_held_against_a_template_piece_by_piece() {
        assert!(fits("/v1/houses/{houseId}/doors/{doorId}/open", "/v1/houses/house-1/doors/door-1/open"));
        for path in [
            "/v1/houses/house-1/doors/door-1",
            "/v1/houses/house-1/doors/door-1/shut",
            "/v1/houses/house-1/doors/door-1/open/x",
        ] {
            assert!(!fits("/v1/houses/{houseId}/doors/{doorId}/open", path), "{path}");
        }
    }
}
