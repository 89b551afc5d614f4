//! Whom an act is about: a user, a device or a car, by whose tokens name it and how.
//!
//! The identifier comes out of a file or from standard input and by no other way: an argument stands in the list of processes
//! and in the shell's history. It is not said again.

use crate::cli::door;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::model::IdentifierKind;
use crate::model::Stranger;
use crate::pipeline::PersonOrder;
use clap::Args;
use clap::ValueEnum;
use std::fs::File;
use std::path::Path;

/// A person, but for the identifier.
#[derive(Args)]
pub(super) struct Whom {
    /// What the identifier names
    #[arg(long, value_enum, default_value_t = Kind::User)]
    kind: Kind,
    /// The issuer whose tokens name it so (claim `iss`)
    #[arg(long, value_name = "URL")]
    issuer: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// A person (claim `sub`)
    User,
    /// A person's device (claim `device_id`)
    Device,
    /// A person's car (claim `car_id`)
    Car,
}

impl Whom {
    /// The person whose identifier stands in `file`, on its only line; `-` reads standard input.
    pub(super) fn order(&self, file: &Path) -> Result<PersonOrder, Diagnostics> {
        let value = match file.to_str() {
            Some("-") => door::value_from(std::io::stdin().lock())?,
            _ => {
                let opened = File::open(file).map_err(|error| {
                    let message = format!("`{}` cannot be read: {error}", file.display());
                    Diagnostic::without_file("unreadable-input", message)
                })?;
                door::value_from(opened)?
            }
        };
        let kind = match self.kind {
            Kind::User => IdentifierKind::User,
            Kind::Device => IdentifierKind::Device,
            Kind::Car => IdentifierKind::Car,
        };
        let order = PersonOrder::new(kind, Stranger::new(self.issuer.as_str()), value);
        order.map_err(|fault| Diagnostic::without_file("no-person", fault.to_string()).into())
    }
}
