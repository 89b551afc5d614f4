//! The subject of a token exchange (RFC 8693 §2.1): a user's own token, brought by a backend that may, together with a proof
//! of the app instance's key.
//!
//! The token is held to everything that the token of any request is held to, but for its sender: the backend brings it, and the
//! app instance has proven its key to the token endpoint. So a token that is bound to a key must be bound to the proven one; one
//! that is bound to a certificate must be bound to the peer's; and one that is bound to nothing is worth something here only
//! beside that proof. A key that is merely named is nobody's.
//!
//! A session token is no subject: what is short does not become longer. Nor is a token by which somebody else acts already.

use crate::clock::UnixSeconds;
use crate::crypto::constant_time_eq;
use crate::identity::caller::Caller;
use crate::identity::caller::Token;
use crate::identity::caller::TokenKind;
use crate::identity::checks::Check;
use crate::identity::claims::Claims;
use crate::identity::fault::IdentityFault;
use crate::identity::issue::ActorSettings;
use crate::identity::peer::Peer;
use crate::identity::proof::Proof;
use crate::identity::told::Told;
use crate::identity::verifier::Verifier;

/// Proof that a backend that may exchange it brings this user's token, for the app instance that holds the proven key; only
/// [`Verifier::subject`] makes one.
///
/// ```
/// use portcullis::{clock::UnixSeconds, identity::{ActorSettings, IdentityFault, Peer, Proof, Subject, Verifier}};
/// fn of(v: &Verifier, p: &Peer, a: &ActorSettings, t: &str, k: Proof, now: UnixSeconds) -> Result<Subject, IdentityFault> {
///     v.subject(p, a, t, None, k, now)
/// }
/// ```
/// A key that is only named is no proof of it:
/// ```compile_fail
/// use portcullis::{clock::UnixSeconds, identity::{ActorSettings, IdentityFault, Peer, Proof, Subject, Verifier}};
/// fn of(v: &Verifier, p: &Peer, a: &ActorSettings, t: &str, k: Proof, now: UnixSeconds) -> Result<Subject, IdentityFault> {
///     v.subject(p, a, t, None, k.key(), now)
/// }
/// ```
#[derive(Debug)]
#[must_use = "without this proof no session is issued"]
pub struct Subject {
    caller: Caller,
}

impl Verifier {
    /// Verifies the token that `peer`, which may exchange what `actor` says, brings as the subject of an exchange, for the
    /// holder of the proven key. With `told` goes what its issuer says of it, where that one was asked ([`Self::told_of`]).
    ///
    /// # Errors
    /// The first [`IdentityFault`], in the order of this function.
    pub fn subject(
        &self,
        peer: &Peer,
        actor: &ActorSettings,
        token: &str,
        told: Option<&Told>,
        proof: Proof,
        now: UnixSeconds,
    ) -> Result<Subject, IdentityFault> {
        let checks = self.checks;
        self.standing(peer, now)?;
        let evidence = self.evidence(token, told)?;
        let good = self.good(&evidence, now)?;
        checks.demand(Check::SubjectIsSignIn, good.issuer.kind == TokenKind::SignIn)?;
        if good.claims.binding.is_some() {
            let key = self.bound_to(good.issuer, peer, &good.claims)?;
            let same = key.is_none_or(|key| constant_time_eq(key.as_bytes(), proof.key().as_bytes()));
            checks.demand(Check::BoundToKey, same)?;
        }
        self.is_for(actor, &good.claims)?;
        let token = self.token(good)?;
        Ok(Subject { caller: Caller::new(peer.clone(), Some(token), Some(proof)) })
    }

    /// Whether this backend may exchange a token with these claims.
    fn is_for(&self, actor: &ActorSettings, claims: &Claims<'_>) -> Result<(), IdentityFault> {
        let checks = self.checks;
        let listed = |list: &[Box<str>], text: &str| list.iter().any(|known| **known == *text);
        let audiences = claims.audience.iter().all(|audience| listed(&actor.audiences, audience));
        checks.demand(Check::AudienceOfActor, audiences)?;
        let clients = [&claims.client_id, &claims.authorized_party];
        let clients = clients.into_iter().flatten().all(|client| listed(&actor.clients, client));
        checks.demand(Check::ClientOfActor, clients)?;
        checks.demand(Check::NobodyActsYet, claims.actor.is_none())?;
        let may = claims.may_act.as_ref().is_none_or(|may| may.is(&actor.peer));
        checks.demand(Check::MayAct, may)
    }
}

impl Subject {
    /// The user, by this token, through this backend, at the app instance that holds the proven key: of whom policy is asked.
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The proof of the app instance's key.
    #[must_use]
    pub const fn proof(&self) -> Option<&Proof> {
        self.caller.proof()
    }

    /// The user's token.
    #[must_use]
    pub const fn token(&self) -> Option<&Token> {
        self.caller.token()
    }
}
