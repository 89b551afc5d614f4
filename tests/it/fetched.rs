//! A partner whose tokens its own authorisation server gives: over the network as it is, with a server that is strict, and with
//! whatever else may stand in its place.

mod faults;
mod provided;

use crate::harness::Captured;
use crate::harness::Command;
use crate::harness::Proof;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::until;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::devkit::NORTH;
use portcullis::devkit::SimulatedTokenServer;
use std::sync::Arc;
use std::time::Duration;

/// A stage whose gateway fetches the smart-home partner's tokens, and the server that gives them.
struct Scene {
    gateway: Served,
    server: SimulatedTokenServer,
    stage: Stage,
}

impl Scene {
    /// Of one worker, so of one connection to the partner: its last request is the last command.
    fn new(proof: Proof) -> Self {
        Self::of(proof, 1)
    }

    fn of(proof: Proof, workers: usize) -> Self {
        let stage = Stage::new();
        stage.edit("gateway.yaml", "workers: 2", &format!("workers: {workers}"));
        let server = stage.fetches(proof, Arc::new(SystemClock::new()));
        Self { gateway: Served::on(&stage), server, stage }
    }

    /// A command to open a door of house-1.
    fn open(&self, door: &str) -> Command {
        let claims = self.stage.claims().door_access("house-1", Some("door-2"), &["open"]);
        let command = Command::new(&self.stage).bearing(self.stage.sessions.mint(&claims).unwrap());
        command.to(&format!("/v1/houses/house-1/doors/{door}/open"))
    }

    /// To look at the first door.
    fn see(&self) -> Command {
        Command::errand(&self.stage, &NORTH, "readDoor")
    }

    /// Gives a command, which is done; what the partner received.
    #[track_caller]
    fn does(&self, command: &Command) -> Captured {
        command.told(&self.stage, self.gateway.address).is(200, "");
        Captured::last(&self.stage.partner)
    }

    fn fetched(&self, result: &str) -> u64 {
        let series = format!("portcullis_partner_token_fetches_total{{partner=\"smarthome\",result=\"{result}\"}} ");
        let page = self.gateway.metrics();
        page.lines().find_map(|line| line.strip_prefix(series.as_str())).map_or(0, |count| count.parse().unwrap())
    }
}

fn right(action: &str, door: &str) -> String {
    format!(r#"[{{"type":"door_access","actions":["{action}"],"house":"house-1","door":"{door}"}}]"#)
}

#[test]
fn a_token_is_fetched_once_for_its_right_and_each_command_is_one_by_its_signed_receipt() {
    for proof in [Proof::Assertion, Proof::Certificate] {
        let scene = Scene::new(proof);
        let partner = &scene.stage.partner;
        let (one, two) = (scene.does(&scene.open("door-1")), scene.does(&scene.open("door-1")));
        let (other, seen) = (scene.does(&scene.open("door-2")), scene.does(&scene.see()));
        let bearer = |sent: &Captured| sent.field("authorization").to_owned();
        assert_eq!(bearer(&one), bearer(&two), "{proof:?}");
        assert!(bearer(&other) != bearer(&one) && bearer(&seen) != bearer(&one) && bearer(&seen) != bearer(&other));
        let asked: Vec<_> = scene.server.seen().into_iter().map(Result::unwrap).collect();
        let expected = [("open", "door-1"), ("open", "door-2"), ("see", "door-1")];
        let expected = expected.map(|(action, door)| format!("prop door_access.{action} {}", right(action, door)));
        assert_eq!(asked, expected, "{proof:?}");
        assert_eq!((partner.total_actuations(), partner.refusals()), (3, Vec::new()), "{proof:?}");
        assert_eq!(scene.fetched("done"), 3);
        // Each command is on record under the receipt that the partner has, and that is signed with the path and the content.
        let records = scene.stage.records();
        let intents: Vec<_> = records.iter().filter(|record| record.text("kind") == "intent").collect();
        for (sent, intent) in [&one, &two, &other, &seen].into_iter().zip(intents) {
            assert_eq!(intent.text("token"), sent.field("receipt-id"));
            let covered = sent.field("signature-input");
            for part in ["@path", "authorization", "receipt-id", "content-digest", "audit-log"] {
                assert!(covered.contains(&format!("\"{part}\"")), "{part} is not in {covered}");
            }
        }
        assert_ne!(one.field("receipt-id"), two.field("receipt-id"));
        // With one command's token and signature nobody gives it again.
        let gateway = scene.stage.pki.gateway_at_partner.identity().unwrap();
        let thief = portcullis::devkit::Backend::new(
            partner.address(),
            "localhost",
            Some(&gateway),
            vec![scene.stage.pki.partner_authority.root()],
        );
        let again = two.clone();
        let answer = scene.stage.wait(async {
            thief.unwrap().call("POST", &again.target, &again.sendable(), again.body.as_bytes()).await.unwrap()
        });
        assert_eq!((answer.status, partner.refusals()), (401, vec!["token-used"]), "{proof:?}");
        assert_eq!(partner.total_actuations(), 3);
    }
}

#[test]
fn a_field_that_is_signed_tells_the_partner_how_far_the_record_has_come() {
    let scene = Scene::new(Proof::Certificate);
    let seen = scene.does(&scene.see()).field("audit-log").to_owned();
    let rest = seen.strip_prefix("origin=\"gateway.prop.example/audit\", size=").unwrap();
    let (size, root) = rest.split_once(", root=:").unwrap();
    assert_eq!(root, format!("{}:", crate::witnesses::root(&scene.stage, size.parse().unwrap())));
}

#[test]
fn commands_that_wait_for_one_right_ask_for_it_once() {
    // Whichever worker they come to.
    let scene = Scene::of(Proof::Assertion, 2);
    scene.server.hold(true);
    let waiting: Vec<_> = (0..20).map(|_| scene.open("door-1").begin(&scene.stage, scene.gateway.address)).collect();
    scene.stage.wait(scene.server.until_asked(1));
    // Whoever hangs up takes nothing from the others.
    let mut waiting = waiting.into_iter();
    waiting.next().unwrap().hang_up();
    // Another right is not held up: its request comes while that one hangs.
    let other = scene.open("door-2").begin(&scene.stage, scene.gateway.address);
    scene.stage.wait(scene.server.until_asked(2));
    assert_eq!(scene.stage.partner.progress().bytes, 0, "nothing is sent without a token");
    scene.server.hold(false);
    waiting.for_each(|one| one.told().is(200, ""));
    other.told().is(200, "");
    assert_eq!(scene.server.asked(), 2);
}

#[test]
fn a_token_is_fetched_anew_shortly_before_it_ends() {
    let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
    let stage = Stage::by(Arc::clone(&clock) as Arc<dyn Clock>);
    stage.edit("gateway.yaml", "workers: 2", "workers: 1");
    let server = stage.fetches(Proof::Assertion, Arc::clone(&clock) as Arc<dyn Clock>);
    server.grant_for(60);
    let gateway = Served::by(&stage, Arc::clone(&clock) as Arc<dyn Clock>);
    let scene = Scene { gateway, server, stage };
    let asked_after = |seconds: u64| {
        clock.advance(Duration::from_secs(seconds));
        scene.does(&Command { time: Some(format!("@{}", clock.now().seconds().get())), ..scene.see() });
        scene.server.asked()
    };
    assert_eq!([asked_after(0), asked_after(48), asked_after(3), asked_after(0)], [1, 1, 2, 2]);
}

#[test]
fn a_token_that_the_partner_does_not_take_goes_with_one_command_and_the_next_has_another() {
    let scene = Scene::new(Proof::Assertion);
    let first = scene.does(&scene.see());
    // As if the partner had revoked it.
    scene.stage.partner.trust(scene.stage.trust().unwrap());
    scene.see().told(&scene.stage, scene.gateway.address).is(502, "bad-partner-answer");
    assert_eq!((scene.stage.partner.refusals(), scene.server.asked()), (vec!["token-type"], 1), "it was sent once");
    scene.stage.takes_tokens_of(
        portcullis::devkit::TOKEN_SERVER,
        "https://api.smarthome.example",
        &scene.server.jwks(),
    );
    let next = scene.does(&scene.see());
    assert_ne!(first.field("authorization"), next.field("authorization"));
    assert_eq!(scene.server.asked(), 2);
}

#[test]
fn with_another_key_nothing_that_was_fetched_before_is_used_again() {
    let scene = Scene::new(Proof::Assertion);
    scene.does(&scene.see());
    // One that the server does not know.
    let key = scene.stage.client_key();
    until("it is taken up", || scene.gateway.metric("portcullis_reloads_total{result=\"done\"}") == 1);
    scene.see().told(&scene.stage, scene.gateway.address).is(503, "unavailable");
    assert_eq!(scene.server.seen().last(), Some(&Err("client")));
    assert_eq!(scene.fetched("client-refused"), 1);
    // The server's operator finds it where the partner's keys are.
    let printed = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["keys", "export", "--partner", "smarthome", "--config"])
        .arg(scene.stage.configuration())
        .output()
        .unwrap();
    let keys: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    let purposes: Vec<_> = keys["keys"].as_array().unwrap().iter().map(|key| key["purpose"].as_str()).collect();
    assert_eq!(purposes, [Some("client"), Some("request")]);
    assert_eq!(keys["keys"][0]["kid"].as_str(), Some(key.kid()));
}
