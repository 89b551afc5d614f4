//! What the supervisor is told (sd_notify(3)): that the gateway serves, reloads, goes down; and, where it asks
//! (sd_watchdog_enabled(3)), that the threads which serve still turn.
//!
//! The watchdog's word is worth something only if it comes from those it is about. Each thread that answers somebody has a
//! [`Pulse`] among its own tasks: whatever holds the thread up holds up its pulse. The watchdog's thread says that all is
//! well only when every pulse has moved since it said so last. Waiting for a disk or a partner holds up no such thread, so
//! that nobody is restarted for what a restart does not mend.
//!
//! Where nobody supervises, nothing is sent.

use sd_notify::NotifyState;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// What the count of a pulse is once its thread has ended.
const ENDED: u64 = u64::MAX;

/// How often a pulse moves where no watchdog asks for more.
const BEAT: Duration = Duration::from_secs(1);

/// The watchdog is told so many times within the time that it allows (sd_watchdog_enabled(3) recommends two), and a pulse
/// moves twice as often.
const TOLD_WITHIN: u32 = 4;

/// The gateway takes requests.
pub(super) fn serves() {
    tell(&[NotifyState::Ready, NotifyState::Status("serving")]);
}

/// Changed files are looked at because somebody asked for it; [`reloaded`] follows.
pub(super) fn reloads() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "the supervisor cannot be told the time of a reload"),
    }
}

/// The look is over. That the files were refused is no reason to take the gateway down: the ones before are in force.
pub(super) fn reloaded(refused: bool) {
    let status = if refused { "serving; changed files were refused, see the log" } else { "serving" };
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The gateway goes down.
pub(super) fn stops() {
    tell(&[NotifyState::Stopping, NotifyState::Status("going down")]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the supervisor cannot be told");
    }
}

/// One thread's sign of life.
pub(super) struct Pulse {
    count: Arc<AtomicU64>,
    beat: Duration,
}

/// The signs of life of all threads that serve.
pub(super) struct Pulses {
    counts: Vec<(Arc<AtomicU64>, Option<u64>)>,
    /// How long the supervisor waits for the watchdog; `None` where it does not.
    allowed: Option<Duration>,
}

impl Pulses {
    /// None yet; as fast as the supervisor asks.
    pub(super) fn new() -> Self {
        Self { counts: Vec::new(), allowed: sd_notify::watchdog_enabled() }
    }

    /// A pulse for one more thread.
    pub(super) fn one_more(&mut self) -> Pulse {
        let count = Arc::new(AtomicU64::new(0));
        self.counts.push((Arc::clone(&count), None));
        Pulse { count, beat: self.allowed.map_or(BEAT, |allowed| BEAT.min(told_every(allowed) / 2)) }
    }

    /// Tells the watchdog, where there is one, from a thread of its own for as long as the process lives: going down, too,
    /// is done by threads that turn. Its end is that of the process, so nobody waits for it.
    pub(super) fn watch(mut self) -> io::Result<()> {
        let Some(allowed) = self.allowed else { return Ok(()) };
        // Nothing is ever sent: this is a wait that takes no clock.
        let (silent, silence) = mpsc::channel::<Infallible>();
        let watch = move || {
            let _kept = silent;
            while silence.recv_timeout(told_every(allowed)) == Err(mpsc::RecvTimeoutError::Timeout) {
                if self.have_moved() {
                    tell(&[NotifyState::Watchdog]);
                }
            }
        };
        thread::Builder::new().name("watchdog".to_owned()).spawn(watch).map(drop)
    }

    /// Whether each has moved since this was asked last, or its thread has ended, which others tell of.
    fn have_moved(&mut self) -> bool {
        let mut all = true;
        for (count, last) in &mut self.counts {
            let now = Some(count.load(Ordering::Relaxed));
            all &= now == Some(ENDED) || *last != now;
            *last = now;
        }
        all
    }
}

impl Pulse {
    /// Does the thread's work, and beats beside it on the same thread.
    pub(super) async fn beside<T>(self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            never = self.beat() => match never {},
        }
    }

    async fn beat(&self) -> Infallible {
        loop {
            self.count.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(self.beat).await;
        }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.count.store(ENDED, Ordering::Relaxed);
    }
}

fn told_every(allowed: Duration) -> Duration {
    allowed / TOLD_WITHIN
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulses() -> Pulses {
        Pulses { counts: Vec::new(), allowed: Some(Duration::from_millis(8)) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pulse_moves_beside_the_work_and_twice_as_often_as_it_is_asked_for() {
        let mut pulses = pulses();
        let (one, other) = (pulses.one_more(), pulses.one_more());
        assert_eq!(one.beat, Duration::from_millis(1));
        let (mut pulses, told) = one
            .beside(other.beside(async {
                let mut told = Vec::new();
                for _ in 0..5 {
                    tokio::time::sleep(told_every(Duration::from_millis(8))).await;
                    told.push(pulses.have_moved());
                }
                (pulses, told)
            }))
            .await;
        assert_eq!(told, [true; 5]);
        assert!(pulses.have_moved(), "threads that have ended do not count");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a thread that is held up is what this is about")]
    fn a_thread_that_is_held_up_is_told_from_those_that_turn() {
        let mut pulses = pulses();
        let (turning, held_up) = (pulses.one_more(), pulses.one_more());
        let (release, until_released) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(held_up.beside(async {
                tokio::task::yield_now().await;
                begun.send(()).unwrap();
                // Blocks the runtime, as a lock or a loop without end would.
                until_released.recv().unwrap();
            }));
        });
        has_begun.recv().unwrap();
        pulses.have_moved();
        turning.count.fetch_add(1, Ordering::Relaxed);
        assert!(!pulses.have_moved(), "one turns and one does not");
        assert!(!pulses.have_moved(), "and it stays so");
        release.send(()).unwrap();
        thread.join().unwrap();
        turning.count.fetch_add(1, Ordering::Relaxed);
        assert!(pulses.have_moved());
    }
}
