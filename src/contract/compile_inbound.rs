//! What an operation says of the way that it goes: one that a partner asks for has a scope, and nothing that only a person's
//! token could answer for.

use crate::contract::written::OperationWords;
use crate::diagnostic::Place;
use crate::model::Direction;
use crate::yaml::Reader;

/// Reports what does not go with the operation's direction.
pub(super) fn fits(reader: &Reader, words: &OperationWords<'_>) {
    let report = |code, place: Place, message: String, help: &str| {
        reader.report(reader.source().fault(code, place, message).help(help));
    };
    match (words.direction.value, &words.scope) {
        (Direction::Outbound, Some(scope)) => {
            let message = "a `scope` stands at an operation that the partner does not ask for".to_owned();
            report("inbound-scope", scope.place, message, "the backend's callers need a `right`: take `scope` out");
        }
        (Direction::Inbound, None) => {
            let message =
                "an operation that the partner asks for does not say which `scope` its token needs".to_owned();
            report("inbound-scope", words.direction.place, message, "add `scope: <name>`, for instance `grants.read`");
        }
        (Direction::Outbound, None) | (Direction::Inbound, Some(_)) => {}
    }
    if words.direction.value == Direction::Outbound {
        return;
    }
    let (place, demand) = (words.direction.place, &words.authentication);
    let unfit = [
        ("actuates", words.actuates.as_ref().map(|at| at.place)),
        ("right", words.right.as_ref().map(|_| place)),
        ("max_age", words.max_age_s.map(|_| place)),
        ("idempotency", words.idempotency.as_ref().map(|at| at.place)),
        ("life_safety", words.egress),
        ("acr", (!demand.levels.is_empty()).then_some(place)),
        ("amr", (!demand.means.is_empty()).then_some(place)),
        ("max_auth_age", demand.max_age_s.map(|_| place)),
    ];
    for (key, place) in unfit.into_iter().filter_map(|(key, place)| Some((key, place?))) {
        let message = format!("`{key}` stands at an operation that the partner asks for");
        let help = "it takes a person's token, and a partner's speaks for no person: nobody could ever meet it";
        report("inbound-unfit", place, message, help);
    }
}
