//! The one catalogue of what an operator is told: each code with what it means and what to do, in English and Russian.
//!
//! A finding's message names things as the operator's files do and is English; its page here says the same of the code at large.
//! `docs/diagnostics.md` is this catalogue in print. Every code that the sources use has its page (`tests/it/catalogue.rs`).

mod approval;
mod bundle;
mod cases;
mod contract;
mod gateway;
mod lints;
mod page;

pub use page::Language;
pub use page::Page;
pub use page::Words;
pub use page::markdown;
pub use page::page_of as page;
pub use page::pages;
