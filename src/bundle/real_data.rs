//! Tests that speak of real persons: telephone numbers, addresses of mail, papers, cards and plates that could be somebody's.
//!
//! A bundle is read by many and kept for long, so that nobody's data belongs into its tests. Told apart is what is reserved for
//! examples (RFC 2606 names, numbers of films) or plainly made up. What is found is neither repeated nor shown: a log of a build
//! is no place for it either.

use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use regex_automata::meta::Regex;

/// What it looks like, its pattern, and whether a match could be somebody's.
type Kind = (&'static str, &'static str, fn(&str) -> bool);

const KINDS: &[Kind] = &[
    ("an e-mail address", r"[\w.%+-]+@[\w-]+(?:\.[\w-]+)+", is_mail),
    ("a number of a bank card", r"\b[2-6](?:[ -]?[0-9]){14,18}\b", is_card),
    ("a number of social insurance", r"\b[0-9]{3}-[0-9]{3}-[0-9]{3}[ -][0-9]{2}\b", is_number),
    ("a number of a passport", r"\b[0-9]{2} ?[0-9]{2}[ -][0-9]{6}\b", is_number),
    ("a telephone number", r"(?:\+[0-9]|\b[78][ -]?\(?9[0-9])(?:[ ()-]{0,2}[0-9]){8,13}\b", is_number),
    ("a plate of a car", r"\b[АВЕКМНОРСТУХABEKMHOPCTYX][0-9]{3}[АВЕКМНОРСТУХABEKMHOPCTYX]{2} ?[0-9]{2,3}\b", is_plate),
];

/// Names that are nobody's (RFC 2606, RFC 6761).
const NOBODYS: &[&str] = &["example", "test", "invalid", "localhost", "example.com", "example.org", "example.net"];

/// Tells what in a file of tests looks like a real person's.
pub(super) fn examine(source: &Source, found: &mut Diagnostics) {
    let mut matches: Vec<(usize, usize, &str)> = Vec::new();
    for (what, pattern, could_be) in KINDS {
        let Ok(regex) = Regex::new(pattern) else { continue };
        for at in regex.find_iter(source.text()) {
            let overlaps = matches.iter().any(|(start, end, _)| at.start() < *end && *start < at.end());
            if !overlaps && source.text().get(at.range()).is_some_and(could_be) {
                matches.push((at.start(), at.end(), what));
            }
        }
    }
    if matches.is_empty() {
        return;
    }
    matches.sort_unstable();
    let shown = Source::new(source.path(), masked(source.text(), &matches));
    for (at, _, what) in matches {
        let help = "make one up that nobody can have: `a@example.org`, `+7 900 000-00-00`, `А000АА00`";
        let message = format!("this looks like {what} of a real person");
        found.push(shown.fault("real-data", Place::of_offset(source.text(), at), message).as_lint().help(help));
    }
}

/// The text with what was found made unreadable, character by character.
fn masked(text: &str, matches: &[(usize, usize, &str)]) -> String {
    let hidden = |at: usize| matches.iter().any(|(start, end, _)| (*start..*end).contains(&at));
    text.char_indices().map(|(at, c)| if c.is_alphanumeric() && hidden(at) { '*' } else { c }).collect()
}

fn is_mail(text: &str) -> bool {
    let domain = text.rsplit('@').next().unwrap_or_default().to_lowercase();
    let is = |known: &str| domain.strip_suffix(known).is_some_and(|above| above.is_empty() || above.ends_with('.'));
    !NOBODYS.iter().any(|known| is(known))
}

/// Whether digits could be a number that somebody has: neither few different ones, nor a row, nor zeros.
fn is_number(text: &str) -> bool {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).collect();
    let tail = digits.get(digits.len().saturating_sub(7)..).unwrap_or_default();
    let different = (b'0'..=b'9').filter(|digit| tail.contains(digit)).count();
    let row = tail.windows(2).all(|pair| matches!(pair, [a, b] if *b == a + 1 || (*a == b'9' && *b == b'0')));
    // 555-01xx is kept for films in North America.
    let film = tail.starts_with(b"55501");
    different > 2 && !row && !film && !tail.windows(4).any(|four| four == b"0000")
}

/// By Luhn's sum (ISO/IEC 7812-1), which every card number keeps; those that payment services give for tests are nobody's.
fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().rev().filter_map(|c| c.to_digit(10)).collect();
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 =
        digits.iter().enumerate().map(|(at, digit)| if at % 2 == 1 { doubled(*digit) } else { *digit }).sum();
    let plain: String = text.chars().filter(char::is_ascii_digit).collect();
    let for_tests = ["4111111111", "4242424242", "5555555555", "2200000000", "4000000000"];
    sum.is_multiple_of(10) && !for_tests.iter().any(|known| plain.starts_with(known))
}

fn is_plate(text: &str) -> bool {
    !text.contains("000")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let mut found = Diagnostics::new();
        examine(&Source::new("a.yaml", text), &mut found);
        found.iter().map(|lint| format!("{}:{} {}", lint.place.line, lint.place.column, lint.message)).collect()
    }

    #[test]
    fn what_could_be_somebody_s_is_told_with_its_place() {
        for (text, what) in [
            ("+7 916 123-45-68", "a telephone number"),
            ("89161234568", "a telephone number"),
            ("8 (916) 123-45-68", "a telephone number"),
            ("+4915112345679", "a telephone number"),
            ("ivan.petrov@mail.ru", "an e-mail address"),
            ("45 08 123457", "a number of a passport"),
            ("4508 123457", "a number of a passport"),
            ("123-456-788 64", "a number of social insurance"),
            ("4276 3800 1234 5679", "a number of a bank card"),
            ("А123ВС77", "a plate of a car"),
            ("K456MH 199", "a plate of a car"),
        ] {
            assert_eq!(
                told(&format!("a: 1\nb: \"{text}\"\n")),
                [format!("2:5 this looks like {what} of a real person")],
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_made_up_or_no_such_thing_is_not() {
        for text in [
            "+7 900 000-00-00",
            "+7 999 999-99-99",
            "+1 212 555-0123",
            "+7 495 1234567",
            "a@example.org",
            "b@prop.example",
            "c@login.test",
            "4111 1111 1111 1111",
            "4276 3800 1234 5670",
            "0000 000000",
            "А000АА00",
            "2026-11-27T12:00:00Z",
            "1800000000",
            "1764244800000",
            "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "house-1",
        ] {
            assert_eq!(told(&format!("b: \"{text}\"\n")), [""; 0], "{text}");
        }
    }

    #[test]
    fn nothing_of_it_is_shown() {
        let mut found = Diagnostics::new();
        examine(&Source::new("a.yaml", "who: ivan.petrov@mail.ru, +7 916 123-45-68\n"), &mut found);
        let told = found.to_string();
        assert!(!told.contains("ivan") && !told.contains("mail.ru") && !told.contains("916"), "{told}");
        assert!(told.contains(" 1 | who: ****.******@****.**, +* *** ***-**-**\n"), "{told}");
    }
}
