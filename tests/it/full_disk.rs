//! A full disk: nothing opens any more, and what narrows is still recorded and in force.

use crate::harness::Command;
use crate::harness::Deeds;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::until;
use std::sync::Arc;
use std::sync::atomic::Ordering;

#[test]
fn where_no_intent_finds_room_a_revocation_is_recorded_and_in_force_and_commands_go_on_with_space() {
    let (stage, deeds) = (Stage::new(), Arc::new(Deeds::default()));
    stage.limit("refusal_records_per_peer_per_minute: 1000000");
    let gateway = Served::on_disk_with(&stage, &deeds, |config| {
        (config.audit.segment_bytes, config.audit.reserve_bytes) = (64 * 1024, 16 * 1024);
    });
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    deeds.is_full.store(true, Ordering::SeqCst);
    let backend = stage.backend(gateway.address);
    let unknown = Command::new(&stage).bearing("nonsense".to_owned());
    until("there is no room", || stage.wait(unknown.again().give(&backend)).unwrap().status == 503);
    // The segment that was made before the disk was full is used up, too.
    until("there is none at all", || {
        deeds.failed() > 0 && stage.wait(unknown.again().give(&backend)).unwrap().status == 503
    });
    Command::new(&stage).told(&stage, gateway.address).is(503, "unavailable");
    let order = r#"{"kind":"device","value":"phone-of-ivanov","tenant":"north"}"#;
    let fields = [("Content-Type", "application/json")];
    let answer = stage.wait(backend.call("POST", "/-/revocations", &fields, order.as_bytes())).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(gateway.not_ready().is_empty(), "what narrows is taken, so the gateway is of use");
    let recorded = stage.records().iter().filter(|record| record.text("kind") == "revocation").count();
    assert_eq!(recorded, 1);

    // In force: once there is space again the command is refused for what it is.
    deeds.is_full.store(false, Ordering::SeqCst);
    until("there is room", || stage.wait(unknown.again().give(&backend)).unwrap().status != 503);
    Command::new(&stage).told(&stage, gateway.address).is(403, "forbidden");
    assert_eq!(stage.story().last().map(String::as_str), Some("refusal revoked"));
    drop(gateway);
    assert_eq!((stage.partner.total_actuations(), deeds.failed() > 0), (1, true));
}
