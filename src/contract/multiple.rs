//! `multipleOf`, told exactly: in whole numbers, never by dividing doubles.
//!
//! `0.3` is a multiple of `0.1`, and no two doubles say so. A number here means the decimal in which it is written out, which is
//! the shortest that names its double (RFC 8785 §3.2.2.3): what is checked is what the partner reads.

use crate::json::Number;
use std::fmt;

/// The most places after the point that a multiple may have.
pub(super) const MAX_PLACES: u32 = 9;

/// What a number must be a multiple of: `digits` × 10^−`places`. No zero ends the digits while there are places.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Multiple {
    digits: u64,
    places: u32,
}

impl Multiple {
    /// A multiple, if `number` is positive and has at most [`MAX_PLACES`] places after the point.
    pub(super) fn new(number: Number) -> Option<Self> {
        let decimal = number.decimal();
        let digits = u64::try_from(decimal.digits).ok().filter(|digits| *digits > 0)?;
        (decimal.places <= MAX_PLACES).then_some(Self { digits, places: decimal.places })
    }

    /// Whether it has no places after the point: then no fraction fits.
    pub(super) const fn is_whole(self) -> bool {
        self.places == 0
    }

    /// Whether this is a whole number of times `other`, so that whatever fits this fits `other`.
    pub(super) fn is_multiple_of(self, other: Self) -> bool {
        let places = self.places.max(other.places);
        // At most twenty digits, and nine more: far below 2¹²⁸.
        let scaled = |of: Self| u128::from(of.digits) * 10_u128.pow(places - of.places);
        scaled(self).checked_rem(scaled(other)) == Some(0)
    }

    /// Whether `number` is a whole number of times this.
    pub(super) fn fits(self, number: Number) -> bool {
        if self.is_whole() && number.as_integer().is_none() {
            return false;
        }
        let value = number.decimal();
        // A place more than this has is one that none of its multiples has.
        let Some(factor) = self.places.checked_sub(value.places).and_then(|places| 10_u64.checked_pow(places)) else {
            return false;
        };
        let digits = value.digits.unsigned_abs();
        match digits.checked_mul(factor) {
            Some(scaled) => scaled.checked_rem(self.digits) == Some(0),
            // Seventeen digits at most, and nine more: far below 2¹²⁸.
            None => (u128::from(digits) * u128::from(factor)).checked_rem(u128::from(self.digits)) == Some(0),
        }
    }
}

impl fmt::Display for Multiple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = usize::try_from(self.places).unwrap_or_default();
        let digits = format!("{:0>width$}", self.digits, width = places + 1);
        match digits.split_at_checked(digits.len() - places) {
            Some((whole, "")) => f.write_str(whole),
            Some((whole, rest)) => write!(f, "{whole}.{rest}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;
    use proptest::prop_assert_eq;
    use proptest::proptest;

    fn number(value: f64) -> Number {
        Number::try_from(value).unwrap()
    }

    #[test]
    fn decimals_are_multiples_as_on_paper() {
        for (of, yes, no) in [
            (0.1, &[0.1, 0.2, 0.3, 0.7, 1.1, -0.3, 0.0, 4.0, 8_999_999.9][..], &[0.05, 0.15, 0.31, 1e-300][..]),
            (0.01, &[0.01, 19.99, 1.15, 4.35, 1_000_000.01, 90_071_992.54], &[0.001, 19.995, 0.1 + 0.2]),
            (2.5, &[2.5, 5.0, -7.5, 0.0], &[1.25, 2.0, 2.4]),
            (3.0, &[3.0, 0.0, -9.0, 9_007_199_254_740_990.0], &[1.0, 3.5, 9_007_199_254_740_991.0]),
            (0.000_000_001, &[0.000_000_001, 0.000_000_003, 1.0], &[0.000_000_000_5, 1e-10]),
        ] {
            let multiple = Multiple::new(number(of)).unwrap();
            for value in yes {
                assert!(multiple.fits(number(*value)), "{value} of {of}");
            }
            for value in no {
                assert!(!multiple.fits(number(*value)), "{value} of {of}");
            }
        }
    }

    #[test]
    fn a_multiple_is_positive_and_ends_within_nine_places() {
        for value in [0.0, -1.0, -0.5, 1e-10, 0.000_000_000_1, 1.000_000_000_1] {
            assert_eq!(Multiple::new(number(value)), None, "{value}");
        }
        assert!(Multiple::new(number(0.000_000_001)).is_some_and(|multiple| !multiple.is_whole()));
        assert!(Multiple::new(number(7.0)).is_some_and(Multiple::is_whole));
    }

    #[test]
    fn one_multiple_lies_within_another_as_on_paper_and_is_written_as_there() {
        for (one, other, within) in [
            (4.0, 2.0, true),
            (2.0, 4.0, false),
            (0.3, 0.1, true),
            (0.25, 0.1, false),
            (2.5, 0.5, true),
            (1.0, 0.000_000_001, true),
            (0.000_000_001, 1.0, false),
            (9_007_199_254_740_991.0, 0.000_000_001, true),
        ] {
            let of = |value| Multiple::new(number(value)).unwrap();
            assert_eq!(of(one).is_multiple_of(of(other)), within, "{one} {other}");
        }
        let told = [0.01, 12.5, 7.0, 100.0].map(|value| Multiple::new(number(value)).unwrap().to_string());
        assert_eq!(told, ["0.01", "12.5", "7", "100"]);
    }

    /// Whether the decimal `text` is a multiple of the decimal `of`, as one finds out on paper: both are written with as many places,
    /// and one is divided by the other digit by digit.
    fn on_paper(text: &str, of: &str) -> bool {
        let places = |text: &str| text.split_once('.').map_or(0, |(_, rest)| rest.len());
        let most = places(text).max(places(of));
        let whole = |text: &str| {
            let zeros = "0".repeat(most - places(text));
            text.replace('.', "") + &zeros
        };
        let divisor: u128 = whole(of).parse().unwrap();
        let digits = whole(text);
        digits.bytes().fold(0, |rest, digit| (rest * 10 + u128::from(digit - b'0')) % divisor) == 0
    }

    /// The text by which a positive number leaves, without an exponent.
    fn plain(number: Number) -> String {
        let mut text = Vec::new();
        json::write_number(number, &mut text);
        let text = String::from_utf8(text).unwrap();
        let Some((mantissa, exponent)) = text.split_once("e-") else { return text };
        let zeros = "0".repeat(exponent.parse::<usize>().unwrap());
        let (whole, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{zeros}{whole}{rest}");
        let (whole, rest) = digits.split_at(digits.len() - rest.len() - zeros.len());
        format!("{whole}.{rest}")
    }

    proptest! {
        #[test]
        fn what_fits_is_what_is_found_on_paper(
            of in (1..1_000_000_000_000_i64, 0..10_i32),
            times in 0..100_000_i64,
            off in (-2..3_i64, 0..14_i32),
            other in 0.0..9_007_199_254_740_991.0_f64,
            small in 0.0..1.0_f64,
        ) {
            let step: f64 = format!("{}e-{}", of.0, of.1).parse().unwrap();
            let multiple = Multiple::new(number(step)).unwrap();
            // A multiple as somebody types it, one that lies a little beside, and two of any bits.
            let typed = format!("{}e-{}", i128::from(of.0) * i128::from(times), of.1).parse::<f64>().unwrap();
            let beside = typed + format!("{}e-{}", off.0, off.1).parse::<f64>().unwrap();
            for value in [typed, beside.abs(), other, other.fract(), small] {
                let Ok(value) = Number::try_from(value) else { continue };
                let expected = on_paper(&plain(value), &plain(number(step)));
                prop_assert_eq!(multiple.fits(value), expected, "{} of {}", plain(value), plain(number(step)));
            }
        }
    }
}
