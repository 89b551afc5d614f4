//! Reopening: how the log goes on after a write that failed, or a file that was not what it was.
//!
//! What a descriptor says after an error means nothing, so none that was open is asked again. The gate is closed; then, after
//! pauses that grow, the log is opened anew, step by step, and what fails leaves it closed for the next attempt:
//!
//! 1. The directory and the finished segments are what they were.
//! 2. The segment in use is opened anew by its name, cut behind the last record that was acknowledged, made durable, and read
//!    back from the disk, whose records must make the tree of all that was acknowledged. What is cut off is kept aside; nobody was told that it was
//!    durable. A segment that holds nothing yet is thrown away instead.
//! 3. A new segment is begun, which says what was cut. Whatever may lie under its name was never acknowledged.
//! 4. The gate opens. The records that were lost meanwhile are told with the next one, their outcomes as unknown.
//!
//! The thread that makes segments does what may hang on the disk; the writer waits for it, and nobody waits for the writer.

use crate::audit::attest::Leaves;
use crate::audit::record;
use crate::audit::record::Written;
use crate::audit::storage::Disk;
use crate::audit::storage::Reopened;
use crate::audit::storage::Storage;
use crate::audit::writer::Maker;
use crate::audit::writer::Order;
use crate::audit::writer::Writer;
use std::io;
use std::time::Duration;

/// Before the first attempt; each further one waits twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest wait.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Whether the log is closed, and when it is tried again.
#[derive(Debug, Default)]
pub(super) struct Reopening {
    failed: u32,
}

/// What opening anew needs of the disk, done by the thread that has it.
pub(super) struct Anew {
    /// The segment in use, and the bytes of it that were acknowledged.
    pub(super) number: u64,
    pub(super) end: u64,
}

/// What the disk gave.
pub(super) struct Given {
    /// What became of the segment in use; `None` where it held nothing and is begun anew.
    pub(super) old: Option<Reopened>,
    /// The segment to go on in, and its number.
    pub(super) number: u64,
    pub(super) storage: Box<dyn Storage>,
}

impl Reopening {
    /// How long the next attempt waits.
    pub(super) fn pause(&self) -> Duration {
        FIRST_PAUSE.saturating_mul(1 << self.failed.min(16)).min(PAUSE_MAX)
    }
}

impl Anew {
    /// Steps 2 and 3, as far as the disk does them.
    pub(super) fn done(&self, disk: &mut dyn Disk) -> io::Result<Given> {
        let old = if self.end > 0 { Some(disk.reopen(self.number, self.end)?) } else { None };
        let number = if old.is_some() { self.number + 1 } else { self.number };
        disk.discard(number)?;
        Ok(Given { old, number, storage: disk.create(number)? })
    }
}

impl Writer {
    /// Tries once to open the log anew.
    pub(super) fn try_to_reopen(&mut self, maker: &mut Maker) {
        match self.reopened(maker) {
            Ok(()) => {
                self.reopening = Reopening::default();
                self.metrics.audit_reopened();
                tracing::warn!(segment = self.segment.number, "the audit log is open again");
            }
            Err(error) => {
                self.reopening.failed = self.reopening.failed.saturating_add(1);
                let again_in_ms = self.reopening.pause().as_millis();
                tracing::error!(%error, again_in_ms, "the audit log cannot be opened again yet; nothing is let through");
            }
        }
    }

    fn reopened(&mut self, maker: &mut Maker) -> io::Result<()> {
        if let Some(found) = self.watch.look_behind() {
            let (file, what) = (found.file, found.what.word());
            return Err(io::Error::other(format!("{file} is {what}")));
        }
        let Given { old, number, storage } = maker.anew(Anew { number: self.segment.number, end: self.segment.end })?;
        let mut cut = None;
        if let Some(old) = &old {
            if !self.holds_all(&old.bytes) {
                return Err(io::Error::other("what was acknowledged does not come back from the disk"));
            }
            cut = Some((self.segment.number, old.cut_bytes)).filter(|(_, bytes)| *bytes > 0);
        }
        let placed = storage.placed()?;
        let mut line = Written::default();
        let recovery = record::Recovery { unknown: 0, cut, reopened: true };
        record::recovery(&mut line, recovery, self.clock.now());
        let mut next = self.begun(number, storage);
        next.write(line.bytes())?;
        // From here on nothing can fail. The descriptor that failed is let go, not finished.
        self.segment = next;
        self.attested.ended();
        let before = self.tree.size();
        let leaves = [std::mem::take(&mut self.segment.head).leaves(), line.leaves()].concat();
        self.tree.append_all(&leaves);
        self.attested.reached(self.tip(), Leaves::new(before, leaves), self.clock.steady());
        self.starved = false;
        self.watch.reopened(old.and_then(|old| old.placed), number, placed, self.segment.end);
        self.losses.keep_unclosed(&self.open);
        maker.order(Order::Make(number + 1));
        self.queue.reopen();
        Ok(())
    }

    /// Whether these are the acknowledged bytes of the segment in use: with what was before it, all leaves of the tree.
    fn holds_all(&self, bytes: &[u8]) -> bool {
        let mut tree = self.segment.before.clone();
        tree.append_lines(bytes);
        tree == self.tree && bytes.len() as u64 == self.segment.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        let pause = |failed| Reopening { failed }.pause().as_millis();
        assert_eq!([0, 1, 6, 7, 8, u32::MAX].map(pause), [100, 200, 6_400, 10_000, 10_000, 10_000]);
    }
}
