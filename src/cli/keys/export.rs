//! `portcullis keys export`: the public keys that somebody else needs, as the file that they take.

use crate::cli::output::Ending;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::config::Config;
use crate::config::TokenSettings;
use crate::crypto::SigningKey;
use crate::crypto::jwks_json;
use crate::crypto::purposed_jwks;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::nearest;
use crate::identity::AskingAs;
use crate::identity::IssuerKeys;
use crate::partner::TokenKeys;
use crate::partner::partner_jwks;
use clap::Args;
use std::path::PathBuf;

/// Prints the public keys that one other side needs: those that sign, and those that will sign next.
///
/// For a partner, the JWKS by which it verifies its tokens and the requests to it, or by which its authorisation server knows
/// the gateway as a client: the same that a running gateway tells it at `GET /-/jwks`. For an issuer that is asked about its
/// tokens, the JWKS by which it knows the gateway as a client (`private_key_jwt`). With `--sessions` the JWKS by which session
/// tokens are verified, the same that is published at `public_url`. With `--log` the one line by which the audit log is
/// verified (`--key` of `portcullis audit verify`).
///
/// In the first two each key says by `purpose` what it is for: `token`, `request` or `client`. It reads the configuration and
/// the files that it names, as `portcullis run` would, and needs no gateway. Nothing of a private key is printed.
///
/// Exit codes: 0 printed, 2 the configuration cannot be read, has no such partner or issuer, or no key for it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  portcullis keys export --partner smarthome --config gateway.yaml > smarthome.jwks\n  \
                  portcullis keys export --issuer https://login.prop.example --config gateway.yaml > portcullis.jwks\n  \
                  portcullis keys export --sessions --config gateway.yaml > sessions.jwks\n  \
                  portcullis keys export --log --config gateway.yaml > log.vkey"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    whom: Whom,
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// For whom.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Whom {
    /// A partner, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    partner: Option<String>,
    /// An issuer that is asked about its tokens (`introspection`), as the configuration has it
    #[arg(long, value_name = "ISSUER")]
    issuer: Option<String>,
    /// Whoever verifies session tokens
    #[arg(long)]
    sessions: bool,
    /// Whoever verifies the audit log
    #[arg(long)]
    log: bool,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let config = Config::load(&arguments.config)?;
    let told = match &arguments.whom {
        Whom { partner: Some(name), .. } => for_partner(&config, name)?,
        Whom { issuer: Some(name), .. } => for_issuer(&config, name)?,
        Whom { sessions: true, .. } => {
            let keys: Vec<&SigningKey> = config.sessions.keys.iter().map(AsRef::as_ref).collect();
            jwks_json(&keys)
        }
        Whom { .. } => config.audit.signer.vkey(),
    };
    say(&format!("{told}\n"));
    Ok(Ending::Done)
}

fn for_partner(config: &Config, name: &str) -> Result<String, Diagnostic> {
    let found = config.partners.iter().find(|known| known.name.as_str() == name);
    let found = found.ok_or_else(|| {
        let message = format!("`{}` is no partner of this configuration", plain(name));
        let fault = Diagnostic::without_file("unknown-partner", message);
        match nearest(name, config.partners.iter().map(|known| known.name.as_str())) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault.help("its partners stand under `partners:`"),
        }
    })?;
    let tokens = match &found.token {
        TokenSettings::Minted(minting) => TokenKeys::Tokens(&minting.keys),
        TokenSettings::Fetched(server) => TokenKeys::Assertions(&server.keys),
    };
    Ok(partner_jwks(tokens, &found.signing))
}

fn for_issuer(config: &Config, name: &str) -> Result<String, Diagnostic> {
    let no_key = |why: &str, help: &str| {
        Diagnostic::without_file("unusable", format!("`{}` {why}", plain(name))).help(help.to_owned())
    };
    let issuer = config.identity.issuers.iter().find(|known| known.issuer == name).ok_or_else(|| {
        no_key("is no issuer of this configuration", "name it as it stands under `issuers:`, byte for byte")
    })?;
    match &issuer.keys {
        IssuerKeys::Asked { asking_as, .. } => match &**asking_as {
            AskingAs { key: Some(key), .. } => Ok(purposed_jwks(std::iter::once(("client", &**key)))),
            AskingAs { key: None, .. } => Err(no_key(
                "knows us by our certificate alone",
                "hand over that certificate: `portcullis certs show` tells what it says",
            )),
        },
        IssuerKeys::Known(_) | IssuerKeys::Remote { .. } => {
            Err(no_key("is not asked about its tokens, and knows no key of ours", "it has no `introspection`"))
        }
    }
}
