//! How much of a bundle its cases exercise: policies, the clauses of their conditions, operations, the values that these
//! carry, events, and reasons.
//!
//! A policy is wanted as the one that determines a decision; a clause is wanted true and false; an operation and an event let
//! through and refused; a value (of path, query, header, body or an event's data) in something that is let through. What the
//! contracts settle is not wanted: that a clause be false which none of their operations can make false, for instance. Reasons
//! are listed and not counted, since most of them are of no case's making (a certificate that has expired, a full disk).

use crate::bundle::Bundle;
use crate::contract::Field;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::json;
use crate::json::Value;
use crate::model::Part;
use crate::model::Reason;
use crate::policy::Clause;
use crate::policy::ClauseTruths;
use crate::policy::Judgement;
use crate::policy::Met;
use crate::policy::PolicyText;
use crate::protect::Protector;
use crate::workbench::Asks;
use crate::workbench::Case;
use crate::workbench::Played;
use crate::workbench::Rehearsal;
use crate::workbench::cast::pseudonym_key;
use crate::workbench::rehearsal::partner_of;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// Bodies are as deep and wide as their contracts let them be.
const LIMITS: json::Limits =
    json::Limits { max_depth: 64, max_members: 65_536, max_elements: usize::MAX, max_string_bytes: usize::MAX };

/// What the cases exercise.
#[derive(Debug)]
pub struct Coverage {
    /// How many cases there are.
    pub cases: usize,
    /// Every policy, in the order of the files.
    pub policies: Vec<PolicyCoverage>,
    /// Every operation and event, by partner.
    pub operations: Vec<OperationCoverage>,
    /// The reasons that cases end with.
    pub reasons: BTreeSet<Reason>,
}

/// One policy.
#[derive(Debug)]
pub struct PolicyCoverage {
    /// Its `@id`.
    pub id: String,
    /// Its file.
    pub source: Source,
    /// Where it begins.
    pub place: Place,
    /// How many questions it determined: as a permit of what was permitted, as a forbid of what was not.
    pub determined: usize,
    /// How many it matched, whatever the others said.
    pub matched: usize,
    /// How many came into its scope.
    pub in_scope: usize,
    /// Whether it can match at all, as the contracts are.
    pub may_match: bool,
    /// Its clauses.
    pub clauses: Vec<ClauseCoverage>,
}

/// One clause.
#[derive(Debug)]
pub struct ClauseCoverage {
    /// Its text, and where it stands.
    pub clause: Clause,
    /// How many questions found it true, false, and impossible to evaluate.
    pub seen: [usize; 3],
    /// Whether it is wanted true, and wanted false.
    pub wanted: [bool; 2],
}

/// One operation or event.
#[derive(Debug)]
pub struct OperationCoverage {
    /// The partner.
    pub partner: String,
    /// Its name.
    pub name: String,
    /// Whether it is an event.
    pub is_event: bool,
    /// How many cases were let through, and how many were refused.
    pub cases: [usize; 2],
    /// Every value that it may carry, and how many cases that were let through do.
    pub values: Vec<(String, usize)>,
}

impl Coverage {
    /// Measures the cases of a bundle.
    #[must_use]
    pub fn of(rehearsal: &Rehearsal) -> Self {
        let mut policies: Vec<PolicyCoverage> = {
            let settled = ClauseTruths::of(&rehearsal.schema, &rehearsal.settings);
            rehearsal.texts.iter().map(|text| PolicyCoverage::none(text, &settled)).collect()
        };
        let mut operations = operations(&rehearsal.bundle);
        for (case, played) in &rehearsal.played {
            for asked in &played.asked {
                let Some(scene) = rehearsal.bundle.policies().lay_out(asked) else { continue };
                let (Judgement::Permits(decision) | Judgement::Denies(decision) | Judgement::Errs(decision)) =
                    asked.judgement();
                for (text, policy) in rehearsal.texts.iter().zip(&mut policies) {
                    let meeting = scene.meet(text);
                    policy.determined += usize::from(decision.policies().iter().any(|id| **id == *text.id));
                    policy.matched += usize::from(meeting.holds == Some(true));
                    policy.in_scope += usize::from(meeting.scope == [Met::True; 3]);
                    for (met, clause) in meeting.clauses.iter().zip(&mut policy.clauses) {
                        let [yes, no, erred] = &mut clause.seen;
                        match met {
                            Met::True => *yes += 1,
                            Met::False => *no += 1,
                            Met::Erred => *erred += 1,
                            Met::NotReached => {}
                        }
                    }
                }
            }
            let partner = partner_of(case).as_str();
            let is_this =
                |one: &&mut OperationCoverage| one.partner == partner && Some(&one.name) == played.operation.as_ref();
            if let Some(one) = operations.iter_mut().find(is_this) {
                one.count(case, played);
            }
        }
        let reasons = rehearsal.played.iter().map(|(_, played)| played.reason).collect();
        Self { cases: rehearsal.cases(), policies, operations, reasons }
    }

    /// What is exercised of what is wanted.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let policies = self.policies.iter().map(PolicyCoverage::counts);
        let operations = self.operations.iter().map(OperationCoverage::counts);
        policies.chain(operations).fold((0, 0), |(a, b), (c, d)| (a + c, b + d))
    }

    /// The same in hundredths, rounded down: 100 only where nothing is missing.
    #[must_use]
    pub fn percent(&self) -> usize {
        let (seen, wanted) = self.counts();
        (seen * 100).checked_div(wanted).unwrap_or(100)
    }
}

impl PolicyCoverage {
    fn none(text: &PolicyText, settled: &ClauseTruths) -> Self {
        let truths = settled.of_policy(text);
        let clauses = text.clauses.iter().zip(truths.clauses);
        Self {
            id: text.id.clone(),
            source: text.source.clone(),
            place: text.place,
            determined: 0,
            matched: 0,
            in_scope: 0,
            may_match: truths.may_match,
            clauses: clauses
                .map(|(clause, wanted)| ClauseCoverage { clause: clause.clone(), seen: [0; 3], wanted })
                .collect(),
        }
    }

    /// What is exercised of what is wanted.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let own = (usize::from(self.may_match && self.determined > 0), usize::from(self.may_match));
        self.clauses.iter().map(ClauseCoverage::counts).fold(own, |(a, b), (c, d)| (a + c, b + d))
    }
}

impl ClauseCoverage {
    /// What is exercised of what is wanted.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let pairs = self.seen.iter().zip(self.wanted).filter(|(_, wanted)| *wanted);
        pairs.fold((0, 0), |(seen, wanted), (count, _)| (seen + usize::from(*count > 0), wanted + 1))
    }
}

impl OperationCoverage {
    /// What is exercised of what is wanted.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let values = self.values.iter().map(|(_, count)| *count);
        let all = self.cases.into_iter().chain(values);
        all.fold((0, 0), |(seen, wanted), count| (seen + usize::from(count > 0), wanted + 1))
    }

    fn count(&mut self, case: &Case, played: &Played) {
        let [through, refused] = &mut self.cases;
        if !played.allowed {
            *refused += 1;
            return;
        }
        *through += 1;
        let carried = Carried::of(case);
        for (name, count) in &mut self.values {
            *count += usize::from(carried.holds(name));
        }
    }
}

/// What a case carries.
struct Carried {
    query: BTreeSet<String>,
    headers: BTreeSet<String>,
    body: Option<Value>,
}

impl Carried {
    fn of(case: &Case) -> Self {
        match &case.asks {
            Asks::Request { target, fields, body, .. } => Self {
                query: target.split_once('?').map(|(_, query)| names(query)).unwrap_or_default(),
                headers: fields.keys().map(|name| name.as_str().to_owned()).collect(),
                body: json::parse(body, LIMITS).ok(),
            },
            Asks::Event { partner, body, tenant, .. } => {
                let protector = Protector::new(partner.clone(), pseudonym_key(partner));
                let (query, headers) = Default::default();
                Self { query, headers, body: body.value(&protector, tenant.as_ref()).ok() }
            }
        }
    }

    /// Whether a value is there, by its name as [`value_name`] spells it.
    fn holds(&self, name: &str) -> bool {
        match name.split_once(' ') {
            // A path that lacks one is another path.
            Some(("path", _)) => true,
            Some(("query", name)) => self.query.contains(name.trim_end_matches("/*")),
            Some(("header", name)) => self.headers.contains(&name.trim_end_matches("/*").to_ascii_lowercase()),
            Some((_, pointer)) => self.body.as_ref().is_some_and(|body| stands(body, pointer)),
            None => false,
        }
    }
}

fn names(query: &str) -> BTreeSet<String> {
    query.split('&').filter_map(|pair| pair.split('=').next()).map(str::to_owned).collect()
}

/// Whether a body has something where a contract's pointer points.
fn stands(value: &Value, pointer: &str) -> bool {
    let Some(rest) = pointer.strip_prefix('/') else { return pointer.is_empty() };
    let (step, rest) = match rest.find('/') {
        Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at..).unwrap_or_default()),
        None => (rest, ""),
    };
    let members = || value.as_object().into_iter().flat_map(|object| object.iter().map(|(_, value)| value));
    match step {
        "*" => members().chain(value.as_array().into_iter().flatten()).any(|value| stands(value, rest)),
        "*#" => value.as_object().is_some_and(|object| !object.is_empty()),
        kind if kind.starts_with('(') => format!("({})", value.kind()) == kind && stands(value, rest),
        name => {
            let name = name.replace("~1", "/").replace("~0", "~");
            value.get(&name).is_some_and(|value| stands(value, rest))
        }
    }
}

/// Every operation and event of the contracts, with the values that a request of it may carry.
fn operations(bundle: &Bundle) -> Vec<OperationCoverage> {
    let mut all = Vec::new();
    for contract in bundle.contracts() {
        let mut add = |name: String, is_event, fields: &[Field]| {
            let values: BTreeMap<String, usize> = fields
                .iter()
                .filter(|field| field.status.is_none())
                .map(|field| (format!("{} {}", word(field.part), field.pointer), 0))
                .collect();
            let (partner, values) = (contract.partner().to_string(), values.into_iter().collect());
            all.push(OperationCoverage { partner, name, is_event, cases: [0; 2], values });
        };
        contract.operations().iter().for_each(|one| add(one.id.to_string(), false, &one.fields));
        contract.events().iter().for_each(|one| add(one.name.to_string(), true, &one.fields));
    }
    all
}

const fn word(part: Part) -> &'static str {
    match part {
        Part::Path => "path",
        Part::Query => "query",
        Part::Header => "header",
        Part::Body => "body",
    }
}
