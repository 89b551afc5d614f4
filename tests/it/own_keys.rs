//! What is told of keys: at `/-/status` and by `status` and `top`, how issuers' keys and answers stand, those of partners'
//! authorisation servers, which keys of our own are in force, and whether proofs need nonces; by `keys`, from the files alone, the
//! public halves that others need, as others' libraries read them.

use crate::harness::ASKED_ISSUER;
use crate::harness::Command;
use crate::harness::Page;
use crate::harness::Publisher;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::ask_about_tokens;
use crate::harness::fetch_tokens;
use crate::harness::ops_page;
use crate::harness::peers;
use crate::harness::publish_keys;
use crate::harness::told_by;
use crate::harness::until;
use crate::harness::write_key;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::crypto::SigningAlgorithm;
use portcullis::devkit::NORTH;
use portcullis::devkit::PARKLINE_AUTHORITY;
use portcullis::devkit::SimulatedTokenServer;
use portcullis::devkit::TokenIssuer;
use serde_json::Value;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

const PUBLISHED: &str = "https://published.prop.example";

/// A stage with an issuer of each kind and an authorisation server, by a clock that is moved by hand.
struct Scene {
    gateway: Served,
    publisher: Publisher,
    server: SimulatedTokenServer,
    clock: Arc<ManualClock>,
    stage: Stage,
}

impl Scene {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
        Self::by(Arc::clone(&clock) as Arc<dyn Clock>, clock)
    }

    /// By the machine's clock, as the authorisation server is.
    fn by_the_machines_clock() -> Self {
        let system = SystemClock::new();
        let unmoved = Arc::new(ManualClock::new(system.now()));
        Self::by(Arc::new(system), unmoved)
    }

    fn by(its: Arc<dyn Clock>, clock: Arc<ManualClock>) -> Self {
        let stage = Stage::by(Arc::clone(&its));
        let publisher = Publisher::start(&stage);
        publish_keys(&stage, publisher.address);
        ask_about_tokens(&stage, publisher.address);
        let server = fetch_tokens(&stage);
        let keys = |name: &str| TokenIssuer::new(name, SigningAlgorithm::Es256).unwrap().jwks();
        publisher.page("/keys", Page::json(&keys(PUBLISHED)));
        publisher.page("/introspect", Page::json(r#"{"active":false}"#));
        write_key(&stage, "pki/session-next.key");
        stage.edit("gateway.yaml", "keys: [pki/session.key]", "keys: [pki/session.key, pki/session-next.key]");
        let gateway = Served::by(&stage, its);
        Self { gateway, publisher, server, clock, stage }
    }

    fn status(&self) -> Value {
        serde_json::from_str(&ops_page(self.gateway.ops, "/-/status").1).unwrap()
    }

    /// What the status tells of an issuer.
    fn issuer(&self, name: &str) -> Value {
        let status = self.status();
        let issuers = status["issuers"].as_array().unwrap();
        issuers.iter().find(|one| one["issuer"] == name).unwrap_or_else(|| panic!("{name}: {status}")).clone()
    }

    fn keys(&self, arguments: &[&str]) -> (i32, String, String) {
        let file = self.stage.configuration();
        told_by(&[&["keys"], arguments, &["--config", file.to_str().unwrap()]].concat())
    }

    /// The keys of that purpose that the status tells: their ids and states.
    fn told(&self, purpose: &str) -> Vec<(String, String)> {
        ids(&self.status(), purpose)
    }

    /// What people are told.
    fn words(&self, command: &[&str]) -> String {
        let ops = self.gateway.ops.to_string();
        told_by(&[command, &["--ops", &ops]].concat()).1
    }
}

fn ids(told: &Value, purpose: &str) -> Vec<(String, String)> {
    let keys = told["keys"].as_array().unwrap().iter().filter(|key| key["purpose"] == purpose);
    let text = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
    keys.map(|key| (text(key, "kid"), text(key, "state"))).collect()
}

#[test]
fn the_status_tells_how_each_issuers_keys_and_answers_stand_and_when_the_last_good_set_is_refused() {
    let mut scene = Scene::new();
    until("the set", || scene.issuer(PUBLISHED)["keys"] == 1);
    let good = scene.issuer(PUBLISHED);
    assert_eq!((&good["by"], &good["keep_s"], &good["failures"]), (&"published".into(), &3_600.into(), &0.into()));
    assert!(good["last_failure"].is_null() && good["certificate"]["days"] == 0 || good["certificate"]["days"] == 1);
    let (came, refused) = (good["came"].as_str().unwrap().to_owned(), good["refused_at"].as_str().unwrap().to_owned());
    // The other one publishes nothing that is a set.
    until("a fault", || scene.issuer("https://discovered.prop.example")["failures"].as_u64() > Some(0));
    let bad = scene.issuer("https://discovered.prop.example");
    assert_eq!((&bad["keys"], &bad["came"], &bad["refused_at"]), (&0.into(), &Value::Null, &Value::Null), "{bad}");
    assert!(bad["last_failure"]["fault"].is_string(), "{bad}");

    scene.publisher.stop(&scene.stage);
    scene.clock.advance(Duration::from_secs(1_000));
    until("a fetch that fails", || scene.issuer(PUBLISHED)["failures"].as_u64() > Some(0));
    let old = scene.issuer(PUBLISHED);
    assert_eq!((&old["keys"], &old["came"], &old["refused_at"]), (&1.into(), &came.into(), &refused.clone().into()));
    assert!(old["age_s"].as_u64() >= Some(1_000) && old["last_failure"]["fault"] == "refused", "{old}");
    assert!(old["next_fetch"].as_str() > old["last_failure"]["at"].as_str(), "{old}");
    let words = scene.words(&["status"]);
    assert!(words.contains(&format!("{PUBLISHED}: 1 keys in force, the set 16 min ")), "{words}");
    assert!(words.contains(&format!(" old, refused from {refused}; next fetch ")), "{words}");

    scene.clock.advance(Duration::from_secs(2_700));
    until("the set is too old", || scene.issuer(PUBLISHED)["keys"] == 0);
    let over = scene.status();
    assert!(refused.as_str() <= over["at"].as_str().unwrap(), "it was refused from then on, not before");
    for words in [scene.words(&["status"]), scene.words(&["top", "--once"])] {
        assert!(words.contains(&format!("REFUSED since {refused}")) && words.contains("    FAILS, "), "{words}");
    }
    assert_eq!(scene.issuer("https://login.prop.example")["by"], "file");
}

#[test]
fn the_status_tells_how_questions_and_fetches_of_tokens_ended_and_our_certificates_there() {
    let scene = Scene::by_the_machines_clock();
    let asked = || scene.issuer(ASKED_ISSUER);
    assert_eq!(
        (&asked()["by"], &asked()["timeout_ms"], &asked()["keep_s"]),
        (&"asked".into(), &2_000.into(), &5.into())
    );
    assert_eq!((&asked()["last_good"], &asked()["remembered"]), (&Value::Null, &0.into()));
    let look = |token: &str| {
        let command = Command::errand(&scene.stage, &NORTH, "readDoor").bearing(token.to_owned());
        scene.stage.wait(command.give(&scene.stage.backend(scene.gateway.address))).unwrap().status
    };
    assert_eq!(look("opaque"), 401);
    assert!(asked()["last_good"].is_string() && asked()["remembered"] == 1 && asked()["under_way"] == 0);
    scene.publisher.page("/introspect", Page::json("{}"));
    assert_eq!([look("another"), look("one-more")], [503, 503]);
    let failing = asked();
    assert_eq!((&failing["failures"], &failing["last_failure"]["fault"]), (&2.into(), &"answer-malformed".into()));
    assert_eq!(failing["certificate"]["name"], "issuers[3].introspection");

    let server = || scene.status()["token_servers"][0].clone();
    assert_eq!((&server()["partner"], &server()["kept"]), (&"parkline".into(), &0.into()));
    assert_eq!(server()["certificate"]["name"], "partners.parkline.token.fetch");
    let raise = || {
        let backend = scene.stage.backend_for(scene.gateway.address, PARKLINE_AUTHORITY);
        scene.stage.wait(Command::errand(&scene.stage, &NORTH, "openBarrier").give(&backend)).unwrap().status
    };
    assert_eq!(raise(), 200, "{:?}", scene.stage.parkline.refusals());
    assert!(server()["kept"] == 1 && server()["last_good"].is_string() && server()["failures"] == 0);
    // One that the server does not know: what was kept goes, and none comes.
    scene.stage.client_key();
    until("it is taken up", || server()["kept"] == 0);
    assert_eq!(raise(), 503);
    assert_eq!((&server()["failures"], &server()["last_failure"]["fault"]), (&1.into(), &"client-refused".into()));
    let words = scene.words(&["status"]);
    for told in ["FAILS, 2 times since: answer-malformed", "FAILS, 1 times since: client-refused"] {
        assert!(words.contains(told), "{told}: {words}");
    }
    assert_eq!(words.matches("    our certificate there: ").count(), 4, "{words}");
    // The same from the files alone, among all that runs out.
    let file = scene.stage.configuration();
    let (_, listed, _) = told_by(&["expiries", "--format", "json", "--config", file.to_str().unwrap()]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let named = |name: &str| {
        let all = listed["expiries"].as_array().unwrap();
        all.iter().filter(|one| one["name"] == name && one["what"] == "certificate").count()
    };
    for name in ["issuers[1].jwks", "issuers[2].jwks", "issuers[3].introspection", "partners.parkline.token.fetch"] {
        assert_eq!(named(name), 1, "{name}: {listed}");
    }
    assert!(scene.server.asked() >= 2);
}

#[test]
fn the_keys_that_are_told_are_those_of_the_files_and_after_a_rotation_those_in_force() {
    let scene = Scene::new();
    let (code, out, err) = scene.keys(&["list", "--format", "json"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let listed: Value = serde_json::from_str(&out).unwrap();
    for (purpose, count) in [("session", 2), ("token", 1), ("request", 2), ("client", 2), ("log", 1)] {
        let found = ids(&listed, purpose);
        assert_eq!(found.len(), count, "{purpose}: {listed}");
        assert_eq!(scene.told(purpose), found, "{purpose}: a gateway that was just started has the same in force");
    }
    let before = scene.told("session");
    assert_eq!([&*before[0].1, &*before[1].1], ["signs", "next"]);
    let words = scene.words(&["status"]);
    assert!(words.contains(&format!("session      next  ES256 {}  for https://", before[1].0)), "{words}");
    assert!(scene.words(&["top", "--once"]).contains("own keys     "));

    // The next one signs, and one that takes a restart is exchanged too.
    let requests = scene.told("request");
    fs::rename(scene.stage.path("pki/session-next.key"), scene.stage.path("pki/session.key")).unwrap();
    let fresh = write_key(&scene.stage, "pki/session-next.key");
    let signing = write_key(&scene.stage, "pki/partner-signing.key");
    let wanted = [(before[1].0.clone(), "signs".to_owned()), (fresh.kid().to_owned(), "next".to_owned())];
    until("the rotation", || scene.told("session") == wanted);
    assert_eq!(scene.told("request"), requests, "these take a restart");
    let (_, out, _) = scene.keys(&["list"]);
    assert!(out.contains(signing.kid()), "the files have it already: {out}");
    assert!(!out.contains("PRIVATE"));
}

#[test]
fn whether_proofs_need_nonces_is_told_and_until_when() {
    let scene = Scene::new();
    let proofs = || scene.status()["proofs"].clone();
    let first = proofs();
    assert_eq!((&first["nonces"], &first["held"]), (&"required".into(), &0.into()));
    assert!(first["most"].as_u64() > Some(0) && first["assertions"]["most"] == 65_536);
    assert!(first["nonces_until"].as_str() > scene.status()["at"].as_str(), "{first}");
    assert!(scene.words(&["status"]).contains("nonces required of proofs dated up to "));
    scene.clock.advance(Duration::from_secs(61));
    assert_eq!(proofs()["nonces"], "offered");
    assert_eq!(proofs()["nonces_until"], first["nonces_until"]);
    assert!(scene.words(&["top", "--once"]).contains("proofs       nonces offered, not required; 0/"));
}

/// Verifies the assertion on standard input by the JWKS of a file, as `jose` does.
const BY_JOSE: &str = r#"
import { createLocalJWKSet, jwtVerify } from "jose";
import { readFileSync } from "node:fs";
const [file, audience] = process.argv.slice(-2);
const jwks = createLocalJWKSet(JSON.parse(readFileSync(file, "utf8")));
const { payload } = await jwtVerify(readFileSync(0, "utf8").trim(), jwks, { audience, issuer: "portcullis" });
console.log(payload.sub);
"#;

/// The same as `jwcrypto` reads it: the id of each key, and whether any is private.
const BY_JWCRYPTO: &str = r#"
import sys
from jwcrypto.jwk import JWKSet
keys = JWKSet.from_json(open(sys.argv[1]).read())["keys"]
print(*sorted(key.thumbprint() for key in keys), any(key.has_private for key in keys))
"#;

#[test]
fn an_issuer_that_is_handed_our_keys_verifies_by_them_who_asks_it() {
    let scene = Scene::new();
    let (code, jwks, err) = scene.keys(&["export", "--issuer", ASKED_ISSUER]);
    assert_eq!((code, err.as_str()), (0, ""));
    let document: Value = serde_json::from_str(&jwks).unwrap();
    let [key] = document["keys"].as_array().unwrap().as_slice() else { panic!("{document}") };
    assert_eq!((&key["purpose"], &key["use"], key.get("d")), (&"client".into(), &"sig".into(), None));
    let file = scene.stage.path("handed.jwks");
    fs::write(&file, &jwks).unwrap();
    let command = Command::errand(&scene.stage, &NORTH, "readDoor").bearing("opaque".to_owned());
    scene.stage.wait(command.give(&scene.stage.backend(scene.gateway.address))).unwrap();
    let form = scene.publisher.form();
    let (_, assertion) = form.iter().find(|(name, _)| name == "client_assertion").unwrap();
    let given = scene.stage.path("assertion");
    let verified = |assertion: &str| {
        fs::write(&given, assertion).unwrap();
        let mut node = peers::node();
        node.args(["--eval", BY_JOSE, "--"]).arg(&file).arg(ASKED_ISSUER).stdin(fs::File::open(&given).unwrap());
        let output = node.output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.success(), said.concat())
    };
    let (is_ours, said) = verified(assertion);
    assert!(is_ours && said.trim() == "portcullis", "{said}");
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let changed: String = other.chars().chain(signature.chars().skip(1)).collect();
    let (is_ours, said) = verified(&format!("{signed}.{changed}"));
    assert!(!is_ours && said.contains("signature verification failed"), "{said}");

    let (_, sessions, _) = scene.keys(&["export", "--sessions"]);
    let set = scene.stage.path("sessions.jwks");
    fs::write(&set, sessions).unwrap();
    let told = peers::python().args(["-c", BY_JWCRYPTO]).arg(&set).output().unwrap();
    let mut kids: Vec<String> = scene.told("session").into_iter().map(|(kid, _)| kid).collect();
    kids.sort_unstable();
    let said = String::from_utf8_lossy(&told.stdout).into_owned();
    assert_eq!(said.trim(), format!("{} False", kids.join(" ")), "{}", String::from_utf8_lossy(&told.stderr));
}

#[test]
fn the_logs_key_is_told_as_the_log_itself_has_it_and_nothing_is_told_to_whom_nothing_is_for() {
    let scene = Scene::new();
    let (_, line, _) = scene.keys(&["export", "--log"]);
    assert_eq!(line, fs::read_to_string(scene.stage.path("state/audit/log.vkey")).unwrap());
    for (whom, why) in [
        ("https://login.prop.example", "knows no key of ours"),
        (PUBLISHED, "knows no key of ours"),
        ("https://nobody.example\u{1b}[2J", "is no issuer of this configuration"),
    ] {
        let (code, out, err) = scene.keys(&["export", "--issuer", whom]);
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.starts_with("error[unusable]: ") && err.contains(why) && !err.contains('\u{1b}'), "{err}");
    }
    let (code, _, err) = scene.keys(&["export"]);
    assert!(code == 2 && err.contains("--partner"), "{err}");
}
