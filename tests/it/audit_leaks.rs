//! The log tells nothing of anybody: after every operation of the sample, an event each way, refusals and a revocation, no file
//! in its directory holds a value of a body, a token or a person's identifier, nor a digest of one that anybody could guess.

use crate::harness::Command;
use crate::harness::Event;
use crate::harness::Post;
use crate::harness::Served;
use crate::harness::take_events;
use crate::harness::until;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis::crypto::decode_base64url;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::NORTH;
use portcullis::devkit::SOUTH;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// What stands in bodies and tokens and may stand in records: names of things and of tenants, and words of our own lists.
const ON_RECORD: &[&str] = &["house-1", "house-2", "door-1", "gate-1", "north", "south", "smarthome", "parkline"];

/// Words of contracts, which are nobody's values.
const WORDS: &[&str] = &[
    "opened",
    "closed",
    "granted",
    "stored",
    "revoked",
    "raised",
    "down",
    "moved-out",
    "access.granted",
    "grant.revoked",
];

/// Claims that speak of a person, their phone, their car or their session.
const CLAIMS: &[&str] = &["sub", "device_id", "car_id", "sid", "jti"];

/// Every value that was on the wire and may not be on record.
#[derive(Default)]
struct Said(BTreeSet<String>);

impl Said {
    fn value(&mut self, value: &str) {
        // A date of a contract is no value of anybody.
        let known = ON_RECORD.contains(&value) || WORDS.contains(&value) || value.starts_with("20");
        if value.len() >= 4 && !known {
            self.0.insert(value.to_owned());
        }
    }

    fn json(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.value(text),
            Value::Array(values) => values.iter().for_each(|value| self.json(value)),
            Value::Object(members) => members.values().for_each(|value| self.json(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn body(&mut self, body: &[u8]) {
        if let Ok(value) = serde_json::from_slice(body) {
            self.json(&value);
        }
    }

    fn command(&mut self, command: &Command) {
        self.body(&command.body);
        command.key.iter().for_each(|key| self.value(key));
        let Some(token) = &command.token else { return };
        token.split('.').for_each(|part| self.value(part));
        let claims: Value =
            serde_json::from_slice(&decode_base64url(token.split('.').nth(1).unwrap()).unwrap()).unwrap();
        CLAIMS.iter().filter_map(|name| claims[name].as_str()).for_each(|value| self.value(value));
        // The name of a right is the person's, as is the session's.
        let rights = claims["authorization_details"].as_array().into_iter().flatten();
        rights.filter_map(|right| right["grant_id"].as_str()).for_each(|id| self.value(id));
    }

    /// The values, and what of them could be compared with a guess: as text, and their digests without a key.
    fn traces(&self) -> Vec<(String, Vec<u8>)> {
        let forms = |value: &String| {
            let digest = Sha256::digest(value.as_bytes());
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            let texts =
                [value.clone(), STANDARD.encode(value), hex, STANDARD.encode(digest), URL_SAFE_NO_PAD.encode(digest)];
            texts.map(|text| (value.clone(), text.into_bytes()))
        };
        self.0.iter().flat_map(forms).collect()
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// The identifiers that a partner was given in place of ours.
fn pseudonyms(received: &str) -> impl Iterator<Item = &str> {
    received.split(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))).filter(|word| word.starts_with("p1."))
}

#[test]
fn no_file_of_the_log_holds_a_value_of_a_body_a_token_or_a_person() {
    let post = Post::new();
    let stage = &post.stage;
    let (kit, receiver) = take_events(stage);
    let gateway = Served::on(stage);
    let mut said = Said::default();
    let give = |said: &mut Said, authority: &str, command: &Command| -> BackendAnswer {
        said.command(command);
        let answer = stage.wait(command.give(&stage.backend_for(gateway.address, authority))).unwrap();
        said.body(if answer.status < 300 { &answer.body } else { b"null" });
        answer
    };
    for household in [NORTH, SOUTH] {
        for errand in household.errands("") {
            let command = Command::errand(stage, &household, errand.operation);
            let answer = give(&mut said, errand.authority, &command);
            assert!(answer.status < 300, "{}: {}", errand.operation, answer.text());
            // Once more, with an undeclared value, under another's name, and with no right.
            give(&mut said, errand.authority, &command);
            let planted = format!(r#"{{"userId":"planted-{}","note":"planted note"}}"#, household.person);
            give(&mut said, errand.authority, &Command::errand(stage, &household, errand.operation).saying(&planted));
            let other = if household == NORTH { SOUTH } else { NORTH };
            let foreign = Command::errand(stage, &other, errand.operation).to(&errand.target);
            assert!(give(&mut said, errand.authority, &foreign).status >= 400, "{}", errand.operation);
        }
    }
    // An event each way.
    let event = post.announce("resident-ivanov", "grant-of-a-guest");
    event.told(stage, gateway.address).is(202, "");
    said.command(&event);
    let received = |partner: &portcullis::devkit::SimulatedPartner| {
        let bytes: Vec<u8> = partner.raw().into_iter().flat_map(|connection| connection.bytes).collect();
        String::from_utf8(bytes).unwrap()
    };
    let known = [received(&stage.partner), received(&stage.parkline)].join("\n");
    let names: BTreeSet<&str> = pseudonyms(&known).collect();
    assert!(names.len() >= 4, "two persons at two partners: {names:?}");
    names.iter().for_each(|name| said.value(name));
    let (_, rest) = known.split_once(r#""userId":""#).unwrap();
    let person = rest.split('"').next().unwrap();
    let data = format!(r#"{{"houseId":"house-1","doorId":"door-1","userId":"{person}"}}"#);
    let entered = Event::new(&kit.partner_secret, "access.granted", &data);
    assert_eq!(stage.wait(entered.send(&stage.caller(gateway.partners))).unwrap().status, 204);
    said.body(entered.body.as_bytes());
    until("both deliveries", || {
        stage.records().iter().filter(|record| record.text("state") == "delivered").count() >= 2
    });
    drop(receiver);
    gateway.shutdown();

    let log = stage.path("state/audit");
    let mut all = Vec::new();
    files(&log, &mut all);
    let text: Vec<(PathBuf, Vec<u8>)> = all.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    let holds = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    let whole: Vec<u8> = text.iter().flat_map(|(_, bytes)| bytes.iter().copied().filter(|byte| *byte != 0)).collect();
    // All of it is on record.
    for errand in NORTH.errands("") {
        assert!(holds(&whole, format!(r#""operation":"{}""#, errand.operation).as_bytes()), "{}", errand.operation);
    }
    for word in ["grant.revoked", "access.granted", "policy-denied", "idempotency-replayed", r#""subject":"h-"#] {
        assert!(holds(&whole, word.as_bytes()), "{word} is not on record");
    }
    let traces = said.traces();
    for canary in ["resident-ivanov", "phone-of-petrova", "car-of-ivanov", "planted note", "grant-of-a-guest"] {
        assert!(said.0.contains(canary), "{canary} was not on the wire");
    }
    let text = String::from_utf8_lossy(&whole);
    for (value, trace) in traces {
        let trace = String::from_utf8(trace).unwrap();
        assert!(!text.contains(&trace), "the log holds `{trace}`, of `{value}`");
    }
    for canary in ["ivanov", "petrova", "A001AA77", "planted", "eyJ"] {
        assert!(!text.contains(canary), "the log holds `{canary}`");
    }
}
