//! Departures: commands between the last look and their first byte.
//!
//! Between the look that finds nothing revoked and the write lies an instant in which a revocation can come into force on
//! another thread. Without more, it could be answered, and the command still leave. So a command is registered before the
//! look, and a revocation, once in force, waits for those that were registered before: whoever looked too early has left
//! before the answer, and whoever looks later sees it. Nothing waits for a partner: a departure ends with its first write.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;

/// All commands that are leaving.
pub(super) struct Departures(Arc<watch::Sender<Leaving>>);

/// One command that is leaving, until this is dropped.
#[must_use = "a dropped departure has left"]
pub struct Departure {
    all: Arc<watch::Sender<Leaving>>,
    number: u64,
}

#[derive(Default)]
struct Leaving {
    next: u64,
    open: BTreeSet<u64>,
}

impl Departures {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Leaving::default())))
    }

    /// Registers a command that is about to be looked at for the last time.
    pub(super) fn begin(&self) -> Departure {
        let mut number = 0;
        self.0.send_modify(|leaving| {
            number = leaving.next;
            leaving.next = number.saturating_add(1);
            leaving.open.insert(number);
        });
        Departure { all: Arc::clone(&self.0), number }
    }

    /// Waits until all that are registered now have left.
    pub(super) fn gone(&self) -> impl Future<Output = ()> + use<> {
        let mut leaving = self.0.subscribe();
        let next = leaving.borrow().next;
        async move {
            // Without a sender there is no guard, and nothing leaves any more.
            let _ = leaving.wait_for(|leaving| leaving.open.first().is_none_or(|oldest| *oldest >= next)).await;
        }
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        self.all.send_modify(|leaving| {
            leaving.open.remove(&self.number);
        });
    }
}

impl fmt::Debug for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Departure({})", self.number)
    }
}
