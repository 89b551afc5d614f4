//! `portcullis revoke`: orders a running gateway to revoke a subject, a device, a session or a token.
//!
//! The value names a person or what belongs to one. It can come from standard input, so that it stands neither in the
//! list of processes nor in the shell's history, and it is not said again.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;

use crate::admin;
use crate::admin::AskFault;
use crate::admin::Refusal;
use crate::admin::SocketAnswer;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::say;
use crate::config;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::model::Receipt;
use crate::model::Stranger;
use crate::model::TenantId;
use crate::pipeline::RevocationKind;
use crate::pipeline::RevocationOrder;

/// Bytes of standard input that are read; more than any value may have.
const INPUT_MAX_BYTES: u64 = 4 * 1024;

/// Revokes a subject, a device, a session or a token at the running gateway.
///
/// It is in force at that gateway, durable and on record when this ends with 0. Run it as the user that the gateway runs
/// as; nobody else is heard. To revoke twice does no harm.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis revoke --config gateway.yaml --kind device --tenant north phone-7\n  \
                  printf %s \"$SUBJECT\" | portcullis revoke --socket /run/portcullis/admin.sock --kind subject -")]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// What is revoked
    #[arg(long, value_enum)]
    kind: Kind,
    /// The management company that the subject or device belongs to, if tokens carry one
    #[arg(long, value_parser = tenant)]
    tenant: Option<TenantId>,
    /// The subject (`sub`), device (`device_id`), session (`sid`) or token (`jti`); `-` reads it from standard input
    value: String,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Where the gateway is.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// The configuration that the gateway runs with; only the socket's path is taken from it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The gateway's admin socket
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// Everything that a person does
    Subject,
    /// Everything that comes from a device
    Device,
    /// What was begun with one sign-in
    Session,
    /// One token
    Token,
}

impl From<Kind> for RevocationKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Subject => Self::Subject,
            Kind::Device => Self::Device,
            Kind::Session => Self::Session,
            Kind::Token => Self::Token,
        }
    }
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let socket = match (&arguments.place.socket, &arguments.place.config) {
        (Some(socket), _) => socket.clone(),
        (None, Some(file)) => config::admin_socket(file)?,
        (None, None) => return Err(Diagnostic::without_file("no-gateway", "neither configuration nor socket").into()),
    };
    let value = match arguments.value.as_str() {
        "-" => value_from(std::io::stdin().lock())?,
        value => Stranger::new(value),
    };
    let order = RevocationOrder { kind: arguments.kind.into(), tenant: arguments.tenant.clone(), value };
    let answer = admin::ask(&socket, &order).map_err(|fault| unanswered(&fault, &socket))?;
    if arguments.format == Format::Json {
        say(&format!("{}\n", answer.to_json()));
    }
    match answer {
        SocketAnswer::Revoked { epoch, receipt, state } => {
            if arguments.format == Format::Text {
                say(&format!("in force since epoch {epoch}, receipt {receipt}, state {state}\n"));
            }
            Ok(Ending::Done)
        }
        SocketAnswer::Refused { refusal, receipt } => Err(refused(refusal, receipt).into()),
    }
}

fn tenant(text: &str) -> Result<TenantId, crate::model::NameError> {
    TenantId::new(text)
}

/// A value from standard input, without the end of its line.
fn value_from(input: impl Read) -> Result<Stranger, Diagnostic> {
    let mut text = String::new();
    let read = input.take(INPUT_MAX_BYTES).read_to_string(&mut text);
    read.map_err(|error| {
        Diagnostic::without_file("unreadable-input", format!("standard input cannot be read: {error}"))
    })?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Stranger::new(line.strip_suffix('\r').unwrap_or(line)))
}

fn refused(refusal: Refusal, receipt: Option<Receipt>) -> Diagnostic {
    let receipt = receipt.map(|receipt| format!(", receipt {receipt}")).unwrap_or_default();
    let help = match refusal {
        Refusal::Line(_) => "nothing was revoked",
        Refusal::Gateway(_) => {
            "it is in force, but may not be after the gateway restarts: repeat it when the cause is gone"
        }
    };
    Diagnostic::without_file(refusal.code(), format!("{refusal}{receipt}")).help(help)
}

fn unanswered(fault: &AskFault, socket: &std::path::Path) -> Diagnostic {
    let socket = socket.display();
    match fault {
        AskFault::NotAnOrder(line) => Diagnostic::without_file(line.code(), line.to_string()),
        AskFault::NotReached(error) => Diagnostic::without_file(
            "not-reached",
            format!("no gateway was reached at `{socket}`: {error}; nothing was revoked"),
        )
        .help("is it running, and are you the user that it runs as?"),
        AskFault::NotOurs(uid) => Diagnostic::without_file(
            "not-ours",
            format!("`{socket}` belongs to another user (uid {uid}); nothing was sent"),
        )
        .help("run this as the user that the gateway runs as"),
        AskFault::Unanswered => {
            Diagnostic::without_file("unanswered", format!("{fault}: `{socket}`")).help("repeat it: that does no harm")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parsed(line: &str) -> Result<Arguments, clap::Error> {
        Line::try_parse_from(line.split(' ')).map(|line| line.arguments)
    }

    fn code_of(line: &str) -> &'static str {
        let ending = execute(&parsed(line).unwrap());
        ending.unwrap_err().iter().next().unwrap().code
    }

    #[test]
    fn a_gateway_is_named_by_configuration_or_socket_and_not_by_both() {
        let line = parsed("revoke --socket /run/a.sock --kind device --tenant north phone-7").unwrap();
        assert_eq!(line.place.socket, Some(PathBuf::from("/run/a.sock")));
        assert_eq!((line.value.as_str(), line.tenant), ("phone-7", Some(TenantId::new("north").unwrap())));
        for line in [
            "revoke --kind device phone-7",
            "revoke --config a.yaml --socket a.sock --kind device phone-7",
            "revoke --socket a.sock phone-7",
            "revoke --socket a.sock --kind door phone-7",
            "revoke --socket a.sock --kind device",
            "revoke --socket a.sock --kind device phone-7 phone-8",
            "revoke --socket a.sock --kind device --tenant a/b phone-7",
            "revoke --socket a.sock --kind device --force phone-7",
        ] {
            assert_eq!(parsed(line).err().map(|fault| fault.exit_code()), Some(2), "{line}");
        }
    }

    #[test]
    fn where_no_gateway_listens_it_says_that_nothing_was_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("admin.sock");
        assert_eq!(code_of(&format!("revoke --socket {} --kind device phone-7", socket.display())), "not-reached");
        assert_eq!(
            code_of(&format!("revoke --socket {} --kind device {}", socket.display(), "x".repeat(257))),
            "value-invalid"
        );
    }

    #[test]
    fn a_value_from_standard_input_is_one_line_without_its_end() {
        for input in ["phone-7", "phone-7\n", "phone-7\r\n"] {
            assert_eq!(value_from(input.as_bytes()).unwrap().expose(), "phone-7");
        }
        assert!(value_from(&b"\xff"[..]).is_err());
    }
}
