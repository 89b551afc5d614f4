//! Files that the configuration names: read, understood, and each key used for one purpose only.

use crate::config::credentials;
use crate::config::expiries::Found;
use crate::config::settings::TlsPeer;
use crate::config::values::At;
use crate::config::written::Tls;
use crate::crypto::Algorithm;
use crate::crypto::Certificate;
use crate::crypto::ClientTrust;
use crate::crypto::Crl;
use crate::crypto::CrlError;
use crate::crypto::KeySet;
use crate::crypto::SigningKey;
use crate::crypto::TlsFileError;
use crate::crypto::TlsIdentity;
use crate::crypto::is_for_development;
use crate::crypto::read_certificates;
use crate::crypto::sha256;
use crate::diagnostic::Place;
use crate::model::Sha256;
use crate::model::Side;
use crate::secret::Secret;
use crate::secret::SecretFileError;
use crate::secret::writable_by_all;
use crate::webhook::WebhookSecret;
use crate::yaml::Reader;
use rustls_pki_types::CertificateDer;
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The largest JWKS that is read, in bytes.
const MAX_KEYS_BYTES: u64 = 1024 * 1024;

/// What to do about a key that is none.
const MAKE_KEY: &str = "secrets are made by `openssl rand -hex 32`, signing keys by `openssl genpkey -algorithm EC -pkeyopt \
                        ec_paramgen_curve:P-256`, that of checkpoints by `openssl genpkey -algorithm ed25519`, secrets of webhooks by `echo whsec_$(openssl rand -base64 32)`";

/// What to do about a certificate that is none.
const PEM: &str = "PEM files: the certificate first, then what signed it; the key in PKCS#8";

/// What to do about a revocation list that is none.
const CRL: &str = "PEM or DER of a list (RFC 5280 §5) that an authority of this listener signed";

/// What to do about a key set that is none.
const KEY_SET: &str =
    "a JWKS of public keys (RFC 7517 §5) for the algorithms of this issuer, as the issuer publishes it";

/// How much of a watched file is looked at; those that are larger than any that we take are told apart no further.
const MAX_WATCHED_BYTES: u64 = 17 * 1024 * 1024;

/// A file whose change is taken up while the gateway runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WatchedFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Whether it holds what nobody may see, of which no digest is told either.
    pub is_secret: bool,
}

/// The digest of what each of these files holds, in their order; `None` for one that cannot be read.
#[must_use]
pub fn digests_of(files: &[WatchedFile]) -> Vec<Option<Sha256>> {
    files.iter().map(|file| content_of(&file.path).map(|bytes| sha256(&bytes))).collect()
}

/// One digest over [`digests_of`] files; one that cannot be read differs from all.
#[must_use]
pub fn digest_of_all(digests: &[Option<Sha256>]) -> Sha256 {
    let word = |digest: &Option<Sha256>| digest.map_or_else(|| "unreadable".to_owned(), |digest| digest.to_string());
    sha256(digests.iter().map(word).collect::<Vec<_>>().join(" ").as_bytes())
}

/// What a regular file holds, as far as it is looked at. A pipe in its place would hold up whoever opens it.
fn content_of(path: &Path) -> Option<Zeroizing<Vec<u8>>> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    // One buffer of the whole size from the start: growing it would leave copies of a key behind.
    let size = usize::try_from(metadata.len().min(MAX_WATCHED_BYTES)).ok()?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(size.saturating_add(1)));
    fs::File::open(path).ok()?.take(MAX_WATCHED_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Reads files for one configuration and remembers its keys.
pub(super) struct Files<'a> {
    reader: &'a Reader,
    /// The path and digest of each key file read so far, and what it is for.
    seen: Vec<(PathBuf, Sha256, String)>,
    /// The digest of each public key found so far, and what it is for.
    public: Vec<(Sha256, String)>,
    /// Where a key was reported for its second purpose: the same file is the same key, and said once.
    told: Vec<Place>,
    /// What is to be watched.
    watched: Vec<WatchedFile>,
    /// What runs out.
    run_out: Vec<Found>,
    /// Where certificates for development stand.
    for_development: Vec<At<PathBuf>>,
}

impl<'a> Files<'a> {
    pub(super) const fn new(reader: &'a Reader) -> Self {
        Self {
            reader,
            seen: Vec::new(),
            public: Vec::new(),
            told: Vec::new(),
            watched: Vec::new(),
            run_out: Vec::new(),
            for_development: Vec::new(),
        }
    }

    /// The files whose change is taken up while the gateway runs, what of all files runs out, and the digest of each public key
    /// in them.
    pub(super) fn into_parts(self) -> (Vec<WatchedFile>, Vec<Found>, Vec<Sha256>) {
        (self.watched, self.run_out, self.public.into_iter().map(|(digest, _)| digest).collect())
    }

    /// Refuses certificates that were made for development, whose authorities' keys lie about on people's machines.
    pub(super) fn refuse_development(&self) {
        for at in &self.for_development {
            let help =
                "name certificates of an authority that somebody answers for; `portcullis certs` is for development";
            self.fault::<()>(at, "development-certificate", "holds a certificate for development", Some(help));
        }
    }

    /// Remembers what runs out of these certificates, and whether one is for development.
    fn certificates<'c>(&mut self, at: &At<PathBuf>, all: impl Iterator<Item = &'c [u8]> + Clone) {
        if all.clone().any(is_for_development) {
            self.for_development.push(At { place: at.place, value: at.value.clone() });
        }
        self.run_out.extend(Found::certificates(at.place, &at.value, all));
    }

    fn watch(&mut self, at: &At<PathBuf>, is_secret: bool) {
        self.watched.push(WatchedFile { path: at.value.clone(), is_secret });
    }

    /// A secret key, understood by `parse`.
    pub(super) fn key<T, E: std::error::Error>(
        &mut self,
        at: &At<PathBuf>,
        purpose: &str,
        parse: impl FnOnce(&Secret) -> Result<T, E>,
    ) -> Option<T> {
        let secret = self.secret(at)?;
        self.one_purpose(at, secret.expose(), purpose);
        match parse(&secret) {
            Ok(key) => Some(key),
            Err(error) => self.fault(at, "malformed-key", &format!("holds no such key: {error}"), Some(MAKE_KEY)),
        }
    }

    /// A key that signs.
    pub(super) fn signing_key(&mut self, at: &At<PathBuf>, purpose: &str) -> Option<SigningKey> {
        let key = self.key(at, purpose, SigningKey::from_pem)?;
        self.one_key(at, [key.public_digest()], purpose);
        Some(key)
    }

    /// Keys that sign, which are watched: each is exchanged while the gateway runs.
    pub(super) fn signing_keys(&mut self, all: &[At<PathBuf>], purpose: &str) -> Option<Vec<Arc<SigningKey>>> {
        all.iter().for_each(|at| self.watch(at, true));
        let read: Vec<_> = all.iter().map(|at| self.signing_key(at, purpose).map(Arc::new)).collect();
        read.into_iter().collect()
    }

    /// The public keys of an issuer that uses `algorithms`. Its file is no secret, but its keys serve one purpose too.
    pub(super) fn key_set(&mut self, at: &At<PathBuf>, algorithms: &[Algorithm], purpose: &str) -> Option<KeySet> {
        self.watch(at, false);
        self.file(at)?;
        let size = fs::metadata(&at.value).map(|metadata| metadata.len()).unwrap_or_default();
        if size > MAX_KEYS_BYTES {
            return self.fault(at, "file-too-large", "is larger than 1 MiB", Some(KEY_SET));
        }
        let text = match fs::read(&at.value) {
            Ok(text) => text,
            Err(error) => return self.fault(at, "unreadable-file", &format!("cannot be read: {error}"), Some(KEY_SET)),
        };
        self.one_purpose(at, &text, purpose);
        match KeySet::parse_for(&text, algorithms) {
            Ok(keys) => {
                self.one_key(at, keys.public_digests(), purpose);
                Some(keys)
            }
            Err(error) => self.fault(at, "malformed-key-set", &format!("cannot be used: {error}"), Some(KEY_SET)),
        }
    }

    /// The secrets of all these files, which are watched: whoever signs, a sender or we, exchanges its secret while the gateway runs.
    pub(super) fn webhook_secrets(&mut self, all: &[At<PathBuf>], purpose: &str) -> Option<Vec<WebhookSecret>> {
        all.iter().for_each(|at| self.watch(at, true));
        let read: Vec<_> = all.iter().map(|at| self.key(at, purpose, WebhookSecret::parse)).collect();
        read.into_iter().collect()
    }

    /// What a watched secret file tells, understood by `parse`; `code` and `help` are of the fault where it tells nothing.
    pub(super) fn told<T, E: std::error::Error>(
        &mut self,
        at: &At<PathBuf>,
        purpose: &str,
        code: &'static str,
        help: &str,
        parse: impl FnOnce(&Secret) -> Result<T, E>,
    ) -> Option<T> {
        self.watch(at, true);
        let secret = self.secret(at)?;
        self.one_purpose(at, secret.expose(), purpose);
        match parse(&secret) {
            Ok(told) => Some(told),
            Err(error) => self.fault(at, code, &error.to_string(), Some(help)),
        }
    }

    /// Certificate, key and the other side's roots.
    pub(super) fn tls(&mut self, tls: &Tls, purpose: &str) -> Option<TlsPeer> {
        let identity = self.identity(&tls.certificate, &tls.key, purpose);
        let roots = self.roots(&tls.roots);
        Some(TlsPeer { identity: identity?, roots: roots? })
    }

    /// Who signs the other side's certificate.
    pub(super) fn roots(&mut self, at: &At<PathBuf>) -> Option<Vec<CertificateDer<'static>>> {
        self.watch(at, false);
        // It has its own fault where it is missing.
        if at.value.is_file() {
            self.file(at);
        }
        let roots = match read_certificates(&at.value) {
            Ok(roots) => Some(roots),
            Err(error) => self.tls_fault(at, &error),
        };
        let all = roots.as_deref().unwrap_or_default().iter().map(AsRef::as_ref);
        self.certificates(at, all);
        roots
    }

    /// Our certificate and its key.
    pub(super) fn identity(
        &mut self,
        certificate: &At<PathBuf>,
        key: &At<PathBuf>,
        purpose: &str,
    ) -> Option<TlsIdentity> {
        self.watch(certificate, false);
        self.watch(key, true);
        if let Some(secret) = self.secret(key) {
            self.one_purpose(key, secret.expose(), purpose);
        }
        if certificate.value.is_file() {
            self.file(certificate);
        }
        let identity = match TlsIdentity::read(&certificate.value, &key.value) {
            Ok(identity) => Some(identity),
            // The key file's own faults are told already.
            Err(TlsFileError::KeyFile(_)) => None,
            Err(error @ (TlsFileError::NoKey | TlsFileError::KeyUnsupported | TlsFileError::KeyMismatch)) => {
                self.tls_fault(key, &error)
            }
            Err(error) => self.tls_fault(certificate, &error),
        };
        let chain = identity.as_ref().map(TlsIdentity::chain).unwrap_or_default();
        let leaf = chain.first().and_then(|leaf| Certificate::pins(leaf).ok());
        self.one_key(key, leaf.map(|[_, public]| public), purpose);
        let all = chain.iter().map(AsRef::as_ref);
        self.certificates(certificate, all);
        identity
    }

    /// Holds the listener's certificate to what it is for: servers, and every authority by which it is called.
    pub(super) fn serves(&self, at: &At<PathBuf>, identity: &TlsIdentity, authorities: &[&At<Box<str>>], side: Side) {
        let certificate = identity.chain().first().and_then(|leaf| Certificate::parse(leaf).ok());
        let Some(certificate) = certificate else {
            self.fault::<()>(at, "malformed-certificate", "begins with a certificate that cannot be read", Some(PEM));
            return;
        };
        if !certificate.server_auth {
            let help = "the extended key usage must name `serverAuth` (RFC 5280 §4.2.1.12)";
            self.fault::<()>(at, "certificate-purpose", "holds a certificate that is not for servers", Some(help));
        }
        for authority in authorities.iter().filter(|authority| !certificate.is_for_host(&authority.value)) {
            let caller = match side {
                Side::Backend => "the backend calls",
                Side::Partner => "the partner calls",
            };
            let message = format!("holds no certificate for `{}`, by which {caller}", authority.value);
            let help = format!("add `DNS:{}` to its subject alternative names", authority.value);
            self.fault::<()>(at, "certificate-names", &message, Some(&help));
        }
    }

    /// The revocation lists of all these files, which fit the authorities of `tls`.
    pub(super) fn crls(&mut self, all: &[At<PathBuf>], tls: Option<&TlsPeer>) -> Option<Vec<Crl>> {
        let mut lists = Some(Vec::new());
        all.iter().for_each(|at| self.watch(at, false));
        for at in all {
            if at.value.is_file() {
                self.file(at);
            }
            let read = match Crl::read(&at.value) {
                Ok(read) => Some(read),
                Err(CrlError::Io(error)) => self.missing(at, &error),
                Err(error) => self.fault(at, "malformed-crl", &error.to_string(), Some(CRL)),
            };
            let ends = read.iter().flatten().map(|list| Some((list.made_at, list.ends_at)));
            self.run_out.extend(Found::with(at.place, &at.value, ends));
            lists = lists.zip(read).map(|(lists, read)| [lists, read].concat());
        }
        let (lists, at) = (lists?, all.first());
        if let (Some(tls), Some(at)) = (tls, at)
            && let Err(error) = ClientTrust::new(tls.roots.clone(), lists.clone())
        {
            return self.fault(at, "malformed-crl", &error.to_string(), Some(CRL));
        }
        Some(lists)
    }

    /// A file that must be there.
    pub(super) fn file(&self, at: &At<PathBuf>) -> Option<PathBuf> {
        match fs::metadata(&at.value) {
            Ok(found) if found.is_file() => self.not_anybodys(at, &found),
            Ok(_) => self.fault(at, "not-a-file", "is not a regular file", Some("name a file")),
            Err(error) => self.missing(at, &error),
        }
    }

    /// A folder that must be there.
    pub(super) fn folder(&self, at: &At<PathBuf>) -> Option<PathBuf> {
        match fs::metadata(&at.value) {
            Ok(found) if found.is_dir() => self.not_anybodys(at, &found),
            Ok(_) => self.fault(at, "not-a-folder", "is not a folder", Some("name a folder")),
            Err(error) => self.missing(at, &error),
        }
    }

    /// A file that is made where there is none, in a folder that must be there.
    pub(super) fn place_for_file(&self, at: &At<PathBuf>) -> Option<PathBuf> {
        let folder = at.value.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        self.folder(&At { place: at.place, value: folder.to_path_buf() })?;
        Some(at.value.clone())
    }

    /// What everybody may write says nothing that may be relied on.
    fn not_anybodys(&self, at: &At<PathBuf>, found: &fs::Metadata) -> Option<PathBuf> {
        let Some(mode) = writable_by_all(found) else { return Some(at.value.clone()) };
        let help = format!("chmod o-w {}", at.value.display());
        self.fault(at, "world-writable", &format!("may be written by everybody (mode {mode:04o})"), Some(&help))
    }

    fn secret(&self, at: &At<PathBuf>) -> Option<Secret> {
        match Secret::read(&at.value) {
            Ok(secret) => {
                self.not_its_groups(at);
                Some(secret)
            }
            Err(SecretFileError::Io(error)) => self.missing(at, &error),
            Err(error @ SecretFileError::WorldAccessible(_)) => {
                let help = format!("chmod o= {}", at.value.display());
                self.fault(at, "world-accessible-key", &error.to_string(), Some(&help))
            }
            Err(error) => self.fault(at, "unreadable-key", &error.to_string(), Some(MAKE_KEY)),
        }
    }

    /// Warns of a key that its group may exchange: whoever may write it need not read it.
    fn not_its_groups(&self, at: &At<PathBuf>) {
        let mode = fs::metadata(&at.value).map_or(0, |found| found.mode() & 0o7777);
        if mode & 0o020 != 0 {
            let message = format!("`{}` may be written by its group (mode {mode:04o})", at.value.display());
            let warning = self.reader.source().fault("group-writable-key", at.place, message).as_warning();
            let help = format!("chmod g-w {}; the next release refuses it", at.value.display());
            self.reader.report(warning.help(help));
        }
    }

    /// Remembers a key, and reports it if it serves another purpose already: as the same file, or the same bytes.
    fn one_purpose(&mut self, at: &At<PathBuf>, bytes: &[u8], purpose: &str) {
        let path = fs::canonicalize(&at.value).unwrap_or_else(|_| at.value.clone());
        let digest = sha256(bytes);
        if let Some((_, _, other)) = self.seen.iter().find(|(seen, known, _)| *seen == path || *known == digest) {
            self.used_twice(at, &other.clone(), purpose);
        }
        self.seen.push((path, digest, purpose.to_owned()));
    }

    /// Remembers the public halves of a file's keys, and reports it if one of them serves another purpose already: in another
    /// file, however that spells it.
    pub(super) fn one_key(&mut self, at: &At<PathBuf>, digests: impl IntoIterator<Item = Sha256>, purpose: &str) {
        let digests: Vec<_> = digests.into_iter().collect();
        if let Some((_, other)) = self.public.iter().find(|(known, _)| digests.contains(known)) {
            self.used_twice(at, &other.clone(), purpose);
        }
        self.public.extend(digests.into_iter().map(|digest| (digest, purpose.to_owned())));
    }

    fn used_twice(&mut self, at: &At<PathBuf>, other: &str, purpose: &str) {
        if self.told.contains(&at.place) {
            return;
        }
        self.told.push(at.place);
        let message = format!("the key in `{}` is already {other}", at.value.display());
        let fault = self.reader.source().fault("key-used-twice", at.place, message);
        self.reader.report(fault.help(format!("a key serves one purpose: make another one to be {purpose}")));
    }

    fn missing<T>(&self, at: &At<PathBuf>, error: &std::io::Error) -> Option<T> {
        let help = match credentials::not_given(&at.value) {
            true => "under systemd `LoadCredential=NAME:FILE` gives it; else name a folder in `CREDENTIALS_DIRECTORY`",
            false => "relative paths are relative to the folder of this file",
        };
        self.fault(at, "missing-file", &format!("cannot be opened: {error}"), Some(help))
    }

    fn tls_fault<T>(&self, at: &At<PathBuf>, error: &TlsFileError) -> Option<T> {
        match error {
            TlsFileError::Io(error) => self.missing(at, error),
            TlsFileError::KeyMismatch => {
                let help =
                    "`openssl x509 -pubkey -noout -in CERTIFICATE` and `openssl pkey -pubout -in KEY` print the same";
                self.fault(at, "malformed-certificate", "is not the key of this certificate", Some(help))
            }
            _ => {
                let message = error.to_string();
                self.fault(at, "malformed-certificate", message.trim_start_matches("key file: "), Some(PEM))
            }
        }
    }

    pub(super) fn fault<T>(
        &self,
        at: &At<PathBuf>,
        code: &'static str,
        message: &str,
        help: Option<&str>,
    ) -> Option<T> {
        let place: Place = at.place;
        let fault = self.reader.source().fault(code, place, format!("`{}` {message}", at.value.display()));
        self.reader.report(match help {
            Some(help) => fault.help(help),
            None => fault,
        });
        None
    }
}
