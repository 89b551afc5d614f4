//! Tables for people, in a terminal and in Markdown. What stands in a cell comes from files: in both it is escaped.

use crate::cli::output::plain;

/// Rows under a head.
pub(super) struct Table<'h> {
    head: &'h [&'h str],
    rows: Vec<Vec<String>>,
}

impl<'h> Table<'h> {
    /// No rows yet.
    pub(super) const fn new(head: &'h [&'h str]) -> Self {
        Self { head, rows: Vec::new() }
    }

    /// Adds a row of as many cells as the head has.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Whether there is nothing under the head.
    pub(super) const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// For a terminal: columns of one width, each line with `indent` before it.
    pub(super) fn text(&self, indent: &str) -> String {
        let head = self.head.iter().map(|cell| (*cell).to_owned()).collect();
        let shown = |row: &Vec<String>| row.iter().map(|cell| plain(cell)).collect::<Vec<_>>();
        let rows: Vec<Vec<String>> = std::iter::once(head).chain(self.rows.iter().map(shown)).collect();
        let wide = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.head.len()).map(wide).collect();
        let mut out = String::new();
        for row in &rows {
            let cells = row.iter().zip(&widths).map(|(cell, wide)| format!("{cell:<wide$}"));
            out.push_str(indent);
            out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            out.push('\n');
        }
        out
    }

    /// As a table of GitHub's and GitLab's Markdown.
    pub(super) fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut out = line(self.head.iter().map(|cell| (*cell).to_owned()).collect());
        out.push_str(&line(vec!["---".to_owned(); self.head.len()]));
        for row in &self.rows {
            out.push_str(&line(row.iter().map(|cell| markdown(cell)).collect()));
        }
        out
    }
}

/// Text of others as Markdown shows it: as it is, on one line, calling nobody and linking nowhere.
pub(super) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Would call a person, or name an issue.
            '@' => out.push_str("&#64;"),
            '#' => out.push_str("&#35;"),
            // `https:` alone makes a link of what follows.
            ':' => out.push_str("&#58;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_stands_in_columns_and_in_markdown_and_nothing_in_a_cell_ends_it() {
        let mut table = Table::new(&["name", "what"]);
        table.row(vec!["дверь".to_owned(), "a|b\n\u{1b}[31m".to_owned()]);
        table.row(vec!["x".to_owned(), String::new()]);
        assert_eq!(table.text("  "), "  name   what\n  дверь  a|b\\n\\u{1b}[31m\n  x\n");
        let wanted = "| name | what |\n| --- | --- |\n| дверь | a\\|b\\\\n\\\\u{1b}\\[31m |\n| x |  |\n";
        assert_eq!(table.markdown(), wanted);
    }

    #[test]
    fn what_comes_from_a_file_is_no_markup_no_link_and_calls_nobody() {
        let told = markdown("<img src=x onerror=y> @all https://evil.example [a](b) `c` **d** #1 \u{202e}");
        assert_eq!(
            told,
            "&lt;img src=x onerror=y&gt; &#64;all https&#58;//evil.example \\[a\\](b) \\`c\\` \\*\\*d\\*\\* &#35;1 \\\\u{202e}"
        );
    }
}
