//! A JWS with detached content (RFC 7515 appendix F): its header and signature stand apart from what was signed, which comes
//! by another way, byte by byte as it was signed.
//!
//! The text is `BASE64URL(header)..BASE64URL(signature)`, each in the one spelling of base64url; what was signed is
//! `BASE64URL(header) '.' BASE64URL(content)` (RFC 7515 §5.1). Content that is not encoded (RFC 7797) is another thing, and
//! is not taken. What the header means is for those who verify to say.

use crate::crypto::base64url::append_base64url;
use crate::crypto::base64url::decode_base64url;
use crate::crypto::base64url::decoded_length;
use crate::crypto::jws::JwsError;
use crate::crypto::jws::MAX_JWS_BYTES;

/// A detached signature in its parts. Nothing of it is verified yet.
pub struct DetachedJws<'t> {
    /// The header as it is spelled, which is what was signed.
    protected: &'t str,
    /// The second part, in strict base64url.
    pub(super) signature: &'t str,
    /// How many bytes the second part means; how many they must be, the key says.
    pub(super) signature_bytes: usize,
    header: Vec<u8>,
}

impl<'t> DetachedJws<'t> {
    /// Takes a detached signature apart.
    ///
    /// # Errors
    /// [`JwsError`]; [`JwsError::Parts`] also where the content stands between the points.
    pub fn split(text: &'t str) -> Result<Self, JwsError> {
        if text.len() > MAX_JWS_BYTES {
            return Err(JwsError::TooLong);
        }
        let (protected, signature) = text.split_once("..").ok_or(JwsError::Parts)?;
        if protected.contains('.') || signature.contains('.') {
            return Err(JwsError::Parts);
        }
        let header = decode_base64url(protected).filter(|bytes| !bytes.is_empty()).ok_or(JwsError::Encoding)?;
        let Some(signature_bytes) = decoded_length(signature.as_bytes()) else {
            let strict = decode_base64url(signature).is_some();
            return Err(if strict { JwsError::SignatureTooLong } else { JwsError::Encoding });
        };
        if signature_bytes == 0 {
            return Err(JwsError::Encoding);
        }
        Ok(Self { protected, signature, signature_bytes, header })
    }

    /// The decoded header.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// What was signed, if it was `content`: a third longer than that.
    pub(super) fn signed(&self, content: &[u8]) -> String {
        let length = self.protected.len().saturating_add(content.len().div_ceil(3).saturating_mul(4));
        let mut signed = String::with_capacity(length.saturating_add(1));
        signed.push_str(self.protected);
        signed.push('.');
        append_base64url(content, &mut signed);
        signed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::keyset::KeySet;
    use crate::crypto::verifying::SignatureError;

    /// RFC 7515 appendix A.3: key, header, content and signature; detached as appendix F says.
    const KEY: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
    const HEADER: &str = "eyJhbGciOiJFUzI1NiJ9";
    const CONTENT: &[u8] = b"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
    const SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    #[test]
    fn the_published_signature_fits_its_content_and_no_other_byte() {
        let keys = KeySet::parse(KEY.as_bytes()).unwrap();
        let key = keys.key("a").unwrap();
        let text = format!("{HEADER}..{SIGNATURE}");
        let jws = DetachedJws::split(&text).unwrap();
        assert_eq!(jws.header(), br#"{"alg":"ES256"}"#);
        assert_eq!(key.verify_detached(&jws, CONTENT), Ok(()));
        for place in [0, 20, CONTENT.len() - 1] {
            let mut other = CONTENT.to_vec();
            other[place] ^= 1;
            assert_eq!(key.verify_detached(&jws, &other), Err(SignatureError), "byte {place}");
        }
        for other in [&CONTENT[1..], &CONTENT[..CONTENT.len() - 1], &[CONTENT, b"\n"].concat(), b""] {
            assert_eq!(key.verify_detached(&jws, other), Err(SignatureError));
        }
        let header = format!("eyJhbGciOiAiRVMyNTYifQ..{SIGNATURE}");
        let jws = DetachedJws::split(&header).unwrap();
        assert_eq!(key.verify_detached(&jws, CONTENT), Err(SignatureError), "the same header spelled otherwise");
    }

    #[test]
    fn two_parts_around_two_points_and_nothing_else() {
        let fault = |text: &str| DetachedJws::split(text).err();
        assert_eq!(fault(&format!("{HEADER}..{SIGNATURE}")), None);
        for text in ["", "..", "e30", "e30.e30", ".e30", "e30."] {
            assert!(matches!(fault(text), Some(JwsError::Parts | JwsError::Encoding)), "{text}");
        }
        for text in [
            format!("{HEADER}.e30.{SIGNATURE}"),
            format!("{HEADER}...{SIGNATURE}"),
            format!("{HEADER}..{SIGNATURE}."),
            format!(".{HEADER}..{SIGNATURE}"),
        ] {
            assert_eq!(fault(&text), Some(JwsError::Parts), "{text}");
        }
        for text in [
            format!("..{SIGNATURE}"),
            format!("{HEADER}.."),
            format!("{HEADER}=..{SIGNATURE}"),
            format!("{HEADER}..{SIGNATURE}="),
            format!(" {HEADER}..{SIGNATURE}"),
            format!("{HEADER}..{}B", "A".repeat(85)),
        ] {
            assert_eq!(fault(&text), Some(JwsError::Encoding), "{text}");
        }
        assert_eq!(fault(&format!("{HEADER}..{}", "A".repeat(1_367))), Some(JwsError::SignatureTooLong));
        assert_eq!(fault(&format!("{HEADER}..{}", "A".repeat(MAX_JWS_BYTES))), Some(JwsError::TooLong));
    }
}
