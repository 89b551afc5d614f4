//! May this caller do this, here, now? Cedar policies, compiled strictly at load, indexed, asked once per exchange.
//!
//! The room answers with a proof ([`Permit`], [`EventPermit`], [`PeerPermit`]) or with a fault that carries the same [`Decision`] for the
//! record. Default is deny; a policy that errors denies, where Cedar alone would pass over it. Nothing here reads bytes,
//! headers or a clock: values come from the proofs of the steps before, time is an argument.

mod asked;
mod assemble;
mod clause_truths;
mod clauses;
mod compare;
mod compare_policy;
mod compare_schema;
mod compile;
mod constants;
mod context;
mod decide;
mod decision;
mod demand;
mod entities;
mod event;
mod facts;
mod footprint;
mod index;
mod known;
mod layout;
mod lint;
mod lint_words;
mod mutants;
mod mutations;
mod near;
mod origin;
mod partly;
mod peer;
mod policies;
mod question;
mod scope_text;
mod settled;
mod trial;
mod until;
mod visible;
mod ways;

pub use asked::Asked;
pub use asked::Attribute;
pub use asked::Fact;
pub use asked::Placed;
pub use asked::Scene;
pub use asked::Uid;
pub use asked::Witness;
pub use clause_truths::ClauseTruths;
pub use clause_truths::Possible;
pub use clauses::Clause;
pub use clauses::Meeting;
pub use clauses::Met;
pub use clauses::PolicyText;
pub use compare::PolicyFiles;
pub use compare::compare;
pub use context::context_attributes;
pub use decide::Permit;
pub use decide::PolicyFault;
pub use decision::Decision;
pub use decision::Input;
pub use demand::Demand;
pub use demand::DemandValue;
pub use demand::DemandedBy;
pub use demand::ValueKind;
pub use event::EventPermit;
pub use event::EventQuestion;
pub use event::Sender;
pub use known::Truth;
pub use layout::comment_of;
pub use layout::laid_out;
pub use lint::Surroundings;
pub use mutants::Fate;
pub use mutants::Mutant;
pub use near::Change;
pub use near::Move;
pub use near::Weighed;
pub use near::WeighedClause;
pub use near::WeighedPolicy;
pub use origin::Origin;
pub use partly::On;
pub use partly::PossibleQuestion;
pub use partly::RecordedQuestion;
pub use partly::Who;
pub use peer::PeerPermit;
pub use policies::Judgement;
pub use policies::Policies;
pub use question::Bearer;
pub use question::Grant;
pub use question::Question;
pub use settled::Setting;
pub use trial::Trial;
pub use visible::Visible;
pub use visible::visible;

#[cfg(test)]
mod tests;
