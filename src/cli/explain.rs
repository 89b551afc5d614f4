//! `portcullis explain`: why something was let through, or refused.

mod json;
mod text;

use crate::audit;
use crate::audit::FindFault;
use crate::bundle::Bundle;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::limits::Limits;
use crate::model::Receipt;
use crate::workbench;
use crate::workbench::Case;
use crate::workbench::Explainer;
use crate::workbench::Explanation;
use crate::workbench::StageFault;
use crate::workbench::Suite;
use clap::ArgGroup;
use clap::Args;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

/// Says why something was let through, or refused: the step at which it ended, the contract's rule, each policy that matched
/// or nearly did with the first condition that failed and what that saw, and the smallest change that would have let it
/// through.
///
/// What is explained is a request in FILE (one case, in the format of the bundle's tests), a case of the bundle's tests by its
/// name, or what stands in an audit log under a receipt; the log may be one that a gateway is writing. Persons stand there as
/// placeholders or handles.
///
/// Exit codes: 0 it was let through, 1 it was refused, 2 it could not be explained.
#[derive(Args)]
#[command(group(ArgGroup::new("what").required(true).args(["file", "case", "receipt"])))]
#[command(after_help = "Examples:\n  portcullis explain request.yaml\n  \
                  portcullis explain --case opens-own-door --bundle policies\n  \
                  portcullis explain --receipt r-aebagbafaydqqcikbmga2dqpca --audit audit --format json")]
pub(super) struct Arguments {
    /// A file with one case
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// A case of the bundle's tests
    #[arg(long, value_name = "NAME")]
    case: Option<String>,
    /// A receipt
    #[arg(long, value_name = "ID", requires = "audit", value_parser = receipt)]
    receipt: Option<Receipt>,
    /// The folder of the audit log
    #[arg(long, value_name = "FOLDER", requires = "receipt")]
    audit: Option<PathBuf>,
    /// The folder of the bundle
    #[arg(long, value_name = "FOLDER", default_value = "policies")]
    bundle: PathBuf,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let bundle = Arc::new(Bundle::load(&arguments.bundle, &Limits::default())?);
    let explanation = match (arguments.receipt, &arguments.audit) {
        (Some(receipt), Some(log)) => of_receipt(&bundle, receipt, log)?,
        _ => of_case(&bundle, arguments.file.as_deref(), arguments.case.as_deref())?,
    };
    match arguments.format {
        Format::Text => say(&text::text(&explanation)),
        Format::Json => say(&json_text(&json::json(&explanation))),
    }
    Ok(if explanation.allowed { Ending::Done } else { Ending::FoundSomething })
}

fn receipt(text: &str) -> Result<Receipt, &'static str> {
    Receipt::parse(text).ok_or("a receipt is `r-` and 26 letters and digits, as `Receipt-Id` has it")
}

fn of_receipt(bundle: &Bundle, receipt: Receipt, log: &Path) -> Result<Explanation, Diagnostics> {
    let found = audit::find(log, receipt).map_err(|fault| match fault {
        FindFault::Unknown => Diagnostic::without_file(
            "receipt-unknown",
            format!("no record of the log has `{receipt}`"),
        )
        .help(
            "refusals that come too fast have no record of their own; older segments may have been moved away; another \
                 gateway has another log",
        ),
        FindFault::Open(fault) => {
            let cause = std::error::Error::source(&fault).map(|cause| format!(": {cause}")).unwrap_or_default();
            Diagnostic::without_file("audit-log", format!("{fault}{cause}")).help(
                "name the folder of the log with `--audit`; in a damaged log the record may stand behind the damage",
            )
        }
    })?;
    workbench::of_receipt(bundle, receipt, &found).ok_or_else(|| {
        Diagnostic::without_file("receipt-unknown", format!("no record of the log has `{receipt}`")).into()
    })
}

fn of_case(bundle: &Arc<Bundle>, file: Option<&Path>, name: Option<&str>) -> Result<Explanation, Diagnostics> {
    let mut sources: Vec<Source> = bundle.tests();
    if let Some(file) = file {
        sources.push(read(file)?);
    }
    let suite = Suite::read(&sources, bundle)?;
    let wanted = |case: &&Case| match (file, name) {
        (Some(file), _) => case.source.path() == file,
        (None, name) => Some(&*case.name) == name,
    };
    let mut found = suite.cases().iter().filter(wanted);
    let case = match (found.next(), found.next(), file) {
        (Some(case), None, _) => case,
        (None, _, Some(file)) => return Err(told(format!("`{}` holds no case", file.display())).into()),
        (None, _, None) => return Err(unknown_case(&suite, name.unwrap_or_default()).into()),
        (Some(_), Some(_), _) => {
            let several = told("there is more than one case".to_owned());
            return Err(several.help("put one case into the file, without a `matrix`").into());
        }
    };
    let unable = |fault: StageFault| told(format!("the case `{}` cannot be played: {fault}", case.name));
    let explainer = Explainer::of(Arc::clone(bundle)).map_err(unable)?;
    let explanation = explainer.explain(case).map_err(unable)?;
    explanation.ok_or_else(|| told("the case left no record".to_owned()).into())
}

fn read(file: &Path) -> Result<Source, Diagnostics> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        let file = plain(&file.display().to_string());
        Diagnostic::without_file("unreadable-file", format!("`{file}` cannot be read: {error}"))
            .help("name a file with one case, in the format of the bundle's tests")
    })?;
    Ok(Source::new(file, text))
}

fn unknown_case(suite: &Suite, name: &str) -> Diagnostic {
    let fault = told(format!("the bundle's tests have no case `{name}`"));
    match crate::diagnostic::nearest(name, suite.cases().iter().map(|case| &*case.name)) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault
            .help("`portcullis test --format json` lists them; one of a matrix has the values of its row in its name"),
    }
}

fn told(message: String) -> Diagnostic {
    Diagnostic::without_file("unknown-case", message)
}

#[cfg(test)]
mod tests;
