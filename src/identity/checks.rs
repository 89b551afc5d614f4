//! The checks of the verifier, each by name with the fault that it finds.
//!
//! They are a list so that a test can leave out one at a time and see that a token gets in that must not: a check that
//! nothing depends on is no check. The product always asks all of them; only under `cfg(test)` is there something to skip.

use crate::identity::fault::IdentityFault;

/// Declares the checks once: variant and fault.
macro_rules! checks {
    ($($(#[$doc:meta])* $variant:ident => $fault:ident,)+) => {
        /// One check of a peer, a token or a proof.
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
    /// The header's `typ` is that of access tokens.
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
    /// From `iat` to `exp` it is no longer than configured.
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
    /// There is a `cnf`.
    Bound => Unbound,
    /// `cnf` demands nothing that would go unproven.
    BoundByKnownMeans => BindingUnsupported,
    /// `cnf` names nothing by which the issuer's tokens may not be bound.
    BindingAllowed => BindingNotAllowed,
    /// `cnf` names this peer's certificate, where it names one.
    BoundToPeer => BoundToAnother,
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
}

/// Which check is left out: none, but in the test that leaves each out in turn.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Checks {
    #[cfg(test)]
    pub(super) without: Option<Check>,
}

impl Checks {
    /// Goes on if `holds`.
    ///
    /// # Errors
    /// The check's fault.
    pub(super) fn demand(self, check: Check, holds: bool) -> Result<(), IdentityFault> {
        match holds || self.leaves_out(check) {
            true => Ok(()),
            false => Err(check.fault()),
        }
    }

    #[cfg(test)]
    pub(super) fn leaves_out(self, check: Check) -> bool {
        self.without == Some(check)
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "the test's twin looks into it")]
    pub(super) const fn leaves_out(self, _: Check) -> bool {
        false
    }
}
