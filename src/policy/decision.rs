//! What was decided, by which policies, on which inputs: the part of a record that explains it.
//!
//! Inputs are what the policies of the action read and nothing else: attributes of the context, and what the principal and
//! the resource are in (`principal.in`, `resource.in`; of those that policies name, the ones that are so). Together with
//! action, subject and resource, which every record has, they suffice to decide again. Nothing in here speaks of a person:
//! the record holds handles.

use crate::model::InputValue;
use std::fmt;
use std::sync::Arc;

/// A decision as it goes into the record. It says nothing about allow or deny: the type that holds it does.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Decision {
    pub(super) policies: Vec<Arc<str>>,
    pub(super) inputs: Vec<Input>,
    pub(super) errors: Vec<Arc<str>>,
}

/// One thing that a policy of the action reads.
#[derive(Clone, Eq, PartialEq)]
pub struct Input {
    /// Its name, for instance `ageSeconds`, `request.reason` or `principal.in`.
    pub name: Arc<str>,
    /// Its value.
    pub value: InputValue,
}

impl Decision {
    /// The ids of the policies that determined the decision: the forbids that held, else the permits that held. Empty
    /// when nothing permitted.
    #[must_use]
    pub fn policies(&self) -> &[Arc<str>] {
        &self.policies
    }

    /// What the action's policies could read: attributes in the order of their names, then what principal and resource are in.
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

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.name, self.value)
    }
}
