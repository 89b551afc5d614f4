//! Acting on a running gateway: every kind of revocation stops what it names from the next request on and withdraws what is
//! under way; two persons lift it, and no one person; a name that is nobody's is no order; each act is on record.

use crate::harness::Command;
use crate::harness::Deeds;
use crate::harness::Process;
use crate::harness::Record;
use crate::harness::Scene;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::fresh_key;
use portcullis::devkit::Misbehaviour;
use portcullis::model::Actor;
use portcullis::model::AdminDoor;
use portcullis::model::Epoch;
use portcullis::model::PersonName;
use portcullis::model::Reason;
use portcullis::model::Role;
use portcullis::model::Stranger;
use portcullis::pipeline::Act;
use portcullis::pipeline::ActReply;
use portcullis::pipeline::Acted;
use portcullis::pipeline::RevocationKind;
use portcullis::pipeline::RevocationOrder;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A kind, what it names of a good command, the status and the reason of the next one, and why one under way is withdrawn.
type Row = (RevocationKind, String, u16, &'static str, &'static str);

fn rows(stage: &Stage) -> Vec<Row> {
    use RevocationKind as Kind;
    let thumbprint = stage.pki.backend.parsed().unwrap().thumbprint.to_string();
    let of_caller = |kind, value: &str| (kind, value.to_owned(), 403, "revoked", "revoked");
    let wide = |kind, value: &str, code| (kind, value.to_owned(), 403, code, code);
    vec![
        of_caller(Kind::Subject, "resident-ivanov"),
        of_caller(Kind::Device, "phone-of-ivanov"),
        of_caller(Kind::Session, "session-of-ivanov"),
        of_caller(Kind::Token, "the-token-itself"),
        wide(Kind::Certificate, &thumbprint, "certificate-revoked"),
        // To the caller it is as every right that is not there.
        (Kind::Grant, "grant-1".to_owned(), 404, "grant-revoked", "grant-revoked"),
        wide(Kind::Operation, "openDoor", "operation-revoked"),
        wide(Kind::Operation, "smarthome/openDoor", "operation-revoked"),
        wide(Kind::Partner, "smarthome", "partner-revoked"),
        wide(Kind::Tenant, "north", "tenant-revoked"),
    ]
}

/// A good command whose token and right bear ids.
fn command(stage: &Stage) -> Command {
    let claims = stage.claims().with("jti", "the-token-itself").without("authorization_details");
    let right = json!([{"type": "door_access", "house": "house-1", "door": "door-1", "actions": ["open"],
        "grant_id": "grant-1"}]);
    let right = portcullis::json::parse(right.to_string().as_bytes(), portcullis::json::Limits::default()).unwrap();
    let token = stage.sessions.mint(&claims.with("authorization_details", right)).unwrap();
    Command::new(stage).bearing(token)
}

fn order(kind: RevocationKind, value: &str) -> RevocationOrder {
    RevocationOrder { kind, tenant: None, value: Stranger::new(value) }
}

fn actor(person: &str, roles: &[Role]) -> Actor {
    Actor { person: PersonName::new(person).unwrap(), roles: roles.into(), door: AdminDoor::Socket }
}

/// Acts as somebody by the gate, as the socket does.
fn act(stage: &Stage, gateway: &Served, by: &Actor, act: Act) -> ActReply {
    let gate = gateway.gate();
    stage.wait(async { gate.act(act, by).await })
}

fn revoke(stage: &Stage, gateway: &Served, kind: RevocationKind, value: &str) -> Epoch {
    let done = act(stage, gateway, &actor("ivanov", &Role::ALL), Act::Revoke(order(kind, value)));
    let Ok(Acted::Revoked(epoch)) = done.outcome else { panic!("{kind:?} {value}: {done:?}") };
    epoch
}

fn lift(stage: &Stage, gateway: &Served, kind: RevocationKind, value: &str) -> Epoch {
    let proposed = act(stage, gateway, &actor("ivanov", &[Role::Lifter]), Act::ProposeLift(order(kind, value)));
    assert!(matches!(proposed.outcome, Ok(Acted::Proposed(_))), "{proposed:?}");
    let lifted = act(stage, gateway, &actor("petrova", &[Role::Lifter]), Act::ConfirmLift(order(kind, value)));
    let Ok(Acted::Lifted(epoch)) = lifted.outcome else { panic!("{kind:?} {value}: {lifted:?}") };
    epoch
}

fn reason_of(reply: ActReply) -> Reason {
    reply.outcome.unwrap_err().reason
}

/// Runs a command of the program against the stage's gateway: exit code, standard output and standard error.
fn portcullis(stage: &Stage, arguments: &[&str]) -> (i32, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"));
    told(command.args(arguments).arg("--config").arg(stage.configuration()).output().unwrap())
}

fn told(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The records of acts, in a few words.
fn acts(stage: &Stage) -> Vec<String> {
    let told = |record: &Record| {
        let by = record.get("by");
        let words = [&by["person"], &by["role"], &by["door"]].map(|word| word.as_str().unwrap_or("nobody"));
        let act = if record.text("kind") == "admin" { record.text("act") } else { record.text("kind") };
        let after = ["proposed_by", "reason"].map(|name| record.text(name));
        [act].into_iter().chain(words).chain(after).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    };
    let of_people = |record: &Record| matches!(record.text("kind"), "admin" | "revocation");
    stage.records().iter().filter(|record| of_people(record)).map(told).collect()
}

#[test]
fn each_kind_stops_the_very_next_request_for_its_own_reason_and_lifting_it_lets_the_next_one_through() {
    let scene = Scene::new();
    let (stage, gateway) = (&scene.stage, &scene.gateway);
    let mut last = gateway.gate().core().guard.epoch();
    for (kind, value, status, reason, _) in rows(stage) {
        let good = || command(stage).under(&fresh_key());
        assert_eq!(stage.wait(good().give(&scene.backend)).unwrap().status, 200, "{kind:?}");
        scene.notes();
        let epoch = revoke(stage, gateway, kind, &value);
        assert!(epoch > last, "{kind:?}");
        scene.refuses(&good(), status, reason);
        last = lift(stage, gateway, kind, &value);
        assert!(last > epoch, "{kind:?}: it grows with lifting, too");
        scene.passes_after(&format!("{kind:?} {value}"));
    }
}

#[test]
fn each_kind_withdraws_what_is_on_record_and_has_not_left() {
    let stage = Stage::new();
    stage.limit("connect_timeout_ms: 30s, record_timeout_ms: 10s");
    let gateway = Served::on(&stage);
    for (number, (kind, value, _, _, why)) in rows(&stage).into_iter().enumerate() {
        stage.partner.behave(Misbehaviour::HangInHandshake);
        let call = command(&stage).under(&fresh_key()).begin(&stage, gateway.address);
        stage.partner_until(|partner| partner.hanging == 1);
        revoke(&stage, &gateway, kind, &value);
        stage.partner.behave_well();
        stage.partner.release();
        call.told().is(403, "forbidden");
        let story = stage.story();
        assert_eq!(story.len(), 2 * (number + 1), "{story:?}");
        assert_eq!(
            story[2 * number..],
            ["intent".to_owned(), format!("outcome withdrawn withdrawn {why}")],
            "{kind:?}"
        );
        lift(&stage, &gateway, kind, &value);
    }
    drop(gateway);
    stage.assert_nothing_was_sent();
}

#[test]
fn a_right_beside_the_one_that_is_revoked_still_opens() {
    let scene = Scene::new();
    let stage = &scene.stage;
    revoke(stage, &scene.gateway, RevocationKind::Grant, "grant-1");
    scene.refuses(&command(stage), 404, "grant-revoked");
    // A right of the same kind without an id, and the withheld one, in one token.
    let rights = json!([
        {"type": "door_access", "house": "house-1", "door": "door-1", "actions": ["open"], "grant_id": "grant-1"},
        {"type": "door_access", "house": "house-1", "door": "door-1", "actions": ["open"], "grant_id": "grant-2"}
    ]);
    let rights = portcullis::json::parse(rights.to_string().as_bytes(), portcullis::json::Limits::default()).unwrap();
    let token = stage.sessions.mint(&stage.claims().with("authorization_details", rights)).unwrap();
    let answer = stage.wait(Command::new(stage).bearing(token).give(&scene.backend)).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn what_is_stopped_in_one_tenant_goes_on_in_the_other() {
    let scene = Scene::new();
    for (kind, value) in [("operation", "openDoor"), ("partner", "smarthome")] {
        let (code, _, err) = portcullis(&scene.stage, &["revoke", "--kind", kind, "--tenant", "south", value]);
        assert_eq!(code, 0, "{err}");
    }
    let (code, ..) = portcullis(&scene.stage, &["revoke", "--kind", "tenant", "south"]);
    assert_eq!(code, 0);
    scene.passes();
}

/// Orders a revocation as the backend: the status, and the whole answer.
fn ordered(scene: &Scene, kind: &str, value: &str) -> (u16, String, String) {
    let order = json!({"kind": kind, "value": value}).to_string();
    let fields = [("Content-Type", "application/json")];
    let backend = scene.stage.backend(scene.gateway.address);
    let answer = scene.stage.wait(backend.call("POST", "/-/revocations", &fields, order.as_bytes())).unwrap();
    let receipt = answer.header("receipt-id").unwrap();
    let reason = scene.record(receipt).text("reason").to_owned();
    (answer.status, reason, answer.text())
}

#[test]
fn a_backend_that_may_revoke_persons_stops_nothing_at_large_unless_a_policy_says_so() {
    let stops = |stage: &Stage| {
        let thumbprint = stage.pki.gateway.parsed().unwrap().thumbprint.to_string();
        [
            ("certificate", thumbprint),
            ("operation", "openDoor".to_owned()),
            ("partner", "smarthome".to_owned()),
            ("tenant", "south".to_owned()),
        ]
    };
    let scene = Scene::new();
    for (kind, value) in stops(&scene.stage) {
        let (status, reason, _) = ordered(&scene, kind, &value);
        assert_eq!((status, reason.as_str()), (404, "policy-denied"), "{kind}");
    }
    assert_eq!(ordered(&scene, "grant", "grant-1").0, 200, "a right is one person's");
    scene.passes();

    let stage = Stage::new();
    let permit = "@id(\"backend-revokes\")";
    let stop = "@id(\"backend-stops-a-partner\")\n@reason(\"For this test.\")\npermit (\n  principal,\n  action == \
        PropDevelopment::Action::\"emergencyStop\",\n  resource\n);\n\n";
    stage.edit("policies/cedar/revocations.cedar", permit, &format!("{stop}{permit}"));
    let scene = Scene::on(stage);
    for (kind, value) in [("operation", "openDor"), ("partner", "smarthome/openDoor"), ("tenant", "nowhere")] {
        let (status, _, text) = ordered(&scene, kind, value);
        assert_eq!(status, 400, "{kind}: {text}");
    }
    assert_eq!(ordered(&scene, "operation", "openDor").1, "name-unknown");
    scene.passes();
    for (kind, value) in stops(&scene.stage) {
        assert_eq!(ordered(&scene, kind, &value).0, 200, "{kind}");
    }
    scene.refuses(&scene.command(), 403, "partner-revoked");
}

#[test]
fn whoever_comes_with_a_revoked_certificate_orders_nothing_either() {
    let scene = Scene::new();
    let thumbprint = scene.stage.pki.backend.parsed().unwrap().thumbprint.to_string();
    revoke(&scene.stage, &scene.gateway, RevocationKind::Certificate, &thumbprint);
    let (status, reason, _) = ordered(&scene, "device", "phone-of-ivanov");
    assert_eq!((status, reason.as_str()), (403, "certificate-revoked"));
    lift(&scene.stage, &scene.gateway, RevocationKind::Certificate, &thumbprint);
    scene.passes();
}

#[test]
fn a_name_that_is_nobodys_is_no_order_and_the_nearest_is_told() {
    let scene = Scene::new();
    for (arguments, near) in [
        (&["operation", "openDor"][..], "openDoor"),
        (&["operation", "smarthom/openDoor"], "smarthome/openDoor"),
        (&["partner", "smarthme"], "smarthome"),
        (&["tenant", "nort"], "north"),
        (&["device", "phone-of-ivanov", "--tenant", "nort"], "north"),
    ] {
        let (code, out, err) = portcullis(&scene.stage, &[&["revoke", "--kind"], arguments].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.starts_with("error[name-unknown]: ") && err.contains(&format!("`{near}`?")), "{err}");
    }
    let (_, _, err) = portcullis(&scene.stage, &["revoke", "--kind", "operation", "teleport"]);
    assert!(err.contains("nothing was done") && !err.contains("did you mean"), "{err}");
    scene.passes();
    // Nobody can know which of these there are.
    for kind in ["subject", "device", "session", "token", "grant"] {
        assert_eq!(portcullis(&scene.stage, &["revoke", "--kind", kind, "canary-nobody"]).0, 0, "{kind}");
    }
    let refused = "revoke owner operator admin-socket name-unknown";
    assert_eq!(acts(&scene.stage).iter().filter(|told| *told == refused).count(), 6);
}

#[test]
fn one_person_proposes_and_lifts_nothing_and_with_a_second_it_is_lifted_and_lasts() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let (ivanov, petrova) = (actor("ivanov", &[Role::Lifter]), actor("petrova", &[Role::Lifter]));
    let this = || order(RevocationKind::Operation, "openDoor");
    assert_eq!(reason_of(act(&stage, &gateway, &ivanov, Act::ProposeLift(this()))), Reason::LiftNotInForce);
    assert_eq!(portcullis(&stage, &["revoke", "--kind", "operation", "openDoor"]).0, 0);
    assert_eq!(reason_of(act(&stage, &gateway, &petrova, Act::ConfirmLift(this()))), Reason::LiftNotProposed);
    let (code, out, err) = portcullis(&stage, &["lift", "--kind", "operation", "openDoor"]);
    assert!(code == 0 && out.starts_with("still in force; another person may confirm until "), "{out}{err}");
    let (code, out, err) = portcullis(&stage, &["lift", "--kind", "operation", "--confirm", "openDoor"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.starts_with("error[lift-same-person]: ") && err.contains("another person"), "{err}");
    Command::new(&stage).told(&stage, gateway.address).is(403, "forbidden");
    // A restart forgets what was proposed, and nothing of what is revoked.
    drop(gateway);
    let gateway = Served::on(&stage);
    assert_eq!(reason_of(act(&stage, &gateway, &petrova, Act::ConfirmLift(this()))), Reason::LiftNotProposed);
    Command::new(&stage).told(&stage, gateway.address).is(403, "forbidden");
    let before = gateway.gate().core().guard.epoch();
    assert!(act(&stage, &gateway, &ivanov, Act::ProposeLift(this())).outcome.is_ok());
    let lifted = act(&stage, &gateway, &petrova, Act::ConfirmLift(this()));
    assert!(matches!(lifted.outcome, Ok(Acted::Lifted(epoch)) if epoch > before), "{lifted:?}");
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    assert_eq!(
        acts(&stage),
        [
            "propose-lift ivanov lifter admin-socket lift-not-in-force",
            "revocation owner operator admin-socket",
            "lift petrova lifter admin-socket lift-not-proposed",
            "propose-lift owner lifter admin-socket done",
            "lift owner lifter admin-socket lift-same-person",
            "lift petrova lifter admin-socket lift-not-proposed",
            "propose-lift ivanov lifter admin-socket done",
            "lift petrova lifter admin-socket ivanov done",
        ],
        "both persons are on record"
    );
    drop(gateway);
    let gateway = Process::on(&stage);
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
}

#[test]
fn without_a_role_nothing_is_done_and_it_is_on_record() {
    let stage = Stage::new();
    let own = rustix::process::geteuid().as_raw();
    let roles = format!("socket: state/admin.sock, roles: [{{uid: {own}, person: ivanov, roles: [lifter]}}]");
    stage.edit("gateway.yaml", "socket: state/admin.sock", &roles);
    let gateway = Served::on(&stage);
    let (code, out, err) = portcullis(&stage, &["revoke", "--kind", "device", "phone-of-ivanov"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.starts_with("error[role-missing]: ") && err.contains("`listeners.admin.roles`"), "{err}");
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    let operator = actor("petrova", &[Role::Operator]);
    let this = || order(RevocationKind::Device, "phone-of-ivanov");
    assert!(act(&stage, &gateway, &operator, Act::Revoke(this())).outcome.is_ok());
    for lifting in [Act::ProposeLift(this()), Act::ConfirmLift(this())] {
        assert_eq!(reason_of(act(&stage, &gateway, &operator, lifting)), Reason::RoleMissing);
    }
    let nobody = actor("sidorov", &[]);
    assert_eq!(reason_of(act(&stage, &gateway, &nobody, Act::List(Epoch::default()))), Reason::RoleMissing);
    assert_eq!(reason_of(act(&stage, &gateway, &nobody, Act::Bundle)), Reason::RoleMissing);
    assert_eq!(portcullis(&stage, &["revocations", "list"]).0, 0, "whoever has a role may look");
    assert_eq!(
        acts(&stage),
        [
            "revoke ivanov operator admin-socket role-missing",
            "revocation petrova operator admin-socket",
            "propose-lift petrova lifter admin-socket role-missing",
            "lift petrova lifter admin-socket role-missing",
        ]
    );
}

#[test]
fn what_cannot_be_recorded_is_not_lifted() {
    let (stage, deeds) = (Stage::new(), Arc::new(Deeds::default()));
    let gateway = Served::on_disk(&stage, &deeds);
    let this = || order(RevocationKind::Partner, "smarthome");
    revoke(&stage, &gateway, RevocationKind::Partner, "smarthome");
    assert!(act(&stage, &gateway, &actor("ivanov", &[Role::Lifter]), Act::ProposeLift(this())).outcome.is_ok());
    deeds.fails_to_sync.store(true, Ordering::SeqCst);
    let lifted = act(&stage, &gateway, &actor("petrova", &[Role::Lifter]), Act::ConfirmLift(this()));
    assert_eq!(reason_of(lifted), Reason::NotRecordable);
    deeds.fails_to_sync.store(false, Ordering::SeqCst);
    drop(gateway);
    let gateway = Served::on(&stage);
    Command::new(&stage).told(&stage, gateway.address).is(403, "forbidden");
    drop(gateway);
    stage.assert_nothing_was_sent();
}

#[test]
fn the_list_tells_kinds_places_epochs_and_times_and_of_persons_nothing_more() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    assert_eq!(portcullis(&stage, &["revocations", "list"]).1, "nothing is revoked\n");
    // More than one page: a page holds 128.
    for number in 0..130 {
        revoke(&stage, &gateway, RevocationKind::Device, &format!("canary-phone-{number}"));
    }
    revoke(&stage, &gateway, RevocationKind::Operation, "smarthome/openDoor");
    revoke(&stage, &gateway, RevocationKind::Tenant, "north");
    lift(&stage, &gateway, RevocationKind::Device, "canary-phone-7");
    let (code, text, _) = portcullis(&stage, &["revocations", "list"]);
    assert_eq!(code, 0);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 131, "{text}");
    assert!(lines[129].contains("  operation    everywhere        smarthome/openDoor"), "{}", lines[129]);
    assert!(lines[130].contains("  tenant       north             digest "), "{}", lines[130]);
    assert!(!text.contains("canary"));
    let (_, pages, _) = portcullis(&stage, &["revocations", "list", "--format", "json"]);
    let pages: Vec<Value> = pages.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let more: Vec<_> = pages.iter().map(|page| page["more"].as_bool().unwrap()).collect();
    assert_eq!(more, [true, false]);
    let all: Vec<_> = pages.iter().flat_map(|page| page["revocations"].as_array().unwrap()).collect();
    assert!(all.windows(2).all(|pair| pair[0]["epoch"].as_u64() < pair[1]["epoch"].as_u64()), "in their order");
    assert_eq!((all[130]["kind"].as_str(), all[130]["tenant"].as_str()), (Some("tenant"), Some("north")));
    // What is told is what the log holds: by the digest one is found in the other.
    let records = stage.records();
    let recorded = records.iter().find(|record| record.get("revoked")["digest"] == all[0]["digest"]).unwrap();
    assert_eq!(recorded.get("revoked")["epoch"], all[0]["epoch"]);
}

/// Says a line to the socket as another uid, by a program that is not ours, and gives the answer; empty where there is none.
fn said_as(uid: u32, socket: &str, line: &str) -> String {
    const SCRIPT: &str = "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n\
        try:\n s.sendall(sys.argv[2].encode()+b'\\n')\n sys.stdout.write(s.makefile().read())\n\
        except OSError:\n pass";
    let ids = [format!("--reuid={uid}"), format!("--regid={uid}"), "--clear-groups".to_owned()];
    let output =
        std::process::Command::new("setpriv").args(ids).args(["/usr/bin/python3", "-c", SCRIPT, socket, line]).output();
    let (code, out, err) = told(output.unwrap());
    assert_eq!(code, 0, "{err}");
    out
}

/// The kernel's own word for who somebody is takes accounts that only root can take: as somebody else this shows what
/// `whoever_is_named_acts_as_that_person…` shows by one account.
#[test]
fn accounts_are_the_persons_that_the_configuration_names_and_another_account_is_closed_unheard() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let stage = Stage::new();
    let (operator, first, second, stranger) = (64_001, 64_002, 64_003, 64_004);
    let roles = format!(
        "socket: state/admin.sock, roles: [{{uid: {operator}, person: ivanov, roles: [operator]}}, {{uid: {first}, person: \
         petrova, roles: [lifter]}}, {{uid: {second}, person: sidorov, roles: [lifter]}}]"
    );
    stage.edit("gateway.yaml", "socket: state/admin.sock", &roles);
    let gateway = Served::on(&stage);
    for folder in ["", "state"] {
        fs::set_permissions(stage.path(folder), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let socket = stage.path("state/admin.sock").to_str().unwrap().to_owned();
    let line = |act: &str| format!(r#"{{"act":"{act}","kind":"partner","value":"smarthome"}}"#);
    let said = |uid, act: &str| said_as(uid, &socket, &line(act));
    for unheard in [stranger, 0] {
        assert_eq!(said(unheard, "revoke"), "", "{unheard}");
    }
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    assert!(said(operator, "revoke").starts_with("{\"ok\":true,\"epoch\":"));
    Command::new(&stage).told(&stage, gateway.address).is(403, "forbidden");
    assert!(said(operator, "propose-lift").contains("\"role-missing\""));
    assert!(said(first, "propose-lift").contains("\"state\":\"proposed\""));
    assert!(said(first, "confirm-lift").contains("\"lift-same-person\""));
    assert!(said(second, "confirm-lift").contains("\"state\":\"lifted\""));
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    assert_eq!(
        acts(&stage),
        [
            "revocation ivanov operator admin-socket",
            "propose-lift ivanov lifter admin-socket role-missing",
            "propose-lift petrova lifter admin-socket done",
            "lift petrova lifter admin-socket lift-same-person",
            "lift sidorov lifter admin-socket petrova done",
        ]
    );
}
