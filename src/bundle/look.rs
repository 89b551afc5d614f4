//! A bundle as those look at it who change it: what of it somebody should look at, and how its policies are laid out.
//!
//! Lints are looked for in a bundle that compiles only: of half a bundle much would be told that is not so. What is meant is
//! said in the files themselves (`allow.rs`).

use crate::bundle::allow::Allows;
use crate::bundle::compile::Bundle;
use crate::bundle::compile::demand;
use crate::bundle::compile::event_demand;
use crate::bundle::real_data;
use crate::bundle::tree::Role;
use crate::bundle::tree::Tree;
use crate::bundle::tree::role_of;
use crate::clock::UnixSeconds;
use crate::contract::Contract;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::policy::Demand;
use crate::policy::Policies;
use crate::policy::Surroundings;
use crate::policy::laid_out;
use std::collections::BTreeSet;
use std::path::Path;

/// A policy file that is not laid out as it should be.
pub struct Unlaid {
    /// The file as it is.
    pub source: Source,
    /// Its text as it should be.
    pub text: String,
}

impl Bundle {
    /// What somebody should look at, at `now`, in the order of the files and their lines; `more` are lints that others found.
    /// What the files allow is left out, and what they allow in vain is told.
    #[must_use]
    pub fn lints(&self, now: UnixSeconds, more: Diagnostics) -> Diagnostics {
        let mut found = more;
        self.sources(Role::Contract).for_each(|source| found.extend(Contract::lint(source)));
        self.lint_policies(now, &mut found);
        self.sources(Role::Test).for_each(|source| real_data::examine(source, &mut found));
        self.without_allowed(&found)
    }

    /// The policy files of a folder that are not laid out as they should be, and the faults of those that cannot be.
    #[must_use]
    pub fn unlaid(folder: &Path) -> (Vec<Unlaid>, Diagnostics) {
        let mut found = Diagnostics::new();
        // What is wrong with the folder is another question than how its policies are laid out.
        let tree = Tree::read(folder, &mut Diagnostics::new());
        let mut unlaid = Vec::new();
        for (_, source) in tree.of_role(Role::Policy) {
            match laid_out(source) {
                Ok(text) if text == source.text() => {}
                Ok(text) => unlaid.push(Unlaid { source: source.clone(), text }),
                Err(faults) => found.extend(faults),
            }
        }
        (unlaid, found)
    }

    fn sources(&self, role: Role) -> impl Iterator<Item = &Source> {
        self.files().filter(move |(path, _)| role_of(path) == Some(role)).map(|(_, source)| source)
    }

    fn lint_policies(&self, now: UnixSeconds, found: &mut Diagnostics) {
        let Some(schema) = self.sources(Role::Schema).next() else { return };
        let policies: Vec<Source> = self.sources(Role::Policy).cloned().collect();
        let operations = || self.contracts().flat_map(|contract| contract.operations());
        let events = || self.contracts().flat_map(|contract| contract.events());
        let demands: Vec<Demand> = operations()
            .map(|operation| demand(operation, None))
            .chain(events().map(|event| event_demand(event, None)))
            .collect();
        let purposes: BTreeSet<&str> =
            operations().map(|one| one.purpose.as_str()).chain(events().map(|one| one.purpose.as_str())).collect();
        let known = Surroundings {
            demands: &demands,
            partners: self.contracts().map(|contract| contract.partner().as_str()).collect(),
            purposes: purposes.into_iter().collect(),
            now,
        };
        found.extend(Policies::lint(schema, &policies, &known));
    }

    /// What the files do not allow, and what is wrong with what they allow.
    fn without_allowed(&self, lints: &Diagnostics) -> Diagnostics {
        let mut told = Diagnostics::new();
        let allows: Vec<Allows<'_>> = self
            .files()
            .filter_map(|(path, source)| {
                let mark = match role_of(path)? {
                    Role::Schema | Role::Policy => "//",
                    Role::Contract | Role::Requirements | Role::Test => "#",
                    // Nobody looks for anything in these.
                    Role::Constants | Role::Approval => return None,
                };
                Some(Allows::read(source, mark, &mut told))
            })
            .collect();
        told.extend_with(lints.iter().filter(|lint| !allows.iter().any(|allows| allows.allow(lint))).cloned());
        allows.into_iter().for_each(|allows| allows.finish(&mut told));
        let mut sorted: Vec<Diagnostic> = told.iter().cloned().collect();
        sorted.sort_by_key(|lint| (lint.source.as_ref().map(|source| source.path().to_owned()), lint.place));
        let mut told = Diagnostics::new();
        told.extend_with(sorted);
        told
    }
}
