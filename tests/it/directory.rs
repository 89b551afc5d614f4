//! The directory as live data of the backend: what is sent well is in force for the very next request and lasts; what is not
//! is refused, changes nothing and is on record; and beyond its age nothing moves by it.

use crate::harness::Command;
use crate::harness::Deeds;
use crate::harness::Process;
use crate::harness::Record;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use crate::harness::ops_page;
use crate::harness::until;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::clock::UnixMillis;
use portcullis::clock::UnixSeconds;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::SigningKey;
use portcullis::crypto::jwks_json;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::Leaf;
use portcullis::devkit::Misbehaviour;
use portcullis::devkit::Validity;
use rusqlite::Connection;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const TYPE: &str = "portcullis-directory+jws";

/// A house of the sample, as JSON.
fn house(id: &str, tenant: &str, doors: &[&str]) -> Value {
    json!({"id": id, "tenant": tenant, "zone": "Europe/Moscow", "partners": ["smarthome"], "doors": doors})
}

fn instant(at: UnixSeconds) -> String {
    UnixMillis::new(at.get() * 1000).to_string()
}

fn snapshot(revision: u64, houses: &[Value]) -> Value {
    json!({
        "version": 1, "kind": "snapshot", "revision": revision, "made_at": instant(now()),
        "tenants": ["north", "south"], "houses": houses,
    })
}

fn delta(base: u64, revision: u64, put: &[Value], remove: &[&str]) -> Value {
    json!({
        "version": 1, "kind": "delta", "base": base, "revision": revision, "made_at": instant(now()),
        "put": put, "remove": remove,
    })
}

/// A snapshot in which all is as in the sample, for the tests' person.
fn as_before(revision: u64) -> Value {
    snapshot(revision, &[house("house-1", "north", &["door-1", "door-2"])])
}

/// A detached signature of `key` over `body`, under any header.
fn signature(key: &SigningKey, header: &str, body: &[u8]) -> String {
    let whole = key.sign_jws_with_header(header.as_bytes(), body).unwrap();
    let parts: Vec<&str> = whole.split('.').collect();
    format!("{}..{}", parts[0], parts[2])
}

fn header(key: &SigningKey) -> String {
    format!(r#"{{"alg":"{}","kid":"{}","typ":"{TYPE}"}}"#, key.algorithm(), key.kid())
}

/// An update with these bytes and this signature.
fn sent(body: &[u8], signature: Option<String>) -> Command {
    Command {
        scheme: None,
        app: None,
        method: "PUT",
        target: "/-/directory".into(),
        token: None,
        time: None,
        key: None,
        media_type: Some("application/json".into()),
        body: body.to_vec(),
        more: signature.map(|text| ("Directory-Signature".into(), text)).into_iter().collect(),
    }
}

/// A good update of that content.
fn update(stage: &Stage, document: &Value) -> Command {
    signed(stage, document.to_string().as_bytes())
}

pub fn signed(stage: &Stage, body: &[u8]) -> Command {
    sent(body, Some(signature(&stage.directory_key, &header(&stage.directory_key), body)))
}

fn give(stage: &Stage, gateway: &Served, command: &Command) -> BackendAnswer {
    stage.wait(command.give(&stage.backend(gateway.address))).unwrap()
}

/// The update is taken: its revision and digest, as the answer says.
#[track_caller]
fn taken(answer: &BackendAnswer) -> (u64, String) {
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{}", answer.text());
    let told: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(told.as_object().unwrap().len(), 2);
    (told["revision"].as_u64().unwrap(), told["digest"].as_str().unwrap().to_owned())
}

fn record_of(stage: &Stage, answer: &BackendAnswer) -> Record {
    let receipt = answer.header("receipt-id").unwrap();
    stage.records().into_iter().find(|record| record.text("receipt") == receipt).expect("it is on record")
}

fn door(stage: &Stage, gateway: &Served) -> u16 {
    give(stage, gateway, &Command::new(stage)).status
}

#[test]
fn a_good_update_is_in_force_for_the_very_next_request_and_on_record() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    assert_eq!(door(&stage, &gateway), 200);
    assert_eq!(gateway.metric("portcullis_directory_revision"), 7);
    let documents = [
        (snapshot(8, &[house("house-1", "north", &["door-2"])]), 404),
        (delta(8, 9, &[house("house-1", "north", &["door-1"])], &[]), 200),
        (delta(9, 12, &[house("house-3", "south", &["a", "b"])], &["house-1"]), 404),
        (as_before(13), 200),
        // Of a house that another company manages, and of one that is linked to no partner.
        (delta(13, 14, &[house("house-1", "south", &["door-1"])], &[]), 404),
        (as_before(15), 200),
        (
            delta(
                15,
                16,
                &[json!({"id": "house-1", "tenant": "north", "zone": "UTC", "partners": [], "doors": ["door-1"]})],
                &[],
            ),
            404,
        ),
    ];
    for (document, status) in documents {
        let answer = give(&stage, &gateway, &update(&stage, &document));
        let (revision, digest) = taken(&answer);
        assert_eq!(Some(revision), document["revision"].as_u64());
        // Both workers, and as many connections, one after the other.
        for _ in 0..4 {
            let answer = give(&stage, &gateway, &Command::new(&stage));
            assert_eq!(answer.status, status, "{document}");
            let record = record_of(&stage, &answer);
            let told = if record.get("resource").is_null() {
                record.get("directory")
            } else {
                &record.get("resource")["directory"]
            };
            assert_eq!(told.as_u64(), Some(revision), "judged by what was sent last");
        }
        let record = record_of(&stage, &answer);
        assert_eq!((record.text("kind"), record.get("directory").as_u64()), ("directory", Some(revision)));
        assert_eq!((record.text("digest"), record.text("peer")), (digest.as_str(), "spiffe://prop.example/backend"));
        assert_eq!(record.get("made_at"), &document["made_at"]);
        assert_eq!(record.get("decision")["policies"], json!(["backend-updates-directory"]));
    }
    assert_eq!(gateway.metric("portcullis_directory_revision"), 16);
    assert_eq!((gateway.metric("portcullis_directory_houses"), gateway.metric("portcullis_directory_doors")), (1, 1));
    assert_eq!(gateway.metric("portcullis_directory_update_duration_seconds_count"), 7);
    assert!(gateway.metric("portcullis_directory_memory_bytes") > 100);
    let made = gateway.metric("portcullis_directory_made_timestamp_seconds");
    assert!(now().get() - made < 60, "{made}");
    assert_eq!(gateway.metric("portcullis_directory_max_age_seconds"), 86_400);
}

#[test]
fn a_peer_brings_so_many_versions_in_a_minute_and_the_next_changes_nothing() {
    let stage = Stage::by(Arc::new(ManualClock::new(SystemClock::new().now())));
    stage.limit("peer_events_per_minute: 2");
    let gateway = Served::by(&stage, Arc::new(ManualClock::new(SystemClock::new().now())));
    let sent = |revision| give(&stage, &gateway, &update(&stage, &as_before(revision)));
    assert_eq!((taken(&sent(10)).0, taken(&sent(11)).0), (10, 11));
    let third = sent(12);
    assert_eq!((third.status, record_of(&stage, &third).text("reason")), (429, "rate-events"));
    assert_eq!(gateway.metric("portcullis_directory_revision"), 11);
}

/// What is sent, and how it is refused: status, problem, reason.
struct Refused(&'static str, Command, u16, &'static str, &'static str);

fn refused(stage: &Stage) -> Vec<Refused> {
    let good = as_before(10);
    let body = good.to_string().into_bytes();
    let ours = &stage.directory_key;
    let stranger = SigningKey::from_pem(&SigningKey::generate_pem(SigningAlgorithm::EdDsa).unwrap()).unwrap();
    let under = |key: &SigningKey, header: &str| sent(&body, Some(signature(key, header, &body)));
    let whole = ours.sign_jws_with_header(header(ours).as_bytes(), &body).unwrap();
    let other_bytes = [body.as_slice(), b" "].concat();
    let unlisted = snapshot(10, &[house("house-1", "west", &["door-1"])]);
    let mut ahead = good.clone();
    ahead["made_at"] = json!(instant(now().plus(60)));
    let mut other = snapshot(8, &[]);
    other["tenants"] = json!([]);
    let named = |name: &str, value: &str| header(ours).replace(name, value);
    let conflict =
        |what, document: &Value, reason| Refused(what, update(stage, document), 409, "directory-conflict", reason);
    let unsigned = |what, command| Refused(what, command, 403, "forbidden", "directory-unsigned");
    let unfit = |what, document: &Value| Refused(what, update(stage, document), 400, "invalid-request", "body-invalid");
    vec![
        unsigned("no signature", sent(&body, None)),
        unsigned("two signatures", update(stage, &good).with("Directory-Signature", "a..b")),
        unsigned("a text that is none", sent(&body, Some("signature".into()))),
        unsigned("a signature with its content", sent(&body, Some(whole))),
        unsigned("another key under our key's name", under(&stranger, &header(ours))),
        unsigned("another key under its own name", under(&stranger, &header(&stranger))),
        unsigned("a signature over other bytes", sent(&other_bytes, Some(signature(ours, &header(ours), &body)))),
        unsigned("another algorithm", under(ours, &named("EdDSA", "ES256"))),
        unsigned("no algorithm", under(ours, &named("EdDSA", "none"))),
        unsigned("a signature for something else", under(ours, &named(TYPE, "at+jwt"))),
        unsigned("content that is not encoded", under(ours, &named("{", r#"{"b64":false,"crit":["b64"],"#))),
        conflict("an older version", &as_before(7), "directory-not-newer"),
        conflict("the same version once more", &as_before(8), "directory-not-newer"),
        conflict("the same version with another content", &other, "directory-not-newer"),
        conflict("a delta on an older version", &delta(7, 10, &[], &[]), "directory-other-base"),
        conflict("a delta on a version that is not there yet", &delta(9, 10, &[], &[]), "directory-other-base"),
        conflict("a delta to its own base", &delta(8, 8, &[], &[]), "directory-not-newer"),
        unfit("a house of a tenant that is not listed", &unlisted),
        unfit("a delta that removes what is not there", &delta(8, 10, &[], &["house-9"])),
        unfit("a version from the future", &ahead),
        unfit("no document", &json!(["house-1"])),
        Refused("no JSON", signed(stage, b"house-1"), 400, "invalid-request", "body-invalid"),
        Refused(
            "another media type",
            Command { media_type: Some("application/yaml".into()), ..update(stage, &good) },
            415,
            "unsupported-media-type",
            "media-type-not-declared",
        ),
        Refused(
            "another method",
            Command { method: "POST", ..update(stage, &good) },
            405,
            "method-not-allowed",
            "method-not-declared",
        ),
        Refused("a query", update(stage, &good).to("/-/directory?force=1"), 400, "invalid-request", "query-invalid"),
        Refused(
            "coded content",
            update(stage, &good).with("Content-Encoding", "gzip"),
            415,
            "unsupported-media-type",
            "media-type-not-declared",
        ),
    ]
}

#[test]
fn whatever_is_wrong_with_an_update_is_refused_on_record_and_leaves_what_is_in_force() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let first = taken(&give(&stage, &gateway, &update(&stage, &as_before(8))));
    for Refused(what, command, status, problem, reason) in refused(&stage) {
        let answer = give(&stage, &gateway, &command);
        let told = answer.json().unwrap();
        let kind = told.get("type").unwrap().as_str().unwrap().to_owned();
        assert_eq!((answer.status, kind), (status, format!("/problems/{problem}")), "{what}");
        let record = record_of(&stage, &answer);
        assert_eq!((record.text("kind"), record.text("reason")), ("refusal", reason), "{what}");
        assert_eq!(gateway.metric("portcullis_directory_revision"), 8, "{what}");
    }
    // Another peer that the listener trusts, and no policy permits; with the backend's own signature.
    let other = Leaf::client("spiffe://prop.example/other", Validity::a_day_from(now()));
    let other = stage.pki.backend_authority.issue(&other).unwrap();
    let backend = stage.backend_as(gateway.address, Some(&other.identity().unwrap()));
    let answer = stage.wait(update(&stage, &as_before(10)).give(&backend)).unwrap();
    assert_eq!((answer.status, record_of(&stage, &answer).text("reason")), (404, "policy-denied"));
    assert_eq!(door(&stage, &gateway), 200);
    // What is wrong in a document is told with its place.
    let unlisted = update(&stage, &snapshot(10, &[house("house-1", "west", &[])]));
    let told: Value = serde_json::from_slice(&give(&stage, &gateway, &unlisted).body).unwrap();
    let place = json!([{"in": "body", "pointer": "/houses/0/tenant", "expected": "tenant"}]);
    assert_eq!(told["errors"], place);
    let kinds = |stage: &Stage| stage.records().iter().filter(|record| record.text("kind") == "directory").count();
    assert_eq!(kinds(&stage), 1, "one was taken up");
    assert_eq!(gateway.shutdown(), portcullis::gateway::Ended::InOrder);
    let gateway = Served::on(&stage);
    assert_eq!(begun_by(&stage), first, "nothing else was stored");
    assert_eq!(taken(&give(&stage, &gateway, &update(&stage, &as_before(10)))).0, 10, "and a good one is taken");
}

/// The revision and digest by which the last start went.
fn begun_by(stage: &Stage) -> (u64, String) {
    let record = stage.records().into_iter().rfind(|record| record.text("kind") == "bundle").unwrap();
    (record.get("directory").as_u64().unwrap(), record.text("digest").to_owned())
}

#[test]
fn an_update_holds_its_limit_and_not_one_byte_more() {
    let stage = Stage::new();
    stage.limit("directory_max_bytes: 64KiB");
    let gateway = Served::on(&stage);
    let padded = |revision: u64, length: usize| {
        let mut body = as_before(revision).to_string().into_bytes();
        body.resize(length, b' ');
        signed(&stage, &body)
    };
    let answer = give(&stage, &gateway, &padded(8, 65_537));
    assert_eq!((answer.status, record_of(&stage, &answer).text("reason")), (413, "body-too-large"));
    assert_eq!(taken(&give(&stage, &gateway, &padded(8, 65_536))).0, 8);
    let over = json!({"big": "x".repeat(70_000)});
    assert_eq!(give(&stage, &gateway, &Command::new(&stage).saying(&over.to_string())).status, 413, "a command's own");
}

#[test]
fn what_was_accepted_is_there_after_a_kill_and_the_file_wins_only_where_it_is_newer() {
    let stage = Stage::new();
    let process = Process::on(&stage);
    let send = |address, document: &Value| stage.wait(update(&stage, document).give(&stage.backend(address))).unwrap();
    taken(&send(process.address, &snapshot(8, &[])));
    let second = taken(&send(process.address, &delta(8, 9, &[house("house-1", "north", &["door-2"])], &[])));
    process.kill();

    let process = Process::on(&stage);
    assert_eq!(begun_by(&stage), second);
    Command::new(&stage).told(&stage, process.address).is(404, "not-found");
    assert_eq!(send(process.address, &as_before(9)).status, 409);
    assert_eq!(send(process.address, &as_before(8)).status, 409, "nothing that was replaced comes back");
    process.kill();

    // The file has the revision of what was sent, and another content: what was sent was signed.
    stage.edit("directory.yaml", "revision: 7", "revision: 9");
    let process = Process::on(&stage);
    assert_eq!(begun_by(&stage), second);
    process.kill();
    stage.edit("directory.yaml", "revision: 9", "revision: 10");
    let process = Process::on(&stage);
    assert_eq!(begun_by(&stage).0, 10);
    Command::new(&stage).told(&stage, process.address).is(200, "");
    assert_eq!(send(process.address, &as_before(10)).status, 409);
    taken(&send(process.address, &as_before(11)));
}

#[test]
fn of_many_that_come_at_once_under_one_revision_exactly_one_is_in_force() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    for round in 8..12_u64 {
        let update = |number: usize| {
            update(&stage, &snapshot(round, &[house(&format!("house-{number}"), "north", &["door-1"])]))
        };
        let pending: Vec<_> = (0..8).map(|number| update(number).begin(&stage, gateway.address)).collect();
        let answers: Vec<_> = pending.into_iter().map(|pending| pending.answer()).collect();
        let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(won.len(), 1, "round {round}");
        assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 409)));
        let (revision, digest) = taken(won[0]);
        let in_force = gateway.gate().core().snapshot.load().directory.digest().to_string();
        assert_eq!((revision, in_force), (round, digest));
    }
    let of_kind = |kind: &str| stage.records().iter().filter(|record| record.text("kind") == kind).count();
    assert_eq!((of_kind("directory"), of_kind("refusal")), (4, 28));
    let last = gateway.gate().core().snapshot.load().directory.digest().to_string();
    drop(gateway);
    let _gateway = Served::on(&stage);
    assert_eq!(begun_by(&stage), (11, last), "and it is the one that lasts");
}

#[test]
fn a_command_under_way_keeps_the_directory_that_it_was_judged_by_and_is_withdrawn_at_the_last_look() {
    let stage = Stage::new();
    stage.limit("connect_timeout_ms: 30s");
    let gateway = Served::on(&stage);
    stage.partner.behave(Misbehaviour::HangInHandshake);
    let call = Command::new(&stage).begin(&stage, gateway.address);
    stage.partner_until(|partner| partner.hanging == 1);
    taken(&give(&stage, &gateway, &update(&stage, &as_before(8))));
    stage.partner.behave_well();
    stage.partner.release();
    call.told().is(503, "unavailable");
    assert_eq!(stage.story(), ["intent", "outcome withdrawn withdrawn directory-changed"]);
    let intent = stage.records().into_iter().find(|record| record.text("kind") == "intent").unwrap();
    assert_eq!(intent.get("resource")["directory"], json!(7));
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    assert_eq!(stage.partner.total_actuations(), 1, "only what came after");
}

/// A good command by another clock than the machine's.
fn command_at(stage: &Stage, at: UnixSeconds) -> Command {
    let token = stage.sessions.mint(&stage.resident(&stage.sessions, at)).unwrap();
    Command { time: Some(format!("@{}", at.get())), ..Command::new(stage).bearing(token) }
}

#[test]
fn beyond_its_age_nothing_moves_by_the_directory_reading_goes_on_and_an_update_mends_it() {
    let clock = Arc::new(ManualClock::new(UnixMillis::new(now().get() * 1000)));
    let stage = Stage::by(clock.clone());
    stage.edit("gateway.yaml", "max_age: 24h", "max_age: 1h");
    let gateway = Served::by(&stage, clock.clone());
    let made = stage_made_at(&stage);
    let told = || give(&stage, &gateway, &command_at(&stage, clock.now().seconds()));
    let notices = || ops_page(gateway.ops, "/readyz").1;
    let age = |seconds: u64| clock.advance(Duration::from_secs(made + seconds - clock.now().seconds().get()));
    age(3_600);
    assert_eq!(told().status, 200, "the last second");
    // The log is attested anew within a second; the clock has leapt past that.
    until("no notice", || notices().contains("\"notices\":[]"));
    age(3_601);
    let answer = told();
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("30")));
    assert_eq!(record_of(&stage, &answer).text("reason"), "directory-too-old");
    until("the notice", || notices().contains("\"notices\":[\"directory-too-old\"]"));
    assert_eq!(gateway.not_ready(), "", "a notice, and no more");
    // What is not there, and what no policy permits, is no other answer than before.
    let missing = command_at(&stage, clock.now().seconds()).to("/v1/houses/house-9/doors/door-1/open");
    assert_eq!(give(&stage, &gateway, &missing).status, 404);
    let moved = stage.partner.total_actuations();

    // That nothing has changed is an update, too.
    let mut still_so = delta(7, 8, &[], &[]);
    still_so["made_at"] = json!(instant(clock.now().seconds()));
    taken(&give(&stage, &gateway, &update(&stage, &still_so)));
    assert_eq!((told().status, stage.partner.total_actuations()), (200, moved + 1));
    until("no notice", || notices().contains("\"notices\":[]"));
    // One that was made long ago is taken, since it is newer than what is in force; but it is no younger for that.
    let mut late = delta(8, 9, &[], &[]);
    late["made_at"] = json!(instant(UnixSeconds::new(made)));
    taken(&give(&stage, &gateway, &update(&stage, &late)));
    assert_eq!(told().status, 503);
    drop(gateway);

    // A restart changes nothing of it, and does not fail for it; and what moves nothing goes on.
    stage.edit("policies/contracts/smarthome.openapi.yaml", "        actuates: door\n", "");
    let gateway = Served::by(&stage, clock.clone());
    let answer = give(&stage, &gateway, &command_at(&stage, clock.now().seconds()));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(ops_page(gateway.ops, "/readyz").1.contains("directory-too-old"));
}

/// When the stage's directory file says that it was made, in Unix seconds.
fn stage_made_at(stage: &Stage) -> u64 {
    let text = fs::read_to_string(stage.path("directory.yaml")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("made_at: ")).unwrap();
    UnixMillis::parse(line.split(' ').next().unwrap()).unwrap().seconds().get()
}

#[test]
fn a_file_that_does_not_say_when_it_was_made_moves_nothing_where_age_matters() {
    let stage = Stage::new();
    let line = fs::read_to_string(stage.path("directory.yaml")).unwrap();
    let line = line.lines().find(|line| line.starts_with("made_at: ")).unwrap().to_owned();
    stage.edit("directory.yaml", &format!("{line}\n"), "");
    let gateway = Served::on(&stage);
    assert_eq!(door(&stage, &gateway), 503);
    taken(&give(&stage, &gateway, &update(&stage, &as_before(8))));
    assert_eq!(door(&stage, &gateway), 200);
    assert_eq!(gateway.shutdown(), portcullis::gateway::Ended::InOrder);
    let keys = "jwks: {file: pki/directory.jwks}, max_age: 24h";
    stage.edit("gateway.yaml", &format!(", {keys}"), "");
    let gateway = Served::on(&stage);
    assert_eq!(door(&stage, &gateway), 200, "where it does not matter");
    let answer = give(&stage, &gateway, &update(&stage, &as_before(9)));
    assert_eq!(
        (answer.status, record_of(&stage, &answer).text("reason")),
        (404, "unknown-operation"),
        "no keys, no updates"
    );
}

#[test]
fn the_backends_new_key_is_good_and_its_old_one_is_not_without_a_restart() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let fresh = SigningKey::from_pem(&SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap()).unwrap();
    let by = |key: &SigningKey, revision: u64| {
        let body = as_before(revision).to_string().into_bytes();
        give(&stage, &gateway, &sent(&body, Some(signature(key, &header(key), &body)))).status
    };
    assert_eq!((by(&stage.directory_key, 8), by(&fresh, 9)), (200, 403));
    let reloads = |times: u64| {
        let series = format!("portcullis_reloads_total{{result=\"done\"}} {times}\n");
        until(&series, || gateway.metrics().contains(&series));
    };
    fs::write(stage.path("pki/directory.jwks"), jwks_json(&[&stage.directory_key, &fresh])).unwrap();
    reloads(1);
    assert_eq!((by(&stage.directory_key, 9), by(&fresh, 10)), (200, 200), "both, while they change");
    fs::write(stage.path("pki/directory.jwks"), jwks_json(&[&fresh])).unwrap();
    reloads(2);
    assert_eq!((by(&stage.directory_key, 11), by(&fresh, 11)), (403, 200));
}

#[test]
fn what_is_not_stored_or_not_on_record_is_not_in_force() {
    let (stage, deeds) = (Stage::new(), Arc::new(Deeds::default()));
    let gateway = Served::on_disk(&stage, &deeds);
    let revision = || gateway.gate().core().snapshot.load().directory.version();
    let other = Connection::open(stage.path("state/store.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = give(&stage, &gateway, &update(&stage, &snapshot(8, &[])));
    assert_eq!((answer.status, record_of(&stage, &answer).text("reason")), (503, "directory-not-stored"));
    assert_eq!(revision(), 7);
    other.execute_batch("COMMIT").unwrap();
    taken(&give(&stage, &gateway, &update(&stage, &as_before(8))));
    deeds.fails_to_sync.store(true, Ordering::SeqCst);
    update(&stage, &snapshot(9, &[])).told(&stage, gateway.address).is(503, "unavailable");
    assert_eq!(revision(), 8);
    assert!(gateway.not_ready().contains("audit-failed"));
    // It was signed, permitted and stored: the next start goes by it, and says so on record before it serves.
    deeds.fails_to_sync.store(false, Ordering::SeqCst);
    drop(gateway);
    let gateway = Served::on(&stage);
    assert_eq!(begun_by(&stage).0, 9);
    update(&stage, &snapshot(9, &[])).told(&stage, gateway.address).is(409, "directory-conflict");
}

#[test]
fn an_update_whose_sender_hangs_up_is_taken_up_all_the_same() {
    let (stage, deeds) = (Stage::new(), Arc::new(Deeds::default()));
    stage.limit("record_timeout_ms: 10s");
    let gateway = Served::on_disk(&stage, &deeds);
    let hanging = deeds.hang();
    let call = update(&stage, &as_before(8)).begin(&stage, gateway.address);
    hanging.until_it_hangs();
    call.hang_up();
    hanging.release();
    until("the update", || gateway.gate().core().snapshot.load().directory.version() == 8);
    assert_eq!(stage.records().iter().filter(|record| record.text("kind") == "directory").count(), 1);
}

/// A snapshot of five thousand houses with twenty doors each; one of them is the tests' person's.
fn city(revision: u64) -> Value {
    let doors: Vec<String> = (1..=20).map(|door| format!("door-{door}")).collect();
    let doors: Vec<&str> = doors.iter().map(String::as_str).collect();
    let houses: Vec<Value> = (1..=5_000).map(|number| house(&format!("house-{number}"), "north", &doors)).collect();
    snapshot(revision, &houses)
}

/// With one worker: whatever holds it up holds up everybody.
#[test]
fn an_update_of_a_hundred_thousand_doors_holds_up_nobody_who_opens_a_door_meanwhile() {
    let stage = Stage::new();
    stage.edit("gateway.yaml", "workers: 2", "workers: 1");
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    // Were it read by the worker, nobody would be answered for as long as that takes, which is most of it. Whatever else
    // the machine does may hold up a command, too, but not each time.
    let mut told = Vec::new();
    let is_held_up = |revision: u64| {
        let (before, update) = (updates_took(&gateway), update(&stage, &city(revision)));
        let clock = SystemClock::new();
        let call = update.begin(&stage, gateway.address);
        let (mut longest, mut last, mut withdrawn) = (Duration::ZERO, clock.steady(), 0);
        while gateway.gate().core().snapshot.load().directory.version() < revision {
            match stage.wait(Command::new(&stage).give(&backend)).unwrap().status {
                200 => {}
                // Judged by the old one, and the new one came before it left.
                503 => withdrawn += 1,
                other => panic!("{other}"),
            }
            longest = longest.max(clock.steady() - last);
            last = clock.steady();
        }
        taken(&call.answer());
        assert!(withdrawn <= 1, "{withdrawn}");
        let took = updates_took(&gateway) - before;
        told.push((longest, took));
        longest >= took / 2
    };
    let held_up = (8..12).all(is_held_up);
    assert!(!held_up, "without an answer, of the whole time: {told:?}");
    assert_eq!((gateway.metric("portcullis_directory_doors"), door(&stage, &gateway)), (100_000, 200));
    // One delta more, which costs a copy of the map and not of the houses.
    let base = gateway.metric("portcullis_directory_revision");
    let next = delta(base, 12, &[house("house-1", "north", &["door-1"])], &["house-2"]);
    taken(&give(&stage, &gateway, &update(&stage, &next)));
    assert_eq!(gateway.metric("portcullis_directory_doors"), 99_961);
}

/// How long all updates took together.
fn updates_took(gateway: &Served) -> Duration {
    let page = gateway.metrics();
    let series = "portcullis_directory_update_duration_seconds_sum ";
    let sum = page.lines().find_map(|line| line.strip_prefix(series)).unwrap();
    Duration::from_secs_f64(sum.parse().unwrap())
}

/// The blocks of the operations page that make a key and send an update, run as they stand: `openssl` signs, `curl` sends.
#[test]
fn the_documents_own_commands_make_a_key_and_send_an_update_that_is_taken() {
    let stage = Stage::new();
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md")).unwrap();
    let (_, section) = page.split_once("### Sending updates").unwrap();
    let blocks: Vec<&str> = section.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let [key, send] = blocks[..2] else { panic!("two blocks") };
    let run = |script: &str| {
        let mut shell = std::process::Command::new("sh");
        let output = shell.args(["-euc", script]).current_dir(stage.path("pki")).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run(key);
    let gateway = Served::on(&stage);
    fs::write(stage.path("pki/directory.json"), as_before(8).to_string()).unwrap();
    let send = send.replace(
        &format!("https://{AUTHORITY}/-/directory"),
        &format!("--connect-to {AUTHORITY}:443:{} --max-time 20 https://{AUTHORITY}/-/directory", gateway.address),
    );
    let names = [("gateway-ca.pem", "gateway-authority.pem")];
    let send = names.iter().fold(send, |text, (from, to)| text.replace(from, to));
    let told: Value = serde_json::from_str(&run(&send)).unwrap();
    assert_eq!(told["revision"], json!(8));
    assert_eq!(gateway.gate().core().snapshot.load().directory.digest().to_string(), told["digest"].as_str().unwrap());
    // `SystemClock` and the shell's own agree on the time: the file that was signed was made now.
    assert!(SystemClock::new().now().seconds().get() >= gateway.metric("portcullis_directory_made_timestamp_seconds"));
}

/// RSA, as `openssl dgst` signs: another algorithm, another program, and its own spelling of the key.
#[test]
fn a_signature_of_rsa_by_openssl_is_taken_where_the_key_says_that_it_is_for_that() {
    let stage = Stage::new();
    let folder = stage.path("pki");
    fs::write(folder.join("directory.json"), as_before(8).to_string()).unwrap();
    let script = r#"
        b64() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
        openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key 2>/dev/null
        n=$(openssl rsa -in rsa.key -noout -modulus | sed 's/Modulus=//' | python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read().strip()))' | b64)
        printf '{"keys":[{"kty":"RSA","kid":"r","alg":"RS256","n":"%s","e":"AQAB"}]}' "$n" > directory.jwks
        header=$(printf '{"typ":"portcullis-directory+jws","kid":"r","alg":"RS256"}' | b64)
        printf '%s.%s' "$header" "$(b64 < directory.json)" > signed
        printf '%s..%s' "$header" "$(openssl dgst -sha256 -sign rsa.key -binary signed | b64)"
    "#;
    let output = std::process::Command::new("sh").args(["-euc", script]).current_dir(&folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let signature = String::from_utf8(output.stdout).unwrap();
    let gateway = Served::on(&stage);
    let body = fs::read(folder.join("directory.json")).unwrap();
    let forged = sent(&as_before(9).to_string().into_bytes(), Some(signature.clone()));
    assert_eq!(give(&stage, &gateway, &forged).status, 403, "over other bytes");
    assert_eq!(taken(&give(&stage, &gateway, &sent(&body, Some(signature)))).0, 8);
}
