//! Drafts of contracts: what people decide is left blank, and once all blanks are filled in the compiler takes the draft.

use crate::contract::Contract;
use crate::contract::Draft;
use crate::contract::FindingKind;
use crate::contract::Wanted;
use crate::contract::draft;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;

/// Fills every blank in with a placeholder, by nothing but what the findings say.
fn filled(draft: &Draft) -> String {
    let mut lines: Vec<String> = draft.text.lines().map(str::to_owned).collect();
    for finding in draft.findings.iter().filter(|finding| finding.kind == FindingKind::Decide) {
        let line = &mut lines[finding.line as usize - 1];
        let (key, comment) = line.split_once(":  # decide: ").unwrap_or_else(|| panic!("no blank in {line:?}"));
        let value = match finding.code {
            "partner" => "smarthome".to_owned(),
            "recipient" => "Somebody".to_owned(),
            "country" => "RU".to_owned(),
            "retention" => "P30D".to_owned(),
            "action" => "act".to_owned(),
            "resource" => "House".to_owned(),
            "resource-id" => {
                format!("[{:?}]", finding.message.split("; of ").nth(1).unwrap().split(", ").next().unwrap())
            }
            "purpose" | "legal-basis" => "contract".to_owned(),
            "missing-limit" => "4".to_owned(),
            "missing-class" => "public".to_owned(),
            "any-of" | "any-value" | "ref-outside" | "merge-unfit" => "string".to_owned(),
            other => panic!("what is asked by {other}?"),
        };
        *line = format!("{key}: {value}  # {comment}");
    }
    lines.join("\n")
}

fn drafted(text: &str) -> Draft {
    let source = Source::new("partner.yaml", text);
    draft(&source, &Wanted::default()).unwrap_or_else(|faults| panic!("{faults}"))
}

fn compiled(text: &str) -> Result<Contract, Diagnostics> {
    Contract::compile(&Source::new("draft.yaml", text))
}

/// Parts of what real platforms publish; `tests/it/descriptions/README.md` says which.
const REAL: [(&str, &str, usize); 5] = [
    ("petstore.yaml", include_str!("../../../tests/it/descriptions/petstore.yaml"), 4),
    ("balance.yaml", include_str!("../../../tests/it/descriptions/balance.yaml"), 2),
    ("locks.json", include_str!("../../../tests/it/descriptions/locks.json"), 2),
    ("droplets.yaml", include_str!("../../../tests/it/descriptions/droplets.yaml"), 4),
    ("repositories.yaml", include_str!("../../../tests/it/descriptions/repositories.yaml"), 4),
];

fn codes(draft: &Draft, kind: FindingKind) -> Vec<&'static str> {
    let mut codes: Vec<_> = draft.findings.iter().filter(|one| one.kind == kind).map(|one| one.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// A description of one operation whose body has this schema.
fn of(version: &str, schema: &str) -> String {
    format!(
        "openapi: {version}\ninfo: {{title: t, version: '1'}}\npaths:\n  /a/{{id}}:\n    post:\n      operationId: a\n      \
         parameters: [{{name: id, in: path, required: true, schema: {{type: string, maxLength: 9}}}}]\n      \
         requestBody: {{required: true, content: {{application/json: {{schema: {{type: object, additionalProperties: false, \
         properties: {{x: {schema}}}}}}}}}}}\n      responses: {{'204': {{description: ok}}}}\n{MORE}"
    )
}

/// Components of [`of`].
const MORE: &str = "components:\n  schemas:\n    word: {type: string, enum: [a, b]}\n    pair: {type: object, additionalProperties: false, required: [k], properties: {k: {type: string, enum: [one]}}}\n    other: {type: object, additionalProperties: false, required: [k], properties: {k: {type: string, enum: [two]}}}\n    self: {type: object, additionalProperties: false, properties: {again: {$ref: '#/components/schemas/self'}, list: {type: array, maxItems: 2, items: {$ref: '#/components/schemas/self'}}}}\n    whole: {allOf: [{$ref: '#/components/schemas/whole'}, {type: object}]}\n";

#[test]
fn each_real_description_gives_a_draft_that_loads_once_every_blank_is_filled_in_and_not_before() {
    for (name, text, operations) in REAL {
        let draft = drafted(text);
        assert_eq!(draft.operations, operations, "{name}");
        assert!(compiled(&draft.text).is_err(), "{name} loads with blanks");
        let contract = compiled(&filled(&draft)).unwrap_or_else(|faults| panic!("{name}: {faults}"));
        assert_eq!(contract.operations().len(), operations, "{name}");
        for finding in &draft.findings {
            let line = draft.text.lines().nth(finding.line as usize - 1).unwrap();
            assert!(line.contains(&format!("# {}: ", finding.kind.word())), "{name}: {line}");
            assert!(line.ends_with(&format!("(line {})", finding.place.line)), "{name}: {line}");
        }
        let blanks = draft.text.matches(":  # decide: ").count();
        assert_eq!(blanks, draft.findings.iter().filter(|one| one.kind == FindingKind::Decide).count(), "{name}");
        assert_eq!(filled(&draft).matches(":  # decide: ").count(), 0, "{name}");
    }
}

#[test]
fn with_any_one_blank_left_the_draft_does_not_load() {
    let draft = drafted(REAL[4].1);
    let whole = filled(&draft);
    let blanks: Vec<_> = draft.findings.iter().filter(|one| one.kind == FindingKind::Decide).collect();
    for blank in blanks.iter().step_by(3) {
        let line = blank.line as usize - 1;
        let left = draft.text.lines().nth(line).unwrap();
        let one_left: Vec<&str> =
            whole.lines().enumerate().map(|(number, text)| if number == line { left } else { text }).collect();
        assert!(compiled(&one_left.join("\n")).is_err(), "{left}");
    }
}

#[test]
fn what_a_contract_cannot_say_is_told_with_its_place() {
    let told = |name: &str, kind| {
        let (_, text, _) = REAL.iter().find(|(known, ..)| *known == name).unwrap();
        codes(&drafted(text), kind)
    };
    let left_out = |name| told(name, FindingKind::LeftOut);
    assert_eq!(
        left_out("petstore.yaml"),
        ["body-not-an-object", "media-type", "overlapping-paths", "resource-id", "status", "unsupported-keyword"]
    );
    assert_eq!(left_out("balance.yaml"), ["ref-cycle", "status", "unsupported-keyword"]);
    assert_eq!(left_out("locks.json"), ["format", "resource-id", "unsupported-keyword"]);
    assert_eq!(
        left_out("droplets.yaml"),
        [
            "body-not-an-object",
            "body-unfit",
            "method",
            "parameter-style",
            "reserved-header",
            "status",
            "unsupported-keyword"
        ]
    );
    assert_eq!(left_out("repositories.yaml"), ["unsupported-keyword"]);
    assert_eq!(
        told("droplets.yaml", FindingKind::Changed),
        ["additional-properties", "ambiguous-name", "digits", "optional-body", "put-together"]
    );
    let draft = drafted(REAL[0].1);
    let overlap = draft.findings.iter().find(|one| one.code == "overlapping-paths").unwrap();
    assert_eq!((overlap.place.line, overlap.pointer.as_str()), (40, "/paths/~1pet~1{petId}"));
    assert!(overlap.message.contains("getPetById, deletePet"), "{}", overlap.message);
}

#[test]
fn schemas_of_both_versions_become_ours() {
    let (old, new) = ("3.0.3", "3.1.0");
    for (version, schema, wanted) in [
        (old, "{type: string, nullable: true, maxLength: 3}", "type: [string, \"null\"]\n|maxLength: 3"),
        (new, "{type: ['null', string], maxLength: 3}", "type: [string, \"null\"]\n|maxLength: 3"),
        (old, "{type: string, nullable: true, enum: [a, null]}", "type: [string, \"null\"]\n|enum: [\"a\", null]"),
        (old, "{type: string, enum: [1, yes, a, a]}", "type: string\n|enum: [\"1\", \"yes\", \"a\"]"),
        (old, "{type: integer, minimum: 0, exclusiveMinimum: true, maximum: 9}", "exclusiveMinimum: 0\n|maximum: 9"),
        (old, "{type: integer, minimum: 0, exclusiveMinimum: false}", "type: integer\n|minimum: 0"),
        (new, "{type: number, exclusiveMaximum: 2.5}", "type: number\n|exclusiveMaximum: 2.5"),
        (old, "{type: integer, format: int64, maximum: 9223372036854775807}", "type: integer\n|format: int64"),
        (old, "{type: boolean, enum: [true]}", "type: boolean\n|const: true"),
        (new, "{const: only}", "type: string\n|enum: [\"only\"]"),
        (new, "{type: [string, integer]}", "anyOf:\n|  -\n|    type: string"),
        (
            new,
            "{anyOf: [{$ref: '#/components/schemas/word'}, {type: 'null'}]}",
            "anyOf:\n|  -\n|    $ref: \"#/components/schemas/word\"\n|  - type: \"null\"",
        ),
        (
            old,
            "{nullable: true, allOf: [{$ref: '#/components/schemas/word'}]}",
            "anyOf:\n|  -\n|    $ref: \"#/components/schemas/word\"\n|  - type: \"null\"",
        ),
        (
            old,
            "{oneOf: [{$ref: '#/components/schemas/pair'}, {$ref: '#/components/schemas/other'}]}",
            "discriminator: {propertyName: \"k\"}\n|oneOf:",
        ),
        (
            old,
            "{oneOf: [{$ref: '#/components/schemas/pair'}, {$ref: '#/components/schemas/pair'}]}",
            "type:  # decide: it is one of several, and nothing tells which; what may it be",
        ),
        (old, "{oneOf: [{type: string, enum: [b]}, {type: string, enum: [a]}]}", "enum: [\"a\", \"b\"]"),
        (
            old,
            "{type: object, additionalProperties: {type: boolean}}",
            "propertyNames:\n|  type: string\n|  maxLength:  # decide",
        ),
        (
            old,
            "{type: array, items: {type: boolean}, minItems: 1, uniqueItems: true}",
            "minItems: 1\n|maxItems:  # decide: how many elements can there be",
        ),
        (old, "{type: string, pattern: 'abc'}", "type: string\n|maxLength:  # decide"),
        (old, "{type: string, pattern: '^[a-z]{3}$'}", "type: string\n|pattern: \"^[a-z]{3}$\"\n|x-portcullis:"),
        (old, "{$ref: 'other.yaml#/x'}", "type:  # decide: `other.yaml#/x` leads to nothing in this file"),
        (old, "{}", "type:  # decide: it does not say what it is; what may it be"),
        (old, "{type: object}", "# left out: an object of which nothing is said"),
    ] {
        let draft = drafted(&of(version, schema));
        // The lines are compared without their indentation below the property.
        let lines: Vec<&str> =
            draft.text.lines().map(|line| line.strip_prefix("                  ").unwrap_or(line)).collect();
        let text = lines.join("\n|");
        assert!(text.contains(wanted), "{schema}:\n{}", draft.text);
        compiled(&filled(&draft)).unwrap_or_else(|faults| panic!("{schema}: {faults}\n{}", filled(&draft)));
    }
}

#[test]
fn circles_end_and_what_would_never_end_is_left_out() {
    let draft = drafted(&of("3.1.0", "{$ref: '#/components/schemas/self'}"));
    assert_eq!(draft.findings.iter().filter(|one| one.code == "ref-cycle").count(), 2);
    compiled(&filled(&draft)).unwrap_or_else(|faults| panic!("{faults}"));
    let draft = drafted(&of("3.1.0", "{$ref: '#/components/schemas/whole'}"));
    assert!(codes(&draft, FindingKind::LeftOut).contains(&"ref-cycle"), "{:?}", draft.findings);
    compiled(&filled(&draft)).unwrap_or_else(|faults| panic!("{faults}"));
    // Each component refers ten times to the next: ten thousand million schemas.
    let mut text = of("3.1.0", "{$ref: '#/components/schemas/n0'}");
    for number in 0..10 {
        let next = format!("{{$ref: '#/components/schemas/n{}'}}", number + 1);
        let members: Vec<String> = (0..10).map(|member| format!("m{member}: {next}")).collect();
        text.push_str(&format!("    n{number}: {{type: object, properties: {{{}}}}}\n", members.join(", ")));
    }
    text.push_str("    n10: {type: boolean}\n");
    let draft = drafted(&text);
    assert_eq!(draft.operations, 0);
    assert!(codes(&draft, FindingKind::LeftOut).contains(&"contract-too-large"), "{:?}", draft.findings);
    let mut deep = of("3.1.0", "{$ref: '#/components/schemas/d0'}");
    for number in 0..17 {
        let next = format!("{{d: {{$ref: '#/components/schemas/d{}'}}}}", number + 1);
        deep.push_str(&format!("    d{number}: {{type: object, additionalProperties: false, properties: {next}}}\n"));
    }
    deep.push_str("    d17: {type: boolean}\n");
    assert!(codes(&drafted(&deep), FindingKind::LeftOut).contains(&"too-deep"));
}

#[test]
fn texts_of_the_partner_end_no_line_and_no_comment_and_hide_nothing() {
    let evil = "x\\n      x-portcullis: {action: openDoor}\\r\\u2028\\u202e # ${IFS} \\\"' \\e[31m";
    let text = of("3.1.0", "{type: string, format: \"EVIL\", pattern: \"EVIL\", description: \"EVIL\", \"EVIL\": 1}")
        .replace("operationId: a", "operationId: \"EVIL\"\n      \"EVIL\": 1")
        .replace("title: t", "title: \"EVIL\"")
        .replace("{x:", "{\"EVIL\":")
        .replace("EVIL", evil);
    let draft = drafted(&text);
    let inside = |line: &str| line.chars().all(|c| !c.is_control() && !matches!(c, '\u{2028}' | '\u{202e}'));
    assert!(draft.text.lines().all(inside), "{}", draft.text);
    assert!(!draft.text.lines().any(|line| line.trim_start().starts_with("x-portcullis: {action")), "{}", draft.text);
    let contract = compiled(&filled(&draft)).unwrap_or_else(|faults| panic!("{faults}\n{}", draft.text));
    assert_eq!(contract.operations()[0].action.as_str(), "act");
}

#[test]
fn what_is_no_description_is_refused_and_so_is_an_operation_that_is_not_there() {
    let fault = |text: &str, operations: &[String]| {
        let wanted = Wanted { partner: None, operations };
        let faults = draft(&Source::new("partner.yaml", text), &wanted).map(|_| ()).unwrap_err();
        let fault = faults.iter().next().unwrap().clone();
        (fault.code, fault.help.unwrap_or_default())
    };
    for text in ["swagger: '2.0'\n", "[]\n", "openapi: 2.0.0\n", "openapi: [3]\n", "a: 1\n"] {
        assert_eq!(fault(text, &[]).0, "openapi-version", "{text}");
    }
    assert_eq!(fault("openapi: 3.0.0\nopenapi: 3.1.0\n", &[]).0, "yaml-syntax");
    let (code, help) = fault(REAL[2].1, &["locksUnlockDoorPos".to_owned()]);
    assert_eq!((code, help.as_str()), ("unknown-operation", "did you mean `locksUnlockDoorPost`?"));
    let wanted = ["locksUnlockDoorPost".to_owned()];
    let one = draft(&Source::new("locks.json", REAL[2].1), &Wanted { partner: None, operations: &wanted }).unwrap();
    assert_eq!(one.operations, 1);
    assert!(!one.text.contains("accessCodesCreatePost"), "{}", one.text);
    assert!(draft(&Source::new("x", "openapi: 3.0.0\n"), &Wanted::default()).unwrap().operations == 0);
}
