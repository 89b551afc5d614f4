//! `portcullis token`: what it issues a gateway takes, and what it says of a token is what a gateway does with it.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use crate::harness::told_by;
use portcullis::clock::UnixMillis;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::SigningKey;
use portcullis::crypto::jwks_json;
use portcullis::devkit::LOGIN_ISSUER;
use portcullis::devkit::NORTH;
use portcullis::devkit::Signatories;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A stage whose sign-in service's private key lies beside it, published under a name of its own.
struct Desk {
    stage: Stage,
    key: SigningKey,
}

impl Desk {
    fn new() -> Self {
        let stage = Stage::new();
        let pem = SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap();
        let key = SigningKey::from_pem(&pem).unwrap();
        let file = stage.path("pki/login-issuer.key");
        fs::write(&file, pem.expose()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let published = jwks_json(&[&key]).replace(key.kid(), "login-1");
        fs::write(stage.path("pki/login.jwks"), published).unwrap();
        Self { stage, key }
    }

    fn issue(&self, more: &[&str]) -> (i32, String, String) {
        let place = |name| self.stage.path(name).display().to_string();
        let (config, key, certificate) =
            (place("gateway.yaml"), place("pki/login-issuer.key"), place("pki/backend.pem"));
        let fixed = ["token", "issue", "--config", &config, "--key", &key, "--certificate", &certificate];
        told_by(&[&fixed[..], &["--subject", NORTH.person], more].concat())
    }

    fn inspect(&self, token: &str, more: &[&str]) -> (i32, String, String) {
        let place = |name| self.stage.path(name).display().to_string();
        fs::write(self.stage.path("token.jwt"), format!("{token}\n")).unwrap();
        let (config, certificate, token) = (place("gateway.yaml"), place("pki/backend.pem"), place("token.jwt"));
        let fixed = ["token", "inspect", "--config", &config, "--certificate", &certificate, &token];
        told_by(&[&fixed[..], more].concat())
    }

    /// What `portcullis token inspect` says for a machine.
    #[track_caller]
    fn said(&self, token: &str) -> (i32, Value) {
        let (code, told, complaint) = self.inspect(token, &["--format", "json"]);
        assert_eq!(complaint, "");
        (code, serde_json::from_str(&told).unwrap())
    }
}

#[test]
fn what_is_issued_a_gateway_takes_and_what_is_said_of_a_token_is_what_becomes_of_it() {
    let desk = Desk::new();
    let claims = desk.stage.path("claims.json");
    let details = format!(
        r#"{{"tenant":"north","roles":["resident"],"device_id":"{}","authorization_details":
            [{{"type":"door_access","house":"house-1","door":"door-1","actions":["see"]}}]}}"#,
        NORTH.phone
    );
    fs::write(&claims, details).unwrap();
    let (code, token, complaint) = desk.issue(&["--claims", claims.to_str().unwrap(), "--lifetime", "1m"]);
    assert_eq!((code, complaint.as_str()), (0, ""));
    let token = token.trim_end().to_owned();

    let gateway = Served::on(&desk.stage);
    let backend = desk.stage.backend(gateway.address);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let payload = portcullis::crypto::decode_base64url(signed.split('.').nth(1).unwrap()).unwrap();
    let payload = String::from_utf8(payload).unwrap();
    let header = r#"{"alg":"ES256","kid":"login-1","typ":"at+jwt"}"#;
    let of = |from: &str, to: &str| {
        assert!(payload.contains(from), "{payload}");
        desk.key.sign_jws_with_header(header.as_bytes(), payload.replacen(from, to, 1).as_bytes()).unwrap()
    };
    for (what, token) in [
        ("as it is", token.clone()),
        ("another audience", of(r#""aud":"https://gateway"#, r#""aud":"https://other"#)),
        ("another issuer", of(LOGIN_ISSUER, "https://other.example")),
        ("bound to nothing", of(r#""cnf""#, r#""was""#)),
        ("a right of an unknown type", of("door_access", "window_access")),
        ("another signature", format!("{signed}.{}", signature.chars().rev().collect::<String>())),
        ("no signature", format!("{signed}.")),
        ("no token", "canary".to_owned()),
    ] {
        let command = Command::errand(&desk.stage, &NORTH, "readDoor").bearing(token.clone());
        let answer = desk.stage.wait(command.give(&backend)).unwrap();
        let receipt = answer.header("receipt-id").unwrap().to_owned();
        let records = desk.stage.records();
        let record = records.iter().rfind(|record| record.text("receipt") == receipt).unwrap();
        let (code, said) = desk.said(&token);
        let taken = answer.status == 200;
        assert_eq!((code, &said["taken"]), (i32::from(!taken), &Value::from(taken)), "{what}: {said}");
        let failing = said["checks"].as_array().unwrap().iter().any(|check| check["holds"] == false);
        assert_eq!(failing, !taken, "{what}: {said}");
        if !taken {
            assert_eq!(said["reason"], record.text("reason"), "{what}");
        }
    }
    assert_eq!(desk.stage.partner.progress().requests, 1);
}

#[test]
fn a_look_at_a_token_shows_neither_its_signature_nor_whose_it_is_unless_asked_to() {
    let desk = Desk::new();
    let (_, token, _) = desk.issue(&[]);
    let token = token.trim_end();
    let signature = token.rsplit_once('.').unwrap().1;
    for format in ["text", "json"] {
        let (code, told, complaint) = desk.inspect(token, &["--format", format]);
        assert_eq!((code, complaint.as_str()), (0, ""), "{told}");
        assert!(!told.contains(NORTH.person) && !told.contains(signature), "{told}");
        assert!(told.contains("\"sub\"") || told.contains("sub,"), "its claims are named: {told}");
        let (_, told, _) = desk.inspect(token, &["--format", format, "--show-claims"]);
        assert!(told.contains(NORTH.person) && !told.contains(signature), "{told}");
    }
    let later = UnixMillis::new((now().get() + 301) * 1_000).to_string();
    let (code, told, _) = desk.inspect(token, &["--at", &later, "--moves"]);
    assert_eq!(code, 1);
    assert!(told.starts_with("would be refused as token-expired: token is expired\n"), "{told}");
    assert_eq!(told.matches("FAILS").count(), 2, "it is expired, and moves nothing: {told}");
}

#[test]
fn a_hostile_token_moves_no_cursor_and_turns_no_line() {
    let desk = Desk::new();
    let hostile = "a\u{1b}[31m\u{202e}\u{9b}\u{200b}`b";
    let header = serde_json::json!({"alg": hostile, "kid": hostile, "typ": hostile, hostile: 1}).to_string();
    let payload = serde_json::json!({"iss": hostile, "aud": [hostile, 1], "cnf": {hostile: hostile}, "exp": hostile,
        hostile: hostile});
    let payload = payload.to_string();
    let token = desk.key.sign_jws_with_header(header.as_bytes(), payload.as_bytes()).unwrap();
    for more in [&["--format", "text", "--show-claims"], &["--format", "json", "--show-claims"]] {
        let (code, told, complaint) = desk.inspect(&token, more);
        assert_eq!((code, complaint.as_str()), (1, ""));
        let shown = told.chars().all(|c| c == '\n' || !(c.is_control() || "\u{202e}\u{9b}\u{200b}".contains(c)));
        assert!(shown, "{told:?}");
    }
    // What is no token at all, too long, or not there.
    for (token, code) in [("a\u{1b}b.c.d".to_owned(), 1), ("x".repeat(70_000), 1), (String::new(), 2)] {
        let (ended, told, complaint) = desk.inspect(&token, &[]);
        assert_eq!(ended, code, "{told}{complaint}");
        assert!(!told.contains('\u{1b}') && !complaint.contains('\u{1b}'));
    }
}

#[test]
fn nothing_is_issued_outside_of_development_or_by_a_key_that_nobody_publishes() {
    let desk = Desk::new();
    let other = SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap();
    fs::write(desk.stage.path("pki/login-issuer.key"), other.expose()).unwrap();
    let (code, told, complaint) = desk.issue(&[]);
    assert_eq!((code, told.as_str()), (2, ""));
    assert!(complaint.contains("error[key-of-nobody]"), "{complaint}");

    // The gateway's own key, with which it issues sessions: for a proof, and by no other way.
    fs::copy(desk.stage.path("pki/session.key"), desk.stage.path("pki/login-issuer.key")).unwrap();
    let (code, told, complaint) = desk.issue(&[]);
    assert_eq!((code, told.as_str()), (2, ""));
    assert!(complaint.contains("error[key-of-nobody]"), "{complaint}");

    // Outside of development nothing loads that nobody signed.
    let now = UnixMillis::new(now().get() * 1_000);
    desk.stage.approve(&Signatories::new().unwrap(), now).unwrap();
    for file in ["gateway.yaml", "policies/requirements.yaml", "signers.yaml"] {
        desk.stage.edit(file, "environment: development", "environment: staging");
    }
    let (code, told, complaint) = desk.issue(&[]);
    assert_eq!((code, told.as_str()), (2, ""));
    assert!(complaint.contains("error[not-in-development]"), "{complaint}");
}
