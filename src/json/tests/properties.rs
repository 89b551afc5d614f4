//! What holds for every text and every tree, with `serde_json` as the outside judge.

use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prelude::prop_oneof;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::proptest;

use crate::json::Limits;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::json::canonical;
use crate::json::parse;
use crate::json::tests::suite;
use crate::json::write;

/// Doubles of lesser magnitude are numbers of I-JSON.
const RANGE: f64 = 9_007_199_254_740_992.0;

/// Trees within the default limits, with the characters that writers and readers trip over.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(|integer| Value::from(Number::try_from(integer >> 11).unwrap())),
        any::<f64>().prop_map(|double| Value::from(Number::try_from(double % RANGE).unwrap())),
        (-1e6..1e6).prop_map(|double: f64| Value::from(Number::try_from(double).unwrap())),
        texts().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            proptest::collection::vec((texts(), inner), 0..24)
                .prop_map(|members| Value::from(members.into_iter().collect::<Object>())),
        ]
    })
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z_]{0,12}", "[ -~]{0,20}", "[\0-\u{7f}дюё€\u{2028}\u{e000}\u{fb33}😂]{0,20}"]
}

fn written(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

/// The step between doubles below the normal range.
const LEAST_DOUBLE: f64 = 5e-324;

/// Whether both say the same. Doubles may differ in the last bit: `serde_json` rounds fast by default, not always
/// right.
fn agrees(ours: &Value, theirs: &serde_json::Value) -> bool {
    match (ours, theirs) {
        (Value::Null, serde_json::Value::Null) => true,
        (Value::Boolean(ours), serde_json::Value::Bool(theirs)) => ours == theirs,
        (Value::String(ours), serde_json::Value::String(theirs)) => **ours == **theirs,
        (Value::Number(ours), serde_json::Value::Number(theirs)) => {
            let (ours, theirs) = (ours.as_f64(), theirs.as_f64().unwrap());
            (ours - theirs).abs() <= ours.abs() * 2.0 * f64::EPSILON + LEAST_DOUBLE
        }
        (Value::Array(ours), serde_json::Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| agrees(ours, theirs))
        }
        (Value::Object(ours), serde_json::Value::Object(theirs)) => {
            ours.len() == theirs.len() && ours.iter().all(|(name, value)| agrees(value, &theirs[name]))
        }
        _ => false,
    }
}

/// What must hold for any bytes: no panic, and what is accepted is accepted by others too, and comes back the same.
fn judge(text: &[u8]) -> Result<bool, &'static str> {
    let Ok(value) = parse(text, Limits::default()) else { return Ok(false) };
    let theirs = serde_json::from_slice(text).map_err(|_| "serde_json refuses what we accept")?;
    if !agrees(&value, &theirs) {
        return Err("serde_json reads another value");
    }
    if parse(&written(&value), Limits::default()).as_ref() != Ok(&value) {
        return Err("what is written is not read as the same");
    }
    let canonical_text = canonical(&value);
    match parse(&canonical_text, Limits::default()) {
        Ok(again) if again == value && canonical(&again) == canonical_text => Ok(true),
        _ => Err("the canonical text is not read as the same"),
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(value in values()) {
        let text = written(&value);
        prop_assert_eq!(judge(&text), Ok(true));
        prop_assert_eq!(parse(&text, Limits::default()), Ok(value));
    }

    #[test]
    fn what_serde_json_writes_is_read(value in values()) {
        let theirs: serde_json::Value = serde_json::from_slice(&written(&value)).unwrap();
        let text = serde_json::to_vec_pretty(&theirs).unwrap();
        let again = parse(&text, Limits::default());
        prop_assert!(again.is_ok_and(|again| agrees(&again, &theirs)));
    }

    #[test]
    fn canonical_text_does_not_depend_on_the_order_of_members(
        members in proptest::collection::vec((texts(), any::<i32>()), 0..30)
    ) {
        let forwards: Object = members.iter().cloned().collect();
        let distinct: Vec<_> = forwards.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
        let backwards: Object = distinct.into_iter().rev().collect();
        prop_assert_eq!(&forwards, &backwards);
        prop_assert_eq!(canonical(&forwards.into()), canonical(&backwards.into()));
    }

    #[test]
    fn every_double_in_range_comes_back(bits in any::<u64>()) {
        if let Ok(number) = Number::try_from(f64::from_bits(bits)) {
            let value = Value::from(number);
            prop_assert_eq!(parse(&written(&value), Limits::default()), Ok(value));
        }
    }

    #[test]
    fn decimal_spellings_agree_with_serde_json(
        text in "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,18})?([eE][+-]?[0-9]{1,3})?"
    ) {
        prop_assert!(judge(text.as_bytes()).is_ok());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(judge(&bytes).is_ok());
    }

    #[test]
    fn any_tokens_are_read_or_refused(tokens in proptest::collection::vec(token(), 0..30)) {
        prop_assert!(judge(&tokens.concat()).is_ok());
    }

    #[test]
    fn a_mutated_text_is_read_or_refused(
        value in values(),
        mutations in proptest::collection::vec((any::<usize>(), any::<usize>(), any::<u8>()), 1..4)
    ) {
        let mut text = written(&value);
        for (place, other, byte) in mutations {
            mutate(&mut text, place, other, byte);
        }
        prop_assert_eq!(judge(&text).map(drop), Ok(()));
    }

    #[test]
    fn a_text_cut_short_is_refused(value in values(), cut in any::<usize>()) {
        let text = written(&Value::from(vec![value]));
        let cut = &text[..cut % text.len()];
        prop_assert!(parse(cut, Limits::default()).is_err());
    }
}

#[test]
fn the_suite_with_every_byte_changed_is_read_or_refused() {
    let refused = suite::REFUSED.iter().flat_map(|(_, samples)| samples.iter());
    for (name, text) in suite::ACCEPTED.iter().chain(refused) {
        for place in 0..text.len() {
            for byte in b"\"\\,:[]{}0-.eEtnu \n\0\x7f\x80\xC3\xED\xEF\xF4\xFF" {
                let mut text = text.to_vec();
                text[place] = *byte;
                assert_eq!(judge(&text).map(drop), Ok(()), "{name} {place} {byte:02x}");
            }
        }
    }
}

/// Pieces that make texts which are nearly well formed.
fn token() -> impl Strategy<Value = &'static [u8]> {
    proptest::sample::select(vec![
        &b"{"[..],
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b" ",
        b"\"a\"",
        b"\"\\u0061\"",
        b"\"b\":",
        b"0",
        b"-1",
        b"1.5e3",
        b"true",
        b"null",
        b"\"\\ud83d",
        b"\\ude02\"",
        b"\"",
        b"\\",
        b"\xD0\xB4",
        b"{\"a\":",
        b"[1,",
    ])
}

fn mutate(text: &mut Vec<u8>, place: usize, other: usize, byte: u8) {
    if text.is_empty() {
        return;
    }
    let (place, other) = (place % text.len(), other % text.len());
    match byte % 5 {
        0 => text[place] = byte,
        1 => text.swap(place, other),
        2 => drop(text.remove(place)),
        3 => text.insert(place, text[other]),
        _ => text.extend_from_within(place.min(other)..place.max(other)),
    }
}
