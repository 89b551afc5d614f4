//! `portcullis keys list`: which keys of ours others verify by, and for whom each is.

use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::config::Config;
use crate::config::OwnKey;
use crate::diagnostic::Diagnostics;
use crate::json::Object;
use crate::json::Value;
use clap::Args;
use std::fmt::Write;
use std::path::PathBuf;

/// Lists the keys by which others verify what the gateway signs: what each signs, whether it does so now or is the next one,
/// its algorithm, its id, and for whom it is.
///
/// `session`: session tokens. `client-token`: the tokens of partners that call. `token`: the tokens that are minted for a
/// partner. `request`: the requests to a partner. `client`: the assertions by which the gateway is a client, of a partner's
/// authorisation server or of an issuer that it asks. `log`: the checkpoints of the audit log. An id is the key's thumbprint
/// (RFC 7638), that of the log the hash in its `vkey`.
///
/// It reads the configuration and the files that it names, as `portcullis run` would, and needs no gateway; a running one
/// tells at `/-/status` which keys are in force. Nothing of a private key is printed.
///
/// Exit codes: 0 listed, 2 the configuration cannot be read.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis keys list --config gateway.yaml\n  \
                  portcullis keys list --config gateway.yaml --format json")]
pub(super) struct Arguments {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let keys = Config::load(&arguments.config)?.own_keys();
    say(&match arguments.format {
        Format::Text => text(&keys),
        Format::Json => json(&keys),
    });
    Ok(Ending::Done)
}

/// Whether it signs.
const fn state(key: &OwnKey) -> &'static str {
    if key.signs { "signs" } else { "next" }
}

fn text(keys: &[OwnKey]) -> String {
    let mut out = String::new();
    for key in keys {
        let (purpose, kid, whom) = (key.purpose.word(), plain(&key.kid), plain(&key.whom));
        let _ = writeln!(out, "{purpose:<12} {:<5} {:<5} {kid}  for {whom}", state(key), key.algorithm);
    }
    out
}

fn json(keys: &[OwnKey]) -> String {
    let one = |key: &OwnKey| {
        let members: [(&str, Value); 5] = [
            ("purpose", key.purpose.word().into()),
            ("for", (&*key.whom).into()),
            ("kid", (&*key.kid).into()),
            ("algorithm", key.algorithm.into()),
            ("state", state(key).into()),
        ];
        Value::from(members.into_iter().collect::<Object>())
    };
    let all: Object = [("keys", Value::from(keys.iter().map(one).collect::<Vec<_>>()))].into_iter().collect();
    json_text(&all.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::OwnPurpose;

    #[test]
    fn a_key_is_one_line_without_the_control_characters_of_the_file() {
        let whom = "https://a\u{1b}[2J\u{202e}\n".into();
        let keys = [OwnKey { purpose: OwnPurpose::Client, whom, kid: "k1".into(), algorithm: "ES256", signs: false }];
        assert_eq!(text(&keys), "client       next  ES256 k1  for https://a\\u{1b}[2J\\u{202e}\\n\n");
        let told: serde_json::Value = serde_json::from_str(&json(&keys)).unwrap();
        assert_eq!((&told["keys"][0]["state"], &told["keys"][0]["purpose"]), (&"next".into(), &"client".into()));
    }
}
