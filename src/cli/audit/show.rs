//! `portcullis audit show`: the records of a log, for an investigator.

use crate::audit;
use crate::audit::Cursor;
use crate::audit::Selected;
use crate::audit::Walk;
use crate::audit::Walked;
use crate::audit::Wanted;
use crate::cli::audit::Place;
use crate::cli::audit::filters::Filters;
use crate::cli::audit::period::Period;
use crate::cli::audit::reading::Reading;
use crate::cli::audit::row;
use crate::cli::audit::unreadable;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_line;
use crate::cli::output::say;
use crate::cli::output::say_on;
use crate::cli::screen;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::diagnostic::Diagnostics;
use clap::Args;
use std::collections::VecDeque;
use std::time::Duration;

/// How often `--follow` looks.
const LOOKS_EVERY: Duration = Duration::from_millis(250);

/// How many segments `--last` looks at first, from the newest back; each time that these are too few, twice as many.
const LOOKED_AT_FIRST: usize = 2;

/// Shows the records of an audit log, in their order. The log may be one that a gateway is writing.
///
/// An outcome is shown with what its intent says, and by filters found with it. Persons stand there as handles. Under a receipt
/// every member is told, else a line for each record: time, kind, what was asked, how it ended, the thing, the subject's handle,
/// the policies that decided, the receipt. To machines it tells each record as it stands in the log, one a line.
///
/// Where the log is damaged, that is said, and what stands behind the damage is shown all the same.
///
/// Exit codes: 0 shown, 1 nothing was found or the log is damaged, 2 it cannot be read.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis audit show --audit audit --receipt r-aebagbafaydqqcikbmga2dqpca\n  \
                  portcullis audit show --audit audit --resource house-1/door-1 --since 12h --tz Europe/Moscow\n  \
                  portcullis audit show --audit audit --reason policy-denied --last 20 --follow\n  \
                  portcullis audit show --audit audit --kind revocation --since 24h --format json")]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    period: Period,
    /// Only so many, the newest
    #[arg(long, value_name = "N")]
    last: Option<usize>,
    /// Go on with what is written from now on, until Ctrl-C
    #[arg(long)]
    follow: bool,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let (since, until) = arguments.period.bounds(SystemClock::new().now())?;
    // Only the newest of a log that cannot be listed would be nothing.
    let segments = audit::segments(&arguments.place.audit).map_err(|fault| unreadable(&fault))?;
    let wanted = || arguments.filters.wanted(since, until);
    let (mut shower, mut reading) = match arguments.last {
        None => {
            let mut shower = Shower::new(arguments);
            let mut reading = Reading::new(wanted(), Walk::new(arguments.place.audit.clone(), Cursor::START));
            reading.read_on(&mut |walked, told| shower.show(walked, told))?;
            (shower, reading)
        }
        Some(last) => newest(arguments, &wanted, &segments, last)?,
    };
    if arguments.follow {
        let mut ended = Ok(());
        screen::repeat_while(LOOKS_EVERY, || {
            ended = reading.read_on(&mut |walked, told| shower.show(walked, told));
            ended.is_ok() && !shower.deaf
        })?;
        ended?;
    }
    if !shower.shown && arguments.format == Format::Text && !arguments.follow {
        say("no record of the log fits\n");
    }
    let found = shower.shown || arguments.follow;
    Ok(if found && !reading.is_damaged() { Ending::Done } else { Ending::FoundSomething })
}

/// Shows the newest that fit: from so many segments back that there are enough of them, and from one more, because what an
/// outcome is the outcome of may stand there.
fn newest<'a>(
    arguments: &'a Arguments,
    wanted: &dyn Fn() -> Wanted,
    segments: &[u64],
    last: usize,
) -> Result<(Shower<'a>, Reading), Diagnostics> {
    let mut back = LOOKED_AT_FIRST;
    loop {
        let first = segments.len().saturating_sub(back);
        let from = segments.get(first.saturating_sub(1)).copied().unwrap_or_default();
        let counts_from = segments.get(first).copied().unwrap_or_default();
        let walk = match from {
            0 => Walk::new(arguments.place.audit.clone(), Cursor::START),
            from => Walk::from_segment(arguments.place.audit.clone(), from),
        };
        let mut reading = Reading::new(wanted(), walk);
        // Damage is told with the last reading, which has met the most of it.
        reading.quiet = first > 0;
        let mut kept = VecDeque::new();
        reading.read_on(&mut |walked, told| {
            if walked.at.segment >= counts_from {
                kept.push_back((walked, told));
            }
            if kept.len() > last {
                kept.pop_front();
            }
            true
        })?;
        if first == 0 || kept.len() == last {
            reading.tell();
            let mut shower = Shower::new(arguments);
            for (walked, told) in kept {
                let _ = shower.show(walked, told);
            }
            return Ok((shower, reading));
        }
        back = back.saturating_mul(2);
    }
}

/// Writes records for whom they are wanted.
struct Shower<'a> {
    arguments: &'a Arguments,
    width: Option<usize>,
    shown: bool,
    /// Whether nobody reads any more.
    deaf: bool,
}

impl<'a> Shower<'a> {
    fn new(arguments: &'a Arguments) -> Self {
        Self { arguments, width: screen::width(), shown: false, deaf: false }
    }

    fn show(&mut self, walked: Walked, told: Selected) -> bool {
        let zone = self.arguments.period.zone();
        let text = match (self.arguments.format, self.arguments.filters.receipt) {
            (Format::Json, _) => json_line(&String::from_utf8_lossy(walked.bytes())),
            (Format::Text, Some(_)) => row::page(&told.record, zone),
            (Format::Text, None) if self.shown => row::row(&told, zone, self.width),
            (Format::Text, None) => row::head(self.width) + &row::row(&told, zone, self.width),
        };
        self.shown = true;
        self.deaf = !say_on(&text);
        !self.deaf
    }
}
