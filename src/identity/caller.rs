//! The caller: the proof that a request comes from a peer and a token that belong together.

use crate::clock::UnixSeconds;
use crate::identity::client_token::ClientToken;
use crate::identity::peer::Peer;
use crate::identity::proof::Proof;
use crate::model::Right;
use crate::model::Stranger;
use crate::model::TenantId;
use std::sync::Arc;

/// What an issuer's tokens are.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TokenKind {
    /// From the identity provider, after signing in: good for what moves nothing.
    SignIn,
    /// Short, narrow, for one app instance: the only kind that moves a door.
    Session,
}

impl TokenKind {
    /// The word in configuration and policies.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Session => "session",
        }
    }
}

/// What an operation demands of the token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TokenDemand {
    /// A session token: the operation moves something.
    Session,
    /// A token of any kind.
    Any,
}

/// Proof that a request comes from this peer and this token; only [`Verifier`](crate::identity::Verifier) makes one.
///
/// ```
/// use portcullis::{clock::UnixSeconds, identity::{Caller, IdentityFault, Peer, Verifier}};
/// fn caller(verifier: &Verifier, peer: Peer, now: UnixSeconds) -> Result<Caller, IdentityFault> {
///     verifier.peer_only(&peer, now)
/// }
/// ```
/// Without the verifier there is none:
/// ```compile_fail
/// use portcullis::{clock::UnixSeconds, identity::{Caller, IdentityFault, Peer, Verifier}};
/// fn caller(verifier: &Verifier, peer: Peer, now: UnixSeconds) -> Result<Caller, IdentityFault> {
///     Ok(Caller::new(peer, None, None))
/// }
/// ```
#[derive(Debug)]
#[must_use = "without this proof the exchange ends here"]
pub struct Caller {
    peer: Peer,
    token: Option<Token>,
    proof: Option<Proof>,
    /// Of a partner that calls; then there is no person's.
    client: Option<ClientToken>,
}

impl Caller {
    /// The names that [`Token::claim`] knows: what a contract's `claim:` may say.
    pub const CLAIMS: [&'static str; 7] = ["sub", "device_id", "car_id", "tenant", "sid", "client_id", "jti"];

    pub(super) const fn new(peer: Peer, token: Option<Token>, proof: Option<Proof>) -> Self {
        Self { peer, token, proof, client: None }
    }

    /// A partner that calls by its own token.
    pub(super) const fn of_client(peer: Peer, client: ClientToken) -> Self {
        Self { peer, token: None, proof: None, client: Some(client) }
    }

    /// The peer of the connection.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// The proof of the key to which the token is bound; `None` where it is bound to none.
    #[must_use]
    pub const fn proof(&self) -> Option<&Proof> {
        self.proof.as_ref()
    }

    /// The partner's own token; `None` for whoever comes by the backend's door.
    #[must_use]
    pub const fn client(&self) -> Option<&ClientToken> {
        self.client.as_ref()
    }

    /// The person's token; `None` only on the gateway's own paths, and for a partner that calls.
    #[must_use]
    pub const fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }
}

/// A verified token. What is a stranger's cannot be printed.
#[derive(Debug)]
pub struct Token {
    /// What the issuer's tokens are.
    pub kind: TokenKind,
    /// `iss`, as configured.
    pub issuer: Arc<str>,
    /// `sub`: the user.
    pub subject: Stranger,
    /// `tenant`: the management company.
    pub tenant: Option<TenantId>,
    /// `device_id`: the user's app instance.
    pub device: Option<Stranger>,
    /// `car_id`.
    pub car: Option<Stranger>,
    /// `sid`: the session.
    pub session: Option<Stranger>,
    /// `jti`.
    pub token_id: Stranger,
    /// `client_id`.
    pub client_id: Stranger,
    /// `azp`: the app that the token was issued to, where that is said (OpenID Connect Core 1.0 §2).
    pub authorized_party: Option<Stranger>,
    /// `act.sub`: who acts for the user (RFC 8693 §4.1); of a session token the peer's name.
    pub actor: Option<Stranger>,
    /// `roles`.
    pub roles: Vec<Stranger>,
    /// `scope`, taken apart.
    pub scopes: Vec<Stranger>,
    /// `acr`: at which level the user was authenticated (RFC 9068 §2.2.1, OpenID Connect Core 1.0 §2).
    pub acr: Option<Stranger>,
    /// `amr`: by which means.
    pub amr: Vec<Stranger>,
    /// `auth_time`: when the user was last authenticated, which may be long before the token.
    pub auth_time: Option<UnixSeconds>,
    /// `authorization_details` (RFC 9396).
    pub rights: Vec<Right>,
    /// `houses`: those that the issuer says are the user's. No right to do anything there.
    pub houses: Vec<Stranger>,
    /// `iat`.
    pub issued_at: UnixSeconds,
    /// `exp`: the first second in which the token is no longer good.
    pub expires_at: UnixSeconds,
}

impl Token {
    /// The claim that a contract's `claim:` names, one of [`Caller::CLAIMS`]; `None` if the token has none, or it is another.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&str> {
        let claim = match name {
            "sub" => Some(&self.subject),
            "device_id" => self.device.as_ref(),
            "car_id" => self.car.as_ref(),
            "tenant" => return self.tenant.as_ref().map(TenantId::as_str),
            "sid" => self.session.as_ref(),
            "client_id" => Some(&self.client_id),
            "jti" => Some(&self.token_id),
            _ => None,
        };
        claim.map(Stranger::expose)
    }
}
