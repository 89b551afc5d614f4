//! `portcullis token issue`: a sign-in token for development, by a key that lies on this machine.

use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::config;
use crate::config::Config;
use crate::crypto::Certificate;
use crate::crypto::Jws;
use crate::crypto::SigningKey;
use crate::crypto::read_certificates;
use crate::devkit::TokenIssuer;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::identity::IssuerKeys;
use crate::identity::IssuerSettings;
use crate::identity::TokenKind;
use crate::json;
use crate::json::Limits;
use crate::json::Object;
use crate::json::Value;
use crate::model::Sha256;
use crate::secret::Secret;
use clap::Args;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

/// The environment in which tokens may be issued here.
const DEVELOPMENT: &str = "development";

/// Issues a sign-in token that a gateway of this configuration takes, in development.
///
/// It is signed by the private key of one of the configured issuers, which in development lies on the developer's machine;
/// elsewhere it does not, and this refuses unless the configuration's environment is `development`. The token is bound to the
/// backend's certificate, good from now on, and goes to standard output alone.
///
/// Exit codes: 0 issued, 2 not.
#[derive(Args)]
#[command(
    after_help = "Example:\n  portcullis token issue --config gateway.yaml --key idp.key --certificate peer.pem --subject ann"
)]
pub(super) struct Arguments {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The private key of the issuer: whose it is, its public half in the configuration tells
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The certificate to which the token is bound
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// `sub`
    #[arg(long, value_name = "TEXT")]
    subject: String,
    /// More claims, as a JSON object: `tenant`, `roles`, `authorization_details` …; it may replace those that are made here
    #[arg(long, value_name = "FILE")]
    claims: Option<PathBuf>,
    /// How long it is good, for instance `5m`
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = lifetime)]
    lifetime: Duration,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let config = Config::load(&arguments.config)?;
    if config.environment.as_str() != DEVELOPMENT {
        let message = format!("the configuration's environment is `{}`", plain(config.environment.as_str()));
        return Err(Diagnostic::without_file("not-in-development", message)
            .help("tokens are issued by the identity provider there; have `environment: development` to try something")
            .into());
    }
    let (pem, key) = key(&arguments.key)?;
    let (issuer, kid) = issuer_of(&key, &config.identity.issuers).ok_or_else(|| {
        let file = plain(&arguments.key.display().to_string());
        Diagnostic::without_file(
            "key-of-nobody",
            format!("no issuer of sign-in tokens in the configuration publishes the key in `{file}`"),
        )
        .help("name the private key that belongs to a key set under `issuers`")
    })?;
    let thumbprint = thumbprint(&arguments.certificate)?;
    let made = TokenIssuer::with(&issuer.issuer, &pem);
    let made = made.map_err(|error| Diagnostic::without_file("unusable", error.to_string()))?;
    let (now, lifetime) = (SystemClock::new().now().seconds(), arguments.lifetime.as_secs());
    let mut claims = made.claims(&issuer.audience, &arguments.subject, &thumbprint, now, lifetime);
    for (name, value) in more(arguments.claims.as_deref())?.iter() {
        claims = claims.with(name, value.clone());
    }
    let header = Object::from_iter([
        ("alg", Value::from(made.key().algorithm())),
        ("kid", kid.into()),
        ("typ", "at+jwt".into()),
    ]);
    let mut text = Vec::new();
    json::write(&Value::from(header), &mut text);
    let token = made.mint_raw(&String::from_utf8_lossy(&text), &claims.text());
    let token = token.map_err(|error| Diagnostic::without_file("unusable", error.to_string()))?;
    say(&match arguments.format {
        Format::Text => format!("{token}\n"),
        Format::Json => {
            json_text(&Object::from_iter([("token", Value::from(token)), ("issuer", made.name().into())]).into())
        }
    });
    Ok(Ending::Done)
}

fn lifetime(text: &str) -> Result<Duration, &'static str> {
    let time = config::duration(text).filter(|time| time.as_secs() > 0);
    time.ok_or("a whole number with `s`, `m` or `h`, one second at least, for instance `5m`")
}

/// A private key, as it stands in its file and as it signs.
fn key(file: &Path) -> Result<(Secret, SigningKey), Diagnostic> {
    let unreadable = |why: String| {
        let message = format!("`{}` cannot be read: {why}", plain(&file.display().to_string()));
        Diagnostic::without_file("unreadable-key", message).help("name a private key in PEM that nobody else may read")
    };
    let pem = Secret::read(file).map_err(|error| unreadable(error.to_string()))?;
    let key = SigningKey::from_pem(&pem).map_err(|error| unreadable(error.to_string()))?;
    Ok((pem, key))
}

/// The sign-in issuer that publishes the public half of `key`, and the name that it has there: whoever verifies what it signs.
/// A session is issued for a proof of the app's key and for nothing else, here neither.
fn issuer_of<'i>(key: &SigningKey, issuers: &'i [IssuerSettings]) -> Option<(&'i IssuerSettings, String)> {
    let trial = key.sign_jws("at+jwt", b"{}").ok()?;
    let jws = Jws::split(&trial).ok()?;
    let mut sign_in = issuers.iter().filter(|issuer| issuer.kind == TokenKind::SignIn);
    sign_in.find_map(|issuer| {
        let IssuerKeys::Known(keys) = &issuer.keys else { return None };
        let fits = |kid: &&str| keys.key(kid).is_some_and(|key| key.verify(&jws).is_ok());
        keys.kids().find(fits).map(|kid| (issuer, kid.to_owned()))
    })
}

fn thumbprint(file: &Path) -> Result<Sha256, Diagnostic> {
    let unreadable = |why: String| {
        let message = format!("`{}`: {why}", plain(&file.display().to_string()));
        Diagnostic::without_file("unreadable-input", message).help("name the certificate, not its key, in PEM")
    };
    let chain = read_certificates(file).map_err(|error| unreadable(error.to_string()))?;
    let leaf = chain.first().ok_or_else(|| unreadable("no certificate".to_owned()))?;
    Ok(Certificate::parse(leaf).map_err(|error| unreadable(error.to_string()))?.thumbprint)
}

/// The claims of a file; none where there is none.
fn more(file: Option<&Path>) -> Result<Object, Diagnostic> {
    let Some(file) = file else { return Ok(Object::new()) };
    let unreadable = |why: String| {
        let message = format!("`{}` cannot be read: {why}", plain(&file.display().to_string()));
        Diagnostic::without_file("unreadable-input", message).help("one JSON object, whose members are claims")
    };
    let text = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    let value = json::parse(&text, Limits::default()).map_err(|error| unreadable(error.to_string()))?;
    value.as_object().cloned().ok_or_else(|| unreadable("no object".to_owned()))
}
