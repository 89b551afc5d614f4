//! `portcullis certs`: what it makes is what openssl says that it is, a gateway takes it in development and nowhere else, and
//! what it says of a certificate is what stands in it.

use crate::examples::done;
use crate::examples::sample;
use crate::examples::shell;
use crate::harness::ops_page;
use crate::harness::told_by;
use portcullis::crypto::decode_base64url;
use portcullis::crypto::install_provider;
use portcullis::devkit::GatewayProcess;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_portcullis");

/// A folder with a development PKI in `pki`.
struct Desk {
    place: TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { place: tempfile::tempdir().unwrap() };
        let (code, told, complaint) = desk.certs(&["init", "PKI"]);
        assert_eq!((code, complaint.as_str()), (0, ""));
        assert!(told.lines().all(|file| Path::new(file).is_file()) && told.lines().count() == 26, "{told}");
        desk
    }

    fn pki(&self) -> PathBuf {
        self.place.path().join("pki")
    }

    /// Runs `portcullis certs`; `PKI` stands for the folder.
    fn certs(&self, arguments: &[&str]) -> (i32, String, String) {
        let folder = self.pki().display().to_string();
        let arguments: Vec<String> = arguments.iter().map(|one| one.replace("PKI", &folder)).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        told_by(&[&["certs"][..], &arguments].concat())
    }

    /// Runs openssl in the folder; what it says on either output, and whether it was content.
    fn openssl(&self, arguments: &str) -> (bool, String) {
        let mut command = std::process::Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(self.pki()).stdin(Stdio::null());
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    #[track_caller]
    fn said_by_openssl(&self, arguments: &str) -> String {
        let (content, said) = self.openssl(arguments);
        assert!(content, "openssl {arguments}: {said}");
        said
    }

    #[track_caller]
    fn issue_replica(&self) {
        let arguments =
            ["issue", "--ca", "PKI/backend-ca.pem", "--name", "backend-2", "--san", "spiffe://prop.example/backend"];
        let (code, told, complaint) = self.certs(&arguments);
        assert_eq!((code, complaint.as_str()), (0, ""), "{told}");
    }
}

#[test]
fn what_is_made_is_what_openssl_says_that_it_is() {
    let desk = Desk::new();
    assert_eq!(fs::metadata(desk.pki()).unwrap().permissions().mode() & 0o777, 0o700);
    let of = [
        ("gateway", "gateway-ca", "sslserver"),
        ("gateway-for-partners", "gateway-ca", "sslserver"),
        ("backend", "backend-ca", "sslclient"),
        ("partner", "partner-ca", "sslserver"),
        ("gateway-at-partner", "partner-ca", "sslclient"),
        ("parkline", "parkline-ca", "sslserver"),
        ("gateway-at-parkline", "parkline-ca", "sslclient"),
        ("partner-client", "partner-clients-ca", "sslclient"),
    ];
    for (leaf, ca, purpose) in of {
        desk.said_by_openssl(&format!("verify -x509_strict -purpose {purpose} -CAfile {ca}.pem {leaf}.pem"));
        let other = if purpose == "sslserver" { "sslclient" } else { "sslserver" };
        assert!(!desk.openssl(&format!("verify -purpose {other} -CAfile {ca}.pem {leaf}.pem")).0, "{leaf} for {other}");
        let stranger = if ca == "gateway-ca" { "backend-ca" } else { "gateway-ca" };
        assert!(!desk.openssl(&format!("verify -CAfile {stranger}.pem {leaf}.pem")).0, "{leaf} by {stranger}");
        let public = desk.said_by_openssl(&format!("x509 -in {leaf}.pem -noout -pubkey"));
        assert_eq!(public, desk.said_by_openssl(&format!("pkey -in {leaf}.key -pubout")));
        assert_eq!(fs::metadata(desk.pki().join(format!("{leaf}.key"))).unwrap().permissions().mode() & 0o777, 0o600);
        let subject = desk.said_by_openssl(&format!("x509 -in {leaf}.pem -noout -subject"));
        assert!(subject.contains("Portcullis development"), "{subject}");
        // Thirty days, and no more.
        desk.said_by_openssl(&format!("x509 -in {leaf}.pem -noout -checkend {}", 30 * 86_400 - 120));
        assert!(!desk.openssl(&format!("x509 -in {leaf}.pem -noout -checkend {}", 30 * 86_400)).0);
    }
    desk.issue_replica();
    let told =
        desk.said_by_openssl("x509 -in backend-2.pem -noout -ext subjectAltName,extendedKeyUsage,basicConstraints");
    for wanted in ["URI:spiffe://prop.example/backend", "TLS Web Client Authentication", "CA:FALSE"] {
        assert!(told.contains(wanted), "{told}");
    }
    desk.said_by_openssl("verify -x509_strict -purpose sslclient -CAfile backend-ca.pem backend-2.pem");
    assert!(!desk.openssl("x509 -in backend-2.pem -noout -checkend 604800").0, "seven days where nothing is said");

    let out = desk.place.path().join("out");
    fs::create_dir(&out).unwrap();
    let out = out.display().to_string();
    let server = ["issue", "--ca", "PKI/partner-ca.pem", "--name", "p", "--days", "90", "--out", &out];
    let names = ["--san", "api.smarthome.example", "--san", "::1", "--san", "*.smarthome.example", "--format", "json"];
    let (code, told, complaint) = desk.certs(&[&server[..], &names].concat());
    assert_eq!((code, complaint.as_str()), (0, ""));
    let told: Value = serde_json::from_str(&told).unwrap();
    let file = told["certificate"].as_str().unwrap();
    desk.said_by_openssl(&format!(
        "verify -x509_strict -purpose sslserver -verify_hostname api.smarthome.example -CAfile partner-ca.pem {file}"
    ));
    desk.said_by_openssl(&format!("verify -verify_ip ::1 -CAfile partner-ca.pem {file}"));
    assert!(
        !desk.openssl(&format!("x509 -in {file} -noout -checkend {}", 30 * 86_400)).0,
        "it ends with its authority"
    );
}

#[test]
fn a_revoked_certificate_stands_on_a_list_that_openssl_verifies() {
    let desk = Desk::new();
    desk.issue_replica();
    let revoke = |files: &[&str]| desk.certs(&[&["revoke", "--ca", "PKI/backend-ca.pem"][..], files].concat());
    let (code, told, complaint) = revoke(&["PKI/backend-2.pem"]);
    assert_eq!((code, complaint.as_str()), (0, ""));
    assert!(told.ends_with("backend-ca.crl: 1 revoked\n"), "{told}");
    let said = desk.said_by_openssl("crl -in backend-ca.crl -noout -CAfile backend-ca.pem");
    assert!(said.contains("verify OK"), "{said}");
    assert!(!desk.openssl("crl -in backend-ca.crl -noout -CAfile gateway-ca.pem").1.contains("verify OK"));
    let checked = "verify -crl_check -CRLfile backend-ca.crl -CAfile backend-ca.pem";
    desk.said_by_openssl(&format!("{checked} backend.pem"));
    let (content, said) = desk.openssl(&format!("{checked} backend-2.pem"));
    assert!(!content && said.contains("certificate revoked"), "{said}");
    let number = || desk.said_by_openssl("crl -in backend-ca.crl -noout -crlnumber");
    let first = number();
    let (code, told, _) = revoke(&[]);
    assert!(code == 0 && told.ends_with(": 1 revoked\n") && number() != first, "made anew, with whom it named: {told}");
    let before = fs::read(desk.pki().join("backend-ca.crl")).unwrap();
    for other in ["PKI/gateway.pem", "PKI/backend-ca.pem", "PKI/backend.key", "PKI/none.pem"] {
        let (code, told, complaint) = revoke(&["PKI/backend.pem", other]);
        assert_eq!((code, told.as_str()), (2, ""), "{other}");
        assert!(complaint.contains("error["), "{complaint}");
    }
    assert_eq!(fs::read(desk.pki().join("backend-ca.crl")).unwrap(), before, "one that is wrong revokes none");
}

#[test]
fn nothing_is_overwritten_and_no_other_authority_signs() {
    let desk = Desk::new();
    desk.issue_replica();
    let all = |desk: &Desk| {
        let mut files: Vec<_> = fs::read_dir(desk.pki()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect::<Vec<_>>()
    };
    // An authority that somebody answers for: openssl's.
    let authority = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 5 -subj /CN=real";
    desk.said_by_openssl(&format!("{authority} -keyout real.key -out real.pem"));
    fs::set_permissions(desk.pki().join("real.key"), fs::Permissions::from_mode(0o600)).unwrap();
    // And one that bears the mark, but says more of itself than what is made here.
    let longer = authority.replace("/CN=real", "/O=Portcullis~development/OU=x/CN=real");
    let mut command = std::process::Command::new("openssl");
    command.args(longer.split(' ').map(|word| word.replace('~', " "))).current_dir(desk.pki());
    let output = command.args(["-keyout", "longer.key", "-out", "longer.pem"]).output().unwrap();
    assert!(output.status.success());
    fs::set_permissions(desk.pki().join("longer.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let before = all(&desk);
    let issue = |ca: &str, name: &str, more: &[&str]| {
        let ca = format!("PKI/{ca}.pem");
        let fixed = ["issue", "--ca", &ca, "--name", name, "--san", "spiffe://prop.example/x"];
        desk.certs(&[&fixed[..], more].concat())
    };
    for (what, (code, told, complaint), wanted) in [
        ("the folder", desk.certs(&["init", "PKI"]), "not-empty"),
        ("a certificate", issue("backend-ca", "backend-2", &[]), "not-empty"),
        ("an authority", issue("backend-ca", "gateway-ca", &[]), "not-empty"),
        ("another's authority", issue("real", "x", &[]), "no-development-authority"),
        ("another's that is marked", issue("longer", "x", &[]), "no-development-authority"),
        ("a leaf", issue("backend", "x", &[]), "no-development-authority"),
        ("no authority", issue("none", "x", &[]), "unreadable-input"),
        ("no folder", issue("backend-ca", "x", &["--out", "PKI/none"]), "not-written"),
        ("too long", issue("backend-ca", "x", &["--days", "398"]), "398 is not in 1..=397"),
        ("no time", issue("backend-ca", "x", &["--days", "0"]), "0 is not in 1..=397"),
        ("elsewhere", issue("backend-ca", "../x", &[]), "invalid value"),
        ("a hostile name", issue("backend-ca", "x", &["--san", "a\u{202e}b"]), "invalid value"),
    ] {
        assert_eq!((code, told.as_str()), (2, ""), "{what}");
        assert!(complaint.contains(wanted), "{what}: {complaint}");
    }
    assert!(all(&desk) == before, "all is as it was");
    assert_eq!(fs::read_dir(desk.place.path()).unwrap().count(), 1);
}

#[test]
fn what_is_told_of_a_certificate_is_what_openssl_tells() {
    let desk = Desk::new();
    for file in ["gateway", "backend", "partner-ca"] {
        let (code, told, complaint) = desk.certs(&["show", &format!("PKI/{file}.pem"), "--format", "json"]);
        assert_eq!((code, complaint.as_str()), (0, ""));
        let told: Value = serde_json::from_str(&told).unwrap();
        let told = &told["certificates"][0];
        let plain = |text: String| text.trim().rsplit_once(['=', ' ']).unwrap().1.replace(':', "").to_lowercase();
        let digest = plain(desk.said_by_openssl(&format!("x509 -in {file}.pem -noout -fingerprint -sha256")));
        desk.said_by_openssl(&format!("x509 -in {file}.pem -noout -pubkey -out {file}.pub"));
        fs::write(desk.pki().join("pub.pem"), desk.said_by_openssl(&format!("x509 -in {file}.pem -noout -pubkey")))
            .unwrap();
        desk.said_by_openssl("pkey -pubin -in pub.pem -outform DER -out pub.der");
        let key = plain(desk.said_by_openssl("dgst -sha256 pub.der"));
        assert_eq!((told["pins"][0].as_str().unwrap(), told["pins"][1].as_str().unwrap()), (&*digest, &*key));
        let thumbprint = decode_base64url(told["x5t#S256"].as_str().unwrap()).unwrap();
        assert_eq!(thumbprint.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), digest);
        let serial = plain(desk.said_by_openssl(&format!("x509 -in {file}.pem -noout -serial")));
        assert_eq!(told["serial"].as_str().unwrap().trim_start_matches("00"), serial);
        assert_eq!((&told["authority"], &told["development"]), (&(file == "partner-ca").into(), &true.into()));
        assert_eq!(told["key"], "EC 256");
        let (_, text, _) = desk.certs(&["show", &format!("PKI/{file}.pem")]);
        for wanted in [&digest, &key, told["x5t#S256"].as_str().unwrap(), told["valid_until"].as_str().unwrap()] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
    }
    let (_, text, _) = desk.certs(&["show", "PKI/gateway.pem"]);
    for wanted in ["DNS:smarthome.gateway.prop.example", "IP:127.0.0.1", "IP:::1", "serverAuth"] {
        assert!(text.contains(wanted), "{text}");
    }
    // The example certificates of the repository, by openssl and long over or not: read all the same.
    let example = format!("{}/certs-example/backend.pem", env!("CARGO_MANIFEST_DIR"));
    let (code, text, _) = desk.certs(&["show", &example]);
    assert!((0..=1).contains(&code) && text.contains("URI:spiffe://prop.example/backend"), "{text}");
    assert_eq!(desk.certs(&["show", "PKI/backend.key"]).0, 2);
}

#[test]
fn a_hostile_certificate_moves_no_cursor_and_turns_no_line() {
    let desk = Desk::new();
    let hostile = "a\u{1b}[31m\u{202e}\u{9b}\u{200b}`b";
    let configuration = format!(
        "[req]\ndistinguished_name=dn\nprompt=no\nutf8=yes\nx509_extensions=v3\n[dn]\nO={hostile}\nCN={hostile}\n\
         [v3]\nsubjectAltName=@names\n[names]\nURI.1=spiffe://{hostile}\nDNS.1=x\nIP.1=10.0.0.1\nemail.1=a@b.example\n\
         RID.1=1.2.3.4\n"
    );
    fs::write(desk.pki().join("hostile.cnf"), configuration).unwrap();
    desk.said_by_openssl(
        "req -x509 -newkey rsa:2048 -nodes -days 1 -config hostile.cnf -keyout hostile.key -out hostile.pem",
    );
    for format in ["text", "json"] {
        let (code, told, complaint) = desk.certs(&["show", "PKI/hostile.pem", "--format", format]);
        assert_eq!((code, complaint.as_str()), (1, ""), "a gateway would not read such a name");
        let shown = told.chars().all(|c| c == '\n' || !(c.is_control() || "\u{202e}\u{9b}\u{200b}".contains(c)));
        assert!(shown && told.contains("RSA 2048") && told.contains("10.0.0.1"), "{told:?}");
    }
}

#[test]
fn a_gateway_serves_by_what_was_made_and_knows_the_revoked_one() {
    install_provider().unwrap();
    let desk = Desk::new();
    desk.issue_replica();
    let place = sample();
    let folder = place.path();
    for entry in fs::read_dir(desk.pki()).unwrap().map(|entry| entry.unwrap()) {
        fs::copy(entry.path(), folder.join("pki").join(entry.file_name())).unwrap();
    }
    let configuration = folder.join("gateway.yaml");
    let text = fs::read_to_string(&configuration).unwrap();
    let listed =
        text.replace("client_ca: pki/backend-ca.pem", "client_ca: pki/backend-ca.pem\n      crl: pki/backend-ca.crl");
    assert_ne!(listed, text);
    fs::write(&configuration, &listed).unwrap();
    let ca = folder.join("pki/backend-ca.pem").display().to_string();
    let replica = folder.join("pki/backend-2.pem").display().to_string();
    let (code, ..) = told_by(&["certs", "revoke", "--ca", &ca, &replica]);
    assert_eq!(code, 0);
    let gateway = GatewayProcess::start(PROGRAM, &configuration).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(ops_page(gateway.ops(), "/readyz").0, 200);
    let named = "smarthome.gateway.prop.example";
    let ask = |peer: &str| {
        let curl = format!(
            "curl --silent --show-error --max-time 20 --connect-to {named}:443:{} --cacert pki/gateway-ca.pem \
             --cert pki/{peer}.pem --key pki/{peer}.key https://{named}/v1/nothing",
            gateway.backend()
        );
        shell(folder, &curl)
    };
    let told = done(&ask("backend"));
    assert!(told.contains("/problems/not-found"), "{told}");
    assert!(!ask("backend-2").status.success(), "it stands on the list");
    assert!(!ask("partner-client").status.success(), "another authority's");
    gateway.terminate().unwrap();
    assert_eq!(gateway.ended().unwrap().0.code(), Some(0));
    refused_outside_development(folder, &listed);
}

/// With another environment each of these files is refused, and nothing else that is new.
fn refused_outside_development(folder: &Path, development: &str) {
    let check = || {
        let configuration = folder.join("gateway.yaml").display().to_string();
        told_by(&["check", "--config", &configuration, "--format", "json"])
    };
    let (code, told, _) = check();
    assert!(code == 0 && !told.contains("development-certificate"), "{told}");
    let production = development.replace("environment: development", "environment: production");
    fs::write(folder.join("gateway.yaml"), production).unwrap();
    let (code, told, complaint) = check();
    assert_eq!(code, 1, "{complaint}");
    let told: Value = serde_json::from_str(&told).unwrap();
    let found = told["faults"].as_array().unwrap_or_else(|| panic!("{told}"));
    let found: Vec<_> = found.iter().filter(|one| one["code"] == "development-certificate").collect();
    let named =
        ["gateway.pem", "gateway-for-partners.pem", "backend-ca.pem", "partner-clients-ca.pem", "partner-ca.pem"];
    for name in named.iter().chain(&["gateway-at-partner.pem", "parkline-ca.pem", "gateway-at-parkline.pem"]) {
        let tells = |one: &&&Value| one["message"].as_str().unwrap().contains(&format!("pki/{name}`"));
        assert_eq!(found.iter().filter(tells).count(), 1, "{name}: {found:#?}");
    }
    assert_eq!(found.len(), 8);
}
