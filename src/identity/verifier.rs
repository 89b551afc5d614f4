//! The verifier: one straight function from a connection, an `Authorization` field and a proof to a [`Caller`].
//!
//! The order is that of trust: form, then whose key, then the signature, and only then what the claims say. The issuer is
//! read from the unverified payload, but only to choose among the issuers we know; each has keys of its own, so that no
//! issuer can speak for another.

use crate::clock::UnixSeconds;
use crate::crypto::Algorithm;
use crate::crypto::Distrust;
use crate::crypto::Jws;
use crate::crypto::JwsError;
use crate::crypto::KeySet;
use crate::crypto::constant_time_eq;
use crate::identity::asking::Evidence;
use crate::identity::caller::Caller;
use crate::identity::caller::Token;
use crate::identity::caller::TokenDemand;
use crate::identity::caller::TokenKind;
use crate::identity::checks::Check;
use crate::identity::checks::Checks;
use crate::identity::claims::Binding;
use crate::identity::claims::Claims;
use crate::identity::claims::issuer_of;
use crate::identity::fault::IdentityFault;
use crate::identity::header::Header;
use crate::identity::introspections::Introspections;
use crate::identity::issuer_seen::IssuerSeen;
use crate::identity::issuer_seen::VerifiedBy;
use crate::identity::peer::Peer;
use crate::identity::presented::Scheme;
use crate::identity::presented::presented;
use crate::identity::proof::DPOP;
use crate::identity::proof::Proof;
use crate::identity::remote_keys::RemoteKeys;
use crate::identity::settings::Bind;
use crate::identity::settings::IdentitySettings;
use crate::identity::settings::IssuerKeys;
use crate::identity::settings::IssuerSettings;
use crate::identity::settings::SettingsError;
use crate::identity::settings::TokenRules;
use crate::identity::times::MayLive;
use crate::identity::told::Told;
use crate::model::PublicUrl;
use crate::model::Sha256;
use crate::model::Stranger;
use crate::model::TenantId;
use arc_swap::ArcSwap;
use http::HeaderMap;
use http::Method;
use std::borrow::Cow;
use std::sync::Arc;

/// Makes callers; holds the issuers with their keys. Shared by all connections; of what it holds, only keys are exchanged.
#[derive(Debug)]
pub struct Verifier {
    issuers: Vec<Issuer>,
    /// Whether any of them has claims under names of its own.
    is_mapped: bool,
    pub(super) clock_skew_s: u64,
    pub(super) proof_age_s: u64,
    pub(super) public_url: PublicUrl,
    pub(super) checks: Checks,
}

#[derive(Debug)]
pub(super) struct Issuer {
    name: Arc<str>,
    keys: Keys,
    audience: String,
    algorithms: Vec<Algorithm>,
    max_lifetime_s: u64,
    bind: Vec<Bind>,
    pub(super) kind: TokenKind,
    rules: TokenRules,
}

/// A token that is one of an issuer's, and good now and for us.
pub(super) struct Good<'v, 't> {
    pub(super) issuer: &'v Issuer,
    pub(super) claims: Claims<'t>,
    issued_at: UnixSeconds,
    expires_at: UnixSeconds,
}

/// The parts of a token.
pub(super) fn split(token: &str) -> Result<Jws<'_>, IdentityFault> {
    Jws::split(token).map_err(malformed)
}

/// A text that has no parts of a token.
pub(super) const fn malformed(error: JwsError) -> IdentityFault {
    match error {
        JwsError::TooLong => IdentityFault::TokenTooLong,
        JwsError::Parts | JwsError::Encoding | JwsError::SignatureTooLong => IdentityFault::TokenMalformed,
    }
}

/// Where the keys in force are.
#[derive(Debug)]
enum Keys {
    /// Those of the settings, until others replace them.
    Known(ArcSwap<KeySet>),
    /// Those that came last, as long as they count.
    Remote(Arc<RemoteKeys>),
    /// There are none here: the issuer is asked what its tokens are.
    Asked(Arc<Introspections>),
}

impl Keys {
    fn in_force(&self, now: UnixSeconds) -> Option<Arc<KeySet>> {
        match self {
            Self::Known(keys) => Some(keys.load_full()),
            Self::Remote(keys) => keys.in_force(now),
            Self::Asked(_) => None,
        }
    }
}

impl Issuer {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn rules(&self) -> &TokenRules {
        &self.rules
    }
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
            let is_asked = matches!(settings.keys, IssuerKeys::Asked { .. });
            if is_asked && issuers.iter().any(|known| matches!(known.keys, Keys::Asked(_))) {
                return Err(SettingsError::AskedTwice(number));
            }
            if settings.algorithms.is_empty() && !is_asked {
                return Err(SettingsError::NoAlgorithm(number));
            }
            if settings.max_lifetime_s == 0 {
                return Err(SettingsError::NoLifetime(number));
            }
            if settings.bind.is_empty() {
                return Err(SettingsError::NoBinding(number));
            }
            if issuers.iter().any(|known| *known.name == *settings.issuer) {
                return Err(SettingsError::IssuerTwice(number));
            }
            let IssuerSettings { issuer, keys, audience, algorithms, max_lifetime_s, bind, kind, rules } = settings;
            let keys = match keys {
                IssuerKeys::Known(keys) => Keys::Known(ArcSwap::new(keys)),
                IssuerKeys::Remote { keep_s } => Keys::Remote(Arc::new(RemoteKeys::new(keep_s))),
                IssuerKeys::Asked { keep_s, timeout, asking_as } => {
                    Keys::Asked(Arc::new(Introspections::new(keep_s, timeout, asking_as)))
                }
            };
            let name = issuer.into();
            issuers.push(Issuer { name, keys, audience, algorithms, max_lifetime_s, bind, kind, rules });
        }
        let IdentitySettings { clock_skew_s, proof_age_s, public_url, .. } = settings;
        let is_mapped = issuers.iter().any(|issuer| !issuer.rules.mapping.is_empty());
        Ok(Self { issuers, is_mapped, clock_skew_s, proof_age_s, public_url, checks: Checks::default() })
    }

    /// Exchanges the keys of each issuer that `settings` names, for the requests that come after. Nothing else of the
    /// settings is taken; keys that an issuer publishes stay the ones that came.
    pub fn replace_keys(&self, settings: &IdentitySettings) {
        for fresh in &settings.issuers {
            let known = self.issuers.iter().find(|issuer| *issuer.name == *fresh.issuer).map(|issuer| &issuer.keys);
            match (known, &fresh.keys) {
                (Some(Keys::Known(keys)), IssuerKeys::Known(fresh)) => keys.store(Arc::clone(fresh)),
                (Some(Keys::Asked(asked)), IssuerKeys::Asked { asking_as, .. }) => asked.ask_as(Arc::clone(asking_as)),
                _ => {}
            }
        }
    }

    /// What whoever looks at the gateway at `now` is told of the issuers of sign-in tokens, in the order of the configuration.
    #[must_use]
    pub fn issuers_seen(&self, now: UnixSeconds) -> Vec<IssuerSeen> {
        let by = |issuer: &Issuer| match &issuer.keys {
            Keys::Known(keys) => VerifiedBy::File { keys: keys.load().kids().count() },
            Keys::Remote(keys) => VerifiedBy::Published(keys.seen(now)),
            Keys::Asked(introspections) => VerifiedBy::Asked(introspections.seen()),
        };
        let sign_in = self.issuers.iter().filter(|issuer| issuer.kind == TokenKind::SignIn);
        sign_in.map(|issuer| IssuerSeen { issuer: Arc::clone(&issuer.name), by: by(issuer) }).collect()
    }

    /// The keys of each issuer that publishes them, for the one who fetches.
    pub fn remote_keys(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<RemoteKeys>)> {
        self.issuers.iter().filter_map(|issuer| match &issuer.keys {
            Keys::Remote(keys) => Some((&issuer.name, keys)),
            Keys::Known(_) | Keys::Asked(_) => None,
        })
    }

    /// The issuer that is asked what its tokens are, if there is one, for the one who asks.
    #[must_use]
    pub fn introspections(&self) -> Option<(&Arc<str>, &Arc<Introspections>)> {
        self.introspecting().map(|(issuer, introspections)| (&issuer.name, introspections))
    }

    pub(super) fn introspecting(&self) -> Option<(&Issuer, &Arc<Introspections>)> {
        self.issuers.iter().find_map(|issuer| match &issuer.keys {
            Keys::Asked(introspections) => Some((issuer, introspections)),
            Keys::Known(_) | Keys::Remote(_) => None,
        })
    }

    /// Whether an issuer publishes its keys and none of them are in force at `now`.
    #[must_use]
    pub fn misses_keys(&self, now: UnixSeconds) -> bool {
        self.remote_keys().any(|(_, keys)| keys.in_force(now).is_none())
    }

    /// Verifies the token in `fields` for this peer and, where it is bound to a key, the proof beside it for a request of
    /// `method` to `path` (as it came, without query). With `told` goes what its issuer says of it, where that one was asked
    /// ([`Self::told`]).
    ///
    /// # Errors
    /// The first [`IdentityFault`], in the order of this file.
    #[expect(clippy::too_many_arguments, reason = "each is one of the things that are held against one another here")]
    pub fn verify(
        &self,
        peer: &Peer,
        fields: &HeaderMap,
        method: &Method,
        path: &str,
        demand: TokenDemand,
        told: Option<&Told>,
        now: UnixSeconds,
    ) -> Result<Caller, IdentityFault> {
        let checks = self.checks;
        self.standing(peer, now)?;
        let (scheme, presented) = self.presented(fields)?;
        let evidence = self.evidence(presented, told)?;
        let good = self.good(&evidence, now)?;
        checks.demand(Check::ToldScheme, evidence.is_under(scheme))?;
        let (issuer, claims) = (good.issuer, &good.claims);
        let key = self.bound_to(issuer, peer, claims)?;
        let asks = if key.is_some() { Scheme::Dpop } else { Scheme::Bearer };
        checks.demand(Check::SchemeOfBinding, scheme == asks)?;
        checks.demand(Check::NoIdleProof, scheme == Scheme::Dpop || !fields.contains_key(DPOP))?;
        let is_session = issuer.kind == TokenKind::Session;
        let is_peers = !is_session || claims.actor.as_ref().is_some_and(|act| act.is(peer.name()));
        let token = self.token(good)?;
        checks.demand(Check::SessionKind, is_session || demand != TokenDemand::Session)?;
        let proof = key.map(|key| self.possessed(key, self.prove_at(fields, method, path, Some(presented), now)?));
        let proof = proof.transpose()?;
        checks.demand(Check::ActorIsPeer, is_peers)?;
        Ok(Caller::new(peer.clone(), Some(token), proof))
    }

    /// A token that is one of an issuer's, and good now and for us. By whom it may be brought is not asked here.
    pub(super) fn good<'t>(&self, evidence: &'t Evidence<'_>, now: UnixSeconds) -> Result<Good<'_, 't>, IdentityFault> {
        let (issuer, claims) = match evidence {
            Evidence::Signed(jws) => {
                let header = Header::read(jws.header(), self.checks)?;
                let claims = self.claims(jws.payload())?;
                (self.signed_by(jws, &header, &claims, now)?, claims)
            }
            Evidence::Told(told) => self.told_by(told)?,
        };
        let ahead_s = issuer.rules.clock_skew_s.unwrap_or(self.clock_skew_s);
        let may = MayLive { max_s: issuer.max_lifetime_s, ahead_s };
        let (issued_at, expires_at) = claims.in_time(may, self.checks, now)?;
        let ours = claims.audience.iter().any(|audience| *audience == *issuer.audience);
        self.checks.demand(Check::Audience, ours)?;
        let has_all = issuer.rules.required.iter().all(|claim| claims.has(*claim));
        self.checks.demand(Check::Required, has_all)?;
        Ok(Good { issuer, claims, issued_at, expires_at })
    }

    /// What is kept of a token, if it has all that it must have.
    pub(super) fn token(&self, good: Good<'_, '_>) -> Result<Token, IdentityFault> {
        let Good { issuer, claims, issued_at, expires_at } = good;
        let scopes = claims.scopes()?;
        let tenant = claims.tenant.map(|tenant| TenantId::new(&tenant)).transpose();
        Ok(Token {
            kind: issuer.kind,
            issuer: Arc::clone(&issuer.name),
            subject: self.required(Check::Subject, claims.subject)?,
            tenant: tenant.map_err(|_| IdentityFault::ClaimInvalid)?,
            device: claims.device.map(Stranger::new),
            car: claims.car.map(Stranger::new),
            session: claims.session.map(Stranger::new),
            token_id: self.required(Check::TokenId, claims.token_id)?,
            client_id: self.required(Check::ClientId, claims.client_id)?,
            authorized_party: claims.authorized_party.map(Stranger::new),
            actor: claims.actor.and_then(|actor| actor.subject).map(Stranger::new),
            roles: claims.roles.into_iter().map(Stranger::new).collect(),
            scopes,
            acr: claims.acr.map(Stranger::new),
            amr: claims.amr.into_iter().map(Stranger::new).collect(),
            auth_time: claims.auth_time,
            rights: claims.rights,
            houses: claims.houses.into_iter().map(Stranger::new).collect(),
            issued_at,
            expires_at,
        })
    }

    /// A caller by its certificate alone, for the gateway's own paths (`/-/`).
    ///
    /// # Errors
    /// [`IdentityFault::PeerNotValidNow`], [`IdentityFault::PeerRevoked`], [`IdentityFault::PeerUntrusted`].
    pub fn peer_only(&self, peer: &Peer, now: UnixSeconds) -> Result<Caller, IdentityFault> {
        self.standing(peer, now)?;
        Ok(Caller::new(peer.clone(), None, None))
    }

    /// The issuer, if one of its keys signed the token with its own algorithm.
    fn signed_by(
        &self,
        jws: &Jws<'_>,
        header: &Header<'_>,
        claims: &Claims<'_>,
        now: UnixSeconds,
    ) -> Result<&Issuer, IdentityFault> {
        let name = claims.issuer.as_ref().ok_or(IdentityFault::ClaimMissing)?;
        let issuer = self.issuers.iter().find(|issuer| *issuer.name == **name).ok_or(IdentityFault::IssuerUnknown)?;
        let keys = self.keys(issuer, &header.key, now).ok_or(IdentityFault::KeysMissing)?;
        let key = header.key_of(&keys, self.checks)?;
        self.checks.demand(Check::AlgorithmAllowed, issuer.algorithms.contains(&key.algorithm()))?;
        self.checks.demand(Check::Signature, key.verify(jws).is_ok())?;
        // What tells an access token from all else that an issuer signs is its type. Where that is `JWT`, what other tokens
        // say of themselves must be missing (RFC 9068 §4, RFC 8725 §3.11 and §3.12).
        let takes = if header.is_plain { issuer.rules.takes_plain } else { issuer.rules.takes_typed };
        self.checks.demand(Check::Type, takes)?;
        self.checks.demand(Check::NoOtherToken, !header.is_plain || !claims.is_marked)?;
        Ok(issuer)
    }

    /// The claims, by our names. Which issuer it is that has them elsewhere is read first, where there is one at all.
    fn claims<'t>(&self, payload: &'t [u8]) -> Result<Claims<'t>, IdentityFault> {
        if !self.is_mapped {
            return Claims::read(payload);
        }
        let name = issuer_of(payload)?;
        match self.issuers.iter().find(|issuer| name.as_deref() == Some(&*issuer.name)) {
            Some(issuer) => Claims::read_by(payload, &issuer.rules.mapping),
            None => Claims::read(payload),
        }
    }

    /// The issuer's keys in force. Nobody else's: an issuer speaks for itself alone.
    fn keys(&self, issuer: &Issuer, kid: &str, now: UnixSeconds) -> Option<Arc<KeySet>> {
        if self.checks.leaves_out(Check::KeyOfIssuer) {
            let all = self.issuers.iter().filter_map(|other| other.keys.in_force(now));
            let anybodys = all.into_iter().find(|keys| keys.key(kid).is_some());
            if anybodys.is_some() {
                return anybodys;
            }
        }
        issuer.keys.in_force(now)
    }

    /// A connection may outlive the certificate that opened it, and the trust in it.
    pub(super) fn standing(&self, peer: &Peer, now: UnixSeconds) -> Result<(), IdentityFault> {
        let stands = peer.standing().check(now);
        if self.checks.passes(Check::PeerStands, stands.is_ok()) {
            return Ok(());
        }
        Err(match stands {
            Err(Distrust::Revoked) => IdentityFault::PeerRevoked,
            Err(Distrust::Untrusted) => IdentityFault::PeerUntrusted,
            Err(Distrust::OutOfTime) | Ok(()) => Check::PeerStands.fault(),
        })
    }

    /// Scheme and token of the one `Authorization` field.
    pub(super) fn presented<'f>(&self, fields: &'f HeaderMap) -> Result<(Scheme, &'f str), IdentityFault> {
        presented(fields, self.checks)
    }

    /// The key to which the token is bound, if it is bound to one. It must be bound to something, by no means but those of
    /// its issuer, and be this peer's if it names a certificate (RFC 8705 §3): all that it names must hold.
    pub(super) fn bound_to(
        &self,
        issuer: &Issuer,
        peer: &Peer,
        claims: &Claims<'_>,
    ) -> Result<Option<Sha256>, IdentityFault> {
        let checks = self.checks;
        let Binding { certificate, key, other } = claims.binding.unwrap_or_default();
        checks.demand(Check::Bound, other || certificate.is_some() || key.is_some())?;
        checks.demand(Check::BoundByKnownMeans, !other)?;
        let may = |bind, is_bound_so: bool| !is_bound_so || issuer.bind.contains(&bind);
        let allowed = may(Bind::Mtls, certificate.is_some()) && may(Bind::Dpop, key.is_some());
        checks.demand(Check::BindingAllowed, allowed)?;
        let peers = peer.certificate().thumbprint;
        let same = certificate.is_none_or(|bound| constant_time_eq(bound.as_bytes(), peers.as_bytes()));
        checks.demand(Check::BoundToPeer, same)?;
        Ok(key)
    }

    /// The proof, if it is one of the key to which the token is bound (RFC 9449 §6.1).
    fn possessed(&self, key: Sha256, proof: Proof) -> Result<Proof, IdentityFault> {
        let same = constant_time_eq(key.as_bytes(), proof.key().as_bytes());
        self.checks.demand(Check::BoundToKey, same)?;
        Ok(proof)
    }

    fn required(&self, check: Check, claim: Option<Cow<'_, str>>) -> Result<Stranger, IdentityFault> {
        self.checks.demand(check, claim.is_some())?;
        Ok(claim.map_or_else(|| Stranger::new(""), Stranger::new))
    }
}
