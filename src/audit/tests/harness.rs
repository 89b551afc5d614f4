//! A log in a directory of its own, facts for it, and a disk that does as it is told.

use crate::audit::Checkpoint;
use crate::audit::Disk;
use crate::audit::Facts;
use crate::audit::FileDisk;
use crate::audit::Handle;
use crate::audit::KeyDigests;
use crate::audit::Log;
use crate::audit::Placed;
use crate::audit::Reads;
use crate::audit::Recovered;
use crate::audit::RefusalRates;
use crate::audit::Reopened;
use crate::audit::Settings;
use crate::audit::Storage;
use crate::audit::checkpoint;
use crate::audit::opening::lock;
use crate::audit::read::Lines;
use crate::audit::record_schema;
use crate::audit::segment;
use crate::audit::tree::Tree;
use crate::clock::Clock;
use crate::clock::ManualClock;
use crate::clock::SystemClock;
use crate::clock::UnixMillis;
use crate::crypto::NoteName;
use crate::crypto::NoteSigner;
use crate::crypto::SecretKey;
use crate::crypto::SigningAlgorithm;
use crate::crypto::SigningKey;
use crate::crypto::encode_base64url;
use crate::crypto::sha256;
use crate::json;
use crate::model::AnswerPlace;
use crate::model::Epoch;
use crate::model::Located;
use crate::model::Name;
use crate::model::Receipt;
use crate::model::Reply;
use crate::model::ResourceId;
use crate::model::Sha256;
use crate::model::Zone;
use crate::policy::Permit;
use crate::problem::Problem;
use crate::problem::ProblemType;
use crate::protect::Protected;
use crate::secret::Secret;
use crate::telemetry::Metrics;
use bytes::Bytes;
use http::StatusCode;
use parking_lot::Mutex;
use serde_json::Value;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::Sender;
use std::sync::mpsc::channel;
use std::time::Duration;

pub(super) const NOW: UnixMillis = UnixMillis::new(1_700_000_000_123);
pub(super) const SEGMENT_BYTES: u64 = 16 * 1024;
/// Segments that take whatever a queue can hold; only [`SEGMENT_BYTES`] of them are written ahead.
pub(super) const LARGE_SEGMENT_BYTES: u64 = 256 * 1024 * 1024;
/// Longer than any test takes on a disk that works.
const PATIENT: Duration = Duration::from_secs(60);

/// A log, and what belongs to it.
pub(super) struct House {
    pub(super) folder: tempfile::TempDir,
    pub(super) metrics: Arc<Metrics>,
}

impl House {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), metrics: Arc::new(Metrics::new().unwrap()) }
    }

    pub(super) fn settings(&self) -> Settings {
        // As good as none, where a test is not about rates.
        let refusal_rates = RefusalRates { unknown_per_minute: 1_000_000, known_per_minute: 1_000_000 };
        let directory = self.folder.path().to_owned();
        Settings {
            directory,
            archive: None,
            signer: signer(),
            deadline: PATIENT,
            segment_bytes: SEGMENT_BYTES,
            reserve_bytes: 0,
            segment_age: PATIENT,
            refusal_rates,
            receipts_max: 1_000,
            receipts_ms: 1_000_000,
        }
    }

    pub(super) fn open(&self) -> (Log, Recovered) {
        self.open_at(NOW)
    }

    pub(super) fn open_at(&self, now: UnixMillis) -> (Log, Recovered) {
        Log::open(self.settings(), &key(), Arc::new(ManualClock::new(now)), Arc::clone(&self.metrics)).unwrap()
    }

    /// A log by these settings, on files.
    pub(super) fn open_by(&self, settings: Settings) -> Log {
        Log::open(settings, &key(), Arc::new(ManualClock::new(NOW)), Arc::clone(&self.metrics)).unwrap().0
    }

    /// A log on a disk that does as it is told; callers wait for `deadline`.
    pub(super) fn open_on(&self, deeds: &Arc<Deeds>, deadline: Duration) -> Log {
        self.open_of(SEGMENT_BYTES, deeds, deadline)
    }

    /// The same with segments of another size.
    pub(super) fn open_of(&self, segment_bytes: u64, deeds: &Arc<Deeds>, deadline: Duration) -> Log {
        self.open_with(Settings { deadline, segment_bytes, ..self.settings() }, deeds)
    }

    /// A log that sums refusals up beyond these rates.
    pub(super) fn open_at_rates(&self, refusal_rates: RefusalRates) -> Log {
        self.open_with(Settings { refusal_rates, ..self.settings() }, &Arc::default())
    }

    /// A log by these settings, on a disk that does as it is told.
    pub(super) fn open_with(&self, settings: Settings, deeds: &Arc<Deeds>) -> Log {
        let inner = FileDisk::new(settings.directory.clone(), SEGMENT_BYTES);
        let disk = Box::new(TamedDisk { inner, deeds: Arc::clone(deeds) });
        let clock = Arc::new(ManualClock::new(NOW));
        let log = Log::open_on(disk, settings, &key(), clock, Arc::clone(&self.metrics)).unwrap().0;
        // What opening writes is not counted.
        deeds.appends.store(0, Ordering::SeqCst);
        deeds.syncs.store(0, Ordering::SeqCst);
        log
    }

    /// Waits until a log that was dropped has ended, also where it gave up waiting for that itself.
    pub(super) fn until_ended(&self) {
        let clock = SystemClock::new();
        while lock(self.folder.path()).is_err() {
            assert!(clock.steady() < PATIENT, "the writer does not end");
        }
    }

    /// Another house with this log as it lies there: what a process leaves that dies now.
    pub(super) fn copy(&self) -> Self {
        let copy = Self::new();
        // What vouches for the segments first: they only grow.
        let mut names: Vec<_> =
            fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort_by_key(|name| name.to_str().unwrap().ends_with(".jsonl"));
        for name in names.iter().filter(|name| name.to_str().unwrap() != "lock") {
            // Tiles are made again.
            if self.folder.path().join(name).is_dir() {
                continue;
            }
            match fs::copy(self.folder.path().join(name), copy.folder.path().join(name)) {
                // A file on its way to another name.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                done => drop(done.unwrap()),
            }
        }
        copy
    }

    /// All whole records of all segments, in order, but what segments begin with.
    pub(super) fn records(&self) -> Vec<Value> {
        records_of(self.folder.path())
    }

    /// Kind and, for outcomes, state of all records.
    pub(super) fn story(&self) -> Vec<String> {
        let word = |record: &Value, name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let told = |record: &Value| format!("{} {}", word(record, "kind"), word(record, "state")).trim_end().to_owned();
        self.records().iter().map(told).collect()
    }
}

/// Vouches for a log that ends with these lines of its first segment.
pub(super) fn attest(directory: &Path, lines: &[u8]) {
    let mut tree = Tree::default();
    tree.append_lines(lines);
    fs::write(checkpoint::path(directory), Checkpoint::sign(&signer(), &tree).note()).unwrap();
}

/// What of a record does not fit the schema that is told of records.
pub(super) fn fits(record: &Value) -> Vec<String> {
    static FORM: OnceLock<jsonschema::Validator> = OnceLock::new();
    let form = FORM.get_or_init(|| {
        let mut schema = Vec::new();
        json::write(&record_schema(), &mut schema);
        jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap()
    });
    form.iter_errors(record).map(|wrong| format!("{}: {wrong}", wrong.instance_path())).collect()
}

/// A record, which fits.
fn fitting(line: &[u8]) -> Value {
    let record = serde_json::from_slice(line).unwrap();
    assert_eq!(fits(&record), [""; 0], "{record}");
    record
}

pub(super) fn records_of(directory: &Path) -> Vec<Value> {
    let mut found = Vec::new();
    for number in segment::numbers(directory).unwrap() {
        let bytes = fs::read(segment::path(directory, number)).unwrap();
        let mut lines = Lines::new(&bytes);
        let mut here: Vec<_> = lines.by_ref().map(|(_, line)| fitting(line)).collect();
        // The next one may have been made and not be in use yet.
        assert!(here.first().is_none_or(|head| head["kind"] == "segment"), "{}", here[0]);
        found.extend(here.drain(..).skip(1));
        assert!(bytes[lines.offset..].iter().all(|byte| *byte == 0), "nothing but whole records and zeros");
    }
    found
}

/// Waits for what a thread of the log does by itself.
pub(super) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let clock = SystemClock::new();
    while !done() {
        assert!(clock.steady() < PATIENT, "{what}");
        std::thread::yield_now();
    }
}

pub(super) fn key() -> SecretKey {
    SecretKey::new([7; 32])
}

/// The key of checkpoints, the same in all tests.
pub(crate) fn signer() -> Arc<NoteSigner> {
    static SIGNER: OnceLock<Arc<NoteSigner>> = OnceLock::new();
    let make = || NoteSigner::from_pem(NoteName::new("log.test/a").unwrap(), &note_key());
    Arc::clone(SIGNER.get_or_init(|| Arc::new(make().unwrap())))
}

/// A key that signs notes.
pub(crate) fn note_key() -> Secret {
    SigningKey::generate_pem(SigningAlgorithm::EdDsa).unwrap()
}

pub(super) fn receipt(number: u8) -> Receipt {
    Receipt::new([number; 16])
}

pub(super) fn digest(text: &str) -> Sha256 {
    sha256(text.as_bytes())
}

/// A digest as records hold it of bytes that nobody compares by eye.
pub(super) fn base64url(text: &str) -> String {
    encode_base64url(digest(text).as_bytes())
}

/// The facts of a command; with an idempotency key, if it has a text.
pub(super) fn facts(number: u8, idempotency_key: Option<&str>) -> Facts {
    let key = idempotency_key.map(|text| KeyDigests { key: digest(text), body: digest("body") });
    Facts {
        peer: Some("spiffe://prop.example/backend".into()),
        subject: Some(Handle::new([number; 16])),
        key,
        ..Facts::new(receipt(number), Epoch::new(7), digest("bundle"))
    }
}

pub(super) fn permit() -> Permit {
    let thing = |kind: &str, parts: &[&str]| ResourceId {
        kind: kind.into(),
        parts: parts.iter().map(|part| Box::from(*part)).collect(),
    };
    let located = Located {
        resource: thing("Door", &["house-1", "door-2"]),
        tenant: Name::new("north").unwrap(),
        ancestors: vec![thing("House", &["house-1"])],
        zone: Zone::UTC,
        partners: Arc::default(),
        directory_version: 3,
    };
    Permit::for_test(located, &["resident-opens-own-door"])
}

pub(super) fn protected() -> Protected {
    let name = |text| Name::new(text).unwrap();
    Protected::for_test(&name("smarthome"), &name("openDoor"), digest("protected"))
}

pub(super) fn reply(status: u16, body: &str) -> Reply {
    let status = StatusCode::from_u16(status).unwrap();
    Reply { status, fields: Vec::new(), body: Bytes::copy_from_slice(body.as_bytes()) }
}

/// What a caller is told who may not: 403.
pub(super) fn forbidden() -> Problem {
    Problem::from(ProblemType::Forbidden)
}

/// What the disk shall do, and what it did.
#[derive(Default)]
pub(super) struct Deeds {
    pub(super) appends: AtomicUsize,
    pub(super) syncs: AtomicUsize,
    /// The append, counted from 1, that fails; 0 for none.
    pub(super) failing_append: AtomicUsize,
    /// The sync, counted from 1, that fails; 0 for none.
    pub(super) failing_sync: AtomicUsize,
    pub(super) reopens: AtomicUsize,
    pub(super) fails_to_reopen: AtomicBool,
    /// Whether there is no space for another segment.
    pub(super) full: AtomicBool,
    hanging: Mutex<Option<Hang>>,
    hanging_read: Mutex<Option<Hang>>,
    hanging_create: Mutex<Option<Hang>>,
}

struct Hang {
    entered: Sender<()>,
    release: Receiver<()>,
}

impl Hang {
    fn place(hanging: &Mutex<Option<Self>>) -> (Receiver<()>, Sender<()>) {
        let ((entered, is_in), (go, release)) = (channel(), channel());
        *hanging.lock() = Some(Self { entered, release });
        (is_in, go)
    }

    fn hang(self) {
        let _ = self.entered.send(());
        // The test that has fallen over lets go, too.
        let _ = self.release.recv();
    }
}

impl Deeds {
    /// The next sync hangs: it says so on the first channel, and goes on when the second one speaks or is dropped.
    pub(super) fn hang(&self) -> (Receiver<()>, Sender<()>) {
        Hang::place(&self.hanging)
    }

    /// The next attempt to make a segment hangs, in the same way.
    pub(super) fn hang_create(&self) -> (Receiver<()>, Sender<()>) {
        Hang::place(&self.hanging_create)
    }

    /// The next reading back hangs, in the same way.
    pub(super) fn hang_read(&self) -> (Receiver<()>, Sender<()>) {
        Hang::place(&self.hanging_read)
    }

    pub(super) fn counts(&self) -> (usize, usize) {
        (self.appends.load(Ordering::SeqCst), self.syncs.load(Ordering::SeqCst))
    }
}

struct TamedDisk {
    inner: FileDisk,
    deeds: Arc<Deeds>,
}

struct TamedReads {
    inner: Box<dyn Reads>,
    deeds: Arc<Deeds>,
}

struct TamedStorage {
    inner: Box<dyn Storage>,
    deeds: Arc<Deeds>,
}

impl Disk for TamedDisk {
    fn create(&mut self, number: u64) -> io::Result<Box<dyn Storage>> {
        let hang = self.deeds.hanging_create.lock().take();
        hang.into_iter().for_each(Hang::hang);
        if self.deeds.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let inner = self.inner.create(number)?;
        Ok(Box::new(TamedStorage { inner, deeds: Arc::clone(&self.deeds) }))
    }

    fn reopen(&mut self, number: u64, end: u64) -> io::Result<Reopened> {
        self.deeds.reopens.fetch_add(1, Ordering::SeqCst);
        if self.deeds.fails_to_reopen.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk failed"));
        }
        self.inner.reopen(number, end)
    }

    fn discard(&mut self, number: u64) -> io::Result<()> {
        self.inner.discard(number)
    }

    fn reader(&self) -> Box<dyn Reads> {
        Box::new(TamedReads { inner: self.inner.reader(), deeds: Arc::clone(&self.deeds) })
    }
}

impl Reads for TamedReads {
    fn read(&mut self, place: AnswerPlace) -> io::Result<Vec<u8>> {
        let hang = self.deeds.hanging_read.lock().take();
        hang.into_iter().for_each(Hang::hang);
        self.inner.read(place)
    }
}

impl Storage for TamedStorage {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let count = self.deeds.appends.fetch_add(1, Ordering::SeqCst) + 1;
        if count == self.deeds.failing_append.load(Ordering::SeqCst) {
            // What a failing disk does at its worst: half of it is written all the same.
            self.inner.append(&bytes[..bytes.len() / 2])?;
            return Err(io::Error::other("the disk failed"));
        }
        self.inner.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        let count = self.deeds.syncs.fetch_add(1, Ordering::SeqCst) + 1;
        let hang = self.deeds.hanging.lock().take();
        hang.into_iter().for_each(Hang::hang);
        if count == self.deeds.failing_sync.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk failed"));
        }
        self.inner.sync()
    }

    fn placed(&self) -> io::Result<Option<Placed>> {
        self.inner.placed()
    }

    fn finish(self: Box<Self>) {
        self.inner.finish();
    }
}
