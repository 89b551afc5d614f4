//! `portcullis store reconcile`: a store that is older than its log is given what it has not seen.

use crate::audit;
use crate::cli::backup::unusable;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_text;
use crate::cli::output::say;
use crate::cli::restore::counted;
use crate::cli::restore::unseen;
use crate::cli::restore::untold;
use crate::config::Config;
use crate::diagnostic::Diagnostics;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::model::Epoch;
use crate::store;
use crate::store::Alone;
use crate::store::MissedChange;
use clap::Args;
use std::fmt::Write;
use std::path::PathBuf;

/// Replays in the store the revocations and liftings that the log tells and the store has not seen. The gateway must be
/// stopped.
///
/// They are replayed in their order, so that the store then holds what was in force, and the epoch is raised above every one
/// that the log knows. Doing it twice does nothing more. It refuses where a segment of that time is gone or damaged: what
/// stood there could be a revocation.
///
/// Exit codes: 0 done, also where nothing was missing; 1 with `--dry-run`, where something is missing; 2 refused, the store is
/// as it was.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis store reconcile --config gateway.yaml --dry-run\n  \
                  portcullis store reconcile --config gateway.yaml --format json")]
pub(super) struct Arguments {
    /// The configuration that the gateway runs with
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Tell what is missing, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Forget how far the log had come: the one that is there is the one that there is. Only where the log itself is lost
    #[arg(long)]
    forget_log: bool,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What was found, and whether it was made good.
struct Found<'a> {
    seen: Epoch,
    told: Epoch,
    missed: &'a [MissedChange],
    done: bool,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let config = Config::load(&arguments.config)?;
    let (path, key) = (&config.store.path, &config.store.key);
    let no_store = |error: &dyn std::error::Error| unusable("store", path, error);
    // Before anything is looked at: a gateway would go on.
    let alone = Alone::with(path).map_err(|error| no_store(&error))?;
    let standing = store::examine(path, key).map_err(|error| no_store(&error))?;
    let told = audit::unseen(&config.audit.directory, standing.epoch).map_err(|fault| untold(&config, &fault))?;
    let missed = unseen(standing, &told.changes)?;
    let behind = told.epoch > standing.epoch;
    let done = behind && !arguments.dry_run;
    if done {
        store::reconcile(&alone, key, &missed, told.epoch).map_err(|error| no_store(&error))?;
    }
    if arguments.forget_log && !arguments.dry_run {
        store::forget_log(&alone, key).map_err(|error| no_store(&error))?;
    }
    let found = Found { seen: standing.epoch, told: told.epoch, missed: &missed, done };
    say(&match arguments.format {
        Format::Text => found.text(),
        Format::Json => json_text(&found.json()),
    });
    Ok(if behind && !done { Ending::FoundSomething } else { Ending::Done })
}

impl Found<'_> {
    fn text(&self) -> String {
        let Self { seen, told, missed, done } = self;
        if told <= seen {
            return format!("nothing is missing: the store knows epoch {seen}, and the log {told}\n");
        }
        let mut text = String::new();
        for change in *missed {
            let (word, epoch, kind, digest, tenant) = match change {
                MissedChange::Revoked(one) => ("revoked", one.epoch, one.kind.word(), one.digest, &one.tenant),
                MissedChange::Lifted { digest, tenant, epoch } => ("lifted", *epoch, "", *digest, tenant),
            };
            let place = tenant.as_ref().map_or("everywhere", |tenant| tenant.as_str());
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "{epoch:>8}  {word:<7}  {kind:<11}  {place:<16}  digest {digest}");
        }
        let (revoked, lifted) = counted(missed);
        let verb = if *done { "replayed" } else { "missing" };
        let _ = writeln!(
            text,
            "{verb}: {revoked} revocations and {lifted} liftings since epoch {seen}; the log knows epoch {told}"
        );
        text
    }

    fn json(&self) -> Value {
        let number = |epoch: Epoch| Number::try_from(epoch.get()).map_or(Value::Null, Value::from);
        let changes = self.missed.iter().map(|change| {
            let (word, digest, tenant) = match change {
                MissedChange::Revoked(one) => ("revoked", one.digest, &one.tenant),
                MissedChange::Lifted { digest, tenant, .. } => ("lifted", *digest, tenant),
            };
            let mut told = [
                ("change", Value::from(word)),
                ("epoch", number(change.epoch())),
                ("digest", digest.to_string().into()),
            ]
            .into_iter()
            .collect::<Object>();
            if let MissedChange::Revoked(one) = change {
                told.insert("kind", one.kind.word());
                told.insert("at", one.at.to_string());
            }
            if let Some(tenant) = tenant {
                told.insert("tenant", tenant.to_string());
            }
            Value::from(told)
        });
        let changes = changes.collect::<Vec<Value>>();
        let members: [(&str, Value); 4] = [
            ("store_epoch", number(self.seen)),
            ("log_epoch", number(self.told)),
            ("changes", changes.into()),
            ("replayed", self.done.into()),
        ];
        members.into_iter().collect::<Object>().into()
    }
}
