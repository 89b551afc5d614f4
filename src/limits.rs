//! Every limit, in one table: name with unit, default, hard bounds, what happens one past it, and where the default comes
//! from.
//!
//! Rooms take the numbers as values from [`Limits`]; `gateway.yaml` may set each within its bounds, nothing else may.

use std::time::Duration;

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// The configuration key under `limits:`, with its unit.
    pub name: &'static str,
    /// What it bounds.
    pub what: &'static str,
    /// What applies where nothing is configured.
    pub default: u64,
    /// The smallest value that may be configured.
    pub low: u64,
    /// The largest value that may be configured.
    pub high: u64,
    /// What happens one past it.
    pub beyond: &'static str,
    /// Where the default comes from: a section of an RFC, a standard, a figure, or `choice:` and why.
    pub source: &'static str,
}

/// Declares field, name, default, bounds, consequence and source once.
macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $field:ident: $default:literal in $low:literal..=$high:literal, $beyond:literal, $source:literal;)+) => {
        /// The limits in force. Bytes, seconds, milliseconds or plain numbers, as each name says.
        #[derive(Clone, Debug, Eq, PartialEq)]
        pub struct Limits {
            $($(#[doc = $doc])+ pub $field: u64,)+
        }

        /// All limits, in the order of the documentation.
        pub const TABLE: &[Limit] = &[
            $(Limit { name: stringify!($field), what: concat!($($doc),+), default: $default, low: $low, high: $high, beyond: $beyond, source: $source },)+
        ];

        impl Default for Limits {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl Limits {
            /// The field of a row of [`TABLE`], for the one who reads configuration.
            pub fn field(&mut self, name: &str) -> Option<&mut u64> {
                match name {
                    $(stringify!($field) => Some(&mut self.$field),)+
                    _ => None,
                }
            }
        }
    };
}

limits! {
    /// Bytes of a request head, up to and including the empty line.
    head_max_bytes: 16_384 in 1_024..=65_536, "400, connection closed", "choice: a token of 8 KiB and its company; RFC 9112 §5 leaves it open";
    /// Header fields of a request.
    head_max_fields: 64 in 8..=256, "400, connection closed", "choice: a backend's request has a dozen, and each field costs a look";
    /// Bytes of the request target.
    target_max_bytes: 2_048 in 256..=8_192, "400, connection closed", "choice: ids are short; RFC 9112 §3 recommends to take 8000 bytes and allows less";
    /// Milliseconds from an HTTP/1.1 head's first byte to its last, and for the preface of HTTP/2.
    head_timeout_ms: 5_000 in 100..=60_000, "connection closed", "choice: a head is one packet; five seconds forgive two lost ones (RFC 6298)";
    /// Milliseconds for a TLS handshake.
    handshake_timeout_ms: 5_000 in 100..=60_000, "connection closed, counted as `timeout`", "choice: two round trips; five seconds forgive two lost packets (RFC 6298)";
    /// Milliseconds that a connection may stand idle between requests; over HTTP/2 also while a head is incomplete.
    idle_timeout_ms: 60_000 in 1_000..=600_000, "connection closed", "choice: longer than a backend's pool keeps one, which is 30 s here too";
    /// Bytes of a request body.
    body_max_bytes: 65_536 in 1..=8_388_608, "413", "choice: a command has a few fields; what is encrypted may need more";
    /// Milliseconds for a whole request body.
    body_timeout_ms: 10_000 in 100..=60_000, "408", "choice: a door's command is dead after 10 s (`max_age`)";
    /// Milliseconds that a caller may take to receive its whole answer.
    reply_timeout_ms: 10_000 in 100..=60_000, "connection closed (HTTP/2: stream reset); the outcome is on record", "choice: as long as it may take to send a body";
    /// Bytes of the body of a partner's answer.
    answer_max_bytes: 1_048_576 in 1_024..=16_777_216, "504 outcome-unknown, connection dropped", "choice: a thousand records of 1 KiB";
    /// Milliseconds from a command's first byte to the last of the partner's answer, once there is a connection.
    exchange_timeout_ms: 10_000 in 100..=60_000, "504 outcome-unknown, connection dropped", "choice: nobody stands in front of a door for longer";
    /// Milliseconds to connect to the partner, handshake included.
    connect_timeout_ms: 3_000 in 100..=30_000, "502 partner-unreachable", "choice: one lost packet (RFC 6298: 1 s, then 2 s)";
    /// Connections of the backend listener.
    connections_max: 10_000 in 1..=1_000_000, "connection closed, counted as `too-many`", "choice: a backend needs hundreds; the machine's descriptors must suffice";
    /// Connections of the partners' listener.
    partner_connections_max: 1_000 in 1..=1_000_000, "connection closed, counted as `too-many`", "choice: a partner sends its events over a few; apart from the backend's, so that no flood of partners' shuts the backend out";
    /// Connections of one peer address.
    connections_per_peer_max: 1_000 in 1..=1_000_000, "connection closed, counted as `too-many-of-peer`", "choice: a tenth of all, so that one address leaves room for others";
    /// Streams of one HTTP/2 connection whose exchange has not ended, also where the peer has reset them.
    h2_streams_max: 100 in 1..=1_000, "stream refused", "RFC 9113 §6.5.2: no smaller than 100";
    /// Bytes of bodies held in memory, of all requests and answers together.
    bytes_in_flight_max: 268_435_456 in 1_048_576..=17_179_869_184, "503", "choice: a quarter of the smallest machine of 1 GiB";
    /// Commands between their decision and their outcome.
    exchanges_max: 240 in 1..=100_000, "503, nothing sent", "choice: 240 answers of 1 MiB leave 16 MiB of `bytes_in_flight_max` to request bodies";
    /// The same, towards one partner.
    exchanges_per_partner_max: 120 in 1..=100_000, "503, nothing sent", "choice: half of `exchanges_max`, so that a partner that hangs leaves as much to the others";
    /// Requests of one peer, by its certificate, in a second.
    peer_rate_per_second: 10_000 in 1..=1_000_000, "429", "choice: it stops a loop that runs wild, not a busy backend";
    /// Requests of one subject in a minute.
    subject_rate_per_minute: 120 in 1..=1_000_000, "429", "choice: a person who presses twice a second";
    /// Requests of one device in a minute.
    device_rate_per_minute: 120 in 1..=1_000_000, "429", "choice: as for a subject, who usually has one device";
    /// Requests of one tenant about one object in a minute, where the object stands in the path.
    object_rate_per_minute: 600 in 1..=1_000_000, "429", "choice: the main door of a large house when everybody comes home, ten times over";
    /// Requests of one tenant in a second.
    tenant_rate_per_second: 1_000 in 1..=1_000_000, "429", "choice: a tenth of a peer's, so that one tenant leaves room for others";
    /// Peers, subjects, devices, objects or tenants whose rate is kept, of each kind.
    rate_keys_max: 1_000_000 in 100..=100_000_000, "503", "choice: under 50 bytes each; at the default rates one peer can keep about 10000 alive";
    /// Bytes of an update of the directory.
    directory_max_bytes: 16_777_216 in 65_536..=33_554_432, "413", "choice: 100000 doors take two megabytes; while it is read it takes up to eight times its length in memory";
    /// Nesting of JSON.
    json_max_depth: 16 in 1..=64, "400", "choice: deeper than a command's body; RFC 8259 §9 leaves it open";
    /// Members of one JSON object.
    json_max_members: 256 in 1..=4_096, "400", "choice: more than a contract declares for one object; RFC 8259 §9 leaves it open";
    /// Seconds by which another's clock may be ahead of ours: for `iat` and `nbf` of a token, and a command's time.
    clock_skew_s: 5 in 0..=60, "401, or 403 for a command's time", "RFC 7519 §4.1.4 allows a few minutes; machines with NTP differ by less than a second";
    /// Seconds for which a proof of possession (DPoP) is good after it was made.
    proof_age_s: 60 in 5..=300, "401", "RFC 9449 §11.1: a window of seconds or minutes; a phone's clock may be behind by a minute";
    /// Seconds for which a nonce that proofs are made with is good; halfway, those who use one are offered a newer one.
    proof_nonce_s: 120 in 2..=3_600, "401, with a newer one", "choice: who asks once a minute never meets its end; RFC 9449 §8 leaves it open";
    /// Proofs of possession remembered, each as long as its age would let it pass.
    proofs_max: 500_000 in 1..=100_000_000, "503", "choice: under 120 bytes each; eight thousand proofs a second";
    /// Milliseconds that a record may take to become durable.
    record_timeout_ms: 200 in 10..=10_000, "503, nothing sent; once a write takes longer, at once", "choice: far above the `fdatasync` of a disk that works, and 50 ms below the quarter of a second within which nobody should learn nothing";
    /// Refusals of one peer that are recorded one by one in a minute, before it is known who asks.
    refusal_records_per_peer_per_minute: 300 in 1..=1_000_000, "recorded in sums, once a second", "choice: five a second tell what is wrong; a flood tells no more";
    /// The same once it is known who asks: many people's requests come through one peer.
    known_refusal_records_per_peer_per_minute: 3_000 in 1..=1_000_000, "recorded in sums, once a second", "choice: ten times as many, for many people come through one peer";
    /// Idempotency keys remembered.
    idempotency_keys_max: 1_000_000 in 1..=100_000_000, "503", "choice: under 200 bytes each; eleven commands a second, all day";
    /// Revocations in force.
    revocations_max: 1_000_000 in 1..=100_000_000, "503 for what a peer orders, and `/readyz` fails; the operator's socket still revokes", "choice: under 200 bytes each; more than a city district has residents";
    /// Revocations that one peer may order in an hour.
    peer_revocations_per_hour: 10_000 in 1..=10_000_000, "429; the operator's socket still revokes", "choice: a management company of 3 000 homes that leaves, with its devices, in one hour";
    /// Answers that one peer is given a second time in a minute, of commands and events, states of commands that it asks for, and a partner's tokens.
    peer_answers_per_minute: 6_000 in 1..=10_000_000, "429; the answer can be had later", "choice: a hundred a second; each takes a record and nothing comes of it";
    /// Events, and versions of the directory, that one peer may bring in a minute, each for the first time.
    peer_events_per_minute: 6_000 in 1..=10_000_000, "429; it can be brought later", "choice: a hundred a second, which fill `outbox_max` in a quarter of an hour; each takes a record, and its delivery two or more";
    /// Acts of one person on the gateway itself in a minute, but for revocations.
    person_acts_per_minute: 60 in 1..=100_000, "refused; revocations never are", "choice: one a second, faster than anybody types; a script that looks persons up stands out";
    /// Events that wait for their delivery or have died of it, all destinations together.
    outbox_max: 100_000 in 1..=10_000_000, "503 for whoever brings another", "choice: a day of a city district's changes; about 1 KiB each";
    /// Deliveries under way at once to one destination.
    deliveries_at_once_max: 16 in 1..=1_000, "the others wait for their turn", "choice: a second's worth at an endpoint that takes 60 ms; each holds a connection";
    /// Attempts to deliver one event.
    delivery_attempts_max: 100 in 1..=10_000, "the event becomes a dead letter", "choice: at one an hour they outlast `delivery_age_max_s`, so that age decides";
    /// Milliseconds up to which the first wait after a failed attempt may last; each further one up to twice as long.
    delivery_first_wait_ms: 5_000 in 10..=600_000, "the next attempt", "Standard Webhooks: the second attempt after five seconds";
    /// Seconds up to which any wait between two attempts may last, and an endpoint that is gone is left alone.
    delivery_wait_max_s: 3_600 in 1..=86_400, "the next attempt", "choice: what comes back in the night is reached before people are at work";
    /// Seconds for which an event is tried after it was taken.
    delivery_age_max_s: 259_200 in 1..=2_592_000, "the event becomes a dead letter", "Standard Webhooks: attempts over several days; three span a weekend";
    /// Seconds for which dead letters are kept.
    dead_letters_kept_s: 2_592_000 in 60..=31_536_000, "forgotten", "choice: thirty days, the retention of the sample contract";
    /// Milliseconds within which a second person may confirm that a revocation is lifted.
    lift_confirm_ms: 900_000 in 1_000..=86_400_000, "the proposal lapses: begin again", "choice: as long as it takes to call somebody and explain; a proposal that is forgotten should not wait for a tired hand";
    /// Receipts of commands that `GET /-/receipts/{id}` answers.
    receipts_max: 100_000 in 100..=10_000_000, "the oldest are forgotten: 404; the record stays", "choice: under 200 bytes each; a day of more than one command a second";
    /// Milliseconds for which they are remembered after the intent.
    receipts_ms: 86_400_000 in 1_000..=86_400_000, "404; the record stays", "choice: as long as idempotency keys, which is as far as the log is read back at a start";
    /// Bytes drained from a connection after a refusal.
    drain_max_bytes: 65_536 in 0..=1_048_576, "connection closed", "choice: one body of the default size, so that its sender reads the refusal";
    /// Milliseconds that ending a connection may take: its last bytes taken by the peer, and what still comes drained.
    drain_timeout_ms: 1_000 in 10..=10_000, "connection closed", "choice: what is on its way arrives in a round trip";
    /// Milliseconds during which `/readyz` fails already and requests are still taken, before going down.
    shutdown_lead_ms: 2_000 in 0..=60_000, "accepting stops", "choice: two probes of a load balancer that asks every second";
    /// Milliseconds that going down waits for exchanges after their intent.
    shutdown_timeout_ms: 15_000 in 100..=300_000, "the exchange is cut off, its outcome recorded as unknown", "choice: the longest exchange of the defaults is 13 s; then its record";
}

/// How long an idempotency key is remembered after its intent, in milliseconds: callers repeat within it, so it is no setting.
pub const REMEMBERED_MS: u64 = 24 * 60 * 60 * 1000;

impl Limits {
    /// A `…_ms` limit as a duration.
    #[must_use]
    pub const fn millis(value: u64) -> Duration {
        Duration::from_millis(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_lies_within_its_bounds_and_every_row_has_its_field() {
        let mut limits = Limits::default();
        for row in TABLE {
            assert!((row.low..=row.high).contains(&row.default), "{}", row.name);
            assert_eq!(limits.field(row.name).copied(), Some(row.default), "{}", row.name);
        }
        assert_eq!(limits.field("no_such_limit"), None);
    }
}
