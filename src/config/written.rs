//! `gateway.yaml` as it is written: every key that there is, and nothing of what it means.
//!
//! No file but this one is touched here. Each reader takes all keys of its mapping before it gives up, so that all faults
//! are reported at once.

use crate::config::admin;
use crate::config::admin::Admin;
use crate::config::audit;
use crate::config::audit::Audit;
use crate::config::backend;
use crate::config::backend::Backend;
use crate::config::clients;
use crate::config::clients::Client;
use crate::config::clients::Clients;
use crate::config::deliver;
use crate::config::deliver::Deliver;
use crate::config::introspection;
use crate::config::introspection::Introspection;
use crate::config::key_sources;
use crate::config::key_sources::Keys;
use crate::config::partner_tokens;
use crate::config::partner_tokens::Token;
use crate::config::sessions;
use crate::config::sessions::Sessions;
use crate::config::settings::AdminPerson;
use crate::config::settings::ListenAddress;
use crate::config::settings::Reload;
use crate::config::token_rules;
use crate::config::units;
use crate::config::values;
use crate::config::values::At;
use crate::config::values::Map;
use crate::config::values::Upstream;
use crate::crypto::Algorithm;
use crate::diagnostic::Place;
use crate::diagnostic::nearest;
use crate::identity::Bind;
use crate::identity::TokenRules;
use crate::limits;
use crate::limits::Limit;
use crate::limits::Limits;
use crate::model::Name;
use crate::model::PublicUrl;
use crate::yaml::Node;
use crate::yaml::Reader;
use crate::yaml::Yaml;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// Where metrics and health are served where the file says nothing.
pub(super) const OPS_ADDRESS: ListenAddress =
    ListenAddress::Bind(SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9464));
/// How long a sign-in token may be valid, in seconds.
pub(super) const SIGN_IN_LIFETIME_S: std::ops::RangeInclusive<u64> = 1..=86_400;

/// How many threads may serve.
pub(super) const WORKERS: std::ops::RangeInclusive<i64> = 1..=1_024;

/// How old the directory may be allowed to grow, in seconds.
pub(super) const DIRECTORY_AGE_S: std::ops::RangeInclusive<u64> = 60..=2_592_000;

pub(super) struct Written {
    pub(super) environment: At<Name>,
    pub(super) public_url: PublicUrl,
    pub(super) workers: Option<NonZeroUsize>,
    pub(super) backend: CallerDoor,
    pub(super) partner_door: Option<CallerDoor>,
    /// The tokens of partners that call operations.
    pub(super) clients: Option<Clients>,
    /// Where the backend takes what comes from partners.
    pub(super) to_backend: Option<Backend>,
    pub(super) ops: Option<At<ListenAddress>>,
    pub(super) admin_socket: Option<At<PathBuf>>,
    pub(super) admin_persons: Option<Vec<AdminPerson>>,
    pub(super) issuers: Vec<Issuer>,
    pub(super) sessions: Sessions,
    pub(super) partners: Vec<Partner>,
    pub(super) policies: Policies,
    pub(super) directory: Directory,
    pub(super) audit: Audit,
    pub(super) store: Store,
    pub(super) limits: Limits,
    pub(super) connections_max_at: Place,
    /// Where the file begins, for what is missing in it.
    pub(super) place: Place,
}

pub(super) struct CallerDoor {
    pub(super) address: At<ListenAddress>,
    pub(super) tls: Tls,
    /// Peers by the names in their certificates; none where the file says nothing.
    pub(super) trace_from: Vec<Box<str>>,
}

/// One or several paths.
pub(super) type Paths = Vec<At<PathBuf>>;

pub(super) struct Tls {
    pub(super) certificate: At<PathBuf>,
    pub(super) key: At<PathBuf>,
    pub(super) roots: At<PathBuf>,
    /// Revocation lists about the other side; empty where none is asked.
    pub(super) crls: Paths,
}

pub(super) struct Issuer {
    pub(super) issuer: At<Box<str>>,
    pub(super) verified_by: VerifiedBy,
    pub(super) audience: Box<str>,
    pub(super) max_lifetime: Duration,
    pub(super) bind: Vec<Bind>,
    pub(super) rules: TokenRules,
}

/// By what an issuer's tokens are known.
pub(super) enum VerifiedBy {
    /// By their signatures, of these algorithms.
    Keys(Keys, Vec<Algorithm>),
    /// By asking it.
    Asking(Box<Introspection>),
}

pub(super) struct Partner {
    pub(super) name: At<Name>,
    pub(super) authority: At<Box<str>>,
    pub(super) upstream: At<Upstream>,
    pub(super) server_name: Option<At<Box<str>>>,
    pub(super) tls: Tls,
    pub(super) token: Token,
    /// The keys of its signatures: the first signs.
    pub(super) signing: Paths,
    pub(super) pseudonym_key: At<PathBuf>,
    pub(super) endpoint: Option<Deliver>,
    pub(super) peer: Option<At<Box<str>>>,
    pub(super) client: Option<Client>,
    pub(super) webhooks: Option<Webhooks>,
}

/// How a partner's events are signed.
pub(super) struct Webhooks {
    pub(super) place: Place,
    pub(super) verify: Paths,
}

pub(super) struct Policies {
    pub(super) directory: At<PathBuf>,
    pub(super) signers: Option<At<PathBuf>>,
    pub(super) reload: Option<Reload>,
    pub(super) place: Place,
}

pub(super) struct Directory {
    pub(super) file: At<PathBuf>,
    pub(super) keys: Option<At<PathBuf>>,
    pub(super) max_age: Option<Duration>,
}

pub(super) struct Store {
    pub(super) path: At<PathBuf>,
    pub(super) key: At<PathBuf>,
}

/// Reads the whole file.
pub(super) fn read(reader: &Reader, root: &Node) -> Option<Written> {
    let map = Map::open(reader, root)?;
    let version = map.need("version", |reader, node| reader.bounded(node, 1, 1));
    let environment = map.need("environment", values::name);
    let public_url = map.need("public_url", values::public_url);
    let workers = map.may("workers", workers);
    let listeners = map.need("listeners", listeners);
    let issuers = map.need("issuers", issuers);
    let sessions = map.need("sessions", sessions::read);
    let clients = map.may("clients", clients::read);
    let to_backend = map.may("backend", backend::read);
    let partners = map.need("partners", partners);
    let policies = map.need("policies", policies);
    let directory = map.need("directory", directory);
    let audit = map.need("audit", audit::read);
    let store = map.need("store", store);
    let limits = map.may("limits", limits);
    map.close();
    let Listeners { backend, partner_door, ops, admin } = listeners?;
    let (admin_socket, admin_persons) = admin.unzip();
    let (limits, connections_max_at) = limits?.unwrap_or((Limits::default(), Place::WHOLE));
    version?;
    Some(Written {
        environment: environment?,
        public_url: public_url?,
        workers: workers?,
        backend,
        partner_door,
        clients: clients?,
        to_backend: to_backend?,
        ops,
        admin_socket,
        admin_persons: admin_persons.flatten(),
        issuers: issuers?,
        sessions: sessions?,
        partners: partners?,
        policies: policies?,
        directory: directory?,
        audit: audit?,
        store: store?,
        limits,
        connections_max_at,
        place: root.place,
    })
}

fn workers(reader: &Reader, node: &Node) -> Option<NonZeroUsize> {
    let count = reader.bounded(node, *WORKERS.start(), *WORKERS.end())?;
    usize::try_from(count).ok().and_then(NonZeroUsize::new)
}

/// How many threads serve where the file says nothing: one for each core.
pub(super) fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

struct Listeners {
    backend: CallerDoor,
    partner_door: Option<CallerDoor>,
    ops: Option<At<ListenAddress>>,
    admin: Option<Admin>,
}

fn listeners(reader: &Reader, node: &Node) -> Option<Listeners> {
    let map = Map::open(reader, node)?;
    let backend = map.need("backend", |reader, node| caller_door(reader, node, true));
    let partner_door = map.may("partner", |reader, node| caller_door(reader, node, false));
    let ops = map.may("ops", |reader, node| {
        let map = Map::open(reader, node)?;
        let address = map.need("address", values::address);
        map.close();
        address
    });
    let admin = map.may("admin", admin::read);
    map.close();
    Some(Listeners { backend: backend?, partner_door: partner_door?, ops: ops?, admin: admin? })
}

/// A door; traces are taken from the backend's peers alone.
fn caller_door(reader: &Reader, node: &Node, traces: bool) -> Option<CallerDoor> {
    let map = Map::open(reader, node)?;
    let address = map.need("address", values::address);
    let tls = map.need("tls", |reader, node| tls(reader, node, "client_ca"));
    let trace_from = if traces { map.may("trace_from", peers) } else { Some(None) };
    map.close();
    Some(CallerDoor { address: address?, tls: tls?, trace_from: trace_from?.unwrap_or_default() })
}

pub(super) fn tls(reader: &Reader, node: &Node, roots: &'static str) -> Option<Tls> {
    let map = Map::open(reader, node)?;
    let certificate = map.need("certificate", values::path);
    let key = map.need("key", values::path);
    let crls = map.may("crl", paths);
    let roots = map.need(roots, values::path);
    map.close();
    Some(Tls { certificate: certificate?, key: key?, roots: roots?, crls: crls?.unwrap_or_default() })
}

/// Names of peers, at least one.
fn peers(reader: &Reader, node: &Node) -> Option<Vec<Box<str>>> {
    let items = reader.list(node)?;
    if items.is_empty() {
        return values::fault(
            reader,
            node,
            "empty-list",
            "this list needs an entry",
            Some("leave it out to trust nobody"),
        );
    }
    items.iter().map(|item| values::text(reader, item)).collect()
}

/// A path, or a list of paths that is not empty.
pub(super) fn paths(reader: &Reader, node: &Node) -> Option<Paths> {
    if !matches!(node.value, Yaml::List(_)) {
        return values::path(reader, node).map(|path| vec![path]);
    }
    let items = reader.list(node)?;
    if items.is_empty() {
        return values::fault(reader, node, "empty-list", "this list needs an entry", None);
    }
    items.iter().map(|item| values::path(reader, item)).collect()
}

fn issuers(reader: &Reader, node: &Node) -> Option<Vec<Issuer>> {
    let items = reader.list(node)?;
    let read: Vec<_> = items.iter().map(|item| issuer(reader, item)).collect();
    read.into_iter().collect()
}

/// A sign-in issuer, which says how its tokens are bound to who sends them.
fn issuer(reader: &Reader, node: &Node) -> Option<Issuer> {
    let map = Map::open(reader, node)?;
    let issuer = map.need("issuer", |reader, node| Some(At { place: node.place, value: values::text(reader, node)? }));
    let keys = map.may("jwks", key_sources::read);
    let introspection = map.may("introspection", introspection::read);
    let audience = map.need("audience", values::text);
    let algorithms = map.may("algorithms", |reader, node| Some((algorithms(reader, node)?, node.place)));
    let max_lifetime = map.need("max_lifetime", values::seconds(SIGN_IN_LIFETIME_S));
    let bind = map.need("bind", bindings);
    let rules = token_rules::read(&map);
    map.close();
    let (rules, types_at) = rules?;
    let (algorithms, algorithms_at) = algorithms?.unzip();
    let verified_by = verified_by(reader, node, (keys?, algorithms), introspection?, algorithms_at.or(types_at));
    Some(Issuer {
        issuer: issuer?,
        verified_by: verified_by?,
        audience: audience?,
        max_lifetime: max_lifetime?,
        bind: bind?,
        rules,
    })
}

/// One of the two: keys and their algorithms, or asking; beside that, nothing that is about signed tokens, as `of_signed` is.
fn verified_by(
    reader: &Reader,
    node: &Node,
    (keys, algorithms): (Option<Keys>, Option<Vec<Algorithm>>),
    introspection: Option<Introspection>,
    of_signed: Option<Place>,
) -> Option<VerifiedBy> {
    match (keys, algorithms, introspection) {
        (Some(keys), Some(algorithms), None) => Some(VerifiedBy::Keys(keys, algorithms)),
        (Some(_), None, None) => {
            let help = "list the signatures that its tokens may have, for instance `[ES256]`";
            values::fault(reader, node, "missing-key", "`algorithms` is missing", Some(help))
        }
        (None, _, None) => {
            let message = "the issuer has neither `jwks` nor `introspection`";
            let help = "add `jwks` (its tokens are verified by its keys), or `introspection` (it is asked about each)";
            values::fault(reader, node, "missing-key", message, Some(help))
        }
        (Some(_), _, Some(_)) => {
            let message = "the issuer has `jwks` and `introspection`";
            let help = "keep one: its tokens are verified by its keys, or it is asked about each";
            values::fault(reader, node, "two-key-sources", message, Some(help))
        }
        (None, _, Some(introspection)) => match of_signed {
            Some(place) => {
                let message =
                    "`algorithms` and `token_types` are of signed tokens, and this issuer is asked about each";
                let fault = reader.source().fault("without-effect", place, message);
                reader.report(fault.help("take it out"));
                None
            }
            None => Some(VerifiedBy::Asking(Box::new(introspection))),
        },
    }
}

fn algorithms(reader: &Reader, node: &Node) -> Option<Vec<Algorithm>> {
    words_of(reader, node, &Algorithm::ALL.map(|algorithm| (algorithm.name(), algorithm)))
}

/// How an issuer's tokens may be bound: `mtls` (RFC 8705 §3), `dpop` (RFC 9449 §6). Written out, so that a file says what it
/// relies on.
fn bindings(reader: &Reader, node: &Node) -> Option<Vec<Bind>> {
    words_of(reader, node, &Bind::ALL.map(|bind| (bind.word(), bind)))
}

/// A list of words, not empty, none twice.
pub(super) fn words_of<T: Copy>(reader: &Reader, node: &Node, words: &[(&str, T)]) -> Option<Vec<T>> {
    let items = reader.list(node)?;
    if items.is_empty() {
        return values::fault(
            reader,
            node,
            "empty-list",
            "this list needs an entry",
            Some("an empty list would let nothing through"),
        );
    }
    let mut found = Vec::new();
    for (index, item) in items.iter().enumerate() {
        found.push(reader.word(item, words));
        if items.iter().take(index).any(|earlier| earlier.value == item.value) {
            let fault = reader.source().fault("twice", item.place, "this entry stands here twice");
            reader.report(fault.help("keep one of them"));
        }
    }
    found.into_iter().collect()
}

fn partners(reader: &Reader, node: &Node) -> Option<Vec<Partner>> {
    let map = Map::open(reader, node)?;
    let read: Vec<_> = map.rest().into_iter().map(|(key, node)| partner(reader, key, node)).collect();
    map.close();
    if read.is_empty() {
        return values::fault(
            reader,
            node,
            "empty-mapping",
            "there is no partner",
            Some("add `<name>: {authority: .., upstream: .., ..}`"),
        );
    }
    read.into_iter().collect()
}

fn partner(reader: &Reader, key: &crate::yaml::Key, node: &Node) -> Option<Partner> {
    let name = match Name::new(&key.text) {
        Ok(value) => Some(At { place: key.place, value }),
        Err(error) => {
            let fault = reader.source().fault("malformed-name", key.place, error.to_string());
            reader.report(fault.help(values::NAME));
            None
        }
    };
    let map = Map::open(reader, node)?;
    let authority = map.need("authority", values::host_name);
    let upstream = map.need("upstream", values::upstream);
    let server_name = map.may("server_name", values::host_name);
    let tls = map.need("tls", |reader, node| tls(reader, node, "ca"));
    let token = map.need("token", partner_tokens::read);
    let signing = map.need("signing", signing);
    let pseudonym_key = map.need("pseudonym_key", values::path);
    let peer = map.may("peer", values::peer_name);
    let client = map.may("client", clients::read_client);
    let webhooks = map.may("webhooks", webhooks);
    map.close();
    let (endpoint, webhooks) = webhooks?.unwrap_or_default();
    Some(Partner {
        name: name?,
        authority: authority?,
        upstream: upstream?,
        server_name: server_name?,
        tls: tls?,
        token: token?,
        signing: signing?,
        pseudonym_key: pseudonym_key?,
        endpoint,
        peer: peer?,
        client: client?,
        webhooks,
    })
}

/// Where a partner takes events, and how it signs those that it sends.
fn webhooks(reader: &Reader, node: &Node) -> Option<(Option<Deliver>, Option<Webhooks>)> {
    let map = Map::open(reader, node)?;
    let endpoint = deliver::read(reader, &map, node);
    let verify = map.may("verify", paths);
    map.close();
    Some((endpoint?, verify?.map(|verify| Webhooks { place: node.place, verify })))
}

/// What signs the requests to a partner.
fn signing(reader: &Reader, node: &Node) -> Option<Paths> {
    let map = Map::open(reader, node)?;
    let keys = map.need("key", paths);
    map.close();
    keys
}

/// The bundle, who signs it, and when a changed one is taken up.
fn policies(reader: &Reader, node: &Node) -> Option<Policies> {
    let map = Map::open(reader, node)?;
    let directory = map.need("directory", values::path);
    let signers = map.may("signers", values::path);
    let reload = map.may("reload", |reader, node| reader.word(node, &Reload::WORDS));
    map.close();
    Some(Policies { directory: directory?, signers: signers?, reload: reload?, place: node.place })
}

/// Whoever sends updates says how old one may grow; the file may be so bounded, too.
fn directory(reader: &Reader, node: &Node) -> Option<Directory> {
    let map = Map::open(reader, node)?;
    let file = map.need("file", values::path);
    let keys = map.may("jwks", |reader, node| one_path(reader, node, "file"));
    let max_age = map.may("max_age", values::age(DIRECTORY_AGE_S));
    map.close();
    let (file, keys, max_age) = (file?, keys?, max_age?);
    if keys.is_some() && max_age.is_none() {
        let message = "a directory that is kept up to date says how old it may grow";
        let help = "add `max_age`, for instance `24h`: beyond it nothing moves until an update comes";
        return values::fault(reader, node, "missing-key", message, Some(help));
    }
    Some(Directory { file, keys, max_age })
}

fn store(reader: &Reader, node: &Node) -> Option<Store> {
    let map = Map::open(reader, node)?;
    let path = map.need("sqlite", |reader, node| one_path(reader, node, "path"));
    let key = map.need("key", values::path);
    map.close();
    Some(Store { path: path?, key: key? })
}

/// A mapping of one key, which is a path.
pub(super) fn one_path(reader: &Reader, node: &Node, key: &'static str) -> Option<At<PathBuf>> {
    let map = Map::open(reader, node)?;
    let path = map.need(key, values::path);
    map.close();
    path
}

/// The limits that the file sets, over the defaults.
fn limits(reader: &Reader, node: &Node) -> Option<(Limits, Place)> {
    let map = Map::open(reader, node)?;
    let (mut limits, mut connections_max_at) = (Limits::default(), Place::WHOLE);
    for (key, node) in map.rest() {
        let Some(row) = limits::TABLE.iter().find(|row| row.name == key.text) else {
            let fault = reader.source().fault("unknown-key", key.place, format!("unknown limit `{}`", key.text));
            let near = nearest(&key.text, limits::TABLE.iter().map(|row| row.name));
            reader.report(match near {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault,
            });
            continue;
        };
        if row.name == "connections_max" {
            connections_max_at = key.place;
        }
        let value = limit(reader, row, node);
        if let (Some(field), Some(value)) = (limits.field(row.name), value) {
            *field = value;
        }
    }
    map.close();
    // A command holds its body, and before its intent the longest answer: without room for both nothing could ever be sent.
    let whole = limits.body_max_bytes.saturating_add(limits.answer_max_bytes);
    if limits.bytes_in_flight_max < whole {
        let message = format!("`bytes_in_flight_max` holds no body and answer together: {}", units::size_text(whole));
        return values::fault(reader, node, "no-room-for-one", &message, Some("raise it, or lower `answer_max_bytes`"));
    }
    Some((limits, connections_max_at))
}

/// One limit in its unit, which its name tells.
fn limit(reader: &Reader, row: &Limit, node: &Node) -> Option<u64> {
    let millis = |text: &str| units::duration(text).and_then(|duration| u64::try_from(duration.as_millis()).ok());
    let (value, written): (_, fn(u64) -> String) = if row.name.ends_with("_ms") {
        (millis(reader.text(node)?), units::duration_text)
    } else if row.name.ends_with("_s") {
        let whole = millis(reader.text(node)?).filter(|millis| millis.is_multiple_of(1_000));
        (whole.map(|millis| millis / 1_000), |seconds| units::duration_text(seconds.saturating_mul(1_000)))
    } else if row.name.contains("bytes") {
        (units::size(reader.text(node)?), units::size_text)
    } else {
        (u64::try_from(reader.integer(node)?).ok(), |number| number.to_string())
    };
    let Some(value) = value else {
        let help = format!("for instance `{}`, the default", written(row.default));
        return values::fault(reader, node, "malformed-limit", "a limit is a whole number and its unit", Some(&help));
    };
    if (row.low..=row.high).contains(&value) {
        return Some(value);
    }
    let message = format!("`{}` is not within {} to {}", written(value), written(row.low), written(row.high));
    let help = format!("the default is {}; beyond a limit: {}", written(row.default), row.beyond);
    values::fault(reader, node, "out-of-bounds", &message, Some(&help))
}
