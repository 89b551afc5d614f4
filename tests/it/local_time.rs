//! The hour in a policy is the house's own, through a whole gateway: eleven houses in the zones of Russia, and a clock that
//! is moved from one house's eight o'clock to the next.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::clock::UnixMillis;
use portcullis::devkit::Backend;
use std::fmt::Write;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

/// The zones and how many hours they are ahead of UTC, by the Government Decree on time zones of 2011, as amended.
const RUSSIA: [(&str, u64); 11] = [
    ("Europe/Kaliningrad", 2),
    ("Europe/Moscow", 3),
    ("Europe/Samara", 4),
    ("Asia/Yekaterinburg", 5),
    ("Asia/Omsk", 6),
    ("Asia/Krasnoyarsk", 7),
    ("Asia/Irkutsk", 8),
    ("Asia/Yakutsk", 9),
    ("Asia/Vladivostok", 10),
    ("Asia/Magadan", 11),
    ("Asia/Kamchatka", 12),
];

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// A moment at which a house's door begins or ceases to open for those who work there.
struct Edge {
    /// Seconds of Unix time.
    at: u64,
    house: usize,
    opens: bool,
}

/// The next such moments of every house, in their order. Certificates are good for a day from now, and an hour before it.
fn edges(now: u64) -> Vec<Edge> {
    let edges = RUSSIA.iter().enumerate().flat_map(|(house, (_, ahead))| {
        [(8, true), (20, false)].map(|(hour, opens)| {
            let since = (now + ahead * HOUR + DAY - hour * HOUR) % DAY;
            let next = now + (DAY - since) % DAY;
            Edge { at: if next > now + DAY - 120 { next - DAY } else { next }, house, opens }
        })
    });
    let mut edges: Vec<Edge> = edges.collect();
    edges.sort_by_key(|edge| edge.at);
    edges
}

fn directory(made_at: UnixMillis) -> String {
    let mut text = format!("version: 1\nrevision: 1\nmade_at: {made_at}\ntenants: [north]\nhouses:\n");
    for (house, (zone, _)) in RUSSIA.iter().enumerate() {
        let partners = "partners: [smarthome], doors: [door-1], barriers: []";
        writeln!(text, "  - {{id: house-{house}, tenant: north, zone: {zone}, {partners}}}").unwrap();
    }
    text
}

/// The status of a command, given now by somebody with this role, and the minute and the day that its record tells.
fn asked(
    stage: &Stage,
    backend: &Backend,
    clock: &ManualClock,
    house: usize,
    role: &str,
) -> (u16, Option<u64>, Option<u64>) {
    let now = clock.now().seconds();
    let house = format!("house-{house}");
    let claims = stage.resident(&stage.sessions, now).with("roles", vec![role.into()]);
    let claims = claims.without("authorization_details").door_access(&house, Some("door-1"), &["open"]);
    let command = Command::new(stage).bearing(stage.sessions.mint(&claims).unwrap());
    let command = Command { time: Some(format!("@{}", now.get())), ..command };
    let answer = stage.wait(command.to(&format!("/v1/houses/{house}/doors/door-1/open")).give(backend)).unwrap();
    let receipt = answer.header("receipt-id").unwrap();
    let record = stage.records().into_iter().find(|record| record.text("receipt") == receipt).unwrap();
    let input = |name: &str| record.get("decision")["inputs"][name].as_u64();
    (answer.status, input("localMinuteOfDay"), input("localWeekday"))
}

#[test]
fn service_is_let_in_from_eight_to_eight_by_the_clocks_of_each_of_eleven_houses() {
    let edges = edges(SystemClock::new().now().seconds().get());
    let clock = Arc::new(ManualClock::new(UnixMillis::new((edges[0].at - 10) * 1_000)));
    let stage = Stage::by(clock.clone());
    fs::write(stage.path("directory.yaml"), directory(clock.now())).unwrap();
    stage.edit("gateway.yaml", "max_age: 24h", "max_age: 2d");
    // The days of the week are another test's: today may be a Sunday.
    stage.edit("policies/cedar/doors.cedar", "context.localWeekday <= 6", "context.localWeekday <= 7");
    let gateway = Served::by(&stage, clock.clone());
    let backend = stage.backend(gateway.address);
    for Edge { at, house, opens } in edges {
        let (zone, ahead) = RUSSIA[house];
        let (first, edge) = if opens { ([404, 200], 480) } else { ([200, 404], 1200) };
        for (moment, expected, minute) in [(at - 1, first[0], edge - 1), (at, first[1], edge)] {
            let (now, moment_ms) = (clock.now().get(), moment * 1_000);
            clock.advance(Duration::from_millis(moment_ms.saturating_sub(now)));
            let weekday = ((moment + ahead * HOUR) / DAY + 3) % 7 + 1;
            let told = asked(&stage, &backend, &clock, house, "service");
            assert_eq!(told, (expected, Some(minute), Some(weekday)), "{zone}, opens: {opens}");
        }
        assert_eq!(asked(&stage, &backend, &clock, house, "resident").0, 200, "{zone}: at any hour");
    }
    assert_eq!(stage.partner.total_actuations(), 44);
}
