//! Inbound events: what the partner signs comes through contract, directory and policy, once, onto the record and into the
//! queue; and everything that is not so is refused with its reason, and nothing of it is queued.

use crate::harness::Event;
use crate::harness::Inbound;
use crate::harness::Process;
use crate::harness::Record;
use crate::harness::Served;
use crate::harness::now;
use crate::harness::until;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::model::Actor;
use portcullis::model::AdminDoor;
use portcullis::model::Stranger;
use portcullis::model::TenantId;
use portcullis::pipeline::Act;
use portcullis::pipeline::RevocationKind;
use portcullis::pipeline::RevocationOrder;
use std::process::Stdio;

/// A gateway on a stage with events, who calls it, and a name that the partner knows.
struct Scene {
    gateway: Served,
    caller: Backend,
    person: String,
    inbound: Inbound,
}

impl Scene {
    fn new() -> Self {
        Self::on(Inbound::new())
    }

    fn on(inbound: Inbound) -> Self {
        let gateway = Served::on(&inbound);
        let caller = inbound.caller(gateway.partners);
        let person = inbound.pseudonym(&gateway);
        Self { gateway, caller, person, inbound }
    }

    fn granted(&self) -> Event {
        self.inbound.granted(&self.person)
    }

    fn send(&self, event: &Event) -> BackendAnswer {
        self.inbound.wait(event.send(&self.caller)).unwrap()
    }

    /// The status, and the reason on record.
    fn told(&self, answer: &BackendAnswer) -> String {
        let record = self.record(answer);
        let text = answer.text();
        for canary in ["ivanov", "canary", "whsec_", &self.person] {
            assert!(!text.contains(canary) && !record.0.to_string().contains(canary), "{canary}: {text} {record:?}");
        }
        match record.text("reason") {
            "" => format!("{} {}", answer.status, record.text("kind")),
            reason => format!("{} {reason}", answer.status),
        }
    }

    fn record(&self, answer: &BackendAnswer) -> Record {
        let receipt = answer.header("receipt-id").unwrap();
        let of_this = |record: &Record| record.text("receipt") == receipt && record.text("kind") != "delivery";
        self.inbound.records().into_iter().rfind(of_this).unwrap()
    }

    /// How many events are on record as taken.
    fn taken(&self) -> usize {
        self.inbound.records().iter().filter(|record| record.text("kind") == "event").count()
    }

    /// How many events wait, or have died.
    fn queued(&self) -> u64 {
        let gate = self.gateway.gate();
        let depths = self.inbound.wait(gate.core().outbox.census()).unwrap();
        depths.iter().map(|depth| depth.queued + depth.dead).sum()
    }
}

fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The fields of a request, in order.
type Fieldset = Vec<(String, String)>;

/// What makes a good event a bad one: changes what is signed, or, of the fields that go out, what is not.
enum Spoil {
    Signed(fn(Event) -> Event),
    Fields(fn(&Event, Fieldset) -> Fieldset),
}

use Spoil::Fields;
use Spoil::Signed;

/// The fields with one exchanged.
fn exchanged(fields: Fieldset, name: &str, value: &str) -> Fieldset {
    fields
        .into_iter()
        .map(|(known, old)| if known == name { (known, value.to_owned()) } else { (known, old) })
        .collect()
}

fn without(mut fields: Fieldset, name: &str) -> Fieldset {
    fields.retain(|(known, _)| known != name);
    fields
}

fn twice(mut fields: Fieldset, name: &str) -> Fieldset {
    let field = fields.iter().find(|(known, _)| known == name).unwrap().clone();
    fields.push(field);
    fields
}

const OTHER_SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const UNSIGNED: &str = "403 event-unsigned";
const FORGED: &str = "403 event-signature";
const UNTIMELY: &str = "403 event-not-timely";
const BAD_BODY: &str = "400 body-invalid";
const MALFORMED: &str = "400 body-malformed";

const BAD: &[(&str, Spoil, &str)] = &[
    // Whose it is.
    ("another secret", Signed(|event| Event { secret: OTHER_SECRET.into(), ..event }), FORGED),
    (
        "another body than the signed one",
        Signed(|event| Event { said: Some(event.body.replace("door-1", "door-2")), ..event }),
        FORGED,
    ),
    (
        "the same body with a space more",
        Signed(|event| Event { said: Some(event.body.replace("\":", "\": ")), ..event }),
        FORGED,
    ),
    ("no body in place of the signed one", Signed(|event| Event { said: Some(String::new()), ..event }), FORGED),
    (
        "the signature of another id",
        Fields(|event, fields| {
            let other = Event { id: "msg_other".into(), ..event.clone() };
            exchanged(fields, "webhook-signature", &other.signature())
        }),
        FORGED,
    ),
    (
        "the signature of another time",
        Fields(|event, fields| {
            let other = Event { at: (now().get() - 1).to_string(), ..event.clone() };
            exchanged(fields, "webhook-signature", &other.signature())
        }),
        FORGED,
    ),
    ("another id than the signed one", Fields(|_, fields| exchanged(fields, "webhook-id", "msg_other")), FORGED),
    (
        "a later time than the signed one",
        Fields(|_, fields| exchanged(fields, "webhook-timestamp", &(now().get() + 1).to_string())),
        FORGED,
    ),
    (
        "a signature of zeros",
        Fields(|_, fields| exchanged(fields, "webhook-signature", &format!("v1,{}=", "A".repeat(43)))),
        FORGED,
    ),
    (
        "a signature of a version that is none of ours",
        Fields(|event, fields| exchanged(fields, "webhook-signature", &event.signature().replace("v1,", "v1a,"))),
        FORGED,
    ),
    (
        "a signature without its version",
        Fields(|event, fields| exchanged(fields, "webhook-signature", event.signature().trim_start_matches("v1,"))),
        UNSIGNED,
    ),
    (
        "a signature in the other alphabet of base64",
        Fields(|_, fields| exchanged(fields, "webhook-signature", &format!("v1,{}=", "_".repeat(43)))),
        UNSIGNED,
    ),
    (
        "a signature in hexadecimal digits",
        Fields(|_, fields| exchanged(fields, "webhook-signature", &format!("v1,{}", "ab".repeat(32)))),
        UNSIGNED,
    ),
    ("an empty signature", Fields(|_, fields| exchanged(fields, "webhook-signature", "")), UNSIGNED),
    (
        "nine signatures",
        Fields(|event, fields| exchanged(fields, "webhook-signature", &[event.signature().as_str(); 9].join(" "))),
        UNSIGNED,
    ),
    ("no signature", Fields(|_, fields| without(fields, "webhook-signature")), UNSIGNED),
    ("no id", Fields(|_, fields| without(fields, "webhook-id")), UNSIGNED),
    ("no time", Fields(|_, fields| without(fields, "webhook-timestamp")), UNSIGNED),
    ("the signature twice", Fields(|_, fields| twice(fields, "webhook-signature")), UNSIGNED),
    ("the id twice", Fields(|_, fields| twice(fields, "webhook-id")), UNSIGNED),
    ("the time twice", Fields(|_, fields| twice(fields, "webhook-timestamp")), UNSIGNED),
    ("an id with a full stop", Signed(|event| Event { id: "msg.1".into(), ..event }), UNSIGNED),
    ("an id that is too long", Signed(|event| Event { id: "m".repeat(129), ..event }), UNSIGNED),
    ("an id that is a path", Signed(|event| Event { id: "../msg".into(), ..event }), UNSIGNED),
    ("a time with a fraction", Signed(|event| Event { at: format!("{}.0", event.at), ..event }), UNSIGNED),
    ("a time with a sign", Signed(|event| Event { at: format!("+{}", event.at), ..event }), UNSIGNED),
    ("a time in milliseconds", Signed(|event| Event { at: format!("{}000", event.at), ..event }), UNSIGNED),
    // When.
    ("signed six minutes ago", Signed(|event| Event { at: (now().get() - 360).to_string(), ..event }), UNTIMELY),
    ("signed for in six minutes", Signed(|event| Event { at: (now().get() + 360).to_string(), ..event }), UNTIMELY),
    ("signed in 1970", Signed(|event| Event { at: "0".into(), ..event }), UNTIMELY),
    // How it is sent.
    ("by PUT", Signed(|event| Event { method: "PUT", ..event }), "405 method-not-declared"),
    ("by GET", Signed(|event| Event { method: "GET", ..event }), "405 method-not-declared"),
    ("with a query", Signed(|event| Event { target: "/-/events?partner=other".into(), ..event }), "400 query-invalid"),
    ("at a path beside it", Signed(|event| Event { target: "/-/events/".into(), ..event }), "404 unknown-operation"),
    ("as text", Fields(|_, fields| exchanged(fields, "Content-Type", "text/plain")), "415 media-type-not-declared"),
    ("without a type", Fields(|_, fields| without(fields, "Content-Type")), "415 media-type-not-declared"),
    (
        "coded",
        Fields(|_, fields| [fields, vec![field("Content-Encoding", "gzip")]].concat()),
        "415 media-type-not-declared",
    ),
    (
        "for somebody else",
        Fields(|_, fields| [fields, vec![field("X-Forwarded-For", "10.0.0.1")]].concat()),
        "400 refused-field",
    ),
    // What it says.
    ("nothing", Signed(|event| Event { body: String::new(), ..event }), BAD_BODY),
    ("what is no JSON", Signed(|event| Event { body: "type=access.granted".into(), ..event }), BAD_BODY),
    ("a member twice", Signed(|event| event.saying("\"data\":", "\"type\":\"access.refused\",\"data\":")), MALFORMED),
    ("two events", Signed(|event| Event { body: format!("{0}{0}", event.body), ..event }), MALFORMED),
    ("a list", Signed(|event| Event { body: format!("[{}]", event.body), ..event }), BAD_BODY),
    ("an event that nobody declares", Signed(|event| event.saying("access.granted", "access.given")), BAD_BODY),
    ("an event that goes the other way", Signed(|event| event.saying("access.granted", "grant.revoked")), BAD_BODY),
    ("no type", Signed(|event| event.saying("\"type\":\"access.granted\",", "")), BAD_BODY),
    ("a type that is a number", Signed(|event| event.saying("\"access.granted\"", "7")), BAD_BODY),
    ("a member beside the data", Signed(|event| event.saying("\"data\":", "\"canary\":1,\"data\":")), BAD_BODY),
    (
        "a member of the data that nobody declares",
        Signed(|event| event.saying("\"doorId\":", "\"name\":\"canary\",\"doorId\":")),
        BAD_BODY,
    ),
    ("a member of the data that is missing", Signed(|event| event.saying("\"doorId\":\"door-1\",", "")), BAD_BODY),
    ("a house that is a number", Signed(|event| event.saying("\"house-1\"", "1")), BAD_BODY),
    ("a house that is no id", Signed(|event| event.saying("house-1", "../house-1")), BAD_BODY),
    ("a time that is none", Signed(|event| event.saying("2026-11-27T08:30:00Z", "yesterday")), BAD_BODY),
    (
        "a token's id of another form",
        Signed(|event| event.saying("\"doorId\":", "\"tokenId\":\"canary\",\"doorId\":")),
        BAD_BODY,
    ),
    // What it is about.
    ("a house that there is not", Signed(|event| event.saying("house-1", "house-9")), "404 resource-unknown"),
    ("a door that there is not", Signed(|event| event.saying("door-1", "door-9")), "404 resource-unknown"),
    ("a house of another partner", Signed(|event| event.saying("house-1", "house-3")), "404 partner-not-linked"),
    ("a person of another tenant's house", Signed(|event| event.saying("house-1", "house-2")), "400 protection-failed"),
    ("a door that a policy forbids to speak of", Signed(|event| event.saying("door-1", "door-2")), "404 policy-denied"),
];

/// A scene with a house that is another partner's alone, and a policy that forbids to report one door.
fn with_limits_of_policy() -> Scene {
    let inbound = Inbound::new();
    let line =
        "  - {id: house-3, tenant: north, zone: Europe/Moscow, partners: [parkline], doors: [door-1], barriers: []}\n";
    inbound.edit("directory.yaml", "houses:\n", &format!("houses:\n{line}"));
    let forbid = "@id(\"not-this-door\")\n@reason(\"A test.\")\nforbid (principal, action == \
                  PropDevelopment::Action::\"reportAccessGranted\", resource == PropDevelopment::Door::\"ENTITY\");\n";
    let entity = "9:smarthome,5:north,7:house-1,6:door-2,";
    let path = inbound.path("policies/cedar/events.cedar");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}\n{}", forbid.replace("ENTITY", entity))).unwrap();
    Scene::on(inbound)
}

#[test]
fn every_bad_event_is_refused_with_its_reason_and_nothing_of_it_is_queued_or_received() {
    let scene = with_limits_of_policy();
    let mut wrong = Vec::new();
    for (what, spoil, expected) in BAD {
        let good = scene.granted();
        let answer = match spoil {
            Signed(spoil) => scene.send(&spoil(good)),
            Fields(spoil) => {
                let fields = spoil(&good, good.all_fields());
                scene.inbound.wait(good.send_with(&scene.caller, &fields)).unwrap()
            }
        };
        let told = scene.told(&answer);
        if told != *expected {
            wrong.push(format!("{what}: {told}, not {expected}"));
        }
    }
    let flipped = {
        let mut digits = scene.person.clone();
        let last = digits.pop();
        digits + if last == Some('A') { "B" } else { "A" }
    };
    for (person, expected) in [
        ("nobody".to_owned(), BAD_BODY),
        ("resident-ivanov".to_owned(), BAD_BODY),
        (scene.person.to_uppercase(), BAD_BODY),
        (format!("{}A", scene.person), "400 protection-failed"),
        (flipped, "400 protection-failed"),
    ] {
        let answer = scene.send(&scene.inbound.granted(&person));
        let told = format!("{} {}", answer.status, scene.record(&answer).text("reason"));
        if told != expected {
            wrong.push(format!("a person who is {person}: {told}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(BAD.len() > 40);
    assert_eq!(scene.queued(), 0);
    assert!(scene.inbound.records().iter().all(|record| record.text("kind") != "event"));
    assert_eq!(scene.inbound.receiver.taken(), []);
    assert_eq!(scene.told(&scene.send(&scene.granted())), "204 event", "and then a good one");
    scene.inbound.wait(scene.inbound.receiver.until_taken(1));
    assert_eq!(scene.inbound.receiver.refused(), [""; 0]);
}

#[test]
fn an_event_passes_at_the_limit_of_its_time_and_its_length_and_is_refused_one_past_each() {
    let scene = Scene::new();
    let told = |event: &Event| scene.told(&scene.send(event));
    // A second may pass on the way: the limit itself is the unit test's.
    for (at, expected) in [(-298, "204 event"), (298, "204 event"), (-301, UNTIMELY), (303, UNTIMELY)] {
        let at = now().get().saturating_add_signed(at).to_string();
        assert_eq!(told(&Event { at, ..scene.granted() }), expected);
    }
    // Space between the tokens makes it as long as one likes; what goes on is rebuilt.
    let padded = |length: usize| {
        let event = scene.granted();
        let space = " ".repeat(length - event.body.len());
        Event { body: format!("{}{space}", event.body), ..event }
    };
    assert_eq!(told(&padded(65_536)), "204 event");
    assert_eq!(told(&padded(65_537)), "413 body-too-large");
    assert_eq!(told(&Event { id: "m".repeat(128), ..scene.granted() }), "204 event");
}

#[test]
fn an_event_that_is_repeated_is_answered_as_before_and_taken_once_and_its_id_is_good_for_no_other() {
    let scene = Scene::new();
    let event = scene.granted();
    let first = scene.send(&event);
    assert_eq!(scene.told(&first), "204 event");
    assert!(first.body.is_empty());
    // Its sender repeats it, signed anew, as the specification has it; an eavesdropper repeats it byte by byte.
    let later = Event { at: (now().get() - 5).to_string(), ..event.clone() };
    for again in [&event, &later] {
        let answer = scene.send(again);
        assert_eq!(scene.told(&answer), "204 idempotency-replayed");
        assert_eq!(scene.record(&answer).text("first"), first.header("receipt-id").unwrap());
    }
    let other = event.clone().saying("door-1", "door-2");
    assert_eq!(scene.told(&scene.send(&other)), "422 event-id-reused");
    assert_eq!(scene.taken(), 1);
    // A refused one takes no id.
    let refused = scene.granted().saying("house-1", "house-9");
    assert_eq!(scene.told(&scene.send(&refused)), "404 resource-unknown");
    let mended = Event { body: event.body.clone(), ..refused };
    assert_eq!(scene.told(&scene.send(&mended)), "204 event");
    assert_eq!(scene.taken(), 2);
}

#[test]
fn of_many_at_once_under_one_id_one_is_taken() {
    let scene = Scene::new();
    let event = scene.granted();
    let sending = (0..16).map(|_| {
        let (event, caller) = (event.clone(), scene.caller.clone());
        scene.inbound.beside(async move { event.send(&caller).await.unwrap().status })
    });
    let sending: Vec<_> = sending.collect();
    let statuses: Vec<_> = sending.into_iter().map(|task| scene.inbound.wait(task).unwrap()).collect();
    assert_eq!(statuses, [204; 16]);
    // About the same door, so it comes behind whatever there was of the others.
    assert_eq!(scene.send(&scene.granted()).status, 204);
    scene.inbound.wait(scene.inbound.receiver.until_taken(2));
    until("an empty queue", || scene.queued() == 0);
    assert_eq!(scene.inbound.receiver.taken().len(), 2);
}

#[test]
fn what_another_language_signs_is_taken() {
    let scene = Scene::new();
    let event = scene.granted();
    let script = "import sys,hmac,hashlib,base64\nsecret,id,at,body=sys.argv[1:]\n\
                  key=base64.b64decode(secret.removeprefix('whsec_'))\n\
                  mac=hmac.new(key,f'{id}.{at}.{body}'.encode(),hashlib.sha256)\n\
                  print('v1,'+base64.b64encode(mac.digest()).decode())";
    let mut python = std::process::Command::new("python3");
    python.args(["-c", script, event.secret.trim_end(), &event.id, &event.at, &event.body]).stdin(Stdio::null());
    let output = python.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let signature = String::from_utf8(output.stdout).unwrap();
    let fields = exchanged(event.all_fields(), "webhook-signature", signature.trim_end());
    let answer = scene.inbound.wait(event.send_with(&scene.caller, &fields)).unwrap();
    assert_eq!(scene.told(&answer), "204 event");
}

#[test]
fn a_partner_that_is_stopped_or_comes_with_a_revoked_certificate_is_not_believed() {
    let scene = Scene::new();
    scene.inbound.receiver.answer(503);
    let owner = Actor::owner(AdminDoor::Socket);
    let stop = |kind, tenant: Option<&str>, value: &str| {
        let tenant = tenant.map(|tenant| TenantId::new(tenant).unwrap());
        let order = RevocationOrder { kind, tenant, value: Stranger::new(value) };
        let gate = scene.gateway.gate();
        assert!(scene.inbound.wait(async { gate.act(Act::Revoke(order), &owner).await }).outcome.is_ok());
    };
    stop(RevocationKind::Partner, Some("south"), "smarthome");
    assert_eq!(scene.told(&scene.send(&scene.granted())), "204 event", "stopped where it does not stand");
    stop(RevocationKind::Partner, Some("north"), "smarthome");
    assert_eq!(scene.told(&scene.send(&scene.granted())), "403 partner-revoked");
    stop(RevocationKind::Certificate, None, &scene.inbound.pki.partner_client.parsed().unwrap().thumbprint.to_string());
    assert_eq!(scene.told(&scene.send(&scene.granted())), "403 certificate-revoked");
    assert_eq!((scene.taken(), scene.queued()), (1, 1));
}

#[test]
fn what_cannot_be_recorded_or_queued_is_not_taken() {
    let scene = Scene::on(Inbound::within("outbox_max: 1"));
    scene.inbound.receiver.answer(503);
    assert_eq!(scene.told(&scene.send(&scene.granted())), "204 event");
    let full = scene.granted();
    assert_eq!(scene.told(&scene.send(&full)), "503 outbox-full");
    assert_eq!(scene.queued(), 1);
}

#[test]
fn secrets_are_exchanged_without_a_gap_while_the_gateway_runs() {
    let inbound = Inbound::new();
    inbound.edit(
        "gateway.yaml",
        "verify: pki/partner-events.secret",
        "verify: [pki/partner-events.secret, pki/second.secret]",
    );
    let second = inbound.path("pki/second.secret");
    std::fs::write(&second, format!("{OTHER_SECRET}\n")).unwrap();
    std::fs::set_permissions(&second, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let scene = Scene::on(inbound);
    let by = |secret: &str| Event { secret: secret.into(), ..scene.granted() };
    let first = scene.inbound.kit.partner_secret.clone();
    let third = OTHER_SECRET.replace("AAAA", "BBBB");
    let told = |secret: &str| scene.told(&scene.send(&by(secret)));
    assert_eq!([told(&first), told(OTHER_SECRET)], ["204 event"; 2]);
    assert_eq!(told(&third), FORGED);
    let both = by(&third);
    let signatures = format!("{} {}", both.signature(), Event { secret: first.clone(), ..both.clone() }.signature());
    let fields = exchanged(both.all_fields(), "webhook-signature", &signatures);
    let answer = scene.inbound.wait(both.send_with(&scene.caller, &fields)).unwrap();
    assert_eq!(scene.told(&answer), "204 event", "one of the sender's two fits");
    std::fs::write(&second, format!("{third}\n")).unwrap();
    let series = "portcullis_reloads_total{result=\"done\"} 1\n";
    until(series, || scene.gateway.metrics().contains(series));
    assert_eq!([told(&first), told(&third)], ["204 event"; 2]);
    assert_eq!(told(OTHER_SECRET), FORGED);
}

#[test]
fn what_is_taken_reaches_the_backend_signed_by_us_with_the_persons_own_name() {
    let scene = Scene::new();
    let answer = scene.send(&scene.granted());
    assert_eq!(answer.status, 204);
    scene.inbound.wait(scene.inbound.receiver.until_taken(1));
    let taken = scene.inbound.receiver.taken();
    let body: serde_json::Value = serde_json::from_str(&taken[0].body).unwrap();
    let data = serde_json::json!({"houseId": "house-1", "doorId": "door-1", "userId": "resident-ivanov"});
    assert_eq!(body, serde_json::json!({"type": "access.granted", "timestamp": "2026-11-27T08:30:00Z", "data": data}));
    // The partner's own id stays here, and so does all else that came with the event.
    assert!(taken[0].id.starts_with("evt_"), "{}", taken[0].id);
    let mut names: Vec<_> = taken[0].fields.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    let ours = [
        "accept-encoding",
        "content-length",
        "content-type",
        "host",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
    ];
    assert_eq!(names, ours);
    let receipt = answer.header("receipt-id").unwrap();
    let story = || {
        let records = scene.inbound.records();
        let of_this = records.iter().filter(|record| record.text("receipt") == receipt);
        of_this.map(|record| format!("{} {}", record.text("kind"), record.text("state"))).collect::<Vec<_>>()
    };
    until("the end of the delivery", || story().len() == 3);
    assert_eq!(story(), ["event ", "delivery sent", "delivery delivered"]);
    let records = scene.inbound.records();
    assert!(records.iter().all(|record| !record.0.to_string().contains("ivanov")));
    let event = records.iter().find(|record| record.text("kind") == "event").unwrap();
    assert_eq!(
        (event.text("direction"), event.text("operation"), event.text("tenant")),
        ("inbound", "access.granted", "north")
    );
    until("an empty queue", || scene.queued() == 0);
    assert_eq!(scene.inbound.receiver.refused(), [""; 0]);
}

#[test]
fn a_backend_that_is_down_or_turns_events_away_gets_them_once_it_takes_them_and_in_order() {
    let mut scene = Scene::new();
    scene.inbound.receiver.answer(503);
    let event = |fault: &str| {
        let data = format!(r#"{{"houseId":"house-1","doorId":"door-1","fault":"{fault}"}}"#);
        scene.inbound.event("access.failed", &data)
    };
    for fault in ["blocked", "no-power"] {
        assert_eq!(scene.send(&event(fault)).status, 204);
    }
    scene.inbound.wait(scene.inbound.receiver.until_turned_away(2));
    assert_eq!(scene.inbound.receiver.taken(), []);
    let last = event("unreachable");
    // It is gone, and comes back.
    scene.inbound.wait(scene.inbound.receiver.stop());
    assert_eq!(scene.send(&last).status, 204);
    let failed = |record: &Record| record.text("state") == "failed" && record.text("detail") != "status";
    until("an attempt in vain", || scene.inbound.records().iter().any(failed));
    scene.inbound.restart_receiver();
    scene.inbound.wait(scene.inbound.receiver.until_taken(3));
    let taken = scene.inbound.receiver.taken();
    let faults = taken.iter().map(|event| event.body.split("\"fault\":\"").nth(1).unwrap().split('"').next().unwrap());
    assert_eq!(faults.collect::<Vec<_>>(), ["blocked", "no-power", "unreachable"]);
}

#[test]
fn what_was_answered_survives_a_kill_and_is_known_after_it() {
    let inbound = Inbound::new();
    inbound.receiver.answer(503);
    let process = Process::on(&inbound);
    let data = r#"{"houseId":"house-1","doorId":"door-1","fault":"blocked"}"#;
    let event = inbound.event("access.failed", data);
    let caller = inbound.caller(process.partners);
    assert_eq!(inbound.wait(event.send(&caller)).unwrap().status, 204);
    process.kill();
    assert_eq!(inbound.receiver.taken(), []);
    inbound.receiver.answer(204);
    let process = Process::on(&inbound);
    inbound.wait(inbound.receiver.until_taken(1));
    assert!(inbound.receiver.taken()[0].body.contains("blocked"));
    let caller = inbound.caller(process.partners);
    assert_eq!(inbound.wait(event.send(&caller)).unwrap().status, 204);
    // What became of the delivery may be told behind it.
    assert!(inbound.records().iter().any(|record| record.text("reason") == "idempotency-replayed"));
    process.kill();
    let ids: std::collections::BTreeSet<_> = inbound.receiver.taken().into_iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), 1, "the backend knows it by one id, however often it comes");
}
