//! What the verifier is told: which issuers there are, and what their tokens may be.

use crate::crypto::Algorithm;
use crate::crypto::KeySet;
use crate::identity::caller::TokenKind;
use std::sync::Arc;

/// All settings of this room.
#[derive(Debug)]
pub struct IdentitySettings {
    /// The issuers whose tokens are accepted, each named once.
    pub issuers: Vec<IssuerSettings>,
    /// By how many seconds an issuer's clock may be ahead of ours. Granted to `iat` and `nbf`; what is expired is expired.
    pub clock_skew_s: u64,
}

/// One issuer.
#[derive(Debug)]
pub struct IssuerSettings {
    /// `iss`, compared byte for byte.
    pub issuer: String,
    /// Its keys.
    pub keys: Arc<KeySet>,
    /// What `aud` must be or hold.
    pub audience: String,
    /// The algorithms that its keys may have.
    pub algorithms: Vec<Algorithm>,
    /// The most seconds from `iat` to `exp`.
    pub max_lifetime_s: u64,
    /// What its tokens are.
    pub kind: TokenKind,
}

/// Why the settings are refused. Issuers are counted from 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// An issuer is named twice: which keys would be its own?
    #[error("issuer {0} is named twice")]
    IssuerTwice(usize),
    /// An issuer or its audience is empty.
    #[error("issuer {0} has an empty name or audience")]
    Empty(usize),
    /// An issuer may use no algorithm.
    #[error("issuer {0} has no algorithm")]
    NoAlgorithm(usize),
    /// An issuer's tokens may live for no time.
    #[error("issuer {0} has a maximum lifetime of zero")]
    NoLifetime(usize),
}
