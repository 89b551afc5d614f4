//! The way of one attempt to deliver an event, whichever way it goes. What the outbox gives back is bytes: they go through
//! contract, revocations, policy and protection once more, by the bundle and directory in force now, and whatever says "no"
//! purges the event. Recorded, then asked a last time, then sent, once.

use crate::audit::Decided;
use crate::audit::Delivery;
use crate::audit::Facts;
use crate::audit::Note;
use crate::contract;
use crate::guard::Withdrawn;
use crate::model::DeliveryState;
use crate::pipeline::courier::Courier;
use crate::pipeline::refusal::decided;
use crate::pipeline::route::Snapshot;
use crate::policy::PolicyFault;
use crate::policy::Sender;
use crate::webhook::Heard;
use crate::webhook::Settlement;
use crate::webhook::StoredDelivery;
use crate::webhook::Verdict;
use http::StatusCode;

/// Why an attempt has no answer.
enum Stopped {
    /// The event may not go on.
    Purge(&'static str, Option<Box<Decided>>),
    /// It can never be sent; somebody must look at it.
    Dead(&'static str),
    /// The attempt was made in vain.
    Failed(&'static str),
    /// Nothing was tried: what it needs here is not there. Told in the log alone.
    NotNow(&'static str),
    /// Bundle or directory changed on the way; it is asked about anew at once.
    Changed,
}

/// Makes one attempt, records and settles it. Whether the endpoint says that it is gone.
pub async fn attempt(courier: &Courier, row: &StoredDelivery) -> bool {
    let core = &courier.core;
    let snapshot = core.snapshot.load_full();
    let mut facts = Facts::new(row.receipt, core.guard.epoch(), snapshot.bundle.digest());
    facts.peer = Some(row.peer.clone());
    let attempts = row.attempts.saturating_add(1);
    let sent = sent(courier, &snapshot, row, attempts, &mut facts).await;

    let now = core.clock.now();
    let judged = |heard| courier.schedule.verdict(heard, attempts, row.accepted_at, now, courier.draw());
    let heard = sent.as_ref().ok().copied();
    let (verdict, decided) = match sent {
        Ok(heard) => (judged(Ok(heard)), None),
        Err(Stopped::Failed(word)) => (judged(Err(word)), None),
        Err(Stopped::Purge(word, decided)) => (ended(Settlement::Purged, word), decided),
        Err(Stopped::Dead(word)) => (ended(Settlement::Dead, word), None),
        Err(Stopped::NotNow(word)) => {
            tracing::warn!(receipt = %row.receipt, word, "an event cannot be sent now");
            let at = now.plus(courier.schedule.first_wait_ms());
            courier.settle(row.number, Settlement::Again { attempts: row.attempts, at }).await;
            return false;
        }
        Err(Stopped::Changed) => {
            courier.settle(row.number, Settlement::Again { attempts: row.attempts, at: now }).await;
            return false;
        }
    };
    facts.decided = decided.map(|decided| *decided);
    let state = verdict.settlement.state();
    let note = Delivery {
        partner: row.destination.partner.clone(),
        event: row.event.clone(),
        direction: row.destination.direction,
        state,
        attempt: attempts,
        status: heard.map(|heard| heard.status.as_u16()),
        detail: verdict.detail,
    };
    // What was delivered is settled also where that cannot be recorded: it would be delivered again, and the log counts the loss.
    let _ = courier.log.note(&facts, Note::Delivery(note), now).await;
    if matches!(state, DeliveryState::Dead | DeliveryState::Purged) {
        let (receipt, state, detail) = (row.receipt, state.word(), verdict.detail.unwrap_or_default());
        tracing::warn!(%receipt, state, detail, "an event is not delivered");
    }
    core.metrics.delivery(&row.destination.partner, row.destination.direction.word(), state);
    courier.settle(row.number, verdict.settlement).await;
    heard.is_some_and(|heard| heard.status == StatusCode::GONE)
}

/// Everything from the seal to the answer.
async fn sent(
    courier: &Courier,
    snapshot: &Snapshot,
    row: &StoredDelivery,
    attempt: u64,
    facts: &mut Facts,
) -> Result<Heard, Stopped> {
    let core = &courier.core;
    let purge = |word| Stopped::Purge(word, None);
    let opened = core.outbox.open(row).map_err(|_| Stopped::Dead("unreadable"))?;

    // What the contract no longer declares goes no further, and what it narrows is narrower.
    let contract = snapshot.bundle.contract(&row.destination.partner).ok_or_else(|| purge("not-declared"))?;
    let event = contract::rebuild_event(contract, row.destination.direction, opened.bytes());
    let event = event.map_err(|_| purge("not-declared"))?;
    facts.purpose = Some(event.event().purpose.clone());
    let located = snapshot.directory.locate(event.resource()).ok_or_else(|| purge("resource-unknown"))?;
    // That rights have ended a partner learns also when it acts in the house no longer.
    if !event.event().narrows && !located.is_linked_to(&row.destination.partner) {
        return Err(purge("partner-not-linked"));
    }
    let who = core.guard.event_revocable(&event, &located.tenant);
    if core.guard.is_event_revoked(&who) {
        return Err(purge("revoked"));
    }
    if core.guard.is_event_stopped(&who) {
        return Err(Stopped::NotNow("stopped"));
    }
    let permit =
        snapshot.bundle.policies().decide_event(Sender::of_opened(&opened), &event, &located, core.clock.now());
    let permit = permit.map_err(|fault| match fault {
        PolicyFault::Denied(decision) => Stopped::Purge("policy-denied", Some(Box::new(decided(&decision)))),
        // An error denies, now; it says nothing about whether the event may go on once the policy is mended.
        PolicyFault::Errored(_) => Stopped::Failed("policy-error"),
    })?;
    let protected = courier.protector.protect_event(&permit, &event).map_err(|fault| Stopped::Dead(fault.word()))?;

    let recorded = courier.log.attempt(&permit, &protected, facts, attempt, core.clock.now()).await;
    let recorded = recorded.map_err(|_| Stopped::NotNow("not-recordable"))?;
    let line = courier.endpoint.open(&recorded).await.map_err(|fault| Stopped::Failed(fault.word()))?;
    let (then, in_force) = (snapshot.basis(), core.snapshot.load().basis());
    let current = core.guard.current_event(&recorded, &who, then, in_force).map_err(|withdrawn| match withdrawn {
        Withdrawn::Revoked => purge("revoked"),
        _ => Stopped::Changed,
    })?;
    let answered = line.send(&opened, protected, &recorded, current, core.clock.now()).await;
    Ok(answered.map_err(|fault| Stopped::Failed(fault.word()))?.heard())
}

const fn ended(settlement: Settlement, word: &'static str) -> Verdict {
    Verdict { settlement, detail: Some(word) }
}
