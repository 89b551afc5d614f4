//! Which records of a log somebody wants to see.
//!
//! An outcome holds little but its receipt, its state and its reason: what it is the outcome of stands in its intent. So the
//! intents that fit are remembered until their outcomes come, and an outcome is looked at together with its intent.
//!
//! Most lines are dismissed by their bytes, without being parsed: a text that is asked for is written in one way only.

use crate::audit::fault::AuditOpenError;
use crate::audit::find::FoundRecord;
use crate::audit::read::kind_word;
use crate::audit::record::Kind;
use crate::audit::walk::Walked;
use crate::clock::UnixMillis;
use crate::json;
use crate::json::Value;
use crate::model::Receipt;
use std::collections::HashMap;
use std::sync::Arc;

/// How many intents wait for their outcomes at most; more than any gateway has under way.
const OPEN_KEPT: usize = 65_536;

/// What is asked for. Of each list one must fit; an empty one asks for nothing.
#[derive(Default)]
pub struct Wanted {
    /// What stands under it, or tells of it.
    pub receipt: Option<Receipt>,
    /// Handles, of a subject, a device or a car.
    pub handles: Vec<String>,
    /// Of a device.
    pub devices: Vec<String>,
    /// Of a car.
    pub cars: Vec<String>,
    /// Names of operations, or of events.
    pub operations: Vec<String>,
    /// Names of events.
    pub events: Vec<String>,
    /// Names of partners.
    pub partners: Vec<String>,
    /// Names of tenants: the caller's, or the thing's.
    pub tenants: Vec<String>,
    /// Names of peers, as their certificates have them.
    pub peers: Vec<String>,
    /// Things.
    pub resources: Vec<Thing>,
    /// Codes of reasons.
    pub reasons: Vec<String>,
    /// Words of kinds.
    pub kinds: Vec<String>,
    /// The first millisecond.
    pub since: Option<UnixMillis>,
    /// The first millisecond that is too late.
    pub until: Option<UnixMillis>,
}

/// A thing, or all things in one: `Door:house-1/door-1`, `house-1/door-1`, `door-1`, `house-1`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Thing {
    kind: Option<String>,
    parts: Vec<String>,
}

/// A record, seen together with the intent that it is the outcome of.
pub struct Selected {
    /// The record.
    pub record: Arc<FoundRecord>,
    /// Its intent.
    pub intent: Option<Arc<FoundRecord>>,
}

/// Looks at one record after the other, and gives those that are wanted.
pub struct Selection {
    wanted: Wanted,
    /// For each that asks for something which an intent tells as well as its outcome, or for it: the texts of which a line must hold one.
    of_intents: Vec<Vec<Vec<u8>>>,
    /// The same, of what each record tells for itself.
    of_its_own: Vec<Vec<Vec<u8>>>,
    open: HashMap<Receipt, Arc<FoundRecord>>,
}

impl Selection {
    /// Begins to look.
    #[must_use]
    pub fn new(wanted: Wanted) -> Self {
        let texts = |texts: &[String]| texts.iter().map(|text| written(text)).collect();
        let resources = wanted.resources.iter().filter_map(|thing| thing.parts.last().map(|part| written(part)));
        let receipt = wanted.receipt.iter().map(|receipt| written(&receipt.to_string()));
        let of_intents = [
            receipt.collect(),
            texts(&wanted.handles),
            texts(&wanted.devices),
            texts(&wanted.cars),
            texts(&wanted.operations),
            texts(&wanted.events),
            texts(&wanted.partners),
            texts(&wanted.tenants),
            texts(&wanted.peers),
            resources.collect(),
        ];
        let of_its_own = [texts(&wanted.reasons), texts(&wanted.kinds)];
        let asked = |all: &mut Vec<Vec<Vec<u8>>>| all.retain(|texts| !texts.is_empty());
        let (mut of_intents, mut of_its_own) = (of_intents.to_vec(), of_its_own.to_vec());
        asked(&mut of_intents);
        asked(&mut of_its_own);
        Self { wanted, of_intents, of_its_own, open: HashMap::new() }
    }

    /// The record of a line, if it is wanted.
    ///
    /// # Errors
    /// The line is whole, and no record of a version known here.
    pub fn take(&mut self, walked: &Walked) -> Result<Option<Selected>, AuditOpenError> {
        if !self.may_fit(walked.bytes()) {
            return Ok(None);
        }
        let record = Arc::new(walked.record()?);
        let receipt = record.receipt();
        let intent = match record.kind() {
            kind if kind == Kind::Outcome.word() => receipt.and_then(|receipt| self.open.remove(&receipt)),
            _ => None,
        };
        let told = Selected { record, intent };
        if !self.wanted.fits_intent(&told) {
            return Ok(None);
        }
        let is_intent = told.record.kind() == Kind::Intent.word();
        if let Some(receipt) = receipt.filter(|_| is_intent && self.open.len() < OPEN_KEPT) {
            self.open.insert(receipt, Arc::clone(&told.record));
        }
        Ok(self.wanted.fits_itself(&told.record).then_some(told))
    }

    /// Whether a line may be wanted, by its bytes.
    fn may_fit(&self, line: &[u8]) -> bool {
        let Some((kind, time)) = head(line) else { return true };
        let in_time = || {
            let later = self.wanted.since.is_none_or(|since| time.is_none_or(|time| time >= since));
            later && self.wanted.until.is_none_or(|until| time.is_none_or(|time| time < until))
        };
        let holds = |asked: &[Vec<Vec<u8>>]| asked.iter().all(|texts| texts.iter().any(|text| contains(line, text)));
        if kind == Kind::Intent.word().as_bytes() {
            holds(&self.of_intents)
        } else if kind == Kind::Outcome.word().as_bytes() {
            // Every outcome of an intent that is remembered, so that none is remembered for ever.
            holds(&self.of_intents) || !self.open.is_empty()
        } else {
            in_time() && holds(&self.of_intents) && holds(&self.of_its_own)
        }
    }
}

impl Wanted {
    /// What an intent tells for its outcome.
    fn fits_intent(&self, told: &Selected) -> bool {
        let text = |name: &str| told.get(name).and_then(Value::as_str);
        let named = |wanted: &[String], name: &str| one_of(wanted, |wanted| text(name) == Some(wanted.as_str()));
        let any = ["subject", "device", "car"];
        let resource = told.get("resource");
        let things_tenant = resource.and_then(|resource| resource.get("tenant")?.as_str());
        let tells_of = |receipt: Receipt| {
            let receipt = receipt.to_string();
            ["receipt", "first", "of"].iter().any(|name| told.record.text(name) == Some(&receipt))
        };
        self.receipt.is_none_or(tells_of)
            && one_of(&self.handles, |wanted| any.iter().any(|name| text(name) == Some(wanted.as_str())))
            && named(&self.devices, "device")
            && named(&self.cars, "car")
            && named(&self.operations, "operation")
            && one_of(&self.events, |event| text("operation") == Some(event.as_str()) && told.is_of_an_event())
            && named(&self.partners, "partner")
            && one_of(&self.tenants, |tenant| [text("tenant"), things_tenant].contains(&Some(tenant.as_str())))
            && named(&self.peers, "peer")
            && one_of(&self.resources, |thing| resource.is_some_and(|resource| thing.is(resource)))
    }

    /// What each record tells for itself.
    fn fits_itself(&self, record: &FoundRecord) -> bool {
        let time = record.time();
        one_of(&self.kinds, |kind| record.kind() == kind)
            && one_of(&self.reasons, |reason| {
                let summed = record.get("reasons").and_then(|reasons| reasons.get(reason));
                record.text("reason") == Some(reason.as_str()) || summed.is_some()
            })
            && self.since.is_none_or(|since| time >= since)
            && self.until.is_none_or(|until| time < until)
    }
}

impl Selected {
    /// A member of the record, or of its intent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.record.get(name).or_else(|| self.intent.as_ref()?.get(name))
    }

    /// The same, if it is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// Whether `operation` is the name of an event: its direction is told with it, but not where it is refused at the door.
    fn is_of_an_event(&self) -> bool {
        self.get("direction").is_some() || self.record.kind() == Kind::Refusal.word()
    }
}

impl Thing {
    /// Reads `[TYPE:]ID[/ID…]`, the outermost id first.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, path) = match text.split_once(':') {
            Some((kind, path)) => (Some(kind.to_owned()), path),
            None => (None, text),
        };
        let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
        let empty = kind.as_ref().is_some_and(String::is_empty) || parts.iter().any(String::is_empty);
        (!empty).then_some(Self { kind, parts })
    }

    /// Whether this is the resource of a record, or the one that it stands in.
    fn is(&self, resource: &Value) -> bool {
        let kind = resource.get("type").and_then(Value::as_str);
        let ids = resource.get("id").and_then(Value::as_array).unwrap_or_default();
        let ids: Option<Vec<&str>> = ids.iter().map(Value::as_str).collect();
        let ids = ids.unwrap_or_default();
        let same = |ids: Option<&[&str]>| ids.is_some_and(|ids| ids == self.parts);
        let begins = same(ids.get(..self.parts.len()));
        let ends = same(ids.len().checked_sub(self.parts.len()).and_then(|from| ids.get(from..)));
        (begins || ends) && self.kind.as_deref().is_none_or(|wanted| kind == Some(wanted))
    }
}

/// Whether nothing is wanted, or one of them is it.
fn one_of<T>(wanted: &[T], is: impl Fn(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(is)
}

/// A text as a record holds it.
fn written(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    json::write_string(text, &mut bytes);
    bytes
}

fn contains(line: &[u8], text: &[u8]) -> bool {
    line.windows(text.len()).any(|window| window == text)
}

/// The kind and the time with which a line begins.
fn head(line: &[u8]) -> Option<(&[u8], Option<UnixMillis>)> {
    let (kind, rest) = kind_word(line)?;
    let rest = rest.strip_prefix(b",\"time\":\"")?;
    let time = rest.get(..rest.iter().position(|byte| *byte == b'"')?)?;
    Some((kind, std::str::from_utf8(time).ok().and_then(UnixMillis::parse)))
}
