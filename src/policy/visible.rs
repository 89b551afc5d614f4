//! What of an answer the caller may see. An answer is visible as a whole: whoever may ask for the thing may see what became of
//! it. Records are all of the house that was asked for, or the answer has not come this far (`protect/`).

use crate::model::Reply;
use crate::policy::Permit;
use crate::protect::Restored;
use std::fmt;

/// Proof that the caller may see this answer; only [`visible`] makes one, and only for who has the permit.
///
/// What was restored is seen:
/// ```
/// use portcullis::{contract::Checked, policy::{Permit, Visible, visible}, protect::Restored};
/// fn see(permit: &Permit, checked: Checked, restored: Restored) -> Visible {
///     visible(permit, restored)
/// }
/// ```
/// What is still in the partner's words is not:
/// ```compile_fail
/// use portcullis::{contract::Checked, policy::{Permit, Visible, visible}, protect::Restored};
/// fn see(permit: &Permit, checked: Checked, restored: Restored) -> Visible {
///     visible(permit, checked)
/// }
/// ```
#[derive(Clone)]
#[must_use = "without this proof the caller gets no answer"]
pub struct Visible {
    restored: Restored,
}

/// The answer to what was permitted.
pub fn visible(permit: &Permit, restored: Restored) -> Visible {
    // The permit is the reason; there is nothing in it to compare while answers are seen as a whole.
    let _ = permit;
    Visible { restored }
}

impl Visible {
    /// The status.
    #[must_use]
    pub const fn status(&self) -> http::StatusCode {
        self.restored.status()
    }

    /// The answer.
    #[must_use]
    pub fn into_reply(self) -> Reply {
        self.restored.into_reply()
    }
}

impl fmt::Debug for Visible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Visible {{ {:?} }}", self.restored)
    }
}
