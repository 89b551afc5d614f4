//! From the proofs of the steps before to one question, and from its judgement to the proof of permission, or why there
//! is none.

use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::contract::Rebuilt;
use crate::guard::Admitted;
use crate::identity::Caller;
use crate::model::Direction;
use crate::model::Located;
use crate::model::Right;
use crate::model::TenantId;
use crate::model::Window;
use crate::policy::Decision;
use crate::policy::Judgement;
use crate::policy::Policies;
use crate::policy::question::Bearer;
use crate::policy::question::Grant;
use crate::policy::question::Question;
use std::sync::Arc;

/// Proof that policy permits one command on one thing. Only an Allow without any policy error makes one.
///
/// Who was admitted, and what was rebuilt, is decided about:
/// ```
/// use portcullis::{clock::UnixMillis, contract::{Declared, Rebuilt}, guard::Admitted, identity::Caller, model::Located};
/// use portcullis::policy::{Permit, Policies, PolicyFault};
/// # type Decided = Result<Permit, PolicyFault>;
/// fn decide(p: &Policies, d: &Declared, a: &Admitted, c: &Caller, r: &Rebuilt, l: &Located, now: UnixMillis) -> Decided {
///     p.decide(a, c, r, l, now)
/// }
/// ```
/// What the guard did not admit is not decided about:
/// ```compile_fail
/// use portcullis::{clock::UnixMillis, contract::{Declared, Rebuilt}, guard::Admitted, identity::Caller, model::Located};
/// use portcullis::policy::{Permit, Policies, PolicyFault};
/// # type Decided = Result<Permit, PolicyFault>;
/// fn decide(p: &Policies, d: &Declared, a: &Admitted, c: &Caller, r: &Rebuilt, l: &Located, now: UnixMillis) -> Decided {
///     p.decide(d, c, r, l, now)
/// }
/// ```
/// Nor is a request whose body nobody rebuilt:
/// ```compile_fail
/// use portcullis::{clock::UnixMillis, contract::{Declared, Rebuilt}, guard::Admitted, identity::Caller, model::Located};
/// use portcullis::policy::{Permit, Policies, PolicyFault};
/// # type Decided = Result<Permit, PolicyFault>;
/// fn decide(p: &Policies, d: &Declared, a: &Admitted, c: &Caller, r: &Rebuilt, l: &Located, now: UnixMillis) -> Decided {
///     p.decide(a, c, d, l, now)
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use = "without this proof nothing is protected, recorded or sent"]
pub struct Permit {
    decision: Arc<Decision>,
    located: Arc<Located>,
    /// The rights that policies were shown and that do not always count.
    windowed: Arc<[Right]>,
}

/// Why there is no permit. Either way the record gets the decision, and the caller gets the same answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PolicyFault {
    /// A policy forbids it, or none permits it.
    #[error("policy denies")]
    Denied(Box<Decision>),
    /// A policy could not be evaluated; what the others say does not matter.
    #[error("a policy could not be evaluated")]
    Errored(Box<Decision>),
}

impl Policies {
    /// Asks whether this caller may do this to this thing, at `now`.
    ///
    /// `located` is what the directory knows of the request's own resource; of any other the answer is a deny, and so it is for a
    /// caller without the token that the operation's direction wants: a person's outward, the contract's partner's inward.
    ///
    /// # Errors
    /// [`PolicyFault::Denied`] where a forbid holds or no permit does; [`PolicyFault::Errored`] where a policy could not
    /// be evaluated.
    pub fn decide(
        &self,
        admitted: &Admitted,
        caller: &Caller,
        rebuilt: &Rebuilt,
        located: &Located,
        now: UnixMillis,
    ) -> Result<Permit, PolicyFault> {
        if located.resource != *rebuilt.resource() {
            return Err(PolicyFault::Denied(Box::default()));
        }
        let judgement = match rebuilt.operation().direction {
            Direction::Outbound => self.judge_user(admitted, caller, rebuilt, located, now),
            Direction::Inbound => self.judge_client(admitted, caller, rebuilt, located, now),
        };
        let decision = judgement.into_permission()?;
        let windowed = match rebuilt.operation().direction {
            Direction::Outbound => shown(admitted, caller, rebuilt, located, now),
            Direction::Inbound => Vec::new(),
        };
        let windowed = windowed.into_iter().filter(|right| right.window != Window::default()).cloned().collect();
        Ok(Permit { decision: Arc::new(decision), located: Arc::new(located.clone()), windowed })
    }

    /// What a person asks through the backend.
    fn judge_user(
        &self,
        admitted: &Admitted,
        caller: &Caller,
        rebuilt: &Rebuilt,
        located: &Located,
        now: UnixMillis,
    ) -> Judgement {
        let Some(bearer) = Bearer::of(caller) else {
            return Judgement::Denies(Decision::default());
        };
        let operation = rebuilt.operation();
        let request = |name: &str| rebuilt.value(name);
        self.judge(&Question {
            partner: Some(rebuilt.contract().partner()),
            action: &operation.action,
            purpose: operation.purpose.as_str(),
            peer: caller.peer().name(),
            bearer,
            grants: shown(admitted, caller, rebuilt, located, now).into_iter().flat_map(Grant::of).collect(),
            right: None,
            located,
            now: Some(now.seconds()),
            age_seconds: admitted.age_s(now),
            request: &request,
        })
    }

    /// What a partner asks by its own token: of its own contract, and of no other.
    fn judge_client(
        &self,
        admitted: &Admitted,
        caller: &Caller,
        rebuilt: &Rebuilt,
        located: &Located,
        now: UnixMillis,
    ) -> Judgement {
        let partner = rebuilt.contract().partner();
        let Some(client) = caller.client().filter(|client| client.partner == *partner) else {
            return Judgement::Denies(Decision::default());
        };
        let operation = rebuilt.operation();
        let request = |name: &str| rebuilt.value(name);
        self.judge_of_client(&Question {
            partner: Some(partner),
            action: &operation.action,
            purpose: operation.purpose.as_str(),
            peer: caller.peer().name(),
            bearer: Bearer {
                issuer: &client.issuer,
                client_id: Some(&client.client_id),
                scopes: &client.scopes,
                ..Bearer::default()
            },
            grants: Vec::new(),
            right: None,
            located,
            now: Some(now.seconds()),
            age_seconds: admitted.age_s(now),
            request: &request,
        })
    }
}

/// The rights of the token that policies are shown. An operation that wants none is shown none; a right that is revoked is none,
/// and so is one outside its window.
fn shown<'c>(
    admitted: &Admitted,
    caller: &'c Caller,
    rebuilt: &Rebuilt,
    located: &Located,
    now: UnixMillis,
) -> Vec<&'c Right> {
    let Some((token, wanted)) = caller.token().zip(rebuilt.operation().right.as_ref()) else { return Vec::new() };
    let counts = |right: &&Right| {
        let is_wanted = right.is_for(wanted.kind, wanted.action.as_str());
        is_wanted && admitted.may_use(right.grant.as_ref()) && right.counts(now.seconds().get(), located)
    };
    token.rights.iter().filter(counts).collect()
}

impl Judgement {
    /// The decision that permits.
    ///
    /// # Errors
    /// [`PolicyFault`] with the decision that does not.
    pub(super) fn into_permission(self) -> Result<Decision, PolicyFault> {
        match self {
            Self::Permits(decision) => Ok(decision),
            Self::Denies(decision) => Err(PolicyFault::Denied(Box::new(decision))),
            Self::Errs(decision) => Err(PolicyFault::Errored(Box::new(decision))),
        }
    }
}

impl Permit {
    /// What was decided, for the record.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The thing it was decided about: its tenant, its ancestors, the directory's version.
    #[must_use]
    pub fn located(&self) -> &Located {
        &self.located
    }

    /// The tenant in which the thing stands.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.located.tenant
    }

    /// Whether every right that policies were shown counts at `now` still.
    #[must_use]
    pub fn rights_count(&self, now: UnixSeconds) -> bool {
        self.windowed.iter().all(|right| right.counts(now.get(), &self.located))
    }

    /// A permit for the tests of rooms that demand one.
    #[cfg(test)]
    pub fn for_test(located: Located, policies: &[&str]) -> Self {
        let policies = policies.iter().map(|id| Arc::from(*id)).collect();
        let decision = Arc::new(Decision { policies, ..Decision::default() });
        Self { decision, located: Arc::new(located), windowed: Arc::default() }
    }
}

impl PolicyFault {
    /// What was decided, for the record.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        match self {
            Self::Denied(decision) | Self::Errored(decision) => decision,
        }
    }
}
