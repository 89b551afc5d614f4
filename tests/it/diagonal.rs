//! Every kind of token at every door: each is good for what it was issued for and for nothing else, and where a certificate
//! is asked, no token takes its place or adds to it. What is given out is tried at every endpoint (`endpoints`); here are, at
//! operations, also those that an issuer signs under the types of all other kinds.

mod endpoints;

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use portcullis::crypto::SigningAlgorithm;
use portcullis::devkit::AppKey;
use portcullis::devkit::Backend;
use portcullis::devkit::Leaf;
use portcullis::devkit::NORTH;
use portcullis::devkit::PUBLIC_URL;
use portcullis::devkit::Validity;

/// A kind of token, and one of it that is good where it belongs.
struct Kind {
    name: &'static str,
    token: String,
}

/// All kinds but session tokens, which [`Command`] brings by itself. Each is well signed, by the key that signs its kind.
fn kinds(stage: &Stage) -> Vec<Kind> {
    let claims = stage.member_of(&NORTH, &stage.login, now());
    let of_type = |typ: &str, claims: &portcullis::devkit::TokenClaims| {
        let (algorithm, kid) = (stage.login.key().algorithm(), stage.login.key().kid());
        let header = format!(r#"{{"alg":"{algorithm}","kid":"{kid}","typ":"{typ}"}}"#);
        stage.login.mint_raw(&header, &claims.text()).unwrap()
    };
    let app = AppKey::new(SigningAlgorithm::Es256).unwrap();
    let url = format!("{PUBLIC_URL}/v1/houses/house-1/doors/door-1/status");
    vec![
        Kind { name: "sign-in", token: stage.login.mint(&claims).unwrap() },
        Kind { name: "ID token", token: of_type("JWT", &claims.clone().with("aud", "development-app")) },
        Kind { name: "ID token for us", token: of_type("JWT", &claims) },
        Kind { name: "client assertion of the issuer", token: of_type("client-authentication+jwt", &claims) },
        Kind { name: "partner-client token of the issuer", token: of_type("partner-client+jwt", &claims) },
        Kind { name: "partner token of the issuer", token: of_type("partner-token+jwt", &claims) },
        Kind { name: "introspection answer", token: of_type("token-introspection+jwt", &claims) },
        Kind { name: "security event", token: of_type("secevent+jwt", &claims) },
        Kind { name: "logout token", token: of_type("logout+jwt", &claims) },
        Kind { name: "proof", token: app.proof("GET", &url, None, None, now()).unwrap() },
        Kind { name: "partner token", token: minted_for_the_partner(stage) },
    ]
}

/// The token that the gateway minted for the partner's last command.
fn minted_for_the_partner(stage: &Stage) -> String {
    let raw = stage.partner.raw();
    let bytes = raw.iter().flat_map(|connection| connection.bytes.clone()).collect();
    let text = String::from_utf8(bytes).unwrap();
    let field = text.lines().rfind(|line| line.to_ascii_lowercase().starts_with("authorization: bearer ")).unwrap();
    field.rsplit(' ').next().unwrap().trim().to_owned()
}

#[test]
fn only_session_tokens_move_something_only_they_and_sign_in_tokens_read_and_no_other_kind_is_anything() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    let given = |command: &Command| stage.wait(command.give(&backend)).unwrap();
    assert_eq!(given(&Command::errand(&stage, &NORTH, "openDoor")).status, 200);
    let kinds = kinds(&stage);
    for operation in ["openDoor", "readDoor"] {
        let answer = given(&Command::errand(&stage, &NORTH, operation));
        assert_eq!(answer.status, 200, "a session token for {operation}: {}", answer.text());
        for Kind { name, token } in &kinds {
            let before = stage.partner.progress().requests;
            let answer = given(&Command::errand(&stage, &NORTH, operation).bearing(token.clone()));
            let (status, reasons) = match (*name, operation) {
                ("sign-in", "readDoor") => (200, ["done"].as_slice()),
                ("sign-in", _) => (403, ["session-required"].as_slice()),
                // By its type or, before that tells it, by an issuer that is none of the gateway's.
                ("partner token", _) => (401, ["token-malformed", "token-untrusted"].as_slice()),
                _ => (401, ["token-malformed"].as_slice()),
            };
            assert_eq!(answer.status, status, "{name} for {operation}: {}", answer.text());
            let receipt = answer.header("receipt-id").unwrap();
            let records = stage.records();
            let record = records.iter().rfind(|record| record.text("receipt") == receipt).unwrap();
            assert!(reasons.contains(&record.text("reason")), "{name} for {operation}: {record:?}");
            let came = stage.partner.progress().requests - before;
            assert_eq!(came, usize::from(status == 200), "{name} for {operation}");
        }
    }
}

#[test]
fn where_a_certificate_is_asked_no_token_opens_closes_or_changes_anything() {
    let stage = Stage::new();
    stage.limit("refusal_records_per_peer_per_minute: 10000");
    let gateway = Served::on(&stage);
    let good = stage.backend(gateway.address);
    let opened = stage.wait(Command::errand(&stage, &NORTH, "openDoor").give(&good)).unwrap();
    assert_eq!(opened.status, 200);
    let receipt = opened.header("receipt-id").unwrap().to_owned();
    let leaf = Leaf::client("spiffe://prop.example/stranger", Validity::a_day_from(now()));
    let stranger = stage.pki.backend_authority.issue(&leaf).unwrap().identity().unwrap();
    let stranger = stage.backend_as(gateway.address, Some(&stranger));
    let partner = stage.caller(gateway.partners);

    let own: &[(&str, &str, &str)] = &[
        ("GET", &format!("/-/receipts/{receipt}"), ""),
        ("POST", "/-/revocations", r#"{"kind":"device","tenant":"north","value":"phone-7"}"#),
        ("POST", "/-/events", "{}"),
        ("PUT", "/-/directory", "{}"),
        ("GET", "/-/nothing", ""),
        ("POST", "/v1/houses/house-1/doors/door-1/open", r#"{"userId":"a","deviceId":"b"}"#),
    ];
    let told = |who: &Backend, (method, target, body): (&str, &str, &str), token: Option<&str>| {
        let authorization = token.map(|token| format!("Bearer {token}"));
        let mut fields: Vec<(&str, &str)> =
            authorization.iter().map(|value| ("Authorization", value.as_str())).collect();
        if !body.is_empty() {
            fields.push(("Content-Type", "application/json"));
        }
        stage.wait(who.call(method, target, &fields, body.as_bytes())).unwrap().status
    };
    let kinds = kinds(&stage);
    let session = Command::errand(&stage, &NORTH, "openDoor").token.unwrap();
    let tokens = || kinds.iter().map(|kind| (kind.name, &kind.token)).chain([("session", &session)]);
    let before = stage.partner.progress().requests;
    for (name, who, paths) in [("a stranger", &stranger, &own[..5]), ("the partner", &partner, own)] {
        for path in paths {
            let alone = told(who, *path, None);
            assert!((400..500).contains(&alone), "{name} is answered {alone} at {path:?}");
            for (kind, token) in tokens() {
                assert_eq!(told(who, *path, Some(token)), alone, "{name} with a {kind} at {path:?}");
            }
        }
    }
    assert_eq!(stage.partner.progress().requests, before);
}
