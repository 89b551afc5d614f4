//! All cases at once, on as many threads as there are cores.

use crate::clock::Clock;
use crate::workbench::case::Case;
use crate::workbench::played::Played;
use crate::workbench::stage::Stage;
use crate::workbench::stage::StageFault;
use crate::workbench::verdict::Difference;
use crate::workbench::verdict::held_against;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

/// A case that was played.
pub struct Ran<'c> {
    /// The case.
    pub case: &'c Case,
    /// What came of it and every difference; or why it could not be played.
    pub outcome: Result<(Played, Vec<Difference>), StageFault>,
    /// How long it took.
    pub took: Duration,
}

impl Ran<'_> {
    /// Whether it came out as it expects.
    #[must_use]
    pub fn passed(&self) -> bool {
        matches!(&self.outcome, Ok((_, differences)) if differences.is_empty())
    }
}

/// Plays all of `cases` and holds each against what it expects, in their order.
#[must_use]
pub fn run<'c>(stage: &Stage, cases: &'c [Case], clock: &dyn Clock) -> Vec<Ran<'c>> {
    let (next, threads) = (AtomicUsize::new(0), thread::available_parallelism().map_or(1, NonZeroUsize::get));
    let work = || {
        let mut ran = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = cases.get(at) else { return ran };
            let began = clock.steady();
            let outcome = stage.play(case).and_then(|played| {
                let differences = held_against(case, &played)?;
                Ok((played, differences))
            });
            ran.push((at, Ran { case, outcome, took: clock.steady().saturating_sub(began) }));
        }
    };
    let mut ran = thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads.min(cases.len()))
            .filter_map(|number| thread::Builder::new().name(format!("stage-{number}")).spawn_scoped(scope, work).ok())
            .collect();
        // Whatever the system gives no thread for is done by this one.
        let mut ran = work();
        for helper in helpers {
            ran.extend(helper.join().unwrap_or_default());
        }
        ran
    });
    ran.sort_by_key(|(at, _)| *at);
    ran.into_iter().map(|(_, ran)| ran).collect()
}
