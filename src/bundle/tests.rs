//! The sample bundle of the repository, loaded as it is and with one thing wrong at a time.

use crate::bundle::Bundle;
use crate::bundle::Stated;
use crate::diagnostic::Diagnostics;
use crate::limits::Limits;
use crate::model::Name;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

const REQUIREMENTS: &str = include_str!("../../policies/requirements.yaml");

/// A copy of the sample.
struct Sample(TempDir);

impl Sample {
    fn new() -> Self {
        let sample = Self(tempfile::tempdir().unwrap());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
        for folder in ["cedar", "contracts"] {
            fs::create_dir(sample.path(folder)).unwrap();
            for entry in fs::read_dir(root.join(folder)).unwrap() {
                let entry = entry.unwrap();
                fs::copy(entry.path(), sample.path(folder).join(entry.file_name())).unwrap();
            }
        }
        sample.write("requirements.yaml", REQUIREMENTS);
        sample
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn load(&self) -> Result<Bundle, Diagnostics> {
        Bundle::load(self.0.path(), &Limits::default())
    }

    fn faults(&self) -> Vec<&'static str> {
        self.load().err().map(|faults| faults.iter().map(|fault| fault.code).collect()).unwrap_or_default()
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

#[test]
fn the_sample_loads_with_its_contracts() {
    let bundle = Sample::new().load().map_err(|faults| panic!("{faults}")).unwrap();
    let contract = bundle.contract(&name("smarthome")).unwrap();
    assert!(contract.operations().iter().any(|operation| operation.id == name("openDoor")));
    let contract = bundle.contract(&name("parkline")).unwrap();
    assert!(contract.operations().iter().any(|operation| operation.id == name("openBarrier")));
    assert!(bundle.contract(&name("other")).is_none());
    assert_eq!(bundle.contracts().count(), 2);
}

#[test]
fn the_digest_is_what_sha256sum_says_and_approvals_are_not_in_it() {
    let sample = Sample::new();
    sample.write("tests/doors.yaml", "version: 1\n");
    let digest = sample.load().map_err(|faults| panic!("{faults}")).unwrap().digest();
    sample.write("approvals/1.json", "{}");
    assert_eq!(sample.load().map_err(|faults| panic!("{faults}")).unwrap().digest(), digest);
    let line = "find * -type f -not -path 'approvals/*' | LC_ALL=C sort | xargs sha256sum | sha256sum";
    let output = Command::new("sh").args(["-c", line]).current_dir(sample.0.path()).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{digest}  -\n"));
}

#[test]
fn every_file_changes_the_digest_by_content_and_by_name() {
    let sample = Sample::new();
    let digest = |sample: &Sample| sample.load().map_err(|faults| panic!("{faults}")).unwrap().digest();
    sample.write("tests/a.yaml", "version: 1\n");
    let first = digest(&sample);
    sample.write("tests/a.yaml", "version: 1 # more\n");
    let second = digest(&sample);
    fs::rename(sample.path("tests/a.yaml"), sample.path("tests/b.yaml")).unwrap();
    let third = digest(&sample);
    assert!(first != second && second != third && first != third);
}

#[test]
fn policies_see_the_values_of_path_query_and_body_each_of_its_kind() {
    let sample = Sample::new();
    let contract = fs::read_to_string(sample.path("contracts/smarthome.openapi.yaml")).unwrap();
    let count = "        - {name: count, in: query, required: true, schema: {type: integer, minimum: 1, maximum: 9, x-portcullis: {class: public}}}\n";
    sample.write(
        "contracts/smarthome.openapi.yaml",
        &contract.replacen("      requestBody:\n", &format!("{count}      requestBody:\n"), 1),
    );
    let schema = fs::read_to_string(sample.path("cedar/schema.cedarschema")).unwrap();
    let with = |request: &str| {
        schema.replacen("tokenKind: String,", &format!("tokenKind: String, request: {{{request}}},"), 1)
    };
    sample.write("cedar/schema.cedarschema", &with("count: Long, reason?: String, houseId: String"));
    assert_eq!(sample.faults(), [""; 0]);
    for wrong in ["count: String", "reason: String", "nobody?: String"] {
        sample.write("cedar/schema.cedarschema", &with(wrong));
        assert_eq!(sample.faults(), ["context-attribute"], "{wrong}");
    }
}

#[test]
fn what_has_no_place_in_a_bundle_is_a_fault() {
    for path in [
        "readme.md",
        "contracts/smarthome.yaml",
        "contracts/.smarthome.openapi.yaml",
        "contracts/old/smarthome.openapi.yaml",
        "cedar/doors.cedar~",
        "cedar/doors cedar.cedar",
        "cedar/constants.yaml",
        "constants.json",
        "tests/run.sh",
        "requirement.yaml",
    ] {
        let sample = Sample::new();
        sample.write(path, "");
        assert_eq!(sample.faults(), ["unknown-file"], "{path}");
    }
    let sample = Sample::new();
    std::os::unix::fs::symlink(sample.path("cedar/doors.cedar"), sample.path("cedar/link.cedar")).unwrap();
    assert_eq!(sample.faults(), ["unknown-file"]);
}

#[test]
fn what_is_missing_is_a_fault() {
    for path in ["requirements.yaml", "cedar/schema.cedarschema"] {
        let sample = Sample::new();
        fs::remove_file(sample.path(path)).unwrap();
        assert_eq!(sample.faults(), ["missing-file"], "{path}");
    }
    let faults = Bundle::load(Path::new("/nowhere/policies"), &Limits::default()).err().unwrap().to_string();
    assert!(faults.contains("/nowhere/policies"), "{faults}");
}

#[test]
fn faults_of_all_files_are_reported_at_once() {
    let sample = Sample::new();
    sample.write("requirements.yaml", "version: 2\n");
    sample.write("cedar/broken.cedar", "permit (");
    sample.write("contracts/broken.openapi.yaml", "openapi: 3.1.0\n");
    let text = sample.load().err().unwrap().to_string();
    for file in ["requirements.yaml", "broken.cedar", "broken.openapi.yaml"] {
        assert!(text.contains(file), "{file}: {text}");
    }
}

#[test]
fn a_contract_stands_in_a_file_of_its_partners_name_and_has_its_hosts_in_the_requirements() {
    let sample = Sample::new();
    fs::rename(sample.path("contracts/smarthome.openapi.yaml"), sample.path("contracts/other.openapi.yaml")).unwrap();
    assert_eq!(sample.faults(), ["contract-file-name"]);
    let sample = Sample::new();
    sample.write("requirements.yaml", &REQUIREMENTS.replace("  smarthome:", "  other:"));
    assert_eq!(sample.faults(), ["missing-partner", "missing-contract"]);
}

#[test]
fn requirements_are_strict() {
    for (from, to, code) in [
        ("version: 1\n", "version: 1\nversions: 1\n", "unknown-key"),
        ("environment: development", "environment: [development]", "wrong-type"),
        ("hosts: [api.smarthome.example]", "hosts: []", "empty-list"),
        ("hosts: [api.smarthome.example]", "hosts: [a.example, a.example]", "twice"),
        ("hosts: [api.smarthome.example]", "host: [a.example]", "missing-key"),
    ] {
        let sample = Sample::new();
        sample.write("requirements.yaml", &REQUIREMENTS.replace(from, to));
        assert!(sample.faults().contains(&code), "{to}: {:?}", sample.faults());
    }
}

#[test]
fn a_configuration_that_undercuts_a_requirement_is_told_where_it_stands() {
    let bundle = Sample::new().load().map_err(|faults| panic!("{faults}")).unwrap();
    let undercut = |environment: &str, issuers: &[&str], partner: &str, host: &str| {
        let (environment, partner) = (name(environment), name(partner));
        let stated = Stated { environment: &environment, issuers: issuers.to_vec(), partners: vec![(&partner, host)] };
        let faults = bundle.requirements().undercut(&stated);
        faults.iter().map(|fault| (fault.code, fault.place.line)).collect::<Vec<_>>()
    };
    let (login, host) = ("https://login.prop.example", "api.smarthome.example");
    assert_eq!(undercut("development", &[login], "smarthome", host), []);
    assert_eq!(undercut("production", &[login], "smarthome", host), [("requirement-undercut", 5)]);
    assert_eq!(undercut("development", &[login, "https://evil.example"], "smarthome", host).len(), 1);
    assert_eq!(undercut("development", &[login], "smarthome", "evil.example"), [("requirement-undercut", 10)]);
    assert_eq!(undercut("development", &[login], "other", host).len(), 1);
}
