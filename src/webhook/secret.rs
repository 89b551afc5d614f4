//! A secret that webhooks are signed with: `whsec_` and base64 of 24 to 64 random bytes (Standard Webhooks 1.0.0, "Signature
//! scheme"). Wiped when dropped; without `Debug` and `Clone`.

use crate::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hmac::KeyInit;
use zeroize::Zeroizing;

/// How a secret's text begins.
const PREFIX: &[u8] = b"whsec_";
/// The fewest bytes of a secret: 192 bits.
const MIN_SECRET_BYTES: usize = 24;
/// The most bytes of a secret: 512 bits.
const MAX_SECRET_BYTES: usize = 64;

/// The key of one sender's signatures, or of ours towards one receiver.
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

/// Why a text is no webhook secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WebhookSecretError {
    /// It does not begin with `whsec_`.
    #[error("it does not begin with `whsec_`")]
    Prefix,
    /// What follows is no base64 in its one spelling (RFC 4648 §4, with padding).
    #[error("what follows `whsec_` is no base64")]
    Base64,
    /// Fewer than 24 bytes or more than 64.
    #[error("it means fewer than 24 bytes or more than 64")]
    Length,
}

impl WebhookSecret {
    /// Reads the text of a secret file; one line break at its end is not of the secret.
    ///
    /// # Errors
    /// [`WebhookSecretError`] says what the text is not.
    pub fn parse(text: &Secret) -> Result<Self, WebhookSecretError> {
        let line = text.expose();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let encoded = line.strip_prefix(PREFIX).ok_or(WebhookSecretError::Prefix)?;
        // One buffer of the whole size from the start: growing it would leave copies behind. `decode_slice` wants room for
        // whole groups.
        let mut bytes = Zeroizing::new(vec![0; encoded.len().div_ceil(4).saturating_mul(3)]);
        let length = STANDARD.decode_slice(encoded, &mut bytes).map_err(|_| WebhookSecretError::Base64)?;
        if !(MIN_SECRET_BYTES..=MAX_SECRET_BYTES).contains(&length) {
            return Err(WebhookSecretError::Length);
        }
        bytes.truncate(length);
        Ok(Self(bytes))
    }

    /// HMAC-SHA256 under this secret, fed with nothing yet.
    pub(super) fn mac(&self) -> Hmac<sha2::Sha256> {
        // RFC 2104 §2: a key of at most a block (64 bytes) is filled up with zeros.
        let mut block = Zeroizing::new([0; 64]);
        for (byte, own) in block.iter_mut().zip(self.0.iter()) {
            *byte = *own;
        }
        Hmac::new((&*block).into())
    }

    /// Whether both are the same secret, in constant time: one that serves twice is refused where it is configured.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        crate::crypto::constant_time_eq(&self.0, &other.0)
    }
}
