//! Patterns of text: the part of ECMA-262 regular expressions on which everybody agrees, matched in linear time.
//!
//! JSON Schema speaks of ECMA-262 patterns that may match anywhere. We take only patterns that are anchored as a whole, `^…$`
//! without alternatives outside a group, so that what is read is what is checked; and only syntax that means the same in ECMA-262
//! and here. `\d` and `\w` are ASCII, `.` excludes the four line ends, as in ECMA-262. What could mean something else (`\s`, `\b`,
//! look-around, back-references, flags, set operations) is refused at load. A pattern becomes a table of states (a DFA): one
//! step per byte, whatever the text.

use regex_automata::Anchored;
use regex_automata::Input;
use regex_automata::dfa::Automaton;
use regex_automata::dfa::StartKind;
use regex_automata::dfa::dense;
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The largest table, in bytes; also bounds the work of making it.
const MAX_TABLE_BYTES: usize = 1024 * 1024;

/// The most bytes of tables of all patterns of a contract, each counted once.
const MAX_TABLES_BYTES: usize = 16 * 1024 * 1024;

/// A compiled pattern; clones share its table.
#[derive(Clone)]
pub(super) struct Pattern {
    table: Arc<dense::DFA<Vec<u32>>>,
    /// As the contract writes it.
    text: Arc<str>,
}

/// All patterns of a contract: one that stands there often has one table.
#[derive(Default)]
pub(super) struct Patterns {
    compiled: BTreeMap<Box<str>, Pattern>,
    table_bytes: usize,
}

/// Why a pattern is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum PatternError {
    #[error("the pattern is not anchored by `^` and `$`")]
    NotAnchored,
    #[error("the pattern has alternatives outside a group, so `^` and `$` anchor only some of them")]
    AnchoredInPart,
    #[error("the escape `\\{0}` is not known here")]
    Escape(char),
    #[error("the pattern ends within an escape, a class, or a group")]
    Unfinished,
    #[error("`(?` begins something other than a group without capture, `(?:…)`")]
    Group,
    #[error("`{0}` inside a class must be escaped")]
    InClass(char),
    #[error("a class is empty or has a range that begins or ends in `\\d` or `\\w`")]
    Class,
    #[error("`{0}` must be escaped or repeats nothing")]
    Repeat(char),
    #[error("`^` or `$` stands inside the pattern")]
    InnerAnchor,
    #[error("the pattern is not well formed")]
    Syntax,
    #[error("the pattern is too large: its table of states would exceed 1 MiB")]
    TooLarge,
    #[error("with this pattern the tables of all patterns of the contract exceed 16 MiB")]
    TooManyLarge,
}

impl Patterns {
    /// Compiles a pattern, or finds it.
    pub(super) fn compile(&mut self, text: &str) -> Result<Pattern, PatternError> {
        if let Some(pattern) = self.compiled.get(text) {
            return Ok(pattern.clone());
        }
        let pattern = Pattern::compile(text)?;
        let table_bytes = self.table_bytes.saturating_add(pattern.table_bytes());
        if table_bytes > MAX_TABLES_BYTES {
            return Err(PatternError::TooManyLarge);
        }
        self.table_bytes = table_bytes;
        self.compiled.insert(text.into(), pattern.clone());
        Ok(pattern)
    }
}

impl Pattern {
    pub(super) fn compile(text: &str) -> Result<Self, PatternError> {
        let inner = text.strip_prefix('^').and_then(|rest| rest.strip_suffix('$')).ok_or(PatternError::NotAnchored)?;
        let translated = Translator::translate(inner)?;
        // First the pattern as such, so that what is wrong with it is told from what is merely too large.
        let nfa = thompson::Compiler::new()
            .syntax(syntax::Config::new().unicode(true).utf8(true).nest_limit(32))
            .configure(thompson::Config::new().nfa_size_limit(Some(MAX_TABLE_BYTES)))
            .build(&format!(r"(?:{translated})\z"))
            .map_err(
                |error| if error.size_limit().is_some() { PatternError::TooLarge } else { PatternError::Syntax },
            )?;
        let dfa = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .start_kind(StartKind::Anchored)
                    .dfa_size_limit(Some(MAX_TABLE_BYTES))
                    .determinize_size_limit(Some(4 * MAX_TABLE_BYTES)),
            )
            .build_from_nfa(&nfa)
            .map_err(|_| PatternError::TooLarge)?;
        Ok(Self { table: Arc::new(dfa), text: text.into() })
    }

    /// The pattern as the contract writes it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Its table of states.
    pub(super) fn table(&self) -> &dense::DFA<Vec<u32>> {
        &self.table
    }

    /// The bytes of its table.
    pub(super) fn table_bytes(&self) -> usize {
        self.table.memory_usage()
    }

    /// Whether the whole of `text` fits.
    pub(super) fn matches(&self, text: &str) -> bool {
        let input = Input::new(text).anchored(Anchored::Yes);
        // The search cannot fail: the table has no byte on which it gives up. If it did, nothing would fit.
        matches!(self.table.try_search_fwd(&input), Ok(Some(_)))
    }
}

/// Reads a pattern character by character, refuses what is ambiguous, and writes it for our engine.
struct Translator<'p> {
    rest: std::iter::Peekable<std::str::Chars<'p>>,
    out: String,
    groups: usize,
    /// Whether what was written last can be repeated.
    repeatable: bool,
}

impl<'p> Translator<'p> {
    fn translate(inner: &'p str) -> Result<String, PatternError> {
        let mut this = Self {
            rest: inner.chars().peekable(),
            out: String::with_capacity(inner.len()),
            groups: 0,
            repeatable: false,
        };
        while let Some(character) = this.rest.next() {
            this.step(character)?;
        }
        if this.groups == 0 { Ok(this.out) } else { Err(PatternError::Unfinished) }
    }

    fn step(&mut self, character: char) -> Result<(), PatternError> {
        match character {
            '^' | '$' => return Err(PatternError::InnerAnchor),
            '|' if self.groups == 0 => return Err(PatternError::AnchoredInPart),
            '|' => self.put("|", false),
            '(' => self.open_group()?,
            ')' => {
                self.groups = self.groups.checked_sub(1).ok_or(PatternError::Syntax)?;
                self.put(")", true);
            }
            '[' => self.class()?,
            '.' => self.put(r"[^\n\r\u{2028}\u{2029}]", true),
            '\\' => {
                let escaped = self.escape()?;
                match escaped {
                    Escaped::Set(set) => self.put(&format!("[{set}]"), true),
                    Escaped::Character(text) => self.put(&text, true),
                }
            }
            '*' | '+' | '?' => self.repeat(character, None)?,
            '{' => {
                let counts = self.counts()?;
                self.repeat('{', Some(counts))?;
            }
            ']' | '}' => return Err(PatternError::Repeat(character)),
            _ => {
                let mut text = String::new();
                literal(character, &mut text);
                self.put(&text, true);
            }
        }
        Ok(())
    }

    fn put(&mut self, text: &str, repeatable: bool) {
        self.out.push_str(text);
        self.repeatable = repeatable;
    }

    fn open_group(&mut self) -> Result<(), PatternError> {
        if self.rest.peek() == Some(&'?') {
            self.rest.next();
            if self.rest.next() != Some(':') {
                return Err(PatternError::Group);
            }
        }
        self.groups += 1;
        // Captures are of no use here and cost states.
        self.put("(?:", false);
        Ok(())
    }

    fn repeat(&mut self, sign: char, counts: Option<String>) -> Result<(), PatternError> {
        if !self.repeatable {
            return Err(PatternError::Repeat(sign));
        }
        match counts {
            Some(counts) => self.put(&counts, false),
            None => self.out.push(sign),
        }
        self.repeatable = false;
        // Reluctant repetition accepts the same texts.
        if self.rest.peek() == Some(&'?') {
            self.rest.next();
        }
        Ok(())
    }

    /// `{m}`, `{m,}` or `{m,n}`; ECMA-262 would take anything else as the characters themselves.
    fn counts(&mut self) -> Result<String, PatternError> {
        let mut counts = String::from("{");
        let mut commas = 0;
        loop {
            match self.rest.next().ok_or(PatternError::Unfinished)? {
                '}' if counts.ends_with(|c: char| c.is_ascii_digit() || c == ',') => break,
                ',' if commas == 0 && counts.ends_with(|c: char| c.is_ascii_digit()) => {
                    commas += 1;
                    counts.push(',');
                }
                digit if digit.is_ascii_digit() && counts.len() < 12 => counts.push(digit),
                _ => return Err(PatternError::Repeat('{')),
            }
        }
        counts.push('}');
        Ok(counts)
    }

    fn class(&mut self) -> Result<(), PatternError> {
        let mut class = String::from("[");
        if self.rest.peek() == Some(&'^') {
            self.rest.next();
            class.push('^');
        }
        let mut empty = true;
        loop {
            let character = self.rest.next().ok_or(PatternError::Unfinished)?;
            match character {
                ']' if empty => return Err(PatternError::Class),
                ']' => break,
                // A hyphen is itself at either end, and `member` takes those of ranges.
                '-' if empty || self.rest.peek() == Some(&']') => class.push_str(r"\-"),
                _ => self.member(character, &mut class)?,
            }
            empty = false;
        }
        class.push(']');
        self.put(&class, true);
        Ok(())
    }

    /// One character, one set, or one range of a class.
    fn member(&mut self, first: char, class: &mut String) -> Result<(), PatternError> {
        let set = self.class_character(first, class)?;
        if self.rest.peek() != Some(&'-') {
            return Ok(());
        }
        let mut after = self.rest.clone();
        after.next();
        if after.peek() == Some(&']') {
            return Ok(());
        }
        if set {
            return Err(PatternError::Class);
        }
        self.rest.next();
        class.push('-');
        let last = self.rest.next().ok_or(PatternError::Unfinished)?;
        if self.class_character(last, class)? { Err(PatternError::Class) } else { Ok(()) }
    }

    /// Writes one character of a class; whether it was a set such as `\d`.
    fn class_character(&mut self, character: char, class: &mut String) -> Result<bool, PatternError> {
        match character {
            '\\' => match self.escape()? {
                Escaped::Set(set) => {
                    class.push_str(set);
                    return Ok(true);
                }
                Escaped::Character(text) => class.push_str(&text),
            },
            // `[` and `&&`, `--`, `~~` are set operations in some dialects.
            '[' | '&' | '~' | '-' | '^' => return Err(PatternError::InClass(character)),
            _ => literal(character, class),
        }
        Ok(false)
    }

    fn escape(&mut self) -> Result<Escaped, PatternError> {
        let character = self.rest.next().ok_or(PatternError::Unfinished)?;
        Ok(match character {
            'd' => Escaped::Set("0-9"),
            'w' => Escaped::Set("A-Za-z0-9_"),
            'n' | 'r' | 't' => Escaped::Character(format!("\\{character}")),
            // ECMA-262's SyntaxCharacter, `/`, and `-`.
            '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '/' | '-' => {
                let mut text = String::new();
                literal(character, &mut text);
                Escaped::Character(text)
            }
            other => return Err(PatternError::Escape(other)),
        })
    }
}

enum Escaped {
    Set(&'static str),
    Character(String),
}

/// Writes a character that stands for itself.
fn literal(character: char, out: &mut String) {
    if character.is_ascii_punctuation() && character != '_' && character != '"' && character != '\'' {
        out.push('\\');
    }
    out.push(character);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_the_whole_text_or_not_at_all() {
        for (pattern, yes, no) in [
            ("^[a-z0-9-]{1,4}$", &["a", "a-9z"][..], &["", "abcde", "a\n", "A", " a", "a_"][..]),
            ("^(?:open|shut)$", &["open", "shut"], &["opened", "o", "openshut"]),
            ("^(a|b)c?$", &["a", "bc"], &["ab", "abc"]),
            (r"^\d{3}\.\w+$", &["123.a_Z"], &["12٣.a", "123xa", "123.é"]),
            (r"^[\w-]+$", &["a-b_"], &["a b"]),
            (r"^[^\]\\]$", &["a", "é", "-"], &["]", "\\", "ab"]),
            ("^.$", &["a", "д", "💡"], &["\n", "\r", "\u{2028}", ""]),
            ("^a/b:@#~'\"$", &["a/b:@#~'\""], &["a/b"]),
            ("^[а-яё]+$", &["дом", "ёж"], &["Дом", "dom"]),
            ("^$", &[""], &["a"]),
            ("^a+?$", &["aa"], &["b"]),
            ("^[-a]$", &["-", "a"], &["b"]),
        ] {
            let compiled = Pattern::compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            for text in yes {
                assert!(compiled.matches(text), "{pattern} {text:?}");
            }
            for text in no {
                assert!(!compiled.matches(text), "{pattern} {text:?}");
            }
        }
    }

    #[test]
    fn one_pattern_has_one_table_and_all_tables_together_are_bounded() {
        let mut patterns = Patterns::default();
        let large = |number: usize| format!("^(?:[a-z]{{0,6}}é?){{{number}}}$");
        let first = patterns.compile(&large(9)).unwrap();
        let bytes = first.table_bytes();
        assert!(bytes > 0 && patterns.table_bytes == bytes);
        let again = patterns.compile(&large(9)).unwrap();
        assert!(Arc::ptr_eq(&first.table, &again.table));
        assert_eq!(patterns.table_bytes, bytes);
        patterns.table_bytes = MAX_TABLES_BYTES - Pattern::compile("^a$").unwrap().table_bytes();
        patterns.compiled.clear();
        assert!(patterns.compile("^a$").is_ok(), "at the limit");
        assert_eq!(patterns.compile("^b$").err(), Some(PatternError::TooManyLarge), "one past it");
        assert!(patterns.compile("^a$").is_ok(), "what is there stays there");
    }

    #[test]
    fn what_could_mean_two_things_is_refused() {
        let refusal = |pattern: &str| Pattern::compile(pattern).err();
        for (pattern, error) in [
            ("a", PatternError::NotAnchored),
            ("^a", PatternError::NotAnchored),
            ("a$", PatternError::NotAnchored),
            (r"^a\$", PatternError::Unfinished),
            ("^a|b$", PatternError::AnchoredInPart),
            ("^(a|^b)$", PatternError::InnerAnchor),
            (r"^\s$", PatternError::Escape('s')),
            (r"^\bа$", PatternError::Escape('b')),
            (r"^\p{L}$", PatternError::Escape('p')),
            (r"^(a)\1$", PatternError::Escape('1')),
            ("^(?=a)a$", PatternError::Group),
            ("^(?i)a$", PatternError::Group),
            ("^(?<n>a)$", PatternError::Group),
            ("^[]a]$", PatternError::Class),
            ("^[[a]]$", PatternError::InClass('[')),
            ("^[a&&b]$", PatternError::InClass('&')),
            (r"^[\d-z]$", PatternError::Class),
            (r"^[a-\d]$", PatternError::Class),
            ("^a{,3}$", PatternError::Repeat('{')),
            ("^a{$", PatternError::Unfinished),
            ("^a++$", PatternError::Repeat('+')),
            ("^*a$", PatternError::Repeat('*')),
            ("^(a$", PatternError::Unfinished),
            ("^a)$", PatternError::Syntax),
            ("^[z-a]$", PatternError::Syntax),
            ("^(?:(?:[а-я]{1,100}){1,100}){1,100}$", PatternError::TooLarge),
        ] {
            assert_eq!(refusal(pattern), Some(error), "{pattern}");
        }
    }
}
