//! A comparison for the screen: what it comes to, every difference in a line, and the lines of policies that changed.

use crate::cli::output::plain;
use crate::model::ChangeKind;
use crate::model::Difference;
use crate::workbench::Comparison;
use crate::workbench::line;

/// The most lines of one text that are compared one by one; a longer one is told whole, before and after.
const MAX_LINES: usize = 400;

/// The whole.
pub(super) fn written(found: &Comparison) -> String {
    let mut out = String::new();
    for told in found.summary() {
        out.push_str(&format!("{told}\n"));
    }
    for one in &found.differences {
        if one.kind == ChangeKind::Policy {
            out.push_str(&format!("\n{}\n", line(&without_texts(one))));
            changed_lines(one).iter().for_each(|changed| out.push_str(&format!("    {changed}\n")));
        } else {
            out.push_str(&format!("\n{}\n", line(one)));
        }
    }
    out
}

/// A difference whose texts are shown below it.
pub(super) fn without_texts(one: &Difference) -> Difference {
    let word = match (&one.old, &one.new) {
        (None, _) => "is new",
        (_, None) => "is gone",
        (Some(_), Some(_)) => "reads otherwise",
    };
    Difference { old: None, new: Some(word.to_owned()), ..one.clone() }
}

/// The lines of both texts, `-` before those that are gone and `+` before those that are new, each as plain text.
pub(super) fn changed_lines(one: &Difference) -> Vec<String> {
    let lines =
        |text: &Option<String>| -> Vec<String> { text.iter().flat_map(|text| text.lines()).map(plain).collect() };
    let (old, new) = (lines(&one.old), lines(&one.new));
    let signed = |sign: char, line: &String| format!("{sign} {line}");
    if old.len() > MAX_LINES || new.len() > MAX_LINES {
        let gone = old.iter().map(|line| signed('-', line));
        return gone.chain(new.iter().map(|line| signed('+', line))).collect();
    }
    let common = common_from(&old, &new);
    let length = |i: usize, j: usize| common.get(i).and_then(|row| row.get(j)).copied().unwrap_or_default();
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    loop {
        match (old.get(i), new.get(j)) {
            (Some(one), Some(other)) if one == other => {
                out.push(signed(' ', one));
                (i, j) = (i + 1, j + 1);
            }
            (Some(one), other) if other.is_none() || length(i + 1, j) >= length(i, j + 1) => {
                out.push(signed('-', one));
                i += 1;
            }
            (_, Some(other)) => {
                out.push(signed('+', other));
                j += 1;
            }
            (_, None) => return out,
        }
    }
}

/// The length of the longest common part of what follows each pair of lines.
fn common_from(old: &[String], new: &[String]) -> Vec<Vec<u32>> {
    let mut below = vec![0_u32; new.len() + 1];
    let mut rows = vec![below.clone()];
    for one in old.iter().rev() {
        let mut row = vec![0_u32];
        for (other, pair) in new.iter().zip(below.windows(2)).rev() {
            let [diagonal_left, diagonal] = pair else { continue };
            let right = row.last().copied().unwrap_or_default();
            row.push(if one == other { diagonal + 1 } else { right.max(*diagonal_left) });
        }
        row.reverse();
        below.clone_from(&row);
        rows.push(row);
    }
    rows.reverse();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Rating;

    #[test]
    fn lines_that_stayed_stand_between_those_that_went_and_came() {
        let one = |old: Option<&str>, new: Option<&str>| Difference {
            kind: ChangeKind::Policy,
            rating: Rating::Underived,
            place: Vec::new(),
            old: old.map(str::to_owned),
            new: new.map(str::to_owned),
            meaning: "",
            example: None,
        };
        let changed = |old, new| changed_lines(&one(old, new)).join("|");
        assert_eq!(changed(Some("a\nb\nc"), Some("a\nx\nc\nd")), "  a|- b|+ x|  c|+ d");
        assert_eq!(changed(None, Some("a")), "+ a");
        assert_eq!(changed(Some("a\nb"), None), "- a|- b");
        assert_eq!(changed(Some("a\nb\nc"), Some("b")), "- a|  b|- c");
        let long = "x\n".repeat(MAX_LINES + 1);
        assert_eq!(changed_lines(&one(Some(&long), Some("x"))).len(), MAX_LINES + 2);
        let just = "x\n".repeat(MAX_LINES);
        assert_eq!(changed_lines(&one(Some(&just), Some(&just))).len(), MAX_LINES);
    }
}
