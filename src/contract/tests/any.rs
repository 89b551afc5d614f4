//! `anyOf` where it can be closed, `mapping` of a discriminator, maps whose names have one pattern, widths of integers.

use super::Posting;
use super::compile;
use super::faults;
use super::with_body;

const PUBLIC: &str = "x-portcullis: {class: public}";
const TEXT: &str = "{type: string, maxLength: 3, x-portcullis: {class: public}}";
const WHOLE: &str = "{type: integer, minimum: 0, x-portcullis: {class: public}}";
const TRUTH: &str = "{type: boolean, x-portcullis: {class: public}}";

fn any(branches: &[&str]) -> String {
    format!("{{anyOf: [{}]}}", branches.join(", "))
}

/// An object that requires `kind`, of these values, and may have `name`, of this schema.
fn told(kind: &str, name: &str) -> String {
    format!("{{type: object, required: [kind], properties: {{kind: {{type: string, {kind}, {PUBLIC}}}, v: {name}}}}}")
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
fn values_of_several_kinds_are_told_by_what_they_are() {
    let list = format!("{{type: array, maxItems: 2, items: {}}}", any(&[TEXT, WHOLE]));
    let object = format!("{{type: object, properties: {{a: {TRUTH}}}}}");
    let posting = Posting::of_value(&any(&[TEXT, WHOLE, TRUTH, &list, &object, "{type: \"null\"}"]));
    for (value, sent) in [
        ("\"abc\"", "\"abc\""),
        ("7.0", "7"),
        ("true", "true"),
        ("null", "null"),
        ("[]", "[]"),
        (r#"[ 1e0,"\u0061"]"#, r#"[1,"a"]"#),
        (r#"{"a":true}"#, r#"{"a":true}"#),
    ] {
        assert_eq!(posting.value(value).as_deref(), Ok(sent));
    }
    assert_eq!(posting.value("\"abcd\""), wrong("/v", "length"));
    assert_eq!(posting.value("-1"), wrong("/v", "bounds"));
    assert_eq!(posting.value("0.5"), wrong("/v", "integer"));
    assert_eq!(posting.value("[true]"), wrong("/v/0", "kind"));
    assert_eq!(posting.value("[null]"), wrong("/v/0", "kind"));
    assert_eq!(posting.value(r#"{"b":true}"#), wrong("/v", "declared"));
    assert_eq!(Posting::of_value(&any(&[TEXT, TRUTH])).value("1"), wrong("/v", "kind"));
}

#[test]
fn policies_have_no_name_for_what_may_be_of_several_kinds() {
    let posting = Posting::of_value(&any(&[TEXT, WHOLE]));
    let listed = posting.0.operations()[0].fields.iter().map(|field| (&*field.pointer, field.required));
    assert_eq!(listed.collect::<Vec<_>>(), [("id", true), ("/v/(string)", false), ("/v/(number)", false)]);
    // With one branch beside `null` it is what that branch is.
    let posting = Posting::of_value(&any(&["{type: \"null\"}", TEXT]));
    let listed = posting.0.operations()[0].fields.iter().map(|field| (&*field.pointer, field.required));
    assert_eq!(listed.collect::<Vec<_>>(), [("id", true), ("/v", false)]);
    assert_eq!(posting.value("null").as_deref(), Ok("null"));
    assert_eq!(posting.value("1"), wrong("/v", "text"));
}

#[test]
fn objects_are_told_by_a_property_that_nobody_need_name() {
    let branches = [told("enum: [a, b]", TEXT), told("const: c", WHOLE)];
    for schema in [
        format!("{{anyOf: [{}, {}]}}", branches[0], branches[1]),
        format!("{{type: object, anyOf: [{}, {}]}}", branches[0], branches[1]),
        format!("{{anyOf: [{}, {}], discriminator: {{propertyName: kind}}}}", branches[0], branches[1]),
    ] {
        let posting = Posting::of_value(&schema);
        assert_eq!(posting.value(r#"{"v":"x","kind":"b"}"#).as_deref(), Ok(r#"{"kind":"b","v":"x"}"#));
        assert_eq!(posting.value(r#"{"v":1,"kind":"c"}"#).as_deref(), Ok(r#"{"kind":"c","v":1}"#));
        assert_eq!(posting.value(r#"{"v":1,"kind":"b"}"#), wrong("/v/v", "text"));
        assert_eq!(posting.value(r#"{"v":1,"kind":"d"}"#), wrong("/v/kind", "enum"));
        assert_eq!(posting.value(r#"{"v":1}"#), wrong("/v/kind", "present"));
        assert_eq!(posting.value("null"), wrong("/v", "object"));
    }
    let nullable = Posting::of_value(&any(&[&branches[0], &branches[1], "{type: \"null\"}"]));
    assert_eq!(nullable.value("null").as_deref(), Ok("null"));
    assert_eq!(nullable.value(r#"{"kind":"c"}"#).as_deref(), Ok(r#"{"kind":"c"}"#));
    // Objects among other kinds, in an `anyOf` of their own.
    let objects = any(&[&branches[0], &branches[1]]);
    let posting = Posting::of_value(&any(&[&objects, TEXT]));
    assert_eq!(posting.value(r#"{"kind":"a"}"#).as_deref(), Ok(r#"{"kind":"a"}"#));
    assert_eq!(posting.value("\"a\"").as_deref(), Ok("\"a\""));
    assert_eq!(posting.value("[]"), wrong("/v", "kind"));
}

#[test]
fn what_nothing_tells_apart_does_not_load() {
    let user = "{type: string, maxLength: 9, x-portcullis: {class: identifier, of: user, claim: sub, protect: keep}}";
    let branches = [told("enum: [a, b]", TEXT), told("const: c", WHOLE)];
    let beside = |rest: &str| format!("{{anyOf: [{}, {}]{rest}}}", branches[0], branches[1]);
    for (schema, expected) in [
        (any(&[]), &["any-of"][..]),
        (any(&["{type: \"null\"}"]), &["any-of"]),
        (any(&[TEXT, TEXT]), &["any-of"]),
        (any(&[WHOLE, "{type: number, x-portcullis: {class: public}}"]), &["any-of"]),
        (any(&[&branches[0], TEXT, &branches[1]]), &["any-of"]),
        (any(&[&branches[0], &branches[0]]), &["any-of"]),
        (any(&[&branches[0], &told("maxLength: 9", TEXT)]), &["any-of"]),
        (any(&[&branches[0], &told("enum: [b, c]", TEXT)]), &["any-of"]),
        (any(&[&branches[0], "{type: object, properties: {}}"]), &["any-of"]),
        (any(&[TEXT, "{type: \"null\"}", "{type: \"null\"}"]), &["any-of"]),
        (any(&["{type: [boolean, \"null\"], x-portcullis: {class: public}}", TEXT, "{type: \"null\"}"]), &["any-of"]),
        (any(&[&any(&[TEXT, WHOLE]), TRUTH]), &["any-of"]),
        (any(&[TEXT, "{type: [integer, string], x-portcullis: {class: public}}"]), &["type-list"]),
        (any(&[TEXT, "{maxLength: 1}"]), &["missing-key"]),
        // What is bound to the caller could come as another kind of value, and be nobody's.
        (any(&[user, WHOLE]), &["claim-unfit"]),
        (any(&[user, "{type: \"null\"}"]), &["null-unfit"]),
        (beside(", properties: {}"), &["unknown-key"]),
        (beside(", oneOf: []"), &["missing-key"]),
        (beside(", type: object, oneOf: []"), &["missing-key", "discriminator", "unknown-key"]),
        (format!("{{anyOf: [{TEXT}, {WHOLE}], maxLength: 3}}"), &["unknown-key"]),
        (
            format!("{{type: object, anyOf: [{TEXT}, {WHOLE}], discriminator: {{propertyName: kind}}}}"),
            &["discriminator", "discriminator"],
        ),
        (format!("{{anyOf: [{TEXT}], discriminator: {{propertyName: kind}}}}"), &["discriminator"]),
    ] {
        assert_eq!(codes(&schema), expected, "{schema}");
    }
}

#[test]
fn neither_a_body_nor_a_parameter_is_of_several_kinds() {
    let operation = |body: &str| faults(&with_body(body)).into_iter().map(|(code, _)| code).collect::<Vec<_>>();
    assert_eq!(operation(&any(&[TEXT, WHOLE])), ["body-not-an-object"]);
    let list = format!("{{type: array, maxItems: 2, items: {TRUTH}}}");
    let answer =
        format!("responses: {{\"200\": {{content: {{application/json: {{schema: {}}}}}}}}}", any(&[TEXT, &list]));
    let text = with_body("{type: object}").replace("responses: {\"202\": {description: taken}}", &answer);
    assert_eq!(faults(&text).into_iter().map(|(code, _)| code).collect::<Vec<_>>(), ["body-not-an-object"]);
    let parameter = format!("parameters: [{{name: q, in: query, schema: {}}}, ", any(&[TEXT, WHOLE]));
    let text = with_body("{type: object}").replace("parameters: [", &parameter);
    assert_eq!(faults(&text).into_iter().map(|(code, _)| code).collect::<Vec<_>>(), ["not-a-leaf"]);
}

/// A contract whose choice is between two components, by this discriminator.
fn mapped(keyword: &str, discriminator: &str) -> String {
    let branches = "[{$ref: \"#/components/schemas/Once\"}, {$ref: \"#/components/schemas/Often\"}]";
    let choice = format!("{{type: object, {keyword}: {branches}, discriminator: {discriminator}}}");
    let body = with_body(&format!("{{type: object, properties: {{v: {choice}}}}}"));
    let (once, often) = (told("const: once", TEXT), told("enum: [daily, weekly]", WHOLE));
    format!("{body}components:\n  schemas:\n    Once: {once}\n    Often: {often}\n")
}

#[test]
fn a_mapping_says_what_the_branches_say_themselves() {
    let discriminator = |mapping: &str| format!("{{propertyName: kind, mapping: {{{mapping}}}}}");
    let good = "once: \"#/components/schemas/Once\", daily: Often, weekly: \"#/components/schemas/Often\"";
    for keyword in ["oneOf", "anyOf"] {
        assert_eq!(faults(&mapped(keyword, &discriminator(good))), []);
        for (from, to) in [
            (", weekly: \"#/components/schemas/Often\"", ""),
            ("daily: Often", "daily: Once"),
            ("daily: Often", "daily: Rarely"),
            ("daily: Often", "daily: \"#/components/schemas/Rarely\""),
            ("daily: Often", "daily: Often, monthly: Often"),
            ("daily: Often", "daily: \"other.yaml#/Often\""),
        ] {
            let text = mapped(keyword, &discriminator(&good.replace(from, to)));
            let found: Vec<_> = faults(&text).into_iter().map(|(code, _)| code).collect();
            assert!(!found.is_empty() && found.iter().all(|code| *code == "discriminator"), "{to}: {found:?}");
        }
    }
    let found = faults(&mapped("oneOf", &discriminator("once: 1")));
    assert_eq!(found.into_iter().map(|(code, _)| code).collect::<Vec<_>>(), ["wrong-type"]);
    // What no reference names cannot be mapped.
    let inline = told("const: once", TEXT);
    let choice = format!("{{type: object, oneOf: [{inline}], discriminator: {}}}", discriminator("once: Once"));
    assert_eq!(codes(&choice), ["discriminator",]);
    assert!(compile(&mapped("oneOf", &discriminator(good))).is_ok());
}

/// A map whose names fit a pattern.
fn patterned(names: &str, rest: &str) -> String {
    format!("{{type: object, patternProperties: {{\"^[a-z]{{1,3}}$\": {WHOLE}}}, propertyNames: {{{names}}}{rest}}}")
}

#[test]
fn a_map_may_say_the_pattern_of_its_names_with_their_values() {
    let names = format!("type: string, {PUBLIC}");
    let posting = Posting::of_value(&patterned(&names, ", additionalProperties: false, maxProperties: 2"));
    assert_eq!(posting.value(r#"{"b":1,"abc":2}"#).as_deref(), Ok(r#"{"abc":2,"b":1}"#));
    assert_eq!(posting.value(r#"{"abcd":1}"#), wrong("/v", "declared"));
    assert_eq!(posting.value(r#"{"a":-1}"#), wrong("/v/*", "bounds"));
    assert_eq!(posting.value(r#"{"a":1,"b":1,"c":1}"#), wrong("/v", "members"));
    let shorter = format!("type: string, maxLength: 2, {PUBLIC}");
    let posting = Posting::of_value(&patterned(&shorter, ", additionalProperties: false, maxProperties: 2"));
    assert_eq!(posting.value(r#"{"abc":1}"#), wrong("/v", "declared"), "both must fit");
    let good = ", additionalProperties: false, maxProperties: 2";
    for (schema, code) in [
        (patterned(&names, ", maxProperties: 2"), "open-object"),
        (patterned(&names, ", additionalProperties: true, maxProperties: 2"), "open-object"),
        (patterned(&names, ", additionalProperties: false"), "unbounded-map"),
        (patterned("type: string", good), "missing-class"),
        (patterned(&format!("type: string, pattern: \"^a$\", {PUBLIC}"), good), "name-unfit"),
        (patterned(&names, good).replace("\"^[a-z]{1,3}$\"", "\"[a-z]\""), "pattern"),
        (
            patterned(&names, good).replace("patternProperties: {", &format!("patternProperties: {{\"^x$\": {TEXT}, ")),
            "name-unfit",
        ),
        (patterned(&names, good).replace(&format!("propertyNames: {{{names}}}, "), ""), "missing-key"),
        (patterned(&names, ", properties: {}, additionalProperties: false, maxProperties: 2"), "unknown-key"),
    ] {
        assert_eq!(codes(&schema), [code], "{schema}");
    }
}

#[test]
fn a_width_of_integers_is_a_bound() {
    let posting = |rest: &str| Posting::of_value(&format!("{{type: integer, format: {rest}, {PUBLIC}}}"));
    let narrow = posting("int32");
    for (value, fits) in
        [("2147483647", true), ("2147483648", false), ("-2147483648", true), ("-2147483649", false), ("1.5", false)]
    {
        assert_eq!(narrow.value(value).is_ok(), fits, "{value}");
    }
    assert_eq!(narrow.value("2147483648"), wrong("/v", "bounds"));
    assert!(posting("int64").value("9007199254740991").is_ok());
    let bounded = posting("int32, minimum: 5, exclusiveMaximum: 7");
    assert_eq!(["4", "5", "6", "7"].map(|value| bounded.value(value).is_ok()), [false, true, true, false]);
    let wide = posting("int32, minimum: -9007199254740991, maximum: 9007199254740991");
    assert!(
        wide.value("2147483647").is_ok() && wide.value("2147483648").is_err() && wide.value("-2147483649").is_err()
    );
    assert_eq!(codes(&format!("{{type: integer, format: int32, minimum: 2147483648, {PUBLIC}}}")), ["bounds"]);
    assert_eq!(codes(&format!("{{type: integer, format: int16, {PUBLIC}}}")), ["unknown-word"]);
    assert_eq!(codes(&format!("{{type: number, format: int32, {PUBLIC}}}")), ["unknown-key"]);
    assert_eq!(codes(&format!("{{type: boolean, format: int32, {PUBLIC}}}")), ["unknown-key"]);
}
