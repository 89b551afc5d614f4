//! What came of a case: read off the record, the streams and the reply, and nowhere else.

use crate::audit::Concluded;
use crate::json;
use crate::json::Value;
use crate::model::Reason;
use crate::model::Side;
use crate::policy::Asked;
use crate::workbench::script;

/// What came of a case.
#[derive(Clone, Debug)]
pub struct Played {
    /// The reason on record.
    pub reason: Reason,
    /// Whether it was let through: an intent, an event, a revocation or an update of the directory is on record.
    pub allowed: bool,
    /// What the policies said; `None` where it did not come to them.
    pub decision: Option<PlayedDecision>,
    /// The operation or event, as the record names it, once that was known.
    pub operation: Option<String>,
    /// The word that the record adds to the reason, for instance what was wrong with an answer.
    pub detail: Option<String>,
    /// What went on, byte by byte: to the partner, or of a partner's event to the backend.
    pub sent: Option<Sent>,
    /// What the caller receives: status, fields and body. The door adds framing and fixed fields.
    pub reply: Reply,
    /// What the policies were asked, in order: once, but of an event again before it is delivered. Empty where it did not come
    /// to them.
    pub asked: Vec<Asked>,
    /// Every record of the case, one JSON text each, in their order.
    pub records: Vec<String>,
}

/// A decision as it is on record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PlayedDecision {
    /// Whether they permitted.
    pub allow: bool,
    /// The ids of the determining policies, in the order of the record.
    pub policies: Vec<String>,
    /// The ids of those that could not be evaluated; any one of them denies.
    pub errors: Vec<String>,
}

/// One request as it left.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sent {
    /// To whom.
    pub to: Side,
    /// All of its bytes.
    pub bytes: Vec<u8>,
}

/// An answer as the caller receives it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The fields, with names in lower case.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Sent {
    /// Method and target of the request line.
    #[must_use]
    pub fn line(&self) -> (String, String) {
        let head = String::from_utf8_lossy(self.head()).into_owned();
        let mut words = head.lines().next().unwrap_or_default().split(' ').map(str::to_owned);
        (words.next().unwrap_or_default(), words.next().unwrap_or_default())
    }

    /// The value of a field, by its name in lower case; the first, if there are several.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        let head = String::from_utf8_lossy(self.head()).into_owned();
        let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        script::split(&self.bytes).map_or(&[], |(_, body)| body)
    }

    fn head(&self) -> &[u8] {
        script::split(&self.bytes).map_or(&[], |(head, _)| head)
    }
}

impl Played {
    /// What the records of one exchange say, besides what went in and out.
    pub(super) fn read(concluded: Concluded, log: &[u8], sent: Option<Sent>, asked: Vec<Asked>) -> Self {
        let (receipt, reason) = (concluded.receipt().to_string(), concluded.reason());
        let reply = concluded.into_reply();
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let fields = reply.fields.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let reply = Reply { status: reply.status.as_u16(), fields, body: reply.body.to_vec() };
        let mut played = Self {
            reason,
            allowed: false,
            decision: None,
            operation: None,
            detail: None,
            sent,
            reply,
            asked,
            records: Vec::new(),
        };
        for line in log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            played.records.push(String::from_utf8_lossy(line).into_owned());
            let Ok(record) = json::parse(line, json::Limits::default()) else { continue };
            if record.get("receipt").and_then(Value::as_str) == Some(&receipt) {
                played.take(&record);
            }
        }
        played
    }

    fn take(&mut self, record: &Value) {
        let text = |name: &str| record.get(name).and_then(Value::as_str);
        let owned = |name: &str| text(name).map(str::to_owned);
        match text("kind") {
            Some("intent" | "event" | "revocation" | "directory") => self.allowed = true,
            Some("refusal" | "repeat" | "outcome") => {}
            _ => return,
        }
        self.operation = owned("operation").or_else(|| self.operation.take());
        self.detail = owned("detail").or_else(|| self.detail.take());
        if let Some(decision) = record.get("decision") {
            let ids = |name: &str| {
                let ids = decision.get(name).and_then(Value::as_array).unwrap_or_default();
                ids.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            };
            let allow = decision.get("result").and_then(Value::as_str) == Some("allow");
            self.decision = Some(PlayedDecision { allow, policies: ids("policies"), errors: ids("errors") });
        }
    }
}
