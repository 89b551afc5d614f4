//! How an exchange ended, and the notes that belong to no exchange.

use crate::audit::archive::Archived;
use crate::audit::event::Delivery;
use crate::audit::facts::Sizes;
use crate::audit::facts::Steps;
use crate::clock::UnixMillis;
use crate::model::Epoch;
use crate::model::IdentifierKind;
use crate::model::PartnerName;
use crate::model::PersonName;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Reply;
use crate::model::Sha256;
use crate::model::SigningRole;
use crate::model::TenantId;
use crate::model::Ticket;
use crate::problem::WrongPlace;

/// What became of an intent.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What is known of the effect.
    pub state: OutcomeState,
    /// Why it ended so.
    pub reason: Reason,
    /// The partner's status, where an answer came.
    pub partner_status: Option<u16>,
    /// More about the reason, from a closed list of ours: which rule the answer broke, what was lost before sending.
    pub detail: Option<&'static str>,
    /// The place in the answer that broke the rule: declared names and indices, never what stood there.
    pub at: Option<WrongPlace>,
    /// The answer to give again to the same idempotency key: the partner's as checked, in pseudonyms, or our own where
    /// nothing was sent. Sealed before it is written. Not kept where the intent has no key or the state is
    /// [`OutcomeState::Unknown`].
    pub keep: Option<Reply>,
    /// Sizes that the intent did not know.
    pub sizes: Sizes,
    /// Durations since the intent.
    pub steps: Steps,
}

/// What is known of the effect of an intent.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum OutcomeState {
    /// The partner confirmed.
    Done,
    /// The partner refused, as its contract declares that it may: 4xx where something was to move. (Contracts cannot declare
    /// 202, 3xx or 5xx there, which would leave open what became of it.)
    Refused,
    /// Permission was lost between the intent and the first byte; nothing was sent.
    Withdrawn,
    /// Nothing was sent, for another reason.
    NotSent,
    /// Bytes may have left, and no valid answer came.
    Unknown,
}

/// A record that belongs to no outbound operation.
#[derive(Clone, Debug)]
pub enum Note {
    /// The gateway began to serve.
    Start {
        /// The digest of the effective configuration.
        config: Sha256,
    },
    /// The gateway ended in order.
    Stop,
    /// Revocations that the store had never taken were stored from the log.
    Replayed {
        /// How many.
        revocations: u64,
        /// The epoch of the last one.
        up_to: Epoch,
    },
    /// A segment of the log is in the archive, and is about to be removed here.
    Archive(Archived),
    /// A bundle came into force; the facts name its digest.
    Bundle {
        /// The version of the directory that came with it.
        directory_version: u64,
        /// The digest of its content.
        directory_digest: Sha256,
        /// The digest of the bundle that was in force until then; `None` at a start.
        replaces: Option<Sha256>,
    },
    /// A changed bundle was refused; the facts name the one that stays in force.
    BundleRefused(BundleRefused),
    /// A bundle was activated: signed, and durable that it was; the facts name its digest.
    Activation(Activated),
    /// A directory that the backend sent is stored, and comes into force.
    Directory(TakenUp),
    /// Something was revoked; the facts name the new epoch.
    Revocation(Revoked),
    /// What became of an event's delivery; the facts name its receipt.
    Delivery(Delivery),
    /// Somebody acted on the gateway itself otherwise, or was refused to; the facts name who.
    Admin(Administered),
    /// Somebody went from a person to the handle, or was refused to; the facts name who, and the handle if there is one.
    ReIdentified(ReIdentified),
    /// Changed certificates, keys and lists are taken up while the gateway runs.
    Key(KeysTakenUp),
    /// The wall clock was set while the gateway ran.
    Clock(ClockStepped),
    /// How the wall clock stands to the highest time that is known.
    ClockStands(ClockStands),
    /// A caller was told what became of a command of its own.
    Receipt {
        /// The command's receipt.
        of: Receipt,
    },
    /// A partner that calls was given a token.
    Issued(Issued),
    /// A backend is given a session token; the facts name the user, and why policy permits it.
    Session(SessionIssued),
}

/// A token that is given to a partner.
#[derive(Clone, Debug)]
pub struct Issued {
    /// Whom.
    pub partner: PartnerName,
    /// Its `jti`: random, ours.
    pub token: Box<str>,
    /// What it is good for, of the words of the partner's contract.
    pub scopes: Vec<Box<str>>,
}

impl Note {
    /// Whether it tells that something has no rights any more, or how something ended that was begun.
    pub(super) const fn narrows(&self) -> bool {
        matches!(self, Self::Revocation(_) | Self::Delivery(_))
    }

    /// Whether somebody waits for an answer who can be refused.
    pub(super) const fn is_of_a_request(&self) -> bool {
        matches!(
            self,
            Self::Directory(_)
                | Self::Revocation(_)
                | Self::Admin(_)
                | Self::Receipt { .. }
                | Self::Issued(_)
                | Self::Session(_)
        )
    }
}

/// A session token that is given out. Never the token itself.
#[derive(Clone, Debug)]
pub struct SessionIssued {
    /// Its `jti`: random, ours.
    pub token: Box<str>,
    /// How many rights it has.
    pub rights: u64,
    /// For how many seconds it is good.
    pub lifetime_s: u64,
}

/// An act of a person on the gateway itself that revoked nothing.
#[derive(Clone, Debug)]
pub struct Administered {
    /// Which one: `revoke`, `propose-lift`, `lift`, `subject`, `propose-erase`, `erase` or `erased`.
    pub act: &'static str,
    /// Why it ended so; [`Reason::Done`] of one that was taken, also where its effect is still to come.
    pub reason: Reason,
    /// What it was about: kind and keyed digest; `None` where the order named nothing that is known.
    pub about: Option<(&'static str, Sha256)>,
    /// Within which tenant; `None` for all.
    pub tenant: Option<TenantId>,
    /// What kind of person it was about: a user, a device, a car. The facts name the handle.
    pub person: Option<IdentifierKind>,
    /// Who had proposed what is confirmed now.
    pub proposed_by: Option<PersonName>,
    /// The epoch that a lifting makes.
    pub epoch: Option<Epoch>,
    /// Until when a proposal may be confirmed.
    pub until: Option<UnixMillis>,
}

/// Going from a person to the handle.
#[derive(Clone, Debug)]
pub struct ReIdentified {
    /// What kind of person: a user, a device, a car.
    pub person: IdentifierKind,
    /// Why, as somebody else can read it there.
    pub ticket: Ticket,
    /// Why it ended so; [`Reason::Done`] of a handle that is told.
    pub reason: Reason,
}

/// Certificates, keys and lists that come into force in the place of others.
#[derive(Clone, Debug)]
pub struct KeysTakenUp {
    /// One digest over all files that are watched.
    pub digest: Sha256,
    /// The same of those that were in force; `None` if that is not known.
    pub replaces: Option<Sha256>,
    /// The digest of each file that changed and is no secret.
    pub changed: Vec<Sha256>,
    /// How many secret files changed: of those nothing is told.
    pub secrets: u64,
}

/// A wall clock that was set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClockStepped {
    /// What it would show had it gone on as before.
    pub expected: UnixMillis,
    /// Whether it was set forward, not back.
    pub forward: bool,
    /// By how much, in milliseconds.
    pub by_ms: u64,
}

/// How a wall clock stands to the highest time that is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClockStands {
    /// How.
    pub standing: ClockStanding,
    /// The highest time that is known.
    pub highest: UnixMillis,
    /// How much less the clock shows, in milliseconds; zero where it shows no less.
    pub by_ms: u64,
}

/// How it may stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClockStanding {
    /// It shows less, by more than clocks may differ: from now on nothing moves.
    Behind,
    /// It has caught up: from now on things move again.
    CaughtUp,
    /// A person has accepted what it shows, before this start.
    Accepted,
}

impl ClockStanding {
    /// The stable word for records.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Behind => "behind",
            Self::CaughtUp => "caught-up",
            Self::Accepted => "accepted",
        }
    }
}

/// A bundle that did not come into force.
#[derive(Clone, Copy, Debug)]
pub struct BundleRefused {
    /// Its digest; `None` where not all of its files could be read.
    pub offered: Option<Sha256>,
    /// The code of the first of its faults.
    pub fault: &'static str,
    /// How many faults there are.
    pub faults: u64,
}

/// A bundle that comes into force and was not before.
#[derive(Clone, Debug)]
pub struct Activated {
    /// Its sequence.
    pub sequence: u64,
    /// The digest of its list of personal data.
    pub data: Sha256,
    /// The digest of the bundle that was activated before it; `None` for the first.
    pub before: Option<Sha256>,
    /// Who signed it, in which role.
    pub signed_by: Vec<(SigningRole, PersonName)>,
}

/// A directory that is taken up.
#[derive(Clone, Debug)]
pub struct TakenUp {
    /// The data's revision.
    pub revision: u64,
    /// The digest of its content.
    pub digest: Sha256,
    /// When the backend made it, as it says.
    pub made_at: Option<UnixMillis>,
    /// How many houses it has.
    pub houses: u64,
    /// How many doors.
    pub doors: u64,
}

/// What was revoked.
#[derive(Clone, Debug)]
pub struct Revoked {
    /// The word of its kind.
    pub kind: &'static str,
    /// Whose it was, as a keyed digest: the one under which the store holds the revocation. No handle, because an order
    /// names no issuer.
    pub digest: Sha256,
    /// Within which tenant; `None` for all.
    pub tenant: Option<TenantId>,
    /// The epoch that it made.
    pub epoch: Epoch,
    /// Whether it was stored when it was recorded. If not, it is in force on this node, and tried again.
    pub stored: bool,
}

impl Administered {
    /// An act that ended so, of which nothing more is known.
    #[must_use]
    pub const fn of(act: &'static str, reason: Reason, about: Option<(&'static str, Sha256)>) -> Self {
        Self { act, reason, about, tenant: None, person: None, proposed_by: None, epoch: None, until: None }
    }
}

impl Outcome {
    /// An outcome of which nothing more is known.
    #[must_use]
    pub fn new(state: OutcomeState, reason: Reason) -> Self {
        Self {
            state,
            reason,
            partner_status: None,
            detail: None,
            at: None,
            keep: None,
            sizes: Sizes::default(),
            steps: Steps::default(),
        }
    }
}

impl OutcomeState {
    /// All states, in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::Done, Self::Refused, Self::Withdrawn, Self::NotSent, Self::Unknown];

    /// The word in a record.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::NotSent => "not-sent",
            Self::Unknown => "unknown",
        }
    }
}
