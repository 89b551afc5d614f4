//! Documents of the backend: what they may hold, what comes of them, and that both readers make the same of the same content.

use super::*;
use crate::clock::UnixMillis;
use crate::diagnostic::Source;
use crate::model::Name;
use crate::model::ResourceId;
use crate::problem::WrongPlace;
use proptest::prelude::*;

const NOON: &str = "2026-11-27T12:00:00Z";
const ALWAYS: UnixMillis = UnixMillis::new(u64::MAX);

const FILE: &str = "version: 1\nrevision: 7\nmade_at: 2026-11-27T12:00:00Z\ntenants: [south, north]\nhouses:\n  - {id: h2, tenant: south, zone: Asia/Omsk, partners: []}\n  - {id: h1, tenant: north, zone: Europe/Moscow, partners: [smarthome, parkline], doors: [yard, main], barriers: [main]}\n";

fn snapshot(revision: u64, houses: &str) -> String {
    format!(
        r#"{{"version":1,"kind":"snapshot","revision":{revision},"made_at":"{NOON}","tenants":["north","south"],"houses":[{houses}]}}"#
    )
}

const H1: &str = r#"{"id":"h1","tenant":"north","zone":"Europe/Moscow","partners":["parkline","smarthome"],"doors":["main","yard"],"barriers":["main"]}"#;
const H2: &str = r#"{"id":"h2","tenant":"south","zone":"Asia/Omsk","partners":[]}"#;

fn delta(base: u64, revision: u64, rest: &str) -> String {
    format!(r#"{{"version":1,"kind":"delta","base":{base},"revision":{revision},"made_at":"{NOON}"{rest}}}"#)
}

fn from_file(text: &str) -> Directory {
    Directory::compile(&Source::new("directory.yaml", text)).unwrap_or_else(|faults| panic!("{faults}"))
}

/// What becomes of a document on what is in force.
fn onto(text: &str, in_force: Option<&Directory>) -> Result<Directory, UpdateFault> {
    document::read(text.as_bytes()).map_err(UpdateFault::Unfit).and_then(|document| document.onto(in_force, ALWAYS))
}

#[track_caller]
fn wrong(text: &str, in_force: Option<&Directory>) -> (String, &'static str) {
    match onto(text, in_force).unwrap_err() {
        UpdateFault::Unfit(WrongPlace { part: "body", pointer, expected }) => (pointer, expected),
        other => panic!("{other:?}"),
    }
}

fn is_there(directory: &Directory, kind: &str, parts: &[&str]) -> bool {
    let parts = parts.iter().map(|part| Box::from(*part)).collect();
    directory.locate(&ResourceId { kind: kind.into(), parts }).is_some()
}

#[test]
fn the_same_content_is_the_same_directory_whoever_brings_it_and_in_whatever_order() {
    let file = from_file(FILE);
    let sent = onto(&snapshot(7, &format!("{H2},{H1}")), None).unwrap();
    assert_eq!((file.digest(), file.text()), (sent.digest(), sent.text()));
    let restored = Directory::restored(&file.text()).unwrap();
    assert_eq!((restored.digest(), restored.made_at()), (file.digest(), file.made_at()));
    assert_eq!((restored.houses(), restored.doors()), (2, 2));
    assert_eq!(
        String::from_utf8(file.text()).unwrap(),
        snapshot(7, &format!("{H1},{H2}"))
            .replace("12:00:00Z", "12:00:00.000Z")
            .replace("[]}", r#"[],"doors":[],"barriers":[]}"#)
    );
    for (from, to) in [
        ("revision: 7", "revision: 8"),
        ("12:00:00Z", "12:00:00.001Z"),
        ("[south, north]", "[south, north, west]"),
        ("id: h2", "id: h3"),
        ("tenant: south", "tenant: north"),
        ("Asia/Omsk", "Asia/Irkutsk"),
        ("partners: []", "partners: [smarthome]"),
        ("barriers: [main]", "barriers: []"),
        ("[yard, main]", "[yard]"),
    ] {
        assert!(FILE.contains(from));
        assert_ne!(from_file(&FILE.replace(from, to)).digest(), file.digest(), "{to}");
    }
}

#[test]
fn a_directory_is_timely_up_to_its_age_and_its_skew_and_not_a_second_more_and_never_without_a_time() {
    let directory = from_file(FILE);
    let noon = directory.made_at().unwrap().get() / 1000;
    let timely = |second: u64| directory.is_timely(60, 5, UnixMillis::new(second * 1000 + 999));
    assert_eq!([noon - 6, noon - 5, noon, noon + 60, noon + 61].map(timely), [false, true, true, true, false]);
    let silent = from_file(&FILE.replace("made_at: 2026-11-27T12:00:00Z\n", ""));
    assert!(!silent.is_timely(u64::MAX, u64::MAX, UnixMillis::new(noon * 1000)));
}

#[test]
fn a_delta_puts_and_removes_houses_as_a_whole_and_leaves_the_others() {
    let base = from_file(FILE);
    let rest = r#","put":[{"id":"h1","tenant":"south","zone":"UTC","partners":["smarthome"],"doors":["side"]},{"id":"h3","tenant":"west","zone":"UTC","partners":[]}],"remove":["h2"],"tenants":["west","south"]"#;
    let next = onto(&delta(7, 8, rest), Some(&base)).unwrap();
    assert_eq!((next.version(), next.houses(), next.doors()), (8, 2, 1));
    for (kind, parts, there) in [
        ("Door", &["h1", "side"][..], true),
        ("Door", &["h1", "main"], false),
        ("Barrier", &["h1", "main"], false),
        ("House", &["h2"], false),
        ("House", &["h3"], true),
    ] {
        assert_eq!(is_there(&next, kind, parts), there, "{kind} {parts:?}");
    }
    assert!(is_there(&base, "House", &["h2"]), "what was in force is as it was");
    let whole = r#"{"version":1,"kind":"snapshot","revision":8,"made_at":"2026-11-27T12:00:00Z","tenants":["south","west"],"houses":[{"id":"h3","tenant":"west","zone":"UTC","partners":[]},{"id":"h1","tenant":"south","zone":"UTC","partners":["smarthome"],"doors":["side"]}]}"#;
    assert_eq!(next.digest(), onto(whole, Some(&base)).unwrap().digest(), "as if it had been sent whole");
    let nothing = onto(&delta(7, 8, ""), Some(&base)).unwrap();
    assert_eq!((nothing.houses(), nothing.version()), (2, 8), "that it is still so is an update, too");
}

#[test]
fn versions_only_grow_and_a_delta_is_on_the_version_in_force() {
    let base = from_file(FILE);
    let fault = |text: &str| onto(text, Some(&base)).err();
    assert_eq!(fault(&snapshot(8, "")), None);
    for revision in [0, 6, 7] {
        assert_eq!(fault(&snapshot(revision, "")), Some(UpdateFault::NotNewer), "{revision}");
        assert_eq!(fault(&delta(7, revision, "")), Some(UpdateFault::NotNewer), "{revision}");
    }
    for other in [0, 6, 8, 9] {
        assert_eq!(fault(&delta(other, 9, "")), Some(UpdateFault::OtherBase), "{other}");
    }
    assert_eq!(onto(&delta(7, 8, ""), None).err(), Some(UpdateFault::OtherBase), "there is nothing to be on");
    let made_at = base.made_at().unwrap();
    let made = |latest: u64| document::read(snapshot(8, "").as_bytes()).unwrap().onto(None, UnixMillis::new(latest));
    assert!(made(made_at.get()).is_ok());
    let early = made(made_at.get() - 1).unwrap_err();
    assert_eq!(early, UpdateFault::Unfit(WrongPlace { part: "body", pointer: "/made_at".into(), expected: "past" }));
}

#[test]
fn what_a_document_may_not_hold_is_told_with_its_place() {
    let base = from_file(FILE);
    let whole = snapshot(8, H1);
    let edited = |from: &str, to: &str| {
        assert!(whole.contains(from), "{from}");
        whole.replacen(from, to, 1)
    };
    let rows = [
        (String::new(), "", "JSON"),
        ("[]".into(), "", "object"),
        (whole.clone() + "x", "", "JSON"),
        (edited(r#""version":1,"#, ""), "/version", "present"),
        (edited(r#""version":1"#, r#""version":2"#), "/version", "bounds"),
        (edited(r#""version":1"#, r#""version":"1""#), "/version", "number"),
        (edited("snapshot", "whole"), "/kind", "enum"),
        (edited(r#""kind":"snapshot","#, ""), "/kind", "present"),
        (edited(r#""revision":8"#, r#""revision":8.5"#), "/revision", "integer"),
        (edited(r#""revision":8"#, r#""revision":-1"#), "/revision", "bounds"),
        (edited(r#""revision":8,"#, ""), "/revision", "present"),
        (edited(r#""revision":8"#, r#""revision":8,"revision":9"#), "", "once"),
        (edited(r#""revision":8"#, r#""revision":8,"base":7"#), "/base", "declared"),
        (edited(r#""revision":8"#, r#""revision":8,"put":[]"#), "/put", "declared"),
        (edited(r#""revision":8"#, r#""revision":8,"remove":[]"#), "/remove", "declared"),
        (edited(r#""revision":8"#, r#""revision":8,"why":"x""#), "", "declared"),
        (edited(NOON, "2026-11-27T12:00:00"), "/made_at", "format"),
        (edited(NOON, "2026-11-27T12:00:00+03:00"), "/made_at", "format"),
        (edited(NOON, "noon"), "/made_at", "format"),
        (edited(NOON, "1969-12-31T23:59:59Z"), "/made_at", "format"),
        (edited(r#"["north","south"]"#, r#"["north","north"]"#), "/tenants/1", "once"),
        (edited(r#"["north","south"]"#, r#"["no north"]"#), "/tenants/0", "name"),
        (edited(r#"["north","south"]"#, r#"["south"]"#), "/houses/0/tenant", "tenant"),
        (edited(r#""tenants":["north","south"],"#, ""), "/tenants", "present"),
        (edited(r#""id":"h1""#, r#""id":"h 1""#), "/houses/0/id", "name"),
        (edited(r#""id":"h1","#, ""), "/houses/0/id", "present"),
        (edited("Europe/Moscow", "europe/moscow"), "/houses/0/zone", "zone"),
        (edited(r#""zone":"Europe/Moscow","#, ""), "/houses/0/zone", "present"),
        (edited(r#""partners":["parkline","smarthome"],"#, ""), "/houses/0/partners", "present"),
        (edited(r#"["parkline","smarthome"]"#, r#"["a","a"]"#), "/houses/0/partners/1", "once"),
        (edited(r#"["main","yard"]"#, r#"["main","main"]"#), "/houses/0/doors/1", "once"),
        (edited(r#"["main","yard"]"#, r#"[1]"#), "/houses/0/doors/0", "text"),
        (edited(r#"["main","yard"]"#, r#""main""#), "/houses/0/doors", "array"),
        (edited(r#""barriers":["main"]"#, r#""residents":["x"]"#), "/houses/0", "declared"),
        (edited(H1, &format!("{H1},{H2},{H1}")), "/houses/2/id", "once"),
        (edited(H1, "xxx"), "/houses/0", "JSON"),
        (edited(H1, "[]"), "/houses/0", "object"),
        (edited(r#""doors":["main","yard"]"#, r#""doors":[["main"]]"#), "/houses/0/doors/0", "text"),
        (edited(r#""id":"h1""#, &format!(r#""id":"{}""#, "a".repeat(257))), "/houses/0/id", "length"),
    ];
    for (text, pointer, expected) in &rows {
        assert_eq!(wrong(text, Some(&base)), ((*pointer).to_owned(), *expected), "{text}");
    }
    let deltas = [
        (r#","remove":["h9"]"#, "/remove/0", "house"),
        (r#","remove":["h1","h1"]"#, "/remove/1", "house"),
        (r#","remove":["h2"],"put":[{"id":"h2","tenant":"north","zone":"UTC","partners":[]}]"#, "/remove/0", "once"),
        (r#","put":[{"id":"h3","tenant":"west","zone":"UTC","partners":[]}]"#, "/put/0/tenant", "tenant"),
        (r#","tenants":["north"]"#, "/tenants", "tenant"),
        (r#","houses":[]"#, "/houses", "declared"),
    ];
    for (rest, pointer, expected) in deltas {
        assert_eq!(wrong(&delta(7, 8, rest), Some(&base)), (pointer.to_owned(), expected), "{rest}");
    }
    let lacking = delta(7, 8, "").replace(r#""base":7,"#, "");
    assert_eq!(wrong(&lacking, Some(&base)), ("/base".to_owned(), "present"));
}

#[test]
fn a_hundred_thousand_doors_are_read_from_either_and_their_memory_is_told() {
    let house = |number: usize| {
        let doors: Vec<String> = (0..20).map(|door| format!("\"door-{door:02}\"")).collect();
        let doors = doors.join(",");
        format!(
            r#"{{"id":"house-{number:05}","tenant":"north","zone":"Europe/Moscow","partners":["smarthome"],"doors":[{doors}]}}"#
        )
    };
    let houses: Vec<String> = (0..5_000).map(house).collect();
    let directory = onto(&snapshot(1, &houses.join(",")), None).unwrap();
    assert_eq!((directory.houses(), directory.doors()), (5_000, 100_000));
    let bytes = directory.memory_bytes();
    assert!((2_000_000..20_000_000).contains(&bytes), "{bytes}");
    assert!(is_there(&directory, "Door", &["house-04999", "door-19"]));
    assert!(!is_there(&directory, "Door", &["house-04999", "door-20"]));
}

fn names(prefix: &'static str) -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set(0..6_u8, 0..4)
        .prop_map(move |numbers| numbers.into_iter().map(|number| format!("{prefix}{number}")).collect())
}

fn houses() -> impl Strategy<Value = Vec<String>> {
    let zone = prop::sample::select(vec!["UTC", "Europe/Moscow", "Asia/Omsk", "America/New_York"]);
    let house = (zone, names("p"), names("d"), names("b"), 0..2_u8);
    prop::collection::vec(house, 0..8).prop_map(|houses| {
        let write = |(index, (zone, partners, doors, barriers, tenant)): (usize, (&str, _, _, _, u8))| {
            let list = |names: Vec<String>| serde_json::to_string(&names).unwrap();
            let tenant = ["north", "south"][usize::from(tenant)];
            format!(
                r#"{{"id":"h{index}","tenant":"{tenant}","zone":"{zone}","partners":{},"doors":{},"barriers":{}}}"#,
                list(partners),
                list(doors),
                list(barriers)
            )
        };
        houses.into_iter().enumerate().map(write).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_back_as_the_same_and_a_delta_makes_what_the_whole_would(
        first in houses(),
        second in houses(),
        revision in 1..1_000_u64,
    ) {
        let base = onto(&snapshot(revision, &first.join(",")), None).unwrap();
        let restored = Directory::restored(&base.text()).unwrap();
        prop_assert_eq!((restored.digest(), restored.text()), (base.digest(), base.text()));
        // JSON is YAML: the file's reader makes the same of the same content, once the word that it has no key for is gone.
        let yaml = String::from_utf8(base.text()).unwrap().replacen(r#""kind":"snapshot","#, "", 1);
        prop_assert_eq!(from_file(&yaml).digest(), base.digest());
        let gone: Vec<String> = (second.len()..first.len()).map(|index| format!("\"h{index}\"")).collect();
        let rest = format!(r#","put":[{}],"remove":[{}]"#, second.join(","), gone.join(","));
        let next = onto(&delta(revision, revision + 1, &rest), Some(&base)).unwrap();
        prop_assert_eq!(next.digest(), onto(&snapshot(revision + 1, &second.join(",")), None).unwrap().digest());
        let linked = Name::new("p1").unwrap();
        for (index, wanted) in second.iter().enumerate() {
            let id = ResourceId { kind: "House".into(), parts: vec![format!("h{index}").into()] };
            let wanted: serde_json::Value = serde_json::from_str(wanted).unwrap();
            let found = next.locate(&id).unwrap();
            let partners = wanted["partners"].as_array().unwrap();
            prop_assert_eq!(found.is_linked_to(&linked), partners.iter().any(|partner| partner == "p1"));
        }
    }
}
