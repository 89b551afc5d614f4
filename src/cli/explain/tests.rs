//! Explanations word for word, and what must never stand in one.

use super::*;
use crate::crypto::install_provider;
use crate::workbench::ChangeView;
use crate::workbench::ClauseLine;
use crate::workbench::ContractRule;
use crate::workbench::Effect;
use crate::workbench::PolicyLine;
use crate::workbench::PolicyView;
use std::fs;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What a policy adds that cannot be evaluated for a command that is older than a second.
const ERRING: &str = "@id(\"odd-sum\")\n@reason(\"Its sum is too large for a command that is two seconds old.\")\nforbid (\n  principal,\n  action == PropDevelopment::Action::\"openDoor\",\n  resource\n)\nwhen { context.ageSeconds * 4611686018427387904 < 0 };\n";

/// A case of its own for that policy.
const ERRING_CASE: &str = "version: 1\ncases:\n  - {name: a policy that errs, extends: open, request: {age: 3s}, expect: {outcome: refused}}\n";

fn sample() -> Arc<Bundle> {
    install_provider().unwrap();
    Arc::new(Bundle::load(&Path::new(ROOT).join("policies"), &Limits::default()).unwrap())
}

/// The sample with a policy that errs, in a folder of its own.
fn erring() -> (tempfile::TempDir, Arc<Bundle>) {
    let folder = tempfile::tempdir().unwrap();
    for (path, source) in sample().files() {
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, source.text()).unwrap();
    }
    fs::write(folder.path().join("cedar/erring.cedar"), ERRING).unwrap();
    let bundle = Bundle::load(folder.path(), &Limits::default()).unwrap();
    (folder, Arc::new(bundle))
}

fn golden_cases() -> Source {
    let text = fs::read_to_string(Path::new(ROOT).join("tests/it/golden/explain.yaml")).unwrap();
    Source::new("explain.yaml", text)
}

/// Each case of `sources` whose name is in none of the bundle's own, explained as text and as JSON.
fn explained(bundle: &Arc<Bundle>, sources: &[Source]) -> Vec<(String, String, String)> {
    let suite = Suite::read(sources, bundle).unwrap();
    let explainer = Explainer::of(Arc::clone(bundle)).unwrap();
    let one = |case: &Case| {
        let explanation = explainer.explain(case).unwrap().unwrap();
        let expected = if explanation.allowed == case.expect.allowed { "" } else { " OTHER THAN EXPECTED" };
        (format!("{}{expected}", case.name), text::text(&explanation), json_text(&json::json(&explanation)))
    };
    suite.cases().iter().map(one).collect()
}

fn all() -> Vec<(String, String, String)> {
    let mut all = explained(&sample(), &[golden_cases()]);
    let (_folder, bundle) = erring();
    let both = [golden_cases(), Source::new("erring.yaml", ERRING_CASE)];
    let erring = explained(&bundle, &both).into_iter().filter(|(name, ..)| name == "a policy that errs");
    all.extend(erring);
    all
}

#[test]
fn every_explanation_is_word_for_word_the_golden_one_on_one_screen_and_names_nobody() {
    let all = all();
    let wanted: String = all.iter().map(|(name, text, _)| format!("=== {name}\n{text}\n")).collect();
    let path = Path::new(ROOT).join("tests/it/golden/explain.txt");
    if std::env::var_os("GOLDEN").is_some_and(|word| word == "rewrite") {
        fs::write(&path, &wanted).unwrap();
    }
    for (name, text, json) in &all {
        for told in [text, json] {
            // Nothing of the case's persons and tokens stands in what is told of it.
            assert!(!told.contains("planted"), "{name}: {told}");
            assert!(!told.contains("eyJ"), "{name}: a token: {told}");
        }
        let lines = text.lines().count();
        assert!(lines <= 45, "{name}: {lines} lines are no screen");
        let _: serde_json::Value = serde_json::from_str(json).unwrap();
    }
    assert!(all.iter().all(|(name, ..)| !name.ends_with("OTHER THAN EXPECTED")), "see the golden file");
    assert!(all.len() >= 25, "{} cases", all.len());
    let golden = fs::read_to_string(&path).unwrap_or_default();
    for (told, golden) in wanted.split("=== ").zip(golden.split("=== ")) {
        assert_eq!(told, golden, "`GOLDEN=rewrite cargo test --lib cli::explain` writes the file anew");
    }
    assert_eq!(wanted, golden);
}

#[test]
fn the_page_about_explanations_shows_one_as_it_is() {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/explain.md")).unwrap();
    let golden = fs::read_to_string(Path::new(ROOT).join("tests/it/golden/explain.txt")).unwrap();
    let (_, shown) = page.split_once("```text\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    assert!(golden.contains(shown), "{shown}");
}

#[test]
fn what_strangers_wrote_moves_no_cursor_and_turns_no_line() {
    let hostile = "\u{1b}[2J\r\n\u{202e}<script>\u{200b}";
    let word = || hostile.to_owned();
    let clause = ClauseLine { text: word(), truth: "false", saw: vec![(word(), word())] };
    let line = |holds, effect| PolicyLine {
        id: word(),
        place: word(),
        effect,
        reason: word(),
        holds,
        determines: holds == "true",
        clauses: vec![clause.clone()],
    };
    let explanation = Explanation {
        about: word(),
        allowed: false,
        reason: word(),
        says: word(),
        step: "step 5, policy",
        facts: vec![("thing", word())],
        contract: Some(ContractRule { place: Some(word()), expected: Some(word()), declared: Some(word()) }),
        policies: Some(PolicyView {
            action: word(),
            policies: vec![line("true", Effect::Forbid), line("false", Effect::Permit), line("error", Effect::Forbid)],
            change: Some(ChangeView { by: word(), moves: vec![word()] }),
            sought: true,
        }),
        notes: vec![word()],
    };
    let text = text::text(&explanation);
    let json = json_text(&json::json(&explanation));
    for told in [&text, &json] {
        let hides = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202e}' | '\u{200b}');
        assert!(!told.contains(hides), "{told:?}");
    }
    assert_eq!(json.lines().count(), 1);
    assert_eq!(text.matches("\\u{1b}[2J\\r\\n\\u{202e}<script>\\u{200b}").count(), 29, "{text}");
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read["about"], hostile);
}

#[test]
fn a_case_that_is_not_there_is_told_with_the_nearest_and_a_file_must_hold_one() {
    let bundle = sample();
    let told = of_case(&bundle, None, Some("no such case")).unwrap_err().to_string();
    assert!(told.contains("the bundle's tests have no case `no such case`"), "{told}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("request.yaml");
    let told = of_case(&bundle, Some(&file), None).unwrap_err().to_string();
    assert!(told.contains("cannot be read"), "{told}");
    fs::write(&file, golden_cases().text().replace("  day:", "  my-day:").replace("extends: day", "extends: my-day"))
        .unwrap();
    let told = of_case(&bundle, Some(&file), None).unwrap_err().to_string();
    assert!(told.contains("more than one case") || told.contains("a second base"), "{told}");
}
