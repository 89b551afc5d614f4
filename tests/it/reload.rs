//! Changed files are taken up while the gateway runs, and no connection is dropped for it; what is broken leaves the old in
//! force and is told; and nothing that has merely expired makes a restart fail.

use crate::harness::Command;
use crate::harness::Process;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use crate::harness::ops_page;
use crate::harness::until;
use portcullis::clock::UnixSeconds;
use portcullis::crypto::Certificate;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::SigningKey;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::Authority;
use portcullis::devkit::BackendConnection;
use portcullis::devkit::BackendFault;
use portcullis::devkit::GATEWAY;
use portcullis::devkit::Issued;
use portcullis::devkit::Leaf;
use portcullis::devkit::Misbehaviour;
use portcullis::devkit::PARKLINE_AUTHORITY;
use portcullis::devkit::TokenIssuer;
use portcullis::devkit::Validity;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::Path;

fn day() -> Validity {
    Validity::a_day_from(now())
}

/// The certificate and key of `issued` under a stem of `pki/`, in place of what is there; the key first, as others do it.
fn put(stage: &Stage, stem: &str, issued: &Issued) {
    let fresh = tempfile::tempdir_in(stage.path("pki")).unwrap();
    let (certificate, key) = issued.write(fresh.path(), stem).unwrap();
    fs::rename(key, stage.path(&format!("pki/{stem}.key"))).unwrap();
    fs::rename(certificate, stage.path(&format!("pki/{stem}.pem"))).unwrap();
}

/// A new certificate for the listener, as the one that is there.
fn listener(stage: &Stage) -> Issued {
    stage
        .pki
        .gateway_authority
        .issue(&Leaf::server(&[AUTHORITY, PARKLINE_AUTHORITY, "gateway.prop.example", "localhost", "127.0.0.1"], day()))
        .unwrap()
}

/// The serial number that a new connection is shown.
fn shown(gateway: &Served, stage: &Stage) -> Vec<u8> {
    let identity = stage.pki.backend.identity().unwrap();
    let config =
        portcullis::crypto::client_config(Some(&identity), vec![stage.pki.gateway_authority.root()], &["http/1.1"]);
    stage.wait(async {
        let tcp = tokio::net::TcpStream::connect(gateway.address).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(config.unwrap());
        let tls = connector.connect(AUTHORITY.try_into().unwrap(), tcp).await.unwrap();
        let leaf = tls.get_ref().1.peer_certificates().unwrap()[0].clone();
        Certificate::parse(&leaf).unwrap().serial.into_vec()
    })
}

fn reloads(gateway: &Served, result: &str, times: u64) {
    let series = format!("portcullis_reloads_total{{result=\"{result}\"}} {times}\n");
    until(&series, || gateway.metrics().contains(&series));
}

/// Gives a good command on a connection that stands.
fn on(stage: &Stage, connection: &mut BackendConnection, command: &Command) -> u16 {
    stage.wait(command.give_on(connection)).unwrap().status
}

#[test]
fn a_new_certificate_is_shown_to_who_comes_after_and_who_is_there_stays() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let mut standing = stage.wait(stage.backend(gateway.address).connect()).unwrap();
    assert_eq!(on(&stage, &mut standing, &Command::new(&stage)), 200);
    let fresh = listener(&stage);
    put(&stage, "gateway", &fresh);
    reloads(&gateway, "done", 1);
    assert_eq!(shown(&gateway, &stage), fresh.parsed().unwrap().serial.into_vec());
    assert_eq!(on(&stage, &mut standing, &Command::new(&stage)), 200, "the same connection");
}

#[test]
fn files_behind_the_symbolic_link_that_kubernetes_swaps_are_taken_up_as_one() {
    let stage = Stage::new();
    let volume = stage.path("volume");
    let generation = |name: &str, issued: &Issued| {
        let folder = volume.join(name);
        fs::create_dir_all(&folder).unwrap();
        issued.write(&folder, "tls").unwrap();
    };
    let (first, second) = (listener(&stage), listener(&stage));
    generation("..first", &first);
    generation("..second", &second);
    symlink("..first", volume.join("..data")).unwrap();
    for name in ["tls.pem", "tls.key"] {
        symlink(Path::new("..data").join(name), volume.join(name)).unwrap();
    }
    stage.edit(
        "gateway.yaml",
        "certificate: pki/gateway.pem, key: pki/gateway.key",
        "certificate: volume/tls.pem, key: volume/tls.key",
    );
    let gateway = Served::on(&stage);
    assert_eq!(shown(&gateway, &stage), first.parsed().unwrap().serial.into_vec());
    symlink("..second", volume.join("..next")).unwrap();
    fs::rename(volume.join("..next"), volume.join("..data")).unwrap();
    reloads(&gateway, "done", 1);
    assert_eq!(shown(&gateway, &stage), second.parsed().unwrap().serial.into_vec());
}

#[test]
fn a_broken_change_leaves_the_old_in_force_and_is_told_until_it_is_mended() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let before = shown(&gateway, &stage);
    let good_key = fs::read(stage.path("pki/gateway.key")).unwrap();
    let good_keys = fs::read(stage.path("pki/login.jwks")).unwrap();
    let other = listener(&stage);
    let fresh = tempfile::tempdir_in(stage.path("pki")).unwrap();
    let (_, key) = other.write(fresh.path(), "other").unwrap();
    let works = || {
        assert_eq!(shown(&gateway, &stage), before);
        let answer = stage.wait(Command::new(&stage).give(&stage.backend(gateway.address))).unwrap();
        assert_eq!((answer.status, gateway.not_ready()), (200, String::new()));
    };
    let mut failed = 0;
    let mut refused = |broken: &dyn Fn(), mended: &dyn Fn()| {
        broken();
        failed += 1;
        reloads(&gateway, "failed", failed);
        assert!(ops_page(gateway.ops, "/readyz").1.contains("\"notices\":[\"reload-failed\"]"));
        works();
        mended();
        until("the notice's end", || ops_page(gateway.ops, "/readyz").1.contains("\"notices\":[]"));
    };
    let write = |name: &str, bytes: &[u8]| fs::write(stage.path(name), bytes).unwrap();
    let mend_key = || write("pki/gateway.key", &good_key);
    let mend_keys = || write("pki/login.jwks", &good_keys);
    refused(&|| write("pki/gateway.key", &fs::read(&key).unwrap()), &mend_key);
    refused(&|| write("pki/gateway.key", &fs::read(stage.path("pki/gateway-at-partner.key")).unwrap()), &mend_key);
    refused(&|| write("pki/login.jwks", b"{"), &mend_keys);
    let session_key = fs::read(stage.path("pki/session.key")).unwrap();
    let elsewhere = stage.path("pki/elsewhere.key");
    refused(&|| fs::rename(stage.path("pki/session.key"), &elsewhere).unwrap(), &|| {
        fs::rename(&elsewhere, stage.path("pki/session.key")).unwrap()
    });
    refused(&|| write("pki/session.key", b"-----BEGIN NOTHING-----"), &|| write("pki/session.key", &session_key));
    refused(
        &|| {
            fs::set_permissions(stage.path("pki/gateway.key"), fs::Permissions::from_mode(0o644))
                .and_then(|()| fs::write(stage.path("pki/login.jwks"), stage.login.jwks() + "\n"))
                .unwrap()
        },
        &|| {
            fs::set_permissions(stage.path("pki/gateway.key"), fs::Permissions::from_mode(0o600))
                .and_then(|()| fs::write(stage.path("pki/login.jwks"), stage.login.jwks()))
                .unwrap()
        },
    );
    assert!(gateway.metrics().contains("portcullis_reloads_total{result=\"done\"} 0\n"), "nothing new was taken up");
    works();
}

#[test]
fn an_issuers_new_keys_are_good_and_its_old_ones_are_not() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    let old = Command::new(&stage);
    assert_eq!(stage.wait(old.give(&backend)).unwrap().status, 200);
    let pem = SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap();
    let rotated = TokenIssuer::with(stage.sessions.name(), &pem).unwrap();
    let new = Command::new(&stage).bearing(rotated.mint(&stage.claims_of(&rotated)).unwrap());
    assert_eq!(stage.wait(new.give(&backend)).unwrap().status, 401, "a key that nobody knows yet");
    fs::write(stage.path("pki/session.key"), pem.expose()).unwrap();
    reloads(&gateway, "done", 1);
    assert_eq!(stage.wait(new.give(&backend)).unwrap().status, 200);
    assert_eq!(
        stage.wait(old.again().under("another-key").give(&backend)).unwrap().status,
        401,
        "also if it was remembered"
    );
}

#[test]
fn whoever_is_revoked_by_a_new_list_is_refused_on_a_connection_that_stands() {
    let stage = Stage::new();
    let authority = &stage.pki.backend_authority;
    fs::write(stage.path("pki/clients.crl"), authority.crl(&[], day()).unwrap()).unwrap();
    stage.edit(
        "gateway.yaml",
        "client_ca: pki/backend-authority.pem",
        "client_ca: pki/backend-authority.pem, crl: [pki/clients.crl]",
    );
    let gateway = Served::on(&stage);
    let mut standing = stage.wait(stage.backend(gateway.address).connect()).unwrap();
    let mut second = stage.wait(stage.backend(gateway.address).connect()).unwrap();
    assert_eq!(on(&stage, &mut standing, &Command::new(&stage)), 200);
    fs::write(stage.path("pki/clients.crl"), authority.crl(&[&stage.pki.backend], day()).unwrap()).unwrap();
    reloads(&gateway, "done", 1);
    let bytes = stage.partner.progress().bytes;
    assert_eq!(on(&stage, &mut standing, &Command::new(&stage)), 403);
    assert_eq!(stage.records().last().map(|record| record.text("reason").to_owned()).as_deref(), Some("peer-revoked"));
    let order = br#"{"kind":"device","value":"d","tenant":"north"}"#;
    let fields = [("Content-Type", "application/json")];
    let answer = stage.wait(second.call("POST", "/-/revocations", &fields, order)).unwrap();
    assert_eq!((answer.status, stage.partner.progress().bytes), (403, bytes));
    let fault = stage.wait(Command::new(&stage).give(&stage.backend(gateway.address))).unwrap_err();
    assert!(matches!(fault, BackendFault::Handshake(_)), "{fault}");
}

#[test]
fn a_command_of_a_peer_that_is_revoked_while_the_partners_handshake_hangs_is_withdrawn() {
    let stage = Stage::new();
    stage.limit("connect_timeout_ms: 30s");
    let authority = &stage.pki.backend_authority;
    fs::write(stage.path("pki/clients.crl"), authority.crl(&[], day()).unwrap()).unwrap();
    let ca = "client_ca: pki/backend-authority.pem";
    stage.edit("gateway.yaml", ca, &format!("{ca}, crl: pki/clients.crl"));
    let gateway = Served::on(&stage);
    stage.partner.behave(Misbehaviour::HangInHandshake);
    let call = Command::new(&stage).begin(&stage, gateway.address);
    stage.partner_until(|partner| partner.hanging == 1);
    fs::write(stage.path("pki/clients.crl"), authority.crl(&[&stage.pki.backend], day()).unwrap()).unwrap();
    reloads(&gateway, "done", 1);
    stage.partner.release();
    call.told().is(403, "forbidden");
    assert_eq!(stage.story(), ["intent", "outcome withdrawn withdrawn peer-revoked"]);
    drop(gateway);
    stage.assert_nothing_was_sent();
}

#[test]
fn an_authority_that_is_trusted_no_longer_speaks_for_no_connection_that_stands() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let mut standing = stage.wait(stage.backend(gateway.address).connect()).unwrap();
    let mut second = stage.wait(stage.backend(gateway.address).connect()).unwrap();
    assert_eq!(on(&stage, &mut standing, &Command::new(&stage)), 200);
    let other = Authority::new("another authority", day()).unwrap();
    fs::write(stage.path("pki/backend-authority.pem"), other.pem()).unwrap();
    reloads(&gateway, "done", 1);
    assert_eq!(on(&stage, &mut standing, &Command::new(&stage)), 403);
    assert_eq!(
        stage.records().last().map(|record| record.text("reason").to_owned()).as_deref(),
        Some("peer-untrusted")
    );
    let both = other.pem() + &stage.pki.backend_authority.pem();
    fs::write(stage.path("pki/backend-authority.pem"), both).unwrap();
    reloads(&gateway, "done", 2);
    assert_eq!(on(&stage, &mut second, &Command::new(&stage)), 200, "one that asked for nothing meanwhile stands");
}

#[test]
fn a_new_identity_towards_the_partner_retires_the_connections_of_the_old_one() {
    let stage = Stage::new();
    stage.edit("gateway.yaml", "workers: 2", "workers: 1");
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    let connections = || {
        let answer = stage.wait(Command::new(&stage).give(&backend)).unwrap();
        (answer.status, stage.partner.progress().connections)
    };
    assert_eq!(connections(), (200, 1));
    assert_eq!(connections(), (200, 1), "the pool");
    let fresh = stage.pki.partner_authority.issue(&Leaf::client("spiffe://prop.example/portcullis", day())).unwrap();
    put(&stage, "gateway-at-partner", &fresh);
    reloads(&gateway, "done", 1);
    assert_eq!(connections(), (200, 2), "a new connection");
    stage.partner_until(|partner| partner.ended == 1);
    assert_eq!(connections(), (200, 2), "and its pool");
}

#[test]
fn sighup_takes_a_change_up_at_once_without_waiting_for_a_second_look() {
    let stage = Stage::new();
    let gateway = Process::on(&stage);
    let mut changes = 0;
    // No two looks a second apart find the same, so that only SIGHUP takes anything up.
    until("a change is taken up", || {
        changes += 1;
        fs::write(stage.path("pki/next.jwks"), stage.login.jwks() + &"\n".repeat(changes)).unwrap();
        fs::rename(stage.path("pki/next.jwks"), stage.path("pki/login.jwks")).unwrap();
        let hangup = std::process::Command::new("kill").args(["-HUP", &gateway.id().to_string()]).status().unwrap();
        assert!(hangup.success());
        // While a change is read there is no further one, or it would never be read whole.
        let is_taken =
            || !ops_page(gateway.ops, "/metrics").1.contains("portcullis_reloads_total{result=\"done\"} 0\n");
        (0..20).any(|_| is_taken())
    });
}

/// Starts with what has expired, and the partner away; a good command must then end so.
fn starts_though(what: &str, expire: impl FnOnce(&Stage, Validity), ends: Option<u16>) {
    let stage = Stage::new();
    let past = Validity { from: UnixSeconds::new(now().get() - 7_200), until: UnixSeconds::new(now().get() - 3_600) };
    expire(&stage, past);
    let gateway = Served::on(&stage);
    let answer = stage.wait(Command::new(&stage).give(&stage.backend(gateway.address)));
    assert_eq!(answer.ok().map(|answer| answer.status), ends, "{what}");
    assert_eq!(stage.partner.total_actuations(), 0, "{what}");
}

#[test]
fn nothing_that_has_expired_makes_a_restart_fail_and_each_is_refused_where_it_must() {
    // Our own certificate: shown all the same, and the caller refuses it.
    starts_though(
        "own certificate",
        |stage, past| {
            let leaf = Leaf::server(&[AUTHORITY, PARKLINE_AUTHORITY, "gateway.prop.example"], past);
            put(stage, "gateway", &stage.pki.gateway_authority.issue(&leaf).unwrap());
        },
        None,
    );
    // The authority of clients: it speaks for nobody.
    starts_though(
        "client authority",
        |stage, past| {
            fs::write(stage.path("pki/backend-authority.pem"), Authority::new("past", past).unwrap().pem()).unwrap();
        },
        None,
    );
    starts_though(
        "revocation list",
        |stage, past| {
            fs::write(stage.path("pki/clients.crl"), stage.pki.backend_authority.crl(&[], past).unwrap()).unwrap();
            let ca = "client_ca: pki/backend-authority.pem";
            stage.edit("gateway.yaml", ca, &format!("{ca}, crl: pki/clients.crl"));
        },
        None,
    );
    // The partner's authority, and our certificate for it: no connection, so nothing is sent.
    starts_though(
        "partner authority",
        |stage, past| {
            fs::write(stage.path("pki/partner-authority.pem"), Authority::new("past", past).unwrap().pem()).unwrap();
        },
        Some(502),
    );
    starts_though(
        "own certificate towards the partner",
        |stage, past| {
            put(stage, "gateway-at-partner", &stage.pki.partner_authority.issue(&Leaf::client(GATEWAY, past)).unwrap());
        },
        Some(502),
    );
    starts_though(
        "revocation list about the partner",
        |stage, past| {
            fs::write(stage.path("pki/partner.crl"), stage.pki.partner_authority.crl(&[], past).unwrap()).unwrap();
            let ca = "ca: pki/partner-authority.pem";
            stage.edit("gateway.yaml", ca, &format!("{ca}, crl: pki/partner.crl"));
        },
        Some(502),
    );
    starts_though("partner away", |stage, _| stage.wait(stage.partner.stop()), Some(502));
}
