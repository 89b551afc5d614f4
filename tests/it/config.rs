//! `portcullis config`: every key that the reader asks for is explained and documented, and no other; and what is in effect is
//! shown with where it comes from, but for secrets.

use crate::harness::Post;
use crate::harness::Stage;
use crate::harness::ask_about_tokens;
use crate::harness::export_records;
use crate::harness::fetch_tokens;
use crate::harness::publish_keys;
use crate::harness::take_events;
use crate::harness::told_by;
use crate::harness::without_mappings;
use portcullis::config::KEYS;
use portcullis::config::known_keys;
use portcullis::diagnostic::Source;
use portcullis::limits::TABLE;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

#[test]
fn every_key_that_the_reader_asks_for_is_explained_and_no_other() {
    let Post { stage, endpoint: _endpoint, .. } = Post::new();
    let _inbound = take_events(&stage);
    let nobody = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
    export_records(&stage, nobody, nobody);
    publish_keys(&stage, nobody);
    ask_about_tokens(&stage, nobody);
    let _server = fetch_tokens(&stage);
    let kept = "audit: {retention: {age: 400d, archive: {directory: state/archive}}, ";
    stage.edit("gateway.yaml", "audit: {", kept);
    let text = fs::read_to_string(stage.configuration()).unwrap();
    let all = known_keys(Source::new("gateway.yaml", text)).unwrap_or_else(|faults| panic!("{faults}"));
    let mut known = without_mappings(&all);
    assert!(known.remove("limits.<name>"), "the table of limits explains them");
    let explained: BTreeSet<String> = KEYS.iter().map(|key| key.path.to_owned()).collect();
    assert_eq!(explained, known);
    assert_eq!(KEYS.len(), explained.len(), "none twice");
}

#[test]
fn every_key_is_in_the_table_of_the_documentation_by_itself_or_with_the_mapping_that_it_stands_in() {
    let documented = include_str!("../../docs/operations.md");
    let (_, table) = documented.split_once("| key | default | |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let named: BTreeSet<&str> = rows.filter_map(|row| row.split('`').nth(1)).collect();
    let mapping = |path: &str| path.replace("[]", "");
    for key in KEYS {
        let path = mapping(key.path);
        let covered = named
            .iter()
            .any(|name| path == **name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')));
        assert!(covered, "{} is not in {named:?}", key.path);
    }
    let paths: Vec<String> = KEYS.iter().map(|key| mapping(key.path)).collect();
    for name in named.iter().filter(|name| **name != "limits") {
        assert!(paths.iter().any(|path| path.starts_with(name)), "{name} is no key");
    }
}

#[test]
fn what_is_in_effect_is_shown_with_where_it_comes_from_and_of_secrets_the_path() {
    let stage = Stage::new();
    stage.limit("body_max_bytes: 32KiB");
    let roles = "socket: state/admin.sock, roles: [{uid: 7, person: ivanov, roles: [operator, lifter]}]";
    stage.edit("gateway.yaml", "socket: state/admin.sock", roles);
    let file = stage.configuration();
    let file = file.to_str().unwrap();
    // Nothing but the file is read.
    fs::remove_dir_all(stage.path("pki")).unwrap();
    let (code, out, err) = told_by(&["config", "show", "--config", file, "--effective", "--format", "json"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let all: Value = serde_json::from_str(&out).unwrap();
    let all = all["keys"].as_array().unwrap();
    let of = |key: &str| all.iter().find(|one| one["key"] == key).unwrap_or_else(|| panic!("no {key} in {out}"));
    let shown = |key: &str| (of(key)["value"].as_str().map(str::to_owned), of(key)["line"].is_u64());
    let value = |value: &str, set| (Some(value.to_owned()), set);
    assert_eq!(shown("environment"), value("development", true));
    assert_eq!(shown("listeners.admin.roles"), value("[{uid: 7, person: ivanov, roles: [operator, lifter]}]", true));
    assert_eq!(shown("store.key"), value("file:pki/store.key", true));
    assert_eq!(shown("partners.smarthome.tls.key"), value("file:pki/gateway-at-partner.key", true));
    assert_eq!(shown("listeners.backend.tls.crl"), (None, false));
    assert_eq!(shown("limits.body_max_bytes"), value("32KiB", true));
    assert_eq!(shown("limits.answer_max_bytes"), value("1MiB", false));
    assert!(shown("issuers[0].issuer").1 && shown("issuers[0].algorithms").0.unwrap().starts_with('['));
    let keys: BTreeSet<&str> = all.iter().map(|one| one["key"].as_str().unwrap()).collect();
    assert_eq!(keys.len(), all.len());
    assert_eq!(all.iter().filter(|one| one["key"].as_str().unwrap().starts_with("limits.")).count(), TABLE.len());

    let (_, set, _) = told_by(&["config", "show", "--config", file]);
    assert!(!set.contains("answer_max_bytes") && set.contains("  32KiB  # "), "{set}");
    assert!(set.lines().all(|line| line.contains(&format!("# {file}:"))), "{set}");
    let (_, effective, _) = told_by(&["config", "show", "--config", file, "--effective"]);
    assert!(effective.contains("1MiB  # default\n"), "{effective}");
}

#[test]
fn a_key_is_explained_to_people_and_machines_and_an_unknown_one_is_a_fault() {
    let (code, out, _) = told_by(&["config", "explain", "partners.smarthome.token.lifetime"]);
    assert_eq!(code, 0);
    assert!(
        out.contains("  takes    duration from 1s to 5m\n  default  required, unless tokens are fetched\n"),
        "{out}"
    );
    let (_, out, _) = told_by(&["config", "explain", "--format", "json"]);
    let all: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(all["keys"].as_array().unwrap().len(), KEYS.len() + TABLE.len());
    let (code, out, err) = told_by(&["config", "explain", "store.keys"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("did you mean `store.key`?"), "{err}");
}
