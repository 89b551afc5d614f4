//! `portcullis audit verify`: whether a log is what was signed, and what outsiders saw.

use crate::cli::audit::place;
use crate::cli::audit::place::LogPlace;
use crate::cli::audit::progress;
use crate::cli::backup::unusable;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::diagnostic::Diagnostics;
use crate::evidence;
use crate::evidence::Checkpoint;
use crate::evidence::Finding;
use crate::evidence::Progress;
use crate::evidence::Question;
use crate::evidence::Report;
use crate::evidence::Seen;
use crate::evidence::VerifierKey;
use crate::evidence::base64_of_hash;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use clap::Args;
use std::fmt::Write;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;

/// Verifies a log from its files and its public key alone: every record, the tree, every checkpoint, the links between segments.
///
/// The log may be one that a gateway is writing: what stands behind the newest checkpoint is told as not attested yet. With
/// `--seen` it is also held against what outsiders saw of it: checkpoints, and lines of JSON with `origin`, `size` and `root`.
/// Only that tells a log that somebody with the key has written anew. `docs/audit-format.md` says what is looked at, and what
/// each finding means.
///
/// Exit codes: 0 it is what was signed, 1 something is wrong, 2 it could not be verified.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis audit verify /var/lib/portcullis/audit --key log.vkey\n  \
                  portcullis audit verify --config gateway.yaml --seen seen-by-partner.jsonl\n  \
                  portcullis audit verify copy --key log.vkey --format json")]
pub(super) struct Arguments {
    #[command(flatten)]
    place: LogPlace,
    /// The log's public key, or a file that holds it; with `--config` the configured one unless it is named
    #[arg(long, value_name = "KEY", required_unless_present = "config")]
    key: Option<String>,
    /// The log's name; the key's unless it is named
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
    /// What outsiders saw; may be given several times
    #[arg(long, value_name = "FILE")]
    seen: Vec<PathBuf>,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let (directory, key) = arguments.place.find_with_key(arguments.key.as_deref())?;
    let origin = arguments.origin.as_deref().unwrap_or(key.name());
    let seen = seen(&arguments.seen, &key, origin)?;
    let progress = Progress::default();
    let question = Question { directory: &directory, key: &key, origin, progress: &progress };
    let report = progress::drawn(&progress, || evidence::examine(&question, seen));
    let report = report.map_err(|fault| place::unreadable(&fault))?;
    say(&match arguments.format {
        Format::Json => json_text(&json(&report, origin)),
        Format::Text => text(&report, origin),
    });
    Ok(if report.findings.is_empty() { Ending::Done } else { Ending::FoundSomething })
}

fn seen(files: &[PathBuf], key: &VerifierKey, origin: &str) -> Result<Seen, Diagnostics> {
    let mut all = Seen::default();
    for path in files {
        let file = File::open(path).map_err(|error| unusable("file of what was seen", path, &error))?;
        let seen = Seen::read(path, BufReader::new(file), key, origin);
        all.join(seen.map_err(|error| unusable("file of what was seen", path, &error))?);
    }
    Ok(all)
}

fn shown(path: &Path) -> String {
    plain(&path.display().to_string())
}

fn text(report: &Report, origin: &str) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = writeln!(out, "log          {}", plain(origin));
    let last = report.size.saturating_sub(1);
    let _ = match report.size > report.from {
        true => writeln!(out, "records      {} to {last}, in {} segments", report.from, report.segments),
        false => writeln!(out, "records      none"),
    };
    if report.from > 0 {
        let segment = report.first_segment;
        let _ = writeln!(out, "             what came before segment {segment} is not here; its header vouches for it");
    }
    let _ = match &report.attested {
        Some(Checkpoint { size, root, .. }) => {
            writeln!(out, "signed       {size} records, root {}", base64_of_hash(root))
        }
        None => writeln!(out, "signed       nothing"),
    };
    let _ = writeln!(out, "checkpoints  {}", report.checkpoints);
    if report.tiles > 0 {
        let _ = writeln!(out, "tiles        {} files", report.tiles);
    }
    if report.seen + report.seen_of_others > 0 {
        let (seen, others) = (report.seen, report.seen_of_others);
        let _ = writeln!(out, "seen         {seen} claims by outsiders, and {others} about other logs");
    }
    if report.unattested() > 0 {
        let _ = writeln!(out, "not attested {} records behind the newest checkpoint", report.unattested());
    }
    if let Some((file, offset, bytes)) = &report.torn {
        let _ = writeln!(
            out,
            "not attested {bytes} bytes of a write that is not whole, at byte {offset} of {}",
            shown(file)
        );
    }
    for Finding { file, offset, wrong } in &report.findings {
        let _ = writeln!(
            out,
            "\nerror[{}]: {}, byte {offset}: {wrong}\n  help: {}",
            wrong.code(),
            shown(file),
            wrong.hint()
        );
    }
    let _ = match report.findings.len() {
        0 => writeln!(out, "\nverified: the records are what was signed"),
        1 => writeln!(out, "\nNOT verified: 1 thing is wrong"),
        many => writeln!(out, "\nNOT verified: {many} things are wrong"),
    };
    out
}

fn json(report: &Report, origin: &str) -> Value {
    let number = |number: u64| Number::try_from(number).map_or(Value::Null, Value::from);
    let text = |path: &Path| Value::from(path.display().to_string().as_str());
    let mut out = Object::default();
    out.insert("verified", report.findings.is_empty());
    out.insert("origin", origin);
    out.insert("first_segment", number(report.first_segment));
    out.insert("segments", number(report.segments));
    out.insert("from", number(report.from));
    out.insert("size", number(report.size));
    let attested = report.attested.as_ref().map(|checkpoint| {
        let mut attested = Object::default();
        attested.insert("size", number(checkpoint.size));
        attested.insert("root", base64_of_hash(&checkpoint.root).as_str());
        Value::Object(attested)
    });
    out.insert("attested", attested.unwrap_or(Value::Null));
    out.insert("unattested", number(report.unattested()));
    let torn = report.torn.as_ref().map(|(file, offset, bytes)| {
        let mut torn = Object::default();
        torn.insert("file", text(file));
        torn.insert("offset", number(*offset));
        torn.insert("bytes", number(*bytes));
        Value::Object(torn)
    });
    out.insert("torn", torn.unwrap_or(Value::Null));
    out.insert("checkpoints", number(report.checkpoints));
    out.insert("tiles", number(report.tiles));
    out.insert("seen", number(report.seen));
    out.insert("seen_of_other_logs", number(report.seen_of_others));
    let findings = report.findings.iter().map(|Finding { file, offset, wrong }| {
        let mut finding = Object::default();
        finding.insert("code", wrong.code());
        finding.insert("file", text(file));
        finding.insert("offset", number(*offset));
        finding.insert("what", wrong.to_string().as_str());
        finding.insert("help", wrong.hint());
        Value::Object(finding)
    });
    out.insert("findings", Value::Array(findings.collect()));
    Value::Object(out)
}
