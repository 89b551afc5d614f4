//! The parts of a case that speak of the bundle: what is asked for, what is answered, what is expected.

use crate::clock::UnixMillis;
use crate::contract::Contract;
use crate::contract::Idempotency;
use crate::contract::Operation;
use crate::diagnostic::nearest;
use crate::identity::write_rights;
use crate::json::Number;
use crate::json::Value;
use crate::model::Direction;
use crate::model::Name;
use crate::model::PartnerName;
use crate::model::Reason;
use crate::model::Right;
use crate::model::TenantId;
use crate::protect::Protector;
use crate::workbench::case::Asks;
use crate::workbench::case::CaseAnswer;
use crate::workbench::case::Expectation;
use crate::workbench::case::ExpectedPartner;
use crate::workbench::case::ExpectedReply;
use crate::workbench::case::PartnerFault;
use crate::workbench::case::SESSION_PATH;
use crate::workbench::case::SignedAs;
use crate::workbench::cast::pseudonym_key;
use crate::workbench::layers::Layered;
use crate::workbench::pattern::Named;
use crate::workbench::pattern::Pattern;
use crate::workbench::pattern::Piece;
use crate::workbench::read_case::Readers;
use crate::yaml::Fields;
use crate::yaml::Node;
use crate::yaml::Yaml;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The idempotency key of a command, and the id of an event, where a case names none.
const DEFAULT_ID: &str = "case-00000001";

impl Readers<'_> {
    /// The one thing that is asked for.
    pub(super) fn asks(&self, layered: &Layered, asked: &[(&str, &Node)], at: UnixMillis) -> Option<Asks> {
        match asked {
            [("request", node)] => self.request(node, at),
            [("event", node)] => self.event(node, at),
            [("revocation", node)] => self.own(node, Method::POST, "/-/revocations", false),
            [("directory_update", node)] => self.own(node, Method::PUT, "/-/directory", true),
            [("session", node)] => self.session(node),
            _ => {
                let message = "a case asks for exactly one thing: `request`, `event`, `revocation`, `directory_update` or `session`";
                self.fault("not-one-thing", &layered.node, message.to_owned(), "keep one of them");
                None
            }
        }
    }

    fn request(&self, node: &Node, at: UnixMillis) -> Option<Asks> {
        let fields = self.reader.fields(node)?;
        let partner = fields.optional("partner");
        let asked = match fields.optional("operation") {
            Some(operation) => self.operation(&fields, operation, partner),
            None => {
                let partner = fields.required("partner").and_then(|node| self.partner(node));
                let method = fields.required("method").and_then(|node| self.method(node));
                let target = fields.required("target").and_then(|node| self.text(node));
                partner.zip(method).zip(target).map(|((contract, method), target)| (contract, None, method, target))
            }
        };
        let mut headers = fields.optional("headers").map_or_else(Vec::new, |node| self.headers(node));
        let body = self.body(&fields);
        let age = fields.optional("age");
        let key = fields.optional("idempotency_key").and_then(|node| self.text(node));
        fields.finish();
        let (contract, operation, method, target) = asked?;
        let operation = operation.and_then(|at: usize| contract.operations().get(at));
        let has = |headers: &[(HeaderName, HeaderValue)], name: &str| headers.iter().any(|(known, _)| known == name);
        let mut add = |name: &'static str, value: String| {
            if !has(&headers, name)
                && let Ok(value) = HeaderValue::try_from(value)
            {
                headers.push((HeaderName::from_static(name), value));
            }
        };
        if body.is_some() {
            add("content-type", "application/json".to_owned());
        }
        let age = match age {
            Some(Node { value: Yaml::Text(word), .. }) if word == "none" => None,
            Some(node) => Some(self.seconds(node)?),
            None => operation.and_then(|operation| operation.max_age_s).map(|_| 0),
        };
        if let Some(age) = age {
            add("command-time", format!("@{}", at.seconds().get().saturating_sub(age)));
        }
        let wants_key = operation.is_some_and(|operation| operation.idempotency == Some(Idempotency::Header));
        match key {
            Some(key) if key == "none" => {}
            Some(key) => add("idempotency-key", key),
            None if wants_key => add("idempotency-key", DEFAULT_ID.to_owned()),
            None => {}
        }
        let body = match body {
            Some(body) => self.plain_bytes(&body, node)?,
            None => Vec::new(),
        };
        Some(Asks::Request {
            partner: contract.partner().clone(),
            direction: operation.map_or(Direction::Outbound, |operation| operation.direction),
            method,
            target,
            fields: headers.into_iter().collect(),
            body: Bytes::from(body),
            signed: false,
        })
    }

    /// An operation by its id, with the values of its path and query.
    fn operation(
        &self,
        fields: &Fields<'_>,
        node: &Node,
        partner: Option<&Node>,
    ) -> Option<(Arc<Contract>, Option<usize>, Method, String)> {
        let path = fields.optional("path");
        let query = fields.optional("query");
        let id = self.text(node)?;
        let partner = match partner {
            Some(node) => Some(self.partner(node)?),
            None => None,
        };
        let of_partner =
            |contract: &&Arc<Contract>| partner.as_ref().is_none_or(|known| known.partner() == contract.partner());
        let contracts: Vec<&Arc<Contract>> = self.bundle.contracts().filter(of_partner).collect();
        let found = contracts.iter().find_map(|contract| {
            let at = contract.operations().iter().position(|operation| operation.id.as_str() == id)?;
            Some(((*contract).clone(), at))
        });
        let Some((contract, at)) = found else {
            let known = contracts.iter().flat_map(|contract| contract.operations());
            let help = match nearest(&id, known.map(|operation| operation.id.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "an operation bears its `operationId`".to_owned(),
            };
            self.fault("unknown-operation", node, format!("no contract has the operation `{id}`"), &help);
            return None;
        };
        let operation = contract.operations().get(at)?;
        let target = self.target(contract.partner(), operation, path, query, node)?;
        let method = operation.method.clone();
        Some((contract, Some(at), method, target))
    }

    /// A value of a path: as it is, or the pseudonym of whatever is named, with its tenant beside it.
    fn path_value(&self, partner: &PartnerName, node: &Node) -> Option<String> {
        if !matches!(node.value, Yaml::Map(_)) {
            return self.text(node);
        }
        let protector = Protector::new(partner.clone(), pseudonym_key(partner));
        match self.pattern(node)?.value(&protector, None) {
            Ok(value) => value.as_str().map(str::to_owned),
            Err(fault) => {
                self.fault("missing-key", node, fault.to_string(), "write `{pseudonym: {request: .., tenant: ..}}`");
                None
            }
        }
    }

    /// The target of an operation, encoded.
    fn target(
        &self,
        partner: &PartnerName,
        operation: &Operation,
        path: Option<&Node>,
        query: Option<&Node>,
        node: &Node,
    ) -> Option<String> {
        let mut target = String::new();
        let values = path.and_then(|node| self.reader.fields(node)).map(|fields| owned(&fields)).unwrap_or_default();
        let mut missing = 0_usize;
        for piece in operation.path.split('/').skip(1) {
            target.push('/');
            match piece.strip_prefix('{').and_then(|piece| piece.strip_suffix('}')) {
                None => target.push_str(piece),
                Some(name) => {
                    let entry = values.iter().find(|(known, _)| known == name);
                    match entry.and_then(|(_, node)| self.path_value(partner, node)) {
                        Some(value) => encode(&value, &mut target),
                        None => {
                            missing = missing.saturating_add(1);
                            let message = format!("the path of `{}` needs a value for `{name}`", operation.id);
                            self.fault(
                                "missing-key",
                                path.unwrap_or(node),
                                message,
                                &format!("add `{name}:` to `path`"),
                            );
                        }
                    }
                }
            }
        }
        let names = || operation.path.split(['{', '}']).skip(1).step_by(2);
        for (key, node) in values.iter().filter(|(key, _)| !names().any(|name| name == key)) {
            let help = match nearest(key, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", names().collect::<Vec<_>>().join(", ")),
            };
            self.fault("unknown-key", node, format!("the path of `{}` has no `{key}`", operation.id), &help);
        }
        if missing > 0 {
            return None;
        }
        let mut mark = '?';
        for (key, value) in
            query.and_then(|node| self.reader.fields(node)).map(|fields| owned(&fields)).unwrap_or_default()
        {
            let each = match &value.value {
                Yaml::List(items) => items.iter().filter_map(|item| self.scalar(item)).collect(),
                _ => vec![self.scalar(&value)?],
            };
            for value in each {
                target.push(mark);
                mark = '&';
                encode(&key, &mut target);
                target.push('=');
                encode(&value, &mut target);
            }
        }
        Some(target)
    }

    fn event(&self, node: &Node, at: UnixMillis) -> Option<Asks> {
        let fields = self.reader.fields(node)?;
        let contract = fields.required("partner").and_then(|node| self.partner(node));
        let name = fields.optional("name");
        let timestamp = fields.optional("timestamp").and_then(|node| self.text(node));
        let data = fields.optional("data").and_then(|node| self.pattern(node));
        let written = self.body(&fields);
        let ways = [("outbound", Direction::Outbound), ("inbound", Direction::Inbound)];
        let way = fields.optional("direction").and_then(|node| self.reader.word(node, &ways));
        let id = fields.optional("id").and_then(|node| self.text(node));
        let signatures = [("right", SignedAs::Rightly), ("wrong", SignedAs::Wrongly), ("none", SignedAs::Not)];
        let signed = fields.optional("signature").map(|node| self.reader.word(node, &signatures));
        let tenant = fields.optional("tenant").and_then(|node| self.name(node));
        fields.finish();
        let contract = contract?;
        let known = match name {
            Some(name) => Some(self.known_event(&contract, name)?),
            None => None,
        };
        let Some(direction) = way.or_else(|| known.as_ref().map(|(_, direction)| *direction)) else {
            self.fault(
                "missing-key",
                node,
                "which way the event goes is not said".to_owned(),
                "add `name:` or `direction:`",
            );
            return None;
        };
        let body = match (written, known) {
            (Some(body), _) => body,
            (None, Some((name, _))) => {
                let text = |text: String| Pattern::Plain(Value::from(text));
                Pattern::Map(vec![
                    ("type".to_owned(), text(name)),
                    ("timestamp".to_owned(), text(timestamp.unwrap_or_else(|| at.to_string()))),
                    ("data".to_owned(), data.unwrap_or_else(|| Pattern::Map(Vec::new()))),
                ])
            }
            (None, None) => {
                self.fault(
                    "missing-key",
                    node,
                    "the event has no body".to_owned(),
                    "add `name:` and `data:`, or `body:`",
                );
                return None;
            }
        };
        Some(Asks::Event {
            partner: contract.partner().clone(),
            direction,
            id: id.unwrap_or_else(|| DEFAULT_ID.to_owned()),
            body,
            signed: signed.unwrap_or(Some(SignedAs::Rightly))?,
            tenant,
        })
    }

    fn known_event(&self, contract: &Contract, node: &Node) -> Option<(String, Direction)> {
        let name = self.text(node)?;
        let event = contract.events().iter().find(|event| event.name.as_str() == name);
        if event.is_none() {
            let known = contract.events().iter().map(|event| event.name.as_str());
            let help = match nearest(&name, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write `body:` and `direction:` for an event that the contract lacks".to_owned(),
            };
            let message = format!("the contract with `{}` has no event `{name}`", contract.partner());
            self.fault("unknown-event", node, message, &help);
        }
        event.map(|event| (name, event.direction))
    }

    /// A request to one of the gateway's own paths, whose body is the mapping.
    fn own(&self, node: &Node, method: Method, target: &str, signed: bool) -> Option<Asks> {
        let body = self.pattern(node)?;
        // The gateway's own paths are at every authority.
        let contract = self.bundle.contracts().next()?;
        let json = (HeaderName::from_static("content-type"), HeaderValue::from_static("application/json"));
        Some(Asks::Request {
            partner: contract.partner().clone(),
            direction: Direction::Outbound,
            method,
            target: target.to_owned(),
            fields: HeaderMap::from_iter([json]),
            body: Bytes::from(self.plain_bytes(&body, node)?),
            signed,
        })
    }

    /// A session with these rights, asked for by who bears the token.
    fn session(&self, node: &Node) -> Option<Asks> {
        let fields = self.reader.fields(node)?;
        let rights = fields.required("rights").and_then(|node| self.reader.list(node)).unwrap_or_default();
        let rights: Vec<Right> = rights.iter().filter_map(|node| self.right(node)).map(|right| right.right()).collect();
        fields.finish();
        let mut body = Vec::new();
        write_rights(&rights, &mut body);
        Some(Asks::Request {
            partner: self.bundle.contracts().next()?.partner().clone(),
            direction: Direction::Outbound,
            method: Method::POST,
            target: SESSION_PATH.to_owned(),
            fields: HeaderMap::new(),
            body: Bytes::from(body),
            signed: false,
        })
    }

    pub(super) fn answer(&self, node: &Node, tenant: Option<&TenantId>) -> Option<CaseAnswer> {
        let fields = self.reader.fields(node)?;
        let faults = [
            ("unreachable", PartnerFault::Unreachable),
            ("breaks-off", PartnerFault::BreaksOff),
            ("garbage", PartnerFault::Garbage),
            ("silent", PartnerFault::Silent),
        ];
        if let Some(word) = fields.optional("fault") {
            let fault = self.reader.word(word, &faults);
            fields.finish();
            return fault.map(CaseAnswer::Fault);
        }
        let status = fields.required("status").and_then(|node| self.reader.bounded(node, 100, 599));
        let headers = fields.optional("headers").map_or_else(Vec::new, |node| self.pairs(node));
        let body = self.body(&fields);
        fields.finish();
        let mut pairs = headers;
        if body.is_some() && !pairs.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            pairs.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let status = u16::try_from(status?).ok()?;
        Some(CaseAnswer::Whole { status, fields: pairs, body, tenant: tenant.cloned() })
    }

    pub(super) fn expectation(&self, node: &Node, tenant: Option<&TenantId>) -> Option<Expectation> {
        let fields = self.reader.fields(node)?;
        let outcomes = [("allowed", true), ("refused", false)];
        let allowed = fields.required("outcome").and_then(|node| self.reader.word(node, &outcomes));
        let reasons: Vec<(&str, Reason)> = Reason::ALL.iter().map(|reason| (reason.code(), *reason)).collect();
        let reason = fields.optional("reason").map(|node| self.reason(node, &reasons));
        let policies = fields.optional("policies").map(|node| self.policies(node));
        let partner = fields.optional("partner").map(|node| self.sent(node, tenant));
        let backend = fields.optional("backend").map(|node| self.sent(node, tenant));
        let reply = fields.optional("caller").map(|node| self.reply(node));
        fields.finish();
        let allowed = allowed?;
        let sent = match partner.or(backend) {
            Some(sent) => Some(sent?),
            None if allowed => None,
            None => Some(ExpectedPartner::Nothing),
        };
        let reason = match reason {
            Some(reason) => Some(reason?),
            None => None,
        };
        let reply = match reply {
            Some(reply) => Some(reply?),
            None => None,
        };
        Some(Expectation { allowed, reason, policies, sent, reply })
    }

    fn reason(&self, node: &Node, reasons: &[(&str, Reason)]) -> Option<Reason> {
        let text = self.text(node)?;
        let found = reasons.iter().find(|(code, _)| *code == text).map(|(_, reason)| *reason);
        if found.is_none() {
            let help = match nearest(&text, reasons.iter().map(|(code, _)| *code)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "docs/errors.md lists them".to_owned(),
            };
            self.fault("unknown-reason", node, format!("`{text}` is no reason code"), &help);
        }
        found
    }

    fn policies(&self, node: &Node) -> BTreeSet<String> {
        let known: Vec<&str> = self.bundle.policies().ids().collect();
        for item in self.reader.list(node).unwrap_or_default() {
            let Some(id) = self.text(item) else { continue };
            if !known.contains(&id.as_str()) {
                let help = match nearest(&id, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "a policy bears its `@id`".to_owned(),
                };
                self.fault("unknown-policy", item, format!("there is no policy `{id}`"), &help);
            }
        }
        self.texts(node).into_iter().collect()
    }

    fn sent(&self, node: &Node, tenant: Option<&TenantId>) -> Option<ExpectedPartner> {
        if matches!(&node.value, Yaml::Text(word) if word == "nothing") {
            return Some(ExpectedPartner::Nothing);
        }
        let fields = self.reader.fields(node)?;
        let method = fields.optional("method").and_then(|node| self.text(node));
        let path = fields.optional("path").map(|node| self.path(node));
        let headers = fields.optional("headers").map_or_else(Vec::new, |node| self.pairs(node));
        let body = self.body(&fields);
        let token = fields.optional("token").and_then(|node| self.reader.fields(node));
        let token = token.map(|fields| owned(&fields)).unwrap_or_default();
        let token = token.into_iter().filter_map(|(key, node)| Some((key, self.pattern(&node)?))).collect();
        fields.finish();
        let path = match path {
            Some(path) => Some(path?),
            None => None,
        };
        Some(ExpectedPartner::Request { method, path, fields: headers, body, token, tenant: tenant.cloned() })
    }

    fn path(&self, node: &Node) -> Option<Pattern> {
        let text = self.text(node)?;
        let path = Pattern::path(&text);
        if path.is_none() {
            let message = format!("`{text}` holds a brace that names no pseudonym");
            self.fault("not-a-pseudonym", node, message, "for instance `{user:resident-ivanov}`, `{car:car-1}`");
        }
        path
    }

    fn reply(&self, node: &Node) -> Option<ExpectedReply> {
        let fields = self.reader.fields(node)?;
        let status = fields.optional("status").and_then(|node| self.reader.bounded(node, 100, 599));
        let problem = fields.optional("problem").and_then(|node| self.text(node));
        let headers = fields.optional("headers").map_or_else(Vec::new, |node| self.pairs(node));
        let body = self.body(&fields);
        fields.finish();
        let status = status.and_then(|status| u16::try_from(status).ok());
        Some(ExpectedReply { status, problem, fields: headers, body })
    }

    /// `body`, which is JSON, or `body_text`, which is sent as it is written.
    fn body(&self, fields: &Fields<'_>) -> Option<Pattern> {
        let (json, text) = (fields.optional("body"), fields.optional("body_text"));
        if let (Some(_), Some(text)) = (json, text) {
            let message = "`body` and `body_text` stand beside each other".to_owned();
            self.fault("not-one-thing", text, message, "keep one of them");
        }
        match text {
            Some(text) => self.text(text).map(Pattern::Raw),
            None => json.and_then(|json| self.pattern(json)),
        }
    }

    /// A JSON value; `{pseudonym: {user: resident-ivanov}}` in it stands for a pseudonym.
    fn pattern(&self, node: &Node) -> Option<Pattern> {
        match &node.value {
            Yaml::Null => Some(Pattern::Plain(Value::Null)),
            Yaml::Bool(value) => Some(Pattern::Plain(Value::Boolean(*value))),
            Yaml::Integer(number) => Pattern::integer(*number).or_else(|| self.no_number(node)),
            Yaml::Float(number) => match Number::try_from(*number) {
                Ok(number) => Some(Pattern::Plain(Value::Number(number))),
                Err(_) => self.no_number(node),
            },
            Yaml::Text(text) => Some(Pattern::Plain(Value::from(text.as_str()))),
            Yaml::List(items) => Some(Pattern::List(items.iter().filter_map(|item| self.pattern(item)).collect())),
            Yaml::Map(entries) => match entries.as_slice() {
                [(key, named)] if key.text == "pseudonym" => self.pseudonym(named),
                _ => {
                    let member = |(key, node): &(crate::yaml::Key, Node)| Some((key.text.clone(), self.pattern(node)?));
                    Some(Pattern::Map(entries.iter().filter_map(member).collect()))
                }
            },
        }
    }

    /// The bytes of a body that the backend sends: it knows no pseudonyms.
    fn plain_bytes(&self, body: &Pattern, node: &Node) -> Option<Vec<u8>> {
        let bytes = body.plain_bytes();
        if bytes.is_none() {
            let message = "the backend knows no pseudonyms".to_owned();
            self.fault("not-a-pseudonym", node, message, "write the id itself; the gateway makes the pseudonym");
        }
        bytes
    }

    fn no_number(&self, node: &Node) -> Option<Pattern> {
        self.fault("not-a-number", node, "JSON carries no such number exactly".to_owned(), "take `body_text`");
        None
    }

    fn pseudonym(&self, node: &Node) -> Option<Pattern> {
        let fields = self.reader.fields(node)?;
        let tenant = fields.optional("tenant").and_then(|node| self.name(node));
        let named = owned(&fields);
        let [(word, id)] = named.as_slice() else {
            let message = "a pseudonym stands for exactly one id".to_owned();
            self.fault("not-a-pseudonym", node, message, "for instance `{pseudonym: {user: resident-ivanov}}`");
            return None;
        };
        let named = Named::of(word, &self.text(id)?, tenant);
        if named.is_none() {
            let message = format!("`{word}` is neither what an identifier names nor a class of data");
            self.fault(
                "not-a-pseudonym",
                node,
                message,
                "for instance `user`, `device`, `car`, `request` or `personal`",
            );
        }
        Some(Pattern::Text(vec![Piece::Pseudonym(named?)]))
    }

    fn partner(&self, node: &Node) -> Option<Arc<Contract>> {
        let name = self.name(node)?;
        let contract = self.bundle.contract(&name);
        if contract.is_none() {
            let known: Vec<&Name> = self.bundle.contracts().map(|contract| contract.partner()).collect();
            let help = match nearest(name.as_str(), known.iter().map(|name| name.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "a partner bears the name that its contract gives it".to_owned(),
            };
            self.fault("unknown-partner", node, format!("there is no contract with `{name}`"), &help);
        }
        contract.cloned()
    }

    fn method(&self, node: &Node) -> Option<Method> {
        let text = self.text(node)?;
        let method = text.parse().ok();
        if method.is_none() {
            self.fault("not-a-method", node, format!("`{text}` is no method"), "for instance `POST`");
        }
        method
    }

    fn headers(&self, node: &Node) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = Vec::new();
        for (name, value) in self.pairs(node) {
            match (HeaderName::try_from(&name), HeaderValue::try_from(&value)) {
                (Ok(name), Ok(value)) => headers.push((name, value)),
                _ => self.fault("not-a-header", node, format!("`{name}` and its value are no header"), "correct it"),
            }
        }
        headers
    }

    fn pairs(&self, node: &Node) -> Vec<(String, String)> {
        let Some(fields) = self.reader.fields(node) else { return Vec::new() };
        owned(&fields).into_iter().filter_map(|(key, value)| Some((key, self.scalar(&value)?))).collect()
    }

    fn scalar(&self, node: &Node) -> Option<String> {
        match &node.value {
            Yaml::Bool(value) => Some(value.to_string()),
            _ => self.text(node),
        }
    }
}

/// What nobody asked for yet.
fn owned(fields: &Fields<'_>) -> Vec<(String, Node)> {
    fields.rest().into_iter().map(|(key, node)| (key.text.clone(), node.clone())).collect()
}

/// RFC 3986 §2.3: the unreserved characters bare, all others percent-encoded.
fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}
