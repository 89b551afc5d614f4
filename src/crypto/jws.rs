//! A JWS in compact serialization (RFC 7515 §7.1), taken apart: three parts, each in the one spelling of base64url.
//!
//! Header and payload come out as bytes for the strict parser of `json/`; what they mean, and whether the signature
//! fits, others say.

use crate::crypto::base64url::decode_base64url;
use crate::crypto::base64url::decoded_length;
use crate::crypto::digest::sha256;
use crate::model::Sha256;

/// The longest token that is looked at, in bytes; a longer one is refused unread.
pub const MAX_JWS_BYTES: usize = 8 * 1024;

/// A token in its parts. Nothing of it is verified yet.
pub struct Jws<'t> {
    /// What was signed: the first two parts with the point between them.
    pub(super) signed: &'t [u8],
    /// The third part, in strict base64url.
    pub(super) signature: &'t str,
    /// How many bytes the third part means; how many they must be, the key says.
    pub(super) signature_bytes: usize,
    header: Vec<u8>,
    payload: Vec<u8>,
    /// The whole of it.
    token: &'t str,
}

/// Why a text is no token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JwsError {
    /// Longer than [`MAX_JWS_BYTES`].
    #[error("token is longer than 8 KiB")]
    TooLong,
    /// Not three parts.
    #[error("token has not exactly three parts")]
    Parts,
    /// A part that is empty or not base64url in its one spelling.
    #[error("token has a part that is not strict base64url")]
    Encoding,
    /// The signature is longer than that of any key we take.
    #[error("token has a signature of more than 1,024 bytes")]
    SignatureTooLong,
}

impl<'t> Jws<'t> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`JwsError`].
    pub fn split(token: &'t str) -> Result<Self, JwsError> {
        if token.len() > MAX_JWS_BYTES {
            return Err(JwsError::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JwsError::Parts)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsError::Parts)?;
        if payload.contains('.') {
            return Err(JwsError::Parts);
        }
        let part = |text: &str| decode_base64url(text).filter(|bytes| !bytes.is_empty()).ok_or(JwsError::Encoding);
        let (header, payload) = (part(header)?, part(payload)?);
        // The library decodes it again; that it is spelled strictly is for us to say.
        let Some(signature_bytes) = decoded_length(signature.as_bytes()) else {
            part(signature)?;
            return Err(JwsError::SignatureTooLong);
        };
        if signature_bytes == 0 {
            return Err(JwsError::Encoding);
        }
        Ok(Self { signed: signed.as_bytes(), signature, signature_bytes, header, payload, token })
    }

    /// The decoded header.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// The decoded payload. Not verified.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// A signature over bytes that are no token: published vectors are about those.
    #[cfg(test)]
    pub(super) fn of_signed(signed: &'t [u8], signature: &'t str) -> Option<Self> {
        let signature_bytes = decoded_length(signature.as_bytes())?;
        // Each is told apart by its signature, as tokens are: nothing is remembered of one for another.
        Some(Self { signed, signature, signature_bytes, header: Vec::new(), payload: Vec::new(), token: signature })
    }

    /// SHA-256 of the whole token.
    pub(super) fn digest(&self) -> Sha256 {
        sha256(self.token.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_parts_and_nothing_else() {
        let signature = "A".repeat(86);
        let token = format!("e30.e30.{signature}");
        let jws = Jws::split(&token).unwrap();
        assert_eq!((jws.header(), jws.payload(), jws.signed), (&b"{}"[..], &b"{}"[..], &b"e30.e30"[..]));
        let fault = |text: &str| Jws::split(text).err();
        assert_eq!(fault(""), Some(JwsError::Parts));
        assert_eq!(fault("e30"), Some(JwsError::Parts));
        assert_eq!(fault("e30.e30"), Some(JwsError::Parts));
        assert_eq!(fault(&format!("e30.e30.{signature}.")), Some(JwsError::Parts));
        assert_eq!(fault(&format!("e30.e30.e30.{signature}")), Some(JwsError::Parts));
        assert_eq!(fault(&format!(".e30.{signature}")), Some(JwsError::Encoding));
        assert_eq!(fault(&format!("e30..{signature}")), Some(JwsError::Encoding));
        assert_eq!(fault("e30.e30."), Some(JwsError::Encoding));
        assert_eq!(fault(&format!("e30=.e30.{signature}")), Some(JwsError::Encoding));
        assert_eq!(fault(&format!("e31.e30.{signature}")), Some(JwsError::Encoding), "bits beyond the last byte");
        assert_eq!(fault(&format!("e30.e30.{signature}=")), Some(JwsError::Encoding));
        assert_eq!(fault(&format!("e30.e30.{}B", "A".repeat(85))), Some(JwsError::Encoding), "stray bits");
        assert_eq!(fault(&format!("e30. e30.{signature}")), Some(JwsError::Encoding));
        for (characters, bytes) in [(2, Ok(1)), (86, Ok(64)), (1366, Ok(1024)), (1367, Err(JwsError::SignatureTooLong))]
        {
            let token = format!("e30.e30.{}", "A".repeat(characters));
            assert_eq!(Jws::split(&token).map(|jws| jws.signature_bytes), bytes, "{characters}");
        }
    }

    #[test]
    fn a_token_has_8_kib_and_not_one_byte_more() {
        let rest = MAX_JWS_BYTES - "e30..".len() - 86;
        let token = |payload: usize| format!("e30.{}.{}", "A".repeat(payload), "A".repeat(86));
        assert_eq!(token(rest).len(), MAX_JWS_BYTES);
        assert_ne!(Jws::split(&token(rest)).err(), Some(JwsError::TooLong));
        assert_eq!(Jws::split(&token(rest + 1)).err(), Some(JwsError::TooLong));
    }
}
