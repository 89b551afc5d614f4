//! What an operator is told about a file of theirs: code, place, snippet, message, help. Everything, at once.
//!
//! Messages are lower case, without full stop, with the operator's own words in backticks. Values of secrets and of
//! strangers never come here.

use std::error::Error;
use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;

/// How much of a line is shown, in characters.
const SHOWN_CHARS: usize = 160;

/// A file that diagnostics speak of: its path as the operator named it, and its text.
#[derive(Clone)]
pub struct Source {
    inner: Arc<File>,
}

struct File {
    path: PathBuf,
    text: String,
    /// The byte at which each line begins, found when it is first asked for.
    lines: OnceLock<Vec<usize>>,
}

/// A place in a [`Source`], 1-based; line 0 stands for the file as a whole.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Place {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// What follows from a diagnostic.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// Nothing is done with the file.
    Error,
    /// The file is taken as it is; a later release refuses it. What a release begins to refuse is told like this one release
    /// earlier, so that nobody learns of it from a gateway that does not start.
    Warning,
    /// The file is taken as it is, and somebody should look at it. The file itself may say that it is meant, and why
    /// (`bundle/allow.rs`).
    Lint,
}

/// One fault in one file.
#[derive(Clone)]
pub struct Diagnostic {
    /// What follows.
    pub severity: Severity,
    /// Stable, kebab-case, for instance `unknown-key`.
    pub code: &'static str,
    /// The file; `None` where the fault is in no file (an address in use).
    pub source: Option<Source>,
    /// Where in it.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// All faults that were found; never without an error when returned as one.
#[derive(Clone, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Source {
    /// A file's path and text.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { inner: Arc::new(File { path: path.into(), text: text.into(), lines: OnceLock::new() }) }
    }

    /// The path as the operator named it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// The place of a byte offset in the text. Unlike [`Place::of_offset`] it does not walk the text each time.
    #[must_use]
    pub fn place_of(&self, offset: usize) -> Place {
        let text = self.text();
        let begins = |text: &str| std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let lines: &Vec<usize> = self.inner.lines.get_or_init(|| begins(text));
        let offset = offset.min(text.len());
        let line = lines.partition_point(|begin| *begin <= offset);
        let begin = lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let column = text.get(begin..offset).map_or(0, |before| before.chars().count());
        Place { line: small(line), column: small(column) + 1 }
    }

    /// A fault at `place`.
    #[must_use]
    pub fn fault(&self, code: &'static str, place: Place, message: impl Into<String>) -> Diagnostic {
        let (source, message) = (Some(self.clone()), message.into());
        Diagnostic { severity: Severity::Error, code, source, place, message, help: None }
    }
}

/// Its path: a text may be long.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source {}", self.path().display())
    }
}

impl Place {
    /// The file as a whole.
    pub const WHOLE: Self = Self { line: 0, column: 0 };

    /// The place of a byte offset in a text.
    #[must_use]
    pub fn of_offset(text: &str, offset: usize) -> Self {
        let before = text.get(..offset.min(text.len())).unwrap_or(text);
        let line = before.matches('\n').count();
        let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count());
        Self { line: small(line) + 1, column: small(column) + 1 }
    }
}

impl Diagnostic {
    /// A fault that stands in no file.
    #[must_use]
    pub fn without_file(code: &'static str, message: impl Into<String>) -> Self {
        let (source, message) = (None, message.into());
        Self { severity: Severity::Error, code, source, place: Place::WHOLE, message, help: None }
    }

    /// The same as something that a later release will refuse.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// The same as something that somebody should look at.
    #[must_use]
    pub fn as_lint(mut self) -> Self {
        self.severity = Severity::Lint;
        self
    }

    /// The same, at the place that asked for what failed; where it has a file already, it stays there.
    #[must_use]
    pub fn asked_at(mut self, source: &Source, place: Place) -> Self {
        if self.source.is_none() {
            (self.source, self.place) = (Some(source.clone()), place);
        }
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Diagnostics {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { list: Vec::new() }
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Adds each one that there is.
    pub fn extend_with(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.list.extend(diagnostics);
    }

    /// Adds all of another list.
    pub fn extend(&mut self, other: Self) {
        self.list.extend(other.list);
    }

    /// Those that are not in another list: told by the same code at the same place.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let key = |one: &Diagnostic| (one.code, one.source.as_ref().map(|source| source.path().to_owned()), one.place);
        let is_new = |one: &&Diagnostic| !other.iter().any(|known| key(known) == key(one));
        Self { list: self.list.iter().filter(is_new).cloned().collect() }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The faults.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// `value`, if nothing is refused.
    ///
    /// # Errors
    /// The list itself, when there is an error in it.
    pub fn or_fail<T>(self, value: T) -> Result<T, Self> {
        if self.list.iter().any(|found| found.severity == Severity::Error) { Err(self) } else { Ok(value) }
    }

    /// The errors, and beside them the warnings.
    #[must_use]
    pub fn apart(self) -> (Self, Self) {
        let (errors, warnings) = self.list.into_iter().partition(|found| found.severity == Severity::Error);
        (Self { list: errors }, Self { list: warnings })
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self { list: vec![diagnostic] }
    }
}

impl Severity {
    /// The word that begins what is told.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Lint => "lint",
        }
    }
}

/// `error[unknown-key]: …`, `warning[…]: …` or `lint[…]: …`, the place, the line with a caret, the help. Whatever stands in
/// the file is shown [`plain`]: it may be somebody else's.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}", self.severity.word(), self.code, plain(&self.message))?;
        self.write_place(f)?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {}", plain(help))?;
        }
        Ok(())
    }
}

impl Diagnostic {
    /// The line that it is about, as it stands in the file; of a long one the beginning.
    #[must_use]
    pub fn line(&self) -> Option<&str> {
        let index = usize::try_from(self.place.line).ok()?.checked_sub(1)?;
        let line = self.source.as_ref()?.text().lines().nth(index)?;
        let end = line.char_indices().nth(SHOWN_CHARS).map_or(line.len(), |(at, _)| at);
        line.get(..end)
    }

    /// The place and the line with a caret: what is told in every language alike.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_place(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let Some(source) = &self.source else { return Ok(()) };
        write!(out, "\n  --> {}", plain(&source.path().display().to_string()))?;
        if self.place.line > 0 {
            write!(out, ":{}:{}", self.place.line, self.place.column)?;
            snippet(out, source.text(), self.place)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.list.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            fmt::Display::fmt(diagnostic, f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Diagnostics {}

/// The name among `known` that `wrong` most looks like, for "did you mean".
#[must_use]
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (edit_distance(wrong, name), name))
        .filter(|(distance, name)| *distance <= name.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Text of others as it may be shown: control characters, and those that turn the direction of a line or hide in it, are
/// spelled out.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match hides(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

/// Whether a character moves the cursor, turns a line, or is not seen in it.
#[must_use]
pub fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// The line with a caret under the place; of a long line the part around it.
fn snippet(out: &mut impl fmt::Write, text: &str, place: Place) -> fmt::Result {
    let index = usize::try_from(place.line).unwrap_or(1).saturating_sub(1);
    let Some(line) = text.lines().nth(index) else {
        return Ok(());
    };
    let column = usize::try_from(place.column).unwrap_or(1).saturating_sub(1);
    // A column stands where the file has it; on the terminal a tab is one space, and what is spelled out is longer.
    let left_out = if column < SHOWN_CHARS { 0 } else { column - SHOWN_CHARS / 2 };
    let shown = |from: usize, to: usize| -> String {
        let part: String = line.chars().skip(from).take(to.saturating_sub(from)).collect();
        plain(&part.replace('\t', " "))
    };
    let before = shown(left_out, column);
    let rest = shown(column, left_out + SHOWN_CHARS);
    let number = place.line.to_string();
    let margin = " ".repeat(number.len());
    let indent = " ".repeat(before.chars().count());
    write!(out, "\n {margin} |\n {number} | {before}{rest}\n {margin} | {indent}^")
}

/// Levenshtein's distance, over characters.
fn edit_distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (cell, b) in row.iter_mut().skip(1).zip(right.chars()) {
            let cost = diagonal + usize::from(a != b);
            diagonal = *cell;
            *cell = cost.min(diagonal + 1).min(before + 1);
            before = *cell;
        }
    }
    row.last().copied().unwrap_or(0)
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX - 1)
}

/// What an error says, and what each of its causes says, in one line.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told.push_str(": ");
        told.push_str(&error.to_string());
        cause = error.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_shows_code_place_line_caret_and_help() {
        let source = Source::new("gateway.yaml", "version: 1\nlisteneers: {}\n");
        let fault = source.fault("unknown-key", Place { line: 2, column: 1 }, "unknown key `listeneers`");
        assert_eq!(
            fault.help("did you mean `listeners`?").to_string(),
            "error[unknown-key]: unknown key `listeneers`\n  --> gateway.yaml:2:1\n   |\n 2 | listeneers: {}\n   | ^\n  help: did you mean `listeners`?"
        );
    }

    #[test]
    fn what_stands_in_a_file_is_shown_and_does_nothing_to_the_terminal() {
        let source = Source::new("po\u{202e}licies/a\x1b[2J.cedar", "\tab\x1b[31m\u{2066}x <b>\n");
        let fault = source.fault("unknown-key", Place { line: 1, column: 8 }, "unknown `a\x07\n\u{200b}`");
        assert_eq!(
            fault.help("take \u{9b}1m out").to_string(),
            "error[unknown-key]: unknown `a\\u{7}\\n\\u{200b}`\n  --> po\\u{202e}licies/a\\u{1b}[2J.cedar:1:8\n   |\n \
             1 |  ab\\u{1b}[31m\\u{2066}x <b>\n   | {}^\n  help: take \\u{9b}1m out"
                .replace("{}", &" ".repeat(12))
        );
    }

    #[test]
    fn of_a_long_line_the_part_around_the_place_is_shown() {
        let text = format!("{}!{}", "a".repeat(500), "b".repeat(500));
        let told = Source::new("a", text).fault("x", Place { line: 1, column: 501 }, "m").to_string();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[3].chars().count(), 5 + SHOWN_CHARS);
        assert_eq!(lines[3].chars().position(|c| c == '!'), lines[4].chars().position(|c| c == '^'));
    }

    #[test]
    fn a_warning_refuses_nothing_and_an_error_beside_it_takes_it_along() {
        let warning = || Diagnostic::without_file("new-rule", "this will be refused").as_warning();
        let mut found = Diagnostics::from(warning());
        assert_eq!(found.to_string(), "warning[new-rule]: this will be refused");
        assert_eq!(found.clone().or_fail(7).ok(), Some(7));
        found.push(Diagnostic::without_file("old-rule", "this is refused"));
        let refused = found.or_fail(7).unwrap_err();
        assert_eq!(refused.iter().count(), 2);
        let (errors, warnings) = refused.apart();
        assert_eq!((errors.iter().count(), warnings.iter().count()), (1, 1));
    }

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        assert_eq!(nearest("listeneers", ["issuers", "listeners"]), Some("listeners"));
        assert_eq!(nearest("zzz", ["issuers", "listeners"]), None);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
    }

    #[test]
    fn an_offset_becomes_line_and_column_in_characters() {
        assert_eq!(Place::of_offset("a\nдом x", 9), Place { line: 2, column: 5 });
        let text = "a\nдом x\n\nb";
        let source = Source::new("a", text);
        let offsets = text.char_indices().map(|(at, _)| at).chain([text.len(), 99]);
        offsets.for_each(|at| assert_eq!(source.place_of(at), Place::of_offset(text, at), "{at}"));
    }
}
