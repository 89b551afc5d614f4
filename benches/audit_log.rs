//! What the audit log costs: `cargo bench --profile dist --locked --bench components -- audit-log`.
//!
//! In turns, in one run, on one file system: a loop that writes a record and waits for `fdatasync`, into a file that was written
//! ahead as the log's segments are; the same into a file that grows; and the log itself, as in the product, with its checkpoints,
//! tiles and segments made ahead, for one caller, for [`CALLERS`] of one runtime, and for as many of a runtime for each core, as the
//! gateway has them where nothing is set. Each caller records an intent and its outcome, waits for both, and begins anew. What stands in a record is what the way of a command puts there.
//!
//! `… -- audit-log verify 10000000` has the log write so many records, and then verifies them with `portcullis audit verify`.
//!
//! Goals (`docs/performance.md`): with 64 callers 20 times the records of the loop, a hundredth of them waits longer than
//! two `fdatasync`, 10 µs of processor time for each, and 1 KiB for each decision.

use crate::Command;
use crate::Fallible;
use crate::NOW;
use crate::policies;
use crate::say;
use parking_lot::Mutex;
use portcullis::audit::AnswerKey;
use portcullis::audit::Facts;
use portcullis::audit::Handle;
use portcullis::audit::Handles;
use portcullis::audit::KeyDigests;
use portcullis::audit::Log;
use portcullis::audit::Outcome;
use portcullis::audit::OutcomeState;
use portcullis::audit::RefusalRates;
use portcullis::audit::Settings;
use portcullis::clock::Clock;
use portcullis::clock::SystemClock;
use portcullis::clock::UnixMillis;
use portcullis::crypto::NoteName;
use portcullis::crypto::NoteSigner;
use portcullis::crypto::SecretKey;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::SigningKey;
use portcullis::crypto::encode_base64url;
use portcullis::crypto::random;
use portcullis::model::Epoch;
use portcullis::model::IdentifierKind;
use portcullis::model::Name;
use portcullis::model::Reason;
use portcullis::model::Receipt;
use portcullis::model::Reply;
use portcullis::model::Sha256;
use portcullis::model::Stranger;
use portcullis::model::TraceParent;
use portcullis::policy::Permit;
use portcullis::protect::Protected;
use portcullis::store::Sqlite;
use portcullis::tasks::Tasks;
use portcullis::telemetry::Metrics;
use portcullis::telemetry::Step;
use std::fmt::Write as _;
use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How many call at once.
const CALLERS: usize = 64;
/// The same while a log is only to become long.
const FILLING_CALLERS: usize = 512;
const ROUNDS: usize = 7;
const VERIFICATIONS: usize = 3;
/// How long a loop and a log are measured.
const LOOP_TIME: Duration = Duration::from_secs(2);
const LOG_TIME: Duration = Duration::from_secs(4);
/// `audit.segments.max_bytes` and `audit.reserve` unless they are written.
const SEGMENT_BYTES: u64 = 64 << 20;
const RESERVE_BYTES: u64 = 1 << 20;

/// What a round tells, as one number.
type Figure<'a> = &'a dyn Fn(&Round) -> f64;

/// What the rounds tell of one case.
struct Case {
    name: &'static str,
    rounds: Vec<Round>,
}

/// What one round told.
struct Round {
    /// How long each record was waited for, in ms, the shortest first.
    waits: Vec<f64>,
    seconds: f64,
    /// Processor time of this process, in seconds.
    cpu: f64,
    /// Bytes of segments, and of checkpoints and tiles.
    bytes: (u64, u64),
}

/// What a decision is recorded from.
struct Example {
    permit: Permit,
    protected: Protected,
    facts: Facts,
    outcome: Outcome,
    reply: Reply,
}

/// A log of its own, in a folder that goes with it.
struct OwnLog {
    log: Log,
    folder: tempfile::TempDir,
}

/// Until when decisions are recorded.
enum End {
    At(Duration),
    /// When none of these is left.
    Behind(AtomicU64),
}

/// Measures what the arguments behind `audit-log` say.
pub fn run(arguments: &[String]) -> Fallible<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let example = Arc::new(example()?);
    match words.as_slice() {
        [] => compare(&example),
        ["verify", records] => verify(&example, records.parse()?),
        _ => Err("audit-log, or audit-log verify RECORDS".into()),
    }
}

/// All cases in turns, and their table.
fn compare(example: &Arc<Example>) -> Fallible<()> {
    // What its records are like, and everything warm.
    let first = logged(example, 1, 1, Duration::from_secs(1))?;
    let record_bytes = usize::try_from(first.bytes.0)? / first.waits.len();
    let mut cases = [
        "loop, written ahead",
        "loop, growing file",
        "log, 1 caller",
        "log, 64 callers of one runtime",
        "log, 64 callers of a runtime for each core",
    ]
    .map(|name| Case { name, rounds: Vec::new() });
    for round in 0..ROUNDS {
        for turn in 0..cases.len() {
            // Another order in each round.
            let index = (turn + round) % cases.len();
            let measured = match index {
                0 => bare_loop(record_bytes, true)?,
                1 => bare_loop(record_bytes, false)?,
                2 => logged(example, 1, 1, LOG_TIME)?,
                3 => logged(example, CALLERS, 1, LOG_TIME)?,
                _ => logged(example, CALLERS, cores(), LOG_TIME)?,
            };
            let Some(case) = cases.get_mut(index) else { continue };
            say(&format!("| {} | {} | {} |\n", round + 1, case.name, measured.row()));
            case.rounds.push(measured);
        }
    }
    say(&table(&cases, record_bytes)?);
    Ok(())
}

/// A record and `fdatasync`, over and over.
fn bare_loop(record_bytes: usize, ahead: bool) -> Fallible<Round> {
    let (clock, folder) = (SystemClock::new(), folder()?);
    let mut file = File::options().read(true).write(true).create_new(true).open(folder.path().join("loop"))?;
    if ahead {
        file.write_all(&vec![0; usize::try_from(SEGMENT_BYTES)?])?;
    }
    file.sync_all()?;
    let record = vec![b'a'; record_bytes];
    let (mut offset, mut waits) = (0, Vec::new());
    let (began, cpu) = (clock.steady(), cpu_seconds()?);
    while clock.steady() - began < LOOP_TIME {
        let at = clock.steady();
        file.write_all_at(&record, offset)?;
        file.sync_data()?;
        waits.push((clock.steady() - at).as_secs_f64() * 1e3);
        offset += record_bytes as u64;
    }
    Ok(Round::of(waits, clock.steady() - began, cpu_seconds()? - cpu, (offset, 0)))
}

/// A log of its own, which so many callers of so many runtimes use for so long.
fn logged(example: &Arc<Example>, callers: usize, runtimes: usize, time: Duration) -> Fallible<Round> {
    let clock = Arc::new(SystemClock::new());
    let OwnLog { log, folder } = own_log(&clock)?;
    let (began, cpu) = (clock.steady(), cpu_seconds()?);
    let waits = recorded(example, &log, &clock, callers, runtimes, End::At(began + time))?;
    let took = clock.steady() - began;
    // With its last checkpoint and tiles.
    drop(log);
    let cpu = cpu_seconds()? - cpu;
    Ok(Round::of(waits, took, cpu, bytes_of(folder.path())?))
}

/// How many runtimes a gateway has where nothing is set.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Has callers of so many runtimes, each of a thread of its own, record decisions until the end; gives how long each record was
/// waited for, in ms.
fn recorded(
    example: &Arc<Example>,
    log: &Log,
    clock: &Arc<SystemClock>,
    callers: usize,
    runtimes: usize,
    end: End,
) -> Fallible<Vec<f64>> {
    let end = Arc::new(end);
    let of_one = || -> Result<Vec<f64>, String> {
        let (waits, failed) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(None)));
        let log = log.at_own_desk();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| error.to_string())?.block_on(async {
            let tasks = Tasks::new();
            for _ in 0..callers / runtimes {
                let (example, log, clock) = (Arc::clone(example), log.clone(), Arc::clone(clock));
                let (end, waits, failed) = (Arc::clone(&end), Arc::clone(&waits), Arc::clone(&failed));
                drop(tasks.spawn(async move {
                    let mut own = Vec::new();
                    while end.is_not_reached(clock.steady()) {
                        match decision(&example, &log, clock.as_ref()).await {
                            Ok(two) => own.extend(two),
                            Err(what) => {
                                failed.lock().get_or_insert(what);
                                return;
                            }
                        }
                    }
                    waits.lock().append(&mut own);
                }));
            }
            tasks.idle().await;
        });
        let failed = failed.lock().take();
        failed.map_or_else(|| Ok(std::mem::take(&mut *waits.lock())), Err)
    };
    let all = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..runtimes).map(|_| scope.spawn(of_one)).collect();
        let ended = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a thread died".to_owned())));
        ended.collect::<Result<Vec<_>, _>>()
    })?;
    Ok(all.concat())
}

/// An intent and its outcome; how long each was waited for, in ms.
async fn decision(example: &Example, log: &Log, clock: &SystemClock) -> Result<[f64; 2], String> {
    let mut facts = example.facts.clone();
    facts.receipt = Receipt::new(random());
    facts.partner_token = Some(encode_base64url(&random::<16>()).into());
    let at = clock.steady();
    let intent = log.intent(&example.permit, &example.protected, &facts, clock.now()).await;
    let recorded = intent.map_err(|fault| format!("an intent was not recorded: {fault}"))?;
    let between = clock.steady();
    let concluded = log.outcome(recorded, example.outcome.clone(), example.reply.clone(), clock.now()).await;
    if concluded.reason() != Reason::Done {
        return Err(format!("an outcome was not recorded: {}", concluded.reason().code()));
    }
    Ok([between - at, clock.steady() - between].map(|wait| wait.as_secs_f64() * 1e3))
}

/// Has the log write so many records, and verifies them with the program.
fn verify(example: &Arc<Example>, records: u64) -> Fallible<()> {
    let clock = Arc::new(SystemClock::new());
    let OwnLog { log, folder } = own_log(&clock)?;
    let (began, cpu) = (clock.steady(), cpu_seconds()?);
    let waits = recorded(example, &log, &clock, FILLING_CALLERS, 1, End::Behind(AtomicU64::new(records / 2)))?;
    let (took, cpu) = ((clock.steady() - began).as_secs_f64(), cpu_seconds()? - cpu);
    let durable = waits.len();
    drop(log);
    let (segments, others) = bytes_of(folder.path())?;
    say(&format!(
        "{durable} records by {FILLING_CALLERS} callers in {took:.1} s ({:.0} a second, {:.1} µs of processor time each): \
         {segments} bytes of segments, {others} of checkpoints and tiles\n",
        durable as f64 / took,
        cpu * 1e6 / durable as f64,
    ));
    for round in 0..VERIFICATIONS {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"));
        program.args(["audit", "verify"]).arg(folder.path()).arg("--key").arg(folder.path().join("log.vkey"));
        let (began, cpu) = (clock.steady(), children_cpu_seconds()?);
        if !program.status()?.success() {
            return Err("the log was not verified".into());
        }
        let (took, cpu) = ((clock.steady() - began).as_secs_f64(), children_cpu_seconds()? - cpu);
        say(&format!(
            "{}. verified in {took:.1} s ({:.0} records a second), with {cpu:.1} s of processor time\n",
            round + 1,
            durable as f64 / took,
        ));
    }
    Ok(())
}

impl End {
    fn is_not_reached(&self, now: Duration) -> bool {
        match self {
            Self::At(end) => now < *end,
            Self::Behind(left) => {
                left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
            }
        }
    }
}

/// The parts of a real command, as its way leaves them.
fn example() -> Fallible<Example> {
    let command = Command::new()?;
    let now = UnixMillis::new(NOW.get() * 1000);
    let rebuilt = command.rebuilt()?;
    let permit = policies(5)?.decide(&command.admitted, &command.caller, &rebuilt, &command.located, now)?;
    let protected = command.protector.protect(&permit, &command.caller, &rebuilt)?;
    let mut facts = Facts::new(Receipt::new(random()), Epoch::new(7), Sha256::new(random()));
    facts.purpose = Some(Name::new("access")?);
    facts.peer = Some(Arc::from(command.peer.name()));
    facts.caller_known = true;
    facts.tenant = Some(Name::new("north")?);
    (facts.subject, facts.device, facts.answers) = persons()?;
    facts.key = Some(KeyDigests { key: Sha256::new(random()), body: Sha256::new(random()) });
    let trace = TraceParent::begin(random(), random(), true);
    (facts.trace, facts.partner_trace) = (Some(trace), Some(TraceParent::begin(random(), random(), true).trace()));
    facts.sizes.request = Some(command.body.len() as u64);
    facts.sizes.sent = Some(protected.outgoing().body.len() as u64);
    let mut micros = 40;
    for step in [Step::Declare, Step::Identify, Step::Admit, Step::Body, Step::Rebuild, Step::Bind, Step::Decide] {
        facts.steps.took(step, Duration::from_micros(micros));
        micros += 17;
    }
    facts.steps.took(Step::Protect, Duration::from_micros(micros));
    let body = br#"{"status":"opened","openedAt":"2026-11-27T18:00:00Z"}"#;
    let field = (http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    let reply = Reply { status: http::StatusCode::OK, fields: vec![field], body: body.to_vec().into() };
    let mut outcome = Outcome::new(OutcomeState::Done, Reason::Done);
    outcome.partner_status = Some(200);
    outcome.keep = Some(reply.clone());
    (outcome.sizes.answer, outcome.sizes.reply) = (Some(body.len() as u64), Some(body.len() as u64));
    for (step, micros) in [(Step::Intent, 1_900), (Step::Connect, 12), (Step::Partner, 24_000), (Step::Answer, 31)] {
        outcome.steps.took(step, Duration::from_micros(micros));
    }
    Ok(Example { permit, protected, facts, outcome, reply })
}

/// The handles of a person and a device, and the key of the answers that are kept of them.
fn persons() -> Fallible<(Option<Handle>, Option<Handle>, Option<AnswerKey>)> {
    let (folder, key) = (tempfile::tempdir()?, SecretKey::new(random()));
    let handles = Handles::new(Arc::new(Sqlite::open(&folder.path().join("store.sqlite"), &key)?), &key);
    let (user, device) = (Stranger::new("user-1"), Stranger::new("device-1"));
    let scope = Arc::from("https://sessions.example");
    let persons = [Some((IdentifierKind::User, &user)), Some((IdentifierKind::Device, &device))];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let named = runtime.block_on(handles.of(&scope, persons))?;
    let [user, device] = named.handles;
    Ok((user, device, named.answers))
}

/// A log by the defaults of the configuration.
fn own_log(clock: &Arc<SystemClock>) -> Fallible<OwnLog> {
    let folder = folder()?;
    let pem = SigningKey::generate_pem(SigningAlgorithm::EdDsa)?;
    let settings = Settings {
        directory: folder.path().to_owned(),
        archive: None,
        signer: Arc::new(NoteSigner::from_pem(NoteName::new("gateway.example/audit")?, &pem)?),
        deadline: Duration::from_secs(10),
        segment_bytes: SEGMENT_BYTES,
        reserve_bytes: RESERVE_BYTES,
        segment_age: Duration::from_hours(24),
        refusal_rates: RefusalRates { unknown_per_minute: 60, known_per_minute: 600 },
        receipts_max: 100_000,
        receipts_ms: 86_400_000,
    };
    let key = SecretKey::new(random());
    let (log, _) = Log::open(settings, &key, Arc::<SystemClock>::clone(clock), Arc::new(Metrics::new()?))?;
    Ok(OwnLog { log, folder })
}

/// A folder on the disk that the target folder is on: the usual temporary one may be none at all.
fn folder() -> Fallible<tempfile::TempDir> {
    Ok(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// Bytes of segments in use, and of everything else.
fn bytes_of(directory: &Path) -> Fallible<(u64, u64)> {
    let (mut segments, mut others) = (0, 0);
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let length = entry.metadata()?.len();
        if entry.metadata()?.is_dir() {
            others += bytes_of(&entry.path())?.1;
        } else if entry.path().extension().is_none_or(|extension| extension != "jsonl") {
            others += length;
        } else {
            // The next one is made ahead.
            let mut first = [0];
            File::open(entry.path())?.read_exact_at(&mut first, 0)?;
            segments += if first == *b"{" { length } else { 0 };
        }
    }
    Ok((segments, others))
}

/// Processor time of this process so far, in seconds (`proc_pid_stat(5)`: utime and stime).
fn cpu_seconds() -> Fallible<f64> {
    Ok(stat(11)? + stat(12)?)
}

/// The same of its children that have ended (cutime and cstime).
fn children_cpu_seconds() -> Fallible<f64> {
    Ok(stat(13)? + stat(14)?)
}

fn stat(field: usize) -> Fallible<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let mut fields = stat.rsplit_once(')').ok_or("a name in brackets")?.1.split_whitespace();
    Ok(fields.nth(field).ok_or("a field")?.parse::<f64>()? / 100.0)
}

impl Round {
    fn of(mut waits: Vec<f64>, took: Duration, cpu: f64, bytes: (u64, u64)) -> Self {
        waits.sort_by(f64::total_cmp);
        Self { waits, seconds: took.as_secs_f64(), cpu, bytes }
    }

    fn records(&self) -> f64 {
        self.waits.len() as f64
    }

    fn a_second(&self) -> f64 {
        self.records() / self.seconds
    }

    fn wait(&self, hundredths: usize) -> f64 {
        self.waits.get(self.waits.len() * hundredths / 100).copied().unwrap_or(f64::NAN)
    }

    fn cpu_micros(&self) -> f64 {
        self.cpu * 1e6 / self.records()
    }

    fn row(&self) -> String {
        format!(
            "{:.0} | {:.3} | {:.3} | {:.3} | {:.1} | {:.0} | {:.1}",
            self.a_second(),
            self.wait(50),
            self.wait(99),
            self.waits.last().copied().unwrap_or(f64::NAN),
            self.cpu_micros(),
            self.bytes.0 as f64 / self.records() * 2.0,
            self.bytes.1 as f64 / self.records() * 2.0,
        )
    }
}

/// Medians of all rounds, with their range.
fn table(cases: &[Case], record_bytes: usize) -> Fallible<String> {
    let mut text = format!(
        "\nMedians of {ROUNDS} rounds in turn, with their range; a record of the loops is {record_bytes} bytes.\n\n\
         | case | records a second | p50 ms | p99 ms | µs of processor each | bytes of records for a decision | of checkpoints and tiles |\n\
         |---|---:|---:|---:|---:|---:|---:|\n"
    );
    for case in cases {
        write!(text, "| {} |", case.name)?;
        let figures: [(Figure<'_>, usize); 6] = [
            (&Round::a_second, 0),
            (&|round| round.wait(50), 3),
            (&|round| round.wait(99), 3),
            (&Round::cpu_micros, 1),
            (&|round| round.bytes.0 as f64 / round.records() * 2.0, 0),
            (&|round| round.bytes.1 as f64 / round.records() * 2.0, 0),
        ];
        for (figure, digits) in figures {
            let mut found: Vec<f64> = case.rounds.iter().map(figure).collect();
            found.sort_by(f64::total_cmp);
            let at = |index: usize| found.get(index).copied().unwrap_or(f64::NAN);
            let (least, most) = (at(0), at(found.len().saturating_sub(1)));
            write!(text, " {:.digits$} ({least:.digits$} to {most:.digits$}) |", at(found.len() / 2))?;
        }
        text.push('\n');
    }
    Ok(text)
}
