//! Every key of `gateway.yaml` in words: what it takes, what applies where it is absent, what it does. The limits explain
//! themselves, in their own table.
//!
//! That this list has exactly the keys that the reader asks for, `tests/it/config.rs` sees to, and that the documentation
//! has them too.

mod words;

pub use words::Absent;
pub use words::Takes;

use crate::audit::LEAST_AGE_S;
use crate::audit::LONGEST_AGE_S;
use crate::config::audit::RESERVE_BYTES;
use crate::config::audit::SEGMENT_AGE_S;
use crate::config::audit::SEGMENT_BYTES;
use crate::config::clients;
use crate::config::exports::IN_FILES;
use crate::config::exports::IN_SYSLOG;
use crate::config::introspection::ANSWERS_KEPT_S;
use crate::config::key_sources::KEYS_KEPT_S;
use crate::config::partner_tokens::FETCH_TIME_S;
use crate::config::partner_tokens::FETCHED_LIFETIME_S;
use crate::config::partner_tokens::MINTED_LIFETIME_S;
use crate::config::sessions::LIFETIME_S as SESSION_LIFETIME_S;
use crate::config::softeners::in_unit;
use crate::config::token_rules::SKEW_S;
use crate::config::written::DIRECTORY_AGE_S;
use crate::config::written::SIGN_IN_LIFETIME_S;
use crate::config::written::WORKERS;
use crate::limits::Limit;
use crate::limits::TABLE;

/// One key that is no limit.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its path: `[]` for the items of a list, `<name>` for names that the operator chooses.
    pub path: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// What applies where it is absent.
    pub absent: Absent,
    /// What it does.
    pub effect: &'static str,
}

/// A key in words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Explained {
    /// Its path.
    pub path: String,
    /// What it takes.
    pub takes: String,
    /// What applies where it is absent.
    pub absent: String,
    /// What it does.
    pub effect: String,
    /// What happens one past it; of a limit only.
    pub beyond: Option<&'static str>,
    /// Where its default comes from; of a limit only.
    pub source: Option<&'static str>,
    /// Where it is documented.
    pub docs: &'static str,
}

const fn key(path: &'static str, takes: Takes, absent: Absent, effect: &'static str) -> Key {
    Key { path, takes, absent, effect }
}

/// All keys but the limits, in the order of the documentation.
pub const KEYS: &[Key] = &[
    key("version", Takes::One, Absent::Fault, "the version of this format"),
    key("environment", Takes::Name, Absent::Fault, "what this gateway is for; the same as in `requirements.yaml`"),
    key(
        "public_url",
        Takes::PublicUrl,
        Absent::Fault,
        "by which URL apps know the gateway: what a proof of possession names is this and the path",
    ),
    key("workers", Takes::Count(WORKERS), Absent::Cores, "threads that serve requests"),
    key(
        "listeners.backend.address",
        Takes::Address,
        Absent::Fault,
        "where the backend calls: TLS 1.2 or 1.3 with client certificates, HTTP/1.1 and 2",
    ),
    key(
        "listeners.backend.tls.certificate",
        Takes::File(false),
        Absent::Fault,
        "what the gateway shows there: PEM, the leaf first, for servers and for each partner's `authority`",
    ),
    key("listeners.backend.tls.key", Takes::File(true), Absent::Fault, "the key of that certificate"),
    key("listeners.backend.tls.client_ca", Takes::File(false), Absent::Fault, "who signs the backend's certificates"),
    key(
        "listeners.backend.tls.crl",
        Takes::Files,
        Absent::Nothing,
        "revocation lists about clients; where there is one, every certificate of a client's chain needs a list that speaks for it",
    ),
    key(
        "listeners.backend.trace_from",
        Takes::Peers,
        Absent::Nothing,
        "the peers, by the names in their certificates, whose `traceparent` is taken; of others it says nothing",
    ),
    key(
        "listeners.partner.address",
        Takes::Address,
        Absent::Nothing,
        "where partners call, like the backend at its own; without this listener they cannot",
    ),
    key(
        "listeners.partner.tls.certificate",
        Takes::File(false),
        Absent::Nothing,
        "what the gateway shows there, for the `authority` of each partner that has a `peer`",
    ),
    key("listeners.partner.tls.key", Takes::File(true), Absent::Nothing, "the key of that certificate"),
    key(
        "listeners.partner.tls.client_ca",
        Takes::File(false),
        Absent::Nothing,
        "who signs partners' client certificates; none of those who sign the backend's",
    ),
    key(
        "listeners.partner.tls.crl",
        Takes::Files,
        Absent::Nothing,
        "revocation lists about them, as for the backend's",
    ),
    key(
        "listeners.ops.address",
        Takes::Address,
        Absent::Value("127.0.0.1:9464"),
        "health, status and metrics in plain HTTP; it takes no orders and holds no secrets",
    ),
    key(
        "listeners.admin.socket",
        Takes::File(false),
        Absent::Nothing,
        "the Unix socket by which people act: `portcullis revoke`, `lift`",
    ),
    key(
        "listeners.admin.roles",
        Takes::Persons,
        Absent::Value("the owner of the process, with all roles"),
        "who is heard at that socket, by the uid that the kernel tells; lifting a revocation takes two lifters",
    ),
    key("issuers[].issuer", Takes::Text, Absent::Fault, "whose sign-in tokens are accepted: the claim `iss`"),
    key(
        "issuers[].jwks.file",
        Takes::File(false),
        Absent::Nothing,
        "its public keys; one of `file`, `url` and `discovery` is required",
    ),
    key(
        "issuers[].jwks.url",
        Takes::Endpoint,
        Absent::Nothing,
        "where it publishes them as a JWKS; fetched in the background, and at once where a token names a key that is not known",
    ),
    key(
        "issuers[].jwks.discovery",
        Takes::Endpoint,
        Absent::Nothing,
        "where its metadata lies (OpenID Connect Discovery, RFC 8414), whose `jwks_uri` must be at the same host and port",
    ),
    key("issuers[].jwks.server_name", Takes::HostName, Absent::RemoteHost, "the name in the certificate of that place"),
    key(
        "issuers[].jwks.keep",
        Takes::Seconds(KEYS_KEPT_S),
        Absent::Value("1h"),
        "how old the last good set may grow while no other comes; beyond it the issuer's tokens are refused",
    ),
    key(
        "issuers[].jwks.tls.ca",
        Takes::File(false),
        Absent::Nothing,
        "who signs that certificate, and nobody else; required beside `url` and `discovery`",
    ),
    key(
        "issuers[].jwks.tls.certificate",
        Takes::File(false),
        Absent::Nothing,
        "who the gateway is there, where it asks",
    ),
    key("issuers[].jwks.tls.key", Takes::File(true), Absent::Nothing, "the key of that certificate"),
    key(
        "issuers[].introspection.url",
        Takes::Endpoint,
        Absent::Nothing,
        "where it is asked about each token (RFC 7662), in place of `jwks`; one issuer at most is asked",
    ),
    key("issuers[].introspection.client_id", Takes::Text, Absent::Nothing, "which of its clients the gateway is"),
    key(
        "issuers[].introspection.audience",
        Takes::Text,
        Absent::Value("issuer"),
        "for whom the assertions are by which the gateway proves that: `aud`",
    ),
    key(
        "issuers[].introspection.key",
        Takes::File(true),
        Absent::Nothing,
        "what signs them (`private_key_jwt`); without it the certificate under `tls` alone proves who asks",
    ),
    key(
        "issuers[].introspection.server_name",
        Takes::HostName,
        Absent::RemoteHost,
        "the name in the certificate of that place",
    ),
    key(
        "issuers[].introspection.keep",
        Takes::Seconds(ANSWERS_KEPT_S),
        Absent::Value("5s"),
        "for how long an answer is good: by so much later a token that is revoked there is refused here",
    ),
    key(
        "issuers[].introspection.tls.ca",
        Takes::File(false),
        Absent::Nothing,
        "who signs that certificate, and nobody else",
    ),
    key(
        "issuers[].introspection.tls.certificate",
        Takes::File(false),
        Absent::Nothing,
        "who the gateway is there; required where there is no `key`",
    ),
    key("issuers[].introspection.tls.key", Takes::File(true), Absent::Nothing, "the key of that certificate"),
    key("issuers[].audience", Takes::Text, Absent::Fault, "what the claim `aud` must hold"),
    key(
        "issuers[].algorithms",
        Takes::Algorithms,
        Absent::Nothing,
        "which signatures are accepted; required beside `jwks`",
    ),
    key("issuers[].max_lifetime", Takes::Seconds(SIGN_IN_LIFETIME_S), Absent::Fault, "how long a token may be valid"),
    key(
        "issuers[].bind",
        Takes::Binding,
        Absent::Fault,
        "a token is good only beside the certificate (`mtls`) or a proof of the key (`dpop`) that it names, and only if that is listed",
    ),
    key(
        "issuers[].token_types",
        Takes::TokenTypes,
        Absent::Value("[at+jwt]"),
        "the types of its access tokens; ID tokens are none of them, also where it calls all its tokens `JWT`",
    ),
    key(
        "issuers[].clock_skew",
        Takes::Seconds(SKEW_S),
        Absent::Value("limits.clock_skew_s"),
        "by how much its clock may be ahead of ours",
    ),
    key("issuers[].required_claims", Takes::Claims, Absent::Nothing, "what its tokens must have besides"),
    key("issuers[].claims.tenant", Takes::ClaimPath, Absent::Value("tenant"), "where its tokens name the tenant"),
    key("issuers[].claims.roles", Takes::ClaimPath, Absent::Value("roles"), "where they list the roles"),
    key("issuers[].claims.device_id", Takes::ClaimPath, Absent::Value("device_id"), "where they name the app instance"),
    key("issuers[].claims.car_id", Takes::ClaimPath, Absent::Value("car_id"), "where they name the car"),
    key("issuers[].claims.sid", Takes::ClaimPath, Absent::Value("sid"), "where they name the session"),
    key("issuers[].claims.client_id", Takes::ClaimPath, Absent::Value("client_id"), "where they name the client"),
    key("issuers[].claims.houses", Takes::ClaimPath, Absent::Value("houses"), "where they list the user's houses"),
    key("sessions.issuer", Takes::Text, Absent::Fault, "`iss` of session tokens: `public_url`, or a path below it"),
    key("sessions.keys", Takes::SecretFiles, Absent::Fault, "the first signs them; all are published and accepted"),
    key("sessions.audience", Takes::Text, Absent::Fault, "their claim `aud`"),
    key("sessions.max_lifetime", Takes::Seconds(SESSION_LIFETIME_S), Absent::Value("5m"), "how long they may be valid"),
    key("sessions.actors[].peer", Takes::PeerName, Absent::Fault, "a backend that may exchange its users' tokens"),
    key("sessions.actors[].audiences", Takes::Texts, Absent::Fault, "what those may be for: each `aud` is listed"),
    key(
        "sessions.actors[].clients",
        Takes::Texts,
        Absent::Fault,
        "of which apps: `client_id`, and `azp` if it is there",
    ),
    key(
        "sessions.subjects",
        Takes::Subjects,
        Absent::Value("one-issuer"),
        "whom `sub` names where tokens of several sign-in issuers may be exchanged: with `shared` one person, whoever names it",
    ),
    key(
        "partners.<name>.authority",
        Takes::HostName,
        Absent::Fault,
        "the host by which the backend means this partner; also the TLS name",
    ),
    key(
        "partners.<name>.upstream",
        Takes::Upstream,
        Absent::Fault,
        "where its platform is; port 443 where none is given",
    ),
    key("partners.<name>.server_name", Takes::HostName, Absent::UpstreamHost, "the name in the partner's certificate"),
    key("partners.<name>.tls.certificate", Takes::File(false), Absent::Fault, "who the gateway is towards the partner"),
    key("partners.<name>.tls.key", Takes::File(true), Absent::Fault, "the key of that certificate"),
    key(
        "partners.<name>.tls.ca",
        Takes::File(false),
        Absent::Fault,
        "who signs the partner's certificate; nobody else does",
    ),
    key(
        "partners.<name>.tls.crl",
        Takes::Files,
        Absent::Nothing,
        "revocation lists about the partner's certificates; where there is one, every certificate of its chain needs a list that speaks for it",
    ),
    key(
        "partners.<name>.token.issuer",
        Takes::Text,
        Absent::Unfetched,
        "the claim `iss` of the token minted for each command",
    ),
    key("partners.<name>.token.audience", Takes::Text, Absent::Unfetched, "its claim `aud`"),
    key("partners.<name>.token.client_id", Takes::Text, Absent::Unfetched, "its claim `client_id`"),
    key(
        "partners.<name>.token.key",
        Takes::SecretFiles,
        Absent::Unfetched,
        "what signs it: the first of these keys; the others are only published, so that they are known before they sign",
    ),
    key(
        "partners.<name>.token.lifetime",
        Takes::Seconds(MINTED_LIFETIME_S),
        Absent::Unfetched,
        "the longest that it is valid; the command's `max_age` shortens it",
    ),
    key(
        "partners.<name>.token.fetch.url",
        Takes::Endpoint,
        Absent::Nothing,
        "the token endpoint of the partner's authorisation server, which gives the tokens in the place of those that are minted",
    ),
    key(
        "partners.<name>.token.fetch.server_name",
        Takes::HostName,
        Absent::RemoteHost,
        "the name in that server's certificate",
    ),
    key(
        "partners.<name>.token.fetch.tls.ca",
        Takes::File(false),
        Absent::Nothing,
        "who signs that server's certificate; nobody else does. Required beside `url`",
    ),
    key(
        "partners.<name>.token.fetch.tls.certificate",
        Takes::File(false),
        Absent::Nothing,
        "what the gateway shows there; without it and without a `key`, its certificate towards the partner",
    ),
    key("partners.<name>.token.fetch.tls.key", Takes::File(true), Absent::Nothing, "the key of that certificate"),
    key(
        "partners.<name>.token.fetch.client_id",
        Takes::Text,
        Absent::Nothing,
        "the client that the gateway is there; required beside `url`",
    ),
    key(
        "partners.<name>.token.fetch.key",
        Takes::SecretFiles,
        Absent::Nothing,
        "what signs its assertions (`private_key_jwt`): the first of these keys; the others are only published. Without one the certificate says who it is",
    ),
    key(
        "partners.<name>.token.fetch.audience",
        Takes::Text,
        Absent::Value("the URL of the token endpoint"),
        "for whom the assertions are: the server's issuer, where it asks for that",
    ),
    key(
        "partners.<name>.token.fetch.scope",
        Takes::Text,
        Absent::Nothing,
        "the scope that is asked for; `{type}` and `{action}` in it stand for those of the right",
    ),
    key(
        "partners.<name>.token.fetch.authorization_details",
        Takes::Switch,
        Absent::Value("true"),
        "whether the right is asked for as `authorization_details`; without it, `scope` must name the action",
    ),
    key(
        "partners.<name>.token.fetch.resource",
        Takes::Text,
        Absent::Nothing,
        "for which resource tokens are asked for (RFC 8707), where the server wants to be told",
    ),
    key(
        "partners.<name>.token.fetch.max_lifetime",
        Takes::Seconds(FETCHED_LIFETIME_S),
        Absent::Value("1h"),
        "a token that is valid for longer is refused",
    ),
    key(
        "partners.<name>.token.fetch.timeout",
        Takes::Seconds(FETCH_TIME_S),
        Absent::Value("3s"),
        "how long a fetch may take, from connecting to the last byte; a command that waits for it ends sooner where it grows too old",
    ),
    key(
        "partners.<name>.signing.key",
        Takes::SecretFiles,
        Absent::Fault,
        "what signs each request to the partner (RFC 9421): the first of these keys; the others are only published",
    ),
    key(
        "partners.<name>.pseudonym_key",
        Takes::File(true),
        Absent::Fault,
        "the key of this partner's pseudonyms; whoever loses it cannot turn them back",
    ),
    key(
        "partners.<name>.peer",
        Takes::PeerName,
        Absent::Nothing,
        "the one name in the client certificate by which this partner calls; without it this partner cannot",
    ),
    key(
        "partners.<name>.webhooks.endpoint",
        Takes::Endpoint,
        Absent::Nothing,
        "where it takes events; required beside `sign`, and without it none is taken for it",
    ),
    key(
        "partners.<name>.webhooks.server_name",
        Takes::HostName,
        Absent::EndpointHost,
        "the name in the endpoint's certificate",
    ),
    key(
        "partners.<name>.webhooks.sign",
        Takes::SecretFiles,
        Absent::Nothing,
        "what signs the events, each with a signature of its own; required beside `endpoint`",
    ),
    key(
        "partners.<name>.webhooks.verify",
        Takes::SecretFiles,
        Absent::Nothing,
        "what the partner signs its events with: each counts, so that it can exchange its secret without a gap",
    ),
    key(
        "partners.<name>.client.client_id",
        Takes::Text,
        Absent::Nothing,
        "the client that this partner is at our token endpoint; without it this partner calls no operation",
    ),
    key(
        "partners.<name>.client.jwks.file",
        Takes::File(false),
        Absent::Nothing,
        "public keys of that client: where they are, it proves itself by them too (`private_key_jwt`), else by its certificate alone",
    ),
    key(
        "clients.keys",
        Takes::SecretFiles,
        Absent::Nothing,
        "what signs the tokens of partners that call: the first key, while all are published and taken",
    ),
    key(
        "clients.max_lifetime",
        Takes::Seconds(clients::LIFETIME_S),
        Absent::Value("5m"),
        "how long such a token is valid",
    ),
    key(
        "backend.upstream",
        Takes::Upstream,
        Absent::Nothing,
        "where the backend takes what partners send: events, and what they ask for; required where a partner does either",
    ),
    key("backend.server_name", Takes::HostName, Absent::UpstreamHost, "the name in the backend's certificate"),
    key("backend.tls.certificate", Takes::File(false), Absent::Nothing, "who the gateway is towards the backend"),
    key("backend.tls.key", Takes::File(true), Absent::Nothing, "the key of that certificate"),
    key("backend.tls.ca", Takes::File(false), Absent::Nothing, "who signs the backend's certificate; nobody else does"),
    key("backend.tls.crl", Takes::Files, Absent::Nothing, "revocation lists about the backend's certificate"),
    key("backend.events.path", Takes::Path, Absent::Nothing, "where the backend takes events"),
    key(
        "backend.events.sign",
        Takes::SecretFiles,
        Absent::Nothing,
        "what signs them, each secret with a signature of its own; the backend verifies one",
    ),
    key("policies.directory", Takes::Folder, Absent::Fault, "the bundle: contracts, policies, requirements"),
    key(
        "policies.signers",
        Takes::File(false),
        Absent::Nothing,
        "the list of those who sign bundles; without it none need be signed, which only `development` takes",
    ),
    key(
        "policies.reload",
        Takes::Reload,
        Absent::Value("signal"),
        "when a changed bundle is taken up: at SIGHUP, or with `watch` also by itself",
    ),
    key("directory.file", Takes::File(false), Absent::Fault, "houses, doors and tenants"),
    key(
        "directory.jwks.file",
        Takes::File(false),
        Absent::Nothing,
        "public keys of the backend that sign updates of the directory; without it none is taken",
    ),
    key(
        "directory.max_age",
        Takes::Seconds(DIRECTORY_AGE_S),
        Absent::Nothing,
        "how old the directory may be while something moves; required beside `jwks`",
    ),
    key(
        "audit.directory",
        Takes::Folder,
        Absent::Fault,
        "the log; must exist, because a log that is begun anew knows no idempotency key",
    ),
    key(
        "audit.origin",
        Takes::Origin,
        Absent::Fault,
        "the log's name for good, by which outsiders know its checkpoints; each gateway has its own",
    ),
    key("audit.checkpoint_key", Takes::File(true), Absent::Fault, "signs the log's checkpoints, and nothing else"),
    key(
        "audit.reserve",
        Takes::Bytes(RESERVE_BYTES),
        Absent::Value("1MiB"),
        "of the segment in use, what stays free for revocations when nothing else finds room any more",
    ),
    key(
        "audit.segments.max_bytes",
        Takes::Bytes(SEGMENT_BYTES),
        Absent::Value("64MiB"),
        "the size of a segment; it is written ahead",
    ),
    key(
        "audit.segments.max_age",
        Takes::Seconds(SEGMENT_AGE_S),
        Absent::Value("24h"),
        "the age at which a segment ends, though there is room in it",
    ),
    key(
        "audit.retention.age",
        Takes::Seconds(LEAST_AGE_S..=LONGEST_AGE_S),
        Absent::Nothing,
        "how long after its end a segment stays before it goes to the archive; required within `retention`, and without that nothing ever goes",
    ),
    key(
        "audit.retention.archive.directory",
        Takes::Folder,
        Absent::Nothing,
        "where segments go, best on another volume; required within `retention`",
    ),
    key(
        "audit.exports[].name",
        Takes::Name,
        Absent::Nothing,
        "a destination of the log's records: by this name its place in the log is kept, and metrics tell of it",
    ),
    key(
        "audit.exports[].syslog.address",
        Takes::Remote,
        Absent::Nothing,
        "who takes them as syslog over TLS (RFC 5425); port 6514 where none is given",
    ),
    key("audit.exports[].syslog.server_name", Takes::HostName, Absent::RemoteHost, "the name in its certificate"),
    key("audit.exports[].syslog.tls.ca", Takes::File(false), Absent::Nothing, "who signs that; nobody else does"),
    key(
        "audit.exports[].syslog.tls.certificate",
        Takes::File(false),
        Absent::Nothing,
        "who the gateway is there, where it asks",
    ),
    key("audit.exports[].syslog.tls.key", Takes::File(true), Absent::Nothing, "the key of that certificate"),
    key(
        "audit.exports[].syslog.format",
        Takes::Format(&IN_SYSLOG),
        Absent::Nothing,
        "what the messages hold: the record by itself, or as an event of OCSF or CEF",
    ),
    key(
        "audit.exports[].otlp.url",
        Takes::Endpoint,
        Absent::Nothing,
        "who takes them as logs of OpenTelemetry over OTLP/HTTP, path and all: mostly `/v1/logs`",
    ),
    key("audit.exports[].otlp.server_name", Takes::HostName, Absent::RemoteHost, "the name in its certificate"),
    key(
        "audit.exports[].otlp.headers_file",
        Takes::File(true),
        Absent::Nothing,
        "header fields that go with each request, one `Name: value` on a line; a changed one is taken up",
    ),
    key("audit.exports[].otlp.tls.ca", Takes::File(false), Absent::Nothing, "who signs that; nobody else does"),
    key(
        "audit.exports[].otlp.tls.certificate",
        Takes::File(false),
        Absent::Nothing,
        "who the gateway is there, where it asks",
    ),
    key("audit.exports[].otlp.tls.key", Takes::File(true), Absent::Nothing, "the key of that certificate"),
    key(
        "audit.exports[].file.path",
        Takes::File(false),
        Absent::Nothing,
        "a file to which they are added; another one in its place is begun anew, so that logrotate can move it",
    ),
    key("audit.exports[].file.format", Takes::Format(&IN_FILES), Absent::Nothing, "what its lines hold"),
    key("store.sqlite.path", Takes::File(false), Absent::Fault, "revocations and handles; on a local file system"),
    key("store.key", Takes::File(true), Absent::Fault, "seals the store and keys what the log holds"),
];

/// The page and place that explain keys, and limits.
const DOCS: &str = "docs/operations.md#configuration";
const DOCS_OF_LIMITS: &str = "docs/operations.md#limits";

/// The mapping of the limits.
pub(super) const LIMITS: &str = "limits.";

/// The keys that `asked` names, or that stand below it: a path as above, or one of a file (`partners.smarthome.tls.ca`,
/// `issuers[0]`), or the name of a limit alone. Empty where there is none.
#[must_use]
pub fn explain(asked: &str) -> Vec<Explained> {
    let limits = TABLE.iter().filter(|limit| {
        let path = format!("{LIMITS}{}", limit.name);
        limit.name == asked || names(asked, &path)
    });
    let keys = KEYS.iter().filter(|key| names(asked, key.path));
    keys.map(Key::explained).chain(limits.map(explained)).collect()
}

/// The paths of all keys.
pub fn paths() -> impl Iterator<Item = String> {
    let limits = TABLE.iter().map(|limit| format!("{LIMITS}{}", limit.name));
    KEYS.iter().map(|key| key.path.to_owned()).chain(limits)
}

/// Whether `asked` is this path, or the beginning of it; empty, it is that of all.
fn names(asked: &str, path: &str) -> bool {
    let fits = |asked: &str, segment: &str| match segment.strip_suffix("[]") {
        _ if segment == "<name>" => true,
        Some(list) => asked.split('[').next() == Some(list),
        None => asked == segment,
    };
    let asked: Vec<&str> = asked.split('.').filter(|segment| !segment.is_empty()).collect();
    let path: Vec<&str> = path.split('.').collect();
    asked.len() <= path.len() && asked.iter().zip(&path).all(|(asked, segment)| fits(asked, segment))
}

impl Key {
    fn explained(&self) -> Explained {
        Explained {
            path: self.path.to_owned(),
            takes: self.takes.words(),
            absent: self.absent.words().to_owned(),
            effect: self.effect.to_owned(),
            beyond: None,
            source: None,
            docs: DOCS,
        }
    }
}

impl Takes {
    /// Whether what lies there must not be shown.
    pub(super) const fn is_secret(&self) -> bool {
        matches!(self, Self::File(true) | Self::SecretFiles)
    }
}

fn explained(limit: &Limit) -> Explained {
    let kind = match limit.name {
        name if name.ends_with("_ms") || name.ends_with("_s") => "duration",
        name if name.contains("bytes") => "size",
        _ => "whole number",
    };
    Explained {
        path: format!("{LIMITS}{}", limit.name),
        takes: format!("{kind} from {} to {}", in_unit(limit, limit.low), in_unit(limit, limit.high)),
        absent: in_unit(limit, limit.default),
        effect: limit.what.trim().trim_end_matches('.').to_owned(),
        beyond: Some(limit.beyond),
        source: Some(limit.source),
        docs: DOCS_OF_LIMITS,
    }
}

#[cfg(test)]
mod tests;
