//! What the verifier is told: which issuers there are, and what their tokens may be.

use crate::crypto::Algorithm;
use crate::crypto::KeySet;
use crate::crypto::SigningKey;
use crate::identity::caller::TokenKind;
use crate::identity::mapping::ClaimMapping;
use crate::identity::mapping::RequiredClaim;
use crate::model::PublicUrl;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// All settings of this room.
#[derive(Debug)]
pub struct IdentitySettings {
    /// The issuers whose tokens are accepted, each named once.
    pub issuers: Vec<IssuerSettings>,
    /// By how many seconds an issuer's clock may be ahead of ours. Granted to `iat` and `nbf`; what is expired is expired.
    pub clock_skew_s: u64,
    /// How many seconds a proof of possession stays good after it was made.
    pub proof_age_s: u64,
    /// By which URL apps know the gateway: what a proof names is this and the path.
    pub public_url: PublicUrl,
}

/// How a token may be bound to whoever sends it (RFC 7800).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Bind {
    /// To the certificate of the peer (RFC 8705 §3).
    Mtls,
    /// To a key of which each request brings a proof (RFC 9449).
    Dpop,
}

impl Bind {
    /// All of them, in the order in which configuration lists them.
    pub const ALL: [Self; 2] = [Self::Mtls, Self::Dpop];

    /// The word in configuration.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mtls => "mtls",
            Self::Dpop => "dpop",
        }
    }
}

/// One issuer.
#[derive(Debug)]
pub struct IssuerSettings {
    /// `iss`, compared byte for byte.
    pub issuer: String,
    /// Its keys.
    pub keys: IssuerKeys,
    /// What `aud` must be or hold.
    pub audience: String,
    /// The algorithms that its keys may have.
    pub algorithms: Vec<Algorithm>,
    /// The most seconds from `iat` to `exp`.
    pub max_lifetime_s: u64,
    /// How its tokens may be bound; one that is bound in any other way, or in none, is refused.
    pub bind: Vec<Bind>,
    /// What its tokens are.
    pub kind: TokenKind,
    /// What is particular about them.
    pub rules: TokenRules,
}

/// What is particular about the tokens of one issuer; nothing by default.
#[derive(Clone, Debug)]
pub struct TokenRules {
    /// Whether the type `at+jwt` is taken (RFC 9068 §2.1).
    pub takes_typed: bool,
    /// Whether the type `JWT` is taken, which says nothing of what a token is for.
    pub takes_plain: bool,
    /// By how many seconds this issuer's clock may be ahead, where it is not [`IdentitySettings::clock_skew_s`].
    pub clock_skew_s: Option<u64>,
    /// The claims that its tokens must have besides.
    pub required: Vec<RequiredClaim>,
    /// Where its tokens say what we ask for.
    pub mapping: ClaimMapping,
}

impl Default for TokenRules {
    fn default() -> Self {
        Self {
            takes_typed: true,
            takes_plain: false,
            clock_skew_s: None,
            required: Vec::new(),
            mapping: ClaimMapping::default(),
        }
    }
}

/// Where an issuer's keys come from.
#[derive(Clone, Debug)]
pub enum IssuerKeys {
    /// They are here.
    Known(Arc<KeySet>),
    /// The issuer publishes them; each set that comes counts for so many seconds.
    Remote {
        /// The seconds.
        keep_s: u64,
    },
    /// There are none: the issuer is asked what each token is (RFC 7662). One issuer at most: a token that says nothing does not
    /// say whose it is either.
    Asked {
        /// For how many seconds an answer is good.
        keep_s: u64,
        /// How long a request waits for one, all in all.
        timeout: Duration,
        /// As whom it is asked.
        asking_as: Arc<AskingAs>,
    },
}

/// As which of its clients an issuer is asked what its tokens are.
pub struct AskingAs {
    /// `client_id`.
    pub client_id: Box<str>,
    /// For whom our assertions are: itself, as it is called there.
    pub audience: Box<str>,
    /// What signs them; `None` for a client that is known by its certificate alone (RFC 8705 §2.1).
    pub key: Option<Arc<SigningKey>>,
}

/// Without the key.
impl fmt::Debug for AskingAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client_id, audience, key } = self;
        write!(f, "AskingAs({client_id:?} to {audience:?}, asserting: {})", key.is_some())
    }
}

impl From<Arc<KeySet>> for IssuerKeys {
    fn from(keys: Arc<KeySet>) -> Self {
        Self::Known(keys)
    }
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
    /// A second issuer is to be asked: whose would a token be that does not say?
    #[error("issuer {0} is the second one that is to be asked about tokens")]
    AskedTwice(usize),
    /// An issuer may use no algorithm.
    #[error("issuer {0} has no algorithm")]
    NoAlgorithm(usize),
    /// Session tokens are signed by no key.
    #[error("no key signs session tokens")]
    NoKey,
    /// An issuer's tokens may live for no time.
    #[error("issuer {0} has a maximum lifetime of zero")]
    NoLifetime(usize),
    /// An issuer's tokens may be bound in no way.
    #[error("issuer {0} may bind its tokens in no way")]
    NoBinding(usize),
}
