//! The bridge: every fault of every room to its reason code and to what the caller is told. No fault is left to a default.
//!
//! Rooms name what went wrong and hold no values; strangers are told a kind of problem from a closed list. Where a
//! resource's id is in the path, "you may not" and "there is none" are the same answer; the record tells them apart.

use crate::audit::Decided;
use crate::audit::HandleFault;
use crate::contract::ContractFault;
use crate::contract::Operation;
use crate::directory::KeepFault;
use crate::directory::SignatureFault;
use crate::directory::UpdateFault;
use crate::guard::Admitted;
use crate::guard::GuardFault;
use crate::guard::RateFault;
use crate::guard::RateOf;
use crate::guard::Withdrawn;
use crate::identity::Caller;
use crate::identity::IdentityFault;
use crate::identity::IssueFault;
use crate::model::Direction;
use crate::model::Reason;
use crate::partner::PartnerFault;
use crate::partner::SendFault;
use crate::pipeline::port::BodyFault;
use crate::policy::Decision;
use crate::policy::PolicyFault;
use crate::problem::ChallengeError;
use crate::problem::OAuthError;
use crate::problem::Problem;
use crate::problem::ProblemType;
use crate::problem::Scheme;
use crate::problem::StepUp;
use crate::problem::WrongPlace;
use crate::protect::ProtectFault;
use crate::webhook::OutboxFault;
use crate::webhook::WebhookFault;
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// After how many seconds it is worth asking again where the clock is behind. By how much it is, strangers are not told.
const CLOCK_ASK_AGAIN_S: u64 = 30;

/// A way's early end: why, for the record, and what the caller is told.
#[derive(Debug)]
pub struct Refusal {
    /// For the record and the metrics.
    pub reason: Reason,
    /// For the caller.
    pub problem: Problem,
    /// What policy decided, for the record, where it came to that.
    pub decided: Option<Box<Decided>>,
    /// A word for the record, where the reason alone does not say it.
    pub detail: Option<&'static str>,
}

/// Why a door refuses a request before any way begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DoorFault {
    /// The head is not strict HTTP.
    #[error("the head is malformed")]
    Head,
    /// An upgrade is asked for.
    #[error("an upgrade is asked for")]
    Upgrade,
    /// The authority is none that is served, or is not the one of the TLS handshake.
    #[error("the authority is not served here")]
    Authority,
}

impl Refusal {
    /// A refusal with a problem of `kind`.
    #[must_use]
    pub fn new(reason: Reason, kind: ProblemType) -> Self {
        Self { reason, problem: Problem::from(kind), decided: None, detail: None }
    }

    /// A refusal at a token endpoint.
    #[must_use]
    pub fn of_token(reason: Reason, error: OAuthError) -> Self {
        Self::new(reason, ProblemType::InvalidRequest).in_oauth(error)
    }

    /// The same, told in the words of a token endpoint.
    #[must_use]
    pub fn in_oauth(mut self, error: OAuthError) -> Self {
        self.problem.oauth = Some(error);
        self
    }

    /// The same, of what policy had permitted by then.
    #[must_use]
    pub fn after_permit(mut self, decision: &Decision) -> Self {
        self.decided = Some(Box::new(by_permit(decision)));
        self
    }

    /// The same, with what policy had decided by then. About a thing that the directory does not know it was asked all the same,
    /// so that it takes the same work; what it read is left out then, since it names what nobody here knows.
    #[must_use]
    pub fn after_decision(mut self, decision: Result<&Decision, &PolicyFault>) -> Self {
        let mut by_then = match decision {
            Ok(permit) => by_permit(permit),
            Err(fault) => decided(fault.decision()),
        };
        if self.reason == Reason::ResourceUnknown {
            by_then.inputs.clear();
        }
        self.decided = Some(Box::new(by_then));
        self
    }

    /// The same, with what a challenge says of the fault, where the answer is one.
    #[must_use]
    pub const fn telling(mut self, error: Option<ChallengeError>) -> Self {
        self.problem.challenge.error = error;
        self
    }

    /// The same, of a token that came in these fields: what a challenge says is said of the scheme that was used.
    #[must_use]
    pub fn of_token_in(mut self, fields: &HeaderMap) -> Self {
        let used =
            fields.get(AUTHORIZATION).and_then(|field| field.to_str().ok()).and_then(|text| text.split_once(' '));
        self.problem.challenge.scheme = match used {
            Some(("Bearer", _)) => Some(Scheme::Bearer),
            Some(("DPoP", _)) => Some(Scheme::Dpop),
            Some(_) | None => None,
        };
        self
    }

    /// Nothing moves, and no token is given out, while the clock shows less than it has shown.
    #[must_use]
    pub fn clock_behind() -> Self {
        Self::new(Reason::Clock, ProblemType::Unavailable).after(CLOCK_ASK_AGAIN_S)
    }

    /// The same, with the seconds after which it is worth asking again.
    #[must_use]
    pub fn after(mut self, seconds: u64) -> Self {
        self.problem.retry_after_s = Some(seconds);
        self
    }
}

impl From<DoorFault> for Refusal {
    fn from(fault: DoorFault) -> Self {
        match fault {
            DoorFault::Head => Self::new(Reason::MalformedHead, ProblemType::BadRequest),
            DoorFault::Upgrade => Self::new(Reason::RefusedField, ProblemType::BadRequest),
            DoorFault::Authority => Self::new(Reason::UnknownAuthority, ProblemType::Misdirected),
        }
    }
}

impl From<BodyFault> for Refusal {
    fn from(fault: BodyFault) -> Self {
        match fault {
            BodyFault::TooLarge => Self::new(Reason::BodyTooLarge, ProblemType::TooLarge),
            BodyFault::Timeout => Self::new(Reason::BodyTimeout, ProblemType::RequestTimeout),
            BodyFault::Incomplete => Self::new(Reason::BodyIncomplete, ProblemType::BadRequest),
            BodyFault::Framing => Self::new(Reason::MalformedHead, ProblemType::BadRequest),
            BodyFault::Overload => Self::new(Reason::Overloaded, ProblemType::Unavailable),
        }
    }
}

impl From<IdentityFault> for Refusal {
    fn from(fault: IdentityFault) -> Self {
        use IdentityFault as Fault;
        let (reason, kind) = match fault {
            Fault::PeerNameless | Fault::PeerAmbiguous | Fault::PeerOfAnother | Fault::PeerNotValidNow => {
                (Reason::PeerRefused, ProblemType::Forbidden)
            }
            Fault::PeerRevoked => (Reason::PeerRevoked, ProblemType::Forbidden),
            Fault::PeerUntrusted => (Reason::PeerUntrusted, ProblemType::Forbidden),
            Fault::TokenMissing => (Reason::TokenMissing, ProblemType::Unauthenticated),
            Fault::AuthorizationRepeated
            | Fault::Scheme
            | Fault::TokenTooLong
            | Fault::TokenMalformed
            | Fault::Header
            | Fault::Type
            | Fault::ClaimsMalformed
            | Fault::ClaimInvalid
            | Fault::ClaimMissing
            | Fault::RightUnknown => (Reason::TokenMalformed, ProblemType::Unauthenticated),
            Fault::IssuerUnknown | Fault::KeyUnknown | Fault::Algorithm => {
                (Reason::TokenUntrusted, ProblemType::Unauthenticated)
            }
            // The token may be good: whoever brings it need not sign in again for it.
            Fault::KeysMissing => (Reason::IssuerUnavailable, ProblemType::Unavailable),
            Fault::NotTold => (Reason::IntrospectionUnavailable, ProblemType::Unavailable),
            Fault::Inactive => (Reason::TokenInactive, ProblemType::Unauthenticated),
            Fault::Signature => (Reason::TokenSignature, ProblemType::Unauthenticated),
            Fault::Audience => (Reason::TokenAudience, ProblemType::Unauthenticated),
            Fault::Expired | Fault::NotYetValid | Fault::IssuedInFuture | Fault::LifetimeTooLong => {
                (Reason::TokenExpired, ProblemType::Unauthenticated)
            }
            Fault::Unbound | Fault::BindingUnsupported | Fault::BindingNotAllowed | Fault::BoundToAnother => {
                (Reason::TokenBinding, ProblemType::Unauthenticated)
            }
            Fault::BoundToAnotherKey => (Reason::CnfMismatch, ProblemType::Unauthenticated),
            Fault::ProofMissing => (Reason::DpopMissing, ProblemType::Unauthenticated),
            Fault::ProofUnasked
            | Fault::ProofRepeated
            | Fault::ProofMalformed
            | Fault::ProofHeader
            | Fault::ProofAlgorithm
            | Fault::ProofKey
            | Fault::ProofClaims
            | Fault::ProofSignature
            | Fault::ProofElsewhere
            | Fault::ProofOfAnotherToken => (Reason::DpopProofInvalid, ProblemType::Unauthenticated),
            Fault::ProofTooOld | Fault::ProofInFuture => (Reason::DpopNotTimely, ProblemType::Unauthenticated),
            Fault::ClientUnknown => (Reason::ClientRefused, ProblemType::Unauthenticated),
            Fault::ScopeMissing => (Reason::ScopeMissing, ProblemType::Forbidden),
            Fault::ActorOther => (Reason::ActorMismatch, ProblemType::Unauthenticated),
            Fault::NoSubject | Fault::ActorRefused => (Reason::ExchangeRefused, ProblemType::Unauthenticated),
            Fault::SessionRequired => (Reason::SessionRequired, ProblemType::Forbidden),
        };
        let error = match reason {
            Reason::TokenMissing => None,
            Reason::DpopMissing | Reason::DpopProofInvalid | Reason::DpopNotTimely => {
                Some(ChallengeError::InvalidDpopProof)
            }
            _ => Some(ChallengeError::InvalidToken),
        };
        Self::new(reason, kind).telling(error)
    }
}

impl From<IssueFault> for Refusal {
    fn from(fault: IssueFault) -> Self {
        match fault {
            IssueFault::Wider => Self::of_token(Reason::ExchangeRefused, OAuthError::InvalidScope),
            IssueFault::Ended => Self::of_token(Reason::TokenExpired, OAuthError::InvalidRequest),
            IssueFault::Sign(_) => Self::new(Reason::Internal, ProblemType::Unavailable),
        }
    }
}

/// What was wrong with the headers is not told: a sender of ours has a library that makes them.
impl From<WebhookFault> for Refusal {
    fn from(fault: WebhookFault) -> Self {
        let reason = match fault {
            WebhookFault::Missing | WebhookFault::Repeated | WebhookFault::Malformed => Reason::EventUnsigned,
            WebhookFault::Mismatch => Reason::EventSignature,
            WebhookFault::TooOld | WebhookFault::FromTheFuture => Reason::EventNotTimely,
        };
        Self::new(reason, ProblemType::EventRefused)
    }
}

impl Refusal {
    /// A fault of the contract. The places that were wrong are told to a known caller only.
    #[must_use]
    pub fn of_contract(fault: &ContractFault, caller_is_known: bool) -> Self {
        use ContractFault as Fault;
        let (reason, kind) = match fault {
            Fault::RefusedField => (Reason::RefusedField, ProblemType::BadRequest),
            Fault::NotFound => (Reason::UnknownOperation, ProblemType::NotFound),
            Fault::MethodNotDeclared => (Reason::MethodNotDeclared, ProblemType::MethodNotAllowed),
            Fault::Path(_) => (Reason::PathInvalid, ProblemType::InvalidRequest),
            Fault::Query(_) => (Reason::QueryInvalid, ProblemType::InvalidRequest),
            Fault::Header(_) => (Reason::HeaderInvalid, ProblemType::InvalidRequest),
            Fault::IdempotencyKey => (Reason::IdempotencyKeyInvalid, ProblemType::InvalidRequest),
            Fault::MediaTypeNotDeclared => (Reason::MediaTypeNotDeclared, ProblemType::UnsupportedMediaType),
            Fault::BodyTooLarge => (Reason::BodyTooLarge, ProblemType::TooLarge),
            Fault::BodyMalformed(_) => (Reason::BodyMalformed, ProblemType::InvalidRequest),
            Fault::BodyNotDeclared | Fault::BodyMissing | Fault::Body(_) => {
                (Reason::BodyInvalid, ProblemType::InvalidRequest)
            }
            Fault::IdentifierMismatch => (Reason::IdentifierMismatch, ProblemType::Forbidden),
        };
        let errors = if caller_is_known { fault.place().cloned().into_iter().collect() } else { Vec::new() };
        Self { problem: Problem { errors, ..Problem::from(kind) }, ..Self::new(reason, kind) }
    }

    /// A fault in the body of one of the gateway's own paths.
    #[must_use]
    pub fn of_body(place: WrongPlace) -> Self {
        let problem = Problem { errors: vec![place], ..Problem::from(ProblemType::InvalidRequest) };
        Self { problem, ..Self::new(Reason::BodyInvalid, ProblemType::InvalidRequest) }
    }

    /// An answer that may not be passed on, of the partner or, to what it asks, of the backend. What was wrong with it is for
    /// the record alone.
    #[must_use]
    pub fn of_answer(direction: Direction) -> Self {
        let kind = match direction {
            Direction::Outbound => ProblemType::BadPartnerAnswer,
            Direction::Inbound => ProblemType::BadBackendAnswer,
        };
        Self::new(Reason::AnswerUndeclared, kind)
    }

    /// There is no connection to the backend.
    #[must_use]
    pub fn of_backend(fault: PartnerFault) -> Self {
        let refusal = Self::new(Reason::BackendUnreachable, ProblemType::BackendUnreachable);
        Self { detail: Some(fault.word()), ..refusal }
    }

    /// A request that cannot be protected. Who asks by a pseudonym that is none of ours, or another tenant's, finds nothing.
    #[must_use]
    pub fn of_protection(fault: ProtectFault, direction: Direction) -> Self {
        match (fault, direction) {
            (ProtectFault::Foreign, Direction::Inbound) => Self::new(Reason::ProtectionFailed, ProblemType::NotFound),
            (fault, _) => Self::from(fault),
        }
    }
}

impl From<SignatureFault> for Refusal {
    fn from(fault: SignatureFault) -> Self {
        match fault {
            SignatureFault::Form | SignatureFault::UnknownKey | SignatureFault::Mismatch => {
                Self::new(Reason::DirectoryUnsigned, ProblemType::Forbidden)
            }
        }
    }
}

impl From<UpdateFault> for Refusal {
    fn from(fault: UpdateFault) -> Self {
        match fault {
            UpdateFault::NotNewer => Self::new(Reason::DirectoryNotNewer, ProblemType::DirectoryConflict),
            UpdateFault::OtherBase => Self::new(Reason::DirectoryOtherBase, ProblemType::DirectoryConflict),
            UpdateFault::Unfit(place) => Self::of_body(place),
        }
    }
}

impl From<KeepFault> for Refusal {
    fn from(_: KeepFault) -> Self {
        Self::new(Reason::DirectoryNotStored, ProblemType::Unavailable)
    }
}

impl From<ProtectFault> for Refusal {
    fn from(fault: ProtectFault) -> Self {
        match fault {
            // What the caller sent is not encrypted as the contract demands: the caller can mend it.
            ProtectFault::NotEncrypted => Self::new(Reason::ProtectionFailed, ProblemType::InvalidRequest),
            ProtectFault::NotText
            | ProtectFault::TooLong
            | ProtectFault::Foreign
            | ProtectFault::OtherHouse
            | ProtectFault::OtherPartner => Self::new(Reason::ProtectionFailed, ProblemType::Unavailable),
        }
    }
}

impl Refusal {
    /// An event of a partner that bears a pseudonym which is none of ours, or was given out for another tenant: the partner
    /// can mend that.
    #[must_use]
    pub fn of_event(fault: ProtectFault) -> Self {
        match fault {
            ProtectFault::Foreign => Self::new(Reason::ProtectionFailed, ProblemType::InvalidRequest),
            other => Self::from(other),
        }
    }

    /// The first command under this idempotency key has no known outcome; nor has its repetition.
    #[must_use]
    pub fn outcome_unknown() -> Self {
        Self::new(Reason::OutcomeUnknown, ProblemType::OutcomeUnknown)
    }
}

impl From<OutboxFault> for Refusal {
    fn from(fault: OutboxFault) -> Self {
        let reason = match fault {
            OutboxFault::Full => Reason::OutboxFull,
            OutboxFault::Failed | OutboxFault::Damaged => Reason::NotQueued,
        };
        Self::new(reason, ProblemType::Unavailable)
    }
}

impl From<HandleFault> for Refusal {
    fn from(_: HandleFault) -> Self {
        Self::new(Reason::NotRecordable, ProblemType::Unavailable)
    }
}

impl From<GuardFault> for Refusal {
    fn from(fault: GuardFault) -> Self {
        let (reason, kind) = match fault {
            GuardFault::Revoked => (Reason::Revoked, ProblemType::Forbidden),
            GuardFault::CertificateRevoked => (Reason::CertificateRevoked, ProblemType::Forbidden),
            GuardFault::OperationRevoked => (Reason::OperationRevoked, ProblemType::Forbidden),
            GuardFault::PartnerRevoked => (Reason::PartnerRevoked, ProblemType::Forbidden),
            GuardFault::TenantRevoked => (Reason::TenantRevoked, ProblemType::Forbidden),
            GuardFault::ClockBehind => return Self::clock_behind(),
            GuardFault::Rate(fault) => return Self::from(fault),
            GuardFault::StepUpNeeded => (Reason::StepUpNeeded, ProblemType::Unauthenticated),
            GuardFault::CommandTimeInvalid => (Reason::CommandTimeInvalid, ProblemType::InvalidRequest),
            GuardFault::CommandTooOld => (Reason::CommandTooOld, ProblemType::CommandNotTimely),
            GuardFault::CommandFromFuture => (Reason::CommandFromFuture, ProblemType::CommandNotTimely),
            GuardFault::AssertionReplayed => (Reason::AssertionReplayed, ProblemType::Unauthenticated),
            GuardFault::AssertionsFull => (Reason::AssertionsFull, ProblemType::Unavailable),
            GuardFault::ProofNonce => (Reason::DpopNonceNeeded, ProblemType::Unauthenticated),
            GuardFault::ProofReplayed => (Reason::DpopReplay, ProblemType::Unauthenticated),
            GuardFault::ProofStale => (Reason::DpopNotTimely, ProblemType::Unauthenticated),
            GuardFault::ProofsFull => (Reason::DpopFull, ProblemType::Unavailable),
            GuardFault::IdempotencyKeyInvalid => (Reason::IdempotencyKeyInvalid, ProblemType::InvalidRequest),
            GuardFault::IdempotencyKeyReused => (Reason::IdempotencyKeyReused, ProblemType::KeyReused),
            GuardFault::IdempotencyInProgress => (Reason::IdempotencyInProgress, ProblemType::InProgress),
            GuardFault::IdempotencyFull => (Reason::IdempotencyFull, ProblemType::Unavailable),
        };
        let error = match fault {
            GuardFault::ProofNonce => Some(ChallengeError::UseDpopNonce),
            GuardFault::ProofReplayed | GuardFault::ProofStale => Some(ChallengeError::InvalidDpopProof),
            _ => None,
        };
        Self::new(reason, kind).telling(error)
    }
}

impl From<RateFault> for Refusal {
    fn from(fault: RateFault) -> Self {
        let (of, seconds) = match fault {
            RateFault::TooFast(of, seconds) => (of, seconds),
            RateFault::Full => return Self::new(Reason::RateFull, ProblemType::Unavailable),
        };
        let reason = match of {
            RateOf::Peer => Reason::RatePeer,
            RateOf::Subject => Reason::RateSubject,
            RateOf::Device => Reason::RateDevice,
            RateOf::Object => Reason::RateObject,
            RateOf::Tenant => Reason::RateTenant,
            RateOf::Revocations => Reason::RateRevocations,
            RateOf::Answers => Reason::RateAnswers,
            RateOf::Events => Reason::RateEvents,
            RateOf::Acts => Reason::RateActs,
        };
        Self::new(reason, ProblemType::TooManyRequests).after(seconds)
    }
}

impl From<Withdrawn> for Refusal {
    fn from(withdrawn: Withdrawn) -> Self {
        let kind = match withdrawn {
            Withdrawn::Revoked
            | Withdrawn::CertificateRevoked
            | Withdrawn::GrantRevoked
            | Withdrawn::OperationRevoked
            | Withdrawn::PartnerRevoked
            | Withdrawn::TenantRevoked
            | Withdrawn::PeerExpired
            | Withdrawn::PeerRevoked
            | Withdrawn::PeerUntrusted => ProblemType::Forbidden,
            // As where policy is asked after the window has closed.
            Withdrawn::RightNotNow => ProblemType::NotFound,
            Withdrawn::TokenExpired => ProblemType::Unauthenticated,
            Withdrawn::TooOld => ProblemType::CommandNotTimely,
            Withdrawn::BundleChanged
            | Withdrawn::DirectoryChanged
            | Withdrawn::PartnerTokenExpired
            | Withdrawn::ClockBehind => ProblemType::Unavailable,
        };
        let mut refusal = Self::new(Reason::Withdrawn, kind).telling(Some(ChallengeError::InvalidToken));
        if withdrawn == Withdrawn::ClockBehind {
            refusal = refusal.after(CLOCK_ASK_AGAIN_S);
        }
        Self { detail: Some(withdrawn.word()), ..refusal }
    }
}

impl From<PolicyFault> for Refusal {
    fn from(fault: PolicyFault) -> Self {
        // The thing's id is in the path: "you may not" and "there is none" look the same.
        let reason = match &fault {
            PolicyFault::Denied(_) => Reason::PolicyDenied,
            PolicyFault::Errored(_) => Reason::PolicyError,
        };
        Self { decided: Some(Box::new(decided(fault.decision()))), ..Self::new(reason, ProblemType::NotFound) }
    }
}

impl Refusal {
    /// A fault of the guard about an operation. Who was not authenticated as it demands is told what it demands.
    #[must_use]
    pub fn of_guard(fault: GuardFault, operation: &Operation, caller: &Caller) -> Self {
        let mut refusal = Self::from(fault);
        if fault == GuardFault::StepUpNeeded {
            let (proven, demand) = (caller.proof().is_some(), operation.authentication.clone());
            refusal.problem.step_up = Some(Box::new(StepUp { proven, demand }));
        }
        refusal
    }

    /// A fault of policy about somebody who was admitted. Where it denies and a right of the token is revoked, that is why,
    /// as far as the record is concerned; the caller is told what every denial tells.
    #[must_use]
    pub fn of_policy(fault: PolicyFault, admitted: &Admitted) -> Self {
        let for_want_of_a_right = matches!(fault, PolicyFault::Denied(_)) && admitted.withholds_a_right();
        let refusal = Self::from(fault);
        if for_want_of_a_right { Self { reason: Reason::GrantRevoked, ..refusal } } else { refusal }
    }
}

/// A decision as the record holds it.
pub(super) fn decided(decision: &Decision) -> Decided {
    let inputs = decision.inputs().iter().map(|input| (input.name.clone(), input.value.clone()));
    let (policies, errors) = (decision.policies().to_vec(), decision.errors().to_vec());
    Decided { permitted: false, policies, inputs: inputs.collect(), errors }
}

/// The decision of a permit as the record holds it.
pub(super) fn by_permit(decision: &Decision) -> Decided {
    Decided { permitted: true, ..decided(decision) }
}

impl From<PartnerFault> for Refusal {
    fn from(fault: PartnerFault) -> Self {
        let (reason, kind) = match fault {
            PartnerFault::Unreachable(_) => (Reason::PartnerUnreachable, ProblemType::PartnerUnreachable),
            PartnerFault::TooOld => (Reason::CommandTooOld, ProblemType::CommandNotTimely),
            PartnerFault::Signing => (Reason::Internal, ProblemType::Unavailable),
            PartnerFault::Token(_) => (Reason::PartnerTokenUnavailable, ProblemType::Unavailable),
        };
        Self { detail: Some(fault.word()), ..Self::new(reason, kind) }
    }
}

impl From<SendFault> for Refusal {
    fn from(fault: SendFault) -> Self {
        let (reason, kind) = match fault {
            SendFault::Mismatch | SendFault::Unwritable | SendFault::Unsigned => {
                (Reason::Internal, ProblemType::Unavailable)
            }
            SendFault::Unknown(_) => (Reason::OutcomeUnknown, ProblemType::OutcomeUnknown),
        };
        Self { detail: Some(fault.word()), ..Self::new(reason, kind) }
    }
}
