//! A disk in memory for the audit log of one case, which the stage reads back.

use crate::audit::Disk;
use crate::audit::Placed;
use crate::audit::Reads;
use crate::audit::Reopened;
use crate::audit::Storage;
use crate::model::AnswerPlace;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// What was written, by segment.
type Segments = Arc<Mutex<BTreeMap<u64, Vec<u8>>>>;

/// Segments in memory. Clones share them.
#[derive(Clone, Default)]
pub(super) struct MemoryDisk(Segments);

struct Segment {
    segments: Segments,
    number: u64,
}

impl MemoryDisk {
    /// Everything that was written so far, in its order.
    pub(super) fn written(&self) -> Vec<u8> {
        self.0.lock().values().flatten().copied().collect()
    }
}

impl Disk for MemoryDisk {
    fn create(&mut self, number: u64) -> io::Result<Box<dyn Storage>> {
        self.0.lock().insert(number, Vec::new());
        Ok(Box::new(Segment { segments: Arc::clone(&self.0), number }))
    }

    fn reopen(&mut self, number: u64, end: u64) -> io::Result<Reopened> {
        let end = usize::try_from(end).unwrap_or(usize::MAX);
        let mut segments = self.0.lock();
        let bytes = segments.get_mut(&number).ok_or(io::ErrorKind::NotFound)?;
        let cut_bytes = bytes.len().saturating_sub(end) as u64;
        bytes.truncate(end);
        Ok(Reopened { bytes: bytes.clone(), cut_bytes, placed: None })
    }

    fn discard(&mut self, number: u64) -> io::Result<()> {
        self.0.lock().remove(&number);
        Ok(())
    }

    fn reader(&self) -> Box<dyn Reads> {
        Box::new(self.clone())
    }
}

impl Reads for MemoryDisk {
    fn read(&mut self, place: AnswerPlace) -> io::Result<Vec<u8>> {
        let start = usize::try_from(place.offset).unwrap_or(usize::MAX);
        let length = usize::try_from(place.length).unwrap_or(usize::MAX);
        let segments = self.0.lock();
        let bytes = segments.get(&place.segment).and_then(|bytes| bytes.get(start..)?.get(..length));
        bytes.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Storage for Segment {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.segments.lock().entry(self.number).or_default().extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn placed(&self) -> io::Result<Option<Placed>> {
        Ok(None)
    }
}
