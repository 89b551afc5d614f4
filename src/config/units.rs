//! Numbers with units: `30s`, `64KiB`. A duration without unit, or with one of a size, is a fault: `30` of what?

use std::time::Duration;

/// Units of time, in milliseconds.
const TIMES: &[(&str, u64)] = &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
/// Units of size, in bytes; binary ones only, so that a `KB` is not taken for either.
const SIZES: &[(&str, u64)] = &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// A duration: a whole number and `ms`, `s`, `m`, `h` or `d`.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    measure(text, TIMES).map(Duration::from_millis)
}

/// A size in bytes: a whole number and `B`, `KiB`, `MiB` or `GiB`.
pub(super) fn size(text: &str) -> Option<u64> {
    measure(text, SIZES)
}

/// Milliseconds in the largest unit that holds them whole.
pub(super) fn duration_text(millis: u64) -> String {
    in_units(millis, TIMES)
}

/// Bytes in the largest unit that holds them whole.
pub(super) fn size_text(bytes: u64) -> String {
    in_units(bytes, SIZES)
}

fn measure(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.strip_prefix(digits)?;
    // One spelling: no sign, no blank, no leading zero.
    let plain = digits.bytes().all(|digit| digit.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    let (_, factor) = units.iter().find(|(name, _)| *name == unit).filter(|_| plain)?;
    digits.parse::<u64>().ok()?.checked_mul(*factor)
}

fn in_units(number: u64, units: &[(&str, u64)]) -> String {
    let fits = |(_, factor): &&(&str, u64)| number > 0 && number.is_multiple_of(*factor);
    let (unit, factor) = units.iter().rev().find(fits).or(units.first()).copied().unwrap_or(("", 1));
    format!("{}{unit}", number / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_whole_numbers_with_a_unit() {
        assert_eq!(duration("30s"), Some(Duration::from_secs(30)));
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Some(Duration::from_secs(120)));
        assert_eq!(duration("0s"), Some(Duration::ZERO));
        assert_eq!(size("64KiB"), Some(65_536));
        assert_eq!(size("8MiB"), Some(8_388_608));
        assert_eq!(size("100B"), Some(100));
    }

    #[test]
    fn what_leaves_the_unit_or_the_number_open_is_no_measure() {
        for text in [
            "",
            "30",
            "s",
            "30 s",
            "+30s",
            "-30s",
            "030s",
            "1.5s",
            "30S",
            "30KiB",
            "1s30ms",
            "٣s",
            "99999999999999999999s",
        ] {
            assert_eq!(duration(text), None, "{text:?}");
        }
        for text in ["", "64", "64K", "64KB", "64kib", "64 KiB", "64s", "18446744073709551615KiB"] {
            assert_eq!(size(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_measure_is_written_in_the_largest_unit_that_holds_it_whole() {
        for (bytes, text) in [(0, "0B"), (1, "1B"), (65_536, "64KiB"), (8_388_608, "8MiB"), (1_025, "1025B")] {
            assert_eq!((size_text(bytes).as_str(), size(text)), (text, Some(bytes)));
        }
        assert_eq!((duration_text(15_000).as_str(), duration_text(60_000).as_str()), ("15s", "1m"));
    }
}
