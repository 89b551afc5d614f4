//! Records for the tests: of every kind, with every state and reason that it may have, and texts as the test wants them.

use crate::audit::find::FoundRecord;
use crate::audit::formats::Entry;
use crate::audit::outcome::OutcomeState;
use crate::audit::read::Line;
use crate::audit::record::Kind;
use crate::audit::walk::Cursor;
use crate::model::DeliveryState;
use crate::model::Reason;
use serde_json::Value;
use serde_json::json;

pub(super) const ORIGIN: &str = "gateway.prop.example/audit";
pub(super) const TIME: &str = "2026-11-27T03:04:05.678Z";
pub(super) const MILLIS: u64 = 1_795_748_645_678;

/// A record as its line, and as it was read.
pub(super) struct Sample {
    pub(super) line: String,
    pub(super) record: FoundRecord,
}

impl Sample {
    /// A record with these members, whatever they are.
    pub(super) fn of(kind: &str, members: &Value) -> Self {
        let mut whole = json!({ "v": 2, "kind": kind, "time": TIME, "salt": "c2FsdA" });
        let members = members.as_object().unwrap().clone();
        whole.as_object_mut().unwrap().extend(members);
        whole.as_object_mut().unwrap().insert("sum".to_owned(), json!("0123456789abcdef"));
        // As the log has it: compact, in the order of its members, with no escape that is not necessary.
        let mut line = serde_json::to_string(&whole).unwrap();
        line.push('\n');
        let record = FoundRecord::from(Line::parse(line.as_bytes()).expect("a record that can be read"));
        Self { line, record }
    }

    pub(super) fn entry(&self) -> Entry<'_> {
        let at = Cursor { segment: 7, offset: 4096, index: 41 };
        Entry { record: &self.record, line: self.line.as_bytes(), origin: ORIGIN, at }
    }
}

/// All that a record may hold, with `text` wherever a text may be anybody's.
fn members(text: &str) -> Value {
    json!({
        "receipt": "AQEBAQEBAQEBAQEBAQEBAQ", "epoch": 7, "bundle": "ab".repeat(32), "partner": "smarthome",
        "operation": text, "purpose": text, "peer": text, "tenant": text,
        "subject": "h-1", "device": text, "car": text,
        "resource": { "type": text, "id": [text, "d-1"], "tenant": text, "directory": 3 },
        "decision": { "result": "allow", "policies": [text, "second"], "inputs": { text: text }, "errors": [text] },
        "key": { "digest": "cd".repeat(32), "body": "ef".repeat(32) }, "protected": "01".repeat(32), "token": text,
        "trace": "4bf92f3577b34da6a3ce929d0e0e4736", "partner_trace": "5bf92f3577b34da6a3ce929d0e0e4736",
        "sizes": { "request": 12, "sent": 10 }, "micros": { "declare": 5, "total": 12345 },
    })
}

fn with(mut members: Value, more: &Value) -> Value {
    members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    members
}

/// A record of every kind, and where it has one with every state and every reason; and a bare one of each.
pub(super) fn all(text: &str) -> Vec<Sample> {
    let mut found = Vec::new();
    for kind in Kind::ALL {
        let word = kind.word();
        found.push(Sample::of(word, &json!({})));
        found.push(Sample::of(word, &members(text)));
        // Of a newer version than this reader.
        found.push(Sample::of(word, &json!({ "reason": "not-known-here", "state": "not-known-here" })));
    }
    for state in OutcomeState::ALL {
        let more = json!({ "state": state.word(), "reason": "done", "status": 200, "answer": "c2VhbGVk", "detail": text,
            "at": { "in": "body", "pointer": text, "expected": text } });
        found.push(Sample::of("outcome", &more));
    }
    for state in DeliveryState::ALL.map(DeliveryState::word).into_iter().chain(["sent"]) {
        let more = json!({ "state": state, "attempt": 3, "status": 503, "direction": "outbound", "detail": text });
        found.push(Sample::of("delivery", &with(members(text), &more)));
    }
    for reason in Reason::ALL {
        let more = json!({ "reason": reason.code(), "decision": { "result": "deny", "policies": [] } });
        found.push(Sample::of("refusal", &with(members(text), &more)));
        found.push(Sample::of("refusal", &json!({ "reason": reason.code(), "certificate": "ab".repeat(32) })));
        let by = json!({ "person": "ivanov", "role": "lifter", "door": "socket" });
        let about = json!({ "kind": "device", "digest": "ab".repeat(32), "tenant": text });
        let more = json!({ "act": "lift", "reason": reason.code(), "by": by, "about": about, "until": TIME });
        found.push(Sample::of("admin", &more));
    }
    let revoked = json!({ "kind": text, "digest": "ab".repeat(32), "tenant": text, "epoch": 8, "stored": true });
    found.push(Sample::of("revocation", &with(members(text), &json!({ "revoked": revoked }))));
    let by = json!({ "person": "ivanov", "role": "investigator", "door": "socket" });
    for reason in ["done", "subject-unknown", "role-missing"] {
        let more = json!({ "by": by, "subject": "h-1", "about": "subject", "ticket": text, "reason": reason });
        found.push(Sample::of("re-identification", &more));
    }
    let flood = json!({ "peer": text, "count": 12, "reasons": { "rate-peer": 12 }, "from": TIME, "until": TIME });
    found.push(Sample::of("refusals", &flood));
    found.push(Sample::of("recovery", &json!({ "unknown": 2, "cut": { "segment": 3, "bytes": 17 } })));
    let archived = json!({ "segment": 3, "from": 40, "to": 90, "sha256": "ab".repeat(32) });
    found.push(Sample::of("archive", &json!({ "archived": archived })));
    found.push(Sample::of("gap", &json!({ "lost": 9 })));
    found.push(Sample::of("bundle-refused", &json!({ "offered": "ab".repeat(32), "fault": text, "faults": 2 })));
    let signed = json!([{ "role": "infosec", "person": text }]);
    found.push(Sample::of("activation", &json!({ "sequence": 4, "data": "ab".repeat(32), "signed_by": signed })));
    found
}
