//! Tokens: only what the right key has signed is accepted, and only if it says what it must.

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header::AUTHORIZATION;
use portcullis::clock::UnixSeconds;
use portcullis::crypto::Algorithm;
use portcullis::crypto::ClientTrust;
use portcullis::crypto::Jws;
use portcullis::crypto::KeySet;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::Standing;
use portcullis::crypto::encode_base64url;
use portcullis::crypto::install_provider;
use portcullis::devkit::Pki;
use portcullis::devkit::TokenIssuer;
use portcullis::identity::Bind;
use portcullis::identity::Caller;
use portcullis::identity::IdentityFault;
use portcullis::identity::IdentitySettings;
use portcullis::identity::IssuerSettings;
use portcullis::identity::Peer;
use portcullis::identity::TokenDemand;
use portcullis::identity::TokenKind;
use portcullis::identity::TokenRules;
use portcullis::identity::Verifier;
use portcullis::model::PublicUrl;
use serde_json::Value;
use std::sync::Arc;
use std::sync::LazyLock;

/// `@KID@` and `@X5T@` stand for what only a run knows: the issuer's key and the peer's certificate.
pub const WORDS: &[&str] = &[
    "@KID@",
    "@X5T@",
    "ES256",
    "RS256",
    "HS256",
    "none",
    "at+jwt",
    "JWT",
    ",\"crit\":[\"b64\"]",
    ",\"jwk\":{}",
    "https://sessions.example",
    "https://gateway.example",
    "1790000000",
    "1790000300",
    "1789999999",
    "1790000006",
    "null",
    "[]",
    "{}",
    "\"",
    ",",
    "\\u0061",
];

const NOW: UnixSeconds = UnixSeconds::new(1_790_000_000);
const LIFETIME: u64 = 300;
const SKEW: u64 = 5;
const AUDIENCE: &str = "https://gateway.example";
const ISSUER: &str = "https://sessions.example";

/// A peer, the issuer that is trusted, and one that says it were it.
struct World {
    peer: Peer,
    issuer: TokenIssuer,
    stranger: TokenIssuer,
    verifier: Verifier,
    /// A good token.
    good: String,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    install_provider().unwrap();
    let pki = Pki::new(NOW).unwrap();
    let trust = Arc::new(ClientTrust::new(vec![pki.backend_authority.root()], Vec::new()).unwrap());
    let standing = Arc::new(Standing::new(trust, &[pki.backend.der()]).unwrap());
    let peer = Peer::of(Arc::new(pki.backend.parsed().unwrap()), standing).unwrap();
    let issuer = TokenIssuer::new(ISSUER, SigningAlgorithm::Es256).unwrap();
    let stranger = TokenIssuer::new(ISSUER, SigningAlgorithm::Es256).unwrap();
    let settings = IssuerSettings {
        issuer: ISSUER.to_owned(),
        keys: Arc::new(KeySet::parse(issuer.jwks().as_bytes()).unwrap()).into(),
        audience: AUDIENCE.to_owned(),
        algorithms: Algorithm::ALL.to_vec(),
        max_lifetime_s: LIFETIME,
        bind: Bind::ALL.to_vec(),
        kind: TokenKind::Session,
        rules: TokenRules::default(),
    };
    let public_url = PublicUrl::new(AUDIENCE).unwrap();
    let settings = IdentitySettings { issuers: vec![settings], clock_skew_s: SKEW, proof_age_s: 60, public_url };
    let verifier = Verifier::new(settings).unwrap();
    let claims = issuer.claims(AUDIENCE, "ivanov", &peer.certificate().thumbprint, NOW, LIFETIME);
    let good = issuer.mint(&claims.acted_by(peer.name())).unwrap();
    World { peer, issuer, stranger, verifier, good }
});

impl World {
    fn verify(&self, token: &str) -> Result<Caller, IdentityFault> {
        let mut fields = HeaderMap::new();
        fields.append(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
        self.verifier.verify(&self.peer, &fields, &Method::POST, "/", TokenDemand::Session, None, NOW)
    }
}

/// A header, a line feed and a payload, signed by the right key and by a stranger's.
pub fn token(data: &[u8]) -> bool {
    let world = &*WORLD;
    let Ok(written) = std::str::from_utf8(data) else { return false };
    let bound = encode_base64url(world.peer.certificate().thumbprint.as_bytes());
    let written = written.replace("@KID@", world.issuer.key().kid()).replace("@X5T@", &bound);
    let Some((header, payload)) = written.split_once('\n') else { return false };
    let forged = world.stranger.mint_raw(header, payload).unwrap();
    assert!(world.verify(&forged).is_err(), "signed by a stranger");
    let Ok(caller) = world.verify(&world.issuer.mint_raw(header, payload).unwrap()) else { return false };

    let header: Value = serde_json::from_str(header).expect("the header is JSON");
    assert_eq!(header.as_object().unwrap().len(), 3, "no other member: {header}");
    assert_eq!((header["alg"].as_str(), header["kid"].as_str()), (Some("ES256"), Some(world.issuer.key().kid())));
    assert!(matches!(header["typ"].as_str(), Some("at+jwt" | "application/at+jwt")), "{header}");
    let claims: Value = serde_json::from_str(payload).expect("the payload is JSON");
    let is_text = |name: &str| claims[name].as_str().is_some_and(|text| !text.is_empty());
    assert!(["sub", "jti", "client_id"].into_iter().all(is_text), "{claims}");
    assert_eq!(claims["iss"], ISSUER);
    let ours = |audience: &Value| audience == AUDIENCE;
    assert!(ours(&claims["aud"]) || claims["aud"].as_array().is_some_and(|all| all.iter().any(ours)), "{claims}");
    let time = |name: &str| claims[name].as_f64().expect("a time");
    #[expect(clippy::cast_precision_loss, reason = "these are far below 2⁵³")]
    let (now, lifetime, skew) = (NOW.get() as f64, LIFETIME as f64, SKEW as f64);
    assert!(time("exp") > now && time("iat") <= now + skew, "{claims}");
    assert!(time("exp") > time("iat") && time("exp") - time("iat") <= lifetime, "{claims}");
    assert!(claims.get("nbf").is_none() || time("nbf") <= now + skew, "{claims}");
    assert_eq!(claims["cnf"], serde_json::json!({"x5t#S256": bound}));
    assert_eq!(caller.token().and_then(|token| token.claim("sub")), claims["sub"].as_str());
    true
}

/// A good token with bits turned: of each three bytes two say where, and one which. Only the good one is accepted.
pub fn forgery(data: &[u8]) -> bool {
    let world = &*WORLD;
    let mut bytes = world.good.clone().into_bytes();
    for chunk in data.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([chunk[0], chunk[1]])) % bytes.len();
        bytes[at] ^= chunk[2];
    }
    let same = bytes == world.good.as_bytes();
    // What is no field of HTTP never came this far.
    let Ok(token) = String::from_utf8(bytes) else { return false };
    if HeaderValue::from_str(&token).is_err() {
        return false;
    }
    assert_eq!(world.verify(&token).is_ok(), same, "{}", if same { "the good one" } else { "a forged one" });
    same
}

/// The compact form: there is one spelling of each token.
pub fn jws(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(jws) = Jws::split(text) else { return false };
    let (signed, signature) = text.rsplit_once('.').expect("a signature");
    assert_eq!(signed, format!("{}.{}", encode_base64url(jws.header()), encode_base64url(jws.payload())));
    assert!(!signature.contains(['.', '=', '+', '/']), "another alphabet");
    true
}
