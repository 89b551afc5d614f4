//! What the records of one receipt tell: how it began, how it ended, and what was decided on which facts.

use crate::json::Value;
use crate::model::Name;
use crate::model::Reason;
use crate::model::ResourceId;
use crate::policy::Fact;
use crate::policy::Uid;
use crate::workbench::explain::step::WayStep;

/// The records of one receipt, in the order of the log.
pub(super) struct Story<'a> {
    /// The record that begins it; where that is gone, the first one that is there.
    pub(super) opening: &'a Value,
    /// The last one that tells a state or an outcome.
    pub(super) ending: Option<&'a Value>,
}

/// How it came out.
pub(super) struct Ended {
    pub(super) allowed: bool,
    pub(super) reason: String,
    pub(super) says: String,
    pub(super) step: &'static str,
    /// The reason, if it is one that is known here.
    pub(super) known: Option<Reason>,
}

impl<'a> Story<'a> {
    /// `None` where there is no record.
    pub(super) fn of(records: &[&'a Value]) -> Option<Self> {
        let kind = |record: &&&'a Value| text(record, "kind").unwrap_or_default();
        let ends = |record: &&&'a Value| matches!(kind(record), "outcome" | "delivery");
        let opening = records.iter().find(|record| !ends(record)).or_else(|| records.first())?;
        Some(Self { opening, ending: records.iter().rev().find(ends).copied() })
    }

    /// The kind of the record that begins it.
    pub(super) fn kind(&self) -> &'a str {
        text(self.opening, "kind").unwrap_or_default()
    }

    /// A member of the opening that is text.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        text(self.opening, name)
    }

    /// The name of a partner, an operation or a tenant.
    pub(super) fn name(&self, name: &str) -> Option<Name> {
        Name::new(self.text(name)?).ok()
    }

    /// How it came out.
    pub(super) fn ended(&self) -> Ended {
        let begun = matches!(self.kind(), "intent" | "event" | "delivery" | "revocation" | "directory" | "admin");
        let code = self.ending.and_then(|ending| text(ending, "reason")).or_else(|| self.text("reason"));
        let known = code.and_then(|code| Reason::ALL.iter().copied().find(|reason| reason.code() == code));
        match (code, known, begun) {
            (Some(_), Some(reason), _) => Ended {
                // Whoever is admitted to the gateway's own paths may be refused there with a reason.
                allowed: begun && (self.kind() != "admin" || reason == Reason::Done),
                reason: reason.code().to_owned(),
                says: reason.says().to_owned(),
                step: WayStep::of(reason).name(),
                known,
            },
            (Some(code), None, _) => Ended {
                allowed: begun,
                reason: code.to_owned(),
                says: "a reason that this version does not know".to_owned(),
                step: "not known here",
                known,
            },
            (None, _, true) if self.kind() == "intent" => Ended {
                allowed: true,
                reason: "no-outcome".to_owned(),
                says: "It was recorded and may have been sent; no outcome is on record yet.".to_owned(),
                step: WayStep::Partner.name(),
                known,
            },
            (None, ..) if matches!(self.kind(), "event" | "delivery") => Ended {
                allowed: true,
                reason: "recorded".to_owned(),
                says: "It was taken, and queued for its delivery.".to_owned(),
                step: WayStep::Record.name(),
                known,
            },
            (None, ..) => Ended {
                allowed: begun || self.kind() == "receipt",
                reason: "recorded".to_owned(),
                says: "It took effect when it was recorded.".to_owned(),
                step: WayStep::Own.name(),
                known,
            },
        }
    }

    /// The decision on record: whether it allows, and the policies that decided. Where one errs, it is that which denies. None
    /// where it counts for nothing, being about a thing that the directory does not have for this partner.
    pub(super) fn decision(&self) -> Option<(bool, Vec<&'a str>)> {
        let is_not_there = [Reason::ResourceUnknown, Reason::PartnerNotLinked].map(Reason::code);
        if self.kind() == "refusal" && self.text("reason").is_some_and(|reason| is_not_there.contains(&reason)) {
            return None;
        }
        let decision = self.opening.get("decision")?;
        let ids = |name: &str| decision.get(name).and_then(Value::as_array).unwrap_or_default();
        let errs = ids("errors");
        let deciding = if errs.is_empty() { ids("policies") } else { errs };
        Some((text(decision, "result") == Some("allow"), deciding.iter().filter_map(Value::as_str).collect()))
    }

    /// What the policies read, by name; `None` for what is withheld. What stands in members of the record's own is among it,
    /// whether policies read it or not.
    pub(super) fn inputs(&self) -> Vec<(&'a str, Option<Fact>)> {
        let inputs = self.opening.get("decision").and_then(|decision| decision.get("inputs"));
        let inputs = inputs.and_then(Value::as_object);
        let mut told: Vec<(&str, Option<Fact>)> =
            inputs.into_iter().flat_map(|inputs| inputs.iter()).map(|(name, value)| (name, fact(value))).collect();
        let entity = |kind: &str, id: &str| Fact::Entity(Uid { kind: kind.to_owned(), id: id.to_owned() });
        let tenant = self.opening.get("resource").and_then(|resource| text(resource, "tenant"));
        let said = [
            ("partner", self.text("partner").map(|partner| entity("Partner", partner))),
            ("peer", self.text("peer").map(|peer| Fact::Text(peer.to_owned()))),
            ("purpose", self.text("purpose").map(|purpose| Fact::Text(purpose.to_owned()))),
            ("resourceTenant", tenant.map(|tenant| entity("Tenant", tenant))),
        ];
        for (name, fact) in said {
            if fact.is_some() && !told.iter().any(|(known, _)| *known == name) {
                told.push((name, fact));
            }
        }
        told
    }

    /// The thing, with the tenant that it stands in.
    pub(super) fn resource(&self) -> Option<(ResourceId, Name)> {
        let resource = self.opening.get("resource")?;
        let parts = resource.get("id")?.as_array()?.iter().filter_map(Value::as_str).map(Box::from);
        let id = ResourceId { kind: text(resource, "type")?.into(), parts: parts.collect() };
        Some((id, Name::new(text(resource, "tenant")?).ok()?))
    }
}

/// A member that is text.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

/// A recorded value; `None` for one that was withheld, and for what no record holds.
fn fact(value: &Value) -> Option<Fact> {
    match value {
        Value::Boolean(truth) => Some(Fact::Bool(*truth)),
        Value::Number(_) => value.as_integer().map(Fact::Long),
        Value::String(text) => Some(Fact::Text(text.as_ref().to_owned())),
        Value::Array(elements) => elements.iter().map(fact).collect::<Option<Vec<Fact>>>().map(Fact::Set),
        Value::Object(members) => {
            let mut members = members.iter();
            let (kind, id) = members.next().filter(|(kind, _)| *kind != "withheld")?;
            let (kind, id) = (kind.to_owned(), id.as_str()?.to_owned());
            members.next().is_none().then_some(Fact::Entity(Uid { kind, id }))
        }
        Value::Null => None,
    }
}
