//! `gateway.yaml`, with the keys and certificates that it names: what loads lies within all bounds, and no key has two uses.

use super::tree::items;
use super::tree::members;
use super::tree::text;
use super::tree::tree;
use portcullis::clock::Clock;
use portcullis::clock::SystemClock;
use portcullis::config::Config;
use portcullis::config::TokenSettings;
use portcullis::crypto::install_provider;
use portcullis::devkit::GatewayFolder;
use portcullis::diagnostic::Source;
use portcullis::identity::TokenKind;
use portcullis::limits::TABLE;
use portcullis::yaml::Node;
use std::collections::BTreeSet;
use tempfile::TempDir;

pub const WORDS: &[&str] = &[
    "limits: {body_max_bytes: 8MiB}",
    "limits: {body_max_bytes: 9MiB}",
    "limits: {clock_skew_s: 61s}",
    "limits: {answer_max_bytes: 1MiB, bytes_in_flight_max: 1MiB}",
    "max_lifetime: 25h",
    "max_lifetime: 0s",
    "lifetime: 301s",
    "algorithms: []",
    "algorithms: [none]",
    "algorithms: [HS256]",
    "algorithms: [ES256, EdDSA]",
    "bind: []",
    "pki/store.key",
    "pki/checkpoint.key",
    "origin: a b",
    "pki/pseudonym.key",
    "pki/gateway.key",
    "pki/gateway.pem",
    "../",
    "http://",
    "\"",
    "\n",
    "  ",
    "{",
    "}",
    "null",
    "version: 2",
];

thread_local! {
    /// A folder that an operator might have; gone with its thread.
    static FOLDER: (TempDir, GatewayFolder) = {
        install_provider().unwrap();
        let place = tempfile::tempdir().unwrap();
        let folder = GatewayFolder::make(place.path(), SystemClock::new().now().seconds()).unwrap();
        (place, folder)
    };
}

pub fn configuration(data: &[u8]) -> bool {
    let Ok(written) = std::str::from_utf8(data) else { return false };
    // No mutation finds another file of this machine: a path that leaves the folder is not followed.
    if written.contains("..") || written.contains(" /") {
        return false;
    }
    let path = FOLDER.with(|(_, folder)| folder.configuration());
    let Ok(mut config) = Config::of(Source::new(path, written)) else { return false };
    for row in TABLE {
        let value = *config.limits.field(row.name).expect("each row has its field");
        assert!((row.low..=row.high).contains(&value), "{} is {value}", row.name);
    }
    let limits = &config.limits;
    assert!(limits.body_max_bytes + limits.answer_max_bytes <= limits.bytes_in_flight_max);
    let mut names = BTreeSet::new();
    for issuer in &config.identity.issuers {
        let longest = if issuer.kind == TokenKind::Session { 900 } else { 86_400 };
        assert!((1..=longest).contains(&issuer.max_lifetime_s), "{} s", issuer.max_lifetime_s);
        assert!(!issuer.algorithms.is_empty() && !issuer.audience.is_empty());
        assert!(names.insert(issuer.issuer.clone()), "an issuer stands there twice");
    }
    let mut authorities = BTreeSet::new();
    assert!(!config.partners.is_empty());
    for partner in &config.partners {
        assert!(authorities.insert(partner.authority.clone()), "an authority stands there twice");
        assert!(!partner.tls.roots.is_empty());
        match &partner.token {
            TokenSettings::Minted(minting) => assert!((1..=300).contains(&minting.lifetime_s)),
            TokenSettings::Fetched(server) => {
                assert!((30..=86_400).contains(&server.request.max_lifetime_s));
                assert!((1..=10).contains(&server.request.timeout.as_secs()) && !server.at.roots.is_empty());
            }
        }
    }
    let mut keys = Vec::new();
    key_files(&tree(written), &mut keys);
    let distinct: BTreeSet<&String> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len(), "a key has two uses: {keys:?}");
    true
}

/// The paths of all private keys.
fn key_files(node: &Node, found: &mut Vec<String>) {
    for (name, value) in members(node) {
        if let Some(path) = text(value).filter(|_| name == "key" || name == "pseudonym_key") {
            found.push(path.replace("./", ""));
        }
        if name == "keys" {
            found.extend(items(value).iter().filter_map(text).map(|path| path.replace("./", "")));
        }
        key_files(value, found);
    }
    items(node).iter().for_each(|item| key_files(item, found));
}
