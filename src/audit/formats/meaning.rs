//! What a record means to others: the one table from kinds, states and reasons to class, activity, severity, status and
//! disposition. No arm stands for the rest: a new kind or reason does not compile until somebody has decided what it means.
//!
//! The numbers are those of OCSF 1.6.0 (`events/`, `dictionary.json`); CEF and
//! syslog take severity and words from the same rows.

use crate::audit::find::FoundRecord;
use crate::audit::formats::meaning::Class::ApiActivity;
use crate::audit::formats::meaning::Class::ApplicationLifecycle;
use crate::audit::formats::meaning::Class::Authentication;
use crate::audit::formats::meaning::Class::AuthorizeSession;
use crate::audit::formats::meaning::Class::DetectionFinding;
use crate::audit::formats::meaning::Class::EntityManagement;
use crate::audit::formats::meaning::Class::EventLogActivity;
use crate::audit::formats::meaning::Disposition as To;
use crate::audit::formats::meaning::Severity::Critical;
use crate::audit::formats::meaning::Severity::High;
use crate::audit::formats::meaning::Severity::Informational;
use crate::audit::formats::meaning::Severity::Low;
use crate::audit::formats::meaning::Severity::Medium;
use crate::audit::formats::meaning::Status::Failure;
use crate::audit::formats::meaning::Status::Pending;
use crate::audit::formats::meaning::Status::Success;
use crate::audit::outcome::OutcomeState;
use crate::audit::record::Kind;
use crate::model::DeliveryState;
use crate::model::Reason;

/// The event classes that are used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Class {
    EventLogActivity,
    DetectionFinding,
    Authentication,
    AuthorizeSession,
    EntityManagement,
    ApplicationLifecycle,
    ApiActivity,
}

/// How much it matters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Severity {
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

/// How it ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Status {
    Success,
    Failure,
    /// It has not ended: an intent, an attempt that was begun.
    Pending,
}

/// What the gateway did about it, where it let something pass or did not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Disposition {
    Allowed,
    Blocked,
    Approved,
    AccessRevoked,
    Rejected,
    Unauthorized,
    Error,
}

/// What a record means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Meaning {
    pub(super) class: Class,
    /// The number of the activity in its class, and its name.
    pub(super) activity: (u8, &'static str),
    pub(super) severity: Severity,
    pub(super) status: Status,
    pub(super) disposition: Option<Disposition>,
    /// In one line, for people.
    pub(super) says: &'static str,
}

/// A row of the table of kinds: as the record means it that tells no more.
struct Row(Class, (u8, &'static str), Severity, Status, Option<Disposition>, &'static str);

/// What follows from the reason of a refusal.
struct Refused(Class, Severity, Disposition);

impl Meaning {
    /// What this record means.
    pub(super) fn of(record: &FoundRecord) -> Self {
        let reason = record.text("reason").and_then(reason_of);
        let meaning = Self::from(of_kind(record.of_kind()));
        match record.of_kind() {
            Kind::Refusal => meaning.refused(reason),
            Kind::Admin | Kind::ReIdentification => match reason {
                Some(Reason::Done) => meaning,
                reason => Self { class: EntityManagement, activity: (99, "Other"), ..meaning.refused(reason) },
            },
            Kind::Outcome => match record.text("state").and_then(OutcomeState::of_word) {
                Some(state) => Self::of_outcome(state),
                None => meaning,
            },
            Kind::Delivery => match record.text("state").and_then(delivery_of) {
                Some(state) => Self::of_delivery(state),
                None => meaning,
            },
            Kind::Recovery if record.get("cut").is_some() => Self { severity: Medium, ..meaning },
            Kind::Start
            | Kind::Stop
            | Kind::Bundle
            | Kind::BundleRefused
            | Kind::Activation
            | Kind::Directory
            | Kind::Key
            | Kind::Clock
            | Kind::Intent
            | Kind::Refusals
            | Kind::Repeat
            | Kind::Revocation
            | Kind::Event
            | Kind::Receipt
            | Kind::Token
            | Kind::Session
            | Kind::Recovery
            | Kind::Archive
            | Kind::Gap
            | Kind::Segment => meaning,
        }
    }

    /// What such an outcome means.
    pub(super) fn of_outcome(state: OutcomeState) -> Self {
        let meaning = Self::from(of_kind(Kind::Outcome));
        let (severity, status, disposition, says) = match state {
            OutcomeState::Done => (Informational, Success, To::Allowed, "The partner confirmed a command"),
            OutcomeState::Refused => (Low, Failure, To::Rejected, "The partner refused a command"),
            OutcomeState::Withdrawn => (Low, Failure, To::AccessRevoked, "A command was withdrawn before it was sent"),
            OutcomeState::NotSent => (Medium, Failure, To::Error, "A command was not sent"),
            OutcomeState::Unknown => (High, Failure, To::Error, "What became of a command is not known"),
        };
        Self { severity, status, disposition: Some(disposition), says, ..meaning }
    }

    /// What a delivery means that stands so.
    pub(super) fn of_delivery(state: DeliveryState) -> Self {
        let meaning = Self::from(of_kind(Kind::Delivery));
        let (severity, status, disposition, says) = match state {
            DeliveryState::Delivered => (Informational, Success, To::Allowed, "An event was delivered"),
            DeliveryState::Failed => (Low, Failure, To::Error, "An event was not delivered, and is sent again"),
            DeliveryState::Dead => (Medium, Failure, To::Error, "An event was given up"),
            DeliveryState::Purged => (Low, Failure, To::AccessRevoked, "An event may not go on any more"),
        };
        Self { severity, status, disposition: Some(disposition), says, ..meaning }
    }

    /// What a refusal for this reason means; one that only a newer version knows is an activity that was blocked.
    pub(super) fn refused(self, reason: Option<Reason>) -> Self {
        let Refused(class, severity, disposition) = reason.map_or(Refused(ApiActivity, Medium, To::Blocked), of_reason);
        let activity = match class {
            Authentication => (1, "Logon"),
            AuthorizeSession => (1, "Assign Privileges"),
            DetectionFinding => (1, "Create"),
            ApiActivity | EventLogActivity | EntityManagement | ApplicationLifecycle => (99, "Other"),
        };
        Self { class, activity, severity, status: Failure, disposition: Some(disposition), ..self }
    }
}

impl From<Row> for Meaning {
    fn from(Row(class, activity, severity, status, disposition, says): Row) -> Self {
        Self { class, activity, severity, status, disposition, says }
    }
}

/// The table of kinds.
fn of_kind(kind: Kind) -> Row {
    let other = (99, "Other");
    match kind {
        Kind::Start => {
            Row(ApplicationLifecycle, (3, "Start"), Informational, Success, None, "The gateway began to serve")
        }
        Kind::Stop => {
            Row(ApplicationLifecycle, (4, "Stop"), Informational, Success, None, "The gateway ended in order")
        }
        Kind::Bundle => Row(EntityManagement, (3, "Update"), Low, Success, None, "A bundle of rules came into force"),
        Kind::BundleRefused => {
            Row(EntityManagement, (3, "Update"), Medium, Failure, Some(To::Rejected), "A bundle of rules was refused")
        }
        Kind::Activation => Row(
            EntityManagement,
            (10, "Activate"),
            Low,
            Success,
            Some(To::Approved),
            "A signed bundle of rules was activated",
        ),
        Kind::Directory => {
            Row(EntityManagement, (3, "Update"), Informational, Success, None, "A directory of houses came into force")
        }
        Kind::Intent => Row(
            ApiActivity,
            other,
            Informational,
            Pending,
            Some(To::Allowed),
            "A command was permitted and is to be sent",
        ),
        // An outcome without a state that is known here: a newer version wrote it.
        Kind::Outcome => Row(ApiActivity, other, Medium, Failure, Some(To::Error), "A command ended"),
        Kind::Refusal => Row(ApiActivity, other, Medium, Failure, Some(To::Blocked), "A request was refused"),
        Kind::Refusals => {
            let says = "A peer was refused too often for a record each";
            Row(DetectionFinding, (1, "Create"), Medium, Failure, Some(To::Blocked), says)
        }
        Kind::Repeat => Row(
            ApiActivity,
            other,
            Informational,
            Success,
            Some(To::Allowed),
            "An answer was given again, and nothing was sent",
        ),
        Kind::Revocation => {
            Row(EntityManagement, (9, "Disable"), Low, Success, Some(To::AccessRevoked), "Something was revoked")
        }
        Kind::Event => Row(ApiActivity, other, Informational, Success, Some(To::Allowed), "An event was taken"),
        Kind::Delivery => Row(ApiActivity, other, Informational, Pending, Some(To::Allowed), "An event is sent"),
        Kind::Admin => {
            Row(EntityManagement, other, Low, Success, Some(To::Approved), "A person acted on the gateway itself")
        }
        Kind::ReIdentification => {
            let says = "A person asked for the handle of another";
            Row(EntityManagement, (2, "Read"), Medium, Success, Some(To::Allowed), says)
        }
        Kind::Key => {
            let says = "Changed certificates, keys or lists came into force";
            Row(EntityManagement, (3, "Update"), Low, Success, None, says)
        }
        Kind::Clock => Row(
            DetectionFinding,
            (1, "Create"),
            Medium,
            Success,
            None,
            "The wall clock was set, or shows less than before",
        ),
        Kind::Receipt => Row(
            ApiActivity,
            (2, "Read"),
            Informational,
            Success,
            Some(To::Allowed),
            "A caller asked what became of a command",
        ),
        Kind::Token => {
            Row(Authentication, (1, "Logon"), Informational, Success, Some(To::Allowed), "A partner was given a token")
        }
        Kind::Session => {
            let says = "A session token was given out";
            Row(AuthorizeSession, (1, "Assign Privileges"), Informational, Success, Some(To::Allowed), says)
        }
        Kind::Recovery => {
            Row(EventLogActivity, (8, "Restart"), Informational, Success, None, "The log was read back at a start")
        }
        Kind::Archive => {
            Row(EventLogActivity, (4, "Archive"), Informational, Success, None, "A part of the log went to the archive")
        }
        Kind::Segment => {
            Row(EventLogActivity, (5, "Rotate"), Informational, Success, None, "The log goes on in another file")
        }
        Kind::Gap => {
            Row(DetectionFinding, (1, "Create"), High, Failure, Some(To::Error), "Records found no room in the log")
        }
    }
}

/// The table of reasons: what a refusal for each of them is.
fn of_reason(reason: Reason) -> Refused {
    match reason {
        // No refusals; where one stands with such a reason all the same, what it stands in has let something pass.
        Reason::Done | Reason::IdempotencyReplayed => Refused(ApiActivity, Informational, To::Allowed),
        // What is no request of the contract.
        Reason::MalformedHead
        | Reason::UnknownAuthority
        | Reason::RefusedField
        | Reason::UnknownOperation
        | Reason::MethodNotDeclared
        | Reason::PathInvalid
        | Reason::QueryInvalid
        | Reason::HeaderInvalid
        | Reason::MediaTypeNotDeclared
        | Reason::BodyTooLarge
        | Reason::BodyTimeout
        | Reason::BodyIncomplete
        | Reason::BodyMalformed
        | Reason::BodyInvalid
        | Reason::CommandTimeInvalid
        | Reason::IdempotencyKeyInvalid
        | Reason::IdempotencyKeyReused
        | Reason::TokenRequestInvalid
        | Reason::ScopeRefused
        | Reason::NameUnknown
        | Reason::LiftNotInForce
        | Reason::LiftNotProposed
        | Reason::SubjectUnknown
        | Reason::EraseNotProposed => Refused(ApiActivity, Low, To::Rejected),
        // Who it is does not hold.
        Reason::PeerRefused
        | Reason::PeerUntrusted
        | Reason::EventUnsigned
        | Reason::TokenMalformed
        | Reason::TokenUntrusted
        | Reason::TokenInactive
        | Reason::TokenSignature
        | Reason::DpopMissing
        | Reason::DpopProofInvalid
        | Reason::ClientRefused
        | Reason::TokenAudience => Refused(Authentication, Medium, To::Unauthorized),
        Reason::PeerRevoked => Refused(Authentication, High, To::Unauthorized),
        Reason::TokenMissing
        | Reason::TokenExpired
        | Reason::DpopNotTimely
        | Reason::DpopNonceNeeded
        | Reason::EventNotTimely => Refused(Authentication, Low, To::Unauthorized),
        // What holds, in hands in which it should not be, or forged.
        Reason::IdentifierMismatch
        | Reason::EventSignature
        | Reason::EventIdReused
        | Reason::TokenBinding
        | Reason::ActorMismatch
        | Reason::CnfMismatch
        | Reason::AssertionReplayed
        | Reason::DpopReplay
        | Reason::DirectoryUnsigned
        | Reason::LiftSamePerson
        | Reason::EraseSamePerson => Refused(DetectionFinding, High, To::Blocked),
        // The rights of a session, a peer or a person.
        Reason::SessionRequired | Reason::StepUpNeeded | Reason::ScopeMissing => {
            Refused(AuthorizeSession, Low, To::Unauthorized)
        }
        Reason::Revoked | Reason::CertificateRevoked => Refused(AuthorizeSession, Medium, To::AccessRevoked),
        Reason::GrantRevoked => Refused(AuthorizeSession, Low, To::AccessRevoked),
        Reason::RoleMissing | Reason::ExchangeRefused => Refused(AuthorizeSession, Medium, To::Unauthorized),
        // What is stopped for everybody.
        Reason::OperationRevoked | Reason::PartnerRevoked | Reason::TenantRevoked => {
            Refused(ApiActivity, Low, To::AccessRevoked)
        }
        // Too much, too late, twice.
        Reason::RatePeer
        | Reason::RateSubject
        | Reason::RateDevice
        | Reason::RateObject
        | Reason::RateTenant
        | Reason::RateRevocations
        | Reason::RateAnswers
        | Reason::RateEvents
        | Reason::RateActs
        | Reason::CommandTooOld
        | Reason::CommandFromFuture
        | Reason::IdempotencyInProgress
        | Reason::PartnerBusy => Refused(ApiActivity, Low, To::Blocked),
        Reason::RateFull
        | Reason::IdempotencyFull
        | Reason::AssertionsFull
        | Reason::DpopFull
        | Reason::OutboxFull
        | Reason::RevocationsFull
        | Reason::LiftsFull
        | Reason::ErasuresFull
        | Reason::Clock
        | Reason::Overloaded => Refused(ApiActivity, Medium, To::Error),
        // What policy and directory say.
        Reason::ResourceUnknown | Reason::PartnerNotLinked | Reason::PolicyDenied | Reason::ReceiptUnknown => {
            Refused(ApiActivity, Low, To::Blocked)
        }
        Reason::DirectoryTooOld | Reason::DirectoryNotNewer | Reason::DirectoryOtherBase => {
            Refused(ApiActivity, Medium, To::Blocked)
        }
        Reason::PolicyError | Reason::ProtectionFailed => Refused(ApiActivity, High, To::Error),
        // What the gateway, its disk or the partner cannot do.
        Reason::Withdrawn => Refused(ApiActivity, Low, To::AccessRevoked),
        Reason::PartnerRefused | Reason::BackendRefused => Refused(ApiActivity, Low, To::Rejected),
        Reason::IssuerUnavailable
        | Reason::IntrospectionUnavailable
        | Reason::PartnerTokenUnavailable
        | Reason::PartnerUnreachable
        | Reason::BackendUnreachable
        | Reason::AnswerUndeclared
        | Reason::NotQueued => Refused(ApiActivity, Medium, To::Error),
        Reason::OutcomeUnknown
        | Reason::DirectoryNotStored
        | Reason::LiftNotStored
        | Reason::EraseNotStored
        | Reason::NotLasting => Refused(ApiActivity, High, To::Error),
        Reason::NotRecordable | Reason::Internal => Refused(ApiActivity, Critical, To::Error),
    }
}

/// The reason of this code; `None` where only a newer version knows it.
pub(super) fn reason_of(code: &str) -> Option<Reason> {
    Reason::ALL.iter().copied().find(|reason| reason.code() == code)
}

fn delivery_of(word: &str) -> Option<DeliveryState> {
    DeliveryState::ALL.into_iter().find(|state| state.word() == word)
}

impl Class {
    /// Its number, and the name of the class.
    pub(super) const fn named(self) -> (u32, &'static str) {
        match self {
            EventLogActivity => (1008, "Event Log Activity"),
            DetectionFinding => (2004, "Detection Finding"),
            Authentication => (3002, "Authentication"),
            AuthorizeSession => (3003, "Authorize Session"),
            EntityManagement => (3004, "Entity Management"),
            ApplicationLifecycle => (6002, "Application Lifecycle"),
            ApiActivity => (6003, "API Activity"),
        }
    }

    /// The number and the name of its category.
    pub(super) const fn category(self) -> (u32, &'static str) {
        match self {
            EventLogActivity => (1, "System Activity"),
            DetectionFinding => (2, "Findings"),
            Authentication | AuthorizeSession | EntityManagement => (3, "Identity & Access Management"),
            ApplicationLifecycle | ApiActivity => (6, "Application Activity"),
        }
    }
}

impl Severity {
    /// Its number in OCSF, and the word.
    pub(super) const fn named(self) -> (u32, &'static str) {
        match self {
            Informational => (1, "Informational"),
            Low => (2, "Low"),
            Medium => (3, "Medium"),
            High => (4, "High"),
            Critical => (5, "Critical"),
        }
    }

    /// Its number in CEF: 0 to 3 are low there, to 6 medium, to 8 high, to 10 very high.
    pub(super) const fn in_cef(self) -> u8 {
        match self {
            Informational => 1,
            Low => 3,
            Medium => 5,
            High => 8,
            Critical => 10,
        }
    }

    /// Its number in syslog (RFC 5424 §6.2.1): 6 informational, 5 notice, 4 warning, 3 error, 2 critical.
    pub(super) const fn in_syslog(self) -> u8 {
        match self {
            Informational => 6,
            Low => 5,
            Medium => 4,
            High => 3,
            Critical => 2,
        }
    }
}

impl Status {
    /// Its number in OCSF, and the word. A finding has a status of its own there: see [`ocsf`](crate::audit::formats).
    pub(super) const fn named(self) -> (u32, &'static str) {
        match self {
            Success => (1, "Success"),
            Failure => (2, "Failure"),
            Pending => (99, "Pending"),
        }
    }
}

impl Disposition {
    /// Its number in OCSF, and the word.
    pub(super) const fn named(self) -> (u32, &'static str) {
        match self {
            Self::Allowed => (1, "Allowed"),
            Self::Blocked => (2, "Blocked"),
            Self::Approved => (8, "Approved"),
            Self::AccessRevoked => (24, "Access Revoked"),
            Self::Rejected => (25, "Rejected"),
            Self::Unauthorized => (26, "Unauthorized"),
            Self::Error => (27, "Error"),
        }
    }

    /// The action of the security control that follows from it: its number in OCSF, and the word.
    pub(super) const fn action(self) -> (u32, &'static str) {
        match self {
            Self::Allowed | Self::Approved => (1, "Allowed"),
            Self::Blocked | Self::AccessRevoked | Self::Rejected | Self::Unauthorized | Self::Error => (2, "Denied"),
        }
    }
}
