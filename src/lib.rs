//! Portcullis: a reverse-proxy policy enforcement gateway.
//!
//! Nothing crosses it, in either direction, that is not authenticated, declared in an approved contract, permitted by
//! Cedar policy, minimised, and on record. The house has floors; a room looks down, never up (`tests/it/house.rs`
//! holds this to its word, `docs/architecture.md` draws it):
//!
//! | floor | rooms | |
//! |---|---|---|
//! | 5 front door | [`cli`], [`gateway`] | what people type; how all is wired |
//! | 4 doors | [`listener`], [`admin`], [`devkit`] | who comes in |
//! | 3 the ways | [`pipeline`], [`exporters`] | what happens, in which order |
//! | 2 assembly | [`config`], [`bundle`], [`approval`], [`store`] | files and rows become the rooms' values |
//! | 1 rooms | [`identity`], [`contract`], [`directory`], [`guard`], [`policy`], [`protect`], [`audit`], [`evidence`], [`partner`], [`webhook`] | one step each |
//! | 0 ground | [`model`], [`json`], [`crypto`], [`wire`], [`telemetry`], [`tasks`], [`clock`], [`chunks`], [`secret`], [`form`], [`limits`], [`problem`], [`yaml`], [`diagnostic`], [`catalogue`] | |
//!
//! Each step of a way hands the next a proof that it was done, a type that only its room can make. Leaving a step out
//! does not compile.

pub mod admin;
pub mod approval;
pub mod audit;
pub mod bundle;
pub mod catalogue;
pub mod chunks;
pub mod cli;
pub mod clock;
pub mod config;
pub mod contract;
pub mod crypto;
pub mod devkit;
pub mod diagnostic;
pub mod directory;
pub mod durable;
pub mod evidence;
pub mod exporters;
pub mod form;
pub mod gateway;
pub mod guard;
pub mod identity;
pub mod json;
pub mod limits;
pub mod listener;
pub mod model;
pub mod partner;
pub mod pipeline;
pub mod policy;
pub mod problem;
pub mod protect;
pub mod secret;
pub mod store;
pub mod tasks;
pub mod telemetry;
pub mod webhook;
pub mod wire;
pub mod workbench;
pub mod yaml;
