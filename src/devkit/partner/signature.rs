//! The partner's look at the signature of a request (RFC 9421) and at the digest of its content (RFC 9530): one signature of
//! the gateway's over everything but what serves the connection.

use crate::clock::UnixSeconds;
use crate::crypto::MessageSignatureFault;
use crate::crypto::SignedParts;
use crate::crypto::is_content_digest;
use crate::devkit::partner::command::Request;
use crate::devkit::partner::refusal::Refusal;
use crate::devkit::partner::token::TokenTrust;

/// The fields that need not be covered: they serve the connection, the answer's form and tracing; `Host` is covered as the
/// authority, the length by the digest.
const UNCOVERED: [&str; 8] = [
    "host",
    "connection",
    "accept",
    "accept-encoding",
    "content-length",
    "traceparent",
    "signature",
    "signature-input",
];

/// The fields that must be there; what else is there must be covered, too.
const REQUIRED: [&str; 3] = ["content-digest", "authorization", "receipt-id"];

/// For what the gateway's signatures are made.
const TAG: &str = "portcullis";

/// What a signed request says of itself.
pub(super) struct Signed {
    pub(super) receipt: String,
    pub(super) nonce: String,
}

impl TokenTrust {
    /// Verifies the signature of `request`.
    pub(super) fn verify_signature(&self, request: &Request, now: UnixSeconds) -> Result<Signed, Refusal> {
        let head = &request.head;
        let only = |name: &str| head.only(name).ok_or(Refusal::SignatureMissing);
        let (input, signature) = (only("signature-input")?, only("signature")?);
        let mut words = head.start.split(' ');
        let (Some(method), Some(target)) = (words.next(), words.next()) else { return Err(Refusal::Malformed) };
        let mut parts = SignedParts::of_request(method, only("host")?, target);
        for name in REQUIRED {
            only(name)?;
        }
        for (name, value) in &head.fields {
            if !UNCOVERED.iter().any(|known| name.eq_ignore_ascii_case(known)) {
                parts.add(name, value.as_bytes()).map_err(|_| Refusal::Malformed)?;
            }
        }
        let verified = parts.verify(input, signature, &self.signatures, TAG, now)?;
        if !is_content_digest(only("content-digest")?, &request.body) {
            return Err(Refusal::Digest);
        }
        Ok(Signed { receipt: only("receipt-id")?.to_owned(), nonce: verified.nonce })
    }
}

impl From<MessageSignatureFault> for Refusal {
    fn from(fault: MessageSignatureFault) -> Self {
        match fault {
            MessageSignatureFault::Malformed | MessageSignatureFault::Parameters => Self::SignatureMalformed,
            MessageSignatureFault::Covered => Self::SignatureCovered,
            MessageSignatureFault::Tag => Self::SignatureTag,
            MessageSignatureFault::Key => Self::SignatureKey,
            MessageSignatureFault::NotYet => Self::SignatureNotYet,
            MessageSignatureFault::Expired => Self::SignatureExpired,
            MessageSignatureFault::Signature => Self::Signature,
        }
    }
}
