//! The checks of whatever is verified here, each by name with the fault that it finds: tokens and proofs of the backend's
//! callers, tokens and assertions of partners that call, tokens that are exchanged.
//!
//! They are a list so that a test can leave out one at a time and see that something gets in that must not: a check that
//! nothing depends on is no check. The product always asks all of them; only under `cfg(test)` is there something to skip,
//! and only there is it remembered which were asked.

use crate::identity::fault::IdentityFault;
#[cfg(test)]
use std::cell::RefCell;
#[cfg(test)]
use std::collections::BTreeSet;
#[cfg(test)]
use std::fmt::Debug;
#[cfg(not(test))]
use std::marker::PhantomData;

/// Declares the checks once: variant and fault.
macro_rules! checks {
    ($($(#[$doc:meta])* $variant:ident => $fault:ident,)+) => {
        /// One check of a peer, a token, a proof or an assertion.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub(super) enum Check {
            $($(#[$doc])* $variant,)+
        }

        impl Check {
            /// All checks, in the order in which they are declared.
            #[cfg(test)]
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// What it finds.
            pub(super) const fn fault(self) -> IdentityFault {
                match self { $(Self::$variant => IdentityFault::$fault,)+ }
            }
        }
    };
}

checks! {
    /// The peer's certificate is within its validity, revoked by no list, and trusted by the listener now.
    PeerStands => PeerNotValidNow,
    /// There is one `Authorization` field.
    OneAuthorization => AuthorizationRepeated,
    /// The field's scheme is `Bearer` or `DPoP`.
    Scheme => Scheme,
    /// The header has no member but `alg`, `kid` and `typ`.
    HeaderMembers => Header,
    /// The header's `typ` is that of the tokens that are taken there.
    Type => Type,
    /// A token of the type `JWT`, or one that its issuer tells, is nothing else that issuers make.
    NoOtherToken => Type,
    /// What an issuer told, it told of this token.
    ToldOfToken => NotTold,
    /// The issuer says that the token is active.
    Active => Inactive,
    /// The issuer that is asked speaks of its own tokens.
    ToldIssuer => IssuerUnknown,
    /// The issuer says that the token is of a type that comes as it came, where it says of which.
    ToldScheme => Scheme,
    /// The issuer says that the token is of a type that there is here, where it says of which.
    ToldType => Type,
    /// The key is one of the issuer whom the token names, not of another.
    KeyOfIssuer => KeyUnknown,
    /// The header's `alg` is the key's.
    AlgorithmOfKey => Algorithm,
    /// The key's algorithm is one that the issuer may use.
    AlgorithmAllowed => Algorithm,
    /// The signature fits.
    Signature => Signature,
    /// `exp` lies after `iat`.
    LifetimePositive => LifetimeTooLong,
    /// From `iat` to `exp` it is no longer than it may be.
    LifetimeMaximum => LifetimeTooLong,
    /// `iat` is not in the future.
    IssuedInPast => IssuedInFuture,
    /// `auth_time`, if there is one, is not in the future: it would look fresh for ever.
    AuthenticatedInPast => IssuedInFuture,
    /// `nbf` is reached.
    NotBefore => NotYetValid,
    /// `exp` is not reached.
    NotExpired => Expired,
    /// `aud` is ours or holds it.
    Audience => Audience,
    /// `aud` names nobody but us, where it must not.
    AudienceAlone => Audience,
    /// There is a `cnf`.
    Bound => Unbound,
    /// `cnf` demands nothing that would go unproven.
    BoundByKnownMeans => BindingUnsupported,
    /// `cnf` names nothing by which the issuer's tokens may not be bound.
    BindingAllowed => BindingNotAllowed,
    /// `cnf` names this peer's certificate, where it names one.
    BoundToPeer => BoundToAnother,
    /// `cnf` of a partner's token names a certificate, and nothing besides.
    BoundToCertificateAlone => BoundToAnother,
    /// A token that is bound to a key comes under the scheme `DPoP`, any other one under `Bearer`.
    SchemeOfBinding => Scheme,
    /// Beside the scheme `Bearer` there is no proof.
    NoIdleProof => ProofUnasked,
    /// `cnf` names the key of the proof, where it names one.
    BoundToKey => BoundToAnotherKey,
    /// There is one `DPoP` field.
    OneProof => ProofRepeated,
    /// The proof's header has no member but `typ`, `alg` and `jwk`.
    ProofHeaderMembers => ProofHeader,
    /// The proof's `typ` is that of proofs.
    ProofType => ProofHeader,
    /// The proof's key has no private part, nor anything that is unknown.
    ProofKeyPublic => ProofKey,
    /// The proof's key says nothing against verifying with this algorithm.
    ProofKeyPurpose => ProofKey,
    /// The proof is signed by the key that it brings.
    ProofSignature => ProofSignature,
    /// `htm` is the request's method.
    ProofMethod => ProofElsewhere,
    /// `htu` is the request's URL.
    ProofTarget => ProofElsewhere,
    /// `ath` is that of the token.
    ProofToken => ProofOfAnotherToken,
    /// The proof's `iat` is not in the future.
    ProofInPast => ProofInFuture,
    /// The proof's `iat` is not too long ago.
    ProofNotOld => ProofTooOld,
    /// The proof's `nbf` is reached.
    ProofNotBefore => ProofInFuture,
    /// The proof's `exp` is not reached.
    ProofNotExpired => ProofTooOld,
    /// What moves something takes session tokens.
    SessionKind => SessionRequired,
    /// A session token is brought by the backend that it was issued to.
    ActorIsPeer => ActorOther,
    /// The subject of an exchange is no session token.
    SubjectIsSignIn => NoSubject,
    /// Nobody acts by the subject token yet.
    NobodyActsYet => NoSubject,
    /// Every audience of the subject token is one of the actor's.
    AudienceOfActor => ActorRefused,
    /// The subject token was issued to one of the actor's apps.
    ClientOfActor => ActorRefused,
    /// The subject token lets this actor act, if it says who may.
    MayAct => ActorRefused,
    /// There is a `sub`.
    Subject => ClaimMissing,
    /// There is a `jti`.
    TokenId => ClaimMissing,
    /// There is a `client_id`.
    ClientId => ClaimMissing,
    /// There is what the issuer's tokens must have besides.
    Required => ClaimMissing,
    /// A partner's token is of the issuer that this partner gets its tokens from.
    IssuerOfClient => IssuerUnknown,
    /// `sub` of a partner's token is its client.
    SubjectIsClient => ClientUnknown,
    /// `client_id` of a partner's token is its client.
    ClientIsClient => ClientUnknown,
    /// A partner's token has the operation's scope.
    Scope => ScopeMissing,
    /// `iss` of an assertion is the client that asks.
    AssertedByClient => ClientUnknown,
    /// `sub` of an assertion is the client that asks.
    AssertedOfClient => ClientUnknown,
}

/// Which check of such a list is left out: none, but in the test that leaves each out in turn.
#[derive(Debug)]
pub(super) struct Checks<C = Check> {
    #[cfg(test)]
    pub(super) without: Option<C>,
    #[cfg(not(test))]
    of: PhantomData<C>,
}

impl Checks<Check> {
    /// Goes on if `holds`.
    ///
    /// # Errors
    /// The check's fault.
    pub(super) fn demand(self, check: Check, holds: bool) -> Result<(), IdentityFault> {
        if self.passes(check, holds) { Ok(()) } else { Err(check.fault()) }
    }
}

#[cfg(test)]
impl<C: Copy + Debug + PartialEq> Checks<C> {
    /// Whether it `holds`, or is left out.
    pub(super) fn passes(self, check: C, holds: bool) -> bool {
        // What is left out is asked all the same: `leaves_out` remembers it.
        let is_left_out = self.leaves_out(check);
        holds || is_left_out
    }

    pub(super) fn leaves_out(self, check: C) -> bool {
        ASKED.with_borrow_mut(|asked| asked.insert(format!("{check:?}")));
        self.without == Some(check)
    }
}

#[cfg(not(test))]
impl<C: Copy> Checks<C> {
    /// Whether it `holds`.
    #[expect(clippy::unused_self, reason = "the test's twin looks into it")]
    pub(super) const fn passes(self, _: C, holds: bool) -> bool {
        holds
    }

    #[expect(clippy::unused_self, reason = "the test's twin looks into it")]
    pub(super) const fn leaves_out(self, _: C) -> bool {
        false
    }
}

impl<C> Default for Checks<C> {
    fn default() -> Self {
        #[cfg(test)]
        let all = Self { without: None };
        #[cfg(not(test))]
        let all = Self { of: PhantomData };
        all
    }
}

impl<C: Copy> Clone for Checks<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C: Copy> Copy for Checks<C> {}

#[cfg(test)]
thread_local! {
    /// The names of the checks that this thread has asked.
    static ASKED: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// The names of the checks that this thread has asked since it was asked for them last.
#[cfg(test)]
pub(super) fn asked() -> BTreeSet<String> {
    ASKED.take()
}
