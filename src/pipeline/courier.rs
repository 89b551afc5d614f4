//! Couriers: one for each destination, which takes from the outbox what is due and makes the attempts, as many at once as may be;
//! and the keeper, which purges what is revoked, counts what waits, and forgets what has ended.

use crate::audit::Delivery;
use crate::audit::Facts;
use crate::audit::Log;
use crate::audit::Note;
use crate::clock::UnixMillis;
use crate::crypto;
use crate::limits::Limits;
use crate::model::DeliveryState;
use crate::model::Epoch;
use crate::model::Sha256;
use crate::pipeline::delivery;
use crate::pipeline::gate::Core;
use crate::protect::Protector;
use crate::tasks::Tasks;
use crate::webhook::Depth;
use crate::webhook::Destination;
use crate::webhook::Endpoint;
use crate::webhook::Purged;
use crate::webhook::Schedule;
use crate::webhook::Settlement;
use crate::webhook::StoredDelivery;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::sync::watch;

/// How often the clock is asked whether the next delivery's turn has come, and the epoch whether somebody was revoked.
const LOOK: Duration = Duration::from_millis(100);

/// How often the store is asked again that did not answer.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// How often what lies in the outbox is counted, and what has ended is forgotten, by the gateway's own clock.
const CENSUS: Duration = Duration::from_secs(1);

/// Delivers to one destination.
pub struct Courier {
    pub(super) core: Arc<Core>,
    pub(super) log: Log,
    pub(super) endpoint: Endpoint,
    pub(super) protector: Arc<Protector>,
    pub(super) schedule: Schedule,
    at_once: usize,
    patience: Duration,
}

/// A delivery that is under way, until this is dropped: also by a panic.
struct UnderWay {
    ordering: Sha256,
    gone: bool,
    ended: mpsc::UnboundedSender<(Sha256, bool)>,
}

impl Courier {
    /// A courier to `endpoint`, whose events `protector` treats.
    #[must_use]
    pub fn new(core: Arc<Core>, log: Log, endpoint: Endpoint, protector: Arc<Protector>, limits: &Limits) -> Self {
        Self {
            core,
            log,
            endpoint,
            protector,
            schedule: Schedule::new(limits),
            at_once: usize::try_from(limits.deliveries_at_once_max).unwrap_or(usize::MAX),
            patience: Limits::millis(limits.shutdown_timeout_ms),
        }
    }

    /// Where it delivers to.
    #[must_use]
    pub const fn destination(&self) -> &Destination {
        self.endpoint.destination()
    }

    /// Delivers until the gateway goes down, then waits for what is under way.
    pub async fn run(self, mut down: watch::Receiver<bool>) {
        let courier = Arc::new(self);
        let (tasks, mut queued) = (Tasks::new(), courier.core.outbox.watch());
        let (ended, mut ends) = mpsc::unbounded_channel();
        let (mut under_way, mut left_alone_until) = (HashSet::new(), UnixMillis::new(0));
        while !*down.borrow() {
            queued.mark_unchanged();
            let mut turn = courier.next_turn(&under_way, left_alone_until).await;
            for row in turn.rows.drain(..) {
                under_way.insert(row.ordering);
                let place = UnderWay { ordering: row.ordering, gone: false, ended: ended.clone() };
                drop(tasks.spawn(Arc::clone(&courier).deliver(row, place)));
            }
            tokio::select! {
                Some((ordering, gone)) = ends.recv() => {
                    under_way.remove(&ordering);
                    if gone {
                        left_alone_until = courier.core.clock.now().plus(courier.schedule.gone_ms());
                        tracing::warn!(partner = %courier.endpoint.destination().partner, "the endpoint says that it is gone");
                    }
                }
                _ = queued.changed() => {}
                () = courier.until(turn.next_at) => {}
                _ = down.wait_for(|down| *down) => {}
            }
        }
        // What is left is delivered by the next start, perhaps a second time: its receiver knows it by its id.
        let _ = tokio::time::timeout(courier.patience, tasks.idle()).await;
    }

    /// Makes one attempt at each delivery whose turn it is now, one after the other: for whoever has no time to wait, and
    /// asks what would leave. How many were made.
    pub async fn deliver_due(&self) -> usize {
        let turn = self.next_turn(&HashSet::new(), UnixMillis::new(0)).await;
        let made = turn.rows.len();
        for row in &turn.rows {
            let _gone = delivery::attempt(self, row).await;
        }
        made
    }

    async fn deliver(self: Arc<Self>, row: StoredDelivery, mut place: UnderWay) {
        place.gone = delivery::attempt(&self, &row).await;
    }

    /// What is to be begun now, and when to look again.
    async fn next_turn(&self, under_way: &HashSet<Sha256>, left_alone_until: UnixMillis) -> Turn {
        let now = self.core.clock.now();
        if now < left_alone_until {
            return Turn { rows: Vec::new(), next_at: Some(left_alone_until) };
        }
        let room = self.at_once.saturating_sub(under_way.len());
        if room == 0 {
            return Turn { rows: Vec::new(), next_at: None };
        }
        // Those under way are due still.
        let most = room.saturating_add(under_way.len());
        match self.core.outbox.due(self.endpoint.destination(), now, most).await {
            Ok(due) => {
                let fresh = due.deliveries.into_iter().filter(|row| !under_way.contains(&row.ordering));
                Turn { rows: fresh.take(room).collect(), next_at: due.next_at }
            }
            // The store has told why.
            Err(_) => Turn { rows: Vec::new(), next_at: Some(now.plus(millis(STORE_RETRY))) },
        }
    }

    /// Waits until that time has come by the gateway's own clock; without one, for ever.
    async fn until(&self, at: Option<UnixMillis>) {
        let Some(at) = at else { return std::future::pending().await };
        while self.core.clock.now() < at {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Settles a delivery, as often as it takes: one that was delivered must not be taken for one that was not.
    pub(super) async fn settle(&self, number: u64, settlement: Settlement) {
        while self.core.outbox.settle(number, settlement, self.core.clock.now()).await.is_err() {
            tokio::time::sleep(STORE_RETRY).await;
        }
    }

    /// A number to draw a wait with.
    pub(super) fn draw(&self) -> u64 {
        u64::from_be_bytes(crypto::random())
    }
}

/// What a courier does next.
struct Turn {
    rows: Vec<StoredDelivery>,
    next_at: Option<UnixMillis>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        // Nobody listens any more once the courier has ended.
        let _ = self.ended.send((self.ordering, self.gone));
    }
}

/// Keeps the outbox until the gateway goes down. `destinations` are those that couriers deliver to: they are counted from the
/// start, and others as soon as something lies there for them.
pub async fn keep(core: Arc<Core>, log: Log, mut destinations: HashSet<Destination>, mut down: watch::Receiver<bool>) {
    let (mut purged_for, mut counted_at) = (None, None);
    for destination in &destinations {
        core.metrics.destination(&destination.partner, destination.direction.word());
    }
    while !*down.borrow() {
        let (epoch, now) = (core.guard.epoch(), core.clock.steady());
        // A revocation that comes while it is purged makes another epoch, and is purged for next.
        if purged_for != Some(epoch) && purge(&core, &log, epoch).await {
            purged_for = Some(epoch);
        }
        if counted_at.is_none_or(|at| now.saturating_sub(at) >= CENSUS) {
            counted_at = Some(now);
            census(&core, &mut destinations).await;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = down.wait_for(|down| *down) => {}
        }
    }
}

/// Purges what is queued about whoever is revoked; whether all of it is.
async fn purge(core: &Core, log: &Log, epoch: Epoch) -> bool {
    let is_revoked = |person: &_, tenant: &_| core.guard.is_digest_revoked(std::slice::from_ref(person), tenant);
    let now = core.clock.now();
    let Ok(purged) = core.outbox.purge(is_revoked, now).await else { return false };
    for Purged { receipt, destination, event, attempts } in purged {
        let facts = Facts::new(receipt, epoch, core.snapshot.load().bundle.digest());
        let (state, partner) = (DeliveryState::Purged, destination.partner);
        core.metrics.delivery(&partner, destination.direction.word(), state);
        let note = Delivery {
            partner,
            event,
            direction: destination.direction,
            state,
            attempt: attempts,
            status: None,
            detail: Some("revoked"),
        };
        // What cannot be recorded is counted as lost; it is purged in any case.
        let _ = log.note(&facts, Note::Delivery(note), now).await;
    }
    true
}

async fn census(core: &Core, destinations: &mut HashSet<Destination>) {
    let now = core.clock.now();
    // The store has told the operator why it does not answer.
    let _ = core.outbox.forget(now).await;
    let Ok(depths) = core.outbox.census().await else { return };
    let of = |depth: &Depth| Destination { direction: depth.direction, partner: depth.partner.clone() };
    destinations.extend(depths.iter().map(of));
    for destination in destinations.iter() {
        let depth = depths.iter().find(|depth| of(depth) == *destination);
        let (queued, dead) = depth.map_or((0, 0), |depth| (depth.queued, depth.dead));
        let oldest = depth.and_then(|depth| depth.oldest);
        let oldest_s = oldest.map_or(0, |at| now.seconds().since(at.seconds()));
        core.metrics.outbox(&destination.partner, destination.direction.word(), queued, dead, oldest_s);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
