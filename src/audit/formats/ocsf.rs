//! The Open Cybersecurity Schema Framework, one event on a line.
//!
//! Source: github.com/ocsf/ocsf-schema, tag 1.6.0 (`events/`, `objects/`, `profiles/`, `dictionary.json`); within 1.x later
//! readers take earlier events. Profiles: `security_control` (action, disposition, authorizations, policy), `datetime`, and
//! `trace` where there is one. `metadata.uid` is the same for the same record each time it is sent, so that a receiver can tell
//! duplicates; `metadata.sequence` is the leaf's index, without gaps. Whatever of a record has no attribute stands in `unmapped`.
//!
//! What a class demands and a record does not tell is `unknown`: a stranger who was refused has no name.

use crate::audit::formats::OURS;
use crate::audit::formats::PRODUCT;
use crate::audit::formats::VERSION;
use crate::audit::formats::cef::number;
use crate::audit::formats::entry::Covered;
use crate::audit::formats::entry::Entry;
use crate::audit::formats::escape;
use crate::audit::formats::meaning;
use crate::audit::formats::meaning::Class;
use crate::audit::formats::meaning::Meaning;
use crate::audit::formats::meaning::Severity;
use crate::audit::formats::meaning::Status;
use crate::clock::UnixMillis;
use crate::json::Object;
use crate::json::Value;
use crate::model::Reason;

/// The version of the schema that every event names and keeps to.
pub(super) const SCHEMA_VERSION: &str = "1.6.0";

const UNKNOWN: &str = "unknown";

/// An event that is being made out of a record.
struct Event<'r> {
    entry: &'r Entry<'r>,
    meaning: Meaning,
    event: Object,
    /// Members that have found their attribute.
    mapped: Vec<&'static str>,
}

pub(super) fn write(entry: &Entry<'_>, out: &mut Vec<u8>) {
    let meaning = Meaning::of(entry.record);
    let mut event = Event { entry, meaning, event: Object::new(), mapped: Vec::new() };
    event.head();
    event.control();
    match meaning.class {
        Class::ApiActivity => event.api_activity(),
        Class::Authentication => event.authentication(),
        Class::AuthorizeSession => event.authorize_session(),
        Class::EntityManagement => event.entity_management(),
        Class::DetectionFinding => event.finding(),
        Class::EventLogActivity => log_activity(&mut event.event, entry.origin),
        Class::ApplicationLifecycle => event.set("app", product()),
    }
    event.rest();
    escape::write_json(&event.event.into(), out);
}

pub(super) fn write_checkpoint(covered: &Covered<'_>, out: &mut Vec<u8>) {
    let (size, root) = (number(covered.size), Value::from(covered.root));
    let mut metadata = metadata(covered.origin, "checkpoint", covered.at);
    metadata.insert("uid", format!("{}/checkpoint/{}", covered.origin, covered.size));
    let mut event: Object = [("metadata", Value::from(metadata))].into_iter().collect();
    let meaning = Meaning {
        class: Class::EventLogActivity,
        activity: (3, "Export"),
        severity: Severity::Informational,
        status: Status::Success,
        disposition: None,
        says: "A signed checkpoint covers all records before it",
    };
    classified(&mut event, &meaning, covered.at);
    event.insert("message", meaning.says);
    log_activity(&mut event, covered.origin);
    event.insert("unmapped", object([("size", size), ("root", root), ("checkpoint", covered.note.into())]));
    escape::write_json(&event.into(), out);
}

impl Event<'_> {
    /// A member that is text, which hereby has found its attribute.
    fn text(&mut self, name: &'static str) -> Option<Value> {
        self.take(name).filter(|value| value.as_str().is_some())
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        let found = self.entry.record.get(name).cloned();
        if found.is_some() && !self.mapped.contains(&name) {
            self.mapped.push(name);
        }
        found
    }

    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.event.insert(name, value);
    }

    fn set_if(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.event.insert(name, value);
        }
    }

    /// What every event has.
    fn head(&mut self) {
        let Entry { record, origin, at, .. } = *self.entry;
        let index = at.index;
        let mut metadata = metadata(origin, record.kind(), record.time());
        metadata.insert("uid", format!("{origin}/{index}"));
        metadata.insert("sequence", number(index));
        for (name, member) in [("correlation_uid", "receipt"), ("tenant_uid", "tenant")] {
            if let Some(text) = self.text(member) {
                metadata.insert(name, text);
            }
        }
        if self.meaning.class == Class::ApiActivity && record.text("trace").is_some() {
            metadata.insert("profiles", profiles(true));
        }
        self.set("metadata", metadata);
        classified(&mut self.event, &self.meaning, record.time());
        let code = self.text("reason");
        let reason = code.as_ref().and_then(Value::as_str).and_then(meaning::reason_of);
        self.set("message", self.meaning.says);
        self.set_if("status_code", code);
        self.set_if("status_detail", reason.map(Reason::says));
        if let Some(micros) = record.get("micros").and_then(|micros| micros.get("total")).and_then(Value::as_integer) {
            self.set_if("duration", crate::json::Number::try_from(micros / 1000).ok());
        }
        let count = self.take("count");
        self.set_if("count", count);
        for (member, name) in [("from", "start_time"), ("until", "end_time")] {
            // In `admin`, `until` is not the end of what happened.
            let told = record.text(member).filter(|_| record.get("from").is_some());
            if let Some(at) = told.and_then(UnixMillis::parse) {
                self.set(name, number(at.get()));
                self.set(&format!("{name}_dt"), at.to_string());
                self.mapped.push(member);
            }
        }
    }

    /// The profile of a control that lets pass or does not: what it did, and by which policies.
    fn control(&mut self) {
        if let Some(disposition) = self.meaning.disposition {
            for (name, (number, word)) in [("action", disposition.action()), ("disposition", disposition.named())] {
                self.set(&format!("{name}_id"), number);
                self.set(name, word);
            }
        }
        if let Some(bundle) = self.text("bundle") {
            self.set("policy", object([("uid", bundle), ("name", "bundle".into()), ("type", "Cedar".into())]));
        }
        let Some(decision) = self.entry.record.get("decision") else { return };
        let Some(result) = decision.get("result") else { return };
        let policies = decision.get("policies").and_then(Value::as_array).unwrap_or_default();
        let by = |policy: &Value| {
            let policy = object([("uid", policy.clone()), ("type", "Cedar".into()), ("is_applied", true.into())]);
            object([("decision", result.clone()), ("policy", policy)])
        };
        let mut authorizations: Vec<Value> =
            policies.iter().filter(|policy| policy.as_str().is_some()).map(by).collect();
        if authorizations.is_empty() {
            // Denied since no policy permits it.
            authorizations.push(object([("decision", result.clone())]));
        }
        self.set("authorizations", authorizations);
    }

    /// An operation or an event, asked for by a peer.
    fn api_activity(&mut self) {
        let source = self.source();
        self.set("src_endpoint", source);
        let actor = self.actor();
        self.set("actor", actor);
        let api = self.api();
        self.set("api", api);
        let partner = self.text("partner").map(|name| object([("name", name)]));
        self.set_if("dst_endpoint", partner);
        let resources = self.resources();
        self.set_if("resources", Some(resources).filter(|all| !all.is_empty()));
        let trace = self.text("trace").map(|uid| object([("uid", uid)]));
        self.set_if("trace", trace);
    }

    /// A peer, a token or a signature that does not hold.
    fn authentication(&mut self) {
        let source = self.source();
        self.set("src_endpoint", source);
        let user = self.user();
        self.set("user", user);
        self.set("service", product_named());
        self.set("is_remote", true);
        self.set("logon_type_id", 3);
        self.set("logon_type", "Network");
    }

    /// A right that somebody has not, or no longer.
    fn authorize_session(&mut self) {
        let source = self.source();
        self.set("src_endpoint", source);
        let user = self.user();
        self.set("user", user);
        let wanted = self.text("operation").or_else(|| self.text("act")).unwrap_or_else(|| UNKNOWN.into());
        self.set("privileges", vec![wanted]);
    }

    /// The rules, the directory, a right that was taken or given back.
    fn entity_management(&mut self) {
        let source = self.source();
        self.set("src_endpoint", source);
        let actor = self.actor();
        self.set("actor", actor);
        let entity = self.entity();
        self.set("entity", entity);
    }

    /// What was changed or looked up: a revocation, a person's handle, the rules, or what the kind says.
    fn entity(&mut self) -> Value {
        let kind = self.entry.record.kind();
        let about = self.take("revoked").or_else(|| self.take("about"));
        let unknown = || Value::from(UNKNOWN);
        match about {
            Some(person @ Value::String(_)) => {
                let handle = ["subject", "device", "car"].into_iter().find_map(|name| self.text(name));
                let uid = handle.unwrap_or_else(unknown);
                object([("type_id", 99.into()), ("type", person), ("uid", uid)])
            }
            Some(thing) => object([
                ("type_id", 99.into()),
                ("type", thing.get("kind").cloned().unwrap_or_else(unknown)),
                ("uid", thing.get("digest").cloned().unwrap_or_else(unknown)),
                ("data", thing),
            ]),
            None if kind.starts_with("bundle") || kind == "activation" => {
                let digest = self.text("offered").or_else(|| self.entry.record.get("bundle").cloned());
                let uid = digest.unwrap_or_else(unknown);
                object([("type_id", 5.into()), ("type", "Policy".into()), ("uid", uid), ("name", "bundle".into())])
            }
            None => object([("type_id", 99.into()), ("type", kind.into()), ("name", kind.into())]),
        }
    }

    /// What somebody should look at.
    fn finding(&mut self) {
        let Entry { origin, at, record, .. } = *self.entry;
        let index = at.index;
        let mut info = Object::new();
        info.insert("uid", format!("{origin}/{index}"));
        info.insert("title", self.meaning.says);
        info.insert("created_time", number(record.time().get()));
        info.insert("created_time_dt", record.time().to_string());
        if let Some(reason) = record.get("reason") {
            info.insert("types", vec![reason.clone()]);
        }
        self.set("finding_info", info);
        self.set("is_alert", self.meaning.severity >= Severity::High);
        let (source, actor, api) = (self.source(), self.actor(), self.api());
        let evidence = object([("src_endpoint", source), ("actor", actor), ("api", api)]);
        self.set("evidences", vec![evidence]);
        let resources = self.resources();
        self.set_if("resources", Some(resources).filter(|all| !all.is_empty()));
    }

    /// The peer: by the name in its certificate, else by that certificate.
    fn source(&mut self) -> Value {
        if let Some(name) = self.text("peer") {
            return object([("name", name)]);
        }
        match self.text("certificate") {
            Some(uid) => object([("uid", uid)]),
            None => object([("name", UNKNOWN.into())]),
        }
    }

    /// On whose behalf: a person of the operator's, or a handle; and the peer as the application that asks.
    fn actor(&mut self) -> Value {
        let mut actor = Object::new();
        if self.entry.record.get("by").is_some() || self.entry.record.get("subject").is_some() {
            actor.insert("user", self.user());
        }
        let app = self.entry.record.get("peer").or_else(|| self.entry.record.get("certificate"));
        actor.insert("app_name", app.cloned().unwrap_or_else(|| UNKNOWN.into()));
        actor.into()
    }

    fn user(&mut self) -> Value {
        // The door by which they act has no attribute, so `by` stands in what is unmapped too.
        if let Some(by) = self.entry.record.get("by") {
            let of = |name: &str| by.get(name).cloned().unwrap_or_else(|| UNKNOWN.into());
            let groups = vec![object([("name", of("role")), ("type", "role".into())])];
            return object([
                ("name", of("person")),
                ("type_id", 2.into()),
                ("type", "Admin".into()),
                ("groups", groups.into()),
            ]);
        }
        if let Some(uid) = self.text("subject") {
            return object([("uid", uid), ("type_id", 1.into()), ("type", "User".into())]);
        }
        let peer = self.entry.record.get("peer").or_else(|| self.entry.record.get("certificate"));
        match peer {
            Some(peer) => object([("name", peer.clone()), ("type_id", 4.into()), ("type", "Service".into())]),
            None => object([("name", UNKNOWN.into()), ("type_id", 0.into()), ("type", "Unknown".into())]),
        }
    }

    fn api(&mut self) -> Value {
        let mut api = Object::new();
        let operation = self.text("operation").unwrap_or_else(|| UNKNOWN.into());
        api.insert("operation", operation);
        if let Some(partner) = self.entry.record.get("partner") {
            self.mapped.push("partner");
            api.insert("service", object([("name", partner.clone())]));
        }
        if let Some(receipt) = self.entry.record.get("receipt") {
            api.insert("request", object([("uid", receipt.clone())]));
        }
        if let Some(status) = self.take("status") {
            api.insert("response", object([("code", status)]));
        }
        api.into()
    }

    /// The thing, and what the command came from.
    fn resources(&mut self) -> Vec<Value> {
        let mut found = Vec::new();
        if let Some(resource) = self.take("resource") {
            let id = resource.get("id").and_then(Value::as_array).unwrap_or_default();
            let id: Vec<&str> = id.iter().filter_map(Value::as_str).collect();
            let kind = resource.get("type").cloned().unwrap_or_else(|| UNKNOWN.into());
            found.push(object([
                ("type", kind),
                ("uid", id.join("/").into()),
                ("role_id", 1.into()),
                ("role", "Target".into()),
                ("data", resource.clone()),
            ]));
        }
        for (kind, role) in [("device", (2, "Actor")), ("car", (4, "Related"))] {
            if let Some(uid) = self.text(kind) {
                let (number, word) = role;
                found.push(object([
                    ("type", kind.into()),
                    ("uid", uid),
                    ("role_id", number.into()),
                    ("role", word.into()),
                ]));
            }
        }
        found
    }

    /// What has found no attribute.
    fn rest(&mut self) {
        let mut rest = Object::new();
        let members = self.entry.record.value().as_object().into_iter().flat_map(Object::iter);
        for (name, value) in members.filter(|(name, _)| !OURS.contains(name) && !self.mapped.contains(name)) {
            rest.insert(name, value.clone());
        }
        rest.insert("segment", number(self.entry.at.segment));
        rest.insert("offset", number(self.entry.at.offset));
        self.set("unmapped", rest);
    }
}

/// Class, activity, severity, status and time.
fn classified(event: &mut Object, meaning: &Meaning, at: UnixMillis) {
    let ((category, category_name), (class, class_name)) = (meaning.class.category(), meaning.class.named());
    let (activity, activity_name) = (u32::from(meaning.activity.0), meaning.activity.1);
    let status = match meaning.class {
        // A finding is new, suppressed or resolved, which its reader decides.
        Class::DetectionFinding => (1, "New"),
        Class::ApiActivity
        | Class::Authentication
        | Class::AuthorizeSession
        | Class::EntityManagement
        | Class::EventLogActivity
        | Class::ApplicationLifecycle => meaning.status.named(),
    };
    event.insert("time", number(at.get()));
    event.insert("time_dt", at.to_string());
    for (name, (number, word)) in [
        ("category", (category, category_name)),
        ("class", (class, class_name)),
        ("type", (class * 100 + activity, &*format!("{class_name}: {activity_name}"))),
    ] {
        event.insert(format!("{name}_uid"), number);
        event.insert(format!("{name}_name"), word);
    }
    event.insert("activity_id", activity);
    event.insert("activity_name", activity_name);
    for (name, (number, word)) in [("severity", meaning.severity.named()), ("status", status)] {
        event.insert(format!("{name}_id"), number);
        event.insert(name, word);
    }
}

fn metadata(origin: &str, kind: &str, at: UnixMillis) -> Object {
    let mut metadata = Object::new();
    metadata.insert("version", SCHEMA_VERSION);
    metadata.insert("product", product());
    metadata.insert("profiles", profiles(false));
    metadata.insert("event_code", kind);
    metadata.insert("log_name", origin);
    metadata.insert("log_provider", PRODUCT);
    metadata.insert("original_time", at.to_string());
    metadata
}

fn profiles(traced: bool) -> Vec<Value> {
    ["security_control", "datetime"].into_iter().chain(traced.then_some("trace")).map(Value::from).collect()
}

fn log_activity(event: &mut Object, origin: &str) {
    event.insert("log_name", origin);
    event.insert("log_provider", PRODUCT);
    event.insert("log_type_id", 2);
    event.insert("log_type", "Application");
}

fn product() -> Value {
    object([("name", PRODUCT.into()), ("vendor_name", PRODUCT.into()), ("version", VERSION.into())])
}

fn product_named() -> Value {
    object([("name", PRODUCT.into()), ("version", VERSION.into())])
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    members.into_iter().collect::<Object>().into()
}
