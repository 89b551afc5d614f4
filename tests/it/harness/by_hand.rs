//! A clock that is set by hand, the machine's or another: the wall clock alone, or both as time goes by.

use portcullis::clock::Clock;
use portcullis::clock::SystemClock;
use portcullis::clock::UnixMillis;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A clock that somebody sets.
pub struct ByHand {
    under: Arc<dyn Clock>,
    by_ms: AtomicI64,
    gone_ms: AtomicU64,
}

/// Over the machine's.
impl Default for ByHand {
    fn default() -> Self {
        Self::over(Arc::new(SystemClock::new()))
    }
}

impl ByHand {
    /// Over this one, as yet like it.
    pub fn over(under: Arc<dyn Clock>) -> Self {
        Self { under, by_ms: AtomicI64::new(0), gone_ms: AtomicU64::new(0) }
    }

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
        let (now, by) = (self.under.now().get(), self.by_ms.load(Ordering::SeqCst));
        UnixMillis::new(now.saturating_add_signed(by)).plus(self.gone_ms.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Duration {
        self.under.steady() + Duration::from_millis(self.gone_ms.load(Ordering::SeqCst))
    }
}
