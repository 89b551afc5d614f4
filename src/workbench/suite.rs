//! All cases of a bundle.

use crate::bundle::Bundle;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::workbench::case::Case;
use crate::workbench::layers::Files;
use crate::workbench::read_case::Readers;
use std::collections::HashMap;

/// Every case of a bundle, each behind its bases and one for each row of its matrix, in the order of the files.
#[derive(Debug, Default)]
pub struct Suite {
    cases: Vec<Case>,
}

impl Suite {
    /// Reads the cases of these files (those of [`Bundle::tests`]), and holds what they name against the bundle:
    /// operations, events, partners, path parameters, policies.
    ///
    /// # Errors
    /// Everything that is wrong in any of the files.
    pub fn read(sources: &[Source], bundle: &Bundle) -> Result<Self, Diagnostics> {
        let mut faults = Diagnostics::new();
        let files = Files::parse(sources, &mut faults);
        // What a file that cannot be read would have said is missed everywhere.
        faults = faults.or_fail(Diagnostics::new())?;
        let reader = files.reader();
        let layered = files.cases(&reader);
        let mut readers = Readers::new(&reader, bundle);
        let mut cases: Vec<Case> = Vec::with_capacity(layered.len());
        let mut names = HashMap::new();
        for one in &layered {
            if names.insert(one.name.clone(), one.place).is_some() {
                let message = format!("a second case has the name `{}`", one.name);
                let fault = reader.source().fault("twice", one.place, message);
                reader.report(fault.help("rename one of them: by its name a case is found and told of"));
            }
            let place = files.place(one.place);
            if let (Some(case), Some((source, place))) = (readers.case(one), place) {
                cases.push(Case { source, place, ..case });
            }
        }
        let found = reader.finish(Some(())).err().unwrap_or_default();
        faults.extend(files.told(&found));
        faults.or_fail(Self { cases })
    }

    /// The cases.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// The same, without those whose names do not hold `part`.
    #[must_use]
    pub fn named(mut self, part: &str) -> Self {
        self.cases.retain(|case| case.name.contains(part));
        self
    }
}
