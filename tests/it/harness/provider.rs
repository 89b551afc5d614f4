//! A real identity provider beside a stage, `oidc-provider`, and clients that sign people in there, `openid-client`: both
//! as `tests/peers/node` scripts them. What the provider is asked by others is not of the tests' making.

use crate::harness::now;
use crate::harness::peers::Peer;
use crate::harness::peers::node_script;
use crate::harness::stage::Stage;
use portcullis::devkit::BACKEND;
use portcullis::devkit::LOGIN_ISSUER;
use portcullis::devkit::Leaf;
use portcullis::devkit::NORTH;
use portcullis::devkit::PUBLIC_HOST;
use portcullis::devkit::SESSION_ISSUER;
use portcullis::devkit::Validity;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::net::SocketAddr;

/// The audience of the tokens that the gateway takes.
pub const AUDIENCE: &str = "https://gateway.prop.example";

/// How a client of the provider proves who it is, and what its tokens are bound to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Manner {
    /// By nothing, as an app on a phone must; its tokens are bound to its key (RFC 9449).
    App,
    /// By its certificate, to which its tokens are bound (RFC 8705).
    Certificate,
    /// By a signed assertion (RFC 7523); its tokens are bound to its key.
    Assertion,
    /// By its certificate, and its tokens are bound to nothing.
    Unbound,
}

/// The provider; ended when dropped.
pub struct Provider {
    peer: Peer,
    pub issuer: String,
}

/// A client of it that has read its metadata; ended when dropped.
pub struct Client {
    peer: Peer,
    /// The thumbprint of the key to which its tokens are bound where they are bound to a key.
    pub jkt: String,
}

impl Provider {
    /// Starts one at which the resident of the north signs in, and has the stage's gateway trust it in the place of the
    /// stage's own sign-in service.
    pub fn on(stage: &Stage) -> Self {
        let leaf = Leaf::server(&["localhost"], Validity::a_day_from(now()));
        stage.pki.partner_authority.issue(&leaf).unwrap().write(&stage.path("pki"), "provider").unwrap();
        // The backend shows itself there, and so does the gateway, as the partner's.
        let known = ["backend-authority", "partner-authority"].map(|name| stage.path(&format!("pki/{name}.pem")));
        let authorities = stage.path("pki/provider-clients.pem");
        fs::write(&authorities, known.map(|path| fs::read_to_string(path).unwrap()).concat()).unwrap();
        let settings = json!({
            "certificate": stage.path("pki/provider.pem"),
            "key": stage.path("pki/provider.key"),
            "client_ca": authorities,
            "audience": AUDIENCE,
            "people": {NORTH.person: {
                "tenant": NORTH.tenant,
                "roles": ["resident", "concierge"],
                "device_id": NORTH.phone,
                "car_id": NORTH.car,
            }},
        });
        let mut peer = Peer::start(node_script("provider.mjs"));
        let issuer = peer.ask(&settings)["issuer"].as_str().unwrap().to_owned();
        stage.edit("gateway.yaml", LOGIN_ISSUER, &issuer);
        stage.edit("policies/requirements.yaml", LOGIN_ISSUER, &issuer);
        stage.edit("gateway.yaml", "bind: [mtls]", "bind: [mtls, dpop]");
        let mut provider = Self { peer, issuer };
        fs::write(stage.path("pki/login.jwks"), provider.asked("jwks").to_string()).unwrap();
        provider
    }

    /// Has it do something, and gives what it answers.
    #[track_caller]
    pub fn asked(&mut self, deed: &str) -> Value {
        self.peer.ask(&json!({ "do": deed }))
    }

    /// Has it know this client.
    #[track_caller]
    pub fn register(&mut self, client: &Value) {
        assert_eq!(self.peer.ask(&json!({"do": "register", "client": client})), json!({}));
    }

    /// A client of that name that is registered and connected; with the backend's certificate where it shows one.
    #[track_caller]
    pub fn client(&mut self, stage: &Stage, name: &str, manner: Manner) -> Client {
        let auth = match manner {
            Manner::App => "none",
            Manner::Assertion => "jwt",
            Manner::Certificate | Manner::Unbound => "mtls",
        };
        let bound_to_key = matches!(manner, Manner::App | Manner::Assertion);
        let mut settings = json!({
            "issuer": self.issuer,
            "client_id": name,
            "ca": stage.path("pki/partner-authority.pem"),
            "auth": auth,
            "dpop": bound_to_key,
        });
        let mut client = json!({
            "client_id": name,
            "redirect_uris": ["https://app.example/back"],
            "response_types": ["code"],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "dpop_bound_access_tokens": bound_to_key,
            "tls_client_certificate_bound_access_tokens": manner == Manner::Certificate,
        });
        if auth == "mtls" {
            settings["certificate"] = json!(stage.path("pki/backend.pem"));
            settings["key"] = json!(stage.path("pki/backend.key"));
            client["tls_client_auth_san_uri"] = json!(BACKEND);
        }
        let mut peer = Peer::start(node_script("client.mjs"));
        let begun = peer.ask(&settings);
        client["token_endpoint_auth_method"] = match auth {
            "jwt" => {
                client["jwks"] = begun["jwks"].clone();
                json!("private_key_jwt")
            }
            "mtls" => json!("tls_client_auth"),
            _ => {
                client["grant_types"] = json!(["authorization_code", "refresh_token"]);
                json!("none")
            }
        };
        self.register(&client);
        assert_eq!(peer.ask(&json!({"do": "connect"})), json!({}), "{name}");
        Client { peer, jkt: begun["jkt"].as_str().unwrap().to_owned() }
    }
}

impl Client {
    /// Has it do something, and gives what it answers.
    #[track_caller]
    pub fn ask(&mut self, question: &Value) -> Value {
        self.peer.ask(question)
    }

    /// What the token endpoint gives once the resident of the north has signed in, for these rights at the gateway.
    #[track_caller]
    pub fn sign_in(&mut self, details: &Value) -> Value {
        self.sign_in_for(AUDIENCE, details)
    }

    /// The same at another resource.
    #[track_caller]
    pub fn sign_in_for(&mut self, resource: &str, details: &Value) -> Value {
        let told = self.ask(&json!({"do": "sign-in", "as": NORTH.person, "details": details, "resource": resource}));
        assert!(told["access_token"].is_string(), "nobody is signed in: {told}");
        told
    }

    /// Has it be the backend at the gateway's token endpoint from now on, with the key that it has for its proofs. Of the
    /// endpoint it is told the issuer's identifier alone (RFC 8414), and where the issuer's host is.
    #[track_caller]
    pub fn turn_to(&mut self, stage: &Stage, gateway: SocketAddr) {
        let told = self.ask(&json!({
            "do": "connect",
            "issuer": SESSION_ISSUER,
            "discovery": "oauth2",
            "to": {PUBLIC_HOST: {"address": gateway.to_string(), "authority": PUBLIC_HOST}},
            "ca": stage.path("pki/gateway-authority.pem"),
            "client_id": BACKEND,
            "auth": "mtls",
            "certificate": stage.path("pki/backend.pem"),
            "key": stage.path("pki/backend.key"),
        }));
        assert_eq!(told, json!({}));
    }

    /// What the token endpoint answers to an exchange of a token for a session with these rights (RFC 8693).
    #[track_caller]
    pub fn exchange(&mut self, subject_token: &str, details: &Value) -> Value {
        self.ask(&json!({
            "do": "grant",
            "type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "parameters": {
                "subject_token": subject_token,
                "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
                "authorization_details": details.to_string(),
            },
        }))
    }

    /// A proof of possession of its key (RFC 9449 §4), made by `dpop`.
    #[track_caller]
    pub fn proof(&mut self, method: &str, url: &str, token: Option<&str>, nonce: Option<&str>) -> String {
        let told = self.ask(&json!({"do": "proof", "method": method, "url": url, "token": token, "nonce": nonce}));
        told["proof"].as_str().unwrap().to_owned()
    }
}
