//! base64url without padding (RFC 4648 §5, RFC 7515 §2), in its one spelling: padding, line breaks, the other alphabet
//! and stray bits at the end are refused, so that no two texts mean the same bytes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The text of `bytes`.
#[must_use]
pub fn encode_base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Appends the text of `bytes`, without allocating more than it takes.
pub fn put_base64url(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let room = out.get_mut(start..).unwrap_or_default();
    // Four digits for each three bytes are enough.
    let written = URL_SAFE_NO_PAD.encode_slice(bytes, room).unwrap_or_default();
    out.truncate(start + written);
}

/// The bytes of `text`; `None` unless it is spelled as [`encode_base64url`] spells it.
#[must_use]
pub fn decode_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The longest text, in bytes decoded, whose length [`decoded_length`] tells: a signature of RSA with 8,192 bits.
const MAX_MEASURED_BYTES: usize = 1_024;

/// How many bytes `text` means, without allocating; `None` if they are more than 1,024, or it is no strict base64url.
pub(super) fn decoded_length(text: &[u8]) -> Option<usize> {
    // `decode_slice` wants room for whole groups.
    let mut room = [0; MAX_MEASURED_BYTES + 3];
    URL_SAFE_NO_PAD.decode_slice(text, &mut room).ok().filter(|length| *length <= MAX_MEASURED_BYTES)
}

/// Exactly `N` bytes of `text`, without allocating.
pub(super) fn decode_exactly<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    // `decode_slice` wants room for whole groups, so a few bytes more than the longest of our values.
    let mut room = [0; 96];
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut room).ok()?;
    room.get(..length)?.try_into().ok()
}

/// Appends the text of `bytes`.
pub(super) fn append_base64url(bytes: &[u8], out: &mut String) {
    URL_SAFE_NO_PAD.encode_string(bytes, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_has_one_spelling() {
        assert_eq!(decode_base64url("AQAB"), Some(vec![1, 0, 1]));
        assert_eq!(decode_base64url("_-8"), Some(vec![0xff, 0xef]));
        for other in ["AQA", "AQAB=", "AQ==", "/+8", "AR", "AQ\nAB", " AQAB", "AQAB ", "A"] {
            let accepted = decode_base64url(other).map(|bytes| encode_base64url(&bytes));
            assert!(accepted.is_none_or(|text| text == other), "{other:?} is a second spelling");
        }
        assert_eq!(decode_base64url("AR"), None, "bits beyond the last byte");
    }

    #[test]
    fn a_length_is_told_up_to_that_of_the_longest_signature() {
        assert_eq!((decoded_length(b""), decoded_length(b"AQAB"), decoded_length(b"AR")), (Some(0), Some(3), None));
        for bytes in [1_022, 1_023, 1_024, 1_025, 5_000] {
            let told = Some(bytes).filter(|bytes| *bytes <= 1_024);
            assert_eq!(decoded_length(encode_base64url(&vec![7; bytes]).as_bytes()), told, "{bytes}");
        }
    }

    #[test]
    fn an_exact_length_is_met_or_nothing_comes() {
        assert_eq!(decode_exactly::<3>(b"AQAB"), Some([1, 0, 1]));
        assert_eq!(decode_exactly::<2>(b"AQAB"), None);
        assert_eq!(decode_exactly::<4>(b"AQAB"), None);
        assert_eq!(decode_exactly::<64>(&[b'A'; 86]), Some([0; 64]));
        assert_eq!(decode_exactly::<64>(&[b'A'; 4000]), None);
    }
}
