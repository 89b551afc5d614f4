//! The sample's cases on the stage, and what is wrong with a case.

use crate::bundle::Bundle;
use crate::clock::SystemClock;
use crate::limits::Limits;
use crate::policy::Judgement;
use crate::workbench::Ran;
use crate::workbench::Stage;
use crate::workbench::Suite;
use crate::workbench::run;
use std::path::Path;
use std::sync::Arc;

fn sample() -> Arc<Bundle> {
    crate::crypto::install_provider().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    Arc::new(Bundle::load(&folder, &Limits::default()).unwrap())
}

#[test]
fn every_case_of_the_sample_comes_out_as_it_expects() {
    let bundle = sample();
    let suite = Suite::read(bundle.tests(), &bundle).unwrap();
    assert!(suite.cases().len() > 100);
    let stage = Stage::of(bundle).unwrap();
    let ran = run(&stage, suite.cases(), &SystemClock::new());
    let told = |ran: &Ran<'_>| match &ran.outcome {
        Ok((played, differences)) => {
            format!("{}: {:?} {differences:#?}\n{:#?}", ran.case.name, played.reply, played.records)
        }
        Err(fault) => format!("{}: {fault}", ran.case.name),
    };
    let failed: Vec<String> = ran.iter().filter(|ran| !ran.passed()).map(told).collect();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), ran.len(), failed.join("\n\n"));
    assert!(ran.iter().map(|ran| &ran.case.name).eq(suite.cases().iter().map(|case| &case.name)));
    for ran in &ran {
        let Ok((played, _)) = &ran.outcome else { continue };
        // What was asked is what is on record, and is judged again as it was.
        if let (Some(asked), Some(decision)) = (played.asked.first(), &played.decision) {
            let judgement = asked.judgement();
            assert_eq!(matches!(judgement, Judgement::Permits(_)), decision.allow, "{}", ran.case.name);
            assert_eq!(stage.bundle().policies().ask_again(asked), *judgement, "{}", ran.case.name);
        }
        // Whoever is refused behind a permit has no decision on record; nobody has one on record who was not judged.
        assert!(played.decision.is_none() || !played.asked.is_empty(), "{}", ran.case.name);
    }
}
