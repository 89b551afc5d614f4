//! What a record holds, and how it is written: one JSON object on one line.
//!
//! `{"v":1,"kind":…,"time":…,"salt":…,"receipt":…, … ,"sum":…}` and a line feed. Members that are not known are left out;
//! those that are there come in the order in which they are written here. Version 1 means:
//!
//! | member | |
//! |---|---|
//! | `v` `kind` `time` | version; kind; RFC 3339 in UTC with milliseconds |
//! | `salt` | 32 random bytes in base64url, so that a digest of a record tells nothing about a neighbour that is guessed |
//! | `receipt` `epoch` `bundle` | receipt; epoch of revocations seen; digest of the bundle that judged |
//! | `partner` `operation` `purpose` `peer` `tenant` | as the contract, the peer's certificate and the token name them; of an event `operation` is its name |
//! | `direction` | `outbound` or `inbound`, of an event |
//! | `subject` `device` `car` | random handles |
//! | `resource` | type, id (outermost first), tenant, version of the directory |
//! | `directory` | version of the directory that came with a bundle, that the backend sent, or that does not know the thing |
//! | `digest` | of the whole content of that directory, in `bundle` and `directory`; in the latter also `made_at` as the backend says, and how many `houses` and `doors` there are |
//! | `config` | in `start`: digest of the effective configuration: every key with its value, of secrets where they lie |
//! | `replaces` | in `bundle`: digest of the bundle that was in force until then; not there at a start |
//! | `offered` `fault` `faults` | in `bundle-refused`: digest of the bundle that did not come into force, not there where not all of it could be read; the code of the first of its faults, and how many there are. `bundle` is the one that stays |
//! | `sequence` `data` `before` `signed_by` | in `activation`: of a bundle that comes into force and was not before: its sequence, digest of its list of personal data, digest of the bundle that was activated before it, and each who signed it by `role` and `person` |
//! | `decision` | `result` (`allow` or `deny`), determining `policies`, `inputs`, policies in `errors` |
//! | `decision.inputs` | what the action's policies read, and nothing else: attributes of the context by their names, values of the request as `request.<name>`, and in `principal.in` and `resource.in` those entities out of which policies ask that each is in. Entities are `{"type":…,"id":…}`; persons stand there by their handles; what may speak of a person and has no handle is `{"withheld":"person"}` |
//! | `key` | keyed digest of the idempotency key and its scope, digest of the request that it is bound to |
//! | `protected` | digest of the only bytes that may leave under an intent |
//! | `token` | `jti` of the partner token |
//! | `trace` `partner_trace` | the trace that the request belongs to (W3C Trace Context), and the one that the partner was given in its place: only here do they stand together |
//! | `state` `reason` `detail` | what is known of the effect; why it ended so. Of a `delivery`: `sent` before the first byte leaves, then `delivered`, `failed`, `dead` or `purged` |
//! | `attempt` | in `delivery`: the how manieth |
//! | `at` | the place in the partner's answer that the contract does not declare: `in`, `pointer` of declared names, `expected` |
//! | `status` | the partner's |
//! | `answer` | the answer that a repeated idempotency key is given, sealed |
//! | `count` `reasons` `from` `until` `certificate` | in `refusals`: how many refusals of this peer it stands for, in all and by reason, beyond those with a record of their own; times of the first and the last; the thumbprint of the peer's certificate (also in a `refusal` of a peer without a name) |
//! | `lost` | in `gap`: how many records found no room before; the outcomes among them follow as `unknown` |
//! | `revoked` | kind, keyed digest, tenant, the epoch that it made, and whether it was `stored` by then; in force it is either way |
//! | `by` | the person who acts on the gateway itself: name, role, door |
//! | `act` `about` `proposed_by` `made` `until` | in `admin`: what was ordered; kind, keyed digest and tenant of the revocation that it is about; who had proposed what is confirmed; the epoch that a lifting makes; until when a proposal may be confirmed |
//! | `of` | in `receipt`: the receipt that was asked about |
//! | `first` | receipt of the command whose answer is given again |
//! | `sizes` `micros` | bytes; microseconds per step |
//! | `sum` | the first 8 bytes of SHA-256 over everything before `,"sum"`, against torn writes; it proves nothing |
//!
//! A line is valid JSON by itself, so that the usual tools read a log. And it is JSON that our own strict reader takes, or the
//! next start would find a log that it cannot read: the doors refuse what that reader refuses, and should one of them fail,
//! [`Line::end`] replaces a noncharacter by U+FFFD, and a number ends at 2⁵³ − 1.

use crate::audit::facts::By;
use crate::audit::facts::Facts;
use crate::audit::facts::KeyDigests;
use crate::audit::facts::Sizes;
use crate::audit::facts::Steps;
use crate::audit::flood::Sum;
use crate::audit::handles::Handle;
use crate::audit::outcome::Activated;
use crate::audit::outcome::Administered;
use crate::audit::outcome::Note;
use crate::audit::outcome::Outcome;
use crate::audit::outcome::OutcomeState;
use crate::audit::outcome::Revoked;
use crate::audit::outcome::TakenUp;
use crate::clock::UnixMillis;
use crate::crypto::encode_base64url;
use crate::crypto::random;
use crate::crypto::sha256;
use crate::json;
use crate::model::Direction;
use crate::model::Epoch;
use crate::model::InputValue;
use crate::model::Located;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Sha256;
use crate::model::TraceParent;
use crate::policy::EventPermit;
use crate::policy::Permit;
use crate::problem::WrongPlace;
use crate::protect::Protected;
use crate::protect::ProtectedEvent;
use std::fmt::Display;
use std::io::Write;

/// What comes before the digits of a record's sum, and what after.
pub(super) const SUM_OPENS: &[u8] = b",\"sum\":\"";
pub(super) const SUM_CLOSES: &[u8] = b"\"}\n";
/// Hexadecimal digits of a sum.
pub(super) const SUM_DIGITS: usize = 16;

/// The kinds of record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Start,
    Stop,
    Bundle,
    BundleRefused,
    Activation,
    Directory,
    Intent,
    Outcome,
    Refusal,
    Refusals,
    Repeat,
    Revocation,
    Event,
    Delivery,
    Admin,
    Receipt,
    Recovery,
    Gap,
}

/// What the recovery at start did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Recovery {
    /// Intents that are marked unknown.
    pub(super) unknown: u64,
    /// The segment whose tail was torn, and the bytes cut off.
    pub(super) cut: Option<(u64, u64)>,
}

/// The intent of an exchange.
pub(super) fn intent(out: &mut Vec<u8>, permit: &Permit, protected: &Protected, facts: &Facts, now: UnixMillis) {
    let mut line = Line::begin(out, Kind::Intent, now);
    line.judged_by(facts);
    // Partner, operation, thing and decision come from the proofs: what was permitted and protected is what is recorded.
    line.text("partner", protected.partner().as_str());
    line.text("operation", protected.operation().as_str());
    line.persons(facts);
    line.resource(permit.located());
    let decision = permit.decision();
    let inputs = decision.inputs().iter().map(|input| (input.name.as_ref(), &input.value));
    line.decision("allow", decision.policies(), inputs, decision.errors(), facts);
    line.key(facts.key);
    line.shown("protected", protected.digest());
    line.text_if("token", facts.partner_token.as_deref());
    line.traces(facts);
    line.sizes(facts.sizes);
    line.steps(&facts.steps);
    line.end();
}

/// An event that was taken, or, with `attempt`, one that is sent.
pub(super) fn event(
    out: &mut Vec<u8>,
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
    line.decision("allow", decision.policies(), inputs, decision.errors(), facts);
    line.shown("protected", protected.digest());
    if attempt.is_some() {
        line.text("state", "sent");
    }
    line.number_if("attempt", attempt);
    line.sizes(facts.sizes);
    line.steps(&facts.steps);
    line.end();
}

/// The outcome of an intent; `sealed` is the answer that is kept for a repeated key.
pub(super) fn outcome(out: &mut Vec<u8>, receipt: Receipt, outcome: &Outcome, sealed: Option<&[u8]>, now: UnixMillis) {
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
        line.plain("answer", &encode_base64url(sealed));
    }
    line.sizes(outcome.sizes);
    line.steps(&outcome.steps);
    line.end();
}

/// A refusal before any intent, or, with `first`, the repetition of a recorded answer.
pub(super) fn refusal(out: &mut Vec<u8>, facts: &Facts, reason: Reason, first: Option<Receipt>, now: UnixMillis) {
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
    line.decided("deny", facts);
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
pub(super) fn refusals(out: &mut Vec<u8>, sum: &Sum, now: UnixMillis) {
    let mut line = Line::begin(out, Kind::Refusals, now);
    line.shown("receipt", sum.receipt);
    line.text_if("peer", sum.peer.as_deref());
    if let Some(certificate) = sum.certificate {
        line.shown("certificate", certificate);
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
pub(super) fn note(out: &mut Vec<u8>, facts: &Facts, note: &Note, now: UnixMillis) {
    let mut line = Line::begin(out, note.kind(), now);
    line.judged_by(facts);
    line.persons(facts);
    match note {
        Note::Start { config } => {
            line.text("version", env!("CARGO_PKG_VERSION"));
            line.shown("config", config);
        }
        Note::Stop => {}
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
            line.decided("allow", facts);
            line.taken_up(taken);
        }
        Note::Revocation(revoked) => {
            // Only who may revoke comes so far; the operator is asked by no policy.
            line.decided("allow", facts);
            line.revoked(revoked);
        }
        Note::Delivery(delivery) => {
            line.way(delivery.partner.as_str(), delivery.event.as_str(), delivery.direction);
            // Only a refusal has a decision here: a permit's stands beside the attempt.
            line.decided("deny", facts);
            line.text("state", delivery.state.word());
            line.number_if("attempt", Some(delivery.attempt).filter(|attempt| *attempt > 0));
            line.text_if("detail", delivery.detail);
            line.number_if("status", delivery.status.map(u64::from));
        }
        Note::Admin(administered) => line.administered(administered),
        Note::Receipt { of } => line.shown("of", of),
    }
    line.steps(&facts.steps);
    line.end();
}

/// What recovery did.
pub(super) fn recovery(out: &mut Vec<u8>, recovery: Recovery, now: UnixMillis) {
    let mut line = Line::begin(out, Kind::Recovery, now);
    line.number("unknown", recovery.unknown);
    if let Some((segment, bytes)) = recovery.cut {
        line.open("cut", b'{');
        line.number("segment", segment);
        line.number("bytes", bytes);
        line.close(b'}');
    }
    line.end();
}

/// So many records could not be taken.
pub(super) fn gap(out: &mut Vec<u8>, lost: u64, now: UnixMillis) {
    let mut line = Line::begin(out, Kind::Gap, now);
    line.number("lost", lost);
    line.end();
}

/// Writes the members of one line.
struct Line<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> Line<'a> {
    fn begin(out: &'a mut Vec<u8>, kind: Kind, now: UnixMillis) -> Self {
        let start = out.len();
        out.extend_from_slice(b"{\"v\":1");
        let mut line = Self { out, start };
        line.plain("kind", kind.word());
        line.shown("time", now);
        line.plain("salt", &encode_base64url(&random::<32>()));
        line
    }

    fn end(self) {
        // A line feed can only stand between the tokens of a JSON text, where a space means the same.
        let written = self.out.get_mut(self.start..).unwrap_or_default();
        written.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
        if let Some(readable) = without_noncharacters(written) {
            self.out.truncate(self.start);
            self.out.extend_from_slice(readable.as_bytes());
        }
        let sum = sum(self.out.get(self.start..).unwrap_or_default());
        self.out.extend_from_slice(SUM_OPENS);
        self.out.extend_from_slice(&sum);
        self.out.extend_from_slice(SUM_CLOSES);
    }

    fn judged_by(&mut self, facts: &Facts) {
        self.shown("receipt", facts.receipt);
        self.epoch(facts.epoch);
        self.shown("bundle", facts.bundle);
    }

    /// Of an event: whose it is, which, and which way it goes.
    fn way(&mut self, partner: &str, event: &str, direction: Direction) {
        self.text("partner", partner);
        self.text("operation", event);
        self.text("direction", direction.word());
    }

    fn epoch(&mut self, epoch: Epoch) {
        self.number("epoch", epoch.get());
    }

    fn persons(&mut self, facts: &Facts) {
        self.text_if("purpose", facts.purpose.as_ref().map(AsRef::as_ref));
        self.text_if("peer", facts.peer.as_deref());
        if let Some(by) = &facts.by {
            self.by(by);
        }
        self.text_if("tenant", facts.tenant.as_ref().map(AsRef::as_ref));
        self.handle("subject", facts.subject);
        self.handle("device", facts.device);
        self.handle("car", facts.car);
    }

    fn traces(&mut self, facts: &Facts) {
        for (name, trace) in [("trace", facts.trace.map(TraceParent::trace)), ("partner_trace", facts.partner_trace)] {
            if let Some(trace) = trace {
                self.shown(name, trace);
            }
        }
    }

    fn handle(&mut self, name: &str, handle: Option<Handle>) {
        if let Some(handle) = handle {
            self.shown(name, handle);
        }
    }

    fn resource(&mut self, located: &Located) {
        self.open("resource", b'{');
        self.text("type", &located.resource.kind);
        self.texts("id", located.resource.parts.iter().map(AsRef::as_ref));
        self.text("tenant", located.tenant.as_str());
        self.number("directory", located.directory_version);
        self.close(b'}');
    }

    fn decided(&mut self, result: &str, facts: &Facts) {
        if let Some(decided) = &facts.decided {
            let inputs = decided.inputs.iter().map(|(name, value)| (name.as_ref(), value));
            self.decision(result, &decided.policies, inputs, &decided.errors, facts);
        }
    }

    fn decision<'t>(
        &mut self,
        result: &str,
        policies: &[impl AsRef<str>],
        inputs: impl Iterator<Item = (&'t str, &'t InputValue)>,
        errors: &[impl AsRef<str>],
        facts: &Facts,
    ) {
        self.open("decision", b'{');
        self.text("result", result);
        self.texts("policies", policies.iter().map(AsRef::as_ref));
        self.open("inputs", b'{');
        for (name, value) in inputs {
            match value {
                InputValue::Json(text) => {
                    self.name(name);
                    self.out.extend_from_slice(text.as_bytes());
                }
                InputValue::Person(kind) => match facts.handle(*kind) {
                    Some(handle) => self.shown(name, handle),
                    None => self.withheld(name),
                },
                InputValue::Withheld => self.withheld(name),
            }
        }
        self.close(b'}');
        if !errors.is_empty() {
            self.texts("errors", errors.iter().map(AsRef::as_ref));
        }
        self.close(b'}');
    }

    /// Nothing of a value that may speak of a person; no value of ours looks like this.
    fn withheld(&mut self, name: &str) {
        self.name(name);
        self.out.extend_from_slice(br#"{"withheld":"person"}"#);
    }

    fn key(&mut self, key: Option<KeyDigests>) {
        if let Some(KeyDigests { key, body }) = key {
            self.open("key", b'{');
            self.shown("digest", key);
            self.shown("body", body);
            self.close(b'}');
        }
    }

    fn activated(&mut self, activated: &Activated) {
        self.number("sequence", activated.sequence);
        self.shown("data", activated.data);
        if let Some(before) = activated.before {
            self.shown("before", before);
        }
        self.open("signed_by", b'[');
        for (role, person) in &activated.signed_by {
            self.comma();
            self.out.push(b'{');
            self.text("role", role.word());
            self.text("person", person.as_str());
            self.close(b'}');
        }
        self.close(b']');
    }

    fn taken_up(&mut self, taken: &TakenUp) {
        self.number("directory", taken.revision);
        self.shown("digest", taken.digest);
        if let Some(made_at) = taken.made_at {
            self.shown("made_at", made_at);
        }
        self.number("houses", taken.houses);
        self.number("doors", taken.doors);
    }

    fn revoked(&mut self, revoked: &Revoked) {
        self.open("revoked", b'{');
        self.text("kind", revoked.kind);
        self.shown("digest", revoked.digest);
        self.text_if("tenant", revoked.tenant.as_ref().map(AsRef::as_ref));
        self.epoch(revoked.epoch);
        self.name("stored");
        self.out.extend_from_slice(if revoked.stored { b"true" } else { b"false" });
        self.close(b'}');
    }

    fn by(&mut self, by: &By) {
        self.open("by", b'{');
        self.text("person", by.person.as_str());
        self.text("role", by.role.word());
        self.text("door", by.door.word());
        self.close(b'}');
    }

    fn administered(&mut self, administered: &Administered) {
        let Administered { act, reason, about, tenant, proposed_by, epoch, until } = administered;
        self.text("act", act);
        if let Some((kind, digest)) = about {
            self.open("about", b'{');
            self.text("kind", kind);
            self.shown("digest", digest);
            self.text_if("tenant", tenant.as_ref().map(AsRef::as_ref));
            self.close(b'}');
        }
        self.text_if("proposed_by", proposed_by.as_ref().map(AsRef::as_ref));
        self.number_if("made", epoch.map(Epoch::get));
        if let Some(until) = until {
            self.shown("until", until);
        }
        self.text("reason", reason.code());
    }

    fn at(&mut self, place: &WrongPlace) {
        self.open("at", b'{');
        self.text("in", place.part);
        self.text("pointer", &place.pointer);
        self.text("expected", place.expected);
        self.close(b'}');
    }

    fn sizes(&mut self, sizes: Sizes) {
        if sizes == Sizes::default() {
            return;
        }
        self.open("sizes", b'{');
        self.number_if("request", sizes.request);
        self.number_if("sent", sizes.sent);
        self.number_if("answer", sizes.answer);
        self.number_if("reply", sizes.reply);
        self.close(b'}');
    }

    fn steps(&mut self, steps: &Steps) {
        if steps.iter().next().is_none() {
            return;
        }
        self.open("micros", b'{');
        for (step, micros) in steps.iter() {
            self.number(step.word(), u64::from(micros));
        }
        self.close(b'}');
    }

    fn texts<'t>(&mut self, name: &str, texts: impl Iterator<Item = &'t str>) {
        self.open(name, b'[');
        for text in texts {
            self.comma();
            json::write_string(text, self.out);
        }
        self.close(b']');
    }

    fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        json::write_string(text, self.out);
    }

    fn text_if(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// A text of ours that needs no escape.
    fn plain(&mut self, name: &str, text: &str) {
        self.name(name);
        self.out.push(b'"');
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'"');
    }

    /// A value of ours whose text needs no escape: a digest, a receipt, a time, a handle.
    fn shown(&mut self, name: &str, value: impl Display) {
        self.name(name);
        // Writing into memory cannot fail.
        let _ = write!(self.out, "\"{value}\"");
    }

    fn number(&mut self, name: &str, number: u64) {
        self.name(name);
        let _ = write!(self.out, "{}", number.min(json::MAX_MAGNITUDE.unsigned_abs()));
    }

    fn number_if(&mut self, name: &str, number: Option<u64>) {
        if let Some(number) = number {
            self.number(name, number);
        }
    }

    fn open(&mut self, name: &str, bracket: u8) {
        self.name(name);
        self.out.push(bracket);
    }

    fn close(&mut self, bracket: u8) {
        self.out.push(bracket);
    }

    fn name(&mut self, name: &str) {
        self.comma();
        json::write_string(name, self.out);
        self.out.push(b':');
    }

    fn comma(&mut self) {
        if !matches!(self.out.last(), Some(b'{' | b'[')) {
            self.out.push(b',');
        }
    }
}

/// The text that our reader takes instead, if it would not take this one. No noncharacter stands outside a string.
fn without_noncharacters(written: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(written).ok().filter(|text| json::has_noncharacter(text))?;
    let mut bytes = [0; 4];
    Some(text.chars().map(|c| if json::has_noncharacter(c.encode_utf8(&mut bytes)) { '\u{FFFD}' } else { c }).collect())
}

/// The digits of a sum over `bytes`.
pub(super) fn sum(bytes: &[u8]) -> [u8; SUM_DIGITS] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digest: Sha256 = sha256(bytes);
    let mut digits = [b'0'; SUM_DIGITS];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(digest.as_bytes()) {
        for (digit, nibble) in pair.iter_mut().zip([byte >> 4, byte & 0xF]) {
            *digit = HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
        }
    }
    digits
}

impl Note {
    const fn kind(&self) -> Kind {
        match self {
            Self::Start { .. } => Kind::Start,
            Self::Stop => Kind::Stop,
            Self::Bundle { .. } => Kind::Bundle,
            Self::BundleRefused(_) => Kind::BundleRefused,
            Self::Activation(_) => Kind::Activation,
            Self::Directory(_) => Kind::Directory,
            Self::Revocation(_) => Kind::Revocation,
            Self::Delivery(_) => Kind::Delivery,
            Self::Admin(_) => Kind::Admin,
            Self::Receipt { .. } => Kind::Receipt,
        }
    }
}

impl Kind {
    const ALL: [Self; 18] = [
        Self::Start,
        Self::Stop,
        Self::Bundle,
        Self::BundleRefused,
        Self::Activation,
        Self::Directory,
        Self::Intent,
        Self::Outcome,
        Self::Refusal,
        Self::Refusals,
        Self::Repeat,
        Self::Revocation,
        Self::Event,
        Self::Delivery,
        Self::Admin,
        Self::Receipt,
        Self::Recovery,
        Self::Gap,
    ];

    /// The word in a record.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Bundle => "bundle",
            Self::BundleRefused => "bundle-refused",
            Self::Activation => "activation",
            Self::Directory => "directory",
            Self::Intent => "intent",
            Self::Outcome => "outcome",
            Self::Refusal => "refusal",
            Self::Refusals => "refusals",
            Self::Repeat => "repeat",
            Self::Revocation => "revocation",
            Self::Event => "event",
            Self::Delivery => "delivery",
            Self::Admin => "admin",
            Self::Receipt => "receipt",
            Self::Recovery => "recovery",
            Self::Gap => "gap",
        }
    }

    pub(super) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl OutcomeState {
    pub(super) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}
