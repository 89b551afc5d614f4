//! A stage with an endpoint that takes events, and what the backend announces there.

use crate::harness::client::Command;
use crate::harness::gateway::until;
use crate::harness::records::Record;
use crate::harness::stage::Stage;
use parking_lot::Mutex;
use portcullis::devkit::Attempt;
use portcullis::devkit::SimulatedEndpoint;
use portcullis::devkit::WEBHOOK_SECRET;
use std::collections::BTreeSet;
use std::fs;

/// A stage, and the partner's endpoint on it. Waits between attempts are short.
pub struct Post {
    pub endpoint: SimulatedEndpoint,
    pub secret: String,
    pub stage: Stage,
    /// How many failures were seen before, and are not counted any more.
    seen: Mutex<usize>,
}

impl Post {
    pub fn new() -> Self {
        Self::within("delivery_wait_max_s: 1s")
    }

    /// Within other limits, as they are written under `limits:`.
    pub fn within(limits: &str) -> Self {
        let stage = Stage::new();
        stage.limit(&format!("delivery_first_wait_ms: 10ms, {limits}"));
        let secret = fs::read_to_string(stage.path(WEBHOOK_SECRET)).unwrap().trim().to_owned();
        let endpoint = stage.wait(SimulatedEndpoint::start(&stage.pki, &secret)).unwrap();
        stage.announce_to(&endpoint.url()).unwrap();
        Self { endpoint, secret, stage, seen: Mutex::new(0) }
    }

    /// What is told of an ended grant of a person in house-1.
    pub fn data(&self, user: &str, grant: &str) -> String {
        format!(
            r#"{{"type":"grant.revoked","timestamp":"2026-02-28T08:30:00Z","data":{{"houseId":"house-1","userId":"{user}","grantId":"{grant}","reason":"moved-out"}}}}"#
        )
    }

    /// The event of an ended grant, under an id of its own.
    pub fn announce(&self, user: &str, grant: &str) -> Command {
        let mut command = Command::new(&self.stage).to("/-/events").saying(&self.data(user, grant));
        (command.token, command.time) = (None, None);
        command
    }

    /// The same in another house.
    pub fn announce_in(&self, house: &str, user: &str, grant: &str) -> Command {
        self.announce(user, grant).saying(&self.data(user, grant).replace("house-1", house))
    }

    /// Waits until so many attempts came whole.
    pub fn came(&self, count: usize) {
        self.stage.wait(self.endpoint.until(|_, came| came.len() >= count));
    }

    /// Waits until so many attempts came whole, the last of which was taken; all of them.
    pub fn delivered(&self, count: usize) -> Vec<Attempt> {
        let taken = |came: &[Attempt]| came.len() >= count && came.last().is_some_and(|attempt| attempt.taken);
        self.stage.wait(self.endpoint.until(|_, came| taken(came)));
        self.endpoint.attempts()
    }

    /// How many deliveries are on record as standing so, those apart that were forgotten.
    pub fn count(&self, state: &str) -> usize {
        self.stage.records().iter().filter(|record| record.text("state") == state).count()
    }

    /// Waits until so many deliveries are on record as standing so.
    #[track_caller]
    pub fn settled(&self, state: &str, count: usize) {
        until(state, || self.count(state) >= count);
    }

    /// How many attempts have failed since the last time.
    pub fn failures(&self) -> usize {
        self.count("failed").saturating_sub(*self.seen.lock())
    }

    /// Counts failures anew.
    pub fn forget_failures(&self) {
        *self.seen.lock() = self.count("failed");
    }

    /// The records of events in a few words: kind, and state, detail and status where there are any.
    pub fn story(&self) -> Vec<String> {
        let told = |record: &Record| {
            let status = record.get("status").as_u64().map(|status| status.to_string());
            let words = ["kind", "state", "detail"].map(|name| record.text(name).to_owned());
            let words = words.into_iter().chain(status.filter(|status| !status.starts_with('2')));
            words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        };
        let of_event = |record: &&Record| matches!(record.text("kind"), "event" | "delivery");
        self.stage.records().iter().filter(of_event).map(told).collect()
    }
}

/// Keys of a configuration without those that hold further ones: what one partner leaves out is there as one key beside the keys
/// of a partner that has it.
pub fn without_mappings(keys: &BTreeSet<String>) -> BTreeSet<String> {
    let holds = |key: &str, other: &String| other.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
    keys.iter().filter(|key| !keys.iter().any(|other| holds(key, other))).cloned().collect()
}
