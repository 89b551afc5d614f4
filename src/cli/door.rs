//! What the commands share that act on a running gateway: where it is, what they name, how it is asked, and what a refusal
//! means to the one who typed.
//!
//! A value names a person or what belongs to one. It can come from standard input, so that it stands neither in the
//! list of processes nor in the shell's history, and it is not said again.

use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;

use crate::admin;
use crate::admin::AskFault;
use crate::admin::Refusal;
use crate::admin::SocketAnswer;
use crate::cli::output::Format;
use crate::cli::output::say;
use crate::config;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Stranger;
use crate::model::TenantId;
use crate::pipeline::Act;
use crate::pipeline::RevocationKind;
use crate::pipeline::RevocationOrder;

/// Bytes of standard input that are read; more than any value may have.
const INPUT_MAX_BYTES: u64 = 4 * 1024;

/// Where the gateway is.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct Place {
    /// The configuration that the gateway runs with; only the socket's path is taken from it
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The gateway's admin socket
    #[arg(long, value_name = "PATH")]
    pub(super) socket: Option<PathBuf>,
}

/// Which revocation.
#[derive(Args)]
pub(super) struct Which {
    /// What it is about
    #[arg(long, value_enum)]
    pub(super) kind: Kind,
    /// Only in this management company; for kinds of which it makes sense
    #[arg(long, value_parser = tenant)]
    pub(super) tenant: Option<TenantId>,
    /// Which one: a claim's value, a thumbprint, or a name; `-` reads it from standard input
    pub(super) value: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Kind {
    /// Everything that a person does (claim `sub`)
    Subject,
    /// Everything that comes from a device (claim `device_id`)
    Device,
    /// What was begun with one sign-in (claim `sid`)
    Session,
    /// One token (claim `jti`)
    Token,
    /// Whoever comes with this certificate: its SHA-256, as `openssl x509 -fingerprint -sha256` prints it
    Certificate,
    /// One right of tokens (`grant_id` in `authorization_details`)
    Grant,
    /// An operation of a contract (`operationId`, or `partner/operationId`): nobody does it any more
    Operation,
    /// Everything towards a partner
    Partner,
    /// Everything of a management company, and in its houses
    Tenant,
}

impl From<Kind> for RevocationKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Subject => Self::Subject,
            Kind::Device => Self::Device,
            Kind::Session => Self::Session,
            Kind::Token => Self::Token,
            Kind::Certificate => Self::Certificate,
            Kind::Grant => Self::Grant,
            Kind::Operation => Self::Operation,
            Kind::Partner => Self::Partner,
            Kind::Tenant => Self::Tenant,
        }
    }
}

impl Place {
    /// The socket's path.
    pub(super) fn socket(&self) -> Result<PathBuf, Diagnostics> {
        match (&self.socket, &self.config) {
            (Some(socket), _) => Ok(socket.clone()),
            (None, Some(file)) => config::admin_socket(file),
            (None, None) => Err(Diagnostic::without_file("no-gateway", "neither configuration nor socket").into()),
        }
    }
}

impl Which {
    /// The order that names it.
    pub(super) fn order(&self) -> Result<RevocationOrder, Diagnostics> {
        let value = match self.value.as_str() {
            "-" => value_from(std::io::stdin().lock())?,
            value => Stranger::new(value),
        };
        let kind = RevocationKind::from(self.kind);
        let value = match kind {
            // As openssl prints it: `0F:A5:…`.
            RevocationKind::Certificate => Stranger::new(value.expose().replace(':', "").to_ascii_lowercase()),
            _ => value,
        };
        Ok(RevocationOrder { kind, tenant: self.tenant.clone(), value })
    }
}

/// Gives an order and tells the answer to a machine; people are told by who called.
pub(super) fn ask(socket: &Path, act: &Act, format: Format) -> Result<SocketAnswer, Diagnostics> {
    let answer = admin::ask(socket, act).map_err(|fault| unanswered(&fault, socket))?;
    if format == Format::Json {
        say(&format!("{}\n", answer.to_json()));
    }
    match answer {
        SocketAnswer::Refused { refusal, near, receipt } => Err(refused(refusal, near.as_deref(), receipt).into()),
        done => Ok(done),
    }
}

/// An answer to another order than the one that was given.
pub(super) fn beside_the_point() -> Diagnostics {
    Diagnostic::without_file("unanswered", "the answer is not one to this order; it may be effective all the same")
        .help("repeat it: that does no harm")
        .into()
}

fn tenant(text: &str) -> Result<TenantId, crate::model::NameError> {
    TenantId::new(text)
}

/// A value from standard input, or a file in its place, without the end of its line.
pub(super) fn value_from(input: impl Read) -> Result<Stranger, Diagnostic> {
    let mut text = String::new();
    let read = input.take(INPUT_MAX_BYTES).read_to_string(&mut text);
    read.map_err(|error| Diagnostic::without_file("unreadable-input", format!("the value cannot be read: {error}")))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Stranger::new(line.strip_suffix('\r').unwrap_or(line)))
}

/// What the gateway refused, and what to do.
pub(super) fn refused(refusal: Refusal, near: Option<&str>, receipt: Option<Receipt>) -> Diagnostic {
    let receipt = receipt.map(|receipt| format!(", receipt {receipt}")).unwrap_or_default();
    let help = match (refusal, near) {
        (Refusal::Line(_), _) => "nothing was done".to_owned(),
        (Refusal::Gateway(_), Some(near)) => format!("nothing was done; did you mean `{near}`?"),
        (Refusal::Gateway(reason), None) => help_for(reason).to_owned(),
    };
    Diagnostic::without_file(refusal.code(), format!("{refusal}{receipt}")).help(help)
}

/// What to do about a gateway's refusal of an act.
const fn help_for(reason: Reason) -> &'static str {
    match reason {
        Reason::NameUnknown => {
            "nothing was done: the gateway knows no such operation (of its contracts), partner or tenant (of its directory)"
        }
        Reason::RoleMissing => "nothing was done: `listeners.admin.roles` says who may do what",
        Reason::RateActs | Reason::RateFull => {
            "nothing was done: a person acts `person_acts_per_minute` at most; wait a minute"
        }
        Reason::LiftNotInForce => {
            "nothing is revoked under exactly this kind, tenant and value: `portcullis revocations list` shows what is"
        }
        Reason::LiftNotProposed => {
            "still in force: nobody has proposed exactly this within `lift_confirm_ms`, or it was revoked again since"
        }
        Reason::LiftSamePerson => "still in force: another person with the role `lifter` has to confirm it",
        Reason::LiftsFull => "still in force: confirm or let lapse what was proposed before",
        Reason::LiftNotStored => "still in force: look at the store's disk, then propose and confirm again",
        Reason::SubjectUnknown => "nothing was done: no record stands for exactly this kind, issuer and value",
        Reason::EraseNotProposed => {
            "nobody was erased: nobody has proposed exactly this within `lift_confirm_ms`, or it was done already"
        }
        Reason::EraseSamePerson => "nobody was erased: another person with the role `eraser` has to confirm it",
        Reason::ErasuresFull => "nobody was erased: confirm or let lapse what was proposed before",
        Reason::EraseNotStored => {
            "the row may be gone and a trace of it not: look at the store's disk and who reads its file, then propose again"
        }
        Reason::NotRecordable => "nothing was done: look at the log's disk, then repeat it",
        _ => "it is in force, but may not be after the gateway restarts: repeat it when the cause is gone",
    }
}

/// Why there is no answer, and what to do.
pub(super) fn unanswered(fault: &AskFault, socket: &Path) -> Diagnostic {
    let socket = socket.display();
    match fault {
        AskFault::NotAnOrder(line) => Diagnostic::without_file(line.code(), line.to_string()),
        AskFault::NotReached(error) => Diagnostic::without_file(
            "not-reached",
            format!("no gateway was reached at `{socket}`: {error}; nothing was done"),
        )
        .help("is it running, and may you look into the socket's folder?"),
        AskFault::NotOurs(uid) => Diagnostic::without_file(
            "not-ours",
            format!("`{socket}` belongs to another user (uid {uid}); nothing was sent"),
        )
        .help("the one whom the gateway runs as should own the socket's folder, and nobody else write there"),
        AskFault::Unanswered | AskFault::TooLong => {
            Diagnostic::without_file("unanswered", format!("{fault}: `{socket}`"))
                .help("repeat it, which does no harm; whom `listeners.admin.roles` does not name is never answered")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_from_standard_input_is_one_line_without_its_end() {
        for input in ["phone-7", "phone-7\n", "phone-7\r\n"] {
            assert_eq!(value_from(input.as_bytes()).unwrap().expose(), "phone-7");
        }
        assert!(value_from(&b"\xff"[..]).is_err());
    }

    #[test]
    fn a_thumbprint_is_taken_as_openssl_prints_it() {
        let printed = ["0F"; 32].join(":");
        let which = Which { kind: Kind::Certificate, tenant: None, value: printed.clone() };
        assert_eq!(which.order().unwrap().value.expose(), "0f".repeat(32));
        let which = Which { kind: Kind::Device, tenant: None, value: printed.clone() };
        assert_eq!(which.order().unwrap().value.expose(), printed, "what is none is left as it is");
    }
}
