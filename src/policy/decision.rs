//! What was decided, by which policies, on which inputs: the part of a record that explains it.
//!
//! Inputs are only those context attributes that a policy of the action reads. Nothing in here speaks of a person: an
//! attribute that may is named without its value.

use std::fmt;
use std::sync::Arc;

/// A decision as it goes into the record. It says nothing about allow or deny: the type that holds it does.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Decision {
    pub(super) policies: Vec<Arc<str>>,
    pub(super) inputs: Vec<Input>,
    pub(super) errors: Vec<Arc<str>>,
}

/// One context attribute that a policy of the action reads. It is for the record: `Debug` shows the value's length alone,
/// because roles, scopes and rights are a stranger's words.
#[derive(Clone, Eq, PartialEq)]
pub struct Input {
    /// The attribute's name, for instance `ageSeconds` or `request.reason`.
    pub name: Arc<str>,
    /// Its value as JSON text; [`Input::WITHHELD`] where it may speak of a person.
    pub json: Box<str>,
}

impl Decision {
    /// The ids of the policies that determined the decision: the forbids that held, else the permits that held. Empty
    /// when nothing permitted.
    #[must_use]
    pub fn policies(&self) -> &[Arc<str>] {
        &self.policies
    }

    /// What the action's policies could read, in the order of the attributes' names.
    #[must_use]
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// The ids of the policies that could not be evaluated. Any one of them denies.
    #[must_use]
    pub fn errors(&self) -> &[Arc<str>] {
        &self.errors
    }
}

impl Input {
    /// Stands for a value that is not recorded because it may speak of a person. No attribute has such a value itself.
    pub const WITHHELD: &'static str = r#"{"withheld":"person"}"#;
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: <{} bytes>", self.name, self.json.len())
    }
}
