//! Reading the audit log as a stranger does: its files are lines of JSON, padded with zeros.

use serde_json::Value;
use std::fs;
use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;

/// One record.
#[derive(Clone, Debug)]
pub struct Record(pub Value);

/// All records of a log, in their order.
pub fn records(folder: &Path) -> Vec<Record> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|kind| kind == "jsonl"));
    files.sort();
    let lines = files.iter().flat_map(|path| {
        // The zeros behind the last record may be megabytes.
        let mut bytes = Vec::new();
        BufReader::new(File::open(path).unwrap()).read_until(0, &mut bytes).unwrap();
        bytes.pop_if(|byte| *byte == 0);
        let text = String::from_utf8(bytes).unwrap();
        // A line that is being written has no end yet.
        let whole = text.rsplit_once('\n').map_or(String::new(), |(whole, _)| whole.to_owned());
        let all = whole.lines().map(|line| Record(serde_json::from_str(line).unwrap()));
        // What a segment begins with is told by the log of itself.
        all.filter(|record| record.text("kind") != "segment").collect::<Vec<_>>()
    });
    lines.collect()
}

impl Record {
    /// A member that is text.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A member, `null` where it is absent.
    pub fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }
}
