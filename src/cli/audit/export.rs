//! `portcullis audit export`: the records of a log, for a SIEM. Each at least once, and only what is durable and signed.
//!
//! A batch is gathered ([`gather`]), brought to its destination ([`target`]), and only when that has taken it the cursor moves
//! ([`kept`]). Whatever ends the process in between, the next one sends at most that batch again.

mod gather;
mod kept;
mod target;

use crate::audit::FoundRecord;
use crate::cli::audit::export::gather::Choice;
use crate::cli::audit::export::gather::Source;
use crate::cli::audit::export::kept::Kept;
use crate::cli::audit::export::target::Target;
use crate::cli::audit::place::LogPlace;
use crate::cli::output::Ending;
use crate::cli::output::complain;
use crate::clock::UnixMillis;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use clap::Args;
use clap::ValueEnum;
use std::io::IsTerminal;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// How often a log that is followed is asked for a newer checkpoint; it has one each second at most.
const LOOKS_EVERY: Duration = Duration::from_secs(1);
/// How long a server is left alone that did not take a batch.
const TRIES_EVERY: Duration = Duration::from_secs(5);

/// Exports the audit log as a SIEM reads it, each record at least once, as far as the newest signed checkpoint, which ends each
/// batch. `docs/export.md` tells the formats.
///
/// The log's key has to have signed the checkpoint: the configured one with `--config`, else the one that is named. With `--cursor` it goes on where the last run came to; what was interrupted there is sent again, and nothing is left out.
///
/// Exit codes: 0 all was exported that is signed, 2 it could not be.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  portcullis audit export --config gateway.yaml --format ocsf --to ocsf.jsonl --cursor ocsf.cursor\n  \
                  portcullis audit export audit --log-key log.vkey --format cef --to tls://siem:6514 --ca ca.pem --cursor at --follow"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: LogPlace,
    /// The log's public key, or a file that holds it; with `--config` the configured one unless it is named
    #[arg(long, value_name = "KEY", required_unless_present = "config")]
    log_key: Option<String>,
    /// How a record is written
    #[arg(long, value_enum)]
    format: Format,
    #[command(flatten)]
    target: target::Destined,
    /// Where to keep how far it has come; without it every run begins at the oldest record
    #[arg(long, value_name = "FILE")]
    cursor: Option<PathBuf>,
    /// Goes on as the log grows, until Ctrl-C or SIGTERM
    #[arg(long)]
    follow: bool,
    /// The most records of a batch
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batch: u32,
    #[command(flatten)]
    chosen: Chosen,
}

/// What is left out. Who gets less cannot tell by the indexes that nothing is missing.
#[derive(Args)]
struct Chosen {
    /// Leaves out what was recorded before (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<UnixMillis>,
    /// Leaves out what was recorded at that time or later
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<UnixMillis>,
    /// Leaves out all other kinds of records: then an index that is missing proves nothing
    #[arg(long, value_name = "KIND,...", value_delimiter = ',', value_parser = kind)]
    kinds: Vec<String>,
}

/// As which a record is written.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// JSON lines: the record as it stands, and its place
    Jsonl,
    /// Open Cybersecurity Schema Framework 1.6.0
    Ocsf,
    /// ArcSight's Common Event Format
    Cef,
    /// RFC 5424
    Syslog,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let source = source(arguments)?;
    let kept = Kept::open(arguments.cursor.as_deref())?;
    if let Some(place) = kept.place() {
        source.knows(place)?;
    }
    let target = Target::open(&arguments.target)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| no_runtime(&error))?;
    runtime.block_on(Export { source, kept, target, batch: arguments.batch, told: None }.run(arguments.follow))
}

/// An export under way.
struct Export {
    source: Source,
    kept: Kept,
    target: Target,
    batch: u32,
    /// What was said last of a server that does not take batches.
    told: Option<String>,
}

impl Export {
    async fn run(mut self, follow: bool) -> Result<Ending, Diagnostics> {
        let mut interrupted = signal(SignalKind::interrupt()).map_err(|error| no_runtime(&error))?;
        let mut terminated = signal(SignalKind::terminate()).map_err(|error| no_runtime(&error))?;
        loop {
            let pause = tokio::select! {
                pause = self.catch_up(follow) => pause?,
                _ = interrupted.recv() => return Ok(Ending::Done),
                _ = terminated.recv() => return Ok(Ending::Done),
            };
            if !follow {
                return Ok(Ending::Done);
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = interrupted.recv() => return Ok(Ending::Done),
                _ = terminated.recv() => return Ok(Ending::Done),
            }
        }
    }

    /// Exports all that is signed by now; gives how long to wait before the next look.
    async fn catch_up(&mut self, follow: bool) -> Result<Duration, Diagnostics> {
        let checkpoint = match self.source.checkpoint()? {
            Some(checkpoint) => checkpoint,
            None if follow => return Ok(LOOKS_EVERY),
            None => return Err(self.source.unsigned().into()),
        };
        self.source.goes_on(&checkpoint, self.kept.place())?;
        let mut progress = progress();
        let (most, framing) = (self.batch, self.target.framing());
        while let Some(batch) = self.source.gather(&checkpoint, self.kept.cursor(), most, framing)? {
            if let Err(fault) = self.target.take(&batch.bytes).await {
                // A server may be back in a while; a disk that fails is for people.
                if !follow || !self.target.is_remote() {
                    return Err(fault.into());
                }
                self.tell_once(fault);
                return Ok(TRIES_EVERY);
            }
            self.told = None;
            self.kept.advance(batch.place)?;
            progress(self.kept.cursor().index, checkpoint.size());
            // Ctrl-C is heard between two batches.
            tokio::task::yield_now().await;
        }
        Ok(LOOKS_EVERY)
    }

    fn tell_once(&mut self, fault: Diagnostic) {
        let text = fault.to_string();
        if self.told.as_ref() != Some(&text) {
            complain(&fault.into());
            self.told = Some(text);
        }
    }
}

fn source(arguments: &Arguments) -> Result<Source, Diagnostics> {
    let Chosen { since, until, kinds } = &arguments.chosen;
    let choice = Choice { since: *since, until: *until, kinds: kinds.clone() };
    let format = arguments.format.meant();
    let (directory, key) = arguments.place.find_with_key(arguments.log_key.as_deref())?;
    Ok(Source::new(directory, key, format, choice))
}

/// Tells a terminal, in steps of one in a hundred, how far a long export has come.
fn progress() -> impl FnMut(u64, u64) {
    let (mut told, is_seen) = (u64::MAX, std::io::stderr().is_terminal());
    move |done, all| {
        let percent = done.min(all).saturating_mul(100).checked_div(all).unwrap_or(100);
        if is_seen && percent != told {
            told = percent;
            let mut out = std::io::stderr();
            let _ = write!(out, "\r{percent:3} % of {all} records");
            if done >= all {
                let _ = write!(out, "\r\x1b[K");
            }
            let _ = out.flush();
        }
    }
}

fn no_runtime(error: &std::io::Error) -> Diagnostic {
    Diagnostic::without_file("no-runtime", format!("it cannot be exported: {error}"))
}

fn time(text: &str) -> Result<UnixMillis, &'static str> {
    UnixMillis::parse(text).ok_or("a time is written as RFC 3339 has it, for instance `2026-11-27T00:00:00Z`")
}

fn kind(text: &str) -> Result<String, String> {
    if FoundRecord::kinds().any(|kind| kind == text) {
        return Ok(text.to_owned());
    }
    Err(format!("the kinds are {}", FoundRecord::kinds().collect::<Vec<_>>().join(", ")))
}

impl Format {
    const fn meant(self) -> crate::audit::Format {
        match self {
            Self::Jsonl => crate::audit::Format::Jsonl,
            Self::Ocsf => crate::audit::Format::Ocsf,
            Self::Cef => crate::audit::Format::Cef,
            Self::Syslog => crate::audit::Format::Syslog,
        }
    }
}
