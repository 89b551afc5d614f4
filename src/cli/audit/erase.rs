//! `portcullis audit erase`: nobody shall know any more for whom a handle stands. One person proposes, another confirms.

use crate::admin::SocketAnswer;
use crate::cli::audit::whom::Whom;
use crate::cli::door;
use crate::cli::door::Place;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::say;
use crate::diagnostic::Diagnostics;
use crate::pipeline::Act;
use clap::Args;
use std::path::PathBuf;

/// Erases a person, a device or a car at the running gateway, which takes two persons with the role `eraser`.
///
/// The first proposes; the second gives exactly the same with `--confirm`, within `limits.lift_confirm_ms`. From then on the
/// records keep a handle that stands for nobody, and whoever comes again under the same identifier gets another one. The log
/// and its proofs stay as they are. It cannot be taken back; a backup of the store made before still holds the person. Both
/// acts are on record with their persons and the handle.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  portcullis audit erase --config gateway.yaml --issuer https://id.example --subject who.txt\n  portcullis audit erase --config gateway.yaml --issuer https://id.example --subject who.txt --confirm"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    whom: Whom,
    /// The file whose only line is the identifier; `-` reads it from standard input
    #[arg(long, value_name = "FILE")]
    subject: PathBuf,
    /// Confirm what another person has proposed
    #[arg(long)]
    confirm: bool,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let socket = arguments.place.socket()?;
    let order = arguments.whom.order(&arguments.subject)?;
    let act = if arguments.confirm { Act::ConfirmErase(order) } else { Act::ProposeErase(order) };
    let told = match (door::ask(&socket, &act, arguments.format)?, arguments.confirm) {
        (SocketAnswer::Proposed { until, receipt }, false) => {
            format!("not erased yet; another person may confirm until {until}, with `--confirm`; receipt {receipt}\n")
        }
        (SocketAnswer::Erased { handle, receipt }, true) => {
            format!("erased; {handle} stands for nobody any more, receipt {receipt}\n")
        }
        _ => return Err(door::beside_the_point()),
    };
    if arguments.format == Format::Text {
        say(&told);
    }
    Ok(Ending::Done)
}
