//! Everything that runs out is told by one list: offline from the files, in the metric, in the status and in the log; by
//! names from the configuration; and anew when the files are exchanged.

use crate::harness::Process;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use crate::harness::ops_page;
use crate::harness::told_by;
use crate::harness::until;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::clock::UnixSeconds;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::Authority;
use portcullis::devkit::GATEWAY_AT_PARKLINE;
use portcullis::devkit::Leaf;
use portcullis::devkit::PARKLINE_AUTHORITY;
use portcullis::devkit::Validity;
use serde_json::Value;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

const DAY_S: u64 = 86_400;

/// Of a year, in which so many days and an hour are left.
fn days_left(days: u64) -> Validity {
    let until = now().get() + days * DAY_S + 3_600;
    Validity { from: UnixSeconds::new(until - 365 * DAY_S), until: UnixSeconds::new(until) }
}

/// A stage whose things run out on days of their own; one of each.
fn stage() -> Stage {
    let stage = Stage::new();
    let pki = &stage.pki;
    for name in ["gateway", "gateway-for-partners", "gateway-at-partner", "gateway-at-parkline"] {
        for ending in ["pem", "key"] {
            fs::remove_file(stage.path(&format!("pki/{name}.{ending}"))).unwrap();
        }
    }
    let server = pki
        .gateway_authority
        .issue(&Leaf::server(&[AUTHORITY, PARKLINE_AUTHORITY, "gateway.prop.example", "localhost"], days_left(3)));
    server.unwrap().write(&stage.path("pki"), "gateway").unwrap();
    let server = pki
        .gateway_authority
        .issue(&Leaf::server(&[AUTHORITY, PARKLINE_AUTHORITY, "gateway.prop.example"], days_left(320)));
    server.unwrap().write(&stage.path("pki"), "gateway-for-partners").unwrap();
    fs::write(stage.path("pki/partner-clients.pem"), Authority::new("their clients", days_left(330)).unwrap().pem())
        .unwrap();
    let client = pki.partner_authority.issue(&Leaf::client("spiffe://prop.example/portcullis", days_left(20)));
    client.unwrap().write(&stage.path("pki"), "gateway-at-partner").unwrap();
    let client = pki.parkline_authority.issue(&Leaf::client(GATEWAY_AT_PARKLINE, days_left(300)));
    client.unwrap().write(&stage.path("pki"), "gateway-at-parkline").unwrap();
    fs::write(stage.path("pki/parkline-authority.pem"), Authority::new("theirs too", days_left(310)).unwrap().pem())
        .unwrap();
    let both = pki.backend_authority.pem() + &Authority::new("the next one", days_left(200)).unwrap().pem();
    fs::write(stage.path("pki/backend-authority.pem"), both).unwrap();
    fs::write(stage.path("pki/partner-authority.pem"), Authority::new("theirs", days_left(100)).unwrap().pem())
        .unwrap();
    fs::write(stage.path("pki/clients.crl"), pki.backend_authority.crl(&[], days_left(40)).unwrap()).unwrap();
    let ca = "client_ca: pki/backend-authority.pem";
    stage.edit("gateway.yaml", ca, &format!("{ca}, crl: [pki/clients.crl]"));
    stage
}

fn listed(stage: &Stage, arguments: &[&str]) -> (i32, Vec<(String, String, u64, String)>) {
    let file = stage.configuration();
    let (code, out, err) =
        told_by(&[&["expiries", "--format", "json", "--config", file.to_str().unwrap()], arguments].concat());
    assert_eq!(err, "");
    let out: Value = serde_json::from_str(&out).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row =
        |one: &Value| (text(&one["what"]), text(&one["name"]), one["days"].as_u64().unwrap(), text(&one["alarm"]));
    (code, out["expiries"].as_array().unwrap().iter().map(row).collect())
}

fn row(what: &str, name: &str, days: u64, alarm: &str) -> (String, String, u64, String) {
    (what.to_owned(), name.to_owned(), days, alarm.to_owned())
}

#[test]
fn everything_that_runs_out_is_listed_from_the_files_alone_with_days_and_alarm() {
    let stage = stage();
    let (backend, partner) = ("listeners.backend", "partners.smarthome");
    // The stage's own authority lives for a day, and keeps its name beside the next one.
    let (code, all) = listed(&stage, &[]);
    let today = all.first().unwrap().clone();
    assert_eq!((today.0.as_str(), today.1.as_str(), code), ("client_ca", backend, 1));
    let rest = [
        row("certificate", backend, 3, "week"),
        row("certificate", partner, 20, "month"),
        row("crl", backend, 40, ""),
        row("ca", partner, 100, ""),
        row("client_ca", backend, 200, ""),
        row("certificate", "partners.parkline", 300, ""),
        row("ca", "partners.parkline", 310, ""),
        row("certificate", "listeners.partner", 320, ""),
        row("client_ca", "listeners.partner", 330, ""),
    ];
    assert_eq!(all[1..], rest);
    let (code, near) = listed(&stage, &["--within", "4d"]);
    assert_eq!((code, near.len()), (1, 2));
    fs::write(stage.path("pki/backend-authority.pem"), Authority::new("new", days_left(200)).unwrap().pem()).unwrap();
    assert_eq!(listed(&stage, &["--within", "3d"]), (0, Vec::new()), "three days and an hour");
    assert_eq!(listed(&stage, &["--within", "4d"]).0, 1);
}

#[test]
fn one_metric_tells_the_same_and_forgets_what_is_there_no_more() {
    let stage = stage();
    let gateway = Served::on(&stage);
    let series =
        |what: &str, name: &str| format!("portcullis_expires_timestamp_seconds{{name=\"{name}\",what=\"{what}\"}}");
    let ends = |validity: Validity| validity.until.get() + 1;
    let near = |what, name, days| gateway.metric(&series(what, name)).abs_diff(ends(days_left(days))) < 120;
    assert!(near("certificate", "listeners.backend", 3) && near("crl", "listeners.backend", 40));
    assert!(near("certificate", "partners.smarthome", 20) && near("ca", "partners.smarthome", 100));
    assert!(gateway.metric(&series("client_ca", "listeners.backend")) < ends(days_left(2)), "the earliest of two");
    let only = Authority::new("the next one", days_left(200)).unwrap();
    fs::write(stage.path("pki/backend-authority.pem"), only.pem()).unwrap();
    fs::write(stage.path("pki/clients.crl"), only.crl(&[], days_left(50)).unwrap()).unwrap();
    until("the change", || near("crl", "listeners.backend", 50) && near("client_ca", "listeners.backend", 200));
    // No label comes from a certificate.
    let page = gateway.metrics();
    let all: Vec<&str> = page.lines().filter(|line| line.starts_with("portcullis_expires_")).collect();
    assert_eq!(all.len(), 9, "{all:?}");
    let names = ["listeners.backend", "listeners.partner", "partners.smarthome", "partners.parkline"]
        .map(|name| format!("name=\"{name}\""));
    assert!(all.iter().all(|line| names.iter().any(|name| line.contains(name))), "{all:?}");
}

#[test]
fn what_runs_out_is_told_before_and_after() {
    let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
    let stage = Stage::by(clock.clone());
    let gateway = Served::by(&stage, clock.clone());
    let alarms = || -> Vec<Value> {
        let status: Value = serde_json::from_str(&ops_page(gateway.ops, "/-/status").1).unwrap();
        status["expiries"].as_array().unwrap().iter().map(|one| one["alarm"].clone()).collect()
    };
    // Of the six the status tells the next five. Certificates of a day: the alarms are at a third, a thirteenth and a ninetieth of it.
    assert_eq!(alarms(), vec![Value::Null; 5]);
    for (seconds, alarm) in [(58_000, "month"), (22_000, "week"), (5_800, "day"), (4_200, "over")] {
        clock.advance(Duration::from_secs(seconds));
        assert_eq!(alarms(), vec![Value::from(alarm); 5], "{alarm}");
    }
    // What the listener shows, and who signs, is a warning and no more; without a certificate of ours no partner can be reached.
    let told = gateway.not_ready();
    assert!(
        told.contains("\"reasons\":[\"partners-lapsed\"]") && told.contains("partner-certificate-expired"),
        "{told}"
    );
}

#[test]
fn the_log_warns_of_what_runs_out() {
    let stage = stage();
    let process = Process::on(&stage);
    process.terminate();
    let (_, said) = process.ended();
    let line = said.iter().find(|line| line.contains("\"name\":\"partners.smarthome\"")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    let said = ["level", "message", "what"].map(|name| line[name].as_str().unwrap_or_default());
    assert_eq!((said, line["days"].as_u64()), (["WARN", "something runs out soon", "certificate"], Some(20)));
}
