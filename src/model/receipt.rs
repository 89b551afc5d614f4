//! Receipts and the epoch: the two numbers by which an exchange is found again and a revocation is noticed.

use std::fmt;

/// The id of an intent or of a refusal's record, given to one recipient as `Receipt-Id`.
///
/// 128 random bits, written as `r-` and 26 digits of RFC 4648 base32 in lower case. It tells nothing and is not a secret.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Receipt([u8; 16]);

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

impl Receipt {
    /// Makes a receipt of 16 random bytes.
    #[must_use]
    pub const fn new(random: [u8; 16]) -> Self {
        Self(random)
    }

    /// Reads what [`fmt::Display`] wrote; no other spelling is accepted.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("r-")?;
        if digits.len() != 26 {
            return None;
        }
        let mut number: u128 = 0;
        for digit in digits.bytes() {
            let value = BASE32.iter().position(|known| *known == digit)?;
            number = number.checked_mul(32)?.checked_add(u128::try_from(value).ok()?)?;
        }
        Some(Self(number.to_be_bytes()))
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = *b"r-aaaaaaaaaaaaaaaaaaaaaaaaaa";
        let mut number = u128::from_be_bytes(self.0);
        for digit in text.iter_mut().skip(2).rev() {
            let value = usize::try_from(number % 32).unwrap_or(0);
            *digit = BASE32.get(value).copied().unwrap_or(b'a');
            number /= 32;
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The number that grows with every revocation and never goes back.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Epoch(u64);

impl Epoch {
    /// Takes a stored number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The next epoch.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_read_back_in_its_one_spelling() {
        for bytes in [[0; 16], [255; 16], *b"0123456789abcdef"] {
            let receipt = Receipt::new(bytes);
            assert_eq!(Receipt::parse(&receipt.to_string()), Some(receipt));
            assert_eq!(Receipt::parse(&receipt.to_string().to_uppercase()), None);
        }
        assert_eq!(Receipt::parse("r-zzzzzzzzzzzzzzzzzzzzzzzzzz"), None, "more than 128 bits");
    }
}
