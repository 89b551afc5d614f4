//! `portcullis status`: how a running gateway stands, as it tells itself at `/-/status`.

use crate::cli::ops;
use crate::cli::ops::Ops;
use crate::cli::ops::list;
use crate::cli::ops::number;
use crate::cli::ops::text;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::say;
use crate::cli::output::spent;
use crate::cli::screen;
use crate::cli::screen::Screen;
use crate::diagnostic::Diagnostics;
use crate::json::Value;
use clap::Args;
use std::fmt::Write;
use std::time::Duration;

/// How often `--watch` looks.
const LOOKS_EVERY: Duration = Duration::from_secs(2);

/// Tells how a running gateway stands: bundle, directory, epoch, softeners, listeners, partners, what runs out, queues.
///
/// It asks the ops listener, which reads and takes no orders; the partners are not asked anything. The JSON is that of
/// `/-/status` (docs/operations.md).
///
/// Exit codes: 0 ready, 1 not ready or with a notice, 2 no gateway was reached.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis status --config gateway.yaml\n  \
                  portcullis status --ops 127.0.0.1:9464 --format json\n  portcullis status --config gateway.yaml --watch")]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Ops,
    /// Look again every two seconds until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let address = arguments.place.address()?;
    let look = || {
        let (text, status) = ops::status(address)?;
        let shown = match arguments.format {
            Format::Json => text,
            Format::Text => rendered(&status),
        };
        Ok::<_, Diagnostics>((shown, ending(&status)))
    };
    if !arguments.watch {
        let (shown, ending) = look()?;
        say(&shown);
        return Ok(ending);
    }
    let screen = Screen::open(arguments.format == Format::Text);
    // What cannot be seen at this look may be at the next one.
    screen::repeat(LOOKS_EVERY, || match look() {
        Ok((shown, _)) => screen.show(&shown),
        Err(faults) => screen.show(&format!("{faults}\n")),
    })?;
    Ok(Ending::Done)
}

fn ending(status: &Value) -> Ending {
    let ready = status.get("ready").and_then(Value::as_boolean) == Some(true);
    if ready && list(status, "notices").is_empty() { Ending::Done } else { Ending::FoundSomething }
}

/// The status for people. Everything in it passes [`text`] or is a number: whoever answered may be anybody.
fn rendered(status: &Value) -> String {
    let mut out = String::with_capacity(4 * 1024);
    let ready = status.get("ready").and_then(Value::as_boolean) == Some(true);
    let _ = writeln!(out, "ready        {}", if ready { "yes" } else { "no" });
    conditions(&mut out, status, "reasons");
    conditions(&mut out, status, "notices");
    let _ = writeln!(out, "version      {}", text(status, "version"));
    let _ = writeln!(out, "up           {} since {}", spent(number(status, "uptime_s")), text(status, "started"));
    let _ = writeln!(out, "environment  {}", text(status, "environment"));
    let _ = writeln!(out, "bundle       {}", text(status, "bundle"));
    let _ = writeln!(out, "signed by    {}", signers(status.get("approval").unwrap_or(&Value::Null)));
    let _ = writeln!(out, "directory    version {}", number(status, "directory"));
    let _ = writeln!(out, "epoch        {}", number(status, "epoch"));
    let audit = status.get("audit").unwrap_or(&Value::Null);
    let _ = writeln!(out, "audit log    {}, {} records lost", text(audit, "state"), number(audit, "records_lost"));
    section(&mut out, status, "softeners", "none", |one| format!("{}: {}", text(one, "key"), text(one, "says")));
    section(&mut out, status, "listeners", "none", listener);
    section(&mut out, status, "partners", "none", partner);
    section(&mut out, status, "expiries", "nothing runs out", expiry);
    section(&mut out, status, "queues", "none", queue);
    out
}

/// Who signed the bundle in force; a gateway in development may say that nobody did.
fn signers(approval: &Value) -> String {
    let by = |one: &Value| format!("{} ({})", text(one, "person"), text(one, "role"));
    let all: Vec<String> = list(approval, "signed_by").iter().map(by).collect();
    match all.as_slice() {
        [] => "nobody".to_owned(),
        all => format!("{}; sequence {}", all.join(", "), number(approval, "sequence")),
    }
}

fn conditions(out: &mut String, status: &Value, name: &str) {
    for condition in list(status, name) {
        let (code, says) = (text(condition, "code"), text(condition, "says"));
        let _ = writeln!(out, "  {code}: {says}\n    help: {}", text(condition, "hint"));
    }
}

fn section(out: &mut String, status: &Value, name: &str, none: &str, line: impl Fn(&Value) -> String) {
    let _ = writeln!(out, "\n{name}");
    let all = list(status, name);
    if all.is_empty() {
        let _ = writeln!(out, "  {none}");
    }
    for one in all {
        let _ = writeln!(out, "  {}", line(one));
    }
}

fn listener(one: &Value) -> String {
    let connections = match one.get("connections").and_then(Value::as_integer) {
        Some(_) => format!("  {} connections", number(one, "connections")),
        None => String::new(),
    };
    format!("{:<8} {}{connections}", text(one, "name"), text(one, "address"))
}

/// A partner on one line, and each reason of failures on one more.
fn partner(one: &Value) -> String {
    let connections = one.get("connections").unwrap_or(&Value::Null);
    let good = Some(text(one, "last_good")).filter(|at| !at.is_empty()).unwrap_or_else(|| "none yet".to_owned());
    let mut line = format!(
        "{} at {}: last good exchange {good}; connections {} idle, {} in use",
        text(one, "name"),
        text(one, "upstream"),
        number(connections, "idle"),
        number(connections, "in_use")
    );
    for failure in list(one, "failures") {
        let (reason, times) = (text(failure, "reason"), number(failure, "count"));
        let _ = write!(line, "\n    failed {times} times: {reason}, last at {}", text(failure, "last"));
    }
    line
}

fn expiry(one: &Value) -> String {
    let alarm = match text(one, "alarm") {
        word if word.is_empty() => String::new(),
        word => format!("  ALARM: {word}"),
    };
    let (days, what) = (number(one, "days"), text(one, "what"));
    format!("{days:>5} days  {what} of {}, until {}{alarm}", text(one, "name"), text(one, "at"))
}

fn queue(one: &Value) -> String {
    let most = match number(one, "most") {
        0 => String::new(),
        most => format!(" of {most}"),
    };
    format!("{:<21} {}{most}", text(one, "name"), number(one, "waiting"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn what_a_hostile_end_tells_is_shown_without_its_control_characters() {
        let hostile = r#"{"status":1,"ready":true,"version":"\u001b[2J\u202e1","partners":[{"name":"a\nb"}]}"#;
        let status = json::parse(hostile.as_bytes(), json::Limits::default()).unwrap();
        let shown = rendered(&status);
        assert!(shown.contains("version      \\u{1b}[2J\\u{202e}1\n"), "{shown}");
        assert!(shown.contains("a\\nb at "), "{shown}");
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'));
    }

    #[test]
    fn a_gateway_with_a_notice_or_not_ready_is_something_found() {
        let ended = |text: &str| ending(&json::parse(text.as_bytes(), json::Limits::default()).unwrap());
        assert_eq!(ended(r#"{"ready":true,"notices":[]}"#), Ending::Done);
        for found in [r#"{"ready":true,"notices":[{"code":"x"}]}"#, r#"{"ready":false}"#, "{}"] {
            assert_eq!(ended(found), Ending::FoundSomething, "{found}");
        }
    }
}
