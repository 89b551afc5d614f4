//! Whatever is changed in a valid body (a key more, another type, a name twice), the partner never receives a byte of it.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prop_oneof;
use proptest::test_runner::Config;
use proptest::test_runner::TestRunner;

const USER: &str = r#""userId":"resident-ivanov""#;
const DEVICE: &str = r#""deviceId":"phone-of-ivanov""#;

/// A body that is valid but for one mutation.
fn mutated() -> impl Strategy<Value = String> {
    let name = "[a-zA-Z_][a-zA-Z0-9_]{0,12}".prop_filter("a new name", |name| name != "userId" && name != "deviceId");
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        proptest::num::i32::ANY.prop_map(|number| number.to_string()),
        "[a-z]{0,8}".prop_map(|text| format!("\"{text}\"")),
    ];
    let wrong = value.clone().prop_filter("not text", |value| !value.starts_with('"'));
    prop_oneof![
        (name, value).prop_map(|(name, value)| format!("{{{USER},{DEVICE},\"{name}\":{value}}}")),
        wrong.clone().prop_map(|value| format!("{{\"userId\":{value},{DEVICE}}}")),
        wrong.prop_map(|value| format!("{{{USER},\"deviceId\":{value}}}")),
        Just(format!("{{{USER},{DEVICE},{USER}}}")),
        Just(format!("{{{USER},{DEVICE},\"\\u0064eviceId\":\"phone-of-ivanov\"}}")),
        Just(format!("{{{DEVICE}}}")),
        (0..USER.len()).prop_map(|cut| format!("{{{USER},{DEVICE}}}").chars().take(cut).collect()),
    ]
}

#[test]
fn a_mutated_request_never_reaches_the_partner() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    let mut runner = TestRunner::new(Config { cases: 96, failure_persistence: None, ..Config::default() });
    runner
        .run(&mutated(), |body| {
            let answer = stage.wait(Command::new(&stage).saying(&body).give(&backend)).unwrap();
            assert_eq!(answer.status, 400, "{body}: {}", answer.text());
            assert_eq!(stage.partner.progress().bytes, 0, "{body}");
            Ok(())
        })
        .unwrap();
    let answer = stage.wait(Command::new(&stage).give(&backend)).unwrap();
    assert_eq!((answer.status, stage.partner.total_actuations()), (200, 1), "the fence");
}
