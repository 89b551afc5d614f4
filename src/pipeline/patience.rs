//! How long a way waits for disks before anything has an effect. Store and log are often the same disk, and nobody should
//! wait for it twice: what was waited for the one is taken off what is waited for the other, so that together they have the
//! time that a record has (`record_timeout_ms`), however often they are asked.
//!
//! The store is given three quarters of it, so that a refusal for its sake can still be put on record. What a store does late
//! it does all the same: a handle is there for the next time, an event that was queued is known when it comes again.

use crate::audit::Facts;
use crate::pipeline::gate::Gate;
use std::time::Duration;

impl Gate {
    /// Waits for what only reads, or may be done twice; `late` where the disk takes longer than is left.
    ///
    /// # Errors
    /// `late`, and what `asked` itself fails with.
    pub(super) async fn patiently<T, F>(
        &self,
        facts: &mut Facts,
        asked: impl Future<Output = Result<T, F>>,
        late: F,
    ) -> Result<T, F> {
        let left = of_store(self.log.deadline()).saturating_sub(facts.waited);
        let began = self.core.clock.steady();
        let ended = tokio::time::timeout(left, asked).await;
        self.has_waited(facts, began);
        ended.unwrap_or(Err(late))
    }

    /// Takes off what is left what was waited since `began`, by the steady clock.
    pub(super) fn has_waited(&self, facts: &mut Facts, began: Duration) {
        let took = self.core.clock.steady().saturating_sub(began);
        facts.waited = facts.waited.saturating_add(took);
    }
}

/// What of the time of a record the store may take.
fn of_store(patience: Duration) -> Duration {
    patience.saturating_sub(patience / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_leaves_a_quarter_for_the_record_of_its_failure() {
        let of = |ms| of_store(Duration::from_millis(ms)).as_millis();
        assert_eq!((of(200), of(10), of(0)), (150, 7, 0));
    }
}
