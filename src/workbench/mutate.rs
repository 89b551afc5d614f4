//! Which faults in policies the cases of a bundle would not notice.
//!
//! Each mutant stands in its policy's place before the questions that the cases put to the policies, as they were asked; that
//! it changes what is said is not enough: the case must expect something that tells. So a case that expects a refusal and no
//! more does not notice that another policy refuses now.

use crate::diagnostic::Source;
use crate::policy::Clause;
use crate::policy::Decision;
use crate::policy::Fate;
use crate::policy::Judgement;
use crate::policy::Mutant;
use crate::policy::Trial;
use crate::workbench::Case;
use crate::workbench::Played;
use crate::workbench::Rehearsal;
use std::collections::BTreeSet;

/// The cases that are named beside a survivor, at most.
const NAMED_MAX: usize = 3;

/// What became of all mutants.
#[derive(Debug, Default)]
pub struct Mutation {
    /// Those that some case notices.
    pub killed: usize,
    /// Those that Cedar's validator refuses, so that they could not be loaded.
    pub refused: usize,
    /// Those that no question can tell from the policy, by the schema or by the contracts.
    pub same: Vec<Marked>,
    /// Those that load, may matter, and that no case notices.
    pub survivors: Vec<Survivor>,
}

/// A mutant, for people.
#[derive(Clone, Debug)]
pub struct Marked {
    /// The policy.
    pub policy: String,
    /// Its file.
    pub source: Source,
    /// What is changed, and where.
    pub clause: Clause,
    /// The change.
    pub change: String,
    /// Whether the schema alone shows that it is the same; else the contracts do.
    pub by_schema: bool,
}

/// One that no case notices.
#[derive(Clone, Debug)]
pub struct Survivor {
    /// The mutant.
    pub mutant: Marked,
    /// What a case must bring to notice it.
    pub wants: String,
    /// Some of the cases that meet it, but expect nothing that tells.
    pub met_by: Vec<String>,
    /// How many cases come into the policy's scope at all.
    pub in_scope: usize,
}

impl Mutation {
    /// Tries every mutant; `progress` is told how many are done, and of how many.
    #[must_use]
    pub fn of(rehearsal: &Rehearsal, progress: &mut dyn FnMut(usize, usize)) -> Self {
        let mutants = Mutant::all(&rehearsal.schema, &rehearsal.texts, &rehearsal.settings);
        let questions: Vec<_> = rehearsal.played.iter().filter_map(|one| Some((one, one.1.asked.first()?))).collect();
        let asked: Vec<_> = questions.iter().map(|(_, asked)| *asked).collect();
        let mut mutation = Self::default();
        // The questions were asked of these very policies, which therefore know their actions.
        let Some(trial) = Trial::new(rehearsal.bundle.policies(), &rehearsal.texts, &asked) else { return mutation };
        for (done, mutant) in mutants.iter().enumerate() {
            progress(done, mutants.len());
            let Some(marked) = marked(rehearsal, mutant) else { continue };
            match mutant.fate {
                Fate::Refused => mutation.refused += 1,
                Fate::SameBySchema | Fate::SameByContracts => mutation.same.push(marked),
                Fate::Lives => {
                    let mut met_by = Vec::new();
                    let is_killed = questions.iter().enumerate().any(|(number, ((case, played), _))| {
                        let Some((before, after)) = trial.judge(number, mutant) else { return false };
                        if met_by.len() < NAMED_MAX {
                            met_by.push(case.name.clone());
                        }
                        tells_apart(case, played, &before, &after)
                    });
                    if is_killed {
                        mutation.killed += 1;
                    } else {
                        let (wants, in_scope) = (mutant.wants.clone(), trial.in_scope(mutant.policy));
                        mutation.survivors.push(Survivor { mutant: marked, wants, met_by, in_scope });
                    }
                }
            }
        }
        progress(mutants.len(), mutants.len());
        mutation
    }

    /// All that were made.
    #[must_use]
    pub fn total(&self) -> usize {
        self.killed + self.refused + self.same.len() + self.survivors.len()
    }
}

fn marked(rehearsal: &Rehearsal, mutant: &Mutant) -> Option<Marked> {
    let text = rehearsal.texts.get(mutant.policy)?;
    Some(Marked {
        policy: text.id.clone(),
        source: text.source.clone(),
        clause: mutant.clause.clone(),
        change: mutant.change.clone(),
        by_schema: mutant.fate == Fate::SameBySchema,
    })
}

/// Whether what a case expects holds for one of these judgements and not for the other.
fn tells_apart(case: &Case, played: &Played, before: &Judgement, after: &Judgement) -> bool {
    let expect = &case.expect;
    let ids = |judgement: &Judgement| -> BTreeSet<String> {
        let (Judgement::Permits(decision) | Judgement::Denies(decision) | Judgement::Errs(decision)) = judgement;
        Decision::policies(decision).iter().map(ToString::to_string).collect()
    };
    let permits = |judgement: &Judgement| matches!(judgement, Judgement::Permits(_));
    // What another step refuses behind the policies is on record without their ids.
    if expect.policies.is_some() && played.decision.is_some() && ids(before) != ids(after) {
        return true;
    }
    match (permits(before), permits(after)) {
        // What was refused would be let through, or the other way round. What another step refuses anyway has at least
        // another reason.
        (false, true) => true,
        (true, false) => expect.allowed || expect.reason.is_some(),
        (true, true) => false,
        // A policy that errs has a reason of its own.
        (false, false) => {
            let errs = |judgement: &Judgement| matches!(judgement, Judgement::Errs(_));
            errs(before) != errs(after) && expect.reason.is_some()
        }
    }
}
