//! The metrics of one gateway, in a registry of its own, so that two gateways in one process do not mix.
//!
//! Every series whose labels are closed lists exists from the start (a counter that was never zero cannot be alerted on)
//! and is found by index; the series of an operation are resolved once, when its bundle loads.

use crate::model::DeliveryState;
use crate::model::OperationId;
use crate::model::PartnerName;
use crate::model::Reason;
use crate::telemetry::clock_metrics::ClockMetrics;
use crate::telemetry::export_metrics::ExportMetrics;
use crate::telemetry::issuer_metrics::IssuerMetrics;
use crate::telemetry::labels::ConnectionRefusal;
use crate::telemetry::labels::Door;
use crate::telemetry::labels::HandshakeFailure;
use crate::telemetry::labels::Http2Fault;
use crate::telemetry::labels::Step;
use crate::telemetry::names;
use crate::telemetry::names::Metric;
use prometheus::Gauge;
use prometheus::Histogram;
use prometheus::HistogramOpts;
use prometheus::HistogramVec;
use prometheus::IntCounter;
use prometheus::IntCounterVec;
use prometheus::IntGauge;
use prometheus::IntGaugeVec;
use prometheus::Opts;
use prometheus::Registry;
use prometheus::TextEncoder;
use prometheus::core::Collector;
use std::time::Duration;

/// Seconds: a step takes from a microsecond to the longest timeout.
const SECONDS: &[f64] =
    &[1e-6, 4e-6, 1.6e-5, 6.4e-5, 2.5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 1.0, 2.5, 10.0, 60.0];
/// Records in one batch.
const RECORDS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

/// All metrics of one gateway.
pub struct Metrics {
    registry: Registry,
    ready: IntGauge,
    not_ready: IntGaugeVec,
    notices: IntGaugeVec,
    softeners: IntGaugeVec,
    decisions: IntCounterVec,
    done: IntCounter,
    refusals: Vec<IntCounter>,
    in_flight: IntGauge,
    steps: Vec<Histogram>,
    doors: Vec<DoorMetrics>,
    handshakes_failed: Vec<IntCounter>,
    reloads_done: IntCounter,
    reloads_failed: IntCounter,
    pub(super) clock: ClockMetrics,
    bundle_swaps: [IntCounter; 2],
    bundle_since: IntGauge,
    expires: IntGaugeVec,
    directory: DirectoryMetrics,
    http2_faults: Vec<IntCounter>,
    outbox: IntGaugeVec,
    outbox_oldest: IntGaugeVec,
    deliveries: IntCounterVec,
    audit_syncs: IntCounter,
    audit_sync_failures: IntCounter,
    audit_reopened: IntCounter,
    audit_sync_time: Histogram,
    audit_batch: Histogram,
    audit_checkpoints: IntCounter,
    audit_checkpoint_failures: IntCounter,
    audit_tile_failures: IntCounter,
    audit_checkpoint_records: IntGauge,
    audit_records_lost: IntCounter,
    audit_archived: IntCounter,
    audit_removed: IntCounter,
    audit_held: IntGaugeVec,
    pub(super) exports: ExportMetrics,
    pub(super) issuers: IssuerMetrics,
    pub(super) partner_fetches: IntCounterVec,
    audit_lost: IntCounter,
    audit_disturbed: IntGaugeVec,
    audit_last_commit: Gauge,
    audit_free: IntGauge,
    audit_growth: IntGauge,
    audit_left: IntGauge,
    audit_unexported: IntGauge,
}

/// The decisions about one operation, resolved.
#[derive(Clone)]
pub struct OperationMetrics {
    allowed: IntCounter,
    denied: IntCounter,
    errored: IntCounter,
}

/// What is told of the directory in force.
#[derive(Clone, Copy, Debug)]
pub struct DirectoryFigures {
    /// The data's revision.
    pub revision: u64,
    /// When it was made, in Unix seconds.
    pub made_at_s: Option<u64>,
    /// How old it may be while something moves.
    pub max_age_s: Option<u64>,
    /// How many houses it has.
    pub houses: u64,
    /// How many doors.
    pub doors: u64,
    /// About how much memory it takes.
    pub memory_bytes: u64,
}

struct DirectoryMetrics {
    revision: IntGauge,
    made_at: IntGauge,
    max_age: IntGauge,
    houses: IntGauge,
    doors: IntGauge,
    memory: IntGauge,
    updates: Histogram,
}

/// Counts one thing as present until it is dropped.
#[must_use = "counted until it is dropped"]
pub struct Held(IntGauge);

/// The registry did not take a metric: two share a name, or one is malformed. A fault of this program.
#[derive(Debug, thiserror::Error)]
#[error("the metrics cannot be set up")]
pub struct MetricsError(#[from] prometheus::Error);

struct DoorMetrics {
    open: IntGauge,
    accepted: IntCounter,
    refused: Vec<IntCounter>,
}

impl Metrics {
    /// All metrics, at zero.
    ///
    /// # Errors
    /// [`MetricsError`], if the list of metrics is wrong in itself.
    pub fn new() -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let make = Maker(&registry);
        make.gauges(names::INFO)?.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let refusals = make.counters(names::REFUSALS)?;
        let steps = make.histograms(names::STEPS, SECONDS)?;
        let failures = make.counters(names::HANDSHAKES_FAILED)?;
        let reloads = make.counters(names::RELOADS)?;
        let clock_steps = make.counters(names::CLOCK_STEPS)?;
        let swaps = make.counters(names::BUNDLE_SWAPS)?;
        let http2_faults = make.counters(names::HTTP2_FAULTS)?;
        let open = make.gauges(names::CONNECTIONS)?;
        let accepted = make.counters(names::ACCEPTED)?;
        let refused = make.counters(names::REFUSED)?;
        let door = |door: &Door| DoorMetrics {
            open: open.with_label_values(&[door.word()]),
            accepted: accepted.with_label_values(&[door.word()]),
            refused: ConnectionRefusal::ALL
                .iter()
                .map(|reason| refused.with_label_values(&[door.word(), reason.word()]))
                .collect(),
        };
        let directory = DirectoryMetrics {
            revision: make.gauge(names::DIRECTORY_REVISION)?,
            made_at: make.gauge(names::DIRECTORY_MADE)?,
            max_age: make.gauge(names::DIRECTORY_MAX_AGE)?,
            houses: make.gauge(names::DIRECTORY_HOUSES)?,
            doors: make.gauge(names::DIRECTORY_DOORS)?,
            memory: make.gauge(names::DIRECTORY_MEMORY)?,
            updates: make.histograms(names::DIRECTORY_SWAPS, SECONDS)?.with_label_values::<&str>(&[]),
        };
        Ok(Self {
            ready: make.gauge(names::READY)?,
            not_ready: make.gauges(names::NOT_READY)?,
            notices: make.gauges(names::NOTICES)?,
            softeners: make.gauges(names::SOFTENERS)?,
            directory,
            decisions: make.counters(names::DECISIONS)?,
            done: make.counter(names::DONE)?,
            refusals: Reason::ALL.iter().map(|reason| refusals.with_label_values(&[reason.code()])).collect(),
            in_flight: make.gauge(names::IN_FLIGHT)?,
            steps: Step::ALL.iter().map(|step| steps.with_label_values(&[step.word()])).collect(),
            doors: Door::ALL.iter().map(door).collect(),
            handshakes_failed: HandshakeFailure::ALL
                .iter()
                .map(|reason| failures.with_label_values(&[reason.word()]))
                .collect(),
            bundle_swaps: ["done", "failed"].map(|result| swaps.with_label_values(&[result])),
            bundle_since: make.gauge(names::BUNDLE_SINCE)?,
            reloads_done: reloads.with_label_values(&["done"]),
            reloads_failed: reloads.with_label_values(&["failed"]),
            clock: ClockMetrics {
                steps: ["forward", "back"].map(|direction| clock_steps.with_label_values(&[direction])),
                behind: make.gauge(names::CLOCK_BEHIND)?,
            },
            expires: make.gauges(names::EXPIRES)?,
            http2_faults: Http2Fault::ALL.iter().map(|kind| http2_faults.with_label_values(&[kind.word()])).collect(),
            outbox: make.gauges(names::OUTBOX)?,
            outbox_oldest: make.gauges(names::OUTBOX_OLDEST)?,
            deliveries: make.counters(names::DELIVERIES)?,
            audit_syncs: make.counter(names::AUDIT_SYNCS)?,
            audit_sync_failures: make.counter(names::AUDIT_SYNC_FAILURES)?,
            audit_reopened: make.counter(names::AUDIT_REOPENED)?,
            audit_sync_time: make.histograms(names::AUDIT_SYNC_TIME, SECONDS)?.with_label_values::<&str>(&[]),
            audit_batch: make.histograms(names::AUDIT_BATCH, RECORDS)?.with_label_values::<&str>(&[]),
            audit_checkpoints: make.counter(names::AUDIT_CHECKPOINTS)?,
            audit_checkpoint_failures: make.counter(names::AUDIT_CHECKPOINT_FAILURES)?,
            audit_tile_failures: make.counter(names::AUDIT_TILE_FAILURES)?,
            audit_checkpoint_records: make.gauge(names::AUDIT_CHECKPOINT_RECORDS)?,
            audit_records_lost: make.counter(names::AUDIT_RECORDS_LOST)?,
            audit_archived: make.counter(names::AUDIT_ARCHIVED)?,
            audit_removed: make.counter(names::AUDIT_REMOVED)?,
            audit_held: make.gauges(names::AUDIT_HELD)?,
            exports: ExportMetrics {
                lag: make.gauges(names::EXPORT_LAG)?,
                behind: make.gauges(names::EXPORT_BEHIND)?,
                success: make.gauges(names::EXPORT_SUCCESS)?,
                records: make.counters(names::EXPORT_RECORDS)?,
                rejected: make.counters(names::EXPORT_REJECTED)?,
                failures: make.counters(names::EXPORT_FAILURES)?,
            },
            issuers: IssuerMetrics::made_by(&make)?,
            partner_fetches: make.counters(names::PARTNER_TOKEN_FETCHES)?,
            audit_lost: make.counter(names::AUDIT_LOST)?,
            audit_disturbed: make.gauges(names::AUDIT_DISTURBED)?,
            audit_last_commit: make.real(names::AUDIT_LAST_COMMIT)?,
            audit_free: make.gauge(names::AUDIT_FREE)?,
            audit_growth: make.gauge(names::AUDIT_GROWTH)?,
            audit_left: make.gauge(names::AUDIT_LEFT)?,
            audit_unexported: make.gauge(names::AUDIT_UNEXPORTED)?,
            registry,
        })
    }

    /// The series of one operation, for the one who loads its bundle.
    #[must_use]
    pub fn operation(&self, operation: &OperationId) -> OperationMetrics {
        let series = |result| self.decisions.with_label_values(&[operation.as_str(), result]);
        OperationMetrics { allowed: series("allow"), denied: series("deny"), errored: series("error") }
    }

    /// An exchange ended for `reason`.
    pub fn concluded(&self, reason: Reason) {
        if reason == Reason::Done {
            self.done.inc();
        } else {
            count(&self.refusals, reason as usize);
        }
    }

    /// An exchange runs until the value is dropped.
    pub fn exchange(&self) -> Held {
        Held::new(&self.in_flight)
    }

    /// How many exchanges run now.
    #[must_use]
    pub fn exchanges_in_flight(&self) -> u64 {
        u64::try_from(self.in_flight.get()).unwrap_or(0)
    }

    /// A step took so long.
    pub fn step(&self, step: Step, took: Duration) {
        if let Some(histogram) = self.steps.get(step as usize) {
            histogram.observe(took.as_secs_f64());
        }
    }

    /// A connection was accepted and is open until the value is dropped; `None` never happens for a door of the list.
    pub fn connection(&self, door: Door) -> Option<Held> {
        let series = self.doors.get(door as usize)?;
        series.accepted.inc();
        Some(Held::new(&series.open))
    }

    /// How many connections of a door are open now.
    #[must_use]
    pub fn connections_open(&self, door: Door) -> u64 {
        self.doors.get(door as usize).and_then(|series| u64::try_from(series.open.get()).ok()).unwrap_or_default()
    }

    /// How many records were lost.
    #[must_use]
    pub fn audit_records_lost_so_far(&self) -> u64 {
        self.audit_records_lost.get()
    }

    /// A connection was closed before anything was read from it.
    pub fn connection_refused(&self, door: Door, reason: ConnectionRefusal) {
        if let Some(series) = self.doors.get(door as usize) {
            count(&series.refused, reason as usize);
        }
    }

    /// A TLS handshake failed.
    pub fn handshake_failed(&self, reason: HandshakeFailure) {
        count(&self.handshakes_failed, reason as usize);
    }

    /// Changed files were taken up, or refused.
    pub fn reloaded(&self, done: bool) {
        if done { self.reloads_done.inc() } else { self.reloads_failed.inc() }
    }

    /// A changed bundle came into force, or was refused.
    pub fn bundle_swapped(&self, done: bool) {
        let [swapped, refused] = &self.bundle_swaps;
        if done { swapped.inc() } else { refused.inc() }
    }

    /// The bundle is in force since `at`, in Unix seconds.
    pub fn bundle_since(&self, at: u64) {
        self.bundle_since.set(i64::try_from(at).unwrap_or(i64::MAX));
    }

    /// What `what` and `name` say runs out at `at`, in Unix seconds.
    pub fn expires(&self, what: &str, name: &str, at: u64) {
        self.expires.with_label_values(&[what, name]).set(i64::try_from(at).unwrap_or(i64::MAX));
    }

    /// Nothing of these labels is there any more.
    pub fn expires_no_more(&self, what: &str, name: &str) {
        // That there was no such series is as good.
        let _ = self.expires.remove_label_values(&[what, name]);
    }

    /// Whether requests are taken, and what `/readyz` says of it: its own words and keys of the configuration, which are few.
    pub fn stands(&self, not_ready: &[&'static str], notices: &[&'static str], softeners: &[&str]) {
        self.ready.set(i64::from(not_ready.is_empty()));
        let told = [(&self.not_ready, not_ready), (&self.notices, notices), (&self.softeners, softeners)];
        for (series, words) in told {
            series.reset();
            words.iter().for_each(|word| series.with_label_values(&[word]).set(1));
        }
    }

    /// Another directory is in force.
    pub fn directory(&self, figures: &DirectoryFigures) {
        let set = |gauge: &IntGauge, number: u64| gauge.set(i64::try_from(number).unwrap_or(i64::MAX));
        set(&self.directory.revision, figures.revision);
        set(&self.directory.made_at, figures.made_at_s.unwrap_or_default());
        set(&self.directory.max_age, figures.max_age_s.unwrap_or_default());
        set(&self.directory.houses, figures.houses);
        set(&self.directory.doors, figures.doors);
        set(&self.directory.memory, figures.memory_bytes);
    }

    /// An update of the directory came into force, and it took so long.
    pub fn directory_taken_up(&self, took: Duration) {
        self.directory.updates.observe(took.as_secs_f64());
    }

    /// A connection of HTTP/2 ended by a fault, or a stream was not taken.
    pub fn http2_fault(&self, kind: Http2Fault) {
        count(&self.http2_faults, kind as usize);
    }

    /// Events can go to this destination: all its series are there from now on.
    pub fn destination(&self, partner: &PartnerName, direction: &str) {
        self.outbox(partner, direction, 0, 0, 0);
        for state in DeliveryState::ALL {
            self.deliveries.with_label_values(&[partner.as_str(), direction, state.word()]).inc_by(0);
        }
    }

    /// What lies in the outbox for one destination, and for how many seconds the oldest that waits.
    pub fn outbox(&self, partner: &PartnerName, direction: &str, queued: u64, dead: u64, oldest_s: u64) {
        let partner = partner.as_str();
        let set = |gauge: IntGauge, value| gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        set(self.outbox.with_label_values(&[partner, direction, "queued"]), queued);
        set(self.outbox.with_label_values(&[partner, direction, "dead"]), dead);
        set(self.outbox_oldest.with_label_values(&[partner, direction]), oldest_s);
    }

    /// How many events lie in the outbox in this state, `queued` or `dead`, in all, as they were counted last.
    #[must_use]
    pub fn outbox_events(&self, state: &str) -> u64 {
        let families = self.outbox.collect();
        let series = families.iter().flat_map(|family| family.get_metric());
        let of_state = series.filter(|one| one.get_label().iter().any(|label| label.value() == state));
        let sum: f64 = of_state.map(|one| one.get_gauge().get_value()).sum();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole numbers, set above")]
        let events = sum as u64;
        events
    }

    /// An attempt to deliver an event ended so, or the event was purged.
    pub fn delivery(&self, partner: &PartnerName, direction: &str, state: DeliveryState) {
        self.deliveries.with_label_values(&[partner.as_str(), direction, state.word()]).inc();
    }

    /// So many records became durable together, and it took so long.
    pub fn audit_synced(&self, records: u32, took: Duration) {
        self.audit_syncs.inc();
        self.audit_batch.observe(f64::from(records));
        self.audit_sync_time.observe(took.as_secs_f64());
        self.audit_last_commit.set(took.as_secs_f64());
    }

    /// A batch of records could not be made durable.
    pub fn audit_sync_failed(&self) {
        self.audit_sync_failures.inc();
    }

    /// A checkpoint of so many records was made.
    pub fn audit_checkpoint(&self, records: u64) {
        self.audit_checkpoints.inc();
        self.audit_checkpoint_records.set(i64::try_from(records).unwrap_or(i64::MAX));
    }

    /// The hash tiles could not be brought up to a checkpoint.
    pub fn audit_tiles_failed(&self) {
        self.audit_tile_failures.inc();
    }

    /// No checkpoint could be made.
    pub fn audit_checkpoint_failed(&self) {
        self.audit_checkpoint_failures.inc();
    }

    /// The log was opened again.
    pub fn audit_reopened(&self) {
        self.audit_reopened.inc();
    }

    /// So many records were lost.
    pub fn audit_records_lost(&self, records: u64) {
        self.audit_records_lost.inc_by(records);
    }

    /// A file of the log, by its name, is not what it was, and in what; `None` once all are.
    pub fn audit_disturbed(&self, disturbed: Option<(&str, &str)>) {
        self.audit_disturbed.reset();
        if let Some((file, what)) = disturbed {
            self.audit_disturbed.with_label_values(&[file, what]).set(1);
        }
    }

    /// How long the newest batch of records took.
    #[must_use]
    pub fn audit_last_commit(&self) -> Duration {
        Duration::try_from_secs_f64(self.audit_last_commit.get()).unwrap_or_default()
    }

    /// So many bytes are free for the log, they become less by so many a second, and last for so many seconds.
    pub fn audit_space(&self, free: u64, growth: u64, left: u64) {
        for (gauge, value) in [(&self.audit_free, free), (&self.audit_growth, growth), (&self.audit_left, left)] {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }

    /// So many bytes of records are still to be exported.
    pub fn audit_unexported(&self, bytes: u64) {
        self.audit_unexported.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// A segment was copied to the archive.
    pub fn audit_archived(&self) {
        self.audit_archived.inc();
    }

    /// A segment that is in the archive was removed.
    pub fn audit_removed(&self) {
        self.audit_removed.inc();
    }

    /// Whether this keeps the oldest segment from going.
    pub fn audit_held(&self, why: &str, held: bool) {
        self.audit_held.with_label_values(&[why]).set(i64::from(held));
    }

    /// A refusal's own record could not be written.
    pub fn refusal_unrecorded(&self) {
        self.audit_lost.inc();
    }

    /// Everything in the text format of Prometheus (version 0.0.4).
    #[must_use]
    pub fn render(&self) -> String {
        // A `String` takes all writes: encoding what the registry itself gathered cannot fail.
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

impl OperationMetrics {
    /// A policy allowed it.
    pub fn allowed(&self) {
        self.allowed.inc();
    }

    /// No policy permitted it, or one forbade it.
    pub fn denied(&self) {
        self.denied.inc();
    }

    /// A policy could not be evaluated.
    pub fn errored(&self) {
        self.errored.inc();
    }
}

impl Held {
    fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Makes metrics of the list and puts them into the registry.
pub(super) struct Maker<'a>(&'a Registry);

impl Maker<'_> {
    fn counter(&self, metric: Metric) -> Result<IntCounter, MetricsError> {
        let counter = IntCounter::new(metric.name, metric.help)?;
        self.0.register(Box::new(counter.clone()))?;
        Ok(counter)
    }

    pub(super) fn counters(&self, metric: Metric) -> Result<IntCounterVec, MetricsError> {
        let counters = IntCounterVec::new(Opts::new(metric.name, metric.help), metric.labels)?;
        self.0.register(Box::new(counters.clone()))?;
        Ok(counters)
    }

    fn gauge(&self, metric: Metric) -> Result<IntGauge, MetricsError> {
        Ok(self.gauges(metric)?.with_label_values::<&str>(&[]))
    }

    fn real(&self, metric: Metric) -> Result<Gauge, MetricsError> {
        let gauge = Gauge::new(metric.name, metric.help)?;
        self.0.register(Box::new(gauge.clone()))?;
        Ok(gauge)
    }

    pub(super) fn gauges(&self, metric: Metric) -> Result<IntGaugeVec, MetricsError> {
        let gauges = IntGaugeVec::new(Opts::new(metric.name, metric.help), metric.labels)?;
        self.0.register(Box::new(gauges.clone()))?;
        Ok(gauges)
    }

    /// Of times in seconds.
    pub(super) fn times(&self, metric: Metric) -> Result<HistogramVec, MetricsError> {
        self.histograms(metric, SECONDS)
    }

    fn histograms(&self, metric: Metric, buckets: &[f64]) -> Result<HistogramVec, MetricsError> {
        let options = HistogramOpts::new(metric.name, metric.help).buckets(buckets.to_vec());
        let histograms = HistogramVec::new(options, metric.labels)?;
        self.0.register(Box::new(histograms.clone()))?;
        Ok(histograms)
    }
}

/// The lists above are in the order of the enums' variants, so a variant's number is its index.
fn count(counters: &[IntCounter], index: usize) {
    if let Some(counter) = counters.get(index) {
        counter.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Name;

    #[test]
    fn every_metric_of_the_list_is_rendered_and_no_other() {
        let metrics = Metrics::new().unwrap();
        metrics.operation(&Name::new("openDoor").unwrap()).allowed();
        metrics.expires("certificate", "listeners.backend", 1);
        let partner = Name::new("smarthome").unwrap();
        metrics.outbox(&partner, "outbound", 1, 2, 3);
        assert_eq!(["queued", "dead", "else"].map(|state| metrics.outbox_events(state)), [1, 2, 0]);
        metrics.delivery(&partner, "outbound", DeliveryState::Dead);
        metrics.export_begins(&Name::new("siem").unwrap());
        metrics.issuer_begins("https://id.example", 3_600);
        metrics.introspection_begins("https://id.example");
        metrics.partner_fetches_begin(&partner);
        metrics.stands(&["shutting-down"], &["reload-failed"], &["environment"]);
        metrics.audit_disturbed(Some(("segment", "deleted")));
        metrics.audit_held("unexported", true);
        let text = metrics.render();
        let rendered: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "))
            .filter_map(|line| line.split(' ').next())
            .collect();
        let mut listed: Vec<&str> = names::METRICS.iter().map(|metric| metric.name).collect();
        listed.sort_unstable();
        assert_eq!(rendered, listed);
    }

    #[test]
    fn every_variant_counts_in_the_series_of_its_own_word() {
        let metrics = Metrics::new().unwrap();
        for reason in Reason::ALL {
            metrics.concluded(*reason);
        }
        for step in Step::ALL {
            metrics.step(*step, Duration::from_millis(3));
        }
        for reason in HandshakeFailure::ALL {
            metrics.handshake_failed(*reason);
        }
        for kind in Http2Fault::ALL {
            metrics.http2_fault(*kind);
        }
        for (door, reason) in Door::ALL.iter().flat_map(|d| ConnectionRefusal::ALL.iter().map(move |r| (*d, *r))) {
            metrics.connection_refused(door, reason);
        }
        let text = metrics.render();
        for reason in Reason::ALL {
            let wanted = u8::from(*reason != Reason::Done);
            assert!(text.contains(&format!("portcullis_refusals_total{{reason=\"{reason}\"}} {wanted}\n")), "{text}");
        }
        for step in Step::ALL {
            let series = format!("portcullis_step_duration_seconds_count{{step=\"{}\"}} 1\n", step.word());
            assert!(text.contains(&series), "{text}");
        }
        for reason in HandshakeFailure::ALL {
            let series = format!("portcullis_handshakes_failed_total{{reason=\"{}\"}} 1\n", reason.word());
            assert!(text.contains(&series), "{text}");
        }
        for kind in Http2Fault::ALL {
            let series = format!("portcullis_http2_faults_total{{kind=\"{}\"}} 1\n", kind.word());
            assert!(text.contains(&series), "{text}");
        }
        assert_eq!(
            text.matches("portcullis_connections_refused_total{").count(),
            Door::ALL.len() * ConnectionRefusal::ALL.len()
        );
        assert!(text.contains("portcullis_exchanges_done_total 1\n"));
    }

    #[test]
    fn what_is_held_counts_until_it_is_dropped_and_gateways_do_not_mix() {
        let (metrics, other) = (Metrics::new().unwrap(), Metrics::new().unwrap());
        let exchange = metrics.exchange();
        let connection = metrics.connection(Door::Backend);
        assert_eq!((metrics.exchanges_in_flight(), other.exchanges_in_flight()), (1, 0));
        assert!(metrics.render().contains("portcullis_connections{door=\"backend\"} 1\n"));
        drop((exchange, connection));
        assert_eq!(metrics.exchanges_in_flight(), 0);
        let text = metrics.render();
        assert!(text.contains("portcullis_connections{door=\"backend\"} 0\n"));
        assert!(text.contains("portcullis_connections_accepted_total{door=\"backend\"} 1\n"));
    }
}
