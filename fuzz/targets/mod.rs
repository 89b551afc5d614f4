//! What is held against any bytes at all: one function for each reader of strangers' or operators' bytes.
//!
//! A target takes bytes and tells whether they were accepted. It falls over where the reader breaks its word: what was
//! accepted is looked at a second time by simpler means, which share no code with the reader. `README.md` says how they are
//! run; this is no part of the program.

mod answer;
mod approval;
mod certificate;
mod chunks;
mod configuration;
mod constants;
mod contract;
mod directory;
mod document;
mod event;
mod evidence;
mod form;
mod head;
mod json;
mod possession;
mod token;
mod tree;

/// One target.
pub struct Target {
    /// Its name, which its folder in `corpus/` bears too.
    pub name: &'static str,
    /// Whether the bytes were accepted.
    pub run: fn(&[u8]) -> bool,
    /// Words that mean something to the reader, for mutations.
    pub words: &'static [&'static str],
    /// How many mutations a test run takes: fewer where one costs more.
    pub rounds: u32,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "answer", run: answer::answer, words: answer::WORDS, rounds: 10_000 },
    Target { name: "certificate", run: certificate::certificate, words: &[], rounds: 10_000 },
    Target { name: "chunks", run: chunks::chunks, words: chunks::WORDS, rounds: 20_000 },
    Target { name: "configuration", run: configuration::configuration, words: configuration::WORDS, rounds: 400 },
    Target { name: "constants", run: constants::constants, words: constants::WORDS, rounds: 200 },
    Target { name: "contract", run: contract::contract, words: contract::WORDS, rounds: 1_000 },
    Target { name: "crl", run: certificate::crl, words: &[], rounds: 10_000 },
    Target { name: "directory", run: directory::directory, words: directory::WORDS, rounds: 3_000 },
    Target { name: "document", run: document::document, words: document::WORDS, rounds: 3_000 },
    Target { name: "event", run: event::event, words: event::WORDS, rounds: 5_000 },
    Target { name: "forgery", run: token::forgery, words: &[], rounds: 2_000 },
    Target { name: "form", run: form::form, words: form::WORDS, rounds: 20_000 },
    Target { name: "head", run: head::head, words: head::WORDS, rounds: 20_000 },
    Target { name: "json", run: json::json, words: json::WORDS, rounds: 20_000 },
    Target { name: "jws", run: token::jws, words: &[".", "=", "A", "_", "-", "+", "/"], rounds: 10_000 },
    Target { name: "note", run: evidence::note, words: evidence::NOTE_WORDS, rounds: 20_000 },
    Target { name: "possession", run: possession::possession, words: possession::WORDS, rounds: 3_000 },
    Target { name: "proof", run: evidence::proof, words: evidence::PROOF_WORDS, rounds: 20_000 },
    Target { name: "segment", run: evidence::segment, words: evidence::SEGMENT_WORDS, rounds: 2_000 },
    Target { name: "signature", run: approval::signature, words: approval::SIGNATURE_WORDS, rounds: 20_000 },
    Target { name: "statement", run: approval::statement, words: approval::STATEMENT_WORDS, rounds: 20_000 },
    Target { name: "token", run: token::token, words: token::WORDS, rounds: 4_000 },
];
