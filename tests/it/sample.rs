//! The sample bundle at work: every operation for both tenants, what its partner gets to see, and where each ends.

use crate::harness::Command;
use crate::harness::Record;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::Household;
use portcullis::devkit::Misbehaviour;
use portcullis::devkit::NORTH;
use portcullis::devkit::SOUTH;
use portcullis::devkit::SimulatedPartner;
use serde_json::Value;

/// A gateway with the sample, and what its partners have.
struct Sample {
    gateway: Served,
    stage: Stage,
}

impl Sample {
    fn new() -> Self {
        let stage = Stage::new();
        Self { gateway: Served::on(&stage), stage }
    }

    /// The backend that means the partner of an operation.
    fn backend(&self, operation: &str) -> Backend {
        let authority = NORTH.errands("key-00000001").into_iter().find(|errand| errand.operation == operation);
        self.stage.backend_for(self.gateway.address, authority.unwrap().authority)
    }

    fn command(&self, household: &Household, operation: &str) -> Command {
        Command::errand(&self.stage, household, operation)
    }

    fn give(&self, operation: &str, command: &Command) -> BackendAnswer {
        self.stage.wait(command.give(&self.backend(operation))).unwrap()
    }

    /// The last record under the receipt of an answer.
    fn record(&self, answer: &BackendAnswer) -> Record {
        let receipt = answer.header("receipt-id").unwrap();
        self.stage.records().into_iter().rfind(|record| record.text("receipt") == receipt).unwrap()
    }

    /// The intent under the receipt of an answer.
    fn intent(&self, answer: &BackendAnswer) -> Record {
        let receipt = answer.header("receipt-id").unwrap();
        let of_it = |record: &Record| record.text("receipt") == receipt && record.text("kind") == "intent";
        self.stage.records().into_iter().find(of_it).unwrap()
    }

    /// The command ends so, with this reason and detail on record.
    #[track_caller]
    fn ends(&self, operation: &str, command: &Command, status: u16, reason: &str, detail: &str) {
        let answer = self.give(operation, command);
        let record = self.record(&answer);
        let told = (answer.status, record.text("reason").to_owned(), record.text("detail").to_owned());
        assert_eq!(told, (status, reason.to_owned(), detail.to_owned()), "{operation}: {}", answer.text());
    }
}

/// Everything that a partner received.
fn received(partner: &SimulatedPartner) -> String {
    let bytes: Vec<u8> = partner.raw().into_iter().flat_map(|connection| connection.bytes).collect();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn every_operation_passes_for_both_tenants_and_no_partner_learns_a_name_or_a_plate() {
    let sample = Sample::new();
    for household in [NORTH, SOUTH] {
        let Household { house, person, .. } = household;
        for (operation, status, expected) in [
            ("openDoor", 200, r#""status":"opened""#),
            ("readDoor", 200, r#""state":"closed","battery":87"#),
            ("readEvents", 200, r#""kind":"granted""#),
            ("syncFace", 200, r#"{"status":"stored"}"#),
            ("revokeGrant", 200, r#"{"status":"revoked"}"#),
            ("readBarrier", 200, r#"{"state":"down","faults":[]}"#),
            ("openBarrier", 200, r#""result":"raised""#),
            ("syncPlate", 204, ""),
        ] {
            let answer = sample.give(operation, &sample.command(&household, operation));
            let text = answer.text();
            assert!(answer.status == status && text.contains(expected), "{operation}: {} {text}", answer.status);
        }
        // One event, of this house's door, for this person in the words of their own tenant.
        let answer = sample.give("readEvents", &sample.command(&household, "readEvents"));
        let events: Value = serde_json::from_slice(&answer.body).unwrap();
        let [event] = events.as_array().unwrap().as_slice() else { panic!("{events}") };
        let told = ["houseId", "doorId", "userId"].map(|name| event[name].as_str().unwrap().to_owned());
        assert_eq!(told, [house, "door-1", person]);
    }
    for partner in [&sample.stage.partner, &sample.stage.parkline] {
        assert_eq!((partner.refusals(), partner.total_actuations()), (vec![], 2));
        let text = received(partner);
        for canary in ["ivanov", "petrova", "phone-of", "car-of", "A001AA77"] {
            assert!(!text.contains(canary), "a partner learns `{canary}`");
        }
    }
    let (doors, barriers) = (received(&sample.stage.partner), received(&sample.stage.parkline));
    assert_eq!((doors.matches(r#""template":"eyJ"#).count(), barriers.matches(r#""plate":"eyJ"#).count()), (2, 2));
    assert!(doors.contains("/faces/p1.") && barriers.contains("/cars/p1."));
    // A second time the partner knows nothing of the grant, which its contract declares.
    let command = sample.command(&NORTH, "revokeGrant");
    assert_eq!(sample.give("revokeGrant", &command).status, 200);
    sample.ends("revokeGrant", &command, 404, "partner-refused", "");
    sample.stage.parkline.block("house-1", "gate-1");
    sample.ends("openBarrier", &sample.command(&NORTH, "openBarrier"), 409, "partner-refused", "");
}

#[test]
fn a_face_or_a_plate_in_the_clear_does_not_leave() {
    let sample = Sample::new();
    for (operation, body) in [
        ("syncFace", r#"{"template":"canary-face","consentId":"consent-1"}"#),
        ("syncFace", r#"{"template":"a.b.c.d.e","consentId":"consent-1"}"#),
        ("syncPlate", r#"{"plate":"A001AA77"}"#),
    ] {
        let command = sample.command(&NORTH, operation).saying(body);
        sample.ends(operation, &command, 400, "protection-failed", "");
    }
    for (operation, body) in [
        ("syncPlate", r#"{"number":"A001AA77"}"#),
        (
            "openBarrier",
            r#"{"commandId":"key-00000001","carId":"car-of-ivanov","driverId":"resident-ivanov","plate":"A001AA77"}"#,
        ),
    ] {
        let command = sample.command(&NORTH, operation).saying(body);
        sample.ends(operation, &command, 400, "body-invalid", "");
    }
    let received = [&sample.stage.partner, &sample.stage.parkline].map(|partner| partner.progress().bytes);
    assert_eq!(received, [0, 0]);
    let text = format!("{:?}", sample.stage.records());
    assert!(!text.contains("canary") && !text.contains("A001AA77"), "a record holds what did not leave");
}

#[test]
fn what_is_encrypted_may_be_as_long_as_its_operation_says_and_everything_else_as_ever() {
    let sample = Sample::new();
    // The fixture with a longer ciphertext: the shape is all that is looked at.
    let filled = |operation: &str, length: usize| {
        let good = sample.command(&NORTH, operation);
        let body = String::from_utf8(good.body.clone()).unwrap();
        let (before, tag) = body.rsplit_once('.').unwrap();
        let missing = length - body.len();
        let command = good.saying(&format!("{before}{}.{tag}", "A".repeat(missing)));
        assert_eq!(command.body.len(), length);
        command
    };
    // Four characters of base64url are three bytes: a length that leaves one over would be no text of it.
    for (operation, status, most) in [("syncFace", 200, 8 << 20), ("syncPlate", 204, 16 << 10)] {
        let fits = (most - 3..=most).rev().map(|length| sample.give(operation, &filled(operation, length)).status);
        let fits: Vec<u16> = fits.collect();
        match operation {
            // A plate ends before its body does: one of the longest is refused by its own length.
            "syncPlate" => assert!(fits.iter().all(|found| *found == 400), "{fits:?}"),
            _ => assert!(fits.contains(&status) && fits.iter().all(|found| [status, 400].contains(found)), "{fits:?}"),
        }
        sample.ends(operation, &filled(operation, most + 1), 413, "body-too-large", "");
    }
    let long = format!(r#"{{"userId":"{}"}}"#, "x".repeat(70_000));
    sample.ends("openDoor", &sample.command(&NORTH, "openDoor").saying(&long), 413, "body-too-large", "");
}

#[test]
fn an_answer_with_a_record_of_another_house_reaches_nobody() {
    let sample = Sample::new();
    for _ in 0..3 {
        assert_eq!(sample.give("openDoor", &sample.command(&NORTH, "openDoor")).status, 200);
    }
    let events = || sample.command(&NORTH, "readEvents");
    let alter = |from, to| sample.stage.partner.behave(Misbehaviour::Altered { from, to });
    // The first of three, and the last.
    alter(r#""houseId":"house-1""#, r#""houseId":"house-2""#);
    sample.ends("readEvents", &events(), 502, "answer-undeclared", "other-house");
    alter(r#""eventId":"event-0","houseId":"house-1""#, r#""eventId":"event-0","houseId":"house-9""#);
    sample.ends("readEvents", &events(), 502, "answer-undeclared", "other-house");
    sample.stage.partner.behave(Misbehaviour::ForeignPseudonym);
    sample.ends("readEvents", &events(), 502, "answer-undeclared", "foreign-pseudonym");
    sample.stage.partner.behave(Misbehaviour::FullProfile);
    sample.ends("readEvents", &events(), 502, "answer-undeclared", "body-invalid");
    sample.stage.partner.behave_well();
    let answer = sample.give("readEvents", &events());
    assert_eq!((answer.status, answer.text().matches("houseId").count()), (200, 3));
    // What a face or a door is answered with is held to the same.
    let unknown = sample.stage.records();
    let states: Vec<&str> = unknown.iter().filter(|r| r.text("kind") == "outcome").map(|r| r.text("state")).collect();
    assert_eq!(states.iter().filter(|state| **state == "unknown").count(), 4, "{states:?}");
}

#[test]
fn a_barrier_opens_for_the_tokens_own_car_once_under_each_command_id() {
    let sample = Sample::new();
    let open = || sample.command(&NORTH, "openBarrier");
    let first = open();
    let answer = sample.give("openBarrier", &first);
    assert_eq!((answer.status, sample.stage.parkline.actuations("house-1", "gate-1")), (200, 1));
    assert!(sample.record(&answer).text("reason") == "done" && sample.intent(&answer).text("car").starts_with("h-"));
    // The command's id in the body is its idempotency key.
    let again = sample.give("openBarrier", &first.again());
    assert_eq!((again.status, &again.body), (200, &answer.body));
    assert_eq!(sample.record(&again).text("reason"), "idempotency-replayed");
    let body = String::from_utf8(first.body.clone()).unwrap();
    let other_car = body.replace("car-of-ivanov", "car-of-petrova");
    sample.ends("openBarrier", &first.again().saying(&other_car), 403, "identifier-mismatch", "");
    let claims = sample.stage.member_of(&NORTH, &sample.stage.sessions, now());
    let carless = open().bearing(sample.stage.sessions.mint(&claims.clone().without("car_id")).unwrap());
    sample.ends("openBarrier", &carless, 403, "identifier-mismatch", "");
    // A right to doors is none to barriers, even of the same house and name.
    let doors = claims.without("authorization_details").door_access("house-1", None, &["open", "see"]);
    let doors = sample.stage.sessions.mint(&doors.house_access("house-1", &["open"])).unwrap();
    sample.ends("openBarrier", &open().bearing(doors), 404, "policy-denied", "");
    // Signing in alone moves nothing; to see a barrier it is enough.
    let login = sample.stage.member_of(&NORTH, &sample.stage.login, now());
    let login = sample.stage.login.mint(&login).unwrap();
    sample.ends("openBarrier", &open().bearing(login.clone()), 403, "session-required", "");
    let seen = sample.give("readBarrier", &sample.command(&NORTH, "readBarrier").bearing(login.clone()));
    assert_eq!(seen.status, 200);
    for operation in ["syncPlate", "syncFace", "revokeGrant"] {
        let command = sample.command(&NORTH, operation).bearing(login.clone());
        sample.ends(operation, &command, 404, "policy-denied", "");
    }
    assert_eq!(sample.stage.parkline.total_actuations(), 1);
}

#[test]
fn only_the_concierge_of_a_house_reads_its_events() {
    let sample = Sample::new();
    let claims = sample.stage.member_of(&NORTH, &sample.stage.sessions, now());
    let resident = claims.with("roles", vec!["resident".into()]);
    let events = sample.command(&NORTH, "readEvents");
    let as_resident = events.clone().bearing(sample.stage.sessions.mint(&resident).unwrap());
    sample.ends("readEvents", &as_resident, 404, "policy-denied", "");
    sample.ends("readEvents", &events.clone().to("/v1/houses/house-1/events?limit=501"), 400, "query-invalid", "");
    sample.ends("readEvents", &events.clone().to("/v1/houses/house-1/events?house=house-2"), 400, "query-invalid", "");
    assert_eq!(sample.stage.partner.progress().bytes, 0);
    let backend = sample.stage.backend_for(sample.gateway.address, AUTHORITY);
    assert_eq!(sample.stage.wait(events.give(&backend)).unwrap().status, 200);
}
