//! Requests to partners are signed (RFC 9421), and what a partner checks of a real one: every part of it is covered.

use crate::harness::Captured;
use crate::harness::Command;
use crate::harness::Scene;
use crate::harness::Stage;
use crate::harness::told_by;
use portcullis::crypto::Jws;
use portcullis::crypto::KeySet;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::SigningKey;
use portcullis::devkit::Backend;
use portcullis::devkit::NORTH;
use portcullis::devkit::PartnerSettings;
use portcullis::devkit::SimulatedPartner;
use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

/// Another partner of the same trust, which has not seen the request, and somebody with the gateway's certificate.
struct Replay<'s> {
    scene: &'s Scene,
    partner: SimulatedPartner,
    client: Backend,
}

impl<'s> Replay<'s> {
    fn on(scene: &'s Scene) -> Self {
        let stage = &scene.stage;
        let settings = PartnerSettings::new(&stage.pki, stage.trust().unwrap()).unwrap();
        let partner = stage.wait(SimulatedPartner::start(settings)).unwrap();
        let identity = stage.pki.gateway_at_partner.identity().unwrap();
        let roots = vec![stage.pki.partner_authority.root()];
        let client = Backend::new(partner.address(), "localhost", Some(&identity), roots).unwrap();
        Self { scene, partner, client }
    }

    /// What the partner answers to this request: `200`, or the word of its refusal.
    fn told(&self, request: &Captured) -> String {
        self.told_as(request, &self.client)
    }

    fn told_as(&self, request: &Captured, client: &Backend) -> String {
        let Captured { method, target, body, .. } = request;
        let fields = request.sendable();
        let answer = client.call(method, target, &fields, body.as_bytes());
        let answer = self.scene.stage.wait(answer).unwrap();
        match answer.json().and_then(|body| Some(body.get("error")?.as_str()?.to_owned())) {
            Some(word) => word,
            None => answer.status.to_string(),
        }
    }
}

impl Drop for Replay<'_> {
    fn drop(&mut self) {
        self.scene.stage.wait(self.partner.stop());
    }
}

/// Another signature of the same length.
fn other_first_byte(value: &str) -> String {
    let (start, rest) = value.split_at("sig=:".len());
    let (first, rest) = rest.split_at(1);
    format!("{start}{}{rest}", if first == "A" { "B" } else { "A" })
}

#[test]
fn a_partner_takes_a_signed_request_once_and_refuses_it_with_any_part_of_it_changed() {
    let scene = Scene::new();
    scene.passes();
    let real = Captured::last(&scene.stage.partner);
    let replay = Replay::on(&scene);
    let flipped = |name: &str| real.saying(name, |value| format!("{value}x"));

    for (what, request, word) in [
        ("the method", Captured { method: "PUT".into(), ..real.clone() }, "signature"),
        ("the path", Captured { target: real.target.replace("door-1", "door-2"), ..real.clone() }, "signature"),
        ("the query", Captured { target: real.target.replace("=guest", "=access"), ..real.clone() }, "signature"),
        ("no query", Captured { target: real.target.replace("?reason=guest", ""), ..real.clone() }, "signature"),
        ("the body", Captured { body: real.body.replace("p1.", "p2."), ..real.clone() }, "content-digest"),
        ("no body", Captured { body: String::new(), ..real.clone() }, "content-digest"),
        ("the digest", flipped("content-digest"), "signature"),
        ("the media type", flipped("content-type"), "signature"),
        ("the token", flipped("authorization"), "signature"),
        ("the receipt", flipped("receipt-id"), "signature"),
        ("without the digest", real.without("content-digest"), "signature-missing"),
        ("without the media type", real.without("content-type"), "signature-covered"),
        ("without the receipt", real.without("receipt-id"), "signature-missing"),
        ("without what is covered", real.without("signature-input"), "signature-missing"),
        ("without a signature", real.without("signature"), "signature-missing"),
        ("another signature", real.saying("signature", other_first_byte), "signature"),
        (
            "another key",
            real.saying("signature-input", |value| value.replace("keyid=\"", "keyid=\"x")),
            "signature-key",
        ),
    ] {
        assert_eq!(replay.told(&request), word, "{what}");
    }
    let mut more = real.clone();
    more.fields.push(("x-more".into(), "1".into()));
    assert_eq!(replay.told(&more), "signature-covered", "a field that nobody signed");
    for part in
        ["@method", "@authority", "@path", "@query", "content-digest", "content-type", "authorization", "receipt-id"]
    {
        let quoted = format!("\"{part}\"");
        assert!(real.field("signature-input").contains(&quoted), "{part} is covered");
        let request = real.saying("signature-input", |value| value.replacen(&quoted, "", 1).replace("  ", " "));
        assert!(["signature-covered", "signature-malformed"].contains(&&*replay.told(&request)), "{part} left out");
    }
    let elsewhere = {
        let identity = scene.stage.pki.gateway_at_partner.identity().unwrap();
        let roots = vec![scene.stage.pki.partner_authority.root()];
        Backend::new(replay.partner.address(), "localhost", Some(&identity), roots).unwrap().calling("other.example")
    };
    assert_eq!(replay.told_as(&real, &elsewhere), "signature", "another authority");
    assert_eq!(replay.partner.total_actuations(), 0);
    assert_eq!(replay.told(&real), "200", "as it was");
    assert_eq!(replay.told(&real), "token-used", "and once only");
    assert_eq!(replay.partner.total_actuations(), 1);
}

#[test]
fn every_operation_of_the_sample_is_signed_over_the_same_parts_and_its_receipt_finds_its_record() {
    let scene = Scene::new();
    let household = &NORTH;
    for operation in ["openDoor", "readDoor", "readEvents", "syncFace", "revokeGrant"] {
        let answer =
            scene.stage.wait(Command::errand(&scene.stage, household, operation).give(&scene.backend)).unwrap();
        assert!(answer.status < 300, "{operation}: {}", answer.text());
        let request = Captured::last(&scene.stage.partner);
        let input = request.field("signature-input");
        for part in ["@method", "@authority", "@path", "@query", "content-digest", "authorization", "receipt-id"] {
            assert!(input.contains(&format!("\"{part}\"")), "{operation}: {part} in {input}");
        }
        let ours = answer.header("receipt-id").unwrap();
        let theirs = request.field("receipt-id");
        assert_ne!(ours, theirs, "each side has a receipt of its own");
        assert_eq!(scene.record(ours).text("token"), theirs, "{operation}");
    }
}

#[test]
fn a_partner_is_told_its_keys_and_the_next_ones_at_its_door_and_in_a_file() {
    let stage = Stage::new();
    for name in ["pki/next-token.key", "pki/next-signing.key"] {
        let pem = SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap();
        fs::write(stage.path(name), pem.expose()).unwrap();
        fs::set_permissions(stage.path(name), Permissions::from_mode(0o600)).unwrap();
    }
    for kind in ["token", "signing"] {
        let key = format!("pki/partner-{kind}.key");
        stage.edit("gateway.yaml", &format!("key: {key}"), &format!("key: [{key}, pki/next-{kind}.key]"));
    }
    let scene = Scene::on(stage);
    scene.passes();
    let caller = scene.stage.caller(scene.gateway.partners);
    let asked = |method: &str, path: &str| scene.stage.wait(caller.call(method, path, &[], b"")).unwrap();
    let told = asked("GET", "/-/jwks");
    assert_eq!((told.status, told.header("content-type")), (200, Some("application/json")));

    let configuration = scene.stage.path("gateway.yaml");
    let export =
        |partner: &str| told_by(&["keys", "export", "--partner", partner, "--config", configuration.to_str().unwrap()]);
    assert_eq!(export("smarthome"), (0, format!("{}\n", told.text()), String::new()));
    let (code, _, complaint) = export("smarthom\u{1b}");
    assert_eq!(code, 2);
    assert!(complaint.contains("unknown-partner") && !complaint.contains('\u{1b}'), "{complaint}");

    let document: serde_json::Value = serde_json::from_str(&told.text()).unwrap();
    let keys = document["keys"].as_array().unwrap();
    let purposes: Vec<_> = keys.iter().map(|key| key["purpose"].as_str().unwrap()).collect();
    assert_eq!(purposes, ["token", "token", "request", "request"]);
    assert!(keys.iter().all(|key| key["use"] == "sig" && key.get("d").is_none()), "{}", told.text());
    let kid = |number: usize| keys[number]["kid"].as_str().unwrap();
    let request = Captured::last(&scene.stage.partner);
    assert!(request.field("signature-input").contains(&format!("keyid=\"{}\"", kid(2))), "the first one signs");
    let set = KeySet::parse(told.text().as_bytes()).unwrap();
    let token = Jws::split(request.field("authorization").strip_prefix("Bearer ").unwrap()).unwrap();
    assert_eq!(set.key(kid(0)).unwrap().verify(&token), Ok(()));

    let (_, of_another, _) = export("parkline");
    assert!((0..4).all(|number| !of_another.contains(kid(number))), "no two partners share a key");
    for (method, path, status) in [("POST", "/-/jwks", 405), ("GET", "/-/jwks/", 404), ("GET", "/-/jwks?a=b", 400)] {
        assert_eq!(asked(method, path).status, status, "{method} {path}");
    }
    let at_backends = scene.stage.wait(scene.backend.call("GET", "/-/jwks", &[], b"")).unwrap();
    assert_eq!(at_backends.status, 404, "it is told to partners alone");
}
