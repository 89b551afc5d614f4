//! Keeps what the policies were asked while a case was played.

use crate::policy::Asked;
use crate::policy::Witness;
use parking_lot::Mutex;

/// All questions, in the order in which they were asked.
#[derive(Default)]
pub(super) struct Keeper(Mutex<Vec<Asked>>);

impl Keeper {
    /// What was asked so far.
    pub(super) fn kept(&self) -> Vec<Asked> {
        self.0.lock().clone()
    }
}

impl Witness for Keeper {
    fn saw(&self, asked: Asked) {
        self.0.lock().push(asked);
    }
}
