//! Why nobody's request is taken further. Each fault is one check; none holds a value.

/// Why a peer or a token is refused.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum IdentityFault {
    /// The certificate names neither a URI nor a DNS name.
    #[error("certificate names nobody")]
    PeerNameless,
    /// The certificate names more than one URI, or no URI and more than one DNS name.
    #[error("certificate names more than one")]
    PeerAmbiguous,
    /// The certificate names somebody else than the partner whose authority was called.
    #[error("certificate is not that of the partner")]
    PeerOfAnother,
    /// The certificate is not valid yet, or no longer; a connection may outlive it.
    #[error("certificate is outside its validity")]
    PeerNotValidNow,
    /// A revocation list in force names the certificate, or an authority of its chain.
    #[error("certificate is revoked")]
    PeerRevoked,
    /// No authority that is in force now speaks for the certificate, or no revocation list in force does.
    #[error("certificate is trusted no longer")]
    PeerUntrusted,
    /// No `Authorization` field.
    #[error("there is no token")]
    TokenMissing,
    /// More than one `Authorization` field.
    #[error("there is more than one authorization field")]
    AuthorizationRepeated,
    /// The field is not `Bearer` or `DPoP`, one space and a token; or it is the one and the token is bound as for the other.
    #[error("authorization is not of the scheme of its token")]
    Scheme,
    /// The token is longer than 8 KiB.
    #[error("token is too long")]
    TokenTooLong,
    /// The token has not three parts of strict base64url.
    #[error("token is malformed")]
    TokenMalformed,
    /// The header is not strict JSON, or not an object of `alg`, `kid`, `typ` and nothing else.
    #[error("token header is not of alg, kid and typ")]
    Header,
    /// `typ` is neither `at+jwt` nor `application/at+jwt` (RFC 9068 §4).
    #[error("token is of another type")]
    Type,
    /// The payload is not a strict JSON object.
    #[error("claims are not strict JSON")]
    ClaimsMalformed,
    /// A claim that we read has the wrong type or form.
    #[error("claim has the wrong form")]
    ClaimInvalid,
    /// A required claim is not there.
    #[error("claim is missing")]
    ClaimMissing,
    /// The issuer is none of ours.
    #[error("issuer is unknown")]
    IssuerUnknown,
    /// The issuer publishes its keys at an address, and no set of them is in force: none came yet, or the last is too old.
    #[error("keys of the issuer are not known now")]
    KeysMissing,
    /// The token's issuer must be asked about it, and does not say what it is.
    #[error("the issuer does not say what the token is")]
    NotTold,
    /// The token's issuer was asked, and says that it is not active: never issued, expired or revoked there (RFC 7662 §2.2).
    #[error("token is not active, says its issuer")]
    Inactive,
    /// The issuer has no key of that id.
    #[error("key is unknown")]
    KeyUnknown,
    /// The header's algorithm is not the key's, or not one that the issuer may use.
    #[error("algorithm is not the key's")]
    Algorithm,
    /// The signature does not fit.
    #[error("signature does not fit")]
    Signature,
    /// The token is for somebody else.
    #[error("token is for another audience")]
    Audience,
    /// `exp` is reached.
    #[error("token is expired")]
    Expired,
    /// `nbf` is not reached.
    #[error("token is not valid yet")]
    NotYetValid,
    /// `iat` or `auth_time` lies in the future.
    #[error("token is issued in the future")]
    IssuedInFuture,
    /// From `iat` to `exp` it is longer than the issuer's tokens may live, or `exp` is not after `iat`.
    #[error("token lives too long")]
    LifetimeTooLong,
    /// There is no `cnf`, or nothing in it.
    #[error("token is not bound to a certificate or a key")]
    Unbound,
    /// `cnf` demands a proof that this gateway does not ask for, so that it would go unproven.
    #[error("token is bound in a way that is not supported")]
    BindingUnsupported,
    /// `cnf` names a certificate or a key, and the issuer's tokens may not be bound so.
    #[error("token is bound in a way that its issuer may not use")]
    BindingNotAllowed,
    /// The token is bound to another certificate.
    #[error("token is bound to another certificate")]
    BoundToAnother,
    /// The token is bound to another key than the proof's.
    #[error("token is bound to another key")]
    BoundToAnotherKey,
    /// The scheme is `DPoP` and there is no `DPoP` field.
    #[error("there is no proof")]
    ProofMissing,
    /// There is a `DPoP` field beside the scheme `Bearer`: whoever sent it expects it to be asked.
    #[error("there is a proof that nothing asks for")]
    ProofUnasked,
    /// More than one `DPoP` field.
    #[error("there is more than one proof")]
    ProofRepeated,
    /// The proof is longer than 4 KiB, or has not three parts of strict base64url.
    #[error("proof is malformed")]
    ProofMalformed,
    /// The proof's header is not strict JSON of exactly `typ`, which is `dpop+jwt`, `alg` and `jwk`.
    #[error("proof header is not of typ, alg and jwk")]
    ProofHeader,
    /// The proof's algorithm is none that we know: asymmetric ones alone.
    #[error("proof is signed by an algorithm that is not taken")]
    ProofAlgorithm,
    /// The proof's key is private, of another kind than its algorithm, for something else, or none.
    #[error("proof brings no public key of its algorithm")]
    ProofKey,
    /// The proof's payload is not strict JSON, or lacks `jti`, `htm`, `htu` or `iat`, or one of them has the wrong form.
    #[error("proof lacks a claim or has one of the wrong form")]
    ProofClaims,
    /// The proof is not signed by the key that it brings.
    #[error("proof is not signed by its key")]
    ProofSignature,
    /// The proof is for another method or URL.
    #[error("proof is for another request")]
    ProofElsewhere,
    /// The proof's `ath` is not that of the token, or is not there; or it is there and no token is.
    #[error("proof is not for this token")]
    ProofOfAnotherToken,
    /// The proof was made too long ago, or its `exp` is reached.
    #[error("proof is too old")]
    ProofTooOld,
    /// The proof is made in the future, or its `nbf` is not reached.
    #[error("proof is made in the future")]
    ProofInFuture,
    /// `authorization_details` has an entry of an unknown type, or with unknown members (RFC 9396 §5).
    #[error("authorization details are unknown or malformed")]
    RightUnknown,
    /// The client that asks is none of this partner's, or does not say how it proves itself.
    #[error("client is not the partner's")]
    ClientUnknown,
    /// The token has not the operation's scope.
    #[error("token has not the operation's scope")]
    ScopeMissing,
    /// A session token is brought by another backend than the one that it was issued to.
    #[error("session token was issued to another backend")]
    ActorOther,
    /// The subject of an exchange is a session token, or one by which somebody acts already.
    #[error("token cannot be exchanged")]
    NoSubject,
    /// The subject token is not one that this backend may exchange.
    #[error("token is not this backend's to exchange")]
    ActorRefused,
    /// The operation takes session tokens only.
    #[error("a session token is demanded")]
    SessionRequired,
}
