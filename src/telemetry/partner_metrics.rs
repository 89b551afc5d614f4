//! What is counted of partners whose tokens are fetched.

use crate::model::PartnerName;
use crate::telemetry::metrics::Metrics;

impl Metrics {
    /// The tokens of this partner are fetched: its series are there from now on.
    pub fn partner_fetches_begin(&self, partner: &PartnerName) {
        self.partner_fetches.with_label_values(&[partner.as_str(), "done"]).inc_by(0);
    }

    /// A fetch of a token for this partner ended so.
    pub fn partner_token_fetched(&self, partner: &PartnerName, result: &'static str) {
        self.partner_fetches.with_label_values(&[partner.as_str(), result]).inc();
    }
}
