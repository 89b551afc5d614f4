//! Where the tokens for a partner come from, as the file may say it.

use super::EXAMPLE;
use super::Site;
use super::faults;
use crate::config::TokenServer;
use crate::config::TokenSettings;
use crate::crypto::SigningAlgorithm;
use crate::crypto::SigningKey;

/// The tokens of the second partner, fetched with these keys more.
fn fetching(more: &str) -> [String; 2] {
    let (_, last) = EXAMPLE.rsplit_once("    token:\n").unwrap();
    let minted = format!("    token:\n{}", last.split("    signing:").next().unwrap());
    let keys = "url: https://as.parkline.example/token, client_id: prop, tls: {ca: pki/parkline-ca.pem}";
    [minted, format!("    token: {{fetch: {{{keys}{more}}}}}\n")]
}

#[test]
fn a_token_is_fetched_by_what_stands_there_and_by_the_partners_own_certificate_where_nothing_else_does() {
    let site = Site::new();
    let fetched = |more: &str| {
        let [minted, fetched] = fetching(more);
        site.write("gateway.yaml", &EXAMPLE.replacen(&minted, &fetched, 1));
        let mut config = site.load().unwrap_or_else(|faults| panic!("{faults}"));
        match config.partners.remove(1).token {
            TokenSettings::Fetched(server) => *server,
            TokenSettings::Minted(_) => panic!("it is fetched"),
        }
    };
    let server = fetched("");
    let TokenServer { at, request, keys } = &server;
    assert_eq!((&*at.host, at.port, &*at.server_name), ("as.parkline.example", 443, "as.parkline.example"));
    assert!(at.identity.is_none() && keys.is_empty() && request.details);
    assert_eq!((&*request.path, &*request.client_id), ("/token", "prop"));
    assert_eq!((request.max_lifetime_s, request.timeout.as_secs()), (3_600, 3));
    assert_eq!((request.scope.as_deref(), request.resource.as_deref()), (None, None));

    let pem = SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap();
    site.secret("pki/as.key", std::str::from_utf8(pem.expose()).unwrap());
    site.pair("at-as");
    let server = fetched(
        ", key: pki/as.key, scope: \"{type}:{action} doors\", authorization_details: false, max_lifetime: 30s, timeout: 10s",
    );
    assert_eq!((server.keys.len(), server.request.details), (1, false));
    assert_eq!(&*server.request.audience, "https://as.parkline.example/token", "itself, where nothing else is said");
    assert_eq!(server.request.scope.as_deref(), Some("{type}:{action} doors"));
    let server = fetched(", key: pki/as.key, audience: \"https://as.parkline.example\", resource: \"urn:doors\"");
    assert_eq!(&*server.request.audience, "https://as.parkline.example");
    assert_eq!(server.request.resource.as_deref(), Some("urn:doors"));
    let [minted, fetched] = fetching("");
    let own =
        fetched.replace("pki/parkline-ca.pem", "pki/parkline-ca.pem, certificate: pki/at-as.pem, key: pki/at-as.key");
    site.write("gateway.yaml", &EXAMPLE.replacen(&minted, &own, 1));
    let config = site.load().unwrap_or_else(|faults| panic!("{faults}"));
    assert!(matches!(&config.partners[1].token, TokenSettings::Fetched(server) if server.at.identity.is_some()));
    assert!(config.watched.iter().any(|file| file.is_secret && file.path.ends_with("pki/at-as.key")));
}

#[test]
fn a_token_comes_from_one_place_and_whatever_makes_no_sense_there_is_refused() {
    let site = Site::new();
    let pem = SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap();
    site.secret("pki/as.key", std::str::from_utf8(pem.expose()).unwrap());
    let [minted, good] = fetching("");
    let codes =
        |token: &str| -> Vec<_> { site.faults_with(&minted, token).into_iter().map(|(code, _)| code).collect() };
    assert_eq!(codes(&good), [""; 0]);
    let none = "    token: {}\n";
    let both = minted.replace(
        "    token:",
        "    token:\n      fetch: {url: https://a.example/t, client_id: p, tls: {ca: pki/parkline-ca.pem}}",
    );
    assert_eq!((codes(none), codes(&both)), (vec!["missing-key"], vec!["without-effect"]));
    for (more, code) in [
        (", audience: a", "without-effect"),
        (", authorization_details: false", "missing-key"),
        (", authorization_details: false, scope: doors", "missing-key"),
        (", authorization_details: maybe", "wrong-type"),
        (", scope: \"a  b\"", "text-out-of-bounds"),
        (", scope: \"a {kind}\"", "text-out-of-bounds"),
        (", scope: 'a \"b'", "text-out-of-bounds"),
        (", max_lifetime: 29s", "out-of-bounds"),
        (", max_lifetime: 25h", "out-of-bounds"),
        (", timeout: 11s", "out-of-bounds"),
        (", timeout: 500ms", "malformed-duration"),
        (", token_endpoint: x", "unknown-key"),
        // The key of the other partner's tokens.
        (", key: pki/partner-token.key", "key-used-twice"),
        (", key: pki/none.key", "missing-file"),
    ] {
        let [_, token] = fetching(more);
        assert_eq!(codes(&token), [code], "{more}");
    }
    for (from, to, code) in [
        ("url: https://as.parkline.example/token, ", "", "missing-key"),
        ("client_id: prop, ", "", "missing-key"),
        (", tls: {ca: pki/parkline-ca.pem}", "", "missing-key"),
        ("https://as.parkline.example/token", "http://as.parkline.example/token", "malformed-endpoint"),
        ("https://as.parkline.example/token", "https://127.0.0.1/token", "missing-key"),
    ] {
        assert_eq!(codes(&good.replacen(from, to, 1)), [code], "{from}");
    }
    let signing = "    signing: {key: pki/parkline-signing.key}  # openssl genpkey -algorithm ed25519\n";
    let unsigned = EXAMPLE.replacen(&minted, &good, 1);
    assert!(unsigned.contains(signing));
    site.write("gateway.yaml", &unsigned.replacen(signing, "", 1));
    let found: Vec<_> = faults(site.load()).into_iter().map(|(code, _)| code).collect();
    assert_eq!(found, ["missing-key"], "a fetched token is one command's by the signature alone");
}
