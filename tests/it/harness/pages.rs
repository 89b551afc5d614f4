//! The documents as somebody reads them who pastes: their fenced blocks, and the words that are set as code.

use std::fs;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The text of a document, by its path in the repository.
pub fn page(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Markdown file of these folders, by its path in the repository, sorted.
pub fn pages_in(folders: &[&str]) -> Vec<String> {
    let entries = |folder: &&str| {
        let entries = fs::read_dir(Path::new(ROOT).join(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let pages = names.filter(|name| name.ends_with(".md"));
        pages.map(|name| format!("{folder}/{name}").trim_start_matches("./").to_owned()).collect::<Vec<_>>()
    };
    let mut all: Vec<String> = folders.iter().flat_map(entries).collect();
    all.sort();
    all
}

/// The fenced blocks of a page in their order: the word behind the fence, and what stands between, without its indent.
pub fn blocks(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut inside: Option<usize> = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        match (line.trim_start().strip_prefix("```"), inside) {
            (Some(word), None) => {
                inside = Some(indent);
                found.push((word.trim().to_owned(), String::new()));
            }
            (Some(_), Some(_)) => inside = None,
            (None, Some(indent)) => {
                let block = &mut found.last_mut().unwrap().1;
                block.push_str(line.get(indent..).unwrap_or_default());
                block.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(inside.is_none(), "a block does not end");
    found
}

/// The blocks that a shell takes.
pub fn shell_blocks(text: &str) -> Vec<String> {
    blocks(text).into_iter().filter(|(word, _)| word == "sh").map(|(_, block)| block).collect()
}

/// What is set as code within lines, outside of fenced blocks.
pub fn inline_code(text: &str) -> Vec<&str> {
    let mut fenced = false;
    let outside = text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    });
    outside.flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}
