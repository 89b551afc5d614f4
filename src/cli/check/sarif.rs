//! Findings as a SARIF log (OASIS SARIF 2.1.0), for what shows them beside the code: one run, its rules from the catalogue.
//!
//! Columns are counted in characters (`unicodeCodePoints`, §3.14.27), from 1, as everywhere here. Files are named relative to the
//! folder in which the check ran, where they lie below it (§3.4.4). Messages are plain text; `[words](address)` in one would be
//! shown as a link (§3.11.6), and whatever stands in an operator's file may not make one.

use crate::catalogue;
use crate::catalogue::Language;
use crate::cli::check::Found;
use crate::cli::output::json_text;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Severity;
use crate::diagnostic::plain;
use crate::json::Object;
use crate::json::Value;
use std::collections::BTreeSet;
use std::path::Path;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The log of one check.
pub(super) fn log(found: &Found, language: Language) -> String {
    let all: Vec<&Diagnostic> =
        [&found.faults, &found.warnings, &found.lints].into_iter().flat_map(Diagnostics::iter).collect();
    let codes: Vec<&str> = all.iter().map(|one| one.code).collect::<BTreeSet<_>>().into_iter().collect();
    let driver = object([
        ("name", "portcullis".into()),
        ("semanticVersion", env!("CARGO_PKG_VERSION").into()),
        ("rules", Value::from(codes.iter().map(|code| rule(code, language)).collect::<Vec<Value>>())),
    ]);
    let index = |code: &str| codes.iter().position(|known| *known == code).and_then(|at| u32::try_from(at).ok());
    let results: Vec<Value> = all.iter().map(|one| result(one, index(one.code).unwrap_or_default())).collect();
    let run = object([
        ("tool", object([("driver", driver)])),
        ("columnKind", "unicodeCodePoints".into()),
        ("language", if language == Language::Russian { "ru" } else { "en" }.into()),
        ("results", Value::from(results)),
    ]);
    json_text(&object([("$schema", SCHEMA.into()), ("version", "2.1.0".into()), ("runs", Value::from(vec![run]))]))
}

fn rule(code: &str, language: Language) -> Value {
    let words = catalogue::page(code).map(|page| page.words(language));
    let (title, help) = words.map_or((code, code), |words| (words.title, words.text));
    object([
        ("id", code.into()),
        ("shortDescription", text(title)),
        ("fullDescription", text(help)),
        ("help", text(&format!("{help} (docs/diagnostics.md#{code})"))),
    ])
}

fn result(one: &Diagnostic, rule: u32) -> Value {
    let level = match one.severity {
        Severity::Error => "error",
        Severity::Warning | Severity::Lint => "warning",
    };
    let mut message = plain(&one.message);
    if let Some(help) = &one.help {
        message.push_str(". ");
        message.push_str(&plain(help));
    }
    let locations: Vec<Value> = one.source.iter().map(|source| location(source.path(), one)).collect();
    object([
        ("ruleId", one.code.into()),
        ("ruleIndex", rule.into()),
        ("level", level.into()),
        ("message", text(&message)),
        ("locations", Value::from(locations)),
    ])
}

fn location(path: &Path, one: &Diagnostic) -> Value {
    let artifact = object([("uri", uri(path).into())]);
    let place = if one.place.line == 0 {
        object([("artifactLocation", artifact)])
    } else {
        let mut region = vec![("startLine", one.place.line.into()), ("startColumn", one.place.column.max(1).into())];
        region.extend(one.line().map(|line| ("snippet", text(&plain(line)))));
        object([("artifactLocation", artifact), ("region", object(region))])
    };
    object([("physicalLocation", place)])
}

/// A path as a reference (RFC 3986 §4.2): relative where it lies below the current folder.
fn uri(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let below = path.strip_prefix(&here).unwrap_or(path);
    let below = below.strip_prefix(".").unwrap_or(below);
    let mut uri = String::from(if below.is_absolute() { "file://" } else { "" });
    for byte in below.display().to_string().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

fn text(text: &str) -> Value {
    object([("text", text.replace("](", "] (").into())])
}

fn object<'k>(members: impl IntoIterator<Item = (&'k str, Value)>) -> Value {
    members.into_iter().collect::<Object>().into()
}
