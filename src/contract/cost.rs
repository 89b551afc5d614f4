//! What a body may cost at worst, told from its schema alone: a contract that would let a few bytes make much work does not load.
//!
//! The unit is a *step*, about as long as it takes to look at one byte. Part of the work is done for every byte of a text (a
//! rate), part once per value however short it is: finding its name, keeping it, asking what becomes of it, writing it. The worst
//! body of a size holds as many of the values that are dearest for their bytes as the arrays and maps around them allow, then of
//! the next; [`Cost::worst`] fills one so. The brackets around values count as free, so the figure lies above every real body's.
//! An ordinary body costs about six steps for each byte, and the bound is ten times that.

use crate::diagnostic::Place;

/// The most steps that one byte of a body may cost, on average over the worst body of the operation's largest size.
pub(super) const MAX_STEPS_PER_BYTE: u64 = 64;

/// Keeping a value and writing it out, for its digest and for the partner.
pub(super) const VALUE: u64 = 24;
/// Reading a number and spelling it again.
pub(super) const NUMBER: u64 = 40;
/// Comparing a number with a multiple whose places stand after the point.
pub(super) const MULTIPLE: u64 = 100;
/// Opening and closing an array or an object.
pub(super) const CONTAINER: u64 = 48;
/// Comparing a name, or a value, with one word of a sorted list.
pub(super) const COMPARISON: u64 = 4;
/// Holding a name against those that stood in the object before.
pub(super) const NAME: u64 = 40;
/// Noting an element of a set, and looking whether it was there before.
pub(super) const UNIQUE: u64 = 100;
/// Making a pseudonym, or turning it back.
pub(super) const PSEUDONYM: u64 = 2_000;
/// Reading and writing a byte of text.
pub(super) const BYTE: u64 = 2;
/// A step of a table that does not stay in the nearest cache.
const FAR_STEP: u64 = 8;
/// The largest table that does, in bytes.
const NEAR_TABLE_BYTES: usize = 32 * 1024;

/// What was found in one body's schema.
#[derive(Default)]
pub(super) struct Cost {
    rate: Rate,
    values: Vec<Values>,
}

/// Steps for each byte, and where they are asked for.
#[derive(Clone, Copy, Default)]
struct Rate {
    steps: u64,
    place: Option<Place>,
}

/// The values that can stand at one place of the schema.
struct Values {
    place: Place,
    /// For each of them.
    steps: u64,
    /// The fewest bytes that one takes, with its name and a comma.
    bytes: u64,
    /// The most of them that one body can have, apart from its length.
    count: u64,
}

/// The worst body.
pub(super) struct Worst {
    pub(super) steps_per_byte: u64,
    /// What costs most in it.
    pub(super) dearest: Place,
}

impl Cost {
    /// Says that every byte of a text at `place` may cost `steps`.
    pub(super) const fn each_byte(&mut self, place: Place, steps: u64) {
        if steps > self.rate.steps {
            self.rate = Rate { steps, place: Some(place) };
        }
    }

    /// Says that at most `count` values may stand at `place`, each of at least `bytes` and costing `steps`.
    pub(super) fn each_value(&mut self, place: Place, steps: u64, bytes: u64, count: u64) {
        self.values.push(Values { place, steps, bytes: bytes.max(1), count });
    }

    /// The worst body of at most `size` bytes.
    pub(super) fn worst(mut self, size: u64) -> Worst {
        let size = size.max(1);
        let density = |values: &Values| (u128::from(values.steps) << 32) / u128::from(values.bytes);
        self.values.sort_by_key(|values| std::cmp::Reverse(density(values)));
        let mut total = u128::from(self.rate.steps) * u128::from(size);
        let mut dearest = (total, self.rate.place.unwrap_or(Place::WHOLE));
        let mut left = size;
        for values in &self.values {
            // One more than fit, so that no remainder is lost.
            let count = values.count.min(left.div_ceil(values.bytes));
            let steps = u128::from(values.steps) * u128::from(count);
            total += steps;
            if steps > dearest.0 {
                dearest = (steps, values.place);
            }
            left = left.saturating_sub(count.saturating_mul(values.bytes));
            if left == 0 {
                break;
            }
        }
        let steps_per_byte = u64::try_from(total.div_ceil(u128::from(size))).unwrap_or(u64::MAX);
        Worst { steps_per_byte, dearest: dearest.1 }
    }
}

/// Steps to find something among `count` that are sorted.
pub(super) fn search(count: usize) -> u64 {
    COMPARISON.saturating_mul(u64::from(usize::BITS - count.leading_zeros()))
}

/// Steps for each byte of a text that goes through a table of this size.
pub(super) const fn table(bytes: usize) -> u64 {
    if bytes > NEAR_TABLE_BYTES { FAR_STEP } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place = Place { line: 1, column: 1 };
    const THERE: Place = Place { line: 2, column: 1 };

    #[test]
    fn the_worst_body_holds_the_dearest_values_as_often_as_it_may_and_then_the_next() {
        let mut cost = Cost::default();
        cost.each_byte(HERE, 2);
        cost.each_byte(THERE, 1);
        cost.each_value(HERE, 1_000, 10, 3);
        cost.each_value(THERE, 10, 2, u64::MAX);
        let worst = cost.worst(130);
        // 130 × 2 for the bytes, 3 × 1,000 in 30 bytes, and 50 × 10 in the 100 that are left.
        assert_eq!(worst.steps_per_byte, (260_u64 + 3_000 + 500).div_ceil(130));
        assert_eq!(worst.dearest, HERE);
    }

    #[test]
    fn nothing_costs_nothing_and_no_count_overflows() {
        assert_eq!(Cost::default().worst(0).steps_per_byte, 0);
        let mut cost = Cost::default();
        cost.each_value(HERE, u64::MAX, 1, u64::MAX);
        cost.each_value(HERE, 1, 0, u64::MAX);
        assert_eq!(cost.worst(u64::MAX).steps_per_byte, u64::MAX);
    }

    #[test]
    fn finding_one_of_many_costs_their_logarithm() {
        assert_eq!([0, 1, 2, 3, 4, 255, 256].map(|count| search(count) / COMPARISON), [0, 1, 2, 2, 3, 8, 9]);
    }
}
