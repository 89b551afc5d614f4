//! The verifier: one straight function from a connection and its `Authorization` field to a [`Caller`].
//!
//! The order is that of trust: form, then whose key, then the signature, and only then what the claims say. The issuer is
//! read from the unverified payload, but only to choose among the issuers we know; each has keys of its own, so that no
//! issuer can speak for another.

use crate::clock::UnixSeconds;
use crate::crypto::Jws;
use crate::crypto::JwsError;
use crate::crypto::constant_time_eq;
use crate::identity::caller::Caller;
use crate::identity::caller::Token;
use crate::identity::caller::TokenDemand;
use crate::identity::caller::TokenKind;
use crate::identity::claims::Binding;
use crate::identity::claims::Claims;
use crate::identity::fault::IdentityFault;
use crate::identity::header::Header;
use crate::identity::peer::Peer;
use crate::identity::settings::IdentitySettings;
use crate::identity::settings::IssuerSettings;
use crate::identity::settings::SettingsError;
use crate::model::Stranger;
use crate::model::TenantId;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use std::borrow::Cow;
use std::sync::Arc;

/// Makes callers; holds the issuers with their keys. Shared by all connections, never changed.
#[derive(Debug)]
pub struct Verifier {
    issuers: Vec<Issuer>,
    clock_skew_s: u64,
}

#[derive(Debug)]
struct Issuer {
    name: Arc<str>,
    settings: IssuerSettings,
}

impl Verifier {
    /// Takes the settings.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn new(settings: IdentitySettings) -> Result<Self, SettingsError> {
        let mut issuers: Vec<Issuer> = Vec::with_capacity(settings.issuers.len());
        for (index, settings) in settings.issuers.into_iter().enumerate() {
            let number = index + 1;
            if settings.issuer.is_empty() || settings.audience.is_empty() {
                return Err(SettingsError::Empty(number));
            }
            if settings.algorithms.is_empty() {
                return Err(SettingsError::NoAlgorithm(number));
            }
            if settings.max_lifetime_s == 0 {
                return Err(SettingsError::NoLifetime(number));
            }
            if issuers.iter().any(|known| *known.name == *settings.issuer) {
                return Err(SettingsError::IssuerTwice(number));
            }
            issuers.push(Issuer { name: settings.issuer.as_str().into(), settings });
        }
        Ok(Self { issuers, clock_skew_s: settings.clock_skew_s })
    }

    /// Verifies the token in `fields` for this peer.
    ///
    /// # Errors
    /// The first [`IdentityFault`], in the order of this file.
    pub fn verify(
        &self,
        peer: &Peer,
        fields: &HeaderMap,
        demand: TokenDemand,
        now: UnixSeconds,
    ) -> Result<Caller, IdentityFault> {
        valid_now(peer, now)?;
        let jws = Jws::split(bearer(fields)?).map_err(|error| match error {
            JwsError::TooLong => IdentityFault::TokenTooLong,
            JwsError::Parts | JwsError::Encoding | JwsError::SignatureLength => IdentityFault::TokenMalformed,
        })?;
        let header = Header::read(jws.header())?;
        let claims = Claims::read(jws.payload())?;
        let issuer = self.signed_by(&jws, &header, &claims)?;
        let (issued_at, expires_at) = self.in_time(issuer, &claims, now)?;
        if !claims.audience.iter().any(|audience| *audience == *issuer.settings.audience) {
            return Err(IdentityFault::Audience);
        }
        bound_to(peer, &claims)?;
        if demand == TokenDemand::Session && issuer.settings.kind != TokenKind::Session {
            return Err(IdentityFault::SessionRequired);
        }
        let scopes = claims.scopes()?;
        let tenant = claims.tenant.map(|tenant| TenantId::new(&tenant)).transpose();
        let token = Token {
            kind: issuer.settings.kind,
            issuer: Arc::clone(&issuer.name),
            subject: required(claims.subject)?,
            tenant: tenant.map_err(|_| IdentityFault::ClaimInvalid)?,
            device: claims.device.map(Stranger::new),
            car: claims.car.map(Stranger::new),
            session: claims.session.map(Stranger::new),
            token_id: required(claims.token_id)?,
            client_id: required(claims.client_id)?,
            roles: claims.roles.into_iter().map(Stranger::new).collect(),
            scopes,
            rights: claims.rights,
            issued_at,
            expires_at,
        };
        Ok(Caller::new(peer.clone(), Some(token)))
    }

    /// A caller by its certificate alone, for the gateway's own paths (`/-/`).
    ///
    /// # Errors
    /// [`IdentityFault::PeerNotValidNow`].
    pub fn peer_only(&self, peer: &Peer, now: UnixSeconds) -> Result<Caller, IdentityFault> {
        valid_now(peer, now)?;
        Ok(Caller::new(peer.clone(), None))
    }

    /// The issuer, if one of its keys signed the token with its own algorithm.
    fn signed_by(&self, jws: &Jws<'_>, header: &Header<'_>, claims: &Claims<'_>) -> Result<&Issuer, IdentityFault> {
        let name = claims.issuer.as_ref().ok_or(IdentityFault::ClaimMissing)?;
        let issuer = self.issuers.iter().find(|issuer| *issuer.name == **name).ok_or(IdentityFault::IssuerUnknown)?;
        let key = issuer.settings.keys.key(&header.key).ok_or(IdentityFault::KeyUnknown)?;
        let algorithm = key.algorithm();
        if !algorithm.is_called(&header.algorithm) || !issuer.settings.algorithms.contains(&algorithm) {
            return Err(IdentityFault::Algorithm);
        }
        key.verify(jws).map_err(|_| IdentityFault::Signature)?;
        Ok(issuer)
    }

    /// `iat` and `exp`, if the token is good now. Skew is granted towards the future only: what is expired stays so.
    fn in_time(
        &self,
        issuer: &Issuer,
        claims: &Claims<'_>,
        now: UnixSeconds,
    ) -> Result<(UnixSeconds, UnixSeconds), IdentityFault> {
        let issued_at = claims.issued_at.ok_or(IdentityFault::ClaimMissing)?;
        let expires_at = claims.expires_at.ok_or(IdentityFault::ClaimMissing)?;
        if expires_at <= issued_at || expires_at.since(issued_at) > issuer.settings.max_lifetime_s {
            return Err(IdentityFault::LifetimeTooLong);
        }
        let latest = now.plus(self.clock_skew_s);
        if issued_at > latest {
            return Err(IdentityFault::IssuedInFuture);
        }
        if claims.not_before.is_some_and(|not_before| not_before > latest) {
            return Err(IdentityFault::NotYetValid);
        }
        if now >= expires_at {
            return Err(IdentityFault::Expired);
        }
        Ok((issued_at, expires_at))
    }
}

/// A connection may outlive the certificate that opened it.
fn valid_now(peer: &Peer, now: UnixSeconds) -> Result<(), IdentityFault> {
    match peer.certificate().is_valid_at(now) {
        true => Ok(()),
        false => Err(IdentityFault::PeerNotValidNow),
    }
}

/// The token of the one `Authorization` field: `Bearer`, one space, and no other spelling (RFC 6750 §2.1).
fn bearer(fields: &HeaderMap) -> Result<&str, IdentityFault> {
    let mut given = fields.get_all(AUTHORIZATION).iter();
    let field = given.next().ok_or(IdentityFault::TokenMissing)?;
    if given.next().is_some() {
        return Err(IdentityFault::AuthorizationRepeated);
    }
    let text = field.to_str().map_err(|_| IdentityFault::Scheme)?;
    text.strip_prefix("Bearer ").ok_or(IdentityFault::Scheme)
}

/// Whether the token is bound to this peer's certificate, and to nothing else (RFC 8705 §3).
fn bound_to(peer: &Peer, claims: &Claims<'_>) -> Result<(), IdentityFault> {
    match claims.binding {
        None => Err(IdentityFault::Unbound),
        Some(Binding::Other) => Err(IdentityFault::BindingUnsupported),
        Some(Binding::Certificate(thumbprint)) => {
            match constant_time_eq(thumbprint.as_bytes(), peer.certificate().thumbprint.as_bytes()) {
                true => Ok(()),
                false => Err(IdentityFault::BoundToAnother),
            }
        }
    }
}

fn required(claim: Option<Cow<'_, str>>) -> Result<Stranger, IdentityFault> {
    claim.map(Stranger::new).ok_or(IdentityFault::ClaimMissing)
}
