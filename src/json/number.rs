//! Numbers as I-JSON knows them: what a double carries without loss, within ±(2⁵³ − 1) (RFC 7493 §2.2).
//!
//! Every double from 2⁵³ on is whole, and ECMAScript writes whole numbers below 10²¹ digit by digit. If `1e20` were let
//! in, it would go out as a text that we refuse ourselves. So one bound holds for all spellings, and whatever is read
//! can be written and read again. Invariants: a whole number is always held as an integer, however it was spelled
//! (`1.0`, `1e2`); there is no −0 (`-0` is read as 0, as RFC 8785 §3.2.2.3 writes it), no NaN, no infinity.

use std::cmp::Ordering;
use std::fmt;

use crate::json::error::Fault;

/// The largest magnitude that I-JSON lets an integer have: 2⁵³ − 1.
pub const MAX_MAGNITUDE: i64 = (1 << 53) - 1;

/// [`MAX_MAGNITUDE`] as a double, which holds it exactly.
const MAX_MAGNITUDE_F64: f64 = 9_007_199_254_740_991.0;

/// A JSON number.
#[derive(Clone, Copy, PartialEq)]
pub struct Number(Repr);

/// `Fraction` is never whole, hence never zero.
#[derive(Clone, Copy, PartialEq)]
enum Repr {
    Integer(i64),
    Fraction(f64),
}

/// The number lies beyond ±(2⁵³ − 1), or is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("number is out of range")]
pub struct NumberOutOfRange;

impl Number {
    /// The integer, if the number is whole; JSON Schema's `integer` asks just that, so `1.0` is one.
    #[must_use]
    pub const fn as_integer(self) -> Option<i64> {
        match self.0 {
            Repr::Integer(integer) => Some(integer),
            Repr::Fraction(_) => None,
        }
    }

    /// The number as a double; exact for every number.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "integers are kept within 53 bits")]
    pub const fn as_f64(self) -> f64 {
        match self.0 {
            Repr::Integer(integer) => integer as f64,
            Repr::Fraction(fraction) => fraction,
        }
    }
}

impl TryFrom<i64> for Number {
    type Error = NumberOutOfRange;

    fn try_from(integer: i64) -> Result<Self, NumberOutOfRange> {
        if integer.unsigned_abs() > MAX_MAGNITUDE.unsigned_abs() {
            return Err(NumberOutOfRange);
        }
        Ok(Self(Repr::Integer(integer)))
    }
}

impl TryFrom<u64> for Number {
    type Error = NumberOutOfRange;

    fn try_from(integer: u64) -> Result<Self, NumberOutOfRange> {
        i64::try_from(integer).map_err(|_| NumberOutOfRange)?.try_into()
    }
}

impl TryFrom<f64> for Number {
    type Error = NumberOutOfRange;

    fn try_from(double: f64) -> Result<Self, NumberOutOfRange> {
        if double.is_nan() || double.abs() > MAX_MAGNITUDE_F64 {
            return Err(NumberOutOfRange);
        }
        if double.fract() == 0.0 {
            #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
            return Ok(Self(Repr::Integer(double as i64)));
        }
        Ok(Self(Repr::Fraction(double)))
    }
}

impl From<i32> for Number {
    fn from(integer: i32) -> Self {
        Self(Repr::Integer(i64::from(integer)))
    }
}

impl From<u32> for Number {
    fn from(integer: u32) -> Self {
        Self(Repr::Integer(i64::from(integer)))
    }
}

// There is neither NaN nor −0, so doubles are ordered totally here.
impl Eq for Number {}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_f64().total_cmp(&other.as_f64())
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Tells whole from not whole and hides the rest: a number may be somebody's.
impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Repr::Integer(_) => "integer",
            Repr::Fraction(_) => "fraction",
        })
    }
}

/// Reads the number at the start of `text`, which begins with a digit or a minus sign: the number, and the bytes it
/// took; or the fault, and how far in it was noticed.
pub(super) fn read_number(text: &str) -> Result<(Number, usize), (Fault, usize)> {
    let bytes = text.as_bytes();
    let negative = bytes.first() == Some(&b'-');
    let start = usize::from(negative);
    let whole_end = digits_end(bytes, start)?;
    if bytes.get(start) == Some(&b'0') && whole_end > start + 1 {
        return Err((Fault::NumberForm, start));
    }
    if !matches!(bytes.get(whole_end), Some(b'.' | b'e' | b'E')) {
        let magnitude = bytes.get(start..whole_end).and_then(small_integer).ok_or((Fault::NumberRange, 0))?;
        let integer = if negative { -magnitude } else { magnitude };
        return Ok((Number(Repr::Integer(integer)), whole_end));
    }
    let mut mantissa_end = whole_end;
    if bytes.get(whole_end) == Some(&b'.') {
        mantissa_end = digits_end(bytes, whole_end + 1)?;
    }
    let mut end = mantissa_end;
    if matches!(bytes.get(mantissa_end), Some(b'e' | b'E')) {
        let signed = matches!(bytes.get(mantissa_end + 1), Some(b'+' | b'-'));
        end = digits_end(bytes, mantissa_end + 1 + usize::from(signed))?;
    }
    let mantissa = bytes.get(start..mantissa_end).unwrap_or_default();
    let exponent = bytes.get(mantissa_end + 1..end).unwrap_or_default();
    let double: f64 = text.get(..end).and_then(|number| number.parse().ok()).ok_or((Fault::NumberForm, 0))?;
    let number = Number::try_from(double).map_err(|NumberOutOfRange| (Fault::NumberRange, 0))?;
    if !Spelled::of(mantissa, whole_end - start, exponent).is_kept_by(number) {
        return Err((Fault::NumberPrecision, 0));
    }
    Ok((number, end))
}

/// Where the digits end that begin at `start`; there must be one.
fn digits_end(bytes: &[u8], start: usize) -> Result<usize, (Fault, usize)> {
    let rest = bytes.get(start..).unwrap_or_default();
    match rest.iter().position(|byte| !byte.is_ascii_digit()) {
        Some(0) => Err((Fault::NumberForm, start)),
        None if rest.is_empty() => Err((Fault::EndedEarly, start)),
        Some(length) => Ok(start + length),
        None => Ok(bytes.len()),
    }
}

/// The integer that `digits` spell, if I-JSON has it.
fn small_integer(digits: &[u8]) -> Option<i64> {
    // 2⁵³ has sixteen digits; longer ones are out of range and must not overflow.
    if digits.len() > 16 {
        return None;
    }
    let magnitude = digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    (magnitude <= MAX_MAGNITUDE).then_some(magnitude)
}

/// What a spelling says before it is rounded to a double.
struct Spelled {
    /// Digits from the first to the last that is not zero.
    significant: usize,
    /// The power of ten that the last of these counts.
    last_place: i64,
}

impl Spelled {
    /// The most digits that the shortest spelling of a double has.
    const MAX_SIGNIFICANT: usize = 17;

    /// Of `mantissa`, digits with a point after the first `whole_digits` perhaps, and `exponent`, digits with a sign
    /// perhaps.
    fn of(mantissa: &[u8], whole_digits: usize, exponent: &[u8]) -> Self {
        let digits = || mantissa.iter().filter(|byte| **byte != b'.');
        let first = digits().position(|digit| *digit != b'0');
        let zeros = digits().rev().position(|digit| *digit != b'0');
        let (Some(first), Some(zeros)) = (first, zeros) else {
            return Self { significant: 0, last_place: 0 };
        };
        let last = digits().count() - zeros;
        let point_to_last = i64::try_from(whole_digits).unwrap_or(i64::MAX) - i64::try_from(last).unwrap_or(i64::MAX);
        Self { significant: last - first, last_place: point_to_last.saturating_add(shift(exponent)) }
    }

    /// Whether `number`, to which this was rounded, is still whole exactly if this is. A fraction that became zero or
    /// one would pass, or miss, a bound that its sender did not mean.
    fn is_kept_by(&self, number: Number) -> bool {
        let whole = self.last_place >= 0;
        self.significant <= Self::MAX_SIGNIFICANT && whole == number.as_integer().is_some()
    }
}

/// The value of an exponent; one of very many digits stays at the largest there is.
fn shift(exponent: &[u8]) -> i64 {
    let digits = exponent.strip_prefix(b"-").or(exponent.strip_prefix(b"+")).unwrap_or(exponent);
    let magnitude =
        digits.iter().fold(0_i64, |sum, digit| sum.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    if exponent.starts_with(b"-") { -magnitude } else { magnitude }
}
