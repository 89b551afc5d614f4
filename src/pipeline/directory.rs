//! The way of the directory: the backend sends a new version (`PUT /-/directory`), signed. It is verified, read and held
//! against what is in force, then stored, then recorded, and only then in force, for the very next request on every worker.
//!
//! Two things are asked of whoever sends one: that policy permits the peer, and that a key of the backend signed the bytes;
//! neither is enough alone. One update is taken up at a time, in a task of its own that a caller who hangs up cannot cut off;
//! what costs as much as there are houses is done on a thread that serves nobody.

use crate::approval::Approved;
use crate::audit::Concluded;
use crate::audit::Facts;
use crate::audit::Note;
use crate::audit::Noted;
use crate::audit::TakenUp;
use crate::clock::UnixMillis;
use crate::crypto::KeySet;
use crate::directory::Directory;
use crate::directory::DirectoryStore;
use crate::directory::Document;
use crate::directory::KeptDirectory;
use crate::directory::Settings;
use crate::directory::SignatureFault;
use crate::directory::Signed;
use crate::directory::UpdateFault;
use crate::limits::Limits;
use crate::model::Head;
use crate::model::Reason;
use crate::model::Reply;
use crate::pipeline::gate::Core;
use crate::pipeline::gate::Gate;
use crate::pipeline::gate::Visitor;
use crate::pipeline::operation;
use crate::pipeline::own;
use crate::pipeline::own::Form;
use crate::pipeline::port::Body;
use crate::pipeline::refusal::Refusal;
use crate::pipeline::refusal::by_permit;
use crate::pipeline::trail::Trail;
use crate::problem::ProblemType;
use crate::telemetry::DirectoryFigures;
use crate::telemetry::Metrics;
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::StatusCode;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The path of this way.
pub const PATH: &str = "/-/directory";

/// The header that holds the signature: a detached JWS over the body.
const SIGNATURE: HeaderName = HeaderName::from_static("directory-signature");

/// The Cedar action that a peer needs.
const ACTION: &str = "updateDirectory";

/// In how many seconds it is worth asking again where the directory is too old: an update may be on its way.
const ASK_AGAIN_S: u64 = 30;

/// What updates of the directory need, and how old it may grow.
pub struct Updates {
    /// The backend's keys; `None` where no update is taken.
    keys: Option<ArcSwap<KeySet>>,
    max_age_s: Option<u64>,
    clock_skew_s: u64,
    max_bytes: usize,
    store: Arc<dyn DirectoryStore>,
    /// One update at a time: each is held against what the one before has made.
    turn: Semaphore,
}

/// An update that may be asked for, whole and unread.
struct Brought {
    keys: Arc<KeySet>,
    signature: Box<str>,
    body: Bytes,
}

/// Why an update is not read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
enum Unread {
    #[error(transparent)]
    Unsigned(#[from] SignatureFault),
    #[error(transparent)]
    Unfit(#[from] UpdateFault),
}

impl Updates {
    /// Takes updates as `settings` say, and keeps them in `store`.
    #[must_use]
    pub fn new(settings: Settings, limits: &Limits, store: Arc<dyn DirectoryStore>) -> Self {
        Self {
            keys: settings.keys.map(ArcSwap::from),
            max_age_s: settings.max_age_s,
            clock_skew_s: limits.clock_skew_s,
            max_bytes: usize::try_from(limits.directory_max_bytes).unwrap_or(usize::MAX),
            store,
            turn: Semaphore::new(1),
        }
    }

    /// Takes up other keys of the backend's; where no update is taken, none is from now on either.
    pub fn replace_keys(&self, settings: &Settings) {
        if let (Some(keys), Some(fresh)) = (&self.keys, &settings.keys) {
            keys.store(Arc::clone(fresh));
        }
    }

    /// Whether something may move by `directory` at `now`.
    #[must_use]
    pub fn is_timely(&self, directory: &Directory, now: UnixMillis) -> bool {
        self.max_age_s.is_none_or(|max_age_s| directory.is_timely(max_age_s, self.clock_skew_s, now))
    }

    /// Sets the figures of what is in force.
    pub fn tell(&self, directory: &Directory, metrics: &Metrics) {
        metrics.directory(&DirectoryFigures {
            revision: directory.version(),
            made_at_s: directory.made_at().map(|made_at| made_at.seconds().get()),
            max_age_s: self.max_age_s,
            houses: directory.houses() as u64,
            doors: directory.doors() as u64,
            memory_bytes: directory.memory_bytes(),
        });
    }
}

/// The refusal of a command that would move something while the directory is too old.
pub fn too_old() -> Refusal {
    Refusal::new(Reason::DirectoryTooOld, ProblemType::Unavailable).after(ASK_AGAIN_S)
}

/// Handles an update of the backend.
pub async fn requested<B: Body>(gate: &Gate, visitor: &Visitor, head: &Head, body: &mut B) -> Concluded {
    let trail = Trail::begin(gate.core.clock.as_ref());
    let mut facts = gate.facts(visitor, &gate.core.snapshot.load());
    let brought = match brought(gate, visitor, head, body, &mut facts).await {
        Ok(brought) => brought,
        Err(refusal) => return operation::refuse(gate, facts, refusal, trail).await,
    };
    let receipt = facts.receipt;
    let task = gate.core.exchanges.spawn(take_up(gate.clone(), brought, facts, trail));
    match task.await {
        Ok(concluded) => concluded,
        // The task died of a fault of ours: whether the update is in force is unknown.
        Err(_) => operation::concluded_alone(gate, gate.log.abandoned(receipt)),
    }
}

/// Who sends it, whether they may, and the whole of it.
async fn brought<B: Body>(
    gate: &Gate,
    visitor: &Visitor,
    head: &Head,
    body: &mut B,
    facts: &mut Facts,
) -> Result<Brought, Refusal> {
    let core = &gate.core;
    let caller = own::meet(gate, visitor, head, Form::json("PUT"), facts)?;
    let keys = core.updates.keys.as_ref();
    let keys = keys.ok_or_else(|| Refusal::new(Reason::UnknownOperation, ProblemType::NotFound))?;
    let snapshot = core.snapshot.load_full();
    facts.bundle = snapshot.bundle.digest();
    let permit = snapshot.bundle.policies().authorize_peer(&caller, ACTION, None, core.clock.now())?;
    facts.decided = Some(by_permit(permit.decision()));
    core.guard.pace_event(caller.peer().name(), core.clock.steady())?;
    let signature = signature(&head.fields).ok_or(SignatureFault::Form)?;
    let body = body.read(core.updates.max_bytes).await?;
    facts.sizes.request = Some(body.len() as u64);
    Ok(Brought { keys: keys.load_full(), signature, body })
}

/// The one line that holds the signature.
fn signature(fields: &HeaderMap) -> Option<Box<str>> {
    let mut lines = fields.get_all(&SIGNATURE).iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) => line.to_str().ok().map(Box::from),
        _ => None,
    }
}

/// Takes an update up, once those before it are in force or refused.
async fn take_up(gate: Gate, brought: Brought, facts: Facts, trail: Trail) -> Concluded {
    let core = &gate.core;
    // It is never closed.
    let _turn = core.updates.turn.acquire().await.ok();
    match put_in_force(&gate, brought, &facts).await {
        Ok((noted, directory)) => operation::counted(&gate, noted.conclude(Reason::Done, reply(&directory)), &trail),
        Err(refusal) => operation::refuse(&gate, facts, refusal, trail).await,
    }
}

/// Verified, read, stored, recorded, and then in force; the first that fails leaves what was.
async fn put_in_force(gate: &Gate, brought: Brought, facts: &Facts) -> Result<(Noted, Arc<Directory>), Refusal> {
    let core = &gate.core;
    let began = core.clock.steady();
    let old = Arc::clone(&core.snapshot.load().directory);
    let (base, now) = (Arc::clone(&old), core.clock.now());
    let latest = now.plus(core.updates.clock_skew_s.saturating_mul(1_000));
    let reading = core.exchanges.compute(move || {
        let fresh = Arc::new(brought.understood(&base, latest)?);
        let text = fresh.text();
        Ok::<_, Unread>((fresh, text))
    });
    let read = reading.await.map_err(|_| Refusal::new(Reason::Internal, ProblemType::Unavailable))?;
    let (fresh, text) = read.map_err(|unread| unread.refused(facts))?;

    // Durable before it is in force: a start finds what this process was ruled by, or something newer.
    let kept = KeptDirectory { revision: fresh.version(), taken_at: now, text };
    core.updates.store.replace(kept).await?;
    let noted = gate.log.note(facts, Note::Directory(noted_of(&fresh)), core.clock.now()).await;
    let noted = noted.map_err(|_| Refusal::new(Reason::NotRecordable, ProblemType::Unavailable))?;

    core.put_in_force(&fresh);
    core.metrics.directory_taken_up(core.clock.steady().saturating_sub(began));
    // Giving back what a hundred thousand doors took takes milliseconds: not here.
    drop(core.exchanges.compute(move || drop(old)));
    tracing::info!(revision = fresh.version(), digest = %fresh.digest(), houses = fresh.houses(), "directory in force");
    Ok((noted, fresh))
}

impl Brought {
    fn understood(self, base: &Directory, latest: UnixMillis) -> Result<Directory, Unread> {
        let signed = Signed::verify(&self.keys, &self.signature, &self.body)?;
        let document = Document::read(&signed).map_err(UpdateFault::Unfit)?;
        Ok(document.onto(Some(base), latest)?)
    }
}

impl Unread {
    fn refused(self, facts: &Facts) -> Refusal {
        match self {
            Self::Unsigned(fault) => {
                let (receipt, why) = (facts.receipt, fault.word());
                tracing::warn!(%receipt, why, "an update of the directory is signed by nobody");
                Refusal::from(fault)
            }
            Self::Unfit(fault) => Refusal::from(fault),
        }
    }
}

impl Core {
    /// Lets everybody who comes from now on see `fresh`, whatever else of the snapshot is exchanged at this moment.
    pub fn put_in_force(&self, fresh: &Arc<Directory>) {
        self.snapshot.rcu(|now| now.with_directory(Arc::clone(fresh)));
        self.updates.tell(fresh, &self.metrics);
    }

    /// The same of a bundle: contracts and policies of one exchange are always those of one bundle.
    pub fn put_bundle_in_force(&self, fresh: Approved) {
        self.snapshot.rcu(|now| now.with_bundle(fresh.clone()));
    }
}

fn noted_of(directory: &Directory) -> TakenUp {
    TakenUp {
        revision: directory.version(),
        digest: directory.digest(),
        made_at: directory.made_at(),
        houses: directory.houses() as u64,
        doors: directory.doors() as u64,
    }
}

fn reply(directory: &Directory) -> Reply {
    let (revision, digest) = (directory.version(), directory.digest());
    Reply::json(StatusCode::OK, format!("{{\"revision\":{revision},\"digest\":\"{digest}\"}}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_signature_stands_in_one_line_and_there_is_no_second() {
        let fields = |lines: &[&'static str]| {
            lines.iter().map(|line| (SIGNATURE, HeaderValue::from_static(line))).collect::<HeaderMap>()
        };
        assert_eq!(signature(&fields(&["a..b"])).as_deref(), Some("a..b"));
        assert_eq!(signature(&fields(&[])), None);
        assert_eq!(signature(&fields(&["a..b", "a..b"])), None);
    }
}
