//! The one thread that owns the connection, and the commit that many share.
//!
//! A job does its statements under a savepoint of its own, so that one that fails takes nothing of the others with it.
//! Its answer goes out only once the transaction is durable. Jobs never wait for company: a batch is what has gathered
//! while the one before was committed.
//!
//! What was erased still lies in the write-ahead log until that is emptied. Whoever must know that it is gone waits for
//! [`Writer::scrub`]; if somebody who reads the file from outside is in the way, it is tried again with each commit.

use crate::guard::StoreFault;
use rusqlite::Connection;
use rusqlite::ErrorCode;
use rusqlite::TransactionBehavior;
use std::io;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::TrySendError;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// Jobs in one transaction at most.
const BATCH_MAX: usize = 32;
/// How long one who asked waits for the answer: on a disk that hangs nobody waits without end.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// Jobs that may wait.
const WAITING_MAX: usize = 1024;

/// Does its statements; what it returns is called once they are durable. `None` where they failed, which it has told.
type Job = Box<dyn FnOnce(&Connection) -> Option<Settle> + Send>;
/// Sends the answer.
type Settle = Box<dyn FnOnce() + Send>;

enum Order {
    Do(Job),
    /// Empties the write-ahead log, and tells whether that could be done.
    Scrub(oneshot::Sender<bool>),
}

/// What the disk does before each transaction.
pub type BeforeWork = Box<dyn FnMut() + Send>;

/// The way to the thread.
pub(super) struct Writer {
    /// `None` only while it is dropped.
    jobs: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, before: BeforeWork) -> io::Result<Self> {
        let (jobs, waiting) = sync_channel(WAITING_MAX);
        let work = move || run(connection, &waiting, before);
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(work)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Does `work` in a transaction; durable when this returns. The work is done also if nobody waits for it any more.
    pub(super) async fn ask<T, W>(&self, work: W) -> Result<T, StoreFault>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, WorkError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        // The other end may have hung up; then nobody wants the answer.
        self.submit(work, |result| drop(answer.send(result)))?;
        answered.await.unwrap_or(Err(StoreFault::Failed))
    }

    /// Empties the write-ahead log, in which everything that was ever in a row of the last transactions still stands. When
    /// this returns, no file of the store holds what was erased before.
    pub(super) async fn scrub(&self) -> Result<(), StoreFault> {
        let (answer, answered) = oneshot::channel();
        self.order(Order::Scrub(answer))?;
        if answered.await.unwrap_or(false) { Ok(()) } else { Err(StoreFault::Failed) }
    }

    /// An answer that is dropped without being called stands for a transaction that was not committed.
    fn submit<T, W, A>(&self, work: W, answer: A) -> Result<(), StoreFault>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, WorkError> + Send + 'static,
        A: FnOnce(Result<T, StoreFault>) + Send + 'static,
    {
        let job = move |connection: &Connection| match work(connection) {
            Ok(value) => Some(Box::new(move || answer(Ok(value))) as Settle),
            Err(error) => {
                answer(Err(error.tell()));
                None
            }
        };
        self.order(Order::Do(Box::new(job)))
    }

    fn order(&self, order: Order) -> Result<(), StoreFault> {
        let jobs = self.jobs.as_ref().ok_or(StoreFault::Ended)?;
        jobs.try_send(order).map_err(|error| match error {
            TrySendError::Full(_) => StoreFault::Overloaded,
            TrySendError::Disconnected(_) => StoreFault::Ended,
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's thread has died");
        }
    }
}

/// Why a job's statements failed.
#[derive(Debug)]
pub(super) enum WorkError {
    /// SQLite says so.
    Sqlite(rusqlite::Error),
    /// A row holds what we never wrote.
    Damaged,
}

impl From<rusqlite::Error> for WorkError {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::FromSqlConversionFailure(..) => Self::Damaged,
            error => Self::Sqlite(error),
        }
    }
}

impl WorkError {
    /// Tells the operator the cause, as SQLite's code alone, and whoever asked that it failed.
    fn tell(&self) -> StoreFault {
        let code = match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            Self::Damaged => Some(ErrorCode::DatabaseCorrupt),
        };
        tracing::error!(?code, "the store failed");
        match code {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreFault::Damaged,
            _ => StoreFault::Failed,
        }
    }
}

/// The thread: until all senders are gone and what waited is done.
fn run(mut connection: Connection, waiting: &Receiver<Order>, mut before: BeforeWork) {
    let mut unclean = false;
    while let Ok(first) = waiting.recv() {
        before();
        let (mut batch, mut scrubs) = (Vec::new(), Vec::new());
        for order in std::iter::once(first).chain(waiting.try_iter()).take(BATCH_MAX) {
            match order {
                Order::Do(job) => batch.push(job),
                Order::Scrub(answer) => scrubs.push(answer),
            }
        }
        if !batch.is_empty()
            && let Err(error) = commit(&mut connection, batch)
        {
            let _told = WorkError::from(error).tell();
        }
        if unclean || !scrubs.is_empty() {
            unclean = !scrubbed(&connection);
            // Who has given up waiting is not told.
            for answer in scrubs {
                let _ = answer.send(!unclean);
            }
        }
    }
}

/// Moves everything out of the write-ahead log and empties it; whether that was possible.
pub(super) fn scrubbed(connection: &Connection) -> bool {
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    let done = busy.as_ref().is_ok_and(|busy| *busy == 0);
    if !done {
        tracing::warn!("the store's write-ahead log cannot be emptied now; it is tried again");
    }
    done
}

fn commit(connection: &mut Connection, batch: Vec<Job>) -> rusqlite::Result<()> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut answers = Vec::with_capacity(batch.len());
    for job in batch {
        let savepoint = transaction.savepoint()?;
        // Dropped without commit, a savepoint is rolled back.
        if let Some(answer) = job(&savepoint) {
            savepoint.commit()?;
            answers.push(answer);
        }
    }
    transaction.commit()?;
    answers.into_iter().for_each(|answer| answer());
    Ok(())
}
