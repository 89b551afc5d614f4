//! Logs of OpenTelemetry, read back by a reader of the tests' own: every member is there, and no text breaks out.

use crate::audit::formats::Covered;
use crate::audit::formats::OtlpLogs;
use crate::audit::formats::tests::samples;
use crate::audit::formats::tests::samples::Sample;
use crate::clock::UnixMillis;
use crate::diagnostic::hides;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

const NOTE: &str = "gateway.prop.example/audit\n42\nqqo=\n\n\u{2014} gateway.prop.example/audit AAAA\n";

fn request(samples: &[Sample]) -> Value {
    let mut logs = OtlpLogs::begin(samples::ORIGIN);
    assert!(logs.is_empty());
    samples.iter().for_each(|sample| logs.record(&sample.entry()));
    let covered = Covered::of_note(NOTE, UnixMillis::new(samples::MILLIS)).unwrap();
    let body = String::from_utf8(logs.end(&covered)).unwrap();
    assert!(!body.chars().any(hides), "nothing hides in it, and it is one line");
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

fn records(request: &Value) -> &[Value] {
    request["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap()
}

/// An `AnyValue` as plain JSON.
fn plain(value: &Value) -> Value {
    let Some((kind, value)) = value.as_object().unwrap().iter().next() else { return Value::Null };
    match kind.as_str() {
        "intValue" => value.as_str().unwrap().parse::<i64>().unwrap().into(),
        "arrayValue" => value["values"].as_array().unwrap().iter().map(plain).collect(),
        "kvlistValue" => members(&value["values"]).into(),
        "stringValue" | "boolValue" | "doubleValue" => value.clone(),
        _ => panic!("{kind}"),
    }
}

fn members(list: &Value) -> Map<String, Value> {
    list.as_array().unwrap().iter().map(|one| (one["key"].as_str().unwrap().to_owned(), plain(&one["value"]))).collect()
}

#[test]
fn every_member_of_every_record_is_in_the_body_but_those_that_are_ours_and_nothing_breaks_out() {
    let texts = [
        "plain",
        "a\nb\u{2028}c",
        "\u{202e}\u{200b}\u{feff}\u{7f}\0",
        "\"}]},{\"body\":",
        "я\\u202e😀\\\"",
        "${x}%s<b>",
    ];
    let long = "x\n\u{202e}\"".repeat(5_000);
    let long = vec![Sample::of("refusal", &json!({ "peer": long, "decision": { "inputs": { &long: [long] } } }))];
    for samples in texts.into_iter().map(samples::all).chain([long]) {
        let request = request(&samples);
        let (checkpoint, records) = records(&request).split_last().unwrap();
        assert_eq!(records.len(), samples.len());
        for (record, sample) in records.iter().zip(&samples) {
            let mut expected: Map<String, Value> = serde_json::from_str(&sample.line).unwrap();
            for ours in ["v", "kind", "time", "salt", "sum", "answer"] {
                expected.remove(ours);
            }
            assert_eq!(plain(&record["body"]), Value::Object(expected));
            let attributes = members(&record["attributes"]);
            assert_eq!(attributes["log.record.uid"], "gateway.prop.example/audit/41");
            assert_eq!(record["timeUnixNano"], format!("{}000000", samples::MILLIS));
        }
        assert_eq!(plain(&checkpoint["body"]), NOTE);
        assert_eq!(members(&checkpoint["attributes"])["portcullis.log.size"], 42);
    }
}

#[test]
fn numbers_and_what_is_no_text_have_their_own_kinds() {
    let values = json!({ "a": null, "b": true, "c": -7, "d": 1.5, "e": [], "f": {}, "g": 9_007_199_254_740_991_u64 });
    let request = request(&[Sample::of("gap", &json!({ "of": values }))]);
    let body = &records(&request)[0]["body"]["kvlistValue"]["values"][0]["value"]["kvlistValue"]["values"];
    let kinds: Vec<String> = body.as_array().unwrap().iter().map(|one| one["value"].to_string()).collect();
    let expected = [
        "{}",
        r#"{"boolValue":true}"#,
        r#"{"intValue":"-7"}"#,
        r#"{"doubleValue":1.5}"#,
        r#"{"arrayValue":{"values":[]}}"#,
        r#"{"kvlistValue":{"values":[]}}"#,
        r#"{"intValue":"9007199254740991"}"#,
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn a_trace_is_told_where_it_is_one_and_a_severity_always() {
    let trace = |text: &str| {
        let request = request(&[Sample::of("intent", &json!({ "trace": text }))]);
        let record = &records(&request)[0];
        assert_eq!((&record["severityNumber"], &record["severityText"]), (&json!(9), &json!("INFO")));
        record.get("traceId").map(|trace| trace.as_str().unwrap().to_owned())
    };
    let good = "4bf92f3577b34da6a3ce929d0e0e4736";
    assert_eq!(trace(good).as_deref(), Some(good));
    for wrong in [
        "",
        &"0".repeat(32),
        &good.to_uppercase(),
        good.strip_prefix('4').unwrap(),
        &format!("{good}0"),
        "zbf92f3577b34da6a3ce929d0e0e4736",
    ] {
        assert_eq!(trace(wrong), None, "{wrong}");
    }
}
