//! Signatures of Standard Webhooks 1.0.0: `webhook-id`, `webhook-timestamp` and `webhook-signature: v1,<base64>`, which is
//! HMAC-SHA256 over `id.timestamp.body`.
//!
//! Verified are the raw bytes of the body, before anybody parses them, and [`Verified`] carries those very bytes on. An
//! id has no full stop, nor has a timestamp, so that no two messages are signed as the same bytes. The signature is
//! looked at before the time: only who knows a secret learns what our clock thinks of it. A header may hold several
//! signatures, and a sender may have several secrets, so that either side can exchange its secret without a gap; other
//! versions than `v1` are passed over, as the specification has it, and never count.

use crate::clock::UnixSeconds;
use crate::model::PartnerName;
use crate::webhook::secret::WebhookSecret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::Hmac;
use hmac::Mac;
use http::HeaderMap;
use http::HeaderName;
use std::fmt;

/// The header of an event's id, the same at every attempt.
pub const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
/// The header of an attempt's time, in seconds of Unix time.
pub const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// The header of the signatures, separated by one space.
pub const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Seconds by which an attempt's time may differ from ours, in either direction: what the reference libraries allow.
pub const TOLERANCE_S: u64 = 5 * 60;
/// The longest id, in characters.
const MAX_ID_BYTES: usize = 128;
/// The most signatures of one header; a sender that exchanges its secret has two.
const MAX_SIGNATURES: usize = 8;
/// The most digits of a timestamp: enough for 30,000 years.
const MAX_TIMESTAMP_DIGITS: usize = 12;
/// The version that this file signs and verifies.
const VERSION: &str = "v1";

/// An event's id: 1 to 128 characters out of `A-Z a-z 0-9 _ -`. A stranger's may be looked up, not printed.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct WebhookId(Box<str>);

/// One sender's secrets, newest first or last: each of them counts.
pub struct Verifier {
    sender: PartnerName,
    secrets: Vec<WebhookSecret>,
}

/// Proof that `body` was signed by `sender` for this id, at a time near ours; only [`Verifier::verify`] makes one.
///
/// One that was made may be handed on:
/// ```
/// use portcullis::webhook::Verified;
/// fn hand_on(verified: Verified) -> Verified {
///     verified
/// }
/// ```
/// Nobody else makes one:
/// ```compile_fail
/// use portcullis::webhook::Verified;
/// fn hand_on(verified: Verified) -> Verified {
///     Verified { ..verified }
/// }
/// ```
#[must_use = "without this proof an event goes no further"]
pub struct Verified {
    sender: PartnerName,
    id: WebhookId,
    at: UnixSeconds,
    body: Bytes,
}

/// Why an event's signature does not hold. Holds nothing that was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WebhookFault {
    /// One of the three headers is missing.
    #[error("a webhook header is missing")]
    Missing,
    /// One of them stands there twice.
    #[error("a webhook header stands there twice")]
    Repeated,
    /// One of them is not written as the specification writes it.
    #[error("a webhook header is malformed")]
    Malformed,
    /// No signature of the header fits any of the sender's secrets.
    #[error("no signature fits")]
    Mismatch,
    /// Signed more than five minutes ago.
    #[error("the event was signed too long ago")]
    TooOld,
    /// Signed for more than five minutes from now.
    #[error("the event is dated in the future")]
    FromTheFuture,
}

impl WebhookId {
    /// Checks and takes an id; `None` if it is none.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let fits = (1..=MAX_ID_BYTES).contains(&text.len()) && text.bytes().all(plain);
        fits.then(|| Self(text.into()))
    }

    /// The id, for signing, comparing and looking up; never for logs or metrics.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<webhook id of {} bytes>", self.0.len())
    }
}

/// The value of `webhook-signature` for an attempt at `at`: one signature for each of `secrets`, in their order.
#[must_use]
pub fn sign<'s>(
    secrets: impl IntoIterator<Item = &'s WebhookSecret>,
    id: &WebhookId,
    at: UnixSeconds,
    body: &[u8],
) -> String {
    let at = at.get().to_string();
    let mut header = String::new();
    for secret in secrets {
        if !header.is_empty() {
            header.push(' ');
        }
        header.push_str(VERSION);
        header.push(',');
        STANDARD.encode_string(mac(secret, id.as_str(), &at, body).finalize().into_bytes(), &mut header);
    }
    header
}

impl Verifier {
    /// Takes the secrets of `sender`. Without any, nothing verifies.
    #[must_use]
    pub fn new(sender: PartnerName, secrets: Vec<WebhookSecret>) -> Self {
        Self { sender, secrets }
    }

    /// Whether the sender has any secret.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// Verifies the raw bytes of a body against the webhook headers of its request.
    ///
    /// # Errors
    /// [`WebhookFault`]: headers that are missing, repeated or malformed; no signature that fits; a time more than
    /// [`TOLERANCE_S`] from `now`, which is told only where a signature fits.
    pub fn verify(&self, fields: &HeaderMap, body: Bytes, now: UnixSeconds) -> Result<Verified, WebhookFault> {
        let id = WebhookId::new(only(fields, &WEBHOOK_ID)?).ok_or(WebhookFault::Malformed)?;
        let stamp = only(fields, &WEBHOOK_TIMESTAMP)?;
        let at = timestamp(stamp).ok_or(WebhookFault::Malformed)?;
        let signatures = signatures(only(fields, &WEBHOOK_SIGNATURE)?).ok_or(WebhookFault::Malformed)?;
        let mut fits = false;
        for secret in &self.secrets {
            let mac = mac(secret, id.as_str(), stamp, &body);
            for signature in &signatures {
                // `verify_slice` compares in constant time, and none of the others is left out because one fits.
                fits |= mac.clone().verify_slice(signature).is_ok();
            }
        }
        if !fits {
            return Err(WebhookFault::Mismatch);
        }
        if now.since(at) > TOLERANCE_S {
            return Err(WebhookFault::TooOld);
        }
        if at.since(now) > TOLERANCE_S {
            return Err(WebhookFault::FromTheFuture);
        }
        Ok(Verified { sender: self.sender.clone(), id, at, body })
    }
}

impl Verified {
    /// Who signed.
    #[must_use]
    pub const fn sender(&self) -> &PartnerName {
        &self.sender
    }

    /// The event's id, as the sender gave it.
    #[must_use]
    pub const fn id(&self) -> &WebhookId {
        &self.id
    }

    /// When this attempt was signed.
    #[must_use]
    pub const fn at(&self) -> UnixSeconds {
        self.at
    }

    /// The bytes that were verified.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }
}

/// The authentication code of an attempt, not finished yet.
fn mac(secret: &WebhookSecret, id: &str, at: &str, body: &[u8]) -> Hmac<sha2::Sha256> {
    let mut mac = secret.mac();
    for part in [id.as_bytes(), b".", at.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac
}

/// The one value of a header.
fn only<'f>(fields: &'f HeaderMap, name: &HeaderName) -> Result<&'f str, WebhookFault> {
    let mut values = fields.get_all(name).iter();
    let value = values.next().ok_or(WebhookFault::Missing)?;
    if values.next().is_some() {
        return Err(WebhookFault::Repeated);
    }
    value.to_str().map_err(|_| WebhookFault::Malformed)
}

/// Seconds of Unix time in their one spelling: digits alone, no zero ahead.
fn timestamp(text: &str) -> Option<UnixSeconds> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let one_spelling = text == "0" || !text.starts_with('0');
    if !digits || !one_spelling || !(1..=MAX_TIMESTAMP_DIGITS).contains(&text.len()) {
        return None;
    }
    text.parse().ok().map(UnixSeconds::new)
}

/// The `v1` signatures of a header, which may be none; `None` if anything in it is malformed.
fn signatures(text: &str) -> Option<Vec<[u8; 32]>> {
    let mut found = Vec::new();
    for (number, part) in text.split(' ').enumerate() {
        let (version, signature) = part.split_once(',')?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let named = version.starts_with('v') && version.len() <= 8 && version.bytes().all(plain);
        let readable = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        if number >= MAX_SIGNATURES || !named || signature.is_empty() || !signature.bytes().all(readable) {
            return None;
        }
        if version == VERSION {
            // `decode_slice` wants room for whole groups.
            let mut room = [0; 33];
            let length = STANDARD.decode_slice(signature, &mut room).ok()?;
            found.push(room.get(..length)?.try_into().ok()?);
        }
    }
    Some(found)
}
