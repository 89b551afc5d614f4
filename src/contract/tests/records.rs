//! Lists in answers: what must name the house of each record, and what loads without.

use super::compile;
use super::faults;

/// What may stand for a list's elements.
const RECORD: &str = "{type: object, required: [houseId], properties: {houseId: {type: string, maxLength: 9, x-portcullis: {class: identifier, of: house, protect: keep}}, who: {type: string, maxLength: 9, x-portcullis: {class: identifier, of: user, protect: pseudonymize}}}}";
const NOBODY: &str = "{type: object, properties: {level: {type: integer, x-portcullis: {class: public}}, name: {type: string, maxLength: 9, x-portcullis: {class: personal, protect: drop}}}}";
const SOMEBODY: &str =
    "{type: object, properties: {who: {type: string, maxLength: 9, x-portcullis: {class: personal, protect: keep}}}}";

/// The lines of `records` and of the answer of 200, in [`reading`].
const RECORDS: u32 = 8;
const ANSWER: u32 = 11;

/// A contract that reads something, with `records` and an answer of 200 of this schema.
fn reading(records: &str, schema: &str) -> String {
    format!(
        "openapi: 3.1.0\ninfo: {{}}\nx-portcullis: {{partner: p, recipient: r, country: RU, retention: P1D}}\npaths:\n  /v1/{{id}}:\n    get:\n      operationId: op\n      x-portcullis: {{action: a, resource: {{type: House, id: [id]}}, direction: outbound, purpose: p, legal_basis: b{records}}}\n      parameters: [{{name: id, in: path, required: true, schema: {{type: string, maxLength: 9, x-portcullis: {{class: public}}}}}}]\n      responses:\n        \"200\": {{content: {{application/json: {{schema: {schema}}}}}}}\n"
    )
}

fn records(array: &str, house: &str) -> String {
    format!(", records: {{array: \"{array}\", house: {house}}}")
}

fn list(items: &str) -> String {
    format!("{{type: array, maxItems: 9, items: {items}}}")
}

fn within(name: &str, schema: &str) -> String {
    format!("{{type: object, properties: {{{name}: {schema}}}}}")
}

#[test]
fn a_list_loads_if_each_of_its_records_names_its_house_or_it_says_nothing_about_anybody() {
    for (records, schema) in [
        (records("", "houseId"), list(RECORD)),
        (records("/events", "houseId"), within("events", &list(RECORD))),
        (records("/page/events", "houseId"), within("page", &within("events", &list(RECORD)))),
        (records("/a~1b~0c", "houseId"), within("a/b~c", &list(RECORD))),
        // A pseudonym of a house is turned back before it is compared; what is dropped is compared as it came.
        (records("", "houseId"), list(&RECORD.replacen("protect: keep", "protect: pseudonymize", 1))),
        (records("", "houseId"), list(&RECORD.replacen("protect: keep", "protect: drop", 1))),
        (String::new(), list(NOBODY)),
        (String::new(), within("levels", &list("{type: integer, x-portcullis: {class: public}}"))),
        (String::new(), SOMEBODY.to_owned()),
    ] {
        let text = reading(&records, &schema);
        assert!(compile(&text).is_ok(), "{text}\n{:?}", compile(&text).err());
    }
}

#[test]
fn a_list_that_says_something_about_somebody_and_is_no_records_does_not_load() {
    let map = |names: &str, values: &str| {
        format!("{{type: object, maxProperties: 9, propertyNames: {names}, additionalProperties: {values}}}")
    };
    let public = "{type: string, maxLength: 9, x-portcullis: {class: public}}";
    let user = "{type: string, maxLength: 9, x-portcullis: {class: identifier, of: user, protect: keep}}";
    let choice = format!(
        "{{type: object, discriminator: {{propertyName: kind}}, oneOf: [{{type: object, required: [kind], properties: {{kind: {{type: string, const: a, x-portcullis: {{class: public}}}}, all: {}}}}}]}}",
        list(SOMEBODY)
    );
    for schema in [
        list(SOMEBODY),
        list(RECORD),
        list(user),
        list(&list(user)),
        list(&within("inner", &list(user))),
        within("events", &list(SOMEBODY)),
        map(public, user),
        map(user, public),
        within("by", &map(public, SOMEBODY)),
        choice,
    ] {
        assert_eq!(faults(&reading("", &schema)), [("records-missing", ANSWER)], "{schema}");
    }
    // Beside the one that is named, another.
    let two = format!("{{type: object, properties: {{events: {}, more: {}}}}}", list(RECORD), list(SOMEBODY));
    assert_eq!(faults(&reading(&records("/events", "houseId"), &two)), [("records-missing", ANSWER)]);
    // An answer that refuses cannot hold records, whatever the operation says of its others.
    let text = reading(&records("", "houseId"), &list(RECORD));
    let refusing = format!("        \"409\": {{content: {{application/json: {{schema: {}}}}}}}\n", list(RECORD));
    assert_eq!(faults(&format!("{text}{refusing}")), [("records-missing", ANSWER + 1)]);
}

#[test]
fn records_that_name_no_array_or_no_house_do_not_load() {
    let named = within("events", &list(RECORD));
    for pointer in ["", "/", "/event", "events", "/events/0", "/events/*", "/events/houseId", "/events/"] {
        let text = reading(&records(pointer, "houseId"), &named);
        // Nothing is named then, so that the list is one of which nobody knows whose it is.
        assert_eq!(faults(&text), [("records-array", RECORDS), ("records-missing", ANSWER)], "{pointer}");
    }
    let nullable = format!("{{type: [array, \"null\"], maxItems: 9, items: {RECORD}}}");
    for schema in [within("events", &nullable), within("events", RECORD)] {
        let found = faults(&reading(&records("/events", "houseId"), &schema));
        assert!(found.contains(&("records-array", RECORDS)), "{schema}: {found:?}");
    }
    assert_eq!(
        faults(&reading(&records("", "houseId"), "{type: object, properties: {}}")),
        [("records-array", RECORDS)]
    );
    let without_body =
        reading(&records("", "houseId"), "{}").replace(" {content: {application/json: {schema: {}}}}", " {}");
    assert_eq!(faults(&without_body), [("records-array", RECORDS)]);

    let house = "houseId: {type: string, maxLength: 9, x-portcullis: {class: identifier, of: house, protect: keep}}";
    let instead = |member: &str| RECORD.replace(house, member);
    for (name, record) in [
        ("house", RECORD.to_owned()),
        ("who", RECORD.to_owned()),
        ("houseId", RECORD.replace("required: [houseId], ", "")),
        ("houseId", instead(&house.replace("type: string", "type: [string, \"null\"]"))),
        ("houseId", instead(&house.replace("of: house", "of: door"))),
        ("houseId", instead(&house.replace("protect: keep", "protect: require-encrypted"))),
        ("houseId", instead("houseId: {type: string, maxLength: 9, x-portcullis: {class: public}}")),
        ("houseId", instead("houseId: {type: integer, x-portcullis: {class: identifier, of: house, protect: keep}}")),
        (
            "houseId",
            "{type: string, maxLength: 9, x-portcullis: {class: identifier, of: house, protect: keep}}".to_owned(),
        ),
    ] {
        let text = reading(&records("", name), &list(&record));
        assert_eq!(faults(&text), [("records-house", RECORDS)], "{name} of {record}");
    }
    for (written, code) in [
        (", records: /events", "wrong-type"),
        (", records: {array: \"\"}", "missing-key"),
        (", records: {house: houseId}", "missing-key"),
        (", records: {array: \"\", house: houseId, action: see}", "unknown-key"),
    ] {
        let found = faults(&reading(written, &list(RECORD)));
        assert_eq!(found, [(code, RECORDS)], "{written}");
    }
}
