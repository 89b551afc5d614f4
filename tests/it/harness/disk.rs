//! A disk that does as it is told, in front of real files.

use crate::harness::gateway::PATIENCE;
use parking_lot::Mutex;
use portcullis::audit::Disk;
use portcullis::audit::FileDisk;
use portcullis::audit::Placed;
use portcullis::audit::Reads;
use portcullis::audit::Reopened;
use portcullis::audit::Storage;
use portcullis::gateway::Injected;
use portcullis::model::AnswerPlace;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::Sender;
use std::sync::mpsc::channel;

/// Bytes that are written ahead of use; a segment grows beyond them all the same.
pub const AHEAD_BYTES: u64 = 256 * 1024;

/// What the disk shall do from now on.
#[derive(Default)]
pub struct Deeds {
    pub fails_to_append: AtomicBool,
    pub fails_to_sync: AtomicBool,
    pub fails_to_reopen: AtomicBool,
    /// There is no space for a further segment.
    pub is_full: AtomicBool,
    /// Calls that failed so.
    failed: AtomicUsize,
    hang: Mutex<Option<Hang>>,
    hang_reading: Mutex<Option<Hang>>,
    hang_store: Mutex<Option<Hang>>,
}

struct Hang {
    entered: Sender<()>,
    release: Receiver<()>,
}

/// A call that will hang, or hangs.
pub struct Hanging {
    is_in: Receiver<()>,
    go: Sender<()>,
}

impl Hang {
    fn place(hang: &Mutex<Option<Self>>) -> Hanging {
        let ((entered, is_in), (go, release)) = (channel(), channel());
        *hang.lock() = Some(Self { entered, release });
        Hanging { is_in, go }
    }

    fn hang(self) {
        let _ = self.entered.send(());
        // The test that has fallen over lets go, too.
        let _ = self.release.recv();
    }
}

impl Deeds {
    /// The next sync hangs.
    pub fn hang(&self) -> Hanging {
        Hang::place(&self.hang)
    }

    /// The next reading back hangs.
    pub fn hang_reading(&self) -> Hanging {
        Hang::place(&self.hang_reading)
    }

    /// The store's next transaction hangs.
    pub fn hang_store(&self) -> Hanging {
        Hang::place(&self.hang_store)
    }

    /// A gateway's disks: `disk` for its log, and one for its store, that do as they are told.
    pub fn injected(self: &Arc<Self>, disk: FaultyDisk) -> Injected {
        let deeds = Arc::clone(self);
        let store_disk = move || {
            let hang = deeds.hang_store.lock().take();
            hang.into_iter().for_each(Hang::hang);
        };
        Injected { disk: Some(Box::new(disk)), store_disk: Some(Box::new(store_disk)), ..Injected::default() }
    }

    fn told(&self, deed: &AtomicBool) -> io::Result<()> {
        self.fails(deed, || io::Error::other("the disk failed"))
    }

    fn fails(&self, deed: &AtomicBool, error: fn() -> io::Error) -> io::Result<()> {
        if !deed.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.failed.fetch_add(1, Ordering::SeqCst);
        Err(error())
    }

    /// How many calls have failed as they were told.
    pub fn failed(&self) -> usize {
        self.failed.load(Ordering::SeqCst)
    }
}

impl Hanging {
    /// Waits until the sync is called and hangs.
    pub fn until_it_hangs(&self) {
        self.is_in.recv_timeout(PATIENCE).unwrap();
    }

    /// Lets it go on.
    pub fn release(self) {
        self.go.send(()).unwrap();
    }
}

pub struct FaultyDisk {
    inner: FileDisk,
    deeds: Arc<Deeds>,
}

impl FaultyDisk {
    pub fn new(directory: &Path, deeds: &Arc<Deeds>) -> Self {
        Self { inner: FileDisk::new(directory.to_owned(), AHEAD_BYTES), deeds: Arc::clone(deeds) }
    }
}

struct FaultyStorage {
    inner: Box<dyn Storage>,
    deeds: Arc<Deeds>,
}

impl Disk for FaultyDisk {
    fn create(&mut self, number: u64) -> io::Result<Box<dyn Storage>> {
        self.deeds.fails(&self.deeds.is_full, || io::ErrorKind::StorageFull.into())?;
        let inner = self.inner.create(number)?;
        Ok(Box::new(FaultyStorage { inner, deeds: Arc::clone(&self.deeds) }))
    }

    fn reopen(&mut self, number: u64, end: u64) -> io::Result<Reopened> {
        self.deeds.told(&self.deeds.fails_to_reopen)?;
        self.inner.reopen(number, end)
    }

    fn discard(&mut self, number: u64) -> io::Result<()> {
        self.inner.discard(number)
    }

    fn reader(&self) -> Box<dyn Reads> {
        Box::new(FaultyReads { inner: self.inner.reader(), deeds: Arc::clone(&self.deeds) })
    }
}

struct FaultyReads {
    inner: Box<dyn Reads>,
    deeds: Arc<Deeds>,
}

impl Reads for FaultyReads {
    fn read(&mut self, place: AnswerPlace) -> io::Result<Vec<u8>> {
        let hang = self.deeds.hang_reading.lock().take();
        hang.into_iter().for_each(Hang::hang);
        self.inner.read(place)
    }
}

impl Storage for FaultyStorage {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.deeds.told(&self.deeds.fails_to_append)?;
        self.inner.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        let hang = self.deeds.hang.lock().take();
        hang.into_iter().for_each(Hang::hang);
        self.deeds.told(&self.deeds.fails_to_sync)?;
        self.inner.sync()
    }

    fn placed(&self) -> io::Result<Option<Placed>> {
        self.inner.placed()
    }

    fn finish(self: Box<Self>) {
        self.inner.finish();
    }
}
