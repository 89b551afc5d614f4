//! Requests against a contract: what passes comes out rebuilt, what does not is refused for the right reason.

use super::BODY;
use super::DOORS;
use super::compile;
use super::doors;
use super::fields;
use super::kept;
use super::opening;
use super::rebuilt;
use crate::contract::ContractFault;
use crate::contract::declare;
use crate::json;
use crate::model::Head;
use crate::model::IdentifierKind;
use crate::model::Part;
use crate::model::Protection;
use crate::model::Treated;
use crate::problem::WrongPlace;
use http::Method;
use std::sync::Arc;

fn wrong(part: &'static str, pointer: &str, expected: &'static str) -> WrongPlace {
    WrongPlace { part, pointer: pointer.to_owned(), expected }
}

fn declared(head: &Head) -> Result<(), ContractFault> {
    declare(&doors(), head).map(|_| ())
}

fn with_path(path: &str) -> Head {
    Head { path: path.into(), ..opening() }
}

fn with_query(query: &str) -> Head {
    Head { query: Some(query.into()), ..opening() }
}

fn with_field(name: &str, value: &str) -> Head {
    let mut head = opening();
    head.fields.extend(fields(&[(name, value)]));
    head
}

#[test]
fn a_request_is_rebuilt_in_declared_order_with_nothing_of_its_own() {
    let head = Head {
        path: "/v1/houses/h-1/doors/d%C3%A9%202/open".into(),
        query: Some("count=3&reason=guest&note=a%26b".into()),
        ..with_field("x-locale", "ru")
    };
    let body = "{ \"visits\" : [ {\"at\":1e2}, {\"a/b~c\":\"x\",\"at\":-0} ],\n\"silent\":true,\"level\":0.50,\"user\\u0049d\":\"u-1\",
        \"comment\":\"\\u00e9\\n\", \"requestId\":\"12345678\"}";
    let rebuilt = rebuilt(&head, body).unwrap();
    let outgoing = kept(&rebuilt);
    assert_eq!(&*outgoing.target, "/v1/houses/h-1/doors/d%C3%A9%202/open?reason=guest&count=3&note=a%26b");
    assert_eq!(outgoing.method, Method::POST);
    assert_eq!(outgoing.content_type.unwrap(), "application/json");
    assert_eq!(outgoing.accept, "application/json");
    assert_eq!(
        outgoing.fields.iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect::<Vec<_>>(),
        [("x-locale", "ru")]
    );
    assert_eq!(
        std::str::from_utf8(&outgoing.body).unwrap(),
        r#"{"requestId":"12345678","userId":"u-1","comment":"é\n","level":0.5,"silent":true,"visits":[{"at":100},{"at":0,"a/b~c":"x"}]}"#
    );
    assert_eq!(rebuilt.resource().parts.iter().map(|part| &**part).collect::<Vec<_>>(), ["h-1", "dé 2"]);
    assert_eq!(rebuilt.value("houseId").unwrap().as_str(), Some("h-1"));
    assert_eq!(rebuilt.value("count").unwrap().as_integer(), Some(3));
    assert_eq!(rebuilt.value("X-Locale").unwrap().as_str(), Some("ru"));
    assert_eq!(rebuilt.value("silent").unwrap().as_boolean(), Some(true));
    assert_eq!(rebuilt.value("deviceId"), None);
    assert_eq!(rebuilt.idempotency_key().unwrap().expose(), "k-1");
    assert_eq!(rebuilt.operation().id.as_str(), "openDoor");
}

#[test]
fn each_leaf_is_shown_once_with_its_rule_and_crosses_as_it_is_treated() {
    let rebuilt =
        rebuilt(&opening(), r#"{"requestId":"12345678","userId":"u-1","comment":"c","silent":false}"#).unwrap();
    let mut seen = Vec::new();
    let outgoing = rebuilt
        .render::<()>(&mut |leaf| {
            seen.push((leaf.part, leaf.kind, leaf.protection, leaf.text.map(str::to_owned)));
            Ok(match leaf.protection {
                Protection::Pseudonymize => Treated::Text("p1.\"x".to_owned()),
                Protection::Drop => Treated::Drop,
                _ if leaf.kind == Some(IdentifierKind::House) => Treated::Text("a b/".to_owned()),
                _ => Treated::Keep,
            })
        })
        .unwrap();
    assert_eq!(&*outgoing.target, "/v1/houses/a%20b%2F/doors/d-2/open");
    assert_eq!(&outgoing.body[..], br#"{"requestId":"12345678","userId":"p1.\"x","silent":false}"#);
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        seen,
        [
            (Part::Path, Some(IdentifierKind::House), Protection::Keep, text("h-1")),
            (Part::Path, Some(IdentifierKind::Door), Protection::Keep, text("d-2")),
            (Part::Body, Some(IdentifierKind::Request), Protection::Keep, text("12345678")),
            (Part::Body, Some(IdentifierKind::User), Protection::Pseudonymize, text("u-1")),
            (Part::Body, None, Protection::Drop, text("c")),
            (Part::Body, None, Protection::Keep, None),
        ]
    );
    assert_eq!(rebuilt.render(&mut |_| Err("no")).err(), Some("no"));
}

#[test]
fn the_digest_is_that_of_what_is_asked_for_not_of_its_spelling() {
    let one = rebuilt(&with_query("reason=guest&count=1"), BODY).unwrap().digest();
    let same =
        rebuilt(&with_query("count=1&reason=gues%74"), r#" {"requestId":"12345678", "userId":"u\u002d1"} "#).unwrap();
    assert_eq!(one, same.digest());
    for (head, body) in [
        (with_query("reason=guest"), BODY),
        (with_path("/v1/houses/h-1/doors/d-3/open"), BODY),
        (with_field("x-locale", "ru"), BODY),
        (with_query("reason=guest&count=1"), r#"{"userId":"u-1","requestId":"12345679"}"#),
    ] {
        assert_ne!(one, rebuilt(&head, body).unwrap().digest());
    }
}

#[test]
fn hostile_paths_are_refused_whatever_the_pattern() {
    for door in [
        ".",
        "..",
        "%2e",
        "%2E%2e",
        ".%2e",
        "%2e.",
        "",
        "%",
        "%2",
        "%zz",
        "%2g",
        "%00",
        "%0a",
        "%0d%0a",
        "%1f",
        "%7f",
        "%c2%80",
        "%2f",
        "a%2Fb",
        "%2F..%2F",
        "%5c",
        "a%5Cb",
        "%3b",
        "a;b",
        ";jsessionid=1",
        "%25",
        "%252f",
        "%252e%252e",
        "%2525",
        "%c0%ae",
        "%ff",
        "%c3",
        "%ed%a0%80",
        "a b",
        "a\"b",
        "<a>",
        "a|b",
        "{doorId}",
        "a\\b",
        "a^b",
        "a`b",
        "dé",
        "a#b",
        "a?b",
        "[1]",
        "%f4%90%80%80",
    ] {
        let refusal = declared(&with_path(&format!("/v1/houses/h-1/doors/{door}/open"))).unwrap_err();
        match door {
            "" => assert_eq!(refusal, ContractFault::NotFound, "{door:?}"),
            _ => assert_eq!(refusal, ContractFault::Path(wrong("path", "doorId", "well-formed")), "{door:?}"),
        }
    }
    let too_long = format!("/v1/houses/h-1/doors/{}/open", "d".repeat(41));
    assert_eq!(declared(&with_path(&too_long)), Err(ContractFault::Path(wrong("path", "doorId", "length"))));
    assert_eq!(
        declared(&with_path("/v1/houses/H/doors/d/open")),
        Err(ContractFault::Path(wrong("path", "houseId", "pattern")))
    );
}

#[test]
fn a_pattern_that_takes_everything_lets_no_hostile_path_through() {
    let door = "schema: {type: string, maxLength: 40, x-portcullis: {class: identifier, of: door, protect: keep}}";
    for check in ["pattern: \"^.*$\"", "pattern: \"^[^a]{0,9}$\"", "enum: [\".\", \"..\", \"\", \"a/b\", \"%\", \";\"]"]
    {
        let text = DOORS.replace(door, &door.replace("maxLength: 40", check));
        let contract = Arc::new(compile(&text).unwrap());
        for value in
            [".", "..", "%2e", "%2E.", "%2f", "b%2Fb", "%5c", "%3b", ";", "%25", "%252e", "%00", "%09", "%7f", "%c2%85"]
        {
            let head = with_path(&format!("/v1/houses/h-1/doors/{value}/open"));
            let refusal = declare(&contract, &head).map(|_| ()).unwrap_err();
            assert_eq!(refusal, ContractFault::Path(wrong("path", "doorId", "well-formed")), "{check} {value}");
        }
        let empty = declare(&contract, &with_path("/v1/houses/h-1/doors//open")).map(|_| ()).unwrap_err();
        assert_eq!(empty, ContractFault::NotFound, "{check}");
    }
}

#[test]
fn a_path_has_one_spelling_only() {
    for path in [
        "/v1/houses/h-1/doors/d-2/open/",
        "//v1/houses/h-1/doors/d-2/open",
        "/v1//houses/h-1/doors/d-2/open",
        "/v1/houses/h-1/doors/d-2/%6fpen",
        "/V1/houses/h-1/doors/d-2/open",
        "/v1/houses/h-1/doors/d-2/open;x",
        "/",
        "",
        "*",
        "v1/houses/h-1/doors/d-2/open",
        "/v1/x/../houses/h-1/doors/d-2/open",
        "/v1/houses/h-1/doors/d-2",
        "/-/receipts/1",
        "http://other/v1/houses/h-1/doors/d-2/open",
        "/v1/houses/h-1/doors/d-2/open%00",
        "/v1/houses/h-1%2Fdoors/d-2/open",
        "/v1/houses/h-1/doors/d-2/x/open",
        "/v1/./houses/h-1/doors/d-2/open",
        "/v1/houses/h-1/doors/d-2/open#a",
    ] {
        assert_eq!(declared(&with_path(path)), Err(ContractFault::NotFound), "{path}");
    }
    let get = Head { method: Method::GET, ..opening() };
    assert_eq!(declared(&get), Err(ContractFault::MethodNotDeclared));
    let lower = Head { method: Method::from_bytes(b"post").unwrap(), ..opening() };
    assert_eq!(declared(&lower), Err(ContractFault::MethodNotDeclared));
}

#[test]
fn a_query_holds_declared_parameters_once_each_and_well_formed() {
    for (query, pointer, expected) in [
        ("", "", "well-formed"),
        ("&", "", "well-formed"),
        ("reason", "", "well-formed"),
        ("reason=guest&", "", "well-formed"),
        ("reason=guest&&count=1", "", "well-formed"),
        ("other=1", "", "declared"),
        ("=1", "", "declared"),
        ("Reason=guest", "", "declared"),
        ("%72eason=guest", "", "declared"),
        ("reason[]=guest", "", "declared"),
        ("houseId=h-1", "", "declared"),
        ("userId=u-1", "", "declared"),
        ("reason=guest&reason=guest", "reason", "once"),
        ("reason=guest;count=1", "reason", "well-formed"),
        ("reason=guest=", "reason", "well-formed"),
        ("note=a+b", "note", "well-formed"),
        ("note=a b", "note", "well-formed"),
        ("note=%00", "note", "well-formed"),
        ("note=%0d%0aX:1", "note", "well-formed"),
        ("note=%ff", "note", "well-formed"),
        ("note=%u0041", "note", "well-formed"),
        ("note=é", "note", "well-formed"),
        ("reason=other", "reason", "enum"),
        ("reason=", "reason", "enum"),
        ("note=123456789012345678901", "note", "length"),
        ("count=0", "count", "bounds"),
        ("count=10", "count", "bounds"),
        ("count=1.5", "count", "integer"),
        ("count=01", "count", "integer"),
        ("count=%201", "count", "integer"),
        ("count=0x1", "count", "integer"),
        ("count=", "count", "integer"),
        ("count=1e400", "count", "integer"),
        ("count=true", "count", "integer"),
    ] {
        let fault = declared(&with_query(query)).unwrap_err();
        assert_eq!(fault, ContractFault::Query(wrong("query", pointer, expected)), "{query:?}");
    }
    for query in ["note=", "note=%2B", "note=a/b?c:@!$'()*,", "count=9", "note=12345678901234567890"] {
        declared(&with_query(query)).unwrap_or_else(|fault| panic!("{query}: {fault}"));
    }
}

#[test]
fn fields_that_would_mean_another_request_are_refused_and_others_dropped() {
    for name in [
        "Upgrade",
        "Trailer",
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Whatever",
        "Forwarded",
        "Range",
        "If-Range",
        "Content-Range",
        "Cookie",
        "X-Original-URL",
        "X-Rewrite-URL",
        "HTTP2-Settings",
    ] {
        let refusal = declared(&with_field(&name.to_lowercase(), "x"));
        assert_eq!(refusal, Err(ContractFault::RefusedField), "{name}");
    }
    assert_eq!(declared(&with_field("content-encoding", "gzip")), Err(ContractFault::MediaTypeNotDeclared));
    assert_eq!(declared(&with_field("content-encoding", "identity")), Ok(()));
    assert_eq!(declared(&with_field("te", "gzip")), Err(ContractFault::RefusedField));
    assert_eq!(declared(&with_field("te", "trailers, deflate")), Err(ContractFault::RefusedField));
    assert_eq!(declared(&with_field("te", "trailers")), Ok(()));
    for name in ["x-canary", "traceparent", "via", "x-real-ip", "accept-language", "authorization", "user-agent"] {
        let outgoing = kept(&rebuilt(&with_field(name, "canary"), BODY).unwrap());
        assert!(outgoing.fields.is_empty(), "{name}");
    }
}

#[test]
fn declared_fields_are_checked_and_come_once() {
    for (head, expected) in [
        (with_field("x-locale", "RU"), "pattern"),
        (with_field("x-locale", "rus"), "pattern"),
        (with_field("x-locale", ""), "pattern"),
        (with_field("x-locale", "r\tu"), "well-formed"),
    ] {
        assert_eq!(declared(&head), Err(ContractFault::Header(wrong("header", "X-Locale", expected))));
    }
    let mut twice = with_field("x-locale", "ru");
    twice.fields.append("x-locale", "ru".parse().unwrap());
    assert_eq!(declared(&twice), Err(ContractFault::Header(wrong("header", "X-Locale", "once"))));
}

#[test]
fn an_idempotency_key_is_demanded_and_has_one_meaning_in_both_spellings() {
    let with_key = |key: &str| {
        let mut head = opening();
        head.fields.insert("idempotency-key", key.parse().unwrap());
        head
    };
    let longest = "k".repeat(128);
    for (spelled, key) in [("k-1", "k-1"), ("\"k-1\"", "k-1"), (&*longest, &*longest)] {
        let rebuilt = rebuilt(&with_key(spelled), BODY).unwrap();
        assert_eq!(rebuilt.idempotency_key().unwrap().expose(), key);
    }
    let too_long = "k".repeat(129);
    for key in ["", "\"\"", "\"k", "k\"", "a b", "a,b", "\"a\";p=1", "é", &*too_long] {
        assert_eq!(declared(&with_key(key)), Err(ContractFault::IdempotencyKey), "{key}");
    }
    let mut none = opening();
    none.fields.remove("idempotency-key");
    assert_eq!(declared(&none), Err(ContractFault::IdempotencyKey));
    let mut two = opening();
    two.fields.append("idempotency-key", "k-1".parse().unwrap());
    assert_eq!(declared(&two), Err(ContractFault::IdempotencyKey));
}

#[test]
fn media_type_and_length_are_checked_before_the_body_is_read() {
    let with_type = |value: &str| {
        let mut head = opening();
        head.fields.insert("content-type", value.parse().unwrap());
        declared(&head)
    };
    for good in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
    ] {
        assert_eq!(with_type(good), Ok(()), "{good}");
    }
    for bad in [
        "",
        "text/plain",
        "application/jsonp",
        "application/problem+json",
        "application/json; charset=utf-16",
        "application/json;",
        "application/json; charset=utf-8; x=y",
        "application/json, text/plain",
        "multipart/form-data",
    ] {
        assert_eq!(with_type(bad), Err(ContractFault::MediaTypeNotDeclared), "{bad}");
    }
    let mut none = opening();
    none.fields.remove("content-type");
    assert_eq!(declared(&none), Err(ContractFault::MediaTypeNotDeclared));
    let length = |length| declared(&Head { content_length: Some(length), ..opening() });
    assert_eq!(length(65_536), Ok(()));
    assert_eq!(length(65_537), Err(ContractFault::BodyTooLarge));
    assert_eq!(length(0), Err(ContractFault::BodyMissing));
    assert_eq!(declared(&Head { no_body: true, ..opening() }), Err(ContractFault::BodyMissing));
    let list = Head { method: Method::GET, path: "/v1/houses/h-1/doors".into(), ..opening() };
    assert_eq!(declared(&list), Err(ContractFault::BodyNotDeclared));
    assert_eq!(declared(&Head { no_body: true, ..list }), Ok(()));
}

#[test]
fn a_body_that_does_not_fit_is_refused_with_its_place_in_declared_names() {
    for (body, pointer, expected) in [
        (r#"{"requestId":"12345678"}"#, "/userId", "present"),
        (r#"{"userId":"u-1","requestId":"12345678","x":1}"#, "", "declared"),
        (r#"{"userId":"u-1","requestId":"12345678","UserId":"u-1"}"#, "", "declared"),
        (r#"{"userId":1,"requestId":"12345678"}"#, "/userId", "text"),
        (r#"{"userId":null,"requestId":"12345678"}"#, "/userId", "text"),
        (r#"{"userId":{"a":1},"requestId":"12345678"}"#, "/userId", "text"),
        (r#"{"requestId":"1234567"}"#, "/requestId", "length"),
        (r#"{"requestId":"1234567é"}"#, "/requestId", "pattern"),
        (r#"{"requestId":"12345678\n"}"#, "/requestId", "pattern"),
        (r#"{"comment":"éééééééééée"}"#, "/comment", "length"),
        (r#"{"comment":"01234567890123456789012345678901234567890"}"#, "/comment", "length"),
        (r#"{"level":0}"#, "/level", "bounds"),
        (r#"{"level":1.6}"#, "/level", "bounds"),
        (r#"{"level":"1"}"#, "/level", "number"),
        (r#"{"silent":"true"}"#, "/silent", "boolean"),
        (r#"{"visits":{}}"#, "/visits", "array"),
        (r#"{"visits":[]}"#, "/visits", "items"),
        (r#"{"visits":[{"at":1},{"at":2},{"at":3}]}"#, "/visits", "items"),
        (r#"{"visits":[{"at":1},[]]}"#, "/visits/1", "object"),
        (r#"{"visits":[{"at":1.5}]}"#, "/visits/0/at", "integer"),
        (r#"{"visits":[{"at":1},{}]}"#, "/visits/1/at", "present"),
        (r#"{"visits":[{"a/b~c":"y"}]}"#, "/visits/0/a~1b~0c", "enum"),
        (r#"{"visits":[{"at":1,"secret":2}]}"#, "/visits/0", "declared"),
        ("[]", "", "object"),
        ("\"x\"", "", "object"),
    ] {
        let fault = rebuilt(&opening(), body).unwrap_err();
        assert_eq!(fault, ContractFault::Body(wrong("body", pointer, expected)), "{body}");
        assert_eq!(fault.place().unwrap().pointer, pointer);
    }
}

#[test]
fn a_body_that_is_not_strict_json_is_refused() {
    for (body, fault) in [
        (r#"{"userId":"u-1","userId":"u-1"}"#, json::Fault::DuplicateName),
        (r#"{"userId":"u-1","user\u0049d":"u-1"}"#, json::Fault::DuplicateName),
        (r#"{"userId":"\ud800"}"#, json::Fault::LoneSurrogate),
        (r#"{"visits":[{"at":9007199254740992}]}"#, json::Fault::NumberRange),
        (r#"{"level":1e400}"#, json::Fault::NumberRange),
        (r#"{"userId":"u-1","requestId":"12345678"}{}"#, json::Fault::TrailingData),
        (r#"{"userId":"u-1","requestId":"12345678"},"#, json::Fault::TrailingData),
        (r#"{"userId":"u-1""#, json::Fault::EndedEarly),
        ("{'userId':1}", json::Fault::Misplaced),
        ("\u{FEFF}{}", json::Fault::ByteOrderMark),
    ] {
        assert_eq!(rebuilt(&opening(), body).unwrap_err(), ContractFault::BodyMalformed(fault), "{body}");
    }
    assert_eq!(rebuilt(&opening(), "").unwrap_err(), ContractFault::BodyMissing);
    let long = format!("{{\"userId\":\"{}\"}}", "u".repeat(65_536));
    assert_eq!(rebuilt(&opening(), &long).unwrap_err(), ContractFault::BodyTooLarge);
    let list = Head { method: Method::GET, path: "/v1/houses/h-1/doors".into(), no_body: true, ..opening() };
    assert_eq!(rebuilt(&list, "{}").unwrap_err(), ContractFault::BodyNotDeclared);
    let rebuilt = rebuilt(&list, "").unwrap();
    assert_eq!(kept(&rebuilt).content_type, None);
    assert_eq!(rebuilt.idempotency_key(), None);
}

#[test]
fn an_identifier_that_is_not_the_tokens_is_refused_and_the_fault_does_not_say_which() {
    for body in [
        r#"{"requestId":"12345678","userId":"u-2"}"#,
        r#"{"requestId":"12345678","userId":"U-1"}"#,
        r#"{"requestId":"12345678","userId":"u-1 "}"#,
        r#"{"requestId":"12345678","userId":"u-1","deviceId":"phone-2"}"#,
        r#"{"requestId":"12345678","userId":"u-2","deviceId":"phone-1"}"#,
    ] {
        assert_eq!(rebuilt(&opening(), body).unwrap_err(), ContractFault::IdentifierMismatch, "{body}");
    }
    let _ = rebuilt(&opening(), r#"{"requestId":"12345678","userId":"u-1","deviceId":"phone-1"}"#).unwrap();
}

#[test]
fn nothing_of_a_request_is_printed() {
    let head = with_query("note=canary");
    let declared = declare(&doors(), &head).unwrap();
    assert!(!format!("{declared:?}").contains("canary"));
    let rebuilt = rebuilt(&head, r#"{"userId":"u-1","requestId":"canary-canary"}"#).unwrap();
    assert!(!format!("{rebuilt:?} {:?}", kept(&rebuilt)).contains("canary"));
    for body in
        [r#"{"canary":1}"#, r#"{"userId":"canary","requestId":"12345678"}"#, r#"{"requestId":"can ary"}"#, "canary"]
    {
        let fault = super::rebuilt(&opening(), body).unwrap_err();
        assert!(!format!("{fault:?} {fault}").contains("canary"));
    }
}
