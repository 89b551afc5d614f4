//! The texts of JSON suites as bodies of commands at a running gateway: what the reader refuses by itself it refuses here, nothing
//! of it reaches the partner, and what it takes arrives there rebuilt.

use crate::harness::Command;
use crate::harness::Scene;
use crate::harness::Stage;
pub use portcullis::json::Fault;
use std::collections::BTreeMap;

#[path = "../../src/json/tests/suite.rs"]
mod suite;

/// How often a good command passes between.
const FENCES: usize = 25;
/// Of how many levels the member is that may be nearly anything.
const LEVELS: u32 = 4;

/// A schema of nearly any JSON value, of so many levels.
fn any(levels: u32) -> String {
    let public = "x-portcullis: {class: public}";
    let leaves =
        format!("{{type: string, maxLength: 200, {public}}}, {{type: number, {public}}}, {{type: boolean, {public}}}");
    if levels == 0 {
        return format!("{{anyOf: [{leaves}, {{type: \"null\"}}]}}");
    }
    let inner = any(levels - 1);
    let names = format!("{{type: string, maxLength: 100, {public}}}");
    format!(
        "{{anyOf: [{leaves}, {{type: \"null\"}}, {{type: array, maxItems: 50, items: {inner}}}, \
         {{type: object, propertyNames: {names}, maxProperties: 20, additionalProperties: {inner}}}]}}"
    )
}

/// A command whose body has this text as the value of its last member.
fn with_value(scene: &Scene, text: &[u8]) -> Command {
    let before: &[u8] = br#"{"userId":"resident-ivanov","v":"#;
    Command { body: [before, text, b"}"].concat(), ..scene.command() }
}

#[test]
fn texts_of_the_suite_end_at_the_gateway_as_they_do_at_its_reader() {
    let stage = Stage::new();
    let device =
        "                deviceId:\n                  description: The app instance that the command came from.";
    let member = format!("                v: {}\n{device}", any(LEVELS));
    stage.edit("policies/contracts/smarthome.openapi.yaml", device, &member);
    let scene = Scene::on(stage);
    let give = |command: &Command| {
        let answer = scene.stage.wait(command.give(&scene.backend)).unwrap();
        (answer.status, answer.header("receipt-id").unwrap().to_owned())
    };

    let refused = suite::REFUSED.iter().flat_map(|(_, samples)| samples.iter());
    let mut receipts = BTreeMap::new();
    for (number, (name, text)) in refused.enumerate() {
        let before = scene.stage.partner.progress().bytes;
        // In its place, and, since a body is an object and ends with it, as the whole of it.
        for (command, place) in
            [(with_value(&scene, text), "value"), (Command { body: text.to_vec(), ..scene.command() }, "body")]
        {
            let (status, receipt) = give(&command);
            assert!(status == 400 || status == 413, "{name} as {place}: {status}");
            receipts.insert(receipt, format!("{name} as {place}"));
        }
        assert_eq!(scene.stage.partner.progress().bytes, before, "{name}: the partner received something");
        if number % FENCES == 0 {
            scene.passes_after(name);
        }
    }
    scene.passes();
    let mut malformed = 0;
    for record in scene.stage.records() {
        let Some(name) = receipts.remove(record.text("receipt")) else { continue };
        let reason = record.text("reason");
        assert!(reason.starts_with("body-"), "{name}: {reason}");
        malformed += usize::from(reason == "body-malformed");
    }
    assert_eq!(receipts.len(), 0, "each is on record: {receipts:?}");
    assert!(malformed >= 150, "{malformed} were refused as no JSON");
    assert!(scene.stage.partner.refusals().is_empty());

    // Last, for the partner has no such member and says so: what is taken gets there, and only there.
    for (name, text) in suite::ACCEPTED {
        let before = scene.stage.partner.progress().requests;
        give(&with_value(&scene, text));
        assert_eq!(scene.stage.partner.progress().requests, before + 1, "{name}");
    }
}
