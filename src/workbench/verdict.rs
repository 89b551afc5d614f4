//! What a case expects, held against what came of it: every difference, each with its place.

use crate::crypto::decode_base64url;
use crate::json;
use crate::json::Object;
use crate::json::Value;
use crate::protect::Protector;
use crate::workbench::case::Asks;
use crate::workbench::case::Case;
use crate::workbench::case::ExpectedPartner;
use crate::workbench::case::ExpectedReply;
use crate::workbench::cast::pseudonym_key;
use crate::workbench::pattern::Pattern;
use crate::workbench::pattern::PatternFault;
use crate::workbench::played::Played;
use crate::workbench::played::Sent;
use std::collections::BTreeSet;

/// Bodies are read as deep and wide as their contracts let them be.
const LIMITS: json::Limits =
    json::Limits { max_depth: 64, max_members: 65_536, max_elements: usize::MAX, max_string_bytes: usize::MAX };

/// Something that was not as expected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Difference {
    /// Where: `reason`, `policies`, `partner.body/userId` (behind the word a JSON pointer), `caller.status` …
    pub at: String,
    /// What was wanted, as one line of JSON; a word where nothing was.
    pub wanted: String,
    /// What came.
    pub got: String,
}

/// The word for what is not there.
const NOTHING: &str = "nothing";

/// Every difference between what `case` expects and what came of it; empty where it passes.
///
/// # Errors
/// [`PatternFault`] where an expectation has no value.
pub fn held_against(case: &Case, played: &Played) -> Result<Vec<Difference>, PatternFault> {
    let (Asks::Request { partner, .. } | Asks::Event { partner, .. }) = &case.asks;
    let protector = Protector::new(partner.clone(), pseudonym_key(partner));
    let mut found = Found { differences: Vec::new() };
    let word = |allowed: bool| if allowed { "allowed" } else { "refused" };
    found.text("outcome", word(case.expect.allowed), word(played.allowed));
    if let Some(reason) = case.expect.reason {
        found.text("reason", reason.code(), played.reason.code());
    }
    if let Some(policies) = &case.expect.policies {
        let got = played.decision.iter().flat_map(|decision| &decision.policies).cloned().collect::<BTreeSet<_>>();
        if *policies != got {
            found.note("policies", list(policies), list(&got));
        }
    }
    if let Some(expected) = &case.expect.sent {
        found.sent(expected, played.sent.as_ref(), &protector)?;
    }
    if let Some(expected) = &case.expect.reply {
        found.reply(expected, played, &protector)?;
    }
    Ok(found.differences)
}

struct Found {
    differences: Vec<Difference>,
}

impl Found {
    fn note(&mut self, at: impl Into<String>, wanted: impl Into<String>, got: impl Into<String>) {
        self.differences.push(Difference { at: at.into(), wanted: wanted.into(), got: got.into() });
    }

    fn text(&mut self, at: &str, wanted: &str, got: &str) {
        if wanted != got {
            self.note(at, wanted, got);
        }
    }

    fn sent(&mut self, expected: &ExpectedPartner, sent: Option<&Sent>, by: &Protector) -> Result<(), PatternFault> {
        let (expected, sent) = match (expected, sent) {
            (ExpectedPartner::Nothing, None) => return Ok(()),
            (ExpectedPartner::Nothing, Some(sent)) => {
                let (method, target) = sent.line();
                self.note("partner", NOTHING, format!("{method} {target}"));
                return Ok(());
            }
            (ExpectedPartner::Request { .. }, None) => {
                self.note("partner", "a request", NOTHING);
                return Ok(());
            }
            (expected @ ExpectedPartner::Request { .. }, Some(sent)) => (expected, sent),
        };
        let ExpectedPartner::Request { method, path, fields, body, token, tenant } = expected else { return Ok(()) };
        let (got_method, got_target) = sent.line();
        if let Some(method) = method {
            self.text("partner.method", method, &got_method);
        }
        if let Some(path) = path {
            let wanted = path.value(by, tenant.as_ref())?;
            self.text("partner.path", wanted.as_str().unwrap_or_default(), &got_target);
        }
        for (name, value) in fields {
            let got = sent.field(&name.to_ascii_lowercase());
            self.text(&format!("partner.headers.{name}"), value, got.as_deref().unwrap_or(NOTHING));
        }
        if let Some(body) = body {
            self.body("partner.body", body, sent.body(), by, tenant.as_ref())?;
        }
        if !token.is_empty() {
            let claims = claims(sent).unwrap_or_default();
            for (name, value) in token {
                let at = format!("partner.token.{name}");
                self.value(&at, Some(&value.value(by, tenant.as_ref())?), claims.get(name));
            }
        }
        Ok(())
    }

    fn reply(&mut self, expected: &ExpectedReply, played: &Played, by: &Protector) -> Result<(), PatternFault> {
        let reply = &played.reply;
        if let Some(status) = expected.status {
            self.text("caller.status", &status.to_string(), &reply.status.to_string());
        }
        if let Some(problem) = &expected.problem {
            let document = json::parse(&reply.body, LIMITS).ok();
            let kind = document.as_ref().and_then(|document| document.get("type")).and_then(Value::as_str);
            let kind = kind.and_then(|kind| kind.rsplit([':', '/', '#']).next());
            self.text("caller.problem", problem, kind.unwrap_or(NOTHING));
        }
        for (name, value) in &expected.fields {
            let lower = name.to_ascii_lowercase();
            let got = reply.fields.iter().find(|(known, _)| *known == lower).map(|(_, value)| value.as_str());
            self.text(&format!("caller.headers.{name}"), value, got.unwrap_or(NOTHING));
        }
        match &expected.body {
            Some(body) => self.body("caller.body", body, &reply.body, by, None),
            None => Ok(()),
        }
    }

    fn body(
        &mut self,
        at: &str,
        wanted: &Pattern,
        got: &[u8],
        by: &Protector,
        tenant: Option<&crate::model::TenantId>,
    ) -> Result<(), PatternFault> {
        if let Pattern::Raw(text) = wanted {
            self.text(at, text, &String::from_utf8_lossy(got));
            return Ok(());
        }
        let wanted = wanted.value(by, tenant)?;
        match json::parse(got, LIMITS) {
            Ok(got) => self.value(at, Some(&wanted), Some(&got)),
            Err(_) if got.is_empty() => self.note(at, shown(&wanted), NOTHING),
            Err(_) => self.note(at, shown(&wanted), String::from_utf8_lossy(got)),
        }
        Ok(())
    }

    /// Members by their names, in whatever order; elements in theirs.
    fn value(&mut self, at: &str, wanted: Option<&Value>, got: Option<&Value>) {
        match (wanted, got) {
            (Some(Value::Object(wanted)), Some(Value::Object(got))) => self.members(at, wanted, got),
            (Some(Value::Array(wanted)), Some(Value::Array(got))) => {
                for index in 0..wanted.len().max(got.len()) {
                    self.value(&format!("{at}/{index}"), wanted.get(index), got.get(index));
                }
            }
            (wanted, got) if wanted == got => {}
            (wanted, got) => {
                let told = |value: Option<&Value>| value.map_or_else(|| NOTHING.to_owned(), shown);
                self.note(at, told(wanted), told(got));
            }
        }
    }

    fn members(&mut self, at: &str, wanted: &Object, got: &Object) {
        let pointer = |name: &str| format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        for (name, value) in wanted.iter() {
            self.value(&pointer(name), Some(value), got.get(name));
        }
        for (name, value) in got.iter().filter(|(name, _)| wanted.get(name).is_none()) {
            self.value(&pointer(name), None, Some(value));
        }
    }
}

/// The claims of the partner token that went with a request.
fn claims(sent: &Sent) -> Option<Object> {
    let bearer = sent.field("authorization")?;
    let payload = bearer.strip_prefix("Bearer ")?.split('.').nth(1)?.to_owned();
    match json::parse(&decode_base64url(&payload)?, LIMITS).ok()? {
        Value::Object(claims) => Some(claims),
        _ => None,
    }
}

fn list(ids: &BTreeSet<String>) -> String {
    if ids.is_empty() { NOTHING.to_owned() } else { ids.iter().cloned().collect::<Vec<_>>().join(", ") }
}

fn shown(value: &Value) -> String {
    let mut text = Vec::new();
    json::write(value, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}
