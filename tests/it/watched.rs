//! Somebody does something to the files of the log under a running gateway: it says which, and lets nothing through.

use crate::harness::Scene;
use crate::harness::Stage;
use crate::harness::ops_page;
use crate::harness::until;
use std::fs;

#[test]
fn where_the_segment_in_use_is_deleted_the_gate_closes_and_the_gateway_says_which_file_it_was() {
    let scene = Scene::on(Stage::new());
    let (stage, gateway) = (&scene.stage, &scene.gateway);
    scene.command().told(stage, gateway.address).is(200, "");
    fs::remove_file(stage.path("state/audit/segment-0000000001.jsonl")).unwrap();
    until("the reason", || gateway.not_ready().contains("\"audit-disturbed\""));
    let moved = stage.partner.total_actuations();
    scene.command().told(stage, gateway.address).is(503, "unavailable");
    assert_eq!(stage.partner.total_actuations(), moved, "nothing is sent");
    let series = "portcullis_audit_disturbed{file=\"segment-0000000001.jsonl\",what=\"deleted\"} 1";
    assert!(gateway.metrics().contains(series));
    let (_, status) = ops_page(gateway.ops, "/-/status");
    let told = r#""disturbed":{"file":"segment-0000000001.jsonl","what":"deleted"}"#;
    assert!(status.contains(r#""state":"disturbed""#) && status.contains(told), "{status}");
}
