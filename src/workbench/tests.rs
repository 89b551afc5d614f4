//! The sample's cases on the stage, and what is wrong with a case.

use crate::bundle::Bundle;
use crate::limits::Limits;
use crate::policy::Judgement;
use crate::workbench::Stage;
use crate::workbench::Suite;
use crate::workbench::held_against;
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
    assert!(!suite.cases().is_empty());
    let stage = Stage::of(bundle).unwrap();
    for case in suite.cases() {
        let played = stage.play(case).unwrap();
        let differences = held_against(case, &played).unwrap();
        assert!(differences.is_empty(), "{}: {differences:#?}\n{:#?}", case.name, played.records);
        // What was asked is what is on record, and is judged again as it was.
        if let (Some(asked), Some(decision)) = (played.asked.first(), &played.decision) {
            let judgement = asked.judgement();
            assert_eq!(matches!(judgement, Judgement::Permits(_)), decision.allow, "{}", case.name);
            assert_eq!(stage.bundle().policies().ask_again(asked), *judgement, "{}", case.name);
        }
        assert_eq!(played.asked.is_empty(), played.decision.is_none(), "{}", case.name);
    }
}
