//! Tables of texts: what the reader says, what the writers make of it.

use crate::json::Fault;
use crate::json::Kind;
use crate::json::Limits;
use crate::json::Number;
use crate::json::NumberOutOfRange;
use crate::json::Object;
use crate::json::Reader;
use crate::json::Value;
use crate::json::canonical;
use crate::json::parse;
use crate::json::tests::es6;
use crate::json::tests::suite;
use crate::json::write;
use crate::json::write::write_double;

fn read(text: &str) -> Value {
    parse(text.as_bytes(), Limits::default()).unwrap()
}

fn refusal(text: &[u8]) -> Option<Fault> {
    parse(text, Limits::default()).err().map(|error| error.fault())
}

fn written(value: &Value) -> String {
    let mut out = Vec::new();
    write(value, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn json_test_suite_is_accepted_as_far_as_i_json_goes() {
    assert_eq!(suite::ACCEPTED.len(), 80);
    for (name, text) in suite::ACCEPTED {
        assert!(name.starts_with("y_"), "{name}");
        assert_eq!(refusal(text), None, "{name}");
    }
}

#[test]
fn json_test_suite_is_refused_for_the_right_reason() {
    for (fault, samples) in suite::REFUSED {
        for (name, text) in *samples {
            assert_eq!(refusal(text), Some(*fault), "{name}");
            let stricter_than_json = matches!(
                fault,
                Fault::DuplicateName | Fault::Noncharacter | Fault::NumberRange | Fault::NumberPrecision
            );
            assert!(!name.starts_with("y_") || stricter_than_json, "{name}");
        }
    }
    let samples: usize = suite::REFUSED.iter().map(|(_, samples)| samples.len()).sum();
    assert_eq!(samples + suite::ACCEPTED.len() + 3, 318, "every text of the suite is here");
    assert_eq!(refusal("[".repeat(100_000).as_bytes()), Some(Fault::TooDeep));
    assert_eq!(refusal("[{\"\":".repeat(50_000).as_bytes()), Some(Fault::TooDeep));
    assert_eq!(refusal(("[".repeat(500) + &"]".repeat(500)).as_bytes()), Some(Fault::TooDeep));
}

#[test]
fn numbers_are_held_and_written_in_one_way() {
    for (text, expected) in [
        ("0", "0"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("0e999999999999999999999", "0"),
        ("0.000e-5", "0"),
        ("1.0", "1"),
        ("-1.000", "-1"),
        ("1e2", "100"),
        ("1E+2", "100"),
        ("1.5e1", "15"),
        ("1500e-2", "15"),
        ("0.1e1", "1"),
        ("123456789", "123456789"),
        ("9007199254740991", "9007199254740991"),
        ("-9007199254740991", "-9007199254740991"),
        ("9007199254740991.0", "9007199254740991"),
        ("9.007199254740991e15", "9007199254740991"),
        ("0.1", "0.1"),
        ("-0.1", "-0.1"),
        ("0.10", "0.1"),
        ("1e-1", "0.1"),
        ("1.50", "1.5"),
        ("55.7558", "55.7558"),
        ("0.000001", "0.000001"),
        ("0.0000001", "1e-7"),
        ("0.00000012", "1.2e-7"),
        ("1e-7", "1e-7"),
        ("5e-324", "5e-324"),
        ("333333333.33333329", "333333333.3333333"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("1.7976931348623157e-300", "1.7976931348623157e-300"),
        ("4503599627370495.5", "4503599627370495.5"),
    ] {
        assert_eq!(written(&read(text)), expected, "{text}");
        assert_eq!(read(expected), read(text), "{text}");
    }
}

#[test]
fn a_whole_number_is_an_integer_however_it_is_spelled() {
    for text in ["15", "15.0", "15.000", "1.5e1", "150e-1", "0.15E2"] {
        assert_eq!(read(text).as_integer(), Some(15), "{text}");
        assert_eq!(read(text), Value::from(15), "{text}");
    }
    assert_eq!(read("15.5").as_integer(), None);
    assert_eq!(read("15.5").as_number().unwrap().as_f64().to_bits(), 15.5_f64.to_bits());
}

#[test]
fn numbers_that_a_double_would_change_are_refused() {
    for (text, fault) in [
        ("9007199254740992", Fault::NumberRange),
        ("-9007199254740992", Fault::NumberRange),
        ("9007199254740992.0", Fault::NumberRange),
        ("9007199254740991.9", Fault::NumberRange),
        ("9.007199254740992e15", Fault::NumberRange),
        ("10000000000000000", Fault::NumberRange),
        ("18446744073709551616", Fault::NumberRange),
        ("99999999999999999999999999999999999999", Fault::NumberRange),
        ("1e16", Fault::NumberRange),
        ("1e21", Fault::NumberRange),
        ("1e308", Fault::NumberRange),
        ("1e309", Fault::NumberRange),
        ("-1e400", Fault::NumberRange),
        ("1e99999999999999999999", Fault::NumberRange),
        ("9007199254740991.4", Fault::NumberPrecision),
        ("4503599627370497.25", Fault::NumberPrecision),
        ("1.00000000000000001", Fault::NumberPrecision),
        ("0.99999999999999999", Fault::NumberPrecision),
        ("3.141592653589793238462643383279", Fault::NumberPrecision),
        ("1e-400", Fault::NumberPrecision),
        ("-1e-400", Fault::NumberPrecision),
        ("1e-99999999999999999999", Fault::NumberPrecision),
    ] {
        assert_eq!(refusal(text.as_bytes()), Some(fault), "{text}");
    }
}

#[test]
fn strings_are_unescaped_and_written_with_the_fewest_escapes() {
    for (text, content, expected) in [
        (r#""""#, "", r#""""#),
        (r#""door""#, "door", r#""door""#),
        (r#""a\/b""#, "a/b", r#""a/b""#),
        (r#""\"\\\b\f\n\r\t""#, "\"\\\u{8}\u{c}\n\r\t", r#""\"\\\b\f\n\r\t""#),
        (r#""\u0000\u001f\u007F""#, "\0\u{1f}\u{7f}", "\"\\u0000\\u001f\u{7f}\""),
        (r#""\u0041\u00e9\u0434\u20AC""#, "Aéд€", "\"Aéд€\""),
        (r#""\ud83d\ude02""#, "😂", "\"😂\""),
        (r#""\uD834\uDD1E after""#, "𝄞 after", "\"𝄞 after\""),
        (r#""\uDBFF\uDFFD""#, "\u{10FFFD}", "\"\u{10FFFD}\""),
        ("\"\u{7f}\u{80}\u{2028}\u{2029}\"", "\u{7f}\u{80}\u{2028}\u{2029}", "\"\u{7f}\u{80}\u{2028}\u{2029}\""),
        ("\"\u{FEFF}\"", "\u{FEFF}", "\"\u{FEFF}\""),
        ("\"\u{FFFD}\u{FDCF}\u{FDF0}\"", "\u{FFFD}\u{FDCF}\u{FDF0}", "\"\u{FFFD}\u{FDCF}\u{FDF0}\""),
        (r#""дом 7, подъезд\n2""#, "дом 7, подъезд\n2", r#""дом 7, подъезд\n2""#),
    ] {
        assert_eq!(read(text).as_str(), Some(content), "{text}");
        assert_eq!(written(&read(text)), expected, "{text}");
    }
}

#[test]
fn special_bytes_are_found_at_every_place_of_a_long_string() {
    for length in 0..40 {
        for special in ["\"", "\\", "\n", "\u{0}", "\u{1f}"] {
            let content = "x".repeat(length) + special + &"ю".repeat(length);
            let text = written(&Value::from(content.as_str()));
            assert_eq!(read(&text).as_str(), Some(content.as_str()), "{length} {special:?}");
            if special != "\"" && special != "\\" {
                assert_eq!(refusal(format!("\"{content}\"").as_bytes()), Some(Fault::ControlCharacter), "{length}");
            }
        }
    }
}

#[test]
fn strings_that_i_json_forbids_are_refused() {
    for (text, fault) in [
        (r#""\ud800""#, Fault::LoneSurrogate),
        (r#""\udbff x""#, Fault::LoneSurrogate),
        (r#""\udc00""#, Fault::LoneSurrogate),
        (r#""\udfff\ud800""#, Fault::LoneSurrogate),
        (r#""\ud800\ud800""#, Fault::LoneSurrogate),
        (r#""\ud800\u0041""#, Fault::LoneSurrogate),
        (r#""\ud800A""#, Fault::LoneSurrogate),
        (r#""\ud800\n""#, Fault::LoneSurrogate),
        (r#""\ud83d\ude0""#, Fault::UnknownEscape),
        (r#""\ud83d\u"#, Fault::EndedEarly),
        (r#""\ud83d\"#, Fault::EndedEarly),
        (r#""\ud83d"#, Fault::EndedEarly),
        (r#"{"\udead":0}"#, Fault::LoneSurrogate),
        (r#""\ufffe""#, Fault::Noncharacter),
        (r#""\uFDD0""#, Fault::Noncharacter),
        (r#""\ud83f\udffe""#, Fault::Noncharacter),
        ("\"door \u{FFFF}\"", Fault::Noncharacter),
        ("\"\u{FDEF}\"", Fault::Noncharacter),
        ("{\"\u{10FFFF}\":0}", Fault::Noncharacter),
        (r#""\x41""#, Fault::UnknownEscape),
        (r#""\U0041""#, Fault::UnknownEscape),
        (r#""\u+041""#, Fault::UnknownEscape),
        (r#""\u 041""#, Fault::UnknownEscape),
        (r#""\u00""#, Fault::UnknownEscape),
        (r#""\'""#, Fault::UnknownEscape),
        ("\"\\\n\"", Fault::UnknownEscape),
    ] {
        assert_eq!(refusal(text.as_bytes()), Some(fault), "{text}");
    }
}

#[test]
fn names_are_compared_after_unescaping() {
    for text in [
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"\u0061":1,"a":1}"#,
        r#"{"\u0061":1,"\u0061":1}"#,
        r#"{"":1,"":1}"#,
        r#"{"\n":1,"\u000a":1}"#,
        r#"{"\/":1,"/":1}"#,
        r#"{"é":1,"\u00E9":1}"#,
        r#"{"😂":1,"\ud83d\uDE02":1}"#,
        r#"[{"x":{"a":1,"b":{},"a":2}}]"#,
    ] {
        assert_eq!(refusal(text.as_bytes()), Some(Fault::DuplicateName), "{text}");
    }
    // Not the same: other case, other normal form.
    for text in [r#"{"a":1,"A":2}"#, "{\"\u{e9}\":1,\"e\u{301}\":2}", r#"{"a":1,"a ":2}"#, r#"{"a":1,"a\u0000":2}"#] {
        assert_eq!(refusal(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn faults_say_where_they_are() {
    for (text, fault, offset) in [
        (&b"{\"a\":\xFF}"[..], Fault::NotUtf8, 5),
        (b"\xEF\xBB\xBF{}", Fault::ByteOrderMark, 0),
        (b" {} {}", Fault::TrailingData, 4),
        (b"[1,2,]", Fault::TrailingComma, 5),
        (b"{\"a\":1 , }", Fault::TrailingComma, 9),
        (b"{\"a\":1,\"a\":2}", Fault::DuplicateName, 7),
        (b"[10, 007]", Fault::NumberForm, 5),
        (b"[10, -x]", Fault::NumberForm, 6),
        (b"[1e]", Fault::NumberForm, 3),
        (b"[10, 9007199254740992]", Fault::NumberRange, 5),
        (b"[\"ab\ncd\"]", Fault::ControlCharacter, 4),
        (b"[\"ab\\q\"]", Fault::UnknownEscape, 4),
        (b"[\"ab\\ud800\"]", Fault::LoneSurrogate, 4),
        (b"[nul]", Fault::Misplaced, 1),
        (b"[1 2]", Fault::Misplaced, 3),
        (b"[1,2", Fault::EndedEarly, 4),
        (b"", Fault::EndedEarly, 0),
        (b"tru", Fault::EndedEarly, 0),
        (b"nulL", Fault::Misplaced, 0),
        (b"null5", Fault::TrailingData, 4),
        (b"{\"a\" 1}", Fault::Misplaced, 5),
        (b"{\"a\":]", Fault::Misplaced, 5),
        (b"{,}", Fault::Misplaced, 1),
        (b"[,1]", Fault::Misplaced, 1),
        (b"[1}", Fault::Misplaced, 2),
        (b"{\"a\":1]", Fault::Misplaced, 6),
        (b"[\xC2\xA01]", Fault::Misplaced, 1),
        (b"\xE2\x80\xA8[]", Fault::Misplaced, 0),
        (b"[1]\0", Fault::TrailingData, 3),
    ] {
        let error = parse(text, Limits::default()).unwrap_err();
        assert_eq!((error.fault(), error.offset()), (fault, offset), "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn faults_tell_nothing_of_the_text() {
    let error = parse(br#"{"plate":"A123BC777","plate":"X"}"#, Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "duplicate name in an object at byte 21");
}

#[test]
fn debug_shows_kind_and_size_only() {
    let value = read(r#"{"name":"Ivanova","plate":["A123BC777",4711,0.5,true,null,{}]}"#);
    assert_eq!(format!("{value:?}"), "object(2 members)");
    assert_eq!(
        format!("{:?} {:?}", value.get("name"), value.get("plate").unwrap().as_array().unwrap()),
        "Some(string(7 bytes)) [string(9 bytes), integer, fraction, boolean, null, object(0 members)]"
    );
}

#[test]
fn white_space_between_tokens_goes_and_order_stays() {
    let value = read(" {\t\"b\" :\r\n[ 1 , { } , [ ] ] , \"a\": null }\n");
    assert_eq!(written(&value), r#"{"b":[1,{},[]],"a":null}"#);
}

#[test]
fn objects_are_equal_in_any_order() {
    assert_eq!(read(r#"{"a":1,"b":[2]}"#), read(r#"{"b":[2],"a":1}"#));
    assert_ne!(read(r#"{"a":1,"b":2}"#), read(r#"{"b":1,"a":2}"#));
    assert_ne!(read(r#"{"a":1,"b":2}"#), read(r#"{"a":1,"c":2}"#));
    assert_ne!(read(r#"{"a":1}"#), read(r#"{"a":1,"b":2}"#));
    assert_ne!(read("[1,2]"), read("[2,1]"));
    assert_ne!(read("1"), read("\"1\""));
}

#[test]
fn an_object_holds_each_name_once() {
    let mut object: Object = [("a", 1), ("b", 2), ("a", 3)].into_iter().collect();
    assert_eq!(object.insert("b", "two"), Some(Value::from(2)));
    assert_eq!(object.insert("c", true), None);
    assert_eq!((object.len(), object.is_empty()), (3, false));
    assert_eq!(written(&object.into()), r#"{"a":3,"b":"two","c":true}"#);
}

#[test]
fn numbers_are_made_only_within_range() {
    const MAX: i64 = 9_007_199_254_740_991;
    assert_eq!(Number::try_from(MAX).map(Number::as_integer), Ok(Some(MAX)));
    assert_eq!(Number::try_from(-MAX).map(Number::as_integer), Ok(Some(-MAX)));
    for beyond in [MAX + 1, -MAX - 1, i64::MAX, i64::MIN] {
        assert_eq!(Number::try_from(beyond), Err(NumberOutOfRange));
    }
    assert_eq!(Number::try_from(u64::MAX), Err(NumberOutOfRange));
    for none in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e16, -1e300] {
        assert_eq!(Number::try_from(none), Err(NumberOutOfRange));
    }
    assert_eq!(Number::try_from(-0.0), Ok(Number::from(0)));
    assert_eq!(Number::try_from(2.0), Ok(Number::from(2_u32)));
    let ordered = [-1.5, -1.0, 0.0, 0.5, 1.0].map(|double| Number::try_from(double).unwrap());
    assert!(ordered.is_sorted());
}

#[test]
fn doubles_are_spelled_as_rfc_8785_appendix_b_says() {
    for (bits, expected) in es6::APPENDIX_B {
        assert_eq!(spelled(f64::from_bits(*bits)), *expected, "{bits:016x}");
    }
}

#[test]
fn of_two_shortest_spellings_the_closer_one_that_reads_back_is_taken() {
    // Beside a power of two the doubles below lie closer together: `5.684341886080801e-14` is closer, but is another
    // double.
    assert_eq!(spelled(2.0_f64.powi(-44)), "5.684341886080802e-14");
}

#[test]
fn doubles_are_spelled_as_in_the_reference_file() {
    use sha2::Digest;
    let mut digest = sha2::Sha256::new();
    for double in es6::Doubles::new().take(es6::FILE_LINES) {
        digest.update(format!("{:x},{}\n", double.to_bits(), spelled(double)));
    }
    let digest: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, es6::FILE_SHA256);
}

fn spelled(double: f64) -> String {
    let mut out = Vec::new();
    write_double(double, &mut out);
    String::from_utf8(out).unwrap()
}

/// Inputs and outputs of github.com/cyberphone/json-canonicalization, `testdata`; in `values`, 1E10 stands for 1E30,
/// which is beyond I-JSON's range.
#[test]
fn canonical_texts_are_those_of_the_reference_material() {
    for (text, expected) in [
        (
            "[\n  56,\n  {\n    \"d\": true,\n    \"10\": null,\n    \"1\": [ ]\n  }\n]",
            r#"[56,{"1":[],"10":null,"d":true}]"#,
        ),
        (
            r#"{ "peach": "This sorting order", "péché": "is wrong according to French",
                 "pêche": "but canonicalization MUST", "sin":   "ignore locale" }"#,
            r#"{"peach":"This sorting order","péché":"is wrong according to French","pêche":"but canonicalization MUST","sin":"ignore locale"}"#,
        ),
        (
            r#"{ "1": {"f": {"f": "hi","F": 5} ,"\n": 56.0}, "10": { }, "": "empty", "a": { },
                 "111": [ {"e": "yes","E": "no" } ], "A": { } }"#,
            r#"{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}"#,
        ),
        ("{\"Unnormalized Unicode\":\"A\\u030a\"}", "{\"Unnormalized Unicode\":\"A\u{30a}\"}"),
        (
            r#"{ "numbers": [333333333.33333329, 1E10, 4.50, 2e-3, 0.000000000000000000000000001],
                 "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false] }"#,
            r#"{"literals":[null,true,false],"numbers":[333333333.3333333,10000000000,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#,
        ),
        (
            r#"{ "\u20ac": "Euro Sign", "\r": "Carriage Return", "\u000a": "Newline", "1": "One", "\u0080": "Control\u007f",
                 "\ud83d\ude02": "Smiley", "\u00f6": "Latin Small Letter O With Diaeresis",
                 "\ufb33": "Hebrew Letter Dalet With Dagesh", "</script>": "Browser Challenge" }"#,
            "{\"\\n\":\"Newline\",\"\\r\":\"Carriage Return\",\"1\":\"One\",\"</script>\":\"Browser Challenge\",\"\u{80}\":\"Control\u{7f}\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😂\":\"Smiley\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}",
        ),
    ] {
        let value = read(text);
        assert_eq!(String::from_utf8(canonical(&value)).unwrap(), expected);
        assert_eq!(read(expected), value);
    }
}

#[test]
fn the_reader_hands_out_what_it_is_asked_for() {
    let text = br#"{"door":"d-1","n\u006f":7,"tags":["a","b\n"],"open":true,"by":null,"at":1.5}"#;
    let mut reader = Reader::new(text, Limits::default()).unwrap();
    assert_eq!(reader.peek().unwrap(), Kind::Object);
    reader.begin_object().unwrap();
    let name = reader.next_key().unwrap().unwrap();
    assert!(matches!(name, std::borrow::Cow::Borrowed("door")), "borrowed where nothing is escaped");
    assert_eq!(reader.string(3).unwrap(), "d-1");
    assert_eq!(reader.next_key().unwrap().unwrap(), "no");
    assert_eq!(reader.number().unwrap().as_integer(), Some(7));
    assert_eq!(reader.next_key().unwrap().unwrap(), "tags");
    reader.begin_array().unwrap();
    assert!(reader.next_element().unwrap());
    assert_eq!(reader.string(9).unwrap(), "a");
    assert!(reader.next_element().unwrap());
    assert_eq!(reader.string(9).unwrap(), "b\n");
    assert!(!reader.next_element().unwrap());
    assert_eq!(reader.next_key().unwrap().unwrap(), "open");
    assert!(reader.boolean().unwrap());
    assert_eq!(reader.next_key().unwrap().unwrap(), "by");
    reader.null().unwrap();
    assert_eq!(reader.next_key().unwrap().unwrap(), "at");
    assert_eq!(reader.number().unwrap(), Number::try_from(1.5).unwrap());
    assert!(reader.next_key().unwrap().is_none());
    assert_eq!(reader.offset(), text.len());
    reader.finish().unwrap();
}

#[test]
fn the_reader_tells_one_kind_from_another() {
    let found = |text: &str| {
        let mut reader = Reader::new(text.as_bytes(), Limits::default()).unwrap();
        reader.string(100).map(drop).map_err(|error| error.fault())
    };
    for (text, found_kind) in [
        ("7", Kind::Number),
        ("-7", Kind::Number),
        ("true", Kind::Boolean),
        ("false", Kind::Boolean),
        ("null", Kind::Null),
        ("[]", Kind::Array),
        ("{}", Kind::Object),
    ] {
        assert_eq!(found(text), Err(Fault::WrongKind { wanted: Kind::String, found: found_kind }), "{text}");
    }
    assert_eq!(found("\"7\""), Ok(()));
}

#[test]
fn asking_out_of_turn_never_ends_in_an_accepted_text() {
    let reader = |text: &'static str| Reader::new(text.as_bytes(), Limits::default()).unwrap();
    let out_of_turn = |error: crate::json::JsonError| assert_eq!(error.fault(), Fault::OutOfTurn);

    out_of_turn(reader("7").finish().unwrap_err());
    out_of_turn(reader("{}").next_key().unwrap_err());
    out_of_turn(reader("[]").next_element().unwrap_err());

    let mut object = reader("{\"a\":7}");
    object.begin_object().unwrap();
    out_of_turn(object.string(10).unwrap_err());

    let mut value_left = reader("{\"a\":7}");
    value_left.begin_object().unwrap();
    value_left.next_key().unwrap();
    out_of_turn(value_left.next_key().unwrap_err());

    let mut array = reader("[7]");
    array.begin_array().unwrap();
    out_of_turn(array.number().unwrap_err());

    let mut open = reader("[7]");
    open.begin_array().unwrap();
    out_of_turn(open.finish().unwrap_err());

    let mut twice = reader("7");
    twice.number().unwrap();
    out_of_turn(twice.number().unwrap_err());
}

#[test]
fn the_first_fault_is_final() {
    let mut reader = Reader::new(b"[7]", Limits::default()).unwrap();
    assert!(reader.begin_object().is_err());
    assert_eq!(reader.begin_array().unwrap_err().fault(), Fault::OutOfTurn);
    assert_eq!(reader.finish().unwrap_err().fault(), Fault::OutOfTurn);
}
