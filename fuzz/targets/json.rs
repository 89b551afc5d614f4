//! JSON: what is accepted is JSON to another parser too, says the same to it, and survives being written and read again.

use portcullis::json::Limits;
use portcullis::json::Value;
use portcullis::json::canonical;
use portcullis::json::parse;
use portcullis::json::write;

pub const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "\\udc00",
    "\\ud83d\\ude00",
    "null",
    "true",
    "false",
    "-",
    "-0",
    "0.1",
    "1e5",
    "1E-7",
    "1e999",
    "9007199254740993",
    "NaN",
    "\u{feff}",
    "\u{ffff}",
    "\"a\":1",
    "//",
    "\t",
];

pub fn json(data: &[u8]) -> bool {
    let value = match parse(data, Limits::default()) {
        Ok(value) => value,
        Err(error) => {
            assert!(error.offset() <= data.len(), "a place beyond the text");
            return false;
        }
    };
    let mut text = Vec::new();
    write(&value, &mut text);
    assert_eq!(parse(&text, Limits::default()).expect("what was written is read"), value);
    let mut again = Vec::new();
    write(&value, &mut again);
    assert_eq!(again, text);
    let theirs: serde_json::Value = serde_json::from_slice(data).expect("JSON to another parser too");
    same(&value, &theirs);
    let canonical_text = canonical(&value);
    let of_canonical = parse(canonical_text.as_ref(), Limits::default()).expect("canonical text is read");
    assert_eq!(canonical(&of_canonical), canonical_text);
    true
}

fn same(ours: &Value, theirs: &serde_json::Value) {
    match (ours, theirs) {
        (Value::Null, serde_json::Value::Null) => {}
        (Value::Boolean(ours), serde_json::Value::Bool(theirs)) => assert_eq!(ours, theirs),
        (Value::String(ours), serde_json::Value::String(theirs)) => assert_eq!(&**ours, theirs),
        (Value::Number(ours), serde_json::Value::Number(theirs)) => {
            if let (Some(ours), Some(theirs)) = (ours.as_integer(), theirs.as_i64()) {
                assert_eq!(ours, theirs);
                return;
            }
            let mut text = Vec::new();
            portcullis::json::write_number(*ours, &mut text);
            let ours: f64 = std::str::from_utf8(&text).unwrap().parse().unwrap();
            let theirs = theirs.as_f64().unwrap();
            // Theirs is not always the nearest one.
            assert!((ours - theirs).abs() <= theirs.abs() * 1e-15 + f64::MIN_POSITIVE, "{ours} is not {theirs}");
        }
        (Value::Array(ours), serde_json::Value::Array(theirs)) => {
            assert_eq!(ours.len(), theirs.len());
            ours.iter().zip(theirs).for_each(|(ours, theirs)| same(ours, theirs));
        }
        (Value::Object(ours), serde_json::Value::Object(theirs)) => {
            assert_eq!(ours.len(), theirs.len(), "a name that stands twice was let through");
            for (name, value) in ours.iter() {
                same(value, theirs.get(name).expect("the member is there"));
            }
        }
        _ => panic!("not of one kind"),
    }
}
