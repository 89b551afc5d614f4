//! Tokens that only their issuer can explain (RFC 7662): over the network as it is, against one that is down, slow, lies, or says
//! what must be refused.

use crate::harness::Command;
use crate::harness::ENDLESS;
use crate::harness::Exchange;
use crate::harness::PUBLISHER;
use crate::harness::Page;
use crate::harness::Publisher;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::fresh_key;
use crate::harness::now;
use crate::harness::told_by;
use crate::harness::until;
use crate::harness::write_key;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::crypto::Jws;
use portcullis::crypto::KeySet;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::SigningKey;
use portcullis::crypto::jwks_json;
use portcullis::devkit::BACKEND;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::LOGIN_ISSUER;
use portcullis::devkit::Leaf;
use portcullis::devkit::NORTH;
use portcullis::devkit::TokenClaims;
use portcullis::devkit::TokenIssuer;
use portcullis::devkit::Validity;
use portcullis::json::Number;
use portcullis::json::Object;
use std::sync::Arc;
use std::time::Duration;

/// For how many milliseconds an answer is good where the configuration says nothing.
const KEPT_MS: u64 = 5_000;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A gateway that asks its sign-in issuer about tokens, by a clock that is moved by hand.
struct Scene {
    gateway: Served,
    publisher: Publisher,
    clock: Arc<ManualClock>,
    key: SigningKey,
    issuer: TokenIssuer,
    stage: Stage,
}

impl Scene {
    /// It is asked at `/introspect`, and proves itself by a key.
    fn new() -> Self {
        Self::asking(
            "key: pki/introspection.key, tls: {ca: pki/login-authority.pem, certificate: pki/at-login.pem, key: pki/at-login.key}",
        )
    }

    /// `more` is what the configuration says besides where it is and who asks.
    fn asking(more: &str) -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
        let stage = Stage::by(Arc::clone(&clock) as Arc<dyn Clock>);
        stage.limit("exchange_timeout_ms: 1s, refusal_records_per_peer_per_minute: 10000");
        let publisher = Publisher::start(&stage);
        let key = write_key(&stage, "pki/introspection.key");
        let url = format!("https://{}/introspect", publisher.address);
        let asked = format!(
            "introspection: {{url: \"{url}\", server_name: {PUBLISHER}, client_id: portcullis, timeout: 1s, {more}}}"
        );
        stage.edit("gateway.yaml", "jwks: {file: pki/login.jwks}", &asked);
        stage.edit("gateway.yaml", "    algorithms: [ES256]\n", "");
        let issuer = TokenIssuer::new(LOGIN_ISSUER, SigningAlgorithm::Es256).unwrap();
        let gateway = Served::by(&stage, Arc::clone(&clock) as Arc<dyn Clock>);
        let scene = Self { gateway, publisher, clock, key, issuer, stage };
        scene.says(&scene.good());
        scene
    }

    /// What is good to say of a token.
    fn good(&self) -> TokenClaims {
        self.stage.member_of(&NORTH, &self.issuer, self.clock.now().seconds()).with("active", true)
    }

    /// What is said of every token from now on.
    fn says(&self, claims: &TokenClaims) {
        self.publisher.page("/introspect", Page::json(&claims.text()));
    }

    fn asked(&self) -> usize {
        self.publisher.asked("/introspect")
    }

    /// A look at a door, for which a sign-in token is enough.
    fn look(&self, token: &str) -> Command {
        Command::errand(&self.stage, &NORTH, "readDoor").bearing(token.to_owned())
    }

    fn backend(&self) -> Backend {
        self.stage.backend(self.gateway.address)
    }

    fn reason(&self, answer: &BackendAnswer) -> String {
        let receipt = answer.header("receipt-id").unwrap();
        let records = self.stage.records();
        records.iter().rfind(|record| record.text("receipt") == receipt).unwrap().text("reason").to_owned()
    }

    /// What becomes of a command, and that the partner received nothing of one that is refused.
    #[track_caller]
    fn becomes(&self, what: &str, command: &Command, status: u16, reason: &str) {
        let before = self.stage.partner.progress().requests;
        let answer = self.stage.wait(command.give(&self.backend())).unwrap();
        assert_eq!((answer.status, self.reason(&answer).as_str()), (status, reason), "{what}: {}", answer.text());
        let came = self.stage.partner.progress().requests - before;
        assert_eq!(came, usize::from(status == 200), "{what}: what the partner received");
    }

    /// How many questions ended so.
    fn ended(&self, result: &str) -> u64 {
        let series = format!("portcullis_introspections_total{{issuer=\"{LOGIN_ISSUER}\",result=\"{result}\"}} ");
        let page = self.gateway.metrics();
        page.lines().find_map(|line| line.strip_prefix(series.as_str())).map_or(0, |count| count.parse().unwrap())
    }
}

/// A token that nobody has asked about.
fn fresh() -> String {
    fresh_key()
}

#[test]
fn an_opaque_token_is_taken_at_its_issuers_word_which_is_good_for_its_time_and_not_a_moment_longer() {
    let scene = Scene::new();
    let (token, look) = ("mF_9.B5f-4.1JqM+x/y==", scene.look("mF_9.B5f-4.1JqM+x/y=="));
    scene.becomes("at first", &look, 200, "done");
    let form = scene.publisher.form();
    let names: Vec<&str> = form.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["token", "token_type_hint", "client_assertion_type", "client_assertion"]);
    let said = |name: &str| form.iter().find(|(known, _)| known == name).unwrap().1.clone();
    assert_eq!((said("token"), said("token_type_hint")), (token.to_owned(), "access_token".to_owned()));
    assert_eq!(said("client_assertion_type"), ASSERTION_TYPE);
    let assertion = said("client_assertion");
    let jws = Jws::split(&assertion).unwrap();
    let keys = KeySet::parse(jwks_json(&[&scene.key]).as_bytes()).unwrap();
    assert_eq!(keys.key(scene.key.kid()).unwrap().verify(&jws), Ok(()));
    let claims: serde_json::Value = serde_json::from_slice(jws.payload()).unwrap();
    assert_eq!((&claims["iss"], &claims["aud"]), (&"portcullis".into(), &LOGIN_ISSUER.into()));

    // Revoked there, it is good here for as long as the answer is.
    scene.says(&scene.good().with("active", false));
    scene.clock.advance(Duration::from_millis(KEPT_MS - 1));
    scene.becomes("as long as that is good", &look, 200, "done");
    assert_eq!(scene.asked(), 1);
    let moves = Command::errand(&scene.stage, &NORTH, "openDoor").bearing(token.to_owned());
    scene.becomes("to move something", &moves, 403, "session-required");
    scene.clock.advance(Duration::from_millis(1));
    scene.becomes("and no longer", &look, 401, "token-inactive");
    assert_eq!(scene.asked(), 2);
    // What it says against a token counts as long.
    scene.says(&scene.good());
    scene.becomes("what it said", &look, 401, "token-inactive");
    assert_eq!(scene.asked(), 2);
    scene.clock.advance(Duration::from_millis(KEPT_MS));
    scene.becomes("what it says then", &look, 200, "done");
    assert_eq!((scene.ended("active"), scene.ended("inactive")), (2, 1));
    let series = format!("portcullis_introspection_duration_seconds_count{{issuer=\"{LOGIN_ISSUER}\"}}");
    assert_eq!(scene.gateway.metric(&series), 3);
}

#[test]
fn a_remembered_answer_skips_no_check_of_its_claims() {
    let scene = Scene::new();
    let look = scene.look("opaque");
    let began = scene.clock.now().seconds().get();
    let time = |seconds: u64| Number::try_from(seconds).unwrap();
    scene.says(&scene.good().with("exp", time(began + 3)));
    scene.becomes("before its end", &look, 200, "done");
    let other = scene.stage.pki.backend_authority.issue(&Leaf::client(BACKEND, Validity::a_day_from(now())));
    let other = scene.stage.backend_as(scene.gateway.address, Some(&other.unwrap().identity().unwrap()));
    let read = Command::errand(&scene.stage, &NORTH, "readDoor").bearing("opaque".to_owned());
    let answer = scene.stage.wait(read.give(&other)).unwrap();
    assert_eq!((answer.status, scene.reason(&answer).as_str()), (401, "token-binding"), "{}", answer.text());
    scene.clock.advance(Duration::from_secs(3));
    scene.becomes("at its end", &look, 401, "token-expired");
    assert_eq!(scene.asked(), 1, "all of it by one answer");
}

#[test]
fn whatever_is_said_instead_of_an_answer_is_met_and_refused_and_nothing_of_it_is_kept() {
    let mut scene = Scene::new();
    let elsewhere = scene.publisher.another(&scene.stage);
    let good = scene.good().text();
    elsewhere.page("/introspect", Page::json(&good));
    let json = "Content-Type: application/json\r\n";
    let redirect = format!("Location: https://{}/introspect\r\n{json}", elsewhere.address);
    let endless = |framing: &str| Page::Endless(format!("HTTP/1.1 200 OK\r\n{json}{framing}\r\n\r\n"));
    let cut = format!("HTTP/1.1 200 OK\r\n{json}Content-Length: {}\r\n\r\n{good}", good.len() + 1);
    let with = |from: &str, to: &str| Page::json(&good.replacen(from, to, 1));
    for (fault, what, page) in [
        ("status", "a redirect", Page::of("302 Found", &redirect, "")),
        ("status", "a redirect with an answer", Page::of("307 Temporary Redirect", &redirect, &good)),
        ("status", "we are no client there", Page::of("401 Unauthorized", json, r#"{"error":"invalid_client"}"#)),
        ("status", "nothing there", Page::of("404 Not Found", json, &good)),
        ("status", "a fault of theirs", Page::of("500 Internal Server Error", json, &good)),
        ("status", "another good status", Page::of("201 Created", json, &good)),
        ("media-type", "a page for people", Page::of("200 OK", "Content-Type: text/html\r\n", &good)),
        (
            "media-type",
            "a signed answer",
            Page::of("200 OK", "Content-Type: application/token-introspection+jwt\r\n", &good),
        ),
        ("media-type", "no media type", Page::of("200 OK", "", &good)),
        ("media-type", "a coding", Page::of("200 OK", &format!("{json}Content-Encoding: gzip\r\n"), &good)),
        ("answer-malformed", "garbage", Page::json("<html>garbage")),
        ("answer-malformed", "half an answer", Page::json(good.trim_end_matches('}'))),
        ("answer-malformed", "a list", Page::json(&format!("[{good}]"))),
        ("answer-malformed", "active as a text", with("\"active\":true", "\"active\":\"true\"")),
        ("answer-malformed", "active as a number", with("\"active\":true", "\"active\":1")),
        ("answer-malformed", "active twice", with("\"active\":true", "\"active\":true,\"active\":true")),
        ("answer-malformed", "nothing of it", with("\"active\"", "\"Active\"")),
        (
            "answer-too-large",
            "a byte too much",
            Page::json(&format!("{good}{}", " ".repeat(16 * 1024 + 1 - good.len()))),
        ),
        ("answer-too-large", "50 MB with a length", endless(&format!("Content-Length: {ENDLESS}"))),
        ("answer-too-large", "50 MB in chunks", endless("Transfer-Encoding: chunked")),
        ("answer-broke-off", "an answer that is cut", Page::BreakOff(cut.into_bytes())),
        ("status-line", "no HTTP", Page::Say(b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n".to_vec())),
    ] {
        scene.publisher.page("/introspect", page);
        let before = (scene.ended(fault), scene.asked());
        scene.becomes(what, &scene.look(&fresh()), 503, "introspection-unavailable");
        assert_eq!((scene.ended(fault), scene.asked()), (before.0 + 1, before.1 + 1), "{what}: met as {fault}");
    }
    scene.publisher.page("/introspect", Page::Hang);
    scene.becomes("silence", &scene.look(&fresh()), 503, "introspection-unavailable");
    // The request's time began before that of its question, which is counted by whichever of its bounds ends it.
    until("silence is counted", || scene.ended("late") + scene.ended("timeout") == 1);
    assert!(scene.publisher.sent() < ENDLESS / 2, "nobody reads on what is too large: {}", scene.publisher.sent());
    assert_eq!(elsewhere.asked("/introspect"), 0, "no redirect is followed");
    scene.publisher.page("/introspect", Page::json(&format!("{good}{}", " ".repeat(16 * 1024 - good.len()))));
    scene.becomes("the largest answer", &scene.look(&fresh()), 200, "done");
    let token = fresh();
    scene.publisher.swaps_certificates();
    // What stands idle was made with the other certificate.
    scene.clock.advance(Duration::from_secs(31));
    scene.becomes("a certificate of another authority", &scene.look(&token), 503, "introspection-unavailable");
    assert_eq!(scene.ended("handshake"), 1);
    scene.publisher.swaps_certificates();
    scene.publisher.stop(&scene.stage);
    scene.becomes("nobody there", &scene.look(&token), 503, "introspection-unavailable");
    assert_eq!(scene.ended("refused"), 1);
    let exchange = Exchange::of(&scene.stage, token.clone());
    let answer = scene.stage.wait(exchange.give(&scene.stage.backend(scene.gateway.address)));
    assert_eq!(
        (answer.status, scene.reason(&answer).as_str()),
        (503, "introspection-unavailable"),
        "{}",
        answer.text()
    );
    // Tokens of others are as good as before, and that one as soon as somebody says so.
    let session = Command::errand(&scene.stage, &NORTH, "readDoor");
    scene.becomes("a session", &session, 200, "done");
    scene.publisher.resume(&scene.stage);
    scene.becomes("once it is there again", &scene.look(&token), 200, "done");
}

#[test]
fn what_an_issuer_says_of_a_token_is_held_to_all_that_a_token_is_held_to() {
    let scene = Scene::new();
    let began = scene.clock.now().seconds().get();
    let time = |seconds: u64| Number::try_from(seconds).unwrap();
    let good = || scene.good();
    let cnf = |name: &str| Object::from_iter([(name, "A".repeat(43))]);
    for (what, claims, reason) in [
        ("inactive", good().with("active", false), "token-inactive"),
        ("another issuer's", good().with("iss", "https://other.prop.example"), "token-untrusted"),
        ("for another API", good().with("aud", "https://other-api.prop.example"), "token-audience"),
        ("for nobody", good().without("aud"), "token-audience"),
        ("expired", good().with("iat", time(began - 9)).with("exp", time(began)), "token-expired"),
        ("for too long", good().with("exp", time(began + 3_601)), "token-expired"),
        ("from the future", good().with("iat", time(began + 60)).with("exp", time(began + 90)), "token-expired"),
        ("without an end", good().without("exp"), "token-malformed"),
        ("without a beginning", good().without("iat"), "token-malformed"),
        ("bound to nothing", good().without("cnf"), "token-binding"),
        ("bound to another certificate", good().with("cnf", cnf("x5t#S256")), "token-binding"),
        ("bound as this issuer may not", good().with("cnf", cnf("jkt")), "token-binding"),
        ("bound as nobody knows", good().with("cnf", cnf("kid")), "token-binding"),
        ("of nobody", good().without("sub"), "token-malformed"),
        ("of no client", good().without("client_id"), "token-malformed"),
        ("a subject that is no text", good().with("sub", 7_u32), "token-malformed"),
        ("an ID token", good().with("nonce", "n"), "token-malformed"),
        ("a refresh token", good().with("token_type", "refresh_token"), "token-malformed"),
        ("a token that needs a proof", good().with("token_type", "DPoP"), "token-malformed"),
        ("rights that nobody declared", good().with("authorization_details", "all"), "token-malformed"),
    ] {
        scene.says(&claims);
        let asked = scene.asked();
        scene.becomes(what, &scene.look(&fresh()), 401, reason);
        assert_eq!(scene.asked(), asked + 1, "{what}");
    }
    // What need not be said: whose it is, which id it has, of which type it is (RFC 7662 §2.2).
    scene.says(&good().without("iss").without("jti").with("token_type", "bearer"));
    scene.becomes("the least", &scene.look(&fresh()), 200, "done");
}

#[test]
fn what_could_be_no_token_is_not_asked_about_and_a_signed_token_of_that_issuer_is() {
    let scene = Scene::new();
    let (asked, long) = (scene.asked(), "x".repeat(8 * 1024 + 1));
    for (what, token) in [("a blank", "a b"), ("a comma", "a,b"), ("too long", &long)] {
        scene.becomes(what, &scene.look(token), 401, "token-malformed");
    }
    let basic = Command { scheme: Some("Basic"), ..scene.look("opaque") };
    scene.becomes("another scheme", &basic, 401, "token-malformed");
    let stranger = TokenIssuer::new("https://other.prop.example", SigningAlgorithm::Es256).unwrap();
    let claims = scene.stage.member_of(&NORTH, &stranger, scene.clock.now().seconds());
    scene.becomes("of a stranger", &scene.look(&stranger.mint(&claims).unwrap()), 401, "token-untrusted");
    assert_eq!(scene.asked(), asked, "nobody was asked");
    // Nobody verifies it here: what its issuer says counts, and not what stands in it.
    let claims = scene.stage.member_of(&NORTH, &scene.issuer, scene.clock.now().seconds());
    let signed = scene.issuer.mint(&claims).unwrap();
    scene.says(&scene.good().with("active", false));
    scene.becomes("one that it disowns", &scene.look(&signed), 401, "token-inactive");
    scene.says(&scene.good());
    let signed = scene.issuer.mint(&claims.with("exp", 1_u32)).unwrap();
    scene.becomes("one that it vouches for", &scene.look(&signed), 200, "done");
    assert_eq!(scene.asked(), asked + 2);
}

#[test]
fn many_requests_with_one_token_ask_once_and_a_caller_who_hangs_up_takes_nobodys_answer_away() {
    let scene = Scene::new();
    let body = scene.good().text();
    let page =
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    scene.publisher.page("/introspect", Page::Held(page.into_bytes()));
    let token = fresh();
    let give = || {
        let (command, backend) = (scene.look(&token), scene.backend());
        scene.stage.beside(async move { command.give(&backend).await.unwrap().status })
    };
    let first = give();
    until("it is asked", || scene.asked() == 1);
    let others: Vec<_> = (0..20).map(|_| give()).collect();
    first.abort();
    assert!(scene.stage.wait(first).unwrap_err().is_cancelled());
    scene.publisher.lets_go();
    let statuses: Vec<u16> = others.into_iter().map(|one| scene.stage.wait(one).unwrap()).collect();
    assert_eq!((statuses, scene.asked()), (vec![200; 20], 1));
}

#[test]
fn an_opaque_token_is_exchanged_for_a_session_and_who_is_revoked_here_is_refused_though_the_answer_is_kept() {
    let scene = Scene::new();
    scene.says(&scene.stage.resident(&scene.issuer, scene.clock.now().seconds()).with("active", true));
    let backend = scene.stage.backend(scene.gateway.address);
    let give = || scene.stage.wait(Exchange::of(&scene.stage, "opaque".to_owned()).give(&backend));
    let answer = give();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (order, fields) = (br#"{"kind":"subject","value":"resident-ivanov"}"#, [("Content-Type", "application/json")]);
    let revoked = scene.stage.wait(backend.call("POST", "/-/revocations", &fields, order)).unwrap();
    assert_eq!(revoked.status, 200, "{}", revoked.text());
    let answer = give();
    assert_eq!((answer.status, scene.reason(&answer).as_str()), (400, "revoked"), "{}", answer.text());
    assert_eq!(scene.asked(), 1);
}

#[test]
fn a_client_without_a_key_names_itself_beside_its_certificate_and_another_key_signs_as_soon_as_it_is_there() {
    let tls = "tls: {ca: pki/login-authority.pem, certificate: pki/at-login.pem, key: pki/at-login.key}";
    let scene = Scene::asking(&format!("keep: 0s, {tls}"));
    let look = scene.look("opaque");
    scene.becomes("by its certificate", &look, 200, "done");
    let form = scene.publisher.form();
    let said: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(said, [("token", "opaque"), ("token_type_hint", "access_token"), ("client_id", "portcullis")]);
    scene.becomes("and again", &look, 200, "done");
    assert_eq!(scene.asked(), 2, "nothing is kept");
    drop(scene);

    let scene = Scene::asking(&format!("keep: 0s, key: pki/introspection.key, {tls}"));
    let look = scene.look("opaque");
    let kid = |key: &SigningKey| {
        scene.becomes("signed", &look, 200, "done");
        let form = scene.publisher.form();
        let (_, assertion) = form.iter().find(|(name, _)| name == "client_assertion").unwrap();
        let jws = Jws::split(assertion).unwrap();
        KeySet::parse(jwks_json(&[key]).as_bytes()).unwrap().key(key.kid()).unwrap().verify(&jws).is_ok()
    };
    assert!(kid(&scene.key));
    let next = write_key(&scene.stage, "pki/introspection.key");
    until("it is taken up", || scene.gateway.metric("portcullis_reloads_total{result=\"done\"}") == 1);
    assert!(kid(&next) && !kid(&scene.key));
}

#[test]
fn offline_only_the_issuer_can_say_what_such_a_token_is() {
    let scene = Scene::new();
    let place = |name: &str| scene.stage.path(name).display().to_string();
    std::fs::write(scene.stage.path("token"), "mF_9.B5f-4.1JqM\u{1b}[31m\n").unwrap();
    let (config, certificate, token) = (place("gateway.yaml"), place("pki/backend.pem"), place("token"));
    let inspect = ["token", "inspect", "--config", &config, "--certificate", &certificate, &token];
    let (code, told, _) = told_by(&inspect);
    assert!(code == 1 && told.contains("token-malformed"), "{code} {told}");
    std::fs::write(scene.stage.path("token"), "mF_9.B5f-4.1JqM\n").unwrap();
    let (code, told, complaint) = told_by(&inspect);
    assert_eq!((code, told.as_str()), (2, ""));
    assert!(complaint.contains("only the issuer can say what this token is"), "{complaint}");
    assert!(complaint.contains("introspection endpoint") && !complaint.contains("mF_9"), "{complaint}");
    assert_eq!(scene.asked(), 0);
}
