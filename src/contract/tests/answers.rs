//! Answers against a contract: only what is declared crosses.

use super::BODY;
use super::fields;
use super::opening;
use super::rebuilt;
use crate::contract::AnswerFault;
use crate::contract::Checked;
use crate::contract::check;
use crate::json;
use crate::model::Protection;
use crate::model::Reply;
use crate::model::Treated;
use crate::partner::Answer;
use crate::problem::WrongPlace;
use http::StatusCode;

const JSON: (&str, &str) = ("content-type", "application/json");

fn checked(status: u16, pairs: &[(&str, &str)], body: &str) -> Result<Checked, AnswerFault> {
    let request = rebuilt(&opening(), BODY).unwrap();
    let status = StatusCode::from_u16(status).unwrap();
    check(request.routed(), Answer::for_test(status, fields(pairs), body.to_owned()))
}

fn kept(checked: &Checked) -> Reply {
    let Ok(reply) = checked.render::<std::convert::Infallible>(&mut |_| Ok(Treated::Keep));
    reply
}

#[test]
fn an_answer_is_rebuilt_with_declared_fields_only() {
    let pairs = [
        ("content-type", "application/json; charset=UTF-8"),
        ("set-cookie", "a=b"),
        ("location", "/x"),
        ("server", "x"),
        ("x-door-state", "open"),
        ("x-other", "1"),
        ("content-encoding", "identity"),
    ];
    let checked = checked(200, &pairs, "{\"userId\" : \"p1.abc\", \"status\":\"opened\"}").unwrap();
    assert!(checked.success());
    let reply = checked.as_checked();
    assert_eq!(reply.status, StatusCode::OK);
    let names: Vec<_> = reply.fields.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(names, [("x-door-state", "open"), JSON]);
    assert_eq!(&reply.body[..], br#"{"status":"opened","userId":"p1.abc"}"#);
    let kept = Answer::for_test(reply.status, reply.fields.iter().cloned().collect(), reply.body.clone());
    let again = crate::contract::check(checked.routed(), kept).unwrap().as_checked();
    assert_eq!((again.fields, again.body), (reply.fields, reply.body), "the same check takes it again");
}

#[test]
fn a_pseudonym_is_turned_back_by_whoever_renders_and_a_dropped_leaf_is_left_out() {
    let checked = checked(200, &[JSON], r#"{"status":"opened","userId":"p1.abc","secret":"s"}"#).unwrap();
    let reply = checked
        .render::<()>(&mut |leaf| {
            Ok(match leaf.protection {
                Protection::Pseudonymize => Treated::Text(format!("user of {}", leaf.text.unwrap())),
                Protection::Drop => Treated::Drop,
                Protection::Keep | Protection::RequireEncrypted => Treated::Keep,
            })
        })
        .unwrap();
    assert_eq!(&reply.body[..], br#"{"status":"opened","userId":"user of p1.abc"}"#);
}

#[test]
fn an_answer_without_declared_body_has_none() {
    let reply = kept(&checked(201, &[], "").unwrap());
    assert!(reply.body.is_empty() && reply.fields.is_empty());
    assert_eq!(checked(201, &[JSON], "{}").unwrap_err(), AnswerFault::BodyNotDeclared);
    let refusal = checked(409, &[JSON], "{}").unwrap();
    assert!(!refusal.success());
}

#[test]
fn whatever_is_undeclared_is_a_fault_of_its_kind() {
    let body =
        |pointer: &str, expected| AnswerFault::Body(WrongPlace { part: "body", pointer: pointer.to_owned(), expected });
    let opened = r#"{"status":"opened"}"#;
    for (status, pairs, text, fault) in [
        (206, &[JSON][..], opened, AnswerFault::StatusNotDeclared),
        (204, &[], "", AnswerFault::StatusNotDeclared),
        (302, &[("location", "/x")], "", AnswerFault::StatusNotDeclared),
        (500, &[JSON], opened, AnswerFault::StatusNotDeclared),
        (200, &[], opened, AnswerFault::MediaTypeNotDeclared),
        (200, &[("content-type", "text/html")], "<html>", AnswerFault::MediaTypeNotDeclared),
        (200, &[JSON, JSON], opened, AnswerFault::MediaTypeNotDeclared),
        (200, &[JSON, ("content-encoding", "gzip")], "\u{1f}", AnswerFault::Encoded),
        (200, &[JSON], "", AnswerFault::BodyMissing),
        (200, &[JSON], "{}", body("/status", "present")),
        (200, &[JSON], r#"{"status":"OPENED"}"#, body("/status", "enum")),
        (200, &[JSON], r#"{"status":"opened","profile":{"name":"x"}}"#, body("", "declared")),
        (200, &[JSON], r#"{"status":"opened","userId":"u-1"}"#, body("/userId", "pseudonym")),
        (200, &[JSON], r#"{"status":"opened","userId":7}"#, body("/userId", "text")),
        (200, &[JSON], r#"{"status":"opened"}x"#, AnswerFault::BodyMalformed(json::Fault::TrailingData)),
        (
            200,
            &[JSON],
            r#"{"status":"opened","status":"opened"}"#,
            AnswerFault::BodyMalformed(json::Fault::DuplicateName),
        ),
        (
            200,
            &[JSON, ("x-door-state", "ajar")],
            opened,
            AnswerFault::Header(WrongPlace { part: "header", pointer: "X-Door-State".to_owned(), expected: "enum" }),
        ),
    ] {
        assert_eq!(checked(status, pairs, text).unwrap_err(), fault, "{status} {text}");
    }
}

#[test]
fn a_list_is_an_answer_too_and_bounded() {
    use http::Method;
    let head =
        crate::model::Head { method: Method::GET, path: "/v1/houses/h-1/doors".into(), no_body: true, ..opening() };
    let request = rebuilt(&head, "").unwrap();
    let check = |text: &str| {
        let answer = Answer::for_test(StatusCode::OK, fields(&[JSON]), text.to_owned());
        check(request.routed(), answer).map(|checked| kept(&checked).body)
    };
    let list = |count: usize| format!("[{}]", vec![r#"{"houseId":"h-1"}"#; count].join(" ,"));
    assert_eq!(check(&list(3)).unwrap(), list(3).replace(' ', ""));
    assert!(check(&list(4)).is_err());
    assert!(check("[1]").is_err());
}
