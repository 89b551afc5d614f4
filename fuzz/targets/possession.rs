//! Proofs of possession: only what the key that it brings has signed is one, and only if it says what it must.

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use portcullis::clock::UnixMillis;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::install_provider;
use portcullis::devkit::AppKey;
use portcullis::identity::DPOP;
use portcullis::identity::IdentityFault;
use portcullis::identity::IdentitySettings;
use portcullis::identity::Proof;
use portcullis::identity::Verifier;
use portcullis::model::PublicUrl;
use serde_json::Value;
use std::sync::LazyLock;

/// `@JWK@` stands for what only a run knows: the app's public key.
pub const WORDS: &[&str] = &[
    "@JWK@",
    "ES256",
    "HS256",
    "none",
    "dpop+jwt",
    "at+jwt",
    ",\"crit\":[\"b64\"]",
    ",\"kid\":\"a\"",
    "\"d\":\"AQAB\",",
    "\"use\":\"enc\",",
    "POST",
    "https://gateway.example",
    "/v1/doors/d-1/open",
    ":443",
    "%2D",
    "%2F",
    "/../",
    "/./",
    "?a#b",
    "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo",
    "1790000000",
    "1789999940",
    "1789999939",
    "1790000005",
    "1790000006",
    "null",
    "{}",
    "\"",
    ",",
    "\\u0061",
];

const NOW: u64 = 1_790_000_000;
const AGE: u64 = 60;
const SKEW: u64 = 5;
const PATH: &str = "/v1/doors/d-1/open";
/// RFC 9449 §7.1: this token, and its digest.
const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
const DIGEST: &str = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo";

struct World {
    app: AppKey,
    stranger: AppKey,
    verifier: Verifier,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    install_provider().unwrap();
    let public_url = PublicUrl::new("https://gateway.example").unwrap();
    let settings = IdentitySettings { issuers: vec![], clock_skew_s: SKEW, proof_age_s: AGE, public_url };
    let key = || AppKey::new(SigningAlgorithm::Es256).unwrap();
    World { app: key(), stranger: key(), verifier: Verifier::new(settings).unwrap() }
});

fn prove(proof: &str) -> Result<Proof, IdentityFault> {
    let fields = HeaderMap::from_iter([(DPOP, HeaderValue::from_str(proof).unwrap())]);
    WORLD.verifier.prove(&fields, &Method::POST, PATH, Some(TOKEN), UnixMillis::new(NOW * 1_000))
}

/// A header, a line feed and a payload, signed by the app's key and by a stranger's.
pub fn possession(data: &[u8]) -> bool {
    let world = &*WORLD;
    let Ok(written) = std::str::from_utf8(data) else { return false };
    let bare: Value = serde_json::from_str(&world.app.header("")).unwrap();
    let written = written.replace("@JWK@", &bare["jwk"].to_string());
    let Some((header, payload)) = written.split_once('\n') else { return false };
    let forged = world.stranger.sign_raw(header, payload.as_bytes()).unwrap();
    assert!(prove(&forged).is_err(), "signed by a stranger");
    let Ok(proof) = prove(&world.app.sign_raw(header, payload.as_bytes()).unwrap()) else { return false };

    assert_eq!(proof.key(), world.app.thumbprint());
    let header: Value = serde_json::from_str(header).expect("the header is JSON");
    assert_eq!(header.as_object().unwrap().len(), 3, "no other member: {header}");
    assert_eq!((header["typ"].as_str(), header["alg"].as_str()), (Some("dpop+jwt"), Some("ES256")));
    for (name, value) in header["jwk"].as_object().unwrap() {
        let own = bare["jwk"].get(name) == Some(value);
        let companion = matches!(name.as_str(), "kid" | "alg" | "use" | "key_ops" | "ext");
        assert!(own || companion, "{name} stands in the key: {header}");
    }
    let claims: Value = serde_json::from_str(payload).expect("the payload is JSON");
    assert!(claims["jti"].as_str().is_some_and(|id| !id.is_empty()), "{claims}");
    assert_eq!((claims["htm"].as_str(), claims["ath"].as_str()), (Some("POST"), Some(DIGEST)), "{claims}");
    let target = claims["htu"].as_str().expect("a target").to_ascii_lowercase();
    assert!(target.starts_with("https://gateway.example"), "{claims}");
    assert!(target.contains("open") || target.contains('%'), "{claims}");
    let time = |name: &str| claims[name].as_f64().expect("a time");
    #[expect(clippy::cast_precision_loss, reason = "these are far below 2⁵³")]
    let (now, age, skew) = (NOW as f64, AGE as f64, SKEW as f64);
    assert!(time("iat") >= now - age && time("iat") <= now + skew, "{claims}");
    assert!(claims.get("exp").is_none() || time("exp") > now, "{claims}");
    assert_eq!(proof.nonce().map(|nonce| nonce.expose()), claims.get("nonce").and_then(Value::as_str));
    true
}
