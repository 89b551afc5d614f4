//! Where a request stands in a trace: the header `traceparent` of W3C Trace Context (Recommendation, §3.2), version `00`.
//!
//! What it says is a stranger's and is taken only where it is exactly that form; whoever sends anything else has said nothing
//! (§3.2.2.2). A number is random and speaks of nothing but itself, so it may stand in a record.

use crate::model::hex::write_hex;
use std::fmt;

/// `traceparent` as long as version `00` is: two, 32, 16 and two digits, and three hyphens.
const LENGTH: usize = 55;

/// The flag that the sender records this trace (§3.2.2.5.1).
const SAMPLED: u8 = 1;

/// The number of a trace.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TraceId([u8; 16]);

/// A place in a trace.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TraceParent {
    trace: TraceId,
    span: [u8; 8],
    sampled: bool,
}

impl TraceParent {
    /// The beginning of a trace of random numbers, recorded or not.
    #[must_use]
    pub const fn begin(trace: [u8; 16], span: [u8; 8], sampled: bool) -> Self {
        Self { trace: TraceId(trace), span, sampled }
    }

    /// Reads the value of a field; `None` if it is not exactly that of version `00`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (b"00", rest) = text.split_at_checked(2)? else { return None };
        if text.len() != LENGTH {
            return None;
        }
        let (trace, rest) = number::<16>(rest)?;
        let (span, rest) = number::<8>(rest)?;
        let ([flags], []) = number::<1>(rest)? else { return None };
        // Zeros are no numbers (§3.2.2.3, §3.2.2.4).
        let named = trace != [0; 16] && span != [0; 8];
        named.then_some(Self { trace: TraceId(trace), span, sampled: flags & SAMPLED != 0 })
    }

    /// The number of the trace.
    #[must_use]
    pub const fn trace(self) -> TraceId {
        self.trace
    }

    /// Whether the sender records it.
    #[must_use]
    pub const fn is_sampled(self) -> bool {
        self.sampled
    }
}

/// A hyphen and a number of so many bytes, in small hexadecimal digits; and what comes behind it.
fn number<const BYTES: usize>(text: &[u8]) -> Option<([u8; BYTES], &[u8])> {
    let digits = text.strip_prefix(b"-")?;
    let (digits, rest) = digits.split_at_checked(BYTES * 2)?;
    let mut number = [0; BYTES];
    for (byte, pair) in number.iter_mut().zip(digits.chunks_exact(2)) {
        let mut digits = pair.iter().map(|digit| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        });
        *byte = digits.next()?? << 4 | digits.next()??;
    }
    Some((number, rest))
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

/// As the field's value.
impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-", self.trace)?;
        write_hex(f, &self.span)?;
        write!(f, "-{:02x}", u8::from(self.sampled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_example_of_the_recommendation_is_read_and_written() {
        let read = TraceParent::parse(GOOD.as_bytes()).unwrap();
        assert_eq!((read.to_string().as_str(), read.is_sampled()), (GOOD, true));
        assert_eq!(read.trace().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        // Other flags are for later versions, and are not passed on.
        for (flags, sampled) in [("00", false), ("02", false), ("ff", true), ("03", true)] {
            let read = TraceParent::parse(GOOD.replace("-01", &format!("-{flags}")).as_bytes()).unwrap();
            assert_eq!(read.is_sampled(), sampled, "{flags}");
            assert!(read.to_string().ends_with(if sampled { "-01" } else { "-00" }));
        }
    }

    #[test]
    fn what_is_not_exactly_that_form_says_nothing() {
        for (from, to) in [
            ("00-4", "01-4"),
            ("00-4", "ff-4"),
            ("00-4", "0-4"),
            ("00-4", " 00-4"),
            ("-01", "-1"),
            ("-01", "-01 "),
            ("-01", "-01-00"),
            ("-01", "-0g"),
            ("-01", ""),
            ("4bf92f", "4BF92F"),
            ("4bf92f", "4bf92"),
            ("4bf92f", "4bf92g"),
            ("4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000000000000000000000"),
            ("00f067aa0ba902b7", "0000000000000000"),
            ("00f067aa0ba902b7", "00f067aa0ba902B7"),
            ("-00f0", "_00f0"),
            ("4736-", "4736"),
        ] {
            assert_eq!(GOOD.matches(from).count(), 1, "{from}");
            assert_eq!(TraceParent::parse(GOOD.replace(from, to).as_bytes()), None, "{from} → {to}");
        }
        for cut in 0..GOOD.len() {
            assert_eq!(TraceParent::parse(&GOOD.as_bytes()[..cut]), None, "{cut}");
        }
        assert_eq!(TraceParent::parse("00-４bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7".as_bytes()), None);
    }
}
