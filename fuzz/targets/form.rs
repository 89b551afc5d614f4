//! Forms of the token endpoints: what is accepted is what a simple decoder of the whole finds, each parameter once.

use portcullis::form::Form;
use std::collections::BTreeMap;

/// What may stand in a form at one of the endpoints.
const NAMES: &[&str] = &[
    "grant_type",
    "subject_token",
    "subject_token_type",
    "scope",
    "authorization_details",
    "client_id",
    "client_assertion",
    "expires_in",
];

pub const WORDS: &[&str] = &[
    "grant_type=",
    "scope=",
    "client_id=",
    "&scope=a",
    "sc%6Fpe",
    "Scope",
    "client_secret",
    "&",
    "&&",
    "=",
    "+",
    "%",
    "%2B",
    "%20",
    "%26",
    "%3D",
    "%00",
    "%0D%0A",
    "%7F",
    "%C2%80",
    "%C0%AF",
    "%D1%8F",
    "%ED%A0%80",
    "%F4%90%80%80",
    "%%34%31",
    ";",
    "[]",
    "\u{44f}",
    "\0",
];

/// The longest value, in bytes once it is decoded.
const LONGEST: usize = 8 * 1024;

/// A name or a value by the letter of the standard, read from its end.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(last) = rest.chars().last() {
        let escape = rest.len().checked_sub(3).and_then(|at| rest.get(at..)).and_then(|end| end.strip_prefix('%'));
        if let Some(digits) = escape {
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = rest.get(..rest.len() - 3)?;
            continue;
        }
        if !last.is_ascii() || matches!(last, '%' | '&' | '=') {
            return None;
        }
        bytes.push(if last == '+' { b' ' } else { u8::try_from(last).ok()? });
        rest = rest.get(..rest.len() - 1)?;
    }
    bytes.reverse();
    String::from_utf8(bytes).ok()
}

/// Every byte as an escape, which says the same.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// The bytes of a form.
pub fn form(data: &[u8]) -> bool {
    let Ok(form) = Form::parse(data, NAMES) else { return false };
    let text = std::str::from_utf8(data).expect("an accepted form is ASCII");
    let mut found = BTreeMap::new();
    for pair in text.split('&').filter(|_| !text.is_empty()) {
        let (name, value) = pair.split_once('=').expect("a name and a value");
        let (name, value) = (decoded(name).expect("a name"), decoded(value).expect("a value"));
        assert!(NAMES.contains(&&*name), "`{name}` is not known");
        assert!(value.len() <= LONGEST && !value.chars().any(char::is_control), "{name}: {value:?}");
        assert_eq!(found.insert(name, value), None, "a parameter stands there twice");
    }
    let mut again = Vec::new();
    for name in NAMES {
        let value = form.get(name);
        assert_eq!(value, found.get(*name).map(String::as_str).filter(|value| !value.is_empty()), "{name}");
        again.extend(value.map(|value| format!("{}={}", escaped(name), escaped(value))));
    }
    let again = Form::parse(again.join("&").as_bytes(), NAMES).expect("the same, spelled in another way");
    for name in NAMES {
        assert_eq!(again.get(name), form.get(name), "{name}");
    }
    // What it prints are names.
    let shown = format!("{form:?}");
    let names = shown.trim_matches(['[', ']']).split(", ").map(|name| name.trim_matches('"'));
    assert!(names.filter(|name| !name.is_empty()).all(|name| NAMES.contains(&name)), "{shown}");
    true
}
