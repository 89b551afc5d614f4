//! Two persons for one act: one proposes, another confirms exactly the same within a time.
//!
//! Proposals are kept in memory alone; a restart forgets them, and who wants it begins again. Which acts take two persons
//! is their own modules' business ([`lift`](crate::guard::lift), [`erasure`](crate::guard::erasure)): here nothing is done.

use crate::clock::UnixMillis;
use crate::model::PersonName;
use parking_lot::Mutex;

/// Proposals of one act that may wait for a second person. They lapse, so that this many stand for a morning of careless ones.
pub(super) const PROPOSALS_MAX: usize = 64;

/// The proposals of one act that wait for a second person: each about one thing, with what was meant by it.
pub(super) struct Proposals<K, M> {
    within_ms: u64,
    waiting: Mutex<Vec<Proposal<K, M>>>,
}

struct Proposal<K, M> {
    about: K,
    meant: M,
    by: PersonName,
    until: UnixMillis,
}

/// Why two persons do not agree.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Disagreement {
    /// Nobody has proposed exactly this, or too long ago.
    NotProposed,
    /// The one who proposed it confirms it.
    SamePerson,
}

impl<K: PartialEq, M> Proposals<K, M> {
    /// Proposals that lapse after `within_ms`.
    pub(super) fn new(within_ms: u64) -> Self {
        Self { within_ms, waiting: Mutex::new(Vec::new()) }
    }

    /// Notes that `by` wants this; tells until when another person may confirm it, or `None` where as many proposals wait as
    /// may. The same proposed again replaces the proposal before.
    pub(super) fn propose(&self, about: K, meant: M, by: &PersonName, now: UnixMillis) -> Option<UnixMillis> {
        let until = now.plus(self.within_ms);
        let mut waiting = self.waiting.lock();
        waiting.retain(|known| known.until >= now && known.about != about);
        if waiting.len() >= PROPOSALS_MAX {
            return None;
        }
        waiting.push(Proposal { about, meant, by: by.clone(), until });
        Some(until)
    }

    /// Confirms as `by` what another person has proposed: what was meant, and who proposed it. The proposal is used up; one's
    /// own stays.
    pub(super) fn confirm(&self, about: &K, by: &PersonName, now: UnixMillis) -> Result<(M, PersonName), Disagreement> {
        let mut waiting = self.waiting.lock();
        let at = waiting.iter().position(|known| known.about == *about).ok_or(Disagreement::NotProposed)?;
        if waiting.get(at).is_some_and(|known| known.by == *by) {
            return Err(Disagreement::SamePerson);
        }
        let Proposal { meant, by: proposed_by, until, .. } = waiting.swap_remove(at);
        if now > until { Err(Disagreement::NotProposed) } else { Ok((meant, proposed_by)) }
    }
}
