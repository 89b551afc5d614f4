//! The audit log, read as anybody may read it: files of JSON lines, with zeros behind the last one.

use crate::json;
use crate::json::Limits;
use crate::json::Value;
use std::fs;
use std::io;
use std::path::Path;

/// One record.
pub(super) struct Record(Value);

/// The records that bear a receipt, in their order.
pub(super) fn of_receipt(folder: &Path, receipt: &str) -> io::Result<Vec<Record>> {
    let mut files: Vec<_> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|kind| kind == "jsonl"));
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let bytes = fs::read(file)?;
        let written = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        let records = written.split(|byte| *byte == b'\n').filter_map(|line| json::parse(line, Limits::default()).ok());
        found.extend(records.map(Record).filter(|record| record.text("receipt") == Some(receipt)));
    }
    Ok(found)
}

impl Record {
    /// A member that is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// The ids of the policies that decided, with commas between them; empty where none was asked.
    pub(super) fn policies(&self) -> String {
        let policies = self.0.get("decision").and_then(|decision| decision.get("policies")).and_then(Value::as_array);
        policies.unwrap_or_default().iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
    }

    /// Why it ended so: the reason, and the detail where there is one.
    pub(super) fn why(&self) -> String {
        let words = [self.text("reason"), self.text("detail")];
        words.into_iter().flatten().collect::<Vec<_>>().join(": ")
    }
}
