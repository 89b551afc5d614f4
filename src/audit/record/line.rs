//! Writing the members of one line, and its end: the sum by which a torn write is told.

use crate::audit::archive::Archived;
use crate::audit::facts::By;
use crate::audit::facts::Facts;
use crate::audit::facts::KeyDigests;
use crate::audit::facts::Sizes;
use crate::audit::facts::Steps;
use crate::audit::handles::Handle;
use crate::audit::outcome::Activated;
use crate::audit::outcome::Administered;
use crate::audit::outcome::ClockStands;
use crate::audit::outcome::ClockStepped;
use crate::audit::outcome::Issued;
use crate::audit::outcome::KeysTakenUp;
use crate::audit::outcome::ReIdentified;
use crate::audit::outcome::Revoked;
use crate::audit::outcome::TakenUp;
use crate::audit::record::Kind;
use crate::audit::record::written::Written;
use crate::clock::UnixMillis;
use crate::crypto::put_base64url;
use crate::crypto::random;
use crate::json;
use crate::model::Direction;
use crate::model::Epoch;
use crate::model::IdentifierKind;
use crate::model::InputValue;
use crate::model::Located;
use crate::model::TraceParent;
use crate::model::put_hex;
use crate::problem::WrongPlace;
use std::fmt::Display;
use std::io::Write;

/// The version of the records that are written and read here.
pub(crate) const VERSION: u64 = 2;
/// What each of them begins with.
pub(crate) const OPENS: &[u8] = b"{\"v\":2";

/// How many digits of its digest name a bundle in what it judged: 128 bits, as few as nobody finds a second bundle for.
const BUNDLE_DIGITS: usize = 32;

/// What comes before the digits of a record's sum, and what after.
pub(crate) const SUM_OPENS: &[u8] = b",\"sum\":\"";
pub(crate) const SUM_CLOSES: &[u8] = b"\"}\n";
/// Hexadecimal digits of a sum.
pub(crate) const SUM_DIGITS: usize = 16;

/// Writes the members of one line.
pub(super) struct Line<'a> {
    lines: &'a mut Written,
    start: usize,
}

/// What a record says in members of its own, beside its peer and purpose, and does not say again among what the policies read.
#[derive(Clone, Copy, Default)]
pub(super) struct Said<'f> {
    /// As its `partner`.
    pub(super) partner: Option<&'f str>,
    /// As its `resource`.
    pub(super) thing: Option<&'f Located>,
}

impl<'a> Line<'a> {
    pub(super) fn begin(lines: &'a mut Written, kind: Kind, now: UnixMillis) -> Self {
        let start = lines.bytes.len();
        lines.bytes.extend_from_slice(OPENS);
        let mut line = Self { lines, start };
        line.plain("kind", kind.word().as_bytes());
        line.shown("time", now);
        line.bytes("salt", &random::<32>());
        line
    }

    pub(super) fn end(self) {
        // A line feed can only stand between the tokens of a JSON text, where a space means the same.
        let written = self.lines.bytes.get_mut(self.start..).unwrap_or_default();
        if written.contains(&b'\n') {
            written.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
        }
        if let Some(readable) = without_noncharacters(written) {
            self.lines.bytes.truncate(self.start);
            self.lines.bytes.extend_from_slice(readable.as_bytes());
        }
        self.lines.end(self.start);
    }

    /// By what it was judged. Of the bundle's digest the first digits: the whole of it stands where it came into force.
    pub(super) fn judged_by(&mut self, facts: &Facts) {
        self.shown("receipt", facts.receipt);
        self.epoch(facts.epoch);
        let mut digits = [b'0'; BUNDLE_DIGITS];
        put_hex(facts.bundle.as_bytes(), &mut digits);
        self.plain("bundle", &digits);
    }

    /// The same, of what tells of the bundle itself.
    pub(super) fn names_bundle(&mut self, facts: &Facts) {
        self.shown("receipt", facts.receipt);
        self.epoch(facts.epoch);
        self.shown("bundle", facts.bundle);
    }

    /// Of an event: whose it is, which, and which way it goes.
    pub(super) fn way(&mut self, partner: &str, event: &str, direction: Direction) {
        self.text("partner", partner);
        self.text("operation", event);
        self.text("direction", direction.word());
    }

    pub(super) fn epoch(&mut self, epoch: Epoch) {
        self.number("epoch", epoch.get());
    }

    pub(super) fn persons(&mut self, facts: &Facts) {
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

    pub(super) fn traces(&mut self, facts: &Facts) {
        for (name, trace) in [("trace", facts.trace.map(TraceParent::trace)), ("partner_trace", facts.partner_trace)] {
            if let Some(trace) = trace {
                self.shown(name, trace);
            }
        }
    }

    fn handle(&mut self, name: &'static str, handle: Option<Handle>) {
        if let Some(handle) = handle {
            self.shown(name, handle);
        }
    }

    pub(super) fn resource(&mut self, located: &Located) {
        self.open("resource", b'{');
        self.text("type", &located.resource.kind);
        self.texts("id", located.resource.parts.iter().map(AsRef::as_ref));
        self.text("tenant", located.tenant.as_str());
        self.number("directory", located.directory_version);
        self.close(b'}');
    }

    pub(super) fn decided(&mut self, facts: &Facts, said: Said<'_>) {
        if let Some(decided) = &facts.decided {
            let result = if decided.permitted { "allow" } else { "deny" };
            let inputs = decided.inputs.iter().map(|(name, value)| (name.as_ref(), value));
            self.decision(result, &decided.policies, inputs, &decided.errors, facts, said);
        }
    }

    pub(super) fn decision<'t>(
        &mut self,
        result: &str,
        policies: &[impl AsRef<str>],
        inputs: impl Iterator<Item = (&'t str, &'t InputValue)>,
        errors: &[impl AsRef<str>],
        facts: &Facts,
        said: Said<'_>,
    ) {
        self.open("decision", b'{');
        self.text("result", result);
        self.texts("policies", policies.iter().map(AsRef::as_ref));
        self.open("inputs", b'{');
        for (name, value) in inputs {
            match value {
                InputValue::Json(text) if said.says(name, text, facts) => {}
                InputValue::Json(text) => {
                    self.any_name(name);
                    self.lines.bytes.extend_from_slice(text.as_bytes());
                }
                InputValue::Person(kind) => match facts.handle(*kind) {
                    Some(handle) => {
                        self.any_name(name);
                        self.show(handle);
                    }
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
        self.any_name(name);
        self.lines.bytes.extend_from_slice(br#"{"withheld":"person"}"#);
    }

    pub(super) fn key(&mut self, key: Option<KeyDigests>) {
        if let Some(KeyDigests { key, body }) = key {
            self.open("key", b'{');
            self.bytes("digest", key.as_bytes());
            self.bytes("body", body.as_bytes());
            self.close(b'}');
        }
    }

    pub(super) fn activated(&mut self, activated: &Activated) {
        self.number("sequence", activated.sequence);
        self.shown("data", activated.data);
        if let Some(before) = activated.before {
            self.shown("before", before);
        }
        self.open("signed_by", b'[');
        for (role, person) in &activated.signed_by {
            self.comma();
            self.lines.bytes.push(b'{');
            self.text("role", role.word());
            self.text("person", person.as_str());
            self.close(b'}');
        }
        self.close(b']');
    }

    pub(super) fn taken_up(&mut self, taken: &TakenUp) {
        self.number("directory", taken.revision);
        self.shown("digest", taken.digest);
        if let Some(made_at) = taken.made_at {
            self.shown("made_at", made_at);
        }
        self.number("houses", taken.houses);
        self.number("doors", taken.doors);
    }

    pub(super) fn revoked(&mut self, revoked: &Revoked) {
        self.open("revoked", b'{');
        self.text("kind", revoked.kind);
        self.shown("digest", revoked.digest);
        self.text_if("tenant", revoked.tenant.as_ref().map(AsRef::as_ref));
        self.epoch(revoked.epoch);
        self.name("stored");
        self.lines.bytes.extend_from_slice(if revoked.stored { b"true" } else { b"false" });
        self.close(b'}');
    }

    pub(super) fn archived(&mut self, archived: &Archived) {
        self.open("archived", b'{');
        self.number("segment", archived.segment);
        self.number("from", archived.from);
        self.number("to", archived.to);
        self.shown("sha256", archived.digest);
        self.close(b'}');
    }

    pub(super) fn by(&mut self, by: &By) {
        self.open("by", b'{');
        self.text("person", by.person.as_str());
        self.text("role", by.role.word());
        self.text("door", by.door.word());
        self.close(b'}');
    }

    pub(super) fn administered(&mut self, administered: &Administered) {
        let Administered { act, reason, about, tenant, person, proposed_by, epoch, until } = administered;
        self.text("act", act);
        if let Some(person) = person {
            self.about_person(*person);
        }
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

    pub(super) fn re_identified(&mut self, re_identified: &ReIdentified) {
        let ReIdentified { person, ticket, reason } = re_identified;
        self.about_person(*person);
        self.text("ticket", ticket.as_str());
        self.text("reason", reason.code());
    }

    pub(super) fn keys(&mut self, taken: &KeysTakenUp) {
        self.shown("digest", taken.digest);
        if let Some(replaces) = taken.replaces {
            self.shown("replaces", replaces);
        }
        self.open("changed", b'[');
        for digest in &taken.changed {
            self.comma();
            let _ = write!(self.lines.bytes, "\"{digest}\"");
        }
        self.close(b']');
        self.number("secrets", taken.secrets);
    }

    pub(super) fn issued(&mut self, issued: &Issued) {
        self.text("partner", issued.partner.as_str());
        self.text("token", &issued.token);
        self.open("scopes", b'[');
        for scope in &issued.scopes {
            self.comma();
            json::write_string(scope, &mut self.lines.bytes);
        }
        self.close(b']');
    }

    pub(super) fn clock(&mut self, stepped: &ClockStepped) {
        self.shown("expected", stepped.expected);
        self.text("stepped", if stepped.forward { "forward" } else { "back" });
        self.number("by_ms", stepped.by_ms);
    }

    pub(super) fn clock_stands(&mut self, stands: &ClockStands) {
        self.text("standing", stands.standing.word());
        self.shown("highest", stands.highest);
        self.number("by_ms", stands.by_ms);
    }

    /// Of a person the kind alone: the handle, if there is one, stands where it always does.
    fn about_person(&mut self, person: IdentifierKind) {
        self.open("about", b'{');
        self.text("kind", person.word());
        self.close(b'}');
    }

    pub(super) fn at(&mut self, place: &WrongPlace) {
        self.open("at", b'{');
        self.text("in", place.part);
        self.text("pointer", &place.pointer);
        self.text("expected", place.expected);
        self.close(b'}');
    }

    pub(super) fn sizes(&mut self, sizes: Sizes) {
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

    pub(super) fn steps(&mut self, steps: &Steps) {
        if steps.iter().next().is_none() {
            return;
        }
        self.open("micros", b'{');
        for (step, micros) in steps.iter() {
            self.number(step.word(), u64::from(micros));
        }
        self.close(b'}');
    }

    pub(super) fn texts<'t>(&mut self, name: &'static str, texts: impl Iterator<Item = &'t str>) {
        self.open(name, b'[');
        for text in texts {
            self.comma();
            json::write_string(text, &mut self.lines.bytes);
        }
        self.close(b']');
    }

    pub(super) fn text(&mut self, name: &'static str, text: &str) {
        self.name(name);
        json::write_string(text, &mut self.lines.bytes);
    }

    pub(super) fn text_if(&mut self, name: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// Digits of ours, which need no escape.
    fn plain(&mut self, name: &'static str, digits: &[u8]) {
        self.name(name);
        self.lines.bytes.push(b'"');
        self.lines.bytes.extend_from_slice(digits);
        self.lines.bytes.push(b'"');
    }

    /// Bytes in base64url.
    pub(super) fn bytes(&mut self, name: &'static str, bytes: &[u8]) {
        self.name(name);
        self.lines.bytes.push(b'"');
        put_base64url(bytes, &mut self.lines.bytes);
        self.lines.bytes.push(b'"');
    }

    /// A value of ours whose text needs no escape: a digest, a receipt, a time, a handle.
    pub(super) fn shown(&mut self, name: &'static str, value: impl Display) {
        self.name(name);
        self.show(value);
    }

    fn show(&mut self, value: impl Display) {
        // Writing into memory cannot fail.
        let _ = write!(self.lines.bytes, "\"{value}\"");
    }

    pub(super) fn number(&mut self, name: &'static str, number: u64) {
        self.name(name);
        let number = i64::try_from(number).unwrap_or(json::MAX_MAGNITUDE).min(json::MAX_MAGNITUDE);
        json::write_integer(number, &mut self.lines.bytes);
    }

    pub(super) fn number_if(&mut self, name: &'static str, number: Option<u64>) {
        if let Some(number) = number {
            self.number(name, number);
        }
    }

    pub(super) fn open(&mut self, name: &'static str, bracket: u8) {
        self.name(name);
        self.lines.bytes.push(bracket);
    }

    pub(super) fn close(&mut self, bracket: u8) {
        self.lines.bytes.push(bracket);
    }

    /// A name of ours, which needs no escape.
    fn name(&mut self, name: &'static str) {
        self.comma();
        self.lines.bytes.push(b'"');
        self.lines.bytes.extend_from_slice(name.as_bytes());
        self.lines.bytes.extend_from_slice(b"\":");
    }

    /// A name that others gave.
    fn any_name(&mut self, name: &str) {
        self.comma();
        json::write_string(name, &mut self.lines.bytes);
        self.lines.bytes.push(b':');
    }

    fn comma(&mut self) {
        if !matches!(self.lines.bytes.last(), Some(b'{' | b'[')) {
            self.lines.bytes.push(b',');
        }
    }
}

impl Said<'_> {
    /// Whether the value of an input is what another member of the record says. What its name means, `policy/` says.
    fn says(&self, name: &str, value: &str, facts: &Facts) -> bool {
        match name {
            "partner" => is_text(value, "{\"Partner\":\"", self.partner, "\"}"),
            "resourceTenant" => is_text(value, "{\"Tenant\":\"", self.thing.map(|thing| thing.tenant.as_str()), "\"}"),
            "peer" => is_text(value, "\"", facts.peer.as_deref(), "\""),
            "purpose" => is_text(value, "\"", facts.purpose.as_ref().map(AsRef::as_ref), "\""),
            _ => false,
        }
    }
}

/// Whether a JSON text is `said` between these. Of a text with an escape that is not asked: it would be spelled otherwise.
fn is_text(value: &str, opens: &str, said: Option<&str>, closes: &str) -> bool {
    let inner = value.strip_prefix(opens).and_then(|value| value.strip_suffix(closes));
    inner.is_some_and(|inner| said == Some(inner) && !inner.contains('\\'))
}

/// The text that our reader takes instead, if it would not take this one. No noncharacter stands outside a string.
fn without_noncharacters(written: &[u8]) -> Option<String> {
    if written.is_ascii() {
        return None;
    }
    let text = std::str::from_utf8(written).ok().filter(|text| json::has_noncharacter(text))?;
    let mut bytes = [0; 4];
    Some(text.chars().map(|c| if json::has_noncharacter(c.encode_utf8(&mut bytes)) { '\u{FFFD}' } else { c }).collect())
}
