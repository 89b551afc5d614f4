//! The keys of an issuer that publishes them: the last good set, how long it counts, and who may ask for a newer one.
//!
//! Whoever fetches (`refresher.rs`) puts a good set in force by one exchange of a pointer; requests only look. A token whose key
//! is not in the set may be the first after a rotation: its request waits for the flight that is under way, or asks for one of
//! its own, and is then verified again. A flood of made-up keys asks for no more than one flight in [`ASK_PAUSE`]; flights that
//! are due by themselves do not count against it. Nothing is locked while anybody waits.
//!
//! A set counts for a bounded time after it came, by wall time (so that what verifies needs no clock) and by steady time (so
//! that nobody prolongs it by setting the clock): whichever ends first.

use crate::clock::UnixSeconds;
use crate::crypto::KeySet;
use crate::identity::issuer_seen::PublishedSeen;
use crate::model::Sha256;
use crate::wire::Ends;
use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long after one flight that a request asked for another one may be asked for, in steady time.
pub(super) const ASK_PAUSE: Duration = Duration::from_secs(30);

/// How long a request waits for newer keys, all in all.
const KEYS_WAIT_MAX: Duration = Duration::from_secs(2);

/// Flights that one request waits for: one that began before the rotation, and one of its own.
const FLIGHTS_WAITED_MAX: usize = 2;

/// The keys of one issuer. Shared by those who verify and the one who fetches.
#[derive(Debug)]
pub struct RemoteKeys {
    keep_s: u64,
    kept: ArcSwapOption<Kept>,
    flights: watch::Sender<Flights>,
    /// For whoever looks at the gateway: when the last set came, and the steady time of the next fetch that is due.
    fetching: Mutex<(Option<UnixSeconds>, Duration)>,
    /// How fetches ended.
    pub(super) ends: Ends,
}

/// A set that is in force as long as it is young enough.
#[derive(Debug)]
struct Kept {
    keys: Arc<KeySet>,
    /// Of the text that it was read from.
    digest: Sha256,
    came: UnixSeconds,
    came_steady: Duration,
}

/// What is known of flights: at most one is in the air.
#[derive(Clone, Copy, Debug, Default)]
struct Flights {
    ended: u64,
    is_flying: bool,
    is_asked_for: bool,
    /// Steady time from which a request may ask for another.
    may_ask_from: Duration,
}

/// One flight; it has ended when this is dropped, however that came.
pub(super) struct Flight<'k>(&'k RemoteKeys);

impl RemoteKeys {
    /// No set yet; each that comes counts for `keep_s` seconds.
    #[must_use]
    pub fn new(keep_s: u64) -> Self {
        let (kept, flights) = (ArcSwapOption::empty(), watch::Sender::new(Flights::default()));
        Self { keep_s, kept, flights, fetching: Mutex::default(), ends: Ends::default() }
    }

    /// The next fetch is due at this steady time.
    pub(super) fn due(&self, due: Duration) {
        self.fetching.lock().1 = due;
    }

    /// What whoever looks at the gateway at `now` is told.
    pub(super) fn seen(&self, now: UnixSeconds) -> PublishedSeen {
        let (came, due) = *self.fetching.lock();
        let keys = self.in_force(now).map_or(0, |keys| keys.kids().count());
        PublishedSeen { keys, came, keep_s: self.keep_s, due, ends: self.ends.last() }
    }

    /// The set in force at `now`, if there is one.
    #[must_use]
    pub fn in_force(&self, now: UnixSeconds) -> Option<Arc<KeySet>> {
        let kept = self.kept.load();
        let kept = kept.as_ref().filter(|kept| now.since(kept.came) <= self.keep_s)?;
        Some(Arc::clone(&kept.keys))
    }

    /// How many seconds a set counts.
    #[must_use]
    pub const fn keep_s(&self) -> u64 {
        self.keep_s
    }

    /// Waits, for at most [`KEYS_WAIT_MAX`], until a key of this id is in force; whether one is. `now` and `steady` are the times
    /// at which the request came.
    pub(super) async fn renewed(&self, kid: &str, now: UnixSeconds, steady: Duration) -> bool {
        let holds = || self.in_force(now).is_some_and(|keys| keys.key(kid).is_some());
        let waiting = async {
            for _ in 0..FLIGHTS_WAITED_MAX {
                let mut flights = self.flights.subscribe();
                let Some(flight) = self.board(steady) else { return };
                // The sender lives as long as `self`: waiting cannot fail.
                let _ = flights.wait_for(|flights| flights.ended >= flight).await;
                if holds() {
                    return;
                }
            }
        };
        if !holds() {
            let _ = tokio::time::timeout(KEYS_WAIT_MAX, waiting).await;
        }
        holds()
    }

    /// The number of the flight to wait for: that in the air, one that is asked for already, or one that is asked for now.
    fn board(&self, steady: Duration) -> Option<u64> {
        let mut boarded = None;
        self.flights.send_if_modified(|flights| {
            let asks = !flights.is_flying && !flights.is_asked_for && steady >= flights.may_ask_from;
            if asks {
                flights.is_asked_for = true;
                flights.may_ask_from = steady.saturating_add(ASK_PAUSE);
            }
            if flights.is_flying || flights.is_asked_for {
                boarded = Some(flights.ended.saturating_add(1));
            }
            asks
        });
        boarded
    }

    /// Waits until a flight is asked for.
    pub(super) async fn asked_for(&self) {
        // The sender lives as long as `self`: waiting cannot fail.
        let _ = self.flights.subscribe().wait_for(|flights| flights.is_asked_for).await;
    }

    /// Begins a flight.
    pub(super) fn fly(&self) -> Flight<'_> {
        self.flights.send_modify(|flights| (flights.is_flying, flights.is_asked_for) = (true, false));
        Flight(self)
    }

    /// The set that was read from a text of this digest, if it is the one that came last.
    pub(super) fn same(&self, digest: &Sha256) -> Option<Arc<KeySet>> {
        let kept = self.kept.load();
        kept.as_ref().filter(|kept| kept.digest == *digest).map(|kept| Arc::clone(&kept.keys))
    }

    /// Puts a set in force that came at these times.
    pub(super) fn take(&self, keys: Arc<KeySet>, digest: Sha256, came: UnixSeconds, came_steady: Duration) {
        self.kept.store(Some(Arc::new(Kept { keys, digest, came, came_steady })));
        self.fetching.lock().0 = Some(came);
    }

    /// Lets go of a set that is too old by steady time.
    pub(super) fn retire(&self, steady: Duration) {
        let old = |kept: &Kept| steady.saturating_sub(kept.came_steady) > Duration::from_secs(self.keep_s);
        if self.kept.load().as_ref().is_some_and(|kept| old(kept)) {
            self.kept.store(None);
        }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.flights.send_modify(|flights| {
            flights.is_flying = false;
            flights.ended = flights.ended.saturating_add(1);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SigningAlgorithm;
    use crate::crypto::sha256;
    use crate::devkit::TokenIssuer;

    const NOW: UnixSeconds = UnixSeconds::new(1_790_000_000);
    const STEADY: Duration = Duration::from_secs(500);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A set with one key, and that key's id.
    fn set() -> (Arc<KeySet>, String) {
        let issuer = TokenIssuer::new("https://id.example", SigningAlgorithm::Es256).unwrap();
        (Arc::new(KeySet::parse(issuer.jwks().as_bytes()).unwrap()), issuer.key().kid().to_owned())
    }

    #[test]
    fn a_set_counts_to_its_last_second_and_not_one_longer_by_either_clock() {
        let keys = RemoteKeys::new(300);
        assert!(keys.in_force(NOW).is_none());
        keys.take(set().0, sha256(b"one"), NOW, STEADY);
        assert!(keys.in_force(NOW.plus(300)).is_some());
        assert!(keys.in_force(NOW.plus(301)).is_none());
        // Who sets the clock back prolongs nothing.
        keys.retire(STEADY + seconds(300));
        assert!(keys.in_force(UnixSeconds::new(NOW.get() - 10_000)).is_some());
        keys.retire(STEADY + seconds(300) + Duration::from_millis(1));
        assert!(keys.in_force(UnixSeconds::new(NOW.get() - 10_000)).is_none() && keys.same(&sha256(b"one")).is_none());
    }

    #[tokio::test]
    async fn requests_ask_for_one_flight_in_thirty_seconds_and_each_waits_for_the_one_that_is_asked_for() {
        let keys = RemoteKeys::new(300);
        assert_eq!((keys.board(STEADY), keys.board(STEADY)), (Some(1), Some(1)), "the second goes along");
        let flight = keys.fly();
        assert_eq!(keys.board(STEADY), Some(1), "and so does who comes while it flies");
        drop(flight);
        assert_eq!(keys.board(STEADY + ASK_PAUSE - Duration::from_millis(1)), None);
        assert_eq!(keys.board(STEADY + ASK_PAUSE), Some(2));
        drop(keys.fly());
        // One that is due by itself counts against nobody, and is waited for too.
        let due = keys.fly();
        assert_eq!(keys.board(STEADY + ASK_PAUSE), Some(3));
        drop(due);
        assert_eq!(keys.board(STEADY + ASK_PAUSE), None);
        assert_eq!(keys.board(STEADY + ASK_PAUSE * 2), Some(4));
    }

    #[tokio::test]
    async fn a_request_waits_for_the_flight_that_began_before_the_rotation_and_for_one_of_its_own() {
        let keys = RemoteKeys::new(300);
        let (fresh, kid) = set();
        let due = keys.fly();
        let fetch = async {
            keys.take(set().0, sha256(b"before"), NOW, STEADY);
            drop(due);
            keys.asked_for().await;
            let flight = keys.fly();
            keys.take(fresh, sha256(b"after"), NOW, STEADY);
            drop(flight);
        };
        let (found, ()) = tokio::join!(keys.renewed(&kid, NOW, STEADY), fetch);
        assert!(found && keys.renewed(&kid, NOW, STEADY).await);
        assert!(!keys.renewed("another", NOW, STEADY).await, "who asks again at once does not even wait");
    }

    #[tokio::test(start_paused = true)]
    async fn a_flight_that_does_not_end_holds_up_a_request_for_its_time_and_no_longer() {
        let keys = RemoteKeys::new(300);
        let within = |time| tokio::time::timeout(time, keys.renewed("key", NOW, STEADY));
        let moment = Duration::from_millis(1);
        assert!(within(KEYS_WAIT_MAX - moment).await.is_err(), "it still waits");
        assert_eq!(within(KEYS_WAIT_MAX + moment).await, Ok(false));
    }
}
