//! Audit: nothing takes effect unrecorded.
//!
//! [`Log::intent`] makes the intent of an exchange durable before anything leaves and hands out [`Recorded`], without
//! which nothing is sent; [`Log::outcome`] and [`Log::refusal`] record how it ended and hand out [`Concluded`], without
//! which a door writes nothing. What cannot be recorded is refused. There is no switch that turns this off.
//!
//! The log is a directory of segments, each a text file of JSON lines ([`record`] says what a line holds, [`segment`]
//! how it lies on disk). One thread of the operating system writes ([`writer`]): what waits is one batch and one
//! durable write. The callers of a batch are woken together ([`desk`]). At start the log is read back ([`recover`]):
//! a torn tail is cut, intents without outcome are marked unknown, and the idempotency keys of the last 24 hours are
//! handed to the one who remembers them. Refusals that come too fast are recorded in sums ([`flood`]), what finds no room is
//! told later ([`losses`]), and answers are read back by a thread of its own ([`reader`]). Another one watches that the files
//! are still those that are written ([`watch`]), and how much space is left ([`space`]). Whoever reads a log from outside
//! walks over it ([`walk`]), also while it is written; what a SIEM is given is written by [`formats`].
//!
//! Persons stand in records as random handles only ([`Handles`]); the partner's answer that an idempotency key keeps is
//! sealed. Nothing here decides or speaks HTTP, and `now` is an argument; only what is recorded when
//! a proof is dropped asks the clock.

mod answer;
mod archive;
mod archived_tiles;
mod attest;
mod chain;
mod changes;
mod checkpoint;
mod company;
mod copy;
mod desk;
mod direct;
mod event;
mod export_place;
mod facts;
mod fault;
mod find;
mod flood;
mod formats;
mod forward;
mod handles;
mod holds;
mod log;
mod look;
mod losses;
mod opening;
mod outcome;
mod proof;
mod queue;
mod read;
mod reader;
mod receipts;
mod record;
mod recover;
mod reopen;
mod segment;
mod select;
mod space;
mod storage;
mod tally;
mod tile_places;
mod tiles;
mod tree;
mod walk;
mod watch;
mod writer;

pub use answer::AnswerKey;
pub use answer::RecordedAnswer;
pub use archive::Archive;
pub use archive::ArchiveFault;
pub use archive::Archived;
pub use archive::Held;
pub use archive::LEAST_AGE_S;
pub use archive::LONGEST_AGE_S;
pub use archive::Oldest;
pub use archive::Retention;
pub use archive::Standing;
pub use changes::RecordedChange;
pub use changes::RecordedLifting;
pub use changes::RecordedRevocation;
pub use changes::Since;
pub use changes::SinceFault;
pub use changes::Unseen;
pub use changes::since;
pub use changes::unseen;
pub use checkpoint::Checkpoint;
pub use copy::CopiedLog;
pub use copy::copy;
pub use event::AttemptRecorded;
pub use event::Delivery;
pub use event::EventRecorded;
pub use export_place::ExportPlace;
pub use export_place::bytes_from;
pub use export_place::lowest_export_place;
pub use facts::By;
pub use facts::Decided;
pub use facts::Facts;
pub use facts::KeyDigests;
pub use facts::Sizes;
pub use facts::Steps;
pub use fault::AuditFault;
pub use fault::AuditOpenError;
pub use fault::RecallFault;
pub use find::FindFault;
pub use find::Found;
pub use find::FoundRecord;
pub use find::find;
pub use find::kinds;
pub use flood::RefusalRates;
pub use formats::Covered;
pub use formats::Entry;
pub use formats::Format;
pub use formats::Framing;
pub use formats::OtlpLogs;
pub use handles::Handle;
pub use handles::HandleFault;
pub use handles::HandleRow;
pub use handles::HandleStore;
pub use handles::Handles;
pub use handles::Named;
pub use handles::Person;
pub use handles::PersonSecret;
pub use holds::HoldsFault;
pub use holds::SeenFault;
pub use holds::SeenStore;
pub use holds::holds;
pub use log::Log;
pub use log::Settings;
pub use look::Position;
pub use look::examine;
pub use look::position;
pub use outcome::Activated;
pub use outcome::Administered;
pub use outcome::BundleRefused;
pub use outcome::ClockStanding;
pub use outcome::ClockStands;
pub use outcome::ClockStepped;
pub use outcome::Issued;
pub use outcome::KeysTakenUp;
pub use outcome::Note;
pub use outcome::Outcome;
pub use outcome::OutcomeState;
pub use outcome::ReIdentified;
pub use outcome::Revoked;
pub use outcome::SessionIssued;
pub use outcome::TakenUp;
pub use proof::Concluded;
pub use proof::Noted;
pub use proof::Recorded;
pub use queue::Closed;
pub use receipts::ReceiptState;
pub use receipts::Told;
pub use record::record_schema;
pub use recover::PastCommand;
pub use recover::Recovered;
pub use select::Selected;
pub use select::Selection;
pub use select::Thing;
pub use select::Wanted;
pub use space::SpaceLeft;
pub use storage::Disk;
pub use storage::FileDisk;
pub use storage::Reads;
pub use storage::Reopened;
pub use storage::Storage;
pub use tally::Ends;
pub use tally::Tally;
pub use walk::Cursor;
pub use walk::NoCursor;
pub use walk::Walk;
pub use walk::WalkFault;
pub use walk::Walked;
pub use walk::segments;
pub use watch::Disturbance;
pub use watch::Disturbed;
pub use watch::Placed;

#[cfg(test)]
mod tests;
