//! A comparison for a merge request: a table, and the lines of policies that changed.
//!
//! Whatever comes from a file stands in `<code>`, every character that could mean something written as a number: neither Markdown,
//! HTML nor the names and numbers that merge requests turn into links are read in it.

use crate::cli::diff_text;
use crate::cli::output::plain;
use crate::model::ChangeKind;
use crate::model::Difference;
use crate::workbench::Comparison;

/// The longest text of a file in a cell, in characters.
const MAX_CELL_CHARS: usize = 300;

/// The whole.
pub(super) fn written(found: &Comparison) -> String {
    let mut out = String::from("### What this change of the bundle lets happen\n\n");
    for told in found.sentences() {
        out.push_str(&format!("- {told}\n"));
    }
    for id in &found.unshown {
        out.push_str(&format!("- The policy {} changed, and that is **not shown by the tests**.\n", code(id)));
    }
    out.push_str(&format!("\nBundles: {} → {}\n", code(&found.old.to_string()), code(&found.new.to_string())));
    if !found.differences.is_empty() {
        out.push_str("\n| rating | where | what | before → after | so |\n|---|---|---|---|---|\n");
    }
    for one in &found.differences {
        out.push_str(&row(one));
    }
    for one in found.differences.iter().filter(|one| one.kind == ChangeKind::Policy) {
        out.push_str(&format!("\n{}\n\n", code(&one.place.join(" "))));
        fenced(&diff_text::changed_lines(one), &mut out);
    }
    out
}

fn row(one: &Difference) -> String {
    let told = if one.kind == ChangeKind::Policy { diff_text::without_texts(one) } else { one.clone() };
    let place = told.place.iter().map(|step| code(step)).collect::<Vec<_>>().join(" ");
    let side = |text: Option<&String>| text.map_or_else(|| "–".to_owned(), |text| code(text));
    let example = one.example.as_ref().map(|text| format!(", for instance {}", code(text))).unwrap_or_default();
    let (rating, kind, meaning) = (one.rating.word(), one.kind.word(), one.meaning);
    let rating = if one.rating.widens() { format!("**{rating}**") } else { rating.to_owned() };
    let (old, new) = (side(told.old.as_ref()), side(told.new.as_ref()));
    format!("| {rating} | {place} | {kind} | {old} → {new} | {}{example} |\n", entities(meaning))
}

/// Lines in a block that none of them can end.
fn fenced(lines: &[String], out: &mut String) {
    let longest = lines.iter().flat_map(|line| line.split(|c| c != '`').map(str::len)).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    out.push_str(&format!("{fence}diff\n"));
    lines.iter().for_each(|line| out.push_str(&format!("{line}\n")));
    out.push_str(&format!("{fence}\n"));
}

/// A text of a file, on one line.
fn code(text: &str) -> String {
    let text = plain(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    let shown: String = text.chars().take(MAX_CELL_CHARS).collect();
    let more = if text.chars().count() > MAX_CELL_CHARS { "…" } else { "" };
    format!("<code>{}{more}</code>", entities(&shown))
}

/// A text in which no punctuation means anything.
fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // These mean nothing within a line.
        if c.is_ascii_punctuation() && !matches!(c, ',' | '.' | '(' | ')' | ';' | '%' | '/') {
            out.push_str(&format!("&#{};", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}
