//! Where in a text something is added: after the last line of the block that it belongs to.

use crate::yaml::Node;
use crate::yaml::Yaml;

/// A text with lines put in before line `before` (from 1).
pub(super) fn with_lines(text: &str, before: u32, added: &str) -> String {
    let at = usize::try_from(before).unwrap_or(usize::MAX).saturating_sub(1);
    let mut lines: Vec<&str> = text.lines().collect();
    let at = at.min(lines.len());
    let rest = lines.split_off(at);
    let mut out = lines.join("\n");
    if !out.is_empty() {
        out.push('\n');
    }
    out.push_str(added);
    for line in rest {
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// The line before which a block ends that is followed by what begins in line `next`: comments and empty lines above that one are
/// of what follows. `None` is the end of the text.
pub(super) fn end_before(text: &str, next: Option<u32>) -> u32 {
    let lines: Vec<&str> = text.lines().collect();
    let mut end = match next {
        Some(next) => usize::try_from(next).unwrap_or(usize::MAX).saturating_sub(1).min(lines.len()),
        None => lines.len(),
    };
    while end > 0
        && lines.get(end - 1).is_some_and(|line| {
            let line = line.trim_end();
            line.is_empty() || (next.is_some() && line.starts_with('#'))
        })
    {
        end -= 1;
    }
    u32::try_from(end).unwrap_or(u32::MAX - 1) + 1
}

/// The entry of a mapping with this key, where its key stands, and the line of the entry after it.
pub(super) struct Entry<'a> {
    pub(super) node: &'a Node,
    pub(super) column: u32,
    pub(super) next: Option<u32>,
}

/// Finds an entry; `after` is where the mapping itself is followed by something.
pub(super) fn entry<'a>(map: &'a Node, key: &str, after: Option<u32>) -> Option<Entry<'a>> {
    let Yaml::Map(entries) = &map.value else { return None };
    let at = entries.iter().position(|(known, _)| known.text == key)?;
    let (known, node) = entries.get(at)?;
    let next = entries.get(at + 1).map(|(next, _)| next.place.line).or(after);
    Some(Entry { node, column: known.place.column, next })
}

/// The column of the keys of a mapping that is written in lines of its own; `None` where it is not.
pub(super) fn column(map: &Node, parent: u32) -> Option<u32> {
    let Yaml::Map(entries) = &map.value else { return None };
    let (first, _) = entries.first()?;
    let in_lines = entries.iter().all(|(key, _)| key.place.column == first.place.column);
    (in_lines && first.place.column > parent).then_some(first.place.column)
}

/// Lines, each indented to `column` (from 1) more.
pub(super) fn indented(lines: &str, column: u32) -> String {
    let margin = " ".repeat(usize::try_from(column).unwrap_or(1).saturating_sub(1));
    lines.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{margin}{line}\n") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;
    use crate::yaml;

    const TEXT: &str = "a:\n  b: 1\n  c: 2   # of c\n\n# of d\nd: {e: 1}\n";

    #[test]
    fn what_is_added_stands_at_the_end_of_its_block_and_before_the_comments_of_the_next() {
        let root = yaml::parse(&Source::new("x.yaml", TEXT)).unwrap();
        let a = entry(&root, "a", None).unwrap();
        assert_eq!((a.column, a.next, column(a.node, a.column)), (1, Some(6), Some(3)));
        let before = end_before(TEXT, a.next);
        assert_eq!(before, 4);
        let added = with_lines(TEXT, before, &indented("x:\n  y: 1\n", 3));
        assert_eq!(added, "a:\n  b: 1\n  c: 2   # of c\n  x:\n    y: 1\n\n# of d\nd: {e: 1}\n");
        let d = entry(&root, "d", None).unwrap();
        assert_eq!(end_before(TEXT, d.next), 7);
        assert!(entry(&root, "z", None).is_none());
        assert_eq!(with_lines("", 1, "x\n"), "x\n");
    }
}
