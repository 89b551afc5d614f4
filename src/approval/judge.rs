//! Whether a bundle may come into force: the rules, over what was read. No input, no output, no clock.
//!
//! - Infosec and the product owner sign the bundle: two statements of one sequence on its digest.
//! - The personal-data officer signs the digest of the list of personal data, unless an activated bundle had the very same
//!   list and no partner is new.
//! - In production, where a partner or an operation that moves something is new, one of the two names the report of a probe
//!   or a penetration test that is not older than 180 days.
//!
//! New is what the last activated bundle did not have. Each statement that counts has passed `counted.rs`. That one person
//! counts once, the list of signers sees to: a person has one role in it.
//!
//! A bundle that is in force already comes back at a restart with nothing but its own bytes: what bounded its activation
//! (times, who was in the list) must not keep a gateway from starting that would still run (DESIGN, "rules of the house").

use crate::approval::approved::Cleared;
use crate::approval::approved::Step;
use crate::approval::counted::Against;
use crate::approval::data::data_digest;
use crate::approval::history::Activation;
use crate::approval::history::History;
use crate::approval::signed::Signed;
use crate::approval::signed::statements;
use crate::approval::signers::Signers;
use crate::approval::signers_file::SignersFile;
use crate::approval::statement::Evidence;
use crate::approval::statement::Statement;
use crate::approval::succession;
use crate::bundle::Bundle;
use crate::clock::UnixMillis;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::model::DEVELOPMENT;
use crate::model::Name;
use crate::model::PRODUCTION;
use crate::model::SigningRole;
use std::sync::Arc;

/// How old evidence may be, in milliseconds: 180 days, from the end of the day that it names.
const EVIDENCE_MAX_AGE_MS: u64 = 181 * DAY_MS;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// What a bundle is judged by, besides itself and what was before.
pub struct Terms<'a> {
    /// The environment of the configuration.
    pub environment: &'a Name,
    /// The list of signers; `None` where the configuration names none.
    pub signers: Option<&'a SignersFile>,
    /// Now.
    pub now: UnixMillis,
    /// What of the configuration asks for signatures, for faults that are in no file.
    pub asked: Option<(&'a Source, Place)>,
}

/// Clears a bundle for activation.
///
/// # Errors
/// Each role that is missing, with why its newest statements do not count; each other rule that is broken.
pub fn judge(bundle: &Arc<Bundle>, terms: &Terms<'_>, history: &History) -> Result<Cleared, Diagnostics> {
    let judged = match terms.signers {
        Some(file) => judge_signed(bundle, file, terms, history),
        None => unsigned(bundle, terms, history).map_err(Diagnostics::from),
    };
    judged.map_err(|faults| asked_at(faults, terms))
}

/// What one statement is worth.
pub struct Worth {
    /// The statement.
    pub signed: Signed,
    /// Why it does not count; `None` where it does.
    pub why_not: Option<Diagnostic>,
}

/// What each statement beside a bundle is worth, in the order of their names; nothing is decided.
///
/// # Errors
/// What is wrong with the list of signers; each file that is no statement or no signature.
pub fn worth(bundle: &Bundle, terms: &Terms<'_>, history: &History) -> Result<Vec<Worth>, Diagnostics> {
    let Some(file) = terms.signers else { return Ok(Vec::new()) };
    let in_effect = succession::in_effect(file, terms.environment, history.signers.as_ref())?;
    let last = history.last.as_ref().filter(|last| !last.is_of(bundle, terms.environment));
    let against = against(bundle, terms, &in_effect.signers, last);
    let worth = |signed: Signed| Worth { why_not: against.counted(&signed).err(), signed };
    Ok(statements(bundle.approvals())?.into_iter().map(worth).collect())
}

/// What the statements beside `bundle` are counted against, where `last` was activated here.
fn against<'a>(bundle: &Bundle, terms: &Terms<'a>, signers: &'a Signers, last: Option<&Activation>) -> Against<'a> {
    Against {
        environment: terms.environment,
        signers,
        bundle: bundle.digest(),
        data: data_digest(bundle),
        activated: last.map(|last| last.sequence),
        now: terms.now,
    }
}

fn unsigned(bundle: &Arc<Bundle>, terms: &Terms<'_>, history: &History) -> Result<Cleared, Diagnostic> {
    let help = "name the list of those who sign bundles: `policies: {signers: /etc/portcullis/signers.yaml}`";
    if terms.environment.as_str() != DEVELOPMENT {
        let message = format!("`policies.signers` is missing, and `{}` takes no unsigned bundle", terms.environment);
        return Err(Diagnostic::without_file("signers-required", message).help(help));
    }
    if let Some(last) = &history.last {
        let message = format!("bundles are signed here: the last one had the sequence {}", last.sequence);
        return Err(Diagnostic::without_file("unsigned-after-signed", message).help(help));
    }
    Ok(Cleared { bundle: Arc::clone(bundle), step: Step::Unsigned, list: None })
}

fn judge_signed(
    bundle: &Arc<Bundle>,
    file: &SignersFile,
    terms: &Terms<'_>,
    history: &History,
) -> Result<Cleared, Diagnostics> {
    let in_effect = succession::in_effect(file, terms.environment, history.signers.as_ref())?;
    let statements = statements(bundle.approvals())?;
    let list = Some(in_effect.list).filter(|_| in_effect.is_new);
    let last = history.last.as_ref();
    if let Some(last) = last.filter(|last| last.is_of(bundle, terms.environment)) {
        let step = match history.is_recorded {
            true => Step::Again(last.clone()),
            false => Step::Unrecorded { activation: last.clone(), replaced: history.before },
        };
        return Ok(Cleared { bundle: Arc::clone(bundle), step, list });
    }
    let against = against(bundle, terms, &in_effect.signers, last);
    let next = Next::of(bundle, last);
    let mut faults = Diagnostics::new();
    let held = Held::of(&statements, &against);
    let pair = held.pair(&mut faults);
    let officer_needed = next.new_partner || !history.data.contains(&against.data);
    let officer = held.officer(pair.map(|(infosec, _)| infosec.sequence));
    if officer_needed && officer.is_none() {
        held.missing(SigningRole::DataOfficer, &mut faults);
    }
    let Some((infosec, owner)) = pair else { return Err(faults) };
    if terms.environment.as_str() == PRODUCTION && next.needs_evidence() {
        tried([infosec, owner], &next, terms.now).unwrap_or_else(|fault| faults.push(fault));
    }
    let mut signed_by: Vec<_> = [infosec, owner].map(|by| (by.role, by.person.clone())).to_vec();
    signed_by.extend(officer.map(|by| (by.role, by.person.clone())));
    let activation = Activation {
        sequence: infosec.sequence,
        environment: terms.environment.clone(),
        bundle: against.bundle,
        data: against.data,
        at: terms.now,
        partners: next.partners,
        actuating: next.actuating,
        signed_by,
    };
    let replaced = last.map(|last| last.bundle);
    let expected = infosec.previous;
    faults.or_fail(Cleared { bundle: Arc::clone(bundle), step: Step::New { activation, replaced, expected }, list })
}

/// The statements, each with what it is worth.
struct Held<'s> {
    counted: Vec<&'s Statement>,
    others: Vec<(&'s Statement, Diagnostic)>,
}

impl<'s> Held<'s> {
    fn of(statements: &'s [Signed], against: &Against<'_>) -> Self {
        let mut held = Self { counted: Vec::new(), others: Vec::new() };
        for signed in statements {
            match against.counted(signed) {
                Ok(statement) => held.counted.push(statement),
                Err(why) => held.others.push((&signed.statement, why)),
            }
        }
        held
    }

    fn counted(&self, role: SigningRole) -> impl Iterator<Item = &'s Statement> {
        self.counted.iter().copied().filter(move |statement| statement.role == role)
    }

    /// Infosec's and the product owner's statements of the highest sequence that both have.
    fn pair(&self, faults: &mut Diagnostics) -> Option<(&'s Statement, &'s Statement)> {
        let of = |infosec: &'s Statement| {
            let owner = self.counted(SigningRole::ProductOwner).find(|owner| owner.sequence == infosec.sequence);
            owner.map(|owner| (infosec, owner))
        };
        let pair = self.counted(SigningRole::Infosec).filter_map(of).max_by_key(|(infosec, _)| infosec.sequence);
        if pair.is_some() {
            return pair;
        }
        let mut apart = true;
        for role in [SigningRole::Infosec, SigningRole::ProductOwner] {
            if self.counted(role).next().is_none() {
                self.missing(role, faults);
                apart = false;
            }
        }
        if apart {
            let message = "infosec and the product owner have signed statements of different sequences";
            let help = "both sign one sequence: `portcullis approve --sequence`";
            faults.push(Diagnostic::without_file("approval-apart", message).help(help));
        }
        None
    }

    /// The officer's newest statement that is not newer than the bundle's own.
    fn officer(&self, sequence: Option<u64>) -> Option<&'s Statement> {
        let fits = |statement: &&Statement| sequence.is_none_or(|sequence| statement.sequence <= sequence);
        self.counted(SigningRole::DataOfficer).filter(fits).max_by_key(|statement| statement.sequence)
    }

    /// Reports that a role is missing, and why its newest statements do not count.
    fn missing(&self, role: SigningRole, faults: &mut Diagnostics) {
        let about = match role {
            SigningRole::DataOfficer => "the list of its personal data",
            SigningRole::Infosec | SigningRole::ProductOwner => "this bundle",
        };
        let message = format!("{} has not signed {about}, as far as counts here", role.says());
        let help =
            format!("`portcullis approve --role {}` writes what is to be signed (docs/approvals.md)", role.word());
        faults.push(Diagnostic::without_file("approval-missing", message).help(help));
        let of_role = || self.others.iter().filter(|(statement, _)| statement.role == role);
        let newest = of_role().map(|(statement, _)| statement.sequence).max();
        for (_, why) in of_role().filter(|(statement, _)| Some(statement.sequence) == newest) {
            faults.push(why.clone());
        }
    }
}

/// What of a bundle is new.
struct Next {
    partners: Vec<Box<str>>,
    actuating: Vec<Box<str>>,
    new_partner: bool,
    new_actuating: bool,
}

impl Next {
    fn of(bundle: &Bundle, last: Option<&Activation>) -> Self {
        let partners: Vec<Box<str>> = bundle.contracts().map(|contract| contract.partner().as_str().into()).collect();
        let actuating = bundle.contracts().flat_map(|contract| {
            let moves = contract.operations().iter().filter(|operation| operation.actuates.is_some());
            moves.map(move |operation| format!("{}/{}", contract.partner(), operation.id).into_boxed_str())
        });
        let mut actuating: Vec<Box<str>> = actuating.collect();
        actuating.sort_unstable();
        let new = |all: &[Box<str>], before: Option<&Vec<Box<str>>>| {
            all.iter().any(|one| !before.is_some_and(|before| before.contains(one)))
        };
        let new_partner = new(&partners, last.map(|last| &last.partners));
        let new_actuating = new(&actuating, last.map(|last| &last.actuating));
        Self { partners, actuating, new_partner, new_actuating }
    }

    const fn needs_evidence(&self) -> bool {
        self.new_partner || self.new_actuating
    }
}

/// Whether one of these names evidence that is young enough.
fn tried(statements: [&Statement; 2], next: &Next, now: UnixMillis) -> Result<(), Diagnostic> {
    let what = if next.new_partner { "a partner is new" } else { "an operation that moves something is new" };
    let help = "`portcullis approve --evidence pentest:2026-11-20:report.pdf`";
    let mut all = statements.iter().flat_map(|statement| &statement.evidence).peekable();
    if all.peek().is_none() {
        let message = format!("{what}, and no statement names a probe or a penetration test");
        return Err(Diagnostic::without_file("evidence-missing", message).help(help));
    }
    let is_young = |evidence: &Evidence| {
        evidence.day_began().is_some_and(|began| {
            // A day ahead: where it was made, it may be tomorrow already.
            began <= now.plus(DAY_MS) && now < began.plus(EVIDENCE_MAX_AGE_MS)
        })
    };
    if all.any(is_young) {
        return Ok(());
    }
    let message = format!("{what}, and every probe or penetration test named is older than 180 days, or still to come");
    Err(Diagnostic::without_file("evidence-old", message).help(help))
}

/// The faults that are in no file, at the line that asks for signatures.
fn asked_at(faults: Diagnostics, terms: &Terms<'_>) -> Diagnostics {
    let Some((source, place)) = terms.asked else { return faults };
    let mut placed = Diagnostics::new();
    for fault in faults.iter() {
        placed.push(fault.clone().asked_at(source, place));
    }
    placed
}

impl Activation {
    /// Whether it is this very bundle's, for this environment.
    fn is_of(&self, bundle: &Bundle, environment: &Name) -> bool {
        self.bundle == bundle.digest() && self.environment == *environment
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approval::EvidenceKind;
    use crate::limits::Limits;
    use crate::model::Sha256;
    use std::path::Path;

    fn sample() -> Bundle {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
        Bundle::load(&folder, &Limits::default()).unwrap_or_else(|faults| panic!("{faults}"))
    }

    fn statement(evidence: &[&str]) -> Statement {
        let digest = Sha256::new([7; 32]);
        Statement {
            environment: Name::new(PRODUCTION).unwrap(),
            bundle: digest,
            data: digest,
            sequence: 1,
            previous: None,
            role: SigningRole::Infosec,
            person: Name::new("anna").unwrap(),
            created: UnixMillis::new(0),
            not_after: UnixMillis::new(0),
            evidence: evidence
                .iter()
                .map(|date| Evidence { kind: EvidenceKind::Pentest, digest, date: date.parse().unwrap() })
                .collect(),
        }
    }

    #[test]
    fn evidence_is_young_for_180_days_and_not_one_moment_longer() {
        let next = Next::of(&sample(), None);
        let at = |text: &str| UnixMillis::parse(text).unwrap();
        let code =
            |dates: &[&str], now| tried([&statement(&[]), &statement(dates)], &next, now).err().map(|fault| fault.code);
        let tested = "2026-01-01";
        assert_eq!(code(&[], at("2026-01-02T00:00:00Z")), Some("evidence-missing"));
        // The last moment of the 180th day after the one that is named.
        assert_eq!(code(&[tested], at("2026-06-30T23:59:59.999Z")), None);
        assert_eq!(code(&[tested], at("2026-07-01T00:00:00Z")), Some("evidence-old"));
        assert_eq!(code(&["2020-01-01", tested], at("2026-06-30T23:59:59.999Z")), None, "one is enough");
        // Where it was made it may be tomorrow already; the day after is still to come.
        assert_eq!(code(&[tested], at("2025-12-31T00:00:00Z")), None);
        assert_eq!(code(&[tested], at("2025-12-30T23:59:59.999Z")), Some("evidence-old"));
    }

    #[test]
    fn what_the_last_bundle_did_not_have_is_new_and_nothing_else() {
        let bundle = sample();
        let first = Next::of(&bundle, None);
        assert!(first.new_partner && first.new_actuating, "at the first start everything is");
        let last = |partners: &[Box<str>], actuating: &[Box<str>]| Activation {
            sequence: 1,
            environment: Name::new(PRODUCTION).unwrap(),
            bundle: Sha256::new([1; 32]),
            data: Sha256::new([2; 32]),
            at: UnixMillis::new(0),
            partners: partners.to_vec(),
            actuating: actuating.to_vec(),
            signed_by: Vec::new(),
        };
        let (partners, moves) = (&first.partners[..], &first.actuating[..]);
        assert!(partners.len() >= 2 && moves.len() >= 2);
        let new = |last: &Activation| {
            let next = Next::of(&bundle, Some(last));
            (next.new_partner, next.new_actuating)
        };
        assert_eq!(new(&last(partners, moves)), (false, false));
        assert_eq!(new(&last(&partners[1..], moves)), (true, false));
        assert_eq!(new(&last(partners, &moves[1..])), (false, true));
        let more: Vec<Box<str>> = moves.iter().cloned().chain(["zz/openAll".into()]).collect();
        assert_eq!(new(&last(partners, &more)), (false, false), "what is gone asks for nothing");
    }
}
