//! What is counted of issuers that publish their keys, and of the one that is asked about its tokens.

use crate::telemetry::metrics::Maker;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::metrics::MetricsError;
use crate::telemetry::names;
use prometheus::HistogramVec;
use prometheus::IntCounterVec;
use prometheus::IntGaugeVec;
use std::time::Duration;

/// How a fetch ends whose set has a key in it that is another's: an alert must see the first one, so the series is there before.
pub const KEY_ELSEWHERE: &str = "key-used-elsewhere";

pub(super) struct IssuerMetrics {
    pub(super) age: IntGaugeVec,
    pub(super) keep: IntGaugeVec,
    pub(super) fetches: IntCounterVec,
    pub(super) introspections: IntCounterVec,
    pub(super) introspection_time: HistogramVec,
}

impl IssuerMetrics {
    pub(super) fn made_by(make: &Maker<'_>) -> Result<Self, MetricsError> {
        Ok(Self {
            age: make.gauges(names::ISSUER_AGE)?,
            keep: make.gauges(names::ISSUER_KEEP)?,
            fetches: make.counters(names::ISSUER_FETCHES)?,
            introspections: make.counters(names::INTROSPECTIONS)?,
            introspection_time: make.times(names::INTROSPECTION_TIME)?,
        })
    }
}

impl Metrics {
    /// This issuer publishes its keys, each set of which counts for so many seconds: all its series are there from now on.
    pub fn issuer_begins(&self, issuer: &str, keep_s: u64) {
        self.issuers.keep.with_label_values(&[issuer]).set(i64::try_from(keep_s).unwrap_or(i64::MAX));
        self.issuer_keys_age(issuer, 0);
        for result in ["done", KEY_ELSEWHERE] {
            self.issuers.fetches.with_label_values(&[issuer, result]).inc_by(0);
        }
    }

    /// The issuer's keys came so many seconds ago.
    pub fn issuer_keys_age(&self, issuer: &str, seconds: u64) {
        self.issuers.age.with_label_values(&[issuer]).set(i64::try_from(seconds).unwrap_or(i64::MAX));
    }

    /// A fetch of the issuer's keys ended so.
    pub fn issuer_fetched(&self, issuer: &str, result: &'static str) {
        self.issuers.fetches.with_label_values(&[issuer, result]).inc();
    }

    /// This issuer is asked about tokens: its series are there from now on.
    pub fn introspection_begins(&self, issuer: &str) {
        for result in ["active", "inactive"] {
            self.introspections_refused(issuer, result, 0);
        }
        self.issuers.introspection_time.with_label_values(&[issuer]);
    }

    /// A question to the issuer about a token ended so, after so long.
    pub fn introspected(&self, issuer: &str, result: &'static str, took: Duration) {
        self.introspections_refused(issuer, result, 1);
        self.issuers.introspection_time.with_label_values(&[issuer]).observe(took.as_secs_f64());
    }

    /// So many questions more ended so, without being asked.
    pub fn introspections_refused(&self, issuer: &str, result: &'static str, questions: u64) {
        self.issuers.introspections.with_label_values(&[issuer, result]).inc_by(questions);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_alert_waits_for_is_there_before_it_happens() {
        let metrics = Metrics::new().unwrap();
        metrics.issuer_begins("https://id.example", 3_600);
        let series = |result: &str, count: u64| {
            format!("portcullis_issuer_fetches_total{{issuer=\"https://id.example\",result=\"{result}\"}} {count}\n")
        };
        let told = metrics.render();
        assert!(told.contains(&series(KEY_ELSEWHERE, 0)) && told.contains(&series("done", 0)), "{told}");
        metrics.issuer_fetched("https://id.example", KEY_ELSEWHERE);
        assert!(metrics.render().contains(&series(KEY_ELSEWHERE, 1)));
    }
}
