//! What share of the log one peer, or one person, can take: whatever of theirs has no effect is recorded one by one up to a
//! rate, and beyond it adds sums, while everybody else is served and recorded as ever.

use crate::harness::Command;
use crate::harness::Inbound;
use crate::harness::Record;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::until;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::devkit::Backend;
use portcullis::devkit::Leaf;
use portcullis::devkit::Validity;
use portcullis::guard::RevocationKind;
use portcullis::model::Actor;
use portcullis::model::AdminDoor;
use portcullis::model::IdentifierKind;
use portcullis::model::Name;
use portcullis::model::PersonName;
use portcullis::model::Reason;
use portcullis::model::Role;
use portcullis::model::Stranger;
use portcullis::model::Ticket;
use portcullis::pipeline::Act;
use portcullis::pipeline::ActReply;
use portcullis::pipeline::PersonOrder;
use portcullis::pipeline::RevocationOrder;
use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

/// Requests of each kind in one flood.
const FLOOD: usize = 150;
/// Longer than any record here, in bytes; the longest are those of commands that are repeated.
const RECORD_MAX_BYTES: u64 = 1_536;

/// Who issues a partner's tokens, and how it asks for one.
const CLIENT_ISSUER: &str = "https://smarthome.gateway.prop.example";
const GRANTS: &str = "grant_type=client_credentials&scope=grants.read&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";

/// A clock that stands still, so that no bucket fills by itself.
fn still() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(SystemClock::new().now()))
}

/// Bytes of whole records in the log.
fn log_bytes(stage: &Stage) -> u64 {
    let files = fs::read_dir(stage.path("state/audit")).unwrap().map(|entry| entry.unwrap().path());
    let segments = files.filter(|path| path.extension().is_some_and(|kind| kind == "jsonl"));
    let bytes = segments.map(|path| fs::read(path).unwrap().iter().filter(|byte| **byte != 0).count() as u64);
    bytes.sum()
}

/// How many records there are of each kind.
fn kinds(records: &[Record]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    records.iter().for_each(|record| *counts.entry(record.text("kind")).or_default() += 1);
    counts
}

/// How many refusals stand in sums, by their reason.
fn summed(records: &[Record]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for sum in records.iter().filter(|record| record.text("kind") == "refusals") {
        for (reason, count) in sum.get("reasons").as_object().unwrap() {
            *counts.entry(reason.clone()).or_default() += count.as_u64().unwrap();
        }
    }
    counts
}

/// How often each status is told to one request that is made over and over.
fn statuses(stage: &Stage, backend: &Backend, method: &str, target: &str) -> BTreeMap<u16, usize> {
    stage.wait(async {
        let mut connection = backend.connect().await.unwrap();
        let mut counts = BTreeMap::new();
        for _ in 0..FLOOD {
            *counts.entry(connection.call(method, target, &[], b"").await.unwrap().status).or_default() += 1;
        }
        counts
    })
}

fn somebody_else(stage: &Stage, gateway: &Served) -> Backend {
    let leaf = Leaf::client("spiffe://prop.example/somebody", Validity::a_day_from(SystemClock::new().now().seconds()));
    let somebody = stage.pki.backend_authority.issue(&leaf).unwrap().identity().unwrap();
    stage.backend_as(gateway.address, Some(&somebody))
}

#[test]
fn what_a_peer_is_told_again_has_a_bound_and_a_flood_twice_as_long_adds_sums_alone() {
    let clock = still();
    let stage = Stage::by(clock.clone());
    stage.limit(
        "peer_answers_per_minute: 20, known_refusal_records_per_peer_per_minute: 30, refusal_records_per_peer_per_minute: 10",
    );
    let gateway = Served::by(&stage, clock);
    let backend = stage.backend(gateway.address);
    let first = Command::new(&stage);
    let (done, fresh) = (stage.wait(first.give(&backend)).unwrap(), [Command::new(&stage), Command::new(&stage)]);
    assert_eq!(done.status, 200);
    let receipt = format!("/-/receipts/{}", done.header("receipt-id").unwrap());

    let mut grown = Vec::new();
    for (round, fresh) in fresh.iter().enumerate() {
        let before = log_bytes(&stage);
        let mut repeated = BTreeMap::new();
        for _ in 0..FLOOD {
            let answer = stage.wait(first.give(&backend)).unwrap();
            if answer.status == 429 {
                assert!(answer.header("retry-after").is_some());
            }
            *repeated.entry(answer.status).or_insert(0) += 1;
        }
        let told = if round == 0 { vec![(200, 20), (429, FLOOD - 20)] } else { vec![(429, FLOOD)] };
        assert_eq!(repeated, BTreeMap::from_iter(told));
        assert_eq!(statuses(&stage, &backend, "GET", &receipt), BTreeMap::from([(429, FLOOD)]));
        assert_eq!(statuses(&stage, &backend, "GET", "/v1/nothing"), BTreeMap::from([(404, FLOOD)]));
        // Whoever floods is served where there is an effect, and others lose nothing.
        assert_eq!(stage.wait(fresh.give(&backend)).unwrap().status, 200);
        let other = somebody_else(&stage, &gateway);
        let refused = stage.wait(other.call("GET", "/v1/nothing", &[], b"")).unwrap();
        let refused = refused.header("receipt-id").unwrap();
        let records = stage.records();
        let in_full = |record: &&Record| record.text("receipt") == refused && record.text("kind") == "refusal";
        assert!(records.iter().find(in_full).is_some(), "another's refusal has a record of its own");
        grown.push(log_bytes(&stage) - before);
    }
    drop(gateway);

    let records = stage.records();
    let counts = kinds(&records);
    assert_eq!((counts["intent"], counts["repeat"], counts.get("receipt")), (3, 20, None));
    // Thirty of those who were told to wait, ten of those who asked for nothing, and two of somebody else.
    assert_eq!(counts["refusal"], 30 + 10 + 2);
    let flood = FLOOD as u64;
    let expected = [("rate-answers", 4 * flood - 20 - 30), ("unknown-operation", 2 * flood - 10)];
    assert_eq!(summed(&records), expected.map(|(reason, count)| (reason.to_owned(), count)).into());
    let [first, second] = grown[..] else { panic!("two") };
    // With a command and its outcome, and somebody else's refusal.
    assert!(first <= (20 + 30 + 10 + 3) * RECORD_MAX_BYTES + sums(&records), "{first}");
    assert!(second <= 3 * RECORD_MAX_BYTES + sums(&records), "{second}");
}

/// Bytes of all sums.
fn sums(records: &[Record]) -> u64 {
    kinds(records).get("refusals").copied().unwrap_or_default() as u64 * RECORD_MAX_BYTES
}

#[test]
fn a_partner_that_repeats_an_event_without_end_is_told_to_wait_and_adds_sums() {
    let clock = still();
    let stage = Stage::by(clock.clone());
    stage.limit("peer_answers_per_minute: 20, known_refusal_records_per_peer_per_minute: 30");
    let inbound = Inbound::on(stage);
    let gateway = Served::by(&inbound, clock);
    let person = inbound.pseudonym(&gateway);
    let (event, another) = (inbound.granted(&person), inbound.granted(&person));
    let caller = inbound.caller(gateway.partners);
    let send = |event: &crate::harness::Event| inbound.wait(event.send(&caller)).unwrap().status;
    assert_eq!(send(&event), 204);
    let before = log_bytes(&inbound);
    let mut told = BTreeMap::new();
    (0..FLOOD).for_each(|_| *told.entry(send(&event)).or_insert(0) += 1);
    assert_eq!(told, BTreeMap::from([(204, 20), (429, FLOOD - 20)]));
    let grown = log_bytes(&inbound) - before;
    assert_eq!(send(&another), 204, "another event is taken");
    drop(gateway);
    let records = inbound.records();
    let counts = kinds(&records);
    assert_eq!((counts["event"], counts["repeat"], counts["refusal"]), (2, 20, 30));
    assert_eq!(summed(&records), [("rate-answers".to_owned(), FLOOD as u64 - 50)].into());
    // Beside them stands what became of the delivery.
    assert!(grown <= (20 + 30 + 3) * RECORD_MAX_BYTES + sums(&records), "{grown}");
}

/// How often each status is told to requests of which none is like another.
fn counted(mut told: impl FnMut(usize) -> u16) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    (0..FLOOD).for_each(|number| *counts.entry(told(number)).or_default() += 1);
    counts
}

#[test]
fn what_a_partner_brings_and_asks_for_has_a_bound_and_a_flood_twice_as_long_adds_sums_alone() {
    let clock = still();
    let stage = Stage::by(clock.clone());
    stage.limit(
        "peer_answers_per_minute: 20, peer_events_per_minute: 20, known_refusal_records_per_peer_per_minute: 30",
    );
    let inbound = Inbound::on(stage);
    let gateway = Served::by(&inbound, clock.clone());
    // An assertion that an earlier process may have taken is none: this one has been there for longer.
    clock.advance(Duration::from_secs(5));
    let person = inbound.pseudonym(&gateway);
    let (backend, caller) = (inbound.backend(gateway.address), inbound.caller(gateway.partners));
    let token = |round: usize, number: usize| {
        let id = format!("assertion-{round}-{number}");
        let assertion = inbound.kit.client_assertion(CLIENT_ISSUER, &id, clock.now().seconds()).unwrap();
        let form = format!("{GRANTS}&client_assertion={assertion}");
        let fields = [("Content-Type", "application/x-www-form-urlencoded")];
        inbound.wait(caller.call("POST", "/-/oauth/token", &fields, form.as_bytes())).unwrap().status
    };
    let of = |kind: &str| inbound.records().iter().filter(|record| record.text("kind") == kind).count();

    let mut grown = Vec::new();
    for round in 0..2 {
        let before = log_bytes(&inbound);
        let told = |taken: u16| match round {
            0 => BTreeMap::from([(taken, 20), (429, FLOOD - 20)]),
            _ => BTreeMap::from([(429, FLOOD)]),
        };
        let events = counted(|_| inbound.wait(inbound.granted(&person).send(&caller)).unwrap().status);
        assert_eq!(events, told(204));
        assert_eq!(counted(|number| token(round, number)), told(200));
        assert_eq!(statuses(&inbound, &caller, "GET", "/v1/nothing"), BTreeMap::from([(404, FLOOD)]));
        // What came before is delivered, and nobody else notices anything.
        until("what became of the deliveries", || of("delivery") == 2 * 20);
        assert_eq!(inbound.wait(Command::new(&inbound).give(&backend)).unwrap().status, 200);
        let other = somebody_else(&inbound, &gateway);
        let refused = inbound.wait(other.call("GET", "/v1/nothing", &[], b"")).unwrap();
        let refused = refused.header("receipt-id").unwrap();
        assert!(inbound.records().iter().any(|record| record.text("receipt") == refused));
        grown.push(log_bytes(&inbound) - before);
    }
    drop(gateway);

    let records = inbound.records();
    let counts = kinds(&records);
    assert_eq!((counts["event"], counts["token"], counts["delivery"], counts["intent"]), (20, 20, 40, 3));
    assert_eq!(counts["refusal"], 30 + 2);
    let flood = FLOOD as u64;
    let expected =
        [("rate-answers", 2 * flood - 20), ("rate-events", 2 * flood - 20 - 30), ("unknown-operation", 2 * flood)];
    assert_eq!(summed(&records), expected.map(|(reason, count)| (reason.to_owned(), count)).into());
    let [first, second] = grown[..] else { panic!("two") };
    // An event with what became of it is three records; a command two, beside somebody else's refusal.
    assert!(first <= (3 * 20 + 20 + 30 + 3) * RECORD_MAX_BYTES + sums(&records), "{first}");
    assert!(second <= 3 * RECORD_MAX_BYTES + sums(&records), "{second}");
}

#[test]
fn a_person_acts_so_often_and_no_more_and_a_script_that_goes_on_adds_sums_and_still_may_revoke() {
    let clock = still();
    let stage = Stage::by(clock.clone());
    stage.limit("person_acts_per_minute: 5, refusal_records_per_peer_per_minute: 10");
    let gateway = Served::by(&stage, clock);
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    let act = |by: &Actor, act: Act| -> ActReply {
        let gate = gateway.gate();
        stage.wait(async { gate.act(act, by).await })
    };
    let of = |person: &str, role| Actor {
        person: PersonName::new(person).unwrap(),
        roles: [role].into(),
        door: AdminDoor::Socket,
    };
    let issuer = || Stranger::new(stage.sessions.name());
    let ivanov = || PersonOrder::new(IdentifierKind::User, issuer(), Stranger::new("resident-ivanov")).unwrap();
    let looked_up = |by: &Actor| {
        act(by, Act::Subject(ivanov(), Ticket::new("SEC-4711").unwrap())).outcome.map_err(|told| told.reason)
    };
    let script = of("petrova", Role::Investigator);
    let before = log_bytes(&stage);
    let told: Vec<_> = (0..FLOOD).map(|_| looked_up(&script).err()).collect();
    assert!(told[..5].iter().all(Option::is_none), "{told:?}");
    assert!(told[5..].iter().all(|reason| *reason == Some(Reason::RateActs)), "{told:?}");
    // What it may not is refused as often, and narrowing is never refused for coming too fast.
    let device = |value: &str| RevocationOrder {
        kind: RevocationKind::Device,
        value: Stranger::new(value),
        tenant: Some(Name::new("north").unwrap()),
    };
    for _ in 0..FLOOD {
        assert_eq!(act(&script, Act::Revoke(device("phone-1"))).outcome.unwrap_err().reason, Reason::RoleMissing);
    }
    let grown = log_bytes(&stage) - before;
    let operator = of("petrova", Role::Operator);
    assert!(act(&operator, Act::Revoke(device("phone-1"))).outcome.is_ok());
    assert!(looked_up(&of("sidorov", Role::Investigator)).is_ok(), "another has a bucket of their own");
    drop(gateway);

    let records = stage.records();
    let counts = kinds(&records);
    assert_eq!((counts["re-identification"], counts["admin"], counts["revocation"]), (6, 10, 1));
    let flood = FLOOD as u64;
    let expected = [("rate-acts", flood - 5 - 10), ("role-missing", flood)];
    assert_eq!(summed(&records), expected.map(|(reason, count)| (reason.to_owned(), count)).into());
    for sum in records.iter().filter(|record| record.text("kind") == "refusals") {
        assert_eq!(sum.get("by")["person"], "petrova");
    }
    assert!(grown <= (5 + 10) * RECORD_MAX_BYTES + sums(&records), "{grown}");
}
