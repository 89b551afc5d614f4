//! Contracts that would let a few bytes make much work do not load; those at the bound do, and their worst body is taken.

use super::Posting;
use super::compile;
use super::with_body;

/// The message of the fault of a body with this schema, if there is one and it is that it is too dear.
fn too_dear(schema: &str) -> Option<String> {
    let faults = compile(&with_body(schema)).err()?;
    let found: Vec<_> = faults.iter().collect();
    let [fault] = found.as_slice() else { panic!("{faults}") };
    assert_eq!(fault.code, "too-dear", "{faults}");
    Some(format!("{}:{} {}", fault.place.line, fault.place.column, fault.message))
}

fn list_of(most: usize, items: &str) -> String {
    format!("{{type: object, properties: {{v: {{type: array, maxItems: {most}, items: {items}}}}}}}")
}

const PSEUDONYM: &str =
    "{type: string, maxLength: 8, x-portcullis: {class: identifier, of: house, protect: pseudonymize}}";

#[test]
fn an_ordinary_list_may_be_as_long_as_its_body() {
    for items in [
        "{type: integer, x-portcullis: {class: public}}",
        "{type: boolean, x-portcullis: {class: public}}",
        "{type: string, maxLength: 9, x-portcullis: {class: public}}",
        "{type: object, properties: {a: {type: number, multipleOf: 0.1, x-portcullis: {class: public}}}}",
    ] {
        assert_eq!(too_dear(&list_of(1_000_000, items)), None, "{items}");
    }
    let numbers = vec!["7"; 32_000].join(",");
    let body = format!("{{\"v\":[{numbers}]}}");
    let posting = Posting::of(&list_of(1_000_000, "{type: integer, x-portcullis: {class: public}}"));
    assert_eq!(posting.sent(&body).unwrap(), body);
}

#[test]
fn what_costs_much_for_each_value_is_bounded_by_the_arrays_around_it() {
    // 64 steps for each of 65,536 bytes are 4,194,304; a pseudonym costs 2,025 with its comma, at least, and its bytes.
    let (mut fits, mut too_many) = (1_usize, 100_000_usize);
    assert_eq!(too_dear(&list_of(fits, PSEUDONYM)), None);
    while too_many - fits > 1 {
        let middle = fits.midpoint(too_many);
        if too_dear(&list_of(middle, PSEUDONYM)).is_some() { too_many = middle } else { fits = middle }
    }
    assert!((1_500..2_100).contains(&fits), "{fits}");
    let message = too_dear(&list_of(too_many, PSEUDONYM)).unwrap();
    assert!(message.contains("65 steps of work for each byte, and 64 are allowed"), "{message}");
    // Two levels of arrays multiply.
    let inner = format!("{{type: array, maxItems: 100, items: {PSEUDONYM}}}");
    assert_eq!(too_dear(&list_of(fits / 100, &inner)), None);
    assert!(too_dear(&list_of(100, &inner)).is_some());
}

#[test]
fn the_fault_stands_at_what_costs_most() {
    let cheap = "{type: integer, x-portcullis: {class: public}}";
    let schema = format!(
        "{{type: object, properties: {{a: {cheap}, v: {{type: array, maxItems: 9999, items: {{type: object, properties: {{b: {cheap}, c: {PSEUDONYM}}}}}}}}}}}"
    );
    let message = too_dear(&schema).unwrap();
    let text = with_body(&schema);
    let (line, column) = text
        .lines()
        .enumerate()
        .find_map(|(index, line)| line.find(PSEUDONYM).map(|column| (index + 1, column + 1)))
        .unwrap();
    assert!(message.starts_with(&format!("{line}:{column} ")), "{message}");
}

#[test]
fn sets_within_sets_multiply_and_end_somewhere() {
    let nested = |levels: usize| {
        let mut items = String::from("{type: integer, x-portcullis: {class: public}}");
        for _ in 0..levels {
            items = format!("{{type: array, maxItems: 100000, uniqueItems: true, items: {items}}}");
        }
        format!("{{type: object, properties: {{v: {items}}}}}")
    };
    assert_eq!(too_dear(&nested(0)), None);
    let deepest = (1..15).take_while(|levels| too_dear(&nested(*levels)).is_none()).count();
    assert!(deepest < 14, "{deepest}");
    assert!(too_dear(&nested(deepest + 1)).is_some());
}

#[test]
fn an_answer_is_held_to_the_bound_of_its_own_size() {
    let records = "legal_basis: b, records: {array: \"\", house: h}";
    let text = with_body("{type: object, properties: {}}").replace("legal_basis: b", records);
    let record = format!("{{type: object, required: [h], properties: {{h: {PSEUDONYM}}}}}");
    let list = |most: usize| {
        let answer = format!(
            "responses: {{\"200\": {{content: {{application/json: {{schema: {{type: array, maxItems: {most}, items: {record}}}}}}}}}}}"
        );
        compile(&text.replace("responses: {\"202\": {description: taken}}", &answer))
    };
    // An answer may be sixteen times as long as a request.
    assert!(list(20_000).is_ok());
    let faults = list(1_000_000).err().unwrap();
    assert!(faults.iter().all(|fault| fault.code == "too-dear"), "{faults}");
}
