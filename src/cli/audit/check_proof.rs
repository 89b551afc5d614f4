//! `portcullis audit check-proof`: what a proof proves, for whoever holds the file and the key and nothing else.

use crate::cli::audit::place;
use crate::cli::backup::unusable;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::diagnostic::Diagnostics;
use crate::evidence::Checkpoint;
use crate::evidence::ConsistencyProof;
use crate::evidence::PROOF_MAX_BYTES;
use crate::evidence::Proof;
use crate::evidence::ProofFault;
use crate::evidence::Proved;
use crate::evidence::VerifierKey;
use crate::json;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use clap::Args;
use std::path::PathBuf;

/// Checks a proof against the public key of a log, offline, and shows the record that it is about.
///
/// It takes what `portcullis audit prove` and `portcullis audit consistency` make. The key must come from somewhere else than the
/// proof: it says whose log it is.
///
/// Exit codes: 0 it is proved, 1 it is not, 2 it could not be checked.
#[derive(Args)]
#[command(
    after_help = "Example:\n  portcullis audit check-proof r-aebagbafaydqqcikbmga2dqpca-1042.tlog-proof --key log.vkey"
)]
pub(super) struct Arguments {
    /// The proof
    #[arg(value_name = "FILE")]
    proof: PathBuf,
    /// The log's public key, or a file that holds it
    #[arg(long, value_name = "KEY")]
    key: String,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What was found.
enum Checked {
    Record(u64, Proved),
    Consistency(Checkpoint, Checkpoint),
    Nothing(ProofFault),
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let key = place::key(&arguments.key)?;
    let bytes = place::file(&arguments.proof, PROOF_MAX_BYTES as u64);
    let bytes = bytes.map_err(|error| unusable("proof", &arguments.proof, &error))?;
    let checked = check(&bytes, &key);
    say(&match arguments.format {
        Format::Text => text(&checked),
        Format::Json => json_text(&json(&checked)),
    });
    Ok(if matches!(checked, Checked::Nothing(_)) { Ending::FoundSomething } else { Ending::Done })
}

fn check(bytes: &[u8], key: &VerifierKey) -> Checked {
    let checked = if ConsistencyProof::is_one(bytes) {
        let both = ConsistencyProof::parse(bytes).and_then(|proof| proof.check(key));
        both.map(|(first, second)| Checked::Consistency(first, second))
    } else {
        let proof = Proof::parse(bytes).and_then(|proof| Ok((proof.index, proof.check(key)?)));
        proof.map(|(index, proved)| Checked::Record(index, proved))
    };
    checked.unwrap_or_else(Checked::Nothing)
}

fn text(checked: &Checked) -> String {
    match checked {
        Checked::Record(index, Proved { checkpoint, record }) => {
            let (origin, size) = (plain(&checkpoint.origin), checkpoint.size);
            let told = format!("PROVED: this is record {index} of {origin}, as signed with {size} records\n\n");
            told + &members(record)
        }
        Checked::Consistency(first, second) => {
            let (origin, first, second) = (plain(&first.origin), first.size, second.size);
            format!("PROVED: {origin} with {second} records goes on from itself with {first}\n")
        }
        Checked::Nothing(fault) => format!("NOT PROVED: {fault}\n"),
    }
}

/// A record, a member a line. Its text comes from strangers, in part.
fn members(record: &Value) -> String {
    let members = record.as_object().into_iter().flat_map(Object::iter);
    let line = |(name, value): (&str, &Value)| {
        let mut bytes = Vec::new();
        let shown = value.as_str().map(plain).unwrap_or_else(|| {
            json::write(value, &mut bytes);
            plain(&String::from_utf8_lossy(&bytes))
        });
        format!("  {:<14} {shown}\n", plain(name))
    };
    members.map(line).collect()
}

fn json(checked: &Checked) -> Value {
    let number = |number: u64| Number::try_from(number).map_or(Value::Null, Value::from);
    let mut out = Object::default();
    out.insert("proved", !matches!(checked, Checked::Nothing(_)));
    match checked {
        Checked::Record(index, Proved { checkpoint, record }) => {
            out.insert("origin", &*checkpoint.origin);
            out.insert("index", number(*index));
            out.insert("size", number(checkpoint.size));
            out.insert("record", record.clone());
        }
        Checked::Consistency(first, second) => {
            out.insert("origin", &*first.origin);
            out.insert("first", number(first.size));
            out.insert("second", number(second.size));
        }
        Checked::Nothing(fault) => {
            out.insert("code", fault.code());
            out.insert("why", fault.to_string().as_str());
        }
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::hides;

    #[test]
    fn what_a_record_holds_of_strangers_hides_nothing_and_ends_no_line() {
        let hostile = "a\x1b[31m\n\u{9b}\u{202e}\u{2066}\u{200b}";
        let mut inner = Object::default();
        inner.insert(hostile, hostile);
        let mut record = Object::default();
        record.insert("peer", hostile);
        record.insert(hostile, Value::Object(inner));
        let told = members(&Value::Object(record));
        assert_eq!(told.lines().count(), 2, "{told}");
        assert!(!told.replace('\n', "").chars().any(hides), "{told}");
    }
}
