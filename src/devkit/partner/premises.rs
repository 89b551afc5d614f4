//! What the partner has: its doors or barriers, which are blocked, how often each has moved and for whom, and which grants
//! were taken back. And the token ids that were used: a token is good once.

use crate::clock::UnixMillis;
use crate::devkit::partner::command::Target;
use crate::devkit::partner::refusal::Refusal;
use crate::json::Object;
use crate::json::Value;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::collections::HashSet;

/// How many events it tells at most, as the contract says.
const MOST_EVENTS: usize = 500;

/// Which doors (or barriers) a partner has.
#[derive(Clone, Debug)]
pub enum Doors {
    /// Every one of every house that can be named.
    Any,
    /// These, as (house, door).
    Listed(Vec<(String, String)>),
}

/// The premises at work.
pub(super) struct Premises {
    doors: Doors,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    moved: HashMap<Target, u64>,
    blocked: HashSet<Target>,
    used: HashSet<String>,
    nonces: HashSet<String>,
    events: Vec<Event>,
    revoked: HashSet<(String, String)>,
}

/// A door that moved.
struct Event {
    door: Target,
    /// For whom, by pseudonym.
    user: String,
    at: UnixMillis,
}

impl Premises {
    pub(super) fn new(doors: Doors) -> Self {
        Self { doors, inner: Mutex::default() }
    }

    /// Uses up a token id.
    pub(super) fn spend(&self, token_id: String) -> Result<(), Refusal> {
        if self.inner.lock().used.insert(token_id) { Ok(()) } else { Err(Refusal::TokenUsed) }
    }

    /// Uses up the nonce of a signature.
    pub(super) fn spend_nonce(&self, nonce: String) -> Result<(), Refusal> {
        if self.inner.lock().nonces.insert(nonce) { Ok(()) } else { Err(Refusal::SignatureUsed) }
    }

    /// Whether there is such a door.
    pub(super) fn know(&self, target: &Target) -> Result<(), Refusal> {
        let known = match &self.doors {
            Doors::Any => true,
            Doors::Listed(doors) => doors.iter().any(|(house, door)| *house == target.house && *door == target.thing),
        };
        if known { Ok(()) } else { Err(Refusal::NoSuchDoor) }
    }

    /// Whether the door could move now.
    pub(super) fn check(&self, target: &Target) -> Result<(), Refusal> {
        self.know(target)?;
        if self.is_blocked(target) { Err(Refusal::Blocked) } else { Ok(()) }
    }

    /// Moves the door for `user`.
    pub(super) fn move_door(&self, target: Target, user: &str, at: UnixMillis) {
        let mut inner = self.inner.lock();
        let count = inner.moved.entry(target.clone()).or_default();
        *count = count.saturating_add(1);
        inner.events.push(Event { door: target, user: user.to_owned(), at });
    }

    /// What happened at the doors of a house, the latest first.
    pub(super) fn events(&self, house: &str) -> Value {
        let inner = self.inner.lock();
        let of_house = inner.events.iter().enumerate().rev().filter(|(_, event)| event.door.house == house);
        let records = of_house.take(MOST_EVENTS).map(|(number, event)| {
            Value::Object(Object::from_iter([
                ("eventId", format!("event-{number}")),
                ("houseId", event.door.house.clone()),
                ("doorId", event.door.thing.clone()),
                ("kind", "granted".to_owned()),
                ("at", event.at.to_string()),
                ("userId", event.user.clone()),
            ]))
        });
        Value::Array(records.collect())
    }

    /// Takes a grant back. Every grant is known until then.
    pub(super) fn revoke(&self, house: &str, grant: &str) -> Result<(), Refusal> {
        let first = self.inner.lock().revoked.insert((house.to_owned(), grant.to_owned()));
        if first { Ok(()) } else { Err(Refusal::NoSuchGrant) }
    }

    pub(super) fn block(&self, target: Target) {
        self.inner.lock().blocked.insert(target);
    }

    pub(super) fn is_blocked(&self, target: &Target) -> bool {
        self.inner.lock().blocked.contains(target)
    }

    pub(super) fn moved(&self, target: &Target) -> u64 {
        self.inner.lock().moved.get(target).copied().unwrap_or_default()
    }

    pub(super) fn moved_in_all(&self) -> u64 {
        self.inner.lock().moved.values().sum()
    }
}
