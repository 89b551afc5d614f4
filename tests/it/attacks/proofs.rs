//! The table: what can be wrong with a proof of possession, from the outside in.

use super::PATH;
use super::Row;
use super::Scene;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::encode_base64url;
use portcullis::crypto::sha256;
use portcullis::devkit::AppKey;
use portcullis::devkit::PUBLIC_URL;
use portcullis::devkit::TokenIssuer;
use serde_json::Value;
use serde_json::json;

const PASSES: (u16, &str) = (200, "done");
const INVALID: (u16, &str) = (401, "dpop-proof-invalid");
const NOT_TIMELY: (u16, &str) = (401, "dpop-not-timely");
const NOT_HIS: (u16, &str) = (401, "cnf-mismatch");
const MALFORMED: (u16, &str) = (401, "token-malformed");
const BINDING: (u16, &str) = (401, "token-binding");

const MAX_PROOF_BYTES: usize = 4 * 1024;
const PROOF_AGE: u64 = 60;
const SKEW: u64 = 5;

pub struct Rows<'s> {
    scene: &'s Scene,
    rows: Vec<Row>,
}

impl<'s> Rows<'s> {
    pub fn new(scene: &'s Scene) -> Self {
        Self { scene, rows: Vec::new() }
    }

    /// All rows.
    pub fn all(mut self) -> Vec<Row> {
        self.fields();
        self.schemes();
        self.form();
        self.types();
        self.header_members();
        self.algorithms();
        self.keys();
        self.signatures();
        self.missing_claims();
        self.malformed_claims();
        self.methods_and_targets();
        self.tokens();
        self.times();
        self.rows
    }

    fn request(&mut self, name: &str, authorization: &str, proofs: &[&str], (status, reason): (u16, &'static str)) {
        let proofs = proofs.iter().map(|proof| (*proof).to_owned()).collect();
        let (name, authorization) = (name.to_owned(), vec![authorization.to_owned()]);
        self.rows.push(Row { name, authorization, proofs, status, reason });
    }

    fn proof(&mut self, name: &str, proof: &str, becomes: (u16, &'static str)) {
        let authorization = format!("DPoP {}", self.scene.token);
        self.request(name, &authorization, &[proof], becomes);
    }

    /// The claims of a good proof.
    fn claims(&self) -> Value {
        let ath = encode_base64url(sha256(self.scene.token.as_bytes()).as_bytes());
        let jti = format!("row-{}", self.rows.len());
        json!({"jti": jti, "htm": "GET", "htu": format!("{PUBLIC_URL}{PATH}"), "iat": self.scene.now().get(), "ath": ath})
    }

    /// The header of a good proof.
    fn header(&self) -> Value {
        serde_json::from_str(&self.scene.app.header("")).unwrap()
    }

    fn signed(&self, header: &str, payload: &str) -> String {
        self.scene.app.sign_raw(header, payload.as_bytes()).unwrap()
    }

    /// Well signed, with this member of the header; `null` leaves it out.
    fn headed(&mut self, name: &str, member: &str, value: Value, becomes: (u16, &'static str)) {
        let mut header = self.header();
        match value {
            Value::Null => drop(header.as_object_mut().unwrap().remove(member)),
            value => header[member] = value,
        }
        let proof = self.signed(&header.to_string(), &self.claims().to_string());
        self.proof(name, &proof, becomes);
    }

    /// Well signed, with this member of the key.
    fn keyed(&mut self, name: &str, member: &str, value: Value, becomes: (u16, &'static str)) {
        let mut jwk = self.header()["jwk"].clone();
        match value {
            Value::Null => drop(jwk.as_object_mut().unwrap().remove(member)),
            value => jwk[member] = value,
        }
        self.headed(name, "jwk", jwk, becomes);
    }

    /// Well signed, with this claim; `null` leaves it out.
    fn claimed(&mut self, name: &str, claim: &str, value: Value, becomes: (u16, &'static str)) {
        let mut claims = self.claims();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(claim)),
            value => claims[claim] = value,
        }
        let proof = self.signed(&self.header().to_string(), &claims.to_string());
        self.proof(name, &proof, becomes);
    }

    /// Well signed, with this payload.
    fn paid(&mut self, name: &str, payload: &str, becomes: (u16, &'static str)) {
        let proof = self.signed(&self.header().to_string(), payload);
        self.proof(name, &proof, becomes);
    }

    fn fields(&mut self) {
        let scene = self.scene;
        let (authorization, proof) = (format!("DPoP {}", scene.token), scene.proof());
        self.request("no proof", &authorization, &[], (401, "dpop-missing"));
        self.request("an empty proof", &authorization, &[""], INVALID);
        self.request("the same proof twice", &authorization, &[&proof, &proof], INVALID);
        self.request("two proofs", &authorization, &[&proof, &scene.proof()], INVALID);
        self.request("two in one field", &authorization, &[&format!("{proof}, {proof}")], INVALID);
        self.request("a proof behind its scheme", &authorization, &[&format!("DPoP {proof}")], INVALID);
        self.request("the token as the proof", &authorization, &[&scene.token], INVALID);
        self.request("the proof as the token", &format!("DPoP {proof}"), &[&proof], MALFORMED);
        self.request("the proof as a bearer token", &format!("Bearer {proof}"), &[], MALFORMED);
        let both = format!("DPoP {}", scene.token);
        let bearer = format!("Bearer {}", scene.token);
        self.rows.push(Row {
            name: "both schemes".to_owned(),
            authorization: vec![both, bearer],
            proofs: vec![proof],
            status: MALFORMED.0,
            reason: MALFORMED.1,
        });
    }

    fn schemes(&mut self) {
        let scene = self.scene;
        let token = &scene.token;
        for scheme in ["Bearer", "bearer", "dpop", "DPOP", "Dpop", "DPoP ", "Basic", "PoP", "DPoP\t"] {
            let proof = scene.proof();
            self.request(&format!("scheme {scheme:?}"), &format!("{scheme} {token}"), &[&proof], MALFORMED);
        }
        self.request("a stolen token as a bearer token", &format!("Bearer {token}"), &[], MALFORMED);
        let of_certificate = scene.mint(&scene.claims());
        let proof = |token: &str| {
            scene.app.proof("GET", &format!("{PUBLIC_URL}{PATH}"), Some(token), None, scene.now()).unwrap()
        };
        let proven = proof(&of_certificate);
        self.request("bound to a certificate, as proven", &format!("DPoP {of_certificate}"), &[&proven], MALFORMED);
        self.request("a proof that nothing asks for", &format!("Bearer {of_certificate}"), &[&proven], INVALID);
        self.request("an empty one that nothing asks for", &format!("Bearer {of_certificate}"), &[""], INVALID);
        self.request("bound to a certificate", &format!("Bearer {of_certificate}"), &[], PASSES);
        let unbound = scene.mint(&scene.claims().without("cnf"));
        self.request("bound to nothing, and proven", &format!("DPoP {unbound}"), &[&proof(&unbound)], BINDING);
        let own = encode_base64url(scene.stage.pki.backend.parsed().unwrap().thumbprint.as_bytes());
        let other = encode_base64url(&[7; 32]);
        for (name, x5t, jkt, becomes) in [
            ("to both", own.as_str(), scene.app.jkt(), PASSES),
            ("to another's certificate and the key", other.as_str(), scene.app.jkt(), BINDING),
            ("to the certificate and another's key", own.as_str(), scene.thief.jkt(), NOT_HIS),
        ] {
            let cnf = portcullis::json::Object::from_iter([("x5t#S256", x5t), ("jkt", jkt)]);
            let token = scene.mint(&scene.claims().with("cnf", cnf));
            self.request(&format!("bound {name}"), &format!("DPoP {token}"), &[&proof(&token)], becomes);
        }
        let (first, rest) = scene.app.jkt().split_at(1);
        let changed = format!("{}{rest}", if first == "A" { "B" } else { "A" });
        for (name, jkt, becomes) in
            [("with another letter", changed.as_str(), NOT_HIS), ("a letter short", rest, MALFORMED)]
        {
            let cnf = portcullis::json::Object::from_iter([("jkt", jkt)]);
            let token = scene.mint(&scene.claims().with("cnf", cnf));
            self.request(&format!("jkt {name}"), &format!("DPoP {token}"), &[&proof(&token)], becomes);
        }
    }

    fn form(&mut self) {
        let good = self.scene.proof();
        let parts: Vec<&str> = good.split('.').collect();
        let (header, payload, signature) = (parts[0], parts[1], parts[2]);
        for (name, proof) in [
            ("a word", "proof".to_owned()),
            ("two points", "..".to_owned()),
            ("one part", header.to_owned()),
            ("two parts", format!("{header}.{payload}")),
            ("four parts", format!("{good}.{signature}")),
            ("no header", format!(".{payload}.{signature}")),
            ("no payload", format!("{header}..{signature}")),
            ("no signature", format!("{header}.{payload}.")),
            ("padded", format!("{good}=")),
            ("a blank behind a point", format!("{header}. {payload}.{signature}")),
            ("quoted", format!("\"{good}\"")),
            ("the other alphabet", format!("{header}.{payload}.+{}", signature.get(1..).unwrap())),
            ("stray bits", format!("{header}.{payload}.{}B", signature.get(..85).unwrap())),
        ] {
            self.proof(&format!("form: {name}"), &proof, INVALID);
        }
        for (name, bytes, becomes) in
            [("4 KiB", MAX_PROOF_BYTES, PASSES), ("4 KiB and a byte", MAX_PROOF_BYTES + 1, INVALID)]
        {
            let proof = self.of_length(bytes);
            self.proof(name, &proof, becomes);
        }
    }

    /// A good proof of so many bytes. Blanks in the header help where the payload's base64url cannot have the length.
    fn of_length(&self, bytes: usize) -> String {
        let made = (0..4).find_map(|blanks| {
            let header = format!("{}{}", " ".repeat(blanks), self.header());
            let mut claims = self.claims();
            claims["pad"] = json!("");
            let around = encode_base64url(header.as_bytes()).len() + 2 + 86;
            let room = ((bytes - around) * 3 / 4).checked_sub(claims.to_string().len())?;
            claims["pad"] = json!("x".repeat(room));
            let proof = self.signed(&header, &claims.to_string());
            (proof.len() == bytes).then_some(proof)
        });
        made.unwrap()
    }

    fn types(&mut self) {
        for typ in ["JWT", "at+jwt", "DPoP+jwt", "dpop+JWT", "application/dpop+jwt", "dpop", "", "dpop+jwt "] {
            self.headed(&format!("typ {typ:?}"), "typ", json!(typ), INVALID);
        }
        self.headed("no typ", "typ", Value::Null, INVALID);
        self.headed("typ is a list", "typ", json!(["dpop+jwt"]), INVALID);
    }

    fn header_members(&mut self) {
        for (member, value) in [
            ("kid", json!("own")),
            ("crit", json!(["exp"])),
            ("b64", json!(true)),
            ("zip", json!("DEF")),
            ("jku", json!("https://attacker.example/keys")),
            ("x5u", json!("https://attacker.example/chain")),
            ("x5c", json!(["MIIB"])),
            ("cty", json!("JWT")),
            ("nonce", json!("n")),
            ("unknown", json!(1)),
        ] {
            self.headed(&format!("header with {member}"), member, value, INVALID);
        }
        let (header, claims) = (self.scene.app.header(""), self.claims().to_string());
        for (name, header) in [
            ("twice alg", self.scene.app.header(r#","alg":"none""#)),
            ("twice jwk", self.scene.app.header(r#","jwk":{}"#)),
            ("a list", format!("[{header}]")),
            ("something behind", format!("{header}x")),
            ("a comma behind the last", header.replacen("}}", "},}", 1)),
            ("a byte order mark", format!("\u{feff}{header}")),
            ("an empty object", "{}".to_owned()),
        ] {
            let proof = self.signed(&header, &claims);
            self.proof(&format!("header: {name}"), &proof, INVALID);
        }
    }

    fn algorithms(&mut self) {
        for alg in [
            "none", "None", "HS256", "HS512", "RS256", "PS256", "ES384", "ES512", "ES256K", "EdDSA", "Ed25519",
            "es256", "",
        ] {
            self.headed(&format!("alg {alg:?}"), "alg", json!(alg), INVALID);
        }
        self.headed("no alg", "alg", Value::Null, INVALID);
        self.headed("alg is a number", "alg", json!(256), INVALID);
    }

    fn keys(&mut self) {
        self.headed("no key", "jwk", Value::Null, INVALID);
        for (name, key) in [
            ("text", json!("key")),
            ("list", json!([self.header()["jwk"]])),
            ("empty", json!({})),
            ("a secret", json!({"kty": "oct", "k": "c2VjcmV0"})),
            ("a key by reference", json!({"kid": "own"})),
        ] {
            self.headed(&format!("key: {name}"), "jwk", key, INVALID);
        }
        for (name, member, value) in [
            ("of another kind", "kty", json!("OKP")),
            ("of no kind", "kty", Value::Null),
            ("on another curve", "crv", json!("P-384")),
            ("on no curve", "crv", Value::Null),
            ("without y", "y", Value::Null),
            ("off the curve", "y", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
            ("with a short x", "x", json!("AAAA")),
            ("with its private part", "d", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE")),
            ("with an empty private part", "d", json!("")),
            ("with a secret", "k", json!("c2VjcmV0")),
            ("for encrypting", "use", json!("enc")),
            ("for signing alone", "key_ops", json!(["sign"])),
            ("of another algorithm", "alg", json!("ES384")),
        ] {
            self.keyed(&format!("key {name}"), member, value, INVALID);
        }
        // A thief's own key, with a signature that fits it; and the victim's key, with the thief's signature.
        let scene = self.scene;
        let url = format!("{PUBLIC_URL}{PATH}");
        for algorithm in SigningAlgorithm::ALL {
            let thief = AppKey::new(algorithm).unwrap();
            let own = thief.proof("GET", &url, Some(&scene.token), None, scene.now()).unwrap();
            self.proof(&format!("a thief's own key, {}", algorithm.name()), &own, NOT_HIS);
            let forged = thief.sign_raw(&scene.app.header(""), self.claims().to_string().as_bytes()).unwrap();
            self.proof(&format!("a thief's signature, {}", algorithm.name()), &forged, INVALID);
        }
        let issuers = TokenIssuer::new("https://login.prop.example", SigningAlgorithm::Es256).unwrap();
        let header = scene.app.header("");
        let forged = issuers.mint_raw(&header, &self.claims().to_string()).unwrap();
        self.proof("an issuer's signature", &forged, INVALID);
    }

    fn signatures(&mut self) {
        let good = self.scene.proof();
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let own = portcullis::crypto::decode_base64url(signature).unwrap();
        let (r, s) = own.split_at(32);
        let zero = [0; 32];
        for (name, bytes) in [
            ("zeros", vec![0; 64]),
            ("r is zero", [&zero[..], s].concat()),
            ("s is zero", [r, &zero[..]].concat()),
            ("exchanged", [s, r].concat()),
            ("a byte short", own[..63].to_vec()),
            ("a byte more", [&own[..], &[0]].concat()),
            ("twice", [&own[..], &own].concat()),
        ] {
            self.proof(&format!("signature: {name}"), &format!("{signed}.{}", encode_base64url(&bytes)), INVALID);
        }
        let other = self.scene.proof();
        let (_, of_other) = other.rsplit_once('.').unwrap();
        self.proof("signature of another proof", &format!("{signed}.{of_other}"), INVALID);
    }

    fn missing_claims(&mut self) {
        for claim in ["jti", "htm", "htu", "iat", "ath"] {
            self.claimed(&format!("no {claim}"), claim, Value::Null, INVALID);
        }
    }

    fn malformed_claims(&mut self) {
        for claim in ["jti", "htm", "htu", "iat", "ath"] {
            for (name, value) in [("a list", json!(["x"])), ("true", json!(true)), ("an object", json!({}))] {
                self.claimed(&format!("{claim} is {name}"), claim, value, INVALID);
            }
        }
        for (name, claim, value) in [
            ("jti is empty", "jti", json!("")),
            ("jti is a number", "jti", json!(1)),
            ("jti of 256 bytes", "jti", json!("j".repeat(256))),
            ("jti with a control character", "jti", json!("a\u{0}b")),
            ("iat is text", "iat", json!("1790000000")),
            ("iat is a fraction", "iat", json!(1_790_000_000.5)),
            ("iat is negative", "iat", json!(-1)),
            ("htm is empty", "htm", json!("")),
            ("htu is empty", "htu", json!("")),
        ] {
            self.claimed(name, claim, value, INVALID);
        }
        let good = self.claims().to_string();
        for (name, payload) in [
            ("a list", format!("[{good}]")),
            ("an empty object", "{}".to_owned()),
            ("something behind", format!("{good} x")),
            ("cut off", good.trim_end_matches('}').to_owned()),
            ("twice htu", good.replacen('{', r#"{"htu":"https://other.example/","#, 1)),
            ("twice htm, once in disguise", good.replacen('{', r#"{"ht\u006d":"POST","#, 1)),
            ("twice iat", good.replacen('{', r#"{"iat":1,"#, 1)),
            ("a lone surrogate", good.replacen('{', r#"{"x":"\ud800","#, 1)),
        ] {
            self.paid(&format!("payload: {name}"), &payload, INVALID);
        }
    }

    fn methods_and_targets(&mut self) {
        for method in ["POST", "get", "Get", "GET ", "HEAD", "*"] {
            self.claimed(&format!("htm {method:?}"), "htm", json!(method), INVALID);
        }
        let url = format!("{PUBLIC_URL}{PATH}");
        for (name, target, becomes) in [
            ("another door", url.replace("door-1", "door-2"), INVALID),
            ("another house", url.replace("house-1", "house-2"), INVALID),
            ("another host", url.replace("gateway.", "other."), INVALID),
            ("a host that ends alike", url.replace("https://gateway", "https://evil-gateway"), INVALID),
            ("a host behind it", url.replace(".example", ".example.attacker.example"), INVALID),
            ("a host before it", url.replace("https://", "https://attacker.example@"), INVALID),
            ("another scheme", url.replace("https", "http"), INVALID),
            ("another port", url.replace(".example/", ".example:8443/"), INVALID),
            ("its own port", url.replace(".example/", ".example:443/"), PASSES),
            ("upper case in scheme and host", url.replace("https://gateway", "HTTPS://GATEWAY"), PASSES),
            ("upper case in the path", url.replace("/v1/", "/V1/"), INVALID),
            ("a slash behind", format!("{url}/"), INVALID),
            ("two slashes", url.replace("/v1/", "//v1/"), INVALID),
            ("a longer path", format!("{url}/more"), INVALID),
            ("a shorter path", url.trim_end_matches("/status").to_owned(), INVALID),
            ("the path alone", PATH.to_owned(), INVALID),
            ("the origin alone", PUBLIC_URL.to_owned(), INVALID),
            ("the authority that was called", url.replace("gateway.prop", "smarthome.gateway.prop"), INVALID),
            ("with a query, which does not count", format!("{url}?a=b"), PASSES),
            ("no URL", "door-1".to_owned(), INVALID),
            ("a blank before", format!(" {url}"), INVALID),
            ("a blank behind", format!("{url} "), INVALID),
        ] {
            self.claimed(&format!("htu: {name}"), "htu", json!(target), becomes);
        }
    }

    fn tokens(&mut self) {
        let scene = self.scene;
        let digest = |text: &str| encode_base64url(sha256(text.as_bytes()).as_bytes());
        let other = scene.mint(&scene.claims().bound_to(&scene.app));
        for (name, ath) in [
            ("of another token of the same key", digest(&other)),
            ("of the whole field", digest(&format!("DPoP {}", scene.token))),
            ("of nothing", digest("")),
            ("padded", format!("{}=", digest(&scene.token))),
            ("in upper case", digest(&scene.token).to_uppercase()),
            ("empty", String::new()),
            ("the token itself", scene.token.get(..200).unwrap().to_owned()),
        ] {
            self.claimed(&format!("ath {name}"), "ath", json!(ath), INVALID);
        }
        let of_thief = scene.mint(&scene.claims().bound_to(&scene.thief));
        let url = format!("{PUBLIC_URL}{PATH}");
        let proof = scene.app.proof("GET", &url, Some(&of_thief), None, scene.now()).unwrap();
        self.request("another's token with one's own key", &format!("DPoP {of_thief}"), &[&proof], NOT_HIS);
    }

    fn times(&mut self) {
        let now = self.scene.now().get();
        for (name, claim, time, becomes) in [
            ("made as long ago as may be", "iat", now - PROOF_AGE, PASSES),
            ("made a second earlier", "iat", now - PROOF_AGE - 1, NOT_TIMELY),
            ("made in 1970", "iat", 0, NOT_TIMELY),
            ("made as far ahead as clocks may differ", "iat", now + SKEW, PASSES),
            ("made a second later", "iat", now + SKEW + 1, NOT_TIMELY),
            ("made in milliseconds", "iat", now * 1_000, NOT_TIMELY),
            ("good for a second more", "exp", now + 1, PASSES),
            ("good until now", "exp", now, NOT_TIMELY),
            ("good from as far ahead as clocks may differ", "nbf", now + SKEW, PASSES),
            ("good from a second later", "nbf", now + SKEW + 1, NOT_TIMELY),
        ] {
            self.claimed(name, claim, json!(time), becomes);
        }
    }
}
