//! The text of a draft, line by line, with the findings that stand in it.
//!
//! Texts of the partner's file are quoted, or stand in comments; in both, whatever would end the line, turn it round or hide in it
//! is spelled out.

use crate::contract::draft::finding::Finding;
use crate::contract::draft::finding::FindingKind;
use crate::contract::draft::finding::Note;

/// Lines, and what was found on the way.
#[derive(Default)]
pub(super) struct Lines {
    text: String,
    count: u32,
    findings: Vec<Finding>,
}

impl Lines {
    /// A line, indented by so many levels.
    pub(super) fn put(&mut self, level: usize, line: &str) {
        self.text.push_str(&"  ".repeat(level));
        self.text.push_str(line);
        self.text.push('\n');
        self.count += 1;
    }

    /// A key without a value, and what is asked.
    pub(super) fn blank(&mut self, level: usize, key: &str, note: &Note) {
        let line = note.place.line;
        self.put(level, &format!("{key}:  # decide: {} (line {line})", shown(&note.message)));
        self.found(note);
    }

    /// A comment that says what is left out or changed.
    pub(super) fn note(&mut self, level: usize, note: &Note) {
        let (word, line) = (note.kind.word(), note.place.line);
        self.put(level, &format!("# {word}: {} (line {line})", shown(&note.message)));
        self.found(note);
    }

    pub(super) fn done(self) -> (String, Vec<Finding>) {
        (self.text, self.findings)
    }

    fn found(&mut self, note: &Note) {
        let Note { kind, code, place, pointer, message } = note.clone();
        debug_assert!(kind != FindingKind::Decide || !message.is_empty(), "a blank says what is asked");
        self.findings.push(Finding { kind, code, place, pointer, line: self.count, message });
    }
}

/// Text in double quotes, as YAML 1.2 and JSON read it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            _ if hides(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A key: as it is where nothing else could be read in it, else in quotes.
pub(super) fn key(text: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let begins_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    if plain && begins_well && !WORDS.contains(&text.to_ascii_lowercase().as_str()) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// Text of others in a comment.
fn shown(text: &str) -> String {
    let quoted = quoted(text).replace("\\\"", "\"").replace("\\\\", "\\");
    quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default().to_owned()
}

/// Whether a character ends a line, turns it round, or cannot be seen. All of them are of the basic plane, so that four digits
/// name them.
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
