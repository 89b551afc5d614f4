//! Cryptography: the one place that speaks to aws-lc, jsonwebtoken, webpki and the X.509 parser.
//!
//! Others ask for what they mean (a signed token, a sealed row, a keyed digest, a TLS configuration) and never choose an
//! algorithm, a nonce or an encoding. Keys cannot be shown: they have no `Debug`, no `Clone`, and are wiped. A key
//! serves one purpose; several keys come from one secret by HKDF under different labels ([`SecretKey::derive`]).
//!
//! No clock is read here, and nothing decides who may do what: `identity/` asks whether a token or a peer is good.
//! Strangers' bytes (tokens, certificates) are taken apart strictly; faults hold none of them.

mod base64url;
mod certificate;
mod content_digest;
mod crl;
mod described;
mod detached;
mod digest;
mod ed25519;
mod jwk;
mod jws;
mod keyset;
mod message_signature;
mod message_verifying;
mod note;
mod our_assertion;
mod outward;
mod proof_key;
mod provider;
mod published;
mod random;
mod seal;
mod signing;
mod spki;
mod ssh_key;
mod ssh_signature;
mod tls;
mod tls_files;
mod tls_verifier;
mod trust;
mod verified;
mod verifying;

#[cfg(test)]
mod tests;

pub use base64url::decode_base64url;
pub use base64url::encode_base64url;
pub use base64url::put_base64url;
pub use certificate::Certificate;
pub use certificate::CertificateError;
pub use certificate::SubjectName;
pub use content_digest::content_digest;
pub use content_digest::is_content_digest;
pub use crl::Continued;
pub use crl::Crl;
pub use crl::CrlError;
pub use described::DEVELOPMENT_ORGANIZATION;
pub use described::DescribedCertificate;
pub use described::is_for_development;
pub use described::names_as_issuer;
pub use detached::DetachedJws;
pub use digest::Digesting;
pub use digest::HmacKey;
pub use digest::constant_time_eq;
pub use digest::keyed_digest;
pub use digest::sha256;
pub use digest::sha256_joined;
pub use ed25519::Ed25519Key;
pub use jwk::Algorithm;
pub use jwk::SigningAlgorithm;
pub use jws::Jws;
pub use jws::JwsError;
pub use jws::MAX_JWS_BYTES;
pub use keyset::KeySet;
pub use keyset::KeySetError;
pub use message_signature::MessageSignature;
pub use message_signature::SignatureTerms;
pub use message_signature::SignedParts;
pub use message_verifying::MessageSignatureFault;
pub use message_verifying::VerifiedSignature;
pub use note::NoteKeyError;
pub use note::NoteName;
pub use note::NoteNameError;
pub use note::NoteSigner;
pub use our_assertion::ASSERTION_TYPE;
pub use our_assertion::client_assertion;
pub use outward::Lapsed;
pub use outward::Outward;
pub use proof_key::ProofKey;
pub use provider::PROVIDER_NAME;
pub use provider::ProviderError;
pub use provider::install_provider;
pub use provider::tls_groups;
pub use published::PublishedKeys;
pub use published::purposed_jwks;
pub use random::random;
pub use seal::KeyError;
pub use seal::OpenError;
pub use seal::Sealer;
pub use seal::SecretKey;
pub use seal::SivKey;
pub use signing::SignError;
pub use signing::SigningKey;
pub use signing::SigningKeyError;
pub use signing::jwks_json;
pub use ssh_key::SshKey;
pub use ssh_key::SshKeyError;
pub use ssh_key::SshKeyKind;
pub use ssh_signature::SshSignature;
pub use ssh_signature::SshSignatureError;
pub use ssh_signature::SshVerified;
pub use tls::OwnCertificate;
pub use tls::TlsError;
pub use tls::client_config;
pub use tls::server_config;
pub use tls::server_config_speaking;
pub use tls_files::TlsFileError;
pub use tls_files::TlsIdentity;
pub use tls_files::read_certificates;
pub use trust::ClientTrust;
pub use trust::Distrust;
pub use trust::Standing;
pub use verifying::SignatureError;
pub use verifying::VerifyingKey;

#[cfg(test)]
pub(crate) use tests::a_standing;
