//! A case as it is played: everything resolved, nothing left to default. `docs/policy-tests.md` has the format as it is
//! written; here is what it means.

use crate::clock::UnixMillis;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::directory::Directory;
use crate::identity::TokenKind;
use crate::model::Direction;
use crate::model::Extent;
use crate::model::PartnerName;
use crate::model::Reason;
use crate::model::Right;
use crate::model::RightKind;
use crate::model::Stranger;
use crate::model::TenantId;
use crate::model::Window;
use crate::pipeline::RevocationKind;
use crate::workbench::pattern::Pattern;
use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One case: who asks for what, when and among which facts, and what must come of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name, unique in the suite; of a matrix with the values of its row: `opens [role=resident]`.
    pub name: String,
    /// The file that it stands in.
    pub source: Source,
    /// Where in it the case begins.
    pub place: Place,
    /// What the clock shows, from the first to the last step.
    pub at: UnixMillis,
    /// The directory in force.
    pub directory: Arc<Directory>,
    /// The revocations in force: kind, tenant (`None` for all), value.
    pub revoked: Vec<(RevocationKind, Option<TenantId>, String)>,
    /// Who asks.
    pub caller: CaseCaller,
    /// For what.
    pub asks: Asks,
    /// What the partner answers, if it comes to that, and of an event its receiver. `None` where the case says nothing: then
    /// a partner closes without a word, and an event's receiver takes it.
    pub answer: Option<CaseAnswer>,
    /// What must come of it.
    pub expect: Expectation,
}

/// Who asks: the peer of the connection, and perhaps a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CaseCaller {
    /// The one name in the peer's certificate.
    pub peer: String,
    /// The token beside it, if there is one.
    pub token: Option<CaseToken>,
    /// What a partner's own token is good for, if it brings one.
    pub client: Option<Vec<String>>,
}

/// A token, as its issuer would sign it: every claim here becomes one of a token that is really signed and verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CaseToken {
    /// What tokens of its issuer are good for.
    pub kind: TokenKind,
    /// `iss`; `None` for a name of the stage's own.
    pub issuer: Option<String>,
    /// `sub`.
    pub subject: String,
    /// `tenant`.
    pub tenant: Option<String>,
    /// `roles`.
    pub roles: Vec<String>,
    /// `scope`, word by word.
    pub scopes: Vec<String>,
    /// `acr`.
    pub acr: Option<String>,
    /// `amr`.
    pub amr: Vec<String>,
    /// How many seconds ago the user was authenticated, where the token says.
    pub auth_age_s: Option<u64>,
    /// `authorization_details`.
    pub rights: Vec<CaseRight>,
    /// `houses`.
    pub houses: Vec<String>,
    /// `device_id`.
    pub device: Option<String>,
    /// `car_id`.
    pub car: Option<String>,
    /// `sid`.
    pub session: Option<String>,
    /// `client_id`.
    pub client: String,
    /// `jti`.
    pub id: String,
    /// How many seconds ago it was issued.
    pub age_s: u64,
    /// How many seconds it is good for, from then on.
    pub lifetime_s: u64,
    /// The peer to whose certificate it is bound, or, of a session, which is bound to the app's key, through which peer it was
    /// issued; `None` for a token that is bound to nothing.
    pub bound_to: Option<String>,
}

/// One entry of `authorization_details`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CaseRight {
    /// `type`.
    pub kind: RightKind,
    /// `actions`.
    pub actions: Vec<String>,
    /// `house`.
    pub house: String,
    /// The things of the house that it is for, under the members that its type names; none for all of it.
    pub things: Vec<String>,
    /// When it counts.
    pub window: Window,
    /// `grant_id`.
    pub grant: Option<String>,
}

impl CaseRight {
    /// The right as a token has it.
    #[must_use]
    pub fn right(&self) -> Right {
        let stranger = |text: &String| Stranger::new(text.as_str());
        let things: Vec<Stranger> = self.things.iter().map(stranger).collect();
        Right {
            kind: self.kind,
            actions: self.actions.iter().map(stranger).collect(),
            house: stranger(&self.house),
            extent: if things.is_empty() { Extent::Whole } else { Extent::Only(things) },
            window: self.window.clone(),
            grant: self.grant.as_ref().map(stranger),
        }
    }
}

/// Where a session is asked for.
pub(super) const SESSION_PATH: &str = "/-/oauth/token";

/// What is asked for.
#[derive(Clone, Debug)]
pub enum Asks {
    /// A request: an operation, at the door of whoever may ask for it, or one of the gateway's own paths.
    Request {
        /// The partner whose authority it is sent to.
        partner: PartnerName,
        /// Inbound what a partner asks the backend.
        direction: Direction,
        /// The method.
        method: Method,
        /// Path and query, raw, as they are sent.
        target: String,
        /// All fields but `Host`, `Authorization` and framing.
        fields: HeaderMap,
        /// The body, as it is sent.
        body: Bytes,
        /// Whether the directory's key signs the body (`PUT /-/directory`).
        signed: bool,
    },
    /// An event: of the backend (`POST /-/events`) or of the partner, at its door.
    Event {
        /// The partner that it goes to or comes from.
        partner: PartnerName,
        /// Which way it goes.
        direction: Direction,
        /// Its sender's id of it.
        id: String,
        /// The body; of a partner's event with pseudonyms in it.
        body: Pattern,
        /// How a partner's event is signed.
        signed: SignedAs,
        /// The tenant of the pseudonyms in the body, where none is named beside them.
        tenant: Option<TenantId>,
    },
}

/// How a partner's event is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignedAs {
    /// With the partner's secret.
    Rightly,
    /// With another one.
    Wrongly,
    /// Not at all.
    Not,
}

/// What stands at the other end.
#[derive(Clone, Debug)]
pub enum CaseAnswer {
    /// One whole answer.
    Whole {
        /// The status.
        status: u16,
        /// Its fields, without framing.
        fields: Vec<(String, String)>,
        /// The body; `None` for none.
        body: Option<Pattern>,
        /// The tenant of the pseudonyms in it, where none is named beside them.
        tenant: Option<TenantId>,
    },
    /// No valid answer.
    Fault(PartnerFault),
}

/// How a partner fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PartnerFault {
    /// It takes no connection: nothing of the command leaves.
    Unreachable,
    /// It takes the command, and closes without a word.
    BreaksOff,
    /// It takes the command, and answers something that is no HTTP.
    Garbage,
    /// It takes the command, and says nothing until the deadline.
    Silent,
}

/// What must come of a case. What is `None` is not held against anything.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// Whether it is let through: an intent, an event, a revocation or an update of the directory is on record.
    pub allowed: bool,
    /// The reason on record.
    pub reason: Option<Reason>,
    /// The ids of exactly the policies that determine the decision.
    pub policies: Option<BTreeSet<String>>,
    /// What goes on: to the partner, or of a partner's event to the backend. Of what is refused, nothing.
    pub sent: Option<ExpectedPartner>,
    /// What the caller receives.
    pub reply: Option<ExpectedReply>,
}

/// What must go on.
#[derive(Clone, Debug)]
pub enum ExpectedPartner {
    /// Nothing at all.
    Nothing,
    /// One request.
    Request {
        /// The method.
        method: Option<String>,
        /// Path and query; `{user:resident-ivanov}` in it stands for the pseudonym.
        path: Option<Pattern>,
        /// Fields that must have these values.
        fields: Vec<(String, String)>,
        /// The body, as JSON.
        body: Option<Pattern>,
        /// Claims of the partner token that must have these values.
        token: Vec<(String, Pattern)>,
        /// The tenant of the pseudonyms in it, where none is named beside them.
        tenant: Option<TenantId>,
    },
}

/// What the caller must receive.
#[derive(Clone, Debug)]
pub struct ExpectedReply {
    /// The status.
    pub status: Option<u16>,
    /// The kind of problem: the last part of the document's `type`.
    pub problem: Option<String>,
    /// Fields that must have these values.
    pub fields: Vec<(String, String)>,
    /// The body, as JSON.
    pub body: Option<Pattern>,
}
