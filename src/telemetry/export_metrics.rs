//! What is counted of the destinations to which records of the log go out.

use crate::model::Name;
use crate::telemetry::metrics::Metrics;
use prometheus::IntCounterVec;
use prometheus::IntGaugeVec;

pub(super) struct ExportMetrics {
    pub(super) lag: IntGaugeVec,
    pub(super) behind: IntGaugeVec,
    pub(super) success: IntGaugeVec,
    pub(super) records: IntCounterVec,
    pub(super) rejected: IntCounterVec,
    pub(super) failures: IntCounterVec,
}

impl Metrics {
    /// Records go out to this destination: all its series are there from now on.
    pub fn export_begins(&self, destination: &Name) {
        let all = [destination.as_str()];
        self.export_lags(destination, 0, 0);
        self.exports.success.with_label_values(&all).set(0);
        for counter in [&self.exports.records, &self.exports.rejected, &self.exports.failures] {
            counter.with_label_values(&all).inc_by(0);
        }
    }

    /// So many records are behind it, and the oldest is so old.
    pub fn export_lags(&self, destination: &Name, records: u64, seconds: u64) {
        for (gauge, value) in [(&self.exports.behind, records), (&self.exports.lag, seconds)] {
            let gauge = gauge.with_label_values(&[destination.as_str()]);
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }

    /// A destination took so many records at `at`, in Unix seconds, and rejected so many of them for good.
    pub fn export_took(&self, destination: &Name, records: u64, rejected: u64, at: u64) {
        let all = [destination.as_str()];
        self.exports.records.with_label_values(&all).inc_by(records);
        self.exports.rejected.with_label_values(&all).inc_by(rejected);
        self.exports.success.with_label_values(&all).set(i64::try_from(at).unwrap_or(i64::MAX));
    }

    /// A batch did not go out.
    pub fn export_failed(&self, destination: &Name) {
        self.exports.failures.with_label_values(&[destination.as_str()]).inc();
    }
}
