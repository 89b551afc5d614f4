//! The example at the root of the repository, loaded as it is and with one thing wrong at a time.

mod introspection;
mod partner_tokens;

use crate::audit::Format;
use crate::bundle::Bundle;
use crate::config::Config;
use crate::config::ExportTo;
use crate::config::ListenAddress;
use crate::config::TokenSettings;
use crate::config::WatchedFile;
use crate::config::admin_socket;
use crate::config::digest_of_all;
use crate::config::digests_of;
use crate::crypto::SigningAlgorithm;
use crate::crypto::SigningKey;
use crate::crypto::jwks_json;
use crate::diagnostic::Diagnostics;
use crate::identity::TokenKind;
use crate::limits::Limits;
use crate::model::Role;
use crate::secret::Secret;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use tempfile::TempDir;

const AUTHORITY: &str = "smarthome.gateway.prop.example";
const PUBLIC: &str = "gateway.prop.example";
const PARKLINE: &str = "parkline.gateway.prop.example";

const EXAMPLE: &str = include_str!("../../gateway.yaml");

/// A folder with everything that the example names.
struct Site(TempDir);

impl Site {
    fn new() -> Self {
        let site = Self(tempfile::tempdir().unwrap());
        for folder in ["pki", "policies", "state/audit"] {
            fs::create_dir_all(site.path(folder)).unwrap();
        }
        site.write("gateway.yaml", EXAMPLE);
        site.write("directory.yaml", "version: 1\n");
        for name in [
            "gateway",
            "gateway-for-partners",
            "gateway-at-partner",
            "gateway-at-parkline",
            "backend-ca",
            "partner-ca",
            "parkline-ca",
            "partner-clients-ca",
        ] {
            site.pair(name);
        }
        for name in ["login", "directory"] {
            let pem = SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap();
            let key = SigningKey::from_pem(&pem).unwrap();
            site.write(&format!("pki/{name}.jwks"), &jwks_json(&[&key]));
        }
        for name in ["partner-token", "parkline-token", "session"] {
            let pem = SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap();
            site.secret(&format!("pki/{name}.key"), std::str::from_utf8(pem.expose()).unwrap());
        }
        for name in ["partner", "parkline"] {
            let pem = SigningKey::generate_pem(SigningAlgorithm::EdDsa).unwrap();
            site.secret(&format!("pki/{name}-signing.key"), std::str::from_utf8(pem.expose()).unwrap());
        }
        site.secret("pki/pseudonym.key", &"12".repeat(32));
        site.secret("pki/parkline-pseudonym.key", &"56".repeat(32));
        let pem = SigningKey::generate_pem(SigningAlgorithm::EdDsa).unwrap();
        site.secret("pki/checkpoint.key", std::str::from_utf8(pem.expose()).unwrap());
        site.secret("pki/store.key", &"34".repeat(32));
        site
    }

    fn pair(&self, name: &str) {
        self.pair_of(name, &[PUBLIC, AUTHORITY, PARKLINE], rcgen::ExtendedKeyUsagePurpose::ServerAuth);
    }

    fn pair_of(&self, name: &str, hosts: &[&str], usage: rcgen::ExtendedKeyUsagePurpose) {
        let key = rcgen::KeyPair::generate().unwrap();
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = rcgen::CertificateParams::new(hosts).unwrap();
        params.extended_key_usages = vec![usage];
        self.write(&format!("pki/{name}.pem"), &params.self_signed(&key).unwrap().pem());
        self.secret(&format!("pki/{name}.key"), &key.serialize_pem());
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn secret(&self, name: &str, text: &str) {
        self.write(name, text);
        self.mode(name, 0o600);
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn load(&self) -> Result<Config, Diagnostics> {
        Config::load(&self.path("gateway.yaml"))
    }

    /// The codes and lines of the faults of the example with the first `from` replaced by `to`.
    fn faults_with(&self, from: &str, to: &str) -> Vec<(&'static str, String)> {
        assert!(EXAMPLE.contains(from), "{from:?}");
        self.write("gateway.yaml", &EXAMPLE.replacen(from, to, 1));
        let found = faults(self.load());
        self.write("gateway.yaml", EXAMPLE);
        found
    }
}

fn faults(result: Result<Config, Diagnostics>) -> Vec<(&'static str, String)> {
    let Err(faults) = result else { return Vec::new() };
    let line = |fault: &crate::diagnostic::Diagnostic| {
        let text = fault.source.as_ref().map(|source| source.text().to_owned()).unwrap_or_default();
        let index = usize::try_from(fault.place.line).unwrap().saturating_sub(1);
        text.lines().nth(index).unwrap_or_default().trim().to_owned()
    };
    faults.iter().map(|fault| (fault.code, line(fault))).collect()
}

/// One fault of this code, in a line that holds this text.
fn one(found: &[(&'static str, String)], code: &str, line: &str) {
    assert!(found.len() == 1 && found[0].0 == code && found[0].1.contains(line), "{code} at {line:?}: {found:?}");
}

#[test]
fn the_example_loads_and_means_what_it_says() {
    let site = Site::new();
    let config = site.load().map_err(|faults| panic!("{faults}")).unwrap();
    assert_eq!(config.environment.as_str(), "development");
    assert_eq!(config.backend.address, ListenAddress::Bind("127.0.0.1:8443".parse().unwrap()));
    assert_eq!(config.ops, ListenAddress::Bind("127.0.0.1:9464".parse().unwrap()));
    assert_eq!(config.admin_socket, Some(site.path("state/admin.sock")));
    let kinds: Vec<_> = config.identity.issuers.iter().map(|issuer| (issuer.kind, issuer.max_lifetime_s)).collect();
    assert_eq!(kinds, [(TokenKind::SignIn, 3_600), (TokenKind::Session, 300)]);
    let partner = &config.partners[0];
    assert_eq!((partner.name.as_str(), &*partner.host, partner.port), ("smarthome", "api.smarthome.example", 443));
    assert_eq!(&*partner.server_name, "api.smarthome.example");
    let names: Vec<_> = config.partners.iter().map(|partner| (partner.name.as_str(), &*partner.authority)).collect();
    assert_eq!(names, [("smarthome", AUTHORITY), ("parkline", PARKLINE)]);
    let TokenSettings::Minted(minting) = &partner.token else { panic!("it is minted") };
    assert_eq!(minting.lifetime_s, 30);
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.audit.directory, site.path("state/audit"));
    let updates = &config.directory_updates;
    assert_eq!((updates.max_age_s, updates.keys.as_ref().map(|keys| keys.kids().count())), (Some(86_400), Some(1)));
    assert!(config.workers.get() >= 1);
}

#[test]
fn the_example_keeps_what_the_sample_bundle_requires() {
    let config = Site::new().load().map_err(|faults| panic!("{faults}")).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let bundle = Bundle::load(&folder, &config.limits).map_err(|faults| panic!("{faults}")).unwrap();
    let issuers = &config.identity.issuers;
    assert_eq!(issuers.iter().map(|issuer| &*issuer.issuer).collect::<Vec<_>>(), bundle.requirements().issuers());
    for partner in &config.partners {
        assert_eq!(bundle.requirements().hosts(&partner.name).unwrap(), std::slice::from_ref(&partner.host));
    }
    assert!(config.partners.iter().all(|partner| bundle.contract(&partner.name).is_some()));
}

#[test]
fn every_key_of_the_example_is_needed_or_has_a_default() {
    let site = Site::new();
    for (from, code, line) in [
        ("version: 1\n", "missing-key", ""),
        ("environment: development ", "missing-key", ""),
        ("    max_lifetime: 1h\n", "missing-key", ""),
        ("    bind: [mtls] ", "missing-key", ""),
        ("      lifetime: 30s\n", "missing-key", ""),
        ("    authority: smarthome.gateway.prop.example ", "missing-key", ""),
        ("policies: {directory: policies} ", "missing-key", ""),
    ] {
        one(&site.faults_with(from, ""), code, line);
    }
    let without_age =
        site.faults_with("  max_age: 24h                        # beyond it nothing moves until an update comes\n", "");
    one(&without_age, "missing-key", "file: directory.yaml");
    for (age, code) in [("1m", None), ("30d", None), ("59s", Some("out-of-bounds")), ("31d", Some("out-of-bounds"))] {
        let found = site.faults_with("max_age: 24h", &format!("max_age: {age}"));
        assert_eq!(found.first().map(|(code, _)| *code), code, "{age}");
    }
    for optional in [
        "  jwks: {file: pki/directory.jwks} ",
        "  ops: {address: \"127.0.0.1:9464\"} ",
        "  admin: {socket: state/admin.sock} ",
    ] {
        assert_eq!(site.faults_with(optional, ""), [], "{optional}");
    }
}

#[test]
fn unknown_repeated_and_malformed_keys_are_faults_at_their_line() {
    let site = Site::new();
    for (from, to, code, line) in [
        ("listeners:\n", "listeneers: {}\nlisteners:\n", "unknown-key", "listeneers"),
        ("version: 1\n", "version: 1\nversion: 1\n", "yaml-syntax", "version"),
        ("version: 1\n", "version: 2\n", "out-of-bounds", "version: 2"),
        ("environment: development", "environment: dev elopment", "malformed-name", "environment"),
        ("127.0.0.1:8443", "localhost:8443", "malformed-address", "localhost"),
        ("max_lifetime: 1h", "max_lifetime: 3600", "wrong-type", "3600"),
        ("max_lifetime: 1h", "max_lifetime: 1500ms", "malformed-duration", "1500ms"),
        ("max_lifetime: 5m", "max_lifetime: 901s", "out-of-bounds", "901s"),
        ("lifetime: 30s", "lifetime: 301s", "out-of-bounds", "301s"),
        ("bind: [mtls]", "bind: [none]", "unknown-word", "none"),
        ("algorithms: [ES256, EdDSA]", "algorithms: [HS256]", "unknown-word", "HS256"),
        ("algorithms: [ES256, EdDSA]", "algorithms: [ES256, ES256]", "twice", "ES256, ES256"),
        ("algorithms: [ES256, EdDSA]", "algorithms: []", "empty-list", "[]"),
        ("https://api.smarthome.example:443", "http://api.smarthome.example", "malformed-upstream", "http:"),
        ("https://api.smarthome.example:443", "https://127.0.0.1:443", "missing-key", "127.0.0.1:443"),
        ("authority: smarthome.gateway.prop.example", "authority: a/b", "malformed-host-name", "a/b"),
        (
            "issuer: https://gateway.prop.example/sessions",
            "issuer: https://other.prop.example",
            "issuer-elsewhere",
            "other",
        ),
        ("  body_max_bytes: 64KiB", "  body_max_bytes: 65536", "wrong-type", "65536"),
        ("  body_max_bytes: 64KiB", "  body_max_bytes: 64KB", "malformed-limit", "64KB"),
        ("  body_max_bytes: 64KiB", "  body_max_bytes: 8193KiB", "out-of-bounds", "8193KiB"),
        ("  body_max_bytes: 64KiB", "  body_max_byte: 64KiB", "unknown-key", "body_max_byte:"),
        ("  connections_max: 10000", "  connections_max: 0", "out-of-bounds", "connections_max: 0"),
        ("  connections_max: 10000", "  clock_skew_s: 1500ms", "malformed-limit", "1500ms"),
    ] {
        one(&site.faults_with(from, to), code, line);
    }
}

#[test]
fn all_faults_are_reported_at_once() {
    let site = Site::new();
    let text =
        EXAMPLE.replace("version: 1\n", "version: 3\nvresion: 1\n").replacen("lifetime: 30s", "lifetime: soon", 1);
    site.write("gateway.yaml", &text);
    let codes: Vec<_> = faults(site.load()).into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes.len(), 3, "{codes:?}");
}

#[test]
fn a_limit_is_taken_at_its_bound_in_its_unit() {
    let site = Site::new();
    let text = EXAMPLE
        .replace("  body_max_bytes: 64KiB", "  body_max_bytes: 8MiB\n  clock_skew_s: 1m\n  head_timeout_ms: 100ms");
    site.write("gateway.yaml", &text);
    let limits = site.load().map_err(|faults| panic!("{faults}")).unwrap().limits;
    assert_eq!((limits.body_max_bytes, limits.clock_skew_s, limits.head_timeout_ms), (8_388_608, 60, 100));
}

#[test]
fn files_that_are_missing_or_others_may_read_are_faults_at_the_line_that_names_them() {
    for name in [
        "pki/gateway.pem",
        "pki/gateway.key",
        "pki/backend-ca.pem",
        "pki/login.jwks",
        "pki/directory.jwks",
        "pki/partner-token.key",
        "pki/partner-signing.key",
        "pki/pseudonym.key",
        "pki/store.key",
        "pki/checkpoint.key",
        "directory.yaml",
    ] {
        let site = Site::new();
        fs::remove_file(site.path(name)).unwrap();
        one(&faults(site.load()), "missing-file", name);
    }
    for name in ["policies", "state/audit"] {
        let site = Site::new();
        fs::remove_dir(site.path(name)).unwrap();
        one(&faults(site.load()), "missing-file", name);
    }
    for name in [
        "pki/gateway.key",
        "pki/gateway-at-partner.key",
        "pki/partner-token.key",
        "pki/partner-signing.key",
        "pki/checkpoint.key",
        "pki/pseudonym.key",
        "pki/store.key",
    ] {
        let site = Site::new();
        site.mode(name, 0o644);
        one(&faults(site.load()), "world-accessible-key", name);
    }
}

#[test]
fn keys_and_certificates_that_cannot_be_used_are_faults_at_the_line_that_names_them() {
    for (name, text, code) in [
        ("pki/store.key", "short", "malformed-key"),
        ("pki/checkpoint.key", "-----BEGIN NOTHING-----", "malformed-key"),
        ("pki/pseudonym.key", &"0g".repeat(32), "malformed-key"),
        ("pki/partner-token.key", "-----BEGIN NOTHING-----", "malformed-key"),
        ("pki/partner-signing.key", "-----BEGIN NOTHING-----", "malformed-key"),
        ("pki/login.jwks", "{}", "malformed-key-set"),
        ("pki/directory.jwks", "{}", "malformed-key-set"),
        ("pki/backend-ca.pem", "", "malformed-certificate"),
        ("pki/gateway.pem", "not PEM", "malformed-certificate"),
        ("pki/gateway.key", "not PEM", "malformed-certificate"),
    ] {
        let site = Site::new();
        site.write(name, text);
        one(&faults(site.load()), code, name);
    }
    let site = Site::new();
    let other = rcgen::KeyPair::generate().unwrap();
    site.write("pki/gateway.key", &other.serialize_pem());
    one(&faults(site.load()), "malformed-certificate", "pki/gateway.key");
}

#[test]
fn the_listeners_certificate_is_for_servers_and_for_every_authority() {
    use rcgen::ExtendedKeyUsagePurpose as Usage;
    for (hosts, usage, code) in [
        (&[PUBLIC, "other.gateway.prop.example", PARKLINE][..], Usage::ServerAuth, "certificate-names"),
        (&[PUBLIC, AUTHORITY, "other.gateway.prop.example"], Usage::ServerAuth, "certificate-names"),
        (&["*.prop.example", PARKLINE], Usage::ServerAuth, "certificate-names"),
        (&[PUBLIC, AUTHORITY, PARKLINE], Usage::ClientAuth, "certificate-purpose"),
        (&[PUBLIC, AUTHORITY, PARKLINE], Usage::Any, "certificate-purpose"),
    ] {
        let site = Site::new();
        site.pair_of("gateway", hosts, usage);
        one(&faults(site.load()), code, "pki/gateway.pem");
    }
    let site = Site::new();
    site.pair_of("gateway", &[PUBLIC, "*.gateway.prop.example"], Usage::ServerAuth);
    assert_eq!(faults(site.load()), []);
}

#[test]
fn what_everybody_may_write_is_a_fault_at_the_line_that_names_it() {
    for name in ["pki/gateway.pem", "pki/backend-ca.pem", "pki/partner-ca.pem", "pki/login.jwks", "directory.yaml"] {
        let site = Site::new();
        site.mode(name, 0o646);
        one(&faults(site.load()), "world-writable", name);
    }
    for name in ["policies", "state/audit"] {
        let site = Site::new();
        site.mode(name, 0o757);
        one(&faults(site.load()), "world-writable", name);
    }
    let site = Site::new();
    site.mode("gateway.yaml", 0o646);
    one(&faults(site.load()), "world-writable", "");
}

#[test]
fn revocation_lists_that_cannot_be_used_are_faults_at_the_line_that_names_them() {
    let rows = [
        ("pki/a.crl", None, "missing-file", "pki/a.crl"),
        ("pki/a.crl", Some("no list"), "malformed-crl", "pki/a.crl"),
        ("[]", Some(""), "empty-list", "[]"),
        ("[pki/a.crl, 1]", Some("no list"), "wrong-type", "1]"),
    ];
    // About clients, and about a partner; the one key is the end of the other.
    for (ca, ended) in [("client_ca: pki/backend-ca.pem ", ""), (" ca: pki/partner-ca.pem ", " ")] {
        for (crl, text, code, line) in rows {
            let site = Site::new();
            if let Some(text) = text {
                site.write("pki/a.crl", text);
            }
            let with_list = format!("{ended}crl: {crl}\n      {}", ca.trim_start());
            one(&site.faults_with(ca, &with_list), code, line);
        }
    }
}

#[test]
fn a_digest_tells_contents_apart_and_waits_for_no_pipe() {
    let site = Site::new();
    let files = ["a", "b"].map(|name| WatchedFile { path: site.path(name), is_secret: false });
    let digest = || digest_of_all(&digests_of(&files));
    let nothing = digest();
    site.write("a", "one");
    let one = digest();
    site.write("b", "");
    let empty = digest();
    site.write("a", "two");
    assert!(nothing != one && one != empty && empty != digest());
    site.write("a", "one");
    assert_eq!(digest(), empty, "contents alone count");
    fs::remove_file(site.path("b")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(site.path("b")).status().unwrap().success());
    assert_eq!(digest(), one);
}

#[test]
fn a_key_serves_one_purpose_by_path_and_by_bytes() {
    let site = Site::new();
    one(&site.faults_with("key: pki/store.key", "key: pki/pseudonym.key"), "key-used-twice", "pki/pseudonym.key");
    fs::copy(site.path("pki/pseudonym.key"), site.path("pki/store.key")).unwrap();
    one(&faults(site.load()), "key-used-twice", "pki/store.key");
    let site = Site::new();
    fs::copy(site.path("pki/login.jwks"), site.path("pki/directory.jwks")).unwrap();
    one(&faults(site.load()), "key-used-twice", "pki/directory.jwks");
    // One key of several, in a file of its own and under another name.
    let site = Site::new();
    let text = fs::read_to_string(site.path("pki/login.jwks")).unwrap();
    let (shared, other) =
        (text.replace("\"kid\":\"", "\"kid\":\"x"), fs::read_to_string(site.path("pki/directory.jwks")).unwrap());
    let (shared, other) = (shared.trim_end_matches("]}"), other.split_once('[').unwrap().1.to_owned());
    site.write("pki/directory.jwks", &format!("{shared},{other}"));
    one(&faults(site.load()), "key-used-twice", "pki/directory.jwks");
}

#[test]
fn a_key_serves_one_purpose_in_whatever_file_and_form_it_lies() {
    let twice = |spoil: &dyn Fn(&Site), line: &str| {
        let site = Site::new();
        spoil(&site);
        one(&faults(site.load()), "key-used-twice", line);
    };
    // As one file with a line more, as the public half of itself, and as the key of a certificate.
    let again = |site: &Site, from: &str, to: &str| {
        let text = fs::read_to_string(site.path(from)).unwrap();
        site.secret(to, &format!("{text}\n"));
    };
    twice(&|site| again(site, "pki/partner-token.key", "pki/session.key"), "pki/partner-token.key");
    let key_of = |site: &Site, name: &str| {
        SigningKey::from_pem(&Secret::new(fs::read(site.path(&format!("pki/{name}.key"))).unwrap())).unwrap()
    };
    twice(&|site| site.write("pki/login.jwks", &jwks_json(&[&key_of(site, "session")])), "pki/session.key");
    twice(
        &|site| site.write("pki/directory.jwks", &jwks_json(&[&key_of(site, "partner-token")])),
        "pki/directory.jwks",
    );
    twice(&|site| site.write("pki/directory.jwks", &jwks_json(&[&key_of(site, "checkpoint")])), "checkpoint_key");
    twice(&|site| again(site, "pki/gateway.key", "pki/session.key"), "pki/session.key");
    // Both of two session keys may not be one.
    let site = Site::new();
    again(&site, "pki/session.key", "pki/session-next.key");
    one(
        &site.faults_with("    # - pki/session-next.key", "    - pki/session-next.key"),
        "key-used-twice",
        "session-next",
    );
}

#[test]
fn the_operators_socket_is_found_without_any_key() {
    let site = Site::new();
    fs::remove_dir_all(site.path("pki")).unwrap();
    assert_eq!(admin_socket(&site.path("gateway.yaml")).unwrap(), site.path("state/admin.sock"));
    site.write("gateway.yaml", &EXAMPLE.replace("  admin: {socket: state/admin.sock}", ""));
    assert!(admin_socket(&site.path("gateway.yaml")).unwrap_err().to_string().contains("no socket"));
}

#[test]
fn a_file_that_is_not_there_is_a_diagnostic() {
    let text = Config::load(Path::new("/nowhere/gateway.yaml")).err().unwrap().to_string();
    assert!(text.contains("unreadable-file") && text.contains("/nowhere/gateway.yaml"), "{text}");
}

#[test]
fn those_who_act_are_read_with_person_and_roles_and_one_account_is_one_person() {
    const ADMIN: &str = "  admin: {socket: state/admin.sock}";
    let site = Site::new();
    let with = |roles: &str| format!("  admin: {{socket: state/admin.sock, roles: {roles}}}");
    let petrova = "{uid: 0, person: petrova, roles: [operator, lifter, investigator, eraser]}";
    site.write("gateway.yaml", &EXAMPLE.replace(ADMIN, &with(&format!("[{petrova}]"))));
    let person = site.load().unwrap_or_else(|faults| panic!("{faults}")).admin_persons.unwrap().remove(0);
    assert_eq!((person.uid, person.person.as_str(), &*person.roles), (0, "petrova", &Role::ALL[..]));
    for (roles, codes) in [
        ("[]".to_owned(), &["empty-list"][..]),
        (format!("[{petrova}, {petrova}]"), &["twice"]),
        ("[{uid: 1, person: ivanov, roles: []}]".to_owned(), &["empty-list"]),
        ("[{uid: 1, person: ivanov, roles: [operator, operator]}]".to_owned(), &["twice"]),
        ("[{uid: 1, person: ivanov, roles: [root]}]".to_owned(), &["unknown-word"]),
        ("[{uid: 1, person: a person, roles: [lifter]}]".to_owned(), &["malformed-name"]),
        ("[{uid: 4294967295, person: ivanov, roles: [lifter]}]".to_owned(), &["out-of-bounds"]),
        ("[{uid: -1, person: ivanov, roles: [lifter]}]".to_owned(), &["out-of-bounds"]),
        ("[{gid: 1, person: ivanov, roles: [lifter]}]".to_owned(), &["missing-key", "unknown-key"]),
    ] {
        let mut found: Vec<_> = site.faults_with(ADMIN, &with(&roles)).into_iter().map(|(code, _)| code).collect();
        found.sort_unstable();
        assert_eq!(found, codes, "{roles}");
    }
    let last = "[{uid: 4294967294, person: nobody, roles: [lifter]}]";
    assert_eq!(site.faults_with(ADMIN, &with(last)), []);
}

#[test]
fn what_is_said_of_partners_that_call_fits_together() {
    let site = Site::new();
    let (peer, listener) = ("    peer: spiffe://smarthome.example/events ", "  partner:                            #");
    one(&site.faults_with(peer, "    # "), "without-effect", "127.0.0.1:8444");
    let (before, rest) = EXAMPLE.split_once(listener).unwrap();
    let (_, after) = rest.split_once("  ops:").unwrap();
    site.write("gateway.yaml", &format!("{before}  ops:{after}"));
    one(&faults(site.load()), "without-effect", "peer: spiffe:");
    one(&site.faults_with(peer, "    peer: no peer "), "malformed-peer-name", "no peer");
    let of_both = "client_ca: pki/partner-clients-ca.pem ";
    one(&site.faults_with(of_both, "client_ca: pki/backend-ca.pem "), "authority-of-both", "pki/backend-ca.pem");
    site.pair_of("gateway-for-partners", &["other.gateway.prop.example"], rcgen::ExtendedKeyUsagePurpose::ServerAuth);
    site.write("gateway.yaml", EXAMPLE);
    one(&faults(site.load()), "certificate-names", "pki/gateway-for-partners.pem");
}

#[test]
fn no_two_partners_call_by_one_name() {
    let site = Site::new();
    let (_, partner) = EXAMPLE.split_once("  smarthome: ").unwrap();
    let (partner, _) = partner.split_once("\n  parkline:").unwrap();
    let second = format!("  other: {partner}").replace("smarthome.gateway.prop", "other.gateway.prop");
    let text = EXAMPLE.replace("\npolicies: {directory", &format!("\n{second}\npolicies: {{directory"));
    site.write("gateway.yaml", &text);
    let found = faults(site.load());
    assert!(found.iter().any(|(code, line)| *code == "twice" && line.contains("peer:")), "{found:?}");
}

/// Three destinations, as they stand under `audit`.
const EXPORTS: &str = "
  exports:
    - name: siem
      syslog:
        address: siem.prop.example:6514
        tls: {ca: pki/siem-ca.pem, certificate: pki/siem.pem, key: pki/siem.key}
        format: cef
    - name: otel
      otlp:
        url: https://127.0.0.1:4318/v1/logs
        server_name: otel.prop.example
        headers_file: pki/otel.headers
        tls: {ca: pki/otel-ca.pem}
    - name: archive
      file: {path: state/archive.jsonl, format: jsonl}
";

impl Site {
    /// One whose example has destinations.
    fn exporting() -> Self {
        let site = Self::new();
        for name in ["siem-ca", "siem", "otel-ca"] {
            site.pair(name);
        }
        site.secret("pki/otel.headers", "Authorization: Bearer secret-of-otel\n");
        site.write("gateway.yaml", &Self::exports(EXPORTS));
        site
    }

    fn exports(exports: &str) -> String {
        let key = "  checkpoint_key: pki/checkpoint.key";
        let line = EXAMPLE.lines().find(|line| line.starts_with(key)).unwrap();
        EXAMPLE.replacen(line, &format!("{line}{}", exports.trim_end()), 1)
    }

    fn faults_of_exports(&self, from: &str, to: &str) -> Vec<(&'static str, String)> {
        assert!(EXPORTS.contains(from), "{from:?}");
        self.write("gateway.yaml", &Self::exports(&EXPORTS.replacen(from, to, 1)));
        faults(self.load())
    }
}

#[test]
fn destinations_of_records_mean_what_they_say_and_their_files_are_watched() {
    let site = Site::exporting();
    let config = site.load().map_err(|faults| panic!("{faults}")).unwrap();
    let [siem, otel, archive] = &config.audit.exports[..] else { panic!("three") };
    assert_eq!([siem, otel, archive].map(|export| export.name.as_str()), ["siem", "otel", "archive"]);
    let ExportTo::Syslog { at, format } = &siem.to else { panic!("syslog") };
    let place = (&*at.host, at.port, &*at.server_name, at.identity.is_some(), *format);
    assert_eq!(place, ("siem.prop.example", 6514, "siem.prop.example", true, Format::Cef));
    let ExportTo::Otlp { at, path, headers } = &otel.to else { panic!("otlp") };
    let place = (&*at.host, at.port, &*at.server_name, at.identity.is_some(), &**path);
    assert_eq!(place, ("127.0.0.1", 4318, "otel.prop.example", false, "/v1/logs"));
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(headers, [("authorization", "Bearer secret-of-otel")]);
    assert!(
        matches!(&archive.to, ExportTo::File { path, format: Format::Jsonl } if *path == site.path("state/archive.jsonl"))
    );
    for name in ["pki/siem-ca.pem", "pki/siem.pem", "pki/siem.key", "pki/otel-ca.pem", "pki/otel.headers"] {
        assert!(config.watched.iter().any(|file| file.path == site.path(name)), "{name}");
    }
    let named = |what: &str, name: &str| config.expiries.iter().any(|one| (&*one.what, &*one.name) == (what, name));
    assert!(named("certificate", "audit.exports[0].syslog") && named("ca", "audit.exports[1].otlp"));
}

#[test]
fn destinations_that_cannot_be_are_faults_at_their_lines() {
    let site = Site::exporting();
    for (from, to, code, line) in [
        ("name: otel", "name: siem", "twice", "name: siem"),
        ("- name: otel\n      otlp", "- otlp", "missing-key", "- otlp"),
        ("siem.prop.example:6514", "tls://siem.prop.example", "malformed-address", "tls://"),
        ("siem.prop.example:6514", "127.0.0.1:6514", "missing-key", "127.0.0.1:6514"),
        ("https://127.0.0.1", "http://127.0.0.1", "malformed-endpoint", "http://"),
        (", key: pki/siem.key", "", "missing-key", "pki/siem.pem"),
        ("key: pki/siem.key", "key: pki/gateway.key", "key-used-twice", "pki/gateway.key"),
        ("format: cef", "format: jsonl", "unknown-word", "format: jsonl"),
        ("format: jsonl", "format: xml", "unknown-word", "format: xml"),
        ("path: state/", "path: nowhere/", "missing-file", "nowhere"),
        ("pki/otel.headers", "pki/none.headers", "missing-file", "none.headers"),
        (
            "    - name: archive\n      file: {path: state/archive.jsonl, format: jsonl}",
            "    - name: archive",
            "missing-key",
            "archive",
        ),
        (
            "        format: cef",
            "        format: cef\n      file: {path: state/x, format: cef}",
            "two-destinations",
            "siem",
        ),
    ] {
        let mut found = site.faults_of_exports(from, to);
        // One key in two places does not fit the certificate either.
        found.retain(|(found, _)| code != "key-used-twice" || *found == code);
        one(&found, code, line);
    }
    assert_eq!(site.faults_of_exports(EXPORTS, "\n  exports: []").first().unwrap().0, "empty-list");
    let many = |count: usize| {
        let one = |number| format!("\n    - name: f{number}\n      file: {{path: state/{number}, format: cef}}");
        format!("\n  exports:{}", (0..count).map(one).collect::<String>())
    };
    assert_eq!(site.faults_of_exports(EXPORTS, &many(8)), []);
    one(&site.faults_of_exports(EXPORTS, &many(9)), "out-of-bounds", "- name: f0");
    site.write("gateway.yaml", &Site::exports(EXPORTS));
    site.secret("pki/otel.headers", "no field");
    one(&faults(site.load()), "malformed-headers", "pki/otel.headers");
    site.mode("pki/otel.headers", 0o644);
    one(&faults(site.load()), "world-accessible-key", "pki/otel.headers");
}
