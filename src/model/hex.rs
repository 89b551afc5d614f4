//! Bytes as lower-case hexadecimal digits, many at once: records are full of digests, and a digit at a time is slow.

use std::fmt;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Bytes whose digits are written with one call.
const AT_ONCE: usize = 32;

/// Writes two digits for each byte.
///
/// # Errors
/// Those of `out`.
pub fn write_hex(out: &mut impl fmt::Write, bytes: &[u8]) -> fmt::Result {
    for some in bytes.chunks(AT_ONCE) {
        let mut digits = [b'0'; 2 * AT_ONCE];
        put_hex(some, &mut digits);
        let written = digits.get(..2 * some.len()).unwrap_or_default();
        out.write_str(std::str::from_utf8(written).unwrap_or_default())?;
    }
    Ok(())
}

/// Puts the digits of the first bytes into `digits`, as many as there is room for.
pub fn put_hex(bytes: &[u8], digits: &mut [u8]) {
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        for (digit, nibble) in pair.iter_mut().zip([byte >> 4, byte & 0xF]) {
            *digit = DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_two_digits_however_many_there_are() {
        let bytes: Vec<u8> = (0..=255).cycle().take(300).collect();
        for length in [0, 1, 31, 32, 33, 64, 65, 300] {
            let mut written = String::new();
            write_hex(&mut written, &bytes[..length]).unwrap();
            let expected: String = bytes[..length].iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(written, expected, "{length}");
        }
    }
}
