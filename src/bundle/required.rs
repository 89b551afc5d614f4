//! `requirements.yaml` as it is written: every key that there is. What they demand of a configuration, `requirements.rs` says.

use crate::diagnostic::Place;
use crate::model::Name;
use crate::model::PartnerName;
use crate::model::Role;
use crate::model::Sha256;
use crate::yaml::Node;
use crate::yaml::Reader;
use crate::yaml::Yaml;

/// How a token can be bound to who sends it: by the certificate that it names (RFC 8705 §3).
pub(super) const BINDINGS: [(&str, &str); 2] = [("mtls", "mtls"), ("dpop", "dpop")];

/// Everything that is required, each with its place.
pub(super) struct Required {
    pub(super) environment: (Name, Place),
    pub(super) issuers: (Vec<RequiredIssuer>, Place),
    pub(super) sessions: RequiredIssuer,
    pub(super) partners: (Vec<(PartnerName, RequiredHosts)>, Place),
    pub(super) backend: Option<RequiredHosts>,
    pub(super) clients: RequiredClients,
    pub(super) roles: Vec<(Role, Place)>,
    pub(super) softeners: Vec<Softener>,
}

/// Key, value and place of a setting that may be softer than its default.
pub(super) type Softener = (Box<str>, Box<str>, Place);

/// Whose tokens may be accepted.
pub(super) struct RequiredIssuer {
    pub(super) issuer: Box<str>,
    /// How they must be bound, all of it.
    pub(super) bind: Vec<&'static str>,
    /// Where its keys may be fetched; anywhere where nothing is said.
    pub(super) hosts: Option<Vec<Box<str>>>,
    /// Who may certify that place.
    pub(super) authorities: Option<Pins>,
    pub(super) place: Place,
}

/// Where data may go.
pub(super) struct RequiredHosts {
    pub(super) hosts: Vec<Box<str>>,
    pub(super) authorities: Option<Pins>,
    pub(super) place: Place,
}

/// Digests of certificates or of their public keys.
pub(super) struct Pins {
    pub(super) digests: Vec<Sha256>,
    pub(super) place: Place,
}

/// Who may certify those who call.
#[derive(Default)]
pub(super) struct RequiredClients {
    pub(super) backend: Option<Pins>,
    pub(super) partner: Option<Pins>,
}

/// Reads the whole file; all faults go to `reader`.
pub(super) fn read(reader: &Reader, root: &Node) -> Option<Required> {
    let fields = reader.fields(root)?;
    let version = fields.required("version").and_then(|node| reader.bounded(node, 1, 1));
    let environment = fields
        .required("environment")
        .and_then(|node| Some((name(reader, node.place, reader.text(node)?)?, node.place)));
    let issuers = fields.required("issuers").and_then(|node| Some((issuers(reader, node)?, node.place)));
    let sessions = fields.required("sessions").and_then(|node| issuer(reader, node));
    let partners = fields.required("partners").and_then(|node| Some((partners(reader, node)?, node.place)));
    let backend = may(fields.optional("backend"), |node| hosts(reader, node, node.place));
    let clients = may(fields.optional("client_ca"), |node| clients(reader, node));
    let roles = may(fields.optional("roles"), |node| roles(reader, node));
    let softeners = may(fields.optional("softeners"), |node| softeners(reader, node));
    fields.finish();
    version?;
    Some(Required {
        environment: environment?,
        issuers: issuers?,
        sessions: sessions?,
        partners: partners?,
        backend: backend?,
        clients: clients?.unwrap_or_default(),
        roles: roles?.unwrap_or_default(),
        softeners: softeners?.unwrap_or_default(),
    })
}

/// What may be absent: the outer `None` is a fault, the inner one absence.
#[expect(clippy::option_option, reason = "a fault and absence are two things")]
fn may<T>(node: Option<&Node>, read: impl FnOnce(&Node) -> Option<T>) -> Option<Option<T>> {
    match node {
        None => Some(None),
        Some(node) => read(node).map(Some),
    }
}

/// Each by its name or with how it is bound; none where nobody signs in.
fn issuers(reader: &Reader, node: &Node) -> Option<Vec<RequiredIssuer>> {
    let read: Vec<_> = reader.list(node)?.iter().map(|item| issuer(reader, item)).collect();
    let mut found: Vec<RequiredIssuer> = Vec::new();
    for issuer in read {
        let issuer = issuer?;
        if found.iter().any(|known| known.issuer == issuer.issuer) {
            twice(reader, issuer.place, &issuer.issuer);
        }
        found.push(issuer);
    }
    Some(found)
}

/// An issuer by its name, whose tokens may then be bound in any way that there is, or with the ways in which they may.
fn issuer(reader: &Reader, node: &Node) -> Option<RequiredIssuer> {
    if let Yaml::Text(text) = &node.value {
        let (hosts, authorities) = (None, None);
        let (issuer, bind) = (text.as_str().into(), BINDINGS.map(|(word, _)| word).to_vec());
        return Some(RequiredIssuer { issuer, bind, hosts, authorities, place: node.place });
    }
    let fields = reader.fields(node)?;
    let issuer = fields.required("issuer").and_then(|node| reader.text(node));
    let bind = fields.required("bind").and_then(|node| {
        let words: Vec<_> = filled(reader, node)?.iter().map(|item| reader.word(item, &BINDINGS)).collect();
        words.into_iter().collect()
    });
    let hosts = may(fields.optional("hosts"), |node| texts(reader, node));
    let authorities = may(fields.optional("ca"), |node| pins(reader, node));
    fields.finish();
    let (hosts, authorities) = (hosts?, authorities?);
    Some(RequiredIssuer { issuer: issuer?.into(), bind: bind?, hosts, authorities, place: node.place })
}

fn partners(reader: &Reader, node: &Node) -> Option<Vec<(PartnerName, RequiredHosts)>> {
    let fields = reader.fields(node)?;
    let read: Vec<_> = fields
        .rest()
        .into_iter()
        .map(|(key, node)| name(reader, key.place, &key.text).zip(hosts(reader, node, key.place)))
        .collect();
    fields.finish();
    read.into_iter().collect()
}

fn hosts(reader: &Reader, node: &Node, place: Place) -> Option<RequiredHosts> {
    let fields = reader.fields(node)?;
    let hosts = fields.required("hosts").and_then(|node| texts(reader, node));
    let authorities = may(fields.optional("ca"), |node| pins(reader, node));
    fields.finish();
    Some(RequiredHosts { hosts: hosts?, authorities: authorities?, place })
}

fn clients(reader: &Reader, node: &Node) -> Option<RequiredClients> {
    let fields = reader.fields(node)?;
    let backend = may(fields.optional("backend"), |node| pins(reader, node));
    let partner = may(fields.optional("partner"), |node| pins(reader, node));
    fields.finish();
    Some(RequiredClients { backend: backend?, partner: partner? })
}

fn roles(reader: &Reader, node: &Node) -> Option<Vec<(Role, Place)>> {
    let words = Role::ALL.map(|role| (role.word(), role));
    let read: Vec<_> =
        filled(reader, node)?.iter().map(|item| Some((reader.word(item, &words)?, item.place))).collect();
    read.into_iter().collect()
}

fn softeners(reader: &Reader, node: &Node) -> Option<Vec<Softener>> {
    let fields = reader.fields(node)?;
    let value = |node: &Node| match &node.value {
        Yaml::Integer(number) => Some(number.to_string()),
        Yaml::Text(text) => Some(text.clone()),
        _ => reader.wrong_type(node, "text or a whole number"),
    };
    let read = fields.rest().into_iter();
    let read: Vec<_> =
        read.map(|(key, node)| Some((key.text.as_str().into(), value(node)?.into(), key.place))).collect();
    fields.finish();
    read.into_iter().collect()
}

/// A list of SHA-256 in hexadecimal, as `openssl` prints them: with colons or without, in either case.
fn pins(reader: &Reader, node: &Node) -> Option<Pins> {
    let read: Vec<_> = filled(reader, node)?.iter().map(|item| pin(reader, item)).collect();
    Some(Pins { digests: read.into_iter().collect::<Option<_>>()?, place: node.place })
}

fn pin(reader: &Reader, node: &Node) -> Option<Sha256> {
    let text = reader.text(node)?;
    let pairs: Vec<&str> = text.split(':').collect();
    let is_plain = pairs.len() == 1 || pairs.len() == 32 && pairs.iter().all(|pair| pair.len() == 2);
    let digest = Sha256::from_hex(&text.replace(':', "").to_ascii_lowercase()).filter(|_| is_plain);
    if digest.is_none() {
        let fault = reader.source().fault("malformed-pin", node.place, "this is no SHA-256 in hexadecimal");
        reader.report(fault.help("`openssl x509 -in CA -noout -fingerprint -sha256` prints that of a certificate"));
    }
    digest
}

/// A list of texts, not empty, none twice.
fn texts(reader: &Reader, node: &Node) -> Option<Vec<Box<str>>> {
    let mut found: Vec<Box<str>> = Vec::new();
    for item in filled(reader, node)? {
        let text = reader.text(item)?;
        if found.iter().any(|known| **known == *text) {
            twice(reader, item.place, text);
        }
        found.push(text.into());
    }
    Some(found)
}

/// A list; an empty one is reported.
fn filled<'n>(reader: &Reader, node: &'n Node) -> Option<&'n [Node]> {
    let items = reader.list(node)?;
    if items.is_empty() {
        let fault = reader.source().fault("empty-list", node.place, "this list needs an entry");
        reader.report(fault.help("write down what is approved"));
    }
    Some(items)
}

fn twice(reader: &Reader, place: Place, text: &str) {
    let fault = reader.source().fault("twice", place, format!("`{text}` stands here twice"));
    reader.report(fault.help("keep one of them"));
}

fn name(reader: &Reader, place: Place, text: &str) -> Option<Name> {
    match Name::new(text) {
        Ok(name) => Some(name),
        Err(error) => {
            let fault = reader.source().fault("malformed-name", place, error.to_string());
            reader.report(fault.help("for instance `smarthome`, with at most 64 characters"));
            None
        }
    }
}
