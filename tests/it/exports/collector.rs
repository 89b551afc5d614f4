//! OTLP/HTTP against a small strict collector, which holds what comes against the names and kinds of the specification (OTLP 1.5,
//! `opentelemetry/proto/logs/v1/logs.proto` and `common/v1/common.proto` in their JSON encoding), and answers as it is told.

use super::syslog::goes_on;
use super::syslog::is_caught_up;
use super::syslog::moving;
use super::*;
use crate::harness::Served;
use portcullis::clock::Clock;
use std::sync::Arc;
use std::time::Duration;

/// An answer with a body of JSON.
fn answer(status: &str, fields: &str, body: &str) -> Deed {
    Deed::Answer(format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{fields}Content-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// The members of an object, all of which are known.
fn known<'v>(value: &'v Value, names: &[&str]) -> &'v serde_json::Map<String, Value> {
    let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    let unknown: Vec<_> = object.keys().filter(|name| !names.contains(&name.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?} of {value}");
    object
}

/// An `AnyValue` as plain JSON.
fn plain(value: &Value) -> Value {
    let kinds = ["stringValue", "boolValue", "intValue", "doubleValue", "arrayValue", "kvlistValue", "bytesValue"];
    let value = known(value, &kinds);
    assert!(value.len() <= 1, "one of: {value:?}");
    let Some((kind, value)) = value.iter().next() else { return Value::Null };
    match kind.as_str() {
        "stringValue" => value.as_str().unwrap().into(),
        "boolValue" => value.as_bool().unwrap().into(),
        // A 64-bit integer is a string of digits.
        "intValue" => value.as_str().unwrap().parse::<i64>().unwrap().into(),
        "doubleValue" => value.as_f64().unwrap().into(),
        "arrayValue" => known(value, &["values"])["values"].as_array().unwrap().iter().map(plain).collect(),
        "kvlistValue" => Value::Object(key_values(&known(value, &["values"])["values"])),
        _ => panic!("{kind}"),
    }
}

/// A list of `KeyValue`, whose keys are distinct.
fn key_values(list: &Value) -> serde_json::Map<String, Value> {
    let mut all = serde_json::Map::new();
    for one in list.as_array().unwrap() {
        let one = known(one, &["key", "value"]);
        let key = one["key"].as_str().filter(|key| !key.is_empty()).unwrap();
        assert!(all.insert(key.to_owned(), plain(&one["value"])).is_none(), "{key} twice");
    }
    all
}

/// One request, read by the specification.
fn batch(lot: &Lot) -> Batch {
    assert!(lot.head.starts_with("POST /v1/logs HTTP/1.1\r\n"), "{}", lot.head);
    assert!(lot.head.to_ascii_lowercase().contains("\r\ncontent-type: application/json\r\n"), "{}", lot.head);
    let request: Value = serde_json::from_slice(&lot.bytes).unwrap();
    let [of_resource] = known(&request, &["resourceLogs"])["resourceLogs"].as_array().unwrap().as_slice() else {
        panic!()
    };
    let of_resource = known(of_resource, &["resource", "scopeLogs", "schemaUrl"]);
    let resource =
        key_values(&known(&of_resource["resource"], &["attributes", "droppedAttributesCount"])["attributes"]);
    assert_eq!(resource["service.name"], "portcullis");
    assert_eq!(resource["portcullis.log.origin"], "gateway.prop.example/audit");
    let [of_scope] = of_resource["scopeLogs"].as_array().unwrap().as_slice() else { panic!() };
    let of_scope = known(of_scope, &["scope", "logRecords", "schemaUrl"]);
    known(&of_scope["scope"], &["name", "version", "attributes", "droppedAttributesCount"]);
    let (mut records, mut checkpoint) = (Vec::new(), None);
    for record in of_scope["logRecords"].as_array().unwrap() {
        assert!(checkpoint.is_none(), "the checkpoint is the last");
        let names = [
            "timeUnixNano",
            "observedTimeUnixNano",
            "severityNumber",
            "severityText",
            "eventName",
            "body",
            "attributes",
            "droppedAttributesCount",
            "flags",
            "traceId",
            "spanId",
        ];
        let record = known(record, &names);
        for time in ["timeUnixNano", "observedTimeUnixNano"] {
            let nanos: u64 = record[time].as_str().unwrap().parse().unwrap();
            assert!(nanos > 1_600_000_000_000_000_000, "nanoseconds: {nanos}");
        }
        let severity = record["severityNumber"].as_u64().unwrap();
        assert!((1..=24).contains(&severity) && record["severityText"].is_string());
        let attributes = key_values(&record["attributes"]);
        let event = record["eventName"].as_str().unwrap();
        let kind = event.strip_prefix("portcullis.audit.").unwrap();
        assert_eq!(attributes["portcullis.kind"], kind);
        if kind == "checkpoint" {
            checkpoint = Some(plain(&record["body"]).as_str().unwrap().to_owned());
            continue;
        }
        let index = usize::try_from(attributes["portcullis.log.index"].as_i64().unwrap()).unwrap();
        assert_eq!(attributes["log.record.uid"], format!("gateway.prop.example/audit/{index}"));
        let mut members = plain(&record["body"]).as_object().unwrap().clone();
        assert!(["salt", "sum", "answer"].iter().all(|name| !members.contains_key(*name)), "they stay in the log");
        if let Some(trace) = record.get("traceId") {
            assert_eq!(Some(trace), members.get("trace"));
        }
        members.insert("kind".into(), kind.into());
        records.push(Came { index, record: Record(Value::Object(members)) });
    }
    Batch { records, checkpoint: checkpoint.unwrap() }
}

fn batches(lots: &[Lot]) -> Vec<Batch> {
    lots.iter().map(batch).collect()
}

#[test]
fn every_record_comes_once_by_the_names_of_the_specification_with_our_fields_which_can_be_exchanged() {
    let stage = Stage::new();
    let otel = Receiver::otlp(&stage);
    let export = to_otlp("otel", otel.address).replace("otlp: {", "otlp: {headers_file: pki/otel.headers, ");
    exporting(&stage, &[export]);
    let headers = stage.path("pki/otel.headers");
    let give = |token: &str| {
        fs::write(&headers, format!("Authorization: Bearer {token}\nX-Scope-OrgID: doors\n")).unwrap();
        fs::set_permissions(&headers, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    };
    give("first-token");
    let gateway = Served::on(&stage);
    commands(&stage, gateway.address, 10);
    caught_up(&stage, gateway.ops, "otel");
    let first = otel.lots();
    assert!(
        first.iter().all(|lot| lot.head.contains("\r\nauthorization: Bearer first-token\r\nx-scope-orgid: doors\r\n"))
    );
    give("second-token");
    until("the fields are taken up", || gateway.metric("portcullis_reloads_total{result=\"done\"}") == 1);
    commands(&stage, gateway.address, 2);
    caught_up(&stage, gateway.ops, "otel");
    let rest = otel.lots().split_off(first.len());
    assert!(rest.last().unwrap().head.contains("\r\nauthorization: Bearer second-token\r\n"));
    let batches = batches(&otel.lots());
    is_the_whole_log(&stage, &batches);
    assert_eq!(repeated(&batches), 0);
    let page = [gateway.metrics(), ops_page(gateway.ops, "/-/status").1].concat();
    assert!(!page.contains("first-token") && !page.contains("second-token"), "nothing shows a secret");
}

#[test]
fn whatever_a_collector_answers_but_success_the_same_comes_again_and_nothing_is_left_out() {
    let stage = Stage::new();
    let otel = Receiver::otlp(&stage);
    exporting(&stage, &[to_otlp("otel", otel.address)]);
    let clock = moving();
    let deeds = [
        answer("503 Service Unavailable", "Retry-After: 7\r\n", ""),
        answer("429 Too Many Requests", "", "{}"),
        answer("200 OK", "", "<html>sign in</html>"),
        answer("200 OK", "", ""),
        answer("200 OK", "", r#"{"partialSuccess":{"rejectedLogRecords":"many"}}"#),
        answer("400 Bad Request", "", r#"{"code":3,"message":"no"}"#),
        answer("401 Unauthorized", "", ""),
        answer("302 Found", "Location: https://elsewhere.example/\r\n", ""),
        answer("500 Internal Server Error", "", ""),
        Deed::Answer("nothing of HTTP\r\n\r\n".into()),
        Deed::Answer("HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n".into()),
        Deed::Reset(0),
    ];
    otel.next(&deeds);
    let gateway = Served::by(&stage, Arc::clone(&clock) as Arc<dyn Clock>);
    commands(&stage, gateway.address, 3);
    goes_on(&clock, &gateway, "everything comes", || otel.has_done_all() && is_caught_up(&stage, gateway.ops, "otel"));
    let lots = otel.lots();
    let tried = batches(&lots[..deeds.len()]);
    assert!(tried.iter().all(|batch| batch.records[0].index == 0), "the place stays where it is");
    let taken = batches(&otel.taken());
    is_the_whole_log(&stage, &taken);
    assert_eq!(repeated(&taken), 0);
    let failures = gateway.metric("portcullis_export_failures_total{destination=\"otel\"}");
    assert!(failures >= deeds.len() as u64, "{failures}");
    assert_eq!(gateway.metric("portcullis_export_rejected_total{destination=\"otel\"}"), 0);
}

#[test]
fn a_pause_ends_once_the_time_is_over_that_the_collector_asks_for() {
    let stage = Stage::new();
    let otel = Receiver::otlp(&stage);
    exporting(&stage, &[to_otlp("otel", otel.address)]);
    let clock = moving();
    otel.next(&[answer("503 Service Unavailable", "Retry-After: 100\r\n", "")]);
    let gateway = Served::by(&stage, Arc::clone(&clock) as Arc<dyn Clock>);
    commands(&stage, gateway.address, 1);
    until("it is told to wait", || stand(gateway.ops, "otel")["last_failure"]["fault"] == "busy");
    assert_eq!(otel.lots().len(), 1);
    clock.advance(Duration::from_secs(126));
    until("it comes again", || otel.lots().len() > 1);
}

#[test]
fn what_a_collector_rejects_for_good_is_counted_and_not_sent_again_and_what_is_too_large_comes_in_parts() {
    let stage = Stage::new();
    let otel = Receiver::otlp(&stage);
    exporting(&stage, &[to_otlp("otel", otel.address)]);
    let clock = moving();
    let too_large = answer("413 Content Too Large", "", "");
    let partly = answer("200 OK", "", r#"{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"too old"}}"#);
    // Nobody is there first, so that a batch of many records gathers.
    otel.next(&[answer("503 Service Unavailable", "Retry-After: 600\r\n", "")]);
    let gateway = Served::by(&stage, Arc::clone(&clock) as Arc<dyn Clock>);
    commands(&stage, gateway.address, 10);
    // Only what a checkpoint covers goes out, and the pause begins with what was answered.
    until("it waits", || {
        let stand = stand(gateway.ops, "otel");
        stand["last_failure"]["fault"] == "busy" && stand["behind"].as_u64() == Some(leaves(&stage).len() as u64)
    });
    otel.next(&[too_large.clone(), too_large, partly]);
    clock.advance(Duration::from_secs(800));
    goes_on(&clock, &gateway, "everything comes", || is_caught_up(&stage, gateway.ops, "otel"));
    let sizes: Vec<usize> = batches(&otel.lots()).iter().skip(1).take(3).map(|batch| batch.records.len()).collect();
    assert_eq!(sizes, [sizes[0], sizes[0] / 2, (sizes[0] / 4).max(1)]);
    assert_eq!(gateway.metric("portcullis_export_rejected_total{destination=\"otel\"}"), 1);
    let taken: Vec<Lot> = otel.lots().into_iter().skip(3).collect();
    let taken = batches(&taken);
    is_the_whole_log(&stage, &taken);
    assert_eq!(repeated(&taken), 0, "what was taken in part is not sent again");
}

#[test]
fn while_a_collector_hangs_the_gateway_serves_on_and_afterwards_everything_comes_in_order() {
    let stage = Stage::new();
    let otel = Receiver::otlp(&stage);
    exporting(&stage, &[to_otlp("otel", otel.address)]);
    let clock = moving();
    otel.next(&[Deed::Hang]);
    let gateway = Served::by(&stage, Arc::clone(&clock) as Arc<dyn Clock>);
    commands(&stage, gateway.address, 2);
    until("it hangs", || otel.has_done_all());
    commands(&stage, gateway.address, 10);
    clock.advance(Duration::from_secs(1_000));
    until("the lag rises", || gateway.metric("portcullis_export_lag_seconds{destination=\"otel\"}") >= 1_000);
    otel.release();
    goes_on(&clock, &gateway, "everything comes", || is_caught_up(&stage, gateway.ops, "otel"));
    is_the_whole_log(&stage, &batches(&otel.taken()));
}
