//! What is said to the terminal, or to the machine that reads in its place.
//!
//! Results go to standard output, faults to standard error. That the other end of a pipe is gone is no fault.

use std::io::Write;
use std::process::ExitCode;

use clap::ValueEnum;

use crate::diagnostic::Diagnostics;
use crate::diagnostic::hides;
use crate::json;
use crate::json::Value;

pub(super) use crate::diagnostic::plain;

/// For whom a result is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For machines: one JSON object
    Json,
}

/// For whom a result is written that people put into documents, too.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum DocumentFormat {
    /// For people
    Text,
    /// For machines: one JSON object
    Json,
    /// For a merge request or a document
    Markdown,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ending {
    /// It did what it was asked.
    Done,
    /// It did, and something is wrong.
    FoundSomething,
    /// It could not run, or could not finish; standard error says why.
    CouldNotRun,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Done => Self::SUCCESS,
            Ending::FoundSomething => Self::from(1),
            Ending::CouldNotRun => Self::from(2),
        }
    }
}

/// Text of others as HTML and XML show it, in attributes too: as [`plain`] does, and no markup.
pub(super) fn markup(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            c => shown.push(c),
        }
    }
    shown
}

/// A time that has gone by, in its two largest units.
pub(super) fn spent(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60 % 60, seconds / 3_600 % 24, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// A value as JSON on one line.
pub(super) fn json_text(value: &Value) -> String {
    let mut bytes = Vec::new();
    json::write(value, &mut bytes);
    json_line(&String::from_utf8(bytes).unwrap_or_default())
}

/// JSON text as a line. It may be read from a terminal: what hides or turns a line is escaped, as JSON can.
pub(super) fn json_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if hides(c) {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| shown.push_str(&format!("\\u{unit:04x}")));
        } else {
            shown.push(c);
        }
    }
    shown.push('\n');
    shown
}

/// Writes a result; `text` ends its own lines.
pub(super) fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Writes a part of a long result; `false` where nobody reads it any more.
#[must_use]
pub(super) fn say_on(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}

/// Writes what is wrong.
pub(super) fn complain(faults: &Diagnostics) {
    let _ = writeln!(std::io::stderr(), "{faults}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_the_cursor_or_turn_a_line_is_spelled_out() {
        assert_eq!(
            plain("a\x1b[31m\r\n\u{9b}\u{202e}\u{2066}\u{200b}b"),
            r"a\u{1b}[31m\r\n\u{9b}\u{202e}\u{2066}\u{200b}b"
        );
        assert_eq!(plain("дверь \u{1f6aa} é"), "дверь \u{1f6aa} é");
    }

    #[test]
    fn json_that_is_looked_at_on_a_terminal_hides_nothing_and_means_the_same() {
        let hostile = "a\x1b[31m\n\u{9b}\u{202e}\u{2066}\u{200b}\u{e0041}</script>дверь";
        let text = json_text(&Value::from(hostile));
        assert!(!text.trim_end_matches('\n').chars().any(hides), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }

    #[test]
    fn a_time_is_told_in_its_two_largest_units() {
        let told = [0, 59, 61, 3_600, 90_061].map(spent);
        assert_eq!(told, ["0 s", "59 s", "1 min 1 s", "1 h 0 min", "1 d 1 h"]);
    }
}
