//! Admission: a declared command of a known caller that is neither revoked, nor too fast, nor too old. No body has been read
//! yet.

use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::contract::Declared;
use crate::crypto::Standing;
use crate::guard::age::CommandAge;
use crate::guard::age::command_age;
use crate::guard::fault::GuardFault;
use crate::guard::kind::RevocationKind;
use crate::guard::rate::Counted;
use crate::guard::rate::Paced;
use crate::guard::rate::RateFault;
use crate::guard::rate::RateOf;
use crate::guard::revocation::Revocable;
use crate::guard::revocation::Stoppable;
use crate::guard::standing::Guard;
use crate::guard::step_up::authenticated;
use crate::identity::Caller;
use crate::identity::Proof;
use crate::identity::Subject;
use crate::model::Epoch;
use crate::model::OperationId;
use crate::model::PartnerName;
use crate::model::Sha256;
use crate::model::Stranger;
use crate::model::TenantId;
use http::HeaderMap;
use std::sync::Arc;

/// Proof that a command was neither revoked, too fast nor late when it was asked; only [`Guard::admit`] makes one.
///
/// It remembers what was looked at, so that [`Guard::current`] asks the same again.
///
/// ```
/// use portcullis::{clock::UnixMillis, contract::Declared, guard::{Admitted, Guard, GuardFault, Paced}, identity::Caller};
/// # use http::HeaderMap;
/// fn admit(g: &Guard, p: Paced, d: &Declared, c: &Caller, f: &HeaderMap, now: UnixMillis) -> Result<Admitted, GuardFault> {
///     g.admit(p, d, c, f, now)
/// }
/// ```
/// Without a caller nothing is admitted:
/// ```compile_fail
/// use portcullis::{clock::UnixMillis, contract::Declared, guard::{Admitted, Guard, GuardFault, Paced}, identity::Caller};
/// # use http::HeaderMap;
/// fn admit(g: &Guard, p: Paced, d: &Declared, c: &Caller, f: &HeaderMap, now: UnixMillis) -> Result<Admitted, GuardFault> {
///     g.admit(p, d, d, f, now)
/// }
/// ```
/// Nor is it before its peer's rate was asked:
/// ```compile_fail
/// use portcullis::{clock::UnixMillis, contract::Declared, guard::{Admitted, Guard, GuardFault, Paced}, identity::Caller};
/// # use http::HeaderMap;
/// fn admit(g: &Guard, p: Paced, d: &Declared, c: &Caller, f: &HeaderMap, now: UnixMillis) -> Result<Admitted, GuardFault> {
///     g.admit((), d, c, f, now)
/// }
/// ```
/// Nor what no contract declares:
/// ```compile_fail
/// use portcullis::{clock::UnixMillis, contract::Declared, guard::{Admitted, Guard, GuardFault}, identity::Caller};
/// # use http::HeaderMap;
/// fn admit(g: &Guard, d: &Declared, c: &Caller, f: &HeaderMap, now: UnixMillis) -> Result<Admitted, GuardFault> {
///     g.admit(c, c, f, now)
/// }
/// ```
#[derive(Debug)]
#[must_use = "without this proof the exchange ends here"]
pub struct Admitted {
    epoch: Epoch,
    revocable: Revocable,
    stoppable: Stoppable,
    /// The rights of the token for this operation that are revoked: policy is not shown them.
    withheld: Vec<Stranger>,
    age: Option<CommandAge>,
    token_expires_at: Option<UnixSeconds>,
    /// Whether its operation moves something.
    moves: bool,
    standing: Arc<Standing>,
}

/// What is asked for, as far as revocations, rates and age are concerned.
#[derive(Default)]
pub(super) struct Asked<'c> {
    /// The object's partner, type and id in the path; empty where there is none.
    pub(super) object: &'c [&'c str],
    pub(super) max_age_s: Option<u64>,
    /// Whether something moves.
    pub(super) moves: bool,
    pub(super) operation: Option<(PartnerName, OperationId)>,
    /// The ids of the token's rights for the operation.
    pub(super) grants: Vec<Stranger>,
}

impl Guard {
    /// Admits a command, if at `now` nothing of its caller is revoked or too fast, it is neither too old nor from the future, its
    /// proof of possession, where it has one, comes for the first time, and its user was authenticated as the operation
    /// demands.
    ///
    /// `fields` are all of the request's: two lines of `Command-Time` are a fault, not a choice. Who is revoked takes
    /// nothing from the rates that others share. A right of the token that is revoked ends nothing here: it is withheld
    /// from policy, and others may do.
    ///
    /// # Errors
    /// The faults of [`GuardFault`] that speak of revocations, rates, times, proofs and authentication.
    pub fn admit(
        &self,
        paced: Paced,
        declared: &Declared,
        caller: &Caller,
        fields: &HeaderMap,
        now: UnixMillis,
    ) -> Result<Admitted, GuardFault> {
        let ids = Ids::of(caller);
        let mut object = [declared.contract().partner().as_str(), &declared.operation().resource.kind].to_vec();
        let names = object.len();
        object.extend(declared.object_in_path());
        let object = if object.len() > names { &object[..] } else { &[] };
        let operation = declared.operation();
        let asked = Asked {
            object,
            max_age_s: operation.max_age_s,
            moves: operation.actuates.is_some(),
            operation: Some((declared.contract().partner().clone(), operation.id.clone())),
            grants: grants(caller, declared),
        };
        let admitted = self.admit_ids(&ids, paced, asked, fields, now)?;
        // Last, so that whoever is revoked learns nothing, and asking is bound by the rates.
        authenticated(declared, caller, now.seconds())?;
        Ok(admitted)
    }

    /// Admits a user whose token is exchanged at `now`, if nothing of theirs or of the backend's is revoked or too fast: the
    /// epoch that was in force.
    ///
    /// # Errors
    /// The faults of [`GuardFault`] that speak of revocations, rates and the clock.
    pub fn admit_subject(&self, paced: Paced, subject: &Subject, now: UnixMillis) -> Result<Epoch, GuardFault> {
        let ids = Ids::of(subject.caller());
        let epoch = self.epoch();
        if self.revocations.is_revoked(&self.revocable(&ids)) {
            return Err(GuardFault::Revoked);
        }
        let stoppable = Stoppable { certificate: ids.certificate, ..Stoppable::default() };
        if let Some(kind) = self.revocations.stopped(&stoppable, ids.tenant) {
            return Err(kind.into());
        }
        self.admit_clock(now)?;
        self.count(&ids, &paced, &[])?;
        Ok(epoch)
    }

    /// Whether the right of this name, in a token of `tenant`, is not revoked.
    #[must_use]
    pub fn grant_stands(&self, grant: &Stranger, tenant: Option<&TenantId>) -> bool {
        !self.revocations.is_withheld(grant, tenant)
    }

    /// Admits a peer that comes in its own name.
    ///
    /// # Errors
    /// [`GuardFault::CertificateRevoked`].
    pub fn admit_peer(&self, caller: &Caller) -> Result<(), GuardFault> {
        self.admit_certificate(caller.peer().certificate().thumbprint)
    }

    /// Admits whoever comes with the certificate of this thumbprint.
    ///
    /// # Errors
    /// [`GuardFault::CertificateRevoked`].
    pub fn admit_certificate(&self, thumbprint: Sha256) -> Result<(), GuardFault> {
        let alone = Stoppable { certificate: Some(thumbprint), ..Stoppable::default() };
        self.revocations.stopped(&alone, None).map_or(Ok(()), |kind| Err(kind.into()))
    }

    /// Admits a partner that asks for a token at `now`.
    ///
    /// # Errors
    /// [`GuardFault::PartnerRevoked`] while it is stopped for all; [`GuardFault::ClockBehind`].
    pub fn admit_partner(&self, partner: &PartnerName, now: UnixMillis) -> Result<(), GuardFault> {
        if self.revocations.is_partner_stopped(partner) {
            return Err(GuardFault::PartnerRevoked);
        }
        self.admit_clock(now)
    }

    pub(super) fn admit_ids(
        &self,
        ids: &Ids<'_>,
        paced: Paced,
        asked: Asked<'_>,
        fields: &HeaderMap,
        now: UnixMillis,
    ) -> Result<Admitted, GuardFault> {
        // The epoch first: a revocation that comes between the two lines is then noticed by `current`.
        let epoch = self.epoch();
        let revocable = self.revocable(ids);
        if self.revocations.is_revoked(&revocable) {
            return Err(GuardFault::Revoked);
        }
        let Asked { object, max_age_s, moves, operation, grants } = asked;
        let (withheld, grants) = grants.into_iter().partition(|grant| self.revocations.is_withheld(grant, ids.tenant));
        let stoppable = Stoppable { certificate: ids.certificate, operation, grants };
        if let Some(kind) = self.revocations.stopped(&stoppable, ids.tenant) {
            return Err(kind.into());
        }
        // Before anything is used up by a command that cannot be carried out.
        if moves {
            self.admit_clock(now)?;
        }
        self.count(ids, &paced, object)?;
        let proven = ids.proof.map(Proof::issued_at);
        let age = command_age(fields, proven, max_age_s, self.clock_skew_s, now.seconds())?;
        // Last, so that only what nothing else speaks against is remembered.
        let _first = ids.proof.map(|proof| self.admit_proof(proof, now)).transpose()?;
        let standing = Arc::clone(ids.standing);
        let token_expires_at = ids.expires_at;
        Ok(Admitted { epoch, revocable, stoppable, withheld, age, token_expires_at, moves, standing })
    }

    fn count(&self, ids: &Ids<'_>, paced: &Paced, object: &[&str]) -> Result<(), RateFault> {
        // Another peer's pace is no pace of this one. A second passes until anybody can ask anew.
        if !self.rates.is_of(paced, ids.peer) {
            return Err(RateFault::TooFast(RateOf::Peer, 1));
        }
        let who = Counted {
            issuer: ids.issuer,
            tenant: ids.tenant.map(TenantId::as_str),
            subject: ids.subject.map(Stranger::expose),
            device: ids.device.map(Stranger::expose),
            object,
        };
        self.rates.count(&who, paced.at)
    }

    fn revocable(&self, ids: &Ids<'_>) -> Revocable {
        let digest = |(kind, value): (_, &Stranger)| self.revocations.digest(kind, value.expose());
        Revocable { tenant: ids.tenant.cloned(), digests: ids.revocable().map(digest).collect() }
    }
}

impl Admitted {
    /// The epoch that was in force when it was admitted, for the record.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The command's own time; `None` where it has none and needs none.
    #[must_use]
    pub fn command_time(&self) -> Option<UnixSeconds> {
        self.age.map(|age| age.issued_at)
    }

    /// How old the command was at `now`, in seconds; zero where its clock is ahead of ours.
    #[must_use]
    pub fn age_s(&self, now: UnixMillis) -> Option<u64> {
        self.age.map(|age| now.seconds().since(age.issued_at))
    }

    /// How old the command may grow, in seconds; `None` where the operation sets no limit.
    #[must_use]
    pub fn max_age_s(&self) -> Option<u64> {
        self.age.and_then(|age| age.max_age_s)
    }

    /// The last second at which the command is young enough: the latest end of a partner token.
    #[must_use]
    pub fn good_until(&self) -> Option<UnixSeconds> {
        self.age.and_then(CommandAge::good_until)
    }

    /// When the caller's token expires: the first second in which it is no longer good.
    #[must_use]
    pub const fn token_expires_at(&self) -> Option<UnixSeconds> {
        self.token_expires_at
    }

    pub(super) fn is_over(&self, now: UnixSeconds) -> bool {
        self.age.is_some_and(|age| age.is_over(now))
    }

    /// Whether the peer is still trusted, to be asked.
    pub(super) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Whether it moves something.
    pub(super) const fn moves(&self) -> bool {
        self.moves
    }

    pub(super) const fn revocable(&self) -> &Revocable {
        &self.revocable
    }

    pub(super) const fn stoppable(&self) -> &Stoppable {
        &self.stoppable
    }

    /// Whether the token's right of this id counts; one without an id cannot be revoked by itself.
    #[must_use]
    pub fn may_use(&self, grant: Option<&Stranger>) -> bool {
        grant.is_none_or(|grant| !self.withheld.contains(grant))
    }

    /// Whether a right of the token for this operation is revoked.
    #[must_use]
    pub const fn withholds_a_right(&self) -> bool {
        !self.withheld.is_empty()
    }

    /// An admission for the tests of rooms that demand one: a command of `at` that nothing limits.
    #[cfg(test)]
    pub fn for_test(at: UnixSeconds) -> Self {
        let age = Some(CommandAge { issued_at: at, max_age_s: None });
        let standing = crate::crypto::a_standing();
        Self {
            epoch: Epoch::new(1),
            revocable: Revocable::default(),
            stoppable: Stoppable::default(),
            withheld: Vec::new(),
            age,
            token_expires_at: None,
            moves: false,
            standing,
        }
    }
}

/// What the guard looks at in a caller.
#[derive(Clone, Copy)]
pub(super) struct Ids<'c> {
    pub(super) peer: &'c str,
    pub(super) standing: &'c Arc<Standing>,
    pub(super) certificate: Option<Sha256>,
    pub(super) issuer: &'c str,
    pub(super) tenant: Option<&'c TenantId>,
    pub(super) subject: Option<&'c Stranger>,
    pub(super) device: Option<&'c Stranger>,
    pub(super) session: Option<&'c Stranger>,
    pub(super) token: Option<&'c Stranger>,
    pub(super) expires_at: Option<UnixSeconds>,
    pub(super) proof: Option<&'c Proof>,
}

impl<'c> Ids<'c> {
    pub(super) fn of(caller: &'c Caller) -> Self {
        let (token, client) = (caller.token(), caller.client());
        Self {
            peer: client.map_or_else(|| caller.peer().name(), |client| &client.counted_as),
            standing: caller.peer().standing(),
            certificate: Some(caller.peer().certificate().thumbprint),
            issuer: token.map(|token| &*token.issuer).or(client.map(|client| &*client.issuer)).unwrap_or_default(),
            tenant: token.and_then(|token| token.tenant.as_ref()),
            subject: token.map(|token| &token.subject),
            device: token.and_then(|token| token.device.as_ref()),
            session: token.and_then(|token| token.session.as_ref()),
            token: token.map(|token| &token.token_id).or(client.map(|client| &client.token_id)),
            expires_at: token.map(|token| token.expires_at).or(client.map(|client| client.expires_at)),
            proof: caller.proof(),
        }
    }

    fn revocable(&self) -> impl Iterator<Item = (RevocationKind, &'c Stranger)> {
        let values = [
            (RevocationKind::Subject, self.subject),
            (RevocationKind::Device, self.device),
            (RevocationKind::Session, self.session),
            (RevocationKind::Token, self.token),
        ];
        values.into_iter().filter_map(|(kind, value)| Some((kind, value?)))
    }
}

/// The ids of the token's rights for the operation.
fn grants(caller: &Caller, declared: &Declared) -> Vec<Stranger> {
    let (Some(token), Some(wanted)) = (caller.token(), &declared.operation().right) else { return Vec::new() };
    let rights = token.rights.iter().filter(|right| right.is_for(wanted.kind, wanted.action.as_str()));
    rights.filter_map(|right| right.grant.clone()).collect()
}
