//! The two proofs of this room: [`Protected`], the only bytes that may leave, and [`Restored`], an answer whose
//! pseudonyms are ours and were turned back.

use crate::model::Direction;
use crate::model::IdentifierKind;
use crate::model::Name;
use crate::model::OperationId;
use crate::model::Outgoing;
use crate::model::PartnerName;
use crate::model::Reply;
use crate::model::RightKind;
use crate::model::Sha256;
use std::fmt;

/// A request whose every leaf was treated as its contract declares; only [`crate::protect::Protector`] makes one.
///
/// A permitted request is protected:
/// ```
/// use portcullis::{contract::{Declared, Rebuilt}, identity::Caller, policy::Permit, protect::{ProtectFault, Protected, Protector}};
/// fn protect(p: &Protector, permit: &Permit, c: &Caller, d: &Declared, r: &Rebuilt) -> Result<Protected, ProtectFault> {
///     p.protect(permit, c, r)
/// }
/// ```
/// One that was declared alone, whose body nobody rebuilt, is not:
/// ```compile_fail
/// use portcullis::{contract::{Declared, Rebuilt}, identity::Caller, policy::Permit, protect::{ProtectFault, Protected, Protector}};
/// fn protect(p: &Protector, permit: &Permit, c: &Caller, d: &Declared, r: &Rebuilt) -> Result<Protected, ProtectFault> {
///     p.protect(permit, c, d)
/// }
/// ```
/// Nor is one that no policy permitted:
/// ```compile_fail
/// use portcullis::{contract::{Declared, Rebuilt}, identity::Caller, policy::Permit, protect::{ProtectFault, Protected, Protector}};
/// fn protect(p: &Protector, permit: &Permit, c: &Caller, d: &Declared, r: &Rebuilt) -> Result<Protected, ProtectFault> {
///     p.protect(r, c, r)
/// }
/// ```
#[derive(Clone)]
#[must_use = "only these bytes may leave"]
pub struct Protected {
    pub(super) partner: PartnerName,
    pub(super) operation: OperationId,
    pub(super) direction: Direction,
    pub(super) outgoing: Outgoing,
    pub(super) digest: Sha256,
    pub(super) subject: Option<Box<str>>,
    pub(super) object: Vec<(IdentifierKind, Box<str>)>,
    pub(super) right: Option<(RightKind, Name)>,
}

/// A checked answer in our own words again; only [`crate::protect::Protector`] makes one.
///
/// What was checked is restored:
/// ```
/// use portcullis::{contract::Checked, partner::Answer, policy::Permit, protect::{ProtectFault, Protector, Restored}};
/// fn restore(p: &Protector, permit: &Permit, answer: Answer, checked: Checked) -> Result<Restored, ProtectFault> {
///     p.restore(permit, checked)
/// }
/// ```
/// What the partner sent is not:
/// ```compile_fail
/// use portcullis::{contract::Checked, partner::Answer, policy::Permit, protect::{ProtectFault, Protector, Restored}};
/// fn restore(p: &Protector, permit: &Permit, answer: Answer, checked: Checked) -> Result<Restored, ProtectFault> {
///     p.restore(permit, answer)
/// }
/// ```
#[derive(Clone)]
#[must_use = "without this proof the caller gets no answer"]
pub struct Restored {
    pub(super) reply: Reply,
}

/// Why a message is not protected, or an answer not restored. Holds no values.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProtectFault {
    /// The contract wants a pseudonym of something that is not text.
    #[error("a value that is to become a pseudonym is not text")]
    NotText,
    /// Longer than a pseudonym may stand for.
    #[error("a value is too long for a pseudonym")]
    TooLong,
    /// A field that must be encrypted to the recipient is not.
    #[error("a field that must be encrypted is not a JWE in compact form")]
    NotEncrypted,
    /// A pseudonym in an answer is none that this gateway gave to this partner for this tenant.
    #[error("a pseudonym in the answer is not ours")]
    Foreign,
    /// An answer names another house than the one that was asked for.
    #[error("the answer names another house")]
    OtherHouse,
    /// The request is one of another partner's contract: a fault of this program.
    #[error("the request belongs to another partner")]
    OtherPartner,
}

impl ProtectFault {
    /// The stable word for the record.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotText => "not-text",
            Self::TooLong => "too-long",
            Self::NotEncrypted => "not-encrypted",
            Self::Foreign => "foreign-pseudonym",
            Self::OtherHouse => "other-house",
            Self::OtherPartner => "other-partner",
        }
    }
}

impl Protected {
    /// The partner for whom it is protected.
    #[must_use]
    pub const fn partner(&self) -> &PartnerName {
        &self.partner
    }

    /// The operation.
    #[must_use]
    pub const fn operation(&self) -> &OperationId {
        &self.operation
    }

    /// Which way it goes.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// The request as it will leave.
    #[must_use]
    pub const fn outgoing(&self) -> &Outgoing {
        &self.outgoing
    }

    /// The request itself, for the one who sends it.
    #[must_use]
    pub fn into_outgoing(self) -> Outgoing {
        self.outgoing
    }

    /// The digest over everything that will leave; the record names it and the sender compares it.
    #[must_use]
    pub const fn digest(&self) -> Sha256 {
        self.digest
    }

    /// The pseudonym of the token's subject; `None` where the caller came without a token.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The object's ids as the partner sees them in the path, outermost first, each with what it names.
    pub fn object(&self) -> impl Iterator<Item = (IdentifierKind, &str)> {
        self.object.iter().map(|(kind, id)| (*kind, id.as_ref()))
    }

    /// Whether `other` is the same in everything that the partner and its token are told.
    #[must_use]
    pub fn is_the_same_as(&self, other: &Self) -> bool {
        self.partner == other.partner
            && self.operation == other.operation
            && self.direction == other.direction
            && self.digest == other.digest
            && self.subject == other.subject
            && self.object == other.object
            && self.right == other.right
            && self.outgoing.accept == other.outgoing.accept
    }

    /// The right that the operation needs, as type and action: what a partner token grants. `None` where the contract
    /// names none.
    #[must_use]
    pub fn right(&self) -> Option<(&str, &str)> {
        self.right.as_ref().map(|(kind, action)| (kind.word(), action.as_str()))
    }

    /// A protected request without content, for the tests of rooms that demand one.
    #[cfg(test)]
    pub fn for_test(partner: &PartnerName, operation: &OperationId, digest: Sha256) -> Self {
        let (target, body) = (Box::from("/"), bytes::Bytes::new());
        let accept = http::HeaderValue::from_static("application/json");
        let method = http::Method::POST;
        let outgoing = Outgoing { method, target, content_type: None, accept, fields: Vec::new(), body };
        let (partner, operation) = (partner.clone(), operation.clone());
        Self {
            partner,
            operation,
            direction: Direction::Outbound,
            outgoing,
            digest,
            subject: None,
            object: Vec::new(),
            right: None,
        }
    }

    /// Has such a request need a right, named by words of ours.
    #[cfg(test)]
    pub fn grant_for_test(&mut self, kind: &str, action: &str) {
        self.right = RightKind::ALL.into_iter().find(|known| known.word() == kind).zip(Name::new(action).ok());
    }

    /// Gives such a request content.
    #[cfg(test)]
    pub fn give_for_test(&mut self, target: &str, content_type: &'static str, body: &'static str) {
        self.outgoing.target = target.into();
        self.outgoing.content_type = Some(http::HeaderValue::from_static(content_type));
        self.outgoing.body = bytes::Bytes::from_static(body.as_bytes());
    }
}

impl Restored {
    /// The status.
    #[must_use]
    pub const fn status(&self) -> http::StatusCode {
        self.reply.status
    }

    /// The answer, with the ids that the caller knows.
    #[must_use]
    pub fn into_reply(self) -> Reply {
        self.reply
    }
}

impl fmt::Debug for Protected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Protected {{ {} of {}, {} }}", self.operation, self.partner, self.digest)
    }
}

impl fmt::Debug for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Restored {{ {:?} }}", self.reply)
    }
}
