//! What became of the commands of the last hours, by receipt: what their own caller may ask about.
//!
//! An index of the log's intents, in memory: told by the log as each is submitted and ended, and filled again at a start
//! from what is read back. So it says of every command what the log says of it. It is bounded in number; the oldest is
//! forgotten first, which changes nothing but that nobody is told of it here any more. After its time nobody is told either,
//! by what the clock shows then: one that is set forward for a while makes nothing forgotten.
//!
//! A partner's event that names the token of a command tells what became of it. That counts where the outcome is unknown, also
//! if it is told before the outcome is; the first to tell is believed, and nobody but the partner that the token was for.
//!
//! Whose a command is, is held as a digest of the peer's name: of equal length for everybody, so that another's receipt
//! and one that is not there take the same work.

use crate::audit::outcome::OutcomeState;
use crate::clock::UnixMillis;
use crate::crypto::constant_time_eq;
use crate::crypto::sha256;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Sha256;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::collections::VecDeque;

/// What is known of a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReceiptState {
    /// When its intent was recorded.
    pub recorded: UnixMillis,
    /// How and why it ended, and when; `None` while it runs.
    pub ended: Option<(OutcomeState, Reason, UnixMillis)>,
    /// What its partner told of it later, and when.
    pub told: Option<(OutcomeState, UnixMillis)>,
}

/// A command as recovery found it in the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct PastReceipt {
    pub(super) receipt: Receipt,
    pub(super) owner: Owner,
    pub(super) token: Option<TokenOf>,
    pub(super) state: ReceiptState,
}

/// The partner token of a command, as a digest of the partner and its `jti`: whoever is another partner names another one.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct TokenOf(Sha256);

/// What an event tells of a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Told {
    /// The command's receipt.
    pub command: Receipt,
    /// What became of it; `None` where the event does not say.
    pub state: Option<OutcomeState>,
}

/// Whose a command is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Owner(Sha256);

/// The commands that are remembered.
pub(super) struct Receipts {
    max: usize,
    remembered_ms: u64,
    known: Mutex<Known>,
}

/// What is known lies in the order of intents, since who ends, and who is forgotten, lies beside others of the same moment: of a
/// table of a hundred thousand each place would have to come from memory first.
#[derive(Default)]
struct Known {
    /// In the order of their intents; `None` where the intent came into no log.
    commands: VecDeque<Option<Command>>,
    /// The number of the first of them, counted from the start on.
    first: u64,
    /// The number of each, by its receipt and by its token.
    numbers: HashMap<Receipt, u64>,
    tokens: HashMap<TokenOf, u64>,
}

#[derive(Clone, Copy)]
struct Command {
    receipt: Receipt,
    owner: Owner,
    token: Option<TokenOf>,
    state: ReceiptState,
}

impl Owner {
    /// The peer of that name; a command without one is nobody's.
    pub(super) fn of(peer: Option<&str>) -> Self {
        // A name in a certificate is never empty.
        Self(sha256(peer.unwrap_or_default().as_bytes()))
    }
}

impl TokenOf {
    /// The token of this partner with this `jti`. A partner's name has no zero byte.
    pub(super) fn new(partner: &str, jti: &str) -> Self {
        Self(sha256(&[partner.as_bytes(), b"\0", jti.as_bytes()].concat()))
    }
}

impl ReceiptState {
    /// What the partner told, and when, where that counts: the outcome itself is not known.
    #[must_use]
    pub fn settled(&self) -> Option<(OutcomeState, UnixMillis)> {
        let unknown = self.ended.is_some_and(|(state, ..)| state == OutcomeState::Unknown);
        self.told.filter(|_| unknown)
    }
}

impl Receipts {
    /// An index that begins with what recovery found, in the order of intents.
    pub(super) fn new(max: u64, remembered_ms: u64, past: Vec<PastReceipt>) -> Self {
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let receipts = Self { max, remembered_ms, known: Mutex::default() };
        for PastReceipt { receipt, owner, token, state } in past {
            receipts.known.lock().put(receipt, owner, token, state);
        }
        receipts.known.lock().forget_beyond(receipts.max);
        receipts
    }

    /// An intent was handed to the writer at `now`.
    pub(super) fn begun(&self, receipt: Receipt, peer: Option<&str>, token: Option<TokenOf>, now: UnixMillis) {
        let owner = Owner::of(peer);
        let mut known = self.known.lock();
        known.put(receipt, owner, token, ReceiptState { recorded: now, ended: None, told: None });
        known.forget_beyond(self.max);
    }

    /// The intent came into no log.
    pub(super) fn never_was(&self, receipt: Receipt) {
        // Its place in the order goes in its turn.
        self.known.lock().remove(receipt);
    }

    /// A command ended so.
    pub(super) fn ended(&self, receipt: Receipt, state: OutcomeState, reason: Reason, now: UnixMillis) {
        if let Some(command) = self.known.lock().get_mut(receipt) {
            command.state.ended = Some((state, reason, now));
        }
    }

    /// The command of this token, if it is remembered.
    pub(super) fn of_token(&self, token: TokenOf) -> Option<Receipt> {
        let known = self.known.lock();
        let number = *known.tokens.get(&token)?;
        known.get(number).map(|command| command.receipt)
    }

    /// The partner has told what became of a command, and that is on record. Who tells first is believed.
    pub(super) fn told(&self, receipt: Receipt, state: OutcomeState, now: UnixMillis) {
        if let Some(command) = self.known.lock().get_mut(receipt) {
            command.state.told.get_or_insert((state, now));
        }
    }

    /// What is known at `now` of a command of this peer; `None` where there is none, and where it is another's.
    pub(super) fn of(&self, receipt: Receipt, peer: &str, now: UnixMillis) -> Option<ReceiptState> {
        let asking = Owner::of(Some(peer));
        let nothing = ReceiptState { recorded: UnixMillis::new(0), ended: None, told: None };
        let nobody = Command { receipt, owner: Owner(Sha256::new([0; 32])), token: None, state: nothing };
        let found = self.known.lock().get_mut(receipt).copied();
        let Command { owner, state, .. } = found.unwrap_or(nobody);
        let own = constant_time_eq(owner.0.as_bytes(), asking.0.as_bytes());
        let fresh = state.recorded.plus(self.remembered_ms) >= now;
        (own && fresh).then_some(state)
    }
}

impl Known {
    fn put(&mut self, receipt: Receipt, owner: Owner, token: Option<TokenOf>, state: ReceiptState) {
        let command = Command { receipt, owner, token, state };
        if let Some(known) = self.get_mut(receipt) {
            *known = command;
            return;
        }
        let number = self.first + self.commands.len() as u64;
        self.commands.push_back(Some(command));
        self.numbers.insert(receipt, number);
        self.tokens.extend(token.map(|token| (token, number)));
    }

    fn get(&self, number: u64) -> Option<&Command> {
        self.commands.get(usize::try_from(number.checked_sub(self.first)?).ok()?)?.as_ref()
    }

    fn get_mut(&mut self, receipt: Receipt) -> Option<&mut Command> {
        let number = *self.numbers.get(&receipt)?;
        self.commands.get_mut(usize::try_from(number.checked_sub(self.first)?).ok()?)?.as_mut()
    }

    fn remove(&mut self, receipt: Receipt) {
        if let Some(command) = self.get_mut(receipt).copied() {
            self.take_out(&command);
        }
    }

    fn take_out(&mut self, command: &Command) {
        let number = self.numbers.remove(&command.receipt);
        if let Some(token) = command.token {
            self.tokens.remove(&token);
        }
        let place = number.and_then(|number| usize::try_from(number.checked_sub(self.first)?).ok());
        if let Some(place) = place.and_then(|place| self.commands.get_mut(place)) {
            *place = None;
        }
    }

    /// Forgets what is too many, from the oldest on.
    fn forget_beyond(&mut self, max: usize) {
        while self.commands.len() > max
            && let Some(oldest) = self.commands.front().copied()
        {
            if let Some(command) = oldest {
                self.take_out(&command);
            }
            self.commands.pop_front();
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_000_000);

    fn receipt(number: u8) -> Receipt {
        Receipt::new([number; 16])
    }

    #[test]
    fn a_command_is_told_to_its_own_peer_as_it_runs_and_as_it_ended() {
        let receipts = Receipts::new(10, 1_000, vec![]);
        receipts.begun(receipt(1), Some("backend"), None, NOW);
        receipts.begun(receipt(2), None, None, NOW);
        let of = |number, peer| receipts.of(receipt(number), peer, NOW);
        assert_eq!(of(1, "backend"), Some(ReceiptState { recorded: NOW, ended: None, told: None }));
        receipts.ended(receipt(1), OutcomeState::Done, Reason::Done, NOW.plus(7));
        let ended = Some((OutcomeState::Done, Reason::Done, NOW.plus(7)));
        assert_eq!(of(1, "backend"), Some(ReceiptState { recorded: NOW, ended, told: None }));
        assert_eq!((of(1, "other"), of(2, "other"), of(3, "backend")), (None, None, None));
        receipts.never_was(receipt(1));
        assert_eq!(of(1, "backend"), None);
    }

    #[test]
    fn as_many_are_remembered_as_may_be_and_the_oldest_is_forgotten_for_one_more() {
        let receipts = Receipts::new(3, 1_000, vec![]);
        let known = |number| receipts.of(receipt(number), "backend", NOW).is_some();
        for number in 1..=3 {
            receipts.begun(receipt(number), Some("backend"), None, NOW);
        }
        assert!((1..=3).all(known));
        receipts.begun(receipt(4), Some("backend"), None, NOW);
        assert!(!known(1) && (2..=4).all(known));
    }

    #[test]
    fn a_command_is_remembered_for_its_time_and_not_a_millisecond_longer() {
        let receipts = Receipts::new(3, 1_000, vec![]);
        receipts.begun(receipt(1), Some("backend"), None, NOW);
        assert!(receipts.of(receipt(1), "backend", NOW.plus(1_000)).is_some());
        assert!(receipts.of(receipt(1), "backend", NOW.plus(1_001)).is_none());
        receipts.begun(receipt(2), Some("backend"), None, NOW.plus(1_001));
        assert!(receipts.of(receipt(1), "backend", NOW).is_some(), "a clock that was set forward took nothing away");
    }

    #[test]
    fn what_recovery_found_is_known_within_the_same_bounds() {
        let past = |number: u8| PastReceipt {
            receipt: receipt(number),
            owner: Owner::of(Some("backend")),
            token: Some(TokenOf::new("smarthome", &number.to_string())),
            state: ReceiptState { recorded: NOW.plus(u64::from(number)), ended: None, told: None },
        };
        let receipts = Receipts::new(2, 1_000, vec![past(1), past(2), past(3)]);
        let known = |number| receipts.of(receipt(number), "backend", NOW.plus(1_002)).is_some();
        assert_eq!([known(1), known(2), known(3)], [false, true, true]);
        let receipts = Receipts::new(2, 1_000, vec![past(1), past(2), past(3)]);
        let known = |number| receipts.of(receipt(number), "backend", NOW.plus(1_003)).is_some();
        assert_eq!([known(1), known(2), known(3)], [false, false, true]);
    }

    #[test]
    fn what_its_partner_tells_counts_where_the_outcome_is_unknown_and_the_first_to_tell_is_believed() {
        let receipts = Receipts::new(10, 1_000, vec![]);
        let token = |partner, jti| TokenOf::new(partner, jti);
        for number in 1..=3 {
            let token = TokenOf::new("smarthome", &number.to_string());
            receipts.begun(receipt(number), Some("backend"), Some(token), NOW);
        }
        assert_eq!(receipts.of_token(token("smarthome", "1")), Some(receipt(1)));
        for foreign in [token("barriers", "1"), token("smarthome", "9"), token("smarthom", "e1")] {
            assert_eq!(receipts.of_token(foreign), None);
        }
        let settled = |number| receipts.of(receipt(number), "backend", NOW).unwrap().settled();
        // Told before the outcome is, and of one that was done.
        for number in 1..=2 {
            receipts.told(receipt(number), OutcomeState::Refused, NOW.plus(1));
        }
        receipts.ended(receipt(1), OutcomeState::Unknown, Reason::OutcomeUnknown, NOW.plus(2));
        receipts.ended(receipt(2), OutcomeState::Done, Reason::Done, NOW.plus(2));
        receipts.ended(receipt(3), OutcomeState::Unknown, Reason::OutcomeUnknown, NOW.plus(2));
        assert_eq!((settled(1), settled(2), settled(3)), (Some((OutcomeState::Refused, NOW.plus(1))), None, None));
        receipts.told(receipt(3), OutcomeState::Done, NOW.plus(3));
        receipts.told(receipt(3), OutcomeState::Refused, NOW.plus(4));
        assert_eq!(settled(3), Some((OutcomeState::Done, NOW.plus(3))));
    }

    #[test]
    fn a_token_is_forgotten_with_its_command() {
        let receipts = Receipts::new(2, 1_000, vec![]);
        let token = |number: u8| TokenOf::new("smarthome", &number.to_string());
        for number in 1..=4 {
            receipts.begun(receipt(number), Some("backend"), Some(token(number)), NOW);
        }
        receipts.never_was(receipt(4));
        assert_eq!((1..=4).filter_map(|number| receipts.of_token(token(number))).collect::<Vec<_>>(), [receipt(3)]);
        assert_eq!(receipts.known.lock().tokens.len(), 1);
        // The place of one that came into no log goes with those before it.
        receipts.begun(receipt(5), Some("backend"), Some(token(5)), NOW.plus(1_001));
        assert_eq!((1..=5).filter_map(|number| receipts.of_token(token(number))).collect::<Vec<_>>(), [receipt(5)]);
        receipts.begun(receipt(6), Some("backend"), Some(token(6)), NOW.plus(1_001));
        let known = receipts.known.lock();
        assert_eq!((known.commands.len(), known.numbers.len(), known.tokens.len(), known.first), (2, 2, 2, 4));
    }
}
