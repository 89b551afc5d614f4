//! Keys are found and told.

use super::*;

fn found(asked: &str) -> Vec<String> {
    explain(asked).into_iter().map(|one| one.path).collect()
}

#[test]
fn a_key_is_found_by_its_path_by_that_of_a_file_and_below_a_mapping() {
    for asked in ["partners.<name>.tls.ca", "partners.smarthome.tls.ca"] {
        assert_eq!(found(asked), ["partners.<name>.tls.ca"], "{asked}");
    }
    for asked in ["issuers[].bind", "issuers[3].bind", "issuers.bind"] {
        assert_eq!(found(asked), ["issuers[].bind"], "{asked}");
    }
    assert_eq!(found("listeners.backend.tls").len(), 4);
    assert_eq!(found("body_max_bytes"), ["limits.body_max_bytes"]);
    assert_eq!(found("").len(), KEYS.len() + TABLE.len());
    for unknown in ["listener", "partners.smarthome.tls.ca.x", "sessions.bind", "limits.x"] {
        assert_eq!(found(unknown), [""; 0], "{unknown}");
    }
}

#[test]
fn a_limit_is_told_with_bounds_default_and_what_lies_beyond() {
    let one = explain("limits.exchange_timeout_ms").remove(0);
    assert_eq!((one.takes.as_str(), one.absent.as_str()), ("duration from 100ms to 1m", "10s"));
    assert!(one.beyond.is_some() && one.effect.starts_with("Milliseconds from a command's first byte"), "{one:?}");
    assert_eq!(explain("sessions.max_lifetime").remove(0).takes, "duration from 1s to 15m");
}
