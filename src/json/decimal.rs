//! The decimal in which a double is written out: of all that read as that double one of the fewest digits, of these the closest, of
//! two equally close the one with an even last digit (ECMA-262 §6.1.6.1.20, RFC 8785 §3.2.2.3).
//!
//! It is both what is written and what `multipleOf` asks about, so the two cannot differ. Nothing is allocated: a body may be full of
//! fractions, and each is spelled more than once.

use std::fmt;
use std::fmt::Write;

use crate::json::number::Number;

/// A decimal: `digits` × 10^−`places`. No zero ends the digits while there are places.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Decimal {
    /// The digits, with their sign; seventeen at most.
    pub digits: i64,
    /// How many of them stand after the point; none in a whole number.
    pub places: u32,
}

/// Powers of ten that doubles hold exactly, by how many places they move the point.
const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/// Up to so many digits no two decimals read as one double. (Below the normal range they do, but none lies halfway between.)
const ALWAYS_KEPT: u32 = 15;
/// The first whole number with more digits.
const BEYOND_KEPT: f64 = 1e15;

impl Number {
    /// The decimal in which this number is written out.
    #[must_use]
    pub fn decimal(self) -> Decimal {
        let double = match self.as_integer() {
            Some(digits) => return Decimal { digits, places: 0 },
            None => self.as_f64(),
        };
        // What is not whole has places, and its digits have a sign of their own.
        let Shortest { digits, places } = Shortest::of(double.abs());
        let magnitude = i64::try_from(digits).unwrap_or(i64::MAX);
        let places = u32::try_from(places).unwrap_or(0);
        Decimal { digits: if double < 0.0 { -magnitude } else { magnitude }, places }
    }
}

/// The shortest decimal of a positive double: `digits` × 10^−`places`. No zero ends the digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Shortest {
    pub(super) digits: u64,
    pub(super) places: i32,
}

impl Shortest {
    pub(super) fn of(double: f64) -> Self {
        Self::of_few_places(double).unwrap_or_else(|| Self::spelled(double))
    }

    /// The shortest decimal, if it has few places and no more digits than are always kept. It is found by trying: whole numbers
    /// within 53 bits and these powers of ten are exact as doubles, and a division rounds correctly, so the quotient *is* the double
    /// that the decimal reads as. Since two decimals of so few digits are never one double, there is no shorter one.
    fn of_few_places(double: f64) -> Option<Self> {
        for (places, power) in (0_i32..).zip(POWERS) {
            let scaled = double * power;
            if scaled >= BEYOND_KEPT {
                return None;
            }
            // A guess, rounded half up; whether it was right, the division says.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and below 10¹⁵")]
            let digits = (scaled + 0.5) as u64;
            #[expect(clippy::cast_precision_loss, reason = "at most 10¹⁵")]
            let quotient = digits as f64 / power;
            // The first one that fits ends in no zero, unless it is whole: that one is left to the other way.
            if quotient.to_bits() == double.to_bits() {
                return (places > 0).then_some(Self { digits, places });
            }
        }
        None
    }

    /// The same of any double, by way of text.
    fn spelled(double: f64) -> Self {
        let shortest = Text::of(format_args!("{double:e}"));
        let decimal = shortest.decimal();
        let count = decimal.count();
        if count <= ALWAYS_KEPT {
            return decimal;
        }
        // Rust leaves open which of two equally close texts it takes. Asked for just as many digits it rounds to even, but
        // looks at distance only: beside a power of two the closest text may read as another double.
        let closest = Text::of(format_args!("{double:.0$e}", usize::try_from(count - 1).unwrap_or(0)));
        let reads_back = closest.as_str().parse::<f64>().is_ok_and(|again| again.to_bits() == double.to_bits());
        if reads_back { closest.decimal() } else { decimal }
    }

    /// How many digits there are.
    pub(super) fn count(self) -> u32 {
        self.digits.checked_ilog10().unwrap_or(0) + 1
    }
}

/// A number by exponent, `1.25e-3`, where it was written. The longest has 17 digits, a point, and `e-324`.
struct Text {
    bytes: [u8; 24],
    length: usize,
}

impl Text {
    fn of(number: fmt::Arguments<'_>) -> Self {
        let mut text = Self { bytes: [0; 24], length: 0 };
        // It has room for every double; one that had none would be cut and not read back.
        let _ = text.write_fmt(number);
        text
    }

    fn as_str(&self) -> &str {
        self.bytes.get(..self.length).and_then(|written| std::str::from_utf8(written).ok()).unwrap_or_default()
    }

    /// What it says.
    fn decimal(&self) -> Shortest {
        let (mantissa, exponent) = self.as_str().split_once('e').unwrap_or((self.as_str(), "0"));
        let digits = mantissa.bytes().filter(u8::is_ascii_digit);
        let digits = digits.fold(0_u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
        let after_point = mantissa.split_once('.').map_or(0, |(_, rest)| i32::try_from(rest.len()).unwrap_or(0));
        Shortest { digits, places: after_point - exponent.parse::<i32>().unwrap_or(0) }
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let end = self.length + part.len();
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(part.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::write::write_double;
    use proptest::prelude::any;
    use proptest::prop_assert_eq;
    use proptest::prop_assume;
    use proptest::proptest;

    /// The decimal of the text that is written.
    fn of_text(double: f64) -> Decimal {
        let mut text = Vec::new();
        write_double(double, &mut text);
        let text = String::from_utf8(text).unwrap();
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let after = mantissa.split_once('.').map_or(0, |(_, rest)| i32::try_from(rest.len()).unwrap());
        let places = after - exponent.parse::<i32>().unwrap();
        Decimal { digits: mantissa.replace('.', "").parse().unwrap(), places: u32::try_from(places).unwrap() }
    }

    #[test]
    fn trying_and_spelling_find_one_decimal() {
        let mut tried = 0;
        for whole in [0_u32, 1, 9, 99, 1_000, 999_999, 8_388_608] {
            for places in 1..10_u32 {
                for rest in 0..500_u32 {
                    let text = format!("{whole}.{rest:0width$}", width = usize::try_from(places).unwrap());
                    let double: f64 = text.parse().unwrap();
                    for double in [double, double.next_up(), double.next_down()] {
                        if double.fract() == 0.0 || double < 0.0 {
                            continue;
                        }
                        tried += usize::from(Shortest::of_few_places(double).is_some());
                        assert_eq!(Shortest::of(double), Shortest::spelled(double), "{double:e}");
                    }
                }
            }
        }
        assert!(tried > 20_000, "{tried}");
    }

    #[test]
    fn the_longest_texts_have_room() {
        for double in [f64::MIN_POSITIVE, f64::MAX, 5e-324, 1.234_567_890_123_456_7e-300, 2.225_073_858_507_201_4e-308]
        {
            let decimal = Shortest::of(double);
            assert_eq!(
                format!("{}e{}", decimal.digits, -decimal.places).parse::<f64>().unwrap().to_bits(),
                double.to_bits()
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_compared_is_what_is_written(bits in any::<u64>(), digits in 1..1_000_000_000_000_000_000_i64, places in 1..24_i32) {
            for double in [f64::from_bits(bits), format!("{digits}e-{places}").parse::<f64>().unwrap()] {
                let Ok(number) = Number::try_from(double) else { continue };
                prop_assume!(number.as_integer().is_none());
                prop_assert_eq!(number.decimal(), of_text(double));
                prop_assert_eq!(Shortest::of(double.abs()), Shortest::spelled(double.abs()), "{:e}", double);
            }
        }
    }
}
