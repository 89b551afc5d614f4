//! `portcullis certs issue`: one more certificate of a development authority.

use crate::cli::certs::MAX_DAYS;
use crate::cli::certs::diagnostic;
use crate::cli::certs::now;
use crate::cli::certs::validity;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::clock::UnixMillis;
use crate::devkit::KeptAuthority;
use crate::devkit::Leaf;
use crate::devkit::Usage;
use crate::diagnostic::Diagnostics;
use crate::json::Object;
use crate::json::Value;
use clap::Args;
use clap::ValueEnum;
use clap::value_parser;
use std::net::IpAddr;
use std::path::Path;
use std::path::PathBuf;

/// Issues a certificate with a new key, for development: another replica of the backend, a renewed certificate, another host.
///
/// CA is the certificate of an authority that `portcullis certs init` has made, with its key beside it. What is issued lies in
/// NAME.pem and NAME.key, readable by you alone, beside the authority where `--out` says nothing else; nothing is overwritten.
/// It ends with its authority at the latest.
///
/// Exit codes: 0 issued, 2 not.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  portcullis certs issue --ca pki/backend-ca.pem --name b2 --san spiffe://prop.example/backend\n  \
                  portcullis certs issue --ca pki/partner-ca.pem --name p2 --san api.smarthome.example --days 1"
)]
pub(super) struct Arguments {
    /// The authority's certificate
    #[arg(long, value_name = "CA")]
    ca: PathBuf,
    /// How its files are called, without their endings
    #[arg(long, value_name = "NAME", value_parser = stem)]
    name: String,
    /// A name that stands in it: a URI, a host name or an address; several are given one by one
    #[arg(long, value_name = "NAME", required = true, value_parser = name)]
    san: Vec<String>,
    /// What it is for; where nothing is said, a URI alone is a client's, and anything else a server's
    #[arg(long = "for", value_enum)]
    purpose: Option<Purpose>,
    /// For how many days it is good, at most 397
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = value_parser!(u16).range(1..=MAX_DAYS))]
    days: u16,
    /// The folder that its files go to
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Purpose {
    /// `clientAuth`: it calls
    Client,
    /// `serverAuth`: it is called
    Server,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let authority = KeptAuthority::open(&arguments.ca, now()).map_err(|fault| diagnostic(&fault))?;
    let (uris, hosts): (Vec<_>, Vec<_>) = arguments.san.iter().cloned().partition(|name| is_uri(name));
    let usage = match arguments.purpose {
        Some(Purpose::Client) => Usage::Client,
        Some(Purpose::Server) => Usage::Server,
        None if hosts.is_empty() => Usage::Client,
        None => Usage::Server,
    };
    let leaf = Leaf { uris, hosts, usages: vec![usage], validity: validity(arguments.days) };
    let beside = arguments.ca.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = arguments.out.as_deref().unwrap_or(beside);
    let (file, key, until) = authority.issue(&leaf, folder, &arguments.name).map_err(|fault| diagnostic(&fault))?;
    let until = UnixMillis::new(until.get().saturating_mul(1_000)).to_string();
    let [file, key] = [file, key].map(|path| path.display().to_string());
    say(&match arguments.format {
        Format::Text => format!("{}\n{}\nuntil {until}\n", plain(&file), plain(&key)),
        Format::Json => {
            let told = [("certificate", Value::from(file)), ("key", key.into()), ("until", until.into())];
            json_text(&Object::from_iter(told).into())
        }
    });
    Ok(Ending::Done)
}

fn is_uri(name: &str) -> bool {
    name.contains("://")
}

/// A file's name that names nothing else than a file in its folder.
fn stem(text: &str) -> Result<String, &'static str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(is_plain) && !text.starts_with(['.', '-']);
    if fits {
        Ok(text.to_owned())
    } else {
        Err("1 to 64 letters, digits, `-`, `_` and `.`, beginning with one of the first two")
    }
}

/// A URI, a host name (RFC 1123 §2.1, RFC 9525 §6.3) or an address.
fn name(text: &str) -> Result<String, &'static str> {
    let is_label = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        (1..=63).contains(&label.len()) && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    let of_host = text.strip_prefix("*.").unwrap_or(text);
    let is_host = text.len() <= 253 && of_host.split('.').all(is_label);
    let is_uri = is_uri(text) && text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic());
    match is_uri || is_host || text.parse::<IpAddr>().is_ok() {
        true => Ok(text.to_owned()),
        false => Err("a URI (`spiffe://prop.example/backend`), a host name or an address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_uris_hosts_and_addresses_at_their_limits_and_nothing_else() {
        let long = "a".repeat(63);
        for good in ["spiffe://prop.example/backend", "localhost", "*.prop.example", "127.0.0.1", "::1", &long] {
            assert!(name(good).is_ok(), "{good}");
        }
        let uri = |length: usize| format!("spiffe://{}", "a".repeat(length - 9));
        assert!(name(&uri(255)).is_ok());
        let (label, uri) = ("a".repeat(64), uri(256));
        for bad in ["", ".", "a..b", "-a", "a-", "a b", "spiffe://a b", "д.example", "a\n", "1.2.3.4/8", &label, &uri]
        {
            assert!(name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_files_name_leads_to_no_other_folder() {
        let long = "a".repeat(64);
        assert!(["backend-2", "a.b_c", "9", &long].iter().all(|good| stem(good).is_ok()));
        let longer = "a".repeat(65);
        for bad in ["", ".", "..", "../a", "a/b", "/a", "-a", "a b", "a\u{0}", "д", &longer] {
            assert!(stem(bad).is_err(), "{bad}");
        }
    }
}
