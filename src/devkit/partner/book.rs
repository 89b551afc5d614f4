//! What the partner saw: every byte above TLS, connection by connection from accept on, and counts to wait for.

use crate::devkit::partner::refusal::Refusal;
use parking_lot::Mutex;
use tokio::sync::watch;

/// One connection, from accept on.
#[derive(Clone, Debug, Default)]
pub struct ConnectionLog {
    /// What came in above TLS, also what belongs to no request.
    pub bytes: Vec<u8>,
    /// What went out above TLS.
    pub answered: Vec<u8>,
    /// Whether the handshake came to its end.
    pub handshake: bool,
    /// The group of its key exchange, by its name in the registry of TLS; empty before the handshake came to its end.
    pub group: String,
}

/// How far the partner is. All counts but `hanging` only grow.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// TCP connections that were accepted.
    pub connections: usize,
    /// Handshakes that came to their end.
    pub handshakes: usize,
    /// Handshakes that failed.
    pub failed_handshakes: usize,
    /// Connections that have ended, in whatever way.
    pub ended: usize,
    /// Bytes that came in above TLS, on all connections.
    pub bytes: usize,
    /// Requests that were read whole.
    pub requests: usize,
    /// Doors moved.
    pub actuations: usize,
    /// Answers written whole.
    pub answers: usize,
    /// Connections that hang now, on purpose.
    pub hanging: usize,
}

/// The partner's book.
pub(super) struct Book {
    connections: Mutex<Vec<ConnectionLog>>,
    refusals: Mutex<Vec<&'static str>>,
    progress: watch::Sender<Progress>,
}

/// A connection that hangs; ends by being dropped.
pub(super) struct Hanging<'b>(&'b Book);

impl Book {
    pub(super) fn new() -> Self {
        Self {
            connections: Mutex::default(),
            refusals: Mutex::default(),
            progress: watch::Sender::new(Progress::default()),
        }
    }

    /// Opens a connection's page; gives its number.
    pub(super) fn accepted(&self) -> usize {
        let mut connections = self.connections.lock();
        connections.push(ConnectionLog::default());
        self.count(|progress| progress.connections = connections.len());
        connections.len() - 1
    }

    pub(super) fn shook_hands(&self, number: usize, group: String) {
        self.write(number, |log| (log.handshake, log.group) = (true, group));
        self.count(|progress| progress.handshakes += 1);
    }

    pub(super) fn received(&self, number: usize, bytes: &[u8]) {
        self.write(number, |log| log.bytes.extend_from_slice(bytes));
        self.count(|progress| progress.bytes += bytes.len());
    }

    pub(super) fn answered(&self, number: usize, bytes: &[u8]) {
        self.write(number, |log| log.answered.extend_from_slice(bytes));
    }

    pub(super) fn refused(&self, refusal: Refusal) {
        self.refusals.lock().push(refusal.word());
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Progress)) {
        self.progress.send_modify(change);
    }

    pub(super) fn hangs(&self) -> Hanging<'_> {
        self.count(|progress| progress.hanging += 1);
        Hanging(self)
    }

    pub(super) fn connections(&self) -> Vec<ConnectionLog> {
        self.connections.lock().clone()
    }

    pub(super) fn received_bytes(&self) -> Vec<usize> {
        self.connections.lock().iter().map(|log| log.bytes.len()).collect()
    }

    pub(super) fn refusals(&self) -> Vec<&'static str> {
        self.refusals.lock().clone()
    }

    pub(super) fn progress(&self) -> Progress {
        *self.progress.borrow()
    }

    pub(super) async fn until(&self, reached: impl FnMut(&Progress) -> bool) {
        // The sender lives as long as `self`: waiting cannot fail.
        let _ = self.progress.subscribe().wait_for(reached).await;
    }

    fn write(&self, number: usize, change: impl FnOnce(&mut ConnectionLog)) {
        if let Some(log) = self.connections.lock().get_mut(number) {
            change(log);
        }
    }
}

impl Drop for Hanging<'_> {
    fn drop(&mut self) {
        self.0.count(|progress| progress.hanging = progress.hanging.saturating_sub(1));
    }
}
