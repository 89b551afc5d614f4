//! `portcullis verify`: who has signed a bundle, and what is still missing; by the very function that a start asks.

use crate::approval;
use crate::approval::Activation;
use crate::approval::History;
use crate::approval::Owners;
use crate::approval::SignersFile;
use crate::approval::Terms;
use crate::approval::Worth;
use crate::bundle::Bundle;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::complain;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::gateway;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::limits::Limits;
use crate::model::DEVELOPMENT;
use crate::model::Name;
use crate::store;
use clap::Args;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// Tells who has signed a bundle, what their statements are worth, and what is missing before it may come into force.
///
/// With `--config` everything is as at a start of that gateway: its environment, its list of signers, and what it has
/// activated so far; the service is taken to be whoever owns the audit log. With `--signers` and `--environment` it is as at the
/// first start of a new one: everything must be signed.
///
/// Exit codes: 0 it may come into force, 1 something is missing, 2 it could not be verified.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis verify policies --signers signers.yaml --environment production\n  \
                  portcullis verify --config gateway.yaml\n  portcullis verify policies --data")]
pub(super) struct Arguments {
    /// The folder of the bundle; with --config, another than the configured one
    #[arg(value_name = "BUNDLE", required_unless_present = "config")]
    bundle: Option<PathBuf>,
    /// The configuration of the gateway
    #[arg(long, value_name = "FILE", conflicts_with_all = ["signers", "environment"])]
    config: Option<PathBuf>,
    /// The list of signers
    #[arg(long, value_name = "FILE", requires = "environment")]
    signers: Option<PathBuf>,
    /// For which environment
    #[arg(long, value_name = "NAME", requires = "signers")]
    environment: Option<Name>,
    /// Print the list of personal data, whose SHA-256 the personal-data officer signs, and nothing else
    #[arg(long, conflicts_with_all = ["signers", "environment"])]
    data: bool,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What a bundle is held against.
struct Asked {
    bundle: Arc<Bundle>,
    environment: Name,
    signers: Option<SignersFile>,
    history: History,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    if arguments.data {
        let bundle = match (&arguments.bundle, &arguments.config) {
            (None, Some(config)) => Bundle::load(&Config::load(config)?.policies, &Limits::default())?,
            (bundle, _) => Bundle::load(bundle.as_deref().unwrap_or("policies".as_ref()), &Limits::default())?,
        };
        say(&approval::data_list(&bundle));
        return Ok(Ending::Done);
    }
    let asked = asked(arguments)?;
    let terms = Terms {
        environment: &asked.environment,
        signers: asked.signers.as_ref(),
        now: SystemClock::new().now(),
        asked: None,
    };
    // What is wrong with a statement's form, or with the list, is found again by the judgement.
    let worth = approval::worth(&asked.bundle, &terms, &asked.history).unwrap_or_default();
    let judged = approval::judge(&asked.bundle, &terms, &asked.history);
    let (activation, again, faults) = match &judged {
        Ok(cleared) => (cleared.activation(), cleared.is_again(), Diagnostics::new()),
        Err(faults) => (None, false, faults.clone()),
    };
    match arguments.format {
        Format::Json => say(&json(&asked.bundle, &worth, activation, again, &faults)),
        Format::Text => {
            say(&text(&asked.bundle, &worth, activation, again, faults.is_empty()));
            if !faults.is_empty() {
                complain(&faults);
            }
        }
    }
    Ok(if faults.is_empty() { Ending::Done } else { Ending::FoundSomething })
}

fn asked(arguments: &Arguments) -> Result<Asked, Diagnostics> {
    if let Some(path) = &arguments.config {
        let config = Config::load(path)?;
        let policies = arguments.bundle.as_ref().unwrap_or(&config.policies);
        let owners = Owners {
            service: gateway::service_of(&config.audit.directory),
            lenient: config.environment.as_str() == DEVELOPMENT,
        };
        let signers = config.signers.as_ref().map(|file| SignersFile::read(file, policies, owners)).transpose()?;
        let history = match config.store.path.exists() {
            true => store::activations(&config.store.path, &config.store.key).map_err(|error| {
                let help = "run it as a user who may read the store; a running gateway does not mind";
                Diagnostic::without_file("unusable", error.to_string()).help(help)
            })?,
            false => History::default(),
        };
        let bundle = Arc::new(Bundle::load(policies, &config.limits)?);
        return Ok(Asked { bundle, environment: config.environment, signers, history });
    }
    let (Some(policies), Some(file), Some(environment)) =
        (&arguments.bundle, &arguments.signers, &arguments.environment)
    else {
        let message = "whose signatures count is not said";
        let help = "name `--signers` and `--environment`, or `--config`";
        return Err(Diagnostic::without_file("signers-required", message).help(help).into());
    };
    let owners = Owners { service: None, lenient: environment.as_str() == DEVELOPMENT };
    let signers = Some(SignersFile::read(file, policies, owners)?);
    let bundle = Arc::new(Bundle::load(policies, &Limits::default())?);
    Ok(Asked { bundle, environment: environment.clone(), signers, history: History::default() })
}

fn text(bundle: &Bundle, worth: &[Worth], activation: Option<&Activation>, again: bool, fits: bool) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = writeln!(out, "bundle  {}\ndata    {}", bundle.digest(), approval::data_digest(bundle));
    for Worth { signed, why_not } in worth {
        let statement = &signed.statement;
        let stands = match why_not {
            None => "counts".to_owned(),
            Some(why) => format!("does not count: {}", plain(why.code)),
        };
        let (person, role, sequence) = (&statement.person, statement.role.word(), statement.sequence);
        let name = plain(&signed.source.path().display().to_string());
        let _ = writeln!(out, "  {role:<14} {person}, sequence {sequence}, {name}: {stands}");
    }
    let ending = match (activation, again, fits) {
        (Some(activation), true, _) => format!("in force since {}, sequence {}", activation.at, activation.sequence),
        (Some(activation), false, _) => format!("may come into force, sequence {}", activation.sequence),
        (None, _, true) => "may come into force unsigned, which only development takes".to_owned(),
        (None, _, false) => "may not come into force".to_owned(),
    };
    let _ = writeln!(out, "{ending}");
    out
}

fn json(
    bundle: &Bundle,
    worth: &[Worth],
    activation: Option<&Activation>,
    again: bool,
    faults: &Diagnostics,
) -> String {
    let number = |number: u64| Number::try_from(number).map_or(Value::Null, Value::from);
    let statement = |Worth { signed, why_not }: &Worth| {
        let statement = &signed.statement;
        let members: [(&str, Value); 5] = [
            ("file", signed.source.path().display().to_string().into()),
            ("role", statement.role.word().into()),
            ("person", statement.person.as_str().into()),
            ("sequence", number(statement.sequence)),
            ("fault", why_not.as_ref().map_or(Value::Null, |why| why.code.into())),
        ];
        Value::from(members.into_iter().collect::<Object>())
    };
    let fault = |fault: &Diagnostic| {
        let file = fault.source.as_ref().map(|source| Value::from(source.path().display().to_string()));
        let members: [(&str, Value); 4] = [
            ("code", fault.code.into()),
            ("file", file.unwrap_or(Value::Null)),
            ("message", fault.message.as_str().into()),
            ("help", fault.help.as_deref().map_or(Value::Null, Value::from)),
        ];
        Value::from(members.into_iter().collect::<Object>())
    };
    let members: [(&str, Value); 7] = [
        ("approved", faults.is_empty().into()),
        ("bundle", bundle.digest().to_string().into()),
        ("data", approval::data_digest(bundle).to_string().into()),
        ("sequence", activation.map_or(Value::Null, |activation| number(activation.sequence))),
        ("in_force", again.into()),
        ("statements", worth.iter().map(statement).collect::<Vec<_>>().into()),
        ("faults", faults.iter().map(fault).collect::<Vec<_>>().into()),
    ];
    json_text(&members.into_iter().collect::<Object>().into())
}
