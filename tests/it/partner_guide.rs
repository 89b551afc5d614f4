//! The page for the partner's engineers: each sample, as it stands, takes a request that the gateway really sent, and refuses
//! the same request with anything changed.

use crate::harness::Captured;
use crate::harness::Scene;
use crate::harness::Stage;
use crate::harness::now;
use crate::harness::page;
use crate::harness::peers;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portcullis::clock::UnixSeconds;
use portcullis::crypto::MessageSignature;
use portcullis::crypto::SignatureTerms;
use portcullis::crypto::SignedParts;
use portcullis::crypto::SigningKey;
use portcullis::crypto::sha256;
use portcullis::secret::Secret;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

/// The first block of that language in the page.
fn sample(language: &str) -> String {
    let page = page("docs/partner-guide.md");
    let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("\n```\n").unwrap().0.to_owned()
}

/// A request as the samples read it.
fn document(request: &Captured) -> Value {
    let fields: Map<_, _> =
        request.fields.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    json!({
        "method": request.method, "authority": request.field("host"), "target": request.target,
        "fields": fields, "body": request.body,
    })
}

/// `Content-Digest` (RFC 9530) of a content.
fn digest_of(body: &str) -> String {
    format!("sha-256=:{}:", STANDARD.encode(sha256(body.as_bytes()).as_bytes()))
}

/// What a program makes of a request: whether it is taken, and why not.
fn judged(command: &mut Command, request: &Path) -> Result<(), String> {
    let given = fs::File::open(request).unwrap();
    let output = command.stdin(Stdio::from(given)).output().unwrap();
    let (told, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    match output.status.success() && told.trim() == "ok" {
        true => Ok(()),
        false => Err(format!("{told}{complaint}")),
    }
}

/// A request that was sent, the keys that its partner knows, and a place for files.
struct Ground {
    scene: Scene,
    real: Captured,
    keys: PathBuf,
}

impl Ground {
    fn new() -> Self {
        let stage = Stage::new();
        // Programs take their time to begin, and what has expired is refused for that alone.
        stage.edit("policies/contracts/smarthome.openapi.yaml", "max_age: 10s", "max_age: 5m");
        stage.edit("gateway.yaml", "lifetime: 30s", "lifetime: 5m");
        let scene = Scene::on(stage);
        scene.passes();
        let real = Captured::last(&scene.stage.partner);
        let keys = scene.stage.path("partner.jwks");
        let caller = scene.stage.caller(scene.gateway.partners);
        let published = scene.stage.wait(caller.call("GET", "/-/jwks", &[], b"")).unwrap();
        fs::write(&keys, published.text()).unwrap();
        Self { scene, real, keys }
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.scene.stage.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Requests that differ from the real one in one thing, each with what of it only the token tells.
    fn changed(&self) -> Vec<(&'static str, Captured)> {
        let real = &self.real;
        let swapped = |from: &str, to: &str| real.target.replace(from, to);
        vec![
            ("another method", Captured { method: "PUT".into(), ..real.clone() }),
            ("another authority", real.saying("host", |_| "other.example".into())),
            ("another door", Captured { target: swapped("door-1", "door-2"), ..real.clone() }),
            ("another query", Captured { target: swapped("=guest", "=access"), ..real.clone() }),
            ("no query", Captured { target: swapped("?reason=guest", ""), ..real.clone() }),
            ("another body", Captured { body: real.body.replace("p1.", "p2."), ..real.clone() }),
            ("another body with its own digest", self.with_its_digest(real.body.replace("p1.", "p2."))),
            ("the digest of another body", real.saying("content-digest", |_| digest_of("{}"))),
            ("another receipt", real.saying("receipt-id", |id| format!("{id}x"))),
            ("another token", real.saying("authorization", |token| format!("{token}x"))),
            ("another media type", real.saying("content-type", |_| "text/plain".into())),
            (
                "not signed for us",
                real.saying("signature-input", |input| input.replace("=\"portcullis\"", "=\"other\"")),
            ),
            ("the path left out", real.saying("signature-input", |input| input.replace("\"@path\" ", ""))),
            ("another key", real.saying("signature-input", |input| input.replace("keyid=\"", "keyid=\"x"))),
            ("the key of tokens", self.naming_the_key_of_tokens()),
        ]
    }

    /// The real request with another content, and the digest that fits it.
    fn with_its_digest(&self, body: String) -> Captured {
        let digest = digest_of(&body);
        Captured { body, ..self.real.saying("content-digest", |_| digest) }
    }

    /// The real request, said to be signed by the published key that signs tokens.
    fn naming_the_key_of_tokens(&self) -> Captured {
        let published: Value = serde_json::from_slice(&fs::read(&self.keys).unwrap()).unwrap();
        let keys = published["keys"].as_array().unwrap();
        let kid = |purpose: &str| keys.iter().find(|key| key["purpose"] == purpose).unwrap()["kid"].as_str().unwrap();
        self.real.saying("signature-input", |input| {
            assert!(input.contains(kid("request")), "the request is signed by the key for requests: {input}");
            input.replace(kid("request"), kid("token"))
        })
    }

    /// The real request, signed anew by the gateway's own key over all but one part.
    fn resigned(&self, left_out: &str, tag: &str, lifetime_s: u64) -> Captured {
        let pem = Secret::new(fs::read(self.scene.stage.path("pki/partner-signing.key")).unwrap());
        let key = SigningKey::from_pem(&pem).unwrap();
        let mut parts = SignedParts::of_request(&self.real.method, self.real.field("host"), &self.real.target);
        for name in ["content-type", "authorization", "receipt-id", "content-digest"] {
            if name != left_out {
                parts.add(name, self.real.field(name).as_bytes()).unwrap();
            }
        }
        let created = UnixSeconds::new(now().get() - 10);
        let terms = SignatureTerms { created, expires: created.plus(lifetime_s), nonce: "n-1", tag };
        let MessageSignature { input, signature } = parts.sign(&key, &terms).unwrap();
        self.real.saying("signature-input", |_| input).saying("signature", |_| signature)
    }

    /// Requests that are wrong although the gateway's key signed them.
    fn wrongly_signed(&self) -> Vec<(&'static str, Captured)> {
        let without = |part| self.resigned(part, "portcullis", 300);
        vec![
            ("the content not signed", without("content-digest")),
            ("the token not signed", without("authorization")),
            ("the receipt not signed", without("receipt-id")),
            ("the media type not signed", without("content-type")),
            ("expired", self.resigned("nothing", "portcullis", 5)),
            ("signed for something else", self.resigned("nothing", "other", 300)),
        ]
    }

    /// The sample takes the real request and none of the others.
    #[track_caller]
    fn holds(&self, sample: &str, judge: impl Fn(&Path) -> Result<(), String>) {
        let real = self.file("request.json", &document(&self.real).to_string());
        assert_eq!(judge(&real), Ok(()), "{sample}: as it was sent");
        let anew = self.file("request.json", &document(&self.resigned("nothing", "portcullis", 300)).to_string());
        assert_eq!(judge(&anew), Ok(()), "{sample}: signed anew");
        for (what, request) in self.changed().into_iter().chain(self.wrongly_signed()) {
            let file = self.file("request.json", &document(&request).to_string());
            assert!(judge(&file).is_err(), "{sample}: {what}");
        }
    }
}

#[test]
fn the_samples_of_the_partners_page_take_what_was_sent_and_nothing_that_was_changed() {
    let ground = Ground::new();
    let python = ground.file("check.py", &sample("python"));
    let shell = ground.file("check.sh", &sample("sh"));
    let js = sample("js");
    ground.holds("Python", |request| judged(peers::python().arg(&python).arg(&ground.keys), request));
    ground.holds("JavaScript", |request| judged(peers::node().args(["-e", &js, "--"]).arg(&ground.keys), request));
    ground.holds("a shell", |request| judged(Command::new("bash").arg(&shell).arg(&ground.keys).arg(request), request));
}
