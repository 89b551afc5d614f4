//! The characters of a bearer token.

/// Whether a text has the characters of a token (RFC 6750 §2.1: `b64token`), however long it is.
#[must_use]
pub fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_the_characters_that_rfc_6750_gives_it() {
        for good in ["a", "mF_9.B5f-4.1JqM", "a.b", "a~+/9==", "....", "eyJ"] {
            assert!(is_b64token(good), "{good}");
        }
        for bad in ["", "=", "==", "a=b", "a b", "a\tb", "a,b", "a\"b", "é", "a%20"] {
            assert!(!is_b64token(bad), "{bad}");
        }
    }
}
