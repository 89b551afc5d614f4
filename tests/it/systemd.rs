//! systemd: the units are valid and narrow, a gateway that is started as they would start it serves, and what is handed
//! over to it must be what it asks for.
//!
//! systemd itself does not run here. Its own tools judge the units (`systemd-analyze verify` and `security`), and
//! `supervisor.py` hands over what the units say, by sd_listen_fds(3); `scripts/try-install` starts the real one.

use crate::harness::Command as Door;
use crate::harness::PATIENCE;
use crate::harness::Process;
use crate::harness::Stage;
use crate::harness::now;
use crate::harness::ops_page;
use portcullis::clock::UnixMillis;
use portcullis::devkit::Signatories;
use portcullis::devkit::Validity;
use portcullis::limits::Limits;
use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

const PROGRAM: &str = env!("CARGO_BIN_EXE_portcullis");
const SUPERVISOR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/systemd/supervisor.py");
const SERVICE: &str = include_str!("../../deploy/systemd/portcullis.service");
const SOCKET: &str = include_str!("../../deploy/systemd/portcullis.socket");
const CONFIGURATION: &str = include_str!("../../deploy/systemd/gateway.yaml");

/// The most that `systemd-analyze security` may say of the service, in tenths; it calls 2.0 and below well protected.
const EXPOSURE: &str = "12";

/// What the supervisor's own time for a stop must leave beyond the gateway's, in milliseconds.
const MARGIN_MS: u64 = 5_000;

/// The values of a key of a unit, in their order.
fn values<'u>(unit: &'u str, key: &str) -> Vec<&'u str> {
    let value = |line: &'u str| line.strip_prefix(key)?.strip_prefix('=');
    unit.lines().filter_map(value).map(str::trim).collect()
}

/// The one value of a key of a unit.
#[track_caller]
fn value<'u>(unit: &'u str, key: &str) -> &'u str {
    let found = values(unit, key);
    assert_eq!(found.len(), 1, "{key}: {found:?}");
    found[0]
}

/// What `LoadCredential=` gives: names and files.
fn credentials() -> Vec<(&'static str, &'static str)> {
    values(SERVICE, "LoadCredential").iter().map(|text| text.split_once(':').unwrap()).collect()
}

/// The units in a folder, with the program that there is here.
fn units(folder: &Path, service: &str) {
    fs::write(folder.join("portcullis.service"), service.replace("/usr/bin/portcullis", PROGRAM)).unwrap();
    fs::write(folder.join("portcullis.socket"), SOCKET).unwrap();
}

fn analyze(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("systemd-analyze");
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

#[test]
fn the_units_are_valid_to_systemd_and_a_misspelt_key_in_them_is_not() {
    let place = tempfile::tempdir().unwrap();
    let verify = ["verify", "--man=no", "./portcullis.service", "./portcullis.socket"];
    units(place.path(), SERVICE);
    let verified = analyze(place.path(), &verify);
    assert_eq!((verified.status.code(), said(&verified).as_str()), (Some(0), ""));
    units(place.path(), &SERVICE.replace("ProtectSystem=", "ProtectSytem="));
    let verified = said(&analyze(place.path(), &verify));
    assert!(verified.contains("Unknown key") && verified.contains("ProtectSytem"), "{verified}");
}

#[test]
fn systemd_calls_the_service_well_protected_and_would_not_without_its_fences() {
    let place = tempfile::tempdir().unwrap();
    let threshold = format!("--threshold={EXPOSURE}");
    let judge = ["security", "--offline=yes", &threshold, "./portcullis.service"];
    units(place.path(), SERVICE);
    let judged = analyze(place.path(), &judge);
    assert_eq!(judged.status.code(), Some(0), "{}", said(&judged));
    for fence in ["NoNewPrivileges=", "CapabilityBoundingSet=", "ProtectSystem=", "SystemCallFilter=@"] {
        assert!(SERVICE.contains(fence), "{fence}");
        units(place.path(), &SERVICE.replace(&format!("\n{fence}"), "\n# "));
        let judged = analyze(place.path(), &judge);
        assert_eq!(judged.status.code(), Some(1), "without {fence} it is judged the same");
    }
}

#[test]
fn the_units_give_what_the_configuration_beside_them_asks_for() {
    let written = |prefix: &str| -> BTreeSet<&str> {
        let found = CONFIGURATION.lines().filter(|line| !line.trim_start().starts_with('#'));
        let words = found.flat_map(|line| line.split(prefix).skip(1));
        words.map(|rest| rest.split([' ', '}', ',']).next().unwrap()).collect()
    };
    assert_eq!(written("credential:"), credentials().iter().map(|(name, _)| *name).collect());
    assert!(credentials().iter().all(|(name, file)| *file == format!("/etc/portcullis/secrets/{name}")));
    assert_eq!(written("systemd:"), [value(SOCKET, "FileDescriptorName")].into());
    assert_eq!(values(SOCKET, "ListenStream").len(), 1, "one socket has that name");
    assert_eq!(value(SOCKET, "Service"), "portcullis.service");
    let folders: BTreeSet<_> = value(SERVICE, "StateDirectory").split(' ').collect();
    assert_eq!(folders, ["portcullis", "portcullis/audit"].into());
    for path in written("/var/lib/") {
        let folder = path.rsplit_once('/').map_or(path, |(folder, _)| folder);
        assert!(folders.contains(folder) || folders.contains(path), "{path}");
    }
    for path in written("/run/") {
        assert_eq!(path.split('/').next(), Some(value(SERVICE, "RuntimeDirectory")), "{path}");
    }
    let limits = Limits::default();
    let stop: u64 = value(SERVICE, "TimeoutStopSec").strip_suffix('s').unwrap().parse().unwrap();
    assert!(stop * 1_000 >= limits.shutdown_lead_ms + limits.shutdown_timeout_ms + MARGIN_MS);
}

/// A stage on which a gateway is started as the units say: the shipped configuration, with what it names.
struct Machine {
    stage: Stage,
    /// Where the supervisor hears.
    notify: UnixDatagram,
}

impl Machine {
    fn new() -> Self {
        let stage = Stage::new();
        let people = Signatories::new().unwrap();
        stage.approve(&people, UnixMillis::new(now().get() * 1_000)).unwrap();
        for folder in ["etc", "etc/tls", "etc/secrets", "var", "run"] {
            fs::create_dir(stage.path(folder)).unwrap();
        }
        for folder in values(SERVICE, "StateDirectory").iter().flat_map(|all| all.split(' ')) {
            fs::DirBuilder::new().mode(0o700).create(stage.path("var").join(folder)).unwrap();
        }
        fs::DirBuilder::new().mode(0o700).create(stage.path("run/portcullis")).unwrap();
        let copy = |from: &str, to: &str| {
            fs::copy(stage.path(from), stage.path(to)).unwrap();
        };
        for name in ["gateway.pem", "gateway.key", "login.jwks", "session.key"] {
            copy(&format!("pki/{name}"), &format!("etc/tls/{name}"));
        }
        for end in ["pem", "key"] {
            copy(&format!("pki/gateway-at-partner.{end}"), &format!("etc/tls/gateway-at-smarthome.{end}"));
        }
        copy("pki/backend-authority.pem", "etc/tls/backend-ca.pem");
        copy("pki/partner-authority.pem", "etc/tls/smarthome-ca.pem");
        copy("directory.yaml", "etc/directory.yaml");
        copy("signers.yaml", "etc/signers.yaml");
        let none_revoked = stage.pki.backend_authority.crl(&[], Validity::a_day_from(now())).unwrap();
        fs::write(stage.path("etc/tls/backend-ca.crl"), none_revoked).unwrap();
        for (name, from) in [
            ("store", "store"),
            ("checkpoint", "checkpoint"),
            ("smarthome-token", "partner-token"),
            ("smarthome-signing", "partner-signing"),
            ("smarthome-pseudonym", "pseudonym"),
        ] {
            copy(&format!("pki/{from}.key"), &format!("etc/secrets/{name}.key"));
        }
        fs::rename(stage.path("policies"), stage.path("etc/policies")).unwrap();
        let notify = UnixDatagram::bind(stage.path("notify")).unwrap();
        notify.set_read_timeout(Some(PATIENCE)).unwrap();
        let machine = Self { stage, notify };
        machine.configure(|text| text);
        machine
    }

    /// Writes the shipped configuration as it is here, and as `change` changes it.
    fn configure(&self, change: impl FnOnce(String) -> String) {
        let mut text = CONFIGURATION.to_owned();
        let partner = format!("https://{}\n    server_name: localhost", self.stage.partner.address());
        let (run, var) = (self.stage.path("run"), self.stage.path("var"));
        for (from, to) in [
            ("environment: production", "environment: development"),
            ("https://api.smarthome.example:443", &partner),
            ("127.0.0.1:9464", "127.0.0.1:0"),
            ("/run/", &format!("{}/", run.display())),
            ("/var/lib/", &format!("{}/", var.display())),
        ] {
            let changed = text.replace(from, to);
            assert_ne!(changed, text, "{from}");
            text = changed;
        }
        text.push_str("limits: {shutdown_lead_ms: 0ms}\n");
        fs::write(self.stage.path("etc/gateway.yaml"), change(text)).unwrap();
    }

    /// Copies the credentials that the unit loads into a folder that nobody may write, as systemd does.
    fn load_credentials(&self) {
        let folder = self.stage.path("credentials");
        fs::create_dir(&folder).unwrap();
        for (name, file) in credentials() {
            let from = self.stage.path(&file.replace("/etc/portcullis", "etc"));
            fs::copy(from, folder.join(name)).unwrap();
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o400)).unwrap();
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o500)).unwrap();
    }

    /// What the unit would start, with sockets of these names; with nothing in its environment but what systemd sets.
    fn command(&self, sockets: &str) -> Command {
        let start: Vec<&str> = value(SERVICE, "ExecStart").split(' ').collect();
        assert_eq!(start[0], "/usr/bin/portcullis");
        let mut command = Command::new("sh");
        command.env_clear().current_dir("/").stdin(Stdio::null());
        let umask = value(SERVICE, "UMask");
        command.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh", "/usr/bin/python3", SUPERVISOR, sockets]);
        command.arg(PROGRAM);
        let configuration = self.stage.path("etc/gateway.yaml");
        for argument in &start[1..] {
            command.arg(if *argument == "/etc/portcullis/gateway.yaml" {
                configuration.as_os_str()
            } else {
                argument.as_ref()
            });
        }
        command.env("NOTIFY_SOCKET", self.stage.path("notify"));
        command.env("CREDENTIALS_DIRECTORY", self.stage.path("credentials"));
        command
    }

    /// The next word that the supervisor hears, but for what keeps the watchdog quiet.
    fn hears(&self) -> String {
        loop {
            let word = self.hears_anything();
            if word != "WATCHDOG=1\n" {
                return word;
            }
        }
    }

    fn hears_anything(&self) -> String {
        let mut buffer = [0; 4096];
        let length = self.notify.recv(&mut buffer).expect("the supervisor is told something");
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    /// What a gateway says that refuses to start.
    fn refusal(&self, sockets: &str) -> String {
        let output = self.command(sockets).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        said(&output)
    }
}

fn signal(process: &Process, name: &str) {
    let sent = Command::new("kill").args([name, &process.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn a_gateway_started_as_the_unit_starts_it_serves_the_socket_it_was_given_and_tells_the_supervisor() {
    let machine = Machine::new();
    machine.load_credentials();
    let mut command = machine.command(value(SOCKET, "FileDescriptorName"));
    // The unit's own time, a thirtieth of it: the gateway keeps to whatever it is told.
    assert_eq!(value(SERVICE, "WatchdogSec"), "30s");
    command.env("WATCHDOG_USEC", "1000000");
    let mut process = Process::of(command);
    assert_eq!(machine.hears(), "READY=1\nSTATUS=serving\n");
    assert_eq!(ops_page(process.ops, "/readyz").0, 200);
    Door::new(&machine.stage).told(&machine.stage, process.address).is(200, "");
    for _ in 0..3 {
        assert_eq!(machine.hears_anything(), "WATCHDOG=1\n");
    }

    // The operator stands outside of the service: no credentials, no sockets.
    let mut revoke = Command::new(PROGRAM);
    revoke.args(["revoke", "--kind", "device", "--tenant", "north", "phone-9", "--config"]).env_clear();
    let revoked = revoke.arg(machine.stage.path("etc/gateway.yaml")).output().unwrap();
    assert!(said(&revoked).starts_with("in force since epoch "), "{}", said(&revoked));

    assert_eq!(value(SERVICE, "ExecReload"), "/bin/sh -c 'kill -HUP $MAINPID'");
    let renewed = machine.stage.pki.backend_authority.crl(&[&machine.stage.pki.backend], Validity::a_day_from(now()));
    let backend = machine.stage.backend(process.address);
    assert_eq!(machine.stage.wait(Door::new(&machine.stage).give(&backend)).unwrap().status, 200);
    fs::write(machine.stage.path("etc/tls/backend-ca.crl"), renewed.unwrap()).unwrap();
    signal(&process, "-HUP");
    let reloading = machine.hears();
    let time = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap_or_else(|| panic!("{reloading}"));
    assert!(time.trim_end().parse::<u64>().unwrap() > 0);
    assert_eq!(machine.hears(), "READY=1\nSTATUS=serving\n");
    let refused = machine.stage.wait(Door::new(&machine.stage).give(&backend));
    assert!(refused.is_err() || refused.unwrap().status == 401, "the backend's certificate is on the list now");
    fs::write(machine.stage.path("etc/tls/backend-ca.crl"), "nothing").unwrap();
    signal(&process, "-HUP");
    assert!(machine.hears().starts_with("RELOADING=1\n"));
    assert_eq!(machine.hears(), "READY=1\nSTATUS=serving; changed files were refused, see the log\n");

    process.terminate();
    assert_eq!(machine.hears(), "STOPPING=1\nSTATUS=going down\n");
    process.until("going down");
    let (status, log) = process.ended();
    assert_eq!(status.code(), Some(0), "{}", log.join("\n"));
    let mode = |name: &str| fs::metadata(machine.stage.path(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!([mode("var/portcullis"), mode("var/portcullis/store.sqlite")], [0o700, 0o600]);
}

#[test]
fn both_listeners_can_be_handed_over_and_their_order_does_not_matter() {
    let machine = Machine::new();
    machine.load_credentials();
    machine.configure(|text| text.replace("\"127.0.0.1:0\"", "systemd:ops"));
    for sockets in ["backend:ops", "ops:backend"] {
        let process = Process::of(machine.command(sockets));
        let known: [SocketAddr; 2] = [process.address, process.ops];
        assert_ne!(known[0], known[1]);
        assert_eq!(ops_page(process.ops, "/readyz").0, 200);
        Door::new(&machine.stage).told(&machine.stage, process.address).is(200, "");
        process.terminate();
        assert_eq!(process.ended().0.code(), Some(0));
    }
}

#[test]
fn what_is_handed_over_must_be_what_is_asked_for() {
    let machine = Machine::new();
    machine.load_credentials();
    let cases: &[(&str, &[&str])] = &[
        ("other", &["error[socket-not-inherited]", "`backend` of `listeners.backend.address`", "left: other", ":16:"]),
        ("backend:backend", &["error[socket-not-inherited]", "several times"]),
        ("backend!", &["error[socket-not-inherited]", "does not listen"]),
        ("backend:web", &["error[socket-not-asked-for]", "no listener takes: web"]),
    ];
    for (sockets, words) in cases {
        let told = machine.refusal(sockets);
        assert!(words.iter().all(|word| told.contains(word)), "{sockets}: {words:?} in\n{told}");
    }
    // Sockets that are meant for another process are left alone.
    let mut command = Command::new(PROGRAM);
    command.args(["run", "--config"]).arg(machine.stage.path("etc/gateway.yaml"));
    command.env("CREDENTIALS_DIRECTORY", machine.stage.path("credentials"));
    command.envs([("LISTEN_PID", "1"), ("LISTEN_FDS", "1"), ("LISTEN_FDNAMES", "backend")]);
    let told = said(&command.stdin(Stdio::null()).output().unwrap());
    assert!(told.contains("error[socket-not-inherited]") && !told.contains("left"), "{told}");
}

#[test]
fn a_credential_that_nobody_hands_over_or_that_is_no_name_is_refused_at_its_line() {
    let machine = Machine::new();
    machine.load_credentials();
    let mut command = machine.command("backend");
    command.env_remove("CREDENTIALS_DIRECTORY");
    let told = said(&command.output().unwrap());
    let words = ["error[missing-file]", "`/$CREDENTIALS_DIRECTORY/store.key`", "LoadCredential=NAME:FILE"];
    assert!(words.iter().all(|word| told.contains(word)), "{told}");
    assert_eq!(told.matches("error[missing-file]").count(), credentials().len(), "all at once: {told}");
    for name in ["../store.key", "a/store.key", "", ".store.key"] {
        machine.configure(|text| text.replace("credential:store.key", &format!("\"credential:{name}\"")));
        let told = machine.refusal("backend");
        assert!(told.contains("error[malformed-credential]") && told.contains(":68:8"), "{name}: {told}");
    }
    machine.configure(|text| text.replace("systemd:backend", "systemd:a/b"));
    let told = machine.refusal("backend");
    assert!(told.contains("error[malformed-address]") && told.contains("FileDescriptorName="), "{told}");
}

#[test]
fn the_limit_on_descriptors_of_the_unit_suffices_for_a_large_machine() {
    let machine = Machine::new();
    machine.load_credentials();
    machine.configure(|text| format!("{text}workers: 64\n").replace("127.0.0.1:0", "127.0.0.1:1"));
    // What the start needs is looked at first; the address that may not be bound ends it after that.
    let limit: u64 = value(SERVICE, "LimitNOFILE").parse().unwrap();
    let start = |descriptors: u64| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {descriptors} && exec \"$@\""), "sh", PROGRAM, "run", "--config"]);
        command.arg(machine.stage.path("etc/gateway.yaml")).stdin(Stdio::null());
        said(&command.env("CREDENTIALS_DIRECTORY", machine.stage.path("credentials")).output().unwrap())
    };
    let needed = start(64);
    let needed: u64 = needed.split("LimitNOFILE=").nth(1).unwrap().split('`').next().unwrap().parse().unwrap();
    assert!(needed < limit / 4, "{needed} of {limit}");
}
