//! What is written for OCSF keeps to the schema: held against facts that were taken from its repository, and nothing else of it.
//!
//! Source: github.com/ocsf/ocsf-schema, tag 1.6.0: `events/**`, `objects/*`, `profiles/security_control.json`, `profiles/trace.json`
//! and `dictionary.json`, with what they extend and include resolved. Of each class and object stand here all attributes that
//! it demands, and those optional ones that we write: so one that is not in the schema, or has another type there, fails.
//! `name! type(values)`: required, with the values that its enumeration allows; `[]`: a list. An attribute `…_dt` is the
//! `datetime` profile's twin of a timestamp. Demanded only by profiles that we do not name, and left out: `cloud`, `osint`.

use crate::audit::formats::Covered;
use crate::audit::formats::Format;
use crate::audit::formats::ocsf::SCHEMA_VERSION;
use crate::audit::formats::tests::samples;
use crate::clock::UnixMillis;
use serde_json::Map;
use serde_json::Value;
use std::collections::BTreeSet;

const BASE: &str = "\
    metadata! metadata; time! timestamp; time_dt datetime; category_uid! integer; category_name string; \
    class_uid! integer; class_name string; type_uid! long; type_name string; activity_name string; \
    severity_id! integer(0 1 2 3 4 5 6 99); severity string; status string; status_code string; \
    status_detail string; message string; duration long; count integer; start_time timestamp; \
    start_time_dt datetime; end_time timestamp; end_time_dt datetime; action_id integer(0 1 2 3 4 99); \
    action string; \
    disposition_id integer(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 99); \
    disposition string; policy policy; authorizations authorization[]; unmapped object;";
const CLASSES: &[(u64, &str, &str)] = &[
    (
        1008,
        "at_least_one: log_file log_name log_provider log_type log_type_id",
        "\
        activity_id! integer(0 1 2 3 4 5 6 7 8 9 10 99); status_id integer(0 1 2 99); log_name string; \
        log_provider string; log_type_id integer(0 1 2 99); log_type string;",
    ),
    (
        2004,
        "",
        "\
        activity_id! integer(0 1 2 3 99); status_id integer(0 1 2 3 4 5 6 99); finding_info! finding_info; \
        is_alert boolean; evidences evidences[]; resources resource_details[];",
    ),
    (
        3002,
        "at_least_one: service dst_endpoint",
        "\
        activity_id! integer(0 1 2 3 4 5 6 7 99); status_id integer(0 1 2 99); src_endpoint network_endpoint; \
        user! user; service service; is_remote boolean; logon_type_id integer(0 1 2 3 4 5 7 8 9 10 11 12 13 99); \
        logon_type string;",
    ),
    (
        3003,
        "just_one: privileges group",
        "\
        activity_id! integer(0 1 2 99); status_id integer(0 1 2 99); src_endpoint network_endpoint; user! user; \
        privileges string[];",
    ),
    (
        3004,
        "",
        "\
        activity_id! integer(0 1 2 3 4 5 6 7 8 9 10 11 12 13 99); status_id integer(0 1 2 99); \
        src_endpoint network_endpoint; actor actor; entity! managed_entity;",
    ),
    (
        6002,
        "",
        "\
        activity_id! integer(0 1 2 3 4 5 6 7 8 99); status_id integer(0 1 2 99); app! product;",
    ),
    (
        6003,
        "",
        "\
        activity_id! integer(0 1 2 3 4 99); status_id integer(0 1 2 99); src_endpoint! network_endpoint; \
        actor! actor; api! api; dst_endpoint network_endpoint; resources resource_details[]; trace trace;",
    ),
];
const OBJECTS: &[(&str, &str, &str)] = &[
    (
        "metadata",
        "",
        "\
        version! string; product! product; profiles string[]; event_code string; log_name string; \
        log_provider string; original_time string; uid string; sequence integer; correlation_uid string; \
        tenant_uid string;",
    ),
    (
        "product",
        "at_least_one: name uid",
        "\
        name string; vendor_name string; version string;",
    ),
    (
        "policy",
        "at_least_one: name type uid",
        "\
        uid string; name string; type string; is_applied boolean;",
    ),
    (
        "authorization",
        "",
        "\
        decision string; policy policy;",
    ),
    (
        "network_endpoint",
        "at_least_one: ip uid name hostname svc_name instance_uid interface_uid interface_name domain",
        "\
        name string; uid string;",
    ),
    (
        "actor",
        "at_least_one: process user invoked_by session app_name app_uid",
        "\
        user user; app_name string;",
    ),
    (
        "api",
        "",
        "\
        operation! string; service service; request request; response response;",
    ),
    (
        "service",
        "at_least_one: name uid",
        "\
        name string; version string;",
    ),
    (
        "request",
        "",
        "\
        uid! string;",
    ),
    (
        "response",
        "",
        "\
        code integer;",
    ),
    (
        "user",
        "at_least_one: account name uid",
        "\
        name username; uid string; type_id integer(0 1 2 3 4 99); type string; groups group[];",
    ),
    (
        "group",
        "at_least_one: name uid",
        "\
        name string; type string;",
    ),
    (
        "resource_details",
        "at_least_one: name uid",
        "\
        type string; uid resource_uid; role_id integer(0 1 2 3 4 99); role string; data json;",
    ),
    (
        "trace",
        "",
        "\
        uid! string;",
    ),
    (
        "managed_entity",
        "at_least_one: name uid device group org policy user",
        "\
        type_id integer(0 1 2 3 4 5 6 7 99); type string; uid string; name string; data json;",
    ),
    (
        "finding_info",
        "",
        "\
        uid! string; title string; created_time timestamp; created_time_dt datetime; types string[];",
    ),
    (
        "evidences",
        "at_least_one: actor api connection_info data database databucket device dst_endpoint email file process query resources src_endpoint url user job script",
        "\
        src_endpoint network_endpoint; actor actor; api api;",
    ),
];

/// The names of the numbers that we write, where a number has one; of an activity, those of its class.
const NAMES: &[(&str, &str)] = &[
    ("category_uid", "1 System Activity; 2 Findings; 3 Identity & Access Management; 6 Application Activity"),
    (
        "class_uid",
        "1008 Event Log Activity; 2004 Detection Finding; 3002 Authentication; 3003 Authorize Session; \
        3004 Entity Management; 6002 Application Lifecycle; 6003 API Activity",
    ),
    ("severity_id", "1 Informational; 2 Low; 3 Medium; 4 High; 5 Critical; 6 Fatal"),
    ("disposition_id", "1 Allowed; 2 Blocked; 8 Approved; 24 Access Revoked; 25 Rejected; 26 Unauthorized; 27 Error"),
    ("action_id", "1 Allowed; 2 Denied"),
    ("log_type_id", "1 OS; 2 Application"),
    ("logon_type_id", "1 System; 2 Interactive; 3 Network; 4 Batch; 5 OS Service"),
];
const ACTIVITIES: &[(u64, &str)] = &[
    (
        1008,
        "1 Clear; 2 Delete; 3 Export; 4 Archive; 5 Rotate; 6 Start; 7 Stop; 8 Restart; 9 Enable; 10 Disable; 99 Other",
    ),
    (2004, "1 Create; 2 Update; 3 Close; 99 Other"),
    (
        3002,
        "1 Logon; 2 Logoff; 3 Authentication Ticket; 4 Service Ticket Request; 5 Service Ticket Renew; 6 Preauth; \
        7 Account Switch; 99 Other",
    ),
    (3003, "1 Assign Privileges; 2 Assign Groups; 99 Other"),
    (
        3004,
        "1 Create; 2 Read; 3 Update; 4 Delete; 5 Move; 6 Enroll; 7 Unenroll; 8 Enable; 9 Disable; 10 Activate; \
        11 Deactivate; 12 Suspend; 13 Resume; 99 Other",
    ),
    (6002, "1 Install; 2 Remove; 3 Start; 4 Stop; 5 Restart; 6 Enable; 7 Disable; 8 Update; 99 Other"),
    (6003, "1 Create; 2 Read; 3 Update; 4 Delete; 99 Other"),
];

/// The numbers of an event that stand beside another name than theirs.
fn misnamed(event: &Value) -> Vec<String> {
    let class = event["class_uid"].as_u64().unwrap();
    let activities = ACTIVITIES.iter().find(|(uid, _)| *uid == class).unwrap().1;
    let mut found = Vec::new();
    for (attribute, names) in NAMES.iter().copied().chain([("activity_id", activities)]) {
        let beside = attribute.replace("_uid", "_name").replace("_id", "");
        let beside = if attribute == "activity_id" { "activity_name" } else { &beside };
        let Some(number) = event.get(attribute) else { continue };
        let told = format!("{number} {}", event[beside].as_str().unwrap_or_default());
        if !names.split("; ").any(|name| name == told) {
            found.push(format!("{attribute}: {told}"));
        }
    }
    found
}

/// All that is wrong with an event.
fn faults(event: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let class = CLASSES.iter().find(|(uid, ..)| event["class_uid"] == *uid);
    let Some((uid, constraint, own)) = class else { return vec!["no class".to_owned()] };
    check(event, constraint, &format!("{BASE}{own}"), &uid.to_string(), &mut found);
    if event["category_uid"] != uid / 1000
        || event["type_uid"] != uid * 100 + event["activity_id"].as_u64().unwrap_or(99)
    {
        found.push("category or type".to_owned());
    }
    let profiles: Vec<&str> =
        event["metadata"]["profiles"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    if profiles.contains(&"trace") != event.get("trace").is_some()
        || !profiles.starts_with(&["security_control", "datetime"])
    {
        found.push("profiles".to_owned());
    }
    for (name, value) in event.as_object().unwrap() {
        let twin = event.get(format!("{name}_dt")).and_then(Value::as_str).and_then(UnixMillis::parse);
        if matches!(name.as_str(), "time" | "start_time" | "end_time") && twin.map(UnixMillis::get) != value.as_u64() {
            found.push(format!("{name}_dt"));
        }
    }
    found
}

fn check(object: &Value, constraint: &str, attributes: &str, path: &str, found: &mut Vec<String>) {
    let Some(members) = object.as_object() else { return found.push(format!("{path}: no object")) };
    let mut known = BTreeSet::new();
    for attribute in attributes.split(';').map(str::trim).filter(|text| !text.is_empty()) {
        let (name, kind) = attribute.split_once(' ').unwrap();
        let plain = name.trim_end_matches('!');
        known.insert(plain);
        match members.get(plain) {
            Some(value) => typed(value, kind, &format!("{path}.{plain}"), found),
            None if name.ends_with('!') => found.push(format!("{path}.{plain} is missing")),
            None => {}
        }
    }
    found.extend(
        members.keys().filter(|name| !known.contains(name.as_str())).map(|name| format!("{path}.{name} is unknown")),
    );
    if let Some((rule, names)) = constraint.split_once(": ") {
        let count = names.split(' ').filter(|name| members.contains_key(*name)).count();
        if count == 0 || rule == "just_one" && count > 1 {
            found.push(format!("{path}: {constraint}"));
        }
    }
}

fn typed(value: &Value, kind: &str, path: &str, found: &mut Vec<String>) {
    if let Some(of) = kind.strip_suffix("[]") {
        match value.as_array() {
            Some(list) if !list.is_empty() => list.iter().for_each(|element| typed(element, of, path, found)),
            _ => found.push(format!("{path} is no list, or an empty one")),
        }
        return;
    }
    let (kind, values) = kind.split_once('(').map_or((kind, None), |(kind, rest)| (kind, rest.strip_suffix(')')));
    let holds = match kind {
        "string" | "username" | "resource_uid" => value.as_str().is_some_and(|text| !text.is_empty()),
        "datetime" => value.as_str().is_some_and(|text| UnixMillis::parse(text).is_some()),
        "integer" | "long" | "timestamp" => value.as_i64().is_some(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "json" => true,
        object => {
            let (_, constraint, attributes) =
                OBJECTS.iter().find(|(name, ..)| *name == object).expect("an object of the table");
            return check(value, constraint, attributes, path, found);
        }
    };
    let listed = values.is_none_or(|values| values.split(' ').any(|known| value.as_i64() == known.parse().ok()));
    if !holds || !listed {
        found.push(format!("{path} is not {kind}: {value}"));
    }
}

fn event(line: &[u8]) -> Value {
    serde_json::from_slice(line).expect("strict JSON")
}

#[test]
fn every_kind_state_and_reason_keeps_to_the_pinned_schema() {
    let samples = samples::all("a text");
    let mut classes = BTreeSet::new();
    for sample in &samples {
        let mut line = Vec::new();
        Format::Ocsf.write(&sample.entry(), &mut line);
        let event = event(&line);
        assert_eq!(faults(&event), [""; 0], "{}\n{}", sample.line, String::from_utf8_lossy(&line));
        assert_eq!(misnamed(&event), [""; 0], "{}", sample.line);
        assert_eq!(
            (&event["metadata"]["version"], &event["metadata"]["sequence"]),
            (&SCHEMA_VERSION.into(), &41.into())
        );
        classes.insert(event["class_uid"].as_u64().unwrap());
    }
    assert_eq!(classes, CLASSES.iter().map(|(uid, ..)| *uid).collect(), "every class is met");
    let note = "o\n7\nr\n\n\u{2014} o c2ln\n";
    let mut line = Vec::new();
    Format::Ocsf.write_checkpoint(&Covered::of_note(note, UnixMillis::new(samples::MILLIS)).unwrap(), &mut line);
    let event = event(&line);
    assert_eq!((faults(&event), &event["unmapped"]["checkpoint"]), (Vec::new(), &note.into()));
    assert_eq!(misnamed(&event), [""; 0]);
}

#[test]
fn an_event_that_is_wrong_in_one_place_is_found_wrong() {
    let sample = samples::all("a text").into_iter().find(|sample| sample.record.kind() == "refusal").unwrap();
    let mut line = Vec::new();
    Format::Ocsf.write(&sample.entry(), &mut line);
    let right = event(&line);
    let wrong = |change: fn(&mut Map<String, Value>)| {
        let mut event = right.clone();
        change(event.as_object_mut().unwrap());
        faults(&event)
    };
    assert_eq!(wrong(|event| drop(event.remove("api"))), ["6003.api is missing"]);
    assert_eq!(
        wrong(|event| drop(event.insert("severity_id".into(), 7.into()))),
        ["6003.severity_id is not integer: 7"]
    );
    assert_eq!(wrong(|event| drop(event.insert("reason".into(), 7.into()))), ["6003.reason is unknown"]);
    assert_eq!(wrong(|event| drop(event.insert("type_uid".into(), 600_301.into()))), ["category or type"]);
    assert_eq!(wrong(|event| drop(event.insert("src_endpoint".into(), serde_json::json!({})))).len(), 1);
}

#[test]
fn what_the_log_does_with_itself_is_told_as_the_activity_of_that_name() {
    let told = |kind: &str| {
        let sample = samples::all("a text").into_iter().find(|sample| sample.record.kind() == kind).unwrap();
        let mut line = Vec::new();
        Format::Ocsf.write(&sample.entry(), &mut line);
        let mut event = event(&line);
        let told = (event["class_uid"].as_u64().unwrap(), event["type_uid"].as_u64().unwrap());
        event["activity_id"] = 3.into();
        assert_eq!(misnamed(&event).len(), 1, "another number is another activity");
        told
    };
    let all = ["archive", "segment", "recovery"].map(told);
    assert_eq!(all, [(1008, 100_804), (1008, 100_805), (1008, 100_808)]);
}

#[test]
fn a_refusal_by_policy_tells_which_policies_and_whose_bundle_denied_it() {
    let refused = serde_json::json!({ "reason": "policy-denied", "bundle": "ab", "peer": "backend", "subject": "h-1",
        "receipt": "r-1", "operation": "openDoor", "decision": { "result": "deny", "policies": ["no-guests-at-night"], "inputs": {} } });
    let sample = samples::Sample::of("refusal", &refused);
    let mut line = Vec::new();
    Format::Ocsf.write(&sample.entry(), &mut line);
    let event = event(&line);
    let policy = serde_json::json!({ "uid": "no-guests-at-night", "type": "Cedar", "is_applied": true });
    assert_eq!(event["authorizations"], serde_json::json!([{ "decision": "deny", "policy": policy }]));
    let told = ["class_name", "action", "disposition", "status", "status_code", "severity"]
        .map(|name| event[name].as_str().unwrap());
    assert_eq!(told, ["API Activity", "Denied", "Blocked", "Failure", "policy-denied", "Low"]);
    assert_eq!((&event["policy"]["uid"], &event["api"]["operation"]), (&"ab".into(), &"openDoor".into()));
    assert_eq!((&event["actor"]["user"]["uid"], &event["metadata"]["correlation_uid"]), (&"h-1".into(), &"r-1".into()));
    assert_eq!(event["metadata"]["uid"], "gateway.prop.example/audit/41");
    assert_eq!(event["unmapped"]["decision"], refused["decision"], "what was asked stands with what has no attribute");
    assert!(event["unmapped"].get("salt").is_none() && event["unmapped"].get("reason").is_none());
}
