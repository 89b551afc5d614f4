//! What a record holds, and how it is written: one JSON object on one line.
//!
//! `{"v":2,"kind":…,"time":…,"salt":…,"receipt":…, … ,"sum":…}` and a line feed. Members that are not known are left out;
//! those that are there come in the order in which they are written here. Version 2 means:
//!
//! | member | |
//! |---|---|
//! | `v` `kind` `time` | version; kind; RFC 3339 in UTC with milliseconds |
//! | `salt` | 32 random bytes in base64url, so that a digest of a record tells nothing about a neighbour that is guessed |
//! | `receipt` `epoch` `bundle` | receipt; epoch of revocations seen; the first 32 hexadecimal digits of the digest of the bundle that judged, and all 64 in `start`, `bundle`, `bundle-refused` and `activation`, which name it |
//! | `partner` `operation` `purpose` `peer` `tenant` | as the contract, the peer's certificate and the token name them; of an event `operation` is its name |
//! | `direction` | `outbound` or `inbound`, of an event; `inbound` of what a partner asks the backend |
//! | `subject` `device` `car` | random handles |
//! | `resource` | type, id (outermost first), tenant, version of the directory |
//! | `directory` | version of the directory that came with a bundle, that the backend sent, or that does not know the thing |
//! | `digest` | of the whole content of that directory, in `bundle` and `directory`; in the latter also `made_at` as the backend says, and how many `houses` and `doors` there are |
//! | `config` | in `start`: digest of the effective configuration: every key with its value, of secrets where they lie |
//! | `replaces` | in `bundle`: digest of the bundle that was in force until then; not there at a start |
//! | `offered` `fault` `faults` | in `bundle-refused`: digest of the bundle that did not come into force, not there where not all of it could be read; the code of the first of its faults, and how many there are. `bundle` is the one that stays |
//! | `sequence` `data` `before` `signed_by` | in `activation`: of a bundle that comes into force and was not before: its sequence, digest of its list of personal data, digest of the bundle that was activated before it, and each who signed it by `role` and `person` |
//! | `decision` | `result` (`allow` or `deny`; `allow` in a `refusal` of what policy permitted and a later step refused), determining `policies`, `inputs`, policies in `errors` |
//! | `decision.inputs` | what the action's policies read, and nothing else: attributes of the context by their names, values of the request as `request.<name>`, and in `principal.in` and `resource.in` those entities out of which policies ask that each is in. An entity is `{TYPE: ID}`, its type without namespace; persons stand there by their handles; what may speak of a person and has no handle is `{"withheld":"person"}`. What the record says itself is not said again: `partner`, `peer` and `purpose` are not there where they are the members of that name, and `resourceTenant` not where it is the tenant of `resource` |
//! | `key` | keyed digest of the idempotency key and its scope, digest of the request that it is bound to, both in base64url |
//! | `protected` | digest of the only bytes that may leave under an intent, in base64url |
//! | `token` | `jti` of the partner token |
//! | `trace` `partner_trace` | the trace that the request belongs to (W3C Trace Context), and the one that the partner was given in its place: only here do they stand together |
//! | `command` `told` | in `event`: the receipt of the command whose token a partner's event names; what it tells of it, `done` or `refused`, which counts where the outcome is `unknown`, of several the first |
//! | `state` `reason` `detail` | what is known of the effect; why it ended so. Of a `delivery`: `sent` before the first byte leaves, then `delivered`, `failed`, `dead` or `purged` |
//! | `attempt` | in `delivery`: the how manieth |
//! | `at` | the place in the partner's answer that the contract does not declare: `in`, `pointer` of declared names, `expected` |
//! | `status` | the partner's |
//! | `answer` | the answer that a repeated idempotency key is given, sealed |
//! | `count` `reasons` `from` `until` `certificate` | in `refusals`: how many refusals of this peer, or of this person's acts (`by`, as in the first), it stands for, in all and by reason, beyond those with a record of their own; times of the first and the last; the thumbprint of the peer's certificate (also in a `refusal` of a peer without a name) |
//! | `lost` | in `gap`: how many records found no room before; the outcomes among them follow as `unknown` |
//! | `segment` `origin` `size` `root` `frontier` | in `segment`: number of the segment; the log's name; how many records stand before this one, the root of the tree over them (RFC 6962), and the hashes of its maximal perfect subtrees, the largest first, all in base64. `epoch` is the highest that the log has told by then |
//! | `revoked` | kind, keyed digest, tenant, the epoch that it made, and whether it was `stored` by then; in force it is either way |
//! | `by` | the person who acts on the gateway itself: name, role, door |
//! | `act` `about` `proposed_by` `made` `until` | in `admin`: what was ordered; kind, keyed digest and tenant of the revocation that it is about, or the kind of the person; who had proposed what is confirmed; the epoch that a lifting makes (beside another reason than `done`: that lifting has not come about); until when a proposal may be confirmed |
//! | `unknown` `cut` `replayed` `up_to` | in `recovery` (`state` is `reopened` where it was not at a start): intents marked unknown; the segment whose torn tail was cut off, and its bytes; how many revocations that the store had never taken were stored from the log, up to which epoch |
//! | `about` `ticket` | in `re-identification`: the kind of the person whose handle was asked for (it stands in `subject`, `device` or `car` where there is one, and never the identifier); the number of the ticket that says why |
//! | `archived` | in `archive`: number of the `segment` that is in the archive and about to be removed here, how many records lie before it (`from`) and with it (`to`), and the digest of its bytes in `sha256` |
//! | `digest` `replaces` `changed` `secrets` | in `key`: one digest over all certificates, keys and lists that are taken up while the gateway runs, and over those before; the digest of each file that changed; how many secret ones changed |
//! | `expected` `stepped` `by_ms` | in `clock`: what the wall clock would show by the steady one, which way it was set, and by how much |
//! | `standing` `highest` `by_ms` | in `clock`, where nobody was seen to set it: how it stands to the highest time that is known, `behind`, `caught-up` or `accepted`; that time; how much less it shows |
//! | `scopes` | in `token`: what the token that a partner was given is good for; its `jti` is in `token` |
//! | `of` | in `receipt`: the receipt that was asked about |
//! | `first` | receipt of the command whose answer is given again |
//! | `sizes` `micros` | bytes; microseconds per step |
//! | `sum` | the first 8 bytes of SHA-256 over a zero byte and everything before `,"sum"`, against torn writes; it proves nothing. The leaf's digest begins in the same way, so that one pass makes both |
//!
//! A line is valid JSON by itself, so that the usual tools read a log. And it is JSON that our own strict reader takes, or the
//! next start would find a log that it cannot read: the doors refuse what that reader refuses, and should one of them fail,
//! [`Line::end`](line) replaces a noncharacter by U+FFFD, and a number ends at 2⁵³ − 1.

mod kind;
mod line;
mod schema;
mod written;

use crate::audit::facts::Facts;
use crate::audit::flood::Sum;
use crate::audit::outcome::Note;
use crate::audit::outcome::Outcome;
use crate::audit::outcome::OutcomeState;
use crate::audit::receipts::Told;
use crate::audit::tree::Tree;
use crate::clock::UnixMillis;
use crate::model::Direction;
use crate::model::Epoch;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Sha256;
use crate::policy::EventPermit;
use crate::policy::Permit;
use crate::protect::Protected;
use crate::protect::ProtectedEvent;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
pub(super) use kind::Kind;
use line::Line;
pub(super) use line::OPENS;
pub(super) use line::SUM_CLOSES;
pub(super) use line::SUM_DIGITS;
pub(super) use line::SUM_OPENS;
use line::Said;
pub(super) use line::VERSION;
pub use schema::record_schema;
pub(super) use written::LEAF;
pub(super) use written::Written;
pub(super) use written::sum;

/// What a recovery did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Recovery {
    /// Intents that are marked unknown.
    pub(super) unknown: u64,
    /// The segment whose tail was torn, and the bytes cut off.
    pub(super) cut: Option<(u64, u64)>,
    /// Whether the log was opened anew while the gateway runs, not at a start.
    pub(super) reopened: bool,
}

/// The intent of an exchange.
pub(super) fn intent(out: &mut Written, permit: &Permit, protected: &Protected, facts: &Facts, now: UnixMillis) {
    let mut line = Line::begin(out, Kind::Intent, now);
    line.judged_by(facts);
    // Partner, operation, thing and decision come from the proofs: what was permitted and protected is what is recorded.
    line.text("partner", protected.partner().as_str());
    line.text("operation", protected.operation().as_str());
    if protected.direction() == Direction::Inbound {
        line.text("direction", Direction::Inbound.word());
    }
    line.persons(facts);
    line.resource(permit.located());
    let decision = permit.decision();
    let inputs = decision.inputs().iter().map(|input| (input.name.as_ref(), &input.value));
    let said = Said { partner: Some(protected.partner().as_str()), thing: Some(permit.located()) };
    line.decision("allow", decision.policies(), inputs, decision.errors(), facts, said);
    line.key(facts.key);
    line.bytes("protected", protected.digest().as_bytes());
    line.text_if("token", facts.partner_token.as_deref());
    line.traces(facts);
    line.sizes(facts.sizes);
    line.steps(&facts.steps);
    line.end();
}

/// An event that was taken, or, with `attempt`, one that is sent.
pub(super) fn event(
    out: &mut Written,
    permit: &EventPermit,
    protected: &ProtectedEvent,
    facts: &Facts,
    attempt: Option<u64>,
    now: UnixMillis,
) {
    let mut line = Line::begin(out, if attempt.is_some() { Kind::Delivery } else { Kind::Event }, now);
    line.judged_by(facts);
    line.way(protected.partner().as_str(), protected.event().as_str(), protected.direction());
    line.persons(facts);
    line.resource(permit.located());
    let decision = permit.decision();
    let inputs = decision.inputs().iter().map(|input| (input.name.as_ref(), &input.value));
    let said = Said { partner: Some(protected.partner().as_str()), thing: Some(permit.located()) };
    line.decision("allow", decision.policies(), inputs, decision.errors(), facts, said);
    line.bytes("protected", protected.digest().as_bytes());
    if let Some(Told { command, state }) = facts.command {
        line.shown("command", command);
        line.text_if("told", state.map(OutcomeState::word));
    }
    if attempt.is_some() {
        line.text("state", "sent");
    }
    line.number_if("attempt", attempt);
    line.sizes(facts.sizes);
    line.steps(&facts.steps);
    line.end();
}

/// The outcome of an intent; `sealed` is the answer that is kept for a repeated key.
pub(super) fn outcome(out: &mut Written, receipt: Receipt, outcome: &Outcome, sealed: Option<&[u8]>, now: UnixMillis) {
    let mut line = Line::begin(out, Kind::Outcome, now);
    line.shown("receipt", receipt);
    line.text("state", outcome.state.word());
    line.text("reason", outcome.reason.code());
    line.text_if("detail", outcome.detail);
    if let Some(place) = &outcome.at {
        line.at(place);
    }
    line.number_if("status", outcome.partner_status.map(u64::from));
    if let Some(sealed) = sealed {
        line.bytes("answer", sealed);
    }
    line.sizes(outcome.sizes);
    line.steps(&outcome.steps);
    line.end();
}

/// A refusal before any intent, or, with `first`, the repetition of a recorded answer.
pub(super) fn refusal(out: &mut Written, facts: &Facts, reason: Reason, first: Option<Receipt>, now: UnixMillis) {
    let mut line = Line::begin(out, if first.is_some() { Kind::Repeat } else { Kind::Refusal }, now);
    line.judged_by(facts);
    line.text_if("partner", facts.partner.as_ref().map(AsRef::as_ref));
    line.text_if("operation", facts.operation.as_ref().map(AsRef::as_ref));
    line.persons(facts);
    // Who has no name is told apart by the certificate.
    if let (None, Some(certificate)) = (&facts.peer, facts.certificate) {
        line.shown("certificate", certificate);
    }
    if let Some(located) = &facts.located {
        line.resource(located);
    }
    line.number_if("directory", facts.unknown_to);
    let said = Said { partner: facts.partner.as_ref().map(AsRef::as_ref), thing: facts.located.as_deref() };
    line.decided(facts, said);
    line.key(facts.key);
    line.traces(facts);
    line.text("reason", reason.code());
    if let Some(first) = first {
        line.shown("first", first);
    }
    line.sizes(facts.sizes);
    line.steps(&facts.steps);
    line.end();
}

/// Refusals of one peer that came too fast for a record each.
pub(super) fn refusals(out: &mut Written, sum: &Sum, now: UnixMillis) {
    let mut line = Line::begin(out, Kind::Refusals, now);
    line.shown("receipt", sum.receipt);
    line.text_if("peer", sum.peer.as_deref());
    if let Some(certificate) = sum.certificate {
        line.shown("certificate", certificate);
    }
    if let Some(by) = &sum.by {
        line.by(by);
    }
    line.number("count", sum.count());
    line.open("reasons", b'{');
    for (reason, count) in &sum.reasons {
        line.number(reason.code(), *count);
    }
    line.close(b'}');
    line.shown("from", sum.from);
    line.shown("until", sum.until);
    line.end();
}

/// What belongs to no outbound operation.
pub(super) fn note(out: &mut Written, facts: &Facts, note: &Note, now: UnixMillis) {
    let mut line = Line::begin(out, note.kind(), now);
    match note.kind() {
        Kind::Start | Kind::Bundle | Kind::BundleRefused | Kind::Activation => line.names_bundle(facts),
        _ => line.judged_by(facts),
    }
    line.persons(facts);
    match note {
        Note::Start { config } => {
            line.text("version", env!("CARGO_PKG_VERSION"));
            line.shown("config", config);
        }
        Note::Stop => {}
        Note::Archive(archived) => line.archived(archived),
        Note::Replayed { revocations, up_to } => {
            line.number("replayed", *revocations);
            line.number("up_to", up_to.get());
        }
        Note::Bundle { directory_version, directory_digest, replaces } => {
            line.number("directory", *directory_version);
            line.shown("digest", directory_digest);
            if let Some(replaces) = replaces {
                line.shown("replaces", replaces);
            }
        }
        Note::BundleRefused(refused) => {
            if let Some(offered) = refused.offered {
                line.shown("offered", offered);
            }
            line.text("fault", refused.fault);
            line.number("faults", refused.faults);
        }
        Note::Activation(activated) => line.activated(activated),
        Note::Directory(taken) => {
            line.decided(facts, Said::default());
            line.taken_up(taken);
        }
        Note::Revocation(revoked) => {
            // Only who may revoke comes so far; the operator is asked by no policy.
            line.decided(facts, Said::default());
            line.revoked(revoked);
        }
        Note::Delivery(delivery) => {
            line.way(delivery.partner.as_str(), delivery.event.as_str(), delivery.direction);
            // Only a refusal has a decision here: a permit's stands beside the attempt.
            line.decided(facts, Said { partner: Some(delivery.partner.as_str()), thing: None });
            line.text("state", delivery.state.word());
            line.number_if("attempt", Some(delivery.attempt).filter(|attempt| *attempt > 0));
            line.text_if("detail", delivery.detail);
            line.number_if("status", delivery.status.map(u64::from));
        }
        Note::Admin(administered) => line.administered(administered),
        Note::ReIdentified(re_identified) => line.re_identified(re_identified),
        Note::Key(taken) => line.keys(taken),
        Note::Clock(stepped) => line.clock(stepped),
        Note::ClockStands(stands) => line.clock_stands(stands),
        Note::Receipt { of } => line.shown("of", of),
        Note::Issued(issued) => line.issued(issued),
        Note::Session(issued) => {
            line.decided(facts, Said::default());
            line.text("token", &issued.token);
            line.number("rights", issued.rights);
            line.number("lifetime", issued.lifetime_s);
        }
    }
    line.steps(&facts.steps);
    line.end();
}

/// What recovery did.
pub(super) fn recovery(out: &mut Written, recovery: Recovery, now: UnixMillis) {
    let mut line = Line::begin(out, Kind::Recovery, now);
    line.number("unknown", recovery.unknown);
    if let Some((segment, bytes)) = recovery.cut {
        line.open("cut", b'{');
        line.number("segment", segment);
        line.number("bytes", bytes);
        line.close(b'}');
    }
    if recovery.reopened {
        line.text("state", "reopened");
    }
    line.end();
}

/// What a segment begins with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Head {
    /// The segment's number.
    pub(super) number: u64,
    /// The log's name.
    pub(super) origin: String,
    /// All records before it.
    pub(super) tree: Tree,
    /// The highest epoch that they tell.
    pub(super) epoch: Epoch,
}

/// The beginning of a segment.
pub(super) fn segment(out: &mut Written, head: &Head, now: UnixMillis) {
    let mut line = Line::begin(out, Kind::Segment, now);
    line.number("segment", head.number);
    line.text("origin", &head.origin);
    line.number("size", head.tree.size());
    let written = |hash: &Sha256| STANDARD.encode(hash.as_bytes());
    line.text("root", &written(&head.tree.root()));
    let frontier: Vec<String> = head.tree.frontier().iter().map(written).collect();
    line.texts("frontier", frontier.iter().map(String::as_str));
    line.epoch(head.epoch);
    line.end();
}

/// The epoch that a line of ours tells right behind the members that all records begin with.
pub(super) fn epoch_of(line: &[u8]) -> Option<Epoch> {
    let mut rest = line.strip_prefix(OPENS)?;
    for name in ["kind", "time", "salt"] {
        rest = after_text(rest, name)?;
    }
    rest = after_text(rest, "receipt").unwrap_or(rest);
    let digits = rest.strip_prefix(b",\"epoch\":")?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(digits.get(..end)?).ok()?.parse().ok().map(Epoch::new)
}

/// What follows upon a member that is a text of ours without escapes.
fn after_text<'l>(line: &'l [u8], name: &str) -> Option<&'l [u8]> {
    let value = line.strip_prefix(b",\"")?.strip_prefix(name.as_bytes())?.strip_prefix(b"\":\"")?;
    let end = value.iter().position(|byte| *byte == b'"')?;
    value.get(end + 1..)
}

/// So many records could not be taken.
pub(super) fn gap(out: &mut Written, lost: u64, now: UnixMillis) {
    let mut line = Line::begin(out, Kind::Gap, now);
    line.number("lost", lost);
    line.end();
}
