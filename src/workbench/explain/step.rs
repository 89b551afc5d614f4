//! At which step of the way an exchange ended, told by its reason.

use crate::model::Reason;

/// A step of the ways through the house, as `docs/architecture.md` tells them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WayStep {
    /// Connection, head and framing.
    Listener,
    /// The request's head against the contract.
    Declare,
    /// Who asks.
    Identity,
    /// Revocations, rates, age, keys.
    Guard,
    /// The body against the contract, and identifiers against the token.
    Rebuild,
    /// Where the thing stands, and which partner acts there.
    Place,
    /// The policies.
    Policy,
    /// Protection of fields.
    Protect,
    /// The record before anything leaves.
    Record,
    /// The gateway's own paths: revocations, the directory, receipts.
    Own,
    /// Once more, just before the first byte leaves; and the partner.
    Partner,
    /// The partner's answer.
    Answer,
    /// It came to its end.
    Done,
}

impl WayStep {
    /// The step's number on the way, and its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listener => "step 1, listener",
            Self::Declare => "step 2, contract (head)",
            Self::Identity => "step 3, identity",
            Self::Guard => "step 4, guard",
            Self::Rebuild => "step 5, contract (body)",
            Self::Place => "step 5, directory",
            Self::Policy => "step 5, policy",
            Self::Protect => "step 6, protection",
            Self::Record => "step 7, record",
            Self::Own => "the gateway's own paths",
            Self::Partner => "step 8, partner",
            Self::Answer => "step 9, the partner's answer",
            Self::Done => "step 10, the end",
        }
    }

    /// Where an exchange with this reason ended.
    #[must_use]
    pub const fn of(reason: Reason) -> Self {
        match reason {
            Reason::Done => Self::Done,
            Reason::MalformedHead
            | Reason::UnknownAuthority
            | Reason::BodyTimeout
            | Reason::BodyIncomplete
            | Reason::Overloaded
            | Reason::Internal => Self::Listener,
            Reason::RefusedField
            | Reason::UnknownOperation
            | Reason::MethodNotDeclared
            | Reason::PathInvalid
            | Reason::QueryInvalid
            | Reason::HeaderInvalid
            | Reason::MediaTypeNotDeclared => Self::Declare,
            Reason::BodyTooLarge | Reason::BodyMalformed | Reason::BodyInvalid | Reason::IdentifierMismatch => {
                Self::Rebuild
            }
            Reason::PeerRefused
            | Reason::PeerRevoked
            | Reason::PeerUntrusted
            | Reason::EventUnsigned
            | Reason::EventSignature
            | Reason::EventNotTimely
            | Reason::TokenMissing
            | Reason::TokenMalformed
            | Reason::TokenUntrusted
            | Reason::IssuerUnavailable
            | Reason::IntrospectionUnavailable
            | Reason::TokenInactive
            | Reason::TokenSignature
            | Reason::TokenExpired
            | Reason::TokenAudience
            | Reason::TokenBinding
            | Reason::ActorMismatch
            | Reason::CnfMismatch
            | Reason::DpopMissing
            | Reason::DpopProofInvalid
            | Reason::DpopNotTimely
            | Reason::ClientRefused
            | Reason::ScopeMissing
            | Reason::SessionRequired => Self::Identity,
            Reason::EventIdReused
            | Reason::StepUpNeeded
            | Reason::RatePeer
            | Reason::RateSubject
            | Reason::RateDevice
            | Reason::RateObject
            | Reason::RateTenant
            | Reason::RateRevocations
            | Reason::RateAnswers
            | Reason::RateEvents
            | Reason::RateActs
            | Reason::RateFull
            | Reason::Revoked
            | Reason::CertificateRevoked
            | Reason::OperationRevoked
            | Reason::PartnerRevoked
            | Reason::TenantRevoked
            | Reason::CommandTimeInvalid
            | Reason::CommandTooOld
            | Reason::CommandFromFuture
            | Reason::Clock
            | Reason::DpopNonceNeeded
            | Reason::DpopReplay
            | Reason::DpopFull
            | Reason::IdempotencyKeyInvalid
            | Reason::IdempotencyKeyReused
            | Reason::IdempotencyInProgress
            | Reason::IdempotencyReplayed
            | Reason::AssertionReplayed
            | Reason::AssertionsFull
            | Reason::IdempotencyFull => Self::Guard,
            Reason::ResourceUnknown | Reason::PartnerNotLinked | Reason::DirectoryTooOld => Self::Place,
            // A right that is revoked is none: policies then deny for want of it.
            Reason::PolicyDenied | Reason::PolicyError | Reason::GrantRevoked => Self::Policy,
            Reason::ProtectionFailed => Self::Protect,
            Reason::NotRecordable => Self::Record,
            Reason::DirectoryUnsigned
            | Reason::DirectoryNotNewer
            | Reason::DirectoryOtherBase
            | Reason::DirectoryNotStored
            | Reason::NotQueued
            | Reason::OutboxFull
            | Reason::NotLasting
            | Reason::RevocationsFull
            | Reason::NameUnknown
            | Reason::RoleMissing
            | Reason::LiftNotInForce
            | Reason::LiftNotProposed
            | Reason::LiftSamePerson
            | Reason::LiftsFull
            | Reason::LiftNotStored
            | Reason::SubjectUnknown
            | Reason::EraseNotProposed
            | Reason::EraseSamePerson
            | Reason::ErasuresFull
            | Reason::EraseNotStored
            | Reason::TokenRequestInvalid
            | Reason::ScopeRefused
            | Reason::ExchangeRefused
            | Reason::ReceiptUnknown => Self::Own,
            Reason::Withdrawn
            | Reason::PartnerBusy
            | Reason::PartnerTokenUnavailable
            | Reason::PartnerUnreachable
            | Reason::BackendUnreachable
            | Reason::OutcomeUnknown => Self::Partner,
            Reason::AnswerUndeclared | Reason::PartnerRefused | Reason::BackendRefused => Self::Answer,
        }
    }
}
