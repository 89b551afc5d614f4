//! Proofs of possession over a real gateway: attacks, each with its status, its reason on record and its challenge, and the
//! partner's word that it received nothing; nonces; and what a killed gateway takes when it comes again.

use crate::harness::Command;
use crate::harness::Process;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::fresh_key;
use crate::harness::until;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::clock::UnixMillis;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::encode_base64url;
use portcullis::crypto::sha256;
use portcullis::devkit::AppKey;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::PUBLIC_URL;
use portcullis::json::Number;
use portcullis::json::Object;
use portcullis::json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

const PATH: &str = "/v1/houses/house-1/doors/door-1/open";
const SKEW: u64 = 5;
/// The most that can be configured.
const MOST_SKEW: u64 = 60;
const AGE: u64 = 60;
const NONCE: u64 = 120;

const INVALID: (&str, &str) = ("dpop-proof-invalid", "invalid_dpop_proof");
const LATE: (&str, &str) = ("dpop-not-timely", "invalid_dpop_proof");
const REPLAY: (&str, &str) = ("dpop-replay", "invalid_dpop_proof");
const NEEDED: (&str, &str) = ("dpop-nonce-needed", "use_dpop_nonce");
const MISMATCH: (&str, &str) = ("cnf-mismatch", "invalid_token");

/// A gateway by a clock that is moved by hand, an app, and the backend that relays what it says.
struct Lab {
    app: AppKey,
    token: String,
    backend: Backend,
    _gateway: Served,
    clock: Arc<ManualClock>,
    stage: Stage,
}

impl Lab {
    fn within(limits: &str) -> Self {
        // Half past a second, as machines start.
        let now = SystemClock::new().now().seconds().get();
        let clock = Arc::new(ManualClock::new(UnixMillis::new(now * 1_000 + 500)));
        let stage = Stage::by(clock.clone());
        stage.limit(limits);
        stage.edit("gateway.yaml", "max_lifetime: 5m", "max_lifetime: 10m");
        let gateway = Served::by(&stage, clock.clone());
        let app = AppKey::new(SigningAlgorithm::Es256).unwrap();
        // As long as a session token may live: the tests let time pass.
        let claims = stage.resident(&stage.sessions, clock.now().seconds()).with("exp", number(now + 595));
        let token = stage.sessions.mint(&claims.bound_to(&app)).unwrap();
        Self { app, token, backend: stage.backend(gateway.address), _gateway: gateway, clock, stage }
    }

    fn now(&self) -> u64 {
        self.clock.now().seconds().get()
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The claims of a good proof that is made now.
    fn claims(&self, nonce: Option<&str>) -> Object {
        AppKey::claims("POST", &format!("{PUBLIC_URL}{PATH}"), Some(&self.token), nonce, self.clock.now().seconds())
    }

    /// A good command, but for its proof, of which there is none.
    fn bare(&self) -> Command {
        Command { scheme: Some("DPoP"), ..Command::new(&self.stage) }.bearing(self.token.clone()).unproven()
    }

    fn proving(&self, claims: &Object) -> Command {
        self.bare().proving(&self.app.sign(&self.app.header(""), claims).unwrap())
    }

    fn give(&self, command: &Command) -> BackendAnswer {
        self.stage.wait(command.give(&self.backend)).unwrap()
    }

    /// A nonce, as the gateway gives one to who comes without.
    fn nonce(&self) -> String {
        let answer = self.give(&self.proving(&self.claims(None)));
        assert_eq!((answer.status, challenges(&answer).0.as_str()), (401, "use_dpop_nonce"), "{}", answer.text());
        answer.header("dpop-nonce").unwrap().to_owned()
    }

    /// A good command passes, with this nonce or none; what nonce comes back.
    fn passes(&self, nonce: Option<&str>) -> Option<String> {
        let moved = self.stage.partner.total_actuations();
        let answer = self.give(&self.proving(&self.claims(nonce)));
        assert_eq!((answer.status, self.stage.partner.total_actuations()), (200, moved + 1), "{}", answer.text());
        answer.header("dpop-nonce").map(str::to_owned)
    }

    /// The reason on record under a receipt.
    fn reasons(&self) -> HashMap<String, String> {
        let records = self.stage.records();
        records.iter().map(|record| (record.text("receipt").to_owned(), record.text("reason").to_owned())).collect()
    }
}

/// The error of the first challenge, and the schemes in their order.
fn challenges(answer: &BackendAnswer) -> (String, Vec<String>) {
    let fields = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("www-authenticate"));
    let fields: Vec<&str> = fields.map(|(_, value)| value.as_str()).collect();
    let schemes = fields.iter().map(|field| field.split(' ').next().unwrap().to_owned()).collect();
    assert!(fields.iter().any(|field| field.contains("algs=\"ES256 ES384 EdDSA PS256 RS256\"")), "{fields:?}");
    let error =
        fields.first().and_then(|field| field.split_once("error=\"")).map(|(_, rest)| rest.split('"').next().unwrap());
    (error.unwrap_or_default().to_owned(), schemes)
}

/// The command under a key of its own: what repeats it is its proof alone.
fn anew(command: &Command) -> Command {
    Command { key: Some(fresh_key()), ..command.clone() }
}

fn number(number: u64) -> Value {
    Number::try_from(number).unwrap().into()
}

/// A proof that is worth nothing, and what it is told.
struct Attack {
    what: String,
    command: Command,
    told: (&'static str, &'static str),
}

fn attacks(lab: &Lab, nonce: &str) -> Vec<Attack> {
    let mut attacks = Vec::new();
    let mut add = |what: &str, command: Command, told| attacks.push(Attack { what: what.to_owned(), command, told });
    let claiming = |name: &str, value: Value| {
        let mut claims = lab.claims(Some(nonce));
        claims.insert(name, value);
        lab.proving(&claims)
    };
    let headed = |header: &str| lab.bare().proving(&lab.app.sign(header, &lab.claims(Some(nonce))).unwrap());
    let digest = |text: &str| Value::from(encode_base64url(sha256(text.as_bytes()).as_bytes()));
    let good = || lab.app.sign(&lab.app.header(""), &lab.claims(Some(nonce))).unwrap();
    let thief = AppKey::new(SigningAlgorithm::Es256).unwrap();
    let header = lab.app.header("");

    for method in ["GET", "post", "PUT"] {
        add(&format!("for the method {method}"), claiming("htm", method.into()), INVALID);
    }
    for url in [
        format!("{PUBLIC_URL}/v1/houses/house-1/doors/door-2/open"),
        format!("{PUBLIC_URL}{PATH}/"),
        format!("{PUBLIC_URL}:8443{PATH}"),
        format!("https://smarthome.gateway.prop.example{PATH}"),
        format!("{}{PATH}", PUBLIC_URL.replace("https", "http")),
        PATH.to_owned(),
    ] {
        add(&format!("for {url}"), claiming("htu", url.as_str().into()), INVALID);
    }
    add("of another token", claiming("ath", digest("another")), INVALID);
    add(
        "of no token",
        lab.bare().proving(
            &lab.app
                .proof("POST", &format!("{PUBLIC_URL}{PATH}"), None, Some(nonce), lab.clock.now().seconds())
                .unwrap(),
        ),
        INVALID,
    );
    add("one second too old", claiming("iat", number(lab.now() - AGE - 1)), LATE);
    add("one second too far ahead", claiming("iat", number(lab.now() + SKEW + 1)), LATE);
    add("expired by itself", claiming("exp", number(lab.now())), LATE);
    add("without a jti", claiming("jti", Value::Null), INVALID);
    add(
        "by a thief's key",
        lab.bare().proving(&thief.sign(&thief.header(""), &lab.claims(Some(nonce))).unwrap()),
        MISMATCH,
    );
    add(
        "by a thief in the victim's name",
        lab.bare().proving(&thief.sign(&header, &lab.claims(Some(nonce))).unwrap()),
        INVALID,
    );
    add("two of them", lab.bare().proving(&good()).with("DPoP", &good()), INVALID);
    add("two in one field", lab.bare().proving(&format!("{}, {}", good(), good())), INVALID);
    add("none", lab.bare(), ("dpop-missing", "invalid_dpop_proof"));
    add("empty", lab.bare().proving(""), INVALID);
    add("with a private key", headed(&header.replace(r#""kty""#, r#""d":"AQAB","kty""#)), INVALID);
    add("with a certificate", headed(&lab.app.header(r#","x5c":["MII"]"#)), INVALID);
    add("of another type", headed(&header.replace("dpop+jwt", "at+jwt")), INVALID);
    add("by no algorithm", headed(&header.replace("\"ES256\"", "\"none\"")), INVALID);
    add("by a shared secret", headed(&header.replace("\"ES256\"", "\"HS256\"")), INVALID);
    add("with a nonce of nobody's", lab.proving(&lab.claims(Some("AAAAAAAAAAAAAAAAAAAAAA"))), NEEDED);
    add("without a nonce, as it may be of before the start", lab.proving(&lab.claims(None)), NEEDED);
    // A stolen token is no bearer token, and a proof is no companion to one.
    let bearer = Command { scheme: Some("Bearer"), ..lab.bare() };
    add("a bound token as a bearer token", bearer.clone(), ("token-malformed", "invalid_token"));
    add("the same with its proof", bearer.proving(&good()), ("token-malformed", "invalid_token"));
    // The backend may relay a proof, and must not turn it.
    let swapped = lab.bare().proving(&good()).to("/v1/houses/house-1/doors/door-2/open");
    add("another door under a valid proof", swapped, INVALID);
    let replay = lab.bare().proving(&good());
    assert_eq!(lab.give(&replay).status, 200);
    add("used again", Command { key: Some(fresh_key()), ..replay.clone() }, REPLAY);
    add("used again under its key", replay, REPLAY);
    attacks
}

#[test]
fn every_attack_on_a_proof_is_refused_for_its_reason_and_the_partner_receives_nothing() {
    let lab = Lab::within("refusal_records_per_peer_per_minute: 10000");
    let nonce = lab.nonce();
    assert_eq!(lab.passes(Some(&nonce)), None, "it is the newest");
    let attacks = attacks(&lab, &nonce);
    let mut receipts = Vec::new();
    for attack in &attacks {
        let before = (lab.stage.partner.progress().bytes, lab.stage.partner.total_actuations());
        let answer = lab.give(&attack.command);
        assert_eq!(answer.status, 401, "{}: {}", attack.what, answer.text());
        let after = (lab.stage.partner.progress().bytes, lab.stage.partner.total_actuations());
        assert_eq!(after, before, "{}: the partner received something", attack.what);
        let (error, schemes) = challenges(&answer);
        let first = if attack.command.scheme == Some("Bearer") { ["Bearer", "DPoP"] } else { ["DPoP", "Bearer"] };
        assert_eq!((error.as_str(), schemes), (attack.told.1, first.map(str::to_owned).to_vec()), "{}", attack.what);
        let offered = answer.header("dpop-nonce");
        assert_eq!(offered, (attack.told == NEEDED).then_some(nonce.as_str()), "{}", attack.what);
        receipts.push(answer.header("receipt-id").unwrap().to_owned());
    }
    let reasons = lab.reasons();
    for (attack, receipt) in attacks.iter().zip(&receipts) {
        assert_eq!(reasons[receipt], attack.told.0, "{}", attack.what);
    }
    lab.passes(Some(&nonce));
}

#[test]
fn who_comes_with_no_token_is_told_both_schemes_and_nothing_else() {
    let lab = Lab::within("");
    for (command, error, schemes) in [
        (Command { token: None, ..lab.bare() }, "", ["Bearer", "DPoP"]),
        (lab.bare().bearing("x.y.z".to_owned()), "invalid_token", ["DPoP", "Bearer"]),
    ] {
        let answer = lab.give(&command);
        let told = challenges(&answer);
        assert_eq!((answer.status, told), (401, (error.to_owned(), schemes.map(str::to_owned).to_vec())));
    }
}

#[test]
fn a_proof_holds_its_times_to_the_second_and_is_the_commands_time() {
    let lab = Lab::within("");
    let nonce = lab.nonce();
    let at = |iat: u64| {
        let mut claims = lab.claims(Some(&nonce));
        claims.insert("iat", number(iat));
        lab.proving(&claims)
    };
    let status = |command: &Command| lab.give(command).status;
    assert_eq!(status(&at(lab.now() + SKEW)), 200);
    assert_eq!(status(&at(lab.now() + SKEW + 1)), 401);
    // A door's command may be ten seconds old (`max_age`); the proof itself might be older.
    assert_eq!(status(&at(lab.now() - 9)), 200);
    let old = lab.give(&at(lab.now() - 11));
    assert_eq!(old.status, 403, "{}", old.text());
    assert_eq!(lab.reasons()[old.header("receipt-id").unwrap()], "command-too-old");
    // What the backend says beside it is the same or refused.
    let said = |time: u64| Command { time: Some(format!("@{time}")), ..at(lab.now() - 3) };
    assert_eq!(status(&said(lab.now() - 3)), 200);
    let other = lab.give(&said(lab.now()));
    assert_eq!(other.status, 400, "{}", other.text());
    assert_eq!(lab.reasons()[other.header("receipt-id").unwrap()], "command-time-invalid");
}

#[test]
fn a_start_asks_for_nonces_until_all_that_may_have_been_used_before_is_too_old_to_tell() {
    let lab = Lab::within("");
    for seconds in [1, MOST_SKEW - 1, 1] {
        let nonce = lab.nonce();
        lab.passes(Some(&nonce));
        lab.pass(seconds);
    }
    assert_eq!(lab.passes(None), None, "and offers none to who needs none");
}

#[test]
fn a_nonce_is_good_for_its_time_and_a_newer_one_is_offered_before_it_ends() {
    let lab = Lab::within("");
    // To the beginning of a nonce's time.
    lab.pass(NONCE / 2 - lab.now() % (NONCE / 2) + NONCE);
    let answer = lab.give(&lab.proving(&lab.claims(Some("of before"))));
    let first = answer.header("dpop-nonce").unwrap().to_owned();
    assert_eq!(lab.passes(Some(&first)), None);
    lab.pass(NONCE / 2 - 1);
    assert_eq!(lab.passes(Some(&first)), None, "the last second in which it is the newest");
    lab.pass(1);
    let second = lab.passes(Some(&first)).expect("a newer one");
    assert_eq!(lab.passes(Some(&second)), None);
    lab.pass(NONCE / 2 - 1);
    assert!(lab.passes(Some(&first)).is_some(), "its last second");
    lab.pass(1);
    let answer = lab.give(&lab.proving(&lab.claims(Some(&first))));
    assert_eq!((answer.status, challenges(&answer).0.as_str()), (401, "use_dpop_nonce"));
    let third = answer.header("dpop-nonce").unwrap().to_owned();
    lab.passes(Some(&third));
    assert_eq!(lab.passes(Some(&second)), Some(third));
}

#[test]
fn as_many_proofs_are_remembered_as_may_be_and_the_next_is_refused_until_one_has_run_out() {
    let lab = Lab::within("proofs_max: 2");
    let nonce = lab.nonce();
    let first = lab.proving(&lab.claims(Some(&nonce)));
    assert_eq!(lab.give(&first).status, 200);
    lab.passes(Some(&nonce));
    let answer = lab.give(&lab.proving(&lab.claims(Some(&nonce))));
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(lab.reasons()[answer.header("receipt-id").unwrap()], "dpop-full");
    assert_eq!(lab.give(&first).status, 401, "none was evicted");
    lab.pass(AGE + 1);
    lab.passes(None);
}

/// With the system's clock, and processes that are killed.
#[test]
fn after_a_kill_no_proof_of_before_is_taken_whether_it_had_a_nonce_or_was_dated_ahead() {
    let stage = Stage::new();
    // So a proof may be dated as far ahead as none that an earlier run took.
    stage.limit(&format!("clock_skew_s: {MOST_SKEW}s"));
    // It is not their age by which they are refused, however long two starts take.
    stage.edit("policies/contracts/smarthome.openapi.yaml", "max_age: 10s", "max_age: 60s");
    let app = Arc::new(AppKey::new(SigningAlgorithm::EdDsa).unwrap());
    let process = Process::on(&stage);
    let bare = Command::new(&stage).of_app(&stage, &app);
    let backend = stage.backend(process.address);
    let asked = stage.wait(bare.give_once(&backend)).unwrap();
    assert_eq!(asked.status, 401);
    let nonce = asked.header("dpop-nonce").unwrap().to_owned();
    let with_nonce = anew(&bare).proven(&app, Some(&nonce));
    assert_eq!(stage.wait(with_nonce.give_once(&backend)).unwrap().status, 200);

    // Without a nonce a proof must be dated later than any that an earlier run may have taken: only a clock that is ahead makes
    // one so early.
    let token = bare.token.clone().unwrap();
    let mut ahead = None;
    until("a proof that is dated ahead is taken", || {
        let time = SystemClock::new().now().seconds().plus(MOST_SKEW);
        let proof = app.proof("POST", &format!("{PUBLIC_URL}{PATH}"), Some(&token), None, time).unwrap();
        let command = anew(&bare).proving(&proof);
        let taken = stage.wait(command.give_once(&backend)).unwrap().status == 200;
        ahead = taken.then_some(command);
        taken
    });
    let moved = stage.partner.total_actuations();
    for command in [&with_nonce, ahead.as_ref().unwrap()] {
        assert_eq!(stage.wait(anew(command).give_once(&backend)).unwrap().status, 401, "a replay");
    }
    process.kill();

    let process = Process::on(&stage);
    let backend = stage.backend(process.address);
    for command in [&with_nonce, ahead.as_ref().unwrap()] {
        let answer = stage.wait(anew(command).give_once(&backend)).unwrap();
        assert_eq!((answer.status, challenges(&answer).0.as_str()), (401, "use_dpop_nonce"), "{}", answer.text());
    }
    assert_eq!(stage.partner.total_actuations(), moved, "nothing moved twice");
    let goes_on = stage.wait(anew(&bare).give(&backend)).unwrap();
    assert_eq!(goes_on.status, 200, "an app that takes the nonce goes on: {}", goes_on.text());
}
