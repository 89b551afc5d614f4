//! Tokens of partners that call: the gateway issues them by client credentials (RFC 6749 §4.4), and takes them back beside the
//! certificate that they were issued to (RFC 8705 §3).
//!
//! They have a type, an issuer and keys of their own, so that no other token of ours is one, and this is none of them. Issuer
//! and audience are the same, the partner's authority here as a URL: who issues them is who takes them, and no other partner. One is good for minutes, for the scopes that were asked for,
//! and for one connection's certificate; a partner whose certificate was renewed asks for a new one.

use crate::clock::UnixSeconds;
use crate::crypto;
use crate::crypto::KeySet;
use crate::crypto::KeySetError;
use crate::crypto::SignError;
use crate::crypto::SigningKey;
use crate::crypto::constant_time_eq;
use crate::crypto::encode_base64url;
use crate::crypto::jwks_json;
use crate::identity::caller::Caller;
use crate::identity::checks::Check;
use crate::identity::checks::Checks;
use crate::identity::claims::Binding;
use crate::identity::claims::Claims;
use crate::identity::client_assertion::PartnerClient;
use crate::identity::fault::IdentityFault;
use crate::identity::header::Header;
use crate::identity::known_partner::KnownPartner;
use crate::identity::peer::Peer;
use crate::identity::presented::Scheme;
use crate::identity::presented::presented;
use crate::identity::times::MayLive;
use crate::identity::verifier::split;
use crate::json;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::model::PartnerName;
use crate::model::Stranger;
use http::HeaderMap;
use std::fmt;
use std::sync::Arc;

/// The `typ` of these tokens, and of no others.
const TYPE: &str = "partner-client+jwt";

/// Issues and verifies the tokens of partners that call. Holds keys, so it cannot be shown.
pub struct ClientTokens {
    signing: Arc<SigningKey>,
    /// All of them, the one that signs first.
    all: Box<[Arc<SigningKey>]>,
    /// What is published, and by what tokens are verified: all keys, also the one that signs next.
    jwks: Box<str>,
    keys: KeySet,
    lifetime_s: u64,
    clock_skew_s: u64,
    pub(super) checks: Checks,
}

/// A verified token of a partner.
#[derive(Debug)]
pub struct ClientToken {
    /// Whose it is.
    pub partner: PartnerName,
    /// Under which name its requests are counted.
    pub counted_as: Box<str>,
    /// `iss`: ours.
    pub issuer: Arc<str>,
    /// `client_id`, as configured.
    pub client_id: Box<str>,
    /// `scope`, taken apart.
    pub scopes: Vec<Stranger>,
    /// `jti`.
    pub token_id: Stranger,
    /// `exp`: the first second in which the token is no longer good.
    pub expires_at: UnixSeconds,
}

/// A token that was made and that nobody has yet.
pub struct Minted {
    /// The token.
    pub token: String,
    /// Its id.
    pub jti: String,
    /// For how many seconds it is good.
    pub lifetime_s: u64,
}

impl ClientTokens {
    /// The first key signs, all are published and taken.
    ///
    /// # Errors
    /// [`KeySetError`] where there is no key, or too many.
    pub fn new(keys: &[Arc<SigningKey>], lifetime_s: u64, clock_skew_s: u64) -> Result<Self, KeySetError> {
        let signing = keys.first().ok_or(KeySetError::NothingUsable)?;
        let all: Vec<&SigningKey> = keys.iter().map(AsRef::as_ref).collect();
        let jwks = jwks_json(&all);
        let verifying = KeySet::parse(jwks.as_bytes())?;
        let (signing, jwks, checks) = (Arc::clone(signing), jwks.into(), Checks::default());
        Ok(Self { signing, all: keys.into(), jwks, keys: verifying, lifetime_s, clock_skew_s, checks })
    }

    /// The keys, the one that signs first.
    pub fn keys(&self) -> impl Iterator<Item = &SigningKey> {
        self.all.iter().map(AsRef::as_ref)
    }

    /// The public keys (RFC 7517 §5).
    #[must_use]
    pub fn jwks(&self) -> &str {
        &self.jwks
    }

    /// Makes a token for a partner's client, of these scopes, bound to the certificate of the connection.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn mint(
        &self,
        known: &KnownPartner,
        client: &PartnerClient,
        scope: &str,
        now: UnixSeconds,
    ) -> Result<Minted, SignError> {
        let jti = encode_base64url(&crypto::random::<16>());
        let thumbprint = encode_base64url(known.peer().certificate().thumbprint.as_bytes());
        let time = |time: UnixSeconds| Number::try_from(time.get()).map_or(Value::Null, Value::Number);
        let claims = Object::from_iter([
            ("iss", Value::from(client.issuer())),
            ("aud", Value::from(client.issuer())),
            ("sub", Value::from(client.id())),
            ("client_id", Value::from(client.id())),
            ("scope", Value::from(scope)),
            ("jti", Value::from(jti.as_str())),
            ("iat", time(now)),
            ("exp", time(now.plus(self.lifetime_s))),
            ("cnf", Value::Object(Object::from_iter([("x5t#S256", Value::from(thumbprint))]))),
        ]);
        let mut payload = Vec::with_capacity(512);
        json::write(&Value::Object(claims), &mut payload);
        let token = self.signing.sign_jws(TYPE, &payload)?;
        Ok(Minted { token, jti, lifetime_s: self.lifetime_s })
    }

    /// The partner as a caller: by its token in `fields`, which must be `client`'s, name the certificate of the connection
    /// and have `scope`.
    ///
    /// # Errors
    /// The first [`IdentityFault`], in the order of this function.
    pub fn verify(
        &self,
        known: &KnownPartner,
        client: &PartnerClient,
        scope: &str,
        fields: &HeaderMap,
        now: UnixSeconds,
    ) -> Result<Caller, IdentityFault> {
        let checks = self.checks;
        let (scheme, token) = presented(fields, checks)?;
        checks.demand(Check::SchemeOfBinding, scheme == Scheme::Bearer)?;
        let jws = split(token)?;
        let header = Header::read_as(jws.header(), &[Some(TYPE)], checks)?;
        let claims = Claims::read(jws.payload())?;
        let issuer = claims.issuer.as_deref().ok_or(IdentityFault::ClaimMissing)?;
        checks.demand(Check::IssuerOfClient, issuer == client.issuer())?;
        let key = header.key_of(&self.keys, checks)?;
        checks.demand(Check::Signature, key.verify(&jws).is_ok())?;
        // We issued it: only a clock of ours that was set back shows it in the future.
        let may = MayLive { max_s: self.lifetime_s, ahead_s: self.clock_skew_s };
        let (_, expires_at) = claims.in_time(may, checks, now)?;
        checks.demand(Check::Audience, claims.audience.iter().any(|audience| **audience == *client.issuer()))?;
        checks.demand(Check::AudienceAlone, claims.audience.len() <= 1)?;
        self.is_bound(claims.binding, known.peer())?;
        // A certificate that two partners share would be the configuration's fault; a token is one client's all the same.
        let is_client = |name: Option<&str>| name == Some(client.id());
        checks.demand(Check::SubjectIsClient, is_client(claims.subject.as_deref()))?;
        checks.demand(Check::ClientIsClient, is_client(claims.client_id.as_deref()))?;
        let scopes = claims.scopes()?;
        checks.demand(Check::Scope, scopes.iter().any(|known| known.expose() == scope))?;
        checks.demand(Check::TokenId, claims.token_id.is_some())?;
        let token_id = Stranger::new(claims.token_id.unwrap_or_default());
        let token = ClientToken {
            partner: known.name().clone(),
            counted_as: KnownPartner::counted_as(known.name()),
            issuer: client.issuer().into(),
            client_id: client.id().into(),
            scopes,
            token_id,
            expires_at,
        };
        Ok(Caller::of_client(known.peer().clone(), token))
    }

    /// To the certificate alone: whatever else it is bound to would go unproven.
    fn is_bound(&self, binding: Option<Binding>, peer: &Peer) -> Result<(), IdentityFault> {
        let checks = self.checks;
        checks.demand(Check::Bound, binding.is_some())?;
        let Binding { certificate, key, other } = binding.unwrap_or_default();
        checks.demand(Check::BoundToCertificateAlone, certificate.is_some() && key.is_none() && !other)?;
        let peers = peer.certificate().thumbprint;
        let same = certificate.is_none_or(|bound| constant_time_eq(bound.as_bytes(), peers.as_bytes()));
        checks.demand(Check::BoundToPeer, same)
    }
}

impl fmt::Debug for ClientTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientTokens {{ {}, {} s }}", self.signing.kid(), self.lifetime_s)
    }
}

impl fmt::Debug for Minted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Minted {{ {}, {} s }}", self.jti, self.lifetime_s)
    }
}
