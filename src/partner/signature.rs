//! The signature of a request to a partner (RFC 9421), over everything that means something in it: method, authority, path,
//! query, the digest of the content (RFC 9530), every declared field, the token and the receipt, and how far our
//! record has come where the token does not say it. It is made of the request as it is about to be written, so what is signed
//! is what leaves.
//!
//! Always the same parts are covered, also where there is no query or no content: a partner that demands them all notices
//! what was added as well as what was taken away. Not covered are `Accept`, which says only what we can read, and
//! `traceparent`, which whoever forwards the request may exchange (W3C Trace Context §3.4).

use crate::clock::UnixSeconds;
use crate::crypto;
use crate::crypto::SignError;
use crate::crypto::SignatureTerms;
use crate::crypto::SignedParts;
use crate::crypto::SigningKey;
use crate::crypto::content_digest;
use crate::crypto::encode_base64url;
use crate::wire::Request;
use http::HeaderName;
use http::HeaderValue;

/// For what the signatures are made (RFC 9421 §2.3, `tag`).
const TAG: &str = "portcullis";

/// The digest of the content.
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// What is covered, and how.
const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");

/// The signature.
const SIGNATURE: HeaderName = HeaderName::from_static("signature");

/// Adds digest and signature to a request that goes to `authority`. All its fields are covered: what is not to be is added
/// after this.
pub(super) fn sign(
    request: &mut Request,
    authority: &str,
    key: &SigningKey,
    created: UnixSeconds,
    expires: UnixSeconds,
) -> Result<(), SignError> {
    let digest = HeaderValue::try_from(content_digest(&request.body)).map_err(|_| SignError)?;
    request.fields.push((CONTENT_DIGEST, digest));
    let mut parts = SignedParts::of_request(request.method.as_str(), authority, &request.target);
    for (name, value) in &request.fields {
        parts.add(name.as_str(), value.as_bytes())?;
    }
    let nonce = encode_base64url(&crypto::random::<16>());
    let signed = parts.sign(key, &SignatureTerms { created, expires, nonce: &nonce, tag: TAG })?;
    for (name, value) in [(SIGNATURE_INPUT, signed.input), (SIGNATURE, signed.signature)] {
        request.fields.push((name, HeaderValue::try_from(value).map_err(|_| SignError)?));
    }
    Ok(())
}
