//! The partner: one line to it, one command, one answer.

mod answer;

pub use answer::Answer;
