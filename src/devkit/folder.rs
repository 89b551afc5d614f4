//! A folder in which a gateway can run: certificates and keys, token issuers, the sample bundle, the sample directory of two
//! management companies, and a `gateway.yaml` that fits them.
//!
//! What is in it is written as an operator would write it; nothing tells the gateway that it was made here.

use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::crypto::KeySet;
use crate::crypto::KeySetError;
use crate::crypto::SignError;
use crate::crypto::SigningAlgorithm;
use crate::crypto::SigningKey;
use crate::crypto::jwks_json;
use crate::crypto::random;
use crate::devkit::app_key::AppKey;
use crate::devkit::errands::Household;
use crate::devkit::issuer::APP;
use crate::devkit::issuer::TokenClaims;
use crate::devkit::issuer::TokenIssuer;
use crate::devkit::partner::TokenMaker;
use crate::devkit::partner::TokenTrust;
use crate::devkit::pki::BACKEND;
use crate::devkit::pki::Leaf;
use crate::devkit::pki::PARTNER_PEER;
use crate::devkit::pki::Pki;
use crate::devkit::pki::PkiError;
use crate::devkit::pki::Validity;
use crate::devkit::pki::write_new;
use crate::devkit::sample;
use crate::devkit::signatories::Signatories;
use crate::devkit::signatories::SigningFault;
use crate::model::Sha256;
use crate::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

/// The host name by which the backend addresses the smart-home partner.
pub const AUTHORITY: &str = "smarthome.gateway.prop.example";

/// The host name by which it addresses the partner that runs the barriers.
pub const PARKLINE_AUTHORITY: &str = "parkline.gateway.prop.example";

/// Who signs people in.
pub const LOGIN_ISSUER: &str = "https://login.prop.example";

/// As whom the gateway issues session tokens.
pub const SESSION_ISSUER: &str = "https://gateway.prop.example/sessions";

/// The host of [`PUBLIC_URL`].
pub const PUBLIC_HOST: &str = "gateway.prop.example";

/// By which URL apps know the gateway: what their proofs name is this and the path.
pub const PUBLIC_URL: &str = "https://gateway.prop.example";

/// The audience of the tokens that the gateway takes, and the issuer of those that it mints.
const AUDIENCE: &str = PUBLIC_URL;

/// The audiences of the tokens that the partners take.
const PARTNER: &str = "https://api.smarthome.example";
const PARKLINE: &str = "https://api.parkline.example";

/// The secret for signing events to the partner, in the folder; the configuration does not name it until it has an endpoint.
pub const WEBHOOK_SECRET: &str = "pki/webhook-sign.key";

/// What its log is called.
pub const LOG_ORIGIN: &str = "gateway.prop.example/audit";

/// Two houses of two management companies: the repository's sample.
const DIRECTORY: &str = include_str!("../../directory.yaml");

/// The folder, and the keys to what is in it.
pub struct GatewayFolder {
    path: PathBuf,
    /// All certificates.
    pub pki: Pki,
    /// Mints session tokens as the gateway does, with its key.
    pub sessions: TokenIssuer,
    /// Issues sign-in tokens.
    pub login: TokenIssuer,
    /// The key of a resident's app instance.
    pub app: Arc<AppKey>,
    /// Signs updates of the directory.
    pub directory_key: SigningKey,
    /// What verifies what the gateway sends to each partner.
    partner_keys: PartnerKeys,
    parkline_keys: PartnerKeys,
    /// The thumbprint of the backend's certificate, to which sign-in tokens are bound.
    backend: Sha256,
}

/// Why there is no such folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A certificate cannot be made or written.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// A key cannot be made.
    #[error(transparent)]
    Key(#[from] SignError),
    /// The bundle cannot be signed.
    #[error("the bundle cannot be signed")]
    Sign(#[from] SigningFault),
    /// A file cannot be written.
    #[error("cannot write into `{0}`")]
    Write(PathBuf, #[source] io::Error),
}

impl GatewayFolder {
    /// Fills `path`, an empty folder, with all but the configuration. Certificates are valid for a day from `now`.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn make(path: &Path, now: UnixSeconds) -> Result<Self, FolderError> {
        let mut pki = Pki::new(now)?;
        let gateway = Leaf::server(
            &[PUBLIC_HOST, AUTHORITY, PARKLINE_AUTHORITY, "localhost", "127.0.0.1"],
            Validity::a_day_from(now),
        );
        pki.gateway = pki.gateway_authority.issue(&gateway)?;
        let session_key = SigningKey::generate_pem(SigningAlgorithm::Es256)?;
        let sessions = TokenIssuer::with(SESSION_ISSUER, &session_key)?;
        let app = Arc::new(AppKey::new(SigningAlgorithm::Es256)?);
        let login = TokenIssuer::new(LOGIN_ISSUER, SigningAlgorithm::Es256)?;
        let (partner_keys, parkline_keys) = (PartnerKeys::new()?, PartnerKeys::new()?);
        let directory_key = SigningKey::generate_pem(SigningAlgorithm::EdDsa)?;
        let directory_key = SigningKey::from_pem(&directory_key).map_err(|_| SignError)?;
        let backend = pki.backend.parsed()?.thumbprint;
        let place = path.to_owned();
        let folder =
            Self { path: place, pki, sessions, login, app, directory_key, partner_keys, parkline_keys, backend };
        let write = || -> io::Result<()> {
            for name in ["pki", "state", "state/audit"] {
                fs::create_dir(path.join(name))?;
            }
            fs::write(path.join("pki/login.jwks"), folder.login.jwks())?;
            fs::write(path.join("pki/directory.jwks"), jwks_json(&[&folder.directory_key]))?;
            fs::write(path.join("directory.yaml"), directory_of(now))?;
            sample::write_bundle(&path.join("policies"), "127.0.0.1")
        };
        write().map_err(|error| FolderError::Write(path.to_owned(), error))?;
        folder.pki.write(&folder.path("pki"))?;
        let for_partners = folder.pki.gateway_authority.issue(&gateway)?;
        for_partners.write(&folder.path("pki"), "gateway-for-partners")?;
        write_new(&folder.path("pki/session.key"), session_key.expose(), 0o600)?;
        for (name, keys) in [("partner", &folder.partner_keys), ("parkline", &folder.parkline_keys)] {
            write_new(&folder.path(&format!("pki/{name}-token.key")), keys.token.expose(), 0o600)?;
            write_new(&folder.path(&format!("pki/{name}-signing.key")), keys.signing.expose(), 0o600)?;
        }
        let checkpoints = SigningKey::generate_pem(SigningAlgorithm::EdDsa)?;
        write_new(&folder.path("pki/checkpoint.key"), checkpoints.expose(), 0o600)?;
        for name in ["pki/pseudonym.key", "pki/parkline-pseudonym.key", "pki/store.key"] {
            write_new(&folder.path(name), random::<32>(), 0o600)?;
        }
        let secret = format!("whsec_{}\n", STANDARD.encode(random::<32>()));
        write_new(&folder.path(WEBHOOK_SECRET), secret, 0o600)?;
        Ok(folder)
    }

    /// Writes `gateway.yaml` for partners at these addresses. The gateway takes free ports and tells them in its log.
    ///
    /// # Errors
    /// [`FolderError::Write`].
    pub fn configure(&self, smarthome: SocketAddr, parkline: SocketAddr) -> Result<(), FolderError> {
        let path = self.configuration();
        fs::write(&path, gateway_yaml(smarthome, parkline)).map_err(|error| FolderError::Write(path, error))
    }

    /// Adds to `gateway.yaml` that the smart-home partner takes events at this URL, whose certificate is for `localhost`.
    ///
    /// # Errors
    /// [`FolderError::Write`].
    pub fn announce_to(&self, url: &str) -> Result<(), FolderError> {
        const KEY: &str = "    pseudonym_key: pki/pseudonym.key\n";
        let path = self.configuration();
        let webhooks =
            format!("    webhooks: {{endpoint: \"{url}\", server_name: localhost, sign: {WEBHOOK_SECRET}}}\n");
        let written = fs::read_to_string(&path)
            .and_then(|text| fs::write(&path, text.replacen(KEY, &format!("{KEY}{webhooks}"), 1)));
        written.map_err(|error| FolderError::Write(path, error))
    }

    /// Has everybody sign the bundle as it lies there, writes the list of signers beside it, and demands signatures in
    /// `gateway.yaml`. From then on a changed bundle is refused until it is signed again.
    ///
    /// # Errors
    /// [`FolderError::Sign`]; [`FolderError::Write`].
    pub fn approve(&self, signatories: &Signatories, now: UnixMillis) -> Result<(), FolderError> {
        const KEY: &str = "policies: {directory: policies}\n";
        signatories.approve(&self.path("policies"), now)?;
        let (list, path) = (self.path("signers.yaml"), self.configuration());
        fs::write(&list, signatories.list(1)).map_err(|error| FolderError::Write(list, error))?;
        let demanded = "policies: {directory: policies, signers: signers.yaml}\n";
        let written = fs::read_to_string(&path).and_then(|text| fs::write(&path, text.replacen(KEY, demanded, 1)));
        written.map_err(|error| FolderError::Write(path, error))
    }

    /// Where `gateway.yaml` lies.
    #[must_use]
    pub fn configuration(&self) -> PathBuf {
        self.path("gateway.yaml")
    }

    /// A file of the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// What the smart-home partner must trust.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn trust(&self) -> Result<TokenTrust, KeySetError> {
        self.partner_keys.trust(PARTNER)
    }

    /// What the partner that runs the barriers must trust.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn parkline_trust(&self) -> Result<TokenTrust, KeySetError> {
        self.parkline_keys.trust(PARKLINE)
    }

    /// The claims of a household's resident who is also the concierge of its house, with every right there that the sample's
    /// contracts know; from `issuer`, for five minutes from `now`.
    #[must_use]
    pub fn member_of(&self, household: &Household, issuer: &TokenIssuer, now: UnixSeconds) -> TokenClaims {
        let house = household.house;
        self.claims(household.person, issuer, now)
            .with("tenant", household.tenant)
            .with("roles", vec!["resident".into(), "concierge".into()])
            .with("device_id", household.phone)
            .with("car_id", household.car)
            .with("sid", format!("session-of-{}", household.person))
            .door_access(house, Some("door-1"), &["open", "see"])
            .barrier_access(house, Some("gate-1"), &["open", "see"])
            .house_access(house, &["read-events", "sync-face", "revoke-grant", "sync-plate"])
    }

    /// The claims of a resident of house-1, which the tenant north manages, who may open its first door; from `issuer`,
    /// for five minutes from `now`.
    #[must_use]
    pub fn resident(&self, issuer: &TokenIssuer, now: UnixSeconds) -> TokenClaims {
        self.claims("resident-ivanov", issuer, now)
            .with("tenant", "north")
            .with("roles", vec!["resident".into()])
            .with("device_id", "phone-of-ivanov")
            .with("sid", "session-of-ivanov")
            .door_access("house-1", Some("door-1"), &["open"])
    }
}

/// The keys for the tokens and the requests of one partner.
struct PartnerKeys {
    token: Secret,
    signing: Secret,
}

impl PartnerKeys {
    fn new() -> Result<Self, SignError> {
        let token = SigningKey::generate_pem(SigningAlgorithm::Es256)?;
        Ok(Self { token, signing: SigningKey::generate_pem(SigningAlgorithm::EdDsa)? })
    }

    /// What the partner of that audience must trust.
    fn trust(&self, audience: &str) -> Result<TokenTrust, KeySetError> {
        let set = |pem: &Secret| {
            let key = SigningKey::from_pem(pem).map_err(|_| KeySetError::NothingUsable)?;
            KeySet::parse(jwks_json(&[&key]).as_bytes())
        };
        let (keys, signatures) = (set(&self.token)?, set(&self.signing)?);
        let (issuer, audience) = (AUDIENCE.to_owned(), audience.to_owned());
        Ok(TokenTrust { maker: TokenMaker::Gateway, issuer, audience, keys, signatures })
    }
}

/// What every token of a person says: one of the identity provider's, bound to the backend's certificate, or one of the
/// gateway's own for its backend, bound to the key of the app.
impl GatewayFolder {
    fn claims(&self, person: &str, issuer: &TokenIssuer, now: UnixSeconds) -> TokenClaims {
        let claims = issuer.claims(AUDIENCE, person, &self.backend, now, 300);
        if issuer.name() == SESSION_ISSUER { claims.acted_by(BACKEND).bound_to(&self.app) } else { claims }
    }
}

/// The sample directory as if it were made now.
fn directory_of(now: UnixSeconds) -> String {
    let line = |line: &str| match line.strip_prefix("made_at: ").and_then(|rest| rest.split_once(' ')) {
        Some((_, why)) => format!("made_at: {} {why}\n", UnixMillis::new(now.get().saturating_mul(1_000))),
        None => format!("{line}\n"),
    };
    DIRECTORY.lines().map(line).collect()
}

fn gateway_yaml(smarthome: SocketAddr, parkline: SocketAddr) -> String {
    format!(
        r#"version: 1
environment: development
public_url: {PUBLIC_URL}
workers: 2
listeners:
  backend:
    address: "127.0.0.1:0"
    tls: {{certificate: pki/gateway.pem, key: pki/gateway.key, client_ca: pki/backend-authority.pem}}
  partner:
    address: "127.0.0.1:0"
    tls: {{certificate: pki/gateway-for-partners.pem, key: pki/gateway-for-partners.key, client_ca: pki/partner-clients.pem}}
  ops: {{address: "127.0.0.1:0"}}
  admin: {{socket: state/admin.sock}}
issuers:
  - issuer: {LOGIN_ISSUER}
    jwks: {{file: pki/login.jwks}}
    audience: {AUDIENCE}
    algorithms: [ES256]
    max_lifetime: 1h
    bind: [mtls]
sessions:
  issuer: {SESSION_ISSUER}
  keys: [pki/session.key]
  audience: {AUDIENCE}
  max_lifetime: 5m
  actors: [{{peer: "{BACKEND}", audiences: ["{AUDIENCE}"], clients: [{APP}]}}]
partners:
  smarthome:
    authority: {AUTHORITY}
    upstream: https://{smarthome}
    server_name: localhost
    tls: {{ca: pki/partner-authority.pem, certificate: pki/gateway-at-partner.pem, key: pki/gateway-at-partner.key}}
    token:
      issuer: {AUDIENCE}
      audience: {PARTNER}
      client_id: prop-development
      key: pki/partner-token.key
      lifetime: 30s
    signing: {{key: pki/partner-signing.key}}
    pseudonym_key: pki/pseudonym.key
    peer: {PARTNER_PEER}
  parkline:
    authority: {PARKLINE_AUTHORITY}
    upstream: https://{parkline}
    server_name: parkline.example
    tls: {{ca: pki/parkline-authority.pem, certificate: pki/gateway-at-parkline.pem, key: pki/gateway-at-parkline.key}}
    token:
      issuer: {AUDIENCE}
      audience: {PARKLINE}
      client_id: prop-development
      key: pki/parkline-token.key
      lifetime: 30s
    signing: {{key: pki/parkline-signing.key}}
    pseudonym_key: pki/parkline-pseudonym.key
policies: {{directory: policies}}
directory: {{file: directory.yaml, jwks: {{file: pki/directory.jwks}}, max_age: 24h}}
audit: {{directory: state/audit, origin: {LOG_ORIGIN}, checkpoint_key: pki/checkpoint.key, segments: {{}}}}
store: {{sqlite: {{path: state/store.sqlite}}, key: pki/store.key}}
limits: {{}}
"#
    )
}
