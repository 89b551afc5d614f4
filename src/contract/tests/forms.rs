//! Bodies of several forms, each with its media type.

use super::claim;
use super::compile;
use super::faults;
use super::fields;
use super::with_body;
use crate::contract::AnswerFault;
use crate::contract::Contract;
use crate::contract::ContractFault;
use crate::contract::Rebuilt;
use crate::contract::check;
use crate::contract::declare;
use crate::contract::rebuild::rebuild_for;
use crate::model::Head;
use crate::model::Outgoing;
use crate::model::Part;
use crate::model::Treated;
use crate::partner::Answer;
use http::Method;
use http::StatusCode;
use std::convert::Infallible;
use std::sync::Arc;

const PUBLIC: &str = "x-portcullis: {class: public}";

/// An operation whose body has these forms, and answers of two.
fn forms(bodies: &[(&str, &str)]) -> String {
    let content: Vec<_> = bodies.iter().map(|(kind, schema)| format!("{kind}: {{schema: {schema}}}")).collect();
    let answers = format!(
        "\"200\": {{content: {{application/json: {{schema: {{type: object, properties: {{a: {{type: boolean, {PUBLIC}}}}}}}}}, application/vnd.door.v2+json: {{schema: {{type: array, maxItems: 1, items: {{type: boolean, {PUBLIC}}}}}}}}}}}, \"409\": {{content: {{application/problem+json: {{schema: {{type: object, properties: {{}}}}}}}}}}"
    );
    with_body("{type: object}")
        .replace("application/json: {schema: {type: object}}", &content.join(", "))
        .replace("\"202\": {description: taken}", &answers)
}

fn object(members: &str, required: &str) -> String {
    format!("{{type: object, required: [{required}], properties: {{{members}}}}}")
}

fn two() -> String {
    let text = format!("name: {{type: string, maxLength: 9, {PUBLIC}}}");
    let first = object(&format!("{text}, level: {{type: integer, {PUBLIC}}}"), "name");
    let second = object(&format!("other: {{type: boolean, {PUBLIC}}}, {text}"), "name, other");
    forms(&[("application/json", &first), ("application/merge-patch+json", &second)])
}

fn contract(text: &str) -> Arc<Contract> {
    Arc::new(compile(text).unwrap_or_else(|faults| panic!("{faults}")))
}

fn posted(contract: &Arc<Contract>, media_type: &str, body: &str) -> Result<Rebuilt, ContractFault> {
    let head = Head {
        method: Method::POST,
        path: "/v1/1".into(),
        query: None,
        authority: "x".into(),
        fields: fields(&[("content-type", media_type)]),
        content_length: None,
        no_body: false,
    };
    rebuild_for(declare(contract, &head)?, &claim, body.as_bytes())
}

fn kept(rebuilt: &Rebuilt) -> Outgoing {
    let Ok(outgoing) = rebuilt.render::<Infallible>(&mut |_| Ok(Treated::Keep));
    outgoing
}

#[test]
fn a_body_is_held_against_the_schema_of_its_media_type_and_goes_out_as_that() {
    let contract = contract(&two());
    for (said, media_type, body) in [
        ("application/json", "application/json", r#"{"name":"a","level":1}"#),
        ("Application/Merge-Patch+JSON; charset=utf-8", "application/merge-patch+json", r#"{"other":true,"name":"a"}"#),
    ] {
        let outgoing = kept(&posted(&contract, said, body).unwrap());
        assert_eq!(outgoing.content_type.unwrap(), media_type);
        assert_eq!(std::str::from_utf8(&outgoing.body).unwrap(), body);
        assert_eq!(outgoing.accept, "application/json, application/vnd.door.v2+json, application/problem+json");
    }
    assert!(matches!(
        posted(&contract, "application/json", r#"{"name":"a","other":true}"#),
        Err(ContractFault::Body(_))
    ));
    assert!(matches!(
        posted(&contract, "application/merge-patch+json", r#"{"name":"a"}"#),
        Err(ContractFault::Body(_))
    ));
    for undeclared in
        ["application/patch+json", "application/merge-patch", "text/json", "application/merge-patch+json; v=1"]
    {
        let refusal = posted(&contract, undeclared, r#"{"name":"a"}"#).unwrap_err();
        assert_eq!(refusal, ContractFault::MediaTypeNotDeclared, "{undeclared}");
    }
}

#[test]
fn one_body_in_two_forms_is_two_requests() {
    let schema = object(&format!("a: {{type: boolean, {PUBLIC}}}"), "");
    let contract = contract(&forms(&[("application/json", &schema), ("application/x+json", &schema)]));
    let digest = |media_type: &str| posted(&contract, media_type, "{}").unwrap().digest();
    assert_ne!(digest("application/json"), digest("application/x+json"));
}

#[test]
fn forms_agree_on_the_values_that_policies_name() {
    let contract = contract(&two());
    let listed =
        contract.operations()[0].fields.iter().filter(|field| field.part == Part::Body && field.status.is_none());
    assert_eq!(
        listed.map(|field| (&*field.pointer, field.required)).collect::<Vec<_>>(),
        [("/name", true), ("/level", false), ("/other", false), ("/name", true)]
    );
    let codes = |text: &str| faults(text).into_iter().map(|(code, _)| code).collect::<Vec<_>>();
    let text = two();
    assert_eq!(codes(&text.replace("level: {type: integer", "other: {type: integer")), ["ambiguous-name"]);
    let personal = "other: {type: boolean, x-portcullis: {class: personal, protect: keep}}";
    let level = format!("level: {{type: integer, {PUBLIC}}}");
    assert_eq!(codes(&text.replace(&level, personal)), ["ambiguous-name"]);
    assert_eq!(codes(&text.replace("id: [id]", "id: [name]")), [] as [&str; 0]);
    assert_eq!(codes(&text.replace("id: [id]", "id: [other]")), ["resource-id"], "one form has no such value");
    assert_eq!(codes(&text.replace("legal_basis: b", "legal_basis: b, idempotency: name")), [] as [&str; 0]);
    assert_eq!(
        codes(
            &text
                .replace("required: [name]", "required: []")
                .replace("legal_basis: b", "legal_basis: b, idempotency: name")
        ),
        ["idempotency-field"]
    );
    assert_eq!(
        codes(
            &text
                .replace("name: id,", "name: other,")
                .replace("/v1/{id}", "/v1/{other}")
                .replace("id: [id]", "id: [other]")
        ),
        ["ambiguous-name"]
    );
}

#[test]
fn an_answer_is_held_against_the_schema_of_its_media_type() {
    let request = posted(&contract(&two()), "application/json", r#"{"name":"a"}"#).unwrap();
    let answered = |status: u16, media_type: &str, body: &str| {
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answer::for_test(status, fields(&[("content-type", media_type)]), body.to_owned());
        check(request.routed(), answer).map(|checked| {
            let Ok(reply) = checked.render::<Infallible>(&mut |_| Ok(Treated::Keep));
            let kind = reply.fields.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.clone());
            (kind.unwrap().to_str().unwrap().to_owned(), String::from_utf8(reply.body.to_vec()).unwrap())
        })
    };
    let both = |media_type: &str, body: &str| Ok((media_type.to_owned(), body.to_owned()));
    assert_eq!(answered(200, "application/json", r#"{"a":true}"#), both("application/json", r#"{"a":true}"#));
    assert_eq!(answered(200, "application/vnd.door.v2+json", "[true]"), both("application/vnd.door.v2+json", "[true]"));
    assert_eq!(answered(409, "application/problem+json", "{}"), both("application/problem+json", "{}"));
    assert!(matches!(answered(200, "application/json", "[true]"), Err(AnswerFault::Body(_))));
    assert!(matches!(answered(200, "application/vnd.door.v2+json", "{}"), Err(AnswerFault::Body(_))));
    for (status, media_type) in [(409, "application/json"), (200, "application/problem+json"), (200, "text/html")] {
        assert_eq!(answered(status, media_type, "{}"), Err(AnswerFault::MediaTypeNotDeclared), "{media_type}");
    }
}

#[test]
fn only_media_types_of_json_in_one_spelling_can_be_declared() {
    let codes = |kind: &str| {
        let found = faults(&forms(&[(kind, "{type: object}")]));
        found.into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    let longest = format!("application/{}+json", "a".repeat(110));
    for good in ["application/json", "application/problem+json", "application/vnd.a-b_c.v1+x+json", &*longest] {
        assert_eq!(codes(good), [] as [&str; 0], "{good}");
    }
    let too_long = format!("application/{}+json", "a".repeat(111));
    for bad in [
        "text/plain",
        "text/json",
        "application/*",
        "\"*/*\"",
        "application/Problem+json",
        "application/JSON",
        "\"application/json; charset=utf-8\"",
        "application/+json",
        "application/.a+json",
        "application/xml",
        "application/jsonp",
        "application/a/b+json",
        "multipart/form-data",
        &*too_long,
    ] {
        assert_eq!(codes(bad), ["media-type"], "{bad}");
    }
}
