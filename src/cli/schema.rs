//! `portcullis schema`: JSON Schemas of the files that people write, for their editors, and of what programs read.

use crate::audit;
use crate::bundle;
use crate::cli::output::Ending;
use crate::cli::output::json_text;
use crate::cli::output::say;
use crate::config;
use crate::contract;
use crate::diagnostic::Diagnostics;
use crate::workbench;
use clap::Args;
use clap::ValueEnum;

/// Writes the JSON Schema (2020-12) of a kind of file, so that an editor completes its keys and marks what is wrong; of a
/// record, so that a program that reads logs knows what may come.
///
/// It says what a file may hold. What files must say together, `portcullis check` tells (docs/editors.md).
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis schema gateway > gateway.schema.json\n  \
                  portcullis schema contract > contract.schema.json")]
pub(super) struct Arguments {
    /// The kind of file
    #[arg(value_enum, value_name = "KIND")]
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Kind {
    /// `gateway.yaml`
    Gateway,
    /// `contracts/<partner>.openapi.yaml`, with `x-portcullis`
    Contract,
    /// `tests/*.yaml`
    Tests,
    /// `requirements.yaml`
    Requirements,
    /// A record: one line of the audit log
    Record,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    say(&json_text(&match arguments.kind {
        Kind::Gateway => config::schema(),
        Kind::Contract => contract::schema(),
        Kind::Tests => workbench::case_schema(),
        Kind::Requirements => bundle::requirements_schema(),
        Kind::Record => audit::record_schema(),
    }));
    Ok(Ending::Done)
}
