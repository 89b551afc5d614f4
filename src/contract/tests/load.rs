//! What does not load, with its code and line; and that all faults of a document are found at once.

use super::DOORS;
use super::compile;
use super::doors;
use super::faults;
use crate::contract::Actuates;
use crate::contract::Contract;
use crate::contract::Idempotency;
use crate::diagnostic::Source;
use crate::identity::Caller;
use crate::limits::Limits;
use crate::model::Part;

/// The contract of the tests with `from`, which stands in it once, replaced; and the line of its first character.
pub(super) fn changed(from: &str, to: &str) -> (String, u32) {
    assert_eq!(DOORS.matches(from).count(), 1, "{from:?} must stand there once");
    let line = DOORS.split(from).next().unwrap().matches('\n').count() + 1;
    (DOORS.replace(from, to), u32::try_from(line).unwrap())
}

/// Asserts that each change makes one fault of this code, in the changed line plus an offset.
pub(super) fn refused(cases: &[(&str, &str, &str, i32)]) {
    for (from, to, code, offset) in cases {
        let (text, line) = changed(from, to);
        assert_eq!(
            faults(&text),
            [(*code, line.saturating_add_signed(*offset))],
            "{from:?} → {to:?}\n{:?}",
            compile(&text).err()
        );
    }
}

const SILENT: &str = "silent: {type: boolean, x-portcullis: {class: public}}";
const COMMENT: &str = "comment: {type: string, maxLength: 10, x-portcullis: {class: personal, protect: drop}}";
const USER: &str = "userId: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: user, claim: sub, protect: pseudonymize}}";
pub(super) const NOTE: &str =
    "{name: note, in: query, schema: {type: string, maxLength: 20, x-portcullis: {class: public}}}";
const AT: &str = "at: {type: integer, x-portcullis: {class: access, protect: keep}}";

#[test]
fn the_contract_of_the_tests_loads_and_lists_every_leaf() {
    let contract = doors();
    assert_eq!(contract.partner().as_str(), "smarthome");
    assert_eq!(
        (contract.recipient(), contract.country(), contract.retention()),
        ("Smart Home Operator LLC", "RU", "P30D")
    );
    let [open, list] = contract.operations() else { panic!("two operations") };
    assert_eq!((open.actuates, open.max_age_s), (Some(Actuates::Door), Some(10)));
    assert_eq!(open.idempotency, Some(Idempotency::Header));
    assert_eq!((open.body_max_bytes, list.body_max_bytes), (65_536, 0));
    let listed: Vec<_> =
        open.fields.iter().map(|field| (field.part, field.status, &*field.pointer, field.required)).collect();
    assert_eq!(
        listed,
        [
            (Part::Path, None, "houseId", true),
            (Part::Path, None, "doorId", true),
            (Part::Query, None, "reason", false),
            (Part::Query, None, "count", false),
            (Part::Query, None, "note", false),
            (Part::Header, None, "X-Locale", false),
            (Part::Body, None, "/requestId", true),
            (Part::Body, None, "/userId", true),
            (Part::Body, None, "/deviceId", false),
            (Part::Body, None, "/comment", false),
            (Part::Body, None, "/level", false),
            (Part::Body, None, "/silent", false),
            (Part::Body, None, "/visits/*/at", false),
            (Part::Body, None, "/visits/*/a~1b~0c", false),
            (Part::Header, Some(200), "X-Door-State", false),
            (Part::Body, Some(200), "/status", true),
            (Part::Body, Some(200), "/userId", false),
            (Part::Body, Some(200), "/secret", false),
        ]
    );
    let claims = open.fields.iter().filter_map(|field| field.claim.as_deref());
    assert!(claims.eq(["sub", "device_id"]));
    for claim in ["sub", "device_id", "car_id", "tenant"] {
        assert!(Caller::CLAIMS.contains(&claim), "a token has no `{claim}`");
    }
}

#[test]
fn a_leaf_that_breaks_a_rule_of_data_classes_does_not_load() {
    let comment = |words: &'static str| {
        Box::leak(format!("comment: {{type: string, maxLength: 10, x-portcullis: {{{words}}}}}").into_boxed_str())
    };
    let user = |words: &'static str| {
        Box::leak(format!("userId: {{type: string, maxLength: 64, x-portcullis: {{{words}}}}}").into_boxed_str())
    };
    refused(&[
        (SILENT, "silent: {type: boolean}", "missing-class", 0),
        (SILENT, "silent: {type: boolean, x-portcullis: {}}", "missing-class", 0),
        (SILENT, "silent: {type: boolean, x-portcullis: {class: publik}}", "unknown-word", 0),
        (SILENT, "silent: {type: boolean, x-portcullis: {class: public, protcet: keep}}", "unknown-key", 0),
        (SILENT, "silent: {type: boolean, x-portcullis: {class: personal}}", "missing-protect", 0),
        (SILENT, "silent: {type: boolean, x-portcullis: {class: access}}", "missing-protect", 0),
        (SILENT, "silent: {type: boolean, x-portcullis: {class: personal, protect: pseudonymize}}", "protect-unfit", 0),
        (
            SILENT,
            "silent: {type: boolean, x-portcullis: {class: personal, protect: require-encrypted}}",
            "protect-unfit",
            0,
        ),
        (COMMENT, comment("class: personal, protect: encrypt"), "encrypt-not-available", 0),
        (COMMENT, comment("class: biometric, protect: keep"), "protect-unfit", 0),
        (COMMENT, comment("class: secret, protect: keep"), "protect-unfit", 0),
        (COMMENT, comment("class: secret"), "missing-protect", 0),
        (COMMENT, comment("class: personal, protect: pseudonymize"), "protect-unfit", 0),
        (COMMENT, comment("class: identifier, protect: keep"), "missing-of", 0),
        (COMMENT, comment("class: personal, of: user, protect: keep"), "of-unfit", 0),
        (COMMENT, comment("class: personal, claim: sub, protect: keep"), "claim-unfit", 0),
        (COMMENT, comment("class: identifier, of: house, claim: sub, protect: keep"), "claim-unfit", 0),
        (COMMENT, comment("class: identifier, of: car, protect: pseudonymize"), "missing-claim", 0),
        (COMMENT, comment("class: identifier, of: device, protect: pseudonymize"), "missing-claim", 0),
        (USER, user("class: identifier, of: user, protect: pseudonymize"), "missing-claim", 0),
        (USER, user("class: identifier, of: user, claim: device_id, protect: pseudonymize"), "claim-unfit", 0),
        (USER, user("class: identifier, of: user, claim: email, protect: pseudonymize"), "claim-unfit", 0),
        (USER, user("class: identifier, of: user, claim: sub"), "missing-protect", 0),
        (
            USER,
            "userId: {type: integer, x-portcullis: {class: identifier, of: user, claim: sub, protect: keep}}",
            "claim-unfit",
            0,
        ),
        (
            "{class: identifier, of: door, protect: keep}}\n        - {name: reason",
            "{class: identifier, of: door, protect: drop}}\n        - {name: reason",
            "protect-unfit",
            0,
        ),
        (
            "{class: identifier, of: user, protect: pseudonymize}",
            "{class: identifier, of: user, claim: sub, protect: pseudonymize}",
            "claim-unfit",
            0,
        ),
    ]);
}

#[test]
fn encrypt_says_that_it_is_not_available_yet() {
    let (text, _) =
        changed(COMMENT, "comment: {type: string, maxLength: 9, x-portcullis: {class: personal, protect: encrypt}}");
    let shown = compile(&text).err().unwrap().to_string();
    assert!(shown.contains("`protect: encrypt` is not available yet") && shown.contains("help: "), "{shown}");
    assert!(shown.contains("test.openapi.yaml:41:") && shown.contains("^"), "{shown}");
}

#[test]
fn a_keyword_that_is_not_enforced_is_named() {
    for keyword in [
        "default: x",
        "nullable: true",
        "oneOf: []",
        "anyOf: []",
        "allOf: []",
        "not: {}",
        "if: {}",
        "maximum: 1",
        "items: {}",
        "properties: {}",
        "contentEncoding: base64",
        "readOnly: true",
        "minProperties: 1",
        "x-other: 1",
        "uniqueItems: true",
        "$id: a",
        "$anchor: a",
        "$defs: {}",
        "discriminator: {}",
        "maxlength: 3",
    ] {
        let (text, line) = changed(COMMENT, &COMMENT.replace("maxLength: 10", &format!("maxLength: 10, {keyword}")));
        assert_eq!(faults(&text), [("unknown-key", line)], "{keyword}");
        let name = keyword.split(':').next().unwrap();
        let shown = compile(&text).err().unwrap().to_string();
        assert!(shown.contains(&format!("unknown key `{name}`")), "{shown}");
    }
    for annotation in
        ["title: a", "description: b", "example: {x: 1}", "examples: [1]", "deprecated: true", "$comment: c"]
    {
        let (text, _) = changed(COMMENT, &COMMENT.replace("maxLength: 10", &format!("maxLength: 10, {annotation}")));
        assert_eq!(faults(&text), [], "{annotation}");
    }
}

#[test]
fn a_schema_that_bounds_nothing_or_means_nothing_does_not_load() {
    let public = "x-portcullis: {class: public}";
    let silent = |schema: &str| &*Box::leak(format!("silent: {{{schema}, {public}}}").into_boxed_str());
    refused(&[
        (SILENT, silent("type: string"), "unbounded-text", 0),
        (SILENT, silent("type: string, pattern: abc"), "pattern", 0),
        (SILENT, silent("type: string, pattern: \"^a|b$\""), "pattern", 0),
        (SILENT, silent("type: string, pattern: \"^(a$\""), "pattern", 0),
        (SILENT, silent("type: string, minLength: 3, maxLength: 2"), "bounds", 0),
        (SILENT, silent("type: string, maxLength: -1"), "out-of-bounds", 0),
        (SILENT, silent("type: string, maxLength: ten"), "wrong-type", 0),
        (SILENT, silent("type: string, enum: []"), "enum", 0),
        (SILENT, silent("type: string, enum: [a, a]"), "enum", 0),
        (SILENT, silent("type: string, enum: [a, 1]"), "wrong-type", 0),
        (SILENT, silent("type: integer, enum: [a]"), "wrong-type", 0),
        (SILENT, silent("type: integer, minimum: 1.5"), "bounds", 0),
        (SILENT, silent("type: integer, minimum: 3, maximum: 2"), "bounds", 0),
        (SILENT, silent("type: number, exclusiveMinimum: 2, maximum: 2"), "bounds", 0),
        (SILENT, silent("type: number, exclusiveMinimum: 2, minimum: 2"), "bounds", 0),
        (SILENT, silent("type: null"), "wrong-type", 0),
        (SILENT, silent("type: [string]"), "type-list", 0),
        (SILENT, silent("type: []"), "type-list", 0),
        (SILENT, silent("type: [string, integer]"), "type-list", 0),
        (SILENT, silent("type: [\"null\", boolean]"), "type-list", 0),
        (SILENT, silent("type: [boolean, null]"), "type-list", 0),
        (SILENT, silent("type: [boolean, integer, \"null\"]"), "type-list", 0),
        (SILENT, silent("type: [\"null\", \"null\"]"), "unknown-word", 0),
        (SILENT, silent("type: [text, \"null\"]"), "unknown-word", 0),
        (SILENT, silent("type: [boolean, \"null\"], const: true"), "null-unfit", 0),
        (SILENT, silent("type: [string, \"null\"], enum: [a]"), "null-unfit", 0),
        (SILENT, silent("type: [string, \"null\"], const: a"), "null-unfit", 0),
        (SILENT, silent("type: [string, \"null\"], enum: [null]"), "enum", 0),
        (SILENT, silent("type: [string, \"null\"], enum: [a, null, null]"), "enum", 0),
        (SILENT, silent("type: string, enum: [a, null]"), "wrong-type", 0),
        (SILENT, silent("type: string, format: email-address"), "unknown-word", 0),
        (SILENT, silent("type: string, format: [date]"), "wrong-type", 0),
        (SILENT, silent("type: string, format: uri"), "unbounded-text", 0),
        (SILENT, silent("type: string, format: byte"), "unbounded-text", 0),
        (SILENT, silent("type: boolean, format: date"), "unknown-key", 0),
        (SILENT, silent("type: number, format: int64"), "unknown-key", 0),
        (SILENT, silent("type: string, const: 1"), "wrong-type", 0),
        (SILENT, silent("type: integer, const: 1.5"), "bounds", 0),
        (SILENT, silent("type: boolean, const: \"true\""), "wrong-type", 0),
        (SILENT, silent("type: string, const: a, enum: [a]"), "enum", 0),
        (SILENT, silent("type: number, multipleOf: 0"), "multiple-of", 0),
        (SILENT, silent("type: number, multipleOf: -1"), "multiple-of", 0),
        (SILENT, silent("type: number, multipleOf: 0.0000000001"), "multiple-of", 0),
        (SILENT, silent("type: number, multipleOf: one"), "wrong-type", 0),
        (SILENT, silent("type: string, maxLength: 1, multipleOf: 1"), "unknown-key", 0),
        (SILENT, silent("type: string, maxLength: 1, uniqueItems: true"), "unknown-key", 0),
        (SILENT, silent("type: text"), "unknown-word", 0),
        (SILENT, "silent: {x-portcullis: {class: public}}", "missing-key", 0),
        (SILENT, "silent: {type: object, additionalProperties: true, properties: {}}", "open-object", 0),
        (SILENT, "silent: {type: object, unevaluatedProperties: false, properties: {}}", "unknown-key", 0),
        (SILENT, "silent: {type: object, properties: {}, x-portcullis: {class: public}}", "unknown-key", 0),
        (SILENT, "silent: {type: object, properties: {}, required: [a]}", "required-unknown", 0),
        ("required: [at]", "required: [at, at]", "required-twice", 0),
        ("                  maxItems: 2\n", "", "unbounded-array", -2),
        ("minItems: 1", "minItems: 3", "bounds", -1),
        ("minItems: 1", "uniqueItems: 1", "wrong-type", 0),
        (USER, &USER.replace("type: string", "type: [string, \"null\"]"), "null-unfit", 0),
        (NOTE, &NOTE.replace("type: string", "type: [string, \"null\"]"), "null-unfit", 0),
        ("{type: string, enum: [open, shut], x", "{type: [string, \"null\"], enum: [open, null], x", "null-unfit", 0),
        (
            "                type: array\n                maxItems: 3",
            "                type: [array, \"null\"]\n                maxItems: 3",
            "null-unfit",
            0,
        ),
        (
            "            schema:\n              type: object",
            "            schema:\n              type: [object, \"null\"]",
            "null-unfit",
            1,
        ),
    ]);
}

#[test]
fn references_stay_in_the_file_and_end() {
    let opened = "schema: {$ref: \"#/components/schemas/Opened\"}";
    refused(&[
        (opened, "schema: {$ref: \"other.yaml#/components/schemas/Opened\"}", "ref-outside", 0),
        (opened, "schema: {$ref: \"https://evil.example/a\"}", "ref-outside", 0),
        (opened, "schema: {$ref: \"#/paths\"}", "ref-outside", 0),
        (opened, "schema: {$ref: \"#/components/schemas/Nothing\"}", "ref-unknown", 0),
        (opened, "schema: {$ref: \"#/components/schemas\"}", "ref-unknown", 0),
        (opened, "schema: {$ref: \"#/components/schemas/Opened/properties/status\"}", "ref-unknown", 0),
        (opened, "schema: {$ref: \"#/components/schemas/Opened\", maxLength: 1}", "unknown-key", 0),
        ("  schemas:\n", "  securitySchemes: {}\n  schemas:\n", "unknown-key", 0),
        ("    House:", "    Unused: {type: string}\n    House:", "unused-component", 0),
        ("    House: {", "    Loop: {$ref: \"#/components/schemas/Loop\"}\n    House: {", "unused-component", 0),
        (
            "        secret: {type",
            "        more: {$ref: \"#/components/schemas/Opened\"}\n        secret: {type",
            "ref-cycle",
            0,
        ),
    ]);
    let (text, line) = changed(opened, "schema: {$ref: \"#/components/schemas/Opened\", maxLength: 1}");
    assert_eq!(faults(&text), [("unknown-key", line)]);
    let (text, _) = changed(NOTE, "{$ref: \"#/components/parameters/Note\"}");
    let text = text.replace("components:\n", &format!("components:\n  parameters:\n    Note: {NOTE}\n"));
    assert_eq!(faults(&text), []);
}

#[test]
fn references_that_multiply_are_stopped() {
    let level = |name: usize| {
        let next = format!("{{$ref: \"#/components/schemas/L{}\"}}", name + 1);
        let members: Vec<_> = (0..8).map(|index| format!("m{index}: {next}")).collect();
        format!("    L{name}: {{type: object, properties: {{{}}}}}\n", members.join(", "))
    };
    let levels: String = (0..8).map(level).collect();
    let leaf = "    L8: {type: boolean, x-portcullis: {class: public}}\n";
    let (text, _) = changed("  schemas:\n", &format!("  schemas:\n{levels}{leaf}"));
    let text = text.replace(
        "\"201\": {description: taken}",
        "\"201\": {content: {application/json: {schema: {$ref: \"#/components/schemas/L0\"}}}}",
    );
    let found = faults(&text);
    assert!(found.iter().any(|fault| fault.0 == "contract-too-large"), "{found:?}");
}

#[test]
fn the_document_itself_is_closed() {
    refused(&[
        ("openapi: 3.1.0", "openapi: 3.0.3", "openapi-version", 0),
        ("info: {title", "servers: [{url: \"https://x\"}]\ninfo: {title", "unknown-key", 0),
        ("info: {title", "security: []\ninfo: {title", "unknown-key", 0),
        ("info: {title", "externalDocs: {}\ninfo: {title", "unknown-key", 0),
        ("partner: smarthome,", "", "missing-key", 0),
        ("partner: smarthome,", "partner: \"smart home\",", "invalid-name", 0),
        ("country: RU", "country: Russia", "invalid-value", 0),
        ("retention: P30D", "retention: 30d", "invalid-value", 0),
        ("retention: P30D", "retention: P", "invalid-value", 0),
        ("recipient: Smart Home Operator LLC", "recipient: \"\"", "invalid-value", 0),
        ("retention: P30D}", "retention: P30D, limits: {}}", "unknown-key", 0),
    ]);
    assert_eq!(faults("[]"), [("wrong-type", 1)]);
    assert_eq!(faults("openapi: ["), [("yaml-syntax", 1)]);
    let bare =
        "openapi: 3.1.0\ninfo: {}\nx-portcullis: {partner: p, recipient: r, country: RU, retention: P1D}\npaths: {}\n";
    assert_eq!(faults(bare), [("no-operations", 1)]);
}

#[test]
fn all_faults_of_a_document_are_found_at_once_and_each_once() {
    let text = DOORS
        .replace("country: RU", "country: ru")
        .replace("        max_age: 10s\n", "")
        .replace("maximum: 9", "maximum: 0")
        .replace(SILENT, "silent: {type: boolean}")
        .replace(AT, "at: {type: integer, multiple: 2, x-portcullis: {class: access}}")
        .replace("operationId: listDoors", "operationId: \"list doors\"")
        .replace("pattern: \"^[a-z0-9-]{1,40}$\"", "pattern: \"[a-z]\"");
    let mut codes: Vec<_> = faults(&text).into_iter().map(|fault| fault.0).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["bounds", "invalid-name", "invalid-value", "unknown-key"]);
    let text = DOORS
        .replace("        max_age: 10s\n", "")
        .replace(SILENT, "silent: {type: boolean}")
        .replace(AT, "at: {type: integer, x-portcullis: {class: access}}")
        .replace("pattern: \"^[a-z0-9-]{1,40}$\"", "pattern: \"[a-z]\"");
    let mut codes: Vec<_> = faults(&text).into_iter().map(|fault| fault.0).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["missing-class", "missing-protect", "pattern"]);
}

#[test]
fn the_limits_bound_bodies_depth_and_members() {
    let within = |change: &dyn Fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        Contract::compile_within(&Source::new("test.openapi.yaml", DOORS), &limits)
    };
    let contract = within(&|limits| limits.body_max_bytes = 100).unwrap();
    assert_eq!(contract.operations()[0].body_max_bytes, 100);
    assert!(within(&|limits| limits.json_max_depth = 3).is_ok());
    let code =
        |result: Result<Contract, crate::diagnostic::Diagnostics>| result.err().unwrap().iter().next().unwrap().code;
    assert_eq!(code(within(&|limits| limits.json_max_depth = 2)), "too-deep");
    assert!(within(&|limits| limits.json_max_members = 7).is_ok());
    assert_eq!(code(within(&|limits| limits.json_max_members = 6)), "too-many-members");
}

#[test]
fn a_body_that_brings_something_encrypted_may_be_as_long_as_its_operation_says_and_no_longer() {
    let comment = "comment: {type: string, maxLength: 10, x-portcullis: {class: personal, protect: drop}}";
    let sealed =
        "comment: {type: string, maxLength: 8000000, x-portcullis: {class: biometric, protect: require-encrypted}}";
    let limited = |size: &str, schema: &str| {
        let limit = format!("        max_age: 10s\n        limits: {{body_max_bytes: {size}}}\n");
        DOORS.replace("        max_age: 10s\n", &limit).replace(comment, schema)
    };
    let longest =
        |size: &str, schema: &str| compile(&limited(size, schema)).map(|found| found.operations()[0].body_max_bytes);
    assert_eq!(longest("8MiB", sealed).unwrap(), 8_388_608);
    assert_eq!(longest("1KiB", sealed).unwrap(), 1_024);
    // Shorter than all others may be any; longer only what is encrypted.
    assert_eq!(longest("64KiB", comment).unwrap(), 65_536);
    let at = |size: &str, schema: &str| faults(&limited(size, schema));
    let line = u32::try_from(DOORS.split("        max_age").next().unwrap().matches('\n').count() + 2).unwrap();
    assert_eq!(at("65KiB", comment), [("body-limit", line)]);
    for size in ["8193KiB", "9MiB", "0KiB", "64KB", "65536", "1.5MiB", "-1KiB", "MiB"] {
        let code = if size == "65536" { "wrong-type" } else { "size" };
        assert_eq!(at(size, sealed), [(code, line)], "{size}");
    }
    let (text, line) =
        changed("purpose: access, legal_basis", "limits: {body_max_bytes: 2KiB}, purpose: access, legal_basis");
    assert_eq!(faults(&text), [("body-limit", line)], "no body to be limited");
    let within = |bytes_in_flight_max| {
        let limits = Limits { bytes_in_flight_max, ..Limits::default() };
        let source = Source::new("test.openapi.yaml", limited("8MiB", sealed));
        Contract::compile_within(&source, &limits).map(drop).map_err(|faults| faults.iter().next().unwrap().code)
    };
    assert_eq!(within(9 << 20), Ok(()), "the body and an answer");
    assert_eq!(within((9 << 20) - 1), Err("body-limit"));
}
