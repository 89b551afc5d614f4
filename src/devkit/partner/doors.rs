//! The doors: which there are, which are blocked, and how often each has moved. And the token ids that were used: a token
//! moves one door once.

use crate::devkit::partner::command::Target;
use crate::devkit::partner::refusal::Refusal;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::collections::HashSet;

/// Which doors a partner has.
#[derive(Clone, Debug)]
pub enum Doors {
    /// Every door of every house that can be named.
    Any,
    /// These doors, as (house, door).
    Listed(Vec<(String, String)>),
}

/// The doors at work.
pub(super) struct DoorState {
    doors: Doors,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    moved: HashMap<Target, u64>,
    blocked: HashSet<Target>,
    used: HashSet<String>,
}

impl DoorState {
    pub(super) fn new(doors: Doors) -> Self {
        Self { doors, inner: Mutex::default() }
    }

    /// Uses up a token id.
    pub(super) fn spend(&self, token_id: String) -> Result<(), Refusal> {
        if self.inner.lock().used.insert(token_id) { Ok(()) } else { Err(Refusal::TokenUsed) }
    }

    /// Whether the door could move now.
    pub(super) fn check(&self, target: &Target) -> Result<(), Refusal> {
        let known = match &self.doors {
            Doors::Any => true,
            Doors::Listed(doors) => doors.iter().any(|(house, door)| *house == target.house && *door == target.door),
        };
        if !known {
            return Err(Refusal::NoSuchDoor);
        }
        if self.inner.lock().blocked.contains(target) { Err(Refusal::Blocked) } else { Ok(()) }
    }

    /// Moves the door.
    pub(super) fn move_door(&self, target: Target) {
        let mut inner = self.inner.lock();
        let count = inner.moved.entry(target).or_default();
        *count = count.saturating_add(1);
    }

    pub(super) fn block(&self, target: Target) {
        self.inner.lock().blocked.insert(target);
    }

    pub(super) fn moved(&self, target: &Target) -> u64 {
        self.inner.lock().moved.get(target).copied().unwrap_or_default()
    }

    pub(super) fn moved_in_all(&self) -> u64 {
        self.inner.lock().moved.values().sum()
    }
}
