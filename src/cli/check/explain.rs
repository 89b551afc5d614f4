//! What a code means and what to do about it, from the catalogue.

use crate::catalogue;
use crate::catalogue::Language;
use crate::catalogue::Page;
use crate::cli::output::Ending;
use crate::cli::output::say;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::nearest;

/// Prints one page, or a line for each.
pub(super) fn execute(code: Option<&str>, language: Language) -> Result<Ending, Diagnostics> {
    let Some(code) = code else {
        let lines = catalogue::pages().map(|page| format!("{:<24} {}\n", page.code, page.words(language).title));
        say(&lines.collect::<String>());
        return Ok(Ending::Done);
    };
    let Some(page) = catalogue::page(code) else {
        let fault = Diagnostic::without_file("unknown-code", format!("there is no code `{code}`"));
        return Err(match nearest(code, catalogue::pages().map(|page| page.code)) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault.help("`portcullis check --explain` lists all codes"),
        }
        .into());
    };
    say(&written(page, language));
    Ok(Ending::Done)
}

fn written(page: &Page, language: Language) -> String {
    let words = page.words(language);
    format!("{}: {}\n\n{}\n", page.code, words.title, words.text)
}
