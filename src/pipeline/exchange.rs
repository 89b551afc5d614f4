//! The second half of an operation, whichever way it goes, steps 7 to 10: from the intent to the outcome, in a task of its own. A caller
//! who hangs up cannot lose the outcome, and going down waits for it.

use crate::audit::Concluded;
use crate::audit::Facts;
use crate::audit::Outcome;
use crate::audit::OutcomeState;
use crate::audit::Recorded;
use crate::clock::UnixSeconds;
use crate::contract;
use crate::contract::AnswerFault;
use crate::contract::Rebuilt;
use crate::guard::Current;
use crate::guard::Placed;
use crate::guard::Reservation;
use crate::guard::Running;
use crate::guard::Withdrawn;
use crate::identity::Caller;
use crate::model::Direction;
use crate::model::PastOutcome;
use crate::model::Reason;
use crate::model::Reply;
use crate::partner::Answer;
use crate::partner::SendFault;
use crate::partner::Voucher;
use crate::pipeline::anew;
use crate::pipeline::facts::note_intent;
use crate::pipeline::gate::Core;
use crate::pipeline::gate::Gate;
use crate::pipeline::operation;
use crate::pipeline::refusal::Refusal;
use crate::pipeline::room::Seat;
use crate::pipeline::route::Route;
use crate::pipeline::route::Snapshot;
use crate::pipeline::trail::Trail;
use crate::policy::Permit;
use crate::policy::visible;
use crate::problem::WrongPlace;
use crate::protect::ProtectFault;
use crate::protect::Protected;
use crate::telemetry::Step;
use std::sync::Arc;

/// How many bundles may come into force while a command is asked again about one; each of them takes longer than the asking.
const SWAPS_OVERTAKEN_MAX: u32 = 4;

/// A permitted command; what is missing is the record, and then the partner.
pub struct Command {
    pub asked: Asked,
    pub caller: Caller,
    pub placed: Placed,
    pub reservation: Option<Reservation>,
    pub seat: Seat,
    pub protected: Protected,
    pub towards: Towards,
}

/// Where a command goes.
pub enum Towards {
    /// To the partner, with the token of this command.
    Partner(Voucher),
    /// To the backend, which is asked by a partner.
    Backend,
}

/// What was asked, of whom, by which snapshot, and why it may be: enough to read the answer.
pub struct Asked {
    pub route: Arc<Route>,
    pub snapshot: Arc<Snapshot>,
    pub rebuilt: Rebuilt,
    pub permit: Permit,
}

/// What became of a valid answer.
pub struct Taken {
    /// What the caller gets.
    pub reply: Reply,
    /// What a repeated command is answered from; `None` where none can be repeated.
    pub kept: Option<Reply>,
}

/// What was wrong with an answer.
pub struct Unfit {
    word: &'static str,
    at: Option<WrongPlace>,
}

/// How an exchange ended, before that is on record.
struct Ended {
    outcome: Outcome,
    reply: Reply,
}

/// Carries a command out in a task of its own and waits for its end.
pub async fn run(gate: &Gate, command: Command, facts: Facts, trail: Trail) -> Concluded {
    let receipt = facts.receipt;
    // Its state is some kilobytes, and a task that is begun is moved more than once.
    let task = gate.core.exchanges.spawn(Box::pin(carry_out(gate.clone(), command, facts, trail)));
    match task.await {
        Ok(concluded) => concluded,
        // The task died of a fault of ours. Whether anything left is unknown, and stays so for the next start to find.
        Err(_) => operation::concluded_alone(gate, gate.log.abandoned(receipt)),
    }
}

async fn carry_out(gate: Gate, command: Command, mut facts: Facts, mut trail: Trail) -> Concluded {
    let Command { asked, caller, placed, reservation, mut seat, protected, towards } = command;
    let clock = Arc::clone(&gate.core.clock);
    let in_flight = gate.core.metrics.exchange();

    // Step 7: durable before anything leaves.
    note_intent(&mut facts, &mut trail, reservation.as_ref(), &protected, towards.voucher());
    let at = clock.now();
    let recorded = match gate.log.intent(&asked.permit, &protected, &facts, at).await {
        Ok(recorded) => recorded,
        Err(_) => {
            let concluded = gate.log.unrecorded(&facts);
            trail.done(Step::Intent, clock.as_ref());
            return operation::counted(&gate, concluded, &trail);
        }
    };
    let running = reservation.map(|reserved| reserved.commit(&recorded, at));
    trail.done(Step::Intent, clock.as_ref());

    // Steps 8 and 9: once more, then once only; and the whole answer before its first byte goes on.
    let sending = Sending { caller: &caller, placed: &placed, towards, protected, recorded: &recorded };
    let mut ended = match deliver(&gate, &asked, sending, &mut trail).await {
        Ok(answer) => Ended::with_answer(&asked, answer, &recorded),
        Err(refusal) => Ended::without_answer(refusal, &recorded),
    };
    trail.done(Step::Answer, clock.as_ref());
    // How the backend does says nothing of the partner.
    if asked.rebuilt.operation().direction == Direction::Outbound {
        asked.route.health.note(&ended.outcome, clock.now());
    }

    ended.reply.body = seat.with(ended.reply.body);
    let concluded = conclude(&gate, recorded, running, ended, trail).await;
    drop((in_flight, seat));
    concluded
}

/// Step 8: a connection; then everything that can have changed, once more; then the command, once.
async fn deliver(gate: &Gate, asked: &Asked, sending: Sending<'_>, trail: &mut Trail) -> Result<Answer, Refusal> {
    let core = &gate.core;
    let recorded = sending.recorded;
    let answer = match (&sending.towards, &asked.route.inward) {
        (Towards::Partner(_), _) => {
            let line = asked.route.partner.open(recorded).await;
            trail.done(Step::Connect, core.clock.as_ref());
            let line = line?;
            let current = sending.last_look(core, asked)?;
            let Sending { towards: Towards::Partner(voucher), protected, .. } = sending else {
                return Err(SendFault::Mismatch.into());
            };
            line.send(voucher, protected, recorded, current).await
        }
        (Towards::Backend, Some(inward)) => {
            let line = inward.backend.open(recorded).await;
            trail.done(Step::Connect, core.clock.as_ref());
            let line = line.map_err(Refusal::of_backend)?;
            let current = sending.last_look(core, asked)?;
            line.send(sending.protected, recorded, current).await
        }
        (Towards::Backend, None) => Err(SendFault::Mismatch),
    };
    trail.done(Step::Partner, core.clock.as_ref());
    Ok(answer?)
}

/// A command that is on record, and has not left.
struct Sending<'c> {
    caller: &'c Caller,
    placed: &'c Placed,
    towards: Towards,
    protected: Protected,
    recorded: &'c Recorded,
}

impl Towards {
    /// The token that goes with it.
    const fn voucher(&self) -> Option<&Voucher> {
        match self {
            Self::Partner(voucher) => Some(voucher),
            Self::Backend => None,
        }
    }
}

/// Who refused, as its contract declares that it may.
const fn refused(direction: Direction) -> Reason {
    match direction {
        Direction::Outbound => Reason::PartnerRefused,
        Direction::Inbound => Reason::BackendRefused,
    }
}

impl Sending<'_> {
    /// By its own bundle where that is in force still, else by whichever is.
    fn last_look(&self, core: &Core, asked: &Asked) -> Result<Current, Withdrawn> {
        let Self { caller, placed, towards, protected, recorded } = self;
        // To the backend goes no token of ours; the partner's own is asked about in any case.
        let own = || placed.admitted().token_expires_at().unwrap_or(UnixSeconds::new(0));
        let (then, good_until) = (asked.snapshot.basis(), towards.voucher().map_or_else(own, Voucher::expires_at));
        let mut in_force = core.snapshot.load_full();
        if in_force.basis().bundle == then.bundle {
            return core.guard.current(recorded, placed, good_until, then, in_force.basis(), core.clock.now());
        }
        for _ in 0..SWAPS_OVERTAKEN_MAX {
            let upheld = anew::uphold(core, asked, caller, placed, protected, recorded, &in_force)?;
            let newest = core.snapshot.load_full();
            if newest.basis() == in_force.basis() {
                let in_force = newest.basis();
                return core.guard.current_upheld(recorded, placed, good_until, &upheld, in_force, core.clock.now());
            }
            in_force = newest;
        }
        Err(Withdrawn::BundleChanged)
    }
}

/// Step 10: the outcome, and only then the answer.
async fn conclude(
    gate: &Gate,
    recorded: Recorded,
    running: Option<Running>,
    ended: Ended,
    mut trail: Trail,
) -> Concluded {
    let core = &gate.core;
    let Ended { mut outcome, reply } = ended;
    outcome.steps = trail.unrecorded();
    outcome.sizes.reply = Some(reply.body.len() as u64);
    if running.is_none() {
        outcome.keep = None;
    }
    if outcome.state == OutcomeState::Unknown {
        let (receipt, reason, detail) = (recorded.receipt(), outcome.reason.code(), outcome.detail);
        tracing::warn!(%receipt, reason, detail, "the outcome of a command is unknown");
    }
    let concluded = gate.log.outcome(recorded, outcome, reply, core.clock.now()).await;
    trail.done(Step::Outcome, core.clock.as_ref());
    if let Some(running) = running {
        running.settle(concluded.kept_at().map_or(PastOutcome::Unknown, PastOutcome::Answered));
    }
    operation::counted(gate, concluded, &trail)
}

impl Asked {
    /// Step 9: the answer checked and rebuilt, in our own words again, and only what the caller may see.
    ///
    /// # Errors
    /// What was wrong with it, for the record.
    pub fn read(&self, mut answer: Answer) -> Result<Taken, Unfit> {
        let spent = answer.take_spent();
        let checked = contract::check(self.rebuilt.routed(), answer)?;
        let kept = self.rebuilt.idempotency_key().map(|_| checked.as_checked());
        let restored = self.route.protector.restore(&self.permit, checked)?;
        let reply = visible(&self.permit, restored).into_reply();
        // Whoever answered wrongly is not asked again over the same connection: on every early end it is dropped.
        if let Some(spent) = spent {
            spent.give_back();
        }
        Ok(Taken { reply, kept })
    }
}

impl From<AnswerFault> for Unfit {
    fn from(fault: AnswerFault) -> Self {
        Self { word: fault.code(), at: fault.place().cloned() }
    }
}

impl From<ProtectFault> for Unfit {
    fn from(fault: ProtectFault) -> Self {
        Self { word: fault.word(), at: None }
    }
}

impl Ended {
    fn with_answer(asked: &Asked, answer: Answer, recorded: &Recorded) -> Self {
        let partner_status = Some(answer.status().as_u16());
        let size = Some(answer.body().len() as u64);
        let direction = asked.rebuilt.operation().direction;
        let mut ended = match asked.read(answer) {
            Ok(Taken { reply, kept }) => {
                let (state, reason) = match reply.status.is_success() {
                    true => (OutcomeState::Done, Reason::Done),
                    false => (OutcomeState::Refused, refused(direction)),
                };
                let mut outcome = Outcome::new(state, reason);
                outcome.keep = kept;
                Self { outcome, reply }
            }
            // What came is no valid answer, so it is not known whether the command was done.
            Err(Unfit { word, at }) => {
                let refusal = Refusal::of_answer(direction);
                let mut outcome = Outcome::new(OutcomeState::Unknown, refusal.reason);
                outcome.detail = Some(word);
                outcome.at = at;
                Self { outcome, reply: refusal.problem.reply(recorded.receipt()) }
            }
        };
        ended.outcome.partner_status = partner_status;
        ended.outcome.sizes.answer = size;
        ended
    }

    fn without_answer(refusal: Refusal, recorded: &Recorded) -> Self {
        let state = match refusal.reason {
            Reason::Withdrawn => OutcomeState::Withdrawn,
            Reason::PartnerUnreachable | Reason::BackendUnreachable | Reason::Internal => OutcomeState::NotSent,
            _ => OutcomeState::Unknown,
        };
        let reply = refusal.problem.reply(recorded.receipt());
        let mut outcome = Outcome::new(state, refusal.reason);
        outcome.detail = refusal.detail;
        // Nothing was sent: a repeated command is told so again.
        outcome.keep = (state != OutcomeState::Unknown).then(|| reply.clone());
        Self { outcome, reply }
    }
}
