//! The one list of reason codes: why an exchange ended as it did, for records, metrics and problem documents.

/// Declares the reasons once: variant, code, and one line for the documentation.
macro_rules! reasons {
    ($($(#[doc = $says:literal])+ $variant:ident = $code:literal,)+) => {
        /// Why an exchange ended. Each code is stable: records and alerts refer to it.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Reason {
            $($(#[doc = $says])+ $variant,)+
        }

        impl Reason {
            /// All reasons, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable code, kebab-case.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// What it means, in one line, as the documentation says it.
            #[must_use]
            pub fn says(self) -> &'static str {
                match self { $(Self::$variant => concat!($($says),+).trim_start(),)+ }
            }
        }
    };
}

reasons! {
    /// Everything was allowed and the partner confirmed; an event is queued.
    Done = "done",
    /// The request head could not be read as strict HTTP.
    MalformedHead = "malformed-head",
    /// The authority is none of this listener's.
    UnknownAuthority = "unknown-authority",
    /// A field that is refused wherever it stands, for instance `Upgrade` or `X-Forwarded-For`.
    RefusedField = "refused-field",
    /// No operation of the contract has this path.
    UnknownOperation = "unknown-operation",
    /// The path is declared, this method is not.
    MethodNotDeclared = "method-not-declared",
    /// A path value does not fit its schema.
    PathInvalid = "path-invalid",
    /// The query holds something undeclared, or a value that does not fit its schema.
    QueryInvalid = "query-invalid",
    /// A declared header is missing or does not fit its schema.
    HeaderInvalid = "header-invalid",
    /// The media type is not the declared one.
    MediaTypeNotDeclared = "media-type-not-declared",
    /// The body is longer than the operation allows.
    BodyTooLarge = "body-too-large",
    /// The body did not come within its time.
    BodyTimeout = "body-timeout",
    /// The body broke off.
    BodyIncomplete = "body-incomplete",
    /// The body is not strict JSON.
    BodyMalformed = "body-malformed",
    /// The body does not fit its schema.
    BodyInvalid = "body-invalid",
    /// An identifier in the request is not the token's.
    IdentifierMismatch = "identifier-mismatch",
    /// The client certificate names no one whom this listener knows, or is no longer valid.
    PeerRefused = "peer-refused",
    /// A revocation list names the client certificate, or an authority of its chain.
    PeerRevoked = "peer-revoked",
    /// This listener no longer trusts the client certificate: its authority, or the list that would speak for it, is gone.
    PeerUntrusted = "peer-untrusted",
    /// An event lacks one of its webhook headers, has one twice, or one is malformed.
    EventUnsigned = "event-unsigned",
    /// No signature of the event fits any secret of the partner.
    EventSignature = "event-signature",
    /// The event was signed more than five minutes ago, or for later than in five minutes.
    EventNotTimely = "event-not-timely",
    /// The partner's id of the event was taken before, with another event.
    EventIdReused = "event-id-reused",
    /// There is no token.
    TokenMissing = "token-missing",
    /// The token is not a token: form, header, or claims of the wrong type.
    TokenMalformed = "token-malformed",
    /// The token's issuer or key is unknown here.
    TokenUntrusted = "token-untrusted",
    /// The keys of the token's issuer are not known now.
    IssuerUnavailable = "issuer-unavailable",
    /// The token's issuer must be asked about it, and does not say what it is.
    IntrospectionUnavailable = "introspection-unavailable",
    /// The token's issuer was asked, and says that it is not active.
    TokenInactive = "token-inactive",
    /// The token's signature is wrong.
    TokenSignature = "token-signature",
    /// The token is expired, not valid yet, or valid for too long.
    TokenExpired = "token-expired",
    /// The token is for somebody else.
    TokenAudience = "token-audience",
    /// The token is bound to another certificate, to nothing, or in a way that its issuer may not use.
    TokenBinding = "token-binding",
    /// The token is bound to another key than the one of the proof.
    CnfMismatch = "cnf-mismatch",
    /// The token is bound to a key, and there is no proof of it.
    DpopMissing = "dpop-missing",
    /// The proof is no proof: form, key or signature; it is for another request or token; or nothing asks for it.
    DpopProofInvalid = "dpop-proof-invalid",
    /// The proof was made too long ago, or in the future.
    DpopNotTimely = "dpop-not-timely",
    /// A request for a token is no form that the token endpoint takes.
    TokenRequestInvalid = "token-request-invalid",
    /// Who asks for a token, or brings one, is no client of this partner, or has not proved that it is.
    ClientRefused = "client-refused",
    /// The client assertion was used before, or may have been: it is older than this process.
    AssertionReplayed = "assertion-replayed",
    /// So many client assertions are remembered that no further one can be.
    AssertionsFull = "assertions-full",
    /// No scope was asked for, or one that the partner's contract does not declare.
    ScopeRefused = "scope-refused",
    /// The token has not the scope of the operation.
    ScopeMissing = "scope-missing",
    /// The session token was issued to another backend than the one that brings it.
    ActorMismatch = "actor-mismatch",
    /// The token is not one that this backend may exchange for a session, or more is asked for than it has.
    ExchangeRefused = "exchange-refused",
    /// The operation takes session tokens only.
    SessionRequired = "session-required",
    /// The user was not authenticated as the operation demands, or too long ago.
    StepUpNeeded = "step-up-needed",
    /// The peer sends more requests than it may.
    RatePeer = "rate-peer",
    /// The subject sends more requests than it may.
    RateSubject = "rate-subject",
    /// The device sends more requests than it may.
    RateDevice = "rate-device",
    /// More requests come about this object than may.
    RateObject = "rate-object",
    /// The tenant sends more requests than it may.
    RateTenant = "rate-tenant",
    /// The peer orders more revocations than it may.
    RateRevocations = "rate-revocations",
    /// The peer is told again what is on record already, or given tokens, more often than it may.
    RateAnswers = "rate-answers",
    /// The peer brings more events, or versions of the directory, than it may.
    RateEvents = "rate-events",
    /// The person acts on the gateway itself more often than one may.
    RateActs = "rate-acts",
    /// So many rates are kept that no further one can be.
    RateFull = "rate-full",
    /// Subject, device, session or token is revoked.
    Revoked = "revoked",
    /// The peer's certificate is revoked here.
    CertificateRevoked = "certificate-revoked",
    /// Policy denies, and a right of the token is revoked.
    GrantRevoked = "grant-revoked",
    /// The operation is stopped.
    OperationRevoked = "operation-revoked",
    /// The partner is stopped.
    PartnerRevoked = "partner-revoked",
    /// The tenant, or that of the thing, is stopped.
    TenantRevoked = "tenant-revoked",
    /// The command has no time, one that is no date, or another one than its proof.
    CommandTimeInvalid = "command-time-invalid",
    /// The command is older than its operation allows.
    CommandTooOld = "command-too-old",
    /// The command is dated in the future.
    CommandFromFuture = "command-from-future",
    /// The wall clock shows less than it has shown before, by more than clocks may differ.
    Clock = "clock",
    /// The proof must be made with the nonce that comes with the answer.
    DpopNonceNeeded = "dpop-nonce-needed",
    /// The proof was used before.
    DpopReplay = "dpop-replay",
    /// So many proofs are remembered that no further one can be.
    DpopFull = "dpop-full",
    /// The operation demands an idempotency key and there is none, or it is malformed.
    IdempotencyKeyInvalid = "idempotency-key-invalid",
    /// The same key was used with another body.
    IdempotencyKeyReused = "idempotency-key-reused",
    /// The first request with this key is still running.
    IdempotencyInProgress = "idempotency-in-progress",
    /// The first request with this key was answered; its answer is given again.
    IdempotencyReplayed = "idempotency-replayed",
    /// So many idempotency keys are remembered that no further one can be.
    IdempotencyFull = "idempotency-full",
    /// The directory does not know the thing.
    ResourceUnknown = "resource-unknown",
    /// The directory knows the thing, and links its house to other partners than the one that was asked.
    PartnerNotLinked = "partner-not-linked",
    /// The directory in force is older than `directory.max_age` allows where something moves.
    DirectoryTooOld = "directory-too-old",
    /// An update of the directory is signed by nobody: no signature, by no key of the backend, or over other bytes.
    DirectoryUnsigned = "directory-unsigned",
    /// An update of the directory is not newer than what is in force.
    DirectoryNotNewer = "directory-not-newer",
    /// An update of the directory changes another version than the one in force.
    DirectoryOtherBase = "directory-other-base",
    /// An update of the directory could not be stored, and is not in force.
    DirectoryNotStored = "directory-not-stored",
    /// A policy forbids it, or none permits it.
    PolicyDenied = "policy-denied",
    /// A policy could not be evaluated, which denies.
    PolicyError = "policy-error",
    /// A field cannot be protected as declared.
    ProtectionFailed = "protection-failed",
    /// The record could not be made durable, so nothing was sent.
    NotRecordable = "not-recordable",
    /// The event could not be put into the outbox durably, so it is not delivered.
    NotQueued = "not-queued",
    /// As many events wait for their delivery, or have died of it, as may.
    OutboxFull = "outbox-full",
    /// A revocation is in force on this node, but it could not be stored, or not be recorded.
    NotLasting = "not-lasting",
    /// Between the record and the first byte the exchange lost its permission: revoked, expired, too old, or a new bundle.
    Withdrawn = "withdrawn",
    /// As many commands are under way to the partner as may be; nothing was sent.
    PartnerBusy = "partner-busy",
    /// The partner's authorisation server gave no token for the command, or none that is used; nothing was sent.
    PartnerTokenUnavailable = "partner-token-unavailable",
    /// The partner could not be reached; nothing was sent.
    PartnerUnreachable = "partner-unreachable",
    /// The backend could not be reached; nothing was sent.
    BackendUnreachable = "backend-unreachable",
    /// The other side gave an answer that the contract does not declare.
    AnswerUndeclared = "answer-undeclared",
    /// The partner refused, as the contract declares that it may.
    PartnerRefused = "partner-refused",
    /// The backend refused, as the contract declares that it may.
    BackendRefused = "backend-refused",
    /// Bytes of the command left and no valid answer came.
    OutcomeUnknown = "outcome-unknown",
    /// So many revocations are in force, or wait to be stored, that no peer may add one.
    RevocationsFull = "revocations-full",
    /// A name in an order is no operation, partner or tenant that is known here.
    NameUnknown = "name-unknown",
    /// Who acts has not the role for it.
    RoleMissing = "role-missing",
    /// What is to be lifted is not revoked.
    LiftNotInForce = "lift-not-in-force",
    /// Nobody has proposed to lift this, or too long ago, or it was revoked again since.
    LiftNotProposed = "lift-not-proposed",
    /// The one who proposed to lift this confirms it.
    LiftSamePerson = "lift-same-person",
    /// As many proposals to lift something wait as may.
    LiftsFull = "lifts-full",
    /// The store did not take a lifting: what was to be lifted is still in force here.
    LiftNotStored = "lift-not-stored",
    /// Nobody of this kind, issuer and value stands in any record.
    SubjectUnknown = "subject-unknown",
    /// Nobody has proposed to erase this person, or too long ago.
    EraseNotProposed = "erase-not-proposed",
    /// The one who proposed to erase this person confirms it.
    EraseSamePerson = "erase-same-person",
    /// As many proposals to erase somebody wait as may.
    ErasuresFull = "erasures-full",
    /// The store did not erase a person, or not every trace of its row; it may have begun.
    EraseNotStored = "erase-not-stored",
    /// There is no receipt of this name, or it is another's.
    ReceiptUnknown = "receipt-unknown",
    /// All requests together hold as much memory as is allowed, or as many commands are under way.
    Overloaded = "overloaded",
    /// A fault of the gateway itself.
    Internal = "internal",
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_reasons_share_a_code() {
        let codes: HashSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
    }
}
