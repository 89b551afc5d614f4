//! `portcullis certs show`: what a certificate says, in the words that configuration, requirements and tokens have for it.

use crate::cli::certs::now;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::crypto::Certificate;
use crate::crypto::DescribedCertificate;
use crate::crypto::encode_base64url;
use crate::crypto::read_certificates;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::json::Object;
use crate::json::Value;
use clap::Args;
use std::fmt::Write;
use std::path::PathBuf;

/// Tells what the certificates of a file say: subject, names, validity, purpose, and the digests by which others name them.
///
/// `x5t#S256` is what a token's `cnf` names (RFC 8705). The pins are what requirements.yaml wants under `ca` and `client_ca`, of
/// which either will do; the first of them is what `portcullis revoke --kind certificate` takes. Nothing is asked of anybody:
/// whether somebody trusts the certificate, its chain and lists tell.
///
/// Exit codes: 0 all are valid now and of a kind that a gateway reads, 1 one is not, 2 the file cannot be read.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis certs show pki/backend.pem\n  \
                  portcullis certs show pki/partner-ca.pem --format json")]
pub(super) struct Arguments {
    /// Certificates in PEM
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// One certificate, and what is wrong with it.
struct Shown {
    says: DescribedCertificate,
    faults: Vec<String>,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let unreadable = |why: String| {
        let message = format!("`{}`: {why}", plain(&arguments.file.display().to_string()));
        Diagnostic::without_file("unreadable-input", message).help("name certificates in PEM, not a key")
    };
    let chain = read_certificates(&arguments.file).map_err(|error| unreadable(error.to_string()))?;
    let shown = chain.iter().map(|der| looked_at(der, now())).collect::<Result<Vec<_>, _>>();
    let shown = shown.map_err(|error| unreadable(error.to_string()))?;
    say(&match arguments.format {
        Format::Text => shown.iter().map(text).collect::<Vec<_>>().join("\n"),
        Format::Json => {
            let all: Vec<Value> = shown.iter().map(json).collect();
            json_text(&Object::from_iter([("certificates", Value::from(all))]).into())
        }
    });
    Ok(if shown.iter().all(|one| one.faults.is_empty()) { Ending::Done } else { Ending::FoundSomething })
}

fn looked_at(der: &[u8], now: UnixSeconds) -> Result<Shown, crate::crypto::CertificateError> {
    let says = DescribedCertificate::of(der)?;
    let mut faults = Vec::new();
    if now < says.not_before {
        faults.push("it is not valid yet".to_owned());
    }
    if says.not_after < now {
        faults.push("it is not valid any more".to_owned());
    }
    if let Err(error) = Certificate::parse(der) {
        faults.push(format!("a gateway does not read it: {error}"));
    }
    Ok(Shown { says, faults })
}

fn stamp(at: UnixSeconds) -> String {
    UnixMillis::new(at.get().saturating_mul(1_000)).to_string()
}

/// What it is for, in one line.
fn purpose(says: &DescribedCertificate) -> String {
    match (says.is_authority, says.purposes.is_empty()) {
        (true, true) => "authority".to_owned(),
        (true, false) => format!("authority, {}", says.purposes.join(", ")),
        (false, true) => "none that it names".to_owned(),
        (false, false) => says.purposes.join(", "),
    }
}

fn text(Shown { says, faults }: &Shown) -> String {
    let names = says.names.iter().map(|(kind, name)| format!("{kind}:{name}")).collect::<Vec<_>>().join(", ");
    let mark = if says.is_for_development { "yes: refused by a gateway outside development" } else { "no" };
    let rows = [
        ("subject", says.subject.clone()),
        ("issuer", says.issuer.clone()),
        ("names", names),
        ("purpose", purpose(says)),
        ("key", says.key.clone()),
        ("serial", says.serial.clone()),
        ("valid from", stamp(says.not_before)),
        ("valid until", stamp(says.not_after)),
        ("development", mark.to_owned()),
        ("x5t#S256", encode_base64url(says.thumbprint.as_bytes())),
        ("pin", format!("{} (certificate)", says.thumbprint)),
        ("pin", format!("{} (public key)", says.public_key)),
    ];
    let faults = faults.iter().map(|fault| ("WRONG", fault.clone()));
    let mut out = String::new();
    for (name, told) in rows.into_iter().chain(faults).filter(|(_, told)| !told.is_empty()) {
        let _ = writeln!(out, "{name:<12} {}", plain(&told));
    }
    out
}

fn json(Shown { says, faults }: &Shown) -> Value {
    let texts = |all: &[String]| Value::from(all.iter().map(|one| Value::from(one.as_str())).collect::<Vec<_>>());
    let name = |(kind, name): &(&'static str, String)| {
        Value::from(Object::from_iter([("kind", Value::from(*kind)), ("name", name.as_str().into())]))
    };
    let pins = [says.thumbprint.to_string(), says.public_key.to_string()];
    Value::from(Object::from_iter([
        ("subject", Value::from(says.subject.as_str())),
        ("issuer", says.issuer.as_str().into()),
        ("names", says.names.iter().map(name).collect::<Vec<_>>().into()),
        ("authority", says.is_authority.into()),
        ("purposes", texts(&says.purposes)),
        ("key", says.key.as_str().into()),
        ("serial", says.serial.as_str().into()),
        ("valid_from", stamp(says.not_before).into()),
        ("valid_until", stamp(says.not_after).into()),
        ("development", says.is_for_development.into()),
        ("x5t#S256", encode_base64url(says.thumbprint.as_bytes()).into()),
        ("pins", texts(&pins)),
        ("faults", texts(faults)),
    ]))
}
