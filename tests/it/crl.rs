//! Revocation lists of clients, made by openssl as an authority would: who is on one opens nothing, and neither does anybody
//! once no list speaks.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use crate::harness::until;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::crypto::TlsIdentity;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendFault;
use portcullis::devkit::Validity;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

/// A stage whose backend authority is openssl's, with a client that is good and one to be revoked.
struct Scene {
    stage: Stage,
    ca: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let stage = Stage::new();
        let ca = stage.path("ca");
        fs::create_dir(&ca).unwrap();
        fs::write(ca.join("index.txt"), "").unwrap();
        fs::write(ca.join("serial"), "1000\n").unwrap();
        fs::write(ca.join("crlnumber"), "01\n").unwrap();
        fs::write(ca.join("ca.cnf"), CONFIGURATION).unwrap();
        let scene = Self { stage, ca };
        scene.key("ca");
        scene.openssl(
            "req -x509 -new -key ca.key -out ca.pem -days 5 -subj /CN=backends -config ca.cnf -extensions root",
        );
        fs::copy(scene.ca.join("ca.pem"), scene.stage.path("pki/backend-authority.pem")).unwrap();
        for name in ["good", "bad"] {
            scene.key(name);
            scene.openssl(&format!("req -new -key {name}.key -out {name}.csr -subj /CN={name} -config ca.cnf"));
            scene.openssl(&format!(
                "ca -batch -notext -config ca.cnf -in {name}.csr -out {name}.pem -extensions client"
            ));
        }
        scene.list("pki/clients.crl.pem");
        scene.stage.edit(
            "gateway.yaml",
            "client_ca: pki/backend-authority.pem",
            "client_ca: pki/backend-authority.pem, crl: pki/clients.crl.pem",
        );
        scene
    }

    fn key(&self, name: &str) {
        self.openssl(&format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key"));
        let key = self.ca.join(format!("{name}.key"));
        fs::set_permissions(key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }

    /// Publishes the list as it is now.
    fn list(&self, path: &str) {
        self.openssl("ca -gencrl -config ca.cnf -out new.crl.pem");
        fs::copy(self.ca.join("new.crl.pem"), self.stage.path(path)).unwrap();
    }

    fn revoke(&self, name: &str) {
        self.openssl(&format!("ca -config ca.cnf -revoke {name}.pem"));
    }

    fn openssl(&self, arguments: &str) {
        let mut command = std::process::Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(&self.ca).stdin(Stdio::null());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn identity(&self, name: &str) -> TlsIdentity {
        TlsIdentity::read(&self.ca.join(format!("{name}.pem")), &self.ca.join(format!("{name}.key"))).unwrap()
    }

    fn backend(&self, gateway: &Served, name: &str) -> Backend {
        self.stage.backend_as(gateway.address, Some(&self.identity(name)))
    }

    /// A good command: each of the clients is the backend by its name.
    fn command(&self) -> Command {
        Command::new(&self.stage)
    }
}

const CONFIGURATION: &str = "[ca]\ndefault_ca=own\n[own]\ndir=.\ndatabase=index.txt\nserial=serial\ncrlnumber=crlnumber\n\
    new_certs_dir=.\ncertificate=ca.pem\nprivate_key=ca.key\ndefault_md=sha256\ndefault_days=3\ndefault_crl_days=1\n\
    policy=whoever\nunique_subject=no\n[whoever]\ncommonName=supplied\n[req]\ndistinguished_name=name\n[name]\n\
    [root]\nbasicConstraints=critical,CA:TRUE\n\
    [nothing]\nsubjectAltName=URI:spiffe://prop.example/backend\n\
    [server]\nextendedKeyUsage=serverAuth\nsubjectAltName=URI:spiffe://prop.example/backend\n\
    [any]\nextendedKeyUsage=anyExtendedKeyUsage\nsubjectAltName=URI:spiffe://prop.example/backend\n\
    [client]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n\
    subjectAltName=URI:spiffe://prop.example/backend\nauthorityKeyIdentifier=keyid\n";

#[test]
fn whom_the_list_names_has_no_handshake_and_is_counted() {
    let scene = Scene::new();
    scene.revoke("bad");
    scene.list("pki/clients.crl.pem");
    let gateway = Served::on(&scene.stage);
    let fault = scene.stage.wait(scene.command().give(&scene.backend(&gateway, "bad"))).unwrap_err();
    assert!(matches!(fault, BackendFault::Handshake(_)), "{fault}");
    // It is counted once it has failed, on another thread.
    until("the count", || gateway.metrics().contains("certificate-revoked\"} 1"));
    let answer = scene.stage.wait(scene.command().give(&scene.backend(&gateway, "good"))).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(scene.stage.partner.total_actuations(), 1);
}

#[test]
fn a_client_that_no_list_names_is_refused_all_the_same_if_its_certificate_is_not_for_clients() {
    let scene = Scene::new();
    for purpose in ["nothing", "server", "any"] {
        scene.key(purpose);
        scene.openssl(&format!("req -new -key {purpose}.key -out {purpose}.csr -subj /CN={purpose} -config ca.cnf"));
        scene.openssl(&format!(
            "ca -batch -notext -config ca.cnf -in {purpose}.csr -out {purpose}.pem -extensions {purpose}"
        ));
    }
    scene.list("pki/clients.crl.pem");
    let gateway = Served::on(&scene.stage);
    for (number, purpose) in ["nothing", "server", "any"].into_iter().enumerate() {
        let fault = scene.stage.wait(scene.command().give(&scene.backend(&gateway, purpose))).unwrap_err();
        assert!(matches!(fault, BackendFault::Handshake(_)), "{purpose}: {fault}");
        until(purpose, || gateway.metrics().contains(&format!("certificate-purpose\"}} {}\n", number + 1)));
    }
    let answer = scene.stage.wait(scene.command().give(&scene.backend(&gateway, "good"))).unwrap();
    assert_eq!((answer.status, scene.stage.partner.total_actuations()), (200, 1));
}

#[test]
fn a_list_of_another_authority_lets_nobody_in() {
    let scene = Scene::new();
    let other = scene.stage.pki.backend_authority.crl(&[], Validity::a_day_from(now())).unwrap();
    fs::write(scene.stage.path("pki/clients.crl.pem"), other).unwrap();
    let gateway = Served::on(&scene.stage);
    let fault = scene.stage.wait(scene.command().give(&scene.backend(&gateway, "good"))).unwrap_err();
    assert!(matches!(fault, BackendFault::Handshake(_)), "{fault}");
    // It is counted once it has failed, on another thread.
    until("the count", || gateway.metrics().contains("revocation-unknown\"} 1"));
}

#[test]
fn once_the_list_has_run_out_nobody_gets_in_no_connection_goes_on_and_readiness_says_so() {
    let scene = Scene::new();
    let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
    let gateway = Served::by(&scene.stage, clock.clone());
    let backend = scene.backend(&gateway, "good");
    let command = scene.command();
    scene.stage.wait(async {
        let mut connection = backend.connect().await.unwrap();
        let first = command.give_on(&mut connection).await.unwrap();
        assert_eq!((first.status, gateway.not_ready()), (200, String::new()));
        // The list is good for a day, the client's certificate for three.
        clock.advance(Duration::from_secs(86_400));
        assert!(gateway.not_ready().contains("crl-expired"), "{}", gateway.not_ready());
        let late = command.give_on(&mut connection).await.unwrap();
        assert_eq!(late.status, 403);
        assert!(matches!(command.give(&backend).await, Err(BackendFault::Handshake(_))));
    });
    let reasons: Vec<_> = scene.stage.records().iter().map(|record| record.text("reason").to_owned()).collect();
    assert_eq!(reasons.last().map(String::as_str), Some("peer-untrusted"), "{reasons:?}");
    assert_eq!(scene.stage.partner.total_actuations(), 1);
}
