//! One batch: read from the log, as far as a signed checkpoint goes, chosen, written out, and the checkpoint behind it.

use crate::audit::Covered;
use crate::audit::Cursor;
use crate::audit::Entry;
use crate::audit::Format;
use crate::audit::FoundRecord;
use crate::audit::Framing;
use crate::audit::Walk;
use crate::audit::WalkFault;
use crate::audit::Walked;
use crate::cli::audit::export::kept::Place;
use crate::cli::output::plain;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::clock::UnixMillis;
use crate::crypto::sha256;
use crate::diagnostic;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::evidence::Note;
use crate::evidence::VerifierKey;
use crate::evidence::base64_of_hash;
use std::fs;
use std::io;
use std::path::PathBuf;

/// A batch that has so many bytes takes no further record.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// The log, and how it is written out.
pub(super) struct Source {
    directory: PathBuf,
    format: Format,
    choice: Choice,
    /// By it alone a checkpoint is believed.
    key: VerifierKey,
    clock: SystemClock,
}

/// What is not left out.
pub(super) struct Choice {
    pub(super) since: Option<UnixMillis>,
    pub(super) until: Option<UnixMillis>,
    /// None for all.
    pub(super) kinds: Vec<String>,
}

/// A signed checkpoint of the log.
pub(super) struct Signed {
    note: String,
    origin: String,
    size: u64,
    root: String,
}

/// What goes to the destination at once, and how far it has come then.
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) place: Place,
}

impl Source {
    /// The log in this folder, as far as this key has signed it.
    pub(super) fn new(directory: PathBuf, key: VerifierKey, format: Format, choice: Choice) -> Self {
        Self { directory, format, choice, key, clock: SystemClock::new() }
    }

    /// The newest checkpoint, which the key has signed; `None` where nothing is signed yet.
    pub(super) fn checkpoint(&self) -> Result<Option<Signed>, Diagnostics> {
        let path = self.directory.join("checkpoint");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.directory.is_dir() => return Ok(None),
            Err(error) => return Err(unreadable(&format!("`{}`", plain(&path.display().to_string())), &error).into()),
        };
        let read = |bytes| {
            let note = Note::parse(bytes)?;
            note.verify(&self.key)?;
            let checkpoint = note.unverified_checkpoint()?;
            match *self.key.name() == *checkpoint.origin {
                true => Ok(checkpoint),
                false => Err(crate::evidence::NoteFault::Origin),
            }
        };
        let checkpoint = read(&bytes).map_err(|fault| {
            let path = plain(&path.display().to_string());
            Diagnostic::without_file("no-checkpoint", format!("`{path}` is no checkpoint of this log: {fault}")).help(
                "nothing is exported that is not signed; `portcullis audit verify` says what is wrong with the log",
            )
        })?;
        let note = String::from_utf8(bytes).unwrap_or_default();
        let (origin, root) = (checkpoint.origin.to_string(), base64_of_hash(&checkpoint.root));
        Ok(Some(Signed { note, origin, size: checkpoint.size, root }))
    }

    /// That there is no checkpoint.
    pub(super) fn unsigned(&self) -> Diagnostic {
        let path = plain(&self.directory.display().to_string());
        Diagnostic::without_file("no-checkpoint", format!("`{path}` has no checkpoint"))
            .help("nothing is exported that is not signed: name the folder of a log, or wait until its gateway has run")
    }

    /// Looks whether the record that was exported last stands where it stood. Where that segment has been removed, its number
    /// is asked later.
    pub(super) fn knows(&self, place: &Place) -> Result<(), Diagnostics> {
        let found = match Walk::new(self.directory.clone(), place.last).next() {
            Some(Ok(walked)) => sha256(walked.bytes()) == place.digest,
            Some(Err(WalkFault::Gone { .. })) => true,
            Some(Err(WalkFault::Astray { .. })) | None => false,
            Some(Err(fault)) => return Err(broken(&fault).into()),
        };
        if found { Ok(()) } else { Err(another("the record that was exported last does not stand in it").into()) }
    }

    /// Looks whether the log goes on from the place: a cursor of another one would leave records out, or tell them twice.
    pub(super) fn goes_on(&self, signed: &Signed, place: Option<&Place>) -> Result<(), Diagnostics> {
        let Some(place) = place else { return Ok(()) };
        if place.origin != signed.origin {
            return Err(another("it has another origin").into());
        }
        if signed.size < place.size || signed.size < place.next.index {
            return Err(another("more records were exported than its checkpoint covers").into());
        }
        if signed.size == place.size && signed.root != place.root {
            return Err(another("as many records as now had another root").into());
        }
        Ok(())
    }

    /// Gathers at most so many records; `None` where there are none.
    pub(super) fn gather(
        &self,
        signed: &Signed,
        from: Cursor,
        most: u32,
        framing: Framing,
    ) -> Result<Option<Batch>, Diagnostics> {
        let covered = Covered::of_note(&signed.note, self.clock.now()).ok_or_else(|| self.unsigned())?;
        let (mut bytes, mut taken, mut last) = (Vec::new(), 0, None::<Walked>);
        for walked in Walk::new(self.directory.clone(), self.still_there(from)).up_to(signed.size) {
            let walked = walked.map_err(|fault| broken(&fault))?;
            let record = walked.record().map_err(|fault| broken(&fault.into()))?;
            if self.choice.takes(&record) {
                let entry = Entry::of(&walked, &record, &signed.origin);
                framing.write(self.format, &entry, &mut bytes);
                taken += 1;
            }
            last = Some(walked);
            if taken >= most || bytes.len() >= BATCH_BYTES {
                break;
            }
        }
        let Some(last) = last else { return Ok(None) };
        framing.write_checkpoint(self.format, &covered, &mut bytes);
        let place = Place {
            origin: signed.origin.clone(),
            next: last.after,
            last: last.at,
            digest: sha256(last.bytes()),
            size: signed.size,
            root: signed.root.clone(),
        };
        Ok(Some(Batch { bytes, place }))
    }

    /// The same place in the oldest segment that is there, where the one before it was removed and ended there.
    fn still_there(&self, from: Cursor) -> Cursor {
        let first = || Walk::new(self.directory.clone(), Cursor::START).next()?.ok();
        match first() {
            Some(first) if first.at.segment > from.segment && first.at.index == from.index => first.at,
            _ => from,
        }
    }
}

impl Choice {
    fn takes(&self, record: &FoundRecord) -> bool {
        self.since.is_none_or(|since| record.time().get() >= since.get())
            && self.until.is_none_or(|until| record.time().get() < until.get())
            && (self.kinds.is_empty() || self.kinds.iter().any(|kind| kind == record.kind()))
    }
}

impl Signed {
    /// How many records it covers.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }
}

fn unreadable(what: &str, error: &io::Error) -> Diagnostic {
    Diagnostic::without_file("audit-log", format!("{what} cannot be read: {error}"))
        .help("name the folder of a log, and run it as somebody who may read it")
}

fn broken(fault: &WalkFault) -> Diagnostic {
    Diagnostic::without_file("audit-log", diagnostic::with_causes(fault))
        .help("what comes behind is not exported: `portcullis audit verify` says what is wrong with the log")
}

fn another(why: &str) -> Diagnostic {
    Diagnostic::without_file("cursor-of-another-log", format!("the cursor is of another log: {why}"))
        .help("name the log that it was made with, or another file for `--cursor`, which begins at the oldest record")
}
