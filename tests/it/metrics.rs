//! The metrics page tells what really happened, and each gateway tells its own.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use crate::harness::until;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::devkit::Misbehaviour;
use std::sync::Arc;
use std::time::Duration;

/// A policy that cannot be evaluated for one door and a command that is not of this very second.
const ERRING: &str = r#"
@id("sum-of-door-2")
@reason("It overflows.")
forbid (
  principal,
  action == PropDevelopment::Action::"openDoor",
  resource == PropDevelopment::Door::"9:smarthome,5:north,7:house-1,6:door-2,"
)
when { context.ageSeconds + 9223372036854775807 == 0 };
"#;

fn decisions(gateway: &Served) -> [u64; 3] {
    ["allow", "deny", "error"].map(|result| {
        gateway.metric(&format!("portcullis_decisions_total{{operation=\"openDoor\",result=\"{result}\"}}"))
    })
}

fn steps(gateway: &Served, step: &str) -> u64 {
    gateway.metric(&format!("portcullis_step_duration_seconds_count{{step=\"{step}\"}}"))
}

#[test]
fn decisions_and_steps_are_counted_as_they_were_made() {
    let stage = Stage::new();
    stage.edit(
        "policies/cedar/doors.cedar",
        "// Doors: who may open one. Who may see how it is stands here too.",
        &format!("// Doors.\n{ERRING}"),
    );
    let gateway = Served::on(&stage);
    assert_eq!(decisions(&gateway), [0, 0, 0], "the series are there before anything is decided");
    let told = |command: Command| command.told(&stage, gateway.address).0;

    assert_eq!(told(Command::new(&stage)), 200);
    assert_eq!(told(Command::new(&stage)), 200);
    assert_eq!(told(Command::new(&stage).to("/v1/houses/house-2/doors/door-1/open")), 404);
    let mut erring = Command::new(&stage).to("/v1/houses/house-1/doors/door-2/open");
    erring.time = Some(format!("@{}", now().get() - 2));
    assert_eq!(told(erring), 404);
    assert_eq!(told(Command { token: None, ..Command::new(&stage) }), 401);
    assert_eq!(told(Command::new(&stage).to("/v1/nothing")), 404);

    assert_eq!(decisions(&gateway), [2, 1, 1]);
    // Each step is counted for those who came through it; a decision is one, whatever it says.
    for (step, times) in [
        ("declare", 5),
        ("identify", 4),
        ("rebuild", 4),
        ("bind", 4),
        ("decide", 4),
        ("protect", 2),
        ("token", 0),
        ("intent", 2),
        ("connect", 2),
        ("partner", 2),
        ("answer", 2),
        ("outcome", 6),
        ("total", 6),
    ] {
        assert_eq!(steps(&gateway, step), times, "{step}");
    }
    for (reason, times) in [("policy-denied", 1), ("policy-error", 1), ("token-missing", 1), ("unknown-operation", 1)] {
        assert_eq!(gateway.metric(&format!("portcullis_refusals_total{{reason=\"{reason}\"}}")), times, "{reason}");
    }
    assert_eq!(gateway.metric("portcullis_exchanges_done_total"), 2);
}

#[test]
fn a_steps_time_is_the_time_that_it_took() {
    let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
    let stage = Stage::by(clock.clone());
    stage.limit("connect_timeout_ms: 30s, record_timeout_ms: 10s");
    let gateway = Served::by(&stage, clock.clone());
    stage.partner.behave(Misbehaviour::HangInHandshake);
    let call = Command::new(&stage).begin(&stage, gateway.address);
    stage.partner_until(|partner| partner.hanging == 1);
    assert_eq!(gateway.metric("portcullis_exchanges_in_flight"), 1);
    clock.advance(Duration::from_secs(2));
    stage.partner.behave_well();
    stage.partner.release();
    call.told().is(200, "");
    assert_eq!(gateway.metric("portcullis_exchanges_in_flight"), 0);
    let within = |step: &str, seconds: &str| {
        gateway.metric(&format!("portcullis_step_duration_seconds_bucket{{step=\"{step}\",le=\"{seconds}\"}}"))
    };
    for step in ["connect", "total"] {
        assert_eq!((within(step, "1"), within(step, "2.5")), (0, 1), "{step}");
    }
    // The clock stood still in all the others.
    assert_eq!((within("partner", "0.000001"), within("decide", "0.000001")), (1, 1));
}

#[test]
fn connections_are_counted_while_they_are_open_and_after() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    let open = || gateway.metric("portcullis_connections{door=\"backend\"}");
    let (first, second) = stage.wait(async { (backend.connect().await.unwrap(), backend.connect().await.unwrap()) });
    until("both", || open() == 2);
    drop(first);
    until("one", || open() == 1);
    drop(second);
    until("none", || open() == 0);
    assert_eq!(gateway.metric("portcullis_connections_accepted_total{door=\"backend\"}"), 2);
}

#[test]
fn two_gateways_in_one_process_each_tell_their_own() {
    let stages = [Stage::new(), Stage::new()];
    let gateways = [Served::on(&stages[0]), Served::on(&stages[1])];
    Command::new(&stages[0]).told(&stages[0], gateways[0].address).is(200, "");
    let counted = |gateway: &Served| {
        let accepted = gateway.metric("portcullis_connections_accepted_total{door=\"backend\"}");
        (decisions(gateway), steps(gateway, "total"), accepted, gateway.metric("portcullis_exchanges_done_total"))
    };
    assert_eq!(counted(&gateways[0]), ([1, 0, 0], 1, 1, 1));
    assert_eq!(counted(&gateways[1]), ([0, 0, 0], 0, 0, 0));
}
