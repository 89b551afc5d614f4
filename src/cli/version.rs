//! `portcullis version`: which program this is, of what it was built, and with which cryptography it speaks.
//!
//! The commit is what `PORTCULLIS_COMMIT` said when it was built, as packages do; a build without it says so. Which crates
//! are in it, `Cargo.lock` tells, whose digest is told: equal digests are equal crates, byte by byte.

use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::crypto;
use crate::diagnostic::Diagnostics;
use crate::json::Object;
use crate::json::Value;
use clap::Args;

/// Tells the version, the commit, the digest of `Cargo.lock`, the cryptographic provider and the TLS key exchange groups, the
/// preferred one first.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis version\n  portcullis version --format json")]
pub(super) struct Arguments {
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// The crates of this build, each with its hash.
const LOCK: &str = include_str!("../../Cargo.lock");

/// What this build was made of.
const COMMIT: Option<&str> = option_env!("PORTCULLIS_COMMIT");

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    say(&rendered(arguments.format, COMMIT));
    Ok(Ending::Done)
}

fn rendered(format: Format, commit: Option<&str>) -> String {
    let (version, lock, groups) = (env!("CARGO_PKG_VERSION"), crypto::sha256(LOCK.as_bytes()), crypto::tls_groups());
    let commit = commit.filter(|commit| is_commit(commit));
    let provider = crypto::PROVIDER_NAME;
    let provider_version = locked(LOCK, provider).unwrap_or_default();
    match format {
        Format::Text => format!(
            "portcullis       {version}\ncommit           {}\nCargo.lock       {lock}\n\
             crypto provider  {provider} {provider_version}\nTLS groups       {}\n",
            plain(commit.unwrap_or("not told by the build")),
            groups.join(", ")
        ),
        Format::Json => {
            let members: [(&str, Value); 6] = [
                ("version", version.into()),
                ("commit", commit.map_or(Value::Null, Value::from)),
                ("lock", lock.to_string().into()),
                ("crypto_provider", provider.into()),
                ("crypto_provider_version", provider_version.into()),
                ("tls_groups", groups.iter().map(|group| Value::from(*group)).collect::<Vec<_>>().into()),
            ];
            json_text(&members.into_iter().collect::<Object>().into())
        }
    }
}

/// A commit of Git, in full: 40 hexadecimal digits, or 64.
fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The version at which a crate is locked.
fn locked<'l>(lock: &'l str, name: &str) -> Option<&'l str> {
    let (_, rest) = lock.split_once(&format!("\nname = \"{name}\"\nversion = \""))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_json_tell_the_same_and_the_hybrid_group_first() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let text = rendered(Format::Text, Some(commit));
        assert!(text.contains("TLS groups       X25519MLKEM768, X25519"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&rendered(Format::Json, Some(commit))).unwrap();
        for name in ["version", "commit", "lock", "crypto_provider", "crypto_provider_version"] {
            assert!(text.contains(json[name].as_str().unwrap()), "{name}: {json}");
        }
        assert_eq!((&json["commit"], &json["crypto_provider"]), (&commit.into(), &"aws-lc-rs".into()));
        assert_eq!(json["tls_groups"][0], "X25519MLKEM768");
    }

    #[test]
    fn a_build_without_a_commit_says_so_and_what_is_none_is_not_told_as_one() {
        for commit in [None, Some(""), Some("v1.0-dirty"), Some("0123\n")] {
            assert!(rendered(Format::Text, commit).contains("commit           not told by the build\n"), "{commit:?}");
            let json: serde_json::Value = serde_json::from_str(&rendered(Format::Json, commit)).unwrap();
            assert!(json["commit"].is_null(), "{commit:?}");
        }
    }

    #[test]
    fn the_provider_is_told_at_the_version_that_is_locked() {
        let lock = "\nname = \"aws-lc-rs\"\nversion = \"1.2.3\"\n\nname = \"aws-lc-rs-x\"\nversion = \"9\"\n";
        assert_eq!(locked(lock, "aws-lc-rs"), Some("1.2.3"));
        assert_eq!(locked(lock, "aws"), None);
        assert!(locked(LOCK, crypto::PROVIDER_NAME).is_some());
    }
}
