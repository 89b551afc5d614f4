//! The examples for CI and for commits: each is YAML, and each `portcullis …` in it is one that the program takes.

use crate::pasted::arguments;
use crate::pasted::is_taken;
use portcullis::diagnostic::Source;
use portcullis::yaml;
use portcullis::yaml::Node;
use portcullis::yaml::Yaml;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Every text of a file that begins with the program's name, one line each.
fn commands(node: &Node, found: &mut Vec<String>) {
    match &node.value {
        Yaml::Text(text) => {
            found.extend(text.lines().map(str::trim).filter(|line| line.starts_with("portcullis ")).map(str::to_owned));
        }
        Yaml::List(items) => items.iter().for_each(|item| commands(item, found)),
        Yaml::Map(entries) => entries.iter().for_each(|(_, value)| commands(value, found)),
        Yaml::Null | Yaml::Bool(_) | Yaml::Integer(_) | Yaml::Float(_) => {}
    }
}

#[test]
fn every_command_of_the_examples_for_ci_is_one_that_the_program_takes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/ci");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let source = Source::new(&path, fs::read_to_string(&path).unwrap());
        let root = yaml::parse(&source).unwrap_or_else(|faults| panic!("{faults}"));
        let mut found = Vec::new();
        commands(&root, &mut found);
        let mut kinds = BTreeSet::new();
        for command in found {
            let (words, whole) = arguments(&command).unwrap_or_else(|| panic!("{}: {command}", path.display()));
            kinds.insert(words[0].clone());
            assert!(is_taken(words, whole), "{}: {command}", path.display());
        }
        assert!(kinds.contains("check") && kinds.contains("test"), "{}: {kinds:?}", path.display());
        // Before a commit there is no time for these.
        let is_hook = path.ends_with("pre-commit-config.yaml");
        let told = ["coverage", "mutate", "diff"].map(|kind| kinds.contains(kind));
        assert_eq!(told, [!is_hook; 3], "{}: {kinds:?}", path.display());
        files += 1;
    }
    assert_eq!(files, 3);
}
