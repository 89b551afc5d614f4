//! `portcullis status`: how a running gateway stands, as it tells itself at `/-/status`.

use crate::cli::identity_lines;
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

/// Tells how a running gateway stands: bundle and how the last swap ended, directory, epoch, softeners, listeners, partners, issuers and keys, what runs out, queues.
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
    let policies = status.get("policies").unwrap_or(&Value::Null);
    let _ = writeln!(out, "in force     since {}", known(policies, "since"));
    let _ = writeln!(out, "last swap    {}", attempt(policies.get("last_attempt").unwrap_or(&Value::Null)));
    let _ = writeln!(out, "signed by    {}", signers(status.get("approval").unwrap_or(&Value::Null)));
    let _ = writeln!(out, "directory    version {}", number(status, "directory"));
    let _ = writeln!(out, "epoch        {}", number(status, "epoch"));
    let audit = status.get("audit").unwrap_or(&Value::Null);
    let _ = writeln!(out, "audit log    {}, {} records lost", text(audit, "state"), number(audit, "records_lost"));
    if let Some(disturbed @ Value::Object(_)) = audit.get("disturbed") {
        let _ = writeln!(out, "             {} is {}", text(disturbed, "file"), text(disturbed, "what"));
    }
    if let Some(left @ Value::Object(_)) = audit.get("space") {
        let lasts = match left.get("left_s").and_then(Value::as_integer) {
            Some(_) => format!("{} left at that rate", spent(number(left, "left_s"))),
            None => "it does not become less".to_owned(),
        };
        let (free, growth) = (number(left, "free_bytes"), number(left, "growth_bytes_per_second"));
        let _ = writeln!(out, "audit space  {free} bytes free, {growth} a second; {lasts}");
    }
    section(&mut out, status, "softeners", "none", |one| format!("{}: {}", text(one, "key"), text(one, "says")));
    section(&mut out, status, "listeners", "none", listener);
    section(&mut out, status, "partners", "none", partner);
    section(&mut out, status, "issuers", "none", identity_lines::issuer);
    section(&mut out, status, "token_servers", "none", identity_lines::token_server);
    section(&mut out, status, "keys", "none", identity_lines::own_key);
    let _ = writeln!(out, "\nproofs\n  {}", identity_lines::proofs(status));
    section(&mut out, status, "expiries", "nothing runs out", expiry);
    section(&mut out, status, "queues", "none", queue);
    section(&mut out, status, "exports", "none", export);
    out
}

/// How the last attempt ended to take up another bundle, and why where it was refused.
fn attempt(last: &Value) -> String {
    let at = text(last, "at");
    match text(last, "result").as_str() {
        "" => "none was tried since the start".to_owned(),
        "unchanged" => format!("{at}: the bundle that lay there was the one in force"),
        "refused" => {
            let offered = known(last, "bundle");
            format!("{at}: REFUSED, {}; offered was {offered}, and the one above stays", text(last, "fault"))
        }
        result => format!("{at}: {result}"),
    }
}

/// A member, or that it is not known.
fn known(value: &Value, name: &str) -> String {
    Some(text(value, name)).filter(|told| !told.is_empty()).unwrap_or_else(|| "unknown".to_owned())
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

/// A destination of the log's records on one line, and one more while it fails.
fn export(one: &Value) -> String {
    let took = Some(text(one, "last_success")).filter(|at| !at.is_empty()).unwrap_or_else(|| "never yet".to_owned());
    let mut line = format!(
        "{} ({}): {} records behind, the oldest {} old; took a batch last at {took}",
        text(one, "name"),
        text(one, "kind"),
        number(one, "behind"),
        spent(number(one, "lag_s"))
    );
    let times = number(one, "failures");
    if times > 0 {
        let failure = one.get("last_failure").unwrap_or(&Value::Null);
        let (fault, at) = (text(failure, "fault"), text(failure, "at"));
        let _ = write!(line, "\n    FAILS, {times} times since: {fault}, last at {at}; the records stay in the log");
    }
    line
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
    fn a_destination_is_told_with_how_far_it_is_behind_and_why_where_it_fails() {
        let told = |exports: &str| {
            let shown = rendered(&json::parse(exports.as_bytes(), json::Limits::default()).unwrap());
            shown.split_once("\nexports\n").unwrap().1.to_owned()
        };
        assert_eq!(told("{}"), "  none\n");
        let one = r#"{"exports":[{"name":"siem\u001b","kind":"syslog","behind":7,"lag_s":61,"last_success":null,"failures":3,
                     "last_failure":{"at":"2026-02-02","fault":"refused\u202e"}}]}"#;
        let expected = "  siem\\u{1b} (syslog): 7 records behind, the oldest 1 min 1 s old; took a batch last at never yet\n    \
                        FAILS, 3 times since: refused\\u{202e}, last at 2026-02-02; the records stay in the log\n";
        assert_eq!(told(one), expected);
        let good =
            r#"{"exports":[{"name":"a","kind":"file","behind":0,"lag_s":0,"last_success":"2026-02-02","failures":0}]}"#;
        assert!(told(good).ends_with("took a batch last at 2026-02-02\n"), "{}", told(good));
    }

    #[test]
    fn the_bundle_is_told_with_since_when_and_how_the_last_swap_ended() {
        let told = |last: &str| {
            let text = format!(
                r#"{{"bundle":"b1","policies":{{"reload":"signal","sequence":2,"since":"2026-01-01","last_attempt":{last}}},
                "approval":{{"sequence":2,"signed_by":[{{"role":"infosec","person":"anna"}}]}}}}"#
            );
            let shown = rendered(&json::parse(text.as_bytes(), json::Limits::default()).unwrap());
            let (_, lines) = shown.split_once("bundle       b1\nin force     since 2026-01-01\nlast swap    ").unwrap();
            let (line, rest) = lines.split_once('\n').unwrap();
            assert!(rest.starts_with("signed by    anna (infosec); sequence 2\n"), "{rest}");
            line.to_owned()
        };
        assert_eq!(told("null"), "none was tried since the start");
        assert_eq!(told(r#"{"at":"2026-02-02","result":"done","bundle":"b1","fault":null}"#), "2026-02-02: done");
        assert_eq!(
            told(r#"{"at":"2026-02-02","result":"unchanged","bundle":"b1","fault":null}"#),
            "2026-02-02: the bundle that lay there was the one in force"
        );
        for (bundle, offered) in [("null", "unknown"), ("\"b2\"", "b2")] {
            let refused =
                format!(r#"{{"at":"2026-02-02","result":"refused","bundle":{bundle},"fault":"a\u001b\u202eb"}}"#);
            assert_eq!(
                told(&refused),
                format!("2026-02-02: REFUSED, a\\u{{1b}}\\u{{202e}}b; offered was {offered}, and the one above stays")
            );
        }
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
