//! Two patterns: which texts fit one of them and not the other, told by their tables of states, not by trying texts.
//!
//! A pattern fits the whole of a text or not at all (`pattern.rs`), so it is a set of texts, and whether one set lies within
//! another is decided by going through pairs of states: a pair that is reached by the same bytes and ends a text in one table and
//! not in the other is a text of the difference. The shortest such text is the example. The pairs that are looked at are bounded;
//! beyond that nothing is said.

use crate::contract::pattern::Pattern;
use regex_automata::Anchored;
use regex_automata::Input;
use regex_automata::dfa::Automaton;
use regex_automata::dfa::dense;
use regex_automata::util::primitives::StateID;
use std::collections::HashSet;

/// The most pairs of states that are looked at.
const MAX_PAIRS: usize = 65_536;

/// The texts in which two patterns differ, by one example each.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Apart {
    /// A text that fits the newer pattern alone.
    pub(super) gained: Option<String>,
    /// A text that fits the older pattern alone.
    pub(super) lost: Option<String>,
}

/// A pair of states and the way to it: the pair before, and the byte that led here.
struct Pair {
    old: StateID,
    new: StateID,
    before: usize,
    byte: u8,
}

/// Compares two patterns; `None` if that would take too long.
pub(super) fn compare(old: &Pattern, new: &Pattern) -> Option<Apart> {
    compare_within(old, new, MAX_PAIRS)
}

fn compare_within(old: &Pattern, new: &Pattern, max_pairs: usize) -> Option<Apart> {
    if old.text() == new.text() {
        return Some(Apart::default());
    }
    let (old, new) = (old.table(), new.table());
    let bytes = representatives(old, new);
    let start = Pair { old: start(old)?, new: start(new)?, before: 0, byte: 0 };
    let mut seen: HashSet<(StateID, StateID)> = HashSet::from([(start.old, start.new)]);
    let mut pairs = vec![start];
    let mut apart = Apart::default();
    let mut at = 0;
    while let Some(pair) = pairs.get(at) {
        let (one, other) = (pair.old, pair.new);
        match (ends(old, one), ends(new, other)) {
            (false, true) if apart.gained.is_none() => apart.gained = Some(text(&pairs, at)?),
            (true, false) if apart.lost.is_none() => apart.lost = Some(text(&pairs, at)?),
            _ => {}
        }
        if apart.gained.is_some() && apart.lost.is_some() {
            break;
        }
        for byte in &bytes {
            let next = (old.next_state(one, *byte), new.next_state(other, *byte));
            // From where both are dead no text is reached.
            if old.is_dead_state(next.0) && new.is_dead_state(next.1) || !seen.insert(next) {
                continue;
            }
            if pairs.len() == max_pairs {
                return None;
            }
            pairs.push(Pair { old: next.0, new: next.1, before: at, byte: *byte });
        }
        at += 1;
    }
    Some(apart)
}

fn start(table: &dense::DFA<Vec<u32>>) -> Option<StateID> {
    table.start_state_forward(&Input::new("").anchored(Anchored::Yes)).ok()
}

/// Whether a text may end in this state.
fn ends(table: &dense::DFA<Vec<u32>>, state: StateID) -> bool {
    table.is_match_state(table.next_eoi_state(state))
}

/// One byte for each set of bytes that neither table tells apart, those first that people like to read.
fn representatives(old: &dense::DFA<Vec<u32>>, new: &dense::DFA<Vec<u32>>) -> Vec<u8> {
    let mut all: Vec<u8> = (0..=u8::MAX).collect();
    let rank = |byte: &u8| match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' | b'0'..=b'9' => 1,
        0x21..=0x7e => 2,
        b' ' => 3,
        _ => 4,
    };
    all.sort_by_key(rank);
    let (old, new) = (old.byte_classes(), new.byte_classes());
    let mut seen = HashSet::new();
    all.retain(|byte| seen.insert((old.get(*byte), new.get(*byte))));
    all
}

/// The text that leads to a pair. Whatever fits a pattern is UTF-8.
fn text(pairs: &[Pair], mut at: usize) -> Option<String> {
    let mut bytes = Vec::new();
    while at != 0 {
        let pair = pairs.get(at)?;
        bytes.push(pair.byte);
        at = pair.before;
    }
    bytes.reverse();
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prop_assert;
    use proptest::prop_assert_eq;
    use proptest::proptest;
    use proptest::strategy::Strategy;

    fn pattern(text: &str) -> Pattern {
        Pattern::compile(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn apart(old: &str, new: &str) -> (Option<String>, Option<String>) {
        let apart = compare(&pattern(old), &pattern(new)).unwrap();
        (apart.gained, apart.lost)
    }

    #[test]
    fn the_shortest_text_of_each_difference_is_the_example() {
        let some = |text: &str| Some(text.to_owned());
        for (old, new, gained, lost) in [
            ("^[a-z]{1,4}$", "^[a-z]{1,4}$", None, None),
            ("^[a-z]{1,4}$", "^[a-z][a-z]{0,3}$", None, None),
            ("^(?:a|b)c?$", "^(?:ac?|bc?)$", None, None),
            ("^[a-z]{1,4}$", "^[a-z]{1,5}$", some("aaaaa"), None),
            ("^[a-z]{1,4}$", "^[a-z]{0,4}$", some(""), None),
            ("^[a-z]{1,4}$", "^[b-z]{1,4}$", None, some("a")),
            ("^[a-z]{1,4}$", "^[A-Z]{1,4}$", some("A"), some("a")),
            ("^.$", "^[^a]$", some("\n"), some("a")),
            ("^[a-zа-я]$", "^[a-z]$", None, some("а")),
            (r"^\d+$", r"^[0-9]{1,}$", None, None),
            (r"^\d{3}$", r"^\d+$", some("0"), None),
        ] {
            assert_eq!(apart(old, new), (gained, lost), "{old} {new}");
        }
    }

    #[test]
    fn beyond_so_many_pairs_nothing_is_said() {
        let (old, new) = (pattern("^(?:aa){0,9}$"), pattern("^(?:aaa){0,9}$"));
        let whole = compare_within(&old, &new, 200).unwrap();
        assert_eq!((whole.gained.as_deref(), whole.lost.as_deref()), (Some("aaa"), Some("aa")));
        assert_eq!(compare_within(&old, &new, 3), None, "one too few");
        assert!(compare_within(&old, &new, 4).is_some(), "just enough");
        assert_eq!(compare_within(&old, &old, 0), Some(Apart::default()), "one pattern needs no look");
    }

    /// Patterns over two letters, small enough to be compared by trying all short texts.
    fn small() -> impl Strategy<Value = String> {
        let leaf = proptest::sample::select(vec!["a", "b", "[ab]", "(?:a|bb)", "é"]);
        let many = proptest::sample::select(vec!["", "?", "*", "{2}", "{1,2}"]);
        proptest::collection::vec((leaf, many), 0..4).prop_map(|parts| {
            let inner: String = parts.iter().map(|(leaf, many)| format!("{leaf}{many}")).collect();
            format!("^{inner}$")
        })
    }

    /// All texts of at most five of these characters.
    fn texts() -> Vec<String> {
        let mut all = vec![String::new()];
        let mut longest = all.clone();
        for _ in 0..5 {
            longest = longest.iter().flat_map(|text| ["a", "b", "é"].map(|c| format!("{text}{c}"))).collect();
            all.extend(longest.clone());
        }
        all
    }

    proptest! {
        #[test]
        fn what_is_said_of_two_patterns_is_what_all_short_texts_say(old in small(), new in small()) {
            let (one, other) = (pattern(&old), pattern(&new));
            let apart = compare(&one, &other).unwrap();
            for text in texts() {
                let (before, after) = (one.matches(&text), other.matches(&text));
                prop_assert!(before || !after || apart.gained.is_some(), "{} {} {}", old, new, text);
                prop_assert!(after || !before || apart.lost.is_some(), "{} {} {}", old, new, text);
            }
            for text in apart.gained.iter() {
                prop_assert!(!one.matches(text) && other.matches(text), "{} {} {}", old, new, text);
            }
            for text in apart.lost.iter() {
                prop_assert!(one.matches(text) && !other.matches(text), "{} {} {}", old, new, text);
            }
            let back = compare(&other, &one).unwrap();
            prop_assert_eq!((apart.gained, apart.lost), (back.lost, back.gained));
        }
    }
}
