//! A request for a session (RFC 8693): a good one, unless something is changed.

use crate::harness::stage::Stage;
use crate::harness::stage::now;
use portcullis::devkit::AppKey;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::PUBLIC_URL;
use portcullis::json::Value;
use std::sync::Arc;

/// Where sessions are asked for.
pub const TOKEN_PATH: &str = "/-/oauth/token";

/// The right to open the first door of house-1.
pub const DOOR_1: &str = r#"[{"type":"door_access","house":"house-1","door":"door-1","actions":["open"]}]"#;

/// A request for a session.
#[derive(Clone)]
pub struct Exchange {
    /// The parameters of the form.
    pub form: Vec<(String, String)>,
    /// The `DPoP` fields.
    pub proofs: Vec<String>,
    /// Whose proof comes along, unless it is given as it stands; it is made anew where the gateway asks for a nonce.
    pub app: Option<Arc<AppKey>>,
    /// More fields.
    pub more: Vec<(String, String)>,
    pub method: &'static str,
    pub target: String,
    pub media_type: &'static str,
}

impl Exchange {
    /// For the stage's app, with this token of its user, for the right to open the first door.
    pub fn of(stage: &Stage, subject_token: String) -> Self {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", &subject_token),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("authorization_details", DOOR_1),
        ];
        Self {
            form: form.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            proofs: vec![proof_by(&stage.app, None)],
            app: Some(Arc::clone(&stage.app)),
            more: Vec::new(),
            method: "POST",
            target: TOKEN_PATH.to_owned(),
            media_type: "application/x-www-form-urlencoded",
        }
    }

    /// With the user's own token, which is bound to the backend's certificate.
    pub fn new(stage: &Stage) -> Self {
        Self::of(stage, stage.login.mint(&stage.resident(&stage.login, now())).unwrap())
    }

    /// With the user's own token, which is bound to nothing, so that any replica of the backend may bring it.
    pub fn unbound(stage: &Stage) -> Self {
        Self::of(stage, stage.login.mint(&stage.resident(&stage.login, now()).without("cnf")).unwrap())
    }

    /// The same with one parameter more, or another value of it.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.form.retain(|(known, _)| known != name);
        self.also(name, value)
    }

    /// The same with one parameter more, whether it stands there or not.
    pub fn also(mut self, name: &str, value: &str) -> Self {
        self.form.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same without a parameter.
    pub fn without(mut self, name: &str) -> Self {
        self.form.retain(|(known, _)| known != name);
        self
    }

    /// The same with these proofs, whatever the gateway asks for.
    pub fn proven(mut self, proofs: &[&str]) -> Self {
        self.app = None;
        self.proofs = proofs.iter().map(|proof| (*proof).to_owned()).collect();
        self
    }

    /// The same with one more field.
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.more.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Asks. An app that is asked for a nonce makes its proof anew with it, once.
    pub async fn give(&self, backend: &Backend) -> BackendAnswer {
        let answer = self.give_once(backend).await;
        match (&self.app, answer.header("dpop-nonce")) {
            (Some(app), Some(nonce)) if member(&answer, "error").as_deref() == Some("use_dpop_nonce") => {
                self.clone().proven(&[&proof_by(app, Some(nonce))]).give_once(backend).await
            }
            _ => answer,
        }
    }

    /// The same as it stands, whatever the gateway asks for.
    pub async fn give_once(&self, backend: &Backend) -> BackendAnswer {
        let mut fields = vec![("Content-Type", self.media_type)];
        fields.extend(self.proofs.iter().map(|proof| ("DPoP", proof.as_str())));
        fields.extend(self.more.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let body: Vec<String> = self.form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let body = if self.method == "GET" { String::new() } else { body.join("&") };
        let answer = backend.call(self.method, &self.target, &fields, body.as_bytes()).await.unwrap();
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.header("receipt-id").is_some_and(|receipt| receipt.starts_with("r-")));
        let text = answer.text();
        let secrets = self.form.iter().filter(|(name, _)| name == "subject_token").map(|(_, token)| token);
        assert!(
            secrets.chain(&self.proofs).all(|secret| secret.is_empty() || !text.contains(secret.as_str())),
            "{text}"
        );
        answer
    }
}

/// A proof by this key for the token endpoint, made now.
pub fn proof_by(app: &AppKey, nonce: Option<&str>) -> String {
    app.proof("POST", &format!("{PUBLIC_URL}{TOKEN_PATH}"), None, nonce, now()).unwrap()
}

/// A member of an answer that is text.
pub fn member(answer: &BackendAnswer, name: &str) -> Option<String> {
    answer.json()?.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// `application/x-www-form-urlencoded`.
fn encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"*-._".contains(&byte);
    let spelled = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    value.bytes().map(spelled).collect()
}
