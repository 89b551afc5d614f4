//! Proofs of possession (RFC 9449): the published ones, and each thing that makes one worth nothing.

use super::AUDIENCE;
use super::LIFETIME;
use super::NOW;
use super::PATH;
use super::PROOF_AGE;
use super::SKEW;
use super::World;
use super::all;
use super::number;
use super::settings;
use super::verified;
use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::crypto::SigningAlgorithm;
use crate::crypto::encode_base64url;
use crate::crypto::sha256;
use crate::devkit::AppKey;
use crate::devkit::TokenClaims;
use crate::identity::Bind;
use crate::identity::Caller;
use crate::identity::DPOP;
use crate::identity::IdentityFault;
use crate::identity::IdentitySettings;
use crate::identity::IssuerSettings;
use crate::identity::Proof;
use crate::identity::TokenDemand;
use crate::identity::TokenKind;
use crate::identity::Verifier;
use crate::json::Object;
use crate::json::Value;
use crate::model::PublicUrl;
use http::HeaderMap;
use http::Method;
use http::header::AUTHORIZATION;

/// What the requests of these tests ask for.
const URL: &str = "https://gateway.example/v1/houses/h-1/doors/d-1/open";

/// The header of both published proofs (RFC 9449 §5 and §7.1).
const PUBLISHED: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19";
const PUBLISHED_JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
const PUBLISHED_TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";

fn proven(
    public_url: &str,
    proof: &str,
    method: &Method,
    path: &str,
    token: Option<&str>,
    now: u64,
) -> Result<Proof, IdentityFault> {
    let public_url = PublicUrl::new(public_url).unwrap();
    let settings = IdentitySettings { issuers: vec![], clock_skew_s: SKEW, proof_age_s: PROOF_AGE, public_url };
    let fields = HeaderMap::from_iter([(DPOP, proof.parse().unwrap())]);
    Verifier::new(settings).unwrap().prove(&fields, method, path, token, UnixMillis::new(now * 1_000))
}

#[test]
fn the_published_proofs_are_proofs_of_the_published_key_for_what_they_name_and_then() {
    let of_token = format!(
        "{PUBLISHED}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
    );
    let at_resource = format!(
        "{PUBLISHED}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
    );
    let key = |proof: &Proof| encode_base64url(proof.key().as_bytes());

    let server = "https://server.example.com";
    let proof = proven(server, &of_token, &Method::POST, "/token", None, 1_562_262_616).unwrap();
    assert_eq!((key(&proof).as_str(), proof.issued_at()), (PUBLISHED_JKT, UnixSeconds::new(1_562_262_616)));
    assert_eq!((proof.id(), proof.nonce()), (sha256(b"-BwC3ESc6acc2lTc"), None));

    let resource = "https://resource.example.org";
    let at = |token, now| proven(resource, &at_resource, &Method::GET, "/protectedresource", token, now);
    let proof = at(Some(PUBLISHED_TOKEN), 1_562_262_618).unwrap();
    assert_eq!((key(&proof).as_str(), proof.id()), (PUBLISHED_JKT, sha256(b"e1j3V_bKic8-LAEB")));

    let late = 1_562_262_618 + PROOF_AGE;
    assert_eq!(at(Some(PUBLISHED_TOKEN), late).err(), None);
    assert_eq!(at(Some(PUBLISHED_TOKEN), late + 1).err(), Some(IdentityFault::ProofTooOld));
    assert_eq!(at(Some("another"), late).err(), Some(IdentityFault::ProofOfAnotherToken));
    assert_eq!(at(None, late).err(), Some(IdentityFault::ProofOfAnotherToken));
    let elsewhere = |url, method, path| proven(url, &of_token, &method, path, None, 1_562_262_616).err();
    for (url, method, path) in [
        (resource, Method::POST, "/token"),
        (server, Method::PUT, "/token"),
        (server, Method::POST, "/token/"),
        (server, Method::POST, "/Token"),
    ] {
        assert_eq!(elsewhere(url, method.clone(), path), Some(IdentityFault::ProofElsewhere), "{url} {method} {path}");
    }
}

#[test]
fn every_changed_character_of_a_proof_is_noticed() {
    let app = AppKey::new(SigningAlgorithm::Es256).unwrap();
    let good = app.proof("POST", URL, None, None, NOW).unwrap();
    let proven = |proof: &str| proven(AUDIENCE, proof, &Method::POST, PATH, None, NOW.get());
    assert!(proven(&good).is_ok());
    for place in 0..good.len() {
        let mut changed = good.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(proven(&changed).is_err(), "character {place}");
    }
}

/// The usual world with an app's key, and a session token that is bound to it.
struct Scene {
    world: World,
    app: AppKey,
    token: String,
}

impl Scene {
    fn new(algorithm: SigningAlgorithm) -> Self {
        let (world, app) = (World::new(), AppKey::new(algorithm).unwrap());
        let token = world.session.mint(&world.claims().bound_to(&app)).unwrap();
        Self { world, app, token }
    }

    fn verdict(&self, authorization: &str, proofs: &[&str]) -> Result<Caller, IdentityFault> {
        let mut fields = HeaderMap::from_iter([(AUTHORIZATION, authorization.parse().unwrap())]);
        for proof in proofs {
            fields.append(DPOP, proof.parse().unwrap());
        }
        verified(&self.world.verifier, &self.world.peer, &fields, TokenDemand::Session, NOW)
    }

    fn fault(&self, proofs: &[&str]) -> Option<IdentityFault> {
        self.verdict(&format!("DPoP {}", self.token), proofs).err()
    }

    fn good(&self) -> String {
        self.app.proof("POST", URL, Some(&self.token), None, NOW).unwrap()
    }

    /// What becomes of a proof with claims that `change` made of the good ones.
    fn claiming<R>(&self, change: impl FnOnce(&mut Object) -> R) -> Option<IdentityFault> {
        let mut claims = AppKey::claims("POST", URL, Some(&self.token), None, NOW);
        let _before = change(&mut claims);
        self.fault(&[&self.app.sign(&self.app.header(""), &claims).unwrap()])
    }

    /// What becomes of good claims under another header.
    fn headed(&self, header: &str) -> Option<IdentityFault> {
        let claims = AppKey::claims("POST", URL, Some(&self.token), None, NOW);
        self.fault(&[&self.app.sign(header, &claims).unwrap()])
    }
}

#[test]
fn a_token_that_is_bound_to_a_key_is_good_beside_a_proof_of_it_whoever_relays_it() {
    for algorithm in SigningAlgorithm::ALL {
        let scene = Scene::new(algorithm);
        let caller = scene.verdict(&format!("DPoP {}", scene.token), &[&scene.good()]).unwrap();
        let proof = caller.proof().unwrap();
        assert_eq!((proof.key(), proof.issued_at()), (scene.app.thumbprint(), NOW));
        assert_eq!(scene.fault(&[]), Some(IdentityFault::ProofMissing));
        assert_eq!(scene.fault(&[&scene.good(), &scene.good()]), Some(IdentityFault::ProofRepeated));
        let bearer = format!("Bearer {}", scene.token);
        assert_eq!(scene.verdict(&bearer, &[]).err(), Some(IdentityFault::Scheme), "a stolen one is no bearer token");
        assert_eq!(scene.verdict(&bearer, &[&scene.good()]).err(), Some(IdentityFault::Scheme));
    }
}

#[test]
fn a_stolen_token_is_nothing_without_its_key() {
    let scene = Scene::new(SigningAlgorithm::Es256);
    for algorithm in SigningAlgorithm::ALL {
        let thief = AppKey::new(algorithm).unwrap();
        let proof = thief.proof("POST", URL, Some(&scene.token), None, NOW).unwrap();
        assert_eq!(scene.fault(&[&proof]), Some(IdentityFault::BoundToAnotherKey));
        // The victim's public key is no secret; its signature is.
        let claims = AppKey::claims("POST", URL, Some(&scene.token), None, NOW);
        let forged = thief.sign(&scene.app.header(""), &claims).unwrap();
        assert_eq!(scene.fault(&[&forged]), Some(IdentityFault::ProofSignature));
    }
}

#[test]
fn a_token_that_names_a_certificate_and_a_key_takes_both() {
    let scene = Scene::new(SigningAlgorithm::Es256);
    let World { session, peer, .. } = &scene.world;
    let ours = encode_base64url(peer.certificate().thumbprint.as_bytes());
    let other = encode_base64url(sha256(b"another").as_bytes());
    let fault = |x5t: &str, jkt: &str| {
        let cnf = Object::from_iter([("x5t#S256", x5t), ("jkt", jkt)]);
        let token = session.mint(&scene.world.claims().with("cnf", cnf)).unwrap();
        let proof = scene.app.proof("POST", URL, Some(&token), None, NOW).unwrap();
        scene.verdict(&format!("DPoP {token}"), &[&proof]).err()
    };
    assert_eq!(fault(&ours, scene.app.jkt()), None);
    assert_eq!(fault(&other, scene.app.jkt()), Some(IdentityFault::BoundToAnother));
    assert_eq!(fault(&ours, &other), Some(IdentityFault::BoundToAnotherKey));
}

#[test]
fn an_issuer_binds_its_tokens_by_what_it_may_and_by_nothing_else() {
    let mut scene = Scene::new(SigningAlgorithm::Es256);
    let of_key = format!("DPoP {}", scene.token);
    let of_certificate = format!("Bearer {}", scene.world.session.mint(&scene.world.claims()).unwrap());
    let proof = scene.good();
    for (bind, key, certificate) in [
        (vec![Bind::Mtls, Bind::Dpop], None, None),
        (vec![Bind::Mtls], Some(IdentityFault::BindingNotAllowed), None),
        (vec![Bind::Dpop], None, Some(IdentityFault::BindingNotAllowed)),
    ] {
        let issuer = IssuerSettings { bind, ..settings(&scene.world.session, TokenKind::Session) };
        scene.world.verifier = Verifier::new(all(vec![issuer])).unwrap();
        assert_eq!(scene.verdict(&of_key, &[&proof]).err(), key);
        assert_eq!(scene.verdict(&of_certificate, &[]).err(), certificate);
    }
}

#[test]
fn a_proof_that_nothing_asks_for_is_refused() {
    let scene = Scene::new(SigningAlgorithm::Es256);
    let token = scene.world.session.mint(&scene.world.claims()).unwrap();
    let proof = scene.app.proof("POST", URL, Some(&token), None, NOW).unwrap();
    assert_eq!(scene.verdict(&format!("Bearer {token}"), &[]).err(), None);
    assert_eq!(scene.verdict(&format!("Bearer {token}"), &[&proof]).err(), Some(IdentityFault::ProofUnasked));
    assert_eq!(scene.verdict(&format!("Bearer {token}"), &[""]).err(), Some(IdentityFault::ProofUnasked));
    assert_eq!(scene.verdict(&format!("DPoP {token}"), &[&proof]).err(), Some(IdentityFault::Scheme));
    let unbound = scene.world.session.mint(&scene.world.claims().without("cnf")).unwrap();
    for scheme in ["DPoP", "Bearer"] {
        let fault = scene.verdict(&format!("{scheme} {unbound}"), &[&proof]).err();
        assert_eq!(fault, Some(IdentityFault::Unbound), "{scheme}");
    }
}

#[test]
fn a_proof_is_for_one_method_one_url_and_one_token() {
    let scene = Scene::new(SigningAlgorithm::EdDsa);
    assert_eq!(scene.claiming(|_| {}), None);
    for method in ["GET", "post", "POST ", "PUT"] {
        let fault = scene.claiming(|claims| claims.insert("htm", method));
        assert_eq!(fault, Some(IdentityFault::ProofElsewhere), "{method}");
    }
    for good in [URL.replace("https://g", "HTTPS://G"), URL.replace(".example", ".example:443"), format!("{URL}?a=b#c")]
    {
        assert_eq!(scene.claiming(|claims| claims.insert("htu", good.as_str())), None, "{good}");
    }
    for bad in
        [URL.replace("d-1", "d-2"), URL.replace("https", "http"), format!("{URL}/"), String::new(), PATH.to_owned()]
    {
        let fault = scene.claiming(|claims| claims.insert("htu", bad.as_str()));
        assert_eq!(fault, Some(IdentityFault::ProofElsewhere), "{bad}");
    }
    let other = scene.world.session.mint(&scene.world.claims().bound_to(&scene.app)).unwrap();
    let ath = |text: &str| encode_base64url(sha256(text.as_bytes()).as_bytes());
    for bad in [ath(&other), ath(&format!("DPoP {}", scene.token)), format!("{}=", ath(&scene.token)), "x".to_owned()] {
        let fault = scene.claiming(|claims| claims.insert("ath", bad.as_str()));
        assert_eq!(fault, Some(IdentityFault::ProofOfAnotherToken), "{bad}");
    }
    let proof = scene.app.proof("POST", URL, None, None, NOW).unwrap();
    assert_eq!(scene.fault(&[&proof]), Some(IdentityFault::ProofOfAnotherToken), "without `ath`");
}

#[test]
fn a_proof_is_good_for_a_moment() {
    let scene = Scene::new(SigningAlgorithm::EdDsa);
    let at = |name: &'static str, seconds: u64| scene.claiming(|claims| claims.insert(name, number(seconds)));
    let now = NOW.get();
    assert_eq!(at("iat", now - PROOF_AGE), None);
    assert_eq!(at("iat", now - PROOF_AGE - 1), Some(IdentityFault::ProofTooOld));
    assert_eq!(at("iat", 0), Some(IdentityFault::ProofTooOld));
    assert_eq!(at("iat", now + SKEW), None);
    assert_eq!(at("iat", now + SKEW + 1), Some(IdentityFault::ProofInFuture));
    assert_eq!(at("iat", 9_007_199_254_740_991), Some(IdentityFault::ProofInFuture));
    assert_eq!(at("exp", now + 1), None);
    assert_eq!(at("exp", now), Some(IdentityFault::ProofTooOld));
    assert_eq!(at("nbf", now + SKEW), None);
    assert_eq!(at("nbf", now + SKEW + 1), Some(IdentityFault::ProofInFuture));
}

#[test]
fn a_proofs_claims_are_there_and_of_their_type_and_strict_json() {
    let scene = Scene::new(SigningAlgorithm::EdDsa);
    for name in ["jti", "htm", "htu", "iat"] {
        let without = |claims: &mut Object| {
            *claims = claims
                .iter()
                .filter(|(known, _)| *known != name)
                .map(|(known, value)| (known, value.clone()))
                .collect();
        };
        assert_eq!(scene.claiming(without), Some(IdentityFault::ProofClaims), "{name}");
        for value in [Value::Null, vec![Value::from("x")].into(), true.into()] {
            let fault = scene.claiming(|claims| claims.insert(name, value.clone()));
            assert_eq!(fault, Some(IdentityFault::ProofClaims), "{name} {value:?}");
        }
    }
    for (name, value) in [
        ("jti", Value::from("")),
        ("jti", "j".repeat(256).into()),
        ("jti", "a\nb".into()),
        ("iat", "1790000000".into()),
        ("nonce", Value::Null),
        ("ath", number(1)),
        ("htu", "u".repeat(8 * 1024 + 1).into()),
    ] {
        let fault = scene.claiming(|claims| claims.insert(name, value.clone()));
        // The longest is not even looked at.
        let expected = if name == "htu" { IdentityFault::ProofMalformed } else { IdentityFault::ProofClaims };
        assert_eq!(fault, Some(expected), "{name}");
    }
    assert_eq!(scene.claiming(|claims| claims.insert("jti", "j".repeat(255))), None);
    assert_eq!(scene.claiming(|claims| claims.insert("nonce", "anything")), None, "a nonce is the guard's to judge");
    assert_eq!(scene.claiming(|claims| claims.insert("other", vec![number(1), Value::Null])), None);

    let raw = |payload: &str| scene.fault(&[&scene.app.sign_raw(&scene.app.header(""), payload.as_bytes()).unwrap()]);
    for bad in [
        "{}",
        "[]",
        "null",
        r#"{"jti":"a","jti":"b"}"#,
        r#"{"jti":"a","htm":"POST","htu":"https://gateway.example/","iat":1790000000.5}"#,
        r#"{"jti":"a","htm":"POST","htu":"https://gateway.example/","iat":1790000000,}"#,
        r#"{"jti":"a","htm":"POST","htu":"https://gateway.example/","iat":-1}"#,
    ] {
        assert_eq!(raw(bad), Some(IdentityFault::ProofClaims), "{bad}");
    }
}

#[test]
fn a_proofs_header_has_typ_alg_and_a_public_key_and_nothing_else() {
    let scene = Scene::new(SigningAlgorithm::Es256);
    let good = scene.app.header("");
    assert_eq!(scene.headed(&good), None);
    for more in [
        r#","kid":"a""#,
        r#","crit":["exp"]"#,
        r#","b64":true"#,
        r#","jku":"https://a.example""#,
        r#","x5c":["MII"]"#,
        r#","cty":"JWT""#,
        r#","alg":"ES256""#,
        r#","\u0061lg":"ES256""#,
        r#","jwk":{}"#,
        "} ,{",
    ] {
        assert_eq!(scene.headed(&scene.app.header(more)), Some(IdentityFault::ProofHeader), "{more}");
    }
    let typ = |typ: &str| scene.headed(&good.replace("dpop+jwt", typ));
    for other in ["JWT", "at+jwt", "DPoP+jwt", "application/dpop+jwt", "dpop+jwt ", ""] {
        assert_eq!(typ(other), Some(IdentityFault::ProofHeader), "{other}");
    }
    for bad in
        ["{}", "[]", "null", r#"{"typ":"dpop+jwt","alg":"ES256"}"#, r#"{"typ":"dpop+jwt","alg":"ES256","jwk":1}"#]
    {
        assert_eq!(scene.headed(bad), Some(IdentityFault::ProofHeader), "{bad}");
    }
    for other in ["none", "None", "HS256", "HS512", "ES256K", "ES512", "RS1", "es256", ""] {
        let fault = scene.headed(&good.replace("\"ES256\"", &format!("\"{other}\"")));
        assert_eq!(fault, Some(IdentityFault::ProofAlgorithm), "{other}");
    }
    for other in ["ES384", "EdDSA", "Ed25519", "RS256", "PS256"] {
        let fault = scene.headed(&good.replace("\"ES256\"", &format!("\"{other}\"")));
        assert_eq!(fault, Some(IdentityFault::ProofKey), "{other} is not for this key");
    }
}

#[test]
fn a_proofs_key_is_public_of_its_algorithm_and_for_this() {
    let scene = Scene::new(SigningAlgorithm::Es256);
    let with = |member: &str| scene.headed(&scene.app.header("").replace(r#""kty""#, &format!("{member},\"kty\"")));
    for good in [r#""use":"sig""#, r#""alg":"ES256""#, r#""kid":"a""#, r#""key_ops":["verify"]"#, r#""ext":true"#] {
        assert_eq!(with(good), None, "{good}");
    }
    for bad in [
        r#""d":"AQAB""#,
        r#""k":"AQAB""#,
        r#""p":"AQAB""#,
        r#""oth":[]"#,
        r#""x5c":["MII"]"#,
        r#""x5u":"https://a.example""#,
        r#""n":"AQAB""#,
        r#""use":"enc""#,
        r#""alg":"ES384""#,
        r#""key_ops":["sign"]"#,
    ] {
        assert_eq!(with(bad), Some(IdentityFault::ProofKey), "{bad}");
    }
    let other = AppKey::new(SigningAlgorithm::EdDsa).unwrap();
    let (_, jwk) =
        other.header("").split_once("\"jwk\":").map(|(head, jwk)| (head.to_owned(), jwk.to_owned())).unwrap();
    let swapped = format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{jwk}"#);
    assert_eq!(scene.headed(&swapped), Some(IdentityFault::ProofKey), "the kind of another algorithm");
    let oct = r#"{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"oct","k":"AQAB"}}"#;
    assert_eq!(scene.headed(oct), Some(IdentityFault::ProofKey));
}

#[test]
fn a_proof_is_three_parts_of_strict_base64url_and_not_long() {
    let scene = Scene::new(SigningAlgorithm::Es256);
    let good = scene.good();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    for bad in [
        String::new(),
        "a.b".to_owned(),
        signed.to_owned(),
        format!("{good}."),
        format!("{good}.x"),
        format!("{good}="),
        format!("{good} "),
        format!("{good}, {good}"),
        format!("{good},{good}"),
        format!("DPoP {good}"),
        "a".repeat(4 * 1024 + 1),
    ] {
        assert_eq!(scene.fault(&[&bad]), Some(IdentityFault::ProofMalformed), "{bad}");
    }
    for bad in [format!("{signed}.AA"), format!("{signed}.{}", "A".repeat(86)), format!("{signed}.{}AA", signature)] {
        assert_eq!(scene.fault(&[&bad]), Some(IdentityFault::ProofSignature), "{bad}");
    }
    let claims = |length: usize| {
        let mut claims = AppKey::claims("POST", URL, Some(&scene.token), None, NOW);
        claims.insert("pad", "x".repeat(length));
        scene.app.sign(&scene.app.header(""), &claims).unwrap()
    };
    let most = (0..4_096).rev().find(|length| claims(*length).len() <= 4_096).unwrap();
    assert_eq!(scene.fault(&[&claims(most)]), None);
    assert_eq!(scene.fault(&[&claims(most + 1)]), Some(IdentityFault::ProofMalformed));
}

#[test]
fn nothing_of_a_proof_is_printed() {
    let scene = Scene::new(SigningAlgorithm::Es256);
    let mut claims = AppKey::claims("POST", URL, Some(&scene.token), Some("canary-nonce"), NOW);
    claims.insert("jti", "canary-jti");
    let proof = scene.app.sign(&scene.app.header(""), &claims).unwrap();
    let caller = scene.verdict(&format!("DPoP {}", scene.token), &[&proof]).unwrap();
    assert_eq!(
        caller.proof().and_then(Proof::nonce).map(|nonce| nonce.expose().to_owned()).as_deref(),
        Some("canary-nonce")
    );
    assert!(!format!("{caller:?}").contains("canary"));
}

#[test]
fn a_proof_makes_no_bad_token_good() {
    let scene = Scene::new(SigningAlgorithm::Es256);
    let fault = |change: fn(TokenClaims) -> TokenClaims| {
        let token = scene.world.session.mint(&change(scene.world.claims().bound_to(&scene.app))).unwrap();
        let proof = scene.app.proof("POST", URL, Some(&token), None, NOW).unwrap();
        scene.verdict(&format!("DPoP {token}"), &[&proof]).err()
    };
    assert_eq!(fault(|claims| claims), None);
    assert_eq!(fault(|claims| claims.with("aud", "another")), Some(IdentityFault::Audience));
    assert_eq!(
        fault(|claims| claims.with("exp", number(NOW.get() + LIFETIME + 1))),
        Some(IdentityFault::LifetimeTooLong)
    );
    assert_eq!(fault(|claims| claims.with("iss", "https://id.example")), Some(IdentityFault::KeyUnknown));
}
