//! The spelling of an idempotency key: what stands in the header `Idempotency-Key`, or in the body.
//!
//! The draft (draft-ietf-httpapi-idempotency-key-header-07 §2.1) makes the header a String of RFC 9651 §3.3.3, in quotes;
//! much of the world sends it bare. Both are read, and `"k"` and `k` are the same key:
//!
//! - quoted: printable ASCII with `\"` and `\\` escaped, without parameters;
//! - bare: letters, digits, `_` and `-`.
//!
//! Either way a key has 8 to 128 characters: shorter ones repeat by accident. A key that is a field of the body is read
//! by the same rule.

/// The fewest bytes of a key.
const MIN_BYTES: usize = 8;
/// The most bytes of a key.
const MAX_BYTES: usize = 128;

/// The key that `text` spells, without quotes; `None` where it spells none.
pub fn read(text: &str) -> Option<String> {
    let key = if text.starts_with('"') { quoted(text)? } else { bare(text)? };
    (MIN_BYTES..=MAX_BYTES).contains(&key.len()).then_some(key)
}

fn quoted(text: &str) -> Option<String> {
    let item: sfv::Item = sfv::Parser::new(text).parse().ok()?;
    match item.bare_item {
        sfv::BareItem::String(string) if item.params.is_empty() => Some(string.as_str().to_owned()),
        _ => None,
    }
}

fn bare(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    text.bytes().all(plain).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_8_to_128_characters_however_it_is_spelled() {
        for (length, good) in [(7, false), (8, true), (128, true), (129, false)] {
            let key = "k".repeat(length);
            assert_eq!(read(&key).is_some(), good, "bare, {length}");
            assert_eq!(read(&format!("\"{key}\"")).is_some(), good, "quoted, {length}");
        }
    }

    #[test]
    fn quoted_and_bare_spell_the_same_key() {
        let key = "8e03978e-40d5-43e8-bc93-6894a57f9324";
        assert_eq!(read(key).as_deref(), Some(key));
        assert_eq!(read(&format!("\"{key}\"")).as_deref(), Some(key));
        assert_eq!(read(r#""a \"b\" \\ c""#).as_deref(), Some(r#"a "b" \ c"#));
    }

    #[test]
    fn half_quoted_parameterised_and_listed_keys_are_refused() {
        for line in [
            "\"12345678",
            "12345678\"",
            "\"12345678\";a=1",
            "\"12345678\", \"12345678\"",
            "1234 5678",
            "12345678,12345678",
            "ключ-ключ",
            "\"ключ-ключ\"",
            "",
        ] {
            assert_eq!(read(line), None, "{line:?}");
        }
    }
}
