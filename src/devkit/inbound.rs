//! What a folder needs for events that partners send: the secret that the partner signs with, the backend's identity and the
//! gateway's towards it, the secret that the gateway signs with, and the lines of `gateway.yaml` that name them.

use crate::clock::Clock;
use crate::clock::UnixSeconds;
use crate::crypto::SignError;
use crate::crypto::SigningAlgorithm;
use crate::crypto::SigningKey;
use crate::crypto::jwks_json;
use crate::crypto::random;
use crate::devkit::folder::FolderError;
use crate::devkit::folder::GatewayFolder;
use crate::devkit::pki::Authority;
use crate::devkit::pki::GATEWAY;
use crate::devkit::pki::Issued;
use crate::devkit::pki::Leaf;
use crate::devkit::pki::PARTNER_PEER;
use crate::devkit::pki::PkiError;
use crate::devkit::pki::Validity;
use crate::devkit::pki::write_new;
use crate::devkit::receiver::ReceiverSettings;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use std::fs;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;

/// Where the simulated backend takes events.
const PATH: &str = "/partner-events";

/// The client that the smart-home partner is at the gateway's token endpoint.
pub const CLIENT_ID: &str = "smarthome-intercom";

/// How the partner's events are verified.
const VERIFY: &str = "verify: pki/partner-events.secret";

/// How the partner is known as a client.
const CLIENT: &str = "client: {client_id: smarthome-intercom, jwks: {file: pki/smarthome-client.jwks}}";

/// Keys and certificates of inbound events and operations.
pub struct InboundKit {
    /// The secret that the partner signs with, as in its file.
    pub partner_secret: String,
    backend_secret: String,
    /// By which the partner proves itself as a client.
    client_key: SigningKey,
    /// Signs the backend's server certificate and the gateway's client certificate for it.
    pub authority: Authority,
    /// The backend's server certificate, for `localhost`.
    pub server: Issued,
}

impl InboundKit {
    /// Makes them, and writes what the gateway needs of them into `folder`; valid for a day from `now`.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn make(folder: &GatewayFolder, now: UnixSeconds) -> Result<Self, FolderError> {
        let validity = Validity::a_day_from(now);
        let authority = Authority::new("development authority of the backend's servers", validity)?;
        let server = authority.issue(&Leaf::server(&["localhost"], validity))?;
        let pki = folder.path("pki");
        write_new(&pki.join("backend-servers.pem"), authority.pem(), 0o644)?;
        authority.issue(&Leaf::client(GATEWAY, validity))?.write(&pki, "gateway-at-backend")?;
        let (partner_secret, backend_secret) = (webhook_secret(), webhook_secret());
        write_new(&pki.join("partner-events.secret"), &partner_secret, 0o600)?;
        write_new(&pki.join("backend-events.secret"), &backend_secret, 0o600)?;
        let (client_key, own) = (signing_key()?, SigningKey::generate_pem(SigningAlgorithm::Es256)?);
        write_new(&pki.join("clients.key"), own.expose(), 0o600)?;
        write_new(&pki.join("smarthome-client.jwks"), jwks_json(&[&client_key]), 0o644)?;
        Ok(Self { partner_secret, backend_secret, client_key, authority, server })
    }

    /// The backend that takes them, on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// [`PkiError::Use`].
    pub fn backend(&self, clock: Arc<dyn Clock>) -> Result<ReceiverSettings, PkiError> {
        Ok(ReceiverSettings {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            identity: self.server.identity()?,
            client_roots: vec![self.authority.root()],
            client_name: GATEWAY.to_owned(),
            path: PATH.to_owned(),
            secret: self.backend_secret.clone(),
            clock,
        })
    }

    /// How the partner signs an event (Standard Webhooks): `v1,` and the code over `id.timestamp.body`. None of the gateway's
    /// own code.
    ///
    /// # Errors
    /// [`SignError`], which does not happen to a secret that was made here.
    pub fn signature(&self, id: &str, at: &str, body: &str) -> Result<String, SignError> {
        let encoded = self.partner_secret.trim_end().strip_prefix("whsec_").ok_or(SignError)?;
        let secret = STANDARD.decode(encoded).map_err(|_| SignError)?;
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&secret).map_err(|_| SignError)?;
        mac.update(format!("{id}.{at}.{body}").as_bytes());
        Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }

    /// An assertion of the partner's client (RFC 7523) for whoever is `audience`, of this id, good for a minute from `now`.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn client_assertion(&self, audience: &str, id: &str, now: UnixSeconds) -> Result<String, SignError> {
        let (issued, expires) = (now.get(), now.plus(60).get());
        let claims = format!(
            r#"{{"iss":"{CLIENT_ID}","sub":"{CLIENT_ID}","aud":"{audience}","jti":"{id}","iat":{issued},"exp":{expires}}}"#
        );
        self.client_key.sign_jws("client-authentication+jwt", claims.as_bytes())
    }

    /// The key of that client, for assertions that must be refused.
    #[must_use]
    pub const fn client_key(&self) -> &SigningKey {
        &self.client_key
    }

    /// Adds to the folder's `gateway.yaml` that the partner sends events and calls operations, and that the backend takes both
    /// at this address.
    ///
    /// # Errors
    /// [`FolderError::Write`].
    pub fn configure(&self, folder: &GatewayFolder, backend: SocketAddr) -> Result<(), FolderError> {
        let path = folder.configuration();
        let peer = format!("    peer: {PARTNER_PEER}\n");
        let with_events = |text: String| {
            // The partner may take events already.
            let text = match text.contains("    webhooks: {") {
                true => text.replace("    webhooks: {", &format!("    webhooks: {{{VERIFY}, ")),
                false => text.replace(&peer, &format!("{peer}    webhooks: {{{VERIFY}}}\n")),
            };
            let text = text.replace(&peer, &format!("{peer}    {CLIENT}\n"));
            text + "clients: {keys: pki/clients.key}\n" + &backend_yaml(backend)
        };
        let written = fs::read_to_string(&path).and_then(|text| fs::write(&path, with_events(text)));
        written.map_err(|error| FolderError::Write(path, error))
    }
}

fn signing_key() -> Result<SigningKey, SignError> {
    let pem = SigningKey::generate_pem(SigningAlgorithm::EdDsa)?;
    SigningKey::from_pem(&pem).map_err(|_| SignError)
}

/// A secret of webhooks as a sender and a receiver share it (Standard Webhooks).
fn webhook_secret() -> String {
    format!("whsec_{}\n", STANDARD.encode(random::<32>()))
}

fn backend_yaml(backend: SocketAddr) -> String {
    format!(
        r#"backend:
  upstream: https://{backend}
  server_name: localhost
  tls: {{ca: pki/backend-servers.pem, certificate: pki/gateway-at-backend.pem, key: pki/gateway-at-backend.key}}
  events: {{path: {PATH}, sign: pki/backend-events.secret}}
"#
    )
}
