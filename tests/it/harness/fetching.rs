//! A partner whose tokens are fetched: the configuration that says so, the simulated authorisation server that gives them, and the
//! partner that takes those and no others.

use crate::harness::stage::Stage;
use crate::harness::stage::now;
use portcullis::clock::Clock;
use portcullis::clock::SystemClock;
use portcullis::crypto::KeySet;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::SigningKey;
use portcullis::crypto::jwks_json;
use portcullis::devkit::ClientProof;
use portcullis::devkit::GATEWAY;
use portcullis::devkit::Leaf;
use portcullis::devkit::SimulatedTokenServer;
use portcullis::devkit::TOKEN_CLIENT;
use portcullis::devkit::TOKEN_SERVER;
use portcullis::devkit::TokenMaker;
use portcullis::devkit::TokenServerSettings;
use portcullis::devkit::TokenTrust;
use portcullis::devkit::Validity;
use portcullis::secret::Secret;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

/// The audience of the smart-home partner's tokens.
const PARTNER: &str = "https://api.smarthome.example";

/// The scope that the stage's configuration asks for.
const SCOPE: &str = "prop {type}.{action}";

/// Has the tokens of the partner that runs the barriers fetched, with every key that there is, from a server that is started; and
/// the partner take those alone.
pub fn fetch_tokens(stage: &Stage) -> SimulatedTokenServer {
    const AUDIENCE: &str = "https://api.parkline.example";
    let (authority, validity) = (&stage.pki.parkline_authority, Validity::a_day_from(now()));
    let ours = authority.issue(&Leaf::client("spiffe://prop.example/at-as", validity)).unwrap();
    ours.write(&stage.path("pki"), "at-as").unwrap();
    let keys = KeySet::parse(jwks_json(&[&stage.client_key()]).as_bytes()).unwrap();
    let settings = TokenServerSettings {
        identity: authority.issue(&Leaf::server(&["as.parkline.example"], validity)).unwrap().identity().unwrap(),
        client_roots: vec![authority.root()],
        proof: ClientProof::Assertion(keys),
        audience: AUDIENCE.to_owned(),
        clock: Arc::new(SystemClock::new()),
    };
    let server = stage.wait(SimulatedTokenServer::start(settings)).unwrap();
    let tls = "tls: {ca: pki/parkline-authority.pem, certificate: pki/at-as.pem, key: pki/at-as.key}";
    let proof = format!("client_id: {TOKEN_CLIENT}, key: pki/as-client.key, audience: \"{TOKEN_SERVER}\"");
    let asked = format!("scope: \"{SCOPE}\", authorization_details: true, resource: \"{AUDIENCE}\"");
    let bounds = "max_lifetime: 5m, timeout: 10s";
    let at = format!("url: \"{}\", server_name: as.parkline.example", server.url());
    let text = fs::read_to_string(stage.path("gateway.yaml")).unwrap();
    let (before, rest) = text.rsplit_once("    token:\n").unwrap();
    let (_, after) = rest.split_once("    signing:").unwrap();
    let token = format!("    token: {{fetch: {{{at}, {tls}, {proof}, {asked}, {bounds}}}}}\n");
    fs::write(stage.path("gateway.yaml"), format!("{before}{token}    signing:{after}")).unwrap();
    let TokenTrust { signatures, .. } = stage.parkline_trust().unwrap();
    let (issuer, audience) = (TOKEN_SERVER.to_owned(), AUDIENCE.to_owned());
    let keys = KeySet::parse(server.jwks().as_bytes()).unwrap();
    stage.parkline.trust(TokenTrust { maker: TokenMaker::Server, issuer, audience, keys, signatures });
    server
}

/// How the gateway proves which client it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Proof {
    /// By the key `pki/as-client.key`.
    Assertion,
    /// By its certificate towards the partner.
    Certificate,
}

impl Stage {
    /// Has the smart-home partner's tokens fetched from a server that is started, and the partner take those alone.
    pub fn fetches(&self, proof: Proof, clock: Arc<dyn Clock>) -> SimulatedTokenServer {
        let authority = &self.pki.partner_authority;
        let validity = Validity::a_day_from(now());
        let (known, own) = match proof {
            Proof::Assertion => {
                let ours = authority.issue(&Leaf::client("spiffe://prop.example/at-as", validity)).unwrap();
                ours.write(&self.path("pki"), "at-as").unwrap();
                let keys = KeySet::parse(jwks_json(&[&self.client_key()]).as_bytes()).unwrap();
                let own = "certificate: pki/at-as.pem, key: pki/at-as.key}, key: pki/as-client.key";
                (ClientProof::Assertion(keys), format!("{own}, audience: \"{TOKEN_SERVER}\""))
            }
            Proof::Certificate => (ClientProof::Certificate(GATEWAY.to_owned()), "}".to_owned()),
        };
        let settings = TokenServerSettings {
            identity: authority.issue(&Leaf::server(&["localhost"], validity)).unwrap().identity().unwrap(),
            client_roots: vec![authority.root()],
            proof: known,
            audience: PARTNER.to_owned(),
            clock,
        };
        let server = self.wait(SimulatedTokenServer::start(settings)).unwrap();
        let tls = format!("server_name: localhost, tls: {{ca: pki/partner-authority.pem, {own}");
        self.fetch_from(&format!("url: \"{}\", {tls}, scope: \"{SCOPE}\"", server.url()));
        self.takes_tokens_of(TOKEN_SERVER, PARTNER, &server.jwks());
        server
    }

    /// Has the smart-home partner's tokens fetched as the client of the stage, with these keys more.
    pub fn fetch_from(&self, keys: &str) {
        let text = fs::read_to_string(self.path("gateway.yaml")).unwrap();
        let (before, rest) = text.split_once("    token:\n").unwrap();
        let (_, after) = rest.split_once("    signing:").unwrap();
        let token = format!("    token: {{fetch: {{client_id: {TOKEN_CLIENT}, {keys}}}}}\n");
        fs::write(self.path("gateway.yaml"), format!("{before}{token}    signing:{after}")).unwrap();
    }

    /// Has the smart-home partner take the tokens of this issuer for this audience alone.
    pub fn takes_tokens_of(&self, issuer: &str, audience: &str, jwks: &str) {
        let TokenTrust { signatures, .. } = self.trust().unwrap();
        let (maker, issuer, audience) = (TokenMaker::Server, issuer.to_owned(), audience.to_owned());
        let keys = KeySet::parse(jwks.as_bytes()).unwrap();
        self.partner.trust(TokenTrust { maker, issuer, audience, keys, signatures });
    }

    /// A new key of the gateway's as a client, which lies in `pki/as-client.key`.
    pub fn client_key(&self) -> SigningKey {
        let pem = SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap();
        let path = self.path("pki/as-client.key");
        fs::write(&path, pem.expose()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        SigningKey::from_pem(&Secret::new(pem.expose().to_vec())).unwrap()
    }
}
