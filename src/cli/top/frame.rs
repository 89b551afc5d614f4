//! One frame of `portcullis top`: from one look, or two that follow one another, to text. Reads no clock and draws nothing.

use crate::cli::identity_lines;
use crate::cli::ops::list;
use crate::cli::ops::number;
use crate::cli::ops::text;
use crate::cli::output::spent;
use crate::cli::top::exposition::Exposition;
use crate::json::Value;
use std::fmt::Write;
use std::time::Duration;

/// What was seen at one moment.
pub(super) struct Look {
    /// When, by the steady clock of who looks.
    pub(super) at: Duration,
    pub(super) status: Value,
    pub(super) metrics: Exposition,
}

const DECISIONS: &str = "portcullis_decisions_total";
const DONE: &str = "portcullis_exchanges_done_total";
const REFUSALS: &str = "portcullis_refusals_total";
const STEPS: &str = "portcullis_step_duration_seconds";

/// Reasons that are shown: the most frequent ones.
const REASONS_SHOWN: usize = 8;

/// Counters between two looks; of the first look, since the gateway's start.
struct Span<'l> {
    now: &'l Look,
    before: Option<&'l Look>,
    seconds: f64,
}

/// The frame of `now`, with what has happened since `before`.
pub(super) fn drawn(now: &Look, before: Option<&Look>) -> String {
    // A gateway that was started anew counts anew.
    let started = |look: &Look| text(&look.status, "started");
    let before = before.filter(|before| started(before) == started(now));
    let up = number(&now.status, "uptime_s");
    let seconds = before.map_or_else(|| real(up), |before| now.at.saturating_sub(before.at).as_secs_f64());
    let span = Span { now, before, seconds: seconds.max(0.001) };
    let mut out = String::with_capacity(4 * 1024);
    span.head(&mut out, up);
    span.refusals(&mut out);
    span.steps(&mut out);
    span.partners(&mut out);
    span.identity(&mut out);
    span.queues(&mut out);
    span.expiries(&mut out);
    out
}

impl Span<'_> {
    fn head(&self, out: &mut String, up: u64) {
        let status = &self.now.status;
        let ready = match status.get("ready").and_then(Value::as_boolean) {
            Some(true) => "ready".to_owned(),
            _ => format!("NOT READY: {}", codes(status, "reasons")),
        };
        let notices = Some(codes(status, "notices")).filter(|codes| !codes.is_empty());
        let notices = notices.map(|codes| format!("  notices: {codes}")).unwrap_or_default();
        let (version, at) = (text(status, "version"), text(status, "at"));
        let _ = writeln!(out, "portcullis {version}  up {}  {ready}{notices}  {at}", spent(up));
        let bundle: String = text(status, "bundle").chars().take(12).collect();
        let (directory, epoch) = (number(status, "directory"), number(status, "epoch"));
        let (softeners, over) = (list(status, "softeners").len(), self.over());
        let _ = writeln!(
            out,
            "bundle {bundle}  directory {directory}  epoch {epoch}  softeners {softeners}  (rates {over})\n"
        );
        let result = |result: &str| self.rate(DECISIONS, Some(("result", result)));
        let (allow, deny, error) = (result("allow"), result("deny"), result("error"));
        let (all, done) = (per_second(allow + deny + error), per_second(self.rate(DONE, None)));
        let [allow, deny, error] = [allow, deny, error].map(per_second);
        let _ = writeln!(out, "decisions {all}/s  allow {allow}  deny {deny}  error {error}   done {done}/s");
    }

    fn refusals(&self, out: &mut String) {
        let mut reasons: Vec<(&str, f64, f64)> = self
            .now
            .metrics
            .labels(REFUSALS, "reason")
            .into_iter()
            .map(|reason| {
                let label = Some(("reason", reason));
                (reason, self.rate(REFUSALS, label), self.now.metrics.sum(REFUSALS, label))
            })
            .filter(|(.., total)| *total > 0.0)
            .collect();
        reasons.sort_by(|one, other| other.1.total_cmp(&one.1).then(other.2.total_cmp(&one.2)));
        let _ = writeln!(out, "\n{:<28} {:>10} {:>12}", "refusals by reason", "/s", "total");
        if reasons.is_empty() {
            let _ = writeln!(out, "  none");
        }
        for (reason, rate, total) in reasons.iter().take(REASONS_SHOWN) {
            let _ = writeln!(out, "  {reason:<26} {:>10} {total:>12}", per_second(*rate));
        }
        if let Some(more) = reasons.len().checked_sub(REASONS_SHOWN).filter(|more| *more > 0) {
            let _ = writeln!(out, "  and {more} more reasons");
        }
    }

    /// The times of each step that was taken.
    fn steps(&self, out: &mut String) {
        let _ = writeln!(out, "\n{:<12} {:>10} {:>10} {:>10} {:>10}", "step", "p50", "p95", "p99", "/s");
        let mut any = false;
        for step in self.now.metrics.labels(&format!("{STEPS}_count"), "step") {
            let buckets = self.buckets(step);
            let count = buckets.last().map_or(0.0, |(_, count)| *count);
            if count <= 0.0 {
                continue;
            }
            any = true;
            let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|part| time(quantile(&buckets, part)));
            let _ = writeln!(out, "{step:<12} {p50:>10} {p95:>10} {p99:>10} {:>10}", per_second(count / self.seconds));
        }
        if !any {
            let _ = writeln!(out, "  none was taken");
        }
    }

    fn partners(&self, out: &mut String) {
        let _ = writeln!(out, "\npartners");
        for one in list(&self.now.status, "partners") {
            let connections = one.get("connections").unwrap_or(&Value::Null);
            let (idle, in_use) = (number(connections, "idle"), number(connections, "in_use"));
            let good =
                Some(text(one, "last_good")).filter(|at| !at.is_empty()).unwrap_or_else(|| "none yet".to_owned());
            let failed = match one.get("last_failure").filter(|failure| failure.as_object().is_some()) {
                Some(failure) => format!("  last failure {} at {}", text(failure, "reason"), text(failure, "last")),
                None => String::new(),
            };
            let name = text(one, "name");
            let _ = writeln!(out, "  {name:<16} idle {idle}  in use {in_use}  last good {good}{failed}");
        }
    }

    /// Issuers, the partners' authorisation servers, our own keys by how many there are, and proofs.
    fn identity(&self, out: &mut String) {
        let status = &self.now.status;
        let _ = writeln!(out, "\nissuers");
        list(status, "issuers").iter().for_each(|one| {
            let _ = writeln!(out, "  {}", identity_lines::issuer(one));
        });
        let servers = list(status, "token_servers");
        if !servers.is_empty() {
            let _ = writeln!(out, "\ntoken servers");
        }
        servers.iter().for_each(|one| {
            let _ = writeln!(out, "  {}", identity_lines::token_server(one));
        });
        let keys = list(status, "keys");
        let next = keys.iter().filter(|key| text(key, "state") == "next").count();
        let _ = writeln!(out, "\nown keys     {} sign, {next} next", keys.len().saturating_sub(next));
        let _ = writeln!(out, "proofs       {}", identity_lines::proofs(status));
    }

    fn queues(&self, out: &mut String) {
        let one = |queue: &Value| match number(queue, "most") {
            0 => format!("{} {}", text(queue, "name"), number(queue, "waiting")),
            most => format!("{} {}/{most}", text(queue, "name"), number(queue, "waiting")),
        };
        let queues: Vec<String> = list(&self.now.status, "queues").iter().map(one).collect();
        let open = |listener: &Value| {
            let open = listener.get("connections").and_then(Value::as_integer)?;
            Some(format!("{} {open}", text(listener, "name")))
        };
        let connections: Vec<String> = list(&self.now.status, "listeners").iter().filter_map(open).collect();
        let audit = self.now.status.get("audit").unwrap_or(&Value::Null);
        let (state, lost) = (text(audit, "state"), number(audit, "records_lost"));
        let _ = writeln!(out, "\nqueues       {}", queues.join("  "));
        let _ = writeln!(out, "connections  {}", connections.join("  "));
        let _ = writeln!(out, "audit log    {state}, {lost} records lost");
    }

    fn expiries(&self, out: &mut String) {
        let _ = writeln!(out, "\nruns out next");
        for one in list(&self.now.status, "expiries") {
            let alarm = match text(one, "alarm") {
                word if word.is_empty() => String::new(),
                word => format!("  ALARM: {word}"),
            };
            let (days, what) = (number(one, "days"), text(one, "what"));
            let _ = writeln!(out, "  {days:>5} days  {what} of {}{alarm}", text(one, "name"));
        }
    }

    /// What rates are of.
    fn over(&self) -> String {
        match self.before {
            Some(_) => format!("of the last {:.1} s", self.seconds),
            None => "since the start".to_owned(),
        }
    }

    /// How fast a counter grew.
    fn rate(&self, name: &str, label: Option<(&str, &str)>) -> f64 {
        let before = self.before.map_or(0.0, |before| before.metrics.sum(name, label));
        (self.now.metrics.sum(name, label) - before).max(0.0) / self.seconds
    }

    /// The buckets of a step, less those of the look before.
    fn buckets(&self, step: &str) -> Vec<(f64, f64)> {
        let now = self.now.metrics.buckets(STEPS, ("step", step));
        let before = self.before.map(|before| before.metrics.buckets(STEPS, ("step", step))).unwrap_or_default();
        let known = |bound: f64| before.iter().find(|(known, _)| *known == bound).map_or(0.0, |(_, count)| *count);
        now.into_iter().map(|(bound, count)| (bound, (count - known(bound)).max(0.0))).collect()
    }
}

/// The value below which that part of the observations lies, taken to be spread evenly within a bucket, as Prometheus'
/// `histogram_quantile` takes them. Beyond the last bound it is that bound. In seconds.
fn quantile(buckets: &[(f64, f64)], part: f64) -> f64 {
    let rank = part * buckets.last().map_or(0.0, |(_, count)| *count);
    let (mut lower, mut below) = (0.0, 0.0);
    for (bound, count) in buckets {
        if *count >= rank {
            let inside = (count - below).max(f64::MIN_POSITIVE);
            return if bound.is_finite() { lower + (bound - lower) * (rank - below) / inside } else { lower };
        }
        (lower, below) = (*bound, *count);
    }
    lower
}

/// Seconds in the unit that reads best.
fn time(seconds: f64) -> String {
    match seconds {
        seconds if seconds >= 1.0 => format!("{seconds:.2} s"),
        seconds if seconds >= 1e-3 => format!("{:.1} ms", seconds * 1e3),
        seconds => format!("{:.0} µs", seconds * 1e6),
    }
}

fn per_second(rate: f64) -> String {
    if rate >= 100.0 { format!("{rate:.0}") } else { format!("{rate:.1}") }
}

fn codes(status: &Value, name: &str) -> String {
    list(status, name).iter().map(|one| text(one, "code")).collect::<Vec<_>>().join(" ")
}

/// Exact for all times that a process runs.
fn real(seconds: u64) -> f64 {
    f64::from(u32::try_from(seconds).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn look(at_s: u64, status: &str, metrics: &str) -> Look {
        let status = json::parse(status.as_bytes(), json::Limits::default()).unwrap();
        Look { at: Duration::from_secs(at_s), status, metrics: Exposition::parse(metrics) }
    }

    const STATUS: &str = r#"{"started":"a","uptime_s":10,"ready":true,"version":"1"}"#;

    #[test]
    fn rates_are_of_the_time_between_two_looks_and_since_the_start_of_the_first() {
        let counted = |allow: u32, forbidden: u32| {
            format!(
                "portcullis_decisions_total{{operation=\"o\",result=\"allow\"}} {allow}\n\
                 portcullis_refusals_total{{reason=\"forbidden\"}} {forbidden}\n"
            )
        };
        let (first, second) = (look(0, STATUS, &counted(100, 20)), look(2, STATUS, &counted(106, 30)));
        let shown = drawn(&first, None);
        assert!(shown.contains("decisions 10.0/s") && shown.contains("(rates since the start)"), "{shown}");
        let shown = drawn(&second, Some(&first));
        assert!(
            shown.contains("decisions 3.0/s  allow 3.0  deny 0.0") && shown.contains("of the last 2.0 s"),
            "{shown}"
        );
        assert!(shown.contains("  forbidden                         5.0           30\n"), "{shown}");
        let anew = look(4, &STATUS.replace("\"a\"", "\"b\""), &counted(10, 0));
        assert!(drawn(&anew, Some(&second)).contains("decisions 1.0/s"), "counters that begin anew");
    }

    #[test]
    fn a_quantile_lies_within_its_bucket_and_never_beyond_the_last_bound() {
        let buckets = [(0.001, 50.0), (0.01, 90.0), (0.1, 99.0), (f64::INFINITY, 100.0)];
        assert!((quantile(&buckets, 0.5) - 0.001).abs() < 1e-9);
        assert!((quantile(&buckets, 0.7) - 0.0055).abs() < 1e-9);
        assert!((quantile(&buckets, 0.999) - 0.1).abs() < 1e-9);
        assert!(quantile(&[], 0.5).abs() < 1e-9);
        assert_eq!([2.5, 0.0123, 0.000_045].map(time), ["2.50 s", "12.3 ms", "45 µs"]);
    }

    #[test]
    fn what_a_hostile_end_tells_cannot_move_the_cursor() {
        let status = r#"{"ready":false,"reasons":[{"code":"\u001b]0;x\u0007"}],"partners":[{"name":"\u009b2J"}],"queues":[{"name":"\r"}]}"#;
        let metrics = "portcullis_refusals_total{reason=\"\u{1b}[8m\"} 3\nportcullis_step_duration_seconds_count{step=\"\u{7f}\"} 1\n\
                       portcullis_step_duration_seconds_bucket{step=\"\u{7f}\",le=\"+Inf\"} 1\n";
        let shown = drawn(&look(0, status, metrics), None);
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
        assert!(shown.contains("NOT READY: \\u{1b}]0;x\\u{7}"), "{shown}");
    }
}
