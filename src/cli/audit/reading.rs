//! Reading a log for somebody who wants to see all that is left of it: what is damaged is said, and passed.

use crate::audit::AuditOpenError;
use crate::audit::Selected;
use crate::audit::Selection;
use crate::audit::Walk;
use crate::audit::WalkFault;
use crate::audit::Walked;
use crate::audit::Wanted;
use crate::cli::audit::unreadable;
use crate::cli::output::complain;
use crate::diagnostic::Diagnostics;

/// Reads what there is, and says where it is damaged.
pub(super) struct Reading {
    walk: Walk,
    selection: Selection,
    damaged: bool,
    /// Whether what is damaged is said later.
    pub(super) quiet: bool,
    untold: Diagnostics,
}

impl Reading {
    pub(super) fn new(wanted: Wanted, walk: Walk) -> Self {
        Self { walk, selection: Selection::new(wanted), damaged: false, quiet: false, untold: Diagnostics::new() }
    }

    /// Hands on what fits, until the log ends for now or `take` says `false`.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(super) fn read_on(&mut self, take: &mut dyn FnMut(Walked, Selected) -> bool) -> Result<(), Diagnostics> {
        while let Some(step) = self.walk.next() {
            let walked = match step {
                Ok(walked) => walked,
                Err(fault) if self.goes_on_behind(&fault)? => continue,
                Err(fault) => return if self.damaged { Ok(()) } else { Err(unreadable(&fault).into()) },
            };
            match self.selection.take(&walked) {
                Ok(None) => {}
                Ok(Some(told)) => {
                    if !take(walked, told) {
                        return Ok(());
                    }
                }
                // What another version has written is no damage, and neither is all that follows.
                Err(fault @ AuditOpenError::OtherVersion { .. }) => return Err(unreadable(&fault).into()),
                Err(fault) => self.damage(&fault.into()),
            }
        }
        Ok(())
    }

    pub(super) const fn is_damaged(&self) -> bool {
        self.damaged
    }

    fn goes_on_behind(&mut self, fault: &WalkFault) -> Result<bool, Diagnostics> {
        let is_damage = !matches!(
            fault,
            WalkFault::Open(AuditOpenError::Io { .. } | AuditOpenError::OtherVersion { .. }) | WalkFault::Astray { .. }
        );
        if is_damage {
            self.damage(fault);
        }
        Ok(is_damage && self.walk.pass().map_err(|fault| unreadable(&fault))?)
    }

    fn damage(&mut self, fault: &WalkFault) {
        self.damaged = true;
        self.untold.push(unreadable(fault));
        if !self.quiet {
            self.tell();
        }
    }

    /// Says where it is damaged, as far as that was not said.
    pub(super) fn tell(&mut self) {
        self.quiet = false;
        if !self.untold.is_empty() {
            complain(&std::mem::take(&mut self.untold));
        }
    }
}
