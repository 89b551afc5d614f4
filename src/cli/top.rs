//! `portcullis top`: what a running gateway does, drawn anew each second from its metrics and its status.

mod exposition;
mod frame;

use crate::cli::ops;
use crate::cli::ops::Ops;
use crate::cli::output::Ending;
use crate::cli::output::say;
use crate::cli::screen;
use crate::cli::screen::Screen;
use crate::cli::top::exposition::Exposition;
use crate::cli::top::frame::Look;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::diagnostic::Diagnostics;
use clap::Args;
use std::net::SocketAddr;
use std::time::Duration;

/// How often it looks.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// Shows what a running gateway does, each second: decisions, refusals by reason, times of each step, queues, partners, and
/// what runs out.
///
/// Rates and times are of the last second; those of the first frame, and of `--once`, are averages since the gateway's start.
/// On a terminal it draws on its second page, which Ctrl-C leaves; elsewhere frames follow one another.
///
/// Exit codes: 0 ended by Ctrl-C, or one frame shown, 2 no gateway was reached.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  portcullis top --config gateway.yaml\n  portcullis top --ops 127.0.0.1:9464 --once"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Ops,
    /// Show one frame and end
    #[arg(long)]
    once: bool,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let (address, clock) = (arguments.place.address()?, SystemClock::new());
    let first = look(address, &clock)?;
    if arguments.once {
        say(&frame::drawn(&first, None));
        return Ok(Ending::Done);
    }
    let screen = Screen::open(true);
    let mut before = None;
    let mut next = Some(first);
    screen::repeat(LOOKS_EVERY, || {
        match next.take().map_or_else(|| look(address, &clock), Ok) {
            Ok(now) => {
                screen.show(&frame::drawn(&now, before.as_ref()));
                before = Some(now);
            }
            // It may be back at the next look, with counters that begin anew.
            Err(faults) => {
                screen.show(&format!("{faults}\n"));
                before = None;
            }
        }
    })?;
    Ok(Ending::Done)
}

fn look(address: SocketAddr, clock: &SystemClock) -> Result<Look, Diagnostics> {
    let (_, status) = ops::status(address)?;
    let metrics = Exposition::parse(&ops::page(address, "/metrics")?);
    Ok(Look { at: clock.steady(), status, metrics })
}
