//! One page of the catalogue, and how it is found.

use crate::catalogue::approval;
use crate::catalogue::bundle;
use crate::catalogue::cases;
use crate::catalogue::contract;
use crate::catalogue::gateway;
use crate::catalogue::lints;

/// In which language a code is explained.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Language {
    /// English.
    English,
    /// Russian.
    Russian,
}

/// What a code means.
#[derive(Debug)]
pub struct Page {
    /// Stable, kebab-case.
    pub code: &'static str,
    /// In English.
    pub english: Words,
    /// In Russian.
    pub russian: Words,
}

/// A page in one language.
#[derive(Debug)]
pub struct Words {
    /// What was found, in a few words; no full stop.
    pub title: &'static str,
    /// Why it matters, and what to do.
    pub text: &'static str,
}

/// The groups of codes, each with its heading.
const GROUPS: [(&str, &[Page]); 6] = [
    ("Lints: what somebody should look at", lints::PAGES),
    ("The bundle", bundle::PAGES),
    ("Contracts", contract::PAGES),
    ("Test cases", cases::PAGES),
    ("Approvals", approval::PAGES),
    ("Configuration, directory, commands", gateway::PAGES),
];

/// A page; title and text in English, then in Russian.
pub(super) const fn page(code: &'static str, english: [&'static str; 2], russian: [&'static str; 2]) -> Page {
    let ([title, text], [its_title, its_text]) = (english, russian);
    Page { code, english: Words { title, text }, russian: Words { title: its_title, text: its_text } }
}

/// All pages, group by group.
pub fn pages() -> impl Iterator<Item = &'static Page> {
    GROUPS.iter().flat_map(|(_, pages)| pages.iter())
}

/// The page of a code.
#[must_use]
pub fn page_of(code: &str) -> Option<&'static Page> {
    pages().find(|page| page.code == code)
}

/// The whole catalogue as `docs/diagnostics.md` prints it.
#[must_use]
pub fn markdown() -> String {
    let mut printed = String::new();
    for (heading, pages) in GROUPS {
        printed.push_str(&format!("\n## {heading}\n\n"));
        for page in pages {
            printed.push_str(&format!(
                "### {}\n\n{}. {}\n\n{}. {}\n\n",
                page.code, page.english.title, page.english.text, page.russian.title, page.russian.text
            ));
        }
    }
    printed
}

impl Page {
    /// The page in a language.
    #[must_use]
    pub const fn words(&self, language: Language) -> &Words {
        match language {
            Language::English => &self.english,
            Language::Russian => &self.russian,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_has_one_page_and_every_page_says_something_in_both_languages() {
        let mut codes = BTreeSet::new();
        for (_, group) in GROUPS {
            assert!(group.is_sorted_by_key(|page| page.code));
        }
        for page in pages() {
            assert!(codes.insert(page.code), "{} stands there twice", page.code);
            assert!(page.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", page.code);
            for words in [&page.english, &page.russian] {
                assert!(words.title.chars().count() > 5 && !words.title.ends_with('.'), "{}", page.code);
                assert!(words.text.chars().count() > 5, "{}", page.code);
            }
            let is_russian = |text: &str| text.chars().any(|c| ('а'..='я').contains(&c));
            assert!(is_russian(page.russian.title) && is_russian(page.russian.text), "{}", page.code);
            let code = page.code;
            assert!(!page.english.title.chars().any(|c| ('а'..='я').contains(&c)), "{code}");
        }
    }
}
