//! Room: how many commands may be under way, in all and towards one partner, and how many bytes of bodies may be held.
//!
//! A command takes its [`Seat`] before its intent, with memory for the longest answer that may come: once bytes have left,
//! an answer that finds no room would leave an outcome unknown. Nobody waits for room; who finds none is told so, and
//! nothing is sent. The answer's memory goes with the reply until that is written.

use crate::limits::Limits;
use crate::model::Reason;
use crate::pipeline::port::BodyFault;
use crate::pipeline::refusal::Refusal;
use crate::problem::ProblemType;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// In how many seconds room is looked for again: exchanges take less, but for those of a partner that hangs.
const ASK_AGAIN_S: u64 = 1;

/// What all bodies together may hold, counted in KiB. Clones share it.
#[derive(Clone)]
pub struct BodyMemory(Arc<Semaphore>);

/// Memory that is held until this is dropped.
#[derive(Debug)]
#[must_use = "given back when it is dropped"]
pub struct HeldMemory(OwnedSemaphorePermit);

/// The room for commands to one partner. Clones share it.
#[derive(Clone)]
pub struct Room {
    all: Arc<Semaphore>,
    of_partner: Arc<Semaphore>,
    memory: BodyMemory,
    answer_max_bytes: usize,
}

/// A command's place, until it is dropped.
#[must_use = "given back when it is dropped"]
pub struct Seat {
    /// The partner's first: fields are dropped in this order, so that nobody finds the one without the other.
    _of_partner: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
    answer: HeldMemory,
}

/// There is no room for a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RoomFault {
    /// Towards this partner as many are under way as may be.
    #[error("the partner is busy")]
    Partner,
    /// In all, as many are under way as may be, or bodies hold as much memory as they may.
    #[error("the gateway is busy")]
    All,
}

impl BodyMemory {
    /// Room for `limits.bytes_in_flight_max`.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self(semaphore(limits.bytes_in_flight_max / 1024))
    }

    /// Takes room for so many bytes.
    ///
    /// # Errors
    /// [`BodyFault::Overload`] where there is none.
    pub fn hold(&self, bytes: usize) -> Result<HeldMemory, BodyFault> {
        let permit = Arc::clone(&self.0).try_acquire_many_owned(kib(bytes));
        permit.map(HeldMemory).map_err(|_| BodyFault::Overload)
    }
}

impl HeldMemory {
    /// Lets as much of what is held go with `body`, until the last of its clones is dropped.
    #[must_use]
    pub fn with(&mut self, body: Bytes) -> Bytes {
        /// A body and its memory.
        struct Kept {
            body: Bytes,
            _memory: Option<OwnedSemaphorePermit>,
        }
        impl AsRef<[u8]> for Kept {
            fn as_ref(&self) -> &[u8] {
                &self.body
            }
        }
        let part = kib(body.len()).min(u32::try_from(self.0.num_permits()).unwrap_or(u32::MAX));
        let part = self.0.split(usize::try_from(part).unwrap_or(usize::MAX));
        Bytes::from_owner(Kept { body, _memory: part })
    }
}

impl Room {
    /// Room within the limits, beside `memory`; other partners' is made by [`Room::beside`].
    #[must_use]
    pub fn new(limits: &Limits, memory: BodyMemory) -> Self {
        Self {
            all: semaphore(limits.exchanges_max),
            of_partner: semaphore(limits.exchanges_per_partner_max),
            memory,
            answer_max_bytes: usize::try_from(limits.answer_max_bytes).unwrap_or(usize::MAX),
        }
    }

    /// The room for another partner's commands.
    #[must_use]
    pub fn beside(&self, limits: &Limits) -> Self {
        Self { of_partner: semaphore(limits.exchanges_per_partner_max), ..self.clone() }
    }

    /// A place for one command, and memory for its answer.
    ///
    /// # Errors
    /// [`RoomFault`].
    pub fn seat(&self) -> Result<Seat, RoomFault> {
        let of_partner = Arc::clone(&self.of_partner).try_acquire_owned().map_err(|_| RoomFault::Partner)?;
        let of_all = Arc::clone(&self.all).try_acquire_owned().map_err(|_| RoomFault::All)?;
        let answer = self.answer()?;
        Ok(Seat { _of_partner: of_partner, _of_all: of_all, answer })
    }

    /// Memory for one answer.
    ///
    /// # Errors
    /// [`RoomFault::All`].
    pub fn answer(&self) -> Result<HeldMemory, RoomFault> {
        self.memory.hold(self.answer_max_bytes).map_err(|_| RoomFault::All)
    }
}

impl Seat {
    /// Lets the reply's share of the memory go with its body.
    #[must_use]
    pub fn with(&mut self, body: Bytes) -> Bytes {
        self.answer.with(body)
    }
}

/// Who finds no room did nothing wrong, so it is 503 and not 429, the answer to those who ask too often.
impl From<RoomFault> for Refusal {
    fn from(fault: RoomFault) -> Self {
        let reason = match fault {
            RoomFault::Partner => Reason::PartnerBusy,
            RoomFault::All => Reason::Overloaded,
        };
        Self::new(reason, ProblemType::Unavailable).after(ASK_AGAIN_S)
    }
}

fn semaphore(places: u64) -> Arc<Semaphore> {
    let places = usize::try_from(places).unwrap_or(Semaphore::MAX_PERMITS);
    Arc::new(Semaphore::new(places.clamp(1, Semaphore::MAX_PERMITS)))
}

fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024).max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: fn() -> Limits = || Limits {
        exchanges_max: 3,
        exchanges_per_partner_max: 2,
        answer_max_bytes: 262_144,
        bytes_in_flight_max: 1_048_576,
        ..Limits::default()
    };

    fn rooms() -> (Room, Room, BodyMemory) {
        let memory = BodyMemory::new(&LIMITS());
        let one = Room::new(&LIMITS(), memory.clone());
        let other = one.beside(&LIMITS());
        (one, other, memory)
    }

    #[test]
    fn a_partner_has_its_places_and_not_one_more_and_the_other_finds_its_own() {
        let (one, other, _) = rooms();
        let first = one.seat().unwrap();
        let _second = one.clone().seat().unwrap();
        assert_eq!(one.seat().err(), Some(RoomFault::Partner));
        let _third = other.seat().unwrap();
        assert_eq!(other.seat().err(), Some(RoomFault::All), "three in all");
        drop(first);
        assert!(other.seat().is_ok());
        assert!(one.seat().is_ok(), "what was refused took nothing");
    }

    #[test]
    fn answers_count_beside_bodies_from_before_they_come_until_the_reply_is_gone() {
        let (one, other, memory) = rooms();
        let body = memory.hold(524_288).unwrap();
        let mut seat = one.seat().unwrap();
        let _second = other.seat().unwrap();
        assert_eq!(one.seat().err(), Some(RoomFault::All), "a mebibyte is held");
        let reply = seat.with(Bytes::from(vec![b'x'; 2_000]));
        let copy = reply.clone();
        drop((seat, reply, body));
        assert_eq!(&copy[..3], b"xxx");
        assert!(memory.hold(786_432).is_err(), "the reply is still there");
        drop(copy);
        assert!(memory.hold(786_432).is_ok());
    }
}
