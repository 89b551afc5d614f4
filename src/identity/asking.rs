//! Which tokens their issuer is asked about, and asking: like newer keys (`renewal.rs`), what may be waited for before the
//! verifier, which waits for nothing.
//!
//! Asked about is what is no JWS but could be a token (RFC 6750 §2.1), and a JWS that names the issuer that is asked: its tokens are
//! never verified here. Nothing of that is verified, and it only chooses who is to say what the token is. With no such issuer
//! nothing is asked.
//!
//! What the issuer says goes through the checks of a token's own claims, one by one (`verifier.rs`); here stand only those that a
//! token's own claims do not need.

use crate::clock::UnixSeconds;
use crate::crypto::Jws;
use crate::crypto::JwsError;
use crate::crypto::encode_base64url;
use crate::crypto::sha256;
use crate::identity::checks::Check;
use crate::identity::claims::Claims;
use crate::identity::claims::issuer_of;
use crate::identity::fault::IdentityFault;
use crate::identity::peer::Peer;
use crate::identity::presented::Scheme;
use crate::identity::told::TokenType;
use crate::identity::told::Told;
use crate::identity::verifier::Issuer;
use crate::identity::verifier::Verifier;
use crate::identity::verifier::malformed;
use crate::model::is_b64token;
use http::HeaderMap;
use std::borrow::Cow;
use std::time::Duration;

/// What a token is taken at.
pub(super) enum Evidence<'t> {
    /// Its own word, once its signature is verified.
    Signed(Jws<'t>),
    /// What its issuer says of it.
    Told(&'t Told),
}

impl Evidence<'_> {
    /// Whether a token may come under that scheme as far as its issuer says.
    pub(super) fn is_under(&self, scheme: Scheme) -> bool {
        match self {
            Self::Signed(_) => true,
            Self::Told(told) => told.answer.token_type.is_under(scheme),
        }
    }
}

impl Verifier {
    /// Whether this token's issuer is asked about it. Reads what is not verified.
    #[must_use]
    pub fn asks_about(&self, token: &str) -> bool {
        self.own_word(token).is_ok_and(|own| own.is_none())
    }

    /// The parts of a token that speaks for itself; `None` of one about which its issuer is asked.
    fn own_word<'t>(&self, token: &'t str) -> Result<Option<Jws<'t>>, IdentityFault> {
        let jws = Jws::split(token);
        let is_asked_about = self.introspecting().is_some_and(|(issuer, _)| match &jws {
            Ok(jws) => issuer_of(jws.payload()).is_ok_and(|name| name.as_deref() == Some(issuer.name())),
            Err(JwsError::TooLong) => false,
            Err(JwsError::Parts | JwsError::Encoding | JwsError::SignatureTooLong) => is_b64token(token),
        });
        if is_asked_about { Ok(None) } else { jws.map(Some).map_err(malformed) }
    }

    /// What its issuer says of the token in `fields`, where that one is asked; waits for as long as the settings say. Nobody asks for a
    /// peer that is not trusted. `now` and `steady` are the times at which the request came.
    ///
    /// # Errors
    /// [`IdentityFault::NotTold`] where it does not say; the faults of the peer and of the field.
    pub async fn told(
        &self,
        peer: &Peer,
        fields: &HeaderMap,
        now: UnixSeconds,
        steady: Duration,
    ) -> Result<Option<Told>, IdentityFault> {
        if self.introspecting().is_none() {
            return Ok(None);
        }
        self.standing(peer, now)?;
        let (_, token) = self.presented(fields)?;
        self.told_of(token, steady).await
    }

    /// The same of a token that stands elsewhere, brought by a peer that is trusted.
    ///
    /// # Errors
    /// [`IdentityFault::NotTold`].
    pub async fn told_of(&self, token: &str, steady: Duration) -> Result<Option<Told>, IdentityFault> {
        match self.introspecting().filter(|_| self.asks_about(token)) {
            Some((_, introspections)) => {
                let answer = introspections.told(token, steady).await.map_err(|_| IdentityFault::NotTold)?;
                Ok(Some(Told { token: sha256(token.as_bytes()), answer }))
            }
            None => Ok(None),
        }
    }

    /// What `token` is taken at.
    pub(super) fn evidence<'t>(&self, token: &'t str, told: Option<&'t Told>) -> Result<Evidence<'t>, IdentityFault> {
        if let Some(jws) = self.own_word(token)? {
            return Ok(Evidence::Signed(jws));
        }
        let told = told.ok_or(IdentityFault::NotTold)?;
        self.checks.demand(Check::ToldOfToken, told.token == sha256(token.as_bytes()))?;
        Ok(Evidence::Told(told))
    }

    /// The issuer that was asked, and the claims that it told.
    pub(super) fn told_by<'t>(&self, told: &'t Told) -> Result<(&Issuer, Claims<'t>), IdentityFault> {
        let checks = self.checks;
        let (issuer, _) = self.introspecting().ok_or(IdentityFault::IssuerUnknown)?;
        checks.demand(Check::Active, told.answer.is_active)?;
        let mut claims = Claims::read_by(told.answer.text(), &issuer.rules().mapping)?;
        // It is asked about its own tokens, and need not say whose they are (RFC 7662 §2.2); it cannot speak for another.
        let is_its_own = claims.issuer.as_ref().is_none_or(|name| **name == *issuer.name());
        checks.demand(Check::ToldIssuer, is_its_own)?;
        checks.demand(Check::ToldType, told.answer.token_type != TokenType::Other)?;
        // No header says what it is: whatever says that it is something else is refused.
        checks.demand(Check::NoOtherToken, !claims.is_marked)?;
        // A token without an id has one all the same, by which it can be revoked here.
        claims.token_id.get_or_insert_with(|| Cow::Owned(encode_base64url(told.token.as_bytes())));
        Ok((issuer, claims))
    }
}
