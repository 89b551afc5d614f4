//! The catalogue of codes: whatever the sources tell has its page, every page is of a code that they tell, and
//! `docs/diagnostics.md` is the catalogue in print.

use portcullis::catalogue;
use regex_automata::meta::Regex;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Ways in which a code is told: it is the first text of one of these calls, or a member of this name.
const TOLD: &str = r#"(?:\b(?:fault|without_file|refuse|lint|tell|refuse_at|unread|unusable|stated|fault_at)\(|\bcode: |\bErr\(\(|\bfound\.push\(\()\s*(?:[&\w.?!()]+,\s*){0,2}"([a-z]+(?:-[a-z0-9]+)+|twice|unreadable|unusable|bounds|link|enum|pattern|size|duration|status|discriminator)","#;

/// What looks like a code there and is none: reasons that `/readyz` gives, and words of records.
const NO_CODES: &[&str] = &[
    "audit-disturbed",
    "audit-failed",
    "audit-overdue",
    "audit-space-short",
    "archive-failed",
    "audit-unattested",
    "clock-behind",
    "crl-expired",
    "directory-too-old",
    "exports-behind",
    "issuer-keys-missing",
    "not-recordable",
    "partner-certificate-expired",
    "partner-crl-expired",
    "partners-lapsed",
    "reload-failed",
    "revocations-full",
    "shutting-down",
    "store-failed",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the sources without what tests add.
fn sources(folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.strip_prefix(root()).unwrap().display().to_string();
        if entry.is_dir() && !name.ends_with("/tests") && !name.ends_with("/catalogue") && !name.contains("/devkit") {
            sources(&entry, found);
        } else if name.ends_with(".rs") && !name.ends_with("/tests.rs") {
            let text = fs::read_to_string(&entry).unwrap();
            let own = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
            found.insert(name, own);
        }
    }
}

#[test]
fn every_code_that_the_sources_tell_has_its_page() {
    let mut files = BTreeMap::new();
    sources(&root().join("src"), &mut files);
    let told = Regex::new(TOLD).unwrap();
    let mut codes = BTreeSet::new();
    for text in files.values() {
        for found in told.captures_iter(text) {
            codes.insert(text.get(found.get_group(1).unwrap().range()).unwrap());
        }
    }
    assert!(codes.len() > 150, "the pattern finds them: {}", codes.len());
    let without: Vec<_> =
        codes.iter().filter(|code| !NO_CODES.contains(code) && catalogue::page(code).is_none()).collect();
    assert!(without.is_empty(), "in src/catalogue/ there is no page of {without:?}");
}

#[test]
fn every_code_that_a_golden_text_shows_has_its_page() {
    for entry in fs::read_dir(root().join("tests/it/golden")).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_none_or(|kind| kind != "txt") {
            continue;
        }
        for line in fs::read_to_string(&entry).unwrap().lines() {
            let code = ["error[", "warning[", "lint["].iter().find_map(|word| line.strip_prefix(word));
            if let Some((code, _)) = code.and_then(|rest| rest.split_once("]: ")) {
                assert!(catalogue::page(code).is_some(), "{code} of {}", entry.display());
            }
        }
    }
}

#[test]
fn every_page_is_of_a_code_that_the_sources_tell() {
    let mut files = BTreeMap::new();
    sources(&root().join("src"), &mut files);
    for page in catalogue::pages() {
        let literal = format!("\"{}\"", page.code);
        assert!(files.values().any(|text| text.contains(&literal)), "nothing tells `{}`", page.code);
    }
}

#[test]
fn the_page_of_diagnostics_is_the_catalogue_in_print() {
    let file = root().join("docs/diagnostics.md");
    let page = fs::read_to_string(&file).unwrap();
    let (head, printed) = page.split_once("\n## ").unwrap();
    let wanted = catalogue::markdown();
    if std::env::var_os("GOLDEN").is_some_and(|wish| wish == "rewrite") {
        return fs::write(file, format!("{}\n{}", head.trim_end(), wanted)).unwrap();
    }
    let is_so = format!("\n## {printed}") == wanted;
    assert!(is_so, "GOLDEN=rewrite cargo test --test it catalogue writes docs/diagnostics.md anew");
}
