//! `portcullis test` says what the gateway does: every case of the sample is played on the workbench's stage and on a running
//! gateway (sockets, TLS, disk, store, tokens and signatures of other makers), and what comes of it is compared: the reason,
//! the decision and the policies that determine it, operation and detail, all as they are on record; the bytes that the
//! partner or the backend receives; status, fields and body that the caller receives.
//!
//! What cannot be the same is named here, and nothing else is left out: receipts, the ids of traces and of events that
//! the gateway makes; the host that a request is sent to; of a token for a partner its signature, `iss`, `aud`, `client_id`,
//! `jti` and `audit_log`; of an event its signature, which must be right by the secret that either gateway has; the fields that the door adds
//! to each answer. A partner here closes after each answer and says so, for there is no pool on the stage; a directory says
//! when it was made, and how old it may grow.
//!
//! Both have the same keys for pseudonyms, and the same ids of commands and events: one for each case, since one gateway plays
//! many. Cases that change what is in force have a gateway of their own. All cases are played; none is left out.

mod ground;
mod scripted;

use crate::harness;
use crate::harness::Event;
use crate::harness::Record;
use crate::played::ground::FOR_THE_BACKEND;
use crate::played::ground::FOR_THE_PARTNER;
use crate::played::ground::Ground;
use crate::played::ground::ON_STAGE;
use crate::played::ground::secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis::bundle::Bundle;
use portcullis::crypto::install_provider;
use portcullis::devkit::BackendAnswer;
use portcullis::limits::Limits;
use portcullis::model::Direction;
use portcullis::workbench;
use portcullis::workbench::Asks;
use portcullis::workbench::Case;
use portcullis::workbench::Played;
use portcullis::workbench::Suite;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// What the door adds to every answer.
const OF_THE_DOOR: &[&str] =
    &["cache-control", "connection", "content-length", "date", "receipt-id", "x-content-type-options"];

/// What is another one at each gateway, of the claims of its tokens.
const OWN_CLAIMS: &[&str] = &["iss", "aud", "client_id", "jti"];

/// The id that a case has that names none.
const DEFAULT_ID: &str = "case-00000001";

/// What the sample says of a door at eight in the evening.
const WHO_COMES_LATE: &[&str] = &["and not before, after, or on a Sunday [time=2026-11-27T20:00 Europe/Moscow]"];

/// What came of a case, on either.
#[derive(Debug, Eq, PartialEq)]
struct Came {
    reason: String,
    allowed: bool,
    decision: Option<(bool, Vec<String>, Vec<String>)>,
    operation: Option<String>,
    detail: Option<String>,
    sent: Option<String>,
    status: u16,
    fields: Vec<(String, String)>,
    body: String,
}

/// What a running gateway made of a case, before its records are read.
struct Answered<'c> {
    case: &'c Case,
    answer: BackendAnswer,
    sent: Option<Vec<u8>>,
}

/// The stage of the sample, and its cases in the order of their times, each with ids of its own.
fn sample() -> (workbench::Stage, Vec<Case>) {
    install_provider().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let bundle = Arc::new(Bundle::load(&folder, &Limits::default()).unwrap());
    let mut cases = Suite::read(&bundle.tests(), &bundle).unwrap().cases().to_vec();
    // What policies would give a session is no request.
    cases.retain(|case| !matches!(&case.asks, Asks::Request { target, .. } if target == "/-/oauth/token"));
    for (number, case) in cases.iter_mut().enumerate() {
        name(case, &format!("case-{:08}", number + 1_000));
    }
    // A gateway's time does not run backwards.
    cases.sort_by_key(|case| case.at);
    (workbench::Stage::of(bundle).unwrap(), cases)
}

#[test]
fn every_case_of_the_sample_comes_out_on_a_running_gateway_as_portcullis_test_says() {
    let (stage, cases) = sample();
    assert!(cases.len() >= 159, "the sample has lost cases: {}", cases.len());
    let (own, shared): (Vec<&Case>, Vec<&Case>) = cases.iter().partition(|case| changes_what_is_in_force(case));
    let mut groups: Vec<Vec<&Case>> = own.into_iter().map(|case| vec![case]).collect();
    for case in shared {
        let known = groups
            .iter_mut()
            .find(|group| !changes_what_is_in_force(group[0]) && group[0].directory.text() == case.directory.text());
        match known {
            Some(group) => group.push(case),
            None => groups.push(vec![case]),
        }
    }
    let (mut compared, mut differences) = (0, Vec::new());
    for group in groups {
        for (case, came) in on_a_gateway(&stage, harness::Stage::new(), &group) {
            let expected = Came::on_stage(&stage.play(case).unwrap());
            compared += 1;
            if came != expected {
                differences.push(format!("{}:{}", case.name, expected.beside(&came)));
            }
        }
    }
    assert!(differences.is_empty(), "{} of {compared}:\n{}", differences.len(), differences.join("\n\n"));
    assert_eq!(compared, cases.len());
}

#[test]
fn a_gateway_that_decides_otherwise_is_told_apart() {
    let (stage, mut cases) = sample();
    cases.retain(|case| case.name.contains("on a Sunday"));
    let set = harness::Stage::new();
    set.edit("policies/cedar/doors.cedar", "context.localMinuteOfDay < 1200", "context.localMinuteOfDay < 1260");
    let came = on_a_gateway(&stage, set, &cases.iter().collect::<Vec<_>>());
    let differ = came.iter().filter(|(case, came)| *came != Came::on_stage(&stage.play(case).unwrap()));
    let differ: Vec<&str> = differ.map(|(case, _)| case.name.as_str()).collect();
    assert_eq!(differ, WHO_COMES_LATE);
}

/// Plays cases on one gateway, of the stage that is `set`, and holds what stands behind it to the requests that the stage's partner received.
fn on_a_gateway<'c>(stage: &workbench::Stage, set: harness::Stage, cases: &[&'c Case]) -> Vec<(&'c Case, Came)> {
    let ground = Ground::on(set, &cases[0].directory, cases[0].at);
    let mut answered = Vec::new();
    for case in cases {
        ground.revoke(case);
        let behind = ground.behind(case);
        let before = behind.came().len();
        let answer = ground.play(case);
        // An event is delivered behind its answer.
        let is_awaited = matches!(case.asks, Asks::Event { .. }) && stage.play(case).unwrap().sent.is_some();
        if is_awaited {
            ground.stage.wait(behind.until(before + 1));
        }
        let sent = behind.came().get(before).cloned();
        answered.push(Answered { case, answer, sent });
    }
    let Ground { gateway, smarthome, parkline, receiver, stage, .. } = ground;
    let _ended = gateway.shutdown();
    let came: usize = [&smarthome, &parkline, &receiver].iter().map(|one| one.came().len()).sum();
    assert_eq!(came, answered.iter().filter(|answered| answered.sent.is_some()).count(), "a request came unasked");
    let records = stage.records();
    answered.into_iter().map(|answered| (answered.case, answered.came(&records))).collect()
}

/// Whether another case on the same gateway would find something else in force.
fn changes_what_is_in_force(case: &Case) -> bool {
    let orders = matches!(&case.asks, Asks::Request { target, .. } if target.starts_with("/-/"));
    !case.revoked.is_empty() || (orders && case.expect.allowed)
}

/// Gives what has no id of its own another one.
fn name(case: &mut Case, with: &str) {
    match &mut case.asks {
        Asks::Request { fields, body, .. } => {
            // The barriers' partner takes the key of a command from its body.
            *body = String::from_utf8(body.to_vec()).unwrap().replace("command-0001", with).into();
            if fields.get("idempotency-key").is_some_and(|key| key == DEFAULT_ID) {
                fields.insert("idempotency-key", with.parse().unwrap());
            }
        }
        Asks::Event { id, .. } => with.clone_into(id),
    }
}

impl Came {
    fn on_stage(played: &Played) -> Self {
        let mut fields = played.reply.fields.clone();
        fields.sort();
        let decision = played.decision.clone();
        let records = played.records.iter().map(|text| serde_json::from_str::<Value>(text).unwrap());
        let receipts: Vec<String> =
            records.filter_map(|record| record["receipt"].as_str().map(str::to_owned)).collect();
        let body = String::from_utf8_lossy(&played.reply.body).into_owned();
        Self {
            reason: played.reason.to_string(),
            allowed: played.allowed,
            decision: decision.map(|decision| (decision.allow, decision.policies, decision.errors)),
            operation: played.operation.clone(),
            detail: played.detail.clone(),
            sent: played.sent.as_ref().map(|sent| neutral(&sent.bytes, ON_STAGE)),
            status: played.reply.status,
            fields,
            body: receipts.iter().fold(body, |body, receipt| body.replace(receipt.as_str(), "RECEIPT")),
        }
    }
}

impl Answered<'_> {
    fn came(self, records: &[Record]) -> Came {
        let seed = match &self.case.asks {
            Asks::Event { direction: Direction::Inbound, .. } => FOR_THE_BACKEND,
            _ => FOR_THE_PARTNER,
        };
        let receipt = self.answer.header("receipt-id").unwrap().to_owned();
        let mut fields = self.answer.headers.clone();
        for (name, _) in &mut fields {
            name.make_ascii_lowercase();
        }
        fields.retain(|(name, _)| !OF_THE_DOOR.contains(&name.as_str()));
        fields.sort();
        let mut came = Came {
            reason: String::new(),
            allowed: false,
            decision: None,
            operation: None,
            detail: None,
            sent: self.sent.as_deref().map(|sent| neutral(sent, seed)),
            status: self.answer.status,
            fields,
            body: self.answer.text().replace(&receipt, "RECEIPT"),
        };
        for record in records.iter().filter(|record| record.text("receipt") == receipt) {
            came.take(record);
        }
        assert!(!came.reason.is_empty(), "{}: nothing is on record", self.case.name);
        came
    }
}

impl Came {
    /// The lines in which another differs.
    fn beside(&self, other: &Self) -> String {
        let (ours, theirs) = (format!("{self:#?}"), format!("{other:#?}"));
        let only = |these: &str, those: &str, who: &str| {
            let lines = these.lines().filter(|line| those.lines().all(|known| known != *line));
            lines.map(|line| format!("\n  {who}: {}", line.trim())).collect::<String>()
        };
        only(&ours, &theirs, "on the stage") + &only(&theirs, &ours, "on a gateway")
    }

    /// What a record says, over what came before.
    fn take(&mut self, record: &Record) {
        let owned = |name: &str| record.get(name).as_str().map(str::to_owned);
        self.allowed |= matches!(record.text("kind"), "intent" | "event" | "revocation" | "directory");
        // An intent alone says nothing of the end, which its outcome tells.
        let unsaid = if record.text("kind") == "intent" { "" } else { "done" };
        self.reason = owned("reason").unwrap_or_else(|| unsaid.to_owned());
        self.operation = owned("operation").or_else(|| self.operation.take());
        self.detail = owned("detail").or_else(|| self.detail.take());
        if let Some(decision) = record.get("decision").as_object() {
            let ids = |name: &str| {
                let ids = decision.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
                ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect()
            };
            self.decision = Some((decision["result"] == "allow", ids("policies"), ids("errors")));
        }
    }
}

/// A request without what is another one at each gateway.
/// `seed` is what the secret is made of with which an event must be signed.
fn neutral(request: &[u8], seed: &str) -> String {
    let text = String::from_utf8(request.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let field =
        |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default();
    let signature = || {
        let event = Event::new(&secret(seed), "", "{}");
        let (id, at) = (field("webhook-id").to_owned(), field("webhook-timestamp").to_owned());
        Event { id, at, body: body.to_owned(), ..event }.signature()
    };
    let lines = head.split("\r\n").map(|line| match line.split_once(": ") {
        Some(("host", _)) => "host: HOST".to_owned(),
        Some(("authorization", token)) => format!("authorization: {}", claims(token.strip_prefix("Bearer ").unwrap())),
        Some(("traceparent", trace)) => {
            let parts: Vec<&str> = trace.split('-').collect();
            assert_eq!((parts.len(), parts[1].len(), parts[2].len()), (4, 32, 16), "{trace}");
            format!("traceparent: {}-TRACE-SPAN-{}", parts[0], parts[3])
        }
        Some(("receipt-id", receipt)) => {
            // A partner's is the id of its token; the backend's is ours.
            let of_a_token = URL_SAFE_NO_PAD.decode(receipt).is_ok_and(|bytes| bytes.len() == 16);
            assert!(receipt.starts_with("r-") || of_a_token, "{receipt}");
            "receipt-id: RECEIPT".to_owned()
        }
        // What is covered is the same; when, under which key and over which token is not.
        Some(("signature-input", input)) => {
            let (covered, terms) = input.split_once(')').unwrap();
            assert!(terms.ends_with(";tag=\"portcullis\""), "{terms}");
            format!("signature-input: {covered})")
        }
        Some(("signature", _)) => "signature: SIGNATURE".to_owned(),
        Some(("webhook-id", id)) => {
            assert!(id.len() == 26 && id.starts_with("evt_"), "{id}");
            "webhook-id: EVENT".to_owned()
        }
        Some(("webhook-signature", given)) if given == signature() => "webhook-signature: RIGHT".to_owned(),
        _ => line.to_owned(),
    });
    format!("{}\n\n{body}", lines.collect::<Vec<_>>().join("\n"))
}

fn claims(token: &str) -> String {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let mut claims: Value = serde_json::from_slice(&payload).unwrap();
    // The stage's log begins with the case: there is no checkpoint of it yet.
    claims.as_object_mut().unwrap().remove("audit_log");
    for name in OWN_CLAIMS {
        assert!(claims.as_object_mut().unwrap().remove(*name).is_some(), "a token for a partner has no {name}");
    }
    claims.to_string()
}
