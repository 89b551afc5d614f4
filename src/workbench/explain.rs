//! Why something was let through, or refused: what is found out, apart from how it is told.
//!
//! Two things are explained: a case, which is played on the stage for that ([`Explainer`]), and a receipt, from the records that
//! stand in an audit log ([`of_receipt`]). Both are read off the records first; policies are then looked at clause by clause,
//! by what Cedar was asked, or by as much of it as the record holds. What the record does not hold is said, not guessed.
//!
//! Persons stand in an explanation as placeholders or as the handles of the record. [`shown`] has the rules.

mod of_case;
mod of_receipt;
mod seen;
mod shown;
mod step;
mod story;

pub use of_case::Explainer;
pub use of_receipt::of_receipt;
pub use seen::Effect;
pub(super) use shown::clause as clause_text;
pub(super) use shown::entity as entity_text;

/// An explanation.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// What is explained, in one line.
    pub about: String,
    /// Whether it was let through.
    pub allowed: bool,
    /// Why, as a code.
    pub reason: String,
    /// What the code means.
    pub says: String,
    /// Where on its way it ended.
    pub step: &'static str,
    /// What is known of it: a label and a text each.
    pub facts: Vec<(&'static str, String)>,
    /// What the contract had against it.
    pub contract: Option<ContractRule>,
    /// What the policies came to; `None` where they were not asked.
    pub policies: Option<PolicyView>,
    /// What is not known, and what to keep in mind.
    pub notes: Vec<String>,
}

/// A rule of a contract that something does not keep to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ContractRule {
    /// Where: part and pointer, in the contract's words.
    pub place: Option<String>,
    /// What was expected there.
    pub expected: Option<String>,
    /// What the contract declares there.
    pub declared: Option<String>,
}

/// What the policies of an action came to.
#[derive(Clone, Debug)]
pub struct PolicyView {
    /// The action.
    pub action: String,
    /// Those that hold, those that err, and then the others: nearest first.
    pub policies: Vec<PolicyLine>,
    /// The smallest change of facts that would have let it through.
    pub change: Option<ChangeView>,
    /// Whether such a change was looked for: it was refused for want of it.
    pub sought: bool,
}

/// What one policy came to.
#[derive(Clone, Debug)]
pub struct PolicyLine {
    /// Its `@id`.
    pub id: String,
    /// The file of the bundle that it stands in, and the line.
    pub place: String,
    /// What it does if it holds.
    pub effect: Effect,
    /// Its `@reason`.
    pub reason: String,
    /// `true`, `false`, `unknown` or `error`.
    pub holds: &'static str,
    /// Whether the decision on record names it.
    pub determines: bool,
    /// Its clauses.
    pub clauses: Vec<ClauseLine>,
}

/// What one clause of a policy came to.
#[derive(Clone, Debug)]
pub struct ClauseLine {
    /// Its text.
    pub text: String,
    /// `true`, `false`, `unknown` or `error`.
    pub truth: &'static str,
    /// What it saw: names and values.
    pub saw: Vec<(String, String)>,
}

/// A change of facts that would have let it through; it was asked again with them, and let through.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChangeView {
    /// The policy that would have permitted.
    pub by: String,
    /// What would be otherwise.
    pub moves: Vec<String>,
}

impl PolicyLine {
    /// The clauses that do not hold.
    pub fn failing(&self) -> impl Iterator<Item = &ClauseLine> {
        self.clauses.iter().filter(|clause| clause.truth != "true")
    }
}
