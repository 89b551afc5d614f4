//! What is accepted and what is refused, told by outsiders first: `JSONTestSuite`, the vectors of RFC 8785,
//! `serde_json`.

mod es6;
mod limits;
mod properties;
mod suite;
mod texts;
