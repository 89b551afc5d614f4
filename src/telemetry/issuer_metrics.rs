//! What is counted of issuers that publish their keys.

use crate::telemetry::metrics::Metrics;
use prometheus::IntCounterVec;
use prometheus::IntGaugeVec;

pub(super) struct IssuerMetrics {
    pub(super) age: IntGaugeVec,
    pub(super) keep: IntGaugeVec,
    pub(super) fetches: IntCounterVec,
}

impl Metrics {
    /// This issuer publishes its keys, each set of which counts for so many seconds: all its series are there from now on.
    pub fn issuer_begins(&self, issuer: &str, keep_s: u64) {
        self.issuers.keep.with_label_values(&[issuer]).set(i64::try_from(keep_s).unwrap_or(i64::MAX));
        self.issuer_keys_age(issuer, 0);
        self.issuers.fetches.with_label_values(&[issuer, "done"]).inc_by(0);
    }

    /// The issuer's keys came so many seconds ago.
    pub fn issuer_keys_age(&self, issuer: &str, seconds: u64) {
        self.issuers.age.with_label_values(&[issuer]).set(i64::try_from(seconds).unwrap_or(i64::MAX));
    }

    /// A fetch of the issuer's keys ended so.
    pub fn issuer_fetched(&self, issuer: &str, result: &'static str) {
        self.issuers.fetches.with_label_values(&[issuer, result]).inc();
    }
}
