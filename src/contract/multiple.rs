//! `multipleOf`, told exactly: in whole numbers, never by dividing doubles.
//!
//! `0.3` is a multiple of `0.1`, and no two doubles say so. A number here means the decimal in which it is written out, which is
//! the shortest that names its double (RFC 8785 §3.2.2.3): what is checked is what the partner reads.

use crate::json::Number;

/// The most places after the point that a multiple may have.
pub(super) const MAX_PLACES: u32 = 9;

/// What a number must be a multiple of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Multiple(Decimal);

/// `digits` × 10^−`places`; no zero ends the digits while there are places.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Decimal {
    digits: i128,
    places: u32,
}

impl Multiple {
    /// A multiple, if `number` is positive and has at most [`MAX_PLACES`] places after the point.
    pub(super) fn new(number: Number) -> Option<Self> {
        let decimal = Decimal::of(number)?;
        (decimal.digits > 0 && decimal.places <= MAX_PLACES).then_some(Self(decimal))
    }

    /// Whether it has places after the point, so that numbers are spelled to be compared.
    pub(super) const fn is_whole(self) -> bool {
        self.0.places == 0
    }

    /// Whether `number` is a whole number of times this.
    pub(super) fn fits(self, number: Number) -> bool {
        let Some(value) = Decimal::of(number) else { return false };
        let Some(places) = self.0.places.checked_sub(value.places) else { return false };
        // Seventeen digits at most, and nine more: far below 2¹²⁷.
        10_i128
            .checked_pow(places)
            .and_then(|factor| value.digits.checked_mul(factor))
            .is_some_and(|scaled| scaled.checked_rem(self.0.digits) == Some(0))
    }
}

impl Decimal {
    fn of(number: Number) -> Option<Self> {
        match number.as_integer() {
            Some(integer) => Some(Self { digits: i128::from(integer), places: 0 }),
            None => Self::of_fraction(number.as_f64()),
        }
    }

    /// `{:e}` writes the shortest decimal that names the double: `-1.25e-3`.
    fn of_fraction(fraction: f64) -> Option<Self> {
        let text = format!("{fraction:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let (whole, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: i128 = format!("{whole}{rest}").parse().ok()?;
        let places = i64::try_from(rest.len()).ok()? - exponent.parse::<i64>().ok()?;
        // A fraction is not whole, so there are places.
        Some(Self { digits, places: u32::try_from(places).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
