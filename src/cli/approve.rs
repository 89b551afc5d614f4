//! `portcullis approve`: writes what one person is about to sign, and says it in words.
//!
//! It signs nothing and sees no private key: that is `ssh-keygen`'s, so that hardware keys work and nobody need trust this
//! program with a key.

use crate::approval;
use crate::approval::Evidence;
use crate::approval::NAMESPACE;
use crate::approval::Signed;
use crate::approval::Statement;
use crate::bundle::Bundle;
use crate::cli::diff;
use crate::cli::live::Live;
use crate::cli::output::Ending;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::clock::UnixMillis;
use crate::crypto::sha256;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::limits::Limits;
use crate::model::Name;
use crate::model::Sha256;
use crate::model::SigningRole;
use crate::workbench;
use crate::workbench::Comparison;
use clap::Args;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

/// For how many days a statement is good where nothing is said.
const VALID_DAYS: u64 = 30;
/// For how many days a statement is good at most.
const VALID_DAYS_MAX: u64 = 90;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// The largest report, in bytes.
const REPORT_MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Writes a statement about a bundle for one person to sign, says it in words, and prints the command that signs it.
///
/// The statement goes into `approvals/` of the bundle; the signature that `ssh-keygen` makes lies beside it. Sequence and
/// previous bundle are those of the newest statements there, one further; whoever signs the same bundle signs the same
/// sequence. With `--since` or `--since-live` it says also what `portcullis diff` says: what widens, and what narrows.
///
/// Exit codes: 0 written, 2 not written.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis approve --role infosec --person anna --environment production\n  \
                  portcullis approve --role product-owner --person boris --environment production --since now")]
pub(super) struct Arguments {
    /// In which role: infosec, product-owner or data-officer
    #[arg(long, value_name = "ROLE", value_parser = role)]
    role: SigningRole,
    /// Who signs, by the name in the list of signers
    #[arg(long, value_name = "NAME")]
    person: Name,
    /// For which environment
    #[arg(long, value_name = "NAME")]
    environment: Name,
    /// The folder of the bundle
    #[arg(long, value_name = "DIR", default_value = "policies")]
    bundle: PathBuf,
    /// The folder of the bundle that it is to follow, to tell what changes
    #[arg(long, value_name = "DIR", conflicts_with_all = ["since_live", "admin"])]
    since: Option<PathBuf>,
    #[command(flatten)]
    live: Live,
    /// Within how many days it must have come into force, at most 90
    #[arg(long, value_name = "DAYS", default_value_t = VALID_DAYS, value_parser = clap::value_parser!(u64).range(1..=VALID_DAYS_MAX))]
    not_after: u64,
    /// A report: probe or pentest, its day, and the file (or its SHA-256), for instance pentest:2026-11-20:report.pdf
    #[arg(long, value_name = "KIND:DATE:FILE", value_parser = report)]
    evidence: Vec<Report>,
    /// The how manieth activation it is to be, where it is not the next
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    sequence: Option<u64>,
}

fn role(text: &str) -> Result<SigningRole, String> {
    SigningRole::from_word(text).ok_or_else(|| SigningRole::ALL.map(SigningRole::word).join(", "))
}

/// A report as it is named: the digest of its file is still to be made.
#[derive(Clone)]
struct Report {
    kind_and_date: String,
    file: String,
}

fn report(text: &str) -> Result<Report, String> {
    let (kind_and_date, file) = text.rsplit_once(':').unwrap_or_default();
    // Whatever its digest will be.
    match format!("{kind_and_date}:{}", Sha256::new([0; 32])).parse::<Evidence>() {
        Ok(_) if !file.is_empty() => Ok(Report { kind_and_date: kind_and_date.to_owned(), file: file.to_owned() }),
        _ => Err("for instance `pentest:2026-11-20:report.pdf`".to_owned()),
    }
}

impl Report {
    fn digested(&self) -> Result<Evidence, Diagnostic> {
        let unreadable = |why: String| {
            let message = format!("the report `{}` cannot be read: {why}", plain(&self.file));
            Diagnostic::without_file("unreadable-file", message).help("name the file, or its SHA-256")
        };
        let digest = match Sha256::from_hex(&self.file) {
            Some(digest) => digest,
            None => {
                let mut bytes = Vec::new();
                let file = fs::File::open(&self.file).map_err(|error| unreadable(error.to_string()))?;
                let read = file.take(REPORT_MAX_BYTES + 1).read_to_end(&mut bytes);
                read.map_err(|error| unreadable(error.to_string()))?;
                if u64::try_from(bytes.len()).map_or(true, |length| length > REPORT_MAX_BYTES) {
                    return Err(unreadable("it is larger than 256 MiB".to_owned()));
                }
                sha256(&bytes)
            }
        };
        let text = format!("{}:{digest}", self.kind_and_date);
        text.parse().map_err(|()| unreadable("it has no kind and no day".to_owned()))
    }
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let bundle = Arc::new(Bundle::load(&arguments.bundle, &Limits::default())?);
    let since = match &arguments.since {
        Some(since) => Some(Bundle::load(since, &Limits::default())?),
        None => arguments.live.bundle()?,
    };
    let since = since.map(Arc::new);
    let clock = SystemClock::new();
    let against = |since: &Arc<Bundle>| workbench::compare(since, &bundle, diff::DEFAULT_CASES, &clock);
    let compared = since.as_ref().map(against).transpose()?;
    let before = approval::statements(bundle.approvals())?;
    let created = clock.now();
    let (sequence, previous) = step(&bundle, &before, arguments, since.as_deref());
    let statement = Statement {
        environment: arguments.environment.clone(),
        bundle: bundle.digest(),
        data: approval::data_digest(&bundle),
        sequence,
        previous,
        role: arguments.role,
        person: arguments.person.clone(),
        created,
        not_after: UnixMillis::new(created.get().saturating_add(arguments.not_after.saturating_mul(DAY_MS))),
        evidence: arguments.evidence.iter().map(Report::digested).collect::<Result<_, _>>()?,
    };
    let path = arguments.bundle.join("approvals").join(statement.file_name());
    write(&path, &statement.bytes())?;
    let since = since.as_deref().zip(compared.as_ref());
    let changes = since.map(|(since, compared)| changes(since, &bundle, compared)).unwrap_or_default();
    say(&words(&statement, &bundle, &changes, &path));
    Ok(Ending::Done)
}

/// The sequence, and the bundle that this one is to follow.
fn step(bundle: &Bundle, before: &[Signed], arguments: &Arguments, since: Option<&Bundle>) -> (u64, Option<Sha256>) {
    let here = || before.iter().map(|signed| &signed.statement).filter(|one| one.environment == arguments.environment);
    let others = here().filter(|one| one.bundle != bundle.digest() && one.role != SigningRole::DataOfficer);
    let latest = others.max_by_key(|one| one.sequence);
    let after = here().map(|one| one.sequence).max().unwrap_or_default().saturating_add(1);
    // Whoever signs a bundle that others have signed signs the same sequence.
    let same = here().filter(|one| one.bundle == bundle.digest()).map(|one| one.sequence).max();
    let same = same.filter(|same| latest.is_none_or(|latest| latest.sequence < *same));
    let sequence = arguments.sequence.or(same).unwrap_or(after);
    (sequence, since.map(Bundle::digest).or(latest.map(|one| one.bundle)))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Diagnostics> {
    let name = plain(&path.display().to_string());
    let signature = path.with_extension("json.sig");
    if signature.exists() {
        let message = format!("`{name}` is signed already");
        let help = format!("to sign anew, take it and `{}` away first", plain(&signature.display().to_string()));
        return Err(Diagnostic::without_file("statement-signed", message).help(help).into());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).and_then(|()| fs::write(path, bytes)).map_err(|error| {
        let help = "the folder of the bundle must be yours to write; the gateway's copy need not be";
        Diagnostic::without_file("unwritable-file", format!("`{name}` cannot be written: {error}")).help(help).into()
    })
}

/// What is about to be said, for whoever signs it.
fn words(statement: &Statement, bundle: &Bundle, changes: &str, path: &Path) -> String {
    let mut out = String::new();
    let path = plain(&path.display().to_string());
    let mut line = |name: &str, what: String| {
        // Writing into a string cannot fail.
        let _ = writeln!(out, "  {name:<14} {what}");
    };
    line("bundle", statement.bundle.to_string());
    let count = approval::data_list(bundle).lines().count();
    line("personal data", format!("{}, a list of {count} lines", statement.data));
    line("environment", statement.environment.to_string());
    let after = statement.previous.map_or("the first".to_owned(), |previous| format!("after the bundle {previous}"));
    line("sequence", format!("{}, {after}", statement.sequence));
    line("in force by", format!("{}, or not at all", statement.not_after));
    for evidence in &statement.evidence {
        line("evidence", format!("{} of {}, report {}", evidence.kind.word(), evidence.date, evidence.digest));
    }
    line("partners", listed(&partners(bundle)));
    line("moves", listed(&moving(bundle)));
    format!(
        "{} will say as {}:\n\n{}\n{out}{changes}\nWritten to {path}. To sign it, with the key that stands in the list of \
         signers:\n\n  ssh-keygen -Y sign -n {NAMESPACE} -f ~/.ssh/id_ed25519 {path}\n",
        statement.person,
        statement.role.says(),
        promise(statement.role),
    )
}

/// What a signature in this role means.
const fn promise(role: SigningRole) -> &'static str {
    match role {
        SigningRole::Infosec => "  I have read what changes, and it lets through no more than it should.\n",
        SigningRole::ProductOwner => {
            "  The product needs what changes, and this is what was agreed with the partner.\n"
        }
        SigningRole::DataOfficer => {
            "  These personal data may go to these recipients, for these purposes, on these grounds, so protected.\n"
        }
    }
}

fn partners(bundle: &Bundle) -> BTreeSet<String> {
    bundle.contracts().map(|contract| contract.partner().to_string()).collect()
}

fn moving(bundle: &Bundle) -> BTreeSet<String> {
    operations(bundle, true)
}

fn operations(bundle: &Bundle, moving_alone: bool) -> BTreeSet<String> {
    let all = bundle.contracts().flat_map(|contract| {
        let some = contract.operations().iter().filter(move |one| !moving_alone || one.actuates.is_some());
        some.map(move |operation| format!("{}/{}", contract.partner(), operation.id))
    });
    all.collect()
}

fn listed(all: &BTreeSet<String>) -> String {
    if all.is_empty() { "none".to_owned() } else { all.iter().cloned().collect::<Vec<_>>().join(", ") }
}

/// What is new and what is gone, line by line, and what that comes to.
fn changes(old: &Bundle, new: &Bundle, compared: &Comparison) -> String {
    let mut out = format!("\nAgainst the bundle {}:\n\n", old.digest());
    let data = |bundle: &Bundle| approval::data_list(bundle).lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let kinds = [
        ("partner", partners(old), partners(new)),
        ("operation", operations(old, false), operations(new, false)),
        ("personal data", data(old), data(new)),
    ];
    for (what, before, after) in &kinds {
        for gone in before.difference(after) {
            let _ = writeln!(out, "  - {what} {}", plain(gone));
        }
        for came in after.difference(before) {
            let _ = writeln!(out, "  + {what} {}", plain(came));
        }
    }
    // Escaped already, as a comparison's words are.
    for line in compared.words() {
        let _ = writeln!(out, "  {line}");
    }
    out
}
