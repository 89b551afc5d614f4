//! The rights that a session is given: of those that are asked for, exactly the ones that are contained in a right of the subject
//! token and that policy permits to be issued (`issueSession`). Nothing is added, and nothing is stretched to fit.
//!
//! A right that is asked for is taken apart into pieces, one action at one thing each (or at the house as a whole), and each
//! piece stands for itself:
//!
//! - It must be **contained** in one right of the token: of the same type, in the same house, with this action, reaching this
//!   thing, and with a window that holds all of the piece's window. Whoever asks for longer than the token has it, or for a house
//!   where the token names a door, is not given the part that would fit: the piece is left out. A right that is revoked, or
//!   outside its window now, contains nothing.
//! - The thing must be **known** and stand in the token's tenant, if the token has one.
//! - Policy must **permit** it: the principal is the `User` of the token, the resource the `Door`, `Barrier` or `House`, as no
//!   partner's (`entities.rs`), and `rightType` and `rightAction` say what is asked for.
//!
//! What is left is put together again; each right keeps the window that was asked for and the `grant_id` of the right that
//! contains it, so that revoking that grant ends the session's right too.
//!
//! Fail closed: where a policy cannot be evaluated for one piece, there is no session at all; nor is there one without rights.

use crate::clock::UnixMillis;
use crate::identity::Caller;
use crate::model::ActionName;
use crate::model::Extent;
use crate::model::Located;
use crate::model::ResourceId;
use crate::model::Right;
use crate::model::Stranger;
use crate::policy::Decision;
use crate::policy::Judgement;
use crate::policy::Policies;
use crate::policy::PolicyFault;
use crate::policy::entities::BARRIER;
use crate::policy::entities::DOOR;
use crate::policy::entities::HOUSE;
use crate::policy::own::ISSUE_SESSION;
use crate::policy::question::Bearer;
use crate::policy::question::Grant;
use crate::policy::question::Question;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The most pieces that one session may ask for. Each is a question to the policies, and nobody has so many doors.
const PIECES_MAX: usize = 256;

/// Proof that these rights may be issued to the holder of a token: no more than the token has, and all permitted.
///
/// The policies make it of a caller's token:
/// ```
/// use portcullis::{clock::UnixMillis, identity::Caller, model::{Located, ResourceId, Right, Stranger}};
/// use portcullis::policy::{Narrowed, Policies, PolicyFault};
/// type Locate<'a> = &'a dyn Fn(&ResourceId) -> Option<Located>;
/// fn narrow(p: &Policies, c: &Caller, asked: &[Right], l: Locate<'_>, now: UnixMillis) -> Result<Narrowed, PolicyFault> {
///     p.narrow(c, asked, &|_: &Stranger| true, l, now)
/// }
/// ```
/// Rights alone are not enough:
/// ```compile_fail
/// use portcullis::{clock::UnixMillis, identity::Caller, model::{Located, ResourceId, Right, Stranger}};
/// use portcullis::policy::{Narrowed, Policies, PolicyFault};
/// type Locate<'a> = &'a dyn Fn(&ResourceId) -> Option<Located>;
/// fn narrow(p: &Policies, c: &Caller, asked: &[Right], l: Locate<'_>, now: UnixMillis) -> Result<Narrowed, PolicyFault> {
///     p.narrow(asked, asked, &|_: &Stranger| true, l, now)
/// }
/// ```
#[derive(Debug)]
#[must_use = "without this proof no session is issued"]
pub struct Narrowed {
    rights: Vec<Right>,
    pieces: Vec<Piece>,
    decision: Decision,
}

/// What became of one piece of what was asked for.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The place among the rights that were asked for.
    pub asked: usize,
    /// The action.
    pub action: Stranger,
    /// The thing of the right's house; `None` for all of it.
    pub thing: Option<Stranger>,
    /// Whether it is given.
    pub given: bool,
    /// What the policies said; `None` where they were not asked: no right of the token contains it, or the thing is unknown or
    /// another tenant's.
    pub decision: Option<Decision>,
}

impl Policies {
    /// Of the rights that are `asked` for, those that a session of this caller's token may have at `now`.
    ///
    /// `stands` tells whether the grant of this id is not revoked; `locate` what the directory knows of a thing.
    ///
    /// # Errors
    /// [`PolicyFault::Denied`] where nothing is left, or more is asked for than one session may; [`PolicyFault::Errored`] where a
    /// policy could not be evaluated.
    pub fn narrow(
        &self,
        caller: &Caller,
        asked: &[Right],
        stands: &dyn Fn(&Stranger) -> bool,
        locate: &dyn Fn(&ResourceId) -> Option<Located>,
        now: UnixMillis,
    ) -> Result<Narrowed, PolicyFault> {
        let (Some(token), Some(bearer), Ok(action)) =
            (caller.token(), Bearer::of(caller), ActionName::new(ISSUE_SESSION))
        else {
            return Err(PolicyFault::Denied(Box::default()));
        };
        let pieces_of = |right: &Right| right.actions.len().saturating_mul(right.things().count());
        if asked.iter().map(pieces_of).fold(0, usize::saturating_add) > PIECES_MAX {
            return Err(PolicyFault::Denied(Box::default()));
        }
        let issue = Issue { policies: self, action, caller, bearer, rights: &token.rights, stands, locate, now };
        let mut narrowed = Narrowed { rights: Vec::new(), pieces: Vec::new(), decision: Decision::default() };
        let (mut denied_by, mut permitted_by, mut errors) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (index, right) in asked.iter().enumerate() {
            let mut given: Vec<(&Stranger, Option<&Stranger>, Option<&Stranger>)> = Vec::new();
            for (action, thing) in
                right.actions.iter().flat_map(|action| right.things().map(move |thing| (action, thing)))
            {
                let (source, judgement) = issue.judge(right, action, thing).unzip();
                let is_given = matches!(judgement, Some(Judgement::Permits(_)));
                if is_given && let Some(source) = source {
                    given.push((action, thing, source.grant.as_ref()));
                }
                let decision = judgement.map(|judgement| {
                    let said = match &judgement {
                        Judgement::Permits(_) => &mut permitted_by,
                        Judgement::Denies(_) | Judgement::Errs(_) => &mut denied_by,
                    };
                    let (Judgement::Permits(decision) | Judgement::Denies(decision) | Judgement::Errs(decision)) =
                        judgement;
                    said.extend(decision.policies.iter().cloned());
                    errors.extend(decision.errors.iter().cloned());
                    decision
                });
                let (action, thing) = (action.clone(), thing.cloned());
                narrowed.pieces.push(Piece { asked: index, action, thing, given: is_given, decision });
            }
            narrowed.rights.extend(put_together(right, &given));
        }
        let policies: BTreeSet<Arc<str>> = if narrowed.rights.is_empty() { denied_by } else { permitted_by };
        narrowed.decision.policies = policies.into_iter().collect();
        narrowed.decision.errors = errors.into_iter().collect();
        match (narrowed.decision.errors.is_empty(), narrowed.rights.is_empty()) {
            (false, _) => Err(PolicyFault::Errored(Box::new(narrowed.decision))),
            (true, true) => Err(PolicyFault::Denied(Box::new(narrowed.decision))),
            (true, false) => Ok(narrowed),
        }
    }
}

impl Narrowed {
    /// The rights.
    #[must_use]
    pub fn rights(&self) -> &[Right] {
        &self.rights
    }

    /// What became of each piece, in the order in which they were asked for.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Whether something of what was asked for was left out.
    #[must_use]
    pub fn left_out(&self) -> bool {
        self.pieces.iter().any(|piece| !piece.given)
    }

    /// What was decided as a whole, for the record: the policies that permitted what is given. Inputs differ from piece to piece.
    #[must_use]
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }
}

/// What one session is issued by.
struct Issue<'a> {
    policies: &'a Policies,
    action: ActionName,
    caller: &'a Caller,
    bearer: Bearer<'a>,
    /// All rights of the token.
    rights: &'a [Right],
    stands: &'a dyn Fn(&Stranger) -> bool,
    locate: &'a dyn Fn(&ResourceId) -> Option<Located>,
    now: UnixMillis,
}

impl<'a> Issue<'a> {
    /// The right of the token that contains a piece, and what the policies say to it; `None` where they need not be asked.
    fn judge(&self, asked: &Right, action: &Stranger, thing: Option<&Stranger>) -> Option<(&'a Right, Judgement)> {
        let located = (self.locate)(&resource(asked, thing)?)?;
        let is_own = self.bearer.tenant.is_none_or(|tenant| *tenant == located.tenant);
        if !is_own || !asked.counts(self.now.seconds().get(), &located) {
            return None;
        }
        let source = self.rights.iter().find(|right| self.contains(right, asked, action, thing, &located))?;
        let for_this = |right: &&Right| right.is_for(asked.kind, action.expose()) && self.is_good(right, &located);
        let judgement = self.policies.judge(&Question {
            partner: None,
            action: &self.action,
            purpose: "",
            peer: self.caller.peer().name(),
            bearer: self.bearer,
            grants: self.rights.iter().filter(for_this).flat_map(Grant::of).collect(),
            right: Some((asked.kind, action.expose())),
            located: &located,
            now: Some(self.now.seconds()),
            age_seconds: None,
            request: &|_| None,
        });
        Some((source, judgement))
    }

    /// Whether a right of the token counts now.
    fn is_good(&self, right: &Right, located: &Located) -> bool {
        right.grant.as_ref().is_none_or(|grant| (self.stands)(grant)) && right.counts(self.now.seconds().get(), located)
    }

    /// Whether a right of the token is at least a piece of what is asked for. One that is asked for by the name of its grant is
    /// that one and no other.
    fn contains(
        &self,
        right: &Right,
        asked: &Right,
        action: &Stranger,
        thing: Option<&Stranger>,
        located: &Located,
    ) -> bool {
        right.is_for(asked.kind, action.expose())
            && right.house == asked.house
            && right.reaches(thing)
            && right.window.contains(&asked.window)
            && (asked.grant.is_none() || asked.grant == right.grant)
            && self.is_good(right, located)
    }
}

/// The thing that a piece is about; `None` for one that no right can be about.
fn resource(right: &Right, thing: Option<&Stranger>) -> Option<ResourceId> {
    let kind = match (thing, right.kind.thing()) {
        (None, _) => HOUSE,
        (Some(_), Some("door")) => DOOR,
        (Some(_), Some("barrier")) => BARRIER,
        (Some(_), _) => return None,
    };
    let parts = [Some(&right.house), thing].into_iter().flatten().map(|part| Box::from(part.expose()));
    Some(ResourceId { kind: kind.into(), parts: parts.collect() })
}

/// The pieces that are given, as rights that grant these and no others: things for which the same actions are given by the same
/// grant share a right.
fn put_together(asked: &Right, given: &[(&Stranger, Option<&Stranger>, Option<&Stranger>)]) -> Vec<Right> {
    let mut rights: Vec<Right> = Vec::new();
    for thing in asked.things() {
        let of_thing = || given.iter().filter(move |(_, of, _)| *of == thing);
        let grants: BTreeSet<Option<&Stranger>> = of_thing().map(|(_, _, grant)| *grant).collect();
        for grant in grants {
            let mut actions: Vec<Stranger> = Vec::new();
            for (action, ..) in of_thing().filter(|(_, _, by)| *by == grant) {
                if !actions.contains(action) {
                    actions.push((*action).clone());
                }
            }
            let right = Right {
                kind: asked.kind,
                actions,
                house: asked.house.clone(),
                extent: thing.map_or(Extent::Whole, |thing| Extent::Only(vec![thing.clone()])),
                window: asked.window.clone(),
                grant: grant.cloned(),
            };
            add(&mut rights, right);
        }
    }
    rights
}

/// Adds a right to one thing, to the right that grants the same if there is one.
fn add(rights: &mut Vec<Right>, right: Right) {
    let same = |known: &&mut Right| known.actions == right.actions && known.grant == right.grant;
    if let Some(Right { extent: Extent::Only(things), .. }) = rights.iter_mut().find(same)
        && let Extent::Only(more) = &right.extent
    {
        things.extend(more.iter().filter(|thing| !things.contains(thing)).cloned().collect::<Vec<_>>());
    } else {
        rights.push(right);
    }
}
