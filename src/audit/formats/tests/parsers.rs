//! Readers of CEF and of RFC 5424, written from the documents and apart from the writers.

use std::collections::BTreeMap;

/// A message in CEF.
pub(super) struct Cef {
    /// Vendor, product, version, signature id, name, severity.
    pub(super) header: Vec<String>,
    pub(super) extension: BTreeMap<String, String>,
}

pub(super) fn cef(line: &str) -> Cef {
    let mut rest = line.strip_prefix("CEF:0|").expect("CEF, version 0").chars();
    let mut header = Vec::new();
    let mut part = String::new();
    while header.len() < 6 {
        match rest.next().expect("six parts") {
            '|' => header.push(std::mem::take(&mut part)),
            '\\' => match rest.next() {
                Some(c @ ('\\' | '|')) => part.push(c),
                other => panic!("escape {other:?} in a header"),
            },
            c => part.push(c),
        }
    }
    let mut extension = BTreeMap::new();
    let text = rest.as_str();
    // A key is what stands before an equals sign that is not escaped, back to the space before it.
    let mut key: Option<String> = None;
    let mut value = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => value.push(match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some(c @ ('\\' | '=')) => c,
                other => panic!("escape {other:?} in an extension"),
            }),
            '=' => {
                let (before, next) = match value.rsplit_once(' ') {
                    Some((before, next)) => (before.to_owned(), next.to_owned()),
                    None => (String::new(), value.clone()),
                };
                assert!(
                    !next.is_empty() && next.chars().all(|c| c.is_ascii_alphanumeric()),
                    "key {next:?} in {text:?}"
                );
                if let Some(key) = key.replace(next) {
                    assert!(extension.insert(key, before).is_none(), "a key twice");
                } else {
                    assert_eq!(before, "", "text before the first key");
                }
                value.clear();
            }
            c => value.push(c),
        }
    }
    extension.insert(key.expect("a key"), value);
    Cef { header, extension }
}

/// A syslog message.
pub(super) struct Syslog {
    pub(super) facility: u16,
    pub(super) severity: u16,
    /// Time, host, application, process, kind.
    pub(super) header: Vec<String>,
    /// Element, parameter, value.
    pub(super) data: BTreeMap<(String, String), String>,
    pub(super) text: String,
}

pub(super) fn syslog(message: &[u8]) -> Syslog {
    let message = std::str::from_utf8(message).expect("UTF-8");
    let (priority, rest) = message.strip_prefix('<').unwrap().split_once('>').unwrap();
    let priority: u16 = priority.parse().unwrap();
    let mut rest = rest.strip_prefix("1 ").expect("version 1");
    let mut header = Vec::new();
    for longest in [32, 255, 48, 128, 32] {
        let (part, after) = rest.split_once(' ').unwrap();
        assert!((1..=longest).contains(&part.len()) && part.bytes().all(|byte| (33..=126).contains(&byte)), "{part:?}");
        header.push(part.to_owned());
        rest = after;
    }
    let mut data = BTreeMap::new();
    let mut chars = rest.chars();
    let mut next = chars.next();
    while next == Some('[') {
        let mut id = String::new();
        next = chars.next();
        while let Some(c) = next.filter(|c| !matches!(c, ' ' | ']')) {
            id.push(c);
            next = chars.next();
        }
        assert!(is_name(&id), "{id:?}");
        while next == Some(' ') {
            let name: String = chars.by_ref().take_while(|c| *c != '=').collect();
            assert!(is_name(&name), "{name:?}");
            assert_eq!(chars.next(), Some('"'));
            let mut value = String::new();
            loop {
                match chars.next().expect("the end of a value") {
                    '"' => break,
                    ']' => panic!("a bracket that is not escaped"),
                    '\\' => match chars.next() {
                        Some(c @ ('"' | '\\' | ']')) => value.push(c),
                        other => panic!("escape {other:?} in a value"),
                    },
                    c => value.push(c),
                }
            }
            assert!(data.insert((id.clone(), name), value).is_none(), "a parameter twice");
            next = chars.next();
        }
        assert_eq!(next, Some(']'));
        next = chars.next();
    }
    assert_eq!(next, Some(' '), "a space before the text");
    let text = chars.as_str();
    if !text.is_ascii() {
        assert!(text.starts_with('\u{feff}'), "UTF-8 without its mark");
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
    Syslog { facility: priority / 8, severity: priority % 8, header, data, text }
}

/// RFC 5424 §6.3.2: one to 32 visible characters of ASCII, but `=`, `]` and `"`.
fn is_name(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| (33..=126).contains(&byte) && !b"=]\"".contains(&byte))
}

/// Turns `\u{X}` back.
pub(super) fn unescaped(text: &str) -> String {
    let mut found = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\u{") {
        let (digits, after) = after.split_once('}').expect("the end of an escape");
        found.push_str(before);
        found.push(u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).expect("a code point"));
        rest = after;
    }
    found + rest
}
