//! Events, one each way: the backend announces that a grant has ended, the partner reports that it let somebody in; and what
//! is no event that may pass.

use crate::cli::demo::refusals::Expected;
use crate::cli::demo::refusals::judged;
use crate::cli::demo::refusals::refused;
use crate::cli::demo::scene::Scene;
use crate::cli::demo::scene::StepFault;
use crate::cli::demo::story::Shown;
use crate::cli::demo::story::Story;
use crate::clock::UnixMillis;
use crate::crypto::encode_base64url;
use crate::crypto::random;
use crate::devkit::AUTHORITY;
use crate::devkit::Backend;
use crate::devkit::BackendAnswer;
use crate::devkit::NORTH;
use crate::devkit::SOUTH;
use std::time::Duration;

/// Where events are told, at either listener.
pub(super) const PATH: &str = "/-/events";

/// How long a delivery may take before the step has failed.
const DELIVERY_WITHIN: Duration = Duration::from_secs(10);

/// How long to wait before looking at the log again, and how often.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: usize = 500;

/// Plays them.
pub(super) fn play(scene: &Scene, story: &mut Story) {
    story.chapter("Events, one each way");
    story.tell("a grant has ended, to the partner", announced(scene));
    story.tell("somebody was let in, to the backend", reported(scene));
}

/// What must fail of them.
pub(super) fn fail(scene: &Scene, story: &mut Story) {
    story.tell("an event with an undeclared field", undeclared(scene));
    story.tell("another event under a used id", reused(scene));
    let north = let_in(scene, NORTH.house);
    let unsigned = Report::signed(scene, &north).map(|report| Report { signature: String::new(), ..report });
    story.tell("an event that nobody signed", turned_away(scene, unsigned, refused(403, "event-unsigned")));
    let other =
        Report::signed(scene, &north).map(|report| Report { body: report.body.replace("door-1", "door-2"), ..report });
    story.tell("other bytes than the signed ones", turned_away(scene, other, refused(403, "event-signature")));
    let elsewhere = Report::signed(scene, &let_in(scene, SOUTH.house));
    story.tell("somebody in another company's house", turned_away(scene, elsewhere, refused(400, "protection-failed")));
}

/// What the backend announces: a grant of a person of house-1 has ended.
pub(super) fn ended_grant(scene: &Scene, more: &str) -> String {
    let time = time_of(scene);
    format!(
        r#"{{"type":"grant.revoked","timestamp":"{time}","data":{{"houseId":"{}","userId":"{}",{more}"grantId":"grant-of-ivanov","reason":"moved-out"}}}}"#,
        NORTH.house, NORTH.person
    )
}

/// What the partner reports: it let somebody, whom it knows by a pseudonym, through the first door of a house.
pub(super) fn let_in(scene: &Scene, house: &str) -> String {
    format!(
        r#"{{"type":"access.granted","timestamp":"{}","data":{{"houseId":"{house}","doorId":"door-1","userId":"{}"}}}}"#,
        time_of(scene),
        scene.first_known()
    )
}

fn time_of(scene: &Scene) -> UnixMillis {
    UnixMillis::new(scene.now().get().saturating_mul(1_000))
}

fn fresh_id() -> String {
    encode_base64url(&random::<16>())
}

/// The backend announces an event under an id.
fn announce(scene: &Scene, id: &str, body: &str) -> Result<BackendAnswer, StepFault> {
    let identity = scene.folder.pki.backend.identity()?;
    let client = Backend::new(scene.gateway.backend(), AUTHORITY, Some(&identity), scene.roots())?;
    let fields = [("Idempotency-Key", id), ("Content-Type", "application/json")];
    Ok(scene.runtime.block_on(client.call("POST", PATH, &fields, body.as_bytes()))?)
}

/// An event as the partner sends it.
struct Report {
    id: String,
    at: String,
    signature: String,
    body: String,
}

impl Report {
    /// Signed now.
    fn signed(scene: &Scene, body: &str) -> Result<Self, StepFault> {
        let (id, at) = (fresh_id(), scene.now().get().to_string());
        let signature = scene.kit.signature(&id, &at, body)?;
        Ok(Self { id, at, signature, body: body.to_owned() })
    }

    /// Brought to the partners' listener, with the partner's certificate.
    fn send(&self, scene: &Scene) -> Result<BackendAnswer, StepFault> {
        let identity = scene.folder.pki.partner_client.identity()?;
        let client = Backend::new(scene.door_of_partners()?, AUTHORITY, Some(&identity), scene.roots())?;
        let mut fields = vec![("Content-Type", "application/json"), ("webhook-id", &*self.id)];
        fields.push(("webhook-timestamp", &self.at));
        if !self.signature.is_empty() {
            fields.push(("webhook-signature", &self.signature));
        }
        Ok(scene.runtime.block_on(client.call("POST", PATH, &fields, self.body.as_bytes()))?)
    }
}

fn announced(scene: &Scene) -> Shown {
    let told = announce(scene, &fresh_id(), &ended_grant(scene, "")).map_err(|fault| fault.to_string())?;
    let receipt = taken(&told, 202)?;
    within(scene, scene.endpoint.until(|_, came| came.iter().any(|attempt| attempt.taken)))?;
    delivered(scene, receipt)?;
    let came = scene.endpoint.attempts();
    let [attempt] = came.as_slice() else { return Err(format!("{} deliveries", came.len())) };
    let learnt = [NORTH.person, "grant-of-ivanov", "moved-out"].into_iter().find(|known| attempt.body.contains(known));
    match (attempt.fault, learnt) {
        (None, None) if attempt.body.contains("p1.") => {
            Ok(format!("202, then delivered: signature good, in pseudonyms; receipt {receipt}"))
        }
        (fault, learnt) => Err(format!("fault {fault:?}, learnt {learnt:?}: {}; receipt {receipt}", attempt.body)),
    }
}

fn reported(scene: &Scene) -> Shown {
    let report = Report::signed(scene, &let_in(scene, NORTH.house)).map_err(|fault| fault.to_string())?;
    let told = report.send(scene).map_err(|fault| fault.to_string())?;
    let receipt = taken(&told, 204)?;
    within(scene, scene.receiver.until_taken(1))?;
    delivered(scene, receipt)?;
    let came = scene.receiver.taken();
    let [event] = came.as_slice() else { return Err(format!("{} deliveries", came.len())) };
    if event.body.contains(NORTH.person) && !event.body.contains("p1.") && event.id != report.id {
        Ok(format!("204, then delivered: signed by us, for {}; receipt {receipt}", NORTH.person))
    } else {
        Err(format!("{} under {}; receipt {receipt}", event.body, event.id))
    }
}

/// The receipt of what was answered as it should.
fn taken(answer: &BackendAnswer, status: u16) -> Result<&str, String> {
    let receipt = answer.header("receipt-id").ok_or("the answer has no receipt")?;
    if answer.status == status {
        Ok(receipt)
    } else {
        Err(format!("{}: {}; receipt {receipt}", answer.status, answer.text()))
    }
}

fn within(scene: &Scene, delivery: impl Future<Output = ()>) -> Result<(), String> {
    let bounded = async { tokio::time::timeout(DELIVERY_WITHIN, delivery).await };
    scene.runtime.block_on(bounded).map_err(|_| format!("not delivered within {} s", DELIVERY_WITHIN.as_secs()))
}

/// That a delivery is on record from the event to its end, under one receipt. The last record follows the partner's answer.
fn delivered(scene: &Scene, receipt: &str) -> Result<(), String> {
    let mut story = String::new();
    for _ in 0..LOOKS {
        let records = scene.records(receipt).map_err(|error| error.to_string())?;
        let words = records.iter().flat_map(|record| [record.text("kind"), record.text("state")]).flatten();
        story = words.collect::<Vec<_>>().join(" ");
        if story == "event delivery sent delivery delivered" {
            return Ok(());
        }
        scene.runtime.block_on(async { tokio::time::sleep(LOOK).await });
    }
    Err(format!("on record: {story}; receipt {receipt}"))
}

fn undeclared(scene: &Scene) -> Shown {
    let body = ended_grant(scene, r#""passport":"4509 123456","#);
    let answer = announce(scene, &fresh_id(), &body).map_err(|fault| fault.to_string())?;
    not_taken(scene, refused(400, "body-invalid"), &answer)
}

/// An id is good for one event.
fn reused(scene: &Scene) -> Shown {
    let (id, body) = (fresh_id(), ended_grant(scene, ""));
    let first = announce(scene, &id, &body).map_err(|fault| fault.to_string())?;
    delivered(scene, taken(&first, 202)?)?;
    let other = body.replace("grant-of-ivanov", "another-grant");
    let answer = announce(scene, &id, &other).map_err(|fault| fault.to_string())?;
    not_taken(scene, refused(422, "idempotency-key-reused"), &answer)
}

/// What the partner sends and may not.
fn turned_away(scene: &Scene, report: Result<Report, StepFault>, expected: Expected) -> Shown {
    let answer = report.and_then(|report| report.send(scene)).map_err(|fault| fault.to_string())?;
    not_taken(scene, expected, &answer)
}

/// That it is refused as expected, and not on record as an event: what is not on record is not queued.
fn not_taken(scene: &Scene, expected: Expected, answer: &BackendAnswer) -> Shown {
    let shown = judged(scene, expected, scene.moved(), answer)?;
    let records = scene.records(answer.header("receipt-id").unwrap_or_default()).map_err(|error| error.to_string())?;
    match records.iter().find(|record| record.text("kind") == Some("event")) {
        Some(_) => Err(format!("{shown}; and it was taken")),
        None => Ok(shown),
    }
}
