//! `portcullis config show` and `config explain`: what is in effect, and what a key means.

use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::config;
use crate::config::Effective;
use crate::config::Explained;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::nearest;
use crate::json::Object;
use crate::json::Value;
use clap::Args;
use clap::Subcommand;
use std::fmt::Write;
use std::path::PathBuf;

/// Shows what a configuration amounts to, and explains its keys.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis config show --config gateway.yaml --effective\n  \
                  portcullis config explain limits.body_max_bytes")]
pub(super) struct Arguments {
    #[command(subcommand)]
    about: About,
}

#[derive(Subcommand)]
enum About {
    Show(ShowArguments),
    Explain(ExplainArguments),
}

/// Shows the keys of a configuration with their values, and the line of the file that each stands in.
///
/// Nothing but this file is read. Of a secret the path is shown, as `file:…`.
///
/// Exit codes: 0 shown, 2 the file has faults.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis config show --config gateway.yaml\n  \
                  portcullis config show --config gateway.yaml --effective --format json")]
struct ShowArguments {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Show the keys that do not stand in the file, too, with their defaults
    #[arg(long)]
    effective: bool,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Explains a key, or all keys below one: what it takes, its default, its bounds, what it does.
///
/// Exit codes: 0 explained, 2 there is no such key.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis config explain partners.smarthome.token.lifetime\n  \
                  portcullis config explain listeners.backend.tls\n  portcullis config explain --format json")]
struct ExplainArguments {
    /// The key, as in the file or with `<name>` and `[]`; a limit by its name alone; all keys where none is given
    #[arg(default_value = "", hide_default_value = true)]
    key: String,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    match &arguments.about {
        About::Show(arguments) => {
            let all = config::effective(&arguments.config)?;
            let shown: Vec<_> = all.into_iter().filter(|one| arguments.effective || one.line.is_some()).collect();
            say(&match arguments.format {
                Format::Text => shown_text(&shown, &plain(&arguments.config.display().to_string())),
                Format::Json => json_text(&object([("keys", shown.iter().map(shown_json).collect::<Vec<_>>().into())])),
            });
        }
        About::Explain(arguments) => {
            let found = config::explain(&arguments.key);
            if found.is_empty() {
                return Err(unknown(&arguments.key).into());
            }
            say(&match arguments.format {
                Format::Text => found.iter().map(explained_text).collect::<Vec<_>>().join("\n"),
                Format::Json => {
                    json_text(&object([("keys", found.iter().map(explained_json).collect::<Vec<_>>().into())]))
                }
            });
        }
    }
    Ok(Ending::Done)
}

fn unknown(key: &str) -> Diagnostic {
    let fault = Diagnostic::without_file("unknown-key", format!("there is no key `{}`", plain(key)));
    let paths: Vec<String> = config::key_paths().collect();
    let limits: Vec<&str> = paths.iter().filter_map(|path| path.strip_prefix("limits.")).collect();
    match nearest(key, paths.iter().map(String::as_str).chain(limits)) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("`portcullis config explain` lists all of them"),
    }
}

/// `key: value` and a comment that says where the value comes from: one way of reading it back.
fn shown_text(all: &[Effective], file: &str) -> String {
    let wide = all.iter().map(|one| one.key.chars().count()).max().unwrap_or_default();
    let mut out = String::new();
    for Effective { key, value, line } in all {
        let value = value.as_deref().map_or_else(|| "none".to_owned(), plain);
        let from = line.map_or_else(|| "default".to_owned(), |line| format!("{file}:{line}"));
        let _ = writeln!(out, "{:<wide$}  {value}  # {from}", plain(key));
    }
    out
}

fn shown_json(one: &Effective) -> Value {
    object([
        ("key", one.key.as_str().into()),
        ("value", one.value.as_deref().map_or(Value::Null, Value::from)),
        ("line", one.line.map_or(Value::Null, Value::from)),
    ])
}

fn explained_text(one: &Explained) -> String {
    let Explained { path, takes, absent, effect, beyond, source, docs } = one;
    let mut out = format!("{path}\n  takes    {takes}\n  default  {absent}\n  effect   {effect}\n");
    let more = [("beyond", *beyond), ("source", *source), ("docs", Some(*docs))];
    for (name, text) in more.into_iter().filter_map(|(name, text)| Some((name, text?))) {
        let _ = writeln!(out, "  {name:<7}  {text}");
    }
    out
}

fn explained_json(one: &Explained) -> Value {
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    object([
        ("key", one.path.as_str().into()),
        ("takes", one.takes.as_str().into()),
        ("default", one.absent.as_str().into()),
        ("effect", one.effect.as_str().into()),
        ("beyond", text(one.beyond)),
        ("source", text(one.source)),
        ("docs", one.docs.into()),
    ])
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    members.into_iter().collect::<Object>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_not_there_is_told_with_the_nearest_one() {
        let help = |key| unknown(key).help.unwrap();
        assert_eq!(help("listeners.backend.adress"), "did you mean `listeners.backend.address`?");
        assert_eq!(help("body_max_byte"), "did you mean `body_max_bytes`?");
        assert_eq!(help("x"), "`portcullis config explain` lists all of them");
    }
}
