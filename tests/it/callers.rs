//! Partners as callers: tokens by client credentials at their own door, and what they ask the backend with them. The backend
//! itself tells what it was asked; every refusal is held to the record and to the backend's silence.

mod rotations;

use crate::harness::ByHand;
use crate::harness::Inbound;
use crate::harness::Record;
use crate::harness::Served;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis::clock::Clock;
use portcullis::clock::UnixSeconds;
use portcullis::crypto::Jws;
use portcullis::crypto::KeySet;
use portcullis::crypto::SigningKey;
use portcullis::crypto::SivKey;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::CLIENT_ID;
use portcullis::devkit::PARKLINE_AUTHORITY;
use portcullis::devkit::TokenIssuer;
use portcullis::model::Actor;
use portcullis::model::AdminDoor;
use portcullis::model::DataClass;
use portcullis::model::IdentifierKind;
use portcullis::model::Name;
use portcullis::model::Sha256;
use portcullis::model::Stranger;
use portcullis::pipeline::Act;
use portcullis::pipeline::RevocationKind;
use portcullis::pipeline::RevocationOrder;
use portcullis::protect::Protector;
use portcullis::secret::Secret;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

const ISSUER: &str = "https://smarthome.gateway.prop.example";
const TOKEN: &str = "/-/oauth/token";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const JWT_BEARER: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";

/// A gateway that has served for a while, and the partner at its door.
struct Intercom {
    gateway: Served,
    clock: Arc<ByHand>,
    stage: Inbound,
    caller: Backend,
    /// The gateway's own key for tokens of callers, to forge with.
    own: SigningKey,
    thumbprint: Sha256,
    next: AtomicU64,
}

/// What became of a request: status, reason on record.
type Met = (u16, String);

impl Intercom {
    fn new() -> Self {
        Self::on(Inbound::new())
    }

    fn on(stage: Inbound) -> Self {
        let clock = Arc::new(ByHand::default());
        let gateway = Served::by(&stage, clock.clone());
        // An assertion that an earlier process may have taken is none: this one has been there for longer.
        clock.set_by(5_000);
        let caller = stage.caller(gateway.partners);
        let own = SigningKey::from_pem(&Secret::new(fs::read(stage.path("pki/clients.key")).unwrap())).unwrap();
        let thumbprint = stage.pki.partner_client.parsed().unwrap().thumbprint;
        Self { gateway, clock, stage, caller, own, thumbprint, next: AtomicU64::new(1) }
    }

    fn now(&self) -> UnixSeconds {
        self.clock.now().seconds()
    }

    fn id(&self) -> String {
        format!("assertion-{}", self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn assertion(&self) -> String {
        self.stage.kit.client_assertion(ISSUER, &self.id(), self.now()).unwrap()
    }

    /// An assertion whose claims are changed, under a header of this type.
    fn spoiled(&self, typ: &str, change: impl FnOnce(&mut Value)) -> String {
        let good = self.assertion();
        let payload = URL_SAFE_NO_PAD.decode(good.split('.').nth(1).unwrap()).unwrap();
        let mut claims: Value = serde_json::from_slice(&payload).unwrap();
        change(&mut claims);
        self.stage.kit.client_key().sign_jws(typ, claims.to_string().as_bytes()).unwrap()
    }

    /// What the partner sends for a token with this assertion.
    fn form(&self, assertion: &str) -> String {
        format!(
            "grant_type=client_credentials&scope=grants.read&client_assertion_type={JWT_BEARER}&client_assertion={assertion}"
        )
    }

    fn ask(&self, form: &str) -> BackendAnswer {
        self.stage.wait(self.caller.call("POST", TOKEN, &[FORM], form.as_bytes())).unwrap()
    }

    /// A token that the gateway has issued.
    fn token(&self) -> String {
        let answer = self.ask(&self.form(&self.assertion()));
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice::<Value>(&answer.body).unwrap()["access_token"].as_str().unwrap().to_owned()
    }

    /// A token of the gateway's own key whose claims are changed.
    fn forged(&self, typ: &str, change: impl FnOnce(&mut Value)) -> String {
        let now = self.now().get();
        let mut claims = json!({
            "iss": ISSUER, "aud": ISSUER, "sub": CLIENT_ID, "client_id": CLIENT_ID, "scope": "grants.read",
            "jti": self.id(), "iat": now, "exp": now + 300,
            "cnf": {"x5t#S256": URL_SAFE_NO_PAD.encode(self.thumbprint.as_bytes())},
        });
        change(&mut claims);
        self.own.sign_jws(typ, claims.to_string().as_bytes()).unwrap()
    }

    /// The name by which the partner knows a grant.
    fn grant(&self, id: &str) -> String {
        let seed = Secret::new(fs::read(self.stage.path("pki/pseudonym.key")).unwrap());
        let protector = Protector::new(Name::new("smarthome").unwrap(), SivKey::from_secret(&seed).unwrap());
        let (tenant, kind) = (Name::new("north").unwrap(), Some(IdentifierKind::Request));
        protector.pseudonym(&tenant, DataClass::Identifier, kind, id).unwrap()
    }

    fn path(&self) -> String {
        format!("/v1/houses/house-1/grants/{}", self.grant("grant-1"))
    }

    /// Asks how it stands with the grant.
    fn status(&self, authorization: &[&str]) -> BackendAnswer {
        let fields: Vec<(&str, &str)> = authorization.iter().map(|value| ("Authorization", *value)).collect();
        self.stage.wait(self.caller.call("GET", &self.path(), &fields, b"")).unwrap()
    }

    fn record_of(&self, answer: &BackendAnswer) -> Record {
        let receipt = answer.header("receipt-id").unwrap();
        self.stage.records().into_iter().rfind(|record| record.text("receipt") == receipt).unwrap()
    }

    fn met(&self, answer: &BackendAnswer) -> Met {
        (answer.status, self.record_of(answer).text("reason").to_owned())
    }

    fn revoke(&self, kind: RevocationKind, value: &str) {
        let order = RevocationOrder { kind, tenant: None, value: Stranger::new(value) };
        let done = self.stage.wait(self.gateway.gate().act(Act::Revoke(order), &Actor::owner(AdminDoor::Socket)));
        assert!(done.outcome.is_ok(), "{value}: {:?}", done.outcome);
    }
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn error_of(answer: &BackendAnswer) -> String {
    let told: Value = serde_json::from_slice(&answer.body).unwrap();
    told["error"].as_str().map_or_else(|| told["type"].as_str().unwrap_or_default().to_owned(), str::to_owned)
}

#[test]
fn curl_gets_a_token_for_the_partner_and_is_told_how_it_stands_with_a_grant() {
    let intercom = Intercom::new();
    let pki = intercom.stage.path("pki");
    let port = intercom.gateway.partners.unwrap().port();
    let curl = |rest: &[&str]| {
        let mut curl = std::process::Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "30", "--fail-with-body"]);
        curl.args(["--resolve", &format!("{AUTHORITY}:{port}:127.0.0.1")]);
        for (option, file) in
            [("--cacert", "gateway-authority.pem"), ("--cert", "partner-client.pem"), ("--key", "partner-client.key")]
        {
            curl.args([option, pki.join(file).to_str().unwrap()]);
        }
        let output = curl.args(rest).stdin(Stdio::null()).output().unwrap();
        assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&output.stdout)
        );
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let url = |path: &str| format!("https://{AUTHORITY}:{port}{path}");
    let assertion = format!("client_assertion={}", intercom.assertion());
    let given = curl(&[
        "--data-urlencode",
        "grant_type=client_credentials",
        "--data-urlencode",
        "scope=grants.read",
        "--data-urlencode",
        "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "--data-urlencode",
        &assertion,
        &url(TOKEN),
    ]);
    assert_eq!(
        (&given["token_type"], &given["expires_in"], &given["scope"]),
        (&json!("Bearer"), &json!(300), &json!("grants.read"))
    );
    let token = given["access_token"].as_str().unwrap();
    let told = curl(&["--header", &format!("Authorization: Bearer {token}"), &url(&intercom.path())]);
    let person = told["userId"].as_str().unwrap();
    assert!(person.starts_with("p1."), "{person}");
    assert_eq!(told, json!({"houseId": "house-1", "status": "active", "userId": person}), "the reason is dropped");

    // The backend was asked once, by its own name of the grant, and sees no token.
    let asked = intercom.stage.receiver.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].start, "GET /v1/houses/house-1/grants/grant-1 HTTP/1.1");
    let names: Vec<&str> = asked[0].fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["host", "accept-encoding", "accept", "portcullis-partner", "receipt-id"]);
    assert_eq!(asked[0].fields[3].1, "smarthome");

    let records = intercom.stage.records();
    let issued = records.iter().find(|record| record.text("kind") == "token").unwrap();
    assert_eq!((issued.text("partner"), issued.get("scopes")), ("smarthome", &json!(["grants.read"])));
    let jti = &claims(token)["jti"];
    assert_eq!(issued.get("token"), jti);
    let intent = records.iter().find(|record| record.text("kind") == "intent").unwrap();
    let of_intent = [intent.text("operation"), intent.text("direction"), intent.text("purpose"), intent.text("peer")];
    assert_eq!(of_intent, ["readGrant", "inbound", "access", "spiffe://smarthome.example/events"]);
    assert_eq!(intent.text("receipt"), asked[0].fields[4].1);
    assert_eq!(intent.get("decision")["policies"], json!(["partner-reads-grant"]));
    let outcome = records.iter().find(|record| record.text("kind") == "outcome").unwrap();
    assert_eq!((outcome.text("state"), outcome.text("reason")), ("done", "done"));
    let log = records.iter().map(|record| record.0.to_string()).collect::<String>();
    for secret in [token, person, "guest-petrov", "grant-1"] {
        assert!(!log.contains(secret), "{secret} is on record");
    }
}

fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[test]
fn a_token_says_what_it_is_and_verifies_by_the_keys_that_are_published() {
    let intercom = Intercom::new();
    let (token, now) = (intercom.token(), intercom.now().get());
    let get = |path: &str| {
        let answer = intercom.stage.wait(intercom.caller.call("GET", path, &[], b"")).unwrap();
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.text());
        answer
    };
    let keys = KeySet::parse(&get("/-/oauth/jwks").body).unwrap();
    let jws = Jws::split(&token).unwrap();
    let header: Value = serde_json::from_slice(jws.header()).unwrap();
    assert_eq!((&header["typ"], &header["alg"]), (&json!("partner-client+jwt"), &json!("ES256")));
    keys.key(header["kid"].as_str().unwrap()).unwrap().verify(&jws).unwrap();
    let claims = claims(&token);
    for (name, value) in
        [("iss", ISSUER), ("aud", ISSUER), ("sub", CLIENT_ID), ("client_id", CLIENT_ID), ("scope", "grants.read")]
    {
        assert_eq!(claims[name], value, "{name}");
    }
    let thumbprint = URL_SAFE_NO_PAD.encode(intercom.thumbprint.as_bytes());
    assert_eq!(claims["cnf"], json!({"x5t#S256": thumbprint}));
    let (issued, expires) = (claims["iat"].as_u64().unwrap(), claims["exp"].as_u64().unwrap());
    assert!(expires - issued == 300 && issued.abs_diff(now) <= 2, "{claims}");
    let told: Value = serde_json::from_slice(&get("/.well-known/oauth-authorization-server").body).unwrap();
    assert_eq!(told["issuer"], ISSUER);
    assert_eq!(told["token_endpoint"], format!("{ISSUER}{TOKEN}"));
    assert_eq!(told["token_endpoint_auth_methods_supported"], json!(["private_key_jwt"]));
    assert_eq!(told["scopes_supported"], json!(["grants.read"]));
}

#[test]
fn who_has_not_proved_itself_or_asks_for_what_is_not_declared_gets_no_token() {
    let intercom = Intercom::new();
    let used = intercom.assertion();
    assert_eq!(intercom.ask(&intercom.form(&used)).status, 200);
    let other = {
        let pem = SigningKey::generate_pem(portcullis::crypto::SigningAlgorithm::EdDsa).unwrap();
        SigningKey::from_pem(&pem).unwrap()
    };
    let now = intercom.now().get();
    let good_claims = || claims(&intercom.assertion()).to_string();
    let kid_of_client = intercom.stage.kit.client_key().kid();
    let usual = "client-authentication+jwt";
    let set = |name: &'static str, value: Value| intercom.spoiled(usual, move |claims| claims[name] = value);
    let without =
        |name: &'static str| intercom.spoiled(usual, move |claims| drop(claims.as_object_mut().unwrap().remove(name)));
    let broken = {
        let good = intercom.assertion();
        format!("{}.{}", good.rsplit_once('.').unwrap().0, "A".repeat(86))
    };
    let assertions = [
        ("used before", used, "assertion-replayed"),
        ("for another audience", set("aud", json!("https://parkline.gateway.prop.example")), "token-audience"),
        ("for two audiences", set("aud", json!([ISSUER, "https://other.example"])), "token-audience"),
        ("for a list of us alone", set("aud", json!([ISSUER])), "token-audience"),
        ("for the endpoint's URL", set("aud", json!(format!("{ISSUER}{TOKEN}"))), "token-audience"),
        ("by another issuer", set("iss", json!("smarthome-other")), "client-refused"),
        ("about another client", set("sub", json!("smarthome-other")), "client-refused"),
        ("expired", set("exp", json!(now - 1)), "token-expired"),
        ("good for too long", set("exp", json!(now + 400)), "token-expired"),
        ("issued in the future", set("iat", json!(now + 30)), "token-expired"),
        ("not valid yet", set("nbf", json!(now + 30)), "token-expired"),
        ("issued before the gateway began", set("iat", json!(now - 30)), "assertion-replayed"),
        ("without an end", without("exp"), "token-malformed"),
        ("without a beginning", without("iat"), "token-malformed"),
        ("without an id", without("jti"), "token-malformed"),
        ("with an empty id", set("jti", json!("")), "token-malformed"),
        ("of another type", intercom.spoiled("at+jwt", |_| ()), "token-malformed"),
        ("of an empty type", intercom.spoiled("", |_| ()), "token-malformed"),
        ("of the type of our own tokens", intercom.spoiled("partner-client+jwt", |_| ()), "token-malformed"),
        (
            "of a key that is not the client's",
            other.sign_jws(usual, good_claims().as_bytes()).unwrap(),
            "token-untrusted",
        ),
        (
            "of another key under the client's id",
            other
                .sign_jws_with_header(
                    format!(r#"{{"alg":"EdDSA","kid":"{kid_of_client}","typ":"{usual}"}}"#).as_bytes(),
                    good_claims().as_bytes(),
                )
                .unwrap(),
            "token-signature",
        ),
        ("with another signature", broken, "token-signature"),
        ("that is none", "e30".to_owned(), "token-malformed"),
        ("that is a token of ours", intercom.forged("partner-client+jwt", |_| ()), "token-malformed"),
    ];
    for (name, assertion, reason) in assertions {
        let answer = intercom.ask(&intercom.form(&assertion));
        assert_eq!((answer.status, &*error_of(&answer)), (401, "invalid_client"), "{name}");
        assert_eq!(intercom.met(&answer).1, reason, "{name}");
        assert_eq!(
            (answer.header("cache-control"), answer.json().unwrap().as_object().unwrap().len()),
            (Some("no-store"), 1),
            "{name}"
        );
    }
    let with = |from: &str, to: &str| intercom.form(&intercom.assertion()).replace(from, to);
    let forms = [
        ("no scope", with("&scope=grants.read", ""), 400, "invalid_scope", "scope-refused"),
        ("an empty scope", with("grants.read", ""), 400, "invalid_scope", "scope-refused"),
        ("another scope", with("grants.read", "grants.write"), 400, "invalid_scope", "scope-refused"),
        ("one scope too many", with("grants.read", "grants.read+doors.open"), 400, "invalid_scope", "scope-refused"),
        ("one scope twice", with("grants.read", "grants.read+grants.read"), 400, "invalid_scope", "scope-refused"),
        (
            "another grant",
            with("client_credentials", "password"),
            400,
            "unsupported_grant_type",
            "token-request-invalid",
        ),
        ("no grant", with("grant_type=client_credentials&", ""), 400, "invalid_request", "token-request-invalid"),
        ("a parameter twice", with("scope=", "scope=a&scope="), 400, "invalid_request", "token-request-invalid"),
        (
            "an unknown parameter",
            with("scope=", "client_secret=a&scope="),
            400,
            "invalid_request",
            "token-request-invalid",
        ),
        ("another client", with("scope=", "client_id=smarthome-other&scope="), 401, "invalid_client", "client-refused"),
        ("another type of assertion", with("jwt-bearer", "saml2-bearer"), 401, "invalid_client", "client-refused"),
        (
            "the certificate alone",
            format!("grant_type=client_credentials&scope=grants.read&client_id={CLIENT_ID}"),
            401,
            "invalid_client",
            "client-refused",
        ),
    ];
    for (name, form, status, error, reason) in forms {
        let answer = intercom.ask(&form);
        assert_eq!((answer.status, &*error_of(&answer)), (status, error), "{name}");
        assert_eq!(intercom.met(&answer).1, reason, "{name}");
    }
    let good = intercom.form(&intercom.assertion());
    let json = ("Content-Type", "application/json");
    let basic = ("Authorization", "Basic c21hcnRob21lLWludGVyY29tOg==");
    for (name, method, target, fields, met) in [
        ("JSON", "POST", TOKEN, vec![json], (415, "media-type-not-declared")),
        ("no media type", "POST", TOKEN, vec![], (415, "media-type-not-declared")),
        ("a password besides", "POST", TOKEN, vec![FORM, basic], (401, "client-refused")),
        ("another method", "PUT", TOKEN, vec![FORM], (405, "method-not-declared")),
        ("a query", "POST", "/-/oauth/token?a=b", vec![FORM], (400, "query-invalid")),
    ] {
        let answer = intercom.stage.wait(intercom.caller.call(method, target, &fields, good.as_bytes())).unwrap();
        assert_eq!(intercom.met(&answer), (met.0, met.1.to_owned()), "{name}");
    }
    // None of these was good for anything, and the assertion that came with the last ones still is.
    assert_eq!(intercom.ask(&good).status, 200);
    let issued = intercom.stage.records().iter().filter(|record| record.text("kind") == "token").count();
    assert_eq!((issued, intercom.stage.receiver.asked().len()), (2, 0));
}

#[test]
fn nothing_but_the_partners_own_token_with_the_scope_beside_its_certificate_asks_the_backend() {
    let intercom = Intercom::new();
    let typ = "partner-client+jwt";
    let now = intercom.now().get();
    let set = |name: &'static str, value: Value| bearer(&intercom.forged(typ, move |claims| claims[name] = value));
    let without = |name: &'static str| {
        bearer(&intercom.forged(typ, move |claims| drop(claims.as_object_mut().unwrap().remove(name))))
    };
    let of_users = |issuer: &TokenIssuer| {
        bearer(&issuer.mint(&intercom.stage.claims_of(issuer).with("scope", "grants.read")).unwrap())
    };
    let good = intercom.token();
    let thumbprint = URL_SAFE_NO_PAD.encode(intercom.thumbprint.as_bytes());
    let other = URL_SAFE_NO_PAD.encode([7; 32]);
    let broken = bearer(&format!("{}.{}", good.rsplit_once('.').unwrap().0, "A".repeat(86)));
    let rows: Vec<(&str, Vec<String>, u16, &str)> = vec![
        ("no token", vec![], 401, "token-missing"),
        ("a session token", vec![of_users(&intercom.stage.sessions)], 401, "token-malformed"),
        ("a sign-in token", vec![of_users(&intercom.stage.login)], 401, "token-malformed"),
        ("a client assertion", vec![bearer(&intercom.assertion())], 401, "token-malformed"),
        ("our key under another type", vec![bearer(&intercom.forged("at+jwt", |_| ()))], 401, "token-malformed"),
        (
            "another partner's issuer",
            vec![set("iss", json!("https://parkline.gateway.prop.example"))],
            401,
            "token-untrusted",
        ),
        (
            "another partner's audience",
            vec![set("aud", json!("https://parkline.gateway.prop.example"))],
            401,
            "token-audience",
        ),
        ("an audience too many", vec![set("aud", json!([ISSUER, "https://other.example"]))], 401, "token-audience"),
        ("another client's subject", vec![set("sub", json!("parkline-intercom"))], 401, "client-refused"),
        ("another client", vec![set("client_id", json!("parkline-intercom"))], 401, "client-refused"),
        ("another certificate", vec![set("cnf", json!({"x5t#S256": other}))], 401, "token-binding"),
        ("no certificate", vec![without("cnf")], 401, "token-binding"),
        (
            "a certificate and a key",
            vec![set("cnf", json!({"x5t#S256": thumbprint, "jkt": other}))],
            401,
            "token-binding",
        ),
        ("expired", vec![set("exp", json!(now - 1))], 401, "token-expired"),
        ("good for too long", vec![set("exp", json!(now + 301))], 401, "token-expired"),
        ("from the future", vec![set("iat", json!(now + 100))], 401, "token-expired"),
        ("no id", vec![without("jti")], 401, "token-malformed"),
        ("another scope", vec![set("scope", json!("grants.write"))], 403, "scope-missing"),
        ("a scope that begins alike", vec![set("scope", json!("grants.read.all"))], 403, "scope-missing"),
        ("no scope", vec![without("scope")], 403, "scope-missing"),
        (
            "a key that is the partner's",
            vec![bearer(&intercom.stage.kit.client_key().sign_jws(typ, claims(&good).to_string().as_bytes()).unwrap())],
            401,
            "token-untrusted",
        ),
        ("another signature", vec![broken], 401, "token-signature"),
        ("another scheme", vec![format!("DPoP {good}")], 401, "token-malformed"),
        ("the scheme in another spelling", vec![format!("bearer {good}")], 401, "token-malformed"),
        ("two of them", vec![bearer(&good), bearer(&good)], 401, "token-malformed"),
    ];
    for (name, fields, status, reason) in rows {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        assert_eq!(intercom.met(&intercom.status(&fields)), (status, reason.to_owned()), "{name}");
    }
    let authorization = bearer(&good);
    let fields = [("Authorization", authorization.as_str())];
    let path = intercom.path();
    let at_partners = |method: &str, path: &str| {
        intercom.met(&intercom.stage.wait(intercom.caller.call(method, path, &fields, b"")).unwrap())
    };
    for (method, path, status, reason) in [
        // What is the backend's to ask is not here, whatever the token.
        ("DELETE", path.as_str(), 405, "method-not-declared"),
        ("POST", path.as_str(), 405, "method-not-declared"),
        ("GET", "/v1/houses/house-1/events", 404, "unknown-operation"),
        ("GET", "/v1/houses/house-1/grants/grant-1", 400, "path-invalid"),
        ("GET", "/-/oauth/nothing", 404, "unknown-operation"),
    ] {
        assert_eq!(at_partners(method, path), (status, reason.to_owned()), "{method} {path}");
    }
    let elsewhere = intercom.caller.clone().calling(PARKLINE_AUTHORITY);
    let answer = intercom.stage.wait(elsewhere.call("GET", &path, &fields, b"")).unwrap();
    assert_eq!(intercom.met(&answer), (421, "unknown-authority".to_owned()));
    let backend = intercom.stage.backend(intercom.gateway.address);
    let answer = intercom.stage.wait(backend.call("GET", &path, &fields, b"")).unwrap();
    assert_eq!(intercom.met(&answer), (405, "method-not-declared".to_owned()), "at the backend's door");
    assert_eq!(intercom.stage.receiver.asked(), [], "the backend was asked");
    // The control: all of them differ from this one in what their row says.
    assert_eq!(intercom.status(&[&bearer(&intercom.forged(typ, |_| ()))]).status, 200);
    assert_eq!(intercom.stage.receiver.asked().len(), 1);
}

#[test]
fn a_client_without_keys_proves_itself_by_its_certificate_and_says_who_it_is() {
    let stage = Inbound::new();
    stage.edit("gateway.yaml", ", jwks: {file: pki/smarthome-client.jwks}", "");
    let intercom = Intercom::on(stage);
    let form = |rest: &str| format!("grant_type=client_credentials&scope=grants.read{rest}");
    let good = intercom.ask(&form(&format!("&client_id={CLIENT_ID}")));
    assert_eq!(good.status, 200, "{}", good.text());
    for (name, form) in [
        ("no client", form("")),
        ("another client", form("&client_id=smarthome-other")),
        ("an assertion of keys that nobody knows", intercom.form(&intercom.assertion())),
    ] {
        let answer = intercom.ask(&form);
        assert_eq!((answer.status, &*error_of(&answer)), (401, "invalid_client"), "{name}");
        assert_eq!(intercom.met(&answer).1, "client-refused", "{name}");
    }
}

#[test]
fn an_assertion_that_was_used_is_refused_by_the_next_process_too() {
    let intercom = Intercom::new();
    let form = intercom.form(&intercom.assertion());
    assert_eq!(intercom.ask(&form).status, 200);
    let Intercom { gateway, clock, stage, .. } = intercom;
    let _ended = gateway.shutdown();
    let gateway = Served::by(&stage, clock);
    let caller = stage.caller(gateway.partners);
    let answer = stage.wait(caller.call("POST", TOKEN, &[FORM], form.as_bytes())).unwrap();
    assert_eq!((answer.status, &*error_of(&answer)), (401, "invalid_client"));
    assert_eq!(stage.records().last().unwrap().text("reason"), "assertion-replayed");
}

#[test]
fn whatever_is_revoked_asks_the_backend_no_more() {
    let intercom = Intercom::new();
    let (one, two) = (intercom.token(), intercom.token());
    let ask = |token: &str| intercom.met(&intercom.status(&[&bearer(token)]));
    assert_eq!(ask(&one).0, 200);
    intercom.revoke(RevocationKind::Token, claims(&one)["jti"].as_str().unwrap());
    assert_eq!(ask(&one), (403, "revoked".to_owned()));
    assert_eq!(ask(&two).0, 200);
    intercom.revoke(RevocationKind::Operation, "readGrant");
    assert_eq!(ask(&two), (403, "operation-revoked".to_owned()));
    intercom.revoke(RevocationKind::Partner, "smarthome");
    assert_eq!(ask(&two), (403, "partner-revoked".to_owned()));
    let answer = intercom.ask(&intercom.form(&intercom.assertion()));
    assert_eq!(intercom.met(&answer), (403, "partner-revoked".to_owned()), "nor does it get another token");
    intercom.revoke(RevocationKind::Certificate, &intercom.thumbprint.to_string());
    assert_eq!(ask(&two), (403, "certificate-revoked".to_owned()));
    assert_eq!(intercom.stage.receiver.asked().len(), 2);
}

#[test]
fn what_the_backend_answers_otherwise_than_declared_goes_no_further_and_a_silence_is_an_unknown_outcome() {
    let intercom = Intercom::new();
    let token = bearer(&intercom.token());
    let receiver = &intercom.stage.receiver;
    let good = r#"{"houseId":"house-1","status":"ended"}"#;
    let ask = || {
        let answer = intercom.status(&[&token]);
        let outcome = intercom.record_of(&answer);
        assert_eq!(outcome.text("kind"), "outcome");
        let told = (answer.status, outcome.text("state").to_owned(), outcome.text("reason").to_owned());
        (told, outcome.text("detail").to_owned(), answer)
    };
    receiver.tell(404, "");
    let (told, _, answer) = ask();
    assert_eq!(told, (404, "refused".into(), "backend-refused".into()), "as the contract declares");
    assert_eq!(answer.text(), "");
    for (name, status, body) in [
        ("another status", 201, good.to_owned()),
        ("a member too many", 200, good.replace('}', r#","note":"x"}"#)),
        ("a member too few", 200, r#"{"houseId":"house-1"}"#.to_owned()),
        ("another word", 200, good.replace("ended", "unknown")),
        ("another house", 200, good.replace("house-1", "house-2")),
        ("no JSON", 200, "{".to_owned()),
        ("no body", 200, String::new()),
    ] {
        receiver.tell(status, &body);
        let (told, detail, answer) = ask();
        assert_eq!(told, (502, "unknown".into(), "answer-undeclared".into()), "{name}");
        assert_eq!(error_of(&answer), "/problems/bad-backend-answer", "{name}");
        assert!(!detail.is_empty() && !answer.text().contains(&detail), "{name}: {detail}");
    }
    receiver.break_off();
    let (told, _, answer) = ask();
    assert_eq!(told, (504, "unknown".into(), "outcome-unknown".into()));
    assert_eq!(error_of(&answer), "/problems/outcome-unknown");
    let asked = receiver.asked().len();
    intercom.stage.wait(receiver.stop());
    let (told, _, answer) = ask();
    assert_eq!(told, (502, "not-sent".into(), "backend-unreachable".into()));
    assert_eq!(error_of(&answer), "/problems/backend-unreachable");
    assert_eq!((receiver.asked().len(), asked), (9, 9));
}
