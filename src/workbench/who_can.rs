//! Who may do something to a thing, and what somebody may do: from the policies, the contracts and a directory, without asking
//! for anybody in particular.
//!
//! Nobody's token, no time and no request are known here, so the answer is no yes: for each policy that could permit, the
//! conditions that are left, in Cedar's words, and where each gets its facts from; and the same for each forbid that could stand
//! against it. What is certain is left out: a condition that is true anyway, a policy that cannot hold.

use crate::bundle::Bundle;
use crate::clock::UnixSeconds;
use crate::contract::Contract;
use crate::contract::Event;
use crate::contract::Idempotency;
use crate::contract::Operation;
use crate::model::Direction;
use crate::model::Located;
use crate::policy::On;
use crate::policy::Origin;
use crate::policy::Policies;
use crate::policy::PossibleQuestion;
use crate::policy::Truth;
use crate::policy::Weighed;
use crate::policy::WeighedPolicy;
use crate::policy::Who;
use crate::workbench::explain::clause_text;
use crate::workbench::explain::entity_text;
use std::collections::BTreeSet;

/// Who asks, as somebody types it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Asker {
    /// A person of this role.
    Role(String),
    /// The backend, by its own name or whichever.
    Backend(Option<String>),
    /// Each partner in its own name.
    Partner,
}

/// What could be done by one operation or event, and by which policies.
#[derive(Clone, Debug)]
pub struct Possible {
    /// The action.
    pub action: String,
    /// The operation or event, and the partner concerned.
    pub operation: String,
    /// The partner.
    pub partner: String,
    /// On what: a thing, or any of a type.
    pub on: String,
    /// The policies that could permit.
    pub permits: Vec<Residual>,
    /// The forbids that could stand against it.
    pub forbids: Vec<Residual>,
    /// What is asked whatever policies say.
    pub besides: Vec<String>,
    /// Why it is refused in any case, if it is.
    pub never: Option<String>,
}

/// What is left of a policy.
#[derive(Clone, Debug)]
pub struct Residual {
    /// Its `@id`.
    pub policy: String,
    /// Its `@reason`.
    pub reason: String,
    /// Whose principal it takes: roles, or a peer's name.
    pub who: String,
    /// The conditions that are left; none where it holds in any case.
    pub conditions: Vec<Condition>,
}

/// A condition of which it is not known whether it holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Condition {
    /// Its text, as Cedar writes it.
    pub text: String,
    /// Where the facts come from that it looks at, each once.
    pub origins: Vec<&'static str>,
}

/// One operation or event that is asked about.
struct Way<'a> {
    contract: &'a Contract,
    name: &'a str,
    action: &'a str,
    purpose: &'a str,
    kind: &'a str,
    besides: Vec<String>,
    who: Who<'a>,
}

impl Possible {
    /// Whether somebody may, if the conditions that are left hold.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        self.never.is_none() && !self.permits.is_empty()
    }
}

/// Who may do `action` to a thing: one answer for each operation or event that is this action. Things are of one type, so
/// actions on others are left out.
#[must_use]
pub fn who_can(bundle: &Bundle, action: &str, located: &Located, now: UnixSeconds) -> Vec<Possible> {
    let ways = ways(bundle, None).into_iter();
    let fitting = ways.filter(|way| way.action == action && *way.kind == *located.resource.kind);
    fitting.filter_map(|way| possible(bundle, &way, Some(located), now)).collect()
}

/// What `asker` may do: one answer for each operation or event that it could be let through.
#[must_use]
pub fn what_can(bundle: &Bundle, asker: &Asker, now: UnixSeconds) -> Vec<Possible> {
    let all = ways(bundle, Some(asker)).into_iter();
    all.filter_map(|way| possible(bundle, &way, None, now)).filter(Possible::is_possible).collect()
}

/// All operations and events of all contracts that such an asker asks by.
fn ways<'a>(bundle: &'a Bundle, asker: Option<&'a Asker>) -> Vec<Way<'a>> {
    let mut ways = Vec::new();
    for contract in bundle.contracts() {
        for operation in contract.operations() {
            let who = match (operation.direction, asker) {
                (Direction::Outbound, None) => Who::Anybody,
                (Direction::Outbound, Some(Asker::Role(role))) => Who::Role(role),
                (Direction::Inbound, None | Some(Asker::Partner)) => Who::Partner,
                _ => continue,
            };
            ways.push(Way {
                contract,
                name: operation.id.as_str(),
                action: operation.action.as_str(),
                purpose: operation.purpose.as_str(),
                kind: &operation.resource.kind,
                besides: demanded(operation),
                who,
            });
        }
        for event in contract.events() {
            let who = match (event.direction, asker) {
                (Direction::Outbound, None) => Who::Backend(None),
                (Direction::Outbound, Some(Asker::Backend(name))) => Who::Backend(name.as_deref()),
                (Direction::Inbound, None | Some(Asker::Partner)) => Who::Partner,
                _ => continue,
            };
            ways.push(way_of_event(contract, event, who));
        }
    }
    ways
}

fn way_of_event<'a>(contract: &'a Contract, event: &'a Event, who: Who<'a>) -> Way<'a> {
    Way {
        contract,
        name: event.name.as_str(),
        action: event.action.as_str(),
        purpose: event.purpose.as_str(),
        kind: &event.resource.kind,
        besides: Vec::new(),
        who,
    }
}

/// What the contract demands of each command, whatever policies say.
fn demanded(operation: &Operation) -> Vec<String> {
    let mut all = Vec::new();
    if operation.actuates.is_some() {
        all.push("a session token".to_owned());
    }
    all.extend(operation.scope.as_ref().map(|scope| format!("a token of the partner with the scope {scope}")));
    if let Some(right) = &operation.right {
        let (kind, action) = (right.kind.word(), &right.action);
        all.push(format!("only rights of the token of type {kind} with action {action} are shown to policies"));
    }
    all.extend(operation.max_age_s.map(|most| format!("a command at most {most} s old")));
    all.extend(operation.idempotency.as_ref().map(|place| match place {
        Idempotency::Header => "an idempotency key".to_owned(),
        Idempotency::BodyField(name) => format!("an idempotency key in {name}"),
    }));
    all
}

fn possible(bundle: &Bundle, way: &Way<'_>, located: Option<&Located>, now: UnixSeconds) -> Option<Possible> {
    let policies = bundle.policies();
    let partner = way.contract.partner();
    let on = located.map_or(On::Some(way.kind), On::Thing);
    let question =
        PossibleQuestion { who: way.who, partner, action: way.action, purpose: way.purpose, on, now: Some(now) };
    let Weighed { policies: weighed, .. } = policies.weigh_possible(&question)?;
    let open = |forbids| weighed.iter().filter(move |one| one.forbids == forbids && one.holds != Truth::False);
    let residual = |one: &WeighedPolicy| residual(policies, way.who, one);
    let unlinked = located.filter(|located| !located.is_linked_to(partner));
    let certain = open(true).find(|one| one.holds == Truth::True);
    let never = match (unlinked, certain) {
        (Some(_), _) => Some(format!("{partner} is not linked to the house")),
        (None, Some(forbid)) => Some(format!("{} forbids it in any case", forbid.id)),
        (None, None) => None,
    };
    Some(Possible {
        action: way.action.to_owned(),
        operation: way.name.to_owned(),
        partner: partner.to_string(),
        on: match located {
            Some(located) => {
                format!("{} {} of {}", located.resource.kind, located.resource.parts.join("/"), located.tenant)
            }
            None => format!("any {}", way.kind),
        },
        permits: open(false).map(residual).collect(),
        forbids: open(true).map(residual).collect(),
        besides: way.besides.clone(),
        never,
    })
}

/// What is left of a policy: its conditions that are not known to hold. Who it takes stands apart.
fn residual(policies: &Policies, who: Who<'_>, policy: &WeighedPolicy) -> Residual {
    let open = policy.clauses.iter().filter(|clause| clause.truth != Truth::True);
    let (whose, others): (Vec<_>, Vec<_>) = open.partition(|clause| !clause.within.is_empty());
    let mut takes = BTreeSet::new();
    for uid in whose.iter().flat_map(|clause| &clause.within) {
        match uid.kind.rsplit("::").next() {
            Some("Role") => takes.extend(policies.roles_within(&uid.id)),
            _ => drop(takes.insert(entity_text(uid))),
        }
    }
    let condition = |clause: &&crate::policy::WeighedClause| {
        let origins: BTreeSet<&'static str> = clause.reads.iter().map(|name| Origin::of(name).word()).collect();
        // The thing is known wherever it was named; what is asked of it hangs on the rest.
        let known_thing = clause.reads.iter().any(|name| !name.starts_with("resource"));
        let origins = origins.into_iter().filter(|origin| !known_thing || *origin != Origin::Directory.word());
        Condition {
            text: clause_text(
                &clause.text,
                &policies.namespace(),
                clause.reads.iter().any(|name| policies.is_of_person(name)),
            ),
            origins: origins.collect(),
        }
    };
    let anyone = match who {
        Who::Anybody => "anybody with a token".to_owned(),
        Who::Role(role) => role.to_owned(),
        Who::Backend(Some(name)) => name.to_owned(),
        Who::Backend(None) => "the backend".to_owned(),
        Who::Partner => "the partner".to_owned(),
    };
    Residual {
        policy: (*policy.id).to_owned(),
        reason: (*policy.reason).to_owned(),
        who: if takes.is_empty() { anyone } else { takes.into_iter().collect::<Vec<_>>().join(", ") },
        conditions: others.iter().map(condition).collect(),
    }
}
