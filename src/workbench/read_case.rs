//! From a case's mapping to its meaning.

use crate::bundle::Bundle;
use crate::clock::UnixMillis;
use crate::directory::Directory;
use crate::identity::TokenKind;
use crate::model::Direction;
use crate::model::Hours;
use crate::model::Name;
use crate::model::ResourceId;
use crate::model::RightKind;
use crate::model::TenantId;
use crate::model::Window;
use crate::model::Zone;
use crate::pipeline::RevocationKind;
use crate::workbench::case::Asks;
use crate::workbench::case::Case;
use crate::workbench::case::CaseCaller;
use crate::workbench::case::CaseRight;
use crate::workbench::case::CaseToken;
use crate::workbench::layers::Layered;
use crate::workbench::pattern::Pattern;
use crate::yaml::Key;
use crate::yaml::Node;
use crate::yaml::Reader;
use crate::yaml::Yaml;
use std::sync::Arc;

/// A token's lifetime where a case names none, in seconds.
const TOKEN_LIFETIME_S: u64 = 300;

/// The longest age or lifetime that a case may name, in seconds: a year.
const LONGEST_S: u64 = 366 * 86_400;

/// What reads cases, and remembers the directories that many of them share.
pub(super) struct Readers<'r> {
    pub(super) reader: &'r Reader,
    pub(super) bundle: &'r Bundle,
    directories: Vec<(Node, Option<Arc<Directory>>)>,
}

impl<'r> Readers<'r> {
    pub(super) const fn new(reader: &'r Reader, bundle: &'r Bundle) -> Self {
        Self { reader, bundle, directories: Vec::new() }
    }

    /// The case, unless something is wrong with it.
    pub(super) fn case(&mut self, layered: &Layered) -> Option<Case> {
        let fields = self.reader.fields(&layered.node)?;
        let at = fields.required("time").and_then(|node| self.time(node));
        let directory = fields.required("directory").and_then(|node| self.directory(node));
        let revoked = fields.optional("revoked").map(|node| self.revoked(node));
        let caller = fields.optional("caller");
        let who = caller.map(|node| self.caller(node));
        let asked = [
            ("request", fields.optional("request")),
            ("event", fields.optional("event")),
            ("revocation", fields.optional("revocation")),
            ("directory_update", fields.optional("directory_update")),
            ("session", fields.optional("session")),
        ];
        let asked: Vec<(&str, &Node)> = asked.into_iter().filter_map(|(what, node)| Some((what, node?))).collect();
        let answer = fields.optional("answer");
        let expect = fields.required("expect");
        fields.finish();
        let (at, directory) = (at?, directory?);
        let asks = self.asks(layered, &asked, at);
        let tenant = asks.as_ref().and_then(|asks| tenant_of(asks, &directory));
        let answer = answer.map(|node| self.answer(node, tenant.as_ref()));
        let answer = answer.map_or(Some(None), |answer| answer.map(Some));
        let expect = expect.and_then(|node| self.expectation(node, tenant.as_ref()));
        let asks = with_tenant(asks?, tenant);
        let caller = match who {
            Some(who) => who?,
            // A partner's event comes from the partner; nobody else calls without a name.
            None => match &asks {
                Asks::Event { partner, direction: Direction::Inbound, .. } => {
                    CaseCaller { peer: format!("spiffe://{partner}.example/events"), token: None, client: None }
                }
                _ => {
                    let fault = self.reader.source().fault("missing-key", layered.place, "the key `caller` is missing");
                    self.reader.report(fault.help("add `caller: {peer: spiffe://…}`, and its token if there is one"));
                    return None;
                }
            },
        };
        let (name, place) = (layered.name.clone(), layered.place);
        let source = self.reader.source().clone();
        let revoked = revoked.unwrap_or_default();
        Some(Case { name, source, place, at, directory, revoked, caller, asks, answer: answer?, expect: expect? })
    }

    /// An instant: in UTC, or as the clocks of a zone show it.
    fn time(&self, node: &Node) -> Option<UnixMillis> {
        let text = self.reader.text(node)?;
        let at = match text.split_once(' ') {
            Some((clocks, zone)) => Zone::named(zone).and_then(|zone| zone.unix_millis(clocks)).map(UnixMillis::new),
            None => UnixMillis::parse(text),
        };
        if at.is_none() {
            let fault = self.reader.source().fault("not-an-instant", node.place, format!("`{text}` is no instant"));
            let help =
                "for instance `2026-11-27T09:00:00Z`, or by the clocks of a zone `2026-11-27T12:00 Europe/Moscow`";
            self.reader.report(fault.help(help));
        }
        at
    }

    fn directory(&mut self, node: &Node) -> Option<Arc<Directory>> {
        if let Some((_, known)) = self.directories.iter().find(|(known, _)| known == node) {
            return known.clone();
        }
        let read = Directory::read(self.reader, &with_defaults(node)).map(Arc::new);
        self.directories.push((node.clone(), read.clone()));
        read
    }

    fn revoked(&self, node: &Node) -> Vec<(RevocationKind, Option<TenantId>, String)> {
        let read = |item: &Node| {
            let fields = self.reader.fields(item)?;
            let kinds = RevocationKind::ALL.map(|kind| (kind.word(), kind));
            let kind = fields.required("kind").and_then(|node| self.reader.word(node, &kinds));
            let value = fields.required("value").and_then(|node| self.text(node));
            let tenant = fields.optional("tenant").map(|node| self.name(node));
            fields.finish();
            Some((kind?, tenant.map_or(Some(None), |tenant| tenant.map(Some))?, value?))
        };
        self.reader.list(node).unwrap_or_default().iter().filter_map(read).collect()
    }

    fn caller(&self, node: &Node) -> Option<CaseCaller> {
        let fields = self.reader.fields(node)?;
        let peer = fields.required("peer").and_then(|node| self.text(node));
        let token = fields.optional("token");
        let token = token.map(|node| self.token(node, peer.as_deref().unwrap_or_default()));
        let client = fields.optional("client").map(|node| {
            let fields = self.reader.fields(node)?;
            let scopes = fields.required("scopes").map(|node| self.texts(node));
            fields.finish();
            scopes
        });
        fields.finish();
        let token = match token {
            Some(token) => Some(token?),
            None => None,
        };
        let client = client.map_or(Some(None), |scopes| scopes.map(Some))?;
        Some(CaseCaller { peer: peer?, token, client })
    }

    fn token(&self, node: &Node, peer: &str) -> Option<CaseToken> {
        let fields = self.reader.fields(node)?;
        let text = |key| fields.optional(key).and_then(|node| self.text(node));
        let kinds = [("session", TokenKind::Session), ("sign-in", TokenKind::SignIn)];
        let kind = fields.required("kind").and_then(|node| self.reader.word(node, &kinds));
        let subject = fields.required("subject").and_then(|node| self.text(node));
        let texts = |key| fields.optional(key).map(|node| self.texts(node)).unwrap_or_default();
        let (roles, scopes, amr, houses) = (texts("roles"), texts("scopes"), texts("amr"), texts("houses"));
        let rights = fields.optional("rights").and_then(|node| self.reader.list(node)).unwrap_or_default();
        let rights = rights.iter().filter_map(|node| self.right(node)).collect();
        let seconds = |key| fields.optional(key).and_then(|node| self.seconds(node));
        let auth_age_s = seconds("auth_age");
        let (age_s, lifetime_s) = (seconds("age").unwrap_or(0), seconds("lifetime").unwrap_or(TOKEN_LIFETIME_S));
        let bound_to = match fields.optional("bound_to") {
            None => Some(peer.to_owned()),
            Some(node) => self.text(node).filter(|word| word != "nobody"),
        };
        let token = CaseToken {
            kind: kind.unwrap_or(TokenKind::SignIn),
            issuer: text("issuer"),
            subject: subject.clone().unwrap_or_default(),
            tenant: text("tenant"),
            roles,
            scopes,
            acr: text("acr"),
            amr,
            auth_age_s,
            rights,
            houses,
            device: text("device"),
            car: text("car"),
            session: text("session"),
            client: text("client").unwrap_or_else(|| "case-app".to_owned()),
            id: text("id").unwrap_or_else(|| "case-token".to_owned()),
            age_s,
            lifetime_s,
            bound_to,
        };
        fields.finish();
        kind.and(subject).map(|_| token)
    }

    pub(super) fn right(&self, node: &Node) -> Option<CaseRight> {
        let fields = self.reader.fields(node)?;
        let kinds = RightKind::ALL.map(|kind| (kind.word(), kind));
        let kind = fields.required("type").and_then(|node| self.reader.word(node, &kinds));
        let actions = fields.required("actions").map(|node| self.texts(node));
        let house = fields.required("house").and_then(|node| self.text(node));
        let one = kind.and_then(RightKind::thing).and_then(|member| fields.optional(member));
        let several = kind.and_then(RightKind::things).and_then(|member| fields.optional(member));
        let mut things: Vec<String> = one.and_then(|node| self.text(node)).into_iter().collect();
        things.extend(several.map(|node| self.texts(node)).unwrap_or_default());
        let moment = |key| fields.optional(key).and_then(|node| self.time(node)).map(|at| at.seconds().get());
        let (not_before, not_after) = (moment("not_before"), moment("not_after"));
        let hours = fields.optional("hours").and_then(|node| self.reader.list(node)).unwrap_or_default();
        let hours = hours.iter().filter_map(|node| self.hours(node)).collect();
        let grant = fields.optional("grant").and_then(|node| self.text(node));
        fields.finish();
        let window = Window { not_before, not_after, hours };
        Some(CaseRight { kind: kind?, actions: actions?, house: house?, things, window, grant })
    }

    /// Hours of the week: `{days: [1, 5], from: "08:00", until: "20:00"}`.
    fn hours(&self, node: &Node) -> Option<Hours> {
        let fields = self.reader.fields(node)?;
        let days = fields.required("days").map(|node| self.texts(node));
        let from = fields.required("from").and_then(|node| self.text(node));
        let until = fields.required("until").and_then(|node| self.text(node));
        fields.finish();
        let (days, from, until) = (days?, from?, until?);
        let numbers: Option<Vec<u8>> = days.iter().map(|day| day.parse().ok()).collect();
        let hours = numbers.and_then(|days| Hours::between(&days, &from, &until));
        if hours.is_none() {
            let help = "for instance `{days: [1, 2, 3, 4, 5], from: \"08:00\", until: \"20:00\"}`, 1 being Monday";
            self.fault("not-hours", node, "these are no hours of the week".to_owned(), help);
        }
        hours
    }

    /// Text, or a number that is meant as text.
    pub(super) fn text(&self, node: &Node) -> Option<String> {
        match &node.value {
            Yaml::Integer(number) => Some(number.to_string()),
            _ => self.reader.text(node).map(str::to_owned),
        }
    }

    pub(super) fn texts(&self, node: &Node) -> Vec<String> {
        self.reader.list(node).unwrap_or_default().iter().filter_map(|item| self.text(item)).collect()
    }

    pub(super) fn name(&self, node: &Node) -> Option<Name> {
        let text = self.text(node)?;
        Name::new(&text)
            .map_err(|fault| {
                let fault = self.reader.source().fault("not-a-name", node.place, fault.to_string());
                self.reader.report(fault.help("for instance `north`, with at most 64 characters"));
            })
            .ok()
    }

    /// A time span: `10s`, `5m`, `2h`, `1d`.
    pub(super) fn seconds(&self, node: &Node) -> Option<u64> {
        let text = self.reader.text(node)?;
        let (digits, unit) = text.split_at_checked(text.len().saturating_sub(1)).unwrap_or_default();
        let each = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)].iter().find(|(word, _)| *word == unit);
        let number = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let span =
            number.and_then(|digits| digits.parse::<u64>().ok()).zip(each).map(|(n, (_, s))| n.saturating_mul(*s));
        let span = span.filter(|span| *span <= LONGEST_S);
        if span.is_none() {
            let message = format!("`{text}` is no time span of at most a year");
            let fault = self.reader.source().fault("not-a-time-span", node.place, message);
            self.reader.report(fault.help("for instance `10s`, `5m`, `2h`"));
        }
        span
    }

    pub(super) fn fault(&self, code: &'static str, node: &Node, message: String, help: &str) {
        self.reader.report(self.reader.source().fault(code, node.place, message).help(help));
    }
}

/// A directory's mapping with what the file of one must say and a case need not.
fn with_defaults(node: &Node) -> Node {
    let Yaml::Map(entries) = &node.value else { return node.clone() };
    let mut entries = entries.clone();
    for key in ["version", "revision"] {
        if !entries.iter().any(|(known, _)| known.text == key) {
            let value = Node { place: node.place, value: Yaml::Integer(1) };
            entries.push((Key { place: node.place, text: key.to_owned() }, value));
        }
    }
    Node { place: node.place, value: Yaml::Map(entries) }
}

/// The tenant of the house that is asked for, if all houses that are named are of one.
fn tenant_of(asks: &Asks, directory: &Directory) -> Option<TenantId> {
    let body;
    let mut texts: Vec<&str> = Vec::new();
    match asks {
        Asks::Request { target, body: bytes, .. } => {
            let path = target.split_once('?').map_or(target.as_str(), |(path, _)| path);
            texts.extend(path.split('/'));
            body = crate::json::parse(bytes, crate::json::Limits::default()).ok().map(Pattern::Plain);
            if let Some(body) = &body {
                body.texts(&mut texts);
            }
        }
        Asks::Event { body, .. } => body.texts(&mut texts),
    }
    let house = |text: &&str| {
        let id = ResourceId { kind: "House".into(), parts: [Box::from(*text)].into() };
        directory.locate(&id).map(|located| located.tenant)
    };
    let mut tenants: Vec<TenantId> = texts.iter().filter_map(house).collect();
    tenants.dedup();
    match tenants.as_slice() {
        [tenant] => Some(tenant.clone()),
        _ => None,
    }
}

fn with_tenant(asks: Asks, of_house: Option<TenantId>) -> Asks {
    match asks {
        Asks::Event { partner, direction, id, body, signed, tenant } => {
            Asks::Event { partner, direction, id, body, signed, tenant: tenant.or(of_house) }
        }
        request @ Asks::Request { .. } => request,
    }
}
