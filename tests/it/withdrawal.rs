//! What was permitted is asked again just before the first byte leaves: whatever was lost meanwhile withdraws it, and the
//! partner receives nothing.

use crate::harness::Command;
use crate::harness::Deeds;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::Told;
use crate::harness::Trickle;
use portcullis::approval::Approved;
use portcullis::approval::on_stage;
use portcullis::bundle::Bundle;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::clock::UnixSeconds;
use portcullis::devkit::Misbehaviour;
use portcullis::diagnostic::Source;
use portcullis::directory::Directory;
use portcullis::json::Number;
use portcullis::json::Value;
use portcullis::limits::Limits;
use portcullis::model::Actor;
use portcullis::model::AdminDoor;
use portcullis::model::Stranger;
use portcullis::model::TenantId;
use portcullis::pipeline::Act;
use portcullis::pipeline::RevocationKind;
use portcullis::pipeline::RevocationOrder;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;

/// Only the test ends what hangs.
const PATIENT: &str = "connect_timeout_ms: 30s, record_timeout_ms: 10s";

/// A stage where nothing but the test ends what hangs.
fn patient() -> Stage {
    let stage = Stage::new();
    stage.limit(PATIENT);
    stage
}

/// Revokes a device of the tenant north by the way that backends have.
fn revoke_device(stage: &Stage, gateway: &Served, device: &str) {
    let order = format!(r#"{{"kind":"device","value":"{device}","tenant":"north"}}"#);
    let fields = [("Content-Type", "application/json")];
    let backend = stage.backend(gateway.address);
    let answer = stage.wait(backend.call("POST", "/-/revocations", &fields, order.as_bytes())).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_revocation_while_the_body_trickles_withdraws_the_command() {
    let stage = patient();
    let gateway = Served::on(&stage);
    let command = Trickle::begin(&stage, gateway.address, &Command::new(&stage));
    revoke_device(&stage, &gateway, "phone-of-ivanov");
    assert_eq!(command.finish().0, 403);
    assert_eq!(stage.story(), ["intent", "outcome withdrawn withdrawn revoked"]);
    drop(gateway);
    stage.assert_nothing_was_sent();
}

#[test]
fn a_revocation_while_the_disk_hangs_withdraws_the_command() {
    let (stage, deeds) = (patient(), Arc::new(Deeds::default()));
    let gateway = Served::on_disk(&stage, &deeds);
    let hanging = deeds.hang();
    let call = Command::new(&stage).begin(&stage, gateway.address);
    hanging.until_it_hangs();

    let order = RevocationOrder {
        kind: RevocationKind::Device,
        tenant: Some(TenantId::new("north").unwrap()),
        value: Stranger::new("phone-of-ivanov"),
    };
    let gate = gateway.gate();
    let before = gate.core().guard.epoch();
    stage.wait(async {
        let owner = Actor::owner(AdminDoor::Socket);
        let mut revoke = pin!(gate.act(Act::Revoke(order), &owner));
        let first = revoke.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(first, Poll::Pending), "its own record waits");
        assert!(gate.core().guard.epoch() > before, "in force before anything is awaited");
        hanging.release();
        assert!(revoke.await.outcome.is_ok());
    });
    call.told().is(403, "forbidden");
    assert_eq!(stage.story(), ["intent", "outcome withdrawn withdrawn revoked"]);
    drop((gate, gateway));
    stage.assert_nothing_was_sent();
}

#[test]
fn a_revocation_while_the_partners_handshake_hangs_withdraws_the_command() {
    let stage = patient();
    let gateway = Served::on(&stage);
    stage.partner.behave(Misbehaviour::HangInHandshake);
    let call = Command::new(&stage).begin(&stage, gateway.address);
    stage.partner_until(|partner| partner.hanging == 1);
    revoke_device(&stage, &gateway, "phone-of-ivanov");
    stage.partner.release();
    call.told().is(403, "forbidden");
    assert_eq!(stage.story(), ["intent", "outcome withdrawn withdrawn revoked"]);
    drop(gateway);
    stage.assert_nothing_was_sent();
}

#[test]
fn the_revocation_of_somebody_else_withdraws_nothing() {
    let stage = patient();
    let gateway = Served::on(&stage);
    stage.partner.behave(Misbehaviour::HangInHandshake);
    let call = Command::new(&stage).begin(&stage, gateway.address);
    stage.partner_until(|partner| partner.hanging == 1);
    revoke_device(&stage, &gateway, "phone-of-petrov");
    stage.partner.release();
    call.told().is(200, "");
    assert_eq!(stage.partner.total_actuations(), 1);
}

/// A stage whose clock is moved by hand, and a gateway that goes by it.
struct Still {
    stage: Stage,
    clock: Arc<ManualClock>,
    gateway: Served,
    began: UnixSeconds,
}

impl Still {
    fn new() -> Self {
        Self::with_tokens_of("30s")
    }

    /// One whose tokens for the partner live so long.
    fn with_tokens_of(lifetime: &str) -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
        let stage = Stage::by(clock.clone());
        stage.limit(PATIENT);
        stage.edit("gateway.yaml", "lifetime: 30s", &format!("lifetime: {lifetime}"));
        let gateway = Served::by(&stage, clock.clone());
        let began = clock.now().seconds();
        Self { stage, clock, gateway, began }
    }

    /// A command given when the clock began, with a token that is good for so many seconds from then.
    fn command(&self, lifetime_s: u64) -> Command {
        let expires = Number::try_from(self.began.plus(lifetime_s).get()).unwrap();
        let claims = self.stage.claims().with("exp", Value::Number(expires));
        let mut command = Command::new(&self.stage).bearing(self.stage.sessions.mint(&claims).unwrap());
        command.time = Some(format!("@{}", self.began.get()));
        command
    }

    /// What becomes of a command that waits so many seconds for the partner's handshake.
    fn told_after(&self, command: &Command, seconds: u64) -> Told {
        self.stage.partner.behave(Misbehaviour::HangInHandshake);
        let call = command.begin(&self.stage, self.gateway.address);
        self.stage.partner_until(|partner| partner.hanging == 1);
        self.clock.advance(Duration::from_secs(seconds));
        self.stage.partner.behave_well();
        self.stage.partner.release();
        call.told()
    }

    /// Nothing was sent, and the record says that it was withdrawn and why.
    fn withdrawn(self, why: &str) {
        let Self { stage, gateway, .. } = self;
        drop(gateway);
        stage.assert_nothing_was_sent();
        assert_eq!(stage.story()[..2], ["intent".to_owned(), format!("outcome withdrawn withdrawn {why}")]);
    }
}

#[test]
fn a_token_that_expires_while_the_partners_handshake_hangs_withdraws_the_command() {
    let still = Still::new();
    let command = still.command(8);
    still.told_after(&command, 8).is(401, "unauthenticated");
    still.withdrawn("token-expired");

    let still = Still::new();
    let command = still.command(8);
    still.told_after(&command, 7).is(200, "");
}

#[test]
fn a_command_that_grows_too_old_while_the_partners_handshake_hangs_is_withdrawn() {
    let still = Still::new();
    let command = still.command(300);
    still.told_after(&command, 11).is(403, "command-not-timely");
    still.withdrawn("too-old");
}

#[test]
fn a_right_whose_time_ends_while_the_partners_handshake_hangs_withdraws_the_command() {
    let within = |still: &Still, last_s: u64| {
        let last = still.began.plus(last_s).get();
        let right = format!(
            r#"[{{"type":"door_access","house":"house-1","door":"door-1","actions":["open"],"not_after":{last}}}]"#
        );
        let rights = portcullis::json::parse(right.as_bytes(), portcullis::json::Limits::default()).unwrap();
        let claims = still.stage.claims().with("authorization_details", rights);
        let mut command = Command::new(&still.stage).bearing(still.stage.sessions.mint(&claims).unwrap());
        command.time = Some(format!("@{}", still.began.get()));
        command
    };
    let still = Still::new();
    let command = within(&still, 4);
    still.told_after(&command, 5).is(404, "not-found");
    still.withdrawn("right-not-now");

    let still = Still::new();
    let command = within(&still, 5);
    still.told_after(&command, 5).is(200, "");
}

#[test]
fn a_withdrawn_command_is_told_the_same_again_and_is_not_sent_then_either() {
    let still = Still::new();
    still.told_after(&still.command(8).under("key-withdrawn"), 8).is(401, "unauthenticated");
    let fresh = still.command(100).under("key-withdrawn");
    fresh.told(&still.stage, still.gateway.address).is(401, "unauthenticated");
    still.withdrawn("token-expired");
}

#[test]
fn a_partner_token_that_expires_while_the_partners_handshake_hangs_withdraws_the_command() {
    let still = Still::with_tokens_of("3s");
    let command = still.command(100);
    still.told_after(&command, 3).is(503, "unavailable");
    still.withdrawn("partner-token-expired");

    let still = Still::with_tokens_of("3s");
    let command = still.command(100);
    still.told_after(&command, 2).is(200, "");
}

#[test]
fn a_partner_token_lives_from_when_the_whole_body_has_come() {
    let still = Still::with_tokens_of("3s");
    let trickle = Trickle::begin(&still.stage, still.gateway.address, &still.command(100));
    still.clock.advance(Duration::from_secs(5));
    assert_eq!(trickle.finish().0, 200, "one that was minted before the body would have expired");
    assert_eq!(still.stage.partner.total_actuations(), 1);
}

#[test]
fn policies_see_how_old_a_command_has_grown_while_its_body_came() {
    for (seconds, status, reason) in [(9, 200, "done"), (11, 404, "policy-denied")] {
        let still = Still::new();
        let trickle = Trickle::begin(&still.stage, still.gateway.address, &still.command(100));
        still.clock.advance(Duration::from_secs(seconds));
        assert_eq!(trickle.finish().0, status, "{seconds}");
        let records = still.stage.records();
        let ended = records.iter().rfind(|record| !record.text("reason").is_empty()).unwrap();
        assert_eq!(ended.text("reason"), reason, "{seconds}");
    }
}

/// The directory as the stage's file has it now.
fn directory_of(stage: &Stage) -> Arc<Directory> {
    let text = std::fs::read_to_string(stage.path("directory.yaml")).unwrap();
    let source = Source::new(stage.path("directory.yaml"), text);
    Arc::new(Directory::compile(&source).unwrap_or_else(|faults| panic!("{faults}")))
}

/// The bundle as the stage's folder has it now.
fn bundle_of(stage: &Stage) -> Approved {
    let bundle = Bundle::load(&stage.path("policies"), &Limits::default());
    on_stage(Arc::new(bundle.unwrap_or_else(|faults| panic!("{faults}"))))
}

const CONTRACT: &str = "policies/contracts/smarthome.openapi.yaml";

#[test]
fn a_command_whose_bundle_is_exchanged_while_the_partners_handshake_hangs_leaves_only_as_what_is_in_force_has_it() {
    type Change = fn(&Stage);
    // What is changed, and whether the command that is on record leaves all the same.
    let rows: [(&str, Change, bool); 9] = [
        (
            "a policy that permits it too",
            |s| s.edit("policies/cedar/doors.cedar", "ageSeconds > 10", "ageSeconds > 9"),
            true,
        ),
        ("a policy under another name", |s| s.edit("policies/cedar/doors.cedar", "open-granted-door", "opens"), true),
        ("another operation's contract", |s| s.edit(CONTRACT, "How a door is now.", "How a door is."), true),
        (
            "a policy that denies it",
            |s| s.edit("policies/cedar/doors.cedar", "ageSeconds > 10", "ageSeconds >= 0"),
            false,
        ),
        (
            "another protection",
            |s| {
                s.edit(
                    CONTRACT,
                    "enum: [access, guest]\n            x-portcullis: {class: public}",
                    "enum: [access, guest]\n            x-portcullis: {class: public, protect: drop}",
                )
            },
            false,
        ),
        ("a value that is no longer declared", |s| s.edit(CONTRACT, "enum: [access, guest]", "enum: [access]"), false),
        ("another age", |s| s.edit(CONTRACT, "max_age: 10s", "max_age: 9s"), false),
        (
            "another right",
            |s| s.edit(CONTRACT, "type: door_access, action: open}", "type: door_access, action: unlock}"),
            false,
        ),
        (
            "another name of the operation",
            |s| s.edit(CONTRACT, "operationId: openDoor", "operationId: unlockDoor"),
            false,
        ),
    ];
    for (what, change, leaves) in rows {
        let stage = patient();
        let gateway = Served::on(&stage);
        let before = gateway.gate().core().snapshot.load().bundle.digest();
        stage.partner.behave(Misbehaviour::HangInHandshake);
        let call = Command::new(&stage).begin(&stage, gateway.address);
        stage.partner_until(|partner| partner.hanging == 1);
        change(&stage);
        let gate = gateway.gate();
        gate.core().put_bundle_in_force(bundle_of(&stage));
        assert_ne!(gate.core().snapshot.load().bundle.digest(), before, "{what}");
        stage.partner.behave_well();
        stage.partner.release();
        let told = call.told();
        if leaves {
            assert_eq!(told.0, 200, "{what}");
            assert_eq!(
                (stage.partner.total_actuations(), stage.story()),
                (1, vec!["intent".to_owned(), "outcome done done".to_owned()])
            );
        } else {
            told.is(503, "unavailable");
            assert_eq!(stage.story(), ["intent", "outcome withdrawn withdrawn bundle-changed"], "{what}");
            drop((gate, gateway));
            stage.assert_nothing_was_sent();
        }
    }
}

#[test]
fn a_directory_that_is_exchanged_while_the_partners_handshake_hangs_withdraws_the_command() {
    type Change = fn(&Stage);
    let rows: [Change; 3] = [
        |stage| stage.edit("directory.yaml", "revision: 7", "revision: 8"),
        // Of the same version, and another all the same.
        |stage| stage.edit("directory.yaml", "[door-1, door-2]", "[door-1]"),
        // Together with a bundle that would permit it.
        |stage| {
            stage.edit("directory.yaml", "revision: 7", "revision: 8");
            stage.edit("policies/cedar/doors.cedar", "ageSeconds > 10", "ageSeconds > 9");
        },
    ];
    for change in rows {
        let stage = patient();
        let gateway = Served::on(&stage);
        stage.partner.behave(Misbehaviour::HangInHandshake);
        let call = Command::new(&stage).begin(&stage, gateway.address);
        stage.partner_until(|partner| partner.hanging == 1);
        change(&stage);
        let gate = gateway.gate();
        gate.core().put_in_force(&directory_of(&stage));
        gate.core().put_bundle_in_force(bundle_of(&stage));
        stage.partner.behave_well();
        stage.partner.release();
        call.told().is(503, "unavailable");
        assert_eq!(stage.story(), ["intent", "outcome withdrawn withdrawn directory-changed"]);
        Command::new(&stage).told(&stage, gateway.address).is(200, "");
        assert_eq!(stage.partner.total_actuations(), 1, "only what came after");
    }
}

#[test]
fn an_exchange_keeps_the_snapshot_that_it_began_with() {
    let stage = patient();
    let gateway = Served::on(&stage);
    let trickle = Trickle::begin(&stage, gateway.address, &Command::new(&stage));
    let before = gateway.gate().core().snapshot.load().bundle.digest().to_string();
    // By these policies nobody opens anything.
    stage.edit("policies/cedar/doors.cedar", "ageSeconds > 10", "ageSeconds >= 0");
    gateway.gate().core().put_bundle_in_force(bundle_of(&stage));
    assert_eq!(trickle.finish().0, 503, "it was permitted by its own policies, and withdrawn at the last look");
    let records = stage.records();
    let intent = records.iter().find(|record| record.text("kind") == "intent").unwrap();
    assert_eq!(intent.text("bundle"), before.get(..32).unwrap(), "the record names the bundle that permitted it");
    assert_eq!(stage.story(), ["intent", "outcome withdrawn withdrawn bundle-changed"]);
    Command::new(&stage).told(&stage, gateway.address).is(404, "not-found");
    drop(gateway);
    stage.assert_nothing_was_sent();
}
