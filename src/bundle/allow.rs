//! How a file of a bundle says that a lint is meant: `allow(code): why` in a comment, at the end of the line that the lint
//! is about or in the lines right above it.
//!
//! ```text
//! // allow(grants-everyone): anybody at the door may ring the bell
//! @id("ring")
//! ```
//!
//! In Cedar comments begin with `//`, in YAML with `#`; it is the same everywhere else. It holds for one code and one place, says
//! why, and is itself a lint when it does nothing: what was once meant must not silence what comes later.

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::diagnostic::nearest;
use crate::policy::comment_of;
use std::cell::Cell;

/// The lints that can be allowed; all that there are but those about allowing.
pub const LINTS: &[&str] = &[
    "action-never-asked",
    "action-without-policy",
    "forbid-never-asked",
    "grants-everyone",
    "has-unknown",
    "identical-policies",
    "names-nobody",
    "never-equal",
    "operation-without-test",
    "pattern-without-end",
    "permit-never-asked",
    "real-data",
    "soft-class",
    "unless-absent",
    "until-over",
    "until-soon",
];

/// A reason is at least this long, in characters: one word is none.
const WHY_MIN_CHARS: usize = 10;

/// What one file allows.
pub(super) struct Allows<'s> {
    source: &'s Source,
    list: Vec<Allow>,
}

struct Allow {
    place: Place,
    code: &'static str,
    /// The line that it is about.
    line: u32,
    used: Cell<bool>,
}

impl<'s> Allows<'s> {
    /// Reads the comments of a file; `mark` begins one. What is no proper `allow` is told.
    pub(super) fn read(source: &'s Source, mark: &str, found: &mut Diagnostics) -> Self {
        let mut allows = Self { source, list: Vec::new() };
        let lines: Vec<&str> = source.text().lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let Some((at, comment)) = comment_of(line, mark) else { continue };
            let Some(rest) = comment.strip_prefix("allow(") else { continue };
            let is_alone = |line: &&&str| line.trim_start().starts_with(mark);
            let about =
                if is_alone(&line) { index + lines.iter().skip(index).take_while(is_alone).count() } else { index };
            let column = line.get(..at).map_or(0, |before| before.chars().count());
            let place = Place { line: number(index), column: number(column) };
            match read(rest) {
                Ok(code) => allows.list.push(Allow { place, code, line: number(about), used: Cell::new(false) }),
                Err((code, message, help)) => found.push(source.fault(code, place, message).as_lint().help(help)),
            }
        }
        allows
    }

    /// Whether this finding is allowed where it stands.
    pub(super) fn allow(&self, finding: &Diagnostic) -> bool {
        let is_here = finding.source.as_ref().is_some_and(|source| source.path() == self.source.path());
        let allowed = |allow: &&Allow| allow.code == finding.code && allow.line == finding.place.line;
        let found = self.list.iter().find(|allow| is_here && allowed(allow));
        found.inspect(|allow| allow.used.set(true)).is_some()
    }

    /// Tells what allowed nothing.
    pub(super) fn finish(self, found: &mut Diagnostics) {
        for allow in self.list.iter().filter(|allow| !allow.used.get()) {
            let message = format!("nothing here is a `{}`, so this allows nothing", allow.code);
            let help = "take it out; it holds for the same line or for the first that follows the comment";
            found.push(self.source.fault("allow-unused", allow.place, message).as_lint().help(help));
        }
    }
}

/// The code of what stands after `allow(`, or what is wrong with it.
fn read(rest: &str) -> Result<&'static str, (&'static str, String, String)> {
    let form = || "write `allow(code): why`".to_owned();
    let Some((code, why)) = rest.split_once(')') else {
        return Err(("allow-unknown", "this `allow` has no end".to_owned(), form()));
    };
    let Some(known) = LINTS.iter().find(|known| **known == code) else {
        let help = nearest(code, LINTS.iter().copied()).map_or_else(
            || "`portcullis check --explain` lists the lints; errors cannot be allowed".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(("allow-unknown", format!("there is no lint `{code}`"), help));
    };
    let why = why.trim_start().strip_prefix(':').map(str::trim).unwrap_or_default();
    if why.chars().count() < WHY_MIN_CHARS {
        return Err(("allow-without-why", format!("it does not say why `{code}` is meant"), form()));
    }
    Ok(known)
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX - 1) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, mark: &str, lints: &[(&'static str, u32)]) -> Vec<(&'static str, u32)> {
        let source = Source::new("a", text);
        let mut found = Diagnostics::new();
        let allows = Allows::read(&source, mark, &mut found);
        let lint =
            |(code, line): &(&'static str, u32)| source.fault(code, Place { line: *line, column: 1 }, "m").as_lint();
        found.extend_with(lints.iter().map(lint).filter(|lint| !allows.allow(lint)));
        allows.finish(&mut found);
        found.iter().map(|lint| (lint.code, lint.place.line)).collect()
    }

    #[test]
    fn what_is_meant_is_allowed_on_its_line_and_from_the_lines_above_it() {
        let above = "# allow(soft-class): a plate of ours, on a model\n# and a second line\nplate: 1\nplate: 2\n";
        assert_eq!(told(above, "#", &[("soft-class", 3)]), []);
        assert_eq!(told(above, "#", &[("soft-class", 3), ("soft-class", 4)]), [("soft-class", 4)]);
        let beside = "plate: 1  # allow(soft-class): a plate of ours\n";
        assert_eq!(told(beside, "#", &[("soft-class", 1)]), []);
        let cedar = "permit (principal, action, resource); // allow(grants-everyone): all may ring\n";
        assert_eq!(told(cedar, "//", &[("grants-everyone", 1)]), []);
    }

    #[test]
    fn an_allow_for_another_code_or_line_or_without_a_reason_allows_nothing() {
        let lint = [("soft-class", 2)];
        assert_eq!(
            told("# allow(real-data): it is nobody's\na\n", "#", &lint),
            [("soft-class", 2), ("allow-unused", 1)]
        );
        assert_eq!(
            told("# allow(soft-class): it is nobody's\n\na\n", "#", &[("soft-class", 3)]),
            [("soft-class", 3), ("allow-unused", 1)]
        );
        for text in
            ["# allow(soft-class)\na\n", "# allow(soft-class): ok\na\n", "# allow(soft-class) it is nobody's\na\n"]
        {
            assert_eq!(told(text, "#", &lint), [("allow-without-why", 1), ("soft-class", 2)], "{text}");
        }
        for text in [
            "# allow(soft-clas): it is nobody's\na\n",
            "# allow(unknown-key): it is fine so\na\n",
            "# allow(soft-class\na\n",
        ] {
            assert_eq!(told(text, "#", &lint), [("allow-unknown", 1), ("soft-class", 2)], "{text}");
        }
    }

    #[test]
    fn what_stands_in_quotes_is_no_comment() {
        assert_eq!(told("@reason(\"// allow(soft-class): it is nobody's\")\n", "//", &[]), []);
        assert_eq!(told("a: \"\\\"# allow(soft-class): x\"\n", "#", &[]), []);
    }
}
