//! Who fetches an issuer's keys: when they are due, when a request asks for them, and again and again where they did not come.
//!
//! A set is fetched anew once it is as old as its sender says that it is fresh, within bounds and a little earlier, so that
//! several gateways do not knock together; and always while there is time for many more tries before the old one is refused.
//! Nobody's request waits here, and nothing is locked while a fetch is under way.

use crate::clock::Clock;
use crate::crypto;
use crate::identity::fetch_fault::FetchFault;
use crate::identity::key_source::KeySource;
use crate::identity::remote_keys::RemoteKeys;
use crate::telemetry::Line;
use crate::telemetry::Metrics;
use crate::telemetry::Warned;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often it is looked whether a fetch is due, by the gateway's clock.
const LOOK: Duration = Duration::from_millis(200);

/// The shortest time between two fetches that are due by themselves, in seconds.
const REFRESH_MIN_S: u64 = 60;

/// The longest, in seconds.
const REFRESH_MAX_S: u64 = 86_400;

/// That where the sender says nothing, in seconds.
const REFRESH_UNSAID_S: u64 = 600;

/// The pause after the first fetch that failed; each further one is twice as long.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// The longest pause after one that failed.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// When the next fetch is due. Reads no clock.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    /// Steady time.
    due: Duration,
    /// Failures in a row.
    failures: u32,
}

/// Fetches the keys of one issuer.
pub struct Refresher {
    source: KeySource,
    keys: Arc<RemoteKeys>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    schedule: Schedule,
    /// Steady time at which the last set came; at the beginning, this one's own.
    came: Duration,
    warned: Warned,
}

impl Schedule {
    /// After a set came at `now` that is said to be fresh for so long. `spread` is random.
    fn after(now: Duration, fresh_s: Option<u64>, keep_s: u64, spread: u8) -> Self {
        let longest = REFRESH_MAX_S.min(keep_s / 2).max(REFRESH_MIN_S);
        let seconds = fresh_s.unwrap_or(REFRESH_UNSAID_S).clamp(REFRESH_MIN_S, longest);
        Self { due: now.saturating_add(earlier(Duration::from_secs(seconds), spread)), failures: 0 }
    }

    /// After a fetch failed at `now`.
    fn failed(self, now: Duration, spread: u8) -> Self {
        let pause = PAUSE_MIN.saturating_mul(2_u32.saturating_pow(self.failures)).min(PAUSE_MAX);
        Self { due: now.saturating_add(earlier(pause, spread)), failures: self.failures.saturating_add(1) }
    }
}

/// This time less up to an eighth of it.
fn earlier(time: Duration, spread: u8) -> Duration {
    let part = time.checked_div(8).unwrap_or_default().saturating_mul(u32::from(spread));
    time.saturating_sub(part.checked_div(256).unwrap_or_default())
}

impl Refresher {
    /// One that fetches for `keys`, first of all at once.
    #[must_use]
    pub fn new(source: KeySource, keys: Arc<RemoteKeys>, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        let now = clock.steady();
        metrics.issuer_begins(&source.issuer, keys.keep_s());
        let schedule = Schedule { due: now, failures: 0 };
        keys.due(schedule.due);
        Self { source, keys, clock, metrics, schedule, came: now, warned: Warned::default() }
    }

    /// Fetches until the gateway is closed; a fetch that is under way then is cut off.
    pub async fn run(mut self, mut closed: watch::Receiver<bool>) {
        tokio::select! {
            _ = closed.wait_for(|closed| *closed) => {}
            () = self.work() => {}
        }
    }

    async fn work(&mut self) {
        let keys = Arc::clone(&self.keys);
        loop {
            self.look();
            let is_due = self.clock.steady() >= self.schedule.due;
            let is_asked_for = async {
                tokio::select! {
                    () = keys.asked_for() => true,
                    () = tokio::time::sleep(LOOK) => false,
                }
            };
            if is_due || is_asked_for.await {
                self.fetch().await;
            }
        }
    }

    /// Lets go of what is too old, and tells how old the last set is.
    fn look(&self) {
        let steady = self.clock.steady();
        self.keys.retire(steady);
        self.metrics.issuer_keys_age(&self.source.issuer, steady.saturating_sub(self.came).as_secs());
    }

    async fn fetch(&mut self) {
        let flight = self.keys.fly();
        let came = self.source.fetch(&self.keys).await;
        let (now, steady, [spread]) = (self.clock.now(), self.clock.steady(), crypto::random());
        self.keys.ends.tell(now, came.as_ref().err().map(|fault| fault.word()));
        match came {
            Ok(came) => {
                self.keys.take(came.keys, came.digest, now.seconds(), steady);
                drop(flight);
                self.schedule = Schedule::after(steady, came.fresh_s, self.keys.keep_s(), spread);
                self.came = steady;
                self.tell(None, steady);
            }
            Err(fault) => {
                drop(flight);
                self.schedule = self.schedule.failed(steady, spread);
                self.tell(Some(fault), steady);
            }
        }
        self.keys.due(self.schedule.due);
        self.look();
    }

    fn tell(&mut self, fault: Option<FetchFault>, steady: Duration) {
        let issuer = &*self.source.issuer;
        self.metrics.issuer_fetched(issuer, fault.map_or("done", FetchFault::word));
        match (self.warned.after(fault.map(FetchFault::word), steady), fault) {
            (Some(Line::Fails), Some(fault)) => {
                let told = "the issuer's keys do not come; the last ones stay in force for their time";
                tracing::warn!(issuer, fault = fault.word(), why = %fault, "{told}");
            }
            (Some(Line::Works), _) => tracing::info!(issuer, "the issuer's keys come again"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000);

    /// Seconds until the next fetch after a good one, at the least and at the most spread.
    fn due(fresh_s: Option<u64>, keep_s: u64) -> (u64, Duration) {
        let at = |spread| Schedule::after(NOW, fresh_s, keep_s, spread).due - NOW;
        (at(0).as_secs(), at(255))
    }

    #[test]
    fn a_set_is_fetched_anew_when_its_sender_says_within_bounds_and_a_little_earlier() {
        for (fresh_s, keep_s, seconds) in [
            (Some(0), 3_600, 60),
            (Some(60), 3_600, 60),
            (Some(61), 3_600, 61),
            (Some(1_800), 3_600, 1_800),
            (Some(1_801), 3_600, 1_800),
            (Some(u64::MAX), 604_800, 86_400),
            (None, 3_600, 600),
            (None, 300, 150),
        ] {
            let (at, spread) = due(fresh_s, keep_s);
            assert_eq!(at, seconds, "{fresh_s:?} {keep_s}");
            let whole = Duration::from_secs(seconds);
            assert!(spread < whole && spread >= whole * 7 / 8, "{spread:?}");
        }
    }

    #[test]
    fn where_none_comes_the_pause_doubles_up_to_a_minute_and_one_that_comes_ends_it() {
        let mut schedule = Schedule { due: NOW, failures: 0 };
        let mut pauses = Vec::new();
        for _ in 0..9 {
            schedule = schedule.failed(NOW, 0);
            pauses.push((schedule.due - NOW).as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(Schedule { due: NOW, failures: u32::MAX }.failed(NOW, 0).due, NOW + PAUSE_MAX);
        assert_eq!(Schedule::after(NOW, None, 3_600, 0).failures, 0);
    }
}
