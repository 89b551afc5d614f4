//! `portcullis token inspect`: why a gateway of this configuration would refuse a token, check by check.

use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::cli::table::Table;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::clock::UnixMillis;
use crate::config::Config;
use crate::crypto::ClientTrust;
use crate::crypto::KeySet;
use crate::crypto::read_certificates;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::identity::IssuerKeys;
use crate::json::Object;
use crate::json::Value;
use crate::workbench::TokenCheck;
use crate::workbench::TokenInspectError;
use crate::workbench::TokenQuestion;
use crate::workbench::TokenStory;
use crate::workbench::inspect_token;
use clap::Args;
use http::Method;
use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

/// More than this is not read. The longest token has 8 KiB, and a longer one shall still be told so.
const MAX_INPUT_BYTES: u64 = 64 * 1024;

/// Says whether a gateway would take a token, and if not, why: check by check, what the token says and what is demanded.
///
/// It reads the configuration and the files that it names, as `portcullis run` would, and asks nobody: keys that the
/// configuration takes from elsewhere are not fetched. The verdict is that of the gateway's own verifier, for a request with
/// this token by the peer of the certificate; whether policy would permit anything, or the token is revoked, is not asked.
/// The signature is never shown, and what the claims say about a person only with `--show-claims`.
///
/// Exit codes: 0 it would be taken, 1 it would be refused, 2 something could not be read.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  portcullis token inspect --config gateway.yaml --certificate pki/backend.pem token.jwt\n  \
                  portcullis token inspect --config gateway.yaml --certificate pki/backend.pem --moves -"
)]
pub(super) struct Arguments {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The certificate of the backend that brings the token, with those behind it
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// The key set of the token's issuer, where the configuration takes it from elsewhere
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// The file with the proof of possession that came beside the token, the field `DPoP`; `-` reads it from standard input
    #[arg(long, value_name = "FILE", requires = "path")]
    proof: Option<PathBuf>,
    /// The method of the request
    #[arg(long, value_name = "METHOD", default_value = "GET")]
    method: Method,
    /// The path of the request, without query: with `public_url` it is what the proof must name
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// As for an operation that moves something
    #[arg(long)]
    moves: bool,
    /// As at this time, for instance `2026-11-27T03:00:00Z`; without it, now
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<UnixMillis>,
    /// Show all claims, also those about a person
    #[arg(long)]
    show_claims: bool,
    /// The file with the token and nothing else; `-` reads it from standard input
    #[arg(value_name = "TOKEN")]
    token: PathBuf,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let mut config = Config::load(&arguments.config)?;
    if let Some(file) = &arguments.jwks {
        let keys = key_set(file)?;
        for issuer in &mut config.identity.issuers {
            if matches!(issuer.keys, IssuerKeys::Remote { .. }) {
                issuer.keys = IssuerKeys::Known(Arc::clone(&keys));
            }
        }
    }
    let tls = &config.backend.tls;
    let trust = ClientTrust::new(tls.roots.clone(), config.backend.crls.clone());
    let trust = trust.map_err(|error| Diagnostic::without_file("unusable", error.to_string()))?;
    let chain = read_certificates(&arguments.certificate).map_err(|error| {
        let file = plain(&arguments.certificate.display().to_string());
        Diagnostic::without_file("unreadable-input", format!("`{file}`: {error}"))
            .help("name the certificate, not its key, in PEM")
    })?;
    let token = one_line(&arguments.token)?;
    let proof = arguments.proof.as_deref().map(one_line).transpose()?;
    let now = arguments.at.unwrap_or_else(|| SystemClock::new().now()).seconds();
    let question = TokenQuestion {
        token: &token,
        chain: &chain,
        proof: proof.as_deref(),
        method: &arguments.method,
        path: arguments.path.as_deref().unwrap_or("/"),
        moves: arguments.moves,
        now,
    };
    let story = inspect_token(config.identity, Arc::new(trust), &question);
    let story = story.map_err(|error| {
        let help = match error {
            TokenInspectError::IssuerAlone => {
                "the configuration has its issuer asked about each token (RFC 7662), and nobody is asked here: \
                 ask that issuer's introspection endpoint"
            }
            TokenInspectError::Certificate | TokenInspectError::KeysElsewhere | TokenInspectError::Settings(_) => {
                "a certificate is PEM; keys that are published elsewhere are given by `--jwks`: nothing is fetched"
            }
        };
        Diagnostic::without_file("unusable", error.to_string()).help(help)
    })?;
    say(&match arguments.format {
        Format::Text => text(&story, arguments.show_claims),
        Format::Json => json(&story, arguments.show_claims),
    });
    Ok(if story.refused.is_some() { Ending::FoundSomething } else { Ending::Done })
}

fn key_set(file: &Path) -> Result<Arc<KeySet>, Diagnostic> {
    let unreadable = |why: String| {
        let message = format!("`{}` cannot be read: {why}", plain(&file.display().to_string()));
        Diagnostic::without_file("unreadable-input", message).help("a JWKS, as the issuer publishes it")
    };
    let text = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    KeySet::parse(&text).map(Arc::new).map_err(|error| unreadable(error.to_string()))
}

fn time(text: &str) -> Result<UnixMillis, &'static str> {
    UnixMillis::parse(text).ok_or("a time as RFC 3339 writes it, for instance `2026-11-27T03:00:00Z`")
}

/// What stands in a file, or on standard input, without the line's end behind it.
fn one_line(file: &Path) -> Result<String, Diagnostic> {
    let mut text = String::new();
    let read = match file.to_str() {
        Some("-") => std::io::stdin().take(MAX_INPUT_BYTES).read_to_string(&mut text),
        _ => File::open(file).and_then(|file| file.take(MAX_INPUT_BYTES).read_to_string(&mut text)),
    };
    let fault = read.err().map(|error| error.to_string());
    let fault = fault.or_else(|| text.trim().is_empty().then(|| "there is nothing in it".to_owned()));
    if let Some(fault) = fault {
        let message = format!("`{}` cannot be read: {fault}", plain(&file.display().to_string()));
        return Err(Diagnostic::without_file("unreadable-input", message));
    }
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    Ok(text)
}

fn word(holds: Option<bool>) -> &'static str {
    match holds {
        Some(true) => "holds",
        Some(false) => "FAILS",
        None => "unknown",
    }
}

fn text(story: &TokenStory, show_claims: bool) -> String {
    let mut out = match &story.refused {
        None => "would be taken\n\n".to_owned(),
        Some((reason, fault)) => format!("would be refused as {}: {fault}\n\n", reason.code()),
    };
    let mut table = Table::new(&["check", "", "the request says", "the gateway demands"]);
    for TokenCheck { what, told, wanted, holds } in &story.checks {
        table.row(vec![(*what).to_owned(), word(*holds).to_owned(), told.clone(), wanted.clone()]);
    }
    out.push_str(&table.text("  "));
    let Some(claims) = &story.claims else { return out };
    if show_claims {
        let mut shown = Vec::new();
        crate::json::write(&Value::Object(claims.clone()), &mut shown);
        let _ = write!(out, "\nclaims: {}\n", plain(&String::from_utf8_lossy(&shown)));
    } else {
        let names: Vec<&str> = claims.iter().map(|(name, _)| name).collect();
        let _ = write!(out, "\nclaims, with what they say under --show-claims: {}\n", plain(&names.join(", ")));
    }
    out
}

fn json(story: &TokenStory, show_claims: bool) -> String {
    let check = |check: &TokenCheck| {
        Value::from(Object::from_iter([
            ("check", Value::from(check.what)),
            ("told", check.told.as_str().into()),
            ("wanted", check.wanted.as_str().into()),
            ("holds", check.holds.map_or(Value::Null, Value::from)),
        ]))
    };
    let refused = story.refused.as_ref();
    let mut all = Object::from_iter([
        ("taken", Value::from(refused.is_none())),
        ("reason", refused.map_or(Value::Null, |(reason, _)| reason.code().into())),
        ("fault", refused.map_or(Value::Null, |(_, fault)| fault.as_str().into())),
        ("checks", story.checks.iter().map(check).collect::<Vec<_>>().into()),
    ]);
    if let Some(claims) = &story.claims {
        let names = claims.iter().map(|(name, _)| Value::from(name)).collect::<Vec<_>>();
        all.insert("claim_names", names);
        if show_claims {
            all.insert("claims", claims.clone());
        }
    }
    json_text(&all.into())
}
