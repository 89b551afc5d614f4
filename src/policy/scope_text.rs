//! Where a policy's scope stands in its text: Cedar keeps no places of it.

use std::ops::ControlFlow;

/// The effect's word, and principal, action and resource, each from its first byte to behind its last, of the policy that
/// begins at `begin`, annotations included. The text is Cedar that has been parsed.
pub(super) fn find(text: &str, begin: usize) -> (usize, [(usize, usize); 3]) {
    let mut found = Finding { word: begin, elements: [(begin, begin); 3], element: 0, depth: 0, from: None, to: begin };
    for (at, piece) in pieces(text, begin) {
        if found.take(at, piece).is_break() {
            break;
        }
    }
    (found.word, found.elements)
}

/// A token as far as it matters here.
#[derive(Clone, Copy)]
enum Piece<'t> {
    Word(&'t str),
    Other(&'t str),
}

struct Finding {
    word: usize,
    elements: [(usize, usize); 3],
    element: usize,
    /// How many brackets are open; the scope's own is the first.
    depth: usize,
    from: Option<usize>,
    to: usize,
}

impl Finding {
    fn take(&mut self, at: usize, piece: Piece<'_>) -> ControlFlow<()> {
        let text = match piece {
            // The brackets of annotations come before it; they hold no words.
            Piece::Word("permit" | "forbid") if self.depth == 0 => {
                self.word = at;
                return ControlFlow::Continue(());
            }
            Piece::Word(text) | Piece::Other(text) => text,
        };
        match text {
            "(" | "[" | "{" => {
                self.depth += 1;
                if self.depth == 1 {
                    return ControlFlow::Continue(());
                }
            }
            ")" | "]" | "}" => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    let is_scope = self.from.is_some() && self.element == 2;
                    self.close();
                    if is_scope {
                        return ControlFlow::Break(());
                    }
                    self.element = 0;
                    return ControlFlow::Continue(());
                }
            }
            "," if self.depth == 1 => {
                self.close();
                self.element += 1;
                return ControlFlow::Continue(());
            }
            _ => {}
        }
        if self.depth >= 1 {
            self.from.get_or_insert(at);
            self.to = at + text.len();
        }
        ControlFlow::Continue(())
    }

    fn close(&mut self) {
        if let (Some(from), Some(element)) = (self.from.take(), self.elements.get_mut(self.element)) {
            *element = (from, self.to);
        }
    }
}

/// Words, strings and single characters from `begin` on, without space and comments.
fn pieces(text: &str, begin: usize) -> impl Iterator<Item = (usize, Piece<'_>)> {
    let mut at = begin;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..)?;
            let first = rest.chars().next()?;
            if first.is_whitespace() {
                at += first.len_utf8();
            } else if rest.starts_with("//") {
                at += rest.find('\n').unwrap_or(rest.len());
            } else {
                break;
            }
        }
        let rest = text.get(at..)?;
        let first = rest.chars().next()?;
        let is_inner = |c: char| c.is_alphanumeric() || c == '_';
        let length = if first == '"' {
            string_length(rest)
        } else if is_inner(first) {
            rest.find(|c| !is_inner(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (here, piece) = (at, rest.get(..length)?);
        at += length;
        Some((here, if is_inner(first) { Piece::Word(piece) } else { Piece::Other(piece) }))
    })
}

/// The bytes of the string literal that `text` begins with, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_elements_are_found_behind_annotations_comments_and_brackets_in_strings() {
        let text = "@id(\"a, (b\")\n@reason(\"permit (x, y, z)\")\n// permit (\nforbid ( // (\n  principal == A::\"),\\\"(\",\n  action in [X::\"1\", X::\"2\"],\n  resource\n) when { (1, 2, 3) };";
        let (word, elements) = find(text, 0);
        assert!(text.get(word..).unwrap().starts_with("forbid ( //"));
        let elements = elements.map(|(from, to)| text.get(from..to).unwrap());
        assert_eq!(elements, ["principal == A::\"),\\\"(\"", "action in [X::\"1\", X::\"2\"]", "resource"]);
    }
}
