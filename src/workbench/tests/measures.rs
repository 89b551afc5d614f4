//! The sample's cases measured: they exercise all that is wanted, and notice every fault; where some are missing, both say so.

use super::sample;
use crate::clock::SystemClock;
use crate::policy::Fate;
use crate::policy::Judgement;
use crate::policy::Mutant;
use crate::policy::Trial;
use crate::workbench::Coverage;
use crate::workbench::Mutation;
use crate::workbench::Rehearsal;

fn rehearsal() -> Rehearsal {
    Rehearsal::of(sample(), &SystemClock::new()).unwrap()
}

#[test]
fn the_cases_of_the_sample_notice_every_fault_and_exercise_all_that_is_wanted() {
    let mut rehearsal = rehearsal();
    let mut told = Vec::new();
    let mutation = Mutation::of(&rehearsal, &mut |done, all| told.push((done, all)));
    assert!(mutation.survivors.is_empty(), "{:#?}", mutation.survivors);
    assert!(mutation.killed > 200, "{}", mutation.killed);
    assert_eq!(told.last(), Some(&(mutation.total(), mutation.total())));
    let coverage = Coverage::of(&rehearsal);
    assert_eq!(coverage.percent(), 100, "{coverage:#?}");

    // Without the cases at the edges and those of the concierge, both tell what is missing.
    rehearsal.played.retain(|(case, _)| !case.source.path().ends_with("edges.yaml") && !case.name.contains("reads"));
    let mutation = Mutation::of(&rehearsal, &mut |_, _| ());
    let of_age = mutation.survivors.iter().filter(|survivor| survivor.mutant.policy == "door-at-once");
    let changes: Vec<&str> = of_age.map(|survivor| survivor.mutant.change.as_str()).collect();
    assert_eq!(changes, ["`>` becomes `>=`", "`10` becomes `9`"]);
    assert!(Coverage::of(&rehearsal).percent() < 100);
    rehearsal.played.clear();
    let coverage = Coverage::of(&rehearsal);
    assert_eq!((coverage.percent(), coverage.counts().0), (0, 0));
    let mutation = Mutation::of(&rehearsal, &mut |_, _| ());
    assert_eq!(mutation.killed, 0);
    assert!(mutation.survivors.iter().all(|survivor| survivor.in_scope == 0));
}

#[test]
fn no_case_tells_a_mutant_from_its_policy_that_is_said_to_be_the_same() {
    let rehearsal = rehearsal();
    let mutants = Mutant::all(&rehearsal.schema, &rehearsal.texts, &rehearsal.settings);
    let asked: Vec<_> = rehearsal.played.iter().flat_map(|(_, played)| &played.asked).collect();
    let trial = Trial::new(rehearsal.bundle.policies(), &rehearsal.texts, &asked).unwrap();
    let mut same = [0; 2];
    for mutant in &mutants {
        let counted = match mutant.fate {
            Fate::SameBySchema => 0,
            Fate::SameByContracts => 1,
            Fate::Lives | Fate::Refused => continue,
        };
        same[counted] += 1;
        for number in 0..asked.len() {
            let judged = trial.judge(number, mutant);
            assert!(judged.is_none(), "{} {}: {judged:?}", mutant.clause.text, mutant.change);
        }
    }
    assert!(same[0] > 20 && same[1] > 20, "{same:?}");
}

#[test]
fn the_pieces_of_every_policy_say_of_every_case_what_was_decided() {
    let rehearsal = rehearsal();
    for (case, played) in &rehearsal.played {
        for asked in &played.asked {
            let scene = rehearsal.bundle.policies().lay_out(asked).unwrap();
            let holding = rehearsal.texts.iter().filter(|text| scene.meet(text).holds == Some(true));
            let (forbids, permits): (Vec<_>, Vec<_>) = holding.partition(|text| text.forbids);
            let allowed = forbids.is_empty() && !permits.is_empty();
            assert_eq!(matches!(asked.judgement(), Judgement::Permits(_)), allowed, "{}", case.name);
        }
    }
}
