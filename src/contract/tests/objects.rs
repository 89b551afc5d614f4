//! Objects of other kinds than a list of declared members: maps, choices, wholes put together from parts.

use super::Posting;
use super::compile;
use super::faults;
use super::with_body;
use crate::contract::ContractFault;
use crate::json;

const PUBLIC: &str = "x-portcullis: {class: public}";
const USER: &str =
    "{type: string, maxLength: 9, x-portcullis: {class: identifier, of: user, claim: sub, protect: keep}}";

fn map(rest: &str) -> String {
    format!(
        "{{type: object, propertyNames: {{type: string, pattern: \"^[a-z]{{1,3}}$\", {PUBLIC}}}, additionalProperties: {{type: integer, maximum: 9, {PUBLIC}}}{rest}}}"
    )
}

/// Opening once, or within hours.
fn choice() -> String {
    let kind = |values: &str| format!("kind: {{type: string, {values}, {PUBLIC}}}");
    let hours = format!("{{type: array, maxItems: 2, items: {{type: integer, {PUBLIC}}}}}");
    format!(
        "{{type: object, discriminator: {{propertyName: kind}}, oneOf: [{{type: object, required: [kind], properties: {{{}, user: {USER}}}}}, {{type: object, required: [hours, kind], properties: {{hours: {hours}, {}}}}}]}}",
        kind("const: once"),
        kind("enum: [daily, weekly]")
    )
}

/// Own members and those of two parts.
fn whole(rest: &str) -> String {
    let member = |name: &str| {
        format!("{{type: object, required: [{name}], properties: {{{name}: {{type: boolean, {PUBLIC}}}}}}}")
    };
    format!(
        "{{type: object, properties: {{a: {{type: integer, {PUBLIC}}}}}, allOf: [{}, {}]{rest}}}",
        member("c"),
        member("b")
    )
}

fn wrong(pointer: &str, expected: &'static str) -> Result<String, (String, &'static str)> {
    Err((pointer.to_owned(), expected))
}

/// The codes of the faults of a value of this schema.
fn codes(schema: &str) -> Vec<&'static str> {
    let found = faults(&with_body(&format!("{{type: object, properties: {{v: {schema}}}}}")));
    found.into_iter().map(|(code, _)| code).collect()
}

#[test]
fn a_map_has_names_of_its_pattern_and_ends_where_it_says() {
    let posting = Posting::of_value(&map(", minProperties: 1, maxProperties: 3"));
    assert_eq!(
        posting.value(r#"{"b":2,"abc":9,"a":0}"#).as_deref(),
        Ok(r#"{"a":0,"abc":9,"b":2}"#),
        "in order of names"
    );
    assert_eq!(posting.value(r#"{"\u0061":1}"#).as_deref(), Ok(r#"{"a":1}"#));
    assert_eq!(posting.value("{}"), wrong("/v", "members"));
    assert_eq!(posting.value(r#"{"a":1,"b":1,"c":1,"d":1}"#), wrong("/v", "members"));
    assert_eq!(posting.value(r#"{"canary":1}"#), wrong("/v", "declared"));
    assert_eq!(posting.value(r#"{"":1}"#), wrong("/v", "declared"));
    assert_eq!(posting.value(r#"{"a":10}"#), wrong("/v/*", "bounds"), "a stranger's name is not repeated");
    assert_eq!(posting.value(r#"{"a":null}"#), wrong("/v/*", "number"));
    assert_eq!(posting.value("[]"), wrong("/v", "object"));
    let twice = posting.rebuild(r#"{"v":{"a":1,"\u0061":2}}"#).unwrap_err();
    assert_eq!(twice, ContractFault::BodyMalformed(json::Fault::DuplicateName));
    let (one, other) = (posting.rebuild(r#"{"v":{"a":1,"b":2}}"#), posting.rebuild(r#"{"v":{"b":2,"a":1}}"#));
    assert_eq!(one.unwrap().digest(), other.unwrap().digest());
    let listed: Vec<_> = posting.0.operations()[0].fields.iter().map(|field| &*field.pointer).collect();
    assert_eq!(listed, ["id", "/v/*#", "/v/*"]);
}

#[test]
fn a_map_that_does_not_end_or_whose_names_would_need_protection_does_not_load() {
    assert_eq!(codes(&map(", maxProperties: 256")), [] as [&str; 0]);
    assert_eq!(codes(&map(", maxProperties: 257")), ["too-many-members"]);
    assert_eq!(codes(&map("")), ["unbounded-map"]);
    assert_eq!(codes(&map(", maxProperties: 1, minProperties: 2")), ["bounds"]);
    assert_eq!(codes(&map(", maxProperties: 1, properties: {}")), ["unknown-key"]);
    assert_eq!(codes(&map(", maxProperties: 1, patternProperties: {}")), ["unknown-key"]);
    let names = |names: &str| {
        codes(&format!(
            "{{type: object, maxProperties: 1, propertyNames: {names}, additionalProperties: {{type: boolean, {PUBLIC}}}}}"
        ))
    };
    assert_eq!(names(&format!("{{type: integer, {PUBLIC}}}")), ["name-unfit"]);
    assert_eq!(names(&format!("{{type: [string, \"null\"], maxLength: 1, {PUBLIC}}}")), ["name-unfit"]);
    assert_eq!(names("{type: string, maxLength: 1}"), ["missing-class"]);
    assert_eq!(names(&format!("{{pattern: \"^a$\", {PUBLIC}}}")), ["missing-key"]);
    assert_eq!(names(USER), ["name-unfit"]);
    assert_eq!(
        names("{type: string, maxLength: 9, x-portcullis: {class: identifier, of: house, protect: pseudonymize}}"),
        ["name-unfit"]
    );
    assert_eq!(names("{type: string, maxLength: 9, x-portcullis: {class: personal, protect: drop}}"), ["name-unfit"]);
    assert_eq!(
        codes(&format!("{{type: object, maxProperties: 1, additionalProperties: {{type: boolean, {PUBLIC}}}}}")),
        ["missing-key"]
    );
}

#[test]
fn a_choice_is_told_by_its_discriminator_wherever_it_stands() {
    let posting = Posting::of_value(&choice());
    for (value, sent) in [
        (r#"{"kind":"once"}"#, r#"{"kind":"once"}"#),
        (r#"{"user":"u-1","kind":"once"}"#, r#"{"kind":"once","user":"u-1"}"#),
        (r#"{"hours":[1,2.0],"kind":"weekly"}"#, r#"{"hours":[1,2],"kind":"weekly"}"#),
        (r#"{"kin\u0064":"dai\u006cy","hours":[]}"#, r#"{"hours":[],"kind":"daily"}"#),
    ] {
        assert_eq!(posting.value(value).as_deref(), Ok(sent));
        assert_eq!(posting.value(sent).as_deref(), Ok(sent));
    }
    for (value, pointer, expected) in [
        ("{}", "/v/kind", "present"),
        (r#"{"hours":[]}"#, "/v/kind", "present"),
        (r#"{"kind":"never"}"#, "/v/kind", "enum"),
        (r#"{"kind":1}"#, "/v/kind", "text"),
        (r#"{"kind":["once"]}"#, "/v/kind", "text"),
        (r#"{"kind":"once","hours":[]}"#, "/v", "declared"),
        (r#"{"kind":"daily"}"#, "/v/hours", "present"),
        (r#"{"kind":"daily","hours":[1,2,3]}"#, "/v/hours", "items"),
        (r#"{"kind":"daily","hours":["1"]}"#, "/v/hours/0", "number"),
        (r#"{"kind":"daily","hours":{}}"#, "/v/hours", "array"),
        (r#"{"kind":"daily","hours":[],"user":"u-1"}"#, "/v", "declared"),
        (r#"{"kind":"once","user":"0123456789012345678901234567890123456"}"#, "/v/user", "length"),
        (r#"{"kind":"once","user":null}"#, "/v/user", "text"),
        (r#"["once"]"#, "/v", "object"),
        ("null", "/v", "object"),
    ] {
        assert_eq!(posting.value(value), wrong(pointer, expected), "{value}");
    }
    let other = posting.rebuild(r#"{"v":{"kind":"once","user":"u-2"}}"#).unwrap_err();
    assert_eq!(other, ContractFault::IdentifierMismatch, "identifiers in a branch are held against the token");
    let twice = posting.rebuild(r#"{"v":{"kind":"once","kind":"daily"}}"#).unwrap_err();
    assert_eq!(twice, ContractFault::BodyMalformed(json::Fault::DuplicateName));
    let listed = posting.0.operations()[0].fields.iter().map(|field| (&*field.pointer, field.required));
    assert_eq!(
        listed.collect::<Vec<_>>(),
        [("id", true), ("/v/kind", false), ("/v/user", false), ("/v/hours/*", false), ("/v/kind", false)]
    );
}

#[test]
fn a_choice_may_hold_choices_sets_and_maps() {
    let inner = choice();
    let set = format!("{{type: array, maxItems: 3, uniqueItems: true, items: {inner}}}");
    let entries = map(", maxProperties: 2");
    let schema = format!(
        "{{type: object, discriminator: {{propertyName: t}}, oneOf: [{{type: object, required: [t], properties: {{t: {{type: string, const: a, {PUBLIC}}}, set: {set}}}}}, {{type: object, required: [t], properties: {{t: {{type: string, const: b, {PUBLIC}}}, map: {entries}, no: {{type: [integer, \"null\"], {PUBLIC}}}}}}}]}}"
    );
    let posting = Posting::of_value(&schema);
    let sent = r#"{"t":"a","set":[{"kind":"once"},{"hours":[1],"kind":"daily"}]}"#;
    assert_eq!(posting.value(r#"{"set":[{"kind":"once"},{"kind":"daily","hours":[1]}],"t":"a"}"#).as_deref(), Ok(sent));
    assert_eq!(
        posting.value(r#"{"no":null,"map":{"b":1,"a":2},"t":"b"}"#).as_deref(),
        Ok(r#"{"t":"b","map":{"a":2,"b":1},"no":null}"#)
    );
    let same = r#"{"set":[{"kind":"daily","hours":[1]},{"hours":[1.0],"kind":"daily"}],"t":"a"}"#;
    assert_eq!(posting.value(same), wrong("/v/set/1", "unique"));
    assert_eq!(posting.value(r#"{"map":{"canary":1},"t":"b"}"#), wrong("/v/map", "declared"));
    assert_eq!(posting.value(r#"{"map":{"a":1,"b":1,"c":1},"t":"b"}"#), wrong("/v/map", "members"));
}

#[test]
fn a_choice_that_its_discriminator_does_not_tell_does_not_load() {
    let good = choice();
    assert_eq!(codes(&good), [] as [&str; 0]);
    for (from, to, code) in [
        ("discriminator: {propertyName: kind}, ", "", "missing-key"),
        ("{propertyName: kind}", "{propertyName: kind, mapping: {}}", "discriminator"),
        ("{propertyName: kind}", "{propertyName: user}", "discriminator"),
        ("{propertyName: kind}", "{propertyName: none}", "discriminator"),
        ("enum: [daily, weekly]", "enum: [daily, once]", "discriminator"),
        ("enum: [daily, weekly]", "maxLength: 9", "discriminator"),
        ("required: [hours, kind]", "required: [hours]", "discriminator"),
        ("type: object, discriminator", "type: object, properties: {}, discriminator", "unknown-key"),
        ("type: object, discriminator", "discriminator", "missing-key"),
        ("type: object, required: [hours, kind]", "type: [object, \"null\"], required: [hours, kind]", "discriminator"),
    ] {
        assert_eq!(good.matches(from).count(), 1, "{from}");
        let found = codes(&good.replace(from, to));
        assert!(!found.is_empty() && found.iter().all(|found| *found == code), "{from} → {to}: {found:?}");
    }
    let with =
        |branches: &str| codes(&format!("{{type: object, discriminator: {{propertyName: t}}, oneOf: [{branches}]}}"));
    assert_eq!(with(""), ["discriminator"]);
    assert_eq!(with(&format!("{{type: boolean, {PUBLIC}}}")), ["discriminator"]);
    assert_eq!(with(&map(", maxProperties: 1")), ["discriminator"]);
    assert_eq!(
        codes(&format!("{{type: object, oneOf: [{}], anyOf: []}}", "{type: object}")),
        ["missing-key", "unknown-key"]
    );
}

#[test]
fn parts_make_one_closed_whole() {
    for rest in ["", ", unevaluatedProperties: false"] {
        let posting = Posting::of_value(&whole(rest));
        assert_eq!(posting.value(r#"{"b":true,"a":1,"c":false}"#).as_deref(), Ok(r#"{"a":1,"c":false,"b":true}"#));
        assert_eq!(posting.value(r#"{"a":1,"c":false}"#), wrong("/v/b", "present"));
        assert_eq!(posting.value(r#"{"b":true,"c":true,"d":1}"#), wrong("/v", "declared"));
    }
    for (schema, code) in [
        (whole(", unevaluatedProperties: true"), "open-object"),
        (whole(", additionalProperties: false"), "merge-unfit"),
        (whole("").replace("required: [c],", "additionalProperties: false, required: [c],"), "merge-unfit"),
        (whole("").replace("properties: {a:", "properties: {b:"), "merge-unfit"),
        (whole("").replace("{c: {", "{b: {").replace("required: [c]", "required: [b]"), "merge-unfit"),
        ("{type: object, allOf: []}".to_owned(), "merge-unfit"),
        (format!("{{type: object, allOf: [{{type: boolean, {PUBLIC}}}]}}"), "merge-unfit"),
        (format!("{{type: object, allOf: [{}]}}", map(", maxProperties: 1")), "merge-unfit"),
        (format!("{{type: object, allOf: [{}]}}", choice()), "merge-unfit"),
        ("{type: object, allOf: {}}".to_owned(), "wrong-type"),
        (whole("").replacen("type: object", "type: [object, \"null\"]", 1), "null-unfit"),
        (choice().replacen("type: object", "type: [object, \"null\"]", 1), "null-unfit"),
        ("{type: object, unevaluatedProperties: false}".to_owned(), "unknown-key"),
    ] {
        assert_eq!(codes(&schema), [code], "{schema}");
    }
}

#[test]
fn a_whole_may_be_the_body_and_a_choice_or_a_map_an_answer() {
    let body = whole("");
    assert!(Posting::of(&body).sent(r#"{"b":true,"c":false}"#).is_ok());
    let operation = |body: &str| faults(&with_body(body)).into_iter().map(|(code, _)| code).collect::<Vec<_>>();
    assert_eq!(operation(&choice()), ["body-not-an-object"]);
    assert_eq!(operation(&map(", maxProperties: 1")), ["body-not-an-object"]);
    let answered = |schema: &str| {
        let answer = format!("responses: {{\"200\": {{content: {{application/json: {{schema: {schema}}}}}}}}}");
        let text = with_body("{type: object}").replace("responses: {\"202\": {description: taken}}", &answer);
        compile(&text).map(|_| ()).map_err(|faults| faults.to_string())
    };
    let unbound = choice().replace(", claim: sub", "");
    for schema in [unbound, map(", maxProperties: 1")] {
        assert_eq!(answered(&schema), Ok(()));
    }
}
