//! `portcullis demo`: one opening of a door as a story in the terminal, then every other operation of the sample for both
//! tenants and both partners, an event each way, and what must fail.
//!
//! Everything is made in a temporary folder that goes with the command, and everything is on loopback. The gateway is this
//! program once more, as `portcullis run` with the generated `gateway.yaml`: it cannot tell that it is in a demo. Backend
//! and partners are simulated here.

mod errands;
mod events;
mod opening;
mod pasted;
mod record;
mod refusals;
mod scene;
mod session;
mod story;

use crate::cli::demo::scene::Scene;
use crate::cli::demo::scene::SceneFault;
use crate::cli::demo::story::Story;
use crate::cli::output::Ending;
use crate::diagnostic;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use clap::Args;

/// Plays every operation of the sample bundle, an event each way, and what must fail, with a real gateway between a simulated backend and
/// simulated partners.
///
/// Needs no configuration. Certificates, keys, policies, configuration and the audit log are made in a temporary folder
/// that is removed at the end. Nothing leaves this machine.
///
/// Exit codes: 0 every step did what it should, 1 one did not, 2 it could not be played.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis demo\n  portcullis demo --keep")]
pub(super) struct Arguments {
    /// Leave everything running until Ctrl-C, and print curl commands to paste
    #[arg(long)]
    keep: bool,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let mut scene = Scene::set().map_err(|fault| not_played(&fault))?;
    let mut story = Story::begin(&scene.introduction());
    opening::play(&mut scene, &mut story);
    errands::play(&scene, &mut story);
    events::play(&scene, &mut story);
    refusals::play(&mut scene, &mut story);
    events::fail(&scene, &mut story);
    if arguments.keep {
        pasted::offer(&mut scene).map_err(|fault| not_played(&fault))?;
    }
    scene.strike().map_err(|fault| not_played(&fault))?;
    Ok(if story.end() { Ending::Done } else { Ending::FoundSomething })
}

fn not_played(fault: &SceneFault) -> Diagnostics {
    Diagnostic::without_file("demo", diagnostic::with_causes(fault)).into()
}
