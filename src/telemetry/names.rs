//! The one list of metrics: name, kind, labels and help, from which they are made and documented.
//!
//! Times are in seconds, as Prometheus wants; names end in their unit, counters in `_total`.

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// The name, with unit.
    pub name: &'static str,
    /// What it counts.
    pub help: &'static str,
    /// Its labels; the values of each are a closed list, or names that operators gave.
    pub labels: &'static [&'static str],
}

/// Declares each metric as a constant, and all of them as one list.
macro_rules! metrics {
    ($($constant:ident = $name:literal [$($label:literal),*] $help:literal;)+) => {
        $(pub(super) const $constant: Metric = Metric { name: $name, help: $help, labels: &[$($label),*] };)+

        /// All metrics, in the order of the documentation.
        pub const METRICS: &[Metric] = &[$($constant,)+];
    };
}

metrics! {
    INFO = "portcullis_info" ["version"] "Always 1; the version that runs.";
    READY = "portcullis_ready" [] "1 while requests are taken, 0 while they are not.";
    NOT_READY = "portcullis_not_ready" ["reason"] "1 for each reason of /readyz to take no requests.";
    NOTICES = "portcullis_notice" ["notice"] "1 for each notice of /readyz.";
    SOFTENERS = "portcullis_softener" ["key"] "1 for each setting that lets through more than its default.";
    DECISIONS = "portcullis_decisions_total" ["operation", "result"] "Decisions by operation: allow, deny or error.";
    DONE = "portcullis_exchanges_done_total" [] "Commands that the partner confirmed, and revocations in force and on record.";
    REFUSALS = "portcullis_refusals_total" ["reason"] "Requests that ended otherwise, by reason code.";
    IN_FLIGHT = "portcullis_exchanges_in_flight" [] "Commands between their intent and their outcome.";
    STEPS = "portcullis_step_duration_seconds" ["step"] "Time that one step of an exchange took.";
    CONNECTIONS = "portcullis_connections" ["door"] "Connections open now.";
    ACCEPTED = "portcullis_connections_accepted_total" ["door"] "Connections accepted.";
    REFUSED = "portcullis_connections_refused_total" ["door", "reason"] "Connections closed before anything was read.";
    HANDSHAKES_FAILED = "portcullis_handshakes_failed_total" ["reason"] "TLS handshakes that failed.";
    RELOADS = "portcullis_reloads_total" ["result"] "Times that changed certificates, keys and lists were taken up (done) or refused (failed).";
    CLOCK_STEPS = "portcullis_clock_steps_total" ["direction"] "Times that the wall clock was found to have been set while the gateway ran: forward or back.";
    CLOCK_BEHIND = "portcullis_clock_behind_seconds" [] "How much less the wall clock shows than it has shown before, where that is more than clocks may differ; else 0.";
    BUNDLE_SWAPS = "portcullis_bundle_swaps_total" ["result"] "Times that a changed bundle came into force (done) or was refused (failed).";
    BUNDLE_SINCE = "portcullis_bundle_since_timestamp_seconds" [] "Since when the bundle is in force, in Unix time.";
    EXPIRES = "portcullis_expires_timestamp_seconds" ["what", "name"] "When a certificate, authority or list runs out, in Unix time.";
    DIRECTORY_REVISION = "portcullis_directory_revision" [] "Revision of the directory in force.";
    DIRECTORY_MADE = "portcullis_directory_made_timestamp_seconds" [] "When the backend made the directory in force, in Unix time; 0 where it does not say.";
    DIRECTORY_MAX_AGE = "portcullis_directory_max_age_seconds" [] "How old the directory may be while something moves; 0 where it does not matter.";
    DIRECTORY_HOUSES = "portcullis_directory_houses" [] "Houses of the directory in force.";
    DIRECTORY_DOORS = "portcullis_directory_doors" [] "Doors of the directory in force.";
    DIRECTORY_MEMORY = "portcullis_directory_memory_bytes" [] "About how much memory the directory in force takes.";
    DIRECTORY_SWAPS = "portcullis_directory_update_duration_seconds" [] "Time from a whole update of the directory to its being in force, stored and on record.";
    HTTP2_FAULTS = "portcullis_http2_faults_total" ["kind"] "Connections of HTTP/2 that ended by a fault, and streams not taken.";
    OUTBOX = "portcullis_outbox_deliveries" ["partner", "direction", "state"] "Events in the outbox: queued, or dead letters.";
    OUTBOX_OLDEST = "portcullis_outbox_oldest_seconds" ["partner", "direction"] "Age of the oldest queued event; 0 where none is.";
    DELIVERIES = "portcullis_deliveries_total" ["partner", "direction", "result"] "Attempts to deliver events by what became of them, and events purged: delivered, failed, dead or purged.";
    AUDIT_SYNCS = "portcullis_audit_syncs_total" [] "Times that records were made durable.";
    AUDIT_SYNC_FAILURES = "portcullis_audit_sync_failures_total" [] "Times that records could not be made durable.";
    AUDIT_REOPENED = "portcullis_audit_reopened_total" [] "Times that the audit log was opened again after it was closed.";
    AUDIT_SYNC_TIME = "portcullis_audit_sync_duration_seconds" [] "Time to write one batch and make it durable.";
    AUDIT_BATCH = "portcullis_audit_batch_records" [] "Records made durable together.";
    AUDIT_CHECKPOINTS = "portcullis_audit_checkpoints_total" [] "Checkpoints of the log that were signed and made durable.";
    AUDIT_CHECKPOINT_FAILURES = "portcullis_audit_checkpoint_failures_total" [] "Times that no checkpoint of the log could be made.";
    AUDIT_TILE_FAILURES = "portcullis_audit_tile_failures_total" [] "Times that the hash tiles of the log could not be brought up to a checkpoint.";
    AUDIT_CHECKPOINT_RECORDS = "portcullis_audit_checkpoint_records" [] "Records that the newest checkpoint of the log covers.";
    AUDIT_RECORDS_LOST = "portcullis_audit_records_lost_total" [] "Records that found no room in the log, or came when it had failed.";
    AUDIT_DISTURBED = "portcullis_audit_disturbed" ["file", "what"] "1 for a file of the audit log that is not what it was: deleted, replaced, truncated, forbidden, read-only or unreadable.";
    AUDIT_LAST_COMMIT = "portcullis_audit_last_commit_seconds" [] "Time that the newest batch took.";
    AUDIT_FREE = "portcullis_audit_free_bytes" [] "Bytes free on the file system of the audit log.";
    AUDIT_GROWTH = "portcullis_audit_growth_bytes_per_second" [] "Bytes a second by which the space for the audit log becomes less, by the faster of the last five minutes and the last hour.";
    AUDIT_LEFT = "portcullis_audit_left_seconds" [] "For how long the space for the audit log lasts at that rate; a year where it is longer.";
    AUDIT_UNEXPORTED = "portcullis_audit_unexported_bytes" [] "Bytes of records that an exporter has not passed yet.";
    AUDIT_ARCHIVED = "portcullis_audit_archived_total" [] "Segments of the audit log that were copied to the archive.";
    AUDIT_REMOVED = "portcullis_audit_removed_total" [] "Segments of the audit log that were removed, being in the archive.";
    AUDIT_HELD = "portcullis_audit_held" ["why"] "1 for what keeps the oldest segment, which is old enough, from going: unattested, unexported or unstored.";
    EXPORT_LAG = "portcullis_export_lag_seconds" ["destination"] "Age of the oldest record that may go out and was not taken; 0 where none is.";
    EXPORT_BEHIND = "portcullis_export_lag_records" ["destination"] "Records that may go out and were not taken.";
    EXPORT_SUCCESS = "portcullis_export_success_timestamp_seconds" ["destination"] "When the destination took the last batch, in Unix time; 0 before the first.";
    EXPORT_RECORDS = "portcullis_export_records_total" ["destination"] "Records that the destination took.";
    EXPORT_REJECTED = "portcullis_export_rejected_total" ["destination"] "Records of these that the destination rejected for good.";
    EXPORT_FAILURES = "portcullis_export_failures_total" ["destination"] "Batches that were not taken, and tries to read or to keep the place that failed.";
    ISSUER_AGE = "portcullis_issuer_keys_age_seconds" ["issuer"] "Time since the issuer's keys came last; since the start where none came.";
    ISSUER_KEEP = "portcullis_issuer_keys_keep_seconds" ["issuer"] "How old the issuer's keys may grow before they are refused.";
    ISSUER_FETCHES = "portcullis_issuer_fetches_total" ["issuer", "result"] "Fetches of the issuer's keys: done, or the word for what was wrong.";
    INTROSPECTIONS = "portcullis_introspections_total" ["issuer", "result"] "Questions to the issuer about tokens: active, inactive, or the word for what was wrong.";
    INTROSPECTION_TIME = "portcullis_introspection_duration_seconds" ["issuer"] "Time from one question to the issuer about a token to its whole answer.";
    PARTNER_TOKEN_FETCHES = "portcullis_partner_token_fetches_total" ["partner", "result"] "Fetches of a token from the partner's authorisation server: done, or the word for what was wrong.";
    AUDIT_LOST = "portcullis_audit_refusals_unrecorded_total" [] "Refusals whose own record could not be written.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_distinct_and_begin_with_ours() {
        let names: HashSet<_> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
        assert!(names.iter().all(|name| name.starts_with("portcullis_")));
    }
}
