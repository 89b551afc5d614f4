//! The stage: a folder with certificates, keys, token issuers, a directory, the sample bundle and a `gateway.yaml` that
//! fits them, and a simulated partner that moves its doors.

use portcullis::clock::Clock;
use portcullis::clock::SystemClock;
use portcullis::clock::UnixSeconds;
use portcullis::crypto::Algorithm;
use portcullis::crypto::KeySet;
use portcullis::crypto::SigningKey;
use portcullis::crypto::TlsIdentity;
use portcullis::crypto::install_provider;
use portcullis::crypto::jwks_json;
use portcullis::devkit::Backend;
use portcullis::devkit::Leaf;
use portcullis::devkit::PartnerSettings;
use portcullis::devkit::Pki;
use portcullis::devkit::Progress;
use portcullis::devkit::SimulatedPartner;
use portcullis::devkit::TokenClaims;
use portcullis::devkit::TokenIssuer;
use portcullis::devkit::TokenTrust;
use portcullis::devkit::Validity;
use portcullis::tasks::Tasks;
use std::fs;
use std::future::Future;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// The host name by which the backend addresses the partner.
pub const AUTHORITY: &str = "smarthome.gateway.prop.example";

/// The audience of the tokens that the gateway takes.
const AUDIENCE: &str = "https://gateway.prop.example";

/// The audience of the tokens that the partner takes.
const PARTNER: &str = "https://api.smarthome.example";

/// Houses, doors and tenants of every test.
const DIRECTORY: &str = "version: 1\nrevision: 7\ntenants: [north, south]\nhouses:\n  \
    - {id: house-1, tenant: north, doors: [door-1, door-2], barriers: []}\n  \
    - {id: house-2, tenant: south, doors: [door-1], barriers: []}\n";

/// Everything around a gateway.
pub struct Stage {
    folder: TempDir,
    runtime: Runtime,
    pub pki: Pki,
    pub sessions: TokenIssuer,
    pub login: TokenIssuer,
    pub partner: SimulatedPartner,
}

impl Stage {
    /// A stage with files, and a partner that behaves.
    pub fn new() -> Self {
        Self::by(Arc::new(SystemClock::new()))
    }

    /// A stage whose partner goes by another clock.
    pub fn by(clock: Arc<dyn Clock>) -> Self {
        install_provider().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let now = now();
        let mut pki = Pki::new(now).unwrap();
        let gateway = Leaf::server(&[AUTHORITY], Validity::a_day_from(now));
        pki.gateway = pki.gateway_authority.issue(&gateway).unwrap();
        for name in ["pki", "state", "state/audit"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let sessions = TokenIssuer::new("https://sessions.prop.example", Algorithm::Es256).unwrap();
        let login = TokenIssuer::new("https://login.prop.example", Algorithm::Es256).unwrap();
        let key = SigningKey::generate_pem(Algorithm::Es256).unwrap();
        let trust = TokenTrust {
            issuer: AUDIENCE.into(),
            audience: PARTNER.into(),
            keys: KeySet::parse(jwks_json(&[&SigningKey::from_pem(&key).unwrap()]).as_bytes()).unwrap(),
        };
        let settings = PartnerSettings { clock, ..PartnerSettings::new(&pki, trust).unwrap() };
        let partner = runtime.block_on(SimulatedPartner::start(settings)).unwrap();
        let stage = Self { folder, runtime, pki, sessions, login, partner };
        stage.pki.write(&stage.path("pki")).unwrap();
        fs::write(stage.path("pki/sessions.jwks"), stage.sessions.jwks()).unwrap();
        fs::write(stage.path("pki/login.jwks"), stage.login.jwks()).unwrap();
        secret(&stage.path("pki/partner-token.key"), key.expose());
        secret(&stage.path("pki/pseudonym.key"), "11".repeat(32).as_bytes());
        secret(&stage.path("pki/store.key"), "22".repeat(32).as_bytes());
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("policies"), &stage.path("policies"));
        stage.edit("policies/requirements.yaml", "api.smarthome.example", "127.0.0.1");
        fs::write(stage.path("directory.yaml"), DIRECTORY).unwrap();
        fs::write(stage.path("gateway.yaml"), stage.configuration()).unwrap();
        stage
    }

    /// A file of the stage.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces text in a file of the stage; it must be there.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "`{from}` is not in {name}");
        fs::write(self.path(name), text.replace(from, to)).unwrap();
    }

    /// Adds limits to the configuration, as they are written under `limits:`.
    pub fn limit(&self, limits: &str) {
        self.edit("gateway.yaml", "limits: {}", &format!("limits: {{{limits}}}"));
    }

    /// Waits for something that a test does with sockets.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(async {
            let deadline = Duration::from_secs(60);
            tokio::time::timeout(deadline, work).await.expect("the test waits for something that does not come")
        })
    }

    /// Runs something beside the test.
    pub fn beside<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        let _inside = self.runtime.enter();
        Tasks::new().spawn(work)
    }

    /// A backend that calls `gateway` with the good certificate.
    pub fn backend(&self, gateway: SocketAddr) -> Backend {
        self.backend_as(gateway, Some(&self.pki.backend.identity().unwrap()))
    }

    /// A backend that calls `gateway` with another certificate, or none.
    pub fn backend_as(&self, gateway: SocketAddr, identity: Option<&TlsIdentity>) -> Backend {
        Backend::new(gateway, AUTHORITY, identity, vec![self.pki.gateway_authority.root()]).unwrap()
    }

    /// The claims of a good session token for house-1, door-1 of the tenant north.
    pub fn claims(&self) -> TokenClaims {
        self.claims_of(&self.sessions)
    }

    /// The same claims from another issuer.
    pub fn claims_of(&self, issuer: &TokenIssuer) -> TokenClaims {
        let thumbprint = self.pki.backend.parsed().unwrap().thumbprint;
        issuer
            .claims(AUDIENCE, "resident-ivanov", &thumbprint, now(), 300)
            .with("tenant", "north")
            .with("roles", vec!["resident".into()])
            .with("device_id", "phone-of-ivanov")
            .with("sid", "session-of-ivanov")
            .door_access("house-1", Some("door-1"), &["open"])
    }

    /// Waits until the partner is so far.
    pub fn partner_until(&self, reached: impl FnMut(&Progress) -> bool) {
        self.wait(self.partner.until(reached));
    }

    /// Fails the test if the partner received a byte above TLS on any connection. The gateway must have ended: then
    /// whatever it sent has come by the time that all connections have ended.
    pub fn assert_nothing_was_sent(&self) {
        self.partner_until(|partner| partner.ended == partner.connections);
        assert_eq!((self.partner.progress().bytes, self.partner.total_actuations()), (0, 0));
    }

    fn configuration(&self) -> String {
        let port = self.partner.address().port();
        format!(
            r#"version: 1
environment: development
workers: 2
listeners:
  backend:
    address: "127.0.0.1:0"
    tls: {{certificate: pki/gateway.pem, key: pki/gateway.key, client_ca: pki/backend-authority.pem}}
  ops: {{address: "127.0.0.1:0"}}
  admin: {{socket: state/admin.sock}}
issuers:
  - issuer: https://login.prop.example
    jwks: {{file: pki/login.jwks}}
    audience: {AUDIENCE}
    algorithms: [ES256]
    max_lifetime: 1h
    bind: [mtls]
sessions:
  issuer: https://sessions.prop.example
  jwks: {{file: pki/sessions.jwks}}
  audience: {AUDIENCE}
  algorithms: [ES256]
  max_lifetime: 10m
partners:
  smarthome:
    authority: {AUTHORITY}
    upstream: https://127.0.0.1:{port}
    server_name: localhost
    tls: {{ca: pki/partner-authority.pem, certificate: pki/gateway-at-partner.pem, key: pki/gateway-at-partner.key}}
    token:
      issuer: {AUDIENCE}
      audience: {PARTNER}
      client_id: prop-development
      key: pki/partner-token.key
      lifetime: 30s
    pseudonym_key: pki/pseudonym.key
policies: {{directory: policies}}
directory: {{file: directory.yaml}}
audit: {{directory: state/audit}}
store: {{sqlite: {{path: state/store.sqlite}}, key: pki/store.key}}
limits: {{}}
"#
        )
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.runtime.block_on(self.partner.stop());
    }
}

/// The time that tokens are made by.
pub fn now() -> UnixSeconds {
    SystemClock::new().now().seconds()
}

fn secret(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
