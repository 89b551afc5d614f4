//! What `gateway.yaml` means: everything resolved, read and understood.

use crate::config::audit::AuditSettings;
use crate::config::clients::ClientSettings;
use crate::config::expiries::Expiry;
use crate::config::files::WatchedFile;
use crate::config::files::digests_of;
use crate::config::introspection::IntrospectionSettings;
use crate::config::key_sources::KeySourceSettings;
use crate::config::meaning;
use crate::config::partner_tokens::TokenSettings;
use crate::config::written;
use crate::crypto::Crl;
use crate::crypto::PublishedKeys;
use crate::crypto::SecretKey;
use crate::crypto::SivKey;
use crate::crypto::TlsIdentity;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::directory;
use crate::identity::ClientTokens;
use crate::identity::IdentitySettings;
use crate::identity::SessionSettings;
use crate::limits::Limits;
use crate::model::Name;
use crate::model::PartnerName;
use crate::model::PersonName;
use crate::model::Role;
use crate::model::Sha256;
use crate::secret::writable_by_all;
use crate::webhook::WebhookSecret;
use crate::yaml;
use rustls_pki_types::CertificateDer;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;

/// The largest `gateway.yaml`, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// The whole configuration. Holds keys, so it cannot be shown.
pub struct Config {
    /// The file that it was read from.
    pub source: Source,
    /// What this gateway is for, for instance `production`; the bundle's requirements name the same.
    pub environment: Name,
    /// How many threads serve requests.
    pub workers: NonZeroUsize,
    /// Where the backend calls.
    pub backend: CallerListener,
    /// Where partners call; `None` where they do not.
    pub partner_listener: Option<CallerListener>,
    /// Where the backend takes what comes from partners; `None` where nothing does.
    pub to_backend: Option<BackendSettings>,
    /// Where metrics and health are asked for, in plain HTTP.
    pub ops: ListenAddress,
    /// The Unix socket of the operator; `None` where there is none.
    pub admin_socket: Option<PathBuf>,
    /// Who may act there; `None`: the one who owns the process, alone.
    pub admin_persons: Option<Vec<AdminPerson>>,
    /// Whose tokens are accepted: sign-in tokens of the issuers, session tokens of one.
    pub identity: IdentitySettings,
    /// The session tokens that are issued here.
    pub sessions: SessionSettings,
    /// Where those of them that publish their keys do so.
    pub key_sources: Vec<KeySourceSettings>,
    /// The digest of each public key in the files, ours and those of others: no issuer may publish one of them.
    pub public_keys: Vec<Sha256>,
    /// The issuer that is asked what its tokens are, if there is one.
    pub introspection: Option<IntrospectionSettings>,
    /// The tokens of partners that call operations; `None` where none does.
    pub client_tokens: Option<ClientTokens>,
    /// The partners, in the order of the file.
    pub partners: Vec<PartnerSettings>,
    /// The folder of the bundle.
    pub policies: PathBuf,
    /// The list of those who sign it; `None` only in development.
    pub signers: Option<PathBuf>,
    /// When a changed bundle is taken up.
    pub reload: Reload,
    /// The file of houses, doors and tenants.
    pub directory: PathBuf,
    /// Whose updates of it are taken, and how old it may grow.
    pub directory_updates: directory::Settings,
    /// The audit log.
    pub audit: AuditSettings,
    /// Where revocations and handles last.
    pub store: StoreSettings,
    /// All limits.
    pub limits: Limits,
    /// The files whose change is taken up while the gateway runs: certificates and their keys, authorities, revocation
    /// lists, issuers' keys.
    pub watched: Vec<WatchedFile>,
    /// Everything that runs out, the earliest first.
    pub expiries: Vec<Expiry>,
    /// The digests of these files as they were read; `None` if that is not known.
    pub digests: Option<Vec<Option<Sha256>>>,
    /// Where in the file stands what can still fail once the file is understood.
    pub places: Places,
    /// What is taken as it is, and a later release will refuse.
    pub warnings: Diagnostics,
}

/// Where in `gateway.yaml` something was asked for; the file as a whole where it says nothing of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Places {
    /// The address of the backend's listener.
    pub backend: Place,
    /// The address of the partners' listener.
    pub partner_listener: Place,
    /// The address of the ops listener.
    pub ops: Place,
    /// The operator's socket.
    pub admin_socket: Place,
    /// The bundle, and who signs it.
    pub policies: Place,
    /// The directory file.
    pub directory: Place,
    /// The folder of the audit log.
    pub audit: Place,
    /// The store's file.
    pub store: Place,
    /// The limit `connections_max`.
    pub connections_max: Place,
}

/// Where a listener's socket comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ListenAddress {
    /// Bound by the gateway itself.
    Bind(SocketAddr),
    /// Bound by the supervisor (systemd) and handed over under this name.
    HandedOver(Name),
}

/// A listener that the backend or partners call.
pub struct CallerListener {
    /// Where it listens.
    pub address: ListenAddress,
    /// Who the gateway is here, and who may call.
    pub tls: TlsPeer,
    /// The revocation lists about those who may call; without any, none is asked.
    pub crls: Vec<Crl>,
    /// The names of peers who may say to which trace a request belongs.
    pub trace_from: Vec<Box<str>>,
}

/// When a changed bundle is taken up while the gateway runs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Reload {
    /// When somebody asks for it with SIGHUP.
    #[default]
    Signal,
    /// By itself too, once two looks at its folder have found the same.
    Watch,
}

impl Reload {
    /// The words in the file.
    pub(super) const WORDS: [(&'static str, Self); 2] = [("signal", Self::Signal), ("watch", Self::Watch)];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Watch => "watch",
        }
    }
}

/// Somebody who may act on the gateway itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AdminPerson {
    /// By which the kernel knows them at the socket.
    pub uid: u32,
    /// By which records know them.
    pub person: PersonName,
    /// What they may do.
    pub roles: Vec<Role>,
}

/// Where the backend takes what comes from partners.
pub struct BackendSettings {
    /// Host name or address.
    pub host: Box<str>,
    /// The port.
    pub port: u16,
    /// The name that its certificate must bear, sent as SNI.
    pub server_name: Box<str>,
    /// Who the gateway is there, and who signs the backend's certificate.
    pub tls: TlsPeer,
    /// The revocation lists about that certificate; without any, none is asked.
    pub crls: Vec<Crl>,
    /// How it takes events; `None` where no partner sends any.
    pub events: Option<EventSettings>,
}

/// How the backend takes events.
pub struct EventSettings {
    /// Where.
    pub path: Box<str>,
    /// What signs them, each with a signature of its own.
    pub secrets: Vec<WebhookSecret>,
}

/// One side of a mutual TLS connection.
pub struct TlsPeer {
    /// Our certificate and key.
    pub identity: TlsIdentity,
    /// Who signs the other side's certificate.
    pub roots: Vec<CertificateDer<'static>>,
}

/// One partner.
pub struct PartnerSettings {
    /// Its name; its contract bears the same.
    pub name: PartnerName,
    /// Where the file begins to speak of it.
    pub place: Place,
    /// The host name by which the backend addresses it, lower case.
    pub authority: Box<str>,
    /// Host name or address of its platform.
    pub host: Box<str>,
    /// The port of its platform.
    pub port: u16,
    /// The name that its certificate must bear, sent as SNI.
    pub server_name: Box<str>,
    /// Who the gateway is there, and who signs the partner's certificate.
    pub tls: TlsPeer,
    /// The revocation lists about the partner's certificates; without any, none is asked.
    pub crls: Vec<Crl>,
    /// Where the tokens for it come from.
    pub token: TokenSettings,
    /// What signs the requests to it.
    pub signing: PublishedKeys,
    /// The key of its pseudonyms.
    pub pseudonym_key: SivKey,
    /// Where it takes events; `None` where it takes none.
    pub endpoint: Option<EndpointSettings>,
    /// How it is known when it calls; `None` where it does not.
    pub calls: Option<PartnerCalls>,
}

/// A partner that calls.
pub struct PartnerCalls {
    /// The one name that its client certificate must bear.
    pub peer: Box<str>,
    /// What its events are verified with; empty where it sends none.
    pub webhook_secrets: Vec<WebhookSecret>,
    /// How it gets tokens for operations; `None` where it calls none.
    pub client: Option<ClientSettings>,
}

/// Where a partner takes events.
pub struct EndpointSettings {
    /// Host name or address.
    pub host: Box<str>,
    /// The port.
    pub port: u16,
    /// The name that its certificate must bear, sent as SNI.
    pub server_name: Box<str>,
    /// Path and query.
    pub path: Box<str>,
    /// What signs the events, each with a signature of its own.
    pub secrets: Vec<WebhookSecret>,
}

/// Where revocations and handles last.
pub struct StoreSettings {
    /// The SQLite database.
    pub path: PathBuf,
    /// What lies in it, and in the audit log, is sealed and keyed under keys derived from this one.
    pub key: SecretKey,
}

impl Config {
    /// Reads `gateway.yaml` and every file that it names for a key or a certificate.
    ///
    /// # Errors
    /// All faults that were found, each at its line.
    pub fn load(path: &Path) -> Result<Self, Diagnostics> {
        let source = read(path)?;
        let watched = Self::of(source.clone())?.watched;
        let before = digests_of(&watched);
        let mut config = Self::of(source)?;
        // What changed while it was read is not known to be in force.
        config.digests = Some(before).filter(|before| digests_of(&config.watched) == *before);
        Ok(config)
    }

    /// Reads every file that a `gateway.yaml`, read earlier, names for a key or a certificate.
    ///
    /// # Errors
    /// All faults that were found, each at its line.
    pub fn of(source: Source) -> Result<Self, Diagnostics> {
        let root = yaml::parse(&source)?;
        let reader = yaml::Reader::new(source);
        let config = written::read(&reader, &root).and_then(|written| meaning::of(&reader, &root, written));
        let (mut config, warnings) = reader.finish_with_warnings(config)?;
        config.warnings = warnings;
        Ok(config)
    }
}

/// The path of the operator's socket alone: no key or certificate is read, since a revocation must not fail for one.
///
/// # Errors
/// The faults of the file as it is written, or that it names no socket.
pub fn admin_socket(path: &Path) -> Result<PathBuf, Diagnostics> {
    let source = read(path)?;
    let root = yaml::parse(&source)?;
    let reader = yaml::Reader::new(source);
    let socket = written::read(&reader, &root).and_then(|written| meaning::socket(&reader, &written));
    reader.finish(socket)
}

/// The address of the ops listener alone: no key or certificate is read, since a look at a gateway must not fail for one.
///
/// # Errors
/// The faults of the file as it is written, or that the supervisor alone knows the address.
pub fn ops_address(path: &Path) -> Result<SocketAddr, Diagnostics> {
    let source = read(path)?;
    let root = yaml::parse(&source)?;
    let reader = yaml::Reader::new(source);
    let address = written::read(&reader, &root).and_then(|written| meaning::ops(&reader, &written));
    reader.finish(address)
}

/// The folder of the bundle and the limits alone, as they are written: what can be told of a bundle where the rest has faults.
///
/// # Errors
/// The faults of the file as it is written.
pub fn policies_of(path: &Path) -> Result<(PathBuf, Limits), Diagnostics> {
    let source = read(path)?;
    let root = yaml::parse(&source)?;
    let reader = yaml::Reader::new(source);
    let written = written::read(&reader, &root).map(|written| (written.policies.directory.value, written.limits));
    reader.finish(written)
}

/// The file itself, if nobody else may write it.
pub(super) fn read(path: &Path) -> Result<Source, Diagnostic> {
    let unreadable = |what: String| {
        Diagnostic::without_file("unreadable-file", format!("`{}` {what}", path.display()))
            .help("name the configuration with `--config <file>`")
    };
    let found = std::fs::metadata(path).map_err(|error| unreadable(format!("cannot be read: {error}")))?;
    if let Some(mode) = writable_by_all(&found) {
        let message = format!("`{}` may be written by everybody (mode {mode:04o})", path.display());
        let fault = Diagnostic::without_file("world-writable", message);
        return Err(fault.help(format!("chmod o-w {}", path.display())));
    }
    if found.len() > MAX_FILE_BYTES {
        return Err(unreadable("is larger than 1 MiB".to_owned()));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(format!("cannot be read: {error}")))?;
    Ok(Source::new(path, text))
}
