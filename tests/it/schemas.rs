//! `portcullis schema`: what editors are told of our files is true of the samples, false of broken ones, and has every key.

use crate::examples::done;
use crate::examples::shell;
use crate::harness::Command;
use crate::harness::Inbound;
use crate::harness::Record;
use crate::harness::Served;
use crate::harness::page;
use crate::harness::shell_blocks;
use crate::harness::told_by;
use portcullis::config;
use portcullis::diagnostic::Source;
use portcullis::yaml;
use portcullis::yaml::Node;
use portcullis::yaml::Yaml;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn schema(kind: &str) -> Value {
    let (code, out, err) = told_by(&["schema", kind]);
    assert_eq!((code, err.as_str()), (0, ""));
    serde_json::from_str(&out).unwrap()
}

/// A file as JSON.
fn file(text: &str) -> Value {
    fn value(node: &Node) -> Value {
        match &node.value {
            Yaml::Null => Value::Null,
            Yaml::Bool(truth) => json!(truth),
            Yaml::Integer(number) => json!(number),
            Yaml::Float(number) => json!(number),
            Yaml::Text(text) => json!(text),
            Yaml::List(items) => items.iter().map(value).collect(),
            Yaml::Map(entries) => entries.iter().map(|(key, node)| (key.text.clone(), value(node))).collect(),
        }
    }
    value(&yaml::parse(&Source::new("sample.yaml", text)).unwrap_or_else(|faults| panic!("{faults}")))
}

/// Holds samples against a schema, and each broken by one edit.
fn hold(kind: &str, samples: &[&str], broken: &[(&str, &str)]) {
    let schema = schema(kind);
    assert!(jsonschema::meta::is_valid(&schema), "{kind} is no JSON Schema");
    let validator = jsonschema::validator_for(&schema).unwrap();
    for path in samples {
        let faults: Vec<String> = validator.iter_errors(&file(&page(path))).map(|fault| format!("{fault}")).collect();
        assert_eq!(faults, [""; 0], "{path}");
    }
    let sample = page(samples[0]);
    for (from, to) in broken {
        assert!(sample.contains(from), "{kind}: no {from:?}");
        assert!(!validator.is_valid(&file(&sample.replacen(from, to, 1))), "{kind}: {to:?} passes for {from:?}");
    }
}

#[test]
fn the_sample_configurations_fit_their_schema_and_broken_ones_do_not() {
    hold(
        "gateway",
        &["gateway.yaml", "deploy/systemd/gateway.yaml"],
        &[
            ("version: 1", "version: 2"),
            ("environment: development", "environmnt: development"),
            ("environment: development", "environment: [development]"),
            ("max_lifetime: 1h", "max_lifetime: 3600"),
            ("algorithms: [ES256, EdDSA]", "algorithms: [none]"),
            ("algorithms: [ES256, EdDSA]", "algorithms: []"),
            ("bind: [mtls]", "bind: [none]"),
            ("body_max_bytes: 64KiB", "body_max_bytes: 64KB"),
            ("connections_max: 10000", "connections_max: 0"),
            ("connections_max: 10000", "connections_maximum: 10000"),
            ("upstream: https://api.smarthome.example:443", "upstream: http://api.smarthome.example"),
            ("      client_ca: pki/backend-ca.pem", "      ca: pki/backend-ca.pem"),
            ("  key: pki/store.key", "  keys: pki/store.key"),
            ("sessions:", "session:"),
        ],
    );
}

#[test]
fn the_sample_contracts_fit_their_schema_and_broken_ones_do_not() {
    hold(
        "contract",
        &["policies/contracts/smarthome.openapi.yaml", "policies/contracts/parkline.openapi.yaml"],
        &[
            ("openapi: 3.1.0", "openapi: 3.0.3"),
            ("country: RU", "country: Russia"),
            ("  recipient: Smart", "  receiver: Smart"),
            ("operationId: openDoor", "operationID: openDoor"),
            ("actuates: door", "actuates: window"),
            ("max_age: 10s", "max_age: 10"),
            ("direction: outbound", "direction: out"),
            ("action: openDoor", "actions: openDoor"),
            ("class: public", "class: open"),
            ("{class: public}", "{protect: keep}"),
            ("claim: sub", "claim: name"),
            ("\"200\":", "default:"),
            ("in: path", "in: cookie"),
            ("resource: {type: Door, id: [houseId, doorId]}", "resource: {type: Door, id: []}"),
        ],
    );
}

#[test]
fn the_sample_cases_fit_their_schema_and_broken_ones_do_not() {
    hold(
        "tests",
        &[
            "policies/tests/doors.yaml",
            "policies/tests/bases.yaml",
            "policies/tests/walls.yaml",
            "src/cli/init/tests.yaml",
        ],
        &[
            ("version: 1", "version: 2"),
            ("cases:", "case:"),
            ("outcome: allowed", "outcome: permitted"),
            ("reason: done", "reason: finished"),
            ("policies: [open-granted-door]", "policies: open-granted-door"),
            ("type: door_access", "type: window_access"),
            ("  - name: a resident", "  - title: a resident"),
            ("      operation: openDoor", "      operationId: openDoor"),
            ("status: 200", "status: 99"),
            ("    answer:", "    answers:"),
        ],
    );
}

#[test]
fn the_sample_requirements_fit_their_schema_and_broken_ones_do_not() {
    hold(
        "requirements",
        &["policies/requirements.yaml"],
        &[
            ("version: 1", "version: 0"),
            ("environment:", "environments:"),
            ("issuers:", "issuer:"),
            ("sessions: https", "session: https"),
            ("hosts: [api.smarthome.example]", "hosts: []"),
            ("hosts: [api.smarthome.example]", "host: [api.smarthome.example]"),
            ("  smarthome:", "  'smart home':"),
        ],
    );
}

/// The paths of all keys of a schema, as `config explain` writes them.
fn paths(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let mut any = false;
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        any = true;
        paths(inner, &below(name), found);
    }
    if schema["additionalProperties"].is_object() {
        any = true;
        paths(&schema["additionalProperties"], &below("<name>"), found);
    }
    if schema["items"]["properties"].is_object() && !path.ends_with("roles") {
        any = true;
        paths(&schema["items"], &format!("{path}[]"), found);
    }
    if !any {
        found.insert(path.to_owned());
    }
}

#[test]
fn the_schema_of_the_configuration_has_every_key_of_the_reader_and_no_other_each_with_its_effect() {
    let schema = schema("gateway");
    let mut found = BTreeSet::new();
    paths(&schema, "", &mut found);
    assert_eq!(found, config::key_paths().collect());
    for key in config::KEYS {
        let pointer = key.path.split('.').fold(String::new(), |pointer, piece| match piece {
            "<name>" => format!("{pointer}/additionalProperties"),
            piece => match piece.strip_suffix("[]") {
                Some(list) => format!("{pointer}/properties/{list}/items"),
                None => format!("{pointer}/properties/{piece}"),
            },
        });
        let told = schema.pointer(&pointer).unwrap_or_else(|| panic!("no {pointer}"))["description"].as_str().unwrap();
        assert!(told.starts_with(key.effect) && told.contains("Default: "), "{told}");
    }
}

#[test]
fn the_page_of_editors_is_pasted_and_its_settings_name_what_it_has_made() {
    let text = page("docs/editors.md");
    let [block] = &shell_blocks(&text)[..] else { panic!("one block: {text}") };
    let folder = tempfile::tempdir().unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_portcullis")).parent().unwrap().display();
    done(&shell(folder.path(), &format!("export PATH={programs}:$PATH\n{block}")));
    let (_, settings) = text.split_once("```json\n").unwrap();
    let settings: Value = serde_json::from_str(settings.split("```").next().unwrap()).unwrap();
    for (schema, _) in settings["yaml.schemas"].as_object().unwrap() {
        let made = fs::read_to_string(folder.path().join(schema)).unwrap();
        assert!(serde_json::from_str::<Value>(&made).unwrap()["$schema"].is_string());
    }
}

#[test]
fn the_records_of_commands_events_and_acts_fit_the_schema_of_a_record() {
    let inbound = Inbound::within("refusal_records_per_peer_per_minute: 1");
    let gateway = Served::on(&inbound);
    let person = inbound.pseudonym(&gateway);
    let sent = inbound.wait(inbound.granted(&person).send(&inbound.caller(gateway.partners))).unwrap();
    assert_eq!(sent.status, 204, "{}", sent.text());
    inbound.wait(inbound.receiver.until_taken(1));
    for _ in 0..3 {
        Command::new(&inbound).bearing("none".to_owned()).told(&inbound, gateway.address).is(401, "unauthenticated");
    }
    drop(gateway);
    let validator = jsonschema::validator_for(&schema("record")).unwrap();
    let mut kinds = BTreeSet::new();
    for Record(record) in inbound.records() {
        let faults: Vec<String> = validator.iter_errors(&record).map(|fault| format!("{fault}")).collect();
        assert_eq!(faults, [""; 0], "{record}");
        kinds.insert(record["kind"].as_str().unwrap().to_owned());
    }
    for kind in ["start", "bundle", "intent", "outcome", "event", "delivery", "refusal", "refusals", "stop"] {
        assert!(kinds.contains(kind), "{kind}: {kinds:?}");
    }
}
