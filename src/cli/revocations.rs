//! `portcullis revocations`: what is revoked at a running gateway.

use std::fmt::Write;

use clap::Args;
use clap::Subcommand;

use crate::admin::SocketAnswer;
use crate::cli::door;
use crate::cli::door::Place;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::say;
use crate::diagnostic::Diagnostics;
use crate::model::Epoch;
use crate::pipeline::Act;
use crate::pipeline::Listed;

/// Looks at what is revoked.
#[derive(Args)]
#[command(after_help = "Example:\n  portcullis revocations list --config gateway.yaml")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(ListArguments),
}

/// Lists what is in force at the running gateway, oldest first: since which epoch and when, kind, tenant, and the name of an
/// operation or a partner. Of whatever else is revoked only a keyed digest is known; the log names the same.
///
/// To machines it tells one JSON object with up to 128 revocations a line, the last with `"more":false`.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis revocations list --config gateway.yaml\n  \
                  portcullis revocations list --socket /run/portcullis/admin.sock --format json")]
struct ListArguments {
    #[command(flatten)]
    place: Place,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let Command::List(arguments) = &arguments.command;
    let socket = arguments.place.socket()?;
    let (mut after, mut count) = (Epoch::default(), 0_usize);
    loop {
        let SocketAnswer::Listed { revocations, more } = door::ask(&socket, &Act::List(after), arguments.format)?
        else {
            return Err(door::beside_the_point());
        };
        count = count.saturating_add(revocations.len());
        if arguments.format == Format::Text {
            say(&text_of(&revocations));
        }
        // Each page begins after the last one, so that this ends with the revocations.
        match revocations.last() {
            Some(last) if more && last.revocation.epoch > after => after = last.revocation.epoch,
            _ => break,
        }
    }
    if arguments.format == Format::Text && count == 0 {
        say("nothing is revoked\n");
    }
    Ok(Ending::Done)
}

fn text_of(revocations: &[Listed]) -> String {
    let mut text = String::new();
    for Listed { revocation, name, stored } in revocations {
        let place = revocation.tenant.as_ref().map_or("everywhere", |tenant| tenant.as_str());
        let what = name.as_deref().map_or_else(|| format!("digest {}", revocation.digest), str::to_owned);
        let lasting = if *stored { "" } else { "  NOT STORED" };
        let (epoch, at, kind) = (revocation.epoch, revocation.at, revocation.kind.word());
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{epoch:>8}  {at}  {kind:<11}  {place:<16}  {what}{lasting}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMillis;
    use crate::model::Sha256;
    use crate::model::TenantId;
    use crate::pipeline::RevocationKind;
    use crate::pipeline::StoredRevocation;

    #[test]
    fn a_line_tells_when_what_and_where_and_whether_it_lasts() {
        let revocation = StoredRevocation {
            digest: Sha256::new([9; 32]),
            tenant: Some(TenantId::new("north").unwrap()),
            kind: RevocationKind::Operation,
            epoch: Epoch::new(7),
            at: UnixMillis::new(1_700_000_000_123),
        };
        let named = Listed { revocation: revocation.clone(), name: Some("openDoor".into()), stored: true };
        let digest = revocation.digest;
        let device = StoredRevocation { kind: RevocationKind::Device, tenant: None, ..revocation };
        let unstored = Listed { revocation: device, name: None, stored: false };
        assert_eq!(
            text_of(&[named, unstored]),
            format!(
                "       7  2023-11-14T22:13:20.123Z  operation    north             openDoor\n\
                 \x20      7  2023-11-14T22:13:20.123Z  device       everywhere        digest {digest}  NOT STORED\n"
            )
        );
    }
}
