//! `portcullis keys export`: the public keys by which a partner verifies what the gateway sends, from the files alone.

use crate::cli::output::Ending;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::config::Config;
use crate::config::TokenSettings;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::nearest;
use crate::partner::TokenKeys;
use crate::partner::partner_jwks;
use clap::Args;
use clap::Subcommand;
use std::path::PathBuf;

/// Public keys of the gateway.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis keys export --partner smarthome --config gateway.yaml")]
pub(super) struct Arguments {
    #[command(subcommand)]
    about: About,
}

#[derive(Subcommand)]
enum About {
    Export(ExportArguments),
}

/// Prints the keys by which a partner verifies its tokens and the requests to it, as JWKS.
///
/// They are the same that a running gateway tells that partner at `GET /-/jwks`: those that sign, and those that will sign
/// next. It reads the configuration and the files that it names, as `portcullis run` would, and needs no gateway. Nothing of a
/// private key is printed.
///
/// Exit codes: 0 printed, 2 the configuration cannot be read, or has no such partner.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  portcullis keys export --partner smarthome --config gateway.yaml > smarthome.jwks"
)]
struct ExportArguments {
    /// The partner, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    partner: String,
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let About::Export(ExportArguments { partner, config }) = &arguments.about;
    let config = Config::load(config)?;
    let Some(found) = config.partners.iter().find(|known| known.name.as_str() == partner) else {
        return Err(unknown(&config, partner).into());
    };
    let tokens = match &found.token {
        TokenSettings::Minted(minting) => TokenKeys::Tokens(&minting.keys),
        TokenSettings::Fetched(server) => TokenKeys::Assertions(&server.keys),
    };
    say(&format!("{}\n", partner_jwks(tokens, &found.signing)));
    Ok(Ending::Done)
}

fn unknown(config: &Config, partner: &str) -> Diagnostic {
    let message = format!("`{}` is no partner of this configuration", plain(partner));
    let fault = Diagnostic::without_file("unknown-partner", message);
    match nearest(partner, config.partners.iter().map(|known| known.name.as_str())) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("its partners stand under `partners:`"),
    }
}
