//! `portcullis version`: which program this is, and with which cryptography it speaks.

use clap::Args;

use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::say;
use crate::crypto;
use crate::diagnostic::Diagnostics;

/// Tells the version, the cryptographic provider and the TLS key exchange groups, the preferred one first.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis version\n  portcullis version --format json")]
pub(super) struct Arguments {
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    say(&rendered(arguments.format));
    Ok(Ending::Done)
}

/// The names come from our own lists and need no escaping.
fn rendered(format: Format) -> String {
    let (version, provider, groups) = (env!("CARGO_PKG_VERSION"), crypto::PROVIDER_NAME, crypto::tls_groups());
    match format {
        Format::Text => {
            format!("portcullis       {version}\ncrypto provider  {provider}\nTLS groups       {}\n", groups.join(", "))
        }
        Format::Json => format!(
            "{{\"version\":\"{version}\",\"crypto_provider\":\"{provider}\",\"tls_groups\":[\"{}\"]}}\n",
            groups.join("\",\"")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hybrid_group_is_told_first_in_text_and_json() {
        let text = rendered(Format::Text);
        assert!(text.contains("TLS groups       X25519MLKEM768, X25519"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&rendered(Format::Json)).unwrap();
        assert_eq!(
            (&json["version"], &json["crypto_provider"]),
            (&env!("CARGO_PKG_VERSION").into(), &"aws-lc-rs".into())
        );
        assert_eq!(json["tls_groups"][0], "X25519MLKEM768");
    }
}
