//! How a policy file is laid out: by Cedar's own formatter, so that two people's files differ only in what they say.

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::policy::compile::diagnostic;
use crate::policy::compile::offset;
use cedar_policy::ParseErrors;
use cedar_policy::Policy;
use cedar_policy::PolicySet;
use cedar_policy_core::ast;
use cedar_policy_formatter::Config;
use cedar_policy_formatter::policies_str_to_pretty;

/// The line that policies keep to, in characters, and how far they are indented.
const LINE_CHARS: usize = 110;
const INDENT_CHARS: isize = 2;

/// The text of a policy file as it should stand there. Comments stay where they are; what it says stays the same.
///
/// # Errors
/// Its faults, where it is no Cedar: what cannot be read is left as it is.
pub fn laid_out(source: &Source) -> Result<String, Diagnostics> {
    let policies = read(source.text()).map_err(|errors| faults(source, &errors))?;
    let config = Config { line_width: LINE_CHARS, indent_width: INDENT_CHARS };
    let (head, rest) = headed(source.text());
    let rest = policies_str_to_pretty(rest, &config).map_err(|error| unfit(source, &error.to_string()))?;
    let text = format!("{head}{rest}");
    // The formatter holds its result against what it was given. This does so without it.
    match read(&text) {
        Ok(again) if again == policies && comments(&text) == comments(source.text()) => Ok(text),
        _ => Err(unfit(source, "its text would not say the same").into()),
    }
}

/// The comment at the head of a file with the empty line after it, and the rest. The formatter would put it onto the first policy.
fn headed(text: &str) -> (&str, &str) {
    let comment: usize = text.split_inclusive('\n').take_while(|line| line.starts_with("//")).map(str::len).sum();
    let is_head = comment > 0 && text.get(comment..).is_some_and(|rest| rest.starts_with('\n'));
    text.split_at_checked(comment + 1).filter(|_| is_head).unwrap_or(("", text))
}

fn read(text: &str) -> Result<Vec<String>, Box<ParseErrors>> {
    let set: PolicySet = text.parse().map_err(Box::new)?;
    let mut policies: Vec<&Policy> = set.policies().collect();
    policies.sort_by_key(|policy| offset(policy));
    Ok(policies.into_iter().map(said).collect())
}

/// What a policy says, apart from how it is laid out.
fn said(policy: &Policy) -> String {
    let ast: &ast::Policy = policy.as_ref();
    let annotations: Vec<String> = policy.annotations().map(|(key, value)| format!("{key}={value:?}")).collect();
    format!("{} {:?} {}", ast.effect(), annotations, ast.condition())
}

/// The comments of a file, sorted.
fn comments(text: &str) -> Vec<&str> {
    let mut comments: Vec<&str> =
        text.lines().filter_map(|line| comment_of(line, "//")).map(|(_, text)| text).collect();
    comments.sort_unstable();
    comments
}

/// The comment of a line: the byte at which it begins, and what it says. `mark` begins one, but within quotes.
#[must_use]
pub fn comment_of<'t>(line: &'t str, mark: &str) -> Option<(usize, &'t str)> {
    let (mut quote, mut escaped) = (None, false);
    for (at, c) in line.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '"') => quote = Some('"'),
            (None, _) if line.get(at..).is_some_and(|rest| rest.starts_with(mark)) => {
                return Some((at, line.get(at + mark.len()..)?.trim()));
            }
            _ => {}
        }
    }
    None
}

fn faults(source: &Source, errors: &ParseErrors) -> Diagnostics {
    let mut found = Diagnostics::new();
    errors.iter().for_each(|error| found.push(diagnostic(source, "cedar-syntax", error)));
    found
}

fn unfit(source: &Source, why: &str) -> Diagnostic {
    let message = format!("the file cannot be laid out: {why}");
    source.fault("cedar-layout", Place::WHOLE, message).help("lay it out by hand; it is left as it is")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(text: &str) -> Result<String, String> {
        laid_out(&Source::new("a.cedar", text)).map_err(|faults| faults.to_string())
    }

    const UNTIDY: &str = "// The file.\n// And more.\n\n\n\n// Who rings.\n@id(\"ring\")   @reason(\"a // b\")\npermit(principal,action,  resource) // anybody\nwhen { // always\n true }; // said\n// the end\n";

    #[test]
    fn a_file_is_laid_out_once_and_its_comments_survive() {
        let once = laid(UNTIDY).unwrap();
        assert_ne!(once, UNTIDY);
        assert_eq!(laid(&once).unwrap(), once);
        for comment in
            ["// The file.\n// And more.\n\n", "// Who rings.\n", "// anybody", "// always", "// said", "// the end\n"]
        {
            assert!(once.contains(comment), "{comment} is not in:\n{once}");
        }
        assert_eq!(once.matches("//").count(), UNTIDY.matches("//").count());
        assert_eq!(read(&once).unwrap(), read(UNTIDY).unwrap());
    }

    #[test]
    fn what_is_no_cedar_is_told_with_its_place() {
        let told = laid("permit (principal, action, resource)\nwhen { true ;\n").unwrap_err();
        assert!(told.starts_with("error[cedar-syntax]: ") && told.contains("a.cedar:2:13"), "{told}");
    }

    #[test]
    fn a_policy_that_says_something_else_is_not_the_same() {
        let one = |text: &str| read(text).unwrap();
        let policy = "@id(\"a\") permit (principal, action, resource) when { 1 < 2 };";
        assert_eq!(one(policy), one(&policy.replace(' ', "\n ")));
        for (from, to) in [
            ("permit", "forbid"),
            ("1 < 2", "1 < 3"),
            ("@id(\"a\")", "@id(\"b\")"),
            ("action", "action == Action::\"x\""),
        ] {
            assert_ne!(one(policy), one(&policy.replace(from, to)), "{to}");
        }
    }
}
