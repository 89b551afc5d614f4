//! HTTP message signatures against what RFC 9421 publishes (appendix B: keys, messages, signature bases, signatures), and what a
//! signature must not let through.

use crate::clock::UnixSeconds;
use crate::crypto::KeySet;
use crate::crypto::MessageSignature;
use crate::crypto::MessageSignatureFault as Fault;
use crate::crypto::SignatureTerms;
use crate::crypto::SignedParts;
use crate::crypto::SigningAlgorithm;
use crate::crypto::SigningKey;
use crate::crypto::VerifiedSignature;
use crate::crypto::content_digest;
use crate::crypto::jwks_json;
use crate::crypto::message_verifying::fits;
use crate::crypto::message_verifying::written;
use crate::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sfv::Dictionary;
use sfv::InnerList;
use sfv::ListEntry;
use sfv::Parser;

/// The public keys of appendices B.1.3 and B.1.4.
const KEYS: &str = r#"{"keys":[
    {"kty":"EC","crv":"P-256","kid":"test-key-ecc-p256","x":"qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA",
     "y":"Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0"},
    {"kty":"OKP","crv":"Ed25519","kid":"test-key-ed25519","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}]}"#;

/// The private key of appendix B.1.4, a test key since it was published.
const ED25519: &str = "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF";

const CREATED: UnixSeconds = UnixSeconds::new(1_618_884_473);
const TAG: &str = "portcullis";

/// The request of appendix B.2.
fn published_request() -> SignedParts<'static> {
    let mut parts = SignedParts::of_request("POST", "example.com", "/foo?param=Value&Pet=dog");
    for (name, value) in [
        ("Date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("Content-Type", "application/json"),
        (
            "Content-Digest",
            "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
        ),
        ("Content-Length", "18"),
    ] {
        parts.add(name, value.as_bytes()).unwrap();
    }
    parts
}

/// What `Signature-Input` covers under its only label.
fn covered(input: &str) -> InnerList {
    let mut entries: Dictionary = Parser::new(input).parse().unwrap();
    match entries.pop() {
        Some((_, ListEntry::InnerList(covered))) => covered,
        other => panic!("{other:?}"),
    }
}

/// The signature base that comes of this input.
fn base(parts: &SignedParts<'_>, input: &str) -> String {
    let covered = covered(input);
    let names: Vec<_> = covered.items.iter().map(|item| item.bare_item.as_string().unwrap().as_str()).collect();
    parts.base(names.into_iter(), &written(&covered)).unwrap()
}

fn published_key() -> SigningKey {
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{ED25519}\n-----END PRIVATE KEY-----\n");
    SigningKey::from_pem(&Secret::new(pem.into_bytes())).unwrap()
}

#[test]
fn ed25519_signs_the_published_request_with_the_published_signature() {
    let input = "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")\
                 ;created=1618884473;keyid=\"test-key-ed25519\"";
    let published = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n\
                     \"@authority\": example.com\n\"content-type\": application/json\n\"content-length\": 18\n\
                     \"@signature-params\": (\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \
                     \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"";
    let base = base(&published_request(), input);
    assert_eq!(base, published, "appendix B.2.6");
    let signature = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";
    let made = published_key().sign(base.as_bytes()).unwrap();
    assert_eq!(STANDARD.encode(made.as_ref()), signature, "Ed25519 is deterministic");
    let keys = KeySet::parse(KEYS.as_bytes()).unwrap();
    let key = keys.key("test-key-ed25519").unwrap();
    let signature = STANDARD.decode(signature).unwrap();
    assert_eq!(fits(key, &signature, &base), Ok(()));
    assert!(fits(key, &signature, &base.replace("/foo", "/fob")).is_err());
}

#[test]
fn the_published_signature_of_ecdsa_fits_its_response() {
    let mut response = SignedParts::of_request("", "", "");
    for (name, value) in [
        ("@status", "200"),
        ("Content-Type", "application/json"),
        (
            "Content-Digest",
            "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:",
        ),
        ("Content-Length", "23"),
    ] {
        response.add(name, value.as_bytes()).unwrap();
    }
    let input = "sig-b24=(\"@status\" \"content-type\" \"content-digest\" \"content-length\")\
                 ;created=1618884473;keyid=\"test-key-ecc-p256\"";
    let base = base(&response, input);
    let signature = "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==";
    let signature = STANDARD.decode(signature).unwrap();
    let keys = KeySet::parse(KEYS.as_bytes()).unwrap();
    let key = keys.key("test-key-ecc-p256").unwrap();
    assert_eq!(fits(key, &signature, &base), Ok(()), "appendix B.2.4");
    assert!(fits(key, &signature, &base.replace(" 200", " 201")).is_err());
    assert!(fits(key, &signature[..63], &base).is_err());
}

#[test]
fn the_published_signature_bases_of_other_algorithms_come_out() {
    let full = "sig-b23=(\"date\" \"@method\" \"@path\" \"@query\" \"@authority\" \"content-type\" \"content-digest\" \
                \"content-length\");created=1618884473;keyid=\"test-key-rsa-pss\"";
    let published = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n\
        \"@query\": ?param=Value&Pet=dog\n\"@authority\": example.com\n\"content-type\": application/json\n\
        \"content-digest\": sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:\n\
        \"content-length\": 18\n\"@signature-params\": (\"date\" \"@method\" \"@path\" \"@query\" \"@authority\" \"content-type\" \
        \"content-digest\" \"content-length\");created=1618884473;keyid=\"test-key-rsa-pss\"";
    assert_eq!(base(&published_request(), full), published, "appendix B.2.3");
    let hmac = "sig-b25=(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"";
    let published = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@authority\": example.com\n\
        \"content-type\": application/json\n\
        \"@signature-params\": (\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"";
    assert_eq!(base(&published_request(), hmac), published, "appendix B.2.5");
}

/// RFC 9421 §2.1 and §2.2.3 to §2.2.7.
#[test]
fn parts_have_the_values_that_the_standard_gives_them() {
    let value = |parts: &SignedParts<'_>, name: &str| {
        let base = parts.base([name].into_iter(), "()").unwrap();
        base.lines().next().unwrap().strip_prefix(&format!("\"{name}\": ")).map(str::to_owned)
    };
    for (target, path, query) in [
        ("/path?param=value", "/path", "?param=value"),
        ("/path", "/path", "?"),
        ("/path?", "/path", "?"),
        ("?a", "/", "?a"),
    ] {
        let parts = SignedParts::of_request("GET", "www.example.com", target);
        assert_eq!(value(&parts, "@path").as_deref(), Some(path), "{target}");
        assert_eq!(value(&parts, "@query").as_deref(), Some(query), "{target}");
    }
    for (authority, expected) in [
        ("WWW.Example.com", "www.example.com"),
        ("example.com:443", "example.com"),
        ("example.com:8443", "example.com:8443"),
    ] {
        assert_eq!(value(&SignedParts::of_request("GET", authority, "/"), "@authority").as_deref(), Some(expected));
    }
    let mut parts = SignedParts::of_request("GET", "example.com", "/");
    for (name, line) in [("Cache-Control", "max-age=60"), ("X-Empty", ""), ("cache-control", "   must-revalidate ")] {
        parts.add(name, line.as_bytes()).unwrap();
    }
    assert_eq!(value(&parts, "cache-control").as_deref(), Some("max-age=60, must-revalidate"));
    assert_eq!(value(&parts, "x-empty").as_deref(), Some(""));
    assert!(parts.base(["x-absent"].into_iter(), "()").is_none());
    for line in ["a\nb", "a\rb", "a\0b", "\u{e9}"] {
        assert!(parts.add("x", line.as_bytes()).is_err(), "{line:?}");
    }
}

/// A command as it leaves, in pieces that a test exchanges.
#[derive(Clone)]
struct Sent {
    method: &'static str,
    authority: &'static str,
    target: &'static str,
    fields: Vec<(&'static str, String)>,
}

impl Sent {
    fn command() -> Self {
        let fields = [
            ("content-digest", content_digest(b"{}")),
            ("content-type", "application/json".to_owned()),
            ("authorization", "Bearer a.b.c".to_owned()),
            ("receipt-id", "r".to_owned()),
        ];
        Self { method: "POST", authority: "api.example", target: "/v1/doors/d-1/open?reason=x", fields: fields.into() }
    }

    fn parts(&self) -> SignedParts<'_> {
        let mut parts = SignedParts::of_request(self.method, self.authority, self.target);
        for (name, value) in &self.fields {
            parts.add(name, value.as_bytes()).unwrap();
        }
        parts
    }
}

fn signed(parts: &SignedParts<'_>, key: &SigningKey) -> MessageSignature {
    let terms = SignatureTerms { created: CREATED, expires: CREATED.plus(30), nonce: "n-1", tag: TAG };
    parts.sign(key, &terms).unwrap()
}

fn keys(key: &SigningKey) -> KeySet {
    KeySet::parse(jwks_json(&[key]).as_bytes()).unwrap()
}

fn generated(algorithm: SigningAlgorithm) -> SigningKey {
    SigningKey::from_pem(&SigningKey::generate_pem(algorithm).unwrap()).unwrap()
}

#[test]
fn a_signature_is_of_one_request_and_every_part_of_it() {
    for algorithm in SigningAlgorithm::ALL {
        let (key, sent) = (generated(algorithm), Sent::command());
        let MessageSignature { input, signature } = signed(&sent.parts(), &key);
        let verify = |parts: &SignedParts<'_>| parts.verify(&input, &signature, &keys(&key), TAG, CREATED);
        let expected = VerifiedSignature { created: CREATED, expires: CREATED.plus(30), nonce: "n-1".to_owned() };
        assert_eq!(verify(&sent.parts()), Ok(expected), "{input}");
        let mut others = vec![
            Sent { method: "PUT", ..sent.clone() },
            Sent { authority: "api.example:8443", ..sent.clone() },
            Sent { target: "/v1/doors/d-2/open?reason=x", ..sent.clone() },
            Sent { target: "/v1/doors/d-1/open?reason=y", ..sent.clone() },
            Sent { target: "/v1/doors/d-1/open", ..sent.clone() },
        ];
        for index in 0..sent.fields.len() {
            let mut other = sent.clone();
            other.fields[index].1.push('x');
            others.push(other);
        }
        for other in others {
            assert_eq!(verify(&other.parts()), Err(Fault::Signature), "{} {}", other.method, other.target);
        }
        for index in 0..sent.fields.len() {
            let mut without = sent.clone();
            without.fields.remove(index);
            assert_eq!(verify(&without.parts()), Err(Fault::Covered), "{index} is covered and not there");
        }
        let mut more = sent.clone();
        more.fields.push(("x-more", String::new()));
        assert_eq!(verify(&more.parts()), Err(Fault::Covered), "what is there is not covered");
    }
}

#[test]
fn a_signature_is_good_from_its_second_until_before_its_last_and_for_its_purpose_and_key_alone() {
    let (key, other) = (generated(SigningAlgorithm::EdDsa), generated(SigningAlgorithm::EdDsa));
    let sent = Sent::command();
    let parts = sent.parts();
    let MessageSignature { input, signature } = signed(&parts, &key);
    let at = |now: UnixSeconds| parts.verify(&input, &signature, &keys(&key), TAG, now).map(|_| ());
    assert_eq!(at(UnixSeconds::new(CREATED.get() - 1)), Err(Fault::NotYet));
    assert_eq!((at(CREATED), at(CREATED.plus(29)), at(CREATED.plus(30))), (Ok(()), Ok(()), Err(Fault::Expired)));
    assert_eq!(parts.verify(&input, &signature, &keys(&other), TAG, CREATED), Err(Fault::Key));
    assert_eq!(parts.verify(&input, &signature, &keys(&key), "other", CREATED), Err(Fault::Tag));
}

#[test]
fn fields_that_say_anything_else_are_refused() {
    let key = generated(SigningAlgorithm::Es256);
    let sent = Sent::command();
    let parts = sent.parts();
    let MessageSignature { input, signature } = signed(&parts, &key);
    let verify = |input: &str, signature: &str| parts.verify(input, signature, &keys(&key), TAG, CREATED).map(|_| ());
    assert_eq!(verify(&input, &signature), Ok(()));
    let with = |from: &str, to: &str| {
        assert!(input.contains(from), "{from}");
        verify(&input.replacen(from, to, 1), &signature)
    };
    for (from, to, fault) in [
        ("sig=", "other=", Fault::Malformed),
        ("sig=(", "sig2=(), sig=(", Fault::Malformed),
        ("(\"@method\"", "((\"@method\")", Fault::Malformed),
        ("\"@method\" ", "", Fault::Covered),
        ("\"@method\" ", "\"@method\" \"@method\" ", Fault::Covered),
        ("\"@method\" ", "\"@method\" \"x-absent\" ", Fault::Covered),
        ("\"@method\" ", "\"@method\";req ", Fault::Covered),
        ("\"@method\" ", "@method ", Fault::Malformed),
        ("\"@method\" \"@authority\"", "\"@authority\" \"@method\"", Fault::Signature),
        (";created=1618884473", "", Fault::Parameters),
        (";created=1618884473", ";created=\"1618884473\"", Fault::Parameters),
        (";created=1618884473", ";created=-1", Fault::Parameters),
        (";created=1618884473", ";created=1618884472", Fault::Signature),
        (";nonce=\"n-1\"", "", Fault::Parameters),
        (";nonce=\"n-1\"", ";nonce=\"n-2\"", Fault::Signature),
        (";nonce=\"n-1\"", ";nonce=\"n-1\";more=1", Fault::Parameters),
        ("alg=\"ecdsa-p256-sha256\"", "alg=\"ed25519\"", Fault::Key),
        ("alg=\"ecdsa-p256-sha256\"", "alg=\"hmac-sha256\"", Fault::Key),
        (";tag=\"portcullis\"", "", Fault::Parameters),
    ] {
        assert_eq!(with(from, to), Err(fault), "{from} -> {to}");
    }
    let bare = signature.strip_prefix("sig=").unwrap();
    for wrong in [
        "",
        "sig",
        &format!("other={bare}"),
        &format!("sig={bare}, other={bare}"),
        &format!("sig={bare};x"),
        &format!("sig=({bare})"),
        &format!("sig={bare}{}", " ".repeat(5_000)),
    ] {
        assert_eq!(verify(&input, wrong), Err(Fault::Malformed), "{wrong}");
    }
    assert_eq!(verify(&input, "sig=:AAAA:"), Err(Fault::Signature));
}
