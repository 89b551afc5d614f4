//! All cases of a bundle played once, for whoever measures them: coverage and mutants.
//!
//! Where a case does not come out as it expects, there is nothing to measure: the bundle or the case is wrong.

use crate::bundle::Bundle;
use crate::clock::Clock;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::model::Direction;
use crate::model::PartnerName;
use crate::policy::PolicyText;
use crate::policy::Setting;
use crate::workbench::Asks;
use crate::workbench::Case;
use crate::workbench::Played;
use crate::workbench::Stage;
use crate::workbench::Suite;
use crate::workbench::run;
use std::sync::Arc;

/// A bundle, its policies as they are written, and what came of its cases.
pub struct Rehearsal {
    pub(super) bundle: Arc<Bundle>,
    pub(super) texts: Vec<PolicyText>,
    pub(super) schema: Source,
    pub(super) settings: Vec<Setting>,
    pub(super) played: Vec<(Case, Played)>,
}

impl Rehearsal {
    /// Plays all cases of a bundle.
    ///
    /// # Errors
    /// What is wrong with the cases, and those that do not come out as they expect.
    pub fn of(bundle: Arc<Bundle>, clock: &dyn Clock) -> Result<Self, Diagnostics> {
        let suite = Suite::read(&bundle.tests(), &bundle)?;
        let stage = Stage::of(Arc::clone(&bundle))
            .map_err(|fault| Diagnostics::from(Diagnostic::without_file("no-stage", fault.to_string())))?;
        let mut faults = Diagnostics::new();
        let mut played = Vec::with_capacity(suite.cases().len());
        for ran in run(&stage, suite.cases(), clock) {
            let case = ran.case;
            let fault = match ran.outcome {
                Ok((came, differences)) if differences.is_empty() => {
                    played.push((case.clone(), came));
                    continue;
                }
                Ok((_, differences)) => {
                    let at: Vec<String> = differences
                        .iter()
                        .map(|one| format!("{} is {} and not {}", one.at, one.got, one.wanted))
                        .collect();
                    format!("the case `{}` does not come out as it expects: {}", case.name, at.join("; "))
                }
                Err(fault) => format!("the case `{}` cannot be played: {fault}", case.name),
            };
            let fault = case.source.fault("case-fails", case.place, fault);
            faults.push(fault.help("`portcullis test` says more"));
        }
        let policies = |(path, source): (&str, &Source)| path.ends_with(".cedar").then(|| source.clone());
        let sources: Vec<Source> = bundle.files().filter_map(policies).collect();
        let schema = bundle.files().find(|(path, _)| path.ends_with(".cedarschema"));
        let schema = schema.map_or_else(|| Source::new("", ""), |(_, source)| source.clone());
        let (texts, settings) = (PolicyText::read(&sources), settings(&bundle));
        faults.or_fail(Self { bundle, texts, schema, settings, played })
    }

    /// How many cases were played.
    #[must_use]
    pub fn cases(&self) -> usize {
        self.played.len()
    }
}

/// All that can be asked of the bundle's policies.
fn settings(bundle: &Bundle) -> Vec<Setting> {
    let mut all = Setting::own();
    for contract in bundle.contracts() {
        let partner = Some(contract.partner().to_string());
        all.extend(contract.operations().iter().map(|operation| Setting {
            action: operation.action.to_string(),
            principal: match operation.direction {
                Direction::Outbound => "User".to_owned(),
                Direction::Inbound => "Partner".to_owned(),
            },
            resource: operation.resource.kind.to_string(),
            partner: partner.clone(),
            purpose: Some(operation.purpose.to_string()),
            // What moves something wants a session's token (`pipeline/operation.rs`).
            sessions_only: operation.actuates.is_some(),
            max_age_s: operation.max_age_s,
        }));
        all.extend(contract.events().iter().map(|event| Setting {
            action: event.action.to_string(),
            principal: match event.direction {
                Direction::Outbound => "Backend".to_owned(),
                Direction::Inbound => "Partner".to_owned(),
            },
            resource: event.resource.kind.to_string(),
            partner: partner.clone(),
            purpose: Some(event.purpose.to_string()),
            ..Setting::default()
        }));
    }
    all
}

/// The partner whom a case is about.
pub(super) fn partner_of(case: &Case) -> &PartnerName {
    match &case.asks {
        Asks::Request { partner, .. } | Asks::Event { partner, .. } => partner,
    }
}
