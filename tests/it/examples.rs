//! Every example is executed: the sample configuration with the keys that its comments say how to make, the sample bundle
//! and directory, and what the README shows of an error. Its commands are `first_page.rs`'s and `pasted.rs`'s.

use crate::harness::ops_page;
use portcullis::bundle::Bundle;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::install_provider;
use portcullis::devkit::GatewayProcess;
use portcullis::devkit::TokenIssuer;
use portcullis::limits::Limits;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PROGRAM: &str = env!("CARGO_BIN_EXE_portcullis");

pub fn shell(folder: &Path, command: &str) -> Output {
    Command::new("sh").args(["-euc", command]).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

#[track_caller]
pub fn done(output: &Output) -> String {
    let said = [&output.stderr, &output.stdout].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{}", said.concat());
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What the repository holds of an example, in a folder of its own.
pub fn sample() -> TempDir {
    install_provider().unwrap();
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    done(&shell(folder, &format!("cp -r {ROOT}/gateway.yaml {ROOT}/directory.yaml {ROOT}/policies .")));
    // As the first page says: the directory of the repository is of some day, and nothing moves by one that is too old.
    done(&shell(folder, "sed -i \"s/^made_at: [^ ]*/made_at: $(date -u +%FT%TZ)/\" directory.yaml"));
    done(&shell(folder, &format!("{ROOT}/certs-example/make-pki.sh pki 1 && mkdir -p state/audit")));
    let configuration = fs::read_to_string(folder.join("gateway.yaml")).unwrap();
    let mut made = 0;
    for line in configuration.lines() {
        // `key: pki/store.key   # openssl rand -hex 32`: how each key is made stands beside it.
        if let Some((key, command)) = line.split_once("# openssl ") {
            let key = key.trim();
            let (_, file) = key.rsplit_once(": ").or_else(|| key.split_once("- ")).unwrap();
            let file = file.trim().trim_end_matches('}');
            done(&shell(folder, &format!("umask 077; openssl {command} > {file}")));
            made += 1;
        }
    }
    assert_eq!(
        made, 9,
        "each partner's keys of tokens, of requests and of pseudonyms, those of sessions, checkpoints and the store"
    );
    let names = [("login", "https://login.prop.example"), ("directory", "the backend")];
    for (name, issuer) in names {
        let issuer = TokenIssuer::new(issuer, SigningAlgorithm::Es256).unwrap();
        fs::write(folder.join(format!("pki/{name}.jwks")), issuer.jwks()).unwrap();
    }
    // Whatever listens on this machine: the ports are free ones.
    let free = ["127.0.0.1:8443", "127.0.0.1:8444"].iter().fold(configuration.clone(), |text, address| {
        assert!(text.contains(address));
        text.replace(address, "\"127.0.0.1:0\"")
    });
    let free = free.replace("127.0.0.1:9464", "127.0.0.1:0");
    assert_ne!(free, configuration);
    fs::write(folder.join("gateway.yaml"), free).unwrap();
    place
}

#[test]
fn the_sample_configuration_serves_with_keys_made_as_its_comments_say() {
    let sample = sample();
    let folder = sample.path();
    let gateway =
        GatewayProcess::start(PROGRAM, &folder.join("gateway.yaml")).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(ops_page(gateway.ops(), "/readyz").0, 200);
    assert_eq!(ops_page(gateway.ops(), "/healthz").0, 200);
    let named = "smarthome.gateway.prop.example";
    let told = done(&shell(
        folder,
        &format!(
            "curl --silent --show-error --max-time 20 --connect-to {named}:443:{} --cacert pki/gateway-ca.pem \
             --cert pki/backend.pem --key pki/backend.key https://{named}/v1/nothing",
            gateway.backend()
        ),
    ));
    assert!(told.contains("/problems/not-found"), "{told}");
    gateway.terminate().unwrap();
    assert_eq!(gateway.ended().unwrap().0.code(), Some(0));
}

#[test]
fn the_targets_of_the_makefile_are_what_the_readme_says_of_them() {
    for (target, command) in [("demo", "cargo run --locked --bin portcullis -- demo"), ("test", "cargo test --locked")]
    {
        let told = done(&shell(Path::new(ROOT), &format!("make --no-print-directory -n {target}")));
        let told: Vec<&str> = told.lines().collect();
        assert_eq!(told, ["scripts/setup", command], "make {target}");
    }
}

#[test]
fn what_the_readme_shows_of_an_error_is_what_is_said() {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let (_, shown) = readme.split_once("```\nerror[").unwrap();
    let shown = format!("error[{}", shown.split_once("```").unwrap().0);
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("gateway.yaml"), "version: 1\n\nlisteneers:\n").unwrap();
    let output = shell(place.path(), &format!("{PROGRAM} run --config gateway.yaml"));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains(shown.trim_end()), "shown:\n{shown}\nsaid:\n{said}");
}

#[test]
fn the_bundle_of_the_benchmark_loads_too() {
    let folder = Path::new(ROOT).join("benches/peers/portcullis/policies");
    let bundle = Bundle::load(&folder, &Limits::default()).map_err(|faults| panic!("{faults}")).unwrap();
    assert_eq!(bundle.contracts().count(), 1);
}
