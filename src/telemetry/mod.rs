//! Telemetry: the log, and all metrics by name.
//!
//! Both hold our own words only: names that operators gave, codes of our lists, receipts, counts and times. No value of
//! a request, no token, no raw head; that is why other crates' log lines are not written at all.

mod clock_metrics;
mod export_metrics;
mod issuer_metrics;
mod labels;
mod log;
mod metrics;
mod names;
mod partner_metrics;
mod warned;

pub use issuer_metrics::KEY_ELSEWHERE;
pub use labels::ConnectionRefusal;
pub use labels::Door;
pub use labels::HandshakeFailure;
pub use labels::Http2Fault;
pub use labels::Step;
pub use log::LogError;
pub use log::start_log;
pub use metrics::DirectoryFigures;
pub use metrics::Held;
pub use metrics::Metrics;
pub use metrics::MetricsError;
pub use metrics::OperationMetrics;
pub use names::METRICS;
pub use names::Metric;
pub use warned::Line;
pub use warned::Warned;
