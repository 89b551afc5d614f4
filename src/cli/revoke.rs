//! `portcullis revoke`: orders a running gateway that somebody or something has no rights from now on.

use clap::Args;

use crate::admin::SocketAnswer;
use crate::cli::door;
use crate::cli::door::Place;
use crate::cli::door::Which;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::say;
use crate::diagnostic::Diagnostics;
use crate::pipeline::Act;

/// Revokes, at the running gateway: a person, a device, a session, a token or a right; or, in an emergency, a certificate, an
/// operation, a partner or a tenant.
///
/// It is in force at that gateway, durable and on record when this ends with 0. Run it as somebody whom
/// `listeners.admin.roles` names an operator or, where it names nobody, as the user that the gateway runs as. To revoke twice
/// does no harm. `portcullis lift` takes it back, which needs two persons.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis revoke --config gateway.yaml --kind device --tenant north phone-7\n  \
                  printf %s \"$SUBJECT\" | portcullis revoke --socket /run/portcullis/admin.sock --kind subject -\n  \
                  portcullis revoke --config gateway.yaml --kind operation openDoor\n  \
                  portcullis revoke --config gateway.yaml --kind partner smarthome")]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    which: Which,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let socket = arguments.place.socket()?;
    let act = Act::Revoke(arguments.which.order()?);
    let SocketAnswer::Revoked { epoch, receipt } = door::ask(&socket, &act, arguments.format)? else {
        return Err(door::beside_the_point());
    };
    if arguments.format == Format::Text {
        say(&format!("in force since epoch {epoch}, receipt {receipt}, state local\n"));
    }
    Ok(Ending::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TenantId;
    use clap::Parser;
    use std::path::PathBuf;

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
        assert_eq!((line.which.value.as_str(), line.which.tenant), ("phone-7", Some(TenantId::new("north").unwrap())));
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
}
