//! `portcullis lift`: gives back what a revocation took. One person proposes, another confirms.

use clap::Args;

use crate::admin::SocketAnswer;
use crate::cli::door;
use crate::cli::door::Place;
use crate::cli::door::Which;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::say;
use crate::diagnostic::Diagnostics;
use crate::pipeline::Act;

/// Lifts a revocation at the running gateway, which takes two persons with the role `lifter`.
///
/// The first proposes; the second gives exactly the same with `--confirm`, within `limits.lift_confirm_ms`. Kind, tenant and
/// value are those of the revocation. A proposal ends when its time is over, when the same is revoked again, and when the
/// gateway restarts. Both acts are on record with their persons.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis lift --config gateway.yaml --kind operation openDoor\n  \
                  portcullis lift --config gateway.yaml --kind operation --confirm openDoor")]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    which: Which,
    /// Confirm what another person has proposed
    #[arg(long)]
    confirm: bool,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let socket = arguments.place.socket()?;
    let order = arguments.which.order()?;
    let act = if arguments.confirm { Act::ConfirmLift(order) } else { Act::ProposeLift(order) };
    let told = match (door::ask(&socket, &act, arguments.format)?, arguments.confirm) {
        (SocketAnswer::Proposed { until, receipt }, false) => {
            format!("still in force; another person may confirm until {until}, with `--confirm`; receipt {receipt}\n")
        }
        (SocketAnswer::Lifted { epoch, receipt }, true) => format!("lifted in epoch {epoch}, receipt {receipt}\n"),
        _ => return Err(door::beside_the_point()),
    };
    if arguments.format == Format::Text {
        say(&told);
    }
    Ok(Ending::Done)
}
