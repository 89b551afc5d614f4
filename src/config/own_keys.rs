//! Which of the gateway's own keys others verify by: for whom each is, by which id it is known, and whether it signs or will sign
//! next. One list, for whoever looks at a running gateway and for whoever hands the public halves out. Nothing of a private key
//! is in it.

use crate::config::partner_tokens::TokenSettings;
use crate::config::settings::Config;
use crate::crypto::SigningKey;
use crate::identity::IssuerKeys;

/// The `alg` of checkpoints, as JWS would call it: they are notes of Ed25519 (C2SP signed-note).
const NOTE_ALGORITHM: &str = "EdDSA";

/// What a key signs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OwnPurpose {
    /// Session tokens.
    Session,
    /// The tokens of partners that call.
    ClientToken,
    /// The tokens that we mint for a partner.
    Token,
    /// The requests to a partner.
    Request,
    /// The assertions by which we are a client: of a partner's authorisation server, or of an issuer that is asked about its
    /// tokens.
    Client,
    /// The log's checkpoints.
    Log,
}

impl OwnPurpose {
    /// The word for it, which is that of the JWKS in which such keys are published, where it has one.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::ClientToken => "client-token",
            Self::Token => "token",
            Self::Request => "request",
            Self::Client => "client",
            Self::Log => "log",
        }
    }

    /// Whether a changed file is taken up while the gateway runs; the others take a restart.
    #[must_use]
    pub const fn is_taken_up(self) -> bool {
        match self {
            Self::Session | Self::ClientToken | Self::Client => true,
            Self::Token | Self::Request | Self::Log => false,
        }
    }
}

/// One of our keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnKey {
    /// What it signs.
    pub purpose: OwnPurpose,
    /// Who knows us by it: a partner, an issuer, or what our own tokens and log are called.
    pub whom: Box<str>,
    /// By which id it is known: a JWK's thumbprint (RFC 7638), of the log's key its hash.
    pub kid: Box<str>,
    /// Its `alg`.
    pub algorithm: &'static str,
    /// Whether it signs; else it is published, and will sign later.
    pub signs: bool,
}

/// Keys of one purpose for one other side, the one that signs first.
fn listed<'k>(
    purpose: OwnPurpose,
    whom: &str,
    keys: impl Iterator<Item = &'k SigningKey>,
) -> impl Iterator<Item = OwnKey> {
    keys.enumerate().map(move |(number, key)| OwnKey {
        purpose,
        whom: whom.into(),
        kid: key.kid().into(),
        algorithm: key.algorithm(),
        signs: number == 0,
    })
}

impl Config {
    /// All of our keys by which others verify, in the order of the purposes and of the file.
    #[must_use]
    pub fn own_keys(&self) -> Vec<OwnKey> {
        let sessions = self.sessions.keys.iter().map(|key| &**key);
        let mut all: Vec<OwnKey> = listed(OwnPurpose::Session, &self.sessions.issuer, sessions).collect();
        if let Some(tokens) = &self.client_tokens {
            all.extend(listed(OwnPurpose::ClientToken, "partners that call", tokens.keys()));
        }
        for partner in &self.partners {
            let whom = partner.name.as_str();
            match &partner.token {
                TokenSettings::Minted(minting) => all.extend(listed(OwnPurpose::Token, whom, minting.keys.all())),
                TokenSettings::Fetched(server) => {
                    all.extend(listed(OwnPurpose::Client, whom, server.keys.iter().map(|key| &**key)));
                }
            }
            all.extend(listed(OwnPurpose::Request, whom, partner.signing.all()));
        }
        for issuer in &self.identity.issuers {
            if let IssuerKeys::Asked { asking_as, .. } = &issuer.keys {
                all.extend(listed(OwnPurpose::Client, &issuer.issuer, asking_as.key.as_deref().into_iter()));
            }
        }
        all.push(OwnKey {
            purpose: OwnPurpose::Log,
            whom: self.audit.signer.name().as_str().into(),
            kid: self.audit.signer.key_hash().into(),
            algorithm: NOTE_ALGORITHM,
            signs: true,
        });
        all
    }
}
