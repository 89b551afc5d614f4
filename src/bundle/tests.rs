//! The sample bundle of the repository, loaded as it is and with one thing wrong at a time.

use crate::bundle::Authorities;
use crate::bundle::Bundle;
use crate::bundle::Stated;
use crate::bundle::StatedHost;
use crate::bundle::StatedIssuer;
use crate::bundle::StatedSoftener;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::limits::Limits;
use crate::model::Name;
use crate::model::Role;
use crate::model::Sha256;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

const REQUIREMENTS: &str = include_str!("../../policies/requirements.yaml");

/// A copy of the sample.
struct Sample(TempDir);

impl Sample {
    fn new() -> Self {
        let sample = Self(tempfile::tempdir().unwrap());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
        for folder in ["cedar", "contracts"] {
            fs::create_dir(sample.path(folder)).unwrap();
            for entry in fs::read_dir(root.join(folder)).unwrap() {
                let entry = entry.unwrap();
                fs::copy(entry.path(), sample.path(folder).join(entry.file_name())).unwrap();
            }
        }
        sample.write("requirements.yaml", REQUIREMENTS);
        sample
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn load(&self) -> Result<Bundle, Diagnostics> {
        Bundle::load(self.0.path(), &Limits::default())
    }

    fn faults(&self) -> Vec<&'static str> {
        self.load().err().map(|faults| faults.iter().map(|fault| fault.code).collect()).unwrap_or_default()
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

#[test]
fn the_sample_loads_with_its_contracts() {
    let bundle = Sample::new().load().map_err(|faults| panic!("{faults}")).unwrap();
    let contract = bundle.contract(&name("smarthome")).unwrap();
    assert!(contract.operations().iter().any(|operation| operation.id == name("openDoor")));
    let contract = bundle.contract(&name("parkline")).unwrap();
    assert!(contract.operations().iter().any(|operation| operation.id == name("openBarrier")));
    assert!(bundle.contract(&name("other")).is_none());
    assert_eq!(bundle.contracts().count(), 2);
}

#[test]
fn the_digest_is_what_sha256sum_says_and_approvals_are_not_in_it() {
    let sample = Sample::new();
    sample.write("tests/doors.yaml", "version: 1\n");
    let digest = sample.load().map_err(|faults| panic!("{faults}")).unwrap().digest();
    sample.write("approvals/infosec.json", "{}");
    assert_eq!(sample.load().map_err(|faults| panic!("{faults}")).unwrap().digest(), digest);
    let line = "find * -type f -not -path 'approvals/*' | LC_ALL=C sort | xargs sha256sum | sha256sum";
    let output = Command::new("sh").args(["-c", line]).current_dir(sample.0.path()).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{digest}  -\n"));
}

#[test]
fn every_file_changes_the_digest_by_content_and_by_name() {
    let sample = Sample::new();
    let digest = |sample: &Sample| sample.load().map_err(|faults| panic!("{faults}")).unwrap().digest();
    sample.write("tests/a.yaml", "version: 1\n");
    let first = digest(&sample);
    sample.write("tests/a.yaml", "version: 1 # more\n");
    let second = digest(&sample);
    fs::rename(sample.path("tests/a.yaml"), sample.path("tests/b.yaml")).unwrap();
    let third = digest(&sample);
    assert!(first != second && second != third && first != third);
}

#[test]
fn policies_see_the_values_of_path_query_and_body_each_of_its_kind() {
    let sample = Sample::new();
    let contract = fs::read_to_string(sample.path("contracts/smarthome.openapi.yaml")).unwrap();
    let count = "        - {name: count, in: query, required: true, schema: {type: integer, minimum: 1, maximum: 9, x-portcullis: {class: public}}}\n";
    sample.write(
        "contracts/smarthome.openapi.yaml",
        &contract.replacen("      requestBody:\n", &format!("{count}      requestBody:\n"), 1),
    );
    let schema = fs::read_to_string(sample.path("cedar/schema.cedarschema")).unwrap();
    let with = |request: &str| {
        schema.replacen("tokenKind: String,", &format!("tokenKind: String, request: {{{request}}},"), 1)
    };
    sample.write("cedar/schema.cedarschema", &with("count: Long, reason?: String, houseId: String"));
    assert_eq!(sample.faults(), [""; 0]);
    for wrong in ["count: String", "reason: String", "nobody?: String"] {
        sample.write("cedar/schema.cedarschema", &with(wrong));
        assert_eq!(sample.faults(), ["context-attribute"], "{wrong}");
    }
}

#[test]
fn what_has_no_place_in_a_bundle_is_a_fault() {
    for path in [
        "readme.md",
        "contracts/smarthome.yaml",
        "contracts/.smarthome.openapi.yaml",
        "contracts/old/smarthome.openapi.yaml",
        "cedar/doors.cedar~",
        "cedar/doors cedar.cedar",
        "cedar/constants.yaml",
        "constants.json",
        "tests/run.sh",
        "requirement.yaml",
    ] {
        let sample = Sample::new();
        sample.write(path, "");
        assert_eq!(sample.faults(), ["unknown-file"], "{path}");
    }
}

#[test]
fn nothing_is_read_through_a_link_nor_from_what_is_no_file() {
    let outside = tempfile::tempdir().unwrap();
    let sample = Sample::new();
    symlink("doors.cedar", sample.path("cedar/link.cedar")).unwrap();
    assert_eq!(sample.faults(), ["link"]);
    let sample = Sample::new();
    fs::rename(sample.path("cedar/doors.cedar"), outside.path().join("doors.cedar")).unwrap();
    symlink(outside.path().join("doors.cedar"), sample.path("cedar/doors.cedar")).unwrap();
    assert!(sample.faults().contains(&"link"), "{:?}", sample.faults());
    let sample = Sample::new();
    fs::rename(sample.path("contracts"), outside.path().join("contracts")).unwrap();
    symlink(outside.path().join("contracts"), sample.path("contracts")).unwrap();
    assert!(sample.faults().contains(&"link"), "{:?}", sample.faults());
    let sample = Sample::new();
    symlink(outside.path(), sample.path("approvals")).unwrap();
    assert_eq!(sample.faults(), ["link"]);
    let sample = Sample::new();
    let made = Command::new("mkfifo").arg(sample.path("cedar/fifo.cedar")).status().unwrap();
    assert!(made.success());
    assert_eq!(sample.faults(), ["not-a-file"]);
    let sample = Sample::new();
    let _listening = UnixListener::bind(sample.path("cedar/socket.cedar")).unwrap();
    assert_eq!(sample.faults(), ["not-a-file"]);
}

#[test]
fn the_bundles_own_folder_may_be_a_link_and_a_volume_of_kubernetes_is_told_by_its_inner_folder() {
    // As Kubernetes lays a volume out: `..data` leads to the folder of now, and each name in it through that.
    let (volume, sample) = (tempfile::tempdir().unwrap(), Sample::new());
    let digest = sample.load().map_err(|faults| panic!("{faults}")).unwrap().digest();
    fs::rename(sample.0.path(), volume.path().join("..2026_11_27")).unwrap();
    symlink("..2026_11_27", volume.path().join("..data")).unwrap();
    for name in ["cedar", "contracts", "requirements.yaml"] {
        symlink(Path::new("..data").join(name), volume.path().join(name)).unwrap();
    }
    let load = |path: &Path| Bundle::load(path, &Limits::default());
    let loaded = load(&volume.path().join("..data")).map_err(|faults| panic!("{faults}")).unwrap();
    assert_eq!(loaded.digest(), digest);
    let faults = load(volume.path()).err().unwrap().to_string();
    assert!(faults.contains(&format!("name the folder `{}`", volume.path().join("..data").display())), "{faults}");
}

#[test]
fn statements_and_signatures_are_read_with_the_bundle_and_bounded() {
    let sample = Sample::new();
    let digest = sample.load().map_err(|faults| panic!("{faults}")).unwrap().digest();
    sample.write("approvals/infosec.json", "{}");
    fs::write(sample.path("approvals/infosec.json.sig"), vec![0xff; 16 * 1024]).unwrap();
    let bundle = sample.load().map_err(|faults| panic!("{faults}")).unwrap();
    assert_eq!(bundle.digest(), digest);
    let approvals: Vec<_> = bundle.approvals().map(|(name, bytes)| (name, bytes.len())).collect();
    assert_eq!(approvals, [("infosec.json", 2), ("infosec.json.sig", 16 * 1024)]);
    fs::write(sample.path("approvals/infosec.json.sig"), vec![0xff; 16 * 1024 + 1]).unwrap();
    assert_eq!(sample.faults(), ["unreadable-file"]);
    fs::remove_file(sample.path("approvals/infosec.json.sig")).unwrap();
    sample.write("approvals/readme.md", "");
    assert_eq!(sample.faults(), ["unknown-file"]);
}

#[test]
fn a_bundle_that_is_in_memory_is_the_bundle_that_is_on_disk() {
    let sample = Sample::new();
    sample.write("approvals/infosec.json", "{}");
    let bundle = sample.load().map_err(|faults| panic!("{faults}")).unwrap();
    let files = || {
        let files = bundle.files().map(|(path, source)| (path.to_owned(), source.text().as_bytes().to_vec()));
        files.chain(bundle.approvals().map(|(name, bytes)| (format!("approvals/{name}"), bytes.to_vec())))
    };
    let again = Bundle::of_files(Path::new("live"), files(), &Limits::default()).map_err(|faults| panic!("{faults}"));
    let again = again.unwrap();
    assert_eq!(again.digest(), bundle.digest());
    assert_eq!(again.approvals().count(), 1);
    let more = files().chain([("tests/../x.yaml".to_owned(), Vec::new())]);
    let faults = Bundle::of_files(Path::new("live"), more, &Limits::default()).err().unwrap();
    assert_eq!(faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["unknown-file"]);
}

#[test]
fn what_is_missing_is_a_fault() {
    for path in ["requirements.yaml", "cedar/schema.cedarschema"] {
        let sample = Sample::new();
        fs::remove_file(sample.path(path)).unwrap();
        assert_eq!(sample.faults(), ["missing-file"], "{path}");
    }
    let faults = Bundle::load(Path::new("/nowhere/policies"), &Limits::default()).err().unwrap().to_string();
    assert!(faults.contains("/nowhere/policies"), "{faults}");
}

#[test]
fn faults_of_all_files_are_reported_at_once() {
    let sample = Sample::new();
    sample.write("requirements.yaml", "version: 2\n");
    sample.write("cedar/broken.cedar", "permit (");
    sample.write("contracts/broken.openapi.yaml", "openapi: 3.1.0\n");
    let text = sample.load().err().unwrap().to_string();
    for file in ["requirements.yaml", "broken.cedar", "broken.openapi.yaml"] {
        assert!(text.contains(file), "{file}: {text}");
    }
}

#[test]
fn a_contract_stands_in_a_file_of_its_partners_name_and_has_its_hosts_in_the_requirements() {
    let sample = Sample::new();
    fs::rename(sample.path("contracts/smarthome.openapi.yaml"), sample.path("contracts/other.openapi.yaml")).unwrap();
    assert_eq!(sample.faults(), ["contract-file-name"]);
    let sample = Sample::new();
    sample.write("requirements.yaml", &REQUIREMENTS.replace("  smarthome:", "  other:"));
    assert_eq!(sample.faults(), ["missing-partner", "missing-contract"]);
}

#[test]
fn requirements_are_strict() {
    for (from, to, code) in [
        ("version: 1\n", "version: 1\nversions: 1\n", "unknown-key"),
        ("environment: development", "environment: [development]", "wrong-type"),
        ("hosts: [api.smarthome.example]", "hosts: []", "empty-list"),
        ("hosts: [api.smarthome.example]", "hosts: [a.example, a.example]", "twice"),
        ("hosts: [api.smarthome.example]", "host: [a.example]", "missing-key"),
        ("hosts: [api.smarthome.example]", "{hosts: [api.smarthome.example], ca: []}", "empty-list"),
        ("hosts: [api.smarthome.example]", "{hosts: [api.smarthome.example], ca: [sha256]}", "malformed-pin"),
        ("sessions: ", "session: ", "missing-key"),
        ("  - https://login", "  - {issuer: https://login.prop.example}\n  - https://login", "missing-key"),
        ("  - https://login", "  - {issuer: https://a.example, bind: [none]}\n  - https://login", "unknown-word"),
        ("  - https://login", "  - https://login.prop.example\n  - https://login", "twice"),
        ("partners:\n", "roles: [owner]\npartners:\n", "unknown-word"),
        ("partners:\n", "client_ca: {ops: []}\npartners:\n", "unknown-key"),
        ("partners:\n", "softeners: {limits.body_max_bytes: [1]}\npartners:\n", "wrong-type"),
    ] {
        let sample = Sample::new();
        sample.write("requirements.yaml", &REQUIREMENTS.replace(from, to));
        assert!(sample.faults().contains(&code), "{to}: {:?}", sample.faults());
    }
}

/// A configuration, each statement on a line of its own, which keeps everything that [`STRICT`] requires.
const STATED: [&str; 12] = [
    "environment: production",
    "issuer: https://login.prop.example",
    "issuer: https://gateway.prop.example/sessions",
    "upstream: https://api.smarthome.example",
    "ca: pki/partner-ca.pem",
    "endpoint: https://api.smarthome.example/hooks",
    "upstream: https://backend.prop.example",
    "ca: pki/backend-server-ca.pem",
    "client_ca: pki/backend-ca.pem",
    "client_ca: pki/partner-clients-ca.pem",
    "admin: {socket: state/admin.sock}",
    "exchange_timeout_ms: 20s",
];

/// Requirements with everything that there is; `{0}` and so on stand for pins.
const STRICT: &str = "version: 1
environment: production
issuers:
  - {issuer: https://login.prop.example, bind: [mtls], hosts: [login.prop.example], ca: [{5}]}
sessions: {issuer: https://gateway.prop.example/sessions, bind: [dpop]}
partners:
  smarthome:
    hosts: [api.smarthome.example]
    ca: [{0}]
  parkline: {hosts: [api.parkline.example]}
backend:
  hosts: [backend.prop.example]
  ca: [{1}]
client_ca:
  backend: [{2}, {3}]
  partner: [{4}]
roles: [operator, lifter]
softeners:
  limits.exchange_timeout_ms: 20s
  limits.connections_max: 20000
";

/// The digest that stands for an authority in these tests, of its certificate (`0`) or of its key.
fn pin(authority: u8, of_key: u8) -> Sha256 {
    Sha256::new([authority * 16 + of_key; 32])
}

fn line_of(text: &str) -> Place {
    let at = STATED.iter().position(|line| *line == text).unwrap();
    Place { line: u32::try_from(at).unwrap() + 1, column: 1 }
}

fn authorities(of: &[u8], line: &str) -> Authorities {
    Authorities { digests: of.iter().map(|one| [pin(*one, 0), pin(*one, 1)]).collect(), place: line_of(line) }
}

fn issuer(text: &str) -> StatedIssuer {
    let place = line_of(&format!("issuer: {text}"));
    StatedIssuer { issuer: text.into(), bound: vec!["mtls".into()], keys: None, place }
}

fn host(host: &str, line: &str, authority: u8, ca: &str) -> StatedHost {
    StatedHost { host: host.into(), place: line_of(line), authorities: authorities(&[authority], ca) }
}

fn stated() -> Stated {
    let login = issuer("https://login.prop.example");
    let partner = |line| (name("smarthome"), host("api.smarthome.example", line, 1, STATED[4]));
    Stated {
        source: Source::new("gateway.yaml", STATED.join("\n")),
        environment: (name("production"), line_of(STATED[0])),
        issuers: vec![StatedIssuer { keys: Some(host("login.prop.example", STATED[1], 6, STATED[1])), ..login }],
        sessions: StatedIssuer { bound: vec!["dpop".into()], ..issuer("https://gateway.prop.example/sessions") },
        partners: vec![partner(STATED[3]), partner(STATED[5])],
        backend: Some(host("backend.prop.example", STATED[6], 2, STATED[7])),
        backend_clients: authorities(&[3, 4], STATED[8]),
        partner_clients: Some(authorities(&[5], STATED[9])),
        roles: Some(vec![Role::Lifter, Role::Operator]),
        roles_place: line_of(STATED[10]),
        softeners: vec![softener("limits.exchange_timeout_ms", "20s")],
    }
}

fn softener(key: &str, value: &str) -> StatedSoftener {
    StatedSoftener { key: key.into(), value: value.into(), place: line_of(STATED[11]) }
}

/// The bundle under the strict requirements. Authorities are pinned by certificate and by key, in every way of writing.
fn strict() -> Bundle {
    let sample = Sample::new();
    let colons = |digest: Sha256| {
        let digits: Vec<char> = digest.to_string().to_uppercase().chars().collect();
        format!("'{}'", digits.chunks(2).map(|pair| pair.iter().collect()).collect::<Vec<String>>().join(":"))
    };
    let plain = |digest: Sha256| format!("'{digest}'");
    let pins =
        [plain(pin(1, 0)), colons(pin(2, 1)), plain(pin(3, 1)), colons(pin(4, 0)), plain(pin(5, 1)), plain(pin(6, 1))];
    let written =
        pins.iter().enumerate().fold(STRICT.to_owned(), |text, (at, pin)| text.replace(&format!("{{{at}}}"), pin));
    sample.write("requirements.yaml", &written);
    sample.load().map_err(|faults| panic!("{faults}")).unwrap()
}

#[test]
fn a_configuration_that_is_softer_than_required_is_refused_with_the_lines_of_both_files() {
    let bundle = strict();
    type Soften = fn(&mut Stated);
    let rows: &[(Soften, u32, usize)] = &[
        (|stated| stated.environment.0 = name("staging"), 2, 0),
        (|stated| stated.issuers[0].issuer = "https://evil.example".into(), 4, 1),
        (|stated| stated.issuers[0].bound.push("dpop".into()), 4, 1),
        (|stated| stated.issuers[0].keys.as_mut().unwrap().host = "evil.example".into(), 4, 1),
        (|stated| stated.issuers[0].keys.as_mut().unwrap().authorities.digests[0] = [pin(9, 0), pin(9, 1)], 4, 1),
        // A sign-in issuer's tokens would open doors.
        (|stated| stated.sessions.issuer = "https://login.prop.example".into(), 5, 2),
        (|stated| stated.sessions.bound = vec!["mtls".into()], 5, 2),
        (|stated| stated.issuers.push(stated.sessions.clone()), 4, 2),
        (|stated| stated.partners[0].1.host = "evil.example".into(), 7, 3),
        (|stated| stated.partners[1].1.host = "evil.example".into(), 7, 5),
        (|stated| stated.partners[0].0 = name("other"), 7, 3),
        (|stated| stated.partners[0].1.authorities.digests[0] = [pin(9, 0), pin(9, 1)], 9, 4),
        (|stated| stated.partners[0].1.authorities.digests.push([pin(9, 0), pin(9, 1)]), 9, 4),
        (|stated| stated.backend.as_mut().unwrap().host = "evil.example".into(), 12, 6),
        (|stated| stated.backend.as_mut().unwrap().authorities.digests[0][1] = pin(9, 1), 13, 7),
        (|stated| stated.backend_clients.digests.push([pin(9, 0), pin(9, 1)]), 15, 8),
        (|stated| stated.partner_clients.as_mut().unwrap().digests[0][1] = pin(9, 1), 16, 9),
        (|stated| stated.roles = Some(vec![Role::Operator]), 17, 10),
        (|stated| stated.softeners[0].value = "21s".into(), 19, 11),
        (|stated| stated.softeners[0].key = "limits.body_timeout_ms".into(), 0, 11),
    ];
    assert!(bundle.requirements().undercut(&stated()).is_empty(), "{}", bundle.requirements().undercut(&stated()));
    for (number, (soften, line, there)) in rows.iter().enumerate() {
        let mut softer = stated();
        soften(&mut softer);
        let faults = bundle.requirements().undercut(&softer);
        let found: Vec<_> = faults.iter().map(|fault| (fault.code, fault.place.line)).collect();
        assert_eq!(found, [("requirement-undercut", *line)], "row {number}: {faults}");
        let (number, text) = (there + 1, STATED[*there]);
        assert!(faults.to_string().contains(&format!("`gateway.yaml:{number}`: `{text}`")), "{faults}");
    }
    let nobody = Stated { roles: None, ..stated() };
    assert_eq!(bundle.requirements().undercut(&nobody).iter().count(), 2, "each role");
}

#[test]
fn in_development_what_is_softer_need_not_be_approved_and_what_is_not_pinned_may_be_anybodys() {
    let sample = Sample::new();
    let bundle = sample.load().map_err(|faults| panic!("{faults}")).unwrap();
    let mut soft = stated();
    soft.environment.0 = name("development");
    soft.softeners.push(softener("environment", "development"));
    soft.roles = None;
    assert!(bundle.requirements().undercut(&soft).is_empty(), "{}", bundle.requirements().undercut(&soft));
}
