//! One question to the policies, as plain values: who, what, on which thing, with which rights.
//!
//! The pipeline asks by way of the proofs ([`Policies::decide`](crate::policy::Policies::decide)); what a question yields is
//! no proof, so explaining and measuring may put one together by hand.

use crate::clock::UnixSeconds;
use crate::identity::Caller;
use crate::json::Value;
use crate::model::ActionName;
use crate::model::Located;
use crate::model::PartnerName;
use crate::model::Right;
use crate::model::RightKind;
use crate::model::Stranger;
use crate::model::TenantId;

/// What is asked. Values that came from a token or a body are borrowed, and never printed.
pub struct Question<'a> {
    /// The partner towards whom the operation goes; `None` where it is about none.
    pub partner: Option<&'a PartnerName>,
    /// The action.
    pub action: &'a ActionName,
    /// What the contract says the operation is for.
    pub purpose: &'a str,
    /// The name in the peer's certificate.
    pub peer: &'a str,
    /// The token's holder.
    pub bearer: Bearer<'a>,
    /// The entries of the token's rights that are for this operation.
    pub grants: Vec<Grant<'a>>,
    /// The right that is asked for; `None` where something is done.
    pub right: Option<(RightKind, &'a str)>,
    /// The thing.
    pub located: &'a Located,
    /// The time; `None` where nothing is asked of it.
    pub now: Option<UnixSeconds>,
    /// The command's age in whole seconds; `None` where it carries no time.
    pub age_seconds: Option<u64>,
    /// A validated value of the request by its name.
    pub request: &'a dyn Fn(&str) -> Option<&'a Value>,
}

/// What a verified token says of its holder.
#[derive(Clone, Copy, Default)]
pub struct Bearer<'a> {
    /// The token's issuer.
    pub issuer: &'a str,
    /// The person's id at the issuer.
    pub subject: &'a str,
    /// The management company that the person belongs to.
    pub tenant: Option<&'a TenantId>,
    /// `session` or `sign-in`.
    pub kind: &'static str,
    /// The app instance.
    pub device: Option<&'a str>,
    /// The OAuth client.
    pub client_id: Option<&'a str>,
    /// At which level the person was authenticated.
    pub acr: Option<&'a str>,
    /// By which means.
    pub amr: &'a [Stranger],
    /// When the person was last authenticated.
    pub authenticated_at: Option<UnixSeconds>,
    /// Roles.
    pub roles: &'a [Stranger],
    /// Scopes.
    pub scopes: &'a [Stranger],
    /// The houses that the issuer says are the person's.
    pub houses: &'a [Stranger],
}

impl<'a> Bearer<'a> {
    /// The holder of a caller's token; `None` where it has none.
    pub(super) fn of(caller: &'a Caller) -> Option<Self> {
        let token = caller.token()?;
        Some(Self {
            issuer: &token.issuer,
            subject: token.subject.expose(),
            tenant: token.tenant.as_ref(),
            kind: token.kind.word(),
            device: token.device.as_ref().map(Stranger::expose),
            client_id: Some(token.client_id.expose()),
            acr: token.acr.as_ref().map(Stranger::expose),
            amr: &token.amr,
            authenticated_at: token.auth_time,
            roles: &token.roles,
            scopes: &token.scopes,
            houses: &token.houses,
        })
    }
}

/// One right: to a door or barrier of a house, or to the whole house.
#[derive(Clone, Copy)]
pub struct Grant<'a> {
    /// What it is for.
    pub kind: RightKind,
    /// The house.
    pub house: &'a str,
    /// The door or barrier; `None` for all of them, or for the house itself.
    pub thing: Option<&'a str>,
}

impl<'a> Grant<'a> {
    /// What a right grants, thing by thing.
    pub(super) fn of(right: &'a Right) -> impl Iterator<Item = Self> {
        let one = |thing: Option<&'a Stranger>| Self {
            kind: right.kind,
            house: right.house.expose(),
            thing: thing.map(Stranger::expose),
        };
        right.things().map(one)
    }
}
