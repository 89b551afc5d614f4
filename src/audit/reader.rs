//! Reading answers back, on a thread of its own: a disk that hangs holds up those who ask for one, and no worker.
//!
//! One thread, because repeated commands are few, and because a thread for each who asks would let a disk that hangs take
//! as many threads as there are repeated commands. Who gives up waiting is passed over.

use crate::audit::fault::RecallFault;
use crate::audit::storage::Reads;
use crate::model::AnswerPlace;
use std::io;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;
use std::thread;
use tokio::sync::oneshot;

/// Those who may wait for the thread.
const WAITING_MAX: usize = 256;

/// The way to the thread, which ends when this is dropped.
pub(super) struct Reader {
    jobs: SyncSender<Job>,
}

struct Job {
    place: AnswerPlace,
    answer: oneshot::Sender<io::Result<Vec<u8>>>,
}

impl Reader {
    /// Starts the thread.
    pub(super) fn start(reads: Box<dyn Reads>) -> io::Result<Self> {
        let (jobs, waiting) = sync_channel(WAITING_MAX);
        thread::Builder::new().name("audit-reader".to_owned()).spawn(move || run(reads, &waiting))?;
        Ok(Self { jobs })
    }

    /// The bytes of a record.
    pub(super) async fn read(&self, place: AnswerPlace) -> Result<Vec<u8>, RecallFault> {
        let (answer, answered) = oneshot::channel();
        self.jobs.try_send(Job { place, answer }).map_err(|_| RecallFault::Late)?;
        answered.await.ok().and_then(Result::ok).ok_or(RecallFault::Unreadable)
    }
}

fn run(mut reads: Box<dyn Reads>, waiting: &Receiver<Job>) {
    for Job { place, answer } in waiting.iter().filter(|job| !job.answer.is_closed()) {
        // Who has given up meanwhile does not want it.
        let _ = answer.send(reads.read(place));
    }
}
