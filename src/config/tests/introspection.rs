//! The issuer that is asked about its tokens: what may be written of it, and what must not.

use super::EXAMPLE;
use super::Site;
use super::faults;
use super::one;
use crate::crypto::SigningAlgorithm;
use crate::crypto::SigningKey;
use crate::identity::IssuerKeys;
use std::str;

const KEYS: &str = "    jwks: {file: pki/login.jwks}\n";
const ALGORITHMS: &str = "    algorithms: [ES256, EdDSA]\n";
const URL: &str = "url: \"https://login.prop.example/token/introspection\", client_id: portcullis";
const BY_KEY: &str = "key: pki/asking.key, tls: {ca: pki/partner-ca.pem}";

/// A site with a key to ask with, whose issuer is asked; `more` is what is said of that besides where, and of the issuer.
fn asking(more: &str, of_issuer: &str) -> Site {
    let site = Site::new();
    let pem = SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap();
    site.secret("pki/asking.key", str::from_utf8(pem.expose()).unwrap());
    let asked = format!("    introspection: {{{URL}, {more}}}\n{of_issuer}");
    site.write("gateway.yaml", &EXAMPLE.replacen(KEYS, &asked, 1).replacen(ALGORITHMS, "", 1));
    site
}

#[test]
fn an_issuer_that_is_asked_is_known_by_where_and_as_whom_and_its_answers_are_good_for_five_seconds() {
    let config = asking(BY_KEY, "").load().map_err(|faults| panic!("{faults}")).unwrap();
    let place = config.introspection.unwrap();
    assert_eq!((&*place.issuer, &*place.path), ("https://login.prop.example", "/token/introspection"));
    assert_eq!((&*place.at.host, place.at.port, place.at.identity.is_some()), ("login.prop.example", 443, false));
    let IssuerKeys::Asked { keep_s, asking_as, .. } = &config.identity.issuers[0].keys else { panic!("it is asked") };
    assert_eq!((*keep_s, &*asking_as.client_id, &*asking_as.audience), (5, "portcullis", "https://login.prop.example"));
    assert!(asking_as.key.is_some() && config.identity.issuers[0].algorithms.is_empty());
    for (text, seconds) in [("0s", 0), ("10s", 10)] {
        let config = asking(&format!("audience: \"https://a.example\", keep: {text}, {BY_KEY}"), "").load();
        let config = config.map_err(|faults| panic!("{faults}")).unwrap();
        let IssuerKeys::Asked { keep_s, asking_as, .. } = &config.identity.issuers[0].keys else {
            panic!("it is asked")
        };
        assert_eq!((*keep_s, &*asking_as.audience), (seconds, "https://a.example"));
    }
}

#[test]
fn what_does_not_fit_an_issuer_that_is_asked_is_refused_in_its_line() {
    let second = format!(
        "  - issuer: https://second.prop.example\n    introspection: {{{URL}, {}}}\n    audience: a\n    max_lifetime: 1h\n    bind: [mtls]\n",
        BY_KEY.replace("asking", "second-asking")
    );
    for (what, more, of_issuer, code, line) in [
        ("keys besides", BY_KEY, KEYS, "two-key-sources", "issuer: https://login"),
        ("algorithms", BY_KEY, ALGORITHMS, "without-effect", "algorithms"),
        ("types", BY_KEY, "    token_types: [at+jwt]\n", "without-effect", "token_types"),
        ("no proof of who asks", "tls: {ca: pki/partner-ca.pem}", "", "missing-key", "introspection"),
        ("no authority", "key: pki/asking.key", "", "missing-key", "introspection"),
        (
            "no key to the audience",
            "audience: a, tls: {ca: pki/partner-ca.pem, certificate: pki/gateway.pem, key: pki/gateway.key}",
            "",
            "without-effect",
            "introspection",
        ),
        ("too long", &format!("keep: 11s, {BY_KEY}"), "", "out-of-bounds", "keep: 11s"),
        ("a key that signs sessions", &BY_KEY.replace("asking", "session"), "", "key-used-twice", "session.key"),
        ("another switch", &format!("insecure: true, {BY_KEY}"), "", "unknown-key", "insecure"),
    ] {
        let found = faults(asking(more, of_issuer).load());
        assert!(found.len() == 1, "{what}: {found:?}");
        one(&found, code, line);
    }
    let site = asking(BY_KEY, "");
    let pem = SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap();
    site.secret("pki/second-asking.key", str::from_utf8(pem.expose()).unwrap());
    let text = std::fs::read_to_string(site.path("gateway.yaml")).unwrap();
    site.write("gateway.yaml", &text.replacen("\nsessions:", &format!("{second}\nsessions:"), 1));
    one(&faults(site.load()), "two-introspections", "introspection");
    let site = Site::new();
    one(&site.faults_with(KEYS, ""), "missing-key", "issuer: https://login");
    one(&site.faults_with(ALGORITHMS, ""), "missing-key", "issuer: https://login");
}
