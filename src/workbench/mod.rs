//! The workbench: cases of a bundle (`tests/*.yaml`), and the stage on which each is played.
//!
//! A case says who asks for what, when, and what is known then; and what must come of it. [`Suite`] reads all cases of a
//! bundle, whole: behind `extends` and `matrix`. [`Stage::play`] sends one through the very gate that serves
//! ([`Gate::handle`](crate::pipeline::Gate::handle)): token, guard, contract, policy, protection, record, partner, answer.
//! Only what stands around a gateway is another one: no socket (a stream in memory, at whose other end stands what the case
//! says), no disk (the log's segments and the store lie in memory), no clock but the case's. No step can be left out, for
//! there is no way to say so.
//!
//! What came of a case ([`Played`]) is held against what it expects ([`held_against`]); coverage, mutants, explanations and
//! comparisons ask the same values. [`inspect_token`] asks the verifier alone about one token.

mod case;
mod case_schema;
mod cast;
mod compare;
mod compare_requirements;
mod compare_table;
mod compare_words;
mod coverage;
mod disk;
mod explain;
mod issuing;
mod keeper;
mod layers;
mod mutate;
mod pattern;
mod played;
mod presented;
mod read_case;
mod read_parts;
mod rehearsal;
mod run;
mod script;
mod stage;
mod store;
mod suite;
mod token;
mod untested;
mod verdict;
mod who_can;

pub use case::Asks;
pub use case::Case;
pub use case::CaseAnswer;
pub use case::CaseCaller;
pub use case::CaseRight;
pub use case::CaseToken;
pub use case::Expectation;
pub use case::ExpectedPartner;
pub use case::ExpectedReply;
pub use case::PartnerFault;
pub use case::SignedAs;
pub use case_schema::case_schema;
pub use compare::Comparison;
pub use compare::Verdict;
pub use compare::compare;
pub use compare_table::Table;
pub use compare_words::line;
pub use coverage::ClauseCoverage;
pub use coverage::Coverage;
pub use coverage::OperationCoverage;
pub use coverage::PolicyCoverage;
pub use explain::ChangeView;
pub use explain::ClauseLine;
pub use explain::ContractRule;
pub use explain::Effect;
pub use explain::Explainer;
pub use explain::Explanation;
pub use explain::PolicyLine;
pub use explain::PolicyView;
pub use explain::of_receipt;
pub use mutate::Marked;
pub use mutate::Mutation;
pub use mutate::Survivor;
pub use pattern::Pattern;
pub use played::Played;
pub use played::PlayedDecision;
pub use played::Reply;
pub use played::Sent;
pub use rehearsal::Rehearsal;
pub use run::Ran;
pub use run::run;
pub use stage::Stage;
pub use stage::StageFault;
pub use suite::Suite;
pub use token::TokenCheck;
pub use token::TokenInspectError;
pub use token::TokenQuestion;
pub use token::TokenStory;
pub use token::inspect_token;
pub use verdict::Difference;
pub use verdict::held_against;
pub use who_can::Asker;
pub use who_can::Condition;
pub use who_can::Possible;
pub use who_can::Residual;
pub use who_can::what_can;
pub use who_can::who_can;

#[cfg(test)]
mod tests;
