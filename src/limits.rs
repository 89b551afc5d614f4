//! Every limit, in one table: name with unit, default, hard bounds, and what happens one past it.
//!
//! Rooms take the numbers as values from [`Limits`]; `gateway.yaml` may set each within its bounds, nothing else may.

use std::time::Duration;

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// The configuration key under `limits:`, with its unit.
    pub name: &'static str,
    /// What applies where nothing is configured.
    pub default: u64,
    /// The smallest value that may be configured.
    pub low: u64,
    /// The largest value that may be configured.
    pub high: u64,
    /// What happens one past it.
    pub beyond: &'static str,
}

/// Declares field, name, default, bounds and consequence once.
macro_rules! limits {
    ($($(#[$doc:meta])* $field:ident: $default:literal in $low:literal..=$high:literal, $beyond:literal;)+) => {
        /// The limits in force. Bytes, seconds, milliseconds or plain numbers, as each name says.
        #[derive(Clone, Debug, Eq, PartialEq)]
        pub struct Limits {
            $($(#[$doc])* pub $field: u64,)+
        }

        /// All limits, in the order of the documentation.
        pub const TABLE: &[Limit] = &[
            $(Limit { name: stringify!($field), default: $default, low: $low, high: $high, beyond: $beyond },)+
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
    head_max_bytes: 16_384 in 1_024..=65_536, "400, connection closed";
    /// Header fields of a request.
    head_max_fields: 64 in 8..=256, "400, connection closed";
    /// Bytes of the request target.
    target_max_bytes: 2_048 in 256..=8_192, "400, connection closed";
    /// Milliseconds from an HTTP/1.1 head's first byte to its last, and for the preface of HTTP/2.
    head_timeout_ms: 5_000 in 100..=60_000, "connection closed";
    /// Milliseconds for a TLS handshake.
    handshake_timeout_ms: 5_000 in 100..=60_000, "connection closed, counted as `timeout`";
    /// Milliseconds that a connection may stand idle between requests; over HTTP/2 also while a head is incomplete.
    idle_timeout_ms: 60_000 in 1_000..=600_000, "connection closed";
    /// Bytes of a request body.
    body_max_bytes: 65_536 in 1..=8_388_608, "413";
    /// Milliseconds for a whole request body.
    body_timeout_ms: 10_000 in 100..=60_000, "408";
    /// Milliseconds that a caller may take to receive its whole answer.
    reply_timeout_ms: 10_000 in 100..=60_000, "connection closed (HTTP/2: stream reset); the outcome is on record";
    /// Bytes of the body of a partner's answer.
    answer_max_bytes: 1_048_576 in 1_024..=16_777_216, "504 outcome-unknown, connection dropped";
    /// Milliseconds from a command's first byte to the last of the partner's answer, once there is a connection.
    exchange_timeout_ms: 10_000 in 100..=60_000, "504 outcome-unknown, connection dropped";
    /// Milliseconds to connect to the partner, handshake included.
    connect_timeout_ms: 3_000 in 100..=30_000, "502 partner-unreachable";
    /// Connections of the backend listener.
    connections_max: 10_000 in 1..=1_000_000, "connection closed, counted as `too-many`";
    /// Connections of one peer address.
    connections_per_peer_max: 1_000 in 1..=1_000_000, "connection closed, counted as `too-many-of-peer`";
    /// Streams of one HTTP/2 connection whose exchange has not ended, also where the peer has reset them.
    h2_streams_max: 100 in 1..=1_000, "stream refused";
    /// Bytes of bodies held in memory, of all requests together.
    bytes_in_flight_max: 268_435_456 in 1_048_576..=17_179_869_184, "503";
    /// Nesting of JSON.
    json_max_depth: 16 in 1..=64, "400";
    /// Members of one JSON object.
    json_max_members: 256 in 1..=4_096, "400";
    /// Seconds by which another's clock may be ahead of ours: for `iat` and `nbf` of a token, and a command's time.
    clock_skew_s: 5 in 0..=60, "401, or 403 for a command's time";
    /// Milliseconds that a record may take to become durable.
    record_timeout_ms: 1_000 in 10..=10_000, "503, nothing sent";
    /// Refusals of one peer that are recorded one by one in a minute, before it is known who asks.
    refusal_records_per_peer_per_minute: 300 in 1..=1_000_000, "recorded in sums, once a second";
    /// The same once it is known who asks: many people's requests come through one peer.
    known_refusal_records_per_peer_per_minute: 3_000 in 1..=1_000_000, "recorded in sums, once a second";
    /// Idempotency keys remembered.
    idempotency_keys_max: 1_000_000 in 1..=100_000_000, "503";
    /// Bytes drained from a connection after a refusal.
    drain_max_bytes: 65_536 in 0..=1_048_576, "connection closed";
    /// Milliseconds that ending a connection may take: its last bytes taken by the peer, and what still comes drained.
    drain_timeout_ms: 1_000 in 10..=10_000, "connection closed";
    /// Milliseconds that going down waits for exchanges after their intent.
    shutdown_timeout_ms: 15_000 in 100..=300_000, "the exchange is cut off, its outcome recorded as unknown";
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
