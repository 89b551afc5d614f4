//! The machine's clock, set by hand: the wall clock alone, or both as time goes by.

use portcullis::clock::Clock;
use portcullis::clock::SystemClock;
use portcullis::clock::UnixMillis;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A clock that somebody sets.
#[derive(Default)]
pub struct ByHand {
    machine: SystemClock,
    by_ms: AtomicI64,
    gone_ms: AtomicU64,
}

impl ByHand {
    /// Sets the wall clock forward by so many milliseconds, or back.
    pub fn set_by(&self, ms: i64) {
        self.by_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Lets so much time go by: both clocks go on.
    pub fn pass(&self, time: Duration) {
        self.gone_ms.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for ByHand {
    fn now(&self) -> UnixMillis {
        let (now, by) = (self.machine.now().get(), self.by_ms.load(Ordering::SeqCst));
        UnixMillis::new(now.saturating_add_signed(by)).plus(self.gone_ms.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Duration {
        self.machine.steady() + Duration::from_millis(self.gone_ms.load(Ordering::SeqCst))
    }
}
