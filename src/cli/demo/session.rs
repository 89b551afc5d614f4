//! What app and backend do so that a door opens: the app proves its key for each request (DPoP, RFC 9449), and the backend
//! exchanges the user's sign-in token for a session of that key (RFC 8693).

use crate::cli::demo::scene::Scene;
use crate::cli::demo::scene::StepFault;
use crate::clock::UnixSeconds;
use crate::crypto::encode_base64url;
use crate::crypto::random;
use crate::devkit::AppKey;
use crate::devkit::Backend;
use crate::devkit::BackendAnswer;
use crate::devkit::PUBLIC_HOST;
use crate::devkit::PUBLIC_URL;
use crate::devkit::TokenClaims;
use crate::json;
use crate::json::Limits;
use crate::json::Value;

/// Where the backend asks for sessions.
const TOKEN_PATH: &str = "/-/oauth/token";

/// What the form says of the exchange, beside the token and the rights.
const FORM: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
                    &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token";

/// How a request shows that its token is in the right hands.
#[derive(Clone)]
pub(super) enum Proof {
    /// By the certificate of the backend, which the token names.
    Certificate,
    /// By a proof of the app's key, made for the request.
    Own,
    /// By such a proof for another path.
    For(&'static str),
    /// By a proof of a key that the token does not name.
    Stranger,
    /// By this very proof.
    This(String),
}

/// What came of an exchange.
pub(super) struct Session {
    pub(super) token: String,
    /// The type of token, and for how many seconds it is good.
    pub(super) kind: String,
    pub(super) lifetime_s: i64,
    /// The actions that it is good for, each with its thing.
    pub(super) rights: Vec<String>,
}

impl Scene {
    /// Exchanges a sign-in token of these claims for a session with the rights that they name.
    pub(super) fn session(&self, claims: &TokenClaims) -> Result<Session, StepFault> {
        self.session_of(claims, &rights_in(claims))
    }

    /// Exchanges a sign-in token of these claims for a session with these rights.
    pub(super) fn session_of(&self, claims: &TokenClaims, rights: &str) -> Result<Session, StepFault> {
        let answer = self.exchange(&self.folder.login.mint(claims)?, rights)?;
        let refused = || StepFault::Refused(answer.status, answer.text());
        let told = answer.json().filter(|_| answer.status == 200).ok_or_else(refused)?;
        let text = |name| told.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Session {
            token: text("access_token").ok_or_else(refused)?,
            kind: text("token_type").ok_or_else(refused)?,
            lifetime_s: told.get("expires_in").and_then(Value::as_integer).ok_or_else(refused)?,
            rights: told.get("authorization_details").map(told_rights).ok_or_else(refused)?,
        })
    }

    /// Asks for such an exchange, as backend, with a proof by the app.
    pub(super) fn exchange(&self, sign_in: &str, rights: &str) -> Result<BackendAnswer, StepFault> {
        let identity = self.folder.pki.backend.identity()?;
        let backend = Backend::new(self.gateway.backend(), PUBLIC_HOST, Some(&identity), self.roots())?;
        let form = format!("{FORM}&subject_token={sign_in}&authorization_details={}", form_encoded(rights));
        let url = format!("{PUBLIC_URL}{TOKEN_PATH}");
        self.with_nonce(|nonce| {
            let proof = self.app.proof("POST", &url, None, nonce, self.now())?;
            let fields = [("Content-Type", "application/x-www-form-urlencoded"), ("DPoP", proof.as_str())];
            Ok(self.runtime.block_on(backend.call("POST", TOKEN_PATH, &fields, form.as_bytes()))?)
        })
    }

    /// A proof by this key for a request to a target, with a session token, made at that time.
    pub(super) fn proof(
        &self,
        by: &AppKey,
        (method, target, token): (&str, &str, &str),
        nonce: Option<&str>,
        at: UnixSeconds,
    ) -> Result<String, StepFault> {
        let path = target.split('?').next().unwrap_or_default();
        Ok(by.proof(method, &format!("{PUBLIC_URL}{path}"), Some(token), nonce, at)?)
    }

    /// Sends with the nonce that the gateway gave last, and once more where it asks for another one (RFC 9449 §8).
    pub(super) fn with_nonce(
        &self,
        send: impl Fn(Option<&str>) -> Result<BackendAnswer, StepFault>,
    ) -> Result<BackendAnswer, StepFault> {
        let known = self.nonce.borrow().clone();
        let answer = send(known.as_deref())?;
        let Some(newer) = answer.header("dpop-nonce").map(str::to_owned) else { return Ok(answer) };
        self.nonce.replace(Some(newer.clone()));
        if asks_for_nonce(&answer) { send(Some(&newer)) } else { Ok(answer) }
    }
}

/// Whether an answer asks for its nonce: at the token endpoint in the document, elsewhere in the field for that.
pub(super) fn asks_for_nonce(answer: &BackendAnswer) -> bool {
    let named = answer.headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("www-authenticate") && value.contains(r#"error="use_dpop_nonce""#)
    });
    named || answer.json().is_some_and(|told| told.get("error").and_then(Value::as_str) == Some("use_dpop_nonce"))
}

/// The rights that claims name, as they stand there.
pub(super) fn rights_in(claims: &TokenClaims) -> String {
    let mut text = Vec::new();
    let claims = json::parse(claims.text().as_bytes(), Limits::default()).ok();
    if let Some(rights) = claims.as_ref().and_then(|claims| claims.get("authorization_details")) {
        json::write(rights, &mut text);
    }
    String::from_utf8(text).unwrap_or_default()
}

/// Rights for people: `open door-1 of house-1`.
pub(super) fn told_rights(rights: &Value) -> Vec<String> {
    let mut told = Vec::new();
    for right in rights.as_array().unwrap_or_default() {
        let text = |name| right.get(name).and_then(Value::as_str);
        let place = match text("door").or_else(|| text("barrier")) {
            Some(thing) => format!("{thing} of {}", text("house").unwrap_or("?")),
            None => text("house").unwrap_or("?").to_owned(),
        };
        let actions = right.get("actions").and_then(Value::as_array).unwrap_or_default();
        told.extend(actions.iter().filter_map(Value::as_str).map(|action| format!("{action} {place}")));
    }
    told
}

/// A new key for a command.
pub(super) fn fresh_key() -> String {
    encode_base64url(&random::<16>()).replace('_', "-")
}

/// `application/x-www-form-urlencoded`.
fn form_encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"*-._".contains(&byte);
    let spelled = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    value.bytes().map(spelled).collect()
}
