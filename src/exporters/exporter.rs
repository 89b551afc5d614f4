//! One destination's task: look, gather, bring, keep the place; again and again, until the gateway is closed.

use crate::audit::Cursor;
use crate::audit::ExportPlace;
use crate::audit::Log;
use crate::clock::Clock;
use crate::clock::UnixMillis;
use crate::crypto;
use crate::exporters::course::Course;
use crate::exporters::course::Step;
use crate::exporters::destination::Destination;
use crate::exporters::fault::ExportFault;
use crate::exporters::fault::LogFault;
use crate::exporters::gather::gather;
use crate::exporters::standing::Exports;
use crate::exporters::standing::Standing;
use crate::model::Name;
use crate::tasks::Tasks;
use crate::telemetry::Metrics;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often it is looked whether there is more, and whether a pause is over.
const LOOK: Duration = Duration::from_millis(200);

/// How long what may still go out is sent when the gateway goes down. The rest goes out after the next start.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// What all exporters of a gateway share.
#[derive(Clone)]
struct Shared {
    directory: Arc<Path>,
    log: Log,
    clock: Arc<dyn Clock>,
    tasks: Tasks,
}

/// Brings the records of the log to one destination.
pub struct Exporter {
    shared: Shared,
    destination: Destination,
    place: ExportPlace,
    /// The next record to go out.
    next: Cursor,
    /// What was taken while the place behind it could not be kept yet: it would come again after a restart.
    unkept: Option<Batch>,
    course: Course,
    standing: Arc<Standing>,
}

/// A batch that was taken.
#[derive(Clone, Copy, Debug)]
struct Batch {
    records: usize,
    rejected: u64,
    /// When its last record was made.
    last: UnixMillis,
    /// Whether nothing was behind it that might go out, as far as was known.
    is_last: bool,
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Turn {
    /// A batch went out; perhaps there is more.
    Sent,
    /// Nothing is to be done for so long.
    Rest(Duration),
}

impl Exporter {
    /// An exporter for each destination, and what is told of all of them. Reads their places. `tasks` counts what runs.
    ///
    /// # Errors
    /// The name of the destination whose place cannot be read, and why.
    pub fn all(
        destinations: Vec<(Name, Destination)>,
        directory: PathBuf,
        log: &Log,
        clock: &Arc<dyn Clock>,
        metrics: &Arc<Metrics>,
        tasks: &Tasks,
    ) -> Result<(Vec<Self>, Exports), (Name, io::Error)> {
        let shared = Shared {
            directory: directory.as_path().into(),
            log: log.at_own_desk(),
            clock: Arc::clone(clock),
            tasks: tasks.clone(),
        };
        let mut all = Vec::with_capacity(destinations.len());
        for (name, destination) in destinations {
            let place = ExportPlace::of(&directory, &name);
            let next = match place.read() {
                Ok(next) => next,
                Err(error) => return Err((name, error)),
            };
            let standing = Arc::new(Standing::new(name, destination.kind(), next, Arc::clone(metrics)));
            let (course, unkept) = (Course::new(), None);
            all.push(Self { shared: shared.clone(), destination, place, next, unkept, course, standing });
        }
        let standings = all.iter().map(|exporter| Arc::clone(&exporter.standing)).collect();
        Ok((all, Exports::new(directory, shared.log, shared.clock, standings)))
    }

    /// Exports until the gateway is closed, and then what may still go out, within [`DRAIN_TIMEOUT`] and without a second try.
    pub async fn run(mut self, closed: watch::Receiver<bool>) {
        let mut until_closed = closed.clone();
        let late = async {
            let _ = until_closed.wait_for(|closed| *closed).await;
            tokio::time::sleep(DRAIN_TIMEOUT).await;
        };
        tokio::select! {
            () = self.work(closed) => {}
            () = late => {}
        }
    }

    async fn work(&mut self, mut closed: watch::Receiver<bool>) {
        loop {
            let turn = self.turn().await;
            // Whoever holds the other end is gone where this fails: closed too.
            let is_closed = *closed.borrow() || closed.has_changed().is_err();
            match turn {
                Turn::Sent => {}
                Turn::Rest(_) if is_closed => return,
                Turn::Rest(time) => {
                    tokio::select! {
                        _ = closed.wait_for(|closed| *closed) => {}
                        () = tokio::time::sleep(time) => {}
                    }
                }
            }
        }
    }

    /// At most one batch.
    async fn turn(&mut self) -> Turn {
        let Some(checkpoint) = self.shared.log.checkpoint() else { return Turn::Rest(LOOK) };
        let behind = checkpoint.size().saturating_sub(self.next.index);
        let now = self.shared.clock.steady();
        let most = match self.course.next(behind.max(u64::from(self.unkept.is_some())), now) {
            Step::Rest => return Turn::Rest(LOOK),
            Step::Wait(left) => return Turn::Rest(left.min(LOOK)),
            Step::Send(most) => most,
        };
        if let Some(batch) = self.unkept {
            return self.keep(batch).await;
        }
        let (directory, from, shape) = (Arc::clone(&self.shared.directory), self.next, self.destination.shape());
        let (at, size) = (self.shared.clock.now(), checkpoint.size());
        let gathering = self.shared.tasks.compute(move || gather(&directory, from, &checkpoint, most, shape, at));
        let gathered = match gathering.await.unwrap_or(Err(ExportFault::Log(LogFault::Unreadable))) {
            Ok(Some(gathered)) => gathered,
            Ok(None) => return Turn::Rest(LOOK),
            Err(fault) => return self.failed(fault, 0),
        };
        self.standing.reads(gathered.times.0);
        let taken = match self.destination.bring(gathered.bytes, &self.shared.tasks).await {
            Ok(taken) => taken,
            Err(fault) => return self.failed(fault, gathered.records),
        };
        if taken.rejected > 0 {
            let name = self.standing.name().as_str();
            tracing::warn!(destination = name, records = taken.rejected, "records were rejected for good");
        }
        self.next = gathered.after;
        let (is_last, (_, last)) = (self.next.index >= size, gathered.times);
        self.keep(Batch { records: gathered.records, rejected: taken.rejected, last, is_last }).await
    }

    /// Makes the place behind a batch durable.
    async fn keep(&mut self, batch: Batch) -> Turn {
        self.unkept = Some(batch);
        let (place, next) = (self.place.clone(), self.next);
        let kept = self.shared.tasks.compute(move || place.write(next)).await;
        if let Err(error) = kept.unwrap_or_else(|_| Err(io::Error::other("the thread died"))) {
            tracing::debug!(%error, "the place of an export cannot be kept");
            return self.failed(ExportFault::Place, batch.records);
        }
        self.unkept = None;
        self.course.went();
        let Batch { records, rejected, last, is_last } = batch;
        let oldest = if is_last { None } else { Some(last) };
        if self.standing.took((records, rejected), self.next, oldest, self.shared.clock.now()) {
            tracing::info!(destination = self.standing.name().as_str(), "records go out again");
        }
        Turn::Sent
    }

    fn failed(&mut self, fault: ExportFault, records: usize) -> Turn {
        let [spread]: [u8; 1] = crypto::random();
        self.course.failed(fault, records, self.shared.clock.steady(), spread);
        if self.standing.failed(fault, self.shared.clock.now()) {
            let name = self.standing.name().as_str();
            let status = if let ExportFault::Refused(status) = fault { Some(status) } else { None };
            tracing::warn!(
                destination = name,
                fault = fault.word(),
                status,
                "records do not go out; they stay in the log"
            );
        }
        Turn::Rest(LOOK)
    }
}
