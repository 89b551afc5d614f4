//! Each limit: at it, and one past it.

use crate::json::Fault;
use crate::json::Limits;
use crate::json::Reader;
use crate::json::parse;

const SMALL: Limits = Limits { max_depth: 3, max_members: 20, max_elements: 4, max_string_bytes: 8 };

fn fault(text: &str, limits: Limits) -> Option<Fault> {
    parse(text.as_bytes(), limits).err().map(|error| error.fault())
}

fn object_of(members: usize) -> String {
    let members: Vec<String> = (0..members).map(|index| format!("\"{index}\":0")).collect();
    format!("{{{}}}", members.join(","))
}

#[test]
fn depth_counts_arrays_and_objects_alike() {
    assert_eq!(fault("[[[]]]", SMALL), None);
    assert_eq!(fault("[[[[]]]]", SMALL), Some(Fault::TooDeep));
    assert_eq!(fault("{\"a\":[{\"b\":0}]}", SMALL), None);
    assert_eq!(fault("{\"a\":[{\"b\":{}}]}", SMALL), Some(Fault::TooDeep));
    assert_eq!(fault("[[[]],[[]],[[]]]", SMALL), None, "what is closed no longer counts");
}

#[test]
fn depth_zero_admits_no_array() {
    let flat = Limits { max_depth: 0, ..SMALL };
    assert_eq!(fault("7", flat), None);
    assert_eq!(fault("[]", flat), Some(Fault::TooDeep));
}

#[test]
fn the_greatest_depth_there_is_does_not_exhaust_the_stack() {
    let deepest = Limits { max_depth: u8::MAX, ..Limits::default() };
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(fault(&nested(255), deepest), None);
    assert_eq!(fault(&nested(256), deepest), Some(Fault::TooDeep));
    assert_eq!(fault(&"[".repeat(100_000), deepest), Some(Fault::TooDeep));
    assert_eq!(fault(&"[{\"\":".repeat(50_000), deepest), Some(Fault::TooDeep));
}

#[test]
fn members_are_counted_per_object() {
    assert_eq!(fault(&object_of(20), SMALL), None);
    assert_eq!(fault(&object_of(21), SMALL), Some(Fault::TooManyMembers));
    assert_eq!(fault(&format!("[{0},{0}]", object_of(20)), SMALL), None);
    assert_eq!(fault("{}", Limits { max_members: 0, ..SMALL }), None);
    assert_eq!(fault("{\"a\":0}", Limits { max_members: 0, ..SMALL }), Some(Fault::TooManyMembers));
}

#[test]
fn elements_are_counted_per_array() {
    assert_eq!(fault("[0,0,0,0]", SMALL), None);
    assert_eq!(fault("[0,0,0,0,0]", SMALL), Some(Fault::TooManyElements));
    assert_eq!(fault("[[0,0,0,0],[0,0,0,0]]", SMALL), None);
}

#[test]
fn strings_and_names_are_measured_in_bytes_after_unescaping() {
    for (text, expected) in [
        ("\"12345678\"", None),
        ("\"123456789\"", Some(Fault::StringTooLong)),
        (r#""\u0041\u0041\u0041\u0041\u0041\u0041\u0041\u0041""#, None),
        (r#""\u0041\u0041\u0041\u0041\u0041\u0041\u0041\u0041\u0041""#, Some(Fault::StringTooLong)),
        ("\"дверь\"", Some(Fault::StringTooLong)),
        ("\"двер\"", None),
        (r#""двер\n""#, Some(Fault::StringTooLong)),
        ("{\"12345678\":0}", None),
        ("{\"123456789\":0}", Some(Fault::StringTooLong)),
    ] {
        assert_eq!(fault(text, SMALL), expected, "{text}");
    }
}

#[test]
fn a_string_may_be_asked_for_within_less_than_the_limit() {
    let ask = |max_bytes| Reader::new(b"\"12345\"", SMALL).unwrap().string(max_bytes).err().map(|error| error.fault());
    assert_eq!(ask(5), None);
    assert_eq!(ask(4), Some(Fault::StringTooLong));
    let mut reader = Reader::new(b"\"123456789\"", SMALL).unwrap();
    assert_eq!(reader.string(1_000).unwrap_err().fault(), Fault::StringTooLong, "never more than the limit");
}

#[test]
fn a_long_escaped_string_is_given_up_early() {
    let text = format!("\"\\n{}", "\\n".repeat(1_000));
    let error = parse(text.as_bytes(), SMALL).unwrap_err();
    assert_eq!(error.fault(), Fault::StringTooLong);
    assert!(error.offset() < 30);
}

#[test]
fn duplicate_names_are_found_among_few_and_among_many() {
    let many = Limits { max_members: 100_000, ..SMALL };
    for members in [1, 2, 15, 16, 17, 18, 100, 50_000] {
        let object = object_of(members);
        assert_eq!(fault(&object, many), None, "{members}");
        let open = object.strip_suffix('}').unwrap();
        for repeated in [0, members / 2, members - 1] {
            let plain = repeated.to_string();
            let escaped: String = plain.bytes().map(|digit| format!("\\u00{digit:x}")).collect();
            for name in [plain, escaped] {
                assert_eq!(
                    fault(&format!("{open},\"{name}\":0}}"), many),
                    Some(Fault::DuplicateName),
                    "{members} {name}"
                );
            }
        }
    }
}

#[test]
fn names_are_compared_within_one_object_only() {
    let inner = object_of(17);
    for text in [
        format!("[{inner},{inner}]"),
        format!("{{\"0\":{inner},\"1\":{inner},\"2\":0}}"),
        "{\"a\":{\"a\":{\"a\":0}},\"b\":{\"a\":0}}".into(),
    ] {
        assert_eq!(fault(&text, SMALL), None, "{text}");
    }
    assert_eq!(fault(&format!("{{\"a\":{inner},\"a\":0}}"), SMALL), Some(Fault::DuplicateName));
    assert_eq!(fault("{\"a\":{\"b\":0},\"a\":0}", SMALL), Some(Fault::DuplicateName));
}
